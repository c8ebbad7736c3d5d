use super::*;
use crate::syntax::tree::Position;

fn option(name: &str, value: &str) -> ScriptOption {
    ScriptOption { at: Position::default(), name: name.into(), value: value.into() }
}

#[test]
fn options_change_the_defaults_in_any_order() {
    let options = [option("local_ip", "fd00::7"), option("ip_version", "ipv6"), option("mtu", "1280")];
    let network = Network::of(&options).unwrap();
    assert_eq!(network.local_end(), "[fd00::7]:8080".parse().unwrap());
    assert_eq!(network.remote_end(), "[2001:db8::1]:8080".parse().unwrap());
    assert_eq!(network.mtu, 1280);
    assert_eq!(network.host(Profile::Freebsd).interfaces[0].mtu, 1280);
}

#[test]
fn a_later_option_counts_and_ports_can_be_chosen() {
    let options = [option("bind_port", "1"), option("bind_port", "7000"), option("connect_port", "0x50")];
    let network = Network::of(&options).unwrap();
    assert_eq!((network.local_port, network.remote_port), (7000, 80));
}

#[test]
fn mapped_sockets_have_packets_of_ipv4() {
    let options = [option("ip_version", "ipv4-mapped-ipv6"), option("remote_ip", "::ffff:10.0.0.9")];
    let network = Network::of(&options).unwrap();
    assert!(network.mapped && !network.is_ipv6());
    assert_eq!(network.remote_end(), "10.0.0.9:8080".parse().unwrap());
}

#[test]
fn what_cannot_be_is_named() {
    for (name, value) in [("ip_version", "ipv5"), ("local_ip", "::1"), ("mtu", "20"), ("bind_port", "65536")]
    {
        let options = [option(name, value)];
        let (at, message) = Network::of(&options).unwrap_err();
        assert_eq!(at.name, name);
        assert!(message.contains(value), "{message}");
    }
}

#[test]
fn the_advertised_mss_fixes_the_mtu() {
    assert_eq!(Network::of(&[option("mss", "1040")]).unwrap().mtu, 1080);
    assert_eq!(Network::of(&[option("ip_version", "ipv6"), option("mss", "1040")]).unwrap().mtu, 1100);
}

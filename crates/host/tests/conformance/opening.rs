//! RFC 9293 §3.5, §3.9.1.1: OPEN.

use faultwire_host::{Errno, HostConfig, Interface, Route, SocketKind};
use faultwire_tcp::{Config, State};
use faultwire_wire::Flags;

use crate::drill::Drill;
use crate::{open, profiles};

const OTHER: [u8; 4] = [192, 168, 7, 1];

/// A second interface, over which the peer is reached.
fn two_homed(host: &mut HostConfig) {
    host.interfaces.push(Interface { address: OTHER.into(), mtu: 1500 });
    host.routes = vec![Route { destination: [192, 0, 2, 1].into(), source: OTHER.into(), mtu: 1500 }];
}

/// RFC 9293 §3.5 (MUST-10): both sides open at once, by the segments of figure 7.
#[test]
fn both_open_at_once() {
    for config in profiles() {
        let mut t = Drill::new(config);
        let fd = t.connect();
        t.expect("S 0:0(0) <...>");
        t.inject("+0.05 S 0:0(0) win 32792 <mss 1000>");
        t.expect("S. 0:0(0) ack 1 <...>");
        assert_eq!(t.state(), State::SynReceived);
        t.inject("+0.05 S. 0:0(0) ack 1 win 32792 <mss 1000>");
        assert_eq!(t.state(), State::Established);
        t.forget_sent();
        t.write(fd, 10).unwrap();
        t.expect("P. 1:11(10) ack 1");
        t.inject("+0.1 . 1:1(0) ack 11");
    }
}

/// RFC 9293 §3.5 (MUST-11): a RST in SYN-RECEIVED returns to LISTEN in silence what came from LISTEN, and refuses what
/// came from SYN-SENT.
#[test]
fn a_reset_in_syn_received() {
    for config in profiles() {
        let mut t = Drill::new(config.clone());
        t.listen();
        t.inject("S 0:0(0) win 32792 <mss 1000>");
        t.expect("S. 0:0(0) ack 1 <...>");
        t.inject("+0.1 R 1:1(0) win 0");
        assert_eq!(t.state(), State::Closed);
        t.expect_nothing_for_ms(10_000);
        t.passive("mss 1000");

        let mut t = Drill::new(config.clone());
        let fd = t.connect();
        t.expect("S 0:0(0) <...>");
        t.inject("+0.05 S 0:0(0) win 32792 <mss 1000>");
        t.expect("S. 0:0(0) ack 1 <...>");
        t.inject("+0.05 R 1:1(0) win 0");
        // Linux says ECONNREFUSED in SYN-SENT only.
        let error = if config == Config::linux() { Errno::ConnectionReset } else { Errno::ConnectionRefused };
        assert_eq!(t.error(fd), Some(error));
        t.expect_nothing_for_ms(10_000);
    }
}

/// RFC 9293 §3.9.1.1 (MUST-41): passive OPENs, on another port and again on the same one, leave a connection as it is.
#[test]
fn listening_disturbs_no_connection() {
    for config in profiles() {
        let (mut t, fd) = open(config);
        t.write(fd, 500).unwrap();
        t.expect("P. 1:501(500) ack 1");
        let before = format!("{:?} {:?}", t.info(fd), t.host.connection(fd));
        let listener = t.listen();
        t.host.listen(listener, 3).unwrap();
        let other = t.host.socket(SocketKind::Tcp, false);
        t.host.bind(other, ([0, 0, 0, 0], 81).into()).unwrap();
        t.host.listen(other, 3).unwrap();
        t.host.close(t.now, listener).unwrap();
        let again = t.host.socket(SocketKind::Tcp, false);
        t.host.set_option(t.now, again, faultwire_host::SocketOption::ReuseAddress(true)).unwrap();
        t.host.bind(again, t.local).unwrap();
        t.host.listen(again, 3).unwrap();
        t.drain();
        assert_eq!(format!("{:?} {:?}", t.info(fd), t.host.connection(fd)), before);
        t.expect_nothing();
        t.inject("+0.1 . 1:1(0) ack 501");
        t.expect_nothing_for_ms(5000);
    }
}

/// RFC 9293 §3.9.1.1 (MUST-42): a port can be listened on while a connection from it is in SYN-SENT, and both go on.
#[test]
fn listening_beside_an_open() {
    for config in profiles() {
        let mut t = Drill::new(config);
        let listener = t.listen();
        let fd = t.host.socket(SocketKind::Tcp, false);
        t.host.set_option(t.now, fd, faultwire_host::SocketOption::ReuseAddress(true)).unwrap();
        t.host.close(t.now, listener).unwrap();
        t.host.bind(fd, t.local).unwrap();
        t.connect_with(fd);
        t.expect("S 0:0(0) <...>");
        let passive = t.host.socket(SocketKind::Tcp, false);
        t.host.set_option(t.now, passive, faultwire_host::SocketOption::ReuseAddress(true)).unwrap();
        t.host.bind(passive, t.local).unwrap();
        assert_eq!(t.host.listen(passive, 3), Ok(()));
        t.inject("+0.1 S. 0:0(0) ack 1 win 32792 <mss 1000>");
        t.expect(". 1:1(0) ack 1 <...>");
        assert_eq!(t.state(), State::Established);
        // Another peer finds the listener.
        t.new_peer();
        t.inject("+0.1 S 0:0(0) win 32792 <mss 1000>");
        t.expect("S. 0:0(0) ack 1 <...>");
        t.inject("+0.1 . 1:1(0) ack 1");
        assert!(t.host.accept(passive).is_ok());
    }
}

/// RFC 9293 §3.9.1.1 (MUST-43): the user says which of the host's addresses a connection begins from.
#[test]
fn the_user_chooses_the_local_address() {
    for config in profiles() {
        let mut t = Drill::with(config, two_homed);
        let fd = t.host.socket(SocketKind::Tcp, false);
        t.host.bind(fd, (t.local.ip(), 0).into()).unwrap();
        let _ = t.host.connect(t.now, fd, ([192, 0, 2, 1], 80).into());
        t.drain();
        let syn = t.expect_any();
        assert_eq!(syn.ip.source, t.local.ip());
    }
}

/// RFC 9293 §3.9.1.1 (MUST-44): without a choice of the user, the way to the peer decides, before the SYN is sent.
#[test]
fn the_route_chooses_the_local_address() {
    for config in profiles() {
        let mut t = Drill::with(config, two_homed);
        let fd = t.host.socket(SocketKind::Tcp, false);
        let _ = t.host.connect(t.now, fd, ([192, 0, 2, 1], 80).into());
        t.drain();
        let syn = t.expect_any();
        assert_eq!(syn.ip.source, std::net::IpAddr::from(OTHER));
        assert_eq!(t.host.local_address(fd).unwrap().ip(), std::net::IpAddr::from(OTHER));
    }
}

/// RFC 9293 §3.9.1.1 (MUST-45): all segments of a connection come from the address that it began with, SYN-ACK, data,
/// ACK, FIN and RST, although the way back is over the other interface.
#[test]
fn the_local_address_stays() {
    for config in profiles() {
        let mut t = Drill::with(config, two_homed);
        let fd = t.passive("mss 1000");
        t.write(fd, 100).unwrap();
        t.inject("+0.1 P. 1:101(100) ack 101");
        t.inject("P. 1:101(100) ack 101");
        t.shutdown(fd, faultwire_host::How::Write).unwrap();
        t.inject("+0.1 . 101:101(0) ack 102");
        t.abort(fd);
        let mut seen = Flags::NONE;
        while let Some(packet) = t.try_expect_any() {
            assert_eq!(packet.ip.source, t.local.ip());
            let faultwire_wire::Body::Tcp(segment) = &packet.body else { panic!("not a segment") };
            seen |= segment.flags;
        }
        assert!(seen.contains(Flags::FIN | Flags::RST | Flags::ACK | Flags::PSH), "{seen:?}");
    }
}

/// RFC 9293 §3.9.1.1 (MUST-46): nothing is sent to an address that is not one host's.
#[test]
fn no_open_to_an_invalid_address() {
    for config in [Config::rfc(), Config::linux()] {
        for to in ["255.255.255.255:80", "224.0.0.1:80", "239.255.255.250:80", "0.0.0.0:80"] {
            let mut t = Drill::new(config.clone());
            let fd = t.host.socket(SocketKind::Tcp, false);
            let result = t.host.connect(t.now, fd, to.parse().unwrap());
            assert_eq!(result, Err(Errno::NetworkUnreachable), "{to}");
            t.drain();
            t.expect_nothing_for_ms(10_000);
        }
        for to in ["[ff02::1]:80", "[ff0e::1]:80", "[::]:80"] {
            let mut t = Drill::ipv6(config.clone());
            let fd = t.host.socket(SocketKind::Tcp, true);
            let result = t.host.connect(t.now, fd, to.parse().unwrap());
            assert_eq!(result, Err(Errno::NetworkUnreachable), "{to}");
            t.drain();
            t.expect_nothing_for_ms(10_000);
        }
    }
}

use super::parse;
use super::tree::Action;

#[test]
fn the_shape_of_a_script() {
    let source = "--ip_version=ipv4\n`sysctl -w net.inet.tcp.ecn.enable=0`\n 0.000 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0.000 < S 0:0(0) win 1 <mss 1460,sackOK>\n* > S. 0:0(0) ack 1 <...>\n`true`\n";
    let script = parse(source, &[], None).expect("a script");
    assert_eq!(script.events.len(), 3);
    assert!(matches!(script.events[2].action, Action::Outbound(_)));
    assert_eq!(script.cleanup.expect("a command").text, "true");
}

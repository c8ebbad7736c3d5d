//! What Linux does otherwise: points of its profile on the wire that no other test has.

mod drill;

use drill::Drill;
use faultwire_tcp::Config;

/// `tcp_select_initial_window`: 44 segments of 1460 octets in a SYN, 45 of 1448 in a SYN-ACK with timestamps.
#[test]
fn first_windows() {
    let mut t = Drill::new(Config::linux());
    let fd = t.connect();
    t.expect("S 0:0(0) win 64240 <...>");
    t.close(fd);
    let cases = [
        ("mss 1460,sackOK,nop,wscale 7", 64_240, "mss 1460,nop,nop,sackOK,nop,wscale 10"),
        ("mss 1460,nop,wscale 7", 64_240, "mss 1460,nop,wscale 10"),
        (
            "mss 1460,sackOK,TS val 9 ecr 0,nop,wscale 7",
            65_160,
            "mss 1460,sackOK,TS val 7 ecr 9,nop,wscale 10",
        ),
    ];
    for (syn, window, syn_ack) in cases {
        let mut t = Drill::new(Config::linux());
        t.listen();
        t.inject(&format!("S 0:0(0) win 65535 <{syn}>"));
        t.expect(&format!("S. 0:0(0) ack 1 win {window} <{syn_ack}>"));
    }
}

/// `tcp_reset_check`, and the right edge of what SACK reports (`tcp_validate_incoming`).
#[test]
fn resets_beside_the_left_edge() {
    let mut t = Drill::new(Config::linux());
    let fd = t.passive("mss 1000,sackOK,eol,eol");
    t.inject("+0.1 . 1001:2001(1000) ack 1 win 500");
    t.expect(". 1:1(0) ack 1 <nop,nop,sack 1001:2001>");
    t.inject("+1 R 2002:2002(0) win 0");
    t.expect(". 1:1(0) ack 1 <nop,nop,sack 1001:2001>");
    t.inject("+1 R 2001:2001(0) win 0");
    assert_eq!(t.error(fd), Some(faultwire_host::Errno::ConnectionReset));
    t.close(fd);
}

/// `tcp_disordered_ack`: an ACK one tick old passes, and data of then does not.
#[test]
fn timestamps_that_are_a_little_old() {
    let mut t = Drill::new(Config::linux());
    let fd = t.passive("mss 1000,sackOK,nop,nop,TS val 1000 ecr 0");
    t.inject("+1 P. 1:11(10) ack 1 win 500 <nop,nop,TS val 1099 ecr 100>");
    t.expect(". 1:1(0) ack 11 <nop,nop,TS val 1200 ecr 1100>");
    assert_eq!(t.peek(fd), Ok(10));
    t.inject("+1 P. 11:21(10) ack 1 win 500 <nop,nop,TS val 1098 ecr 100>");
    t.expect(". 1:1(0) ack 11 <nop,nop,TS val 2200 ecr 1100>");
    assert_eq!(t.peek(fd), Ok(10));
}

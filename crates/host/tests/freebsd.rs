//! What FreeBSD does otherwise: each point of its profile on the wire.

mod drill;

use drill::Drill;
use faultwire_host::{Errno, How, SysctlValue, apply_sysctl};
use faultwire_tcp::{Config, State};

/// `tcp_addoptions`: MSS, NOP, window scale, SACK-permitted, timestamps; `tcp_output`: 65535 on a SYN; retransmissions
/// after 1 s, then 2 s and 4 s with the slop of 200 ms; `net.inet.tcp.keepinit` ends it after 75 s.
#[test]
fn an_attempt_without_answer() {
    let mut t = Drill::new(Config::freebsd());
    let fd = t.connect();
    t.play(
        "+0   > S 0:0(0) win 65535 <mss 1460,nop,wscale 6,sackOK,TS val 100 ecr 0>
         +1.0 > S 0:0(0) win 65535 <mss 1460,nop,wscale 6,sackOK,TS val 1100 ecr 0>
         +2.2 > S 0:0(0) win 65535 <mss 1460,nop,wscale 6,sackOK,TS val 3300 ecr 0>
         +4.2 > S 0:0(0) win 65535 <mss 1460,nop,wscale 6,sackOK,TS val 7500 ecr 0>
         +8.2 > S 0:0(0) win 65535 <mss 1460,nop,wscale 6,sackOK,TS val 15700 ecr 0>
         +16.2 > S 0:0(0) win 65535 <mss 1460,nop,wscale 6,sackOK,TS val 31900 ecr 0>
         +32.2 > S 0:0(0) win 65535 <mss 1460,nop,wscale 6,sackOK,TS val 64100 ecr 0>",
    );
    t.expect_nothing_until_ms(74_999);
    assert_eq!(t.error(fd), None);
    t.expect_nothing_until_ms(75_000);
    assert_eq!(t.error(fd), Some(Errno::TimedOut));
    t.close(fd);
}

/// The SYN-ACK offers back what the SYN offered, padded by an end-of-list; the buffer is rounded up to full segments and
/// the field up to the scale.
#[test]
fn options_and_windows_of_a_passive_open() {
    let cases = [
        ("mss 1460,sackOK,eol,eol", "mss 1460,sackOK,eol,eol", 65_535),
        ("mss 1460", "mss 1460", 65_535),
        ("mss 1460,nop,wscale 7", "mss 1460,nop,wscale 6", 1027),
        ("mss 1460,sackOK,nop,nop,nop,wscale 7", "mss 1460,nop,wscale 6,sackOK,eol,eol", 1027),
    ];
    for (syn, syn_ack, window) in cases {
        let mut t = Drill::new(Config::freebsd());
        t.listen();
        t.inject(&format!("S 0:0(0) win 65535 <{syn}>"));
        t.expect(&format!("S. 0:0(0) ack 1 win 65535 <{syn_ack}>"));
        t.inject("+0.1 . 1:1(0) ack 1 win 500");
        let fd = t.accept();
        assert_eq!(t.write(fd, 100), Ok(100));
        t.expect(&format!("P. 1:101(100) ack 1 win {window}"));
        t.inject("+0.1 . 1:1(0) ack 101 win 500");
    }
    // IPv6: 46 segments of 1440 octets.
    let mut t = Drill::ipv6(Config::freebsd());
    let fd = t.active("mss 1440,nop,wscale 7");
    assert_eq!(t.write(fd, 100), Ok(100));
    t.expect("P. 1:101(100) ack 1 win 1035");
    t.inject("+0.1 . 1:1(0) ack 101 win 500");
}

/// `DELAY_ACK`: 40 ms, but every second segment at once, however short.
#[test]
fn delayed_acknowledgments() {
    let mut t = Drill::new(Config::freebsd());
    let _fd = t.passive("mss 1460");
    t.inject("+0.1 P. 1:11(10) ack 1 win 500");
    t.expect("+0.04 . 1:1(0) ack 11");
    t.inject("+0.1 P. 11:21(10) ack 1 win 500");
    t.inject("+0.01 P. 21:31(10) ack 1 win 500");
    t.expect("+0 . 1:1(0) ack 31");
    t.expect_nothing_for_ms(1000);
}

/// `tcp_disconnect` throws unread data away and sends a FIN; what comes after that is answered by a RST.
#[test]
fn close_with_unread_data() {
    let mut t = Drill::new(Config::freebsd());
    let fd = t.passive("mss 1460");
    t.inject("+0.1 P. 1:11(10) ack 1 win 500");
    t.expect("+0.04 . 1:1(0) ack 11");
    t.close(fd);
    t.expect("F. 1:1(0) ack 11");
    t.inject("+0.1 P. 11:21(10) ack 1 win 500");
    t.expect("R 1:1(0) win 0");
    assert_eq!(t.state(), State::Closed);
}

/// `sosend` looks at SBS_CANTSENDMORE before so_error, `soreceive` at so_error first.
#[test]
fn a_write_after_a_reset() {
    let mut t = Drill::new(Config::freebsd());
    let fd = t.passive("mss 1460");
    t.inject("+0.1 R. 1:1(0) ack 1");
    assert_eq!(t.write(fd, 10), Err(Errno::PipeBroken));
    assert_eq!(t.read(fd, 10), Err(Errno::ConnectionReset));
}

/// The RST of an abort has an ACK, no window, and the timestamps.
#[test]
fn abort() {
    let mut t = Drill::new(Config::freebsd());
    let fd = t.passive("mss 1460,nop,nop,TS val 7 ecr 0");
    t.abort(fd);
    t.expect("R. 1:1(0) ack 1 win 0 <nop,nop,TS val 200 ecr 107>");
}

/// FIN-WAIT-2 of nobody: 8 probe intervals of 75 s are not too long yet, 9 are (`tcp_timer_2msl`).
#[test]
fn fin_wait_2() {
    let mut t = Drill::new(Config::freebsd());
    let fd = t.passive("mss 1460");
    t.close(fd);
    t.expect("F. 1:1(0) ack 1");
    t.inject("+0.1 . 1:1(0) ack 2 win 500");
    t.expect_nothing_for_ms(674_999);
    assert_eq!(t.state(), State::FinWait2);
    t.expect_nothing_for_ms(1);
    assert_eq!(t.state(), State::Closed);
}

/// `tcp_twcheck`: a RST is ignored, a SYN that is refused gets nothing, a FIN restarts the clock, data gets an ACK.
#[test]
fn time_wait() {
    let mut t = Drill::new(Config::freebsd());
    let fd = t.active("mss 1000");
    t.shutdown(fd, How::Write).unwrap();
    t.expect("F. 1:1(0) ack 1");
    t.inject("+0.04 F. 1:1(0) ack 2 win 500");
    t.expect(". 2:2(0) ack 2");
    t.inject("+0.1 R 2:2(0) win 0");
    t.inject("+0 S 1:1(0) win 0 <mss 1000>");
    t.expect_nothing();
    t.mapping.remote_isn = 0;
    t.inject("+0 P. 1:1(0) ack 2 win 500");
    t.expect(". 2:2(0) ack 2");
    t.inject("+10 F. 1:1(0) ack 2 win 500");
    t.expect(". 2:2(0) ack 2");
    t.expect_nothing_for_ms(59_999);
    assert_eq!(t.state(), State::TimeWait);
    t.expect_nothing_for_ms(1);
    assert_eq!(t.info(fd).state, State::Closed);
    t.close(fd);
}

/// A segment that is old by its sequence number still acknowledges.
#[test]
fn the_ack_of_old_data_counts() {
    let mut t = Drill::new(Config::freebsd());
    let fd = t.passive("mss 1460");
    t.inject("+0.1 P. 1:11(10) ack 1 win 500");
    t.expect("+0.04 . 1:1(0) ack 11");
    assert_eq!(t.write(fd, 10), Ok(10));
    t.expect("P. 1:11(10) ack 11");
    t.inject("+0.01 P. 1:11(10) ack 11 win 500");
    t.expect(". 11:11(0) ack 11");
    assert_eq!(t.info(fd).unacknowledged, 0);
}

/// `net.inet.tcp.blackhole`: a closed port answers no SYN, or nothing at all.
#[test]
fn black_hole() {
    for (mode, replies) in [(0, [true, true]), (1, [false, true]), (2, [false, false])] {
        let mut t = Drill::with(Config::freebsd(), |host| {
            apply_sysctl(host, "net.inet.tcp.blackhole", &SysctlValue::Integer(mode)).unwrap();
        });
        t.inject("S 0:0(0) win 100");
        if replies[0] {
            t.expect("R. 0:0(0)! ack 1 win 0");
        }
        t.inject("+1 . 1:1(0) ack 1 win 100");
        if replies[1] {
            t.expect("R 1:1(0) win 0");
        }
    }
}

/// `insecure_rst`, `insecure_syn`, `drop_synfin`: the rules of before RFC 5961.
#[test]
fn insecure_settings() {
    let with = |name: &'static str| {
        Drill::with(Config::freebsd(), move |host| {
            apply_sysctl(host, name, &SysctlValue::Integer(1)).unwrap();
        })
    };
    let mut t = with("net.inet.tcp.insecure_rst");
    let fd = t.passive("mss 1460");
    t.inject("+0.1 R 2000:2000(0) win 0");
    assert_eq!(t.error(fd), Some(Errno::ConnectionReset));
    t.close(fd);

    let mut t = with("net.inet.tcp.insecure_syn");
    let fd = t.passive("mss 1460");
    t.inject("+0.1 S 2000:2000(0)! win 100");
    t.expect("R. 1:1(0) ack 1 win 0");
    assert_eq!(t.error(fd), Some(Errno::ConnectionReset));
    t.close(fd);

    let mut t = with("net.inet.tcp.drop_synfin");
    t.listen();
    t.inject("SF 0:0(0) win 100 <mss 1460>");
    t.expect_nothing_for_ms(10_000);
}

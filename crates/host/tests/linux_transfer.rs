//! What Linux 6.18 does while data is on its way, where the standards leave it open.

mod drill;

use drill::Drill;
use faultwire_host::{Errno, SocketOption, SysctlValue, apply_sysctl};
use faultwire_tcp::Config;

const OPTIONS: &str = "mss 1000,sackOK,nop,nop,nop,wscale 7";

/// A drill with a connection whose peer offers `window`, in units of 128 octets.
fn with_window(window: u32) -> (Drill, faultwire_host::Fd) {
    let mut t = Drill::new(Config::linux());
    t.listen();
    t.inject(&format!("S 0:0(0) win 32792 <{OPTIONS}>"));
    t.expect("S. 0:0(0) ack 1 <...>");
    t.inject(&format!("+.1 . 1:1(0) ack 1 win {window}"));
    let fd = t.accept();
    (t, fd)
}

/// As Linux 6.18 does: a segment holds no more than half of the largest window that the peer offered; a window of 536
/// octets or less may be filled by one. The window of the SYN does not count.
#[test]
fn half_of_a_small_window_is_a_segment() {
    for (window, segment) in [(4, 512), (8, 512), (10, 640), (15, 960), (16, 1000)] {
        let (mut t, fd) = with_window(window);
        assert_eq!(t.info(fd).field("snd_mss"), Some(segment), "{window}");
        t.write(fd, segment as u32).unwrap();
        t.expect(&format!("P. 1:{}({segment}) ack 1", segment + 1));
        t.forget_sent();
    }
}

/// As Linux 6.18 does: PSH at the end of a burst is not repeated with one segment of it alone, but with several.
#[test]
fn a_burst_that_goes_again() {
    let (mut t, fd) = with_window(2000);
    t.write(fd, 10_000).unwrap();
    t.forget_sent();
    t.inject("+.1 . 1:1(0) ack 1 win 2000 <nop,nop,sack 9001:10001>");
    t.pass_ms(500);
    t.forget_sent();
    t.play(
        "+.05 < . 1:1(0) ack 1001 win 2000 <nop,nop,sack 9001:10001>
         > . 1001:2001(1000) ack 1
         > . 2001:3001(1000) ack 1
         +.002 < . 1:1(0) ack 3001 win 2000 <nop,nop,sack 9001:10001>
         > . 3001:4001(1000) ack 1
         > . 4001:5001(1000) ack 1
         > P. 5001:6001(1000) ack 1
         > . 6001:7001(1000) ack 1",
    );
}

/// As Linux 6.18 does: what goes again is cut at the right edge of a window that shrank.
#[test]
fn retransmissions_stay_inside_the_window() {
    let (mut t, fd) = with_window(20);
    t.write(fd, 3000).unwrap();
    t.play(
        "> . 1:1001(1000) ack 1
         > P. 1001:2001(1000) ack 1
         +.1 < . 1:1(0) ack 1001 win 2
         +.3 > . 1001:1257(256) ack 1
         +.3 > . 1001:1257(256) ack 1
         +.6 > . 1001:1257(256) ack 1",
    );
    t.forget_sent();
}

/// As Linux 6.18 does: after a FIN the peer waits for an answer, so its ACK waits too; it goes at once if there was no
/// data before.
#[test]
fn a_fin_is_acknowledged_with_delay() {
    let mut t = Drill::new(Config::linux());
    t.passive(OPTIONS);
    t.inject("+.1 F. 1:1(0) ack 1 win 257");
    t.expect(". 1:1(0) ack 2");
    let mut t = Drill::new(Config::linux());
    t.passive(OPTIONS);
    t.inject("+.1 FP. 1:101(100) ack 1 win 257");
    t.expect("+.04 . 1:1(0) ack 102");
}

/// As Linux 6.18 does: an ACK of what was never sent is answered within the limit on challenges, the state being
/// ESTABLISHED or not (RFC 5961 §5.2).
#[test]
fn an_ack_of_the_future_is_challenged() {
    let mut t = Drill::new(Config::linux());
    let fd = t.passive(OPTIONS);
    t.inject("+.1 . 1:1(0) ack 1001 win 257");
    t.expect(". 1:1(0) ack 1");
    t.inject("+.1 . 1:1(0) ack 1001 win 257");
    t.expect_nothing_for_ms(100);
    t.inject("+.4 P. 1:11(10) ack 1001 win 257");
    t.expect(". 1:1(0) ack 1");
    assert_eq!(t.read(fd, 10), Err(Errno::WouldBlock));
}

/// As Linux 6.18 does: an answer that leaves the window closed starts the interval of the probes anew.
#[test]
fn an_answered_probe() {
    let (mut t, fd) = with_window(16);
    t.write(fd, 4000).unwrap();
    t.forget_sent();
    t.inject("+.1 . 1:1(0) ack 2001 win 0");
    t.expect("+.3 . 2000:2000(0) ack 1");
    t.inject("+.05 . 1:1(0) ack 2001 win 0");
    assert_eq!((t.info(fd).field("backoff"), t.info(fd).field("probes")), (Some(1), Some(0)));
    t.expect("+.6 . 2000:2000(0) ack 1");
    t.inject("+.05 . 1:1(0) ack 2001 win 100");
    t.expect(". 2001:3001(1000) ack 1");
    t.expect("P. 3001:4001(1000) ack 1");
    assert_eq!(t.info(fd).field("backoff"), Some(0));
}

/// As Linux 6.18 does: the end of one buffer is sent together with the beginning of the next, and several segments wait
/// for an ACK that is overdue, if they are less than a third of the window and something was sent just now.
#[test]
fn bursts_over_the_end_of_a_buffer_and_bursts_that_wait() {
    let (mut t, fd) = with_window(2000);
    t.write(fd, 2000).unwrap();
    t.write(fd, 2500).unwrap();
    t.write(fd, 1500).unwrap();
    t.play(
        "> . 1:1001(1000) ack 1
         > P. 1001:2001(1000) ack 1
         > . 2001:3001(1000) ack 1
         > P. 3001:4001(1000) ack 1
         > P. 4001:4501(500) ack 1
         > . 4501:5501(1000) ack 1
         +.1 < . 1:1(0) ack 4001 win 2000",
    );
    t.pass_ms(100);
    for _ in 0..4 {
        t.write(fd, 3000).unwrap();
    }
    for start in [5501, 8501, 11_501] {
        t.expect(&format!(". {start}:{}(1000) ack 1", start + 1000));
        t.expect(&format!("P. {}:{}(1000) ack 1", start + 1000, start + 2000));
        t.expect(&format!(". {}:{}(1000) ack 1", start + 2000, start + 3000));
    }
    t.play(
        "> . 14501:15501(1000) ack 1
         > P. 15501:16501(1000) ack 1",
    );
    t.expect_nothing();
    assert_eq!((t.info(fd).field("snd_cwnd"), t.info(fd).field("unacked")), (Some(14), Some(13)));
    t.inject("+.01 . 1:1(0) ack 5501 win 2000");
    t.expect(". 16501:17501(1000) ack 1");
    t.forget_sent();
}

/// As Linux 6.18 does: the window follows from the memory that segments cost. tcp_rmem 4096 540000 15000000, nobody reads.
#[test]
fn windows_while_nobody_reads() {
    let windows = |length: u32, count: u32| {
        let mut t = Drill::with(Config::linux(), |config| {
            let sizes = SysctlValue::List(vec![4_096, 540_000, 15_000_000]);
            apply_sysctl(config, "tcp_rmem", &sizes).unwrap();
        });
        t.passive("mss 1460,sackOK,nop,nop,nop,wscale 7");
        let mut windows = Vec::new();
        for n in 0..count {
            let start = n * length + 1;
            t.inject(&format!("+.01 . {start}:{}({length}) ack 1 win 257", start + length));
            let faultwire_wire::Body::Tcp(segment) = t.expect_any().body else { panic!("no segment") };
            windows.push(segment.window);
        }
        windows
    };
    // Each costs 2304: 1000 octets are 111/256 of that, which is less than half, 1460 are 162/256.
    assert_eq!(windows(1000, 6), [1046, 1043, 1040, 1037, 1034, 1031]);
    assert_eq!(windows(1460, 6), [1061, 1073, 1084, 1095, 1107, 1118]);
    assert_eq!(windows(100, 3), [1049, 1049, 1049]);
}

/// As Linux 6.18 does: `tcpi_busy_time` and `tcpi_rwnd_limited` while a window is closed, and after it opened.
#[test]
fn what_keeps_a_sender() {
    let (mut t, fd) = with_window(16);
    let times = |t: &Drill| {
        let info = t.host.info_at(t.now, fd).unwrap();
        ["busy_time", "rwnd_limited", "sndbuf_limited"].map(|name| info.field(name).unwrap() / 1000)
    };
    assert_eq!(times(&t), [0, 0, 0]);
    t.write(fd, 4000).unwrap();
    t.pass_ms(100);
    // Of 4000 octets 2048 fit the window.
    assert_eq!(times(&t), [100, 100, 0]);
    t.inject(". 1:1(0) ack 2001 win 0");
    t.pass_ms(200);
    assert_eq!(times(&t), [300, 300, 0]);
    t.inject(". 1:1(0) ack 2001 win 100");
    t.pass_ms(100);
    assert_eq!(times(&t), [400, 300, 0]);
    t.inject(". 1:1(0) ack 4001 win 100");
    t.pass_ms(100);
    assert_eq!(times(&t), [400, 300, 0]);
    t.forget_sent();
}

/// As Linux 6.18 does: SO_RCVBUF of a listener fixes buffer, window and scale; a segment that ends beyond the window is
/// dropped whole while data waits to be read; the reader opens the window again.
#[test]
fn a_small_receive_buffer() {
    let mut t = Drill::new(Config::linux());
    let listener = t.listen();
    t.setsockopt(listener, SocketOption::ReceiveBuffer(8192));
    t.inject(&format!("S 0:0(0) win 32792 <{OPTIONS}>"));
    t.expect("S. 0:0(0) ack 1 win 7300 <mss 1460,nop,nop,sackOK,nop,wscale 0>");
    t.inject("+.1 . 1:1(0) ack 1 win 257");
    let fd = t.accept();
    for (end, window) in [(1001, 6300), (2001, 5300), (3001, 4300)] {
        t.inject(&format!("+.01 . {}:{end}(1000) ack 1 win 257", end - 1000));
        t.expect(&format!(". 1:1(0) ack {end} win {window}"));
    }
    // Little memory is left: no more quick ACKs.
    t.inject("+.01 . 3001:4001(1000) ack 1 win 257");
    t.inject("+.01 . 4001:5001(1000) ack 1 win 257");
    t.inject("+.01 . 5001:6001(1000) ack 1 win 257");
    t.expect_nothing();
    t.pass_ms(100);
    t.expect("* . 1:1(0) ack 6001 win 1300");
    t.inject("+.01 . 6001:7001(1000) ack 1 win 257");
    t.pass_ms(200);
    t.expect("* . 1:1(0) ack 7001 win 300");
    t.inject("+.01 . 7001:8001(1000) ack 1 win 257");
    t.expect(". 1:1(0) ack 7001 win 300");
    assert_eq!(t.read(fd, 20_000), Ok(7000));
    t.expect(". 1:1(0) ack 7001 win 7000");
}

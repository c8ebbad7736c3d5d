//! Drills of what the kernels do in their own way: resets and losses in the handshake, acknowledgments, windows, memory.

mod drill;

use drill::Drill;
use faultwire_tcp::Config;

/// Linux (`tcp_validate_incoming`): a SYN below the window is answered by a challenge ACK like any other, and counts.
#[test]
fn a_syn_below_the_window_is_challenged() {
    let mut t = Drill::new(Config::linux());
    let fd = t.passive("mss 1000");
    t.inject("+1 P. 1:101(100) ack 1 win 32792");
    t.expect(". 1:1(0) ack 101");
    t.inject("+1 S 0:0(0) win 32792 <mss 1000>");
    t.expect(". 1:1(0) ack 101");
    assert_eq!(t.host.connections().next().unwrap().detail.as_ref().unwrap().counters.challenge_acks, 1);
    assert_eq!(t.read(fd, 100), Ok(100));
}

/// Linux (`tcp_init_transfer`): the initial window shrinks to one segment from the second lost SYN on; the letter of
/// RFC 5681 §3.1 has it at the first.
#[test]
fn the_first_window_after_lost_syns() {
    for (config, lost, window) in
        [(Config::linux(), 1, 10_000), (Config::linux(), 2, 1000), (Config::rfc(), 1, 1000)]
    {
        let mut t = Drill::new(config);
        let fd = t.connect();
        t.expect("S 0:0(0) <...>");
        for _ in 0..lost {
            t.pass_ms(1000);
            t.expect("S 0:0(0) <...>");
        }
        t.inject("+.1 S. 0:0(0) ack 1 win 32792 <mss 1000>");
        t.expect(". 1:1(0) ack 1");
        assert_eq!(t.info(fd).congestion_window, window);
        t.close(fd);
        t.forget_sent();
    }
}

/// Linux (`tcp_try_undo_spurious_syn`): the echo tells that the first SYN arrived.
#[test]
fn a_late_answer_to_the_first_syn() {
    let mut t = Drill::new(Config::linux());
    let fd = t.connect();
    let syn = t.expect("S 0:0(0) <...>");
    t.mapping.set_timestamp(100, syn.options.timestamps().unwrap().0);
    for _ in 0..2 {
        t.pass_ms(1000);
        t.expect("S 0:0(0) <...>");
    }
    t.inject("+.1 S. 0:0(0) ack 1 win 32792 <mss 1012,nop,nop,TS val 7 ecr 100>");
    t.expect(". 1:1(0) ack 1 <...>");
    assert_eq!(t.info(fd).congestion_window, 10_000);
    t.close(fd);
    t.forget_sent();
}

/// Linux (`tcp_init_metrics`): a handshake without a measurement leaves a timeout of three seconds.
#[test]
fn the_first_timeout_after_a_lost_syn() {
    let mut t = Drill::new(Config::linux());
    let fd = t.connect();
    t.expect("S 0:0(0) <...>");
    t.pass_ms(1000);
    t.expect("S 0:0(0) <...>");
    t.inject("+.1 S. 0:0(0) ack 1 win 32792 <mss 1000>");
    t.expect(". 1:1(0) ack 1");
    assert_eq!(t.write(fd, 100), Ok(100));
    t.expect("P. 1:101(100) ack 1");
    t.expect("+3 P. 1:101(100) ack 1");
    t.inject("+.1 . 1:1(0) ack 101 win 32792");
    t.close(fd);
    t.forget_sent();
}

/// Linux (`tcp_cleanup_rbuf`): a read that empties the buffer sends the ACK of a short segment that waits, unless the
/// connection is interactive.
#[test]
fn a_read_sends_the_ack() {
    let mut t = Drill::new(Config::linux());
    let fd = t.passive("mss 1000");
    for segment in 0..16 {
        let start = segment * 10 + 1;
        t.inject(&format!("+.01 P. {start}:{}(10) ack 1 win 32792", start + 10));
        t.expect(&format!(". 1:1(0) ack {}", start + 10));
    }
    t.inject("+.01 P. 161:171(10) ack 1 win 32792");
    t.expect_nothing();
    t.pass_ms(5);
    assert_eq!(t.read(fd, 169), Ok(169));
    t.expect_nothing();
    assert_eq!(t.read(fd, 1), Ok(1));
    t.expect(". 1:1(0) ack 171");
    // Nobody reads: the timer.
    t.inject("+.01 P. 171:181(10) ack 1 win 32792");
    t.expect("+.04 . 1:1(0) ack 181");
    t.inject("+.01 P. 181:191(10) ack 1 win 32792");
    assert_eq!(t.read(fd, 20), Ok(20));
    t.expect(". 1:1(0) ack 191");
    // It answers: interactive.
    assert_eq!(t.write(fd, 10), Ok(10));
    t.expect("P. 1:11(10) ack 191");
    t.inject("+.01 P. 191:201(10) ack 11 win 32792");
    assert_eq!(t.read(fd, 10), Ok(10));
    t.expect_nothing();
    t.inject("+.01 P. 201:211(10) ack 11 win 32792");
    assert_eq!(t.read(fd, 10), Ok(10));
    // Two short ones.
    t.expect(". 11:11(0) ack 211");
}

/// Linux: a segment that comes twice means that ACKs got lost; the next ones are quick again.
#[test]
fn a_duplicate_quickens() {
    let mut t = Drill::new(Config::linux());
    let fd = t.passive("mss 1000");
    t.inject("+.01 P. 1:11(10) ack 1 win 32792");
    t.expect(". 1:1(0) ack 11");
    assert_eq!(t.write(fd, 10), Ok(10));
    t.expect("P. 1:11(10) ack 11");
    t.inject("+.01 P. 11:21(10) ack 11 win 32792");
    t.expect_nothing();
    t.inject("+.01 P. 1:11(10) ack 11 win 32792");
    t.expect(". 11:11(0) ack 21");
    t.inject("+.01 P. 21:31(10) ack 11 win 32792");
    t.expect(". 11:11(0) ack 31");
    assert_eq!(t.read(fd, 40), Ok(30));
}

/// Every other octet of the window: what is out of order costs no more than twice the buffer, and what lies nearest is
/// kept, so that the stream goes on.
#[test]
fn islands_cost_no_more_than_the_buffer() {
    for config in [Config::rfc(), Config::linux(), Config::freebsd()] {
        let mut t = Drill::new(config);
        let fd = t.passive("mss 1000,sackOK");
        for island in 0..15_000 {
            let start = 2 * island + 2;
            t.inject(&format!(". {start}:{}(1) ack 1 win 32792", start + 1));
        }
        t.forget_sent();
        let heap = t.host.connections().next().unwrap().detail.unwrap().heap_octets;
        assert!(heap < 2 << 20, "{heap}");
        for island in 0..500 {
            let start = 2 * island + 1;
            t.inject(&format!(". {start}:{}(1) ack 1 win 32792", start + 1));
        }
        t.forget_sent();
        assert_eq!(t.read(fd, 2000), Ok(1000));
        t.forget_sent();
    }
}

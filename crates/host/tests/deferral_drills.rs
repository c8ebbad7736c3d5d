//! Drills of bursts that wait for an ACK that is about to come (Linux `tcp_tso_win_divisor`), as the kernel does it.

mod drill;

use drill::Drill;
use faultwire_host::Fd;
use faultwire_tcp::Config;

/// After a loss, in congestion avoidance with a window of 7 segments, 6 of them in flight for 131 ms of a round trip of
/// 100 ms; the first ACK frees two segments.
fn late_acknowledgments(config: Config) -> (Drill, Fd) {
    let mut t = Drill::new(config);
    let fd = t.passive("mss 1000,sackOK,nop,nop,nop,wscale 7");
    t.write(fd, 40_000).unwrap();
    t.pass_ms(100);
    for end in [2001, 3001, 4001, 10_001] {
        t.inject(&format!(". 1:1(0) ack 1 win 257 <sack 1001:{end},nop,nop>"));
    }
    t.pass_ms(100);
    t.inject(". 1:1(0) ack 14001 win 257");
    t.pass_ms(131);
    t.forget_sent();
    (t, fd)
}

/// ACKs of one segment each that come at once: where the window gives a full burst of two it goes, where it gives one
/// segment that waits for the next ACK.
#[test]
fn a_short_burst_waits_for_an_ack_that_is_due() {
    let (mut t, _) = late_acknowledgments(Config::linux());
    for (ack, first) in [(15_001, 20_001), (16_001, 22_001), (18_001, 24_001)] {
        if ack == 18_001 {
            t.inject(". 1:1(0) ack 17001 win 257");
            t.expect_nothing();
        }
        t.inject(&format!(". 1:1(0) ack {ack} win 257"));
        t.expect(&format!(". {first}:{}(1000) ack 1", first + 1_000));
        t.expect(&format!("P. {}:{}(1000) ack 1", first + 1_000, first + 2_000));
    }
    t.inject(". 1:1(0) ack 19001 win 257");
    t.expect_nothing();
    t.pass_ms(50);
    t.inject(". 1:1(0) ack 20001 win 257");
    t.expect(". 26001:27001(1000) ack 1");
    t.expect("P. 27001:28001(1000) ack 1");
    // What comes more than a millisecond after the burst before it does not wait.
    t.pass_ms(5);
    t.inject(". 1:1(0) ack 21001 win 257");
    t.expect(". 28001:29001(1000) ack 1");
}

/// A divisor so large that any segment is enough of the window: nothing waits.
#[test]
fn the_divisor_says_what_is_enough() {
    let mut config = Config::linux();
    config.sending.window_divisor = 100;
    let (mut t, _) = late_acknowledgments(config);
    for ack in [15_001, 16_001] {
        t.inject(&format!(". 1:1(0) ack {ack} win 257"));
    }
    t.forget_sent();
    t.inject(". 1:1(0) ack 17001 win 257");
    t.expect(". 24001:25001(1000) ack 1");
}

//! PRR by its own examples (RFC 9937 §6, §7), in segments.

use super::*;

fn step(in_flight: u64) -> Step {
    Step { delivered: 1, safe: false, in_flight, threshold: 10, one: 1 }
}

// RFC 9937: while more is in flight than the threshold, ceil(delivered * ssthresh / RecoverFS) - out: with half of 20, one
// segment for two.
#[test]
fn one_for_two_while_above_the_threshold() {
    let mut prr = Prr::new(20);
    let mut in_flight = 19;
    let mut sent = Vec::new();
    for _ in 0..8 {
        let window = prr.window(step(in_flight)).unwrap();
        let count = window - in_flight;
        prr.on_sent(count);
        sent.push(count);
        in_flight = in_flight + count - 1;
    }
    assert_eq!(sent, [1, 0, 1, 0, 1, 0, 1, 0]);
}

// CUBIC: seven for ten.
#[test]
fn seven_for_ten() {
    let mut prr = Prr::new(10);
    let mut out = 0;
    for _ in 0..10 {
        let window = prr.window(Step { threshold: 7, ..step(9) }).unwrap();
        prr.on_sent(window - 9);
        out += window - 9;
    }
    assert_eq!(out, 7);
}

// RFC 9937: below the threshold conservation, and one segment more where the ACK is safe; never above the threshold.
#[test]
fn below_the_threshold_it_depends_on_safe_acks() {
    let mut prr = Prr::new(20);
    prr.on_sent(1);
    assert_eq!(prr.window(step(4)), Some(5), "what was delivered");
    prr.on_sent(1);
    assert_eq!(prr.window(Step { safe: true, ..step(4) }), Some(6), "and one more");
    prr.on_sent(2);
    assert_eq!(prr.window(Step { delivered: 5, safe: true, ..step(8) }), Some(10));
}

// RFC 9937: the first retransmission goes out in any case; nothing delivered moves nothing.
#[test]
fn the_first_retransmission_is_forced() {
    let mut prr = Prr::new(20);
    assert_eq!(prr.window(Step { delivered: 0, ..step(15) }), None);
    assert_eq!(prr.window(Step { threshold: 0, ..step(15) }), Some(16));
    prr.on_sent(1);
    assert_eq!(prr.window(Step { threshold: 0, ..step(15) }), Some(15));
}

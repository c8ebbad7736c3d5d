//! The kernel's integer arithmetic, by values worked out by hand from its formulas.

use super::*;

fn at(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

/// Windows after each of `acks` ACKs of one segment, from `window`.
fn grow(kernel: &mut Kernel, now: Instant, mut window: u64, acks: usize) -> Vec<u64> {
    let step = |_| {
        window += kernel.growth(now, window, 1);
        window
    };
    (0..acks).map(step).collect()
}

// tcp_cong_avoid_ai: Reno grows by one segment when a window of them was acknowledged.
#[test]
fn reno_counts_a_window() {
    let mut kernel = Kernel::new(false, false);
    let seen = grow(&mut kernel, at(1), 4, 10);
    assert_eq!(seen, [4, 4, 4, 5, 5, 5, 5, 5, 6, 6]);
    assert_eq!(Kernel::new(false, false).growth(at(1), 4, 9), 2, "an ACK of two windows");
}

// Reno halves, CUBIC takes 717/1024, both two at least (bictcp beta).
#[test]
fn thresholds() {
    let reno = |window| Kernel::new(false, false).threshold_after_loss(window);
    assert_eq!([reno(10), reno(11), reno(3)], [5, 5, 2]);
    let cubic = |window| Kernel::new(true, false).threshold_after_loss(window);
    assert_eq!([cubic(10), cubic(11), cubic(20), cubic(100), cubic(2)], [7, 7, 14, 70, 2]);
}

// bictcp_update: without a loss so far, one segment for at most 20 acknowledged.
#[test]
fn cubic_before_the_first_loss_grows_by_five_percent() {
    let mut kernel = Kernel::new(true, false);
    let seen = grow(&mut kernel, at(1), 40, 41);
    assert_eq!((seen[18], seen[19], seen[39]), (40, 41, 42));
}

// RFC 9438 §4.2: K for W_max 100 from 70 segments is 4.217 s; the kernel's is in 1/1024 s and C is 410/1024.
#[test]
fn k_of_the_kernel() {
    let mut cubic = Cubic::new(false);
    cubic.threshold_after_loss(100);
    cubic.segments_needed(1000, 70, 1);
    assert_eq!(cubic.k, cube_root(CUBE_FACTOR * 30) as u32);
    assert_eq!(cubic.k * 1000 / 1024, 4214);
    assert_eq!(cubic.origin, 100);
}

// RFC 9438 §4.7.
#[test]
fn fast_convergence() {
    let mut cubic = Cubic::new(false);
    cubic.threshold_after_loss(100);
    cubic.threshold_after_loss(80);
    assert_eq!(cubic.last_maximum, 80 * (1024 + 717) / 2048);
    cubic.threshold_after_loss(90);
    assert_eq!(cubic.last_maximum, 90);
}

// RFC 9438 §4.3, tcp_friendliness: 15/8 of a window acknowledged is a segment for Reno's estimate; half as fast as the ACKs
// is the most.
#[test]
fn reno_friendly_region() {
    assert_eq!(BETA_SCALE, 15);
    let mut cubic = Cubic::new(false);
    cubic.threshold_after_loss(20);
    // At its plateau, where the curve itself does not grow.
    for ack in 0..200 {
        cubic.segments_needed(1000 + ack * 40, 14, 1);
    }
    assert!(cubic.reno_window > 14 + 5, "{}", cubic.reno_window);
    assert!(cubic.needed <= 14 / 5);
    assert!(cubic.needed >= 2);
}

// tcp_cwnd_validate and tcp_is_cwnd_limited: in slow start a window used by half may grow.
#[test]
fn use_of_the_window() {
    let mut kernel = Kernel::new(false, false);
    let range = |start, end| (Offset::FIRST + start, Offset::FIRST + end);
    let rto = Duration::from_millis(300);
    assert_eq!(kernel.note_usage(at(0), false, 5, range(0, 5000), Some(10), rto), None);
    assert!(!kernel.is_full(Some(10)), "5 of 10");
    kernel.note_usage(at(1), false, 6, range(0, 6000), Some(10), rto);
    assert!(kernel.is_full(Some(10)), "6 of 10");
    assert!(!kernel.is_full(None), "in congestion avoidance all of it counts");
    kernel.note_usage(at(2), true, 10, range(0, 10_000), None, rto);
    kernel.note_usage(at(3), false, 3, range(9000, 12_000), None, rto);
    assert!(kernel.is_full(None), "it was full in this round trip");
    kernel.note_usage(at(4), false, 3, range(10_000, 13_000), None, rto);
    assert!(!kernel.is_full(None), "the next one shows that it is not");
    // tcp_cwnd_application_limited: a timeout long not full.
    assert_eq!(kernel.note_usage(at(302), false, 2, range(13_000, 15_000), None, rto), None);
    assert_eq!(kernel.note_usage(at(303), false, 2, range(13_000, 15_000), None, rto), Some(3));
}

// CA_EVENT_TX_START: idle time does not count for the curve.
#[test]
fn idle_time_shifts_the_epoch() {
    let mut kernel = Kernel::new(true, false);
    kernel.threshold_after_loss(100);
    kernel.growth(at(1000), 70, 1);
    kernel.on_idle_end(at(61_000), at(1500));
    assert_eq!(kernel.cubic.as_ref().unwrap().epoch, 60_500);
}

// HyStart: ACKs that come in a train for more than half of (least round trip + 1 ms) end slow start at 16 segments or more.
#[test]
fn ack_train_ends_slow_start() {
    let run = |window: u64| {
        let mut kernel = Kernel::new(true, true);
        let rtt = Duration::from_millis(100);
        let range = (Offset::FIRST + 1000, Offset::FIRST + 20_000);
        kernel.on_round_trip(at(100), rtt, range, Some(window));
        (1..100).find(|&ack| kernel.on_round_trip(at(100 + ack), rtt, range, Some(window)))
    };
    assert_eq!(run(16), Some(51));
    assert_eq!(run(15), None);
}

// HyStart: eight measurements above the least by an eighth of it, 4 to 16 ms.
#[test]
fn delay_ends_slow_start() {
    let mut kernel = Kernel::new(true, true);
    let range = (Offset::FIRST + 1000, Offset::FIRST + 20_000);
    let mut sample = |now, rtt| kernel.on_round_trip(at(now), Duration::from_micros(rtt), range, Some(20));
    sample(0, 80_000);
    let later = (Offset::FIRST + 20_001, Offset::FIRST + 40_000);
    let mut found = None;
    for index in 0..12 {
        // Too far apart for a train.
        if kernel.on_round_trip(at(1000 + index * 5), Duration::from_micros(90_001), later, Some(20)) {
            found = Some(index);
            break;
        }
    }
    assert_eq!(found, Some(8), "the ninth of the round");
}

//! Slow start, congestion avoidance and reductions, round by round (RFC 5681 §3.1, RFC 3465).

use super::*;

const SMSS: u32 = 1000;
const RTT: Duration = Duration::from_millis(100);

fn config(algorithm: CongestionAlgorithm) -> CongestionConfig {
    CongestionConfig {
        one_segment_after: 1,
        algorithm,
        unit: WindowUnit::Octets,
        slow_start_exit: SlowStartExit::AtLoss,
        initial_window: InitialWindow::Segments(10),
        duplicate_threshold: 3,
        limited_transmit: true,
        slow_start_after_idle: true,
        loss_response: LossResponse::SlowStart,
        empty_flight: EmptyFlight::MaybeFull,
    }
}

fn busy(algorithm: CongestionAlgorithm) -> Congestion {
    let mut congestion = Congestion::new(&config(algorithm), SMSS, 0);
    congestion.set_limited(Instant::ZERO, true);
    congestion
}

/// Fast recovery with `flight` outstanding, from its beginning to its end.
fn reduce(congestion: &mut Congestion, flight: u64) {
    congestion.reduce_threshold(flight);
    congestion.set_window(congestion.threshold());
}

/// The timer runs out; `repeated`: for the same data as the last time.
fn expire(congestion: &mut Congestion, flight: u64, repeated: bool) {
    if !repeated {
        congestion.reduce_threshold(flight);
    }
    congestion.on_timeout(Instant::ZERO, 0, Offset::FIRST);
}

/// A window's worth of ACKs, each for `per_ack` segments. Returns the window in segments, rounded down.
fn round(congestion: &mut Congestion, now: Instant, per_ack: u64) -> u64 {
    let mut left = congestion.window() / u64::from(SMSS);
    while left > 0 {
        let segments = per_ack.min(left);
        congestion.on_acknowledged(now, segments * u64::from(SMSS), RTT, 2);
        left -= segments;
    }
    congestion.window() / u64::from(SMSS)
}

fn rounds(congestion: &mut Congestion, count: usize, per_ack: u64) -> Vec<u64> {
    (0..count).map(|_| round(congestion, Instant::ZERO, per_ack)).collect()
}

#[test]
fn initial_windows() {
    let mut config = config(CongestionAlgorithm::NewReno);
    let segments = |config: &CongestionConfig, smss, lost| Congestion::new(config, smss, lost).window();
    assert_eq!(segments(&config, 1460, 0), 14_600, "RFC 6928 §2");
    assert_eq!(segments(&config, 1460, 1), 1460, "RFC 5681 §3.1: the SYN was lost");
    config.initial_window = InitialWindow::Rfc5681;
    for (smss, window) in [(536, 2144), (1095, 4380), (1460, 4380), (2190, 4380), (4000, 8000)] {
        assert_eq!(segments(&config, smss, 0), window);
    }
}

// O2, RFC 3465 §2.2: the window doubles a round, also when every second segment is acknowledged.
#[test]
fn slow_start_doubles() {
    for algorithm in [CongestionAlgorithm::NewReno, CongestionAlgorithm::Cubic] {
        for per_ack in [1, 2] {
            assert_eq!(rounds(&mut busy(algorithm), 5, per_ack), [20, 40, 80, 160, 320]);
        }
    }
}

// RFC 3465 §2.3: an ACK for many segments counts as two, after a timeout as one.
#[test]
fn slow_start_counts_at_most_the_limit() {
    let mut congestion = busy(CongestionAlgorithm::NewReno);
    congestion.on_acknowledged(Instant::ZERO, 8000, RTT, 2);
    assert_eq!(congestion.window(), 12_000);
    congestion.on_acknowledged(Instant::ZERO, 8000, RTT, 1);
    assert_eq!(congestion.window(), 13_000);
    congestion.on_acknowledged(Instant::ZERO, 300, RTT, 1);
    assert_eq!(congestion.window(), 13_300, "no more than was acknowledged");
}

// RFC 5681 §3.1: one segment a round trip, however the ACKs are spread.
#[test]
fn reno_adds_one_segment_a_round() {
    for per_ack in [1, 2, 5] {
        let mut congestion = busy(CongestionAlgorithm::NewReno);
        reduce(&mut congestion, 40_000);
        let seen = rounds(&mut congestion, 10, per_ack);
        assert_eq!(seen[0], 21);
        assert!((29..=30).contains(&seen[9]), "{seen:?}");
    }
}

// RFC 3465 §2.1: what is over after a step counts for the next.
#[test]
fn reno_carries_octets_over() {
    let mut congestion = busy(CongestionAlgorithm::NewReno);
    reduce(&mut congestion, 20_000);
    let mut windows = Vec::new();
    for _ in 0..3 {
        congestion.on_acknowledged(Instant::ZERO, 7000, RTT, 2);
        windows.push(congestion.window());
    }
    assert_eq!(windows, [10_000, 11_000, 12_000]);
}

// RFC 3465 §2.2: an ACK that reaches the threshold counts for congestion avoidance with what is left of it.
#[test]
fn slow_start_hands_over_the_rest() {
    let mut congestion = busy(CongestionAlgorithm::NewReno);
    reduce(&mut congestion, 20_000);
    congestion.set_window(9500);
    congestion.on_acknowledged(Instant::ZERO, 2000, RTT, 2);
    assert_eq!(congestion.window(), 10_000);
    congestion.on_acknowledged(Instant::ZERO, 8499, RTT, 2);
    assert_eq!(congestion.window(), 10_000);
    congestion.on_acknowledged(Instant::ZERO, 1, RTT, 2);
    assert_eq!(congestion.window(), 11_000);
}

#[test]
fn slow_start_ends_at_the_threshold() {
    let mut congestion = busy(CongestionAlgorithm::NewReno);
    expire(&mut congestion, 40_000, false);
    assert_eq!((congestion.window(), congestion.threshold()), (1000, 20_000));
    assert_eq!(rounds(&mut congestion, 6, 1), [2, 4, 8, 16, 20, 21]);
}

// O4: losses whenever the window reaches W give a sawtooth between W/2 and W with a period of W/2 rounds.
#[test]
fn reno_sawtooth() {
    let mut congestion = busy(CongestionAlgorithm::NewReno);
    reduce(&mut congestion, 40_000);
    for _ in 0..3 {
        let mut count = 0;
        while round(&mut congestion, Instant::ZERO, 1) < 40 {
            count += 1;
        }
        assert!((18..=20).contains(&count), "{count} rounds");
        let flight = congestion.window();
        reduce(&mut congestion, flight);
        assert_eq!(congestion.window(), 20_000);
    }
}

// RFC 5681 §3.1 equation 4, and §3.1 on repeated timeouts.
#[test]
fn thresholds() {
    let mut congestion = busy(CongestionAlgorithm::NewReno);
    reduce(&mut congestion, 3000);
    assert_eq!((congestion.window(), congestion.threshold()), (2000, 2000), "at least two segments");
    expire(&mut congestion, 50_000, false);
    assert_eq!(congestion.threshold(), 25_000);
    expire(&mut congestion, 1000, true);
    assert_eq!((congestion.window(), congestion.threshold()), (1000, 25_000), "held for the same data");

    let mut cubic = busy(CongestionAlgorithm::Cubic);
    reduce(&mut cubic, 100_000);
    assert_eq!((cubic.window(), cubic.threshold()), (70_000, 70_000));
    expire(&mut cubic, 1000, false);
    assert_eq!(cubic.threshold(), 2000);
}

#[test]
fn an_unused_window_does_not_grow() {
    for algorithm in [CongestionAlgorithm::NewReno, CongestionAlgorithm::Cubic] {
        let mut congestion = busy(algorithm);
        congestion.set_limited(Instant::ZERO, false);
        assert_eq!(rounds(&mut congestion, 3, 1), [10, 10, 10]);
        congestion.set_limited(Instant::ZERO, true);
        assert_eq!(rounds(&mut congestion, 1, 1), [20]);
    }
}

// RFC 5681 §4.1.
#[test]
fn restart_window() {
    let mut congestion = busy(CongestionAlgorithm::NewReno);
    rounds(&mut congestion, 3, 1);
    congestion.restart(Instant::ZERO, RTT * 3, RTT);
    assert_eq!(congestion.window(), 10_000);
    expire(&mut congestion, 10_000, false);
    congestion.restart(Instant::ZERO, RTT * 3, RTT);
    assert_eq!(congestion.window(), 1000, "never a larger one");
}

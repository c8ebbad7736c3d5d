//! The timer by the series of RFC 6298.

use super::*;
use crate::config::{MeasuredSegments, TimerRestart};

/// What is in flight, where it does not matter.
const RANGE: (Offset, Offset) = (Offset::FIRST, Offset::FIRST);

/// Limits that do not bite, so that the raw value shows.
fn unbounded() -> RetransmissionConfig {
    RetransmissionConfig {
        initial: Duration::from_secs(1),
        min: Duration::from_millis(1),
        slop: Duration::ZERO,
        max: Duration::from_secs(60),
        data_min_after_syn_timeout: None,
        data_min_without_sample: None,
        variance_floor: VariancePolicy::Rfc,
        clock_granularity: Duration::from_micros(1),
        back_off: BackOff::Doubles,
        restart: TimerRestart::NewData,
        measured: MeasuredSegments::SentOnce,
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn at(nanos: u64) -> Instant {
    Instant::from_nanos(nanos)
}

/// RTO after each of `count` equal samples, in microseconds.
fn series(config: &RetransmissionConfig, sample: Duration, count: usize) -> Vec<u64> {
    let mut rto = Rto::new(config);
    let mut seen = Vec::new();
    for round in 0..count as u64 {
        rto.sample(sample, (Offset::FIRST + round, Offset::FIRST + round));
        seen.push(rto.current().as_micros());
    }
    seen
}

// RFC 6298 §2.2, §2.3: RTO = SRTT + 4 * RTTVAR; equal samples let RTTVAR shrink by a quarter each.
#[test]
fn constant_samples_shrink_towards_the_round_trip() {
    let seen = series(&unbounded(), Duration::from_millis(100), 60);
    assert_eq!(seen[..6], [300_000, 250_000, 212_500, 184_375, 163_281, 147_460]);
    assert_eq!(seen[59], 100_001, "SRTT + G");
}

// RFC 6298 §2.4.
#[test]
fn floor_of_one_second() {
    let config = RetransmissionConfig { min: seconds(1), ..unbounded() };
    assert_eq!(series(&config, Duration::from_millis(100), 3), [1_000_000; 3]);
    assert_eq!(series(&config, Duration::from_millis(400), 2), [1_200_000, 1_000_000]);
}

// Linux: SRTT + max(200 ms, 4 * RTTVAR), which comes down by a quarter of the distance to the largest of each round trip,
// one ACK later than it fell.
#[test]
fn linux_bounds_the_variance() {
    let config = RetransmissionConfig {
        min: Duration::from_millis(200),
        variance_floor: VariancePolicy::LinuxFloor,
        ..unbounded()
    };
    assert_eq!(series(&config, Duration::from_millis(100), 3), [300_000, 300_000, 300_000]);
    assert_eq!(series(&config, Duration::from_millis(200), 3), [600_000, 600_000, 556_250]);
}

// RFC 6298 §2.5: the maximum bounds the sum, not only the back-off.
#[test]
fn samples_stay_under_the_maximum() {
    assert_eq!(series(&unbounded(), seconds(50), 1), [60_000_000]);
    let config = RetransmissionConfig { initial: seconds(90), ..unbounded() };
    assert_eq!(Rto::new(&config).current(), seconds(60));
}

// RFC 6298 §5.4 to §5.6: expiries at RTO * (2^k - 1), the gap capped.
#[test]
fn backs_off_to_the_maximum() {
    let mut rto = Rto::new(&unbounded());
    let mut now = Instant::ZERO;
    let mut expiries = Vec::new();
    rto.start(now);
    for _ in 0..9 {
        now = rto.deadline().unwrap();
        expiries.push(now.as_nanos() / 1_000_000_000);
        rto.backoff();
        rto.start(now);
    }
    assert_eq!(expiries, [1, 3, 7, 15, 31, 63, 123, 183, 243]);
    assert_eq!(rto.backoffs(), 9);
    assert_eq!(rto.base(), seconds(1));
}

// RFC 6298 §5 with Karn's algorithm: the back-off outlives the restart of the timer and ends with a measurement.
#[test]
fn back_off_lasts_until_a_clean_sample() {
    let mut rto = Rto::new(&unbounded());
    rto.backoff();
    rto.backoff();
    rto.stop();
    rto.start(at(0));
    assert_eq!(rto.deadline(), Some(Instant::ZERO + seconds(4)));
    rto.sample(Duration::from_millis(100), RANGE);
    assert_eq!(rto.current(), Duration::from_millis(300));
    assert_eq!(rto.deadline(), Some(Instant::ZERO + seconds(4)), "a sample does not move a running timer");
}

#[test]
fn back_off_of_any_number_overflows_nothing() {
    let mut rto = Rto::new(&unbounded());
    for _ in 0..1000 {
        rto.backoff();
    }
    assert_eq!(rto.current(), seconds(60));
}

// RFC 6298 §5.1, §5.2.
#[test]
fn a_running_timer_is_not_started_again() {
    let mut rto = Rto::new(&unbounded());
    assert_eq!(rto.deadline(), None);
    rto.ensure_started(at(5));
    rto.ensure_started(at(700));
    assert_eq!(rto.deadline(), Some(at(5) + seconds(1)));
    rto.stop();
    assert_eq!(rto.deadline(), None);
}

// RFC 6298 §5.7.
#[test]
fn raised_timeout_lasts_until_the_next_sample() {
    let mut rto = Rto::new(&unbounded());
    rto.raise_to(seconds(3));
    assert_eq!(rto.current(), seconds(3));
    rto.raise_to(seconds(2));
    assert_eq!(rto.current(), seconds(3));
    rto.sample(Duration::from_millis(100), RANGE);
    assert_eq!(rto.current(), Duration::from_millis(300));
}

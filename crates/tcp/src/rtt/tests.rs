//! The estimator by hand-computed values (RFC 6298 §2).

use super::*;

const RANGE: (Offset, Offset) = (Offset::FIRST, Offset::FIRST);
const FLOOR: Duration = Duration::from_millis(200);

fn after(samples: &[u64]) -> RttEstimator {
    let mut estimator = RttEstimator::new(VariancePolicy::Rfc);
    for &millis in samples {
        estimator.sample(Duration::from_millis(millis), RANGE, FLOOR);
    }
    estimator
}

#[test]
fn knows_nothing_before_the_first_sample() {
    let estimator = after(&[]);
    assert_eq!((estimator.smoothed(), estimator.minimum()), (None, None));
    assert!(estimator.variation().is_zero());
}

// RFC 6298 §2.2.
#[test]
fn first_sample_sets_half_of_itself_as_variation() {
    let estimator = after(&[100]);
    assert_eq!(estimator.smoothed(), Some(Duration::from_millis(100)));
    assert_eq!(estimator.variation(), Duration::from_millis(50));
}

// RFC 6298 §2.3: RTTVAR is computed with the SRTT from before the sample. The other order would give 50.625 ms.
#[test]
fn variation_comes_before_the_mean() {
    let estimator = after(&[100, 160]);
    // 3/4 * 50 + 1/4 * |100 - 160|, and 7/8 * 100 + 1/8 * 160.
    assert_eq!(estimator.variation(), Duration::from_micros(52_500));
    assert_eq!(estimator.smoothed(), Some(Duration::from_micros(107_500)));
}

#[test]
fn keeps_the_minimum() {
    assert_eq!(after(&[100, 30, 70]).minimum(), Some(Duration::from_millis(30)));
}

#[test]
fn a_sample_of_no_time_is_still_a_sample() {
    let estimator = after(&[0, 0, 0]);
    assert_eq!(estimator.smoothed(), Some(Duration::from_nanos(1)));
    assert_eq!(estimator.minimum(), Some(Duration::from_nanos(1)));
}

#[test]
fn the_longest_sample_overflows_nothing() {
    let mut estimator = after(&[1]);
    for _ in 0..100 {
        estimator.sample(Duration::MAX, RANGE, FLOOR);
    }
    assert!(estimator.smoothed().unwrap() > Duration::from_secs(1_000_000));
}

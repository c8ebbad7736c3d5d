//! Intervals against published values.

use super::{Mean, Paired, Proportion, student};

fn near(seen: f64, expected: f64, tolerance: f64) {
    assert!((seen - expected).abs() <= tolerance, "{seen}, expected {expected}");
}

#[test]
fn wilson_intervals_are_those_of_the_literature() {
    // Newcombe, Two-sided confidence intervals for the single proportion, 1998, table I, method 3.
    for (count, of, low, high) in
        [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
    {
        let interval = Proportion { count, of }.interval().unwrap();
        near(interval.low, low, 5e-5);
        near(interval.high, high, 5e-5);
    }
    let all = Proportion { count: 100_000, of: 100_000 };
    assert_eq!(all.interval().unwrap().high, 1.0);
    assert_eq!(Proportion::default().interval(), None);
}

#[test]
fn paired_intervals_are_those_of_the_score_test() {
    // Calculated apart from this code: the likelihood under a difference maximized by golden section, the variance of the
    // difference from the probabilities there, the ends of what the test leaves standing by halving.
    for (gained, lost, of, low, high) in [
        (0, 1, 44, -0.118_077, 0.059_393),
        (12, 2, 50, 0.061_112, 0.344_709),
        (86, 150, 1_600, -0.058_998, -0.021_362),
        (3, 12, 200, -0.089_170, -0.008_061),
        (14, 0, 54, 0.161_187, 0.389_309),
        (7, 25, 2_000, -0.015_253, -0.003_692),
    ] {
        let interval = Paired { gained, lost, equal: of - gained - lost }.interval().unwrap();
        near(interval.low, low, 1e-6);
        near(interval.high, high, 1e-6);
        let turned = Paired { gained: lost, lost: gained, equal: of - gained - lost }.interval().unwrap();
        near(turned.low, -high, 1e-6);
    }
    // Where no pair differs the equation has a solution in letters: z² / (n + z²).
    for of in [1_u64, 44, 1_000, 10_000_000] {
        let interval = Paired { gained: 0, lost: 0, equal: of }.interval().unwrap();
        let end = super::Z.powi(2) / (of as f64 + super::Z.powi(2));
        near(interval.high, end, 1e-9);
        near(interval.low, -end, 1e-9);
        assert!(interval.high > 0.0);
    }
    let all = Paired { gained: 30, lost: 0, equal: 0 };
    assert_eq!((all.value(), all.interval().unwrap().high), (Some(1.0), 1.0));
    assert_eq!(Paired::default().interval(), None);
}

#[test]
fn quantiles_of_student_are_those_of_the_tables() {
    for (freedom, expected) in [
        (1, 12.706),
        (2, 4.303),
        (4, 2.776),
        (5, 2.571),
        (6, 2.447),
        (10, 2.228),
        (30, 2.042),
        (120, 1.980),
        (1_000_000, 1.960),
    ] {
        near(student(freedom), expected, 1e-3);
    }
}

#[test]
fn a_mean_has_the_interval_of_its_values() {
    let mut mean = Mean::default();
    assert_eq!((mean.value(), mean.interval()), (None, None));
    for value in [4.0, 7.0, 13.0, 16.0] {
        mean.add(value);
    }
    assert_eq!((mean.count(), mean.value()), (4, Some(10.0)));
    // Variance 30, so the error of the mean is sqrt(30 / 4), times 3.182 for three degrees of freedom.
    let interval = mean.interval().unwrap();
    near(interval.high - 10.0, 8.715_4, 1e-3);
    near(10.0 - interval.low, 8.715_4, 1e-3);
}

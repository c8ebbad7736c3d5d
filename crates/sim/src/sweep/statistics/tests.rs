//! Intervals against published values.

use super::{Mean, Proportion, student};

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

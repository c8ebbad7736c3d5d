//! Mean and variance of jitter, and its fixed values.

use faultwire_base::{Duration, SeedTree};

use crate::config::{Distribution, Jitter};

const DRAWS: usize = 1_000_000;

fn draws(distribution: Distribution, amount: u64) -> Vec<f64> {
    let jitter = Jitter { amount: Duration::from_nanos(amount), distribution, reorders: false };
    let mut stream = SeedTree::new(1).stream("wire>b", "jitter");
    (0..DRAWS).map(|_| jitter.draw(&mut stream) as f64 / amount as f64).collect()
}

fn moments(draws: &[f64]) -> (f64, f64) {
    let mean = draws.iter().sum::<f64>() / draws.len() as f64;
    let variance = draws.iter().map(|draw| (draw - mean) * (draw - mean)).sum::<f64>() / draws.len() as f64;
    (mean, variance)
}

#[test]
fn uniform() {
    let draws = draws(Distribution::Uniform, 5_000_000);
    let (mean, variance) = moments(&draws);
    assert!(mean.abs() < 0.005 && (variance - 1.0 / 3.0).abs() < 0.005, "{mean} {variance}");
    assert!(draws.iter().all(|draw| (-1.0..1.0).contains(draw)));
}

#[test]
fn normal() {
    let draws = draws(Distribution::Normal, 5_000_000);
    let (mean, variance) = moments(&draws);
    assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
    let within = draws.iter().filter(|draw| draw.abs() < 1.0).count() as f64 / DRAWS as f64;
    assert!((within - 0.6827).abs() < 0.005, "{within}");
    assert!(draws.iter().all(|draw| draw.abs() <= 4.0));
}

#[test]
fn pareto_is_one_sided_and_has_the_quantiles_of_its_table() {
    let mut draws = draws(Distribution::Pareto, 5_000_000);
    draws.sort_by(f64::total_cmp);
    // u = 1 gives -2/3; the median is (2^(1/3) - 3/2) * 4/3; a hundredth lies above (100^(1/3) - 3/2) * 4/3 = 4.19,
    // which is cut at 4.
    assert!((draws[0] + 2.0 / 3.0).abs() < 0.001, "{}", draws[0]);
    let median = (libm::cbrt(2.0) - 1.5) * 4.0 / 3.0;
    assert!((draws[DRAWS / 2] - median).abs() < 0.01, "{}", draws[DRAWS / 2]);
    assert_eq!(draws[DRAWS - DRAWS / 200], 4.0);
}

#[test]
fn pareto_normal_is_the_weighted_sum() {
    let (mean, variance) = moments(&draws(Distribution::ParetoNormal, 5_000_000));
    let (pareto_mean, pareto_variance) = moments(&draws(Distribution::Pareto, 5_000_000));
    assert!((mean - 0.75 * pareto_mean).abs() < 0.01, "{mean}");
    assert!((variance - (0.0625 + 0.5625 * pareto_variance)).abs() < 0.02, "{variance}");
}

#[test]
fn a_table_is_drawn_from_evenly() {
    let table = Distribution::Table([-8192, 0, 4096, 16384].into());
    let draws = draws(table, 1_000);
    for value in [-1.0, 0.0, 0.5, 2.0] {
        let part = draws.iter().filter(|draw| **draw == value).count() as f64 / DRAWS as f64;
        assert!((part - 0.25).abs() < 0.01, "{value}: {part}");
    }
    let empty = Jitter {
        amount: Duration::from_millis(1),
        distribution: Distribution::Table([].into()),
        reorders: false,
    };
    assert_eq!(empty.draw(&mut SeedTree::new(1).stream("wire>b", "jitter")), 0);
}

#[test]
fn values_are_fixed() {
    // A change of these moves every run with jitter: a new fingerprint version is needed.
    let first = |distribution| {
        let amount = Duration::from_millis(1);
        let jitter = Jitter { amount, distribution, reorders: false };
        jitter.draw(&mut SeedTree::new(1).stream("wire>b", "jitter"))
    };
    let values =
        [Distribution::Uniform, Distribution::Normal, Distribution::Pareto, Distribution::ParetoNormal];
    assert_eq!(values.map(first), FIRST);
}

const FIRST: [i64; 4] = [990_677, 47_499, -664_589, 1_615_893];

#[test]
fn the_longest_amounts_do_not_overflow() {
    let amount = Duration::MAX;
    let mut stream = SeedTree::new(1).stream("wire>b", "jitter");
    for distribution in [Distribution::Uniform, Distribution::Normal, Distribution::Table([i16::MAX].into())]
    {
        let jitter = Jitter { amount, distribution, reorders: false };
        let drawn = jitter.draw(&mut stream);
        assert_ne!(drawn, 0);
    }
}

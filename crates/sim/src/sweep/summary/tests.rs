//! What a summary counts and pairs.

use super::Summary;
use crate::report::Outcome;
use crate::sweep::clusters::CLUSTERS_MAX;
use crate::sweep::{CaseOutcome, Paired, Proportion};

fn passed(metric: u64) -> CaseOutcome<'static> {
    CaseOutcome { outcome: Outcome::Passed, events: 10, cluster: None, metrics: vec![Some(metric)] }
}

fn failed(cluster: &str, events: u64) -> CaseOutcome<'_> {
    CaseOutcome { outcome: Outcome::Failed, events, cluster: Some(cluster), metrics: vec![None] }
}

#[test]
fn clusters_count_seeds_and_know_their_first_and_their_smallest_run() {
    let mut summary = Summary::new([1, 1], 1);
    summary.add(1, &[vec![passed(1)], vec![failed("rare", 90)]]);
    summary.add(2, &[vec![failed("often", 70)], vec![failed("often", 50)]]);
    summary.add(3, &[vec![passed(1)], vec![failed("often", 50)]]);
    summary.add(4, &[vec![passed(1)], vec![passed(1)]]);
    assert_eq!((summary.seeds(), summary.failing()), (4, 3));
    let clusters = summary.clusters();
    assert_eq!(
        clusters.iter().map(|(id, cluster)| (*id, cluster.seeds)).collect::<Vec<_>>(),
        [("often", 2), ("rare", 1)],
        "a seed that fails so in two cells is one seed"
    );
    let often = clusters[0].1;
    assert_eq!((often.first.seed, often.first.cell), (2, 0));
    assert_eq!(
        (often.smallest.seed, often.smallest.cell, often.smallest.events),
        (2, 1, 50),
        "the first of equals"
    );
}

#[test]
fn the_cases_of_a_seed_are_not_pooled() {
    let mut summary = Summary::new([3], 1);
    for seed in 0..100 {
        // The first two cases share their seed's fate; the third is a control that always holds.
        let of_chance = |seed: u64| if seed < 10 { failed("late", 5) } else { passed(1) };
        summary.add(seed, &[vec![of_chance(seed), of_chance(seed), passed(1)]]);
    }
    let passed: Vec<Proportion> = summary.cells()[0].iter().map(|case| case.passed).collect();
    assert_eq!(passed, [90, 90, 100].map(|count| Proportion { count, of: 100 }));
    assert_eq!((summary.seeds(), summary.failing()), (100, 10));
    let clusters = summary.clusters();
    assert_eq!((clusters[0].1.seeds, clusters[0].1.cases.iter().copied().collect()), (10, vec![0, 1]));
}

#[test]
fn cells_are_compared_seed_by_seed() {
    let mut summary = Summary::new([1, 1], 1);
    for seed in 0..10 {
        // What the seed does to both is far more than what the cell does.
        summary.add(seed, &[vec![passed(seed * 1_000)], vec![passed(seed * 1_000 + 3)]]);
    }
    summary.add(10, &[vec![passed(7)], vec![failed("x", 1)]]);
    let cell = &summary.cells()[1][0];
    let interval = cell.differences[0].interval().unwrap();
    assert_eq!((interval.low, interval.high), (3.0, 3.0));
    assert_eq!(cell.differences[0].count(), 10, "a pair without a value is none");
    assert!(cell.metrics[0].interval().unwrap().low < 3_000.0);
    assert_eq!(cell.against_first, Paired { gained: 0, lost: 1, equal: 10 });
    assert_eq!(cell.against_first.value(), Some(-1.0 / 11.0));
    assert_eq!(summary.cells()[0][0].against_first.value(), Some(0.0));
}

#[test]
fn a_flood_of_clusters_takes_no_more_memory() {
    let mut summary = Summary::new([1], 0);
    for seed in 0..CLUSTERS_MAX as u64 + 5 {
        summary.add(seed, &[vec![failed(&seed.to_string(), 1)]]);
    }
    assert_eq!((summary.clusters().len(), summary.unnamed()), (CLUSTERS_MAX, 5));
}

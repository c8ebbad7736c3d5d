//! What can be said of a sweep as a whole, kept in memory that does not grow with the number of seeds.

use std::collections::BTreeMap;

use super::{CaseOutcome, Mean, Proportion};
use crate::report::Outcome;

/// Clusters that are told apart; what fails in yet other ways is counted without a name.
const CLUSTERS_MAX: usize = 1_000;

/// A sweep so far.
#[derive(Clone, Debug)]
pub struct Summary {
    cells: Vec<CellSummary>,
    clusters: BTreeMap<String, ClusterSummary>,
    unnamed: u64,
    seeds: u64,
}

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub struct CellSummary {
    /// Runs that passed, each case of each seed being one.
    pub passed: Proportion,
    /// Each metric over all runs that have it.
    pub metrics: Vec<Mean>,
    /// What a seed gains or loses here against the same seed in the first cell: passed is 1, failed is 0.
    pub passed_difference: Mean,
    /// Each metric, less its value for the same seed in the first cell.
    pub differences: Vec<Mean>,
}

/// One way to fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterSummary {
    /// Runs that failed so.
    pub count: u64,
    /// The first in the order of seeds.
    pub first: Occurrence,
    /// The one with the fewest events, the first of them.
    pub smallest: Occurrence,
}

/// Where a failure was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// The seed.
    pub seed: u64,
    /// Index of the cell.
    pub cell: usize,
    /// Index of the case.
    pub case: usize,
    /// Semantic events of its run.
    pub events: u64,
}

impl Summary {
    /// The summary of no seed yet.
    pub fn new(cells: usize, metrics: usize) -> Self {
        let cell = CellSummary {
            passed: Proportion::default(),
            metrics: vec![Mean::default(); metrics],
            passed_difference: Mean::default(),
            differences: vec![Mean::default(); metrics],
        };
        Self { cells: vec![cell; cells], clusters: BTreeMap::new(), unnamed: 0, seeds: 0 }
    }

    /// Takes in one seed: for each cell, how each of its cases ended.
    pub fn add(&mut self, seed: u64, cells: &[Vec<CaseOutcome<'_>>]) {
        self.seeds += 1;
        for (index, cases) in cells.iter().enumerate() {
            for (case, outcome) in cases.iter().enumerate() {
                self.cells[index].add(outcome, cells[0].get(case));
                let Some(cluster) = outcome.cluster else { continue };
                let here = Occurrence { seed, cell: index, case, events: outcome.events };
                self.add_failure(cluster, here);
            }
        }
    }

    fn add_failure(&mut self, cluster: &str, here: Occurrence) {
        if let Some(known) = self.clusters.get_mut(cluster) {
            known.count += 1;
            if here.events < known.smallest.events {
                known.smallest = here;
            }
        } else if self.clusters.len() < CLUSTERS_MAX {
            let new = ClusterSummary { count: 1, first: here, smallest: here };
            self.clusters.insert(cluster.to_owned(), new);
        } else {
            self.unnamed += 1;
        }
    }

    /// Seeds taken in.
    pub fn seeds(&self) -> u64 {
        self.seeds
    }

    /// Each cell.
    pub fn cells(&self) -> &[CellSummary] {
        &self.cells
    }

    /// Runs that passed, in all cells.
    pub fn passed(&self) -> Proportion {
        self.cells.iter().fold(Proportion::default(), |sum, cell| Proportion {
            count: sum.count + cell.passed.count,
            of: sum.of + cell.passed.of,
        })
    }

    /// Clusters by [id](crate::failure::Cluster::id), the most frequent first.
    pub fn clusters(&self) -> Vec<(&str, &ClusterSummary)> {
        let mut clusters: Vec<(&str, &ClusterSummary)> =
            self.clusters.iter().map(|(id, cluster)| (id.as_str(), cluster)).collect();
        clusters.sort_by_key(|(_, cluster)| {
            (std::cmp::Reverse(cluster.count), cluster.first.seed, cluster.first.cell)
        });
        clusters
    }

    /// Failures beyond those that are told apart.
    pub fn unnamed(&self) -> u64 {
        self.unnamed
    }
}

impl CellSummary {
    fn add(&mut self, outcome: &CaseOutcome<'_>, first: Option<&CaseOutcome<'_>>) {
        let passed = |outcome: &CaseOutcome<'_>| outcome.outcome == Outcome::Passed;
        self.passed.add(passed(outcome));
        for (mean, value) in self.metrics.iter_mut().zip(&outcome.metrics) {
            if let Some(value) = value {
                mean.add(*value as f64);
            }
        }
        let Some(first) = first else { return };
        self.passed_difference.add(f64::from(i8::from(passed(outcome)) - i8::from(passed(first))));
        let pairs = outcome.metrics.iter().zip(&first.metrics);
        for (mean, (here, there)) in self.differences.iter_mut().zip(pairs) {
            if let (Some(here), Some(there)) = (here, there) {
                mean.add(*here as f64 - *there as f64);
            }
        }
    }
}

#[cfg(test)]
mod tests;

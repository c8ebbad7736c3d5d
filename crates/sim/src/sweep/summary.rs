//! What can be said of a sweep as a whole, kept in memory that does not grow with the number of seeds.
//!
//! What is counted are seeds. The cases of a seed share its chance, so that their runs say less than as many seeds would;
//! and a case that must fail says nothing about the others. So each case of each cell is looked at by itself.

use super::clusters::{ClusterSummary, Clusters, Failed};
use super::{CaseOutcome, Mean, Paired, Proportion};
use crate::report::Outcome;

/// A sweep so far.
#[derive(Clone, Debug)]
pub struct Summary {
    cells: Vec<Vec<CaseSummary>>,
    clusters: Clusters<String, Occurrence>,
    seeds: u64,
    failing: u64,
}

/// One case in one cell.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseSummary {
    /// Seeds that passed here.
    pub passed: Proportion,
    /// Each metric over all seeds that have it.
    pub metrics: Vec<Mean>,
    /// How seeds end here against how they end in the same case of the first cell.
    pub against_first: Paired,
    /// Each metric, less its value for the same seed in the same case of the first cell.
    pub differences: Vec<Mean>,
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
    /// The summary of no seed yet, for cells with so many cases each.
    pub fn new(cases: impl IntoIterator<Item = usize>, metrics: usize) -> Self {
        let case = CaseSummary {
            passed: Proportion::default(),
            metrics: vec![Mean::default(); metrics],
            against_first: Paired::default(),
            differences: vec![Mean::default(); metrics],
        };
        let cells = cases.into_iter().map(|cases| vec![case.clone(); cases]).collect();
        Self { cells, clusters: Clusters::new(), seeds: 0, failing: 0 }
    }

    /// Takes in one seed: for each cell, how each of its cases ended.
    pub fn add(&mut self, seed: u64, cells: &[Vec<CaseOutcome<'_>>]) {
        self.seeds += 1;
        self.failing += u64::from(cells.iter().flatten().any(|outcome| outcome.outcome != Outcome::Passed));
        for (index, outcomes) in cells.iter().enumerate() {
            for (case, outcome) in outcomes.iter().enumerate() {
                if let Some(summary) = self.cells[index].get_mut(case) {
                    summary.add(outcome, cells[0].get(case));
                }
                let Some(cluster) = outcome.cluster else { continue };
                let events = outcome.events;
                let here = || Occurrence { seed, cell: index, case, events };
                self.clusters.add(cluster, Failed { seed, case, events }, here);
            }
        }
    }

    /// Seeds taken in.
    pub fn seeds(&self) -> u64 {
        self.seeds
    }

    /// Those of which a run failed, in any case of any cell.
    pub fn failing(&self) -> u64 {
        self.failing
    }

    /// The cases of each cell.
    pub fn cells(&self) -> &[Vec<CaseSummary>] {
        &self.cells
    }

    /// Clusters by [id](crate::failure::Cluster::id), the most frequent first.
    pub fn clusters(&self) -> Vec<(&str, &ClusterSummary<Occurrence>)> {
        self.clusters.sorted().into_iter().map(|(id, cluster)| (id.as_str(), cluster)).collect()
    }

    /// Failed runs beyond the clusters that are told apart.
    pub fn unnamed(&self) -> u64 {
        self.clusters.untold()
    }
}

impl CaseSummary {
    fn add(&mut self, outcome: &CaseOutcome<'_>, first: Option<&CaseOutcome<'_>>) {
        let passed = |outcome: &CaseOutcome<'_>| outcome.outcome == Outcome::Passed;
        self.passed.add(passed(outcome));
        for (mean, value) in self.metrics.iter_mut().zip(&outcome.metrics) {
            if let Some(value) = value {
                mean.add(*value as f64);
            }
        }
        let Some(first) = first else { return };
        self.against_first.add(passed(first), passed(outcome));
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

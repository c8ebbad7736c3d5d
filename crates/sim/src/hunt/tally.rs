//! The ways in which runs of a sweep failed, each with how often and the smallest run that did.

use crate::failure::{Cluster, Failure};
use crate::plan::Experiment;
use crate::report::Outcome;
use crate::sweep::{Clusters, Drawn, Failed, Proportion, SeedResult};

/// What a sweep found so far.
#[derive(Clone, Debug)]
pub struct Tally {
    cases: Vec<String>,
    found: Clusters<Cluster, Seen>,
    seeds: u64,
    failing: u64,
}

/// One way to fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What makes two runs fail in the same way.
    pub cluster: Cluster,
    /// Seeds of which at least one case failed so, of all seeds.
    pub seeds: Proportion,
    /// The first in the order of seeds.
    pub first: Seen,
    /// The one with the fewest events, the first of them.
    pub smallest: Seen,
    /// Names of the cases that failed so.
    pub cases: Vec<String>,
}

/// A run that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its seed.
    pub seed: u64,
    /// Its case.
    pub case: String,
    /// What the seed drew, in a swarm.
    pub drawn: Option<Drawn>,
    /// Semantic events.
    pub events: u64,
    /// Why it failed.
    pub failures: Vec<Failure>,
    /// Whether it came to an end: it did not if the simulation panicked or could not begin.
    pub ended: bool,
}

impl Tally {
    /// A tally of no seed of this experiment yet.
    pub fn of(experiment: &Experiment) -> Self {
        let cases = experiment.cases.iter().map(|case| case.name.clone()).collect();
        Self { cases, found: Clusters::new(), seeds: 0, failing: 0 }
    }

    /// Takes in one seed.
    pub fn add(&mut self, result: &SeedResult) {
        self.seeds += 1;
        self.failing += u64::from(result.outcome() != Outcome::Passed);
        for (index, (case, name)) in result.cases.iter().zip(&self.cases).enumerate() {
            let Some(cluster) = Cluster::of(&case.failures) else { continue };
            let failed = Failed { seed: result.seed, case: index, events: case.events };
            self.found.add(&cluster, failed, || Seen {
                seed: result.seed,
                case: name.clone(),
                drawn: result.drawn.clone(),
                events: case.events,
                failures: case.failures.clone(),
                ended: case.fingerprint.is_some(),
            });
        }
    }

    /// Seeds so far.
    pub fn seeds(&self) -> u64 {
        self.seeds
    }

    /// Those of which a case failed.
    pub fn failing(&self) -> u64 {
        self.failing
    }

    /// Failed runs beyond the ways that are told apart.
    pub fn untold(&self) -> u64 {
        self.found.untold()
    }

    /// The ways to fail, the most frequent first, then the one that was seen first.
    pub fn found(&self) -> Vec<Found> {
        let found = self.found.sorted().into_iter().map(|(cluster, summary)| Found {
            cluster: cluster.clone(),
            seeds: Proportion { count: summary.seeds, of: self.seeds },
            first: summary.first.clone(),
            smallest: summary.smallest.clone(),
            cases: summary.cases.iter().map(|&case| self.cases[case].clone()).collect(),
        });
        found.collect()
    }
}

//! The ways in which runs of a sweep failed, each with how often and the smallest run that did.

use std::collections::BTreeMap;

use crate::failure::{Cluster, Failure};
use crate::plan::Experiment;
use crate::report::Outcome;
use crate::sweep::{Drawn, Proportion, SeedResult};

/// Clusters that are told apart, so that memory stays flat; what fails in yet other ways is counted.
const CLUSTERS_MAX: usize = 1_000;

/// What a sweep found so far.
#[derive(Clone, Debug)]
pub struct Tally {
    cases: Vec<String>,
    found: BTreeMap<Cluster, Found>,
    seeds: u64,
    failing: u64,
    untold: u64,
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
        Self { cases, found: BTreeMap::new(), seeds: 0, failing: 0, untold: 0 }
    }

    /// Takes in one seed.
    pub fn add(&mut self, result: &SeedResult) {
        self.seeds += 1;
        self.failing += u64::from(result.outcome() != Outcome::Passed);
        let mut told: Vec<Cluster> = Vec::new();
        for (case, name) in result.cases.iter().zip(&self.cases) {
            let Some(cluster) = Cluster::of(&case.failures) else { continue };
            let seen = || Seen {
                seed: result.seed,
                case: name.clone(),
                drawn: result.drawn.clone(),
                events: case.events,
                failures: case.failures.clone(),
                ended: case.fingerprint.is_some(),
            };
            if !self.found.contains_key(&cluster) && self.found.len() >= CLUSTERS_MAX {
                self.untold += 1;
                continue;
            }
            let found = self.found.entry(cluster.clone()).or_insert_with(|| Found {
                cluster: cluster.clone(),
                seeds: Proportion::default(),
                first: seen(),
                smallest: seen(),
                cases: Vec::new(),
            });
            if !told.contains(&cluster) {
                found.seeds.count += 1;
                told.push(cluster);
            }
            if case.events < found.smallest.events {
                found.smallest = seen();
            }
            if !found.cases.contains(name) {
                found.cases.push(name.clone());
            }
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
        self.untold
    }

    /// The ways to fail, the most frequent first, then the one that was seen first.
    pub fn found(&self) -> Vec<Found> {
        let mut found: Vec<Found> = self.found.values().cloned().collect();
        for one in &mut found {
            one.seeds.of = self.seeds;
        }
        found.sort_by(|one, other| {
            (other.seeds.count, one.first.seed).cmp(&(one.seeds.count, other.first.seed))
        });
        found
    }
}

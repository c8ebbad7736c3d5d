//! Ways to fail, counted in seeds, each with the first run that failed so and the smallest; in memory that stays flat.

use std::borrow::Borrow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Clusters that are told apart; what fails in yet other ways is only counted.
pub(super) const CLUSTERS_MAX: usize = 1_000;

/// The ways to fail by what tells them apart, with what is kept of a run that did.
#[derive(Clone, Debug)]
pub(crate) struct Clusters<Key, Seen> {
    known: BTreeMap<Key, ClusterSummary<Seen>>,
    untold: u64,
}

/// One way to fail, with what is kept of a run that did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterSummary<Seen> {
    /// Seeds of which at least one run failed so.
    pub seeds: u64,
    /// Indices of the cases that did.
    pub cases: BTreeSet<usize>,
    /// The first in the order of seeds.
    pub first: Seen,
    /// The one with the fewest events, the first of them.
    pub smallest: Seen,
    events: u64,
    /// The seed that was counted last.
    last: u64,
    /// How many ways to fail were seen before this one.
    order: usize,
}

/// Where a run failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failed {
    pub(crate) seed: u64,
    /// Index of the case.
    pub(crate) case: usize,
    /// Semantic events of the run.
    pub(crate) events: u64,
}

impl<Key: Ord, Seen> Clusters<Key, Seen> {
    pub(crate) fn new() -> Self {
        Self { known: BTreeMap::new(), untold: 0 }
    }

    /// Takes in a run that failed so. Runs come in the order of seeds; `seen` is what would be kept of it.
    pub(crate) fn add<Name>(&mut self, cluster: &Name, failed: Failed, seen: impl Fn() -> Seen)
    where
        Key: Borrow<Name>,
        Name: ToOwned<Owned = Key> + Ord + ?Sized,
    {
        let Failed { seed, case, events } = failed;
        if let Some(known) = self.known.get_mut(cluster) {
            known.seeds += u64::from(known.last != seed);
            known.last = seed;
            known.cases.insert(case);
            if events < known.events {
                known.events = events;
                known.smallest = seen();
            }
        } else if self.known.len() < CLUSTERS_MAX {
            let (cases, order) = (BTreeSet::from([case]), self.known.len());
            let (first, smallest) = (seen(), seen());
            let new = ClusterSummary { seeds: 1, cases, first, smallest, events, last: seed, order };
            self.known.insert(cluster.to_owned(), new);
        } else {
            self.untold += 1;
        }
    }

    /// The most frequent first, then the one that was seen first.
    pub(crate) fn sorted(&self) -> Vec<(&Key, &ClusterSummary<Seen>)> {
        let mut clusters: Vec<(&Key, &ClusterSummary<Seen>)> = self.known.iter().collect();
        clusters.sort_by_key(|(_, cluster)| (Reverse(cluster.seeds), cluster.order));
        clusters
    }

    /// Failed runs beyond the clusters that are told apart.
    pub(crate) fn untold(&self) -> u64 {
        self.untold
    }
}

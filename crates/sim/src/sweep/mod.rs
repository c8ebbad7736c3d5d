//! Sweeps: the same experiment for many seeds, on all cores, with results in the order of seeds.
//!
//! The plan is read once; each thread keeps its worlds and [resets](crate::world::World::reset) them from seed to seed. The
//! results come in the order of seeds whatever the order in which threads finish, and memory does not grow with the
//! number of seeds: a thread that is too far ahead waits.
//!
//! ```
//! use std::ops::ControlFlow;
//!
//! use faultwire_sim::experiment::{Overrides, parse};
//! use faultwire_sim::report::Outcome;
//! use faultwire_sim::sweep::{self, Metric, Settings};
//!
//! let text = r#"{
//!   "name": "lossy", "description": "One packet in five is lost.",
//!   "hosts": { "client": { "stack": "linux" }, "server": { "stack": "linux" } },
//!   "links": [ { "name": "wire", "between": ["client", "server"], "rate": "10Mbit", "delay": "5ms", "loss": "20%" } ],
//!   "apps": [ { "name": "flow", "on": "client", "bulk": { "to": "server:80", "size": "4KiB" } } ],
//!   "expect": [ { "name": "no timer", "at": "client/flow", "counter": "timeouts", "value": 0 } ]
//! }"#;
//! let experiment = parse(text, "lossy.json", &Overrides::default()).unwrap();
//! let completion = Metric::parse("connections.client/flow.completion_ns", [&experiment]).unwrap();
//! let settings = Settings { metrics: vec![completion], ..Settings::default() };
//! let (mut failed, mut seeds) = (0, Vec::new());
//! sweep::run(&experiment, 1..=50, &settings, |result| {
//!     seeds.push(result.seed);
//!     failed += u32::from(result.outcome() == Outcome::Failed);
//!     assert!(result.cases[0].metrics[0].is_some());
//!     ControlFlow::Continue(())
//! });
//! assert_eq!(seeds, (1..=50).collect::<Vec<_>>());
//! assert!(failed > 0 && failed < 50);
//! ```
//!
//! Several variants of one experiment side by side are [`Cell`]s ([`run_cells`]): each seed runs in all of them, so that
//! they can be compared seed by seed. [`Line`] is a result as one line of JSON and back, [`Summary`] what can be said of
//! all of them.

mod clusters;
mod identity;
mod line;
mod metric;
mod order;
mod statistics;
mod summary;
mod work;

use std::num::NonZeroUsize;
use std::ops::{ControlFlow, RangeInclusive};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use crate::experiment::Overrides;
use crate::failure::Failure;
use crate::fingerprint::Fingerprint;
use crate::plan::Experiment;
use crate::report::Outcome;
use crate::run::Judging;

pub use clusters::ClusterSummary;
pub(crate) use clusters::{Clusters, Failed};
pub use identity::identity;
pub use line::{CaseLine, CaseOutcome, Line, Pairs};
pub use metric::{Metric, MetricError};
pub use statistics::{Interval, Mean, Paired, Proportion};
pub use summary::{CaseSummary, Occurrence, Summary};

/// How to sweep.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Threads that simulate; results do not depend on it.
    pub jobs: NonZeroUsize,
    /// How each case is judged.
    pub judging: Judging,
    /// What to measure of each case.
    pub metrics: Vec<Metric>,
    /// End with the first seed, in the order of seeds, for which any case does not pass.
    pub until_failure: bool,
    /// Does some work and says why if it panicked: a program with a panic hook of its own may know more than the message.
    pub catch: Catch,
}

/// Does some work; the words of its panic if it panicked.
pub type Catch = fn(&mut dyn FnMut()) -> Result<(), String>;

impl Default for Settings {
    fn default() -> Self {
        Self {
            jobs: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            judging: Judging::default(),
            metrics: Vec::new(),
            until_failure: false,
            catch: catch_panic,
        }
    }
}

/// A variant of the experiment.
#[derive(Clone, Debug)]
pub struct Cell {
    /// What makes this variant: paths with their values, as for `--set`.
    pub parameters: Vec<(String, String)>,
    /// The experiment with these values.
    pub experiment: Experiment,
    /// Whether each seed also draws what its `swarm` says.
    pub swarm: Option<Swarming>,
}

/// What is needed to read the experiment again with what a seed draws.
#[derive(Clone, Debug)]
pub struct Swarming {
    /// The text of the file.
    pub text: Arc<[u8]>,
    /// Its name, for messages.
    pub file_name: Arc<str>,
    /// What the command line and the cell say already.
    pub overrides: Overrides,
}

/// What a seed has drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// Values, as for `--set`.
    pub set: Vec<String>,
    /// Names left out, as for `--without`.
    pub without: Vec<String>,
}

/// One seed in one cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedResult {
    /// The seed.
    pub seed: u64,
    /// Index of the cell.
    pub cell: usize,
    /// What it drew, in a swarm.
    pub drawn: Option<Drawn>,
    /// Each case, in the order of the file.
    pub cases: Vec<CaseResult>,
}

/// One case of one seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseResult {
    /// How it ended; [`Outcome::Error`] also for a simulation that panicked.
    pub outcome: Outcome,
    /// Fingerprint of the run; `None` if it panicked.
    pub fingerprint: Option<Fingerprint>,
    /// Semantic events.
    pub events: u64,
    /// Why it failed.
    pub failures: Vec<Failure>,
    /// The values of [`Settings::metrics`]; `None` where the run has no such thing.
    pub metrics: Vec<Option<u64>>,
}

impl SeedResult {
    /// The worst outcome of its cases.
    pub fn outcome(&self) -> Outcome {
        worst(self.cases.iter().map(|case| case.outcome))
    }
}

/// How a sweep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All seeds were run.
    Complete,
    /// The sink wanted no more, or a failure was found and [`Settings::until_failure`] set.
    Stopped,
}

/// Runs every case of an experiment for each seed; `sink` gets the results in the order of seeds, on this thread.
pub fn run(
    experiment: &Experiment,
    seeds: RangeInclusive<u64>,
    settings: &Settings,
    mut sink: impl FnMut(&SeedResult) -> ControlFlow<()>,
) -> Ending {
    let cell = Cell { parameters: Vec::new(), experiment: experiment.clone(), swarm: None };
    run_cells(&[cell], seeds, settings, |results| results.iter().try_for_each(&mut sink))
}

/// Runs each seed in every cell; `sink` gets the results of one seed at a time, in the order of cells.
pub fn run_cells(
    cells: &[Cell],
    seeds: RangeInclusive<u64>,
    settings: &Settings,
    mut sink: impl FnMut(&[SeedResult]) -> ControlFlow<()>,
) -> Ending {
    let runs = cells.iter().map(|cell| cell.experiment.cases.len()).sum();
    let ended = order::in_order(
        settings.jobs,
        (seeds, runs),
        || work::Worker::new(cells, settings),
        |worker: &mut work::Worker<'_>, seed| worker.run(seed),
        |results: Vec<SeedResult>| {
            sink(&results)?;
            let failed = || results.iter().any(|result| result.outcome() != Outcome::Passed);
            if settings.until_failure && failed() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        },
    );
    if ended.is_break() { Ending::Stopped } else { Ending::Complete }
}

/// Runs one case of one seed again, as a sweep runs it.
pub fn repeat(cell: &Cell, case: usize, seed: u64, settings: &Settings) -> (CaseResult, Option<Drawn>) {
    let (mut results, _) = work::Worker::new(std::slice::from_ref(cell), settings).run(seed);
    let mut result = results.remove(0);
    (result.cases.swap_remove(case), result.drawn)
}

fn worst(outcomes: impl Iterator<Item = Outcome>) -> Outcome {
    outcomes.max_by_key(|outcome| *outcome as u8).unwrap_or(Outcome::Passed)
}

/// The message of a panic is all that is known of it here.
pub(crate) fn catch_panic(work: &mut dyn FnMut()) -> Result<(), String> {
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let message = payload.downcast_ref::<&str>().map(|message| (*message).to_owned());
        let message = message.or_else(|| payload.downcast_ref::<String>().cloned());
        message.unwrap_or_else(|| "no message".to_owned())
    })
}

#[cfg(test)]
mod tests;

//! From a failing run to the little that makes it fail.
//!
//! Start with [`shrink`]: it takes an experiment, a case and a seed, and looks for the smallest experiment that fails *in
//! the same way*. What stays is the [cluster](crate::failure::Cluster) of the failure (which expectations, oracles and
//! apps, and what they said), how the run ended, and that it passes where the original passed: without faults, without
//! quirks. So a failure never turns into another one, nor into one for want of time; and where it took faults, or a quirk, at
//! least one of them stays.
//!
//! ```
//! use std::ops::ControlFlow;
//!
//! use faultwire_sim::experiment::{Overrides, parse};
//! use faultwire_sim::shrink::{Settings, shrink};
//!
//! let text = r#"{
//!   "name": "two-losses", "description": "Two data segments are lost; one expectation fails.",
//!   "hosts": { "client": { "stack": "linux" }, "server": { "stack": "linux" } },
//!   "links": [ { "name": "wire", "between": ["client", "server"], "rate": "10Mbit", "delay": "50ms" } ],
//!   "apps": [ { "name": "flow", "on": "client", "bulk": { "to": "server:80", "size": "100KiB" } } ],
//!   "faults": [
//!     { "name": "second", "on": "wire", "towards": "server", "match": { "kind": "data", "nth": 2 }, "do": "drop" },
//!     { "name": "SYN", "on": "wire", "towards": "server", "match": { "kind": "syn", "nth": 1 }, "do": "drop" } ],
//!   "expect": [ { "name": "no timeout", "at": "client/flow", "counter": "timeouts", "value": 0 } ]
//! }"#;
//! let experiment = parse(text, "two-losses.json", &Overrides::default()).unwrap();
//! let shrunk = shrink(&experiment, None, 1, &Settings::default(), |_| ControlFlow::Continue(())).unwrap();
//! assert_eq!((shrunk.before.faults, shrunk.after.faults), (2, 1));
//! assert!(shrunk.minimal.unwrap().contains("\"name\": \"SYN\""));
//! ```
//!
//! What chance did in the failing run is recorded first; from then on nothing is drawn, and decisions are left out one
//! group after the other. What is left of them becomes faults with a name, each seen to do the same.
//!
//! Rooms: `ddmin` is the search in a list, `trials` the bench that runs candidates in parallel and counts them, `target`
//! says what has to stay, `search` goes from state to state; `chance` makes decisions smaller; `removal`, `network` and `amount` make the experiment smaller, walking it along the grammar
//! (`walk`, `edit`); `result` makes files of what is left: `translate` turns decisions into faults, `words` tells of them.

mod amount;
mod chance;
mod ddmin;
mod edit;
mod measure;
mod network;
mod removal;
mod result;
mod search;
mod target;
mod translate;
mod trials;
mod walk;
mod words;

use std::ops::ControlFlow;
use std::sync::Arc;

pub use measure::Measure;
pub use trials::Cut;

use crate::experiment::parse_tree;
use crate::failure::{Cluster, Failure};
use crate::plan::Experiment;
use crate::replay::{self, RecordedRun};
use crate::run::Judging;
use crate::sweep::{Catch, catch_panic};
use chance::Chance;
use result::Origin;
use search::{Search, State};
use target::{Setting, Target};

/// How to shrink.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Threads; 0 for one on each processor. The result does not depend on it.
    pub jobs: usize,
    /// At most so many candidates are run.
    pub tries_max: u64,
    /// How runs are judged.
    pub judging: Judging,
    /// Does some work and says why if it panicked. A candidate that panics fails in another way.
    pub catch: Catch,
}

impl Default for Settings {
    fn default() -> Self {
        Self { jobs: 0, tries_max: 20_000, judging: Judging::default(), catch: catch_panic }
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// What is being made smaller.
    pub phase: &'static str,
    /// The original.
    pub before: Measure,
    /// The best so far.
    pub now: Measure,
    /// Candidates run.
    pub tried: u64,
}

/// What is left.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// Name of the experiment that was shrunk.
    pub name: String,
    /// Name of its case.
    pub case: String,
    /// Its seed.
    pub seed: u64,
    /// The failure that stayed.
    pub cluster: Cluster,
    /// What failed in the original, in its words.
    pub failures: Vec<Failure>,
    /// What there was.
    pub before: Measure,
    /// What is left.
    pub after: Measure,
    /// The named faults that are left, as (name, what it does); those among them that were decisions of chance as well.
    pub faults: Vec<(String, String)>,
    /// A small experiment that fails in the same way, as text: nothing in it is left to chance, what chance did are faults
    /// with a name. `None` if no named fault does what one of the decisions does, or if
    /// a search that was cut short leaves more than a hundred of them; then the replay is all there is.
    pub minimal: Option<String>,
    /// The small experiment with what is left of chance as decisions, for a replay file; ...
    pub experiment: Experiment,
    /// ... and its run.
    pub recorded: RecordedRun,
    /// Candidates run.
    pub tried: u64,
    /// Why it ended, if there may be more to gain.
    pub cut: Option<Cut>,
    /// What the first candidate said that panicked, if one did: a bug of ours, beside the failure that was shrunk.
    pub panicked: Option<String>,
}

impl Shrunk {
    /// The text of a replay file that fails in the same way. `command` is what a reader may want to know of its making.
    pub fn replay(&self, command: &str) -> String {
        replay::write(&self.experiment, command, std::slice::from_ref(&self.recorded))
    }

    /// The decisions of chance that are left without a name, in words: none if there is a small experiment, which has a
    /// named fault for each.
    pub fn by_chance(&self) -> Vec<String> {
        if self.minimal.is_some() {
            return Vec::new();
        }
        self.recorded.recording.decisions.iter().map(words::decision).collect()
    }
}

/// Why there is nothing to shrink.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShrinkError {
    /// No case fails.
    #[error("{}", passes(*.seed, .case.as_deref()))]
    Passes {
        /// The seed.
        seed: u64,
        /// The only case that was looked at, if it was one of several.
        case: Option<String>,
    },
}

fn passes(seed: u64, case: Option<&str>) -> String {
    let what = case.map_or_else(|| "nothing fails".to_owned(), |case| format!("case {case:?} passes"));
    format!(
        "{what} with seed {seed}: there is nothing to shrink. `faultwire sweep FILE --seeds A..B --until-failure` looks for a seed that fails"
    )
}

/// A run that fails, to be shrunk.
pub struct Failing {
    origin: Origin,
    start: State,
    target: Arc<Target>,
    settings: Settings,
}

impl Failing {
    /// The failure of a case with a seed; without a name, of the first case that fails. In the experiment of a replay file
    /// the recorded decisions stand in the place of the seed's.
    ///
    /// # Errors
    /// [`ShrinkError`] if there is nothing to shrink.
    ///
    /// # Panics
    /// If `case` is none of the experiment's cases.
    pub fn find(
        experiment: &Experiment,
        case: Option<&str>,
        seed: u64,
        settings: &Settings,
    ) -> Result<Self, ShrinkError> {
        let names: Vec<&str> = experiment.cases.iter().map(|case| case.name.as_str()).collect();
        assert!(case.is_none_or(|case| names.contains(&case)), "{case:?} is a case of the experiment");
        for planned in experiment.cases.iter().filter(|planned| case.is_none_or(|case| case == planned.name))
        {
            let tree = parse_tree(&experiment.effective, &planned.name, seed);
            let setting = Setting::new(tree.expect("the effective experiment is one"));
            let own = setting.case().expect("the case was planned before");
            let ran = match &planned.plan.recording {
                Some(recorded) => target::record(
                    &target::replayed(own, &Chance::all((**recorded).clone())),
                    settings.judging,
                ),
                None => target::record(own, settings.judging),
            };
            let decisions: Arc<[Chance]> = Chance::all(ran.recording.clone()).into();
            let Some(target) = Target::of(&setting, &decisions, &ran, settings) else { continue };
            let start = State { setting: Arc::clone(&setting), decisions };
            let replay = target::replayed(own, &start.decisions);
            assert!(target.is_failing(&replay), "what was recorded repeats the run");
            let origin = Origin {
                name: experiment.name.clone(),
                case: planned.name.clone(),
                before: start.measure().with_run(&ran),
                failures: ran.run.failures,
            };
            return Ok(Self { origin, start, target: Arc::new(target), settings: *settings });
        }
        let several = names.len() > 1;
        Err(ShrinkError::Passes { seed, case: case.filter(|_| several).map(str::to_owned) })
    }

    /// What failed.
    pub fn failures(&self) -> &[Failure] {
        &self.origin.failures
    }

    /// Name of the case.
    pub fn case(&self) -> &str {
        &self.origin.case
    }

    /// Makes it smaller until nothing more goes. `progress` is told after every batch of tries, and may end the search:
    /// the best so far is the result then.
    pub fn shrink(self, progress: impl FnMut(&Progress) -> ControlFlow<()>) -> Shrunk {
        let found = Search::new(self.start, &self.target, &self.settings, progress).run();
        result::shrunk(self.origin, &self.target, found)
    }
}

/// [`Failing::find`] and [`Failing::shrink`] in one.
///
/// # Errors
/// [`ShrinkError`] if there is nothing to shrink.
///
/// # Panics
/// If `case` is none of the experiment's cases.
pub fn shrink(
    experiment: &Experiment,
    case: Option<&str>,
    seed: u64,
    settings: &Settings,
    progress: impl FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Shrunk, ShrinkError> {
    Ok(Failing::find(experiment, case, seed, settings)?.shrink(progress))
}

#[cfg(test)]
mod tests;

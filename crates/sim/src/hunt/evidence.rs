//! What is gathered about one way to fail: the run as it was found, its smallest form, and why it fails.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::Found;
use crate::experiment::{Overrides, parse};
use crate::explain::{Answer, Question, Watched, explain, watch, when_inevitable};
use crate::plan::{Case, Experiment};
use crate::record::Silent;
use crate::replay::{RecordedRun, record_case, write};
use crate::shrink::{Progress, Settings, Shrunk, shrink};

/// All there is about one way to fail.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// What is left of it, and of how much.
    pub shrunk: Shrunk,
    /// The run as it was found, with every decision of chance.
    pub recorded: RecordedRun,
    /// The case of the smallest form...
    pub case: Case,
    /// ...its run...
    pub watched: Watched,
    /// ...why it fails...
    pub answers: Vec<Answer>,
    /// ...and from which moment on that could not be avoided any more.
    pub inevitable: Option<Answer>,
    /// The smallest form as the text of a file: an experiment whose faults all have a name, or where no named fault does
    /// what a decision of chance does, a replay file.
    pub minimal: String,
    /// Whether it is a replay file.
    pub minimal_is_replay: bool,
}

impl Evidence {
    /// The name for the file of the smallest form.
    pub fn minimal_name(&self) -> &'static str {
        if self.minimal_is_replay { "minimal-replay.json" } else { "minimal.json" }
    }
}

/// Why nothing can be gathered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoEvidence {
    /// The simulation itself ended; that is a bug of ours or a contradiction in the experiment.
    #[error("the run did not come to its end, so that there is nothing to shrink")]
    NoEnd,
    /// Run alone, the seed does not fail in this way: that would be a bug of ours.
    #[error("run again, seed {seed} does not fail like this")]
    Passes {
        /// The seed.
        seed: u64,
    },
}

impl Evidence {
    /// Shrinks and explains the smallest run that failed so. `experiment` is what this run ran, with its seed and with
    /// what the seed drew.
    ///
    /// # Errors
    /// [`NoEvidence`] if there is no such run.
    ///
    /// # Panics
    /// If `experiment` lacks the case.
    pub fn gather(
        experiment: &Experiment,
        found: &Found,
        settings: &Settings,
        progress: impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<Self, NoEvidence> {
        let seen = &found.smallest;
        if !seen.ended {
            return Err(NoEvidence::NoEnd);
        }
        let case = experiment.cases.iter().find(|case| case.name == seen.case);
        let case = case.expect("the experiment has the case that failed");
        let (_, recorded) = record_case(case, settings.judging, &mut Silent);
        if recorded.cluster().as_ref() != Some(&found.cluster) {
            return Err(NoEvidence::Passes { seed: seen.seed });
        }
        let shrunk = shrink(experiment, Some(&seen.case), seen.seed, settings, progress)
            .map_err(|_| NoEvidence::Passes { seed: seen.seed })?;
        let (case, minimal) = smallest(&shrunk);
        let watched = watch(&case, settings.judging);
        let answers = explain(&case, &watched, &Question::Failure).unwrap_or_default();
        let inevitable =
            when_inevitable(&case, settings.judging, &watched, &Question::Failure).ok().flatten();
        let minimal_is_replay = shrunk.minimal.is_none();
        Ok(Self { shrunk, recorded, case, watched, answers, inevitable, minimal, minimal_is_replay })
    }

    /// The text of a replay file of the run as it was found. `experiment` is what it ran, `command` the command that found
    /// it.
    ///
    /// # Panics
    /// If `experiment` lacks the case.
    pub fn replay(&self, experiment: &Experiment, command: &str) -> String {
        write(experiment, command, std::slice::from_ref(&self.recorded))
    }
}

/// The smallest form: its case, and its text.
fn smallest(shrunk: &Shrunk) -> (Case, String) {
    let read = |text: &str| parse(text, "minimal.json", &Overrides::default());
    if let Some(minimal) = &shrunk.minimal {
        let experiment = read(minimal).expect("what is left is an experiment");
        return (experiment.cases[0].clone(), minimal.clone());
    }
    let mut case = shrunk.experiment.cases[0].clone();
    Arc::make_mut(&mut case.plan).recording = Some(Arc::clone(&shrunk.recorded.recording));
    let text = write(&shrunk.experiment, "faultwire hunt", std::slice::from_ref(&shrunk.recorded));
    (case, text)
}

//! What a replay file says, once it is read.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_128;

use super::checkpoints::Checkpoints;
use super::{Recording, write};
use crate::failure::{Cluster, Failure};
use crate::report::Outcome;

/// A replay file beside its experiment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// The faultwire that wrote it.
    pub faultwire_version: String,
    /// The command that wrote it.
    pub command: String,
    /// Whether experiment, seed or decisions are not what was written: somebody has edited the file, or the command line
    /// changes it. Then outcomes are compared, not fingerprints.
    pub changed: bool,
    /// Paths that the command line sets and that only say what chance draws: in a replay nothing is drawn.
    pub undrawn: Vec<String>,
    /// The runs, one a case.
    pub runs: Vec<RecordedRun>,
}

/// What one case came to when it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedRun {
    /// Name of the case.
    pub case: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed.
    pub failures: Vec<Failure>,
    /// Its fingerprint as text.
    pub fingerprint: String,
    /// Semantic events.
    pub events: u64,
    /// Virtual time at its end, in nanoseconds.
    pub virtual_time_ns: u64,
    /// What chance did.
    pub recording: Arc<Recording>,
    /// Digests on the way.
    pub checkpoints: Checkpoints,
}

impl Replay {
    /// The run of a case.
    pub fn run_of(&self, case: &str) -> Option<&RecordedRun> {
        self.runs.iter().find(|run| run.case == case)
    }
}

impl RecordedRun {
    /// What it has in common with other runs that failed in the same way; `None` if it passed.
    pub fn cluster(&self) -> Option<Cluster> {
        Cluster::of(&self.failures)
    }

    /// Digest of what it came to, with which a replay is compared: everything but the name of its case and its decisions,
    /// since those may be edited.
    pub(crate) fn digest(&self) -> String {
        let Self {
            case: _,
            recording: _,
            outcome,
            failures,
            fingerprint,
            events,
            virtual_time_ns,
            checkpoints,
        } = self;
        let outcome = write::outcome(*outcome);
        let mut text =
            format!("{outcome}\n{fingerprint}\n{events}\n{virtual_time_ns}\n{}\n", checkpoints.every);
        for digest in &checkpoints.digests {
            text.push_str(&format!("{digest:016x}\n"));
        }
        for failure in failures {
            text.push_str(&write::failure(failure));
            text.push('\n');
        }
        format!("{:032x}", xxh3_128(text.as_bytes()))
    }
}

/// Digest of all that a replay goes by: the effective experiment (by its own digest), the seed, the decisions.
pub(crate) fn digest<'a>(
    experiment_digest: &str,
    seed: u64,
    runs: impl Iterator<Item = (&'a str, &'a Recording)>,
) -> String {
    let mut text = format!("{experiment_digest}\n{seed}\n");
    for (case, recording) in runs {
        text.push_str(case);
        text.push('\n');
        for decision in &recording.decisions {
            text.push_str(&write::decision(decision));
            text.push('\n');
        }
    }
    format!("{:032x}", xxh3_128(text.as_bytes()))
}

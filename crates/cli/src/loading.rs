//! Reads the experiment or replay file of a command, and tells on standard error what of the command line is in vain.

use std::path::Path;

use faultwire_sim::experiment::{self, ExperimentError, Overrides};
use faultwire_sim::plan::Experiment;
use faultwire_sim::replay::undrawn_note;

use crate::terminal;

/// Reads a file as the command line changes it.
///
/// # Errors
/// Those of [`experiment::load`].
pub(crate) fn load(file: &Path, overrides: &Overrides) -> Result<Experiment, ExperimentError> {
    let experiment = experiment::load(file, overrides)?;
    tell_undrawn([&experiment]);
    Ok(experiment)
}

/// Tells once which settings of all these change nothing, since nothing is drawn in a replay.
pub(crate) fn tell_undrawn<'a>(experiments: impl IntoIterator<Item = &'a Experiment>) {
    let replays = experiments.into_iter().filter_map(|experiment| experiment.replay.as_ref());
    let paths = replays.flat_map(|replay| replay.undrawn.iter().map(String::as_str));
    if let Some(note) = undrawn_note(paths) {
        terminal::note(&format!("note: {note}"));
    }
}

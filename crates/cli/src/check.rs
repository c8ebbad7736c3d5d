//! `faultwire check`: reads experiments, runs nothing, says what may surprise.

use faultwire_sim::experiment::{self, Overrides};

use crate::arguments::CheckArguments;
use crate::status::Status;
use crate::terminal;

pub(crate) fn check(arguments: &CheckArguments) -> anyhow::Result<Status> {
    let mut status = Status::Held;
    for file in &arguments.files {
        match experiment::load(file, &Overrides::default()) {
            Ok(experiment) => {
                let cases = experiment.cases.len();
                let plural = if cases == 1 { "" } else { "s" };
                let mut text = format!("{}: good, {cases} case{plural}\n", file.display());
                if let Some(replay) = &experiment.replay {
                    let decisions: usize = replay.runs.iter().map(|run| run.recording.decisions.len()).sum();
                    let plural = if decisions == 1 { "" } else { "s" };
                    let changed = if replay.changed { ", changed since" } else { "" };
                    text.push_str(&format!(
                        "  a replay of {decisions} decision{plural} of chance{changed}\n"
                    ));
                }
                for note in experiment::notes(&experiment) {
                    text.push_str(&format!("  note: {note}\n"));
                }
                terminal::print(&text)?;
            }
            Err(error) => {
                terminal::note(&format!("error: {error}"));
                status = Status::BadInput;
            }
        }
    }
    Ok(status)
}

//! Recorded runs to the text of a replay file: one decision a line.

use faultwire_link::ChanceAction;

use super::file::{RecordedRun, digest};
use super::grammar::REPLAY_VERSION;
use super::{RecordedConversation, RecordedDecision, RecordedPacket};
use crate::experiment::layout;
use crate::failure::Failure;
use crate::plan::Experiment;
use crate::report::Outcome;

/// The text of a replay file: the experiment with those of its cases that have a run, and the runs. `command` is the
/// command that a reader may want to know.
///
/// # Panics
/// If there is no run, or one of a case that the experiment does not have.
pub fn write(experiment: &Experiment, command: &str, runs: &[RecordedRun]) -> String {
    let names: Vec<&str> = runs.iter().map(|run| run.case.as_str()).collect();
    let case = experiment.cases.iter().find(|case| names.contains(&case.name.as_str()));
    let seed = case.expect("a run is of a case of the experiment").plan.seed;
    let embedded = crate::experiment::embedded(&experiment.effective, &names, seed);
    let decisions = runs.iter().map(|run| (run.case.as_str(), &*run.recording));
    let mut out = String::from("{\n");
    let mut line = |key: &str, value: &str| out.push_str(&format!("  \"{key}\": {value},\n"));
    line("faultwire_replay", &REPLAY_VERSION.to_string());
    line("faultwire_version", &text(env!("CARGO_PKG_VERSION")));
    line("command", &text(command));
    line("digest", &text(&digest(&embedded.digest, seed, decisions)));
    line("experiment", &embedded.layout);
    out.push_str("  \"runs\": [\n");
    for (index, run) in runs.iter().enumerate() {
        out.push_str(if index == 0 { "" } else { ",\n" });
        write_run(&mut out, run);
    }
    out.push_str("\n  ]\n}\n");
    out
}

fn write_run(out: &mut String, run: &RecordedRun) {
    out.push_str("    {\n");
    let mut line = |key: &str, value: String| out.push_str(&format!("      \"{key}\": {value},\n"));
    line("case", text(&run.case));
    line("outcome", text(outcome(run.outcome)));
    let failures: Vec<String> = run.failures.iter().map(failure).collect();
    if !failures.is_empty() {
        line("failures", list(&failures, "      "));
    }
    line("fingerprint", text(&run.fingerprint));
    line("events", run.events.to_string());
    line("virtual_time_ns", run.virtual_time_ns.to_string());
    line("digest", text(&run.digest()));
    let decisions: Vec<String> = run.recording.decisions.iter().map(decision).collect();
    line("decisions", list(&decisions, "      "));
    let digests: Vec<String> =
        run.checkpoints.digests.iter().map(|digest| format!("\"{digest:016x}\"")).collect();
    let rows: Vec<String> = digests.chunks(DIGESTS_A_LINE).map(|row| row.join(", ")).collect();
    out.push_str(&format!(
        "      \"checkpoints\": {{ \"every\": {}, \"digests\": {} }}\n    }}",
        run.checkpoints.every,
        list(&rows, "      ")
    ));
}

pub(crate) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Error => "error",
    }
}

/// A failure as one line of JSON.
pub(crate) fn failure(failure: &Failure) -> String {
    format!("{{ \"failed\": {}, \"sentence\": {} }}", text(&failure.name), text(&failure.sentence))
}

/// A decision as one line of JSON.
pub(crate) fn decision(decision: &RecordedDecision) -> String {
    let RecordedPacket { conversation, kind, byte, transmission, nth, copy } = &decision.packet;
    let mut keys = Vec::new();
    match conversation {
        RecordedConversation::None => {}
        RecordedConversation::Named(name) => keys.push(format!("\"conn\": {}", text(name))),
        RecordedConversation::Numbered { .. } => {
            keys.push(format!("\"flow\": {}", text(&conversation.to_string())))
        }
    }
    keys.extend(kind.map(|kind| format!("\"kind\": \"{}\"", kind.as_str())));
    keys.extend(byte.map(|byte| format!("\"byte\": {byte}")));
    keys.extend(transmission.map(|transmission| format!("\"transmission\": {transmission}")));
    keys.push(format!("\"nth\": {nth}"));
    keys.extend(copy.map(|copy| format!("\"copy\": {copy}")));
    format!(
        "{{ \"on\": {}, \"packet\": {{ {} }}, \"at\": \"{}\", \"do\": {} }}",
        text(&decision.on),
        keys.join(", "),
        decision.at,
        action(&decision.action)
    )
}

fn action(action: &ChanceAction) -> String {
    match action {
        ChanceAction::Drop => "\"drop\"".to_owned(),
        ChanceAction::Mark => "{ \"rewrite\": { \"ecn\": 3 } }".to_owned(),
        ChanceAction::Duplicate => "{ \"duplicate\": {} }".to_owned(),
        ChanceAction::Corrupt { bits } => {
            let bits: Vec<String> = bits.iter().map(u32::to_string).collect();
            format!("{{ \"corrupt\": {{ \"bits\": [{}] }} }}", bits.join(", "))
        }
        ChanceAction::Delay { deviation } => format!("{{ \"delay\": \"{}\" }}", super::deviation(*deviation)),
        ChanceAction::SendAtOnce => "\"send_at_once\"".to_owned(),
    }
}

/// A list with one element a line.
fn list(items: &[String], indent: &str) -> String {
    if items.is_empty() {
        return "[]".to_owned();
    }
    format!("[\n{indent}  {}\n{indent}]", items.join(&format!(",\n{indent}  ")))
}

fn text(text: &str) -> String {
    layout::text(text)
}

const DIGESTS_A_LINE: usize = 8;

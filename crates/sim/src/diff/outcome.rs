//! How two runs ended, beside each other.

use super::Run;
use crate::report::{CaseReport, ConnectionReport, Outcome};
use faultwire_base::Duration;

/// One figure of both runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeRow {
    /// What it is.
    pub what: String,
    /// In either run.
    pub values: [String; 2],
}

impl OutcomeRow {
    /// Whether both runs agree.
    pub fn is_same(&self) -> bool {
        self.values[0] == self.values[1]
    }
}

/// The figures of both runs: outcome, time, packets, connections, what was expected and what the laws say.
pub fn outcomes(one: &Run<'_>, other: &Run<'_>) -> Vec<OutcomeRow> {
    let reports = [one.report, other.report];
    let mut rows = Vec::new();
    let mut row = |what: &str, value: &dyn Fn(&CaseReport) -> String| {
        rows.push(OutcomeRow { what: what.to_owned(), values: reports.map(value) });
    };
    row("outcome", &|report| {
        match report.outcome {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
            Outcome::Error => "could not go on",
        }
        .to_owned()
    });
    row("ends at", &|report| Duration::from_nanos(report.virtual_time_ns).to_string());
    row("packets sent", &|report| report.packets.sent.to_string());
    row("dropped", &|report| report.packets.dropped.to_string());
    row("copied", &|report| report.packets.duplicated.to_string());
    row("corrupted", &|report| report.packets.corrupted.to_string());
    for name in names(reports.map(|report| report.connections.iter().map(|one| one.name.clone()).collect())) {
        row(&name, &|report| {
            let found = report.connections.iter().find(|connection| connection.name == name);
            found.map_or_else(|| "not there".into(), connection)
        });
    }
    for name in names(reports.map(|report| report.apps.iter().map(|app| app.name.clone()).collect())) {
        row(&format!("app {name}"), &|report| {
            let found = report.apps.iter().find(|app| app.name == name);
            found.map_or_else(
                || "not there".into(),
                |app| match app.finished_ns {
                    Some(at) => format!("{} at {}", app.outcome, Duration::from_nanos(at)),
                    None => format!("{}, {} steps ended", app.outcome, app.steps_done),
                },
            )
        });
    }
    for name in names(reports.map(|report| report.expectations.iter().map(|one| one.name.clone()).collect()))
    {
        row(&format!("expect {name}"), &|report| {
            let found = report.expectations.iter().find(|expectation| expectation.name == name);
            found.map_or_else(
                || "not there".into(),
                |one| format!("{}: {}", if one.passed { "held" } else { "failed" }, one.observed),
            )
        });
    }
    for name in names(reports.map(|report| report.oracles.iter().map(|one| one.name.to_owned()).collect())) {
        row(&format!("oracle {name}"), &|report| {
            let found = report.oracles.iter().find(|oracle| oracle.name == name);
            found.map_or_else(
                || "not there".into(),
                |oracle| match &oracle.detail {
                    Some(detail) => format!("{}: {detail}", oracle.result),
                    None => oracle.result.to_owned(),
                },
            )
        });
    }
    rows
}

/// All names of both, in the order of the first.
fn names([one, other]: [Vec<String>; 2]) -> Vec<String> {
    let mut names = one;
    for name in other {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn connection(connection: &ConnectionReport) -> String {
    let mut text = connection.final_state.to_owned();
    if let Some(error) = &connection.error {
        text.push_str(&format!(", ended with {error}"));
    }
    text.push_str(&format!(", {} octets delivered", connection.bytes_delivered));
    for (count, what) in [(connection.retransmissions, "retransmission"), (connection.timeouts, "timeout")] {
        match count {
            0 => {}
            1 => text.push_str(&format!(", 1 {what}")),
            _ => text.push_str(&format!(", {count} {what}s")),
        }
    }
    text
}

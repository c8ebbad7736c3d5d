//! What a person reads about a run: heading, one part a case, a summary.

use faultwire_base::Duration;
use faultwire_sim::output::wrapped;
use faultwire_sim::plan::{Case, Experiment};
use faultwire_sim::replay::Comparison;
use faultwire_sim::report::{
    AppReport, CaseReport, ConnectionReport, ExpectationReport, OracleReport, Outcome, PacketCounts,
    QuirkReport,
};

use crate::terminal::Paint;

/// Columns of text.
const WIDTH: usize = 110;
/// Connections that are told about one by one.
const CONNECTIONS_SHOWN: usize = 8;

/// Name and description.
pub(crate) fn heading(experiment: &Experiment, paint: Paint) -> String {
    let mut text = format!("{}\n", paint.strong(&experiment.name));
    for line in wrapped(&experiment.description, WIDTH - 2) {
        text.push_str(&format!("  {line}\n"));
    }
    text
}

/// One case: how it ended, what happened, what was expected, how to run it again.
pub(crate) fn case(report: &CaseReport, case: &Case, again: &str, paint: Paint) -> String {
    let mut text = format!(
        "\n{}  {}   {} of virtual time, {}\n",
        verdict(report.outcome, paint),
        paint.strong(&report.name),
        time(report.virtual_time_ns),
        packets(&report.packets),
    );
    for quirk in &report.quirks {
        let QuirkReport { host, name, what, source } = quirk;
        let what = what.trim_end_matches('.');
        indented(
            &mut text,
            "  ",
            &format!("{} {host} has {name}. {what} ({source}).", paint.warning("quirk:")),
        );
    }
    let shown = report.connections.len().min(CONNECTIONS_SHOWN);
    for connection in &report.connections[..shown] {
        text.push_str(&describe(connection));
    }
    let more = report.connections.len() as u64 - shown as u64 + report.connections_not_listed;
    if more > 0 {
        text.push_str(&format!("  … and {more} more connections\n"));
    }
    let faults: Vec<_> = (report.faults.iter())
        .map(|fault| format!("\"{}\" matched {}, acted on {}", fault.name, fault.matched, fault.acted))
        .collect();
    if !faults.is_empty() {
        indented(&mut text, "  ", &format!("faults: {}", faults.join("; ")));
    }
    for expectation in &report.expectations {
        text.push_str(&expected(expectation, case, paint));
    }
    text.push_str(&oracles(&report.oracles, case, paint));
    for app in report.apps.iter().filter(|app| app.outcome != "done") {
        text.push_str(&unfinished(app));
    }
    if report.outcome != Outcome::Passed {
        text.push_str(&failed(report, paint));
    }
    text.push_str(&paint.faint(&format!("  fingerprint {}\n  again: {again}\n", report.fingerprint)));
    text
}

/// What a replay came to beside its recording, one sentence a line.
pub(crate) fn comparison(comparison: &Comparison, paint: Paint) -> String {
    let mut text = String::new();
    let mark = if comparison.is_same() { paint.good("replay:") } else { paint.bad("replay:") };
    for sentence in comparison.sentences() {
        indented(&mut text, "  ", &format!("{mark} {sentence}"));
    }
    text
}

/// One line for everything.
pub(crate) fn summary(reports: &[&CaseReport], planned: usize, paint: Paint) -> String {
    let count = |outcome: Outcome| reports.iter().filter(|report| report.outcome == outcome).count();
    let (passed, failed, errors) = (count(Outcome::Passed), count(Outcome::Failed), count(Outcome::Error));
    let mut parts = vec![format!("{passed} passed")];
    if failed > 0 {
        parts.push(format!("{failed} failed"));
    }
    if errors > 0 {
        parts.push(format!("{errors} could not go on"));
    }
    if reports.len() < planned {
        parts.push(format!("{} not run", planned - reports.len()));
    }
    let plural = if planned == 1 { "" } else { "s" };
    let line = format!("{planned} case{plural}: {}", parts.join(", "));
    let line = if passed == planned { paint.good(&line) } else { paint.bad(&line) };
    format!("\n{line}\n")
}

fn verdict(outcome: Outcome, paint: Paint) -> String {
    match outcome {
        Outcome::Passed => paint.good("PASS"),
        Outcome::Failed => paint.bad("FAIL"),
        Outcome::Error => paint.bad("ERROR"),
    }
}

fn packets(counts: &PacketCounts) -> String {
    let mut parts = vec![format!("{} packets sent", counts.sent), format!("{} delivered", counts.delivered)];
    for (count, word) in [
        (counts.dropped, "dropped"),
        (counts.duplicated, "copied"),
        (counts.corrupted, "corrupted"),
        (counts.in_flight, "still on the way"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    parts.join(", ")
}

/// A connection: its ends, its states, what troubled it.
fn describe(connection: &ConnectionReport) -> String {
    let mut text = format!("  {}  {} → {}\n", connection.name, connection.local, connection.remote);
    let states: Vec<_> =
        connection.states.iter().map(|entry| format!("{} {}", entry.state, time(entry.at_ns))).collect();
    if !states.is_empty() {
        indented(&mut text, "      ", &states.join(" → "));
    }
    let plural = |count: u64, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{count} {many}")),
    };
    let facts: Vec<String> = [
        connection.error.as_ref().map(|error| format!("ended with {error}")),
        (connection.bytes_delivered > 0).then(|| format!("{} octets delivered", connection.bytes_delivered)),
        (connection.goodput_bps > 0).then(|| format!("{} goodput", rate(connection.goodput_bps))),
        plural(connection.retransmissions, "retransmission", "retransmissions"),
        plural(connection.fast_retransmissions, "of them fast", "of them fast"),
        plural(connection.timeouts, "timeout", "timeouts"),
        plural(connection.duplicate_acks_received, "duplicate ACK", "duplicate ACKs"),
        plural(connection.challenge_acks, "challenge ACK sent", "challenge ACKs sent"),
        plural(connection.zero_window_probes, "zero-window probe", "zero-window probes"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !facts.is_empty() {
        indented(&mut text, "      ", &facts.join(", "));
    }
    text
}

fn expected(expectation: &ExpectationReport, case: &Case, paint: Paint) -> String {
    let must_fail = case.must_fail.contains(&expectation.name);
    let ExpectationReport { name, passed, expected, observed } = expectation;
    let mark = if *passed == must_fail { paint.bad("✗") } else { paint.good("✓") };
    let mut text = String::new();
    let line = match (passed, must_fail) {
        (true, false) => format!("{mark} {name}: expected {expected}; observed {observed}"),
        (false, false) => format!("{mark} {name}: expected {expected}; observed {observed}"),
        (false, true) => {
            format!("{mark} {name} fails, as it must here: expected {expected}; observed {observed}")
        }
        (true, true) => {
            format!("{mark} {name} holds, but must fail here: expected {expected}; observed {observed}")
        }
    };
    indented(&mut text, "  ", &line);
    text
}

/// What failed: the names of what is told of above, and what is not.
fn failed(report: &CaseReport, paint: Paint) -> String {
    let expectations = report.expectations.iter().map(|expectation| {
        let name = format!("expectation \"{}\"", expectation.name);
        (format!("{name} failed: "), name)
    });
    let oracles = report.oracles.iter().map(|oracle| {
        let name = format!("oracle {}", oracle.name);
        (format!("{name} is "), name)
    });
    let apps = report.apps.iter().map(|app| {
        let name = format!("app \"{}\"", app.name);
        (format!("{name} "), name)
    });
    let told: Vec<(String, String)> = expectations.chain(oracles).chain(apps).collect();
    let (mut names, mut others) = (Vec::new(), String::new());
    for failure in &report.failures {
        match told.iter().find(|(beginning, _)| failure.starts_with(beginning.as_str())) {
            Some((_, name)) => names.push(name.as_str()),
            None => indented(&mut others, "  ", &format!("{} {failure}", paint.bad("failed:"))),
        }
    }
    let mut text = String::new();
    if !names.is_empty() {
        indented(&mut text, "  ", &format!("{} {}", paint.bad("failed:"), names.join(", ")));
    }
    text + &others
}

/// One line if all oracles held; otherwise one for each that did not.
fn oracles(oracles: &[OracleReport], case: &Case, paint: Paint) -> String {
    let mut text = String::new();
    let held = oracles.iter().filter(|oracle| oracle.result == "held").count();
    if held == oracles.len() {
        let names: Vec<_> = oracles.iter().map(|oracle| oracle.name).collect();
        indented(&mut text, "  ", &format!("{} all oracles held: {}", paint.good("✓"), names.join(", ")));
        return text;
    }
    for oracle in oracles.iter().filter(|oracle| oracle.result != "held") {
        let intended = case.must_fail.iter().any(|name| name.strip_prefix("oracle:") == Some(oracle.name));
        let mark = match (oracle.result, intended) {
            (_, true) => paint.good("✓"),
            ("hazard", false) => paint.warning("!"),
            _ => paint.bad("✗"),
        };
        let as_intended = if intended { ", as it must be here" } else { "" };
        let detail = oracle.detail.as_deref().map_or_else(String::new, |detail| format!(": {detail}"));
        indented(
            &mut text,
            "  ",
            &format!("{mark} oracle {} {}{as_intended}{detail}", oracle.name, oracle.result),
        );
    }
    if held > 0 {
        text.push_str(&format!("  {} the other {held} oracles held\n", paint.good("✓")));
    }
    text
}

fn unfinished(app: &AppReport) -> String {
    let mut text = String::new();
    let detail = app.detail.as_deref().map_or_else(String::new, |detail| format!(": {detail}"));
    indented(&mut text, "  ", &format!("app {} {}{detail}", app.name, app.outcome));
    text
}

/// A time with at most microseconds, which is what a reader wants of seconds.
fn time(nanos: u64) -> String {
    let rounded = if nanos >= 1_000_000 { nanos / 1_000 * 1_000 } else { nanos };
    Duration::from_nanos(rounded).to_string()
}

/// Bits per second with three digits.
fn rate(bits: u64) -> String {
    match bits {
        0..1_000 => format!("{bits} bit/s"),
        1_000..1_000_000 => format!("{}.{} kbit/s", bits / 1_000, bits % 1_000 / 100),
        1_000_000..1_000_000_000 => format!("{}.{:02} Mbit/s", bits / 1_000_000, bits % 1_000_000 / 10_000),
        _ => format!("{}.{:02} Gbit/s", bits / 1_000_000_000, bits % 1_000_000_000 / 10_000_000),
    }
}

/// Appends a paragraph whose lines begin with `indent`, the later ones with four blanks more.
pub(crate) fn indented(text: &mut String, indent: &str, paragraph: &str) {
    for (index, line) in wrapped(paragraph, WIDTH - indent.len() - 4).into_iter().enumerate() {
        let more = if index == 0 { "" } else { "    " };
        text.push_str(&format!("{indent}{more}{line}\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_wrapped_and_indented() {
        let mut text = String::new();
        indented(&mut text, "  ", &"word ".repeat(30));
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("  word") && lines[1].starts_with("      word"));
        assert!(lines.iter().all(|line| line.len() <= WIDTH));
    }

    #[test]
    fn figures_are_short() {
        assert_eq!(time(1_050_048_123), "1.050048s");
        assert_eq!(rate(9_412_345), "9.41 Mbit/s");
        assert_eq!(rate(999), "999 bit/s");
    }

    #[test]
    fn one_line_sums_up() {
        assert_eq!(summary(&[], 2, Paint::PLAIN), "\n2 cases: 0 passed, 2 not run\n");
    }
}

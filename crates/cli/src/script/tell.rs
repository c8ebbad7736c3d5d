//! What is printed of scripts that were played: in the order of their paths, as text or as JSON lines.

use std::collections::BTreeMap;

use faultwire_base::Duration;
use faultwire_script::{Finding, Report, Verdict};
use serde::Serialize;

use super::arguments::{Format, ScriptArguments};
use super::find::Unreadable;
use super::work::Outcome;
use crate::status::Status;
use crate::terminal::Paint;

/// Puts outcomes into their order, makes text of them, and counts.
#[derive(Debug)]
pub(crate) struct Teller {
    names: Vec<String>,
    format: Format,
    verbose: bool,
    fail_on_skip: bool,
    paint: Paint,
    /// What ended before its turn.
    early: BTreeMap<usize, Outcome<Report>>,
    /// Whose turn it is.
    next: usize,
    counts: Counts,
}

/// How many ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
    unreadable: usize,
    broken: usize,
    virtual_time: Duration,
}

/// One script as JSON.
#[derive(Serialize)]
struct Line<'a> {
    path: &'a str,
    /// `pass`, `fail`, `skip`, `error` (it can't be read) or `panic` (a bug of faultwire).
    result: &'static str,
    /// The line of the script that the message is about.
    line: Option<u32>,
    message: Option<&'a str>,
    profile: Option<&'static str>,
    virtual_ns: Option<u64>,
    /// With `--verbose`.
    #[serde(skip_serializing_if = "Option::is_none")]
    ladder: Option<&'a str>,
}

impl Teller {
    /// For scripts of these names.
    pub(crate) fn new(arguments: &ScriptArguments, names: Vec<String>, paint: Paint) -> Self {
        Self {
            names,
            format: arguments.format,
            verbose: arguments.verbose,
            fail_on_skip: arguments.fail_on_skip,
            paint,
            early: BTreeMap::new(),
            next: 0,
            counts: Counts::default(),
        }
    }

    /// Takes an outcome; what can be printed now.
    pub(crate) fn take(&mut self, index: usize, outcome: Outcome<Report>) -> String {
        self.early.insert(index, outcome);
        let mut text = String::new();
        while let Some(outcome) = self.early.remove(&self.next) {
            text.push_str(&self.tell(self.next, &outcome));
            self.next += 1;
        }
        text
    }

    /// What ended before its turn, if its turn will not come any more.
    pub(crate) fn rest(&mut self) -> String {
        let rest = std::mem::take(&mut self.early);
        rest.iter().map(|(&index, outcome)| self.tell(index, outcome)).collect()
    }

    /// The line below all others; nothing with JSON, where each line is a script.
    pub(crate) fn summary(&self) -> String {
        if self.format == Format::Json {
            return String::new();
        }
        let Counts { passed, failed, skipped, unreadable, broken, virtual_time } = self.counts;
        let mut line =
            format!("{passed} passed, {failed} failed, {skipped} skipped, {unreadable} unreadable");
        if broken > 0 {
            line.push_str(&format!(", {broken} ended by a bug of faultwire"));
        }
        let told = passed + failed + skipped + unreadable + broken;
        if told < self.names.len() {
            line.push_str(&format!(", {} not played", self.names.len() - told));
        }
        line.push_str(&format!(" in {virtual_time} virtual"));
        let line = if self.status() == Status::Held { self.paint.good(&line) } else { self.paint.bad(&line) };
        format!("{line}\n")
    }

    /// The exit status that all of it deserves: the gravest.
    pub(crate) fn status(&self) -> Status {
        match self.counts {
            Counts { broken: 1.., .. } => Status::Internal,
            Counts { unreadable: 1.., .. } => Status::BadInput,
            Counts { failed: 1.., .. } => Status::Failed,
            Counts { skipped: 1.., .. } if self.fail_on_skip => Status::Failed,
            _ => Status::Held,
        }
    }

    fn tell(&mut self, index: usize, outcome: &Outcome<Report>) -> String {
        self.count(outcome);
        let name = &self.names[index];
        match self.format {
            Format::Json => json(name, outcome, self.verbose),
            Format::Text => self.text(name, outcome),
        }
    }

    fn count(&mut self, outcome: &Outcome<Report>) {
        let counts = &mut self.counts;
        match outcome {
            Outcome::Played { report, .. } => {
                let total = counts.virtual_time.as_nanos().saturating_add(report.virtual_time.as_nanos());
                counts.virtual_time = Duration::from_nanos(total);
                match report.verdict {
                    Verdict::Pass => counts.passed += 1,
                    Verdict::Fail(_) => counts.failed += 1,
                    Verdict::Skip(_) => counts.skipped += 1,
                }
            }
            Outcome::Unreadable(_) => counts.unreadable += 1,
            Outcome::Broken(_) => counts.broken += 1,
        }
    }

    fn text(&self, name: &str, outcome: &Outcome<Report>) -> String {
        let paint = self.paint;
        match outcome {
            Outcome::Played { source, report } => {
                let mut text = match &report.verdict {
                    Verdict::Pass => format!("{} {name}\n", paint.good("PASS")),
                    Verdict::Fail(finding) => {
                        format!("{} {name}\n{}", paint.bad("FAIL"), found(source, finding))
                    }
                    Verdict::Skip(finding) => {
                        format!("{} {name}\n{}", paint.warning("SKIP"), found(source, finding))
                    }
                };
                if self.verbose {
                    text.push_str(&indented(&report.ladder, "    "));
                }
                text
            }
            Outcome::Unreadable(Unreadable { place, message }) => {
                let place = place.map_or_else(String::new, |(line, column)| format!(":{line}:{column}"));
                format!("{} {name}{place}: {message}\n", paint.bad("ERROR"))
            }
            Outcome::Broken(report) => {
                format!("{} {name}\n{}", paint.bad("ERROR"), indented(report, "    "))
            }
        }
    }
}

/// The line of the script, and what was found there. The finding may begin with the event again.
fn found(source: &str, finding: &Finding) -> String {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = (finding.line as usize).checked_sub(1).and_then(|index| source.lines().nth(index));
    let heading = match line {
        Some(line) => format!("line {}: {}", finding.line, line.trim()),
        None => format!("line {}", finding.line),
    };
    let message = match (line, finding.message.split_once('\n')) {
        (Some(line), Some((event, rest))) if words(event) == words(line) => rest,
        _ => &finding.message,
    };
    format!("    {heading}\n{}", indented(message, "      "))
}

/// Each line with blanks before it.
fn indented(text: &str, indent: &str) -> String {
    text.lines().map(|line| format!("{indent}{line}").trim_end().to_owned() + "\n").collect()
}

fn json(path: &str, outcome: &Outcome<Report>, verbose: bool) -> String {
    let line = match outcome {
        Outcome::Played { report, .. } => {
            let (result, finding) = match &report.verdict {
                Verdict::Pass => ("pass", None),
                Verdict::Fail(finding) => ("fail", Some(finding)),
                Verdict::Skip(finding) => ("skip", Some(finding)),
            };
            Line {
                path,
                result,
                line: finding.map(|finding| finding.line),
                message: finding.map(|finding| finding.message.as_str()),
                profile: Some(report.profile.name()),
                virtual_ns: Some(report.virtual_time.as_nanos()),
                ladder: verbose.then_some(report.ladder.as_str()),
            }
        }
        Outcome::Unreadable(Unreadable { place, message }) => {
            unplayed(path, "error", place.map(|(line, _)| line), message)
        }
        Outcome::Broken(report) => unplayed(path, "panic", None, report),
    };
    serde_json::to_string(&line).expect("strings and numbers are JSON") + "\n"
}

fn unplayed<'a>(path: &'a str, result: &'static str, line: Option<u32>, message: &'a str) -> Line<'a> {
    Line { path, result, line, message: Some(message), profile: None, virtual_ns: None, ladder: None }
}

#[cfg(test)]
mod tests;

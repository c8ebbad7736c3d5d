//! Running a case with its decisions kept, or compared with the run that was recorded; what came of the comparison.

use std::fmt;
use std::sync::Arc;

use faultwire_base::Instant;

use super::checkpoints::{CheckpointWatch, Departure};
use super::file::{RecordedRun, Replay};
use super::{Met, RecordedDecision};
use crate::failure::Cluster;
use crate::fingerprint::FINGERPRINT_NAME;
use crate::plan::Case;
use crate::record::Sink;
use crate::report::Outcome;
use crate::run::{CaseRun, Judging, finish_case};
use crate::world::World;

/// Runs a case and records it.
pub fn record_case<S: Sink>(case: &Case, judging: Judging, sink: &mut S) -> (CaseRun, RecordedRun) {
    let (run, recorded, _) = watched_case(case, judging, None, sink);
    (run, recorded)
}

/// Runs a case of a replay file, compares it with what was recorded, and records it anew.
///
/// # Panics
/// If the file has no run of that case.
pub fn replay_case<S: Sink>(
    case: &Case,
    judging: Judging,
    replay: &Replay,
    sink: &mut S,
) -> (CaseRun, RecordedRun, Comparison) {
    let expected = replay.run_of(&case.name).expect("a case of a replay file has a run");
    let (run, recorded, comparison) = watched_case(case, judging, Some((replay, expected)), sink);
    (run, recorded, comparison.expect("there was something to compare with"))
}

fn watched_case<S: Sink>(
    case: &Case,
    judging: Judging,
    replay: Option<(&Replay, &RecordedRun)>,
    sink: &mut S,
) -> (CaseRun, RecordedRun, Option<Comparison>) {
    let mut world = World::new(&case.plan);
    world.keep_decisions();
    let expected = replay.filter(|(_, expected)| is_comparable(expected)).map(|(_, run)| &run.checkpoints);
    let mut both = (CheckpointWatch::new(&case.plan, expected), sink);
    let end = world.run(&mut both);
    let watch = both.0;
    let run = finish_case(case, &world, &end, judging);
    let comparison = replay.map(|(replay, expected)| compare(&world, &run, &watch, (replay, expected)));
    let recorded = RecordedRun {
        case: case.name.clone(),
        outcome: run.report.outcome,
        failures: run.failures.clone(),
        fingerprint: run.report.fingerprint.clone(),
        events: run.report.events,
        virtual_time_ns: run.report.virtual_time_ns,
        recording: Arc::new(world.decisions()),
        checkpoints: watch.into_checkpoints(),
    };
    (run, recorded, comparison)
}

/// Whether fingerprint and checkpoints of a recording mean what those of this faultwire mean.
fn is_comparable(expected: &RecordedRun) -> bool {
    expected.fingerprint.starts_with(&format!("{FINGERPRINT_NAME}-"))
}

fn compare(
    world: &World,
    run: &CaseRun,
    watch: &CheckpointWatch,
    (replay, expected): (&Replay, &RecordedRun),
) -> Comparison {
    let basis = match (replay.changed, is_comparable(expected)) {
        (true, _) => Basis::Changed,
        (false, false) => Basis::OtherFingerprints,
        (false, true) => Basis::Fingerprint,
    };
    let same = run.report.fingerprint == expected.fingerprint;
    let departure = match basis {
        Basis::Fingerprint => (!same).then(|| watch.late_departure(expected.events)),
        // Of another experiment only the events are compared: a host more is another fingerprint and no event.
        Basis::Changed if is_comparable(expected) => watch.departure(expected.events),
        Basis::Changed | Basis::OtherFingerprints => None,
    };
    let covered = if same { expected.events } else { expected.checkpoints.covered() };
    let is_told = basis == Basis::Changed && is_comparable(expected) && departure.is_none();
    let met = world.replayed().unwrap_or_default();
    let decisions = || expected.recording.decisions.iter().zip(&met);
    let those = |which: fn(Met) -> bool| {
        decisions().filter(move |(_, met)| which(**met)).map(|(decision, _)| decision.clone()).collect()
    };
    Comparison {
        basis,
        writer: replay.faultwire_version.clone(),
        departure,
        alike: is_told.then_some(covered),
        events: run.report.events,
        decisions: expected.recording.decisions.len(),
        never_came: those(|met| met == Met::Not),
        healed: those(|met| matches!(met, Met::Healed(_))),
        otherwise: decisions().find_map(|(decision, met)| match *met {
            Met::Decided(at) | Met::Healed(at) if at != decision.at => Some((decision.clone(), at)),
            Met::Decided(_) | Met::Healed(_) | Met::Not => None,
        }),
        recorded: (expected.outcome, expected.cluster()),
        now: (run.report.outcome, run.cluster()),
    }
}

/// What a replay is compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Fingerprint, outcome and failures.
    Fingerprint,
    /// Outcome and failures: experiment, seed or decisions were changed.
    Changed,
    /// Outcome and failures: the fingerprints of the recording are of another version.
    OtherFingerprints,
}

/// A replay beside its recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// By what they are compared.
    pub basis: Basis,
    /// Where the replay departed, if its events are known to be others. Where something was changed, that may be the
    /// reason.
    pub departure: Option<Departure>,
    /// Where something was changed and no departure is known: how many events are known to be as recorded.
    pub alike: Option<u64>,
    /// Decisions in the recording.
    pub decisions: usize,
    /// Those whose packets never came; they were skipped.
    pub never_came: Vec<RecordedDecision>,
    /// Those whose packets came when a heal had ended chance; they were skipped.
    pub healed: Vec<RecordedDecision>,
    /// The first whose packet came at another time, and when.
    pub otherwise: Option<(RecordedDecision, Instant)>,
    /// How the recorded run ended, and in which way it failed.
    pub recorded: (Outcome, Option<Cluster>),
    /// The same of this one.
    pub now: (Outcome, Option<Cluster>),
    /// Events of this run.
    events: u64,
    writer: String,
}

impl Comparison {
    /// Whether the replay is what was recorded: the same fingerprint, if those can be compared, the same outcome, and if
    /// it failed, in the same way.
    pub fn is_same(&self) -> bool {
        (self.departure.is_none() || self.basis == Basis::Changed) && self.recorded == self.now
    }

    /// What there is to say, one sentence each.
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        match self.basis {
            Basis::Fingerprint => {}
            Basis::Changed => sentences.push(
                "the file or the command line has changed what was recorded, so outcomes are compared, not fingerprints"
                    .to_owned(),
            ),
            Basis::OtherFingerprints => sentences.push(format!(
                "it was recorded by faultwire {}, whose fingerprints mean something else: outcomes are compared",
                self.writer
            )),
        }
        if let Some(departure) = self.departure {
            sentences.push(self.departed(departure));
        }
        match self.alike {
            Some(alike) if alike >= self.events => {
                sentences.push(format!("all {} events are as recorded", self.events));
            }
            Some(alike) => {
                let events = self.events;
                sentences.push(format!("at least the first {alike} of its {events} events are as recorded"));
            }
            None => {}
        }
        if let (Some((decision, at)), true) = (&self.otherwise, self.departure.is_some()) {
            sentences.push(format!(
                "the first decision whose packet came at another time: {decision}, recorded at {}, now at {at}",
                decision.at
            ));
        }
        skipped(&self.never_came, ("its packet never came", "their packets never came"), &mut sentences);
        skipped(
            &self.healed,
            ("every fault had ended by then", "every fault had ended by then"),
            &mut sentences,
        );
        sentences.push(self.ended());
        sentences
    }

    fn departed(&self, departure: Departure) -> String {
        let Departure { after, by, at } = departure;
        let place = if by <= after + 1 {
            format!("with event {by} at {at}")
        } else {
            format!("between event {after} and event {by}, which is at {at}")
        };
        let change =
            if self.basis == Basis::Changed { ", for which the change may be the reason" } else { "" };
        let writer = if self.writer == env!("CARGO_PKG_VERSION") {
            String::new()
        } else {
            format!("; it was recorded by faultwire {}, this is {}", self.writer, env!("CARGO_PKG_VERSION"))
        };
        format!("it departs from the recording {place}{change}{writer}")
    }

    fn ended(&self) -> String {
        let (recorded, now) = (word(self.recorded.0), word(self.now.0));
        let plural = if self.decisions == 1 { "" } else { "s" };
        match (self.is_same(), &self.now.1) {
            (true, _) if self.basis == Basis::Fingerprint => {
                format!(
                    "it repeats the recorded run: {} decision{plural}, the same fingerprint",
                    self.decisions
                )
            }
            (true, None) => format!("it {now}, as recorded"),
            (true, Some(cluster)) => {
                format!("it {now} in the same way as recorded (cluster {})", cluster.id())
            }
            (false, _) if self.recorded.0 != self.now.0 => format!("it {now}; the recorded run {recorded}"),
            (false, None) => format!("it {now}, as the recorded run did"),
            (false, Some(cluster)) if self.recorded == self.now => {
                format!("it {now} in the same way as recorded (cluster {})", cluster.id())
            }
            (false, Some(cluster)) => format!(
                "it {now} in another way than recorded (cluster {}, recorded {})",
                cluster.id(),
                self.recorded.1.as_ref().map_or_else(|| "none".to_owned(), Cluster::id)
            ),
        }
    }
}

/// Tells of decisions that were skipped, and why: of one, of several.
fn skipped(decisions: &[RecordedDecision], (one, several): (&str, &str), sentences: &mut Vec<String>) {
    for decision in decisions.iter().take(LISTED_MAX) {
        sentences.push(format!("skipped, {one}: {decision}, recorded at {}", decision.at));
    }
    match decisions.len().saturating_sub(LISTED_MAX) {
        0 => {}
        1 => sentences.push(format!("1 more decision skipped, since {one}")),
        more => sentences.push(format!("{more} more decisions skipped, since {several}")),
    }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Error => "could not go on",
    }
}

/// Skipped decisions that are listed one by one.
const LISTED_MAX: usize = 10;

impl fmt::Display for RecordedDecision {
    /// `drop of data, byte 1448, transmission 1, of client/c on wire>server`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use super::{ChanceAction, RecordedConversation, deviation};
        match &self.action {
            ChanceAction::Drop => f.write_str("drop")?,
            ChanceAction::Mark => f.write_str("mark")?,
            ChanceAction::Duplicate => f.write_str("duplicate")?,
            ChanceAction::Corrupt { bits } => write!(f, "corruption of {} bits", bits.len())?,
            ChanceAction::Delay { deviation: nanos } => write!(f, "delay by {}", deviation(*nanos))?,
            ChanceAction::SendAtOnce => f.write_str("send at once")?,
        }
        let packet = &self.packet;
        write!(f, " of {}", packet.kind.map_or("raw bytes", |kind| kind.as_str()))?;
        if let Some(byte) = packet.byte {
            write!(f, ", byte {byte}")?;
        }
        if let Some(transmission) = packet.transmission {
            write!(f, ", transmission {transmission}")?;
        }
        if packet.nth > 1 {
            write!(f, ", number {}", packet.nth)?;
        }
        if let Some(copy) = packet.copy {
            write!(f, ", its copy {copy}")?;
        }
        if packet.conversation != RecordedConversation::None {
            write!(f, ", of {}", packet.conversation)?;
        }
        write!(f, " on {}", self.on)
    }
}

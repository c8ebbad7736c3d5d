//! Where two runs part: the first record that differs, aligned by what packets are, and what followed.
//!
//! Start with [`diff`]. Packets of both runs meet by their identity (conversation by name, sender, kind, stream offset,
//! which sending, which of several) and not by their numbers, so that one packet more or less does not make all that
//! follow differ. Initial sequence numbers, timestamps and ephemeral ports are drawn from the seed; they count from the
//! start of each stream and are a difference only if nothing else is.

mod align;
mod beside;
mod header;
mod identity;
mod items;
mod numbers;
mod outcome;
mod sentence;

pub use beside::{BesideOptions, Line, Mark, beside};
pub use numbers::Drawn;
pub use outcome::{OutcomeRow, outcomes};

use faultwire_base::Instant;

use crate::output::{Legend, Trace};
use crate::plan::Plan;
use crate::report::CaseReport;
use identity::Interner;
use items::Items;

/// One of the two runs.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// What the reader calls it, like `seed 1`.
    pub label: &'a str,
    /// What was run.
    pub plan: &'a Plan,
    /// All that happened.
    pub trace: &'a Trace,
    /// How it was judged.
    pub report: &'a CaseReport,
}

/// What the comparison of two runs found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The first record that differs; `None` if there is none.
    pub first: Option<First>,
    /// Records of the first run that the other has too, before that (all of them if nothing differs).
    pub same: usize,
    /// Time of the last of these; `None` if there is none.
    pub same_until: Option<Instant>,
    /// Drawn numbers that differ (initial sequence numbers, ports, timestamps); no difference of records comes of them.
    pub drawn: Vec<Drawn>,
    /// Whether the fingerprints are equal.
    pub same_fingerprint: bool,
    /// Whether both were judged alike: outcome and failures.
    pub same_judgement: bool,
}

/// The first record that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct First {
    /// When: the earlier of both.
    pub at: Instant,
    /// What differs, with the values of both runs, in one sentence.
    pub sentence: String,
    /// Index of the record in the trace of the first run, if it is there.
    pub one: Option<usize>,
    /// Index of the record in the trace of the other run, if it is there.
    pub other: Option<usize>,
}

impl Divergence {
    /// Whether the runs are the same in all that was compared.
    pub fn is_same(&self) -> bool {
        self.first.is_none() && self.same_fingerprint && self.same_judgement
    }
}

/// Compares two runs record by record.
pub fn diff(one: &Run<'_>, other: &Run<'_>) -> Divergence {
    let mut interner = Interner::default();
    let legends = [Legend::of(one.plan), Legend::of(other.plan)];
    let sides = [
        Items::of(one.trace, &legends[0], &mut interner),
        Items::of(other.trace, &legends[1], &mut interner),
    ];
    let aligned = align::align(&sides);
    let scenes = [
        sentence::Scene::new(one, &legends[0], &sides[0]),
        sentence::Scene::new(other, &legends[1], &sides[1]),
    ];
    let first = align::first_difference(&scenes, &aligned);
    let same = first.as_ref().map_or(sides[0].items.len(), |first| first.before);
    Divergence {
        same_until: same.checked_sub(1).map(|last| sides[0].items[last].at),
        same,
        drawn: numbers::drawn(&legends, [&sides[0].numbers, &sides[1].numbers]),
        first: first.map(|first| First {
            at: first.at,
            sentence: sentence::sentence(&scenes, &first),
            one: first.items[0].map(|index| sides[0].items[index].entry),
            other: first.items[1].map(|index| sides[1].items[index].entry),
        }),
        same_fingerprint: one.report.fingerprint == other.report.fingerprint,
        same_judgement: one.report.outcome == other.report.outcome
            && one.report.failures == other.report.failures,
    }
}

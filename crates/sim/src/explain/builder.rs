//! Follows causes back, from one to the next, and puts what it finds in the order of telling.

use std::collections::BTreeSet;

use faultwire_base::{Instant, PlaceId};
use faultwire_wire::{Cause, Reason};

use super::answer::{Chain, Root, Step};
use super::clause::Clause;
use super::scene::Scene;
use super::{app, fate, sent, state};
use crate::output::{PacketNumber, TracedPacket};
use crate::plan::FaultId;

/// Something whose cause can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// That a packet was sent or copied.
    Sent(PacketNumber),
    /// That a packet arrived in an unusual way: late, early, twice, changed.
    Came(PacketNumber),
    /// The same, for what else happened to it: the how-manieth, from 1.
    CameToo(PacketNumber, u8),
    /// That a packet was of no use to its receiver in time.
    Missing(PacketNumber),
    /// That its sender did not know, by the time of an entry, that a packet had arrived.
    Unheard(PacketNumber, usize),
    /// That the sendings before this one, of the same data, were of no use either.
    Earlier(PacketNumber),
    /// That a packet offers no window.
    Closed(PacketNumber),
    /// That a connection changed its state, by the entry that says so.
    State(usize),
    /// That a step of an app ended, by the entry that says so.
    StepEnded(usize),
    /// That a fault did not act.
    Absent(FaultId),
    /// That a fault's packet had no answer of the kind that was asked for.
    Unanswered(PacketNumber),
}

/// One step and where it leads.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) step: Step,
    pub(super) main: Option<Why>,
    pub(super) sides: Vec<Why>,
}

impl Told {
    pub(super) fn new(at: Instant, place: PlaceId, sentence: impl Into<String>) -> Self {
        let step = Step {
            at,
            place,
            packet: None,
            sentence: sentence.into(),
            clause: None,
            entry: None,
            depth: 0,
            root: None,
        };
        Self { step, main: None, sides: Vec::new() }
    }

    pub(super) fn about(mut self, packet: PacketNumber) -> Self {
        self.step.packet = Some(packet);
        self
    }

    pub(super) fn by(mut self, clause: Option<Clause>) -> Self {
        self.step.clause = clause;
        self
    }

    pub(super) fn shown_by(mut self, entry: Option<usize>) -> Self {
        self.step.entry = entry;
        self
    }

    /// Nothing is behind it but this.
    pub(super) fn rooted(mut self, root: Root) -> Self {
        self.step.root = Some(root);
        self
    }

    pub(super) fn because(mut self, main: Why) -> Self {
        self.main = Some(main);
        self
    }

    pub(super) fn beside(mut self, side: Why) -> Self {
        self.sides.push(side);
        self
    }
}

/// Steps told at most; what is beyond is counted.
const STEPS_MAX: usize = 48;
/// How deep side causes go.
const DEPTH_MAX: u32 = 3;
/// Steps of one side cause.
const SIDE_MAX: usize = 6;
/// From how many links on a run of plain answers is summed up.
const RUN_MIN: usize = 3;

/// Makes one chain.
#[derive(Debug)]
pub(super) struct Builder<'a> {
    scene: &'a Scene<'a>,
    chain: Chain,
    told: BTreeSet<Why>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(scene: &'a Scene<'a>) -> Self {
        Self { scene, chain: Chain::default(), told: BTreeSet::new() }
    }

    pub(super) fn finish(self) -> Chain {
        self.chain
    }

    /// Why a packet was sent; and before that, what became of it if that was out of the ordinary.
    pub(super) fn packet(&mut self, number: PacketNumber) {
        if let Some(told) = fate::fate(self.scene, number) {
            let main = told.main.filter(|main| !matches!(main, Why::Sent(_)));
            self.told.insert(Why::Missing(number));
            let at = told.step.at;
            self.chain.steps.push(told.step);
            if let Some(main) = main {
                self.line(main, 0, at);
            }
            self.told.insert(Why::Came(number));
        }
        self.tell(Why::Sent(number));
    }

    /// Whether a fault, or the want of one, is among the roots so far.
    pub(super) fn has_fault(&self) -> bool {
        self.chain.roots().any(|root| matches!(root, Root::Fault { .. } | Root::Absent { .. }))
    }

    /// Tells a step that stands at the beginning and is not derived from another, then its causes.
    pub(super) fn begin(&mut self, told: Told) {
        let Told { step, main, sides } = told;
        let at = step.at;
        self.chain.steps.push(step);
        for side in sides {
            self.line(side, 1, at);
        }
        if let Some(main) = main {
            self.line(main, 0, at);
        }
    }

    /// Tells something and its causes.
    pub(super) fn tell(&mut self, why: Why) {
        let last = self.chain.steps.iter().rev().find(|step| step.depth == 0);
        let bound = last.map_or(self.scene.run.end, |step| step.at);
        self.line(why, 0, bound);
    }

    /// Follows one line of causes, none of which is later than `bound`.
    fn line(&mut self, mut why: Why, depth: u32, mut bound: Instant) {
        let mut length = 0;
        loop {
            if !self.told.insert(why) {
                return;
            }
            let is_side = depth > 0;
            let full = self.chain.steps.len() >= STEPS_MAX || length >= SIDE_MAX;
            if is_side && (full || depth > DEPTH_MAX) {
                self.chain.left_out += 1;
                return;
            }
            let Told { mut step, main, sides } = expand(self.scene, why);
            step.depth = depth;
            self.no_later(&mut step, bound);
            bound = step.at;
            self.chain.steps.push(step);
            length += 1;
            for side in sides {
                self.line(side, depth + 1, bound);
            }
            let Some(next) = main else { return };
            why = self.past_routine(next, depth);
        }
    }

    /// What a packet met after its effect (it was too late for that) is told where it was sent.
    fn no_later(&self, step: &mut Step, bound: Instant) {
        if step.at <= bound {
            return;
        }
        if let Some(sentence) = step.sentence.strip_suffix('.') {
            step.sentence = format!("{sentence}, but not before {}.", super::scene::time(step.at));
        }
        step.at = bound;
        if let Some(packet) = step.packet.map(|number| self.scene.packet(number)) {
            step.at = packet.sent_at.min(bound);
            step.place = packet.sender;
        }
    }

    /// Sums up a run of packets each of which was sent just because the one before it arrived, and leads on to the
    /// packet at its beginning.
    fn past_routine(&mut self, why: Why, depth: u32) -> Why {
        let Why::Sent(first) = why else { return why };
        let mut last = first;
        let mut links = 0;
        while let Some(next) = routine_cause(self.scene, last) {
            last = next;
            links += 1;
        }
        if links < RUN_MIN {
            return why;
        }
        let packet = self.scene.packet(first);
        let since = packet.sent_at.saturating_since(self.scene.packet(last).sent_at);
        let sentence = format!(
            "{} was sent because {} arrived, and so on back to {last}: {} packets in {}, each sent on the arrival \
             of the one before, without loss or timer.",
            super::scene::capitalized(&self.scene.noun_with_range(first)),
            self.scene.cause(first).map_or_else(String::new, |cause| self.scene.noun(cause)),
            links,
            super::scene::length(since),
        );
        let mut step = Told::new(packet.sent_at, packet.sender, sentence).about(first).step;
        step.depth = depth;
        step.entry = self.scene.made(first);
        self.chain.steps.push(step);
        Why::Sent(last)
    }
}

/// The packet whose plain arrival made this one be sent in the plain course of a transfer.
fn routine_cause(scene: &Scene<'_>, number: PacketNumber) -> Option<PacketNumber> {
    let packet = scene.packet(number);
    let Cause::Arrival(_) = packet.packet.tag.cause else { return None };
    let routine = matches!(packet.packet.tag.reason, Reason::Data | Reason::Ack | Reason::Fin)
        && packet.packet.tag.transmission <= 1;
    let cause = scene.cause(number)?;
    let plain = |packet: &TracedPacket| {
        packet.decisions.is_empty() && packet.copy_of.is_none() && packet.injected_by.is_none()
    };
    (routine && plain(packet) && plain(scene.packet(cause))).then_some(cause)
}

fn expand(scene: &Scene<'_>, why: Why) -> Told {
    match why {
        Why::Sent(number) => sent::sent(scene, number),
        Why::Came(number) => fate::came(scene, number, 0),
        Why::CameToo(number, nth) => fate::came(scene, number, nth),
        Why::Missing(number) => fate::missing(scene, number),
        Why::Unheard(number, entry) => fate::unheard(scene, number, entry),
        Why::Earlier(number) => fate::earlier(scene, number),
        Why::Closed(number) => app::closed_window(scene, number),
        Why::State(entry) => state::changed(scene, entry),
        Why::StepEnded(entry) => app::step_ended(scene, entry),
        Why::Absent(fault) => fate::absent(scene, fault),
        Why::Unanswered(number) => fate::unanswered(scene, number),
    }
}

//! What the faults of a run led to, where nothing failed: the first reaction of TCP that has each of them as its root.

use std::collections::BTreeSet;

use faultwire_link::Decision;
use faultwire_tcp::State;
use faultwire_wire::Reason;

use super::answer::{Answer, Root};
use super::builder::{Builder, Why};
use super::expectation::packets_of;
use super::scene::{Scene, time};
use super::state;
use crate::output::{PacketNumber, TracedPacket, What};
use crate::plan::FaultId;

/// Answers at most.
const ANSWERS_MAX: usize = 4;
/// Reactions looked at.
const REACTIONS_MAX: usize = 400;

/// One answer for each fault that acted, or for what chance and full queues did: a connection that died of it, else the
/// first packet that an undisturbed run would not have had, else what it did itself.
pub(super) fn answers(scene: &Scene<'_>) -> Vec<Answer> {
    let mut found = Found { scene, told: BTreeSet::new(), answers: Vec::new() };
    for entry in deaths(scene) {
        found.offer(|builder| builder.tell(Why::State(entry)), |scene| introduce_death(scene, entry));
    }
    for number in reactions(scene) {
        found.offer(|builder| builder.packet(number), |scene| scene.introduce(number));
    }
    for (fault, id) in scene.plan.faults.iter().zip(0..).filter(|(fault, _)| !fault.removed) {
        let root = Root::Fault { name: fault.name.clone() };
        let Some(&number) = packets_of(scene, FaultId(id)).first() else { continue };
        if !found.told.contains(&root) {
            found.offer(|builder| builder.packet(number), |scene| scene.introduce(number));
        }
    }
    if found.answers.is_empty() {
        for is_it in [taken as fn(&Decision) -> bool, copied, changed] {
            let touched = scene.trace.packets().iter();
            let mut touched =
                touched.filter(|packet| packet.decisions.iter().any(|(_, decision, _)| is_it(decision)));
            if let Some(packet) = touched.next() {
                let copy = packet.decisions.iter().find(|(_, decision, _)| is_it(decision));
                let number = copy.and_then(|(.., copy)| *copy).unwrap_or(packet.number);
                let mut builder = Builder::new(scene);
                builder.packet(number);
                let subject = scene.introduce(number);
                found.answers.push(Answer { subject, chain: builder.finish() });
            }
        }
    }
    found.answers
}

fn taken(decision: &Decision) -> bool {
    matches!(decision, Decision::Dropped(_))
}

fn copied(decision: &Decision) -> bool {
    matches!(decision, Decision::Duplicated { .. })
}

fn changed(decision: &Decision) -> bool {
    !taken(decision) && !copied(decision)
}

/// Answers whose roots no answer before had.
struct Found<'a> {
    scene: &'a Scene<'a>,
    told: BTreeSet<Root>,
    answers: Vec<Answer>,
}

impl<'a> Found<'a> {
    fn offer(&mut self, tell: impl FnOnce(&mut Builder<'a>), subject: impl FnOnce(&'a Scene<'a>) -> String) {
        if self.answers.len() >= ANSWERS_MAX {
            return;
        }
        let mut builder = Builder::new(self.scene);
        tell(&mut builder);
        let chain = builder.finish();
        let new: Vec<Root> = chain
            .roots()
            .filter(|root| matches!(root, Root::Fault { .. } | Root::Chance { .. } | Root::Link { .. }))
            .filter(|root| !self.told.contains(*root))
            .cloned()
            .collect();
        if !new.is_empty() {
            self.told.extend(new);
            self.answers.push(Answer { subject: subject(self.scene), chain });
        }
    }
}

/// Changes of state with which a connection ended otherwise than by closing.
fn deaths(scene: &Scene<'_>) -> Vec<usize> {
    let entries = scene.trace.entries().iter().enumerate();
    let dies = entries.filter(|(_, entry)| {
        matches!(entry.what, What::StateChanged { from, to: State::Closed, .. }
            if !matches!(from, State::LastAck | State::TimeWait | State::Closed))
    });
    let early = scene.trace.entries().iter().enumerate().filter(|&(index, entry)| {
        matches!(entry.what, What::StateChanged { from: State::TimeWait, to: State::Closed, .. })
            && scene.arrival_just_before(index, None).is_some()
    });
    let mut found: Vec<usize> = dies.chain(early).map(|(index, _)| index).take(REACTIONS_MAX).collect();
    found.sort_unstable();
    found
}

fn introduce_death(scene: &Scene<'_>, index: usize) -> String {
    let entry = scene.entry(index);
    match entry.what {
        What::StateChanged { flow, from, to, .. } => {
            format!("{}, at {}", state::goes(scene, entry, flow, from, to), time(entry.at))
        }
        _ => String::new(),
    }
}

/// Packets that an undisturbed conversation would not have: first what tells most.
fn reactions(scene: &Scene<'_>) -> Vec<PacketNumber> {
    let of = |weight: fn(&TracedPacket) -> bool| {
        scene.trace.packets().iter().filter(move |packet| packet.copy_of.is_none() && weight(packet))
    };
    let strong = of(|packet| {
        matches!(
            packet.packet.tag.reason,
            Reason::Reset
                | Reason::ChallengeAck
                | Reason::TimeoutRetransmission
                | Reason::FastRetransmission
                | Reason::TailLossProbe
                | Reason::ZeroWindowProbe
                | Reason::IcmpError
        ) || packet.packet.tag.transmission > 1
    });
    let weak = of(|packet| {
        matches!(packet.packet.tag.reason, Reason::UnacceptableAck | Reason::DuplicateAck | Reason::KeepAlive)
    });
    let taken = strong.take(REACTIONS_MAX).chain(weak.take(REACTIONS_MAX));
    taken.map(|packet| packet.number).collect()
}

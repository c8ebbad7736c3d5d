//! What the faults of a run led to, where nothing failed: the first reaction of TCP that has each of them as its root.

use std::collections::BTreeSet;

use faultwire_wire::Reason;

use super::answer::{Answer, Root};
use super::builder::Builder;
use super::expectation::packets_of;
use super::scene::Scene;
use crate::output::{PacketNumber, TracedPacket};
use crate::plan::FaultId;

/// Answers at most.
const ANSWERS_MAX: usize = 4;
/// Reactions looked at.
const REACTIONS_MAX: usize = 400;

/// One answer for each fault that acted, and one for what chance and full queues did if nothing else did anything.
pub(super) fn answers(scene: &Scene<'_>) -> Vec<Answer> {
    let mut told: BTreeSet<Root> = BTreeSet::new();
    let mut found = Vec::new();
    for number in reactions(scene) {
        let mut builder = Builder::new(scene);
        builder.packet(number);
        let chain = builder.finish();
        let new: Vec<Root> = chain
            .roots()
            .filter(|root| matches!(root, Root::Fault { .. } | Root::Chance { .. } | Root::Link { .. }))
            .filter(|root| !told.contains(*root))
            .cloned()
            .collect();
        if !new.is_empty() {
            told.extend(new);
            found.push(Answer { subject: scene.introduce(number), chain });
        }
        if found.len() == ANSWERS_MAX {
            return found;
        }
    }
    for (fault, id) in scene.plan.faults.iter().zip(0..).filter(|(fault, _)| !fault.removed) {
        let root = Root::Fault { name: fault.name.clone() };
        let Some(&number) = packets_of(scene, FaultId(id)).first() else { continue };
        if told.insert(root) && found.len() < ANSWERS_MAX {
            let mut builder = Builder::new(scene);
            builder.packet(number);
            found.push(Answer { subject: scene.introduce(number), chain: builder.finish() });
        }
    }
    if found.is_empty() {
        let touched = scene.trace.packets().iter().find(|packet| !packet.decisions.is_empty());
        found.extend(touched.map(|packet| {
            let mut builder = Builder::new(scene);
            builder.packet(packet.number);
            Answer { subject: scene.introduce(packet.number), chain: builder.finish() }
        }));
    }
    found
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

//! What became of a packet on its way, and who is behind it.

use faultwire_base::{Instant, PlaceId};
use faultwire_host::DropReason;
use faultwire_link::{By, Decision, DropCause, Queue, QueueLimit};

use super::answer::Root;
use super::builder::{Told, Why};
use super::clause::Clause;
use super::scene::{Scene, capitalized, covers, length, listed, segment, time};
use crate::output::{PacketNumber, TracedPacket};
use crate::plan::{DirectionId, FaultId, HostChange, TimedWhat};

/// What became of a packet, if that was out of the ordinary.
pub(super) fn fate(scene: &Scene<'_>, number: PacketNumber) -> Option<Told> {
    let packet = scene.packet(number);
    if taken(packet).is_some() || packet.discarded.is_some() || packet.arrival.is_none() {
        return Some(missing(scene, number));
    }
    displaced(packet).map(|_| came(scene, number, 0))
}

/// Where the way of asking about an arrival goes on: at the arrival itself if it was unusual, else at the sending.
pub(super) fn of_arrival(scene: &Scene<'_>, number: PacketNumber) -> Why {
    let packet = scene.packet(number);
    if packet.copy_of.is_none() && displaced(packet).is_some() {
        Why::Came(number)
    } else {
        Why::Sent(number)
    }
}

/// The decision that took a packet.
pub(super) fn taken(packet: &TracedPacket) -> Option<(DirectionId, DropCause)> {
    packet.decisions.iter().find_map(|(direction, decision, _)| match decision {
        Decision::Dropped(cause) => Some((*direction, *cause)),
        _ => None,
    })
}

/// The first decision that made a packet arrive at another time, or as something else.
fn displaced(packet: &TracedPacket) -> Option<(DirectionId, Decision)> {
    displacements(packet).next()
}

/// All of them; a release follows from a hold that has been told.
fn displacements(packet: &TracedPacket) -> impl Iterator<Item = (DirectionId, Decision)> {
    packet.decisions.iter().filter_map(|(direction, decision, _)| match decision {
        Decision::Dropped(_) | Decision::Duplicated { .. } | Decision::Released { .. } => None,
        other => Some((*direction, *other)),
    })
}

/// Who decided, as the end of a chain.
pub(super) fn root_of(scene: &Scene<'_>, direction: DirectionId, at: Instant, by: By) -> Root {
    match by {
        By::Fault(index) => Root::Fault { name: scene.legend.direction_fault(direction, index.0).into() },
        By::Timeline => timed_root(scene, direction, at, TimedWhat::Hold),
        By::Random => {
            let place = scene.plan.directions[direction.0 as usize].place;
            match scene.timed_fault(place, at, TimedWhat::Change) {
                Some(name) => Root::Fault { name },
                None => Root::Chance { direction: scene.direction(direction) },
            }
        }
    }
}

fn timed_root(scene: &Scene<'_>, direction: DirectionId, at: Instant, what: TimedWhat) -> Root {
    let place = scene.plan.directions[direction.0 as usize].place;
    match scene.timed_fault(place, at, what) {
        Some(name) => Root::Fault { name },
        None => Root::Link { direction: scene.direction(direction) },
    }
}

/// The root as the subject of a sentence.
pub(super) fn by_words(root: &Root, by_chance: bool) -> String {
    match root {
        Root::Fault { name } if by_chance => format!("Chance, at the odds that the fault \"{name}\" sets,"),
        Root::Fault { name } => format!("The fault \"{name}\""),
        _ => "Chance".to_owned(),
    }
}

/// Why a packet was of no use to its receiver in time.
pub(super) fn missing(scene: &Scene<'_>, number: PacketNumber) -> Told {
    let packet = scene.packet(number);
    if let Some((direction, cause)) = taken(packet) {
        return dropped(scene, number, direction, cause);
    }
    if let Some(reason) = packet.discarded {
        return discarded(scene, number, reason);
    }
    if displaced(packet).is_some() {
        return came(scene, number, 0);
    }
    let noun = capitalized(&scene.noun_with_range(number));
    let told = match scene.arrival(number) {
        None => {
            let sentence = format!("{noun} is sent, and is still on the way when the run ends.");
            Told::new(packet.sent_at, packet.sender, sentence).rooted(Root::Rule)
        }
        Some((at, _)) => slow(scene, number, at),
    };
    told.about(number).shown_by(scene.made(number))
}

/// A packet that took its time without a decision: propagation, queue, jitter.
fn slow(scene: &Scene<'_>, number: PacketNumber, arrival: Instant) -> Told {
    let packet = scene.packet(number);
    let noun = capitalized(&scene.noun_with_range(number));
    let travel = arrival.saturating_since(packet.sent_at);
    let sentence = format!("{noun} is on the way for {} and arrives at {}.", length(travel), time(arrival));
    let direction = scene.made(number).and_then(|entry| match scene.entry(entry).what {
        crate::output::What::Sent { direction, .. } => Some(direction),
        _ => None,
    });
    let root = direction.map_or(Root::Rule, |direction| {
        let plan = &scene.plan.directions[direction.0 as usize];
        match scene.timed_fault(plan.place, packet.sent_at, TimedWhat::Change) {
            Some(name) => Root::Fault { name },
            None if plan.config.jitter.is_some() => Root::Chance { direction: scene.direction(direction) },
            None => Root::Link { direction: scene.direction(direction) },
        }
    });
    Told::new(packet.sent_at, packet.sender, sentence).rooted(root)
}

/// A link took the packet.
fn dropped(scene: &Scene<'_>, number: PacketNumber, direction: DirectionId, cause: DropCause) -> Told {
    let packet = scene.packet(number);
    let plan = &scene.plan.directions[direction.0 as usize];
    let noun = scene.noun_with_range(number);
    let begin = scene.made(number).unwrap_or(0);
    let entry = (begin..scene.trace.entries().len()).find(|&index| {
        matches!(scene.entry(index).what, crate::output::What::Link { packet, decision: Decision::Dropped(_), .. }
            if packet == number)
    });
    let at = entry.map_or(packet.sent_at, |entry| scene.entry(entry).at);
    let (sentence, root) = match cause {
        DropCause::Fault(index) => {
            let root = root_of(scene, direction, at, By::Fault(index));
            (format!("{} takes the {noun}: it never arrives.", by_words(&root, false)), root)
        }
        DropCause::Loss => {
            let root = root_of(scene, direction, at, By::Random);
            let chance = match &root {
                Root::Fault { name } => format!(" at the odds that the fault \"{name}\" sets"),
                _ => String::new(),
            };
            (format!("The {noun} is lost by chance{chance}."), root)
        }
        DropCause::Cut | DropCause::InFlightCut => {
            let root = timed_root(scene, direction, at, TimedWhat::Cut);
            let who = match &root {
                Root::Fault { name } => format!(" by the fault \"{name}\""),
                _ => String::new(),
            };
            let how = if cause == DropCause::Cut { "" } else { " on its way" };
            (format!("The {noun} is lost{how}: the link is cut{who}."), root)
        }
        DropCause::QueueFull => {
            let Queue::DropTail { limit } = plan.config.queue;
            let full = match limit {
                QueueLimit::Packets(packets) => format!("{packets} packets wait already"),
                QueueLimit::Bytes(octets) => format!("only {octets} octets may wait"),
            };
            let root = Root::Link { direction: scene.direction(direction) };
            (format!("The {noun} finds the queue full and is dropped: {full}."), root)
        }
        DropCause::TooBig(mtu) => {
            let root = match scene.timed_fault(plan.place, at, TimedWhat::Change) {
                Some(name) => Root::Fault { name },
                None => Root::Link { direction: scene.direction(direction) },
            };
            (format!("The {noun} is larger than the MTU of {mtu} and is dropped."), root)
        }
    };
    Told::new(at, plan.place, sentence).rooted(root).about(number).shown_by(entry.or(scene.made(number)))
}

/// The receiver had no use for the packet.
fn discarded(scene: &Scene<'_>, number: PacketNumber, reason: DropReason) -> Told {
    let packet = scene.packet(number);
    let (at, place) = scene.arrival(number).unwrap_or((packet.sent_at, packet.sender));
    let noun = capitalized(&scene.noun_with_range(number));
    let host = scene.legend.place(place);
    let sentence = format!("{noun} reaches {host}, which discards it: {}.", reason.as_str());
    let told = Told::new(at, place, sentence)
        .by(reason_clause(reason))
        .about(number)
        .shown_by(scene.arrived(number));
    match reason {
        DropReason::HostDown => {
            let crash = scene
                .timed_fault(place, at, TimedWhat::Host(HostChange::Crash))
                .map_or(Root::Rule, |name| Root::Fault { name });
            told.rooted(crash)
        }
        _ if displaced(packet).is_some() => told.because(Why::Came(number)),
        _ => told.because(Why::Sent(number)),
    }
}

fn reason_clause(reason: DropReason) -> Option<Clause> {
    match reason {
        DropReason::BadChecksum => Clause::new(9293, "3.1"),
        DropReason::ClosedPort => Clause::new(9293, "3.10.7.1"),
        DropReason::NotForListener => Clause::new(9293, "3.10.7.2"),
        DropReason::OutsideWindow
        | DropReason::WindowClosed
        | DropReason::NoAck
        | DropReason::AckOfUnsent => Clause::new(9293, "3.10.7.4"),
        DropReason::OldTimestamp => Clause::new(7323, "5.3"),
        DropReason::NoTimestamp => Clause::new(7323, "3.2"),
        DropReason::ResetOutsideWindow | DropReason::ResetNotExact => Clause::new(5961, "3.2"),
        DropReason::UnexpectedSyn => Clause::new(5961, "4.2"),
        DropReason::AckTooOld => Clause::new(5961, "5.2"),
        DropReason::ResetInTimeWait => Clause::new(1337, "3"),
        DropReason::OldSyn => Clause::new(6191, "2"),
        DropReason::AckNotOfSyn | DropReason::NotASyn => Clause::new(9293, "3.10.7.3"),
        _ => None,
    }
}

/// A packet arrived at another time than it would have, or as something else.
pub(super) fn came(scene: &Scene<'_>, number: PacketNumber, nth: u8) -> Told {
    let packet = scene.packet(number);
    let mut all = displacements(packet).skip(usize::from(nth));
    let Some((direction, decision)) = all.next() else { return super::sent::sent(scene, number) };
    let more = all.next().is_some();
    let noun = scene.noun_with_range(number);
    let place = scene.plan.directions[direction.0 as usize].place;
    let arrives = match scene.arrival(number) {
        Some((at, _)) => format!("it arrives at {}", time(at)),
        None => "it has not arrived when the run ends".to_owned(),
    };
    let by = match decision {
        Decision::Corrupted { by, .. }
        | Decision::Delayed { by, .. }
        | Decision::Held { by }
        | Decision::Rewritten { by, .. } => by,
        _ => By::Random,
    };
    let root = root_of(scene, direction, packet.sent_at, by);
    let who = by_words(&root, by == By::Random);
    let sentence = match decision {
        Decision::Delayed { extra, .. } => {
            format!("{who} delays the {noun} by {}: {arrives}.", length(extra))
        }
        Decision::Held { .. } => {
            format!("{who} holds the {noun} back: {arrives}.")
        }
        Decision::Corrupted { count, .. } => {
            let bits = super::scene::counted(count as usize, "bit", "bits");
            format!("{who} flips {bits} of the {noun}.")
        }
        Decision::Rewritten { field, value, .. } => {
            format!("{who} sets {} of the {noun} to {value}.", field.as_str())
        }
        _ => format!("{who} sends the {noun} ahead of others: {arrives}."),
    };
    let told =
        Told::new(packet.sent_at, place, sentence).rooted(root).about(number).shown_by(scene.made(number));
    if more { told.because(Why::CameToo(number, nth + 1)) } else { told }
}

/// Why the sender of a packet did not know by `entry` that it had arrived.
pub(super) fn unheard(scene: &Scene<'_>, number: PacketNumber, entry: usize) -> Told {
    let packet = scene.packet(number);
    let arrived = scene.arrived(number).filter(|&arrived| arrived < entry);
    let (Some(arrived), Some(own)) = (arrived, segment(packet)) else { return missing(scene, number) };
    let (at, receiver) = (scene.entry(arrived).at, scene.entry(arrived).place);
    let noun = capitalized(&scene.noun_with_range(number));
    if let Some(reason) = packet.discarded {
        return discarded(scene, number, reason);
    }
    let acks: Vec<&TracedPacket> = scene
        .sent_in(packet.packet.tag.flow, receiver)
        .filter(|ack| scene.made(ack.number).is_some_and(|made| made > arrived && made < entry))
        .filter(|ack| segment(ack).is_some_and(|segment| covers(segment.ack, own)))
        .collect();
    let Some(first) = acks.first() else {
        let sentence = format!("{noun} arrives, and nothing has acknowledged it yet.");
        let told = Told::new(at, receiver, sentence).about(number).shown_by(Some(arrived));
        return if displaced(packet).is_some() {
            told.because(Why::Came(number))
        } else {
            told.rooted(Root::Rule)
        };
    };
    let numbers: Vec<_> = acks.iter().map(|ack| ack.number).collect();
    let sentence = match numbers.as_slice() {
        [one] => {
            format!("{noun} does arrive, and {one} acknowledges it, but that ACK does not arrive in time.")
        }
        all => format!(
            "{noun} does arrive, and {} acknowledge it, but none of these ACKs arrives in time.",
            listed(all)
        ),
    };
    // The ACKs meet their fate a little later than the packet arrived.
    let at = at.max(missing(scene, first.number).step.at.min(scene.entry(entry).at));
    let told = Told::new(at, receiver, sentence).about(number).shown_by(Some(arrived));
    if taken(first).is_none() && displaced(packet).is_some() {
        return told.because(Why::Came(number));
    }
    let mut told = told.because(Why::Missing(first.number));
    let mut roots = vec![missing(scene, first.number).step.root];
    for &ack in numbers[1..].iter().take(ACKS_MAX) {
        let root = missing(scene, ack).step.root;
        if !roots.contains(&root) {
            roots.push(root);
            told = told.beside(Why::Missing(ack));
        }
    }
    told
}

/// ACKs looked at for causes of their own.
const ACKS_MAX: usize = 100;

/// The sendings of the same data before this one that a link took, in order.
pub(super) fn lost_earlier(scene: &Scene<'_>, number: PacketNumber) -> Vec<PacketNumber> {
    let mut lost = sendings_before(scene, number);
    lost.retain(|&earlier| taken(scene.packet(earlier)).is_some());
    lost
}

/// Sendings of the same data before one that was lost itself.
pub(super) fn earlier(scene: &Scene<'_>, number: PacketNumber) -> Told {
    let lost = lost_earlier(scene, number);
    let Some(&first) = lost.first() else { return missing(scene, number) };
    let mut told = missing(scene, first);
    if lost.len() > 1 {
        let causes: Vec<_> = lost.iter().map(|&number| missing(scene, number).step.root).collect();
        let same = causes.iter().all(|root| *root == causes[0]);
        let how = if same { "in the same way" } else { "too" };
        let whom = told.step.root.as_ref().map_or_else(String::new, |root| format!(" to {root}"));
        told.step.sentence = format!(
            "Before that, {} had been lost {how}{}.",
            listed(&lost),
            if same { whom } else { String::new() }
        );
    }
    told
}

/// The earlier sendings of what a packet begins with, in order.
pub(super) fn sendings_before(scene: &Scene<'_>, number: PacketNumber) -> Vec<PacketNumber> {
    let packet = scene.packet(number);
    let Some(own) = segment(packet) else { return Vec::new() };
    let mut found: Vec<_> = scene
        .sent_before(packet.packet.tag.flow, packet.sender, number)
        .filter(|earlier| segment(earlier).is_some_and(|segment| super::scene::carries(segment, own.seq)))
        .map(|earlier| earlier.number)
        .collect();
    found.reverse();
    found
}

/// Why a fault did not act.
pub(super) fn absent(scene: &Scene<'_>, fault: FaultId) -> Told {
    let plan = &scene.plan.faults[fault.0 as usize];
    let name = &plan.name;
    let place = scene.plan.hosts.first().map_or(PlaceId(0), |host| host.place);
    let place = plan
        .targets
        .first()
        .map_or(place, |(direction, _)| scene.plan.directions[direction.0 as usize].place);
    let sentence = if plan.removed {
        format!("The fault \"{name}\" is left out of this case, so that nothing of it happens.")
    } else {
        format!("The fault \"{name}\" never acts: no packet is the one that it waits for.")
    };
    Told::new(Instant::ZERO, place, sentence).rooted(Root::Absent { name: name.clone() })
}

/// Why the packet of a fault had no answer of the kind asked for.
pub(super) fn unanswered(scene: &Scene<'_>, number: PacketNumber) -> Told {
    if let Some(told) = fate(scene, number).filter(|_| scene.packet(number).copy_of.is_none()) {
        return told;
    }
    let packet = scene.packet(number);
    match (packet.discarded, scene.arrival(number)) {
        (Some(reason), _) => discarded(scene, number, reason),
        (None, None) => missing(scene, number),
        (None, Some((at, place))) => {
            let noun = capitalized(&scene.noun_with_range(number));
            let sentence = format!("{noun} arrives, and nothing has to answer it.");
            Told::new(at, place, sentence)
                .about(number)
                .shown_by(scene.arrived(number))
                .because(Why::Sent(number))
        }
    }
}

/// Whether a packet had not reached its receiver by an entry.
pub(super) fn lost_before(scene: &Scene<'_>, number: PacketNumber, entry: usize) -> bool {
    scene.arrived(number).is_none_or(|arrived| arrived > entry)
}

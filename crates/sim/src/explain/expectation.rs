//! Where to begin when an expectation failed, or held: each kind has its own beginning.

use faultwire_base::{Instant, PlaceId};
use faultwire_link::PacketKind;
use faultwire_tcp::State;
use faultwire_wire::Reason;

use super::answer::{Answer, Root};
use super::builder::{Builder, Told, Why};
use super::failure;
use super::scene::{Scene, counted, kind_words, listed};
use crate::output::{PacketNumber, TracedPacket, What};
use crate::plan::{Bounds, Check, Counter, FaultId, Moment, Subject};

/// What is behind an expectation.
pub(super) fn answer(scene: &Scene<'_>, index: usize) -> Answer {
    let report = &scene.run.report.expectations[index];
    let verb = if report.passed { "held" } else { "failed" };
    let subject = format!(
        "The expectation \"{}\" {verb}: expected {}, observed {}.",
        report.name, report.expected, report.observed
    );
    let mut builder = Builder::new(scene);
    begin(scene, index, &mut builder);
    let left_out = scene.plan.faults.iter().position(|fault| fault.removed);
    if let Some(fault) = left_out.filter(|_| !report.passed && !builder.has_fault()) {
        builder.tell(Why::Absent(FaultId(fault as u32)));
    }
    Answer { subject, chain: builder.finish() }
}

fn begin(scene: &Scene<'_>, index: usize, builder: &mut Builder<'_>) {
    match scene.plan.expectations[index].check {
        Check::Sent { by, kind, reply_to, transmission, count, .. } => {
            let counted = Counted { by, kind, reply_to, transmission };
            sent(scene, &counted, count, builder);
        }
        Check::StateAt { socket, when, .. } => state_at(scene, socket, when, builder),
        Check::Reaches { socket, state, .. } => reaches(scene, socket, state, builder),
        Check::Leaves { socket, state, since, .. } => leaves(scene, socket, state, since, builder),
        Check::States { socket, ref states } => states_differ(scene, socket, states, builder),
        Check::Counter { of, counter, value } => self::counter(scene, of, counter, value, builder),
        Check::FaultMatched { fault, .. } => fault_acted(scene, fault, builder),
        Check::Finishes { app, .. } => failure::finishes(scene, app, builder),
        Check::Delivered { socket, .. } => failure::delivered(scene, socket, builder),
        Check::Error { socket, .. } | Check::Info { socket, .. } => end_of_connection(scene, socket, builder),
        Check::Datagrams { .. } => first_taken(scene, builder),
        Check::Exchange { hosts, span, .. } => exchange(scene, hosts, span, index, builder),
        Check::Oracle { oracle, .. } => failure::oracle(scene, oracle, builder),
    }
}

/// The first segment that is not as listed.
fn exchange(
    scene: &Scene<'_>,
    hosts: [PlaceId; 2],
    span: (Instant, Instant),
    index: usize,
    builder: &mut Builder<'_>,
) {
    let observed = &scene.run.report.expectations[index].observed;
    let as_listed = observed.split(' ').next().and_then(|count| count.parse::<usize>().ok()).unwrap_or(0);
    let owner = |address| scene.legend.owner(address).map(|node| node.place);
    let between = scene.trace.packets().iter().filter(|packet| {
        let ends = [owner(packet.packet.ip.source), owner(packet.packet.ip.destination)];
        packet.copy_of.is_none()
            && ends.iter().all(|end| end.is_some_and(|end| hosts.contains(&end)))
            && (span.0..span.1).contains(&packet.sent_at)
    });
    match between.into_iter().nth(as_listed) {
        Some(packet) => builder.packet(packet.number),
        None => first_fault(scene, builder),
    }
}

/// Which packets an expectation counts.
struct Counted {
    by: Subject,
    kind: PacketKind,
    reply_to: Option<FaultId>,
    transmission: Option<Bounds>,
}

impl Counted {
    fn packets<'a>(&self, scene: &Scene<'a>) -> Vec<&'a TracedPacket> {
        let fault_packets = self.reply_to.map(|fault| packets_of(scene, fault));
        let counts = |packet: &&TracedPacket| {
            let tag = &packet.packet.tag;
            packet.copy_of.is_none()
                && of_subject(scene, self.by, packet)
                && PacketKind::of(&packet.packet).is_some_and(|kind| self.kind.covers(kind, &packet.packet))
                && self.transmission.is_none_or(|bounds| bounds.contain(u64::from(tag.transmission)))
                && fault_packets.as_ref().is_none_or(|packets| {
                    scene.cause(packet.number).is_some_and(|cause| packets.contains(&cause))
                })
        };
        scene.trace.packets().iter().filter(counts).collect()
    }
}

/// Whether a packet was made by a subject.
fn of_subject(scene: &Scene<'_>, subject: Subject, packet: &TracedPacket) -> bool {
    match subject {
        Subject::Socket(name) => {
            packet.sender == scene.host_of(name) && scene.flow_of(name) == Some(packet.packet.tag.flow)
        }
        Subject::Host(place) => packet.sender == place,
        Subject::Direction(direction) => crosses(packet, scene, &[direction.0]),
        Subject::Link(one, other) => crosses(packet, scene, &[one.0, other.0]),
    }
}

fn crosses(packet: &TracedPacket, scene: &Scene<'_>, directions: &[u32]) -> bool {
    scene.made(packet.number).is_some_and(|entry| match scene.entry(entry).what {
        What::Sent { direction, .. } | What::Link { direction, .. } => directions.contains(&direction.0),
        _ => false,
    }) || packet.decisions.iter().any(|(direction, ..)| directions.contains(&direction.0))
}

/// The packets that a fault made or changed.
pub(super) fn packets_of(scene: &Scene<'_>, fault: FaultId) -> Vec<PacketNumber> {
    use faultwire_link::{By, Decision, DropCause};
    let plan = &scene.plan.faults[fault.0 as usize];
    let mut found = Vec::new();
    for packet in scene.trace.packets() {
        if packet.injected_by == Some(fault) {
            found.push(packet.number);
        }
        for (direction, decision, copy) in &packet.decisions {
            let by = match *decision {
                Decision::Duplicated { by, .. }
                | Decision::Corrupted { by, .. }
                | Decision::Delayed { by, .. }
                | Decision::Held { by }
                | Decision::Released { by }
                | Decision::Rewritten { by, .. } => by,
                Decision::Dropped(DropCause::Fault(index)) => By::Fault(index),
                _ => continue,
            };
            if let By::Fault(index) = by
                && plan.targets.contains(&(*direction, index.0))
            {
                found.push(copy.unwrap_or(packet.number));
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The host that a subject is on.
fn place_of(scene: &Scene<'_>, subject: Subject) -> PlaceId {
    match subject {
        Subject::Socket(name) => scene.host_of(name),
        Subject::Host(place) => place,
        Subject::Direction(direction) | Subject::Link(direction, _) => {
            scene.plan.directions[direction.0 as usize].place
        }
    }
}

fn sent(scene: &Scene<'_>, counted_packets: &Counted, bounds: Option<Bounds>, builder: &mut Builder<'_>) {
    let packets = counted_packets.packets(scene);
    let seen = packets.len() as u64;
    let wanted = bounds.unwrap_or(Bounds { min: seen, max: seen });
    if seen > wanted.max || (seen > 0 && seen >= wanted.min) {
        let surplus = if seen > wanted.max { wanted.max as usize } else { packets.len() - 1 };
        return builder.tell(Why::Sent(packets[surplus].number));
    }
    let place = place_of(scene, counted_packets.by);
    let kind = kind_words(counted_packets.kind);
    let host = scene.legend.place(place);
    if let Some(fault) = counted_packets.reply_to {
        let made = packets_of(scene, fault);
        let name = &scene.plan.faults[fault.0 as usize].name;
        let sentence = if made.is_empty() {
            format!("{host} has no packet of \"{name}\" to answer.")
        } else {
            format!(
                "{host} sends no {kind} in answer to {}, which \"{name}\" made or changed.",
                listed(&made)
            )
        };
        let told = Told::new(scene.run.end, place, sentence);
        return builder.begin(match made.first() {
            None => told.because(Why::Absent(fault)),
            Some(&first) => told.because(Why::Unanswered(first)),
        });
    }
    let numbers: Vec<_> = packets.iter().map(|packet| packet.number).collect();
    let sentence = if numbers.is_empty() {
        format!("{host} sends no {kind} at all: nothing gives it a reason to.")
    } else {
        format!("Of this kind ({kind}), {host} sends only {}.", listed(&numbers))
    };
    let told = Told::new(scene.run.end, place, sentence);
    absence(scene, told, builder);
}

/// Something did not happen: if a fault was left out or did not act, that is why; else the rule is.
fn absence(scene: &Scene<'_>, told: Told, builder: &mut Builder<'_>) {
    let idle = scene.plan.faults.iter().zip(0..).find(|(fault, id)| {
        fault.removed || (fault.is_targeted && packets_of(scene, FaultId(*id)).is_empty())
    });
    builder.begin(match idle {
        Some((_, id)) => told.because(Why::Absent(FaultId(id))),
        None => told.rooted(Root::Rule),
    });
}

/// The entry of the last change of a socket's state before a time or entry.
pub(super) fn last_change(
    scene: &Scene<'_>,
    socket: faultwire_link::NameId,
    before: impl Fn(usize, Instant) -> bool,
) -> Option<usize> {
    let (flow, place) = (scene.flow_of(socket)?, scene.host_of(socket));
    let entries = scene.trace.entries();
    (0..entries.len()).rev().find(|&index| {
        entries[index].place == place
            && before(index, entries[index].at)
            && matches!(entries[index].what, What::StateChanged { flow: changed, .. } if changed == flow)
    })
}

fn state_at(scene: &Scene<'_>, socket: faultwire_link::NameId, when: Moment, builder: &mut Builder<'_>) {
    let change = match when {
        Moment::Time(time) => last_change(scene, socket, |_, at| at <= time),
        Moment::Arrives(fault) => {
            let arrivals = packets_of(scene, fault).into_iter().filter_map(|number| scene.arrived(number));
            match arrivals.min() {
                Some(arrival) => last_change(scene, socket, |index, _| index < arrival),
                None => return no_arrival(scene, fault, builder),
            }
        }
        Moment::Enters => last_change(scene, socket, |_, _| true),
    };
    told_change(scene, socket, change, builder);
}

/// No packet of a fault ever arrived.
fn no_arrival(scene: &Scene<'_>, fault: FaultId, builder: &mut Builder<'_>) {
    match packets_of(scene, fault).first() {
        Some(&number) => builder.tell(Why::Missing(number)),
        None => builder.tell(Why::Absent(fault)),
    }
}

/// Tells why a socket changed its state, or that it never opened.
fn told_change(
    scene: &Scene<'_>,
    socket: faultwire_link::NameId,
    change: Option<usize>,
    builder: &mut Builder<'_>,
) {
    match change {
        Some(change) => builder.tell(Why::State(change)),
        None => {
            let sentence = format!("{} is never opened.", scene.legend.socket(socket));
            let told = Told::new(scene.run.end, scene.host_of(socket), sentence);
            absence(scene, told, builder);
        }
    }
}

fn reaches(scene: &Scene<'_>, socket: faultwire_link::NameId, state: State, builder: &mut Builder<'_>) {
    let flow = scene.flow_of(socket);
    let reached = (0..scene.trace.entries().len()).find(|&index| {
        let entry = scene.entry(index);
        matches!(entry.what, What::StateChanged { flow: changed, to, .. } if Some(changed) == flow && to == state)
            && entry.place == scene.host_of(socket)
    });
    let change = reached.or_else(|| last_change(scene, socket, |_, _| true));
    told_change(scene, socket, change, builder);
}

fn leaves(
    scene: &Scene<'_>,
    socket: faultwire_link::NameId,
    state: State,
    since: Moment,
    builder: &mut Builder<'_>,
) {
    if let Moment::Arrives(fault) = since
        && packets_of(scene, fault).iter().all(|&number| scene.arrived(number).is_none())
    {
        return no_arrival(scene, fault, builder);
    }
    let flow = scene.flow_of(socket);
    let left = (0..scene.trace.entries().len()).rev().find(|&index| {
        let entry = scene.entry(index);
        matches!(entry.what, What::StateChanged { flow: changed, from, .. } if Some(changed) == flow && from == state)
            && entry.place == scene.host_of(socket)
    });
    let change = left.or_else(|| last_change(scene, socket, |_, _| true));
    told_change(scene, socket, change, builder);
}

/// The first state that is not the one that was listed.
fn states_differ(
    scene: &Scene<'_>,
    socket: faultwire_link::NameId,
    states: &[State],
    builder: &mut Builder<'_>,
) {
    let (flow, place) = (scene.flow_of(socket), scene.host_of(socket));
    let changes: Vec<(usize, State)> = scene
        .trace
        .entries()
        .iter()
        .enumerate()
        .filter_map(|(index, entry)| match entry.what {
            What::StateChanged { flow: changed, to, .. } if Some(changed) == flow && entry.place == place => {
                Some((index, to))
            }
            _ => None,
        })
        .collect();
    let other = changes.iter().enumerate().find(|(index, (_, to))| states.get(*index) != Some(to));
    let change = other.map(|(_, &(index, _))| index).or_else(|| changes.last().map(|&(index, _)| index));
    told_change(scene, socket, change, builder);
}

/// The packets that make up a counter.
fn counted_by(scene: &Scene<'_>, of: Subject, counter: Counter) -> Vec<PacketNumber> {
    use faultwire_link::Decision;
    let reason = |packet: &TracedPacket| packet.packet.tag.reason;
    let of_end = |packet: &TracedPacket| packet.copy_of.is_none() && of_subject(scene, of, packet);
    let matches = |packet: &TracedPacket| match counter {
        Counter::Retransmissions => of_end(packet) && packet.packet.tag.transmission > 1,
        Counter::FastRetransmissions => of_end(packet) && reason(packet) == Reason::FastRetransmission,
        Counter::Timeouts => {
            let timer = faultwire_wire::Cause::Timer(faultwire_wire::TimerKind::Retransmission);
            of_end(packet) && packet.packet.tag.cause == timer
        }
        Counter::DuplicateAcksReceived => {
            reason(packet) == Reason::DuplicateAck && received_by(scene, of, packet)
        }
        Counter::ChallengeAcks => of_end(packet) && reason(packet) == Reason::ChallengeAck,
        Counter::ZeroWindowProbes => of_end(packet) && reason(packet) == Reason::ZeroWindowProbe,
        Counter::Dropped => decided(of, packet, |decision| matches!(decision, Decision::Dropped(_))),
        Counter::Duplicated => {
            decided(of, packet, |decision| matches!(decision, Decision::Duplicated { .. }))
        }
        Counter::Corrupted => decided(of, packet, |decision| matches!(decision, Decision::Corrupted { .. })),
        _ => false,
    };
    scene.trace.packets().iter().filter(|packet| matches(packet)).map(|packet| packet.number).collect()
}

fn received_by(scene: &Scene<'_>, of: Subject, packet: &TracedPacket) -> bool {
    let place = scene.arrival(packet.number).map(|(_, place)| place);
    match of {
        Subject::Socket(name) => {
            place == Some(scene.host_of(name)) && scene.flow_of(name) == Some(packet.packet.tag.flow)
        }
        Subject::Host(host) => place == Some(host),
        _ => false,
    }
}

fn decided(of: Subject, packet: &TracedPacket, is_it: impl Fn(&faultwire_link::Decision) -> bool) -> bool {
    packet.decisions.iter().any(|(direction, decision, _)| {
        let on = match of {
            Subject::Direction(one) => one == *direction,
            Subject::Link(one, other) => one == *direction || other == *direction,
            _ => false,
        };
        on && is_it(decision)
    })
}

/// What is counted is told one by one up to so many.
const COUNTED_MAX: u64 = 4;

fn counter(scene: &Scene<'_>, of: Subject, counter: Counter, value: Bounds, builder: &mut Builder<'_>) {
    let packets = counted_by(scene, of, counter);
    let seen = packets.len() as u64;
    if let Some(last) = packets.last() {
        let told = if seen > value.max { packets[value.max as usize] } else { *last };
        if seen > value.max && (1..=COUNTED_MAX).contains(&value.max) {
            return too_many(scene, &packets[..=value.max as usize], builder);
        }
        let is_drop = matches!(counter, Counter::Dropped | Counter::Duplicated | Counter::Corrupted);
        return if is_drop { builder.packet(told) } else { builder.tell(Why::Sent(told)) };
    }
    let place = place_of(scene, of);
    let subject = scene.legend.place(place);
    let sentence = match (counter, of) {
        (Counter::Dropped | Counter::Duplicated | Counter::Corrupted | Counter::Marked, _) => {
            let offered = scene.run.report.links.iter().filter(|link| link.name == subject);
            let offered: u64 = offered.map(|link| link.offered).sum();
            format!("{} packets enter {subject}, and none of them is {}.", offered, done(counter))
        }
        (_, Subject::Direction(_) | Subject::Link(..)) => {
            let name = subject.split('>').next().unwrap_or(subject);
            let whole = matches!(of, Subject::Link(..));
            let is_it = |link: &&crate::report::LinkReport| {
                link.name == subject || (whole && link.name.split('>').next() == Some(name))
            };
            let links: Vec<_> = scene.run.report.links.iter().filter(is_it).collect();
            let offered: u64 = links.iter().map(|link| link.offered).sum();
            let delivered: u64 = links.iter().map(|link| link.delivered).sum();
            let name = if whole { name } else { subject };
            format!("{offered} packets enter {name}, and {delivered} leave it at its far end.")
        }
        _ => {
            let of_subject = |packet: &&TracedPacket| of_subject(scene, of, packet);
            let sent = scene.trace.packets().iter().filter(of_subject).count();
            let lost = scene.trace.packets().iter().filter(of_subject);
            let lost = lost.filter(|packet| super::fate::taken(packet).is_some()).count();
            let fate = match lost {
                0 => "every one of them is delivered".to_owned(),
                1 => "one of them is lost".to_owned(),
                _ => format!("{lost} of them are lost"),
            };
            format!("{subject} sends {}, and {fate}.", counted(sent, "packet", "packets"))
        }
    };
    absence(scene, Told::new(scene.run.end, place, sentence), builder);
}

/// What was counted until it was one too many, the last first.
fn too_many(scene: &Scene<'_>, counted: &[PacketNumber], builder: &mut Builder<'_>) {
    let Some((last, before)) = counted.split_last() else { return };
    let numbers: Vec<String> = counted.iter().map(ToString::to_string).collect();
    let packet = scene.packet(*last);
    let sentence = format!("{} is one too many: {} are counted.", last, numbers.join(", "));
    let told = Told::new(packet.sent_at, packet.sender, sentence).about(*last).because(Why::Sent(*last));
    builder.begin(before.iter().rev().fold(told, |told, &earlier| told.beside(Why::Sent(earlier))));
}

/// What a link would have done to a packet that counts.
fn done(counter: Counter) -> &'static str {
    match counter {
        Counter::Duplicated => "copied",
        Counter::Corrupted => "corrupted",
        Counter::Marked => "marked",
        _ => "dropped",
    }
}

fn fault_acted(scene: &Scene<'_>, fault: FaultId, builder: &mut Builder<'_>) {
    match packets_of(scene, fault).last() {
        Some(&number) => builder.packet(number),
        None => builder.tell(Why::Absent(fault)),
    }
}

/// How a connection came to its end or its last state.
pub(super) fn end_of_connection(
    scene: &Scene<'_>,
    socket: faultwire_link::NameId,
    builder: &mut Builder<'_>,
) {
    let change = last_change(scene, socket, |_, _| true);
    let flow = scene.flow_of(socket);
    match flow.and_then(|flow| failure::last_astray(scene, flow)) {
        Some(number) if change.is_none() => builder.tell(Why::Missing(number)),
        _ => told_change(scene, socket, change, builder),
    }
}

/// The first packet that a link took.
fn first_taken(scene: &Scene<'_>, builder: &mut Builder<'_>) {
    let packet = scene.trace.packets().iter().find(|packet| super::fate::taken(packet).is_some());
    match packet {
        Some(packet) => builder.tell(Why::Missing(packet.number)),
        None => first_fault(scene, builder),
    }
}

/// The first packet that a fault touched.
pub(super) fn first_fault(scene: &Scene<'_>, builder: &mut Builder<'_>) {
    let touched = scene.trace.packets().iter().find(|packet| {
        packet.injected_by.is_some() || packet.copy_of.is_some() || !packet.decisions.is_empty()
    });
    match touched {
        Some(packet) => builder.packet(packet.number),
        None => {
            let place = scene.plan.hosts.first().map_or(PlaceId(0), |host| host.place);
            let sentence = "No fault and no chance touched any packet of this run.";
            absence(scene, Told::new(scene.run.end, place, sentence), builder);
        }
    }
}

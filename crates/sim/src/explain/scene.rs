//! What is looked up in a run again and again: packets of a flow, arrivals, states, steps of apps.

use std::collections::BTreeMap;
use std::sync::Arc;

use faultwire_base::{Duration, Instant, PlaceId};
use faultwire_link::{Change, NameId, PacketKind};
use faultwire_wire::{Body, Cause, Flow, IcmpKind, Segment, Seq};

use super::question::Unanswerable;
use crate::experiment::{did_you_mean, quoted_list};
use crate::output::{Entry, Legend, PacketNumber, Trace, TracedPacket, What};
use crate::plan::{DirectionId, Plan, TimedWhat};
use crate::run::CaseRun;

/// A run, indexed for looking back.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    pub(super) plan: &'a Plan,
    pub(super) run: &'a CaseRun,
    pub(super) trace: &'a Trace,
    pub(super) legend: Legend,
    /// Entry of each packet's first sending, or of the decision that made a copy.
    made: Vec<Option<usize>>,
    /// Entry of each packet's last arrival.
    arrived: Vec<Option<usize>>,
    /// Packets of a flow by who made them, in order.
    sent_by: BTreeMap<(Flow, PlaceId), Vec<PacketNumber>>,
    /// Entries of arrivals of a flow by where they arrived, in order.
    arrived_at: BTreeMap<(Flow, PlaceId), Vec<usize>>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(plan: &'a Plan, run: &'a CaseRun, trace: &'a Trace) -> Self {
        let mut scene = Self {
            plan,
            run,
            trace,
            legend: Legend::of(plan),
            made: vec![None; trace.packets().len()],
            arrived: vec![None; trace.packets().len()],
            sent_by: BTreeMap::new(),
            arrived_at: BTreeMap::new(),
        };
        for (index, entry) in trace.entries().iter().enumerate() {
            match entry.what {
                What::Sent { packet, .. } => {
                    scene.made[slot(packet)].get_or_insert(index);
                    // A router sends it on: it has not reached its end yet.
                    scene.arrived[slot(packet)] = None;
                }
                What::Link { copy: Some(copy), .. } => scene.made[slot(copy)] = Some(index),
                What::Arrived { packet, .. } => scene.arrived[slot(packet)] = Some(index),
                _ => {}
            }
        }
        for packet in trace.packets() {
            let sender = packet.copy_of.map_or(packet.sender, |original| trace.packet(original).sender);
            let flow = packet.packet.tag.flow;
            if packet.copy_of.is_none() {
                scene.sent_by.entry((flow, sender)).or_default().push(packet.number);
            }
            if let Some(entry) = scene.arrived[slot(packet.number)] {
                let place = trace.entries()[entry].place;
                scene.arrived_at.entry((flow, place)).or_default().push(entry);
            }
        }
        scene.arrived_at.values_mut().for_each(|entries| entries.sort_unstable());
        scene
    }

    pub(super) fn packet(&self, number: PacketNumber) -> &'a TracedPacket {
        self.trace.packet(number)
    }

    pub(super) fn entry(&self, index: usize) -> &'a Entry {
        &self.trace.entries()[index]
    }

    /// The entry with which a packet came to be.
    pub(super) fn made(&self, number: PacketNumber) -> Option<usize> {
        self.made[slot(number)]
    }

    /// The entry of a packet's arrival at the place that it was for.
    pub(super) fn arrived(&self, number: PacketNumber) -> Option<usize> {
        self.arrived[slot(number)]
    }

    /// When and where a packet arrived, if it did and was not taken on a later link.
    pub(super) fn arrival(&self, number: PacketNumber) -> Option<(Instant, PlaceId)> {
        self.packet(number).arrival.as_ref().map(|arrival| (arrival.at, arrival.place))
    }

    /// Who made a packet; for a copy who made the original.
    pub(super) fn sender(&self, number: PacketNumber) -> PlaceId {
        let packet = self.packet(number);
        packet.copy_of.map_or(packet.sender, |original| self.sender(original))
    }

    /// The number of the packet whose arrival made this one be sent.
    pub(super) fn cause(&self, number: PacketNumber) -> Option<PacketNumber> {
        match self.packet(number).packet.tag.cause {
            Cause::Arrival(id) => self.trace.number(id),
            _ => None,
        }
    }

    /// Packets that `place` made in a flow before the packet `before`, the latest first.
    pub(super) fn sent_before(
        &self,
        flow: Flow,
        place: PlaceId,
        before: PacketNumber,
    ) -> impl Iterator<Item = &'a TracedPacket> {
        let sent = self.sent_by.get(&(flow, place)).map_or(&[][..], Vec::as_slice);
        let end = sent.partition_point(|&number| number < before);
        sent[..end].iter().rev().map(|&number| self.trace.packet(number))
    }

    /// All packets that `place` made in a flow, in order.
    pub(super) fn sent_in(&self, flow: Flow, place: PlaceId) -> impl Iterator<Item = &'a TracedPacket> {
        let sent = self.sent_by.get(&(flow, place)).map_or(&[][..], Vec::as_slice);
        sent.iter().map(|&number| self.trace.packet(number))
    }

    /// Arrivals of a flow's packets at `place` before the entry `before`, the latest first.
    pub(super) fn arrivals_before(
        &self,
        flow: Flow,
        place: PlaceId,
        before: usize,
    ) -> impl Iterator<Item = (usize, &'a TracedPacket)> {
        let entries = self.arrived_at.get(&(flow, place)).map_or(&[][..], Vec::as_slice);
        let end = entries.partition_point(|&entry| entry < before);
        entries[..end].iter().rev().filter_map(|&entry| match self.entry(entry).what {
            What::Arrived { packet, .. } => Some((entry, self.trace.packet(packet))),
            _ => None,
        })
    }

    /// The arrival at this place and instant that comes last before an entry, of the flow if one of it did.
    pub(super) fn arrival_just_before(&self, entry: usize, flow: Option<Flow>) -> Option<PacketNumber> {
        let Entry { at, place, .. } = *self.entry(entry);
        let earlier = self.trace.entries()[..entry].iter().rev().take_while(|entry| entry.at == at);
        let arrivals = earlier.filter(|entry| entry.place == place).filter_map(|entry| match entry.what {
            What::Arrived { packet, .. } => Some(packet),
            _ => None,
        });
        let arrivals: Vec<PacketNumber> = arrivals.collect();
        let own = |number: &&PacketNumber| flow == Some(self.packet(**number).packet.tag.flow);
        arrivals.iter().find(own).or_else(|| arrivals.first()).copied()
    }

    /// The latest change of state of a flow's end at `place` before an entry.
    pub(super) fn state_before(&self, flow: Flow, place: PlaceId, before: usize) -> Option<usize> {
        (0..before).rev().find(|&index| {
            let entry = self.entry(index);
            entry.place == place
                && matches!(entry.what, What::StateChanged { flow: changed, .. } if changed == flow)
        })
    }

    /// The name that an app of this place gave to a flow.
    pub(super) fn name_of(&self, flow: Flow, place: PlaceId) -> Option<NameId> {
        let names = self.trace.names().iter().rev();
        let own = |name: NameId| self.legend.socket(name).split('/').next() == Some(self.legend.place(place));
        names.filter(|name| name.flow == flow).map(|name| name.name).find(|&name| own(name))
    }

    /// The flow that a socket's name stood for last.
    pub(super) fn flow_of(&self, name: NameId) -> Option<Flow> {
        self.trace.names().iter().rev().find(|named| named.name == name).map(|named| named.flow)
    }

    /// The host that a socket's name belongs to.
    pub(super) fn host_of(&self, name: NameId) -> PlaceId {
        let host = self.legend.socket(name).split('/').next().unwrap_or_default();
        self.legend.host_named(host).expect("a socket is on a host")
    }

    /// The fault of the timeline that does this kind of thing at a place and time.
    pub(super) fn timed_fault(&self, place: PlaceId, at: Instant, what: TimedWhat) -> Option<Arc<str>> {
        let mut active = self.plan.faults.iter().filter(|fault| !fault.removed).filter(|fault| {
            fault.timed.iter().any(|act| {
                act.place == place
                    && act.what == what
                    && act.from <= at
                    && act.until.is_none_or(|until| at < until)
            })
        });
        active.next_back().map(|fault| Arc::clone(&fault.name))
    }

    /// Name of a direction.
    pub(super) fn direction(&self, direction: DirectionId) -> Arc<str> {
        self.legend.direction_name(direction).into()
    }

    pub(super) fn known_packet(&self, number: PacketNumber) -> Result<PacketNumber, Unanswerable> {
        let last = self.trace.packets().len();
        if (1..=last).contains(&(number.0 as usize)) {
            return Ok(number);
        }
        Err(Unanswerable(if last == 0 {
            format!("there is no packet {number}: no packet was sent in this run")
        } else {
            format!("there is no packet {number}: this run has #1 to #{last}, as run --timeline numbers them")
        }))
    }

    pub(super) fn known_expectation(&self, name: &str) -> Result<usize, Unanswerable> {
        let names = self.plan.expectations.iter().map(|expectation| &*expectation.name);
        known("expectation", "the experiment expects nothing", name, names.collect())
    }

    pub(super) fn known_app(&self, name: &str) -> Result<u32, Unanswerable> {
        let names = self.plan.apps.iter().map(|app| &*app.name);
        known("app", "the experiment has none", name, names.collect()).map(|index| index as u32)
    }

    pub(super) fn known_socket(&self, name: &str) -> Result<NameId, Unanswerable> {
        let names = self.plan.names.iter().map(|name| &**name);
        known("socket", "no app names one", name, names.collect()).map(|index| NameId(index as u32))
    }

    /// The propagation time of the links that a packet crossed, as they were when it entered each.
    pub(super) fn propagation(&self, number: PacketNumber) -> Duration {
        let packet = self.packet(number);
        let begun = self.made(packet.copy_of.unwrap_or(number)).unwrap_or(0);
        let end = self.arrived(number).unwrap_or(begun);
        let own = packet.copy_of.unwrap_or(number);
        let mut sum = Duration::ZERO;
        for entry in &self.trace.entries()[begun..=end.max(begun)] {
            if let What::Sent { packet, direction, .. } = entry.what
                && packet == own
            {
                sum = sum.saturating_add(self.delay_at(direction, entry.at));
            }
        }
        sum
    }

    /// The delay of a direction at a time.
    fn delay_at(&self, direction: DirectionId, at: Instant) -> Duration {
        let config = &self.plan.directions[direction.0 as usize].config;
        let mut delay = config.delay;
        for scheduled in config.changes.iter().take_while(|scheduled| scheduled.at <= at) {
            match scheduled.change {
                Change::SetDelay(new) => delay = new,
                Change::Heal => delay = config.delay,
                _ => {}
            }
        }
        delay
    }

    /// What a packet is, with its number: `SYN #1`, `data segment #8`.
    pub(super) fn noun(&self, number: PacketNumber) -> String {
        let packet = self.packet(number);
        let what = match &packet.packet.body {
            Body::Tcp(segment) => segment_noun(segment),
            Body::Udp(_) => "datagram",
            Body::Icmp(message) => match message.kind {
                IcmpKind::EchoRequest { .. } => "echo request",
                IcmpKind::EchoReply { .. } => "echo reply",
                _ => "ICMP error",
            },
            Body::Raw(_) => "packet",
        };
        format!("{what} {number}")
    }

    /// `data segment #8 (seq 5793, 1448 octets)`: where a packet with data stands in its stream, as the ladder counts.
    pub(super) fn noun_with_range(&self, number: PacketNumber) -> String {
        let packet = self.packet(number);
        match &packet.packet.body {
            Body::Tcp(segment) if !segment.payload.is_empty() && packet.packet.tag.flow != Flow::NONE => {
                let seq = packet.packet.tag.stream_offset + 1;
                format!("{} (seq {seq}, {} octets)", self.noun(number), segment.payload.len())
            }
            _ => self.noun(number),
        }
    }

    /// The sentence that introduces a packet.
    pub(super) fn introduce(&self, number: PacketNumber) -> String {
        let packet = self.packet(number);
        let from = self.legend.place(packet.sender);
        let to = self.legend.owner(packet.packet.ip.destination).map_or_else(
            || packet.packet.ip.destination.to_string(),
            |node| self.legend.place(node.place).to_owned(),
        );
        let how = if packet.copy_of.is_some() { "made on" } else { "sent by" };
        let noun = self.noun_with_range(number);
        format!("{}, {how} {from} to {to} at {}", capitalized(&noun), time(packet.sent_at))
    }
}

/// The index of a name among those that there are.
fn known(what: &str, none: &str, name: &str, names: Vec<&str>) -> Result<usize, Unanswerable> {
    if let Some(index) = names.iter().position(|known| *known == name) {
        return Ok(index);
    }
    let hint = did_you_mean(name, names.iter().copied());
    let hint = match (hint.is_empty(), names.is_empty()) {
        (false, _) => hint,
        (true, true) => format!(": {none}"),
        (true, false) => format!(": there is {}", quoted_list(names)),
    };
    Err(Unanswerable(format!("there is no {what} {name:?}{hint}")))
}

/// The place of a packet in tables.
fn slot(number: PacketNumber) -> usize {
    number.0 as usize - 1
}

fn segment_noun(segment: &Segment) -> &'static str {
    use faultwire_wire::Flags;
    let flags = segment.flags;
    if flags.contains(Flags::RST) {
        "RST"
    } else if flags.contains(Flags::SYN | Flags::ACK) {
        "SYN-ACK"
    } else if flags.contains(Flags::SYN) {
        "SYN"
    } else if flags.contains(Flags::FIN) {
        "FIN"
    } else if !segment.payload.is_empty() {
        "data segment"
    } else if flags.contains(Flags::ACK) {
        "ACK"
    } else {
        "segment"
    }
}

/// The segment that a packet carries, if it is TCP that can still be read.
pub(super) fn segment(packet: &TracedPacket) -> Option<&Segment> {
    match &packet.packet.body {
        Body::Tcp(segment) => Some(segment),
        _ => None,
    }
}

/// Whether a segment takes the number `seq` in sequence space.
pub(super) fn carries(segment: &Segment, seq: Seq) -> bool {
    seq.0.wrapping_sub(segment.seq.0) < segment.sequence_length()
}

/// Whether the acknowledgment number `ack` covers all of a segment.
pub(super) fn covers(ack: Seq, segment: &Segment) -> bool {
    let end = segment.seq + segment.sequence_length();
    !ack.before(end)
}

/// A time as the ladder shows it: `208.588 ms`.
pub(super) fn time(at: Instant) -> String {
    let micros = at.as_nanos() / 1_000;
    format!("{}.{:03} ms", micros / 1_000, micros % 1_000)
}

/// A duration with at most three decimals.
pub(super) fn length(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let unit = match nanos {
        0..1_000_000 => 1,
        1_000_000..1_000_000_000 => 1_000,
        _ => 1_000_000,
    };
    let rounded = Duration::from_nanos(nanos / unit * unit).to_string();
    let digits = rounded.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    format!("{digits} {}", &rounded[digits.len()..])
}

/// `1 octet`, `2 octets`.
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

/// `first`, `second`, … `12th`.
pub(super) fn ordinal(number: usize) -> String {
    match number {
        1 => "first".into(),
        2 => "second".into(),
        3 => "third".into(),
        4 => "fourth".into(),
        5 => "fifth".into(),
        _ => match (number % 10, number % 100) {
            (1, tens) if tens != 11 => format!("{number}st"),
            (2, tens) if tens != 12 => format!("{number}nd"),
            (3, tens) if tens != 13 => format!("{number}rd"),
            _ => format!("{number}th"),
        },
    }
}

/// `#1`, `#1 and #2`, `#1, #2 and #3`; after six it counts the rest.
pub(super) fn listed(numbers: &[PacketNumber]) -> String {
    const SHOWN: usize = 6;
    let mut words: Vec<String> = numbers.iter().take(SHOWN).map(PacketNumber::to_string).collect();
    if numbers.len() > SHOWN {
        words.push(format!("{} more", numbers.len() - SHOWN));
    }
    match words.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The text with a capital at its beginning.
pub(super) fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A kind of packet as a reader knows it.
pub(super) fn kind_words(kind: PacketKind) -> &'static str {
    match kind {
        PacketKind::Syn => "SYN",
        PacketKind::SynAck => "SYN-ACK",
        PacketKind::Data => "data segment",
        PacketKind::PureAck => "ACK without data",
        PacketKind::Fin => "FIN",
        PacketKind::Rst => "RST",
        PacketKind::WindowUpdate => "window update",
        PacketKind::ZeroWindowProbe => "zero-window probe",
        PacketKind::Udp => "datagram",
        PacketKind::Icmp => "ICMP message",
    }
}

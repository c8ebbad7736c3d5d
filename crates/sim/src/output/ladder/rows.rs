//! The rows of one conversation's ladder, in order of time: what is sent, what arrives later, states, notes.

use std::collections::BTreeMap;

use faultwire_base::{Instant, PlaceId};
use faultwire_wire::{Body, Flags, Reason};

use super::label::Labels;
use crate::output::conversation::{Conversation, Side};
use crate::output::legend::Legend;
use crate::output::trace::{Entry, PacketNumber, Trace, TracedPacket, What};
use crate::output::words;
use crate::plan::HostChange;

/// One row.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// When.
    pub(crate) at: Instant,
    /// What.
    pub(crate) kind: RowKind,
    /// States entered by the left and right end.
    pub(crate) states: [Option<&'static str>; 2],
    /// What else there is to say.
    pub(crate) remarks: Vec<String>,
    /// How much the row matters.
    pub(crate) weight: Weight,
    /// For a packet that was taken for a reason that lasts: which reason.
    pub(crate) taken_by: Option<u64>,
}

impl Row {
    /// The packet that the row shows.
    pub(super) fn packet(&self) -> Option<PacketNumber> {
        match self.kind {
            RowKind::Sent { packet, .. } | RowKind::Arrives { packet, .. } => Some(packet),
            RowKind::State | RowKind::Note(_) | RowKind::Elided(_) => None,
        }
    }
}

/// What a row shows.
#[derive(Clone, Debug)]
pub(crate) enum RowKind {
    /// A packet leaves its sender.
    Sent {
        /// Which.
        packet: PacketNumber,
        /// From which side.
        from: Side,
        /// What it is.
        label: String,
        /// How it ends.
        end: ArrowEnd,
        /// What it counts as when rows are summed up.
        tally: Tally,
    },
    /// A packet that was sent above arrives here.
    Arrives {
        /// Which.
        packet: PacketNumber,
        /// From which side it came.
        from: Side,
        /// What it is.
        label: String,
    },
    /// Nothing but a change of state.
    State,
    /// Something that happened to an end.
    Note(String),
    /// Rows left out.
    Elided(String),
}

/// How an arrow ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArrowEnd {
    /// At the other end.
    Arrives(Instant),
    /// On the way.
    Lost,
    /// In a row of its own further down.
    Later,
    /// Not before the run ended.
    OnTheWay,
}

/// What a sent packet counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tally {
    /// New data, with its length.
    Data(u32),
    /// An ACK.
    Ack,
    /// A duplicate ACK.
    DuplicateAck,
    /// Data, SYN or FIN once more.
    Retransmission,
    /// A UDP datagram.
    Datagram,
    /// Anything else.
    Other,
}

/// How much a row matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// Data and ACKs that arrive as they should.
    Plain,
    /// What chance does to a transfer, and its repair.
    Repair,
    /// What must not be left out.
    Notable,
}

/// All rows of a conversation.
pub(crate) fn rows(legend: &Legend, trace: &Trace, conversation: &Conversation) -> Vec<Row> {
    let mut builder = Builder {
        legend,
        trace,
        conversation,
        rows: Vec::new(),
        sent: BTreeMap::new(),
        labels: Labels::default(),
        newest_arrival: [None; 2],
        waiting: [None; 2],
        arrived_now: [None; 2],
        entered: [None; 2],
    };
    for position in 0..conversation.entries.len() {
        builder.entry(position);
    }
    builder.rows
}

/// An arrival at one side that has no row of its own yet.
#[derive(Clone, Copy, Debug)]
struct Arrived {
    at: Instant,
    packet: PacketNumber,
    /// The row that shows it: where it was sent, if nothing stands between, or where it arrives.
    row: Option<usize>,
}

struct Builder<'a> {
    legend: &'a Legend,
    trace: &'a Trace,
    conversation: &'a Conversation,
    rows: Vec<Row>,
    /// The row in which each packet was sent.
    sent: BTreeMap<PacketNumber, usize>,
    labels: Labels,
    /// The latest sent of the packets that arrived, by the side of their sender.
    newest_arrival: [Option<PacketNumber>; 2],
    /// A state that the next packet sent at that time shows.
    waiting: [Option<(Instant, &'static str)>; 2],
    arrived_now: [Option<Arrived>; 2],
    /// The state each side is in, and since when.
    entered: [Option<(Instant, &'static str)>; 2],
}

impl Builder<'_> {
    fn entry(&mut self, position: usize) {
        let entry = &self.trace.entries()[self.conversation.entries[position]];
        match entry.what {
            What::Sent { packet, origin: true, .. } => self.sent(entry, packet),
            What::Sent { origin: false, .. } | What::Discarded { .. } | What::Link { .. } => {}
            What::Arrived { packet, .. } => self.arrived(entry, packet),
            What::StateChanged { to, .. } => {
                if let Some(side) = self.conversation.side_of(entry.place) {
                    self.state(position, entry.at, side, entry.place, to.as_str());
                }
            }
            What::HostChanged { change } => {
                let host = self.legend.place(entry.place);
                let text = match change {
                    HostChange::Crash => format!("{host} crashes: all its state is gone"),
                    HostChange::Restart => format!("{host} restarts"),
                    HostChange::Pause => format!("{host} pauses"),
                    HostChange::Resume => format!("{host} resumes"),
                };
                self.push(entry.at, RowKind::Note(text), Weight::Notable);
            }
            What::Opened { .. } | What::Named(_) | What::StepEnded { .. } | What::Injected { .. } => {}
        }
    }

    fn push(&mut self, at: Instant, kind: RowKind, weight: Weight) -> usize {
        self.rows.push(Row { at, kind, states: [None; 2], remarks: Vec::new(), weight, taken_by: None });
        self.rows.len() - 1
    }

    fn sent(&mut self, entry: &Entry, number: PacketNumber) {
        let traced = self.trace.packet(number);
        let from = self.conversation.sender(&traced.packet);
        let label = self.labels.label(from, traced);
        let end = arrow_end(traced);
        let tally = tally(traced);
        let mut remarks = vec![words::why(self.trace, traced)];
        if let Some(fault) = traced.injected_by {
            remarks.push(format!("injected by \"{}\"", self.legend.fault(fault)));
        } else if Some(entry.place) != self.conversation.end(from).host {
            remarks.push(format!("from {}", self.legend.place(entry.place)));
        }
        remarks.extend(self.labels.sack(from, traced));
        remarks.extend(self.fate(traced));
        remarks.retain(|remark| !remark.is_empty());
        let weight = weight(traced, tally);
        let row = self.push(entry.at, RowKind::Sent { packet: number, from, label, end, tally }, weight);
        self.rows[row].remarks = remarks;
        self.rows[row].taken_by = (traced.decisions.iter())
            .find_map(|(direction, decision, _)| words::lasting_cause(*direction, decision))
            .filter(|_| !opens_or_closes(traced));
        self.sent.insert(number, row);
        if let Some((at, state)) = self.waiting[from as usize].take()
            && at == entry.at
        {
            if entered_by_sending(state) && !opens_or_closes(traced) {
                self.waiting[from as usize] = Some((at, state));
            } else {
                self.enter(row, at, from, state);
            }
        }
    }

    /// What happened to a packet, in words.
    fn fate(&self, traced: &TracedPacket) -> Vec<String> {
        let mut fate: Vec<_> = (traced.decisions.iter())
            .map(|(direction, decision, copy)| {
                let mut text = words::decision(self.legend, *direction, decision, *copy);
                let lost = copy
                    .map(|copy| self.trace.packet(copy))
                    .and_then(|copy| copy.decisions.iter().find(|(_, decision, _)| words::takes(decision)));
                if let Some((direction, decision, _)) = lost {
                    text.push_str(", and the copy ");
                    text.push_str(&words::decision(self.legend, *direction, decision, None));
                }
                if words::takes(decision) && self.legend.nodes.len() > 2 {
                    text.push_str(&format!(" on {}", self.legend.direction_name(*direction)));
                }
                text
            })
            .collect();
        if let Some(reason) = traced.discarded {
            fate.push(format!("discarded: {}", reason.as_str()));
        }
        fate
    }

    fn arrived(&mut self, entry: &Entry, number: PacketNumber) {
        let traced = self.trace.packet(number);
        let is_final =
            traced.arrival.as_ref().is_some_and(|last| last.at == entry.at && last.place == entry.place);
        let is_end = self.legend.nodes.iter().any(|node| node.place == entry.place && node.is_host);
        if !is_final || !is_end {
            return;
        }
        let from = self.conversation.sender(&traced.packet);
        let overtaken = self.newest_arrival[from as usize].is_some_and(|newest| newest > number);
        if traced.copy_of.is_none() {
            self.newest_arrival[from as usize] = self.newest_arrival[from as usize].max(Some(number));
        }
        let sent = self.sent.get(&number).copied();
        let late = sent.is_none() || overtaken || goes_astray(traced);
        let row = if sent.is_some_and(|row| row + 1 == self.rows.len()) {
            // Nothing was sent in between: one row shows both ends.
            self.shown_where_sent(sent, entry.at)
        } else if late {
            if let Some(row) = sent
                && let RowKind::Sent { end, .. } = &mut self.rows[row].kind
            {
                *end = ArrowEnd::Later;
            }
            Some(self.arrival_row(entry.at, number))
        } else {
            None
        };
        self.arrived_now[from.other() as usize] = Some(Arrived { at: entry.at, packet: number, row });
    }

    fn shown_where_sent(&mut self, sent: Option<usize>, at: Instant) -> Option<usize> {
        let row = sent?;
        if let RowKind::Sent { end, .. } = &mut self.rows[row].kind {
            *end = ArrowEnd::Arrives(at);
        }
        Some(row)
    }

    fn arrival_row(&mut self, at: Instant, number: PacketNumber) -> usize {
        let traced = self.trace.packet(number);
        let from = self.conversation.sender(&traced.packet);
        let label = match &traced.packet.body {
            _ if self.sent.contains_key(&number) => format!("{number} arrives"),
            _ => self.labels.label(from, traced),
        };
        let by_fault = traced.decisions.iter().any(|(_, decision, _)| !words::is_chance(decision));
        let copied_by_fault = traced.copy_of.is_some_and(|original| {
            (self.trace.packet(original).decisions.iter())
                .any(|(_, decision, copy)| *copy == Some(number) && !words::is_chance(decision))
        });
        let weight = if by_fault || copied_by_fault { Weight::Notable } else { Weight::Repair };
        let mut remarks = Vec::new();
        if let Some(original) = traced.copy_of {
            let after = at.saturating_since(self.trace.packet(original).sent_at);
            remarks.push(format!("copy of {original}, {} after it was sent", super::draw::rounded(after)));
            remarks.extend(self.fate(traced));
        } else if let Some(text) = traced.packet_late_words(self.legend) {
            remarks.push(text);
        }
        let row = self.push(at, RowKind::Arrives { packet: number, from, label }, weight);
        self.rows[row].remarks = remarks;
        row
    }

    /// Shows a change of state: with the packet whose arrival made it, else with the packet that is sent in it, else
    /// in a row of its own.
    fn state(&mut self, position: usize, at: Instant, side: Side, place: PlaceId, state: &'static str) {
        if let Some(row) = self.opening_or_closing_now(at, side, state) {
            return self.enter(row, at, side, state);
        }
        let by_sending = entered_by_sending(state);
        let arrived = self.arrived_now[side as usize].filter(|arrived| arrived.at == at && !by_sending);
        if let Some(row) = arrived.and_then(|arrived| arrived.row)
            && self.rows[row].states[side as usize].is_none()
        {
            return self.enter(row, at, side, state);
        }
        if let Some(row) = self.sent_now(at, side).filter(|_| !by_sending) {
            return self.enter(row, at, side, state);
        }
        if self.sends_next(position, at, place, by_sending) {
            if let Some((_, earlier)) = self.waiting[side as usize].replace((at, state)) {
                let row = self.push(at, RowKind::State, Weight::Notable);
                self.enter(row, at, side, earlier);
            }
            return;
        }
        let row = match arrived {
            Some(Arrived { packet, row: None, .. }) => {
                let row = self.arrival_row(at, packet);
                self.arrived_now[side as usize] = Some(Arrived { at, packet, row: Some(row) });
                row
            }
            _ => self.push(at, RowKind::State, Weight::Notable),
        };
        self.enter(row, at, side, state);
    }

    /// Shows in a row that a side entered a state at `at`, which is later than the row's time where the row is that of
    /// a packet whose arrival made it.
    fn enter(&mut self, row: usize, at: Instant, side: Side, state: &'static str) {
        let row = &mut self.rows[row];
        row.states[side as usize] = Some(state);
        row.weight = Weight::Notable;
        let before = self.entered[side as usize].replace((at, state));
        if let (RowKind::State, Some((since, before))) = (&row.kind, before) {
            let time = super::draw::rounded(at.saturating_since(since));
            row.remarks.push(match state {
                "FIN_WAIT_1" | "LAST_ACK" => "the application closes; the FIN follows the data".into(),
                _ => format!("after {time} in {before}"),
            });
        }
    }

    /// The row of the SYN or FIN that this side sent at this time, for a state that is entered by sending it.
    fn opening_or_closing_now(&self, at: Instant, side: Side, state: &str) -> Option<usize> {
        let row = self.sent_now(at, side).filter(|_| entered_by_sending(state))?;
        let RowKind::Sent { packet, .. } = self.rows[row].kind else {
            return None;
        };
        opens_or_closes(self.trace.packet(packet)).then_some(row)
    }

    /// The row of the last packet that this side sent at this time, if it shows no state yet.
    fn sent_now(&self, at: Instant, side: Side) -> Option<usize> {
        let now = self.rows.iter().enumerate().rev().take_while(|(_, row)| row.at == at);
        let own = now.filter(|(_, row)| matches!(row.kind, RowKind::Sent { from, .. } if from == side));
        own.filter(|(_, row)| row.states[side as usize].is_none()).map(|(index, _)| index).next()
    }

    /// Whether this place sends something at this time (a SYN or FIN, if only that counts), after the entry at
    /// `position`.
    fn sends_next(&self, position: usize, at: Instant, place: PlaceId, opens_or_closes_only: bool) -> bool {
        let entries =
            self.conversation.entries[position + 1..].iter().map(|&index| &self.trace.entries()[index]);
        entries.take_while(|entry| entry.at == at).any(|entry| match entry.what {
            What::Sent { packet, origin: true, .. } => {
                entry.place == place && (!opens_or_closes_only || opens_or_closes(self.trace.packet(packet)))
            }
            _ => false,
        })
    }
}

impl TracedPacket {
    /// How late a packet arrives, for its row of arrival.
    fn packet_late_words(&self, legend: &Legend) -> Option<String> {
        let words: Vec<_> = (self.decisions.iter())
            .filter(|(_, decision, _)| words::displaces(decision))
            .map(|(direction, decision, _)| words::decision(legend, *direction, decision, None))
            .collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

/// Whether an end enters this state when it sends a SYN or FIN, and not because something arrived.
fn entered_by_sending(state: &str) -> bool {
    matches!(state, "SYN_SENT" | "FIN_WAIT_1" | "LAST_ACK")
}

fn opens_or_closes(traced: &TracedPacket) -> bool {
    matches!(&traced.packet.body, Body::Tcp(segment) if segment.flags.intersects(Flags::SYN | Flags::FIN))
}

fn goes_astray(traced: &TracedPacket) -> bool {
    traced.decisions.iter().any(|(_, decision, _)| words::displaces(decision))
}

fn arrow_end(traced: &TracedPacket) -> ArrowEnd {
    if traced.decisions.iter().any(|(_, decision, _)| words::takes(decision)) {
        return ArrowEnd::Lost;
    }
    traced.arrival.as_ref().map_or(ArrowEnd::OnTheWay, |arrival| ArrowEnd::Arrives(arrival.at))
}

fn tally(traced: &TracedPacket) -> Tally {
    let tag = &traced.packet.tag;
    match &traced.packet.body {
        Body::Tcp(_) if tag.transmission > 1 => Tally::Retransmission,
        Body::Tcp(_) if tag.reason == Reason::DuplicateAck => Tally::DuplicateAck,
        Body::Tcp(segment) if !segment.payload.is_empty() => Tally::Data(segment.payload.len()),
        Body::Tcp(segment) if segment.is_pure_ack() => Tally::Ack,
        Body::Udp(_) => Tally::Datagram,
        _ => Tally::Other,
    }
}

fn weight(traced: &TracedPacket, tally: Tally) -> Weight {
    let faulted = traced.decisions.iter().any(|(_, decision, _)| !words::is_chance(decision));
    if faulted || traced.injected_by.is_some() || tally == Tally::Other {
        return Weight::Notable;
    }
    if let Body::Tcp(segment) = &traced.packet.body {
        if segment.flags.intersects(Flags::SYN | Flags::FIN | Flags::RST) {
            return Weight::Notable;
        }
        let plain = matches!(
            traced.packet.tag.reason,
            Reason::Data | Reason::Ack | Reason::DelayedAck | Reason::WindowUpdate | Reason::HandshakeAck
        );
        if !plain || segment.window == 0 {
            return Weight::Repair;
        }
    }
    let plain = traced.decisions.is_empty() && traced.discarded.is_none();
    if plain { Weight::Plain } else { Weight::Repair }
}

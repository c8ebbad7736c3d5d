//! The sequence, window and storm laws, checked on every packet of every conversation as it is sent and as it arrives.
//!
//! This is an observer of its own: it knows headers and tags, and nothing of what the endpoints believe.

use std::net::SocketAddr;

use faultwire_base::{Instant, LookupTable, PlaceId, StreamId};
use faultwire_tcp::State;
use faultwire_wire::{Flags, Flow, Packet, Reason, Segment, TcpOption};

use super::war::War;
use super::{Finding, OracleName, OracleResult};

/// ACKs that answer nothing new, within [`STORM_SPAN_NANOS`] of one conversation, that make a storm.
const STORM_ACKS: u32 = 1_000;
/// Sendings of one octet that make a retransmission storm.
const STORM_TRANSMISSIONS: u16 = 200;
/// Span over which a storm is counted: one second.
const STORM_SPAN_NANOS: u64 = 1_000_000_000;

/// What one end of a conversation has shown on the wire, as offsets from its ISN.
#[derive(Clone, Debug, Default)]
struct End {
    isn: Option<u32>,
    /// End of the highest sequence space sent.
    sent_end: u64,
    /// Highest right edge offered to the peer (offset in the peer's sequence space).
    offered_edge: u64,
    /// Highest right edge of the peer that has arrived here.
    usable_edge: u64,
    /// End of the FIN, once sent: beyond it no window matters.
    fin_end: Option<u64>,
    /// It sent a reset.
    over: bool,
    /// Shift in the SYN; `None` without the option.
    scale: Option<u8>,
    /// Shift of the windows that it sends after its SYN, as far as both SYNs are known.
    shift: u8,
    /// The stream that this end writes.
    stream: Option<StreamId>,
}

/// One conversation.
#[derive(Clone, Debug, Default)]
struct Conversation {
    /// The opener's end and the other one.
    ends: [End; 2],
    /// A packet that no endpoint made (injected, rewritten, corrupted) reached it: endpoints may be deceived.
    deceived: bool,
    /// One SYN was answered twice, by a new half-open connection after the end of the first: two numberings of one flow
    /// travel, and no law of sequence numbers holds for both (RFC 9293 §3.5, figure 8).
    answered_again: bool,
    /// A later conversation between the same endpoints: what still arrives of this one may deceive it (RFC 1337 §1).
    successor: Option<ConversationIndex>,
    storm_started: Instant,
    storm_acks: u32,
    /// ACKs that answer ACKs, once there is one that brings nothing.
    war: Option<Box<War>>,
    /// Zero-window probes of either end.
    probes: u16,
}

/// A conversation's place in [`Laws`], and whether the flow that led here sees its ends the other way round: after a
/// simultaneous open both ends are openers, each with a flow of its own (RFC 9293 figure 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConversationIndex(u32);

impl ConversationIndex {
    #[inline]
    fn slot(self) -> usize {
        (self.0 >> 1) as usize
    }

    /// 0 for the opener's end, 1 for the other.
    #[inline]
    fn side(self, flow: Flow, place: PlaceId) -> usize {
        usize::from(flow.opener != Some(place)) ^ (self.0 & 1) as usize
    }
}

/// No conversation yet.
const NO_CONVERSATION: u32 = u32::MAX;

/// All conversations of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Laws {
    conversations: Vec<Conversation>,
    /// For each opener the conversations of its first life by their ordinals: looked up without hashing, several times
    /// a packet.
    first_lives: Vec<Vec<u32>>,
    later_lives: LookupTable<Flow, u32>,
    /// The latest active open between two endpoints, by (local, remote).
    active_opens: LookupTable<(SocketAddr, SocketAddr), Flow>,
}

/// A widened offset near `near` for the 32-bit distance `low`.
#[inline]
fn widen(low: u32, near: u64) -> u64 {
    let distance = low.wrapping_sub(near as u32) as i32;
    near.wrapping_add_signed(i64::from(distance))
}

impl Laws {
    /// The conversation's index; a new one is made at its first sight.
    #[inline]
    pub(crate) fn index(&mut self, flow: Flow) -> ConversationIndex {
        if let (Some(opener), 1) = (flow.opener, flow.boot)
            && let Some(ordinals) = self.first_lives.get(opener.index())
            && let Some(&index) = ordinals.get(flow.ordinal as usize)
            && index != NO_CONVERSATION
        {
            return ConversationIndex(index);
        }
        self.index_slowly(flow)
    }

    #[cold]
    fn index_slowly(&mut self, flow: Flow) -> ConversationIndex {
        let next = (self.conversations.len() as u32) << 1;
        let slot = self.entry(flow);
        if *slot == NO_CONVERSATION {
            *slot = next;
            self.conversations.push(Conversation::default());
            return ConversationIndex(next);
        }
        ConversationIndex(*slot)
    }

    fn entry(&mut self, flow: Flow) -> &mut u32 {
        match flow.opener {
            Some(opener) if flow.boot == 1 => {
                if self.first_lives.len() <= opener.index() {
                    self.first_lives.resize_with(opener.index() + 1, Vec::new);
                }
                let ordinals = &mut self.first_lives[opener.index()];
                if ordinals.len() <= flow.ordinal as usize {
                    ordinals.resize(flow.ordinal as usize + 1, NO_CONVERSATION);
                }
                &mut ordinals[flow.ordinal as usize]
            }
            _ => self.later_lives.entry_or_insert_with(flow, || NO_CONVERSATION),
        }
    }

    /// A host opens a connection actively. If its peer has just done the same towards it, and no SYN of it has been
    /// answered yet, both flows are one conversation.
    pub(crate) fn opened(&mut self, flow: Flow, local: SocketAddr, remote: SocketAddr) {
        if let Some(before) = self.active_opens.insert((local, remote), flow) {
            let (before, successor) = (self.index(before), self.index(flow));
            self.conversations[before.slot()].successor = Some(successor);
        }
        let Some(&other) = self.active_opens.get(&(remote, local)) else { return };
        let theirs = self.index(other);
        let conversation = &self.conversations[theirs.slot()];
        let answered = conversation.ends[1].isn.is_some();
        if other.opener != flow.opener && theirs.0 & 1 == 0 && !answered && !conversation.ends[0].over {
            // The SYN may have been seen on its way already, before its host told of the opening.
            let own = self.index(flow).slot();
            let opener = std::mem::take(&mut self.conversations[own].ends[0]);
            let conversation = &mut self.conversations[theirs.slot()];
            conversation.ends[1] = opener;
            conversation.agree_on_shifts();
            *self.entry(flow) = theirs.0 | 1;
        }
    }

    /// The stream that `place` writes in `flow`.
    pub(crate) fn set_stream(&mut self, flow: Flow, place: PlaceId, stream: StreamId) {
        let index = self.index(flow);
        self.conversations[index.slot()].ends[index.side(flow, place)].stream = Some(stream);
    }

    /// The stream that the peer of `place` writes, once it has written, and whether something that no endpoint made
    /// has reached the conversation.
    #[inline]
    pub(crate) fn peer(
        &self,
        index: ConversationIndex,
        flow: Flow,
        place: PlaceId,
    ) -> (Option<StreamId>, bool) {
        let conversation = &self.conversations[index.slot()];
        (conversation.ends[1 - index.side(flow, place)].stream, conversation.deceived)
    }

    /// Something that no endpoint made reached this conversation.
    pub(crate) fn deceive(&mut self, flow: Flow) {
        let index = self.index(flow).slot();
        self.conversations[index].deceived = true;
    }

    /// A host has sent a segment that it made.
    #[inline]
    pub(crate) fn sent(
        &mut self,
        at: Instant,
        place: PlaceId,
        packet: &Packet,
        segment: &Segment,
    ) -> Option<Finding> {
        let tag = &packet.tag;
        if tag.flow.opener.is_none() || tag.reason == Reason::Unknown {
            return None;
        }
        let index = self.index(tag.flow);
        let conversation = &mut self.conversations[index.slot()];
        let side = index.side(tag.flow, place);
        if segment.flags.contains(Flags::RST) {
            conversation.ends[side].over = true;
            return None;
        }
        let broken = conversation.check_sent(side, segment, tag.reason, tag.transmission);
        let stormy = conversation.check_storm(at, segment, packet);
        if broken.is_none() && stormy.is_none() {
            return None;
        }
        let deceived = conversation.deceived;
        let result = if deceived { OracleResult::Hazard } else { OracleResult::Broken };
        let finding = |oracle, text: String| Finding { oracle, result, detail: format!("{at}: {text}") };
        broken
            .map(|text| finding(OracleName::Sequence, text))
            .or_else(|| stormy.map(|text| finding(OracleName::Storm, text)))
    }

    /// A segment has arrived at a host intact.
    #[inline]
    pub(crate) fn arrived(&mut self, place: PlaceId, packet: &Packet, segment: &Segment) {
        let flow = packet.tag.flow;
        if flow.opener.is_none() || !segment.flags.contains(Flags::ACK) || segment.flags.contains(Flags::RST)
        {
            return;
        }
        let index = self.index(flow);
        let (end, peer) = self.conversations[index.slot()].pair(index.side(flow, place));
        if let Some(isn) = end.isn {
            let acknowledged = widen(segment.ack.0.wrapping_sub(isn), end.sent_end);
            let edge = acknowledged.saturating_add(u64::from(segment.window) << peer.shift_of(segment));
            end.usable_edge = end.usable_edge.max(edge);
        }
    }
}

impl End {
    /// Shift that applies to the window of a segment of this end: a SYN's own window is never scaled (RFC 7323 §2.2).
    #[inline]
    fn shift_of(&self, segment: &Segment) -> u8 {
        if segment.flags.contains(Flags::SYN) { 0 } else { self.shift }
    }

    /// It offers its peer a right edge, and may be bound by what it has offered before. RFC 9293 §3.8.6 (SHLD-14): the
    /// edge doesn't move left; the shift's rounding is allowed (7323 §2.4), up once and down once (FreeBSD).
    #[inline]
    fn offer(&mut self, edge: u64, is_bound: bool) -> Option<String> {
        if edge >= self.offered_edge {
            self.offered_edge = edge;
            return None;
        }
        let rounding = (1 << self.shift) - u64::from(self.shift == 0);
        (is_bound && edge + rounding < self.offered_edge).then(|| window_shrank(self.offered_edge - edge))
    }
}

impl Conversation {
    /// The end of `side`, and the other one.
    #[inline]
    fn pair(&mut self, side: usize) -> (&mut End, &mut End) {
        let [opener, other] = &mut self.ends;
        if side == 0 { (opener, other) } else { (other, opener) }
    }

    #[inline]
    fn check_sent(
        &mut self,
        side: usize,
        segment: &Segment,
        reason: Reason,
        transmission: u16,
    ) -> Option<String> {
        if segment.flags.contains(Flags::SYN) {
            if let Some(text) = self.note_syn(side, segment, transmission) {
                return Some(text);
            }
        } else if segment.options.as_bytes().len() > 12
            && segment.options.iter().any(|option| matches!(option, TcpOption::MaximumSegmentSize(_)))
        {
            // RFC 9293 §3.2 (MUST-65).
            return Some("a segment without SYN carries the MSS option".into());
        }
        if self.answered_again {
            return None;
        }
        let (end, peer) = self.pair(side);
        let isn = end.isn?;
        let length = segment.sequence_length();
        if length > 0 {
            let start = widen(segment.seq.0.wrapping_sub(isn), end.sent_end);
            let past = start.wrapping_add(u64::from(length));
            // RFC 9293 §3.8.6: nothing beyond the offered window but one octet of a probe; FIN takes no buffer.
            let data_past = start.wrapping_add(u64::from(segment.payload.len()));
            if data_past > end.usable_edge && end.usable_edge > 0 && data_past > start {
                let probe = u64::from(reason == Reason::ZeroWindowProbe);
                if data_past > end.usable_edge + probe {
                    return Some(past_the_window(data_past, end.usable_edge));
                }
            }
            end.sent_end = end.sent_end.max(past);
            if segment.flags.contains(Flags::FIN) {
                end.fin_end = Some(past);
            }
        }
        if segment.flags.contains(Flags::ACK)
            && let Some(peer_isn) = peer.isn
        {
            let ack = widen(segment.ack.0.wrapping_sub(peer_isn), peer.sent_end);
            if ack > peer.sent_end {
                return Some(above_what_was_sent(ack, peer.sent_end));
            }
            let is_answer = matches!(reason, Reason::ChallengeAck | Reason::UnacceptableAck);
            // What a half-open entry answers to strays offers nothing that can be relied on: FreeBSD does not scale it
            // (`syncache_respond`).
            if side == 1 && end.sent_end <= 1 && is_answer {
                return None;
            }
            let edge = ack + (u64::from(segment.window) << end.shift_of(segment));
            // A SYN can't say more than 65,535, also when it goes again after larger windows.
            let is_bound = !segment.flags.contains(Flags::SYN) && peer.fin_end.is_none_or(|fin| ack < fin);
            return end.offer(edge, is_bound);
        }
        None
    }

    /// Both SYNs must have carried the option for a shift to apply (RFC 7323 §2.2).
    fn agree_on_shifts(&mut self) {
        let shifts = match (self.ends[0].scale, self.ends[1].scale) {
            (Some(opener), Some(other)) => [opener.min(14), other.min(14)],
            _ => [0, 0],
        };
        for (end, shift) in self.ends.iter_mut().zip(shifts) {
            end.shift = shift;
        }
    }

    #[cold]
    fn note_syn(&mut self, side: usize, segment: &Segment, transmission: u16) -> Option<String> {
        let end = &mut self.ends[side];
        end.scale = segment.options.iter().find_map(|option| match option {
            TcpOption::WindowScale(shift) => Some(shift),
            _ => None,
        });
        self.agree_on_shifts();
        let end = &mut self.ends[side];
        match end.isn {
            Some(isn) if isn != segment.seq.0 => {
                self.answered_again |= segment.flags.contains(Flags::ACK) && transmission <= 1;
                (!self.answered_again).then(|| "a second SYN has another ISN".into())
            }
            _ => {
                end.isn = Some(segment.seq.0);
                None
            }
        }
    }

    /// Counts answers that bring nothing, and sendings of one octet.
    #[inline]
    fn check_storm(&mut self, at: Instant, segment: &Segment, packet: &Packet) -> Option<String> {
        let tag = &packet.tag;
        // A closed window may be probed with one octet for ever (RFC 9293 §3.8.6.1, MUST-37).
        if tag.reason == Reason::ZeroWindowProbe {
            self.probes = self.probes.saturating_add(1);
        } else if tag.transmission.saturating_sub(self.probes) > STORM_TRANSMISSIONS {
            return Some(sent_too_often(packet));
        }
        if !matches!(tag.reason, Reason::UnacceptableAck | Reason::ChallengeAck) || !segment.is_pure_ack() {
            return None;
        }
        if let Some(text) = self.war.get_or_insert_default().answered(packet.tag.id, packet.tag.cause) {
            return Some(text);
        }
        if at.saturating_since(self.storm_started).as_nanos() > STORM_SPAN_NANOS {
            self.storm_started = at;
            self.storm_acks = 0;
        }
        self.storm_acks += 1;
        (self.storm_acks == STORM_ACKS).then(|| {
            format!("{STORM_ACKS} ACKs that bring nothing new within {} ms", STORM_SPAN_NANOS / 1_000_000)
        })
    }
}

#[cold]
fn past_the_window(data_past: u64, usable_edge: u64) -> String {
    format!("data up to {data_past} was sent, {} past the peer's window", data_past - usable_edge)
}

#[cold]
fn window_shrank(octets: u64) -> String {
    format!("the window shrank by {octets} octets")
}

#[cold]
fn above_what_was_sent(ack: u64, sent_end: u64) -> String {
    if ack > u64::MAX / 2 {
        return format!("an ACK of {} numbers before the first one that was sent", ack.wrapping_neg());
    }
    format!("ACK {ack} is above the highest octet sent, {sent_end}")
}

#[cold]
fn sent_too_often(packet: &Packet) -> String {
    format!("octet {} was sent {} times", packet.tag.stream_offset, packet.tag.transmission)
}

/// Whether RFC 9293 §3.3.2 (figure 5 and its notes) and §3.10 let a connection go from one state to the other. Kept
/// apart from the endpoint's own table on purpose. CLOSED can be reached from everywhere by a reset or an abort.
pub(crate) fn transition_is_legal(from: State, to: State) -> bool {
    use State::*;
    if to == Closed {
        return from != Closed;
    }
    matches!(
        (from, to),
        (Closed, Listen | SynSent | SynReceived)
            | (Listen, SynSent | SynReceived)
            | (SynSent, SynReceived | Established)
            | (SynReceived, Established | FinWait1 | CloseWait | Listen)
            | (Established, FinWait1 | CloseWait)
            | (FinWait1, FinWait2 | Closing | TimeWait)
            | (FinWait2 | Closing, TimeWait)
            | (CloseWait, LastAck)
            // A new SYN reopens TIME-WAIT (MAY-2), an old one sends it back.
            | (TimeWait, SynReceived)
            | (SynReceived, TimeWait)
    )
}

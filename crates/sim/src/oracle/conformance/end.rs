//! One end of a connection: what it has sent and received, with its numbers widened.

use std::collections::VecDeque;

use faultwire_base::{Instant, PacketId, PlaceId};
use faultwire_host::DropReason;
use faultwire_tcp::State;
use faultwire_wire::{Body, Flags, Flow, Packet, Segment, Tag, TcpOption};

/// Sequence numbers are widened to offsets in which the ISN is this: what is up to 2^31 before it can be said too.
pub(super) const ISN: u64 = 1 << 32;

/// One end of one connection.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) place: PlaceId,
    pub(super) flow: Flow,
    /// After a simultaneous open the peer's segments have a flow of their own.
    pub(super) peer_flow: Flow,
    pub(super) state: State,
    pub(super) sent: Sent,
    pub(super) received: Received,
    /// What its SYN offered, and what the peer's did.
    pub(super) own: Option<Offer>,
    pub(super) peer: Option<Offer>,
    /// When an ICMP error arrived for it last.
    pub(super) icmp_at: Instant,
    /// When its host was resumed last.
    pub(super) resumed: Instant,
    /// It isn't there any more: closed, or its host lost its memory.
    pub(super) over: bool,
    /// Another connection between the same addresses has begun.
    pub(super) superseded: bool,
    pub(super) deceived: bool,
}

/// What a SYN says.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Offer {
    pub(super) isn: u32,
    scale: Option<u8>,
    pub(super) timestamps: bool,
    pub(super) sack: bool,
    pub(super) segment_size: Option<u16>,
}

/// What an end has sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent {
    /// End of the highest sequence space that was sent.
    pub(super) end: u64,
    /// The highest acknowledgment that has arrived.
    pub(super) unacknowledged: u64,
    /// The same, but only by segments that their receiver had to accept (RFC 9293 §3.10.7.4: the acknowledgment of others
    /// is not looked at).
    pub(super) settled: u64,
    /// When that arrived.
    pub(super) progress: Instant,
    /// The right edge that the peer's last word allows.
    pub(super) edge: u64,
    /// The right edge of the last segment that arrived, whatever it was.
    pub(super) last_edge: u64,
    /// When a closed window opened last.
    pub(super) opened: Instant,
    /// Position of the FIN, once sent.
    pub(super) fin: Option<u64>,
    /// What isn't acknowledged, in order.
    pub(super) outstanding: VecDeque<Sending>,
}

/// Sequence space that was sent as one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sending {
    pub(super) start: u64,
    pub(super) end: u64,
    /// When it was sent first, and last.
    pub(super) first: Instant,
    pub(super) last: Instant,
    /// How often.
    pub(super) times: u32,
    /// When the peer reported it by SACK, and in which packet.
    pub(super) reported: Option<(Instant, PacketId)>,
}

/// What an end has received.
#[derive(Clone, Debug, Default)]
pub(super) struct Received {
    /// RCV.NXT, if everything was taken that arrived.
    pub(super) next: u64,
    /// The furthest that was ever so: what was acknowledged must have arrived.
    pub(super) reach: u64,
    /// The highest acknowledgment that was sent.
    pub(super) acknowledged: u64,
    /// What arrived and isn't acknowledged.
    pub(super) ahead: Vec<Ahead>,
    /// The highest right edge that was offered.
    pub(super) edge: u64,
    /// Octets that the app has read.
    pub(super) read: u64,
    /// Past the peer's FIN, once that arrived.
    pub(super) fin: Option<u64>,
    /// Memory was too short for something since all was in order: Linux then makes room by what came out of order
    /// (`tcp_prune_ofo_queue`).
    pub(super) memory_short: bool,
}

/// What arrived and isn't acknowledged: from where to where, in which packet, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ahead {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) id: PacketId,
    at: Instant,
    /// Perhaps it was discarded again (RFC 2018 §8): an ACK could have reported it, and did not (or Linux has forgotten
    /// the block, as it knows of four), or memory was short since.
    doubted: bool,
}

/// A segment at one end, its numbers widened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    pub(super) at: Instant,
    pub(super) segment: &'a Segment,
    pub(super) tag: &'a Tag,
    /// Octets from the IP header on.
    pub(super) packet_length: u32,
    pub(super) start: u64,
    /// Past its sequence space.
    pub(super) end: u64,
    pub(super) ack: Option<u64>,
    /// The right edge that it offers.
    pub(super) edge: Option<u64>,
    /// It belongs to another connection between the same addresses.
    pub(super) foreign: bool,
}

impl Seen<'_> {
    pub(super) fn has(&self, flags: Flags) -> bool {
        self.segment.flags.contains(flags)
    }

    /// Whether it takes sequence space.
    pub(super) fn is_long(&self) -> bool {
        self.end > self.start
    }
}

impl Offer {
    pub(super) fn of(syn: &Segment) -> Self {
        let mut offer = Self { isn: syn.seq.0, ..Self::default() };
        for option in syn.options.iter() {
            match option {
                TcpOption::WindowScale(shift) => offer.scale = Some(shift.min(14)),
                TcpOption::Timestamps { .. } => offer.timestamps = true,
                TcpOption::SackPermitted => offer.sack = true,
                TcpOption::MaximumSegmentSize(octets) => offer.segment_size = Some(octets),
                _ => {}
            }
        }
        offer
    }
}

impl End {
    pub(super) fn is_deceived(&self) -> bool {
        self.deceived
    }

    /// Whether both SYNs offered timestamps.
    pub(super) fn has_timestamps(&self) -> bool {
        self.own.is_some_and(|own| own.timestamps) && self.peer.is_some_and(|peer| peer.timestamps)
    }

    /// Whether its handshake is done, and it is not closed.
    pub(super) fn is_synchronized(&self) -> bool {
        !self.over
            && !matches!(self.state, State::Closed | State::Listen | State::SynSent | State::SynReceived)
    }

    /// The largest segment that the peer can take.
    pub(super) fn segment_size(&self) -> u64 {
        self.peer.and_then(|peer| peer.segment_size).unwrap_or(536).max(536).into()
    }

    /// How many sendings a segment reports by SACK for the first time.
    pub(super) fn newly_reported(&self, seen: &Seen<'_>) -> usize {
        let Some(own) = self.own else { return 0 };
        let raw = |edge: u32| widen(edge, own.isn, self.sent.end);
        let blocks = || seen.segment.options.sack_blocks().map(|(left, right)| (raw(left.0), raw(right.0)));
        let covered = |sending: &&Sending| {
            sending.reported.is_none()
                && blocks().any(|(left, right)| left <= sending.start && sending.end <= right)
        };
        self.sent.outstanding.iter().filter(covered).count()
    }

    /// Octet of the stream at an offset of the sequence space.
    pub(super) fn octet(&self, offset: u64) -> u64 {
        offset.saturating_sub(ISN + 1)
    }

    /// Shift of the windows of `own`, which both SYNs must have agreed on (RFC 7323 §2.2).
    fn shift(own: Option<Offer>, other: Option<Offer>, segment: &Segment) -> u8 {
        match (own.and_then(|own| own.scale), other.and_then(|other| other.scale)) {
            (Some(shift), Some(_)) if !segment.flags.contains(Flags::SYN) => shift,
            _ => 0,
        }
    }

    /// How far its own windows are rounded: octets in a unit.
    pub(super) fn window_unit(&self) -> u64 {
        1 << Self::shift(self.own, self.peer, &Segment::default())
    }

    pub(super) fn see_sent<'a>(&self, at: Instant, packet: &'a Packet) -> Option<Seen<'a>> {
        let Body::Tcp(segment) = &packet.body else { return None };
        let own = self.own?;
        let start = widen(segment.seq.0, own.isn, self.sent.end);
        let ack = self
            .peer
            .filter(|_| segment.flags.contains(Flags::ACK))
            .map(|peer| widen(segment.ack.0, peer.isn, self.received.next));
        let shift = Self::shift(self.own, self.peer, segment);
        Some(Seen {
            at,
            segment,
            tag: &packet.tag,
            packet_length: packet.length(),
            start,
            end: start + u64::from(segment.sequence_length()),
            ack,
            edge: ack.map(|ack| ack + (u64::from(segment.window) << shift)),
            foreign: packet.tag.flow != self.flow && packet.tag.flow != self.peer_flow,
        })
    }

    pub(super) fn see_arrived<'a>(&self, at: Instant, packet: &'a Packet) -> Option<Seen<'a>> {
        let Body::Tcp(segment) = &packet.body else { return None };
        let start = match self.peer {
            Some(peer) => widen(segment.seq.0, peer.isn, self.received.next),
            None => 0,
        };
        // In SYN-SENT an ACK without a SYN means nothing yet.
        let counts =
            segment.flags.contains(Flags::ACK) && (self.peer.is_some() || segment.flags.contains(Flags::RST));
        let ack = self.own.filter(|_| counts).map(|own| widen(segment.ack.0, own.isn, self.sent.end));
        let shift = Self::shift(self.peer, self.own, segment);
        Some(Seen {
            at,
            segment,
            tag: &packet.tag,
            packet_length: packet.length(),
            start,
            end: start + u64::from(segment.sequence_length()),
            ack,
            edge: ack.map(|ack| ack + (u64::from(segment.window) << shift)),
            foreign: packet.tag.flow != self.flow && packet.tag.flow != self.peer_flow,
        })
    }

    pub(super) fn note_sent(&mut self, seen: &Seen<'_>) {
        if seen.has(Flags::RST) {
            return;
        }
        if seen.is_long() {
            self.sent.note_sending(seen);
        }
        if let (Some(ack), Some(edge)) = (seen.ack, seen.edge) {
            // FreeBSD's SYN cache does not scale the window of a challenge ACK (`syncache_respond`).
            let unscaled = self.state == State::SynReceived && !seen.has(Flags::SYN);
            self.received.note_ack(ack, if unscaled { 0 } else { edge });
        }
        let reports = self.own.is_some_and(|own| own.sack) && self.peer.is_some_and(|peer| peer.sack);
        if reports && seen.ack.is_some() && seen.segment.options.sack_blocks().next().is_none() {
            self.received.doubt(|ahead| ahead.at < seen.at);
        }
    }

    pub(super) fn note_arrived(&mut self, seen: &Seen<'_>) {
        if seen.has(Flags::RST) || seen.foreign {
            return;
        }
        let accepted = self.received.must_accept(seen);
        if self.peer.is_some() && seen.is_long() {
            self.received.take(seen);
            if seen.has(Flags::FIN) {
                self.received.fin = Some(seen.end);
            }
        }
        if let (Some(ack), Some(edge)) = (seen.ack, seen.edge)
            && ack <= self.sent.end
        {
            self.sent.note_ack(seen, ack, edge);
            // An old ACK may be ignored with all that it says (RFC 9293 §3.10.7.4).
            if accepted && ack >= self.sent.settled {
                self.sent.settled = ack;
                let isn = self.own.map_or(0, |own| own.isn);
                self.sent.note_reports(seen, isn);
            }
        }
    }

    pub(super) fn note_state(&mut self, at: Instant, to: State) {
        self.state = to;
        self.over = to == State::Closed;
        // What came before was the other connection's.
        if to == State::SynReceived && self.own.is_none() {
            self.sent.progress = at;
        }
    }

    pub(super) fn note_icmp(&mut self, at: Instant) {
        self.icmp_at = at;
    }
}

impl Sent {
    fn note_sending(&mut self, seen: &Seen<'_>) {
        if seen.has(Flags::FIN) {
            self.fin.get_or_insert(seen.end - 1);
        }
        let mut new_from = seen.start;
        for sending in &mut self.outstanding {
            if sending.start < seen.end && seen.start < sending.end {
                sending.times += 1;
                sending.last = seen.at;
            }
            new_from = new_from.max(sending.end);
        }
        new_from = new_from.max(self.end);
        if seen.end > new_from {
            let start = new_from.max(seen.start);
            let (first, last) = (seen.at, seen.at);
            self.outstanding.push_back(Sending {
                start,
                end: seen.end,
                first,
                last,
                times: 1,
                reported: None,
            });
            self.end = seen.end;
        }
    }

    fn note_ack(&mut self, seen: &Seen<'_>, ack: u64, edge: u64) {
        if self.last_edge <= self.unacknowledged && edge > self.unacknowledged {
            self.opened = seen.at;
        }
        self.last_edge = edge;
        // The window of an old segment says nothing (RFC 9293 §3.10.7.4, SND.WL1 and SND.WL2).
        if ack >= self.unacknowledged {
            self.edge = if ack > self.unacknowledged { edge } else { self.edge.max(edge) };
        }
        if ack > self.unacknowledged {
            self.unacknowledged = ack;
            self.progress = seen.at;
            while let Some(first) = self.outstanding.front_mut() {
                if first.end > ack {
                    first.start = first.start.max(ack);
                    break;
                }
                self.outstanding.pop_front();
            }
        }
    }

    fn note_reports(&mut self, seen: &Seen<'_>, isn: u32) {
        for (left, right) in seen.segment.options.sack_blocks() {
            let (left, right) = (widen(left.0, isn, self.end), widen(right.0, isn, self.end));
            for sending in &mut self.outstanding {
                if left <= sending.start && sending.end <= right {
                    sending.reported.get_or_insert((seen.at, seen.tag.id));
                }
            }
        }
    }

    /// Whether the peer's window may be closed.
    pub(super) fn is_closed(&self) -> bool {
        self.unacknowledged > ISN && self.edge.min(self.last_edge) <= self.unacknowledged
    }

    /// Octets that were sent at `since` or later and are on their way for all that the sender was told.
    pub(super) fn in_flight(&self, since: Instant) -> u64 {
        let unreported = |sending: &&Sending| sending.reported.is_none() && sending.last >= since;
        self.outstanding.iter().filter(unreported).map(|sending| sending.end - sending.start).sum()
    }
}

impl Received {
    /// Whether a segment lies in the window for certain (RFC 9293 §3.10.7.4).
    fn must_accept(&self, seen: &Seen<'_>) -> bool {
        let next = self.joined();
        let reaches = if seen.is_long() { seen.end > next } else { seen.start >= next };
        reaches && seen.start < self.edge
    }

    /// RCV.NXT with everything that arrived, also what the last ACK left out: an ACK tells of what was looked at before
    /// it, and more may have arrived at its instant.
    pub(super) fn joined(&self) -> u64 {
        self.joined_from(self.next, |_| true)
    }

    /// Octets in order that the receiver has for certain and has not acknowledged.
    pub(super) fn owed(&self) -> u64 {
        self.joined_from(self.acknowledged, |ahead| !ahead.doubted) - self.acknowledged
    }

    fn joined_from(&self, mut joined: u64, counts: impl Fn(&Ahead) -> bool) -> u64 {
        let continues = |joined| move |ahead: &&Ahead| ahead.start <= joined && ahead.end > joined;
        while let Some(ahead) = self.ahead.iter().filter(|ahead| counts(ahead)).find(continues(joined)) {
            joined = ahead.end;
        }
        joined
    }

    /// Takes what arrived, as far as it is new.
    pub(super) fn take(&mut self, seen: &Seen<'_>) {
        if seen.end <= self.next {
            return;
        }
        self.ahead.push(Ahead {
            start: seen.start,
            end: seen.end,
            id: seen.tag.id,
            at: seen.at,
            doubted: self.memory_short,
        });
        // What joins stays until it is acknowledged: the receiver may discard what closed the gap.
        self.next = self.joined();
        self.reach = self.reach.max(self.next);
    }

    /// A packet that had arrived was discarded.
    pub(super) fn discard(&mut self, packet: PacketId, reason: DropReason) {
        if reason == DropReason::ReceiveBufferFull && self.ahead.iter().any(|ahead| ahead.id == packet) {
            self.memory_short = true;
            self.doubt(|_| true);
        }
        self.ahead.retain(|ahead| ahead.id != packet);
    }

    /// What arrived may have been discarded again.
    fn doubt(&mut self, what: impl Fn(&Ahead) -> bool) {
        for ahead in self.ahead.iter_mut().filter(|ahead| what(ahead)) {
            ahead.doubted = true;
        }
    }

    /// Whether nothing that arrived is left in the buffer.
    pub(super) fn is_empty(&self) -> bool {
        self.ahead.is_empty() && ISN + 1 + self.read >= self.next
    }

    /// Whether text waits beyond a gap. A FIN alone makes no gap that every receiver knows of (FreeBSD).
    pub(super) fn has_gap(&self) -> bool {
        let joined = self.joined();
        let is_text = |ahead: &Ahead| ahead.end > ahead.start + 1;
        self.ahead.iter().any(|ahead| !ahead.doubted && ahead.start > joined && is_text(ahead))
    }

    /// What it acknowledges is what it took, whatever arrived.
    pub(super) fn note_ack(&mut self, ack: u64, edge: u64) {
        self.acknowledged = self.acknowledged.max(ack);
        self.edge = self.edge.max(edge);
        self.next = ack;
        self.reach = self.reach.max(ack);
        self.ahead.retain(|ahead| ahead.end > ack);
        self.memory_short &= !self.ahead.is_empty();
    }
}

/// The offset of a raw sequence number that is nearest to `near`.
pub(super) fn widen(raw: u32, isn: u32, near: u64) -> u64 {
    let near = near.max(ISN);
    let distance = raw.wrapping_sub(isn).wrapping_sub(near as u32) as i32;
    near.saturating_add_signed(i64::from(distance))
}

//! What each end of each connection has sent and met, as headers show it: the common ground of the laws.

use std::collections::VecDeque;
use std::net::SocketAddr;

use faultwire_base::{Instant, LookupTable, PacketId, PlaceId};
use faultwire_host::DropReason;
use faultwire_link::{Decision, LinkEvent};
use faultwire_tcp::State;
use faultwire_wire::{Body, Flags, Flow, IcmpKind, Packet, Reason, Segment, Tag, TcpOption};

use super::lawful::Lawful;
use super::{HostChange, memory};

/// Sequence numbers are widened to offsets in which the ISN is this: what is up to 2^31 before it can be said too.
pub(super) const ISN: u64 = 1 << 32;

/// All ends of a run.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    lawful: Vec<Option<Lawful>>,
    ends: Vec<End>,
    /// The latest end of a host with these addresses.
    by_address: LookupTable<(PlaceId, SocketAddr, SocketAddr), usize>,
    by_flow: LookupTable<(PlaceId, Flow), usize>,
    /// Packets whose fields a fault has changed.
    rewritten: LookupTable<PacketId, ()>,
    /// A damaged packet that has just arrived, and whom it deceives unless its checksum tells.
    damaged: Option<(PacketId, usize)>,
    /// Which hosts are paused.
    paused: Vec<bool>,
}

/// One end of one connection.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) place: PlaceId,
    pub(super) flow: Flow,
    /// After a simultaneous open the peer's segments have a flow of their own.
    peer_flow: Flow,
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
    deceived: bool,
}

/// What a SYN says.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Offer {
    isn: u32,
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
    /// What arrived and isn't acknowledged, by packet.
    pub(super) ahead: Vec<(u64, u64, PacketId)>,
    /// The highest right edge that was offered.
    pub(super) edge: u64,
    /// Past the peer's FIN, once that arrived.
    pub(super) fin: Option<u64>,
    /// Its last ACK could have reported something ahead of it, and did not.
    pub(super) reports_nothing: bool,
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

impl Scene {
    pub(super) fn new(lawful: Vec<Option<Lawful>>) -> Self {
        Self {
            lawful,
            ends: Vec::new(),
            by_address: LookupTable::default(),
            by_flow: LookupTable::default(),
            rewritten: LookupTable::default(),
            damaged: None,
            paused: Vec::new(),
        }
    }

    pub(super) fn ends(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn end(&self, index: usize) -> &End {
        &self.ends[index]
    }

    pub(super) fn end_mut(&mut self, index: usize) -> &mut End {
        &mut self.ends[index]
    }

    /// What a host may do; `None` while it is paused, when nothing can be asked of it.
    pub(super) fn lawful(&self, place: PlaceId) -> Option<&Lawful> {
        let paused = self.paused.get(place.index()).copied().unwrap_or(false);
        self.lawful[place.index()].as_ref().filter(|_| !paused)
    }

    /// The end that sends a segment which its endpoint made; its SYN makes a new one.
    pub(super) fn sender(&mut self, at: Instant, place: PlaceId, packet: &Packet) -> Option<usize> {
        let Body::Tcp(segment) = &packet.body else { return None };
        if packet.tag.reason == Reason::Unknown || self.lawful.get(place.index())?.is_none() {
            return None;
        }
        let local = SocketAddr::new(packet.ip.source, segment.source_port);
        let remote = SocketAddr::new(packet.ip.destination, segment.destination_port);
        let known = self.by_address.get(&(place, local, remote)).copied();
        if segment.flags.contains(Flags::SYN) && !segment.flags.contains(Flags::RST) {
            let same = |index: &usize| {
                let end = &self.ends[*index];
                !end.over
                    && end.own.is_none_or(|own| own.isn == segment.seq.0 && end.state != State::TimeWait)
            };
            let index =
                known.filter(same).unwrap_or_else(|| self.open(place, packet.tag.flow, local, remote));
            self.by_flow.insert((place, packet.tag.flow), index);
            let end = &mut self.ends[index];
            if end.own.is_none() {
                end.own = Some(Offer::of(segment));
                end.flow = packet.tag.flow;
                end.sent = Sent { end: ISN, unacknowledged: ISN, progress: at, ..Sent::default() };
            }
            return Some(index);
        }
        known.filter(|&index| self.ends[index].own.is_some() && !self.ends[index].over)
    }

    /// The end that a segment reaches. A SYN for nobody known makes one.
    pub(super) fn receiver(&mut self, place: PlaceId, packet: &Packet) -> Option<usize> {
        self.lawful.get(place.index())?.as_ref()?;
        let segment = match &packet.body {
            Body::Tcp(segment) => segment,
            Body::Raw(_) => {
                if let Some(&index) = self.by_flow.get(&(place, packet.tag.flow)) {
                    self.damaged = Some((packet.tag.id, index)).filter(|_| !self.ends[index].deceived);
                    self.ends[index].deceived = true;
                }
                return None;
            }
            _ => return None,
        };
        let local = SocketAddr::new(packet.ip.destination, segment.destination_port);
        let remote = SocketAddr::new(packet.ip.source, segment.source_port);
        let known = self.by_address.get(&(place, local, remote)).copied();
        let opens = segment.flags.contains(Flags::SYN) && !segment.flags.intersects(Flags::ACK | Flags::RST);
        let gone = |end: &End| end.over || end.own.is_none() || end.state == State::TimeWait;
        let index = match known {
            Some(index) if !(opens && gone(&self.ends[index])) => index,
            _ if opens => self.open(place, packet.tag.flow, local, remote),
            _ => return None,
        };
        if self.ends[index].over {
            return None;
        }
        let end = &mut self.ends[index];
        if packet.tag.reason == Reason::Unknown || self.rewritten.contains(&packet.tag.id) {
            end.deceived = true;
        }
        let of_another = packet.tag.flow != end.flow && packet.tag.flow != end.peer_flow;
        end.deceived |=
            of_another && end.peer.is_some() && !segment.flags.intersects(Flags::SYN | Flags::RST);
        // In SYN-SENT a SYN counts only if it doesn't acknowledge something else (RFC 9293 §3.10.7.3).
        let of_ours = match end.own {
            Some(own) if segment.flags.contains(Flags::ACK) => {
                let past = widen(segment.ack.0, own.isn, end.sent.end);
                past > ISN && past <= end.sent.end
            }
            _ => true,
        };
        let counts = end.peer.is_none() || end.state == State::SynSent;
        if counts && of_ours && segment.flags.contains(Flags::SYN) && !segment.flags.contains(Flags::RST) {
            end.peer = Some(Offer::of(segment));
            end.peer_flow = packet.tag.flow;
            end.received =
                Received { next: ISN, reach: ISN, acknowledged: ISN, edge: ISN, ..Received::default() };
        }
        Some(index)
    }

    fn open(&mut self, place: PlaceId, flow: Flow, local: SocketAddr, remote: SocketAddr) -> usize {
        let index = self.ends.len();
        self.by_address.insert((place, local, remote), index);
        self.ends.push(End {
            place,
            flow,
            peer_flow: flow,
            state: State::Closed,
            sent: Sent::default(),
            received: Received::default(),
            own: None,
            peer: None,
            icmp_at: Instant::ZERO,
            resumed: Instant::ZERO,
            over: false,
            deceived: false,
        });
        index
    }

    /// A host says that a connection exists; its states come under this flow.
    pub(super) fn opened(&mut self, place: PlaceId, flow: Flow, local: SocketAddr, remote: SocketAddr) {
        if let Some(&index) = self.by_address.get(&(place, local, remote)) {
            self.by_flow.insert((place, flow), index);
            self.ends[index].flow = flow;
        } else {
            let index = self.open(place, flow, local, remote);
            self.by_flow.insert((place, flow), index);
        }
    }

    pub(super) fn of_flow(&self, place: PlaceId, flow: Flow) -> Option<usize> {
        self.by_flow.get(&(place, flow)).copied()
    }

    /// A host discarded what had arrived.
    pub(super) fn discarded(&mut self, place: PlaceId, packet: PacketId, reason: DropReason) {
        if let Some((damaged, index)) = self.damaged
            && damaged == packet
            && matches!(reason, DropReason::BadChecksum | DropReason::Malformed)
        {
            self.ends[index].deceived = false;
            self.damaged = None;
        }
        for end in self.ends.iter_mut().filter(|end| end.place == place && !end.over) {
            end.received.ahead.retain(|&(_, _, id)| id != packet);
            for sending in &mut end.sent.outstanding {
                sending.reported = sending.reported.filter(|&(_, id)| id != packet);
            }
        }
    }

    /// Packets whose fields a fault changes deceive whom they reach.
    pub(super) fn link(&mut self, event: &LinkEvent) {
        if matches!(event.decision, Decision::Rewritten { field, .. } if !field.is_of_the_way()) {
            self.rewritten.insert(event.packet, ());
        }
    }

    pub(super) fn host_changed(&mut self, at: Instant, place: PlaceId, change: HostChange) {
        *memory(&mut self.paused, place.index()) = change == HostChange::Pause;
        for end in self.ends.iter_mut().filter(|end| end.place == place) {
            match change {
                HostChange::Crash => end.over = true,
                HostChange::Resume => end.resumed = at,
                HostChange::Pause | HostChange::Restart => {}
            }
        }
    }

    /// The ends of a host that an ICMP error may be about: all with that peer, whatever the quotation says of ports.
    pub(super) fn quoted(&self, place: PlaceId, packet: &Packet) -> Vec<usize> {
        let about = |end: &End| end.place == place && !end.over && end.flow == packet.tag.flow;
        (0..self.ends.len()).filter(|&index| about(&self.ends[index])).collect()
    }
}

/// The MTU that an ICMP error tells of; 0 for any other error.
pub(super) fn told_mtu(packet: &Packet) -> Option<u32> {
    match &packet.body {
        Body::Icmp(message) => match message.kind {
            IcmpKind::PacketTooBig { mtu } => Some(mtu),
            _ => Some(0),
        },
        _ => None,
    }
}

impl Offer {
    fn of(syn: &Segment) -> Self {
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
            self.received.note_ack(ack, edge);
        }
        self.received.reports_nothing = false;
        let reports = self.own.is_some_and(|own| own.sack) && self.peer.is_some_and(|peer| peer.sack);
        if reports && seen.ack.is_some() && seen.segment.options.sack_blocks().next().is_none() {
            // It has nothing ahead, or nothing any more (RFC 2018 §8).
            self.received.reports_nothing = true;
        }
    }

    pub(super) fn note_arrived(&mut self, seen: &Seen<'_>) {
        if seen.has(Flags::RST) || seen.foreign {
            return;
        }
        if self.peer.is_some() && seen.is_long() {
            self.received.take(seen.start, seen.end, seen.tag.id);
            if seen.has(Flags::FIN) {
                self.received.fin = Some(seen.end);
            }
        }
        if let (Some(ack), Some(edge)) = (seen.ack, seen.edge)
            && ack <= self.sent.end
        {
            self.sent.note_ack(seen, ack, edge);
            let isn = self.own.map_or(0, |own| own.isn);
            self.sent.note_reports(seen, isn);
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

    /// Octets on their way for all that the sender was told.
    pub(super) fn in_flight(&self) -> u64 {
        let unreported = self.outstanding.iter().filter(|sending| sending.reported.is_none());
        unreported.map(|sending| sending.end - sending.start).sum()
    }
}

impl Received {
    /// Takes what arrived, as far as it is new.
    pub(super) fn take(&mut self, start: u64, end: u64, id: PacketId) {
        if end <= self.next {
            return;
        }
        self.ahead.push((start, end, id));
        // What joins stays until it is acknowledged: the receiver may discard what closed the gap.
        while let Some(&(_, past, _)) =
            self.ahead.iter().find(|&&(start, end, _)| start <= self.next && end > self.next)
        {
            self.next = past;
        }
        self.reach = self.reach.max(self.next);
    }

    /// Whether text waits beyond a gap. A FIN alone makes no gap that every receiver knows of (FreeBSD).
    pub(super) fn has_gap(&self) -> bool {
        !self.reports_nothing
            && self.ahead.iter().any(|&(start, end, _)| start > self.next && end > start + 1)
    }

    /// What it acknowledges is what it took, whatever arrived.
    pub(super) fn note_ack(&mut self, ack: u64, edge: u64) {
        self.acknowledged = self.acknowledged.max(ack);
        self.edge = self.edge.max(edge);
        self.next = ack;
        self.reach = self.reach.max(ack);
        self.ahead.retain(|&(_, end, _)| end > ack);
    }
}

/// The offset of a raw sequence number that is nearest to `near`.
fn widen(raw: u32, isn: u32, near: u64) -> u64 {
    let near = near.max(ISN);
    let distance = raw.wrapping_sub(isn).wrapping_sub(near as u32) as i32;
    near.saturating_add_signed(i64::from(distance))
}

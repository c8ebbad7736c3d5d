//! What each end of each connection has sent and met, as headers show it: the common ground of the laws.

use std::net::SocketAddr;

use faultwire_base::{Instant, LookupTable, PacketId, PlaceId};
use faultwire_host::DropReason;
use faultwire_link::{Decision, LinkEvent};
use faultwire_tcp::State;
use faultwire_wire::{Body, Flags, Flow, IcmpMessage, Packet, QuotedTransport, Reason};

use super::end::{End, ISN, Offer, Received, Sent, widen};
use super::lawful::Lawful;
use super::{HostChange, memory};

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
    /// What has arrived at the present instant, and at which end.
    latest: Vec<(PacketId, usize)>,
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
            latest: Vec::new(),
        }
    }

    /// The present instant is over.
    pub(super) fn time_passes(&mut self) {
        self.latest.clear();
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
        self.latest.push((packet.tag.id, index));
        Some(index)
    }

    fn open(&mut self, place: PlaceId, flow: Flow, local: SocketAddr, remote: SocketAddr) -> usize {
        let index = self.ends.len();
        if let Some(before) = self.by_address.insert((place, local, remote), index) {
            self.ends[before].superseded = true;
        }
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
            superseded: false,
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
        // A host that was paused may discard what has arrived long ago.
        let known = self.latest.iter().find(|&&(id, _)| id == packet).map(|&(_, index)| index);
        let ends = match known {
            Some(index) => &mut self.ends[index..=index],
            None => &mut self.ends[..],
        };
        for end in ends.iter_mut().filter(|end| end.place == place && !end.over) {
            end.received.discard(packet, reason);
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

    /// The end of a host that an ICMP error is about: it quotes something that is on its way (RFC 5927 §4.1).
    pub(super) fn quoted(&self, place: PlaceId, message: &IcmpMessage) -> Option<usize> {
        let quote = message.quote().ok()?;
        let QuotedTransport::Tcp { source_port, destination_port, seq } = quote.transport else {
            return None;
        };
        let local = SocketAddr::new(quote.ip.source, source_port);
        let remote = SocketAddr::new(quote.ip.destination, destination_port);
        let index = *self.by_address.get(&(place, local, remote))?;
        let end = &self.ends[index];
        let at = widen(seq.0, end.own?.isn, end.sent.end);
        (!end.over && end.sent.unacknowledged <= at && at < end.sent.end).then_some(index)
    }
}

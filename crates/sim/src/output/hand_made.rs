//! Traces written by hand, for the tests of outputs: a client and a server on one wire.

use std::net::IpAddr;

use faultwire_base::{Duration, Instant, PacketId, PlaceId};
use faultwire_host::ConnectionId;
use faultwire_link::{By, Decision, DropCause, FaultIndex, LinkEvent, NameId};
use faultwire_tcp::State;
use faultwire_wire::{
    Body, Cause, Datagram, Flags, Flow, IpHeader, Packet, Payload, Reason, Segment, Seq, Tag,
};

use super::legend::{DirectionLegend, Legend, NodeLegend};
use super::trace::Trace;
use crate::plan::{DirectionId, FaultId};
use crate::record::{Event, Record, Sink};

pub(crate) const CLIENT: PlaceId = PlaceId(0);
pub(crate) const SERVER: PlaceId = PlaceId(1);
const WIRE_TO_SERVER: PlaceId = PlaceId(3);
const TO_CLIENT: DirectionId = DirectionId(0);
const TO_SERVER: DirectionId = DirectionId(1);

/// The names of the two-host world.
pub(crate) fn legend() -> Legend {
    let node = |place, address: &str| NodeLegend { place, addresses: vec![ip(address)], is_host: true };
    let direction = |place: u32, from, to, faults: &[&str]| DirectionLegend {
        place: PlaceId(place),
        link: "wire".into(),
        from,
        to,
        faults: faults.iter().map(|&name| name.into()).collect(),
    };
    Legend {
        places: ["client", "server", "wire>client", "wire>server"].map(Into::into).to_vec(),
        nodes: vec![node(CLIENT, "10.0.0.1"), node(SERVER, "10.0.0.2")],
        directions: vec![
            direction(2, SERVER, CLIENT, &["late copy"]),
            direction(3, CLIENT, SERVER, &["no SYN"]),
        ],
        sockets: vec!["client/first".into(), "server/first".into()],
        faults: vec!["late copy".into(), "no SYN".into()],
        apps: vec!["browser".into()],
        changes: Vec::new(),
    }
}

fn ip(address: &str) -> IpAddr {
    address.parse().unwrap()
}

/// Milliseconds as an instant.
pub(crate) fn ms(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

/// The first conversation.
pub(crate) fn flow() -> Flow {
    Flow { opener: Some(CLIENT), ordinal: 1, boot: 1 }
}

/// Builds a trace record by record.
#[derive(Default)]
pub(crate) struct Story {
    pub(crate) trace: Trace,
    packets: Vec<Packet>,
    counts: [u64; 4],
    /// What follows belongs to no flow, as what an injected SYN opens.
    pub(crate) is_strange: bool,
}

impl Story {
    fn record(&mut self, at: u64, place: PlaceId, event: Event<'_>) {
        self.trace.record(&Record { at: ms(at), place, event });
    }

    pub(crate) fn named(&mut self, at: u64) {
        let event = Event::Named { name: NameId(0), connection: ConnectionId(1), flow: flow() };
        self.record(at, CLIENT, event);
    }

    pub(crate) fn state(&mut self, at: u64, place: PlaceId, from: State, to: State) {
        let event = Event::StateChanged { connection: ConnectionId(1), flow: self.flow(), from, to };
        self.record(at, place, event);
    }

    pub(crate) fn opened(&mut self, at: u64, place: PlaceId) {
        let ends = ["10.0.0.1:40000", "10.0.0.2:80"].map(|end| end.parse().unwrap());
        let [local, remote] = if place == CLIENT { ends } else { [ends[1], ends[0]] };
        let event = Event::Opened { connection: ConnectionId(1), flow: self.flow(), local, remote };
        self.record(at, place, event);
    }

    /// A SYN that the first fault puts on its way to the server; returns its index.
    pub(crate) fn injected_syn(&mut self, at: u64) -> usize {
        let syn = Segment {
            source_port: 40_000,
            destination_port: 80,
            seq: Seq(100),
            flags: Flags::SYN,
            window: 65_535,
            ..Segment::default()
        };
        self.record(at, WIRE_TO_SERVER, Event::Injected { fault: FaultId(0) });
        let tag = Tag { cause: Cause::Injected, ..Tag::default() };
        self.put_at(at, WIRE_TO_SERVER, CLIENT, Body::Tcp(syn), tag)
    }

    fn flow(&self) -> Flow {
        if self.is_strange { Flow::NONE } else { flow() }
    }

    /// Sends a segment; returns its index. `what` is (flags, seq, ack, len) relative to ISN 100 of the client and 300
    /// of the server.
    pub(crate) fn send(
        &mut self,
        at: u64,
        from: PlaceId,
        what: (Flags, u32, u32, u32),
        reason: Reason,
        cause: Option<usize>,
    ) -> usize {
        let (flags, seq, ack, length) = what;
        let [own, peer] = if from == CLIENT { [100, 300] } else { [300, 100] };
        let [source_port, destination_port] = if from == CLIENT { [40_000, 80] } else { [80, 40_000] };
        let again = matches!(reason, Reason::TimeoutRetransmission | Reason::FastRetransmission);
        let segment = Segment {
            source_port,
            destination_port,
            seq: Seq(own + seq),
            ack: if flags.contains(Flags::ACK) { Seq(peer + ack) } else { Seq(0) },
            flags,
            window: 65_535,
            payload: Payload::Zeros { len: length },
            ..Segment::default()
        };
        let tag = Tag {
            cause: cause.map_or(Cause::Call, |index| Cause::Arrival(self.packets[index].tag.id)),
            flow: self.flow(),
            stream_offset: u64::from(seq.saturating_sub(1)),
            transmission: if segment.sequence_length() == 0 { 0 } else { 1 + u16::from(again) },
            reason,
            ..Tag::default()
        };
        self.put(at, from, Body::Tcp(segment), tag)
    }

    pub(crate) fn datagram(&mut self, at: u64, from: PlaceId, length: u32) -> usize {
        let [source_port, destination_port] = if from == CLIENT { [40_000, 53] } else { [53, 40_000] };
        let datagram = Datagram { source_port, destination_port, payload: Payload::Zeros { len: length } };
        self.put(at, from, Body::Udp(datagram), Tag { reason: Reason::Datagram, ..Tag::default() })
    }

    pub(crate) fn put(&mut self, at: u64, from: PlaceId, body: Body, tag: Tag) -> usize {
        self.put_at(at, from, from, body, tag)
    }

    /// A packet that has `from` as its source and is made at `place`.
    fn put_at(&mut self, at: u64, place: PlaceId, from: PlaceId, body: Body, tag: Tag) -> usize {
        self.counts[place.index()] += 1;
        let id = PacketId::new(place, self.counts[place.index()]);
        let [source, destination] =
            if from == CLIENT { ["10.0.0.1", "10.0.0.2"] } else { ["10.0.0.2", "10.0.0.1"] }.map(ip);
        let ip = IpHeader {
            source,
            destination,
            hop_limit: 64,
            traffic_class: 0,
            identification: 0,
            dont_fragment: true,
        };
        let packet = Packet { ip, body, tag: Tag { id, ..tag } };
        let direction = if from == CLIENT { TO_SERVER } else { TO_CLIENT };
        self.record(at, place, Event::Sent { packet: &packet, direction, origin: true });
        self.packets.push(packet);
        self.packets.len() - 1
    }

    fn link(&mut self, at: u64, index: usize, decision: Decision) {
        let packet = self.packets[index].tag.id;
        let direction = if packet.origin() == CLIENT { TO_SERVER } else { TO_CLIENT };
        let place = PlaceId(2 + direction.0);
        let event = LinkEvent { at: ms(at), packet, decision };
        self.record(at, place, Event::Link { direction, event: &event });
    }

    pub(crate) fn lost(&mut self, at: u64, index: usize) {
        self.link(at, index, Decision::Dropped(DropCause::Loss));
    }

    pub(crate) fn cut(&mut self, at: u64, index: usize) {
        self.link(at, index, Decision::Dropped(DropCause::Cut));
    }

    pub(crate) fn dropped_by_fault(&mut self, at: u64, index: usize) {
        self.link(at, index, Decision::Dropped(DropCause::Fault(FaultIndex(0))));
    }

    pub(crate) fn delayed_by_fault(&mut self, at: u64, index: usize, extra: Duration) {
        self.link(at, index, Decision::Delayed { by: By::Fault(FaultIndex(0)), extra });
    }

    /// A copy made by the first fault of the direction; returns its index.
    pub(crate) fn copied(&mut self, at: u64, index: usize) -> usize {
        let original = self.packets[index].clone();
        let direction = if original.tag.id.origin() == CLIENT { TO_SERVER } else { TO_CLIENT };
        let place = PlaceId(2 + direction.0);
        self.counts[place.index()] += 1;
        let copy = PacketId::new(place, self.counts[place.index()]);
        self.link(at, index, Decision::Duplicated { copy, by: By::Fault(FaultIndex(0)) });
        let tag = Tag { id: copy, parent: original.tag.id, ..original.tag };
        self.packets.push(Packet { tag, ..original });
        self.packets.len() - 1
    }

    pub(crate) fn arrive(&mut self, at: u64, index: usize) {
        let packet = self.packets[index].clone();
        let from_client = packet.ip.source == ip("10.0.0.1");
        let (place, direction) = if from_client { (SERVER, TO_SERVER) } else { (CLIENT, TO_CLIENT) };
        self.record(at, place, Event::Arrived { packet: &packet, direction });
    }
}

/// A handshake whose first SYN is lost, a request, a reply whose copy comes back 10 s late in TIME_WAIT.
pub(crate) fn late_copy() -> Story {
    const ACK: Flags = Flags::ACK;
    let syn_ack = Flags(Flags::SYN.0 | ACK.0);
    let fin_ack = Flags(Flags::FIN.0 | ACK.0);
    let psh_ack = Flags(Flags::PSH.0 | ACK.0);
    let mut story = Story::default();
    story.state(0, CLIENT, State::Closed, State::SynSent);
    let lost = story.send(0, CLIENT, (Flags::SYN, 0, 0, 0), Reason::Syn, None);
    story.dropped_by_fault(0, lost);
    let syn = story.send(1_000, CLIENT, (Flags::SYN, 0, 0, 0), Reason::TimeoutRetransmission, None);
    story.arrive(1_050, syn);
    story.state(1_050, SERVER, State::Listen, State::SynReceived);
    let answer = story.send(1_050, SERVER, (syn_ack, 0, 1, 0), Reason::SynAck, Some(syn));
    story.arrive(1_100, answer);
    story.state(1_100, CLIENT, State::SynSent, State::Established);
    story.named(1_100);
    let third = story.send(1_100, CLIENT, (ACK, 1, 1, 0), Reason::HandshakeAck, Some(answer));
    let request = story.send(1_100, CLIENT, (psh_ack, 1, 1, 80), Reason::Data, None);
    story.arrive(1_150, third);
    story.state(1_150, SERVER, State::SynReceived, State::Established);
    story.arrive(1_151, request);
    let reply = story.send(1_151, SERVER, (psh_ack, 1, 81, 1_448), Reason::Data, None);
    let copy = story.copied(1_151, reply);
    story.arrive(1_202, reply);
    let ack = story.send(1_202, CLIENT, (ACK, 81, 1_449, 0), Reason::Ack, Some(reply));
    story.state(1_202, CLIENT, State::Established, State::FinWait1);
    let fin = story.send(1_202, CLIENT, (fin_ack, 81, 1_449, 0), Reason::Fin, None);
    story.arrive(1_252, ack);
    story.arrive(1_252, fin);
    story.state(1_252, SERVER, State::Established, State::CloseWait);
    story.state(1_252, SERVER, State::CloseWait, State::LastAck);
    let last = story.send(1_252, SERVER, (fin_ack, 1_449, 82, 0), Reason::Fin, None);
    story.arrive(1_302, last);
    story.state(1_302, CLIENT, State::FinWait1, State::TimeWait);
    let done = story.send(1_302, CLIENT, (ACK, 82, 1_450, 0), Reason::Ack, Some(last));
    story.arrive(1_352, done);
    story.state(1_352, SERVER, State::LastAck, State::Closed);
    story.arrive(11_202, copy);
    let old = story.send(11_202, CLIENT, (ACK, 82, 1_450, 0), Reason::UnacceptableAck, Some(copy));
    story.arrive(11_252, old);
    let reset = story.send(11_252, SERVER, (Flags::RST, 1_450, 0, 0), Reason::Reset, Some(old));
    story.arrive(11_302, reset);
    story.state(71_202, CLIENT, State::TimeWait, State::Closed);
    story
}

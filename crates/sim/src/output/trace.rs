//! A run's records, kept: packets numbered in the order of sending, what became of each, states and names.
//!
//! The number of a packet here is its number in the ladder, in the comments of a capture and in a written trace.

use std::fmt;
use std::net::SocketAddr;

use faultwire_base::{Instant, LookupTable, PacketId, PlaceId};
use faultwire_host::{ConnectionId, DropReason, Errno};
use faultwire_link::{Decision, NameId};
use faultwire_tcp::State;
use faultwire_wire::{Body, Flow, Packet};

use crate::plan::{DirectionId, FaultId, HostChange};
use crate::record::{Event, Record, Sink};

/// Number of a packet, from 1, in the order of sending; a copy counts when the link makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketNumber(pub u32);

impl PacketNumber {
    fn index(self) -> usize {
        self.0 as usize - 1
    }
}

impl fmt::Display for PacketNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// A sink that keeps everything.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    entries: Vec<Entry>,
    packets: Vec<TracedPacket>,
    numbers: LookupTable<PacketId, PacketNumber>,
    names: Vec<TracedName>,
    /// The first sending of what begins at a sequence number.
    first_sendings: LookupTable<(Flow, PlaceId, u32), PacketNumber>,
    injecting: Option<FaultId>,
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When.
    pub at: Instant,
    /// Where.
    pub place: PlaceId,
    /// What.
    pub what: What,
}

/// What happened; a packet is named by its number, see [`Trace::packet`].
#[derive(Clone, Debug)]
pub enum What {
    /// A host or router put a packet into a direction.
    Sent {
        /// Which.
        packet: PacketNumber,
        /// Where it goes.
        direction: DirectionId,
        /// Whether the place made it and does not only forward it.
        origin: bool,
    },
    /// A link did something out of the ordinary.
    Link {
        /// To which packet.
        packet: PacketNumber,
        /// The direction.
        direction: DirectionId,
        /// What.
        decision: Decision,
        /// The copy, if it made one.
        copy: Option<PacketNumber>,
    },
    /// A packet reached the far end of a direction.
    Arrived {
        /// Which.
        packet: PacketNumber,
        /// From where.
        direction: DirectionId,
    },
    /// A host or router discarded what had arrived.
    Discarded {
        /// Which.
        packet: PacketNumber,
        /// Why.
        reason: DropReason,
    },
    /// A connection exists from now on.
    Opened {
        /// The host's number for it.
        connection: ConnectionId,
        /// The conversation.
        flow: Flow,
        /// Its end at this host.
        local: SocketAddr,
        /// Its other end.
        remote: SocketAddr,
    },
    /// A connection changed its state.
    StateChanged {
        /// The host's number for it.
        connection: ConnectionId,
        /// The conversation.
        flow: Flow,
        /// State before.
        from: State,
        /// State after.
        to: State,
    },
    /// An app named a connection.
    Named(TracedName),
    /// A step of an app ended.
    StepEnded {
        /// Index of the app.
        app: u32,
        /// Index of the step.
        step: u32,
        /// The errno it ended with.
        errno: Option<Errno>,
    },
    /// A timeline fault changed a host.
    HostChanged {
        /// How.
        change: HostChange,
    },
    /// A fault injected the packet that is sent next.
    Injected {
        /// Which fault.
        fault: FaultId,
    },
}

/// The name that an app gave to a connection.
#[derive(Clone, Copy, Debug)]
pub struct TracedName {
    /// The name.
    pub name: NameId,
    /// The host's number for the connection.
    pub connection: ConnectionId,
    /// The conversation.
    pub flow: Flow,
}

/// A packet and what became of it.
#[derive(Clone, Debug)]
pub struct TracedPacket {
    /// Its number.
    pub number: PacketNumber,
    /// When it was sent, or made as a copy.
    pub sent_at: Instant,
    /// Who sent it; for a copy the direction that made it.
    pub sender: PlaceId,
    /// As it was sent.
    pub packet: Packet,
    /// For a copy: of which packet.
    pub copy_of: Option<PacketNumber>,
    /// For a TCP segment that is sent again: the packet with the first sending of what it begins with, if that was
    /// seen.
    pub first_sending: Option<PacketNumber>,
    /// The fault that injected it.
    pub injected_by: Option<FaultId>,
    /// Every decision on it that was not to pass it plainly, with the direction and the copy that was made.
    pub decisions: Vec<(DirectionId, Decision, Option<PacketNumber>)>,
    /// Its last arrival; forwarding by a router takes it back.
    pub arrival: Option<Arrival>,
    /// Why its receiver discarded it.
    pub discarded: Option<DropReason>,
}

/// A packet's arrival.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// When.
    pub at: Instant,
    /// Where.
    pub place: PlaceId,
    /// As it arrived, if that is not as it was sent.
    pub changed: Option<Box<Packet>>,
}

impl TracedPacket {
    /// The packet as it arrived, or as it was sent if it did not arrive.
    pub fn as_arrived(&self) -> &Packet {
        let changed = self.arrival.as_ref().and_then(|arrival| arrival.changed.as_deref());
        changed.unwrap_or(&self.packet)
    }
}

impl Trace {
    /// An empty trace.
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything that happened, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// All packets in the order of their numbers.
    pub fn packets(&self) -> &[TracedPacket] {
        &self.packets
    }

    /// The packet with this number.
    pub fn packet(&self, number: PacketNumber) -> &TracedPacket {
        &self.packets[number.index()]
    }

    /// The number of a packet, if it was seen.
    pub fn number(&self, id: PacketId) -> Option<PacketNumber> {
        self.numbers.get(&id).copied()
    }

    /// Names given to connections, in order.
    pub fn names(&self) -> &[TracedName] {
        &self.names
    }

    /// Enters a packet, or finds it.
    fn number_or_enter(&mut self, at: Instant, sender: PlaceId, packet: &Packet) -> PacketNumber {
        if let Some(number) = self.number(packet.tag.id) {
            return number;
        }
        let number = PacketNumber(u32::try_from(self.packets.len() + 1).expect("fewer than 2^32 packets"));
        self.numbers.insert(packet.tag.id, number);
        let first_sending = self.first_sending(number, sender, packet);
        self.packets.push(TracedPacket {
            number,
            sent_at: at,
            sender,
            packet: packet.clone(),
            copy_of: self.number(packet.tag.parent),
            first_sending,
            injected_by: self.injecting.take(),
            decisions: Vec::new(),
            arrival: None,
            discarded: None,
        });
        number
    }

    /// Remembers a first sending; finds the first of a later one.
    fn first_sending(
        &mut self,
        number: PacketNumber,
        sender: PlaceId,
        packet: &Packet,
    ) -> Option<PacketNumber> {
        let Body::Tcp(segment) = &packet.body else { return None };
        if segment.sequence_length() == 0 {
            return None;
        }
        let key = (packet.tag.flow, sender, segment.seq.0);
        if packet.tag.transmission > 1 {
            return self.first_sendings.get(&key).copied();
        }
        self.first_sendings.insert(key, number);
        None
    }

    /// A link's decision; `None` for a packet that was never seen.
    fn decided(
        &mut self,
        at: Instant,
        place: PlaceId,
        id: PacketId,
        direction: DirectionId,
        decision: &Decision,
    ) -> Option<What> {
        let packet = self.number(id)?;
        let copy = if let Decision::Duplicated { copy, .. } = *decision {
            let mut made = self.packet(packet).packet.clone();
            made.tag.parent = id;
            made.tag.id = copy;
            Some(self.number_or_enter(at, place, &made))
        } else {
            None
        };
        self.packets[packet.index()].decisions.push((direction, *decision, copy));
        Some(What::Link { packet, direction, decision: *decision, copy })
    }

    fn arrived(&mut self, at: Instant, place: PlaceId, packet: &Packet) -> PacketNumber {
        let number = self.number_or_enter(at, place, packet);
        let traced = &mut self.packets[number.index()];
        let same = traced.packet.ip == packet.ip && traced.packet.body == packet.body;
        let changed = (!same).then(|| Box::new(packet.clone()));
        traced.arrival = Some(Arrival { at, place, changed });
        number
    }

    fn sent(&mut self, at: Instant, place: PlaceId, packet: &Packet) -> PacketNumber {
        let number = self.number_or_enter(at, place, packet);
        self.packets[number.index()].arrival = None;
        number
    }
}

impl Sink for Trace {
    fn record(&mut self, record: &Record<'_>) {
        let &Record { at, place, ref event } = record;
        let what = match *event {
            Event::Sent { packet, direction, origin } => {
                What::Sent { packet: self.sent(at, place, packet), direction, origin }
            }
            Event::Link { direction, event } => {
                match self.decided(event.at, place, event.packet, direction, &event.decision) {
                    Some(what) => what,
                    None => return,
                }
            }
            Event::Arrived { packet, direction } => {
                What::Arrived { packet: self.arrived(at, place, packet), direction }
            }
            Event::Discarded { packet, reason } => {
                let Some(packet) = self.number(packet) else {
                    return;
                };
                self.packets[packet.index()].discarded = Some(reason);
                What::Discarded { packet, reason }
            }
            Event::Opened { connection, flow, local, remote } => {
                What::Opened { connection, flow, local, remote }
            }
            Event::StateChanged { connection, flow, from, to } => {
                What::StateChanged { connection, flow, from, to }
            }
            Event::Named { name, connection, flow } => {
                let name = TracedName { name, connection, flow };
                self.names.push(name);
                What::Named(name)
            }
            Event::StepEnded { app, step, errno } => What::StepEnded { app, step, errno },
            Event::HostChanged { change } => What::HostChanged { change },
            Event::Injected { fault } => {
                self.injecting = Some(fault);
                What::Injected { fault }
            }
            Event::Sample { .. } | Event::Called(_) => return,
        };
        self.entries.push(Entry { at, place, what });
    }
}

//! The counts of one life of a host: packets, conversations, connections.

use faultwire_base::{PacketId, PlaceId};
use faultwire_wire::Flow;

/// A connection of a host: the n-th of this life, from 1, active or passive; half-open ones and those in TIME-WAIT
/// keep theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u32);

/// Hands out identities in the order of asking.
#[derive(Clone, Debug)]
pub(crate) struct Numbering {
    place: PlaceId,
    boot: u16,
    packets: u64,
    conversations: u32,
    connections: u32,
}

impl Numbering {
    pub(crate) fn new(place: PlaceId, boot: u16, packets: u64) -> Self {
        assert!(boot > 0, "boots are counted from 1");
        Self { place, boot, packets, conversations: 0, connections: 0 }
    }

    /// Packets made by this place, earlier lives included.
    pub(crate) fn packets(&self) -> u64 {
        self.packets
    }

    #[inline]
    pub(crate) fn next_packet(&mut self) -> PacketId {
        self.packets += 1;
        PacketId::new(self.place, self.packets)
    }

    /// A conversation that this host opens.
    pub(crate) fn next_flow(&mut self) -> Flow {
        self.conversations += 1;
        Flow { opener: Some(self.place), ordinal: self.conversations, boot: self.boot }
    }

    pub(crate) fn next_connection(&mut self) -> ConnectionId {
        self.connections += 1;
        ConnectionId(self.connections)
    }
}

//! What is to be transmitted: a queue of turns, each a packet that is ready or a connection that may have some.

use std::collections::VecDeque;

use faultwire_wire::Packet;

/// Turns in the order in which they were asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox {
    turns: VecDeque<Turn>,
    packets: VecDeque<Packet>,
}

/// Who transmits next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The connection in this slot, until it has nothing more.
    Slot(u32),
    /// The next of the finished packets.
    Packet,
}

impl Outbox {
    /// A finished packet: a datagram, an ICMP message, the answer to a segment of no connection.
    pub(crate) fn push_packet(&mut self, packet: Packet) {
        self.packets.push_back(packet);
        self.turns.push_back(Turn::Packet);
    }

    /// The connection in `slot` may have something. The caller keeps it from queueing twice.
    pub(crate) fn push_slot(&mut self, slot: u32) {
        self.turns.push_back(Turn::Slot(slot));
    }

    /// Whose turn it is.
    #[inline]
    pub(crate) fn turn(&self) -> Option<Turn> {
        self.turns.front().copied()
    }

    /// Takes the packet whose turn it is.
    pub(crate) fn take_packet(&mut self) -> Packet {
        self.end_turn();
        self.packets.pop_front().expect("a packet for its turn")
    }

    /// The turn is over.
    pub(crate) fn end_turn(&mut self) {
        self.turns.pop_front();
    }
}

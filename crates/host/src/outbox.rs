//! What is to be transmitted: a queue of turns, each a packet that is ready or a connection that may have some.

use std::collections::VecDeque;

use faultwire_wire::Packet;

/// Turns in the order in which they were asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox {
    /// Whose turn it is. Most of the time nobody else waits.
    first: Option<Turn>,
    /// The turns after it; empty if there is no first one.
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
        self.push(Turn::Packet);
    }

    /// The connection in `slot` may have something. The caller keeps it from queueing twice.
    #[inline]
    pub(crate) fn push_slot(&mut self, slot: u32) {
        self.push(Turn::Slot(slot));
    }

    /// Whose turn it is.
    #[inline]
    pub(crate) fn turn(&self) -> Option<Turn> {
        self.first
    }

    /// Takes the packet whose turn it is.
    pub(crate) fn take_packet(&mut self) -> Packet {
        self.end_turn();
        self.packets.pop_front().expect("a packet for its turn")
    }

    /// The turn is over.
    #[inline]
    pub(crate) fn end_turn(&mut self) {
        self.first = if self.turns.is_empty() { None } else { self.turns.pop_front() };
    }

    #[inline]
    fn push(&mut self, turn: Turn) {
        if self.first.is_none() {
            self.first = Some(turn);
        } else {
            self.turns.push_back(turn);
        }
    }
}

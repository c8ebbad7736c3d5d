//! Packets on their way to the far end, in the order in which they will be taken.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use faultwire_base::Instant;
use faultwire_wire::Packet;

/// Packets on their way, given back in the order of (arrival, delivery count).
///
/// Those that arrive in the order of their sending wait in a ring; those that others may overtake, in a small heap
/// beside it. A direction that keeps order never touches the heap.
#[derive(Clone, Debug, Default)]
pub(crate) struct Travel {
    /// Delivery count of the next packet.
    count: u64,
    ring: VecDeque<Rank>,
    /// Packets of `ring`.
    packets: VecDeque<Packet>,
    strays: Strays,
    /// Packets that arrive at the instant of their sending: hidden until [`Travel::settle`].
    unsettled: Vec<(Instant, Packet)>,
    /// Packets that arrive at the instant of their release: hidden likewise.
    let_go: Vec<(Instant, Packet)>,
}

/// Place in the order of delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    arrival: Instant,
    count: u64,
}

impl Travel {
    /// Adds a packet that arrives in the order of sending, as far as times allow.
    #[inline]
    pub(crate) fn push(&mut self, arrival: Instant, packet: Packet) {
        match self.claim(arrival) {
            Some(place) => place.push_back(packet),
            None => self.push_stray(arrival, packet),
        }
    }

    /// Claims the next place of the ring, if a packet that arrives then fits there; the caller must push the packet.
    ///
    /// The two steps are apart so that a packet is moved once on its way in.
    #[inline]
    pub(crate) fn claim(&mut self, arrival: Instant) -> Option<&mut VecDeque<Packet>> {
        if self.ring.back().is_some_and(|last| last.arrival > arrival) {
            return None;
        }
        let rank = self.next_rank(arrival);
        self.ring.push_back(rank);
        Some(&mut self.packets)
    }

    /// Adds a packet that leaves the order: later ones will pass it, or it passes earlier ones.
    pub(crate) fn push_stray(&mut self, arrival: Instant, packet: Packet) {
        let rank = self.next_rank(arrival);
        self.strays.push(rank, packet);
    }

    /// Adds a packet that arrives at once.
    pub(crate) fn push_unsettled(&mut self, arrival: Instant, packet: Packet) {
        self.unsettled.push((arrival, packet));
    }

    /// Adds a packet that arrives as soon as it is released.
    pub(crate) fn push_let_go(&mut self, arrival: Instant, packet: Packet) {
        self.let_go.push((arrival, packet));
    }

    /// Lets the packets that arrived at once be seen.
    pub(crate) fn settle(&mut self) {
        self.settle_let_go();
        let mut unsettled = std::mem::take(&mut self.unsettled);
        for (arrival, packet) in unsettled.drain(..) {
            self.push(arrival, packet);
        }
        self.unsettled = unsettled;
    }

    /// Lets those be seen that arrived at their release.
    pub(crate) fn settle_let_go(&mut self) {
        let mut let_go = std::mem::take(&mut self.let_go);
        for (arrival, packet) in let_go.drain(..) {
            self.push(arrival, packet);
        }
        self.let_go = let_go;
    }

    /// When the first of them arrived.
    pub(crate) fn let_go_at(&self) -> Option<Instant> {
        self.let_go.first().map(|(arrival, _)| *arrival)
    }

    pub(crate) fn is_unsettled(&self) -> bool {
        !(self.unsettled.is_empty() && self.let_go.is_empty())
    }

    #[inline]
    pub(crate) fn next_arrival(&self) -> Option<Instant> {
        let first = self.ring.front();
        if self.strays.is_empty() {
            return first.map(|rank| rank.arrival);
        }
        first.copied().into_iter().chain(self.strays.first()).min().map(|rank| rank.arrival)
    }

    /// The next packet that has arrived; [`Travel::pop`] takes it.
    #[inline]
    pub(crate) fn due(&self, now: Instant) -> Option<&Packet> {
        if self.is_stray_next() {
            return self.strays.due(now);
        }
        if self.ring.front()?.arrival > now { None } else { self.packets.front() }
    }

    /// Takes the next packet.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Packet> {
        if self.is_stray_next() {
            return self.strays.pop();
        }
        self.ring.pop_front();
        self.packets.pop_front()
    }

    #[inline]
    fn is_stray_next(&self) -> bool {
        !self.strays.is_empty()
            && self.strays.first().is_some_and(|stray| self.ring.front().is_none_or(|first| stray < *first))
    }

    /// Takes everything, hidden packets too, in the order of delivery.
    pub(crate) fn take_all(&mut self, mut each: impl FnMut(Packet)) {
        self.settle();
        while let Some(packet) = self.pop() {
            each(packet);
        }
    }

    /// Packets on their way.
    pub(crate) fn len(&self) -> u64 {
        (self.ring.len() + self.strays.order.len() + self.unsettled.len() + self.let_go.len()) as u64
    }

    /// Octets on their way, counted one by one.
    pub(crate) fn bytes(&self) -> u64 {
        let strays = self.strays.slots.iter().flatten();
        let unsettled = self.unsettled.iter().chain(&self.let_go).map(|(_, packet)| packet);
        self.packets.iter().chain(strays).chain(unsettled).map(|packet| u64::from(packet.length())).sum()
    }

    #[inline]
    fn next_rank(&mut self, arrival: Instant) -> Rank {
        self.count += 1;
        Rank { arrival, count: self.count }
    }
}

/// A heap of ranks; the packets stay where they are, in slots.
#[derive(Clone, Debug, Default)]
struct Strays {
    order: BinaryHeap<Reverse<(Rank, u32)>>,
    slots: Vec<Option<Packet>>,
    free: Vec<u32>,
}

impl Strays {
    #[inline]
    fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    fn first(&self) -> Option<Rank> {
        self.order.peek().map(|Reverse((rank, _))| *rank)
    }

    fn push(&mut self, rank: Rank, packet: Packet) {
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = Some(packet);
            slot
        } else {
            self.slots.push(Some(packet));
            (self.slots.len() - 1) as u32
        };
        self.order.push(Reverse((rank, slot)));
    }

    fn due(&self, now: Instant) -> Option<&Packet> {
        let Reverse((rank, slot)) = self.order.peek()?;
        if rank.arrival > now { None } else { self.slots[*slot as usize].as_ref() }
    }

    fn pop(&mut self) -> Option<Packet> {
        let Reverse((_, slot)) = self.order.pop()?;
        self.free.push(slot);
        self.slots[slot as usize].take()
    }
}

#[cfg(test)]
mod tests;

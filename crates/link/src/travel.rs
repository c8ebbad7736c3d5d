//! Packets on their way to the far end, in the order in which they will be taken.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use faultwire_base::Instant;
use faultwire_wire::Packet;

use crate::ring::Ring;

/// Packets on their way, given back in the order of (arrival, delivery count).
///
/// Those that arrive in the order of their sending wait in a ring; those that others may overtake, in a small heap
/// beside it. A direction that keeps order never touches the heap.
#[derive(Clone, Debug)]
pub(crate) struct Travel {
    /// Delivery count of the next packet.
    count: u64,
    /// Arrival of the next packet, ring and strays together; [`Instant::FAR_FUTURE`] without any.
    next: Instant,
    ring: Ring,
    /// What most directions never have.
    aside: Option<Box<Aside>>,
}

/// Packets that are not in the ring.
#[derive(Clone, Debug, Default)]
struct Aside {
    strays: Strays,
    /// Packets that arrive at the instant of their sending: hidden until [`Travel::settle`].
    unsettled: Vec<(Instant, Packet)>,
    /// Packets that arrive at the instant of their release: hidden likewise.
    let_go: Vec<(Instant, Packet)>,
}

/// Place in the order of delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    pub(crate) arrival: Instant,
    count: u64,
}

impl Default for Travel {
    fn default() -> Self {
        Self { count: 0, next: Instant::FAR_FUTURE, ring: Ring::default(), aside: None }
    }
}

impl Travel {
    /// Forgets all packets and starts to count anew; the memory stays.
    pub(crate) fn clear(&mut self) {
        (self.count, self.next, self.aside) = (0, Instant::FAR_FUTURE, None);
        self.ring.clear();
    }

    /// Adds a packet that arrives in the order of sending, as far as times allow.
    pub(crate) fn push(&mut self, arrival: Instant, mut packet: Packet) {
        if self.ring.takes(arrival) {
            let length = packet.length();
            std::mem::swap(self.ring.place(), &mut packet);
            self.take_placed(arrival, length);
        } else {
            self.push_stray(arrival, packet);
        }
    }

    /// The place for the packet that comes next in order; what lies there means nothing yet.
    #[inline]
    pub(crate) fn place(&mut self) -> &mut Packet {
        self.ring.place()
    }

    /// Adds the packet of `length` octets that was put into its [place](Self::place), if it keeps the order; says
    /// whether it did.
    #[inline]
    pub(crate) fn take_placed(&mut self, arrival: Instant, length: u32) -> bool {
        if !self.ring.takes(arrival) {
            return false;
        }
        let rank = self.next_rank(arrival);
        self.ring.take_placed(rank, length);
        self.next = self.next.min(arrival);
        true
    }

    /// Adds a packet that leaves the order: later ones will pass it, or it passes earlier ones.
    pub(crate) fn push_stray(&mut self, arrival: Instant, packet: Packet) {
        let rank = self.next_rank(arrival);
        self.aside().strays.push(rank, packet);
        self.next = self.next.min(arrival);
    }

    /// Adds a packet that arrives at once.
    pub(crate) fn push_unsettled(&mut self, arrival: Instant, packet: Packet) {
        self.aside().unsettled.push((arrival, packet));
    }

    /// Adds a packet that arrives as soon as it is released.
    pub(crate) fn push_let_go(&mut self, arrival: Instant, packet: Packet) {
        self.aside().let_go.push((arrival, packet));
    }

    /// Lets the packets that arrived at once be seen.
    pub(crate) fn settle(&mut self) {
        self.settle_let_go();
        let Some(aside) = &mut self.aside else { return };
        let mut unsettled = std::mem::take(&mut aside.unsettled);
        for (arrival, packet) in unsettled.drain(..) {
            self.push(arrival, packet);
        }
        self.aside().unsettled = unsettled;
    }

    /// Lets those be seen that arrived at their release.
    pub(crate) fn settle_let_go(&mut self) {
        let Some(aside) = &mut self.aside else { return };
        let mut let_go = std::mem::take(&mut aside.let_go);
        for (arrival, packet) in let_go.drain(..) {
            self.push(arrival, packet);
        }
        self.aside().let_go = let_go;
    }

    /// When the first of them arrived.
    pub(crate) fn let_go_at(&self) -> Option<Instant> {
        self.aside.as_ref()?.let_go.first().map(|(arrival, _)| *arrival)
    }

    pub(crate) fn is_unsettled(&self) -> bool {
        self.aside.as_ref().is_some_and(|aside| !(aside.unsettled.is_empty() && aside.let_go.is_empty()))
    }

    #[inline]
    pub(crate) fn next_arrival(&self) -> Option<Instant> {
        if self.ring.len() == 0 && !self.has_strays() { None } else { Some(self.next) }
    }

    /// The next packet, if it has arrived, and its octets; [`Travel::forget`] leaves it behind.
    #[inline]
    pub(crate) fn due(&mut self, now: Instant) -> Option<(u32, &mut Packet)> {
        if self.next > now {
            return None;
        }
        if self.is_stray_next() {
            let packet = self.aside.as_mut()?.strays.first_packet()?;
            return Some((packet.length(), packet));
        }
        self.ring.first_mut().map(|slot| (slot.length, &mut slot.packet))
    }

    /// Leaves the next packet behind; there must be one.
    #[inline]
    pub(crate) fn forget(&mut self) {
        if self.is_stray_next() {
            self.aside().strays.forget_first();
        } else {
            self.ring.forget_first();
        }
        let first = self.ring.first().map_or(Instant::FAR_FUTURE, |slot| slot.rank.arrival);
        self.next = self.first_stray().map_or(first, |stray| first.min(stray.arrival));
    }

    #[inline]
    fn is_stray_next(&self) -> bool {
        self.first_stray().is_some_and(|stray| self.ring.first().is_none_or(|slot| stray < slot.rank))
    }

    #[inline]
    fn first_stray(&self) -> Option<Rank> {
        self.aside.as_ref()?.strays.first()
    }

    #[inline]
    fn has_strays(&self) -> bool {
        self.first_stray().is_some()
    }

    fn aside(&mut self) -> &mut Aside {
        self.aside.get_or_insert_default()
    }

    /// Takes everything, hidden packets too, in the order of delivery.
    pub(crate) fn take_all(&mut self, mut each: impl FnMut(Packet)) {
        self.settle();
        while let Some((_, packet)) = self.due(Instant::FAR_FUTURE) {
            each(std::mem::take(packet));
            self.forget();
        }
    }

    /// Packets on their way.
    pub(crate) fn len(&self) -> u64 {
        self.ring.len() as u64 + self.aside.as_ref().map_or(0, |aside| aside.len() as u64)
    }

    /// Octets on their way, counted one by one.
    pub(crate) fn bytes(&self) -> u64 {
        let aside = self.aside.iter().flat_map(|aside| aside.packets());
        let octets = |packet: &Packet| u64::from(packet.length());
        self.ring.iter().map(|slot| &slot.packet).chain(aside).map(octets).sum()
    }

    #[inline]
    fn next_rank(&mut self, arrival: Instant) -> Rank {
        self.count += 1;
        Rank { arrival, count: self.count }
    }
}

impl Aside {
    fn len(&self) -> usize {
        self.strays.order.len() + self.unsettled.len() + self.let_go.len()
    }

    fn packets(&self) -> impl Iterator<Item = &Packet> {
        let hidden = self.unsettled.iter().chain(&self.let_go).map(|(_, packet)| packet);
        self.strays.slots.iter().flatten().chain(hidden)
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

    fn first_packet(&mut self) -> Option<&mut Packet> {
        let Reverse((_, slot)) = self.order.peek()?;
        self.slots[*slot as usize].as_mut()
    }

    fn forget_first(&mut self) {
        let Some(Reverse((_, slot))) = self.order.pop() else { return };
        self.free.push(slot);
        self.slots[slot as usize] = None;
    }
}

#[cfg(test)]
mod tests;

//! A ring of packets in the order of their arrival. Its slots stay: a packet is moved in once and handled where it lies.

use faultwire_base::Instant;
use faultwire_wire::Packet;

use crate::travel::Rank;

/// Packets that arrive in the order of their sending.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ring {
    /// A power of two, or none before the first packet. What lies outside the ring is left over from earlier packets.
    slots: Vec<Slot>,
    first: usize,
    len: usize,
    /// Arrival of the last packet, if there is any.
    latest: Instant,
}

/// A packet and what is asked of it on its way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slot {
    pub(crate) rank: Rank,
    /// Octets on the wire.
    pub(crate) length: u32,
    pub(crate) packet: Packet,
}

impl Ring {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether a packet that arrives then keeps the order.
    #[inline]
    pub(crate) fn takes(&self, arrival: Instant) -> bool {
        self.len == 0 || self.latest <= arrival
    }

    /// The place for the packet that comes next; what lies there means nothing yet.
    #[inline]
    pub(crate) fn place(&mut self) -> &mut Packet {
        if self.len == self.slots.len() {
            self.grow();
        }
        let at = self.first.wrapping_add(self.len) & (self.slots.len().wrapping_sub(1));
        &mut self.slots[at].packet
    }

    /// Takes in the packet that was put into its [place](Self::place) and [keeps the order](Self::takes).
    #[inline]
    pub(crate) fn take_placed(&mut self, rank: Rank, length: u32) {
        let at = self.first.wrapping_add(self.len) & (self.slots.len().wrapping_sub(1));
        let slot = &mut self.slots[at];
        slot.rank = rank;
        slot.length = length;
        self.len += 1;
        self.latest = rank.arrival;
    }

    #[inline]
    pub(crate) fn first(&self) -> Option<&Slot> {
        if self.len == 0 { None } else { self.slots.get(self.first) }
    }

    #[inline]
    pub(crate) fn first_mut(&mut self) -> Option<&mut Slot> {
        if self.len == 0 { None } else { self.slots.get_mut(self.first) }
    }

    /// Leaves the first packet behind; there must be one.
    #[inline]
    pub(crate) fn forget_first(&mut self) {
        self.len -= 1;
        // An empty ring begins again in its first slots, which were used last: few packets under way touch little memory,
        // however many there once were.
        let next = self.first.wrapping_add(1) & (self.slots.len().wrapping_sub(1));
        self.first = if self.len == 0 { 0 } else { next };
    }

    /// Forgets all packets; the slots stay.
    pub(crate) fn clear(&mut self) {
        (self.first, self.len, self.latest) = (0, 0, Instant::ZERO);
    }

    /// All packets in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Slot> {
        (0..self.len).map(|index| &self.slots[(self.first + index) & (self.slots.len() - 1)])
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        self.slots.rotate_left(self.first);
        self.first = 0;
        self.slots.resize_with((2 * self.slots.len()).max(SLOTS_AT_FIRST), Slot::default);
    }
}

/// Slots of the smallest ring.
const SLOTS_AT_FIRST: usize = 4;

//! What a direction has counted since the start, in packets and octets.

use std::ops::Add;

use crate::decision::DropCause;

/// Packets and their octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Packets.
    pub packets: u64,
    /// Octets, from the IP header on.
    pub bytes: u64,
}

impl Tally {
    #[inline]
    pub(crate) fn count(&mut self, length: u32) {
        self.packets += 1;
        self.bytes += u64::from(length);
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { packets: self.packets + other.packets, bytes: self.bytes + other.bytes }
    }
}

/// Counts of one direction. At any time, in packets and in octets, `offered + copies = delivered + dropped + in flight`:
/// nothing is made or lost unseen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Handed to the direction.
    pub offered: Tally,
    /// Taken at the far end.
    pub delivered: Tally,
    /// Made by the direction.
    pub copies: Tally,
    /// Dropped, by cause.
    pub dropped: DropCounters,
    /// Corruptions (a packet may be corrupted by several faults).
    pub corrupted: u64,
    /// Fields rewritten.
    pub rewritten: u64,
    /// ECN-capable packets that random loss marked instead of taking them; part of `rewritten`.
    pub marked: u64,
    /// Delays by targeted faults.
    pub delayed: u64,
    /// Packets that were held, at some time.
    pub held: u64,
    /// Packets sent ahead by the random reordering.
    pub reordered: u64,
}

/// Drops by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DropCounters {
    /// Entered a cut link.
    pub cut: Tally,
    /// Taken by targeted faults.
    pub fault: Tally,
    /// Random loss.
    pub loss: Tally,
    /// Found the queue full.
    pub queue_full: Tally,
    /// Larger than the MTU.
    pub too_big: Tally,
    /// On the way when the link was cut.
    pub in_flight_cut: Tally,
}

impl DropCounters {
    /// All drops.
    pub fn total(&self) -> Tally {
        self.cut + self.fault + self.loss + self.queue_full + self.too_big + self.in_flight_cut
    }

    pub(crate) fn count(&mut self, cause: DropCause, length: u32) {
        let tally = match cause {
            DropCause::Cut => &mut self.cut,
            DropCause::Fault(_) => &mut self.fault,
            DropCause::Loss => &mut self.loss,
            DropCause::QueueFull => &mut self.queue_full,
            DropCause::TooBig(_) => &mut self.too_big,
            DropCause::InFlightCut => &mut self.in_flight_cut,
        };
        tally.count(length);
    }
}

/// How often a targeted fault applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultCounts {
    /// Packets that satisfied all its keys, `nth` included.
    pub matched: u64,
    /// Of those, packets to which it did something: a rewrite of a field that the packet lacks, and a hold whose end has
    /// come, do nothing.
    pub acted: u64,
}

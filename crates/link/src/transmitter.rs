//! Serialisation at a rate, exact to the nanosecond, and the drop-tail queue in front of it.

use std::collections::VecDeque;

use faultwire_base::{BitRate, Instant};

use crate::config::{Queue, QueueLimit};

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// The sender at the near end: one packet in service, the rest waiting. There is no event per departure; each is
/// arithmetic when the packet enters.
#[derive(Clone, Debug)]
pub(crate) struct Transmitter {
    /// Bits a second, 0 for no limit.
    rate: u64,
    clock: Clock,
    slot: Slot,
    limit: QueueLimit,
    /// Packets in service and waiting, in order.
    occupants: VecDeque<Occupant>,
    /// Octets of all occupants.
    bytes: u64,
}

/// When the last bit accepted so far is out: `nanos + part / rate`.
#[derive(Clone, Copy, Debug, Default)]
struct Clock {
    nanos: u64,
    /// Always less than the rate.
    part: u64,
}

/// Time that a packet of `length` octets takes: `nanos + part / rate`. Kept, since most packets are as long as the one
/// before and a division is most of the cost.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    length: u32,
    nanos: u64,
    part: u64,
}

#[derive(Clone, Copy, Debug)]
struct Occupant {
    departure: u64,
    length: u32,
}

impl Transmitter {
    pub(crate) fn new(rate: Option<BitRate>, queue: Queue) -> Self {
        let Queue::DropTail { limit } = queue;
        let rate = rate.map_or(0, BitRate::bits_per_second);
        let (clock, slot) = (Clock::default(), Slot::default());
        Self { rate, clock, slot, limit, occupants: VecDeque::new(), bytes: 0 }
    }

    /// Takes a packet of `length` octets at `now`; returns when its last bit leaves, `None` if the queue is full.
    ///
    /// The k-th departure of a busy period is `ceil(bits * 10^9 / rate)` after its start, `bits` being all bits of the
    /// first k packets: what a division leaves over is carried to the next packet.
    #[inline]
    pub(crate) fn enter(&mut self, now: Instant, length: u32) -> Option<Instant> {
        if self.rate == 0 {
            return Some(now);
        }
        let now = now.as_nanos();
        while let Some(first) = self.occupants.front()
            && first.departure <= now
        {
            self.bytes -= u64::from(first.length);
            self.occupants.pop_front();
        }
        if let Some(in_service) = self.occupants.front() {
            let is_full = match self.limit {
                QueueLimit::Packets(limit) => self.occupants.len() > limit as usize,
                QueueLimit::Bytes(limit) => {
                    self.bytes - u64::from(in_service.length) + u64::from(length) > limit
                }
            };
            if is_full {
                return None;
            }
        }
        let departure = self.serialise(now, length);
        self.bytes += u64::from(length);
        self.occupants.push_back(Occupant { departure, length });
        Some(Instant::from_nanos(departure))
    }

    /// Sets the rate for what enters later, which begins when what waits is out (rounded up to a nanosecond).
    pub(crate) fn set_rate(&mut self, rate: Option<BitRate>) {
        self.clock = Clock { nanos: self.clock.departure(), part: 0 };
        self.slot = Slot::default();
        self.rate = rate.map_or(0, BitRate::bits_per_second);
    }

    pub(crate) fn set_queue(&mut self, queue: Queue) {
        let Queue::DropTail { limit } = queue;
        self.limit = limit;
    }

    /// Forgets everything that waits or is in service.
    pub(crate) fn clear(&mut self) {
        self.clock = Clock::default();
        self.occupants.clear();
        self.bytes = 0;
    }

    #[inline]
    fn serialise(&mut self, now: u64, length: u32) -> u64 {
        if self.slot.length != length {
            self.slot = Slot::new(length, self.rate);
        }
        if self.clock.departure() <= now {
            self.clock = Clock { nanos: now, part: 0 };
        }
        self.clock.add(self.slot, self.rate);
        self.clock.departure()
    }
}

impl Clock {
    #[inline]
    fn departure(self) -> u64 {
        self.nanos.saturating_add(u64::from(self.part > 0))
    }

    #[inline]
    fn add(&mut self, slot: Slot, rate: u64) {
        let room = rate - slot.part;
        let carry = self.part >= room;
        self.part = if carry { self.part - room } else { self.part + slot.part };
        self.nanos = self.nanos.saturating_add(slot.nanos).saturating_add(u64::from(carry));
    }
}

impl Slot {
    fn new(length: u32, rate: u64) -> Self {
        let bits = u64::from(length) * 8;
        let (nanos, part) = match bits.checked_mul(NANOS_PER_SECOND) {
            Some(total) => (total / rate, total % rate),
            None => {
                let total = u128::from(bits) * u128::from(NANOS_PER_SECOND);
                let nanos = u64::try_from(total / u128::from(rate)).unwrap_or(u64::MAX);
                (nanos, (total % u128::from(rate)) as u64)
            }
        };
        Self { length, nanos, part }
    }
}

#[cfg(test)]
mod tests;

//! The far part of a queue: entries behind a moving boundary, sorted by the first digit in which they differ from it.
//!
//! A rank (time, key) is read as a number of 17 digits in base 64: eleven for the time, six for the key. An entry
//! lies on the level of the first digit in which it differs from the boundary, in the slot of its own digit there. So
//! the lowest slot of the lowest level holds the earliest entries, there is nothing to tune to the distances of a run,
//! years cost no more than nanoseconds, and a storm at one instant is told apart by the digits of the key.

use faultwire_base::Instant;

use crate::bags::{Bag, BagStore};
use crate::entry::Entry;

/// Entries that come after [`Wheel::boundary`].
#[derive(Clone, Debug)]
pub(crate) struct Wheel {
    boundary: Entry,
    /// `LEVELS` times `SLOTS` bags; none before the first entry, since most queues never have one.
    slots: Vec<Bag>,
    /// For each level, a bit for each slot that is not empty.
    occupied: [u64; LEVELS],
    /// A bit for each level that is not empty.
    levels: u32,
    store: BagStore,
    len: usize,
}

impl Default for Wheel {
    fn default() -> Self {
        Self {
            boundary: Entry::LAST,
            slots: Vec::new(),
            occupied: [0; LEVELS],
            levels: 0,
            store: BagStore::default(),
            len: 0,
        }
    }
}

impl Wheel {
    /// Number of entries.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether `entry` is so late that it belongs here.
    #[inline]
    pub(crate) fn covers(&self, entry: Entry) -> bool {
        entry.rank() > self.boundary.rank()
    }

    /// Adds an entry from behind the boundary.
    #[inline]
    pub(crate) fn push(&mut self, entry: Entry) {
        if self.slots.is_empty() {
            self.slots.resize(LEVELS * SLOTS, Bag::default());
        }
        let (level, digit) = position(self.boundary, entry);
        let bag = &mut self.slots[level * SLOTS + digit];
        if bag.len() == 0 {
            self.occupied[level] |= 1 << digit;
            self.levels |= 1 << level;
        }
        self.store.add(bag, entry);
        self.len += 1;
    }

    /// Moves the boundary back to `boundary`, so that entries behind it can be pushed.
    pub(crate) fn lower_boundary(&mut self, boundary: Entry) {
        let before = std::mem::replace(&mut self.boundary, boundary);
        assert!(boundary.rank() <= before.rank(), "the boundary is lowered");
        // Let the two first differ on level m. On m and above, an entry differs from the new boundary where it
        // differed from the old one, so it lies right. Below m it agreed with the old boundary on m: that is where
        // it differs from the new one.
        let (level, _) = position(boundary, before);
        while self.levels & ((1 << level) - 1) != 0 {
            let slot = self.lowest_slot().expect("a level is occupied");
            self.spread(slot);
        }
    }

    /// Takes the earliest entries that `is_live` wants kept, in any order, and moves the boundary behind them: at
    /// most `TAKE_MAX`, unless they can't be told apart. Nothing is left if it takes none.
    pub(crate) fn take_earliest(&mut self, taken: &mut Vec<Entry>, is_live: impl Fn(Entry) -> bool) {
        loop {
            let Some(slot) = self.lowest_slot() else {
                self.boundary = Entry::LAST;
                return;
            };
            let len = self.slots[slot.level * SLOTS + slot.digit].len();
            if slot.level > 0 && len > TAKE_MAX {
                self.boundary = with_digit(self.boundary, slot, 0);
                self.spread(slot);
                continue;
            }
            self.boundary = with_digit(self.boundary, slot, !0);
            let mut bag = self.remove(slot);
            while let Some(entries) = self.store.take_some(&mut bag) {
                taken.extend(entries.iter().filter(|&&entry| is_live(entry)));
            }
            if !taken.is_empty() {
                return;
            }
        }
    }

    /// Forgets all entries, keeps the memory.
    pub(crate) fn clear(&mut self) {
        if self.len > 0 {
            self.slots.fill(Bag::default());
        }
        self.occupied = [0; LEVELS];
        self.levels = 0;
        self.store.clear();
        self.len = 0;
        self.boundary = Entry::LAST;
    }

    /// Chunks in memory.
    #[cfg(test)]
    pub(crate) fn chunk_count(&self) -> usize {
        self.store.chunk_count()
    }

    /// The slot of the earliest entries.
    fn lowest_slot(&self) -> Option<Slot> {
        if self.levels == 0 {
            return None;
        }
        let level = self.levels.trailing_zeros() as usize;
        Some(Slot { level, digit: self.occupied[level].trailing_zeros() as usize })
    }

    /// Takes a slot's bag out.
    fn remove(&mut self, slot: Slot) -> Bag {
        self.occupied[slot.level] &= !(1 << slot.digit);
        if self.occupied[slot.level] == 0 {
            self.levels &= !(1 << slot.level);
        }
        let bag = std::mem::take(&mut self.slots[slot.level * SLOTS + slot.digit]);
        self.len -= bag.len();
        bag
    }

    /// Puts a slot's entries where the boundary, which has moved, now wants them.
    fn spread(&mut self, slot: Slot) {
        let mut bag = self.remove(slot);
        while let Some((entries, count)) = self.store.copy_some(&mut bag) {
            for &entry in &entries[..count] {
                self.push(entry);
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    level: usize,
    digit: usize,
}

/// Level and digit of `entry` as seen from `boundary`. An entry that equals it is on level 0.
#[inline]
fn position(boundary: Entry, entry: Entry) -> (usize, usize) {
    let (time, key) = (entry.time.as_nanos(), u64::from(entry.key));
    let time_difference = time ^ boundary.time.as_nanos();
    if time_difference != 0 {
        let level = time_difference.ilog2() / DIGIT_BITS;
        (KEY_LEVELS + level as usize, (time >> (level * DIGIT_BITS) & DIGIT_MASK) as usize)
    } else {
        let level = (key ^ u64::from(boundary.key) | 1).ilog2() / DIGIT_BITS;
        (level as usize, (key >> (level * DIGIT_BITS) & DIGIT_MASK) as usize)
    }
}

/// `boundary` with the digit of `slot`, and all lower digits from `lower`.
fn with_digit(boundary: Entry, slot: Slot, lower: u64) -> Entry {
    let replace = |number: u64, level: usize| {
        let shift = level as u32 * DIGIT_BITS;
        let below = (1 << shift) - 1;
        number & !(DIGIT_MASK << shift | below) | (slot.digit as u64) << shift | lower & below
    };
    if slot.level >= KEY_LEVELS {
        let time = replace(boundary.time.as_nanos(), slot.level - KEY_LEVELS);
        Entry { time: Instant::from_nanos(time), key: lower as u32 }
    } else {
        Entry { time: boundary.time, key: replace(u64::from(boundary.key), slot.level) as u32 }
    }
}

const DIGIT_BITS: u32 = 6;
const DIGIT_MASK: u64 = (1 << DIGIT_BITS) - 1;
const SLOTS: usize = 1 << DIGIT_BITS;
const KEY_LEVELS: usize = u32::BITS.div_ceil(DIGIT_BITS) as usize;
const LEVELS: usize = KEY_LEVELS + u64::BITS.div_ceil(DIGIT_BITS) as usize;
/// A slot with more entries is spread over the level below; so few are sorted faster than spread.
pub(crate) const TAKE_MAX: usize = 24;

#[cfg(test)]
mod tests;

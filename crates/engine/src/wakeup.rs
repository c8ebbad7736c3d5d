//! The wake-up queue: at most one pending wake-up a key, in the order of (time, key).

use faultwire_base::Instant;

use crate::armed::{ArmedTable, Arming};
use crate::entry::Entry;
use crate::queue::EntryQueue;

/// Pending wake-ups, one a key at most, given back in the order of (time, key) (DESIGN D2).
///
/// Keys are small dense numbers: the rank of a place, or a connection's slot. Any time is accepted: also the one that
/// was just given back (another round of the same instant), an earlier one, and [`Instant::FAR_FUTURE`].
#[derive(Clone, Debug, Default)]
pub struct WakeupQueue {
    armed: ArmedTable,
    /// An entry for each armed key, and stale ones, whose key is no longer armed at their time.
    queue: EntryQueue,
    /// Number of armed keys.
    pending: usize,
}

impl WakeupQueue {
    /// An empty queue. It takes no memory before the first wake-up.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks that `key` be woken at `at`. Ignored if it is woken at that time or earlier anyway; a pending later
    /// wake-up is replaced.
    #[inline]
    pub fn schedule(&mut self, at: Instant, key: u32) {
        match self.armed.arm(at, key) {
            Arming::Ignored => return,
            Arming::New => self.pending += 1,
            Arming::Earlier(before) => self.withdraw(Entry { time: before, key }),
        }
        self.queue.push(Entry { time: at, key });
    }

    /// When the earliest wake-up is due.
    #[inline]
    pub fn next_time(&mut self) -> Option<Instant> {
        self.earliest().map(|entry| entry.time)
    }

    /// Takes the earliest wake-up if it is due at `now`.
    #[inline]
    pub fn pop_due(&mut self, now: Instant) -> Option<(Instant, u32)> {
        let entry = self.earliest().filter(|entry| entry.time <= now)?;
        self.queue.pop();
        self.armed.disarm(entry.key);
        self.pending -= 1;
        Some((entry.time, entry.key))
    }

    /// Takes the earliest wake-up.
    #[inline]
    pub fn pop(&mut self) -> Option<(Instant, u32)> {
        self.pop_due(Instant::FAR_FUTURE)
    }

    /// When `key` is to be woken.
    pub fn armed(&self, key: u32) -> Option<Instant> {
        self.armed.time(key)
    }

    /// Forgets the wake-up of `key`, if there is one.
    pub fn cancel(&mut self, key: u32) {
        if let Some(time) = self.armed.disarm(key) {
            self.pending -= 1;
            self.withdraw(Entry { time, key });
        }
    }

    /// Number of pending wake-ups.
    pub fn len(&self) -> usize {
        self.pending
    }

    /// Whether nothing is pending.
    pub fn is_empty(&self) -> bool {
        self.pending == 0
    }

    /// Forgets all wake-ups, keeps the memory.
    pub fn clear(&mut self) {
        self.queue.clear();
        self.armed.clear();
        self.pending = 0;
    }

    #[inline]
    fn earliest(&mut self) -> Option<Entry> {
        // Measured: to skip the question while nothing is stale takes a quarter more time at a million pending: asking
        // for a whole front at once is what fetches the table's lines before they are needed.
        self.queue.peek_live(|entry| self.armed.holds(entry))
    }

    /// Removes an entry whose key is no longer armed at its time, or leaves it there, stale. Stale entries are bounded:
    /// a key may be replaced over and over before the first of them comes to the front.
    fn withdraw(&mut self, entry: Entry) {
        if self.queue.remove_if_near(entry) {
            return;
        }
        let bound = 4 * self.pending + self.armed.len() / 8 + STALE_MAX;
        if self.queue.len() > bound {
            self.rebuild(entry.key);
        }
    }

    /// Makes the queue anew from the armed keys, apart from `key`, which the caller is about to push.
    #[cold]
    #[inline(never)]
    fn rebuild(&mut self, key: u32) {
        self.queue.clear();
        for entry in self.armed.entries().filter(|entry| entry.key != key) {
            self.queue.push(entry);
        }
    }
}

/// Stale entries that are kept however few keys there are.
const STALE_MAX: usize = 64;

#[cfg(test)]
mod tests;

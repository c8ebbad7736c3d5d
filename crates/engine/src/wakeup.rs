//! The wake-up queue: at most one pending wake-up a key, in the order of (time, key).

use faultwire_base::Instant;

use crate::entry::Entry;
use crate::heap::Heap;

/// Pending wake-ups, one a key at most, given back in the order of (time, key) (DESIGN D2).
///
/// Keys are small dense numbers: the rank of a place, or a connection's slot. Any time is accepted, also one at or
/// before the last that was given back.
#[derive(Clone, Debug, Default)]
pub struct WakeupQueue {
    /// When each key is to be woken.
    armed: Vec<Option<Instant>>,
    /// Holds an entry for each armed key, and stale ones: those whose time is no longer the armed one.
    heap: Heap,
    live: usize,
}

impl WakeupQueue {
    /// An empty queue. It takes no memory before the first wake-up.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks that `key` be woken at `at`. Ignored if it is woken at that time or earlier anyway; a pending later
    /// wake-up is replaced.
    pub fn schedule(&mut self, at: Instant, key: u32) {
        let index = key as usize;
        if index >= self.armed.len() {
            self.armed.resize(index + 1, None);
        }
        match self.armed[index] {
            Some(armed) if armed <= at => return,
            Some(_) => {}
            None => self.live += 1,
        }
        self.armed[index] = Some(at);
        self.heap.push(Entry { time: at, key });
        self.drop_stale();
    }

    /// When the earliest wake-up is due.
    pub fn next_time(&mut self) -> Option<Instant> {
        self.earliest().map(|entry| entry.time)
    }

    /// Takes the earliest wake-up if it is due at `now`.
    pub fn pop_due(&mut self, now: Instant) -> Option<(Instant, u32)> {
        let entry = self.earliest().filter(|entry| entry.time <= now)?;
        self.heap.pop();
        self.armed[entry.key as usize] = None;
        self.live -= 1;
        Some((entry.time, entry.key))
    }

    /// Takes the earliest wake-up.
    pub fn pop(&mut self) -> Option<(Instant, u32)> {
        self.pop_due(Instant::FAR_FUTURE)
    }

    /// When `key` is to be woken.
    pub fn armed(&self, key: u32) -> Option<Instant> {
        self.armed.get(key as usize).copied().flatten()
    }

    /// Forgets the wake-up of `key`, if there is one.
    pub fn cancel(&mut self, key: u32) {
        if let Some(armed) = self.armed.get_mut(key as usize)
            && armed.take().is_some()
        {
            self.live -= 1;
            self.drop_stale();
        }
    }

    /// Number of pending wake-ups.
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether nothing is pending.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Forgets all wake-ups, keeps the memory.
    pub fn clear(&mut self) {
        self.heap.clear();
        self.armed.clear();
        self.live = 0;
    }

    /// The earliest live entry, after dropping stale ones before it.
    fn earliest(&mut self) -> Option<Entry> {
        loop {
            let entry = self.heap.peek()?;
            if self.armed[entry.key as usize] == Some(entry.time) {
                return Some(entry);
            }
            self.heap.pop();
        }
    }

    /// Keeps stale entries fewer than the live ones, so that replacing wake-ups over and over stays cheap.
    fn drop_stale(&mut self) {
        if self.heap.len() > 2 * self.live + STALE_MAX {
            let armed = &self.armed;
            self.heap.retain(|entry| armed[entry.key as usize] == Some(entry.time));
        }
    }
}

/// Stale entries that are kept whatever the number of live ones.
const STALE_MAX: usize = 64;

//! When each key is to be woken: eight bytes a key, since the wake-up queue looks here at every step.

use faultwire_base::Instant;

use crate::entry::Entry;

/// The armed time of each key.
#[derive(Clone, Debug, Default)]
pub(crate) struct ArmedTable {
    /// `FAR_FUTURE` means not armed, unless `at_far_future` has the key.
    times: Vec<Instant>,
    /// A bit for each key that is armed at `FAR_FUTURE`; empty in nearly all runs.
    at_far_future: Vec<u64>,
}

/// What a request to wake a key changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arming {
    /// Nothing: the key is woken as early anyway.
    Ignored,
    /// The key was not armed before.
    New,
    /// The key was armed at this later time.
    Earlier(Instant),
}

impl ArmedTable {
    /// Number of keys that the table has room for.
    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    /// When `key` is to be woken.
    pub(crate) fn time(&self, key: u32) -> Option<Instant> {
        let time = *self.times.get(key as usize)?;
        self.holds(Entry { time, key }).then_some(time)
    }

    /// Whether `entry` is what its key is armed at. The key must have been armed once.
    #[inline]
    pub(crate) fn holds(&self, entry: Entry) -> bool {
        self.times[entry.key as usize] == entry.time
            && (entry.time != Instant::FAR_FUTURE || self.is_at_far_future(entry.key))
    }

    /// Arms `key` at `at`, unless it is armed as early already.
    #[inline]
    pub(crate) fn arm(&mut self, at: Instant, key: u32) -> Arming {
        let index = key as usize;
        if index >= self.times.len() {
            self.grow(index);
        }
        let before = self.times[index];
        if at < before {
            self.times[index] = at;
            if before != Instant::FAR_FUTURE || self.leave_far_future(key) {
                return Arming::Earlier(before);
            }
            return Arming::New;
        }
        if at == Instant::FAR_FUTURE && before == at && self.enter_far_future(key) {
            return Arming::New;
        }
        Arming::Ignored
    }

    /// Forgets when `key` is to be woken, and returns it.
    #[inline]
    pub(crate) fn disarm(&mut self, key: u32) -> Option<Instant> {
        let time = self.times.get_mut(key as usize)?;
        let before = std::mem::replace(time, Instant::FAR_FUTURE);
        (before != Instant::FAR_FUTURE || self.leave_far_future(key)).then_some(before)
    }

    /// All armed keys, as entries in the order of keys.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> {
        let all = self.times.iter().enumerate().map(|(key, &time)| Entry { time, key: key as u32 });
        all.filter(|&entry| self.holds(entry))
    }

    /// Disarms all keys, keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.times.clear();
        self.at_far_future.clear();
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, index: usize) {
        self.times.resize(index + 1, Instant::FAR_FUTURE);
    }

    #[cold]
    fn is_at_far_future(&self, key: u32) -> bool {
        self.at_far_future.get(key as usize / 64).is_some_and(|word| word >> (key % 64) & 1 != 0)
    }

    /// Returns whether the key was not there before.
    #[cold]
    fn enter_far_future(&mut self, key: u32) -> bool {
        let new = !self.is_at_far_future(key);
        let index = key as usize / 64;
        if index >= self.at_far_future.len() {
            self.at_far_future.resize(index + 1, 0);
        }
        self.at_far_future[index] |= 1 << (key % 64);
        new
    }

    /// Returns whether the key was there before.
    #[inline]
    fn leave_far_future(&mut self, key: u32) -> bool {
        let Some(word) = self.at_far_future.get_mut(key as usize / 64) else { return false };
        let before = *word;
        *word &= !(1 << (key % 64));
        *word != before
    }
}

#[cfg(test)]
mod tests;

//! One entry of the queue: a time and a key, and their canonical order.

use faultwire_base::Instant;

/// A wake-up of `key` at `time`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) time: Instant,
    pub(crate) key: u32,
}

impl Entry {
    /// The place of this entry in the order of (time, key) (DESIGN D2), as one number: comparing it takes no branch.
    #[inline]
    pub(crate) fn rank(self) -> u128 {
        u128::from(self.time.as_nanos()) << 64 | u128::from(self.key)
    }
}

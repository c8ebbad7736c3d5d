//! One entry of the queue: a time and a key, and their canonical order.

use faultwire_base::Instant;

/// A wake-up of `key` at `time`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub time: Instant,
    /// Who: the rank of a place, or a connection's slot.
    pub key: u32,
}

impl Entry {
    /// Not before any other entry.
    pub(crate) const LAST: Self = Self { time: Instant::FAR_FUTURE, key: u32::MAX };

    /// This entry's place in the order of (time, key) (DESIGN D2), as one number: comparing it takes no branch.
    #[inline]
    pub fn rank(self) -> u128 {
        u128::from(self.time.as_nanos()) << 64 | u128::from(self.key)
    }
}

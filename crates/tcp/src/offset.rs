//! Absolute stream positions: the only place where 32-bit sequence numbers wrap.

use std::ops::{Add, Sub};

use faultwire_wire::Seq;

use crate::config::SequenceOrder;

/// A position in one direction's sequence space that never wraps. The ISN is at 2^32, so that anything up to 2^31
/// before it can be said; the first data octet is one after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Offset(pub(crate) u64);

impl Offset {
    /// The initial sequence number (the SYN).
    pub(crate) const ISN: Self = Self(1 << 32);
    /// The first data octet.
    pub(crate) const FIRST: Self = Self((1 << 32) + 1);

    /// The position nearest to `near` (within 2^31) whose sequence number is `seq`, in the space that began at `isn`.
    #[inline]
    pub(crate) fn widen(seq: Seq, near: Self, isn: Seq, order: SequenceOrder) -> Self {
        let near_seq = near.to_seq(isn);
        let distance = match order {
            SequenceOrder::Modular => i64::from(seq.distance_from(near_seq)),
            SequenceOrder::Plain => i64::from(seq.0) - i64::from(near_seq.0),
        };
        Self(near.0.wrapping_add_signed(distance))
    }

    /// The sequence number of this position.
    #[inline]
    pub(crate) fn to_seq(self, isn: Seq) -> Seq {
        // Offset::ISN is a multiple of 2^32: the low half is the distance from the ISN.
        isn + self.0 as u32
    }

    /// Octets from `earlier` to this, zero if that is later.
    #[inline]
    pub(crate) fn saturating_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<u64> for Offset {
    type Output = Self;

    #[inline]
    fn add(self, octets: u64) -> Self {
        Self(self.0 + octets)
    }
}

impl Sub for Offset {
    type Output = u64;

    #[inline]
    fn sub(self, earlier: Self) -> u64 {
        self.0 - earlier.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn widening_undoes_narrowing(isn: u32, position in 0u64..1 << 40, error in -(1i64 << 31) + 1..1 << 31) {
            let at = Offset::ISN + (1 << 32) + position;
            let near = Offset(at.0.wrapping_add_signed(error));
            prop_assert_eq!(Offset::widen(at.to_seq(Seq(isn)), near, Seq(isn), SequenceOrder::Modular), at);
        }
    }

    #[test]
    fn says_what_came_before_the_isn() {
        let isn = Seq(5);
        let widen = |seq, near| Offset::widen(Seq(seq), near, isn, SequenceOrder::Modular);
        assert_eq!(widen(4, Offset::FIRST) + 1, Offset::ISN);
        assert_eq!(Offset::FIRST.to_seq(isn), Seq(6));
        assert_eq!(widen(u32::MAX, Offset::ISN) + 6, Offset::ISN);
    }
}

//! What a link decided about a packet, when that was not to pass it plainly.

use faultwire_base::{Duration, Instant, PacketId};

use crate::field::HeaderField;

/// A targeted fault of a direction: its index in [`DirectionConfig::faults`](crate::DirectionConfig::faults).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FaultIndex(pub u32);

/// A socket's name, as an index into a table of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameId(pub u32);

/// A decision on one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkEvent {
    /// When.
    pub at: Instant,
    /// On which packet.
    pub packet: PacketId,
    /// What.
    pub decision: Decision,
}

/// Who decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A random impairment.
    Random,
    /// A targeted fault.
    Fault(FaultIndex),
    /// A change in time: a hold of the whole direction, its release, a heal.
    Timeline,
}

/// Bits kept in [`Decision::Corrupted`].
const BITS_KEPT: usize = 4;

/// What was decided. Jitter is part of plain passing and is no decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The packet is gone.
    Dropped(DropCause),
    /// A copy was made.
    Duplicated {
        /// The copy's identity.
        copy: PacketId,
        /// Who decided.
        by: By,
    },
    /// Bits were flipped.
    Corrupted {
        /// The first of them, counted from the most significant bit of the IP header's first octet; `u32::MAX` where
        /// there are fewer.
        bits: [u32; BITS_KEPT],
        /// How many.
        count: u32,
        /// Who decided.
        by: By,
    },
    /// The packet will arrive so much later.
    Delayed {
        /// Who decided.
        by: By,
        /// How much.
        extra: Duration,
    },
    /// The packet waits until it is released.
    Held {
        /// Who decided.
        by: By,
    },
    /// A held packet travels on.
    Released {
        /// Who held it last.
        by: By,
    },
    /// A header field has another value.
    Rewritten {
        /// Who decided.
        by: By,
        /// Which field.
        field: HeaderField,
        /// Its new value.
        value: u64,
    },
    /// The packet travels without the delay.
    Reordered {
        /// Who decided.
        by: By,
    },
}

/// Why a packet is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropCause {
    /// It entered a cut link.
    Cut,
    /// A targeted fault took it.
    Fault(FaultIndex),
    /// Random loss.
    Loss,
    /// It found the queue full.
    QueueFull,
    /// It is larger than this MTU (octets).
    TooBig(u32),
    /// The link was cut while it was on the way.
    InFlightCut,
}

impl By {
    /// A stable number.
    fn number(self) -> u64 {
        match self {
            Self::Random => 0,
            Self::Timeline => 1,
            Self::Fault(index) => 2 + u64::from(index.0),
        }
    }
}

impl Decision {
    /// A corruption of these bits.
    pub(crate) fn corrupted(flipped: &[u32], by: By) -> Self {
        let mut bits = [u32::MAX; BITS_KEPT];
        for (slot, bit) in bits.iter_mut().zip(flipped) {
            *slot = *bit;
        }
        Self::Corrupted { bits, count: flipped.len() as u32, by }
    }

    /// The decision as numbers that stay the same between versions, for a fingerprint.
    pub fn digest_words(&self) -> [u64; 4] {
        match *self {
            Self::Dropped(cause) => match cause {
                DropCause::Cut => [1, 1, 0, 0],
                DropCause::Fault(index) => [1, 2, u64::from(index.0), 0],
                DropCause::Loss => [1, 3, 0, 0],
                DropCause::QueueFull => [1, 4, 0, 0],
                DropCause::TooBig(mtu) => [1, 5, u64::from(mtu), 0],
                DropCause::InFlightCut => [1, 6, 0, 0],
            },
            Self::Duplicated { copy, by } => [2, by.number(), copy.count(), 0],
            Self::Corrupted { bits: [first, second, third, fourth], count, by } => [
                3 | u64::from(count) << 32,
                by.number(),
                u64::from(first) << 32 | u64::from(second),
                u64::from(third) << 32 | u64::from(fourth),
            ],
            Self::Delayed { by, extra } => [4, by.number(), extra.as_nanos(), 0],
            Self::Held { by } => [5, by.number(), 0, 0],
            Self::Released { by } => [6, by.number(), 0, 0],
            Self::Rewritten { by, field, value } => [7, by.number(), field.number(), value],
            Self::Reordered { by } => [8, by.number(), 0, 0],
        }
    }
}

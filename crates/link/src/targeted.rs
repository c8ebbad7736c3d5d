//! Targeted faults as data: which packets, and what is done to them.

use std::ops::RangeInclusive;
use std::sync::Arc;

use faultwire_base::{Duration, Instant};

use crate::decision::NameId;
use crate::field::HeaderField;
use crate::kind::PacketKind;

/// A fault that picks packets by what they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetedFault {
    /// Its name in the experiment.
    pub name: Arc<str>,
    /// Which packets. All keys must hold.
    pub matching: Match,
    /// Which of those.
    pub nth: Nth,
    /// What is done.
    pub action: Action,
}

/// Keys by which packets are picked; a key that is `None` or empty holds for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    /// The conversation of this socket, once its flow is known ([`Direction::bind_flow`](crate::Direction::bind_flow)).
    pub conn: Option<NameId>,
    /// The kind; see [`PacketKind::covers`].
    pub kind: Option<PacketKind>,
    /// An offset in the sender's byte stream that the payload covers.
    pub byte: Option<u64>,
    /// Which sending of its data, SYN or FIN it is, from 1.
    pub transmission: Option<u16>,
    /// Enters at this time or later.
    pub from: Option<Instant>,
    /// Enters before this time.
    pub until: Option<Instant>,
    /// Header fields.
    pub fields: Vec<FieldMatch>,
}

/// A header field and the values that it may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldMatch {
    /// Which field. A packet without it does not match.
    pub field: HeaderField,
    /// Its values.
    pub range: RangeInclusive<u64>,
}

/// Which of the packets that satisfy all other keys, counted from 1 a fault, before random impairments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Nth {
    /// All of them.
    #[default]
    Every,
    /// Those whose count lies in one of the ranges.
    Ranges(Vec<RangeInclusive<u64>>),
}

impl Nth {
    /// Exactly the `count`-th.
    pub fn only(count: u64) -> Self {
        Self::Ranges(vec![count..=count])
    }

    /// Whether the `count`-th is meant.
    pub fn contains(&self, count: u64) -> bool {
        match self {
            Self::Every => true,
            Self::Ranges(ranges) => ranges.iter().any(|range| range.contains(&count)),
        }
    }
}

/// What a fault does to a packet. Faults apply in the order of the file, each to what the ones before have left; a drop
/// ends it, though those that follow still count the packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Takes it.
    Drop,
    /// Lets it arrive so much later, while others pass it.
    Delay(Duration),
    /// Lets it travel without the delay of the link, so that it overtakes others.
    SendAtOnce,
    /// Keeps it after its serialisation; from its release on it takes the delay of the link.
    Hold(HoldUntil),
    /// Makes copies, of the packet as it is then.
    Duplicate {
        /// How many.
        copies: u32,
        /// Added to the delay of the copies, after their own serialisation.
        delay: Duration,
        /// Whether random loss and corruption judge the copies.
        impaired: bool,
    },
    /// Flips bits, counted from the most significant bit of the IP header's first octet.
    Corrupt {
        /// Which; those past the end of the packet are left out.
        bits: Vec<u32>,
    },
    /// Sets a header field; the checksums will be right.
    Rewrite {
        /// Which; it must be one that [can be rewritten](HeaderField::can_be_rewritten).
        field: HeaderField,
        /// The new value, at most [`HeaderField::largest`].
        value: u64,
    },
}

/// When a hold ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldUntil {
    /// At this time. Packets that enter then or later are not held.
    Time(Instant),
    /// When the owner of the direction says so ([`Direction::release`](crate::Direction::release)).
    State,
}

//! The state of the way itself: cut or whole, held or flowing, how long it takes, and the order that it keeps.

use faultwire_base::{Duration, Instant};

use crate::config::DirectionConfig;
use crate::decision::DropCause;

/// What holds for every packet of a direction.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub(crate) delay: Duration,
    /// Whether a packet arrives no earlier than the one before it.
    pub(crate) keeps_order: bool,
    pub(crate) is_cut: bool,
    pub(crate) holds_all: bool,
    /// Random loss marks ECN-capable packets.
    pub(crate) loss_marks: bool,
    /// Largest packet in octets.
    mtu: u32,
    /// Latest arrival of a packet in order.
    floor: Instant,
}

impl Path {
    pub(crate) fn new(config: &DirectionConfig) -> Self {
        let (keeps_order, is_cut, holds_all) = (true, false, false);
        let mtu = config.mtu.unwrap_or(u32::MAX);
        let (delay, loss_marks) = (config.delay, config.loss_marks);
        Self { delay, keeps_order, is_cut, holds_all, loss_marks, mtu, floor: Instant::ZERO }
    }

    pub(crate) fn set_mtu(&mut self, mtu: Option<u32>) {
        self.mtu = mtu.unwrap_or(u32::MAX);
    }

    #[inline]
    pub(crate) fn is_too_big(&self, length: u32) -> bool {
        length > self.mtu
    }

    /// Why a packet of `length` octets can't enter.
    pub(crate) fn refusal(&self, length: u32) -> Option<DropCause> {
        if self.is_cut {
            return Some(DropCause::Cut);
        }
        self.is_too_big(length).then_some(DropCause::TooBig(self.mtu))
    }

    /// The delay of a packet that deviates by `jitter` nanoseconds.
    #[inline]
    pub(crate) fn propagation(&self, jitter: i64) -> Duration {
        Duration::from_nanos(self.delay.as_nanos().saturating_add_signed(jitter))
    }

    /// The arrival of a packet that would come at `arrival`, moved back if it would overtake.
    #[inline]
    pub(crate) fn in_order(&mut self, arrival: Instant) -> Instant {
        if !self.keeps_order {
            return arrival;
        }
        self.floor = self.floor.max(arrival);
        self.floor
    }

    /// Nothing is on the way any more.
    pub(crate) fn clear(&mut self) {
        self.floor = Instant::ZERO;
    }
}

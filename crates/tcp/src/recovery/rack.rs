//! RACK: which delivered segment was sent last, and how long its predecessors are waited for (RFC 8985 §6).

use faultwire_base::{Duration, Instant};

use super::reordering::Reordering;
use crate::offset::Offset;
use crate::rtt::RttEstimator;
use crate::sent_queue::{Delivery, Reference};

/// RACK.segment and RACK.rtt.
#[derive(Clone, Debug)]
pub(super) struct Rack {
    sent: Instant,
    end: Offset,
    rtt: Duration,
    /// Something was delivered since the last look for losses.
    advanced: bool,
}

/// What the reordering window depends on besides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Circumstances {
    /// In fast recovery, or after a timeout.
    pub(super) recovering: bool,
    /// As many segments are SACKed as mean a loss.
    pub(super) enough_sacked: bool,
}

impl Rack {
    pub(super) const fn new() -> Self {
        Self { sent: Instant::ZERO, end: Offset::ISN, rtt: Duration::ZERO, advanced: false }
    }

    /// Segments were delivered (RFC 8985 §6.2 step 2).
    #[inline]
    pub(super) fn advance(&mut self, now: Instant, delivery: &Delivery) {
        let Some((sent, end)) = delivery.newest else { return };
        self.advanced = true;
        if let Some(last) = delivery.last {
            self.rtt = now.saturating_since(last);
        }
        if (sent, end) > (self.sent, self.end) {
            (self.sent, self.end) = (sent, end);
        }
    }

    /// Losses are to be looked for anew, whatever was delivered.
    pub(super) fn examine_again(&mut self) {
        self.advanced = true;
    }

    /// Whether losses are to be looked for; once.
    pub(super) fn take_advanced(&mut self) -> bool {
        std::mem::take(&mut self.advanced)
    }

    /// What losses are found by now.
    pub(super) fn reference(
        &self,
        rtt: &RttEstimator,
        reordering: Option<&Reordering>,
        circumstances: Circumstances,
    ) -> Reference {
        let patience = self.rtt + reordering_window(rtt, reordering, circumstances);
        Reference { sent: self.sent, end: self.end, patience }
    }

    /// Segments sent after this may still be under way when the timer runs out (RFC 8985 §6.3).
    pub(super) fn recent(&self, now: Instant) -> Instant {
        if self.rtt.is_zero() {
            return Instant::FAR_FUTURE;
        }
        Instant::from_nanos(now.as_nanos().saturating_sub(self.rtt.as_nanos()))
    }
}

/// RACK_update_reo_wnd (RFC 8985 §6.2 step 4): none while nothing was reordered and the loss is evident; else a quarter
/// of the least round trip, more with each round trip that brought a D-SACK, SRTT at most.
fn reordering_window(
    rtt: &RttEstimator,
    reordering: Option<&Reordering>,
    circumstances: Circumstances,
) -> Duration {
    let seen = reordering.is_some_and(|reordering| reordering.seen() > 0);
    if !seen && (circumstances.recovering || circumstances.enough_sacked) {
        return Duration::ZERO;
    }
    let quarter = rtt.minimum().unwrap_or(Duration::ZERO) / 4;
    let steps = reordering.map_or(1, Reordering::steps);
    quarter.saturating_mul(steps).min(rtt.smoothed().unwrap_or(Duration::ZERO))
}

//! The retransmission timer: its length, its back-off and its deadline (RFC 6298 §2.4, §5).
//!
//! It says *when*; what is sent again, and when to give up, is its owner's business. It serves SYN, SYN-ACK, data and
//! FIN alike.

use faultwire_base::{Duration, Instant};

use crate::config::{BackOff, RetransmissionConfig, VariancePolicy};
use crate::offset::Offset;
use crate::rtt::RttEstimator;

/// The retransmission timer of one direction of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Rto {
    estimator: RttEstimator,
    limits: Limits,
    base: Duration,
    deadline: Instant,
    backoffs: u8,
    back_off: BackOff,
    /// What is added after the back-off.
    slop_millis: u16,
}

impl Rto {
    /// A stopped timer of the configured initial length (RFC 6298 §2.1).
    pub(crate) fn new(config: &RetransmissionConfig) -> Self {
        let limits = Limits {
            min_micros: micros(config.min),
            max_micros: micros(config.max),
            variance_min_micros: micros(match config.variance_floor {
                VariancePolicy::Rfc => config.clock_granularity,
                // Linux bounds the variance from below instead of the sum, so its RTO is never under SRTT + 200 ms.
                VariancePolicy::LinuxFloor => config.min,
            }),
        };
        Self {
            estimator: RttEstimator::new(config.variance_floor),
            base: config.initial.min(limits.max()),
            limits,
            deadline: STOPPED,
            backoffs: 0,
            back_off: config.back_off,
            slop_millis: u16::try_from(config.slop.as_millis()).unwrap_or(u16::MAX),
        }
    }

    /// Starts, or restarts, the timer: it runs out [`Rto::current`] from now.
    #[inline]
    pub(crate) fn start(&mut self, now: Instant) {
        self.deadline = now.saturating_add(self.current());
    }

    /// Starts, or restarts, the timer so that it runs out at `at`, or at once if that is past.
    #[inline]
    pub(crate) fn start_until(&mut self, now: Instant, at: Instant) {
        self.deadline = at.max(now);
    }

    /// Starts the timer unless it runs already (RFC 6298 §5.1).
    #[inline]
    pub(crate) fn ensure_started(&mut self, now: Instant) {
        if self.deadline == STOPPED {
            self.start(now);
        }
    }

    /// Stops the timer. The back-off stays (RFC 6298 §5.2).
    #[inline]
    pub(crate) fn stop(&mut self) {
        self.deadline = STOPPED;
    }

    /// Doubles the timeout, up to the configured maximum (RFC 6298 §5.5; RFC 9293 §3.8.2, MUST-19). The caller then starts it again (§5.6).
    pub(crate) fn backoff(&mut self) {
        self.backoffs = self.backoffs.saturating_add(1);
    }

    /// Takes one doubling back (RFC 6069 §3); says whether there was one.
    pub(crate) fn revert_back_off(&mut self) -> bool {
        let before = self.backoffs;
        self.backoffs = before.saturating_sub(1);
        before > 0
    }

    /// When the timer runs out; `None` while stopped.
    #[inline]
    pub(crate) fn deadline(&self) -> Option<Instant> {
        (self.deadline != STOPPED).then_some(self.deadline)
    }

    /// The timeout with its back-off.
    #[inline]
    pub(crate) fn current(&self) -> Duration {
        if self.backoffs == 0 {
            return self.base;
        }
        let factor = self.back_off.factor(u32::from(self.backoffs));
        let slop = self.slop();
        let sampled = self.estimator.smoothed().is_some();
        let bare = if sampled { self.base.saturating_sub(slop) } else { self.base };
        bare.saturating_mul(factor).saturating_add(slop).min(self.limits.max())
    }

    #[inline]
    fn slop(&self) -> Duration {
        Duration::from_millis(u64::from(self.slop_millis))
    }

    /// The timeout without back-off.
    pub(crate) fn base(&self) -> Duration {
        self.base
    }

    /// How many times the timeout was doubled since the last clean measurement.
    pub(crate) fn backoffs(&self) -> u32 {
        u32::from(self.backoffs)
    }

    /// The estimator behind the timeout.
    pub(crate) fn estimator(&self) -> &RttEstimator {
        &self.estimator
    }

    /// Takes a measurement in and computes the timeout anew, without back-off (RFC 9293 §3.8.1, MUST-18). The caller vouches that it is clean:
    /// Karn's algorithm keeps the backed-off timeout until such a one arrives (RFC 6298 §3, §5). A running timer is
    /// not moved. `range` is what is in flight, SND.UNA to SND.NXT.
    #[inline]
    pub(crate) fn sample(&mut self, rtt: Duration, range: (Offset, Offset)) {
        self.estimator.sample(rtt, range, self.limits.variance_min());
        self.backoffs = 0;
        self.base = self.limits.timeout(&self.estimator, self.slop());
    }

    /// Notes a measurement of a later segment, for the minimum.
    #[inline]
    pub(crate) fn note_minimum(&mut self, rtt: Duration) {
        self.estimator.note_minimum(rtt);
    }

    /// After a spurious timeout: the estimate of before, `(SRTT, RTTVAR)`, or that of `rtt`, whichever is more (RFC
    /// 4015 §3.2).
    pub(crate) fn adapt(&mut self, before: (Duration, Duration), rtt: Duration) {
        self.estimator.adapt(before, rtt);
        self.base = self.limits.timeout(&self.estimator, self.slop());
    }

    /// Raises the timeout to at least `minimum`, until the next measurement (RFC 6298 §5.7).
    pub(crate) fn raise_to(&mut self, minimum: Duration) {
        self.base = self.base.max(minimum).min(self.limits.max());
    }
}

/// The part of the configuration that every sample needs.
#[derive(Clone, Debug)]
struct Limits {
    min_micros: u32,
    max_micros: u32,
    /// What 4 * RTTVAR counts for at least.
    variance_min_micros: u32,
}

impl Limits {
    #[inline]
    fn max(&self) -> Duration {
        Duration::from_micros(u64::from(self.max_micros))
    }

    #[inline]
    fn variance_min(&self) -> Duration {
        Duration::from_micros(u64::from(self.variance_min_micros))
    }

    /// RFC 6298 §2.2 to §2.5: SRTT + max(G, 4 * RTTVAR), within the bounds.
    #[inline]
    fn timeout(&self, estimator: &RttEstimator, slop: Duration) -> Duration {
        let smoothed = estimator.smoothed().unwrap_or(Duration::ZERO).as_nanos();
        let variation = estimator.guard().max(self.variance_min());
        let timeout = Duration::from_nanos(smoothed.saturating_add(variation.as_nanos()));
        let least = timeout.max(Duration::from_micros(u64::from(self.min_micros)));
        least.saturating_add(slop).min(self.max())
    }
}

fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

/// The deadline of a timer that does not run.
const STOPPED: Instant = Instant::FAR_FUTURE;

#[cfg(test)]
mod tests;

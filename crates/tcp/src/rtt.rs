//! Round-trip time estimator: SRTT, RTTVAR and the minimum, in integer nanoseconds (RFC 6298 §2).

use faultwire_base::Duration;

/// What is known of the round-trip time. Empty until the first sample.
#[derive(Clone, Debug)]
pub(crate) struct RttEstimator {
    smoothed: Duration,
    variation: Duration,
    minimum: Duration,
}

impl RttEstimator {
    /// An estimator without a sample.
    pub(crate) const fn new() -> Self {
        Self { smoothed: Duration::ZERO, variation: Duration::ZERO, minimum: Duration::MAX }
    }

    /// Takes one measurement in. A measurement of zero counts as one nanosecond, so that it differs from none.
    #[inline]
    pub(crate) fn sample(&mut self, rtt: Duration) {
        let rtt = Duration::from_nanos(rtt.as_nanos().max(1));
        self.minimum = self.minimum.min(rtt);
        if self.smoothed.is_zero() {
            // RFC 6298 §2.2: SRTT <- R, RTTVAR <- R/2.
            self.smoothed = rtt;
            self.variation = rtt / 2;
            return;
        }
        // RFC 6298 §2.3: RTTVAR first, since it is measured against the SRTT before this sample.
        let error = self.smoothed.abs_diff(rtt);
        self.variation = weigh(self.variation, error, 4);
        self.smoothed = weigh(self.smoothed, rtt, 8);
    }

    /// SRTT; `None` before the first sample.
    pub(crate) fn smoothed(&self) -> Option<Duration> {
        (!self.smoothed.is_zero()).then_some(self.smoothed)
    }

    /// RTTVAR; zero before the first sample.
    pub(crate) fn variation(&self) -> Duration {
        self.variation
    }

    /// Smallest sample so far; `None` before the first.
    pub(crate) fn minimum(&self) -> Option<Duration> {
        (self.minimum != Duration::MAX).then_some(self.minimum)
    }
}

/// `(1 - 1/share) * old + new / share`, rounded down but never to zero.
#[inline]
fn weigh(old: Duration, new: Duration, share: u64) -> Duration {
    let sum = old.as_nanos() as u128 * (share as u128 - 1) + new.as_nanos() as u128;
    Duration::from_nanos(((sum / share as u128) as u64).max(1))
}

#[cfg(test)]
mod tests;

//! Round-trip time estimator: SRTT, RTTVAR and the minimum, in integer nanoseconds (RFC 6298 §2).

use faultwire_base::Duration;

use crate::config::VariancePolicy;
use crate::offset::Offset;

/// What is known of the round-trip time. Empty until the first sample.
#[derive(Clone, Debug)]
pub(crate) struct RttEstimator {
    smoothed: Duration,
    variation: Duration,
    minimum: Duration,
    policy: VariancePolicy,
    /// Four times the variation as the timeout uses it (`rttvar_us`), in microseconds, where it is the largest of a round
    /// trip.
    guard: u32,
    /// The largest of the present round trip (`mdev_max_us`), and where the round trip ends.
    largest: u32,
    round_end: Offset,
}

impl RttEstimator {
    /// An estimator without a sample.
    pub(crate) const fn new(policy: VariancePolicy) -> Self {
        Self {
            smoothed: Duration::ZERO,
            variation: Duration::ZERO,
            minimum: Duration::MAX,
            policy,
            guard: 0,
            largest: 0,
            round_end: Offset::ISN,
        }
    }

    /// Takes one measurement in, made with `range` (SND.UNA to SND.NXT) in flight; a guard is at least `floor`. A
    /// measurement of zero counts as one nanosecond, so that it differs from none.
    #[inline]
    pub(crate) fn sample(&mut self, rtt: Duration, range: (Offset, Offset), floor: Duration) {
        let rtt = Duration::from_nanos(rtt.as_nanos().clamp(1, LONGEST));
        self.minimum = self.minimum.min(rtt);
        if self.policy == VariancePolicy::LinuxFloor {
            self.sample_as_linux(rtt, range, floor);
            return;
        }
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

    /// Notes a measurement of a later segment, for the minimum.
    #[inline]
    pub(crate) fn note_minimum(&mut self, rtt: Duration) {
        self.minimum = self.minimum.min(Duration::from_nanos(rtt.as_nanos().max(1)));
    }

    /// SRTT; `None` before the first sample.
    #[inline]
    pub(crate) fn smoothed(&self) -> Option<Duration> {
        (!self.smoothed.is_zero()).then_some(self.smoothed)
    }

    /// RTTVAR; zero before the first sample.
    pub(crate) fn variation(&self) -> Duration {
        self.variation
    }

    /// What the timeout adds to SRTT, before its bounds.
    #[inline]
    pub(crate) fn guard(&self) -> Duration {
        match self.policy {
            VariancePolicy::Rfc => self.variation.saturating_mul(4),
            VariancePolicy::LinuxFloor => Duration::from_micros(u64::from(self.guard)),
        }
    }

    /// Smallest sample so far; `None` before the first.
    #[inline]
    pub(crate) fn minimum(&self) -> Option<Duration> {
        (self.minimum != Duration::MAX).then_some(self.minimum)
    }

    /// After a spurious timeout the path is slower than was believed: the estimate before it, or that of `rtt` alone,
    /// whichever is more (RFC 4015 §3.2 step (7)).
    pub(crate) fn adapt(&mut self, before: (Duration, Duration), rtt: Duration) {
        self.smoothed = before.0.max(rtt);
        self.variation = before.1.max(rtt / 2);
    }

    /// `tcp_rtt_estimator`: a fall of the round trip widens the variation by an eighth of what it would otherwise, and
    /// the timeout uses the largest variation of a round trip, from which it comes down slowly.
    fn sample_as_linux(&mut self, rtt: Duration, (start, end): (Offset, Offset), floor: Duration) {
        if self.smoothed.is_zero() {
            self.smoothed = rtt;
            self.variation = rtt / 2;
            self.guard = micros(self.variation.saturating_mul(4).max(floor));
            self.largest = self.guard;
            self.round_end = end;
            return;
        }
        let (smoothed, variation) = (self.smoothed.as_nanos() as i64, self.variation.as_nanos() as i64);
        let error = rtt.as_nanos() as i64 - smoothed;
        let mut wider = error.abs() - variation;
        if error < 0 && wider > 0 {
            wider >>= 3;
        }
        self.smoothed = Duration::from_nanos((smoothed + (error >> 3)).max(1) as u64);
        self.variation = Duration::from_nanos((variation + (wider >> 2)).max(1) as u64);
        let four = micros(self.variation.saturating_mul(4));
        if four > self.largest {
            self.largest = four;
            self.guard = self.guard.max(four);
        }
        if start > self.round_end {
            if self.largest < self.guard {
                self.guard -= (self.guard - self.largest) / 4;
            }
            self.round_end = end;
            self.largest = micros(floor);
        }
    }
}

fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

/// Longer measurements (36 years) count as this long.
const LONGEST: u64 = 1 << 60;

/// `(1 - 1/share) * old + new / share`, rounded down but never to zero.
#[inline]
fn weigh(old: Duration, new: Duration, share: u64) -> Duration {
    let sum = old.as_nanos() as u128 * (share as u128 - 1) + new.as_nanos() as u128;
    Duration::from_nanos(((sum / share as u128) as u64).max(1))
}

#[cfg(test)]
mod tests;

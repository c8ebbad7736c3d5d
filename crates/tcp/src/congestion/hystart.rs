//! HyStart++: leaving slow start when the round trip grows, by way of conservative slow start (RFC 9406).

use faultwire_base::Duration;

use super::{is_before, low};
use crate::offset::Offset;

/// State of the search (RFC 9406 §4.2).
#[derive(Clone, Debug)]
pub(super) struct HyStart {
    window_end: u32,
    /// In microseconds, as all here.
    least_of_round: u32,
    least_of_last: u32,
    /// cssBaselineMinRtt; zero outside of conservative slow start.
    baseline: u32,
    samples: u8,
    conservative_rounds: u8,
    done: bool,
}

impl HyStart {
    pub(super) fn new() -> Self {
        Self {
            window_end: 0,
            least_of_round: u32::MAX,
            least_of_last: u32::MAX,
            baseline: 0,
            samples: 0,
            conservative_rounds: 0,
            done: false,
        }
    }

    /// A round trip was measured in slow start, with `(SND.UNA, SND.NXT)`. Says whether slow start ends.
    pub(super) fn sample(&mut self, rtt: Duration, range: (Offset, Offset)) -> bool {
        if self.done {
            return false;
        }
        let rtt = u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX).max(1);
        if !is_before(low(range.0), self.window_end) {
            self.least_of_last = self.least_of_round;
            self.least_of_round = u32::MAX;
            self.samples = 0;
            self.window_end = low(range.1);
            if self.baseline != 0 {
                self.conservative_rounds += 1;
                if self.conservative_rounds >= CSS_ROUNDS {
                    self.done = true;
                    return true;
                }
            }
        }
        self.least_of_round = self.least_of_round.min(rtt);
        self.samples = self.samples.saturating_add(1);
        if self.samples < N_RTT_SAMPLE || self.least_of_last == u32::MAX {
            return false;
        }
        if self.baseline == 0 {
            let threshold = (self.least_of_last / 8).clamp(MIN_RTT_THRESH, MAX_RTT_THRESH);
            if self.least_of_round >= self.least_of_last.saturating_add(threshold) {
                self.baseline = self.least_of_round;
                self.conservative_rounds = 0;
            }
        } else if self.least_of_round < self.baseline {
            // The growth was a false alarm.
            self.baseline = 0;
        }
        false
    }

    /// What slow start grows by instead of `octets` (RFC 9406 §4.2: CSS_GROWTH_DIVISOR).
    #[inline]
    pub(super) fn growth(&self, octets: u64) -> u64 {
        if self.baseline == 0 { octets } else { octets / CSS_GROWTH_DIVISOR }
    }

    /// A loss, or a mark of congestion: slow start is not watched a second time (RFC 9406 §4.3).
    pub(super) fn stop(&mut self) {
        self.done = true;
        self.baseline = 0;
    }
}

const MIN_RTT_THRESH: u32 = 4000;
const MAX_RTT_THRESH: u32 = 16_000;
const N_RTT_SAMPLE: u8 = 8;
const CSS_GROWTH_DIVISOR: u64 = 4;
const CSS_ROUNDS: u8 = 5;

#[cfg(test)]
mod tests;

//! HyStart as in Linux's CUBIC: slow start ends when the ACKs of a round span half a round trip, or come late.

use faultwire_base::{Duration, Instant};

use super::{is_before, low};
use crate::offset::Offset;

/// State of the search, and the least round trip.
#[derive(Clone, Debug)]
pub(super) struct Train {
    /// In microseconds, as all here; zero before the first measurement.
    least: u32,
    round_started: u32,
    last_ack: u32,
    least_of_round: u32,
    round_end: u32,
    samples: u8,
    wanted: bool,
    found: bool,
}

impl Train {
    pub(super) fn new(wanted: bool) -> Self {
        Self {
            least: 0,
            round_started: 0,
            last_ack: 0,
            least_of_round: u32::MAX,
            round_end: 0,
            samples: 0,
            wanted,
            found: false,
        }
    }

    /// Whether slow start is to be watched at all.
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// The least round trip in whole milliseconds; zero before the first.
    pub(super) fn least_millis(&self) -> u32 {
        self.least / 1000
    }

    /// `bictcp_hystart_reset`.
    pub(super) fn begin_round(&mut self, now: Instant, end: Offset) {
        self.round_started = micros(now);
        self.last_ack = self.round_started;
        self.round_end = low(end);
        self.least_of_round = u32::MAX;
        self.samples = 0;
    }

    /// A round trip was measured, with `(SND.UNA, SND.NXT)`; `slow_start` is the window in slow start. Says whether it
    /// is to end here.
    pub(super) fn sample(
        &mut self,
        now: Instant,
        rtt: Duration,
        range: (Offset, Offset),
        slow_start: Option<u64>,
    ) -> bool {
        let rtt = u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX).max(1);
        if self.least == 0 || rtt < self.least {
            self.least = rtt;
        }
        if self.found || !self.wanted || slow_start.is_none_or(|window| window < LOW_WINDOW) {
            return false;
        }
        if is_before(self.round_end, low(range.0)) {
            self.begin_round(now, range.1);
        }
        let now = micros(now);
        if now.wrapping_sub(self.last_ack) <= ACK_DELTA {
            self.last_ack = now;
            // Half a round trip: with ACKs of data sent in one burst the path is full.
            let threshold = self.least.saturating_add(ACK_DELAY) / 2;
            self.found |= now.wrapping_sub(self.round_started) > threshold;
        }
        self.least_of_round = self.least_of_round.min(rtt);
        if self.samples < SAMPLES {
            self.samples += 1;
        } else {
            let slack = (self.least / 8).clamp(DELAY_MIN, DELAY_MAX);
            self.found |= self.least_of_round > self.least.saturating_add(slack);
        }
        self.found
    }
}

/// Microseconds, modulo 2^32.
fn micros(now: Instant) -> u32 {
    (now.as_nanos() / 1000) as u32
}

/// `hystart_low_window`.
const LOW_WINDOW: u64 = 16;
/// `hystart_ack_delta_us`.
const ACK_DELTA: u32 = 2000;
/// `hystart_ack_delay` of a rate below 2 Gbit/s.
const ACK_DELAY: u32 = 1000;
const SAMPLES: u8 = 8;
const DELAY_MIN: u32 = 4000;
const DELAY_MAX: u32 = 16_000;

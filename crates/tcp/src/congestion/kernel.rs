//! Reno and CUBIC as Linux computes them: windows in segments, time in milliseconds, fractions of a segment in counters.
//!
//! RFC 5681 and RFC 9438 leave the arithmetic open; this is the one that `tcp_cong.c` and `tcp_cubic.c` settle it by, so
//! that a window has the kernel's value after each ACK.

use faultwire_base::{Duration, Instant};

use super::cubic::cube_root;
use super::train::Train;
use super::{is_before, low};
use crate::offset::Offset;

/// State of the laws, and of how much of the window was used.
#[derive(Clone, Debug)]
pub(super) struct Kernel {
    /// `snd_cwnd_cnt`: segments acknowledged since the window last grew.
    count: u32,
    usage: Usage,
    cubic: Option<Cubic>,
}

/// How much of the window was used (RFC 7661 §1; `tcp_cwnd_validate`).
#[derive(Clone, Debug)]
struct Usage {
    limited: bool,
    /// The most segments in flight in the round trip that ends with `until`.
    most: u32,
    until: u32,
    /// The most segments in flight since `stamp`.
    used: u32,
    /// When the window was last full, or last cut, in milliseconds.
    stamp: u32,
}

/// `struct bictcp`.
#[derive(Clone, Debug)]
struct Cubic {
    /// Segments to be acknowledged for the window to grow by one.
    needed: u32,
    last_maximum: u32,
    last_window: u32,
    last_time: u32,
    origin: u32,
    /// In units of 1/1024 s.
    k: u32,
    /// In milliseconds; 0: no epoch.
    epoch: u32,
    acknowledged: u32,
    reno_window: u32,
    /// HyStart, and the least round trip.
    train: Train,
}

impl Kernel {
    pub(super) fn new(cubic: bool, hystart: bool) -> Self {
        Self {
            count: 0,
            usage: Usage { limited: false, most: 0, until: 0, used: 0, stamp: 0 },
            cubic: cubic.then(|| Cubic::new(hystart)),
        }
    }

    /// `tcp_cwnd_validate`, after a transmission that left `segments` in flight up to `end`. `idle_cut` tells of the
    /// window that the sender could not fill for a whole timeout `rto`: what it used of it then.
    pub(super) fn note_usage(
        &mut self,
        now: Instant,
        limited: bool,
        segments: u32,
        range: (Offset, Offset),
        slow_start: Option<u64>,
        rto: Duration,
    ) -> Option<u32> {
        let usage = &mut self.usage;
        let (start, end) = range;
        if !is_before(low(start), usage.until) || limited || (!usage.limited && segments > usage.most) {
            usage.limited = limited;
            usage.most = segments;
            usage.until = low(end);
        }
        if usage.is_full(slow_start) {
            usage.used = 0;
            usage.stamp = millis(now);
            return None;
        }
        usage.used = usage.used.max(segments);
        if u64::from(millis(now).wrapping_sub(usage.stamp)) < rto.as_millis() {
            return None;
        }
        usage.stamp = millis(now);
        Some(std::mem::take(&mut usage.used))
    }

    /// `tcp_is_cwnd_limited`; in slow start the window may be twice of what is used. `slow_start` is the window then.
    pub(super) fn is_full(&self, slow_start: Option<u64>) -> bool {
        self.usage.is_full(slow_start)
    }

    /// The window was cut after an idle time.
    pub(super) fn on_restart(&mut self, now: Instant) {
        self.usage.stamp = millis(now);
        self.usage.used = 0;
    }

    /// Growth of the window for `segments` acknowledged in congestion avoidance.
    pub(super) fn growth(&mut self, now: Instant, window: u64, segments: u64) -> u64 {
        let (window, segments) = (clamp(window), clamp(segments));
        let needed = match &mut self.cubic {
            Some(cubic) => cubic.segments_needed(millis(now), window, segments),
            None => window,
        };
        // tcp_cong_avoid_ai
        let mut grown = 0;
        if self.count >= needed {
            self.count = 0;
            grown = 1;
        }
        self.count += segments;
        if self.count >= needed {
            grown += self.count / needed;
            self.count %= needed;
        }
        u64::from(grown)
    }

    /// ssthresh: half of the window, or 717/1024 of it.
    pub(super) fn threshold_after_loss(&mut self, window: u64) -> u64 {
        self.count = 0;
        match &mut self.cubic {
            Some(cubic) => u64::from(cubic.threshold_after_loss(clamp(window)).max(2)),
            None => (window / 2).max(2),
        }
    }

    /// CA state Loss: CUBIC starts anew (`bictcp_reset`).
    pub(super) fn on_timeout(&mut self, now: Instant, end: Offset) {
        self.count = 0;
        if let Some(cubic) = &mut self.cubic {
            let hystart = cubic.train.is_wanted();
            *cubic = Cubic::new(hystart);
            cubic.train.begin_round(now, end);
        }
    }

    /// Something goes out after nothing was in flight since `last_sent`: such time does not count for the curve.
    pub(super) fn on_idle_end(&mut self, now: Instant, last_sent: Instant) {
        if let Some(cubic) = &mut self.cubic
            && cubic.epoch > 0
        {
            let idle = now.saturating_since(last_sent).as_millis() as u32;
            cubic.epoch = cubic.epoch.saturating_add(idle).min(millis(now));
        }
    }

    /// A round trip was measured (`cubictcp_acked`). Says whether slow start is to end here.
    pub(super) fn on_round_trip(
        &mut self,
        now: Instant,
        rtt: Duration,
        range: (Offset, Offset),
        slow_start: Option<u64>,
    ) -> bool {
        let Some(cubic) = &mut self.cubic else { return false };
        if cubic.epoch > 0 && millis(now).wrapping_sub(cubic.epoch) < 1000 {
            return false;
        }
        cubic.train.sample(now, rtt, range, slow_start)
    }
}

impl Usage {
    fn is_full(&self, slow_start: Option<u64>) -> bool {
        self.limited || slow_start.is_some_and(|window| window < 2 * u64::from(self.most))
    }
}

impl Cubic {
    fn new(hystart: bool) -> Self {
        Self {
            needed: 0,
            last_maximum: 0,
            last_window: 0,
            last_time: 0,
            origin: 0,
            k: 0,
            epoch: 0,
            acknowledged: 0,
            reno_window: 0,
            train: Train::new(hystart),
        }
    }

    /// `bictcp_update`, and what its count is taken for.
    fn segments_needed(&mut self, now: u32, window: u32, segments: u32) -> u32 {
        self.acknowledged = self.acknowledged.saturating_add(segments);
        if self.last_window == window && now.wrapping_sub(self.last_time) <= 1000 / 32 {
            return self.needed.max(1);
        }
        if self.epoch == 0 || now != self.last_time {
            self.last_window = window;
            self.last_time = now;
            if self.epoch == 0 {
                self.begin_epoch(now, window, segments);
            }
            self.follow_curve(now, window);
        }
        self.follow_reno(window);
        // No faster than one segment for two acknowledged: one and a half windows a round trip.
        self.needed = self.needed.max(2);
        self.needed
    }

    fn begin_epoch(&mut self, now: u32, window: u32, segments: u32) {
        self.epoch = now.max(1);
        self.acknowledged = segments;
        self.reno_window = window;
        if self.last_maximum <= window {
            self.k = 0;
            self.origin = window;
        } else {
            self.k = cube_root(CUBE_FACTOR * u128::from(self.last_maximum - window)) as u32;
            self.origin = self.last_maximum;
        }
    }

    fn follow_curve(&mut self, now: u32, window: u32) {
        let elapsed = u64::from(now.wrapping_sub(self.epoch)) + u64::from(self.train.least_millis());
        let t = (elapsed << 10) / 1000;
        let k = u64::from(self.k);
        let distance = u128::from(t.abs_diff(k));
        let delta =
            ((CUBE_RTT_SCALE * distance * distance * distance) >> 40).min(u128::from(u32::MAX)) as u32;
        let target =
            if t < k { self.origin.saturating_sub(delta) } else { self.origin.saturating_add(delta) };
        self.needed = if target > window { window / (target - window) } else { window.saturating_mul(100) };
        // Before the first loss it grows by 5 % a round trip at least.
        if self.last_maximum == 0 {
            self.needed = self.needed.min(20);
        }
    }

    /// The window that Reno would have (RFC 9438 §4.3): a segment for 15/8 windows acknowledged.
    fn follow_reno(&mut self, window: u32) {
        let step = ((u64::from(window) * BETA_SCALE) >> 3).max(1);
        let grown = u64::from(self.acknowledged).saturating_sub(1) / step;
        self.acknowledged -= (grown * step) as u32;
        self.reno_window = self.reno_window.saturating_add(grown as u32);
        if self.reno_window > window {
            self.needed = self.needed.min(window / (self.reno_window - window));
        }
    }

    /// `cubictcp_recalc_ssthresh`, with fast convergence (RFC 9438 §4.7).
    fn threshold_after_loss(&mut self, window: u32) -> u32 {
        self.epoch = 0;
        self.last_maximum = if window < self.last_maximum {
            (u64::from(window) * (1024 + BETA) / 2048) as u32
        } else {
            window
        };
        (u64::from(window) * BETA / 1024) as u32
    }
}

/// beta_cubic = 717/1024.
const BETA: u64 = 717;
/// 8 * (1024 + beta) / 3 / (1024 - beta).
const BETA_SCALE: u64 = 8 * (1024 + BETA) / 3 / (1024 - BETA);
/// C = 410/1024, in the units of the curve.
const CUBE_RTT_SCALE: u128 = 410;
/// 2^40 / 410.
const CUBE_FACTOR: u128 = (1 << 40) / CUBE_RTT_SCALE;

fn millis(now: Instant) -> u32 {
    (now.as_nanos() / 1_000_000) as u32
}

fn clamp(segments: u64) -> u32 {
    u32::try_from(segments).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;

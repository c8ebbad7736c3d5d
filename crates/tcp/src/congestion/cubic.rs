//! Congestion avoidance of CUBIC (RFC 9438), in integers.
//!
//! Windows are octets, times are microseconds. The RFC's segments are octets over SMSS. The cube is computed for
//! distances up to 250 s from the plateau, which is 6 million segments away from it.

use std::mem;

use faultwire_base::{Duration, Instant};

use super::hystart::HyStart;
use crate::offset::Offset;

/// State of the law.
#[derive(Clone, Debug)]
pub(super) struct Cubic {
    /// W_max, in octets; 0 if the next epoch begins on its own plateau.
    maximum: u64,
    /// cwnd_prior: the window before the last reduction, in octets.
    prior: u64,
    epoch: Option<Epoch>,
    /// Since when the window is not the limit; [`NOT_PAUSED`] if it is. Such time does not count (RFC 9438 §5.8).
    paused_since: Instant,
    hystart: Option<HyStart>,
}

/// One stage of congestion avoidance.
#[derive(Clone, Debug)]
struct Epoch {
    started: Instant,
    /// K, in microseconds.
    plateau_after: u64,
    /// W_est, in octets: what Reno would have (RFC 9438 §4.3).
    estimate: u64,
    /// Carried fraction of `estimate`, in units of 1/(17 * cwnd).
    estimate_rest: u64,
    /// Carried fraction of the window, in units of 1/cwnd.
    window_rest: u64,
}

impl Cubic {
    pub(super) const fn new(hystart: Option<HyStart>) -> Self {
        Self { maximum: 0, prior: 0, epoch: None, paused_since: NOT_PAUSED, hystart }
    }

    /// A round trip was measured in slow start. Says whether slow start ends by it (RFC 9406).
    #[inline]
    pub(super) fn on_round_trip(&mut self, rtt: Duration, range: (Offset, Offset)) -> bool {
        self.hystart.as_mut().is_some_and(|hystart| hystart.sample(rtt, range))
    }

    /// What slow start grows by, of `octets`.
    #[inline]
    pub(super) fn slow_start_growth(&self, octets: u64) -> u64 {
        self.hystart.as_ref().map_or(octets, |hystart| hystart.growth(octets))
    }

    /// Growth of the window for `octets` acknowledged in congestion avoidance (RFC 9438 §4.2 to §4.5).
    pub(super) fn growth(&mut self, now: Instant, window: u64, octets: u64, smss: u32, rtt: Duration) -> u64 {
        let smss = u64::from(smss);
        if self.epoch.is_none() {
            self.begin_epoch(now, window, smss);
        }
        let Some(epoch) = &mut self.epoch else { return 0 };
        let elapsed = now.saturating_since(epoch.started).as_micros();
        let ahead = w_cubic(elapsed.saturating_add(rtt.as_micros()), epoch.plateau_after, self.maximum, smss);
        // RFC 9438 §4.2: the target lies between the window and one and a half of it.
        let target = ahead.clamp(window, window + window / 2);
        let step = (target - window) * octets.min(window) + epoch.window_rest;
        epoch.window_rest = step % window;
        let grown = window + step / window;

        epoch.grow_estimate(window, octets, smss, self.prior);
        // RFC 9438 §4.3: where Reno would be faster, follow it.
        if epoch.estimate > grown
            && w_cubic(elapsed, epoch.plateau_after, self.maximum, smss) < epoch.estimate
        {
            epoch.window_rest = 0;
            return epoch.estimate - window;
        }
        grown - window
    }

    /// Seven tenths of what was outstanding (RFC 9438 §4.6). Remembers `window` for the next epoch.
    pub(super) fn threshold_after_loss(&mut self, window: u64, flight: u64) -> u64 {
        // RFC 9438 §4.7, fast convergence: a flow that did not get back to its last plateau leaves room for others.
        self.maximum = if window < self.maximum { window * 17 / 20 } else { window };
        self.prior = window;
        self.epoch = None;
        if let Some(hystart) = &mut self.hystart {
            hystart.stop();
        }
        flight * BETA_TENTHS / 10
    }

    /// RFC 9438 §4.8: the stage after a timeout starts on its own plateau (K = 0, W_max = cwnd).
    pub(super) fn on_timeout(&mut self) {
        self.maximum = 0;
        self.epoch = None;
    }

    /// The next acknowledgment begins a new stage, from whatever the window is then.
    pub(super) fn end_epoch(&mut self) {
        self.epoch = None;
    }

    /// The window ceases to be the limit, or becomes it again.
    pub(super) fn set_paused(&mut self, now: Instant, paused: bool) {
        let since = mem::replace(&mut self.paused_since, if paused { now } else { NOT_PAUSED });
        if let Some(epoch) = &mut self.epoch {
            epoch.started += now.saturating_since(since);
        }
    }

    fn begin_epoch(&mut self, now: Instant, window: u64, smss: u64) {
        // RFC 9438 §4.2 and §4.8: above the old plateau there is none, so the epoch makes its own.
        self.maximum = self.maximum.max(window);
        self.epoch = Some(Epoch {
            started: now,
            plateau_after: k_micros(self.maximum - window, smss),
            estimate: window,
            estimate_rest: 0,
            window_rest: 0,
        });
    }
}

impl Epoch {
    /// RFC 9438 §4.3: W_est grows by alpha segments a window: 9/17, then 1 once it has reached the window before the
    /// reduction.
    #[inline]
    fn grow_estimate(&mut self, window: u64, octets: u64, smss: u64, prior: u64) {
        let alpha_seventeenths = if self.estimate < prior { 9 } else { 17 };
        let divisor = 17 * window;
        let step = alpha_seventeenths * smss * octets.min(window) + self.estimate_rest;
        self.estimate += step / divisor;
        self.estimate_rest = step % divisor;
    }
}

/// No time has passed since then.
const NOT_PAUSED: Instant = Instant::FAR_FUTURE;
/// beta_cubic, in tenths (RFC 9438 §4.6).
const BETA_TENTHS: u64 = 7;
/// Largest distance from the plateau that is told apart: 250 s, in microseconds.
const DISTANCE_MAX: u64 = 250_000_000;

/// K, in microseconds: the cube root of `below_plateau` segments over C = 0.4 (RFC 9438 §4.2), rounded down.
fn k_micros(below_plateau: u64, smss: u64) -> u64 {
    // In cubic microseconds; 10/4 is 1/C.
    let cube = u128::from(below_plateau) * 10 * 1_000_000_000_000_000_000 / (4 * u128::from(smss));
    cube_root(cube)
}

/// W_cubic at `elapsed`, in octets: C * (t - K)^3 + W_max (RFC 9438 §4.2, equation 1).
#[inline]
fn w_cubic(elapsed: u64, plateau_after: u64, maximum: u64, smss: u64) -> u64 {
    let distance = elapsed.abs_diff(plateau_after).min(DISTANCE_MAX);
    // Every intermediate fits in 64 bits: 250e6 squared over 1e6, times 250e6, is 1.6e19.
    let cube = distance * distance / 1_000_000 * distance / 1_000_000;
    // Millionths of a cubic second to octets; C = 4/10.
    let octets = cube * 4 * smss / 10_000_000;
    if elapsed >= plateau_after { maximum + octets } else { maximum.saturating_sub(octets) }
}

/// The integer cube root, rounded down.
pub(super) fn cube_root(value: u128) -> u64 {
    let mut root: u128 = 0;
    let top = (u128::BITS - value.leading_zeros()).div_ceil(3);
    for bit in (0..top).rev() {
        let candidate = root | 1 << bit;
        if candidate.checked_pow(3).is_some_and(|cube| cube <= value) {
            root = candidate;
        }
    }
    root as u64
}

#[cfg(test)]
mod tests;

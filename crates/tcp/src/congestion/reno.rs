//! Congestion avoidance of Reno: one segment a window, counted in octets (RFC 5681 §3.1, RFC 3465 §2.1).

/// State of the law.
#[derive(Clone, Debug)]
pub(super) struct Reno {
    /// Octets acknowledged since the window last grew.
    acknowledged: u64,
}

impl Reno {
    pub(super) const fn new() -> Self {
        Self { acknowledged: 0 }
    }

    /// Growth of the window for `octets` acknowledged in congestion avoidance.
    #[inline]
    pub(super) fn growth(&mut self, window: u64, octets: u64, smss: u32) -> u64 {
        self.acknowledged += octets;
        if self.acknowledged < window {
            return 0;
        }
        // RFC 3465 §2.1. An ACK for more than a window gives one segment all the same: RFC 5681 §3.1 allows no more
        // in a round trip.
        self.acknowledged = (self.acknowledged - window).min(window);
        u64::from(smss)
    }

    /// Half of what was outstanding (RFC 5681 §3.1, equation 4).
    pub(super) fn threshold_after_loss(&mut self, flight: u64) -> u64 {
        self.acknowledged = 0;
        flight / 2
    }

    pub(super) fn on_timeout(&mut self) {
        self.acknowledged = 0;
    }
}

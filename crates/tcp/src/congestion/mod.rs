//! The congestion window and its threshold, with the law that moves them (RFC 5681, 9438).
//!
//! Everything is in octets. The room knows of losses and acknowledgments what it is told; which segment goes out is
//! recovery's business.

mod cubic;
mod reno;

use faultwire_base::{Duration, Instant};

use crate::config::{CongestionAlgorithm, CongestionConfig, InitialWindow};
use cubic::Cubic;
use reno::Reno;

/// Congestion control of one direction of a connection: slow start and congestion avoidance (RFC 9293 §3.8.2, MUST-19).
#[derive(Clone, Debug)]
pub(crate) struct Congestion {
    window: u64,
    threshold: u64,
    smss: u32,
    initial_window: InitialWindow,
    limited: bool,
    algorithm: Algorithm,
}

/// The law of congestion avoidance; another than Reno's may be used (RFC 9293 §3.8.2, MAY-18). Slow start is the same
/// for all.
#[derive(Clone, Debug)]
enum Algorithm {
    Reno(Reno),
    Cubic(Cubic),
}

impl Congestion {
    /// The initial window; one segment if the SYN or the SYN-ACK was lost (RFC 5681 §3.1).
    pub(crate) fn new(config: &CongestionConfig, smss: u32, syn_was_retransmitted: bool) -> Self {
        let algorithm = match config.algorithm {
            CongestionAlgorithm::NewReno => Algorithm::Reno(Reno::new()),
            CongestionAlgorithm::Cubic => Algorithm::Cubic(Cubic::new()),
        };
        let mut made = Self {
            window: u64::from(smss),
            threshold: NO_THRESHOLD,
            smss,
            initial_window: config.initial_window,
            limited: false,
            algorithm,
        };
        if !syn_was_retransmitted {
            made.window = made.initial_window();
        }
        made
    }

    /// cwnd, in octets.
    #[inline]
    pub(crate) fn window(&self) -> u64 {
        self.window
    }

    /// ssthresh, in octets; [`NO_THRESHOLD`] before the first loss.
    #[inline]
    pub(crate) fn threshold(&self) -> u64 {
        self.threshold
    }

    /// Notes whether the sender had to stop because of the window. While it did not, the window does not grow:
    /// nothing shows that the path would bear more (RFC 9293 §3.8.2, RFC 7661 §1).
    #[inline]
    pub(crate) fn set_limited(&mut self, now: Instant, limited: bool) {
        if let Algorithm::Cubic(cubic) = &mut self.algorithm
            && limited != self.limited
        {
            cubic.set_paused(now, !limited);
        }
        self.limited = limited;
    }

    /// `octets` were newly acknowledged outside of fast recovery. In slow start the window grows by at most
    /// `slow_start_limit` segments (RFC 3465 §2.2, §2.3).
    #[inline]
    pub(crate) fn on_acknowledged(
        &mut self,
        now: Instant,
        octets: u64,
        rtt: Duration,
        slow_start_limit: u32,
    ) {
        if !self.limited {
            return;
        }
        let mut left = octets;
        if self.window < self.threshold {
            left = self.slow_start(octets, slow_start_limit);
            if left == 0 {
                return;
            }
        }
        match &mut self.algorithm {
            Algorithm::Reno(reno) => self.window += reno.growth(self.window, left, self.smss),
            Algorithm::Cubic(cubic) => self.window += cubic.growth(now, self.window, left, self.smss, rtt),
        }
    }

    /// Fast recovery begins with `flight` octets outstanding: the window falls to the new threshold.
    pub(crate) fn on_loss(&mut self, flight: u64) {
        self.reduce_threshold(flight);
        self.window = self.threshold;
    }

    /// The retransmission timer ran out. `repeated`: for the same data as last time; then the threshold stays, so
    /// that one dead path does not grind it down (RFC 5681 §3.1).
    pub(crate) fn on_timeout(&mut self, flight: u64, repeated: bool) {
        if !repeated {
            self.reduce_threshold(flight);
        }
        match &mut self.algorithm {
            Algorithm::Reno(reno) => reno.on_timeout(),
            Algorithm::Cubic(cubic) => cubic.on_timeout(),
        }
        // RFC 5681 §3.1: the loss window is one segment, whatever the initial window is.
        self.window = u64::from(self.smss);
    }

    /// Sets the window at the end of fast recovery (RFC 6582 §3.2).
    pub(crate) fn set_window(&mut self, window: u64) {
        self.window = window.max(u64::from(self.smss));
    }

    /// Falls back to the restart window min(IW, cwnd) after an idle time (RFC 5681 §4.1).
    pub(crate) fn restart(&mut self) {
        self.window = self.window.min(self.initial_window());
        if let Algorithm::Cubic(cubic) = &mut self.algorithm {
            cubic.end_epoch();
        }
    }

    /// Takes over a new sender maximum segment size. The window in octets stays.
    pub(crate) fn set_smss(&mut self, smss: u32) {
        self.smss = smss;
        self.window = self.window.max(u64::from(smss));
    }

    /// IW, in octets (RFC 6928 §2; RFC 5681 §3.1 after RFC 3390 §1).
    fn initial_window(&self) -> u64 {
        let smss = u64::from(self.smss);
        match self.initial_window {
            InitialWindow::Segments(segments) => smss * u64::from(segments.max(1)),
            InitialWindow::Rfc5681 => (4 * smss).min((2 * smss).max(4380)),
        }
    }

    /// RFC 3465 §2.2, appropriate byte counting. What is left over when the threshold is reached counts for
    /// congestion avoidance.
    #[inline]
    fn slow_start(&mut self, octets: u64, limit: u32) -> u64 {
        let growth = octets.min(u64::from(limit) * u64::from(self.smss));
        let room = self.threshold - self.window;
        if growth < room {
            self.window += growth;
            return 0;
        }
        self.window = self.threshold;
        growth - room
    }

    fn reduce_threshold(&mut self, flight: u64) {
        let reduced = match &mut self.algorithm {
            Algorithm::Reno(reno) => reno.threshold_after_loss(flight),
            Algorithm::Cubic(cubic) => cubic.threshold_after_loss(self.window, flight),
        };
        // RFC 5681 §3.1 equation 4, RFC 9438 §4.6: not under two segments.
        self.threshold = reduced.max(2 * u64::from(self.smss));
    }
}

/// The threshold before the first loss: as high as can be said (RFC 5681 §3.1).
pub(crate) const NO_THRESHOLD: u64 = u64::MAX;

#[cfg(test)]
mod tests;

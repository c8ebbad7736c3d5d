//! The congestion window and its threshold, with the law that moves them (RFC 5681, 9438).
//!
//! Everything is in the unit that is configured, octets or segments. The room knows of losses and acknowledgments what it
//! is told; which segment goes out is recovery's business.

mod cubic;
mod hystart;
mod kernel;
mod reno;
mod train;

use faultwire_base::{Duration, Instant};

use crate::config::{
    CongestionAlgorithm, CongestionConfig, EmptyFlight, InitialWindow, LossResponse, SlowStartExit,
    WindowUnit,
};
use crate::offset::Offset;
use cubic::Cubic;
use hystart::HyStart;
use kernel::Kernel;
use reno::Reno;

/// Congestion control of one direction of a connection: slow start and congestion avoidance (RFC 9293 §3.8.2, MUST-19).
#[derive(Clone, Debug)]
pub(crate) struct Congestion {
    window: u64,
    threshold: u64,
    limited: bool,
    initial_window: InitialWindow,
    loss_response: LossResponse,
    empty_flight: EmptyFlight,
    /// The flight ran empty, and until the next ACK the sender is taken for idle.
    idle: bool,
    smss: u32,
    algorithm: Algorithm,
}

/// The law of congestion avoidance; another than Reno's may be used (RFC 9293 §3.8.2, MAY-18). CUBIC may leave slow start
/// before a loss; slow start itself is the same for all.
#[derive(Clone, Debug)]
enum Algorithm {
    Reno(Reno),
    Cubic(Cubic),
    Kernel(Kernel),
}

/// What a sender had in flight, as the law asks for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flight {
    /// SND.UNA.
    pub(crate) start: Offset,
    /// SND.NXT.
    pub(crate) end: Offset,
    /// Segments not acknowledged cumulatively.
    pub(crate) segments: u32,
}

impl Congestion {
    /// The initial window; one segment if the SYN or the SYN-ACK was lost (RFC 5681 §3.1).
    pub(crate) fn new(config: &CongestionConfig, smss: u32, syn_retransmissions: u32) -> Self {
        let cubic = config.algorithm == CongestionAlgorithm::Cubic;
        let algorithm = match config.unit {
            WindowUnit::Segments => {
                Algorithm::Kernel(Kernel::new(cubic, config.slow_start_exit == SlowStartExit::HyStart))
            }
            WindowUnit::Octets if cubic => {
                let watched = config.slow_start_exit == SlowStartExit::HyStartPlusPlus;
                Algorithm::Cubic(Cubic::new(watched.then(HyStart::new)))
            }
            WindowUnit::Octets => Algorithm::Reno(Reno::new()),
        };
        let mut made = Self {
            window: 0,
            threshold: NO_THRESHOLD,
            limited: false,
            initial_window: config.initial_window,
            loss_response: config.loss_response,
            empty_flight: if cubic { config.empty_flight } else { EmptyFlight::MaybeFull },
            idle: false,
            smss,
            algorithm,
        };
        let one = syn_retransmissions >= config.one_segment_after.max(1);
        made.window = if one { made.one() } else { made.initial_window() };
        made
    }

    /// cwnd.
    #[inline]
    pub(crate) fn window(&self) -> u64 {
        self.window
    }

    /// ssthresh; [`NO_THRESHOLD`] before the first loss.
    #[inline]
    pub(crate) fn threshold(&self) -> u64 {
        self.threshold
    }

    /// The threshold that would be right for the present window: what an undone reduction, or an idle time, goes back
    /// to (`tcp_current_ssthresh`).
    pub(crate) fn current_threshold(&self) -> u64 {
        self.threshold.max(self.window / 2 + self.window / 4)
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

    /// As [`Congestion::set_limited`], after a transmission that left `flight` under way; the window also counts as
    /// used up while at least half of it is in slow start. With `cut_after`, a window that was not used up for so long
    /// is cut halfway to what was used (`tcp_cwnd_application_limited`).
    pub(crate) fn note_usage(
        &mut self,
        now: Instant,
        limited: bool,
        flight: Flight,
        rto: Duration,
        cut: bool,
    ) {
        let slow_start = self.slow_start_window();
        let (limited, segments) = if self.idle { (false, 0) } else { (limited, flight.segments) };
        let Algorithm::Kernel(kernel) = &mut self.algorithm else {
            self.set_limited(now, limited);
            return;
        };
        let range = (flight.start, flight.end);
        let unused = kernel.note_usage(now, limited, segments, range, slow_start, rto);
        if let Some(used) = unused.filter(|_| cut) {
            let used = u64::from(used).max(self.initial_window());
            if used < self.window {
                self.threshold = self.current_threshold();
                self.window = (self.window + used) / 2;
            }
        }
    }

    /// `amount` was newly acknowledged outside of fast recovery. In slow start the window grows by at most
    /// `slow_start_limit` segments (RFC 3465 §2.2, §2.3).
    #[inline]
    pub(crate) fn on_acknowledged(
        &mut self,
        now: Instant,
        amount: u64,
        rtt: Duration,
        slow_start_limit: u32,
    ) {
        if !self.is_limited() {
            self.idle = false;
            return;
        }
        let mut left = amount;
        if self.window < self.threshold {
            left = self.slow_start(amount, slow_start_limit);
            if left == 0 {
                return;
            }
        }
        self.window += match &mut self.algorithm {
            Algorithm::Reno(reno) => reno.growth(self.window, left, self.smss),
            Algorithm::Cubic(cubic) => cubic.growth(now, self.window, left, self.smss, rtt),
            Algorithm::Kernel(kernel) => kernel.growth(now, self.window, left),
        };
    }

    /// A round trip was measured. Slow start may end by it.
    #[inline]
    pub(crate) fn on_round_trip(&mut self, now: Instant, rtt: Duration, flight: Flight) {
        let slow_start = self.slow_start_window();
        let range = (flight.start, flight.end);
        let ends = match &mut self.algorithm {
            Algorithm::Reno(_) => false,
            Algorithm::Cubic(cubic) => slow_start.is_some() && cubic.on_round_trip(rtt, range),
            Algorithm::Kernel(kernel) => kernel.on_round_trip(now, rtt, range, slow_start),
        };
        if ends {
            self.threshold = self.window;
        }
    }

    /// A loss or a mark of congestion, with `flight` outstanding: a new threshold. The window stays.
    pub(crate) fn reduce_threshold(&mut self, flight: u64) {
        if self.loss_response == LossResponse::Nothing {
            self.threshold = self.window;
            return;
        }
        let reduced = match &mut self.algorithm {
            Algorithm::Reno(reno) => reno.threshold_after_loss(flight),
            Algorithm::Cubic(cubic) => cubic.threshold_after_loss(self.window, flight),
            Algorithm::Kernel(kernel) => kernel.threshold_after_loss(self.window),
        };
        // RFC 5681 §3.1 equation 4, RFC 9438 §4.6: not under two segments.
        self.threshold = reduced.max(2 * self.one());
    }

    /// The retransmission timer ran out; `end` is SND.NXT. The window is one segment and what is still under way.
    pub(crate) fn on_timeout(&mut self, now: Instant, under_way: u64, end: Offset) {
        match &mut self.algorithm {
            Algorithm::Reno(reno) => reno.on_timeout(),
            Algorithm::Cubic(cubic) => cubic.on_timeout(),
            Algorithm::Kernel(kernel) => kernel.on_timeout(now, end),
        }
        self.window = match self.loss_response {
            // RFC 5681 §3.1: the loss window is one segment, whatever the initial window is.
            LossResponse::SlowStart => under_way + self.one(),
            LossResponse::Threshold => self.threshold.min(self.window),
            LossResponse::Nothing => self.window,
        };
    }

    /// Sets the window: in fast recovery, and at its end.
    #[inline]
    pub(crate) fn set_window(&mut self, window: u64) {
        self.window = window.max(self.one());
    }

    /// Takes a reduction back: the window and the threshold are what they were, unless they are more by now.
    pub(crate) fn undo(&mut self, window: u64, threshold: u64) {
        self.window = self.window.max(window);
        self.threshold = self.threshold.max(threshold);
    }

    /// Falls back towards the restart window min(IW, cwnd) after an idle time (RFC 5681 §4.1); by segments it is halved
    /// for each timeout `rto` in the idle time instead (`tcp_cwnd_restart`).
    pub(crate) fn restart(&mut self, now: Instant, idle: Duration, rto: Duration) {
        let least = self.window.min(self.initial_window());
        match &mut self.algorithm {
            Algorithm::Kernel(kernel) => {
                kernel.on_restart(now);
                self.threshold = self.current_threshold();
                let mut left = idle.saturating_sub(rto);
                while !left.is_zero() && self.window > least {
                    self.window /= 2;
                    left = left.saturating_sub(rto);
                }
                self.window = self.window.max(least);
            }
            Algorithm::Reno(_) => self.window = least,
            Algorithm::Cubic(cubic) => {
                self.window = least;
                cubic.end_epoch();
            }
        }
    }

    /// Something goes out after nothing was in flight since `last_sent`.
    #[inline]
    pub(crate) fn on_idle_end(&mut self, now: Instant, last_sent: Instant) {
        self.idle = self.empty_flight == EmptyFlight::Idle;
        if let Algorithm::Kernel(kernel) = &mut self.algorithm {
            kernel.on_idle_end(now, last_sent);
        }
    }

    /// Takes over a new sender maximum segment size. The window stays.
    pub(crate) fn set_smss(&mut self, smss: u32) {
        self.smss = smss;
        self.window = self.window.max(self.one());
    }

    /// A segment, in the unit of the window.
    #[inline]
    fn one(&self) -> u64 {
        if matches!(self.algorithm, Algorithm::Kernel(_)) { 1 } else { u64::from(self.smss) }
    }

    /// The window, if it is in slow start.
    #[inline]
    fn slow_start_window(&self) -> Option<u64> {
        (self.window < self.threshold).then_some(self.window)
    }

    #[inline]
    fn is_limited(&self) -> bool {
        match &self.algorithm {
            Algorithm::Kernel(kernel) => self.limited || kernel.is_full(self.slow_start_window()),
            _ => self.limited,
        }
    }

    /// IW (RFC 6928 §2; RFC 5681 §3.1 after RFC 3390 §1).
    fn initial_window(&self) -> u64 {
        let (smss, one) = (u64::from(self.smss), self.one());
        match self.initial_window {
            InitialWindow::Segments(segments) => one * u64::from(segments.max(1)),
            InitialWindow::PeerWindow => one << 16,
            InitialWindow::Rfc5681 => (4 * smss).min((2 * smss).max(4380)) * one / smss,
        }
    }

    /// RFC 3465 §2.2, appropriate byte counting. What is left over when the threshold is reached counts for
    /// congestion avoidance.
    #[inline]
    fn slow_start(&mut self, amount: u64, limit: u32) -> u64 {
        let growth = match &self.algorithm {
            // tcp_slow_start knows no limit.
            Algorithm::Kernel(_) => amount,
            Algorithm::Cubic(cubic) => cubic.slow_start_growth(amount.min(u64::from(limit) * self.one())),
            Algorithm::Reno(_) => amount.min(u64::from(limit) * self.one()),
        };
        let room = self.threshold - self.window;
        if growth < room {
            self.window += growth;
            return 0;
        }
        self.window = self.threshold;
        growth - room
    }
}

/// A position modulo 2^32, as the laws keep it.
fn low(position: Offset) -> u32 {
    position.0 as u32
}

/// Order of positions less than 2^31 apart.
fn is_before(position: u32, other: u32) -> bool {
    (position.wrapping_sub(other) as i32) < 0
}

/// The threshold before the first loss: as high as can be said (RFC 5681 §3.1).
pub(crate) const NO_THRESHOLD: u64 = u64::MAX;

#[cfg(test)]
mod tests;

//! What is needed to take a reduction back, and the evidence for it: timestamps (Eifel, RFC 3522, 4015) and D-SACKs (RFC
//! 2883, 3708).

use faultwire_base::{Duration, Instant};

use crate::offset::Offset;

/// A reduction that may yet turn out to be spurious.
#[derive(Clone, Copy, Debug)]
pub(super) struct Undo {
    /// SND.UNA when the reduction began; `None` if it is not to be taken back.
    marker: Option<Offset>,
    /// Retransmissions that were not reported as duplicates; `None` before the first.
    unexplained: Option<u32>,
    /// The window before.
    window: u64,
    /// The threshold before; `None`: the reduction was for a mark of congestion.
    threshold: Option<u64>,
    /// When the first segment was sent again.
    first_retransmission: Option<Instant>,
    /// SRTT and RTTVAR before the timeout.
    round_trip: (Duration, Duration),
}

impl Undo {
    /// Nothing to take back.
    pub(super) const fn none() -> Self {
        Self {
            marker: None,
            unexplained: None,
            window: 0,
            threshold: None,
            first_retransmission: None,
            round_trip: (Duration::ZERO, Duration::ZERO),
        }
    }

    /// A reduction begins, with `unexplained` retransmissions under way already.
    pub(super) fn begin(&mut self, start: Offset, unexplained: u32) {
        self.marker = Some(start);
        self.unexplained = (unexplained > 0).then_some(unexplained);
    }

    /// What the window was.
    pub(super) fn remember_window(&mut self, window: u64) {
        self.window = window;
    }

    /// What the threshold was.
    pub(super) fn remember_threshold(&mut self, threshold: u64) {
        self.threshold = Some(threshold);
    }

    /// What the round trip was believed to be.
    pub(super) fn remember_round_trip(&mut self, smoothed: Duration, variation: Duration) {
        self.round_trip = (smoothed, variation);
    }

    /// SRTT and RTTVAR before the timeout.
    pub(super) fn round_trip(&self) -> (Duration, Duration) {
        self.round_trip
    }

    /// The reduction stays.
    pub(super) fn close(&mut self) {
        self.marker = None;
    }

    /// The threshold must not be restored: congestion was marked.
    pub(super) fn forbid(&mut self) {
        self.threshold = None;
    }

    /// Whether the reduction can still be taken back.
    pub(super) fn is_open(&self) -> bool {
        self.marker.is_some()
    }

    /// Where the reduction began.
    pub(super) fn marker(&self) -> Option<Offset> {
        self.marker
    }

    /// A segment was sent again.
    pub(super) fn on_retransmission(&mut self, now: Instant) {
        if self.marker.is_some() {
            self.unexplained = Some(self.unexplained.unwrap_or(0) + 1);
        }
        self.first_retransmission = self.first_retransmission.or(Some(now));
    }

    /// `segments` were reported as duplicates.
    pub(super) fn on_duplicates(&mut self, segments: u32) {
        if let Some(unexplained) = &mut self.unexplained {
            *unexplained = unexplained.saturating_sub(segments);
        }
    }

    /// Nothing that was sent again is under way any more.
    pub(super) fn forget_retransmissions(&mut self) {
        self.first_retransmission = None;
    }

    /// All retransmissions were reported as duplicates.
    pub(super) fn all_explained(&self) -> bool {
        self.marker.is_some() && self.unexplained == Some(0)
    }

    /// The ACK was made before the first retransmission arrived: it was for an original. `echo` is the round trip that
    /// its timestamp shows (RFC 3522 §3.2). `held`: what was sent again may have been forgotten, as the state is held without
    /// SACK at its end.
    pub(super) fn is_for_original(&self, now: Instant, echo: Option<Duration>, held: bool) -> bool {
        let Some(first) = self.first_retransmission else {
            // Nothing was sent again yet.
            return self.marker.is_some() && !held;
        };
        let Some(echo) = echo else { return false };
        let tick = |at: Instant| at.as_nanos() / TICK;
        tick(now).saturating_sub(echo.as_nanos() / TICK) < tick(first)
    }

    /// Whether to take the reduction back, by either evidence (`tcp_may_undo`).
    pub(super) fn is_due(&self, now: Instant, echo: Option<Duration>, held: bool) -> bool {
        self.marker.is_some() && (self.all_explained() || self.is_for_original(now, echo, held))
    }

    /// What to go back to; from now on there is nothing to take back.
    pub(super) fn take(&mut self) -> Option<(u64, u64)> {
        self.marker = None;
        self.threshold.map(|threshold| (self.window, threshold))
    }
}

/// The tick of the timestamp clock, in nanoseconds.
const TICK: u64 = 1_000_000;

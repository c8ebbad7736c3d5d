//! When the sender last sent and last got ahead: what idle restart and giving up are judged by.

use faultwire_base::Instant;

#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    pub(super) last_transmission: Instant,
    /// The last cumulative ACK of anything, or the first transmission after nothing was in flight.
    last_advance: Instant,
    /// Timeouts since then.
    timeouts: u32,
    /// A reduction of the window began for a loss or a mark, and nobody has asked since.
    pub(super) reduced: bool,
}

impl Progress {
    pub(super) const fn new() -> Self {
        Self { last_transmission: Instant::ZERO, last_advance: Instant::ZERO, timeouts: 0, reduced: false }
    }

    /// Something was acknowledged cumulatively, or is in flight where nothing was.
    #[inline]
    pub(super) fn advance(&mut self, now: Instant) {
        self.last_advance = now;
        self.timeouts = 0;
    }

    /// The timer ran out. How many times in a row, this one included.
    pub(super) fn count_timeout(&mut self) -> u32 {
        self.timeouts = self.timeouts.saturating_add(1);
        self.timeouts
    }

    /// Timeouts since the last progress.
    pub(super) fn timeouts(&self) -> u32 {
        self.timeouts
    }

    /// The last timeout was spurious.
    pub(super) fn forgive(&mut self) {
        self.timeouts = 0;
    }

    /// Since when an octet first sent at `first_sent` has been waiting.
    pub(super) fn waiting_since(&self, first_sent: Instant) -> Instant {
        first_sent.max(self.last_advance)
    }
}

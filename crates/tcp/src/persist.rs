//! Zero-window probes: their series and whether they are answered (RFC 9293 §3.8.6.1).

use faultwire_base::{Duration, Instant};

use crate::config::PersistConfig;

/// The state of probing. The deadline is the timer's; the back-off is ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Persist {
    backoff: u8,
    unanswered: u8,
    probe_due: bool,
    octet_sent: bool,
    sent_at: Instant,
    unanswered_since: Instant,
    override_due: bool,
    /// When the timer ran out first since the window closed; [`Instant::FAR_FUTURE`] while it has not.
    started_at: Instant,
}

impl Persist {
    /// Not probing.
    pub(crate) fn new() -> Self {
        Self {
            backoff: 0,
            unanswered: 0,
            probe_due: false,
            octet_sent: false,
            sent_at: Instant::ZERO,
            unanswered_since: Instant::ZERO,
            override_due: false,
            started_at: Instant::FAR_FUTURE,
        }
    }

    /// How long to wait for the next probe: the RTO, doubled with each (SHLD-29, SHLD-30), within the bounds.
    pub(crate) fn interval(&self, rto: Duration, bounds: PersistConfig) -> Duration {
        rto.saturating_mul(1 << self.backoff.min(40)).max(bounds.min).min(bounds.max)
    }

    /// The timer ran out: a probe is due.
    pub(crate) fn expire(&mut self, now: Instant) {
        self.probe_due = true;
        self.started_at = self.started_at.min(now);
    }

    /// When the timer ran out first since the window closed.
    pub(crate) fn started_at(&self) -> Option<Instant> {
        (self.started_at != Instant::FAR_FUTURE).then_some(self.started_at)
    }

    /// Whether a probe is due.
    #[inline]
    pub(crate) fn is_probe_due(&self) -> bool {
        self.probe_due
    }

    /// A probe goes out; `octet` if it carries the next octet of data.
    pub(crate) fn on_probe_sent(&mut self, now: Instant, octet: bool) {
        self.on_silence(now);
        self.probe_due = false;
        self.octet_sent |= octet;
        self.sent_at = now;
        self.backoff = self.backoff.saturating_add(1);
    }

    /// Something goes out at a closed window, and nothing was heard since the last time.
    pub(crate) fn on_silence(&mut self, now: Instant) {
        if self.unanswered == 0 {
            self.unanswered_since = now;
        }
        self.unanswered = self.unanswered.saturating_add(1);
    }

    /// Any ACK of the peer answers the probes (MUST-37: it may do so for ever).
    #[inline]
    pub(crate) fn on_answer(&mut self) {
        self.unanswered = 0;
    }

    /// Probes without an answer, and since when.
    pub(crate) fn unanswered(&self) -> (u8, Instant) {
        (self.unanswered, self.unanswered_since)
    }

    /// Probes sent since the window closed.
    pub(crate) fn probes(&self) -> u8 {
        self.backoff
    }

    /// When a probe with the octet after SND.NXT was sent last, if there was one.
    #[inline]
    pub(crate) fn octet_sent(&self) -> Option<Instant> {
        self.octet_sent.then_some(self.sent_at)
    }

    /// The window opened, or the octet was taken: back to rest.
    #[inline]
    pub(crate) fn stop(&mut self) {
        self.backoff = 0;
        self.unanswered = 0;
        self.probe_due = false;
        self.octet_sent = false;
        self.started_at = Instant::FAR_FUTURE;
    }

    /// The silly-window rules are overridden for the next segment.
    pub(crate) fn override_silly_window(&mut self) {
        self.override_due = true;
    }

    /// Whether they are, once.
    #[inline]
    pub(crate) fn take_override(&mut self) -> bool {
        std::mem::take(&mut self.override_due)
    }
}

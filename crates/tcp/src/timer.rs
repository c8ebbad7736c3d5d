//! One deadline per kind of timer; back-off belongs to the owners.

use faultwire_base::Instant;

/// The timers which the control block keeps itself (retransmission and 2 MSL live with their owners).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// Delayed acknowledgment.
    DelayedAck,
    /// Zero-window probe.
    Persist,
    /// Silly-window override of the sender.
    SillyWindow,
    /// Keep-alive.
    KeepAlive,
    /// FIN-WAIT-2 of an orphan.
    FinWait2,
    /// User timeout or R2.
    User,
}

/// Deadlines by kind.
#[derive(Clone, Debug)]
pub(crate) struct Timers {
    deadlines: [Instant; Self::KINDS],
}

impl Timers {
    const KINDS: usize = 6;

    /// All off.
    pub(crate) fn new() -> Self {
        Self { deadlines: [Instant::FAR_FUTURE; Self::KINDS] }
    }

    /// The earliest deadline, [`Instant::FAR_FUTURE`] if all are off.
    #[inline]
    pub(crate) fn earliest(&self) -> Instant {
        let [a, b, c, d, e, f] = self.deadlines;
        a.min(b).min(c).min(d.min(e).min(f))
    }

    /// Arms `timer` for `at`, whatever it was armed for.
    #[inline]
    pub(crate) fn arm(&mut self, timer: Timer, at: Instant) {
        self.deadlines[timer as usize] = at;
    }

    /// Switches `timer` off.
    #[inline]
    pub(crate) fn stop(&mut self, timer: Timer) {
        self.deadlines[timer as usize] = Instant::FAR_FUTURE;
    }

    /// Whether `timer` is armed.
    #[inline]
    pub(crate) fn is_armed(&self, timer: Timer) -> bool {
        self.deadlines[timer as usize] != Instant::FAR_FUTURE
    }

    /// For when `timer` is armed, if it is.
    #[inline]
    pub(crate) fn deadline(&self, timer: Timer) -> Option<Instant> {
        self.is_armed(timer).then(|| self.deadlines[timer as usize])
    }

    /// Whether a timer other than `timer` is armed.
    pub(crate) fn is_any_armed_but(&self, timer: Timer) -> bool {
        let armed = |(index, &at): (usize, &Instant)| index != timer as usize && at != Instant::FAR_FUTURE;
        self.deadlines.iter().enumerate().any(armed)
    }

    /// Switches `timer` off if it is due, and says whether it was.
    pub(crate) fn take_due(&mut self, timer: Timer, now: Instant) -> bool {
        let due = self.is_armed(timer) && self.deadlines[timer as usize] <= now;
        if due {
            self.stop(timer);
        }
        due
    }

    /// All off.
    pub(crate) fn stop_all(&mut self) {
        *self = Self::new();
    }
}

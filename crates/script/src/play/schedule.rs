//! When events are due: absolute, after the event before, in a range, at any time.

use faultwire_base::{Duration, Instant};

use crate::rules::{Due, Tolerance};
use crate::syntax::tree::{Action, Event, Time};

/// Where in its times a script is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    tolerance: Tolerance,
    /// What absolute times count from.
    started: Instant,
    /// When the event before was due.
    previous: Instant,
    /// The event before was a packet of the peer.
    after_inbound: bool,
}

impl Schedule {
    pub(super) fn new(tolerance: Tolerance) -> Self {
        Self { tolerance, started: Instant::ZERO, previous: Instant::ZERO, after_inbound: false }
    }

    /// The script begins now: what comes before its first event takes none of its time.
    pub(super) fn start(&mut self, now: Instant) {
        (self.started, self.previous) = (now, now);
    }

    /// When the next event is due, which the script reaches at `now`. A relative time counts from then, which is when
    /// the event before was over; but packets of the peer in a row keep their distances.
    pub(super) fn begin(&mut self, event: &Event, now: Instant) -> Due {
        let inbound = matches!(event.action, Action::Inbound(_));
        let base = if inbound && self.after_inbound { self.previous } else { now };
        let started = self.started;
        let start = |offset: Duration| started.saturating_add(offset);
        let (from, to) = match event.time {
            Time::Absolute(at) | Time::AbsoluteBlocking(at, _) => (start(at), start(at)),
            Time::Relative(after) | Time::RelativeBlocking(after, _) => {
                (base.saturating_add(after), base.saturating_add(after))
            }
            Time::AbsoluteRange(low, high) => (start(low), start(high)),
            Time::RelativeRange(low, high) => (base.saturating_add(low), base.saturating_add(high)),
            Time::Any => (now, now),
        };
        let gap = from.saturating_since(self.previous);
        let tolerance = (event.time != Time::Any).then(|| self.tolerance.over(gap));
        (self.previous, self.after_inbound) = (from, inbound);
        Due { from, to, tolerance }
    }

    /// When a call that blocks has to return; `base` is when the script reached it.
    pub(super) fn returns(&self, event: &Event, base: Instant) -> Option<Due> {
        let (start, at, gap) = match event.time {
            Time::AbsoluteBlocking(from, to) => (self.started, to, to.saturating_sub(from)),
            Time::RelativeBlocking(from, to) => (base, to, to.saturating_sub(from)),
            _ => return None,
        };
        let at = start.saturating_add(at);
        Some(Due { from: at, to: at, tolerance: Some(self.tolerance.over(gap)) })
    }
}

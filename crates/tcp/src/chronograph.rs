//! How long a sender was busy, and what kept it from being faster (Linux `tcp_chrono_start`).

use faultwire_base::{Duration, Instant};

/// What a sender does, in order of interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Activity {
    /// Nothing was written that was not acknowledged.
    Idle,
    /// Data is on its way or waits.
    Busy,
    /// The peer's window keeps data back.
    WindowLimited,
    /// The user would write more if there were room.
    BufferLimited,
}

/// The time spent with each activity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chronograph {
    activity: Activity,
    since: Instant,
    micros: [u32; 3],
}

impl Chronograph {
    /// Idle.
    pub(crate) fn new() -> Self {
        Self { activity: Activity::Idle, since: Instant::ZERO, micros: [0; 3] }
    }

    /// `activity` begins, unless something more interesting goes on.
    #[inline]
    pub(crate) fn start(&mut self, now: Instant, activity: Activity) {
        if activity > self.activity {
            self.set(now, activity);
        }
    }

    /// `activity` ends; the sender is still busy.
    #[inline]
    pub(crate) fn stop(&mut self, now: Instant, activity: Activity) {
        if activity == self.activity {
            self.set(now, Activity::Busy);
        }
    }

    /// Everything was acknowledged.
    #[inline]
    pub(crate) fn rest(&mut self, now: Instant) {
        if self.activity != Activity::Idle {
            self.set(now, Activity::Idle);
        }
    }

    /// Time busy in all, and of that: limited by the peer's window, and by the send buffer.
    pub(crate) fn times(&self, now: Instant) -> [Duration; 3] {
        let mut here = *self;
        here.set(now, self.activity);
        let [busy, window, buffer] = here.micros.map(u64::from);
        [busy + window + buffer, window, buffer].map(Duration::from_micros)
    }

    fn set(&mut self, now: Instant, activity: Activity) {
        if self.activity != Activity::Idle {
            let spent = u32::try_from(now.saturating_since(self.since).as_micros()).unwrap_or(u32::MAX);
            let total = &mut self.micros[self.activity as usize - 1];
            *total = total.saturating_add(spent);
        }
        (self.activity, self.since) = (activity, now);
    }
}

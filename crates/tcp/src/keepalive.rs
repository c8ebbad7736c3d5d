//! Keep-alive: idle time, probes, when to give up (RFC 9293 §3.8.4).

use faultwire_base::{Duration, Instant};

use crate::config::KeepAliveConfig;

/// The keep-alive of one connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeepAlive {
    enabled: bool,
    idle: Duration,
    interval: Duration,
    limit: u16,
    unanswered: u16,
    heard_at: Instant,
    probe_due: bool,
}

/// What an expired keep-alive timer asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeepAliveStep {
    /// Not idle for long enough: look again at this time.
    Wait(Instant),
    /// Send a probe, and look again at this time.
    Probe(Instant),
    /// The peer is dead.
    GiveUp,
}

impl KeepAlive {
    /// As configured.
    pub(crate) fn new(config: &KeepAliveConfig) -> Self {
        Self {
            enabled: config.enabled,
            idle: config.idle,
            interval: config.interval,
            limit: config.probes.min(u32::from(u16::MAX)) as u16,
            unanswered: 0,
            heard_at: Instant::ZERO,
            probe_due: false,
        }
    }

    /// Whether it is on.
    #[inline]
    pub(crate) fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Switches it on or off, or changes its numbers.
    pub(crate) fn set(&mut self, setting: KeepAliveSetting) {
        match setting {
            KeepAliveSetting::Enabled(enabled) => self.enabled = enabled,
            KeepAliveSetting::Idle(idle) => self.idle = idle,
            KeepAliveSetting::Interval(interval) => self.interval = interval,
            KeepAliveSetting::Probes(limit) => self.limit = limit,
        }
    }

    /// On, idle time, interval, probes.
    pub(crate) fn settings(&self) -> (bool, Duration, Duration, u16) {
        (self.enabled, self.idle, self.interval, self.limit)
    }

    /// A segment arrived from the peer.
    #[inline]
    pub(crate) fn on_heard(&mut self, now: Instant) {
        self.heard_at = now;
        self.unanswered = 0;
    }

    /// Probes without an answer.
    pub(crate) fn unanswered(&self) -> u16 {
        self.unanswered
    }

    /// When to look next.
    pub(crate) fn deadline(&self, now: Instant) -> Instant {
        let wait = if self.unanswered == 0 {
            self.heard_at.saturating_add(self.idle)
        } else {
            now.saturating_add(self.interval)
        };
        wait.max(now)
    }

    /// The timer ran out. `outstanding`: data is on its way, which is a probe of its own (MUST-26). A `user_timeout` takes
    /// the place of the number of probes.
    pub(crate) fn expire(
        &mut self,
        now: Instant,
        outstanding: bool,
        user_timeout: Option<Duration>,
    ) -> KeepAliveStep {
        let idle_until = self.heard_at.saturating_add(self.idle);
        if outstanding {
            return KeepAliveStep::Wait(now.saturating_add(self.idle));
        }
        if now < idle_until {
            return KeepAliveStep::Wait(idle_until);
        }
        // MUST-29: one unanswered probe is not a dead connection.
        let dead = match user_timeout {
            Some(timeout) => self.unanswered > 0 && now.saturating_since(self.heard_at) >= timeout,
            None => self.unanswered >= self.limit,
        };
        if dead {
            return KeepAliveStep::GiveUp;
        }
        self.unanswered += 1;
        self.probe_due = true;
        KeepAliveStep::Probe(now.saturating_add(self.interval))
    }

    /// Whether a probe is due.
    #[inline]
    pub(crate) fn is_probe_due(&self) -> bool {
        self.probe_due
    }

    /// Whether a probe is due, once.
    #[inline]
    pub(crate) fn take_probe(&mut self) -> bool {
        std::mem::take(&mut self.probe_due)
    }
}

/// One number of the keep-alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepAliveSetting {
    /// SO_KEEPALIVE.
    Enabled(bool),
    /// TCP_KEEPIDLE.
    Idle(Duration),
    /// TCP_KEEPINTVL.
    Interval(Duration),
    /// TCP_KEEPCNT.
    Probes(u16),
}

//! One listening socket: its accept queue and the number of its half-open connections.

use std::collections::VecDeque;

use faultwire_base::{Duration, Instant};
use faultwire_tcp::SynCookiePolicy;

use crate::config::ListenConfig;
use crate::event::DropReason;
use crate::fast_open::{FastOpenConfig, FastOpenKeys};
use crate::option::Preset;
use crate::port::Hold;
use crate::syn_cookie::VALID_NANOS;

/// A listening socket. Its half-open connections stand in the connection table; here they are only counted.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    pub(crate) hold: Hold,
    /// What was set on it; connections that it accepts inherit that.
    pub(crate) options: Preset,
    backlog: u32,
    half_open: u32,
    established: VecDeque<u32>,
    fast_open: FastOpenQueue,
    /// When a SYN was answered by a cookie last.
    last_cookie: Option<Instant>,
}

/// What becomes of a SYN that is not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It gets an entry.
    Entry,
    /// It is answered by a SYN cookie, and nothing is kept.
    Cookie,
}

/// Fast Open at one listener.
#[derive(Clone, Debug, Default)]
struct FastOpenQueue {
    keys: Option<FastOpenKeys>,
    /// Until when connections count that were accepted and then reset before their handshake was complete.
    resets: VecDeque<Instant>,
}

/// How long a connection of Fast Open counts after a reset, against floods of forged SYNs (RFC 7413 §5.1; Linux).
const RESET_COUNTS: Duration = Duration::from_secs(60);

impl Listener {
    pub(crate) fn new(hold: Hold, options: Preset, backlog: u32) -> Self {
        Self {
            hold,
            options,
            backlog,
            half_open: 0,
            established: VecDeque::new(),
            fast_open: FastOpenQueue::default(),
            last_cookie: None,
        }
    }

    /// A further listen call changes the backlog.
    pub(crate) fn set_backlog(&mut self, backlog: u32) {
        self.backlog = backlog;
    }

    /// What becomes of a SYN: the kernel refuses it when the accept queue is full. It answers it with a cookie, or
    /// refuses it too, when there are more half-open connections than the backlog; and without cookies it refuses it
    /// when three quarters of the SYN backlog are taken.
    pub(crate) fn admits_syn(
        &mut self,
        config: &ListenConfig,
        cookies: SynCookiePolicy,
        now: Instant,
    ) -> Result<Admission, DropReason> {
        if self.is_accept_queue_full() {
            return Err(DropReason::AcceptQueueFull);
        }
        let full = self.half_open > self.backlog;
        let scarce = config.syn_backlog.saturating_sub(self.half_open) < config.syn_backlog / 4;
        match cookies {
            SynCookiePolicy::Never if full || scarce => Err(DropReason::SynQueueFull),
            SynCookiePolicy::Always => Ok(self.admits_cookie(now)),
            SynCookiePolicy::WhenFull if full => Ok(self.admits_cookie(now)),
            _ => Ok(Admission::Entry),
        }
    }

    fn admits_cookie(&mut self, now: Instant) -> Admission {
        self.last_cookie = Some(now);
        Admission::Cookie
    }

    /// Whether an ACK of no connection may answer a SYN cookie: one was made not long ago.
    pub(crate) fn expects_cookies(&self, now: Instant) -> bool {
        self.last_cookie.is_some_and(|at| now.saturating_since(at) < Duration::from_nanos(VALID_NANOS))
    }

    /// The keys of its own, if it has any (`TCP_FASTOPEN_KEY`).
    pub(crate) fn fast_open_keys(&self) -> Option<FastOpenKeys> {
        self.fast_open.keys
    }

    /// Gives it keys of its own.
    pub(crate) fn set_fast_open_keys(&mut self, keys: FastOpenKeys) {
        self.fast_open.keys = Some(keys);
    }

    /// Whether one more connection may be made by Fast Open while `pending` are not complete. With all places taken the
    /// oldest reset makes room once it has counted for long enough.
    pub(crate) fn admits_fast_open(
        &mut self,
        config: &ListenConfig,
        modes: &FastOpenConfig,
        pending: usize,
        now: Instant,
    ) -> bool {
        let everywhere = modes.has(FastOpenConfig::SERVER | FastOpenConfig::ALL_LISTENERS);
        let limit = match self.options.fast_open().min(config.backlog_max) {
            0 if everywhere => self.backlog,
            limit => limit,
        } as usize;
        if limit == 0 {
            return false;
        }
        let resets = &mut self.fast_open.resets;
        if pending + resets.len() >= limit {
            if resets.front().is_none_or(|&until| until > now) {
                return false;
            }
            resets.pop_front();
        }
        true
    }

    /// A connection was made by Fast Open or by a SYN cookie: it waits to be accepted at once.
    pub(crate) fn opened_at_once(&mut self, slot: u32) {
        self.established.push_back(slot);
    }

    /// An accepted connection was reset before its handshake was complete.
    pub(crate) fn fast_open_reset(&mut self, now: Instant) {
        self.fast_open.resets.push_back(now.saturating_add(RESET_COUNTS));
    }

    /// A connection that waited to be accepted is no more.
    pub(crate) fn withdraw(&mut self, slot: u32) {
        self.established.retain(|&waiting| waiting != slot);
    }

    /// Linux compares with "greater", so a backlog of n holds n + 1.
    pub(crate) fn is_accept_queue_full(&self) -> bool {
        self.established.len() > self.backlog as usize
    }

    pub(crate) fn opened(&mut self) {
        self.half_open += 1;
    }

    /// A half-open connection is no more.
    pub(crate) fn forgot(&mut self) {
        self.half_open -= 1;
    }

    /// A half-open connection became established.
    pub(crate) fn established(&mut self, slot: u32) {
        self.half_open -= 1;
        self.established.push_back(slot);
    }

    /// The oldest established connection.
    pub(crate) fn accept(&mut self) -> Option<u32> {
        self.established.pop_front()
    }

    pub(crate) fn is_ready(&self) -> bool {
        !self.established.is_empty()
    }

    /// Established connections that wait to be accepted, and half-open ones.
    pub(crate) fn lengths(&self) -> (u32, u32) {
        (self.established.len() as u32, self.half_open)
    }
}

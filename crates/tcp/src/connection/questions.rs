//! What can be asked about a connection.

use super::*;
use crate::timer::Timer;

/// Questions.
impl Connection {
    /// The state.
    #[inline]
    pub fn state(&self) -> State {
        self.tcb.state
    }

    /// Whether it is in CLOSED for good. What was received and not read can still be read.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.tcb.state == State::Closed
    }

    /// Whether the handshake is complete.
    pub fn is_open(&self) -> bool {
        self.tcb.state.is_synchronized()
    }

    /// Whether it is being opened, and data can't be written yet: SYN-SENT unless the SYN waits for data, and
    /// SYN-RECEIVED but for Fast Open.
    pub fn is_opening(&self) -> bool {
        let opening = matches!(self.tcb.state, State::SynSent | State::SynReceived);
        opening && !handshake::is_fast_open(&self.tcb) && !self.is_syn_held()
    }

    /// Whether it was opened actively with Fast Open, or tried to.
    pub fn tried_fast_open(&self) -> bool {
        self.tcb.fast_open.asked() || self.tcb.fast_open.text_sent()
    }

    /// Whether text of the SYN was acknowledged, ours or the peer's (`TCPI_OPT_SYN_DATA`).
    pub fn is_syn_text_acknowledged(&self) -> bool {
        self.tcb.fast_open.text_acknowledged()
    }

    /// Why it was aborted, if it was.
    pub fn error(&self) -> Option<ConnectionError> {
        self.tcb.user.error
    }

    /// The last error that was reported without ending the connection.
    pub fn soft_error(&self) -> Option<ConnectionError> {
        self.tcb.user.soft_error
    }

    /// Takes the soft error that `SO_ERROR` tells if nothing worse happened (Linux; RFC 9293 §3.9.2.2, SHLD-25).
    pub fn take_pending_soft_error(&mut self) -> Option<ConnectionError> {
        if self.tcb.config.icmp.soft_is_pending { self.tcb.user.soft_error.take() } else { None }
    }

    /// Where it leads.
    pub fn path(&self) -> PathInfo {
        self.tcb.path
    }

    /// The present, like `tcp_info`; times since something count from the last thing that happened.
    pub fn info(&self) -> Info {
        self.info_at(self.tcb.tally.latest())
    }

    /// As [`info`](Self::info), with the time.
    pub fn info_at(&self, now: Instant) -> Info {
        info::info(&self.tcb, now)
    }

    /// The timers that run, by the time at which each runs out.
    pub fn armed_timers(&self) -> Vec<(TimerKind, Instant)> {
        const KEPT: [(Timer, TimerKind); 6] = [
            (Timer::DelayedAck, TimerKind::DelayedAck),
            (Timer::Persist, TimerKind::Persist),
            (Timer::SillyWindow, TimerKind::SillyWindow),
            (Timer::KeepAlive, TimerKind::KeepAlive),
            (Timer::FinWait2, TimerKind::FinWait2),
            (Timer::User, TimerKind::User),
        ];
        let kept =
            KEPT.into_iter().filter_map(|(timer, kind)| Some((kind, self.tcb.timers.deadline(timer)?)));
        let sender = self.tcb.recovery.deadline().map(|at| (self.tcb.recovery.timer(), at));
        let opening = self
            .tcb
            .opening
            .as_ref()
            .map(|opening| opening.deadline())
            .filter(|&at| at < Instant::FAR_FUTURE);
        let quiet = self.tcb.time_wait.as_ref().map(|wait| (TimerKind::TimeWait, wait.deadline()));
        let mut armed: Vec<_> = kept
            .chain(sender)
            .chain(opening.map(|at| (TimerKind::Retransmission, at)))
            .chain(quiet)
            .collect();
        armed.sort_by_key(|&(kind, at)| (at, kind));
        armed
    }

    /// Octets that have arrived beyond a gap.
    pub fn octets_ahead(&self) -> u64 {
        self.tcb.receive.reassembly().map_or(0, |reassembly| reassembly.octets())
    }

    /// Totals.
    pub fn counters(&self) -> Counters {
        info::counters(&self.tcb)
    }

    /// Whether timers other than keep-alive and 2 MSL are armed: something is still going on.
    pub fn is_busy(&self) -> bool {
        self.tcb.timers.is_any_armed_but(Timer::KeepAlive)
            || self.tcb.recovery.deadline().is_some()
            || self.tcb.opening.is_some()
    }

    /// Octets of heap that it owns, without payloads and the shared configuration.
    pub fn heap_octets(&self) -> usize {
        self.tcb.heap_octets()
    }

    /// The compact record of a connection in TIME-WAIT.
    ///
    /// # Panics
    /// In another state.
    pub fn into_time_wait(self) -> TimeWait {
        *self.tcb.time_wait.expect("only a connection in TIME-WAIT is reduced to its record")
    }
}

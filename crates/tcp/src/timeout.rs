//! A timer ran out: one arm a kind (RFC 9293 §3.10.8, §3.8.3).

use faultwire_base::{Duration, Instant};
use faultwire_wire::{Cause, Reason, TimerKind};

use crate::config::{DelayOver, GiveUp, OrphanProbing, RetransmissionConfig, UserTimeoutFrom};
use crate::event::{ConnectionError, Event, SoftError};
use crate::fast_open;
use crate::handshake;
use crate::keepalive::KeepAliveStep;
use crate::state::State;
use crate::tcb::Tcb;
use crate::timer::Timer;
use crate::transmit;

/// The earliest thing that has to happen by itself.
#[inline]
pub(crate) fn deadline(tcb: &Tcb) -> Option<Instant> {
    let mut earliest = tcb.timers.earliest();
    if let Some(opening) = &tcb.opening {
        // What Fast Open sends before the handshake is complete is not sent again before.
        earliest = earliest.min(opening.deadline());
    } else if let Some(at) = tcb.recovery.deadline() {
        earliest = earliest.min(at);
    }
    if let Some(time_wait) = &tcb.time_wait {
        earliest = earliest.min(time_wait.deadline());
    }
    (earliest != Instant::FAR_FUTURE).then_some(earliest)
}

/// Does what is due.
pub(crate) fn advance(tcb: &mut Tcb, now: Instant) {
    if tcb.opening.is_some() {
        handshake::on_timeout(tcb, now);
    } else if tcb.recovery.deadline().is_some_and(|at| at <= now) {
        on_retransmission(tcb, now);
    }
    if tcb.timers.take_due(Timer::DelayedAck, now) {
        let timeout = tcb.recovery.rto();
        tcb.ack.on_delay_expired(timeout);
        match tcb.config.acknowledgment.delay_over {
            DelayOver::Acknowledges => {
                tcb.ack.demand(Reason::DelayedAck, Cause::Timer(TimerKind::DelayedAck));
            }
            DelayOver::Forgets => {}
        }
    }
    if tcb.timers.take_due(Timer::Persist, now) {
        on_persist(tcb, now);
    }
    if tcb.timers.take_due(Timer::SillyWindow, now) {
        tcb.persist.override_silly_window();
        tcb.cause = Cause::Timer(TimerKind::SillyWindow);
    }
    if tcb.timers.take_due(Timer::KeepAlive, now) {
        on_keep_alive(tcb, now);
    }
    if tcb.timers.take_due(Timer::FinWait2, now) {
        tcb.tear_down(None);
    }
    if tcb.timers.take_due(Timer::User, now) {
        tcb.cause = Cause::Timer(TimerKind::User);
        give_up(tcb, now);
    }
    if tcb.time_wait.as_ref().is_some_and(|time_wait| time_wait.is_expired(now)) {
        tcb.tear_down(None);
    }
}

/// RFC 6298 §5.4-5.6, RFC 9293 §3.8.3: back off, and see whether it has been too long (MUST-20). The user is told at R1
/// (SHLD-9).
fn on_retransmission(tcb: &mut Tcb, now: Instant) {
    let phase = tcb.recovery.phase();
    tcb.cause = Cause::Timer(tcb.recovery.timer());
    let verdict = tcb.recovery.on_timer(now);
    if verdict.is_some() || tcb.recovery.phase() != phase {
        tcb.ecn.on_reduction();
    }
    // The reordering timer and the probe (RFC 8985) have nothing to do with giving up.
    let Some(verdict) = verdict else { return };
    fast_open::on_timeout(tcb, verdict.backoffs.saturating_sub(1), false);
    let mut since = verdict.first_unacknowledged_since;
    if tcb.send.window() == 0 {
        // SHLD-17: a peer that closed its window and still answers is not dead; silence counts from the last answer.
        let answered = tcb.persist.unanswered().0 == 0;
        tcb.persist.on_silence(now);
        if answered {
            return;
        }
        since = since.max(tcb.persist.unanswered().1);
    }
    if verdict.backoffs == tcb.config.give_up.r1 {
        tcb.events.push(Event::SoftError(SoftError::RetransmissionThreshold));
    }
    if !tcb.user.timeout.is_zero() {
        // RFC 5482: it takes the place of R2, and has its own timer.
        if !tcb.timers.is_armed(Timer::User) {
            tcb.timers.arm(Timer::User, now.saturating_add(tcb.user.timeout));
        }
        return;
    }
    match r2(tcb) {
        GiveUp::Never => {}
        GiveUp::After(limit) => {
            if !tcb.timers.is_armed(Timer::User) {
                tcb.timers.arm(Timer::User, since.saturating_add(limit));
            }
        }
        GiveUp::Retransmissions(count) => {
            let limit = time_of_retransmissions(&tcb.config.retransmission, count);
            if now.saturating_since(since) >= limit {
                give_up(tcb, now);
            }
        }
        GiveUp::Timeouts(count) => {
            if verdict.backoffs > count {
                give_up(tcb, now);
            }
        }
    }
}

/// MUST-36, MUST-37: probe the closed window; only probes without any answer can end the connection.
fn on_persist(tcb: &mut Tcb, now: Instant) {
    tcb.cause = Cause::Timer(TimerKind::Persist);
    let (unanswered, since) = tcb.persist.unanswered();
    let by_user = !tcb.user.timeout.is_zero()
        && tcb.config.give_up.user_timeout_from == UserTimeoutFrom::FirstTimeout
        && tcb.persist.started_at().is_some_and(|at| now.saturating_since(at) >= tcb.user.timeout);
    let dead = by_user
        || is_abandoned(tcb, now)
        || unanswered > 0
            && match if tcb.user.timeout.is_zero() { r2(tcb) } else { GiveUp::After(tcb.user.timeout) } {
                GiveUp::Never => false,
                GiveUp::After(limit) => now.saturating_since(since) >= limit,
                GiveUp::Retransmissions(count) => u32::from(unanswered) >= count,
                GiveUp::Timeouts(count) => u32::from(unanswered) > count,
            };
    if dead {
        give_up(tcb, now);
        return;
    }
    tcb.persist.expire(now);
}

/// Whether nobody owns the connection, and its peer has kept the window closed for too long.
fn is_abandoned(tcb: &Tcb, now: Instant) -> bool {
    match tcb.config.persist.orphan {
        OrphanProbing::Endless => false,
        OrphanProbing::Probes(least) => {
            let wait = tcb.persist.interval(tcb.recovery.base_rto(), tcb.config.persist);
            tcb.user.orphan && wait == tcb.config.persist.max && u32::from(tcb.persist.probes()) >= least
        }
        OrphanProbing::Silence(limit) => {
            let finished = matches!(tcb.state, State::FinWait1 | State::Closing | State::LastAck);
            finished && now.saturating_since(tcb.tally.ack_received_at) >= limit
        }
    }
}

fn on_keep_alive(tcb: &mut Tcb, now: Instant) {
    let outstanding = tcb.send.in_flight() > 0 || tcb.timers.is_armed(Timer::Persist);
    let by_user = tcb.config.give_up.user_timeout_from == UserTimeoutFrom::FirstTimeout;
    let user_timeout = Some(tcb.user.timeout).filter(|timeout| by_user && !timeout.is_zero());
    match tcb.keep_alive.expire(now, outstanding, user_timeout) {
        KeepAliveStep::Wait(at) => tcb.timers.arm(Timer::KeepAlive, at),
        KeepAliveStep::Probe(at) => {
            tcb.cause = Cause::Timer(TimerKind::KeepAlive);
            tcb.timers.arm(Timer::KeepAlive, at);
        }
        KeepAliveStep::GiveUp => {
            tcb.cause = Cause::Timer(TimerKind::KeepAlive);
            if tcb.config.keep_alive.reset && !tcb.config.give_up.reset {
                transmit::abort(tcb, now, Reason::Abort, tcb.cause);
            }
            give_up(tcb, now);
        }
    }
}

/// ETIMEDOUT, or what ICMP had said before.
fn give_up(tcb: &mut Tcb, now: Instant) {
    if tcb.config.give_up.reset && tcb.state.is_synchronized() {
        transmit::abort(tcb, now, Reason::Abort, tcb.cause);
    }
    let error = tcb.user.soft_error.unwrap_or(ConnectionError::TimedOut);
    tcb.tear_down(Some(error));
}

/// R2 of this connection: a shorter one may hold when nobody owns it any more.
fn r2(tcb: &Tcb) -> GiveUp {
    let give_up = &tcb.config.give_up;
    give_up.r2_orphan.filter(|_| tcb.user.orphan && tcb.state != State::Established).unwrap_or(give_up.r2)
}

/// The time that `count` retransmissions with doubling RTOs from the least one take, the last wait included.
fn time_of_retransmissions(config: &RetransmissionConfig, count: u32) -> Duration {
    (0..=count.min(1000))
        .fold(Duration::ZERO, |sum, n| sum + config.min.saturating_mul(1 << n.min(40)).min(config.max))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    /// `tcp_retries2` 15 is 924.6 s, the orphans' 8 is 102.2 s.
    #[test]
    fn linux_limits() {
        let config = Config::linux().retransmission;
        assert_eq!(time_of_retransmissions(&config, 15), Duration::from_millis(924_600));
        assert_eq!(time_of_retransmissions(&config, 8), Duration::from_millis(102_200));
    }
}

//! CLOSE, half-close, ABORT (RFC 9293 §3.6, §3.10.4, §3.10.5).

use faultwire_base::{Duration, Instant};
use faultwire_wire::{Cause, Reason};

use crate::handshake;
use crate::state::State;
use crate::tcb::Tcb;
use crate::timer::Timer;
use crate::transmit;

/// The user will write no more; it may still read. A FIN follows the data.
pub(crate) fn shutdown_write(tcb: &mut Tcb) {
    if tcb.send_buffer.is_finished() {
        return;
    }
    match tcb.state {
        // Linux: what Fast Open made can be closed, and its FIN sent, before the handshake ends; a half-close waits.
        State::SynReceived if tcb.user.orphan && handshake::is_fast_open(tcb) => {
            tcb.send_buffer.finish();
            tcb.become_state(State::FinWait1);
        }
        State::SynReceived if handshake::is_fast_open(tcb) => {
            if let Some(opening) = &mut tcb.opening {
                opening.half_close();
            }
        }
        // The FIN waits for the handshake.
        State::SynSent | State::SynReceived => tcb.send_buffer.finish(),
        State::Established => {
            tcb.send_buffer.finish();
            tcb.become_state(State::FinWait1);
        }
        State::CloseWait => {
            tcb.send_buffer.finish();
            tcb.become_state(State::LastAck);
        }
        _ => {}
    }
}

/// The user is done with the connection: nobody will read or write any more.
pub(crate) fn close(tcb: &mut Tcb, now: Instant) {
    tcb.user.orphan = true;
    if !tcb.config.closing.reset_unread {
        tcb.receive.discard();
    }
    match tcb.state {
        State::Closed | State::Listen | State::TimeWait => {}
        State::SynSent => tcb.tear_down(None),
        // RFC 9293 §3.6.1, SHLD-3: data that nobody will read shows as a reset.
        _ if tcb.receive.readable() > 0 => {
            reset(tcb, now, Reason::UnreadData);
        }
        State::FinWait2 => limit_fin_wait_2(tcb, now),
        _ => shutdown_write(tcb),
    }
}

/// The user wants to read no more.
pub(crate) fn shutdown_read(tcb: &mut Tcb) {
    tcb.user.deaf = true;
}

/// ABORT: a RST where the peer knows of the connection.
pub(crate) fn abort(tcb: &mut Tcb, now: Instant) {
    match tcb.state {
        State::Closed | State::Listen => {}
        State::SynSent | State::Closing | State::LastAck | State::TimeWait => tcb.tear_down(None),
        State::SynReceived | State::Established | State::FinWait1 | State::FinWait2 | State::CloseWait => {
            reset(tcb, now, Reason::Abort)
        }
    }
}

/// Sends a RST and ends the connection.
fn reset(tcb: &mut Tcb, now: Instant, reason: Reason) {
    transmit::abort(tcb, now, reason, Cause::Call);
    tcb.tear_down(None);
}

/// A connection that nobody owns does not wait for the peer's FIN for ever (Linux `tcp_fin_timeout`).
pub(crate) fn limit_fin_wait_2(tcb: &mut Tcb, now: Instant) {
    if !tcb.user.orphan {
        return;
    }
    let closing = &tcb.config.closing;
    let limit = match u64::try_from(tcb.user.orphan_linger) {
        Err(_) => return reset(tcb, now, Reason::Abort),
        Ok(0) => closing.fin_wait_2,
        Ok(seconds) => Some(Duration::from_secs(seconds)),
    };
    // Linux `tcp_fin_time`: three and a half RTOs at least.
    let least = if closing.fin_wait_2_by_rto {
        tcb.recovery.base_rto().saturating_mul(7) / 2
    } else {
        Duration::ZERO
    };
    if let Some(limit) = limit {
        tcb.timers.arm(Timer::FinWait2, now.saturating_add(limit.max(least)));
    }
}

//! Whether a burst waits for more of the window because an ACK is about to come (Linux `tcp_tso_should_defer`).

use faultwire_base::{Duration, Instant};

use crate::recovery::Phase;
use crate::tcb::Tcb;

/// Only a sender that sent so lately waits, and only for an ACK that is due so soon.
const RECENT: Duration = Duration::from_millis(1);
/// Without a divisor of the window, more segments than this go at once: an ACK frees two or three.
const ENOUGH_SEGMENTS: u64 = 3;

/// What of a buffer could go now, in octets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    /// Data of the buffer.
    pub(super) length: u64,
    /// It is the last in the queue.
    pub(super) last: bool,
    /// A FIN goes with it.
    pub(super) fin: bool,
    /// What the congestion window permits.
    pub(super) quota: u64,
    /// What the peer's window permits.
    pub(super) usable: u64,
    /// A full burst.
    pub(super) full: u64,
}

/// Whether `candidate` waits.
pub(super) fn waits(tcb: &Tcb, now: Instant, candidate: &Candidate, segment: u64) -> bool {
    let limit = candidate.usable.min(candidate.quota);
    if limit >= candidate.full || !candidate.last && limit >= candidate.length {
        return false;
    }
    if matches!(tcb.recovery.phase(), Phase::Recovery | Phase::Loss) {
        return false;
    }
    // A kernel's clock moves on between two events a millisecond apart, so the edge is not lately any more.
    if now.saturating_since(tcb.tally.data_sent_at) >= RECENT {
        return false;
    }
    let enough = match tcb.config.sending.window_divisor {
        0 => limit > ENOUGH_SEGMENTS * segment,
        divisor => limit >= tcb.send.window().min(tcb.recovery.congestion_window()) / u64::from(divisor),
    };
    if enough || !is_ack_imminent(tcb, now) {
        return false;
    }
    // What will not grow any more does not wait for company.
    limit <= candidate.length || !candidate.fin
}

/// The ACK of the oldest segment is due, or will be within a millisecond or half a round trip.
fn is_ack_imminent(tcb: &Tcb, now: Instant) -> bool {
    let (Some(sent), Some(round_trip)) = (tcb.recovery.front_sent(), tcb.recovery.rtt().smoothed()) else {
        return false;
    };
    let expected = sent.saturating_add(round_trip);
    expected <= now.saturating_add(RECENT.min(round_trip / 2))
}

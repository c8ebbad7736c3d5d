//! ICMP errors about our segments: soft, hard, too big (RFC 9293 §3.9.2.2, RFC 1191, RFC 5461, RFC 5927).

mod meaning;

use faultwire_base::Instant;
use faultwire_wire::{Cause, IcmpKind, Seq};

use crate::event::{ConnectionError, Event, SoftError};
use crate::handshake;
use crate::offset::Offset;
use crate::state::State;
use crate::tcb::Tcb;
pub(crate) use meaning::{Meaning, meaning};

/// An ICMP error quotes a segment of ours with sequence number `quoted`. Says whether it was believed. Soft errors are
/// told and end nothing (RFC 9293 §3.9.2.2: SHLD-25, MUST-56), hard ones end the connection (SHLD-26).
pub(crate) fn on_icmp(tcb: &mut Tcb, now: Instant, kind: IcmpKind, quoted: Seq, cause: Cause) -> bool {
    let at = tcb.own_position(quoted);
    // Fast Open: the SYN-ACK is in flight until the handshake ends, whatever else is.
    let of_syn_ack = at == Offset::ISN && handshake::is_fast_open(tcb);
    let in_flight = tcb.send.unacknowledged() <= at
        && (at < tcb.send.next() || (at == tcb.send.next() && tcb.config.icmp.quotes_next));
    // RFC 5927 §4.1: it has to quote something that is in flight.
    if !(in_flight || of_syn_ack) || tcb.time_wait.is_some() || tcb.state == State::Closed {
        return false;
    }
    tcb.cause = cause;
    if tcb.config.icmp.reverts_back_off && !of_syn_ack && is_of_connectivity(kind, tcb.path.ipv6) {
        tcb.recovery.revert_back_off(now, at);
    }
    // What was accepted already is treated as a connection that is open (Linux).
    let opening = tcb.opening.as_ref().is_some_and(|opening| !opening.is_accepted());
    match meaning(&tcb.config.icmp, kind, tcb.path.ipv6) {
        Meaning::Hard(error) if opening || tcb.config.arrival.hard_errors_abort => {
            tcb.tear_down(Some(error));
        }
        Meaning::Soft(error) if opening && (tcb.config.opening.soft_errors_abort || is_insistent(tcb)) => {
            tcb.tear_down(Some(error));
        }
        Meaning::Hard(error) | Meaning::Soft(error) => note(tcb, error),
        Meaning::TooBig(mtu) => on_too_big(tcb, at, mtu),
        Meaning::Nothing => return false,
    }
    true
}

/// RFC 6069 §3: the way is gone, not full. IPv4: net or host unreachable; IPv6: no route.
fn is_of_connectivity(kind: IcmpKind, ipv6: bool) -> bool {
    matches!(kind, IcmpKind::DestinationUnreachable { code } if code == 0 || code == 1 && !ipv6)
}

/// FreeBSD: an attempt that has timed out more than three times and has been told of an error before.
fn is_insistent(tcb: &Tcb) -> bool {
    tcb.config.icmp.insistence_ends && tcb.user.soft_error.is_some() && tcb.tally.syn_timeouts > 3
}

/// Only an error on timeout.
fn note(tcb: &mut Tcb, error: ConnectionError) {
    tcb.user.soft_error = Some(error);
    tcb.events.push(Event::SoftError(SoftError::Unreachable(error)));
}

/// RFC 1191 §3, RFC 8201 §4: smaller segments from now on; what was too big goes again at once.
fn on_too_big(tcb: &mut Tcb, quoted: Offset, mtu: u32) {
    let least = if tcb.path.ipv6 { LEAST_MTU_IPV6 } else { tcb.config.icmp.least_mtu };
    let mtu = mtu.max(least);
    if mtu >= tcb.path.mtu {
        return;
    }
    tcb.path.mtu = mtu;
    if tcb.state == State::SynSent && tcb.fast_open.text_sent() {
        // Linux: what was too big can only have been the SYN with its text; it goes again without.
        if let Some(opening) = &mut tcb.opening {
            opening.go_again(tcb.cause);
        }
    }
    let octets = tcb.negotiated.effective_segment_size(tcb.path, mtu);
    if octets >= tcb.send.segment_size() {
        return;
    }
    tcb.send.set_segment_size(octets);
    if quoted > Offset::ISN || handshake::is_fast_open(tcb) {
        tcb.recovery.on_segment_size_reduced(octets, tcb.config.buffers.send_parts.is_some());
    }
}

/// What every link carries in IPv6 (RFC 8200 §5).
const LEAST_MTU_IPV6: u32 = 1280;

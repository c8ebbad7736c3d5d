//! ICMP errors about our segments: soft, hard, too big (RFC 9293 §3.9.2.2, RFC 1191, RFC 5927).

use faultwire_wire::{Cause, IcmpKind, Seq};

use crate::event::{ConnectionError, Event, SoftError};
use crate::handshake;
use crate::offset::Offset;
use crate::tcb::Tcb;

/// What an ICMP error means to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Hard(ConnectionError),
    Soft(ConnectionError),
    TooBig(u32),
    Nothing,
}

/// An ICMP error quotes a segment of ours with sequence number `quoted`. Says whether it was believed. Soft errors are
/// told and end nothing (RFC 9293 §3.9.2.2: SHLD-25, MUST-56), hard ones end the connection (SHLD-26).
pub(crate) fn on_icmp(tcb: &mut Tcb, kind: IcmpKind, quoted: Seq, cause: Cause) -> bool {
    let at = tcb.send.widen(quoted);
    // RFC 5927 §4.1: it has to quote something that is in flight.
    // Fast Open: the SYN-ACK is in flight until the handshake ends, whatever else is.
    let of_syn_ack = at == Offset::ISN && handshake::is_fast_open(tcb);
    if !of_syn_ack && at < tcb.send.unacknowledged() || at >= tcb.send.next() || tcb.time_wait.is_some() {
        return false;
    }
    tcb.cause = cause;
    // What was accepted already is treated as a connection that is open (Linux).
    let opening = tcb.opening.as_ref().is_some_and(|opening| !opening.is_accepted());
    match meaning(kind, tcb.path.ipv6) {
        Meaning::Hard(error) if opening || tcb.config.arrival.hard_errors_abort => {
            tcb.tear_down(Some(error));
        }
        Meaning::Soft(error) if opening && tcb.config.opening.soft_errors_abort => {
            tcb.tear_down(Some(error));
        }
        Meaning::Hard(error) | Meaning::Soft(error) => {
            tcb.user.soft_error = Some(error);
            tcb.events.push(Event::SoftError(SoftError::Unreachable(error)));
        }
        Meaning::TooBig(mtu) => on_too_big(tcb, at, mtu),
        Meaning::Nothing => return false,
    }
    true
}

/// RFC 1191 §3, RFC 8201 §4: smaller segments from now on; what was too big goes again at once.
fn on_too_big(tcb: &mut Tcb, quoted: Offset, mtu: u32) {
    let least = if tcb.path.ipv6 { 1280 } else { 68 };
    let mtu = mtu.max(least);
    if mtu >= tcb.path.mtu {
        return;
    }
    tcb.path.mtu = mtu;
    let octets = tcb.negotiated.effective_segment_size(tcb.path, mtu);
    if octets >= tcb.send.segment_size() {
        return;
    }
    tcb.send.set_segment_size(octets);
    if quoted > Offset::ISN {
        tcb.recovery.on_segment_size_reduced(octets);
    }
}

fn meaning(kind: IcmpKind, ipv6: bool) -> Meaning {
    match (kind, ipv6) {
        (IcmpKind::PacketTooBig { mtu }, _) => Meaning::TooBig(mtu),
        (IcmpKind::DestinationUnreachable { code }, false) => match code {
            0 | 6 | 9 | 11 => Meaning::Soft(ConnectionError::NetworkUnreachable),
            2 => Meaning::Hard(ConnectionError::ProtocolUnreachable),
            3 => Meaning::Hard(ConnectionError::Refused),
            _ => Meaning::Soft(ConnectionError::HostUnreachable),
        },
        (IcmpKind::DestinationUnreachable { code }, true) => match code {
            0 => Meaning::Soft(ConnectionError::NetworkUnreachable),
            4 => Meaning::Hard(ConnectionError::Refused),
            _ => Meaning::Soft(ConnectionError::HostUnreachable),
        },
        (IcmpKind::TimeExceeded { .. }, _) => Meaning::Soft(ConnectionError::HostUnreachable),
        (IcmpKind::ParameterProblem { .. }, _) => Meaning::Soft(ConnectionError::ProtocolError),
        _ => Meaning::Nothing,
    }
}

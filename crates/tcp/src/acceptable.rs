//! Whether a segment is acceptable by its sequence number, where it is judged before all else (RFC 9293 §3.10.7.4, first;
//! Linux `tcp_sequence`).

use faultwire_wire::{Flags, Reason};

use crate::arriving::{self, Arriving};
use crate::config::SequenceCheck;
use crate::event::DropReason;
use crate::offset::Offset;
use crate::state::State;
use crate::tcb::Tcb;

/// What the sequence check permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acceptable {
    /// All of it inside the window.
    Yes,
    /// ACK, RST and URG count, the text doesn't: the window is closed (RFC 9293 §3.4, MUST-66).
    WithoutText,
    /// The same: all of it was here before.
    Old,
    /// The SYN,ACK of a simultaneous open, whose SYN was here before (figure 7).
    SynAckOfSimultaneousOpen,
    /// Outside.
    No,
}

/// First, check sequence number.
#[inline]
pub(crate) fn check_sequence(tcb: &mut Tcb, arriving: &Arriving<'_>) -> Result<Acceptable, DropReason> {
    let acceptable = is_acceptable(tcb, arriving);
    if acceptable == Acceptable::No { refuse(tcb, arriving) } else { Ok(acceptable) }
}

/// An unacceptable segment gets an ACK unless it is a RST.
fn refuse(tcb: &mut Tcb, arriving: &Arriving<'_>) -> Result<Acceptable, DropReason> {
    let flags = arriving.segment.flags;
    let overlap = tcb.config.arrival.sequence_check == SequenceCheck::Overlap;
    if flags.contains(Flags::RST) {
        // Linux: the RST may stand at the peer's FIN, which was taken.
        let at_fin = overlap && crate::arrive::is_reset_at_fin(tcb, arriving);
        return if at_fin { Ok(Acceptable::Old) } else { Err(DropReason::ResetOutsideWindow) };
    }
    if overlap && flags.contains(Flags::SYN) {
        arriving::challenge(tcb, arriving);
        return Err(DropReason::UnexpectedSyn);
    }
    if overlap {
        arriving::answer_refused(tcb, arriving);
        return Err(DropReason::OutsideWindow);
    }
    let end = arriving.seq + u64::from(arriving.segment.payload.len());
    if arriving.seq < end && end <= tcb.receive.next() {
        arriving::answer_duplicate(tcb, arriving, arriving.seq, end);
    } else {
        arriving::answer(tcb, arriving, Reason::UnacceptableAck);
    }
    Err(DropReason::OutsideWindow)
}

#[inline]
fn is_acceptable(tcb: &Tcb, arriving: &Arriving<'_>) -> Acceptable {
    if is_syn_ack_of_simultaneous_open(tcb, arriving) {
        return Acceptable::SynAckOfSimultaneousOpen;
    }
    match tcb.config.arrival.sequence_check {
        SequenceCheck::Overlap => overlaps(tcb, arriving),
        SequenceCheck::Letter | SequenceCheck::Trim => is_inside(tcb, arriving),
    }
}

/// Linux wants it bare and with the ACK of our SYN; another is a SYN like any other.
#[inline]
fn is_syn_ack_of_simultaneous_open(tcb: &Tcb, arriving: &Arriving<'_>) -> bool {
    let segment = arriving.segment;
    let is_syn_ack = tcb.state == State::SynReceived
        && arriving.seq == Offset::ISN
        && segment.flags.contains(Flags::SYN | Flags::ACK)
        && !segment.flags.contains(Flags::RST);
    let any = tcb.config.arrival.sequence_check != SequenceCheck::Overlap;
    is_syn_ack && (any || segment.sequence_length() == 1 && tcb.own_position(segment.ack) == tcb.send.next())
}

/// The four cases of table 6.
#[inline]
fn is_inside(tcb: &Tcb, arriving: &Arriving<'_>) -> Acceptable {
    let (next, edge) = (tcb.receive.next(), tcb.receive.edge());
    let seq = arriving.seq;
    let length = u64::from(arriving.segment.sequence_length());
    let inside = |at: Offset| next <= at && at < edge;
    let closed = edge <= next;
    let accepted = match (length, closed) {
        (0, true) => seq == next,
        (0, false) => inside(seq),
        (_, true) => false,
        (_, false) => inside(seq) || inside(seq + (length - 1)),
    };
    if accepted {
        Acceptable::Yes
    } else if closed && seq == next {
        Acceptable::WithoutText
    } else {
        Acceptable::No
    }
}

/// Linux: everything that does not end before the last acknowledgment that was sent and does not begin beyond the right
/// edge.
#[inline]
fn overlaps(tcb: &Tcb, arriving: &Arriving<'_>) -> Acceptable {
    let next = tcb.receive.next();
    let edge = tcb.receive.edge().max(next);
    let seq = arriving.seq;
    let length = u64::from(arriving.segment.sequence_length());
    let end = seq + length;
    if end < tcb.ack.last_sent() || seq > edge {
        return Acceptable::No;
    }
    if end > edge && edge > next && tcb.receive.readable() > 0 {
        // What ends beyond the edge passes only if nothing waits to be read.
        return Acceptable::No;
    }
    if length == 0 || arriving.segment.flags.intersects(Flags::RST | Flags::SYN) {
        return Acceptable::Yes;
    }
    if end <= next {
        return Acceptable::Old;
    }
    let bare_fin = length == 1 && arriving.segment.flags.contains(Flags::FIN);
    if edge == next && !bare_fin { Acceptable::WithoutText } else { Acceptable::Yes }
}

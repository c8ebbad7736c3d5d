//! The first steps of segment arrival in the order of 4.4BSD, as FreeBSD has them (`tcp_do_segment`): RST and SYN first,
//! then timestamps, then what lies outside the window is cut off. From the ACK field on all stacks do the same.

use faultwire_wire::{Flags, Reason};

use crate::acceptable::Acceptable;
use crate::arrive;
use crate::arriving::{self, Arriving};
use crate::event::DropReason;
use crate::offset::Offset;
use crate::paws;
use crate::state::State;
use crate::tcb::Tcb;
use crate::transmit;

/// All steps before the ACK field. What is cut off need not be taken out of the segment: the text is cut again when it is
/// taken.
pub(crate) fn check(tcb: &mut Tcb, arriving: &Arriving<'_>) -> Result<Acceptable, DropReason> {
    let flags = arriving.segment.flags;
    if flags.contains(Flags::RST) {
        return check_reset(tcb, arriving).map(|()| Acceptable::Yes);
    }
    if tcb.timestamps.enabled() && tcb.config.options.require_timestamps && arriving.timestamps.is_none() {
        return Err(DropReason::NoTimestamp);
    }
    if tcb.state == State::SynReceived && flags.contains(Flags::ACK) {
        let ack = tcb.own_position(arriving.segment.ack);
        if ack <= tcb.send.unacknowledged() || ack > tcb.send.next() {
            transmit::reset_of_connection(tcb, arriving, Reason::Reset);
            return Err(DropReason::AckNotOfSyn);
        }
    }
    if flags.contains(Flags::SYN) && tcb.state != State::SynReceived {
        arrive::check_syn(tcb, arriving)?;
        return Ok(Acceptable::Yes);
    }
    paws::check(tcb, arriving)?;
    if tcb.state == State::SynReceived && arriving.seq < Offset::ISN {
        transmit::reset_of_connection(tcb, arriving, Reason::Reset);
        return Err(DropReason::OutsideWindow);
    }
    let left = cut_left(tcb, arriving);
    let text = Offset::max(arriving.seq, tcb.receive.next())
        < arriving.seq + u64::from(arriving.segment.payload.len());
    if text && left == Acceptable::Yes && tcb.user.orphan && tcb.config.closing.reset_late_data {
        transmit::reset_reply(tcb, arriving.segment, Reason::UnreadData, arriving.cause);
        tcb.tear_down(None);
        return Err(DropReason::AfterClose);
    }
    let acceptable = cut_right(tcb, arriving, left)?;
    if ends_at_last_ack(tcb, arriving, left) {
        paws::note(tcb, arriving);
    }
    Ok(acceptable)
}

/// FreeBSD's bound for TS.Recent: Last.ACK.sent <= SEG.SEQ + SEG.LEN, where a FIN of old does not count.
fn ends_at_last_ack(tcb: &Tcb, arriving: &Arriving<'_>, left: Acceptable) -> bool {
    let segment = arriving.segment;
    let length = if left == Acceptable::Old { segment.payload.len() } else { segment.sequence_length() };
    tcb.ack.last_sent() <= arriving.seq + u64::from(length)
}

/// RFC 5961 §3.2 against the last acknowledgment that was sent.
fn check_reset(tcb: &mut Tcb, arriving: &Arriving<'_>) -> Result<(), DropReason> {
    let last = tcb.ack.last_sent();
    let edge = last + tcb.receive.acceptance();
    let inside = last <= arriving.seq && arriving.seq < edge || edge == last && arriving.seq == last;
    if inside { arrive::check_reset(tcb, arriving) } else { Err(DropReason::ResetOutsideWindow) }
}

/// What was here before asks for an ACK; if nothing else is left, the ACK field still counts.
fn cut_left(tcb: &mut Tcb, arriving: &Arriving<'_>) -> Acceptable {
    let next = tcb.receive.next();
    let flags = arriving.segment.flags;
    let syn = flags.contains(Flags::SYN);
    let start = arriving.seq + u64::from(syn);
    if arriving.seq >= next {
        return Acceptable::Yes;
    }
    let length = u64::from(arriving.segment.payload.len());
    let end = start + length;
    if end < next || end == next && !flags.contains(Flags::FIN) {
        tcb.ack.demand(Reason::UnacceptableAck, arriving.cause);
        if length > 0 {
            // Whatever becomes of its ACK, the next ACK says what came twice.
            arriving::note_duplicate(tcb, start, end);
        }
        return if syn { Acceptable::SynAckOfSimultaneousOpen } else { Acceptable::Old };
    }
    if length > 0 {
        tcb.ack.demand(Reason::Ack, arriving.cause);
    }
    Acceptable::Yes
}

/// What ends beyond the window, or lies there.
fn cut_right(tcb: &mut Tcb, arriving: &Arriving<'_>, left: Acceptable) -> Result<Acceptable, DropReason> {
    let (next, edge) = (tcb.receive.next(), tcb.receive.acceptance_edge());
    let start = arriving.seq.max(next);
    let end = arriving.seq + u64::from(arriving.segment.payload.len());
    if left != Acceptable::Yes || end <= edge || start < edge {
        return Ok(left);
    }
    if edge <= next && start == next {
        tcb.ack.demand(Reason::UnacceptableAck, arriving.cause);
        return Ok(Acceptable::WithoutText);
    }
    arriving::answer(tcb, arriving, Reason::UnacceptableAck);
    Err(DropReason::OutsideWindow)
}

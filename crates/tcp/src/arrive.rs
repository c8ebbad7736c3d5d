//! SEGMENT ARRIVES in a state other than CLOSED, LISTEN and TIME-WAIT: one function a step, in the order of RFC 9293
//! §3.10.7.4.

use faultwire_base::Instant;
use faultwire_wire::{Cause, Flags, Reason, Segment};

use crate::ack_policy::AckDecision;
use crate::acknowledged;
use crate::arriving::{self, Arriving};
use crate::close;
use crate::config::{ResetInCloseWait, SequenceCheck};
use crate::ecn;
use crate::event::{ConnectionError, DropReason, Event};
use crate::handshake;
use crate::negotiate::is_signed;
use crate::offset::Offset;
use crate::receive_buffer::Placed;
use crate::state::State;
use crate::tcb::Tcb;
use crate::timer::Timer;
use crate::transmit;
use crate::user_timeout;

/// What the sequence check permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Acceptable {
    /// All of it inside the window.
    Yes,
    /// The window is closed: ACK, URG and RST count, the text doesn't.
    WithoutText,
    /// The SYN,ACK of a simultaneous open, whose SYN was here before (figure 7).
    SynAckOfSimultaneousOpen,
    /// Outside.
    No,
}

/// A segment arrives. `Err` says why it was dropped; what is to be answered is queued. Options are read where they are
/// needed, whatever the segment is; a PSH is not shown to the user (RFC 9293 §3.1, MUST-5; §3.9.1.3, MAY-17).
pub(crate) fn segment_arrives(
    tcb: &mut Tcb,
    now: Instant,
    segment: &Segment,
    cause: Cause,
) -> Result<(), DropReason> {
    if tcb.config.handshake.drop_signed && is_signed(&segment.options) {
        return Err(DropReason::UnexpectedSignature);
    }
    if tcb.config.handshake.user_timeout_option.is_some()
        && let Some(timeout) = user_timeout::read(&segment.options)
    {
        user_timeout::learn(tcb, now, timeout);
    }
    match tcb.state {
        State::Closed | State::Listen | State::TimeWait => Err(DropReason::Closed),
        State::SynSent => {
            handshake::syn_sent(tcb, now, segment, cause)?;
            if tcb.state == State::Established || tcb.state == State::FinWait1 {
                if handshake::takes_text_of_syn_ack(tcb) {
                    // The SYN is taken; its text and FIN begin one later (RFC 9293 §3.10.7.3).
                    let arriving = Arriving::new(tcb, now, segment, cause, Offset::FIRST);
                    take_text_and_fin(tcb, &arriving);
                }
                handshake::answer_syn_ack(tcb, now, cause);
            }
            Ok(())
        }
        _ => other_states(tcb, now, segment, cause),
    }
}

fn other_states(tcb: &mut Tcb, now: Instant, segment: &Segment, cause: Cause) -> Result<(), DropReason> {
    let mut arriving = Arriving::new(tcb, now, segment, cause, tcb.receive.widen(segment.seq));
    tcb.keep_alive.on_heard(now);
    if tcb.opening.is_some() {
        handshake::syn_for_fast_open(tcb, &arriving)?;
    }
    if tcb.ecn.is_on() {
        ecn::on_segment(tcb, segment.flags);
    }
    check_timestamps(tcb, &arriving)?;
    let acceptable = check_sequence(tcb, &arriving)?;
    if acceptable == Acceptable::SynAckOfSimultaneousOpen {
        arriving.seq = Offset::FIRST;
    }
    note_timestamp(tcb, &arriving);
    if segment.flags.intersects(Flags::RST | Flags::SYN) {
        check_reset(tcb, &arriving)?;
        if tcb.state == State::Closed {
            return Ok(());
        }
        if acceptable != Acceptable::SynAckOfSimultaneousOpen {
            check_syn(tcb, &arriving)?;
        }
    }
    acknowledged::check_ack(tcb, &arriving)?;
    if tcb.state == State::Closed {
        return Ok(());
    }
    if segment.flags.contains(Flags::URG) {
        check_urgent(tcb, &arriving);
    }
    if acceptable == Acceptable::WithoutText {
        arriving::answer(tcb, &arriving, Reason::UnacceptableAck);
        return Err(DropReason::WindowClosed);
    }
    let result = take_text_and_fin(tcb, &arriving);
    if tcb.state == State::FinWait1 && tcb.fin_acknowledged() {
        // Last of all, so that a FIN in the same segment leads straight to TIME-WAIT (figure 5, note 2).
        enter_fin_wait_2(tcb, now);
    }
    match result {
        Some(reason) => Err(reason),
        None => Ok(()),
    }
}

/// RFC 7323 §5.3 R1: an old timestamp is a duplicate of long ago. RST is exempt.
#[inline]
fn check_timestamps(tcb: &mut Tcb, arriving: &Arriving<'_>) -> Result<(), DropReason> {
    if !tcb.timestamps.enabled() || arriving.segment.flags.contains(Flags::RST) {
        return Ok(());
    }
    match arriving.timestamps {
        Some((value, _)) if tcb.timestamps.is_old(value, arriving.now) => {
            arriving::answer(tcb, arriving, Reason::UnacceptableAck);
            Err(DropReason::OldTimestamp)
        }
        None if tcb.config.options.require_timestamps => Err(DropReason::NoTimestamp),
        _ => Ok(()),
    }
}

/// First, check sequence number.
#[inline]
fn check_sequence(tcb: &mut Tcb, arriving: &Arriving<'_>) -> Result<Acceptable, DropReason> {
    let acceptable = is_acceptable(tcb, arriving);
    if acceptable != Acceptable::No {
        return Ok(acceptable);
    }
    if arriving.segment.flags.contains(Flags::RST) {
        return Err(DropReason::ResetOutsideWindow);
    }
    let end = arriving.seq + u64::from(arriving.segment.payload.len());
    if arriving.seq < end && end <= tcb.receive.next() {
        arriving::answer_duplicate(tcb, arriving, arriving.seq, end);
    } else {
        arriving::answer(tcb, arriving, Reason::UnacceptableAck);
    }
    Err(DropReason::OutsideWindow)
}

/// The four cases of table 6, and what stacks permit beyond. At a closed window ACK, RST and URG still count (RFC 9293
/// §3.4, MUST-66).
#[inline]
fn is_acceptable(tcb: &Tcb, arriving: &Arriving<'_>) -> Acceptable {
    let (next, edge) = (tcb.receive.next(), tcb.receive.edge());
    let seq = arriving.seq;
    let length = u64::from(arriving.segment.sequence_length());
    let lenient = tcb.config.arrival.sequence_check == SequenceCheck::Lenient;
    let inside = |at: Offset| next <= at && at < edge;
    let closed = edge <= next;
    let accepted = match (length, closed) {
        (0, true) => seq == next,
        (0, false) => inside(seq) || (lenient && seq == edge),
        (_, true) => false,
        (_, false) => inside(seq) || inside(seq + (length - 1)),
    };
    if accepted {
        return Acceptable::Yes;
    }
    if closed && seq == next {
        let bare_fin = length == 1 && arriving.segment.flags.contains(Flags::FIN);
        return if lenient && bare_fin { Acceptable::Yes } else { Acceptable::WithoutText };
    }
    let flags = arriving.segment.flags;
    if tcb.state == State::SynReceived
        && seq == Offset::ISN
        && flags.contains(Flags::SYN | Flags::ACK)
        && !flags.contains(Flags::RST)
    {
        return Acceptable::SynAckOfSimultaneousOpen;
    }
    Acceptable::No
}

/// RFC 7323 §4.3 (2).
#[inline]
pub(crate) fn note_timestamp(tcb: &mut Tcb, arriving: &Arriving<'_>) {
    if let Some((value, _)) = arriving.timestamps
        && arriving.seq <= tcb.ack.last_sent()
        && !arriving.segment.flags.contains(Flags::RST)
    {
        tcb.timestamps.update(value, arriving.now);
    }
}

/// Second, check the RST bit (RFC 5961 §3.2). Data in a RST is neither a fault nor delivered (RFC 9293 §3.5.3, SHLD-2).
fn check_reset(tcb: &mut Tcb, arriving: &Arriving<'_>) -> Result<(), DropReason> {
    if !arriving.segment.flags.contains(Flags::RST) {
        return Ok(());
    }
    let anywhere = handshake::is_fast_open(tcb) && tcb.config.handshake.reset_in_window;
    if arriving.seq != tcb.receive.next() && !anywhere {
        arriving::challenge(tcb, arriving);
        return Err(DropReason::ResetNotExact);
    }
    let error = match tcb.state {
        // MUST-11: reached by an active OPEN, since passive ones are embryos, but for Fast Open, whose user is there.
        State::SynReceived if handshake::is_fast_open(tcb) => Some(ConnectionError::Reset),
        State::SynReceived => Some(ConnectionError::Refused),
        State::Closing | State::LastAck => None,
        State::CloseWait if tcb.config.closing.reset_in_close_wait == ResetInCloseWait::BreaksPipe => {
            Some(ConnectionError::PipeBroken)
        }
        _ => Some(ConnectionError::Reset),
    };
    tcb.tear_down(error);
    Ok(())
}

/// Fourth, check the SYN bit (RFC 5961 §4.2).
fn check_syn(tcb: &mut Tcb, arriving: &Arriving<'_>) -> Result<(), DropReason> {
    if !arriving.segment.flags.contains(Flags::SYN) {
        return Ok(());
    }
    if handshake::is_fast_open(tcb) && tcb.config.opening.reset_on_syn {
        // Linux: the peer is reset, and not the connection here, which may be a good one.
        transmit::reset_reply(tcb, arriving.segment, Reason::Reset, arriving.cause);
    } else {
        arriving::challenge(tcb, arriving);
    }
    Err(DropReason::UnexpectedSyn)
}

/// Sixth, check the URG bit.
fn check_urgent(tcb: &mut Tcb, arriving: &Arriving<'_>) {
    if !tcb.state.takes_text() {
        return;
    }
    let mark = arriving.seq + u64::from(arriving.segment.urgent);
    let read = tcb.receive.read_position();
    if tcb.urgent.receive_until(mark, read) {
        tcb.events.push(Event::Urgent { remaining: tcb.urgent.remaining(read) });
    }
}

/// Seventh and eighth: the segment text and the FIN. `Some` says why text was refused.
#[inline]
fn take_text_and_fin(tcb: &mut Tcb, arriving: &Arriving<'_>) -> Option<DropReason> {
    let length = arriving.segment.payload.len();
    let fin = arriving.segment.flags.contains(Flags::FIN);
    if length == 0 && !fin {
        return None;
    }
    if !tcb.state.takes_text() {
        return (tcb.state != State::TimeWait && tcb.state != State::Closed).then_some(DropReason::AfterFin);
    }
    if length > 0
        && let Some(refused) = take_text(tcb, arriving)
    {
        return Some(refused);
    }
    if fin {
        let at = arriving.seq + u64::from(length);
        let lenient = tcb.config.arrival.sequence_check == SequenceCheck::Lenient;
        if at < tcb.receive.edge() || (lenient && at == tcb.receive.edge()) {
            tcb.receive.finish_at(at);
        }
        if length == 0 && at > tcb.receive.next() {
            arriving::answer(tcb, arriving, Reason::DuplicateAck);
        }
    }
    if tcb.receive.fin().is_some() && tcb.receive.take_fin() {
        take_fin(tcb, arriving);
    }
    None
}

/// Seventh, process the segment text, cut to what is new and inside the window.
#[inline]
fn take_text(tcb: &mut Tcb, arriving: &Arriving<'_>) -> Option<DropReason> {
    let payload = &arriving.segment.payload;
    let end_of_text = arriving.seq + u64::from(payload.len());
    let start = arriving.seq.max(tcb.receive.next());
    let mut end = end_of_text.min(tcb.receive.edge());
    if let Some(fin) = tcb.receive.fin() {
        end = end.min(fin);
    }
    if start >= end {
        tcb.ack.demand(Reason::UnacceptableAck, arriving.cause);
        return None;
    }
    if tcb.user.orphan && tcb.config.closing.reset_unread {
        // RFC 9293 §3.6.1, SHLD-3: data that nobody will read shows as a reset.
        transmit::reset_reply(tcb, arriving.segment, Reason::UnreadData, arriving.cause);
        tcb.tear_down(None);
        return Some(DropReason::AfterClose);
    }
    if tcb.ecn.is_on() {
        ecn::on_text(tcb, arriving);
    }
    let length = (end - start) as u32;
    let placed = if length == payload.len() {
        tcb.receive.place(start, payload)
    } else {
        tcb.receive.place(start, &payload.slice((start - arriving.seq) as u32, length))
    };
    match placed {
        Placed::InOrder => on_text_in_order(tcb, arriving, length),
        // RFC 5681 §4.2: at once when a hole is filled.
        Placed::FilledHole => {
            tcb.ack.demand(Reason::Ack, arriving.cause);
            tcb.events.readable();
        }
        // RFC 9293 §3.10.7.4, MAY-13; RFC 5681 §4.2.
        Placed::OutOfOrder => {
            tcb.tally.out_of_order += 1;
            arriving::answer(tcb, arriving, Reason::DuplicateAck);
        }
        Placed::Duplicate => arriving::answer_duplicate(tcb, arriving, start, end),
    }
    None
}

/// RCV.NXT moved over `length` octets of text, and there was no hole.
#[inline]
pub(crate) fn on_text_in_order(tcb: &mut Tcb, arriving: &Arriving<'_>, length: u32) {
    let next = tcb.receive.next();
    match tcb.ack.on_data(&tcb.config.acknowledgment, arriving.now, next, length) {
        AckDecision::Now => tcb.ack.demand(Reason::Ack, arriving.cause),
        AckDecision::By(at) if !tcb.timers.is_armed(Timer::DelayedAck) => {
            tcb.timers.arm(Timer::DelayedAck, at);
        }
        AckDecision::By(_) => {}
    }
    tcb.events.readable();
}

/// Eighth: RCV.NXT moved over the FIN.
fn take_fin(tcb: &mut Tcb, arriving: &Arriving<'_>) {
    tcb.ack.demand(Reason::Ack, arriving.cause);
    tcb.events.readable();
    match tcb.state {
        State::Established => tcb.become_state(State::CloseWait),
        State::FinWait1 if tcb.fin_acknowledged() => tcb.enter_time_wait(arriving.now),
        State::FinWait1 => tcb.become_state(State::Closing),
        State::FinWait2 => tcb.enter_time_wait(arriving.now),
        state => unreachable!("no text is taken in {state}"),
    }
}

fn enter_fin_wait_2(tcb: &mut Tcb, now: Instant) {
    tcb.become_state(State::FinWait2);
    close::limit_fin_wait_2(tcb, now);
}

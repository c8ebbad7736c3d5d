//! SEGMENT ARRIVES in a state other than CLOSED, LISTEN and TIME-WAIT: one function a step, in the order of RFC 9293
//! §3.10.7.4.

use faultwire_base::Instant;
use faultwire_wire::{Cause, Flags, Reason, Segment};

use crate::acceptable::{self, Acceptable};
use crate::ack_policy::{AckDecision, DataArrived};
use crate::acknowledged;
use crate::arriving::{self, Arriving};
use crate::close;
use crate::config::{
    HalfOpenRule, OldDuplicate, ResetInCloseWait, ResetRule, SackReport, SequenceCheck, UrgentRule,
};
use crate::ecn;
use crate::event::{ConnectionError, DropReason, Event};
use crate::handshake;
use crate::negotiate::{TIMESTAMPS_OCTETS, is_signed};
use crate::offset::Offset;
use crate::old_duplicate;
use crate::paws;
use crate::receive_buffer::Placed;
use crate::receive_memory::Arrived;
use crate::state::State;
use crate::tcb::Tcb;
use crate::timer::Timer;
use crate::transmit;
use crate::trim;
use crate::urgent;
use crate::user_timeout;

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
            let waits = handshake::waits_for_writer(tcb);
            handshake::syn_sent(tcb, now, segment, cause)?;
            if tcb.state == State::Established || tcb.state == State::FinWait1 {
                if handshake::takes_text_of_syn_ack(tcb) {
                    // The SYN is taken; its text and FIN begin one later (RFC 9293 §3.10.7.3).
                    let arriving = Arriving::new(tcb, now, segment, cause, Offset::FIRST);
                    take_text_and_fin(tcb, &arriving);
                }
                // What follows a FIN is an answer, which may be on its way.
                let closing = tcb.config.handshake.ack_waits_for_writer && tcb.state == State::CloseWait;
                handshake::answer_syn_ack(tcb, now, cause, waits || closing);
            }
            Ok(())
        }
        _ => other_states(tcb, now, segment, cause),
    }
}

fn other_states(tcb: &mut Tcb, now: Instant, segment: &Segment, cause: Cause) -> Result<(), DropReason> {
    let seq = tcb.position(segment.seq);
    let mut arriving = Arriving::new(tcb, now, segment, cause, seq);
    tcb.keep_alive.on_heard(now);
    check_flags(tcb, segment)?;
    if tcb.config.arrival.old_duplicate != OldDuplicate::Acknowledged {
        old_duplicate::check(tcb, &arriving)?;
    }
    if tcb.opening.is_some() {
        handshake::syn_for_fast_open(tcb, &arriving)?;
    }
    if tcb.ecn.is_on() {
        ecn::on_segment(tcb, segment.flags);
    }
    let acceptable = if tcb.config.arrival.sequence_check == SequenceCheck::Trim {
        trim::check(tcb, &arriving)?
    } else {
        first_to_fourth(tcb, &arriving)?
    };
    if tcb.state == State::Closed {
        return Ok(());
    }
    if acceptable == Acceptable::SynAckOfSimultaneousOpen {
        arriving.seq = Offset::FIRST;
    }
    acknowledged::check_ack(tcb, &arriving)?;
    if tcb.state == State::Closed {
        return Ok(());
    }
    if acceptable == Acceptable::SynAckOfSimultaneousOpen && tcb.config.handshake.syn_stays {
        arriving::answer_duplicate(tcb, &arriving, Offset::ISN, Offset::FIRST);
    }
    if segment.flags.contains(Flags::URG) {
        check_urgent(tcb, &arriving);
    }
    let result = match acceptable {
        Acceptable::Yes | Acceptable::SynAckOfSimultaneousOpen => take_text_and_fin(tcb, &arriving),
        Acceptable::WithoutText | Acceptable::Old => Some(without_text(tcb, &arriving, acceptable)),
        Acceptable::No => unreachable!("was refused"),
    };
    if tcb.state == State::FinWait1 && tcb.fin_acknowledged() {
        // Last of all, so that a FIN in the same segment leads straight to TIME-WAIT (figure 5, note 2).
        enter_fin_wait_2(tcb, now, segment);
    }
    match result {
        Some(reason) => Err(reason),
        None => Ok(()),
    }
}

/// Combinations of flags that some stacks look at before anything else.
#[inline]
fn check_flags(tcb: &Tcb, segment: &Segment) -> Result<(), DropReason> {
    let arrival = &tcb.config.arrival;
    let flags = segment.flags;
    if arrival.drop_without_ack && !flags.intersects(Flags::ACK | Flags::RST | Flags::SYN) {
        return Err(DropReason::NoAck);
    }
    if arrival.drop_syn_fin && flags.contains(Flags::SYN | Flags::FIN) {
        return Err(DropReason::SynFin);
    }
    if arrival.drop_syn && flags.contains(Flags::SYN) && tcb.state.is_synchronized() {
        return Err(DropReason::UnexpectedSyn);
    }
    Ok(())
}

/// Timestamps, then the first four steps in the order of RFC 9293 §3.10.7.4.
#[inline]
fn first_to_fourth(tcb: &mut Tcb, arriving: &Arriving<'_>) -> Result<Acceptable, DropReason> {
    paws::check(tcb, arriving)?;
    let acceptable = acceptable::check_sequence(tcb, arriving)?;
    if tcb.config.arrival.sequence_check != SequenceCheck::Overlap {
        paws::note(tcb, arriving);
    }
    if arriving.segment.flags.intersects(Flags::RST | Flags::SYN) {
        check_reset(tcb, arriving)?;
        if tcb.state != State::Closed && acceptable != Acceptable::SynAckOfSimultaneousOpen {
            check_syn(tcb, arriving)?;
        }
    }
    Ok(acceptable)
}

/// The text of a segment is not taken: it gets an ACK, unless one is due already.
fn without_text(tcb: &mut Tcb, arriving: &Arriving<'_>, acceptable: Acceptable) -> DropReason {
    let trims = tcb.config.arrival.sequence_check == SequenceCheck::Trim;
    if acceptable == Acceptable::WithoutText {
        if !trims {
            arriving::answer(tcb, arriving, Reason::UnacceptableAck);
        }
        return DropReason::WindowClosed;
    }
    let text = !arriving.segment.payload.is_empty();
    let ended = matches!(tcb.state, State::TimeWait | State::Closed);
    if trims && text {
        // The ACK that is due says what came twice.
        let start = arriving.seq + u64::from(arriving.segment.flags.contains(Flags::SYN));
        let end = start + u64::from(arriving.segment.payload.len());
        arriving::answer_duplicate(tcb, arriving, start, end);
    } else if !trims && !ended {
        // Linux: a segment whose ACK ends the connection is consumed.
        let end = arriving.seq + u64::from(arriving.segment.sequence_length());
        arriving::answer_duplicate(tcb, arriving, arriving.seq, end);
    }
    DropReason::OutsideWindow
}

/// Second, check the RST bit of a segment inside the window (RFC 5961 §3.2). Data in a RST is neither a fault nor
/// delivered (RFC 9293 §3.5.3, SHLD-2).
pub(crate) fn check_reset(tcb: &mut Tcb, arriving: &Arriving<'_>) -> Result<(), DropReason> {
    if !arriving.segment.flags.contains(Flags::RST) {
        return Ok(());
    }
    let arrival = &tcb.config.arrival;
    let exact = match arrival.reset {
        ResetRule::Exact => arriving.seq == tcb.receive.next(),
        ResetRule::ExactOrReported => {
            arriving.seq == tcb.receive.next()
                || is_reset_at_fin(tcb, arriving)
                || tcb.negotiated.sack && tcb.receive.highest() == Some(arriving.seq)
        }
        ResetRule::LastAcknowledged => arriving.seq == tcb.ack.last_sent(),
    };
    let anywhere =
        arrival.insecure_reset || handshake::is_fast_open(tcb) && tcb.config.handshake.reset_in_window;
    if !exact && !anywhere {
        arriving::challenge(tcb, arriving);
        return Err(DropReason::ResetNotExact);
    }
    let closing = &tcb.config.closing;
    let error = match tcb.state {
        // MUST-11: reached by an active OPEN, since passive ones are embryos, but for Fast Open, whose user is there.
        State::SynReceived if handshake::is_fast_open(tcb) => Some(ConnectionError::Reset),
        State::SynReceived if tcb.config.closing.reset_in_syn_received_refuses => {
            Some(ConnectionError::Refused)
        }
        State::Closing | State::LastAck if !closing.reset_while_closing_is_error => None,
        State::CloseWait if closing.reset_in_close_wait == ResetInCloseWait::BreaksPipe => {
            Some(ConnectionError::PipeBroken)
        }
        _ => Some(ConnectionError::Reset),
    };
    tcb.tear_down(error);
    Ok(())
}

/// Linux (`tcp_reset_check`): some stacks put the RST of a connection that they just closed at their FIN.
pub(crate) fn is_reset_at_fin(tcb: &Tcb, arriving: &Arriving<'_>) -> bool {
    arriving.seq + 1 == tcb.receive.next()
        && matches!(tcb.state, State::CloseWait | State::LastAck | State::Closing)
}

/// Fourth, check the SYN bit (RFC 5961 §4.2).
pub(crate) fn check_syn(tcb: &mut Tcb, arriving: &Arriving<'_>) -> Result<(), DropReason> {
    if !arriving.segment.flags.contains(Flags::SYN) {
        return Ok(());
    }
    let last = tcb.ack.last_sent();
    if tcb.config.arrival.insecure_syn
        && last <= arriving.seq
        && arriving.seq < last + tcb.receive.acceptance()
    {
        // RFC 793 page 71: a SYN in the window is an error.
        transmit::abort(tcb, arriving.now, Reason::Reset, arriving.cause);
        tcb.tear_down(Some(ConnectionError::Reset));
        return Ok(());
    }
    if handshake::is_fast_open(tcb) && tcb.config.arrival.half_open == HalfOpenRule::Request {
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
    let pointer = match tcb.config.arrival.urgent {
        UrgentRule::OctetAtZeroToo => arriving.segment.urgent.max(1),
        UrgentRule::InLine | UrgentRule::Octet => arriving.segment.urgent,
    };
    if urgent::receive_until(tcb, arriving.seq + u64::from(pointer)) {
        let read = tcb.receive.read_position();
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
    // A FIN behind text that is out of order is known before that text is answered with SACK blocks.
    let is_ahead = fin && arriving.seq > tcb.receive.next();
    if is_ahead {
        note_fin(tcb, arriving);
    }
    if fin && !is_ahead && tcb.state == State::Established && tcb.config.acknowledgment.adaptive {
        // Linux: what follows a FIN is an answer, so the ACK can wait for it.
        tcb.ack.expect_answer();
    }
    if length > 0
        && let Some(refused) = take_text(tcb, arriving)
    {
        return Some(refused);
    }
    if fin {
        let at = arriving.seq + u64::from(length);
        if !is_ahead {
            note_fin(tcb, arriving);
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

/// Remembers where the peer's FIN is, if that is inside the window.
fn note_fin(tcb: &mut Tcb, arriving: &Arriving<'_>) {
    let length = arriving.segment.payload.len();
    let at = arriving.seq + u64::from(length);
    if is_fin_inside(tcb, at, length) {
        tcb.receive.finish_at(at, tcb.config.acknowledgment.report_fin);
    }
}

/// Whether a FIN at `at`, after `length` octets of text, is inside the window.
fn is_fin_inside(tcb: &Tcb, at: Offset, length: u32) -> bool {
    let edge = tcb.receive.acceptance_edge();
    let at_edge = match tcb.config.arrival.sequence_check {
        SequenceCheck::Letter => false,
        // The text before it is taken whole; a bare one passes a closed window.
        SequenceCheck::Overlap => length > 0 || edge <= tcb.receive.next(),
        SequenceCheck::Trim => true,
    };
    at < edge || at_edge && at == edge
}

/// Seventh, process the segment text, cut to what is new and inside the window.
#[inline]
fn take_text(tcb: &mut Tcb, arriving: &Arriving<'_>) -> Option<DropReason> {
    let payload = &arriving.segment.payload;
    let end_of_text = arriving.seq + u64::from(payload.len());
    let start = arriving.seq.max(tcb.receive.next());
    let mut end = if tcb.config.arrival.sequence_check == SequenceCheck::Overlap {
        // Linux takes a segment whole, if it begins inside the window.
        if start < tcb.receive.acceptance_edge() { end_of_text } else { start }
    } else {
        end_of_text.min(tcb.receive.acceptance_edge())
    };
    if let Some(fin) = tcb.receive.fin() {
        end = end.min(fin);
    }
    if start >= end {
        tcb.ack.demand(Reason::UnacceptableAck, arriving.cause);
        return None;
    }
    if tcb.user.orphan && tcb.config.closing.reset_late_data {
        // RFC 9293 §3.6.1, SHLD-3: data that nobody will read shows as a reset.
        transmit::reset_reply(tcb, arriving.segment, Reason::UnreadData, arriving.cause);
        tcb.tear_down(None);
        return Some(DropReason::AfterClose);
    }
    if tcb.user.deaf && tcb.config.closing.reset_unwanted_data && tcb.state != State::Established {
        transmit::reset_reply(tcb, arriving.segment, Reason::UnreadData, arriving.cause);
        tcb.tear_down(Some(ConnectionError::Reset));
        return Some(DropReason::AfterClose);
    }
    if tcb.ecn.is_on() {
        ecn::on_text(tcb, arriving);
    }
    let length = (end - start) as u32;
    let before = tcb.receive.next();
    let ahead = tcb.config.buffers.ahead;
    let placed = if length == payload.len() {
        tcb.receive.place(start, payload, ahead)
    } else {
        tcb.receive.place(start, &payload.slice((start - arriving.seq) as u32, length), ahead)
    };
    if tcb.config.acknowledgment.sack_report == SackReport::List {
        note_in_list(tcb, (arriving.seq, before), (start, end), placed);
    }
    match placed {
        Placed::InOrder => on_text_in_order(tcb, arriving, length),
        // RFC 5681 §4.2: at once when a hole is filled.
        Placed::FilledHole => {
            account_at(tcb, arriving, (length, end), true);
            let data = data_arrived(tcb, arriving, length);
            tcb.ack.note_data(&tcb.config.acknowledgment, &data);
            tcb.ack.demand(Reason::Ack, arriving.cause);
            tcb.events.readable();
        }
        // RFC 9293 §3.10.7.4, MAY-13; RFC 5681 §4.2.
        Placed::OutOfOrder => {
            tcb.tally.out_of_order += 1;
            account(tcb, arriving, length, false);
            arriving::answer(tcb, arriving, Reason::DuplicateAck);
        }
        Placed::Discarded => arriving::answer(tcb, arriving, Reason::DuplicateAck),
        Placed::Duplicate => {
            tcb.tally.out_of_order += 1;
            arriving::answer_duplicate(tcb, arriving, start, end);
        }
        Placed::NoRoom => return Some(DropReason::NoRoomAhead),
    }
    None
}

/// FreeBSD (`tcp_do_segment`): the list of SACK blocks takes note of what was cut off from `old.0` to `old.1`, if
/// anything, and of the text that was placed.
fn note_in_list(tcb: &mut Tcb, old: (Offset, Offset), text: (Offset, Offset), placed: Placed) {
    let (start, end) = text;
    let known = tcb.receive.has_report() || old.0 < old.1;
    if !tcb.negotiated.sack || !known {
        return;
    }
    tcb.receive.note_in_list(|list, next| {
        if old.0 < old.1 {
            list.arrived_before(old.1, old.0, old.1);
        }
        match placed {
            Placed::InOrder | Placed::FilledHole => list.advanced(next, start, end),
            Placed::OutOfOrder => list.arrived(next, start, end),
            // Told with the answer, or not here.
            Placed::Duplicate | Placed::Discarded | Placed::NoRoom => {}
        }
    });
}

/// RCV.NXT moved over `length` octets of text, and there was no hole.
#[inline]
pub(crate) fn on_text_in_order(tcb: &mut Tcb, arriving: &Arriving<'_>, length: u32) {
    account(tcb, arriving, length, true);
    let data = data_arrived(tcb, arriving, length);
    match tcb.ack.on_data(&tcb.config.acknowledgment, &data) {
        AckDecision::Now => tcb.ack.demand(Reason::Ack, arriving.cause),
        AckDecision::By(at) => tcb.timers.arm(Timer::DelayedAck, at),
    }
    tcb.events.readable();
}

/// What text that was taken costs, and what window that leaves.
#[inline]
fn account(tcb: &mut Tcb, arriving: &Arriving<'_>, length: u32, in_order: bool) {
    let end = tcb.receive.next();
    account_at(tcb, arriving, (length, end), in_order);
}

/// As [`account`], of `length` octets up to `end`.
#[inline]
fn account_at(tcb: &mut Tcb, arriving: &Arriving<'_>, (length, end): (u32, Offset), in_order: bool) {
    let ip = if tcb.path.ipv6 { 40 } else { 20 };
    let headers = ip + HEADER + arriving.segment.options.padded_length() as u32;
    let full_segment = tcb.ack.full_segment();
    let arrived = Arrived { length, headers, full_segment, sack: tcb.negotiated.sack };
    if tcb.receive.account(&arrived, end, in_order, &tcb.config.buffers, arriving.now) {
        tcb.ack.allow_one_quick();
    }
}

#[inline]
fn data_arrived(tcb: &Tcb, arriving: &Arriving<'_>, length: u32) -> DataArrived {
    let options = if tcb.timestamps.enabled() { TIMESTAMPS_OCTETS } else { 0 };
    DataArrived {
        now: arriving.now,
        next: tcb.receive.next(),
        length,
        header: HEADER + arriving.segment.options.padded_length() as u32,
        plain_header: HEADER + options,
        flags: arriving.segment.flags,
        window: tcb.receive.edge().saturating_since(tcb.ack.last_sent()),
        timeout: tcb.recovery.rto(),
        smoothed: tcb.recovery.rtt().smoothed(),
        armed: tcb.timers.deadline(Timer::DelayedAck),
        keeps_window: tcb.receive.keeps_window(tcb.negotiated.receive_shift, tcb.ack.full_segment()),
    }
}

/// Octets of a TCP header without options.
const HEADER: u32 = 20;

/// Eighth: RCV.NXT moved over the FIN.
fn take_fin(tcb: &mut Tcb, arriving: &Arriving<'_>) {
    let length = arriving.segment.payload.len();
    let adaptive = tcb.config.acknowledgment.adaptive && tcb.state == State::Established && !tcb.ack.is_due();
    let waits = if adaptive { tcb.ack.waits_with_fin(&data_arrived(tcb, arriving, length)) } else { None };
    match waits {
        Some(at) => tcb.timers.arm(Timer::DelayedAck, at),
        None => tcb.ack.demand(Reason::Ack, arriving.cause),
    }
    tcb.events.readable();
    match tcb.state {
        State::Established => tcb.become_state(State::CloseWait),
        State::FinWait1 if tcb.fin_acknowledged() => tcb.enter_time_wait(arriving.now),
        State::FinWait1 => tcb.become_state(State::Closing),
        State::FinWait2 => tcb.enter_time_wait(arriving.now),
        state => unreachable!("no text is taken in {state}"),
    }
}

fn enter_fin_wait_2(tcb: &mut Tcb, now: Instant, segment: &Segment) {
    tcb.become_state(State::FinWait2);
    if tcb.user.orphan && tcb.user.orphan_linger < 0 {
        // Linux: what told of the FIN's arrival is answered by a RST.
        transmit::reset_reply(tcb, segment, Reason::Abort, tcb.cause);
        return tcb.tear_down(None);
    }
    close::limit_fin_wait_2(tcb, now);
}

//! SEGMENT ARRIVES in a state other than CLOSED, LISTEN and TIME-WAIT: one function a step, in the order of RFC 9293
//! §3.10.7.4.

use faultwire_base::Instant;
use faultwire_wire::{Cause, Flags, Reason, Segment};

use crate::ack_policy::AckDecision;
use crate::close;
use crate::config::SequenceCheck;
use crate::event::{ConnectionError, DropReason, Event};
use crate::handshake;
use crate::offset::Offset;
use crate::receive_buffer::Placed;
use crate::recovery::AckArrived;
use crate::state::State;
use crate::tcb::Tcb;
use crate::timer::Timer;
use crate::transmit;

/// An arriving segment with its place in sequence space.
#[derive(Clone, Copy, Debug)]
struct Arriving<'a> {
    segment: &'a Segment,
    seq: Offset,
    now: Instant,
    cause: Cause,
    timestamps: Option<(u32, u32)>,
}

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

/// A segment arrives. `Err` says why it was dropped; what is to be answered is queued.
pub(crate) fn segment_arrives(
    tcb: &mut Tcb,
    now: Instant,
    segment: &Segment,
    cause: Cause,
) -> Result<(), DropReason> {
    match tcb.state {
        State::Closed | State::Listen | State::TimeWait => Err(DropReason::Closed),
        State::SynSent => {
            handshake::syn_sent(tcb, now, segment, cause)?;
            if tcb.state == State::Established || tcb.state == State::FinWait1 {
                // The SYN is taken; its text and FIN begin one later (RFC 9293 §3.10.7.3).
                let arriving = Arriving::new(tcb, now, segment, cause, Offset::FIRST);
                take_text_and_fin(tcb, &arriving);
            }
            Ok(())
        }
        _ => other_states(tcb, now, segment, cause),
    }
}

fn other_states(tcb: &mut Tcb, now: Instant, segment: &Segment, cause: Cause) -> Result<(), DropReason> {
    let mut arriving = Arriving::new(tcb, now, segment, cause, tcb.receive.widen(segment.seq));
    tcb.keep_alive.on_heard(now);
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
    check_ack(tcb, &arriving)?;
    if tcb.state == State::Closed {
        return Ok(());
    }
    if segment.flags.contains(Flags::URG) {
        check_urgent(tcb, &arriving);
    }
    if acceptable == Acceptable::WithoutText {
        answer(tcb, &arriving, Reason::UnacceptableAck);
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

impl<'a> Arriving<'a> {
    #[inline]
    fn new(tcb: &Tcb, now: Instant, segment: &'a Segment, cause: Cause, seq: Offset) -> Self {
        let timestamps = if tcb.timestamps.enabled() { segment.options.timestamps() } else { None };
        Self { segment, seq, now, cause, timestamps }
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
            answer(tcb, arriving, Reason::UnacceptableAck);
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
    answer(tcb, arriving, Reason::UnacceptableAck);
    Err(DropReason::OutsideWindow)
}

/// The four cases of table 6, and what stacks permit beyond.
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
fn note_timestamp(tcb: &mut Tcb, arriving: &Arriving<'_>) {
    if let Some((value, _)) = arriving.timestamps
        && arriving.seq <= tcb.ack.last_sent()
        && !arriving.segment.flags.contains(Flags::RST)
    {
        tcb.timestamps.update(value, arriving.now);
    }
}

/// Second, check the RST bit (RFC 5961 §3.2).
fn check_reset(tcb: &mut Tcb, arriving: &Arriving<'_>) -> Result<(), DropReason> {
    if !arriving.segment.flags.contains(Flags::RST) {
        return Ok(());
    }
    if arriving.seq != tcb.receive.next() {
        challenge(tcb, arriving);
        return Err(DropReason::ResetNotExact);
    }
    let error = match tcb.state {
        // MUST-11: reached by an active OPEN, since passive ones are embryos.
        State::SynReceived => Some(ConnectionError::Refused),
        State::Closing | State::LastAck => None,
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
    challenge(tcb, arriving);
    Err(DropReason::UnexpectedSyn)
}

/// Fifth, check the ACK field.
#[inline]
fn check_ack(tcb: &mut Tcb, arriving: &Arriving<'_>) -> Result<(), DropReason> {
    let segment = arriving.segment;
    if !segment.flags.contains(Flags::ACK) {
        return Err(DropReason::NoAck);
    }
    if tcb.state == State::SynReceived {
        return handshake::acknowledge_syn(tcb, arriving.now, segment, arriving.seq, arriving.cause);
    }
    let ack = tcb.send.widen(segment.ack);
    let unacknowledged = tcb.send.unacknowledged();
    if ack > tcb.send.next() && !take_probed_octet(tcb, ack) {
        answer(tcb, arriving, Reason::UnacceptableAck);
        return Err(DropReason::AckOfUnsent);
    }
    if ack < unacknowledged {
        // RFC 5961 §5.2 (MAY-12). An ACK that is merely old is ignored, not the text with it.
        if unacknowledged - ack > tcb.send.window_max() {
            challenge(tcb, arriving);
            return Err(DropReason::AckTooOld);
        }
        return Ok(());
    }
    let window = u32::from(segment.window) << tcb.negotiated.send_shift;
    let window_changed = tcb.send.update(arriving.seq, ack, window);
    tcb.persist.on_answer();
    if tcb.send.in_flight() > 0 {
        acknowledge(tcb, arriving, ack, window_changed);
    }
    if window == 0 {
        // SHLD-17: it answers, so it lives.
        tcb.timers.stop(Timer::User);
    } else if tcb.timers.is_armed(Timer::Persist) && tcb.send.usable() > 0 {
        tcb.persist.stop();
        tcb.timers.stop(Timer::Persist);
    }
    Ok(())
}

/// Something is in flight, and an ACK for SND.UNA or more arrived.
#[inline]
fn acknowledge(tcb: &mut Tcb, arriving: &Arriving<'_>, ack: Offset, window_changed: bool) {
    let advanced = ack > tcb.send.unacknowledged();
    let mut blocks = [(Offset::default(), Offset::default()); 4];
    let mut d_sack = None;
    let mut count = 0;
    if tcb.negotiated.sack {
        (count, d_sack) = read_sack(tcb, arriving.segment, ack, &mut blocks);
    }
    let echo = arriving
        .timestamps
        .filter(|_| advanced)
        .and_then(|(_, echo)| tcb.timestamps.since_echo(echo, arriving.now));
    tcb.recovery.on_ack(
        arriving.now,
        &AckArrived {
            ack,
            sack: &blocks[..count],
            d_sack,
            window_changed,
            has_data: arriving.segment.sequence_length() > 0,
            timestamp_echo_rtt: echo,
        },
    );
    if !advanced {
        return;
    }
    tcb.send.acknowledge(ack);
    if tcb.send_buffer.acknowledge(ack, tcb.automatic_send_buffer()) {
        tcb.events.writable();
    }
    if !tcb.user.timeout.is_zero() && tcb.send.in_flight() > 0 {
        // RFC 5482: the clock runs while something is unacknowledged, from the last progress on.
        tcb.timers.arm(Timer::User, arriving.now.saturating_add(tcb.user.timeout));
    } else {
        tcb.timers.stop(Timer::User);
    }
    if tcb.fin_acknowledged() {
        match tcb.state {
            State::Closing => tcb.enter_time_wait(arriving.now),
            State::LastAck => tcb.tear_down(None),
            _ => {}
        }
    }
}

/// Reads SACK blocks that can be true; says how many, and which one reports a duplicate (RFC 2883 §4).
#[inline]
fn read_sack(
    tcb: &Tcb,
    segment: &Segment,
    ack: Offset,
    blocks: &mut [(Offset, Offset); 4],
) -> (usize, Option<(Offset, Offset)>) {
    let mut count = 0;
    let mut d_sack = None;
    for (index, (left, right)) in segment.options.sack_blocks().take(blocks.len()).enumerate() {
        let block = (tcb.send.widen(left), tcb.send.widen(right));
        if block.0 >= block.1 || block.1 > tcb.send.next() {
            continue;
        }
        if index == 0 && block.1 <= ack {
            d_sack = Some(block);
            continue;
        }
        if let (1, 1, Some(&first)) = (index, count, blocks.first())
            && block.0 <= first.0
            && first.1 <= block.1
        {
            d_sack = Some(first);
            count = 0;
        }
        if block.1 > ack {
            blocks[count] = (block.0.max(ack), block.1);
            count += 1;
        }
    }
    (count, d_sack)
}

/// The ACK is for the octet of a zero-window probe, which counts as sent from now on. Says whether it is.
fn take_probed_octet(tcb: &mut Tcb, ack: Offset) -> bool {
    let next = tcb.send.next();
    match tcb.persist.octet_sent() {
        Some(sent_at) if ack == next + 1 => {
            tcb.recovery.on_transmit(sent_at, next..ack, false);
            if tcb.persist.probes() > 1 {
                // Karn: it isn't known which of the probes was answered.
                tcb.recovery.on_transmit(sent_at, next..ack, true);
            }
            tcb.send.advance(1);
            tcb.persist.stop();
            true
        }
        _ => false,
    }
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
            answer(tcb, arriving, Reason::DuplicateAck);
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
        close::reset(tcb, arriving.now, Reason::UnreadData, arriving.cause);
        return Some(DropReason::AfterClose);
    }
    let length = (end - start) as u32;
    let placed = if length == payload.len() {
        tcb.receive.place(start, payload)
    } else {
        tcb.receive.place(start, &payload.slice((start - arriving.seq) as u32, length))
    };
    match placed {
        Placed::InOrder => {
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
        // RFC 5681 §4.2: at once when a hole is filled.
        Placed::FilledHole => {
            tcb.ack.demand(Reason::Ack, arriving.cause);
            tcb.events.readable();
        }
        Placed::OutOfOrder => {
            tcb.tally.out_of_order += 1;
            answer(tcb, arriving, Reason::DuplicateAck);
        }
    }
    None
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

/// Queues `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>` as it stands now.
fn answer(tcb: &mut Tcb, arriving: &Arriving<'_>, reason: Reason) {
    let empty = arriving.segment.sequence_length() == 0 || arriving.segment.flags.contains(Flags::SYN);
    if reason == Reason::UnacceptableAck && empty && tcb.config.acknowledgment.limit_unacceptable {
        // Linux: an ACK that answers an ACK must not begin a war.
        let limit = tcb.config.acknowledgment.challenge_limit;
        if !tcb.ack.may_challenge(limit, arriving.now) {
            return;
        }
    }
    let reply = transmit::acknowledgment(tcb, arriving.now, reason, arriving.cause);
    tcb.outbox.push(reply);
}

/// Queues a challenge ACK if the limit permits (RFC 5961 §7).
fn challenge(tcb: &mut Tcb, arriving: &Arriving<'_>) {
    let limit = tcb.config.acknowledgment.challenge_limit;
    if tcb.ack.may_challenge(limit, arriving.now) {
        tcb.tally.challenge_acks += 1;
        let reply = transmit::acknowledgment(tcb, arriving.now, Reason::ChallengeAck, arriving.cause);
        tcb.outbox.push(reply);
    }
}

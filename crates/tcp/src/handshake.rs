//! Opening: active, simultaneous, and the end of a passive open (RFC 9293 §3.5, §3.10.7.3).

use std::sync::Arc;

use faultwire_base::{Duration, Instant};
use faultwire_wire::{Cause, Flags, Payload, Reason, Segment, Seq, TimerKind};

use crate::arriving::Arriving;
use crate::config::{Config, OptionOrder, SequenceCheck};
use crate::ecn::Ecn;
use crate::embryo::Embryo;
use crate::event::{ConnectionError, DropReason, Event, Outgoing};
use crate::fast_open;
use crate::handshake_config::SimultaneousOpen;
use crate::negotiate::{Negotiated, Offer, PathInfo, TIMESTAMPS_OCTETS};
use crate::offset::Offset;
use crate::receive_buffer::first_window;
use crate::receive_memory::FirstTerms;
use crate::state::State;
use crate::tcb::Tcb;
use crate::timer::Timer;
use crate::transmit;
use crate::user_timeout;

mod early;
mod opening;

pub(crate) use early::{accept_fast_open, attempt_fast_open, syn_for_fast_open, takes_text_of_syn_ack};
use early::{complete_fast_open, note_fast_open_answer};
pub(crate) use opening::Opening;

/// How long to wait after the timeout number `timeouts` of a SYN: the first `linear` come without back-off.
pub(crate) fn retry_interval(config: &Config, timeouts: u32, linear: u32) -> Duration {
    let backoffs = timeouts.saturating_sub(linear).min(40);
    let slop = if timeouts > 0 { config.retransmission.slop } else { Duration::ZERO };
    let wait = config.retransmission.initial.saturating_mul(config.retransmission.back_off.factor(backoffs));
    wait.saturating_add(slop).min(config.retransmission.max)
}

/// Active OPEN (RFC 9293 §3.10.1): SYN-SENT, a SYN is due.
pub(crate) fn open(config: &Arc<Config>, path: PathInfo, isn: Seq, now: Instant) -> Tcb {
    let mut tcb = Tcb::new(config, path, isn);
    tcb.tally.opened_at = now;
    tcb.opening = Some(Box::new(Opening::new(now)));
    tcb.become_state(State::SynSent);
    tcb.cause = Cause::Call;
    if !tcb.user.timeout.is_zero() {
        tcb.timers.arm(Timer::User, now.saturating_add(tcb.user.timeout));
    } else if let Some(limit) = config.opening.limit {
        tcb.timers.arm(Timer::User, now.saturating_add(limit));
    }
    tcb
}

/// Segments that our SYN counts for while it is unacknowledged: as in Linux its text is one of its own.
pub(crate) fn segments_of_syn(tcb: &Tcb) -> u32 {
    match &tcb.opening {
        Some(opening) if opening.passive.is_none() && opening.transmissions > 0 => {
            1 + u32::from(tcb.fast_open.text_sent())
        }
        _ => 0,
    }
}

/// Whether Fast Open made the connection before its handshake was complete, and it is not complete yet.
#[inline]
pub(crate) fn is_fast_open(tcb: &Tcb) -> bool {
    tcb.opening.as_ref().is_some_and(|opening| opening.passive.is_some())
}

/// The end of a passive OPEN: the acknowledgment of our SYN-ACK arrived. The caller hands in the segment again.
pub(crate) fn accept(embryo: &Embryo, segment: &Segment, now: Instant, cause: Cause) -> Tcb {
    let mut tcb = of_listener(embryo, now, cause);
    tcb.tally.syn_retransmissions = embryo.transmissions().saturating_sub(1);
    tcb.tally.syn_timeouts = embryo.timeouts().into();
    tcb.tally.segments_sent = u64::from(embryo.transmissions());
    tcb.establish(now, embryo.round_trip(now, segment), embryo.timeouts().into());
    if tcb.config.sending.half_window {
        tcb.send.forget_window_max();
    }
    if let Some(text) = embryo.text() {
        // RFC 9293 §3.4: what came with the SYN is delivered now that the connection is known to be wanted.
        tcb.receive.append(text);
        tcb.ack.demand(Reason::Ack, cause);
        tcb.events.readable();
    }
    tcb
}

/// SYN-RECEIVED as an embryo has it, our SYN being acknowledged.
fn of_listener(embryo: &Embryo, now: Instant, cause: Cause) -> Tcb {
    let mut tcb = Tcb::new(embryo.config(), embryo.path(), embryo.isn());
    tcb.cause = cause;
    tcb.tally.opened_at = now;
    tcb.state = State::SynReceived;
    tcb.negotiated = embryo.negotiated();
    tcb.ecn = Ecn::accept(embryo.ecn());
    tcb.timestamps = embryo.timestamps();
    tcb.user.traffic_class = embryo.traffic_class();
    tcb.receive.synchronize(embryo.peer_isn(), embryo.first_window(), now);
    begin_window(&mut tcb, embryo.rounding_segment());
    let segment_size = tcb.negotiated.effective_segment_size(tcb.path, tcb.path.mtu);
    tcb.send.set_segment_size(segment_size);
    tcb.fit_receiver();
    tcb.send.advance(1);
    tcb.send.acknowledge(Offset::FIRST);
    // RFC 7323 §2.2: the window of a SYN is not scaled.
    tcb.send.update(Offset::ISN, Offset::FIRST, u32::from(embryo.peer_window()));
    if let Some(timeout) = embryo.peer_timeout() {
        user_timeout::learn(&mut tcb, now, timeout);
    }
    tcb.tally.segments_received = 1;
    tcb
}

/// SYN-SENT state (RFC 9293 §3.10.7.3).
pub(crate) fn syn_sent(
    tcb: &mut Tcb,
    now: Instant,
    segment: &Segment,
    cause: Cause,
) -> Result<(), DropReason> {
    let flags = segment.flags;
    let ack = tcb.own_position(segment.ack);
    let acknowledged = flags.contains(Flags::ACK);
    // First, the ACK bit.
    if acknowledged && (ack <= Offset::ISN || ack > tcb.send.next()) {
        if !flags.contains(Flags::RST) {
            transmit::reset_reply(tcb, segment, Reason::Reset, cause);
        }
        hasten(tcb, now);
        return Err(DropReason::AckNotOfSyn);
    }
    // Second, the RST bit.
    if flags.contains(Flags::RST) {
        if !acknowledged {
            return Err(DropReason::ResetOutsideWindow);
        }
        tcb.tear_down(Some(ConnectionError::Refused));
        return Ok(());
    }
    // Fourth, the SYN bit.
    if !flags.contains(Flags::SYN) {
        return Err(DropReason::NotASyn);
    }
    if !acknowledged {
        return meet_syn(tcb, now, segment, cause);
    }
    learn(tcb, now, segment);
    note_fast_open_answer(tcb, segment, ack);
    let round_trip = measured(tcb, now, segment);
    let mut retransmitted =
        tcb.opening.as_ref().map_or(0, |opening| u32::from(opening.transmissions.saturating_sub(1)));
    if is_answer_to_first(tcb, segment) {
        retransmitted = 0;
    }
    establish(tcb, now, ack, round_trip, retransmitted);
    Ok(())
}

/// Their SYN crosses ours.
fn meet_syn(tcb: &mut Tcb, now: Instant, segment: &Segment, cause: Cause) -> Result<(), DropReason> {
    match tcb.config.handshake.simultaneous_open {
        // RFC 9293 §3.5, MUST-10, figure 7: our SYN goes out again, with the acknowledgment of theirs.
        SimultaneousOpen::Joins => {
            learn(tcb, now, segment);
            tcb.become_state(State::SynReceived);
            if let Some(opening) = &mut tcb.opening {
                opening.due = true;
                opening.cause = cause;
            }
            Ok(())
        }
        SimultaneousOpen::Refuses => {
            transmit::reset_reply(tcb, segment, Reason::Reset, cause);
            tcb.tear_down(Some(ConnectionError::Refused));
            Ok(())
        }
    }
}

/// The ACK that ends the handshake, with all that came on the SYN-ACK. Text of our SYN that has to go again takes the
/// ACK with it, and in FreeBSD whatever waits to be sent does. If it `waits`, what is written soon does so too.
pub(crate) fn answer_syn_ack(tcb: &mut Tcb, now: Instant, cause: Cause, waits: bool) {
    let rides = tcb.config.options.order == OptionOrder::FreeBsd && tcb.unsent() > 0;
    if rides || tcb.recovery.is_retransmission_due() {
        return tcb.ack.demand(Reason::HandshakeAck, cause);
    }
    if waits {
        tcb.ack.take_due();
        return tcb.timers.arm(Timer::DelayedAck, now.saturating_add(WAIT_FOR_WRITER));
    }
    let reply = transmit::acknowledgment(tcb, now, Reason::HandshakeAck, cause);
    tcb.outbox.push(reply);
}

/// Whether the ACK of a SYN-ACK waits for something to be written (Linux `tcp_rcv_synsent_state_process`).
pub(crate) fn waits_for_writer(tcb: &Tcb) -> bool {
    let writer = || tcb.opening.as_ref().is_some_and(|opening| opening.writer_waits());
    tcb.config.handshake.ack_waits_for_writer && (writer() || tcb.ack.is_slowed())
}

/// Linux `TCP_DELACK_MAX`.
const WAIT_FOR_WRITER: Duration = Duration::from_millis(200);

/// Our SYN was acknowledged up to `ack`: ESTABLISHED. Text that went with it and was not acknowledged goes again at once
/// (RFC 7413 §4.2.1); in Linux not after a simultaneous open, which nothing was learned from.
fn establish(tcb: &mut Tcb, now: Instant, ack: Offset, round_trip: Option<Duration>, retransmitted: u32) {
    let sent_at = tcb.opening.as_ref().map_or(now, |opening| opening.sent_at);
    let learned = tcb.state == State::SynSent || !tcb.config.handshake.syn_stays;
    tcb.send.acknowledge(ack);
    tcb.establish(now, round_trip, retransmitted);
    if !tcb.fast_open.text_sent() {
        return;
    }
    tcb.send_buffer.acknowledge(ack);
    let end = tcb.send.next();
    tcb.fast_open.set_text_acknowledged(ack == end && learned);
    if ack == end {
        tcb.recovery.start_at(ack);
    } else if learned {
        tcb.recovery.on_syn_text_refused(now, sent_at, ack..end);
    } else {
        tcb.recovery.on_syn_text_unanswered(now, sent_at, ack..end);
    }
}

/// The peer acknowledged what was never sent, and knows better now: the SYN need not wait for its whole time-out.
fn hasten(tcb: &mut Tcb, now: Instant) {
    let Some(wait) = tcb.config.opening.suspicious_ack else { return };
    if let Some(opening) = tcb.opening.as_mut().filter(|opening| opening.timeouts == 0) {
        opening.deadline = now.saturating_add(wait);
    }
}

/// SYN-RECEIVED by simultaneous open or Fast Open: the fifth step of RFC 9293 §3.10.7.4 for that state.
pub(crate) fn acknowledge_syn(tcb: &mut Tcb, arriving: &Arriving<'_>) -> Result<(), DropReason> {
    let Arriving { segment, now, seq, .. } = *arriving;
    let ack = tcb.own_position(segment.ack);
    if ack <= Offset::ISN || ack > tcb.send.next() {
        transmit::reset_of_connection(tcb, arriving, Reason::Reset);
        return Err(DropReason::AckNotOfSyn);
    }
    if is_fast_open(tcb) {
        complete_fast_open(tcb, arriving, ack);
        return Ok(());
    }
    let round_trip = measured(tcb, now, segment);
    let shift = if segment.flags.contains(Flags::SYN) { 0 } else { tcb.negotiated.send_shift };
    tcb.send.update(seq, ack, u32::from(segment.window) << shift);
    // In figure 7 each side sends its SYN twice; only a timeout tells of a loss.
    let retransmitted = tcb.opening.as_ref().map_or(0, |opening| opening.timeouts);
    establish(tcb, now, ack, round_trip, retransmitted);
    Ok(())
}

/// SYN-RECEIVED by simultaneous open: an ACK that is due goes as a SYN-ACK (FreeBSD `tcp_output`).
pub(crate) fn answer_by_syn_ack(tcb: &mut Tcb) {
    if tcb.state != State::SynReceived
        || is_fast_open(tcb)
        || tcb.config.arrival.sequence_check != SequenceCheck::Trim
    {
        return;
    }
    if let (Some((_, cause)), Some(opening)) = (tcb.ack.take_due(), tcb.opening.as_mut()) {
        opening.due = true;
        opening.cause = cause;
    }
}

/// The SYN or SYN-ACK that is due.
pub(crate) fn transmit(tcb: &mut Tcb, now: Instant) -> Option<Outgoing> {
    let mut opening = tcb.opening.take()?;
    let outgoing = (!opening.held && std::mem::take(&mut opening.due)).then(|| {
        if opening.transmissions == 0 {
            opening.began_at = now;
        }
        opening.transmissions = opening.transmissions.saturating_add(1);
        opening.sent_at = now;
        let wait = retry_interval(&tcb.config, opening.timeouts, linear_timeouts(tcb));
        let rules = &tcb.config.handshake;
        if opening.deadline == Instant::FAR_FUTURE || rules.repeated_syn_restarts && !rules.syn_stays {
            opening.deadline = now.saturating_add(wait);
        }
        // The first SYN-ACK repeats nothing, although it takes the sequence number of the SYN before it.
        let transmission = if tcb.state != State::SynSent {
            opening.answers = opening.answers.saturating_add(1);
            opening.answers
        } else {
            opening.transmissions
        };
        tcb.tally.syn_retransmissions += u16::from(transmission > 1);
        let flags = if tcb.state == State::SynSent {
            Flags::SYN | tcb.ecn.ask(&tcb.config.ecn, opening.timeouts)
        } else {
            Flags::SYN | Flags::ACK | tcb.ecn.answer()
        };
        syn(tcb, now, flags, transmission, &opening)
    });
    tcb.opening = Some(opening);
    outgoing
}

/// The timer of the SYN ran out: send it again, or give up (MUST-22, MUST-23).
pub(crate) fn on_timeout(tcb: &mut Tcb, now: Instant) {
    let limit = retransmission_limit(tcb);
    let Some(opening) = tcb.opening.as_mut().filter(|opening| opening.deadline <= now) else { return };
    opening.deadline = Instant::FAR_FUTURE;
    let (timeouts, waited) = (opening.timeouts, now.saturating_since(opening.began_at));
    let over = timeouts >= limit || is_too_long(tcb, waited);
    fast_open::on_timeout(tcb, timeouts, over);
    let Some(opening) = &mut tcb.opening else { return };
    if over {
        let error = tcb.user.soft_error.unwrap_or(ConnectionError::TimedOut);
        tcb.tear_down(Some(error));
        return;
    }
    opening.timeouts += 1;
    opening.due = true;
    opening.cause = Cause::Timer(TimerKind::Retransmission);
    tcb.tally.syn_timeouts += 1;
    if opening.timeouts == tcb.config.give_up.r1 {
        tcb.events.push(Event::SoftError(crate::event::SoftError::RetransmissionThreshold));
    }
}

/// How often a SYN or SYN-ACK is sent again before giving up.
fn retransmission_limit(tcb: &Tcb) -> u32 {
    let set = u32::from(tcb.user.syn_count);
    let (opening, handshake) = (&tcb.config.opening, &tcb.config.handshake);
    match tcb.state {
        State::SynSent if set > 0 => set + opening.syn_linear_timeouts,
        State::SynSent => opening.syn_retries + opening.syn_linear_timeouts,
        _ if set > 0 && is_fast_open(tcb) => set,
        _ if is_fast_open(tcb) => opening.synack_retries + handshake.fast_open_extra_retries,
        _ => opening.synack_retries,
    }
}

/// Linux: the linear timeouts do not make an attempt longer than its retries would have made it without them.
fn is_too_long(tcb: &Tcb, waited: Duration) -> bool {
    let opening = &tcb.config.opening;
    if opening.syn_linear_timeouts == 0 || tcb.state != State::SynSent {
        return false;
    }
    let retries = match tcb.user.syn_count {
        0 => opening.syn_retries,
        count => count.into(),
    };
    let limit = (0..=retries).map(|n| retry_interval(&tcb.config, n, 0));
    waited >= limit.fold(Duration::ZERO, |sum, wait| sum + wait)
}

/// Takes over what the peer's SYN says.
fn learn(tcb: &mut Tcb, now: Instant, segment: &Segment) {
    let offer = Offer::read(&segment.options);
    let announced = tcb.path.announced_segment_size();
    let window = first_window(&tcb.config.buffers, tcb.path, announced);
    tcb.receive.synchronize(segment.seq, window, now);
    tcb.negotiated = tcb.negotiated.agreed(offer);
    tcb.ecn.learn(segment.flags);
    tcb.timestamps.agree(tcb.negotiated.timestamps, offer.timestamp(), now);
    begin_window(tcb, announced);
    let segment_size = tcb.negotiated.effective_segment_size(tcb.path, tcb.path.mtu);
    tcb.send.set_segment_size(segment_size);
    if offer.has_segment_size() {
        tcb.fit_receiver();
    }
    // RFC 7323 §2.2: the window of a SYN is not scaled.
    tcb.send.update(Offset::ISN, tcb.own_position(segment.ack).max(Offset::ISN), u32::from(segment.window));
    tcb.fit_segments_to_window();
}

/// Both SYNs are known, and so how large windows can be; our SYN had one that was rounded to `segment`.
fn begin_window(tcb: &mut Tcb, segment: u16) {
    let stamps = if tcb.negotiated.timestamps { TIMESTAMPS_OCTETS } else { 0 };
    tcb.receive.begin_window(&FirstTerms {
        segment: segment.into(),
        announced: u64::from(tcb.path.announced_segment_size()).saturating_sub(stamps.into()),
        shift: tcb.negotiated.window_scaling.then_some(tcb.negotiated.receive_shift),
    });
}

/// The round trip of the handshake: by the clock, or after a retransmission by the timestamp echo.
fn measured(tcb: &Tcb, now: Instant, segment: &Segment) -> Option<Duration> {
    let by_clock = tcb.opening.as_ref().and_then(|opening| match tcb.state {
        // The SYN went twice, and none is known to be lost.
        State::SynReceived if tcb.config.handshake.syn_stays && opening.passive.is_none() => {
            (opening.timeouts == 0).then(|| now.saturating_since(opening.sent_at))
        }
        _ => opening.round_trip(now),
    });
    let by_echo = || {
        let (_, echo) = segment.options.timestamps().filter(|_| tcb.timestamps.enabled())?;
        tcb.timestamps.since_echo(echo, now)
    };
    by_clock.or_else(by_echo)
}

/// Whether the echo tells that the first SYN was answered, and so none was lost (Linux `tcp_try_undo_spurious_syn`;
/// RFC 4015 §3.2).
fn is_answer_to_first(tcb: &Tcb, segment: &Segment) -> bool {
    tcb.config.loss_recovery.undo
        && tcb.timestamps.enabled()
        && segment
            .options
            .timestamps()
            .is_some_and(|(_, echo)| echo == tcb.timestamps.value(tcb.tally.opened_at))
}

fn linear_timeouts(tcb: &Tcb) -> u32 {
    if tcb.state == State::SynSent { tcb.config.opening.syn_linear_timeouts } else { 0 }
}

fn syn(tcb: &mut Tcb, now: Instant, flags: Flags, transmission: u16, opening: &Opening) -> Outgoing {
    let answer = flags.contains(Flags::ACK);
    let first = opening.transmissions == 1;
    let echo = tcb.timestamps.recent();
    let segment_size = tcb.path.announced_segment_size();
    let text = if first { opening.text } else { 0 };
    if tcb.send.next() == Offset::ISN {
        tcb.send.advance(1 + u64::from(text));
        tcb.send_buffer.on_sent(tcb.send.next(), false);
    }
    let mut options = offered(tcb, opening).syn_options(
        tcb.config.options.order,
        segment_size,
        (tcb.timestamps.value(now), echo),
    );
    if let Some(option) = &tcb.config.handshake.user_timeout_option {
        options.push_user_timeout(option.field());
    }
    if let Some(option) = opening.option.filter(|_| first) {
        option.push(&mut options, tcb.config.options.order);
    }
    let segment = Segment {
        source_port: tcb.path.local_port,
        destination_port: tcb.path.remote_port,
        seq: tcb.send.isn(),
        ack: if answer { tcb.receive.next().to_seq(tcb.receive.isn()) } else { Seq(0) },
        flags,
        window: first_window(&tcb.config.buffers, tcb.path, segment_size),
        options,
        // A SYN that is sent again goes alone: the network may not like what went with it (RFC 7413 §4.2.1).
        payload: if text > 0 { tcb.send_buffer.slice(Offset::FIRST, text) } else { Payload::EMPTY },
        ..Segment::default()
    };
    tcb.tally.segments_sent += 1;
    tcb.tally.octets_sent += u64::from(text);
    Outgoing {
        segment,
        reason: if answer { Reason::SynAck } else { Reason::Syn },
        cause: opening.cause,
        stream_offset: 0,
        transmission,
        traffic_class: tcb.user.traffic_class,
    }
}

/// What a SYN offers: from some retransmission on, by policy, nothing but the MSS, in case that something on the path
/// does not bear options.
fn offered(tcb: &Tcb, opening: &Opening) -> Negotiated {
    if tcb.config.handshake.syn_stays && tcb.state != State::SynSent && opening.passive.is_none() {
        // What was offered at first, whatever the peer's SYN said.
        return Negotiated::offered(&tcb.config.options, tcb.path, tcb.config.buffers.receive_max);
    }
    let from = tcb.config.handshake.drop_options_at;
    if from == 0 || opening.timeouts < from || tcb.state != State::SynSent {
        return tcb.negotiated;
    }
    tcb.negotiated.agreed(Offer::default())
}

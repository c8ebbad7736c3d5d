//! Opening: active, simultaneous, and the end of a passive open (RFC 9293 §3.5, §3.10.7.3).

use std::sync::Arc;

use faultwire_base::{Duration, Instant};
use faultwire_wire::{Cause, Flags, Reason, Segment, Seq, TimerKind};

use crate::config::Config;
use crate::ecn::Ecn;
use crate::embryo::Embryo;
use crate::event::{ConnectionError, DropReason, Event, Outgoing};
use crate::negotiate::{Offer, PathInfo};
use crate::offset::Offset;
use crate::receive_buffer::first_window;
use crate::state::State;
use crate::tcb::Tcb;
use crate::timer::Timer;
use crate::transmit;

/// What only a connection in SYN-SENT or SYN-RECEIVED needs: the retransmission of its SYN.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    deadline: Instant,
    sent_at: Instant,
    due: bool,
    /// What makes the next one due.
    cause: Cause,
    transmissions: u16,
    /// Of these: those that carried an ACK too, after the peer's SYN (figure 7).
    answers: u16,
    timeouts: u32,
}

impl Opening {
    fn new(now: Instant) -> Self {
        Self {
            deadline: Instant::FAR_FUTURE,
            sent_at: now,
            due: true,
            cause: Cause::Call,
            transmissions: 0,
            answers: 0,
            timeouts: 0,
        }
    }

    /// When the SYN is to be sent again.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The round trip, if only one SYN can have been answered (Karn).
    fn round_trip(&self, now: Instant) -> Option<Duration> {
        (self.transmissions == 1).then(|| now.saturating_since(self.sent_at))
    }
}

/// How long to wait after the timeout number `timeouts` of a SYN: the first `linear` come without back-off.
pub(crate) fn retry_interval(config: &Config, timeouts: u32, linear: u32) -> Duration {
    let backoffs = timeouts.saturating_sub(linear).min(40);
    config.retransmission.initial.saturating_mul(1 << backoffs).min(config.retransmission.max)
}

/// Active OPEN (RFC 9293 §3.10.1): SYN-SENT, a SYN is due.
pub(crate) fn open(config: &Arc<Config>, path: PathInfo, isn: Seq, now: Instant) -> Tcb {
    let mut tcb = Tcb::new(config, path, isn);
    tcb.opening = Some(Box::new(Opening::new(now)));
    tcb.become_state(State::SynSent);
    tcb.cause = Cause::Call;
    if !tcb.user.timeout.is_zero() {
        tcb.timers.arm(Timer::User, now.saturating_add(tcb.user.timeout));
    }
    tcb
}

/// The end of a passive OPEN: the acknowledgment of our SYN-ACK arrived. The caller hands in the segment again.
pub(crate) fn accept(embryo: &Embryo, now: Instant, cause: Cause) -> Tcb {
    let mut tcb = Tcb::new(embryo.config(), embryo.path(), embryo.isn());
    tcb.cause = cause;
    tcb.state = State::SynReceived;
    tcb.negotiated = embryo.negotiated();
    tcb.ecn = Ecn::accept(embryo.ecn());
    tcb.timestamps = embryo.timestamps();
    tcb.user.traffic_class = embryo.traffic_class();
    tcb.receive.synchronize(embryo.peer_isn(), embryo.first_window(), now);
    let segment_size = tcb.negotiated.effective_segment_size(tcb.path, tcb.path.mtu);
    tcb.send.set_segment_size(segment_size);
    tcb.send.advance(1);
    tcb.send.acknowledge(Offset::FIRST);
    // RFC 7323 §2.2: the window of a SYN is not scaled.
    tcb.send.update(Offset::ISN, Offset::FIRST, u32::from(embryo.peer_window()));
    tcb.tally.syn_retransmissions = embryo.transmissions().saturating_sub(1);
    tcb.tally.syn_timeouts = embryo.timeouts().into();
    tcb.tally.segments_sent = u64::from(embryo.transmissions());
    tcb.tally.segments_received = 1;
    tcb.establish(now, embryo.round_trip(now), embryo.timeouts() > 0);
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
    let ack = tcb.send.widen(segment.ack);
    let acknowledged = flags.contains(Flags::ACK);
    // First, the ACK bit.
    if acknowledged && (ack <= Offset::ISN || ack > tcb.send.next()) {
        if !flags.contains(Flags::RST) {
            transmit::reset_reply(tcb, segment, Reason::Reset, cause);
        }
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
    learn(tcb, now, segment);
    if !acknowledged {
        // Simultaneous open (RFC 9293 §3.5, MUST-10), figure 7: our SYN goes out again, with the acknowledgment of theirs.
        tcb.become_state(State::SynReceived);
        if let Some(opening) = &mut tcb.opening {
            opening.due = true;
            opening.cause = cause;
        }
        return Ok(());
    }
    let round_trip = measured(tcb, now, segment);
    tcb.send.acknowledge(Offset::FIRST);
    let retransmitted = tcb.opening.as_ref().is_some_and(|opening| opening.transmissions > 1);
    tcb.establish(now, round_trip, retransmitted);
    let reply = transmit::acknowledgment(tcb, now, Reason::HandshakeAck, cause);
    tcb.outbox.push(reply);
    Ok(())
}

/// SYN-RECEIVED by simultaneous open: the fifth step of RFC 9293 §3.10.7.4 for that state.
pub(crate) fn acknowledge_syn(
    tcb: &mut Tcb,
    now: Instant,
    segment: &Segment,
    seq: Offset,
    cause: Cause,
) -> Result<(), DropReason> {
    let ack = tcb.send.widen(segment.ack);
    if ack <= Offset::ISN || ack > tcb.send.next() {
        transmit::reset_reply(tcb, segment, Reason::Reset, cause);
        return Err(DropReason::AckNotOfSyn);
    }
    let round_trip = measured(tcb, now, segment);
    tcb.send.acknowledge(Offset::FIRST);
    let shift = if segment.flags.contains(Flags::SYN) { 0 } else { tcb.negotiated.send_shift };
    tcb.send.update(seq, ack, u32::from(segment.window) << shift);
    // In figure 7 each side sends its SYN twice; only a timeout tells of a loss.
    let retransmitted = tcb.opening.as_ref().is_some_and(|opening| opening.timeouts > 0);
    tcb.establish(now, round_trip, retransmitted);
    Ok(())
}

/// The SYN or SYN-ACK that is due.
pub(crate) fn transmit(tcb: &mut Tcb, now: Instant) -> Option<Outgoing> {
    let mut opening = tcb.opening.take()?;
    let outgoing = std::mem::take(&mut opening.due).then(|| {
        opening.transmissions = opening.transmissions.saturating_add(1);
        opening.sent_at = now;
        let wait = retry_interval(&tcb.config, opening.timeouts, linear_timeouts(tcb));
        opening.deadline = now.saturating_add(wait);
        // The first SYN-ACK repeats nothing, although it takes the sequence number of the SYN before it.
        let transmission = if tcb.state == State::SynReceived {
            opening.answers = opening.answers.saturating_add(1);
            opening.answers
        } else {
            opening.transmissions
        };
        tcb.tally.syn_retransmissions += u16::from(transmission > 1);
        let flags = if tcb.state == State::SynReceived {
            Flags::SYN | Flags::ACK | tcb.ecn.answer()
        } else {
            Flags::SYN | tcb.ecn.ask(&tcb.config.ecn, opening.timeouts)
        };
        syn(tcb, now, flags, transmission, opening.cause)
    });
    tcb.opening = Some(opening);
    outgoing
}

/// The timer of the SYN ran out: send it again, or give up (MUST-22, MUST-23).
pub(crate) fn on_timeout(tcb: &mut Tcb, now: Instant) {
    let limit = linear_timeouts(tcb)
        + if tcb.state == State::SynSent {
            tcb.config.opening.syn_retries
        } else {
            tcb.config.opening.synack_retries
        };
    let Some(opening) = tcb.opening.as_mut().filter(|opening| opening.deadline <= now) else { return };
    opening.deadline = Instant::FAR_FUTURE;
    if opening.timeouts >= limit {
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

/// Takes over what the peer's SYN says.
fn learn(tcb: &mut Tcb, now: Instant, segment: &Segment) {
    let offer = Offer::read(&segment.options);
    let window = first_window(&tcb.config.buffers, tcb.path.announced_segment_size());
    tcb.receive.synchronize(segment.seq, window, now);
    tcb.negotiated = tcb.negotiated.agreed(offer, tcb.path);
    tcb.ecn.learn(segment.flags);
    tcb.timestamps.agree(tcb.negotiated.timestamps, offer.timestamp(), now);
    let segment_size = tcb.negotiated.effective_segment_size(tcb.path, tcb.path.mtu);
    tcb.send.set_segment_size(segment_size);
    // RFC 7323 §2.2: the window of a SYN is not scaled.
    tcb.send.update(Offset::ISN, tcb.send.widen(segment.ack).max(Offset::ISN), u32::from(segment.window));
}

/// The round trip of the handshake: by the clock, or after a retransmission by the timestamp echo.
fn measured(tcb: &Tcb, now: Instant, segment: &Segment) -> Option<Duration> {
    let by_clock = tcb.opening.as_ref().and_then(|opening| opening.round_trip(now));
    let by_echo = || {
        let (_, echo) = segment.options.timestamps().filter(|_| tcb.timestamps.enabled())?;
        tcb.timestamps.since_echo(echo, now)
    };
    by_clock.or_else(by_echo)
}

fn linear_timeouts(tcb: &Tcb) -> u32 {
    if tcb.state == State::SynSent { tcb.config.opening.syn_linear_timeouts } else { 0 }
}

fn syn(tcb: &mut Tcb, now: Instant, flags: Flags, transmission: u16, cause: Cause) -> Outgoing {
    let answer = flags.contains(Flags::ACK);
    let echo = if answer { tcb.timestamps.recent() } else { 0 };
    let segment_size = tcb.path.announced_segment_size();
    if tcb.send.next() == Offset::ISN {
        tcb.send.advance(1);
    }
    let segment = Segment {
        source_port: tcb.path.local_port,
        destination_port: tcb.path.remote_port,
        seq: tcb.send.isn(),
        ack: if answer { tcb.receive.next().to_seq(tcb.receive.isn()) } else { Seq(0) },
        flags,
        window: first_window(&tcb.config.buffers, segment_size),
        options: tcb.negotiated.syn_options(
            tcb.config.options.order,
            segment_size,
            (tcb.timestamps.value(now), echo),
        ),
        ..Segment::default()
    };
    tcb.tally.segments_sent += 1;
    Outgoing {
        segment,
        reason: if answer { Reason::SynAck } else { Reason::Syn },
        cause,
        stream_offset: 0,
        transmission,
        traffic_class: tcb.user.traffic_class,
    }
}

//! Which segment goes out next: answers, retransmissions, probes, new data, ACKs (RFC 9293 §3.7.4, §3.8.6.2.1).

mod probe;
mod reply;

use std::ops::Range;

use faultwire_base::Instant;
use faultwire_wire::{Cause, Flags, Options, Payload, Reason, Segment, Seq};

use crate::burst;
use crate::chronograph::Activity;
use crate::config::{RepeatedFin, UserTimeoutFrom, WhenHeld};
use crate::event::{Envelope, Label, Outgoing};
use crate::handshake;
use crate::offset::Offset;
use crate::sack_option::{USER_TIMEOUT_OCTETS, payload_limit, push_sack};
use crate::state::State;
use crate::tcb::Tcb;
use crate::timer::Timer;

pub(crate) use probe::arm_persist;
use probe::{keep_alive_probe, tail_loss_probe, window_probe};
pub(crate) use reply::{abort, reset_of_connection, reset_reply, response};

/// The next segment to send now, if any, given to `envelope`: new data and the ACK that is owed are made in the place
/// where they stay.
#[inline]
pub(crate) fn next<E: Envelope>(tcb: &mut Tcb, now: Instant, mut envelope: E) -> Option<E::Packet> {
    if !is_ordinary(tcb) {
        return any(tcb, now).map(|outgoing| envelope.close(outgoing));
    }
    if tcb.unsent() > 0
        && let Some(label) = new_data(tcb, envelope.segment(), now)
    {
        return Some(envelope.seal(label));
    }
    if let Some((reason, cause)) = tcb.ack.take_due() {
        let label = bare_acknowledgment(tcb, envelope.segment(), now, (reason, cause));
        return Some(envelope.seal(label));
    }
    if tcb.keep_alive.is_probe_due() {
        return any(tcb, now).map(|outgoing| envelope.close(outgoing));
    }
    rest(tcb, now);
    None
}

/// Whether [`next`] would find nothing in ESTABLISHED, where most segments ask for no answer at once. If so, what it
/// leaves behind is done.
#[inline]
pub(crate) fn rests(tcb: &mut Tcb, now: Instant) -> bool {
    let nothing = tcb.state == State::Established
        && !tcb.ack.is_due()
        && tcb.unsent() == 0
        && is_ordinary(tcb)
        && !tcb.keep_alive.is_probe_due();
    if nothing {
        rest(tcb, now);
    }
    nothing
}

/// Synchronized, nothing was built before, and nothing that was sent is to be sent again: of the steps of [`any`] only
/// those of [`next`] are left.
#[inline]
fn is_ordinary(tcb: &Tcb) -> bool {
    tcb.outbox.is_empty()
        && tcb.state.is_synchronized()
        && tcb.state != State::TimeWait
        && tcb.opening.is_none()
        && tcb.recovery.is_undisturbed()
        && !tcb.persist.is_probe_due()
}

/// The next segment to send, whatever it is.
#[inline(never)]
fn any(tcb: &mut Tcb, now: Instant) -> Option<Outgoing> {
    if let Some(outgoing) = tcb.outbox.pop() {
        return Some(outgoing);
    }
    if tcb.opening.is_some() {
        handshake::answer_by_syn_ack(tcb);
        let opening = handshake::transmit(tcb, now);
        if opening.is_some() || !handshake::is_fast_open(tcb) {
            return opening;
        }
        return synchronized(tcb, now);
    }
    match tcb.state {
        State::Closed | State::Listen | State::SynSent | State::SynReceived => None,
        State::TimeWait => tcb.ack.take_due().map(|(reason, cause)| acknowledgment(tcb, now, reason, cause)),
        _ => synchronized(tcb, now),
    }
}

fn synchronized(tcb: &mut Tcb, now: Instant) -> Option<Outgoing> {
    if tcb.recovery.is_probe_due()
        && let Some(outgoing) = tail_loss_probe(tcb, now)
    {
        return Some(outgoing);
    }
    if let Some((range, reason)) = tcb.recovery.next_retransmission()
        && is_inside_window(tcb, &range)
    {
        return Some(retransmission(tcb, now, range, reason));
    }
    if tcb.persist.is_probe_due() {
        return Some(window_probe(tcb, now));
    }
    if let Some(outgoing) = new_data_in_recovery(tcb, now) {
        return Some(outgoing);
    }
    if let Some((range, reason)) = tcb.recovery.last_resort_retransmission()
        && is_inside_window(tcb, &range)
    {
        return Some(retransmission(tcb, now, range, reason));
    }
    if let Some((reason, cause)) = tcb.ack.take_due() {
        return Some(acknowledgment(tcb, now, reason, cause));
    }
    if tcb.keep_alive.take_probe() {
        return Some(keep_alive_probe(tcb, now));
    }
    rest(tcb, now);
    None
}

/// Old data may go out again inside a window that shrank, and the first octet always (SHLD-16, MAY-7).
fn is_inside_window(tcb: &Tcb, range: &Range<Offset>) -> bool {
    range.start == tcb.send.unacknowledged() || range.start < tcb.send.right_edge()
}

fn retransmission(tcb: &mut Tcb, now: Instant, range: Range<Offset>, reason: Reason) -> Outgoing {
    let end_of_data = tcb.send_buffer.end();
    let start = range.start;
    let mut wanted = range.end.min(end_of_data).saturating_since(start);
    let inside = tcb.send.right_edge().saturating_since(start);
    if tcb.config.sending.resend_inside_window && inside > 0 {
        wanted = wanted.min(inside);
    }
    let length = wanted.min(u64::from(payload_limit(tcb))) as u32;
    let fin = range.end > end_of_data && start + u64::from(length) == end_of_data;
    let transmission = tcb.recovery.transmission_count(start);
    let end = start + u64::from(length) + u64::from(fin);
    let end_of_text = (start + u64::from(length)).min(end_of_data);
    // Several segments of one part that go again in one go are a burst too.
    let several = tcb.resent_to == start && tcb.config.sending.push_bursts;
    let push = length > 0
        && (tcb.send_buffer.is_pushed(end_of_text)
            || several && tcb.send_buffer.is_end_of_part_with(start, end_of_text));
    tcb.resent_to = end_of_text;
    let mut segment = Segment::default();
    let label = data(tcb, &mut segment, now, Text { start, length, fin, push }, (reason, transmission));
    if fin && length == 0 {
        segment.seq = match tcb.config.sending.repeated_fin {
            RepeatedFin::InPlace => segment.seq,
            RepeatedFin::AtNext => tcb.send.next_seq(),
        };
    }
    tcb.recovery.on_transmit(now, start..end, true);
    label.on(segment)
}

#[inline(never)]
fn new_data_in_recovery(tcb: &mut Tcb, now: Instant) -> Option<Outgoing> {
    let mut segment = Segment::default();
    new_data(tcb, &mut segment, now).map(|label| label.on(segment))
}

/// Makes the next segment of new data in `segment`, with the FIN if it is the last, or the FIN alone.
#[inline(always)]
fn new_data(tcb: &mut Tcb, segment: &mut Segment, now: Instant) -> Option<Label> {
    if tcb.unsent() == 0 {
        return None;
    }
    let start = tcb.send.next();
    if tcb.burst.as_ref().is_none_or(|burst| burst.capped && start >= burst.end) {
        let segment = u64::from(payload_limit(tcb));
        tcb.burst = Some(burst::plan(tcb, now, segment));
    }
    let burst = tcb.burst.as_ref()?;
    let burst_end = burst.end;
    let left = burst_end.saturating_since(start);
    // RFC 9293 §3.9.1.2, SHLD-27, SHLD-28: segments are cut from the queue, whatever the writes were.
    let full = payload_limit(tcb);
    let length = left.min(u64::from(full)) as u32;
    let fin = burst.fin && u64::from(length) == left;
    if length == 0 && !fin {
        return None;
    }
    let end = start + u64::from(length);
    // MUST-61: the last of the queued data carries PSH; by policy the last of a burst of several too.
    let push = length > 0
        && (tcb.send_buffer.is_pushed(end)
            || (burst.several && end == burst.end && tcb.config.sending.push_bursts));
    let reason = if fin { Reason::Fin } else { tcb.recovery.new_data_reason() };
    let octets = u64::from(length) + u64::from(fin);
    if !tcb.user.timeout.is_zero()
        && tcb.config.give_up.user_timeout_from == UserTimeoutFrom::FirstSending
        && !tcb.timers.is_armed(Timer::User)
    {
        // RFC 5482: the clock of the user timeout runs while something is unacknowledged.
        tcb.timers.arm(Timer::User, now.saturating_add(tcb.user.timeout));
    }
    let mut label = data(tcb, segment, now, Text { start, length, fin, push }, (reason, 1));
    if tcb.ecn.is_on() && length > 0 {
        let (codepoint, flags) = tcb.ecn.mark_new_data();
        label.traffic_class = codepoint.put_into(label.traffic_class);
        segment.flags |= flags;
    }
    if length < full {
        tcb.send.note_small(end);
    }
    tcb.recovery.on_transmit(now, start..start + octets, false);
    tcb.send.advance(octets);
    if end == burst_end {
        // What a burst is pushed for concerns this one sending.
        tcb.send_buffer.on_sent(end, false);
    }
    tcb.timers.stop(Timer::SillyWindow);
    if tcb.timers.is_armed(Timer::Persist) {
        tcb.persist.stop();
        tcb.timers.stop(Timer::Persist);
    }
    Some(label)
}

/// Nothing more goes out now: see what has to happen later.
#[inline]
fn rest(tcb: &mut Tcb, now: Instant) {
    tcb.resent_to = Offset::default();
    if let Some(burst) = tcb.burst.take() {
        tcb.recovery.on_transmission_opportunity_ended(now, burst.congestion_limited);
        note_limits(tcb, now, burst.congestion_limited);
    }
    if tcb.send_buffer.is_room_wanted() && tcb.send_buffer.wake(tcb.send.next()) {
        tcb.events.writable();
        tcb.chronograph.stop(now, Activity::BufferLimited);
    }
    if tcb.send.in_flight() > 0 {
        return;
    }
    tcb.recovery.release_memory();
    tcb.receive.release_memory();
    if tcb.receive.reassembly().is_none() {
        // While there is a hole, there is an ACK for each arrival.
        tcb.outbox.release_memory();
    }
    if tcb.unsent() == 0 {
        return;
    }
    if tcb.send.usable() == 0 || tcb.config.sending.when_held == WhenHeld::Probe {
        if !tcb.timers.is_armed(Timer::Persist) {
            arm_persist(tcb, now);
        }
    } else if let WhenHeld::SendAfter(wait) = tcb.config.sending.when_held
        && !tcb.timers.is_armed(Timer::SillyWindow)
    {
        tcb.timers.arm(Timer::SillyWindow, now.saturating_add(wait));
    }
}

/// What kept a burst from being longer.
#[inline]
fn note_limits(tcb: &mut Tcb, now: Instant, congestion_limited: bool) {
    let unsent = tcb.unsent();
    let segment = u64::from(tcb.send.segment_size());
    let next = tcb.send.next();
    if unsent > 0 && tcb.send.usable() < unsent.min(segment) && tcb.recovery.new_data_quota(next) > 0 {
        tcb.chronograph.start(now, Activity::WindowLimited);
    } else {
        tcb.chronograph.stop(now, Activity::WindowLimited);
    }
    if unsent == 0 && !congestion_limited && tcb.send_buffer.is_room_wanted() {
        tcb.chronograph.start(now, Activity::BufferLimited);
    }
}

/// `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`.
pub(crate) fn acknowledgment(tcb: &mut Tcb, now: Instant, reason: Reason, cause: Cause) -> Outgoing {
    let mut segment = Segment::default();
    bare_acknowledgment(tcb, &mut segment, now, (reason, cause)).on(segment)
}

#[inline(always)]
fn bare_acknowledgment(
    tcb: &mut Tcb,
    segment: &mut Segment,
    now: Instant,
    (reason, cause): (Reason, Cause),
) -> Label {
    let seq = tcb.send.next_seq();
    header(tcb, segment, now, Flags::ACK, seq);
    segment.payload = Payload::EMPTY;
    finish(tcb, reason, cause)
}

/// Octets of the send buffer for one segment, with the flags that depend on where the data ends.
#[derive(Clone, Copy, Debug)]
struct Text {
    start: Offset,
    length: u32,
    fin: bool,
    push: bool,
}

/// Makes a segment with `text` in `segment`; `transmission` says which sending of it this is.
#[inline(always)]
fn data(
    tcb: &mut Tcb,
    segment: &mut Segment,
    now: Instant,
    text: Text,
    (reason, transmission): (Reason, u16),
) -> Label {
    let Text { start, length, .. } = text;
    let mut flags = Flags::ACK;
    if text.fin {
        flags |= Flags::FIN;
    }
    if text.push {
        flags |= Flags::PSH;
    }
    if length > 0 {
        tcb.ack.on_data_sent(&tcb.config.acknowledgment, now);
    }
    let urgent = tcb.urgent.pointer(start);
    if urgent.is_some() {
        flags |= Flags::URG;
    }
    tcb.tally.segments_sent += 1;
    tcb.tally.octets_sent += u64::from(length);
    if length > 0 {
        tcb.tally.data_segments_sent += 1;
        tcb.tally.data_sent_at = now;
        if transmission > 1 {
            tcb.tally.octets_retransmitted += u64::from(length);
        }
    }
    header(tcb, segment, now, flags, start.to_seq(tcb.send.isn()));
    segment.urgent = urgent.unwrap_or(0);
    segment.payload = if length > 0 { tcb.send_buffer.slice(start, length) } else { Payload::EMPTY };
    Label {
        reason,
        cause: tcb.cause,
        stream_offset: tcb.stream_offset(start),
        transmission,
        traffic_class: tcb.user.traffic_class,
    }
}

/// Fills in everything but the payload; the segment acknowledges all that was received, and so pays what was owed.
#[inline(always)]
fn header(tcb: &mut Tcb, segment: &mut Segment, now: Instant, flags: Flags, seq: Seq) {
    let next = tcb.receive.next();
    tcb.ack.on_sent(next);
    tcb.timers.stop(Timer::DelayedAck);
    segment.options.clear();
    if tcb.timestamps.enabled() {
        segment.options.set_aligned_timestamps(tcb.timestamps.value(now), tcb.timestamps.recent());
    }
    if tcb.negotiated.sack && tcb.receive.has_report() {
        push_sack(&tcb.receive, None, &mut segment.options);
        tcb.receive.on_reported();
    }
    if tcb.user.announce_timeout {
        announce_timeout(tcb, flags, &mut segment.options);
    }
    segment.source_port = tcb.path.local_port;
    segment.destination_port = tcb.path.remote_port;
    segment.seq = seq;
    segment.ack = next.to_seq(tcb.receive.isn());
    segment.flags = flags | tcb.ecn.echo();
    segment.window = tcb.receive.offer(tcb.negotiated.receive_shift, tcb.ack.full_segment());
    if tcb.receive.is_tight() {
        tcb.ack.stop_quick();
    }
    segment.urgent = 0;
}

/// RFC 5482 §3.2: a SYN may be stripped of its options, so the first segment without SYN says it again, if there is room.
#[cold]
fn announce_timeout(tcb: &mut Tcb, flags: Flags, options: &mut Options) {
    let Some(option) = &tcb.config.handshake.user_timeout_option else { return };
    if !flags.contains(Flags::RST) && options.padded_length() + USER_TIMEOUT_OCTETS <= Options::CAPACITY {
        options.push_user_timeout(option.field());
    }
    tcb.user.announce_timeout = false;
}

/// The label of a segment without data.
#[inline]
fn finish(tcb: &mut Tcb, reason: Reason, cause: Cause) -> Label {
    tcb.tally.segments_sent += 1;
    Label {
        reason,
        cause,
        stream_offset: tcb.stream_offset(tcb.send.next().min(tcb.send_buffer.end())),
        transmission: 0,
        traffic_class: tcb.user.traffic_class,
    }
}

//! The segment that nearly always comes next, taken in one go: header prediction.
//!
//! In ESTABLISHED most segments are the next text while nothing of ours is on its way, or a pure ACK. For those the
//! steps of RFC 9293 §3.10.7.4 that look for a reset, a SYN, urgent data, a FIN, a hole or text outside the window find
//! nothing. What is left of the steps is done here, in their order and by the same rooms. Everything else is left to
//! [`crate::arrive`], untouched.

use faultwire_base::Instant;
use faultwire_wire::{Cause, Flags, Segment};

use crate::acknowledged;
use crate::arrive;
use crate::arriving::Arriving;
use crate::ecn;
use crate::paws;
use crate::state::State;
use crate::tcb::Tcb;

/// Takes `segment` if it is an expected one, and says whether it was.
#[inline]
pub(crate) fn take(tcb: &mut Tcb, now: Instant, segment: &Segment, cause: Cause) -> bool {
    if tcb.state != State::Established
        || segment.flags.without(Flags::PSH) != Flags::ACK
        || segment.seq != tcb.receive.next_seq()
        || !has_expected_options(tcb, segment)
    {
        return false;
    }
    let arriving = Arriving::new(tcb, now, segment, cause, tcb.receive.next());
    if segment.payload.is_empty() { take_ack(tcb, &arriving) } else { take_text(tcb, &arriving) }
}

/// Nothing but timestamps in their usual place, not older than the last (RFC 7323 §5.3 R1); or no options at all.
#[inline]
fn has_expected_options(tcb: &Tcb, segment: &Segment) -> bool {
    if !tcb.timestamps.enabled() {
        return segment.options.is_empty();
    }
    segment.options.is_plain_timestamps()
        && segment.options.timestamps().is_some_and(|(value, _)| tcb.timestamps.is_in_order(value))
}

/// A pure ACK of something new: acceptable whether the window is open or closed, since it is at RCV.NXT.
#[inline]
fn take_ack(tcb: &mut Tcb, arriving: &Arriving<'_>) -> bool {
    let ack = tcb.own_position(arriving.segment.ack);
    if ack <= tcb.send.unacknowledged() || ack > tcb.send.next() {
        return false;
    }
    tcb.keep_alive.on_heard(arriving.now);
    paws::note(tcb, arriving);
    if tcb.ecn.is_on() {
        ecn::on_segment(tcb, arriving.segment.flags);
    }
    acknowledged::take_window(tcb, arriving, ack);
    true
}

/// The next text, all of it inside the window, with nothing acknowledged by it, and no hole, FIN or reset in sight.
#[inline]
fn take_text(tcb: &mut Tcb, arriving: &Arriving<'_>) -> bool {
    let length = arriving.segment.payload.len();
    if tcb.send.in_flight() > 0
        || arriving.segment.ack != tcb.send.next_seq()
        || !tcb.receive.is_expecting(length)
        || tcb.user.orphan
    {
        return false;
    }
    tcb.keep_alive.on_heard(arriving.now);
    paws::note(tcb, arriving);
    acknowledged::take_window(tcb, arriving, tcb.send.unacknowledged());
    if tcb.ecn.is_on() {
        ecn::on_segment(tcb, arriving.segment.flags);
        ecn::on_text(tcb, arriving);
    }
    tcb.receive.append(&arriving.segment.payload);
    arrive::on_text_in_order(tcb, arriving, length);
    true
}

#[cfg(test)]
mod tests;

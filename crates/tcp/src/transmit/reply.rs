//! What goes out beside the stream: resets, and ACKs that move nothing (RFC 9293 §3.5.2, §3.10.5).

use faultwire_base::Instant;
use faultwire_wire::{Cause, Flags, Options, Reason, Segment, Seq};

use super::{finish, header};
use crate::arriving::Arriving;
use crate::config::SequenceCheck;
use crate::event::Outgoing;
use crate::reset::reset_for;
use crate::tcb::Tcb;

/// Queues the RST that answers `segment` as in CLOSED: at the number that it acknowledges (RFC 9293 §3.5.2).
pub(crate) fn reset_reply(tcb: &mut Tcb, segment: &Segment, reason: Reason, cause: Cause) {
    if let Some(reset) = reset_for(segment) {
        let outgoing = finish(tcb, reason, cause).on(reset);
        tcb.outbox.push(outgoing);
    }
}

/// As [`reset_reply`], for a segment that the connection itself refuses: with its timestamps, where it judges as FreeBSD
/// (`tcp_respond`; RFC 7323 §3.2).
pub(crate) fn reset_of_connection(tcb: &mut Tcb, arriving: &Arriving<'_>, reason: Reason) {
    let Some(mut reset) = reset_for(arriving.segment) else { return };
    if tcb.timestamps.enabled() && tcb.config.arrival.sequence_check == SequenceCheck::Trim {
        let (value, echo) = (tcb.timestamps.value(arriving.now), tcb.timestamps.recent());
        reset.options = Options::aligned_timestamps(value, echo);
    }
    let outgoing = finish(tcb, reason, arriving.cause).on(reset);
    tcb.outbox.push(outgoing);
}

/// An ACK beside the stream, which moves no window and pays no ACK that is owed (FreeBSD `tcp_respond`).
pub(crate) fn response(tcb: &mut Tcb, now: Instant, reason: Reason, cause: Cause) -> Outgoing {
    let mut segment = Segment {
        source_port: tcb.path.local_port,
        destination_port: tcb.path.remote_port,
        seq: tcb.send.next_seq(),
        ack: tcb.receive.next_seq(),
        flags: Flags::ACK | tcb.ecn.echo(),
        window: tcb.receive.room_field(tcb.negotiated.receive_shift),
        ..Segment::default()
    };
    if tcb.timestamps.enabled() {
        segment.options = Options::aligned_timestamps(tcb.timestamps.value(now), tcb.timestamps.recent());
    }
    tcb.ack.on_responded(tcb.receive.next());
    finish(tcb, reason, cause).on(segment)
}

/// Queues the RST of an abort: `<SEQ=SND.NXT><CTL=RST>` (RFC 9293 §3.10.5), with an ACK by policy.
pub(crate) fn abort(tcb: &mut Tcb, now: Instant, reason: Reason, cause: Cause) {
    let seq = tcb.send.next_seq();
    let mut segment = Segment::default();
    header(tcb, &mut segment, now, Flags::RST | Flags::ACK, seq);
    let closing = &tcb.config.closing;
    if !closing.reset_offers_window {
        segment.window = 0;
    }
    // RFC 7323 §3.2: a RST SHOULD carry timestamps, with an echo only beside an ACK. SACK blocks are of no use.
    let mut echo = tcb.timestamps.recent();
    if !closing.reset_carries_ack {
        segment.flags = Flags::RST;
        segment.ack = Seq(0);
        echo = 0;
    }
    segment.options = if tcb.timestamps.enabled() {
        Options::aligned_timestamps(tcb.timestamps.value(now), echo)
    } else {
        Options::EMPTY
    };
    let outgoing = finish(tcb, reason, cause).on(segment);
    tcb.outbox.push(outgoing);
}

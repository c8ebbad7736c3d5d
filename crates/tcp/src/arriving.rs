//! A segment as it arrives, with the answers that any step of its arrival may give.

use faultwire_base::Instant;
use faultwire_wire::{Cause, Flags, Reason, Segment};

use crate::config::{SackReport, SequenceCheck};
use crate::offset::Offset;
use crate::sack_option;
use crate::state::State;
use crate::tcb::Tcb;
use crate::transmit;

/// An arriving segment with its place in sequence space.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arriving<'a> {
    pub(crate) segment: &'a Segment,
    pub(crate) seq: Offset,
    pub(crate) now: Instant,
    pub(crate) cause: Cause,
    pub(crate) timestamps: Option<(u32, u32)>,
}

impl<'a> Arriving<'a> {
    /// With the position of its first octet.
    #[inline]
    pub(crate) fn new(tcb: &Tcb, now: Instant, segment: &'a Segment, cause: Cause, seq: Offset) -> Self {
        let timestamps = if tcb.timestamps.enabled() { segment.options.timestamps() } else { None };
        Self { segment, seq, now, cause, timestamps }
    }
}

/// Queues `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>` as it stands now.
pub(crate) fn answer(tcb: &mut Tcb, arriving: &Arriving<'_>, reason: Reason) {
    let empty = arriving.segment.sequence_length() == 0 || arriving.segment.flags.contains(Flags::SYN);
    if reason == Reason::UnacceptableAck && empty && tcb.config.acknowledgment.limit_unacceptable {
        // Linux: an ACK that answers an ACK must not begin a war.
        let limit = tcb.config.acknowledgment.challenge_limit;
        if !tcb.ack.may_challenge(limit, arriving.now) {
            return;
        }
    }
    if tcb.state == State::SynReceived && tcb.config.arrival.sequence_check == SequenceCheck::Trim {
        // Whatever FreeBSD sends in that state has SYN and ACK.
        return tcb.ack.demand(reason, arriving.cause);
    }
    let reply = transmit::acknowledgment(tcb, arriving.now, reason, arriving.cause);
    tcb.outbox.push(reply);
}

/// Text arrived that was here before, all of it: the ACK reports it (RFC 2883 §4).
pub(crate) fn answer_duplicate(tcb: &mut Tcb, arriving: &Arriving<'_>, start: Offset, end: Offset) {
    let reason = if end > tcb.receive.next() { Reason::DuplicateAck } else { Reason::UnacceptableAck };
    let config = &tcb.config.acknowledgment;
    if config.adaptive {
        // Linux: an ACK of ours got lost, and the peer waits.
        tcb.ack.quicken(config.quick);
    }
    let listed = note_duplicate(tcb, start, end);
    let mut reply = transmit::acknowledgment(tcb, arriving.now, reason, arriving.cause);
    if !listed && tcb.negotiated.sack && tcb.config.options.duplicate_sack {
        sack_option::report_duplicate(tcb, &mut reply.segment, (start, end));
    }
    tcb.outbox.push(reply);
}

/// Puts text that was here before among the blocks to report, if they are kept in a list; returns whether it did.
pub(crate) fn note_duplicate(tcb: &mut Tcb, start: Offset, end: Offset) -> bool {
    let list = tcb.config.acknowledgment.sack_report == SackReport::List;
    let noted = list && tcb.negotiated.sack && tcb.config.options.duplicate_sack;
    if noted {
        tcb.receive.note_in_list(|list, next| {
            if end > next { list.arrived(next, start, end) } else { list.arrived_before(next, start, end) }
        });
    }
    noted
}

/// Linux (`tcp_send_dupack`): the segment is refused, and the ACK reports what of it was here before, a FIN too.
pub(crate) fn answer_refused(tcb: &mut Tcb, arriving: &Arriving<'_>) {
    let end = arriving.seq + u64::from(arriving.segment.sequence_length());
    let end = end.min(tcb.receive.next());
    if arriving.seq < end {
        answer_duplicate(tcb, arriving, arriving.seq, end);
    } else {
        answer(tcb, arriving, Reason::UnacceptableAck);
    }
}

/// Queues a challenge ACK if the limit permits (RFC 5961 §7).
pub(crate) fn challenge(tcb: &mut Tcb, arriving: &Arriving<'_>) {
    let limit = tcb.config.acknowledgment.challenge_limit;
    if tcb.ack.may_challenge(limit, arriving.now) {
        tcb.tally.challenge_acks += 1;
        let reply = if tcb.config.arrival.sequence_check == SequenceCheck::Trim {
            transmit::response(tcb, arriving.now, Reason::ChallengeAck, arriving.cause)
        } else {
            transmit::acknowledgment(tcb, arriving.now, Reason::ChallengeAck, arriving.cause)
        };
        tcb.outbox.push(reply);
    }
}

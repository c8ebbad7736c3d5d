//! TIME-WAIT: 2 MSL, and what may shorten, lengthen or end it (RFC 9293 §3.6.1, RFC 1337, RFC 6191).

use std::sync::Arc;

use faultwire_base::Instant;
use faultwire_wire::{Cause, Flags, Options, Reason, Segment, Seq};

use crate::ack_policy::may_challenge;
use crate::config::{ChallengeLimit, Config, OldDuplicate, OldTimestamp, TimeWaitRule};
use crate::event::{DropReason, Outgoing};
use crate::reset::reset_for;
use crate::tcb::Tcb;
use crate::timestamp::{Timestamps, is_before};

/// A connection in TIME-WAIT, reduced to what that state needs: a record of its own for hosts with many of them.
#[derive(Clone, Debug)]
pub struct TimeWait {
    config: Arc<Config>,
    deadline: Instant,
    local_port: u16,
    remote_port: u16,
    next_send: Seq,
    next_receive: Seq,
    window: u32,
    window_field: u16,
    traffic_class: u8,
    limiter_count: u8,
    limiter_since: Instant,
    timestamps: Timestamps,
    stream_offset: u64,
}

/// How a connection begins that takes the place of one in TIME-WAIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Successor {
    /// Its ISN, above all that the old connection used.
    pub isn: Seq,
    /// The last TSval of the peer, and when it came: the SYN echoes it.
    pub(crate) latest: (u32, Instant),
}

/// What TIME-WAIT does with an arriving segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeWaitVerdict {
    /// Nothing goes out.
    Ignore(DropReason),
    /// This goes out.
    Reply(Outgoing),
    /// A RST ended it: CLOSED.
    Closed,
    /// The SYN is acceptable as a new connection (RFC 9293 §3.6.1 MAY-2, RFC 6191): if somebody listens, the segment
    /// makes a new embryo whose ISN is at least this. Otherwise it is answered as in CLOSED.
    Reopen {
        /// The least ISN, above all that the old connection used.
        minimum_isn: Seq,
    },
}

impl TimeWait {
    /// Takes over from the control block.
    pub(crate) fn new(tcb: &Tcb, now: Instant) -> Self {
        let window = tcb.receive.edge().saturating_since(tcb.receive.next());
        Self {
            config: Arc::clone(&tcb.config),
            deadline: now.saturating_add(tcb.config.time_wait.duration()),
            local_port: tcb.path.local_port,
            remote_port: tcb.path.remote_port,
            next_send: tcb.send.next_seq(),
            next_receive: tcb.receive.next().to_seq(tcb.receive.isn()),
            window: window as u32,
            window_field: match tcb.config.time_wait.rule {
                TimeWaitRule::Bsd => tcb.receive.room_field(tcb.negotiated.receive_shift),
                TimeWaitRule::Letter | TimeWaitRule::Linux => {
                    // As the ACK of the FIN says it: what the shift cuts off does not make the window shrink.
                    window.div_ceil(1 << tcb.negotiated.receive_shift).min(u64::from(u16::MAX)) as u16
                }
            },
            traffic_class: tcb.user.traffic_class,
            limiter_count: 0,
            limiter_since: Instant::FAR_FUTURE,
            timestamps: tcb.timestamps,
            stream_offset: tcb.stream_offset(tcb.send_buffer.end()),
        }
    }

    /// When 2 MSL are over.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether 2 MSL are over.
    pub fn is_expired(&self, now: Instant) -> bool {
        self.deadline <= now
    }

    /// How a connect between the same ends may go on at `now`, if it may: timestamps keep what is still under way of the old
    /// connection out of the new one (RFC 6191 §2; Linux `tcp_tw_reuse`).
    pub fn successor(&self, now: Instant) -> Option<Successor> {
        let wait = self.config.time_wait.reuse_after?;
        let latest = self.timestamps.latest();
        let old_enough = now.saturating_since(latest.1) >= wait;
        (self.timestamps.enabled() && old_enough)
            .then(|| Successor { isn: self.next_send + self.config.time_wait.reopen_gap, latest })
    }

    /// Our port.
    pub fn local_port(&self) -> u16 {
        self.local_port
    }

    /// The peer's port.
    pub fn remote_port(&self) -> u16 {
        self.remote_port
    }

    /// A segment arrives.
    pub fn receive(&mut self, now: Instant, segment: &Segment, cause: Cause) -> TimeWaitVerdict {
        let end = segment.seq + segment.sequence_length();
        let is_old = segment.seq.before(self.next_receive) && !end.after(self.next_receive);
        match self.config.arrival.old_duplicate {
            OldDuplicate::Unanswered if is_old => {
                return TimeWaitVerdict::Ignore(DropReason::OutsideWindow);
            }
            OldDuplicate::Reset if is_old => return self.reset(segment, cause),
            _ => {}
        }
        match self.config.time_wait.rule {
            TimeWaitRule::Letter => self.receive_by_letter(now, segment, cause),
            TimeWaitRule::Linux => self.receive_as_linux(now, segment, cause),
            TimeWaitRule::Bsd => self.receive_as_bsd(now, segment, cause),
        }
    }

    /// RFC 9293 §3.10.7.4 with RFC 5961, 6191, 7323, 1337.
    fn receive_by_letter(&mut self, now: Instant, segment: &Segment, cause: Cause) -> TimeWaitVerdict {
        let flags = segment.flags;
        if flags.contains(Flags::SYN) && !flags.intersects(Flags::RST | Flags::ACK) {
            return self.judge_syn_by_letter(segment);
        }
        if !flags.contains(Flags::RST) && self.is_old_by_timestamp(segment, now) {
            return self.acknowledge(now, Reason::UnacceptableAck, cause);
        }
        if !self.is_acceptable(segment) {
            if flags.contains(Flags::RST) {
                return TimeWaitVerdict::Ignore(DropReason::ResetOutsideWindow);
            }
            // §3.10.7.4: a retransmitted FIN is acknowledged, and the clock starts again.
            let end = segment.seq + segment.sequence_length();
            if flags.contains(Flags::FIN) && end == self.next_receive {
                self.restart(now);
            }
            return self.acknowledge(now, Reason::UnacceptableAck, cause);
        }
        if flags.contains(Flags::RST) {
            if segment.seq != self.next_receive {
                return self.challenge(now, cause, DropReason::ResetNotExact);
            }
            return self.judge_exact_reset();
        }
        if flags.contains(Flags::SYN) {
            return self.challenge(now, cause, DropReason::UnexpectedSyn);
        }
        self.note_timestamp(segment, now);
        TimeWaitVerdict::Ignore(DropReason::InTimeWait)
    }

    /// RFC 6191 §2: a SYN without ACK is judged by its timestamp, and without one by its sequence number (RFC 9293
    /// §3.6.1: MAY-2, SHLD-4).
    fn judge_syn_by_letter(&self, segment: &Segment) -> TimeWaitVerdict {
        let newer_seq = segment.seq.after(self.next_receive) || segment.seq == self.next_receive;
        let acceptable = match (self.timestamps.enabled(), segment.options.timestamps()) {
            (true, Some((value, _))) => {
                let recent = self.timestamps.recent();
                is_before(recent, value) || (value == recent && newer_seq)
            }
            (false, Some(_)) if self.config.options.timestamps => true,
            _ => newer_seq,
        };
        // RFC 6191 §2: a refused SYN is silently dropped.
        if acceptable { self.reopen() } else { TimeWaitVerdict::Ignore(DropReason::OldSyn) }
    }

    /// Linux: one rule for what is exactly at RCV.NXT and empty, one for all the rest.
    fn receive_as_linux(&mut self, now: Instant, segment: &Segment, cause: Cause) -> TimeWaitVerdict {
        let flags = segment.flags;
        let old = self.is_old_by_timestamp(segment, now) && !flags.contains(Flags::RST);
        let empty = segment.sequence_length() == 0;
        if !old && segment.seq == self.next_receive && (empty || flags.contains(Flags::RST)) {
            if flags.contains(Flags::RST) {
                return self.judge_exact_reset();
            }
            self.restart(now);
            self.note_timestamp(segment, now);
            return TimeWaitVerdict::Ignore(DropReason::InTimeWait);
        }
        if flags.contains(Flags::SYN) && !flags.intersects(Flags::RST | Flags::ACK) && !old {
            let newer_time = self.timestamps.enabled()
                && segment
                    .options
                    .timestamps()
                    .is_some_and(|(value, _)| is_before(self.timestamps.recent(), value));
            if segment.seq.after(self.next_receive) || newer_time {
                return self.reopen();
            }
        }
        if flags.contains(Flags::RST) {
            return TimeWaitVerdict::Ignore(DropReason::ResetOutsideWindow);
        }
        if old || flags.contains(Flags::ACK) {
            self.restart(now);
        }
        if flags.contains(Flags::SYN) && !flags.contains(Flags::ACK) {
            return self.refuse_syn(now, cause);
        }
        let limited = self.config.acknowledgment.limit_unacceptable && empty;
        if limited && !self.may_reply(now) {
            return TimeWaitVerdict::Ignore(DropReason::InTimeWait);
        }
        self.acknowledge(now, Reason::UnacceptableAck, cause)
    }

    /// FreeBSD: nothing without ACK counts but a SYN above all that was received; a RST never does.
    fn receive_as_bsd(&mut self, now: Instant, segment: &Segment, cause: Cause) -> TimeWaitVerdict {
        let flags = segment.flags;
        if flags.contains(Flags::RST) {
            return if self.config.time_wait.rfc1337 || segment.seq != self.next_receive {
                TimeWaitVerdict::Ignore(DropReason::ResetInTimeWait)
            } else {
                TimeWaitVerdict::Closed
            };
        }
        // SEQ_GT looks at the sign of SEG.SEQ - RCV.NXT: a number 2^31 away is before, not after as for Linux.
        let newer = segment.seq.distance_from(self.next_receive) > 0;
        if flags.contains(Flags::SYN) && !flags.contains(Flags::ACK) && newer {
            return self.reopen();
        }
        if !flags.contains(Flags::ACK) {
            let syn = flags.contains(Flags::SYN);
            return TimeWaitVerdict::Ignore(if syn { DropReason::OldSyn } else { DropReason::NoAck });
        }
        let untimed = self.timestamps.enabled() && segment.options.timestamps().is_none();
        if untimed && self.config.options.require_timestamps {
            return TimeWaitVerdict::Ignore(DropReason::NoTimestamp);
        }
        let end = segment.seq + segment.sequence_length();
        if flags.contains(Flags::FIN) && end == self.next_receive {
            self.restart(now);
        }
        let duplicate_ack = flags == Flags::ACK
            && segment.payload.is_empty()
            && segment.seq == self.next_receive
            && segment.ack == self.next_send;
        if duplicate_ack {
            return TimeWaitVerdict::Ignore(DropReason::InTimeWait);
        }
        self.acknowledge(now, Reason::UnacceptableAck, cause)
    }

    /// A RST at RCV.NXT ends TIME-WAIT by the letter, unless RFC 1337 §3's first fix is on.
    fn judge_exact_reset(&self) -> TimeWaitVerdict {
        if self.config.time_wait.rfc1337 {
            TimeWaitVerdict::Ignore(DropReason::ResetInTimeWait)
        } else {
            TimeWaitVerdict::Closed
        }
    }

    /// Linux: an ACK, within the limit.
    fn refuse_syn(&mut self, now: Instant, cause: Cause) -> TimeWaitVerdict {
        if self.config.acknowledgment.limit_unacceptable && !self.may_reply(now) {
            return TimeWaitVerdict::Ignore(DropReason::OldSyn);
        }
        self.acknowledge(now, Reason::UnacceptableAck, cause)
    }

    fn reopen(&self) -> TimeWaitVerdict {
        TimeWaitVerdict::Reopen { minimum_isn: self.next_send + self.config.time_wait.reopen_gap }
    }

    fn restart(&mut self, now: Instant) {
        self.deadline = now.saturating_add(self.config.time_wait.duration());
    }

    fn challenge(&mut self, now: Instant, cause: Cause, reason: DropReason) -> TimeWaitVerdict {
        if self.may_reply(now) {
            self.acknowledge(now, Reason::ChallengeAck, cause)
        } else {
            TimeWaitVerdict::Ignore(reason)
        }
    }

    fn may_reply(&mut self, now: Instant) -> bool {
        let limit: ChallengeLimit = self.config.acknowledgment.challenge_limit;
        may_challenge(limit, now, &mut self.limiter_since, &mut self.limiter_count)
    }

    /// Table 6 of RFC 9293 §3.10.7.4.
    fn is_acceptable(&self, segment: &Segment) -> bool {
        let inside = |seq: Seq| (seq.distance_from(self.next_receive) as u32) < self.window;
        let length = segment.sequence_length();
        match (length, self.window) {
            (0, 0) => segment.seq == self.next_receive,
            (_, 0) => false,
            (0, _) => inside(segment.seq),
            _ => inside(segment.seq) || inside(segment.seq + (length - 1)),
        }
    }

    fn is_old_by_timestamp(&self, segment: &Segment, now: Instant) -> bool {
        self.timestamps.enabled()
            && self.config.arrival.old_timestamp != OldTimestamp::Accepted
            && segment.options.timestamps().is_some_and(|(value, _)| self.timestamps.is_old(value, now))
    }

    fn note_timestamp(&mut self, segment: &Segment, now: Instant) {
        if self.timestamps.enabled()
            && let Some((value, _)) = segment.options.timestamps()
        {
            self.timestamps.update(value, now);
        }
    }

    /// As in CLOSED ([`OldDuplicate::Reset`]).
    fn reset(&self, segment: &Segment, cause: Cause) -> TimeWaitVerdict {
        match reset_for(segment) {
            Some(reset) => TimeWaitVerdict::Reply(self.outgoing(reset, Reason::Reset, cause)),
            None => TimeWaitVerdict::Ignore(DropReason::ResetOutsideWindow),
        }
    }

    /// `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`.
    fn acknowledge(&self, now: Instant, reason: Reason, cause: Cause) -> TimeWaitVerdict {
        let mut options = Options::EMPTY;
        if self.timestamps.enabled() {
            options.push_raw(&[1, 1]);
            options.push_timestamps(self.timestamps.value(now), self.timestamps.recent());
        }
        let segment = Segment {
            source_port: self.local_port,
            destination_port: self.remote_port,
            seq: self.next_send,
            ack: self.next_receive,
            flags: Flags::ACK,
            window: self.window_field,
            options,
            ..Segment::default()
        };
        TimeWaitVerdict::Reply(self.outgoing(segment, reason, cause))
    }

    fn outgoing(&self, segment: Segment, reason: Reason, cause: Cause) -> Outgoing {
        let (stream_offset, traffic_class) = (self.stream_offset, self.traffic_class);
        Outgoing { segment, reason, cause, stream_offset, transmission: 0, traffic_class }
    }
}

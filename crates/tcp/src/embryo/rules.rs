//! What a half-open connection does with an arriving segment, by the letter of RFC 9293 §3.10.7.4 and as the kernels do.

use faultwire_base::Instant;
use faultwire_wire::{Cause, EcnCodepoint, Flags, Reason, Segment, Seq};

use super::{Embryo, EmbryoVerdict};
use crate::ack_policy::may_challenge;
use crate::config::HalfOpenRule;
use crate::event::DropReason;
use crate::reset::reset_for;

impl Embryo {
    /// A segment of this connection arrives.
    pub(super) fn judge(&mut self, now: Instant, segment: &Segment, cause: Cause) -> EmbryoVerdict {
        let synfin = segment.flags.contains(Flags::SYN | Flags::FIN);
        if self.config.arrival.drop_syn_fin && synfin && !segment.flags.intersects(Flags::ACK | Flags::RST) {
            return EmbryoVerdict::Ignore(DropReason::SynFin);
        }
        match self.config.arrival.half_open {
            HalfOpenRule::Letter => self.receive_by_letter(now, segment, cause),
            HalfOpenRule::Request => self.receive_as_request(now, segment, cause),
            HalfOpenRule::SynCache => self.receive_in_syn_cache(now, segment, cause),
        }
    }

    fn receive_by_letter(&mut self, now: Instant, segment: &Segment, cause: Cause) -> EmbryoVerdict {
        let flags = segment.flags;
        if !flags.contains(Flags::RST) && self.is_old_by_timestamp(segment, now) {
            return EmbryoVerdict::Reply(self.acknowledgment(now, Reason::UnacceptableAck, cause));
        }
        if !self.is_acceptable(segment) {
            if flags.contains(Flags::RST) {
                return EmbryoVerdict::Ignore(DropReason::ResetOutsideWindow);
            }
            if self.retry.transmissions == 0 {
                // Nothing was sent yet: the SYN-ACK that is due says all.
                return EmbryoVerdict::Ignore(DropReason::OutsideWindow);
            }
            return EmbryoVerdict::Reply(self.acknowledgment(now, Reason::UnacceptableAck, cause));
        }
        if flags.contains(Flags::RST) {
            return self.judge_reset(now, segment, cause);
        }
        if flags.contains(Flags::SYN) {
            // Fourth: after a passive OPEN back to LISTEN.
            return EmbryoVerdict::Reset { reply: None };
        }
        if !flags.contains(Flags::ACK) {
            return EmbryoVerdict::Ignore(DropReason::NoAck);
        }
        if self.acknowledges_syn(segment) { self.accept(segment) } else { self.refuse_ack(segment, cause) }
    }

    /// Linux (`tcp_check_req`).
    fn receive_as_request(&mut self, now: Instant, segment: &Segment, cause: Cause) -> EmbryoVerdict {
        let flags = segment.flags;
        let rst = flags.contains(Flags::RST);
        let old = !rst && self.is_old_by_timestamp(segment, now);
        let kind = Flags(flags.0 & (Flags::SYN | Flags::ACK | Flags::RST | Flags::FIN).0);
        if kind == Flags::SYN && segment.seq == self.peer_isn && !old {
            if self.retry.transmissions == 0 || self.may_reply(now) {
                self.repeat_syn_ack(cause);
            }
            return EmbryoVerdict::Ignore(DropReason::OutsideWindow);
        }
        if flags.contains(Flags::ACK) && !rst && !self.acknowledges_syn(segment) {
            return self.refuse_ack(segment, cause);
        }
        let next = self.peer_isn + 1;
        let edge = next + u32::from(self.first_window());
        let end = segment.seq + segment.sequence_length();
        let inside = segment.seq == next
            || end.after(next) && segment.seq.before(edge)
            || segment.seq == edge && end == edge;
        if old || !inside {
            if rst || !self.may_reply(now) {
                return EmbryoVerdict::Ignore(DropReason::OutsideWindow);
            }
            return EmbryoVerdict::Reply(self.acknowledgment(now, Reason::UnacceptableAck, cause));
        }
        if rst {
            return self.judge_reset(now, segment, cause);
        }
        if flags.contains(Flags::SYN) && segment.seq != self.peer_isn {
            let reply = reset_for(segment).map(|reset| self.outgoing(reset, Reason::Reset, cause, 0));
            return EmbryoVerdict::Reset { reply };
        }
        if flags.contains(Flags::ACK) {
            self.accept(segment)
        } else {
            EmbryoVerdict::Ignore(DropReason::NoAck)
        }
    }

    /// FreeBSD (`syncache_add`, `syncache_chkrst`, `syncache_badack`, `syncache_expand`).
    fn receive_in_syn_cache(&mut self, now: Instant, segment: &Segment, cause: Cause) -> EmbryoVerdict {
        let flags = segment.flags;
        if flags.contains(Flags::RST) {
            let inside =
                (segment.seq.distance_from(self.peer_isn + 1) as u32) < u32::from(self.first_window());
            return if inside {
                self.judge_reset(now, segment, cause)
            } else {
                EmbryoVerdict::Ignore(DropReason::ResetOutsideWindow)
            };
        }
        if flags.contains(Flags::SYN | Flags::ACK) {
            let reply = reset_for(segment).map(|reset| self.outgoing(reset, Reason::Reset, cause, 0));
            return EmbryoVerdict::Reset { reply };
        }
        if flags.contains(Flags::SYN) {
            self.learn_again(now, segment);
            self.repeat_syn_ack(cause);
            return EmbryoVerdict::Ignore(DropReason::OutsideWindow);
        }
        if !flags.contains(Flags::ACK) {
            return EmbryoVerdict::Ignore(DropReason::NoAck);
        }
        let untimed = self.timestamps.enabled() && segment.options.timestamps().is_none();
        if untimed && self.config.options.require_timestamps {
            return EmbryoVerdict::Ignore(DropReason::NoTimestamp);
        }
        if self.is_old_by_timestamp(segment, now) {
            return EmbryoVerdict::Ignore(DropReason::OldTimestamp);
        }
        let distance = segment.seq.distance_from(self.peer_isn);
        if distance <= 0 || distance > i32::from(self.first_window()) {
            return self.challenge(now, cause);
        }
        if !self.acknowledges_syn(segment) {
            return self.refuse_ack(segment, cause);
        }
        self.accept(segment)
    }

    /// FreeBSD (`syncache_add`): a repeated SYN tells the time anew, or that it has no timestamps any more; the SYN-ACK is
    /// counted from the first again.
    fn learn_again(&mut self, now: Instant, syn: &Segment) {
        let stamp = syn.options.timestamps().filter(|_| self.timestamps.enabled()).map(|(value, _)| value);
        self.negotiated.timestamps = stamp.is_some();
        self.timestamps.agree(stamp.is_some(), stamp, now);
        self.ecn &= crate::ecn::agrees(&self.config.ecn, syn.flags, EcnCodepoint::NotEct);
        self.retry.timeouts = 0;
    }

    fn is_old_by_timestamp(&self, segment: &Segment, now: Instant) -> bool {
        self.timestamps.enabled()
            && segment.options.timestamps().is_some_and(|(value, _)| self.timestamps.is_old(value, now))
    }

    fn acknowledges_syn(&self, segment: &Segment) -> bool {
        segment.ack == self.isn + 1 && self.retry.transmissions > 0
    }

    /// `<SEQ=SEG.ACK><CTL=RST>`, unless it is a RST itself.
    fn refuse_ack(&self, segment: &Segment, cause: Cause) -> EmbryoVerdict {
        match reset_for(segment) {
            Some(reset) => EmbryoVerdict::Reply(self.outgoing(reset, Reason::Reset, cause, 0)),
            None => EmbryoVerdict::Ignore(DropReason::AckNotOfSyn),
        }
    }

    /// A RST inside the window: exact, or to be challenged (RFC 5961 §3.2).
    fn judge_reset(&mut self, now: Instant, segment: &Segment, cause: Cause) -> EmbryoVerdict {
        if segment.seq == self.peer_isn + 1 || self.config.arrival.insecure_reset {
            return EmbryoVerdict::Reset { reply: None };
        }
        self.challenge(now, cause)
    }

    /// A challenge ACK within the limit.
    fn challenge(&mut self, now: Instant, cause: Cause) -> EmbryoVerdict {
        if self.may_reply(now) {
            EmbryoVerdict::Reply(self.acknowledgment(now, Reason::ChallengeAck, cause))
        } else {
            EmbryoVerdict::Ignore(DropReason::ResetNotExact)
        }
    }

    fn may_reply(&mut self, now: Instant) -> bool {
        let limit = self.config.acknowledgment.challenge_limit;
        may_challenge(limit, now, &mut self.limiter_since, &mut self.limiter_count)
    }

    fn repeat_syn_ack(&mut self, cause: Cause) {
        self.retry.due = true;
        self.retry.cause = cause;
    }

    /// The handshake is complete, unless the listener waits for data (Linux `TCP_DEFER_ACCEPT`).
    fn accept(&mut self, segment: &Segment) -> EmbryoVerdict {
        if self.retry.timeouts < self.defer.timeouts && segment.sequence_length() == 0 {
            self.defer.acknowledged = true;
            return EmbryoVerdict::Ignore(DropReason::AcceptDeferred);
        }
        EmbryoVerdict::Accept
    }

    /// Table 6 of RFC 9293 §3.10.7.4; the window is never zero.
    fn is_acceptable(&self, segment: &Segment) -> bool {
        let window = u32::from(self.first_window());
        let inside = |seq: Seq| (seq.distance_from(self.peer_isn + 1) as u32) < window;
        let length = segment.sequence_length();
        inside(segment.seq) || (length > 0 && inside(segment.seq + (length - 1)))
    }
}

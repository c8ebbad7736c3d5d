//! SYN-RECEIVED of a listener: a compact record until the peer has shown that it is there (RFC 9293 §3.10.7.2).

use std::sync::Arc;

use faultwire_base::{Duration, Instant};
use faultwire_wire::{Cause, EcnCodepoint, Flags, Options, Reason, Segment, Seq, TimerKind};

use crate::ack_policy::may_challenge;
use crate::config::{Config, RepeatedSyn};
use crate::ecn;
use crate::event::{DropReason, Outgoing};
use crate::handshake::retry_interval;
use crate::negotiate::{Negotiated, Offer, PathInfo};
use crate::receive_buffer::first_window;
use crate::reset::reset_for;
use crate::timestamp::Timestamps;

/// A connection in SYN-RECEIVED that a listener began. Once [`EmbryoVerdict::Accept`] is given,
/// [`crate::Connection::from_embryo`] makes a connection of it.
#[derive(Clone, Debug)]
pub struct Embryo {
    config: Arc<Config>,
    path: PathInfo,
    isn: Seq,
    peer_isn: Seq,
    peer_window: u16,
    negotiated: Negotiated,
    timestamps: Timestamps,
    /// The SYN-ACK agrees to ECN.
    ecn: bool,
    retry: Retry,
    limiter_since: Instant,
    limiter_count: u8,
    traffic_class: u8,
}

/// Retransmission of the SYN-ACK.
#[derive(Clone, Debug)]
struct Retry {
    deadline: Instant,
    sent_at: Instant,
    cause: Cause,
    transmissions: u16,
    timeouts: u8,
    due: bool,
    dead: bool,
}

/// What an embryo does with an arriving segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmbryoVerdict {
    /// Nothing goes out, nothing changes (a repeated SYN-ACK may be due, see [`Embryo::transmit`]).
    Ignore(DropReason),
    /// This goes out, nothing changes.
    Reply(Outgoing),
    /// The peer acknowledged our SYN: make a connection and give it the same segment.
    Accept,
    /// Back to LISTEN: drop the embryo, and send the reply if there is one.
    Reset {
        /// A RST for the peer.
        reply: Option<Outgoing>,
    },
}

impl Embryo {
    /// A SYN arrived for a listener; a SYN-ACK is due. Data in the SYN is left for the peer to send again.
    pub fn new(
        config: &Arc<Config>,
        path: PathInfo,
        syn: &Segment,
        isn: Seq,
        now: Instant,
        cause: Cause,
    ) -> Self {
        let offer = Offer::read(&syn.options);
        let negotiated =
            Negotiated::offered(&config.options, path, config.buffers.receive_max).agreed(offer, path);
        let mut timestamps = Timestamps::new(path.timestamp_offset);
        timestamps.agree(negotiated.timestamps, offer.timestamp(), now);
        Self {
            config: Arc::clone(config),
            path,
            isn,
            peer_isn: syn.seq,
            peer_window: syn.window,
            negotiated,
            timestamps,
            ecn: ecn::agrees(&config.ecn, syn.flags, EcnCodepoint::NotEct),
            retry: Retry {
                deadline: Instant::FAR_FUTURE,
                sent_at: now,
                cause,
                transmissions: 0,
                timeouts: 0,
                due: true,
                dead: false,
            },
            limiter_since: Instant::FAR_FUTURE,
            limiter_count: 0,
            traffic_class: 0,
        }
    }

    /// A segment of this connection arrives: RFC 9293 §3.10.7.4 in SYN-RECEIVED after a passive OPEN.
    pub fn receive(&mut self, now: Instant, segment: &Segment, cause: Cause) -> EmbryoVerdict {
        let flags = segment.flags;
        if !flags.contains(Flags::RST)
            && self.timestamps.enabled()
            && segment.options.timestamps().is_some_and(|(value, _)| self.timestamps.is_old(value, now))
        {
            return EmbryoVerdict::Reply(self.acknowledgment(now, Reason::UnacceptableAck, cause));
        }
        if !self.is_acceptable(segment) {
            if flags.contains(Flags::RST) {
                return EmbryoVerdict::Ignore(DropReason::ResetOutsideWindow);
            }
            return self.on_unacceptable(now, segment, cause);
        }
        if flags.contains(Flags::RST) {
            if segment.seq == self.peer_isn + 1 {
                return EmbryoVerdict::Reset { reply: None };
            }
            return self.challenge(now, cause);
        }
        if flags.contains(Flags::SYN) {
            let reply = reset_for(segment)
                .filter(|_| self.config.opening.reset_on_syn)
                .map(|reset| self.outgoing(reset, Reason::Reset, cause, 0));
            return EmbryoVerdict::Reset { reply };
        }
        if !flags.contains(Flags::ACK) {
            return EmbryoVerdict::Ignore(DropReason::NoAck);
        }
        if segment.ack != self.isn + 1 || self.retry.transmissions == 0 {
            // <SEQ=SEG.ACK><CTL=RST>
            return match reset_for(segment) {
                Some(reset) => EmbryoVerdict::Reply(self.outgoing(reset, Reason::Reset, cause, 0)),
                None => EmbryoVerdict::Ignore(DropReason::AckNotOfSyn),
            };
        }
        EmbryoVerdict::Accept
    }

    /// When the SYN-ACK is to be sent again; `None` if it is due now or never.
    pub fn deadline(&self) -> Option<Instant> {
        (self.retry.deadline != Instant::FAR_FUTURE).then_some(self.retry.deadline)
    }

    /// The time has come: the SYN-ACK is due again, or the embryo is dead.
    pub fn advance(&mut self, now: Instant) {
        if self.retry.deadline > now {
            return;
        }
        self.retry.deadline = Instant::FAR_FUTURE;
        if u32::from(self.retry.timeouts) >= self.config.opening.synack_retries {
            self.retry.dead = true;
            return;
        }
        self.retry.timeouts += 1;
        let most = self.config.ecn.syn_ack_retries;
        self.ecn &= most.is_none_or(|most| u32::from(self.retry.timeouts) <= most);
        self.retry.due = true;
        self.retry.cause = Cause::Timer(TimerKind::Retransmission);
    }

    /// The SYN-ACK, if it is due.
    pub fn transmit(&mut self, now: Instant) -> Option<Outgoing> {
        if !std::mem::take(&mut self.retry.due) || self.retry.dead {
            return None;
        }
        self.retry.transmissions += 1;
        self.retry.sent_at = now;
        if self.retry.deadline == Instant::FAR_FUTURE {
            let wait = retry_interval(&self.config, u32::from(self.retry.timeouts), 0);
            self.retry.deadline = now.saturating_add(wait);
        }
        let segment_size = self.path.announced_segment_size();
        let syn_ack = Segment {
            seq: self.isn,
            ack: self.peer_isn + 1,
            flags: if self.ecn { Flags::SYN | Flags::ACK | Flags::ECE } else { Flags::SYN | Flags::ACK },
            window: self.first_window(),
            options: self.negotiated.syn_options(
                self.config.options.order,
                segment_size,
                (self.timestamps.value(now), self.timestamps.recent()),
            ),
            ..self.addressed()
        };
        Some(self.outgoing(syn_ack, Reason::SynAck, self.retry.cause, self.retry.transmissions))
    }

    /// Whether the SYN-ACK was sent as often as configured without an answer: drop the embryo.
    pub fn is_dead(&self) -> bool {
        self.retry.dead
    }

    /// How often the SYN-ACK was sent.
    pub fn transmissions(&self) -> u16 {
        self.retry.transmissions
    }

    /// How often the SYN-ACK was not answered in time.
    pub(crate) fn timeouts(&self) -> u8 {
        self.retry.timeouts
    }

    /// Sets DSCP and ECN bits of its packets.
    pub fn set_traffic_class(&mut self, traffic_class: u8) {
        self.traffic_class = EcnCodepoint::NotEct.put_into(traffic_class);
    }

    /// The codepoint of the packet that brought the SYN: it can speak against ECN.
    pub fn set_arrival_codepoint(&mut self, codepoint: EcnCodepoint) {
        self.ecn &= !(self.config.ecn.refuse_marked_syn && codepoint.is_capable());
    }

    /// Whether ECN was agreed on.
    pub(crate) fn ecn(&self) -> bool {
        self.ecn
    }

    pub(crate) fn config(&self) -> &Arc<Config> {
        &self.config
    }

    pub(crate) fn path(&self) -> PathInfo {
        self.path
    }

    pub(crate) fn isn(&self) -> Seq {
        self.isn
    }

    pub(crate) fn peer_isn(&self) -> Seq {
        self.peer_isn
    }

    pub(crate) fn peer_window(&self) -> u16 {
        self.peer_window
    }

    pub(crate) fn negotiated(&self) -> Negotiated {
        self.negotiated
    }

    pub(crate) fn timestamps(&self) -> Timestamps {
        self.timestamps
    }

    pub(crate) fn traffic_class(&self) -> u8 {
        self.traffic_class
    }

    pub(crate) fn first_window(&self) -> u16 {
        first_window(&self.config.buffers, self.path.announced_segment_size())
    }

    /// The round trip, if only one SYN-ACK can have been answered (Karn).
    pub(crate) fn round_trip(&self, now: Instant) -> Option<Duration> {
        (self.retry.transmissions == 1).then(|| now.saturating_since(self.retry.sent_at))
    }

    /// Table 6 of RFC 9293 §3.10.7.4; the window is never zero.
    fn is_acceptable(&self, segment: &Segment) -> bool {
        let window = u32::from(self.first_window());
        let inside = |seq: Seq| (seq.distance_from(self.peer_isn + 1) as u32) < window;
        let length = segment.sequence_length();
        inside(segment.seq) || (length > 0 && inside(segment.seq + (length - 1)))
    }

    fn on_unacceptable(&mut self, now: Instant, segment: &Segment, cause: Cause) -> EmbryoVerdict {
        let repeated = segment.flags.contains(Flags::SYN)
            && !segment.flags.contains(Flags::ACK)
            && segment.seq == self.peer_isn;
        if repeated && self.config.opening.repeated_syn == RepeatedSyn::SynAck {
            self.retry.due = true;
            self.retry.cause = cause;
            return EmbryoVerdict::Ignore(DropReason::OutsideWindow);
        }
        if self.retry.transmissions == 0 {
            // Nothing was sent yet: the SYN-ACK that is due says all.
            return EmbryoVerdict::Ignore(DropReason::OutsideWindow);
        }
        EmbryoVerdict::Reply(self.acknowledgment(now, Reason::UnacceptableAck, cause))
    }

    fn challenge(&mut self, now: Instant, cause: Cause) -> EmbryoVerdict {
        let limit = self.config.acknowledgment.challenge_limit;
        if may_challenge(limit, now, &mut self.limiter_since, &mut self.limiter_count) {
            EmbryoVerdict::Reply(self.acknowledgment(now, Reason::ChallengeAck, cause))
        } else {
            EmbryoVerdict::Ignore(DropReason::ResetNotExact)
        }
    }

    /// `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`.
    fn acknowledgment(&self, now: Instant, reason: Reason, cause: Cause) -> Outgoing {
        let mut options = Options::EMPTY;
        if self.timestamps.enabled() {
            options.push_raw(&[1, 1]);
            options.push_timestamps(self.timestamps.value(now), self.timestamps.recent());
        }
        let segment = Segment {
            seq: self.isn + 1,
            ack: self.peer_isn + 1,
            flags: Flags::ACK,
            // RFC 7323 §2.3: scaled from here on; rounded down, since a SYN,ACK with the unscaled window may follow once
            // more, and must not look smaller.
            window: self.first_window() >> self.negotiated.receive_shift,
            options,
            ..self.addressed()
        };
        self.outgoing(segment, reason, cause, 0)
    }

    fn addressed(&self) -> Segment {
        Segment {
            source_port: self.path.local_port,
            destination_port: self.path.remote_port,
            ..Segment::default()
        }
    }

    fn outgoing(&self, segment: Segment, reason: Reason, cause: Cause, transmission: u16) -> Outgoing {
        Outgoing { segment, reason, cause, stream_offset: 0, transmission, traffic_class: self.traffic_class }
    }
}

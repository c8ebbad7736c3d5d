//! SYN-RECEIVED of a listener: a compact record until the peer has shown that it is there (RFC 9293 §3.10.7.2).

mod cookie;
mod rules;

use std::sync::Arc;

use faultwire_base::{Duration, Instant};
use faultwire_wire::{
    Cause, EcnCodepoint, Flags, IcmpKind, Options, Payload, Reason, Segment, Seq, TimerKind,
};

use crate::config::{Config, HalfOpenErrors, HalfOpenRule};
use crate::ecn;
use crate::event::{DropReason, Outgoing};
use crate::fast_open::FastOpenCookie;
use crate::handshake::retry_interval;
use crate::negotiate::{Negotiated, Offer, PathInfo, TIMESTAMPS_OCTETS, is_signed};
use crate::path_error::{Meaning, meaning};
use crate::receive_buffer::first_window;
use crate::timestamp::Timestamps;
use crate::user_timeout;

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
    defer: Defer,
    /// The Fast Open option of the first SYN-ACK.
    fast_open: Option<Box<FastOpenCookie>>,
    /// Text of the SYN that is kept.
    text: Option<Box<Payload>>,
    /// The TSval of a SYN cookie.
    stamp: Option<u32>,
    /// How long the peer would wait, as its SYN says (RFC 5482); zero: it does not say.
    peer_timeout: Duration,
}

/// What the listener wants of the end of the handshake.
#[derive(Clone, Copy, Debug, Default)]
struct Defer {
    /// Until so many timeouts of the SYN-ACK an ACK without data is not enough (Linux `TCP_DEFER_ACCEPT`).
    timeouts: u8,
    /// Such an ACK arrived.
    acknowledged: bool,
    /// Retransmissions of the SYN-ACK; 0: as configured (Linux `TCP_SYNCNT`).
    retries: u8,
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
    /// An ICMP error came.
    doubtful: bool,
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
    /// A SYN arrived for a listener; a SYN-ACK is due, which acknowledges the SYN alone. Text of the SYN is kept for
    /// the connection (RFC 9293 §3.4) or left for the peer to send again, as configured.
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
            Negotiated::offered(&config.options, path, path.greatest_window(&config.buffers)).agreed(offer);
        let mut timestamps = Timestamps::new(path.timestamp_offset);
        timestamps.agree(negotiated.timestamps, offer.timestamp(), now);
        let window = first_window(&config.buffers, path, rounding_segment(path, negotiated));
        let kept = syn.payload.len().min(window.into());
        let text = (kept > 0 && config.handshake.text_on_syn).then(|| Box::new(syn.payload.slice(0, kept)));
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
                doubtful: false,
            },
            limiter_since: Instant::FAR_FUTURE,
            limiter_count: 0,
            traffic_class: 0,
            defer: Defer::default(),
            fast_open: None,
            text,
            stamp: None,
            peer_timeout: user_timeout::read(&syn.options).unwrap_or(Duration::ZERO),
        }
    }

    /// The first SYN-ACK carries this cookie (RFC 7413 §4.2.2).
    pub fn set_fast_open_cookie(&mut self, cookie: FastOpenCookie) {
        self.fast_open = Some(Box::new(cookie));
    }

    /// Until the SYN-ACK timed out `timeouts` times, an ACK without data does not end the handshake
    /// (`TCP_DEFER_ACCEPT`, see [`crate::deferred_timeouts`]).
    pub fn set_deferred(&mut self, timeouts: u8) {
        self.defer.timeouts = timeouts;
    }

    /// `TCP_SYNCNT` of the listener: how often the SYN-ACK is sent again; 0 leaves it to the configuration.
    pub fn set_retries(&mut self, retries: u8) {
        self.defer.retries = retries;
    }

    /// `TCP_NOOPT` of the listener: the SYN-ACK carries no options.
    pub fn set_no_options(&mut self, now: Instant) {
        self.negotiated = self.negotiated.without_options();
        self.timestamps.agree(false, None, now);
    }

    /// A segment of this connection arrives: RFC 9293 §3.10.7.4 in SYN-RECEIVED after a passive OPEN.
    pub fn receive(&mut self, now: Instant, segment: &Segment, cause: Cause) -> EmbryoVerdict {
        if self.config.handshake.drop_signed && is_signed(&segment.options) {
            return EmbryoVerdict::Ignore(DropReason::UnexpectedSignature);
        }
        self.judge(now, segment, cause)
    }

    /// An ICMP error quotes a segment of ours with this sequence number. Says whether it was believed; the embryo may be
    /// dead then (RFC 9293 §3.9.2.2). No error about a SYN-ACK is told to anybody: there is no user yet.
    pub fn on_icmp(&mut self, kind: IcmpKind, quoted: Seq) -> bool {
        // RFC 5927 §4.1: nothing but the SYN-ACK is in flight.
        if quoted != self.isn || self.retry.transmissions == 0 {
            return false;
        }
        let config = &self.config.icmp;
        let meaning = meaning(config, kind, self.path.ipv6);
        let ends = match (config.half_open, meaning) {
            (_, Meaning::Nothing | Meaning::TooBig(_)) => return false,
            (HalfOpenErrors::Hard, meaning) => matches!(meaning, Meaning::Hard(_)),
            (HalfOpenErrors::Unreachable, _) => is_of_the_way(kind, self.path.ipv6),
            (HalfOpenErrors::Insistent, _) => {
                let insistent = self.retry.doubtful && self.retry.timeouts >= 3;
                self.retry.doubtful = true;
                insistent
            }
        };
        if ends {
            self.retry.dead = true;
        }
        true
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
        let (expired, again) = self.at_timeout();
        if expired {
            self.retry.dead = true;
            return;
        }
        self.retry.timeouts += 1;
        if again {
            let most = self.config.ecn.syn_ack_retries;
            self.ecn &= most.is_none_or(|most| u32::from(self.retry.timeouts) <= most);
            self.retry.due = true;
            self.retry.cause = Cause::Timer(TimerKind::Retransmission);
        } else {
            let wait = retry_interval(&self.config, u32::from(self.retry.timeouts), 0);
            self.retry.deadline = now.saturating_add(wait);
        }
    }

    /// Whether the embryo has waited for long enough, and if not, whether the SYN-ACK goes again: not while an ACK came
    /// and data is waited for, until the last chance to get it (Linux `syn_ack_recalc`).
    fn at_timeout(&self) -> (bool, bool) {
        let Defer { timeouts: deferred, acknowledged, retries } = self.defer;
        let configured = self.config.opening.synack_retries;
        let limit = if retries > 0 { u32::from(retries) } else { configured };
        let used_up = u32::from(self.retry.timeouts) >= limit;
        let waits = deferred > 0 && acknowledged;
        let expired = used_up && !(waits && self.retry.timeouts < deferred);
        (expired, !(waits && self.retry.timeouts + 1 < deferred))
    }

    /// The SYN-ACK, if it is due.
    pub fn transmit(&mut self, now: Instant) -> Option<Outgoing> {
        if !std::mem::take(&mut self.retry.due) || self.retry.dead {
            return None;
        }
        self.retry.transmissions += 1;
        self.retry.sent_at = now;
        if self.retry.deadline == Instant::FAR_FUTURE || self.config.handshake.repeated_syn_restarts {
            let wait = retry_interval(&self.config, u32::from(self.retry.timeouts), 0);
            self.retry.deadline = now.saturating_add(wait);
        }
        let segment_size = self.path.announced_segment_size();
        let mut options = self.negotiated.syn_options(
            self.config.options.order,
            segment_size,
            (self.stamp.unwrap_or_else(|| self.timestamps.value(now)), self.timestamps.recent()),
        );
        if let Some(option) = &self.config.handshake.user_timeout_option {
            options.push_user_timeout(option.field());
        }
        if let Some(cookie) = self.fast_open.take() {
            cookie.push(&mut options, self.config.options.order);
        }
        let syn_ack = Segment {
            seq: self.isn,
            ack: self.peer_isn + 1,
            flags: if self.ecn { Flags::SYN | Flags::ACK | Flags::ECE } else { Flags::SYN | Flags::ACK },
            window: self.first_window(),
            options,
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

    /// How long the peer would wait, if its SYN said so.
    pub(crate) fn peer_timeout(&self) -> Option<Duration> {
        Some(self.peer_timeout).filter(|timeout| !timeout.is_zero())
    }

    /// Text of the SYN, if it is kept.
    pub(crate) fn text(&self) -> Option<&Payload> {
        self.text.as_deref()
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
        first_window(&self.config.buffers, self.path, self.rounding_segment())
    }

    /// Full segments that the first window is rounded to.
    pub(crate) fn rounding_segment(&self) -> u16 {
        rounding_segment(self.path, self.negotiated)
    }

    /// The round trip, if only one SYN-ACK can have been answered (Karn), or by the timestamp that `segment` echoes.
    pub(crate) fn round_trip(&self, now: Instant, segment: &Segment) -> Option<Duration> {
        if self.retry.transmissions == 1 && self.retry.sent_at <= now {
            return Some(now.saturating_since(self.retry.sent_at));
        }
        let (_, echo) = segment.options.timestamps().filter(|_| self.timestamps.enabled())?;
        self.timestamps.since_echo(echo, now)
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
            // FreeBSD does not scale what the half-open entry offers (`syncache_respond`).
            window: match self.config.arrival.half_open {
                HalfOpenRule::SynCache => self.first_window(),
                HalfOpenRule::Letter | HalfOpenRule::Request => {
                    self.first_window() >> self.negotiated.receive_shift
                }
            },
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

/// `tcp_v4_err` and `tcp_v6_err` of Linux: the errors that end a half-open connection.
fn is_of_the_way(kind: IcmpKind, ipv6: bool) -> bool {
    match kind {
        IcmpKind::DestinationUnreachable { code } => !ipv6 && code <= 1,
        IcmpKind::TimeExceeded { .. } | IcmpKind::ParameterProblem { .. } => !ipv6,
        _ => false,
    }
}

/// The segment size that the window of a SYN-ACK is rounded to: with timestamps agreed on, without their octets (Linux
/// `tcp_openreq_init_rwin`).
fn rounding_segment(path: PathInfo, negotiated: Negotiated) -> u16 {
    let options = if negotiated.timestamps { TIMESTAMPS_OCTETS as u16 } else { 0 };
    path.announced_segment_size().saturating_sub(options).max(1)
}

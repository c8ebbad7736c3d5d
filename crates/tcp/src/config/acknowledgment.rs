//! Settings of acknowledgments: delayed ones, challenges, window updates.

use faultwire_base::Duration;

/// Delayed and challenge ACKs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcknowledgmentConfig {
    /// How long an ACK may wait for company (RFC 9293 §3.8.6.3, MUST-40: below 0.5 s).
    pub delay: Duration,
    /// The delay follows the gaps between arrivals instead, between 40 and 200 ms; the size of full segments is measured
    /// down as well as up; ACKs are quick again after a long gap; and a read sends the ACK of more than one segment, or of
    /// short ones when it empties the buffer (Linux).
    pub adaptive: bool,
    /// How much data is acknowledged at once.
    pub at_once: AckAtOnce,
    /// At most so many ACKs at the start of a connection are not delayed, unless it answers with data (Linux quick ACKs).
    pub quick: u8,
    /// When a read makes room enough to tell the peer.
    pub window_update: WindowUpdate,
    /// SACK blocks cover a FIN that is out of order (RFC 2018 §3: blocks are of sequence numbers, of which a FIN takes one);
    /// FreeBSD reports text only.
    pub report_fin: bool,
    /// Which SACK blocks stand where.
    pub sack_report: SackReport,
    /// Limit on challenge ACKs (RFC 5961 §7).
    pub challenge_limit: ChallengeLimit,
    /// The limit also covers ACKs of unacceptable segments without data (`tcp_invalid_ratelimit`).
    pub limit_unacceptable: bool,
    /// What the end of the delay does.
    pub delay_over: DelayOver,
}

/// What the end of the delay of an ACK does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DelayOver {
    /// The ACK goes out (RFC 9293 §3.8.6.3, MUST-40).
    Acknowledges,
    /// Nothing: the data is acknowledged when more arrives ([`crate::Quirk::DelayedAckForgotten`]).
    Forgets,
}

/// How much data is acknowledged at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckAtOnce {
    /// From two full segments on (RFC 9293 §3.8.6.3, SHLD-19).
    TwoFullSegments,
    /// More than one full segment (Linux).
    MoreThanOneSegment,
    /// Every second segment, however short, one that is longer than ours may be, and one that comes although no window was
    /// offered (FreeBSD).
    SecondSegment,
    /// From eight full segments on: the bug of RFC 2525 §2.13 ([`crate::Quirk::StretchAcks`]).
    EightFullSegments,
}

/// Which SACK blocks an ACK reports, and in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SackReport {
    /// Those in which something arrived last, whole, after the range that came twice (RFC 2018 §4, RFC 2883 §4).
    Newest,
    /// A list of its own, in which a range that came twice stays as long as it is ahead of RCV.NXT, and a part of a
    /// segment that came twice is reported too (FreeBSD `tcp_update_dsack_list`).
    List,
}

/// When a read makes room enough to tell the peer at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowUpdate {
    /// The window can move by two full segments or half the buffer.
    TwoSegmentsOrHalf,
    /// The window can at least double (Linux).
    Doubled,
    /// The window can move by half the buffer, or by two full segments if that is a quarter of the buffer or little of
    /// the window is left (FreeBSD).
    QuarterOrNearlyClosed,
    /// Never: the peer has to find out ([`crate::Quirk::NoWindowUpdate`]).
    Never,
}

/// Limit on challenge ACKs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeLimit {
    /// No limit.
    None,
    /// So many in each interval (RFC 5961 §7).
    PerInterval {
        /// How many.
        count: u8,
        /// In which time.
        interval: Duration,
    },
    /// No two within this time (Linux `tcp_invalid_ratelimit`).
    Gap(Duration),
}

impl AcknowledgmentConfig {
    pub(super) fn rfc() -> Self {
        Self {
            delay: Duration::from_millis(200),
            adaptive: false,
            at_once: AckAtOnce::TwoFullSegments,
            quick: 0,
            window_update: WindowUpdate::TwoSegmentsOrHalf,
            challenge_limit: ChallengeLimit::PerInterval { count: 10, interval: Duration::from_secs(5) },
            report_fin: true,
            sack_report: SackReport::Newest,
            limit_unacceptable: false,
            delay_over: DelayOver::Acknowledges,
        }
    }

    pub(super) fn linux() -> Self {
        Self {
            delay: Duration::from_millis(40),
            adaptive: true,
            at_once: AckAtOnce::MoreThanOneSegment,
            quick: 16,
            window_update: WindowUpdate::Doubled,
            challenge_limit: ChallengeLimit::Gap(Duration::from_millis(500)),
            report_fin: true,
            sack_report: SackReport::Newest,
            limit_unacceptable: true,
            delay_over: DelayOver::Acknowledges,
        }
    }

    pub(super) fn freebsd() -> Self {
        Self {
            // net.inet.tcp.delacktime.
            delay: Duration::from_millis(40),
            at_once: AckAtOnce::SecondSegment,
            window_update: WindowUpdate::QuarterOrNearlyClosed,
            report_fin: false,
            sack_report: SackReport::List,
            // net.inet.tcp.ack_war_cnt and ack_war_timewindow.
            challenge_limit: ChallengeLimit::PerInterval { count: 5, interval: Duration::from_secs(1) },
            ..Self::rfc()
        }
    }
}

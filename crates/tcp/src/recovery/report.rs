//! What recovery is told of an ACK, what it says about it, and its running totals.

use faultwire_base::{Duration, Instant};

use crate::config::MeasuredSegments;
use crate::offset::Offset;
use crate::sent_queue::{Delivery, SentQueue};

/// An acceptable ACK, as recovery needs to know it. `ack` may be old; it is at most SND.NXT.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AckArrived<'a> {
    /// The acknowledgment field.
    pub(crate) ack: Offset,
    /// SACK blocks `(first octet, one past the last)`, without a D-SACK. Empty if SACK was not negotiated.
    pub(crate) sack: &'a [(Offset, Offset)],
    /// The block that reports a duplicate, if the first one does (RFC 2883 §4).
    pub(crate) d_sack: Option<(Offset, Offset)>,
    /// The window it advertises differs from the last one.
    pub(crate) window_changed: bool,
    /// It takes sequence space: data, SYN or FIN.
    pub(crate) has_data: bool,
    /// Round trip by its timestamp echo, where there is a usable one (RFC 7323 §4).
    pub(crate) timestamp_echo_rtt: Option<Duration>,
}

/// What an ACK meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AckVerdict {
    /// Octets of sequence space that it acknowledged cumulatively.
    pub(crate) newly_acknowledged: u64,
    /// Octets of sequence space that it SACKed for the first time.
    pub(crate) newly_sacked: u64,
    /// It is a duplicate ACK: RFC 5681 §2 without SACK, RFC 6675 §2 with SACK.
    pub(crate) duplicate: bool,
    /// The round trip it measured.
    pub(crate) rtt_sample: Option<Duration>,
    /// Fast recovery began with it.
    pub(crate) entered_recovery: bool,
    /// Fast recovery, or the recovery from a timeout, ended with it.
    pub(crate) left_recovery: bool,
    /// Nothing is in flight any more.
    pub(crate) all_acknowledged: bool,
}

/// What an ACK meant for the state of recovery.
#[derive(Clone, Copy, Debug)]
pub(super) struct Digest {
    /// SND.UNA before.
    pub(super) start: Offset,
    /// SND.UNA advanced.
    pub(super) advanced: bool,
    /// It SACKed something for the first time.
    pub(super) sacked: bool,
    /// A duplicate ACK with nothing else to it (RFC 5681 §2).
    pub(super) bare: bool,
    /// Something that was never sent again, of before the recovery point, was delivered.
    pub(super) original: bool,
    /// What it delivered, in the unit of the window.
    pub(super) delivered: u64,
    /// Segments that left the queue.
    pub(super) departed: u32,
    /// The receiver dropped what it had SACKed, by the look of it.
    pub(super) reneging: bool,
    /// A retransmission was found lost.
    pub(super) lost_retransmission: bool,
    /// The retransmission timer is to be set anew.
    pub(super) restart_timer: bool,
    /// The round trip by its timestamp echo.
    pub(super) echo: Option<Duration>,
    /// The round trip it measured.
    pub(super) sample: Option<Duration>,
}

/// The retransmission timer ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeoutVerdict {
    /// How many times in a row, this one included, without a cumulative ACK of anything in between: the count for R1
    /// and R2 (RFC 9293 §3.8.3).
    pub(crate) backoffs: u32,
    /// Since when the first octet in flight has been waiting: the later of its first transmission and the last
    /// cumulative ACK of anything.
    pub(crate) first_unacknowledged_since: Instant,
}

/// Running totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// Segments sent again, whatever for.
    pub(crate) retransmitted_segments: u64,
    /// Segments sent again in fast recovery; part of the above.
    pub(crate) fast_retransmissions: u32,
    /// Expirations of the retransmission timer.
    pub(crate) timeouts: u32,
    /// Duplicate ACKs received, by the definition in force ([`AckVerdict::duplicate`]).
    pub(crate) duplicate_acks: u32,
    /// D-SACK blocks received (RFC 2883).
    pub(crate) duplicate_sacks: u32,
    /// Segments delivered, those reported as duplicates included (`tcpi_delivered`).
    pub(crate) delivered: u64,
    /// Tail loss probes sent.
    pub(crate) probes: u32,
    /// Reductions taken back.
    pub(crate) undone: u32,
}

impl AckArrived<'_> {
    /// Whether it is a duplicate ACK by RFC 5681 §2, (a) to (e), with `queue` as it was before.
    #[inline]
    pub(super) fn is_plain_duplicate(&self, queue: &SentQueue) -> bool {
        !queue.is_empty() && self.ack == queue.start() && !self.has_data && !self.window_changed
    }
}

/// The round trip that an ACK measures, at most one. Timestamps tick in milliseconds, so they come second.
#[inline]
pub(super) fn round_trip(
    now: Instant,
    arrived: &AckArrived<'_>,
    (acked, sacked): (&Delivery, &Delivery),
    measured: MeasuredSegments,
) -> Option<Duration> {
    let since = match measured {
        MeasuredSegments::SentOnce => acked.measurable_since().or(sacked.clean_since),
        MeasuredSegments::All => acked.last.or(sacked.last),
    };
    let by_clock = since.map(|sent| now.saturating_since(sent));
    // RFC 7323 §4.1: an echo measures only if the ACK is for something new.
    by_clock.or(arrived.timestamp_echo_rtt.filter(|_| acked.octets > 0))
}

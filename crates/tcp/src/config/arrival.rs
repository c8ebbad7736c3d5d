//! Settings of segment arrival: which segments are acceptable, and what the others get, where stacks differ.

/// Which arriving segments are acceptable where stacks differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArrivalConfig {
    /// The acceptability test of segments in the states after SYN-SENT.
    pub sequence_check: SequenceCheck,
    /// The rules of SYN-RECEIVED after a passive OPEN.
    pub half_open: HalfOpenRule,
    /// A segment with neither ACK, RST nor SYN is dropped before any other check (Linux); otherwise an unacceptable one
    /// gets an ACK first (RFC 9293 §3.10.7.4, first and fifth).
    pub drop_without_ack: bool,
    /// Drop every segment with SYN and FIN (FreeBSD `net.inet.tcp.drop_synfin`).
    pub drop_syn_fin: bool,
    /// A listener drops a SYN that carries FIN too (Linux); otherwise the FIN is overlooked.
    pub listener_drops_syn_fin: bool,
    /// Which RST resets a synchronized connection.
    pub reset: ResetRule,
    /// Every RST inside the window resets, as before RFC 5961 (FreeBSD `net.inet.tcp.insecure_rst`).
    pub insecure_reset: bool,
    /// Every SYN inside the window resets, as before RFC 5961 (FreeBSD `net.inet.tcp.insecure_syn`).
    pub insecure_syn: bool,
    /// What an acknowledgment of something not yet sent gets.
    pub ack_of_unsent: AckOfUnsent,
    /// An acknowledgment below the first octet that was sent is too old, even if the largest window of the peer would
    /// reach there (Linux, FreeBSD: against "ghost ACKs"); otherwise RFC 5961 §5.2 alone decides.
    pub ghost_ack_check: bool,
    /// What a segment with an old timestamp gets (RFC 7323 §5.3 R1).
    pub old_timestamp: OldTimestamp,
    /// What an urgent pointer makes of the data before it.
    pub urgent: UrgentRule,
    /// Hard ICMP errors end a synchronized connection too (RFC 9293 §3.9.2.2, SHLD-26), not only an attempt
    /// (RFC 5927 §5.2).
    pub hard_errors_abort: bool,
    /// How sequence numbers are compared.
    pub sequence_order: SequenceOrder,
    /// What a segment gets all of which was here before.
    pub old_duplicate: OldDuplicate,
    /// Drop every SYN of a synchronized connection without an answer, before all other checks, so that a peer that lost its half of the connection
    /// never learns of the other ([`crate::Quirk::HalfOpenUndiscovered`]; against RFC 9293 §3.5.1).
    pub drop_syn: bool,
}

/// How sequence numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SequenceOrder {
    /// Modulo 2^32 (RFC 9293 §3.4).
    Modular,
    /// As plain numbers, so that 0 comes long before 2^32 - 1 ([`crate::Quirk::SequenceWrap`]).
    Plain,
}

/// What a segment gets all of which was here before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldDuplicate {
    /// An ACK (RFC 9293 §3.10.7.4, first), as the other rules say.
    Acknowledged,
    /// Nothing ([`crate::Quirk::OldDuplicateUnanswered`]).
    Unanswered,
    /// A RST, as if nobody knew of the connection ([`crate::Quirk::OldDuplicateReset`]).
    Reset,
}

/// What an urgent pointer makes of the data before it (RFC 9293 §3.8.5, RFC 6093).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrgentRule {
    /// It is a mark in the stream; `SO_OOBINLINE` is on unless a user turns it off (RFC 6093 §5).
    InLine,
    /// The octet before it is urgent, and not part of the stream unless a user wants it there (FreeBSD).
    Octet,
    /// The same; a pointer of 0 means 1 (Linux).
    OctetAtZeroToo,
}

/// The acceptability test of segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SequenceCheck {
    /// The four cases of RFC 9293 §3.10.7.4: the first or the last octet is inside the window.
    Letter,
    /// Linux (`tcp_sequence`): anything that does not end before what was last acknowledged and does not begin beyond
    /// the right edge.
    Overlap,
    /// 4.4BSD (`tcp_do_segment`): RST and SYN are judged first; of the rest, what is outside the window is cut off, and
    /// the ACK field of a segment that is all old still counts.
    Trim,
}

/// The rules of SYN-RECEIVED after a passive OPEN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HalfOpenRule {
    /// RFC 9293 §3.10.7.4: a repeated SYN gets an ACK, a new one inside the window leads back to LISTEN, only a RST at
    /// RCV.NXT does so too.
    Letter,
    /// Linux (`tcp_check_req`): a repeated SYN gets the SYN-ACK again, the ACK field is judged before the sequence
    /// number, a new SYN inside the window is answered by a RST, and every RST inside the window counts.
    Request,
    /// FreeBSD (`syncache`): every SYN gets the SYN-ACK again, a SYN with ACK a RST, an ACK that is not of our SYN or
    /// not inside the window a RST, and nothing else an answer.
    SynCache,
}

/// Which RST resets a synchronized connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetRule {
    /// One at RCV.NXT (RFC 5961 §3.2).
    Exact,
    /// One at RCV.NXT, at the right edge of what SACK reports, or, after the peer's FIN, at that FIN (Linux).
    ExactOrReported,
    /// One at the last acknowledgment number that was sent (FreeBSD).
    LastAcknowledged,
}

/// What an acknowledgment of something not yet sent gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckOfUnsent {
    /// An ACK (RFC 9293 §3.10.7.4, fifth).
    Answered,
    /// A challenge ACK (Linux).
    Challenged,
}

/// What a segment with an old timestamp gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldTimestamp {
    /// An ACK (RFC 7323 §5.3 R1).
    Answered,
    /// An ACK within the limit, a SYN a challenge ACK, an old pure ACK nothing; a pure duplicate ACK at RCV.NXT passes,
    /// and so does what is one tick old (Linux `tcp_paws_discard`, `tcp_disordered_ack`).
    Judged,
    /// An ACK if there is data in it, otherwise nothing (FreeBSD).
    AnsweredIfData,
    /// It is taken like any other: no PAWS ([`crate::Quirk::NoPaws`]).
    Accepted,
}

impl ArrivalConfig {
    pub(super) const fn rfc() -> Self {
        Self {
            sequence_check: SequenceCheck::Letter,
            half_open: HalfOpenRule::Letter,
            drop_without_ack: false,
            drop_syn_fin: false,
            listener_drops_syn_fin: false,
            reset: ResetRule::Exact,
            insecure_reset: false,
            insecure_syn: false,
            ack_of_unsent: AckOfUnsent::Answered,
            ghost_ack_check: false,
            old_timestamp: OldTimestamp::Answered,
            urgent: UrgentRule::InLine,
            hard_errors_abort: true,
            sequence_order: SequenceOrder::Modular,
            old_duplicate: OldDuplicate::Acknowledged,
            drop_syn: false,
        }
    }

    pub(super) const fn linux() -> Self {
        Self {
            sequence_check: SequenceCheck::Overlap,
            half_open: HalfOpenRule::Request,
            drop_without_ack: true,
            listener_drops_syn_fin: true,
            reset: ResetRule::ExactOrReported,
            ack_of_unsent: AckOfUnsent::Challenged,
            ghost_ack_check: true,
            old_timestamp: OldTimestamp::Judged,
            urgent: UrgentRule::OctetAtZeroToo,
            hard_errors_abort: false,
            ..Self::rfc()
        }
    }

    pub(super) const fn freebsd() -> Self {
        Self {
            sequence_check: SequenceCheck::Trim,
            half_open: HalfOpenRule::SynCache,
            reset: ResetRule::LastAcknowledged,
            ghost_ack_check: true,
            old_timestamp: OldTimestamp::AnsweredIfData,
            urgent: UrgentRule::Octet,
            hard_errors_abort: false,
            ..Self::rfc()
        }
    }
}

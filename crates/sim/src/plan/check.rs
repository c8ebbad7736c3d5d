//! The closed vocabulary of expectations.

use std::sync::Arc;

use faultwire_base::{Instant, PlaceId};
use faultwire_host::Errno;
use faultwire_link::NameId;
use faultwire_tcp::State;

use super::{DirectionId, ExchangeLine, FaultId};

/// One expectation.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// Unique name.
    pub name: Arc<str>,
    /// What is said, in the file's words, for the report.
    pub text: String,
    /// The check.
    pub check: Check,
}

/// Exact or at least/at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Least, inclusive.
    pub min: u64,
    /// Most, inclusive.
    pub max: u64,
}

/// What an expectation looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A named socket.
    Socket(NameId),
    /// A whole host.
    Host(PlaceId),
    /// One direction of a link.
    Direction(DirectionId),
    /// Both directions of a link, by the link's index of first direction.
    Link(DirectionId, DirectionId),
}

/// A moment of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// First arrival, at its receiver, of a packet that the fault made or let through.
    Arrives(FaultId),
    /// A time.
    Time(Instant),
    /// When the state in question was entered last.
    Enters,
}

/// The closed vocabulary of expectations.
#[derive(Clone, Debug)]
pub enum Check {
    /// The socket is in this state at the moment (before it handles what happens then).
    StateAt {
        /// Whose.
        socket: NameId,
        /// Which.
        state: State,
        /// When.
        when: Moment,
    },
    /// The socket reaches this state (at this time, if bounded).
    Reaches {
        /// Whose.
        socket: NameId,
        /// Which.
        state: State,
        /// Time of the first entry in nanoseconds.
        at: Option<Bounds>,
    },
    /// The socket leaves this state so long after the moment.
    Leaves {
        /// Whose.
        socket: NameId,
        /// Which.
        state: State,
        /// From when on.
        since: Moment,
        /// Nanoseconds.
        after: Bounds,
    },
    /// The states in their order, from CLOSED excluded to the last.
    States {
        /// Whose.
        socket: NameId,
        /// All of them.
        states: Vec<State>,
    },
    /// What `tcp_info` says of the socket at the moment (before it handles what arrives then, after all else of that
    /// time).
    Info {
        /// Whose.
        socket: NameId,
        /// Fields by the kernel's names, with the kernel's units.
        fields: Vec<(&'static str, Bounds)>,
        /// When.
        when: Moment,
    },
    /// Packets of a kind that the subject sent.
    Sent {
        /// By whom.
        by: Subject,
        /// Which.
        kind: faultwire_link::PacketKind,
        /// Only those whose cause is the arrival of a packet of this fault.
        reply_to: Option<FaultId>,
        /// Which sendings of their data to count: 1 the first, 2 and more retransmissions; `None` all.
        transmission: Option<Bounds>,
        /// How many.
        count: Option<Bounds>,
        /// When each was sent, in nanoseconds from the first.
        times: Option<Vec<u64>>,
    },
    /// Exactly these segments were sent between two hosts.
    Exchange {
        /// The left and the right host of the lines.
        hosts: [PlaceId; 2],
        /// From when, and before when, segments count.
        span: (Instant, Instant),
        /// All of them, in the order in which they were sent.
        lines: Vec<ExchangeLine>,
    },
    /// Octets of the peer's stream delivered to the app, intact and in order.
    Delivered {
        /// To whom.
        socket: NameId,
        /// How many.
        octets: Bounds,
    },
    /// Datagrams delivered to the app: as many as given, or exactly those which no link took.
    Datagrams {
        /// To whom.
        socket: NameId,
        /// How many, copies included.
        count: Option<Bounds>,
        /// Whether exactly the surviving set, copies included, must have arrived.
        survivors: bool,
    },
    /// The error that the socket ended with; `None`: without one.
    Error {
        /// Whose.
        socket: NameId,
        /// Which.
        errno: Option<Errno>,
    },
    /// A counter of the report.
    Counter {
        /// Of what.
        of: Subject,
        /// The report's field name.
        counter: Counter,
        /// Its value at the end.
        value: Bounds,
    },
    /// How often a fault matched.
    FaultMatched {
        /// Which.
        fault: FaultId,
        /// How often.
        count: Bounds,
    },
    /// The app's last step ends in this time (nanoseconds from the start of the run).
    Finishes {
        /// Index into the plan's apps.
        app: u32,
        /// When.
        at: Bounds,
    },
    /// An oracle ends so.
    Oracle {
        /// Which.
        oracle: crate::oracle::OracleName,
        /// How.
        result: crate::oracle::OracleResult,
    },
}

/// Counters that an expectation can name, in the report's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counter {
    /// Segments sent again, for whatever reason.
    Retransmissions,
    /// Of these, those of fast recovery.
    FastRetransmissions,
    /// Retransmission timer expirations.
    Timeouts,
    /// Duplicate ACKs received.
    DuplicateAcksReceived,
    /// Challenge ACKs sent.
    ChallengeAcks,
    /// Octets of data sent, retransmissions included.
    BytesSent,
    /// Octets delivered to the app.
    BytesDelivered,
    /// Zero-window probes sent.
    ZeroWindowProbes,
    /// Packets offered to a link.
    Offered,
    /// Packets that left a link at its far end.
    Delivered,
    /// Packets dropped by a link.
    Dropped,
    /// Copies made by a link.
    Duplicated,
    /// Packets corrupted by a link.
    Corrupted,
    /// Packets that a host discarded for a bad checksum.
    BadChecksums,
    /// Packets that random loss marked instead of taking them.
    Marked,
    /// Segments that were acknowledged with the echo of a mark.
    DeliveredMarked,
    /// Reductions of the congestion window for marks.
    MarkReductions,
}

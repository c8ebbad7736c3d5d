//! The out-of-band tag of a packet: who made it, why, and which of how many it is (DESIGN §4).
//!
//! Faults, replay, `explain` and the ladder rest on it. A host strips it before TCP sees the segment, so that no
//! endpoint can cheat.

use faultwire_base::{PacketId, PlaceId};

/// Out-of-band identity of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tag {
    /// The packet's own identity.
    pub id: PacketId,
    /// For a copy made by a link: the packet it is a copy of; otherwise [`PacketId::NONE`].
    pub parent: PacketId,
    /// What made its sender send it.
    pub cause: Cause,
    /// The conversation it belongs to, if any.
    pub flow: Flow,
    /// Offset in the sender's byte stream of the first payload octet (0 is the first octet after the SYN). For a
    /// segment without data: of the next octet.
    pub stream_offset: u64,
    /// Which sending of this data (or SYN, FIN) it is, from 1; 0 when it takes no sequence space.
    pub transmission: u16,
    /// Why it was sent.
    pub reason: Reason,
}

/// One conversation: the `ordinal`-th that `opener` began in its `boot`-th life. Both directions share it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// Who opened it: the host whose connect or first datagram began it.
    pub opener: Option<PlaceId>,
    /// Which of the opener's conversations, from 1.
    pub ordinal: u32,
    /// The opener's boot number, from 1.
    pub boot: u16,
}

impl Flow {
    /// No conversation.
    pub const NONE: Self = Self { opener: None, ordinal: 0, boot: 0 };
}

/// What made a sender send a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Not known (a raw injected packet).
    #[default]
    Unknown,
    /// The arrival of this packet.
    Arrival(PacketId),
    /// A timer ran out.
    Timer(TimerKind),
    /// A call of the application.
    Call,
    /// A fault of the experiment injected it.
    Injected,
}

/// The timers of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerKind {
    /// Retransmission (RFC 6298), SYN and FIN included.
    Retransmission,
    /// Zero-window probe (RFC 9293 §3.8.6.1).
    Persist,
    /// Delayed acknowledgment (RFC 9293 §3.8.6.3).
    DelayedAck,
    /// Keep-alive (RFC 9293 §3.8.4).
    KeepAlive,
    /// 2 MSL in TIME-WAIT (RFC 9293 §3.6).
    TimeWait,
    /// FIN-WAIT-2 of a connection nobody owns (Linux `tcp_fin_timeout`).
    FinWait2,
    /// User timeout (RFC 9293 §3.9.1, 5482).
    User,
    /// Sender's silly-window override (RFC 9293 §3.8.6.2.1).
    SillyWindow,
    /// RACK reordering window (RFC 8985 §6.2).
    Reordering,
    /// Tail loss probe (RFC 8985 §7).
    TailLossProbe,
    /// Release of paced segments.
    Pacing,
}

/// Why a packet was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Not known (a raw injected packet).
    #[default]
    Unknown,
    /// Opens a connection.
    Syn,
    /// Answers a SYN.
    SynAck,
    /// Completes the handshake.
    HandshakeAck,
    /// New data.
    Data,
    /// New data beyond the congestion window on the first duplicate ACKs (RFC 3042).
    LimitedTransmit,
    /// First sending of a FIN (with or without the last data).
    Fin,
    /// Retransmission after the timer ran out.
    TimeoutRetransmission,
    /// Retransmission in fast recovery.
    FastRetransmission,
    /// Tail loss probe.
    TailLossProbe,
    /// ACK at once: every second full segment, a filled hole, a FIN.
    Ack,
    /// ACK because the delayed-ACK timer ran out.
    DelayedAck,
    /// ACK of an out-of-order segment.
    DuplicateAck,
    /// ACK of a segment that is not acceptable or already received (RFC 9293 §3.10.7.4).
    UnacceptableAck,
    /// Challenge ACK (RFC 5961).
    ChallengeAck,
    /// ACK that tells of a larger window.
    WindowUpdate,
    /// Probe of a closed window.
    ZeroWindowProbe,
    /// Keep-alive probe.
    KeepAlive,
    /// Reset: the connection is aborted by its user.
    Abort,
    /// Reset: closed with unread data or data after close (RFC 9293 §3.6.1, SHLD-3).
    UnreadData,
    /// Reset: answers a segment of no connection, or one not acceptable in its state.
    Reset,
    /// A datagram of an application.
    Datagram,
    /// An ICMP error.
    IcmpError,
    /// An echo reply.
    EchoReply,
}

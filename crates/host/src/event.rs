//! What a host tells its owner.

use std::net::SocketAddr;

use faultwire_base::PacketId;
use faultwire_tcp::{ConnectionError, SoftError, State};
use faultwire_wire::{Cause, DecodeError, Flow};

use crate::descriptor::Fd;
use crate::errno::Errno;
use crate::numbering::ConnectionId;
use crate::report::ConnectionReport;

/// What happened in a host. Drained with [`Host::event`](crate::Host::event).
#[derive(Clone, Debug)]
pub enum HostEvent {
    /// The readiness of a descriptor may have changed; [`Host::readiness`](crate::Host::readiness) tells what it is.
    Ready {
        /// Which descriptor.
        fd: Fd,
    },
    /// A connection exists: a connect call, or a SYN that a listener took.
    ConnectionOpened {
        /// Its number.
        connection: ConnectionId,
        /// The conversation.
        flow: Flow,
        /// Its end here.
        local: SocketAddr,
        /// Its other end.
        remote: SocketAddr,
        /// Whether the peer opened it.
        passive: bool,
    },
    /// A connection changed its state. Half-open connections and those in TIME-WAIT tell it too.
    StateChanged {
        /// Which connection.
        connection: ConnectionId,
        /// The conversation.
        flow: Flow,
        /// Its descriptor, if it has one.
        fd: Option<Fd>,
        /// State before.
        from: State,
        /// State after.
        to: State,
        /// What made it change.
        cause: Cause,
    },
    /// A connection ended by an error, not by an orderly close.
    ConnectionFailed {
        /// Which connection.
        connection: ConnectionId,
        /// What its user is told.
        error: Errno,
    },
    /// Something was reported that does not end the connection (RFC 9293 §3.9.1.8, MUST-47). Its user is told of an ICMP
    /// error if it asked for that ([`SocketOption::ErrorReports`](crate::SocketOption::ErrorReports)).
    SoftError {
        /// Which connection.
        connection: ConnectionId,
        /// What was reported.
        error: SoftError,
    },
    /// There is urgent data, or more of it than was known (RFC 9293 §3.8.5, MUST-32).
    Urgent {
        /// Which connection.
        connection: ConnectionId,
        /// Octets from the read position up to the urgent mark.
        remaining: u64,
    },
    /// The full state of a connection is given up: it is closed and has no descriptor, or it goes on as a compact
    /// TIME-WAIT entry, whose end comes as a [`HostEvent::StateChanged`].
    ConnectionGone {
        /// Which connection.
        connection: ConnectionId,
        /// Its counters at the end.
        summary: Box<ConnectionReport>,
    },
    /// A packet was dropped.
    Dropped {
        /// Which packet.
        packet: PacketId,
        /// Why.
        reason: DropReason,
    },
}

/// Why a packet that had arrived was dropped by a host or a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DropReason {
    /// Its destination is another host, or all hosts.
    ForeignDestination,
    /// Its source is no single host (RFC 9293 §3.9.2.3, MUST-63).
    BadSource,
    /// A checksum is wrong (RFC 9293 §3.1, MUST-3).
    BadChecksum,
    /// Its bytes are no packet: lengths or versions contradict each other.
    Malformed,
    /// A fragment: they are not put together.
    Fragment,
    /// A protocol or extension header that this host does not speak.
    UnknownProtocol,
    /// A segment to a port where nobody listens; answered with a reset unless it is one.
    ClosedPort,
    /// A datagram to a port that nobody has; answered with an ICMP error.
    NoSocket,
    /// The listener's half-open connections are at their limit.
    SynQueueFull,
    /// The listener's accept queue is full.
    AcceptQueueFull,
    /// The socket's queue of datagrams is full.
    ReceiveBufferFull,
    /// An ICMP message about nothing that is known here.
    UnmatchedIcmp,
    /// A segment that asks a listener for nothing: an ACK or RST of no connection, or neither SYN nor ACK.
    NotForListener,
    /// A router found its hop limit used up.
    HopLimitExceeded,
    /// A router has no way to its destination.
    NoRoute,
    /// A router found it too big for the next link.
    TooBig,
    /// The host is down.
    HostDown,
    /// TCP: outside the receive window (RFC 9293 §3.10.7.4, first).
    OutsideWindow,
    /// TCP: text at a closed window; its acknowledgment was processed.
    WindowClosed,
    /// TCP: an old timestamp (RFC 7323 §5.3).
    OldTimestamp,
    /// TCP: no timestamp although the connection uses them (RFC 7323 §3.2).
    NoTimestamp,
    /// TCP: a RST outside the window (RFC 5961 §3.2).
    ResetOutsideWindow,
    /// TCP: a RST in the window, but not at its left edge: challenged (RFC 5961 §3.2).
    ResetNotExact,
    /// TCP: a RST that TIME-WAIT ignores (RFC 1337).
    ResetInTimeWait,
    /// TCP: a SYN on a synchronized connection: challenged (RFC 5961 §4.2).
    UnexpectedSyn,
    /// TCP: no ACK bit.
    NoAck,
    /// TCP: it acknowledges what was never sent.
    AckOfUnsent,
    /// TCP: it acknowledges what is older than a window (RFC 5961 §5.2).
    AckTooOld,
    /// TCP: it doesn't acknowledge our SYN.
    AckNotOfSyn,
    /// TCP: neither SYN nor RST in SYN-SENT.
    NotASyn,
    /// TCP: the connection is closed.
    Closed,
    /// TCP: a SYN that TIME-WAIT refuses (RFC 6191).
    OldSyn,
    /// TCP: nothing new for TIME-WAIT.
    InTimeWait,
    /// TCP: text or FIN after the peer's FIN.
    AfterFin,
    /// TCP: text after the user closed.
    AfterClose,
    /// TCP: the last ACK of a handshake, without the data that the listener waits for (`TCP_DEFER_ACCEPT`).
    AcceptDeferred,
    /// TCP: it is signed (RFC 2385, RFC 5925), and there is no key for it.
    UnexpectedSignature,
    /// TCP: SYN and FIN together.
    SynFin,
}

impl DropReason {
    /// The reason in a few words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ForeignDestination => "not addressed to this host",
            Self::BadSource => "source address is no single host",
            Self::BadChecksum => "bad checksum",
            Self::Malformed => "malformed",
            Self::Fragment => "fragment",
            Self::UnknownProtocol => "unknown protocol",
            Self::ClosedPort => "closed port",
            Self::NoSocket => "no socket",
            Self::SynQueueFull => "SYN queue full",
            Self::AcceptQueueFull => "accept queue full",
            Self::ReceiveBufferFull => "receive buffer full",
            Self::UnmatchedIcmp => "ICMP about nothing known",
            Self::NotForListener => "not for a listener",
            Self::HopLimitExceeded => "hop limit exceeded",
            Self::NoRoute => "no route",
            Self::TooBig => "too big for the next link",
            Self::HostDown => "host is down",
            Self::OutsideWindow => "outside the receive window",
            Self::WindowClosed => "the receive window is closed",
            Self::OldTimestamp => "old timestamp (PAWS)",
            Self::NoTimestamp => "no timestamp",
            Self::ResetOutsideWindow => "RST outside the receive window",
            Self::ResetNotExact => "RST not at RCV.NXT",
            Self::ResetInTimeWait => "RST in TIME_WAIT",
            Self::UnexpectedSyn => "SYN on a synchronized connection",
            Self::NoAck => "no ACK",
            Self::AckOfUnsent => "ACK of data never sent",
            Self::AckTooOld => "ACK too old",
            Self::AckNotOfSyn => "ACK not of our SYN",
            Self::NotASyn => "neither SYN nor RST",
            Self::Closed => "the connection is closed",
            Self::OldSyn => "SYN refused in TIME_WAIT",
            Self::InTimeWait => "nothing new for TIME_WAIT",
            Self::AfterFin => "after the peer's FIN",
            Self::AfterClose => "data after close",
            Self::AcceptDeferred => "accept deferred until data",
            Self::UnexpectedSignature => "signed, and no key",
            Self::SynFin => "SYN and FIN together",
        }
    }
}

impl From<DecodeError> for DropReason {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::BadIpHeaderChecksum | DecodeError::BadChecksum { .. } => Self::BadChecksum,
            DecodeError::Fragment => Self::Fragment,
            DecodeError::ExtensionHeader(_) | DecodeError::UnknownProtocol(_) => Self::UnknownProtocol,
            _ => Self::Malformed,
        }
    }
}

impl From<faultwire_tcp::DropReason> for DropReason {
    fn from(reason: faultwire_tcp::DropReason) -> Self {
        use faultwire_tcp::DropReason as Tcp;
        match reason {
            Tcp::OutsideWindow => Self::OutsideWindow,
            Tcp::WindowClosed => Self::WindowClosed,
            Tcp::OldTimestamp => Self::OldTimestamp,
            Tcp::NoTimestamp => Self::NoTimestamp,
            Tcp::ResetOutsideWindow => Self::ResetOutsideWindow,
            Tcp::ResetNotExact => Self::ResetNotExact,
            Tcp::ResetInTimeWait => Self::ResetInTimeWait,
            Tcp::UnexpectedSyn => Self::UnexpectedSyn,
            Tcp::NoAck => Self::NoAck,
            Tcp::AckOfUnsent => Self::AckOfUnsent,
            Tcp::AckTooOld => Self::AckTooOld,
            Tcp::AckNotOfSyn => Self::AckNotOfSyn,
            Tcp::NotASyn => Self::NotASyn,
            Tcp::Closed => Self::Closed,
            Tcp::OldSyn => Self::OldSyn,
            Tcp::InTimeWait => Self::InTimeWait,
            Tcp::AfterFin => Self::AfterFin,
            Tcp::AfterClose => Self::AfterClose,
            Tcp::AcceptDeferred => Self::AcceptDeferred,
            Tcp::UnexpectedSignature => Self::UnexpectedSignature,
            Tcp::NoRoomAhead => Self::ReceiveBufferFull,
            Tcp::SynFin => Self::SynFin,
        }
    }
}

impl From<ConnectionError> for Errno {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::Refused => Self::ConnectionRefused,
            ConnectionError::Reset => Self::ConnectionReset,
            ConnectionError::PipeBroken => Self::PipeBroken,
            ConnectionError::TimedOut => Self::TimedOut,
            ConnectionError::HostUnreachable => Self::HostUnreachable,
            ConnectionError::HostDown => Self::HostDown,
            ConnectionError::NotOnNetwork => Self::NotOnNetwork,
            ConnectionError::Prohibited => Self::AccessDenied,
            ConnectionError::SourceRouteFailed => Self::NotSupported,
            ConnectionError::NetworkUnreachable => Self::NetworkUnreachable,
            ConnectionError::ProtocolUnreachable => Self::NoProtocolOption,
            ConnectionError::ProtocolError => Self::ProtocolError,
        }
    }
}

impl std::fmt::Display for DropReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

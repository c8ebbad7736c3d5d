//! The eleven states of a connection with the table of legal transitions (RFC 9293 §3.3.2, figure 5).

use std::fmt;
use std::str::FromStr;

/// A state of RFC 9293 §3.3.2. Written as the Linux tools write it: `TIME_WAIT`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// No connection.
    #[default]
    Closed,
    /// Waiting for a connection request. Only listeners of a host are in it, never a connection.
    Listen,
    /// Waiting for a matching connection request after having sent one.
    SynSent,
    /// Waiting for the acknowledgment of the connection request after having both received and sent one.
    SynReceived,
    /// Open: data flows.
    Established,
    /// Closed here, our FIN is not acknowledged yet.
    FinWait1,
    /// Closed here, waiting for the peer's FIN.
    FinWait2,
    /// Closed by the peer, waiting for the local user.
    CloseWait,
    /// Both closed at once, our FIN is not acknowledged yet.
    Closing,
    /// Closed by the peer first, our FIN is not acknowledged yet.
    LastAck,
    /// Waiting until no old segment can be around.
    TimeWait,
}

impl State {
    /// All states.
    pub const ALL: [Self; 11] = [
        Self::Closed,
        Self::Listen,
        Self::SynSent,
        Self::SynReceived,
        Self::Established,
        Self::FinWait1,
        Self::FinWait2,
        Self::CloseWait,
        Self::Closing,
        Self::LastAck,
        Self::TimeWait,
    ];

    /// The name, as in `TIME_WAIT`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "CLOSED",
            Self::Listen => "LISTEN",
            Self::SynSent => "SYN_SENT",
            Self::SynReceived => "SYN_RECEIVED",
            Self::Established => "ESTABLISHED",
            Self::FinWait1 => "FIN_WAIT_1",
            Self::FinWait2 => "FIN_WAIT_2",
            Self::CloseWait => "CLOSE_WAIT",
            Self::Closing => "CLOSING",
            Self::LastAck => "LAST_ACK",
            Self::TimeWait => "TIME_WAIT",
        }
    }

    /// Linux's number, as in `tcpi_state`.
    pub const fn number(self) -> u64 {
        match self {
            Self::Established => 1,
            Self::SynSent => 2,
            Self::SynReceived => 3,
            Self::FinWait1 => 4,
            Self::FinWait2 => 5,
            Self::TimeWait => 6,
            Self::Closed => 7,
            Self::CloseWait => 8,
            Self::LastAck => 9,
            Self::Listen => 10,
            Self::Closing => 11,
        }
    }

    /// Whether figure 5 with the notes and section 3.10 of RFC 9293 knows a way from this state to `next`.
    pub fn may_become(self, next: Self) -> bool {
        TRANSITIONS.iter().any(|&(from, to, _)| from == self && to == next)
    }

    /// Whether both sides know each other's initial sequence number (RFC 9293 §3.3.2).
    pub const fn is_synchronized(self) -> bool {
        !matches!(self, Self::Closed | Self::Listen | Self::SynSent | Self::SynReceived)
    }

    /// Whether text and urgent data of the peer are taken (RFC 9293 §3.10.7.4, sixth and seventh).
    #[inline]
    pub(crate) const fn takes_text(self) -> bool {
        matches!(self, Self::Established | Self::FinWait1 | Self::FinWait2)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Not the name of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownState;

impl fmt::Display for UnknownState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a TCP state; states are written like ESTABLISHED, FIN_WAIT_1, TIME_WAIT")
    }
}

impl std::error::Error for UnknownState {}

impl FromStr for State {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(UnknownState)
    }
}

/// Every legal transition, with what makes it.
pub const TRANSITIONS: &[(State, State, &str)] = &[
    (State::Closed, State::Listen, "passive OPEN"),
    (State::Closed, State::SynSent, "active OPEN"),
    (State::Listen, State::SynReceived, "SYN arrives"),
    (State::Listen, State::SynSent, "SEND or active OPEN"),
    (State::Listen, State::Closed, "CLOSE"),
    (State::SynSent, State::SynReceived, "SYN arrives (simultaneous open)"),
    (State::SynSent, State::Established, "SYN,ACK arrives"),
    (State::SynSent, State::Closed, "CLOSE, refused, or given up"),
    (State::SynReceived, State::Listen, "RST or SYN arrives after a passive OPEN"),
    (State::SynReceived, State::Established, "ACK of our SYN arrives"),
    (State::SynReceived, State::FinWait1, "CLOSE"),
    (State::SynReceived, State::TimeWait, "the reopened connection was an old duplicate (MAY-2)"),
    (State::SynReceived, State::Closed, "refused, aborted, or given up"),
    (State::Established, State::FinWait1, "CLOSE"),
    (State::Established, State::CloseWait, "FIN arrives"),
    (State::Established, State::Closed, "RST, abort, or given up"),
    (State::FinWait1, State::FinWait2, "ACK of our FIN arrives"),
    (State::FinWait1, State::Closing, "FIN arrives"),
    (State::FinWait1, State::TimeWait, "FIN with the ACK of our FIN arrives (figure 5, note 2)"),
    (State::FinWait1, State::Closed, "RST, abort, or given up"),
    (State::FinWait2, State::TimeWait, "FIN arrives"),
    (State::FinWait2, State::Closed, "RST, abort, or orphaned for too long"),
    (State::CloseWait, State::LastAck, "CLOSE"),
    (State::CloseWait, State::Closed, "RST, abort, or given up"),
    (State::Closing, State::TimeWait, "ACK of our FIN arrives"),
    (State::Closing, State::Closed, "RST, abort, or given up"),
    (State::LastAck, State::Closed, "ACK of our FIN, RST, abort, or given up"),
    (State::TimeWait, State::Closed, "2 MSL passed, or RST"),
    (State::TimeWait, State::SynReceived, "an acceptable new SYN arrives (MAY-2, RFC 6191)"),
];

//! What the time on a critical path was spent on.

/// What time was spent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Spent {
    Propagation,
    Queue,
    Fault,
    Retransmission,
    Probe,
    DelayedAck,
    Window,
    Application,
    Other,
}

impl Spent {
    /// As in "1 s of propagation".
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Propagation => "of propagation",
            Self::Queue => "of serialisation and waiting in queues",
            Self::Fault => "of delay by faults",
            Self::Retransmission => "of waiting for the retransmission timer",
            Self::Probe => "of waiting for the timer of a tail loss probe or of reordering",
            Self::DelayedAck => "of waiting for the delayed-ACK timer",
            Self::Window => "of waiting for the window to open",
            Self::Application => "of waiting for applications",
            Self::Other => "of other waiting",
        }
    }
}

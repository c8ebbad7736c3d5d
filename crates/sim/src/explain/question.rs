//! What can be asked, and what is said when it can't be answered.

use crate::output::PacketNumber;

/// A question about a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Why was this packet sent, and what became of it?
    Packet(PacketNumber),
    /// Why did this expectation fail (or, if it held, what was behind it)? Also `app:NAME` and `oracle:NAME`.
    Expectation(String),
    /// Why did whatever failed fail?
    Failure,
}

/// A question about something that the run does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unanswerable(pub(crate) String);

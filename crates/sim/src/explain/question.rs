//! What can be asked, and what is said when it can't be answered.

use crate::output::PacketNumber;

/// A question about a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Why was this packet sent, and what became of it?
    Packet(PacketNumber),
    /// Why did this expectation fail; or, if it held, what was behind it?
    Expectation(String),
    /// What does this app wait for, or why did it end as it did?
    Stall(String),
    /// What was the time spent on until this socket, `HOST/NAME`, had the last octet?
    LastByte(String),
    /// Why did whatever failed fail? One answer for each thing that failed; none if nothing did.
    Failure,
    /// What did faults and chance lead to? The first reaction to each of them.
    Faults,
}

/// A question about something that the run does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unanswerable(pub(crate) String);

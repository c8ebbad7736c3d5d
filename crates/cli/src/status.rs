//! Exit statuses and what they mean.

use std::process::ExitCode;

/// How the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Everything that was asked held.
    Held,
    /// An expectation or oracle failed.
    Failed,
    /// The input was bad; nothing was written.
    BadInput,
    /// A bug of faultwire.
    Internal,
    /// Interrupted; what was finished is kept.
    Interrupted,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Held => 0,
            Status::Failed => 1,
            Status::BadInput => 2,
            Status::Internal => 3,
            Status::Interrupted => 130,
        })
    }
}

//! What playing a script gave.

use faultwire_base::Duration;

use crate::settings::Profile;

/// What playing a script gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Passed, failed or skipped.
    pub verdict: Verdict,
    /// The stack it was played against.
    pub profile: Profile,
    /// Virtual time from its start to its end.
    pub virtual_time: Duration,
    /// Everything that happened, as a ladder; each line ends with a line feed.
    pub ladder: String,
}

/// How a script ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything was as written.
    Pass,
    /// Something was not.
    Fail(Finding),
    /// It says something that is not known here, so it proves nothing.
    Skip(Finding),
}

/// What was found, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The line of the script.
    pub line: u32,
    /// What was expected and what came, field by field, in one or more lines without a final line feed.
    pub message: String,
}

//! Why a step of a script did not do what is written.

use std::fmt;

/// Why a step of a script did not do what is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The stack did something else: the script fails. What was expected and what came, without a final line feed.
    Differs(String),
    /// The script says something that is not known here: it is skipped. What that is.
    Unknown(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Differs(text) | Self::Unknown(text) => f.write_str(text),
        }
    }
}

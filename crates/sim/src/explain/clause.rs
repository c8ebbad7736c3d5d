//! Which clause of which document a step rests on.

use std::fmt;

/// A section of an RFC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Clause {
    /// The RFC's number.
    pub rfc: u32,
    /// The section, without its sign.
    pub section: &'static str,
}

impl Clause {
    pub(crate) const fn new(rfc: u32, section: &'static str) -> Option<Self> {
        Some(Self { rfc, section })
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RFC {} §{}", self.rfc, self.section)
    }
}

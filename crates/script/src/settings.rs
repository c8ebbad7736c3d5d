//! How scripts are played: the stack, the strictness, the words that are defined.

use faultwire_tcp::Config;

/// How a script is played.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The stack under test; `None`: as the script's dialect asks for.
    pub profile: Option<Profile>,
    /// Times have no tolerance, whatever the script says.
    pub exact: bool,
    /// What the original tool lets pass fails too: packets nobody expected, wrong checksums and TSecr, broken laws.
    pub strict: bool,
    /// Whether the PSH bit is compared.
    pub psh: PshRule,
    /// `-D NAME=VALUE`: words to replace and blocks of `#ifdef` to keep.
    pub defines: Vec<(String, String)>,
}

/// Whether the PSH bit of packets sent is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PshRule {
    /// As any other bit.
    #[default]
    Exact,
    /// Not at all, also when segments are put together.
    Lenient,
}

/// A named stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// The letter of the standards.
    Rfc,
    /// Linux 6.x.
    Linux,
    /// FreeBSD 15.
    Freebsd,
}

impl Profile {
    /// Its name in experiment files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rfc => "rfc",
            Self::Linux => "linux",
            Self::Freebsd => "freebsd",
        }
    }

    /// The name that conditional text knows it by (`#ifdef FreeBSD`); `STANDARD` is what the RFCs ask for.
    pub fn platform(self) -> &'static str {
        match self {
            Self::Rfc => "STANDARD",
            Self::Linux => "Linux",
            Self::Freebsd => "FreeBSD",
        }
    }

    /// Its table of settings.
    pub fn config(self) -> Config {
        match self {
            Self::Rfc => Config::rfc(),
            Self::Linux => Config::linux(),
            Self::Freebsd => Config::freebsd(),
        }
    }
}

//! `faultwire script` as the user writes it.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum, ValueHint};
use faultwire_script::{Profile, PshRule, Settings};

#[derive(Debug, Args)]
#[command(after_help = "\
The stack is what --profile says; otherwise what a script's own `// profile: NAME` says at its head; otherwise \
Linux for Google's notation and FreeBSD for nplab's.

Each script has a line of its own: PASS, FAIL, SKIP (it says something that is not known here, so it proves \
nothing) or ERROR (it can't be read). With --format json it is an object: path, result, line, message, profile, \
virtual_ns.

Exit status: 0 none failed; 1 one failed; 2 one can't be read; 3 a bug of faultwire; 130 interrupted.")]
pub(crate) struct ScriptArguments {
    /// Scripts, folders that are searched for *.pkt, or - for standard input
    #[arg(value_name = "PATH", required = true, value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,
    /// The stack under test
    #[arg(long, value_name = "NAME", value_enum)]
    profile: Option<ProfileName>,
    /// Replace a word by a value, and keep the blocks of #ifdef NAME
    #[arg(short = 'D', long = "define", value_name = "NAME=VALUE")]
    define: Vec<Define>,
    /// Allow times no tolerance, whatever a script says
    #[arg(long)]
    exact: bool,
    /// Fail on what the original tool lets pass: packets that nobody expected, wrong checksums and TSecr
    #[arg(long)]
    strict: bool,
    /// Whether the PSH bit counts
    #[arg(long, value_name = "HOW", value_enum, default_value = "exact")]
    psh: Psh,
    /// What to print
    #[arg(long, value_name = "HOW", value_enum, default_value = "text")]
    pub(crate) format: Format,
    /// Draw every packet of every script
    #[arg(long, short)]
    pub(crate) verbose: bool,
    /// Threads; otherwise one for each core. The results are the same for any number
    #[arg(long, short, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Let a skipped script count as failed
    #[arg(long)]
    pub(crate) fail_on_skip: bool,
}

impl ScriptArguments {
    /// How each script is played.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            profile: self.profile.map(Into::into),
            exact: self.exact,
            strict: self.strict,
            psh: match self.psh {
                Psh::Exact => PshRule::Exact,
                Psh::Lenient => PshRule::Lenient,
            },
            defines: self.define.iter().map(|define| (define.name.clone(), define.value.clone())).collect(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ProfileName {
    /// Linux 6.x
    Linux,
    /// FreeBSD 15
    Freebsd,
    /// The letter of the standards
    Rfc,
}

impl From<ProfileName> for Profile {
    fn from(name: ProfileName) -> Self {
        match name {
            ProfileName::Linux => Self::Linux,
            ProfileName::Freebsd => Self::Freebsd,
            ProfileName::Rfc => Self::Rfc,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Psh {
    /// As any other bit
    Exact,
    /// Not at all
    Lenient,
}

/// In which form results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// One JSON object a script
    Json,
}

/// `NAME=VALUE`, or `NAME`, which is 1 as for a C compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Define {
    name: String,
    value: String,
}

impl FromStr for Define {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').unwrap_or((text, "1"));
        let begins = |c: char| c.is_ascii_alphabetic() || c == '_';
        let goes_on = |c: char| begins(c) || c.is_ascii_digit();
        if !name.starts_with(begins) || !name.chars().all(goes_on) {
            return Err(format!(
                "{name:?} is no word of a script; write NAME=VALUE, for example TFO_COOKIE=de4f234f0f433a55"
            ));
        }
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::Define;

    #[test]
    fn a_define_is_a_word_and_what_stands_for_it() {
        let define = |name: &str, value: &str| Ok(Define { name: name.into(), value: value.into() });
        assert_eq!("TFO_COOKIE=a=b".parse(), define("TFO_COOKIE", "a=b"));
        assert_eq!("_x1=".parse(), define("_x1", ""));
        assert_eq!("STANDARD".parse(), define("STANDARD", "1"));
        for wrong in ["", "=1", "1A=2", "A B=1", "Ä=1", "a-b"] {
            assert!(wrong.parse::<Define>().unwrap_err().contains("NAME=VALUE"), "{wrong}");
        }
    }
}

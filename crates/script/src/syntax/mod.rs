//! The language: text to [`Script`], or the place where it is none.
//!
//! From the top: `event` (with `time`), `packet` (with `options` and `icmp`), `call` (with `expression`),
//! `script_option`; under them `reader` (one token ahead), `lexer` and `conditional`. `notation` is the way back
//! of packets; calls print themselves.

mod call;
mod conditional;
mod event;
mod expression;
mod icmp;
mod lexer;
mod notation;
mod options;
mod packet;
mod reader;
mod script_option;
mod time;
pub mod tree;

use std::fmt;

use self::event::Clock;
use self::lexer::Kind;
use self::reader::Reader;
use self::tree::{Command, Dialect, Position, Script};

pub use self::notation::flag_letters;

/// Reads a script. `defines` are words to replace, whole, by a number, a string, a command or another word; the last
/// of a name counts. A name that is defined there, or is `platform`, keeps the text of its `#ifdef`.
///
/// # Errors
/// The first place where the text is no script.
pub fn parse(
    source: &str,
    defines: &[(String, String)],
    platform: Option<&str>,
) -> Result<Script, SyntaxError> {
    let resolved = conditional::resolve(source, defines, platform)?;
    let options = script_option::script_options(&mut Reader::new(&resolved.text, &[]))?;
    // What the caller defines counts for more than what the script does.
    let defines: Vec<_> = options.iter().filter_map(define).chain(defines.iter().cloned()).collect();
    let mut reader = Reader::new(&resolved.text, &defines);
    let options = script_option::script_options(&mut reader)?;
    let initialisation = command(&mut reader)?;
    let mut events = Vec::new();
    let mut clock = Clock::default();
    let mut cleanup = None;
    while !reader.at_end()? {
        cleanup = if events.is_empty() { None } else { command(&mut reader)? };
        if cleanup.is_some() {
            break;
        }
        events.push(event::event(&mut reader, &mut clock)?);
    }
    if !reader.at_end()? {
        return Err(reader.unexpected("the end of the script after the clean-up command, which has no time"));
    }
    let nplab =
        resolved.conditional || reader.nplab || options.iter().any(|option| is_nplab_option(&option.name));
    let commands = events.iter().filter_map(event::command_text);
    let untimed = initialisation.iter().chain(&cleanup).map(|command| command.text.as_str());
    let nplab = nplab || commands.chain(untimed).any(is_nplab_command);
    let dialect = if nplab { Dialect::Nplab } else { Dialect::Google };
    Ok(Script { options, initialisation, events, cleanup, dialect })
}

/// Why a text is no script. It prints in one line, place first: `3:7: expected a time, found ...`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where; inside the text or right behind it.
    pub at: Position,
    /// What was expected and what is there, and what to write instead where that is near.
    pub message: String,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.message)
    }
}

impl std::error::Error for SyntaxError {}

/// A command without a time, if one stands here.
fn command(reader: &mut Reader<'_>) -> Result<Option<Command>, SyntaxError> {
    if !matches!(reader.peek()?.kind, Kind::Backtick(_)) {
        return Ok(None);
    }
    let token = reader.next()?;
    let at = token.start.at;
    let Kind::Backtick(text) = token.kind else { unreachable!("a backtick was seen") };
    Ok(Some(Command { at, text }))
}

/// The word that an option defines, and its value: `--define=NAME=value`.
fn define(option: &tree::ScriptOption) -> Option<(String, String)> {
    let (name, value) = option.value.split_once('=').unwrap_or((&option.value, ""));
    matches!(option.name.as_str(), "define" | "D").then(|| (name.to_owned(), value.to_owned()))
}

/// Whether only nplab's tool knows this option, or its suite alone uses it.
fn is_nplab_option(name: &str) -> bool {
    matches!(name, "tcp_md5_secret" | "mtu" | "udp_encapsulation")
}

/// Whether a command is one of a BSD.
fn is_nplab_command(text: &str) -> bool {
    ["net.inet", "kern.", "sockstat", "tcpdrop", "setkey", "kldstat", "kldload"]
        .iter()
        .any(|word| text.contains(word))
}

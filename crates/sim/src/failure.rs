//! What a failed case is told by: named failures, and the cluster of those that are the same failure.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use crate::oracle::{OracleName, OracleResult};

/// Something that failed in a case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Failure {
    /// The name of an expectation, `app:NAME`, `oracle:NAME`, `fault:NAME` (it never acted), `must_fail:NAME` (what had
    /// to fail and held), or [`Failure::ERROR`].
    pub name: String,
    /// What happened, as the report tells it.
    pub sentence: String,
}

impl Failure {
    /// The name of a failure that is the run's own: a bound was passed, or the simulation panicked.
    pub const ERROR: &'static str = "error";

    /// The failure of an oracle that did not hold.
    pub(crate) fn of_oracle(oracle: OracleName, result: OracleResult, detail: &str) -> Self {
        Self::new(format!("oracle:{oracle}"), format!("oracle {oracle} is {result}: {detail}"))
    }

    /// Whether an oracle met what the protocol permits, and the run was judged so that this fails it.
    pub fn is_hazard(&self) -> bool {
        let oracle = self.name.strip_prefix("oracle:");
        let words = |oracle| format!("oracle {oracle} is {}: ", OracleResult::Hazard);
        oracle.is_some_and(|oracle| self.sentence.starts_with(&words(oracle)))
    }

    /// A failure of that name.
    pub fn new(name: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self { name: name.into(), sentence: sentence.into() }
    }
}

/// What makes two failed cases the same failure: the names of what failed, each with the *shape* of its sentence, which
/// is the sentence without its numbers, times, addresses, ports and sequence numbers. Names of apps, their steps and the
/// states of their connections stay in.
///
/// ```
/// use faultwire_sim::failure::{Cluster, Failure};
///
/// let failed = |observed: &str| {
///     let sentence = format!("expectation \"all read\" failed: expected 3072, observed {observed}");
///     Cluster::of(&[Failure::new("all read", sentence)]).unwrap()
/// };
/// assert_eq!(failed("1448 octets at 1.5s"), failed("512 octets at 20ms"));
/// assert_ne!(failed("1448 octets at 1.5s"), failed("no such connection was opened"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cluster {
    /// (name, shape), sorted.
    parts: Vec<(String, String)>,
}

impl Cluster {
    /// The cluster of a case that failed so; `None` if nothing failed.
    pub fn of(failures: &[Failure]) -> Option<Self> {
        let mut parts: Vec<(String, String)> =
            failures.iter().map(|failure| (failure.name.clone(), shape(told(&failure.sentence)))).collect();
        parts.sort();
        parts.dedup();
        (!parts.is_empty()).then_some(Self { parts })
    }

    /// The names of what failed, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|(name, _)| name.as_str())
    }

    /// Eight hexadecimal digits that stand for it: the same in every run of every version that words a failure so.
    pub fn id(&self) -> String {
        let mut bytes = Vec::new();
        for text in self.parts.iter().flat_map(|(name, shape)| [name, shape]) {
            bytes.extend_from_slice(text.as_bytes());
            bytes.push(0);
        }
        format!("{:08x}", xxh3_64(&bytes) >> 32)
    }
}

impl fmt::Display for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (_, shape)) in self.parts.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            f.write_str(shape)?;
        }
        Ok(())
    }
}

/// The part of the sentence that tells what failed. Of an app that is stalled this is the app, its step and the state of
/// its connection: how much is in flight, which timers run and how the other end stands differ from seed to seed, and one
/// bug would be many.
fn told(sentence: &str) -> &str {
    const STATE: &str = " it is ";
    let Some((app, wait)) = sentence.split_once("\" stalled: ") else { return sentence };
    let Some(at) = wait.find(STATE).filter(|_| app.starts_with("app \"")) else { return sentence };
    let state = &wait[at + STATE.len()..];
    let end = [",", ";", " with "].iter().filter_map(|rest| state.find(rest)).min().unwrap_or(state.len());
    &sentence[..sentence.len() - state.len() + end]
}

/// The sentence with `#` for everything that differs between two occurrences of one failure.
fn shape(sentence: &str) -> String {
    let mut shape = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => rest[1..].find('"').map_or(1, |end| end + 2),
            _ if splits(first) => first.len_utf8(),
            _ => rest.find(splits).unwrap_or(rest.len()),
        };
        let (word, after) = rest.split_at(length);
        if splits(first) {
            // A quoted name is kept as it is.
            shape.push_str(word);
        } else if is_address(word) {
            shape.push('#');
        } else {
            push_word(&mut shape, word);
        }
        rest = after;
    }
    // A list of numbers is as good as one.
    while shape.contains("#, #") {
        shape = shape.replace("#, #", "#");
    }
    shape
}

/// Whether a word ends here.
fn splits(c: char) -> bool {
    c.is_whitespace() || ",;()\"".contains(c)
}

/// Whether it is an address, with a port or without one.
fn is_address(word: &str) -> bool {
    let word = word.trim_end_matches(['.', ':']);
    word.parse::<IpAddr>().is_ok() || word.parse::<SocketAddr>().is_ok()
}

/// Adds a word with `#` for each number in it, its sign and unit included; a number behind a letter belongs to a name
/// (`FIN_WAIT_1`). Behind a number the plural is as good as the singular.
fn push_word(shape: &mut String, word: &str) {
    let counted = shape.ends_with("# ");
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        let signed = rest.strip_prefix(['+', '-']).filter(|_| rest.len() == word.len()).unwrap_or(rest);
        if signed.starts_with(|c: char| c.is_ascii_digit()) {
            let end = signed.char_indices().find(|&(at, c)| {
                // A decimal point stands before a digit.
                let point = c == '.' && signed[at + 1..].starts_with(|c: char| c.is_ascii_digit());
                !is_name(c) && !point
            });
            let end = end.map_or(signed.len(), |(at, _)| at);
            shape.push('#');
            rest = &signed[end..];
        } else if is_name(first) {
            let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            let singular = name.strip_suffix('s').filter(|singular| counted && singular.len() > 2);
            shape.push_str(singular.unwrap_or(name));
            rest = after;
        } else {
            // `client/#3` is the third connection of a client.
            if first != '#' {
                shape.push(first);
            }
            rest = &rest[first.len_utf8()..];
        }
    }
}

#[cfg(test)]
mod tests;

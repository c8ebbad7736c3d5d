//! What is wrong with an experiment, and where: file, line, column, path, message with its remedy.

use std::fmt;
use std::sync::Arc;

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the file, both counted from 1; a column is a character.
    File {
        /// Line.
        line: u32,
        /// Column.
        column: u32,
    },
    /// On the command line, in these words (for example `--set links.wire.delay=20ms`).
    Argument(Arc<str>),
}

impl Place {
    /// The first character of the file.
    pub(crate) const START: Self = Self::File { line: 1, column: 1 };
}

/// Why an experiment can't be run. Displays as `FILE:LINE:COLUMN: PATH: message`, or with the argument in the place of
/// the file's position.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ExperimentError {
    file: Arc<str>,
    place: Place,
    path: String,
    message: String,
}

impl ExperimentError {
    /// A file that can't be read at all.
    pub(crate) fn unreadable(file: &str, message: String) -> Self {
        Problem::new(Place::START, "", message).in_file(file)
    }

    /// Where the offending value stands.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Its path by names, for example `links.wire.delay`; empty for the file as a whole.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong and what to do about it.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for ExperimentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File { line, column } => write!(f, "{}:{line}:{column}: ", self.file)?,
            Place::Argument(words) => write!(f, "{words}: ")?,
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// An error before it knows its file. Boxed inside, so that results stay small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem(Box<(Place, String, String)>);

impl Problem {
    pub(crate) fn new(place: Place, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self(Box::new((place, path.into(), message.into())))
    }

    pub(crate) fn in_file(self, file: &str) -> ExperimentError {
        let (place, path, message) = *self.0;
        ExperimentError { file: file.into(), place, path: one_line(path), message: one_line(message) }
    }

    /// Says that the problem shows only in this case of the file.
    pub(crate) fn in_case(mut self, case: &str) -> Self {
        self.0.2.push_str(&format!(" (in case {case:?})"));
        self
    }

    /// The same problem with more to say about it.
    pub(crate) fn adding(mut self, words: &str) -> Self {
        self.0.2.push_str(words);
        self
    }

    /// The same problem of a part of the file, with the part's key in front of its path.
    pub(crate) fn inside(mut self, key: &str) -> Self {
        if matches!(self.0.0, Place::File { .. }) {
            let dot = if self.0.1.is_empty() { "" } else { "." };
            self.0.1 = format!("{key}{dot}{}", self.0.1);
        }
        self
    }

    /// The same problem, with the path of what led to it.
    pub(crate) fn at_path(mut self, path: &str) -> Self {
        self.0.1 = path.to_owned();
        self
    }
}

/// A message is one line, whatever a name in the file holds.
fn one_line(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}

/// The known word that `written` is most likely meant to be.
pub(crate) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(written);
    let allowed = (folded.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&folded, &fold(word)), word))
        .filter(|&(distance, word)| distance <= allowed || is_long_prefix(&folded, &fold(word)))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, word)| word)
}

/// Case and the choice of `-`, `_` or blank matter to nobody who misspells.
fn fold(word: &str) -> String {
    word.chars().map(|c| if matches!(c, '-' | ' ') { '_' } else { c.to_ascii_lowercase() }).collect()
}

fn is_long_prefix(written: &str, word: &str) -> bool {
    written.len() >= 4 && word.len() >= 4 && (word.starts_with(written) || written.starts_with(word))
}

/// `: did you mean "x"?`, or nothing.
pub(crate) fn did_you_mean<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(written, known).map(|word| format!(": did you mean {word:?}?")).unwrap_or_default()
}

/// `"a", "b", "c"`, cut after a dozen.
pub(crate) fn quoted_list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.into_iter().collect();
    let shown = if words.len() > LIST_MAX { LIST_MAX - 2 } else { words.len() };
    let mut text = words[..shown].iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ");
    if shown < words.len() {
        text.push_str(&format!(" and {} more", words.len() - shown));
    }
    text
}

const LIST_MAX: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line() {
        let problem = Problem::new(Place::START, "hosts.a\nb", "no \"ä\t\"");
        assert_eq!(problem.in_file("f").to_string(), "f:1:1: hosts.a\\nb: no \"ä\\t\"");
    }

    #[test]
    fn nearest_finds_slips_and_only_slips() {
        let keys = ["delay", "rate", "jitter", "may_be_unfinished"];
        assert_eq!(nearest("dely", keys), Some("delay"));
        assert_eq!(nearest("Delay", keys), Some("delay"));
        assert_eq!(nearest("may-be-unfinished", keys), Some("may_be_unfinished"));
        assert_eq!(nearest("colour", keys), None);
        assert_eq!(nearest("", keys), None);
    }
}

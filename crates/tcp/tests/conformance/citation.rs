//! Citations of requirements: where the product cites which, and which test.

use std::collections::{BTreeMap, BTreeSet};

use crate::item;
use crate::requirement::Label;
use crate::source::Source;

/// Everything that is cited.
#[derive(Clone, Debug, Default)]
pub(crate) struct Citations {
    places: BTreeMap<Label, BTreeSet<String>>,
    tests: BTreeMap<Label, BTreeSet<String>>,
}

impl Citations {
    pub(crate) fn read(sources: &[Source]) -> Self {
        let mut citations = Self::default();
        for source in sources {
            if source.is_test {
                citations.read_tests(source);
            } else {
                citations.read_product(source);
            }
        }
        citations
    }

    /// Where the product cites it.
    pub(crate) fn places(&self, label: Label) -> Vec<&str> {
        list(&self.places, label)
    }

    /// Which tests cite it.
    pub(crate) fn tests(&self, label: Label) -> Vec<&str> {
        list(&self.tests, label)
    }

    /// Citations of what is not `known`.
    pub(crate) fn unknown(&self, known: &BTreeSet<Label>) -> impl Iterator<Item = String> {
        self.places
            .iter()
            .chain(&self.tests)
            .filter(|(label, _)| !known.contains(label))
            .map(|(label, at)| format!("{label} in {}", at.iter().cloned().collect::<Vec<_>>().join(", ")))
    }

    fn read_product(&mut self, source: &Source) {
        for (at, line) in source.lines.iter().enumerate() {
            let Some((_, comment)) = line.split_once("//") else { continue };
            for label in labels(comment) {
                let place = match item::of_comment(&source.lines, at) {
                    Some(item) => format!("{}: {item}", source.name),
                    None => source.name.clone(),
                };
                self.places.entry(label).or_default().insert(place);
            }
        }
    }

    fn read_tests(&mut self, source: &Source) {
        let lines = &source.lines;
        for at in 0..lines.len() {
            if lines[at].trim() != "#[test]" {
                continue;
            }
            let above = (0..at).rev().take_while(|&line| is_head(&lines[line]));
            let below = (at + 1..lines.len()).take_while(|&line| is_head(&lines[line]));
            let head: Vec<usize> = above.chain(below).collect();
            let declaration = head.iter().max().map_or(at, |last| at.max(*last)) + 1;
            let Some(name) = lines.get(declaration).and_then(|line| item::function(line)) else { continue };
            if head.iter().any(|&line| lines[line].trim_start().starts_with("#[ignore")) {
                // It proves nothing.
                continue;
            }
            let comments =
                head.iter().filter_map(|&line| lines[line].split_once("//")).map(|(_, comment)| comment);
            for label in comments.flat_map(labels).chain(labels(&as_label(&name))) {
                self.tests.entry(label).or_default().insert(format!("{}: {name}", source.name));
            }
        }
    }
}

fn list(map: &BTreeMap<Label, BTreeSet<String>>, label: Label) -> Vec<&str> {
    map.get(&label).into_iter().flatten().map(String::as_str).collect()
}

/// A comment or an attribute.
fn is_head(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("//") || line.starts_with("#[")
}

/// `must_17_and_more` as `MUST-17 and more`.
fn as_label(name: &str) -> String {
    let mut text = format!("_{name}_");
    for level in Label::LEVELS {
        text = text.replace(&format!("_{}_", level.to_lowercase()), &format!(" {level}-"));
    }
    text.replace('_', " ")
}

/// All labels in a text, ranges like `MUST-51..53` and `MUST-30 to MUST-33` written out.
pub(crate) fn labels(text: &str) -> Vec<Label> {
    let mut found = Vec::new();
    for level in Label::LEVELS {
        let mark = format!("{level}-");
        for (start, _) in text.match_indices(&mark) {
            if text[..start].ends_with(|before: char| before.is_alphanumeric() || before == '-') {
                continue;
            }
            let Some((number, rest)) = number(&text[start + mark.len()..]) else { continue };
            let last = range_end(rest, &mark).unwrap_or(number);
            found.extend((number..=last).map(|number| Label { level, number }));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The last number of a range whose first was just read.
fn range_end(rest: &str, mark: &str) -> Option<u16> {
    let rest = rest.strip_prefix("..").or_else(|| rest.strip_prefix(" to "))?;
    number(rest.strip_prefix(mark).unwrap_or(rest)).map(|(number, _)| number)
}

fn number(text: &str) -> Option<(u16, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

#[test]
fn citations_are_understood() {
    let show = |text: &str| labels(text).iter().map(Label::to_string).collect::<Vec<_>>().join(" ");
    assert_eq!(show("RFC 9293 §3.7.4 (MUST-17)"), "MUST-17");
    assert_eq!(show("MUST-51..53, SHLD-24"), "MUST-51 MUST-52 MUST-53 SHLD-24");
    assert_eq!(show("MUST-30 to MUST-33"), "MUST-30 MUST-31 MUST-32 MUST-33");
    assert_eq!(show("§3.6.1 MAY-2 (2), REC-1."), "MAY-2 REC-1");
    assert_eq!(show("XMUST-1, MUST-x, a MUST"), "");
    assert_eq!(show(&as_label("must_17_nagle_is_off")), "MUST-17");
    assert_eq!(show(&as_label("it_may_wait")), "");
}

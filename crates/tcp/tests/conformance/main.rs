//! The requirements of RFC 9293: which rule has which place in the product and which test, checked, and written down in
//! `CONFORMANCE.md`.
//!
//! A place cites a requirement in a comment, a test in the comment above it or in its name. When a change is meant to
//! move a place: `UPDATE_GOLDEN=1 cargo test -p faultwire-tcp --test conformance`, and the file goes into the same
//! commit.

mod citation;
mod document;
mod item;
mod mutation;
mod requirement;
mod source;

use std::collections::{BTreeMap, BTreeSet};

use crate::citation::Citations;
use crate::requirement::{Label, Requirements};

/// What every test here begins with.
fn all() -> (Requirements, Citations) {
    (Requirements::read(), Citations::read(&source::all()))
}

#[test]
fn the_list_has_all_requirements_once() {
    let requirements = Requirements::read();
    let mut counts: BTreeMap<&str, Vec<u16>> = BTreeMap::new();
    for label in requirements.labels() {
        counts.entry(label.level).or_default().push(label.number);
    }
    for (level, last) in [("MUST", 69), ("SHLD", 31), ("MAY", 18), ("REC", 1)] {
        let mut numbers = counts.remove(level).unwrap_or_default();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=last).collect::<Vec<_>>(), "{level}");
    }
    assert!(counts.is_empty(), "{counts:?}");
}

/// A number that the RFC does not have is a slip of the pen.
#[test]
fn every_citation_is_of_a_requirement() {
    let (requirements, citations) = all();
    let known: BTreeSet<Label> = requirements.labels().collect();
    let wrong: Vec<String> = citations.unknown(&known).collect();
    assert!(wrong.is_empty(), "no such requirement:\n{}", wrong.join("\n"));
}

#[test]
fn every_requirement_has_a_place_and_a_test() {
    let (requirements, citations) = all();
    let mut faults = Vec::new();
    for it in requirements.iter() {
        let (places, tests) = (citations.places(it.label), citations.tests(it.label));
        for (what, found) in [("place", places), ("test", tests)] {
            match (it.is_excused(what), found.is_empty()) {
                (false, true) => faults.push(format!("{} has no {what}: {}", it.label, it.statement)),
                (true, false) => {
                    faults.push(format!(
                        "{} is excused from a {what} and has one: {}",
                        it.label,
                        found.join(", ")
                    ));
                }
                _ => {}
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_document_is_in_step() {
    let (requirements, citations) = all();
    let text = document::write(&requirements, &citations);
    let path = source::root().join("crates/tcp/CONFORMANCE.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text).expect("the document can be written");
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    for (line, (now, before)) in text.lines().zip(known.lines()).enumerate() {
        assert_eq!(
            now,
            before,
            "line {} of CONFORMANCE.md; see the head of this file for the remedy",
            line + 1
        );
    }
    assert_eq!(text.lines().count(), known.lines().count(), "CONFORMANCE.md has other lines");
}

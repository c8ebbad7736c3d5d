//! `CONFORMANCE.md`: one table for each group of requirements.

use std::fmt::Write as _;

use crate::citation::Citations;
use crate::requirement::{Requirement, Requirements};

const HEAD: &str = "\
# Conformance to RFC 9293

Every requirement of RFC 9293, Appendix B: what it says (in our words), where the product does it and which test proves
it. Places are crate, file and item; tests are crate, file and function. This file is generated from the citations in
the sources, and the test `conformance` of this crate fails when it is out of date.

That a test notices when its rule is gone is tried for 30 requirements, which a seed chooses: `tests/rules/mutations.txt`
has the edits, and `cargo test -p faultwire-tcp --test conformance -- --ignored` makes them one at a time in a copy.
";

/// The whole document.
pub(crate) fn write(requirements: &Requirements, citations: &Citations) -> String {
    let mut text = String::from(HEAD);
    let total = requirements.iter().count();
    let done = |it: &Requirement| {
        it.excuse.is_none() && !citations.places(it.label).is_empty() && !citations.tests(it.label).is_empty()
    };
    let both = requirements.iter().filter(|it| done(it)).count();
    let left: Vec<String> =
        requirements.iter().filter(|it| !done(it)).map(|it| it.label.to_string()).collect();
    writeln!(text, "\n{both} of {total} are done, with a place and a test. The others: {}.", left.join(", "))
        .expect(STRING);
    let mut group = "";
    for it in requirements.iter() {
        if it.group != group {
            group = it.group;
            writeln!(text, "\n## {group}\n").expect(STRING);
            writeln!(text, "| Requirement | Level | § | Statement | Place | Test |").expect(STRING);
            writeln!(text, "|---|---|---|---|---|---|").expect(STRING);
        }
        let Requirement { label, level, section, statement, .. } = it;
        let places = cell(&citations.places(*label), it, "place");
        let tests = cell(&citations.tests(*label), it, "test");
        writeln!(text, "| {label} | {level} | {section} | {statement} | {places} | {tests} |").expect(STRING);
    }
    text
}

fn cell(found: &[&str], it: &Requirement, what: &str) -> String {
    let list = found.iter().map(|at| format!("`{at}`")).collect::<Vec<_>>().join("<br>");
    match (it.excuse, it.refusal()) {
        (Some((_, reason)), _) if it.is_excused(what) => format!("left out because {reason}"),
        (_, Some(reason)) => format!("left out because {reason}; refused: {list}"),
        _ => list,
    }
}

const STRING: &str = "a string takes everything";

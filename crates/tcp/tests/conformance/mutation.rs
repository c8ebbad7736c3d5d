//! Are the citations worth anything? A rule that is taken out of the product must make a test fail that cites it.
//!
//! Which rules are tried is not ours to choose: the requirements that are done, in the order of Appendix B, are shuffled
//! with SplitMix64 from the seed 9293 (element `i` changes places with element `i + next % (rest)`), and the first 30 are
//! taken. `rules/mutations.txt` says how each of these is taken out and which test has to fail.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::citation::Citations;
use crate::requirement::{Label, Requirements};
use crate::source;

const SEED: u64 = 9293;
const CHOSEN: usize = 30;

/// How one rule is taken out, and what has to notice it.
#[derive(Clone, Debug)]
struct Mutation {
    label: Label,
    edits: Vec<Edit>,
    /// Arguments of `cargo test`, without the name.
    binary: Vec<String>,
    /// The test's name, modules and all.
    test: String,
}

#[derive(Clone, Debug, Default)]
struct Edit {
    file: String,
    from: String,
    to: String,
}

impl Edit {
    /// The file's text after the edit.
    fn apply(&self, root: &Path) -> String {
        let path = root.join(&self.file);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", self.file));
        let count = text.matches(&self.from).count();
        assert_eq!(
            count, 1,
            "rules/mutations.txt is out of date: in {} this stands {count} times:\n{}",
            self.file, self.from
        );
        text.replace(&self.from, &self.to)
    }
}

fn mutations() -> Vec<Mutation> {
    include_str!("../rules/mutations.txt").split("\n\n").filter_map(mutation).collect()
}

fn mutation(block: &str) -> Option<Mutation> {
    let mut lines = block.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let first = lines.next()?;
    let label = Label::parse(first).unwrap_or_else(|| panic!("{first}: no label"));
    let mut edits: Vec<Edit> = Vec::new();
    for line in lines {
        let (word, rest) = line.split_once(' ').unwrap_or_else(|| panic!("{label}: {line}"));
        let append = |text: &mut String| {
            text.push_str(rest);
            text.push('\n');
        };
        match word {
            "file" => edits.push(Edit { file: rest.into(), ..Edit::default() }),
            "from" => append(&mut edits.last_mut().expect("a file comes first").from),
            "to" => append(&mut edits.last_mut().expect("a file comes first").to),
            "test" => {
                let mut binary: Vec<String> = rest.split(' ').map(String::from).collect();
                let test = binary.pop().expect("a name");
                return Some(Mutation { label, edits, binary, test });
            }
            _ => panic!("{label}: {line}"),
        }
    }
    panic!("{label} has no test")
}

/// The requirements that the seed chooses.
fn chosen() -> Vec<Label> {
    let requirements = Requirements::read();
    let mut labels: Vec<Label> =
        requirements.iter().filter(|it| it.excuse.is_none()).map(|it| it.label).collect();
    let mut state = SEED;
    for place in 0..CHOSEN {
        let other = place + (split_mix(&mut state) % (labels.len() - place) as u64) as usize;
        labels.swap(place, other);
    }
    labels.truncate(CHOSEN);
    labels
}

/// Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014).
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[test]
fn the_mutations_are_those_that_the_seed_chooses() {
    let listed: Vec<Label> = mutations().iter().map(|mutation| mutation.label).collect();
    assert_eq!(listed, chosen());
}

/// Every edit still fits its file, changes it, and is to be noticed by a test that cites the requirement.
#[test]
fn the_mutations_fit_the_sources() {
    let citations = Citations::read(&source::all());
    for mutation in mutations() {
        for edit in &mutation.edits {
            let before = fs::read_to_string(source::root().join(&edit.file)).expect("a source");
            assert_ne!(edit.apply(&source::root()), before, "{}", mutation.label);
        }
        let name = mutation.test.rsplit("::").next().expect("a name");
        let cited = citations.tests(mutation.label);
        let fits = cited.iter().any(|test| test.ends_with(&format!(": {name}")));
        assert!(fits, "{} is not cited by {name}, but by {cited:?}", mutation.label);
    }
}

/// The long one: takes out one rule after the other in a copy of the workspace and runs the tests. Each passes in the
/// copy as it is, and fails without its rule.
#[test]
#[ignore = "builds the workspace 30 times; run it by `cargo test -p faultwire-tcp --test conformance -- --ignored`"]
fn without_the_rule_its_test_fails() {
    let copy = std::env::temp_dir().join(format!("faultwire-rules-{}", std::process::id()));
    copy_workspace(&source::root(), &copy);
    let mut unnoticed = Vec::new();
    for mutation in mutations() {
        assert_eq!(run(&copy, &mutation), Verdict::Passed, "{}: {} as it is", mutation.label, mutation.test);
    }
    for mutation in mutations() {
        let mut before = Vec::new();
        for edit in &mutation.edits {
            let path = copy.join(&edit.file);
            let text = edit.apply(&copy);
            before.push((path.clone(), fs::read_to_string(&path).expect("a source")));
            fs::write(&path, text).expect("the copy can be written");
        }
        let verdict = run(&copy, &mutation);
        println!("{}: {} {verdict:?}", mutation.label, mutation.test);
        if verdict != Verdict::Failed {
            unnoticed.push(format!("{}: {} {verdict:?}", mutation.label, mutation.test));
        }
        for (path, text) in before.into_iter().rev() {
            fs::write(&path, text).expect("the copy can be written");
        }
    }
    fs::remove_dir_all(&copy).expect("the copy can be removed");
    assert!(unnoticed.is_empty(), "nobody noticed:\n{}", unnoticed.join("\n"));
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Passed,
    Failed,
    /// It was not built, or there is no such test.
    NotRun,
}

fn run(copy: &Path, mutation: &Mutation) -> Verdict {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| source::root().join("target"), PathBuf::from);
    let output = Command::new(env!("CARGO"))
        .arg("test")
        .args(&mutation.binary)
        .args(["--", "--exact", &mutation.test])
        .current_dir(copy)
        // Apart from other builds, which would take what is built here for their own.
        .env("CARGO_TARGET_DIR", target.join("rules"))
        .output()
        .expect("cargo runs");
    let text = String::from_utf8_lossy(&output.stdout);
    if text.contains("1 passed; 0 failed") {
        Verdict::Passed
    } else if text.contains("0 passed; 1 failed") {
        Verdict::Failed
    } else {
        println!("{text}\n{}", String::from_utf8_lossy(&output.stderr));
        Verdict::NotRun
    }
}

/// What a build needs: the manifests, the crates, the benchmarks, the experiments.
fn copy_workspace(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder for the copy");
    for entry in fs::read_dir(from).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        let name = path.file_name().expect("a name").to_owned();
        if path.is_dir() {
            if name != "target" && name != ".git" {
                copy_workspace(&path, &to.join(name));
            }
        } else {
            fs::copy(&path, to.join(name)).expect("a readable file");
        }
    }
}

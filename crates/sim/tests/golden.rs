//! Every file in `configs/`, `configs/scenarios/` and `configs/hunts/` passes in all cases, and its fingerprints are the known ones
//! (DESIGN D6).
//!
//! When a change is meant to move fingerprints: `UPDATE_GOLDEN=1 cargo test -p faultwire-sim --test golden`, and the
//! difference goes into the same commit with the reason.

mod experiments;
mod goldens;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use faultwire_sim::experiment::{Overrides, load};
use faultwire_sim::plan::Experiment;
use faultwire_sim::record::Silent;
use faultwire_sim::report::Outcome;
use faultwire_sim::run::{Judging, run_case};

fn load_config(path: &Path) -> Experiment {
    load(path, &Overrides::default()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_case_of_every_lesson_passes_with_its_known_fingerprint() {
    let lessons = experiments::lessons();
    assert!(lessons.len() >= 5, "configs/ holds {} files", lessons.len());
    compare_with_golden(&lessons, "fingerprints.txt");
}

#[test]
fn every_case_of_every_scenario_passes_with_its_known_fingerprint() {
    compare_with_golden(&experiments::scenarios(), "scenarios.txt");
}

#[test]
fn every_case_of_every_hunt_passes_with_its_known_fingerprint() {
    compare_with_golden(&experiments::hunts(), "hunts.txt");
}

fn compare_with_golden(files: &[PathBuf], golden: &str) {
    let mut table = String::new();
    let mut failures = Vec::new();
    for path in files {
        let file = experiments::name_of(path);
        for case in &load_config(path).cases {
            let run = run_case(case, Judging::default(), &mut Silent);
            if run.report.outcome != Outcome::Passed {
                failures.push(format!("{file}, case {}: {:#?}", case.name, run.report.failures));
            }
            writeln!(table, "{file} | {} | {} | {}", case.name, run.report.events, run.fingerprint)
                .expect("a string takes everything");
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    goldens::compare(&format!("golden/{golden}"), &table);
}

#[test]
fn every_file_teaches_and_has_a_negative_control() {
    for path in experiments::all() {
        let experiment = load_config(&path);
        let name = experiments::name_of(&path);
        assert_eq!(experiment.name, name, "the experiment is called like its file");
        assert!(experiment.description.len() >= 70, "{name}: the description is too short to teach");
        let controls = experiment.cases.iter().filter(|case| !case.must_fail.is_empty()).count();
        assert!(controls > 0, "{name} has no case in which something must fail");
    }
}

/// `configs/scenarios/s65-ecn.json`: the number that STANDARDS gives the scenario, and what it shows.
#[test]
fn scenarios_are_called_by_number() {
    for path in experiments::scenarios() {
        let name = experiments::name_of(&path);
        let number = name.strip_prefix('s').and_then(|rest| rest.split_once('-')).map(|(number, _)| number);
        assert!(
            number.is_some_and(|number| number.len() == 2 && number.parse::<u8>().is_ok()),
            "{name}: a scenario is called like s65-ecn"
        );
    }
}

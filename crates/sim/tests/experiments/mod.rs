//! Where the experiments that come with the project stand.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use faultwire_sim::oracle::{OracleName, OracleResult};
use faultwire_sim::plan::{Case, Check, Expectation};

/// The lessons: every file of `configs/`, in the order of names.
pub(crate) fn lessons() -> Vec<PathBuf> {
    experiments_in("configs")
}

/// The numbered scenarios: every file of `configs/scenarios/`, in the order of names.
pub(crate) fn scenarios() -> Vec<PathBuf> {
    experiments_in("configs/scenarios")
}

/// The hunts: general experiments, one for each family of faults, in the order of names.
#[allow(dead_code, reason = "each test binary takes what it needs")]
pub(crate) fn hunts() -> Vec<PathBuf> {
    experiments_in("configs/hunts")
}

/// Lessons, then scenarios.
#[allow(dead_code, reason = "each test binary takes what it needs")]
pub(crate) fn all() -> Vec<PathBuf> {
    let mut files = lessons();
    files.extend(scenarios());
    files
}

/// The file's name without `.json`, which is also the experiment's.
#[allow(dead_code, reason = "each test binary takes what it needs")]
pub(crate) fn name_of(path: &Path) -> String {
    path.file_stem().expect("a name").to_string_lossy().into_owned()
}

fn experiments_in(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
}

/// Has a case ask for every law of conformance; how its own expectations end doesn't matter then.
#[allow(dead_code, reason = "each test binary takes what it needs")]
pub(crate) fn under_all_laws(case: &mut Case) {
    let plan = Arc::make_mut(&mut case.plan);
    for oracle in OracleName::CONFORMANCE {
        plan.expectations.push(Expectation {
            name: format!("lawful: {oracle}").into(),
            text: format!("oracle {oracle}, result held"),
            check: Check::Oracle { oracle, result: OracleResult::Held },
        });
    }
}

//! Runs the cases of an experiment and judges them.

use faultwire_base::Instant;

use crate::failure::{Cluster, Failure};
use crate::fingerprint::Fingerprint;
use crate::judge;
use crate::plan::{Case, Experiment};
use crate::record::Sink;
use crate::report::{CaseReport, Outcome, Report, SCHEMA_VERSION};
use crate::tables;
use crate::world::{End, World};

/// How a run is judged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Judging {
    /// Whether a hazard fails a case that does not expect it.
    pub hazards_fail: bool,
}

/// A case after its run.
#[derive(Clone, Debug)]
pub struct CaseRun {
    /// What is told about it.
    pub report: CaseReport,
    /// Fingerprint of the run.
    pub fingerprint: Fingerprint,
    /// Virtual time at its end.
    pub end: Instant,
    /// Why it failed; the sentences stand in the report as well.
    pub failures: Vec<Failure>,
}

impl CaseRun {
    /// What it has in common with other runs that failed in the same way; `None` if it passed.
    pub fn cluster(&self) -> Option<Cluster> {
        Cluster::of(&self.failures)
    }
}

/// Runs one case; `sink` sees every record.
pub fn run_case<S: Sink>(case: &Case, judging: Judging, sink: &mut S) -> CaseRun {
    let mut world = World::new(&case.plan);
    let end = world.run(sink);
    finish_case(case, &world, &end, judging)
}

/// Judges a world that has come to its end.
pub fn finish_case(case: &Case, world: &World, end: &End, judging: Judging) -> CaseRun {
    let fingerprint = world.fingerprint();
    let verdict = judge::judge(case, world, end, judging);
    let failures = verdict.failures.clone();
    let report = tables::case_report(case, world, fingerprint, verdict);
    CaseRun { report, fingerprint, end: world.now(), failures }
}

/// As [`finish_case`], without the report: how the case ended, and why it failed.
pub fn judge_case(case: &Case, world: &World, end: &End, judging: Judging) -> (Outcome, Vec<Failure>) {
    let verdict = judge::judge(case, world, end, judging);
    (verdict.outcome, verdict.failures)
}

/// Puts the cases of a run together.
pub fn report(experiment: &Experiment, cases: Vec<CaseRun>) -> Report {
    let named = cases.iter().map(|case| (case.report.name.as_str(), case.fingerprint));
    let fingerprint = Fingerprint::of_cases(named).to_string();
    let outcome = cases.iter().map(|case| case.report.outcome).max_by_key(|outcome| *outcome as u8);
    Report {
        schema_version: SCHEMA_VERSION,
        faultwire_version: env!("CARGO_PKG_VERSION"),
        name: experiment.name.clone(),
        seed: experiment.cases.first().map_or(0, |case| case.plan.seed),
        experiment_digest: experiment.digest.clone(),
        fingerprint,
        outcome: outcome.unwrap_or(Outcome::Passed),
        cases: cases.into_iter().map(|case| case.report).collect(),
    }
}

//! Proof of the determinism contract by running again (DESIGN D1, D4, D7, D9).

use std::thread;

use crate::fingerprint::Fingerprint;
use crate::plan::Case;
use crate::record::{Record, Silent, Sink};
use crate::world::World;

/// What `verify` found for one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verification {
    /// All runs agree.
    Same(Fingerprint),
    /// Two runs differ.
    Differs {
        /// Which comparison failed.
        what: &'static str,
        /// The first record that differs, as both runs have it.
        first: Box<Difference>,
    },
}

/// The first record in which two runs differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its number, from 1.
    pub number: usize,
    /// As one run has it; `None` past its end.
    pub one: Option<String>,
    /// As the other run has it.
    pub other: Option<String>,
}

/// Keeps every record as text.
#[derive(Clone, Debug, Default)]
struct Transcript {
    lines: Vec<String>,
}

impl Sink for Transcript {
    fn record(&mut self, record: &Record<'_>) {
        self.lines.push(format!("{record:?}"));
    }
}

/// Points of a run at which the world is cloned.
const CLONES: u64 = 50;

/// Runs a case silently twice, captured, beside itself on other threads, and from clones taken on the way.
pub fn verify_case(case: &Case) -> Verification {
    let first = silent(case);
    if silent(case) != first {
        return differs("two silent runs", case);
    }
    let (captured, steps) = captured(case);
    if captured != first {
        return differs("a silent and a captured run", case);
    }
    let beside: Vec<Fingerprint> = thread::scope(|scope| {
        let runs: Vec<_> = (0..2).map(|_| scope.spawn(|| silent(case))).collect();
        runs.into_iter().map(|run| run.join().expect("a run panicked")).collect()
    });
    if beside.iter().any(|&fingerprint| fingerprint != first) {
        return differs("a run alone and runs side by side on other threads", case);
    }
    if clones(case, steps).iter().any(|&fingerprint| fingerprint != first) {
        return differs("a run and a run that goes on from a clone of the world", case);
    }
    Verification::Same(first)
}

/// Fingerprints of runs that go on from clones of the world, taken at up to fifty points spread over the run.
pub fn clones(case: &Case, steps: u64) -> Vec<Fingerprint> {
    let every = (steps / CLONES).max(1);
    let mut world = World::new(&case.plan);
    let mut step = 0u64;
    let mut ends = Vec::new();
    loop {
        if step.is_multiple_of(every) && (ends.len() as u64) < CLONES {
            let mut clone = world.clone();
            clone.run(&mut Silent);
            ends.push(clone.fingerprint());
        }
        step += 1;
        if world.step(&mut Silent).is_some() {
            return ends;
        }
    }
}

fn silent(case: &Case) -> Fingerprint {
    let mut world = World::new(&case.plan);
    world.run(&mut Silent);
    world.fingerprint()
}

fn captured(case: &Case) -> (Fingerprint, u64) {
    let mut world = World::new(&case.plan);
    let mut trace = crate::output::Trace::new();
    let mut steps = 0;
    while world.step(&mut trace).is_none() {
        steps += 1;
    }
    (world.fingerprint(), steps)
}

/// Runs twice more with transcripts to show where runs part.
fn differs(what: &'static str, case: &Case) -> Verification {
    let transcript = || {
        let mut world = World::new(&case.plan);
        let mut transcript = Transcript::default();
        world.run(&mut transcript);
        transcript.lines
    };
    let (one, other) = (transcript(), transcript());
    let number = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
    let first =
        Difference { number: number + 1, one: one.get(number).cloned(), other: other.get(number).cloned() };
    Verification::Differs { what, first: Box::new(first) }
}

//! One thread of a sweep: runs a seed in every cell, with worlds that are kept from seed to seed.

use super::{CaseResult, Cell, Drawn, SeedResult, Settings, Swarming};
use crate::experiment;
use crate::failure::Failure;
use crate::plan::Case;
use crate::record::Silent;
use crate::report::Outcome;
use crate::run::judge_case;
use crate::world::World;

/// Worlds that a thread keeps; in a larger grid all others are built anew for each seed, so that memory stays flat.
const WORLDS_KEPT: usize = 256;

/// What one thread has.
pub(super) struct Worker<'a> {
    cells: &'a [Cell],
    settings: &'a Settings,
    /// By number of the case over all cells; `None` before its first run and after a panic.
    worlds: Vec<Option<World>>,
}

impl<'a> Worker<'a> {
    pub(super) fn new(cells: &'a [Cell], settings: &'a Settings) -> Self {
        Self { cells, settings, worlds: Vec::new() }
    }

    /// Runs the seed in every cell; also tells how many events that were.
    pub(super) fn run(&mut self, seed: u64) -> (Vec<SeedResult>, u64) {
        let (mut number, mut events) = (0, 0);
        let mut results = Vec::with_capacity(self.cells.len());
        for (index, cell) in self.cells.iter().enumerate() {
            let result = match &cell.swarm {
                None => {
                    let cases = &cell.experiment.cases;
                    let cases = (number..).zip(cases).map(|(number, case)| self.run_case(case, number, seed));
                    SeedResult { seed, cell: index, drawn: None, cases: cases.collect() }
                }
                Some(swarming) => self.run_drawn(index, cell, swarming, seed),
            };
            number += result.cases.len();
            events += result.cases.iter().map(|case| case.events).sum::<u64>();
            results.push(result);
        }
        (results, events)
    }

    /// Reads the experiment with what the seed draws, and runs it: every seed has a plan of its own.
    fn run_drawn(&self, index: usize, cell: &Cell, swarming: &Swarming, seed: u64) -> SeedResult {
        let overrides = cell.experiment.swarm.draw(&swarming.overrides, seed);
        let drawn = Drawn {
            set: overrides.set[swarming.overrides.set.len()..].to_vec(),
            without: overrides.without[swarming.overrides.without.len()..].to_vec(),
        };
        let cases = match experiment::parse(&swarming.text, &swarming.file_name, &overrides) {
            Ok(experiment) => {
                experiment.cases.iter().map(|case| self.caught(case, &mut None, seed)).collect()
            }
            // What the seed drew contradicts the file or itself.
            Err(error) => {
                let cases = cell.experiment.cases.iter();
                cases.map(|_| impossible(error.to_string(), self.settings)).collect()
            }
        };
        SeedResult { seed, cell: index, drawn: Some(drawn), cases }
    }

    fn run_case(&mut self, case: &Case, number: usize, seed: u64) -> CaseResult {
        if self.worlds.len() <= number && number < WORLDS_KEPT {
            self.worlds.resize_with(number + 1, || None);
        }
        // Taken out, so that a world that has panicked is not used again.
        let mut kept = self.worlds.get_mut(number).and_then(Option::take);
        let result = self.caught(case, &mut kept, seed);
        if let Some(place) = self.worlds.get_mut(number) {
            *place = kept;
        }
        result
    }

    /// Runs a case in the world that was `kept`, or in a new one. It is kept again unless it panicked.
    fn caught(&self, case: &Case, kept: &mut Option<World>, seed: u64) -> CaseResult {
        let mut result = None;
        let caught = (self.settings.catch)(&mut || {
            let mut world = match kept.take() {
                Some(mut world) => {
                    world.reset(seed);
                    world
                }
                None => World::with_seed(&case.plan, seed),
            };
            result = Some(finish(case, &mut world, self.settings));
            *kept = Some(world);
        });
        match (caught, result) {
            (Ok(()), Some(result)) => result,
            (caught, _) => {
                let message = caught.err().unwrap_or_else(|| "no message".to_owned());
                impossible(format!("internal error: {message}"), self.settings)
            }
        }
    }
}

fn finish(case: &Case, world: &mut World, settings: &Settings) -> CaseResult {
    let end = world.run(&mut Silent);
    let (outcome, failures) = judge_case(case, world, &end, settings.judging);
    CaseResult {
        outcome,
        fingerprint: Some(world.fingerprint()),
        events: world.events(),
        failures,
        metrics: settings.metrics.iter().map(|metric| metric.of(world)).collect(),
    }
}

/// The result of a case that could not be run to its end.
fn impossible(sentence: String, settings: &Settings) -> CaseResult {
    CaseResult {
        outcome: Outcome::Error,
        fingerprint: None,
        events: 0,
        failures: vec![Failure::new(Failure::ERROR, sentence)],
        metrics: vec![None; settings.metrics.len()],
    }
}

//! One thread of a sweep: runs a seed in every cell, with worlds that are kept from seed to seed.

use super::{CaseResult, Cell, SeedResult, Settings};
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
        for (cell, planned) in self.cells.iter().enumerate() {
            let mut cases = Vec::with_capacity(planned.experiment.cases.len());
            for case in &planned.experiment.cases {
                let result = self.run_case(case, number, seed);
                number += 1;
                events += result.events;
                cases.push(result);
            }
            results.push(SeedResult { seed, cell, cases });
        }
        (results, events)
    }

    fn run_case(&mut self, case: &Case, number: usize, seed: u64) -> CaseResult {
        if self.worlds.len() <= number && number < WORLDS_KEPT {
            self.worlds.resize_with(number + 1, || None);
        }
        // Taken out, so that a world that has panicked is not used again.
        let mut kept = self.worlds.get_mut(number).and_then(Option::take);
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
            kept = Some(world);
        });
        if let Some(place) = self.worlds.get_mut(number) {
            *place = kept;
        }
        match (caught, result) {
            (Ok(()), Some(result)) => result,
            (caught, _) => panicked(caught.err(), self.settings),
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

fn panicked(message: Option<String>, settings: &Settings) -> CaseResult {
    let message = message.unwrap_or_else(|| "no message".to_owned());
    CaseResult {
        outcome: Outcome::Error,
        fingerprint: None,
        events: 0,
        failures: vec![Failure::new(Failure::ERROR, format!("internal error: {message}"))],
        metrics: vec![None; settings.metrics.len()],
    }
}

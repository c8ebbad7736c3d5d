//! What decides what the lines of a sweep say, as one short word.

use xxhash_rust::xxh3::Xxh3;

use super::{Cell, Settings};
use crate::fingerprint::FINGERPRINT_NAME;

/// Sixteen hexadecimal digits that are the same for two sweeps only if, seed for seed, their lines are: they stand for
/// the version, the experiment and recording of each cell, in a swarm also its file and the command line's changes, the
/// judging and the metrics. The seeds and the number of
/// threads are no part of it.
pub fn identity(cells: &[Cell], settings: &Settings) -> String {
    let mut digest = Xxh3::new();
    let mut absorb = |text: &str| {
        digest.update(&(text.len() as u64).to_le_bytes());
        digest.update(text.as_bytes());
    };
    absorb(env!("CARGO_PKG_VERSION"));
    absorb(FINGERPRINT_NAME);
    absorb(if settings.judging.hazards_fail { "hazards fail" } else { "hazards are reported" });
    for metric in &settings.metrics {
        absorb(metric.name());
    }
    for cell in cells {
        absorb("cell");
        absorb(&cell.experiment.digest);
        for (path, value) in &cell.parameters {
            absorb(path);
            absorb(value);
        }
        for case in &cell.experiment.cases {
            absorb(&case.name);
            if let Some(recording) = &case.plan.recording {
                absorb(&format!("{recording:?}"));
            }
        }
        if let Some(swarming) = &cell.swarm {
            // What the command line sets is not drawn, even where it says what the file says.
            absorb(&format!("{:?} {:?}", cell.experiment.swarm, swarming.overrides));
            absorb(&String::from_utf8_lossy(&swarming.text));
        }
    }
    format!("{:016x}", digest.digest())
}

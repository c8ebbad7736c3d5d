//! Every script fails when what it expects is changed in one place: a flag, a number, an option, a time, a result. So each
//! of them proves what it says. Mutants that live are listed in `mutants/survivors.txt`, with the reason.

#[path = "mutants/mutation.rs"]
mod mutation;
#[path = "mutants/sites.rs"]
mod sites;
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use faultwire_script::{Settings, Verdict, play};

use support::{Cell, cells, on_all_threads};

/// Mutants of each script and stack, if it has so many places to change.
const MUTANTS: usize = 8;
/// Mutants that it must have.
const MUTANTS_LEAST: usize = 5;

/// What became of the mutants of one script.
struct Outcome {
    killed: usize,
    survivors: Vec<String>,
}

#[test]
fn no_changed_script_passes() {
    let cells = cells();
    let outcomes = on_all_threads(&cells, outcome);
    let listed = listed();
    let lived: BTreeSet<String> = outcomes.iter().flat_map(|outcome| outcome.survivors.clone()).collect();
    let unlisted: Vec<_> = lived.difference(&listed).collect();
    assert!(unlisted.is_empty(), "{} mutants live:\n{unlisted:#?}", unlisted.len());
    let stale: Vec<_> = listed.difference(&lived).collect();
    assert!(stale.is_empty(), "listed as survivors, but dead:\n{stale:#?}");
    for (cell, outcome) in cells.iter().zip(&outcomes) {
        let mutants = outcome.killed + outcome.survivors.len();
        assert!(mutants >= MUTANTS_LEAST, "{}: only {mutants} places to change", cell.name);
    }
    let killed: usize = outcomes.iter().map(|outcome| outcome.killed).sum();
    println!("{} scripts and stacks, {killed} mutants died, {} live", cells.len(), lived.len());
}

/// Mutants are chosen by a generator that the script's name seeds. One that makes it say something unknown is none.
fn outcome(cell: &Cell) -> Outcome {
    let script = cell.script();
    let mut sites = sites::sites(&script);
    let mut random = SplitMix64::of(&cell.name);
    let settings = Settings { profile: Some(cell.profile), strict: true, ..Settings::default() };
    let mut outcome = Outcome { killed: 0, survivors: Vec::new() };
    while !sites.is_empty() && outcome.killed + outcome.survivors.len() < MUTANTS {
        let site = sites.swap_remove(random.below(sites.len()));
        let mut mutant = script.clone();
        let what = mutation::apply(&mut mutant, &site);
        match play(&mutant, &settings).verdict {
            Verdict::Fail(_) => outcome.killed += 1,
            Verdict::Skip(_) => {}
            Verdict::Pass => {
                let line = script.events[site.event].at.line;
                outcome.survivors.push(format!(
                    "{} ({}) line {line}: {what}",
                    cell.name,
                    cell.profile.name()
                ));
            }
        }
    }
    outcome
}

/// The list of survivors: `SCRIPT (STACK) line N: MUTATION # REASON`.
fn listed() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mutants/survivors.txt");
    let text = fs::read_to_string(path).expect("the list of survivors");
    let entries = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    entries
        .map(|line| {
            let (mutant, reason) = line.split_once(" # ").expect("a mutant, then a reason");
            assert!(reason.trim().len() > 10, "{line}: why does it live?");
            mutant.trim().to_owned()
        })
        .collect()
}

/// Steele, Lea and Flood's generator.
struct SplitMix64(u64);

impl SplitMix64 {
    /// Seeded by a name, octet by octet (FNV-1a).
    fn of(name: &str) -> Self {
        let mix = |seed: u64, octet: u8| (seed ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3);
        Self(name.bytes().fold(0xcbf2_9ce4_8422_2325, mix))
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}

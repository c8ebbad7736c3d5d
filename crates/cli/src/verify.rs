//! `faultwire verify`: proves that runs repeat to the bit.

use faultwire_sim::experiment;
use faultwire_sim::verify::{Verification, verify_case};
use indicatif::{ProgressBar, ProgressDrawTarget};

use crate::arguments::VerifyArguments;
use crate::status::Status;
use crate::worker::Ending;
use crate::{loading, panic_report, terminal, worker};

/// What was found for one seed: each case with its verification.
struct SeedResult {
    seed: u64,
    cases: Vec<(String, Verification)>,
}

pub(crate) fn verify(arguments: &VerifyArguments) -> anyhow::Result<Status> {
    let selection = arguments.selection.clone();
    let first = loading::load(&selection.file, &selection.overrides(None))?;
    let own_seed = first.cases.first().map_or(0, |case| case.plan.seed);
    let seeds: Vec<u64> = arguments.seeds.map_or_else(|| vec![own_seed], |seeds| seeds.iter().collect());
    let count = seeds.len();
    let progress = ProgressBar::with_draw_target(Some(count as u64), ProgressDrawTarget::stderr());
    let mut status = Status::Held;
    let results = move |give: &mut dyn FnMut(anyhow::Result<SeedResult>)| {
        for seed in seeds {
            panic_report::note_seed(seed);
            let result = experiment::load(&selection.file, &selection.overrides(Some(seed)));
            give(result.map_err(Into::into).map(|experiment| SeedResult {
                seed,
                cases: (experiment.cases.iter()).map(|case| (case.name.clone(), verify_case(case))).collect(),
            }));
        }
    };
    let ending = worker::work(results, |result| {
        let (text, same) = describe(&result?);
        progress.suspend(|| terminal::print(&text))?;
        progress.inc(1);
        if !same {
            status = Status::Internal;
        }
        Ok(())
    })?;
    progress.finish_and_clear();
    match ending {
        Ending::Interrupted => return Ok(Status::Interrupted),
        Ending::Panicked => return Ok(Status::Internal),
        Ending::Done => {}
    }
    let plural = if count == 1 { "" } else { "s" };
    if status == Status::Held {
        terminal::note(&format!("{count} seed{plural}: every run repeats to the bit"));
    } else {
        terminal::note(&format!(
            "{count} seed{plural}: runs differ. This is a bug of faultwire; please report it at {}/issues",
            env!("CARGO_PKG_REPOSITORY")
        ));
    }
    Ok(status)
}

/// The lines of a seed, and whether all its runs agree.
fn describe(result: &SeedResult) -> (String, bool) {
    let mut text = String::new();
    let mut same = true;
    for (case, verification) in &result.cases {
        match verification {
            Verification::Same(fingerprint) => {
                text.push_str(&format!("seed {}  same     {fingerprint}  {case}\n", result.seed));
            }
            Verification::Differs { what, first } => {
                same = false;
                let record =
                    |record: &Option<String>| record.clone().unwrap_or_else(|| "(nothing more)".into());
                text.push_str(&format!(
                    "seed {}  DIFFERS  {case}: {what}\n  first at record {}:\n  one:   {}\n  other: {}\n",
                    result.seed,
                    first.number,
                    record(&first.one),
                    record(&first.other),
                ));
            }
        }
    }
    (text, same)
}

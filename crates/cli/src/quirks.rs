//! `faultwire quirks`: the historical bugs that a host can have, and how fast general experiments find each of them.

mod bench;
mod tell;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::bail;
use clap::{Args, ValueHint};
use faultwire_sim::plan::Quirk;

use crate::arguments::Seeds;
use crate::status::Status;
use crate::terminal;
use crate::worker::{self, Ending};

#[derive(Debug, Args)]
#[command(after_help = "\
Without --hunts it lists them. With --hunts it puts each quirk into either host of every experiment of \
FOLDER, goes through the seeds (each draws from the file's \"swarm\") until something fails, shrinks that \
failure, and sees that what is left fails as it did, and passes once the quirk is taken out again.

  faultwire quirks
  faultwire quirks --hunts configs/hunts --seeds 0..2000
  faultwire quirks --hunts configs/hunts --seeds 0..2000 --quirk sack_reneging --out found

The table is the same for any number of threads, but for the column of times.
Exit status: 0 every quirk was found, and its shrunk experiment is what it should be; 1 one was not; \
130 interrupted.")]
pub(crate) struct QuirksArguments {
    /// Folder of experiments with the hosts "client" and "server"
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath, requires = "seeds")]
    hunts: Option<PathBuf>,
    /// Seeds: A..B without B, A..=B with it
    #[arg(long, value_name = "A..B", requires = "hunts")]
    seeds: Option<Seeds>,
    /// Only this quirk; may be given several times
    #[arg(long = "quirk", value_name = "NAME")]
    quirks: Vec<String>,
    /// Threads; otherwise one for each core. The results are the same for any number
    #[arg(long, short, value_name = "N", requires = "hunts")]
    jobs: Option<NonZeroUsize>,
    /// Folder for the shrunk experiments, QUIRK.json; it is made if it is not there
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "hunts")]
    out: Option<PathBuf>,
}

pub(crate) fn quirks(arguments: &QuirksArguments) -> anyhow::Result<Status> {
    let quirks = selected(&arguments.quirks)?;
    let (Some(hunts), Some(seeds)) = (&arguments.hunts, arguments.seeds) else {
        terminal::print(&tell::list(&quirks))?;
        return Ok(Status::Held);
    };
    let bench = Arc::new(bench::Bench::new(hunts, seeds, arguments.jobs)?);
    if let Some(out) = &arguments.out {
        bench::claim(out, &bench, &quirks)?;
    }
    terminal::print(&tell::head(&bench))?;
    let (mut hunted, mut found) = (0, 0);
    let ending = worker::work(rows(bench, quirks.clone()), |(quirk, row)| {
        let row = row?;
        if let (Some(out), Some(kept)) = (&arguments.out, row.experiment()) {
            bench::keep(out, quirk, kept)?;
        }
        hunted += 1;
        found += usize::from(row.is_good());
        Ok(terminal::print(&tell::row(quirk, &row))?)
    })?;
    match ending {
        Ending::Panicked => return Ok(Status::Internal),
        Ending::Interrupted => {
            let all = quirks.len();
            terminal::note(&format!(
                "interrupted: {hunted} of {all} quirks were hunted, {found} of them found"
            ));
            return Ok(Status::Interrupted);
        }
        Ending::Done => {}
    }
    terminal::print(&format!("\n{found} of {} found\n", quirks.len()))?;
    Ok(if found == quirks.len() { Status::Held } else { Status::Failed })
}

/// A quirk, and what became of it.
type Hunted = (Quirk, anyhow::Result<bench::Row>);

/// The work: one quirk after the other.
fn rows(
    bench: Arc<bench::Bench>,
    quirks: Vec<Quirk>,
) -> impl FnOnce(&mut dyn FnMut(Hunted)) + Send + 'static {
    move |give| quirks.into_iter().for_each(|quirk| give((quirk, bench.hunt(quirk))))
}

fn selected(names: &[String]) -> anyhow::Result<Vec<Quirk>> {
    if names.is_empty() {
        return Ok(Quirk::ALL.to_vec());
    }
    let mut quirks = Vec::new();
    for name in names {
        let Ok(quirk) = name.parse() else {
            bail!("--quirk {name}: there is no such quirk; `faultwire quirks` lists them");
        };
        quirks.push(quirk);
    }
    Ok(quirks)
}

//! `faultwire sweep`: the same experiment for many seeds, a line for each, and what can be said of all of them.

mod arguments;
mod columns;
mod grid;
mod lines;
mod tell;

use std::io;
use std::ops::{ControlFlow, RangeInclusive};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::bail;
use faultwire_sim::run::Judging;
use faultwire_sim::sweep::{self, Cell, Line, Metric, SeedResult, Settings, Summary};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

pub(crate) use arguments::SweepArguments;
use columns::Columns;
use lines::{Left, Lines};

use crate::arguments::Hazards;
use crate::pending_file::same_file;
use crate::status::Status;
use crate::worker::{self, Ending};
use crate::{loading, panic_report, repeat, terminal};

pub(crate) fn sweep(arguments: &SweepArguments) -> anyhow::Result<Status> {
    let cells = grid::cells(arguments)?;
    loading::tell_undrawn(cells.iter().map(|cell| &cell.experiment));
    let settings = settings(arguments, &cells)?;
    let identity = sweep::identity(&cells, &settings);
    let mut summary =
        Summary::new(cells.iter().map(|cell| cell.experiment.cases.len()), settings.metrics.len());
    let (output, left) = open(arguments, &identity, (&cells, &settings.metrics), &mut summary)?;
    let progress = progress(arguments, &left);
    let kept = Arc::new(Mutex::new(Kept { output: Some(output), summary, progress, trouble: None }));
    let work = Work { cells, settings, identity };
    let rest = rest(arguments, &left);
    let ending = match rest.clone() {
        None => Ending::Done,
        Some(seeds) => {
            let (work, kept) = (work.clone(), Arc::clone(&kept));
            worker::work(move |_: &mut dyn FnMut(())| work.run(seeds, &kept), |()| Ok(()))?
        }
    };
    // After an interrupt the threads may go on; with the lock in our hands nothing of theirs is kept any more.
    let mut kept = locked(&kept);
    kept.progress.finish_and_clear();
    kept.finish()?;
    if ending == Ending::Panicked {
        return Ok(Status::Internal);
    }
    let text = tell::summary(&tell::Told { arguments, work: &work, summary: &kept.summary });
    if arguments.out.is_some() {
        terminal::print(&text)?
    } else {
        terminal::note(text.trim_end())
    }
    Ok(match ending {
        Ending::Interrupted => {
            terminal::note(&interrupted(arguments, kept.summary.seeds()));
            Status::Interrupted
        }
        _ if kept.summary.failing() == 0 => Status::Held,
        _ => Status::Failed,
    })
}

fn settings(arguments: &SweepArguments, cells: &[Cell]) -> anyhow::Result<Settings> {
    let mut metrics: Vec<Metric> = Vec::new();
    for name in &arguments.metrics {
        let metric = Metric::parse(name, cells.iter().map(|cell| &cell.experiment));
        let metric = metric.map_err(|error| anyhow::anyhow!("--metric {name}: {error}"))?;
        if metrics.contains(&metric) {
            bail!("--metric {name}: it is there twice");
        }
        metrics.push(metric);
    }
    let default = Settings::default();
    Ok(Settings {
        jobs: arguments.jobs.unwrap_or(default.jobs),
        judging: Judging { hazards_fail: arguments.hazards == Hazards::Fail },
        metrics,
        until_failure: arguments.until_failure,
        catch: panic_report::caught_in_a_sentence,
    })
}

/// Opens the output, once everything else is known to be good.
fn open(
    arguments: &SweepArguments,
    identity: &str,
    (cells, metrics): (&[Cell], &[Metric]),
    summary: &mut Summary,
) -> anyhow::Result<(Output, Left)> {
    let Some(path) = &arguments.out else {
        return Ok((Output::Lines(Lines::to_stdout()), Left::default()));
    };
    if same_file(path, &arguments.selection.file) {
        bail!("--out {}: that is the experiment itself", path.display());
    }
    if is_parquet(path) {
        if arguments.resume {
            bail!(
                "--resume: a Parquet file can't be gone on with; write lines instead, --out {}, which can",
                repeat::quoted(&path.with_extension("jsonl").display().to_string())
            );
        }
        let columns = Box::new(Columns::claim(path, cells, metrics)?);
        return Ok((Output::Columns(columns), Left::default()));
    }
    let first = arguments.seeds.first;
    let left =
        if arguments.resume { lines::left(path, identity, cells, first, summary)? } else { Left::default() };
    if u128::from(left.seeds) > u128::from(arguments.seeds.last - first) + 1 {
        bail!("{}: it has {} seeds already, more than --seeds asks for", path.display(), left.seeds);
    }
    Ok((Output::Lines(Lines::to_file(path, left.octets)?), left))
}

/// The seeds that are left to run.
fn rest(arguments: &SweepArguments, left: &Left) -> Option<RangeInclusive<u64>> {
    if arguments.until_failure && left.last_failed {
        return None;
    }
    let first = arguments.seeds.first.checked_add(left.seeds)?;
    (first <= arguments.seeds.last).then_some(first..=arguments.seeds.last)
}

/// What an interrupted sweep has left, and how to go on.
fn interrupted(arguments: &SweepArguments, done: u64) -> String {
    let again = match &arguments.out {
        Some(path) if is_parquet(path) => format!(
            "{} has what was done, but a Parquet file can't be gone on with; lines can: --out {}",
            path.display(),
            repeat::quoted(&path.with_extension("jsonl").display().to_string())
        ),
        Some(_) => {
            let resume = if arguments.resume { "" } else { " --resume" };
            format!("it goes on with\n  {}{resume}", repeat::own_command())
        }
        None => "with --out FILE.jsonl it could go on later, by --resume".to_owned(),
    };
    format!("interrupted after {done} of {} seeds: {again}", arguments.seeds.count())
}

fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "parquet")
}

/// A bar on standard error, if that is a terminal on which no lines appear.
fn progress(arguments: &SweepArguments, left: &Left) -> ProgressBar {
    if arguments.out.is_none() && terminal::width().is_some() {
        return ProgressBar::hidden();
    }
    let count = (arguments.seeds.last - arguments.seeds.first).saturating_add(1);
    let bar = ProgressBar::with_draw_target(Some(count), ProgressDrawTarget::stderr());
    let template = "{wide_bar} {human_pos} of {human_len} seeds, {per_sec}, {eta} left";
    bar.set_style(ProgressStyle::with_template(template).expect("the template is well formed"));
    bar.set_position(left.seeds);
    bar.reset_eta();
    bar
}

/// What is to be run.
#[derive(Clone)]
struct Work {
    cells: Vec<Cell>,
    settings: Settings,
    identity: String,
}

impl Work {
    fn run(&self, seeds: RangeInclusive<u64>, kept: &Mutex<Kept>) {
        sweep::run_cells(&self.cells, seeds, &self.settings, |results| locked(kept).keep(self, results));
    }
}

/// Where results go.
enum Output {
    Lines(Lines),
    Columns(Box<Columns>),
}

/// What has been done, which an interrupt must not lose.
struct Kept {
    /// `None` once all is over.
    output: Option<Output>,
    summary: Summary,
    progress: ProgressBar,
    trouble: Option<io::Error>,
}

fn locked(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kept {
    /// Keeps the results of one seed.
    fn keep(&mut self, work: &Work, results: &[SeedResult]) -> ControlFlow<()> {
        let mut outcomes = Vec::with_capacity(results.len());
        for result in results {
            let line = Line::of(&work.identity, result, &work.cells[result.cell], &work.settings.metrics);
            let written = match &mut self.output {
                Some(Output::Lines(lines)) => lines.write(&line),
                Some(Output::Columns(columns)) => columns.write(&line),
                None => return ControlFlow::Break(()),
            };
            if let Err(error) = written {
                self.trouble = Some(error);
                return ControlFlow::Break(());
            }
            outcomes.push(line);
        }
        let outcomes: Vec<_> = outcomes.iter().map(Line::outcomes).collect();
        self.summary.add(results[0].seed, &outcomes);
        self.progress.inc(1);
        ControlFlow::Continue(())
    }

    /// Writes out what waits. A reader that has gone away is no error: nobody wants the rest.
    fn finish(&mut self) -> anyhow::Result<()> {
        let result = match (self.trouble.take(), self.output.take()) {
            (Some(trouble), _) => Err(trouble),
            (None, Some(Output::Lines(mut lines))) => lines.finish(),
            (None, Some(Output::Columns(columns))) => return columns.finish(),
            (None, None) => Ok(()),
        };
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result.map_err(|error| anyhow::anyhow!("writing what was found: {error}")),
        }
    }
}

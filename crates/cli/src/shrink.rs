//! `faultwire shrink`: from a failing seed to the little that makes it fail.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail};
use faultwire_base::Instant;
use faultwire_sim::experiment::Overrides;
use faultwire_sim::run::Judging;
use faultwire_sim::shrink::{Cut, Failing, Measure, Progress, Settings, Shrunk};
use indicatif::{ProgressBar, ProgressStyle};

use crate::arguments::{Hazards, ShrinkArguments};
use crate::pending_file::{PendingFile, same_file};
use crate::repeat::{self, quoted};
use crate::stats::Stopwatch;
use crate::status::Status;
use crate::terminal::{self, Paint};
use crate::{loading, panic_report};

pub(crate) fn shrink(arguments: &ShrinkArguments) -> anyhow::Result<Status> {
    let selection = &arguments.selection;
    let experiment = loading::load(&selection.file, &selection.overrides(arguments.seed))?;
    let seed = experiment.cases.first().map_or(0, |case| case.plan.seed);
    panic_report::note_seed(seed);
    refuse(arguments)?;
    let settings = Settings {
        jobs: arguments.jobs.map_or(0, NonZeroUsize::get),
        tries_max: arguments.tries,
        judging: Judging { hazards_fail: arguments.hazards == Hazards::Fail },
        catch: panic_report::caught_in_a_sentence,
    };
    let failing = Failing::find(&experiment, selection.case.as_deref(), seed, &settings)?;
    let files = Files::claim(&arguments.out)?;
    let interrupted = interrupts(files.partials())?;
    let mut teller = Teller::new(arguments.quiet);
    let shrunk = failing.shrink(|progress| {
        teller.tell(progress);
        if interrupted.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    teller.finish();
    files.write(&shrunk, &command(arguments, shrunk.seed))?;
    if !arguments.quiet {
        terminal::print(&told(&shrunk, arguments, Paint::for_stdout()))?;
    }
    if let Some(panicked) = &shrunk.panicked {
        terminal::note(&panic_report::of_candidate(panicked));
    }
    Ok(match shrunk.cut {
        Some(Cut::Interrupted) => {
            let folder = arguments.out.display();
            terminal::note(&format!("interrupted: {folder} holds the best so far, which may shrink further"));
            Status::Interrupted
        }
        Some(Cut::Tries) => {
            let (tries, folder) = (arguments.tries, arguments.out.display());
            terminal::note(&format!(
                "stopped after {tries} tries: {folder} holds the best so far; a larger --tries may shrink it further"
            ));
            Status::Held
        }
        None => Status::Held,
    })
}

/// The command that was given, ready to paste, with its seed.
fn command(arguments: &ShrinkArguments, seed: u64) -> String {
    let selection = &arguments.selection;
    let command =
        repeat::command("shrink", &selection.file, &selection.overrides(Some(seed)), arguments.hazards);
    format!("{command} --out {}", quoted(&arguments.out.display().to_string()))
}

/// A folder is wanted, and the experiment must not be overwritten: told before anything runs.
fn refuse(arguments: &ShrinkArguments) -> anyhow::Result<()> {
    let (out, file) = (&arguments.out, &arguments.selection.file);
    if out.exists() && !out.is_dir() {
        bail!("can't write into {}: it is a file; --out names a folder", out.display());
    }
    if [MINIMAL, REPLAY].iter().any(|name| same_file(&out.join(name), file)) {
        bail!(
            "--out {}: that would overwrite {}, which is what is to be shrunk; name another folder",
            out.display(),
            file.display()
        );
    }
    Ok(())
}

/// An interrupt often comes twice: to the process, and to its group.
const ONE_INTERRUPT_NANOS: u64 = 1_000_000_000;

/// Set by the first Ctrl-C; a second one after that ends the command at once, and takes away what is half written.
fn interrupts(partials: Vec<PathBuf>) -> anyhow::Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    let mut first: Option<Stopwatch> = None;
    ctrlc::set_handler(move || {
        flag.store(true, Ordering::Relaxed);
        if first.get_or_insert_with(Stopwatch::start).nanos() > ONE_INTERRUPT_NANOS {
            for partial in &partials {
                // Nothing can be done about a left-over that can't be removed.
                let _ = fs::remove_file(partial);
            }
            process::exit(130);
        }
    })?;
    Ok(interrupted)
}

/// The files of the result.
struct Files {
    out: PathBuf,
    minimal: PendingFile,
    replay: PendingFile,
}

impl Files {
    /// Makes the folder and makes sure that it can be written.
    fn claim(out: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(out).with_context(|| format!("can't make {}", out.display()))?;
        Ok(Self {
            out: out.to_owned(),
            minimal: PendingFile::claim(&out.join(MINIMAL))?,
            replay: PendingFile::claim(&out.join(REPLAY))?,
        })
    }

    /// What is there while nothing is written yet.
    fn partials(&self) -> Vec<PathBuf> {
        [&self.minimal, &self.replay]
            .into_iter()
            .filter_map(PendingFile::partial)
            .map(Path::to_owned)
            .collect()
    }

    fn write(mut self, shrunk: &Shrunk, command: &str) -> anyhow::Result<()> {
        let replay = shrunk.replay(command);
        self.replay.write(|out| out.write_all(replay.as_bytes()))?;
        self.replay.finish()?;
        if let Some(minimal) = &shrunk.minimal {
            self.minimal.write(|out| out.write_all(minimal.as_bytes()))?;
            return self.minimal.finish();
        }
        // One of an earlier shrink would be taken for this one's.
        let stale = self.out.join(MINIMAL);
        if stale.is_file() {
            fs::remove_file(stale).context("removing an older minimal.json")
        } else {
            Ok(())
        }
    }
}

const MINIMAL: &str = "minimal.json";
const REPLAY: &str = "replay.json";
/// Decisions of chance without a name that are told one by one.
const DECISIONS_SHOWN: usize = 20;

/// Tells how far it is: a bar to a terminal, else a line where something new begins.
struct Teller {
    bar: Option<ProgressBar>,
    quiet: bool,
    phase: &'static str,
}

impl Teller {
    fn new(quiet: bool) -> Self {
        let bar = (!quiet && io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template("{spinner} {msg}  {elapsed}");
            ProgressBar::new_spinner().with_style(style.expect("the template is one"))
        });
        Self { bar, quiet, phase: "" }
    }

    fn tell(&mut self, progress: &Progress) {
        if let Some(bar) = &self.bar {
            bar.set_message(line(progress));
            bar.tick();
        } else if !self.quiet && self.phase != progress.phase {
            terminal::note(&line(progress));
        }
        self.phase = progress.phase;
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn line(progress: &Progress) -> String {
    let Progress { phase, before, now, tried } = progress;
    format!(
        "shrinking {phase}: {} of {} decisions of chance, {} of {} faults, {} of {} apps, {} of {} steps; {tried} tried",
        now.decisions,
        before.decisions,
        now.faults,
        before.faults,
        now.apps,
        before.apps,
        now.steps,
        before.steps
    )
}

/// The result for a person: what failed, a table of what there was and what is left, the faults that are left.
fn told(shrunk: &Shrunk, arguments: &ShrinkArguments, paint: Paint) -> String {
    let mut text = format!("{} with seed {}", paint.strong(&shrunk.name), shrunk.seed);
    if shrunk.case != shrunk.name {
        text.push_str(&format!(", case {}", shrunk.case));
    }
    text.push_str(&format!(", cluster {}\n", shrunk.cluster.id()));
    for failure in &shrunk.failures {
        text.push_str(&format!("  {}\n", paint.bad(&failure.sentence)));
    }
    text.push_str(&format!("\n  {:<16}{:>14}{:>16}\n", "", "was", "is left"));
    for (what, was, left) in rows(&shrunk.before, &shrunk.after) {
        text.push_str(&format!("  {what:<16}{was:>14}{left:>16}\n"));
    }
    text.push_str(&format!("  {:<16}{:>14}\n\n", "tries", shrunk.tried));
    let by_chance = shrunk.by_chance();
    if shrunk.faults.is_empty() && by_chance.is_empty() {
        text.push_str("No fault is needed: it fails without any.\n");
    }
    for (index, (name, what)) in shrunk.faults.iter().enumerate() {
        text.push_str(&format!("{}. {}: {what}\n", index + 1, paint.strong(name)));
    }
    for (index, what) in by_chance.iter().take(DECISIONS_SHOWN).enumerate() {
        let number = shrunk.faults.len() + index + 1;
        text.push_str(&format!("{number}. {}: {what}\n", paint.strong("by chance")));
    }
    if by_chance.len() > DECISIONS_SHOWN {
        text.push_str(&format!("and {} more things that chance did\n", by_chance.len() - DECISIONS_SHOWN));
    }
    let run = |name: &str| {
        let path = arguments.out.join(name);
        repeat::command("run", &path, &Overrides::default(), arguments.hazards)
    };
    if shrunk.minimal.is_some() {
        text.push_str(&format!("\n{} --timeline\n", run(MINIMAL)));
    } else {
        text.push_str(&format!(
            "\nThere is no {MINIMAL}: no named fault does what one of these decisions of chance does, or they are too many to name.\n"
        ));
    }
    text.push_str(&format!("{}\n", run(REPLAY)));
    text
}

fn rows(before: &Measure, after: &Measure) -> Vec<(&'static str, String, String)> {
    let counts = [
        ("chance decided", before.decisions, after.decisions),
        ("named faults", before.faults, after.faults),
        ("hosts, routers", before.nodes, after.nodes),
        ("links", before.links, after.links),
        ("apps", before.apps, after.apps),
        ("steps", before.steps, after.steps),
        ("expectations", before.expectations, after.expectations),
        ("packets", before.packets, after.packets),
    ];
    let time = |nanos: u64| Instant::from_nanos(nanos).to_string();
    let counts = counts.into_iter().filter(|(_, was, left)| was + left > 0);
    let counts = counts.map(|(what, was, left)| (what, was.to_string(), left.to_string()));
    counts.chain([("virtual time", time(before.end_ns), time(after.end_ns))]).collect()
}

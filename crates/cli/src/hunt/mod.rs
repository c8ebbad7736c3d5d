//! `faultwire hunt`: sweeps seeds, then shrinks and explains each way to fail, and leaves a folder of tickets.

mod evidence;
mod folder;
mod index;

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueHint};
use faultwire_sim::experiment::{self, Overrides};
use faultwire_sim::hunt::{Evidence, Found, Tally, title};
use faultwire_sim::plan::Experiment;
use faultwire_sim::run::Judging;
use faultwire_sim::shrink::{self, Progress};
use faultwire_sim::sweep::{self, Cell, Swarming};
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::arguments::{Hazards, Seeds, Selection};
use crate::status::Status;
use crate::terminal::{self, Paint};
use crate::worker::{self, Ending};
use crate::{loading, panic_report, repeat, text};
use evidence::Ticket;
use folder::Folder;
use index::{Entry, index};

#[derive(Clone, Debug, Args)]
#[command(after_help = "\
DIR must be empty or absent. It gets a README.md that lists every way to fail, and for the most frequent \
ones a folder each, with TICKET.md for a maintainer, minimal.json (the smallest experiment that fails so), \
replay.json (the run as it was found), capture.pcapng, and script.pkt where an end can be scripted.

Exit status: 0 no seed fails; 1 tickets were left; 2 bad input, nothing written; 130 interrupted, what was \
finished is kept.")]
pub(crate) struct HuntArguments {
    #[command(flatten)]
    selection: Selection,
    /// Seeds: A..B without B, A..=B with it
    #[arg(long, value_name = "A..B")]
    seeds: Seeds,
    /// The folder for the tickets, empty or absent
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: PathBuf,
    /// Threads; otherwise one for each core. The results are the same for any number
    #[arg(long, short, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Each seed also draws what the file's `swarm` says
    #[arg(long)]
    swarm: bool,
    /// Tickets at most, for the most frequent ways to fail; the others are listed
    #[arg(long, value_name = "N", default_value_t = 10)]
    clusters: usize,
    /// Runs at most that are tried to shrink one failure
    #[arg(long, value_name = "N", default_value_t = shrink::Settings::default().tries_max)]
    tries: u64,
    /// What a hazard (harm that the protocol permits) does to a case that does not expect it
    #[arg(long, value_name = "WHAT", value_enum, default_value = "report")]
    hazards: Hazards,
}

/// What the work tells as it goes.
enum News {
    Swept(Tally),
    /// The ticket of a way to fail, by its place in the list, or why there is none.
    Ticket(usize, Result<Box<Ticket>, String>),
}

pub(crate) fn hunt(arguments: &HuntArguments) -> anyhow::Result<Status> {
    let quarry = Quarry::read(arguments)?;
    let folder = Folder::claim(&arguments.out)?;
    let teller = Teller { paint: Paint::for_stdout(), seeds: arguments.seeds.count() };
    let mut entries: Vec<Entry> = Vec::new();
    let mut tally = None;
    let work = quarry.clone();
    let ending = worker::work(
        move |give| work.hunt(give),
        |news| {
            match news {
                News::Swept(swept) => {
                    terminal::print(&teller.swept(&swept))?;
                    entries = swept.found().into_iter().map(|found| quarry.entry(found)).collect();
                    tally = Some(swept);
                }
                News::Ticket(index, ticket) => {
                    let entry = &mut entries[index];
                    match ticket {
                        Ok(ticket) => {
                            let name = folder.write(index + 1, &ticket)?;
                            terminal::print(&teller.ticket(
                                &arguments.out.join(&name),
                                &ticket,
                                &entry.found,
                            ))?;
                            entry.written(name, &ticket);
                        }
                        Err(why) => {
                            terminal::note(&format!("{}: no ticket: {why}", title(&entry.found)));
                            entry.missing = Some(why);
                        }
                    }
                }
            }
            Ok(())
        },
    )?;
    let finished = ending == Ending::Done;
    match &tally {
        Some(tally) if !entries.is_empty() => {
            folder.index(&index(&quarry.experiment, &repeat::own_command(), tally, &entries, finished))?;
        }
        _ => folder.give_back(),
    }
    Ok(match ending {
        Ending::Interrupted => {
            let tickets = entries.iter().filter(|entry| entry.folder.is_some()).count();
            terminal::note(&format!(
                "interrupted: {tickets} finished tickets in {}",
                arguments.out.display()
            ));
            Status::Interrupted
        }
        Ending::Panicked => Status::Internal,
        Ending::Done if entries.is_empty() => Status::Held,
        Ending::Done => Status::Failed,
    })
}

/// What is hunted in, and how.
#[derive(Clone)]
struct Quarry {
    arguments: HuntArguments,
    experiment: Experiment,
    /// The file as it is, which is read again for each seed that is looked at.
    text: Arc<[u8]>,
}

impl Quarry {
    fn read(arguments: &HuntArguments) -> anyhow::Result<Self> {
        let selection = &arguments.selection;
        let experiment = loading::load(&selection.file, &selection.overrides(Some(arguments.seeds.first)))?;
        if arguments.swarm && experiment.swarm.is_empty() {
            anyhow::bail!(
                "--swarm: {} has no \"swarm\" that says what varies from seed to seed",
                selection.file.display()
            );
        }
        let text = std::fs::read(&selection.file)?.into();
        Ok(Self { arguments: arguments.clone(), experiment, text })
    }

    fn judging(&self) -> Judging {
        Judging { hazards_fail: self.arguments.hazards == Hazards::Fail }
    }

    fn file_name(&self) -> String {
        self.arguments.selection.file.display().to_string()
    }

    /// The sweep, then a ticket for each of the most frequent ways to fail.
    fn hunt(&self, give: &mut dyn FnMut(News)) {
        let tally = self.sweep();
        let found = tally.found();
        give(News::Swept(tally));
        for (index, found) in found.iter().take(self.arguments.clusters).enumerate() {
            panic_report::note_seed(found.smallest.seed);
            let ticket = panic_report::caught(|| self.ticket(found)).unwrap_or_else(Err);
            give(News::Ticket(index, ticket.map(Box::new)));
        }
    }

    fn sweep(&self) -> Tally {
        let HuntArguments { selection, seeds, jobs, swarm, .. } = &self.arguments;
        let mut settings = sweep::Settings { judging: self.judging(), ..sweep::Settings::default() };
        settings.catch = |work| panic_report::caught(work);
        settings.jobs = jobs.unwrap_or(settings.jobs);
        let swarming = swarm.then(|| Swarming {
            text: Arc::clone(&self.text),
            file_name: self.file_name().into(),
            overrides: selection.overrides(None),
        });
        let cell = Cell { parameters: Vec::new(), experiment: self.experiment.clone(), swarm: swarming };
        let bar = ProgressBar::with_draw_target(Some(seeds.count()), ProgressDrawTarget::stderr());
        let style = "{bar:32} {pos} of {len} seeds, {per_sec}, {eta} left  {msg}";
        bar.set_style(ProgressStyle::with_template(style).expect("the template is one"));
        let mut tally = Tally::of(&self.experiment);
        sweep::run_cells(&[cell], seeds.first..=seeds.last, &settings, |results| {
            results.iter().for_each(|result| tally.add(result));
            bar.inc(1);
            if tally.failing() > 0 {
                bar.set_message(format!("{} fail", HumanCount(tally.failing())));
            }
            ControlFlow::Continue(())
        });
        bar.finish_and_clear();
        tally
    }

    /// The experiment as the smallest run of a cluster ran it.
    fn experiment_of(&self, found: &Found) -> Result<Experiment, String> {
        let overrides = self.overrides_of(found);
        experiment::parse(&self.text, &self.file_name(), &overrides).map_err(|error| error.to_string())
    }

    /// What is changed in the file for the smallest run of a cluster, with what its seed drew.
    fn overrides_of(&self, found: &Found) -> Overrides {
        let seen = &found.smallest;
        let mut overrides = self.arguments.selection.overrides(Some(seen.seed));
        if let Some(drawn) = &seen.drawn {
            overrides.set.extend(drawn.set.iter().cloned());
            overrides.without.extend(drawn.without.iter().cloned());
        }
        overrides
    }

    fn ticket(&self, found: &Found) -> Result<Ticket, String> {
        let experiment = self.experiment_of(found)?;
        let settings = shrink::Settings {
            jobs: self.arguments.jobs.map_or(0, NonZeroUsize::get),
            tries_max: self.arguments.tries,
            judging: self.judging(),
            catch: panic_report::caught_in_a_sentence,
        };
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(
            ProgressStyle::with_template("{spinner} {msg}  {elapsed}").expect("the template is one"),
        );
        let evidence = Evidence::gather(&experiment, found, &settings, |progress| {
            bar.set_message(shrinking(found, progress));
            bar.tick();
            ControlFlow::Continue(())
        });
        bar.finish_and_clear();
        let evidence = evidence.map_err(|error| error.to_string())?;
        if let Some(panicked) = &evidence.shrunk.panicked {
            terminal::note(&panic_report::of_candidate(panicked));
        }
        Ok(evidence::ticket(
            &experiment,
            found,
            &evidence,
            self.judging(),
            (&repeat::own_command(), &self.original(found)),
        ))
    }

    fn entry(&self, found: Found) -> Entry {
        let command = self.original(&found);
        Entry { found, command, folder: None, faults: None, missing: None }
    }

    /// The command that runs the smallest run of a cluster again.
    fn original(&self, found: &Found) -> String {
        let mut overrides = self.overrides_of(found);
        let is_one_of_several = self.experiment.cases.len() > 1 || overrides.case.is_some();
        overrides.case = is_one_of_several.then(|| found.smallest.case.clone());
        repeat::command(&self.arguments.selection.file, &overrides, self.arguments.hazards)
    }
}

fn shrinking(found: &Found, progress: &Progress) -> String {
    let Progress { phase, before, now, tried } = progress;
    let left = |was: u64, is: u64| format!("{is} of {was}");
    format!(
        "{}: shrinking {phase}, {} decisions and {} faults left, {tried} tried",
        title(found),
        left(before.decisions, now.decisions),
        left(before.faults, now.faults),
    )
}

/// Tells a person what was found.
struct Teller {
    paint: Paint,
    seeds: u64,
}

impl Teller {
    fn swept(&self, tally: &Tally) -> String {
        let seeds = HumanCount(self.seeds);
        let plural = if self.seeds == 1 { "" } else { "s" };
        let found = tally.found();
        match found.len() {
            0 => self.paint.good(&format!("{seeds} seed{plural}: none fails")) + "\n",
            ways => {
                let way = if ways == 1 { "1 way".to_owned() } else { format!("{ways} ways") };
                let fail = if tally.failing() == 1 { "fails" } else { "fail" };
                let line =
                    format!("{} of {seeds} seed{plural} {fail}, in {way}", HumanCount(tally.failing()));
                self.paint.bad(&line) + "\n"
            }
        }
    }

    fn ticket(&self, path: &std::path::Path, ticket: &Ticket, found: &Found) -> String {
        let mut out = format!("\n{}\n", self.paint.strong(&path.join("TICKET.md").display().to_string()));
        text::indented(
            &mut out,
            "  ",
            &format!("{}: {} of {} seeds", title(found), found.seeds.count, found.seeds.of),
        );
        for sentence in &ticket.failures {
            text::indented(&mut out, "  ", sentence);
        }
        text::indented(&mut out, "  ", &ticket.left());
        out
    }
}

//! `faultwire hunt`: sweeps seeds, then shrinks and explains each way to fail, and leaves a folder of tickets.

mod evidence;
mod folder;
mod index;

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

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
ones a folder each, with TICKET.md for a maintainer, minimal.json (the smallest experiment that fails so; \
where no named fault does what chance did, minimal-replay.json, a replay file, in its place), \
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
    let mut desk = Desk {
        folder: Folder::claim(&arguments.out)?,
        teller: Teller { paint: Paint::for_stdout() },
        entries: Vec::new(),
        tally: None,
        quarry: quarry.clone(),
    };
    let ending = worker::work(move |give| quarry.hunt(give), |news| desk.take(news))?;
    desk.close(ending)
}

/// What has come in, and where it is written down.
struct Desk {
    quarry: Quarry,
    folder: Folder,
    teller: Teller,
    entries: Vec<Entry>,
    tally: Option<Tally>,
}

impl Desk {
    fn take(&mut self, news: News) -> anyhow::Result<()> {
        match news {
            News::Swept(tally) => self.swept(tally),
            News::Ticket(index, Ok(ticket)) => {
                let entry = &mut self.entries[index];
                let name = self.folder.write(index + 1, &ticket)?;
                let path = self.quarry.arguments.out.join(&name);
                terminal::print(&self.teller.ticket(&path, &ticket, &entry.found))?;
                entry.written(name, &ticket);
                Ok(())
            }
            News::Ticket(index, Err(why)) => {
                let entry = &mut self.entries[index];
                terminal::note(&format!("{}: no ticket: {why}", title(&entry.found)));
                entry.missing = Some(why);
                Ok(())
            }
        }
    }

    fn swept(&mut self, tally: Tally) -> anyhow::Result<()> {
        terminal::print(&self.teller.swept(&tally))?;
        self.entries = tally.found().into_iter().map(|found| self.quarry.entry(found)).collect();
        self.tally = Some(tally);
        Ok(())
    }

    /// Writes the list of what was found, also of a sweep that was interrupted.
    fn close(mut self, ending: Ending) -> anyhow::Result<Status> {
        if self.tally.is_none() && ending != Ending::Done {
            match self.quarry.seen() {
                seen if seen.failing() > 0 => self.swept(seen)?,
                seen => self.tally = Some(seen),
            }
        }
        let planned = self.quarry.arguments.seeds.count();
        let swept = self.tally.as_ref().map_or(0, Tally::seeds);
        let unfinished = match ending {
            Ending::Done => None,
            _ if swept < planned => {
                Some(format!("after {swept} of {planned} seeds, before any ticket was made"))
            }
            _ => Some("before all tickets were made".to_owned()),
        };
        match &self.tally {
            Some(tally) if !self.entries.is_empty() => {
                let experiment = &self.quarry.experiment;
                let command = repeat::own_command();
                self.folder.index(&index(
                    experiment,
                    &command,
                    tally,
                    &self.entries,
                    unfinished.as_deref(),
                ))?;
            }
            _ => self.folder.give_back(),
        }
        Ok(match ending {
            Ending::Interrupted => {
                terminal::note(&self.interrupted(swept, planned));
                Status::Interrupted
            }
            Ending::Panicked => Status::Internal,
            Ending::Done if self.entries.is_empty() => Status::Held,
            Ending::Done => Status::Failed,
        })
    }

    fn interrupted(&self, swept: u64, planned: u64) -> String {
        let seeds = format!("{} of {} seeds", HumanCount(swept), HumanCount(planned));
        if self.entries.is_empty() {
            return format!("interrupted after {seeds}: nothing has failed, and nothing is left");
        }
        let tickets = self.entries.iter().filter(|entry| entry.folder.is_some()).count();
        let plural = if tickets == 1 { "" } else { "s" };
        format!(
            "interrupted after {seeds}: {tickets} finished ticket{plural} in {}, whose README.md lists what was seen",
            self.quarry.arguments.out.display()
        )
    }
}

/// What is hunted in, and how.
#[derive(Clone)]
struct Quarry {
    arguments: HuntArguments,
    experiment: Experiment,
    /// The file as it is, which is read again for each seed that is looked at.
    text: Arc<[u8]>,
    /// What the sweep has seen so far, for an interrupt.
    seen: Arc<Mutex<Tally>>,
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
        let seen = Arc::new(Mutex::new(Tally::of(&experiment)));
        Ok(Self { arguments: arguments.clone(), experiment, text, seen })
    }

    /// What the sweep has seen so far.
    fn seen(&self) -> Tally {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
        sweep::run_cells(&[cell], seeds.first..=seeds.last, &settings, |results| {
            let mut tally = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            results.iter().for_each(|result| tally.add(result));
            bar.inc(1);
            if tally.failing() > 0 {
                bar.set_message(format!("{} fail", HumanCount(tally.failing())));
            }
            ControlFlow::Continue(())
        });
        bar.finish_and_clear();
        self.seen()
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
            self.arguments.hazards,
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
        repeat::command("run", &self.arguments.selection.file, &overrides, self.arguments.hazards)
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
}

impl Teller {
    fn swept(&self, tally: &Tally) -> String {
        let seeds = HumanCount(tally.seeds());
        let plural = if tally.seeds() == 1 { "" } else { "s" };
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

//! The benchmark: each quirk in either host of every hunt, seed by seed, until something fails; then shrunk and checked.

use std::fs;
use std::io::Write;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use faultwire_sim::experiment::{self, Overrides};
use faultwire_sim::failure::Cluster;
use faultwire_sim::plan::Experiment;
use faultwire_sim::plan::Quirk;
use faultwire_sim::record::Silent;
use faultwire_sim::report::Outcome;
use faultwire_sim::run::{Judging, run_case};
use faultwire_sim::shrink::{self, Shrunk};
use faultwire_sim::sweep::{self, Cell, SeedResult, Swarming};

use crate::arguments::{Hazards, Seeds};
use crate::panic_report;
use crate::pending_file::{PendingFile, same_file};
use crate::repeat;
use crate::stats::Stopwatch;

/// The hosts that carry a quirk.
const HOSTS: [&str; 2] = ["client", "server"];

/// What to hunt with.
pub(super) struct Bench {
    hunts: Vec<Hunt>,
    seeds: Seeds,
    jobs: Option<NonZeroUsize>,
}

struct Hunt {
    path: PathBuf,
    name: String,
    text: Arc<[u8]>,
}

/// What became of one quirk.
pub(super) struct Row {
    pub(super) found: Option<Found>,
    pub(super) time: Duration,
}

/// A failure that a quirk led to.
pub(super) struct Found {
    pub(super) hunt: String,
    pub(super) host: &'static str,
    /// Seeds until then, this one included.
    pub(super) seeds: u64,
    /// Faults that are left after shrinking, named ones and decisions of chance.
    pub(super) faults: u64,
    /// What is not as it should be, with the command that repeats the failure.
    pub(super) troubles: Vec<String>,
    experiment: Option<String>,
}

impl Row {
    /// Whether it was found, and its shrunk experiment is what it should be.
    pub(super) fn is_good(&self) -> bool {
        self.found.as_ref().is_some_and(|found| found.troubles.is_empty())
    }

    /// The shrunk experiment.
    pub(super) fn experiment(&self) -> Option<&str> {
        self.found.as_ref()?.experiment.as_deref()
    }
}

impl Bench {
    /// Reads every experiment of a folder, in the order of names.
    ///
    /// # Errors
    /// If a file can't be read, is no experiment, or has not both hosts.
    pub(super) fn new(folder: &Path, seeds: Seeds, jobs: Option<NonZeroUsize>) -> anyhow::Result<Self> {
        let reading = || format!("reading {}", folder.display());
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).with_context(reading)? {
            let path = entry.with_context(reading)?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                paths.push(path);
            }
        }
        paths.sort();
        if paths.is_empty() {
            bail!("{}: there is no experiment in it, no file whose name ends with .json", folder.display());
        }
        let hunts = paths.into_iter().map(Hunt::read).collect::<anyhow::Result<_>>()?;
        Ok(Self { hunts, seeds, jobs })
    }

    pub(super) fn hunts(&self) -> usize {
        self.hunts.len()
    }

    pub(super) fn seeds(&self) -> Seeds {
        self.seeds
    }

    /// Looks for one quirk.
    pub(super) fn hunt(&self, quirk: Quirk) -> anyhow::Result<Row> {
        let watch = Stopwatch::start();
        let mut cells = Vec::new();
        for hunt in &self.hunts {
            for host in HOSTS {
                cells.push(hunt.cell(quirk, host)?);
            }
        }
        let default = sweep::Settings::default();
        let settings = sweep::Settings {
            jobs: self.jobs.unwrap_or(default.jobs),
            until_failure: true,
            catch: panic_report::caught_in_a_sentence,
            ..default
        };
        let mut failed: Option<SeedResult> = None;
        sweep::run_cells(&cells, self.seeds.first..=self.seeds.last, &settings, |results| {
            failed = results.iter().find(|result| result.outcome() != Outcome::Passed).cloned();
            ControlFlow::Continue(())
        });
        let found = failed.map(|result| self.shrink(quirk, &result)).transpose()?;
        Ok(Row { found, time: Duration::from_nanos(watch.nanos()) })
    }

    /// Shrinks a failure and looks at what is left.
    fn shrink(&self, quirk: Quirk, failed: &SeedResult) -> anyhow::Result<Found> {
        let (hunt, host) = (&self.hunts[failed.cell / HOSTS.len()], HOSTS[failed.cell % HOSTS.len()]);
        let mut found = Found {
            hunt: hunt.name.clone(),
            host,
            seeds: failed.seed - self.seeds.first + 1,
            faults: 0,
            troubles: Vec::new(),
            experiment: None,
        };
        let mut overrides = with_quirk(quirk, host);
        if let Some(drawn) = &failed.drawn {
            overrides.set.extend(drawn.set.iter().cloned());
            overrides.without.extend(drawn.without.iter().cloned());
        }
        overrides.seed = Some(failed.seed);
        let experiment = hunt.parse(&overrides)?;
        let settings = shrink::Settings {
            jobs: self.jobs.map_or(0, NonZeroUsize::get),
            catch: panic_report::caught_in_a_sentence,
            ..shrink::Settings::default()
        };
        let shrink =
            || shrink::shrink(&experiment, None, failed.seed, &settings, |_| ControlFlow::Continue(()));
        match panic_report::caught(shrink) {
            Ok(Ok(shrunk)) => {
                let kept =
                    shrunk.minimal.clone().unwrap_or_else(|| shrunk.replay(&command(hunt, &overrides)));
                found.faults = shrunk.after.faults + shrunk.after.decisions;
                found.troubles = troubles(&shrunk, &kept, host);
                found.troubles.extend(shrunk.panicked.as_deref().map(panic_report::of_candidate));
                found.experiment = Some(kept);
            }
            Ok(Err(error)) => found.troubles.push(format!("not shrunk: {error}")),
            Err(report) => found.troubles.push(format!("not shrunk: {report}")),
        }
        if !found.troubles.is_empty() {
            found.troubles.push(command(hunt, &overrides));
        }
        Ok(found)
    }
}

impl Hunt {
    fn read(path: PathBuf) -> anyhow::Result<Self> {
        let text = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        let experiment = experiment::parse(&text, &path.display().to_string(), &Overrides::default())?;
        Ok(Self { path, name: experiment.name, text: text.into() })
    }

    fn parse(&self, overrides: &Overrides) -> anyhow::Result<Experiment> {
        Ok(experiment::parse(&self.text, &self.path.display().to_string(), overrides)?)
    }

    fn cell(&self, quirk: Quirk, host: &str) -> anyhow::Result<Cell> {
        let overrides = with_quirk(quirk, host);
        let experiment = self.parse(&overrides)?;
        let swarm = (!experiment.swarm.is_empty()).then(|| Swarming {
            text: Arc::clone(&self.text),
            file_name: self.path.display().to_string().into(),
            overrides,
        });
        Ok(Cell { parameters: Vec::new(), experiment, swarm })
    }
}

fn with_quirk(quirk: Quirk, host: &str) -> Overrides {
    Overrides { set: vec![format!("hosts.{host}.quirks=[\"{}\"]", quirk.as_str())], ..Overrides::default() }
}

/// What is kept, an experiment or a replay, must fail as the original, and pass without the quirk.
fn troubles(shrunk: &Shrunk, kept: &str, host: &str) -> Vec<String> {
    let mut troubles = Vec::new();
    let clusters = |overrides: &Overrides| -> Result<Vec<Option<Cluster>>, String> {
        let experiment =
            experiment::parse(kept, "the shrunk experiment", overrides).map_err(|error| error.to_string())?;
        let run = |case| run_case(case, Judging::default(), &mut Silent).cluster();
        Ok(experiment.cases.iter().map(run).collect())
    };
    match clusters(&Overrides::default()) {
        Ok(seen) if seen == [Some(shrunk.cluster.clone())] => {}
        Ok(seen) => {
            let seen = seen.iter().flatten().map(Cluster::to_string).collect::<Vec<_>>().join("; ");
            troubles.push(format!("the shrunk experiment does not fail as itself, but: {seen}"));
        }
        Err(error) => troubles.push(error),
    }
    let without = Overrides { set: vec![format!("hosts.{host}.quirks=[]")], ..Overrides::default() };
    match clusters(&without) {
        Ok(seen) => {
            for cluster in seen.iter().flatten() {
                troubles.push(format!("the shrunk experiment fails without the quirk too: {cluster}"));
            }
        }
        Err(error) => troubles.push(error),
    }
    troubles
}

/// The command that repeats the failure.
fn command(hunt: &Hunt, overrides: &Overrides) -> String {
    repeat::command("run", &hunt.path, overrides, Hazards::Report)
}

/// Makes the folder for what is shrunk, unless that would overwrite one of the hunts.
pub(super) fn claim(out: &Path, bench: &Bench, quirks: &[Quirk]) -> anyhow::Result<()> {
    let mut kept = quirks.iter().map(|&quirk| kept(out, quirk));
    let is_hunt = |kept: &PathBuf| bench.hunts.iter().any(|hunt| same_file(&hunt.path, kept));
    if let Some(kept) = kept.find(is_hunt) {
        bail!("--out {}: that would overwrite the hunt {}", out.display(), kept.display());
    }
    fs::create_dir_all(out).with_context(|| format!("can't make {}", out.display()))
}

/// Keeps a shrunk experiment.
pub(super) fn keep(out: &Path, quirk: Quirk, experiment: &str) -> anyhow::Result<()> {
    let mut file = PendingFile::claim(&kept(out, quirk))?;
    file.write(|out| out.write_all(experiment.as_bytes()))?;
    file.finish()
}

/// Where the shrunk experiment of a quirk goes.
fn kept(out: &Path, quirk: Quirk) -> PathBuf {
    out.join(format!("{}.json", quirk.as_str()))
}

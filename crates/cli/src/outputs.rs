//! The files that `run` writes: claimed before the run, filled as cases end, named when all is over.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use faultwire_sim::output::trace_json::write_trace;
use faultwire_sim::output::{Legend, SERIES_HEADING, Series, Trace, Vantage, write_capture};
use faultwire_sim::plan::{Case, Experiment, Plan, Step};
use faultwire_sim::replay;
use faultwire_sim::report::Report;

use crate::arguments::RunArguments;
use crate::export::{Exports, Scripts, Written};
use crate::pending_file::{PendingFile, same_file};
use crate::stats::Stats;
use crate::terminal;

/// What was kept of a case for its outputs.
pub(crate) type Seen = (Option<Trace>, Option<Series>);

/// Everything that goes to files, or to standard output instead.
#[derive(Debug)]
pub(crate) struct Outputs {
    captures: BTreeMap<String, Vec<Capture>>,
    trace: Option<Target>,
    trace_text: Vec<u8>,
    series: Option<Target>,
    series_text: Vec<u8>,
    report: Option<Target>,
    record: Option<Target>,
    stats: Option<Target>,
    scripts: Option<Scripts>,
}

/// Where something goes.
#[derive(Debug)]
enum Target {
    StandardOutput,
    File(PendingFile),
}

/// A capture of one case.
#[derive(Debug)]
struct Capture {
    vantage: Vantage,
    file: PendingFile,
    written: bool,
}

impl Outputs {
    /// Claims all files, so that a run isn't done for nothing.
    ///
    /// # Errors
    /// If one can't be written, or if two outputs, or an output and the experiment, are the same file.
    pub(crate) fn claim(arguments: &RunArguments, experiment: &Experiment) -> anyhow::Result<Self> {
        let mut claims = Claims { taken: vec![arguments.selection.file.clone()] };
        if let Some(directory) = &arguments.pcap_dir {
            fs::create_dir_all(directory).with_context(|| format!("can't make {}", directory.display()))?;
        }
        let to_files =
            [&arguments.report, &arguments.trace, &arguments.record, &arguments.series, &arguments.stats];
        if to_files.iter().filter(|path| path.as_deref() == Some(Path::new("-"))).count() > 1 {
            bail!("only one of --report, --trace, --record, --series and --stats can have standard output");
        }
        let mut captures = BTreeMap::new();
        for case in &experiment.cases {
            let wanted = captures_of(arguments, case, experiment.cases.len() > 1)?;
            let claimed: anyhow::Result<Vec<_>> = (wanted.into_iter())
                .map(|(vantage, path)| Ok(Capture { vantage, file: claims.file(&path)?, written: false }))
                .collect();
            captures.insert(case.name.clone(), claimed?);
        }
        Ok(Self {
            captures,
            trace: claims.target(arguments.trace.as_deref())?,
            trace_text: Vec::new(),
            series: claims.target(arguments.series.as_deref())?,
            series_text: format!("{SERIES_HEADING}\n").into_bytes(),
            report: claims.target(arguments.report.as_deref())?,
            record: claims.target(arguments.record.as_deref())?,
            stats: claims.target(arguments.stats.as_deref())?,
            scripts: arguments.export_script.as_deref().map(Scripts::claim).transpose()?,
        })
    }

    /// Whether standard output is taken by something other than text for people.
    pub(crate) fn fill_stdout(&self) -> bool {
        let is = |target: &Option<Target>| matches!(target, Some(Target::StandardOutput));
        [&self.trace, &self.record, &self.series, &self.report, &self.stats].into_iter().any(is)
    }

    /// Writes what a case that has ended leaves in files.
    ///
    /// # Errors
    /// Those of writing.
    pub(crate) fn case_ended(&mut self, case: &str, legend: &Legend, seen: &Seen) -> anyhow::Result<()> {
        if let Some(series) = &seen.1 {
            series.write(&mut self.series_text, case, legend)?;
        }
        let Some(trace) = &seen.0 else { return Ok(()) };
        for capture in self.captures.get_mut(case).into_iter().flatten() {
            let Capture { vantage, file, written } = capture;
            file.write(|out| write_capture(out, legend, trace, vantage).map(drop))?;
            *written = true;
        }
        if self.trace.is_some() {
            write_trace(&mut self.trace_text, case, legend, trace)?;
        }
        Ok(())
    }

    /// Writes the scripts of a case that has ended.
    ///
    /// # Errors
    /// Those of writing.
    pub(crate) fn scripts_ended(&mut self, case: &str, exports: &Exports) -> anyhow::Result<Written> {
        self.scripts
            .as_mut()
            .map_or_else(|| Ok(Written::default()), |scripts| scripts.case_ended(case, exports))
    }

    /// Writes the rest and gives all files their names; `recording` is the text of the replay file.
    ///
    /// # Errors
    /// Those of writing.
    pub(crate) fn finish(
        self,
        report: &Report,
        stats: &Stats,
        recording: impl FnOnce() -> String,
    ) -> anyhow::Result<()> {
        let recording = self.record.map(|target| (target, recording()));
        if let Some((_, text)) = &recording
            && text.len() > replay::SIZE_MAX
        {
            bail!(
                "--record: the recording has {} MiB, and no more than {} MiB can be read again: make the run shorter, or its links less random",
                text.len() >> 20,
                replay::SIZE_MAX >> 20
            );
        }
        for capture in self.captures.into_values().flatten().filter(|capture| capture.written) {
            capture.file.finish()?;
        }
        if let Some(scripts) = self.scripts {
            scripts.finish()?;
        }
        if let Some(target) = self.trace {
            target.put(&self.trace_text)?;
        }
        if let Some(target) = self.series {
            target.put(&self.series_text)?;
        }
        if let Some(target) = self.report {
            target.put(&json(report)?)?;
        }
        if let Some((target, text)) = recording {
            target.put(text.as_bytes())?;
        }
        if let Some(target) = self.stats {
            target.put(&json(stats)?)?;
        }
        Ok(())
    }
}

impl Target {
    fn put(self, content: &[u8]) -> anyhow::Result<()> {
        match self {
            Self::StandardOutput => Ok(terminal::print(&String::from_utf8_lossy(content))?),
            Self::File(mut file) => {
                file.write(|out| out.write_all(content))?;
                file.finish()
            }
        }
    }
}

/// Files claimed so far, so that no two outputs meet in one.
struct Claims {
    taken: Vec<PathBuf>,
}

impl Claims {
    fn target(&mut self, path: Option<&Path>) -> anyhow::Result<Option<Target>> {
        match path {
            None => Ok(None),
            Some(path) if path == Path::new("-") => Ok(Some(Target::StandardOutput)),
            Some(path) => Ok(Some(Target::File(self.file(path)?))),
        }
    }

    fn file(&mut self, path: &Path) -> anyhow::Result<PendingFile> {
        if self.taken.iter().any(|taken| same_file(taken, path)) {
            bail!("{} is the experiment or another output of this run", path.display());
        }
        let file = PendingFile::claim(path)?;
        if !file.is_special() {
            self.taken.push(path.to_owned());
        }
        Ok(file)
    }
}

/// The captures that are asked for of a case, with their paths.
fn captures_of(
    arguments: &RunArguments,
    case: &Case,
    several_cases: bool,
) -> anyhow::Result<Vec<(Vantage, PathBuf)>> {
    let legend = Legend::of(&case.plan);
    if let Some(directory) = &arguments.pcap_dir {
        let name = |vantage: &Vantage| {
            let name = vantage.name(&legend);
            let name = if several_cases { format!("{}-{name}", case.name) } else { name };
            directory.join(format!("{}.pcapng", file_name(&name)))
        };
        return Ok(Vantage::all(&legend)
            .into_iter()
            .map(|vantage| (vantage.clone(), name(&vantage)))
            .collect());
    }
    let Some(path) = &arguments.pcap else { return Ok(Vec::new()) };
    let host = match &arguments.pcap_at {
        Some(name) => legend.host_named(name).with_context(|| {
            let hosts: Vec<_> = legend.hosts().map(|host| legend.place(host.place)).collect();
            format!("--pcap-at {name}: there is no such host; there are: {}", hosts.join(", "))
        })?,
        None => first_to_connect(&case.plan).context("--pcap: the experiment has no host")?,
    };
    let path = if several_cases { with_case(path, &case.name) } else { path.clone() };
    Ok(vec![(Vantage { host, link: None }, path)])
}

/// The host of the first app that connects or sends, else the first host.
pub(crate) fn first_to_connect(plan: &Plan) -> Option<faultwire_base::PlaceId> {
    let begins = |step: &Step| matches!(step, Step::Connect { .. } | Step::SendTo { .. });
    let app = plan.apps.iter().find(|app| app.steps.iter().any(|step| begins(&step.step)));
    app.map(|app| app.host).or_else(|| plan.hosts.first().map(|host| host.place))
}

/// `run.pcapng` as `run-CASE.pcapng`.
fn with_case(path: &Path, case: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let end = path.extension().map_or_else(String::new, |end| format!(".{}", end.to_string_lossy()));
    path.with_file_name(format!("{stem}-{}{end}", file_name(case)))
}

/// A name as part of a file's name.
pub(crate) fn file_name(name: &str) -> String {
    let harmless = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
    name.chars().map(|c| if harmless(c) { c } else { '_' }).collect()
}

fn json(value: &impl serde::Serialize) -> anyhow::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{file_name, with_case};

    #[test]
    fn the_case_stands_before_the_extension() {
        assert_eq!(with_case(Path::new("a/run.pcapng"), "no loss"), Path::new("a/run-no_loss.pcapng"));
        assert_eq!(with_case(Path::new("run"), "x"), Path::new("run-x"));
        assert_eq!(file_name("../a/b"), ".._a_b");
    }
}

//! `faultwire run`: runs every case, tells about each as it ends, writes what was asked for.

use faultwire_script::export::Recorder;
use faultwire_sim::experiment;
use faultwire_sim::explain::{Question, explain_run};
use faultwire_sim::output::ladder::{LadderOptions, Marks, marked_ladder};
use faultwire_sim::output::{Legend, Series, Trace};
use faultwire_sim::plan::{Case, Experiment};
use faultwire_sim::record::Silent;
use faultwire_sim::report::{CaseReport, Outcome};
use faultwire_sim::run::{CaseRun, Judging, report, run_case};

use crate::arguments::{Hazards, RunArguments};
use crate::export::{Exports, Written};
use crate::outputs::{Outputs, Seen};
use crate::stats::{self, Stats, Stopwatch};
use crate::status::Status;
use crate::terminal::{self, Paint};
use crate::worker::{self, Ending};
use crate::{panic_report, repeat, text};

/// A case that has ended.
struct Finished {
    index: usize,
    run: CaseRun,
    seen: Seen,
    exports: Option<Exports>,
    cpu_nanos: Option<u64>,
}

pub(crate) fn run(arguments: &RunArguments) -> anyhow::Result<Status> {
    let selection = &arguments.selection;
    let experiment = experiment::load(&selection.file, &selection.overrides(arguments.seed))?;
    if let Some(case) = experiment.cases.first() {
        panic_report::note_seed(case.plan.seed);
    }
    let mut outputs = Outputs::claim(arguments, &experiment)?;
    let teller = Teller {
        arguments,
        experiment: &experiment,
        paint: Paint::for_stdout(),
        mute: mute(arguments, &outputs),
    };
    teller.heading()?;
    let watch = Stopwatch::start();
    let mut ended = Vec::new();
    let mut cpu_nanos = Some(0);
    let ending = worker::work(simulation(&experiment.cases, arguments), |finished: Finished| {
        let case = &experiment.cases[finished.index];
        let legend = Legend::of(&case.plan);
        teller.case(case, &legend, &finished)?;
        outputs.case_ended(&case.name, &legend, &finished.seen)?;
        if let Some(exports) = &finished.exports {
            teller.scripts(&outputs.scripts_ended(&case.name, exports)?)?;
        }
        cpu_nanos = cpu_nanos.zip(finished.cpu_nanos).map(|(sum, more)| sum + more);
        ended.push(finished.run);
        Ok(())
    })?;
    let wall_nanos = watch.nanos();
    if ending == Ending::Panicked {
        return Ok(Status::Internal);
    }
    let planned = experiment.cases.len();
    teller.summary(&ended.iter().map(|run| &run.report).collect::<Vec<_>>(), planned)?;
    let report = report(&experiment, ended);
    if !report.cases.is_empty() {
        let events = report.cases.iter().map(|case| case.events).sum();
        let packets = report.cases.iter().map(|case| case.packets.sent).sum();
        outputs.finish(&report, &Stats::new(cpu_nanos, wall_nanos, events, packets))?;
    }
    Ok(match (ending, report.outcome) {
        (Ending::Interrupted, _) => Status::Interrupted,
        (_, Outcome::Passed) => Status::Held,
        (_, Outcome::Failed | Outcome::Error) => Status::Failed,
    })
}

/// Whether nothing but what was asked for by an option may be on standard output.
fn mute(arguments: &RunArguments, outputs: &Outputs) -> bool {
    arguments.quiet || outputs.fill_stdout()
}

/// The work: all cases one after the other. Records are kept only if somebody wants to see them.
fn simulation(
    cases: &[Case],
    arguments: &RunArguments,
) -> impl FnOnce(&mut dyn FnMut(Finished)) + Send + 'static {
    let cases = cases.to_vec();
    let judging = Judging { hazards_fail: arguments.hazards == Hazards::Fail };
    let wants_trace = arguments.timeline
        || arguments.pcap.is_some()
        || arguments.pcap_dir.is_some()
        || arguments.trace.is_some();
    let wants_series = arguments.series.is_some();
    let wants_scripts = arguments.export_script.is_some();
    move |give| {
        for (index, case) in cases.iter().enumerate() {
            let before = stats::thread_cpu_nanos();
            let mut recorder = wants_scripts.then(|| Recorder::new(&case.plan));
            let (run, seen) = watched(case, judging, (wants_trace, wants_series), recorder.as_mut());
            let exports = recorder.map(|recorder| Exports::of(case, &recorder));
            let cpu_nanos = before.zip(stats::thread_cpu_nanos()).map(|(before, after)| after - before);
            give(Finished { index, run, seen, exports, cpu_nanos });
        }
    }
}

/// Runs a case with the cheapest sink that keeps what is wanted.
fn watched(
    case: &Case,
    judging: Judging,
    (wants_trace, wants_series): (bool, bool),
    recorder: Option<&mut Recorder>,
) -> (CaseRun, Seen) {
    let mut trace = Trace::new();
    if let Some(recorder) = recorder {
        let mut seen = (wants_trace.then_some(trace), wants_series.then(Series::new));
        let run = run_case(case, judging, &mut (&mut seen, recorder));
        (run, seen)
    } else if wants_series {
        let mut both = (wants_trace.then_some(trace), Series::new());
        let run = run_case(case, judging, &mut both);
        (run, (both.0, Some(both.1)))
    } else if wants_trace {
        let run = run_case(case, judging, &mut trace);
        (run, (Some(trace), None))
    } else {
        (run_case(case, judging, &mut Silent), (None, None))
    }
}

/// The packets behind whatever failed in a case that did not pass.
fn marks(case: &Case, run: &CaseRun, trace: &Trace) -> Marks {
    if run.report.outcome != Outcome::Failed {
        return Marks::default();
    }
    let answers = explain_run(case, run, trace, &Question::Failure).unwrap_or_default();
    let packets = answers.iter().flat_map(|answer| answer.chain.packets()).collect();
    Marks { packets, meaning: "the packets behind what failed: see faultwire explain".into(), only: false }
}

/// Tells a person about the run.
struct Teller<'a> {
    arguments: &'a RunArguments,
    experiment: &'a Experiment,
    paint: Paint,
    mute: bool,
}

impl Teller<'_> {
    fn heading(&self) -> anyhow::Result<()> {
        if !self.mute {
            terminal::print(&text::heading(self.experiment, self.paint))?;
        }
        Ok(())
    }

    fn case(&self, case: &Case, legend: &Legend, finished: &Finished) -> anyhow::Result<()> {
        let name = (self.experiment.cases.len() > 1 || self.arguments.selection.case.is_some())
            .then_some(&*case.name);
        let again = repeat::command(self.arguments, name, case.plan.seed);
        if !self.mute {
            let text = text::case(&finished.run.report, case, &again, self.paint);
            terminal::print(&text)?;
        } else if finished.run.report.outcome != Outcome::Passed {
            for failure in &finished.run.report.failures {
                terminal::note(&format!("{}: {failure}", case.name));
            }
        }
        if let Some(trace) = finished.seen.0.as_ref().filter(|_| self.arguments.timeline) {
            let options = LadderOptions { full: self.arguments.full, ..LadderOptions::default() };
            let ladder = marked_ladder(legend, trace, options, &marks(case, &finished.run, trace));
            let title = self.paint.strong(&format!("\nTimeline of {}", case.name));
            let text = format!("{title}\n{ladder}");
            // With a report or trace on standard output the drawing would spoil it.
            if self.mute && !self.arguments.quiet { terminal::note(&text) } else { terminal::print(&text)? }
        }
        Ok(())
    }

    fn scripts(&self, written: &Written) -> anyhow::Result<()> {
        for note in &written.notes {
            terminal::note(note);
        }
        if let Some(directory) =
            self.arguments.export_script.as_ref().filter(|_| !written.files.is_empty() && !self.mute)
        {
            let line = format!("  scripts in {}: {}", directory.display(), written.files.join(", "));
            terminal::print(&format!("{}\n", self.paint.faint(&line)))?;
        }
        Ok(())
    }

    fn summary(&self, reports: &[&CaseReport], planned: usize) -> anyhow::Result<()> {
        if !self.mute {
            terminal::print(&text::summary(reports, planned, self.paint))?;
        }
        Ok(())
    }
}

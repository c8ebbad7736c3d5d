//! `faultwire run`: runs every case, tells about each as it ends, writes what was asked for.

use faultwire_script::export::Recorder;
use faultwire_sim::experiment::Overrides;
use faultwire_sim::explain::{Question, explain_run};
use faultwire_sim::output::ladder::{LadderOptions, Marks, marked_ladder};
use faultwire_sim::output::{Legend, Series, Trace};
use faultwire_sim::plan::{Case, Experiment};
use faultwire_sim::record::{Silent, Sink};
use faultwire_sim::replay::{self, Comparison, RecordedRun, Replay};
use faultwire_sim::report::{CaseReport, Outcome};
use faultwire_sim::run::{CaseRun, Judging, report, run_case};

use crate::arguments::{Hazards, RunArguments};
use crate::export::{Exports, Written};
use crate::outputs::{Outputs, Seen};
use crate::stats::{self, Stats, Stopwatch};
use crate::status::Status;
use crate::terminal::{self, Paint};
use crate::worker::{self, Ending};
use crate::{loading, panic_report, repeat, text};

/// A case that has ended.
struct Finished {
    index: usize,
    ran: Ran,
    seen: Seen,
    exports: Option<Exports>,
    cpu_nanos: Option<u64>,
}

/// What came of a case.
struct Ran {
    run: CaseRun,
    /// If it is to be recorded.
    recorded: Option<RecordedRun>,
    /// For a replay.
    comparison: Option<Comparison>,
}

/// How the cases are run.
struct Manner {
    judging: Judging,
    record: bool,
    replay: Option<Replay>,
}

pub(crate) fn run(arguments: &RunArguments) -> anyhow::Result<Status> {
    let selection = &arguments.selection;
    let experiment = loading::load(&selection.file, &selection.overrides(arguments.seed))?;
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
    let mut recorded = Vec::new();
    let mut departed = false;
    let mut cpu_nanos = Some(0);
    let ending = worker::work(simulation(&experiment, arguments), |finished: Finished| {
        let case = &experiment.cases[finished.index];
        let legend = Legend::of(&case.plan);
        teller.case(case, &legend, &finished)?;
        outputs.case_ended(&case.name, &legend, &finished.seen)?;
        if let Some(exports) = &finished.exports {
            teller.scripts(&outputs.scripts_ended(&case.name, exports)?)?;
        }
        cpu_nanos = cpu_nanos.zip(finished.cpu_nanos).map(|(sum, more)| sum + more);
        departed |= finished.ran.comparison.is_some_and(|comparison| !comparison.is_same());
        recorded.extend(finished.ran.recorded);
        ended.push(finished.ran.run);
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
        let recording = || replay::write(&experiment, &repeat::own_command(), &recorded);
        outputs.finish(&report, &Stats::new(cpu_nanos, wall_nanos, events, packets), recording)?;
    }
    Ok(match (ending, report.outcome) {
        (Ending::Interrupted, _) => Status::Interrupted,
        // A replay shows what was recorded, or it does not.
        _ if experiment.replay.is_some() => {
            if departed {
                Status::Failed
            } else {
                Status::Held
            }
        }
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
    experiment: &Experiment,
    arguments: &RunArguments,
) -> impl FnOnce(&mut dyn FnMut(Finished)) + Send + 'static {
    let cases = experiment.cases.clone();
    let manner = Manner {
        judging: Judging { hazards_fail: arguments.hazards == Hazards::Fail },
        record: arguments.record.is_some(),
        replay: experiment.replay.clone(),
    };
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
            let (ran, seen) = watched(case, &manner, (wants_trace, wants_series), recorder.as_mut());
            let exports = recorder.map(|recorder| Exports::of(case, &recorder));
            let cpu_nanos = before.zip(stats::thread_cpu_nanos()).map(|(before, after)| after - before);
            give(Finished { index, ran, seen, exports, cpu_nanos });
        }
    }
}

/// Runs a case with the cheapest sink that keeps what is wanted.
fn watched(
    case: &Case,
    manner: &Manner,
    (wants_trace, wants_series): (bool, bool),
    recorder: Option<&mut Recorder>,
) -> (Ran, Seen) {
    let mut trace = Trace::new();
    if let Some(recorder) = recorder {
        let mut seen = (wants_trace.then_some(trace), wants_series.then(Series::new));
        let ran = manner.run(case, &mut (&mut seen, recorder));
        (ran, seen)
    } else if wants_series {
        let mut both = (wants_trace.then_some(trace), Series::new());
        let ran = manner.run(case, &mut both);
        (ran, (both.0, Some(both.1)))
    } else if wants_trace {
        let ran = manner.run(case, &mut trace);
        (ran, (Some(trace), None))
    } else {
        (manner.run(case, &mut Silent), (None, None))
    }
}

impl Manner {
    fn run<S: Sink>(&self, case: &Case, sink: &mut S) -> Ran {
        if let Some(replay) = &self.replay {
            let (run, recorded, comparison) = replay::replay_case(case, self.judging, replay, sink);
            Ran { run, recorded: self.record.then_some(recorded), comparison: Some(comparison) }
        } else if self.record {
            let (run, recorded) = replay::record_case(case, self.judging, sink);
            Ran { run, recorded: Some(recorded), comparison: None }
        } else {
            Ran { run: run_case(case, self.judging, sink), recorded: None, comparison: None }
        }
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
        let selection = &self.arguments.selection;
        let is_one_of_several = self.experiment.cases.len() > 1 || selection.case.is_some();
        let overrides = Overrides {
            case: is_one_of_several.then(|| case.name.clone()),
            ..selection.overrides(Some(case.plan.seed))
        };
        let again = repeat::command("run", &selection.file, &overrides, self.arguments.hazards);
        if !self.mute {
            let text = text::case(&finished.ran.run.report, case, &again, self.paint);
            terminal::print(&text)?;
        } else if finished.ran.run.report.outcome != Outcome::Passed {
            for failure in &finished.ran.run.report.failures {
                terminal::note(&format!("{}: {failure}", case.name));
            }
        }
        if let Some(comparison) = &finished.ran.comparison {
            self.comparison(case, comparison)?;
            self.hazards(comparison, &finished.ran.run.report, &overrides)?;
        }
        if let Some(trace) = finished.seen.0.as_ref().filter(|_| self.arguments.timeline) {
            let options = LadderOptions { full: self.arguments.full, ..LadderOptions::default() };
            let ladder = marked_ladder(legend, trace, options, &marks(case, &finished.ran.run, trace));
            let title = self.paint.strong(&format!("\nTimeline of {}", case.name));
            let text = format!("{title}\n{ladder}");
            // With a report or trace on standard output the drawing would spoil it.
            if self.mute && !self.arguments.quiet { terminal::note(&text) } else { terminal::print(&text)? }
        }
        Ok(())
    }

    /// What a replay came to beside its recording. Where text is not wanted, only what is wrong is told.
    fn comparison(&self, case: &Case, comparison: &Comparison) -> anyhow::Result<()> {
        if !self.mute {
            terminal::print(&text::comparison(comparison, self.paint))?;
        } else if !comparison.is_same() {
            for sentence in comparison.sentences() {
                terminal::note(&format!("{}: replay: {sentence}", case.name));
            }
        }
        Ok(())
    }

    /// A recording that was judged by `--hazards fail` fails like itself only if its replay is judged so too.
    fn hazards(
        &self,
        comparison: &Comparison,
        report: &CaseReport,
        overrides: &Overrides,
    ) -> anyhow::Result<()> {
        let met = report.oracles.iter().any(|oracle| oracle.result == "hazard");
        let failed = comparison.recorded.0 == Outcome::Failed && comparison.now.0 == Outcome::Passed;
        if met && failed && self.arguments.hazards == Hazards::Report {
            let judged = repeat::command("run", &self.arguments.selection.file, overrides, Hazards::Fail);
            let hint = format!("  a hazard was met, which fails a run that is judged so: {judged}\n");
            if self.mute { terminal::note(hint.trim_end()) } else { terminal::print(&hint)? }
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

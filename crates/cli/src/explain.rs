//! `faultwire explain`: runs each case with its records on and tells what was behind an outcome.

use anyhow::bail;
use faultwire_sim::experiment;
use faultwire_sim::explain::{Answer, Question, Voice, Watched, explain as answers, watch};
use faultwire_sim::output::{Legend, PacketNumber};
use faultwire_sim::plan::{Case, Experiment};
use faultwire_sim::report::Outcome;
use faultwire_sim::run::Judging;

use crate::arguments::{ExplainArguments, Hazards};
use crate::panic_report;
use crate::status::Status;
use crate::terminal::{self, Paint};
use crate::worker::{self, Ending};

pub(crate) fn explain(arguments: &ExplainArguments) -> anyhow::Result<Status> {
    let selection = &arguments.selection;
    let experiment = experiment::load(&selection.file, &selection.overrides(arguments.seed))?;
    if let Some(case) = experiment.cases.first() {
        panic_report::note_seed(case.plan.seed);
    }
    let question = question(arguments);
    let cases = chosen(&experiment, &question)?;
    let judging = Judging { hazards_fail: arguments.hazards == Hazards::Fail };
    let work = cases.clone();
    let paint = Paint::for_stdout();
    let ending = worker::work(
        move |give| work.iter().enumerate().for_each(|(index, case)| give((index, watch(case, judging)))),
        |(index, watched)| tell(&cases[index], &watched, &question, paint),
    )?;
    Ok(match ending {
        Ending::Done => Status::Held,
        Ending::Interrupted => Status::Interrupted,
        Ending::Panicked => Status::Internal,
    })
}

fn question(arguments: &ExplainArguments) -> Question {
    if let Some(packet) = arguments.packet {
        Question::Packet(PacketNumber(packet))
    } else if let Some(name) = &arguments.expectation {
        Question::Expectation(name.clone())
    } else {
        Question::Failure
    }
}

/// The cases to run. A packet's number means something in one case only; an expectation may stand in some.
fn chosen(experiment: &Experiment, question: &Question) -> anyhow::Result<Vec<Case>> {
    let cases = &experiment.cases;
    match question {
        Question::Packet(number) if cases.len() > 1 => {
            let names: Vec<String> = cases.iter().map(|case| format!("{:?}", case.name)).collect();
            bail!(
                "--packet {}: packets are numbered in each case on its own: say which with --case: {}",
                number.0,
                names.join(", ")
            );
        }
        Question::Expectation(name) => {
            let having =
                |case: &&Case| case.plan.expectations.iter().any(|expectation| *expectation.name == **name);
            let with_it: Vec<Case> = cases.iter().filter(having).cloned().collect();
            Ok(if with_it.is_empty() { cases[..1].to_vec() } else { with_it })
        }
        _ => Ok(cases.clone()),
    }
}

fn tell(case: &Case, watched: &Watched, question: &Question, paint: Paint) -> anyhow::Result<()> {
    let report = &watched.run.report;
    let found: Vec<Answer> = answers(case, watched, question)?;
    let legend = Legend::of(&case.plan);
    let verdict = match report.outcome {
        Outcome::Passed => paint.good("PASS"),
        Outcome::Failed => paint.bad("FAIL"),
        Outcome::Error => paint.bad("ERROR"),
    };
    let mut text = format!("{verdict}  {}\n", paint.strong(&case.name));
    if found.is_empty() {
        text.push_str("\nNothing failed.\n");
    }
    for answer in &found {
        text.push_str(&format!("\n{}", answer.tell(&legend, Voice::default())));
    }
    text.push('\n');
    Ok(terminal::print(&text)?)
}

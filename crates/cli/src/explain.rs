//! `faultwire explain`: runs each case with its records on and tells what was behind an outcome.

use anyhow::bail;
use faultwire_sim::explain::{self, Answer, Question, Unanswerable, Voice, Watched};
use faultwire_sim::output::ladder::{LadderOptions, Marks, marked_ladder};
use faultwire_sim::output::{Legend, PacketNumber};
use faultwire_sim::plan::{Case, Experiment};
use faultwire_sim::report::Outcome;
use faultwire_sim::run::Judging;

use crate::arguments::{ExplainArguments, Hazards};
use crate::status::Status;
use crate::terminal::{self, Paint};
use crate::worker::{self, Ending};
use crate::{loading, panic_report};

/// What was found about one case.
struct Explained {
    index: usize,
    watched: Watched,
    answers: Result<Answers, Unanswerable>,
}

/// The answers to a question, and what stands above them.
struct Answers {
    heading: Option<&'static str>,
    answers: Vec<Answer>,
    inevitable: Option<Answer>,
}

pub(crate) fn explain(arguments: &ExplainArguments) -> anyhow::Result<Status> {
    let selection = &arguments.selection;
    let experiment = loading::load(&selection.file, &selection.overrides(arguments.seed))?;
    if let Some(case) = experiment.cases.first() {
        panic_report::note_seed(case.plan.seed);
    }
    let question = question(arguments);
    let cases = chosen(&experiment, &question)?;
    let judging = Judging { hazards_fail: arguments.hazards == Hazards::Fail };
    let (work, wants_moment) = (cases.clone(), arguments.when_inevitable);
    let simulation = move |give: &mut dyn FnMut(Explained)| {
        for (index, case) in work.iter().enumerate() {
            let watched = explain::watch(case, judging);
            let answers = answer(case, judging, &watched, &question, wants_moment);
            give(Explained { index, watched, answers });
        }
    };
    let paint = Paint::for_stdout();
    let ending = worker::work(simulation, |explained| {
        let Explained { index, watched, answers } = explained;
        tell(&cases[index], &watched, &answers?, arguments, paint)
    })?;
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
    } else if let Some(app) = &arguments.stall {
        Question::Stall(app.clone())
    } else if let Some(socket) = &arguments.last_byte {
        Question::LastByte(socket.clone())
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
                "--packet {}: each case numbers its packets on its own: say which case with --case: {}",
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

fn answer(
    case: &Case,
    judging: Judging,
    watched: &Watched,
    question: &Question,
    wants_moment: bool,
) -> Result<Answers, Unanswerable> {
    let mut heading = None;
    let mut answers = explain::explain(case, watched, question)?;
    if answers.is_empty() && *question == Question::Failure {
        answers = explain::explain(case, watched, &Question::Faults)?;
        heading = Some(match (watched.run.report.outcome, answers.is_empty()) {
            (Outcome::Passed, true) => {
                "Nothing failed. No fault acted, and chance lost, copied, changed and reordered nothing."
            }
            (Outcome::Passed, false) => "Nothing failed. This is what faults and chance led to:",
            _ => {
                "No expectation, app or oracle failed; the report says what did. Faults and chance led to this:"
            }
        });
    }
    let inevitable =
        if wants_moment { explain::when_inevitable(case, judging, watched, question)? } else { None };
    Ok(Answers { heading, answers, inevitable })
}

fn tell(
    case: &Case,
    watched: &Watched,
    found: &Answers,
    arguments: &ExplainArguments,
    paint: Paint,
) -> anyhow::Result<()> {
    let legend = Legend::of(&case.plan);
    let verdict = match watched.run.report.outcome {
        Outcome::Passed => paint.good("PASS"),
        Outcome::Failed => paint.bad("FAIL"),
        Outcome::Error => paint.bad("ERROR"),
    };
    let mut text = format!("{verdict}  {}   seed {}\n", paint.strong(&case.name), case.plan.seed);
    if watched.run.report.outcome == Outcome::Error {
        watched.run.report.failures.iter().for_each(|failure| text.push_str(&format!("  {failure}\n")));
    }
    if let Some(heading) = found.heading {
        text.push_str(&format!("{heading}\n"));
    }
    for answer in found.answers.iter().chain(&found.inevitable) {
        text.push_str(&format!("\n{}", answer.tell(&legend, Voice::default())));
    }
    if arguments.when_inevitable && found.inevitable.is_none() {
        text.push_str("\nNothing failed, so nothing was inevitable.\n");
    }
    if arguments.timeline {
        let chains = found.answers.iter().chain(&found.inevitable).map(|answer| &answer.chain);
        let marks = Marks {
            packets: chains.flat_map(explain::Chain::packets).collect(),
            meaning: "the packets that the explanation names".into(),
            only: true,
        };
        text.push('\n');
        text.push_str(&marked_ladder(&legend, &watched.trace, LadderOptions::default(), &marks));
    }
    text.push('\n');
    Ok(terminal::print(&text)?)
}

//! From an outcome back to its causes: why a packet was sent, an expectation failed or a connection ended.
//!
//! Start with [`watch`], which runs a case with a [`Trace`] on, and [`explain`], which answers a [`Question`] about it.
//! An answer is a [`Chain`]: the outcome first, then what caused it, then what caused that, down to a [`Root`]: a fault
//! of the experiment, chance, a full queue, a call of an application, or a plain rule of the protocol. Side causes hang
//! deeper than the line that they belong to. [`Answer::tell`] makes text of it.
//!
//! What a packet's tag knows (its reason and cause) is taken from there. What no tag can know (which event started a
//! timer that ran out, which packet left the hole that a duplicate ACK tells of) is derived from the records by the
//! rule that the step cites.
//!
//! ```
//! use faultwire_sim::experiment::{Overrides, parse};
//! use faultwire_sim::explain::{Question, Root, explain, watch};
//! use faultwire_sim::output::PacketNumber;
//! use faultwire_sim::run::Judging;
//!
//! let text = r#"{
//!   "name": "lost-once",
//!   "hosts": { "client": { "stack": "linux" }, "server": { "stack": "linux" } },
//!   "links": [ { "name": "wire", "between": ["client", "server"], "rate": "10Mbit", "delay": "50ms" } ],
//!   "apps": [ { "name": "flow", "on": "client", "bulk": { "to": "server:80", "size": "1KiB" } } ],
//!   "faults": [ { "name": "no SYN", "on": "wire", "towards": "server",
//!                 "match": { "kind": "syn", "nth": 1 }, "do": "drop" } ]
//! }"#;
//! let experiment = parse(text, "lost-once.json", &Overrides::default()).unwrap();
//! let case = &experiment.cases[0];
//! let watched = watch(case, Judging::default());
//! let answers = explain(case, &watched, &Question::Packet(PacketNumber(2))).unwrap();
//! assert!(answers[0].chain.roots().any(|root| matches!(root, Root::Fault { name } if &**name == "no SYN")));
//! ```

mod answer;
mod app;
mod builder;
mod clause;
mod consequence;
mod expectation;
mod failure;
mod fate;
mod inevitable;
mod last_byte;
mod missing;
mod provoked;
mod question;
mod quirk;
mod scene;
mod sent;
mod spent;
mod state;
mod tell;
mod timer;

pub use answer::{Answer, Chain, Root, Step};
pub use clause::Clause;
pub use inevitable::when_inevitable;
pub use question::{Question, Unanswerable};
pub use tell::Voice;

use crate::output::Trace;
use crate::plan::Case;
use crate::run::{CaseRun, Judging, run_case};
use builder::Builder;
use scene::Scene;

/// A run that was watched: its judgement and every record.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The judgement.
    pub run: CaseRun,
    /// The records.
    pub trace: Trace,
}

/// Runs a case and keeps its records.
pub fn watch(case: &Case, judging: Judging) -> Watched {
    let mut trace = Trace::new();
    let run = run_case(case, judging, &mut trace);
    Watched { run, trace }
}

/// Answers a question about a run; [`Question::Failure`] has one answer for each thing that failed.
///
/// # Errors
/// [`Unanswerable`] if the question names something that the run does not have.
pub fn explain(case: &Case, watched: &Watched, question: &Question) -> Result<Vec<Answer>, Unanswerable> {
    explain_run(case, &watched.run, &watched.trace, question)
}

/// The same for a run and a trace that somebody else has kept.
///
/// # Errors
/// [`Unanswerable`] if the question names something that the run does not have.
pub fn explain_run(
    case: &Case,
    run: &CaseRun,
    trace: &Trace,
    question: &Question,
) -> Result<Vec<Answer>, Unanswerable> {
    let scene = Scene::new(&case.plan, run, trace);
    Ok(match question {
        Question::Packet(number) => {
            let number = scene.known_packet(*number)?;
            let mut builder = Builder::new(&scene);
            builder.packet(number);
            vec![Answer { subject: scene.introduce(number), chain: builder.finish() }]
        }
        Question::Expectation(name) => {
            vec![expectation::answer(&scene, scene.known_expectation(name)?)]
        }
        Question::Stall(app) => {
            let mut answers = vec![failure::app_answer(&scene, scene.known_app(app)?)];
            answers.extend(quirk::answers(&scene, case));
            answers
        }
        Question::LastByte(socket) => vec![last_byte::answer(&scene, scene.known_socket(socket)?)],
        Question::Failure => {
            let mut answers = failure::failures(&scene, case);
            answers.extend(quirk::answers(&scene, case));
            answers
        }
        Question::Faults => consequence::answers(&scene),
    })
}

//! From which moment on a failure could no longer be avoided: the run is branched before each decision on its way, and
//! goes on from there without any further fault.

use std::collections::BTreeSet;

use faultwire_base::Instant;

use super::Watched;
use super::answer::{Answer, Root};
use super::builder::{Builder, Told, Why};
use super::question::{Question, Unanswerable};
use super::scene::{Scene, time};
use crate::output::What;
use crate::plan::Case;
use crate::record::Silent;
use crate::run::{CaseRun, Judging, finish_case};
use crate::world::World;

/// Branches taken one after the other; with more decisions than that the moment is found by halving.
const BRANCHES_MAX: usize = 64;

/// Tells from which moment on what a question is about would have failed anyway. `None` if nothing failed.
///
/// At each moment at which a link decided something, a packet was injected or a host changed, the world as it was just
/// before is cloned and goes on with every fault ended: nothing is lost, delayed or injected any more, links have their
/// first rate and delay, and hosts that are down come up. The first decision after which even that fails is the one.
///
/// # Errors
/// [`Unanswerable`] if the question names something that the run does not have.
pub fn when_inevitable(
    case: &Case,
    judging: Judging,
    watched: &Watched,
    question: &Question,
) -> Result<Option<Answer>, Unanswerable> {
    let scene = Scene::new(&case.plan, &watched.run, &watched.trace);
    let asked = match question {
        Question::Expectation(name) => {
            scene.known_expectation(name)?;
            BTreeSet::from([name.clone()])
        }
        Question::Stall(app) => {
            scene.known_app(app)?;
            BTreeSet::from([format!("app:{app}")])
        }
        _ => judged(case, &watched.run),
    };
    let names: BTreeSet<String> = failing(&watched.run).intersection(&asked).cloned().collect();
    if names.is_empty() {
        return Ok(None);
    }
    let trial = Trial { case, judging, names: &names };
    let moments = decisions(&scene);
    let turn = turn(&trial, &moments);
    let subject = format!("From when on it was inevitable {}", told_names(&names));
    Ok(Some(Answer { subject, chain: tell(&scene, &moments, turn) }))
}

/// Why the case failed, or, if it did not, what failed in it as it must.
fn judged(case: &Case, run: &CaseRun) -> BTreeSet<String> {
    let failures: BTreeSet<String> = run.failures.iter().map(|failure| failure.name.clone()).collect();
    if failures.is_empty() { case.must_fail.iter().cloned().collect() } else { failures }
}

/// What fails in a run: expectations, apps and oracles, also those that must.
fn failing(run: &CaseRun) -> BTreeSet<String> {
    let report = &run.report;
    let expectations = report.expectations.iter().filter(|expectation| !expectation.passed);
    let apps = report.apps.iter().filter(|app| app.outcome == "failed" || app.outcome == "stalled");
    let oracles = report.oracles.iter().filter(|oracle| oracle.result == "broken");
    expectations
        .map(|expectation| expectation.name.clone())
        .chain(apps.map(|app| format!("app:{}", app.name)))
        .chain(oracles.map(|oracle| format!("oracle:{}", oracle.name)))
        // Hazards as well, where they are asked to fail.
        .chain(run.failures.iter().map(|failure| failure.name.clone()))
        .collect()
}

fn told_names(names: &BTreeSet<String>) -> String {
    let words: Vec<String> = names
        .iter()
        .map(|name| match (name.strip_prefix("app:"), name.strip_prefix("oracle:")) {
            (Some(app), _) => format!("that the app \"{app}\" fails"),
            (_, Some(oracle)) => format!("that the oracle {oracle} does not hold"),
            _ => format!("that the expectation \"{name}\" fails"),
        })
        .collect();
    words.join(", and ")
}

/// The instants at which something was decided, ascending, each with the first entry that says so.
fn decisions(scene: &Scene<'_>) -> Vec<(Instant, usize)> {
    let mut found: Vec<(Instant, usize)> = Vec::new();
    for (index, entry) in scene.trace.entries().iter().enumerate() {
        let decides =
            matches!(entry.what, What::Link { .. } | What::Injected { .. } | What::HostChanged { .. });
        if decides && found.last().is_none_or(|(at, _)| *at < entry.at) {
            found.push((entry.at, index));
        }
    }
    found
}

/// What is tried in each branch.
struct Trial<'a> {
    case: &'a Case,
    judging: Judging,
    names: &'a BTreeSet<String>,
}

impl Trial<'_> {
    /// Whether it fails although every fault ends here.
    fn fails_from(&self, world: &World) -> bool {
        let mut branch = world.clone();
        branch.end_faults();
        let end = branch.run(&mut Silent);
        let run = finish_case(self.case, &branch, &end, self.judging);
        !failing(&run).is_disjoint(self.names)
    }
}

/// Where the way out was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// It fails with no fault at all.
    NoFault,
    /// Before this decision it could be avoided, after it not.
    At(usize),
    /// It could be avoided to the last.
    Never,
}

/// Finds the first decision after which it fails in every later branch as well.
fn turn(trial: &Trial<'_>, moments: &[(Instant, usize)]) -> Turn {
    if trial.fails_from(&World::new(&trial.case.plan)) {
        return Turn::NoFault;
    }
    if moments.len() <= BRANCHES_MAX {
        let mut last_way_out = 0;
        let mut world = World::new(&trial.case.plan);
        for (index, (at, _)) in moments.iter().enumerate() {
            run_until(&mut world, *at);
            if !trial.fails_from(&world) {
                last_way_out = index;
            }
        }
        return settle(trial, moments, last_way_out);
    }
    // Before moment `low` there is a way out, before `high` there is none (or it is past the end).
    let (mut low, mut high) = (0, moments.len());
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        let mut world = World::new(&trial.case.plan);
        run_until(&mut world, moments[middle].0);
        if trial.fails_from(&world) { high = middle } else { low = middle }
    }
    settle(trial, moments, low)
}

/// The way out before moment `last` is the last one, unless there is another after the last decision of all.
fn settle(trial: &Trial<'_>, moments: &[(Instant, usize)], last: usize) -> Turn {
    if last + 1 < moments.len() || moments.is_empty() {
        return if moments.is_empty() { Turn::Never } else { Turn::At(last) };
    }
    let mut world = World::new(&trial.case.plan);
    let (at, _) = moments[last];
    while world.next_time().is_some_and(|next| next <= at) {
        if world.step(&mut Silent).is_some() {
            break;
        }
    }
    if trial.fails_from(&world) { Turn::At(last) } else { Turn::Never }
}

/// Runs up to, and without, what happens at `at`.
fn run_until(world: &mut World, at: Instant) {
    while world.next_time().is_some_and(|next| next < at) {
        if world.step(&mut Silent).is_some() {
            return;
        }
    }
}

fn tell(scene: &Scene<'_>, moments: &[(Instant, usize)], turn: Turn) -> super::Chain {
    let mut builder = Builder::new(scene);
    let first = scene.plan.hosts.first().map_or(faultwire_base::PlaceId(0), |host| host.place);
    match turn {
        Turn::NoFault => {
            let sentence = "No fault is needed: it fails even if no fault ever acts and chance does nothing.";
            builder.begin(Told::new(Instant::ZERO, first, sentence).rooted(Root::Rule));
        }
        Turn::Never => {
            let sentence =
                "It could be avoided to the last: had every fault ended then, it would not have failed.";
            builder.begin(Told::new(scene.run.end, first, sentence).rooted(Root::Rule));
        }
        Turn::At(index) => {
            let (at, entry) = moments[index];
            let sentence = if at == Instant::ZERO {
                "It is decided at the very start: had no fault acted, it would not have failed; after what happens at the \
                 first instant it fails anyway."
                    .to_owned()
            } else {
                format!(
                    "Before {} it could still be avoided: had every fault ended there, it would not have failed; after \
                     what happens then it fails anyway.",
                    time(at)
                )
            };
            let told = Told::new(at, scene.entry(entry).place, sentence).shown_by(Some(entry));
            builder.begin(match scene.entry(entry).what {
                What::Link { packet, copy, .. } => told.because(match copy {
                    Some(copy) => Why::Sent(copy),
                    None => Why::Missing(packet),
                }),
                What::HostChanged { .. } => told.because(Why::State(entry)),
                What::Injected { fault } => {
                    let name = scene.plan.faults[fault.0 as usize].name.clone();
                    told.rooted(Root::Fault { name })
                }
                _ => told.rooted(Root::Rule),
            });
        }
    }
    builder.finish()
}

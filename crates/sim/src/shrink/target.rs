//! What must stay while everything else goes: the failure, how the run ended, and that the cause is the cause.

use std::sync::{Arc, OnceLock};

use super::Settings;
use super::chance::{Chance, recording_of};
use crate::experiment::{Node, Value, fold_case, plan_tree, text_of};
use crate::failure::Cluster;
use crate::plan::{Case, Plan};
use crate::record::Silent;
use crate::replay::Recording;
use crate::run::{CaseRun, Judging, finish_case};
use crate::sweep::Catch;
use crate::world::{End, World};

/// An experiment of one case as a tree, read when it is first needed.
pub(crate) struct Setting {
    tree: Node,
    key: u128,
    case: OnceLock<Option<Case>>,
}

impl Setting {
    pub(crate) fn new(tree: Node) -> Arc<Self> {
        let key = xxhash_rust::xxh3::xxh3_128(text_of(&tree).as_bytes());
        Arc::new(Self { tree, key, case: OnceLock::new() })
    }

    pub(crate) fn tree(&self) -> &Node {
        &self.tree
    }

    /// Equal for equal experiments.
    pub(crate) fn key(&self) -> u128 {
        self.key
    }

    /// Its case, in which chance draws; `None` if it is no experiment, or one of several cases.
    pub(crate) fn case(&self) -> Option<&Case> {
        let read = || {
            let mut experiment = plan_tree(&self.tree).ok()?;
            if experiment.cases.len() == 1 { experiment.cases.pop() } else { None }
        };
        self.case.get_or_init(read).as_ref()
    }
}

/// How a run ended, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Idle,
    TimeLimit,
    Error,
}

/// A run and what it came to.
#[derive(Clone, Debug)]
pub(crate) struct Ran {
    pub(crate) run: CaseRun,
    pub(crate) cluster: Option<Cluster>,
    pub(crate) events: u64,
    /// What chance did in it, if that was kept.
    pub(crate) recording: Recording,
    ending: Ending,
}

/// Runs a case and keeps what chance does, or what a replay does in its place.
pub(crate) fn record(case: &Case, judging: Judging) -> Ran {
    let mut world = World::new(&case.plan);
    world.keep_decisions();
    let end = world.run(&mut Silent);
    Ran { recording: world.decisions(), ..judged(case, &world, &end, judging) }
}

fn run(case: &Case, judging: Judging) -> Ran {
    let mut world = World::new(&case.plan);
    let end = world.run(&mut Silent);
    judged(case, &world, &end, judging)
}

/// What a world that has come to its end came to.
fn judged(case: &Case, world: &World, end: &End, judging: Judging) -> Ran {
    let run = finish_case(case, world, end, judging);
    let ending = match end {
        End::Idle => Ending::Idle,
        End::TimeLimit => Ending::TimeLimit,
        End::Error(_) => Ending::Error,
    };
    let recording = Recording::default();
    Ran { cluster: run.cluster(), events: world.events(), run, recording, ending }
}

/// The case in which these decisions, and no others, are taken in the place of chance.
pub(crate) fn replayed(case: &Case, decisions: &[Chance]) -> Case {
    changed(case, |plan| plan.recording = Some(recording_of(decisions)))
}

fn changed(case: &Case, change: impl FnOnce(&mut Plan)) -> Case {
    let mut plan = (*case.plan).clone();
    change(&mut plan);
    Case { plan: Arc::new(plan), ..case.clone() }
}

/// What may be to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Suspect {
    /// Everything that chance did.
    Chance,
    /// All faults, named and by chance.
    Faults,
    /// The quirks of all hosts.
    Quirks,
}

const SUSPECTS: [Suspect; 3] = [Suspect::Chance, Suspect::Faults, Suspect::Quirks];

/// A run without a suspect that did not fail as the original does. It has to stay so: else what is left fails for another
/// reason, say because the run has become too short to finish, or because a way with a longer delay is all that is left.
/// So the suspect itself has to stay as well, however little of it.
#[derive(Clone, Copy, Debug)]
struct Control {
    without: Suspect,
    passed: bool,
}

/// The failure that is looked for.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    cluster: Cluster,
    ending: Ending,
    events_max: u64,
    controls: Vec<Control>,
    judging: Judging,
    catch: Catch,
}

impl Target {
    /// The failure of a run of this setting with these decisions; `None` if it passed.
    pub(crate) fn of(
        setting: &Setting,
        decisions: &[Chance],
        ran: &Ran,
        settings: &Settings,
    ) -> Option<Self> {
        let Settings { judging, catch, .. } = *settings;
        let cluster = ran.cluster.clone()?;
        let mut events = ran.events;
        let mut controls = Vec::new();
        let named = setting.case().is_some_and(|case| !case.plan.faults.is_empty());
        // Where no fault has a name, chance is all of them.
        for without in SUSPECTS.into_iter().filter(|without| named || *without != Suspect::Faults) {
            let Some(variant) = cleared(setting, decisions, without) else { continue };
            // What can't be run says nothing.
            let Some(control) = caught(catch, || run(&variant, judging)) else { continue };
            events = events.max(control.events);
            if control.cluster.as_ref() != Some(&cluster) {
                controls.push(Control { without, passed: control.cluster.is_none() });
            }
        }
        let is_error = ran.ending == Ending::Error;
        // A candidate that runs much longer than anything seen so far is on its way to somewhere else.
        let events_max = if is_error { u64::MAX } else { events.saturating_mul(4).saturating_add(100_000) };
        Some(Self { cluster, ending: ran.ending, events_max, controls, judging, catch })
    }

    pub(crate) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    pub(crate) fn judging(&self) -> Judging {
        self.judging
    }

    /// Whether a replay of this setting fails in the same way, and is cleared by what clears the original; `None` if it is
    /// no experiment.
    pub(crate) fn is_met(&self, setting: &Setting, decisions: &[Chance]) -> Option<bool> {
        let case = setting.case()?;
        if !self.is_same(&run(&self.bounded(replayed(case, decisions)), self.judging)) {
            return Some(false);
        }
        Some(self.controls.iter().all(|control| self.holds(control, setting, decisions)))
    }

    /// Whether a run of this case fails in the same way; a panic is another way.
    pub(crate) fn is_failing(&self, case: &Case) -> bool {
        let ran = caught(self.catch, || run(&self.bounded(case.clone()), self.judging));
        ran.is_some_and(|ran| self.is_same(&ran))
    }

    /// Whether a run failed in the same way. A stall that was seen at the time limit is one as well if nothing moves any
    /// more before that.
    pub(crate) fn is_same(&self, ran: &Ran) -> bool {
        let ended_alike =
            ran.ending == self.ending || self.ending == Ending::TimeLimit && ran.ending == Ending::Idle;
        ended_alike && ran.cluster.as_ref() == Some(&self.cluster)
    }

    /// Whether a candidate that fails as the original does is cleared by what cleared the original. One from which the
    /// suspect is gone is not: it is that run itself, and it fails.
    fn holds(&self, control: &Control, setting: &Setting, decisions: &[Chance]) -> bool {
        let Some(variant) = cleared(setting, decisions, control.without) else { return false };
        let ran = run(&self.bounded(variant), self.judging);
        if control.passed { ran.cluster.is_none() } else { ran.cluster.as_ref() != Some(&self.cluster) }
    }

    fn bounded(&self, case: Case) -> Case {
        changed(&case, |plan| plan.stop.events = plan.stop.events.min(self.events_max))
    }
}

/// What the work gives; `None` if it panics.
fn caught<T>(catch: Catch, work: impl FnOnce() -> T) -> Option<T> {
    let (mut work, mut given) = (Some(work), None);
    let ended = catch(&mut || given = work.take().map(|work| work()));
    ended.ok().and(given)
}

/// The case without a suspect; `None` if that is not there.
fn cleared(setting: &Setting, decisions: &[Chance], suspect: Suspect) -> Option<Case> {
    let case = setting.case()?;
    match suspect {
        Suspect::Chance => (!decisions.is_empty()).then(|| replayed(case, &[])),
        // What chance did are faults too.
        Suspect::Faults => (!case.plan.faults.is_empty() || !decisions.is_empty())
            .then(|| changed(&replayed(case, &[]), leave_out_faults)),
        Suspect::Quirks => {
            let tree = without_quirks(setting.tree())?;
            Setting::new(tree).case().map(|case| replayed(case, decisions))
        }
    }
}

/// Takes away every named fault, as a case does that leaves all of them out.
fn leave_out_faults(plan: &mut Plan) {
    for direction in &mut plan.directions {
        direction.config.faults.clear();
        direction.config.changes.clear();
    }
    for host in &mut plan.hosts {
        host.timeline.clear();
    }
    plan.injections.clear();
    for fault in &mut plan.faults {
        fault.removed = true;
        fault.targets.clear();
        fault.awaits = None;
    }
}

/// The experiment without any quirk, those that its case sets included; `None` if it has none.
fn without_quirks(tree: &Node) -> Option<Node> {
    let mut tree = fold_case(tree).unwrap_or_else(|| tree.clone());
    let Value::Object(hosts) = &mut tree.get_mut("hosts")?.value else { return None };
    let removed = hosts.iter_mut().filter_map(|host| host.node.remove("quirks")).count();
    (removed > 0).then_some(tree)
}

//! The search: decisions of chance and parts of the experiment are left out, and amounts made smaller, until nothing more
//! goes.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::Arc;

use super::chance::{self, Chance};
use super::edit::Edit;
use super::measure::Measure;
use super::target::{Setting, Target};
use super::trials::{Candidate, Cut, Trials, Verdict};
use super::{Progress, Settings, amount, ddmin, removal};
use crate::experiment::{Node, fold_case};

/// The best so far, and the bench on which others are tried.
pub(crate) struct Search<'a> {
    best: State,
    target: Arc<Target>,
    /// What chance did in the original.
    met: Arc<[Chance]>,
    trials: Trials<'a>,
    now: Rc<Cell<Now>>,
}

/// An experiment and the decisions that are taken in the place of chance.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) setting: Arc<Setting>,
    pub(crate) decisions: Arc<[Chance]>,
}

impl State {
    fn key(&self) -> u128 {
        self.setting.key() ^ chance::key_of(&self.decisions).rotate_left(1)
    }

    pub(crate) fn measure(&self) -> Measure {
        Measure::of_tree(self.setting.tree()).with_decisions(self.decisions.len())
    }
}

/// What progress is told.
#[derive(Clone, Copy)]
struct Now {
    phase: &'static str,
    measure: Measure,
}

/// Something smaller that may fail in the same way.
struct Smaller {
    state: State,
    target: Arc<Target>,
}

impl Candidate for Smaller {
    fn key(&self) -> u128 {
        self.state.key()
    }

    fn verdict(&self) -> Verdict {
        match self.target.is_met(&self.state.setting, &self.state.decisions) {
            Some(true) => Verdict::Same,
            Some(false) => Verdict::Different,
            None => Verdict::Invalid,
        }
    }
}

/// How a search ended.
pub(crate) struct Found {
    pub(crate) best: State,
    pub(crate) tried: u64,
    pub(crate) cut: Option<Cut>,
    /// What the first candidate said that panicked.
    pub(crate) panicked: Option<String>,
}

impl<'a> Search<'a> {
    /// A search that starts at this state, which fails as the target says.
    pub(crate) fn new(
        best: State,
        target: &Arc<Target>,
        settings: &Settings,
        mut progress: impl FnMut(&Progress) -> ControlFlow<()> + 'a,
    ) -> Self {
        let before = best.measure();
        let now = Rc::new(Cell::new(Now { phase: "decisions of chance", measure: before }));
        let told = Rc::clone(&now);
        let trials = Trials::new(settings, move |tried| {
            let Now { phase, measure } = told.get();
            progress(&Progress { phase, before, now: measure, tried })
        });
        let met = Arc::clone(&best.decisions);
        Self { best, target: Arc::clone(target), met, trials, now }
    }

    /// Everything, until nothing more goes.
    pub(crate) fn run(mut self) -> Found {
        self.leave_decisions_out();
        if let Some(tree) = fold_case(self.best.setting.tree()) {
            self.try_trees("cases", [tree]);
        }
        loop {
            let before = self.best.key();
            self.pass("parts", removal::removals);
            self.pass("hosts, links and apps", removal::joint_removals);
            self.pass("amounts", amount::reductions);
            self.leave_decisions_out();
            self.change_decisions(chance::reductions);
            self.change_decisions(chance::merged);
            let met = Arc::clone(&self.met);
            self.change_decisions(|list| chance::turned(list, &met));
            self.change_decisions(chance::shifted);
            if self.best.key() == before || self.trials.cut().is_some() {
                let (tried, cut) = (self.trials.tried(), self.trials.cut());
                return Found { best: self.best, tried, cut, panicked: self.trials.into_panicked() };
            }
        }
    }

    /// Delta debugging over the decisions of chance: by class, by direction, by kind of packet, by time, one by one.
    fn leave_decisions_out(&mut self) {
        self.tell("decisions of chance");
        let setting = Arc::clone(&self.best.setting);
        let (target, now) = (Arc::clone(&self.target), Rc::clone(&self.now));
        let build = |decisions: &[Chance]| Smaller {
            state: State { setting: Arc::clone(&setting), decisions: decisions.into() },
            target: Arc::clone(&target),
        };
        let kept = ddmin::minimise(
            self.best.decisions.to_vec(),
            &[&Chance::class, &Chance::direction, &Chance::kind],
            &mut self.trials,
            &build,
            &|left| {
                let Now { phase, measure } = now.get();
                now.set(Now { phase, measure: measure.with_decisions(left) });
            },
        );
        self.best.decisions = kept.into();
    }

    /// Decisions that do less, or are simpler, as long as there are some that fail in the same way.
    fn change_decisions(&mut self, simpler: impl Fn(&[Chance]) -> Vec<Vec<Chance>>) {
        self.tell("amounts of chance");
        let mut from = 0;
        loop {
            let mut lists = simpler(&self.best.decisions);
            let same = chance::key_of(&self.best.decisions);
            lists.retain(|list| chance::key_of(list) != same);
            let (best, target) = (&self.best, &self.target);
            let candidates = lists.into_iter().skip(from).map(|decisions| Smaller {
                state: State { setting: Arc::clone(&best.setting), decisions: decisions.into() },
                target: Arc::clone(target),
            });
            let Some((index, better)) = self.trials.first(candidates) else { return };
            self.best = better.state;
            from += index;
        }
    }

    /// One sweep over all edits of a kind; after each success it goes on from there with those of the new experiment.
    fn pass(&mut self, phase: &'static str, edits: fn(&Node) -> Vec<Edit>) {
        let mut from = 0;
        loop {
            let tree = self.best.setting.tree().clone();
            let edits = edits(&tree);
            let changed = edits.iter().skip(from).map(|edit| edit.apply(&tree));
            let Some(index) = self.try_trees(phase, changed) else { return };
            from += index;
        }
    }

    /// Takes the first of these experiments that fails in the same way.
    fn try_trees(&mut self, phase: &'static str, trees: impl IntoIterator<Item = Node>) -> Option<usize> {
        self.tell(phase);
        let (best, target) = (&self.best, &self.target);
        let candidates = trees.into_iter().map(|tree| Smaller {
            state: State { setting: Setting::new(tree), decisions: Arc::clone(&best.decisions) },
            target: Arc::clone(target),
        });
        let (index, better) = self.trials.first(candidates)?;
        self.best = better.state;
        Some(index)
    }

    fn tell(&mut self, phase: &'static str) {
        self.now.set(Now { phase, measure: self.best.measure() });
    }
}

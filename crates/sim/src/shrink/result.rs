//! What a search leaves, as files that a person can run and read.

use std::sync::Arc;

use super::chance::Chance;
use super::edit::set_member;
use super::measure::Measure;
use super::search::{Found, State};
use super::target::{Ran, Setting, Target, record, replayed};
use super::{Shrunk, translate, words};
use crate::experiment::{Node, Value, layout, plan_tree};
use crate::failure::Failure;
use crate::record::Silent;
use crate::replay::record_case;

/// Where a search began.
pub(crate) struct Origin {
    pub(crate) name: String,
    pub(crate) case: String,
    pub(crate) before: Measure,
    pub(crate) failures: Vec<Failure>,
}

/// Puts what was found into words and files.
pub(crate) fn shrunk(origin: Origin, target: &Target, found: Found) -> Shrunk {
    let Found { best, tried, cut, panicked } = found;
    let (best, ran) = settled(best, target);
    let minimal = minimal(&best, target);
    let case = best.setting.case().expect("what is kept is an experiment");
    let seed = case.plan.seed;
    let (_, recorded) = record_case(&replayed(case, &best.decisions), target.judging(), &mut Silent);
    let experiment = plan_tree(&described(best.setting.tree(), &origin, seed));
    let tree = minimal.as_ref().unwrap_or_else(|| best.setting.tree());
    let after = Measure::of_tree(tree).with_run(&ran);
    Shrunk {
        seed,
        cluster: target.cluster().clone(),
        before: origin.before,
        after: if minimal.is_some() { after } else { after.with_decisions(best.decisions.len()) },
        faults: words::faults(tree),
        minimal: minimal.as_ref().map(|tree| layout::pretty(&described(tree, &origin, seed))),
        experiment: experiment.expect("another description is all that differs"),
        recorded,
        name: origin.name,
        case: origin.case,
        failures: origin.failures,
        tried,
        cut,
        panicked,
    }
}

/// The state with its decisions as they are taken now: those whose packet never comes are gone, and each has its time.
fn settled(best: State, target: &Target) -> (State, Ran) {
    let case = best.setting.case().expect("what is kept is an experiment");
    let ran = record(&replayed(case, &best.decisions), target.judging());
    assert!(target.is_same(&ran), "what is kept fails as the original");
    let decisions = Chance::all(ran.recording.clone()).into();
    (State { decisions, ..best }, ran)
}

/// The experiment in which nothing is left to chance: each decision has become a fault with a name. One after the other
/// does so, while the others are still replayed, in the first form that keeps the failure. `None` if one of them has none,
/// or if there are so many that nobody would read them.
fn minimal(best: &State, target: &Target) -> Option<Node> {
    if best.decisions.len() > NAMED_MAX {
        return None;
    }
    let mut tree = best.setting.tree().clone();
    let mut left: Vec<Chance> = best.decisions.to_vec();
    while !left.is_empty() {
        let decision = left.remove(0).decision;
        let forms = translate::faults(&tree, &decision).into_iter();
        tree = forms.map(|fault| translate::with_fault(&tree, fault)).find(|tree| {
            let setting = Setting::new(tree.clone());
            setting.case().is_some_and(|case| target.is_failing(&replayed(case, &left)))
        })?;
    }
    let clean = translate::without_chance(&tree);
    let fails = |setting: Arc<Setting>| setting.case().is_some_and(|case| target.is_failing(case));
    fails(Setting::new(clean.clone())).then_some(clean)
}

/// So many decisions become faults with a name at most; only a search that was cut short leaves more.
const NAMED_MAX: usize = 100;

/// The experiment with a sentence that says where it comes from.
fn described(tree: &Node, origin: &Origin, seed: u64) -> Node {
    let mut tree = tree.clone();
    // How both ends stand comes after the first semicolon: too much for a sentence about the whole.
    let failures: Vec<&str> = (origin.failures.iter())
        .map(|failure| failure.sentence.split_once("; ").map_or(&*failure.sentence, |(first, _)| first))
        .collect();
    let case = if origin.case == origin.name { String::new() } else { format!(", case {},", origin.case) };
    let text = format!(
        "What is left of {}{case} with seed {seed}, which ended thus: {}.",
        origin.name,
        failures.join("; ").trim_end_matches('.')
    );
    set_member(&mut tree, "description", Value::Text(text));
    tree
}

//! Settings that only say what chance draws: in a replay, where nothing is drawn, a command line changes them in vain.

use std::collections::{BTreeMap, BTreeSet};

use faultwire_link::{Change, DirectionConfig};

use crate::plan::{Case, Experiment, Plan};

/// Whether chance would draw otherwise in the second of two experiments. Only cases and directions of both count.
pub(crate) fn draws_otherwise(first: &Experiment, second: &Experiment) -> bool {
    let both = |case: &Case| Some((case.plan.clone(), second.cases.iter().find(|it| it.name == case.name)?));
    first.cases.iter().filter_map(both).any(|(plan, other)| {
        let others = directions(&other.plan);
        directions(&plan)
            .into_iter()
            .any(|(name, config)| others.get(name).is_some_and(|other| chance(config) != chance(other)))
    })
}

fn directions(plan: &Plan) -> BTreeMap<&str, &DirectionConfig> {
    let named = plan.directions.iter().map(|it| (&*plan.places[it.place.index()], &it.config));
    named.collect()
}

/// What chance goes by in a direction.
fn chance(config: &DirectionConfig) -> impl PartialEq + '_ {
    let changes: Vec<_> = config.changes.iter().filter(|it| is_of_chance(&it.change)).collect();
    let DirectionConfig { loss, loss_marks, jitter, duplicate, corrupt, reorder, .. } = config;
    (loss, loss_marks, jitter, duplicate, corrupt, reorder, changes)
}

fn is_of_chance(change: &Change) -> bool {
    matches!(
        change,
        Change::SetLoss(_)
            | Change::SetLossMarks(_)
            | Change::SetJitter(_)
            | Change::SetDuplicate(_)
            | Change::SetCorrupt(_)
            | Change::SetReorder(_)
    )
}

/// One sentence about all paths of settings that were [changed in vain](super::Replay::undrawn), each told once; `None`
/// if there are none.
pub fn undrawn_note<'a>(paths: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let paths: BTreeSet<&str> = paths.into_iter().collect();
    if paths.is_empty() {
        return None;
    }
    let (verb, names) =
        (if paths.len() == 1 { "says" } else { "say" }, paths.into_iter().collect::<Vec<_>>().join(", "));
    Some(format!(
        "{names} {verb} what chance draws, and a replay draws nothing: the recorded decisions stand. To draw anew, run \
         the experiment itself, which stands under \"experiment\" in the replay file"
    ))
}

//! Whether a run fails because of a quirk: the same run without it tells.

use std::sync::Arc;

use faultwire_base::Instant;

use super::answer::{Answer, Root};
use super::builder::{Builder, Told};
use super::scene::Scene;
use crate::plan::{Case, HostPlan, Quirk};
use crate::record::Silent;
use crate::run::{Judging, run_case};

/// One answer for each quirk without which less would fail than does; for all quirks of a host together, if none of them
/// alone makes the difference.
pub(super) fn answers(scene: &Scene<'_>, case: &Case) -> Vec<Answer> {
    let mut answers = Vec::new();
    if scene.run.failures.is_empty() {
        return answers;
    }
    for (index, host) in case.plan.hosts.iter().enumerate() {
        let quirks = &host.stack.quirks;
        let alone = quirks.iter().filter_map(|quirk| answer(scene, case, index, std::slice::from_ref(quirk)));
        let before = answers.len();
        answers.extend(alone);
        if answers.len() == before && quirks.len() > 1 {
            answers.extend(answer(scene, case, index, quirks));
        }
    }
    answers
}

/// What a host would spare the run without these quirks; `None` if nothing.
fn answer(scene: &Scene<'_>, case: &Case, index: usize, quirks: &[Quirk]) -> Option<Answer> {
    let host = &case.plan.hosts[index];
    let name = &case.plan.places[host.place.index()];
    let still = failing_without(case, index, quirks);
    let failed = scene.run.failures.iter().map(|failure| &failure.name);
    let spared: Vec<String> =
        failed.filter(|name| !still.contains(name)).map(|name| format!("\"{name}\"")).collect();
    if spared.is_empty() {
        return None;
    }
    let plural = if quirks.len() == 1 { "" } else { "s" };
    let holds = if still.is_empty() {
        "the same run passes".to_owned()
    } else {
        format!("the same run no longer fails in {}", spared.join(", "))
    };
    let mut builder = Builder::new(scene);
    for quirk in quirks {
        let what = quirk.what().trim_end_matches('.');
        let sentence = format!("The stack has the quirk {}. {what} ({}).", quirk.as_str(), quirk.source());
        let root = Root::Quirk { host: Arc::clone(name), name: quirk.as_str() };
        builder.begin(Told::new(Instant::ZERO, host.place, sentence).rooted(root));
    }
    let names: Vec<String> = quirks.iter().map(|quirk| format!("\"{}\"", quirk.as_str())).collect();
    Some(Answer {
        subject: format!("Without the quirk{plural} {} of {name} {holds}", names.join(" and ")),
        chain: builder.finish(),
    })
}

/// Names of what fails when a host does not have these quirks.
fn failing_without(case: &Case, index: usize, quirks: &[Quirk]) -> Vec<String> {
    let mut spared = case.clone();
    take_out(&mut Arc::make_mut(&mut spared.plan).hosts[index], quirks);
    let run = run_case(&spared, Judging { hazards_fail: true }, &mut Silent);
    run.failures.into_iter().map(|failure| failure.name).collect()
}

/// The stack that its profile and sysctls say, with the other quirks only.
fn take_out(host: &mut HostPlan, quirks: &[Quirk]) {
    host.stack.quirks.retain(|quirk| !quirks.contains(quirk));
    let mut config = Arc::clone(&host.lawful);
    for quirk in &host.stack.quirks {
        quirk.apply(Arc::make_mut(&mut config));
    }
    host.config.tcp = config;
}

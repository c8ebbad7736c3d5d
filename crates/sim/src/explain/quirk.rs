//! Whether a run fails because of a quirk: the same run without it tells.

use std::sync::Arc;

use faultwire_base::Instant;

use super::answer::{Answer, Root};
use super::builder::{Builder, Told};
use super::scene::Scene;
use crate::plan::Case;
use crate::record::Silent;
use crate::run::{Judging, run_case};

/// One answer for each quirk without which less would fail than does.
pub(super) fn answers(scene: &Scene<'_>, case: &Case) -> Vec<Answer> {
    let mut answers = Vec::new();
    if scene.run.failures.is_empty() {
        return answers;
    }
    for (index, host) in case.plan.hosts.iter().enumerate() {
        let host_name = &case.plan.places[host.place.index()];
        if host.stack.quirks.is_empty() {
            continue;
        }
        let still = failing_without(case, index);
        let spared: Vec<&str> = (scene.run.failures.iter())
            .map(|failure| failure.name.as_str())
            .filter(|name| !still.iter().any(|failing| failing == name))
            .collect();
        if spared.is_empty() {
            continue;
        }
        let names: Vec<String> =
            host.stack.quirks.iter().map(|quirk| format!("\"{}\"", quirk.as_str())).collect();
        let plural = if names.len() == 1 { "" } else { "s" };
        let holds = if still.is_empty() {
            "the same run passes".to_owned()
        } else {
            format!("the same run no longer fails in {}", listed(&spared))
        };
        let mut builder = Builder::new(scene);
        for quirk in &host.stack.quirks {
            let what = quirk.what().trim_end_matches('.');
            let sentence =
                format!("The stack has the quirk {}. {what} ({}).", quirk.as_str(), quirk.source());
            let root = Root::Quirk { host: Arc::clone(host_name), name: quirk.as_str() };
            builder.begin(Told::new(Instant::ZERO, host.place, sentence).rooted(root));
        }
        answers.push(Answer {
            subject: format!("Without the quirk{plural} {} of {host_name} {holds}", names.join(" and ")),
            chain: builder.finish(),
        });
    }
    answers
}

fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    quoted.join(", ")
}

/// Names of what fails when this host has the stack that its profile and sysctls say.
fn failing_without(case: &Case, host: usize) -> Vec<String> {
    let mut lawful = case.clone();
    let plan = Arc::make_mut(&mut lawful.plan);
    let host = &mut plan.hosts[host];
    host.config.tcp = Arc::clone(&host.lawful);
    host.stack.quirks.clear();
    let run = run_case(&lawful, Judging { hazards_fail: true }, &mut Silent);
    run.failures.into_iter().map(|failure| failure.name).collect()
}

//! Safety, then liveness: after `heal` everything comes to its end in bounded time.
//!
//! `heal` ends the faults of the links (random and targeted ones, cuts, holds), resumes hosts that are paused and starts
//! hosts that are down. From then on the apps have `within` to finish, or to fail as they say; nothing may stay held, and
//! what nobody owns any more may not keep a queue for ever.

use crate::oracle::{Finding, OracleName, OracleResult};
use crate::plan::HealPlan;
use crate::world::{AppStatus, World};

/// What has not converged, each in a sentence of its own; `None` without `heal`, or if all is well.
pub(crate) fn finding(world: &World) -> Option<Finding> {
    let heal = world.plan().heal?;
    let mut sentences = apps(world, heal);
    if world.now() >= heal.at + heal.within {
        sentences.extend(held(world));
        sentences.extend(undrained(world));
    }
    let detail = sentences.join("; and ");
    (!sentences.is_empty()).then_some(Finding {
        oracle: OracleName::Convergence,
        result: OracleResult::Broken,
        detail,
    })
}

/// Apps that had not finished in time. What those that never did wait for is told by their own failures.
fn apps(world: &World, heal: HealPlan) -> Vec<String> {
    let limit = heal.at + heal.within;
    let (mut sentences, mut never) = (Vec::new(), Vec::new());
    for host in world.hosts() {
        for run in &host.apps().runs {
            let app = &world.plan().apps[run.app as usize];
            if app.may_be_unfinished || run.status == AppStatus::Stopped {
                continue;
            }
            match run.finished {
                Some(at) if at <= limit => {}
                Some(at) => sentences.push(format!("app \"{}\" finished at {at}, not by {limit}", app.name)),
                None => never.push(format!("app \"{}\"", app.name)),
            }
        }
    }
    if !never.is_empty() {
        sentences.insert(0, format!("{} had not finished by {limit}", never.join(" and ")));
    }
    sentences
}

/// Packets that are held although every fault has ended.
fn held(world: &World) -> Vec<String> {
    let directions = world.directions().iter().zip(&world.plan().directions);
    directions
        .filter(|(direction, _)| direction.held() > 0)
        .map(|(direction, plan)| {
            format!("{} still holds {} packets", world.plan().places[plan.place.index()], direction.held())
        })
        .collect()
}

/// Connections without an owner that the run's end finds with something unacknowledged or unsent: a run that comes to its
/// end by itself has none.
fn undrained(world: &World) -> Vec<String> {
    let mut sentences = Vec::new();
    for host in world.hosts() {
        let mut left: Vec<_> = host
            .host()
            .connections()
            .filter(|one| one.fd.is_none())
            .filter(|one| {
                one.detail
                    .as_ref()
                    .is_some_and(|detail| detail.info.unacknowledged > 0 || detail.info.unsent > 0)
            })
            .map(|one| (one.local, one.remote))
            .collect();
        left.sort();
        for (local, remote) in left {
            let stands = host.host().describe_between(local, remote).unwrap_or_default();
            let name = &world.plan().places[host.place().index()];
            sentences
                .push(format!("a closed connection of {name} to {remote} has never drained: it is {stands}"));
        }
    }
    sentences
}

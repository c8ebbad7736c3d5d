//! The second stage: one case's tree to a plan. Names are resolved, units read, shorthands expanded.

mod addresses;
mod apps;
mod changes;
mod expectations;
mod generators;
mod hosts;
mod icmp;
mod inject;
mod links;
mod quirks;
mod routes;
mod sockets;
mod steps;
mod targets;
mod topology;

use std::collections::{BTreeMap, BTreeSet};

use faultwire_base::Instant;

use super::problem::Problem;
use super::read::Item;
use crate::plan::{FaultId, FaultPlan, HealPlan, HostChange, InjectionPlan, Plan, StopPlan};
use routes::Routes;
use sockets::Sockets;
use topology::Topology;

pub(crate) use changes::Timeline;

/// Everything that names can lead to, for the rooms of this stage.
pub(crate) struct Names<'a> {
    pub(crate) topology: &'a Topology,
    pub(crate) sockets: &'a Sockets,
}

/// Makes the plan of one case. `removed` are the faults that it leaves out.
pub(crate) fn resolve(root: &Item<'_>, removed: &BTreeSet<String>) -> Result<Plan, Problem> {
    let topology = topology::read(root)?;
    let routes = Routes::find(&topology);
    let mut directions = links::directions(root, &topology)?;
    let mut hosts = hosts::read(root, &topology, &routes, &directions)?;
    let routers = hosts::routers(&topology, &routes);
    let mut sockets = sockets::declare(root, &topology)?;
    let apps = apps::read(root, &topology, &routes, &mut sockets)?;
    let names = Names { topology: &topology, sockets: &sockets };
    let heal = heal(root)?;
    let mut timeline = Timeline::default();
    let mut faults = Vec::new();
    let mut injections = Vec::new();
    for (index, item) in root.list("faults").into_iter().enumerate() {
        let name = item.require("name")?.text()?;
        let mut fault = FaultPlan {
            name: name.into(),
            may_miss: item.flag_or("may_miss", false)?,
            removed: removed.contains(name),
            is_targeted: item.has("match") || item.has("inject"),
            targets: Vec::new(),
            awaits: None,
            timed: Vec::new(),
        };
        if !fault.removed {
            before_heal(&item, heal)?;
            let id = FaultId(u32::try_from(index).expect("a file has fewer than 2^32 faults"));
            mechanism(&item, id, &names, &mut fault, &mut directions, &mut timeline, &mut injections)?;
        }
        faults.push(fault);
    }
    injections.sort_by_key(|injection| injection.at);
    timeline.finish(heal, &topology, &mut directions, &mut hosts);
    let fault_ids = fault_ids(&faults);
    let app_ids = apps.iter().enumerate().map(|(index, app)| (app.name.to_string(), index as u32)).collect();
    let expectations =
        expectations::read(root, &names, &expectations::Known { faults: &fault_ids, apps: &app_ids })?;
    Ok(Plan {
        name: root.require("name")?.text()?.to_owned(),
        seed: root.integer_or("seed", 1)?,
        stop: stop(root)?,
        places: topology.places,
        hosts,
        routers,
        directions,
        apps,
        names: sockets.into_names(),
        injections,
        faults,
        heal,
        expectations,
        recording: None,
    })
}

/// A fault that begins when all faults have ended would do nothing.
fn before_heal(item: &Item<'_>, heal: Option<HealPlan>) -> Result<(), Problem> {
    let (Some(at), Some(heal)) = (item.get("at"), heal) else { return Ok(()) };
    if at.instant()? < heal.at {
        return Ok(());
    }
    Err(at.problem(format!("this is not before \"heal\" at {}, which ends every fault", heal.at)))
}

/// Puts what a fault does where it acts.
fn mechanism(
    item: &Item<'_>,
    id: FaultId,
    names: &Names<'_>,
    fault: &mut FaultPlan,
    directions: &mut [crate::plan::DirectionPlan],
    timeline: &mut Timeline,
    injections: &mut Vec<InjectionPlan>,
) -> Result<(), Problem> {
    if item.has("match") {
        targets::read(item, names, fault, directions)
    } else if item.has("inject") {
        injections.extend(inject::read(item, id, names)?);
        Ok(())
    } else {
        let before = timeline.extent();
        changes::read(item, names, directions, timeline)?;
        fault.timed = timeline.acts_since(before, item, names.topology, directions)?;
        Ok(())
    }
}

fn fault_ids(faults: &[FaultPlan]) -> BTreeMap<String, FaultId> {
    faults.iter().enumerate().map(|(index, fault)| (fault.name.to_string(), FaultId(index as u32))).collect()
}

fn stop(root: &Item<'_>) -> Result<StopPlan, Problem> {
    let mut plan = StopPlan { when_idle: true, at: Instant::ZERO + STOP_AT, events: STOP_EVENTS };
    let Some(stop) = root.get("stop") else { return Ok(plan) };
    if let Some(when) = stop.get("when") {
        plan.when_idle = when.text()? == "idle";
    }
    if let Some(at) = stop.get("at") {
        plan.at = at.instant()?;
    }
    plan.events = stop.integer_or("events", plan.events)?;
    Ok(plan)
}

fn heal(root: &Item<'_>) -> Result<Option<HealPlan>, Problem> {
    let Some(heal) = root.get("heal") else { return Ok(None) };
    let at = heal.require("at")?.instant()?;
    let within = heal.require("within")?;
    let length = within.time()?;
    if at.as_nanos().checked_add(length.as_nanos()).is_none() {
        return Err(within.problem("at + within is too large for a time"));
    }
    Ok(Some(HealPlan { at, within: length }))
}

const STOP_AT: faultwire_base::Duration = faultwire_base::Duration::from_secs(3_600);
const STOP_EVENTS: u64 = 100_000_000;

/// What heals a host that is down or paused.
pub(crate) fn recovery(change: HostChange) -> Option<HostChange> {
    match change {
        HostChange::Crash => Some(HostChange::Restart),
        HostChange::Pause => Some(HostChange::Resume),
        HostChange::Restart | HostChange::Resume => None,
    }
}

#[cfg(test)]
mod tests;

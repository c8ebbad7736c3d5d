//! What may surprise in an experiment that is valid: for `faultwire check`.

use std::collections::BTreeSet;

use faultwire_base::{Duration, Instant};
use faultwire_link::{Change, DirectionConfig, Loss, Nth, Queue};
use faultwire_tcp::{Quirk, State};

use crate::plan::{Check, DirectionPlan, Experiment, Plan, Step};

/// Remarks on what may surprise, each once, in the order of cases. There may be none.
pub fn notes(experiment: &Experiment) -> Vec<String> {
    let mut all: Vec<(String, BTreeSet<&str>)> = Vec::new();
    for case in &experiment.cases {
        for note in of_plan(&case.plan) {
            match all.iter_mut().find(|(known, _)| *known == note) {
                Some((_, cases)) => drop(cases.insert(&case.name)),
                None => all.push((note, BTreeSet::from([case.name.as_str()]))),
            }
        }
    }
    all.into_iter()
        .map(|(note, cases)| {
            if cases.len() == experiment.cases.len() {
                return note;
            }
            let cases: Vec<&str> = cases.into_iter().collect();
            format!("{note} (in {})", crate::experiment::problem::quoted_list(cases))
        })
        .collect()
}

fn of_plan(plan: &Plan) -> Vec<String> {
    let mut notes: Vec<String> = plan
        .quirks()
        .map(|(host, quirk)| format!("the host {host:?} has a quirk: {}", quirk_sentence(quirk)))
        .collect();
    for direction in &plan.directions {
        of_direction(plan, direction, &mut notes);
    }
    of_time(plan, &mut notes);
    of_faults(plan, &mut notes);
    if plan.expectations.is_empty() {
        notes.push("nothing is expected: only the oracles can make this fail".to_owned());
    }
    if plan.apps.is_empty() {
        notes.push("no app runs: no packet is sent unless a fault injects one".to_owned());
    }
    notes
}

/// A quirk by its name, with what it does and who told of it.
fn quirk_sentence(quirk: Quirk) -> String {
    let what = quirk.what().trim_end_matches('.');
    format!("{quirk}. {what} ({})", quirk.source())
}

fn of_direction(plan: &Plan, direction: &DirectionPlan, notes: &mut Vec<String>) {
    let name = &plan.places[direction.place.index()];
    let config = &direction.config;
    if let Some(jitter) = &config.jitter {
        if config.reorder.is_none() && !jitter.reorders {
            notes.push(format!("{name}: jitter keeps packets in order here (netem's does not): \"jitter_reorders\" lets them overtake"));
        }
        if jitter.amount > config.delay {
            notes.push(format!(
                "{name}: the jitter {} is greater than the delay {}: delays below zero count as zero",
                jitter.amount, config.delay
            ));
        }
    }
    if config.rate.is_none() {
        let changes_rate =
            |change: &faultwire_link::ScheduledChange| matches!(change.change, Change::SetRate(Some(_)));
        let limited = config.queue != Queue::default();
        if limited && !config.changes.iter().any(changes_rate) {
            notes.push(format!(
                "{name}: without a rate nothing ever waits, so the queue's limit does nothing"
            ));
        }
        if config.delay == Duration::ZERO {
            notes.push(format!(
                "{name}: neither rate nor delay: packets arrive at the instant at which they are sent"
            ));
        }
    }
    if config.reorder.is_some() && config.delay == Duration::ZERO {
        notes.push(format!("{name}: reordering sends packets without the delay, and there is none"));
    }
    if loses(config)
        && plan.apps.iter().any(|app| app.steps.iter().any(|step| matches!(step.step, Step::SendTo { .. })))
    {
        notes.push(format!("{name}: random loss takes datagrams for good: UDP does not send them again"));
    }
}

fn loses(config: &DirectionConfig) -> bool {
    match &config.loss {
        None => false,
        Some(Loss::Pattern(pattern)) => pattern.iter().any(|&lost| lost),
        Some(_) => true,
    }
}

/// Timers that can't run out before the run ends.
fn of_time(plan: &Plan, notes: &mut Vec<String>) {
    for expectation in &plan.expectations {
        let waits = match &expectation.check {
            Check::Leaves { state: State::TimeWait, after, .. } => Some(after.min),
            Check::StateAt { when: crate::plan::Moment::Time(time), .. } => Some(time.as_nanos()),
            _ => None,
        };
        if waits.is_some_and(|least| Instant::ZERO + Duration::from_nanos(least) > plan.stop.at) {
            notes.push(format!(
                "the expectation {:?} looks beyond the end of the run at {}: raise stop.at",
                &*expectation.name, plan.stop.at
            ));
        }
    }
    let longest =
        plan.hosts.iter().map(|host| host.config.tcp.time_wait.duration()).max().unwrap_or_default();
    let reads_time_wait =
        plan.expectations.iter().any(|it| matches!(it.check, Check::Leaves { state: State::TimeWait, .. }));
    if reads_time_wait && Instant::ZERO + longest > plan.stop.at {
        notes.push(format!(
            "TIME_WAIT lasts {longest} and the run ends at {}: nothing can leave it",
            plan.stop.at
        ));
    }
    let changes = plan
        .directions
        .iter()
        .flat_map(|direction| direction.config.changes.iter().map(|change| (direction.place, change.at)));
    let hosts = plan.hosts.iter().flat_map(|host| host.timeline.iter().map(|&(at, _)| (host.place, at)));
    for (place, at) in changes.chain(hosts).filter(|&(_, at)| at >= plan.stop.at) {
        let name = &plan.places[place.index()];
        notes.push(format!(
            "{name}: a change at {at} comes when the run is over, at {} at the latest",
            plan.stop.at
        ));
    }
    for app in &plan.apps {
        if app.start >= plan.stop.at {
            notes.push(format!("the app {:?} starts at {}, when the run is over", &*app.name, app.start));
        }
    }
}

fn of_faults(plan: &Plan, notes: &mut Vec<String>) {
    for fault in plan.faults.iter().filter(|fault| !fault.removed) {
        for &(direction, index) in &fault.targets {
            let direction = &plan.directions[direction.0 as usize];
            let targeted = &direction.config.faults[index as usize];
            let name = &plan.places[direction.place.index()];
            let counts = targeted.nth != Nth::Every;
            if counts && loses(&direction.config) && targeted.matching.transmission != Some(1) {
                notes.push(format!(
                    "the fault {:?} counts packets on {name}, where random loss changes which are sent again: what the \
                     count hits depends on the seed (\"transmission\": 1 counts first sendings only)",
                    &*fault.name
                ));
            }
        }
        if fault.targets.len() > 1
            && fault.targets.iter().any(|&(direction, index)| {
                plan.directions[direction.0 as usize].config.faults[index as usize].nth != Nth::Every
            })
        {
            notes.push(format!(
                "the fault {:?} counts for each direction on its own: \"towards\" picks one",
                &*fault.name
            ));
        }
    }
}

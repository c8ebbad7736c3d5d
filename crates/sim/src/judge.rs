//! The judgement of a run: expectations, oracles, apps and faults, and what they make of the case.

use std::collections::BTreeSet;

use faultwire_base::Duration;
use faultwire_link::Direction;

use crate::connections::ConnectionLog;
use crate::convergence;
use crate::expect::Judgement;
use crate::failure::Failure;
use crate::oracle::{Finding, Findings, OracleName, OracleResult};
use crate::plan::{Bounds, Case, Check, Counter, FaultId, Subject};
use crate::report::{AppReport, ExpectationReport, OracleReport, Outcome};
use crate::run::Judging;
use crate::stall;
use crate::tables;
use crate::world::{AppStatus, End, World};

/// Everything that was found about a run.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    pub(crate) failures: Vec<Failure>,
    pub(crate) apps: Vec<AppReport>,
    pub(crate) expectations: Vec<ExpectationReport>,
    pub(crate) oracles: Vec<OracleReport>,
}

/// Judges a world that has come to its end.
pub(crate) fn judge(case: &Case, world: &World, end: &End, judging: Judging) -> Verdict {
    let findings = final_findings(world);
    let apps = judge_apps(world);
    let expectations: Vec<ExpectationReport> = case
        .plan
        .expectations
        .iter()
        .enumerate()
        .map(|(index, expectation)| {
            let judgement = judge_expectation(index, world, &findings);
            ExpectationReport {
                name: expectation.name.to_string(),
                passed: judgement.passed,
                expected: expectation.text.clone(),
                observed: judgement.observed,
            }
        })
        .collect();
    let oracles: Vec<OracleReport> = OracleName::all()
        .filter(|oracle| OracleName::STANDING.contains(oracle) || is_expected(case, *oracle))
        .map(|oracle| {
            let (result, detail) = findings.of(oracle);
            OracleReport {
                name: oracle.as_str(),
                result: result.as_str(),
                detail: detail.map(str::to_string),
            }
        })
        .collect();
    let mut failures = compare_failures(case, failed_names(case, judging, &apps, &expectations, &findings));
    failures.extend(missed_faults(world));
    let outcome = match end {
        End::Error(text) => {
            failures.insert(0, Failure::new(Failure::ERROR, text));
            Outcome::Error
        }
        _ if failures.is_empty() => Outcome::Passed,
        _ => Outcome::Failed,
    };
    Verdict { outcome, failures, apps, expectations, oracles }
}

/// Everything that failed, under the names of `must_fail`.
fn failed_names(
    case: &Case,
    judging: Judging,
    apps: &[AppReport],
    expectations: &[ExpectationReport],
    findings: &Findings,
) -> Vec<Failure> {
    let mut failed = Vec::new();
    for expectation in expectations.iter().filter(|expectation| !expectation.passed) {
        let sentence = format!(
            "expectation \"{}\" failed: expected {}, observed {}",
            expectation.name, expectation.expected, expectation.observed
        );
        failed.push(Failure::new(&expectation.name, sentence));
    }
    for app in apps.iter().filter(|app| app.outcome == "failed" || app.outcome == "stalled") {
        let detail = app.detail.as_deref().unwrap_or("no detail");
        let sentence = format!("app \"{}\" {}: {detail}", app.name, app.outcome);
        failed.push(Failure::new(format!("app:{}", app.name), sentence));
    }
    for oracle in OracleName::STANDING {
        let (result, detail) = findings.of(oracle);
        let fails = match result {
            OracleResult::Held => false,
            OracleResult::Hazard => judging.hazards_fail && !is_expected(case, oracle),
            OracleResult::Broken => !is_expected(case, oracle),
        };
        if fails {
            failed.push(Failure::of_oracle(oracle, result, detail.unwrap_or("no detail")));
        }
    }
    failed
}

/// Whether an expectation says how an oracle ends.
fn is_expected(case: &Case, oracle: OracleName) -> bool {
    case.plan.expectations.iter().any(
        |expectation| matches!(expectation.check, Check::Oracle { oracle: named, .. } if named == oracle),
    )
}

/// A case passes if exactly what must fail has failed.
fn compare_failures(case: &Case, failed: Vec<Failure>) -> Vec<Failure> {
    let must: BTreeSet<&str> = case.must_fail.iter().map(String::as_str).collect();
    let held: Vec<Failure> = must
        .iter()
        .filter(|name| !failed.iter().any(|failure| failure.name == **name))
        .map(|name| {
            let sentence = format!("\"{name}\" must fail in this case, and it held");
            Failure::new(format!("must_fail:{name}"), sentence)
        })
        .collect();
    let unasked = failed.into_iter().filter(|failure| !must.contains(failure.name.as_str()));
    unasked.chain(held).collect()
}

/// Targeted faults and injections that never met their packet.
fn missed_faults(world: &World) -> impl Iterator<Item = Failure> {
    let faults = (0..).map(FaultId).zip(&world.plan().faults);
    faults.filter(|(_, fault)| !fault.removed && !fault.may_miss && fault.is_targeted).filter_map(
        |(id, fault)| {
            let (matched, acted) = world.fault_counts(id);
            let sentence = || {
                format!(
                    "fault \"{}\" never acted ({matched} packets satisfied its keys but nth); if that is all right, say \"may_miss\": true",
                    fault.name
                )
            };
            (acted == 0).then(|| Failure::new(format!("fault:{}", fault.name), sentence()))
        },
    )
}

/// The findings of the run and those that only its end can tell.
fn final_findings(world: &World) -> Findings {
    let mut findings = world.watch().findings.clone();
    for finding in world.watch().conformance_at(world.now()) {
        findings.add(finding);
    }
    for (direction, plan) in world.directions().iter().zip(&world.plan().directions) {
        if let Err(detail) = conservation(direction) {
            let name = &world.plan().places[plan.place.index()];
            findings.add(Finding {
                oracle: OracleName::Conservation,
                result: OracleResult::Broken,
                detail: format!("{name}: {detail}"),
            });
        }
    }
    if let Some(finding) = convergence::finding(world) {
        findings.add(finding);
    }
    findings
}

/// O12: what was offered and copied was delivered, dropped, or is in flight, in packets and in octets.
fn conservation(direction: &Direction) -> Result<(), String> {
    let counters = direction.counters();
    let (dropped, in_flight) = (counters.dropped.total(), direction.in_flight_tally());
    let came =
        (counters.offered.packets + counters.copies.packets, counters.offered.bytes + counters.copies.bytes);
    let went = (
        counters.delivered.packets + dropped.packets + in_flight.packets,
        counters.delivered.bytes + dropped.bytes + in_flight.bytes,
    );
    if came == went {
        return Ok(());
    }
    Err(format!("{came:?} packets and octets came in, {went:?} are accounted for"))
}

fn judge_apps(world: &World) -> Vec<AppReport> {
    let plan = world.plan();
    let mut reports: Vec<(u32, AppReport)> = Vec::new();
    for host in world.hosts() {
        for run in &host.apps().runs {
            let app = &plan.apps[run.app as usize];
            let (outcome, detail) = match &run.status {
                AppStatus::Done => ("done", None),
                AppStatus::Stopped => ("stopped", Some("its host is down".to_string())),
                AppStatus::Failed(trouble) => {
                    let step = app.steps.get(run.step as usize);
                    let what = step.map_or_else(String::new, |step| step.step.describe(run.progress));
                    ("failed", Some(format!("step {} ({what}): {trouble}", run.step + 1)))
                }
                AppStatus::Waiting => {
                    let outcome = if app.may_be_unfinished { "unfinished" } else { "stalled" };
                    (outcome, Some(stall::describe(world, host, run)))
                }
            };
            let finished_ns = run.finished.map(faultwire_base::Instant::as_nanos);
            let name = app.name.to_string();
            reports.push((
                run.app,
                AppReport { name, outcome, steps_done: run.steps_done, finished_ns, detail },
            ));
        }
    }
    reports.sort_by_key(|(index, _)| *index);
    reports.into_iter().map(|(_, report)| report).collect()
}

fn judge_expectation(index: usize, world: &World, findings: &Findings) -> Judgement {
    let plan = world.plan();
    let watch = world.watch();
    let expectation = &plan.expectations[index];
    if let Some(judgement) = watch.tracker.judge(index, expectation, &watch.connections) {
        return judgement;
    }
    let judgement = |passed, observed: String| Judgement { passed, observed };
    match expectation.check {
        Check::Delivered { socket, octets } => match watch.connections.named(socket) {
            None => judgement(false, "no such connection was opened".into()),
            Some(log) => {
                let delivered = log.delivered;
                let text = if delivered.octets == delivered.intact {
                    format!("{} octets, intact and in order", delivered.octets)
                } else {
                    format!("{} octets, of which {} intact and in order", delivered.octets, delivered.intact)
                };
                judgement(octets.contain(delivered.intact) && delivered.octets == delivered.intact, text)
            }
        },
        Check::Datagrams { socket, count, survivors } => {
            let (place, port) = tables::datagram_port(world, socket);
            let delivered = watch.datagrams.count(place, port);
            let (same, text) = watch.datagrams.survivors(place, port);
            let counted = count.is_none_or(|bounds| bounds.contain(delivered));
            judgement(counted && (same || !survivors), text)
        }
        Check::Error { socket, errno } => match watch.connections.named(socket) {
            None => judgement(false, "no such connection was opened".into()),
            Some(log) => judgement(
                log.error == errno,
                log.error.map_or_else(|| "no error".to_string(), |error| error.to_string()),
            ),
        },
        Check::Info { ref fields, .. } => {
            let (passed, seen) = watch.probes.judge(index as u32, fields);
            judgement(passed, seen)
        }
        Check::Counter { of, counter, value } => {
            let seen = count(world, of, counter);
            judgement(
                seen.is_some_and(|seen| value.contain(seen)),
                seen.map_or_else(|| "nothing that has this counter".to_string(), |seen| seen.to_string()),
            )
        }
        Check::FaultMatched { fault, count } => {
            let (_, acted) = world.fault_counts(fault);
            judgement(count.contain(acted), acted.to_string())
        }
        Check::Finishes { app, at } => judge_finish(world, app, at),
        Check::Oracle { oracle, result } => {
            let (seen, detail) = findings.of(oracle);
            let observed = detail.map_or_else(|| seen.to_string(), |detail| format!("{seen}: {detail}"));
            judgement(seen == result, observed)
        }
        _ => unreachable!("judged by the tracker"),
    }
}

fn judge_finish(world: &World, app: u32, at: Bounds) -> Judgement {
    let runs = world.hosts().iter().flat_map(|host| &host.apps().runs);
    let run = runs.into_iter().find(|run| run.app == app).expect("every app runs somewhere");
    match (&run.status, run.finished) {
        (AppStatus::Done, Some(end)) => {
            Judgement { passed: at.contain(end.as_nanos()), observed: format!("at {end}") }
        }
        _ => Judgement { passed: false, observed: "it did not finish".into() },
    }
}

/// The value of a counter; `None` if the subject has no such counter.
fn count(world: &World, of: Subject, counter: Counter) -> Option<u64> {
    let watch = world.watch();
    let link_sum = |directions: &[crate::plan::DirectionId]| {
        directions.iter().try_fold(0, |sum, direction| {
            let counters = world.directions()[direction.0 as usize].counters();
            tables::link_counter(counters, counter).map(|value| sum + value)
        })
    };
    match of {
        Subject::Direction(direction) => link_sum(&[direction]),
        Subject::Link(one, other) => link_sum(&[one, other]),
        Subject::Socket(name) => {
            let log = watch.connections.named(name)?;
            tables::connection_counter(world, log, counter)
        }
        Subject::Host(place) => {
            if counter == Counter::BadChecksums {
                return Some(watch.bad_checksums_at(place));
            }
            let logs = watch.connections.all().iter().filter(|log| log.place == place);
            let mut sum = 0;
            for log in logs {
                sum += tables::connection_counter(world, log, counter)?;
            }
            Some(sum)
        }
    }
}

/// Octets per second from the first to the last delivery, in bits; 0 when they are one instant.
pub(crate) fn goodput_bps(log: &ConnectionLog) -> u64 {
    let (Some(first), Some(last)) = (log.delivered.first, log.delivered.last) else { return 0 };
    let span: Duration = last - first;
    if span.is_zero() {
        return 0;
    }
    u64::try_from(u128::from(log.delivered.octets) * 8_000_000_000 / u128::from(span.as_nanos()))
        .unwrap_or(u64::MAX)
}

//! Where to begin when an app stalled or failed, an oracle broke or a fault never acted; and all failures of a run.

use faultwire_base::{Duration, Instant, PlaceId};
use faultwire_link::NameId;
use faultwire_tcp::State;
use faultwire_wire::{Body, Flow};

use super::answer::{Answer, Root};
use super::builder::{Builder, Told, Why};
use super::expectation::{answer, end_of_connection, first_fault, last_change};
use super::scene::Scene;
use super::{app, fate, last_byte, missing};
use crate::oracle::OracleName;
use crate::output::{PacketNumber, TracedPacket, What};
use crate::plan::{AppPlan, Case, Check, FaultId, Step};
use crate::report::OracleReport;

/// One answer for each thing that failed, also for what has to fail in this case.
pub(super) fn failures(scene: &Scene<'_>, case: &Case) -> Vec<Answer> {
    let report = &scene.run.report;
    let failed = report.expectations.iter().enumerate().filter(|(_, expectation)| !expectation.passed);
    let mut answers: Vec<Answer> = failed
        .map(|(index, expectation)| {
            let mut answer = answer(scene, index);
            if case.must_fail.contains(&expectation.name) {
                answer.subject = answer.subject.replacen("failed:", "failed, as it must in this case:", 1);
            }
            answer
        })
        .collect();
    for (app, report) in (0..).zip(&report.apps) {
        if matches!(report.outcome, "failed" | "stalled") {
            answers.push(app_answer(scene, app));
        }
    }
    answers.extend(report_oracles(scene));
    for failure in &scene.run.failures {
        if let Some(name) = failure.name.strip_prefix("fault:") {
            let fault = scene.plan.faults.iter().position(|fault| *fault.name == *name);
            let mut builder = Builder::new(scene);
            fault.into_iter().for_each(|fault| builder.tell(Why::Absent(FaultId(fault as u32))));
            answers.push(Answer {
                subject: format!("The fault \"{name}\" never acted."),
                chain: builder.finish(),
            });
        } else if let Some(name) = failure.name.strip_prefix("must_fail:") {
            let held = report.expectations.iter().position(|expectation| expectation.name == name);
            answers.extend(held.map(|index| {
                let answer = answer(scene, index);
                Answer {
                    subject: answer.subject.replacen("held:", "held, and must fail in this case:", 1),
                    ..answer
                }
            }));
        }
    }
    answers
}

/// One answer for each oracle that is broken, or that met a hazard which has to fail here.
fn report_oracles<'a>(scene: &'a Scene<'_>) -> impl Iterator<Item = Answer> + 'a {
    let fails = |name: &str| {
        let failures = scene.run.failures.iter();
        failures.filter_map(|failure| failure.name.strip_prefix("oracle:")).any(|failing| failing == name)
    };
    // What an expectation asks for is told there.
    let asked = |name: &str| {
        let expectations = scene.plan.expectations.iter().zip(&scene.run.report.expectations);
        let mut failed = expectations.filter(|(_, report)| !report.passed);
        failed
            .any(|(asked, _)| matches!(asked.check, Check::Oracle { oracle, .. } if oracle.as_str() == name))
    };
    let oracles = scene.run.report.oracles.iter().filter(move |oracle| !asked(oracle.name));
    let failing = oracles.filter(move |oracle| oracle.result == "broken" || fails(oracle.name));
    failing.map(|oracle| {
        let mut builder = Builder::new(scene);
        behind_oracle(scene, oracle, &mut builder);
        let detail = oracle.detail.as_deref().unwrap_or("no detail").trim_end_matches('.');
        let subject = match oracle.result {
            "broken" => format!("The oracle {} is broken: {detail}.", oracle.name),
            result => format!("The oracle {} met a {result}: {detail}.", oracle.name),
        };
        Answer { subject, chain: builder.finish() }
    })
}

/// What is behind the result of an oracle, if it found something.
pub(super) fn oracle(scene: &Scene<'_>, name: OracleName, builder: &mut Builder<'_>) {
    match scene
        .run
        .report
        .oracles
        .iter()
        .find(|oracle| oracle.name == name.as_str() && oracle.result != "held")
    {
        Some(oracle) => behind_oracle(scene, oracle, builder),
        None => first_fault(scene, builder),
    }
}

fn behind_oracle(scene: &Scene<'_>, oracle: &OracleReport, builder: &mut Builder<'_>) {
    let detail = oracle.detail.as_deref().unwrap_or_default();
    let named = |app: &AppPlan| detail.contains(&format!("app \"{}\"", app.name));
    let stalled = scene.plan.apps.iter().position(named);
    match stalled.filter(|_| oracle.name == OracleName::Convergence.as_str()) {
        Some(app) => finishes(scene, app as u32, builder),
        None => broken_law(scene, detail, builder),
    }
}

/// A law's finding names its packet by time at best: the last packet that was sent or arrived then.
fn broken_law(scene: &Scene<'_>, detail: &str, builder: &mut Builder<'_>) {
    let at = detail.split_whitespace().find_map(|word| {
        let word = word.trim_end_matches([',', ':', '.', ';']);
        scene.trace.entries().iter().rposition(|entry| entry.at.to_string() == word)
    });
    let packet = at.and_then(|at| {
        (0..=at).rev().find_map(|index| match scene.entry(index).what {
            What::Sent { packet, .. } | What::Arrived { packet, .. } => Some(packet),
            _ => None,
        })
    });
    match packet {
        Some(packet) => builder.packet(packet),
        None => first_fault(scene, builder),
    }
}

/// Why an app ended when it did, or what it still waits for.
pub(super) fn finishes(scene: &Scene<'_>, app: u32, builder: &mut Builder<'_>) {
    let last = (0..scene.trace.entries().len())
        .rev()
        .find(|&index| matches!(scene.entry(index).what, What::StepEnded { app: ended, .. } if ended == app));
    let report =
        scene.run.report.apps.iter().find(|report| *report.name == *scene.plan.apps[app as usize].name);
    if report.is_some_and(|report| report.outcome != "done") {
        return stalled(scene, app, builder);
    }
    if let Some(last) = last {
        last_byte::until_step(scene, app, last, builder);
    }
}

/// What reached a reader: up to the first octet that never did.
pub(super) fn delivered(scene: &Scene<'_>, socket: NameId, builder: &mut Builder<'_>) {
    let Some((octets, number)) = missing::first_missing(scene, socket) else {
        return end_of_connection(scene, socket, builder);
    };
    let name = scene.legend.socket(socket);
    let sentence = format!(
        "{} {name} without a gap, and the next one never does.",
        match octets {
            0 => "No octet reaches".to_owned(),
            1 => "One octet reaches".to_owned(),
            _ => format!("{octets} octets reach"),
        }
    );
    let told = Told::new(scene.run.end, scene.host_of(socket), sentence);
    builder.begin(told.because(Why::Missing(number)));
}

/// The answer about an app: what it waits for, or why it ended as it did.
pub(super) fn app_answer(scene: &Scene<'_>, app: u32) -> Answer {
    let name = &scene.plan.apps[app as usize].name;
    let report = scene.run.report.apps.iter().find(|report| *report.name == **name);
    let subject = match report.map_or("done", |report| report.outcome) {
        "done" => format!("The app \"{name}\" has done all its steps."),
        "stopped" => format!("The app \"{name}\" stopped with its host."),
        outcome => format!("The app \"{name}\" {outcome}."),
    };
    let mut builder = Builder::new(scene);
    finishes(scene, app, &mut builder);
    Answer { subject, chain: builder.finish() }
}

/// What an app waits for, and the last packet of its connection that went astray.
fn stalled(scene: &Scene<'_>, app: u32, builder: &mut Builder<'_>) {
    let plan = &scene.plan.apps[app as usize];
    let report = scene.run.report.apps.iter().find(|report| *report.name == *plan.name);
    let detail = report.and_then(|report| report.detail.clone()).unwrap_or_else(|| "nothing".into());
    let at = report
        .and_then(|report| report.finished_ns)
        .map_or(scene.run.end, |nanos| Instant::ZERO + Duration::from_nanos(nanos));
    let told = Told::new(at, plan.host, format!("The app \"{}\" stops here: {detail}.", plan.name));
    let step = app::step_in_hand(scene, app, scene.trace.entries().len());
    let socket = step.and_then(|step| plan.steps[step as usize].step.socket());
    let flow = socket.and_then(|socket| scene.flow_of(socket));
    let change = socket.and_then(|socket| last_change(scene, socket, |_, changed| changed <= at));
    let closed = change
        .filter(|&change| matches!(scene.entry(change).what, What::StateChanged { to: State::Closed, .. }));
    // A step that ended with an error isn't in hand any more.
    let waited = step.map_or(&plan.steps[..], |step| std::slice::from_ref(&plan.steps[step as usize]));
    let waits_for_datagrams = waited.iter().any(|planned| matches!(planned.step, Step::RecvFrom { .. }));
    let astray = match flow {
        Some(flow) => last_astray(scene, flow),
        None if waits_for_datagrams => last_datagram_astray(scene, plan.host),
        None => None,
    };
    builder.begin(match (closed, astray) {
        (Some(closed), _) => told.because(Why::State(closed)),
        (None, Some(number)) => told.because(Why::Missing(number)),
        (None, None) => match change {
            Some(change) => told.because(Why::State(change)),
            None => told.rooted(Root::Application { name: Some(plan.name.clone()) }),
        },
    });
}

/// The last datagram for a host that did not arrive.
fn last_datagram_astray(scene: &Scene<'_>, host: PlaceId) -> Option<PacketNumber> {
    let plan = scene.plan.hosts.iter().find(|plan| plan.place == host)?;
    let for_host = |packet: &&TracedPacket| {
        let destination = packet.packet.ip.destination;
        matches!(packet.packet.body, Body::Udp(_))
            && plan.config.interfaces.iter().any(|interface| interface.address == destination)
    };
    let mut datagrams = scene.trace.packets().iter().rev().filter(for_host);
    datagrams
        .find(|packet| packet.copy_of.is_none() && fate::taken(packet).is_some())
        .map(|packet| packet.number)
}

/// The last packet of a flow that did not arrive.
pub(super) fn last_astray(scene: &Scene<'_>, flow: Flow) -> Option<PacketNumber> {
    let packets = scene.trace.packets().iter().rev();
    let astray = |packet: &&TracedPacket| {
        packet.packet.tag.flow == flow && packet.copy_of.is_none() && fate::taken(packet).is_some()
    };
    packets.into_iter().find(astray).map(|packet| packet.number)
}

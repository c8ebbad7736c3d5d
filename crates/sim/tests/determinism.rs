//! The determinism contract: running again, cloning on the way, and bystanders change nothing (DESIGN D1, D3, D4, D9).

mod experiments;

use std::path::Path;

use faultwire_sim::experiment::{Overrides, load, parse};
use faultwire_sim::plan::{Case, Experiment};
use faultwire_sim::record::{Event, Record, Silent, Sink};
use faultwire_sim::run::{Judging, finish_case};
use faultwire_sim::verify::{Verification, clones, verify_case};
use faultwire_sim::world::World;

/// Files whose runs are so long that one seed must do here; `.ci/run` verifies more in a release build.
const LONG: [&str; 3] = ["lossy-bulk", "bottleneck", "s48-wrapped-sequence-numbers"];

fn load_seed(path: &Path, seed: u64) -> Experiment {
    let overrides = Overrides { seed: Some(seed), ..Overrides::default() };
    load(path, &overrides).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn twenty_seeds_of_every_lesson_and_three_of_every_scenario_verify() {
    let scenarios = experiments::scenarios();
    for path in experiments::all() {
        let name = experiments::name_of(&path);
        let seeds = match () {
            () if LONG.contains(&name.as_str()) => 1,
            () if scenarios.contains(&path) => 3,
            () => 20,
        };
        for seed in 1..=seeds {
            for case in &load_seed(&path, seed).cases {
                let verification = verify_case(case);
                assert!(
                    matches!(verification, Verification::Same(_)),
                    "{name}, seed {seed}: {verification:?}"
                );
            }
        }
    }
}

#[test]
fn clones_at_fifty_points_go_on_alike() {
    for path in experiments::all() {
        let name = experiments::name_of(&path);
        // One case of a long file: a clone in the middle runs half of it again.
        let cases = if LONG.contains(&name.as_str()) { 1 } else { usize::MAX };
        for case in load_seed(&path, 1).cases.iter().take(cases) {
            let (steps, fingerprint) = steps_and_fingerprint(case);
            let ends = clones(case, steps);
            assert!(ends.len() as u64 >= steps.min(50), "{name}: {} clones of {steps} steps", ends.len());
            assert!(
                ends.iter().all(|&end| end == fingerprint),
                "{name}, case {}: a clone went elsewhere",
                case.name
            );
        }
    }
}

fn steps_and_fingerprint(case: &Case) -> (u64, faultwire_sim::fingerprint::Fingerprint) {
    let mut world = World::new(&case.plan);
    let mut steps = 0;
    while world.step(&mut Silent).is_none() {
        steps += 1;
    }
    (steps, world.fingerprint())
}

#[test]
fn another_seed_is_another_run() {
    let lessons = experiments::lessons();
    let path = lessons.iter().find(|path| path.ends_with("udp-loss.json")).expect("udp-loss.json is there");
    let fingerprints: Vec<_> =
        (1..=10).map(|seed| steps_and_fingerprint(&load_seed(path, seed).cases[0]).1).collect();
    for (index, one) in fingerprints.iter().enumerate() {
        assert!(!fingerprints[index + 1..].contains(one), "seeds {} and a later one agree", index + 1);
    }
}

/// Keeps every record as text, with places by name.
struct Transcript<'a> {
    places: &'a [std::sync::Arc<str>],
    directions: Vec<String>,
    lines: Vec<String>,
}

impl Sink for Transcript<'_> {
    fn record(&mut self, record: &Record<'_>) {
        let place = &self.places[record.place.index()];
        let what = match record.event {
            Event::Sent { packet, direction, .. } | Event::Arrived { packet, direction } => {
                format!(
                    "{} {:?} {:?} {}",
                    self.directions[direction.0 as usize],
                    packet.ip,
                    packet.body,
                    packet.tag.id.count()
                )
            }
            Event::Link { event, .. } => {
                format!("{} {:?}", event.packet.count(), event.decision.digest_words())
            }
            Event::StateChanged { from, to, .. } => format!("{from:?} {to:?}"),
            Event::StepEnded { step, errno, .. } => format!("{step} {errno:?}"),
            Event::Discarded { packet, reason } => format!("{} {reason:?}", packet.count()),
            _ => return,
        };
        self.lines.push(format!("{} {place} {what}", record.at));
    }
}

fn transcript(text: &str) -> (Vec<String>, String) {
    let experiment = parse(text, "test", &Overrides::default()).unwrap_or_else(|error| panic!("{error}"));
    let plan = &experiment.cases[0].plan;
    let directions =
        plan.directions.iter().map(|plan_of| plan.places[plan_of.place.index()].to_string()).collect();
    let mut transcript = Transcript { places: &plan.places, directions, lines: Vec::new() };
    let mut world = World::new(plan);
    world.run(&mut transcript);
    (transcript.lines, world.fingerprint().to_string())
}

#[test]
fn bystanders_change_no_record() {
    let experiment = |hosts: &str, links: &str| {
        format!(
            r#"{{ "name": "t", "description": "d", "seed": 5,
              "hosts": {{ "client": {{}}, "server": {{}}{hosts} }},
              "links": [ {{ "name": "wire", "between": ["client", "server"], "rate": "10Mbit", "delay": "10ms", "jitter": "2ms",
                 "loss": "5%", "duplicate": "2%", "corrupt": "2%", "reorder": {{ "probability": "2%" }} }}{links} ],
              "apps": [ {{ "name": "flow", "on": "client", "bulk": {{ "to": "server:5001", "size": "300kB", "direction": "both" }} }} ] }}"#
        )
    };
    let (alone, fingerprint) = transcript(&experiment("", ""));
    assert!(alone.len() > 1_000, "{} records", alone.len());
    // Names before, between and after the others, so that every rank moves.
    let (beside, same) = transcript(&experiment(
        r#", "aa": {}, "d": {}, "zz": {}"#,
        r#", { "name": "another", "between": ["aa", "zz"], "loss": "50%" }"#,
    ));
    for (number, (one, other)) in alone.iter().zip(&beside).enumerate() {
        assert_eq!(one, other, "record {number}");
    }
    assert_eq!(alone.len(), beside.len());
    assert_eq!(fingerprint, same, "the fingerprint counts only places where something happened");
}

/// A world that is reset is a new one with that seed, whatever it did before: nothing, a whole run, or a part of one; also
/// with its decisions kept.
#[test]
fn a_reset_world_is_a_new_one() {
    let mut files = experiments::lessons();
    files.extend(experiments::scenarios());
    files.extend(experiments::hunts());
    for (number, path) in (0..).zip(&files) {
        let experiment = load(path, &Overrides::default()).unwrap_or_else(|error| panic!("{error}"));
        for case in &experiment.cases {
            let fresh = |seed: u64| {
                let mut world = World::with_seed(&case.plan, seed);
                let end = world.run(&mut Silent);
                let run = finish_case(case, &world, &end, Judging::default());
                (run.fingerprint, run.report)
            };
            let mut world = World::new(&case.plan);
            // A run to its end, one that stops on the way, none, and one that keeps its decisions.
            let attempts =
                [(number, u64::MAX), (number + 1, 60 + number), (number + 2, 0), (number + 3, 9_999)];
            let long = LONG.contains(&experiments::name_of(path).as_str());
            for (seed, steps) in attempts.into_iter().skip(if long { 3 } else { 0 }) {
                if seed == number + 3 {
                    world.keep_decisions();
                }
                for _ in 0..steps {
                    if world.step(&mut Silent).is_some() {
                        break;
                    }
                }
                world.reset(seed);
                let end = world.run(&mut Silent);
                let run = finish_case(case, &world, &end, Judging::default());
                let name = format!("{}, case {}, seed {seed}", experiments::name_of(path), case.name);
                assert_eq!((run.fingerprint, run.report), fresh(seed), "{name}");
                world.reset(seed);
            }
        }
    }
}

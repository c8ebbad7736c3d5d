//! A sweep gives what single runs give, in the order of seeds, for any number of threads.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::{Cell, Ending, Line, SeedResult, Settings, Swarming, identity, run, run_cells};
use crate::experiment::{Overrides, parse};
use crate::failure::Failure;
use crate::plan::{Bounds, Check, Expectation, Experiment};
use crate::record::Silent;
use crate::report::Outcome;
use crate::run::{Judging, run_case};

const SHORT: &str = include_str!("../../../../configs/short-transfer.json");

fn experiment(set: &[&str]) -> Experiment {
    let set = set.iter().map(|set| (*set).to_owned()).collect();
    parse(SHORT, "short-transfer.json", &Overrides { set, case: Some("near".into()), ..Overrides::default() })
        .unwrap()
}

fn settings(jobs: usize) -> Settings {
    Settings { jobs: NonZeroUsize::new(jobs).unwrap(), ..Settings::default() }
}

fn sweep(cells: &[Cell], settings: &Settings) -> (Vec<SeedResult>, Ending) {
    let mut results = Vec::new();
    let ending = run_cells(cells, 0..=299, settings, |cells| {
        results.extend_from_slice(cells);
        ControlFlow::Continue(())
    });
    (results, ending)
}

fn cell(experiment: Experiment) -> Cell {
    Cell { parameters: Vec::new(), experiment, swarm: None }
}

#[test]
fn a_sweep_gives_what_single_runs_give() {
    let cells = [cell(experiment(&["links.wire.loss=5%"]))];
    let (results, ending) = sweep(&cells, &settings(2));
    assert_eq!((results.len(), ending), (300, Ending::Complete));
    for (seed, result) in (0..).zip(&results) {
        let overrides = Overrides {
            set: vec!["links.wire.loss=5%".into()],
            seed: Some(seed),
            case: Some("near".into()),
            ..Overrides::default()
        };
        let alone = parse(SHORT, "short-transfer.json", &overrides).unwrap();
        let alone = run_case(&alone.cases[0], Judging::default(), &mut Silent);
        let case = &result.cases[0];
        assert_eq!((result.seed, case.fingerprint), (seed, Some(alone.fingerprint)));
        assert_eq!((case.outcome, &case.failures), (alone.report.outcome, &alone.failures));
        assert_eq!(case.events, alone.report.events);
    }
    assert!(results.iter().any(|result| result.outcome() == Outcome::Failed));
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let cells = [cell(experiment(&[])), cell(experiment(&["links.wire.loss=10%", "hosts.client.stack=rfc"]))];
    let one = sweep(&cells, &settings(1));
    assert_eq!(one.0.len(), 600);
    assert_eq!(sweep(&cells, &settings(2)), one);
    assert_eq!(sweep(&cells, &settings(8)), one);
    let until_failure = |jobs| sweep(&cells, &Settings { until_failure: true, ..settings(jobs) });
    let (results, ending) = until_failure(1);
    assert_eq!(ending, Ending::Stopped);
    let last_seed = results.last().unwrap().seed;
    assert!(results.iter().all(|result| (result.outcome() == Outcome::Passed) || result.seed == last_seed));
    assert_eq!(results, one.0[..results.len()]);
    assert_eq!(until_failure(8), (results, ending));
}

#[test]
fn a_simulation_that_panics_is_one_result_and_not_the_end() {
    let mut broken = experiment(&[]);
    let plan = Arc::make_mut(&mut broken.cases[0].plan);
    let check = Check::Finishes { app: 99, at: Bounds { min: 0, max: 1 } };
    plan.expectations.push(Expectation { name: "no such app".into(), text: String::new(), check });
    broken.cases.push(experiment(&[]).cases.remove(0));
    let (results, ending) = sweep(&[cell(broken)], &settings(2));
    assert_eq!((results.len(), ending), (300, Ending::Complete));
    for result in &results {
        let [broken, sound] = &result.cases[..] else { panic!("two cases") };
        assert_eq!((broken.outcome, broken.fingerprint), (Outcome::Error, None));
        assert_eq!(broken.failures[0].name, Failure::ERROR);
        assert!(broken.failures[0].sentence.contains("every app runs somewhere"), "{:?}", broken.failures);
        assert!(sound.fingerprint.is_some());
        assert_eq!(result.outcome(), Outcome::Error);
    }
}

#[test]
fn a_sink_can_end_a_sweep() {
    let mut seeds = Vec::new();
    let ending = run(&experiment(&[]), 7..=u64::MAX, &settings(2), |result| {
        seeds.push(result.seed);
        if result.seed == 20 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!((seeds, ending), ((7..=20).collect(), Ending::Stopped));
}

#[test]
fn a_line_comes_back_as_it_was_written() {
    let mut two = experiment(&["links.wire.loss=30%"]);
    let one = two.cases[0].clone();
    two.cases.push(one);
    let parameters = vec![("links.wire.loss".to_owned(), "30%".to_owned()), ("a".to_owned(), "b".to_owned())];
    let cells = [cell(experiment(&[])), Cell { parameters, ..cell(two) }];
    let metrics = ["virtual_time_ns", "apps.browser.finished_ns"];
    let metrics: Vec<_> =
        metrics.iter().map(|name| super::Metric::parse(name, [&cells[0].experiment]).unwrap()).collect();
    let (results, _) = sweep(&cells, &Settings { metrics: metrics.clone(), ..settings(2) });
    for result in &results {
        let line = Line::of("0123", result, &cells[result.cell], &metrics);
        let text = serde_json::to_string(&line).unwrap();
        assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), line);
        assert_eq!(line.outcomes().len(), result.cases.len());
        assert_eq!(line.outcomes()[0].metrics, result.cases[0].metrics);
        assert_eq!(line.cases.is_some(), result.cell == 1);
        assert!(text.starts_with(&Line::beginning("0123", result.seed, &cells[result.cell])), "{text}");
        if result.cell == 0 {
            let own = result.cases[0].fingerprint.unwrap().to_string();
            assert_eq!(line.fingerprint, Some(own), "a single run has its own fingerprint");
        }
        assert_eq!(line.cluster.is_some(), line.outcome != Outcome::Passed);
    }
}

#[test]
fn what_the_command_line_sets_makes_another_swarm() {
    let loss = r#""swarm": { "vary": { "links.wire.loss": {"min": "1%", "max": "10%"} } }, "apps":"#;
    let text: Arc<[u8]> = SHORT.replacen("\"apps\":", loss, 1).into_bytes().into();
    let cell = |set: &[&str], swarm: bool| {
        let set = set.iter().map(|set| (*set).to_owned()).collect();
        let overrides = Overrides { set, ..Overrides::default() };
        let experiment = parse(&text, "swarm.json", &overrides).unwrap();
        let swarm =
            swarm.then(|| Swarming { text: Arc::clone(&text), file_name: "swarm.json".into(), overrides });
        Cell { parameters: Vec::new(), experiment, swarm }
    };
    let named = |set: &[&str], swarm: bool| identity(&[cell(set, swarm)], &settings(1));
    let same = ["links.wire.loss=1%"];
    assert_eq!(named(&same, false), named(&[], false), "the file's own value, said again");
    assert_ne!(
        named(&same, true),
        named(&[], true),
        "said again it is not drawn, so that the seeds run something else"
    );
    assert_eq!(named(&[], true), named(&[], true));
}

//! Every way in which a case fails has a name and a sentence, and the report tells the same sentences.

use faultwire_sim::experiment::{Overrides, parse};
use faultwire_sim::record::Silent;
use faultwire_sim::report::Outcome;
use faultwire_sim::run::{CaseRun, Judging, run_case};

const LOST: &str = r#"{
  "name": "lost", "description": "The client's SYN never arrives.",
  "stop": { "at": "2s" },
  "hosts": { "client": { "stack": "linux" }, "server": { "stack": "linux" } },
  "links": [ { "name": "wire", "between": ["client", "server"], "rate": "10Mbit", "delay": "5ms" } ],
  "apps": [
    { "name": "web", "on": "server", "listen": 80, "may_be_unfinished": true,
      "run": [ { "accept": "first" } ] },
    { "name": "browser", "on": "client", "run": [ { "connect": "server:80", "as": "first" } ] }
  ],
  "faults": [ { "name": "eaten", "on": "wire", "towards": "server", "match": { "kind": "syn" }, "do": "drop" },
              { "name": "idle", "on": "wire", "towards": "server", "match": { "kind": "fin" }, "do": "drop" } ],
  "expect": [ { "name": "never opened", "at": "client/first", "reaches": "ESTABLISHED" } ]
}"#;

fn run(text: &str, set: &[&str]) -> CaseRun {
    let set = set.iter().map(|set| set.to_string()).collect();
    let experiment = parse(text, "lost.json", &Overrides { set, ..Overrides::default() }).unwrap();
    run_case(&experiment.cases[0], Judging::default(), &mut Silent)
}

fn names(run: &CaseRun) -> Vec<&str> {
    run.failures.iter().map(|failure| failure.name.as_str()).collect()
}

#[test]
fn expectations_apps_and_faults_fail_under_their_names() {
    let run = run(LOST, &[]);
    assert_eq!(names(&run), ["never opened", "app:browser", "fault:idle"]);
    let sentences: Vec<&str> = run.failures.iter().map(|failure| failure.sentence.as_str()).collect();
    assert_eq!(sentences, run.report.failures.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(run.cluster().is_some());
}

#[test]
fn what_must_fail_and_held_is_a_failure_with_a_name() {
    let cases =
        r#""cases": [ { "name": "control", "must_fail": ["never opened", "oracle:storm"] } ], "expect""#;
    let run = run(&LOST.replace("\"expect\"", cases), &[]);
    assert_eq!(names(&run), ["app:browser", "must_fail:oracle:storm", "fault:idle"]);
}

#[test]
fn a_bound_that_was_passed_is_the_first_failure() {
    let run = run(LOST, &["stop.events=1"]);
    assert_eq!(run.report.outcome, Outcome::Error);
    assert_eq!(names(&run)[0], "error");
}

#[test]
fn the_same_failure_at_other_times_is_one_cluster() {
    let (one, other) = (run(LOST, &[]), run(LOST, &["stop.at=9s", "links.wire.delay=80ms"]));
    assert_ne!(one.failures, other.failures, "times and counts differ");
    assert_eq!(one.cluster(), other.cluster());
    assert_ne!(one.cluster(), run(LOST, &["stop.events=1"]).cluster());
    let passed = LOST.replace(
        r#""match": { "kind": "syn" }, "do": "drop""#,
        r#""match": { "kind": "syn" }, "do": { "delay": "1ms" }"#,
    );
    let passed =
        passed.replace(r#""match": { "kind": "fin" },"#, r#""may_miss": true, "match": { "kind": "fin" },"#);
    let passed = run(&passed, &[]);
    assert_eq!((passed.cluster(), passed.failures), (None, vec![]));
}

//! Where two runs part: what is found first, what counts as the same, and the ladders that follow, as text.
//!
//! When a change is meant to move the texts: `UPDATE_GOLDEN=1 cargo test -p faultwire-sim --test diff`.

mod experiments;
mod goldens;

use std::fmt::Write as _;
use std::path::Path;

use faultwire_sim::diff::{BesideOptions, Divergence, Run, beside, diff, outcomes};
use faultwire_sim::experiment::{Overrides, load, parse};
use faultwire_sim::output::Trace;
use faultwire_sim::plan::Case;
use faultwire_sim::run::{CaseRun, Judging, run_case};

/// A case after its run, with all records.
struct Ran {
    case: Case,
    run: CaseRun,
    trace: Trace,
}

impl Ran {
    fn of(case: &Case) -> Self {
        let mut trace = Trace::new();
        let run = run_case(case, Judging::default(), &mut trace);
        Self { case: case.clone(), run, trace }
    }

    fn labelled<'a>(&'a self, label: &'a str) -> Run<'a> {
        Run { label, plan: &self.case.plan, trace: &self.trace, report: &self.run.report }
    }
}

/// A case of a lesson, changed.
fn lesson(file: &str, case: &str, set: &[&str], without: &[&str], seed: Option<u64>) -> Ran {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs").join(file);
    let overrides = Overrides {
        set: set.iter().map(ToString::to_string).collect(),
        without: without.iter().map(ToString::to_string).collect(),
        case: Some(case.to_owned()),
        seed,
    };
    Ran::of(&load(&path, &overrides).unwrap().cases[0])
}

fn text(text: &str) -> Ran {
    Ran::of(&parse(text, "test.json", &Overrides::default()).unwrap().cases[0])
}

fn compared(one: &Ran, other: &Ran) -> Divergence {
    diff(&one.labelled("one"), &other.labelled("other"))
}

const WEB: &str = r#"{
  "name": "web", "seed": 1,
  "hosts": { "client": { "stack": "linux" }, "server": { "stack": "linux" } },
  "links": [ { "name": "wire", "between": ["client", "server"], "rate": "10Mbit", "delay": "5ms" } ],
  "apps": [
    { "name": "web", "on": "server", "listen": 80, "run": [
      { "accept": "first" }, { "read": "eof" }, { "close": "first" } ] },
    { "name": "browser", "on": "client", "run": [
      { "connect": "server:80", "as": "first" }, { "write": "3KiB" }, { "close": "first" } ] }
  ],
  "faults": [],
  "expect": [ { "name": "all read", "at": "server/first", "delivered": "3KiB" } ]
}"#;

#[test]
fn a_run_is_the_same_as_itself_in_every_case_of_every_file() {
    let mut cases = 0;
    for path in experiments::all() {
        for case in &load(&path, &Overrides::default()).unwrap().cases {
            let (one, other) = (Ran::of(case), Ran::of(case));
            let divergence = compared(&one, &other);
            assert!(divergence.is_same(), "{}, {}: {divergence:?}", path.display(), case.name);
            assert_eq!(divergence.drawn, []);
            assert!(divergence.same > 0 || one.trace.entries().is_empty());
            assert_eq!(beside(&one.labelled("one"), &other.labelled("other"), OPTIONS), []);
            cases += 1;
        }
    }
    assert!(cases > 20, "{cases} cases");
}

#[test]
fn two_seeds_without_chance_differ_only_in_what_is_drawn() {
    let (one, other) = (text(WEB), text(&WEB.replace("\"seed\": 1", "\"seed\": 2")));
    let divergence = compared(&one, &other);
    assert_eq!(divergence.first, None);
    assert!(!divergence.is_same() && !divergence.same_fingerprint && divergence.same_judgement);
    let drawn: Vec<&str> = divergence.drawn.iter().map(|drawn| drawn.what.as_str()).collect();
    assert!(drawn.contains(&"the initial sequence number of client in client/first"), "{drawn:?}");
    assert!(drawn.contains(&"the port of client in client/first"), "{drawn:?}");
}

#[test]
fn the_first_lost_packet_is_told_with_what_became_of_it_elsewhere() {
    let fault = r#""faults": [ { "name": "lost", "on": "wire", "towards": "server",
        "match": { "kind": "data", "nth": 2 }, "do": "drop" } ]"#;
    let (one, other) = (text(WEB), text(&WEB.replace(r#""faults": []"#, fault)));
    let first = compared(&one, &other).first.unwrap();
    assert!(
        first.sentence.contains("client's [ACK] seq 1449 ack 1 len 1448 (client/first, #")
            || first.sentence.contains("client's [PSH,ACK] seq 1449 ack 1 len 1448 (client/first, #"),
        "{}",
        first.sentence
    );
    assert!(
        first.sentence.contains("was dropped by \"lost\" on wire>server in other; it arrives at"),
        "{}",
        first.sentence
    );
    assert_eq!((first.one, first.other.is_some()), (None, true));
    // The other way round it is the same moment.
    assert_eq!(compared(&other, &one).first.unwrap().at, first.at);
}

#[test]
fn a_packet_that_only_arrives_at_another_time_is_the_same_packet() {
    let (one, other) = (text(WEB), text(&WEB.replace("\"5ms\"", "\"9ms\"")));
    let first = compared(&one, &other).first.unwrap();
    assert!(first.one.is_some() && first.other.is_some());
    assert!(first.sentence.ends_with("4ms later."), "{}", first.sentence);
    assert!(first.sentence.contains("client's [SYN] seq 0 (client/first, #1) arrives at server at"));
}

#[test]
fn a_header_field_is_named_with_both_values() {
    let set = r#""client": { "stack": "linux", "sysctl": { "tcp_sack": 0 } }"#;
    let (one, other) = (text(WEB), text(&WEB.replace(r#""client": { "stack": "linux" }"#, set)));
    let first = compared(&one, &other).first.unwrap();
    assert!(first.sentence.contains("SACK permitted yes in one"), "{}", first.sentence);
    assert!(first.sentence.contains("no SACK permitted in other"), "{}", first.sentence);
}

#[test]
fn another_flow_moves_no_packet_of_the_first() {
    // It has its own hosts and link, and a name that comes before all others.
    let wider = WEB
        .replace(r#""hosts": {"#, r#""hosts": { "a": { "stack": "rfc" }, "b": { "stack": "rfc" },"#)
        .replace(
            r#""links": ["#,
            r#""links": [ { "name": "aside", "between": ["a", "b"], "rate": "1Mbit", "delay": "1ms" },"#,
        )
        .replace(
            r#""apps": ["#,
            r#""apps": [ { "name": "aside", "on": "a", "bulk": { "to": "b:9", "size": "4KiB" } },"#,
        );
    let (one, other) = (text(WEB), text(&wider));
    let divergence = compared(&one, &other);
    let sentence = divergence.first.unwrap().sentence;
    assert!(sentence.contains("in other; it") && sentence.contains("in one."), "{sentence}");
    let lines = beside(&one.labelled("one"), &other.labelled("other"), OPTIONS);
    let text: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    assert!(text.iter().any(|line| line.contains("1 more conversation the same in both")), "{text:#?}");
    assert!(text.iter().all(|line| !line.contains("client/first")), "{text:#?}");
}

#[test]
fn the_same_run_judged_otherwise_is_not_the_same() {
    let (one, other) = (text(WEB), text(&WEB.replace(r#""delivered": "3KiB""#, r#""delivered": "4KiB""#)));
    let divergence = compared(&one, &other);
    assert_eq!(divergence.first, None);
    assert!(divergence.same_fingerprint && !divergence.same_judgement && !divergence.is_same());
}

#[test]
fn no_line_is_wider_than_asked_for() {
    let one = lesson("retransmission.json", "fast retransmit", &[], &[], None);
    let other = lesson("retransmission.json", "fast retransmit", &["links.wire.delay=30ms"], &[], None);
    for width in [80, 100, 140, 300] {
        let options = BesideOptions { width, full: true };
        for line in beside(&one.labelled("one"), &other.labelled("other"), options) {
            // The key above all is text of its own.
            let longest = line.text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
            assert!(longest <= width.max(110), "{width}: {}", line.text);
            assert!(line.mark.sign() == " " || longest <= width, "{width}: {}", line.text);
        }
    }
}

const OPTIONS: BesideOptions = BesideOptions { width: 140, full: false };

#[test]
fn ladders_beside_each_other_are_the_known_ones() {
    let file = "time-wait-delayed-segment.json";
    let linux = || lesson(file, "linux", &[], &[], None);
    let pairs = [
        ("without-the-copy", linux(), lesson(file, "linux", &[], &["late copy"], None)),
        ("assassinated", linux(), lesson(file, "assassinated", &[], &[], None)),
        ("profile", linux(), lesson(file, "rfc", &[], &[], None)),
        (
            "datagrams",
            lesson("udp-loss.json", first_case("udp-loss.json").as_str(), &[], &[], Some(1)),
            lesson("udp-loss.json", first_case("udp-loss.json").as_str(), &[], &[], Some(2)),
        ),
    ];
    for (name, one, other) in pairs {
        goldens::compare(&format!("golden/diff/{name}.txt"), &drawn(&one, &other));
    }
}

fn first_case(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs").join(file);
    load(&path, &Overrides::default()).unwrap().cases[0].name.clone()
}

/// Everything that is told about a pair.
fn drawn(one: &Ran, other: &Ran) -> String {
    let divergence = compared(one, other);
    let mut out = String::new();
    if let Some(first) = &divergence.first {
        writeln!(out, "{}\n{} records the same", first.sentence, divergence.same).unwrap();
    }
    for line in beside(&one.labelled("one"), &other.labelled("other"), OPTIONS) {
        writeln!(out, "{}", line.text).unwrap();
    }
    for row in outcomes(&one.labelled("one"), &other.labelled("other")) {
        let same = if row.is_same() { "=" } else { "≠" };
        writeln!(out, "{same} {}: {} | {}", row.what, row.values[0], row.values[1]).unwrap();
    }
    out
}

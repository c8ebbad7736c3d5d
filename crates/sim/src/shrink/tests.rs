//! Whole shrinks of small experiments that fail on purpose.

use std::ops::ControlFlow;

use faultwire_base::Instant;
use faultwire_link::PacketKind;

use super::target::{Setting, Target, record};
use super::words;
use super::{Cut, Settings, ShrinkError, Shrunk, shrink};
use crate::experiment::{Overrides, parse, parse_tree};
use crate::plan::Experiment;
use crate::record::Silent;
use crate::replay::{ChanceAction, RecordedConversation, RecordedDecision, RecordedPacket};
use crate::run::{Judging, run_case};

fn experiment(text: &str) -> Experiment {
    parse(text, "test.json", &Overrides::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn shrunk(text: &str, case: Option<&str>, jobs: usize) -> Shrunk {
    let settings = Settings { jobs, ..Settings::default() };
    shrink(&experiment(text), case, 1, &settings, |_| ControlFlow::Continue(())).unwrap()
}

fn minimal(shrunk: &Shrunk) -> &str {
    shrunk.minimal.as_deref().expect("named faults do the same")
}

/// Both results fail in the same way when they are run as any other file: the small experiment, and the replay.
fn assert_fails_as_itself(shrunk: &Shrunk) {
    let small = experiment(minimal(shrunk));
    let run = run_case(&small.cases[0], Judging::default(), &mut Silent);
    assert_eq!(run.cluster().as_ref(), Some(&shrunk.cluster), "{}", minimal(shrunk));
    let text = shrunk.replay("faultwire shrink");
    let replay = experiment(&text);
    let run = run_case(&replay.cases[0], Judging::default(), &mut Silent);
    assert_eq!(run.cluster().as_ref(), Some(&shrunk.cluster), "{text}");
    assert_eq!(run.fingerprint.to_string(), shrunk.recorded.fingerprint);
}

const PARTITION: &str = r#"{
  "name": "partition", "description": "A cut in the middle of a transfer, beside much that does not matter.",
  "seed": 1,
  "hosts": {
    "client": { "stack": "linux", "address": "10.0.0.1", "sysctl": { "tcp_sack": 1, "tcp_rfc1337": 1 } },
    "server": { "stack": "linux", "address": "10.0.0.2" }, "idler": { "stack": "rfc", "address": "10.0.0.3" }
  },
  "routers": { "gateway": {} },
  "links": [
    { "name": "near", "between": ["client", "gateway"], "rate": "87Mbit", "delay": "3ms" },
    { "name": "far", "between": ["gateway", "server"], "rate": "13Mbit", "delay": "21ms" },
    { "name": "side", "between": ["gateway", "idler"], "delay": "1ms" } ],
  "apps": [
    { "name": "web", "on": "server", "listen": 80, "run": [ { "accept": "first" }, { "read": "eof" }, { "close": "first" } ] },
    { "name": "user", "on": "client", "run": [
      { "connect": "server:80", "as": "first" }, { "write": "3MiB" }, { "close": "first" } ] },
    { "name": "other", "on": "idler", "bulk": { "to": "server:90", "size": "100KiB" } } ],
  "faults": [
    { "name": "cut", "on": "far", "at": "713ms", "until": "4127ms", "do": "cut" },
    { "name": "late", "on": "near", "towards": "gateway", "match": { "conn": "client/first", "kind": "data", "nth": 7 },
      "do": { "delay": "37ms" } },
    { "name": "slow", "on": "side", "at": "1s", "do": { "set": { "delay": "2ms" } } } ],
  "expect": [
    { "name": "all of it", "at": "server/first", "delivered": "3MiB" },
    { "name": "no timeout", "at": "client/first", "counter": "timeouts", "value": 0 } ],
  "cases": [ { "name": "alone", "without": ["other"] }, { "name": "both", "set": { "links.far.delay": "23ms" } } ]
}"#;

#[test]
fn a_partition_is_all_that_is_left_of_a_file_with_much_beside_it() {
    let shrunk = shrunk(PARTITION, None, 2);
    assert_fails_as_itself(&shrunk);
    assert_eq!(shrunk.case, "alone");
    assert_eq!(shrunk.cut, None);
    assert_eq!(
        (shrunk.after.faults, shrunk.after.nodes, shrunk.after.links),
        (1, 2, 1),
        "{}",
        minimal(&shrunk)
    );
    assert_eq!(shrunk.after.expectations, 1);
    assert!(shrunk.after.packets * 10 < shrunk.before.packets, "{}", minimal(&shrunk));
    for gone in ["cases", "sysctl", "late", "slow", "gateway", "other"] {
        assert!(!minimal(&shrunk).contains(gone), "{gone}: {}", minimal(&shrunk));
    }
}

#[test]
fn the_result_does_not_depend_on_the_number_of_threads() {
    let alone = shrunk(PARTITION, Some("both"), 1);
    for jobs in [2, 8] {
        let other = shrunk(PARTITION, Some("both"), jobs);
        assert_eq!((&alone.minimal, alone.tried), (&other.minimal, other.tried));
    }
}

/// What never finishes because the peer reads less than is written is no failure of time: nothing may be cut short.
#[test]
fn a_failure_does_not_turn_into_one_for_want_of_time() {
    let text = r#"{
      "name": "late", "description": "An answer that comes too late because the request was lost.", "seed": 1,
      "stop": { "at": "2min" },
      "hosts": { "client": {}, "server": {} },
      "links": [ { "name": "wire", "between": ["client", "server"], "delay": "10ms" } ],
      "apps": [
        { "name": "web", "on": "server", "listen": 80, "run": [
          { "accept": "x" }, { "read": "1KiB" }, { "write": "20KiB" }, { "read": "eof" }, { "close": "x" } ] },
        { "name": "user", "on": "client", "run": [
          { "connect": "server:80", "as": "x" }, { "write": "1KiB" }, { "read": "20KiB" }, { "close": "x" } ] } ],
      "faults": [ { "name": "lost", "on": "wire", "towards": "server",
        "match": { "conn": "client/x", "kind": "data" }, "do": "drop" } ],
      "expect": [ { "name": "answered", "at": "client/x", "delivered": "20KiB" } ]
    }"#;
    let shrunk = shrunk(text, None, 1);
    assert_fails_as_itself(&shrunk);
    assert_eq!(shrunk.after.faults, 1, "without the fault the small experiment passes: {}", minimal(&shrunk));
    let cleared =
        parse(minimal(&shrunk), "m", &Overrides { without: vec!["lost".into()], ..Overrides::default() });
    let run = run_case(&cleared.unwrap().cases[0], Judging::default(), &mut Silent);
    assert_eq!(run.cluster(), None, "{}", minimal(&shrunk));
}

/// The client reaches the server on a short way with a fault, or, once that way is gone, on one that is too long for the
/// retransmission timer.
#[test]
fn the_last_fault_does_not_go_together_with_the_way_that_it_sits_on() {
    let text = r#"{
      "name": "two ways", "description": "A lost SYN on the short way.", "seed": 1,
      "hosts": { "client": {}, "server": {}, "other": {} }, "routers": { "r": {}, "r2": {} },
      "links": [
        { "name": "near", "between": ["client", "r"], "delay": "5ms" },
        { "name": "far", "between": ["r", "server"], "delay": "5ms" },
        { "name": "slow", "between": ["client", "r2"], "delay": "600ms" },
        { "name": "slow2", "between": ["r2", "server"], "delay": "600ms" },
        { "name": "o", "between": ["r2", "other"], "delay": "5ms" } ],
      "apps": [
        { "name": "flow", "on": "client", "bulk": { "to": "server:80", "size": "4KiB" } },
        { "name": "second", "on": "client", "bulk": { "to": "other:80", "size": "4KiB" } },
        { "name": "third", "on": "server", "bulk": { "to": "other:81", "size": "4KiB" } } ],
      "faults": [ { "name": "SYN", "on": "far", "towards": "server", "match": { "kind": "syn", "nth": 1 }, "do": "drop" } ],
      "expect": [
        { "name": "few", "at": "client/flow", "counter": "timeouts", "value": 0 },
        { "name": "few2", "at": "client/second", "counter": "timeouts", "value": 0 },
        { "name": "few3", "at": "server/third", "counter": "timeouts", "value": 0 } ]
    }"#;
    let shrunk = shrunk(text, None, 1);
    assert_fails_as_itself(&shrunk);
    assert_eq!(shrunk.after.faults, 1, "{}", minimal(&shrunk));
    let without = Overrides { without: vec!["SYN".into()], ..Overrides::default() };
    let cleared = parse(minimal(&shrunk), "m", &without).unwrap();
    let run = run_case(&cleared.cases[0], Judging::default(), &mut Silent);
    assert_ne!(run.cluster(), Some(shrunk.cluster.clone()), "{}", minimal(&shrunk));
}

/// More packets at once than a queue holds, since the client has a quirk; a shorter queue overflows without one.
#[test]
fn the_quirk_that_it_took_stays() {
    let text = |quirks: &str, queue: &str, case: &str| {
        format!(
            r#"{{
              "name": "burst", "description": "Too many packets at once.", "seed": 1,
              "hosts": {{ "client": {{ {quirks} }}, "server": {{}} }},
              "links": [ {{ "name": "wire", "between": ["client", "server"], "rate": "5Mbit", "delay": "30ms",
                "queue": {{ "limit": "{queue}" }} }} ],
              "apps": [ {{ "name": "flow", "on": "client", "bulk": {{ "to": "server:80", "size": "20KiB" }} }} ],
              "expect": [ {{ "name": "no loss", "at": "client/flow", "counter": "retransmissions", "value": 0 }} ],
              "cases": [ {{ "name": "one", "set": {{ {case} }} }} ]
            }}"#
        )
    };
    let read = |text: &str| Setting::new(parse_tree(text, "one", 1).unwrap());
    let quirk = r#"["no_initial_slow_start"]"#;
    for (host, case) in [
        (format!(r#""quirks": {quirk}"#), String::new()),
        (String::new(), format!(r#""hosts.client.quirks": {quirk}"#)),
    ] {
        let original = read(&text(&host, "12p", &case));
        let ran = record(original.case().unwrap(), Judging::default());
        let target = Target::of(&original, &[], &ran, &Settings::default()).expect("it fails");
        assert_eq!(target.is_met(&original, &[]), Some(true));
        let without = read(&text("", "3p", ""));
        assert!(target.is_failing(without.case().unwrap()), "by another cause it fails alike");
        assert_eq!(target.is_met(&without, &[]), Some(false));
    }
}

#[test]
fn what_passes_cannot_be_shrunk() {
    let text = PARTITION.replace("\"value\": 0", "\"value\": { \"min\": 0, \"max\": 1000 }");
    let shrink =
        |case| shrink(&experiment(&text), case, 1, &Settings::default(), |_| ControlFlow::Continue(()));
    assert_eq!(shrink(None).unwrap_err(), ShrinkError::Passes { seed: 1, case: None });
    let error = shrink(Some("both")).unwrap_err().to_string();
    assert!(error.contains("case \"both\" passes with seed 1") && error.contains("sweep"), "{error}");
}

#[test]
fn a_bound_on_tries_and_an_interrupt_keep_the_best_so_far() {
    let settings = Settings { jobs: 2, tries_max: 15, ..Settings::default() };
    let bounded = shrink(&experiment(PARTITION), None, 1, &settings, |_| ControlFlow::Continue(())).unwrap();
    assert_eq!((bounded.cut, bounded.tried), (Some(Cut::Tries), 15));
    assert_fails_as_itself(&bounded);
    assert!(
        bounded.after.expectations < bounded.before.expectations
            || bounded.after.faults < bounded.before.faults
    );
    let mut batches = 0;
    let interrupted = shrink(&experiment(PARTITION), None, 1, &Settings::default(), |progress| {
        assert!(progress.now.faults <= progress.before.faults);
        batches += 1;
        if batches == 10 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let interrupted = interrupted.unwrap();
    assert_eq!(interrupted.cut, Some(Cut::Interrupted));
    assert_fails_as_itself(&interrupted);
}

/// A transfer over a link with these impairments, of which it is expected that nothing comes of them.
fn transfer(impairments: &str, expectation: &str) -> String {
    format!(
        r#"{{
          "name": "transfer", "description": "A transfer both ways.", "seed": 1,
          "hosts": {{ "client": {{ "stack": "linux" }}, "server": {{ "stack": "linux" }} }},
          "links": [ {{ "name": "wire", "between": ["client", "server"], "rate": "20Mbit", "delay": "13ms", {impairments} }} ],
          "apps": [ {{ "name": "flow", "on": "client", "bulk": {{ "to": "server:80", "size": "200KiB", "direction": "both" }} }} ],
          "expect": [ {expectation},
            {{ "name": "all of it", "at": "server/flow", "delivered": "200KiB" }} ]
        }}"#
    )
}

/// The first of some seeds that fails, shrunk.
fn first_failing(text: &str, jobs: usize) -> Shrunk {
    let experiment = experiment(text);
    let settings = Settings { jobs, ..Settings::default() };
    let shrunk = (1..200)
        .find_map(|seed| shrink(&experiment, None, seed, &settings, |_| ControlFlow::Continue(())).ok());
    let shrunk = shrunk.expect("one of these seeds fails");
    assert_fails_as_itself(&shrunk);
    assert_eq!(shrunk.cut, None);
    shrunk
}

/// Nothing is left to chance in the small experiment.
fn assert_nothing_random(shrunk: &Shrunk) {
    let links = minimal(shrunk).split("\"apps\"").next().unwrap();
    for key in ["loss", "jitter", "duplicate", "corrupt", "reorder"] {
        assert!(!links.contains(&format!("\"{key}\"")), "{links}");
    }
    assert_eq!(shrunk.after.decisions, 0);
}

#[test]
fn thousands_of_decisions_of_chance_shrink_to_a_few_named_faults() {
    let text = transfer(
        r#""loss": "2%", "jitter": "3ms", "jitter_reorders": true, "duplicate": "1%", "corrupt": "0.5%""#,
        r#"{ "name": "no timeout", "at": "client/flow", "counter": "timeouts", "value": 0 }"#,
    );
    let shrunk = first_failing(&text, 2);
    assert!(shrunk.before.decisions > 300, "{:?}", shrunk.before);
    assert!((1..=5).contains(&shrunk.after.faults), "{}", minimal(&shrunk));
    assert_nothing_random(&shrunk);
    assert!(shrunk.after.packets < shrunk.before.packets);
    let again = first_failing(&text, 8);
    assert_eq!((shrunk.minimal, shrunk.tried), (again.minimal, again.tried));
}

#[test]
fn a_late_packet_is_found_in_the_jitter_and_its_delay_made_round() {
    let text = transfer(
        r#""jitter": "12ms", "jitter_reorders": true"#,
        r#"{ "name": "in order", "at": "client/flow", "counter": "fast_retransmissions", "value": 0 }"#,
    );
    let shrunk = first_failing(&text, 2);
    assert!(shrunk.before.decisions > 200, "{:?}", shrunk.before);
    assert!((1..=3).contains(&shrunk.after.faults), "{}", minimal(&shrunk));
    assert_nothing_random(&shrunk);
}

#[test]
fn a_copy_by_chance_becomes_a_named_copy() {
    let text = transfer(
        r#""duplicate": "1%", "loss": "1%""#,
        r#"{ "name": "no copies", "at": "wire>server", "counter": "duplicated", "value": 0 }"#,
    );
    let shrunk = first_failing(&text, 2);
    assert_eq!(shrunk.after.faults, 1, "{}", minimal(&shrunk));
    assert!(minimal(&shrunk).contains("\"do\": { \"duplicate\": {} }"), "{}", minimal(&shrunk));
    assert!(shrunk.faults[0].0.starts_with("copied "), "{:?}", shrunk.faults);
    assert!(shrunk.faults[0].1.starts_with("copies once "), "{:?}", shrunk.faults);
    assert_nothing_random(&shrunk);
}

#[test]
fn a_corruption_keeps_one_bit() {
    let text = transfer(
        r#""corrupt": { "probability": "1%", "bits": 5 }"#,
        r#"{ "name": "no damage", "at": "server", "counter": "bad_checksums", "value": 0 }"#,
    );
    let shrunk = first_failing(&text, 2);
    assert_eq!(shrunk.after.faults, 1, "{}", minimal(&shrunk));
    let bits = minimal(&shrunk).split("\"bits\": [").nth(1).unwrap().split(']').next().unwrap();
    assert!(!bits.contains(','), "{}", minimal(&shrunk));
    assert_nothing_random(&shrunk);
}

#[test]
fn a_packet_that_netem_sent_at_once_stays_early() {
    let text = transfer(
        r#""reorder": "2%""#,
        r#"{ "name": "in order", "at": "server/flow", "counter": "fast_retransmissions", "value": 0 }"#,
    );
    let shrunk = first_failing(&text, 2);
    assert!((1..=3).contains(&shrunk.after.faults), "{}", minimal(&shrunk));
    assert!(minimal(&shrunk).contains("\"do\": \"send_at_once\""), "{}", minimal(&shrunk));
    assert_nothing_random(&shrunk);
}

/// Jitter makes packets early as well as late; what is early becomes what it overtook being late.
#[test]
fn no_early_packet_is_left_of_jitter_that_reorders() {
    let text = transfer(
        r#""jitter": "2ms", "jitter_reorders": true"#,
        r#"{ "name": "in order", "at": "server/flow", "counter": "fast_retransmissions", "value": 0 }"#,
    );
    let shrunk = first_failing(&text, 2);
    assert!((1..=5).contains(&shrunk.after.faults), "{}", minimal(&shrunk));
    assert!(shrunk.after.packets * 2 < shrunk.before.packets, "{}", minimal(&shrunk));
    assert_nothing_random(&shrunk);
}

/// Where no named fault does what a decision does, it is told in words.
#[test]
fn decisions_without_a_name_are_told_in_words() {
    let text = transfer(
        r#""loss": "1%""#,
        r#"{ "name": "no loss", "at": "client/flow", "counter": "retransmissions", "value": 0 }"#,
    );
    let mut shrunk = first_failing(&text, 2);
    assert_eq!(shrunk.by_chance(), [""; 0], "each has a name");
    shrunk.minimal = None;
    let told = shrunk.by_chance();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("drops data of client/flow with byte "), "{told:?}");
    assert!(told[0].contains(", sent for the first time, on wire towards "), "{told:?}");
}

#[test]
fn every_decision_has_words() {
    let told = |kind, action| {
        words::decision(&RecordedDecision {
            on: "wire>server".into(),
            packet: RecordedPacket {
                conversation: RecordedConversation::Numbered { opener: "client".into(), ordinal: 2, boot: 1 },
                kind,
                byte: None,
                transmission: None,
                nth: 3,
                copy: Some(1),
            },
            at: Instant::from_nanos(31_060_000_000),
            action,
        })
    };
    let rest = "copy 1 of number 3 of pure_ack of conversation 2 that client opened, on wire towards server, at 31.06s";
    for (action, words) in [
        (ChanceAction::Drop, "drops"),
        (ChanceAction::Mark, "marks as congested"),
        (ChanceAction::Duplicate, "copies"),
        (ChanceAction::Corrupt { bits: vec![7, 90] }, "flips bits 7, 90 of"),
        (ChanceAction::Delay { deviation: -3_200 }, "carries 3.2us faster"),
        (ChanceAction::Delay { deviation: 12_000_000 }, "carries 12ms slower"),
        (ChanceAction::SendAtOnce, "sends at once, ahead of others,"),
    ] {
        assert_eq!(told(Some(PacketKind::PureAck), action), format!("{words} {rest}"));
    }
    assert!(told(None, ChanceAction::Drop).contains(" of a packet of conversation"));
}

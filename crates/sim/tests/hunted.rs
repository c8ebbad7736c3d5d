//! What sweeps over the hunts have found wrong with ourselves: each is kept as the few faults that it takes.

use faultwire_sim::experiment::{Overrides, parse};
use faultwire_sim::record::Silent;
use faultwire_sim::report::Outcome;
use faultwire_sim::run::{Judging, run_case};

/// Runs an experiment between `client` and `server`, 50 ms apart, that must pass in all its cases.
fn passes(rest: &str) {
    let text = format!(
        r#"{{ "name": "hunted", "hosts": {{ "client": {{}}, "server": {{}} }},
          "links": [ {{ "name": "wire", "between": ["client", "server"], "rate": "10Mbit", "delay": "50ms" }} ], {rest} }}"#
    );
    let experiment =
        parse(&text, "hunted.json", &Overrides::default()).unwrap_or_else(|error| panic!("{error}"));
    for case in &experiment.cases {
        let run = run_case(case, Judging::default(), &mut Silent);
        assert_eq!(run.report.outcome, Outcome::Passed, "case {}: {:#?}", case.name, run.failures);
    }
}

const BOTH_OPEN: &str = r#""apps": [
    { "name": "left", "on": "client", "run": [
      { "connect": "server:2000", "from_port": 1000, "as": "left" }, { "write": "4KiB" }, { "shutdown": "write" }, { "read": "eof" }, { "close": "left" } ] },
    { "name": "right", "on": "server", "run": [
      { "connect": "client:1000", "from_port": 2000, "as": "right" }, { "write": "6KiB" }, { "shutdown": "write" }, { "read": "eof" }, { "close": "right" } ] } ]"#;

#[test]
fn a_simultaneous_open_with_one_syn_on_the_way_has_two_window_shifts() {
    // The laws are told of an opening only after its SYN; they took the SYN for another conversation's.
    passes(&format!(
        r#"{BOTH_OPEN}, "faults": [ {{ "name": "late", "towards": "server", "match": {{ "kind": "syn", "nth": 1 }}, "do": {{ "delay": "2s" }} }} ]"#
    ));
}

#[test]
fn a_syn_ack_that_goes_again_after_a_scaled_window_takes_nothing_back() {
    // 64,240 octets are 62.7 times the unit of the scaled window, and were offered as 63.
    passes(&format!(
        r#"{BOTH_OPEN}, "faults": [
          {{ "name": "lost", "towards": "client", "match": {{ "kind": "syn", "nth": 1 }}, "do": "drop" }},
          {{ "name": "lost too", "towards": "client", "match": {{ "kind": "syn_ack", "nth": 1 }}, "do": "drop" }},
          {{ "name": "twice", "towards": "server", "match": {{ "kind": "syn", "nth": 1 }}, "do": {{ "duplicate": {{ "delay": "5ms" }} }} }} ]"#
    ));
}

#[test]
fn what_a_half_open_entry_of_freebsd_offers_to_strays_binds_nobody() {
    passes(
        r#""apps": [
          { "name": "called", "on": "server", "listen": 80, "run": [ { "accept": "one" }, { "read": "eof" }, { "write": "9KiB" }, { "close": "one" } ] },
          { "name": "caller", "on": "client", "run": [ { "connect": "server:80", "from_port": 1000, "as": "one" }, { "write": "4KiB" }, { "shutdown": "write" }, { "read": "eof" }, { "close": "one" } ] } ],
        "faults": [
          { "name": "lost", "towards": "client", "match": { "kind": "syn_ack", "nth": 1 }, "do": "drop" },
          { "name": "stray", "on": "wire", "towards": "server", "at": "60ms", "inject": { "from": "client:1000", "to": "server:80", "flags": "RST", "seq": 7000 } } ],
        "cases": [ { "name": "freebsd", "set": { "hosts.server.stack": "freebsd", "hosts.client.tcp.initial_sequence_number": 5000 } } ]"#,
    );
}

//! What a page says of failures that have no plain experiment, and of hazards.

use std::ops::ControlFlow;

use super::{Origin, TicketStep, ticket, title};
use crate::experiment::{Overrides, parse};
use crate::failure::{Cluster, Failure};
use crate::hunt::{Evidence, Found, Tally};
use crate::oracle::{OracleName, OracleResult};
use crate::shrink;
use crate::sweep::{self, Settings};

const LOSSY: &str = r#"{
  "name": "lossy", "description": "One packet in ten is lost.",
  "hosts": { "client": {}, "server": {} },
  "links": [ { "name": "wire", "between": ["client", "server"], "rate": "10Mbit", "delay": "5ms", "loss": "10%" } ],
  "apps": [ { "name": "flow", "on": "client", "bulk": { "to": "server:80", "size": "4KiB" } } ],
  "expect": [ { "name": "no timer", "at": "client/flow", "counter": "timeouts", "value": 0 } ]
}"#;

fn found() -> (Found, Evidence) {
    let read = |overrides: &Overrides| parse(LOSSY, "lossy.json", overrides).unwrap();
    let experiment = read(&Overrides::default());
    let mut tally = Tally::of(&experiment);
    sweep::run(&experiment, 1..=30, &Settings::default(), |result| {
        tally.add(result);
        ControlFlow::Continue(())
    });
    let found = tally.found().remove(0);
    let failing = read(&Overrides { seed: Some(found.smallest.seed), ..Overrides::default() });
    let settings = shrink::Settings::default();
    let evidence = Evidence::gather(&failing, &found, &settings, |_| ControlFlow::Continue(())).unwrap();
    (found, evidence)
}

#[test]
fn what_chance_did_and_no_fault_does_is_told_on_the_page() {
    let (found, mut evidence) = found();
    let origin = Origin {
        description: String::new(),
        quirks: Vec::new(),
        digest: "0".into(),
        hunt: "faultwire hunt".into(),
        original: "faultwire run".into(),
        steps: vec![TicketStep { command: "faultwire run x.json".into(), what: "look".into() }],
    };
    let page = ticket(&found, &evidence, &origin, &[]);
    assert!(page.contains("This is all of `minimal.json`") && !page.contains("by chance"), "{page}");
    assert!(page.contains("faultwire run x.json  # look\n"), "{page}");
    // As if no named fault did the same.
    evidence.shrunk.minimal = None;
    evidence.shrunk.faults.clear();
    evidence.minimal_is_replay = true;
    let page = ticket(&found, &evidence, &origin, &[]);
    assert_eq!(evidence.minimal_name(), "minimal-replay.json");
    assert!(page.contains("One thing has to go wrong in the network:\n\n1. **by chance**: drops "), "{page}");
    assert!(page.contains("The smallest form is a replay file"), "{page}");
    assert!(!page.contains("`minimal.json`"), "{page}");
}

#[test]
fn a_hazard_is_called_one() {
    let (mut found, _) = found();
    for (result, words) in [
        (OracleResult::Broken, "oracle sequence is broken"),
        (OracleResult::Hazard, "oracle sequence met a hazard"),
    ] {
        let failure = Failure::of_oracle(OracleName::Sequence, result, "an ACK above all");
        assert_eq!(failure.is_hazard(), result == OracleResult::Hazard);
        found.cluster = Cluster::of(std::slice::from_ref(&failure)).unwrap();
        found.smallest.failures = vec![failure];
        assert_eq!(title(&found), words);
    }
    assert!(!Failure::new("sequence", "oracle sequence is hazard: by name only").is_hazard());
}

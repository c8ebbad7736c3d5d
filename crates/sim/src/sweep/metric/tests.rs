//! Metrics are exactly the numbers of the report, under its names.

use serde_json::Value;

use super::{CONNECTION_FIELDS, LINK_FIELDS, Metric, PACKET_FIELDS};
use crate::experiment::{Overrides, parse};
use crate::plan::Experiment;
use crate::record::Silent;
use crate::run::{Judging, finish_case, report};
use crate::world::World;

const TEXT: &str = r#"{
  "name": "small", "description": "A transfer with a loss, and one connection without a name.",
  "hosts": { "client": { "stack": "linux" }, "my.server": { "stack": "linux" } },
  "links": [ { "name": "wire", "between": ["client", "my.server"], "rate": "10Mbit", "delay": "5ms" } ],
  "apps": [
    { "name": "flow", "on": "client", "bulk": { "to": "my.server:80", "size": "30KiB" } },
    { "name": "late", "on": "client", "start": "2min", "may_be_unfinished": true,
      "run": [ { "connect": "my.server:81", "as": "late" } ] },
    { "name": "sink", "on": "my.server", "listen": 82, "may_be_unfinished": true,
      "run": [ { "accept": "idle" }, { "read": "eof" } ] },
    { "name": "idle", "on": "client", "may_be_unfinished": true,
      "run": [ { "connect": "my.server:82", "as": "idle" }, { "write": "1KiB" }, { "sleep": "10min" } ] } ],
  "stop": { "at": "1min" },
  "faults": [ { "name": "lost", "on": "wire", "towards": "my.server",
                "match": { "conn": "client/flow", "kind": "data", "nth": 2 }, "do": "drop" } ]
}"#;

fn experiment() -> Experiment {
    parse(TEXT, "small.json", &Overrides::default()).unwrap()
}

/// Every number of the report's case with its path: items of lists by their names.
fn numbers(case: &Value) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    for (key, value) in case.as_object().unwrap() {
        match value {
            Value::Number(number) => found.push((key.clone(), number.as_u64().unwrap())),
            Value::Object(fields) => {
                found.extend(
                    fields.iter().map(|(field, value)| (format!("{key}.{field}"), value.as_u64().unwrap())),
                );
            }
            Value::Array(items) => {
                for item in items.iter().filter_map(Value::as_object) {
                    let name = item["name"].as_str().unwrap();
                    let numbers = item.iter().filter_map(|(field, value)| Some((field, value.as_u64()?)));
                    found.extend(numbers.map(|(field, value)| (format!("{key}.{name}.{field}"), value)));
                }
            }
            _ => {}
        }
    }
    found
}

#[test]
fn every_number_of_the_report_can_be_measured_under_its_path() {
    let experiment = experiment();
    let case = &experiment.cases[0];
    let mut world = World::new(&case.plan);
    let end = world.run(&mut Silent);
    let run = finish_case(case, &world, &end, Judging::default());
    let report = serde_json::to_value(report(&experiment, vec![run])).unwrap();
    let numbers = numbers(&report["cases"][0]);
    let links = 2 * LINK_FIELDS.len();
    // Those that never completed lack its time.
    let connections = 4 * CONNECTION_FIELDS.len() - 2;
    assert!(numbers.len() > PACKET_FIELDS.len() + links + connections, "{numbers:?}");
    for (path, value) in &numbers {
        let metric = Metric::parse(path, [&experiment]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((metric.name(), metric.of(&world)), (path.as_str(), Some(*value)), "{path}");
    }
    let of = |name: &str| Metric::parse(name, [&experiment]).unwrap().of(&world);
    let named =
        |part: &str| numbers.iter().filter(|(path, _)| path.ends_with(part)).map(|(_, value)| value).sum();
    assert_eq!(of("retransmissions"), Some(1));
    assert_eq!(of("segments_sent"), Some(named(".segments_sent")), "the sum over all ends");
    assert!(of("connections.client/flow.completion_ns").is_some_and(|nanos| nanos > 0));
    assert!(of("connections.client/idle.bytes_sent").is_some_and(|octets| octets > 0));
    assert_eq!(of("connections.client/idle.completion_ns"), None, "it was open when all was over");
    assert_eq!(of("connections.client/late.completion_ns"), None, "it was never opened");
    assert_eq!(of("apps.late.finished_ns"), None);
}

#[test]
fn an_unknown_metric_is_an_error_that_tells_what_may_be_meant() {
    let experiment = experiment();
    for (name, hint) in [
        ("retransmision", "did you mean \"retransmissions\"?"),
        ("links.wire>my.server.droped", "did you mean \"links.wire>my.server.dropped\"?"),
        ("connections.client/flo.completion_ns", "did you mean \"connections.client/flow.completion_ns\"?"),
        ("completion_ns", "each connection has its own, write connections.client/flow.completion_ns"),
        ("faults.lots.acted", "did you mean \"faults.lost.acted\"?"),
        ("x", "write the path of a number in the report, like virtual_time_ns"),
        ("", "write the path"),
        ("connections.nobody/#1.srtt_ns", "there is no metric"),
        ("connections.client/#0.srtt_ns", "there is no metric"),
        ("connections.client/#01.srtt_ns", "there is no metric"),
        ("connections.client/#+1.srtt_ns", "there is no metric"),
    ] {
        let error = Metric::parse(name, [&experiment]).unwrap_err().to_string();
        assert!(error.contains(hint), "{name}: {error}");
        assert_eq!(error.lines().count(), 1);
    }
}

#[test]
fn a_fault_that_no_case_has_can_not_be_measured() {
    let without = Overrides { without: vec!["lost".into()], ..Overrides::default() };
    let without = parse(TEXT, "small.json", &without).unwrap();
    let error = Metric::parse("faults.lost.acted", [&without]).unwrap_err();
    assert!(!error.to_string().contains("did you mean \"faults.lost"), "{error}");
    assert!(Metric::parse("faults.lost.acted", [&without, &experiment()]).is_ok(), "another cell has it");
    assert!(Metric::parse("connections.client/#1.timeouts", [&without]).is_ok());
}

use super::*;
use crate::plan::Check;

fn configs() -> Vec<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
    let mut files = Vec::new();
    for folder in [folder.clone(), folder.join("scenarios")] {
        files.extend(std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files
}

fn config(name: &str, overrides: &Overrides) -> Experiment {
    let path = configs().into_iter().find(|path| path.ends_with(name)).unwrap();
    load(&path, overrides).unwrap_or_else(|error| panic!("{error}"))
}

fn set(words: &[&str]) -> Overrides {
    Overrides { set: words.iter().map(|word| (*word).to_owned()).collect(), ..Overrides::default() }
}

fn without(names: &[&str]) -> Overrides {
    Overrides { without: names.iter().map(|name| (*name).to_owned()).collect(), ..Overrides::default() }
}

const DELAYED: &str = "time-wait-delayed-segment.json";

#[test]
fn the_two_lessons_become_plans() {
    let delayed = config(DELAYED, &Overrides::default());
    let names: Vec<&str> = delayed.cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, ["linux", "rfc", "assassinated", "control"]);
    assert_eq!(delayed.cases[0].plan.expectations.len(), 4);
    assert_eq!(delayed.cases[3].must_fail, ["hits TIME_WAIT", "one ACK back"]);
    assert!(delayed.cases[3].plan.faults[0].removed);
    assert!(delayed.cases[0].plan.hosts[0].config.tcp.time_wait.rfc1337);
    assert!(!delayed.cases[2].plan.hosts[0].config.tcp.time_wait.rfc1337);
    let syn = config("time-wait-duplicate-syn.json", &Overrides::default());
    assert_eq!(syn.cases.len(), 3);
    let places: Vec<&str> = syn.cases[0].plan.places.iter().map(|place| &**place).collect();
    assert_eq!(places, ["client", "server", "wire>client", "wire>server"]);
}

#[test]
fn every_example_is_valid_and_its_effective_form_too() {
    for path in configs() {
        let experiment = load(&path, &Overrides::default()).unwrap_or_else(|error| panic!("{error}"));
        let again = parse(experiment.effective.as_bytes(), "effective", &Overrides::default())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(again.digest, experiment.digest);
        assert_eq!(again.effective, experiment.effective);
        let same = format!("{:?}", again.cases) == format!("{:?}", experiment.cases);
        assert!(same, "{}: the effective form means something else", path.display());
        notes(&experiment);
    }
}

/// DESIGN D1: the seed stands beside the digest, and what the command line changes is in it.
#[test]
fn the_digest_is_of_the_effective_experiment() {
    let plain = config(DELAYED, &Overrides::default());
    assert_eq!(plain.digest.len(), 32);
    let seeded = config(DELAYED, &Overrides { seed: Some(9), ..Overrides::default() });
    assert_eq!(seeded.digest, plain.digest);
    assert!(seeded.cases.iter().all(|case| case.plan.seed == 9));
    let slower = config(DELAYED, &set(&["links.wire.delay=60ms"]));
    assert_ne!(slower.digest, plain.digest);
    let same = config(DELAYED, &set(&["links.wire.delay=50ms"]));
    assert_eq!(same.digest, plain.digest);
    assert_ne!(config(DELAYED, &without(&["one ACK back"])).digest, plain.digest);
}

#[test]
fn one_case_alone() {
    let alone = config(DELAYED, &Overrides { case: Some("rfc".to_owned()), ..Overrides::default() });
    let names: Vec<&str> = alone.cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, ["rfc"]);
    let all = config(DELAYED, &Overrides::default());
    assert_ne!(alone.digest, all.digest);
    assert_eq!(format!("{:?}", alone.cases[0]), format!("{:?}", all.cases[1]));
}

#[test]
fn values_take_the_form_that_suits_their_place() {
    let plan = |words: &[&str]| config(DELAYED, &set(words)).cases[0].plan.clone();
    assert_eq!(plan(&["name=5"]).name, "5");
    assert_eq!(plan(&["seed=5"]).seed, 5);
    assert_eq!(plan(&["links.wire.delay=20ms"]).directions[0].config.delay.as_millis(), 20);
    assert!(!plan(&["hosts.client.sysctl.tcp_rfc1337=0"]).hosts[0].config.tcp.time_wait.rfc1337);
    let dropped = plan(&["faults.late copy.do.drop=true"]);
    let action = &dropped.directions[0].config.faults[0].action;
    assert_eq!(*action, faultwire_link::Action::Drop);
    let third = plan(&["faults.late copy.match.nth=[4, 5]"]);
    assert!(third.directions[0].config.faults[0].nth.contains(5));
    let made = plan(&[
        "hosts.server.tcp.time_wait=5s",
        "stop.events=7",
        "links.wire.towards={\"client\":{\"mtu\":900}}",
    ]);
    assert_eq!(made.hosts[1].config.tcp.time_wait.length.as_millis(), 5_000);
    assert_eq!((made.stop.events, made.directions[0].config.mtu), (7, Some(900)));
    assert_eq!(made.hosts[1].config.interfaces[0].mtu, 900);
    let step = plan(&["apps.browser.run.1.read=eof"]);
    assert!(matches!(
        step.apps[1].steps[1].step,
        crate::plan::Step::Read { until: crate::plan::ReadUntil::Eof, .. }
    ));
}

#[test]
fn leaving_out_on_the_command_line_is_leaving_out_in_every_case() {
    let gone = config(DELAYED, &without(&["late copy"]));
    assert!(gone.cases.iter().all(|case| case.plan.faults[0].removed));
    assert!(gone.cases.iter().all(|case| case.plan.directions.iter().all(|it| it.config.faults.is_empty())));
    let fewer = config(DELAYED, &without(&["one ACK back", "clock"]));
    assert_eq!(fewer.cases[0].plan.expectations.len(), 2);
    assert_eq!(fewer.cases[3].must_fail, ["hits TIME_WAIT"]);
    let plain = config(DELAYED, &without(&["links.wire.queue"]));
    assert_eq!(plain.cases[0].plan.directions[0].config.queue, faultwire_link::Queue::default());
}

#[test]
fn what_is_said_of_an_expectation_is_in_the_files_words() {
    let plan = &config(DELAYED, &Overrides::default()).cases[0].plan;
    let texts: Vec<&str> = plan.expectations.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(texts[0], "at client/first, state TIME_WAIT, when arrives late copy");
    assert_eq!(texts[3], "at client/first, leaves TIME_WAIT, since arrives late copy, after 60s");
    let Check::Leaves { after, .. } = plan.expectations[3].check else { panic!() };
    assert_eq!(after.min, 60_000_000_000);
}

/// What may surprise is said.
#[test]
fn notes_say_what_may_surprise() {
    let text = br#"{ "name": "x", "hosts": { "a": {}, "b": {} },
        "links": [ { "name": "w", "between": ["a", "b"], "jitter": "5ms", "loss": "1%", "queue": { "limit": "10p" } } ],
        "apps": [ { "name": "s", "on": "a", "run": [ { "send_to": "b:9", "size": "1B" } ] } ],
        "faults": [ { "name": "f", "match": { "kind": "udp", "nth": 2 }, "do": "drop", "may_miss": true } ] }"#;
    let found = notes(&parse(text, "x", &Overrides::default()).unwrap());
    for word in [
        "jitter keeps",
        "greater than the delay",
        "queue's limit",
        "neither rate nor delay",
        "takes datagrams",
        "counts packets on w>a",
        "each direction on its own",
        "nothing is expected",
    ] {
        assert!(found.iter().any(|note| note.contains(word)), "{word}: {found:#?}");
    }
}

/// The schema is printed from the grammar; every example names only keys that it has, and it stays in good form.
#[test]
fn the_schema_covers_the_grammar() {
    let schema = schema();
    let definitions = schema["$defs"].as_object().unwrap();
    for (name, definition) in definitions {
        assert!(!definition.is_null(), "{name} was never printed");
    }
    let mut references = Vec::new();
    collect_references(&schema, &mut references);
    for reference in references {
        let name = reference.strip_prefix("#/$defs/").unwrap();
        assert!(definitions.contains_key(name), "{name} is referred to and not there");
    }
    assert!(!schema.to_string().contains("[^]"), "a pattern with an empty class");
    let steps = definitions["step"]["oneOf"].as_array().unwrap();
    assert_eq!(steps.len(), 14);
    assert_eq!(definitions["experiment"]["additionalProperties"], false);
}

fn collect_references<'a>(value: &'a serde_json::Value, into: &mut Vec<&'a str>) {
    match value {
        serde_json::Value::Object(members) => {
            into.extend(members.get("$ref").and_then(serde_json::Value::as_str));
            members.values().for_each(|value| collect_references(value, into));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|value| collect_references(value, into)),
        _ => {}
    }
}

use super::*;

fn config(name: &str) -> Experiment {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs").join(name);
    load(&path, &Overrides::default()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_two_lessons_become_plans() {
    let delayed = config("time-wait-delayed-segment.json");
    let names: Vec<&str> = delayed.cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, ["linux", "rfc", "assassinated", "control"]);
    assert_eq!(delayed.cases[0].plan.expectations.len(), 4);
    assert_eq!(delayed.cases[3].must_fail, ["hits TIME_WAIT", "one ACK back"]);
    assert!(delayed.cases[3].plan.faults[0].removed);
    assert!(delayed.cases[0].plan.hosts[0].config.tcp.time_wait.rfc1337);
    assert!(!delayed.cases[2].plan.hosts[0].config.tcp.time_wait.rfc1337);
    let syn = config("time-wait-duplicate-syn.json");
    assert_eq!(syn.cases.len(), 3);
    let places: Vec<&str> = syn.cases[0].plan.places.iter().map(|place| &**place).collect();
    assert_eq!(places, ["client", "server", "wire>client", "wire>server"]);
}

#[test]
fn every_example_is_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            load(&path, &Overrides::default()).unwrap_or_else(|error| panic!("{error}"));
            count += 1;
        }
    }
    assert!(count >= 2);
}

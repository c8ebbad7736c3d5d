//! Recording and replaying by the command.

#[path = "../../sim/tests/malformed/replays.rs"]
mod replays;
mod support;

use std::fs;
use std::path::Path;

use faultwire_sim::experiment::{Overrides, load};
use faultwire_sim::replay::write;

use support::{Folder, TINY, faultwire};

/// TINY over a link that loses.
fn lossy() -> String {
    TINY.replace("\"delay\": \"5ms\"", "\"delay\": \"5ms\", \"loss\": \"20%\"")
        .replace("\"delivered\": \"3KiB\" }", "\"delivered\": \"3KiB\" }, { \"name\": \"none lost\", \"at\": \"wire>server\", \"counter\": \"dropped\", \"value\": 0 }")
}

#[test]
fn a_recorded_failure_is_replayed_whatever_the_file_and_seed_have_become() {
    let folder = Folder::new("replay-failure");
    let file = folder.file("tiny.json", &lossy());
    let replay = folder.path("replay.json");
    let failing = (1..50).find(|seed| {
        let seed = seed.to_string();
        faultwire(&["run", &file, "--seed", &seed, "--record", &replay, "--quiet"]).status == 1
    });
    assert!(failing.is_some(), "no seed loses anything");
    assert_eq!(folder.names(), ["replay.json", "tiny.json"], "nothing else is left");
    let run = faultwire(&["run", &replay]);
    assert_eq!(run.status, 0, "a replay that shows what was recorded is a success: {}", run.stderr);
    assert!(
        run.stdout.contains("1 case: 0 passed, 1 failed")
            && run.stdout.contains("it repeats the recorded run"),
        "{}",
        run.stdout
    );
    // Every command takes it, with every flag.
    assert_eq!(faultwire(&["check", &replay]).status, 0);
    assert_eq!(faultwire(&["verify", &replay]).status, 0);
    let report = faultwire(&["run", &replay, "--report", "-", "--record", &folder.path("again.json")]);
    assert_eq!(report.status, 0, "{}", report.stderr);
    assert!(report.stdout.starts_with('{') && report.stderr.contains("none lost"), "{}", report.stderr);
    let decisions = |name: &str| {
        let text = fs::read_to_string(folder.path(name)).unwrap();
        text.split_once("\"runs\"").unwrap().1.to_owned()
    };
    assert_eq!(decisions("again.json"), decisions("replay.json"), "a replay recorded is the same recording");
    let timeline = faultwire(&["run", &replay, "--timeline", "--case", "tiny"]);
    assert!(
        timeline.status == 0 && timeline.stdout.contains("it repeats the recorded run"),
        "{}",
        timeline.stdout
    );
    // Chance is decided whatever the seed, so each seed fails alike.
    let sweep = faultwire(&["sweep", &replay, "--seeds", "0..5"]);
    let failed = sweep.stdout.lines().filter(|line| line.contains("\"outcome\":\"failed\"")).count();
    assert_eq!((sweep.status, failed), (1, 5), "{}{}", sweep.stdout, sweep.stderr);
    let mended = faultwire(&["run", &replay, "--without", "none lost"]);
    assert_eq!(mended.status, 1, "it no longer fails, which is another outcome");
    assert!(mended.stdout.contains("has changed what was recorded"), "{}", mended.stdout);
    assert!(mended.stdout.contains("replay: it passed; the recorded run failed"), "{}", mended.stdout);
}

#[test]
fn a_replay_that_departs_has_status_1() {
    let folder = Folder::new("replay-departs");
    let file = folder.file("tiny.json", TINY);
    let replay = folder.path("replay.json");
    assert_eq!(faultwire(&["run", &file, "--record", &replay, "--quiet"]).status, 0);
    // As if an older faultwire had come to another run.
    let experiment = load(Path::new(&replay), &Overrides::default()).unwrap();
    let mut runs = experiment.replay.as_ref().unwrap().runs.clone();
    runs[0].fingerprint = format!("fw1-{}", "0".repeat(32));
    let other = folder.file("other.json", &write(&experiment, "", &runs));
    let run = faultwire(&["run", &other]);
    assert_eq!(run.status, 1);
    assert!(run.stdout.contains("it departs from the recording"), "{}", run.stdout);
    let quiet = faultwire(&["run", &other, "--quiet"]);
    assert!(quiet.status == 1 && quiet.stderr.contains("tiny: replay: it departs"), "{}", quiet.stderr);
}

/// What a command line changes in vain is told once; what acts in a replay too is not.
#[test]
fn a_probability_that_a_replay_does_not_ask_is_told() {
    let folder = Folder::new("replay-undrawn");
    let file = folder.file("tiny.json", &lossy());
    let replay = folder.path("replay.json");
    faultwire(&["run", &file, "--seed", "1", "--record", &replay, "--quiet"]);
    let note = "note: links.wire.loss says what chance draws, and a replay draws nothing";
    let notes = |arguments: &[&str]| {
        let stderr = faultwire(arguments).stderr;
        stderr.lines().filter(|line| line.starts_with("note: ")).map(str::to_owned).collect::<Vec<_>>()
    };
    let told = |arguments: &[&str]| {
        let notes = notes(arguments);
        assert!(notes.len() == 1 && notes[0].starts_with(note), "{arguments:?}: {notes:?}");
    };
    told(&["run", &replay, "--set", "links.wire.loss=50%"]);
    told(&["run", &replay, "--set", "links.wire.delay=9ms", "--set", "links.wire.loss=50%", "--quiet"]);
    told(&["explain", &replay, "--set", "links.wire.loss=50%"]);
    told(&["verify", &replay, "--set", "links.wire.loss=50%"]);
    told(&["sweep", &replay, "--seeds", "1..3", "--param", "links.wire.loss=0%,50%"]);
    for silent in ["links.wire.loss=20%", "links.wire.delay=9ms", "links.wire.rate=1Mbit"] {
        assert_eq!(notes(&["run", &replay, "--set", silent]), [""; 0], "{silent}");
        assert_eq!(notes(&["run", &file, "--set", silent]), [""; 0], "{silent}");
    }
    assert_eq!(notes(&["run", &file, "--set", "links.wire.loss=50%"]), [""; 0], "an experiment draws");
}

#[test]
fn a_malformed_replay_is_one_clear_error_and_nothing_is_written() {
    let files = replays::malformed();
    assert!(files.len() >= 20);
    for (name, content) in files {
        let folder = Folder::new("replay-malformed");
        let file = folder.path("bad.json");
        fs::write(&file, content).unwrap();
        let [report, record, capture] = ["r.json", "again.json", "c.pcapng"].map(|name| folder.path(name));
        let run = faultwire(&["run", &file, "--report", &report, "--record", &record, "--pcap", &capture]);
        assert_eq!(run.status, 2, "{name}: {}", run.stderr);
        assert!(
            run.stderr.starts_with("error: ") && run.stderr.lines().count() == 1,
            "{name}: {}",
            run.stderr
        );
        assert_eq!(run.stdout, "", "{name}");
        assert_eq!(folder.names(), ["bad.json"], "{name}: something was written");
    }
    let folder = Folder::new("replay-malformed-folder");
    let run = faultwire(&["run", &folder.path(""), "--record", &folder.path("again.json")]);
    assert!(run.status == 2 && run.stderr.contains("is a directory"), "{}", run.stderr);
    assert_eq!(folder.names(), Vec::<String>::new());
}

#[test]
fn a_recording_does_not_take_the_place_of_its_experiment() {
    let folder = Folder::new("replay-claims");
    let file = folder.file("tiny.json", TINY);
    let run = faultwire(&["run", &file, "--record", &file]);
    assert!(run.status == 2 && run.stderr.contains("is the experiment or another output"), "{}", run.stderr);
    assert_eq!(fs::read_to_string(&file).unwrap(), TINY);
    let shown = faultwire(&["run", &file, "--record", "-"]);
    assert!(
        shown.status == 0 && shown.stdout.starts_with("{\n  \"faultwire_replay\": 1,"),
        "{}",
        shown.stdout
    );
}

#[test]
fn the_form_of_replay_files_is_printed() {
    let run = faultwire(&["schema", "--replay"]);
    assert_eq!(run.status, 0);
    let schema: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(schema["title"], "faultwire replay");
    let definitions = &schema["$defs"];
    assert!(definitions["replay"]["properties"]["experiment"]["$ref"] == "#/$defs/experiment");
    assert!(definitions["decision"]["required"].as_array().unwrap().len() == 4);
}

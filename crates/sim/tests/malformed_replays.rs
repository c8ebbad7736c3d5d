//! Malformed replay files: damaged, truncated, hostile, of another version. Each gives one clear message with its place.
//! The messages stand in `malformed/replays.txt`, to be read by a person whenever they change (`UPDATE_GOLDEN=1` writes
//! it anew).

#[path = "malformed/replays.rs"]
mod replays;

mod goldens;

use std::fmt::Write as _;
use std::path::Path;

use faultwire_sim::experiment::{Overrides, load, parse};
use faultwire_sim::replay;
use proptest::prelude::*;
use replays::{GOOD, malformed};

#[test]
fn the_good_file_is_good() {
    let experiment =
        parse(GOOD, "good.json", &Overrides::default()).unwrap_or_else(|error| panic!("{error}"));
    let replay = experiment.replay.expect("it is a replay file");
    assert!(replay.changed, "its digest is made up");
    assert_eq!(replay.runs[0].recording.decisions.len(), 3);
    assert_eq!(experiment.cases[1].plan.recording.as_deref(), Some(&*replay.runs[1].recording));
}

#[test]
fn messages_are_as_reviewed() {
    let mut messages = String::new();
    for (name, content) in malformed() {
        let error = match parse(&content, "bad.json", &Overrides::default()) {
            Ok(_) => panic!("{name}: it was accepted"),
            Err(error) => error.to_string(),
        };
        assert!(error.starts_with("bad.json:") && !error.contains('\n'), "{name}: {error}");
        writeln!(messages, "{name}\n    {error}").unwrap();
    }
    goldens::compare("malformed/replays.txt", &messages);
}

#[test]
fn an_experiment_is_no_replay() {
    let text = r#"{ "name": "x", "hosts": { "a": {}, "b": {} }, "links": [ { "name": "w", "between": ["a", "b"] } ] }"#;
    let error = replay::read(text, "x.json").unwrap_err();
    assert!(error.message().starts_with("this is an experiment, not a replay file"), "{error}");
}

/// A recording may be larger than an experiment; what is no recording may not.
#[test]
fn only_a_replay_may_be_large() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("large.json");
    let blanks = " ".repeat(17 << 20);
    std::fs::write(&path, GOOD.replacen("\"runs\"", &format!("{blanks}\"runs\""), 1)).unwrap();
    assert!(load(&path, &Overrides::default()).is_ok());
    std::fs::write(&path, format!("{blanks}{GOOD}")).unwrap();
    let error = load(&path, &Overrides::default()).unwrap_err();
    assert_eq!(error.message(), "the file is larger than 16 MiB: no experiment is");
    std::fs::remove_file(path).unwrap();
}

proptest! {
    /// Whatever is done to the text, there is a plan or a message.
    #[test]
    fn bytes_changed(at in 0..GOOD.len(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut content = GOOD.as_bytes().to_vec();
        content[at] = byte;
        if cut {
            content.truncate(at);
        }
        let _ = parse(content, "bad.json", &Overrides::default());
    }
}

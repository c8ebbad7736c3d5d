//! `faultwire shrink`: its files, its exit statuses, what an interrupt leaves.

mod support;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use support::{Folder, command, faultwire};

/// A transfer of this size over a lossy link, of which it is expected that nothing is sent again.
fn lossy(size: &str) -> String {
    format!(
        r#"{{
          "name": "lossy", "description": "A transfer over a link that loses packets.", "seed": 7,
          "hosts": {{ "client": {{ "stack": "linux" }}, "server": {{ "stack": "linux" }} }},
          "links": [ {{ "name": "wire", "between": ["client", "server"], "rate": "20Mbit", "delay": "13ms",
            "loss": "3%", "jitter": "1ms" }} ],
          "apps": [ {{ "name": "flow", "on": "client", "bulk": {{ "to": "server:80", "size": "{size}" }} }} ],
          "expect": [
            {{ "name": "never again", "at": "client/flow", "counter": "retransmissions", "value": 0 }},
            {{ "name": "all of it", "at": "server/flow", "delivered": "{size}" }} ],
          "cases": [ {{ "name": "lossy link" }}, {{ "name": "clean link", "set": {{ "links.wire.loss": "0%" }} }} ]
        }}"#
    )
}

#[test]
fn a_failing_seed_becomes_two_files_that_fail_as_themselves() {
    let folder = Folder::new("shrink-files");
    let file = folder.file("lossy.json", &lossy("300KiB"));
    let out = folder.path("a/ticket");
    let run = faultwire(&["shrink", &file, "--seed", "7", "--out", &out, "--jobs", "2"]);
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("expectation \"never again\" failed"), "{}", run.stdout);
    let row = |what: &str| {
        let line = run.stdout.lines().find(|line| line.trim_start().starts_with(what));
        line.unwrap_or_else(|| panic!("{what}: {}", run.stdout))
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert!(row("chance decided").ends_with(" 0"), "{}", run.stdout);
    assert_eq!(row("named faults"), "named faults 0 1");
    assert!(run.stdout.contains("1. lost "), "{}", run.stdout);
    assert!(run.stderr.contains("decisions of chance"), "{}", run.stderr);

    let minimal = faultwire(&["run", &format!("{out}/minimal.json")]);
    assert_eq!(minimal.status, 1, "{}", minimal.stdout);
    assert!(minimal.stdout.contains("never again"), "{}", minimal.stdout);
    let replay = faultwire(&["run", &format!("{out}/replay.json")]);
    assert_eq!(replay.status, 0, "a replay that repeats: {}{}", replay.stdout, replay.stderr);
    assert!(replay.stdout.contains("never again"), "{}", replay.stdout);

    // The result is where the next shrink ends at once.
    let again = folder.path("again");
    let run = faultwire(&["shrink", &format!("{out}/replay.json"), "--out", &again]);
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
    let text = |path: String| std::fs::read_to_string(path).unwrap();
    let faults = |text: String| text.split("\"faults\"").nth(1).unwrap().to_owned();
    assert_eq!(faults(text(format!("{again}/minimal.json"))), faults(text(format!("{out}/minimal.json"))));
}

#[test]
fn a_seed_that_does_not_fail_is_bad_input_and_nothing_is_written() {
    let folder = Folder::new("shrink-passes");
    let file = folder.file("lossy.json", &lossy("30KiB"));
    let out = folder.path("out");
    let run = faultwire(&["shrink", &file, "--case", "clean link", "--out", &out]);
    assert_eq!(run.status, 2, "{}", run.stdout);
    assert!(run.stderr.contains("nothing to shrink") && run.stderr.contains("sweep"), "{}", run.stderr);
    assert_eq!(run.stdout, "");
    assert_eq!(folder.names(), ["lossy.json"]);
}

#[test]
fn bad_input_is_told_and_nothing_is_written() {
    let folder = Folder::new("shrink-bad");
    let file = folder.file("lossy.json", &lossy("30KiB"));
    let broken = folder.file("broken.json", "{");
    let minimal = folder.file("minimal.json", &lossy("300KiB"));
    let replay = folder.file("replay.json", &lossy("300KiB"));
    let out = folder.path("out");
    for (arguments, words) in [
        (vec!["shrink", &broken, "--out", &out], "never closed"),
        (vec!["shrink", &file, "--case", "lossy lunk", "--out", &out], "did you mean"),
        (vec!["shrink", &file, "--out", &broken], "--out names a folder"),
        (vec!["shrink", &minimal, "--out", &folder.path("")], "would overwrite"),
        (vec!["shrink", &replay, "--out", &folder.path(".")], "would overwrite"),
        (vec!["shrink", &file], "--out"),
    ] {
        let run = faultwire(&arguments);
        assert_eq!(run.status, 2, "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    }
    assert_eq!(folder.names(), ["broken.json", "lossy.json", "minimal.json", "replay.json"]);
    for kept in [minimal, replay] {
        assert_eq!(std::fs::read_to_string(kept).unwrap(), lossy("300KiB"));
    }
}

#[test]
fn a_bound_on_tries_is_told() {
    let folder = Folder::new("shrink-tries");
    let file = folder.file("lossy.json", &lossy("300KiB"));
    let out = folder.path("out");
    let run = faultwire(&["shrink", &file, "--tries", "3", "--out", &out]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(run.stderr.contains("stopped after 3 tries"), "{}", run.stderr);
    assert_eq!(faultwire(&["run", &format!("{out}/minimal.json")]).status, 1);
}

#[cfg(unix)]
#[test]
fn an_interrupted_shrink_keeps_its_best() {
    let folder = Folder::new("shrink-interrupt");
    let file = folder.file("lossy.json", &lossy("5MiB"));
    let out = folder.path("out");
    let mut shrink = command(&["shrink", &file, "--out", &out]);
    let mut child = shrink.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(first.contains("shrinking decisions of chance"), "{first}");
    // Twice in a row: `timeout` tells the process and its group.
    for _ in 0..2 {
        let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(killed.unwrap().success());
    }
    assert!(lines.any(|line| line.unwrap().starts_with("interrupted: ")));
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(faultwire(&["run", &format!("{out}/replay.json"), "--quiet"]).status, 0);
    let files = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(files.into_iter().all(|name| !name.to_string_lossy().ends_with(".partial")));
}

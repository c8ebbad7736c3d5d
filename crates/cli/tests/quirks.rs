//! `faultwire quirks` as its users meet it: the list, and the benchmark over a folder of experiments.

mod support;

use std::fs;

use support::{Folder, faultwire};

/// A reader that pauses behind a small buffer, over a way back that loses at random.
const PAUSING: &str = r#"{
  "name": "pausing",
  "hosts": { "client": {}, "server": { "sysctl": { "tcp_rmem": [4096, 8760, 8760] } } },
  "links": [ { "name": "wire", "between": ["client", "server"], "delay": "20ms" } ],
  "apps": [
    { "name": "reader", "on": "server", "listen": 80, "run": [ { "accept": "first" }, { "sleep": "2s" }, { "read": "eof" }, { "close": "first" } ] },
    { "name": "writer", "on": "client", "run": [ { "connect": "server:80", "as": "first" }, { "write": "20KiB" }, { "wait": "drained" }, { "close": "first" } ] }
  ],
  "heal": { "at": "5s", "within": "1min" },
  "swarm": { "vary": { "links.wire.loss": { "min": "1%", "max": "30%" } } }
}"#;

#[test]
fn the_list_says_what_each_does_and_who_had_it() {
    let run = faultwire(&["quirks"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    for quirk in faultwire_sim::plan::Quirk::ALL {
        for words in [quirk.as_str(), quirk.what(), quirk.source()] {
            assert!(run.stdout.contains(words), "{words:?}");
        }
    }
}

#[test]
fn a_quirk_is_found_shrunk_and_kept_for_any_number_of_threads() {
    let folder = Folder::new("quirks-found");
    folder.file("pausing.json", PAUSING);
    let (hunts, out) = (folder.path(""), folder.path("out"));
    let arguments =
        ["quirks", "--hunts", &hunts, "--seeds", "0..200", "--quirk", "no_zero_window_probe", "--out", &out];
    let table = |jobs: &str| {
        let run = faultwire(&[&arguments[..], &["--jobs", jobs]].concat());
        assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
        // The last column is how long it took.
        run.stdout
            .lines()
            .map(|line| line.rsplit_once("  ").map_or(line, |(rest, _)| rest).trim_end().to_owned())
            .collect::<Vec<_>>()
    };
    let one = table("1");
    assert_eq!(one, table("2"));
    let row = one.iter().find(|line| line.starts_with("no_zero_window_probe")).unwrap();
    assert!(row.contains("pausing") && row.contains("client"), "{row}");
    let kept = folder.path("out/no_zero_window_probe.json");
    assert!(fs::read_to_string(&kept).unwrap().contains("no_zero_window_probe"));
    assert_eq!(faultwire(&["run", &kept]).status, 1);
    assert_eq!(faultwire(&["run", &kept, "--set", "hosts.client.quirks=[]"]).status, 0);
}

#[test]
fn what_is_not_found_is_said_and_bad_input_is_one_sentence() {
    let folder = Folder::new("quirks-not-found");
    folder.file("pausing.json", PAUSING);
    let hunts = folder.path("");
    let hunt = |seeds: &str, quirk: &str| {
        faultwire(&["quirks", "--hunts", &hunts, "--seeds", seeds, "--quirk", quirk])
    };
    let run = hunt("0..3", "keep_alive_at_next");
    assert_eq!(run.status, 1, "{}", run.stderr);
    assert!(run.stdout.contains("not found") && run.stdout.contains("0 of 1 found"), "{}", run.stdout);
    for (run, part) in [
        (hunt("0..3", "no_such_thing"), "there is no such quirk"),
        (faultwire(&["quirks", "--hunts", &folder.path("nowhere"), "--seeds", "0..3"]), "reading"),
        (faultwire(&["quirks", "--hunts", &hunts]), "--seeds"),
    ] {
        assert_eq!(run.status, 2);
        assert!(run.stderr.contains(part) && run.stdout.is_empty(), "{}{}", run.stdout, run.stderr);
    }
}

#[test]
fn a_hunt_is_not_overwritten_by_what_is_kept() {
    let folder = Folder::new("quirks-overwrite");
    let hunt = folder.file("no_paws.json", PAUSING);
    let hunts = folder.path("");
    let run = faultwire(&["quirks", "--hunts", &hunts, "--seeds", "0..3", "--out", &hunts]);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{}", run.stderr);
    assert!(run.stderr.contains("would overwrite the hunt"), "{}", run.stderr);
    assert_eq!(fs::read_to_string(hunt).unwrap(), PAUSING);
}

#[cfg(unix)]
#[test]
#[expect(clippy::disallowed_methods, reason = "another process works meanwhile")]
fn an_interrupt_says_how_far_it_came() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let folder = Folder::new("quirks-interrupt");
    folder.file("pausing.json", PAUSING);
    let mut child = support::command(&["quirks", "--hunts", &folder.path(""), "--seeds", "0..100000000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The heading comes before the work; a quirk that this hunt does not find takes for ever.
    let heading = BufReader::new(child.stdout.take().unwrap()).lines().next();
    assert!(heading.unwrap().unwrap().starts_with("Hunts: 1"));
    std::thread::sleep(std::time::Duration::from_secs(1));
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let status = child.wait().unwrap().code();
    let told = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
    assert_eq!(status, Some(130), "{told}");
    assert!(told.starts_with("interrupted: ") && told.contains(" of 29 quirks were hunted"), "{told}");
}

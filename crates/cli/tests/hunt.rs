//! `faultwire hunt` as its users meet it: what is found, which folders are left, what their files do.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use support::{Folder, faultwire};

/// A transfer over a lossy line that must not meet a timeout: some seeds fail.
const LOSSY: &str = r#"{
  "name": "upload",
  "description": "An upload over a lossy line must never wait for the retransmission timer",
  "hosts": {
    "phone": { "stack": "linux", "address": "10.0.0.1" },
    "cloud": { "stack": "linux", "address": "10.0.0.2" }
  },
  "links": [ { "name": "radio", "between": ["phone", "cloud"], "rate": "5Mbit", "delay": "30ms", "loss": "8%" } ],
  "apps": [ { "name": "photo", "on": "phone", "bulk": { "to": "cloud:443", "size": "20KiB" } } ],
  "expect": [
    { "name": "no timeout", "at": "phone/photo", "counter": "timeouts", "value": 0 },
    { "name": "all there", "at": "cloud/photo", "delivered": "20KiB" }
  ]
}
"#;

fn read(folder: &str, file: &str) -> String {
    fs::read_to_string(Path::new(folder).join(file))
        .unwrap_or_else(|error| panic!("{folder}/{file}: {error}"))
}

/// Names of all that is in a folder, sorted.
fn names(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The blocks of commands of a page.
fn commands(page: &str) -> Vec<String> {
    let blocks = page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let lines = blocks.flat_map(str::lines).map(str::trim).filter(|line| line.starts_with("faultwire "));
    lines.map(|line| line.split("  #").next().unwrap().trim().to_owned()).collect()
}

/// Runs a command as a page shows it, in a folder; its exit status.
fn typed(command: &str, folder: &str) -> i32 {
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let run = support::command(&words).current_dir(folder).output().unwrap();
    run.status.code().expect("no signal ended it")
}

/// The commands of a page for the files beside it, each with the exit status that the page promises.
fn promised(page: &str) -> Vec<(String, i32)> {
    let block = page.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let promised = block.lines().filter_map(|line| {
        let (command, what) = line.split_once("  #")?;
        let status = what.split_once("exit status ")?.1.split(':').next().unwrap();
        Some((command.trim().to_owned(), status.parse().unwrap()))
    });
    promised.collect()
}

/// What fails the run that a hunt found is often a hazard only because it was asked to be.
#[test]
fn a_ticket_about_a_hazard_hands_over_that_hazards_fail() {
    let folder = Folder::new("hunt-hazard");
    let file =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/scenarios/s33-refused-by-older-timestamp.json");
    let out = folder.path("out");
    let run = faultwire(&["hunt", file, "--seeds", "0..2", "--hazards", "fail", "--out", &out]);
    assert_eq!(run.status, 1, "{}{}", run.stdout, run.stderr);
    let ticket = format!("{out}/01-oracle-sequence");
    let page = read(&ticket, "TICKET.md");
    assert!(page.contains("oracle sequence met a hazard\n") && !page.contains("is broken"), "{page}");
    let promised = promised(&page);
    assert_eq!(promised.len(), 2, "{page}");
    for (command, status) in promised {
        assert!(command.ends_with(" --hazards fail") || command.contains(" --hazards fail "), "{command}");
        assert_eq!(typed(&command, &ticket), status, "{command}");
    }
    let explained = faultwire(&["explain", &format!("{ticket}/minimal.json"), "--hazards", "fail"]);
    assert!(explained.stdout.starts_with("FAIL"), "{}", explained.stdout);
    assert!(page.contains("\nfaultwire explain minimal.json --hazards fail  "), "{page}");
    // Judged otherwise the recording passes, and it is said why.
    let lenient = faultwire(&["run", &format!("{ticket}/replay.json")]);
    assert_eq!(lenient.status, 1, "{}", lenient.stdout);
    assert!(lenient.stdout.contains("a hazard was met") && lenient.stdout.contains("--hazards fail"));
    // The same of a shrink alone.
    let shrunk = folder.path("shrunk");
    let run =
        faultwire(&["shrink", &format!("{ticket}/minimal.json"), "--hazards", "fail", "--out", &shrunk]);
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
    let told: Vec<&str> = run.stdout.lines().filter(|line| line.starts_with("faultwire run ")).collect();
    assert_eq!(told.len(), 2, "{}", run.stdout);
    for (command, status) in told.into_iter().zip([1, 0]) {
        assert!(command.contains(" --hazards fail"), "{command}");
        assert_eq!(typed(command, &shrunk), status, "{command}");
    }
}

#[test]
fn a_failure_becomes_a_ticket_whose_files_do_what_it_says() {
    let folder = Folder::new("hunt-ticket");
    let (file, out) = (folder.file("upload.json", LOSSY), folder.path("out"));
    let run = faultwire(&["hunt", &file, "--seeds", "1..=60", "--out", &out, "--clusters", "1"]);
    assert_eq!(run.status, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains(" of 60 seeds fail, in "), "{}", run.stdout);
    let ticket = folder.path("out/01-no-timeout");
    assert!(run.stdout.contains(&format!("{ticket}/TICKET.md")), "{}", run.stdout);
    assert_eq!(names(&out), ["01-no-timeout", "README.md"]);
    assert_eq!(
        names(&ticket)[..4],
        ["TICKET.md", "capture.pcapng", "minimal.json", "replay.json"],
        "{:?}",
        names(&ticket)
    );
    let page = read(&ticket, "TICKET.md");
    for part in [
        "# upload: \"no timeout\" does not hold",
        "must never wait for the retransmission timer.",
        "observed 1",
        "of 60 seeds (",
        "95 % interval",
        "behaves as Linux",
        "## What it takes",
        "## Why it fails",
        "Root: ",
        "─✗",
        "cluster ",
    ] {
        assert!(page.contains(part), "{part}:\n{page}");
    }
    // Every command of the page does what the page says.
    let typed_out: Vec<(String, i32)> =
        commands(&page).into_iter().map(|command| (command.clone(), typed(&command, &ticket))).collect();
    for (command, status) in &typed_out {
        let expected = match command {
            // The folder is there already.
            hunt if hunt.starts_with("faultwire hunt") => 2,
            explain if explain.contains("explain") || explain.contains("replay.json") => 0,
            script if script.contains("script.pkt") => 0,
            _ => 1,
        };
        assert_eq!(*status, expected, "{command}");
    }
    assert!(typed_out.len() >= 5, "{typed_out:?}");
    let promised = promised(&page);
    assert_eq!(promised.len(), 2, "{page}");
    for (command, status) in promised {
        assert!(!command.contains("--hazards"), "{command}");
        assert_eq!(typed(&command, &ticket), status, "{command}");
    }
    // The smallest form fails like what was found, and for no other reason.
    let minimal = faultwire(&["run", &format!("{ticket}/minimal.json")]);
    assert!(minimal.stdout.contains("✗ no timeout: expected"), "{}", minimal.stdout);
    assert!(!minimal.stdout.contains("✗ all there"), "{}", minimal.stdout);
    dissected(&format!("{ticket}/capture.pcapng"));
}

/// Wireshark reads the capture without a complaint, where it is installed.
fn dissected(capture: &str) {
    let magic = fs::read(capture).unwrap();
    assert_eq!(magic[..4], [0x0A, 0x0D, 0x0D, 0x0A]);
    let tshark = Command::new("tshark").args(["-r", capture, "-q", "-z", "expert,error"]).output();
    let Ok(tshark) = tshark else { return };
    let text = String::from_utf8_lossy(&tshark.stdout).into_owned();
    assert!(tshark.status.success(), "{text}");
    assert!(!text.contains("Malformed") && !text.contains("Errors ("), "{text}");
}

#[test]
fn a_bug_that_was_put_in_on_purpose_is_marked_on_every_page() {
    let folder = Folder::new("hunt-quirk");
    let hunted = |name: &str, experiment: &str| {
        let (file, out) = (folder.file(name, experiment), folder.path(&format!("{name}.out")));
        let run = faultwire(&["hunt", &file, "--seeds", "1..20", "--out", &out, "--clusters", "1"]);
        assert_eq!(run.status, 1, "{}{}", run.stdout, run.stderr);
        out
    };
    let quirky = LOSSY.replace(
        r#""stack": "linux", "address": "10.0.0.1""#,
        r#""stack": "linux", "address": "10.0.0.1", "quirks": ["no_initial_slow_start"]"#,
    );
    // Twenty packets at once are too many for a queue of twelve.
    let burst = (quirky.replace(r#""loss": "8%""#, r#""queue": { "limit": "12p" }"#))
        .replace(r#""counter": "timeouts""#, r#""counter": "retransmissions""#)
        .replace("no timeout", "no loss");
    let out = hunted("burst.json", &burst);
    assert!(
        read(&out, "README.md").contains("no_initial_slow_start at phone"),
        "{}",
        read(&out, "README.md")
    );
    let page = read(&out, "01-no-loss/TICKET.md");
    assert!(
        page.contains("on purpose (quirks):") && page.contains("**no_initial_slow_start** at phone"),
        "{page}"
    );
    // Lost packets lead to timeouts whatever the quirk, and it is said that it has nothing to do with them.
    let out = hunted("lossy.json", &quirky);
    let page = read(&out, "01-no-timeout/TICKET.md");
    assert!(page.contains("no_initial_slow_start at phone); this failure needs none of them."), "{page}");
    assert!(!read(&out, "01-no-timeout/minimal.json").contains("quirks"));
}

#[test]
fn nothing_found_leaves_nothing() {
    let folder = Folder::new("hunt-nothing");
    let file = folder.file("upload.json", &LOSSY.replace(r#", "loss": "8%""#, ""));
    let run = faultwire(&["hunt", &file, "--seeds", "1..20", "--out", &folder.path("out")]);
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
    assert_eq!(run.stdout, "19 seeds: none fails\n");
    assert_eq!(folder.names(), ["upload.json"]);
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let folder = Folder::new("hunt-taken");
    let file = folder.file("upload.json", LOSSY);
    fs::create_dir(folder.path("out")).unwrap();
    folder.file("out/mine.txt", "mine");
    for (arguments, part) in [
        (["--seeds", "1..20", "--out", &folder.path("out")], "is not empty"),
        (["--seeds", "1..20", "--out", &file], "it is a file"),
        (["--seeds", "9..9", "--out", &folder.path("new")], "no seed"),
    ] {
        let run = faultwire(&[&["hunt", &file][..], &arguments].concat());
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
    let bad = folder.file("bad.json", &LOSSY.replace("\"loss\"", "\"lose\""));
    let run = faultwire(&["hunt", &bad, "--seeds", "1..20", "--out", &folder.path("new")]);
    assert_eq!((run.status, run.stderr.lines().count()), (2, 1), "{}", run.stderr);
    let swarm = faultwire(&["hunt", &file, "--seeds", "1..20", "--swarm", "--out", &folder.path("new")]);
    assert!(swarm.status == 2 && swarm.stderr.contains("\"swarm\""), "{}", swarm.stderr);
    assert_eq!(folder.names(), ["bad.json", "out", "upload.json"]);
    assert_eq!(names(&folder.path("out")), ["mine.txt"]);
}

#[test]
fn the_number_of_threads_changes_no_file() {
    let folder = Folder::new("hunt-jobs");
    let file = folder.file("upload.json", LOSSY);
    let hunted = |jobs: &str| {
        let out = folder.path(&format!("out{jobs}"));
        let run = faultwire(&["hunt", &file, "--seeds", "1..40", "--out", &out, "--jobs", jobs]);
        assert_eq!(run.status, 1, "{}{}", run.stdout, run.stderr);
        let tickets: Vec<String> = names(&out).into_iter().filter(|name| name != "README.md").collect();
        tickets
            .iter()
            .map(|ticket| {
                let ticket = format!("{out}/{ticket}");
                // The page names the command, which is another.
                let page = read(&ticket, "TICKET.md").split("Found by").next().unwrap().to_owned();
                (page, read(&ticket, "minimal.json"), read(&ticket, "replay.json"))
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(hunted("1"), hunted("2"));
}

#[test]
fn ways_beyond_the_bound_are_listed_with_the_command_that_repeats_them() {
    let folder = Folder::new("hunt-list");
    let file = folder.file("upload.json", &LOSSY.replace("\"value\": 0", "\"value\": { \"min\": 1 }"));
    let out = folder.path("out");
    let run = faultwire(&["hunt", &file, "--seeds", "1..30", "--out", &out, "--clusters", "0"]);
    assert_eq!(run.status, 1, "{}{}", run.stdout, run.stderr);
    assert_eq!(names(&out), ["README.md"]);
    let page = read(&out, "README.md");
    assert!(page.contains("| 1 |") && page.contains("| none |"), "{page}");
    let again: Vec<String> =
        commands(&page).into_iter().filter(|command| command.contains(" run ")).collect();
    assert!(!again.is_empty(), "{page}");
    for command in again {
        assert_eq!(typed(&command, &out), 1, "{command}");
    }
}

#[test]
fn what_a_seed_drew_stands_in_the_command_that_repeats_it() {
    let folder = Folder::new("hunt-swarm");
    let swarm = r#""swarm": { "vary": { "links.radio.loss": { "min": "5%", "max": "20%" } } }, "expect""#;
    let file = folder.file("upload.json", &LOSSY.replace("\"8%\"", "\"0%\"").replace("\"expect\"", swarm));
    let out = folder.path("out");
    let run = faultwire(&["hunt", &file, "--seeds", "1..60", "--swarm", "--out", &out, "--clusters", "1"]);
    assert_eq!(run.status, 1, "{}{}", run.stdout, run.stderr);
    let again =
        commands(&read(&out, "README.md")).into_iter().find(|command| command.contains(" run ")).unwrap();
    assert!(again.contains("--set links.radio.loss="), "{again}");
    assert_eq!(typed(&again, &out), 1, "{again}");
    assert_eq!(typed("faultwire run replay.json", &folder.path("out/01-no-timeout")), 0);
}

/// Interrupted so many milliseconds after its folder is there; how it ended and what it said.
#[expect(clippy::disallowed_methods, reason = "another process works meanwhile")]
fn interrupted(file: &str, out: &str, after: u64) -> (Option<i32>, String) {
    let mut child = support::command(&["hunt", file, "--seeds", "1..100000000", "--out", out])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The folder is claimed once the handler of interrupts is about to stand.
    while !Path::new(out).exists() {
        std::thread::yield_now();
    }
    std::thread::sleep(std::time::Duration::from_millis(after));
    // Twice, as a terminal or `timeout` may do it.
    for _ in 0..2 {
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    }
    let status = child.wait().unwrap().code();
    (status, std::io::read_to_string(child.stderr.take().unwrap()).unwrap())
}

#[cfg(unix)]
#[test]
fn an_interrupted_sweep_leaves_the_list_of_what_was_seen() {
    let folder = Folder::new("hunt-interrupt");
    let file = folder.file("upload.json", LOSSY);
    for after in [0, 500, 2_000, 8_000, 32_000] {
        let out = folder.path(&format!("out{after}"));
        let (status, told) = interrupted(&file, &out, after);
        // Interrupted before the handler stands, the signal itself ends it.
        let Some(status) = status else { continue };
        assert_eq!(status, 130, "{told}");
        let seeds =
            told.split("interrupted after ").nth(1).unwrap().split(" of 99,999,999 seeds").next().unwrap();
        if !Path::new(&out).exists() {
            assert!(told.contains("nothing has failed, and nothing is left"), "{told}");
            continue;
        }
        assert!(told.contains(&format!("0 finished tickets in {out}, whose README.md")), "{told}");
        let page = read(&out, "README.md");
        let ended = format!("The hunt ended after {} of 99999999 seeds", seeds.replace(',', ""));
        assert!(page.contains(&ended) && page.contains("no timeout"), "{page}");
        let again = commands(&page).into_iter().find(|command| command.contains(" run ")).unwrap();
        assert_eq!(typed(&again, &out), 1, "{again}");
        return;
    }
    panic!("of all these seeds some fail");
}

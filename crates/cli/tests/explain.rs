//! `faultwire explain` as its users meet it.

mod support;

use support::{Folder, TINY, faultwire};

const LESSON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/retransmission.json");
const PARTITION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/partition-heal.json");

#[test]
fn a_packet_is_explained_down_to_the_fault() {
    let run = faultwire(&["explain", LESSON, "--case", "fast retransmit", "--packet", "33"]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    for part in [
        "#33 sends again",
        "RFC 5681 §3.2",
        "takes the data segment #8",
        "Root: the fault \"fifth segment lost\"",
    ] {
        assert!(run.stdout.contains(part), "{part}:\n{}", run.stdout);
    }
    assert!(!run.stdout.contains('\x1b'), "no color outside a terminal");
    let again = faultwire(&["explain", LESSON, "--case", "fast retransmit", "--packet", "33"]);
    assert_eq!(again.stdout, run.stdout);
}

#[test]
fn where_nothing_failed_it_tells_what_the_faults_led_to() {
    let run = faultwire(&["explain", LESSON, "--case", "tail loss"]);
    assert_eq!(run.status, 0);
    for part in ["PASS", "Nothing failed. This is what faults and chance led to:", "Root: the fault"] {
        assert!(run.stdout.contains(part), "{part}:\n{}", run.stdout);
    }
    let folder = Folder::new("explain-quiet");
    let run = faultwire(&["explain", &folder.file("tiny.json", TINY)]);
    assert_eq!(run.status, 0);
    assert!(run.stdout.contains("Nothing failed. No fault acted, and chance lost"), "{}", run.stdout);
}

#[test]
fn a_failure_is_explained_with_the_moment_from_which_on_it_was_inevitable() {
    let arguments = ["explain", PARTITION, "--case", "linux", "--set", "heal.within=2s", "--when-inevitable"];
    let run = faultwire(&arguments);
    assert_eq!(run.status, 0, "{}", run.stderr);
    for part in [
        "FAIL",
        "The oracle convergence is broken",
        "of waiting for the retransmission timer (5 times)",
        "From when on it was inevitable that the oracle convergence does not hold",
        "Before 5843.476 ms it could still be avoided",
    ] {
        assert!(run.stdout.contains(part), "{part}:\n{}", run.stdout);
    }
}

#[test]
fn the_timeline_marks_the_packets_of_the_explanation() {
    let arguments = ["explain", LESSON, "--case", "tail loss", "--packet", "59", "--timeline"];
    let run = faultwire(&arguments);
    assert!(run.stdout.contains("* marks the packets that the explanation names."), "{}", run.stdout);
    let marked = run.stdout.lines().filter(|line| line.starts_with('*') && !line.starts_with("* "));
    let numbers: Vec<&str> = marked.map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(numbers, ["*43", "*59"]);
    let failed = ["run", PARTITION, "--case", "linux", "--set", "heal.within=2s", "--timeline"];
    let run = faultwire(&failed);
    assert_eq!(run.status, 1);
    assert!(run.stdout.contains("* marks the packets behind what failed"), "{}", run.stdout);
    let passed = faultwire(&["run", LESSON, "--case", "tail loss", "--timeline"]);
    assert!(!passed.stdout.contains("* marks"), "{}", passed.stdout);
}

#[test]
fn a_question_about_nothing_is_one_message() {
    for (arguments, message) in [
        (&["--case", "tail loss", "--packet", "63"][..], "there is no packet #63: this run has #1 to #62"),
        (&["--case", "tail loss", "--packet", "0"], "this run has #1 to #62"),
        (&["--packet", "3"], "say which case with --case: \"fast retransmit\""),
        (&["--expectation", "no timout"], "did you mean \"no timeout\"?"),
        (&["--stall", "sinc"], "did you mean \"sink\"?"),
        (&["--last-byte", "server/frst"], "did you mean \"server/first\"?"),
    ] {
        let all: Vec<&str> = ["explain", LESSON].iter().chain(arguments).copied().collect();
        let run = faultwire(&all);
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{arguments:?}");
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
        assert!(run.stderr.contains(message), "{}", run.stderr);
    }
    for arguments in [
        &["--packet", "3", "--stall", "sink"][..],
        &["--packet", "x"],
        &["--packet", "3", "--when-inevitable"],
    ] {
        let all: Vec<&str> =
            ["explain", LESSON, "--case", "tail loss"].iter().chain(arguments).copied().collect();
        assert_eq!(faultwire(&all).status, 2, "{arguments:?}");
    }
}

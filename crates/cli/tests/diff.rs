//! `faultwire diff` as its users meet it: what is compared, what is told, exit statuses.

mod support;

use support::{Folder, TINY, faultwire};

#[test]
fn the_same_run_is_status_zero() {
    let folder = Folder::new("diff-same");
    let (one, other) = (folder.file("tiny.json", TINY), folder.file("again.json", TINY));
    for arguments in [&["diff", &one, &other][..], &["diff", &one, "--seed", "7", "--seed", "7"]] {
        let run = faultwire(arguments);
        assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
        assert!(run.stdout.contains("The runs are the same:"), "{}", run.stdout);
        assert!(!run.stdout.contains("Outcomes"), "{}", run.stdout);
    }
}

#[test]
fn a_change_of_the_other_run_is_told_in_one_sentence_with_both_ladders_and_outcomes() {
    let folder = Folder::new("diff-set");
    let file = folder.file("tiny.json", TINY);
    let run = faultwire(&["diff", &file, "--against-set", "links.wire.delay=7ms"]);
    assert_eq!(run.status, 1, "{}{}", run.stdout, run.stderr);
    for part in [
        "--set links.wire.delay=7ms",
        "First difference: client's [SYN] seq 0 (client/first, #1) arrives at server at",
        "2ms later.",
        "Until then",
        "~",
        "Outcomes",
        "the same in both:",
    ] {
        assert!(run.stdout.contains(part), "{part}:\n{}", run.stdout);
    }
    assert!(!run.stdout.contains('\x1b'), "no color outside a terminal");
    // The commands that are printed are those of the two runs.
    let commands: Vec<&str> = run.stdout.lines().filter_map(|line| line.split("faultwire ").nth(1)).collect();
    for command in &commands[..2] {
        assert_eq!(faultwire(&command.split(' ').collect::<Vec<_>>()).status, 0, "{command}");
    }
}

#[test]
fn seeds_without_chance_differ_only_in_drawn_numbers_and_are_told_so() {
    let folder = Folder::new("diff-seeds");
    let file = folder.file("tiny.json", TINY);
    let run = faultwire(&["diff", &file, "--seed", "1", "--seed", "2"]);
    assert_eq!(run.status, 1, "{}", run.stdout);
    assert!(run.stdout.contains("Only numbers that are drawn from the seed differ."), "{}", run.stdout);
    let words = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("the initial sequence number of client in client/first is"), "{words}");
}

#[test]
fn cases_meet_by_name_or_by_choice() {
    let folder = Folder::new("diff-cases");
    let cases = r#""cases": [ { "name": "linux" }, { "name": "rfc", "set": { "hosts.client.stack": "rfc" } } ],
  "expect""#;
    let both = folder.file("both.json", &TINY.replace("\"expect\"", cases));
    let run = faultwire(&["diff", &both, "--against-set", "links.wire.delay=6ms"]);
    assert_eq!(run.status, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("case linux") && run.stdout.contains("case rfc"), "{}", run.stdout);
    let chosen = faultwire(&["diff", &both, "--case", "linux", "--against-case", "rfc"]);
    assert_eq!(chosen.status, 1, "{}", chosen.stdout);
    assert!(chosen.stdout.contains("[SYN] seq 0") && chosen.stdout.contains("window"), "{}", chosen.stdout);
    let tiny = folder.file("tiny.json", TINY);
    let unlike = faultwire(&["diff", &both, &tiny]);
    assert_eq!((unlike.status, unlike.stdout.as_str()), (2, ""));
    assert!(unlike.stderr.contains("--case NAME"), "{}", unlike.stderr);
}

#[test]
fn nothing_to_compare_and_bad_input_are_status_two() {
    let folder = Folder::new("diff-bad");
    let file = folder.file("tiny.json", TINY);
    let missing = folder.path("missing.json");
    for (arguments, part) in [
        (&["diff", &file][..], "nothing to compare"),
        (&["diff", &file, "--seed", "1"], "nothing to compare"),
        (&["diff", &file, &missing], "missing.json"),
        (&["diff", &file, "--against-set", "links.wire.dely=1ms"], "delay"),
        (&["diff", &file, "--seed", "1", "--seed", "2", "--seed", "3"], "3 times"),
    ] {
        let run = faultwire(arguments);
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{arguments:?}");
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
}

/// Two recordings of one experiment with two seeds: what chance did in each stands beside what it did in the other.
#[test]
fn two_replay_files_are_compared_as_the_runs_that_they_are() {
    let folder = Folder::new("diff-replays");
    let lossy = folder
        .file("lossy.json", &TINY.replace("\"delay\": \"5ms\"", "\"delay\": \"5ms\", \"loss\": \"30%\""));
    let record = |seed: &str, name: &str| {
        let path = folder.path(name);
        let run = faultwire(&["run", &lossy, "--seed", seed, "--record", &path, "--quiet"]);
        assert!(run.status <= 1, "{}", run.stderr);
        path
    };
    let (one, other) = (record("1", "one.json"), record("2", "other.json"));
    let alike = faultwire(&["diff", &one, &one]);
    assert_eq!(alike.status, 0, "{}{}", alike.stdout, alike.stderr);
    let run = faultwire(&["diff", &one, &other]);
    assert_eq!(run.status, 1, "{}{}", run.stdout, run.stderr);
    // The runs that are compared are those of the seeds: the first difference is the same.
    let seeds = faultwire(&["diff", &lossy, "--seed", "1", "--seed", "2"]);
    let first = |text: &str| {
        let lines = text.lines().skip_while(|line| !line.starts_with("First difference"));
        lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
    };
    assert!(first(&run.stdout).contains("First difference"), "{}", run.stdout);
    assert_eq!(first(&run.stdout), first(&seeds.stdout).replace("seed 1", "one").replace("seed 2", "other"));
}

//! The command as its users meet it: exit statuses, what is printed where, which files appear.

mod support;

use std::fs;
use std::process::Stdio;

use support::{Folder, TINY, faultwire};

#[test]
fn help_teaches_how_to_begin() {
    let run = faultwire(&["--help"]);
    assert_eq!(run.status, 0);
    for part in ["Start here", "faultwire example", "--timeline", "Exit status"] {
        assert!(run.stdout.contains(part), "{part}:\n{}", run.stdout);
    }
    let help = faultwire(&["run", "--help"]);
    assert!(help.stdout.contains("--pcap-at"), "{}", help.stdout);
    assert_eq!(faultwire(&["run"]).status, 2);
}

#[test]
fn a_run_tells_how_each_end_fared_and_how_to_repeat_it() {
    let folder = Folder::new("tells");
    let file = folder.file("tiny.json", TINY);
    let run = faultwire(&["run", &file, "--set", "links.wire.delay=20ms"]);
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
    for part in ["PASS", "SYN_RECEIVED", "CLOSE_WAIT", "all oracles held", "1 case: 1 passed", "--seed 1"] {
        assert!(run.stdout.contains(part), "{part}:\n{}", run.stdout);
    }
    assert_eq!(run.stderr, "");
    assert!(!run.stdout.contains('\x1b'), "no color outside a terminal");
    let again = run.stdout.lines().find_map(|line| line.trim().strip_prefix("again: faultwire ")).unwrap();
    let words: Vec<&str> = again.split(' ').collect();
    assert_eq!(faultwire(&words).stdout, run.stdout, "the command that is printed repeats the run");
}

#[test]
fn a_failed_expectation_is_status_one() {
    let folder = Folder::new("fails");
    let file = folder.file("tiny.json", &TINY.replace(r#""delivered": "3KiB""#, r#""delivered": "4KiB""#));
    let run = faultwire(&["run", &file]);
    assert_eq!(run.status, 1, "{}", run.stdout);
    assert!(run.stdout.contains("FAIL") && run.stdout.contains("✗ all read: expected"), "{}", run.stdout);
    let quiet = faultwire(&["run", &file, "--quiet"]);
    assert_eq!((quiet.status, quiet.stdout.as_str()), (1, ""));
    assert!(quiet.stderr.contains("all read"), "{}", quiet.stderr);
}

#[test]
fn bad_input_is_one_message_and_nothing_written() {
    let folder = Folder::new("bad");
    let file = folder.file("bad.json", &TINY.replace("\"delay\"", "\"dely\""));
    let (report, trace, captures) = (folder.path("r.json"), folder.path("t.jsonl"), folder.path("captures"));
    let run = faultwire(&["run", &file, "--report", &report, "--trace", &trace, "--pcap-dir", &captures]);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("bad.json:") && run.stderr.contains("delay"), "{}", run.stderr);
    assert_eq!(folder.names(), ["bad.json"]);
    let missing = faultwire(&["run", &folder.path("none.json")]);
    assert_eq!(missing.status, 2);
    assert!(missing.stderr.contains("none.json"), "{}", missing.stderr);
}

#[test]
fn outputs_that_cannot_be_written_are_found_before_the_run() {
    let folder = Folder::new("unwritable");
    let file = folder.file("tiny.json", TINY);
    let nowhere = folder.path("nowhere/report.json");
    for arguments in [
        &["run", &file, "--report", &nowhere][..],
        &["run", &file, "--report", &folder.path("")],
        &["run", &file, "--report", &file],
        &["run", &file, "--report", &folder.path("x"), "--trace", &folder.path("x")],
        &["run", &file, "--report", "-", "--trace", "-"],
        &["run", &file, "--pcap", &folder.path("x"), "--pcap-at", "nobody"],
    ] {
        let run = faultwire(arguments);
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{arguments:?}: {}", run.stderr);
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), TINY);
    assert_eq!(folder.names(), ["tiny.json"]);
}

#[test]
fn a_report_on_standard_output_stands_alone() {
    let folder = Folder::new("report");
    let file = folder.file("tiny.json", TINY);
    let run = faultwire(&["run", &file, "--report", "-", "--timeline"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["outcome"], "passed");
    assert_eq!(report["cases"][0]["expectations"][0]["passed"], true);
    assert!(run.stderr.contains("[SYN] seq 0"), "the timeline goes beside it: {}", run.stderr);
    let path = folder.path("report.json");
    faultwire(&["run", &file, "--report", &path, "--timeline", "--pcap", &folder.path("x.pcapng")]);
    let beside: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(beside, report, "watching does not disturb");
}

#[test]
fn the_timeline_shows_packets_and_states() {
    let folder = Folder::new("timeline");
    let file = folder.file("tiny.json", TINY);
    let run = faultwire(&["run", &file, "--timeline"]);
    for part in ["[SYN] seq 0", "[SYN,ACK] seq 0 ack 1", "len 1448", "TIME_WAIT", "client 10.0.0.1:40000"] {
        assert!(run.stdout.contains(part), "{part}:\n{}", run.stdout);
    }
}

#[test]
fn a_trace_is_json_lines_and_stats_are_beside_the_report() {
    let folder = Folder::new("trace");
    let file = folder.file("tiny.json", TINY);
    let (trace, stats) = (folder.path("t.jsonl"), folder.path("s.json"));
    let run = faultwire(&["run", &file, "--trace", &trace, "--stats", &stats, "--quiet"]);
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""));
    let text = fs::read_to_string(trace).unwrap();
    let events: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.iter().any(|event| event["event"] == "sent" && event["flags"] == "SYN"));
    assert!(events.iter().any(|event| event["event"] == "state" && event["to"] == "TIME_WAIT"));
    let stats: serde_json::Value = serde_json::from_str(&fs::read_to_string(stats).unwrap()).unwrap();
    assert!(stats["events"].as_u64().unwrap() > 10, "{stats}");
    assert!(stats["wall_time_ns"].as_u64().unwrap() > 0, "{stats}");
}

#[test]
fn a_series_has_the_windows_of_named_connections() {
    let folder = Folder::new("series");
    let patient = TINY.replace(r#"{ "write": "3KiB" }"#, r#"{ "write": "3KiB" }, { "wait": "drained" }"#);
    let file = folder.file("tiny.json", &patient);
    let run = faultwire(&["run", &file, "--series", "-"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let mut lines = run.stdout.lines();
    let heading: Vec<&str> = lines.next().unwrap().split(',').collect();
    assert_eq!(heading[..5], ["case", "at_ns", "connection", "state", "cwnd"]);
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    assert!(rows.iter().all(|row| row.len() == heading.len()), "{}", run.stdout);
    let of_client = |row: &&Vec<&str>| row[2] == "client/first" && row[3] == "ESTABLISHED";
    assert!(rows.iter().any(|row| of_client(&row) && row[4].parse::<u64>().unwrap() > 0), "{}", run.stdout);
    let plain = faultwire(&["run", &file, "--report", "-"]).stdout;
    let path = folder.path("report.json");
    faultwire(&["run", &file, "--series", "-", "--report", &path]);
    assert_eq!(fs::read_to_string(path).unwrap(), plain, "watching does not disturb");
}

#[test]
fn check_reads_and_runs_nothing() {
    let folder = Folder::new("check");
    let good = folder.file("good.json", TINY);
    let bad = folder.file("bad.json", "{");
    let run = faultwire(&["check", &good]);
    assert_eq!(run.status, 0);
    assert!(run.stdout.contains("good.json: good, 1 case"), "{}", run.stdout);
    let run = faultwire(&["check", &bad, &good]);
    assert_eq!(run.status, 2);
    assert!(run.stdout.contains("good.json: good"), "the others are checked as well: {}", run.stdout);
    assert!(run.stderr.contains("bad.json:1:"), "{}", run.stderr);
}

#[test]
fn every_example_that_is_listed_is_good() {
    let folder = Folder::new("example");
    let list = faultwire(&["example"]);
    assert_eq!(list.status, 0);
    let names: Vec<&str> = list
        .stdout
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(names.contains(&"time-wait-delayed-segment"), "{names:?}");
    for name in names {
        let printed = faultwire(&["example", name]);
        assert_eq!(printed.status, 0);
        let file = folder.file(&format!("{name}.json"), &printed.stdout);
        let check = faultwire(&["check", &file]);
        assert_eq!(check.status, 0, "{name}: {}", check.stderr);
    }
    let unknown = faultwire(&["example", "no-such-thing"]);
    assert_eq!(unknown.status, 2);
    assert!(
        unknown.stderr.contains("time-wait-delayed-segment"),
        "it says what there is: {}",
        unknown.stderr
    );
}

#[test]
fn schema_and_completions_are_printed() {
    let schema: serde_json::Value = serde_json::from_str(&faultwire(&["schema"]).stdout).unwrap();
    assert!(schema["$defs"]["step"].is_object(), "the grammar of steps is in it");
    assert!(faultwire(&["completions", "bash"]).stdout.contains("faultwire"));
}

#[test]
fn verify_says_that_runs_repeat() {
    let folder = Folder::new("verify");
    let file = folder.file("tiny.json", TINY);
    let run = faultwire(&["verify", &file, "--seeds", "1..=2"]);
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
    assert_eq!(run.stdout.lines().count(), 2, "{}", run.stdout);
    assert!(run.stdout.starts_with("seed 1  same"), "{}", run.stdout);
    assert!(run.stderr.contains("2 seeds: every run repeats"), "{}", run.stderr);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = Folder::new("pipe");
    let file = folder.file("tiny.json", TINY);
    let mut child = support::command(&["run", &file, "--timeline"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
#[cfg(unix)]
fn an_interrupt_keeps_what_is_finished() {
    use std::io::{BufRead, BufReader};

    let folder = Folder::new("interrupt");
    let endless = TINY
        .replace(r#""write": "3KiB""#, r#""write": "8TiB""#)
        .replace(r#""delivered": "3KiB""#, r#""delivered": { "min": "1KiB" }"#)
        .replace(r#""rate": "10Mbit", "#, r#""rate": "100Gbit", "#)
        .replace(r#""at": "10min""#, r#""at": "300h", "events": 1000000000000"#)
        .replace(
            r#""expect""#,
            r#""cases": [ { "name": "short", "set": { "stop.at": "1s" } }, { "name": "endless" } ], "expect""#,
        );
    let file = folder.file("endless.json", &endless);
    let report = folder.path("report.json");
    let mut child =
        support::command(&["run", &file, "--report", &report]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let again = lines.find(|line| line.as_ref().unwrap().contains("again:")).unwrap().unwrap();
    assert!(again.contains("--case short"), "{again}");
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert!(lines.any(|line| line.unwrap().contains("1 not run")));
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let report: serde_json::Value = serde_json::from_str(&fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!(report["cases"].as_array().unwrap().len(), 1);
    assert_eq!(report["cases"][0]["name"], "short");
    assert_eq!(folder.names(), ["endless.json", "report.json"]);
}

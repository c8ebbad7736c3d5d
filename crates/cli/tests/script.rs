//! `faultwire script` and `run --export-script` as their users meet them.

mod support;

use std::fs;
use std::io::Write;
use std::process::Stdio;

use support::{Folder, TINY, command, faultwire};

/// The scripts of the interpreter's own suite.
const OWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../script/tests/scripts");

/// A lost SYN, seen by the end that connects.
const GOOD: &str = "\
// A lost SYN is sent again after a second (RFC 6298 §2.1).
// profile: rfc
 0.000 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0.000 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0.000 connect(3, ..., ...) = -1 EINPROGRESS (handshake started)
+0.000 > S  0:0(0) <...>
+1.000 > S  0:0(0) <...>
+0.080 < S. 0:0(0) ack 1 win 20000 <mss 1000>
+0.000 >  . 1:1(0) ack 1
";

fn bad() -> String {
    GOOD.replace("+0.000 >  . 1:1(0) ack 1", "+0.000 >  . 1:1(0) ack 2")
}

fn unknown() -> String {
    GOOD.replace("+0.080 <", "+0.010 `launch_rockets`\n+0.070 <")
}

fn broken() -> String {
    GOOD.replace("+0.080 < S. 0:0(0)", "+0.080 < S. 0:0[0]")
}

#[test]
fn every_script_has_a_line_in_the_order_of_paths() {
    let folder = Folder::new("script-lines");
    folder.file("b.pkt", &bad());
    folder.file("c.pkt", &unknown());
    folder.file("a.pkt", GOOD);
    folder.file("no.txt", "no script");
    let path = folder.path("");
    let run = faultwire(&["script", &path]);
    assert_eq!(run.status, 1, "{}{}", run.stdout, run.stderr);
    let heads: Vec<&str> = run.stdout.lines().filter(|line| !line.starts_with(' ')).collect();
    let line = |word: &str, name: &str| format!("{word} {path}{name}");
    assert_eq!(heads[..3], [line("PASS", "a.pkt"), line("FAIL", "b.pkt"), line("SKIP", "c.pkt")]);
    assert!(heads[3].starts_with("1 passed, 1 failed, 1 skipped, 0 unreadable in "), "{}", heads[3]);
    assert!(heads[3].ends_with(" virtual"), "{}", heads[3]);
    assert!(run.stdout.contains("    line 9: +0.000 >  . 1:1(0) ack 2\n"), "{}", run.stdout);
    assert!(run.stdout.contains("launch_rockets"), "{}", run.stdout);
    assert_eq!(run.stderr, "", "no progress outside a terminal");
    let strict = faultwire(&["script", &folder.path("c.pkt"), "--fail-on-skip"]);
    assert_eq!((faultwire(&["script", &folder.path("c.pkt")]).status, strict.status), (0, 1));
}

#[test]
fn verbose_draws_the_packets() {
    let folder = Folder::new("script-verbose");
    let file = folder.file("bad.pkt", &bad());
    let (plain, verbose) = (faultwire(&["script", &file]), faultwire(&["script", &file, "--verbose"]));
    assert!(verbose.stdout.lines().count() > plain.stdout.lines().count() + 4, "{}", verbose.stdout);
}

#[test]
fn what_cannot_be_read_does_not_stop_the_others() {
    let folder = Folder::new("script-unreadable");
    let (good, bad) = (folder.file("good.pkt", GOOD), folder.file("bad.pkt", &broken()));
    let latin = folder.path("latin.pkt");
    fs::write(&latin, b"// caf\xe9\n").unwrap();
    fs::create_dir(folder.path("empty")).unwrap();
    let (missing, empty) = (folder.path("missing.pkt"), folder.path("empty"));
    let run = faultwire(&["script", &bad, &latin, &missing, &empty, &good]);
    assert_eq!(run.status, 2, "{}", run.stdout);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 6, "{}", run.stdout);
    assert!(
        lines[0].starts_with(&format!("ERROR {bad}:8:")) && lines[0].contains("expected"),
        "{}",
        lines[0]
    );
    assert!(
        lines[1].starts_with(&format!("ERROR {latin}:1:7: ")) && lines[1].contains("UTF-8"),
        "{}",
        lines[1]
    );
    assert!(lines[2].starts_with(&format!("ERROR {missing}: there is no such file")), "{}", lines[2]);
    assert!(lines[3].starts_with(&format!("ERROR {empty}: no script")), "{}", lines[3]);
    assert_eq!(lines[4], format!("PASS {good}"));
    assert!(lines[5].starts_with("1 passed, 0 failed, 0 skipped, 4 unreadable"), "{}", lines[5]);
}

#[test]
fn json_is_a_line_for_each_script() {
    let folder = Folder::new("script-json");
    folder.file("a.pkt", GOOD);
    folder.file("b.pkt", &bad());
    folder.file("c.pkt", &broken());
    let run = faultwire(&["script", &folder.path(""), "--format", "json"]);
    assert_eq!(run.status, 2);
    let lines: Vec<serde_json::Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    let results: Vec<_> = lines.iter().map(|line| line["result"].as_str().unwrap()).collect();
    assert_eq!(results, ["pass", "fail", "error"]);
    assert_eq!(lines[0]["profile"], "rfc");
    assert_eq!(lines[0]["virtual_ns"], 1_080_000_000_u64);
    assert_eq!(
        (&lines[0]["line"], &lines[0]["message"]),
        (&serde_json::Value::Null, &serde_json::Value::Null)
    );
    assert_eq!((&lines[1]["line"], &lines[2]["line"]), (&9.into(), &8.into()));
}

#[test]
fn a_script_comes_from_standard_input() {
    let mut child =
        command(&["script", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    child.stdin.take().unwrap().write_all(GOOD.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("PASS -\n"));
}

/// What was finished is told when the user interrupts the rest: here a script that never comes.
#[test]
#[cfg(unix)]
fn an_interrupt_tells_of_what_is_finished() {
    use std::io::{BufRead, BufReader};

    let folder = Folder::new("script-interrupt");
    let (good, later) = (folder.file("good.pkt", GOOD), folder.file("later.pkt", GOOD));
    for jobs in ["1", "2"] {
        let mut child = command(&["script", &good, "-", &later, "--jobs", jobs])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let stdin = child.stdin.take();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert_eq!(lines.next(), Some(format!("PASS {good}")));
        let killed =
            std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let rest: Vec<String> = lines.collect();
        let summary = rest.last().expect("a summary");
        assert!(summary.contains(" not played in "), "{rest:?}");
        // With two jobs the last may have been played meanwhile; it is told of then.
        assert_eq!(rest.contains(&format!("PASS {later}")), summary.starts_with("2 passed"), "{rest:?}");
        assert_eq!(child.wait().unwrap().code(), Some(130));
        drop(stdin);
    }
}

#[test]
fn the_stack_can_be_chosen() {
    let folder = Folder::new("script-profile");
    let file = folder.file("x.pkt", GOOD);
    for profile in ["linux", "freebsd", "rfc"] {
        let run = faultwire(&["script", &file, "--profile", profile, "--format", "json"]);
        let line: serde_json::Value = serde_json::from_str(&run.stdout).expect("an object");
        assert_eq!(line["profile"], profile);
    }
    assert_eq!(faultwire(&["script", &file, "--profile", "plan9"]).status, 2);
    assert_eq!(faultwire(&["script", &file, "-D", "1=2"]).status, 2);
    assert_eq!(faultwire(&["script"]).status, 2);
}

#[test]
fn words_are_defined_on_the_command_line() {
    let folder = Folder::new("script-define");
    let file = folder.file("x.pkt", &GOOD.replace("<mss 1000>", "<mss OFFERED>"));
    assert_eq!(faultwire(&["script", &file]).status, 2);
    assert_eq!(faultwire(&["script", &file, "-D", "OFFERED=1000"]).status, 0);
}

/// The output is the same to the octet for any number of jobs, and again.
#[test]
fn output_does_not_depend_on_the_number_of_jobs() {
    for options in [&["--strict", "--verbose"][..], &["--exact", "--format", "json"]] {
        let run = |jobs: &str| {
            let run = faultwire(&[&["script", OWN, "--jobs", jobs], options].concat());
            (run.status, run.stdout, run.stderr)
        };
        let one = run("1");
        assert!(one.1.lines().count() >= 3, "{}", one.1);
        for jobs in ["2", "8", "1"] {
            let other = run(jobs);
            assert!(other == one, "{jobs} jobs differ from one");
        }
    }
}

#[test]
fn exported_scripts_pass() {
    let folder = Folder::new("script-export");
    let file = folder.file("tiny.json", TINY);
    let scripts = folder.path("scripts");
    let run = faultwire(&["run", &file, "--export-script", &scripts]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    let mut names: Vec<String> = (fs::read_dir(&scripts).unwrap())
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["tiny-client-first.pkt", "tiny-server-first.pkt"]);
    assert!(run.stdout.contains("tiny-client-first.pkt"), "{}", run.stdout);
    let play = faultwire(&["script", &scripts, "--strict", "--exact"]);
    assert_eq!(play.status, 0, "{}", play.stdout);
    let text = fs::read_to_string(folder.path("scripts/tiny-client-first.pkt")).unwrap();
    for part in [
        "--local_ip=10.0.0.1",
        "--remote_ip=10.0.0.2",
        "// profile: linux",
        "connect(3",
        "write(3",
        "close(3",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_found_before_the_run() {
    let folder = Folder::new("script-nowhere");
    let file = folder.file("tiny.json", TINY);
    for nowhere in [folder.path("tiny.json/scripts"), file.clone()] {
        let run = faultwire(&["run", &file, "--export-script", &nowhere]);
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{}", run.stderr);
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), TINY);
}

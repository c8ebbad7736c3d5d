//! `faultwire sweep` as its users meet it: the same lines for any number of threads and after any interruption.

mod support;

use std::fs;
use std::io::Read as _;
use std::process::Stdio;

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use serde_json::Value;
use support::{Folder, TINY, command, faultwire};

/// A transfer that one seed in a few doesn't end in time.
fn lossy(folder: &Folder) -> String {
    let text = TINY.replace("\"delay\": \"5ms\"", "\"delay\": \"5ms\", \"loss\": \"4%\"");
    let expect = r#""expect": [ { "name": "in time", "app": "browser", "finishes": { "max": "200ms" } },"#;
    folder.file("lossy.json", &text.replace("\"expect\": [", expect))
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_seed_is_a_line_in_the_order_of_seeds() {
    let folder = Folder::new("sweep-lines");
    let file = lossy(&folder);
    let run = faultwire(&["sweep", &file, "--seeds", "5..205", "--metric", "retransmissions"]);
    assert_eq!(run.status, 1, "{}", run.stderr);
    let lines = lines(&run.stdout);
    let seeds: Vec<u64> = lines.iter().map(|line| line["seed"].as_u64().unwrap()).collect();
    assert_eq!(seeds, (5..205).collect::<Vec<_>>());
    assert!(lines.iter().all(|line| line["metrics"]["retransmissions"].is_u64()));
    let failed: Vec<&Value> = lines.iter().filter(|line| line["outcome"] == "failed").collect();
    assert!(failed.len() > 3 && failed.len() < 150, "{} failed", failed.len());
    for line in &lines {
        let failed = line["outcome"] == "failed";
        assert_eq!(
            (line["failed"].as_array().unwrap().is_empty(), line["cluster"].is_null()),
            (!failed, !failed)
        );
    }
    let seed = failed[0]["seed"].to_string();
    let report = faultwire(&["run", &file, "--seed", &seed, "--report", "-"]);
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    assert_eq!(
        (&report["cases"][0]["fingerprint"], &report["outcome"]),
        (&failed[0]["fingerprint"], &failed[0]["outcome"])
    );
    let told = faultwire(&["run", &file, "--seed", &seed]).stdout;
    assert!(told.contains(&format!("fingerprint {}", failed[0]["fingerprint"].as_str().unwrap())), "{told}");
}

#[test]
fn the_summary_counts_failures_by_cause_and_tells_how_to_repeat_the_smallest() {
    let folder = Folder::new("sweep-summary");
    let file = lossy(&folder);
    let run = faultwire(&["sweep", &file, "--seeds", "0..=199", "--metric", "virtual_time_ns"]);
    for part in [
        "tiny: 200 seeds (0..=199): ",
        "95 % interval",
        "virtual_time_ns in",
        "expectation \"in time\" failed",
    ] {
        assert!(run.stderr.contains(part), "{part}:\n{}", run.stderr);
    }
    let lines = lines(&run.stdout);
    let smallest =
        lines.iter().filter(|line| line["outcome"] == "failed").min_by_key(|line| line["events"].as_u64());
    let smallest = smallest.unwrap();
    let again: Vec<&str> =
        run.stderr.lines().filter_map(|line| line.trim().strip_prefix("faultwire ")).collect();
    let ours = again.iter().find(|again| again.ends_with(&format!("--seed {}", smallest["seed"])));
    let words: Vec<&str> = ours.unwrap_or_else(|| panic!("{}", run.stderr)).split(' ').collect();
    let repeated = faultwire(&words);
    assert_eq!(repeated.status, 1);
    assert!(repeated.stdout.contains("in time"), "{}", repeated.stdout);
}

#[test]
fn lines_do_not_depend_on_the_number_of_threads() {
    let folder = Folder::new("sweep-jobs");
    let file = lossy(&folder);
    let swept = |jobs: &str, more: &[&str]| {
        let mut arguments =
            vec!["sweep", &file, "--seeds", "0..300", "--jobs", jobs, "--metric", "packets.dropped"];
        arguments.extend(more);
        let run = faultwire(&arguments);
        (run.status, run.stdout, run.stderr)
    };
    for more in [
        &[][..],
        &["--until-failure"],
        &["--param", "links.wire.loss=0%,1%,10%", "--param", "hosts.client.stack=linux,rfc"],
    ] {
        let one = swept("1", more);
        assert_eq!(swept("2", more), one);
        assert_eq!(swept("8", more), one);
    }
    let (status, stdout, _) = swept("2", &["--until-failure"]);
    assert_eq!(status, 1);
    let lines = lines(&stdout);
    let (last, before) = lines.split_last().unwrap();
    assert_eq!(last["outcome"], "failed");
    assert!(before.iter().all(|line| line["outcome"] == "passed"));
}

#[test]
fn a_grid_pairs_its_cells_by_seed() {
    let folder = Folder::new("sweep-grid");
    let file = lossy(&folder);
    let out = folder.path("grid.jsonl");
    let run = faultwire(&[
        "sweep",
        &file,
        "--seeds",
        "1..=50",
        "--out",
        &out,
        "--param",
        "links.wire.delay=5ms,50ms",
        "--metric",
        "connections.client/first.completion_ns",
    ]);
    let lines = lines(&fs::read_to_string(&out).unwrap());
    assert_eq!(lines.len(), 100);
    for (index, line) in lines.iter().enumerate() {
        assert_eq!(line["seed"], index as u64 / 2 + 1);
        assert_eq!(line["param"]["links.wire.delay"], ["5ms", "50ms"][index % 2]);
    }
    for part in ["2 cells", "paired by seed", "links.wire.delay=50ms"] {
        assert!(run.stdout.contains(part), "{part}:\n{}", run.stdout);
    }
    assert_eq!(run.stderr, "", "with --out the summary is what was asked for");
}

#[test]
fn rates_are_of_seeds_case_by_case_and_a_hunt_counts_the_same() {
    let folder = Folder::new("sweep-cases");
    let text = fs::read_to_string(lossy(&folder)).unwrap();
    let cases = r#""cases": [
        { "name": "one" },
        { "name": "control", "set": { "links.wire.loss": "100%", "stop.at": "1s" },
          "must_fail": [ "in time", "all read" ] } ], "expect""#;
    let text = text.replace("\"name\": \"web\"", "\"name\": \"web\", \"may_be_unfinished\": true");
    let text = text.replace("\"name\": \"browser\"", "\"name\": \"browser\", \"may_be_unfinished\": true");
    let file = folder.file("cases.json", &text.replace("\"expect\"", cases));
    let swept = faultwire(&["sweep", &file, "--seeds", "0..100"]);
    let failing = lines(&swept.stdout).iter().filter(|line| line["outcome"] == "failed").count();
    assert!(failing > 3 && failing < 97, "{}", swept.stderr);
    let summary: Vec<&str> = swept.stderr.lines().collect();
    assert_eq!(
        summary[0],
        format!(
            "tiny: 100 seeds (0..=99), 2 cases: {} passed everywhere, {failing} failed somewhere",
            100 - failing
        )
    );
    assert_eq!(
        summary[2..4],
        ["  seeds that passed, for each case", "  passed  seeds      rate      95 % interval"]
    );
    for (row, passed, case) in [(4, 100 - failing, "case \"one\""), (5, 100, "case \"control\" (must fail)")]
    {
        let words: Vec<&str> = summary[row].split_whitespace().collect();
        assert_eq!(words[..2], [passed.to_string().as_str(), "100"], "{}", swept.stderr);
        assert!(summary[row].ends_with(&format!("  {case}")), "{}", swept.stderr);
    }
    let hunted =
        faultwire(&["hunt", &file, "--seeds", "0..100", "--clusters", "0", "--out", &folder.path("out")]);
    assert!(hunted.stdout.starts_with(&format!("{failing} of 100 seeds fail, in ")), "{}", hunted.stdout);
    let index = fs::read_to_string(folder.path("out/README.md")).unwrap();
    let clusters = summary.iter().filter(|line| line.ends_with(", in case \"one\""));
    let clusters: Vec<&str> =
        clusters.map(|line| line.split_once(' ').unwrap().1.split(' ').next().unwrap()).collect();
    assert!(!clusters.is_empty(), "{}", swept.stderr);
    for (number, seeds) in (1..).zip(&clusters) {
        assert!(index.contains(&format!("\n| {number} | {seeds} (")), "{seeds}: {index}");
    }
}

#[test]
fn two_cells_that_end_alike_for_every_seed_may_still_differ() {
    let folder = Folder::new("sweep-alike");
    let file = folder.file("tiny.json", TINY);
    let run = faultwire(&["sweep", &file, "--seeds", "0..100", "--param", "links.wire.delay=5ms,6ms"]);
    let paired =
        run.stderr.lines().find(|line| line.contains("+0.00")).unwrap_or_else(|| panic!("{}", run.stderr));
    // 3.84 / (100 + 3.84): Tango's interval where no pair differs.
    assert_eq!(paired, "    100       0     0       +0.00  -3.70 to +3.70  links.wire.delay=6ms");
}

#[test]
fn an_interrupted_sweep_goes_on_where_it_stopped() {
    let folder = Folder::new("sweep-resume");
    let file = lossy(&folder);
    let (whole, cut) = (folder.path("whole.jsonl"), folder.path("cut.jsonl"));
    let arguments = |out: &str, more: &[&str]| {
        let mut words = vec!["sweep", &file, "--seeds", "0..120", "--out"]
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>();
        words.push(out.to_owned());
        words.extend(["--param", "links.wire.rate=10Mbit,1Mbit", "--metric", "timeouts"].map(str::to_owned));
        words.extend(more.iter().map(|word| (*word).to_owned()));
        words
    };
    let run = |out: &str, more: &[&str]| {
        let words = arguments(out, more);
        faultwire(&words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let uninterrupted = run(&whole, &[]);
    let text = fs::read(&whole).unwrap();
    let line_end = |count: usize| {
        text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(count - 1).unwrap().0 + 1
    };
    // At the end of a seed, between the cells of one, in the middle of a line, in the first one, nowhere, at the end.
    for octets in [line_end(40), line_end(41), line_end(100) + 30, 10, 0, text.len() - 1, text.len()] {
        fs::write(&cut, &text[..octets]).unwrap();
        let resumed = run(&cut, &["--resume", "--jobs", "2"]);
        assert_eq!(fs::read(&cut).unwrap(), text, "cut at {octets}");
        assert_eq!(
            (resumed.status, &resumed.stdout),
            (uninterrupted.status, &uninterrupted.stdout),
            "cut at {octets}"
        );
    }
    fs::remove_file(&cut).unwrap();
    run(&cut, &["--resume"]);
    assert_eq!(fs::read(&cut).unwrap(), text, "from nothing");
}

#[test]
fn a_killed_sweep_and_one_that_is_interrupted_keep_what_is_done() {
    let folder = Folder::new("sweep-kill");
    let file = lossy(&folder);
    let (whole, cut) = (folder.path("whole.jsonl"), folder.path("cut.jsonl"));
    let seeds = ["sweep", &file, "--seeds", "0..3000", "--jobs", "2", "--out"];
    faultwire(&[&seeds[..], &[&whole]].concat());
    let whole = fs::read(&whole).unwrap();
    for signal in ["KILL", "INT"] {
        let _ = fs::remove_file(&cut);
        let endless = ["sweep", &file, "--seeds", "0..1000000000", "--jobs", "2", "--out", &cut];
        let mut child = command(&endless).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        while fs::metadata(&cut).map_or(0, |found| found.len()) < 10_000 {
            std::thread::yield_now();
        }
        let status = std::process::Command::new("kill")
            .args([&format!("-{signal}"), &child.id().to_string()])
            .status();
        assert!(status.unwrap().success());
        let ended = child.wait().unwrap();
        if signal == "INT" {
            assert_eq!(ended.code(), Some(130));
            let mut told = String::new();
            child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
            let again = format!("it goes on with\n  faultwire {} --resume\n", endless.join(" "));
            assert!(told.starts_with("interrupted after ") && told.ends_with(&again), "{told}");
            let mut summary = String::new();
            child.stdout.take().unwrap().read_to_string(&mut summary).unwrap();
            assert!(summary.contains(" of 1000000000 seeds"), "{summary}");
            assert_eq!(fs::read(&cut).unwrap().last(), Some(&b'\n'));
        }
        let kept = fs::read(&cut).unwrap();
        assert!(kept.len() >= 10_000);
        if kept.len() < whole.len() {
            faultwire(&[&seeds[..], &[&cut, "--resume"]].concat());
            assert_eq!(fs::read(&cut).unwrap(), whole, "after {signal}");
        } else {
            assert_eq!(kept[..whole.len()], whole, "after {signal}");
        }
    }
}

#[test]
fn resume_refuses_what_another_sweep_wrote() {
    let folder = Folder::new("sweep-foreign");
    let file = lossy(&folder);
    let out = folder.path("out.jsonl");
    faultwire(&["sweep", &file, "--seeds", "0..20", "--out", &out]);
    let kept = fs::read(&out).unwrap();
    for (more, message) in [
        (
            &["--seeds", "0..30", "--set", "links.wire.loss=2%"][..],
            "out.jsonl:1: this is a line of another sweep",
        ),
        (&["--seeds", "0..30", "--metric", "timeouts"], "another sweep"),
        (&["--seeds", "0..30", "--hazards", "fail"], "another sweep"),
        (&["--seeds", "0..30", "--param", "links.wire.loss=2%"], "another sweep"),
        (&["--seeds", "1..30"], "this line has seed 0, and 1 is expected"),
        (&["--seeds", "0..10"], "it has 20 seeds already"),
    ] {
        let run = faultwire(&[&["sweep", &file, "--out", &out, "--resume"], more].concat());
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{more:?}");
        assert!(run.stderr.contains(message) && run.stderr.lines().count() == 1, "{more:?}: {}", run.stderr);
        assert_eq!(fs::read(&out).unwrap(), kept, "{more:?}");
    }
    fs::write(&out, [b"{\"seed\": 0}\n", &kept[..]].concat()).unwrap();
    let run = faultwire(&["sweep", &file, "--seeds", "0..30", "--out", &out, "--resume"]);
    assert!(
        run.status == 2 && run.stderr.contains("out.jsonl:1: this is no line of a sweep"),
        "{}",
        run.stderr
    );
    // Behind what is ours, or alone, a tail that is none of ours is no torn line.
    for (before, tail) in
        [(&b""[..], "dear diary"), (b"", "{\"seed\":7,"), (&kept[..], "{\"seed\":21"), (&kept[..], "\0")]
    {
        let foreign = [before, tail.as_bytes()].concat();
        fs::write(&out, &foreign).unwrap();
        let run = faultwire(&["sweep", &file, "--seeds", "0..30", "--out", &out, "--resume"]);
        let line = if before.is_empty() { 1 } else { 21 };
        let message = format!("out.jsonl:{line}: this is no line of this sweep, nor the beginning of one");
        assert!(run.status == 2 && run.stderr.contains(&message), "{tail}: {}", run.stderr);
        assert_eq!(fs::read(&out).unwrap(), foreign, "{tail}");
    }
    let longer = folder.path("longer.jsonl");
    fs::write(&longer, &kept).unwrap();
    faultwire(&["sweep", &file, "--seeds", "0..30", "--out", &longer, "--resume"]);
    assert_eq!(lines(&fs::read_to_string(&longer).unwrap()).len(), 30, "more seeds than before are welcome");
}

#[test]
fn bad_input_is_one_message_and_nothing_written() {
    let folder = Folder::new("sweep-bad");
    let file = lossy(&folder);
    let out = folder.path("out.jsonl");
    for (more, message) in [
        (&["--metric", "retransmision"][..], "did you mean \"retransmissions\"?"),
        (&["--metric", "timeouts", "--metric", "timeouts"], "twice"),
        (&["--param", "links.wire.los=1%"], "did you mean \"links.wire.loss\"?"),
        (&["--param", "links.wire.loss=1%,2"], "loss"),
        (&["--param", "links.wire.loss=1%", "--param", "links.wire.loss=2%"], "twice"),
        (&["--param", "links.wire.loss=1%,1%"], "twice"),
        (&["--param", "seed=1,2"], "--seeds"),
        (&["--set", "seed=1"], "--seeds"),
        (&["--set", "links.wire.dely=1ms"], "did you mean \"links.wire.delay\"?"),
        (&["--without", "nothing"], "nothing"),
        (&["--case", "none"], "none"),
        (&["--swarm"], "has no \"swarm\""),
        (&["--jobs", "0"], "--jobs"),
        (&["--out", &file], "that is the experiment itself"),
        (&["--out", &folder.path("nowhere/out.jsonl")], "nowhere; make it first"),
        (&["--out", &folder.path("nowhere/out.parquet")], "nowhere; make it first"),
        (&["--out", &folder.path("lossy.json/out.jsonl")], "lossy.json is no folder"),
    ] {
        let mut arguments = vec!["sweep", &file, "--seeds", "0..10"];
        if !more.contains(&"--out") {
            arguments.extend(["--out", &out]);
        }
        arguments.extend(more);
        let before = fs::read(&file).unwrap();
        let run = faultwire(&arguments);
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{more:?}: {}", run.stderr);
        assert!(run.stderr.contains(message), "{more:?}: {}", run.stderr);
        assert_eq!(folder.names(), ["lossy.json"], "{more:?}");
        assert_eq!(fs::read(&file).unwrap(), before);
    }
    for arguments in [
        &["sweep", &file][..],
        &["sweep", &file, "--seeds", "9..3"],
        &["sweep", &file, "--seeds", "0..3", "--resume"],
    ] {
        assert_eq!(faultwire(arguments).status, 2, "{arguments:?}");
    }
}

#[test]
fn a_reader_that_has_enough_ends_the_sweep() {
    let folder = Folder::new("sweep-pipe");
    let file = lossy(&folder);
    let endless = ["sweep", &file, "--seeds", "0..1000000000", "--jobs", "2"];
    let mut child = command(&endless).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut first = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    assert_eq!(first.as_slice(), b"{\"seed\":0,");
    let status = child.wait().unwrap().code();
    assert!(status == Some(0) || status == Some(1), "{status:?}");
}

/// The rows of a Parquet file, each as its fields by name.
fn rows(path: &str) -> Vec<Vec<(String, Value)>> {
    fn value(field: &Field) -> Value {
        match field {
            Field::Null => Value::Null,
            Field::Str(text) => text.clone().into(),
            Field::ULong(number) => (*number).into(),
            Field::ListInternal(list) => list.elements().iter().map(value).collect(),
            other => panic!("no column has {other:?}"),
        }
    }
    let reader = SerializedFileReader::new(fs::File::open(path).unwrap()).unwrap();
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| {
        row.unwrap().into_columns().into_iter().map(|(name, field)| (name, value(&field))).collect()
    })
    .collect()
}

#[test]
fn columns_hold_what_lines_hold() {
    let folder = Folder::new("sweep-parquet");
    let text = fs::read_to_string(lossy(&folder)).unwrap();
    let cases = r#""cases": [ { "name": "one" }, { "name": "other", "set": { "links.wire.loss": "0%" } } ], "expect""#;
    let file = folder.file("cases.json", &text.replace("\"expect\"", cases));
    let (lines_file, columns) = (folder.path("out.jsonl"), folder.path("out.parquet"));
    let swept = |out: &str| {
        let metrics = ["--metric", "timeouts", "--metric", "connections.server/first.srtt_ns"];
        let arguments =
            ["sweep", &file, "--seeds", "0..60", "--out", out, "--param", "links.wire.rate=10Mbit,1Mbit"];
        let run = faultwire(&[&arguments[..], &metrics].concat());
        (run.status, run.stdout)
    };
    assert_eq!(swept(&columns), swept(&lines_file));
    let lines = lines(&fs::read_to_string(&lines_file).unwrap());
    let rows = rows(&columns);
    assert_eq!(rows.len(), lines.len() * 2);
    for (index, row) in rows.iter().enumerate() {
        let (line, case) = (&lines[index / 2], &lines[index / 2]["cases"][index % 2]);
        let srtt = "connections.server/first.srtt_ns";
        let expected = [
            ("seed", &line["seed"]),
            ("sweep", &line["sweep"]),
            ("param.links.wire.rate", &line["param"]["links.wire.rate"]),
            ("case", &case["name"]),
            ("outcome", &case["outcome"]),
            ("fingerprint", &case["fingerprint"]),
            ("events", &case["events"]),
            ("failed", &case["failed"]),
            ("cluster", &case["cluster"]),
            ("metrics.timeouts", &case["metrics"]["timeouts"]),
            ("metrics.connections.server/first.srtt_ns", &case["metrics"][srtt]),
        ];
        assert_eq!(row.as_slice(), expected.map(|(name, value)| (name.to_owned(), value.clone())));
    }
    let refused = faultwire(&["sweep", &file, "--seeds", "0..60", "--out", &columns, "--resume"]);
    let remedy = format!("write lines instead, --out {lines_file}");
    assert!(refused.status == 2 && refused.stderr.contains(&remedy), "{}", refused.stderr);
    assert_eq!(folder.names(), ["cases.json", "lossy.json", "out.jsonl", "out.parquet"]);
}

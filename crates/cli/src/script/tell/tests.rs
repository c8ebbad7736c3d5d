use clap::Parser;
use faultwire_script::Profile;

use super::*;
use crate::arguments::{Arguments, Command};

fn teller(options: &[&str], scripts: usize) -> Teller {
    let words = ["faultwire", "script", "x"].into_iter().chain(options.iter().copied());
    let Command::Script(arguments) = Arguments::parse_from(words).command else { panic!("another command") };
    let names = (0..scripts).map(|index| format!("s{index}.pkt")).collect();
    Teller::new(&arguments, names, Paint::PLAIN)
}

fn played(verdict: Verdict) -> Outcome<Report> {
    let source = "// why\n 0 socket(...) = 3\n+0 > S 0:0(0)\n".to_owned();
    let virtual_time = Duration::from_nanos(1_500_000_000);
    let report = Report { verdict, profile: Profile::Linux, virtual_time, ladder: "a\n\nb\n".into() };
    Outcome::Played { source, report }
}

fn finding() -> Finding {
    Finding { line: 3, message: "expected flags S\ncame     flags R.".into() }
}

fn unreadable() -> Outcome<Report> {
    Outcome::Unreadable(Unreadable { place: Some((2, 7)), message: "expected a call".into() })
}

#[test]
fn results_are_told_in_order_whenever_they_end() {
    let mut teller = teller(&[], 3);
    assert_eq!(teller.take(2, played(Verdict::Pass)), "");
    assert_eq!(teller.take(0, played(Verdict::Pass)), "PASS s0.pkt\n");
    assert_eq!(teller.take(1, played(Verdict::Pass)), "PASS s1.pkt\nPASS s2.pkt\n");
    assert_eq!(teller.summary(), "3 passed, 0 failed, 0 skipped, 0 unreadable in 4.5s virtual\n");
    assert_eq!(teller.status(), Status::Held);
}

#[test]
fn what_ended_before_an_interrupt_is_told_too() {
    let mut teller = teller(&[], 4);
    assert_eq!(teller.take(2, played(Verdict::Pass)), "");
    assert_eq!(teller.take(3, played(Verdict::Pass)), "");
    assert_eq!(teller.rest(), "PASS s2.pkt\nPASS s3.pkt\n");
    assert_eq!(teller.rest(), "");
    assert_eq!(teller.summary(), "2 passed, 0 failed, 0 skipped, 0 unreadable, 2 not played in 3s virtual\n");
}

#[test]
fn a_failure_shows_the_line_and_what_was_found_there() {
    let mut plain = teller(&[], 1);
    let expected =
        "FAIL s0.pkt\n    line 3: +0 > S 0:0(0)\n      expected flags S\n      came     flags R.\n";
    assert_eq!(plain.take(0, played(Verdict::Fail(finding()))), expected);
    assert_eq!(plain.status(), Status::Failed);
    let mut verbose = teller(&["--verbose"], 1);
    let text = verbose.take(0, played(Verdict::Fail(finding())));
    assert_eq!(text, format!("{expected}    a\n\n    b\n"));
}

#[test]
fn the_event_is_told_once() {
    let mut teller = teller(&[], 1);
    let message = "+0 > S 0:0(0)\nsent: R. 0:0(0) ack 1".to_owned();
    let text = teller.take(0, played(Verdict::Fail(Finding { line: 3, message })));
    assert_eq!(text, "FAIL s0.pkt\n    line 3: +0 > S 0:0(0)\n      sent: R. 0:0(0) ack 1\n");
}

#[test]
fn a_line_that_is_not_there_is_only_a_number() {
    let mut teller = teller(&[], 1);
    let text = teller.take(0, played(Verdict::Fail(Finding { line: 9, message: "an end".into() })));
    assert_eq!(text, "FAIL s0.pkt\n    line 9\n      an end\n");
}

#[test]
fn the_gravest_is_the_status() {
    let outcomes = [
        (played(Verdict::Pass), Status::Held),
        (played(Verdict::Skip(finding())), Status::Held),
        (played(Verdict::Fail(finding())), Status::Failed),
        (unreadable(), Status::BadInput),
        (Outcome::Broken("internal error".into()), Status::Internal),
        (played(Verdict::Pass), Status::Internal),
    ];
    let mut teller = teller(&[], outcomes.len());
    for (index, (outcome, status)) in outcomes.into_iter().enumerate() {
        teller.take(index, outcome);
        assert_eq!(teller.status(), status, "{index}");
    }
    assert_eq!(
        teller.summary(),
        "2 passed, 1 failed, 1 skipped, 1 unreadable, 1 ended by a bug of faultwire in 6s virtual\n"
    );
}

#[test]
fn a_skip_counts_as_failed_when_asked_for() {
    let mut teller = teller(&["--fail-on-skip"], 1);
    let text = teller.take(0, played(Verdict::Skip(finding())));
    assert!(text.starts_with("SKIP s0.pkt\n    line 3: +0 > S 0:0(0)\n      expected flags S\n"), "{text}");
    assert_eq!(teller.status(), Status::Failed);
}

#[test]
fn what_cannot_be_read_is_told_with_its_place() {
    let mut teller = teller(&[], 2);
    assert_eq!(teller.take(0, unreadable()), "ERROR s0.pkt:2:7: expected a call\n");
    let missing = Outcome::Unreadable(Unreadable { place: None, message: "gone".into() });
    assert_eq!(teller.take(1, missing), "ERROR s1.pkt: gone\n");
}

#[test]
fn json_has_the_same_keys_for_every_result() {
    let mut teller = teller(&["--format", "json"], 4);
    let lines = [
        teller.take(0, played(Verdict::Pass)),
        teller.take(1, played(Verdict::Fail(finding()))),
        teller.take(2, unreadable()),
        teller.take(3, Outcome::Broken("internal error".into())),
    ];
    assert_eq!(
        lines[1],
        concat!(
            r#"{"path":"s1.pkt","result":"fail","line":3,"message":"expected flags S\ncame     flags R.","#,
            r#""profile":"linux","virtual_ns":1500000000}"#,
            "\n"
        )
    );
    let results: Vec<_> = (lines.iter())
        .map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            let keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
            assert_eq!(keys.len(), 6, "{keys:?}");
            value["result"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(results, ["pass", "fail", "error", "panic"]);
    assert_eq!(teller.summary(), "");
}

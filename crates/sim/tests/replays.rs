//! Replay files of whole experiments: every file of `configs/` is recorded and replayed, and what has nothing to do with
//! a failure can be changed without losing it (DESIGN D8).

mod experiments;

use std::sync::Arc;

use faultwire_base::Instant;
use faultwire_sim::experiment::{Overrides, load, parse};
use faultwire_sim::explain::{Question, watch, when_inevitable};
use faultwire_sim::output::Trace;
use faultwire_sim::plan::{Case, Experiment};
use faultwire_sim::record::{Silent, Sink};
use faultwire_sim::replay::{
    Basis, ChanceAction, Comparison, RecordedConversation, RecordedRun, Recording, record_case, replay_case,
    write,
};
use faultwire_sim::report::Outcome;
use faultwire_sim::run::{CaseRun, Judging, run_case};
use serde_json::{Value, json};

fn seed(seed: u64) -> Overrides {
    Overrides { seed: Some(seed), ..Overrides::default() }
}

fn record(experiment: &Experiment) -> (Vec<CaseRun>, Vec<RecordedRun>) {
    let record = |case: &Case| record_case(case, Judging::default(), &mut Silent);
    experiment.cases.iter().map(record).unzip()
}

fn read(text: &str) -> Experiment {
    parse(text, "replay.json", &Overrides::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn replay<S: Sink>(experiment: &Experiment, case: usize, sink: &mut S) -> (CaseRun, Comparison) {
    let replay = experiment.replay.as_ref().expect("a replay file");
    let (run, _, comparison) = replay_case(&experiment.cases[case], Judging::default(), replay, sink);
    (run, comparison)
}

#[test]
fn every_experiment_of_configs_is_replayed_to_the_same_fingerprint() {
    let files = [experiments::lessons(), experiments::scenarios(), experiments::hunts()].concat();
    assert!(files.len() > 60, "configs/ holds {} files", files.len());
    let mut decisions = 0;
    for path in files {
        for number in 1..=5 {
            let experiment = load(&path, &seed(number)).unwrap_or_else(|error| panic!("{error}"));
            let (runs, recorded) = record(&experiment);
            let text = write(&experiment, "faultwire run", &recorded);
            let again = read(&text);
            for (index, run) in runs.iter().enumerate() {
                let what = format!("{}, seed {number}, case {}", path.display(), run.report.name);
                if number == 1 {
                    let plain = run_case(&experiment.cases[index], Judging::default(), &mut Silent);
                    assert_eq!(plain.report, run.report, "{what}: recording changed the run");
                }
                let (replayed, comparison) = replay(&again, index, &mut Silent);
                assert_eq!(replayed.report, run.report, "{what}");
                assert!(comparison.is_same(), "{what}: {:?}", comparison.sentences());
                assert_eq!(
                    (comparison.basis, &comparison.never_came[..]),
                    (Basis::Fingerprint, &[][..]),
                    "{what}"
                );
                for decision in &recorded[index].recording.decisions {
                    let conversation = &decision.packet.conversation;
                    assert!(
                        !matches!(conversation, RecordedConversation::Numbered { .. }),
                        "{what}: a name was bound too late, {decision}"
                    );
                }
                decisions += recorded[index].recording.decisions.len();
            }
        }
    }
    assert!(decisions > 10_000, "{decisions} decisions are too few to show anything");
}

/// Ten requests over a link that loses: some seeds don't make it in time.
const LOSSY: &str = r#"{
  "name": "requests", "description": "Requests and answers over a lossy link.",
  "hosts": { "client": {}, "server": {} },
  "links": [
    { "name": "wire", "between": ["client", "server"], "rate": "10Mbit", "delay": "10ms", "jitter": "1ms", "loss": "8%",
      "duplicate": "2%" },
    { "name": "yonder", "between": ["client", "server"], "delay": "100ms" } ],
  "apps": [
    { "name": "c", "on": "client", "request_response": { "to": "server:80", "request": "200B", "response": "4KiB", "count": 10 } } ],
  "expect": [ { "name": "in time", "at": "client/c", "reaches": "FIN_WAIT_1", "time": { "max": "1s" } } ]
}"#;

/// The first seeds that fail, with what was recorded.
fn failures() -> Vec<(String, CaseRun)> {
    let mut failures = Vec::new();
    for number in 1..=60 {
        let experiment =
            parse(LOSSY, "requests.json", &seed(number)).unwrap_or_else(|error| panic!("{error}"));
        let (mut runs, recorded) = record(&experiment);
        if runs[0].report.outcome == Outcome::Failed {
            failures.push((write(&experiment, "faultwire run requests.json", &recorded), runs.remove(0)));
        }
    }
    assert!(failures.len() >= 5, "{} of 60 seeds fail", failures.len());
    failures
}

/// Edits the experiment in a replay file, as a person would.
fn edited(text: &str, edit: impl Fn(&mut Value)) -> Experiment {
    let mut file: Value = serde_json::from_str(text).unwrap();
    edit(&mut file["experiment"]);
    read(&file.to_string())
}

fn add(experiment: &mut Value, list: &str, item: Value) {
    experiment[list].as_array_mut().unwrap().insert(0, item);
}

/// An app that sends datagrams from the client, before the recorded conversation opens; `to` is where.
fn datagrams(to: &str) -> Value {
    json!({ "name": "a", "on": "client", "run": [
        { "send_to": to, "size": "100B", "count": 50, "interval": "20ms" } ] })
}

fn still_fails(text: &str, run: &CaseRun, change: &str, edit: impl Fn(&mut Value)) {
    let experiment = edited(text, edit);
    let (replayed, comparison) = replay(&experiment, 0, &mut Silent);
    assert_eq!(comparison.basis, Basis::Changed, "{change}");
    assert_eq!(replayed.cluster(), run.cluster(), "{change}: {:?}", comparison.sentences());
    assert!(comparison.is_same(), "{change}: {:?}", comparison.sentences());
}

#[test]
fn a_failure_survives_changes_that_have_nothing_to_do_with_it() {
    for (text, run) in failures() {
        let listener = |on: &str| json!({ "name": "sink", "on": on, "listen": 53, "protocol": "udp", "run": [ { "recv_from": "all", "within": "2s" } ] });
        still_fails(&text, &run, "another UDP flow between the same hosts, on the same link", |experiment| {
            add(experiment, "apps", datagrams("server:53"));
            add(experiment, "apps", listener("server"));
        });
        still_fails(&text, &run, "another UDP flow on a link of its own", |experiment| {
            experiment["hosts"]["other"] = json!({});
            add(
                experiment,
                "links",
                json!({ "name": "a", "between": ["client", "other"], "delay": "3ms", "loss": "20%" }),
            );
            add(experiment, "apps", datagrams("other:53"));
            add(experiment, "apps", listener("other"));
        });
        still_fails(
            &text,
            &run,
            "another TCP connection of the same client to somebody else",
            |experiment| {
                experiment["hosts"]["aaa"] = json!({});
                add(
                    experiment,
                    "links",
                    json!({ "name": "a", "between": ["client", "aaa"], "delay": "3ms" }),
                );
                add(
                    experiment,
                    "apps",
                    json!({ "name": "b", "on": "client", "bulk": { "to": "aaa:80", "size": "20KiB" } }),
                );
            },
        );
        still_fails(&text, &run, "hosts and a link that do nothing", |experiment| {
            experiment["hosts"]["aaa"] = json!({});
            experiment["hosts"]["zzz"] = json!({ "stack": "rfc" });
            add(experiment, "links", json!({ "name": "b", "between": ["aaa", "zzz"] }));
        });
        still_fails(&text, &run, "a fault that has a name, on the other link", |experiment| {
            experiment["faults"] = json!([{ "name": "cut", "on": "yonder", "at": "100ms", "do": "cut" }]);
        });
        still_fails(&text, &run, "other probabilities, which a replay does not ask", |experiment| {
            experiment["links"][0]["loss"] = json!("50%");
            experiment["links"][0].as_object_mut().unwrap().remove("duplicate");
        });
        let (traced, comparison) = replay(&read(&text), 0, &mut Trace::new());
        assert_eq!(traced.report, run.report, "with a trace");
        assert!(comparison.is_same());
    }
}

/// With something changed the checkpoints still tell how far both runs are the same.
#[test]
fn where_a_changed_replay_departs_is_told() {
    for (text, run) in failures() {
        let changed = |edit: fn(&mut Value)| replay(&edited(&text, edit), 0, &mut Silent).1;
        let unasked = changed(|experiment| experiment["expect"] = json!([]));
        let idle = changed(|experiment| experiment["hosts"]["idle"] = json!({}));
        for comparison in [unasked, idle] {
            assert_eq!((comparison.basis, comparison.departure), (Basis::Changed, None));
            let alike = comparison.alike.expect("the same events");
            assert!(
                alike <= run.report.events && alike + 8 > run.report.events,
                "{alike} of {}",
                run.report.events
            );
            let sentences = comparison.sentences();
            assert!(sentences[1].ends_with("events are as recorded"), "{sentences:?}");
        }
        let cut = changed(|experiment| {
            experiment["faults"] = json!([{ "name": "cut", "on": "wire", "at": "400ms", "do": "cut" }]);
        });
        let departure = cut.departure.expect("it departs");
        assert!(departure.after > 0 && departure.at.as_nanos() >= 400_000_000, "{departure:?}");
        assert!(cut.sentences()[1].contains(", for which the change may be the reason"), "{cut:?}");
    }
}

#[test]
fn another_seed_has_no_say_in_what_chance_does() {
    for (text, run) in failures() {
        let experiment = parse(&text, "replay.json", &seed(12_345)).unwrap();
        let (replayed, comparison) = replay(&experiment, 0, &mut Silent);
        assert_eq!(comparison.basis, Basis::Changed);
        assert_eq!(comparison.never_came, [], "other sequence numbers, the same packets");
        assert_eq!(replayed.cluster(), run.cluster());
        let departure = comparison.departure.expect("other sequence numbers from the start");
        assert!(departure.by <= 2, "{departure:?}");
        let sentences = comparison.sentences();
        let told = ", for which the change may be the reason";
        assert!(sentences[1].starts_with("it departs") && sentences[1].ends_with(told), "{sentences:?}");
        let counts =
            |run: &CaseRun| run.report.links.iter().map(|link| link.dropped_by_loss).collect::<Vec<_>>();
        assert_eq!(counts(&replayed), counts(&run));
    }
}

/// `heal` ends the recorded decisions as it ends chance, and says which it skipped.
#[test]
fn a_heal_in_a_replay_ends_what_chance_does() {
    for (text, run) in failures() {
        let healed = |at: &str| {
            let set = vec![format!("heal.at={at}"), "heal.within=60s".to_owned()];
            let overrides = Overrides { set, ..Overrides::default() };
            let experiment =
                parse(&text, "replay.json", &overrides).unwrap_or_else(|error| panic!("{error}"));
            let (run, recorded, comparison) = replay_case(
                &experiment.cases[0],
                Judging::default(),
                experiment.replay.as_ref().unwrap(),
                &mut Silent,
            );
            (run, recorded.recording, comparison)
        };
        // Only the first packet enters before that.
        let (nothing, recording, comparison) = healed("1ns");
        let lost = |run: &CaseRun| run.report.links.iter().map(|link| link.dropped_by_loss).sum::<u64>();
        assert!(lost(&nothing) <= 1);
        assert!(recording.decisions.iter().all(|decision| decision.at == Instant::ZERO), "{recording:?}");
        let skipped = comparison.healed.len() + comparison.never_came.len();
        assert_eq!(skipped + recording.decisions.len(), comparison.decisions);
        let sentences = comparison.sentences();
        let told = |sentence: &String| sentence.starts_with("skipped, every fault had ended by then: ");
        assert!(sentences.iter().any(told), "{sentences:?}");

        let (half, recording, _) = healed("300ms");
        let end = recording.decisions.iter().map(|decision| decision.at.as_nanos()).max();
        assert!(end.is_some_and(|end| end < 300_000_000), "{end:?}");
        assert!(lost(&half) <= lost(&run));
    }
}

/// What a branch without further faults comes to is the same, whether chance draws or a list stands for it.
#[test]
fn a_failure_becomes_inevitable_at_the_same_moment_in_a_replay() {
    for (text, _) in failures() {
        let replay = read(&text);
        let mut drawn = replay.cases[0].clone();
        Arc::make_mut(&mut drawn.plan).recording = None;
        let answer = |case: &Case| {
            let watched = watch(case, Judging::default());
            let answer = when_inevitable(case, Judging::default(), &watched, &Question::Failure);
            format!("{:#?}", answer.unwrap().expect("it failed"))
        };
        let replayed = answer(&replay.cases[0]);
        assert_eq!(replayed, answer(&drawn));
        assert!(!replayed.contains("No fault is needed"), "{replayed}");
    }
}

/// A run whose recording is not quite its own, as after a change of faultwire.
fn departing(change: impl Fn(&mut Recording)) -> (String, Comparison) {
    let experiment = parse(LOSSY, "requests.json", &seed(3)).unwrap();
    let (_, mut recorded) = record(&experiment);
    change(Arc::make_mut(&mut recorded[0].recording));
    let text = write(&experiment, "faultwire run requests.json", &recorded);
    let (_, comparison) = replay(&read(&text), 0, &mut Silent);
    (text, comparison)
}

#[test]
fn a_replay_says_where_it_departs_and_goes_on() {
    let (_, same) = departing(|_| {});
    assert!(same.is_same());
    let (_, comparison) = departing(|recording| {
        let lost = recording.decisions.iter().position(|decision| decision.action == ChanceAction::Drop);
        recording.decisions.remove(lost.expect("something was lost"));
    });
    assert!(!comparison.is_same());
    let departure = comparison.departure.expect("it departs");
    assert!(departure.after < departure.by && departure.by <= departure.after + 2, "{departure:?}");
    let sentences = comparison.sentences();
    assert!(sentences[0].starts_with("it departs from the recording with event "), "{sentences:?}");
    let first = "the first decision whose packet came at another time: ";
    assert!(sentences.iter().any(|sentence| sentence.starts_with(first)), "{sentences:?}");
}

#[test]
fn decisions_whose_packets_never_come_are_skipped_and_told() {
    let (text, comparison) = departing(|recording| {
        let mut last = recording.decisions.last().expect("there was something").clone();
        last.action = ChanceAction::Drop;
        for nth in 0..12 {
            last.packet.nth = 1_000_000_000 + nth;
            recording.decisions.push(last.clone());
        }
    });
    assert_eq!(comparison.never_came.len(), 12);
    assert_eq!(comparison.departure, None, "a decision more changes nothing: {text}");
    let sentences = comparison.sentences();
    let skipped =
        sentences.iter().filter(|sentence| sentence.starts_with("skipped, its packet never came: drop of "));
    assert_eq!(skipped.count(), 10);
    assert!(
        sentences
            .iter()
            .any(|sentence| sentence == "2 more decisions skipped, since their packets never came")
    );
}

#[test]
fn after_the_end_of_a_recording_everything_passes() {
    let (_, comparison) = departing(|recording| recording.decisions.truncate(1));
    let experiment = parse(LOSSY, "requests.json", &seed(3)).unwrap();
    let (_, mut recorded) = record(&experiment);
    Arc::make_mut(&mut recorded[0].recording).decisions.clear();
    let text = write(&experiment, "faultwire run requests.json", &recorded);
    let (run, _) = replay(&read(&text), 0, &mut Silent);
    assert_eq!(run.report.outcome, Outcome::Passed);
    assert_eq!(run.report.links.iter().map(|link| link.dropped_by_loss).sum::<u64>(), 0);
    assert_eq!(comparison.decisions, 1);
}

#[test]
fn one_case_of_several_is_no_change_and_a_file_may_hold_one() {
    let path = experiments::lessons().into_iter().find(|path| path.ends_with("lossy-bulk.json")).unwrap();
    let experiment = load(&path, &seed(2)).unwrap();
    let (_, recorded) = record_case(&experiment.cases[2], Judging::default(), &mut Silent);
    let (_, other) = record_case(&experiment.cases[0], Judging::default(), &mut Silent);
    let both = write(&experiment, "", &[other, recorded.clone()]);
    let name = recorded.case.clone();
    let one = Overrides { case: Some(name.clone()), ..Overrides::default() };
    let again = parse(&both, "replay.json", &one).unwrap();
    let (_, comparison) = replay(&again, 0, &mut Silent);
    assert_eq!((comparison.basis, comparison.is_same()), (Basis::Fingerprint, true));
    let alone = read(&write(&experiment, "", &[recorded]));
    assert_eq!(alone.cases.iter().map(|case| case.name.as_str()).collect::<Vec<_>>(), [name]);
}

/// The keys of a decision's packet pick the same packet in a targeted fault.
#[test]
fn every_loss_can_be_written_as_a_targeted_fault() {
    for number in 1..=20 {
        let text = LOSSY.replace("\"jitter\": \"1ms\", ", "").replace(",\n      \"duplicate\": \"2%\"", "");
        let experiment = parse(&text, "requests.json", &seed(number)).unwrap();
        let (runs, recorded) = record(&experiment);
        let file: Value = serde_json::from_str(&write(&experiment, "", &recorded)).unwrap();
        let mut named = file["experiment"].clone();
        named["links"][0].as_object_mut().unwrap().remove("loss");
        let faults =
            file["runs"][0]["decisions"].as_array().unwrap().iter().enumerate().map(|(index, decision)| {
                let (link, end) = decision["on"].as_str().unwrap().split_once('>').unwrap();
                json!({ "name": format!("loss {index}"), "on": link, "towards": end,
                    "match": decision["packet"], "do": decision["do"] })
            });
        named["faults"] = faults.collect();
        let named = parse(named.to_string(), "named.json", &Overrides::default())
            .unwrap_or_else(|error| panic!("{error}"));
        let run = run_case(&named.cases[0], Judging::default(), &mut Silent);
        let faults = &run.report.faults;
        assert_eq!(run.report.connections, runs[0].report.connections, "seed {number}: {faults:?}");
        assert_eq!(run.report.virtual_time_ns, runs[0].report.virtual_time_ns, "seed {number}");
    }
}

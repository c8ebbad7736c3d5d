//! Explanations hang together: for every packet of the headline experiments and for everything that fails there.

use std::path::{Path, PathBuf};

use faultwire_sim::experiment::{Overrides, load};
use faultwire_sim::explain::{Chain, Question, Root, Watched, explain, watch};
use faultwire_sim::output::PacketNumber;
use faultwire_sim::plan::Case;
use faultwire_sim::run::Judging;

fn configs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs")
}

fn case(file: &str, name: &str) -> (Case, Watched) {
    let overrides = Overrides { case: Some(name.into()), ..Overrides::default() };
    let experiment = load(&configs().join(file), &overrides).unwrap();
    let case = experiment.cases[0].clone();
    let watched = watch(&case, Judging::default());
    (case, watched)
}

/// Times never increase from what happened to its causes, packets exist, and the main line ends in a root.
fn check(chain: &Chain, watched: &Watched, what: &str) {
    let steps = &chain.steps;
    assert!(!steps.is_empty(), "{what}: no step");
    for (index, step) in steps.iter().enumerate() {
        if let Some(packet) = step.packet {
            assert!((packet.0 as usize) <= watched.trace.packets().len(), "{what}: {packet} exists");
        }
        assert!(step.sentence.ends_with('.'), "{what}: {}", step.sentence);
        assert!(step.entry.is_none_or(|entry| entry < watched.trace.entries().len()), "{what}");
        let parent = steps[..index].iter().rev().find(|earlier| earlier.depth <= step.depth);
        if let Some(parent) = parent.filter(|parent| parent.depth == step.depth) {
            assert!(step.at <= parent.at, "{what}: {} after {}", step.sentence, parent.sentence);
        }
    }
    let last = steps.iter().rev().find(|step| step.depth == 0).expect("a main line");
    assert!(last.root.is_some() || chain.roots().next().is_some(), "{what}: {}", last.sentence);
}

fn fault(chain: &Chain, name: &str) -> bool {
    chain.roots().any(|root| matches!(root, Root::Fault { name: found } if **found == *name))
}

#[test]
fn every_packet_can_be_explained() {
    for (file, names) in [
        ("retransmission.json", &["fast retransmit", "tail loss, probed", "tail loss", "control"][..]),
        ("time-wait-delayed-segment.json", &["linux", "rfc", "assassinated"]),
        ("time-wait-duplicate-syn.json", &["protected", "assassinated"]),
    ] {
        for name in names {
            let (case, watched) = case(file, name);
            for number in 1..=watched.trace.packets().len() as u32 {
                let question = Question::Packet(PacketNumber(number));
                let answers = explain(&case, &watched, &question).unwrap();
                check(&answers[0].chain, &watched, &format!("{file} {name} #{number}"));
            }
        }
    }
}

#[test]
fn what_a_fault_did_has_that_fault_as_its_root() {
    for (file, name, packet, expected) in [
        ("retransmission.json", "fast retransmit", 33, "fifth segment lost"),
        ("retransmission.json", "tail loss, probed", 59, "fifth segment lost"),
        ("retransmission.json", "tail loss", 59, "fifth segment lost"),
        ("time-wait-delayed-segment.json", "assassinated", 40, "late copy"),
        ("time-wait-duplicate-syn.json", "assassinated", 37, "old SYN"),
        ("partition-heal.json", "linux", 978, "partition"),
    ] {
        let (case, watched) = case(file, name);
        let answers = explain(&case, &watched, &Question::Packet(PacketNumber(packet))).unwrap();
        assert!(fault(&answers[0].chain, expected), "{file} {name}: {:#?}", answers[0].chain);
    }
}

#[test]
fn a_question_about_nothing_is_told_what_there_is() {
    let (case, watched) = case("retransmission.json", "tail loss");
    let refuse = |question| explain(&case, &watched, &question).unwrap_err().to_string();
    assert_eq!(
        refuse(Question::Packet(PacketNumber(63))),
        "there is no packet #63: this run has #1 to #62, as run --timeline numbers them"
    );
    assert!(refuse(Question::Packet(PacketNumber(0))).contains("#1 to #62"));
    assert_eq!(
        refuse(Question::Expectation("by the time".into())),
        "there is no expectation \"by the time\": did you mean \"by the timer\"?"
    );
}

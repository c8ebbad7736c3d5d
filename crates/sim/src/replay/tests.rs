//! Recording and replaying whole worlds.

use proptest::prelude::*;

use super::*;
use crate::experiment::{Overrides, parse};
use crate::failure::Failure;
use crate::plan::Plan;
use crate::record::Silent;
use crate::report::Outcome;
use crate::run::Judging;
use crate::world::World;

/// Two links, TCP and UDP both ways, and every impairment.
const TEXT: &str = r#"{
  "name": "mixed", "hosts": { "client": {}, "server": { "stack": "rfc" } }, "routers": { "r": {} },
  "links": [
    { "name": "near", "between": ["client", "r"], "delay": "5ms", "loss": "3%", "duplicate": "3%", "corrupt": "2%" },
    { "name": "far", "between": ["r", "server"], "rate": "20Mbit", "delay": "10ms", "jitter": "4ms",
      "jitter_reorders": true, "loss": "2%", "reorder": "3%" } ],
  "apps": [
    { "name": "flow", "on": "client", "bulk": { "to": "server:80", "size": "200KiB", "direction": "both" } },
    { "name": "echo", "on": "server", "listen": 53, "protocol": "udp", "run": [ { "recv_from": "all", "within": "5s", "echo": true } ] },
    { "name": "ask", "on": "client", "run": [ { "send_to": "server:53", "size": "100B", "count": 50, "interval": "10ms" } ] } ]
}"#;

fn recorded(text: &str, seed: u64) -> (Arc<Plan>, World, Recording) {
    let overrides = Overrides { seed: Some(seed), ..Overrides::default() };
    let experiment = parse(text, "mixed.json", &overrides).expect("a good experiment");
    let plan = Arc::clone(&experiment.cases[0].plan);
    let mut world = World::new(&plan);
    world.keep_decisions();
    world.run(&mut Silent);
    let recording = world.decisions();
    (plan, world, recording)
}

#[test]
fn a_replay_repeats_the_run_from_its_decisions_alone() {
    for seed in 1..=10 {
        let (plan, world, recording) = recorded(TEXT, seed);
        let mut silent = World::new(&plan);
        silent.run(&mut Silent);
        assert_eq!(
            silent.fingerprint(),
            world.fingerprint(),
            "seed {seed}: keeping decisions changes nothing"
        );
        let mut plan = (*plan).clone();
        plan.recording = Some(Arc::new(recording.clone()));
        let mut replay = World::new(&Arc::new(plan));
        replay.keep_decisions();
        replay.run(&mut Silent);
        assert_eq!(replay.fingerprint(), world.fingerprint(), "seed {seed}");
        assert_eq!(replay.decisions(), recording);
        let times: Vec<_> = recording.decisions.iter().map(|decision| Met::Decided(decision.at)).collect();
        assert_eq!(replay.replayed(), Some(times));
    }
}

#[test]
fn every_packet_of_a_conversation_goes_by_the_name_of_its_opener() {
    let (.., recording) = recorded(TEXT, 1);
    let names: std::collections::BTreeSet<_> =
        recording.decisions.iter().map(|decision| decision.packet.conversation.clone()).collect();
    let named = |name: &str| RecordedConversation::Named(name.into());
    assert_eq!(names, [named("client/ask"), named("client/flow")].into());
}

#[test]
fn a_file_says_what_was_written_and_replays_the_run() {
    for seed in 1..=5 {
        let overrides = Overrides { seed: Some(seed), ..Overrides::default() };
        let experiment = parse(TEXT, "mixed.json", &overrides).unwrap();
        let (run, recorded) = record_case(&experiment.cases[0], Judging::default(), &mut Silent);
        let text = write(&experiment, "faultwire run mixed.json", std::slice::from_ref(&recorded));
        let again =
            parse(&text, "replay.json", &Overrides::default()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(again.digest, experiment.digest, "the embedded experiment is the effective one");
        let replay = again.replay.as_ref().expect("it is a replay file");
        assert!(!replay.changed);
        assert_eq!(replay.runs, std::slice::from_ref(&recorded));
        let (replayed, rerecorded, comparison) =
            replay_case(&again.cases[0], Judging::default(), replay, &mut Silent);
        assert_eq!(replayed.report, run.report);
        assert!(comparison.is_same(), "{:?}", comparison.sentences());
        assert_eq!(write(&again, "faultwire run mixed.json", &[rerecorded]), text, "to the octet");
    }
}

#[test]
fn a_conversation_without_a_name_is_written_and_read() {
    for text in ["client:1", "client:3:2", "a.b:7"] {
        let conversation: RecordedConversation = text.parse().expect("a conversation");
        assert_eq!(conversation.to_string(), text);
    }
    for text in [
        "client",
        "client:0",
        "client:x",
        "client:",
        ":1",
        "client:1:0",
        "client:1:2:3",
        "client:99999999999",
    ] {
        assert_eq!(text.parse::<RecordedConversation>(), Err(()), "{text}");
    }
}

/// As many bits as the largest packet has: no step of reading may look at all of them for each.
#[test]
fn a_decision_may_flip_every_bit_of_the_largest_packet() {
    let (_, world, mut recording) = recorded(TEXT, 1);
    let bits: Vec<u32> = (0..65_535 * 8).collect();
    recording.decisions.truncate(1);
    recording.decisions[0].action = ChanceAction::Corrupt { bits };
    let experiment = parse(TEXT, "mixed.json", &Overrides::default()).unwrap();
    let run = RecordedRun {
        case: "mixed".to_owned(),
        outcome: Outcome::Passed,
        failures: Vec::new(),
        fingerprint: world.fingerprint().to_string(),
        events: world.events(),
        virtual_time_ns: 0,
        recording: Arc::new(recording),
        checkpoints: Checkpoints::default(),
    };
    let again = read(write(&experiment, "", std::slice::from_ref(&run)), "replay.json").unwrap();
    assert_eq!(again.runs, [run]);
}

proptest! {
    /// Whatever was decided, write, read and write is the identity.
    #[test]
    fn decisions_survive_writing_and_reading(decisions in prop::collection::vec(any_decision(), 0..40)) {
        let experiment = parse(TEXT, "mixed.json", &Overrides::default()).unwrap();
        let mut decisions = decisions;
        let mut seen = std::collections::BTreeSet::new();
        decisions.retain(|decision| {
            let verb = format!("{:?}", std::mem::discriminant(&decision.action));
            seen.insert((decision.on.clone(), decision.packet.clone(), verb))
        });
        let run = RecordedRun {
            case: "mixed".to_owned(), outcome: Outcome::Failed,
            failures: vec![Failure::new("app:\"x\"", "a \"sentence\" of two\nlines, \u{1}")],
            fingerprint: format!("fw1-{:032x}", 7), events: u64::MAX, virtual_time_ns: 0,
            recording: Arc::new(Recording { decisions }),
            checkpoints: Checkpoints { every: 4, digests: vec![0, u64::MAX] },
        };
        let text = write(&experiment, "a \"command\"", std::slice::from_ref(&run));
        let replay = read(&text, "replay.json").map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&replay.runs, &[run]);
        prop_assert!(!replay.changed);
        let again = parse(&text, "replay.json", &Overrides::default()).unwrap();
        prop_assert_eq!(write(&again, "a \"command\"", &again.replay.as_ref().unwrap().runs), text);
    }
}

fn any_decision() -> impl Strategy<Value = RecordedDecision> {
    let conversation = prop_oneof![
        Just(RecordedConversation::None),
        "[a-z/\"\u{e4} .]{1,12}".prop_map(|name| RecordedConversation::Named(name.into())),
        ("[a-z.]{1,5}", 1u32.., 1u16..).prop_map(|(opener, ordinal, boot)| {
            RecordedConversation::Numbered { opener: opener.into(), ordinal, boot }
        }),
    ];
    let packet = (
        conversation,
        prop::option::of(prop::sample::select(&PacketKind::ALL[..])),
        prop::option::of(any::<u64>()),
        prop::option::of(1u16..),
        1u64..,
        prop::option::of(1u32..),
    );
    let action = prop_oneof![
        Just(ChanceAction::Drop),
        Just(ChanceAction::Mark),
        Just(ChanceAction::Duplicate),
        Just(ChanceAction::SendAtOnce),
        prop::collection::btree_set(0u32..524_280, 1..5)
            .prop_map(|bits| ChanceAction::Corrupt { bits: bits.into_iter().collect() }),
        (-i64::MAX..=i64::MAX).prop_map(|deviation| ChanceAction::Delay { deviation }),
    ];
    let on = prop::sample::select(&["near>client", "near>r", "far>r", "far>server"][..]);
    (on, packet, any::<u64>(), action).prop_map(|(on, packet, at, action)| {
        let (conversation, kind, byte, transmission, nth, copy) = packet;
        let copy = copy.filter(|_| action.can_befall_copies());
        RecordedDecision {
            on: on.into(),
            packet: RecordedPacket { conversation, kind, byte, transmission, nth, copy },
            at: Instant::from_nanos(at),
            action,
        }
    })
}

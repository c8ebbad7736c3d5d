//! Recording and replaying whole worlds.

use super::*;
use crate::experiment::{Overrides, parse};
use crate::plan::Plan;
use crate::record::Silent;
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
        let times: Vec<_> = recording.decisions.iter().map(|decision| Some(decision.at)).collect();
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

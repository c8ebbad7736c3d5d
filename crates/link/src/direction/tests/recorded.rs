//! Decisions of chance: kept, and replayed.

use std::sync::Arc;

use faultwire_base::{Duration, Instant, PlaceId, SeedTree};
use faultwire_wire::Packet;

use super::packets::{flow, of_stream};
use super::{arrivals, at, events, millis, percent};
use crate::config::{Change, Corrupt, DirectionConfig, Distribution, Jitter, Loss, Reorder, ScheduledChange};
use crate::decision::{Decision, LinkEvent, NameId};
use crate::direction::Direction;
use crate::identity::{Conversation, PacketIdentity};
use crate::kind::PacketKind;
use crate::recorded::{ChanceAction, ChanceDecision, Met};
use crate::targeted::{Action, Match, Nth, TargetedFault};

/// Everything that chance can do, two changes of it in time, and copies that it judges.
fn impaired() -> DirectionConfig {
    let jitter = Jitter { amount: millis(3), distribution: Distribution::Normal, reorders: true };
    let fault = TargetedFault {
        name: "copies".into(),
        matching: Match::default(),
        nth: Nth::Ranges(vec![40..=60]),
        action: Action::Duplicate { copies: 2, delay: millis(1), impaired: true },
    };
    DirectionConfig {
        rate: "10Mbit".parse().ok(),
        delay: millis(10),
        jitter: Some(jitter),
        loss: Some(Loss::Random { probability: percent(10), max_burst: None }),
        duplicate: Some(percent(10)),
        corrupt: Some(Corrupt { probability: percent(10), bits: 3 }),
        reorder: Some(Reorder { probability: percent(10), gap: 2 }),
        faults: vec![fault],
        changes: vec![
            ScheduledChange {
                at: at(100),
                change: Change::SetLoss(Some(Loss::Pattern(Arc::new([true, false])))),
            },
            ScheduledChange { at: at(150), change: Change::SetReorder(None) },
            ScheduledChange { at: at(250), change: Change::Heal },
        ],
        ..DirectionConfig::default()
    }
}

fn direction(seed: u64) -> Direction {
    Direction::new(&impaired(), PlaceId(9), "wire>b", SeedTree::new(seed))
}

type Seen = (Vec<LinkEvent>, Vec<(Instant, Packet)>);

/// 300 packets, one a millisecond, the last of them when chance is over.
fn offered(mut direction: Direction) -> (Seen, Direction) {
    direction.bind_flow(NameId(0), flow(1));
    let mut arrived = Vec::new();
    for count in 1..=300 {
        arrived.extend(arrivals(&mut direction, at(count - 1)));
        direction.offer(at(count), of_stream(count, 1));
    }
    arrived.extend(arrivals(&mut direction, Instant::FAR_FUTURE));
    ((events(&mut direction), arrived), direction)
}

#[test]
fn keeping_decisions_changes_nothing_and_replaying_them_repeats_the_run() {
    for seed in 1..=20 {
        let (plain, _) = offered(direction(seed));
        let mut keeping = direction(seed);
        keeping.keep_decisions();
        let (kept, keeping) = offered(keeping);
        assert_eq!(plain, kept, "seed {seed}: to watch must not disturb");
        let decisions = keeping.decisions().to_vec();
        assert!(decisions.iter().all(|decision| decision.at < at(250)), "a heal ends chance");
        let kinds = [ChanceAction::Drop, ChanceAction::Duplicate, ChanceAction::SendAtOnce];
        for kind in kinds {
            assert!(decisions.iter().any(|decision| decision.action == kind), "seed {seed}: {kind:?}");
        }
        assert!(decisions.iter().any(|decision| decision.packet.copy.is_some()), "seed {seed}: copies");
        // Another seed has no say in a replay.
        let mut replaying = direction(seed + 1000);
        replaying.replay(decisions.clone());
        replaying.keep_decisions();
        let (replayed, replaying) = offered(replaying);
        assert_eq!(plain, replayed, "seed {seed}");
        assert_eq!(replaying.decisions(), decisions, "a replay kept is the same list");
        let met: Vec<_> = decisions.iter().map(|decision| Met::Decided(decision.at)).collect();
        assert_eq!(replaying.replayed(), met);
    }
}

fn decision(byte: u64, action: ChanceAction) -> ChanceDecision {
    let packet = PacketIdentity {
        conversation: Conversation::Named(NameId(0)),
        kind: Some(PacketKind::Data),
        byte: Some(byte),
        transmission: Some(1),
        nth: 1,
        copy: None,
    };
    ChanceDecision { packet, at: at(byte / 100 + 1), action }
}

#[test]
fn what_is_not_listed_passes_and_what_never_comes_is_told() {
    let mut direction = direction(1);
    direction.replay(vec![
        decision(500, ChanceAction::Drop),
        decision(999_900, ChanceAction::Drop),
        decision(700, ChanceAction::Delay { deviation: -4_000_000 }),
    ]);
    let ((told, arrived), direction) = offered(direction);
    let dropped: Vec<_> = told
        .iter()
        .filter(|event| matches!(event.decision, Decision::Dropped(_)))
        .map(|event| event.packet.count())
        .collect();
    assert_eq!(dropped, [6], "and no other");
    assert_eq!(direction.replayed(), [Met::Decided(at(6)), Met::Not, Met::Decided(at(8))]);
    let arrival =
        |count: u64| arrived.iter().find(|(_, packet)| packet.tag.id.count() == count).expect("it came").0;
    // 140 octets take 112 us at 10 Mbit/s.
    assert_eq!(arrival(8), at(8) + Duration::from_nanos(112_000) + millis(6));
    assert_eq!(arrival(9), at(9) + Duration::from_nanos(112_000) + millis(10));
}

#[test]
fn bits_past_the_end_of_a_packet_are_left_out() {
    let mut direction = direction(1);
    direction.replay(vec![
        decision(100, ChanceAction::Corrupt { bits: vec![3, 140 * 8] }),
        decision(200, ChanceAction::Corrupt { bits: vec![u32::MAX] }),
    ]);
    let ((told, _), _) = offered(direction);
    let corrupted: Vec<_> = told
        .iter()
        .filter_map(|event| match event.decision {
            Decision::Corrupted { bits, count, .. } => Some((event.packet.count(), bits[0], count)),
            _ => None,
        })
        .collect();
    assert_eq!(corrupted, [(2, 3, 1)]);
}

/// A heal ends the list as it ends chance, and a later change begins one impairment anew, not the others.
#[test]
fn a_heal_ends_the_list_until_chance_is_set_again() {
    let mut config = impaired();
    let loss = Loss::Random { probability: percent(1), max_burst: None };
    config.changes = vec![
        ScheduledChange { at: at(10), change: Change::Heal },
        ScheduledChange { at: at(20), change: Change::SetLoss(Some(loss)) },
    ];
    let list: Vec<_> = [500, 1500, 2500]
        .into_iter()
        .flat_map(|byte| [decision(byte, ChanceAction::Drop), decision(byte + 100, ChanceAction::Duplicate)])
        .collect();
    for heals_by_call in [false, true] {
        let mut direction = Direction::new(&config, PlaceId(9), "wire>b", SeedTree::new(1));
        direction.replay(list.clone());
        direction.keep_decisions();
        if heals_by_call {
            direction.cancel_changes();
            direction.heal(at(0));
        }
        let ((told, _), direction) = offered(direction);
        let counts = |what: fn(&Decision) -> bool| -> Vec<u64> {
            told.iter().filter(|event| what(&event.decision)).map(|event| event.packet.count()).collect()
        };
        let dropped = counts(|decision| matches!(decision, Decision::Dropped(_)));
        let copied = counts(|decision| matches!(decision, Decision::Duplicated { .. }));
        let [decided, healed] = [Met::Decided, Met::Healed];
        let kept: Vec<_> = direction.decisions().iter().map(|decision| decision.at).collect();
        if heals_by_call {
            assert_eq!((dropped, copied), (vec![], vec![]));
            assert_eq!(kept, []);
            assert_eq!(direction.replayed(), [6, 7, 16, 17, 26, 27].map(|count| healed(at(count))));
        } else {
            assert_eq!((dropped, copied), (vec![6, 26], vec![7]));
            assert_eq!(kept, [at(6), at(7), at(26)], "what was not done is not kept");
            let met = [
                decided(at(6)),
                decided(at(7)),
                healed(at(16)),
                healed(at(17)),
                decided(at(26)),
                healed(at(27)),
            ];
            assert_eq!(direction.replayed(), met);
        }
    }
}

#[test]
#[should_panic(expected = "Duplicate can't befall a copy")]
fn a_copy_is_not_copied() {
    let mut listed = decision(500, ChanceAction::Duplicate);
    listed.packet.copy = Some(1);
    direction(1).replay(vec![listed]);
}

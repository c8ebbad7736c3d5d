//! Changes in time: cuts, holds, other parameters, heal.

use faultwire_base::{Instant, Probability};

use super::packets::numbered;
use super::{
    arrivals, assert_conserved, at, decisions, direction, events, millis, percent, summary, ten_milliseconds,
};
use crate::config::{
    Change, Corrupt, DirectionConfig, Distribution, Jitter, Loss, Queue, QueueLimit, Reorder, ScheduledChange,
};
use crate::decision::{By, Decision, DropCause};
use crate::targeted::{Action, HoldUntil, Match, Nth, TargetedFault};

fn changing(changes: Vec<(u64, Change)>) -> DirectionConfig {
    let changes = changes.into_iter().map(|(millis, change)| ScheduledChange { at: at(millis), change });
    DirectionConfig { changes: changes.collect(), ..ten_milliseconds() }
}

/// Offers a packet each millisecond, counted from 1, and takes everything.
fn run(config: &DirectionConfig, packets: u64) -> (Vec<(u64, u64)>, Vec<Decision>) {
    let mut direction = direction(config);
    let mut taken = Vec::new();
    for count in 1..=packets {
        taken.extend(arrivals(&mut direction, at(count)));
        direction.offer(at(count), numbered(count));
    }
    taken.extend(arrivals(&mut direction, at(10_000)));
    assert_eq!(direction.in_flight(), direction.held());
    assert_conserved(&direction);
    (summary(&taken), decisions(&mut direction))
}

#[test]
fn a_cut_drops_what_enters() {
    let cut = changing(vec![(3, Change::Cut { in_flight_drop: false }), (5, Change::Uncut)]);
    let (arrived, told) = run(&cut, 6);
    assert_eq!(arrived, [(11, 1), (12, 2), (15, 5), (16, 6)]);
    assert_eq!(told, [Decision::Dropped(DropCause::Cut); 2]);
}

#[test]
fn a_cut_can_drop_what_travels_waits_and_is_held() {
    let hold = TargetedFault {
        name: "hold".into(),
        matching: Match::default(),
        nth: Nth::only(2),
        action: Action::Hold(HoldUntil::State),
    };
    // 1000 octets take 4 ms: the third and fourth packet wait when the link is cut.
    let config = DirectionConfig {
        rate: "2Mbit".parse().ok(),
        faults: vec![hold],
        ..changing(vec![(5, Change::Cut { in_flight_drop: true }), (6, Change::Uncut)])
    };
    let mut direction = direction(&config);
    for count in 1..=4 {
        direction.offer(at(count), numbered(count));
    }
    assert_eq!(direction.deadline(), Some(at(5)));
    direction.advance(at(5));
    assert_eq!((direction.in_flight(), direction.next_arrival()), (0, None));
    let dropped = events(&mut direction);
    let dropped = dropped.iter().filter(|event| event.decision == Decision::Dropped(DropCause::InFlightCut));
    assert!(dropped.clone().all(|event| event.at == at(5)));
    assert_eq!(dropped.count(), 4);
    assert_eq!(direction.counters().dropped.in_flight_cut.bytes, 4_000);
    // The sender is idle again.
    assert_eq!(direction.offer(at(6), numbered(5)).arrives, Some(at(20)));
    assert_conserved(&direction);
}

#[test]
fn a_change_applies_to_everything_at_its_instant() {
    let cut = changing(vec![(11, Change::Cut { in_flight_drop: true })]);
    let mut direction = direction(&cut);
    direction.offer(at(1), numbered(1));
    assert_eq!(direction.take_arrival(at(11)), None, "it would arrive at the instant of the cut");
    assert!(direction.offer(at(11), numbered(2)).arrives.is_none());
    let all = [DropCause::InFlightCut, DropCause::Cut].map(Decision::Dropped);
    assert_eq!(decisions(&mut direction), all);
}

#[test]
fn a_shorter_delay_keeps_order_and_a_longer_one_holds_for_later_packets() {
    let (arrived, _) =
        run(&changing(vec![(3, Change::SetDelay(millis(2))), (13, Change::SetDelay(millis(20)))]), 14);
    let late = |(at, count): &(u64, u64)| *at - *count;
    assert_eq!(arrived[..4], [(11, 1), (12, 2), (12, 3), (12, 4)]);
    assert_eq!(arrived[10..12].iter().map(late).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(arrived[12..].iter().map(late).collect::<Vec<_>>(), [20, 20]);
}

#[test]
fn rate_queue_and_mtu_change() {
    let limit = Queue::DropTail { limit: QueueLimit::Packets(0) };
    let config = changing(vec![
        (2, Change::SetRate("1Mbit".parse().ok())),
        (3, Change::SetQueue(limit)),
        (4, Change::SetRate(None)),
        (5, Change::SetMtu(Some(999))),
        (6, Change::SetMtu(None)),
    ]);
    let (arrived, told) = run(&config, 6);
    // The second packet takes 8 ms; the fourth passes the queue but not the second packet.
    assert_eq!(arrived, [(11, 1), (20, 2), (20, 4), (20, 6)]);
    assert_eq!(told, [DropCause::QueueFull, DropCause::TooBig(999)].map(Decision::Dropped));
}

#[test]
fn a_direction_that_holds_lets_go_in_order() {
    let (arrived, told) = run(&changing(vec![(2, Change::HoldAll), (30, Change::ReleaseAll)]), 4);
    assert_eq!(arrived, [(11, 1), (40, 2), (40, 3), (40, 4)]);
    let by = By::Timeline;
    let (held, released) = (Decision::Held { by }, Decision::Released { by });
    assert_eq!(told, [held, held, held, released, released, released]);
}

#[test]
fn a_fault_does_not_release_what_the_direction_holds() {
    let hold = TargetedFault {
        name: "hold".into(),
        matching: Match::default(),
        nth: Nth::only(1),
        action: Action::Hold(HoldUntil::Time(at(20))),
    };
    let config = DirectionConfig {
        faults: vec![hold],
        ..changing(vec![(1, Change::HoldAll), (30, Change::ReleaseAll)])
    };
    assert_eq!(run(&config, 1).0, [(40, 1)]);
}

#[test]
fn heal_ends_everything() {
    let drop = |nth, action| TargetedFault { name: "f".into(), matching: Match::default(), nth, action };
    let config = DirectionConfig {
        jitter: Some(Jitter { amount: millis(5), distribution: Distribution::Uniform, reorders: true }),
        loss: Some(Loss::Random { probability: percent(50), max_burst: None }),
        duplicate: Some(percent(50)),
        corrupt: Some(Corrupt { probability: percent(50), bits: 1 }),
        reorder: Some(Reorder { probability: percent(50), gap: 1 }),
        faults: vec![
            drop(Nth::only(1), Action::Hold(HoldUntil::State)),
            drop(Nth::Ranges(vec![60..=70]), Action::Drop),
        ],
        ..changing(vec![
            (5, Change::SetDelay(millis(30))),
            (5, Change::SetRate("1kbit".parse().ok())),
            (5, Change::SetMtu(Some(68))),
            (6, Change::HoldAll),
            (40, Change::Cut { in_flight_drop: true }),
            (50, Change::Heal),
        ])
    };
    let mut direction = direction(&config);
    for count in 1..=49 {
        direction.offer(at(count), numbered(count));
        arrivals(&mut direction, at(count));
    }
    arrivals(&mut direction, at(50));
    while direction.event().is_some() {}
    for count in 50..=200 {
        let offer = direction.offer(at(count), numbered(count));
        assert_eq!((offer.arrives, offer.noted), (Some(at(count + 10)), false));
    }
    assert_conserved(&direction);
}

#[test]
fn healed_by_hand_it_lets_go_what_it_holds() {
    let hold = TargetedFault {
        name: "hold".into(),
        matching: Match::default(),
        nth: Nth::Every,
        action: Action::Hold(HoldUntil::Time(at(500))),
    };
    let mut direction = direction(&DirectionConfig { faults: vec![hold], ..ten_milliseconds() });
    direction.offer(at(1), numbered(1));
    direction.heal(at(5));
    assert_eq!((direction.next_arrival(), direction.deadline()), (Some(at(15)), None));
    assert_eq!(direction.offer(at(6), numbered(2)).arrives, Some(at(16)));
    assert_eq!(summary(&arrivals(&mut direction, at(100))), [(15, 1), (16, 2)]);
}

#[test]
fn setting_nothing_on_a_plain_direction_leaves_it_plain() {
    let (arrived, told) = run(&changing(vec![(1, Change::SetLoss(None)), (1, Change::SetJitter(None))]), 2);
    assert_eq!((arrived, told), (vec![(11, 1), (12, 2)], vec![]));
}

#[test]
fn loss_can_begin_later() {
    let loss = Loss::Random { probability: Probability::ALWAYS, max_burst: None };
    let (arrived, _) = run(&changing(vec![(3, Change::SetLoss(Some(loss))), (4, Change::SetLoss(None))]), 4);
    assert_eq!(arrived, [(11, 1), (12, 2), (14, 4)]);
}

#[test]
fn advancing_early_is_harmless() {
    let mut direction = direction(&changing(vec![(5, Change::Cut { in_flight_drop: true })]));
    direction.offer(Instant::ZERO, numbered(1));
    direction.advance(at(4));
    assert_eq!((direction.deadline(), direction.in_flight()), (Some(at(5)), 1));
}

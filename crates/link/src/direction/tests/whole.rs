//! Laws of a direction under anything: conservation, clones, order, and the plain way through.

use faultwire_base::{Duration, Instant, Probability};
use faultwire_wire::Packet;
use proptest::prelude::*;

use super::packets::numbered;
use super::{arrivals, assert_conserved, at, direction, events, millis, percent, summary, ten_milliseconds};
use crate::config::{
    Change, Corrupt, DirectionConfig, Distribution, Jitter, Loss, Queue, QueueLimit, Reorder, ScheduledChange,
};
use crate::decision::{Decision, DropCause};
use crate::direction::{Direction, Offer};
use crate::targeted::{Action, HoldUntil, Match, Nth, TargetedFault};

#[test]
fn delay_is_length_over_rate_plus_delay() {
    // O11: L/C + D, and the k-th of a burst waits k * L/C longer.
    let mut direction = direction(&DirectionConfig { rate: "8Mbit".parse().ok(), ..ten_milliseconds() });
    for k in 1..=5 {
        assert_eq!(direction.offer(at(0), numbered(k)).arrives, Some(at(10 + k)));
    }
    assert_eq!(direction.next_arrival(), Some(at(11)));
    assert_eq!(direction.take_arrival(at(10)), None);
    assert_eq!(summary(&arrivals(&mut direction, at(100))), [(11, 1), (12, 2), (13, 3), (14, 4), (15, 5)]);
}

/// A packet that is made in its place and handled where it lies is the same as one that is handed over and taken; many
/// rounds go through the same few slots.
#[test]
fn packets_are_handled_where_they_lie() {
    let config = DirectionConfig { rate: "8Mbit".parse().ok(), ..ten_milliseconds() };
    let (mut first, mut second, mut plain) =
        (direction(&config), direction(&ten_milliseconds()), direction(&config));
    for round in 0..20 {
        let start = 100 * round;
        for k in 1..=3 {
            *first.place() = numbered(3 * round + k);
            let offer = first.offer_placed(at(start));
            assert_eq!(offer, plain.offer(at(start), numbered(3 * round + k)));
            assert_eq!(offer.is_next, k == 1, "only the first is the next arrival");
        }
        for k in 1..=3 {
            let now = at(start + 10 + k);
            assert_eq!(first.arrived(at(start + 10)), None);
            assert_eq!(first.arrived(now).cloned(), plain.take_arrival(now));
            first.pass_arrived_on(&mut second);
            second.offer_placed(now);
        }
        let passed = summary(&arrivals(&mut second, at(start + 90)));
        let expected: Vec<_> = (1..=3).map(|k| (start + 20 + k, 3 * round + k)).collect();
        assert_eq!(passed, expected);
    }
    assert_eq!(first.counters(), plain.counters());
    assert_conserved(&first);
    assert_conserved(&second);
}

#[test]
fn first_drop_of_a_burst_is_packet_b_plus_2() {
    // O11, through the whole direction.
    let queue = Queue::DropTail { limit: QueueLimit::Packets(3) };
    let mut direction =
        direction(&DirectionConfig { rate: "8Mbit".parse().ok(), queue, ..ten_milliseconds() });
    for count in 1..=6 {
        direction.offer(at(0), numbered(count));
    }
    let dropped: Vec<_> = events(&mut direction).iter().map(|it| (it.packet.count(), it.decision)).collect();
    let full = Decision::Dropped(DropCause::QueueFull);
    assert_eq!(dropped, [(5, full), (6, full)]);
    assert_eq!(direction.counters().dropped.queue_full.packets, 2);
    assert_conserved(&direction);
}

#[test]
fn what_is_too_big_is_told_with_the_mtu() {
    let mut direction = direction(&DirectionConfig { mtu: Some(999), ..ten_milliseconds() });
    let offer = direction.offer(at(0), numbered(1));
    assert_eq!(offer, Offer { noted: true, ..Offer::default() });
    assert_eq!(events(&mut direction)[0].decision, Decision::Dropped(DropCause::TooBig(999)));
}

#[test]
fn without_delay_a_packet_is_seen_after_settling() {
    let mut direction = direction(&DirectionConfig::default());
    let offer = direction.offer(at(1), numbered(1));
    assert_eq!(offer, Offer { arrives: Some(at(1)), is_next: true, noted: false, unsettled: true });
    assert_eq!(
        (direction.next_arrival(), direction.take_arrival(at(1)), direction.in_flight()),
        (None, None, 1)
    );
    direction.settle();
    assert_eq!(direction.next_arrival(), Some(at(1)));
    assert!(direction.take_arrival(at(1)).is_some());
}

fn probability() -> impl Strategy<Value = Option<Probability>> {
    prop_oneof![Just(None), (0u64..=100).prop_map(|part| Some(percent(part)))]
}

fn loss() -> impl Strategy<Value = Option<Loss>> {
    let random = |probability| Loss::Random { probability, max_burst: Some(3) };
    prop_oneof![
        probability().prop_map(move |chance| chance.map(random)),
        Just(Some(Loss::Pattern([true, false].into()))),
    ]
}

fn jitter() -> impl Strategy<Value = Option<Jitter>> {
    let jitter =
        |(amount, reorders)| Jitter { amount: millis(amount), distribution: Distribution::Normal, reorders };
    prop::option::of((0u64..20, any::<bool>()).prop_map(jitter))
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        Just(Action::Drop),
        (0u64..30).prop_map(|extra| Action::Delay(millis(extra))),
        (0u64..90).prop_map(|end| Action::Hold(HoldUntil::Time(at(end)))),
        Just(Action::Hold(HoldUntil::State)),
        (0u32..3, 0u64..30, any::<bool>()).prop_map(|(copies, delay, impaired)| {
            Action::Duplicate { copies, delay: millis(delay), impaired }
        }),
        Just(Action::Corrupt { bits: vec![3, 9_999_999] }),
    ]
}

fn fault() -> impl Strategy<Value = TargetedFault> {
    (action(), 1u64..40, 0u64..20).prop_map(|(action, first, more)| TargetedFault {
        name: "fault".into(),
        matching: Match::default(),
        nth: Nth::Ranges(vec![first..=first + more]),
        action,
    })
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any::<bool>().prop_map(|in_flight_drop| Change::Cut { in_flight_drop }),
        Just(Change::Uncut),
        Just(Change::HoldAll),
        Just(Change::ReleaseAll),
        Just(Change::Heal),
        Just(Change::SetRate(None)),
        Just(Change::SetRate("3Mbit".parse().ok())),
        (0u64..20).prop_map(|delay| Change::SetDelay(millis(delay))),
        loss().prop_map(Change::SetLoss),
        jitter().prop_map(Change::SetJitter),
        Just(Change::SetMtu(Some(500))),
        Just(Change::SetMtu(None)),
    ]
}

prop_compose! {
    fn config()(
        delay in 0u64..20,
        rate in prop::option::of(500_000u64..50_000_000),
        limit in 0u32..8,
        loss in loss(),
        jitter in jitter(),
        (duplicate, corrupt, reorder) in (probability(), probability(), probability()),
        faults in prop::collection::vec(fault(), 0..3),
        changes in prop::collection::vec((0u64..80, change()), 0..6),
    ) -> DirectionConfig {
        DirectionConfig {
            rate: rate.and_then(faultwire_base::BitRate::from_bits_per_second),
            delay: millis(delay),
            jitter,
            loss,
            loss_marks: delay % 2 == 1,
            duplicate,
            corrupt: corrupt.map(|probability| Corrupt { probability, bits: 2 }),
            reorder: reorder.map(|probability| Reorder { probability, gap: 2 }),
            queue: Queue::DropTail { limit: QueueLimit::Packets(limit) },
            mtu: None,
            faults,
            changes: changes
                .into_iter()
                .map(|(millis, change)| ScheduledChange { at: at(millis), change })
                .collect(),
        }
    }
}

/// Offers packets after the gaps given (in 0.1 ms) and takes what arrives meanwhile; `spurious` calls come between.
fn drive(direction: &mut Direction, from: Instant, gaps: &[u64], spurious: bool) -> Vec<(Instant, Packet)> {
    let mut taken = Vec::new();
    let mut now = from;
    for (count, gap) in (1..).zip(gaps) {
        now += Duration::from_micros(100 * gap);
        taken.extend(arrivals(direction, now));
        if spurious {
            direction.advance(now);
            let _ = (direction.deadline(), direction.next_arrival());
            taken.extend(std::iter::from_fn(|| direction.take_arrival(now)).map(|packet| (now, packet)));
        }
        let before = direction.in_flight();
        let offer = direction.offer(now, numbered(count));
        assert!(offer.arrives.is_none_or(|arrival| arrival >= now));
        assert_eq!(offer.unsettled, direction.is_unsettled());
        assert!(offer.arrives.is_none() || direction.in_flight() > before);
        direction.settle();
        assert_conserved(direction);
    }
    taken.extend(arrivals(direction, now + millis(1_000)));
    assert_conserved(direction);
    assert_eq!(direction.in_flight(), direction.held(), "only what nobody releases stays");
    taken
}

proptest! {
    #[test]
    fn nothing_is_made_or_lost_unseen(config in config(), gaps in prop::collection::vec(0u64..30, 1..60)) {
        // O12, checked after every packet.
        let mut direction = direction(&config);
        let taken = drive(&mut direction, Instant::ZERO, &gaps, false);
        prop_assert!(taken.is_sorted_by_key(|(at, _)| *at));
        prop_assert_eq!(direction.counters().delivered.packets, taken.len() as u64);
        prop_assert_eq!(direction.counters().offered.packets, gaps.len() as u64);
        let told = events(&mut direction);
        let dropped = told.iter().filter(|event| matches!(event.decision, Decision::Dropped(_)));
        prop_assert_eq!(direction.counters().dropped.total().packets, dropped.count() as u64);
    }

    #[test]
    fn a_clone_goes_on_alike(
        config in config(),
        first in prop::collection::vec(0u64..30, 1..30),
        second in prop::collection::vec(0u64..30, 1..30),
    ) {
        // DESIGN D9.
        let mut original = direction(&config);
        for (count, gap) in (1..).zip(&first) {
            original.offer(Instant::from_nanos(gap + count * 1_000_000), numbered(count));
            original.settle();
        }
        let mut clone = original.clone();
        let from = Instant::from_nanos(31_000_000);
        prop_assert_eq!(drive(&mut original, from, &second, false), drive(&mut clone, from, &second, false));
        prop_assert_eq!(events(&mut original), events(&mut clone));
        prop_assert_eq!(original.counters(), clone.counters());
    }

    #[test]
    fn needless_calls_change_nothing(config in config(), gaps in prop::collection::vec(0u64..30, 1..60)) {
        // DESIGN D2.
        let (mut quiet, mut busy) = (direction(&config), direction(&config));
        let taken = drive(&mut quiet, Instant::ZERO, &gaps, false);
        prop_assert_eq!(taken, drive(&mut busy, Instant::ZERO, &gaps, true));
        prop_assert_eq!(events(&mut quiet), events(&mut busy));
    }

    #[test]
    fn order_is_kept_where_nothing_reorders(
        config in config(),
        gaps in prop::collection::vec(0u64..30, 1..60),
    ) {
        let jitter = config.jitter.map(|jitter| Jitter { reorders: false, ..jitter });
        let calm = |change: &ScheduledChange| !matches!(&change.change, Change::SetJitter(Some(it)) if it.reorders);
        let changes = config.changes.into_iter().filter(calm).collect();
        let config = DirectionConfig { jitter, changes, duplicate: None, reorder: None, faults: vec![], ..config };
        let taken = drive(&mut direction(&config), Instant::ZERO, &gaps, false);
        prop_assert!(taken.is_sorted_by_key(|(_, packet)| packet.tag.id.count()));
    }
}

//! Random impairments in a direction: what they do, and that none moves another's draws (DESIGN D3).

use faultwire_base::{Instant, Probability};
use faultwire_wire::{Body, EcnCodepoint, Packet};

use super::packets::numbered;
use super::{
    arrivals, assert_conserved, at, decisions, direction, events, millis, percent, summary, ten_milliseconds,
};
use crate::config::{Change, Corrupt, DirectionConfig, Distribution, Jitter, Loss, Reorder, ScheduledChange};
use crate::decision::{By, Decision, DropCause, LinkEvent};
use crate::field::HeaderField;
use crate::targeted::{Action, Match, Nth, TargetedFault};

const PACKETS: u64 = 2_000;

fn impaired() -> DirectionConfig {
    DirectionConfig {
        jitter: Some(Jitter { amount: millis(5), distribution: Distribution::Normal, reorders: true }),
        loss: Some(Loss::Random { probability: percent(20), max_burst: None }),
        duplicate: Some(percent(10)),
        corrupt: Some(Corrupt { probability: percent(10), bits: 3 }),
        reorder: Some(Reorder { probability: percent(5), gap: 3 }),
        ..ten_milliseconds()
    }
}

/// Everything that a direction tells about packets offered one a millisecond.
fn told(config: &DirectionConfig) -> Vec<LinkEvent> {
    let mut direction = direction(config);
    let mut told = Vec::new();
    for count in 1..=PACKETS {
        direction.offer(at(count), numbered(count));
        told.extend(events(&mut direction));
        arrivals(&mut direction, at(count));
    }
    arrivals(&mut direction, at(PACKETS + 1_000));
    assert_conserved(&direction);
    told
}

fn which(told: &[LinkEvent], wanted: impl Fn(&Decision) -> bool) -> Vec<u64> {
    told.iter().filter(|event| wanted(&event.decision)).map(|event| event.packet.count()).collect()
}

fn lost(told: &[LinkEvent]) -> Vec<u64> {
    which(told, |decision| *decision == Decision::Dropped(DropCause::Loss))
}

#[test]
fn an_impairment_moves_no_draw_of_another() {
    let all = told(&impaired());
    let only_loss = told(&DirectionConfig { loss: impaired().loss, ..ten_milliseconds() });
    assert!(!lost(&all).is_empty());
    assert_eq!(lost(&all), lost(&only_loss));

    let no_loss = told(&DirectionConfig { loss: None, ..impaired() });
    let survives = |count: &u64| !lost(&all).contains(count);
    for wanted in [
        |decision: &Decision| matches!(decision, Decision::Corrupted { .. }),
        |decision: &Decision| matches!(decision, Decision::Duplicated { .. }),
        |decision: &Decision| matches!(decision, Decision::Reordered { .. }),
    ] {
        let without_loss: Vec<u64> = which(&no_loss, wanted).into_iter().filter(survives).collect();
        assert!(!without_loss.is_empty());
        assert_eq!(which(&all, wanted), without_loss);
    }
}

#[test]
fn a_cut_or_a_fault_moves_no_draw() {
    let whole = told(&impaired());
    let cut = DirectionConfig {
        changes: vec![
            ScheduledChange { at: at(100), change: Change::Cut { in_flight_drop: false } },
            ScheduledChange { at: at(200), change: Change::Uncut },
        ],
        ..impaired()
    };
    let outside = |count: &u64| !(100..200).contains(count);
    let expected: Vec<u64> = lost(&whole).into_iter().filter(outside).collect();
    assert_eq!(lost(&told(&cut)), expected);

    let drops = TargetedFault {
        name: "tenth".into(),
        matching: Match::default(),
        nth: Nth::Ranges(vec![10..=20]),
        action: Action::Drop,
    };
    let outside = |count: &u64| !(10..=20).contains(count);
    let expected: Vec<u64> = lost(&whole).into_iter().filter(outside).collect();
    assert_eq!(lost(&told(&DirectionConfig { faults: vec![drops], ..impaired() })), expected);
}

#[test]
fn impaired_copies_draw_from_streams_of_their_own() {
    let copies = TargetedFault {
        name: "copies".into(),
        matching: Match::default(),
        nth: Nth::Every,
        action: Action::Duplicate { copies: 1, delay: millis(3), impaired: true },
    };
    let own = |told: &[LinkEvent]| {
        let lost = told.iter().filter(|event| event.decision == Decision::Dropped(DropCause::Loss));
        let own = lost.filter(|event| event.packet.origin().0 == 1);
        own.map(|event| event.packet.count()).collect::<Vec<u64>>()
    };
    let with = told(&DirectionConfig { faults: vec![copies], ..impaired() });
    assert_eq!(own(&with), own(&told(&impaired())));
    let lost_copies = lost(&with).len() - own(&with).len();
    assert!((300..500).contains(&lost_copies), "20 % of 2000 copies: {lost_copies}");
}

#[test]
fn jitter_keeps_order_unless_asked() {
    let order = |reorders| {
        let jitter = Jitter { amount: millis(8), distribution: Distribution::Uniform, reorders };
        let mut direction = direction(&DirectionConfig { jitter: Some(jitter), ..ten_milliseconds() });
        for count in 1..=PACKETS {
            direction.offer(at(count), numbered(count));
        }
        let arrivals = arrivals(&mut direction, at(PACKETS + 100));
        let counts: Vec<u64> = summary(&arrivals).into_iter().map(|(_, count)| count).collect();
        assert_eq!(counts.len() as u64, PACKETS);
        counts
    };
    assert!(order(false).is_sorted());
    assert!(!order(true).is_sorted());
}

#[test]
fn jitter_larger_than_the_delay_never_arrives_before_it_is_sent() {
    let jitter = Jitter { amount: millis(50), distribution: Distribution::Uniform, reorders: true };
    let mut direction = direction(&DirectionConfig { jitter: Some(jitter), ..ten_milliseconds() });
    for count in 1..=100 {
        let now = at(count * 100);
        let offer = direction.offer(now, numbered(count));
        assert!(offer.arrives.unwrap() >= now);
        assert_eq!(offer.unsettled, offer.arrives == Some(now));
        direction.settle();
    }
}

#[test]
fn reordered_packets_overtake_by_the_gap() {
    let reorder = Some(Reorder { probability: Probability::ALWAYS, gap: 5 });
    let mut direction = direction(&DirectionConfig { reorder, ..ten_milliseconds() });
    for count in 1..=10 {
        direction.offer(at(count), numbered(count));
        direction.settle();
    }
    // netem's manual: with gap 5 every fifth packet is sent at once.
    let reordered: Vec<u64> = events(&mut direction).iter().map(|event| event.packet.count()).collect();
    assert_eq!(reordered, [5, 10]);
    let order: Vec<u64> =
        summary(&arrivals(&mut direction, at(100))).into_iter().map(|(_, count)| count).collect();
    assert_eq!(order, [5, 10, 1, 2, 3, 4, 6, 7, 8, 9]);
    assert_eq!(direction.counters().reordered, 2);
}

#[test]
fn corruption_flips_different_bits_and_tells_which() {
    let corrupt = Some(Corrupt { probability: Probability::ALWAYS, bits: 3 });
    let mut direction = direction(&DirectionConfig { corrupt, ..ten_milliseconds() });
    for count in 1..=200 {
        let packet = numbered(count);
        direction.offer(at(count), packet.clone());
        let [Decision::Corrupted { bits: [first, second, third, none], count: 3, by: By::Random }] =
            decisions(&mut direction)[..]
        else {
            panic!("one corruption of three bits")
        };
        assert_eq!(none, u32::MAX);
        assert!(first != second && second != third && first != third);
        let (_, arrived) = arrivals(&mut direction, at(count + 10)).pop().unwrap();
        assert_eq!(arrived, packet.corrupt(&[first, second, third]));
    }
}

#[test]
fn every_bit_of_a_small_packet_can_flip() {
    let corrupt = Some(Corrupt { probability: Probability::ALWAYS, bits: 64 });
    let mut direction = direction(&DirectionConfig { corrupt, ..ten_milliseconds() });
    let mut flipped = vec![0u32; 28 * 8];
    for _ in 0..200 {
        let packet = super::packets::datagram(0);
        let plain = packet.encode();
        direction.offer(Instant::ZERO, packet);
        let (_, arrived) = arrivals(&mut direction, at(10)).pop().unwrap();
        let different = plain.iter().zip(arrived.encode()).map(|(a, b)| (a ^ b).count_ones()).sum::<u32>();
        assert_eq!(different, 64);
        for (octet, (a, b)) in plain.iter().zip(arrived.encode()).enumerate() {
            for bit in 0..8 {
                flipped[octet * 8 + bit] += u32::from((a ^ b) >> bit & 1);
            }
        }
    }
    // Each of the 224 bits flips with probability 64 / 224: 57 of 200 times, give or take 6.4.
    assert!(flipped.iter().all(|times| (30..90).contains(times)), "{flipped:?}");
}

#[test]
fn a_random_copy_follows_its_original() {
    let duplicate = Some(Probability::ALWAYS);
    let rate = "8Mbit".parse().ok();
    let mut direction = direction(&DirectionConfig { duplicate, rate, ..ten_milliseconds() });
    direction.offer(at(0), numbered(1));
    let [LinkEvent { decision: Decision::Duplicated { copy, by: By::Random }, packet, .. }] =
        events(&mut direction)[..]
    else {
        panic!("one copy")
    };
    let arrivals = arrivals(&mut direction, at(100));
    // 1000 octets take 1 ms at 8 Mbit/s.
    let seen: Vec<_> = arrivals.iter().map(|(at, packet)| (*at, packet.tag.id, packet.tag.parent)).collect();
    assert_eq!(seen, [(at(11), packet, faultwire_base::PacketId::NONE), (at(12), copy, packet)]);
    assert_conserved(&direction);
}

#[test]
fn an_impairment_set_again_goes_on_with_its_stream() {
    let loss = || Some(Loss::Random { probability: percent(50), max_burst: None });
    let set = |millis, loss| ScheduledChange { at: at(millis), change: Change::SetLoss(loss) };
    let always = told(&DirectionConfig { loss: loss(), ..ten_milliseconds() });
    let paused = DirectionConfig {
        changes: vec![set(1, loss()), set(501, None), set(1001, loss())],
        ..ten_milliseconds()
    };
    let expected: Vec<u64> = lost(&always)
        .into_iter()
        .filter(|count| *count <= PACKETS - 500)
        .map(|count| if count > 500 { count + 500 } else { count })
        .collect();
    assert_eq!(lost(&told(&paused)), expected);
}

/// netem's `ecn`: what is ECN-capable is marked where it would be lost (RFC 3168 §5), the rest is lost.
#[test]
fn loss_marks_packets_that_are_capable() {
    let loss = Some(Loss::Random { probability: Probability::ALWAYS, max_burst: None });
    let config = DirectionConfig { loss, loss_marks: true, ..ten_milliseconds() };
    let mut direction = direction(&config);
    let with = |count, class| {
        let mut packet = numbered(count);
        packet.ip.traffic_class = class;
        packet
    };
    for (count, class) in [(1, 0xb8), (2, 0xb9), (3, 0xba), (4, 0xbb)] {
        direction.offer(at(0), with(count, class));
    }
    let raw = Packet { body: Body::Raw(with(5, 2).encode().into()), ..with(5, 2) };
    direction.offer(at(0), raw);
    let seen: Vec<_> = arrivals(&mut direction, at(100)).iter().map(|(_, it)| it.ip.traffic_class).collect();
    assert_eq!(seen, [0xbb; 3]);
    let by = By::Random;
    let marked = Decision::Rewritten { by, field: HeaderField::Ecn, value: EcnCodepoint::Ce as u64 };
    let lost = Decision::Dropped(DropCause::Loss);
    assert_eq!(decisions(&mut direction), [lost, marked, marked, marked, lost]);
    assert_eq!((direction.counters().marked, direction.counters().dropped.loss.packets), (3, 2));
    assert_conserved(&direction);
}

/// The same draws mark that would lose: a run with marks loses no other packet.
#[test]
fn marks_are_set_from_a_time_on() {
    let loss = Some(Loss::Random { probability: Probability::ALWAYS, max_burst: None });
    let change = |millis, marks| ScheduledChange { at: at(millis), change: Change::SetLossMarks(marks) };
    let changes = vec![change(2, true), change(4, false)];
    let mut direction = direction(&DirectionConfig { loss, changes, ..ten_milliseconds() });
    for millis in 1..=5 {
        let mut packet = numbered(millis);
        packet.ip.traffic_class = EcnCodepoint::Ect0 as u8;
        direction.offer(at(millis), packet);
    }
    assert_eq!(summary(&arrivals(&mut direction, at(100))), [(12, 2), (13, 3)]);
}

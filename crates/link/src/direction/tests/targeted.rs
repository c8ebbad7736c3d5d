//! Targeted faults: which packets they pick and what they do.

use faultwire_base::PacketId;
use faultwire_wire::{Body, Flags, Packet, Reason};
use proptest::prelude::*;

use super::packets::{flagged, flow, numbered, of_stream, segment};
use super::{
    arrivals, assert_conserved, at, decisions, direction, events, millis, summary, ten_milliseconds,
};
use crate::config::DirectionConfig;
use crate::counters::FaultCounts;
use crate::decision::{By, Decision, DropCause, FaultIndex, NameId};
use crate::direction::Direction;
use crate::field::HeaderField;
use crate::kind::PacketKind;
use crate::targeted::{Action, FieldMatch, HoldUntil, Match, Nth, TargetedFault};

fn fault(matching: Match, nth: Nth, action: Action) -> TargetedFault {
    TargetedFault { name: "fault".into(), matching, nth, action }
}

fn with(faults: Vec<TargetedFault>) -> Direction {
    direction(&DirectionConfig { faults, ..ten_milliseconds() })
}

/// Counts of the packets that a drop with these keys takes, each offered at its count in milliseconds.
fn dropped(matching: Match, nth: Nth, packets: Vec<Packet>) -> Vec<u64> {
    let mut direction = with(vec![fault(matching, nth, Action::Drop)]);
    direction.bind_flow(NameId(5), flow(1));
    for (millis, packet) in (1..).zip(packets) {
        direction.offer(at(millis), packet);
    }
    assert_conserved(&direction);
    events(&mut direction).iter().map(|event| event.packet.count()).collect()
}

fn stream() -> Vec<Packet> {
    (1..=6).map(|count| of_stream(count, if count > 4 { 2 } else { 1 })).collect()
}

#[test]
fn nth_counts_what_satisfies_the_other_keys() {
    let second = Match { transmission: Some(2), ..Match::default() };
    assert_eq!(dropped(second.clone(), Nth::only(2), stream()), [6]);
    assert_eq!(dropped(second, Nth::Every, stream()), [5, 6]);
    assert_eq!(dropped(Match::default(), Nth::Ranges(vec![1..=2, 6..=9]), stream()), [1, 2, 6]);
}

#[test]
fn a_byte_is_where_its_payload_is() {
    for (byte, expected) in [(0, vec![1]), (99, vec![1]), (100, vec![2]), (599, vec![6]), (600, vec![])] {
        let matching = Match { byte: Some(byte), ..Match::default() };
        assert_eq!(dropped(matching, Nth::Every, stream()), expected, "{byte}");
    }
}

#[test]
fn a_window_of_time_is_open_at_its_end() {
    let matching = Match { from: Some(at(2)), until: Some(at(4)), ..Match::default() };
    assert_eq!(dropped(matching, Nth::Every, stream()), [2, 3]);
}

#[test]
fn fields_match_by_range() {
    let field = |field, range| FieldMatch { field, range };
    let matching = |fields| Match { fields, ..Match::default() };
    let length = field(HeaderField::PayloadLength, 100..=200);
    assert_eq!(dropped(matching(vec![length.clone()]), Nth::Every, stream()).len(), 6);
    let seq = field(HeaderField::Seq, 1..=5);
    assert_eq!(dropped(matching(vec![length, seq.clone()]), Nth::Every, stream()).len(), 0);
    // A datagram has no sequence number, so nothing can be said of it.
    assert_eq!(dropped(matching(vec![seq]), Nth::Every, vec![numbered(1)]).len(), 0);
}

#[test]
fn a_name_means_nothing_before_it_is_bound() {
    let named = |name| Match { conn: Some(NameId(name)), ..Match::default() };
    assert_eq!(dropped(named(5), Nth::only(1), stream()), [1]);
    assert_eq!(dropped(named(6), Nth::Every, stream()).len(), 0);
    let mut other = stream();
    other[0].tag.flow = flow(2);
    assert_eq!(dropped(named(5), Nth::only(1), other), [2]);
}

#[test]
fn kinds() {
    let reason = |reason, length| {
        let mut packet = segment(length);
        packet.tag.reason = reason;
        packet
    };
    use PacketKind as K;
    for (packet, kind, also) in [
        (flagged(Flags::SYN, 0), Some(K::Syn), vec![]),
        (flagged(Flags::SYN | Flags::ACK, 0), Some(K::SynAck), vec![]),
        (flagged(Flags::SYN | Flags::RST, 0), Some(K::Rst), vec![]),
        (flagged(Flags::SYN, 10), Some(K::Syn), vec![K::Data]),
        (flagged(Flags::FIN | Flags::ACK, 0), Some(K::Fin), vec![]),
        (flagged(Flags::FIN | Flags::ACK, 10), Some(K::Fin), vec![K::Data]),
        (flagged(Flags::RST, 10), Some(K::Rst), vec![]),
        (segment(0), Some(K::PureAck), vec![]),
        (segment(1), Some(K::Data), vec![]),
        (reason(Reason::WindowUpdate, 0), Some(K::WindowUpdate), vec![K::PureAck]),
        (reason(Reason::WindowUpdate, 1), Some(K::Data), vec![]),
        (reason(Reason::ZeroWindowProbe, 0), Some(K::ZeroWindowProbe), vec![K::PureAck]),
        (reason(Reason::ZeroWindowProbe, 1), Some(K::ZeroWindowProbe), vec![K::Data]),
        (flagged(Flags::NONE, 0), None, vec![]),
        (numbered(1), Some(K::Udp), vec![]),
        (segment(1).corrupt(&[3]), None, vec![]),
    ] {
        assert_eq!(PacketKind::of(&packet), kind);
        for candidate in PacketKind::ALL {
            let expected = kind == Some(candidate) || also.contains(&candidate);
            let covered = kind.is_some_and(|kind| candidate.covers(kind, &packet));
            assert_eq!(covered, expected, "{candidate:?} of {packet:?}");
        }
    }
}

#[test]
fn a_delay_lets_others_pass() {
    let mut direction = with(vec![fault(Match::default(), Nth::only(1), Action::Delay(millis(5)))]);
    for count in 1..=3 {
        direction.offer(at(count), numbered(count));
    }
    assert_eq!(summary(&arrivals(&mut direction, at(100))), [(12, 2), (13, 3), (16, 1)]);
    let delayed = Decision::Delayed { by: By::Fault(FaultIndex(0)), extra: millis(5) };
    assert_eq!(decisions(&mut direction), [delayed]);
}

#[test]
fn copies_have_names_and_a_delay_of_their_own() {
    let action = Action::Duplicate { copies: 2, delay: millis(7), impaired: false };
    let mut direction = with(vec![fault(Match::default(), Nth::only(2), action)]);
    direction.offer(at(1), numbered(1));
    direction.offer(at(2), numbered(2));
    direction.offer(at(3), numbered(3));
    let arrivals = arrivals(&mut direction, at(100));
    let seen: Vec<_> = arrivals.iter().map(|(at, packet)| (*at, packet.tag.parent)).collect();
    let (none, second) = (PacketId::NONE, numbered(2).tag.id);
    assert_eq!(seen, [(at(11), none), (at(12), none), (at(13), none), (at(19), second), (at(19), second)]);
    assert_ne!(arrivals[3].1.tag.id, arrivals[4].1.tag.id);
    assert_eq!(direction.fault_counts(0), FaultCounts { matched: 1, acted: 1 });
    assert_ne!(direction.next_packet_id(), arrivals[4].1.tag.id);
}

#[test]
fn faults_apply_in_order_and_a_drop_ends_it() {
    let rewrite = |value| Action::Rewrite { field: HeaderField::Window, value };
    let every = |action| fault(Match::default(), Nth::Every, action);
    let window = FieldMatch { field: HeaderField::Window, range: 7..=7 };
    let copy = Action::Duplicate { copies: 1, delay: millis(1), impaired: false };
    let mut direction = with(vec![
        every(rewrite(7)),
        fault(Match { fields: vec![window], ..Match::default() }, Nth::Every, copy),
        every(Action::Drop),
        every(rewrite(9)),
    ]);
    direction.offer(at(1), of_stream(1, 1));
    let by = By::Fault(FaultIndex(0));
    let [rewritten, Decision::Duplicated { .. }, dropped] = decisions(&mut direction)[..] else { panic!() };
    assert_eq!(rewritten, Decision::Rewritten { by, field: HeaderField::Window, value: 7 });
    assert_eq!(dropped, Decision::Dropped(DropCause::Fault(FaultIndex(2))));
    assert_eq!(direction.fault_counts(3), FaultCounts::default());
    // The copy was made of what the first fault had left.
    let arrivals = arrivals(&mut direction, at(100));
    let [(_, Packet { body: Body::Tcp(segment), .. })] = &arrivals[..] else { panic!("the copy alone") };
    assert_eq!(segment.window, 7);
    assert_conserved(&direction);
}

#[test]
fn what_a_fault_has_dropped_counts_for_those_after_it() {
    let drop = |count| fault(Match::default(), Nth::only(count), Action::Drop);
    let mut direction = with(vec![drop(2), drop(4), drop(3)]);
    for (millis, packet) in (1..).zip(stream()) {
        direction.offer(at(millis), packet);
    }
    let dropped: Vec<u64> = events(&mut direction).iter().map(|event| event.packet.count()).collect();
    assert_eq!(dropped, [2, 3, 4], "each fault counts the packets that enter, whatever another takes");
}

#[test]
fn a_rewrite_of_what_is_not_there_does_nothing() {
    let action = Action::Rewrite { field: HeaderField::Seq, value: 1 };
    let mut direction = with(vec![fault(Match::default(), Nth::Every, action)]);
    direction.offer(at(1), numbered(1));
    assert_eq!(direction.fault_counts(0), FaultCounts { matched: 1, acted: 0 });
    assert_eq!(decisions(&mut direction), []);
}

#[test]
fn chosen_bits_flip() {
    let action = Action::Corrupt { bits: vec![5, 8 * 1000, 170] };
    let mut direction = with(vec![fault(Match::default(), Nth::Every, action)]);
    direction.offer(at(1), numbered(1));
    let (_, arrived) = arrivals(&mut direction, at(100)).pop().unwrap();
    assert_eq!(arrived, numbered(1).corrupt(&[5, 170]));
    let bits = [5, 170, u32::MAX, u32::MAX];
    assert_eq!(
        decisions(&mut direction),
        [Decision::Corrupted { bits, count: 2, by: By::Fault(FaultIndex(0)) }]
    );
}

#[test]
fn a_hold_until_a_time() {
    let action = Action::Hold(HoldUntil::Time(at(50)));
    let mut direction = with(vec![fault(Match::default(), Nth::Every, action)]);
    let offer = direction.offer(at(1), numbered(1));
    assert_eq!((offer.arrives, direction.next_arrival(), direction.held()), (Some(at(60)), Some(at(60)), 1));
    assert_eq!(direction.deadline(), Some(at(50)));
    direction.offer(at(2), numbered(2));
    assert_eq!(summary(&arrivals(&mut direction, at(100))), [(60, 1), (60, 2)]);
    direction.offer(at(101), numbered(3));
    assert_eq!(summary(&arrivals(&mut direction, at(200))), [(111, 3)]);
    assert_eq!(direction.fault_counts(0), FaultCounts { matched: 3, acted: 2 });
    let by = By::Fault(FaultIndex(0));
    let told: Vec<_> = events(&mut direction).iter().map(|event| (event.at, event.decision)).collect();
    let (held, released) = (Decision::Held { by }, Decision::Released { by });
    assert_eq!(told, [(at(1), held), (at(2), held), (at(50), released), (at(50), released)]);
}

#[test]
fn a_hold_until_its_owner_says() {
    let mut direction = with(vec![fault(Match::default(), Nth::only(1), Action::Hold(HoldUntil::State))]);
    let offer = direction.offer(at(1), numbered(1));
    assert_eq!((offer.arrives, direction.deadline(), direction.in_flight()), (None, None, 1));
    direction.offer(at(2), numbered(2));
    assert_eq!(summary(&arrivals(&mut direction, at(100))), [(12, 2)]);
    direction.release(FaultIndex(0), at(150));
    assert_eq!((direction.next_arrival(), direction.deadline()), (None, Some(at(150))));
    assert_eq!(summary(&arrivals(&mut direction, at(300))), [(160, 1)]);
    assert_conserved(&direction);
}

#[test]
fn what_enters_before_the_release_is_held_until_then() {
    let mut direction = with(vec![fault(Match::default(), Nth::Every, Action::Hold(HoldUntil::State))]);
    direction.release(FaultIndex(0), at(20));
    assert_eq!(direction.offer(at(5), numbered(1)).arrives, Some(at(30)));
    assert_eq!(direction.offer(at(20), numbered(2)).arrives, Some(at(30)));
    assert_eq!(direction.fault_counts(0), FaultCounts { matched: 2, acted: 1 });
    assert_eq!(summary(&arrivals(&mut direction, at(100))).len(), 2);
}

#[test]
fn of_two_holds_the_longer_counts() {
    let hold = |until| fault(Match::default(), Nth::Every, Action::Hold(until));
    for holds in [[40, 60], [60, 40]] {
        let mut direction = with(holds.map(|end| hold(HoldUntil::Time(at(end)))).into());
        assert_eq!(direction.offer(at(0), numbered(1)).arrives, Some(at(70)));
    }
    let mut direction = with(vec![hold(HoldUntil::State), hold(HoldUntil::Time(at(40)))]);
    assert_eq!(direction.offer(at(0), numbered(1)).arrives, None);
}

#[test]
fn released_without_delay_it_is_seen_after_settling() {
    let hold = fault(Match::default(), Nth::Every, Action::Hold(HoldUntil::State));
    let mut direction = direction(&DirectionConfig { faults: vec![hold], ..DirectionConfig::default() });
    direction.offer(at(1), numbered(1));
    direction.release(FaultIndex(0), at(5));
    // DESIGN D2: an early or repeated wake of the receiver changes nothing.
    assert_eq!(direction.take_arrival(at(5)), None);
    assert!(direction.is_unsettled());
    assert_eq!(direction.deadline(), Some(at(5)));
    direction.settle();
    assert!(direction.take_arrival(at(5)).is_some());
    assert_eq!((direction.is_unsettled(), direction.deadline()), (false, None));
}

#[test]
#[should_panic(expected = "length can't be rewritten")]
fn a_length_is_not_accepted_for_a_rewrite() {
    let _ = with(vec![fault(
        Match::default(),
        Nth::Every,
        Action::Rewrite { field: HeaderField::Length, value: 1 },
    )]);
}

proptest! {
    #[test]
    fn nth_contains_what_its_ranges_list(ranges in prop::collection::vec((1u64..50, 0u64..10), 0..5), count in 1u64..70) {
        let listed = ranges.iter().any(|(first, more)| *first <= count && count <= first + more);
        let nth = Nth::Ranges(ranges.iter().map(|(first, more)| *first..=first + more).collect());
        prop_assert_eq!(nth.contains(count), listed);
    }
}

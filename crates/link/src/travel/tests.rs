//! The order of delivery against a sorted list.

use faultwire_base::{Instant, PacketId, PlaceId};
use proptest::prelude::*;

use super::Travel;
use crate::direction::tests::packets::datagram;

fn at(nanos: u64) -> Instant {
    Instant::from_nanos(nanos)
}

proptest! {
    #[test]
    fn order_is_arrival_then_delivery_count(steps in prop::collection::vec((0u64..50, 0u8..4), 1..200)) {
        let mut travel = Travel::default();
        let mut expected: Vec<(u64, u64)> = Vec::new();
        let mut now = 0;
        for (count, (offset, kind)) in (1..).zip(steps) {
            let mut packet = datagram(10);
            packet.tag.id = PacketId::new(PlaceId(0), count);
            if kind == 3 {
                now += offset;
                let taken = travel.due(at(now)).map(|(_, packet)| packet.tag.id.count());
                if taken.is_some() {
                    travel.forget();
                }
                expected.sort_unstable();
                let due = expected.first().copied().filter(|(arrival, _)| *arrival <= now);
                if due.is_some() {
                    expected.remove(0);
                }
                prop_assert_eq!(taken, due.map(|(_, count)| count));
                continue;
            }
            let arrival = now + 1 + offset;
            if kind == 0 {
                travel.push_stray(at(arrival), packet);
            } else {
                travel.push(at(arrival), packet);
            }
            expected.push((arrival, count));
            let first = expected.iter().map(|(arrival, _)| *arrival).min();
            prop_assert_eq!(travel.next_arrival().map(Instant::as_nanos), first);
            prop_assert_eq!(travel.len(), expected.len() as u64);
        }
    }
}

#[test]
fn what_arrives_at_once_is_hidden_until_settled() {
    let mut travel = Travel::default();
    travel.push_unsettled(at(5), datagram(1));
    assert_eq!((travel.next_arrival(), travel.len()), (None, 1));
    assert!(travel.due(at(5)).is_none());
    travel.settle();
    assert_eq!(travel.next_arrival(), Some(at(5)));
    assert!(travel.due(at(5)).is_some());
}

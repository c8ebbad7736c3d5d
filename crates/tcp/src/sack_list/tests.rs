//! Lists after arrivals, worked out by hand from `tcp_sack.c` and the examples of RFC 2883 §4.

use super::SackList;
use crate::offset::Offset;

/// Octets of the stream; 0 is the first.
fn at(octet: u64) -> Offset {
    Offset::FIRST + octet
}

fn shown(list: &SackList) -> Vec<(u64, u64)> {
    let octet = |edge: Offset| edge.saturating_since(Offset::FIRST);
    list.blocks().iter().map(|&(left, right)| (octet(left), octet(right))).collect()
}

#[test]
fn what_arrived_last_stands_first() {
    let mut list = SackList::default();
    list.arrived(at(0), at(10), at(20));
    list.arrived(at(0), at(30), at(40));
    assert_eq!(shown(&list), [(30, 40), (10, 20)]);
    list.arrived(at(0), at(20), at(30));
    assert_eq!(shown(&list), [(10, 40)]);
}

#[test]
fn a_range_that_came_twice_stands_before_the_block_that_holds_it() {
    // RFC 2883 §4.1.3.
    let mut list = SackList::default();
    list.arrived(at(0), at(10), at(40));
    list.arrived(at(0), at(20), at(30));
    assert_eq!(shown(&list), [(20, 30), (10, 40)]);
    // The very block again.
    let mut list = SackList::default();
    list.arrived(at(0), at(10), at(20));
    list.arrived(at(0), at(10), at(20));
    assert_eq!(shown(&list), [(10, 20), (10, 20)]);
}

#[test]
fn what_is_ahead_stays_when_it_was_reported_and_what_is_old_goes() {
    let mut list = SackList::default();
    list.arrived(at(0), at(10), at(40));
    list.arrived(at(0), at(20), at(30));
    list.reported(at(0));
    list.arrived(at(0), at(60), at(70));
    assert_eq!(shown(&list), [(60, 70), (20, 30), (10, 40)]);

    // RFC 2883 §4.1.1.
    let mut list = SackList::default();
    list.arrived(at(10), at(30), at(40));
    list.arrived_before(at(10), at(0), at(10));
    assert_eq!(shown(&list), [(0, 10), (30, 40)]);
    list.reported(at(10));
    assert_eq!(shown(&list), [(30, 40)]);
}

#[test]
fn a_hole_that_is_filled_leaves_the_rest() {
    let mut list = SackList::default();
    list.arrived(at(0), at(10), at(20));
    list.arrived(at(0), at(40), at(50));
    list.advanced(at(20), at(0), at(10));
    assert_eq!(shown(&list), [(40, 50)]);
}

#[test]
fn a_segment_whose_first_part_is_old_reports_that_part() {
    // RFC 2883 §4.2.
    let mut list = SackList::default();
    list.arrived_before(at(10), at(0), at(10));
    list.advanced(at(20), at(10), at(20));
    assert_eq!(shown(&list), [(0, 10)]);
}

#[test]
fn five_blocks_are_remembered_and_one_that_came_twice() {
    let mut list = SackList::default();
    for block in 1..=8 {
        list.arrived(at(0), at(20 * block), at(20 * block + 10));
    }
    assert_eq!(shown(&list), [(160, 170), (140, 150), (120, 130), (100, 110), (80, 90)]);
}

//! A war is a chain, not a number of ACKs.

use faultwire_base::{PacketId, PlaceId};
use faultwire_wire::Cause;

use super::{WAR, War};

fn packet(count: u64) -> PacketId {
    PacketId::new(PlaceId(0), count)
}

#[test]
fn acks_that_answer_each_other_are_a_war() {
    let mut war = War::default();
    let mut cause = Cause::Call;
    for count in 1..u64::from(WAR) {
        assert_eq!(war.answered(packet(count), cause), None, "{count}");
        cause = Cause::Arrival(packet(count));
    }
    let found = war.answered(packet(u64::from(WAR)), cause).expect("a war");
    assert_eq!(found, "64 ACKs in a row bring nothing and answer each other: the ends are at war");
}

/// RFC 9293 §3.10.7.4: each of a thousand old segments gets its ACK.
#[test]
fn acks_of_many_old_segments_are_none() {
    let mut war = War::default();
    for count in 1..1_000 {
        assert_eq!(war.answered(packet(count), Cause::Arrival(packet(10_000 + count))), None);
    }
}

//! Identities of packets.

use faultwire_wire::{Flags, Reason};

use super::*;
use crate::direction::tests::packets::{datagram, flagged, flow, of_stream, segment};

const FIRST: NameId = NameId(3);

fn named() -> Identities {
    let mut identities = Identities::default();
    identities.bind_flow(FIRST, flow(1));
    identities
}

#[test]
fn the_first_name_of_a_conversation_counts() {
    let mut identities = named();
    identities.bind_flow(NameId(4), flow(1));
    assert_eq!(identities.meet(&of_stream(1, 1)).conversation, Conversation::Named(FIRST));
    let mut other = of_stream(1, 1);
    other.tag.flow = flow(2);
    assert_eq!(identities.meet(&other).conversation, Conversation::Unnamed(flow(2)));
    assert_eq!(identities.meet(&datagram(10)).conversation, Conversation::None);
}

#[test]
fn packets_that_agree_are_counted() {
    let mut identities = named();
    let mut meet = |packet: &Packet| {
        let identity = identities.meet(packet);
        (identity.kind, identity.byte, identity.transmission, identity.nth)
    };
    let data = Some(PacketKind::Data);
    assert_eq!(meet(&of_stream(3, 1)), (data, Some(200), Some(1), 1));
    assert_eq!(meet(&of_stream(4, 1)), (data, Some(300), Some(1), 1));
    assert_eq!(meet(&of_stream(3, 2)), (data, Some(200), Some(2), 1));
    // A copy of the first that comes by again.
    assert_eq!(meet(&of_stream(3, 1)), (data, Some(200), Some(1), 2));
    assert_eq!(meet(&segment(0)), (Some(PacketKind::PureAck), None, None, 1));
    assert_eq!(meet(&segment(0)), (Some(PacketKind::PureAck), None, None, 2));
}

#[test]
fn a_special_kind_counts_as_the_general_one_too_as_in_a_match() {
    let mut identities = Identities::default();
    let mut update = segment(0);
    update.tag.reason = Reason::WindowUpdate;
    let identity = identities.meet(&update);
    assert_eq!((identity.kind, identity.nth), (Some(PacketKind::WindowUpdate), 1));
    let identity = identities.meet(&segment(0));
    assert_eq!((identity.kind, identity.nth), (Some(PacketKind::PureAck), 2), "it is the second pure ACK");
    let fin = identities.meet(&flagged(Flags::FIN | Flags::ACK, 10));
    assert_eq!((fin.kind, fin.byte, fin.nth), (Some(PacketKind::Fin), Some(0), 1));
    assert_eq!(identities.meet(&segment(10)).nth, 2, "the FIN was data, too");
}

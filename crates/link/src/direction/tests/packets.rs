//! Packets to offer.

use std::net::Ipv4Addr;

use faultwire_base::{PacketId, PlaceId};
use faultwire_wire::{Body, Datagram, Flags, Flow, IpHeader, Packet, Payload, Segment, Tag};

fn packet(body: Body) -> Packet {
    let ip = IpHeader {
        source: Ipv4Addr::new(10, 0, 0, 1).into(),
        destination: Ipv4Addr::new(10, 0, 0, 2).into(),
        hop_limit: 64,
        traffic_class: 0,
        identification: 7,
        dont_fragment: true,
    };
    Packet { ip, body, tag: Tag::default() }
}

/// A datagram with so much data, 28 octets more in all.
pub(crate) fn datagram(length: u32) -> Packet {
    let payload = Payload::Zeros { len: length };
    packet(Body::Udp(Datagram { source_port: 1, destination_port: 2, payload }))
}

/// The `count`-th datagram of place 1, 1000 octets in all.
pub(crate) fn numbered(count: u64) -> Packet {
    let mut packet = datagram(972);
    packet.tag.id = PacketId::new(PlaceId(1), count);
    packet
}

/// A segment with so much data, 40 octets more in all.
pub(crate) fn segment(length: u32) -> Packet {
    flagged(Flags::ACK, length)
}

pub(crate) fn flagged(flags: Flags, length: u32) -> Packet {
    let payload = Payload::Zeros { len: length };
    packet(Body::Tcp(Segment { source_port: 1, destination_port: 2, flags, payload, ..Segment::default() }))
}

/// The `count`-th segment of a stream, each with 100 octets.
pub(crate) fn of_stream(count: u64, transmission: u16) -> Packet {
    let mut packet = segment(100);
    packet.tag.id = PacketId::new(PlaceId(1), count);
    packet.tag.stream_offset = (count - 1) * 100;
    packet.tag.transmission = transmission;
    packet.tag.flow = flow(1);
    packet
}

pub(crate) fn flow(ordinal: u32) -> Flow {
    Flow { opener: Some(PlaceId(1)), ordinal, boot: 1 }
}

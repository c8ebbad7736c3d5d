//! Packets to test with: a fixed one of every kind, and proptest strategies for all that can be encoded.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use faultwire_base::StreamId;
use faultwire_wire::{
    Body, Datagram, Flags, IcmpKind, IcmpMessage, IpHeader, Options, Packet, Payload, Segment, Seq, Tag,
};
use proptest::prelude::*;

pub(crate) const CLIENT_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
pub(crate) const SERVER_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));
pub(crate) const CLIENT_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
pub(crate) const SERVER_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2));

pub(crate) fn packet(ip: IpHeader, body: Body) -> Packet {
    Packet { ip, body, tag: Tag::default() }
}

/// From client to server.
pub(crate) fn v4() -> IpHeader {
    IpHeader {
        source: CLIENT_V4,
        destination: SERVER_V4,
        hop_limit: 64,
        traffic_class: 0,
        identification: 0,
        dont_fragment: true,
    }
}

/// From client to server.
pub(crate) fn v6() -> IpHeader {
    IpHeader { source: CLIENT_V6, destination: SERVER_V6, ..v4() }
}

pub(crate) fn syn_options() -> Options {
    let mut options = Options::EMPTY;
    options.push_maximum_segment_size(1460);
    options.push_sack_permitted();
    options.push_timestamps(0x0102_0304, 0);
    options.push_nop();
    options.push_window_scale(7);
    options
}

/// A segment with timestamps and 24 octets of data.
pub(crate) fn data_segment() -> Segment {
    let mut options = Options::EMPTY;
    options.push_nop();
    options.push_nop();
    options.push_timestamps(0xDEAD_BEEF, 0x0BAD_CAFE);
    Segment {
        source_port: 40_000,
        destination_port: 7_777,
        seq: Seq(0xFFFF_FFF0),
        ack: Seq(77),
        flags: Flags::PSH | Flags::ACK,
        window: 502,
        options,
        payload: Payload::from_bytes(*b"four and twenty octets.."),
        ..Segment::default()
    }
}

fn segments() -> Vec<Segment> {
    let data = data_segment();
    let mut sack = Options::EMPTY;
    sack.push_nop();
    sack.push_nop();
    sack.push_sack(&[
        (Seq(1000), Seq(2000)),
        (Seq(3000), Seq(4000)),
        (Seq(u32::MAX), Seq(7)),
        (Seq(1), Seq(2)),
    ]);
    let mut unaligned = Options::EMPTY;
    unaligned.push_window_scale(14);
    unaligned.push_raw(&[253, 4, 0xF9, 0x89]);
    let stream = StreamId(0x5EED);
    vec![
        Segment { flags: Flags::SYN, options: syn_options(), payload: Payload::EMPTY, ..data.clone() },
        Segment {
            flags: Flags::SYN | Flags::ACK | Flags::ECE,
            options: unaligned,
            payload: Payload::EMPTY,
            ..data.clone()
        },
        Segment { flags: Flags::ACK, options: sack, payload: Payload::EMPTY, ..data.clone() },
        Segment { flags: Flags::ACK | Flags::URG, urgent: 3, ..data.clone() },
        Segment {
            flags: Flags::ACK | Flags::CWR | Flags::AE,
            payload: Payload::Zeros { len: 1448 },
            ..data.clone()
        },
        Segment { payload: Payload::Generated { stream, offset: 5, len: 1401 }, ..data.clone() },
        Segment { flags: Flags::FIN | Flags::ACK, ..data.clone() },
        Segment {
            flags: Flags::RST,
            options: Options::EMPTY,
            payload: Payload::EMPTY,
            window: 0,
            ..data.clone()
        },
        data,
    ]
}

fn datagrams() -> Vec<Datagram> {
    let of = |payload| Datagram { source_port: 40_001, destination_port: 40_002, payload };
    vec![
        of(Payload::EMPTY),
        of(Payload::from_bytes([7])),
        of(Payload::Zeros { len: 1_200 }),
        of(Payload::Generated { stream: StreamId(1), offset: 3, len: 999 }),
    ]
}

fn icmp_kinds(ip: &IpHeader) -> Vec<IcmpKind> {
    let mut kinds = vec![
        IcmpKind::DestinationUnreachable { code: 0 },
        IcmpKind::DestinationUnreachable { code: 3 },
        IcmpKind::PacketTooBig { mtu: 1400 },
        IcmpKind::TimeExceeded { code: 0 },
        IcmpKind::TimeExceeded { code: 1 },
        IcmpKind::ParameterProblem { code: 0, pointer: 9 },
        IcmpKind::EchoRequest { identifier: 0x1234, sequence: 1 },
        IcmpKind::EchoReply { identifier: 0x1234, sequence: 1 },
    ];
    if ip.source.is_ipv4() {
        kinds.push(IcmpKind::SourceQuench);
        // Timestamp request (RFC 792).
        kinds.push(IcmpKind::Other { icmp_type: 13, code: 0, rest: [0, 1, 0, 2] });
    } else {
        // Router solicitation (RFC 4861 §4.1).
        kinds.push(IcmpKind::Other { icmp_type: 133, code: 0, rest: [0; 4] });
    }
    kinds
}

/// One packet of every kind that has fields, on both versions of IP.
pub(crate) fn every_kind() -> Vec<Packet> {
    let mut packets = Vec::new();
    for ip in [v4(), v6()] {
        let error_hop_limit = IpHeader { hop_limit: 255, traffic_class: 0xC0, ..ip };
        packets.extend(segments().into_iter().map(|segment| packet(ip, Body::Tcp(segment))));
        packets.extend(datagrams().into_iter().map(|datagram| packet(ip, Body::Udp(datagram))));
        let quoted = packet(
            IpHeader { source: ip.destination, destination: ip.source, ..ip },
            Body::Tcp(data_segment()),
        );
        for kind in icmp_kinds(&ip) {
            let message = match kind {
                IcmpKind::EchoRequest { .. } | IcmpKind::EchoReply { .. } => {
                    IcmpMessage { kind, body: Arc::from(*b"abcdefghijklmnopqrstuvwabcdefghi") }
                }
                IcmpKind::Other { icmp_type: 13, .. } => IcmpMessage { kind, body: Arc::from([0; 12]) },
                IcmpKind::Other { .. } => IcmpMessage { kind, body: Arc::from([]) },
                _ => IcmpMessage::quoting(kind, &quoted),
            };
            packets.push(packet(error_hop_limit, Body::Icmp(message)));
        }
    }
    packets
}

/// Any header of either version.
pub(crate) fn any_ip() -> impl Strategy<Value = IpHeader> {
    let addresses = prop_oneof![
        any::<([u8; 4], [u8; 4])>().prop_map(|(a, b)| (IpAddr::from(a), IpAddr::from(b))),
        any::<([u8; 16], [u8; 16])>().prop_map(|(a, b)| (IpAddr::from(a), IpAddr::from(b))),
    ];
    (addresses, any::<(u8, u8, u16, bool)>()).prop_map(|((source, destination), fields)| {
        let (hop_limit, traffic_class, identification, dont_fragment) = fields;
        let ipv6 = source.is_ipv6();
        IpHeader {
            source,
            destination,
            hop_limit,
            traffic_class,
            identification: if ipv6 { 0 } else { identification },
            dont_fragment: ipv6 || dont_fragment,
        }
    })
}

pub(crate) fn any_payload() -> impl Strategy<Value = Payload> {
    let small = 0..1500_u32;
    prop_oneof![
        small.clone().prop_map(|len| Payload::Zeros { len }),
        (any::<u64>(), 0..u64::MAX / 2, small).prop_map(|(stream, offset, len)| Payload::Generated {
            stream: StreamId(stream),
            offset,
            len
        }),
        (prop::collection::vec(any::<u8>(), 0..100), any::<(u16, u16)>()).prop_map(|(bytes, (from, len))| {
            let whole = Payload::from_bytes(bytes);
            let from = u32::from(from) % (whole.len() + 1);
            whole.slice(from, u32::from(len) % (whole.len() - from + 1))
        }),
    ]
}

/// Any bytes as options, of any length up to 40.
pub(crate) fn any_options() -> impl Strategy<Value = Options> {
    prop::collection::vec(any::<u8>(), 0..=40)
        .prop_map(|bytes| Options::from_bytes(&bytes).expect("at most 40 octets"))
}

pub(crate) fn any_segment() -> impl Strategy<Value = Segment> {
    (any::<(u16, u16, u32, u32, u16, u16)>(), 0..0x200_u16, any_options(), any_payload()).prop_map(
        |((source_port, destination_port, seq, ack, window, urgent), flags, options, payload)| Segment {
            source_port,
            destination_port,
            seq: Seq(seq),
            ack: Seq(ack),
            flags: Flags(flags),
            window,
            urgent,
            options,
            payload,
        },
    )
}

pub(crate) fn any_datagram() -> impl Strategy<Value = Datagram> {
    (any::<(u16, u16)>(), any_payload()).prop_map(|((source_port, destination_port), payload)| Datagram {
        source_port,
        destination_port,
        payload,
    })
}

/// Any kind that both versions of IP have, with fields that fit both.
fn any_icmp_kind() -> impl Strategy<Value = IcmpKind> {
    prop_oneof![
        (0..4_u8).prop_map(|code| IcmpKind::DestinationUnreachable { code }),
        any::<u16>().prop_map(|mtu| IcmpKind::PacketTooBig { mtu: u32::from(mtu) }),
        any::<u8>().prop_map(|code| IcmpKind::TimeExceeded { code }),
        any::<(u8, u8)>()
            .prop_map(|(code, pointer)| IcmpKind::ParameterProblem { code, pointer: u32::from(pointer) }),
        any::<(u16, u16)>().prop_map(|(identifier, sequence)| IcmpKind::EchoRequest { identifier, sequence }),
        any::<(u16, u16)>().prop_map(|(identifier, sequence)| IcmpKind::EchoReply { identifier, sequence }),
        (13..100_u8, any::<(u8, [u8; 4])>()).prop_map(|(icmp_type, (code, rest))| IcmpKind::Other {
            icmp_type,
            code,
            rest
        }),
    ]
}

pub(crate) fn any_icmp() -> impl Strategy<Value = IcmpMessage> {
    (any_icmp_kind(), prop::collection::vec(any::<u8>(), 0..600))
        .prop_map(|(kind, body)| IcmpMessage { kind, body: Arc::from(body) })
}

/// Any packet that has fields.
pub(crate) fn any_packet() -> impl Strategy<Value = Packet> {
    let body = prop_oneof![
        3 => any_segment().prop_map(Body::Tcp),
        1 => any_datagram().prop_map(Body::Udp),
        1 => any_icmp().prop_map(Body::Icmp),
    ];
    (any_ip(), body).prop_map(|(ip, body)| packet(ip, body))
}

/// The same packet in the representation that decoding gives: payload as whole bytes, options padded.
pub(crate) fn as_decoded(body: &Body) -> Body {
    let bytes = |payload: &Payload| {
        if payload.is_empty() { Payload::EMPTY } else { Payload::from_bytes(payload.to_vec()) }
    };
    match body {
        Body::Tcp(segment) => {
            let mut options = segment.options;
            options.push_raw(&[0; 3][..options.padded_length() - options.as_bytes().len()]);
            Body::Tcp(Segment { options, payload: bytes(&segment.payload), ..segment.clone() })
        }
        Body::Udp(datagram) => Body::Udp(Datagram { payload: bytes(&datagram.payload), ..datagram.clone() }),
        other => other.clone(),
    }
}

/// The checksum word by word, as RFC 1071 §4.1 writes it.
pub(crate) fn plain_checksum(octets: &[u8]) -> u16 {
    let mut sum = 0_u32;
    for pair in octets.chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    !(sum as u16)
}

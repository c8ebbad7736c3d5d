//! Bytes of one packet of every body, worked out by hand, and the rules of single fields.

use std::net::IpAddr;
use std::sync::Arc;

use faultwire_wire::{
    Body, Datagram, DecodeError, Flags, IcmpKind, IcmpMessage, IpHeader, Options, Packet, Payload, Protocol,
    Segment, Seq, decode,
};
use proptest::prelude::*;

use crate::samples::{CLIENT_V4, SERVER_V4, any_packet, as_decoded, every_kind, packet, syn_options, v4, v6};

/// Checks both directions.
#[track_caller]
fn assert_bytes(packet: &Packet, expected: &[&[u8]]) {
    let expected = expected.concat();
    assert_eq!(packet.encode(), expected);
    assert_eq!(packet.length() as usize, expected.len());
    assert_eq!(decode(&expected), Ok((packet.ip, as_decoded(&packet.body))));
}

/// RFC 9293 §3.1 figure 1, RFC 791 figure 4.
#[test]
fn syn_with_options() {
    let ip = IpHeader { identification: 0x1234, ..v4() };
    let syn = Segment {
        source_port: 40_000,
        destination_port: 80,
        seq: Seq(0x0102_0304),
        flags: Flags::SYN | Flags::ECE | Flags::CWR,
        window: 64_240,
        options: syn_options(),
        ..Segment::default()
    };
    assert_bytes(
        &packet(ip, Body::Tcp(syn)),
        &[
            &[0x45, 0x00, 0x00, 0x3c], // version 4, 5 words; TOS; 60 octets
            &[0x12, 0x34, 0x40, 0x00], // identification; DF
            // 4500 + 003c + 1234 + 4000 + 4006 + 0a00 + 0001 + 0a00 + 0002 = eb79, complement 1486
            &[0x40, 0x06, 0x14, 0x86], // hop limit 64; TCP; checksum
            &[0x0a, 0x00, 0x00, 0x01],
            &[0x0a, 0x00, 0x00, 0x02],
            &[0x9c, 0x40, 0x00, 0x50], // ports
            &[0x01, 0x02, 0x03, 0x04], // sequence number
            &[0x00, 0x00, 0x00, 0x00], // acknowledgment number
            &[0xa0, 0xc2, 0xfa, 0xf0], // 10 words; CWR, ECE, SYN; window
            &[0x93, 0xb0, 0x00, 0x00], // checksum; urgent pointer
            &[0x02, 0x04, 0x05, 0xb4], // MSS 1460
            &[0x04, 0x02, 0x08, 0x0a], // SACK permitted; timestamps
            &[0x01, 0x02, 0x03, 0x04],
            &[0x00, 0x00, 0x00, 0x00],
            &[0x01, 0x03, 0x03, 0x07], // NOP; window scale 7
        ],
    );
}

/// RFC 8200 §3 and §8.1; RFC 9293 §3.1, MUST-69: padding is zeros.
#[test]
fn data_over_ipv6() {
    let ip = IpHeader { traffic_class: 0xb9, ..v6() };
    let mut options = Options::EMPTY;
    options.push_window_scale(7);
    let data = Segment {
        source_port: 80,
        destination_port: 40_000,
        seq: Seq(0xffff_fffe),
        ack: Seq(0x0102_0305),
        flags: Flags::PSH | Flags::ACK,
        window: 502,
        options,
        payload: Payload::from_bytes(*b"hello"),
        ..Segment::default()
    };
    assert_bytes(
        &packet(ip, Body::Tcp(data)),
        &[
            &[0x6b, 0x90, 0x00, 0x00], // version 6, traffic class b9, flow label 0
            &[0x00, 0x1d, 0x06, 0x40], // 29 octets follow; TCP; hop limit 64
            &[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            &[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
            &[0x00, 0x50, 0x9c, 0x40],
            &[0xff, 0xff, 0xff, 0xfe],
            &[0x01, 0x02, 0x03, 0x05],
            &[0x60, 0x18, 0x01, 0xf6], // 6 words; ACK, PSH; window
            &[0x53, 0xed, 0x00, 0x00],
            &[0x03, 0x03, 0x07, 0x00], // window scale, one octet of padding
            b"hello",
        ],
    );
}

/// RFC 768.
#[test]
fn datagram() {
    let ip = IpHeader { hop_limit: 1, traffic_class: 0x28, identification: 7, dont_fragment: false, ..v4() };
    let datagram =
        Datagram { source_port: 53, destination_port: 5353, payload: Payload::from_bytes(*b"abc") };
    assert_bytes(
        &packet(ip, Body::Udp(datagram)),
        &[
            &[0x45, 0x28, 0x00, 0x1f],
            &[0x00, 0x07, 0x00, 0x00],
            &[0x01, 0x11, 0xa5, 0x9d],
            &[0x0a, 0x00, 0x00, 0x01],
            &[0x0a, 0x00, 0x00, 0x02],
            &[0x00, 0x35, 0x14, 0xe9],
            // pseudo-header 141f, then 0035 + 14e9 + 000b + 6162 + 6300: edaa, complement 1255
            &[0x00, 0x0b, 0x12, 0x55],
            b"abc",
        ],
    );
}

/// RFC 792: no pseudo-header.
#[test]
fn echo_request() {
    let kind = IcmpKind::EchoRequest { identifier: 0x1234, sequence: 1 };
    let message = IcmpMessage { kind, body: Arc::from(*b"ping") };
    assert_bytes(
        &packet(v4(), Body::Icmp(message)),
        &[
            &[0x45, 0x00, 0x00, 0x20],
            &[0x00, 0x00, 0x40, 0x00],
            &[0x40, 0x01, 0x26, 0xdb],
            &[0x0a, 0x00, 0x00, 0x01],
            &[0x0a, 0x00, 0x00, 0x02],
            // 0800 + 1234 + 0001 + 7069 + 6e67 = f905, complement 06fa
            &[0x08, 0x00, 0x06, 0xfa],
            &[0x12, 0x34, 0x00, 0x01],
            b"ping",
        ],
    );
}

/// RFC 4443 §2.3 and §3.2: with the pseudo-header.
#[test]
fn packet_too_big_over_ipv6() {
    let ip = IpHeader { hop_limit: 255, ..v6() };
    let message = IcmpMessage { kind: IcmpKind::PacketTooBig { mtu: 1280 }, body: Arc::from(*b"`quote") };
    assert_bytes(
        &packet(ip, Body::Icmp(message)),
        &[
            &[0x60, 0x00, 0x00, 0x00],
            &[0x00, 0x0e, 0x3a, 0xff],
            &[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            &[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
            &[0x02, 0x00, 0x52, 0xfc],
            &[0x00, 0x00, 0x05, 0x00],
            b"`quote",
        ],
    );
}

/// RFC 768: a computed checksum of 0 is sent as all ones. ebd4 is the word that makes the sum come out so.
#[test]
fn computed_zero_of_udp_is_sent_as_ones() {
    let datagram =
        Datagram { source_port: 1, destination_port: 2, payload: Payload::from_bytes([0xeb, 0xd4]) };
    let packet = packet(v4(), Body::Udp(datagram));
    let bytes = packet.encode();
    assert_eq!(bytes[26..28], [0xff, 0xff]);
    assert_eq!(decode(&bytes), Ok((packet.ip, packet.body)));
}

/// RFC 768: 0 is no checksum on IPv4. RFC 8200 §8.1: IPv6 discards such a datagram.
#[test]
fn absent_udp_checksum() {
    let datagram =
        Datagram { source_port: 1, destination_port: 2, payload: Payload::from_bytes(*b"unprotected") };
    for (ip, at, accepted) in [(v4(), 26, true), (v6(), 46, false)] {
        let packet = packet(ip, Body::Udp(datagram.clone()));
        let mut bytes = packet.encode();
        bytes[at..at + 2].fill(0);
        let expected = if accepted {
            Ok((packet.ip, packet.body))
        } else {
            Err(DecodeError::BadChecksum { protocol: Protocol::UDP })
        };
        assert_eq!(decode(&bytes), expected);
    }
}

/// RFC 1191 §4: 16 bits for the MTU, 8 for the pointer (RFC 792).
#[test]
fn fields_too_large_for_icmp_are_written_as_the_largest() {
    for (kind, expected) in [
        (IcmpKind::PacketTooBig { mtu: 70_000 }, IcmpKind::PacketTooBig { mtu: 65_535 }),
        (
            IcmpKind::ParameterProblem { code: 0, pointer: 300 },
            IcmpKind::ParameterProblem { code: 0, pointer: 255 },
        ),
    ] {
        let message = |kind| Body::Icmp(IcmpMessage { kind, body: Arc::from([]) });
        let bytes = packet(v4(), message(kind)).encode();
        assert_eq!(decode(&bytes), Ok((v4(), message(expected))));
        let bytes = packet(v6(), message(kind)).encode();
        assert_eq!(decode(&bytes), Ok((v6(), message(kind))), "ICMPv6 has room");
    }
}

/// RFC 4443 §3.2: the receiver of a packet-too-big ignores its code.
#[test]
fn code_of_packet_too_big_is_ignored() {
    let message = |kind| packet(v6(), Body::Icmp(IcmpMessage { kind, body: Arc::from([]) }));
    let odd = IcmpKind::Other { icmp_type: 2, code: 9, rest: [0, 0, 5, 0] };
    let too_big = message(IcmpKind::PacketTooBig { mtu: 1280 });
    assert_eq!(decode(&message(odd).encode()), Ok((too_big.ip, too_big.body)));
}

#[test]
#[should_panic(expected = "mixes versions")]
fn mixed_addresses_are_a_broken_invariant() {
    let ip = IpHeader { source: CLIENT_V4, destination: "::1".parse::<IpAddr>().unwrap(), ..v4() };
    packet(ip, Body::Udp(Datagram::default())).encode();
}

#[test]
#[should_panic(expected = "at most 65,535 octets")]
fn too_long_a_packet_is_a_broken_invariant() {
    let datagram = Datagram { payload: Payload::Zeros { len: 65_508 }, ..Datagram::default() };
    packet(v4(), Body::Udp(datagram)).encode();
}

#[test]
fn longest_packets() {
    for (ip, len) in [(v4(), 65_507), (v6(), 65_527)] {
        let datagram = Datagram { payload: Payload::Zeros { len }, ..Datagram::default() };
        let packet = packet(ip, Body::Udp(datagram));
        assert_eq!(decode(&packet.encode()), Ok((packet.ip, as_decoded(&packet.body))));
    }
}

#[test]
fn every_sample_comes_back() {
    for packet in every_kind() {
        assert_eq!(decode(&packet.encode()), Ok((packet.ip, as_decoded(&packet.body))));
    }
}

/// RFC 9293 §3.1: reserved bits are ignored by the receiver.
#[test]
fn reserved_flags_are_ignored() {
    let segment = Segment { flags: Flags(0xE00 | Flags::ACK.0), ..Segment::default() };
    let bytes = packet(v4(), Body::Tcp(segment.clone())).encode();
    assert_eq!(bytes[32..34], [0x5e, 0x10]);
    assert_eq!(decode(&bytes), Ok((v4(), Body::Tcp(Segment { flags: Flags::ACK, ..segment }))));
}

#[test]
fn raw_bytes_stay_as_they_are() {
    let bytes: Arc<[u8]> = Arc::from(*b"not even IP");
    let raw = packet(v4(), Body::Raw(Arc::clone(&bytes)));
    assert_eq!(raw.encode(), *bytes);
    assert_eq!(raw.length(), 11);
}

#[test]
fn encode_into_appends() {
    let first = packet(v4(), Body::Udp(Datagram::default()));
    let mut octets = vec![1, 2, 3];
    first.encode_into(&mut octets);
    assert_eq!(octets[..3], [1, 2, 3]);
    assert_eq!(octets[3..], first.encode());
}

#[test]
fn protocols_have_names() {
    let error = DecodeError::BadChecksum { protocol: Protocol::ICMPV6 };
    assert_eq!(error.to_string(), "wrong ICMPv6 checksum");
    assert_eq!(Protocol(132).to_string(), "protocol 132");
    assert_eq!((CLIENT_V4, SERVER_V4), (v4().source, v4().destination));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// MUST-2 and MUST-3: what is sent is accepted, and is what was meant.
    #[test]
    fn round_trip(packet in any_packet()) {
        let bytes = packet.encode();
        prop_assert_eq!(bytes.len(), packet.length() as usize);
        let decoded = decode(&bytes);
        prop_assert_eq!(&decoded, &Ok((packet.ip, as_decoded(&packet.body))));
        let (ip, body) = decoded.unwrap();
        prop_assert_eq!(Packet { ip, body, tag: packet.tag }.encode(), bytes);
    }
}

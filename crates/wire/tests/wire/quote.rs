//! The packet quoted by ICMP errors (RFC 792, RFC 1812 §4.3.2.3, RFC 4443 §2.4).

use std::sync::Arc;

use faultwire_wire::{
    Body, Datagram, DecodeError, IcmpKind, IcmpMessage, Packet, Payload, Protocol, Quote, QuotedTransport,
    Segment, decode,
};

use crate::samples::{data_segment, packet, v4, v6};

const UNREACHABLE: IcmpKind = IcmpKind::DestinationUnreachable { code: 1 };

fn big_segment() -> Segment {
    Segment { payload: Payload::Zeros { len: 3_000 }, ..data_segment() }
}

fn tcp_ports_and_seq() -> QuotedTransport {
    let segment = data_segment();
    QuotedTransport::Tcp {
        source_port: segment.source_port,
        destination_port: segment.destination_port,
        seq: segment.seq,
    }
}

/// As much as fits: the whole error has 576 octets on IPv4, 1280 on IPv6.
#[test]
fn long_packets_are_cut() {
    for (ip, total) in [(v4(), 576), (v6(), 1280)] {
        let about = packet(ip, Body::Tcp(big_segment()));
        let error = packet(ip, Body::Icmp(IcmpMessage::quoting(UNREACHABLE, &about)));
        assert_eq!(error.length(), total);
        let Ok((_, Body::Icmp(message))) = decode(&error.encode()) else { panic!("{error:?}") };
        assert_eq!(message.body[..], about.encode()[..message.body.len()]);
        let quote = message.quote().unwrap();
        assert_eq!(quote, Quote { ip, length: about.length(), transport: tcp_ports_and_seq() });
    }
}

#[test]
fn short_packets_are_quoted_whole() {
    for ip in [v4(), v6()] {
        let datagram =
            Datagram { source_port: 4000, destination_port: 53, payload: Payload::from_bytes(*b"who?") };
        let about = packet(ip, Body::Udp(datagram));
        let message = IcmpMessage::quoting(UNREACHABLE, &about);
        assert_eq!(message.body[..], about.encode());
        let transport = QuotedTransport::Udp { source_port: 4000, destination_port: 53 };
        assert_eq!(message.quote(), Ok(Quote { ip, length: about.length(), transport }));
    }
}

/// RFC 792: eight octets of the transport header are all that can be counted on.
#[test]
fn eight_octets_are_enough_and_fewer_are_not() {
    for (ip, header) in [(v4(), 20), (v6(), 40)] {
        let bytes = packet(ip, Body::Tcp(data_segment())).encode();
        assert_eq!(Quote::parse(&bytes[..header + 8]).unwrap().transport, tcp_ports_and_seq());
        for length in 0..header + 8 {
            assert_eq!(Quote::parse(&bytes[..length]), Err(DecodeError::Truncated), "{length}");
        }
    }
}

/// Routers change what they quote: a lowered hop limit with the old checksum, options.
#[test]
fn quotes_are_not_verified() {
    let mut bytes = packet(v4(), Body::Tcp(data_segment())).encode();
    bytes[8] = 0;
    bytes[10..12].fill(0xAA);
    assert_eq!(Quote::parse(&bytes).unwrap().ip.hop_limit, 0);
    bytes.splice(20..20, [7, 4, 4, 0]);
    bytes[0] = 0x46;
    assert_eq!(Quote::parse(&bytes).unwrap().transport, tcp_ports_and_seq());
}

#[test]
fn quotes_of_other_things() {
    let echo =
        IcmpMessage { kind: IcmpKind::EchoRequest { identifier: 1, sequence: 2 }, body: Arc::from([]) };
    for (ip, protocol) in [(v4(), Protocol::ICMP), (v6(), Protocol::ICMPV6)] {
        let bytes = packet(ip, Body::Icmp(echo.clone())).encode();
        assert_eq!(Quote::parse(&bytes).unwrap().transport, QuotedTransport::Other(protocol));
    }
    let mut fragment = packet(v4(), Body::Tcp(data_segment())).encode();
    // The first fragment has the transport header, a later one hasn't.
    fragment[6] = 0x20;
    assert_eq!(Quote::parse(&fragment).unwrap().transport, tcp_ports_and_seq());
    fragment[7] = 1;
    assert_eq!(Quote::parse(&fragment), Err(DecodeError::Fragment));
    assert_eq!(Quote::parse(&[0x50; 40]), Err(DecodeError::BadIpVersion(5)));
    assert_eq!(Quote::parse(&[0x44; 40]), Err(DecodeError::BadIpHeaderLength(16)));
}

/// A raw packet is quoted as it arrived.
#[test]
fn corrupted_packets_are_quoted_as_they_are() {
    let damaged: Packet = packet(v4(), Body::Tcp(data_segment())).corrupt(&[12 * 8]);
    let message = IcmpMessage::quoting(UNREACHABLE, &damaged);
    assert_eq!(message.body[..], damaged.encode());
    assert_ne!(message.quote().unwrap().ip.source, damaged.ip.source);
}

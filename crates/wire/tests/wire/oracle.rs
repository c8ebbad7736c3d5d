//! The encoder against an independent reader of packets (the etherparse crate).

use std::net::IpAddr;

use etherparse::checksum::Sum16BitWords;
use etherparse::{NetHeaders, PacketHeaders, TcpHeader, TransportHeader, UdpHeader};
use faultwire_wire::{Body, Datagram, Flags, IpHeader, Packet, Segment};
use proptest::prelude::*;

use crate::samples::{any_packet, data_segment, every_kind, packet, v4};

fn assert_ip(net: &NetHeaders, packet: &Packet) {
    let ip = packet.ip;
    match net {
        NetHeaders::Ipv4(header, extensions) => {
            assert!(extensions.is_empty() && header.options.is_empty());
            assert_eq!(header.header_checksum, header.calc_header_checksum());
            assert_eq!(u32::from(header.total_len), packet.length());
            assert!(!header.more_fragments && header.fragment_offset.value() == 0);
            let read = IpHeader {
                source: IpAddr::from(header.source),
                destination: IpAddr::from(header.destination),
                hop_limit: header.time_to_live,
                traffic_class: header.dscp.value() << 2 | header.ecn.value(),
                identification: header.identification,
                dont_fragment: header.dont_fragment,
            };
            assert_eq!(read, ip);
        }
        NetHeaders::Ipv6(header, extensions) => {
            assert!(extensions.is_empty());
            assert_eq!(u32::from(header.payload_length) + 40, packet.length());
            let read = IpHeader {
                source: IpAddr::from(header.source),
                destination: IpAddr::from(header.destination),
                hop_limit: header.hop_limit,
                traffic_class: header.traffic_class,
                identification: 0,
                dont_fragment: true,
            };
            assert_eq!(read, ip);
        }
        other @ NetHeaders::Arp(_) => panic!("{other:?}"),
    }
}

fn assert_segment(net: &NetHeaders, header: &TcpHeader, payload: &[u8], segment: &Segment) {
    let checksum = match net {
        NetHeaders::Ipv4(ip, _) => header.calc_checksum_ipv4(ip, payload),
        NetHeaders::Ipv6(ip, _) => header.calc_checksum_ipv6(ip, payload),
        other @ NetHeaders::Arp(_) => panic!("{other:?}"),
    };
    assert_eq!(Ok(header.checksum), checksum);
    assert_eq!(
        (header.source_port, header.destination_port, header.sequence_number, header.acknowledgment_number),
        (segment.source_port, segment.destination_port, segment.seq.0, segment.ack.0)
    );
    assert_eq!((header.window_size, header.urgent_pointer), (segment.window, segment.urgent));
    for (read, flag) in [
        (header.fin, Flags::FIN),
        (header.syn, Flags::SYN),
        (header.rst, Flags::RST),
        (header.psh, Flags::PSH),
        (header.ack, Flags::ACK),
        (header.urg, Flags::URG),
        (header.ece, Flags::ECE),
        (header.cwr, Flags::CWR),
        (header.ns, Flags::AE),
    ] {
        assert_eq!(read, segment.flags.contains(flag), "{flag}");
    }
    let (options, padding) = header.options.as_slice().split_at(segment.options.as_bytes().len());
    assert_eq!(options, segment.options.as_bytes());
    assert!(padding.iter().all(|octet| *octet == 0), "RFC 9293 §3.1, MUST-69");
    assert_eq!(payload, segment.payload.to_vec());
}

fn assert_datagram(net: &NetHeaders, header: &UdpHeader, payload: &[u8], datagram: &Datagram) {
    let checksum = match net {
        NetHeaders::Ipv4(ip, _) => header.calc_checksum_ipv4(ip, payload),
        NetHeaders::Ipv6(ip, _) => header.calc_checksum_ipv6(ip, payload),
        other @ NetHeaders::Arp(_) => panic!("{other:?}"),
    };
    assert_eq!(Ok(header.checksum), checksum);
    assert_eq!(u32::from(header.length), 8 + datagram.payload.len());
    assert_eq!(
        (header.source_port, header.destination_port),
        (datagram.source_port, datagram.destination_port)
    );
    assert_eq!(payload, datagram.payload.to_vec());
}

fn assert_read_alike(packet: &Packet) {
    let bytes = packet.encode();
    let read = PacketHeaders::from_ip_slice(&bytes).expect("etherparse reads it");
    let net = read.net.as_ref().expect("an IP header");
    assert_ip(net, packet);
    let payload = read.payload.slice();
    match (read.transport.expect("a transport header"), &packet.body) {
        (TransportHeader::Tcp(header), Body::Tcp(segment)) => assert_segment(net, &header, payload, segment),
        (TransportHeader::Udp(header), Body::Udp(datagram)) => {
            assert_datagram(net, &header, payload, datagram);
        }
        // Not through etherparse's types: they forget fields that a code leaves unused.
        (TransportHeader::Icmpv4(_), Body::Icmp(message)) => {
            assert_eq!(Sum16BitWords::new().add_slice(&bytes[20..]).ones_complement(), 0, "{message:?}");
            assert!(message.body.ends_with(payload));
        }
        (TransportHeader::Icmpv6(_), Body::Icmp(message)) => {
            let (addresses, octets) = (&bytes[8..40], &bytes[40..]);
            let sum = Sum16BitWords::new()
                .add_slice(addresses)
                .add_slice(&(octets.len() as u32).to_be_bytes())
                .add_slice(&[0, 0, 0, 58])
                .add_slice(octets);
            assert_eq!(sum.ones_complement(), 0, "{message:?}");
            assert!(message.body.ends_with(payload));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_sample_reads_alike() {
    every_kind().iter().for_each(assert_read_alike);
}

/// The comparison can fail: the last bit of a segment flipped.
#[test]
#[should_panic(expected = "left == right")]
fn a_wrong_checksum_is_seen() {
    let good = packet(v4(), Body::Tcp(data_segment()));
    let bytes = good.corrupt(&[good.length() * 8 - 1]).encode();
    let read = PacketHeaders::from_ip_slice(&bytes).unwrap();
    let Some(TransportHeader::Tcp(header)) = read.transport else { unreachable!("it is TCP") };
    assert_segment(&read.net.unwrap(), &header, read.payload.slice(), &data_segment());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_packet_reads_alike(packet in any_packet()) {
        assert_read_alike(&packet);
    }
}

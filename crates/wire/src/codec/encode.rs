//! Packets to bytes (RFC 791 §3.1, 8200 §3, 9293 §3.1, 768, 792, 4443 §2.1).

use std::net::IpAddr;

use super::Protocol;
use super::icmp;
use crate::checksum::{Checksum, checksum};
use crate::icmp::IcmpMessage;
use crate::packet::{Body, Datagram, IpHeader, Packet};
use crate::segment::Segment;

impl Packet {
    /// The packet's bytes from its IP header on, with right lengths and checksums; [`Body::Raw`] as it is.
    ///
    /// # Panics
    /// If the addresses are of different versions or the packet is longer than IP can say: no endpoint makes such a
    /// packet.
    pub fn encode(&self) -> Vec<u8> {
        let mut octets = Vec::new();
        self.encode_into(&mut octets);
        octets
    }

    /// Appends what [`Packet::encode`] gives to `out`.
    ///
    /// # Panics
    /// As [`Packet::encode`].
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        let protocol = match &self.body {
            Body::Raw(octets) => return out.extend_from_slice(octets),
            Body::Tcp(_) => Protocol::TCP,
            Body::Udp(_) => Protocol::UDP,
            Body::Icmp(_) if self.ip.source.is_ipv4() => Protocol::ICMP,
            Body::Icmp(_) => Protocol::ICMPV6,
        };
        let length = self.length() as usize;
        out.reserve(length);
        push_ip_header(&self.ip, protocol, length, out);
        let start = out.len();
        match &self.body {
            Body::Tcp(segment) => push_segment(segment, out),
            Body::Udp(datagram) => push_datagram(datagram, out),
            Body::Icmp(message) => push_icmp(message, self.ip.source.is_ipv6(), out),
            Body::Raw(_) => unreachable!("raw packets are already written"),
        }
        let checksum = transport_checksum(&self.ip, protocol, &out[start..]);
        let at = start + protocol.checksum_position();
        out[at..at + 2].copy_from_slice(&checksum.to_be_bytes());
    }
}

/// The checksum to send with `octets`, whose checksum field is 0 (RFC 9293 §3.1, MUST-2).
fn transport_checksum(ip: &IpHeader, protocol: Protocol, octets: &[u8]) -> u16 {
    if protocol == Protocol::ICMP {
        return checksum(octets);
    }
    let mut sum = Checksum::of_pseudo_header(ip, protocol, octets.len());
    sum.add(octets);
    match sum.finish() {
        // RFC 768: 0 would say that there is no checksum.
        0 if protocol == Protocol::UDP => 0xFFFF,
        checksum => checksum,
    }
}

/// Appends the IP header of a packet of `length` octets, header included.
fn push_ip_header(ip: &IpHeader, protocol: Protocol, length: usize, out: &mut Vec<u8>) {
    match (ip.source, ip.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let length = u16::try_from(length).expect("an IPv4 packet has at most 65,535 octets");
            let mut header = [0; 20];
            header[0] = 0x45;
            header[1] = ip.traffic_class;
            header[2..4].copy_from_slice(&length.to_be_bytes());
            header[4..6].copy_from_slice(&ip.identification.to_be_bytes());
            header[6] = u8::from(ip.dont_fragment) << 6;
            header[8] = ip.hop_limit;
            header[9] = protocol.0;
            header[12..16].copy_from_slice(&source.octets());
            header[16..].copy_from_slice(&destination.octets());
            let checksum = checksum(&header);
            header[10..12].copy_from_slice(&checksum.to_be_bytes());
            out.extend_from_slice(&header);
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let length = u16::try_from(length - 40).expect("an IPv6 payload has at most 65,535 octets");
            let mut header = [0; 40];
            header[..4].copy_from_slice(&(6 << 28 | u32::from(ip.traffic_class) << 20).to_be_bytes());
            header[4..6].copy_from_slice(&length.to_be_bytes());
            header[6] = protocol.0;
            header[7] = ip.hop_limit;
            header[8..24].copy_from_slice(&source.octets());
            header[24..].copy_from_slice(&destination.octets());
            out.extend_from_slice(&header);
        }
        (source, destination) => panic!("a packet from {source} to {destination} mixes versions of IP"),
    }
}

/// Appends a segment, its checksum 0.
fn push_segment(segment: &Segment, out: &mut Vec<u8>) {
    let mut header = [0; 20];
    header[..2].copy_from_slice(&segment.source_port.to_be_bytes());
    header[2..4].copy_from_slice(&segment.destination_port.to_be_bytes());
    header[4..8].copy_from_slice(&segment.seq.0.to_be_bytes());
    header[8..12].copy_from_slice(&segment.ack.0.to_be_bytes());
    let words = (segment.header_length() / 4) as u16;
    header[12..14].copy_from_slice(&(words << 12 | segment.flags.0 & 0x0FFF).to_be_bytes());
    header[14..16].copy_from_slice(&segment.window.to_be_bytes());
    header[18..].copy_from_slice(&segment.urgent.to_be_bytes());
    out.extend_from_slice(&header);
    let options = segment.options.as_bytes();
    out.extend_from_slice(options);
    // RFC 9293 §3.1, MUST-69: the padding is zeros.
    out.resize(out.len() + segment.options.padded_length() - options.len(), 0);
    segment.payload.write_to(out);
}

/// Appends a datagram, its checksum 0.
fn push_datagram(datagram: &Datagram, out: &mut Vec<u8>) {
    // The length fits: the IP header has been written.
    let length = (8 + datagram.payload.len()) as u16;
    for field in [datagram.source_port, datagram.destination_port, length, 0] {
        out.extend_from_slice(&field.to_be_bytes());
    }
    datagram.payload.write_to(out);
}

/// Appends an ICMP message, its checksum 0.
fn push_icmp(message: &IcmpMessage, ipv6: bool, out: &mut Vec<u8>) {
    let fields = if ipv6 { icmp::fields_v6(message.kind) } else { icmp::fields_v4(message.kind) };
    out.extend_from_slice(&[fields.icmp_type, fields.code, 0, 0]);
    out.extend_from_slice(&fields.rest);
    out.extend_from_slice(&message.body);
}

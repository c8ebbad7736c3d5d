//! A packet on a link: IP header, body and tag.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use crate::icmp::IcmpMessage;
use crate::payload::Payload;
use crate::segment::Segment;
use crate::tag::Tag;

/// The fields of an IP header that endpoints and links use, for both versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IpHeader {
    /// Source address.
    pub source: IpAddr,
    /// Destination address, of the same version.
    pub destination: IpAddr,
    /// Time to live or hop limit.
    pub hop_limit: u8,
    /// DSCP (upper six bits) and ECN (lower two): the TOS octet or traffic class.
    pub traffic_class: u8,
    /// IPv4 identification; 0 for IPv6.
    pub identification: u16,
    /// IPv4 don't-fragment; always true for IPv6.
    pub dont_fragment: bool,
}

impl IpHeader {
    /// Octets of the header: 20 or 40, no options or extension headers.
    #[inline]
    pub fn length(&self) -> usize {
        if self.source.is_ipv4() { 20 } else { 40 }
    }
}

/// A UDP datagram (RFC 768).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Datagram {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Data.
    pub payload: Payload,
}

/// What an IP packet carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A TCP segment.
    Tcp(Segment),
    /// A UDP datagram.
    Udp(Datagram),
    /// An ICMP or ICMPv6 message.
    Icmp(IcmpMessage),
    /// The whole packet as bytes from its IP header on, after corruption or raw injection: its checksums are whatever
    /// they are, and the receiver judges them.
    Raw(Arc<[u8]>),
}

/// A packet and its out-of-band tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// IP header (for [`Body::Raw`] the header before corruption: links route by it).
    pub ip: IpHeader,
    /// What it carries.
    pub body: Body,
    /// Who made it and why; never visible to an endpoint.
    pub tag: Tag,
}

impl Default for Packet {
    /// An empty segment from nowhere to nowhere: the place for a packet that is still to come.
    fn default() -> Self {
        let nowhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        Self {
            ip: IpHeader {
                source: nowhere,
                destination: nowhere,
                hop_limit: 0,
                traffic_class: 0,
                identification: 0,
                dont_fragment: true,
            },
            body: Body::Tcp(Segment::default()),
            tag: Tag::default(),
        }
    }
}

impl Packet {
    /// Octets on the wire from the IP header on.
    #[inline(always)]
    pub fn length(&self) -> u32 {
        match &self.body {
            Body::Tcp(segment) => (self.ip.length() + segment.header_length()) as u32 + segment.payload.len(),
            Body::Udp(datagram) => self.ip.length() as u32 + 8 + datagram.payload.len(),
            Body::Icmp(message) => (self.ip.length() + 8 + message.body.len()) as u32,
            Body::Raw(bytes) => bytes.len() as u32,
        }
    }
}

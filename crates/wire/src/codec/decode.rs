//! Bytes to packets, every length and checksum verified (RFC 791 §3.1, 8200 §3, 9293 §3.1, 768, 792, 4443 §2.1).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use thiserror::Error;

use super::Protocol;
use super::icmp::{Fields, kind_v4, kind_v6};
use crate::checksum::{Checksum, checksum};
use crate::icmp::IcmpMessage;
use crate::options::Options;
use crate::packet::{Body, Datagram, IpHeader};
use crate::payload::Payload;
use crate::segment::{Flags, Segment};
use crate::seq::Seq;

/// Why bytes are not a packet that an endpoint accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum DecodeError {
    /// Fewer octets than a header takes or than its length field says.
    #[error("truncated")]
    Truncated,
    /// The version is neither 4 nor 6.
    #[error("IP version {0}")]
    BadIpVersion(u8),
    /// The IPv4 header length is below 20 octets.
    #[error("IPv4 header length {0} below 20 octets")]
    BadIpHeaderLength(u8),
    /// The checksum of the IPv4 header is wrong.
    #[error("wrong IPv4 header checksum")]
    BadIpHeaderChecksum,
    /// A length field says less than its own header takes.
    #[error("length field shorter than its header")]
    BadLength,
    /// The TCP data offset is below 20 octets or past the end of the segment.
    #[error("TCP header length {0} below 20 octets or past the end")]
    BadTcpHeaderLength(u8),
    /// The transport checksum is wrong, or absent from UDP over IPv6.
    #[error("wrong {protocol} checksum")]
    BadChecksum {
        /// Whose checksum.
        protocol: Protocol,
    },
    /// An IPv4 or IPv6 fragment; there is no reassembly.
    #[error("fragment")]
    Fragment,
    /// An IPv6 extension header other than the fragment header.
    #[error("IPv6 extension header {0}")]
    ExtensionHeader(u8),
    /// Nothing here speaks this protocol.
    #[error("unknown protocol {0}")]
    UnknownProtocol(u8),
}

/// Reads one packet from its IP header on and verifies it. Octets past the IP length are link padding and ignored.
///
/// # Errors
/// The first thing that is wrong, in the order in which a host finds it: IP header, then transport checksum, then
/// transport header.
pub fn decode(bytes: &[u8]) -> Result<(IpHeader, Body), DecodeError> {
    let (ip, protocol, payload) = match bytes.first().ok_or(DecodeError::Truncated)? >> 4 {
        4 => split_v4(bytes)?,
        6 => split_v6(bytes)?,
        version => return Err(DecodeError::BadIpVersion(version)),
    };
    let body = match (protocol, ip.source.is_ipv4()) {
        (Protocol::TCP, _) => Body::Tcp(decode_segment(&ip, payload)?),
        (Protocol::UDP, _) => Body::Udp(decode_datagram(&ip, payload)?),
        (Protocol::ICMP, true) | (Protocol::ICMPV6, false) => {
            Body::Icmp(decode_icmp(&ip, protocol, payload)?)
        }
        (Protocol(44), false) => return Err(DecodeError::Fragment),
        // RFC 8200 §4 and the IANA list: hop-by-hop, routing, ESP, AH, destination options, mobility, HIP, shim6.
        (Protocol(number @ (0 | 43 | 50 | 51 | 60 | 135 | 139 | 140)), false) => {
            return Err(DecodeError::ExtensionHeader(number));
        }
        (Protocol(number), _) => return Err(DecodeError::UnknownProtocol(number)),
    };
    Ok((ip, body))
}

/// Header, protocol and payload of an IPv4 packet.
fn split_v4(bytes: &[u8]) -> Result<(IpHeader, Protocol, &[u8]), DecodeError> {
    let fixed = bytes.first_chunk::<20>().ok_or(DecodeError::Truncated)?;
    let header_length = (fixed[0] & 0x0F) * 4;
    if header_length < 20 {
        return Err(DecodeError::BadIpHeaderLength(header_length));
    }
    // RFC 9293 §3.9.2, MUST-50: options are skipped, timestamps and record route too (MAY-10, MAY-11); their octets count
    // only in the checksum.
    let header_length = usize::from(header_length);
    let header = bytes.get(..header_length).ok_or(DecodeError::Truncated)?;
    if checksum(header) != 0 {
        return Err(DecodeError::BadIpHeaderChecksum);
    }
    let total_length = usize::from(half(header, 2));
    if total_length < header_length {
        return Err(DecodeError::BadLength);
    }
    let payload = bytes.get(header_length..total_length).ok_or(DecodeError::Truncated)?;
    let fragmentation = half(header, 6);
    // More fragments to come, or not the first one.
    if fragmentation & 0x3FFF != 0 {
        return Err(DecodeError::Fragment);
    }
    Ok((header_v4(fixed), Protocol(fixed[9]), payload))
}

/// The fields of the fixed part of an IPv4 header.
pub(crate) fn header_v4(fixed: &[u8; 20]) -> IpHeader {
    IpHeader {
        source: IpAddr::V4(Ipv4Addr::from(word(fixed, 12))),
        destination: IpAddr::V4(Ipv4Addr::from(word(fixed, 16))),
        hop_limit: fixed[8],
        traffic_class: fixed[1],
        identification: half(fixed, 4),
        dont_fragment: fixed[6] & 0x40 != 0,
    }
}

/// Header, next header and payload of an IPv6 packet.
fn split_v6(bytes: &[u8]) -> Result<(IpHeader, Protocol, &[u8]), DecodeError> {
    let (fixed, rest) = bytes.split_first_chunk::<40>().ok_or(DecodeError::Truncated)?;
    let payload = rest.get(..usize::from(half(fixed, 4))).ok_or(DecodeError::Truncated)?;
    Ok((header_v6(fixed), Protocol(fixed[6]), payload))
}

/// The fields of an IPv6 header.
pub(crate) fn header_v6(fixed: &[u8; 40]) -> IpHeader {
    let address = |at: usize| {
        let octets = *fixed[at..].first_chunk::<16>().expect("the header has room for both addresses");
        IpAddr::V6(Ipv6Addr::from(octets))
    };
    IpHeader {
        source: address(8),
        destination: address(24),
        hop_limit: fixed[7],
        traffic_class: (half(fixed, 0) >> 4) as u8,
        identification: 0,
        dont_fragment: true,
    }
}

/// Reads a segment that fills `octets`.
fn decode_segment(ip: &IpHeader, octets: &[u8]) -> Result<Segment, DecodeError> {
    if octets.len() < 20 {
        return Err(DecodeError::Truncated);
    }
    verify(ip, Protocol::TCP, octets)?;
    let header_length = octets[12] >> 4 << 2;
    if header_length < 20 || usize::from(header_length) > octets.len() {
        return Err(DecodeError::BadTcpHeaderLength(header_length));
    }
    let (header, payload) = octets.split_at(usize::from(header_length));
    Ok(Segment {
        source_port: half(header, 0),
        destination_port: half(header, 2),
        seq: Seq(word(header, 4)),
        ack: Seq(word(header, 8)),
        // RFC 9293 §3.1: the reserved bits are ignored.
        flags: Flags(half(header, 12) & 0x01FF),
        window: half(header, 14),
        urgent: half(header, 18),
        options: Options::from_bytes(&header[20..]).expect("a header has at most 40 octets of options"),
        payload: payload_of(payload),
    })
}

/// Reads a datagram at the start of `octets`; what follows its length is ignored.
fn decode_datagram(ip: &IpHeader, octets: &[u8]) -> Result<Datagram, DecodeError> {
    if octets.len() < 8 {
        return Err(DecodeError::Truncated);
    }
    let length = usize::from(half(octets, 4));
    if length < 8 {
        return Err(DecodeError::BadLength);
    }
    let datagram = octets.get(..length).ok_or(DecodeError::Truncated)?;
    // RFC 768: 0 says that the sender computed no checksum; RFC 8200 §8.1 forbids that on IPv6.
    match (half(datagram, 6), ip.source.is_ipv4()) {
        (0, true) => {}
        (0, false) => return Err(DecodeError::BadChecksum { protocol: Protocol::UDP }),
        _ => verify(ip, Protocol::UDP, datagram)?,
    }
    Ok(Datagram {
        source_port: half(datagram, 0),
        destination_port: half(datagram, 2),
        payload: payload_of(&datagram[8..]),
    })
}

/// Reads an ICMP or ICMPv6 message that fills `octets`.
fn decode_icmp(ip: &IpHeader, protocol: Protocol, octets: &[u8]) -> Result<IcmpMessage, DecodeError> {
    let Some((&[icmp_type, code, _, _, a, b, c, d], body)) = octets.split_first_chunk::<8>() else {
        return Err(DecodeError::Truncated);
    };
    verify(ip, protocol, octets)?;
    let fields = Fields { icmp_type, code, rest: [a, b, c, d] };
    let kind = if protocol == Protocol::ICMP { kind_v4(fields) } else { kind_v6(fields) };
    Ok(IcmpMessage { kind, body: Arc::from(body) })
}

/// Verifies the transport checksum in `octets` (RFC 9293 §3.1, MUST-3).
fn verify(ip: &IpHeader, protocol: Protocol, octets: &[u8]) -> Result<(), DecodeError> {
    let mut sum = if protocol == Protocol::ICMP {
        Checksum::default()
    } else {
        Checksum::of_pseudo_header(ip, protocol, octets.len())
    };
    sum.add(octets);
    if sum.finish() == 0 { Ok(()) } else { Err(DecodeError::BadChecksum { protocol }) }
}

fn payload_of(octets: &[u8]) -> Payload {
    if octets.is_empty() { Payload::EMPTY } else { Payload::from_bytes(octets) }
}

/// The 16-bit field at `at`, which the caller has made sure is there.
pub(crate) fn half(octets: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([octets[at], octets[at + 1]])
}

/// The 32-bit field at `at`, which the caller has made sure is there.
pub(crate) fn word(octets: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([octets[at], octets[at + 1], octets[at + 2], octets[at + 3]])
}

//! The packet that an ICMP error quotes: how much of it is sent and what is read from it (RFC 792, RFC 1812 §4.3.2.3,
//! RFC 4443 §2.4).

use std::sync::Arc;

use crate::codec::{DecodeError, Protocol, half, header_v4, header_v6, word};
use crate::icmp::{IcmpKind, IcmpMessage};
use crate::packet::{IpHeader, Packet};
use crate::seq::Seq;

/// What an ICMP error tells of the packet that caused it. Nothing in it is verified: quotes are cut short, and routers
/// change headers on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quote {
    /// IP header; its source is the receiver of the error.
    pub ip: IpHeader,
    /// Octets of the packet as its header says, from the IP header on (RFC 1191 §5 needs it when the MTU is missing).
    pub length: u32,
    /// The start of the transport header.
    pub transport: QuotedTransport,
}

/// The part of the transport header that every quote has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QuotedTransport {
    /// A TCP segment.
    Tcp {
        /// Source port.
        source_port: u16,
        /// Destination port.
        destination_port: u16,
        /// Sequence number (RFC 5927 §4.1 checks it against the window).
        seq: Seq,
    },
    /// A UDP datagram.
    Udp {
        /// Source port.
        source_port: u16,
        /// Destination port.
        destination_port: u16,
    },
    /// Anything else.
    Other(Protocol),
}

impl Quote {
    /// Reads a quote from its IP header on: the body of an ICMP error.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if the quote ends before the eighth octet of the transport header,
    /// [`DecodeError::Fragment`] if it has none since it is a later fragment, and the errors of a wrong version or
    /// header length.
    pub fn parse(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (ip, protocol, length, rest) = match bytes.first().ok_or(DecodeError::Truncated)? >> 4 {
            4 => {
                let fixed = bytes.first_chunk::<20>().ok_or(DecodeError::Truncated)?;
                let header_length = (fixed[0] & 0x0F) * 4;
                if header_length < 20 {
                    return Err(DecodeError::BadIpHeaderLength(header_length));
                }
                if half(fixed, 6) & 0x1FFF != 0 {
                    return Err(DecodeError::Fragment);
                }
                let rest = bytes.get(usize::from(header_length)..).ok_or(DecodeError::Truncated)?;
                (header_v4(fixed), Protocol(fixed[9]), u32::from(half(fixed, 2)), rest)
            }
            6 => {
                let (fixed, rest) = bytes.split_first_chunk::<40>().ok_or(DecodeError::Truncated)?;
                (header_v6(fixed), Protocol(fixed[6]), 40 + u32::from(half(fixed, 4)), rest)
            }
            version => return Err(DecodeError::BadIpVersion(version)),
        };
        let start = rest.first_chunk::<8>().ok_or(DecodeError::Truncated)?;
        let (source_port, destination_port) = (half(start, 0), half(start, 2));
        let transport = match protocol {
            Protocol::TCP => QuotedTransport::Tcp { source_port, destination_port, seq: Seq(word(start, 4)) },
            Protocol::UDP => QuotedTransport::Udp { source_port, destination_port },
            other => QuotedTransport::Other(other),
        };
        Ok(Self { ip, length, transport })
    }
}

impl IcmpMessage {
    /// The error of this kind about `packet`, which it quotes as far as the error stays within 576 octets on IPv4
    /// (RFC 1812 §4.3.2.3) or 1280 on IPv6 (RFC 4443 §2.4 (c)).
    pub fn quoting(kind: IcmpKind, packet: &Packet) -> Self {
        let room = if packet.ip.source.is_ipv4() { 576 - 20 - 8 } else { 1280 - 40 - 8 };
        let octets = packet.encode();
        Self { kind, body: Arc::from(&octets[..octets.len().min(room)]) }
    }

    /// What an error quotes: [`Quote::parse`] of the body.
    ///
    /// # Errors
    /// As [`Quote::parse`].
    pub fn quote(&self) -> Result<Quote, DecodeError> {
        Quote::parse(&self.body)
    }
}

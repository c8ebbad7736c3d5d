//! Packets to bytes and back: the words that [`encode`](crate::Packet::encode) and [`decode`] share.
//!
//! Left out on purpose: fragments and IPv6 extension headers (nothing here makes them; [`decode`] names them in its
//! error), jumbograms, and flow labels (written as 0, ignored when read).

mod decode;
mod encode;
mod icmp;

use std::fmt;

pub use decode::{DecodeError, decode};
pub(crate) use decode::{half, header_v4, header_v6, word};

/// An IP protocol number (IPv6: the next header).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Protocol(pub u8);

impl Protocol {
    /// ICMP, on IPv4 only.
    pub const ICMP: Self = Self(1);
    /// TCP.
    pub const TCP: Self = Self(6);
    /// UDP.
    pub const UDP: Self = Self(17);
    /// ICMPv6, on IPv6 only.
    pub const ICMPV6: Self = Self(58);

    /// Octets from the start of the protocol's header to its checksum.
    const fn checksum_position(self) -> usize {
        match self {
            Self::TCP => 16,
            Self::UDP => 6,
            _ => 2,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ICMP => f.write_str("ICMP"),
            Self::TCP => f.write_str("TCP"),
            Self::UDP => f.write_str("UDP"),
            Self::ICMPV6 => f.write_str("ICMPv6"),
            Self(number) => write!(f, "protocol {number}"),
        }
    }
}

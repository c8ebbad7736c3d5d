//! A TCP segment as a plain value (RFC 9293 §3.1).

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

use crate::options::Options;
use crate::payload::Payload;
use crate::seq::Seq;

/// Control bits of a TCP header.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Flags(pub u16);

impl Flags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// No more data from sender.
    pub const FIN: Self = Self(0x001);
    /// Synchronize sequence numbers.
    pub const SYN: Self = Self(0x002);
    /// Reset the connection.
    pub const RST: Self = Self(0x004);
    /// Push.
    pub const PSH: Self = Self(0x008);
    /// The acknowledgment field counts.
    pub const ACK: Self = Self(0x010);
    /// The urgent pointer counts.
    pub const URG: Self = Self(0x020);
    /// ECN echo (RFC 3168 §6.1).
    pub const ECE: Self = Self(0x040);
    /// Congestion window reduced (RFC 3168 §6.1).
    pub const CWR: Self = Self(0x080);
    /// The former nonce sum, now accurate ECN's.
    pub const AE: Self = Self(0x100);
    /// The control bits by the RFC's names, in the order of their bits.
    pub const NAMES: [(&'static str, Self); 9] = [
        ("FIN", Self::FIN),
        ("SYN", Self::SYN),
        ("RST", Self::RST),
        ("PSH", Self::PSH),
        ("ACK", Self::ACK),
        ("URG", Self::URG),
        ("ECE", Self::ECE),
        ("CWR", Self::CWR),
        ("AE", Self::AE),
    ];

    /// Whether all bits of `other` are set.
    #[inline]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any bit of `other` is set.
    #[inline]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Without the bits of `other`.
    #[inline]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl BitOr for Flags {
    type Output = Self;

    #[inline]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    #[inline]
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl fmt::Display for Flags {
    /// The RFC's words: `<SYN,ACK>` prints as `SYN,ACK`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SYN and FIN first, as the figures of RFC 9293 write them.
        const ORDER: [usize; 9] = [1, 0, 2, 3, 4, 5, 6, 7, 8];
        let mut separator = "";
        for bit in ORDER {
            if self.0 >> bit & 1 == 1 {
                write!(f, "{separator}{}", Self::NAMES[bit].0)?;
                separator = ",";
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{self}>")
    }
}

/// One TCP segment. The checksum is not a field: it is right unless the packet was corrupted, and then the packet is
/// raw bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Sequence number of the first octet (of the SYN if there is one).
    pub seq: Seq,
    /// Acknowledgment number; counts only with [`Flags::ACK`].
    pub ack: Seq,
    /// Control bits.
    pub flags: Flags,
    /// Window field as it stands in the header, unscaled.
    pub window: u16,
    /// Urgent pointer; counts only with [`Flags::URG`].
    pub urgent: u16,
    /// Options in their order on the wire.
    pub options: Options,
    /// Data.
    pub payload: Payload,
}

impl Segment {
    /// Octets of header and options, a multiple of four.
    #[inline]
    pub fn header_length(&self) -> usize {
        20 + self.options.padded_length()
    }

    /// SEG.LEN: sequence space taken by data, SYN and FIN (RFC 9293 §3.4).
    #[inline]
    pub fn sequence_length(&self) -> u32 {
        self.payload.len()
            + u32::from(self.flags.contains(Flags::SYN))
            + u32::from(self.flags.contains(Flags::FIN))
    }

    /// Whether it is a pure ACK: the ACK bit, no data, no SYN, FIN or RST.
    #[inline]
    pub fn is_pure_ack(&self) -> bool {
        self.payload.is_empty()
            && self.flags.contains(Flags::ACK)
            && !self.flags.intersects(Flags::SYN | Flags::FIN | Flags::RST)
    }
}

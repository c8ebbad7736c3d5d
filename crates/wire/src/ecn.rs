//! The ECN codepoint of an IP header (RFC 3168 §5).

use crate::packet::IpHeader;

/// The two ECN bits of the TOS octet or traffic class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum EcnCodepoint {
    /// 00: the transport does not take marks; congestion drops the packet.
    #[default]
    NotEct = 0,
    /// 01: ECN-capable, the other codepoint.
    Ect1 = 1,
    /// 10: ECN-capable, the codepoint of RFC 3168.
    Ect0 = 2,
    /// 11: congestion experienced.
    Ce = 3,
}

impl EcnCodepoint {
    /// The bits in place.
    pub const MASK: u8 = 3;

    /// Of a TOS octet or traffic class.
    #[inline]
    pub const fn of(traffic_class: u8) -> Self {
        match traffic_class & Self::MASK {
            0 => Self::NotEct,
            1 => Self::Ect1,
            2 => Self::Ect0,
            _ => Self::Ce,
        }
    }

    /// `traffic_class` with this codepoint in place of its own.
    #[inline]
    pub const fn put_into(self, traffic_class: u8) -> u8 {
        (traffic_class & !Self::MASK) | self as u8
    }

    /// Whether the transport takes a mark instead of a drop, or has one already.
    #[inline]
    pub const fn is_capable(self) -> bool {
        !matches!(self, Self::NotEct)
    }
}

impl IpHeader {
    /// The ECN codepoint.
    #[inline]
    pub const fn ecn(&self) -> EcnCodepoint {
        EcnCodepoint::of(self.traffic_class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3168 §5, figure 1.
    #[test]
    fn codepoints_keep_the_dscp() {
        for bits in 0..=3u8 {
            let codepoint = EcnCodepoint::of(0xb8 | bits);
            assert_eq!(codepoint as u8, bits);
            assert_eq!(codepoint.put_into(0x2b), 0x28 | bits);
            assert_eq!(codepoint.is_capable(), bits != 0);
        }
    }
}

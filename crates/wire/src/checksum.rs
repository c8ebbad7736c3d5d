//! The Internet checksum (RFC 1071) and the pseudo-headers it is taken over (RFC 9293 §3.1, RFC 8200 §8.1).

use std::net::IpAddr;

use crate::codec::Protocol;
use crate::packet::IpHeader;

/// A one's complement sum on its way.
///
/// The sum is kept in 64 bits and folded once at the end: 2^16 is 1 modulo 2^16 - 1, so wider words may be added as
/// they are (RFC 1071 §2).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Checksum(u64);

impl Checksum {
    /// The sum over the pseudo-header of `length` octets of `protocol`.
    pub(crate) fn of_pseudo_header(ip: &IpHeader, protocol: Protocol, length: usize) -> Self {
        let mut sum = Self::default();
        for address in [ip.source, ip.destination] {
            match address {
                IpAddr::V4(address) => sum.add(&address.octets()),
                IpAddr::V6(address) => sum.add(&address.octets()),
            }
        }
        sum.0 += u64::from(protocol.0) + length as u64;
        sum
    }

    /// Adds octets that begin at an even position; an odd last octet is padded with zero.
    #[inline]
    pub(crate) fn add(&mut self, octets: &[u8]) {
        let (words, rest) = octets.as_chunks::<4>();
        self.0 += words.iter().map(|word| u64::from(u32::from_be_bytes(*word))).sum::<u64>();
        let mut last = [0; 4];
        last[..rest.len()].copy_from_slice(rest);
        self.0 += u64::from(u32::from_be_bytes(last));
    }

    /// The checksum: the complement of the folded sum. Over octets that contain a right checksum it is 0.
    #[inline]
    pub(crate) fn finish(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xFFFF {
            sum = (sum >> 16) + (sum & 0xFFFF);
        }
        !(sum as u16)
    }
}

/// The checksum of `octets` alone, as IPv4 headers and ICMP have it.
pub(crate) fn checksum(octets: &[u8]) -> u16 {
    let mut sum = Checksum::default();
    sum.add(octets);
    sum.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 1071 §4.1, word by word.
    fn as_the_rfc_writes_it(octets: &[u8]) -> u16 {
        let mut sum = 0_u32;
        for pair in octets.chunks(2) {
            sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
        }
        while sum >> 16 != 0 {
            sum = (sum & 0xFFFF) + (sum >> 16);
        }
        !(sum as u16)
    }

    #[test]
    fn the_example_of_rfc_1071() {
        // RFC 1071 §3: the sum of these is ddf2.
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
        assert_eq!(checksum(&[]), 0xFFFF);
    }

    proptest! {
        #[test]
        fn equals_the_plain_sum(octets in prop::collection::vec(any::<u8>(), 0..2000)) {
            prop_assert_eq!(checksum(&octets), as_the_rfc_writes_it(&octets));
        }
    }
}

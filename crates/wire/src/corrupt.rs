//! Corruption: a packet with some of its bits flipped.

use std::sync::Arc;

use crate::packet::{Body, Packet};

impl Packet {
    /// This packet with the bits at these positions flipped. Position 0 is the most significant bit of the first octet
    /// of the IP header, 7 its least significant one, and so on in the order on the wire, up to `8 * length() - 1`. A
    /// position past the end flips nothing; one that is named twice is flipped back.
    ///
    /// The copy keeps the header and tag from before, since links route by them; its body is [`Body::Raw`], and only the
    /// checksums in it decide whether a receiver takes it.
    pub fn corrupt(&self, bits: &[u32]) -> Self {
        let mut octets = self.encode();
        for bit in bits {
            if let Some(octet) = octets.get_mut((bit / 8) as usize) {
                *octet ^= 0x80 >> (bit % 8);
            }
        }
        Self { ip: self.ip, body: Body::Raw(Arc::from(octets)), tag: self.tag }
    }
}

//! Initial sequence numbers: a 4 us clock plus a keyed hash of the connection's name (RFC 9293 §3.4.1, RFC 6528 §3);
//! the offsets of timestamps by the same means.

use std::net::{IpAddr, SocketAddr};

use faultwire_base::Instant;
use faultwire_wire::Seq;

use crate::secrets::Secrets;

/// Chooses initial sequence numbers for one life of one host.
#[derive(Clone, Debug)]
pub(crate) struct InitialSequence {
    secret: [u64; 2],
    fixed: Vec<u32>,
    /// How many of `fixed` were given out.
    used: usize,
}

impl InitialSequence {
    /// A restarted host has a new secret. `fixed` are the numbers of the first
    /// connections, the last of them that of all further ones, as the figures of RFC 9293 need it; timestamps start at
    /// the clock then.
    pub(crate) fn new(secrets: &Secrets, fixed: Vec<u32>) -> Self {
        Self { secret: secrets.key("initial sequence number"), fixed, used: 0 }
    }

    /// ISN = M + F(local, remote, secret), M ticking every 4 us (RFC 9293 §3.4.1: MUST-8, SHLD-1). F is a keyed hash, so
    /// that nobody computes it who lacks the secret (MUST-9).
    pub(crate) fn choose(&mut self, now: Instant, local: SocketAddr, remote: SocketAddr) -> Seq {
        if let Some(&fixed) = self.left().first() {
            self.used += 1;
            return Seq(fixed);
        }
        let clock = (now.as_nanos() / TICK_NANOS) as u32;
        Seq(clock.wrapping_add(self.offset(local, remote)))
    }

    /// The fixed numbers of the connections to come.
    pub(crate) fn left(&self) -> &[u32] {
        let last = self.fixed.len().saturating_sub(1);
        &self.fixed[self.used.min(last)..]
    }

    /// What is added to the clock in timestamps: the same for all connections between two addresses, so that an
    /// incarnation follows on the one before, and different for others (RFC 7323 §5.4).
    pub(crate) fn timestamp_offset(&self, local: IpAddr, remote: IpAddr) -> u32 {
        if !self.fixed.is_empty() {
            return 0;
        }
        let ([local_high, local_low], [remote_high, remote_low]) = (halves(local), halves(remote));
        sip_hash(self.secret, &[local_high, local_low, remote_high, remote_low]) as u32
    }

    fn offset(&self, local: SocketAddr, remote: SocketAddr) -> u32 {
        let [local_high, local_low] = halves(local.ip());
        let [remote_high, remote_low] = halves(remote.ip());
        let ports = u64::from(local.port()) << 16 | u64::from(remote.port());
        sip_hash(self.secret, &[local_high, local_low, remote_high, remote_low, ports]) as u32
    }
}

/// The clock's tick: 2^32 of them are 4.77 hours.
const TICK_NANOS: u64 = 4_000;

/// An address as two words; an IPv4 address as its mapped form.
pub(crate) fn halves(address: IpAddr) -> [u64; 2] {
    let bits = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    };
    [(bits >> 64) as u64, bits as u64]
}

/// SipHash-2-4 of whole words.
pub(crate) fn sip_hash(key: [u64; 2], words: &[u64]) -> u64 {
    let mut state = [
        key[0] ^ 0x736f_6d65_7073_6575,
        key[1] ^ 0x646f_7261_6e64_6f6d,
        key[0] ^ 0x6c79_6765_6e65_7261,
        key[1] ^ 0x7465_6462_7974_6573,
    ];
    let length = (words.len() as u64 * 8) << 56;
    for &word in words.iter().chain(&[length]) {
        state[3] ^= word;
        (0..2).for_each(|_| sip_round(&mut state));
        state[0] ^= word;
    }
    state[2] ^= 0xff;
    (0..4).for_each(|_| sip_round(&mut state));
    state[0] ^ state[1] ^ state[2] ^ state[3]
}

fn sip_round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[2] = v[2].rotate_left(32);
}

#[cfg(test)]
mod tests;

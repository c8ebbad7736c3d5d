//! Initial sequence numbers that are SYN cookies: made and checked under keys of this host (RFC 4987 §3.6).

use faultwire_base::Instant;
use faultwire_wire::{Segment, Seq};

use crate::demux::Ends;
use crate::isn::{halves, sip_hash};
use crate::secrets::Secrets;

/// The keys of SYN cookies in one life of one host.
#[derive(Clone, Debug)]
pub(crate) struct SynCookies {
    secrets: Secrets,
    /// Derived at the first cookie.
    keys: Option<[[u64; 2]; 2]>,
}

/// A counter of this period goes into each cookie (Linux `TCP_SYNCOOKIE_PERIOD`).
const PERIOD_NANOS: u64 = 60_000_000_000;
/// A cookie is good in the period that made it and in the next (Linux `MAX_SYNCOOKIE_AGE`).
const PERIODS: u32 = 2;
/// So long after a listener last made a cookie, an ACK of no connection may have one.
pub(crate) const VALID_NANOS: u64 = PERIOD_NANOS * PERIODS as u64;
const LOW_BITS: u32 = 24;
const LOW_MASK: u32 = (1 << LOW_BITS) - 1;

impl SynCookies {
    pub(crate) fn new(secrets: Secrets) -> Self {
        Self { secrets, keys: None }
    }

    /// The number of a SYN-ACK that says `data`: hash + the peer's ISN + counter in the upper 8 bits, and in the lower 24
    /// a hash with the counter in it + `data` (Linux `secure_tcp_syn_cookie`).
    pub(crate) fn issue(&mut self, now: Instant, ends: &Ends, peer_isn: Seq, data: u8) -> Seq {
        let count = count(now);
        let low = self.hash(1, ends, count).wrapping_add(data.into()) & LOW_MASK;
        let base = self.hash(0, ends, 0).wrapping_add(peer_isn.0);
        Seq(base.wrapping_add(count << LOW_BITS).wrapping_add(low))
    }

    /// What a cookie said, if the ACK that should bring it back acknowledges one that is good now.
    pub(crate) fn check(&mut self, now: Instant, ends: &Ends, ack: &Segment) -> Option<u8> {
        let base = self.hash(0, ends, 0).wrapping_add((ack.seq - 1).0);
        let cookie = (ack.ack - 1).0.wrapping_sub(base);
        let age = count(now).wrapping_sub(cookie >> LOW_BITS) & (u32::MAX >> LOW_BITS);
        if age >= PERIODS {
            return None;
        }
        let low = self.hash(1, ends, count(now).wrapping_sub(age));
        let data = cookie.wrapping_sub(low) & LOW_MASK;
        u8::try_from(data).ok().filter(|&data| data < 4)
    }

    fn hash(&mut self, key: usize, ends: &Ends, count: u32) -> u32 {
        let (local, remote) = ends.addresses();
        let ([a, b], [c, d]) = (halves(remote), halves(local));
        let ports = ends.ports();
        let ports = u64::from(ports.remote) << 16 | u64::from(ports.local);
        let secrets = &self.secrets;
        let keys = self
            .keys
            .get_or_insert_with(|| [secrets.key("SYN cookie, base"), secrets.key("SYN cookie, count")]);
        sip_hash(keys[key], &[a, b, c, d, ports << 32 | u64::from(count)]) as u32
    }
}

fn count(now: Instant) -> u32 {
    (now.as_nanos() / PERIOD_NANOS) as u32
}

#[cfg(test)]
mod tests;

//! The fingerprint of a run: a named, versioned 128-bit digest over semantic records (DESIGN D6).
//!
//! Each place keeps a running digest of its own; they are combined in the order of names. A place without records
//! does not count, so that an unconnected host or an idle link changes nothing.

use std::fmt;

use faultwire_base::Instant;
use faultwire_host::{DropReason, Errno};
use faultwire_link::LinkEvent;
use faultwire_tcp::State;
use faultwire_wire::{Body, Options, Packet, Payload};
use xxhash_rust::xxh3::xxh3_128;

/// Name and version of the digest; raised when the records or their encoding change.
pub const FINGERPRINT_NAME: &str = "fw1";

/// The fingerprint of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint(pub u128);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{FINGERPRINT_NAME}-{:032x}", self.0)
    }
}

impl Fingerprint {
    /// Combines named digests in the given order; empty ones are left out.
    pub(crate) fn combine<'a>(places: impl Iterator<Item = (&'a str, &'a PlaceDigest)>) -> Self {
        let mut bytes = Vec::new();
        for (name, digest) in places {
            if let Some(value) = digest.value() {
                bytes.extend_from_slice(&(name.len() as u64).to_le_bytes());
                bytes.extend_from_slice(name.as_bytes());
                bytes.extend_from_slice(&value.to_le_bytes());
            }
        }
        Self(xxh3_128(&bytes))
    }

    /// Of a run in which `host` has a quirk: never that of a run without, even if it made no difference.
    pub(crate) fn with_quirk(self, host: &str, quirk: &str) -> Self {
        let mut bytes = self.0.to_le_bytes().to_vec();
        for word in [host, quirk] {
            bytes.extend_from_slice(&(word.len() as u64).to_le_bytes());
            bytes.extend_from_slice(word.as_bytes());
        }
        Self(xxh3_128(&bytes))
    }

    /// Combines the fingerprints of cases.
    pub fn of_cases<'a>(cases: impl Iterator<Item = (&'a str, Self)>) -> Self {
        let mut bytes = Vec::new();
        for (name, fingerprint) in cases {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(&fingerprint.0.to_le_bytes());
        }
        Self(xxh3_128(&bytes))
    }
}

/// Words hashed at once: 240 octets is the most that xxh3 takes on its quick path.
const BLOCK_WORDS: usize = 28;
/// Octets of the digest of all blocks before, which begins each block.
const CHAIN_OCTETS: usize = 16;
/// Octets of a full block.
const BLOCK_OCTETS: usize = CHAIN_OCTETS + 8 * BLOCK_WORDS;

/// What kind of record follows, so that records of different shapes can't run into each other.
#[derive(Clone, Copy)]
#[repr(u64)]
enum Mark {
    Sent = 1,
    Forwarded,
    Arrived,
    Link,
    Discarded,
    State,
    Step,
    Host,
}

/// The running digest of one place.
#[derive(Clone, Debug)]
pub(crate) struct PlaceDigest {
    /// The digest so far, then words that are not in it yet.
    block: [u8; BLOCK_OCTETS],
    /// Octets of `block` in use.
    used: usize,
}

impl Default for PlaceDigest {
    fn default() -> Self {
        Self { block: [0; BLOCK_OCTETS], used: CHAIN_OCTETS }
    }
}

impl PlaceDigest {
    /// A packet handed to a direction, with its header fields and the identity of its payload.
    #[inline]
    pub(crate) fn sent(&mut self, at: Instant, direction_name: u64, packet: &Packet) {
        let ip = &packet.ip;
        let header = u64::from(packet.length()) << 32
            | u64::from(ip.hop_limit) << 24
            | u64::from(ip.traffic_class) << 16
            | u64::from(ip.identification);
        match &packet.body {
            Body::Tcp(segment) => {
                let ports = u64::from(segment.source_port) << 16 | u64::from(segment.destination_port);
                let fields = u64::from(segment.flags.0) << 32
                    | u64::from(segment.window) << 16
                    | u64::from(segment.urgent);
                let numbers = u64::from(segment.seq.0) << 32 | u64::from(segment.ack.0);
                let (stream, offset) = payload_identity(&segment.payload);
                let [mark, header] = [(Mark::Sent as u64) << 56 | at.as_nanos(), direction_name ^ header];
                let fields = ports << 32 ^ fields;
                if let Some(stamps) = segment.options.plain_timestamps()
                    && self.has_room(7)
                {
                    let stamps = u64::from_le_bytes(stamps);
                    self.absorb([mark, header, fields, numbers, stream, offset, stamps]);
                } else {
                    self.absorb([mark, header, fields, numbers, stream, offset]);
                    self.absorb_options(&segment.options);
                }
            }
            Body::Udp(datagram) => {
                let ports = u64::from(datagram.source_port) << 16 | u64::from(datagram.destination_port);
                let (stream, offset) = payload_identity(&datagram.payload);
                self.absorb([
                    (Mark::Sent as u64) << 56 | at.as_nanos(),
                    direction_name ^ header,
                    ports,
                    stream,
                    offset,
                ]);
            }
            Body::Icmp(_) | Body::Raw(_) => {
                let bytes = xxh3_128(&packet.encode());
                self.absorb([
                    (Mark::Sent as u64) << 56 | at.as_nanos(),
                    direction_name ^ header,
                    bytes as u64,
                    (bytes >> 64) as u64,
                ]);
            }
        }
    }

    /// A packet that this place passes on. Its fields were absorbed where it was made; what a link changed on the way,
    /// with the link's decision.
    #[inline]
    pub(crate) fn forwarded(&mut self, at: Instant, direction_name: u64, packet: &Packet) {
        let identity = packet.tag.id.count() ^ u64::from(packet.ip.hop_limit) << 48;
        self.absorb([(Mark::Forwarded as u64) << 56 | at.as_nanos(), direction_name ^ identity]);
    }

    /// A packet that reached this place. Its fields were absorbed where it was sent.
    #[inline]
    pub(crate) fn arrived(&mut self, at: Instant, direction_name: u64, packet: &Packet) {
        self.absorb([(Mark::Arrived as u64) << 56 | at.as_nanos(), direction_name ^ packet.tag.id.count()]);
    }

    /// A packet that this place discarded after arrival.
    pub(crate) fn discarded(&mut self, at: Instant, count: u64, reason: DropReason) {
        self.absorb([(Mark::Discarded as u64) << 56 | at.as_nanos(), (reason as u64) << 48 ^ count]);
    }

    /// A decision of a link other than plain passing.
    pub(crate) fn link(&mut self, event: &LinkEvent) {
        self.absorb([(Mark::Link as u64) << 56 | event.at.as_nanos(), event.packet.count()]);
        self.absorb(event.decision.digest_words());
    }

    /// A connection's change of state.
    pub(crate) fn state(&mut self, at: Instant, connection: u32, from: State, to: State) {
        self.absorb([
            (Mark::State as u64) << 56 | at.as_nanos(),
            u64::from(connection) << 16 | (from as u64) << 8 | to as u64,
        ]);
    }

    /// The end of an app's step.
    pub(crate) fn step(&mut self, at: Instant, app: u64, step: u32, errno: Option<Errno>) {
        let errno = errno.map_or(0, |errno| errno as u64 + 1);
        self.absorb([(Mark::Step as u64) << 56 | at.as_nanos(), app ^ (u64::from(step) << 16 | errno)]);
    }

    /// A timeline fault on a host.
    pub(crate) fn host(&mut self, at: Instant, change: u64) {
        self.absorb([(Mark::Host as u64) << 56 | at.as_nanos(), change]);
    }

    /// A place, where records of several share one digest.
    pub(crate) fn place(&mut self, name: u64) {
        self.absorb([name]);
    }

    /// The digest so far in 64 bits.
    pub(crate) fn short(&self) -> u64 {
        self.value().unwrap_or_default() as u64
    }

    /// Whether so many words fit into the block in hand.
    #[inline]
    fn has_room(&self, words: usize) -> bool {
        self.used + 8 * words <= BLOCK_OCTETS
    }

    #[inline]
    fn absorb<const N: usize>(&mut self, words: [u64; N]) {
        if !self.has_room(N) {
            self.compress();
        }
        let slots = &mut self.block[self.used..self.used + 8 * N];
        for (slot, word) in slots.chunks_exact_mut(8).zip(words) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        self.used += 8 * N;
    }

    /// Options word by word.
    #[inline(never)]
    fn absorb_options(&mut self, options: &Options) {
        if let Some(stamps) = options.plain_timestamps() {
            // Timestamps alone, as on nearly every segment: their word says it all, and no other option list of one
            // word is eight octets of time.
            self.absorb([u64::from_le_bytes(stamps)]);
            return;
        }
        let bytes = options.as_bytes();
        if bytes.is_empty() {
            return;
        }
        self.absorb([bytes.len() as u64]);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.absorb([u64::from_le_bytes(word)]);
        }
    }

    #[inline(never)]
    fn compress(&mut self) {
        let digest = xxh3_128(&self.block[..self.used]);
        self.block[..CHAIN_OCTETS].copy_from_slice(&digest.to_le_bytes());
        self.used = CHAIN_OCTETS;
    }

    /// The digest so far, `None` without any record.
    fn value(&self) -> Option<u128> {
        // Something follows each digest of a block, so the block is empty only at first.
        (self.used > CHAIN_OCTETS).then(|| xxh3_128(&self.block[..self.used]))
    }
}

/// Stream and offset of a payload; bytes are identified by their hash.
#[inline]
fn payload_identity(payload: &Payload) -> (u64, u64) {
    match payload {
        Payload::Zeros { len } => (0, u64::from(*len)),
        Payload::Generated { stream, offset, .. } => (stream.0, *offset),
        Payload::Bytes { .. } => bytes_identity(payload),
    }
}

#[cold]
#[inline(never)]
fn bytes_identity(payload: &Payload) -> (u64, u64) {
    let hash = xxh3_128(&payload.to_vec());
    (hash as u64, (hash >> 64) as u64)
}

/// A stable 64-bit name for digests.
pub(crate) fn name_hash(name: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_places_do_not_count() {
        let mut busy = PlaceDigest::default();
        busy.host(Instant::from_nanos(5), 1);
        let idle = PlaceDigest::default();
        let alone = Fingerprint::combine([("a", &busy)].into_iter());
        let both = Fingerprint::combine([("a", &busy), ("b", &idle)].into_iter());
        assert_eq!(alone, both);
    }

    #[test]
    fn order_of_records_counts_and_blocks_chain() {
        let digest = |order: &[u64]| {
            let mut digest = PlaceDigest::default();
            for &change in order {
                for round in 0..100 {
                    digest.host(Instant::from_nanos(round), change);
                }
            }
            digest.value()
        };
        assert_ne!(digest(&[1, 2]), digest(&[2, 1]));
        assert_ne!(digest(&[1]), digest(&[1, 1]));
        assert_eq!(digest(&[1, 2]), digest(&[1, 2]));
    }
}

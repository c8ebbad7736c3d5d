//! What a direction did: its counts, its decisions to be told, and the packets it made.

use std::collections::VecDeque;

use faultwire_base::{Instant, PacketId, PlaceId};
use faultwire_wire::{EcnCodepoint, Packet};

use crate::counters::Counters;
use crate::decision::{By, Decision, DropCause, LinkEvent};
use crate::field::HeaderField;

/// Counts and decisions of one direction.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    events: VecDeque<LinkEvent>,
    pub(crate) counters: Counters,
    place: PlaceId,
    /// Packets made here so far.
    made: u64,
}

impl Ledger {
    pub(crate) fn new(place: PlaceId) -> Self {
        Self { place, made: 0, counters: Counters::default(), events: VecDeque::new() }
    }

    pub(crate) fn next_packet_id(&mut self) -> PacketId {
        self.made += 1;
        PacketId::new(self.place, self.made)
    }

    pub(crate) fn note(&mut self, at: Instant, packet: PacketId, decision: Decision) {
        self.events.push_back(LinkEvent { at, packet, decision });
    }

    /// Counts and notes a drop.
    pub(crate) fn drop(&mut self, at: Instant, packet: &Packet, cause: DropCause) {
        self.counters.dropped.count(cause, packet.length());
        self.note(at, packet.tag.id, Decision::Dropped(cause));
    }

    /// A copy of `packet` with an identity of its own.
    pub(crate) fn copy(&mut self, at: Instant, packet: &Packet, by: By) -> Packet {
        let mut copy = packet.clone();
        copy.tag.id = self.next_packet_id();
        copy.tag.parent = packet.tag.id;
        self.counters.copies.count(copy.length());
        self.note(at, packet.tag.id, Decision::Duplicated { copy: copy.tag.id, by });
        copy
    }

    /// Marks `packet` "congestion experienced" (RFC 3168 §5); says whether it is ECN-capable.
    pub(crate) fn mark(&mut self, at: Instant, packet: &mut Packet) -> bool {
        if !packet.ip.ecn().is_capable() || !HeaderField::Ecn.write(packet, EcnCodepoint::Ce as u64) {
            return false;
        }
        self.counters.marked += 1;
        self.counters.rewritten += 1;
        let (by, field, value) = (By::Random, HeaderField::Ecn, EcnCodepoint::Ce as u64);
        self.note(at, packet.tag.id, Decision::Rewritten { by, field, value });
        true
    }

    /// Flips bits of `packet`; says whether there was any to flip.
    pub(crate) fn corrupt(&mut self, at: Instant, packet: &mut Packet, bits: &[u32], by: By) -> bool {
        if bits.is_empty() {
            return false;
        }
        *packet = packet.corrupt(bits);
        self.counters.corrupted += 1;
        self.note(at, packet.tag.id, Decision::corrupted(bits, by));
        true
    }

    #[inline]
    pub(crate) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    pub(crate) fn event(&mut self) -> Option<LinkEvent> {
        self.events.pop_front()
    }
}

//! Who a packet is in its direction: an identity that stays when something unrelated is added (DESIGN D8).

use faultwire_base::LookupTable;
use faultwire_wire::{Body, Flow, Packet};

use crate::decision::NameId;
use crate::kind::PacketKind;

/// The conversation of a packet, by what moves least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Conversation {
    /// It belongs to none.
    None,
    /// That of this socket: the first name that was bound to it. Conversations that one name opens one after the other
    /// are not told apart.
    Named(NameId),
    /// One that no socket with a name opened.
    Unnamed(Flow),
}

/// Who a packet is among all that enter one direction. Its keys mean what those of a [`Match`](crate::Match) mean, so
/// that a targeted fault can pick the same packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketIdentity {
    /// Its conversation.
    pub conversation: Conversation,
    /// Its most special kind; `None` for raw bytes (what an earlier link has damaged), and for a TCP segment without any
    /// flag or data.
    pub kind: Option<PacketKind>,
    /// Offset of its first payload octet in its sender's stream; `None` without payload.
    pub byte: Option<u64>,
    /// Which sending of its data, SYN or FIN it is, from 1; `None` where it takes no sequence space.
    pub transmission: Option<u16>,
    /// Which of the packets that agree in all of these, from 1, in the order in which they enter. Packets of a more
    /// special kind count where the [kind covers](PacketKind::covers) them; what a cut or the MTU refuses does not.
    pub nth: u64,
    /// For a copy that is judged itself: which of those that were made of the packet there, from 1.
    pub copy: Option<u32>,
}

/// Counts the packets that enter one direction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identities {
    names: LookupTable<Flow, NameId>,
    seen: LookupTable<Traits, u64>,
}

/// An identity without its count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Traits {
    conversation: Conversation,
    kind: Option<PacketKind>,
    byte: Option<u64>,
    transmission: Option<u16>,
}

impl Identities {
    /// The first name of a conversation counts.
    pub(crate) fn bind_flow(&mut self, name: NameId, flow: Flow) {
        self.names.entry_or_insert_with(flow, || name);
    }

    /// The identity of the packet that enters now, which is counted.
    pub(crate) fn meet(&mut self, packet: &Packet) -> PacketIdentity {
        let kind = PacketKind::of(packet);
        let Traits { conversation, byte, transmission, .. } = self.traits(packet, kind);
        let nth = self.count(packet, kind);
        if let Some(special) = kind {
            for general in [PacketKind::Data, PacketKind::PureAck] {
                if general != special && general.covers(special, packet) {
                    self.count(packet, Some(general));
                }
            }
        }
        PacketIdentity { conversation, kind, byte, transmission, nth, copy: None }
    }

    fn count(&mut self, packet: &Packet, kind: Option<PacketKind>) -> u64 {
        let traits = self.traits(packet, kind);
        let count = self.seen.entry_or_insert_with(traits, || 0);
        *count += 1;
        *count
    }

    fn traits(&self, packet: &Packet, kind: Option<PacketKind>) -> Traits {
        let tag = &packet.tag;
        let conversation = match self.names.get(&tag.flow) {
            Some(&name) => Conversation::Named(name),
            None if tag.flow == Flow::NONE => Conversation::None,
            None => Conversation::Unnamed(tag.flow),
        };
        let payload = match &packet.body {
            Body::Tcp(segment) => segment.payload.len(),
            Body::Udp(datagram) => datagram.payload.len(),
            Body::Icmp(_) | Body::Raw(_) => 0,
        };
        Traits {
            conversation,
            kind,
            byte: (payload > 0).then_some(tag.stream_offset),
            transmission: (tag.transmission > 0).then_some(tag.transmission),
        }
    }
}

#[cfg(test)]
mod tests;

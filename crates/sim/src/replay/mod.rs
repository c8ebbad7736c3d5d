//! Decisions of chance that outlive the meaning of a seed: what a run recorded, and what a replay goes by (DESIGN D8).
//!
//! A run is recorded by asking its [`World`](crate::world::World) to [keep](crate::world::World::keep_decisions) its
//! decisions; it is replayed by a [`Plan`](crate::plan::Plan) that carries a [`Recording`]. In a replay nothing random is
//! drawn on any link: the list decides, and a packet that is not listed passes, also after the last one that is. Faults
//! that have a name (targeted, injected, changes in time, `heal`) are data already and stay in the experiment.
//!
//! A packet is named by what it is, not by its count among all packets: the first name bound to its conversation, its
//! kind, its place in its sender's stream, which sending it is, and only among packets that agree in all of these, which.
//! So a decision still finds its packet when a host, a link, a flow or a fault is added that has nothing to do with it.

mod assign;

use std::sync::Arc;

use faultwire_base::Instant;
pub use faultwire_link::ChanceAction;
use faultwire_link::PacketKind;

pub(crate) use assign::{assigned, met, told};

/// The decisions of chance of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// In the order of time, those of one instant in the order of the directions' names.
    pub decisions: Vec<RecordedDecision>,
}

/// One thing that chance did to one packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedDecision {
    /// The direction, `"LINK>NODE"`.
    pub on: Arc<str>,
    /// The packet, as it entered the direction.
    pub packet: RecordedPacket,
    /// When it entered in the run that was recorded; a replay goes by the packet alone.
    pub at: Instant,
    /// What was done to it.
    pub action: ChanceAction,
}

/// Who a packet is among all that enter a direction; see [`PacketIdentity`](faultwire_link::PacketIdentity).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordedPacket {
    /// Its conversation.
    pub conversation: RecordedConversation,
    /// Its most special kind.
    pub kind: Option<PacketKind>,
    /// Offset of its first payload octet in its sender's stream, if it has any payload.
    pub byte: Option<u64>,
    /// Which sending of its data, SYN or FIN it is, from 1, if it takes sequence space.
    pub transmission: Option<u16>,
    /// Which of the packets that agree in all of these, from 1.
    pub nth: u64,
    /// Which copy of it, from 1, for a copy that chance judges itself.
    pub copy: Option<u32>,
}

/// A conversation by names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordedConversation {
    /// The packet belongs to none.
    None,
    /// That of the socket `"host/name"`.
    Named(Arc<str>),
    /// The `ordinal`-th that a host opened in one of its lives. Only where no socket has a name; an extra conversation
    /// that the host opens earlier moves it.
    Numbered {
        /// The host.
        opener: Arc<str>,
        /// Which of its conversations, from 1.
        ordinal: u32,
        /// In which of its lives, from 1.
        boot: u16,
    },
}

#[cfg(test)]
mod tests;

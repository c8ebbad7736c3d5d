//! What chance does to one packet, worked out in full, whether it was drawn or taken from a list.

use faultwire_wire::Packet;

use crate::impairments::Draw;

/// What chance does to one packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) taken: Option<Taking>,
    pub(crate) duplicated: bool,
    /// Bits that flip.
    pub(crate) bits: Vec<u32>,
    /// Deviation of the delay in nanoseconds.
    pub(crate) jitter: i64,
    pub(crate) sent_at_once: bool,
}

/// What random loss does to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taking {
    /// It is gone.
    Drop,
    /// It is marked "congestion experienced" (RFC 3168 §5), or gone if it can't be.
    Mark,
}

impl Chosen {
    /// What was drawn for a packet; loss marks what it can if `marks`.
    pub(crate) fn drawn(draw: &Draw, packet: &Packet, marks: bool) -> Self {
        Self {
            taken: draw.lost.then_some(if marks { Taking::Mark } else { Taking::Drop }),
            duplicated: draw.duplicated,
            bits: draw.corruption.map(|corruption| corruption.positions(packet.length())).unwrap_or_default(),
            jitter: draw.jitter,
            sent_at_once: draw.sent_at_once,
        }
    }

    /// Leaves out what lies past the end of the packet.
    pub(crate) fn fit(&mut self, packet: &Packet) {
        let total = packet.length().saturating_mul(8);
        self.bits.retain(|bit| *bit < total);
    }
}

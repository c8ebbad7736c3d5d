//! ACK wars: two ends that answer each other's ACKs for ever, however slowly (RFC 5961 §7; RFC 9293 §3.10.7.4).

use faultwire_base::PacketId;
use faultwire_wire::Cause;

/// ACKs in a row that bring nothing, each the answer to the one before, that make a war. In peace there are two: the ACK of
/// a segment that is not acceptable, and what that is answered with.
const WAR: u32 = 64;

/// How many may be on their way at one time without being lost sight of.
const RECENT: usize = 16;

/// The latest ACKs of a conversation that bring nothing.
#[derive(Clone, Debug)]
pub(super) struct War {
    /// Each with how many there are from the first one on.
    recent: [(PacketId, u32); RECENT],
    next: usize,
}

impl Default for War {
    fn default() -> Self {
        Self { recent: [(PacketId::NONE, 0); RECENT], next: 0 }
    }
}

impl War {
    /// An end has sent an ACK that brings nothing; says so when it is the one that makes a war.
    pub(super) fn answered(&mut self, id: PacketId, cause: Cause) -> Option<String> {
        let before = match cause {
            Cause::Arrival(cause) if cause != PacketId::NONE => {
                self.recent.iter().find(|(id, _)| *id == cause)
            }
            _ => None,
        };
        let row = before.map_or(0, |&(_, row)| row) + 1;
        self.recent[self.next] = (id, row);
        self.next = (self.next + 1) % RECENT;
        (row == WAR)
            .then(|| format!("{WAR} ACKs in a row bring nothing and answer each other: the ends are at war"))
    }
}

#[cfg(test)]
mod tests;

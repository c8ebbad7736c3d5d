//! What no segment of the stack under test may do, whatever a script expects (RFC 9293): looked at under `--strict`.
//!
//! That the right edge of the window does not move to the left (SHLD-14) is none of these laws: kernels break it where
//! they keep a connection as a compact entry, half-open or in TIME-WAIT.

use faultwire_wire::{Flags, Segment, Seq, TcpOption};

/// What one connection has shown, as far as the laws ask.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Laws {
    /// The number of the newest SYN of the peer, and what is behind it.
    syn: Option<(Seq, Seq)>,
    /// Behind the highest octet that the peer sent on this connection.
    peer_end: Option<Seq>,
    /// The handshake is through: a SYN of the peer means nothing more.
    synchronized: bool,
}

impl Laws {
    /// The peer sent this.
    pub(crate) fn received(&mut self, segment: &Segment) {
        let end = segment.seq + segment.sequence_length();
        if segment.flags.contains(Flags::SYN) {
            self.syn = Some((segment.seq, end));
            if !self.synchronized {
                self.peer_end = Some(end);
            }
        } else if self.peer_end.is_some_and(|known| is_after(end, known)) {
            self.peer_end = Some(end);
        }
    }

    /// The stack sent this; says which law it breaks.
    pub(crate) fn sent(&mut self, segment: &Segment) -> Option<&'static str> {
        let syn = segment.flags.contains(Flags::SYN);
        let acknowledges = segment.flags.contains(Flags::ACK);
        let has_size = |option| matches!(option, TcpOption::MaximumSegmentSize(_));
        if syn {
            // A new incarnation, if there was a connection before. A FIN beside the SYN may be overlooked.
            if let Some((seq, end)) = self.syn
                && acknowledges
                && (segment.ack == end || segment.ack == seq + 1)
            {
                self.peer_end = Some(end);
            }
        } else if segment.options.iter().any(has_size) {
            return Some("a segment without SYN names an MSS (RFC 9293 §3.2, MUST-65)");
        }
        if !acknowledges || segment.flags.contains(Flags::RST) {
            return None;
        }
        self.synchronized |= !syn;
        let ahead = self.peer_end.is_some_and(|end| is_after(segment.ack, end));
        ahead.then_some("a segment acknowledges what was never sent to it (RFC 9293 §3.4)")
    }
}

/// Whether `one` is later in the stream than `other`.
fn is_after(one: Seq, other: Seq) -> bool {
    (one.0.wrapping_sub(other.0) as i32) > 0
}

#[cfg(test)]
mod tests;

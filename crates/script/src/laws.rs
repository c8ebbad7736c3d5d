//! What no segment of the stack under test may do, whatever a script expects (RFC 9293): looked at under `--strict`.

use faultwire_wire::{Flags, Segment, Seq, TcpOption};

/// What one connection has shown, as far as the laws ask.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Laws {
    /// The newest SYN of the peer: what is behind it, and whether it offers window scaling.
    syn: Option<(Seq, bool)>,
    /// Behind the highest octet that the peer sent on this connection.
    peer_end: Option<Seq>,
    /// The peer's SYN offered window scaling.
    scales: bool,
    /// The shift that our SYN offers.
    shift: Option<u8>,
    /// The right edge of the window that was offered.
    edge: Option<Seq>,
    /// The handshake is through: a SYN of the peer means nothing more.
    synchronized: bool,
}

impl Laws {
    /// The peer sent this.
    pub(crate) fn received(&mut self, segment: &Segment) {
        let end = segment.seq + segment.sequence_length();
        if segment.flags.contains(Flags::SYN) {
            self.syn = Some((end, has_scale(segment).is_some()));
            if !self.synchronized {
                self.take_syn();
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
            (self.shift, self.edge) = (has_scale(segment), None);
            // A new incarnation, if there was a connection before.
            if acknowledges && self.syn.is_some_and(|(end, _)| end == segment.ack) {
                self.take_syn();
            }
        } else if segment.options.iter().any(has_size) {
            return Some("a segment without SYN names an MSS (RFC 9293 §3.2, MUST-65)");
        }
        if !acknowledges || segment.flags.contains(Flags::RST) {
            return None;
        }
        self.synchronized |= !syn;
        if self.peer_end.is_some_and(|end| is_after(segment.ack, end)) {
            return Some("a segment acknowledges what was never sent to it (RFC 9293 §3.4)");
        }
        let shift = if syn || !self.scales { 0 } else { self.shift.unwrap_or(0).min(14) };
        let edge = segment.ack + (u32::from(segment.window) << shift);
        let shrinks = self.edge.is_some_and(|before| is_after(before, edge + ((1 << shift) - 1)));
        self.edge = Some(edge);
        shrinks.then_some("the right edge of the window moves to the left (RFC 9293 §3.8.6, SHLD-14)")
    }

    fn take_syn(&mut self) {
        let Some((end, scales)) = self.syn else { return };
        (self.peer_end, self.scales) = (Some(end), scales);
    }
}

fn has_scale(segment: &Segment) -> Option<u8> {
    segment.options.iter().find_map(|option| match option {
        TcpOption::WindowScale(shift) => Some(shift),
        _ => None,
    })
}

/// Whether `one` is later in the stream than `other`.
fn is_after(one: Seq, other: Seq) -> bool {
    (one.0.wrapping_sub(other.0) as i32) > 0
}

#[cfg(test)]
mod tests;

//! Our sequence variables and the peer's window (RFC 9293 §3.3.1, §3.8.6).

use faultwire_wire::Seq;

use crate::config::SequenceOrder;
use crate::offset::Offset;

/// SND.UNA, SND.NXT, SND.WND and what belongs to them.
#[derive(Clone, Debug)]
pub(crate) struct SendWindow {
    isn: Seq,
    segment_size: u32,
    unacknowledged: Offset,
    next: Offset,
    window: u32,
    window_max: u32,
    updated_by_seq: Offset,
    updated_by_ack: Offset,
    small_until: Offset,
}

impl SendWindow {
    /// Before the SYN is sent.
    pub(crate) fn new(isn: Seq, segment_size: u32) -> Self {
        Self {
            isn,
            segment_size,
            unacknowledged: Offset::ISN,
            next: Offset::ISN,
            window: 0,
            window_max: 0,
            updated_by_seq: Offset::default(),
            updated_by_ack: Offset::default(),
            small_until: Offset::default(),
        }
    }

    /// ISS.
    #[inline]
    pub(crate) fn isn(&self) -> Seq {
        self.isn
    }

    /// SND.UNA.
    #[inline]
    pub(crate) fn unacknowledged(&self) -> Offset {
        self.unacknowledged
    }

    /// SND.NXT: one after the highest position ever sent, zero-window probes apart.
    #[inline]
    pub(crate) fn next(&self) -> Offset {
        self.next
    }

    /// SND.NXT as it stands in a header.
    #[inline]
    pub(crate) fn next_seq(&self) -> Seq {
        self.next.to_seq(self.isn)
    }

    /// Sent and not acknowledged, in octets of sequence space.
    #[inline]
    pub(crate) fn in_flight(&self) -> u64 {
        self.next - self.unacknowledged
    }

    /// SND.WND.
    #[inline]
    pub(crate) fn window(&self) -> u64 {
        u64::from(self.window)
    }

    /// MAX.SND.WND (RFC 5961 §5.2).
    #[inline]
    pub(crate) fn window_max(&self) -> u64 {
        u64::from(self.window_max)
    }

    /// SND.UNA + SND.WND.
    #[inline]
    pub(crate) fn right_edge(&self) -> Offset {
        self.unacknowledged + u64::from(self.window)
    }

    /// Octets that may be sent beyond SND.NXT; a window that shrank below SND.NXT leaves none (SHLD-15, MUST-34).
    #[inline]
    pub(crate) fn usable(&self) -> u64 {
        self.right_edge().saturating_since(self.next)
    }

    /// Octets of data in a full segment: Eff.snd.MSS.
    #[inline]
    pub(crate) fn segment_size(&self) -> u32 {
        self.segment_size
    }

    /// Changes Eff.snd.MSS.
    pub(crate) fn set_segment_size(&mut self, octets: u32) {
        self.segment_size = octets;
    }

    /// `octets` of sequence space were sent for the first time.
    #[inline]
    pub(crate) fn advance(&mut self, octets: u64) {
        self.next = self.next + octets;
    }

    /// The position of a sequence number of our own.
    #[inline]
    pub(crate) fn widen(&self, seq: Seq, order: SequenceOrder) -> Offset {
        Offset::widen(seq, self.unacknowledged, self.isn, order)
    }

    /// SND.UNA moves to `ack`.
    #[inline]
    pub(crate) fn acknowledge(&mut self, ack: Offset) {
        assert!(self.unacknowledged <= ack && ack <= self.next, "ACK outside what was sent");
        self.unacknowledged = ack;
    }

    /// RFC 9293 §3.10.7.4: takes SEG.WND, unsigned and in 32 bits (§3.1: MUST-1, REC-1), unless the segment is older than the one that set it last. `seq` is a
    /// position of the peer's. Says whether the window differs from before. A retransmission that acknowledges more than
    /// all before is not older, whatever its number (Linux `tcp_may_update_window`): with SND.UNA alone the right edge
    /// would move beyond what the peer has offered.
    #[inline]
    pub(crate) fn update(&mut self, seq: Offset, ack: Offset, window: u32) -> bool {
        let is_older = self.updated_by_seq > seq || (self.updated_by_seq == seq && self.updated_by_ack > ack);
        if is_older && ack <= self.unacknowledged {
            return false;
        }
        (self.updated_by_seq, self.updated_by_ack) = (self.updated_by_seq.max(seq), ack);
        let changed = self.window != window;
        self.window = window;
        self.window_max = self.window_max.max(window);
        changed
    }

    /// The windows so far do not count for the largest one (Linux: that of the SYN of a passive open).
    pub(crate) fn forget_window_max(&mut self) {
        self.window_max = 0;
    }

    /// Whether Linux would take this window (`tcp_may_update_window`): of segments at one place, only one that opens the
    /// window further or closes it.
    pub(crate) fn would_update(&self, seq: Offset, ack: Offset, window: u32) -> bool {
        ack > self.unacknowledged
            || seq > self.updated_by_seq
            || seq == self.updated_by_seq && (window > self.window || window == 0)
    }

    /// Notes that a segment shorter than Eff.snd.MSS ends at `end` (for Minshall's rule).
    #[inline]
    pub(crate) fn note_small(&mut self, end: Offset) {
        self.small_until = end;
    }

    /// Whether a small segment is on its way.
    #[inline]
    pub(crate) fn small_in_flight(&self) -> bool {
        self.small_until > self.unacknowledged
    }
}

#[cfg(test)]
mod tests;

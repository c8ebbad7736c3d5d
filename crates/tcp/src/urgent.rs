//! Urgent data, as a mark in the stream (RFC 9293 §3.8.5; RFC 6093: it stays in line).

use crate::offset::Offset;

/// Urgent marks of both directions. A mark names the first octet after the urgent data (MUST-62).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Urgent {
    send: Offset,
    receive: Offset,
}

impl Urgent {
    /// All written up to `mark` is urgent.
    pub(crate) fn send_until(&mut self, mark: Offset) {
        self.send = self.send.max(mark);
    }

    /// What was written after `end` is forgotten.
    pub(crate) fn forget_after(&mut self, end: Offset) {
        self.send = self.send.min(end);
    }

    /// The urgent pointer of a segment that begins at `seq`, if urgent data is at or after it.
    #[inline]
    pub(crate) fn pointer(&self, seq: Offset) -> Option<u16> {
        if self.send <= seq {
            return None;
        }
        // MUST-31: longer urgent data shows its full length in later segments.
        Some(u16::try_from(self.send - seq).unwrap_or(u16::MAX))
    }

    /// A pointer arrived that names `mark`; says whether it advanced beyond what was told and `read` (MUST-32).
    pub(crate) fn receive_until(&mut self, mark: Offset, read: Offset) -> bool {
        let news = mark > self.receive && mark > read;
        self.receive = self.receive.max(mark);
        news
    }

    /// Whether urgent data was received and `read` stands right behind it.
    pub(crate) fn is_at_mark(&self, read: Offset) -> bool {
        self.receive != Offset::default() && self.receive == read
    }

    /// Octets from the read position up to the mark (MUST-33).
    pub(crate) fn remaining(&self, read: Offset) -> u64 {
        self.receive.saturating_since(read)
    }
}

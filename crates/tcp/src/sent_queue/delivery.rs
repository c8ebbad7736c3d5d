//! What one ACK tells of delivered segments, cumulatively or by SACK.

use faultwire_base::Instant;

use super::{SentSegment, Tally};
use crate::offset::Offset;

/// What an ACK told anew, cumulatively or by its SACK blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivery {
    /// A segment that was sent again, and that last after this, may have been delivered by an earlier sending
    /// (RFC 8985 §6.2 step 2).
    ambiguous_after: Instant,
    /// Octets of sequence space, those of segments covered in part, or SACKed before, included.
    pub(crate) octets: u64,
    /// Whole segments that were not known to be delivered.
    pub(crate) delivered: Tally,
    /// Whole segments that left the queue.
    pub(crate) departed: u32,
    /// One of them had been sent more than once.
    pub(crate) repeated: bool,
    /// When the oldest of the delivered that was sent only once was sent.
    pub(crate) clean_since: Option<Instant>,
    /// When the newest of these was sent.
    pub(crate) clean_latest: Option<Instant>,
    /// Start and end of the first of these.
    pub(crate) original: Option<(Offset, Offset)>,
    /// Send time and end of the delivered segment that was sent last, ambiguous ones left out.
    pub(crate) newest: Option<(Instant, Offset)>,
    /// Send time of the delivered segment that is last in order, ambiguous ones left out.
    pub(crate) last: Option<Instant>,
}

impl Delivery {
    /// Nothing yet.
    #[inline]
    pub(crate) const fn new(ambiguous_after: Instant) -> Self {
        Self {
            ambiguous_after,
            octets: 0,
            delivered: Tally { octets: 0, segments: 0 },
            departed: 0,
            repeated: false,
            clean_since: None,
            clean_latest: None,
            original: None,
            newest: None,
            last: None,
        }
    }

    /// When the oldest of the segments was sent, if a round trip can be measured from it: none of those acknowledged
    /// cumulatively was ever sent twice (Karn).
    #[inline]
    pub(crate) fn measurable_since(&self) -> Option<Instant> {
        if self.repeated { None } else { self.clean_since }
    }

    /// A segment, not SACKed so far, was delivered.
    #[inline]
    pub(super) fn note(&mut self, segment: &SentSegment) {
        self.delivered.add(segment.length);
        let sent = segment.last_sent;
        let end = segment.end();
        if segment.transmissions == 1 {
            if self.clean_since.is_none_or(|since| sent < since) {
                self.clean_since = Some(sent);
            }
            self.clean_latest = self.clean_latest.max(Some(sent));
            if self.original.is_none_or(|(start, _)| segment.start < start) {
                self.original = Some((segment.start, end));
            }
        } else if sent > self.ambiguous_after {
            return;
        }
        self.last = Some(sent);
        self.newest = self.newest.max(Some((sent, end)));
    }
}

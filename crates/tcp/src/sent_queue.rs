//! The segments in flight, in order: when each was sent, how often, and whether it is SACKed, lost or sent again.
//!
//! A ring of small copies with cached sums, so that neither an ACK nor the question how much is in flight scans the
//! window. RFC 6675 counts octets; here a segment counts as SACKed once all its octets are, which is on the safe side
//! and keeps a peer from shattering the ring.

use std::collections::VecDeque;
use std::ops::Range;

use faultwire_base::Instant;

use crate::offset::Offset;

/// Segments sent and not yet acknowledged cumulatively.
#[derive(Clone, Debug)]
pub(crate) struct SentQueue {
    segments: VecDeque<SentSegment>,
    start: Offset,
    end: Offset,
    /// Every segment before this index is SACKed, or was sent again since it was found lost.
    unsent_again: u32,
    /// Every segment before this index is SACKed or lost.
    lost_before: u32,
    sacked: Tally,
    lost: Tally,
    retransmitted: Tally,
}

/// Octets of sequence space, and the number of segments that hold them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Octets of sequence space; fewer than 2^31, as everything in flight.
    pub(crate) octets: u32,
    /// Segments.
    pub(crate) segments: u32,
}

/// One segment in flight.
#[derive(Clone, Copy, Debug)]
struct SentSegment {
    start: Offset,
    first_sent: Instant,
    last_sent: Instant,
    /// Octets of sequence space, the FIN included.
    length: u32,
    transmissions: u16,
    marks: u8,
}

const SACKED: u8 = 1;
const LOST: u8 = 2;
/// Sent again since it was found lost. Not set together with [`SACKED`].
const RETRANSMITTED: u8 = 4;

/// What a cumulative ACK took from the queue.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Acknowledged {
    /// Octets of sequence space, those of a segment acknowledged in part included.
    pub(crate) octets: u64,
    /// When the oldest of them was sent, if it is the time to measure a round trip from: no segment among them was
    /// ever sent twice (Karn), and this one had not been SACKed before.
    pub(crate) clean_since: Option<Instant>,
}

/// What a SACK block told anew.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NewlySacked {
    /// Octets of sequence space.
    pub(crate) octets: u64,
    /// When the oldest of them that was sent only once was sent.
    pub(crate) clean_since: Option<Instant>,
}

impl SentQueue {
    /// An empty queue at the start of the data. Owns no memory.
    pub(crate) const fn new(start: Offset) -> Self {
        const NONE: Tally = Tally { octets: 0, segments: 0 };
        Self {
            segments: VecDeque::new(),
            start,
            end: start,
            unsent_again: 0,
            lost_before: 0,
            sacked: NONE,
            lost: NONE,
            retransmitted: NONE,
        }
    }

    /// The first octet not yet acknowledged (SND.UNA).
    #[inline]
    pub(crate) fn start(&self) -> Offset {
        self.start
    }

    /// One past the last octet ever sent (SND.NXT, or SND.MAX for who goes back).
    #[inline]
    pub(crate) fn end(&self) -> Offset {
        self.end
    }

    /// Whether nothing is in flight.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Octets between SND.UNA and the end: FlightSize of RFC 5681.
    #[inline]
    pub(crate) fn flight(&self) -> u64 {
        self.end - self.start
    }

    /// Number of segments not yet acknowledged cumulatively.
    pub(crate) fn segments(&self) -> u32 {
        self.segments.len() as u32
    }

    /// Octets believed to be in the network: `pipe` of RFC 6675 §4, counted by segments.
    #[inline]
    pub(crate) fn pipe(&self) -> u64 {
        self.flight() - u64::from(self.sacked.octets) - u64::from(self.lost.octets)
            + u64::from(self.retransmitted.octets)
    }

    /// SACKed and not yet acknowledged cumulatively.
    #[inline]
    pub(crate) fn sacked(&self) -> Tally {
        self.sacked
    }

    /// Found lost, and neither SACKed nor acknowledged since. Those sent again are among them.
    #[inline]
    pub(crate) fn lost(&self) -> Tally {
        self.lost
    }

    /// Sent again since found lost, and neither SACKed nor acknowledged since.
    #[inline]
    pub(crate) fn retransmitted(&self) -> Tally {
        self.retransmitted
    }

    /// Appends a segment of new data (or the FIN). It starts where the last one ended; an empty queue follows its
    /// first segment to wherever it starts.
    #[inline]
    pub(crate) fn push(&mut self, now: Instant, range: Range<Offset>) {
        if self.segments.is_empty() {
            self.start = range.start;
        } else {
            assert_eq!(range.start, self.end, "new data starts where the last segment ended");
        }
        let length = u32::try_from(range.end - range.start).expect("a segment is shorter than 4 GiB");
        assert!(length > 0, "a segment in flight takes sequence space");
        self.end = range.end;
        self.segments.push_back(SentSegment {
            start: range.start,
            first_sent: now,
            last_sent: now,
            length,
            transmissions: 1,
            marks: 0,
        });
    }

    /// Notes that the octets of `range`, all in flight, were sent again. Cuts the segments at its edges, so that a
    /// retransmission may be shorter than what it repeats.
    pub(crate) fn note_retransmission(&mut self, now: Instant, range: Range<Offset>) {
        assert!(self.start <= range.start && range.start < range.end && range.end <= self.end);
        let mut index = self.index_of(range.start);
        if self.segments[index].start < range.start {
            self.split(index, range.start);
            index += 1;
        }
        while index < self.segments.len() && self.segments[index].start < range.end {
            if self.segments[index].end() > range.end {
                self.split(index, range.end);
            }
            let segment = &mut self.segments[index];
            segment.transmissions = segment.transmissions.saturating_add(1);
            segment.last_sent = now;
            if segment.marks & (SACKED | RETRANSMITTED) == 0 {
                segment.marks |= RETRANSMITTED;
                self.retransmitted.add(segment.length);
            }
            index += 1;
        }
    }

    /// Drops everything before `ack`, at most to the end. A segment covered in part stays, shorter.
    #[inline]
    pub(crate) fn acknowledge(&mut self, ack: Offset) -> Acknowledged {
        let ack = ack.min(self.end);
        if ack <= self.start {
            return Acknowledged::default();
        }
        let octets = ack - self.start;
        self.start = ack;
        let (mut clean_since, mut repeated, mut departed) = (None, false, 0);
        while let Some(front) = self.segments.front_mut() {
            if front.start >= ack {
                break;
            }
            if front.end() > ack {
                self.trim_front(ack);
                break;
            }
            repeated |= front.transmissions > 1;
            if clean_since.is_none() && front.marks & SACKED == 0 {
                clean_since = Some(front.last_sent);
            }
            departed += 1;
            if front.marks == 0 {
                self.segments.pop_front();
            } else {
                let gone = *front;
                self.segments.pop_front();
                self.forget_marks(gone);
            }
        }
        self.unsent_again = self.unsent_again.saturating_sub(departed);
        self.lost_before = self.lost_before.saturating_sub(departed);
        Acknowledged { octets, clean_since: if repeated { None } else { clean_since } }
    }

    /// The largest run of whole segments inside `range`; `None` if there is none.
    pub(crate) fn whole_segments(&self, range: Range<Offset>) -> Option<Range<Offset>> {
        let first = self.segments.partition_point(|segment| segment.start < range.start);
        let beyond = self.segments.partition_point(|segment| segment.end() <= range.end);
        if first >= beyond {
            return None;
        }
        Some(self.segments[first].start..self.segments[beyond - 1].end())
    }

    /// Marks the segments of `range`, which begins and ends with a segment, as SACKed.
    pub(crate) fn mark_sacked(&mut self, range: Range<Offset>, told: &mut NewlySacked) {
        let mut index = self.segments.partition_point(|segment| segment.start < range.start);
        while index < self.segments.len() && self.segments[index].start < range.end {
            let segment = &mut self.segments[index];
            index += 1;
            if segment.marks & SACKED != 0 {
                continue;
            }
            if segment.transmissions == 1 && told.clean_since.is_none_or(|since| segment.last_sent < since) {
                told.clean_since = Some(segment.last_sent);
            }
            told.octets += u64::from(segment.length);
            let before = *segment;
            segment.marks = SACKED;
            self.sacked.add(before.length);
            self.forget_marks(before);
        }
    }

    /// Marks every segment that begins before `boundary` and is not SACKED as lost. The boundary only ever moves up,
    /// so each segment is visited once.
    pub(crate) fn mark_lost_before(&mut self, boundary: Offset) {
        let mut index = self.lost_before as usize;
        while index < self.segments.len() && self.segments[index].start < boundary {
            let segment = &mut self.segments[index];
            if segment.marks & (SACKED | LOST) == 0 {
                segment.marks |= LOST;
                self.lost.add(segment.length);
            }
            index += 1;
        }
        self.lost_before = index as u32;
    }

    /// Marks everything not SACKed as lost and not sent again: the timer ran out.
    pub(crate) fn mark_all_lost(&mut self) {
        self.lost = Tally::default();
        self.retransmitted = Tally::default();
        for segment in &mut self.segments {
            if segment.marks & SACKED == 0 {
                segment.marks = LOST;
                self.lost.add(segment.length);
            }
        }
        self.unsent_again = 0;
        self.lost_before = self.segments();
    }

    /// Forgets every SACK: the receiver turned out to have dropped what it had reported (RFC 2018 §8).
    pub(crate) fn forget_sacks(&mut self) {
        self.sacked = Tally::default();
        for segment in &mut self.segments {
            segment.marks &= !SACKED;
        }
        self.unsent_again = 0;
        self.lost_before = 0;
    }

    /// Whether the first segment is SACKed although the cumulative ACK stops short of it.
    pub(crate) fn front_is_sacked(&self) -> bool {
        self.segments.front().is_some_and(|front| front.marks & SACKED != 0)
    }

    /// Whether the first segment is marked lost.
    pub(crate) fn front_is_lost(&self) -> bool {
        self.segments.front().is_some_and(|front| front.marks & LOST != 0)
    }

    /// The first segment, and when it was sent for the first time.
    pub(crate) fn front(&self) -> Option<(Range<Offset>, Instant)> {
        self.segments.front().map(|front| (front.range(), front.first_sent))
    }

    /// The first segment neither SACKed nor sent again since it was found lost, and whether it *is* lost. If it is
    /// not, no later one is either. Amortised constant.
    #[inline]
    pub(crate) fn next_unsent_again(&mut self) -> Option<(Range<Offset>, bool)> {
        loop {
            let segment = self.segments.get(self.unsent_again as usize)?;
            if segment.marks & (SACKED | RETRANSMITTED) == 0 {
                return Some((segment.range(), segment.marks & LOST != 0));
            }
            self.unsent_again += 1;
        }
    }

    /// One past the last segment that is longer than `octets`; `None` if no segment is.
    pub(crate) fn end_of_longer_than(&self, octets: u32) -> Option<Offset> {
        self.segments.iter().rev().find(|segment| segment.length > octets).map(SentSegment::end)
    }

    /// How often the segment that holds `at` has been sent; 0 if none does.
    #[inline]
    pub(crate) fn transmissions(&self, at: Offset) -> u16 {
        if at >= self.end || at < self.start {
            return 0;
        }
        self.segments[self.index_of(at)].transmissions
    }

    /// Whether there is memory to give back.
    #[inline]
    pub(crate) fn owns_memory(&self) -> bool {
        self.segments.capacity() > 0
    }

    /// Gives the memory of an empty queue back.
    #[cold]
    pub(crate) fn release_memory(&mut self) {
        if self.segments.is_empty() {
            self.segments = VecDeque::new();
        }
    }

    /// Octets of memory behind the queue.
    pub(crate) fn heap_octets(&self) -> usize {
        self.segments.capacity() * size_of::<SentSegment>()
    }

    /// Index of the segment that holds `at`, which is in flight.
    #[inline]
    fn index_of(&self, at: Offset) -> usize {
        match self.segments.front() {
            Some(front) if at < front.end() => 0,
            _ => self.segments.partition_point(|segment| segment.end() <= at),
        }
    }

    fn trim_front(&mut self, ack: Offset) {
        let front = self.segments.front_mut().expect("a segment is there to be trimmed");
        let before = *front;
        front.start = ack;
        front.length = (before.end() - ack) as u32;
        let after = *front;
        if before.marks != 0 {
            self.forget_marks(before);
            self.count_marks(after);
        }
    }

    /// Cuts the segment at `index` in two; `at` lies strictly inside.
    fn split(&mut self, index: usize, at: Offset) {
        let before = self.segments[index];
        let head = SentSegment { length: (at - before.start) as u32, ..before };
        let tail = SentSegment { start: at, length: (before.end() - at) as u32, ..before };
        self.segments[index] = head;
        self.segments.insert(index + 1, tail);
        self.forget_marks(before);
        self.count_marks(head);
        self.count_marks(tail);
        // A position beyond the cut segment stays beyond both halves.
        self.unsent_again += u32::from(self.unsent_again as usize > index);
        self.lost_before += u32::from(self.lost_before as usize > index);
    }

    fn count_marks(&mut self, segment: SentSegment) {
        for (mark, tally) in self.tallies() {
            if segment.marks & mark != 0 {
                tally.add(segment.length);
            }
        }
    }

    fn forget_marks(&mut self, segment: SentSegment) {
        for (mark, tally) in self.tallies() {
            if segment.marks & mark != 0 {
                tally.octets -= segment.length;
                tally.segments -= 1;
            }
        }
    }

    #[inline]
    fn tallies(&mut self) -> [(u8, &mut Tally); 3] {
        [(SACKED, &mut self.sacked), (LOST, &mut self.lost), (RETRANSMITTED, &mut self.retransmitted)]
    }
}

impl Tally {
    #[inline]
    fn add(&mut self, octets: u32) {
        self.octets += octets;
        self.segments += 1;
    }
}

impl SentSegment {
    #[inline]
    fn end(&self) -> Offset {
        self.start + u64::from(self.length)
    }

    #[inline]
    fn range(&self) -> Range<Offset> {
        self.start..self.end()
    }
}

#[cfg(test)]
mod tests;

//! The segments in flight, in order: when each was sent, how often, and whether it is SACKed, lost or sent again.
//!
//! A ring of small copies with cached sums, so that neither an ACK nor the question how much is in flight scans the
//! window. RFC 6675 counts octets; here a segment counts as SACKed once all its octets are, which is on the safe side
//! and keeps a peer from shattering the ring.

mod delivery;
mod loss;

use std::collections::VecDeque;
use std::ops::Range;

use faultwire_base::Instant;

use crate::config::WindowUnit;
use crate::offset::Offset;
pub(crate) use delivery::Delivery;
pub(crate) use loss::Reference;

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
    /// Retransmissions by time: when, and the start of the segment. Some are of the past.
    #[expect(
        clippy::box_collection,
        reason = "a word in each connection that loses nothing, instead of four"
    )]
    again: Option<Box<VecDeque<(Instant, Offset)>>>,
    /// How many times a segment was found lost, modulo 2^32.
    losses: u32,
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
            again: None,
            losses: 0,
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

    /// What lies between SND.UNA and the end, in `unit`.
    #[inline]
    pub(crate) fn flight_in(&self, unit: WindowUnit) -> u64 {
        match unit {
            WindowUnit::Octets => self.flight(),
            WindowUnit::Segments => u64::from(self.segments()),
        }
    }

    /// What is believed to be in the network, in `unit` (Linux `tcp_packets_in_flight`).
    #[inline]
    pub(crate) fn pipe_in(&self, unit: WindowUnit) -> u64 {
        match unit {
            WindowUnit::Octets => self.pipe(),
            WindowUnit::Segments => u64::from(
                self.segments() + self.retransmitted.segments - self.sacked.segments - self.lost.segments,
            ),
        }
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

    /// How many times a segment was found lost, modulo 2^32.
    #[inline]
    pub(crate) fn losses(&self) -> u32 {
        self.losses
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

    /// Drops everything before `ack`, at most to the end, and tells `told` of it. A segment covered in part stays,
    /// shorter.
    #[inline]
    pub(crate) fn acknowledge(&mut self, ack: Offset, told: &mut Delivery) {
        let ack = ack.min(self.end);
        if ack <= self.start {
            return;
        }
        told.octets += ack - self.start;
        self.start = ack;
        let mut departed = 0;
        while let Some(front) = self.segments.front_mut() {
            if front.start >= ack {
                break;
            }
            if front.end() > ack {
                self.trim_front(ack);
                break;
            }
            told.repeated |= front.transmissions > 1;
            departed += 1;
            if front.marks == 0 {
                told.note(front);
                self.segments.pop_front();
            } else {
                let gone = *front;
                if gone.marks & SACKED == 0 {
                    told.note(&gone);
                }
                self.segments.pop_front();
                self.forget_marks(gone);
            }
        }
        told.departed += departed;
        self.unsent_again = self.unsent_again.saturating_sub(departed);
        self.lost_before = self.lost_before.saturating_sub(departed);
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
    pub(crate) fn mark_sacked(&mut self, range: Range<Offset>, told: &mut Delivery) {
        let mut index = self.segments.partition_point(|segment| segment.start < range.start);
        while index < self.segments.len() && self.segments[index].start < range.end {
            let segment = &mut self.segments[index];
            index += 1;
            if segment.marks & SACKED != 0 {
                continue;
            }
            told.octets += u64::from(segment.length);
            told.note(segment);
            let before = *segment;
            segment.marks = SACKED;
            self.sacked.add(before.length);
            self.forget_marks(before);
        }
    }

    /// Whether the first segment is SACKed although the cumulative ACK stops short of it.
    pub(crate) fn front_is_sacked(&self) -> bool {
        self.segments.front().is_some_and(|front| front.marks & SACKED != 0)
    }

    /// Whether the first segment is marked lost.
    pub(crate) fn front_is_lost(&self) -> bool {
        self.segments.front().is_some_and(|front| front.marks & LOST != 0)
    }

    /// The start of the segment that ends at, or holds the octet before, `end`.
    pub(crate) fn start_of_last_before(&self, end: Offset) -> Offset {
        if end <= self.start || end > self.end {
            return self.start;
        }
        self.segments[self.index_of(Offset(end.0 - 1))].start
    }

    /// The last segment, and how often it was sent.
    pub(crate) fn back(&self) -> Option<(Range<Offset>, u16)> {
        self.segments.back().map(|back| (back.range(), back.transmissions))
    }

    /// When the first segment was sent last.
    pub(crate) fn front_sent(&self) -> Option<Instant> {
        self.segments.front().map(|front| front.last_sent)
    }

    /// Whether the first segment was ever sent again.
    pub(crate) fn front_was_repeated(&self) -> bool {
        self.segments.front().is_some_and(|front| front.transmissions > 1)
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

    /// What went out at one time and is not known to have arrived, to be lost, or to have been sent again, is one segment.
    pub(crate) fn join_bursts(&mut self) {
        let mut index = 1;
        while index < self.segments.len() {
            let (before, segment) = (self.segments[index - 1], self.segments[index]);
            let fresh = before.marks == 0 && segment.marks == 0;
            if fresh && before.first_sent == segment.first_sent && before.last_sent == segment.last_sent {
                self.segments[index - 1].length += segment.length;
                self.segments.remove(index);
            } else {
                index += 1;
            }
        }
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
            self.again = None;
        }
    }

    /// Octets of memory behind the queue.
    pub(crate) fn heap_octets(&self) -> usize {
        let again = self
            .again
            .as_ref()
            .map_or(0, |again| size_of_val(&**again) + again.capacity() * size_of::<(Instant, Offset)>());
        self.segments.capacity() * size_of::<SentSegment>() + again
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
    /// The sum in `unit`.
    #[inline]
    pub(crate) fn in_unit(self, unit: WindowUnit) -> u64 {
        u64::from(match unit {
            WindowUnit::Octets => self.octets,
            WindowUnit::Segments => self.segments,
        })
    }

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

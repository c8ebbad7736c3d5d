//! Retransmissions and losses in the queue of sent segments: what is marked, and what is found lost by time.

use std::collections::VecDeque;
use std::ops::Range;

use faultwire_base::{Duration, Instant};

use super::{LOST, RETRANSMITTED, SACKED, SentQueue, Tally};
use crate::offset::Offset;

/// The delivered segment that was sent last, and how long after it its predecessors count as lost (RFC 8985 §6.2).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference {
    /// RACK.xmit_ts.
    pub(crate) sent: Instant,
    /// RACK.end_seq.
    pub(crate) end: Offset,
    /// RACK.rtt + RACK.reo_wnd.
    pub(crate) patience: Duration,
}

impl Reference {
    /// RACK_sent_after: whether it was sent after a segment with this time and end.
    #[inline]
    fn is_after(&self, sent: Instant, end: Offset) -> bool {
        (sent, end) < (self.sent, self.end)
    }
}

/// What [`SentQueue::detect_lost`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Detected {
    /// Something was marked as lost.
    pub(crate) any: bool,
    /// A retransmission was among it.
    pub(crate) retransmission: bool,
    /// When the last of those that are waited for will count as lost.
    pub(crate) next: Option<Instant>,
}

impl SentQueue {
    /// Notes that the octets of `range`, all in flight, were sent again. Cuts the segments at its edges, so that a
    /// retransmission may be shorter than what it repeats.
    pub(crate) fn note_retransmission(&mut self, now: Instant, range: Range<Offset>) {
        let mut index = self.cut_out(&range);
        while index < self.segments.len() && self.segments[index].start < range.end {
            let segment = &mut self.segments[index];
            segment.transmissions = segment.transmissions.saturating_add(1);
            segment.last_sent = now;
            if segment.marks & SACKED == 0 {
                if segment.marks & RETRANSMITTED == 0 {
                    segment.marks |= RETRANSMITTED;
                    self.retransmitted.add(segment.length);
                }
                let start = segment.start;
                self.remember(now, start);
            }
            index += 1;
        }
    }

    /// Notes that a probe sent the octets of `range` again, which are not lost for that.
    pub(crate) fn note_probe(&mut self, now: Instant, range: Range<Offset>) {
        let index = self.cut_out(&range);
        let segment = &mut self.segments[index];
        segment.transmissions = segment.transmissions.saturating_add(1);
        segment.last_sent = now;
    }

    /// Marks every segment that begins before `boundary` and is not SACKed as lost. The boundary only ever moves up,
    /// so each segment is visited once.
    pub(crate) fn mark_lost_before(&mut self, boundary: Offset) {
        let mut index = self.lost_before as usize;
        while index < self.segments.len() && self.segments[index].start < boundary {
            self.mark_lost(index);
            index += 1;
        }
        self.lost_before = index as u32;
    }

    /// Marks what is not SACKed as lost and not sent again: the timer ran out. Segments after the first that were sent
    /// later than `spared_after` may still be under way.
    pub(crate) fn mark_all_lost(&mut self, spared_after: Instant) {
        self.lost = Tally::default();
        self.retransmitted = Tally::default();
        let mut prefix = None;
        for (index, segment) in self.segments.iter_mut().enumerate() {
            if segment.marks & SACKED != 0 {
                continue;
            }
            if index == 0 || segment.last_sent <= spared_after {
                segment.marks = LOST;
                self.lost.add(segment.length);
                continue;
            }
            for (mark, tally) in [(LOST, &mut self.lost), (RETRANSMITTED, &mut self.retransmitted)] {
                if segment.marks & mark != 0 {
                    tally.add(segment.length);
                }
            }
            if segment.marks & LOST == 0 {
                prefix = prefix.or(Some(index as u32));
            }
        }
        self.unsent_again = 0;
        self.lost_before = prefix.unwrap_or(self.segments());
    }

    /// Nothing is lost after all. What was sent again stays so.
    pub(crate) fn unmark_lost(&mut self) {
        self.lost = Tally::default();
        for segment in &mut self.segments {
            segment.marks &= !LOST;
        }
        self.unsent_again = 0;
        self.lost_before = 0;
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

    /// Marks as lost what was sent before `reference` and has had its patience (RFC 8985 §6.2 step 5).
    ///
    /// Originals were sent in the order of the queue, so those that are lost come first among them, and retransmissions
    /// are remembered in the order of their times. So nothing is visited twice, except what still has to be waited for;
    /// `runs`, what is SACKed, is jumped over.
    pub(crate) fn detect_lost(
        &mut self,
        now: Instant,
        reference: Reference,
        runs: &VecDeque<Range<Offset>>,
    ) -> Detected {
        let mut found = Detected::default();
        let waiting = self.detect_lost_originals(now, reference, runs, &mut found);
        let waiting_again = self.detect_lost_again(now, reference, &mut found);
        let latest = waiting.max(waiting_again);
        found.next = latest.map(|sent| sent.saturating_add(reference.patience));
        found
    }

    /// When the last of the originals that are waited for was sent.
    fn detect_lost_originals(
        &mut self,
        now: Instant,
        reference: Reference,
        runs: &VecDeque<Range<Offset>>,
        found: &mut Detected,
    ) -> Option<Instant> {
        let first = loop {
            let index = self.lost_before as usize;
            let segment = self.segments.get(index)?;
            // What was sent again has its own time.
            if segment.marks == 0 {
                if !reference.is_after(segment.last_sent, segment.end()) {
                    return None;
                }
                if segment.last_sent.saturating_add(reference.patience) > now {
                    break index;
                }
                self.mark_lost(index);
                found.any = true;
            }
            self.lost_before += 1;
        };
        // The last one that was sent before the reference: in the topmost hole below it, as a rule.
        let mut index =
            self.segments.partition_point(|segment| reference.is_after(segment.first_sent, segment.end()));
        while index > first + 1 {
            let segment = &self.segments[index - 1];
            if segment.marks == SACKED {
                let run = runs.partition_point(|run| run.end <= segment.start);
                let start = runs.get(run).map_or(segment.start, |run| run.start.min(segment.start));
                index = if start <= self.start { 0 } else { self.index_of(start) };
                continue;
            }
            if segment.marks == 0 && reference.is_after(segment.last_sent, segment.end()) {
                return Some(segment.last_sent);
            }
            index -= 1;
        }
        Some(self.segments[first].last_sent)
    }

    /// The same among retransmissions.
    fn detect_lost_again(
        &mut self,
        now: Instant,
        reference: Reference,
        found: &mut Detected,
    ) -> Option<Instant> {
        let mut again = self.again.take()?;
        while let Some(&(sent, start)) = again.front() {
            let Some(index) = self.sent_again_at(sent, start) else {
                again.pop_front();
                continue;
            };
            if !reference.is_after(sent, self.segments[index].end())
                || sent.saturating_add(reference.patience) > now
            {
                break;
            }
            again.pop_front();
            self.mark_lost_again(index);
            found.any = true;
            found.retransmission = true;
        }
        let beyond = again.partition_point(|&(sent, _)| sent <= reference.sent);
        let waits = |&&(sent, start): &&(Instant, Offset)| {
            let index = self.sent_again_at(sent, start);
            index.is_some_and(|index| reference.is_after(sent, self.segments[index].end()))
        };
        let last = again.range(..beyond).rev().find(waits).map(|&(sent, _)| sent);
        self.again = Some(again);
        last
    }

    /// The segment that begins at `start`, if it was sent again at `sent` and that is all that is known.
    fn sent_again_at(&self, sent: Instant, start: Offset) -> Option<usize> {
        let start = start.max(self.start);
        if start >= self.end {
            return None;
        }
        let index = self.index_of(start);
        let segment = &self.segments[index];
        (segment.start == start && segment.last_sent == sent && segment.marks & RETRANSMITTED != 0)
            .then_some(index)
    }

    fn mark_lost_again(&mut self, index: usize) {
        let segment = &mut self.segments[index];
        segment.marks &= !RETRANSMITTED;
        let length = segment.length;
        self.retransmitted.octets -= length;
        self.retransmitted.segments -= 1;
        self.losses = self.losses.wrapping_add(1);
        self.mark_lost(index);
        self.unsent_again = self.unsent_again.min(index as u32);
    }

    fn mark_lost(&mut self, index: usize) {
        let segment = &mut self.segments[index];
        if segment.marks & (SACKED | LOST) == 0 {
            segment.marks |= LOST;
            self.lost.add(segment.length);
            self.losses = self.losses.wrapping_add(1);
        }
    }

    /// Remembers a retransmission; forgets those of the past when they are the most.
    fn remember(&mut self, now: Instant, start: Offset) {
        let mut again = self.again.take().unwrap_or_default();
        if again.len() > 2 * self.retransmitted.segments as usize + 16 {
            again.retain(|&(sent, start)| self.sent_again_at(sent, start).is_some());
        }
        again.push_back((now, start));
        self.again = Some(again);
    }

    /// Cuts the segments at the edges of `range`; says which segment begins there.
    fn cut_out(&mut self, range: &Range<Offset>) -> usize {
        assert!(self.start <= range.start && range.start < range.end && range.end <= self.end);
        let mut index = self.index_of(range.start);
        if self.segments[index].start < range.start {
            self.split(index, range.start);
            index += 1;
        }
        let last = self.index_of(Offset(range.end.0 - 1));
        if self.segments[last].end() > range.end {
            self.split(last, range.end);
        }
        index
    }
}

#[cfg(test)]
mod tests;

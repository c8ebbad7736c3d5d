//! The SACK scoreboard: which runs of octets the receiver reported, and what is lost by that (RFC 6675 §4).

use std::collections::VecDeque;
use std::ops::Range;

use crate::offset::Offset;
use crate::sent_queue::{Delivery, SentQueue};

/// The SACKed runs above the cumulative ACK, ascending, apart from each other.
///
/// The marks and sums are kept by the [`SentQueue`]; the runs exist so that a block that was reported before costs
/// one search, and so that what is lost can be told from the three highest of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Scoreboard {
    runs: VecDeque<Range<Offset>>,
}

impl Scoreboard {
    /// Takes in the blocks of one ACK. A block that is empty, ends beyond what was sent or lies below the cumulative
    /// ACK is passed over.
    pub(super) fn update(&mut self, queue: &mut SentQueue, blocks: &[(Offset, Offset)], told: &mut Delivery) {
        for &(start, end) in blocks {
            let start = start.max(queue.start());
            if start < end && end <= queue.end() {
                self.cover(queue, start..end, told);
            }
        }
    }

    /// The runs, ascending.
    pub(super) fn runs(&self) -> &VecDeque<Range<Offset>> {
        &self.runs
    }

    /// Forgets what the cumulative ACK has overtaken.
    #[inline]
    pub(super) fn acknowledge(&mut self, ack: Offset) {
        while let Some(front) = self.runs.front_mut() {
            if front.start >= ack {
                break;
            }
            if front.end > ack {
                front.start = ack;
                break;
            }
            self.runs.pop_front();
        }
    }

    /// Everything not SACKed before this offset is lost: at least `duplicate_threshold` discontiguous runs, or more
    /// than `(duplicate_threshold - 1) * SMSS` octets, are SACKed above it (RFC 6675 §4, IsLost).
    pub(super) fn lost_before(&self, duplicate_threshold: u32, smss: u32) -> Option<Offset> {
        let octets_needed = u64::from(duplicate_threshold.saturating_sub(1)) * u64::from(smss);
        let mut octets = 0;
        for (above, run) in self.runs.iter().rev().enumerate() {
            octets += run.end - run.start;
            if octets > octets_needed || above + 1 >= duplicate_threshold as usize {
                return Some(run.start);
            }
        }
        None
    }

    /// One past the highest SACKed octet.
    pub(super) fn highest(&self) -> Option<Offset> {
        self.runs.back().map(|run| run.end)
    }

    /// Octets of memory that it takes, itself included.
    pub(super) fn heap_octets(&self) -> usize {
        size_of::<Self>() + self.runs.capacity() * size_of::<Range<Offset>>()
    }

    fn cover(&mut self, queue: &mut SentQueue, block: Range<Offset>, told: &mut Delivery) {
        let known = self.runs.partition_point(|run| run.end < block.end);
        if self.runs.get(known).is_some_and(|run| run.start <= block.start) {
            return;
        }
        let Some(block) = queue.whole_segments(block) else { return };
        let first = self.runs.partition_point(|run| run.end < block.start);
        let mut beyond = first;
        let (mut cursor, mut merged) = (block.start, block.clone());
        while let Some(run) = self.runs.get(beyond)
            && run.start <= block.end
        {
            if cursor < run.start {
                queue.mark_sacked(cursor..run.start, told);
            }
            cursor = cursor.max(run.end);
            merged = merged.start.min(run.start)..merged.end.max(run.end);
            beyond += 1;
        }
        if cursor < block.end {
            queue.mark_sacked(cursor..block.end, told);
        }
        if first == beyond {
            self.runs.insert(first, merged);
        } else {
            self.runs[first] = merged;
            self.runs.drain(first + 1..beyond);
        }
    }
}

#[cfg(test)]
mod tests;

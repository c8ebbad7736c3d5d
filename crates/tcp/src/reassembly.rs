//! Out-of-order data: ordered ranges without overlap, and which of them to report as SACK blocks (RFC 2018 §4).

use std::collections::VecDeque;

use faultwire_wire::Payload;

use crate::offset::Offset;

/// Data that arrived ahead of RCV.NXT.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reassembly {
    blocks: Vec<Block>,
    pieces: VecDeque<(Offset, Payload)>,
    octets: u64,
    arrivals: u64,
}

/// A contiguous range, with the count of the newest arrival in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Block {
    start: Offset,
    end: Offset,
    newest: u64,
}

impl Reassembly {
    /// Whether nothing is out of order.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Octets held.
    #[cfg(test)]
    pub(crate) fn octets(&self) -> u64 {
        self.octets
    }

    /// Keeps `payload`, which begins at `start`. What is already here is not replaced: the first copy counts. Says
    /// whether anything was new.
    pub(crate) fn insert(&mut self, start: Offset, payload: &Payload) -> bool {
        if payload.is_empty() {
            return false;
        }
        let end = start + u64::from(payload.len());
        let before = self.octets;
        self.fill_gaps(start, end, payload);
        self.cover(start, end);
        self.octets > before
    }

    /// A FIN at `at` is here too: it takes one sequence number (RFC 9293 §3.4) and holds no data.
    pub(crate) fn cover_fin(&mut self, at: Offset) {
        self.cover(at, at + 1);
    }

    /// Gives the piece that begins at or before `next`, cut to begin there, and its new end.
    pub(crate) fn take(&mut self, next: Offset) -> Option<Payload> {
        loop {
            let &(start, ref payload) = self.pieces.front()?;
            if start > next {
                break;
            }
            let end = start + u64::from(payload.len());
            let (_, payload) = self.pieces.pop_front()?;
            self.octets -= u64::from(payload.len());
            self.uncover(end);
            if end > next {
                let known = (next - start) as u32;
                return Some(payload.slice(known, payload.len() - known));
            }
        }
        None
    }

    /// SACK blocks, newest first (RFC 2018 §4), at most `room` of them, into `blocks`; says how many.
    pub(crate) fn report(&self, room: usize, blocks: &mut [(Offset, Offset); 4]) -> usize {
        let room = room.min(blocks.len());
        let mut arrivals = [0; 4];
        let mut count = 0;
        // One pass: after a burst of losses there are hundreds of blocks, and each arrival reports them. The newest
        // tend to be the last.
        for block in self.blocks.iter().rev() {
            if count < room {
                count += 1;
            } else if count == 0 || block.newest < arrivals[count - 1] {
                continue;
            }
            let mut at = count - 1;
            while at > 0 && arrivals[at - 1] < block.newest {
                (arrivals[at], blocks[at]) = (arrivals[at - 1], blocks[at - 1]);
                at -= 1;
            }
            (arrivals[at], blocks[at]) = (block.newest, (block.start, block.end));
        }
        count
    }

    /// Octets of heap, those of the payloads apart.
    pub(crate) fn heap_octets(&self) -> usize {
        size_of::<Self>()
            + self.blocks.capacity() * size_of::<Block>()
            + self.pieces.capacity() * size_of::<(Offset, Payload)>()
    }

    /// Puts the parts of `start..end` that no block covers into the pieces.
    fn fill_gaps(&mut self, start: Offset, end: Offset, payload: &Payload) {
        let mut at = start;
        let mut index = self.blocks.partition_point(|block| block.end <= start);
        while at < end {
            let gap_end = match self.blocks.get(index) {
                Some(block) if block.start <= at => {
                    at = block.end;
                    index += 1;
                    continue;
                }
                Some(block) => block.start.min(end),
                None => end,
            };
            self.keep(at, payload.slice((at - start) as u32, (gap_end - at) as u32));
            at = gap_end;
        }
    }

    /// Puts one piece in its place, joined to the one before where no copy is needed.
    fn keep(&mut self, start: Offset, payload: Payload) {
        self.octets += u64::from(payload.len());
        let index = self.pieces.partition_point(|&(at, _)| at < start);
        if let Some((at, before)) = index.checked_sub(1).map(|before| &mut self.pieces[before])
            && *at + u64::from(before.len()) == start
            && before.try_append(&payload)
        {
            return;
        }
        self.pieces.insert(index, (start, payload));
    }

    /// Makes one block of `start..end` and all it touches.
    fn cover(&mut self, start: Offset, end: Offset) {
        self.arrivals += 1;
        let first = self.blocks.partition_point(|block| block.end < start);
        let beyond = first + self.blocks[first..].partition_point(|block| block.start <= end);
        let mut merged = Block { start, end, newest: self.arrivals };
        if first == beyond {
            self.blocks.insert(first, merged);
            return;
        }
        merged.start = start.min(self.blocks[first].start);
        merged.end = end.max(self.blocks[beyond - 1].end);
        self.blocks[first] = merged;
        self.blocks.drain(first + 1..beyond);
    }

    /// Everything before `end` is in order now.
    pub(crate) fn uncover(&mut self, end: Offset) {
        let gone = self.blocks.partition_point(|block| block.end <= end);
        self.blocks.drain(..gone);
        if let Some(first) = self.blocks.first_mut() {
            first.start = first.start.max(end);
        }
    }
}

#[cfg(test)]
mod tests;

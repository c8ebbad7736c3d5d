//! Out-of-order data: ordered ranges without overlap, and which of them to report as SACK blocks (RFC 2018 §4).

use std::collections::VecDeque;

use faultwire_wire::Payload;

use crate::offset::Offset;
use crate::sack_list::SackList;

/// Data that arrived ahead of RCV.NXT.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reassembly {
    blocks: Vec<Block>,
    pieces: VecDeque<(Offset, Payload)>,
    octets: u64,
    recent: Recent,
    /// The SACK blocks, where they are kept apart from the data; otherwise empty.
    list: SackList,
}

/// A contiguous range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Block {
    start: Offset,
    end: Offset,
}

/// What became of arriving data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Some of it was new.
    New,
    /// All of it was here before.
    Duplicate,
    /// There was no room, and nothing of it was kept.
    NoRoom,
}

/// What a piece costs besides its octets.
const PIECE_OVERHEAD: u64 = 128;

impl Reassembly {
    /// Whether nothing is out of order.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Whether there is neither data nor anything to report.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.is_empty() && self.list.is_empty()
    }

    /// The SACK blocks, where they are kept apart from the data.
    pub(crate) fn list(&mut self) -> &mut SackList {
        &mut self.list
    }

    /// Octets held.
    pub(crate) fn octets(&self) -> u64 {
        self.octets
    }

    /// Keeps `payload`, which begins at `start`. What is already here is not replaced: the first copy counts. All that
    /// is held, with the overhead of its pieces, costs at most `limit`: what lies furthest ahead goes first, and if that
    /// is what arrives, it is not kept (Linux `tcp_prune_ofo_queue`; RFC 2018 §8 permits to drop what was reported).
    pub(crate) fn insert(&mut self, start: Offset, payload: &Payload, limit: u64) -> Kept {
        if payload.is_empty() {
            return Kept::Duplicate;
        }
        let end = start + u64::from(payload.len());
        if !self.make_room(start, PIECE_OVERHEAD + u64::from(payload.len()), limit) {
            return Kept::NoRoom;
        }
        let before = self.octets;
        self.fill_gaps(start, end, payload);
        self.cover(start, end);
        if self.octets > before { Kept::New } else { Kept::Duplicate }
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

    /// SACK blocks, newest first (RFC 2018 §4), at most `room` of them, into `blocks`; says how many. Of more than four
    /// blocks the older ones are forgotten until something arrives in them, as kernels do.
    pub(crate) fn report(&self, room: usize, blocks: &mut [(Offset, Offset); 4]) -> usize {
        if !self.list.is_empty() {
            let known = &self.list.blocks()[..self.list.blocks().len().min(room)];
            blocks[..known.len()].copy_from_slice(known);
            return known.len();
        }
        let known = self.recent.known();
        let count = known.len().min(room);
        for (place, block) in blocks.iter_mut().zip(&known[..count]) {
            *place = (block.start, block.end);
        }
        count
    }

    /// Octets of heap, those of the payloads apart.
    pub(crate) fn heap_octets(&self) -> usize {
        size_of::<Self>()
            + self.blocks.capacity() * size_of::<Block>()
            + self.pieces.capacity() * size_of::<(Offset, Payload)>()
    }

    fn cost(&self) -> u64 {
        self.octets + PIECE_OVERHEAD * self.pieces.len() as u64
    }

    /// Drops pieces beyond `start` until one more that costs `cost` has room; says whether it has.
    fn make_room(&mut self, start: Offset, cost: u64, limit: u64) -> bool {
        while self.cost() + cost > limit {
            let Some((last, payload)) = self.pieces.pop_back_if(|(at, _)| *at > start) else { return false };
            self.octets -= u64::from(payload.len());
            // A FIN may have a block of its own.
            while self.blocks.pop_if(|block| block.start >= last).is_some() {}
            if let Some(block) = self.blocks.last_mut() {
                block.end = block.end.min(last);
            }
            self.recent.cut(|block| block.end = block.end.min(last));
        }
        true
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
        let first = self.blocks.partition_point(|block| block.end < start);
        let beyond = first + self.blocks[first..].partition_point(|block| block.start <= end);
        let mut merged = Block { start, end };
        if first == beyond {
            self.blocks.insert(first, merged);
        } else {
            merged.start = start.min(self.blocks[first].start);
            merged.end = end.max(self.blocks[beyond - 1].end);
            self.blocks[first] = merged;
            self.blocks.drain(first + 1..beyond);
        }
        self.recent.put(merged);
    }

    /// Everything before `end` is in order now.
    pub(crate) fn uncover(&mut self, end: Offset) {
        let gone = self.blocks.partition_point(|block| block.end <= end);
        self.blocks.drain(..gone);
        if let Some(first) = self.blocks.first_mut() {
            first.start = first.start.max(end);
        }
        self.recent.cut(|block| block.start = block.start.max(end));
    }
}

/// The blocks in which something arrived last, newest first. Each is one of all blocks, whole.
#[derive(Clone, Debug, Default)]
struct Recent {
    blocks: [Block; 4],
    count: u8,
}

impl Recent {
    fn known(&self) -> &[Block] {
        &self.blocks[..usize::from(self.count)]
    }

    /// Something arrived in `block`, which is what became of all the blocks inside it.
    fn put(&mut self, block: Block) {
        self.retain(|known| known.start < block.start || known.end > block.end);
        self.blocks.rotate_right(1);
        self.blocks[0] = block;
        self.count = (self.count + 1).min(self.blocks.len() as u8);
    }

    /// Cuts each block; what is empty then is gone.
    fn cut(&mut self, cut: impl Fn(&mut Block)) {
        self.blocks.iter_mut().for_each(cut);
        self.retain(|block| block.start < block.end);
    }

    fn retain(&mut self, keep: impl Fn(&Block) -> bool) {
        let mut kept = 0;
        for index in 0..usize::from(self.count) {
            let block = self.blocks[index];
            if keep(&block) {
                self.blocks[kept] = block;
                kept += 1;
            }
        }
        self.count = kept as u8;
    }
}

#[cfg(test)]
mod tests;

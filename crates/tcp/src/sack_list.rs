//! The list of SACK blocks as FreeBSD keeps it beside the data (`tcp_sack.c`): what arrived last stands first, a range that
//! came twice before the block that holds it (RFC 2883 §4), and only blocks at or before RCV.NXT leave with the next ACK.

use crate::offset::Offset;

/// Left and right edge.
type Block = (Offset, Offset);

/// Blocks to report, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct SackList {
    blocks: [Block; MOST],
    count: u8,
}

/// Blocks remembered, though a segment has room for fewer.
const MOST: usize = 6;

impl SackList {
    /// What to report, first things first.
    pub(crate) fn blocks(&self) -> &[Block] {
        &self.blocks[..usize::from(self.count)]
    }

    /// Whether there is nothing to report.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Text from `start` to `end` was cut off, since it lies before `next`, which is RCV.NXT (`tcp_update_sack_list`).
    pub(crate) fn arrived_before(&mut self, next: Offset, start: Offset, end: Offset) {
        let mut head = (start, end);
        let mut kept = Kept::default();
        for &(left, right) in self.blocks() {
            if left >= right || left <= next {
                continue;
            }
            let touches = head.0 <= right && head.1 >= left;
            if !touches {
                kept.push_over((left, right));
            } else if head.0 == right {
                head.0 = left;
            } else if head.1 == left {
                head.1 = right;
            } else {
                let union = (head.0.min(left), head.1.max(right));
                head = (head.0.max(left), head.1.min(right));
                if head != union {
                    kept.push_over(union);
                }
            }
        }
        let kept = kept.list;
        self.count = 0;
        if start < end {
            self.push(head);
        }
        kept.blocks().iter().for_each(|&block| self.push(block));
    }

    /// Text from `start` to `end` was taken, or was here before ahead of `next`, which is RCV.NXT after that
    /// (`tcp_update_dsack_list`).
    pub(crate) fn arrived(&mut self, next: Offset, start: Offset, end: Offset) {
        let old = self.blocks();
        let nothing = (Offset::default(), Offset::default());
        let at_next = end == next && old.first().is_some_and(|&(_, right)| right == next);
        let mut first = if end < next || at_next { (start, end) } else { nothing };
        let mut twice = nothing;
        let mut whole = (start, end);
        let mut identical = false;
        for &(left, right) in old {
            if end < left || start > right {
                continue;
            }
            let common = (start.max(left), end.min(right));
            if next > right {
                if common.0 != common.1 && (twice.0 == twice.1 || twice.0 > common.0) {
                    twice = common;
                }
                continue;
            }
            if (twice.0 == twice.1 || left < twice.0) && right > start && left <= end {
                twice = (left, right);
            }
            whole = (whole.0.min(left), whole.1.max(right));
            identical |= whole == (left, right);
        }
        if twice.0 < twice.1 {
            first = (start.max(twice.0), end.min(twice.1));
        }
        let mut list = Self::default();
        list.push(first);
        if next < whole.1 && whole != first || identical {
            list.push(whole);
        }
        // The place before the others counts, also when nothing stands in it.
        let room = MOST - usize::from(first.0 >= first.1) - list.blocks().len();
        let others = old.iter().filter(|&&(left, right)| (right < whole.0 || left > whole.1) && left > next);
        others.take(room).for_each(|&block| list.push(block));
        *self = list;
    }

    /// All before `next` arrived in order, and what was cut off before it, if anything, is still to be reported.
    pub(crate) fn advanced(&mut self, next: Offset, start: Offset, end: Offset) {
        match self.blocks().first() {
            Some(&(left, right)) if right == start => self.arrived_before(next, left, right),
            _ => self.arrived(next, start, end),
        }
    }

    /// An ACK of `next` reported what it had room for (`tcp_clean_dsack_blocks`).
    pub(crate) fn reported(&mut self, next: Offset) {
        let mut list = Self::default();
        self.blocks().iter().filter(|&&(left, _)| left > next).for_each(|&block| list.push(block));
        *self = list;
    }

    /// Adds a block at the end unless it is empty or there are enough.
    fn push(&mut self, block: Block) {
        if block.0 < block.1 && usize::from(self.count) < MOST {
            self.blocks[usize::from(self.count)] = block;
            self.count += 1;
        }
    }
}

/// Blocks that stay, while a list is made anew.
#[derive(Default)]
struct Kept {
    list: SackList,
}

impl Kept {
    /// Adds a block, in place of the last one if it holds that.
    fn push_over(&mut self, block: Block) {
        if let Some(&(left, right)) = self.list.blocks().last()
            && left >= block.0
            && right <= block.1
        {
            self.list.count -= 1;
        }
        self.list.push(block);
    }
}

#[cfg(test)]
mod tests;

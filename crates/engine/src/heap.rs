//! A 4-ary heap of entries, the earliest on top.

use crate::entry::Entry;

const CHILDREN: usize = 4;

#[derive(Clone, Debug, Default)]
pub(crate) struct Heap {
    entries: Vec<Entry>,
}

impl Heap {
    pub(crate) fn peek(&self) -> Option<Entry> {
        self.entries.first().copied()
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        let mut hole = self.entries.len();
        self.entries.push(entry);
        while hole > 0 {
            let parent = (hole - 1) / CHILDREN;
            if self.entries[parent].rank() <= entry.rank() {
                break;
            }
            self.entries[hole] = self.entries[parent];
            hole = parent;
        }
        self.entries[hole] = entry;
    }

    pub(crate) fn pop(&mut self) -> Option<Entry> {
        let last = self.entries.pop()?;
        let Some(&top) = self.entries.first() else { return Some(last) };
        let mut hole = 0;
        loop {
            let first = hole * CHILDREN + 1;
            let end = (first + CHILDREN).min(self.entries.len());
            let Some(best) = (first..end).min_by_key(|&child| self.entries[child].rank()) else { break };
            if self.entries[best].rank() >= last.rank() {
                break;
            }
            self.entries[hole] = self.entries[best];
            hole = best;
        }
        self.entries[hole] = last;
        Some(top)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn retain(&mut self, keep: impl FnMut(&Entry) -> bool) {
        self.entries.retain(keep);
        self.entries.sort_unstable_by_key(|entry| entry.rank());
        self.entries.dedup();
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}

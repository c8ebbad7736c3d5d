//! A ladder queue (Tang, Goh and Thng 2005): an unsorted top, rungs of ever finer buckets, a sorted bottom.

use faultwire_engine::Entry;

use super::Queue;

#[derive(Debug, Default)]
pub(crate) struct Ladder {
    /// Entries from `top_start` on.
    top: Vec<Entry>,
    top_start: u64,
    /// The coarsest first. Rungs from `depth` on are kept for their memory.
    rungs: Vec<Rung>,
    depth: usize,
    /// The earliest entries, the very earliest at the end.
    bottom: Vec<Entry>,
}

#[derive(Debug, Default)]
struct Rung {
    start: u64,
    width: u64,
    /// The first bucket that was not taken yet.
    current: usize,
    /// Number of buckets in use.
    used: usize,
    buckets: Vec<Vec<Entry>>,
}

impl Rung {
    fn current_start(&self) -> u64 {
        self.start.saturating_add(self.width.saturating_mul(self.current as u64))
    }

    fn add(&mut self, entry: Entry) {
        let index = (entry.time.as_nanos() - self.start) / self.width;
        self.buckets[index as usize].push(entry);
    }
}

impl Queue for Ladder {
    const NAME: &'static str = "ladder";

    fn push(&mut self, entry: Entry) {
        let time = entry.time.as_nanos();
        if time >= self.top_start {
            self.top.push(entry);
            return;
        }
        for rung in &mut self.rungs[..self.depth] {
            if time >= rung.current_start() {
                rung.add(entry);
                return;
            }
        }
        let at = self.bottom.partition_point(|other| other.rank() > entry.rank());
        self.bottom.insert(at, entry);
        if self.bottom.len() > SORTED_MAX && self.depth < RUNGS_MAX {
            self.lift_bottom();
        }
    }

    fn pop(&mut self) -> Entry {
        while self.bottom.is_empty() {
            self.refill();
        }
        self.bottom.pop().expect("just filled")
    }
}

impl Ladder {
    /// Moves the earliest bucket to the bottom, or spreads it over a finer rung.
    fn refill(&mut self) {
        let Some(depth) = self.depth.checked_sub(1) else { return self.take_top() };
        let rung = &mut self.rungs[depth];
        let Some(ahead) = rung.buckets[rung.current..rung.used].iter().position(|bucket| !bucket.is_empty())
        else {
            self.depth = depth;
            return;
        };
        let index = rung.current + ahead;
        let start = rung.start + rung.width * index as u64;
        rung.current = index + 1;
        let mut entries = std::mem::take(&mut rung.buckets[index]);
        let (span, len) = (rung.width, entries.len() as u64);
        if entries.len() > SORTED_MAX && span > 1 && self.depth < RUNGS_MAX {
            let width = span.div_ceil(len);
            self.spread(&mut entries, start, width, span.div_ceil(width));
        } else {
            self.bottom.append(&mut entries);
            self.sort_bottom();
        }
        self.rungs[depth].buckets[index] = entries;
    }

    fn take_top(&mut self) {
        let times = || self.top.iter().map(|entry| entry.time.as_nanos());
        let (first, last) = (times().min().expect("not empty"), times().max().expect("not empty"));
        self.top_start = last + 1;
        let mut entries = std::mem::take(&mut self.top);
        if entries.len() > SORTED_MAX && last > first {
            let width = (last - first).div_ceil(entries.len() as u64);
            self.spread(&mut entries, first, width, (last - first) / width + 1);
        } else {
            self.bottom.append(&mut entries);
            self.sort_bottom();
        }
        self.top = entries;
    }

    /// The bottom grew too long: it becomes the finest rung.
    fn lift_bottom(&mut self) {
        let (first, last) = (self.bottom[self.bottom.len() - 1].time, self.bottom[0].time);
        let (first, last) = (first.as_nanos(), last.as_nanos());
        if last > first {
            // The new rung must reach up to the one above, so that no time falls between them.
            let above = self.rungs[..self.depth].last().map_or(self.top_start, Rung::current_start);
            let width = (last - first).div_ceil(self.bottom.len() as u64);
            let count = (above - first).div_ceil(width).min(4 * self.bottom.len() as u64);
            let width = (above - first).div_ceil(count);
            let mut entries = std::mem::take(&mut self.bottom);
            self.spread(&mut entries, first, width, count);
            self.bottom = entries;
        }
    }

    fn spread(&mut self, entries: &mut Vec<Entry>, start: u64, width: u64, count: u64) {
        if self.depth == self.rungs.len() {
            self.rungs.push(Rung::default());
        }
        let rung = &mut self.rungs[self.depth];
        self.depth += 1;
        (rung.start, rung.width, rung.current, rung.used) = (start, width, 0, count as usize);
        if rung.buckets.len() < rung.used {
            rung.buckets.resize_with(rung.used, Vec::new);
        }
        for entry in entries.drain(..) {
            rung.add(entry);
        }
    }

    fn sort_bottom(&mut self) {
        self.bottom.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.rank()));
    }
}

/// Longer buckets are spread, a longer bottom is lifted (the paper's threshold).
const SORTED_MAX: usize = 50;
/// The paper's bound on rungs.
const RUNGS_MAX: usize = 8;

//! A 4-ary heap, the earliest entry on top.

use faultwire_engine::Entry;

use super::Queue;

#[derive(Debug, Default)]
pub(crate) struct Heap {
    entries: Vec<Entry>,
}

impl Queue for Heap {
    const NAME: &'static str = "heap_of_four";

    fn push(&mut self, entry: Entry) {
        let mut hole = self.entries.len();
        self.entries.push(entry);
        let entries = &mut self.entries[..];
        while hole > 0 {
            let parent = (hole - 1) / CHILDREN;
            if entries[parent].rank() <= entry.rank() {
                break;
            }
            entries[hole] = entries[parent];
            hole = parent;
        }
        entries[hole] = entry;
    }

    fn pop(&mut self) -> Entry {
        let last = self.entries.pop().expect("not empty");
        let Some(&top) = self.entries.first() else { return last };
        let entries = &mut self.entries[..];
        let mut hole = 0;
        loop {
            let first = hole * CHILDREN + 1;
            let best = match entries.get(first..first + CHILDREN) {
                // A full family is a tournament of two rounds without branches.
                Some(&[a, b, c, d]) => {
                    let left = usize::from(b.rank() < a.rank());
                    let right = 2 + usize::from(d.rank() < c.rank());
                    let family = [a, b, c, d];
                    first + if family[right].rank() < family[left].rank() { right } else { left }
                }
                _ => match (first..entries.len()).min_by_key(|&child| entries[child].rank()) {
                    Some(best) => best,
                    None => break,
                },
            };
            if entries[best].rank() >= last.rank() {
                break;
            }
            entries[hole] = entries[best];
            hole = best;
        }
        entries[hole] = last;
        top
    }
}

const CHILDREN: usize = 4;

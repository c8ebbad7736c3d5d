//! The queues that were compared for the engine, behind one face. Only the winner is in the product.

use faultwire_base::Instant;
use faultwire_engine::{Entry, EntryQueue, WakeupQueue};

mod heap;
mod ladder;

pub(crate) use heap::Heap;
pub(crate) use ladder::Ladder;

/// What the hold model asks of a queue.
pub(crate) trait Queue: Default {
    /// Its name in the results.
    const NAME: &'static str;

    fn push(&mut self, entry: Entry);

    /// Takes the earliest entry; the queue is not empty.
    fn pop(&mut self) -> Entry;
}

impl Queue for EntryQueue {
    const NAME: &'static str = "wheel";

    fn push(&mut self, entry: Entry) {
        Self::push(self, entry);
    }

    fn pop(&mut self) -> Entry {
        Self::pop(self).expect("the hold model never empties the queue")
    }
}

/// The product: the wheel with its table of armed keys, popped as the world's loop does it.
impl Queue for WakeupQueue {
    const NAME: &'static str = "wakeup_queue";

    fn push(&mut self, entry: Entry) {
        self.schedule(entry.time, entry.key);
    }

    fn pop(&mut self) -> Entry {
        let (time, key) = self.pop_due(Instant::FAR_FUTURE).expect("the hold model never empties the queue");
        Entry { time, key }
    }
}

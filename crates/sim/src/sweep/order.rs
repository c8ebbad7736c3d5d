//! Work on many threads whose results are taken in order, with a bound on how far any thread may be ahead.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::{ControlFlow, RangeInclusive};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Runs that may be in hand or waiting for their turn, for each thread.
const RUNS_AHEAD_MAX: usize = 512;
/// Seeds that a thread takes at once at most: fewer trips to the common state when seeds are cheap.
const PORTION_MAX: u64 = 64;
/// Events after which a thread gives back what it has done.
const PORTION_EVENTS: u64 = 20_000;

/// Does `work` for each of `numbers` on `jobs` threads, each with a state of its own, and hands the results to `take` on
/// this thread in ascending order, until it breaks. `work` also tells its cost in events, by which cheap numbers are
/// handed out several at a time; each number takes `runs` runs, by which few numbers are kept that are large.
pub(super) fn in_order<S, T: Send>(
    jobs: NonZeroUsize,
    (numbers, runs): (RangeInclusive<u64>, usize),
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, u64) -> (T, u64) + Sync,
    mut take: impl FnMut(T) -> ControlFlow<()>,
) -> ControlFlow<()> {
    if numbers.is_empty() {
        return ControlFlow::Continue(());
    }
    let desk = Desk::new(jobs, &numbers, (RUNS_AHEAD_MAX / runs.max(1)).max(1));
    let threads = rayon::ThreadPoolBuilder::new()
        .num_threads(jobs.get())
        .thread_name(|index| format!("sweep {index}"))
        .build()
        .expect("threads can be started");
    threads.in_place_scope(|scope| {
        for _ in 0..jobs.get() {
            scope.spawn(|_| desk.serve(&mut state(), &work));
        }
        let _closing = Closing(&desk);
        while let Some(portion) = desk.take() {
            portion.into_iter().try_for_each(&mut take)?;
        }
        ControlFlow::Continue(())
    })
}

/// Where threads fetch numbers and leave results.
struct Desk<T> {
    last: u128,
    jobs: u128,
    /// Numbers that a thread may be ahead.
    ahead: u64,
    counter: Mutex<Counter<T>>,
    /// Results were left, or all is over.
    filled: Condvar,
    /// Results were taken, or all is over.
    emptied: Condvar,
}

struct Counter<T> {
    /// The next number to hand out.
    next: u128,
    /// The next number whose result is taken.
    wanted: u128,
    /// Portions that have not had their turn, by their first number.
    waiting: BTreeMap<u128, Vec<T>>,
    closed: bool,
}

impl<T: Send> Desk<T> {
    fn new(jobs: NonZeroUsize, numbers: &RangeInclusive<u64>, ahead: usize) -> Self {
        let first = u128::from(*numbers.start());
        let counter = Counter { next: first, wanted: first, waiting: BTreeMap::new(), closed: false };
        Self {
            last: u128::from(*numbers.end()),
            jobs: jobs.get() as u128,
            ahead: ahead as u64,
            counter: Mutex::new(counter),
            filled: Condvar::new(),
            emptied: Condvar::new(),
        }
    }

    /// A thread's whole day.
    fn serve<S>(&self, state: &mut S, work: &impl Fn(&mut S, u64) -> (T, u64)) {
        // A thread that panics must not leave the others waiting.
        let closing = Closing(self);
        let mut portion = 1;
        while let Some(numbers) = self.fetch(portion) {
            let first = *numbers.start();
            let mut results = Vec::with_capacity(portion as usize);
            let mut events = 0;
            for number in numbers {
                let (result, cost) = work(state, number);
                events += cost;
                results.push(result);
                if self.lock().closed {
                    break;
                }
            }
            let cost = (events / results.len() as u64).max(1);
            portion = (PORTION_EVENTS / cost).clamp(1, PORTION_MAX.min(self.ahead));
            self.lock().waiting.insert(u128::from(first), results);
            self.filled.notify_one();
        }
        std::mem::forget(closing);
    }

    /// The next numbers to work on; `None` when there are no more.
    fn fetch(&self, portion: u64) -> Option<RangeInclusive<u64>> {
        let mut counter = self.lock();
        while !counter.closed && counter.next >= counter.wanted + u128::from(self.ahead) * self.jobs {
            counter = self.emptied.wait(counter).unwrap_or_else(PoisonError::into_inner);
        }
        if counter.closed || counter.next > self.last {
            return None;
        }
        // The last portions are small, so that all threads end together.
        let fair = ((self.last - counter.next) / (2 * self.jobs)).max(1);
        let first = counter.next;
        let last = (first + fair.min(u128::from(portion)) - 1).min(self.last);
        counter.next = last + 1;
        Some(first as u64..=last as u64)
    }

    /// Waits for the portion whose turn it is; `None` after the last one.
    fn take(&self) -> Option<Vec<T>> {
        let mut counter = self.lock();
        loop {
            let wanted = counter.wanted;
            if let Some(portion) = counter.waiting.remove(&wanted) {
                counter.wanted += portion.len() as u128;
                self.emptied.notify_all();
                return Some(portion);
            }
            if counter.closed || wanted > self.last {
                return None;
            }
            counter = self.filled.wait(counter).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counter<T>> {
        self.counter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
        self.emptied.notify_all();
    }
}

/// Closes the desk when it goes, also by a panic.
struct Closing<'a, T: Send>(&'a Desk<T>);

impl<T: Send> Drop for Closing<'_, T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests;

//! Order, bounds and ends of work on many threads.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{RUNS_AHEAD_MAX, in_order};

fn jobs(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

/// Spins for a while that depends on the number, so that threads finish in disorder.
fn uneven(number: u64) -> (u64, u64) {
    let turns = (number * 7_919) % 13 * 500;
    let spun = (0..turns).fold(0u64, |sum, turn| std::hint::black_box(sum + turn));
    (number * 2, spun % 5_000)
}

#[test]
fn results_come_in_order_whatever_the_order_of_finishing() {
    for count in [1, 2, 8] {
        let mut seen = Vec::new();
        let ended = in_order(
            jobs(count),
            (5..=1_500, 1),
            || (),
            |(), number| uneven(number),
            |result| {
                seen.push(result);
                ControlFlow::Continue(())
            },
        );
        assert!(ended.is_continue());
        assert_eq!(seen, (5..=1_500).map(|number| number * 2).collect::<Vec<_>>(), "{count} jobs");
    }
}

#[test]
fn the_ends_of_all_numbers_are_reached() {
    let mut seen = Vec::new();
    let last = u64::MAX - 2..=u64::MAX;
    assert!(
        in_order(
            jobs(2),
            (last.clone(), 1),
            || (),
            |(), number| (number, 1),
            |result| {
                seen.push(result);
                ControlFlow::Continue(())
            }
        )
        .is_continue()
    );
    assert_eq!(seen, last.collect::<Vec<_>>());
    #[expect(clippy::reversed_empty_ranges, reason = "nothing is to be done")]
    let nothing =
        in_order(jobs(2), (1..=0, 1), || (), |(), number| (number, 1), |_| panic!("there is nothing"));
    assert!(nothing.is_continue());
}

#[test]
fn a_break_ends_the_work_with_exactly_what_was_taken() {
    for count in [1, 2, 8] {
        let mut seen = Vec::new();
        let ended = in_order(
            jobs(count),
            (0..=u64::MAX, 1),
            || (),
            |(), number| uneven(number),
            |result| {
                seen.push(result);
                if result == 246 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        );
        assert!(ended.is_break());
        assert_eq!(seen, (0..=123).map(|number| number * 2).collect::<Vec<_>>());
    }
}

#[test]
fn no_thread_runs_far_ahead_of_what_was_taken() {
    for runs in [1, 100, 10_000] {
        let (most, taken) = (AtomicU64::new(0), AtomicU64::new(0));
        let work = |(): &mut (), number: u64| {
            let ahead = number.saturating_sub(taken.load(Ordering::SeqCst));
            most.fetch_max(ahead, Ordering::SeqCst);
            // The first is slow: the others must wait for it.
            let turns = if number == 0 { 3_000_000 } else { 1 };
            ((0..turns).fold(number, |sum, _| std::hint::black_box(sum)), 1)
        };
        let mut next = 0;
        let ended = in_order(
            jobs(2),
            (0..=20_000, runs),
            || (),
            work,
            |result| {
                assert_eq!(result, next);
                next += 1;
                taken.store(next, Ordering::SeqCst);
                ControlFlow::Continue(())
            },
        );
        assert!(ended.is_continue());
        // A portion leaves the desk as a whole, before each of its results is taken.
        let each = (RUNS_AHEAD_MAX / runs).max(1) as u64;
        let bound = 2 * each + 2 * super::PORTION_MAX.min(each);
        let most = most.load(Ordering::SeqCst);
        assert!(most <= bound, "{most} ahead, at most {bound} allowed for {runs} runs each");
    }
}

#[test]
fn a_panic_of_a_thread_is_ours_and_ends_all() {
    let ended = panic::catch_unwind(AssertUnwindSafe(|| {
        in_order(
            jobs(2),
            (0..=u64::MAX, 1),
            || (),
            |(), number| {
                assert!(number < 100, "number {number}");
                (number, 1)
            },
            |_| ControlFlow::Continue(()),
        )
    }));
    assert!(ended.is_err());
}

//! The wake-up queue against the simplest thing that is right: a sorted vector.

use faultwire_base::Instant;
use faultwire_engine::{Entry, EntryQueue, WakeupQueue};
use proptest::prelude::*;

/// The model: (time, key) pairs, one a key, sorted.
#[derive(Clone, Default)]
struct Model {
    pending: Vec<(Instant, u32)>,
}

impl Model {
    fn armed(&self, key: u32) -> Option<Instant> {
        self.pending.iter().find(|entry| entry.1 == key).map(|entry| entry.0)
    }

    fn schedule(&mut self, at: Instant, key: u32) {
        if self.armed(key).is_none_or(|armed| at < armed) {
            self.cancel(key);
            self.pending.push((at, key));
            self.pending.sort_unstable();
        }
    }

    fn cancel(&mut self, key: u32) {
        self.pending.retain(|entry| entry.1 != key);
    }

    fn pop_due(&mut self, now: Instant) -> Option<(Instant, u32)> {
        let first = *self.pending.first()?;
        if first.0 > now {
            return None;
        }
        Some(self.pending.remove(0))
    }
}

/// One call, in numbers that a test case can shrink.
#[derive(Clone, Debug)]
enum Call {
    /// Schedule at this distance from the last time that was popped.
    Schedule {
        after: u64,
        key: u32,
    },
    /// Schedule at this absolute time: it may be in the past.
    ScheduleAt {
        nanos: u64,
        key: u32,
    },
    /// Schedule this many keys at one instant, from the highest key down.
    Storm {
        after: u64,
        keys: u32,
    },
    /// Take what is due at this distance from the last time that was popped.
    PopDue {
        after: u64,
    },
    /// Take this many, and schedule each again this much later.
    Hold {
        count: u32,
        after: u64,
    },
    Pop,
    Cancel {
        key: u32,
    },
    Clear,
    Clone,
}

fn distance() -> impl Strategy<Value = u64> {
    prop_oneof![
        2 => Just(0u64),
        4 => 0..100u64,
        4 => 0..10_000_000u64,
        2 => (0..64u32).prop_map(|bits| 1 << bits),
        1 => any::<u64>(),
        1 => Just(u64::MAX),
    ]
}

fn call() -> impl Strategy<Value = Call> {
    let key = || prop_oneof![4 => 0..8u32, 4 => 0..600u32, 1 => 60_000..70_000u32];
    prop_oneof![
        12 => (distance(), key()).prop_map(|(after, key)| Call::Schedule { after, key }),
        2 => (distance(), key()).prop_map(|(nanos, key)| Call::ScheduleAt { nanos, key }),
        2 => (distance(), 0..500u32).prop_map(|(after, keys)| Call::Storm { after, keys }),
        4 => distance().prop_map(|after| Call::PopDue { after }),
        3 => (0..200u32, distance()).prop_map(|(count, after)| Call::Hold { count, after }),
        6 => Just(Call::Pop),
        2 => key().prop_map(|key| Call::Cancel { key }),
        1 => Just(Call::Clear),
        1 => Just(Call::Clone),
    ]
}

/// Applies one call to both and compares what they give back.
fn apply(queue: &mut WakeupQueue, model: &mut Model, last: &mut Instant, call: &Call) {
    let later = |after: u64, last: Instant| Instant::from_nanos(last.as_nanos().saturating_add(after));
    let schedule = |queue: &mut WakeupQueue, model: &mut Model, at: Instant, key: u32| {
        queue.schedule(at, key);
        model.schedule(at, key);
        assert_eq!(queue.armed(key), model.armed(key));
    };
    match *call {
        Call::Schedule { after, key } => schedule(queue, model, later(after, *last), key),
        Call::ScheduleAt { nanos, key } => schedule(queue, model, Instant::from_nanos(nanos), key),
        Call::Storm { after, keys } => {
            (0..keys).rev().for_each(|key| schedule(queue, model, later(after, *last), key));
        }
        Call::PopDue { after } => {
            let now = later(after, *last);
            let popped = queue.pop_due(now);
            assert_eq!(popped, model.pop_due(now));
            *last = popped.map_or(*last, |entry| entry.0);
        }
        Call::Hold { count, after } => {
            for _ in 0..count {
                let popped = queue.pop();
                assert_eq!(popped, model.pop_due(Instant::FAR_FUTURE));
                let Some((time, key)) = popped else { break };
                *last = time;
                let spread = after.wrapping_mul(u64::from(key) + 1) % after.max(1);
                schedule(queue, model, later(spread, time), key);
            }
        }
        Call::Pop => {
            let popped = queue.pop();
            assert_eq!(popped, model.pop_due(Instant::FAR_FUTURE));
            *last = popped.map_or(*last, |entry| entry.0);
        }
        Call::Cancel { key } => {
            queue.cancel(key);
            model.cancel(key);
        }
        Call::Clear => {
            queue.clear();
            model.pending.clear();
        }
        Call::Clone => {
            // The original is taken to its end, the copy goes on: neither may disturb the other.
            let copy = queue.clone();
            let rest: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
            assert_eq!(rest, model.pending);
            *queue = copy;
        }
    }
    assert_eq!(queue.next_time(), model.pending.first().map(|entry| entry.0));
    assert_eq!((queue.len(), queue.is_empty()), (model.pending.len(), model.pending.is_empty()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// DESIGN D2: the order is that of (time, key) and nothing else.
    #[test]
    fn agrees_with_a_sorted_vector(calls in prop::collection::vec(call(), 1..120)) {
        let (mut queue, mut model, mut last) = (WakeupQueue::new(), Model::default(), Instant::ZERO);
        for call in &calls {
            apply(&mut queue, &mut model, &mut last, call);
        }
        let rest: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        prop_assert_eq!(rest, model.pending);
    }

    /// The structure underneath keeps every entry, also equal ones, and takes them at any time.
    #[test]
    fn entries_agree_with_a_sorted_vector(calls in prop::collection::vec((distance(), 0..200u32, 0..80usize), 1..300)) {
        let (mut queue, mut model, mut last) = (EntryQueue::new(), Vec::new(), 0u64);
        for (after, key, pops) in calls {
            let first = if after % 5 == 0 { after / 2 } else { last.saturating_add(after) };
            for step in 0..40 {
                let time = Instant::from_nanos(first.saturating_add(step % 4 * (after >> 3)));
                queue.push(Entry { time, key });
                model.push((time, key));
            }
            model.sort_unstable_by(|a, b| b.cmp(a));
            for _ in 0..pops {
                let popped = queue.pop().map(|entry| (entry.time, entry.key));
                prop_assert_eq!(popped, model.pop());
                last = popped.map_or(last, |entry| entry.0.as_nanos());
            }
            prop_assert_eq!((queue.len(), queue.peek().map(|entry| entry.key)), (model.len(), model.last().map(|entry| entry.1)));
        }
    }
}

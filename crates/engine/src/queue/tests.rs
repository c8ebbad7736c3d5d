use faultwire_base::{Duration, Instant, SeedTree};

use super::*;

fn at(nanos: u64, key: u32) -> Entry {
    Entry { time: Instant::from_nanos(nanos), key }
}

#[test]
fn equal_entries_are_all_given_back() {
    let mut queue = EntryQueue::new();
    for _ in 0..500 {
        queue.push(at(9, 4));
        queue.push(at(9, 3));
    }
    let keys: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|entry| entry.key).collect();
    assert_eq!(keys.iter().filter(|&&key| key == 3).count(), 500);
    assert!(keys.len() == 1_000 && keys.is_sorted());
}

#[test]
fn takes_entries_from_before_the_last_one_given_back() {
    let mut queue = EntryQueue::new();
    (0..1_000).for_each(|key| queue.push(at(1_000_000 + u64::from(key), key)));
    for key in 0..500 {
        assert_eq!(queue.pop(), Some(at(1_000_000 + u64::from(key), key)));
    }
    (0..300).rev().for_each(|key| queue.push(at(u64::from(key) / 2, key)));
    for key in 0..300 {
        assert_eq!(queue.pop(), Some(at(u64::from(key) / 2, key)));
    }
    assert_eq!(queue.pop(), Some(at(1_000_500, 500)));
}

#[test]
fn a_short_queue_has_no_wheel() {
    let mut queue = EntryQueue::new();
    for round in 0..10_000u64 {
        if round >= FRONT_MAX as u64 {
            queue.pop();
        }
        queue.push(at(round * 1_000 + round % 7 * 1_500, 0));
    }
    assert_eq!((queue.front.len(), queue.wheel.len()), (FRONT_MAX, 0));
}

/// DESIGN §4: no allocation per packet in steady state.
#[test]
fn memory_stops_growing() {
    let mut stream = SeedTree::new(5).stream("engine", "test");
    let mut queue = EntryQueue::new();
    (0..5_000).for_each(|key| queue.push(at(stream.below(1 << 24), key)));
    let mut hold = |queue: &mut EntryQueue| {
        for _ in 0..200_000 {
            let entry = queue.pop().unwrap();
            queue.push(Entry { time: entry.time + Duration::from_nanos(stream.below(1 << 24)), ..entry });
        }
        (queue.wheel.chunk_count(), queue.front.capacity())
    };
    let (chunks, front) = hold(&mut queue);
    // Full chunks for all entries, and one part full for each slot in use: a few hundred.
    assert!(chunks < 800, "{chunks} chunks");
    for _ in 0..5 {
        let (chunks_after, front_after) = hold(&mut queue);
        assert!(chunks_after <= chunks + chunks / 20 && front_after == front, "{chunks} then {chunks_after}");
    }
    let chunks = queue.wheel.chunk_count();
    queue.clear();
    assert!(queue.is_empty() && queue.peek().is_none());
    (0..5_000).for_each(|key| queue.push(at(u64::from(key) << 10, key)));
    assert_eq!(queue.wheel.chunk_count(), chunks);
    assert!((0..5_000).all(|key| queue.pop() == Some(at(u64::from(key) << 10, key))));
}

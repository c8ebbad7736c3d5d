use super::*;
use faultwire_base::Duration;

const fn at(nanos: u64) -> Instant {
    Instant::from_nanos(nanos)
}

/// DESIGN D2: several places due at one instant run in the order of their names, whatever the order of asking.
#[test]
fn a_storm_at_one_instant_comes_in_the_order_of_keys() {
    const KEYS: u32 = 100_000;
    let mut queue = WakeupQueue::new();
    for round in 0..3u64 {
        // 7919 is prime to the number of keys, so each comes once.
        let scattered = |key: u32| (u64::from(key) * 7_919 % u64::from(KEYS)) as u32;
        (0..KEYS).for_each(|key| queue.schedule(at(round << 40), scattered(key)));
        assert!((0..KEYS).all(|key| queue.pop_due(at(round << 40)) == Some((at(round << 40), key))));
        assert!(queue.is_empty());
    }
}

#[test]
fn the_time_just_popped_has_another_round() {
    let mut queue = WakeupQueue::new();
    (0..100).for_each(|key| queue.schedule(at(7), key));
    (0..50).for_each(|key| assert_eq!(queue.pop_due(at(7)), Some((at(7), key))));
    (0..50).rev().for_each(|key| queue.schedule(at(7), key));
    (0..100).for_each(|key| assert_eq!(queue.pop_due(at(7)), Some((at(7), key))));
    assert_eq!((queue.pop_due(at(7)), queue.next_time()), (None, None));
}

#[test]
fn the_far_future_is_pending_until_then() {
    let mut queue = WakeupQueue::new();
    let year = Duration::from_secs(31_536_000);
    (0..200).for_each(|key| queue.schedule(Instant::FAR_FUTURE, key));
    (0..100).for_each(|key| queue.schedule(Instant::ZERO + year * u64::from(key + 1), key));
    assert_eq!((queue.len(), queue.armed(150)), (200, Some(Instant::FAR_FUTURE)));
    for key in 0..100 {
        let due = Instant::ZERO + year * u64::from(key + 1);
        assert_eq!(queue.next_time(), Some(due));
        assert_eq!(queue.pop_due(due - Duration::from_nanos(1)), None);
        assert_eq!(queue.pop_due(due), Some((due, key)));
    }
    queue.cancel(101);
    assert_eq!(queue.pop(), Some((Instant::FAR_FUTURE, 100)));
    assert_eq!(queue.pop(), Some((Instant::FAR_FUTURE, 102)));
    assert_eq!(queue.len(), 97);
}

/// Each arrival replaces a timer that would come much later, and the timer is asked for again.
#[test]
fn replaced_wakeups_do_not_pile_up() {
    const KEYS: u32 = 1_000;
    let mut queue = WakeupQueue::new();
    let bound = 4 * KEYS as usize + KEYS as usize / 8 + STALE_MAX + 1;
    for fixed in [true, false] {
        queue.clear();
        for round in 0..200_000u64 {
            let (now, key) = (at(round * 1_000), (round % u64::from(KEYS)) as u32);
            let timer = if fixed { 1 << 50 } else { (round << 10) + (1 << 40) };
            queue.schedule(at(timer), key);
            queue.schedule(now, key);
            assert_eq!(queue.pop_due(now), Some((now, key)));
            queue.schedule(at(timer), key);
            assert!(queue.queue.len() <= bound, "{} entries", queue.queue.len());
        }
        assert_eq!(queue.len(), KEYS as usize);
        let rest: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert!(rest.len() == KEYS as usize && rest.is_sorted());
    }
}

#[test]
fn a_copy_goes_its_own_way() {
    let mut queue = WakeupQueue::new();
    (0..500).for_each(|key| queue.schedule(at(u64::from(key) * 1_000), key));
    let mut copy = queue.clone();
    copy.schedule(at(1), 499);
    copy.cancel(0);
    assert_eq!((copy.pop(), queue.pop()), (Some((at(1), 499)), Some((at(0), 0))));
    assert_eq!((copy.len(), queue.len()), (498, 499));
}

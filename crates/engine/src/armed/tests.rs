use super::*;

const fn at(nanos: u64) -> Instant {
    Instant::from_nanos(nanos)
}

#[test]
fn only_an_earlier_time_changes_anything() {
    let mut table = ArmedTable::default();
    assert_eq!(table.arm(at(20), 3), Arming::New);
    assert_eq!(table.arm(at(20), 3), Arming::Ignored);
    assert_eq!(table.arm(at(21), 3), Arming::Ignored);
    assert_eq!(table.arm(at(19), 3), Arming::Earlier(at(20)));
    assert_eq!((table.time(3), table.time(2), table.time(4)), (Some(at(19)), None, None));
    assert_eq!((table.disarm(3), table.disarm(3), table.disarm(9)), (Some(at(19)), None, None));
}

#[test]
fn the_far_future_is_a_time_like_any_other() {
    let mut table = ArmedTable::default();
    assert_eq!(table.arm(Instant::FAR_FUTURE, 70), Arming::New);
    assert_eq!(table.arm(Instant::FAR_FUTURE, 70), Arming::Ignored);
    assert_eq!((table.time(70), table.time(69)), (Some(Instant::FAR_FUTURE), None));
    assert!(table.holds(Entry { time: Instant::FAR_FUTURE, key: 70 }));
    assert!(!table.holds(Entry { time: Instant::FAR_FUTURE, key: 69 }));
    assert_eq!(table.entries().map(|entry| entry.key).collect::<Vec<_>>(), [70]);
    assert_eq!(table.arm(at(5), 70), Arming::Earlier(Instant::FAR_FUTURE));
    assert_eq!(table.disarm(70), Some(at(5)));
    assert_eq!((table.time(70), table.disarm(70)), (None, None));
}

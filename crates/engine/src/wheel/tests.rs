use super::*;

fn at(nanos: u64, key: u32) -> Entry {
    Entry { time: Instant::from_nanos(nanos), key }
}

#[test]
fn a_slot_is_the_first_digit_that_differs() {
    let boundary = at(5 << 12 | 3 << 6 | 1, 7);
    assert_eq!(position(boundary, at(6 << 12, 0)), (KEY_LEVELS + 2, 6));
    assert_eq!(position(boundary, at(5 << 12 | 4 << 6, 0)), (KEY_LEVELS + 1, 4));
    assert_eq!(position(boundary, at(5 << 12 | 3 << 6 | 2, 0)), (KEY_LEVELS, 2));
    assert_eq!(position(boundary, at(5 << 12 | 3 << 6 | 1, 8)), (0, 8));
    assert_eq!(position(boundary, at(5 << 12 | 3 << 6 | 1, 9 << 6)), (1, 9));
    assert_eq!(position(boundary, boundary), (0, 7));
    assert_eq!(position(boundary, Entry::LAST), (LEVELS - 1, 15));
}

#[test]
fn takes_slot_by_slot_and_moves_the_boundary_behind_them() {
    let mut wheel = Wheel::default();
    wheel.lower_boundary(at(0, 0));
    for key in 0..640 {
        wheel.push(at(1_000 + 10 * u64::from(key), key));
    }
    let mut seen = Vec::new();
    while wheel.len() > 0 {
        let mut taken = Vec::new();
        wheel.take_earliest(&mut taken, |_| true);
        assert!(!taken.is_empty() && taken.len() <= TAKE_MAX);
        assert!(taken.iter().all(|&entry| !wheel.covers(entry)));
        taken.sort_unstable_by_key(|entry| entry.rank());
        seen.extend(taken.iter().map(|entry| entry.key));
    }
    assert!(seen.iter().copied().eq(0..640));
}

#[test]
fn lowering_the_boundary_keeps_every_entry_in_its_place() {
    let mut wheel = Wheel::default();
    wheel.lower_boundary(at(1 << 20, 0));
    for step in 1..200u32 {
        wheel.push(at((1 << 20) + u64::from(step * step), step));
    }
    wheel.lower_boundary(at(70, 3));
    for step in 1..200u32 {
        wheel.push(at(70 + u64::from(step), 3));
    }
    assert_eq!(wheel.len(), 398);
    let mut taken = Vec::new();
    let mut ranks = Vec::new();
    while wheel.len() > 0 {
        wheel.take_earliest(&mut taken, |_| true);
        taken.sort_unstable_by_key(|entry| entry.rank());
        ranks.extend(taken.drain(..).map(Entry::rank));
    }
    assert!(ranks.len() == 398 && ranks.is_sorted());
}

#[test]
#[should_panic(expected = "the boundary is lowered")]
fn the_boundary_is_not_raised_past_entries() {
    let mut wheel = Wheel::default();
    wheel.lower_boundary(at(10, 0));
    wheel.lower_boundary(at(11, 0));
}

//! Checkpoints of runs.

use super::*;
use crate::experiment::{Overrides, parse};
use crate::world::World;

fn watched(size: &str, expected: Option<&Checkpoints>) -> (CheckpointWatch, u64) {
    let text = format!(
        r#"{{ "name": "x", "hosts": {{ "a": {{}}, "b": {{}} }},
              "links": [ {{ "name": "w", "between": ["a", "b"], "delay": "1ms" }} ],
              "apps": [ {{ "name": "f", "on": "a", "bulk": {{ "to": "b:80", "size": "{size}" }} }} ] }}"#
    );
    let experiment = parse(&text, "x.json", &Overrides::default()).unwrap();
    let plan = &experiment.cases[0].plan;
    let mut watch = CheckpointWatch::new(plan, expected);
    let mut world = World::new(plan);
    world.run(&mut watch);
    (watch, world.events())
}

#[test]
fn a_short_run_has_one_a_event_and_a_long_one_at_most_256() {
    let (short, events) = watched("1KiB", None);
    assert_eq!(short.taken.every, 1);
    assert_eq!(short.taken.digests.len() as u64, events, "it counts what the world counts");
    let (long, events) = watched("1MiB", None);
    assert!((128..=256).contains(&long.taken.digests.len()));
    assert_eq!(long.taken.digests.len() as u64, events / long.taken.every);
}

#[test]
fn the_first_checkpoint_that_differs_is_where_a_run_departs() {
    let (watch, events) = watched("1MiB", None);
    let mut expected = watch.into_checkpoints();
    let (same, _) = watched("1MiB", Some(&expected));
    assert_eq!(same.departure(events), None);
    expected.digests[9] ^= 1;
    expected.digests[20] ^= 1;
    let (other, _) = watched("1MiB", Some(&expected));
    let departure = other.departure(events).expect("it departs");
    assert_eq!((departure.after, departure.by), (9 * expected.every, 10 * expected.every));
}

#[test]
fn a_run_that_ends_early_or_late_departs_there() {
    let (watch, events) = watched("1KiB", None);
    let expected = watch.into_checkpoints();
    let (same, _) = watched("1KiB", Some(&expected));
    assert_eq!(same.departure(events + 5).map(|departure| departure.after), Some(events));
    assert_eq!(same.departure(events - 5).map(|departure| departure.by), Some(events + 1));
}

/// A file can say so, and its digests agree with it.
#[test]
fn checkpoints_beyond_all_numbers_are_no_overflow() {
    for (every, digests) in
        [(u64::MAX, vec![7]), (u64::MAX, vec![7, 7, 7]), (1 << 63, vec![7, 7]), (1, vec![])]
    {
        let expected = Checkpoints { every, digests };
        let (watch, events) = watched("1KiB", Some(&expected));
        for events_expected in [0, events, u64::MAX] {
            let departure = watch.late_departure(events_expected);
            assert!(departure.after <= events && departure.by <= events + 1, "{departure:?}");
        }
    }
}

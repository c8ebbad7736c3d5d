//! Rounds of HyStart++ by their numbers (RFC 9406 §4.2, §4.3).

use super::*;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A round of `count` measurements of `rtt`, the `index`th one.
fn round(hystart: &mut HyStart, index: u64, rtt: u64, count: u8) -> bool {
    let range = (Offset::FIRST + index * 1000, Offset::FIRST + (index + 1) * 1000);
    (0..count).fold(false, |ends, _| hystart.sample(millis(rtt), range) | ends)
}

// RFC 9406 §4.2: the threshold is an eighth of the last round's least, 4 ms at least and 16 ms at most, by eight samples.
#[test]
fn conservative_slow_start_begins_at_the_threshold() {
    for (before, after, conservative) in [
        (16, 19, false),
        (16, 20, true),
        (80, 89, false),
        (80, 90, true),
        (400, 415, false),
        (400, 416, true),
    ] {
        let mut hystart = HyStart::new();
        round(&mut hystart, 0, before, 8);
        round(&mut hystart, 1, after, 7);
        assert_eq!(hystart.growth(4000), 4000, "seven samples are too few");
        round(&mut hystart, 1, after, 1);
        assert_eq!(hystart.growth(4000), if conservative { 1000 } else { 4000 }, "{before} then {after}");
    }
}

// RFC 9406 §4.2: after five rounds of it slow start ends; if the round trip falls again, it goes on.
#[test]
fn five_conservative_rounds_end_it() {
    let mut hystart = HyStart::new();
    round(&mut hystart, 0, 100, 8);
    round(&mut hystart, 1, 120, 8);
    let mut false_alarm = hystart.clone();
    for index in 2..6 {
        assert!(!round(&mut hystart, index, 125, 8), "round {index}");
    }
    assert!(round(&mut hystart, 6, 125, 8));
    assert!(!round(&mut hystart, 7, 500, 20), "only once");

    round(&mut false_alarm, 2, 119, 8);
    assert_eq!(false_alarm.growth(4000), 4000);
}

// RFC 9406 §4.3: only the first slow start is watched.
#[test]
fn a_loss_ends_the_watch() {
    let mut hystart = HyStart::new();
    round(&mut hystart, 0, 100, 8);
    round(&mut hystart, 1, 150, 8);
    hystart.stop();
    assert_eq!(hystart.growth(4000), 4000);
    assert!(!(2..12).any(|index| round(&mut hystart, index, 200, 8)));
}

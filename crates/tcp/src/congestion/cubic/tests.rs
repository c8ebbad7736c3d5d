//! CUBIC by its own formulas (RFC 9438), and by its published constants.

use proptest::prelude::*;

use super::*;

const SMSS: u64 = 1460;

// RFC 9438 §4.2: K = cbrt((W_max - cwnd_epoch) / C) with cwnd_epoch = 0.7 W_max.
#[test]
fn k_of_the_table() {
    for (segments, micros) in [(10, 1_957_433), (100, 4_217_163), (1000, 9_085_602), (10_000, 19_574_338)] {
        assert_eq!(k_micros(segments * SMSS * 3 / 10, SMSS), micros, "W_max {segments}");
    }
    assert_eq!(k_micros(0, SMSS), 0);
}

// RFC 9438 §4.2, equation 1: the epoch starts at 0.7 W_max, touches W_max at K, and is symmetric around it.
#[test]
fn curve_of_one_epoch() {
    let maximum = 1000 * SMSS;
    let k = k_micros(maximum * 3 / 10, SMSS);
    let start = w_cubic(0, k, maximum, SMSS);
    assert!(start.abs_diff(700 * SMSS) < 5, "{start}");
    assert_eq!(w_cubic(k, k, maximum, SMSS), maximum);
    // One second past K: C segments more.
    assert_eq!(w_cubic(k + 1_000_000, k, maximum, SMSS), maximum + SMSS * 4 / 10);
    let end = w_cubic(2 * k, k, maximum, SMSS);
    assert!(end.abs_diff(1300 * SMSS) < 5, "{end}");
}

#[test]
fn the_curve_has_no_overflow() {
    assert_eq!(w_cubic(0, u64::MAX, 1000, 65_535), 0);
    assert!(w_cubic(u64::MAX, 0, 1 << 40, 65_535) > 6_000_000 * 65_535);
}

// RFC 9438 §4.6 and §4.7.
#[test]
fn reduces_to_seven_tenths_and_remembers_less_when_shrinking() {
    let mut cubic = Cubic::new(None);
    assert_eq!(cubic.threshold_after_loss(100_000, 100_000), 70_000);
    assert_eq!(cubic.maximum, 100_000);
    // The window did not reach the last plateau: fast convergence, (1 + 0.7) / 2.
    assert_eq!(cubic.threshold_after_loss(80_000, 80_000), 56_000);
    assert_eq!(cubic.maximum, 68_000);
    assert_eq!(cubic.prior, 80_000);
    // It did: the plateau is the window.
    cubic.threshold_after_loss(90_000, 90_000);
    assert_eq!(cubic.maximum, 90_000);
}

/// One ACK a segment, `rtt` between windows, for `length`; returns the window at the end of each round.
fn rounds(cubic: &mut Cubic, mut window: u64, rtt: Duration, length: Duration) -> Vec<u64> {
    let (mut now, mut seen) = (Instant::ZERO, Vec::new());
    while now.as_nanos() <= length.as_nanos() {
        for _ in 0..window / SMSS {
            window += cubic.growth(now, window, SMSS, SMSS as u32, rtt);
        }
        seen.push(window);
        now += rtt;
    }
    seen
}

// O6: cwnd(t) follows the curve within a segment and one round trip's lag.
#[test]
fn window_follows_the_curve() {
    let rtt = Duration::from_millis(100);
    // Later than 5.7 s, Reno would be faster on the smaller one.
    for (segments, seconds) in [(100, 5), (1000, 15)] {
        let maximum = segments * SMSS;
        let mut cubic = Cubic::new(None);
        let window = cubic.threshold_after_loss(maximum, maximum);
        let seen = rounds(&mut cubic, window, rtt, Duration::from_secs(seconds));
        let k = k_micros(maximum - window, SMSS);
        for (round, &window) in seen.iter().enumerate() {
            let elapsed = round as u64 * 100_000;
            let low = w_cubic(elapsed, k, maximum, SMSS) - SMSS;
            let high = w_cubic(elapsed + 100_000, k, maximum, SMSS) + SMSS;
            assert!((low..=high).contains(&window), "round {round}: {low} <= {window} <= {high}");
        }
    }
}

// RFC 9438 §4.3: on a short path with a small window Reno's estimate leads: alpha = 9/17 a round, then 1.
#[test]
fn follows_reno_where_reno_is_faster() {
    let rtt = Duration::from_millis(1);
    let mut cubic = Cubic::new(None);
    let window = cubic.threshold_after_loss(20 * SMSS, 20 * SMSS);
    let seen = rounds(&mut cubic, window, rtt, Duration::from_millis(30));
    let before = (seen[8] - seen[0]) as f64 / SMSS as f64 / 8.0;
    assert!((0.50..0.56).contains(&before), "{before} segments a round below the prior window");
    let after = (seen[28] - seen[18]) as f64 / SMSS as f64 / 10.0;
    assert!((0.93..1.05).contains(&after), "{after} segments a round above it");
}

// In a window of 10,000 segments an ACK is worth a fraction of an octet, and none is lost.
#[test]
fn fractions_are_carried() {
    let maximum = 10_000 * SMSS;
    let mut cubic = Cubic::new(None);
    let window = cubic.threshold_after_loss(maximum, maximum);
    cubic.begin_epoch(Instant::ZERO, window, SMSS);
    let epoch = cubic.epoch.as_mut().unwrap();
    for _ in 0..7000 {
        epoch.grow_estimate(window, SMSS, SMSS, maximum);
    }
    assert_eq!(epoch.estimate - window, SMSS * 9 / 17);

    // Near the plateau, one round trip ahead of it by little: the growth of a round is the distance to the target.
    let k = k_micros(maximum - window, SMSS);
    let now = Instant::ZERO + Duration::from_micros(k);
    let rtt = Duration::from_millis(200);
    let near = maximum - SMSS / 2;
    let grown: u64 = (0..10_000).map(|_| cubic.growth(now, near, SMSS, SMSS as u32, rtt)).sum();
    let distance = w_cubic(k + 200_000, k, maximum, SMSS) - near;
    assert!(grown.abs_diff(distance) <= 1, "{grown} of {distance}");
}

// RFC 9438 §4.8.
#[test]
fn after_a_timeout_the_epoch_is_its_own_plateau() {
    let mut cubic = Cubic::new(None);
    cubic.threshold_after_loss(100 * SMSS, 100 * SMSS);
    cubic.on_timeout();
    cubic.growth(Instant::ZERO, 70 * SMSS, SMSS, SMSS as u32, Duration::from_millis(100));
    assert_eq!(cubic.maximum, 70 * SMSS);
    assert_eq!(cubic.epoch.as_ref().unwrap().plateau_after, 0);
}

// RFC 9438 §5.8: time in which the window was not used does not count.
#[test]
fn a_pause_stops_the_clock() {
    let rtt = Duration::from_millis(100);
    let begin = |cubic: &mut Cubic| {
        let window = cubic.threshold_after_loss(1000 * SMSS, 1000 * SMSS);
        cubic.growth(Instant::ZERO, window, SMSS, SMSS as u32, rtt);
        window
    };
    let (mut steady, mut paused) = (Cubic::new(None), Cubic::new(None));
    let window = begin(&mut steady);
    begin(&mut paused);
    let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
    paused.set_paused(at(1), true);
    paused.set_paused(at(61), false);
    assert_eq!(
        paused.growth(at(62), window, SMSS, SMSS as u32, rtt),
        steady.growth(at(2), window, SMSS, SMSS as u32, rtt),
    );
}

proptest! {
    #[test]
    fn cube_root_is_exact(value: u128) {
        let root = u128::from(cube_root(value));
        prop_assert!(root.pow(3) <= value);
        prop_assert!((root + 1).checked_pow(3).is_none_or(|above| above > value));
    }

    // The growth of one ACK is at most half of what it acknowledges, by the clamp of the target (§4.2), unless Reno's
    // estimate is ahead.
    #[test]
    fn growth_is_bounded(
        maximum in 2u64..100_000, seconds in 0u64..100_000, rtt in 1u64..10_000, acked in 1u64..64,
    ) {
        let mut cubic = Cubic::new(None);
        let window = cubic.threshold_after_loss(maximum * SMSS, maximum * SMSS).max(2 * SMSS);
        let rtt = Duration::from_millis(rtt);
        cubic.growth(Instant::ZERO, window, SMSS, SMSS as u32, rtt);
        let now = Instant::ZERO + Duration::from_secs(seconds);
        let growth = cubic.growth(now, window, acked * SMSS, SMSS as u32, rtt);
        prop_assert!(growth <= acked.min(window / SMSS) * SMSS / 2 + 2 * SMSS);
    }
}

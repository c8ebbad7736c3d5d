use super::*;
use crate::syntax::tree::Position;

fn rules(dialect: Dialect, profile: Profile, options: &[(&str, &str)]) -> Result<Rules, String> {
    let options = options
        .iter()
        .map(|&(name, value)| ScriptOption {
            at: Position::default(),
            name: name.into(),
            value: value.into(),
        })
        .collect();
    let script = Script { options, dialect, ..Script::default() };
    Rules::of(&script, &Settings::default(), profile).map_err(|(_, message)| message)
}

#[test]
fn the_share_of_the_gap_is_the_dialects() {
    let of = |dialect, profile| {
        rules(dialect, profile, &[]).unwrap().tolerance.over(Duration::from_secs(1)).as_nanos() / 1_000
    };
    assert_eq!(of(Dialect::Google, Profile::Linux), 125_000);
    assert_eq!(of(Dialect::Google, Profile::Freebsd), 125_000);
    assert_eq!(of(Dialect::Nplab, Profile::Freebsd), 50_000);
    assert_eq!(of(Dialect::Nplab, Profile::Linux), 125_000);
}

#[test]
fn the_larger_of_both_tolerances_counts() {
    let options = [("tolerance_usecs", "75000"), ("tolerance_percent", "12.5")];
    let tolerance = rules(Dialect::Nplab, Profile::Freebsd, &options).unwrap().tolerance;
    assert_eq!(tolerance.over(Duration::from_millis(100)), Duration::from_millis(75));
    assert_eq!(tolerance.over(Duration::from_secs(8)), Duration::from_secs(1));
}

#[test]
fn unknown_options_and_what_is_not_spoken_are_named() {
    let refused = [
        ("tcp_md5_secret", "x"),
        ("udp_encapsulation", "tcp"),
        ("wire_client", ""),
        ("dry_run", ""),
        ("non_fatal", "all"),
        ("tolerance_percent", "1.23456"),
        ("strict_segments", "perhaps"),
    ];
    for option in refused {
        assert!(rules(Dialect::Google, Profile::Linux, &[option]).is_err(), "{option:?}");
    }
    for name in NETWORK.iter().chain(&INERT).filter(|name| **name != "dry_run") {
        assert!(rules(Dialect::Google, Profile::Linux, &[(name, "1")]).is_ok(), "{name}");
    }
}

#[test]
fn a_time_is_allowed_within_its_tolerance_to_the_nanosecond() {
    let at = |nanos| Instant::ZERO + Duration::from_nanos(nanos);
    let due = Due { from: at(10_000), to: at(20_000), tolerance: Some(Duration::from_nanos(500)) };
    for (nanos, allowed) in [(9_499, false), (9_500, true), (20_500, true), (20_501, false)] {
        assert_eq!(due.allows(at(nanos)), allowed, "{nanos}");
    }
    assert!(Due { tolerance: None, ..due }.allows(at(0)));
    assert_eq!(due.to_string(), "0.000010~0.000020 (give or take 0.000000500)");
}

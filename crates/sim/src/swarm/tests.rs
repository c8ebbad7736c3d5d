//! Draws of a swarm: their distribution, their independence, and that they can be repeated by plain flags.

use super::*;
use crate::experiment::parse;
use crate::plan::Experiment;

fn file(vary: &str, omit: &str) -> String {
    format!(
        r#"{{ "name": "swarm",
          "hosts": {{ "client": {{}}, "server": {{}} }},
          "links": [ {{ "name": "wire", "between": ["client", "server"], "rate": "10Mbit", "delay": "20ms" }} ],
          "apps": [ {{ "name": "flow", "on": "client", "bulk": {{ "to": "server:80", "size": "10KiB" }} }},
                    {{ "name": "other", "on": "client", "bulk": {{ "to": "server:81", "size": "10KiB" }} }} ],
          "faults": [ {{ "name": "late copy", "on": "wire", "match": {{ "nth": 3 }}, "do": {{ "duplicate": {{ "delay": "1s" }} }} }} ],
          "swarm": {{ "vary": {{ {vary} }}, "omit": [{omit}] }} }}"#
    )
}

fn experiment(text: &str, overrides: &Overrides) -> Experiment {
    parse(text, "swarm.json", overrides).unwrap_or_else(|error| panic!("{error}"))
}

fn swarm(vary: &str, omit: &str) -> Swarm {
    experiment(&file(vary, omit), &Overrides::default()).swarm
}

fn drawn(swarm: &Swarm, path: &str, seed: u64) -> Option<String> {
    let overrides = swarm.draw(&Overrides::default(), seed);
    overrides.set.iter().find_map(|set| set.strip_prefix(path)?.strip_prefix('=').map(str::to_owned))
}

#[test]
fn half_of_the_seeds_keep_the_files_own_value() {
    let swarm = swarm(r#""links.wire.loss": {"min": "0.1%", "max": "10%"}"#, r#""late copy""#);
    let changed = (0..4_000).filter(|&seed| drawn(&swarm, "links.wire.loss", seed).is_some()).count();
    let left_out = (0..4_000).filter(|&seed| !swarm.draw(&Overrides::default(), seed).without.is_empty());
    // Four standard deviations of 4,000 fair coins are 126.
    assert!(changed.abs_diff(2_000) < 127, "{changed} of 4,000 changed");
    assert!(left_out.count().abs_diff(2_000) < 127);
}

#[test]
fn a_range_is_even_in_the_logarithm_and_has_two_digits() {
    let swarm = swarm(r#""links.wire.loss": {"min": "0.1%", "max": "10%"}"#, "");
    let values: Vec<f64> = (0..8_000)
        .filter_map(|seed| drawn(&swarm, "links.wire.loss", seed))
        .map(|value| value.strip_suffix('%').unwrap().parse().unwrap())
        .collect();
    assert!(values.iter().all(|value| (0.1..=10.0).contains(value)));
    let below_one = values.iter().filter(|value| **value < 1.0).count() as f64 / values.len() as f64;
    // 1 % is the middle in the logarithm; rounding moves 0.995 % and above over the border.
    assert!((below_one - 0.5).abs() < 0.035, "{below_one}");
    let digits = |value: &f64| format!("{value:e}").split('e').next().unwrap().replace('.', "").len();
    assert!(values.iter().all(|value| digits(value) <= 2));
    assert!(values.iter().any(|value| *value < 0.11) && values.iter().any(|value| *value > 9.0));
}

#[test]
fn every_sort_of_value_can_be_drawn_and_fits_its_place() {
    let vary = r#""links.wire.delay": {"min": "1ms", "max": "300ms"}, "links.wire.rate": {"min": "56kbit", "max": "1Gbit"},
        "links.wire.queue.limit": {"min": "3p", "max": "200p"}, "links.wire.mtu": {"min": 576, "max": 9000},
        "apps.flow.bulk.size": {"min": "1B", "max": "64KiB"}, "links.wire.reorder": {"min": "0.01%", "max": "50%"},
        "hosts.client.stack": ["linux", "rfc", "freebsd"], "hosts.server.sysctl.tcp_sack": [0, 1],
        "hosts.server.sysctl.tcp_rmem": [[4096, 8192, 8192], [4096, 131072, 6291456]],
        "faults.late copy.do": ["drop", {"delay": "20ms"}], "apps.flow.start": {"min": "1ns", "max": "2h"}"#;
    let text = file(vary, r#""other", "late copy""#);
    let swarm = experiment(&text, &Overrides::default()).swarm;
    let mut stacks = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let overrides = swarm.draw(&Overrides::default(), seed);
        let one = experiment(&text, &overrides);
        assert_eq!(one.cases[0].plan.seed, seed);
        stacks.extend(drawn(&swarm, "hosts.client.stack", seed));
        // The effective experiment has the draws in it and is a file of its own.
        let again = experiment(&one.effective, &Overrides::default());
        assert_eq!(again.digest, one.digest);
    }
    assert_eq!(stacks.into_iter().collect::<Vec<_>>(), ["freebsd", "linux", "rfc"]);
}

#[test]
fn another_entry_moves_no_draw() {
    let few = swarm(r#""links.wire.delay": {"min": "1ms", "max": "300ms"}"#, r#""late copy""#);
    let many = swarm(
        r#""hosts.client.stack": ["rfc"], "links.wire.delay": {"min": "1ms", "max": "300ms"}, "links.wire.loss": ["1%"]"#,
        r#""other", "late copy""#,
    );
    for seed in 0..200 {
        assert_eq!(drawn(&few, "links.wire.delay", seed), drawn(&many, "links.wire.delay", seed));
        let leaves_out =
            |swarm: &Swarm| swarm.draw(&Overrides::default(), seed).without.contains(&"late copy".to_owned());
        assert_eq!(leaves_out(&few), leaves_out(&many));
    }
}

#[test]
fn two_paths_are_independent() {
    let swarm = swarm(r#""links.wire.delay": ["1ms"], "links.wire.loss": ["1%"]"#, "");
    let both = (0..4_000)
        .filter(|&seed| {
            drawn(&swarm, "links.wire.delay", seed).is_some()
                && drawn(&swarm, "links.wire.loss", seed).is_some()
        })
        .count();
    assert!(both.abs_diff(1_000) < 110, "{both} of 4,000 changed both");
}

#[test]
fn what_the_command_line_says_is_not_drawn() {
    let swarm =
        swarm(r#""hosts.client.stack": ["rfc"], "links.wire.queue.limit": ["10p"]"#, r#""late copy""#);
    let base = Overrides {
        set: vec!["hosts.client.stack=freebsd".into(), "links.wire.queue={\"limit\": \"5p\"}".into()],
        without: vec!["late copy".into()],
        ..Overrides::default()
    };
    for seed in 0..20 {
        assert_eq!(swarm.draw(&base, seed), Overrides { seed: Some(seed), ..base.clone() });
    }
}

#[test]
fn flags_can_change_the_swarm_itself_and_the_rest_of_the_file_under_it() {
    let text = file(r#""links.wire.loss.p": {"min": "1%", "max": "2%"}"#, r#""other""#)
        .replace(r#""delay": "20ms""#, r#""loss": {"model": "gemodel", "p": "1%"}"#);
    let set = |set: &str| Overrides {
        set: vec![set.into()],
        without: vec!["other".into()],
        ..Overrides::default()
    };
    let base = set("links.wire.loss=3%");
    let swarm = experiment(&text, &base).swarm;
    assert!((0..20).all(|seed| swarm.draw(&base, seed).set == base.set));
    let swarm = experiment(&text, &set(r#"swarm.vary={"links.wire.mtu": [576]}"#)).swarm;
    assert!((0..20).any(|seed| drawn(&swarm, "links.wire.mtu", seed).as_deref() == Some("576")));
}

#[test]
fn draws_have_fixed_values() {
    // A change of these moves what every seed of every user's swarm means.
    let swarm = swarm(r#""links.wire.delay": {"min": "1ms", "max": "300ms"}"#, "");
    let draws: Vec<_> =
        (0..6).map(|seed| drawn(&swarm, "links.wire.delay", seed).unwrap_or_default()).collect();
    assert_eq!(draws, EXPECTED);
}

const EXPECTED: [&str; 6] = ["140ms", "17ms", "82ms", "", "1.8ms", ""];

#[test]
fn two_digits_are_rounded() {
    for (steps, rounded) in
        [(0, 0), (7, 7), (99, 99), (104, 100), (105, 110), (994, 990), (995, 1_000), (12_345, 12_000)]
    {
        assert_eq!(two_digits(steps), rounded);
    }
    assert_eq!(two_digits(u64::MAX), 18_000_000_000_000_000_000);
}

#[test]
fn mistakes_are_told_with_their_place() {
    let message = |vary: &str, omit: &str| {
        let error = parse(file(vary, omit), "swarm.json", &Overrides::default()).unwrap_err();
        error.to_string().split_once(": ").unwrap().1.to_owned()
    };
    let cases = [
        (r#""links.wier.delay": ["1ms"]"#, "", "swarm.vary.links.wier.delay.0: links has no"),
        (r#""links.wire.delay": ["fast"]"#, "", "is not a time"),
        (r#""hosts.client.stack": ["linux", "windows"]"#, "", "unknown word \"windows\""),
        (r#""links.wire.delay": {"min": "3ms", "max": "1ms"}"#, "", "min is greater than max"),
        (r#""links.wire.loss": {"min": "0%", "max": "1%"}"#, "", "starts above zero"),
        (r#""links.wire.loss": {"min": "1%"}"#, "", "the key \"max\" is missing"),
        (r#""links.wire.loss": {"min": "1%", "max": "2%", "step": "1%"}"#, "", "unknown key \"step\""),
        (r#""links.wire.loss": []"#, "", "a list of at least one value, found"),
        (r#""links.wire.loss": "1%""#, "", "expected {\"min\": ..., \"max\": ...} or a list"),
        (r#""hosts.client.stack": {"min": "linux", "max": "rfc"}"#, "", "write a list for anything else"),
        (
            r#""links.wire.queue": [{"limit": "9p"}], "links.wire.queue.limit": ["3p"]"#,
            "",
            "which varies as a whole",
        ),
        ("", r#""late cpoy""#, "did you mean \"late copy\"?"),
        ("", r#""other", "other""#, "this stands here twice"),
    ];
    for (vary, omit, part) in cases {
        let message = message(vary, omit);
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}

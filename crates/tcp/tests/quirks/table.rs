//! The table of quirks: names, texts, what excludes what.

use std::collections::BTreeSet;

use faultwire_tcp::{Config, Quirk, UnknownQuirk};

#[test]
fn every_quirk_has_a_name_of_its_own_and_says_what_it_does() {
    let names: BTreeSet<&str> = Quirk::ALL.iter().map(|quirk| quirk.as_str()).collect();
    assert_eq!(names.len(), Quirk::ALL.len());
    for quirk in Quirk::ALL {
        assert_eq!(quirk.as_str().parse(), Ok(quirk));
        assert!(quirk.as_str().chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{quirk}");
        assert!(quirk.what().ends_with('.') && quirk.what().len() > 20, "{quirk}");
        assert!(quirk.source().len() > 8, "{quirk}");
    }
    assert_eq!("no_such_bug".parse::<Quirk>(), Err(UnknownQuirk));
    assert!(UnknownQuirk.to_string().contains("no_zero_window_probe"));
}

#[test]
fn every_quirk_changes_every_profile_and_no_profile_has_one() {
    for profile in [Config::rfc(), Config::linux(), Config::freebsd()] {
        for quirk in Quirk::ALL {
            let mut config = profile.clone();
            quirk.apply(&mut config);
            assert_ne!(config, profile, "{quirk} is legal there");
            let once = config.clone();
            quirk.apply(&mut config);
            assert_eq!(config, once, "{quirk} twice");
        }
    }
}

#[test]
fn values_of_one_policy_exclude_each_other() {
    let mut pairs = Vec::new();
    for (index, one) in Quirk::ALL.into_iter().enumerate() {
        assert!(!one.excludes(one), "{one}");
        for other in &Quirk::ALL[index + 1..] {
            assert_eq!(one.excludes(*other), other.excludes(one), "{one} and {other}");
            if one.excludes(*other) {
                pairs.push((one.as_str(), other.as_str()));
            }
        }
    }
    assert_eq!(
        pairs,
        [
            ("no_slow_start_after_timeout", "no_congestion_response"),
            ("no_window_update", "stretch_acks"),
            ("old_duplicate_unanswered", "old_duplicate_reset"),
            ("no_reassembly", "sack_reneging"),
        ]
    );
}

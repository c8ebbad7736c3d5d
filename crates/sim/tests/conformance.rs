//! The laws of conformance hold in every experiment that comes with the project, whatever stacks meet in it.

mod experiments;

use std::collections::BTreeMap;

use faultwire_sim::experiment::{Overrides, load};
use faultwire_sim::record::Silent;
use faultwire_sim::run::{Judging, run_case};

/// Seeds of each case.
const SEEDS: u64 = 1;

/// What is broken in all cases of all experiments, each with these stacks on all of its hosts.
fn broken(stack: Option<&str>) -> BTreeMap<String, Vec<String>> {
    let mut broken: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in experiments::all() {
        let plain = load(&path, &Overrides::default()).unwrap_or_else(|error| panic!("{error}"));
        let hosts: Vec<String> =
            plain.cases[0].plan.hosts.iter().map(|host| host.config.name.to_string()).collect();
        for seed in 0..SEEDS {
            let set = stack.map_or_else(Vec::new, |stack| {
                hosts.iter().map(|host| format!("hosts.{host}.stack={stack}")).collect()
            });
            let overrides = Overrides { set, seed: (seed > 0).then_some(seed), ..Overrides::default() };
            // A sysctl of one stack is none of another's.
            let Ok(experiment) = load(&path, &overrides) else { continue };
            for mut case in experiment.cases {
                experiments::under_all_laws(&mut case);
                let report = run_case(&case, Judging::default(), &mut Silent).report;
                for oracle in report.oracles.iter().filter(|oracle| oracle.result == "broken") {
                    let what = format!(
                        "{}, case {}, seed {seed}, {stack:?}: {}",
                        experiments::name_of(&path),
                        case.name,
                        oracle.detail.as_deref().unwrap_or_default()
                    );
                    broken.entry(oracle.name.to_string()).or_default().push(what);
                }
            }
        }
    }
    broken
}

fn assert_held(stack: Option<&str>) {
    let broken = broken(stack);
    let shown: Vec<String> = broken
        .iter()
        .map(|(law, cases)| {
            format!("{law}, {} times:\n  {}", cases.len(), cases[..cases.len().min(40)].join("\n  "))
        })
        .collect();
    assert!(broken.is_empty(), "{}", shown.join("\n"));
}

#[test]
fn the_laws_hold_in_every_experiment() {
    assert_held(None);
}

#[test]
fn the_laws_hold_between_linux_hosts() {
    assert_held(Some("linux"));
}

#[test]
fn the_laws_hold_between_hosts_of_the_letter() {
    assert_held(Some("rfc"));
}

#[test]
fn the_laws_hold_between_freebsd_hosts() {
    assert_held(Some("freebsd"));
}

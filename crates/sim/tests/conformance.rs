//! The laws of conformance hold in every experiment that comes with the project, whatever stacks meet in it.

mod experiments;

use std::collections::BTreeMap;

use faultwire_sim::experiment::{Overrides, load, parse};
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

/// A pair of hosts, one of them with an old bug, and what passes between them.
struct Bug {
    law: &'static str,
    quirk: &'static str,
    /// Who has the bug, and which stack both have.
    host: &'static str,
    stack: &'static str,
    server: &'static str,
    client: &'static str,
    /// More keys of the experiment.
    rest: &'static str,
}

/// Laws, each with something that breaks it.
const BUGS: [Bug; 9] = [
    Bug {
        law: "timers",
        quirk: "no_retransmission_back_off",
        host: "client",
        stack: "linux",
        server: r#"{ "read": "eof" }"#,
        client: r#"{ "write": "200KiB" }"#,
        rest: r#""faults": [ { "name": "cut", "on": "wire", "at": "150ms", "until": "20s", "do": "cut" } ]"#,
    },
    Bug {
        law: "acknowledgments",
        quirk: "stretch_acks",
        host: "server",
        stack: "rfc",
        server: r#"{ "read": "eof" }"#,
        client: r#"{ "write": "200KiB" }"#,
        rest: r#""faults": []"#,
    },
    Bug {
        law: "congestion",
        quirk: "no_initial_slow_start",
        host: "client",
        stack: "rfc",
        server: r#"{ "read": "eof" }"#,
        client: r#"{ "write": "200KiB" }"#,
        rest: r#""faults": []"#,
    },
    Bug {
        law: "congestion",
        quirk: "no_slow_start_after_timeout",
        host: "client",
        stack: "linux",
        server: r#"{ "read": "eof" }"#,
        client: r#"{ "write": "2MiB" }"#,
        // A soft error long before is no excuse.
        rest: r#""faults": [ { "name": "cut", "on": "wire", "at": "300ms", "until": "2s", "do": "cut" },
            { "name": "told", "at": "150ms", "inject": { "to": "client/c", "icmp": { "error": "host_unreachable" } } } ]"#,
    },
    Bug {
        law: "acceptance",
        quirk: "reset_anywhere_in_window",
        host: "client",
        stack: "linux",
        server: r#"{ "read": "eof" }"#,
        client: r#"{ "write": "100B" }, { "sleep": "5s" }"#,
        rest: r#""faults": [ { "name": "blind", "at": "1s", "inject": { "to": "client/c", "flags": "RST", "seq": "rcv_nxt + 1000" } } ]"#,
    },
    Bug {
        law: "closing",
        quirk: "short_time_wait",
        host: "client",
        stack: "linux",
        server: r#"{ "read": "eof" }, { "close": "s" }"#,
        client: r#"{ "write": "100B" }, { "close": "c" }, { "sleep": "70s" }"#,
        rest: r#""faults": []"#,
    },
    Bug {
        law: "windows",
        quirk: "window_shrunk",
        host: "server",
        stack: "rfc",
        server: r#"{ "sleep": "3s" }, { "read": "eof", "rate": "100kbit" }"#,
        client: r#"{ "write": "200KiB" }"#,
        rest: r#""faults": []"#,
    },
    Bug {
        law: "windows",
        quirk: "no_window_update",
        host: "server",
        stack: "linux",
        server: r#"{ "sleep": "3s" }, { "read": "eof" }"#,
        client: r#"{ "write": "1MiB" }"#,
        rest: r#""faults": []"#,
    },
    Bug {
        law: "timers",
        quirk: "keep_alive_at_next",
        host: "client",
        stack: "linux",
        server: r#"{ "read": "eof" }"#,
        client: r#"{ "setsockopt": { "SO_KEEPALIVE": 1 } }, { "setsockopt": { "TCP_KEEPIDLE": 10 } }, { "sleep": "15s" }"#,
        rest: r#""faults": []"#,
    },
];

/// How the law of a bug fares, with the bug or without.
fn fares(bug: &Bug, with: bool) -> (&'static str, String) {
    fares_set(bug, with, Vec::new())
}

/// The same with some values set.
fn fares_set(bug: &Bug, with: bool, set: Vec<String>) -> (&'static str, String) {
    let quirks = |host: &str| {
        if with && host == bug.host { format!(r#", "quirks": ["{}"]"#, bug.quirk) } else { String::new() }
    };
    let text = format!(
        r#"{{ "name": "bug", "description": "d", "seed": 1, "stop": {{ "at": "10min" }},
  "hosts": {{ "client": {{ "stack": "{stack}"{client_quirks} }}, "server": {{ "stack": "{stack}"{server_quirks} }} }},
  "links": [ {{ "name": "wire", "between": ["client", "server"], "rate": "50Mbit", "delay": "30ms" }} ],
  "apps": [
    {{ "name": "S", "on": "server", "listen": 80, "may_be_unfinished": true, "run": [ {{ "accept": "s" }}, {server} ] }},
    {{ "name": "C", "on": "client", "may_be_unfinished": true, "run": [ {{ "connect": "server:80", "as": "c" }}, {client} ] }} ],
  {rest} }}"#,
        stack = bug.stack,
        client_quirks = quirks("client"),
        server_quirks = quirks("server"),
        server = bug.server,
        client = bug.client,
        rest = bug.rest,
    );
    let mut experiment = parse(text.clone(), "bug", &Overrides { set, ..Overrides::default() })
        .unwrap_or_else(|error| panic!("{error}\n{text}"));
    experiments::under_all_laws(&mut experiment.cases[0]);
    let report = run_case(&experiment.cases[0], Judging::default(), &mut Silent).report;
    let oracle = report.oracles.iter().find(|oracle| oracle.name == bug.law).expect("it was asked for");
    (oracle.result, oracle.detail.clone().unwrap_or_default())
}

#[test]
fn a_bug_breaks_its_law_which_holds_without_it() {
    let mut wrong = Vec::new();
    for bug in &BUGS {
        let (with, without) = (fares(bug, true), fares(bug, false));
        println!("{} under {}: {}", bug.law, bug.quirk, with.1);
        if with.0 != "broken" || without.0 != "held" {
            wrong.push(format!("{} under {}: {with:?}, and without: {without:?}", bug.law, bug.quirk));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// RFC 1191 §6.3: what is too big goes on being sent.
#[test]
fn a_host_that_ignores_how_big_a_packet_may_be_breaks_the_law_of_retransmissions() {
    let path = experiments::hunts().into_iter().find(|path| experiments::name_of(path) == "path");
    let result = |quirks: &[&str]| {
        let set = quirks.iter().map(|quirk| format!("hosts.client.quirks={quirk}")).collect();
        let overrides = Overrides { set, ..Overrides::default() };
        let experiment =
            load(path.as_ref().expect("the hunt"), &overrides).unwrap_or_else(|error| panic!("{error}"));
        let report = run_case(&experiment.cases[0], Judging::default(), &mut Silent).report;
        report
            .oracles
            .iter()
            .find(|oracle| oracle.name == "retransmissions")
            .expect("it was asked for")
            .result
    };
    assert_eq!((result(&[]), result(&["packet_too_big_ignored"])), ("held", "broken"));
}

/// A host that may reuse TIME-WAIT for connections of its own has to keep it all the same (RFC 9293 §3.6.1).
#[test]
fn a_short_time_wait_breaks_the_law_of_closing_with_tw_reuse_as_well() {
    let bug = BUGS.iter().find(|bug| bug.quirk == "short_time_wait").expect("it is there");
    let set = vec!["hosts.client.sysctl.tcp_tw_reuse=1".to_owned()];
    let results = [true, false].map(|with| fares_set(bug, with, set.clone()).0);
    assert_eq!(results, ["broken", "held"]);
}

//! Every end of every connection that the experiments of this project name becomes a script that passes to the nanosecond, or
//! there is a known reason why not.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use faultwire_script::export::{Recorder, exports};
use faultwire_sim::experiment::{Overrides, load, parse};
use faultwire_sim::run::{Judging, run_case};

use support::on_all_threads;

fn configs() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
    let mut files = Vec::new();
    for folder in [root.clone(), root.join("scenarios")] {
        let entries = fs::read_dir(folder).expect("a readable folder");
        files.extend(entries.map(|entry| entry.expect("a readable entry").path()).filter(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            name.ends_with(".json") && !name.ends_with(".schema.json")
        }));
    }
    files.sort();
    files
}

/// What was refused in one experiment, and how many scripts it gave.
#[derive(Default)]
struct Outcome {
    written: usize,
    refused: Vec<(String, String)>,
}

fn exported(path: &Path) -> Outcome {
    let experiment = load(path, &Overrides::default()).unwrap_or_else(|error| panic!("{error}"));
    let mut outcome = Outcome::default();
    for case in &experiment.cases {
        let mut recorder = Recorder::new(&case.plan);
        run_case(case, Judging::default(), &mut recorder);
        let (ends, _) = exports(&case.plan, &recorder, &experiment.name);
        for end in ends {
            match end.script {
                Ok(_) => outcome.written += 1,
                Err(why) => {
                    outcome.refused.push((format!("{} {} {}", experiment.name, case.name, end.name), why))
                }
            }
        }
    }
    outcome
}

/// What keeps a connection from being a script, as the reasons say it.
const REASONS: [&str; 6] = [
    "its host crashes, restarts or pauses meanwhile",
    "its host has a TIME-WAIT of its own length",
    "packets reach it at the same nanosecond",
    "an app writes more at once than Linux takes before it transmits",
    "its Fast Open cookies are made by a key of this run",
    "a timer is due at the nanosecond at which a packet arrives",
];

#[test]
fn every_experiment_gives_scripts_that_pass() {
    let configs = configs();
    let outcomes = on_all_threads(&configs, |path| exported(path));
    let written: usize = outcomes.iter().map(|outcome| outcome.written).sum();
    let refused: Vec<_> = outcomes.iter().flat_map(|outcome| &outcome.refused).collect();
    println!("{written} written, {} refused", refused.len());
    assert!(written > 800 && refused.len() * 3 < written, "{refused:#?}");
    let unexplained = refused.iter().filter(|(_, why)| !REASONS.iter().any(|reason| why.starts_with(reason)));
    let unexplained: Vec<_> = unexplained.collect();
    assert!(unexplained.is_empty(), "{unexplained:#?}");
}

/// What a kernel's tool needs stands at the head, and what the experiment sets.
#[test]
fn the_head_has_addresses_stack_and_settings() {
    let text = r#"{ "name": "x", "description": "Settings.",
        "hosts": { "a": { "stack": "freebsd", "address": "10.1.0.1", "sysctl": { "net.inet.tcp.ecn.enable": 0 } },
                   "b": { "address": "10.1.0.2", "sysctl": { "tcp_rmem": [4096, 20000, 40000], "somaxconn": 7 } } },
        "links": [ { "name": "w", "between": ["a", "b"], "delay": "5ms", "rate": "10Mbit", "mtu": 1000 } ],
        "apps": [
          { "name": "B", "on": "b", "listen": 80, "run": [ { "accept": "c" }, { "read": "eof" }, { "abort": "c" } ] },
          { "name": "A", "on": "a", "run": [ { "connect": "b:80", "as": "c" },
            { "setsockopt": { "TCP_NODELAY": 1 } }, { "write": "10B" }, { "shutdown": "write" },
            { "read": "eof", "fails": "ECONNRESET" }, { "close": "c" } ] } ] }"#;
    let experiment =
        parse(text.as_bytes(), "x", &Overrides::default()).unwrap_or_else(|error| panic!("{error}"));
    let case = &experiment.cases[0];
    let mut recorder = Recorder::new(&case.plan);
    run_case(case, Judging::default(), &mut recorder);
    let (ends, more) = exports(&case.plan, &recorder, "settings");
    assert_eq!(more, 0);
    let script = |name: &str| {
        let end = ends.iter().find(|end| end.name == name).expect("an end of that name");
        end.script.clone().unwrap_or_else(|why| panic!("{name}: {why}"))
    };
    let (client, server) = (script("a/c"), script("b/c"));
    for part in [
        "// a/c of settings: what this end sees and does.\n// profile: freebsd\n",
        "--ip_version=ipv4\n--local_ip=10.1.0.1\n--remote_ip=10.1.0.2\n--gateway_ip=10.1.0.254\n",
        "--mtu=1000\n`sysctl -q net.inet.tcp.ecn.enable=0`\n\n0.000 socket(",
        "0.000 connect(3, ..., ...) = -1 EINPROGRESS\n0.000 > S 0:0(0) win 65535 <mss 960,",
        "setsockopt(3, IPPROTO_TCP, TCP_NODELAY, [1], 4) = 0\n",
        "read(3, ..., 1048576) = -1 ECONNRESET\n",
    ] {
        assert!(client.contains(part), "{part:?} in:\n{client}");
    }
    for part in [
        "// profile: linux\n",
        "`sysctl -q net.core.somaxconn=7 net.ipv4.tcp_rmem=\"4096 20000 40000\"`\n",
        " > S. 0:0(0) ack 1 win 9480 <mss 960,sackOK,TS val 100 ecr ",
        "accept(3, ..., ...) = 4\n",
        "setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0\n",
        " > R. ",
    ] {
        assert!(server.contains(part), "{part:?} in:\n{server}");
    }
}

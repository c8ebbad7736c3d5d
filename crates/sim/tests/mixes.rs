//! Two of our endpoints under random mixes of faults: every byte arrives once and in order, every connection reaches
//! its final state, none is stuck. Every pair of profiles with every pair of congestion controls.

use std::fmt::Write as _;

use faultwire_base::{SeedTree, Stream};
use faultwire_sim::experiment::{Overrides, parse};
use faultwire_sim::record::Silent;
use faultwire_sim::report::{CaseReport, Outcome};
use faultwire_sim::run::{Judging, run_case};

const PROFILES: [&str; 3] = ["rfc", "linux", "freebsd"];
const CONTROLS: [&str; 2] = ["reno", "cubic"];

/// Mixes for each of the pairs.
const MIXES: u64 = 1_000;

#[test]
fn every_pair_of_profiles_and_controls_survives_every_mix() {
    let mut failures = Vec::new();
    let (mut runs, mut retransmissions, mut timeouts) = (0_u64, 0, 0);
    for pair in pairs() {
        for mix in 0..MIXES {
            let text = experiment(&pair, mix);
            let experiment = parse(text.clone(), "mix", &Overrides::default())
                .unwrap_or_else(|error| panic!("{error}\n{text}"));
            let report = run_case(&experiment.cases[0], Judging::default(), &mut Silent).report;
            runs += 1;
            retransmissions += report.connections.iter().map(|one| one.retransmissions).sum::<u64>();
            timeouts += report.connections.iter().map(|one| one.timeouts).sum::<u64>();
            if let Some(problem) = problem(&report) {
                failures.push(format!("mix {mix} of {pair:?}: {problem}\n{text}"));
            }
        }
    }
    let shown = failures.iter().take(5).map(String::as_str).collect::<Vec<_>>().join("\n\n");
    assert!(failures.is_empty(), "{} of {runs} runs failed:\n{shown}", failures.len());
    // A test without faults would hold as well.
    assert!(retransmissions > 3 * runs, "{retransmissions} retransmissions in {runs} runs");
    assert!(timeouts > runs / 4, "{timeouts} timeouts in {runs} runs");
}

/// What is wrong with a run, if anything is.
fn problem(report: &CaseReport) -> Option<String> {
    if report.outcome != Outcome::Passed {
        return Some(format!("{:?}", report.failures));
    }
    for oracle in &report.oracles {
        if oracle.result != "held" {
            return Some(format!("{} is {}: {:?}", oracle.name, oracle.result, oracle.detail));
        }
    }
    for connection in &report.connections {
        if !["CLOSED", "TIME_WAIT", "LISTEN"].contains(&connection.final_state) {
            return Some(format!("{} ends in {}", connection.name, connection.final_state));
        }
    }
    None
}

/// Profile and congestion control of both ends.
#[derive(Clone, Copy, Debug)]
struct Pair {
    stacks: [&'static str; 2],
    controls: [&'static str; 2],
}

fn pairs() -> Vec<Pair> {
    let both = |words: &[&'static str]| -> Vec<[&'static str; 2]> {
        words.iter().flat_map(|a| words.iter().map(|b| [*a, *b])).collect()
    };
    both(&PROFILES)
        .into_iter()
        .flat_map(|stacks| both(&CONTROLS).into_iter().map(move |controls| Pair { stacks, controls }))
        .collect()
}

/// The experiment of one mix. Timeouts that end a connection are out of the way: what has to hold is that it goes on
/// as long as the path lets a packet through now and then.
fn experiment(pair: &Pair, mix: u64) -> String {
    let mut draw = SeedTree::new(mix).stream("mixes", &format!("{pair:?}"));
    let draw = &mut draw;
    let hosts: Vec<String> =
        ["client", "server"].iter().enumerate().map(|(at, name)| host(draw, pair, at, name)).collect();
    let (up, down) = (size(draw), size(draw));
    let faults = faults(draw);
    format!(
        r#"{{ "name": "mix", "description": "d", "seed": {mix}, "stop": {{ "at": "40h" }},
  "hosts": {{ {hosts} }},
  "links": [ {link} ],
  "apps": [ {apps} ],
  "faults": [ {faults} ],
  "expect": [
    {{ "name": "up", "at": "server/s", "delivered": "{up}B" }},
    {{ "name": "down", "at": "client/c", "delivered": "{down}B" }} ] }}"#,
        hosts = hosts.join(", "),
        link = link(draw),
        apps = apps(draw, up, down),
    )
}

fn host(draw: &mut Stream, pair: &Pair, at: usize, name: &str) -> String {
    let mut sysctl = format!(
        r#""tcp_congestion_control": "{}", "tcp_retries2": 200, "tcp_orphan_retries": 200, "tcp_syn_retries": 120, "tcp_synack_retries": 200, "tcp_fin_timeout": 100000"#,
        pair.controls[at]
    );
    if pair.stacks[at] == "freebsd" {
        sysctl.push_str(r#", "net.inet.tcp.keepinit": 30000000"#);
    }
    for (name, probability) in [("tcp_sack", 30), ("tcp_timestamps", 30), ("tcp_window_scaling", 20)] {
        if per_cent(draw, probability) {
            write!(sysctl, r#", "{name}": 0"#).expect("a string takes everything");
        }
    }
    if per_cent(draw, 25) {
        let octets = 2_000 + draw.below(60_000);
        write!(sysctl, r#", "tcp_rmem": [1024, {octets}, {octets}]"#).expect("a string takes everything");
    }
    format!(r#""{name}": {{ "stack": "{}", "sysctl": {{ {sysctl} }} }}"#, pair.stacks[at])
}

fn link(draw: &mut Stream) -> String {
    let mut link = format!(
        r#"{{ "name": "wire", "between": ["client", "server"], "delay": "{}us", "rate": "{}kbit", "mtu": {}"#,
        100 + draw.below(100_000),
        200 + draw.below(50_000),
        [1_500, 1_500, 1_500, 576, 9_000][draw.below(5) as usize],
    );
    let mut add = |text: String| link.push_str(&format!(", {text}"));
    match draw.below(4) {
        0 => {}
        1 => add(format!(r#""loss": "{}%""#, draw.below(31))),
        2 => add(format!(
            r#""loss": {{ "model": "gemodel", "p": "{}%", "r": "{}%" }}"#,
            1 + draw.below(8),
            20 + draw.below(80)
        )),
        _ => add(format!(r#""loss": "{}%""#, 1 + draw.below(5))),
    }
    if per_cent(draw, 50) {
        add(format!(r#""duplicate": "{}%""#, 1 + draw.below(30)));
    }
    if per_cent(draw, 40) {
        add(format!(r#""corrupt": "{}%""#, 1 + draw.below(10)));
    }
    if per_cent(draw, 50) {
        add(format!(r#""reorder": "{}%""#, 1 + draw.below(40)));
    }
    if per_cent(draw, 40) {
        add(format!(r#""jitter": "{}us", "jitter_reorders": true"#, 1 + draw.below(100)));
    }
    add(format!(r#""queue": {{ "limit": "{}p" }}"#, 4 + draw.below(200)));
    link + " }"
}

/// Who writes and closes first, and whether the reader dawdles.
fn apps(draw: &mut Stream, up: u64, down: u64) -> String {
    let pause = if per_cent(draw, 30) {
        format!(r#"{{ "sleep": "{}ms" }},"#, draw.below(20_000))
    } else {
        String::new()
    };
    let write =
        |octets: u64| if octets > 0 { format!(r#"{{ "write": "{octets}B" }},"#) } else { String::new() };
    let first = r#"{ "shutdown": "write" }, { "read": "eof" }"#;
    let second = r#"{ "read": "eof" }"#;
    let (client, server) = if per_cent(draw, 50) {
        // The client's half is over first, then the server answers.
        (format!("{} {first},", write(up)), format!("{second}, {}", write(down)))
    } else {
        (format!("{second}, {}", write(up)), format!("{} {first},", write(down)))
    };
    format!(
        r#"{{ "name": "S", "on": "server", "listen": 80, "run": [ {{ "accept": "s" }}, {pause} {server} {{ "close": "s" }} ] }},
    {{ "name": "C", "on": "client", "run": [ {{ "connect": "server:80", "as": "c" }}, {client} {{ "close": "c" }} ] }}"#
    )
}

/// Up to three partitions that heal, in both directions or one.
fn faults(draw: &mut Stream) -> String {
    let mut faults = Vec::new();
    let mut at = 0;
    for number in 0..draw.below(4) {
        at += draw.below(5_000);
        let until = at + 1 + draw.below(30_000);
        let towards = ["", r#""towards": "client", "#, r#""towards": "server", "#][draw.below(3) as usize];
        let travelling = ["keep", "drop"][draw.below(2) as usize];
        faults.push(format!(
            r#"{{ "name": "cut {number}", "on": "wire", {towards}"at": "{at}ms", "until": "{until}ms", "do": "cut", "in_flight": "{travelling}" }}"#
        ));
        at = until;
    }
    faults.join(", ")
}

fn size(draw: &mut Stream) -> u64 {
    match draw.below(4) {
        0 => 1 + draw.below(100),
        1 => 1 + draw.below(5_000),
        _ => 1 + draw.below(60_000),
    }
}

fn per_cent(draw: &mut Stream, probability: u64) -> bool {
    draw.below(100) < probability
}

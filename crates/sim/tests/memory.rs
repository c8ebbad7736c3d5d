//! Memory: no allocation for each packet in steady state, and what an idle connection costs.
//!
//! Allocations are counted on the thread of the test; the counting allocator is the crate `allocation-counter`.

use std::sync::Arc;

use allocation_counter::measure;
use faultwire_base::{Duration, Instant};
use faultwire_sim::experiment::{Overrides, parse};
use faultwire_sim::plan::{Plan, Step, StepPlan};
use faultwire_sim::record::{Event, Record, Silent, Sink};
use faultwire_sim::world::{End, World};

/// Counts packets that were sent.
#[derive(Default)]
struct Packets(u64);

impl Sink for Packets {
    fn record(&mut self, record: &Record<'_>) {
        self.0 += u64::from(matches!(record.event, Event::Sent { .. }));
    }
}

fn plan(text: &str) -> Arc<Plan> {
    let experiment = parse(text, "memory", &Overrides::default()).unwrap_or_else(|error| panic!("{error}"));
    Arc::clone(&experiment.cases[0].plan)
}

/// Allocations during `packets` packets of a run, from `warm` on.
fn allocations(plan: &Arc<Plan>, warm: Duration, packets: u64) -> u64 {
    let mut world = World::new(plan);
    while world.now() < Instant::ZERO + warm {
        assert_eq!(world.step(&mut Silent), None, "the flow goes on");
    }
    let mut seen = Packets::default();
    let counted = measure(|| {
        while seen.0 < packets {
            assert_eq!(world.step(&mut seen), None, "the flow goes on");
        }
    });
    println!("{} allocations, {} octets during {} packets", counted.count_total, counted.bytes_total, seen.0);
    counted.count_total
}

fn bulk(stack: &str, link: &str) -> Arc<Plan> {
    plan(&format!(
        r#"{{ "name": "bulk",
          "hosts": {{
            "a": {{ "stack": "{stack}", "sysctl": {{ "tcp_wmem": [4096, 1000000, 1000000] }} }},
            "b": {{ "stack": "{stack}", "sysctl": {{ "tcp_rmem": [4096, 1000000, 1000000] }} }} }},
          "links": [ {{ "name": "wire", "between": ["a", "b"], "rate": "100Mbit", "delay": "5ms" {link} }} ],
          "apps": [ {{ "name": "flow", "on": "a", "bulk": {{ "to": "b:5001", "size": "1GB" }} }} ] }}"#
    ))
}

#[test]
fn x() {
    for stack in ["linux", "rfc"] {
        for link in [
            "",
            r#", "jitter": "1ms""#,
            r#", "queue": { "type": "droptail", "limit": "50p" }"#,
            r#", "loss": "1%""#,
            r#", "loss": "1%", "duplicate": "1%", "reorder": { "probability": "1%" }"#,
            r#", "corrupt": "1%""#,
        ] {
            println!("{stack} {link}");
            let p = bulk(stack, link);
            allocations(&p, Duration::from_secs(5), 10_000);
            allocations(&p, Duration::from_secs(20), 10_000);
        }
    }
    let p = plan(
        r#"{ "name": "u", "hosts": { "a": {}, "b": {} },
          "links": [ { "name": "wire", "between": ["a", "b"], "rate": "1Gbit", "delay": "10ms", "jitter": "1ms", "loss": "1%" } ],
          "apps": [
            { "name": "sink", "on": "b", "listen": 9, "protocol": "udp", "run": [ { "recv_from": "all", "within": "1h" } ] },
            { "name": "source", "on": "a", "run": [ { "send_to": "b:9", "size": "1000B", "count": 1000000, "interval": "10us", "as": "out" } ] } ] }"#,
    );
    allocations(&p, Duration::from_secs(1), 10_000);
    for n in [1000, 2000, 20_000] {
        let (bytes, ends) = idle(n);
        println!("{n}: {bytes} octets, {ends} ends");
    }
}

/// Heap of a world with `count` idle connections, and how many ends of connections it has.
fn idle(count: u64) -> (i64, usize) {
    let plan = plan(
        r#"{ "name": "idle",
          "hosts": { "a": { "sysctl": { "ip_local_port_range": [1024, 65535] } }, "b": { "sysctl": { "somaxconn": 1000000, "tcp_max_syn_backlog": 1000000 } } },
          "links": [ { "name": "wire", "between": ["a", "b"], "delay": "1ms" } ],
          "apps": [
            { "name": "server", "on": "b", "listen": 80, "run": [ { "accept": "peer" } ] },
            { "name": "client", "on": "a", "run": [ { "connect": "b:80", "as": "peer" } ] } ] }"#,
    );
    let mut plan = Plan::clone(&plan);
    for app in &mut plan.apps {
        let to = app.steps.len() as u32 - 1;
        app.steps.push(StepPlan { step: Step::Repeat { to, times: count }, fails: None });
    }
    let plan = Arc::new(plan);
    let mut world = None;
    let counted = measure(|| {
        let mut idle = World::new(&plan);
        assert_eq!(idle.run(&mut Silent), End::Idle);
        world = Some(idle);
    });
    let world = world.expect("it ran");
    let ends =
        ["a", "b"].iter().filter_map(|name| world.host(name)).map(|host| host.connections().count()).sum();
    (counted.bytes_current, ends)
}

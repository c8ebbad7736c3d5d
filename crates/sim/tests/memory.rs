//! Memory: no allocation for a packet in steady state, and what an idle connection costs.
//!
//! The counting allocator is the crate `allocation-counter`; it counts on the thread that measures only.

use std::sync::Arc;

use allocation_counter::measure;
use faultwire_base::{Duration, Instant};
use faultwire_link::Decision;
use faultwire_sim::experiment::{Overrides, parse};
use faultwire_sim::plan::{Plan, Step, StepPlan};
use faultwire_sim::record::{Event, Record, Silent, Sink};
use faultwire_sim::world::{End, World};

/// Packets over which allocations are counted.
const PACKETS: u64 = 10_000;

/// A flow that loses nothing allocates nothing: with a full window, with jitter, with both ends sending.
#[test]
fn a_flow_allocates_nothing() {
    for stack in ["linux", "rfc"] {
        for (link, direction) in [("", "send"), ("", "both"), (r#", "jitter": "1ms""#, "send")] {
            let counted = count(&bulk(stack, link, direction), Duration::from_secs(5));
            assert_eq!(counted.allocations, 0, "{stack}, {direction}{link}");
            assert_eq!(counted.disturbances, 0, "{stack}, {direction}{link}");
        }
    }
}

/// Datagrams allocate nothing, whatever the link does to them but corruption.
#[test]
fn datagrams_allocate_nothing() {
    let counted = count(
        &plan(
            r#"{ "name": "datagrams", "hosts": { "a": {}, "b": {} },
              "links": [ { "name": "wire", "between": ["a", "b"], "rate": "1Gbit", "delay": "10ms", "jitter": "1ms",
                "loss": "1%", "duplicate": "1%", "reorder": { "probability": "1%" } } ],
              "apps": [
                { "name": "sink", "on": "b", "listen": 9, "protocol": "udp", "run": [ { "recv_from": "all", "within": "1h" } ] },
                { "name": "source", "on": "a", "run": [
                  { "send_to": "b:9", "size": "1000B", "count": 1000000, "interval": "10us", "as": "out" } ] } ] }"#,
        ),
        Duration::from_secs(1),
    );
    assert_eq!(counted.allocations, 0);
    assert!(counted.disturbances > PACKETS / 50);
}

/// What goes wrong may allocate: a hole at the receiver, a scoreboard at the sender, the bytes of a corrupted packet.
/// That is a few times for each disturbance and not for each packet.
#[test]
fn a_disturbance_allocates_a_few_times() {
    for stack in ["linux", "rfc"] {
        for link in [
            r#", "queue": { "type": "droptail", "limit": "50p" }"#,
            r#", "loss": "1%""#,
            r#", "loss": "1%", "duplicate": "1%", "reorder": { "probability": "1%" }"#,
            r#", "corrupt": "1%""#,
        ] {
            let counted = count(&bulk(stack, link, "send"), Duration::from_secs(20));
            assert!(counted.disturbances > 0 || link.contains("queue"), "{stack}{link}: nothing happened");
            assert!(counted.allocations <= 8 * counted.disturbances, "{stack}{link}: {counted:?}");
        }
    }
}

/// Idle connections in one run.
const CONNECTIONS: u64 = 100_000;
/// Most octets of heap for each end of an idle connection: its state on the host, its descriptor, what the run logs.
const OCTETS_MAX: i64 = 2_048;

#[test]
fn an_idle_connection_costs_less_than_2_kib_at_each_end() {
    let (octets, ends) = idle(CONNECTIONS);
    assert_eq!(ends as u64, 2 * CONNECTIONS);
    let each = octets / ends as i64;
    println!("{CONNECTIONS} connections: {octets} octets of heap, {each} for each end");
    assert!(each <= OCTETS_MAX, "{each}");
}

/// What was counted.
#[derive(Debug)]
struct Counted {
    allocations: u64,
    disturbances: u64,
}

/// Runs a world to `warm`, and counts from there over [`PACKETS`] packets.
fn count(plan: &Arc<Plan>, warm: Duration) -> Counted {
    let mut world = World::new(plan);
    while world.now() < Instant::ZERO + warm {
        assert_eq!(world.step(&mut Silent), None, "the flow goes on");
    }
    let mut tally = Tally::default();
    let counted = measure(|| {
        while tally.packets < PACKETS {
            assert_eq!(world.step(&mut tally), None, "the flow goes on");
        }
    });
    let (allocations, disturbances) = (counted.count_total, tally.disturbances);
    println!("{allocations} allocations of {} octets, {tally:?}", counted.bytes_total);
    Counted { allocations, disturbances }
}

/// Counts packets that were sent, and decisions of links that were not to pass them plainly.
#[derive(Debug, Default)]
struct Tally {
    packets: u64,
    disturbances: u64,
}

impl Sink for Tally {
    fn record(&mut self, record: &Record<'_>) {
        match record.event {
            Event::Sent { .. } => self.packets += 1,
            Event::Link { event, .. } if !matches!(event.decision, Decision::Released { .. }) => {
                self.disturbances += 1;
            }
            _ => {}
        }
    }
}

fn plan(text: &str) -> Arc<Plan> {
    let experiment = parse(text, "memory", &Overrides::default()).unwrap_or_else(|error| panic!("{error}"));
    Arc::clone(&experiment.cases[0].plan)
}

/// A long flow; its buffers do not grow while it runs.
fn bulk(stack: &str, link: &str, direction: &str) -> Arc<Plan> {
    let host = format!(
        r#"{{ "stack": "{stack}", "sysctl": {{ "tcp_wmem": [4096, 1000000, 1000000], "tcp_rmem": [4096, 1000000, 1000000] }} }}"#
    );
    plan(&format!(
        r#"{{ "name": "bulk", "hosts": {{ "a": {host}, "b": {host} }},
          "links": [ {{ "name": "wire", "between": ["a", "b"], "rate": "100Mbit", "delay": "5ms"{link} }} ],
          "apps": [ {{ "name": "flow", "on": "a", "bulk": {{ "to": "b:5001", "size": "1GB", "direction": "{direction}" }} }} ] }}"#
    ))
}

/// Octets of heap of a world with `count` established connections on which nothing happens, and their ends.
fn idle(count: u64) -> (i64, usize) {
    const CLIENTS: u64 = 4;
    let clients: Vec<String> = (0..CLIENTS).map(|client| format!("a{client}")).collect();
    let hosts: Vec<String> = clients.iter().map(|name| format!(r#""{name}": {{}}"#)).collect();
    let wire = |name: &String| {
        format!(r#"{{ "name": "wire {name}", "between": ["{name}", "b"], "rate": "1Gbit", "delay": "1ms" }}"#)
    };
    let wires: Vec<String> = clients.iter().map(wire).collect();
    let app = |name: &String| {
        format!(r#"{{ "name": "{name}", "on": "{name}", "run": [ {{ "connect": "b:80", "as": "it" }} ] }}"#)
    };
    let apps: Vec<String> = clients.iter().map(app).collect();
    let mut plan = Plan::clone(&plan(&format!(
        r#"{{ "name": "idle", "hosts": {{ {}, "b": {{}} }}, "links": [ {} ],
          "apps": [ {{ "name": "server", "on": "b", "listen": 80, "run": [ {{ "accept": "it" }} ] }}, {} ] }}"#,
        hosts.join(", "),
        wires.join(", "),
        apps.join(", ")
    )));
    // Each app does its last step again and again; the sockets before stay open without a name.
    for app in &mut plan.apps {
        let to = app.steps.len() as u32 - 1;
        let times = if matches!(app.steps.last(), Some(StepPlan { step: Step::Accept { .. }, .. })) {
            count
        } else {
            count / CLIENTS
        };
        app.steps.push(StepPlan { step: Step::Repeat { to, times }, fails: None });
    }
    let plan = Arc::new(plan);
    let mut world = None;
    let counted = measure(|| {
        let mut running = World::new(&plan);
        assert_eq!(running.run(&mut Silent), End::Idle);
        world = Some(running);
    });
    let world = world.expect("it ran");
    let names = clients.iter().map(String::as_str).chain(["b"]);
    let ends = names.filter_map(|name| world.host(name)).map(|host| host.connections().count()).sum();
    (counted.bytes_current, ends)
}

//! The works that the benchmarks run: the rows of the speed table in the design, as experiments.

use faultwire_sim::experiment::{Overrides, parse};
use faultwire_sim::plan::Experiment;

/// Octets of data in a full segment: MTU 1500 with timestamps.
pub const SEGMENT: u64 = 1_448;

/// Parses a work.
pub fn experiment(text: &str) -> Experiment {
    parse(text, "benchmark", &Overrides::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// One bulk flow: 10 ms each way, a queue of one bandwidth-delay product, CUBIC, SACK and delayed ACKs on.
pub fn bulk(rate: &str, product: &str, size: &str, loss: &str) -> Experiment {
    experiment(&format!(
        r#"{{
  "name": "bulk",
  "description": "One bulk flow.",
  "hosts": {{
    "a": {{ "stack": "linux", "sysctl": {{ "tcp_rmem": [4096, 16777216, 16777216], "tcp_wmem": [4096, 16777216, 16777216] }} }},
    "b": {{ "stack": "linux", "sysctl": {{ "tcp_rmem": [4096, 16777216, 16777216], "tcp_wmem": [4096, 16777216, 16777216] }} }}
  }},
  "links": [ {{ "name": "wire", "between": ["a", "b"], "rate": "{rate}", "delay": "10ms",
    "queue": {{ "type": "droptail", "limit": "{product}" }}{loss} }} ],
  "apps": [ {{ "name": "flow", "on": "a", "bulk": {{ "to": "b:5001", "size": "{size}" }} }} ]
}}"#
    ))
}

/// `flows` bulk flows, each between hosts of its own, through two routers and one bottleneck of 10 Gbit/s.
pub fn dumbbell(flows: usize, size: &str) -> Experiment {
    let mut hosts = Vec::new();
    let mut links = vec![
        r#"{ "name": "bottleneck", "between": ["left", "right"], "rate": "10Gbit", "delay": "5ms", "queue": { "type": "droptail", "limit": "25MB" } }"#.to_string(),
    ];
    let mut apps = Vec::new();
    for flow in 0..flows {
        hosts.push(format!(r#""a{flow}": {{ "stack": "linux" }}, "b{flow}": {{ "stack": "linux" }}"#));
        for (end, router) in [("a", "left"), ("b", "right")] {
            links.push(format!(
                r#"{{ "name": "{end}l{flow}", "between": ["{end}{flow}", "{router}"], "rate": "1Gbit", "delay": "2500us" }}"#
            ));
        }
        apps.push(format!(
            r#"{{ "name": "f{flow}", "on": "a{flow}", "start": "{flow}us", "bulk": {{ "to": "b{flow}:5001", "size": "{size}" }} }}"#
        ));
    }
    experiment(&format!(
        r#"{{ "name": "dumbbell", "description": "Many flows, one bottleneck.", "hosts": {{ {} }}, "routers": {{ "left": {{}}, "right": {{}} }},
  "links": [ {} ], "apps": [ {} ] }}"#,
        hosts.join(", "),
        links.join(", "),
        apps.join(", ")
    ))
}

/// Datagrams over a link with 1 % loss and jitter.
pub fn datagrams(count: u64) -> Experiment {
    experiment(&format!(
        r#"{{
  "name": "datagrams",
  "description": "UDP with loss and jitter.",
  "hosts": {{ "a": {{}}, "b": {{}} }},
  "links": [ {{ "name": "wire", "between": ["a", "b"], "rate": "1Gbit", "delay": "10ms", "jitter": "1ms", "loss": "1%" }} ],
  "apps": [
    {{ "name": "sink", "on": "b", "listen": 9, "protocol": "udp", "run": [ {{ "recv_from": "all", "within": "1h" }} ], "may_be_unfinished": true }},
    {{ "name": "source", "on": "a", "run": [ {{ "send_to": "b:9", "size": "1000B", "count": {count}, "interval": "10us", "as": "out" }} ] }}
  ]
}}"#
    ))
}

/// Connections one after the other: handshake, 1 KiB each way, close.
pub fn churn(connections: u64) -> Experiment {
    experiment(&format!(
        r#"{{
  "name": "churn",
  "description": "Short connections.",
  "hosts": {{ "a": {{ "stack": "linux", "sysctl": {{ "ip_local_port_range": [1024, 65535] }} }}, "b": {{ "stack": "linux" }} }},
  "links": [ {{ "name": "wire", "between": ["a", "b"], "rate": "10Gbit", "delay": "1ms" }} ],
  "apps": [ {{ "name": "churn", "on": "a", "churn": {{ "to": "b:80", "connections": {connections}, "parallel": 100 }} }} ]
}}"#
    ))
}

/// A whole experiment of three packets.
pub const THREE_PACKETS: &str = r#"{
  "name": "three-packets",
  "description": "A datagram there, one back, one more.",
  "hosts": { "a": {}, "b": {} },
  "links": [ { "name": "wire", "between": ["a", "b"], "delay": "1ms" } ],
  "apps": [
    { "name": "echo", "on": "b", "listen": 7, "protocol": "udp", "run": [ { "recv_from": 1, "echo": true }, { "recv_from": 1 } ] },
    { "name": "ping", "on": "a", "run": [
      { "send_to": "b:7", "size": "10B", "as": "s" }, { "recv_from": 1, "on": "s" }, { "send_to": "b:7", "size": "10B", "on": "s" } ] }
  ]
}"#;

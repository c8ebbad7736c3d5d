//! How large an experiment and its run are.

use super::target::Ran;
use crate::experiment::{Node, Value};

/// How large an experiment and its run are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measure {
    /// Decisions of chance.
    pub decisions: u64,
    /// Named faults.
    pub faults: u64,
    /// Hosts and routers.
    pub nodes: u64,
    /// Links.
    pub links: u64,
    /// Apps, and generators as one each.
    pub apps: u64,
    /// Steps of apps.
    pub steps: u64,
    /// Expectations, also those of the case.
    pub expectations: u64,
    /// Packets that hosts sent in the run.
    pub packets: u64,
    /// When the run ended, in nanoseconds of virtual time.
    pub end_ns: u64,
}

impl Measure {
    /// Of an experiment, without its run.
    pub(crate) fn of_tree(tree: &Node) -> Self {
        let count = |key: &str| tree.get(key).map_or(0, length);
        let apps = tree.get("apps").map_or(&[][..], Node::items);
        let cases = tree.get("cases").map_or(&[][..], Node::items);
        let own = |case: &Node| case.get("expect").map_or(0, length);
        Self {
            decisions: 0,
            faults: count("faults"),
            nodes: count("hosts") + count("routers"),
            links: count("links"),
            apps: count("apps"),
            steps: apps.iter().map(|app| app.get("run").map_or(0, length)).sum(),
            expectations: count("expect") + cases.iter().map(own).sum::<u64>(),
            packets: 0,
            end_ns: 0,
        }
    }

    /// With so many decisions of chance.
    pub(crate) fn with_decisions(self, decisions: usize) -> Self {
        Self { decisions: decisions as u64, ..self }
    }

    /// With what its run was like.
    pub(crate) fn with_run(self, ran: &Ran) -> Self {
        Self { packets: ran.run.report.packets.sent, end_ns: ran.run.end.as_nanos(), ..self }
    }
}

fn length(node: &Node) -> u64 {
    match &node.value {
        Value::List(items) => items.len() as u64,
        Value::Object(members) => members.len() as u64,
        _ => 0,
    }
}

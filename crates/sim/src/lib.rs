//! Whole simulations: an experiment file becomes a plan, the plan a world, the world's records a report.
//!
//! Start with [`experiment::load`] or [`experiment::parse`], then [`run::run_case`]; [`world::World`] is the thing that
//! runs. Everything is a plain value: a world can be cloned at any point and goes on in the same way.
//!
//! ```
//! use faultwire_sim::experiment::{Overrides, parse};
//! use faultwire_sim::record::Silent;
//! use faultwire_sim::report::Outcome;
//! use faultwire_sim::run::{Judging, run_case};
//!
//! let text = r#"{
//!   "name": "lost-once", "description": "The second data segment is lost.",
//!   "hosts": { "client": { "stack": "linux" }, "server": { "stack": "rfc" } },
//!   "links": [ { "name": "wire", "between": ["client", "server"], "rate": "10Mbit", "delay": "50ms" } ],
//!   "apps": [ { "name": "flow", "on": "client", "bulk": { "to": "server:80", "size": "100KiB" } } ],
//!   "faults": [ { "name": "lost", "on": "wire", "towards": "server",
//!                 "match": { "kind": "data", "nth": 2 }, "do": "drop" } ],
//!   "expect": [ { "name": "repaired", "at": "client/flow", "counter": "retransmissions", "value": 1 } ]
//! }"#;
//! let experiment = parse(text, "lost-once.json", &Overrides::default()).unwrap();
//! let run = run_case(&experiment.cases[0], Judging::default(), &mut Silent);
//! assert_eq!(run.report.outcome, Outcome::Passed);
//! assert_eq!(run.report.links[1].dropped_by_fault, 1);
//! ```
//!
//! Rooms, from the file to the finding: [`experiment`] reads and checks, [`plan`] is what is meant, [`world`] runs it,
//! [`record`] tells what happened (and [`call`] what apps asked for), [`fingerprint`] and [`oracle`] watch, [`run`] judges, [`failure`] says which failures are one, [`report`] and [`output`] show,
//! [`verify`] proves that it all repeats, [`sweep`] does it for many seeds.
//!
//! [`diff`] tells where two runs part; [`hunt`] makes a ticket of each way to fail.

pub mod call;
pub mod diff;
pub mod experiment;
pub mod explain;
pub mod failure;
pub mod fingerprint;
pub mod hunt;
pub mod oracle;
pub mod output;
pub mod plan;
mod probe;
pub mod record;
pub mod replay;
pub mod report;
pub mod run;
pub mod shrink;
pub mod swarm;
pub mod sweep;
pub mod verify;
pub mod world;

mod connections;
mod convergence;
mod datagrams;
mod exchange;
mod expect;
mod judge;
mod stall;
mod tables;
mod watch;

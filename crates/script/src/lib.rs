//! packetdrill scripts against one simulated host in virtual time: exact, unprivileged, in milliseconds.
//!
//! Start with [`run()`], or with [`syntax::parse`] and [`play()`]. [`export`] writes scripts out of runs of the simulator.
//!
//! Inside, from the top: `play` (events in their order, times, verdicts), `check` (expected against sent), `mapping`
//! (script numbers and wire numbers), `sockets` (system calls), `shell` (backtick commands), `snippet` (`%{ }%`),
//! `machine` (the host and its clock), `syntax` (text to tree).
#![allow(dead_code, reason = "the rooms come one by one")]

mod bench;
mod check;
pub mod export;
mod icmp;
mod ladder;
mod machine;
mod mapping;
mod network;
mod notation;
mod play;
mod problem;
mod report;
mod rules;
mod run;
mod settings;
mod shell;
mod snippet;
mod sockets;
pub mod syntax;
mod tracking;

pub use play::play;
pub use report::{Finding, Report, Verdict};
pub use run::{profiles_named, run};
pub use settings::{Profile, PshRule, Settings};

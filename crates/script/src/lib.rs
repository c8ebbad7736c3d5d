//! packetdrill scripts against one simulated host in virtual time: exact, unprivileged, in milliseconds.
//!
//! Inside, from the top: `play` (events in their order, times, verdicts), `check` (expected against sent), `mapping`
//! (script numbers and wire numbers), `sockets` (system calls), `shell` (backtick commands), `snippet` (`%{ }%`),
//! `machine` (the host and its clock), `syntax` (text to tree).
#![allow(dead_code, reason = "the rooms come one by one")]

mod machine;
mod network;
mod problem;
mod report;
mod settings;
mod shell;
mod snippet;
mod sockets;
pub mod syntax;

pub use report::{Finding, Report, Verdict};
pub use settings::{Profile, PshRule, Settings};

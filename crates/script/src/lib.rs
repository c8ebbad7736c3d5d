//! packetdrill scripts against one simulated host in virtual time: exact, unprivileged, in milliseconds.
//!
//! Start with [`run()`], or with [`syntax::parse`] and [`play()`]. [`export`] writes scripts out of runs of the simulator.
//!
//! Inside, from the top:
//!
//! - `run` (which stack a script is for), `play` (events in their order and at their times, the verdict);
//! - `bench` (time passes, packets and news are collected, a call that waits is asked again), `ladder` (all of it, to read);
//! - `check` (what was sent against what is expected, field by field), `laws` (what no segment may do), `tracking` (whose
//!   packets count), `mapping` (script numbers and wire numbers), `icmp` and `notation` (names and numbers for people);
//! - `sockets` (system calls), `shell` (backtick commands), `snippet` (`%{ }%`);
//! - `network` and `rules` (what script options ask for), `machine` (the host and its clock), `syntax` (text to tree).
//!
//! A script means here what it means for the original tools: one socket is under test, the latest of `socket()` or the child
//! that a packet of the peer made of it; packets of others are skipped. Times are virtual and exact, tolerances those of
//! the tool of each dialect unless the caller asks for none. At one instant the stack's timers run first, then the event
//! of the script. [`Settings::strict`] adds that every packet must be expected, and what tools do not look at.
//!
//! What is not known is never passed over: an option, a call, a command, a snippet or a packet notation without a meaning
//! here gives [`Verdict::Skip`] with its words.
//!
//! Left out: encapsulations (TCP in UDP, GRE, MPLS), TCP-MD5 signatures, flow labels of IPv6, fragments.
//!
//! ```
//! use faultwire_script::{Settings, Verdict, run};
//!
//! let script = "
//! 0    socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
//! +0   bind(3, ..., ...) = 0
//! +0   listen(3, 1) = 0
//! +.1  < S 0:0(0) win 1000 <mss 1000>
//! +0   > S. 0:0(0) ack 1 <...>
//! +.1  < R 1:1(0) win 0
//! +1   < . 1:1(0) ack 1 win 1000
//! +0   > R 1:1(0)
//! ";
//! let report = run(script, &Settings { strict: true, exact: true, ..Settings::default() }).unwrap();
//! assert_eq!(report.verdict, Verdict::Pass, "{}", report.ladder);
//! ```

mod bench;
mod check;
pub mod export;
mod icmp;
mod ladder;
mod laws;
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

//! From a range of seeds to what there is to report: each way to fail, how often, its smallest run shrunk and explained.
//!
//! Start with [`Tally`], which takes in the results of a [sweep](crate::sweep) and keeps each [`Cluster`](crate::failure::Cluster) apart; then
//! [`Evidence::gather`] for one of them, which shrinks and explains it; then [`ticket`], the text that a maintainer of the
//! stack is given, who has never heard of this program.
//!
//! ```
//! use std::ops::ControlFlow;
//!
//! use faultwire_sim::experiment::{Overrides, parse};
//! use faultwire_sim::hunt::{Evidence, Tally};
//! use faultwire_sim::shrink;
//! use faultwire_sim::sweep::{self, Settings};
//!
//! let text = r#"{
//!   "name": "lossy", "description": "One packet in ten is lost.",
//!   "hosts": { "client": { "stack": "linux" }, "server": { "stack": "linux" } },
//!   "links": [ { "name": "wire", "between": ["client", "server"], "rate": "10Mbit", "delay": "5ms", "loss": "10%" } ],
//!   "apps": [ { "name": "flow", "on": "client", "bulk": { "to": "server:80", "size": "4KiB" } } ],
//!   "expect": [ { "name": "no timer", "at": "client/flow", "counter": "timeouts", "value": 0 } ]
//! }"#;
//! let read = |overrides: &Overrides| parse(text, "lossy.json", overrides).unwrap();
//! let experiment = read(&Overrides::default());
//! let mut tally = Tally::of(&experiment);
//! sweep::run(&experiment, 1..=30, &Settings::default(), |result| {
//!     tally.add(result);
//!     ControlFlow::Continue(())
//! });
//! let found = tally.found();
//! let seed = found[0].smallest.seed;
//! let failing = read(&Overrides { seed: Some(seed), ..Overrides::default() });
//! let evidence = Evidence::gather(&failing, &found[0], &shrink::Settings::default(), |_| ControlFlow::Continue(()));
//! assert_eq!(evidence.unwrap().shrunk.after.faults, 1);
//! ```

mod evidence;
mod tally;
mod ticket;

pub use evidence::{Evidence, NoEvidence};
pub use tally::{Found, Seen, Tally};
pub use ticket::{Origin, TicketFile, TicketStep, short_title, ticket, title};

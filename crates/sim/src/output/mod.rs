//! What a user sees of a run: the text timeline, captures, traces, series. All of it is made after the run, from kept
//! records, so that watching can't disturb (DESIGN D4).
//!
//! Start with [`Trace`], a [`Sink`](crate::record::Sink) that keeps records, and [`Legend`], the names behind the ids;
//! then [`ladder`].

mod capture;
mod columns;
pub(crate) mod conversation;
#[cfg(test)]
pub(crate) mod hand_made;
pub mod ladder;
mod legend;
mod series;
mod trace;
pub mod trace_json;
pub(crate) mod words;

pub use capture::{Vantage, write_capture};
pub use columns::{shortened, wrapped};
pub use legend::{ChangeLegend, DirectionLegend, Legend, NodeLegend};
pub use series::{SERIES_HEADING, Series};
pub use trace::{Arrival, Entry, PacketNumber, Trace, TracedName, TracedPacket, What};

#[cfg(test)]
mod tests;

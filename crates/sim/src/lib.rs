//! Whole simulations: an experiment file becomes a plan, the plan a world, the world's records a report.
//!
//! Start with [`experiment::load`] or [`experiment::parse`], then [`run::run_case`]; [`world::World`] is the thing that
//! runs. Everything is a plain value: a world can be cloned at any point and goes on in the same way.

pub mod experiment;
pub mod fingerprint;
pub mod oracle;
pub mod output;
pub mod plan;
pub mod record;
pub mod report;
pub mod run;
pub mod verify;
pub mod world;

mod connections;
mod datagrams;
mod expect;
mod judge;
mod tables;
mod watch;

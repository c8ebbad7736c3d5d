//! Whole simulations: experiment file, plan, world, records, expectations, oracles, report.

pub mod experiment;
pub mod oracle;
pub mod plan;
pub mod record;
pub mod report;

//! `faultwire sweep` as the user writes it.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueHint};

use crate::arguments::{Hazards, Seeds, Selection};

#[derive(Debug, Args)]
#[command(after_help = "\
Each seed is one line of JSON on standard output, in the order of seeds, and what can be said of all of \
them follows on standard error. With --out the lines go to FILE and the summary to standard output.

  faultwire sweep my.json --seeds 0..1000
  faultwire sweep my.json --seeds 0..100000 --until-failure
  faultwire sweep my.json --seeds 0..1000 --param links.wire.loss=0%,1%,5% --metric retransmissions
  faultwire sweep my.json --seeds 0..1000000 --out seeds.jsonl            Ctrl-C, and later the same with --resume

A metric is the path of a number in the report: virtual_time_ns, packets.dropped, links.LINK>NODE.dropped, \
connections.HOST/NAME.completion_ns, apps.NAME.finished_ns, faults.NAME.acted. A counter of connections \
alone (retransmissions, timeouts, bytes_sent) is the sum over all of them.

Exit status: 0 every seed held; 1 one failed; 2 bad input; 130 interrupted, what was finished is kept.")]
pub(crate) struct SweepArguments {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Seeds: A..B without B, A..=B with it
    #[arg(long, value_name = "A..B")]
    pub(crate) seeds: Seeds,
    /// Threads; otherwise one for each core. The results are the same for any number
    #[arg(long, short, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Write the lines to a file; as columns if its name ends in .parquet
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
    /// Go on where the sweep that wrote FILE was stopped; lines only, no .parquet
    #[arg(long, requires = "out")]
    pub(crate) resume: bool,
    /// Stop after the first seed for which something failed
    #[arg(long)]
    pub(crate) until_failure: bool,
    /// Run each seed with each of these values; several such options make a grid
    #[arg(long = "param", value_name = "PATH=V1,V2,...")]
    pub(crate) parameters: Vec<Parameter>,
    /// Measure this of each run
    #[arg(long = "metric", value_name = "NAME")]
    pub(crate) metrics: Vec<String>,
    /// What a hazard (harm that the protocol permits) does to a case that does not expect it
    #[arg(long, value_name = "WHAT", value_enum, default_value = "report")]
    pub(crate) hazards: Hazards,
    /// Let each seed also draw values and omissions from the file's "swarm"
    #[arg(long)]
    pub(crate) swarm: bool,
}

/// A path and the values that it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parameter {
    pub(crate) path: String,
    pub(crate) values: Vec<String>,
}

impl FromStr for Parameter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let example = "write PATH=V1,V2,..., for example links.wire.loss=0%,1%,5%";
        let (path, values) = text.split_once('=').filter(|(path, _)| !path.is_empty()).ok_or(example)?;
        if path == "seed" {
            return Err("seeds are given by --seeds".into());
        }
        let values = split_values(values);
        if values.iter().any(String::is_empty) {
            return Err(format!("a value is empty: {example}"));
        }
        if let Some(twice) = values.iter().enumerate().find(|(at, value)| values[..*at].contains(value)) {
            return Err(format!("the value {:?} is there twice", twice.1));
        }
        Ok(Self { path: path.to_owned(), values })
    }
}

/// The values between commas; those inside a JSON list, object or text part nothing.
fn split_values(text: &str) -> Vec<String> {
    let (mut values, mut depth, mut quoted, mut escaped) = (vec![String::new()], 0u32, false, false);
    for c in text.chars() {
        match c {
            '"' if !escaped => quoted = !quoted,
            '[' | '{' if !quoted => depth += 1,
            ']' | '}' if !quoted => depth = depth.saturating_sub(1),
            ',' if !quoted && depth == 0 => {
                values.push(String::new());
                continue;
            }
            _ => {}
        }
        escaped = quoted && c == '\\' && !escaped;
        values.last_mut().expect("there is one from the start").push(c);
    }
    values
}

#[cfg(test)]
mod tests;

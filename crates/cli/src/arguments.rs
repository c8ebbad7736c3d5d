//! The command line as the user writes it.

use std::num::{IntErrorKind, NonZeroUsize, ParseIntError};
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use faultwire_sim::experiment::Overrides;

use crate::diff::DiffArguments;
use crate::hunt::HuntArguments;
use crate::quirks::QuirksArguments;
use crate::script::ScriptArguments;
use crate::sweep::SweepArguments;

/// Run TCP and UDP conversations over simulated networks that lose, delay, copy, reorder, corrupt and cut.
#[derive(Debug, Parser)]
#[command(name = "faultwire", version, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
An experiment is one JSON file: hosts, links, what applications do, which faults strike, what you expect. \
The same file and seed give the same run to the bit, on any machine.

Start here:
  faultwire example                                      list experiments to start from
  faultwire example time-wait-delayed-segment > my.json  print one
  faultwire run my.json --timeline                       run it and see every packet
  faultwire run my.json --seed 7 --set links.wire.delay=200ms
  faultwire sweep my.json --seeds 0..1000                for which seeds does something fail?
  faultwire hunt my.json --seeds 0..1000 --out found     a bug report for each way to fail
  faultwire script my.pkt --verbose                      play a packetdrill script

Exit status: 0 everything held; 1 an expectation or oracle failed; 2 bad input, nothing written; \
3 a bug of faultwire; 130 interrupted, what was finished is kept.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run an experiment and judge it
    Run(RunArguments),
    /// Check experiments without running them, with notes on what may surprise
    Check(CheckArguments),
    /// Look for failures over many seeds and leave a ticket folder for each way to fail
    Hunt(HuntArguments),
    /// Show where two runs part, and what followed, side by side
    Diff(DiffArguments),
    /// From a failing seed to the few faults that matter: a small experiment that fails in the same way
    Shrink(ShrinkArguments),
    /// Play packetdrill scripts against a stack in virtual time
    Script(ScriptArguments),
    /// Run an experiment for many seeds: one line of JSON each, failures counted by their cause
    Sweep(SweepArguments),
    /// Prove that runs repeat: again, recorded, beside others, from copies of the world
    Verify(VerifyArguments),
    /// Tell what was behind an outcome: from a failure or a packet back to faults and rules
    Explain(ExplainArguments),
    /// Print an experiment to start from; without a name, list them
    Example(ExampleArguments),
    /// List historical bugs that a host can have, or measure how fast experiments find them
    Quirks(QuirksArguments),
    /// Print the JSON Schema of experiment files
    Schema(SchemaArguments),
    /// Print a completion script for a shell
    Completions(CompletionsArguments),
}

/// Which experiment, and what to change in it.
#[derive(Clone, Debug, Args)]
pub(crate) struct Selection {
    /// The experiment, or a replay file
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// Set a value by its path, for example links.wire.delay=20ms
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(crate) set: Vec<String>,
    /// Leave out a fault, app or expectation
    #[arg(long = "without", value_name = "NAME")]
    pub(crate) without: Vec<String>,
    /// Only this case of the file
    #[arg(long = "case", value_name = "NAME")]
    pub(crate) case: Option<String>,
}

impl Selection {
    /// What the experiment's reader needs of it.
    pub(crate) fn overrides(&self, seed: Option<u64>) -> Overrides {
        Overrides { set: self.set.clone(), without: self.without.clone(), case: self.case.clone(), seed }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
FILE may be - for --report, --trace, --record, --series or --stats: standard output then carries that \
and nothing else. \
With several cases the name of each stands in the name of its capture. \
A replay file, which --record writes, takes the place of an experiment here and everywhere. The exit \
status of its run is 0 if it is what was recorded, failures included, and 1 if it departs.")]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Seed of everything random, instead of the file's
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Draw the packets of each conversation as arrows between its ends
    #[arg(long)]
    pub(crate) timeline: bool,
    /// Draw every packet of every conversation, however many there are
    #[arg(long, requires = "timeline")]
    pub(crate) full: bool,
    /// Capture what one host sees, for Wireshark and tshark
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "pcap_dir")]
    pub(crate) pcap: Option<PathBuf>,
    /// Capture what each interface of each host sees, one file each, HOST-LINK.pcapng
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) pcap_dir: Option<PathBuf>,
    /// Where to take the capture; otherwise at the host of the first app that connects
    #[arg(long, value_name = "HOST", requires = "pcap")]
    pub(crate) pcap_at: Option<String>,
    /// Write the report as JSON
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) report: Option<PathBuf>,
    /// Write everything that happens, one JSON object a line
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) trace: Option<PathBuf>,
    /// Write a replay file: the experiment and every decision of chance, to be run again like an experiment
    #[arg(long, value_name = "REPLAY", value_hint = ValueHint::FilePath)]
    pub(crate) record: Option<PathBuf>,
    /// Write windows, round-trip times and timeouts of named connections over time, as CSV
    #[arg(long, value_name = "FILE.csv", value_hint = ValueHint::FilePath)]
    pub(crate) series: Option<PathBuf>,
    /// Write how fast the run was: processor time, events per second, memory
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) stats: Option<PathBuf>,
    /// Write what each end of each named TCP connection sees and does as a packetdrill script, CASE-HOST-NAME.pkt
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) export_script: Option<PathBuf>,
    /// What a hazard (harm that the protocol permits) does to a case that does not expect it
    #[arg(long, value_name = "WHAT", value_enum, default_value = "report")]
    pub(crate) hazards: Hazards,
    /// Print nothing but what was asked for by an option
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Hazards {
    /// Tell of it
    Report,
    /// Fail the case
    Fail,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Without a question it explains whatever failed; if nothing did, what faults and chance led to. \
Packets have the numbers that run --timeline shows.

  faultwire explain my.json --case linux --packet 33
  faultwire explain my.json --last-byte server/first --timeline
  faultwire explain my.json --seed 7 --expectation \"all read\" --when-inevitable

Exit status: 0 explained, whether it failed or not; 2 bad input; 130 interrupted.")]
pub(crate) struct ExplainArguments {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Seed of everything random, instead of the file's
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Why this packet was sent, and what became of it
    #[arg(long, value_name = "K", group = "question")]
    pub(crate) packet: Option<u32>,
    /// Why this expectation failed, or what was behind it if it held
    #[arg(long, value_name = "NAME", group = "question")]
    pub(crate) expectation: Option<String>,
    /// What this app waits for, or why it ended as it did
    #[arg(long, value_name = "APP", group = "question")]
    pub(crate) stall: Option<String>,
    /// What the time was spent on until this socket, HOST/NAME, had the last octet
    #[arg(long, value_name = "HOST/NAME", group = "question")]
    pub(crate) last_byte: Option<String>,
    /// Find the moment from which on the failure could no longer be avoided, by branching the run at its decisions
    #[arg(long, conflicts_with_all = ["packet", "last_byte"])]
    pub(crate) when_inevitable: bool,
    /// Draw the conversations with the packets of the explanation marked
    #[arg(long)]
    pub(crate) timeline: bool,
    /// What a hazard (harm that the protocol permits) does to a case that does not expect it
    #[arg(long, value_name = "WHAT", value_enum, default_value = "report")]
    pub(crate) hazards: Hazards,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The experiments
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Seeds: A..B without B, A..=B with it; otherwise the file's
    #[arg(long, value_name = "A..B")]
    pub(crate) seeds: Option<Seeds>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Writes DIR/minimal.json, an experiment that fails in the same way (the same expectations, oracles and \
apps, for the same reason) and leaves nothing to chance: what chance did are faults with a name. And \
DIR/replay.json, a replay file with the decisions of chance that are left; alone, if no named fault does what one of \
them does. The result is the same for any number of threads. \
Interrupted (Ctrl-C) it writes the best so far and ends with status 130; another Ctrl-C, a second or more later, \
ends it at once and leaves nothing.
Exit status 2 also if nothing fails with that seed.")]
pub(crate) struct ShrinkArguments {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// The seed that fails, instead of the file's
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Folder for what is left; it is made if it is not there
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: PathBuf,
    /// At most so many runs of smaller experiments
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    pub(crate) tries: u64,
    /// Threads; otherwise one for each core. The results are the same for any number
    #[arg(long, short, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// What a hazard (harm that the protocol permits) does to a case that does not expect it
    #[arg(long, value_name = "WHAT", value_enum, default_value = "report")]
    pub(crate) hazards: Hazards,
    /// Print nothing but errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExampleArguments {
    /// Which
    pub(crate) name: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SchemaArguments {
    /// That of replay files instead
    #[arg(long)]
    pub(crate) replay: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// For which shell
    pub(crate) shell: clap_complete::Shell,
}

/// A range of seeds that is not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seeds {
    pub(crate) first: u64,
    pub(crate) last: u64,
}

impl Seeds {
    /// How many there are; the range of all of them counts one less.
    pub(crate) fn count(self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = u64> {
        self.first..=self.last
    }
}

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (first, last) = text.split_once("..").ok_or(SEEDS_REMEDY)?;
        // The end that is excluded may be one more than the last of all seeds.
        let (first, last) = match last.strip_prefix('=') {
            Some(last) => (number(first)?, Some(number(last)?)),
            None => (number(first)?, number(last)?.checked_sub(1)),
        };
        let Some(last) = last.filter(|&last| last >= first) else {
            return Err("no seed is in that range".into());
        };
        let seed = |seed: u128| u64::try_from(seed).map_err(|_| too_large(&seed.to_string()));
        Ok(Self { first: seed(first)?, last: seed(last)? })
    }
}

const SEEDS_REMEDY: &str = "write A..B (B excluded) or A..=B, for example 1..=100";

fn number(text: &str) -> Result<u128, String> {
    text.parse().map_err(|error: ParseIntError| match error.kind() {
        IntErrorKind::PosOverflow => too_large(text),
        _ => format!("{text:?} is no number: {SEEDS_REMEDY}"),
    })
}

fn too_large(seed: &str) -> String {
    format!("{seed} is too large: the last of all seeds is {}", u64::MAX)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn seeds_are_half_open_or_closed() {
        assert_eq!("1..4".parse(), Ok(Seeds { first: 1, last: 3 }));
        assert_eq!("0..=0".parse(), Ok(Seeds { first: 0, last: 0 }));
        for empty in ["4..4", "0..0", "5..=4"] {
            assert!(empty.parse::<Seeds>().unwrap_err().contains("no seed"), "{empty}");
        }
        let all = Seeds { first: 0, last: u64::MAX };
        assert_eq!(
            ["0..18446744073709551616", "0..=18446744073709551615"].map(str::parse),
            [Ok(all), Ok(all)]
        );
        for large in [
            "0..18446744073709551617",
            "0..=18446744073709551616",
            "0..9999999999999999999999999999999999999999",
        ] {
            assert!(large.parse::<Seeds>().unwrap_err().contains("is too large: the last"), "{large}");
        }
        for wrong in ["4", "a..b", "1..", "..4", "-1..3"] {
            assert!(wrong.parse::<Seeds>().is_err(), "{wrong}");
        }
    }
}

//! The numbers of a script and the numbers on the wire of one connection: sequence numbers, SACK edges, timestamps.

use std::collections::BTreeMap;

use faultwire_wire::{Flags, Options, Payload, Segment, Seq};

use crate::problem::Problem;
use crate::syntax::tree::{OptionSpec, OptionsSpec, SequenceSpec, TcpSpec};

/// What the numbers of one connection are counted from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers {
    /// Our ISN, once a SYN of ours was expected.
    local: Option<Pair>,
    /// The peer's ISN, the same in the script and on the wire.
    remote: u32,
    /// The first TSval of ours that the script named.
    baseline: Option<Pair>,
    /// Every TSval of ours that the script named: what stood on the wire.
    values: BTreeMap<u32, u32>,
}

/// A number in the script and on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pair {
    script: u32,
    live: u32,
}

/// Ours.
impl Numbers {
    /// Whether a SYN of ours was expected.
    pub(crate) fn knows_local_isn(&self) -> bool {
        self.local.is_some()
    }

    /// A SYN of ours has this sequence number in the script and on the wire.
    pub(crate) fn set_local_isn(&mut self, script: u32, live: Seq) {
        self.local = Some(Pair { script, live: live.0 });
    }

    /// What to add to a script's number to get ours on the wire.
    pub(crate) fn local_shift(&self, syn: bool) -> u32 {
        let isn = self.local.unwrap_or(Pair { script: 0, live: 0 });
        if syn { isn.live.wrapping_sub(isn.script) } else { isn.live }
    }

    /// A number of ours on the wire; script 1 is ISN + 1.
    pub(crate) fn local(&self, script: u32) -> Seq {
        Seq(script.wrapping_add(self.local_shift(false)))
    }
}

/// The peer's.
impl Numbers {
    /// The peer's first segment has this sequence number, or its SYN.
    pub(crate) fn set_remote_isn(&mut self, isn: u32) {
        self.remote = isn;
    }

    /// What to add to a script's number to get the peer's on the wire.
    pub(crate) fn remote_shift(&self, syn: bool) -> u32 {
        if syn { 0 } else { self.remote }
    }

    /// The segment of the peer that is written, without ports.
    ///
    /// # Errors
    /// What cannot be put on the wire.
    pub(crate) fn inbound(&self, spec: &TcpSpec, scales_echoes: bool) -> Result<Segment, Problem> {
        let flags = flags(spec);
        let syn = flags.contains(Flags::SYN);
        let acknowledges = flags.contains(Flags::ACK);
        let shift = self.local_shift(syn);
        let seq = match spec.sequence {
            SequenceSpec::Relative(script) => script.wrapping_add(self.remote_shift(syn)),
            SequenceSpec::Absolute(live) => live,
            SequenceSpec::Any => return Err(impossible("an inbound segment needs a sequence number")),
        };
        let OptionsSpec::These(written) = &spec.options else {
            return Err(impossible("an inbound segment needs its options, <...> is for outbound ones"));
        };
        let mut octets = Vec::with_capacity(Options::CAPACITY);
        for option in written {
            match *option {
                OptionSpec::Timestamps { value: Some(value), echo, literal_echo } => {
                    let literal = literal_echo || !acknowledges;
                    let echo = if literal { echo } else { self.echo(echo, scales_echoes)? };
                    push_timestamps(value, echo, &mut octets);
                }
                OptionSpec::Timestamps { value: None, .. } => {
                    return Err(impossible("an inbound segment needs its TSval"));
                }
                ref option => push(option, shift, &mut octets)?,
            }
        }
        let options = Options::from_bytes(&octets).ok_or_else(|| too_long(octets.len()))?;
        Ok(Segment {
            seq: Seq(seq),
            ack: Seq(spec.acknowledgment.unwrap_or(0).wrapping_add(if acknowledges { shift } else { 0 })),
            flags,
            window: spec.window.unwrap_or(0),
            urgent: spec.urgent.unwrap_or(0),
            options,
            payload: Payload::Zeros { len: u32::from(spec.length) },
            ..Segment::default()
        })
    }
}

/// Timestamps.
impl Numbers {
    /// A TSval of ours has this value in the script and on the wire.
    pub(crate) fn note_timestamp(&mut self, script: u32, live: u32) {
        self.baseline.get_or_insert(Pair { script, live });
        self.values.insert(script, live);
    }

    /// A TSval of ours in the script, counted from the first; `None` before that.
    pub(crate) fn script_timestamp(&self, live: u32) -> Option<u32> {
        self.baseline.map(|first| live.wrapping_sub(first.live).wrapping_add(first.script))
    }

    /// What stands on the wire for the TSecr of the peer.
    fn echo(&self, script: u32, scales: bool) -> Result<u32, Problem> {
        if let Some(&live) = self.values.get(&script) {
            return Ok(live);
        }
        match self.baseline {
            Some(first) if scales => Ok(first.live.wrapping_add(script.wrapping_sub(first.script))),
            _ => Err(Problem::Differs(format!(
                "ecr {script} can't be mapped: no packet sent so far was expected to have TS val {script}"
            ))),
        }
    }
}

/// The control bits of a segment as written, the AccECN count among them.
pub(crate) fn flags(spec: &TcpSpec) -> Flags {
    const COUNT: [Flags; 3] = [Flags::ECE, Flags::CWR, Flags::AE];
    let count = spec.ace.unwrap_or(0);
    let set = (0..COUNT.len()).filter(|bit| count >> bit & 1 == 1);
    set.fold(spec.flags, |flags, bit| flags | COUNT[bit])
}

/// Appends an option, SACK edges shifted; timestamps are [`push_timestamps`]' matter.
pub(crate) fn push(option: &OptionSpec, shift: u32, octets: &mut Vec<u8>) -> Result<(), Problem> {
    let mut sized = |kind: u8, pieces: &[&[u8]]| {
        let length = 2 + pieces.iter().map(|piece| piece.len()).sum::<usize>();
        let length = u8::try_from(length).map_err(|_| too_long(length))?;
        octets.extend_from_slice(&[kind, length]);
        pieces.iter().for_each(|piece| octets.extend_from_slice(piece));
        Ok(())
    };
    match option {
        OptionSpec::NoOperation => octets.push(1),
        OptionSpec::EndOfList => octets.push(0),
        OptionSpec::MaximumSegmentSize(size) => sized(2, &[&size.to_be_bytes()])?,
        OptionSpec::WindowScale(shift) => sized(3, &[&[*shift]])?,
        OptionSpec::SackPermitted => sized(4, &[])?,
        OptionSpec::Sack(blocks) => {
            let edges = blocks.iter().flat_map(|&(left, right)| [left, right]);
            let edges: Vec<u8> = edges.flat_map(|edge| edge.wrapping_add(shift).to_be_bytes()).collect();
            sized(5, &[&edges])?;
        }
        OptionSpec::Timestamps { value, echo, .. } => push_timestamps(value.unwrap_or(0), *echo, octets),
        OptionSpec::FastOpen(cookie) => sized(34, &[cookie])?,
        OptionSpec::FastOpenExperimental(cookie) => sized(254, &[&FAST_OPEN_EXPERIMENT, cookie])?,
        OptionSpec::Md5(Some(digest)) => sized(19, &[digest])?,
        OptionSpec::Md5(None) => return Err(Problem::Unknown("md5 valid: this stack does not sign".into())),
        OptionSpec::AccurateEcn { kind, data } | OptionSpec::Unknown { kind, data } => sized(*kind, &[data])?,
    }
    Ok(())
}

/// Appends timestamps as they stand on the wire.
pub(crate) fn push_timestamps(value: u32, echo: u32, octets: &mut Vec<u8>) {
    octets.extend_from_slice(&[8, 10]);
    octets.extend_from_slice(&value.to_be_bytes());
    octets.extend_from_slice(&echo.to_be_bytes());
}

fn impossible(what: &str) -> Problem {
    Problem::Differs(what.into())
}

fn too_long(octets: usize) -> Problem {
    Problem::Differs(format!(
        "the options take {octets} octets, and a header has room for {}",
        Options::CAPACITY
    ))
}

/// What tells Fast Open from other experiments (RFC 7413 appendix).
const FAST_OPEN_EXPERIMENT: [u8; 2] = [0xF9, 0x89];

#[cfg(test)]
mod tests;

//! Lines of an exchange of segments, written as in the figures of RFC 9293.

use std::fmt;
use std::str::FromStr;

use faultwire_base::{Duration, Instant, QuantityError};
use faultwire_tcp::State;
use faultwire_wire::{Flags, Segment};
use thiserror::Error;

/// One line of a figure: `50ms ESTABLISHED <-- <SEQ=300><ACK=101><CTL=SYN,ACK> <-- SYN_RECEIVED`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeLine {
    /// When the segment was sent; for a copy that a link made: when it arrived.
    pub at: Instant,
    /// The left end.
    pub left: LineEnd,
    /// Whether the right end sent it.
    pub leftwards: bool,
    /// What was sent.
    pub segment: SegmentWords,
    /// The right end.
    pub right: LineEnd,
}

/// What a line says about one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// The state of the end when it has sent the segment, or when it has handled it: at the end of that instant.
    State(State),
    /// `...`: the segment came from nowhere (a copy, or injected), or never arrived.
    Nowhere,
}

/// What the figures tell of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentWords {
    /// `SEQ`.
    pub seq: u32,
    /// `ACK`; only with that control bit.
    pub ack: Option<u32>,
    /// `CTL`.
    pub flags: Flags,
    /// `DATA`: octets of it.
    pub data: u32,
    /// `WND`: the window field, unscaled; a line that does not give it does not check it.
    pub window: Option<u16>,
    /// `SACK`: the blocks of selective acknowledgment; a line that does not give them does not check them.
    pub sack: Option<Vec<(u32, u32)>>,
}

/// Why a text is no line of an exchange. The message names the remedy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct BadLine(String);

impl ExchangeLine {
    /// Whether what was seen is what this line says.
    pub fn describes(&self, seen: &Self) -> bool {
        let mut seen = seen.clone();
        if self.segment.window.is_none() {
            seen.segment.window = None;
        }
        if self.segment.sack.is_none() {
            seen.segment.sack = None;
        }
        *self == seen
    }
}

impl SegmentWords {
    /// What the figures tell of this segment, its window and its SACK blocks.
    pub fn of(segment: &Segment) -> Self {
        Self {
            seq: segment.seq.0,
            ack: segment.flags.contains(Flags::ACK).then_some(segment.ack.0),
            flags: segment.flags,
            data: segment.payload.len(),
            window: Some(segment.window),
            sack: Some(segment.options.sack_blocks().map(|(left, right)| (left.0, right.0)).collect()),
        }
    }
}

const FORM: &str = "write TIME STATE --> <SEQ=100><CTL=SYN> --> STATE, or <-- twice, and ... for an end that the segment did not come from or never reached";

impl FromStr for ExchangeLine {
    type Err = BadLine;

    fn from_str(text: &str) -> Result<Self, BadLine> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [time, left, arrow, segment, second_arrow, right] = words[..] else {
            return Err(BadLine(format!("{text:?} is no line of an exchange: {FORM}")));
        };
        let leftwards = match (arrow, second_arrow) {
            ("-->", "-->") => false,
            ("<--", "<--") => true,
            _ => return Err(BadLine(format!("{arrow} and {second_arrow} are no arrow: {FORM}"))),
        };
        let at: Duration = time.parse().map_err(|error: QuantityError| BadLine(error.to_string()))?;
        Ok(Self {
            at: Instant::ZERO + at,
            left: left.parse()?,
            leftwards,
            segment: segment.parse()?,
            right: right.parse()?,
        })
    }
}

impl FromStr for LineEnd {
    type Err = BadLine;

    fn from_str(text: &str) -> Result<Self, BadLine> {
        if text == "..." {
            return Ok(Self::Nowhere);
        }
        let state = text.parse().map(Self::State);
        state.map_err(|_| BadLine(format!("{text:?} is no state: write one like SYN_SENT, or ...")))
    }
}

impl FromStr for SegmentWords {
    type Err = BadLine;

    fn from_str(text: &str) -> Result<Self, BadLine> {
        let bad =
            |what: &str| BadLine(format!("{text:?} {what}: write <SEQ=100><ACK=300><CTL=ACK><DATA=10>"));
        let inside = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
        let inside = inside.ok_or_else(|| bad("is no segment"))?;
        let (mut seq, mut ack, mut flags, mut data, mut window, mut sack) =
            (None, None, None, None, None, None);
        for field in inside.split("><") {
            let (name, value) = field.split_once('=').ok_or_else(|| bad("has a field without a value"))?;
            let number = || value.parse::<u32>().map_err(|_| bad("has a number that is none"));
            let doubled = match name {
                "SEQ" => seq.replace(number()?).is_some(),
                "ACK" => ack.replace(number()?).is_some(),
                "CTL" => flags
                    .replace(control_bits(value).ok_or_else(|| bad("has an unknown control bit"))?)
                    .is_some(),
                "DATA" => data.replace(number()?).is_some(),
                "WND" => {
                    window.replace(value.parse().map_err(|_| bad("has a window that is none"))?).is_some()
                }
                "SACK" => sack
                    .replace(blocks(value).ok_or_else(|| bad("has SACK blocks other than FROM:TO,FROM:TO"))?)
                    .is_some(),
                _ => return Err(bad("has a field other than SEQ, ACK, CTL, DATA, WND and SACK")),
            };
            if doubled {
                return Err(bad("has a field twice"));
            }
        }
        let seq = seq.ok_or_else(|| bad("has no SEQ"))?;
        let flags = flags.ok_or_else(|| bad("has no CTL"))?;
        if ack.is_some() != flags.contains(Flags::ACK) {
            return Err(bad("has only one of the field ACK and the control bit ACK"));
        }
        Ok(Self { seq, ack, flags, data: data.unwrap_or(0), window, sack })
    }
}

/// `SYN,ACK`; `None` if a word is no control bit.
fn control_bits(text: &str) -> Option<Flags> {
    text.split(',').try_fold(Flags::NONE, |flags, word| {
        let (_, bit) = Flags::NAMES.iter().find(|(name, _)| *name == word)?;
        Some(flags | *bit)
    })
}

/// `111:121,131:141`; `None` if it is not of that form.
fn blocks(text: &str) -> Option<Vec<(u32, u32)>> {
    let block = |block: &str| {
        let (left, right) = block.split_once(':')?;
        Some((left.parse().ok()?, right.parse().ok()?))
    };
    text.split(',').map(block).collect()
}

impl fmt::Display for ExchangeLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrow = if self.leftwards { "<--" } else { "-->" };
        write!(f, "{} {} {arrow} {} {arrow} {}", self.at, self.left, self.segment, self.right)
    }
}

impl fmt::Display for LineEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::State(state) => state.as_str(),
            Self::Nowhere => "...",
        })
    }
}

impl fmt::Display for SegmentWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<SEQ={}>", self.seq)?;
        if let Some(ack) = self.ack {
            write!(f, "<ACK={ack}>")?;
        }
        write!(f, "<CTL={}>", self.flags)?;
        if self.data > 0 {
            write!(f, "<DATA={}>", self.data)?;
        }
        if let Some(window) = self.window {
            write!(f, "<WND={window}>")?;
        }
        if let Some(sack) = self.sack.as_ref().filter(|sack| !sack.is_empty()) {
            let blocks: Vec<String> = sack.iter().map(|(left, right)| format!("{left}:{right}")).collect();
            write!(f, "<SACK={}>", blocks.join(","))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

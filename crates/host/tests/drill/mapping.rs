//! The numbers of a script and the numbers on the wire: sequence numbers, SACK edges, timestamps, both ways.

use std::fmt::Write as _;

use faultwire_wire::{Flags, Options, Payload, Segment, Seq, TcpOption};

use crate::drill::notation::{WrittenOption, WrittenSegment};

/// What the numbers of one connection are counted from.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mapping {
    /// Our ISN on the wire.
    pub(crate) local_isn: u32,
    /// Our ISN in the script.
    script_local_isn: u32,
    /// The peer's ISN, the same in both.
    pub(crate) remote_isn: u32,
    /// A TSval of ours: in the script, on the wire.
    timestamp: Option<(u32, u32)>,
}

impl Mapping {
    /// From now on `script` stands for our TSval `live`.
    pub(crate) fn set_timestamp(&mut self, script: u32, live: u32) {
        self.timestamp = Some((script, live));
    }

    /// The script number of one of ours.
    pub(crate) fn script(&self, local: Seq) -> u32 {
        local.0.wrapping_sub(self.local_isn)
    }

    /// Our sequence number on the wire; script 1 is ISN + 1.
    pub(crate) fn local(&self, script: u32) -> Seq {
        Seq(self.local_isn.wrapping_add(script))
    }

    /// The segment of the peer that is written, without ports.
    pub(crate) fn inbound(&mut self, written: &WrittenSegment) -> Segment {
        let syn = written.flags.contains(Flags::SYN);
        let script_seq = written.seq.expect("an inbound segment has a sequence number");
        if syn && !written.absolute {
            self.remote_isn = script_seq;
        }
        let literal = syn || written.absolute;
        let seq = if literal { Seq(script_seq) } else { Seq(self.remote_isn.wrapping_add(script_seq)) };
        let shift = if syn { self.local_isn.wrapping_sub(self.script_local_isn) } else { self.local_isn };
        let acknowledges = written.flags.contains(Flags::ACK);
        let ack = written.ack.unwrap_or(0).wrapping_add(if acknowledges { shift } else { 0 });
        let echo = |echo: u32| match self.timestamp {
            Some((script, live)) if acknowledges => live.wrapping_add(echo.wrapping_sub(script)),
            _ => echo,
        };
        let written_options = written.options.as_deref().expect("an inbound segment has its options");
        let mut options = Options::EMPTY;
        for option in written_options {
            self.push(option, shift, &echo, &mut options);
        }
        Segment {
            seq,
            ack: Seq(ack),
            flags: written.flags,
            window: written.window.unwrap_or(DEFAULT_WINDOW),
            urgent: written.urgent.unwrap_or(0),
            options,
            payload: Payload::Zeros { len: written.length },
            ..Segment::default()
        }
    }

    fn push(&self, option: &WrittenOption, shift: u32, echo: &dyn Fn(u32) -> u32, options: &mut Options) {
        let sized = |options: &mut Options, kind: u8, data: &[u8]| {
            options.push_raw(&[kind, data.len() as u8 + 2]);
            options.push_raw(data);
        };
        match option {
            WrittenOption::Nop => options.push_nop(),
            WrittenOption::Eol => options.push_end(),
            WrittenOption::Mss(octets) => options.push_maximum_segment_size(*octets),
            WrittenOption::WindowScale(shift) => options.push_window_scale(*shift),
            WrittenOption::SackOk => options.push_sack_permitted(),
            WrittenOption::Sack(blocks) => {
                let edge = |script: u32| Seq(script.wrapping_add(shift));
                let blocks: Vec<_> = blocks.iter().map(|&(left, right)| (edge(left), edge(right))).collect();
                options.push_sack(&blocks);
            }
            WrittenOption::Timestamps(value, it) => {
                options.push_timestamps(value.expect("a TSval"), echo(it.expect("a TSecr")));
            }
            WrittenOption::FastOpen(cookie) => sized(options, 34, cookie),
            WrittenOption::FastOpenExperimental(cookie) => {
                let mut data = vec![0xF9, 0x89];
                data.extend_from_slice(cookie);
                sized(options, 254, &data);
            }
            WrittenOption::Kind(kind, data) => sized(options, *kind, data),
        }
    }

    /// Whether `actual` is the segment that is written; `Err` names the first difference.
    pub(crate) fn check(&mut self, written: &WrittenSegment, actual: &Segment) -> Result<(), String> {
        if actual.flags != written.flags {
            return Err("flags differ".into());
        }
        if actual.payload.len() != written.length {
            return Err("lengths differ".into());
        }
        let syn = actual.flags.contains(Flags::SYN);
        if syn && !written.absolute {
            self.local_isn = actual.seq.0;
            self.script_local_isn = written.seq.unwrap_or(0);
        }
        if let Some(seq) = written.seq {
            let expected = if written.absolute || syn { seq } else { self.local(seq).0 };
            let actual = if syn && !written.absolute { self.script_local_isn } else { actual.seq.0 };
            differ("sequence numbers", expected, actual)?;
        }
        if let Some(ack) = written.ack {
            let relative = !syn && !written.absolute && written.flags.contains(Flags::ACK);
            let expected = if relative { self.remote_isn.wrapping_add(ack) } else { ack };
            differ("acknowledgment numbers", expected, actual.ack.0)?;
        } else if actual.flags.contains(Flags::ACK) {
            return Err("an acknowledgment number is not expected".into());
        }
        if let Some(window) = written.window {
            differ("windows", u32::from(window), u32::from(actual.window))?;
        }
        differ("urgent pointers", u32::from(written.urgent.unwrap_or(0)), u32::from(actual.urgent))?;
        if actual.payload.to_vec().iter().any(|&octet| octet != 0) {
            return Err("the data isn't zeros".into());
        }
        match &written.options {
            Some(options) => self.check_options(options, actual),
            None => Ok(()),
        }
    }

    fn check_options(&mut self, written: &[WrittenOption], actual: &Segment) -> Result<(), String> {
        let stamps = actual.options.timestamps().unwrap_or((0, 0));
        let shift = if actual.flags.contains(Flags::SYN) { 0 } else { self.remote_isn };
        let mut expected = Options::EMPTY;
        for option in written {
            if let &WrittenOption::Timestamps(value, echo) = option {
                let live = match (value, self.timestamp) {
                    (None, _) => stamps.0,
                    (Some(value), Some((script, live))) => live.wrapping_add(value.wrapping_sub(script)),
                    (Some(value), None) => {
                        self.timestamp = Some((value, stamps.0));
                        stamps.0
                    }
                };
                expected.push_timestamps(live, echo.unwrap_or(stamps.1));
            } else {
                self.push(option, shift, &|echo| echo, &mut expected);
            }
        }
        let padded = |options: &Options| {
            let mut octets = options.as_bytes().to_vec();
            octets.resize(options.padded_length(), 0);
            octets
        };
        let (expected, actual) = (padded(&expected), padded(&actual.options));
        if expected == actual {
            Ok(())
        } else {
            Err(format!("options differ, in octets: expected {expected:?}, there are {actual:?}"))
        }
    }

    /// A segment of ours in script numbers.
    pub(crate) fn show(&self, segment: &Segment) -> String {
        let syn = segment.flags.contains(Flags::SYN);
        let seq = if syn { 0 } else { segment.seq.0.wrapping_sub(self.local_isn) };
        let length = segment.payload.len();
        let mut text = format!("{} {seq}:{}({length})", show_flags(segment.flags), seq.wrapping_add(length));
        if segment.flags.contains(Flags::ACK) {
            let shift = if syn { 0 } else { self.remote_isn };
            let _ = write!(text, " ack {}", segment.ack.0.wrapping_sub(shift));
        }
        let _ = write!(text, " win {}", segment.window);
        if segment.flags.contains(Flags::URG) {
            let _ = write!(text, " urg {}", segment.urgent);
        }
        if !segment.options.is_empty() {
            let options: Vec<String> =
                segment.options.iter().map(|option| self.show_option(&option, syn)).collect();
            let _ = write!(text, " <{}> {:?}", options.join(","), segment.options.as_bytes());
        }
        text
    }

    fn show_option(&self, option: &TcpOption<'_>, syn: bool) -> String {
        match *option {
            TcpOption::MaximumSegmentSize(octets) => format!("mss {octets}"),
            TcpOption::WindowScale(shift) => format!("wscale {shift}"),
            TcpOption::SackPermitted => "sackOK".into(),
            TcpOption::Sack(bytes) => {
                let shift = if syn { 0 } else { self.remote_isn };
                let edge = |at: &[u8]| u32::from_be_bytes([at[0], at[1], at[2], at[3]]).wrapping_sub(shift);
                bytes.chunks_exact(8).fold("sack".into(), |text, block| {
                    format!("{text} {}:{}", edge(block), edge(&block[4..]))
                })
            }
            TcpOption::Timestamps { value, echo } => {
                let value = self.timestamp.map_or_else(
                    || format!("({value} on the wire)"),
                    |(script, live)| value.wrapping_sub(live).wrapping_add(script).to_string(),
                );
                format!("TS val {value} ecr {echo}")
            }
            ref other => format!("{other:?}"),
        }
    }
}

/// What an inbound segment offers if the script doesn't say.
const DEFAULT_WINDOW: u16 = 32_792;

fn differ(what: &str, expected: u32, actual: u32) -> Result<(), String> {
    if expected == actual {
        Ok(())
    } else {
        Err(format!("{what} differ, on the wire: expected {expected}, it is {actual}"))
    }
}

/// Letters in packetdrill's order.
pub(crate) fn show_flags(flags: Flags) -> String {
    const LETTERS: [(Flags, char); 9] = [
        (Flags::FIN, 'F'),
        (Flags::SYN, 'S'),
        (Flags::RST, 'R'),
        (Flags::PSH, 'P'),
        (Flags::ACK, '.'),
        (Flags::URG, 'U'),
        (Flags::ECE, 'E'),
        (Flags::CWR, 'W'),
        (Flags::AE, 'A'),
    ];
    let letters: String =
        LETTERS.iter().filter(|(flag, _)| flags.contains(*flag)).map(|&(_, letter)| letter).collect();
    if letters.is_empty() { "-".into() } else { letters }
}

//! Packets in a script's notation and numbers.

use std::fmt::Write as _;

use faultwire_wire::{Body, Flags, Packet, Protocol, QuotedTransport, Segment, TcpOption};

use crate::mapping::Numbers;
use crate::syntax::flag_letters;

/// A packet of ours, without an arrow.
pub(crate) fn outbound(packet: &Packet, numbers: &Numbers) -> String {
    let ours = Side { numbers, ours: true };
    ours.packet(packet)
}

/// A packet of the peer, without an arrow.
pub(crate) fn inbound(packet: &Packet, numbers: &Numbers) -> String {
    let peers = Side { numbers, ours: false };
    peers.packet(packet)
}

/// The options of a segment of ours, in angle brackets; empty without any.
pub(crate) fn outbound_options(segment: &Segment, numbers: &Numbers) -> String {
    Side { numbers, ours: true }.options(segment)
}

/// Whose packets are shown.
struct Side<'a> {
    numbers: &'a Numbers,
    /// Sent by the stack under test.
    ours: bool,
}

impl Side<'_> {
    fn packet(&self, packet: &Packet) -> String {
        let mut text = match packet.ip.traffic_class & 3 {
            0 => String::new(),
            1 => "[ect1] ".into(),
            2 => "[ect0] ".into(),
            _ => "[ce] ".into(),
        };
        if packet.ip.traffic_class > 3 {
            let _ = write!(text, "(tos 0x{:02x}) ", packet.ip.traffic_class);
        }
        match &packet.body {
            Body::Tcp(segment) => self.segment(segment, &mut text),
            Body::Udp(datagram) => {
                let _ = write!(text, "udp ({})", datagram.payload.len());
            }
            Body::Icmp(message) => {
                let (kind, code) = kind_and_code(packet);
                let _ = write!(text, "icmp type {kind} code {code}");
                if let Ok(quote) = message.quote() {
                    self.quote(&quote.transport, &mut text);
                }
            }
            Body::Raw(octets) => {
                let _ = write!(text, "raw ({})", octets.len());
            }
        }
        text
    }

    fn segment(&self, segment: &Segment, text: &mut String) {
        let syn = segment.flags.contains(Flags::SYN);
        let seq = segment.seq.0.wrapping_sub(self.shift(self.ours, syn));
        let length = segment.payload.len();
        let end = seq.wrapping_add(length);
        let _ = write!(text, "{} {seq}:{end}({length})", flag_letters(segment.flags));
        if segment.flags.contains(Flags::ACK) {
            let _ = write!(text, " ack {}", segment.ack.0.wrapping_sub(self.shift(!self.ours, syn)));
        }
        let _ = write!(text, " win {}", segment.window);
        if segment.flags.contains(Flags::URG) {
            let _ = write!(text, " urg {}", segment.urgent);
        }
        if !segment.options.is_empty() {
            text.push(' ');
            text.push_str(&self.options(segment));
        }
    }

    /// What lies between the script's numbers of one side and those on the wire. Before our SYN was expected its number is
    /// shown as 0.
    fn shift(&self, ours: bool, syn: bool) -> u32 {
        if ours { self.numbers.local_shift(syn) } else { self.numbers.remote_shift(syn) }
    }

    fn options(&self, segment: &Segment) -> String {
        let octets = segment.options.as_bytes();
        if octets.is_empty() {
            return String::new();
        }
        let shift = self.shift(!self.ours, segment.flags.contains(Flags::SYN));
        let mut known = segment.options.iter();
        let mut words = Vec::new();
        let mut at = 0;
        while at < octets.len() {
            let taken = match octets[at] {
                0 => {
                    words.push("eol".to_owned());
                    1
                }
                1 => {
                    words.push("nop".to_owned());
                    1
                }
                _ => match known.next() {
                    Some(option) => {
                        words.push(self.option(&option, shift));
                        usize::from(octets[at + 1])
                    }
                    None => {
                        words.push(format!("{:02x?} (cut short)", &octets[at..]));
                        octets.len() - at
                    }
                },
            };
            at += taken;
        }
        format!("<{}>", words.join(","))
    }

    fn option(&self, option: &TcpOption<'_>, shift: u32) -> String {
        match *option {
            TcpOption::MaximumSegmentSize(octets) => format!("mss {octets}"),
            TcpOption::WindowScale(shift) => format!("wscale {shift}"),
            TcpOption::SackPermitted => "sackOK".into(),
            TcpOption::Sack(bytes) => {
                let edge = |at: &[u8]| u32::from_be_bytes([at[0], at[1], at[2], at[3]]).wrapping_sub(shift);
                bytes.chunks_exact(8).fold("sack".into(), |text, block| {
                    format!("{text} {}:{}", edge(block), edge(&block[4..]))
                })
            }
            TcpOption::Timestamps { value, echo } if self.ours => {
                let value = self.numbers.script_timestamp(value).unwrap_or(value);
                format!("TS val {value} ecr {echo}")
            }
            TcpOption::Timestamps { value, echo } => {
                let echo = self.numbers.script_timestamp(echo).filter(|_| echo != 0).unwrap_or(echo);
                format!("TS val {value} ecr {echo}")
            }
            TcpOption::FastOpen { cookie, experimental } => {
                let name = if experimental { "FOEXP" } else { "FO" };
                let hex = cookie.iter().map(|octet| format!("{octet:02x}"));
                hex.fold(format!("{name} "), |text, octet| text + &octet).trim_end().to_owned()
            }
            TcpOption::UserTimeout(field) => format!("uto 0x{field:04x}"),
            TcpOption::Unknown { kind, data } => {
                let hex = data.iter().map(|octet| format!("{octet:02x}"));
                hex.fold(format!("kind {kind} "), |text, octet| text + &octet).trim_end().to_owned()
            }
        }
    }

    /// A quote is of a packet that went the other way.
    fn quote(&self, transport: &QuotedTransport, text: &mut String) {
        let _ = match transport {
            QuotedTransport::Tcp { seq, .. } => {
                write!(text, " [{}:...]", seq.0.wrapping_sub(self.shift(!self.ours, false)))
            }
            QuotedTransport::Udp { .. } => write!(text, " [udp]"),
            QuotedTransport::Other(Protocol(number)) => write!(text, " [protocol {number}]"),
        };
    }
}

/// Type and code octets of an ICMP message.
pub(crate) fn kind_and_code(packet: &Packet) -> (u8, u8) {
    let octets = packet.encode();
    let at = packet.ip.length();
    (octets[at], octets[at + 1])
}

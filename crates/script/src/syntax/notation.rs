//! The way back: packets, options and times in the notation of scripts, for messages and for export.

use std::fmt;

use faultwire_base::Duration;
use faultwire_wire::Flags;

use super::tree::{
    BodySpec, EcnSpec, IcmpSpec, IpSpec, OptionSpec, OptionsSpec, PacketSpec, QuoteSpec, SequenceSpec,
    TcpSpec, Time,
};

/// The letters of control bits: `S`, `P.`, `SEWA`; `-` if there is none.
pub fn flag_letters(flags: Flags) -> String {
    const LETTERS: [(char, Flags); 9] = [
        ('F', Flags::FIN),
        ('S', Flags::SYN),
        ('R', Flags::RST),
        ('P', Flags::PSH),
        ('U', Flags::URG),
        ('E', Flags::ECE),
        ('W', Flags::CWR),
        ('A', Flags::AE),
        ('.', Flags::ACK),
    ];
    let letters: String =
        LETTERS.iter().filter(|(_, bit)| flags.contains(*bit)).map(|(letter, _)| *letter).collect();
    if letters.is_empty() { "-".to_owned() } else { letters }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Absolute(at) => write!(f, "{}", Seconds(at)),
            Self::Relative(after) => write!(f, "+{}", Seconds(after)),
            Self::AbsoluteRange(from, to) => write!(f, "{}~{}", Seconds(from), Seconds(to)),
            Self::RelativeRange(from, to) => write!(f, "+{}~+{}", Seconds(from), Seconds(to)),
            Self::Any => write!(f, "*"),
            Self::AbsoluteBlocking(from, to) => write!(f, "{}...{}", Seconds(from), Seconds(to)),
            Self::RelativeBlocking(from, to) => write!(f, "+{}...{}", Seconds(from), Seconds(to)),
        }
    }
}

/// Seconds with three digits behind the point, or as many more as they need.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let (seconds, fraction) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
        if fraction % 1_000_000 == 0 {
            return write!(f, "{seconds}.{:03}", fraction / 1_000_000);
        }
        let digits = format!("{fraction:09}");
        write!(f, "{seconds}.{}", digits.trim_end_matches('0'))
    }
}

impl fmt::Display for PacketSpec {
    /// Without the direction mark.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.encapsulation.as_deref().unwrap_or_default();
        let behind = words.find("/udp(").unwrap_or(words.len());
        let (before, behind) = words.split_at(behind);
        if self.ip != IpSpec::default() {
            write!(f, "{} ", self.ip)?;
        }
        if !before.trim_end().is_empty() {
            write!(f, "{} ", before.trim_end())?;
        }
        if let Some((source, destination)) = self.ports {
            write!(f, "{source} > {destination} ")?;
        }
        write!(f, "{}", self.body)?;
        if !behind.is_empty() {
            write!(f, " {behind}")?;
        }
        Ok(())
    }
}

impl fmt::Display for IpSpec {
    /// One group in brackets; nothing if nothing is said.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ecn = self.ecn.map(|ecn| match ecn {
            EcnSpec::NotEct => "noecn".to_owned(),
            EcnSpec::Ect0 => "ect0".to_owned(),
            EcnSpec::Ect1 => "ect1".to_owned(),
            EcnSpec::Ect01 => "ect01".to_owned(),
            EcnSpec::Ce => "ce".to_owned(),
        });
        let class = self.traffic_class.map(|class| format!("tos {class:#04x}"));
        let hops = self.hop_limit.map(|hops| format!("ttl {hops}"));
        let label = self.flow_label.map(|label| format!("flowlabel {label:#x}"));
        let fields: Vec<String> = [ecn, class, hops, label].into_iter().flatten().collect();
        if fields.is_empty() { Ok(()) } else { write!(f, "[{}]", fields.join(", ")) }
    }
}

impl fmt::Display for BodySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(segment) => segment.fmt(f),
            Self::Udp { length } => write!(f, "udp ({length})"),
            Self::Icmp(message) => message.fmt(f),
        }
    }
}

impl fmt::Display for TcpSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ace {
            Some(ace) => {
                let letters = flag_letters(self.flags.without(Flags::ECE | Flags::CWR | Flags::AE));
                write!(f, "{}{ace} ", letters.trim_start_matches('-'))?;
            }
            None => write!(f, "{} ", flag_letters(self.flags))?,
        }
        range(f, self.sequence, self.length)?;
        if let Some(acknowledgment) = self.acknowledgment {
            write!(f, " ack {acknowledgment}")?;
        }
        if let Some(window) = self.window {
            write!(f, " win {window}")?;
        }
        if let Some(urgent) = self.urgent {
            write!(f, " urg {urgent}")?;
        }
        match &self.options {
            OptionsSpec::These(options) if options.is_empty() => Ok(()),
            options => write!(f, " {options}"),
        }
    }
}

/// `1:1001(1000)` and its other forms.
fn range(f: &mut fmt::Formatter<'_>, sequence: SequenceSpec, length: u16) -> fmt::Result {
    let end = |start: u32| start.wrapping_add(u32::from(length));
    match sequence {
        SequenceSpec::Relative(start) => write!(f, "{start}:{}({length})", end(start)),
        SequenceSpec::Absolute(start) => write!(f, "{start}:{}({length})!", end(start)),
        SequenceSpec::Any => write!(f, "...({length})"),
    }
}

impl fmt::Display for OptionsSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::These(options) = self else { return write!(f, "<...>") };
        let options: Vec<String> = options.iter().map(ToString::to_string).collect();
        write!(f, "<{}>", options.join(","))
    }
}

impl fmt::Display for OptionSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoOperation => write!(f, "nop"),
            Self::EndOfList => write!(f, "eol"),
            Self::MaximumSegmentSize(size) => write!(f, "mss {size}"),
            Self::WindowScale(shift) => write!(f, "wscale {shift}"),
            Self::SackPermitted => write!(f, "sackOK"),
            Self::Sack(blocks) => {
                write!(f, "sack")?;
                blocks.iter().try_for_each(|(left, right)| write!(f, " {left}:{right}"))
            }
            Self::Timestamps { value, echo, literal_echo } => {
                let mark = if *literal_echo { "!" } else { "" };
                match value {
                    Some(value) => write!(f, "TS val {value} ecr {echo}{mark}"),
                    None => write!(f, "TS val ... ecr {echo}{mark}"),
                }
            }
            Self::FastOpen(cookie) => named_octets(f, "FO", cookie),
            Self::FastOpenExperimental(cookie) => named_octets(f, "FOEXP", cookie),
            Self::Md5(Some(digest)) => named_octets(f, "md5", digest),
            Self::Md5(None) => write!(f, "md5 valid"),
            Self::AccurateEcn { kind, data } => counters(f, *kind, data),
            Self::Unknown { kind, data } => named_octets(f, &format!("kind {kind}"), data),
        }
    }
}

/// A name and octets in hexadecimal digits.
fn named_octets(f: &mut fmt::Formatter<'_>, name: &str, octets: &[u8]) -> fmt::Result {
    write!(f, "{name}")?;
    if !octets.is_empty() {
        write!(f, " ")?;
    }
    octets.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
}

/// AccECN counters in the order of their kind (RFC 9768 §3.2.3); a length that the notation has not is shown as octets.
fn counters(f: &mut fmt::Formatter<'_>, kind: u8, data: &[u8]) -> fmt::Result {
    let names = match kind {
        172 => ["e0b", "ceb", "e1b"],
        174 if !data.is_empty() => ["e1b", "ceb", "e0b"],
        _ => return named_octets(f, &format!("kind {kind}"), data),
    };
    if !data.len().is_multiple_of(3) || data.len() > 9 {
        return named_octets(f, &format!("kind {kind}"), data);
    }
    write!(f, "ECN")?;
    names.iter().zip(data.chunks(3)).try_for_each(|(name, octets)| {
        let count = octets.iter().fold(0_u32, |count, octet| count << 8 | u32::from(*octet));
        write!(f, " {name} {count}")
    })
}

impl fmt::Display for IcmpSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "icmp {}", self.kind)?;
        if let Some(code) = &self.code {
            write!(f, " {code}")?;
        }
        if let Some(mtu) = self.mtu {
            write!(f, " mtu {mtu}")?;
        }
        if let Some(identifier) = self.identifier {
            write!(f, " id {identifier}")?;
        }
        match self.quote {
            Some(QuoteSpec::Tcp { sequence, length }) => {
                write!(f, " [")?;
                range(f, sequence, length)?;
                write!(f, "]")
            }
            Some(QuoteSpec::Udp { length }) => write!(f, " [udp ({length})]"),
            None => Ok(()),
        }
    }
}

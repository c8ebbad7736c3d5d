//! What was sent against what the script expects, field by field.

mod join;

use faultwire_base::{Duration, Instant};
use faultwire_wire::{Body, EcnCodepoint, Flags, IpHeader, Options, Packet, Payload, Segment};

use crate::icmp;
use crate::mapping::{self, Numbers};
use crate::notation;
use crate::problem::Problem;
use crate::rules::Rules;
use crate::settings::PshRule;
use crate::syntax::flag_letters;
use crate::syntax::tree::{
    BodySpec, EcnSpec, IcmpSpec, IpSpec, OptionSpec, OptionsSpec, PacketSpec, SequenceSpec, TcpSpec,
};

pub(crate) use join::{Joined, join};

/// Compares a packet that was sent at `at` with the expected one; each difference is one line. What the packet tells of
/// our ISN and our timestamps is noted in `numbers`.
///
/// # Errors
/// What in the script is not known here.
pub(crate) fn compare(
    spec: &PacketSpec,
    (at, packet): (Instant, &Packet),
    numbers: &mut Numbers,
    rules: &Rules,
) -> Result<Vec<String>, Problem> {
    let mut found = Differences::default();
    compare_ip(&spec.ip, &packet.ip, &mut found);
    match (&spec.body, &packet.body) {
        (BodySpec::Tcp(spec), Body::Tcp(segment)) => {
            compare_segment(spec, segment, numbers, rules, &mut found);
            compare_timestamps(spec, segment, at, numbers, rules, &mut found);
            compare_options(&spec.options, segment, numbers, &mut found)?;
        }
        (BodySpec::Udp { length }, Body::Udp(datagram)) => {
            found.number("data octets", u32::from(*length), datagram.payload.len());
            compare_data(&datagram.payload, &mut found);
        }
        (BodySpec::Icmp(spec), Body::Icmp(_)) => {
            compare_message(spec, packet, &mut found)?;
        }
        (BodySpec::Tcp(_), _) => found.add("protocol: expected TCP, it is another"),
        (BodySpec::Udp { .. }, _) => found.add("protocol: expected UDP, it is another"),
        (BodySpec::Icmp(_), _) => found.add("protocol: expected ICMP, it is another"),
    }
    Ok(found.lines)
}

/// Differences, one a line.
#[derive(Debug, Default)]
struct Differences {
    lines: Vec<String>,
}

impl Differences {
    fn add(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    fn number(&mut self, what: &str, expected: u32, actual: u32) {
        if expected != actual {
            self.add(format!("{what}: expected {expected}, it is {actual}"));
        }
    }
}

/// Only what is written is compared.
fn compare_ip(spec: &IpSpec, ip: &IpHeader, found: &mut Differences) {
    if let Some(expected) = spec.ecn {
        let actual = ip.ecn();
        let allowed = match expected {
            EcnSpec::NotEct => actual == EcnCodepoint::NotEct,
            EcnSpec::Ect0 => actual == EcnCodepoint::Ect0,
            EcnSpec::Ect1 => actual == EcnCodepoint::Ect1,
            EcnSpec::Ect01 => matches!(actual, EcnCodepoint::Ect0 | EcnCodepoint::Ect1),
            EcnSpec::Ce => actual == EcnCodepoint::Ce,
        };
        if !allowed {
            found.add(format!(
                "ECN bits: expected {}, they are {}",
                ecn_word(expected),
                codepoint_word(actual)
            ));
        }
    }
    if let Some(expected) = spec.traffic_class.filter(|&class| class != ip.traffic_class) {
        found.add(format!("traffic class: expected 0x{expected:02x}, it is 0x{:02x}", ip.traffic_class));
    }
    if let Some(expected) = spec.hop_limit {
        found.number("hop limit", u32::from(expected), u32::from(ip.hop_limit));
    }
}

fn compare_segment(
    spec: &TcpSpec,
    segment: &Segment,
    numbers: &mut Numbers,
    rules: &Rules,
    found: &mut Differences,
) {
    let expected = mapping::flags(spec);
    let ignored = if rules.psh == PshRule::Lenient { Flags::PSH } else { Flags::NONE };
    if expected.without(ignored) != segment.flags.without(ignored) {
        let (expected, actual) = (flag_letters(expected), flag_letters(segment.flags));
        found.add(format!("flags: expected {expected}, they are {actual}"));
    }
    let syn = segment.flags.contains(Flags::SYN);
    match spec.sequence {
        SequenceSpec::Relative(script) => {
            if syn && expected.contains(Flags::SYN) && !numbers.knows_local_isn() {
                numbers.set_local_isn(script, segment.seq);
            }
            let shift = numbers.local_shift(syn);
            found.number("sequence number", script, segment.seq.0.wrapping_sub(shift));
        }
        SequenceSpec::Absolute(live) => found.number("sequence number on the wire", live, segment.seq.0),
        SequenceSpec::Any => {}
    }
    let acknowledges = expected.contains(Flags::ACK) && segment.flags.contains(Flags::ACK);
    let shift = if acknowledges { numbers.remote_shift(syn) } else { 0 };
    let acknowledgment = spec.acknowledgment.unwrap_or(0);
    found.number("acknowledgment number", acknowledgment, segment.ack.0.wrapping_sub(shift));
    found.number("data octets", u32::from(spec.length), segment.payload.len());
    if let Some(window) = spec.window {
        found.number("window", u32::from(window), u32::from(segment.window));
    }
    found.number("urgent pointer", u32::from(spec.urgent.unwrap_or(0)), u32::from(segment.urgent));
    compare_data(&segment.payload, found);
}

/// Kinds, order, lengths and octets, padding too; timestamps only by their place.
fn compare_options(
    spec: &OptionsSpec,
    segment: &Segment,
    numbers: &Numbers,
    found: &mut Differences,
) -> Result<(), Problem> {
    let OptionsSpec::These(written) = spec else { return Ok(()) };
    let stamps = segment.options.timestamps().unwrap_or((0, 0));
    let shift = numbers.remote_shift(segment.flags.contains(Flags::SYN));
    let mut expected = Vec::with_capacity(Options::CAPACITY);
    for option in written {
        match option {
            OptionSpec::Timestamps { .. } => mapping::push_timestamps(stamps.0, stamps.1, &mut expected),
            OptionSpec::Md5(_) => {
                return Err(Problem::Unknown("md5: this stack does not sign its segments".into()));
            }
            option => mapping::push(option, shift, &mut expected)?,
        }
    }
    // RFC 9293 §3.1: a header is padded with zeros to whole words, which are ends of the list.
    expected.resize(expected.len().next_multiple_of(4), 0);
    let octets = segment.options.as_bytes();
    let padding = segment.options.padded_length() - octets.len();
    let same = expected.len() == octets.len() + padding
        && expected.starts_with(octets)
        && expected[octets.len()..].iter().all(|&octet| octet == 0);
    if !same {
        let shown = notation::outbound_options(segment, numbers);
        let shown = if shown.is_empty() { "none".to_owned() } else { shown };
        let written = if written.is_empty() { "none".to_owned() } else { spec.to_string() };
        found.add(format!("options: expected {written}, they are {shown}"));
    }
    Ok(())
}

/// Values as far as the script's options ask for it, echoes only if everything is looked at.
fn compare_timestamps(
    spec: &TcpSpec,
    segment: &Segment,
    at: Instant,
    numbers: &mut Numbers,
    rules: &Rules,
    found: &mut Differences,
) {
    let OptionsSpec::These(options) = &spec.options else { return };
    let Some((live, live_echo)) = segment.options.timestamps() else { return };
    for option in options {
        let OptionSpec::Timestamps { value, echo, .. } = *option else { continue };
        if rules.strict {
            found.number("TS ecr", echo, live_echo);
        }
        let Some(value) = value else { continue };
        let actual = numbers.script_timestamp(live).unwrap_or(value);
        let off = u64::from(actual.wrapping_sub(value).min(value.wrapping_sub(actual)));
        let allowed = rules.tolerance.over(at.saturating_since(Instant::ZERO));
        let ticks = rules.timestamp_tick.as_nanos();
        if ticks > 0 && off.saturating_mul(ticks) > allowed.as_nanos() {
            let allowed = Duration::from_nanos(allowed.as_nanos());
            found.add(format!(
                "TS val: expected {value} (give or take {} of its ticks), it is {actual}",
                allowed.as_nanos() / ticks
            ));
        }
        numbers.note_timestamp(value, live);
    }
}

fn compare_data(payload: &Payload, found: &mut Differences) {
    let zeros = matches!(payload, Payload::Zeros { .. }) || payload.to_vec().iter().all(|&octet| octet == 0);
    if !zeros {
        found.add("data: expected zeros, there is something else");
    }
}

/// Type and code only.
fn compare_message(spec: &IcmpSpec, packet: &Packet, found: &mut Differences) -> Result<(), Problem> {
    let expected = icmp::kind_and_code(spec, packet.ip.source.is_ipv6())?;
    let actual = notation::kind_and_code(packet);
    found.number("ICMP type", u32::from(expected.0), u32::from(actual.0));
    found.number("ICMP code", u32::from(expected.1), u32::from(actual.1));
    Ok(())
}

fn ecn_word(spec: EcnSpec) -> &'static str {
    match spec {
        EcnSpec::NotEct => "noecn",
        EcnSpec::Ect0 => "ect0",
        EcnSpec::Ect1 => "ect1",
        EcnSpec::Ect01 => "ect01",
        EcnSpec::Ce => "ce",
    }
}

fn codepoint_word(codepoint: EcnCodepoint) -> &'static str {
    match codepoint {
        EcnCodepoint::NotEct => "noecn",
        EcnCodepoint::Ect0 => "ect0",
        EcnCodepoint::Ect1 => "ect1",
        EcnCodepoint::Ce => "ce",
    }
}

//! Changes a script in one place.

use faultwire_base::Duration;
use faultwire_script::syntax::tree::{
    Action, BodySpec, Call, EcnSpec, Event, ExpressionKind, OptionSpec, OptionsSpec, PacketSpec, Script,
    SequenceSpec, TcpSpec, Time,
};

use crate::sites::{Change, Site};

/// Changes it, and says how.
pub(crate) fn apply(script: &mut Script, site: &Site) -> String {
    let tolerance = tolerance(script);
    match site.change {
        Change::Dropped => {
            let event = script.events.remove(site.event);
            if let Some(next) = script.events.get_mut(site.event) {
                wait_too(next, event.time);
            }
            return format!("left out: {}", event.text);
        }
        Change::Doubled => {
            let mut again = script.events[site.event].clone();
            again.time = Time::Relative(Duration::ZERO);
            let text = format!("twice: {}", again.text);
            script.events.insert(site.event + 1, again);
            return text;
        }
        _ => {}
    }
    let event = &mut script.events[site.event];
    let said = match &mut event.action {
        _ if site.change == Change::Time => later(event, tolerance),
        Action::Outbound(packet) => in_packet(packet, &site.change),
        Action::Call(call) => in_call(call, &site.change),
        Action::Command(command) => {
            let (before, count) = command.text.rsplit_once(' ').expect("a state check ends with a count");
            let said = format!("a count that is not {count}");
            command.text = format!("{before} {}", if count == "0" { "1" } else { "0" });
            said
        }
        Action::Code(code) => {
            let Change::Assertion(nth) = site.change else {
                unreachable!("nothing else in a snippet changes")
            };
            code.text = with_other_number(&code.text, nth);
            format!("assertion: {}", code.text.trim())
        }
        Action::Inbound(_) => unreachable!("what the peer sends is no expectation"),
    };
    format!("{said}: {}", event.text)
}

/// What came after an event that is left out keeps its time.
fn wait_too(next: &mut Event, gap: Time) {
    let gap = match gap {
        Time::Relative(gap) | Time::RelativeRange(_, gap) => gap,
        _ => return,
    };
    next.time = match next.time {
        Time::Relative(after) => Time::Relative(after + gap),
        Time::RelativeRange(low, high) => Time::RelativeRange(low + gap, high + gap),
        Time::RelativeBlocking(start, end) => Time::RelativeBlocking(start + gap, end + gap),
        absolute => absolute,
    };
}

/// What the script allows at least, in nanoseconds.
fn tolerance(script: &Script) -> u64 {
    let written = script.options.iter().rev().find(|option| option.name == "tolerance_usecs");
    let micros: u64 = written.map_or(4_000, |option| option.value.parse().expect("a number"));
    micros * 1_000
}

/// Later than any tolerance has it.
fn later(event: &mut Event, tolerance: u64) -> String {
    let later = |time: Duration| {
        let nanos = time.as_nanos();
        Duration::from_nanos(nanos + nanos / 4 + 2 * tolerance + 1_000_000_000)
    };
    event.time = match event.time {
        Time::Absolute(at) => Time::Absolute(later(at)),
        Time::Relative(gap) => Time::Relative(later(gap)),
        Time::AbsoluteRange(low, high) => Time::AbsoluteRange(later(high), later(later(high.max(low)))),
        Time::RelativeRange(low, high) => Time::RelativeRange(later(high), later(later(high.max(low)))),
        Time::AbsoluteBlocking(start, end) => Time::AbsoluteBlocking(start, later(end)),
        Time::RelativeBlocking(start, end) => Time::RelativeBlocking(start, later(end)),
        Time::Any => unreachable!("any time is no expectation"),
    };
    "later".into()
}

fn in_packet(packet: &mut PacketSpec, change: &Change) -> String {
    match (&mut packet.body, change) {
        (_, Change::IpHeader) => {
            if let Some(ecn) = &mut packet.ip.ecn {
                *ecn = if *ecn == EcnSpec::Ce { EcnSpec::NotEct } else { EcnSpec::Ce };
            } else if let Some(class) = &mut packet.ip.traffic_class {
                *class ^= 0x10;
            } else if let Some(hops) = &mut packet.ip.hop_limit {
                *hops = hops.wrapping_add(1);
            }
            "IP header".into()
        }
        (BodySpec::Udp { length }, Change::Length) => {
            *length += 1;
            "length + 1".into()
        }
        (BodySpec::Tcp(segment), change) => in_segment(segment, change),
        _ => unreachable!("nothing else in a packet changes"),
    }
}

fn in_segment(segment: &mut TcpSpec, change: &Change) -> String {
    match change {
        Change::Flag(flag) => {
            let flags = segment.flags;
            segment.flags = if flags.contains(*flag) { flags.without(*flag) } else { flags | *flag };
            format!("flag {flag}")
        }
        Change::Sequence => {
            match &mut segment.sequence {
                SequenceSpec::Relative(sequence) | SequenceSpec::Absolute(sequence) => {
                    *sequence = sequence.wrapping_add(1);
                }
                SequenceSpec::Any => unreachable!("any number is no expectation"),
            }
            "seq + 1".into()
        }
        Change::Length => {
            segment.length += 1;
            "length + 1".into()
        }
        Change::Acknowledgment => {
            segment.acknowledgment = segment.acknowledgment.map(|number| number.wrapping_add(1));
            "ack + 1".into()
        }
        Change::Window => {
            segment.window = segment.window.map(|window| window ^ 1);
            "another win".into()
        }
        Change::Urgent => {
            segment.urgent = segment.urgent.map(|urgent| urgent ^ 1);
            "another urg".into()
        }
        change => {
            let OptionsSpec::These(options) = &mut segment.options else { unreachable!("options were seen") };
            in_options(options, change)
        }
    }
}

fn in_options(options: &mut Vec<OptionSpec>, change: &Change) -> String {
    match *change {
        Change::OptionAdded => {
            options.push(OptionSpec::NoOperation);
            "one nop more".into()
        }
        Change::OptionDropped(index) => format!("without {:?}", options.remove(index)),
        Change::OptionOrder(index) => {
            options.swap(index, index + 1);
            format!("options {index} and {} swapped", index + 1)
        }
        Change::OptionValue(index) => {
            match &mut options[index] {
                OptionSpec::MaximumSegmentSize(size) => *size ^= 1,
                OptionSpec::WindowScale(shift) => *shift ^= 1,
                OptionSpec::FastOpen(octets)
                | OptionSpec::FastOpenExperimental(octets)
                | OptionSpec::AccurateEcn { data: octets, .. }
                | OptionSpec::Unknown { data: octets, .. } => octets[0] ^= 1,
                other => unreachable!("{other:?} has no value that is compared"),
            }
            format!("{:?}", options[index])
        }
        Change::SackEdge { option, block, right } => {
            let OptionSpec::Sack(blocks) = &mut options[option] else { unreachable!("SACK was seen") };
            let (low, high) = &mut blocks[block];
            let edge = if right { high } else { low };
            *edge = edge.wrapping_add(1);
            format!("{:?}", options[option])
        }
        _ => unreachable!("no change of options"),
    }
}

fn in_call(call: &mut Call, change: &Change) -> String {
    match *change {
        Change::Result => {
            let result = call.result.as_mut().expect("a result was seen");
            let ExpressionKind::Integer(number) = &mut result.kind else { unreachable!("a number was seen") };
            // Any descriptor stands for any other, so only a failure differs.
            *number = match *number {
                -1 => 0,
                _ if makes_descriptor(&call.name) => -1,
                0 => -1,
                number => number + 1,
            };
            format!("result {number}")
        }
        Change::Errno => {
            let other = if call.errno.as_deref() == Some("EPIPE") { "EINVAL" } else { "EPIPE" };
            call.errno = Some(other.into());
            other.into()
        }
        Change::OptionRead => {
            let value = item(call, 3, 0);
            *value = match *value {
                ExpressionKind::Integer(number) => ExpressionKind::Integer(number + 1),
                _ => ExpressionKind::Integer(1_000_001),
            };
            format!("value {value:?}")
        }
        Change::Revents(index) => {
            let ExpressionKind::Structure(fields) = item(call, 0, index) else {
                unreachable!("poll has structures")
            };
            let revents = fields.iter_mut().find(|field| field.name == "revents");
            let value = &mut revents.expect("poll says what it gives").value.kind;
            *value = match value {
                ExpressionKind::Integer(0) => ExpressionKind::Symbol("POLLIN".into()),
                _ => ExpressionKind::Integer(0),
            };
            format!("revents {value:?}")
        }
        _ => unreachable!("no change of a call"),
    }
}

fn makes_descriptor(name: &str) -> bool {
    matches!(
        name,
        "socket" | "accept" | "accept4" | "epoll_create" | "epoll_create1" | "open" | "pipe" | "dup"
    )
}

/// An item of a list that is an argument.
fn item(call: &mut Call, argument: usize, index: usize) -> &mut ExpressionKind {
    let ExpressionKind::List(items) = &mut call.arguments[argument].kind else {
        unreachable!("a list was seen")
    };
    &mut items[index].kind
}

/// The text with something else after its n-th `==`.
fn with_other_number(text: &str, nth: usize) -> String {
    let (at, _) = text.match_indices("== ").nth(nth).expect("it was counted");
    let (before, after) = text.split_at(at + 3);
    let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
    format!("{before}1000001{}", &after[end..])
}

//! Where a script can be changed so that it must fail.

use faultwire_base::Duration;
use faultwire_script::syntax::tree::{
    Action, BodySpec, Call, Event, ExpressionKind, IpSpec, OptionSpec, OptionsSpec, Script, SequenceSpec,
    TcpSpec, Time,
};
use faultwire_wire::Flags;

/// One place that can be changed.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// Index of the event.
    pub(crate) event: usize,
    pub(crate) change: Change,
}

/// What is changed there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The letter of one flag, on or off.
    Flag(Flags),
    Sequence,
    Length,
    Acknowledgment,
    Window,
    Urgent,
    /// The value of the option at this index.
    OptionValue(usize),
    /// The option at this index and the next change places.
    OptionOrder(usize),
    OptionDropped(usize),
    /// A NOP more at the end.
    OptionAdded,
    /// The left or right edge of a block of the SACK option at this index.
    SackEdge {
        option: usize,
        block: usize,
        right: bool,
    },
    /// What is said of the IP header.
    IpHeader,
    /// Beyond any tolerance.
    Time,
    /// What a call returns.
    Result,
    Errno,
    /// The value that `getsockopt` must give.
    OptionRead,
    /// What `poll` must tell of the descriptor at this index.
    Revents(usize),
    /// The number after the n-th `==` of a snippet.
    Assertion(usize),
    /// The count of a state check.
    StateCount,
    /// The event is left out.
    Dropped,
    /// The event comes twice.
    Doubled,
}

/// All of them, in the order of the script.
pub(crate) fn sites(script: &Script) -> Vec<Site> {
    let mut sites = Vec::new();
    for (index, event) in script.events.iter().enumerate() {
        let mut changes = changes(event);
        // A script that ends before a packet is due never sees it.
        let is_last = index + 1 == script.events.len();
        let waits = !matches!(event.time, Time::Relative(Duration::ZERO));
        changes.retain(|change| *change != Change::Dropped || !waits || !is_last && event.time != Time::Any);
        sites.extend(changes.into_iter().map(|change| Site { event: index, change }));
    }
    sites
}

fn changes(event: &Event) -> Vec<Change> {
    let mut changes = Vec::new();
    match &event.action {
        Action::Outbound(packet) => {
            if event.time != Time::Any {
                changes.push(Change::Time);
            }
            changes.extend([Change::Dropped, Change::Doubled]);
            if packet.ip != IpSpec::default() && packet.ip.flow_label.is_none() {
                changes.push(Change::IpHeader);
            }
            match &packet.body {
                BodySpec::Tcp(segment) => of_segment(segment, &mut changes),
                BodySpec::Udp { .. } => changes.push(Change::Length),
                BodySpec::Icmp(_) => {}
            }
        }
        Action::Call(call) => {
            if matches!(event.time, Time::AbsoluteBlocking(..) | Time::RelativeBlocking(..)) {
                changes.push(Change::Time);
            }
            of_call(call, &mut changes);
        }
        Action::Command(command) if command.text.contains("grep -c") => changes.push(Change::StateCount),
        Action::Code(code) => {
            let equalities = code.text.matches("== ").count();
            changes.extend((0..equalities).map(Change::Assertion));
        }
        Action::Inbound(_) | Action::Command(_) => {}
    }
    changes
}

/// The number of a SYN is left alone: it only says how the script counts.
fn of_segment(segment: &TcpSpec, changes: &mut Vec<Change>) {
    let flags =
        [Flags::FIN, Flags::SYN, Flags::RST, Flags::PSH, Flags::ACK, Flags::URG, Flags::ECE, Flags::CWR];
    let has_count = segment.ace.is_some();
    let is_count = |flag: &Flags| has_count && (*flag == Flags::ECE || *flag == Flags::CWR);
    changes.extend(flags.into_iter().filter(|flag| !is_count(flag)).map(Change::Flag));
    if segment.sequence != SequenceSpec::Any && !segment.flags.contains(Flags::SYN) {
        changes.push(Change::Sequence);
    }
    changes.push(Change::Length);
    let optional = [
        (segment.acknowledgment.is_some(), Change::Acknowledgment),
        (segment.window.is_some(), Change::Window),
        (segment.urgent.is_some(), Change::Urgent),
    ];
    changes.extend(optional.into_iter().filter(|(written, _)| *written).map(|(_, change)| change));
    if let OptionsSpec::These(options) = &segment.options {
        of_options(options, changes);
    }
}

/// Timestamps are compared only where a script asks for it, and the echo never.
fn of_options(options: &[OptionSpec], changes: &mut Vec<Change>) {
    changes.push(Change::OptionAdded);
    for (index, option) in options.iter().enumerate() {
        // The end of the list is a zero, and so is what the header is filled up with.
        if *option != OptionSpec::EndOfList {
            changes.push(Change::OptionDropped(index));
        }
        if options.get(index + 1).is_some_and(|next| next != option) {
            changes.push(Change::OptionOrder(index));
        }
        match option {
            OptionSpec::MaximumSegmentSize(_) | OptionSpec::WindowScale(_) => {
                changes.push(Change::OptionValue(index));
            }
            OptionSpec::FastOpen(cookie) | OptionSpec::FastOpenExperimental(cookie) if !cookie.is_empty() => {
                changes.push(Change::OptionValue(index));
            }
            OptionSpec::Unknown { data, .. } | OptionSpec::AccurateEcn { data, .. } if !data.is_empty() => {
                changes.push(Change::OptionValue(index));
            }
            OptionSpec::Sack(blocks) => {
                for block in 0..blocks.len() {
                    let edge = |right| Change::SackEdge { option: index, block, right };
                    changes.extend([edge(false), edge(true)]);
                }
            }
            _ => {}
        }
    }
}

fn of_call(call: &Call, changes: &mut Vec<Change>) {
    if call.result.as_ref().is_some_and(|result| matches!(result.kind, ExpressionKind::Integer(_))) {
        changes.push(Change::Result);
    }
    if call.errno.is_some() {
        changes.push(Change::Errno);
    }
    let list = |index: usize| match call.arguments.get(index).map(|argument| &argument.kind) {
        Some(ExpressionKind::List(items)) => &items[..],
        _ => &[],
    };
    match call.name.as_str() {
        "getsockopt" => {
            let compared = |kind: &ExpressionKind| {
                matches!(kind, ExpressionKind::Integer(_) | ExpressionKind::Symbol(_))
            };
            if list(3).first().is_some_and(|value| compared(&value.kind)) {
                changes.push(Change::OptionRead);
            }
        }
        "poll" => changes.extend((0..list(0).len()).map(Change::Revents)),
        _ => {}
    }
}

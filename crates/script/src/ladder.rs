//! Everything that happened while a script was played, to be written as a ladder.

use std::fmt::Write as _;

use faultwire_base::Instant;
use faultwire_host::HostEvent;
use faultwire_wire::{Cause, Packet, Reason, TimerKind};

use crate::mapping::Numbers;
use crate::notation;
use crate::rules::Seconds;
use crate::tracking::Tracking;

/// What happened, in order. It is written at the end, when all numbers are known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ladder {
    rungs: Vec<(Instant, Rung)>,
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub(crate) enum Rung {
    /// The peer's packet arrived, on the connection at that place in [`Tracking`].
    Received(Box<Packet>, Option<usize>),
    /// The stack sent a packet, on the connection at that place.
    Sent(Box<Packet>, Option<usize>),
    /// A call, a command or code of the script, as written.
    Did(String),
    /// The stack told that.
    Told(Box<HostEvent>),
    /// Something else.
    Note(String),
}

impl Ladder {
    /// That happened then.
    pub(crate) fn push(&mut self, at: Instant, rung: Rung) {
        self.rungs.push((at, rung));
    }

    /// All of it, each line with a line feed.
    pub(crate) fn write(&self, tracking: &Tracking) -> String {
        self.lines(0, tracking)
    }

    /// The last `count` lines or a few more, each with a line feed.
    pub(crate) fn tail(&self, count: usize, tracking: &Tracking) -> String {
        self.lines(self.rungs.len().saturating_sub(count), tracking)
    }

    fn lines(&self, from: usize, tracking: &Tracking) -> String {
        let numbers: Vec<Numbers> = tracking.all().iter().map(|tracked| tracked.shown_numbers()).collect();
        let unknown = Numbers::default();
        let of = |index: &Option<usize>| index.map_or(&unknown, |index| &numbers[index]);
        let mut text = String::new();
        for (at, rung) in &self.rungs[from..] {
            let (kind, what) = match rung {
                Rung::Received(packet, index) => ("<", notation::inbound(packet, of(index))),
                Rung::Sent(packet, index) => {
                    let mut what = notation::outbound(packet, of(index));
                    if index.is_none() {
                        what.push_str("  (of no connection of the script)");
                    }
                    if let Some(why) = why(packet) {
                        let _ = write!(what, "  ({why})");
                    }
                    (">", what)
                }
                Rung::Did(what) => ("-", what.clone()),
                Rung::Told(event) => match told(event) {
                    Some(what) => ("*", what),
                    None => continue,
                },
                Rung::Note(what) => ("!", what.clone()),
            };
            let _ = writeln!(text, "{:>12} {kind} {what}", Seconds::of(*at).to_string());
        }
        text
    }
}

/// What a reader of the ladder is told of an event of the stack.
fn told(event: &HostEvent) -> Option<String> {
    match event {
        HostEvent::StateChanged { from, to, cause, .. } => Some(match cause {
            Cause::Timer(kind) => format!("{from} -> {to} ({})", timer(*kind)),
            _ => format!("{from} -> {to}"),
        }),
        HostEvent::ConnectionFailed { error, .. } => Some(format!("the connection failed: {error}")),
        HostEvent::Dropped { reason, .. } => Some(format!("dropped: {reason}")),
        HostEvent::SoftError { error, .. } => Some(format!("soft error: {error:?}")),
        HostEvent::Urgent { remaining, .. } => Some(format!("urgent data, {remaining} octets ahead")),
        HostEvent::Ready { .. } | HostEvent::ConnectionOpened { .. } | HostEvent::ConnectionGone { .. } => {
            None
        }
    }
}

/// Why a packet was sent, where that does not go without saying.
fn why(packet: &Packet) -> Option<String> {
    let word = match packet.tag.reason {
        Reason::Unknown
        | Reason::Syn
        | Reason::SynAck
        | Reason::HandshakeAck
        | Reason::Data
        | Reason::Fin
        | Reason::Ack
        | Reason::Datagram => None,
        Reason::LimitedTransmit => Some("limited transmit"),
        Reason::TimeoutRetransmission => Some("retransmission after a timeout"),
        Reason::FastRetransmission => Some("fast retransmission"),
        Reason::TailLossProbe => Some("tail loss probe"),
        Reason::DelayedAck => Some("delayed ACK"),
        Reason::DuplicateAck => Some("duplicate ACK"),
        Reason::UnacceptableAck => Some("answer to an unacceptable segment"),
        Reason::ChallengeAck => Some("challenge ACK"),
        Reason::WindowUpdate => Some("window update"),
        Reason::ZeroWindowProbe => Some("zero-window probe"),
        Reason::KeepAlive => Some("keep-alive probe"),
        Reason::Abort => Some("aborted by its user"),
        Reason::UnreadData => Some("closed with unread data"),
        Reason::Reset => Some("no such connection"),
        Reason::IcmpError => Some("error"),
        Reason::EchoReply => Some("echo reply"),
    };
    match (word, packet.tag.cause) {
        (Some(word), Cause::Timer(kind)) => Some(format!("{word}; {}", timer(kind))),
        (Some(word), _) => Some(word.into()),
        (None, Cause::Timer(kind)) => Some(timer(kind).into()),
        (None, _) => None,
    }
}

fn timer(kind: TimerKind) -> &'static str {
    match kind {
        TimerKind::Retransmission => "retransmission timer",
        TimerKind::Persist => "persist timer",
        TimerKind::DelayedAck => "delayed-ACK timer",
        TimerKind::KeepAlive => "keep-alive timer",
        TimerKind::TimeWait => "2 MSL timer",
        TimerKind::FinWait2 => "FIN-WAIT-2 timer",
        TimerKind::User => "user timeout",
        TimerKind::SillyWindow => "silly-window timer",
        TimerKind::Reordering => "RACK reordering timer",
        TimerKind::TailLossProbe => "probe timer",
        TimerKind::Pacing => "pacing timer",
    }
}

#[cfg(test)]
mod tests;

//! Plain words for what packets are, why they were sent and what links did to them.

use faultwire_link::{By, Change, Decision, DropCause};
use faultwire_wire::{Body, Cause, IcmpKind, IcmpMessage, Packet, Reason, TimerKind};

use super::legend::Legend;
use super::trace::{PacketNumber, Trace, TracedPacket};
use crate::plan::DirectionId;

/// Why a packet was sent, for a reader with a textbook; empty where it goes without saying.
pub(crate) fn why(trace: &Trace, packet: &TracedPacket) -> String {
    let tag = &packet.packet.tag;
    let provoked_by = match tag.cause {
        Cause::Arrival(id) => trace.number(id),
        _ => None,
    };
    let answers = |what: &str| match provoked_by {
        Some(number) => format!("{what} {number}"),
        None => what.trim_end_matches(" of").trim_end_matches(" to").to_owned(),
    };
    let again = |how: &str| match packet.first_sending {
        Some(first) => format!("{first} again: {how}"),
        None => format!("sent again: {how}"),
    };
    match tag.reason {
        Reason::Unknown | Reason::Data | Reason::Datagram => String::new(),
        Reason::Syn | Reason::SynAck | Reason::Fin if matches!(tag.cause, Cause::Timer(_)) => {
            again("timer ran out")
        }
        Reason::Syn => "opens the connection".into(),
        Reason::SynAck => answers("answers"),
        Reason::HandshakeAck => "completes the handshake".into(),
        Reason::LimitedTransmit => "new data on a duplicate ACK (limited transmit)".into(),
        Reason::Fin => "no more data will follow".into(),
        Reason::TimeoutRetransmission => again("retransmission timer ran out"),
        Reason::FastRetransmission => again("fast retransmit, duplicate ACKs say it is missing"),
        Reason::TailLossProbe => again("tail loss probe"),
        Reason::Ack => answers("answers"),
        Reason::DelayedAck => "delayed-ACK timer ran out".into(),
        Reason::DuplicateAck => match provoked_by {
            Some(number) => format!("duplicate ACK: {number} came out of order"),
            None => "duplicate ACK: something came out of order".into(),
        },
        Reason::UnacceptableAck => match provoked_by {
            Some(number) => format!("answers {number}, which was old or outside the window"),
            None => "answers a segment that was old or outside the window".into(),
        },
        Reason::ChallengeAck => answers("challenge ACK to"),
        Reason::WindowUpdate => "window update".into(),
        Reason::ZeroWindowProbe => "probes the closed window".into(),
        Reason::KeepAlive => "keep-alive probe".into(),
        Reason::Abort => "reset: the application aborts".into(),
        Reason::UnreadData => "reset: closed while data was unread or still coming".into(),
        Reason::Reset => match provoked_by {
            Some(number) => format!("reset: {number} fits no connection here"),
            None => "reset: no such connection here".into(),
        },
        Reason::IcmpError => answers("error about"),
        Reason::EchoReply => answers("answers"),
    }
}

/// One word for a reason, for machines.
pub(crate) fn reason_word(reason: Reason) -> &'static str {
    match reason {
        Reason::Unknown => "unknown",
        Reason::Syn => "syn",
        Reason::SynAck => "syn_ack",
        Reason::HandshakeAck => "handshake_ack",
        Reason::Data => "data",
        Reason::LimitedTransmit => "limited_transmit",
        Reason::Fin => "fin",
        Reason::TimeoutRetransmission => "timeout_retransmission",
        Reason::FastRetransmission => "fast_retransmission",
        Reason::TailLossProbe => "tail_loss_probe",
        Reason::Ack => "ack",
        Reason::DelayedAck => "delayed_ack",
        Reason::DuplicateAck => "duplicate_ack",
        Reason::UnacceptableAck => "unacceptable_ack",
        Reason::ChallengeAck => "challenge_ack",
        Reason::WindowUpdate => "window_update",
        Reason::ZeroWindowProbe => "zero_window_probe",
        Reason::KeepAlive => "keep_alive",
        Reason::Abort => "abort",
        Reason::UnreadData => "unread_data",
        Reason::Reset => "reset",
        Reason::Datagram => "datagram",
        Reason::IcmpError => "icmp_error",
        Reason::EchoReply => "echo_reply",
    }
}

/// One word for a timer, for machines.
pub(crate) fn timer_word(timer: TimerKind) -> &'static str {
    match timer {
        TimerKind::Retransmission => "retransmission",
        TimerKind::Persist => "persist",
        TimerKind::DelayedAck => "delayed_ack",
        TimerKind::KeepAlive => "keep_alive",
        TimerKind::TimeWait => "time_wait",
        TimerKind::FinWait2 => "fin_wait_2",
        TimerKind::User => "user",
        TimerKind::SillyWindow => "silly_window",
        TimerKind::Reordering => "reordering",
        TimerKind::TailLossProbe => "tail_loss_probe",
        TimerKind::Pacing => "pacing",
    }
}

/// Who decided: a fault by name, or chance.
fn by(legend: &Legend, direction: DirectionId, by: By) -> String {
    match by {
        By::Random => "by chance".into(),
        By::Timeline => "by a timed fault".into(),
        By::Fault(index) => format!("by \"{}\"", legend.direction_fault(direction, index.0)),
    }
}

/// What a link did to a packet, in words. `copy` is the number of the copy it made.
pub(crate) fn decision(
    legend: &Legend,
    direction: DirectionId,
    decision: &Decision,
    copy: Option<PacketNumber>,
) -> String {
    let by = |who: By| by(legend, direction, who);
    match decision {
        Decision::Dropped(cause) => dropped(legend, direction, *cause),
        Decision::Duplicated { by: who, .. } => match copy {
            Some(copy) => format!("copied {} as {copy}", by(*who)),
            None => format!("copied {}", by(*who)),
        },
        Decision::Corrupted { count, by: who, .. } => {
            format!("{count} bit{} flipped {}", if *count == 1 { "" } else { "s" }, by(*who))
        }
        Decision::Delayed { by: who, extra } => format!("delayed {extra} {}", by(*who)),
        Decision::Held { by: who } => format!("held {}", by(*who)),
        Decision::Released { by: who } => format!("released {}", by(*who)),
        Decision::Rewritten { by: who, field, value } => {
            format!("{} set to {value} {}", field.as_str(), by(*who))
        }
        Decision::Reordered { by: who } => format!("sent ahead of others {}", by(*who)),
    }
}

/// Why a link took a packet.
fn dropped(legend: &Legend, direction: DirectionId, cause: DropCause) -> String {
    match cause {
        DropCause::Cut => "dropped: the link is cut".into(),
        DropCause::InFlightCut => "dropped on the way: the link was cut".into(),
        DropCause::Fault(index) => format!("dropped by \"{}\"", legend.direction_fault(direction, index.0)),
        DropCause::Loss => "lost by chance".into(),
        DropCause::QueueFull => "dropped: the queue is full".into(),
        DropCause::TooBig(mtu) => format!("dropped: larger than the MTU of {mtu}"),
    }
}

/// What a change in time does to a link, in words that follow its name.
pub(crate) fn change(change: &Change) -> String {
    let set = |what: &str, is_on: bool| format!("{}{what}", if is_on { "new " } else { "no " });
    match change {
        Change::Cut { in_flight_drop: true } => "is cut, what is on the way is lost".into(),
        Change::Cut { in_flight_drop: false } => "is cut".into(),
        Change::Uncut => "works again".into(),
        Change::SetRate(Some(rate)) => format!("has a rate of {rate}"),
        Change::SetRate(None) => "has no limit of its rate".into(),
        Change::SetDelay(delay) => format!("has a delay of {delay}"),
        Change::SetLoss(loss) => format!("has {}", set("loss", loss.is_some())),
        Change::SetLossMarks(true) => "marks ECN-capable packets that it would lose".into(),
        Change::SetLossMarks(false) => "marks no packet".into(),
        Change::SetJitter(jitter) => format!("has {}", set("jitter", jitter.is_some())),
        Change::SetDuplicate(duplicate) => format!("has {}", set("duplication", duplicate.is_some())),
        Change::SetCorrupt(corrupt) => format!("has {}", set("corruption", corrupt.is_some())),
        Change::SetReorder(reorder) => format!("has {}", set("reordering", reorder.is_some())),
        Change::SetQueue(_) => "has a queue of another length".into(),
        Change::SetMtu(Some(mtu)) => format!("has an MTU of {mtu}"),
        Change::SetMtu(None) => "has no MTU".into(),
        Change::HoldAll => "holds what it is given".into(),
        Change::ReleaseAll => "lets go what it held".into(),
        Change::Heal => "heals: every fault ends".into(),
    }
}

/// Whether a decision takes the packet.
pub(crate) fn takes(decision: &Decision) -> bool {
    matches!(decision, Decision::Dropped(_))
}

/// Whether a decision makes a packet late or early among others.
pub(crate) fn displaces(decision: &Decision) -> bool {
    matches!(
        decision,
        Decision::Delayed { .. }
            | Decision::Held { .. }
            | Decision::Released { .. }
            | Decision::Reordered { .. }
    )
}

/// What took a packet for a reason that is likely to take its neighbours too: the same number for the same reason.
pub(crate) fn lasting_cause(direction: DirectionId, decision: &Decision) -> Option<u64> {
    match decision {
        Decision::Dropped(DropCause::Cut | DropCause::InFlightCut) => Some(0),
        Decision::Dropped(DropCause::TooBig(_)) => Some(1),
        Decision::Dropped(DropCause::Fault(index)) => {
            Some(2 + (u64::from(direction.0) << 32 | u64::from(index.0)))
        }
        _ => None,
    }
}

/// Whether chance decided, and no fault that somebody wrote down.
pub(crate) fn is_chance(decision: &Decision) -> bool {
    match decision {
        Decision::Dropped(cause) => matches!(cause, DropCause::Loss | DropCause::QueueFull),
        Decision::Duplicated { by, .. }
        | Decision::Corrupted { by, .. }
        | Decision::Delayed { by, .. }
        | Decision::Held { by }
        | Decision::Released { by }
        | Decision::Rewritten { by, .. }
        | Decision::Reordered { by } => *by == By::Random,
    }
}

/// What an ICMP message says.
pub(crate) fn icmp(message: &IcmpMessage, is_ipv6: bool) -> String {
    match message.kind {
        IcmpKind::DestinationUnreachable { code } => unreachable_word(code, is_ipv6),
        IcmpKind::PacketTooBig { mtu } => format!("packet too big, MTU {mtu}"),
        IcmpKind::TimeExceeded { .. } => "time exceeded".into(),
        IcmpKind::ParameterProblem { .. } => "parameter problem".into(),
        IcmpKind::SourceQuench => "source quench".into(),
        IcmpKind::EchoRequest { sequence, .. } => format!("echo request {sequence}"),
        IcmpKind::EchoReply { sequence, .. } => format!("echo reply {sequence}"),
        IcmpKind::Other { icmp_type, code, .. } => format!("type {icmp_type} code {code}"),
    }
}

/// RFC 792 and RFC 4443 §3.1 name the codes.
fn unreachable_word(code: u8, is_ipv6: bool) -> String {
    match (is_ipv6, code) {
        (false, 0) | (true, 0) => "network unreachable".into(),
        (false, 1) | (true, 3) => "host unreachable".into(),
        (false, 2) => "protocol unreachable".into(),
        (false, 3) | (true, 4) => "port unreachable".into(),
        (false, 9 | 10 | 13) | (true, 1) => "administratively prohibited".into(),
        _ => format!("destination unreachable, code {code}"),
    }
}

/// Octets of data that a packet carries.
pub(crate) fn data_length(packet: &Packet) -> u32 {
    match &packet.body {
        Body::Tcp(segment) => segment.payload.len(),
        Body::Udp(datagram) => datagram.payload.len(),
        Body::Icmp(message) => message.body.len() as u32,
        Body::Raw(_) => 0,
    }
}

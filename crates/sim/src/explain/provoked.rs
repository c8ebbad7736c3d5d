//! Packets that were sent because another one arrived.

use faultwire_host::DropReason;
use faultwire_tcp::State;
use faultwire_wire::{Flags, Reason};

use super::builder::{Told, Why};
use super::clause::Clause;
use super::fate::{self, of_arrival, sendings_before};
use super::scene::{Scene, capitalized, carries, counted, listed, ordinal, segment, time};
use crate::output::{PacketNumber, TracedPacket, What};

/// Why the arrival of `cause` made its receiver send `number`.
pub(super) fn provoked(scene: &Scene<'_>, number: PacketNumber, cause: PacketNumber) -> Told {
    let packet = scene.packet(number);
    match packet.packet.tag.reason {
        Reason::FastRetransmission => fast_retransmission(scene, number, cause),
        Reason::TimeoutRetransmission => after_timeout(scene, number, cause),
        Reason::DuplicateAck => duplicate_ack(scene, number, cause),
        Reason::Reset => reset(scene, number, cause),
        Reason::Data | Reason::Fin | Reason::LimitedTransmit => new_data(scene, number, cause),
        _ => answered(scene, number, cause),
    }
}

fn told(scene: &Scene<'_>, number: PacketNumber, sentence: String) -> Told {
    let packet = scene.packet(number);
    Told::new(packet.sent_at, packet.sender, sentence)
}

/// An answer whose reason says it all.
fn answered(scene: &Scene<'_>, number: PacketNumber, cause: PacketNumber) -> Told {
    let own = capitalized(&format!("the {}", scene.noun(number)));
    let other = scene.noun_with_range(cause);
    let (sentence, clause) = match scene.packet(number).packet.tag.reason {
        Reason::SynAck => (format!("{own} answers the {other}."), Clause::new(9293, "3.10.7.2")),
        Reason::HandshakeAck => {
            (format!("{own} completes the handshake that the {other} offers."), Clause::new(9293, "3.10.7.3"))
        }
        Reason::Ack => (format!("{own} acknowledges the {other} at once."), Clause::new(5681, "4.2")),
        Reason::DelayedAck => (
            format!("{own} had waited, and goes out with the arrival of the {other}."),
            Clause::new(5681, "4.2"),
        ),
        Reason::UnacceptableAck => (
            format!(
                "{own} answers the {other}, which is old or outside the window: it says what is expected instead."
            ),
            Clause::new(9293, "3.10.7.4"),
        ),
        Reason::ChallengeAck => (
            format!("{own} challenges the {other}: if that was meant, its sender will say so exactly."),
            challenge_clause(scene, cause),
        ),
        Reason::WindowUpdate => (
            format!("{own} tells of a larger window, on the arrival of the {other}."),
            Clause::new(9293, "3.8.6.2.2"),
        ),
        Reason::UnreadData => (
            format!("{own} resets the connection: the {other} brings data that nobody will read any more."),
            Clause::new(9293, "3.6.1"),
        ),
        Reason::Abort => (
            format!("{own} aborts the connection, on the arrival of the {other}."),
            Clause::new(9293, "3.10.5"),
        ),
        Reason::IcmpError => (
            format!("{own} tells the sender of the {other} that it went astray."),
            Clause::new(1122, "3.2.2.1"),
        ),
        Reason::EchoReply => (format!("{own} answers the {other}."), Clause::new(1122, "3.2.2.6")),
        Reason::Datagram => (format!("{own} answers the {other}: the app sends it back."), None),
        _ => (format!("{own} is sent on the arrival of the {other}."), None),
    };
    told(scene, number, sentence).by(clause).because(of_arrival(scene, cause))
}

/// RFC 5961 has one section for each kind of segment that is challenged.
fn challenge_clause(scene: &Scene<'_>, cause: PacketNumber) -> Option<Clause> {
    let segment = segment(scene.packet(cause))?;
    let section = if segment.flags.contains(Flags::RST) {
        "3.2"
    } else if segment.flags.contains(Flags::SYN) {
        "4.2"
    } else {
        "5.2"
    };
    Clause::new(5961, section)
}

/// New data that an arrival has let go.
fn new_data(scene: &Scene<'_>, number: PacketNumber, cause: PacketNumber) -> Told {
    let own = capitalized(&format!("the {}", scene.noun_with_range(number)));
    let other = scene.noun(cause);
    let packet = scene.packet(cause);
    let is = |flags: Flags| segment(packet).is_some_and(|segment| segment.flags.contains(flags));
    if is(Flags::SYN) {
        let sentence = format!("{own} goes out as soon as the {other} has opened the connection.");
        return told(scene, number, sentence).by(Clause::new(9293, "3.5")).because(of_arrival(scene, cause));
    }
    if scene.packet(number).packet.tag.reason == Reason::LimitedTransmit {
        let sentence = format!(
            "{own} is new data on the duplicate {other}: something has left the network, so something may enter it."
        );
        return told(scene, number, sentence).by(Clause::new(3042, "2")).because(of_arrival(scene, cause));
    }
    if reopens(scene, number, cause) {
        let sentence = format!("{own} goes out as soon as the {other} has opened the closed window.");
        return told(scene, number, sentence)
            .by(Clause::new(9293, "3.8.6"))
            .because(of_arrival(scene, cause));
    }
    let sentence =
        format!("{own} goes out on the arrival of the {other}, which makes room for it in the window.");
    told(scene, number, sentence).by(Clause::new(5681, "3.1")).because(of_arrival(scene, cause))
}

/// Whether the segment before `cause` from the same sender offered no window.
fn reopens(scene: &Scene<'_>, number: PacketNumber, cause: PacketNumber) -> bool {
    let (packet, Some(entry)) = (scene.packet(number), scene.arrived(cause)) else { return false };
    let mut before = scene.arrivals_before(packet.packet.tag.flow, packet.sender, entry);
    before.next().and_then(|(_, packet)| segment(packet)).is_some_and(|segment| segment.window == 0)
}

/// Three duplicate ACKs, or SACK blocks, say that something is missing.
fn fast_retransmission(scene: &Scene<'_>, number: PacketNumber, cause: PacketNumber) -> Told {
    let packet = scene.packet(number);
    let duplicates = duplicates_up_to(scene, packet, cause);
    let previous = sendings_before(scene, number).last().copied();
    let lost = previous.map_or_else(
        || "what is missing".to_owned(),
        |previous| format!("what the {} carried", scene.noun_with_range(previous)),
    );
    let (why, clause) = if duplicates.len() >= 3 {
        let sack = segment(scene.packet(cause))
            .is_some_and(|segment| segment.options.sack_blocks().next().is_some());
        let shown = if sack { ", with SACK blocks that show the hole" } else { "" };
        (
            format!(
                "the {} duplicate ACK in a row, {cause}, has arrived ({}{shown})",
                ordinal(duplicates.len()),
                listed(&duplicates),
            ),
            Clause::new(5681, "3.2"),
        )
    } else if duplicates.is_empty() {
        (
            format!("recovery goes on, and the {} shows that this is still missing", scene.noun(cause)),
            Clause::new(6675, "5"),
        )
    } else {
        (
            format!(
                "SACK blocks show that later data has arrived and this has not ({}: {})",
                counted(duplicates.len(), "duplicate ACK", "duplicate ACKs"),
                listed(&duplicates)
            ),
            Clause::new(6675, "5"),
        )
    };
    let sentence =
        format!("{number} sends again {lost}, without waiting for a timer (fast retransmit): {why}.");
    let told = told(scene, number, sentence).by(clause);
    let Some((previous, made)) = previous.zip(scene.made(number)) else {
        return told.because(of_arrival(scene, cause));
    };
    // The duplicate ACK comes first; the hole that it tells of is what is behind it.
    let told_of = scene.cause(cause).and_then(|out_of_order| hole(scene, cause, out_of_order));
    if duplicates.is_empty() || !fate::lost_before(scene, previous, made) {
        told.because(Why::Unheard(previous, made))
    } else if told_of == Some(previous) {
        told.because(Why::Sent(cause))
    } else {
        told.because(Why::Unheard(previous, made)).beside(Why::Sent(cause))
    }
}

/// The duplicate ACKs in a row that end with `last`, in order.
fn duplicates_up_to(scene: &Scene<'_>, packet: &TracedPacket, last: PacketNumber) -> Vec<PacketNumber> {
    let Some((entry, own)) = scene.arrived(last).zip(segment(scene.packet(last))) else { return Vec::new() };
    let arrivals = scene.arrivals_before(packet.packet.tag.flow, packet.sender, entry + 1);
    let mut found: Vec<_> = arrivals
        .take_while(|(_, ack)| segment(ack).is_some_and(|segment| segment.ack == own.ack))
        .filter(|(_, ack)| ack.packet.tag.reason == Reason::DuplicateAck)
        .map(|(_, ack)| ack.number)
        .collect();
    found.reverse();
    found
}

/// Lost when the timer ran out, sent again as ACKs make room.
fn after_timeout(scene: &Scene<'_>, number: PacketNumber, cause: PacketNumber) -> Told {
    let previous = sendings_before(scene, number).last().copied();
    let what = previous.map_or_else(
        || "data".to_owned(),
        |previous| format!("what the {} carried", scene.noun_with_range(previous)),
    );
    let sentence = format!(
        "{number} sends again {what}: it counts as lost since the retransmission timer ran out, and the {} makes room for it.",
        scene.noun(cause)
    );
    let told = told(scene, number, sentence).by(Clause::new(5681, "3.1"));
    match previous.zip(scene.made(number)) {
        Some((previous, made)) => told.because(Why::Unheard(previous, made)).beside(of_arrival(scene, cause)),
        None => told.because(of_arrival(scene, cause)),
    }
}

/// An ACK that repeats its number, for a hole.
fn duplicate_ack(scene: &Scene<'_>, number: PacketNumber, cause: PacketNumber) -> Told {
    let packet = scene.packet(number);
    let other = scene.noun_with_range(cause);
    let hole = hole(scene, number, cause);
    let sentence = match hole {
        Some(hole) => format!(
            "The ACK {number} repeats its number: the {other} arrives out of order, while {hole} is missing."
        ),
        None => format!("The ACK {number} repeats its number: the {other} arrives out of order."),
    };
    let told = Told::new(packet.sent_at, packet.sender, sentence).by(Clause::new(5681, "4.2"));
    match hole {
        Some(hole) => told.because(Why::Missing(hole)),
        None => told.because(of_arrival(scene, cause)),
    }
}

/// The packet with what an ACK asks for, sent before `later` and not there when the ACK was made.
fn hole(scene: &Scene<'_>, ack: PacketNumber, later: PacketNumber) -> Option<PacketNumber> {
    let wanted = segment(scene.packet(ack))?.ack;
    let made = scene.made(ack)?;
    let sender = scene.sender(later);
    let flow = scene.packet(later).packet.tag.flow;
    let limit = scene.packet(later).copy_of.unwrap_or(later);
    let candidates = scene.sent_before(flow, sender, limit.max(ack)).filter(|packet| {
        segment(packet).is_some_and(|segment| carries(segment, wanted))
            && scene.arrived(packet.number).is_none_or(|arrived| arrived > made)
    });
    candidates.last().map(|packet| packet.number)
}

/// A segment that fits no connection.
fn reset(scene: &Scene<'_>, number: PacketNumber, cause: PacketNumber) -> Told {
    let packet = scene.packet(number);
    let host = scene.legend.place(packet.sender);
    let other = scene.noun_with_range(cause);
    let flow = scene.packet(cause).packet.tag.flow;
    let closed = scene.made(number).and_then(|made| scene.state_before(flow, packet.sender, made));
    let crashed = scene.made(number).and_then(|made| {
        (0..made).rev().find(|&index| {
            scene.entry(index).place == packet.sender
                && matches!(
                    scene.entry(index).what,
                    What::HostChanged { change: crate::plan::HostChange::Crash }
                )
        })
    });
    let why = match (scene.packet(cause).discarded, closed, crashed) {
        (_, _, Some(_)) => format!("{host} has lost its memory in a crash and knows no such connection"),
        (Some(DropReason::ClosedPort), None, _) => format!("nobody listens on that port of {host}"),
        (_, Some(closed), _) => match scene.entry(closed).what {
            What::StateChanged { to: State::Closed, .. } => {
                format!("{host} closed that connection at {}", time(scene.entry(closed).at))
            }
            What::StateChanged { to, .. } => {
                format!("it does not belong to what {host} has in {}", to.as_str())
            }
            _ => format!("{host} has no such connection"),
        },
        _ => format!("it fits no connection of {host}"),
    };
    let sentence = format!("The RST {number} answers the {other}: {why}.");
    let told =
        told(scene, number, sentence).by(Clause::new(9293, "3.10.7.1")).because(of_arrival(scene, cause));
    match crashed {
        Some(entry) => told.beside(Why::State(entry)),
        None => told,
    }
}

//! Packets that were sent because a timer ran out, and what had started the timer.

use faultwire_base::Instant;
use faultwire_wire::{Cause, Reason, TimerKind};

use super::answer::Root;
use super::builder::{Told, Why};
use super::clause::Clause;
use super::fate::{self, of_arrival, sendings_before, taken};
use super::scene::{Scene, capitalized, covers, length, ordinal, segment, time};
use crate::output::{PacketNumber, TracedPacket};

/// Why a timer ran out and made its connection send `number`.
pub(super) fn timed(scene: &Scene<'_>, number: PacketNumber, timer: TimerKind) -> Told {
    match timer {
        TimerKind::Retransmission => retransmission(scene, number),
        TimerKind::TailLossProbe => probe(scene, number),
        TimerKind::Reordering => reordering(scene, number),
        TimerKind::DelayedAck => delayed_ack(scene, number),
        TimerKind::Persist => persist(scene, number),
        TimerKind::KeepAlive => keep_alive(scene, number),
        TimerKind::User | TimerKind::TimeWait | TimerKind::FinWait2 => gave_up(scene, number, timer),
        TimerKind::SillyWindow | TimerKind::Pacing => let_go(scene, number, timer),
    }
}

fn told(scene: &Scene<'_>, number: PacketNumber, sentence: String) -> Told {
    let packet = scene.packet(number);
    Told::new(packet.sent_at, packet.sender, sentence)
}

/// RFC 6298 §5: the timer is started by what is sent (5.1), started anew by an ACK of new data (5.3), and doubled each
/// time it runs out (5.5).
fn retransmission(scene: &Scene<'_>, number: PacketNumber) -> Told {
    let packet = scene.packet(number);
    let before = sendings_before(scene, number);
    let Some(&previous) = before.last() else {
        let sentence =
            format!("{} is sent when the retransmission timer runs out.", capitalized(&scene.noun(number)));
        return told(scene, number, sentence).by(Clause::new(6298, "5.4")).rooted(Root::Rule);
    };
    let started = restarted_by(scene, packet, previous);
    let since = started.map_or(scene.packet(previous).sent_at, |(at, _)| at);
    let wait = length(packet.sent_at.saturating_since(since));
    let what = scene.noun_with_range(previous);
    let from = match started {
        Some((_, ack)) => format!("which the {} had started anew", scene.noun(ack)),
        None => format!("started when {previous} left"),
    };
    let in_a_row = 1 + expirations_before(scene, packet, &before);
    // Linux leaves the first timeouts of a SYN as they are (`tcp_syn_linear_timeouts`).
    let doubles = before.iter().rev().nth(1).is_some_and(|&earlier| {
        let waited = scene.packet(previous).sent_at.saturating_since(scene.packet(earlier).sent_at);
        packet.sent_at.saturating_since(since) > waited.saturating_mul(3) / 2
    });
    let (again, clause) = if in_a_row == 1 {
        (String::new(), Clause::new(6298, "5.4"))
    } else if !doubles {
        (format!(", the {} time in a row", ordinal(in_a_row)), Clause::new(6298, "5.4"))
    } else {
        (format!(", the {} time in a row and doubled each time", ordinal(in_a_row)), Clause::new(6298, "5.5"))
    };
    let sentence = format!(
        "{number} sends again what the {what} carried: the retransmission timer, {from}, has run out after {wait}{again}."
    );
    let mut told = told(scene, number, sentence).by(clause);
    if let Some(made) = scene.made(number) {
        told = told.because(Why::Unheard(previous, made));
    }
    if !fate::lost_earlier(scene, previous).is_empty() {
        told = told.beside(Why::Earlier(previous));
    }
    told
}

/// The arrival of an ACK of new data that started the timer anew after `previous` was sent.
pub(super) fn restarted_by(
    scene: &Scene<'_>,
    packet: &TracedPacket,
    previous: PacketNumber,
) -> Option<(Instant, PacketNumber)> {
    let (made, begun) = (scene.made(packet.number)?, scene.made(previous)?);
    let arrivals = scene.arrivals_before(packet.packet.tag.flow, packet.sender, made);
    let recent: Vec<_> = arrivals.take_while(|(entry, _)| *entry > begun).collect();
    let older = scene.arrivals_before(packet.packet.tag.flow, packet.sender, begun).next();
    let mut highest = older.and_then(|(_, packet)| segment(packet)).map(|segment| segment.ack);
    let mut found = None;
    for (entry, ack) in recent.into_iter().rev() {
        let Some(segment) = segment(ack) else { continue };
        if highest.is_none_or(|highest| highest.before(segment.ack)) {
            highest = Some(segment.ack);
            found = Some((scene.entry(entry).at, ack.number));
        }
    }
    found
}

/// How often the timer had run out for these sendings already.
fn expirations_before(scene: &Scene<'_>, packet: &TracedPacket, sendings: &[PacketNumber]) -> usize {
    let by_timer = |number: &&PacketNumber| {
        let tag = &scene.packet(**number).packet.tag;
        tag.cause == Cause::Timer(TimerKind::Retransmission)
            && (tag.reason == packet.packet.tag.reason || tag.transmission > 1)
    };
    sendings.iter().rev().take_while(by_timer).count()
}

/// RFC 8985 §7: nothing came back for two round trips, so the last segment is sent again.
fn probe(scene: &Scene<'_>, number: PacketNumber) -> Told {
    let packet = scene.packet(number);
    let previous = sendings_before(scene, number).last().copied();
    let Some((previous, made)) = previous.zip(scene.made(number)) else {
        let sentence =
            format!("{number} is new data, sent as a tail loss probe: no ACK came for two round trips.");
        let told = told(scene, number, sentence).by(Clause::new(8985, "7.3"));
        return match oldest_unheard(scene, packet).zip(scene.made(number)) {
            Some((oldest, made)) => told.because(Why::Unheard(oldest, made)),
            None => told.rooted(Root::Rule),
        };
    };
    let started = restarted_by(scene, packet, previous);
    let since = started.map_or(scene.packet(previous).sent_at, |(at, _)| at);
    let from = started.map_or_else(
        || format!("{previous} had left"),
        |(_, ack)| format!("the {} had arrived", scene.noun(ack)),
    );
    let sentence = format!(
        "{number} sends again what the {} carried, as a tail loss probe: {} after {from}, still nothing had acknowledged it.",
        scene.noun_with_range(previous),
        length(packet.sent_at.saturating_since(since)),
    );
    told(scene, number, sentence).by(Clause::new(8985, "7.3")).because(Why::Unheard(previous, made))
}

/// RFC 8985 §6.2: what was sent later has arrived, and the time allowed for reordering is over.
fn reordering(scene: &Scene<'_>, number: PacketNumber) -> Told {
    let previous = sendings_before(scene, number).last().copied();
    let Some((previous, made)) = previous.zip(scene.made(number)) else {
        let sentence = format!("{number} is sent when RACK's reordering timer runs out.");
        return told(scene, number, sentence).by(Clause::new(8985, "6.2")).rooted(Root::Rule);
    };
    let sentence = format!(
        "{number} sends again what the {} carried: packets sent after it have arrived, and the time that RACK \
         allows for reordering is over.",
        scene.noun_with_range(previous)
    );
    told(scene, number, sentence).by(Clause::new(8985, "6.2")).because(Why::Unheard(previous, made))
}

/// The ACK waited for a second segment or for data to go with.
fn delayed_ack(scene: &Scene<'_>, number: PacketNumber) -> Told {
    let packet = scene.packet(number);
    let clause = Clause::new(9293, "3.8.6.3");
    let Some((at, waiting)) = awaiting_ack(scene, packet) else {
        let sentence = format!("The ACK {number} goes out when the delayed-ACK timer runs out.");
        return told(scene, number, sentence).by(clause).rooted(Root::Rule);
    };
    let sentence = format!(
        "The ACK {number} goes out when the delayed-ACK timer runs out, {} after the {} arrived: no second segment \
         came, and no data to go with it.",
        length(packet.sent_at.saturating_since(at)),
        scene.noun_with_range(waiting),
    );
    told(scene, number, sentence).by(clause).because(of_arrival(scene, waiting))
}

/// The first arrival since this end last sent anything that takes sequence space.
pub(super) fn awaiting_ack(scene: &Scene<'_>, packet: &TracedPacket) -> Option<(Instant, PacketNumber)> {
    let flow = packet.packet.tag.flow;
    let made = scene.made(packet.number)?;
    let last_sent = scene.sent_before(flow, packet.sender, packet.number).next();
    let after = last_sent.and_then(|sent| scene.made(sent.number)).unwrap_or(0);
    let arrivals = scene.arrivals_before(flow, packet.sender, made).take_while(|(entry, _)| *entry > after);
    arrivals
        .filter(|(_, arrived)| segment(arrived).is_some_and(|segment| segment.sequence_length() > 0))
        .last()
        .map(|(entry, arrived)| (scene.entry(entry).at, arrived.number))
}

/// The arrival that told the sender of a probe last that the window is closed.
pub(super) fn closed_by(scene: &Scene<'_>, number: PacketNumber) -> Option<PacketNumber> {
    let packet = scene.packet(number);
    let made = scene.made(number)?;
    let mut arrivals = scene.arrivals_before(packet.packet.tag.flow, packet.sender, made);
    arrivals
        .find(|(_, arrived)| segment(arrived).is_some_and(|segment| segment.window == 0))
        .map(|(_, arrived)| arrived.number)
}

/// The window is closed, and nobody would say so if the news of its opening were lost.
fn persist(scene: &Scene<'_>, number: PacketNumber) -> Told {
    let packet = scene.packet(number);
    let (flow, clause) = (packet.packet.tag.flow, Clause::new(9293, "3.8.6.1"));
    let made = scene.made(number).unwrap_or(0);
    let Some(closing) = closed_by(scene, number) else {
        let sentence = format!("{number} asks for the window when the persist timer runs out.");
        return told(scene, number, sentence).by(clause).rooted(Root::Rule);
    };
    let update = scene.sent_in(flow, scene.sender(closing)).find(|later| {
        later.number > closing
            && later.number < number
            && segment(later).is_some_and(|segment| segment.window > 0)
            && scene.arrived(later.number).is_none_or(|arrived| arrived > made)
    });
    let at = scene.arrival(closing).map_or(packet.sent_at, |(at, _)| at);
    let sentence = format!(
        "{number} probes the window when the persist timer runs out: the {} closed it at {}, and nothing that \
         reached this end has opened it since.",
        scene.noun(closing),
        time(at)
    );
    let told = told(scene, number, sentence).by(clause);
    match update.filter(|update| update.sent_at <= packet.sent_at) {
        Some(update) if taken(update).is_some() || scene.arrival(update.number).is_some() => {
            told.because(Why::Missing(update.number)).beside(Why::Closed(closing))
        }
        _ => told.because(Why::Closed(closing)),
    }
}

/// Nothing was heard from the other end for a long time.
fn keep_alive(scene: &Scene<'_>, number: PacketNumber) -> Told {
    let packet = scene.packet(number);
    let flow = packet.packet.tag.flow;
    let heard = scene.made(number).and_then(|made| scene.arrivals_before(flow, packet.sender, made).next());
    let since = heard.map(|(entry, arrived)| (scene.entry(entry).at, arrived.number));
    let probed = scene
        .sent_before(flow, packet.sender, number)
        .find(|sent| sent.packet.tag.reason == Reason::KeepAlive)
        .filter(|probe| since.is_none_or(|(at, _)| probe.sent_at > at));
    let silent = since.map_or_else(
        || "nothing was ever heard from the other end".to_owned(),
        |(at, last)| {
            let time = length(packet.sent_at.saturating_since(at));
            format!("nothing was heard from the other end for {time}, since {last}")
        },
    );
    let own = capitalized(&format!("the {}", scene.noun(number)));
    let what = if segment(packet).is_some_and(|segment| segment.flags.contains(faultwire_wire::Flags::RST)) {
        "ends the connection"
    } else {
        "asks whether the other end is still there"
    };
    let sentence = format!("{own} {what}: {silent}.");
    let told = told(scene, number, sentence).by(Clause::new(9293, "3.8.4"));
    match probed.zip(scene.made(number)) {
        Some((probe, made)) => told.because(Why::Unheard(probe.number, made)),
        None => told.rooted(Root::Rule),
    }
}

/// A connection ends by its timer and says so.
fn gave_up(scene: &Scene<'_>, number: PacketNumber, timer: TimerKind) -> Told {
    let packet = scene.packet(number);
    let (what, clause) = match timer {
        TimerKind::User => ("the user timeout is over with data unacknowledged", Clause::new(9293, "3.10.8")),
        TimerKind::FinWait2 => ("the other end did not close within the time for FIN-WAIT-2", None),
        _ => ("the time of TIME-WAIT is over", Clause::new(9293, "3.10.8")),
    };
    let own = capitalized(&format!("the {}", scene.noun(number)));
    let told = told(scene, number, format!("{own} ends the connection: {what}.")).by(clause);
    let oldest = oldest_unheard(scene, packet);
    match oldest.zip(scene.made(number)) {
        Some((oldest, made)) if timer == TimerKind::User => told.because(Why::Unheard(oldest, made)),
        _ => told.rooted(Root::Rule),
    }
}

/// The latest packet with data of this end that no arrived ACK covers.
fn oldest_unheard(scene: &Scene<'_>, packet: &TracedPacket) -> Option<PacketNumber> {
    let flow = packet.packet.tag.flow;
    let made = scene.made(packet.number)?;
    let acknowledged = scene
        .arrivals_before(flow, packet.sender, made)
        .find_map(|(_, arrived)| segment(arrived).map(|segment| segment.ack));
    scene
        .sent_before(flow, packet.sender, packet.number)
        .filter(|sent| {
            segment(sent).is_some_and(|segment| {
                segment.sequence_length() > 0 && acknowledged.is_none_or(|ack| !covers(ack, segment))
            })
        })
        .last()
        .map(|sent| sent.number)
}

/// A packet that a timer had held back.
fn let_go(scene: &Scene<'_>, number: PacketNumber, timer: TimerKind) -> Told {
    let own = capitalized(&format!("the {}", scene.noun_with_range(number)));
    let (what, clause) = match timer {
        TimerKind::Pacing => ("pacing lets it go: it was its turn", None),
        _ => (
            "less than a full segment fits into the window, and the time to wait for more is over",
            Clause::new(9293, "3.8.6.2.1"),
        ),
    };
    told(scene, number, format!("{own} goes out now: {what}.")).by(clause).rooted(Root::Rule)
}

//! `acknowledgments`: data is acknowledged in time, at once where the sender waits for it, and only what has arrived
//! (RFC 9293 §3.8.6.3; RFC 5681 §4.2).

use faultwire_base::{Duration, Instant, PacketId};
use faultwire_tcp::State;
use faultwire_wire::Flags;

use super::end::{End, Seen};
use super::scene::Scene;
use super::{Stage, memory};

/// RFC 9293 §3.8.6.3 (MUST-40).
const LONGEST: Duration = Duration::from_millis(500);
/// How long a Linux receiver lets two segments wait for its reader: its longest delayed ACK.
const FOR_READER: Duration = Duration::from_millis(200);
/// Least full segment to reckon with (RFC 9293 §3.7.1).
const FULL: u64 = 536;

/// The law's memory of all ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Acknowledgments {
    ends: Vec<Debt>,
    /// Ends that owe something.
    owing: Vec<usize>,
}

/// What an end owes its peer.
#[derive(Clone, Debug, Default)]
struct Debt {
    /// The largest segment that arrived.
    full: u64,
    /// The first data that isn't acknowledged, and when it arrived.
    first: Option<(PacketId, Instant)>,
    /// What has to be acknowledged at once: the packet, and why.
    at_once: Option<(PacketId, &'static str)>,
    /// What two segments are owed by, and may still be paid if the window falls.
    late: Option<(u64, Instant)>,
}

impl Acknowledgments {
    pub(super) fn sent(&mut self, stage: Stage<'_>, seen: &Seen<'_>) -> Option<String> {
        let debt = memory(&mut self.ends, stage.index);
        if seen.has(Flags::RST) {
            *debt = Debt { full: debt.full, ..Debt::default() };
            return None;
        }
        let (ack, edge) = (seen.ack?, seen.edge?);
        let end = stage.end;
        let late = debt.late.take();
        *debt = Debt { full: debt.full, ..Debt::default() };
        end.peer?;
        let received = &end.received;
        if ack < received.acknowledged {
            return Some(format!(
                "the acknowledgment went back by {} octets (RFC 9293 §3.4)",
                received.acknowledged - ack
            ));
        }
        if ack > received.reach {
            return Some(format!(
                "{} octets were acknowledged that have not arrived (RFC 9293 §3.4)",
                ack - received.reach
            ));
        }
        let (owed, since) = late?;
        // The window did not fall, so nothing spoke against an ACK at once.
        (edge - ack >= received.edge.saturating_sub(received.acknowledged)).then(|| too_much(owed, since))
    }

    pub(super) fn arrived(&mut self, stage: Stage<'_>, seen: &Seen<'_>) -> Option<String> {
        let end = stage.end;
        let octets = u64::from(seen.segment.payload.len());
        let takes = matches!(end.state, State::Established | State::FinWait1 | State::FinWait2);
        if octets == 0 || !takes || end.peer.is_none() || seen.foreign || seen.has(Flags::RST) {
            return None;
        }
        let debt = memory(&mut self.ends, stage.index);
        debt.full = debt.full.max(octets).max(FULL);
        let received = &end.received;
        let inside = seen.start < received.edge && seen.end > received.next;
        if !inside || !seen.has(Flags::ACK) {
            return None;
        }
        let why = if seen.start > received.joined() {
            Some("came out of order")
        } else if !received.has_gap() {
            None
        } else {
            Some("filled a gap, or a part of it")
        };
        let is_new = debt.first.is_none() && debt.at_once.is_none();
        if let Some(why) = why {
            debt.at_once.get_or_insert((seen.tag.id, why));
        } else {
            debt.first.get_or_insert((seen.tag.id, stage.at));
        }
        if is_new && !self.owing.contains(&stage.index) {
            self.owing.push(stage.index);
        }
        None
    }

    /// A packet that had arrived was discarded: nothing is owed for it.
    pub(super) fn discarded(&mut self, packet: PacketId) {
        for &index in &self.owing {
            let debt = &mut self.ends[index];
            if debt.first.is_some_and(|(id, _)| id == packet)
                || debt.at_once.is_some_and(|(id, _)| id == packet)
            {
                debt.first = None;
                debt.at_once = None;
                debt.late = None;
            }
        }
    }

    /// The present instant is over, and `until` is next.
    pub(super) fn time_passes(
        &mut self,
        scene: &Scene,
        now: Instant,
        until: Instant,
    ) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        let ends = &mut self.ends;
        self.owing.retain(|&index| {
            let (end, debt) = (scene.end(index), &mut ends[index]);
            let Some(lawful) = scene.lawful(end.place) else { return true };
            if end.over || !end.is_synchronized() {
                *debt = Debt { full: debt.full, ..Debt::default() };
                return false;
            }
            if let Some(text) =
                debt.judge(end, (now, until), (lawful.tcp.acknowledgment.adaptive, lawful.waits_for_reader))
            {
                found.push((index, text));
                *debt = Debt { full: debt.full, ..Debt::default() };
            }
            debt.first.is_some() || debt.at_once.is_some()
        });
        found
    }
}

impl Debt {
    fn judge(
        &mut self,
        end: &End,
        (now, until): (Instant, Instant),
        (adaptive, slow_reader): (bool, bool),
    ) -> Option<String> {
        if let Some((packet, why)) = self.at_once.filter(|_| !slow_reader) {
            return Some(format!("{packet}, which {why}, was not acknowledged at once (RFC 5681 §4.2)"));
        }
        let (packet, arrived) = self.first?;
        let since = arrived.max(end.resumed);
        if until.saturating_since(since) >= LONGEST {
            return Some(format!(
                "{packet}, which arrived at {arrived}, was not acknowledged within half a second (RFC 9293 §3.8.6.3)"
            ));
        }
        let owed = end.received.owed();
        // Two are the rule; what is full can't be told exactly, but it may be as much as was asked for.
        let full = self.full.max(end.own.and_then(|own| own.segment_size).unwrap_or(0).into());
        if owed < 3 * full {
            return None;
        }
        if !adaptive {
            return Some(too_much(owed, now));
        }
        if slow_reader {
            return None;
        }
        let (most, since) = *self.late.get_or_insert((owed, now));
        (until.saturating_since(since) > FOR_READER).then(|| too_much(most, since))
    }
}

fn too_much(owed: u64, since: Instant) -> String {
    format!(
        "{owed} octets, which are more than two full segments, were not acknowledged at {since} (RFC 9293 §3.8.6.3, RFC 5681 §4.2)"
    )
}

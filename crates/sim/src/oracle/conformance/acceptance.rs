//! `acceptance`: what may end or change a connection, and how often the rest is answered (RFC 9293 §3.10.7; RFC 5961;
//! RFC 7323 §5.3). It is judged too where somebody else has a hand in the conversation: that is what these rules are for.

use faultwire_base::{Duration, Instant, PacketId};
use faultwire_tcp::{ChallengeLimit, ResetRule, State};
use faultwire_wire::{Cause, Flags, Reason};

use super::end::{Received, Seen};
use super::{Stage, memory};

/// How long a timestamp counts (RFC 7323 §5.5).
const OUTDATED: Duration = Duration::from_secs(24 * 86_400);

/// Ticks of a millisecond by which a timestamp is old beyond doubt.
const OLD_TICKS: i32 = 10_000;

/// The law's memory of all ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Acceptance(Vec<Door>);

/// What has come to one end.
#[derive(Clone, Debug, Default)]
struct Door {
    /// What came at `at` that must not end the connection, and whether something came that may.
    at: Instant,
    unfit: Option<(PacketId, Unfit)>,
    fit: bool,
    /// It sent a reset at `at` that answers nothing unfit.
    aborted: bool,
    /// TS.Recent at least, and when it was set (RFC 7323 §4.3).
    recent: Option<(u32, Instant)>,
    /// The timestamp of what arrived in order last, and its end.
    taken: Option<(u32, u64)>,
    /// What arrived with a good timestamp.
    fresh: Received,
    /// Octets that came with an old one.
    stale: Vec<(u64, u64)>,
    /// When challenge ACKs were sent: as many as the limit counts.
    challenges: Vec<Instant>,
}

/// Why a segment must not end a connection.
#[derive(Clone, Copy, Debug)]
enum Unfit {
    Reset,
    ResetWithoutAck,
    Syn,
}

impl Unfit {
    fn what(self) -> &'static str {
        match self {
            Self::Reset => {
                "a RST that was not at RCV.NXT ended the connection (RFC 9293 §3.10.7.4, RFC 5961 §3.2)"
            }
            Self::ResetWithoutAck => {
                "a RST that does not acknowledge the SYN ended the attempt (RFC 9293 §3.10.7.3)"
            }
            Self::Syn => "a SYN ended a synchronized connection (RFC 9293 §3.10.7.4, RFC 5961 §4.2)",
        }
    }
}

impl Acceptance {
    pub(super) fn arrived(&mut self, stage: Stage<'_>, seen: &Seen<'_>) -> Option<String> {
        let door = memory(&mut self.0, stage.index);
        if door.at != stage.at {
            (door.at, door.unfit, door.fit, door.aborted) = (stage.at, None, false, false);
        }
        if seen.has(Flags::RST) {
            match reset(stage, seen) {
                Some(unfit) => door.unfit = Some((seen.tag.id, unfit)),
                None => door.fit = true,
            }
        } else if seen.has(Flags::SYN) && stage.end.is_synchronized() {
            let arrival = &stage.lawful.tcp.arrival;
            door.unfit = (!arrival.insecure_syn).then_some((seen.tag.id, Unfit::Syn)).or(door.unfit);
        } else {
            // The last ACK of a connection that closes ends it rightly.
            door.fit |= matches!(stage.end.state, State::Closing | State::LastAck);
            door.take(stage, seen);
        }
        None
    }

    pub(super) fn sent(&mut self, stage: Stage<'_>, seen: &Seen<'_>) -> Option<String> {
        let door = memory(&mut self.0, stage.index);
        if seen.has(Flags::RST) {
            let answers = door.unfit.is_some_and(|(id, _)| seen.tag.cause == Cause::Arrival(id));
            door.aborted |= door.at == stage.at && !answers;
            return None;
        }
        if seen.tag.reason == Reason::ChallengeAck
            && let Some(text) = door.challenge(stage)
        {
            return Some(text);
        }
        let ack = seen.ack?;
        let old = !door.stale.is_empty() && ack > door.fresh.reach && !stage.end.is_deceived();
        let text = old.then(|| {
            format!(
                "{} octets were acknowledged that came only with an old timestamp (PAWS, RFC 7323 §5.3)",
                ack - door.fresh.reach
            )
        });
        if let Some((value, _)) = door.taken.filter(|&(_, end)| end <= ack) {
            door.recent = Some((value, stage.at));
            door.taken = None;
        }
        door.fresh.note_ack(ack, 0);
        door.stale.retain(|&(_, end)| end > ack);
        text
    }

    pub(super) fn state_changed(&mut self, stage: Stage<'_>, from: State, to: State) -> Option<String> {
        let door = memory(&mut self.0, stage.index);
        if to != State::Closed || from == State::TimeWait || door.at != stage.at || door.fit || door.aborted {
            return None;
        }
        door.unfit.map(|(id, unfit)| format!("{id}: {}", unfit.what()))
    }
}

/// Why a RST must not end the connection; `None` if it may (RFC 9293 §3.10.7.3, §3.10.7.4; RFC 5961 §3.2).
fn reset(stage: Stage<'_>, seen: &Seen<'_>) -> Option<Unfit> {
    let (end, arrival) = (stage.end, &stage.lawful.tcp.arrival);
    if end.state == State::SynSent {
        let acknowledges = seen.ack == Some(end.sent.end);
        return (!acknowledges).then_some(Unfit::ResetWithoutAck);
    }
    if !end.is_synchronized() || end.peer.is_none() {
        return None;
    }
    let received = &end.received;
    let reported = received.ahead.iter().any(|ahead| ahead.end == seen.start);
    let after_fin = received.fin.is_some_and(|fin| seen.start + 1 == fin);
    let may = (received.acknowledged.min(received.next)..=received.next).contains(&seen.start)
        || arrival.reset == ResetRule::ExactOrReported && (reported || after_fin)
        || arrival.insecure_reset && seen.start <= received.edge;
    (!may).then_some(Unfit::Reset)
}

impl Door {
    /// RFC 7323 §5.3 R1: a segment whose timestamp is older than TS.Recent isn't acceptable.
    fn take(&mut self, stage: Stage<'_>, seen: &Seen<'_>) {
        let end = stage.end;
        if end.peer.is_none() || seen.has(Flags::SYN) {
            return;
        }
        if self.fresh.next < end.received.acknowledged {
            self.fresh.note_ack(end.received.acknowledged, 0);
        }
        let stamp =
            seen.segment.options.timestamps().filter(|_| end.has_timestamps()).map(|(value, _)| value);
        let Some(value) = stamp else { return self.fresh.take(seen) };
        let old = self.recent.is_some_and(|(recent, since)| {
            // What is a little older may be what TS.Recent has not heard of, and Linux allows for a tick.
            (value.wrapping_sub(recent) as i32) < -OLD_TICKS && stage.at - since < OUTDATED
        });
        if old {
            if seen.end > self.fresh.next {
                self.stale.push((seen.start, seen.end));
            }
            return;
        }
        // Only what is acknowledged later was surely taken.
        let in_order = seen.start <= end.received.acknowledged && seen.end > end.received.next;
        if in_order && end.is_synchronized() {
            self.taken = Some((value, seen.end));
        }
        self.fresh.take(seen);
    }

    /// RFC 5961 §7: challenge ACKs are limited.
    fn challenge(&mut self, stage: Stage<'_>) -> Option<String> {
        let (count, span) = match stage.lawful.tcp.acknowledgment.challenge_limit {
            ChallengeLimit::None => return None,
            // Two intervals may meet.
            ChallengeLimit::PerInterval { count, interval } => (2 * usize::from(count), interval),
            ChallengeLimit::Gap(gap) => (1, gap),
        };
        self.challenges.retain(|&sent| stage.at - sent < span);
        self.challenges.push(stage.at);
        (self.challenges.len() > count).then(|| {
            format!("{} challenge ACKs were sent within {span} (RFC 5961 §7)", self.challenges.len())
        })
    }
}

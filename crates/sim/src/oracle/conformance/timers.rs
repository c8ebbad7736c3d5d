//! `timers`: retransmissions back off and come in time, the timeout keeps its bounds, probes are what they should be
//! (RFC 6298; RFC 9293 §3.8.4, §3.8.6.1).

use faultwire_base::{Duration, Instant};
use faultwire_tcp::State;
use faultwire_wire::{Cause, Flags, Reason, TimerKind};

use super::end::{ISN, Seen, Sending};
use super::{Stage, memory};

/// The law's memory of all ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers(Vec<Clock>);

/// What one end's retransmission timer has shown.
#[derive(Clone, Debug, Default)]
struct Clock {
    /// When anything arrived last, and when sequence space was sent last: the timer can't have been started later.
    heard: Instant,
    /// When anything arrived at an earlier instant than that: timers run out before what arrives at the same time.
    heard_before: Instant,
    acted: Instant,
    timeout: Option<Timeout>,
    /// Timeouts since the last measurement, at most.
    back_offs: u32,
    /// The least that the timeout can be until a measurement (Karn's algorithm).
    floor: Option<Duration>,
    /// The longest measurement there can have been.
    longest: Duration,
    /// The last probe of a closed window, and how long after the one before it.
    probe: Option<(Instant, Duration)>,
    /// The last keep-alive probe.
    keep_alive: Option<Instant>,
}

/// One expiration of the retransmission timer.
#[derive(Clone, Copy, Debug)]
struct Timeout {
    at: Instant,
    /// What was sent again.
    octet: u64,
    /// The timer had run for so long, or longer.
    waited: Duration,
}

/// Beyond every bound of ours: a tail loss probe, a delayed ACK, the pace of the sender.
const SLACK: Duration = Duration::from_secs(2);

impl Timers {
    pub(super) fn sent(&mut self, stage: Stage<'_>, seen: &Seen<'_>) -> Option<String> {
        let clock = memory(&mut self.0, stage.index);
        if seen.has(Flags::RST) {
            return None;
        }
        if seen.tag.reason == Reason::KeepAlive || seen.tag.cause == Cause::Timer(TimerKind::KeepAlive) {
            return clock.keep_alive_probe(stage, seen);
        }
        if seen.tag.reason == Reason::ZeroWindowProbe {
            return clock.window_probe(stage);
        }
        if !seen.is_long() {
            return None;
        }
        let late = clock.overdue(stage);
        let first = stage.end.sent.outstanding.front();
        let again = first.filter(|first| {
            seen.tag.cause == Cause::Timer(TimerKind::Retransmission)
                && seen.tag.reason != Reason::TailLossProbe
                && seen.start <= first.start
                && first.start < seen.end
        });
        let wrong = again.and_then(|first| clock.timed_out(stage, first));
        clock.acted = stage.at;
        wrong.or(late)
    }

    pub(super) fn arrived(&mut self, stage: Stage<'_>, seen: &Seen<'_>) -> Option<String> {
        let clock = memory(&mut self.0, stage.index);
        let late = clock.overdue(stage);
        if clock.heard < stage.at {
            clock.heard_before = clock.heard;
        }
        clock.heard = stage.at;
        clock.probe = None;
        clock.measure(stage, seen);
        late
    }

    pub(super) fn ends(&mut self, stage: Stage<'_>) -> Option<String> {
        memory(&mut self.0, stage.index).overdue(stage)
    }
}

impl Clock {
    /// What an acknowledgment tells of the round trip.
    fn measure(&mut self, stage: Stage<'_>, seen: &Seen<'_>) {
        let (end, timestamps) = (stage.end, stage.end.has_timestamps());
        let Some(ack) = seen.ack else { return };
        let reports = seen.segment.options.sack_blocks().next().is_some();
        let newly = |sending: &&Sending| sending.start < ack || reports;
        let mut measured = false;
        for sending in end.sent.outstanding.iter().filter(newly) {
            if timestamps || sending.times == 1 {
                self.longest = self.longest.max(stage.at - sending.first);
                measured = true;
            }
        }
        if measured {
            self.floor = None;
        }
        // A measurement for sure: nothing that was sent twice is among it.
        let repeated = end.sent.outstanding.iter().any(|sending| sending.times > 1);
        if measured && !repeated && ack > end.sent.unacknowledged {
            self.back_offs = 0;
        }
    }

    /// The first of what isn't acknowledged goes again because the timer ran out.
    fn timed_out(&mut self, stage: Stage<'_>, first: &Sending) -> Option<String> {
        let (at, rto) = (stage.at, &stage.lawful.tcp.retransmission);
        let still =
            |since: Instant| self.heard < since && stage.end.icmp_at < since && stage.end.resumed < since;
        let before = self.timeout.filter(|before| before.octet == first.start && still(before.at));
        // A measurement since the timer was started leaves that as it is, and shortens the next timeout.
        let latest = if self.heard > stage.end.sent.progress { at } else { self.heard.max(self.acted) };
        let waited = at - before.map_or(latest.max(stage.end.resumed), |before| before.at);
        let wrong = match before {
            Some(before) => self.backs_off(stage, first, before, waited),
            None => self.keeps_bounds(stage, first),
        };
        self.timeout = Some(Timeout { at, octet: first.start, waited });
        self.back_offs = self.back_offs.saturating_add(1);
        let doubled = waited.saturating_sub(rto.slop).saturating_mul(2).min(rto.max);
        self.floor = (first.start > ISN).then_some(doubled);
        wrong
    }

    /// RFC 6298 §5.5, RFC 9293 §3.8.1 (MUST-18), §3.8.2 (MUST-19): each timeout is twice the one before, up to the maximum.
    fn backs_off(
        &self,
        stage: Stage<'_>,
        first: &Sending,
        before: Timeout,
        waited: Duration,
    ) -> Option<String> {
        let rto = &stage.lawful.tcp.retransmission;
        let linear = first.start == ISN && first.times <= stage.lawful.tcp.opening.syn_linear_timeouts + 1;
        let closed = stage.end.sent.is_closed();
        if linear || closed || stage.lawful.user_timeout {
            return None;
        }
        let least = before.waited.saturating_sub(rto.slop).saturating_mul(3) / 2;
        (waited < least.min(rto.max)).then(|| {
            format!(
                "{} was sent again {} after a timeout that had taken {} at least, without an answer in between: the timeout did not double (RFC 6298 §5.5)",
                what(stage, first), waited, before.waited
            )
        })
    }

    /// The first timeout of a series comes neither before the least RTO (RFC 6298 §2.4) nor before what was backed off to, as
    /// long as there is no measurement (Karn's algorithm, RFC 6298 §3, §5).
    fn keeps_bounds(&self, stage: Stage<'_>, first: &Sending) -> Option<String> {
        let (at, rto) = (stage.at, &stage.lawful.tcp.retransmission);
        // Linux: a SYN goes again soon after a suspicious ACK, and what was reported and isn't acknowledged after a check
        // for reneging (`tcp_check_sack_reneging`).
        let suspicious = first.start == ISN && self.heard >= first.first || first.reported.is_some();
        if stage.end.icmp_at >= first.first || suspicious || stage.lawful.user_timeout {
            return None;
        }
        let since_sent = at - first.first;
        if since_sent < rto.min {
            return Some(format!(
                "{} was sent again by the timer {since_sent} after it was sent; the least RTO is {} (RFC 6298 §2.4)",
                what(stage, first),
                rto.min
            ));
        }
        let longest = at - first.first.min(stage.end.sent.progress);
        let floor = self.floor.filter(|_| !stage.end.has_timestamps())?;
        (longest < floor * 9 / 10).then(|| {
            format!(
                "{} was sent again by the timer after {longest}, although the timeout had been backed off to {floor} and nothing could be measured since (Karn's algorithm, RFC 6298 §3)",
                what(stage, first)
            )
        })
    }

    /// RFC 6298 §5.1 to §5.3: what isn't acknowledged is sent again one RTO after the last progress; an RTO that is stretched,
    /// or started anew without progress, is no RTO.
    fn overdue(&self, stage: Stage<'_>) -> Option<String> {
        let (end, rto) = (stage.end, &stage.lawful.tcp.retransmission);
        let first = end.sent.outstanding.front()?;
        let waits = end.is_synchronized() || end.state == State::SynSent && !end.over;
        if !waits || end.state == State::TimeWait || end.sent.is_closed() {
            return None;
        }
        let since = first.last.max(end.sent.progress).max(end.sent.opened).max(end.resumed);
        let waited = stage.at.saturating_since(since);
        let guess = self.longest.saturating_mul(5).saturating_add(rto.min).saturating_add(rto.slop);
        let unmeasured = rto.initial.max(Duration::from_secs(3));
        let base =
            if self.longest.is_zero() || end.sent.end <= ISN + 1 { guess.max(unmeasured) } else { guess };
        let base = if self.back_offs > 0 {
            base.max(self.floor.unwrap_or(Duration::ZERO)).max(unmeasured)
        } else {
            base
        };
        let factor = 1u64.checked_shl(self.back_offs.min(20)).unwrap_or(u64::MAX);
        let probe = self.longest.saturating_mul(2).saturating_add(SLACK);
        let bound = base.saturating_mul(factor).min(rto.max).saturating_mul(2).saturating_add(probe);
        (waited > bound).then(|| {
            format!(
                "{} was not sent again for {waited}, although it isn't acknowledged; {bound} is more than any RTO there can be (RFC 6298 §5)",
                what(stage, first)
            )
        })
    }

    /// RFC 9293 §3.8.6.1 (SHLD-30): probes that aren't answered come ever more slowly.
    fn window_probe(&mut self, stage: Stage<'_>) -> Option<String> {
        let (at, persist) = (stage.at, &stage.lawful.tcp.persist);
        let gap = self.probe.map(|(before, _)| at - before);
        let wrong = match (self.probe, gap) {
            (Some((_, before)), Some(gap)) if !before.is_zero() => {
                let least = (before * 3 / 2).min(persist.max);
                let may_stay = before <= persist.min || stage.end.resumed > at - gap;
                (gap < least && !may_stay).then(|| {
                    format!(
                        "a closed window was probed {gap} after the last probe, which came {before} after the one before, without an answer: the interval did not double (RFC 9293 §3.8.6.1)"
                    )
                })
            }
            _ => None,
        };
        self.probe = Some((at, gap.unwrap_or(Duration::ZERO)));
        self.acted = at;
        wrong
    }

    /// RFC 9293 §3.8.4 (SHLD-12, MUST-26 to MUST-28): SEG.SEQ is SND.NXT - 1, so that it is answered; it comes after the idle
    /// time and then at the interval.
    fn keep_alive_probe(&mut self, stage: Stage<'_>, seen: &Seen<'_>) -> Option<String> {
        let next = stage.end.sent.end;
        let (idle, interval) = stage.lawful.keep_alive;
        let heard = if self.heard < stage.at { self.heard } else { self.heard_before };
        let last = self.keep_alive.filter(|last| *last > heard);
        self.keep_alive = Some(stage.at);
        if seen.start + 1 != next {
            return Some(format!(
                "a keep-alive probe has sequence number SND.NXT {:+}, where only SND.NXT -1 makes the peer answer (RFC 9293 §3.8.4)",
                seen.start as i64 - next as i64
            ));
        }
        let (since, least, which) = match last {
            Some(last) => (stage.at - last, interval, "probe"),
            None => (stage.at - heard, idle, "segment of the peer"),
        };
        (since < least).then(|| {
            format!("a keep-alive probe was sent {since} after the last {which}; {least} was asked for (RFC 9293 §3.8.4)")
        })
    }
}

/// What was sent, in words.
fn what(stage: Stage<'_>, sending: &Sending) -> String {
    if sending.start == ISN {
        return "the SYN".into();
    }
    if stage.end.sent.fin == Some(sending.start) {
        return "the FIN".into();
    }
    format!("octet {}", stage.end.octet(sending.start))
}

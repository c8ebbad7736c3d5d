//! The one timer of a sender: it runs for a retransmission, for RACK's reordering window or for a probe (RFC 6298 §5,
//! RFC 8985 §8).

use std::ops::Range;

use faultwire_base::{Duration, Instant};
use faultwire_wire::{Reason, TimerKind};

use super::episode::Repair;
use super::policy::Detection;
use super::report::Digest;
use super::{Episode, Phase, Recovery, TimeoutVerdict, tlp};
use crate::config::SackedData;
use crate::offset::Offset;

impl Recovery {
    /// When the timer runs out; `None` while nothing is in flight or another timer has taken over.
    #[inline]
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.rto.deadline()
    }

    /// What the timer runs for.
    #[inline]
    pub(crate) fn timer(&self) -> TimerKind {
        self.pending
    }

    /// Stops the timer, for instance because the persist timer takes over.
    pub(crate) fn stop_timer(&mut self) {
        self.rto.stop();
        self.pending = TimerKind::Retransmission;
    }

    /// The timer ran out, whatever it ran for; tells of a retransmission timeout. To be called with data in flight only.
    pub(crate) fn on_timer(&mut self, now: Instant) -> Option<TimeoutVerdict> {
        match self.pending {
            TimerKind::Reordering => self.on_reordering_timer(now),
            TimerKind::TailLossProbe => self.probe.expire(&self.policy.probe),
            _ => return Some(self.on_timeout(now)),
        }
        if self.pending != TimerKind::Retransmission && self.rto.deadline().is_some_and(|at| at <= now) {
            // RFC 8985 §8: the retransmission timer takes over again.
            self.rearm(now);
        }
        None
    }

    /// The segment that a due probe sends again if there is no new data to send: the last one (RFC 8985 §7.3).
    pub(crate) fn loss_probe(&mut self) -> Option<(Range<Offset>, Reason)> {
        let (last, _) = self.queue.back().filter(|_| self.probe.is_due())?;
        Some((last, Reason::TailLossProbe))
    }

    /// Whether a probe is to be sent now, before anything else.
    #[inline]
    pub(crate) fn is_probe_due(&self) -> bool {
        self.probe.is_due()
    }

    /// The due probe can't be sent.
    pub(crate) fn cancel_probe(&mut self) {
        self.probe.cancel();
    }

    /// The retransmission timer ran out (RFC 6298 §5.4 to §5.6): the timeout doubles and the timer runs again, the
    /// window falls to one segment, and what is not SACKed counts as lost, unless it was sent just now.
    pub(crate) fn on_timeout(&mut self, now: Instant) -> TimeoutVerdict {
        let (_, first_sent) = self.queue.front().expect("the timer runs only while something is in flight");
        self.counters.timeouts += 1;
        let before = self.progress.timeouts();
        let timeouts = self.progress.count_timeout();
        let phase = self.episode.phase;
        if phase <= Phase::Disorder && self.queue.sacked().segments >= self.policy.duplicate_threshold() {
            // What was thought to be reordered was lost.
            let initial = self.policy.duplicate_threshold();
            if let Some(reordering) = &mut self.reordering {
                reordering.lower_metric(initial);
            }
        }
        self.begin_loss(before);
        self.mark_lost_at_timeout(now);
        let under_way = if self.policy.counts_segments() { self.pipe() } else { 0 };
        self.congestion.on_timeout(now, under_way, self.queue.end());
        self.probe.end_episode();
        self.episode = Episode {
            front_is_due: !self.queue.front_is_sacked(),
            // RFC 5682 §2.1 step 1: not while another recovery is in progress.
            forward_rto: self.policy.flags.forward_rto && (phase < Phase::Recovery || before > 0),
            ..Episode::loss(self.queue.end())
        };
        self.rto.backoff();
        self.start_timer(now);
        TimeoutVerdict {
            backoffs: timeouts,
            first_unacknowledged_since: self.progress.waiting_since(first_sent),
        }
    }

    /// The network said that it has no way for the segment at `quoted`, which the timer sent again: that is no
    /// congestion, so one doubling is taken back, and the timer runs from when the segment was sent last (RFC 6069 §3).
    pub(crate) fn revert_back_off(&mut self, now: Instant, quoted: Offset) {
        let due = quoted == self.queue.start() && !self.queue.is_empty() && self.progress.timeouts() > 0;
        if due && self.rto.revert_back_off() {
            self.pending = TimerKind::Retransmission;
            let at = self.timeout_by_front(now);
            self.rto.start_until(now, at);
        }
    }

    /// Sets the timer after an ACK (RFC 6298 §5.2, §5.3; RFC 8985 §7.2).
    #[inline]
    pub(super) fn set_timer_after(&mut self, now: Instant, ack: &Digest, before: Phase) {
        if self.queue.is_empty() {
            self.stop_timer();
            return;
        }
        if !ack.restart_timer {
            return;
        }
        if self.policy.inflates() && before == Phase::Recovery && self.episode.phase == Phase::Recovery {
            // In fast recovery without SACK only the first partial ACK counts, which has restarted the timer.
            return;
        }
        if self.policy.probe.on && self.schedule_probe(now, now.saturating_add(self.rto.current())) {
            return;
        }
        if self.policy.counts_segments() {
            self.rearm(now);
        } else {
            self.start_timer(now);
        }
    }

    /// Lets a probe be sent before the retransmission timer runs out at `timeout`, where it is of use: not in recovery
    /// and while nothing is SACKed (RFC 8985 §7.2). Says whether.
    #[inline]
    pub(super) fn schedule_probe(&mut self, now: Instant, timeout: Instant) -> bool {
        if !matches!(self.episode.phase, Phase::Open | Phase::Cwr) {
            return false;
        }
        let smoothed = self.rto.estimator().smoothed();
        let at = tlp::deadline(&self.policy.probe, now, smoothed, self.queue.segments(), timeout);
        self.pending = TimerKind::TailLossProbe;
        self.rto.start_until(now, at);
        true
    }

    /// Starts the retransmission timer from now.
    #[inline]
    pub(super) fn start_timer(&mut self, now: Instant) {
        self.pending = TimerKind::Retransmission;
        self.rto.start(now);
    }

    /// The retransmission timer takes over: from now, or where another timer ran in its place, from the last sending of
    /// the first segment (`tcp_rearm_rto`).
    #[inline]
    pub(super) fn rearm(&mut self, now: Instant) {
        if self.pending == TimerKind::Retransmission {
            self.rto.start(now);
            return;
        }
        self.pending = TimerKind::Retransmission;
        let at = self.timeout_by_front(now);
        self.rto.start_until(now, at.max(now + Duration::from_micros(1)));
    }

    /// When the retransmission timer would run out by the last sending of the first segment.
    #[inline]
    pub(super) fn timeout_by_front(&self, now: Instant) -> Instant {
        self.queue.front_sent().unwrap_or(now).saturating_add(self.rto.current())
    }

    /// A probe went out; `repeated` if it was old data.
    pub(super) fn on_probe_sent(&mut self, now: Instant, repeated: bool) {
        self.counters.probes += 1;
        self.probe.on_sent(self.queue.end(), repeated);
        self.start_timer(now);
    }

    /// RFC 6675 §4, NextSeg rule 4: once in a recovery the highest segment is sent again, as in FreeBSD when a partial ACK
    /// leaves nothing SACKed above. By the letter it could go while SACKs are still coming in, in vain.
    pub(super) fn rescue(&mut self) -> Option<(Range<Offset>, Reason)> {
        let (last, transmissions) = self.queue.back()?;
        let of_this_recovery = last.end <= self.episode.recovery_point;
        if transmissions > 1 || !of_this_recovery || !self.permit().has_room() {
            return None;
        }
        Some((last, Reason::FastRetransmission))
    }

    /// RACK's reordering window is over (RFC 8985 §6.2): what was waited for is lost.
    fn on_reordering_timer(&mut self, now: Instant) {
        let losses = self.queue.losses();
        self.pending = TimerKind::Reordering;
        let (_, armed) = self.detect_by_time(now);
        if self.queue.losses() != losses && self.episode.phase != Phase::Recovery {
            self.enter_recovery(0);
            let step = self.policy.one();
            self.reduce_by(step);
        }
        if !armed {
            self.rearm(now);
        }
    }

    /// The reduction of a timeout, unless the data in flight was reduced for already (RFC 5681 §3.1).
    fn begin_loss(&mut self, timeouts_before: u32) {
        let phase = self.episode.phase;
        let anew = if self.policy.counts_segments() {
            matches!(phase, Phase::Open | Phase::Disorder)
                || self.queue.start() >= self.episode.recovery_point
                || (phase == Phase::Loss && timeouts_before == 0)
        } else {
            timeouts_before == 0
        };
        if !anew {
            return;
        }
        let (window, threshold) = (self.congestion.window(), self.congestion.current_threshold());
        self.congestion.reduce_threshold(self.flight_at_loss());
        let estimator = self.rto.estimator();
        let round_trip = (estimator.smoothed().unwrap_or(Duration::ZERO), estimator.variation());
        let start = self.queue.start();
        let retransmitted = self.queue.retransmitted().segments + u32::from(self.probe.is_repeated());
        let repair = self.repair.get_or_insert_with(|| Box::new(Repair::new()));
        repair.undo.begin(start, retransmitted);
        repair.undo.remember_window(window);
        repair.undo.remember_threshold(threshold);
        repair.undo.remember_round_trip(round_trip.0, round_trip.1);
    }

    fn mark_lost_at_timeout(&mut self, now: Instant) {
        let mut spared_after = Instant::FAR_FUTURE;
        if self.queue.front_is_sacked() {
            match self.policy.sacked {
                // RFC 2018 §8: the receiver may drop what it SACKed. Here it did, or it would acknowledge it.
                SackedData::Kept => {
                    self.queue.forget_sacks();
                    self.scoreboard = None;
                }
                SackedData::Forgotten => {}
            }
        } else if let Detection::Rack { spare_recent: true, .. } = self.policy.detection {
            spared_after = self.rack.recent(now);
        }
        self.episode.emulated = 0;
        self.queue.mark_all_lost(spared_after);
    }
}

//! Reductions of the window: how they begin, go on and end, and how they are taken back (RFC 9937, 5681 §3.2, 4015 §4).

use faultwire_base::{Duration, Instant};

use super::episode::Repair;
use super::policy::Policy;
use super::prr::{Prr, Step};
use super::report::Digest;
use super::{AckVerdict, Episode, Phase, Recovery};
use crate::config::{WindowReduction, WindowUnit};

impl Recovery {
    /// A probe repaired the loss of a single segment (RFC 8985 §7.4.2): the window is reduced at once.
    pub(super) fn reduce_for_repaired_probe(&mut self, now: Instant, delivered: u64) {
        let _ = now;
        self.begin_reduction(delivered);
        self.episode.phase = Phase::Cwr;
        self.end_reduction();
        self.open();
    }

    /// Fast recovery begins, by an ACK that delivered so much.
    pub(super) fn enter_recovery(&mut self, delivered: u64) {
        let reducing = self.episode.is_reducing();
        let threshold = self.congestion.current_threshold();
        let retransmitted = self.queue.retransmitted().segments + u32::from(self.probe.is_repeated());
        if !reducing {
            self.begin_reduction(delivered);
        }
        let start = self.queue.start();
        let repair = self.repair.get_or_insert_with(|| Box::new(Repair::new()));
        repair.undo.begin(start, retransmitted);
        if reducing {
            repair.undo.forbid();
        } else {
            repair.undo.remember_threshold(threshold);
        }
        if !self.policy.is_rack() {
            self.queue.mark_lost_before(start + 1);
        }
        let emulated = self.episode.emulated;
        self.episode = Episode {
            phase: Phase::Recovery,
            emulated,
            front_is_due: !self.policy.is_proportional(),
            ..Episode::none(self.queue.end())
        };
    }

    /// A new threshold, with what is outstanding now; the window follows it in proportion, or at once.
    pub(super) fn begin_reduction(&mut self, delivered: u64) {
        self.progress.reduced = true;
        let window = self.congestion.window();
        let basis = match self.policy.reduction {
            WindowReduction::ProportionalToWindow => window,
            _ => self.recover_flight(delivered),
        };
        self.congestion.reduce_threshold(self.flight_at_loss());
        let repair = self.repair.get_or_insert_with(|| Box::new(Repair::new()));
        repair.prr = Prr::new(basis);
        repair.undo.remember_window(window);
        self.probe.end_episode();
        self.episode.recovery_point = self.queue.end();
        if !self.policy.is_proportional() {
            self.congestion.set_window(self.congestion.threshold());
        }
    }

    /// The reduction is over: the window is the threshold.
    pub(super) fn end_reduction(&mut self) {
        let open = self.repair.as_ref().is_some_and(|repair| repair.undo.is_open());
        let threshold = self.congestion.threshold();
        if threshold != crate::congestion::NO_THRESHOLD && (self.episode.phase == Phase::Cwr || open) {
            self.congestion.set_window(threshold);
        }
    }

    /// Everything up to the recovery point is acknowledged: was it a loss at all? Says whether the state has to be held
    /// until more is acknowledged, since without SACK duplicate ACKs of what was sent twice look like a loss
    /// (RFC 6582 §4.1).
    pub(super) fn finish(&mut self, now: Instant, ack: &Digest) -> bool {
        let held = self.is_at_end_without_sack();
        let undone = self.policy.flags.undo
            && self.repair.as_ref().is_some_and(|repair| repair.undo.is_due(now, ack.echo, held));
        if undone {
            self.undo(false);
        } else if let Some(reordering) = &mut self.reordering {
            reordering.on_recovery_ended();
        }
        if !self.policy.has_sack()
            && !self.policy.inflates()
            && self.queue.start() == self.episode.recovery_point
        {
            self.forget_past();
            return true;
        }
        false
    }

    /// Without SACK the state is held until more is acknowledged than was out at its start, and what was sent again is
    /// forgotten before: no sign then that nothing was.
    pub(super) fn is_at_end_without_sack(&self) -> bool {
        !self.policy.has_sack() && self.queue.start() >= self.episode.recovery_point
    }

    /// A partial ACK in fast recovery. If it is for an original, nothing was lost: back, unless something is on its way a
    /// second time. Says whether there is nothing else to do (`tcp_try_undo_partial`).
    pub(super) fn undo_partially(&mut self, now: Instant, ack: &Digest) -> bool {
        let held = self.is_at_end_without_sack();
        let original = self.policy.flags.undo
            && self.repair.as_ref().is_some_and(|repair| {
                repair.undo.is_open() && repair.undo.is_for_original(now, ack.echo, held)
            });
        if !original {
            return false;
        }
        let high = self.highest_sacked().unwrap_or(self.queue.start());
        self.see_reordering(ack.start, high.max(self.queue.start()));
        if self.queue.retransmitted().segments > 0 {
            return true;
        }
        if !self.queue.front_was_repeated() {
            self.forget_past();
        }
        self.undo(true);
        self.open();
        false
    }

    /// Every retransmission was reported as a duplicate: back. Says whether.
    pub(super) fn undo_by_d_sacks(&mut self) -> bool {
        let due =
            self.policy.flags.undo && self.repair.as_ref().is_some_and(|repair| repair.undo.all_explained());
        if due {
            if let Some(reordering) = &mut self.reordering {
                reordering.on_undone();
            }
            self.undo(false);
        }
        due
    }

    /// Takes the reduction back; with `unmark` nothing is lost any more.
    pub(super) fn undo(&mut self, unmark: bool) {
        if unmark {
            self.queue.unmark_lost();
        }
        self.counters.undone += 1;
        if let Some((window, threshold)) = self.repair.as_mut().and_then(|repair| repair.undo.take()) {
            self.congestion.undo(window, threshold);
        }
        self.rack.examine_again();
    }

    /// Moves the window by what the ACK delivered: in proportion while it is being reduced, else by the law of growth.
    #[inline]
    pub(super) fn control_window(
        &mut self,
        now: Instant,
        ack: &Digest,
        verdict: &AckVerdict,
        before: Phase,
        lost: bool,
    ) {
        if self.episode.is_reducing() {
            self.reduce(ack, lost);
            return;
        }
        let limit = if before == Phase::Loss { SLOW_START_LIMIT_AFTER_TIMEOUT } else { SLOW_START_LIMIT };
        let rtt = self.rto.estimator().smoothed().unwrap_or(Duration::ZERO);
        match self.policy.unit {
            WindowUnit::Segments => {
                let reorders = self.reordering_threshold() > self.policy.duplicate_threshold();
                if ack.departed > 0 || (reorders && ack.sacked) {
                    self.congestion.on_acknowledged(now, ack.delivered, rtt, limit);
                }
            }
            WindowUnit::Octets => {
                let left = before == Phase::Recovery || before == Phase::Cwr;
                if verdict.newly_acknowledged > 0 && !left {
                    let waits = self.episode.new_data_first || self.permit().old_data_waits();
                    if before == Phase::Loss && waits {
                        // Whether there is new data or not: the window is what holds the old data back.
                        self.congestion.set_limited(now, true);
                    }
                    self.congestion.on_acknowledged(now, verdict.newly_acknowledged, rtt, limit);
                }
            }
        }
    }

    /// FlightSize as a loss sees it, in the unit of the window: without what limited transmit sent (RFC 5681 §3.2 step
    /// 2).
    pub(super) fn flight_at_loss(&self) -> u64 {
        let flight = self.queue.flight_in(self.policy.unit);
        let limited = match self.policy.unit {
            WindowUnit::Octets => u64::from(self.episode.limited_transmit),
            WindowUnit::Segments => 0,
        };
        // In a recovery with SACK the flight outgrows the window by all that was SACKed. Half of that would be no
        // reduction at all: the next slow start would overrun the path again, for ever.
        flight.saturating_sub(limited).min(self.congestion.window())
    }

    fn reduce(&mut self, ack: &Digest, lost: bool) {
        self.reduce_with(ack.delivered, ack.advanced && !lost);
    }

    /// Something was found lost by time: as if `delivered` had been.
    pub(super) fn reduce_by(&mut self, delivered: u64) {
        self.reduce_with(delivered, false);
    }

    fn reduce_with(&mut self, delivered: u64, safe: bool) {
        if !self.policy.is_proportional() {
            return;
        }
        let step = Step {
            delivered,
            safe,
            in_flight: self.pipe(),
            threshold: self.congestion.threshold(),
            one: self.policy.one(),
        };
        if let Some(repair) = &mut self.repair
            && let Some(window) = repair.prr.window(step)
        {
            self.congestion.set_window(window);
        }
    }

    /// RecoverFS (RFC 9937 §6.1): what was in flight and not SACKed when the reduction began, before the ACK that began
    /// it.
    fn recover_flight(&self, delivered: u64) -> u64 {
        let Policy { unit, .. } = self.policy;
        self.queue.flight_in(unit) + delivered - self.queue.sacked().in_unit(unit)
    }
}

/// RFC 3465 §2.2: slow start counts at most two segments an ACK, which makes up for delayed ACKs.
const SLOW_START_LIMIT: u32 = 2;
/// RFC 3465 §2.3: one segment while a timeout is being repaired, when one ACK can cover what was received long ago.
const SLOW_START_LIMIT_AFTER_TIMEOUT: u32 = 1;

//! The states of a sender and what an ACK does to them: Open, Disorder, CWR, fast recovery (RFC 5681 §3.2, 6675 §5,
//! 8985 §6; the order is that of Linux's `tcp_fastretrans_alert`).

use faultwire_base::{Duration, Instant};
use faultwire_wire::TimerKind;

use super::policy::Detection;
use super::rack::Circumstances;
use super::report::Digest;
use super::{AckVerdict, Phase, Recovery};

impl Recovery {
    /// An ACK that is not plain progress, or one in a state that is not plain.
    pub(super) fn take_state(&mut self, now: Instant, ack: &mut Digest, verdict: &mut AckVerdict) {
        if self.policy.inflates() && self.episode.phase != Phase::Loss {
            self.take_newreno(now, ack, verdict);
            return;
        }
        if ack.reneging && self.policy.flags.early_reneging {
            // RFC 2018 §8. The receiver gets half a round trip to make good what it SACKed.
            let half = self.rto.estimator().smoothed().unwrap_or(Duration::ZERO) / 2;
            self.pending = TimerKind::Retransmission;
            self.rto.start_until(now, now.saturating_add(half.max(RENEGING_DELAY_MIN)));
            ack.restart_timer = false;
            return;
        }
        self.count_duplicates(ack, verdict);
        if self.leave_finished(now, ack, verdict) {
            return;
        }
        match self.episode.phase {
            Phase::Recovery => self.stay_in_recovery(now, ack, verdict),
            Phase::Loss => {
                self.process_loss(now, ack, verdict);
                self.identify_losses(now, ack);
                let again = self.episode.phase == Phase::Open || ack.lost_retransmission;
                if !again {
                    return;
                }
                self.enter_or_open(ack, verdict);
            }
            Phase::Open | Phase::Disorder | Phase::Cwr => {
                if self.policy.detection == Detection::Emulate {
                    if ack.advanced {
                        self.episode.emulated = 0;
                    }
                    self.emulate_sack(ack);
                }
                if self.episode.phase != Phase::Cwr {
                    self.undo_by_d_sacks();
                }
                self.identify_losses(now, ack);
                self.enter_or_open(ack, verdict);
            }
        }
    }

    /// Nothing is in trouble, and nothing of what was sent again is under way.
    #[inline]
    pub(super) fn forget_past(&mut self) {
        if let Some(repair) = &mut self.repair {
            repair.undo.forget_retransmissions();
        }
    }

    /// RFC 6675 §5 step (2): ACKs that SACK something new are counted.
    fn count_duplicates(&mut self, ack: &Digest, verdict: &AckVerdict) {
        if ack.advanced {
            self.episode.duplicate_acks = 0;
        } else if verdict.duplicate {
            self.episode.duplicate_acks += 1;
        }
    }

    /// Ends what is over by the cumulative ACK. Says whether nothing else is to be done.
    fn leave_finished(&mut self, now: Instant, ack: &Digest, verdict: &mut AckVerdict) -> bool {
        let (start, point) = (self.queue.start(), self.episode.recovery_point);
        match self.episode.phase {
            Phase::Open => self.forget_past(),
            Phase::Cwr if start > point => {
                self.end_reduction();
                self.episode.phase = Phase::Open;
            }
            Phase::Recovery if start >= point => {
                self.episode.emulated = 0;
                if self.finish(now, ack) {
                    return true;
                }
                verdict.left_recovery = true;
                self.end_reduction();
                self.episode.front_is_due = false;
                self.episode.phase = Phase::Open;
            }
            _ => {}
        }
        false
    }

    /// In fast recovery. If it is taken back, and a loss is evident all the same, the next begins.
    fn stay_in_recovery(&mut self, now: Instant, ack: &mut Digest, verdict: &mut AckVerdict) {
        if !ack.advanced {
            self.emulate_sack(ack);
        } else {
            self.episode.front_is_due = false;
            self.episode.partial_ack_seen = true;
            if self.undo_partially(now, ack) {
                return;
            }
        }
        if self.undo_by_d_sacks() {
            self.open();
        }
        self.identify_losses(now, ack);
        if self.episode.phase != Phase::Recovery && self.is_time_to_recover(false) {
            self.enter_recovery(ack.delivered);
            verdict.entered_recovery = true;
        }
    }

    fn enter_or_open(&mut self, ack: &Digest, verdict: &mut AckVerdict) {
        if self.is_time_to_recover(verdict.duplicate) {
            self.enter_recovery(ack.delivered);
            verdict.entered_recovery = true;
        } else if self.episode.phase != Phase::Cwr {
            self.open();
        }
    }

    /// Open, or Disorder if anything is SACKed or lost.
    pub(super) fn open(&mut self) {
        let left_out = self.queue.sacked().segments + self.queue.lost().segments + self.episode.emulated > 0;
        let duplicates = self.policy.detection == Detection::Sack && self.episode.duplicate_acks > 0;
        let phase = if left_out || duplicates { Phase::Disorder } else { Phase::Open };
        if self.episode.phase != phase {
            self.episode.phase = phase;
            self.episode.front_is_due = false;
            self.episode.forward_rto = false;
            self.episode.recovery_point = self.queue.end();
        }
    }

    /// Marks what is lost by now.
    pub(super) fn identify_losses(&mut self, now: Instant, ack: &mut Digest) {
        if self.queue.is_empty() {
            return;
        }
        match self.policy.detection {
            Detection::Rack { .. } if self.rack.take_advanced() => {
                let (retransmission, armed) = self.detect_by_time(now);
                ack.lost_retransmission |= retransmission;
                ack.restart_timer &= !armed;
            }
            Detection::Emulate => {
                let phase = self.episode.phase;
                let begins = phase < Phase::Recovery && self.episode.emulated >= self.reordering_threshold();
                if begins || (phase == Phase::Recovery && ack.advanced) {
                    self.queue.mark_lost_before(self.queue.start() + 1);
                }
            }
            _ => {}
        }
    }

    /// RACK_detect_loss_and_arm_timer: whether a retransmission was lost, and whether the reordering timer runs.
    pub(super) fn detect_by_time(&mut self, now: Instant) -> (bool, bool) {
        let Detection::Rack { ignore_threshold, timer_slack_micros, .. } = self.policy.detection else {
            return (false, false);
        };
        let enough = self.queue.sacked().segments >= self.reordering_threshold();
        let circumstances = Circumstances {
            recovering: self.episode.phase >= Phase::Recovery,
            enough_sacked: enough && !ignore_threshold,
        };
        let reference = self.rack.reference(self.rto.estimator(), self.reordering.as_deref(), circumstances);
        let none = std::collections::VecDeque::new();
        let runs = self.scoreboard.as_ref().map_or(&none, |scoreboard| scoreboard.runs());
        let found = self.queue.detect_lost(now, reference, runs);
        if let Some(at) = found.next {
            let slack = Duration::from_micros(u64::from(timer_slack_micros));
            self.pending = TimerKind::Reordering;
            self.rto.start_until(now, at.saturating_add(slack));
        }
        (found.retransmission, found.next.is_some())
    }

    /// Whether fast recovery is to begin.
    fn is_time_to_recover(&self, duplicate: bool) -> bool {
        match self.policy.detection {
            // RFC 6675 §5, steps (1) and (2).
            Detection::Sack => {
                duplicate
                    && (self.episode.duplicate_acks >= self.reordering_threshold()
                        || self.queue.front_is_lost())
            }
            _ => self.queue.lost().segments > 0,
        }
    }

    /// Linux without SACK: a duplicate ACK tells of a segment that left the network (`tcp_add_reno_sack`).
    pub(super) fn emulate_sack(&mut self, ack: &mut Digest) {
        if self.policy.detection != Detection::Emulate || !ack.bare {
            return;
        }
        let holes = self.queue.lost().segments.max(1);
        let most = self.queue.segments().saturating_sub(holes);
        if self.episode.emulated < most {
            self.episode.emulated += 1;
            ack.delivered += 1;
            self.counters.delivered += 1;
        } else {
            // More duplicates than segments that can be SACKed: the network reorders.
            let (start, end) = (self.queue.start(), self.queue.end());
            self.see_reordering(start, end);
        }
    }
}

/// The least time that a receiver gets to make good what it SACKed and does not acknowledge.
const RENEGING_DELAY_MIN: Duration = Duration::from_millis(10);

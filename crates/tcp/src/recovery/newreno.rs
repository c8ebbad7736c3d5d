//! Fast recovery without SACK: NewReno (RFC 6582), with limited transmit (RFC 3042) and the Eifel response (RFC 4015).

use faultwire_base::Instant;

use super::episode::Repair;
use super::report::Digest;
use super::{AckVerdict, Episode, Phase, Recovery};

impl Recovery {
    /// An ACK outside of the recovery from a timeout.
    pub(super) fn take_newreno(&mut self, now: Instant, ack: &mut Digest, verdict: &mut AckVerdict) {
        match self.episode.phase {
            Phase::Recovery => self.inflate_or_deflate(now, ack, verdict),
            _ => self.count_duplicate_acks(verdict),
        }
    }

    fn count_duplicate_acks(&mut self, verdict: &mut AckVerdict) {
        if self.episode.phase == Phase::Cwr && self.queue.start() > self.episode.recovery_point {
            self.episode.phase = Phase::Open;
        }
        if verdict.newly_acknowledged > 0 {
            self.episode.duplicate_acks = 0;
        } else if verdict.duplicate {
            self.episode.duplicate_acks += 1;
        }
        self.enter_newreno_if_due(verdict);
        if matches!(self.episode.phase, Phase::Open | Phase::Disorder) {
            let suspicious = self.episode.duplicate_acks > 0;
            self.episode.phase = if suspicious { Phase::Disorder } else { Phase::Open };
        }
    }

    fn inflate_or_deflate(&mut self, now: Instant, ack: &Digest, verdict: &mut AckVerdict) {
        let smss = self.policy.smss;
        if ack.advanced && self.undo_newreno(now, ack) {
            verdict.left_recovery = true;
            return;
        }
        if self.queue.start() >= self.episode.recovery_point {
            verdict.left_recovery = true;
            // RFC 6582 §3.2 step 3, option 1: no burst when little is in flight.
            let smss = u64::from(smss);
            let refilled = self.queue.flight().max(smss) + smss;
            self.congestion.set_window(self.congestion.threshold().min(refilled));
            self.episode = Episode::none(self.episode.recovery_point);
            self.enter_newreno_if_due(verdict);
        } else if ack.advanced {
            self.episode.deflate(verdict.newly_acknowledged, smss);
            self.queue.mark_lost_before(self.queue.start() + 1);
            self.episode.front_is_due = true;
            // RFC 6582 §3.2 step 3: the first partial ACK resets the timer; §4: or each does.
            if !self.episode.partial_ack_seen || self.policy.flags.partial_acks_restart_timer {
                self.episode.partial_ack_seen = true;
                self.start_timer(now);
            }
        } else if verdict.duplicate {
            self.episode.inflate_by(smss);
        }
    }

    /// The ACK is for an original: nothing was lost (RFC 3522 §3.2).
    fn undo_newreno(&mut self, now: Instant, ack: &Digest) -> bool {
        let held = self.is_at_end_without_sack();
        let due = self.policy.flags.undo
            && self.repair.as_ref().is_some_and(|repair| repair.undo.is_due(now, ack.echo, held));
        if due {
            self.undo(true);
            self.episode = Episode::none(self.episode.recovery_point);
        }
        due
    }

    fn enter_newreno_if_due(&mut self, verdict: &mut AckVerdict) {
        // RFC 6582 §3.2 step 2: not again for losses of the window that was repaired last.
        let due = verdict.duplicate
            && self.episode.duplicate_acks >= self.policy.duplicate_threshold()
            && self.queue.start() > self.episode.recovery_point;
        if !due {
            return;
        }
        verdict.entered_recovery = true;
        self.progress.reduced = true;
        let (window, threshold) = (self.congestion.window(), self.congestion.current_threshold());
        self.congestion.reduce_threshold(self.flight_at_loss());
        self.congestion.set_window(self.congestion.threshold());
        let start = self.queue.start();
        let repair = self.repair.get_or_insert_with(|| Box::new(Repair::new()));
        repair.undo.begin(start, self.queue.retransmitted().segments);
        repair.undo.remember_window(window);
        repair.undo.remember_threshold(threshold);
        self.queue.mark_lost_before(start + 1);
        let inflation = u64::from(self.policy.duplicate_threshold()) * u64::from(self.policy.smss);
        self.episode = Episode::recovery(self.queue.end(), inflation);
    }
}

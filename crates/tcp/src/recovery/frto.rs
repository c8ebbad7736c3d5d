//! After a timeout: is it repaired, or was it spurious (RFC 5682 §2 and §3, RFC 4015; Linux `tcp_process_loss`)?

use faultwire_base::Instant;

use super::policy::Detection;
use super::report::Digest;
use super::{AckVerdict, Phase, Recovery};

impl Recovery {
    /// An ACK after a timeout.
    pub(super) fn process_loss(&mut self, now: Instant, ack: &mut Digest, verdict: &mut AckVerdict) {
        let recovered = self.queue.start() >= self.episode.recovery_point;
        if ack.advanced {
            self.episode.front_is_due = false;
        }
        let held = self.is_at_end_without_sack();
        let evident = self.policy.flags.undo
            && self.repair.as_ref().is_some_and(|repair| repair.undo.is_due(now, ack.echo, held));
        if ack.advanced && evident {
            self.undo_timeout(ack, verdict, false);
            return;
        }
        if self.episode.forward_rto && self.try_forward(ack, verdict, recovered) {
            return;
        }
        if recovered {
            self.leave_loss(now, ack, verdict);
            return;
        }
        if self.policy.detection == Detection::Emulate {
            if self.queue.end() > self.episode.recovery_point && ack.bare {
                self.emulate_sack(ack);
            } else if ack.advanced {
                self.episode.emulated = 0;
            }
        }
    }

    /// F-RTO. Says whether the state is settled for this ACK.
    fn try_forward(&mut self, ack: &Digest, verdict: &mut AckVerdict, recovered: bool) -> bool {
        if ack.original {
            // RFC 5682 §2.1 step 3b, §3.1 step 3b: something that was sent only once arrived.
            self.undo_timeout(ack, verdict, true);
            return true;
        }
        if self.queue.end() > self.episode.recovery_point {
            if ack.sacked || ack.bare {
                // Step 3a: the loss was real.
                self.episode.forward_rto = false;
            }
        } else if ack.advanced && !recovered {
            // Step 2b: new data shows whether the old arrived.
            self.episode.recovery_point = self.queue.end();
            self.episode.new_data_first = true;
            return true;
        }
        false
    }

    /// The timeout was spurious: what it changed is taken back.
    fn undo_timeout(&mut self, ack: &Digest, verdict: &mut AckVerdict, forward: bool) {
        self.undo(true);
        self.progress.forgive();
        if self.policy.flags.adapt_timeout
            && let (Some(rtt), Some(repair)) = (ack.sample, &self.repair)
        {
            // RFC 4015 §3.2 steps (5) and (7).
            self.rto.adapt(repair.undo.round_trip(), rtt);
        }
        self.episode.emulated = 0;
        let held =
            self.policy.detection == Detection::Emulate && self.queue.start() == self.episode.recovery_point;
        if !held && (forward || self.policy.has_sack() || self.policy.inflates()) {
            verdict.left_recovery = true;
            self.episode.forward_rto = false;
            self.episode.phase = Phase::Open;
        }
    }

    /// All that was sent before the timeout is acknowledged.
    fn leave_loss(&mut self, now: Instant, ack: &Digest, verdict: &mut AckVerdict) {
        if self.finish(now, ack) {
            return;
        }
        verdict.left_recovery = true;
        self.episode.forward_rto = false;
        self.episode.front_is_due = false;
        self.episode.duplicate_acks = 0;
        self.episode.phase = Phase::Open;
    }
}

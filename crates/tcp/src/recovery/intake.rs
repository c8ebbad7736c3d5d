//! What an ACK reports, taken in: SACKs, D-SACKs, reordering, and the answer to a probe.

use faultwire_base::Instant;

use super::policy::Detection;
use super::report::Digest;
use super::{AckArrived, Answer, Recovery, Reordering, Reply};
use crate::config::TimerRestart;
use crate::offset::Offset;
use crate::sent_queue::Delivery;

impl Recovery {
    /// Takes SACK blocks in. Without RACK what is lost is told by them (RFC 6675 §4, IsLost).
    pub(super) fn take_sack(&mut self, blocks: &[(Offset, Offset)], told: &mut Delivery) {
        let scoreboard = self.scoreboard.get_or_insert_default();
        scoreboard.update(&mut self.queue, blocks, told);
        if told.octets > 0
            && self.policy.detection == Detection::Sack
            && let Some(boundary) =
                scoreboard.lost_before(threshold(&self.policy, &self.reordering), self.policy.smss)
        {
            self.queue.mark_lost_before(boundary);
        }
    }

    /// What the ACK says of the state, and what it delivered.
    #[inline]
    pub(super) fn digest(
        &mut self,
        now: Instant,
        arrived: &AckArrived<'_>,
        acked: &Delivery,
        sacked: &Delivery,
    ) -> Digest {
        if self.policy.is_rack() {
            // SACKs come first: a cumulative ACK is the better measure.
            if sacked.octets > 0 {
                self.rack.advance(now, sacked);
            }
            self.rack.advance(now, acked);
        }
        let advanced = acked.octets > 0;
        let unit = self.policy.unit;
        let mut delivered = acked.delivered.in_unit(unit) + sacked.delivered.in_unit(unit);
        let mut originals = acked.original;
        if !self.policy.has_sack() && acked.repeated {
            // Without SACK it can't be told which of them was here before.
            originals = None;
        }
        if self.episode.emulated > 0 && acked.departed > 0 {
            // One segment fills the hole, the others are those whose duplicate ACKs were counted.
            let eaten = u64::from(self.episode.emulated);
            delivered = u64::from(acked.departed).saturating_sub(eaten).max(1);
            self.episode.emulated -= (acked.departed - 1).min(self.episode.emulated);
        }
        let original =
            originals.or(sacked.original).is_some_and(|(_, end)| end <= self.episode.recovery_point)
                || sacked.original.is_some_and(|(_, end)| end <= self.episode.recovery_point);
        Digest {
            start: self.queue.start(),
            advanced,
            sacked: sacked.octets > 0,
            bare: false,
            original,
            delivered,
            departed: acked.departed,
            reneging: advanced && self.queue.front_is_sacked(),
            lost_retransmission: false,
            restart_timer: match self.policy.restart {
                TimerRestart::NewData => advanced || self.is_sack_of_later(sacked),
                TimerRestart::EveryAck => true,
            },
            echo: arrived.timestamp_echo_rtt,
            sample: None,
        }
    }

    /// A block reports a duplicate (RFC 2883 §4). Returns how many segments that are, if retransmissions of ours explain
    /// them; `start` is SND.UNA before this ACK, and `repeated`: what the block begins with was in flight then, sent more than
    /// once.
    pub(super) fn take_d_sack(&mut self, block: (Offset, Offset), start: Offset, repeated: bool) -> u32 {
        let octets = block.1 - block.0;
        let smss = u64::from(self.policy.smss);
        let segments = u32::try_from(octets.div_ceil(smss)).unwrap_or(u32::MAX).max(1);
        let of_probe = segments == 1 && self.probe.end() == Some(block.1);
        let initial = self.policy.duplicate_threshold();
        let reordering = self.reordering.get_or_insert_with(|| Box::new(Reordering::new(initial)));
        reordering.count_duplicates(segments);
        if u64::from(reordering.duplicates()) > self.counters.retransmitted_segments {
            // The network made them, or a hostile receiver.
            return 0;
        }
        if of_probe {
            self.probe.on_reported();
        } else {
            reordering.note_d_sack();
        }
        if let Some(repair) = &mut self.repair
            && repair.undo.marker().is_some_and(|marker| block.1 > marker)
            && (block.1 <= start || repeated)
        {
            repair.undo.on_duplicates(segments);
        }
        segments
    }

    /// Segments were delivered after others that were sent later: that is reordering (RFC 8985 §6.2 step 3).
    #[inline]
    pub(super) fn note_reordering(&mut self, highest: Option<Offset>, acked: &Delivery, sacked: &Delivery) {
        if let Some(highest) = highest {
            let lowest = |delivery: &Delivery| delivery.original.map(|(start, _)| start);
            let lowest = [lowest(acked), lowest(sacked)].into_iter().flatten().min();
            if let Some(lowest) = lowest.filter(|&lowest| lowest < highest) {
                let highest = self.highest_sacked().unwrap_or(self.queue.start());
                self.see_reordering(lowest, highest);
            }
        }
        if let Some(reordering) = &mut self.reordering {
            reordering.update_steps(self.queue.start(), self.queue.end());
        }
    }

    /// A segment at `low` was late behind one at `high` (`tcp_check_sack_reordering`).
    pub(super) fn see_reordering(&mut self, low: Offset, high: Offset) {
        let distance = high.saturating_since(low).div_ceil(u64::from(self.policy.smss));
        if distance > 0 {
            let distance = u32::try_from(distance).unwrap_or(u32::MAX);
            let (initial, max) = (self.policy.duplicate_threshold(), self.policy.reordering_max());
            let reordering = self.reordering.get_or_insert_with(|| Box::new(Reordering::new(initial)));
            reordering.see(distance, max);
        }
    }

    /// A probe is under way: what this ACK says of it (RFC 8985 §7.4).
    pub(super) fn take_probe_answer(&mut self, now: Instant, arrived: &AckArrived<'_>, digest: &Digest) {
        let plain = !digest.advanced && !digest.sacked && !arrived.has_data && !arrived.window_changed;
        let reply = Reply { ack: arrived.ack, d_sack: self.probe.take_reported(), bare: plain };
        if self.probe.answer(reply) == Answer::Repaired {
            self.reduce_for_repaired_probe(now, digest.delivered);
        }
    }

    /// Duplicate ACKs, or segments SACKed, that mean a loss.
    pub(crate) fn reordering_threshold(&self) -> u32 {
        threshold(&self.policy, &self.reordering)
    }

    /// Whether a SACK is for what was sent after the first segment was last sent: then the timer may start anew.
    #[inline]
    fn is_sack_of_later(&self, sacked: &Delivery) -> bool {
        if !self.policy.counts_segments() {
            return false;
        }
        match (sacked.clean_since, self.queue.front_sent()) {
            (Some(sent), Some(front)) => sent < front,
            _ => false,
        }
    }
}

fn threshold(policy: &super::Policy, reordering: &Option<Box<Reordering>>) -> u32 {
    match reordering {
        Some(reordering) if policy.reordering_max() > policy.duplicate_threshold() => reordering.metric(),
        _ => policy.duplicate_threshold(),
    }
}

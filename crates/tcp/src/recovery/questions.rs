//! What the owner of a recovery and its user may ask.

use faultwire_base::{Duration, Instant};

use super::{Counters, Phase, Recovery};
use crate::offset::Offset;
use crate::rtt::RttEstimator;
use crate::sent_queue::Tally;

impl Recovery {
    /// The retransmission timeout with its back-off.
    pub(crate) fn rto(&self) -> Duration {
        self.rto.current()
    }

    /// The retransmission timeout without back-off.
    pub(crate) fn base_rto(&self) -> Duration {
        self.rto.base()
    }

    /// How many times the timeout was doubled since the last clean measurement.
    pub(crate) fn backoffs(&self) -> u32 {
        self.rto.backoffs()
    }

    /// Retransmission timeouts in a row, without progress between them.
    pub(crate) fn timeouts_in_a_row(&self) -> u32 {
        self.progress.timeouts()
    }

    /// The round-trip estimator.
    pub(crate) fn rtt(&self) -> &RttEstimator {
        self.rto.estimator()
    }

    /// cwnd in octets, with NewReno's inflation in fast recovery.
    #[inline]
    pub(crate) fn congestion_window(&self) -> u64 {
        let window = self.congestion.window();
        if self.policy.counts_segments() {
            return self.policy.octets(window);
        }
        self.episode.inflate(window, self.policy.smss)
    }

    /// ssthresh in octets; `None` before the first loss.
    pub(crate) fn slow_start_threshold(&self) -> Option<u64> {
        let threshold = self.congestion.threshold();
        (threshold != crate::congestion::NO_THRESHOLD).then(|| self.policy.octets(threshold))
    }

    /// Segments sent and not acknowledged cumulatively.
    pub(crate) fn segments_in_flight(&self) -> u32 {
        self.queue.segments()
    }

    /// When the oldest segment in flight was sent last.
    pub(crate) fn front_sent(&self) -> Option<Instant> {
        self.queue.front_sent()
    }

    /// Segments sent and neither acknowledged nor SACKed.
    #[inline]
    pub(crate) fn undelivered_segments(&self) -> u32 {
        self.queue.segments() - self.queue.sacked().segments
    }

    /// What the receiver reported by SACK and has not acknowledged yet.
    #[cfg(test)]
    pub(crate) fn sacked(&self) -> Tally {
        self.queue.sacked()
    }

    /// Segments that the receiver reported, or that duplicate ACKs count for where it has no SACK.
    pub(crate) fn segments_sacked(&self) -> u32 {
        self.queue.sacked().segments + self.episode.emulated
    }

    /// How often segments were delivered after later ones.
    pub(crate) fn reordering_seen(&self) -> u32 {
        self.reordering.as_ref().map_or(0, |reordering| reordering.seen())
    }

    /// What is believed lost.
    pub(crate) fn lost(&self) -> Tally {
        self.queue.lost()
    }

    /// What was sent again and is believed to be under way.
    pub(crate) fn retransmitted(&self) -> Tally {
        self.queue.retransmitted()
    }

    /// How far the sender is from normal.
    pub(crate) fn phase(&self) -> Phase {
        self.episode.phase
    }

    /// Which sending, from 1, the next one of the octet `at` would be.
    #[inline]
    pub(crate) fn transmission_count(&self, at: Offset) -> u16 {
        self.queue.transmissions(at).saturating_add(1)
    }

    /// Running totals.
    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Gives back the memory that an idle connection does not need; nothing happens while anything is in flight.
    #[inline]
    pub(crate) fn release_memory(&mut self) {
        if self.queue.owns_memory() && self.queue.is_empty() {
            self.queue.release_memory();
        }
        if self.scoreboard.is_some() && self.queue.is_empty() {
            self.scoreboard = None;
        }
        if self.repair.as_ref().is_some_and(|repair| !repair.undo.is_open()) && self.queue.is_empty() {
            self.repair = None;
        }
    }

    /// Octets of heap memory held.
    pub(crate) fn heap_octets(&self) -> usize {
        self.queue.heap_octets()
            + self.scoreboard.as_ref().map_or(0, |scoreboard| scoreboard.heap_octets())
            + self.repair.as_ref().map_or(0, |repair| size_of_val(&**repair))
            + self.reordering.as_ref().map_or(0, |reordering| size_of_val(&**reordering))
    }
}

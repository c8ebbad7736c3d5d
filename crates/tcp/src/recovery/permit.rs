//! What the congestion window permits to send now: old data first, then new (RFC 6675 §5, 6582 §3.2, 3042).

use std::ops::Range;

use faultwire_wire::Reason;

use super::Policy;
use super::episode::{Episode, Phase};
use crate::config::{PartialAck, WindowUnit};
use crate::congestion::Congestion;
use crate::offset::Offset;
use crate::sent_queue::SentQueue;

/// The rooms that decide it, for the time of one question.
pub(super) struct Permit<'a> {
    pub(super) queue: &'a mut SentQueue,
    pub(super) congestion: &'a Congestion,
    pub(super) episode: &'a Episode,
    pub(super) policy: &'a Policy,
}

impl Permit<'_> {
    #[inline]
    pub(super) fn next_retransmission(&mut self) -> Option<(Range<Offset>, Reason)> {
        let reason = match self.episode.phase {
            Phase::Open | Phase::Disorder | Phase::Cwr => return None,
            Phase::Recovery if self.has_repaired_enough() => return None,
            Phase::Recovery => Reason::FastRetransmission,
            Phase::Loss => Reason::TimeoutRetransmission,
        };
        if self.episode.new_data_first {
            return None;
        }
        if self.episode.front_is_due
            && let Some((front, _)) = self.queue.front()
        {
            return Some((front, reason));
        }
        if !self.has_room() {
            return None;
        }
        // RFC 6675 §4, NextSeg rule 1. After a timeout everything is lost, so this goes back to the first. Without
        // SACK, fast recovery knows of one loss at a time, the first segment (RFC 6582 §3.2).
        let (range, lost) = self.queue.next_unsent_again()?;
        lost.then_some((range, reason))
    }

    /// Whether nothing more is to be sent again in this fast recovery.
    #[inline]
    fn has_repaired_enough(&self) -> bool {
        match self.policy.partial_ack {
            PartialAck::GoesOn => false,
            PartialAck::Waits => self.episode.partial_ack_seen || self.queue.retransmitted().segments > 0,
        }
    }

    /// RFC 6675 §4, NextSeg rule 3: the first segment not sent again, if it is below `highest`.
    pub(super) fn below_highest(&mut self, highest: Offset) -> Option<(Range<Offset>, Reason)> {
        if !self.has_room() {
            return None;
        }
        let (range, _) = self.queue.next_unsent_again()?;
        (range.start < highest).then_some((range, Reason::FastRetransmission))
    }

    /// Octets of new data.
    #[inline]
    pub(super) fn new_data_quota(&mut self, snd_nxt: Offset) -> u64 {
        if self.old_data_waits() {
            return 0;
        }
        let phase = self.episode.phase;
        let permitted = match (phase, self.policy.unit) {
            (Phase::Recovery, WindowUnit::Octets) if self.policy.inflates() => {
                self.inflated_window().saturating_sub(snd_nxt - self.queue.start())
            }
            (_, WindowUnit::Segments) => self.congestion.window().saturating_sub(self.pipe()),
            (Phase::Recovery | Phase::Loss, _) => self.room_for_segment(),
            (Phase::Open, _) => self.congestion.window().saturating_sub(snd_nxt - self.queue.start()),
            (Phase::Cwr, _) => self.congestion.window().saturating_sub(self.queue.pipe()),
            (Phase::Disorder, _) => {
                let permitted = self.congestion.window() + self.limited_transmit_allowance();
                permitted.saturating_sub(self.outstanding_in_disorder())
            }
        };
        self.policy.octets(permitted)
    }

    /// Whether something that was sent before is to be sent again, be it now or when the window permits.
    #[inline]
    pub(super) fn old_data_waits(&mut self) -> bool {
        matches!(self.episode.phase, Phase::Recovery | Phase::Loss)
            && !self.episode.new_data_first
            && (self.episode.front_is_due || self.queue.next_unsent_again().is_some_and(|(_, lost)| lost))
    }

    /// Whether there is room for a segment in the window.
    #[inline]
    pub(super) fn has_room(&self) -> bool {
        self.room_for_segment() > 0
    }

    /// cwnd with NewReno's inflation.
    #[inline]
    fn inflated_window(&self) -> u64 {
        self.episode.inflate(self.congestion.window(), self.policy.smss)
    }

    /// What is believed to be in the network.
    #[inline]
    fn pipe(&self) -> u64 {
        self.queue.pipe_in(self.policy.unit).saturating_sub(u64::from(self.episode.emulated))
    }

    /// cwnd - pipe if that is at least one segment, else 0 (RFC 6675 §5, step C).
    #[inline]
    fn room_for_segment(&self) -> u64 {
        let room = self.congestion.window().saturating_sub(self.pipe());
        if room >= self.policy.one() { room } else { 0 }
    }

    /// RFC 3042 §2: one segment beyond the window for each of the first two duplicate ACKs. With SACK the reports
    /// themselves make the room (RFC 6675 §5, step 3).
    #[inline]
    fn limited_transmit_allowance(&self) -> u64 {
        if self.policy.has_sack() || !self.policy.limited_transmit {
            return 0;
        }
        u64::from(self.episode.duplicate_acks.min(2)) * u64::from(self.policy.smss)
    }

    #[inline]
    fn outstanding_in_disorder(&self) -> u64 {
        if self.policy.has_sack() && self.policy.limited_transmit {
            self.queue.pipe()
        } else {
            self.queue.flight()
        }
    }
}

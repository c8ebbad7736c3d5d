//! What the handshake tells recovery: the first round trip, and data that went before it was complete (RFC 7413).

use std::ops::Range;

use faultwire_base::{Duration, Instant};

use super::{Episode, Recovery};
use crate::config::RetransmissionConfig;
use crate::offset::Offset;
use crate::sent_queue::SentQueue;

impl Recovery {
    /// The handshake measured a round trip: the SYN was answered, and by Karn's rule or by its timestamp it is clear
    /// which one. Before any data.
    pub(crate) fn on_handshake_rtt(&mut self, rtt: Duration) {
        self.rto.sample(rtt, (Offset::FIRST, Offset::FIRST));
        self.rto.raise_to(self.policy.first_timeout_min());
    }

    /// The handshake measured nothing. Before any data.
    pub(crate) fn on_handshake_unmeasured(&mut self, config: &RetransmissionConfig) {
        if let Some(least) = config.data_min_without_sample {
            self.rto.raise_to(least);
        }
    }

    /// The SYN that was sent at `sent_at` took `range` with it, and the peer did not take that: it goes again at once,
    /// and no congestion is to blame (RFC 7413 §4.2.1). At the end of the handshake, before any other data.
    pub(crate) fn on_syn_text_refused(&mut self, now: Instant, sent_at: Instant, range: Range<Offset>) {
        self.start_at(range.start);
        self.queue.push(sent_at, range);
        self.queue.mark_lost_before(self.queue.end());
        self.episode = Episode::loss(self.queue.end());
        self.episode.front_is_due = true;
        self.start_timer(now);
    }

    /// As [`Recovery::on_syn_text_refused`], but whether the peer took it is not known yet: it goes again when its time has
    /// come.
    pub(crate) fn on_syn_text_unanswered(&mut self, now: Instant, sent_at: Instant, range: Range<Offset>) {
        self.start_at(range.start);
        self.queue.push(sent_at, range);
        self.start_timer(now);
    }

    /// At the end of the handshake: the data before `at` went with the SYN, and was acknowledged with it.
    pub(crate) fn start_at(&mut self, at: Offset) {
        self.queue = SentQueue::new(at);
    }

    /// The handshake is complete, and data was sent before: its timer starts now (Linux `tcp_rearm_rto`).
    pub(crate) fn on_handshake_completed(&mut self, now: Instant) {
        if !self.queue.is_empty() {
            self.start_timer(now);
        }
    }

    /// Whether the first segment in flight is to be sent again now.
    pub(crate) fn is_retransmission_due(&self) -> bool {
        self.episode.front_is_due && !self.queue.is_empty()
    }
}

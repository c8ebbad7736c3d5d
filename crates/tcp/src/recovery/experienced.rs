//! The reaction to a mark that the peer echoes (RFC 3168 §6.1.2).

use faultwire_base::Instant;

use super::{Phase, Recovery};
use crate::offset::Offset;

impl Recovery {
    /// An ACK says that a packet of ours was marked "congestion experienced"; it is not taken yet. The window falls as for a loss, but
    /// nothing is sent again, and once a round trip at most: not before data is acknowledged that was sent after the
    /// last reduction. Says whether the window was reduced.
    pub(crate) fn on_congestion_experienced(&mut self, now: Instant, ack: Offset) -> bool {
        let _ = now;
        let reducing = matches!(self.episode.phase, Phase::Recovery | Phase::Loss);
        if reducing || ack <= self.reduced_until {
            return false;
        }
        self.congestion.on_loss(self.flight_at_loss());
        self.reduced_until = self.queue.end();
        true
    }
}

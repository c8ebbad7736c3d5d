//! The reaction to a mark that the peer echoes (RFC 3168 §6.1.2).

use faultwire_base::Instant;

use super::{Phase, Recovery, Repair};
use crate::offset::Offset;

impl Recovery {
    /// An ACK says that a packet of ours was marked "congestion experienced"; it is not taken yet. The window is reduced
    /// as for a loss, but nothing is sent again, and once a round trip at most: not before data is acknowledged that was
    /// sent after the last reduction. Says whether a reduction began.
    pub(crate) fn on_congestion_experienced(&mut self, now: Instant, ack: Offset) -> bool {
        let _ = now;
        if let Some(repair) = &mut self.repair {
            // What was reduced before it is not taken back either: congestion there is.
            repair.undo.forbid();
        }
        if self.episode.phase == Phase::Cwr && ack > self.episode.recovery_point {
            self.end_reduction();
            self.open();
        }
        if !matches!(self.episode.phase, Phase::Open | Phase::Disorder) {
            return false;
        }
        self.begin_reduction(0);
        let repair = self.repair.get_or_insert_with(|| Box::new(Repair::new()));
        repair.undo.close();
        self.episode.phase = Phase::Cwr;
        true
    }

    /// Whether a reduction of the window began for a loss or a mark since this was asked last: the next new data says so
    /// to a peer with ECN (RFC 3168 §6.1.2).
    #[inline]
    pub(crate) fn take_reduction(&mut self) -> bool {
        std::mem::take(&mut self.progress.reduced)
    }
}

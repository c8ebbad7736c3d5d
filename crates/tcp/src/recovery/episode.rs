//! The present disorder or recovery of a sender, and how NewReno inflates the window in it (RFC 6582 §3.2).

use crate::offset::Offset;

/// How far the sender is from normal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing suspicious.
    #[default]
    Open,
    /// Duplicate ACKs or SACKs, too few to act on.
    Disorder,
    /// Fast recovery.
    Recovery,
    /// After a timeout, until everything sent before it is acknowledged.
    Loss,
}

/// The present disorder or recovery, if there is one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Episode {
    pub(super) phase: Phase,
    pub(super) duplicate_acks: u32,
    /// End of what was in flight when the last recovery began (RFC 6582's `recover`, RFC 6675's RecoveryPoint).
    pub(super) recovery_point: Offset,
    /// NewReno: what fast recovery adds to the window for segments that have left the network (RFC 6582 §3.2); after
    /// a partial ACK it can be negative.
    pub(super) inflation: i64,
    /// Octets sent beyond the window on duplicate ACKs (RFC 3042). They don't count for the new threshold.
    pub(super) limited_transmit: u32,
    /// The first segment in flight is to be sent again now, whatever the window says.
    pub(super) front_is_due: bool,
    /// A partial ACK has come in this recovery.
    pub(super) partial_ack_seen: bool,
}

impl Episode {
    /// Nothing happening. Before the first recovery its point is the ISN, so that the first segment may be recovered.
    pub(super) fn none(recovery_point: Offset) -> Self {
        Self {
            phase: Phase::Open,
            duplicate_acks: 0,
            recovery_point,
            inflation: 0,
            limited_transmit: 0,
            front_is_due: false,
            partial_ack_seen: false,
        }
    }

    /// Fast recovery begins, with the first segment to be sent again at once.
    pub(super) fn recovery(recovery_point: Offset, inflation: u64) -> Self {
        let inflation = inflation as i64;
        Self { phase: Phase::Recovery, inflation, front_is_due: true, ..Self::none(recovery_point) }
    }

    /// Recovery after a timeout begins.
    pub(super) fn loss(recovery_point: Offset) -> Self {
        Self { phase: Phase::Loss, ..Self::none(recovery_point) }
    }

    /// The window as it is used: with the inflation, and never under one segment.
    #[inline]
    pub(super) fn inflate(&self, window: u64, smss: u32) -> u64 {
        if self.inflation >= 0 {
            return window + self.inflation as u64;
        }
        window.saturating_add_signed(self.inflation).max(u64::from(smss))
    }

    /// A partial ACK for `octets`: deflates by what left the network, and adds one segment back for the
    /// retransmission if that much left (RFC 6582 §3.2, step 3).
    pub(super) fn deflate(&mut self, octets: u64, smss: u32) {
        self.inflation -= octets as i64;
        if octets >= u64::from(smss) {
            self.inflation += i64::from(smss);
        }
    }
}

//! The present disorder or recovery of a sender, how NewReno inflates the window in it (RFC 6582 §3.2), and what is kept
//! to take it back.

use super::prr::Prr;
use super::undo::Undo;
use crate::offset::Offset;

/// How far the sender is from normal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Nothing suspicious.
    #[default]
    Open,
    /// Duplicate ACKs or SACKs, too few to act on.
    Disorder,
    /// The window is being reduced for a mark of congestion, with nothing lost (RFC 3168 §6.1.2).
    Cwr,
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
    pub(super) inflation: i32,
    /// Octets sent beyond the window on duplicate ACKs (RFC 3042). They don't count for the new threshold.
    pub(super) limited_transmit: u32,
    /// The first segment in flight is to be sent again now, whatever the window says.
    pub(super) front_is_due: bool,
    /// A partial ACK has come in this recovery.
    pub(super) partial_ack_seen: bool,
    /// Whether the timeout was spurious is still open (RFC 5682).
    pub(super) forward_rto: bool,
    /// New data goes first until the next ACK (RFC 5682 §2.1 step 2b).
    pub(super) new_data_first: bool,
    /// Linux: duplicate ACKs that count as SACKed segments.
    pub(super) emulated: u32,
}

/// What is kept of a reduction of the window, during it and until it can't be taken back any more.
#[derive(Clone, Debug)]
pub(super) struct Repair {
    pub(super) prr: Prr,
    pub(super) undo: Undo,
}

impl Repair {
    pub(super) fn new() -> Self {
        Self { prr: Prr::new(0), undo: Undo::none() }
    }
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
            forward_rto: false,
            new_data_first: false,
            emulated: 0,
        }
    }

    /// NewReno's fast recovery begins, with the first segment to be sent again at once.
    pub(super) fn recovery(recovery_point: Offset, inflation: u64) -> Self {
        let inflation = i32::try_from(inflation).unwrap_or(i32::MAX);
        Self { phase: Phase::Recovery, inflation, front_is_due: true, ..Self::none(recovery_point) }
    }

    /// Whether the window is being reduced.
    #[inline]
    pub(super) fn is_reducing(&self) -> bool {
        matches!(self.phase, Phase::Cwr | Phase::Recovery)
    }

    /// Recovery after a timeout begins.
    pub(super) fn loss(recovery_point: Offset) -> Self {
        Self { phase: Phase::Loss, ..Self::none(recovery_point) }
    }

    /// The window as it is used: with the inflation, and never under one segment.
    #[inline]
    pub(super) fn inflate(&self, window: u64, smss: u32) -> u64 {
        if self.inflation >= 0 {
            return window + u64::from(self.inflation as u32);
        }
        window.saturating_add_signed(i64::from(self.inflation)).max(u64::from(smss))
    }

    /// A duplicate ACK: a segment left the network (RFC 6582 §3.2, step 2).
    pub(super) fn inflate_by(&mut self, smss: u32) {
        self.inflation = self.inflation.saturating_add_unsigned(smss);
    }

    /// A partial ACK for `octets`: deflates by what left the network, and adds one segment back for the
    /// retransmission if that much left (RFC 6582 §3.2, step 3).
    pub(super) fn deflate(&mut self, octets: u64, smss: u32) {
        let octets_or_most = u32::try_from(octets).unwrap_or(u32::MAX);
        self.inflation = self.inflation.saturating_sub_unsigned(octets_or_most);
        if octets >= u64::from(smss) {
            self.inflate_by(smss);
        }
    }
}

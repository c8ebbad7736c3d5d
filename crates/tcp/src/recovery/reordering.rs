//! How much the path reorders: what was seen, the adapted threshold of duplicate ACKs, and the growth of RACK's window
//! by D-SACKs (RFC 8985 §6.2 steps 3 and 4; Linux `tcp_check_sack_reordering`).

use crate::offset::Offset;

/// From the first reordering or D-SACK on.
#[derive(Clone, Debug)]
pub(super) struct Reordering {
    seen: u32,
    /// Segments that one may be late by without being lost.
    metric: u32,
    duplicates: u32,
    /// RACK.reo_wnd_mult.
    steps: u8,
    /// RACK.reo_wnd_persist: recoveries until `steps` falls back.
    persist: u8,
    d_sack_seen: bool,
    /// RACK.dsack_round: until this is acknowledged, D-SACKs don't count again.
    round: Option<Offset>,
}

impl Reordering {
    pub(super) fn new(metric: u32) -> Self {
        Self { seen: 0, metric, duplicates: 0, steps: 1, persist: 0, d_sack_seen: false, round: None }
    }

    /// How often reordering was seen.
    pub(super) fn seen(&self) -> u32 {
        self.seen
    }

    /// Segments that one may be late by without being lost.
    pub(super) fn metric(&self) -> u32 {
        self.metric
    }

    /// Segments that were reported as duplicates.
    pub(super) fn duplicates(&self) -> u32 {
        self.duplicates
    }

    /// Quarters of the least round trip that RACK waits.
    pub(super) fn steps(&self) -> u64 {
        u64::from(self.steps)
    }

    /// A segment was delivered after others that were sent `distance` segments later.
    pub(super) fn see(&mut self, distance: u32, max: u32) {
        self.seen = self.seen.saturating_add(1);
        self.metric = self.metric.max(distance.min(max));
    }

    /// The threshold was overestimated: the timer ran out on it.
    pub(super) fn lower_metric(&mut self, to: u32) {
        self.metric = self.metric.min(to);
    }

    /// A D-SACK reported `segments`.
    pub(super) fn count_duplicates(&mut self, segments: u32) {
        self.duplicates = self.duplicates.saturating_add(segments);
    }

    /// A D-SACK of something else than a probe: a recovery may have been spurious. It counts only where there is
    /// reordering.
    pub(super) fn note_d_sack(&mut self) {
        self.d_sack_seen |= self.seen > 0;
    }

    /// An ACK up to `start` was taken in, with `end` sent: the window grows once a round trip with D-SACKs.
    pub(super) fn update_steps(&mut self, start: Offset, end: Offset) {
        if self.round.is_some_and(|round| start < round) {
            self.d_sack_seen = false;
            return;
        }
        self.round = None;
        if self.d_sack_seen {
            self.d_sack_seen = false;
            self.round = Some(end);
            self.steps = self.steps.saturating_add(1);
            self.persist = PERSIST;
        } else if self.persist == 0 {
            self.steps = 1;
        }
    }

    /// A recovery ended without being undone.
    pub(super) fn on_recovery_ended(&mut self) {
        self.persist = self.persist.saturating_sub(1);
        if self.persist == 0 {
            self.steps = 1;
        }
    }

    /// A recovery turned out to be spurious by D-SACK.
    pub(super) fn on_undone(&mut self) {
        self.persist = PERSIST.min(self.persist + 1);
    }
}

/// Recoveries for which a wider window is kept (RFC 8985 §6.2 step 4).
const PERSIST: u8 = 16;

//! The tail loss probe: when it is due, and what its answer means (RFC 8985 §7).

use faultwire_base::{Duration, Instant};

use super::policy::Probing;
use crate::offset::Offset;

/// The present probe of a sender.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    /// TLP.end_seq; the ISN if there is no probe under way.
    end: Offset,
    /// TLP.is_retrans.
    repeated: bool,
    /// The timer ran out and the probe was not sent yet.
    due: bool,
    /// A round trip was measured since the last probe.
    sampled: bool,
    /// A D-SACK reported the probe.
    reported: bool,
}

/// What an ACK says of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing, or that there was no loss.
    NoLoss,
    /// The probe repaired a loss: the window is to be reduced.
    Repaired,
}

/// What an ACK is, as a probe asks for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply {
    pub(super) ack: Offset,
    /// It reports the probe as a duplicate.
    pub(super) d_sack: bool,
    /// It acknowledges nothing new and carries nothing else.
    pub(super) bare: bool,
}

impl Probe {
    pub(super) const fn new() -> Self {
        Self { end: Offset::ISN, repeated: false, due: false, sampled: true, reported: false }
    }

    /// Whether a probe is under way.
    #[inline]
    pub(super) fn is_under_way(&self) -> bool {
        self.end != Offset::ISN
    }

    /// Whether a probe sent old data again and is not accounted for.
    pub(super) fn is_repeated(&self) -> bool {
        self.is_under_way() && self.repeated
    }

    /// Where the probe ends, if one is under way.
    pub(super) fn end(&self) -> Option<Offset> {
        self.is_under_way().then_some(self.end)
    }

    /// Whether a probe is to be sent now.
    #[inline]
    pub(super) fn is_due(&self) -> bool {
        self.due
    }

    /// The timer ran out: a probe is due, unless one is under way.
    pub(super) fn expire(&mut self, policy: &Probing) {
        // RFC 8985 §7.3: one probe at a time, and none without a measurement since the last.
        self.due = !self.is_under_way() && (self.sampled || !policy.needs_sample);
    }

    /// The probe goes out; `end` is SND.NXT then.
    pub(super) fn on_sent(&mut self, end: Offset, repeated: bool) {
        self.due = false;
        self.sampled = false;
        self.end = end;
        self.repeated = repeated;
    }

    /// It can't be sent, or need not.
    pub(super) fn cancel(&mut self) {
        self.due = false;
    }

    /// Another recovery takes its place.
    pub(super) fn end_episode(&mut self) {
        self.due = false;
        self.end = Offset::ISN;
    }

    /// A D-SACK reported the probe.
    pub(super) fn on_reported(&mut self) {
        self.reported = true;
    }

    /// Whether a D-SACK of this ACK did.
    pub(super) fn take_reported(&mut self) -> bool {
        std::mem::take(&mut self.reported)
    }

    /// A round trip was measured.
    #[inline]
    pub(super) fn on_sample(&mut self) {
        self.sampled = true;
    }

    /// TLP_process_ack (RFC 8985 §7.4.2).
    pub(super) fn answer(&mut self, reply: Reply) -> Answer {
        if reply.ack < self.end {
            return Answer::NoLoss;
        }
        if !self.repeated || reply.d_sack {
            self.end = Offset::ISN;
        } else if reply.ack > self.end {
            self.end = Offset::ISN;
            return Answer::Repaired;
        } else if reply.bare {
            self.end = Offset::ISN;
        }
        Answer::NoLoss
    }
}

/// TLP_calc_PTO (RFC 8985 §7.2): from now, with `segments` in flight; never later than `timeout`, when the
/// retransmission timer would run out, unless that is past.
#[inline]
pub(super) fn deadline(
    policy: &Probing,
    now: Instant,
    smoothed: Option<Duration>,
    segments: u32,
    timeout: Instant,
) -> Instant {
    let wait = match smoothed {
        Some(smoothed) => smoothed.saturating_mul(2) + policy.allowance(segments == 1),
        None => WITHOUT_SAMPLE,
    };
    let at = now.saturating_add(wait);
    if timeout > now { at.min(timeout) } else { at }
}

const WITHOUT_SAMPLE: Duration = Duration::from_secs(1);

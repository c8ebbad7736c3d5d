//! Settings of loss recovery: how losses are found, how the window is reduced, and what is undone.

use faultwire_base::Duration;

/// Loss recovery (RFC 6675, 8985, 9937, 5682, 4015).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LossRecoveryConfig {
    /// How losses are found where SACK is in use.
    pub detection: LossDetection,
    /// What is done where the peer has no SACK.
    pub without_sack: WithoutSack,
    /// Without SACK every partial ACK starts the retransmission timer anew (FreeBSD), not only the first of a recovery
    /// (RFC 6582 §3.2 step 3, §4).
    pub partial_acks_restart_timer: bool,
    /// The probe that finds the loss of the last segments.
    pub tail_loss_probe: TailLossProbe,
    /// How fast recovery comes down to the new threshold.
    pub reduction: WindowReduction,
    /// Tell a spurious timeout by what the next ACKs acknowledge (RFC 5682, `tcp_frto`).
    pub forward_rto: bool,
    /// Take a reduction back when timestamps or D-SACKs show that nothing was lost (RFC 3522, 4015, 2883).
    pub undo: bool,
    /// After a spurious timeout the estimate of the round trip is adapted (RFC 4015 §3.2).
    pub adapt_timeout: bool,
    /// What is unSACKed below the highest SACK, and once the highest unSACKed segment, is sent again when there is
    /// nothing better to send (RFC 6675 §4, NextSeg rules 3 and 4).
    pub last_resort: bool,
    /// What the number of duplicate ACKs that mean a loss can grow to when the path reorders (`tcp_max_reordering`);
    /// no more than [`super::CongestionConfig::duplicate_threshold`]: it is fixed.
    pub reordering_max: u32,
    /// A receiver that dropped what it had SACKed is seen through after half a round trip (Linux), not only by the
    /// retransmission timer (RFC 2018 §8).
    pub early_reneging: bool,
    /// What fast recovery does after a partial ACK.
    pub partial_ack: PartialAck,
    /// What becomes of data that was SACKed.
    pub sacked: SackedData,
}

/// What fast recovery does after an ACK of some, but not all, of what was in flight when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartialAck {
    /// What else is lost is sent again (RFC 6582 §3.2 step 3, RFC 6675 §5).
    GoesOn,
    /// Nothing, until the timer runs out: one segment is repaired in a recovery
    /// ([`crate::Quirk::PartialAckIgnored`]).
    Waits,
}

/// What becomes of data that was SACKed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SackedData {
    /// It is kept, and sent again if the receiver turns out to have dropped it (RFC 2018 §8).
    Kept,
    /// It counts as acknowledged and is never sent again ([`crate::Quirk::SackedDataDiscarded`]).
    Forgotten,
}

/// How losses are found where SACK is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossDetection {
    /// By how much is SACKed above (RFC 6675 §4, IsLost).
    Sack,
    /// By time: RACK (RFC 8985 §6, `tcp_recovery`).
    Rack(RackConfig),
}

/// RACK (RFC 8985 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RackConfig {
    /// The reordering window stays a quarter of the least round trip (`tcp_recovery` 2).
    pub static_window: bool,
    /// The number of SACKed segments does not close the window before recovery begins (`tcp_recovery` 4).
    pub ignore_threshold: bool,
    /// What is added to the reordering timer (Linux: 2 ms).
    pub timer_slack: Duration,
    /// After a timeout, segments sent less than a round trip ago are not lost yet (RFC 8985 §6.3).
    pub spare_recent: bool,
}

/// What is done where the peer has no SACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithoutSack {
    /// NewReno: the window is inflated by duplicate ACKs (RFC 6582).
    Inflate,
    /// Each duplicate ACK counts as a segment that was SACKed (Linux).
    Emulate,
}

/// The probe that finds the loss of the last segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TailLossProbe {
    /// None.
    Off,
    /// RFC 8985 §7.
    On {
        /// What is added to two round trips while several segments are in flight (Linux: 2 ms).
        slack: Duration,
        /// What is added while one is, since its ACK may be delayed (RFC 8985: 200 ms).
        ack_delay: Duration,
        /// No probe without a new measurement since the last (RFC 8985 §7.3).
        needs_sample: bool,
    },
}

/// How fast recovery comes down to the new threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowReduction {
    /// At once (RFC 6675 §5).
    AtOnce,
    /// In proportion to what is delivered, counted from what was in flight (RFC 9937).
    Proportional,
    /// The same, counted from the window (Linux).
    ProportionalToWindow,
}

impl LossRecoveryConfig {
    /// The letter of the standards.
    pub(super) const fn rfc() -> Self {
        Self {
            detection: LossDetection::Rack(RackConfig {
                static_window: false,
                ignore_threshold: false,
                timer_slack: Duration::from_nanos(0),
                spare_recent: true,
            }),
            without_sack: WithoutSack::Inflate,
            partial_acks_restart_timer: false,
            tail_loss_probe: TailLossProbe::On {
                slack: Duration::from_nanos(0),
                ack_delay: Duration::from_millis(200),
                needs_sample: true,
            },
            reduction: WindowReduction::Proportional,
            forward_rto: true,
            undo: true,
            adapt_timeout: true,
            last_resort: true,
            reordering_max: 0,
            early_reneging: false,
            partial_ack: PartialAck::GoesOn,
            sacked: SackedData::Kept,
        }
    }

    /// Linux: `tcp_recovery` 1, `tcp_early_retrans` 3, `tcp_frto` 2, `tcp_max_reordering` 300.
    pub(super) const fn linux() -> Self {
        Self {
            detection: LossDetection::Rack(RackConfig::LINUX),
            without_sack: WithoutSack::Emulate,
            partial_acks_restart_timer: true,
            tail_loss_probe: TailLossProbe::LINUX,
            reduction: WindowReduction::ProportionalToWindow,
            forward_rto: true,
            undo: true,
            adapt_timeout: false,
            last_resort: false,
            reordering_max: 300,
            early_reneging: true,
            partial_ack: PartialAck::GoesOn,
            sacked: SackedData::Kept,
        }
    }

    /// FreeBSD's default stack: SACK by RFC 6675, PRR, no RACK and no probes.
    pub const fn freebsd() -> Self {
        Self {
            detection: LossDetection::Sack,
            without_sack: WithoutSack::Inflate,
            partial_acks_restart_timer: true,
            tail_loss_probe: TailLossProbe::Off,
            reduction: WindowReduction::Proportional,
            forward_rto: false,
            undo: true,
            adapt_timeout: false,
            last_resort: true,
            reordering_max: 0,
            early_reneging: false,
            partial_ack: PartialAck::GoesOn,
            sacked: SackedData::Kept,
        }
    }
}

impl RackConfig {
    /// `tcp_recovery` 1.
    pub const LINUX: Self = Self {
        static_window: false,
        ignore_threshold: false,
        timer_slack: LINUX_TIMER_MIN,
        spare_recent: true,
    };
}

impl TailLossProbe {
    /// As Linux has it: 2 ms, or the least RTO for a single segment.
    pub const LINUX: Self =
        Self::On { slack: LINUX_TIMER_MIN, ack_delay: Duration::from_millis(200), needs_sample: false };
}

/// `TCP_TIMEOUT_MIN_US`.
const LINUX_TIMER_MIN: Duration = Duration::from_millis(2);

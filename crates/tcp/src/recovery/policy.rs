//! What recovery was configured with, and what the handshake agreed on and went through.

use faultwire_base::Duration;

use crate::config::{
    Config, LossDetection, MeasuredSegments, PartialAck, SackedData, TailLossProbe, TimerRestart,
    WindowReduction, WindowUnit, WithoutSack,
};

#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    pub(super) smss: u32,
    duplicate_threshold: u16,
    reordering_max: u16,
    pub(super) limited_transmit: bool,
    pub(super) slow_start_after_idle: bool,
    pub(super) unit: WindowUnit,
    pub(super) reduction: WindowReduction,
    pub(super) detection: Detection,
    pub(super) flags: Flags,
    pub(super) partial_ack: PartialAck,
    pub(super) sacked: SackedData,
    pub(super) restart: TimerRestart,
    pub(super) measured: MeasuredSegments,
    pub(super) probe: Probing,
    /// RFC 6298 §5.7: a floor for the first timeout of data; zero if the SYN was not sent twice.
    first_timeout_min_millis: u16,
}

/// How losses are found on this connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detection {
    /// RACK (RFC 8985 §6).
    Rack { static_window: bool, ignore_threshold: bool, spare_recent: bool, timer_slack_micros: u32 },
    /// By what is SACKed above (RFC 6675 §4).
    Sack,
    /// NewReno (RFC 6582).
    Inflate,
    /// Duplicate ACKs count as SACKs (Linux).
    Emulate,
}

/// What is switched on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flags {
    pub(super) forward_rto: bool,
    pub(super) undo: bool,
    pub(super) adapt_timeout: bool,
    pub(super) last_resort: bool,
    pub(super) early_reneging: bool,
    pub(super) partial_acks_restart_timer: bool,
}

/// The tail loss probe on this connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probing {
    pub(super) on: bool,
    pub(super) needs_sample: bool,
    slack_micros: u32,
    ack_delay_micros: u32,
}

impl Policy {
    pub(super) fn new(config: &Config, sack: bool, smss: u32, syn_retransmissions: u32) -> Self {
        assert!(smss > 0, "a segment holds at least one octet");
        let floor = config.retransmission.data_min_after_syn_timeout.filter(|_| syn_retransmissions > 0);
        let recovery = &config.loss_recovery;
        let detection = match (sack, recovery.detection, recovery.without_sack) {
            (true, LossDetection::Rack(rack), _) => Detection::Rack {
                static_window: rack.static_window,
                ignore_threshold: rack.ignore_threshold,
                spare_recent: rack.spare_recent,
                timer_slack_micros: micros(rack.timer_slack),
            },
            (true, LossDetection::Sack, _) => Detection::Sack,
            (false, _, WithoutSack::Inflate) => Detection::Inflate,
            (false, _, WithoutSack::Emulate) => Detection::Emulate,
        };
        let short = |segments: u32| u16::try_from(segments).unwrap_or(u16::MAX).max(1);
        let duplicate_threshold = short(config.congestion.duplicate_threshold);
        Self {
            smss,
            duplicate_threshold,
            reordering_max: short(recovery.reordering_max).max(duplicate_threshold),
            limited_transmit: config.congestion.limited_transmit,
            slow_start_after_idle: config.congestion.slow_start_after_idle,
            unit: config.congestion.unit,
            reduction: recovery.reduction,
            detection,
            flags: Flags {
                forward_rto: recovery.forward_rto,
                undo: recovery.undo,
                adapt_timeout: recovery.adapt_timeout,
                last_resort: recovery.last_resort && sack && recovery.partial_ack == PartialAck::GoesOn,
                partial_acks_restart_timer: recovery.partial_acks_restart_timer,
                early_reneging: recovery.early_reneging && recovery.sacked == SackedData::Kept,
            },
            partial_ack: recovery.partial_ack,
            sacked: recovery.sacked,
            restart: config.retransmission.restart,
            measured: config.retransmission.measured,
            probe: Probing::new(recovery.tail_loss_probe, sack),
            first_timeout_min_millis: floor.map_or(0, millis),
        }
    }

    /// Duplicate ACKs that mean a loss, before any reordering.
    #[inline]
    pub(super) fn duplicate_threshold(&self) -> u32 {
        u32::from(self.duplicate_threshold)
    }

    /// What they can grow to by reordering.
    pub(super) fn reordering_max(&self) -> u32 {
        u32::from(self.reordering_max)
    }

    /// RFC 6298 §5.7: a floor for the first timeout of data; zero if the SYN was not sent twice.
    pub(super) fn first_timeout_min(&self) -> Duration {
        Duration::from_millis(u64::from(self.first_timeout_min_millis))
    }

    /// One segment in the unit of the window.
    #[inline]
    pub(super) fn one(&self) -> u64 {
        match self.unit {
            WindowUnit::Octets => u64::from(self.smss),
            WindowUnit::Segments => 1,
        }
    }

    /// `amount` of the window, in octets.
    #[inline]
    pub(super) fn octets(&self, amount: u64) -> u64 {
        match self.unit {
            WindowUnit::Octets => amount,
            WindowUnit::Segments => amount.saturating_mul(u64::from(self.smss)),
        }
    }

    /// Whether SACK is in use.
    #[inline]
    pub(super) fn has_sack(&self) -> bool {
        matches!(self.detection, Detection::Rack { .. } | Detection::Sack)
    }

    /// Whether it is NewReno by RFC 6582.
    #[inline]
    pub(super) fn inflates(&self) -> bool {
        self.detection == Detection::Inflate
    }

    /// Whether losses are found by time.
    #[inline]
    pub(super) fn is_rack(&self) -> bool {
        matches!(self.detection, Detection::Rack { .. })
    }

    /// Whether the window follows what is delivered while it is reduced (PRR).
    #[inline]
    pub(super) fn is_proportional(&self) -> bool {
        self.reduction != WindowReduction::AtOnce && !self.inflates()
    }

    /// Whether the kernel's rules hold where its window is counted in segments.
    #[inline]
    pub(super) fn counts_segments(&self) -> bool {
        self.unit == WindowUnit::Segments
    }
}

impl Probing {
    fn new(probe: TailLossProbe, sack: bool) -> Self {
        match probe {
            TailLossProbe::On { slack, ack_delay, needs_sample } if sack => Self {
                on: true,
                needs_sample,
                slack_micros: micros(slack),
                ack_delay_micros: micros(ack_delay),
            },
            _ => Self { on: false, needs_sample: false, slack_micros: 0, ack_delay_micros: 0 },
        }
    }

    /// What is added to two round trips.
    #[inline]
    pub(super) fn allowance(&self, alone: bool) -> Duration {
        Duration::from_micros(u64::from(if alone { self.ack_delay_micros } else { self.slack_micros }))
    }
}

fn millis(duration: Duration) -> u16 {
    u16::try_from(duration.as_millis()).unwrap_or(u16::MAX)
}

fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

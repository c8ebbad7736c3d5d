//! What recovery was configured with, and what the handshake agreed on and went through.

use faultwire_base::Duration;

use crate::config::Config;

#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    pub(super) smss: u32,
    pub(super) duplicate_threshold: u32,
    pub(super) sack: bool,
    pub(super) limited_transmit: bool,
    pub(super) slow_start_after_idle: bool,
    /// RFC 6298 §5.7: a floor for the first timeout of data; zero if the SYN was not sent twice.
    pub(super) first_timeout_min: Duration,
}

impl Policy {
    pub(super) fn new(config: &Config, sack: bool, smss: u32, syn_was_retransmitted: bool) -> Self {
        assert!(smss > 0, "a segment holds at least one octet");
        let floor = config.retransmission.data_min_after_syn_timeout.filter(|_| syn_was_retransmitted);
        Self {
            smss,
            duplicate_threshold: config.congestion.duplicate_threshold.max(1),
            sack,
            limited_transmit: config.congestion.limited_transmit,
            slow_start_after_idle: config.congestion.slow_start_after_idle,
            first_timeout_min: floor.unwrap_or(Duration::ZERO),
        }
    }
}

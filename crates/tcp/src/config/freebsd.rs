//! The profile of FreeBSD 15 with its default sysctls. What it shares with the letter of the standards is not repeated.

use faultwire_base::Duration;

use super::{
    AcknowledgmentConfig, ArrivalConfig, BufferConfig, ClosingConfig, Config, CongestionAlgorithm,
    CongestionConfig, EcnConfig, GiveUp, GiveUpConfig, HandshakeConfig, IcmpConfig, InitialWindow,
    KeepAliveConfig, LossRecoveryConfig, OpeningConfig, OptionOrder, OptionsConfig, OrphanProbing,
    PersistConfig, RetransmissionConfig, TimeWaitConfig,
};

impl Config {
    /// FreeBSD 15 with its default sysctls.
    pub fn freebsd() -> Self {
        let rfc = Self::rfc();
        Self {
            options: OptionsConfig { order: OptionOrder::FreeBsd, least_segment_size: 216, ..rfc.options },
            buffers: BufferConfig {
                // net.inet.tcp.sendspace, sendbuf_max, recvspace, recvbuf_max.
                send: 32_768,
                send_max: 2 << 20,
                receive: 65_536,
                receive_max: 2 << 20,
                round_to_segments: true,
                ..rfc.buffers
            },
            opening: OpeningConfig {
                // TCP_MAXRXTSHIFT; the limit ends an attempt long before.
                syn_retries: 12,
                // net.inet.tcp.keepinit.
                limit: Some(Duration::from_secs(75)),
                // net.inet.tcp.syncache.rexmtlimit.
                synack_retries: 3,
                ..rfc.opening
            },
            ecn: EcnConfig::freebsd(),
            icmp: IcmpConfig::freebsd(),
            handshake: HandshakeConfig::freebsd(),
            arrival: ArrivalConfig::freebsd(),
            retransmission: RetransmissionConfig {
                // net.inet.tcp.rexmit_min, rexmit_slop; TCPTV_REXMTMAX.
                min: Duration::from_millis(30),
                slop: Duration::from_millis(200),
                max: Duration::from_secs(64),
                data_min_after_syn_timeout: None,
                clock_granularity: Duration::from_millis(1),
                ..rfc.retransmission
            },
            congestion: CongestionConfig {
                algorithm: CongestionAlgorithm::Cubic,
                initial_window: InitialWindow::Segments(10),
                ..rfc.congestion
            },
            loss_recovery: LossRecoveryConfig::freebsd(),
            acknowledgment: AcknowledgmentConfig::freebsd(),
            give_up: GiveUpConfig {
                // TCP_MAXRXTSHIFT.
                r2: GiveUp::Timeouts(12),
                reset: true,
                ..rfc.give_up
            },
            persist: PersistConfig {
                // TCPTV_PERSMIN, TCPTV_PERSMAX.
                min: Duration::from_secs(5),
                max: Duration::from_secs(60),
                orphan: OrphanProbing::Silence(Duration::from_secs(60)),
                ..rfc.persist
            },
            // net.inet.tcp.always_keepalive, keepcnt.
            keep_alive: KeepAliveConfig { enabled: true, probes: 8, reset: true, ..rfc.keep_alive },
            closing: ClosingConfig::freebsd(),
            time_wait: TimeWaitConfig::freebsd(),
            ..rfc
        }
    }
}

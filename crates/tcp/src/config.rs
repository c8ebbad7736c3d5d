//! Every knob of an endpoint, and the profiles: tables of settings, never branches in the rooms.

mod acknowledgment;
mod arrival;
mod closing;
mod ecn;
mod freebsd;
mod icmp;
mod loss;

use std::fmt;
use std::str::FromStr;

use faultwire_base::Duration;

use crate::handshake_config::HandshakeConfig;
use crate::negotiate::LEAST_SEGMENT_SIZE;
pub use acknowledgment::{
    AckAtOnce, AcknowledgmentConfig, ChallengeLimit, DelayOver, SackReport, WindowUpdate,
};
pub use arrival::{
    AckOfUnsent, ArrivalConfig, HalfOpenRule, OldDuplicate, OldTimestamp, ResetRule, SequenceCheck,
    SequenceOrder, UrgentRule,
};
pub use closing::{
    ClosingConfig, OrphanProbing, ResetInCloseWait, TimeWaitConfig, TimeWaitRule, TimeWaitShare,
};
pub use ecn::EcnConfig;
pub use icmp::{HalfOpenErrors, IcmpConfig, IcmpErrors};
pub use loss::{
    LossDetection, LossRecoveryConfig, PartialAck, RackConfig, SackedData, TailLossProbe, WindowReduction,
    WithoutSack,
};

/// All settings of an endpoint. Start from [`Config::rfc`], [`Config::linux`] or [`Config::freebsd`] and change what
/// differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Which options are offered, in which order.
    pub options: OptionsConfig,
    /// Buffer sizes.
    pub buffers: BufferConfig,
    /// SYN and SYN-ACK retransmission.
    pub opening: OpeningConfig,
    /// What SYN segments may carry, and what ends a handshake.
    pub handshake: HandshakeConfig,
    /// Which arriving segments are acceptable where stacks differ.
    pub arrival: ArrivalConfig,
    /// The retransmission timer.
    pub retransmission: RetransmissionConfig,
    /// Congestion control.
    pub congestion: CongestionConfig,
    /// Explicit congestion notification.
    pub ecn: EcnConfig,
    /// What ICMP errors do.
    pub icmp: IcmpConfig,
    /// Loss recovery.
    pub loss_recovery: LossRecoveryConfig,
    /// Nagle, PSH, silly-window avoidance.
    pub sending: SendingConfig,
    /// Delayed and challenge ACKs.
    pub acknowledgment: AcknowledgmentConfig,
    /// When unacknowledged data ends the connection.
    pub give_up: GiveUpConfig,
    /// Zero-window probes.
    pub persist: PersistConfig,
    /// Keep-alive.
    pub keep_alive: KeepAliveConfig,
    /// Half-close, close, abort.
    pub closing: ClosingConfig,
    /// TIME-WAIT.
    pub time_wait: TimeWaitConfig,
}

/// Options of SYN segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionsConfig {
    /// Offer and accept window scaling (RFC 7323 §2).
    pub window_scaling: bool,
    /// Offer and accept timestamps (RFC 7323 §3).
    pub timestamps: bool,
    /// Offer and accept selective acknowledgments (RFC 2018).
    pub sack: bool,
    /// Report data that arrived twice (RFC 2883, `tcp_dsack`).
    pub duplicate_sack: bool,
    /// The order of options in a SYN.
    pub order: OptionOrder,
    /// Drop segments without timestamps once they were agreed on (RFC 7323 §3.2, SHOULD).
    pub require_timestamps: bool,
    /// The MSS of a peer that announces none: over IPv4 and over IPv6 (RFC 9293 §3.7.1, MUST-15; FreeBSD
    /// `net.inet.tcp.mssdflt`, `v6mssdflt`).
    pub default_segment_size: [u16; 2],
    /// No MSS that a peer announces counts as less (FreeBSD `net.inet.tcp.minmss`).
    pub least_segment_size: u16,
}

/// Order of the options of a SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionOrder {
    /// By ascending kind, each aligned by NOPs before it: MSS; NOP, window scale; NOP, NOP, SACK-permitted; NOP, NOP,
    /// timestamps.
    ByKind,
    /// Linux: MSS, SACK-permitted, timestamps, NOP, window scale; NOPs take the place of an option that is off.
    Linux,
    /// FreeBSD: MSS, NOP, window scale, SACK-permitted, timestamps; NOPs where the alignment asks for them, an
    /// end-of-list before padding.
    FreeBsd,
}

/// Buffer sizes in octets of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferConfig {
    /// Send buffer at first (for Linux the middle value of `tcp_wmem`). With [`SendParts`] it counts bookkeeping too.
    pub send: u64,
    /// What the send buffer may grow to with the congestion window (the last value of `tcp_wmem`); equal to `send`: it
    /// is fixed.
    pub send_max: u64,
    /// Receive buffer at first, bookkeeping included (the middle value of `tcp_rmem`).
    pub receive: u64,
    /// What the receive buffer may grow to with the rate at which the user reads (the last value of `tcp_rmem`);
    /// equal to `receive`: it is fixed. The window scale is chosen for it.
    pub receive_max: u64,
    /// The part of a receive buffer that can be offered as window is `1 / receive_overhead`: 1 if the buffer holds
    /// nothing but data, 2 for Linux, which charges half of it to bookkeeping.
    pub receive_overhead: u64,
    /// The receive buffer is charged with what data costs in the kernel's buffers, and the window follows from that (Linux
    /// `tcp_select_window`). With it `receive_overhead` is 2.
    pub receive_parts: bool,
    /// The window of a SYN is rounded down to full segments.
    pub whole_segments_at_first: bool,
    /// The receive buffer is rounded up to full segments once their size is known, all that it has room for is taken, be it
    /// offered or not, and a scaled window field is rounded up (FreeBSD); otherwise only where it would take an offer back.
    pub round_to_segments: bool,
    /// How the send buffer is kept and charged; `None`: as octets of a stream.
    pub send_parts: Option<SendParts>,
    /// So much unsent data is enough: no write takes more, and a writer is told of room only below half of it
    /// (`tcp_notsent_lowat`).
    pub unsent_limit: u32,
    /// What a user may ask for by SO_SNDBUF and SO_RCVBUF.
    pub asked: AskedSizes,
    /// What becomes of data ahead of RCV.NXT.
    pub ahead: DataAhead,
    /// What becomes of a window that was offered, when data arrives and nobody reads.
    pub right_edge: RightEdge,
}

/// What becomes of data ahead of RCV.NXT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataAhead {
    /// It is kept (RFC 9293 §3.10.7.4, SHLD-31) until what is missing arrives.
    Kept,
    /// It is thrown away: the bug of RFC 2525 §2.5 ([`crate::Quirk::NoReassembly`]).
    Discarded,
    /// It is kept and reported by SACK, and thrown away when what was missing arrives ([`crate::Quirk::SackReneging`]).
    Reneged,
}

/// What becomes of a window that was offered, when data arrives and nobody reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RightEdge {
    /// Its right edge stays (RFC 9293 §3.8.6, SHLD-14).
    Stays,
    /// What is unread is taken off twice, so that the edge moves left ([`crate::Quirk::WindowShrunk`]).
    MovesLeft,
}

/// A send buffer in parts, as Linux keeps it in socket buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendParts {
    /// Most octets in a part.
    pub most: u32,
    /// What each part costs besides its data (`skb->truesize`).
    pub cost: u32,
    /// Octets of headers that each segment is expected to need when the buffer sizes itself.
    pub headers: u32,
}

/// What becomes of a buffer size that a user asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskedSizes {
    /// The buffer gets so many times the size, for bookkeeping.
    pub factor: u64,
    /// Least size of a send buffer that comes of it.
    pub send_least: u64,
    /// Greatest size that can be asked for a send buffer (`wmem_max`).
    pub send_most: u64,
    /// Least size of a receive buffer that comes of it.
    pub receive_least: u64,
    /// Greatest size that can be asked for a receive buffer (`rmem_max`).
    pub receive_most: u64,
}

/// SYN and SYN-ACK retransmission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpeningConfig {
    /// Retransmissions of a SYN after the linear ones (`tcp_syn_retries`).
    pub syn_retries: u32,
    /// First retransmissions of a SYN that come at the initial RTO without back-off (`tcp_syn_linear_timeouts`).
    pub syn_linear_timeouts: u32,
    /// Retransmissions of a SYN-ACK (`tcp_synack_retries`).
    pub synack_retries: u32,
    /// How long an attempt to open lasts at most (FreeBSD `net.inet.tcp.keepinit`); `None`: the retransmissions decide.
    pub limit: Option<Duration>,
    /// An acknowledgment of something never sent, in SYN-SENT, has the SYN sent again so soon if it was sent only once: the
    /// peer took the RST for it, and an old connection is out of the way (Linux). `None`: the timer goes on as it was.
    pub suspicious_ack: Option<Duration>,
    /// ICMP errors that elsewhere are soft end a connection attempt (Linux; against RFC 9293 §3.9.2.2, see RFC 5461).
    pub soft_errors_abort: bool,
}

/// The retransmission timer (RFC 6298).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetransmissionConfig {
    /// RTO without a sample.
    pub initial: Duration,
    /// Least RTO.
    pub min: Duration,
    /// Greatest RTO, back-off included.
    pub max: Duration,
    /// What is added to every RTO but the first of a SYN, after the back-off (FreeBSD `net.inet.tcp.rexmit_slop`), in whole
    /// milliseconds, at most 65,535.
    pub slop: Duration,
    /// RTO for data when the SYN timed out (RFC 6298 §5.7), in whole milliseconds, at most 65,535; `None` leaves it.
    pub data_min_after_syn_timeout: Option<Duration>,
    /// RTO for data when the handshake gave no measurement (Linux `TCP_TIMEOUT_FALLBACK`); `None` leaves it.
    pub data_min_without_sample: Option<Duration>,
    /// How the minimum counts.
    pub variance_floor: VariancePolicy,
    /// Clock granularity G of RFC 6298 §2.
    pub clock_granularity: Duration,
    /// What each timeout does to the next.
    pub back_off: BackOff,
    /// What starts the timer anew while something is in flight.
    pub restart: TimerRestart,
    /// Which segments measure the round trip.
    pub measured: MeasuredSegments,
}

/// What each timeout does to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackOff {
    /// It doubles it (RFC 6298 §5.5).
    Doubles,
    /// Nothing: the bug of RFC 2525 §2.10 ([`crate::Quirk::NoRetransmissionBackOff`]).
    Never,
}

impl BackOff {
    /// What the timeout is multiplied by after so many timeouts.
    pub(crate) fn factor(self, timeouts: u32) -> u64 {
        match self {
            Self::Doubles => 1u64.checked_shl(timeouts).unwrap_or(u64::MAX),
            Self::Never => 1,
        }
    }
}

/// What starts the retransmission timer anew while something is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerRestart {
    /// An ACK of new data (RFC 6298 §5.3).
    NewData,
    /// Every ACK: a bug of smoltcp ([`crate::Quirk::TimerRestartedByEveryAck`]).
    EveryAck,
}

/// Which segments measure the round trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeasuredSegments {
    /// Those that were sent once (Karn's algorithm, RFC 6298 §3).
    SentOnce,
    /// All of them, from when they were sent last: the bug that Karn's algorithm put an end to
    /// ([`crate::Quirk::KarnIgnored`]).
    All,
}

/// How the least RTO counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariancePolicy {
    /// RTO = max(min, SRTT + max(G, 4 * RTTVAR)) (RFC 6298 §2).
    Rfc,
    /// RTO = SRTT + max(min, the largest 4 * RTTVAR of a round trip), which falls by a quarter of the difference a round
    /// trip, and smaller measurements widen RTTVAR by less (Linux).
    LinuxFloor,
}

/// Congestion control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CongestionConfig {
    /// The control law.
    pub algorithm: CongestionAlgorithm,
    /// What the window is counted in.
    pub unit: WindowUnit,
    /// When CUBIC leaves slow start before a loss.
    pub slow_start_exit: SlowStartExit,
    /// Initial congestion window.
    pub initial_window: InitialWindow,
    /// From so many retransmissions of the SYN or SYN-ACK on, the initial window is one segment instead (RFC 5681 §3.1: 1;
    /// Linux: 2).
    pub one_segment_after: u32,
    /// Duplicate ACKs that mean a loss (RFC 5681 §3.2).
    pub duplicate_threshold: u32,
    /// Send new data on the first duplicate ACKs (RFC 3042).
    pub limited_transmit: bool,
    /// Restart from a small window after an idle time (RFC 5681 §4.1, `tcp_slow_start_after_idle`).
    pub slow_start_after_idle: bool,
    /// What a loss does to the window.
    pub loss_response: LossResponse,
    /// What CUBIC makes of a flight that ran empty.
    pub empty_flight: EmptyFlight,
}

/// What a loss does to the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossResponse {
    /// It lowers the threshold, and a timeout begins slow start again from one segment (RFC 5681 §3.1).
    SlowStart,
    /// The same, but after a timeout the window is the new threshold: the bug of RFC 2525 §2.2
    /// ([`crate::Quirk::NoSlowStartAfterTimeout`]).
    Threshold,
    /// Neither the threshold nor the window changes ([`crate::Quirk::NoCongestionResponse`]).
    Nothing,
}

/// What CUBIC makes of a flight that ran empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmptyFlight {
    /// Nothing, if the window is what holds the sender back: it is small.
    MaybeFull,
    /// The sender was idle, so the window must not grow for what is sent next: the bug that kept quiche at two segments
    /// ([`crate::Quirk::CubicStuckAtMinimum`]).
    Idle,
}

/// What the congestion window is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowUnit {
    /// Octets (RFC 5681).
    Octets,
    /// Segments, however short, and with the kernel's own integer laws of growth (Linux).
    Segments,
}

/// When CUBIC leaves slow start before a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlowStartExit {
    /// Never.
    AtLoss,
    /// HyStart++ (RFC 9406); with a window in octets.
    HyStartPlusPlus,
    /// HyStart by ACK trains and delay, as in Linux; with a window in segments.
    HyStart,
}

/// A control law, under the kernel's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CongestionAlgorithm {
    /// `reno` (RFC 5681, 6582).
    NewReno,
    /// `cubic` (RFC 9438).
    Cubic,
}

/// Not the name of a congestion control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCongestionAlgorithm;

impl fmt::Display for UnknownCongestionAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a known congestion control; known are reno and cubic")
    }
}

impl std::error::Error for UnknownCongestionAlgorithm {}

impl FromStr for CongestionAlgorithm {
    type Err = UnknownCongestionAlgorithm;

    fn from_str(text: &str) -> Result<Self, UnknownCongestionAlgorithm> {
        match text {
            // FreeBSD calls it newreno.
            "reno" | "newreno" => Ok(Self::NewReno),
            "cubic" => Ok(Self::Cubic),
            _ => Err(UnknownCongestionAlgorithm),
        }
    }
}

impl fmt::Display for CongestionAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NewReno => "reno",
            Self::Cubic => "cubic",
        })
    }
}

/// Initial congestion window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitialWindow {
    /// That many segments (RFC 6928: 10).
    Segments(u32),
    /// min(4 * SMSS, max(2 * SMSS, 4380)) (RFC 5681 §3.1 after RFC 3390).
    Rfc5681,
    /// More than any peer's window: no slow start at first, the bug of RFC 2525 §2.1
    /// ([`crate::Quirk::NoInitialSlowStart`]).
    PeerWindow,
}

/// Nagle, PSH, silly-window avoidance of the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendingConfig {
    /// The rule for small segments while TCP_NODELAY is off.
    pub nagle: Nagle,
    /// Which segments carry PSH besides the last of the queued data (MUST-61).
    pub push_bursts: bool,
    /// Most octets of one burst (what segmentation offload takes at once).
    pub burst_max: u32,
    /// Least segments of one burst, whatever the pace (`tcp_min_tso_segs`).
    pub burst_least_segments: u32,
    /// A burst may be larger by [`SendingConfig::burst_max`], halved for each doubling of 2 to this power microseconds
    /// in the least round trip (`tcp_tso_rtt_log`).
    pub burst_round_trip_log: u8,
    /// A burst that is not full waits for an ACK that is about to come, unless it is this part of the window (Linux
    /// `tcp_tso_win_divisor`; 0: unless it is more than three segments). It concerns a buffer in [`SendParts`].
    pub window_divisor: u32,
    /// The pace of a sender in percent of a window in each round trip: far below the slow-start threshold, and otherwise
    /// (`tcp_pacing_ss_ratio`, `tcp_pacing_ca_ratio`).
    pub pacing_percent: [u32; 2],
    /// What becomes of data that is held back although the peer's window is open.
    pub when_held: WhenHeld,
    /// Segments have no more data than half of the largest window that the peer offered, or all of it if that is 536
    /// octets at most (Linux `tcp_bound_to_half_wnd`).
    pub half_window: bool,
    /// What goes again is cut at the right edge of the peer's window (Linux; RFC 9293 §3.8.6 permits to send beyond an edge
    /// that moved left).
    pub resend_inside_window: bool,
    /// Which number a FIN has that is sent again without data.
    pub repeated_fin: RepeatedFin,
}

/// Which sequence number a FIN has that is sent again without data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepeatedFin {
    /// Its own, the one after the last octet (RFC 9293 §3.4).
    InPlace,
    /// SND.NXT, which is one beyond it ([`crate::Quirk::FinSequenceWrong`]).
    AtNext,
}

/// What becomes of data that is held back although the peer's window is open and nothing is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenHeld {
    /// It goes after this time (RFC 9293 §3.8.6.2.1: 0.1 to 1 s).
    SendAfter(Duration),
    /// The timer of zero-window probes sends it, after a retransmission timeout (Linux).
    Probe,
}

/// The rule for small segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nagle {
    /// None while anything is unacknowledged (RFC 9293 §3.7.4).
    Plain,
    /// None while a small one is unacknowledged (Minshall's variant, Linux).
    Minshall,
}

/// When unacknowledged data ends the connection (RFC 9293 §3.8.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GiveUpConfig {
    /// R1: retransmissions of one segment after which the path is reported as doubtful (`tcp_retries1`; RFC 9293
    /// §3.8.3, SHLD-10: at least 3).
    pub r1: u32,
    /// R2: when the connection is aborted (RFC 9293 §3.8.3, SHLD-11: at least 100 s).
    pub r2: GiveUp,
    /// R2 of a connection that nobody owns any more (`tcp_orphan_retries`); `None`: as `r2`.
    pub r2_orphan: Option<GiveUp>,
    /// User timeout of new connections (RFC 5482, `TCP_USER_TIMEOUT`); `None`: R2 decides.
    pub user_timeout: Option<Duration>,
    /// What the user timeout counts from.
    pub user_timeout_from: UserTimeoutFrom,
    /// The end is told to the peer by a RST (FreeBSD).
    pub reset: bool,
}

/// What the user timeout of data counts from. For a SYN it is always the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserTimeoutFrom {
    /// The first sending of what is unacknowledged, or the last progress (RFC 5482 §1). A closed window does not count
    /// as long as probes are answered (RFC 9293 §3.8.6.1, MUST-37).
    FirstSending,
    /// The first timeout without progress, and at a closed window the first probe, be it answered; the same time takes
    /// the place of the number of keep-alive probes (Linux).
    FirstTimeout,
}

/// When a connection gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GiveUp {
    /// So long after the first sending of the oldest unacknowledged data.
    After(Duration),
    /// At the first timeout after the time that so many retransmissions would take with the least RTO (Linux
    /// `tcp_retries2`: 15 are 924.6 s).
    Retransmissions(u32),
    /// At the timeout after so many retransmissions, however long they took (FreeBSD).
    Timeouts(u32),
    /// Never.
    Never,
}

/// Zero-window probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PersistConfig {
    /// Shortest interval between probes; the RTO, if that is longer.
    pub min: Duration,
    /// Longest interval between probes.
    pub max: Duration,
    /// What a probe carries.
    pub probe: ProbeContent,
    /// When a connection that nobody owns stops to probe.
    pub orphan: OrphanProbing,
    /// An ACK that leaves the window too small starts the interval anew (Linux `tcp_ack_probe`).
    pub answer_restarts: bool,
}

/// What a zero-window probe carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeContent {
    /// The next octet of data (RFC 9293 §3.8.6.1).
    NextOctet,
    /// Nothing, at an old sequence number (Linux).
    Nothing,
    /// There is no probe: the bug of RFC 2525 §2.12 ([`crate::Quirk::NoZeroWindowProbe`]).
    NoProbe,
}

/// Keep-alive (RFC 9293 §3.8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAliveConfig {
    /// On for new connections (`SO_KEEPALIVE`; RFC 9293 §3.8.4, MUST-25: off).
    pub enabled: bool,
    /// Idle time before the first probe (`tcp_keepalive_time`; RFC 9293 §3.8.4, MUST-28: at least two hours).
    pub idle: Duration,
    /// Time between probes (`tcp_keepalive_intvl`).
    pub interval: Duration,
    /// Unanswered probes that end the connection (`tcp_keepalive_probes`).
    pub probes: u32,
    /// The end is told to the peer by a RST.
    pub reset: bool,
    /// A probe carries one octet of garbage, for peers that answer nothing else (RFC 9293 §3.8.4, MAY-6).
    pub garbage: bool,
    /// Where a probe stands.
    pub probe: KeepAliveProbe,
}

/// Where a keep-alive probe stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepAliveProbe {
    /// One before SND.NXT, which the peer has to answer (RFC 9293 §3.8.4).
    BeforeNext,
    /// At SND.NXT, where an ACK is acceptable and gets no answer ([`crate::Quirk::KeepAliveAtNext`]).
    AtNext,
}

impl Config {
    /// The letter of the standards.
    #[expect(clippy::too_many_lines, reason = "a table")]
    pub fn rfc() -> Self {
        Self {
            options: OptionsConfig {
                window_scaling: true,
                timestamps: true,
                sack: true,
                duplicate_sack: true,
                order: OptionOrder::ByKind,
                require_timestamps: true,
                default_segment_size: [536, 1220],
                least_segment_size: LEAST_SEGMENT_SIZE,
            },
            buffers: BufferConfig {
                send: 1 << 20,
                send_max: 1 << 20,
                receive: 1 << 20,
                receive_max: 1 << 20,
                receive_overhead: 1,
                receive_parts: false,
                whole_segments_at_first: false,
                round_to_segments: false,
                send_parts: None,
                unsent_limit: u32::MAX,
                asked: AskedSizes {
                    factor: 1,
                    send_least: 1,
                    send_most: u64::MAX,
                    receive_least: 1,
                    receive_most: u64::MAX,
                },
                ahead: DataAhead::Kept,
                right_edge: RightEdge::Stays,
            },
            opening: OpeningConfig {
                // MUST-23: at least 3 minutes. With RTOs of 1, 2, 4, ... 32, 60, 60 s seven retransmissions give 183 s.
                syn_retries: 7,
                syn_linear_timeouts: 0,
                synack_retries: 7,
                limit: None,
                suspicious_ack: None,
                soft_errors_abort: false,
            },
            handshake: HandshakeConfig::rfc(),
            arrival: ArrivalConfig::rfc(),
            retransmission: RetransmissionConfig {
                initial: Duration::from_secs(1),
                min: Duration::from_secs(1),
                max: Duration::from_secs(60),
                slop: Duration::ZERO,
                data_min_after_syn_timeout: Some(Duration::from_secs(3)),
                data_min_without_sample: None,
                variance_floor: VariancePolicy::Rfc,
                clock_granularity: Duration::from_nanos(1),
                back_off: BackOff::Doubles,
                restart: TimerRestart::NewData,
                measured: MeasuredSegments::SentOnce,
            },
            congestion: CongestionConfig {
                algorithm: CongestionAlgorithm::NewReno,
                unit: WindowUnit::Octets,
                slow_start_exit: SlowStartExit::HyStartPlusPlus,
                one_segment_after: 1,
                initial_window: InitialWindow::Rfc5681,
                duplicate_threshold: 3,
                limited_transmit: true,
                slow_start_after_idle: true,
                loss_response: LossResponse::SlowStart,
                empty_flight: EmptyFlight::MaybeFull,
            },
            ecn: EcnConfig::rfc(),
            icmp: IcmpConfig::rfc(),
            loss_recovery: LossRecoveryConfig::rfc(),
            sending: SendingConfig {
                nagle: Nagle::Plain,
                push_bursts: false,
                burst_max: u32::MAX,
                burst_least_segments: 2,
                burst_round_trip_log: 9,
                window_divisor: 3,
                pacing_percent: [200, 120],
                when_held: WhenHeld::SendAfter(Duration::from_millis(500)),
                half_window: false,
                resend_inside_window: false,
                repeated_fin: RepeatedFin::InPlace,
            },
            acknowledgment: AcknowledgmentConfig::rfc(),
            give_up: GiveUpConfig {
                r1: 3,
                r2: GiveUp::After(Duration::from_secs(100)),
                r2_orphan: None,
                user_timeout: None,
                user_timeout_from: UserTimeoutFrom::FirstSending,
                reset: false,
            },
            persist: PersistConfig {
                min: Duration::ZERO,
                max: Duration::from_secs(60),
                probe: ProbeContent::NextOctet,
                orphan: OrphanProbing::Endless,
                answer_restarts: false,
            },
            keep_alive: KeepAliveConfig {
                enabled: false,
                idle: Duration::from_secs(7200),
                interval: Duration::from_secs(75),
                probes: 9,
                reset: false,
                garbage: false,
                probe: KeepAliveProbe::BeforeNext,
            },
            closing: ClosingConfig::rfc(),
            time_wait: TimeWaitConfig::rfc(),
        }
    }

    #[expect(clippy::too_many_lines, reason = "a table")]
    /// Linux 6.x with its default sysctls.
    pub fn linux() -> Self {
        let rfc = Self::rfc();
        Self {
            options: OptionsConfig { order: OptionOrder::Linux, require_timestamps: false, ..rfc.options },
            buffers: BufferConfig {
                // tcp_wmem and tcp_rmem: 4096 16384 4194304 and 4096 131072 33554432.
                send: 16_384,
                send_max: 4 << 20,
                receive: 131_072,
                receive_max: 32 << 20,
                receive_overhead: 2,
                receive_parts: true,
                whole_segments_at_first: true,
                round_to_segments: false,
                // GSO_MAX_SIZE less a header; an empty skb with its head on a 64-bit machine.
                send_parts: Some(SendParts { most: 65_215, cost: 832, headers: 640 }),
                unsent_limit: u32::MAX,
                // wmem_max and rmem_max.
                asked: AskedSizes {
                    factor: 2,
                    send_least: 4_608,
                    send_most: 212_992,
                    receive_least: 2_304,
                    receive_most: 212_992,
                },
                ..rfc.buffers
            },
            opening: OpeningConfig {
                syn_retries: 6,
                syn_linear_timeouts: 4,
                synack_retries: 5,
                limit: None,
                // TCP_TIMEOUT_MIN: two ticks of a millisecond.
                suspicious_ack: Some(Duration::from_millis(2)),
                soft_errors_abort: true,
            },
            handshake: HandshakeConfig::linux(),
            arrival: ArrivalConfig::linux(),
            retransmission: RetransmissionConfig {
                min: Duration::from_millis(200),
                max: Duration::from_secs(120),
                data_min_after_syn_timeout: None,
                data_min_without_sample: Some(Duration::from_secs(3)),
                variance_floor: VariancePolicy::LinuxFloor,
                ..rfc.retransmission
            },
            congestion: CongestionConfig {
                algorithm: CongestionAlgorithm::Cubic,
                unit: WindowUnit::Segments,
                slow_start_exit: SlowStartExit::HyStart,
                one_segment_after: 2,
                initial_window: InitialWindow::Segments(10),
                ..rfc.congestion
            },
            ecn: EcnConfig::linux(),
            icmp: IcmpConfig::linux(),
            loss_recovery: LossRecoveryConfig::linux(),
            sending: SendingConfig {
                nagle: Nagle::Minshall,
                push_bursts: true,
                burst_max: 65_536,
                when_held: WhenHeld::Probe,
                half_window: true,
                resend_inside_window: true,
                ..rfc.sending
            },
            acknowledgment: AcknowledgmentConfig::linux(),
            give_up: GiveUpConfig {
                r2: GiveUp::Retransmissions(15),
                // tcp_orphan_retries 0 means 8.
                r2_orphan: Some(GiveUp::Retransmissions(8)),
                user_timeout_from: UserTimeoutFrom::FirstTimeout,
                ..rfc.give_up
            },
            persist: PersistConfig {
                max: Duration::from_secs(120),
                probe: ProbeContent::Nothing,
                orphan: OrphanProbing::Probes(0),
                answer_restarts: true,
                ..rfc.persist
            },
            keep_alive: KeepAliveConfig { reset: true, ..rfc.keep_alive },
            closing: ClosingConfig::linux(),
            time_wait: TimeWaitConfig::linux(),
        }
    }
}

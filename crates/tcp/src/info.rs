//! What can be asked about a connection: the TCP half of `tcp_info`, and totals for a report.

use faultwire_base::{Duration, Instant};
use faultwire_wire::Seq;

use crate::handshake;
use crate::negotiate::TIMESTAMPS_OCTETS;
use crate::recovery::Phase;
use crate::state::State;
use crate::tcb::Tcb;

/// The present of a connection, like Linux's `tcp_info`. Sizes are octets unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// The state.
    pub state: State,
    /// Retransmission timeout with back-off.
    pub rto: Duration,
    /// Smoothed round-trip time; `None` before the first sample.
    pub rtt: Option<Duration>,
    /// Its mean deviation.
    pub rtt_variation: Duration,
    /// Least round-trip time seen.
    pub rtt_min: Option<Duration>,
    /// Congestion window.
    pub congestion_window: u64,
    /// Slow-start threshold; `None` before the first loss.
    pub slow_start_threshold: Option<u64>,
    /// How the sender fares with losses.
    pub recovery: RecoveryState,
    /// Segments sent and not acknowledged.
    pub unacknowledged: u32,
    /// Segments of these that SACK reported.
    pub sacked: u32,
    /// Segments of these taken for lost.
    pub lost: u32,
    /// Segments of these sent again.
    pub retransmitted: u32,
    /// Doublings of the RTO in force.
    pub backoffs: u32,
    /// Timeouts in a row, those of a SYN included.
    pub timeouts: u32,
    /// Unanswered probes, of a closed window or of keep-alive.
    pub probes: u32,
    /// Data in a full segment that we send.
    pub send_segment_size: u32,
    /// Largest segment received, at least 536.
    pub receive_segment_size: u32,
    /// The peer's window.
    pub send_window: u64,
    /// The window we offer; in FreeBSD all that is taken.
    pub receive_window: u64,
    /// Data that was acknowledged.
    pub acknowledged: u64,
    /// Data received in order.
    pub received: u64,
    /// Data written and not sent.
    pub unsent: u64,
    /// Options agreed on: timestamps.
    pub timestamps: bool,
    /// Options agreed on: SACK.
    pub sack: bool,
    /// Options agreed on: explicit congestion notification.
    pub ecn: bool,
    /// Text of a SYN was acknowledged, ours or the peer's (RFC 7413).
    pub syn_text_acknowledged: bool,
    /// ECN-capable data came in.
    pub ecn_seen: bool,
    /// Segments that the peer acknowledged with the echo of a mark (`tcpi_delivered_ce`).
    pub delivered_marked: u32,
    /// Options agreed on: window scales, the peer's and ours.
    pub window_scale: Option<(u8, u8)>,
    /// Segments delivered, the SYN and those reported as duplicates included (`tcpi_delivered`).
    pub delivered: u64,
    /// Segments that one may be late by without counting as lost (`tcpi_reordering`).
    pub reordering: u32,
    /// How often reordering was seen (`tcpi_reord_seen`).
    pub reordering_seen: u32,
    /// What the window that we offer can be for now (`tcpi_rcv_ssthresh`).
    pub receive_threshold: u64,
    /// What the user read in a round trip, at most so far (`tcpi_rcv_space`).
    pub receive_round: u64,
    /// The MTU of the path as far as known.
    pub path_mtu: u32,
    /// The MSS that we announced, less what timestamps take of it if they were agreed on.
    pub announced_segment_size: u16,
    /// How long an ACK waits for company.
    pub ack_delay: Duration,
    /// The rate that the sender would pace at, in octets a second; `None` without a round-trip time.
    pub pacing_rate: Option<u64>,
    /// Time with data on its way or waiting, and of that: held up by the peer's window, and by the size of the send buffer
    /// (`tcpi_busy_time`, `tcpi_rwnd_limited`, `tcpi_sndbuf_limited`).
    pub times: [Duration; 3],
    /// What happened so far.
    pub history: History,
    /// SND.UNA as it stands in a header.
    pub send_unacknowledged: Seq,
    /// SND.NXT as it stands in a header.
    pub send_next: Seq,
    /// RCV.NXT as it stands in a header.
    pub receive_next: Seq,
}

/// The names that [`Info::field`] knows, in alphabetical order.
pub const INFO_FIELDS: &[&str] = &[
    "advmss",
    "ato",
    "backoff",
    "busy_time",
    "bytes_acked",
    "bytes_received",
    "bytes_retrans",
    "bytes_sent",
    "ca_state",
    "data_segs_in",
    "data_segs_out",
    "delivered",
    "delivered_ce",
    "dsack_dups",
    "last_ack_recv",
    "last_data_recv",
    "last_data_sent",
    "lost",
    "min_rtt",
    "notsent_bytes",
    "options",
    "pacing_rate",
    "pmtu",
    "probes",
    "rcv_mss",
    "rcv_ooopack",
    "rcv_space",
    "rcv_ssthresh",
    "rcv_wnd",
    "rcv_wscale",
    "reord_seen",
    "reordering",
    "retrans",
    "retransmits",
    "rto",
    "rtt",
    "rttvar",
    "rwnd_limited",
    "sacked",
    "segs_in",
    "segs_out",
    "snd_cwnd",
    "snd_mss",
    "snd_ssthresh",
    "snd_wnd",
    "snd_wscale",
    "sndbuf_limited",
    "state",
    "total_retrans",
    "total_rto",
    "unacked",
];

/// Least round trip that is told while there is none (`~0U`).
const NO_ROUND_TRIP: u64 = u32::MAX as u64;
/// Slow-start threshold before the first loss (`TCP_INFINITE_SSTHRESH`).
const NO_THRESHOLD: u64 = 0x7fff_ffff;

impl Info {
    /// The field that Linux calls `tcpi_` and this name, in its units: windows of the sender in segments, times in
    /// microseconds or (`last_...`) milliseconds, states by their numbers. `None` if there is no such field.
    pub fn field(&self, name: &str) -> Option<u64> {
        let segments = |octets: u64| octets / u64::from(self.send_segment_size.max(1));
        Some(match name {
            "advmss" => self.announced_segment_size.into(),
            "ato" => self.ack_delay.as_micros(),
            "backoff" => self.backoffs.into(),
            "busy_time" => self.times[0].as_micros(),
            "bytes_acked" => self.acknowledged,
            "bytes_received" => self.received,
            "bytes_retrans" => self.history.octets_retransmitted,
            "bytes_sent" => self.history.octets_sent,
            "ca_state" => self.recovery.number(),
            "data_segs_in" => self.history.data_segments_received,
            "data_segs_out" => self.history.data_segments_sent,
            "delivered" => self.delivered,
            "delivered_ce" => self.delivered_marked.into(),
            "dsack_dups" => self.history.duplicate_sacks,
            "last_ack_recv" => self.history.since_ack_received.as_millis(),
            "last_data_recv" => self.history.since_data_received.as_millis(),
            "last_data_sent" => self.history.since_data_sent.as_millis(),
            "lost" => self.lost.into(),
            "min_rtt" => self.rtt_min.map_or(NO_ROUND_TRIP, Duration::as_micros),
            "notsent_bytes" => self.unsent,
            "options" => self.options_bits(),
            "pacing_rate" => self.pacing_rate.unwrap_or(u64::MAX),
            "pmtu" => self.path_mtu.into(),
            "probes" => self.probes.into(),
            "rcv_mss" => self.receive_segment_size.into(),
            "rcv_ooopack" => self.history.out_of_order,
            "rcv_space" => self.receive_round,
            "rcv_ssthresh" => self.receive_threshold,
            "rcv_wnd" => self.receive_window,
            "rcv_wscale" => self.window_scale.map_or(0, |(_, own)| own.into()),
            "reord_seen" => self.reordering_seen.into(),
            "reordering" => self.reordering.into(),
            "retrans" => self.retransmitted.into(),
            "retransmits" => self.timeouts.into(),
            "rto" => self.rto.as_micros(),
            "rtt" => self.rtt.map_or(0, Duration::as_micros),
            "rttvar" => self.rtt_variation.as_micros(),
            "rwnd_limited" => self.times[1].as_micros(),
            "sacked" => self.sacked.into(),
            "segs_in" => self.history.segments_received,
            "segs_out" => self.history.segments_sent,
            "sndbuf_limited" => self.times[2].as_micros(),
            "snd_cwnd" => segments(self.congestion_window),
            "snd_mss" => self.send_segment_size.into(),
            "snd_ssthresh" => self.slow_start_threshold.map_or(NO_THRESHOLD, segments),
            "snd_wnd" => self.send_window,
            "snd_wscale" => self.window_scale.map_or(0, |(peer, _)| peer.into()),
            "state" => self.state.number(),
            "total_retrans" => self.history.retransmissions,
            "total_rto" => self.history.timeouts,
            "unacked" => self.unacknowledged.into(),
            _ => return None,
        })
    }

    /// `TCPI_OPT_TIMESTAMPS`, `TCPI_OPT_SACK`, `TCPI_OPT_WSCALE`, `TCPI_OPT_ECN`, `TCPI_OPT_ECN_SEEN`,
    /// `TCPI_OPT_SYN_DATA`, from the lowest bit on.
    fn options_bits(&self) -> u64 {
        let bits = [
            self.timestamps,
            self.sack,
            self.window_scale.is_some(),
            self.ecn,
            self.ecn_seen,
            self.syn_text_acknowledged,
        ];
        bits.iter().rev().fold(0, |sum, &bit| sum << 1 | u64::from(bit))
    }
}

/// What happened on a connection so far, as `tcp_info` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// Segments sent, of all kinds.
    pub segments_sent: u64,
    /// Of these: with data.
    pub data_segments_sent: u64,
    /// Octets of data sent, retransmissions included.
    pub octets_sent: u64,
    /// Of these: sent again.
    pub octets_retransmitted: u64,
    /// Segments sent again.
    pub retransmissions: u64,
    /// Expirations of the retransmission timer.
    pub timeouts: u64,
    /// Segments that arrived.
    pub segments_received: u64,
    /// Of these: with data.
    pub data_segments_received: u64,
    /// Segments that arrived ahead of a hole.
    pub out_of_order: u64,
    /// D-SACK blocks received.
    pub duplicate_sacks: u64,
    /// Since data was sent last, or the connection was made.
    pub since_data_sent: Duration,
    /// Since data arrived last.
    pub since_data_received: Duration,
    /// Since an ACK arrived last.
    pub since_ack_received: Duration,
}

/// How a sender fares with losses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryState {
    /// Nothing suspicious.
    Open,
    /// Duplicate ACKs or SACKs, too few to act on.
    Disorder,
    /// The window is being reduced for a mark of congestion.
    Cwr,
    /// Fast recovery.
    Recovery,
    /// After a timeout.
    Loss,
}

impl RecoveryState {
    /// Linux's number of it.
    pub fn number(self) -> u64 {
        match self {
            Self::Open => 0,
            Self::Disorder => 1,
            Self::Cwr => 2,
            Self::Recovery => 3,
            Self::Loss => 4,
        }
    }
}

/// Totals of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Segments sent, of all kinds.
    pub segments_sent: u64,
    /// Segments that arrived.
    pub segments_received: u64,
    /// Octets of data sent, retransmissions included.
    pub bytes_sent: u64,
    /// Octets of data the peer acknowledged.
    pub bytes_acknowledged: u64,
    /// Octets of data received in order.
    pub bytes_delivered: u64,
    /// Segments sent again, SYN included.
    pub retransmissions: u64,
    /// Segments sent again by fast retransmit and fast recovery.
    pub fast_retransmissions: u64,
    /// Expirations of the retransmission timer.
    pub timeouts: u64,
    /// Duplicate ACKs received.
    pub duplicate_acks_received: u64,
    /// D-SACK blocks received.
    pub duplicate_sacks_received: u64,
    /// Challenge ACKs sent.
    pub challenge_acks: u64,
    /// Segments that arrived ahead of a hole.
    pub out_of_order: u64,
    /// Zero-window probes sent.
    pub probes: u64,
    /// Segments that the peer acknowledged with the echo of a mark (RFC 3168 §6.1.3).
    pub delivered_marked: u64,
    /// Reductions of the congestion window for marks (RFC 3168 §6.1.2).
    pub mark_reductions: u64,
}

pub(crate) fn info(tcb: &Tcb, now: Instant) -> Info {
    let recovery = &tcb.recovery;
    let fin = u64::from(tcb.fin_acknowledged());
    // What was only offered is not agreed on.
    let agreed = tcb.state != State::SynSent;
    let options = if agreed && tcb.timestamps.enabled() { TIMESTAMPS_OCTETS as u16 } else { 0 };
    Info {
        state: tcb.state,
        rto: recovery.rto(),
        rtt: recovery.rtt().smoothed(),
        rtt_variation: recovery.rtt().variation(),
        rtt_min: recovery.rtt().minimum(),
        congestion_window: recovery.congestion_window(),
        slow_start_threshold: recovery.slow_start_threshold(),
        recovery: match recovery.phase() {
            Phase::Open => RecoveryState::Open,
            Phase::Disorder => RecoveryState::Disorder,
            Phase::Cwr => RecoveryState::Cwr,
            Phase::Recovery => RecoveryState::Recovery,
            Phase::Loss => RecoveryState::Loss,
        },
        unacknowledged: recovery.segments_in_flight() + handshake::segments_of_syn(tcb),
        sacked: recovery.segments_sacked(),
        lost: recovery.lost().segments,
        retransmitted: recovery.retransmitted().segments,
        backoffs: recovery.backoffs().max(tcb.persist.probes().into()),
        timeouts: recovery.timeouts_in_a_row() + tcb.opening.as_ref().map_or(0, |opening| opening.timeouts()),
        probes: u32::from(tcb.keep_alive.unanswered().max(tcb.persist.unanswered().0.into())),
        send_segment_size: tcb.send.segment_size(),
        receive_segment_size: tcb.ack.full_segment(),
        send_window: tcb.send.window(),
        receive_window: tcb.receive.acceptance(),
        acknowledged: tcb.stream_offset(tcb.send.unacknowledged()).saturating_sub(fin),
        received: received(tcb),
        unsent: tcb.send_buffer.end().saturating_since(tcb.send.next()),
        timestamps: agreed && tcb.timestamps.enabled(),
        sack: agreed && tcb.negotiated.sack,
        ecn: agreed && tcb.ecn.is_on(),
        syn_text_acknowledged: tcb.fast_open.text_acknowledged(),
        ecn_seen: tcb.ecn.is_seen(),
        delivered_marked: tcb.ecn.delivered_marked(),
        window_scale: (agreed && tcb.negotiated.window_scaling)
            .then_some((tcb.negotiated.send_shift, tcb.negotiated.receive_shift)),
        delivered: recovery.counters().delivered,
        reordering: recovery.reordering_threshold(),
        reordering_seen: recovery.reordering_seen(),
        path_mtu: tcb.path.mtu,
        receive_threshold: tcb.receive.limits().0,
        receive_round: tcb.receive.limits().1,
        announced_segment_size: tcb.path.announced_segment_size().saturating_sub(options),
        ack_delay: tcb.ack.delay(&tcb.config.acknowledgment),
        pacing_rate: tcb.pacing_rate(),
        times: tcb.chronograph.times(now),
        history: history(tcb, now),
        send_unacknowledged: tcb.send.unacknowledged().to_seq(tcb.send.isn()),
        send_next: tcb.send.next().to_seq(tcb.send.isn()),
        receive_next: tcb.receive.next().to_seq(tcb.receive.isn()),
    }
}

fn history(tcb: &Tcb, now: Instant) -> History {
    let counters = counters(tcb);
    let since = |at: Instant| now.saturating_since(at.max(tcb.tally.opened_at));
    History {
        segments_sent: counters.segments_sent,
        data_segments_sent: tcb.tally.data_segments_sent,
        octets_sent: counters.bytes_sent,
        octets_retransmitted: tcb.tally.octets_retransmitted,
        retransmissions: counters.retransmissions,
        timeouts: counters.timeouts,
        segments_received: counters.segments_received,
        data_segments_received: tcb.tally.data_segments_received,
        out_of_order: counters.out_of_order,
        duplicate_sacks: counters.duplicate_sacks_received,
        since_data_sent: since(tcb.tally.data_sent_at),
        since_data_received: since(tcb.ack.data_at()),
        since_ack_received: since(tcb.tally.ack_received_at),
    }
}

pub(crate) fn counters(tcb: &Tcb) -> Counters {
    let recovery = tcb.recovery.counters();
    Counters {
        segments_sent: tcb.tally.segments_sent,
        segments_received: tcb.tally.segments_received,
        bytes_sent: tcb.tally.octets_sent,
        bytes_acknowledged: tcb
            .stream_offset(tcb.send.unacknowledged())
            .saturating_sub(u64::from(tcb.fin_acknowledged())),
        bytes_delivered: received(tcb),
        retransmissions: recovery.retransmitted_segments + u64::from(tcb.tally.syn_retransmissions),
        fast_retransmissions: u64::from(recovery.fast_retransmissions),
        timeouts: u64::from(recovery.timeouts) + u64::from(tcb.tally.syn_timeouts),
        duplicate_acks_received: u64::from(recovery.duplicate_acks),
        duplicate_sacks_received: u64::from(recovery.duplicate_sacks),
        challenge_acks: u64::from(tcb.tally.challenge_acks),
        out_of_order: u64::from(tcb.tally.out_of_order),
        probes: u64::from(tcb.tally.probes),
        delivered_marked: u64::from(tcb.ecn.delivered_marked()),
        mark_reductions: u64::from(tcb.ecn.mark_reductions()),
    }
}

fn received(tcb: &Tcb) -> u64 {
    let fin = u64::from(tcb.receive.is_finished());
    tcb.stream_offset(tcb.receive.next()).saturating_sub(fin)
}

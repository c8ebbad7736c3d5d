//! What can be asked about a connection: the TCP half of `tcp_info`, and totals for a report.

use faultwire_base::Duration;
use faultwire_wire::Seq;

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
    /// Unanswered zero-window probes.
    pub probes: u32,
    /// Data in a full segment that we send.
    pub send_segment_size: u32,
    /// Largest segment received, at least 536.
    pub receive_segment_size: u32,
    /// The peer's window.
    pub send_window: u64,
    /// The window we offer.
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
    /// ECN-capable data came in.
    pub ecn_seen: bool,
    /// Segments that the peer acknowledged with the echo of a mark (`tcpi_delivered_ce`).
    pub delivered_marked: u32,
    /// Options agreed on: window scales, the peer's and ours.
    pub window_scale: Option<(u8, u8)>,
    /// The MTU of the path as far as known.
    pub path_mtu: u32,
    /// SND.UNA as it stands in a header.
    pub send_unacknowledged: Seq,
    /// SND.NXT as it stands in a header.
    pub send_next: Seq,
    /// RCV.NXT as it stands in a header.
    pub receive_next: Seq,
}

/// How a sender fares with losses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryState {
    /// Nothing suspicious.
    Open,
    /// Duplicate ACKs or SACKs, too few to act on.
    Disorder,
    /// Fast recovery.
    Recovery,
    /// After a timeout.
    Loss,
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
    /// Zero-window and keep-alive probes sent.
    pub probes: u64,
    /// Segments that the peer acknowledged with the echo of a mark (RFC 3168 §6.1.3).
    pub delivered_marked: u64,
    /// Reductions of the congestion window for marks (RFC 3168 §6.1.2).
    pub mark_reductions: u64,
}

pub(crate) fn info(tcb: &Tcb) -> Info {
    let recovery = &tcb.recovery;
    let fin = u64::from(tcb.fin_acknowledged());
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
            Phase::Recovery => RecoveryState::Recovery,
            Phase::Loss => RecoveryState::Loss,
        },
        unacknowledged: recovery.segments_in_flight(),
        sacked: recovery.sacked().segments,
        lost: recovery.lost().segments,
        retransmitted: recovery.retransmitted().segments,
        backoffs: recovery.backoffs(),
        probes: u32::from(tcb.persist.unanswered().0),
        send_segment_size: tcb.send.segment_size(),
        receive_segment_size: tcb.ack.full_segment(),
        send_window: tcb.send.window(),
        receive_window: tcb.receive.edge().saturating_since(tcb.receive.next()),
        acknowledged: tcb.stream_offset(tcb.send.unacknowledged()).saturating_sub(fin),
        received: received(tcb),
        unsent: tcb.send_buffer.end().saturating_since(tcb.send.next()),
        timestamps: tcb.timestamps.enabled(),
        sack: tcb.negotiated.sack,
        ecn: tcb.ecn.is_on(),
        ecn_seen: tcb.ecn.is_seen(),
        delivered_marked: tcb.ecn.delivered_marked(),
        window_scale: tcb
            .negotiated
            .window_scaling
            .then_some((tcb.negotiated.send_shift, tcb.negotiated.receive_shift)),
        path_mtu: tcb.path.mtu,
        send_unacknowledged: tcb.send.unacknowledged().to_seq(tcb.send.isn()),
        send_next: tcb.send.next().to_seq(tcb.send.isn()),
        receive_next: tcb.receive.next().to_seq(tcb.receive.isn()),
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
        fast_retransmissions: recovery.fast_retransmissions,
        timeouts: recovery.timeouts + u64::from(tcb.tally.syn_timeouts),
        duplicate_acks_received: recovery.duplicate_acks,
        duplicate_sacks_received: recovery.duplicate_sacks,
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

//! The fields of `tcp_info` that an expectation can name.

use super::{COUNT_OR_NONE, STATES};
use crate::experiment::shape::{Field, Kind, Object, Word};

pub(crate) static INFO: Object = Object {
    id: "info",
    what: "fields of tcp_info",
    doc: "What the kernel's `tcp_info` says, in its units: exact values, or bounds.",
    fields: &[
        number("advmss", "MSS announced to the peer."),
        number("ato", "How long an ACK waits for company, in microseconds."),
        number("backoff", "Doublings of the RTO in force."),
        number("busy_time", "Microseconds in which there was data to send or unacknowledged."),
        number("bytes_acked", "Octets of data that the peer acknowledged."),
        number("bytes_received", "Octets of data received in order."),
        number("bytes_retrans", "Octets of data sent again."),
        number("bytes_sent", "Octets of data sent, retransmissions included."),
        Field::optional("ca_state", Kind::Word(&RECOVERY_STATES), "", "How the sender fares with losses."),
        number("data_segs_in", "Segments with data received."),
        number("data_segs_out", "Segments with data sent."),
        number("delivered", "Segments that the peer acknowledged or SACKed so far."),
        number("delivered_ce", "Of these, those that were marked on their way."),
        number("dsack_dups", "D-SACK blocks received."),
        number("last_ack_recv", "Milliseconds since the last ACK arrived."),
        number("last_data_recv", "Milliseconds since data arrived."),
        number("last_data_sent", "Milliseconds since data was sent."),
        number("lost", "Segments in flight taken for lost."),
        number("min_rtt", "Least round-trip time in microseconds; 4294967295 if there is none."),
        number("notsent_bytes", "Octets written and not sent."),
        number("options", "Options agreed on: 1 timestamps, 2 SACK, 4 window scale, added up."),
        number("pacing_rate", "Octets a second."),
        number("pmtu", "MTU of the path."),
        number("probes", "Unanswered zero-window probes."),
        number("rcv_mss", "Largest segment received."),
        number("rcv_ooopack", "Segments received ahead of a hole."),
        number("rcv_space", "Octets that the reader took in the last round trip: what the buffer grows by."),
        number("rcv_ssthresh", "The most that the window may offer for now."),
        number("rcv_wnd", "Window offered."),
        number("rcv_wscale", "Own window scale."),
        number("reord_seen", "How often segments were seen to arrive out of order."),
        number("reordering", "How far, in segments, they are expected to."),
        number("retrans", "Segments in flight that were sent again."),
        number("retransmits", "Timeouts in a row, those of a SYN included."),
        number("rto", "Retransmission timeout in microseconds."),
        number("rtt", "Smoothed round-trip time in microseconds."),
        number("rttvar", "Its variation in microseconds."),
        number("rwnd_limited", "Microseconds of busy_time in which the peer's window held data back."),
        number("sacked", "Segments in flight that SACK reported."),
        number("segs_in", "Segments received."),
        number("segs_out", "Segments sent."),
        number("snd_cwnd", "Congestion window in segments."),
        number("snd_mss", "Octets of data in a full segment."),
        number("snd_ssthresh", "Slow-start threshold in segments; 2147483647 before the first loss."),
        number("snd_wnd", "The peer's window in octets."),
        number("snd_wscale", "The peer's window scale."),
        number("sndbuf_limited", "Microseconds of busy_time in which the send buffer held data back."),
        Field::optional("state", Kind::Word(&STATES), "", "The state of the connection."),
        number("total_retrans", "Segments sent again so far."),
        number("total_rto", "Retransmission timeouts so far."),
        number("unacked", "Segments in flight."),
    ],
    verbs: &[],
};

const fn number(name: &'static str, doc: &'static str) -> Field {
    Field::optional(name, Kind::Bounds(&COUNT_OR_NONE), "", doc)
}

/// The words for [`faultwire_tcp::RecoveryState`].
static RECOVERY_STATES: [Word; 5] = [
    Word::new("Open", "Nothing suspicious."),
    Word::new("Disorder", "Duplicate ACKs or SACKs, too few to act on."),
    Word::new("CWR", "The window is being reduced for a mark of congestion."),
    Word::new("Recovery", "Fast recovery."),
    Word::new("Loss", "After a timeout."),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Every field that the endpoint knows can be named, and no other.
    #[test]
    fn fields_are_those_of_the_endpoint() {
        let names: Vec<&str> = INFO.fields.iter().map(|field| field.name).collect();
        assert_eq!(names, faultwire_tcp::INFO_FIELDS);
    }
}

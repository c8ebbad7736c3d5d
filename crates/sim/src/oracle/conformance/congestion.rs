//! `congestion`: the initial window, slow start and the loss window bound what is on its way (RFC 5681 §3.1; RFC 6928).

use faultwire_base::Instant;
use faultwire_tcp::{InitialWindow, State};
use faultwire_wire::{Cause, Flags, Reason, TimerKind};

use super::end::{ISN, Seen};
use super::{Stage, memory};

/// The law's memory of all ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Congestion(Vec<Window>);

/// What an end may have on its way at most.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    /// Segments that were acknowledged or reported, and duplicate ACKs: each lets the window grow by one segment at most.
    grown: u64,
    /// The largest segment that was sent.
    segment: u64,
    /// Octets that were sent since the retransmission timer ran out, until something arrives.
    since_timeout: Option<u64>,
    /// When the timer ran out last: what was on its way then is taken for lost (RFC 6675 §4, SetPipe; RFC 5682).
    timeout: Instant,
}

impl Congestion {
    pub(super) fn sent(&mut self, stage: Stage<'_>, seen: &Seen<'_>) -> Option<String> {
        let window = memory(&mut self.0, stage.index);
        let octets = u64::from(seen.segment.payload.len());
        if seen.has(Flags::RST) || seen.has(Flags::SYN) || octets == 0 {
            return None;
        }
        if matches!(seen.tag.reason, Reason::KeepAlive | Reason::ZeroWindowProbe) {
            return None;
        }
        window.segment = window.segment.max(octets);
        if seen.tag.reason == Reason::TailLossProbe {
            // One segment beyond the window (RFC 8985 §7.3).
            window.grown += 1;
            return None;
        }
        window.after_timeout(stage, seen, octets).or_else(|| window.beyond(stage, seen, octets))
    }

    pub(super) fn arrived(&mut self, stage: Stage<'_>, seen: &Seen<'_>) -> Option<String> {
        let window = memory(&mut self.0, stage.index);
        window.since_timeout = None;
        let (sent, ack) = (&stage.end.sent, seen.ack?);
        let acknowledged =
            sent.outstanding.iter().filter(|sending| sending.end <= ack && sending.reported.is_none());
        let count = acknowledged.count() as u64;
        let duplicate = ack == sent.unacknowledged && !sent.outstanding.is_empty();
        window.grown += count + stage.end.newly_reported(seen) as u64 + u64::from(duplicate);
        None
    }
}

impl Window {
    /// RFC 5681 §3.1 (equation 4): after the timer has run out the window is one segment, whatever it was.
    fn after_timeout(&mut self, stage: Stage<'_>, seen: &Seen<'_>, octets: u64) -> Option<String> {
        let first = stage.end.sent.unacknowledged;
        let expired = seen.tag.cause == Cause::Timer(TimerKind::Retransmission)
            && seen.tag.transmission > 1
            && seen.start <= first
            && first < seen.end;
        if expired {
            self.since_timeout = Some(octets);
            self.timeout = stage.at;
            return None;
        }
        if stage.end.icmp_at > Instant::ZERO && stage.end.icmp_at >= self.timeout {
            // What is cut anew for a smaller MTU goes again at once (RFC 1191 §6.5).
            self.since_timeout = None;
        }
        let sent = self.since_timeout.as_mut()?;
        *sent += octets;
        let (sent, most) = (*sent, stage.end.segment_size().max(self.segment));
        (sent > most).then(|| {
            self.since_timeout = None;
            format!(
                "{sent} octets were sent after the retransmission timer ran out and before anything arrived; the loss window is one segment of {most} (RFC 5681 §3.1)"
            )
        })
    }

    /// RFC 5681 §3.1, RFC 6928 §2: no more than the initial window and one segment for each that was acknowledged.
    fn beyond(&mut self, stage: Stage<'_>, seen: &Seen<'_>, octets: u64) -> Option<String> {
        let end = stage.end;
        if seen.start < end.sent.end
            || matches!(end.state, State::Closed | State::SynSent | State::SynReceived)
        {
            return None;
        }
        let segment = end.segment_size().max(self.segment);
        let initial = match stage.lawful.tcp.congestion.initial_window {
            InitialWindow::Segments(count) => u64::from(count),
            // That is a quirk's, and no law's.
            InitialWindow::Rfc5681 | InitialWindow::PeerWindow => 4380u64.div_ceil(segment).clamp(2, 4),
        };
        let most = (initial + self.grown) * segment;
        let flight = end.sent.in_flight(self.timeout) + octets - u64::from(end.sent.unacknowledged == ISN);
        (flight > most).then(|| {
            format!(
                "{flight} octets are on their way; the initial window of {initial} segments and {} that were acknowledged make {most} (RFC 5681 §3.1, RFC 6928 §2)",
                self.grown
            )
        })
    }
}

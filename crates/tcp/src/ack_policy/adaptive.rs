//! Linux's delayed acknowledgments: the delay follows the gaps between arrivals, the size of full segments is measured,
//! and a read may send what waits (`tcp_event_data_recv`, `tcp_measure_rcv_mss`, `tcp_send_delayed_ack`,
//! `tcp_cleanup_rbuf`).

use faultwire_base::{Duration, Instant};
use faultwire_wire::Flags;

use super::{AckDecision, AckPolicy, Haste};
use crate::config::{AckAtOnce, AcknowledgmentConfig};
use crate::offset::Offset;

/// In-order data, and how the connection stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DataArrived {
    pub(crate) now: Instant,
    /// RCV.NXT after it.
    pub(crate) next: Offset,
    /// Its octets, those of its TCP header, and those of a header without SACK blocks.
    pub(crate) length: u32,
    pub(crate) header: u32,
    pub(crate) plain_header: u32,
    pub(crate) flags: Flags,
    /// The window as it was offered last.
    pub(crate) window: u64,
    pub(crate) timeout: Duration,
    pub(crate) smoothed: Option<Duration>,
    /// The window is not smaller than it was offered last.
    pub(crate) keeps_window: bool,
    /// For when the delayed ACK is armed, if it is.
    pub(crate) armed: Option<Instant>,
}

/// `TCP_ATO_MIN` and `TCP_DELACK_MIN`, in milliseconds.
const LEAST: u16 = 40;
/// `TCP_DELACK_MAX`.
const MOST: u16 = 200;
/// What a delay without a push may come to before a round trip was measured: half a second.
const MOST_UNPUSHED: u16 = 500;
/// One tick less than the least retransmission timeout (`tcp_delack_max`).
const MOST_EVER: u16 = 199;
/// Octets of data in a segment that may be full even if it is pushed (`TCP_MSS_DEFAULT`), or only if it isn't
/// (`TCP_MIN_MSS`); and of a header without options.
const FULL_IF_PUSHED: u32 = 536;
const FULL_IF_NOT_PUSHED: u32 = 88;
const BARE_HEADER: u32 = 20;

impl AckPolicy {
    /// In-order data arrived, whether it is acknowledged at once or not.
    pub(super) fn observe(&mut self, config: &AcknowledgmentConfig, data: &DataArrived) {
        self.measure(data);
        let timeout = millis(data.timeout);
        if self.interval_millis == 0 {
            self.allow_quick(config.quick, data.window);
            self.interval_millis = LEAST;
        } else {
            let gap = tick(data.now) - tick(self.data_at);
            let half = self.interval_millis >> 1;
            if gap <= u64::from(LEAST / 2) {
                self.interval_millis = half + LEAST / 2;
            } else if gap < u64::from(self.interval_millis) {
                self.interval_millis = (half + gap as u16).min(timeout);
            } else if gap > u64::from(timeout) {
                self.allow_quick(config.quick, data.window);
            }
        }
    }

    /// An ACK waits for company: until when. One that would wait but little goes at once.
    pub(super) fn delayed(&self, data: &DataArrived) -> AckDecision {
        let mut wait = self.interval_millis;
        if wait > LEAST {
            let pushed = self.haste == Haste::Interactive || self.pushed > 0;
            let mut most = if pushed { MOST } else { MOST_UNPUSHED };
            if let Some(smoothed) = data.smoothed {
                let smoothed = Duration::from_nanos(smoothed.as_nanos().next_multiple_of(1_000_000));
                most = most.min(millis(smoothed).max(LEAST));
            }
            wait = wait.min(most);
        }
        let wait = Duration::from_millis(u64::from(wait.min(MOST_EVER)));
        let at = data.now.saturating_add(wait);
        match data.armed {
            Some(armed) if armed <= data.now.saturating_add(wait / 4) => AckDecision::Now,
            Some(armed) => AckDecision::By(at.min(armed)),
            None => AckDecision::By(at),
        }
    }

    /// The peer is not known to send segments longer than `octets`.
    pub(crate) fn expect_segments(&mut self, octets: u32) {
        self.full_segment = octets.clamp(FULL_IF_NOT_PUSHED, FULL_IF_PUSHED);
    }

    /// Little memory is left for data: quick ACKs would only make the peer faster.
    pub(crate) fn stop_quick(&mut self) {
        self.quick_left = 0;
    }

    /// The window grows, and the peer is told at once.
    pub(crate) fn allow_one_quick(&mut self) {
        self.quick_left |= 1;
    }

    /// The peer ended its stream: what comes is an answer, and the ACK can wait for it.
    pub(crate) fn expect_answer(&mut self) {
        self.haste = Haste::Interactive;
    }

    /// RCV.NXT moved over the FIN: until when its ACK waits, if it does. Without any data before it goes at once.
    pub(crate) fn waits_with_fin(&self, data: &DataArrived) -> Option<Instant> {
        if self.interval_millis == 0 || data.next - self.last_sent > u64::from(self.full_segment) {
            return None;
        }
        match self.delayed(data) {
            AckDecision::Now => None,
            AckDecision::By(at) => Some(at),
        }
    }

    /// A delayed ACK had to go alone: an interactive connection isn't after all, and another's next ACK may wait longer.
    pub(crate) fn on_delay_expired(&mut self, timeout: Duration) {
        if self.haste == Haste::Interactive {
            self.haste = Haste::Quick;
            self.interval_millis = LEAST;
        } else {
            self.interval_millis = self.interval_millis.saturating_mul(2).min(millis(timeout));
        }
    }

    /// A read, while an ACK waits: whether it goes. It does with more than a segment to acknowledge, and after short
    /// segments if the read `emptied` the buffer.
    pub(crate) fn is_due_after_read(&self, at_once: AckAtOnce, next: Offset, emptied: bool) -> bool {
        let alone = self.pushed > 1 || self.pushed == 1 && self.haste != Haste::Interactive;
        let (owed, full) = (next - self.last_sent, u64::from(self.full_segment));
        match at_once {
            AckAtOnce::EightFullSegments => owed >= 8 * full,
            _ => owed > full || emptied && alone,
        }
    }

    /// At least so many of the next ACKs are not delayed as half the window has segments, up to `most`.
    pub(super) fn allow_quick(&mut self, most: u8, window: u64) {
        let count = (window / (2 * u64::from(self.full_segment.max(1)))).min(u64::from(most)) as u8;
        self.quick_left = self.quick_left.max(if count == 0 { most.min(2) } else { count });
    }

    /// What a full segment is: the longest one, or what came twice in a row and may be as full as the peer makes them.
    fn measure(&mut self, data: &DataArrived) {
        let last = std::mem::take(&mut self.last_short);
        if data.length >= self.full_segment {
            self.full_segment = data.length;
            if data.flags.contains(Flags::PSH) {
                self.pushed = self.pushed.max(1);
            }
            return;
        }
        let whole = data.length + data.header;
        let unusual = data.flags.intersects(Flags::FIN | Flags::URG | Flags::SYN | Flags::PSH);
        if whole >= FULL_IF_PUSHED + BARE_HEADER || whole >= FULL_IF_NOT_PUSHED + BARE_HEADER && !unusual {
            let length = whole.saturating_sub(data.plain_header);
            self.last_short = u16::try_from(length).unwrap_or(u16::MAX);
            if last == self.last_short {
                self.full_segment = length;
                return;
            }
        }
        self.pushed = (self.pushed + 1).min(2);
    }
}

/// The millisecond that `at` lies in.
pub(super) fn tick(at: Instant) -> u64 {
    at.as_nanos() / 1_000_000
}

fn millis(duration: Duration) -> u16 {
    u16::try_from(duration.as_nanos() / 1_000_000).unwrap_or(u16::MAX)
}

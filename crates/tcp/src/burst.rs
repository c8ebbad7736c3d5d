//! How much new data goes out in one go: what the congestion window, the peer's window, Nagle's rule, boundaries of the
//! user and silly-window avoidance permit together (RFC 9293 §3.7.4, §3.8.6.2.1).

mod deferral;

use faultwire_base::{Duration, Instant};

use crate::config::{Nagle, SendParts};
use crate::offset::Offset;
use crate::tcb::Tcb;
use deferral::Candidate;

/// New data that one drain may send: fixed by its first `transmit`, given out segment by segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Burst {
    pub(crate) end: Offset,
    pub(crate) fin: bool,
    pub(crate) several: bool,
    /// There may be another burst after this one.
    pub(crate) capped: bool,
    /// The congestion window stopped it.
    pub(crate) congestion_limited: bool,
}

/// How much new data may go out now. `segment` is the size of a full segment.
pub(crate) fn plan(tcb: &mut Tcb, now: Instant, segment: u64) -> Burst {
    if tcb.send.in_flight() == 0 {
        tcb.recovery.on_idle_restart(now);
    }
    match tcb.config.buffers.send_parts {
        Some(parts) => part(tcb, now, parts, segment),
        None => stream(tcb, segment),
    }
}

/// RFC 9293 §3.7.4 and §3.8.6.2.1, MUST-38, over the stream, up to the next boundary of the user. What is held back goes
/// with the next ACK or when the silly-window override runs out: nothing waits for ever (§3.9.1.2, MUST-60).
fn stream(tcb: &mut Tcb, segment: u64) -> Burst {
    let start = tcb.send.next();
    let in_flight = tcb.send.in_flight();
    let overridden = tcb.persist.take_override();
    let (boundary, last) = tcb.send_buffer.part_at(start).unwrap_or((tcb.send_buffer.end(), true));
    let unsent = boundary.saturating_since(start);
    let usable = tcb.send.usable();
    let quota = tcb.recovery.new_data_quota(start);
    let by_window = unsent.min(usable);
    let limit = by_window.min(quota);
    let full = if limit < segment { 0 } else { limit / segment * segment };
    let tail = limit - full;
    let outstanding = in_flight > 0 || full > 0;
    let tail_goes = tail > 0
        && if limit < by_window {
            // Less than a segment of congestion window is left: it is kept, unless it is all there is.
            !outstanding
        } else if unsent <= usable {
            overridden || !(last && is_held(tcb, boundary, outstanding))
        } else {
            // RFC 9293 §3.8.6.2.1 (3) and (4): a part of the data only if it is half the largest window.
            overridden
                || (2 * tail >= tcb.send.window_max() && !(last && is_held(tcb, boundary, outstanding)))
        };
    let mut length = full + if tail_goes { tail } else { 0 };
    let most = u64::from(tcb.config.sending.burst_max).max(segment);
    let capped = length > most;
    if capped {
        length = most / segment * segment;
    }
    // A FIN takes a place in the window, not in the congestion window.
    let all = start + length == tcb.send_buffer.end();
    Burst {
        end: start + length,
        fin: tcb.send_buffer.is_finished() && all && length < usable,
        several: length > segment,
        capped: capped || (length == unsent && !all),
        congestion_limited: limit < by_window,
    }
}

/// One of the kernel's buffers, or what may be sent of it (Linux `tcp_write_xmit`): a segment goes whole or not at all,
/// a larger buffer by full segments and, at its end or that of the window, with a rest that Nagle's rule permits.
fn part(tcb: &mut Tcb, now: Instant, parts: SendParts, segment: u64) -> Burst {
    let start = tcb.send.next();
    let quota = tcb.recovery.new_data_quota(start);
    let most = most_segments(tcb, parts, segment);
    // A burst is no more than half of the window (`tcp_cwnd_test`).
    let half = (tcb.recovery.congestion_window() / segment / 2).max(1);
    let permitted = (quota / segment).max(1).min(half).min(most);
    tcb.send_buffer.fill_part(start, permitted * segment);
    let (end, last) = tcb.send_buffer.part_at(start).unwrap_or((start, true));
    let unsent = end.saturating_since(start);
    let usable = tcb.send.usable();
    let fin = tcb.send_buffer.is_finished() && end == tcb.send_buffer.end();
    let nothing = Burst {
        end: start,
        fin: false,
        several: false,
        capped: false,
        congestion_limited: quota < unsent.min(usable),
    };
    if unsent == 0 {
        // A FIN takes a place in the window, not in the congestion window.
        return Burst { fin: fin && usable > 0, ..nothing };
    }
    let least = unsent.min(segment);
    if quota < least && (quota == 0 || tcb.send.in_flight() > 0) {
        return nothing;
    }
    if least + u64::from(fin && unsent <= segment) > usable {
        return nothing;
    }
    let length = if unsent <= segment {
        if last && unsent < segment && is_held(tcb, end, tcb.send.in_flight() > 0) {
            return nothing;
        }
        unsent
    } else {
        let candidate = Candidate { length: unsent, last, fin, quota, usable, full: most * segment };
        if deferral::waits(tcb, now, &candidate, segment) {
            return Burst { congestion_limited: quota < usable && quota <= unsent, ..nothing };
        }
        let limit = permitted * segment;
        let needed = unsent.min(usable);
        let rest = needed % segment;
        if limit <= needed {
            limit
        } else if rest > 0 && last && is_held(tcb, end, tcb.send.in_flight() > 0) {
            needed - rest
        } else {
            needed
        }
    };
    Burst {
        end: start + length,
        fin: fin && length == unsent && length < usable,
        several: length > segment,
        capped: true,
        congestion_limited: false,
    }
}

/// Segments that are handed to the interface at once (Linux `tcp_tso_autosize`): what the pacing rate gives in a
/// millisecond, more on a short path, at least `tcp_min_tso_segs`.
fn most_segments(tcb: &Tcb, parts: SendParts, segment: u64) -> u64 {
    let sending = &tcb.config.sending;
    let most = u64::from(parts.most);
    let mut octets = tcb.pacing_rate().map_or(most, |rate| (rate >> 10).min(most));
    if let Some(least) = tcb.recovery.rtt().minimum() {
        let doublings = least.as_micros().checked_shr(sending.burst_round_trip_log.into()).unwrap_or(0);
        if doublings < 32 {
            octets += u64::from(sending.burst_max) >> doublings;
        }
    }
    (octets.min(most) / segment).max(u64::from(sending.burst_least_segments)).max(1)
}

/// Whether a small segment that ends at `end`, the end of what was written, has to wait for company: Nagle's algorithm
/// (RFC 9293 §3.7.4, SHLD-7) or Minshall's form of it, a cork, a promise of more. What it holds leaves with what is
/// written later (§3.9.1.2, MAY-16). The user can switch it off (MUST-17), and push (MAY-15).
pub(crate) fn is_held(tcb: &Tcb, end: Offset, outstanding: bool) -> bool {
    if tcb.send_buffer.is_finished()
        || tcb.hold.is_pushed(end)
        || tcb.urgent.pointer(tcb.send.next()).is_some()
    {
        return false;
    }
    if tcb.hold.waits_for_more() {
        return true;
    }
    if tcb.hold.is_no_delay() {
        return false;
    }
    match tcb.config.sending.nagle {
        Nagle::Plain => outstanding,
        Nagle::Minshall => tcb.send.small_in_flight(),
    }
}

impl Tcb {
    /// The rate that the sender would pace at, in octets a second (`tcp_update_pacing_rate`); `None` without a
    /// round-trip time.
    pub(crate) fn pacing_rate(&self) -> Option<u64> {
        let round_trip = self.recovery.rtt().smoothed()?.max(Duration::from_micros(1));
        let window = self.recovery.congestion_window();
        let slow_start = self.recovery.slow_start_threshold().is_none_or(|threshold| window < threshold / 2);
        let [in_slow_start, otherwise] = self.config.sending.pacing_percent;
        let percent = u128::from(if slow_start { in_slow_start } else { otherwise });
        let window = u128::from(window.max(self.send.in_flight()));
        let rate = window * percent * 10_000_000 / u128::from(round_trip.as_nanos());
        Some(u64::try_from(rate).unwrap_or(u64::MAX))
    }

    /// Most octets in one part of the send buffer (Linux `tcp_xmit_size_goal`): no more than half of the largest window
    /// that the peer offered, in full segments.
    pub(crate) fn part_size(&self) -> u64 {
        let Some(parts) = self.config.buffers.send_parts else { return u64::MAX };
        let segment = u64::from(self.send.segment_size());
        let window = self.send.window_max();
        let half = if window > SMALL_WINDOW { window / 2 } else { window };
        let most = if window == 0 { u64::from(parts.most) } else { u64::from(parts.most).min(half.max(28)) };
        (most / segment).max(1) * segment
    }
}

/// Peers with so small a window get all of it in one part (`tcp_bound_to_half_wnd`).
pub(crate) const SMALL_WINDOW: u64 = 536;

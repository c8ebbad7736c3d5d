//! `windows`: an offered window isn't taken back, and neither side is silly (RFC 9293 §3.8.6, §3.8.6.2).

use faultwire_tcp::State;
use faultwire_wire::{Flags, Reason};

use super::end::{End, Seen};
use super::scene::Scene;
use super::{Stage, memory};

/// The law's memory of all ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Windows {
    ends: Vec<Offered>,
    /// Ends whose app has read something in the present instant.
    readers: Vec<usize>,
}

/// The windows of one end.
#[derive(Clone, Copy, Debug, Default)]
struct Offered {
    /// The largest so far.
    largest: u64,
    /// The last one was 0.
    closed: bool,
}

impl Windows {
    pub(super) fn sent(&mut self, stage: Stage<'_>, seen: &Seen<'_>) -> Option<String> {
        let offered = memory(&mut self.ends, stage.index);
        if seen.has(Flags::RST) || seen.has(Flags::SYN) {
            return None;
        }
        taken_back(stage, seen).or_else(|| offered.silly(stage, seen)).or_else(|| silly_segment(stage, seen))
    }

    /// The app of an end has read something.
    pub(super) fn read(&mut self, index: usize) {
        if !self.readers.contains(&index) {
            self.readers.push(index);
        }
    }

    /// The present instant is over.
    pub(super) fn time_passes(&mut self, scene: &Scene) -> Vec<(usize, String)> {
        let ends = &self.ends;
        let kept_closed = |index: usize| ends.get(index)?.kept_closed(scene.end(index), scene);
        self.readers.drain(..).filter_map(|index| Some((index, kept_closed(index)?))).collect()
    }
}

/// RFC 9293 §3.8.6 (SHLD-14): ACK and window together never fall, the rounding of the shift apart (RFC 7323 §2.4).
fn taken_back(stage: Stage<'_>, seen: &Seen<'_>) -> Option<String> {
    let (end, edge) = (stage.end, seen.edge?);
    // After the peer's FIN nothing can come any more.
    if end.received.fin.is_some() || !end.is_synchronized() {
        return None;
    }
    let unit = end.window_unit();
    // Rounded one way it stays less than a unit of the shift behind, rounded both ways a whole one at most.
    let rounding = if unit > 1 && stage.lawful.tcp.buffers.round_to_segments { unit } else { unit - 1 };
    let by = end.received.edge.saturating_sub(edge);
    (by > rounding).then(|| {
        format!(
            "the window was taken back by {by} octets, from {} to {} (RFC 9293 §3.8.6)",
            end.octet(end.received.edge),
            end.octet(edge)
        )
    })
}

impl Offered {
    /// RFC 9293 §3.8.6.2.2: a closed window opens once there is room for a full segment or half of the buffer, and nobody
    /// but the receiver knows when that is.
    fn kept_closed(&self, end: &End, scene: &Scene) -> Option<String> {
        scene.lawful(end.place)?;
        let open = matches!(end.state, State::Established | State::FinWait1 | State::FinWait2);
        let segment = u64::from(end.own?.segment_size.unwrap_or(536));
        let is_due = self.closed && open && end.received.fin.is_none() && segment <= self.largest;
        (is_due && end.received.is_empty()).then(|| {
            "the window was closed, and stayed so when the application had read everything (RFC 9293 §3.8.6.2.2)".to_owned()
        })
    }

    /// RFC 9293 §3.8.6.2.2 (MUST-39): a closed window opens by a full segment or half of the buffer at least.
    fn silly(&mut self, stage: Stage<'_>, seen: &Seen<'_>) -> Option<String> {
        let (ack, edge) = (seen.ack?, seen.edge?);
        let window = edge - ack;
        let was_closed = self.closed;
        self.largest = self.largest.max(window);
        self.closed = window == 0;
        let own = stage.end.own.and_then(|own| own.segment_size).unwrap_or(536);
        let least = u64::from(own).min(self.largest / 2).saturating_sub(40 + stage.end.window_unit());
        let open = matches!(stage.end.state, State::Established | State::FinWait1 | State::FinWait2);
        (was_closed && window > 0 && window < least && open && stage.end.received.fin.is_none()).then(|| {
            format!("a closed window was opened by {window} octets, less than a segment and less than half of the largest (RFC 9293 §3.8.6.2.2)")
        })
    }
}

/// RFC 9293 §3.8.6.2.1 (MUST-38): a short segment goes only if nothing is left behind it (then it has PSH or FIN), if it
/// is half of the largest window, or if it goes again.
fn silly_segment(stage: Stage<'_>, seen: &Seen<'_>) -> Option<String> {
    let end = stage.end;
    let octets = u64::from(seen.segment.payload.len());
    let is_new = octets > 0 && seen.start >= end.sent.end && seen.tag.reason == Reason::Data;
    if !is_new || seen.has(Flags::PSH) || seen.has(Flags::FIN) || octets >= 64 {
        return None;
    }
    let window = end.sent.edge.saturating_sub(end.sent.unacknowledged);
    (window > 128 && window > 2 * octets && stage.at > end.resumed).then(|| {
        format!("a segment of {octets} octets was sent with more behind it, at a window of {window} (RFC 9293 §3.8.6.2.1)")
    })
}

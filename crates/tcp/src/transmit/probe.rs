//! What goes out to find something out: tail loss probes, zero-window probes, keep-alive (RFC 8985 §7, RFC 9293 §3.8.6.1,
//! §3.8.4).

use faultwire_base::Instant;
use faultwire_wire::{Flags, Payload, Reason, Segment};

use super::{Text, data, finish, header, is_inside_window, new_data_in_recovery, response, retransmission};
use crate::burst::Burst;
use crate::config::{KeepAliveProbe, ProbeContent, SequenceCheck, UserTimeoutFrom};
use crate::event::Outgoing;
use crate::sack_option::payload_limit;
use crate::tcb::Tcb;
use crate::timer::Timer;

/// RFC 8985 §7.3: a segment of new data if there is one and the peer's window takes it, whatever the congestion window
/// and Nagle say; else the last segment again.
#[cold]
pub(super) fn tail_loss_probe(tcb: &mut Tcb, now: Instant) -> Option<Outgoing> {
    let start = tcb.send.next();
    let end = tcb.send_buffer.part_at(start).map_or(tcb.send_buffer.end(), |(end, _)| end);
    let unsent = end.saturating_since(start);
    let length = unsent.min(u64::from(payload_limit(tcb)));
    let fin = tcb.send_buffer.is_finished() && start + length == tcb.send_buffer.end();
    let usable = tcb.send.usable();
    if tcb.unsent() > 0 && length <= usable && (length > 0 || usable > 0) {
        let fin = fin && length < usable;
        if length > 0 || fin {
            let end = start + length;
            tcb.burst = Some(Burst { end, fin, several: false, capped: false, congestion_limited: false });
            return new_data_in_recovery(tcb, now);
        }
    }
    match tcb.recovery.loss_probe() {
        Some((range, reason)) if is_inside_window(tcb, &range) => {
            Some(retransmission(tcb, now, range, reason))
        }
        _ => {
            tcb.recovery.cancel_probe();
            None
        }
    }
}

/// SHLD-29, SHLD-30: the first probe one RTO after the window closed, then less and less often.
pub(crate) fn arm_persist(tcb: &mut Tcb, now: Instant) {
    if tcb.config.persist.probe == ProbeContent::NoProbe && tcb.send.usable() == 0 {
        return tcb.timers.stop(Timer::Persist);
    }
    let wait = tcb.persist.interval(tcb.recovery.base_rto(), tcb.config.persist);
    let mut at = now.saturating_add(wait);
    if let Some(started_at) = tcb.persist.started_at()
        && !tcb.user.timeout.is_zero()
        && tcb.config.give_up.user_timeout_from == UserTimeoutFrom::FirstTimeout
    {
        // The end of the user timeout is not missed (`tcp_clamp_probe0_to_user_timeout`).
        at = at.min(started_at.saturating_add(tcb.user.timeout));
    }
    tcb.timers.arm(Timer::Persist, at);
}

/// RFC 9293 §3.8.6.1, MUST-35, MUST-36: a closed window is probed, whether it filled up or was taken back.
pub(super) fn window_probe(tcb: &mut Tcb, now: Instant) -> Outgoing {
    if tcb.send.usable() > 0 && tcb.send.next() < tcb.send_buffer.end() {
        return held_data(tcb, now);
    }
    let next = tcb.send.next();
    let octet = tcb.config.persist.probe == ProbeContent::NextOctet && next < tcb.send_buffer.end();
    tcb.persist.on_probe_sent(now, octet);
    tcb.tally.probes += 1;
    if octet {
        let transmission = u16::from(tcb.persist.probes());
        let push = next + 1 == tcb.send_buffer.end();
        let text = Text { start: next, length: 1, fin: false, push };
        let mut segment = Segment::default();
        let label = data(tcb, &mut segment, now, text, (Reason::ZeroWindowProbe, transmission));
        return label.on(segment);
    }
    let seq = tcb.send.unacknowledged().to_seq(tcb.send.isn()) - 1;
    let mut segment = Segment::default();
    header(tcb, &mut segment, now, Flags::ACK, seq);
    finish(tcb, Reason::ZeroWindowProbe, tcb.cause).on(segment)
}

/// The persist timer ran out although the window is open: what was held back goes, a segment at most (Linux
/// `tcp_write_wakeup`).
fn held_data(tcb: &mut Tcb, now: Instant) -> Outgoing {
    let start = tcb.send.next();
    let (end, _) = tcb.send_buffer.part_at(start).expect("data that was written lies in a part");
    let full = u64::from(payload_limit(tcb));
    let length = end.saturating_since(start).min(tcb.send.usable()).min(full);
    let end = start + length;
    let fin = tcb.send_buffer.is_finished() && end == tcb.send_buffer.end() && tcb.send.usable() > length;
    tcb.persist.stop();
    let mut segment = Segment::default();
    let text = Text { start, length: length as u32, fin, push: true };
    let reason = tcb.recovery.new_data_reason();
    let label = data(tcb, &mut segment, now, text, (reason, 1));
    if length < full {
        tcb.send.note_small(end);
    }
    let octets = length + u64::from(fin);
    tcb.recovery.on_transmit(now, start..start + octets, false);
    tcb.send.advance(octets);
    tcb.send_buffer.on_sent(end, true);
    label.on(segment)
}

/// RFC 9293 §3.8.4: SEQ = SND.NXT - 1 and no data (SHLD-12), or one octet that the peer has had (MAY-6).
pub(super) fn keep_alive_probe(tcb: &mut Tcb, now: Instant) -> Outgoing {
    let seq = match tcb.config.keep_alive.probe {
        KeepAliveProbe::BeforeNext => tcb.send.next_seq() - 1,
        KeepAliveProbe::AtNext => tcb.send.next_seq(),
    };
    if tcb.config.arrival.sequence_check == SequenceCheck::Trim {
        let mut outgoing = response(tcb, now, Reason::KeepAlive, tcb.cause);
        outgoing.segment.seq = seq;
        return outgoing;
    }
    let mut segment = Segment::default();
    header(tcb, &mut segment, now, Flags::ACK, seq);
    if tcb.config.keep_alive.garbage {
        segment.payload = Payload::Zeros { len: 1 };
    }
    finish(tcb, Reason::KeepAlive, tcb.cause).on(segment)
}

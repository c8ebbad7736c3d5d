//! The fifth step of segment arrival: the ACK field, the window and the SACK blocks (RFC 9293 §3.10.7.4, RFC 5961 §5,
//! RFC 2018, RFC 2883).

use faultwire_wire::{Flags, Reason, Segment};

use crate::arriving::{self, Arriving};
use crate::config::{AckOfUnsent, SequenceCheck, UserTimeoutFrom};
use crate::ecn;
use crate::event::DropReason;
use crate::handshake;
use crate::offset::Offset;
use crate::paws;
use crate::recovery::AckArrived;
use crate::state::State;
use crate::tcb::Tcb;
use crate::timer::Timer;
use crate::transmit;

/// Fifth, check the ACK field.
#[inline]
pub(crate) fn check_ack(tcb: &mut Tcb, arriving: &Arriving<'_>) -> Result<(), DropReason> {
    let segment = arriving.segment;
    if !segment.flags.contains(Flags::ACK) {
        return Err(DropReason::NoAck);
    }
    let late = tcb.config.arrival.sequence_check == SequenceCheck::Overlap;
    if tcb.opening.is_some() {
        handshake::acknowledge_syn(tcb, arriving)?;
        if late {
            paws::note(tcb, arriving);
        }
        let ack = tcb.own_position(segment.ack);
        if tcb.recovery.segments_in_flight() > 0 && ack > tcb.send.unacknowledged() {
            take_window(tcb, arriving, ack);
        }
        return Ok(());
    }
    let ack = tcb.own_position(segment.ack);
    let unacknowledged = tcb.send.unacknowledged();
    if ack > tcb.send.next() && !take_probed_octet(tcb, ack) {
        match tcb.config.arrival.ack_of_unsent {
            AckOfUnsent::Answered => arriving::answer(tcb, arriving, Reason::UnacceptableAck),
            AckOfUnsent::Challenged => arriving::challenge(tcb, arriving),
        }
        return Err(DropReason::AckOfUnsent);
    }
    if ack < unacknowledged {
        // RFC 5961 §5.2 (RFC 9293 §3.10.7.4, MAY-12). An ACK that is merely old is ignored, not the text with it, nor what
        // it reports beyond SND.UNA (RFC 2018 §5).
        let mut most = tcb.send.window_max();
        if tcb.config.arrival.ghost_ack_check {
            most = most.min(unacknowledged - Offset::FIRST);
        }
        if unacknowledged - ack > most {
            arriving::challenge(tcb, arriving);
            return Err(DropReason::AckTooOld);
        }
        if tcb.negotiated.sack && segment.options.sack_blocks().next().is_some() {
            take_old_report(tcb, arriving, ack);
        }
        return Ok(());
    }
    if late {
        // Linux (`tcp_ack`): the timestamp of a segment counts once it is sure that its ACK does.
        paws::note(tcb, arriving);
    }
    take_window(tcb, arriving, ack);
    Ok(())
}

/// The window of a segment whose ACK is not old, and what it acknowledges.
#[inline]
pub(crate) fn take_window(tcb: &mut Tcb, arriving: &Arriving<'_>, ack: Offset) {
    let window = u32::from(arriving.segment.window) << tcb.negotiated.send_shift;
    let window_max = tcb.send.window_max();
    let window_changed = tcb.send.update(arriving.seq, ack, window);
    if tcb.send.window_max() > window_max {
        tcb.fit_segments_to_window();
    }
    tcb.persist.on_answer();
    if tcb.user.soft_error.is_some() {
        // Something got through after all.
        tcb.user.soft_error = None;
    }
    // A D-SACK may come when everything is acknowledged.
    if tcb.send.in_flight() > 0
        || (tcb.negotiated.sack && arriving.segment.options.sack_blocks().next().is_some())
    {
        acknowledge(tcb, arriving, ack, window_changed);
    }
    tcb.hold.on_arrival();
    if window == 0 {
        // SHLD-17: it answers, so it lives.
        tcb.timers.stop(Timer::User);
    }
    if tcb.timers.is_armed(Timer::Persist) {
        on_answer_to_probe(tcb, arriving);
    }
}

/// An ACK while the window is probed, which may have opened.
fn on_answer_to_probe(tcb: &mut Tcb, arriving: &Arriving<'_>) {
    let restarts = tcb.config.persist.answer_restarts;
    let start = tcb.send.next();
    let enough = match tcb.send_buffer.part_at(start) {
        Some((end, _)) if restarts => end.saturating_since(start),
        _ => 1,
    };
    if tcb.send.usable() >= enough {
        tcb.persist.stop();
        tcb.timers.stop(Timer::Persist);
    } else if restarts {
        transmit::arm_persist(tcb, arriving.now);
    }
}

/// Something is in flight, and an ACK for SND.UNA or more arrived.
#[inline(never)]
fn acknowledge(tcb: &mut Tcb, arriving: &Arriving<'_>, ack: Offset, window_changed: bool) {
    let advanced = ack > tcb.send.unacknowledged();
    let mut blocks = [(Offset::default(), Offset::default()); 4];
    let mut d_sack = None;
    let mut count = 0;
    if tcb.negotiated.sack && !arriving.segment.options.is_plain_timestamps() {
        (count, d_sack) = read_sack(tcb, arriving.segment, ack, &mut blocks);
    }
    let echo = arriving
        .timestamps
        .filter(|_| advanced)
        .and_then(|(_, echo)| tcb.timestamps.since_echo(echo, arriving.now));
    let echo_of_mark = ecn::is_echo(tcb, arriving.segment.flags);
    if echo_of_mark && tcb.recovery.on_congestion_experienced(arriving.now, ack) {
        tcb.ecn.on_mark_reduction();
    }
    let undelivered = tcb.recovery.undelivered_segments();
    let arrived = AckArrived {
        ack,
        sack: &blocks[..count],
        d_sack,
        window_changed,
        has_data: arriving.segment.sequence_length() > 0,
        timestamp_echo_rtt: echo,
    };
    recover(tcb, arriving, &arrived);
    if echo_of_mark {
        let left = tcb.recovery.undelivered_segments();
        tcb.ecn.on_delivered_marked(undelivered.saturating_sub(left));
    }
    if !advanced {
        return;
    }
    tcb.send.acknowledge(ack);
    tcb.send_buffer.acknowledge(ack);
    if tcb.send.in_flight() == 0 && tcb.unsent() == 0 {
        tcb.chronograph.rest(arriving.now);
    }
    if tcb.send_buffer.is_room_wanted() {
        tcb.send_buffer.grow(tcb.automatic_send_buffer());
    }
    let from = tcb.config.give_up.user_timeout_from;
    if !tcb.user.timeout.is_zero() && tcb.send.in_flight() > 0 && from == UserTimeoutFrom::FirstSending {
        // RFC 5482: the clock runs while something is unacknowledged, from the last progress on.
        tcb.timers.arm(Timer::User, arriving.now.saturating_add(tcb.user.timeout));
    } else {
        tcb.timers.stop(Timer::User);
    }
    if tcb.fin_acknowledged() {
        match tcb.state {
            State::Closing => tcb.enter_time_wait(arriving.now),
            State::LastAck => tcb.tear_down(None),
            _ => {}
        }
    }
}

/// Recovery hears of an ACK, and ECN of what that came to.
fn recover(tcb: &mut Tcb, arriving: &Arriving<'_>, arrived: &AckArrived<'_>) {
    let undone = tcb.recovery.counters().undone;
    tcb.recovery.on_ack(arriving.now, arrived);
    let reduced = tcb.recovery.take_reduction();
    tcb.ecn.announce(reduced, tcb.recovery.counters().undone != undone);
}

/// What an ACK below SND.UNA reports beyond it counts, as in Linux (`tcp_ack`, old_ack) and FreeBSD (`tcp_sack_doack`); it
/// is no duplicate ACK. A block that begins at SND.UNA or before it can't be true any more.
#[cold]
fn take_old_report(tcb: &mut Tcb, arriving: &Arriving<'_>, ack: Offset) {
    let unacknowledged = tcb.send.unacknowledged();
    let mut blocks = [(Offset::default(), Offset::default()); 4];
    let (count, d_sack) = read_sack(tcb, arriving.segment, ack, &mut blocks);
    let mut kept = 0;
    for index in 0..count {
        if blocks[index].0 > unacknowledged {
            blocks[kept] = blocks[index];
            kept += 1;
        }
    }
    if kept == 0 && d_sack.is_none() {
        return;
    }
    let arrived = AckArrived {
        ack: unacknowledged,
        sack: &blocks[..kept],
        d_sack,
        window_changed: false,
        has_data: true,
        timestamp_echo_rtt: None,
    };
    recover(tcb, arriving, &arrived);
}

/// Reads SACK blocks that can be true; says how many, and which one reports a duplicate (RFC 2883 §4).
fn read_sack(
    tcb: &Tcb,
    segment: &Segment,
    ack: Offset,
    blocks: &mut [(Offset, Offset); 4],
) -> (usize, Option<(Offset, Offset)>) {
    let mut count = 0;
    let mut d_sack = None;
    for (index, (left, right)) in segment.options.sack_blocks().take(blocks.len()).enumerate() {
        let block = (tcb.own_position(left), tcb.own_position(right));
        if block.0 >= block.1 || block.1 > tcb.send.next() {
            continue;
        }
        if index == 0 && block.1 <= ack {
            d_sack = Some(block);
            continue;
        }
        if let (1, 1, Some(&first)) = (index, count, blocks.first())
            && block.0 <= first.0
            && first.1 <= block.1
        {
            d_sack = Some(first);
            count = 0;
        }
        if block.1 > ack {
            blocks[count] = (block.0.max(ack), block.1);
            count += 1;
        }
    }
    (count, d_sack)
}

/// The ACK is for the octet of a zero-window probe, which counts as sent from now on. Says whether it is.
fn take_probed_octet(tcb: &mut Tcb, ack: Offset) -> bool {
    let next = tcb.send.next();
    match tcb.persist.octet_sent() {
        Some(sent_at) if ack == next + 1 => {
            tcb.recovery.on_transmit(sent_at, next..ack, false);
            if tcb.persist.probes() > 1 {
                // Karn: it isn't known which of the probes was answered.
                tcb.recovery.on_transmit(sent_at, next..ack, true);
            }
            tcb.send.advance(1);
            tcb.send_buffer.on_sent(ack, false);
            tcb.persist.stop();
            true
        }
        _ => false,
    }
}

//! Fast Open on both sides of a handshake: data that comes before its end (RFC 7413 §4.2).

use std::sync::Arc;

use faultwire_base::Instant;
use faultwire_wire::{Cause, Flags, Options, Segment};

use super::opening::{Opening, Passive};
use super::{measured, of_listener, offered};
use crate::ack_policy::may_challenge;
use crate::arriving::Arriving;
use crate::config::{HalfOpenRule, OptionOrder};
use crate::embryo::Embryo;
use crate::event::DropReason;
use crate::fast_open::{self, FastOpenAnswer, FastOpenAttempt, FastOpenCookie, FastOpenNews};
use crate::offset::Offset;
use crate::recovery::Recovery;
use crate::state::State;
use crate::tcb::Tcb;

/// Gives the first SYN a Fast Open option and text; says how much of the text. Forty octets are left for options, which
/// middleboxes may add to (Linux `tcp_send_syn_data`); FreeBSD leaves what its own take.
pub(crate) fn attempt_fast_open(tcb: &mut Tcb, attempt: &FastOpenAttempt<'_>) -> u64 {
    let terms = tcb.write_terms();
    let taken_by_options = match (&tcb.opening, tcb.config.options.order) {
        (Some(opening), order @ OptionOrder::FreeBsd) => {
            let mut options = offered(tcb, opening).syn_options(order, 0, (0, 0));
            if let Some(option) = attempt.option {
                option.push(&mut options, order);
            }
            options.padded_length()
        }
        _ => Options::CAPACITY,
    };
    let Some(opening) = tcb.opening.as_mut().filter(|opening| opening.transmissions == 0) else { return 0 };
    let own = tcb.path.announced_segment_size();
    let size = own.min(attempt.segment_size.unwrap_or(own));
    let room = u32::from(size).saturating_sub(taken_by_options as u32);
    let text = attempt.text.slice(0, attempt.text.len().min(room));
    let taken = if text.is_empty() { 0 } else { tcb.send_buffer.write(&text, &terms) };
    opening.option = attempt.option;
    opening.text = taken as u32;
    tcb.fast_open.attempt(attempt.option.is_some(), taken > 0);
    taken
}

/// A SYN with a good Fast Open cookie: SYN-RECEIVED, with a SYN-ACK due that acknowledges the text too.
pub(crate) fn accept_fast_open(
    embryo: &Embryo,
    syn: &Segment,
    cookie: Option<FastOpenCookie>,
    now: Instant,
    cause: Cause,
) -> Tcb {
    let mut tcb = of_listener(embryo, now, cause);
    let passive = Passive { accepted: false, limiter_since: Instant::FAR_FUTURE, limiter_count: 0 };
    let opening = Opening { option: cookie, cause, passive: Some(passive), ..Opening::new(now) };
    tcb.opening = Some(Box::new(opening));
    tcb.recovery = Recovery::new(&tcb.config, tcb.negotiated.sack, tcb.send.segment_size(), 0);
    let room = tcb.receive.edge().saturating_since(Offset::FIRST);
    let length = u64::from(syn.payload.len()).min(room) as u32;
    if length > 0 {
        tcb.receive.append(&syn.payload.slice(0, length));
        tcb.fast_open.set_text_acknowledged(true);
        tcb.events.readable();
    }
    tcb.ack.on_sent(tcb.receive.next());
    tcb.keep_alive.on_heard(now);
    tcb.events.writable();
    tcb
}

/// Whether the text and FIN of a SYN-ACK are taken: the peer may send them with Fast Open (RFC 7413 §4.2.2), if it took
/// ours.
pub(crate) fn takes_text_of_syn_ack(tcb: &Tcb) -> bool {
    let fast_open = &tcb.fast_open;
    let by_fast_open = (fast_open.asked() || fast_open.text_sent()) && !tcb.recovery.is_retransmission_due();
    tcb.config.handshake.text_on_syn_ack || by_fast_open
}

/// What the SYN-ACK says to our Fast Open SYN is worth remembering (Linux `tcp_rcv_fastopen_synack`).
pub(super) fn note_fast_open_answer(tcb: &mut Tcb, segment: &Segment, ack: Offset) {
    let Some(opening) = &tcb.opening else { return };
    if !tcb.fast_open.asked() && !tcb.fast_open.text_sent() {
        return;
    }
    let again = opening.transmissions > 1;
    let kind = opening.option.map(|option| option.is_experimental());
    // A cookie that nobody asked for is ignored.
    let cookie = FastOpenCookie::read(&segment.options).filter(|_| tcb.fast_open.asked());
    let left = ack < tcb.send.next();
    let answer = FastOpenAnswer {
        segment_size: tcb.negotiated.peer_segment_size,
        cookie: cookie.filter(|cookie| !cookie.is_request()),
        refused: kind.filter(|_| cookie.is_none() && !again && !tcb.fast_open.text_sent()),
        syn_lost: again && cookie.is_none() && left,
    };
    fast_open::tell(tcb, FastOpenNews::Answered(answer));
}

/// The handshake of a connection that Fast Open made is complete.
pub(super) fn complete_fast_open(tcb: &mut Tcb, arriving: &Arriving<'_>, ack: Offset) {
    let window = u32::from(arriving.segment.window) << tcb.negotiated.send_shift;
    tcb.send.update(arriving.seq, ack.min(Offset::FIRST), window);
    match measured(tcb, arriving.now, arriving.segment) {
        Some(round_trip) => tcb.recovery.on_handshake_rtt(round_trip),
        None => tcb.recovery.on_handshake_unmeasured(&tcb.config.retransmission),
    }
    tcb.recovery.on_handshake_completed(arriving.now);
    if tcb.state == State::SynReceived {
        tcb.open(arriving.now);
    } else {
        tcb.opening = None;
    }
}

/// A SYN for a connection that Fast Open made, while its handshake is not complete: the same again gets the same
/// SYN-ACK; its text was taken before. Any other in the window ends nothing by itself: whoever guessed the numbers could
/// otherwise reset it (Linux `tcp_check_req`).
pub(crate) fn syn_for_fast_open(tcb: &mut Tcb, arriving: &Arriving<'_>) -> Result<(), DropReason> {
    let segment = arriving.segment;
    let config = Arc::clone(&tcb.config);
    let limit = config.acknowledgment.challenge_limit;
    let Some(opening) = tcb.opening.as_mut() else { return Ok(()) };
    let Some(passive) = opening.passive.as_mut() else { return Ok(()) };
    let plain = segment.flags.contains(Flags::SYN) && !segment.flags.intersects(Flags::ACK | Flags::RST);
    if !plain || arriving.seq != Offset::ISN || config.arrival.half_open == HalfOpenRule::Letter {
        return Ok(());
    }
    let permitted = !config.acknowledgment.limit_unacceptable
        || may_challenge(limit, arriving.now, &mut passive.limiter_since, &mut passive.limiter_count);
    if permitted && opening.transmissions > 0 {
        opening.due = true;
        opening.cause = arriving.cause;
    }
    Err(DropReason::OutsideWindow)
}

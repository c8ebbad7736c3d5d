//! Timestamps of segments as they arrive: what is too old, and what TS.Recent follows (RFC 7323 §4.3, §5.3).

use faultwire_wire::{Flags, Reason};

use crate::arriving::{self, Arriving};
use crate::config::OldTimestamp;
use crate::event::DropReason;
use crate::tcb::Tcb;

/// RFC 7323 §5.3 R1: an old timestamp is a duplicate of long ago. RST is exempt.
#[inline]
pub(crate) fn check(tcb: &mut Tcb, arriving: &Arriving<'_>) -> Result<(), DropReason> {
    if !tcb.timestamps.enabled() || arriving.segment.flags.contains(Flags::RST) {
        return Ok(());
    }
    match arriving.timestamps {
        Some((value, _)) if tcb.timestamps.is_old(value, arriving.now) => {
            on_old_timestamp(tcb, arriving, value)
        }
        None if tcb.config.options.require_timestamps => Err(DropReason::NoTimestamp),
        _ => Ok(()),
    }
}

fn on_old_timestamp(tcb: &mut Tcb, arriving: &Arriving<'_>, value: u32) -> Result<(), DropReason> {
    let segment = arriving.segment;
    match tcb.config.arrival.old_timestamp {
        OldTimestamp::Answered => {}
        OldTimestamp::Accepted => return Ok(()),
        OldTimestamp::AnsweredIfData if segment.payload.is_empty() => return Err(DropReason::OldTimestamp),
        OldTimestamp::AnsweredIfData => {}
        OldTimestamp::Judged => {
            let age = tcb.timestamps.recent().wrapping_sub(value);
            let next = tcb.receive.next();
            let pure_ack = segment.flags.contains(Flags::ACK) && segment.sequence_length() == 0;
            if age <= 1 {
                return Ok(());
            }
            if pure_ack && arriving.seq == next && is_replayed_ack(tcb, arriving, age) {
                return Ok(());
            }
            if segment.flags.contains(Flags::SYN) {
                arriving::challenge(tcb, arriving);
                return Err(DropReason::OldTimestamp);
            }
            if pure_ack && arriving.seq < next {
                return Err(DropReason::OldTimestamp);
            }
            arriving::answer_refused(tcb, arriving);
            return Err(DropReason::OldTimestamp);
        }
    }
    arriving::answer(tcb, arriving, Reason::UnacceptableAck);
    Err(DropReason::OldTimestamp)
}

/// Linux (`tcp_disordered_ack`): a duplicate ACK which other segments overtook; it changes nothing, and its timestamp is
/// no older than 1.2 RTOs.
fn is_replayed_ack(tcb: &Tcb, arriving: &Arriving<'_>, age: u32) -> bool {
    let ack = tcb.own_position(arriving.segment.ack);
    let window = u32::from(arriving.segment.window) << tcb.negotiated.send_shift;
    let limit = tcb.recovery.base_rto().as_nanos() * 12 / 10 / 1_000_000;
    ack == tcb.send.unacknowledged()
        && !tcb.send.would_update(arriving.seq, ack, window)
        && u64::from(age) <= limit
}

/// RFC 7323 §4.3 (2).
#[inline]
pub(crate) fn note(tcb: &mut Tcb, arriving: &Arriving<'_>) {
    if let Some((value, _)) = arriving.timestamps
        && arriving.seq <= tcb.ack.last_sent()
        && !arriving.segment.flags.contains(Flags::RST)
    {
        tcb.timestamps.update(value, arriving.now);
    }
}

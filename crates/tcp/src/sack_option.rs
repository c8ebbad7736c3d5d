//! SACK blocks as they stand in a segment, and what they leave of its room (RFC 2018 §3, RFC 2883 §4).

use faultwire_wire::{Options, Segment};

use crate::negotiate::TIMESTAMPS_OCTETS;
use crate::offset::Offset;
use crate::receive_buffer::ReceiveBuffer;
use crate::tcb::Tcb;

/// Puts a range that arrived twice into the ACK that answers it, before the other blocks (RFC 2883 §4).
pub(crate) fn report_duplicate(tcb: &Tcb, reply: &mut Segment, duplicate: (Offset, Offset)) {
    let mut options = Options::EMPTY;
    if let Some((value, echo)) = reply.options.timestamps() {
        options = Options::aligned_timestamps(value, echo);
    }
    push_sack(&tcb.receive, Some(duplicate), &mut options);
    reply.options = options;
}

/// RFC 2018 §3: as many blocks as there is room for beside the timestamps, after a duplicate one. A FIN takes sequence
/// space like data, so the block before it covers it.
#[cold]
pub(crate) fn push_sack(receive: &ReceiveBuffer, duplicate: Option<(Offset, Offset)>, options: &mut Options) {
    let mut blocks = [(Offset::default(), Offset::default()); 4];
    let mut room = (Options::CAPACITY - options.padded_length() - SACK_BASE) / SACK_BLOCK;
    room -= usize::from(duplicate.is_some());
    let mut count = receive.report(room, &mut blocks);
    for (_, right) in &mut blocks[..count] {
        *right = *right + u64::from(receive.fin() == Some(*right));
    }
    if let Some(duplicate) = duplicate {
        blocks.rotate_right(1);
        blocks[0] = duplicate;
        count += 1;
    }
    let isn = receive.isn();
    let edges = blocks.map(|(left, right)| (left.to_seq(isn), right.to_seq(isn)));
    options.push_raw(&[1, 1]);
    options.push_sack(&edges[..count]);
}

/// Octets of data in a segment sent now: Eff.snd.MSS without SACK blocks (RFC 9293 §3.7.1, MUST-16).
#[inline]
pub(crate) fn payload_limit(tcb: &Tcb) -> u32 {
    let mut size = tcb.send.segment_size();
    if tcb.user.announce_timeout {
        size = size.saturating_sub(USER_TIMEOUT_OCTETS as u32).max(1);
    }
    if !tcb.negotiated.sack || !tcb.receive.has_report() {
        return size;
    }
    let used = if tcb.timestamps.enabled() { TIMESTAMPS_OCTETS as usize } else { 0 };
    let room = (Options::CAPACITY - used - SACK_BASE) / SACK_BLOCK;
    let mut blocks = [(Offset::default(), Offset::default()); 4];
    let count = tcb.receive.report(room, &mut blocks);
    size.saturating_sub((SACK_BASE + count * SACK_BLOCK) as u32).max(1)
}

/// Octets of the user timeout option.
pub(crate) const USER_TIMEOUT_OCTETS: usize = 4;
/// Octets of a SACK option without its blocks, NOPs included.
const SACK_BASE: usize = 4;
/// Octets of one SACK block.
const SACK_BLOCK: usize = 8;

//! What a segment gets all of which was here before, where that is not the ACK of RFC 9293 §3.10.7.4.

use faultwire_wire::Reason;

use crate::arriving::Arriving;
use crate::config::OldDuplicate;
use crate::event::DropReason;
use crate::tcb::Tcb;
use crate::transmit;

/// Drops an old duplicate by the policy in force.
pub(crate) fn check(tcb: &mut Tcb, arriving: &Arriving<'_>) -> Result<(), DropReason> {
    let next = tcb.receive.next();
    let end = arriving.seq + u64::from(arriving.segment.sequence_length());
    let is_old = tcb.state.is_synchronized() && arriving.seq < next && end <= next;
    if !is_old {
        return Ok(());
    }
    match tcb.config.arrival.old_duplicate {
        OldDuplicate::Acknowledged => return Ok(()),
        OldDuplicate::Unanswered => {}
        OldDuplicate::Reset => {
            transmit::reset_reply(tcb, arriving.segment, Reason::Reset, arriving.cause);
        }
    }
    Err(DropReason::OutsideWindow)
}

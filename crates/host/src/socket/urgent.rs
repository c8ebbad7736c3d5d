//! What RFC 9293 has and the kernel has not, or not quite: urgent data of any length (§3.8.5), FLUSH (§3.9.1.7).

use faultwire_base::Instant;
use faultwire_tcp::{State, UrgentRead};
use faultwire_wire::{Cause, Payload};

use crate::descriptor::{Fd, Socket};
use crate::errno::Errno;
use crate::life;
use crate::socket::Received;
use crate::stack::Stack;

pub(crate) fn send_urgent(stack: &mut Stack, now: Instant, fd: Fd, payload: Payload) -> Result<u64, Errno> {
    let slot = match stack.descriptors.get(fd)? {
        &Socket::Stream(slot) => slot,
        Socket::Unconnected(_) | Socket::Listener(_) => return Err(Errno::PipeBroken),
        Socket::Udp(_) => return Err(Errno::NotSupported),
    };
    if let Some(error) = stack.connections.entry_mut(slot).error.take() {
        return Err(error);
    }
    let connection = stack.connections.full_mut(slot);
    if matches!(connection.state(), State::SynSent | State::SynReceived) {
        return Err(Errno::WouldBlock);
    }
    if !connection.can_write() {
        return Err(Errno::PipeBroken);
    }
    let written = connection.write_urgent(now, &payload);
    life::settle(stack, now, slot, Cause::Call);
    if written == 0 && !payload.is_empty() { Err(Errno::WouldBlock) } else { Ok(written) }
}

pub(crate) fn flush(stack: &mut Stack, now: Instant, fd: Fd) -> Result<u64, Errno> {
    let slot = match stack.descriptors.get(fd)? {
        &Socket::Stream(slot) => slot,
        Socket::Unconnected(_) | Socket::Listener(_) => return Err(Errno::NotConnected),
        Socket::Udp(_) => return Err(Errno::NotSupported),
    };
    let forgotten = stack.connections.full_mut(slot).flush();
    if !stack.connections.is_retired(slot) {
        life::settle(stack, now, slot, Cause::Call);
    }
    Ok(forgotten)
}

/// `tcp_recv_urg`.
pub(crate) fn receive_urgent(stack: &mut Stack, fd: Fd) -> Result<Received, Errno> {
    let slot = match stack.descriptors.get(fd)? {
        &Socket::Stream(slot) => slot,
        Socket::Unconnected(_) | Socket::Listener(_) => return Err(Errno::NotConnected),
        Socket::Udp(_) => return Err(Errno::NotSupported),
    };
    match stack.connections.full_mut(slot).read_urgent() {
        UrgentRead::Octet(octet) => Ok(Received::Data(octet)),
        UrgentRead::Nothing => Err(Errno::Invalid),
        UrgentRead::NotYet => {
            let entry = stack.connections.entry(slot);
            let ended = entry.read_shut || stack.connections.full(slot).has_received_all();
            if ended { Ok(Received::Eof) } else { Err(Errno::WouldBlock) }
        }
    }
}

pub(crate) fn urgent_remaining(stack: &Stack, fd: Fd) -> Result<u64, Errno> {
    match stack.descriptors.get(fd)? {
        &Socket::Stream(slot) => Ok(stack.connections.full(slot).urgent_remaining()),
        Socket::Unconnected(_) | Socket::Listener(_) => Err(Errno::NotConnected),
        Socket::Udp(_) => Err(Errno::NotSupported),
    }
}

//! shutdown, close, abort.

use faultwire_base::{Duration, Instant};
use faultwire_tcp::State;
use faultwire_wire::Cause;

use crate::connections::{Body, Owner};
use crate::descriptor::{Fd, Socket, Unconnected};
use crate::errno::Errno;
use crate::life;
use crate::listener::Listener;
use crate::option::Preset;
use crate::port::Hold;
use crate::socket::How;
use crate::stack::Stack;

pub(crate) fn shutdown(stack: &mut Stack, now: Instant, fd: Fd, how: How) -> Result<(), Errno> {
    let disconnects = stack.config.tcp.closing.shutdown_disconnects;
    let slot = match stack.descriptors.get(fd)? {
        &Socket::Stream(slot) => slot,
        Socket::Listener(_) if disconnects => {
            if how != How::Write {
                stop_listening(stack, now, fd);
            }
            return Ok(());
        }
        Socket::Unconnected(_) | Socket::Listener(_) => return Err(Errno::NotConnected),
        Socket::Udp(_) => return Err(Errno::NotSupported),
    };
    if stack.connections.is_retired(slot) {
        return Err(Errno::NotConnected);
    }
    if disconnects && stack.connections.full(slot).state() == State::SynSent {
        stack.connections.full_mut(slot).abort(now);
        stack.connections.entry_mut(slot).error = Some(Errno::ConnectionReset);
        life::settle(stack, now, slot, Cause::Call);
        return Ok(());
    }
    let state = stack.connections.full(slot).state();
    if disconnects && matches!(state, State::TimeWait | State::Closed) {
        return Err(Errno::NotConnected);
    }
    if matches!(how, How::Read | How::Both) {
        stack.connections.entry_mut(slot).read_shut = true;
        stack.connections.full_mut(slot).shutdown_read();
    }
    if matches!(how, How::Write | How::Both) {
        stack.connections.full_mut(slot).shutdown_write(now);
    }
    life::settle(stack, now, slot, Cause::Call);
    Ok(())
}

/// The listener is a socket without a connection again, with its options and its port (Linux `inet_shutdown`).
fn stop_listening(stack: &mut Stack, now: Instant, fd: Fd) {
    let socket = stack.descriptors.get_mut(fd).expect("it was found");
    let fresh = Unconnected { ipv6: false, hold: None, options: Preset::default() };
    let Socket::Listener(mut listener) = std::mem::replace(socket, Socket::Unconnected(Box::new(fresh)))
    else {
        unreachable!("it listens")
    };
    let options = std::mem::take(&mut listener.options);
    let hold = listener.hold;
    close_listener(stack, now, fd, *listener);
    let mut socket = Unconnected { ipv6: hold.is_ipv6(), hold: None, options };
    let hold = Hold { sharing: socket.sharing(), ..hold };
    socket.hold = Some(hold);
    stack.tcp.ports.take(hold);
    *stack.descriptors.get_mut(fd).expect("it was found") = Socket::Unconnected(Box::new(socket));
}

pub(crate) fn close(stack: &mut Stack, now: Instant, fd: Fd) -> Result<(), Errno> {
    if let &Socket::Stream(slot) = stack.descriptors.get(fd)?
        && let Some(time) = stack.connections.entry(slot).settings.linger
    {
        if time.is_zero() {
            return abort(stack, now, fd);
        }
        if lingers(stack, now, slot, time) {
            return Err(Errno::WouldBlock);
        }
    }
    match stack.descriptors.remove(fd)? {
        Socket::Stream(slot) => {
            let connection = stack.connections.full_mut(slot);
            if !connection.is_closed() && !connection.is_orphan() {
                connection.close(now);
            }
            give_up(stack, now, slot);
        }
        other => close_unconnected(stack, now, fd, other),
    }
    Ok(())
}

/// `SO_LINGER`: the connection closes, and whether its user has to wait for the peer's ACK of the FIN.
fn lingers(stack: &mut Stack, now: Instant, slot: u32, time: Duration) -> bool {
    let entry = stack.connections.entry_mut(slot);
    let until = *entry.lingers_until.get_or_insert(now.saturating_add(time));
    let connection = stack.connections.full_mut(slot);
    if !connection.is_closed() && !connection.is_orphan() {
        connection.close(now);
        life::settle(stack, now, slot, Cause::Call);
    }
    let state = stack.connections.full(slot).state();
    now < until && matches!(state, State::FinWait1 | State::Closing | State::LastAck)
}

/// Until when a close waits, if it does.
pub(crate) fn lingers_until(stack: &Stack, fd: Fd) -> Option<Instant> {
    match stack.descriptors.get(fd) {
        Ok(&Socket::Stream(slot)) => stack.connections.entry(slot).lingers_until,
        _ => None,
    }
}

pub(crate) fn abort(stack: &mut Stack, now: Instant, fd: Fd) -> Result<(), Errno> {
    match stack.descriptors.remove(fd)? {
        Socket::Stream(slot) => abort_connection(stack, now, slot),
        other => close_unconnected(stack, now, fd, other),
    }
    Ok(())
}

/// Descriptors without a connection of their own.
fn close_unconnected(stack: &mut Stack, now: Instant, fd: Fd, socket: Socket) {
    match socket {
        Socket::Unconnected(socket) => {
            if let Some(hold) = socket.hold {
                stack.tcp.ports.give_back(hold);
            }
        }
        Socket::Listener(listener) => close_listener(stack, now, fd, *listener),
        Socket::Udp(socket) => {
            if let Some(hold) = socket.hold {
                stack.udp.ports.give_back(hold);
                stack.udp.sockets.remove(hold, fd);
            }
        }
        Socket::Stream(_) => unreachable!("has a connection"),
    }
}

/// As the kernel: connections that nobody accepted are reset, half-open ones forgotten.
fn close_listener(stack: &mut Stack, now: Instant, fd: Fd, mut listener: Listener) {
    stack.tcp.sockets.remove(listener.hold, fd);
    stack.fast_open.listener_closed(fd);
    while let Some(slot) = listener.accept() {
        abort_connection(stack, now, slot);
    }
    let of_this = |body: &Body, owner| matches!(body, Body::HalfOpen(_)) && owner == Owner::Listener(fd);
    let half_open: Vec<u32> = stack
        .connections
        .iter()
        .filter(|(_, entry)| of_this(&entry.body, entry.owner))
        .map(|(slot, _)| slot)
        .collect();
    for slot in half_open {
        life::remove_half_open(stack, slot, State::Closed, Cause::Call);
    }
    stack.tcp.ports.give_back(listener.hold);
}

fn abort_connection(stack: &mut Stack, now: Instant, slot: u32) {
    let connection = stack.connections.full_mut(slot);
    if !connection.is_closed() {
        connection.abort(now);
    }
    give_up(stack, now, slot);
}

/// Nobody has this connection any more; it goes at once if it is closed.
fn give_up(stack: &mut Stack, now: Instant, slot: u32) {
    let retired = stack.connections.is_retired(slot);
    if retired {
        life::remove(stack, slot);
    } else {
        // What it tells from now on has no descriptor.
        life::tell(stack, now, slot, Cause::Call);
        stack.connections.entry_mut(slot).owner = Owner::Nobody;
        life::settle(stack, now, slot, Cause::Call);
    }
}

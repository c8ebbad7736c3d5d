//! send, recv, send_to, recv_from, and reading without taking.

use std::net::SocketAddr;

use faultwire_base::Instant;
use faultwire_tcp::WriteFlags;
use faultwire_wire::{Body, Cause, Datagram, Payload, Reason, Tag};

use crate::descriptor::{Fd, Socket};
use crate::errno::Errno;
use crate::life;
use crate::port::Bound;
use crate::socket::open::{self, bind_datagrams, path_to};
use crate::socket::{Received, ReceivedFrom};
use crate::stack::{Stack, Way};

pub(crate) fn send(
    stack: &mut Stack,
    now: Instant,
    fd: Fd,
    payload: Payload,
    flags: WriteFlags,
) -> Result<u64, Errno> {
    let slot = match stack.descriptors.get(fd)? {
        &Socket::Stream(slot) => slot,
        Socket::Udp(socket) => {
            let peer = socket.peer.ok_or(Errno::DestinationRequired)?;
            return send_to(stack, now, fd, peer, payload);
        }
        Socket::Unconnected(_) | Socket::Listener(_) if stack.config.tcp.handshake.bsd_sockets => {
            return Err(Errno::NotConnected);
        }
        Socket::Unconnected(_) | Socket::Listener(_) => return Err(Errno::PipeBroken),
    };
    if stack.connections.full(slot).is_pipe_broken_first() {
        return Err(Errno::PipeBroken);
    }
    if let Some(error) = stack.connections.entry_mut(slot).error.take() {
        return Err(error);
    }
    let connection = stack.connections.full_mut(slot);
    if connection.is_syn_held() {
        return open::send_deferred(stack, now, slot, &payload);
    }
    if connection.is_opening() {
        return Err(Errno::WouldBlock);
    }
    if !connection.can_write() {
        return Err(Errno::PipeBroken);
    }
    let wanted = payload.len();
    let written = connection.write_with(now, &payload, flags);
    life::settle(stack, now, slot, Cause::Call);
    if written == 0 && wanted > 0 { Err(Errno::WouldBlock) } else { Ok(written) }
}

#[inline]
pub(crate) fn receive(stack: &mut Stack, now: Instant, fd: Fd, max: u64) -> Result<Received, Errno> {
    let slot = match stack.descriptors.get(fd)? {
        &Socket::Stream(slot) => slot,
        Socket::Udp(_) => {
            let received = receive_from(stack, fd, max)?;
            return Ok(Received::Data(received.payload));
        }
        Socket::Unconnected(_) | Socket::Listener(_) => return Err(Errno::NotConnected),
    };
    if max == 0 {
        return Ok(Received::Data(Payload::EMPTY));
    }
    let connection = stack.connections.full_mut(slot);
    if let Some(payload) = connection.read(now, max) {
        // Most reads concern nobody but the reader.
        if connection.has_turn_after_read() && !stack.connections.is_retired(slot) {
            life::settle(stack, now, slot, Cause::Call);
        }
        return Ok(Received::Data(payload));
    }
    nothing_to_read(stack, slot)
}

/// Whether [`receive`] would say [`Errno::WouldBlock`] on a stream.
#[inline]
pub(crate) fn is_drained_by_reading(stack: &Stack, fd: Fd) -> bool {
    let Ok(&Socket::Stream(slot)) = stack.descriptors.get(fd) else { return false };
    let entry = stack.connections.entry(slot);
    stack.connections.full(slot).readable() == 0
        && entry.error.is_none()
        && !entry.read_shut
        && !entry.at_end()
}

/// As the kernel: an error is told once, before the end of the stream.
fn nothing_to_read(stack: &mut Stack, slot: u32) -> Result<Received, Errno> {
    let end_first = stack.config.tcp.closing.end_before_error && stack.connections.full(slot).at_eof();
    if end_first {
        return Ok(Received::Eof);
    }
    let entry = stack.connections.entry_mut(slot);
    if let Some(error) = entry.error.take() {
        return Err(error);
    }
    let ended = entry.read_shut || entry.at_end();
    if ended { Ok(Received::Eof) } else { Err(Errno::WouldBlock) }
}

pub(crate) fn peek(stack: &mut Stack, fd: Fd, max: u64) -> Result<Received, Errno> {
    let slot = match stack.descriptors.get_mut(fd)? {
        &mut Socket::Stream(slot) => slot,
        Socket::Udp(socket) => {
            if let Some(error) = socket.take_error() {
                return Err(error);
            }
            let payload = &socket.peek().ok_or(Errno::WouldBlock)?.payload;
            return Ok(Received::Data(payload.slice(0, cut(payload, max))));
        }
        Socket::Unconnected(_) | Socket::Listener(_) => return Err(Errno::NotConnected),
    };
    let pieces = stack.connections.full(slot).peek(max);
    if pieces.is_empty() { nothing_to_read(stack, slot) } else { Ok(Received::Data(Payload::join(&pieces))) }
}

pub(crate) fn send_to(
    stack: &mut Stack,
    now: Instant,
    fd: Fd,
    to: SocketAddr,
    payload: Payload,
) -> Result<u64, Errno> {
    let ipv6 = match stack.descriptors.get_mut(fd)? {
        Socket::Udp(socket) => {
            if let Some(error) = socket.take_error() {
                return Err(error);
            }
            socket.is_ipv6()
        }
        Socket::Stream(_) => return Err(Errno::IsConnected),
        Socket::Unconnected(_) | Socket::Listener(_) => return Err(Errno::NotSupported),
    };
    let path = path_to(stack, now, ipv6, to)?;
    let headers = if ipv6 { 48 } else { 28 };
    let octets = payload.len();
    // Nothing is fragmented.
    if u64::from(octets) + headers > u64::from(path.mtu).min(65_535) {
        return Err(Errno::MessageSize);
    }
    let hold = bind_datagrams(stack, fd)?;
    let Socket::Udp(socket) = stack.descriptors.get_mut(fd)? else { unreachable!("checked above") };
    let numbering = &mut stack.numbering;
    let (flow, stream_offset) = socket.send(to, octets, || numbering.next_flow());
    let source = if let Bound::One(address) = hold.address { address } else { path.source };
    let way = Way { source, destination: to.ip(), traffic_class: socket.traffic_class };
    let datagram = Datagram { source_port: hold.port, destination_port: to.port(), payload };
    let tag = Tag {
        cause: Cause::Call,
        flow,
        stream_offset,
        transmission: 1,
        reason: Reason::Datagram,
        ..Tag::default()
    };
    let hops = socket.hop_limit;
    let mut packet = stack.packet(way, Body::Udp(datagram), tag);
    packet.ip.hop_limit = hops.unwrap_or(packet.ip.hop_limit);
    stack.outbox.push_packet(packet);
    Ok(u64::from(octets))
}

pub(crate) fn receive_from(stack: &mut Stack, fd: Fd, max: u64) -> Result<ReceivedFrom, Errno> {
    match stack.descriptors.get_mut(fd)? {
        Socket::Udp(socket) => {
            let received = socket.receive()?;
            let kept = cut(&received.payload, max);
            let truncated = kept < received.payload.len();
            let payload = if truncated { received.payload.slice(0, kept) } else { received.payload };
            Ok(ReceivedFrom { from: received.from, payload, truncated })
        }
        Socket::Stream(_) | Socket::Unconnected(_) | Socket::Listener(_) => Err(Errno::NotSupported),
    }
}

/// How much of a datagram a read of at most `max` octets gets.
fn cut(payload: &Payload, max: u64) -> u32 {
    u64::from(payload.len()).min(max) as u32
}

//! What can be asked about a descriptor, and its options.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use faultwire_base::Instant;
use faultwire_tcp::{Connection, Info};
use faultwire_wire::{Cause, Flow};

use crate::connections::Entry;
use crate::descriptor::{Fd, Socket};
use crate::errno::Errno;
use crate::fast_open::{FastOpenConfig, FastOpenKeys};
use crate::life;
use crate::numbering::ConnectionId;
use crate::option::{OptionName, Reading, SocketOption, Source};
use crate::port::{Bound, Sharing};
use crate::readiness::Readiness;
use crate::socket::Queued;
use crate::stack::Stack;

pub(crate) fn readiness(stack: &Stack, fd: Fd) -> Readiness {
    match stack.descriptors.get(fd) {
        // As the kernel: a socket that was never connected is a dead end.
        Ok(Socket::Unconnected(_)) => Readiness { writable: true, hangup: true, ..Readiness::default() },
        Ok(Socket::Listener(listener)) => Readiness { readable: listener.is_ready(), ..Readiness::default() },
        Ok(Socket::Udp(socket)) => socket.readiness(),
        Ok(&Socket::Stream(slot)) => of_stream(stack.connections.entry(slot), stack.connections.full(slot)),
        Err(_) => Readiness { error: true, ..Readiness::default() },
    }
}

/// `tcp_poll`.
fn of_stream(entry: &Entry, connection: &Connection) -> Readiness {
    let opening = connection.is_opening();
    let error = entry.error.is_some();
    let closed = connection.is_closed();
    let sent_all = !opening && !connection.can_write();
    let received_all = closed || entry.read_shut || connection.has_received_all();
    Readiness {
        readable: error || connection.readable() > 0 || entry.read_shut || entry.at_end(),
        writable: error || closed || !opening && (sent_all || connection.is_writable()),
        priority: connection.has_urgent_data(),
        read_hangup: received_all,
        error,
        hangup: closed || received_all && sent_all,
    }
}

/// Levels, and an edge to come for a writer who finds no room.
pub(crate) fn poll(stack: &mut Stack, fd: Fd) -> Readiness {
    let readiness = readiness(stack, fd);
    if !readiness.writable
        && let Ok(&Socket::Stream(slot)) = stack.descriptors.get(fd)
    {
        stack.connections.full_mut(slot).want_room();
    }
    readiness
}

pub(crate) fn take_error(stack: &mut Stack, fd: Fd) -> Result<Option<Errno>, Errno> {
    Ok(match stack.descriptors.get_mut(fd)? {
        &mut Socket::Stream(slot) => {
            let entry = stack.connections.entry_mut(slot);
            entry.error.take().or_else(|| entry.take_soft_error())
        }
        Socket::Udp(socket) => socket.take_error(),
        Socket::Unconnected(_) | Socket::Listener(_) => None,
    })
}

pub(crate) fn is_drained(stack: &Stack, fd: Fd) -> bool {
    match stack.descriptors.get(fd) {
        Ok(&Socket::Stream(slot)) => stack.connections.full(slot).send_queued() == 0,
        _ => true,
    }
}

pub(crate) fn queued(stack: &Stack, fd: Fd) -> Result<Queued, Errno> {
    let connection = match stack.descriptors.get(fd)? {
        &Socket::Stream(slot) => stack.connections.full(slot),
        Socket::Unconnected(_) | Socket::Listener(_) => return Err(Errno::Invalid),
        Socket::Udp(_) => return Err(Errno::NotSupported),
    };
    if connection.is_opening() {
        return Ok(Queued::default());
    }
    let (unacknowledged, unsent) = connection.send_sequence_space();
    Ok(Queued {
        unread: connection.readable(),
        unacknowledged,
        unsent,
        at_mark: connection.is_at_urgent_mark(),
    })
}

pub(crate) fn info(stack: &Stack, fd: Fd) -> Result<Info, Errno> {
    match stack.descriptors.get(fd)? {
        &Socket::Stream(slot) => Ok(stack.connections.full(slot).info()),
        Socket::Unconnected(_) | Socket::Listener(_) => Err(Errno::NotConnected),
        Socket::Udp(_) => Err(Errno::NotSupported),
    }
}

pub(crate) fn info_at(stack: &Stack, now: Instant, fd: Fd) -> Result<Info, Errno> {
    match stack.descriptors.get(fd)? {
        &Socket::Stream(slot) => Ok(stack.connections.full(slot).info_at(now)),
        Socket::Unconnected(_) | Socket::Listener(_) => Err(Errno::NotConnected),
        Socket::Udp(_) => Err(Errno::NotSupported),
    }
}

pub(crate) fn connection(stack: &Stack, fd: Fd) -> Option<(ConnectionId, Flow)> {
    match stack.descriptors.get(fd) {
        Ok(&Socket::Stream(slot)) => {
            let entry = stack.connections.entry(slot);
            Some((entry.id, entry.flow))
        }
        _ => None,
    }
}

pub(crate) fn datagram_flow(stack: &Stack, fd: Fd) -> Option<Flow> {
    match stack.descriptors.get(fd) {
        Ok(Socket::Udp(socket)) => socket.flow(),
        _ => None,
    }
}

pub(crate) fn local_address(stack: &Stack, fd: Fd) -> Result<SocketAddr, Errno> {
    let (ipv6, hold) = match stack.descriptors.get(fd)? {
        &Socket::Stream(slot) => return Ok(stack.connections.entry(slot).ends.local()),
        Socket::Unconnected(socket) => (socket.ipv6, socket.hold),
        Socket::Listener(listener) => (listener.hold.is_ipv6(), Some(listener.hold)),
        Socket::Udp(socket) => (socket.is_ipv6(), socket.hold),
    };
    let any = if ipv6 { IpAddr::V6(Ipv6Addr::UNSPECIFIED) } else { IpAddr::V4(Ipv4Addr::UNSPECIFIED) };
    Ok(hold.map_or((any, 0).into(), |hold| {
        let address = if let Bound::One(address) = hold.address { address } else { any };
        (address, hold.port).into()
    }))
}

pub(crate) fn peer_address(stack: &Stack, fd: Fd) -> Result<SocketAddr, Errno> {
    match stack.descriptors.get(fd)? {
        &Socket::Stream(slot) => Ok(stack.connections.entry(slot).ends.remote()),
        Socket::Udp(socket) => socket.peer.ok_or(Errno::NotConnected),
        Socket::Unconnected(_) | Socket::Listener(_) => Err(Errno::NotConnected),
    }
}

pub(crate) fn queue_lengths(stack: &Stack, fd: Fd) -> Result<(u32, u32), Errno> {
    match stack.descriptors.get(fd)? {
        Socket::Listener(listener) => Ok(listener.lengths()),
        _ => Err(Errno::Invalid),
    }
}

pub(crate) fn set_option(stack: &mut Stack, now: Instant, fd: Fd, option: SocketOption) -> Result<(), Errno> {
    permits_fast_open(stack, fd, option)?;
    match stack.descriptors.get_mut(fd)? {
        Socket::Unconnected(socket) => {
            socket.options.set(option);
            let sharing = socket.sharing();
            if let Some(hold) = &mut socket.hold {
                stack.tcp.ports.give_back(*hold);
                hold.sharing = sharing;
                stack.tcp.ports.take(*hold);
            }
        }
        Socket::Listener(listener) => {
            listener.options.set(option);
            stack.tcp.ports.give_back(listener.hold);
            let reuses = listener.options.reuses_address();
            listener.hold.sharing = if reuses { Sharing::Listening } else { Sharing::Exclusive };
            stack.tcp.ports.take(listener.hold);
        }
        &mut Socket::Stream(slot) => {
            stack.connections.entry_mut(slot).settings.set(option);
            if !stack.connections.is_retired(slot) {
                option.apply(stack.connections.full_mut(slot), now);
                life::settle(stack, now, slot, Cause::Call);
            }
        }
        Socket::Udp(socket) => return socket.set_option(option),
    }
    Ok(())
}

/// As the kernel: a Fast Open backlog is for sockets that are not connected, `TCP_FASTOPEN_CONNECT` for those that
/// don't listen either, and only where clients may use Fast Open at all.
fn permits_fast_open(stack: &Stack, fd: Fd, option: SocketOption) -> Result<(), Errno> {
    let socket = stack.descriptors.get(fd)?;
    let client = stack.config.fast_open.has(FastOpenConfig::CLIENT);
    match (option, socket) {
        (SocketOption::FastOpenConnect(_), _) if !client => Err(Errno::NotSupported),
        (SocketOption::FastOpenConnect(_), Socket::Stream(_) | Socket::Listener(_))
        | (SocketOption::FastOpen(_) | SocketOption::FastOpenNoCookie(_), Socket::Stream(_)) => {
            Err(Errno::Invalid)
        }
        _ => Ok(()),
    }
}

/// `TCP_FASTOPEN_KEY` of a listener.
pub(crate) fn set_fast_open_keys(stack: &mut Stack, fd: Fd, keys: FastOpenKeys) -> Result<(), Errno> {
    match stack.descriptors.get_mut(fd)? {
        Socket::Listener(listener) => {
            listener.set_fast_open_keys(keys);
            Ok(())
        }
        Socket::Unconnected(_) | Socket::Stream(_) => Err(Errno::Invalid),
        Socket::Udp(_) => Err(Errno::NoProtocolOption),
    }
}

/// The value of an option. `SO_ERROR` is taken by being read.
pub(crate) fn option(stack: &mut Stack, fd: Fd, name: OptionName) -> Result<i64, Errno> {
    let is_error = name.as_str() == "SO_ERROR";
    let error = if is_error { take_error(stack, fd)?.map_or(0, |errno| errno.number().into()) } else { 0 };
    let config = &stack.config;
    let (source, listens) = match stack.descriptors.get(fd)? {
        Socket::Unconnected(socket) => (Source::Preset(&socket.options), false),
        Socket::Listener(listener) => (Source::Preset(&listener.options), true),
        &Socket::Stream(slot) => {
            let settings = &stack.connections.entry(slot).settings;
            (Source::Connection(stack.connections.full(slot), settings), false)
        }
        Socket::Udp(_) if is_error => return Ok(error),
        Socket::Udp(socket) => return socket.option(name, config.ip.hop_limit),
    };
    Ok(name.read(&Reading { config, source, error, listens }))
}

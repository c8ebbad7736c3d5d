//! socket, bind, listen, connect, accept.

use std::net::SocketAddr;

use faultwire_base::Instant;
use faultwire_tcp::{Connection, FastOpenAttempt, FastOpenCookie, PortChoice, State, WriteFlags};
use faultwire_wire::{Cause, Payload};

use crate::connections::{Body, Entry, Owner, PortShare};
use crate::demux::{Ends, Ports};
use crate::descriptor::{Fd, Socket, Unconnected};
use crate::errno::Errno;
use crate::fast_open::{FastOpenConfig, Opportunity};
use crate::life;
use crate::listener::Listener;
use crate::option::{Preset, Reading, SocketOption, Source};
use crate::path::{Path, is_unicast};
use crate::port::{Bound, Hold, PortTable, Sharing};
use crate::socket::SocketKind;
use crate::stack::Stack;
use crate::udp::UdpSocket;

pub(crate) fn socket(stack: &mut Stack, kind: SocketKind, ipv6: bool) -> Fd {
    let socket = match kind {
        SocketKind::Tcp => {
            Socket::Unconnected(Box::new(Unconnected { ipv6, hold: None, options: Preset::default() }))
        }
        SocketKind::Udp => Socket::Udp(Box::new(UdpSocket::new(ipv6, stack.config.datagram_buffer.as_u64()))),
    };
    stack.descriptors.insert(socket)
}

pub(crate) fn bind(stack: &mut Stack, fd: Fd, address: SocketAddr) -> Result<(), Errno> {
    let (ipv6, reuse, bound, locals) = match stack.descriptors.get(fd)? {
        Socket::Unconnected(socket) => {
            (socket.ipv6, socket.options.reuses_address(), socket.hold.is_some(), &mut stack.tcp)
        }
        Socket::Udp(socket) => {
            (socket.is_ipv6(), socket.reuse_address, socket.hold.is_some(), &mut stack.udp)
        }
        Socket::Listener(_) | Socket::Stream(_) => return Err(Errno::Invalid),
    };
    if bound {
        return Err(Errno::Invalid);
    }
    if address.is_ipv6() != ipv6 {
        return Err(Errno::AddressFamilyNotSupported);
    }
    if !address.ip().is_unspecified() && !stack.paths.is_local(address.ip()) {
        return Err(Errno::AddressNotAvailable);
    }
    let sharing = if reuse { Sharing::Reusable } else { Sharing::Exclusive };
    let hold =
        claim(&mut locals.ports, Hold { address: Bound::to(address.ip()), port: address.port(), sharing })?;
    match stack.descriptors.get_mut(fd)? {
        Socket::Udp(socket) => {
            socket.hold = Some(hold);
            stack.udp.sockets.insert(hold, fd);
        }
        Socket::Unconnected(socket) => socket.hold = Some(hold),
        Socket::Listener(_) | Socket::Stream(_) => unreachable!("handled above"),
    }
    Ok(())
}

/// Takes the port of `wanted`, or an ephemeral one if that is 0.
pub(crate) fn claim(ports: &mut PortTable, wanted: Hold) -> Result<Hold, Errno> {
    let hold = if wanted.port == 0 {
        let port = ports.choose(|ports, port| !ports.is_taken(Hold { port, ..wanted }));
        Hold { port: port.map_err(|_| Errno::AddressInUse)?, ..wanted }
    } else if ports.is_taken(wanted) {
        return Err(Errno::AddressInUse);
    } else {
        wanted
    };
    ports.take(hold);
    Ok(hold)
}

/// Passive OPEN. Connections of the port have their own entries and are not touched (RFC 9293 §3.9.1.1, MUST-41), those
/// in SYN-SENT or SYN-RECEIVED among them (MUST-42).
pub(crate) fn listen(stack: &mut Stack, fd: Fd, backlog: u32) -> Result<(), Errno> {
    let backlog = backlog.min(stack.config.listen.backlog_max);
    let socket = match stack.descriptors.get_mut(fd)? {
        Socket::Listener(listener) => {
            listener.set_backlog(backlog);
            return Ok(());
        }
        Socket::Unconnected(socket) => socket,
        Socket::Stream(_) => return Err(Errno::Invalid),
        Socket::Udp(_) => return Err(Errno::NotSupported),
    };
    let ports = &mut stack.tcp.ports;
    let any = Hold { address: Bound::Any { ipv6: socket.ipv6 }, port: 0, sharing: Sharing::Exclusive };
    let hold = match socket.hold {
        Some(hold) => hold,
        None => claim(ports, Hold { sharing: socket.sharing(), ..any })?,
    };
    // Others may have bound the port too, but only one of them can listen.
    let listening = match hold.sharing {
        Sharing::Reusable => Hold { sharing: Sharing::Listening, ..hold },
        _ => hold,
    };
    ports.give_back(hold);
    if ports.is_taken(listening) && hold.sharing == Sharing::Reusable {
        ports.take(hold);
        socket.hold = Some(hold);
        return Err(Errno::AddressInUse);
    }
    ports.take(listening);
    let listener = Listener::new(listening, std::mem::take(&mut socket.options), backlog);
    *stack.descriptors.get_mut(fd)? = Socket::Listener(Box::new(listener));
    stack.tcp.sockets.insert(listening, fd);
    Ok(())
}

pub(crate) fn accept(stack: &mut Stack, fd: Fd) -> Result<(Fd, SocketAddr), Errno> {
    let slot = match stack.descriptors.get_mut(fd)? {
        Socket::Listener(listener) => listener.accept().ok_or(Errno::WouldBlock)?,
        Socket::Unconnected(_) | Socket::Stream(_) => return Err(Errno::Invalid),
        Socket::Udp(_) => return Err(Errno::NotSupported),
    };
    let accepted = stack.descriptors.insert(Socket::Stream(slot));
    let entry = stack.connections.entry_mut(slot);
    entry.owner = Owner::Descriptor(accepted);
    if let Body::Full(connection) = &mut entry.body {
        connection.accepted();
    }
    Ok((accepted, entry.ends.remote()))
}

pub(crate) fn connect(stack: &mut Stack, now: Instant, fd: Fd, remote: SocketAddr) -> Result<(), Errno> {
    if let Socket::Udp(_) = stack.descriptors.get(fd)? {
        return connect_datagrams(stack, now, fd, remote);
    }
    if tells_success(stack, fd) {
        return Ok(());
    }
    let slot = open(stack, now, fd, remote)?;
    let Socket::Unconnected(socket) = stack.descriptors.get(fd)? else { unreachable!("opened from it") };
    let (by_write, no_cookie) = (
        socket.options.has(SocketOption::FastOpenConnect(true)),
        socket.options.has(SocketOption::FastOpenNoCookie(true)),
    );
    *stack.descriptors.get_mut(fd)? = Socket::Stream(slot);
    if by_write {
        let opportunity = stack.fast_open.opportunity(&stack.config.fast_open, now, remote.ip(), no_cookie);
        if opportunity.text {
            // Linux `tcp_fastopen_defer_connect`: the SYN waits for what the first write gives it.
            stack.connections.full_mut(slot).hold_syn(no_cookie);
            life::settle(stack, now, slot, Cause::Call);
            return Ok(());
        }
        attempt(stack, slot, opportunity, &Payload::EMPTY);
    }
    life::settle(stack, now, slot, Cause::Call);
    Err(Errno::InProgress)
}

/// `sendto` with `MSG_FASTOPEN`: opens a connection whose SYN takes as much of `payload` as it may (RFC 7413 §4.2.1).
/// Says how much; the rest is not written. [`Errno::InProgress`] if none.
pub(crate) fn send_fast_open(
    stack: &mut Stack,
    now: Instant,
    fd: Fd,
    remote: SocketAddr,
    payload: &Payload,
) -> Result<u64, Errno> {
    if let Socket::Udp(_) = stack.descriptors.get(fd)? {
        return Err(Errno::NotSupported);
    }
    if !stack.config.fast_open.has(FastOpenConfig::CLIENT) {
        return Err(Errno::NotSupported);
    }
    if let &Socket::Stream(slot) = stack.descriptors.get(fd)?
        && stack.connections.full(slot).is_syn_held()
    {
        return send_deferred(stack, now, slot, payload);
    }
    if tells_success(stack, fd) {
        return super::send(stack, now, fd, payload.clone(), WriteFlags::default());
    }
    let slot = open(stack, now, fd, remote)?;
    let Socket::Unconnected(socket) = stack.descriptors.get(fd)? else { unreachable!("opened from it") };
    let no_cookie = socket.options.has(SocketOption::FastOpenNoCookie(true));
    *stack.descriptors.get_mut(fd)? = Socket::Stream(slot);
    let opportunity = stack.fast_open.opportunity(&stack.config.fast_open, now, remote.ip(), no_cookie);
    let taken = attempt(stack, slot, opportunity, payload);
    life::settle(stack, now, slot, Cause::Call);
    if taken > 0 { Ok(taken) } else { Err(Errno::InProgress) }
}

/// FreeBSD's way (tcp(4)), for a socket with `TCP_FASTOPEN`: connect asks for a cookie; sendto connects, its SYN takes a
/// cookie that is known and text along, and the rest is kept for later. A peer that gave no cookie is not asked again
/// by sendto. Says how much of `payload` was taken.
pub(crate) fn connect_fast_open(
    stack: &mut Stack,
    now: Instant,
    fd: Fd,
    remote: SocketAddr,
    payload: Option<&Payload>,
) -> Result<u64, Errno> {
    let slot = open(stack, now, fd, remote)?;
    *stack.descriptors.get_mut(fd)? = Socket::Stream(slot);
    let path = (stack.connections.entry(slot).ends.local().ip(), remote);
    let opportunity = match payload {
        None => Opportunity { option: Some(FastOpenCookie::request(false)), text: false, segment_size: None },
        Some(_) => stack.fast_open.opportunity_on(&stack.config.fast_open, now, path),
    };
    let payload = payload.unwrap_or(&Payload::EMPTY);
    let on_syn = attempt(stack, slot, opportunity, payload);
    let rest = payload.slice(on_syn as u32, payload.len() - on_syn as u32);
    let kept = if rest.is_empty() { 0 } else { stack.connections.full_mut(slot).write(now, &rest) };
    life::settle(stack, now, slot, Cause::Call);
    Ok(on_syn + kept)
}

/// The first write on a socket with `TCP_FASTOPEN_CONNECT`: the SYN goes now.
pub(crate) fn send_deferred(
    stack: &mut Stack,
    now: Instant,
    slot: u32,
    payload: &Payload,
) -> Result<u64, Errno> {
    let peer = stack.connections.entry(slot).ends.remote().ip();
    let connection = stack.connections.full_mut(slot);
    let no_cookie = connection.release_syn();
    let opportunity = stack.fast_open.opportunity(&stack.config.fast_open, now, peer, no_cookie);
    let taken = attempt(stack, slot, opportunity, payload);
    life::settle(stack, now, slot, Cause::Call);
    if taken > 0 { Ok(taken) } else { Err(Errno::InProgress) }
}

fn attempt(stack: &mut Stack, slot: u32, opportunity: Opportunity, payload: &Payload) -> u64 {
    let Opportunity { option, text, segment_size } = opportunity;
    let text = if text { payload } else { &Payload::EMPTY };
    stack.connections.full_mut(slot).attempt_fast_open(&FastOpenAttempt { option, text, segment_size })
}

/// A connection in SYN-SENT whose SYN was not sent yet. The descriptor is still unconnected.
fn open(stack: &mut Stack, now: Instant, fd: Fd, remote: SocketAddr) -> Result<u32, Errno> {
    match stack.descriptors.get(fd)? {
        Socket::Udp(_) => return Err(Errno::NotSupported),
        Socket::Listener(_) => return Err(Errno::IsConnected),
        &Socket::Stream(slot) => reopen(stack, fd, slot)?,
        Socket::Unconnected(_) => {}
    }
    let Socket::Unconnected(socket) = stack.descriptors.get(fd)? else { unreachable!("handled above") };
    let path = path_to(stack, now, socket.ipv6, remote)?;
    let (ends, port) = local_end(stack, now, fd, path, remote)?;
    let Socket::Unconnected(socket) = stack.descriptors.get(fd)? else { unreachable!("handled above") };
    let options = socket.options.clone();
    let path = stack.path_info(&ends, path.mtu);
    let mut connection = match stack.connections.replaceable(&ends, now) {
        Some((slot, before)) => {
            life::end_time_wait(stack, slot, Cause::Call);
            Connection::connect_after(&stack.config.tcp, path, &before, now)
        }
        None => {
            let isn = stack.initial_sequence.choose(now, ends.local(), remote);
            Connection::connect(&stack.config.tcp, path, isn, now)
        }
    };
    options.apply(&mut connection, now);
    let settings = options.settings();
    let entry = Entry {
        ends,
        id: stack.numbering.next_connection(),
        flow: stack.numbering.next_flow(),
        owner: Owner::Descriptor(fd),
        port: Some(port),
        passive: false,
        established: false,
        connecting: true,
        error: None,
        settings,
        lingers_until: None,
        read_shut: false,
        retired: false,
        queued: false,
        body: Body::Full(Box::new(connection)),
    };
    life::opened(stack, &entry);
    Ok(stack.connections.insert(entry))
}

/// As Linux: the first call that looks after a connection came about is told so.
fn tells_success(stack: &mut Stack, fd: Fd) -> bool {
    let Ok(&Socket::Stream(slot)) = stack.descriptors.get(fd) else { return false };
    let tells = stack.config.tcp.handshake.connect_tells_success;
    let entry = stack.connections.entry_mut(slot);
    let open = entry.established && entry.body.state().is_synchronized();
    tells && open && std::mem::take(&mut entry.connecting)
}

/// A writer waits for a connection that opens: what it writes can take the last ACK of the handshake with it.
pub(crate) fn writer_waits(stack: &mut Stack, fd: Fd) {
    if let Ok(&Socket::Stream(slot)) = stack.descriptors.get(fd) {
        stack.connections.full_mut(slot).set_writer_waits(true);
    }
}

/// A second connect: only after an attempt that failed. The error of that attempt is told first.
fn reopen(stack: &mut Stack, fd: Fd, slot: u32) -> Result<(), Errno> {
    let entry = stack.connections.entry_mut(slot);
    let state = entry.body.state();
    let connecting = std::mem::take(&mut entry.connecting);
    if state == State::SynSent || state == State::SynReceived && connecting {
        entry.connecting = true;
        let held = stack.connections.full(slot).is_syn_held();
        return Err(if held { Errno::IsConnected } else { Errno::AlreadyInProgress });
    }
    let entry = stack.connections.entry_mut(slot);
    if entry.established || state != State::Closed {
        return Err(Errno::IsConnected);
    }
    if let Some(error) = entry.error.take() {
        return Err(error);
    }
    part_from(stack, fd, slot)
}

/// The descriptor is a socket without a connection again: with its options, and with its port if that was bound.
fn part_from(stack: &mut Stack, fd: Fd, slot: u32) -> Result<(), Errno> {
    let entry = stack.connections.entry(slot);
    let reading = Reading {
        config: &stack.config,
        source: Source::Connection(stack.connections.full(slot), &entry.settings),
        error: 0,
        listens: false,
    };
    let options = Preset::of(&reading);
    let entry = stack.connections.entry_mut(slot);
    let hold = entry.hold();
    entry.port = None;
    let ipv6 = entry.ends.is_ipv6();
    life::remove(stack, slot);
    let socket = Unconnected { ipv6, hold, options };
    *stack.descriptors.get_mut(fd)? = Socket::Unconnected(Box::new(socket));
    Ok(())
}

/// connect to an address of `AF_UNSPEC`: the connection is reset, if there is one, and the socket can connect again. A
/// UDP socket loses its peer. As in Linux, a listener stops listening only by close.
pub(crate) fn disconnect(stack: &mut Stack, now: Instant, fd: Fd) -> Result<(), Errno> {
    let slot = match stack.descriptors.get_mut(fd)? {
        Socket::Unconnected(_) => return Ok(()),
        Socket::Listener(_) => return Err(Errno::Invalid),
        Socket::Udp(socket) => {
            socket.peer = None;
            return Ok(());
        }
        &mut Socket::Stream(slot) => slot,
    };
    let connection = stack.connections.full_mut(slot);
    if !connection.is_closed() {
        connection.abort(now);
        life::settle(stack, now, slot, Cause::Call);
    }
    part_from(stack, fd, slot)
}

/// The path to a peer, if that is one host (RFC 9293 §3.9.1.1, MUST-46: no broadcast or multicast address).
pub(crate) fn path_to(stack: &Stack, now: Instant, ipv6: bool, remote: SocketAddr) -> Result<Path, Errno> {
    if remote.is_ipv6() != ipv6 {
        return Err(Errno::AddressFamilyNotSupported);
    }
    if !is_unicast(remote.ip()) {
        return Err(Errno::NetworkUnreachable);
    }
    if remote.port() == 0 {
        return Err(Errno::AddressNotAvailable);
    }
    stack.paths.towards(remote.ip(), now).ok_or(Errno::NetworkUnreachable)
}

/// The local end of a new connection; its port is held then. The address is what the socket is bound to (RFC 9293
/// §3.9.1.1, MUST-43), or else what the route says (MUST-44).
fn local_end(
    stack: &mut Stack,
    now: Instant,
    fd: Fd,
    path: Path,
    remote: SocketAddr,
) -> Result<(Ends, PortShare), Errno> {
    let Socket::Unconnected(socket) = stack.descriptors.get(fd)? else {
        unreachable!("handled by the caller")
    };
    let ends = |address, port| {
        let ports = Ports { local: port, remote: remote.port() };
        Ends::new(address, remote.ip(), ports).expect("one version of IP")
    };
    if let Some(hold) = socket.hold {
        let address = if let Bound::One(address) = hold.address { address } else { path.source };
        let ends = ends(address, hold.port);
        let taken = stack.connections.contains(&ends) && stack.connections.replaceable(&ends, now).is_none();
        let bsd = stack.config.tcp.handshake.bsd_sockets;
        let error = if bsd { Errno::AddressInUse } else { Errno::AddressNotAvailable };
        return if taken { Err(error) } else { Ok((ends, PortShare::of(hold))) };
    }
    let wanted = |port| Hold { address: Bound::One(path.source), port, sharing: Sharing::Connected };
    let connections = &stack.connections;
    let fits = |ports: &PortTable, port| {
        let ends = ends(path.source, port);
        let free = !connections.contains(&ends) || connections.replaceable(&ends, now).is_some();
        free && !ports.is_taken(wanted(port))
    };
    let port = match stack.config.tcp.handshake.port_choice {
        PortChoice::Random => stack.tcp.ports.choose(fits)?,
        PortChoice::DoubleHash => stack.tcp.ports.choose_towards(path.source, remote, fits)?,
    };
    stack.tcp.ports.take(wanted(port));
    Ok((ends(path.source, port), PortShare::of(wanted(port))))
}

/// A connected UDP socket has a default destination and hears only its peer.
fn connect_datagrams(stack: &mut Stack, now: Instant, fd: Fd, remote: SocketAddr) -> Result<(), Errno> {
    let Socket::Udp(socket) = stack.descriptors.get(fd)? else { unreachable!("handled by the caller") };
    path_to(stack, now, socket.is_ipv6(), remote)?;
    bind_datagrams(stack, fd)?;
    let Socket::Udp(socket) = stack.descriptors.get_mut(fd)? else { unreachable!("handled by the caller") };
    socket.peer = Some(remote);
    Ok(())
}

/// Binds a UDP socket to an ephemeral port unless it is bound.
pub(crate) fn bind_datagrams(stack: &mut Stack, fd: Fd) -> Result<Hold, Errno> {
    let Socket::Udp(socket) = stack.descriptors.get_mut(fd)? else { return Err(Errno::NotSupported) };
    if let Some(hold) = socket.hold {
        return Ok(hold);
    }
    let address = Bound::Any { ipv6: socket.is_ipv6() };
    let hold = claim(&mut stack.udp.ports, Hold { address, port: 0, sharing: Sharing::Exclusive })?;
    socket.hold = Some(hold);
    stack.udp.sockets.insert(hold, fd);
    Ok(hold)
}

impl Unconnected {
    pub(crate) fn sharing(&self) -> Sharing {
        if self.options.reuses_address() { Sharing::Reusable } else { Sharing::Exclusive }
    }
}

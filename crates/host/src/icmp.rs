//! ICMP errors: which one is sent, and what one does that arrives (RFC 792, 1122 §3.2.2, 4443, 5461).

use std::net::{IpAddr, SocketAddr};

use faultwire_tcp::{IcmpConfig, State};
use faultwire_wire::{IcmpKind, IcmpMessage, Quote, QuotedTransport, Seq};

use crate::connections::Body;
use crate::demux::{Ends, Ports};
use crate::descriptor::{Fd, Socket};
use crate::errno::Errno;
use crate::event::DropReason;
use crate::life;
use crate::stack::{Arrival, Stack};

/// The error about a datagram to a port that nobody has: type 3 code 3, for IPv6 type 1 code 4.
pub(crate) fn port_unreachable(destination: IpAddr) -> IcmpKind {
    IcmpKind::DestinationUnreachable { code: if destination.is_ipv4() { 3 } else { 4 } }
}

/// An error arrived: it goes to the socket that sent what it quotes (RFC 9293 §3.9.2.2, MUST-54).
pub(crate) fn error_arrives(stack: &mut Stack, arrival: &Arrival<'_>, message: &IcmpMessage) {
    let Ok(quote) = message.quote() else { return stack.dropped(arrival.id, DropReason::Malformed) };
    let found = stack.paths.is_local(quote.ip.source)
        && match quote.transport {
            QuotedTransport::Tcp { source_port, destination_port, seq } => {
                let ports = Ports { local: source_port, remote: destination_port };
                to_connection(stack, arrival, message.kind, &quote, ports, seq)
            }
            QuotedTransport::Udp { source_port, destination_port } => {
                let local = (quote.ip.source, source_port).into();
                let remote = (quote.ip.destination, destination_port).into();
                to_datagram_socket(stack, arrival, message.kind, local, remote)
            }
            QuotedTransport::Other(_) => false,
        };
    if !found {
        stack.dropped(arrival.id, DropReason::UnmatchedIcmp);
    }
}

fn to_connection(
    stack: &mut Stack,
    arrival: &Arrival<'_>,
    kind: IcmpKind,
    quote: &Quote,
    ports: Ports,
    seq: Seq,
) -> bool {
    let Some(ends) = Ends::new(quote.ip.source, quote.ip.destination, ports) else { return false };
    let Some(slot) = stack.connections.find(&ends) else { return false };
    let config = stack.config.tcp.icmp;
    let kind = with_mtu(kind, quote, &config);
    let connection = match &mut stack.connections.entry_mut(slot).body {
        Body::Full(connection) => connection,
        Body::HalfOpen(half_open) => {
            let believed = half_open.embryo.on_icmp(kind, seq);
            if half_open.embryo.is_dead() {
                life::forget_half_open(stack, slot, State::Closed, arrival.cause());
            }
            return believed;
        }
        Body::TimeWait(_) => return false,
    };
    let believed = connection.on_icmp(arrival.now, kind, seq, arrival.cause());
    if let (true, IcmpKind::PacketTooBig { mtu }) = (believed, kind) {
        stack.paths.learn(quote.ip.destination, mtu.max(config.least_mtu), arrival.now);
    }
    life::settle(stack, arrival.now, slot, arrival.cause());
    believed
}

/// An error of a router that does not know RFC 1191 names no MTU: the next usual one below what was sent takes its
/// place, by policy (RFC 1191 §5, §7.1).
fn with_mtu(kind: IcmpKind, quote: &Quote, config: &IcmpConfig) -> IcmpKind {
    match kind {
        IcmpKind::PacketTooBig { mtu: 0 } if config.plateaus && quote.ip.source.is_ipv4() => {
            let below = PLATEAUS.iter().find(|&&plateau| plateau < quote.length);
            IcmpKind::PacketTooBig { mtu: below.copied().unwrap_or(0) }
        }
        kind => kind,
    }
}

/// RFC 1191 §7.1, table 7-1.
const PLATEAUS: [u32; 10] = [32_000, 17_914, 8_166, 4_352, 2_002, 1_492, 1_006, 508, 296, 68];

/// A connected UDP socket is told hard errors only, one that is not connected none, since it could not say which of
/// its peers is meant (RFC 1122 §4.1.3.3; as in the kernel).
fn to_datagram_socket(
    stack: &mut Stack,
    arrival: &Arrival<'_>,
    kind: IcmpKind,
    local: SocketAddr,
    remote: SocketAddr,
) -> bool {
    let Some(fd) = stack.udp.sockets.at(local).find(|&fd| is_for(stack, fd, remote)) else { return false };
    if let IcmpKind::PacketTooBig { mtu } = kind {
        stack.paths.learn(remote.ip(), mtu, arrival.now);
    }
    let Ok(Socket::Udp(socket)) = stack.descriptors.get_mut(fd) else { panic!("a UDP socket is bound") };
    if socket.peer == Some(remote)
        && let Some(error) = hard_error(kind, remote.is_ipv4())
    {
        socket.fail(error);
        stack.announce(fd);
    }
    true
}

fn is_for(stack: &Stack, fd: Fd, remote: SocketAddr) -> bool {
    let Ok(Socket::Udp(socket)) = stack.descriptors.get(fd) else { panic!("a UDP socket is bound") };
    socket.peer.is_none_or(|peer| peer == remote)
}

/// The kernel's table of errors that a UDP socket is told (`icmp_err_convert`, `icmpv6_err_convert`).
fn hard_error(kind: IcmpKind, ipv4: bool) -> Option<Errno> {
    match (kind, ipv4) {
        (IcmpKind::DestinationUnreachable { code }, true) => match code {
            2 => Some(Errno::NoProtocolOption),
            3 => Some(Errno::ConnectionRefused),
            6 | 9 => Some(Errno::NetworkUnreachable),
            7 | 8 | 10 | 13..=15 => Some(Errno::HostUnreachable),
            _ => None,
        },
        (IcmpKind::DestinationUnreachable { code }, false) => match code {
            4 => Some(Errno::ConnectionRefused),
            1 | 5 | 6 => Some(Errno::AccessDenied),
            _ => None,
        },
        (IcmpKind::PacketTooBig { .. }, _) => Some(Errno::MessageSize),
        (IcmpKind::ParameterProblem { .. }, _) => Some(Errno::ProtocolError),
        _ => None,
    }
}

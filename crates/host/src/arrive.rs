//! What to do with an arriving packet: the checks of IP, then UDP and ICMP here, segments in [`segment`].

use faultwire_base::Instant;
use faultwire_wire::{Body, Datagram, IcmpKind, IcmpMessage, IpHeader, Packet, Reason, Tag, decode};

use crate::descriptor::{Fd, Socket};
use crate::event::DropReason;
use crate::icmp;
use crate::path::is_unicast;
use crate::segment;
use crate::stack::{Arrival, Stack};
use crate::udp::Received;

/// A packet arrived. It is not taken apart: most are segments, and TCP only looks at those. Its traffic class is not
/// shown to users (RFC 9293 §3.9.1.9, MAY-9).
#[inline]
pub(crate) fn receive(stack: &mut Stack, now: Instant, packet: &Packet) {
    if let Body::Raw(bytes) = &packet.body {
        return match decode(bytes) {
            Ok((ip, body)) => receive_body(stack, now, (&ip, &body), &packet.tag),
            Err(error) => stack.dropped(packet.tag.id, error.into()),
        };
    }
    receive_body(stack, now, (&packet.ip, &packet.body), &packet.tag);
}

#[inline]
fn receive_body(stack: &mut Stack, now: Instant, (ip, body): (&IpHeader, &Body), tag: &Tag) {
    let arrival = Arrival { now, ip, id: tag.id, flow: tag.flow };
    if let Body::Tcp(segment) = body
        && let Some(ends) = segment::ends(&arrival, segment)
        && let Some(slot) = stack.connections.latest(&ends)
    {
        // Segments come in trains. The addresses of a connection were found good when it began.
        return segment::arrives_at(stack, &arrival, slot, segment);
    }
    receive_any(stack, &arrival, body);
}

fn receive_any(stack: &mut Stack, arrival: &Arrival<'_>, body: &Body) {
    let Arrival { ip, id, .. } = *arrival;
    // A segment to all hosts is dropped without an answer (RFC 9293 §3.9.2.3, MUST-57): no such address is local. Nor is
    // one answered that nobody can have sent (MUST-63; RFC 1122 §3.2.1.3: loopback addresses stay inside a host).
    if !stack.paths.is_local(ip.destination) {
        return stack.dropped(id, DropReason::ForeignDestination);
    }
    if !is_unicast(ip.source) || (ip.source.is_loopback() && !ip.destination.is_loopback()) {
        return stack.dropped(id, DropReason::BadSource);
    }
    match body {
        Body::Tcp(segment) => segment::arrives(stack, arrival, segment),
        Body::Udp(datagram) => datagram_arrives(stack, arrival, datagram),
        Body::Icmp(message) => message_arrives(stack, arrival, message),
        Body::Raw(_) => stack.dropped(id, DropReason::Malformed),
    }
}

/// RFC 768; a port that nobody has is answered with an error (RFC 1122 §4.1.3.1).
fn datagram_arrives(stack: &mut Stack, arrival: &Arrival<'_>, datagram: &Datagram) {
    let from = (arrival.ip.source, datagram.source_port).into();
    let local = (arrival.ip.destination, datagram.destination_port).into();
    let Some(fd) = udp_socket(stack, local, from) else {
        stack.dropped(arrival.id, DropReason::NoSocket);
        // Nothing is said about a port from which nobody can have sent.
        if datagram.source_port != 0 {
            let about = Packet { ip: *arrival.ip, body: Body::Udp(datagram.clone()), tag: Tag::default() };
            let message = IcmpMessage::quoting(icmp::port_unreachable(arrival.ip.destination), &about);
            reply(stack, arrival, message, Reason::IcmpError);
        }
        return;
    };
    let Ok(Socket::Udp(socket)) = stack.descriptors.get_mut(fd) else { panic!("a UDP socket is bound") };
    let received = Received { from, payload: datagram.payload.clone(), flow: arrival.flow };
    match socket.deliver(received) {
        Ok(()) => stack.announce(fd),
        Err(reason) => stack.dropped(arrival.id, reason),
    }
}

/// The UDP socket for a datagram: one that is connected to its source before one that is not connected.
fn udp_socket(stack: &mut Stack, local: std::net::SocketAddr, from: std::net::SocketAddr) -> Option<Fd> {
    let sole = stack.udp.sockets.sole(local);
    let peer = |fd: Fd| match stack.descriptors.get(fd) {
        Ok(Socket::Udp(socket)) => socket.peer,
        _ => panic!("a UDP socket is bound"),
    };
    if let Some(fd) = sole {
        return peer(fd).is_none_or(|peer| peer == from).then_some(fd);
    }
    let sockets = || stack.udp.sockets.at(local);
    sockets().find(|&fd| peer(fd) == Some(from)).or_else(|| sockets().find(|&fd| peer(fd).is_none()))
}

/// RFC 792, 4443: an echo is answered, an error goes to what caused it.
fn message_arrives(stack: &mut Stack, arrival: &Arrival<'_>, message: &IcmpMessage) {
    match message.kind {
        IcmpKind::EchoRequest { identifier, sequence } => {
            let kind = IcmpKind::EchoReply { identifier, sequence };
            reply(stack, arrival, IcmpMessage { kind, body: message.body.clone() }, Reason::EchoReply);
        }
        IcmpKind::DestinationUnreachable { .. }
        | IcmpKind::PacketTooBig { .. }
        | IcmpKind::TimeExceeded { .. }
        | IcmpKind::ParameterProblem { .. } => icmp::error_arrives(stack, arrival, message),
        // Source quench is ignored (RFC 9293 §3.9.2.2, MUST-55; RFC 6633 §3).
        IcmpKind::SourceQuench | IcmpKind::EchoReply { .. } | IcmpKind::Other { .. } => {
            stack.dropped(arrival.id, DropReason::UnmatchedIcmp);
        }
    }
}

/// Sends an ICMP message back.
fn reply(stack: &mut Stack, arrival: &Arrival<'_>, message: IcmpMessage, reason: Reason) {
    let tag = Tag { cause: arrival.cause(), flow: arrival.flow, reason, ..Tag::default() };
    let packet = stack.packet(arrival.back(), Body::Icmp(message), tag);
    stack.outbox.push_packet(packet);
}

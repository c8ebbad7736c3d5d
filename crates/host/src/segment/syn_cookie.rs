//! A listener without room: SYNs are answered by cookies, and ACKs that bring one back make a connection (RFC 4987 §3.6).

use faultwire_tcp::{self as tcp, Connection, Embryo};
use faultwire_wire::{Flags, Segment, Seq};

use crate::connections::{Body, PortShare};
use crate::demux::Ends;
use crate::descriptor::Fd;
use crate::event::DropReason;
use crate::life;
use crate::segment::{LEAST_MTU, child_sharing, embryo, half_open_entry, listener};
use crate::stack::{Arrival, Stack};

/// A SYN is answered, and nothing of it is kept.
pub(super) fn answer(stack: &mut Stack, arrival: &Arrival<'_>, fd: Fd, ends: &Ends, syn: &Segment) {
    let now = arrival.now;
    let embryo = embryo(stack, arrival, fd, ends, syn, Seq(0));
    let cookies = &mut stack.syn_cookies;
    let mut embryo = embryo.into_stateless(now, |data| cookies.issue(now, ends, syn.seq, data));
    if let Some(outgoing) = embryo.transmit(now) {
        let packet = stack.segment_packet(ends, arrival.flow, outgoing);
        stack.outbox.push_packet(packet);
    }
}

/// An ACK of no connection: a connection if it brings a cookie back. Says whether it is dealt with.
pub(super) fn accept(
    stack: &mut Stack,
    arrival: &Arrival<'_>,
    fd: Fd,
    ends: &Ends,
    segment: &Segment,
) -> bool {
    let bears = segment.flags.contains(Flags::ACK) && !segment.flags.intersects(Flags::SYN | Flags::RST);
    if !bears || !listener(stack, fd).expects_cookies(arrival.now) {
        return false;
    }
    let Some(data) = stack.syn_cookies.check(arrival.now, ends, segment) else { return false };
    let mtu = stack.paths.towards(arrival.ip.source, arrival.now).map_or(LEAST_MTU, |path| path.mtu);
    let mut path = stack.path_info(ends, mtu);
    path.segment_size_limit = listener(stack, fd).options.segment_size_limit();
    path.receive_buffer = listener(stack, fd).options.receive_buffer();
    let (now, cause) = (arrival.now, arrival.cause());
    let Some(embryo) = Embryo::from_cookie(&stack.config.tcp, path, segment, data, now, cause) else {
        return false;
    };
    if listener(stack, fd).is_accept_queue_full() {
        stack.dropped(arrival.id, DropReason::AcceptQueueFull);
        return true;
    }
    let mut connection = Connection::from_embryo(&embryo, segment, now, cause);
    let mut entry = half_open_entry(stack, arrival, fd, *ends, embryo);
    let listener = listener(stack, fd);
    listener.options.clone().apply(&mut connection, now);
    entry.port = Some(PortShare { any_address: false, sharing: child_sharing(listener.hold) });
    let arrived = connection.receive_marked(now, segment, arrival.ip.ecn(), cause);
    assert_eq!(arrived, tcp::Arrival::Handled, "a connection does not begin in TIME-WAIT");
    entry.body = Body::Full(Box::new(connection));
    stack.tcp.ports.take(entry.hold().expect("a port"));
    let slot = stack.connections.insert(entry);
    crate::segment::listener(stack, fd).opened_at_once(slot);
    life::settle(stack, now, slot, cause);
    stack.announce(fd);
    true
}

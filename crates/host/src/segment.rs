//! A segment arrives: demultiplexing, listeners, half-open and TIME-WAIT connections (RFC 9293 §3.10.7).

use faultwire_tcp::{
    self as tcp, Connection, Embryo, EmbryoVerdict, FastOpenCookie, Outgoing, State, SynCookiePolicy,
    TimeWaitVerdict, deferred_timeouts, is_signed, reset_for,
};
use faultwire_wire::{Flags, Reason, Segment, Seq};

use crate::config::ClosedPort;
use crate::connections::{Body, Entry, HalfOpen, Owner, PortShare};
use crate::demux::{Ends, Ports};
use crate::descriptor::{Fd, Socket};
use crate::event::DropReason;
use crate::fast_open::{FastOpenConfig, Verified};
use crate::life;
use crate::listener::{Admission, Listener};
use crate::option::SocketOption;
use crate::port::{Hold, Sharing};
use crate::stack::{Arrival, Stack};

mod syn_cookie;

/// A segment arrived at one of this host's addresses.
pub(crate) fn arrives(stack: &mut Stack, arrival: &Arrival<'_>, segment: &Segment) {
    let Some(ends) = ends(arrival, segment) else { return stack.dropped(arrival.id, DropReason::Malformed) };
    let Some(slot) = stack.connections.find(&ends) else {
        return no_connection(stack, arrival, &ends, segment);
    };
    arrives_at(stack, arrival, slot, segment);
}

/// The ends that a segment names; `None` if the versions of IP differ.
#[inline]
pub(crate) fn ends(arrival: &Arrival<'_>, segment: &Segment) -> Option<Ends> {
    let ports = Ports { local: segment.destination_port, remote: segment.source_port };
    Ends::new(arrival.ip.destination, arrival.ip.source, ports)
}

/// A segment arrived for the connection in `slot`.
#[inline]
pub(crate) fn arrives_at(stack: &mut Stack, arrival: &Arrival<'_>, slot: u32, segment: &Segment) {
    match &mut stack.connections.entry_mut(slot).body {
        Body::Full(connection) => {
            match connection.receive_marked(arrival.now, segment, arrival.ip.ecn(), arrival.cause()) {
                tcp::Arrival::Handled => life::settle(stack, arrival.now, slot, arrival.cause()),
                tcp::Arrival::Reopen { minimum_isn } => reopen(stack, arrival, slot, segment, minimum_isn),
            }
        }
        Body::HalfOpen(_) => half_open(stack, arrival, slot, segment),
        Body::TimeWait(_) => time_wait(stack, arrival, slot, segment),
    }
}

/// RFC 9293 §3.10.7.1 and §3.10.7.2: CLOSED and LISTEN.
fn no_connection(stack: &mut Stack, arrival: &Arrival<'_>, ends: &Ends, segment: &Segment) {
    let listener = stack.listener(ends);
    let opens = segment.flags.contains(Flags::SYN) && !segment.flags.intersects(Flags::ACK | Flags::RST);
    if segment.flags.contains(Flags::SYN | Flags::FIN) {
        let rules = stack.config.tcp.arrival;
        if opens && listener.is_some() && (rules.drop_syn_fin || rules.listener_drops_syn_fin) {
            return stack.dropped(arrival.id, tcp::DropReason::SynFin.into());
        }
    }
    match listener {
        _ if stack.config.tcp.handshake.drop_signed && is_signed(&segment.options) => {
            // Nor is it answered by a RST: that could not be signed.
            stack.dropped(arrival.id, DropReason::UnexpectedSignature);
        }
        Some(fd) if opens => match admits(stack, arrival, fd) {
            Ok(Admission::Entry) => open(stack, arrival, fd, *ends, segment, Predecessor::default()),
            Ok(Admission::Cookie) => syn_cookie::answer(stack, arrival, fd, ends, segment),
            Err(reason) => stack.dropped(arrival.id, reason),
        },
        // What carries neither SYN, ACK nor RST can't be meant for a listener.
        Some(_) if !segment.flags.intersects(Flags::ACK | Flags::RST) => {
            stack.dropped(arrival.id, DropReason::NotForListener);
        }
        Some(fd) if syn_cookie::accept(stack, arrival, fd, ends, segment) => {}
        _ => {
            let reason = if listener.is_some() { DropReason::NotForListener } else { DropReason::ClosedPort };
            stack.dropped(arrival.id, reason);
            let silent = listener.is_none()
                && match stack.config.listen.closed_port {
                    ClosedPort::Resets => false,
                    ClosedPort::IgnoresSyn => segment.flags.contains(Flags::SYN),
                    ClosedPort::IgnoresAll => true,
                };
            if !silent {
                reset(stack, arrival, ends, segment);
            }
        }
    }
}

/// Answers a segment of no connection with a reset unless it is one.
fn reset(stack: &mut Stack, arrival: &Arrival<'_>, ends: &Ends, segment: &Segment) {
    if let Some(reset) = reset_for(segment) {
        let outgoing = Outgoing {
            segment: reset,
            reason: Reason::Reset,
            cause: arrival.cause(),
            stream_offset: 0,
            transmission: 0,
            traffic_class: 0,
        };
        let packet = stack.segment_packet(ends, arrival.flow, outgoing);
        stack.outbox.push_packet(packet);
    }
}

/// What a SYN opens a connection in place of.
#[derive(Default)]
struct Predecessor {
    /// The initial sequence number that its sequence numbers ask for.
    isn: Option<Seq>,
    /// Its TIME-WAIT entry, if it is to come back should the SYN be old.
    suspended: Option<Box<Entry>>,
}

/// A SYN for a listener: SYN-RECEIVED, if there is room.
fn open(
    stack: &mut Stack,
    arrival: &Arrival<'_>,
    fd: Fd,
    ends: Ends,
    segment: &Segment,
    before: Predecessor,
) {
    let now = arrival.now;
    let clock = stack.initial_sequence.choose(now, ends.local(), ends.remote());
    let isn = before.isn.unwrap_or(clock);
    let mut embryo = embryo(stack, arrival, fd, &ends, segment, isn);
    let fast_open = fast_open(stack, arrival, fd, segment);
    if let FastOpening::Cookie(cookie) = fast_open {
        embryo.set_fast_open_cookie(cookie);
    }
    let mut entry = half_open_entry(stack, arrival, fd, ends, embryo);
    let Body::HalfOpen(half_open) = &mut entry.body else { unreachable!("made above") };
    if let FastOpening::Now(cookie) = fast_open {
        let mut connection = Connection::fast_open(&half_open.embryo, segment, cookie, now, arrival.cause());
        let listener = listener(stack, fd);
        listener.options.clone().apply(&mut connection, now);
        entry.port = Some(PortShare { any_address: false, sharing: child_sharing(listener.hold) });
        entry.body = Body::Full(Box::new(connection));
        return open_fast(stack, arrival, fd, entry, before.suspended);
    }
    half_open.suspended = before.suspended;
    listener(stack, fd).opened();
    let slot = stack.connections.insert(entry);
    stack.enqueue(slot);
}

/// What a SYN for the listener `fd` begins.
fn embryo(
    stack: &mut Stack,
    arrival: &Arrival<'_>,
    fd: Fd,
    ends: &Ends,
    segment: &Segment,
    isn: Seq,
) -> Embryo {
    let now = arrival.now;
    let mtu = stack.paths.towards(arrival.ip.source, now).map_or(LEAST_MTU, |path| path.mtu);
    let mut path = stack.path_info(ends, mtu);
    path.segment_size_limit = listener(stack, fd).options.segment_size_limit();
    path.receive_buffer = listener(stack, fd).options.receive_buffer();
    let mut embryo = Embryo::new(&stack.config.tcp, path, segment, isn, now, arrival.cause());
    embryo.set_arrival_codepoint(arrival.ip.ecn());
    let first = stack.config.tcp.retransmission.initial;
    let greatest = stack.config.tcp.retransmission.max;
    let options = &listener(stack, fd).options;
    embryo.set_deferred(deferred_timeouts(options.deferred_seconds(), first, greatest));
    embryo.set_retries(options.syn_count());
    if options.has(SocketOption::NoOptions(true)) {
        embryo.set_no_options(now);
    }
    if let Some(class) = options.traffic_class() {
        embryo.set_traffic_class(class);
    }
    embryo
}

/// The entry of a connection in SYN-RECEIVED that the listener `fd` began; the owner is told.
fn half_open_entry(stack: &mut Stack, arrival: &Arrival<'_>, fd: Fd, ends: Ends, embryo: Embryo) -> Entry {
    let settings = listener(stack, fd).options.settings();
    let entry = Entry {
        ends,
        id: stack.numbering.next_connection(),
        flow: arrival.flow,
        owner: Owner::Listener(fd),
        port: None,
        passive: true,
        established: false,
        connecting: false,
        error: None,
        settings,
        lingers_until: None,
        read_shut: false,
        retired: false,
        queued: false,
        body: Body::HalfOpen(Box::new(HalfOpen { embryo, suspended: None })),
    };
    life::opened(stack, &entry);
    life::changed(stack, &entry, State::Listen, State::SynReceived, arrival.cause());
    entry
}

/// What Fast Open makes of a SYN (RFC 7413 §4.2.2).
#[derive(Clone, Copy, Debug)]
enum FastOpening {
    /// Nothing: the handshake comes first.
    No,
    /// The handshake comes first, and its SYN-ACK brings this cookie.
    Cookie(FastOpenCookie),
    /// The connection is there at once; its SYN-ACK brings a new cookie if the old one will not do much longer.
    Now(Option<FastOpenCookie>),
}

/// As Linux `tcp_try_fastopen`.
fn fast_open(stack: &mut Stack, arrival: &Arrival<'_>, fd: Fd, segment: &Segment) -> FastOpening {
    let modes = stack.config.fast_open;
    let offered = FastOpenCookie::read(&segment.options);
    let wanted = !segment.payload.is_empty() || offered.is_some();
    if !modes.has(FastOpenConfig::SERVER) || !wanted {
        return FastOpening::No;
    }
    let (pending, config) = (stack.fast_open.pending_of(fd), stack.config.listen);
    let host_keys = stack.fast_open.keys();
    let listener = listener(stack, fd);
    if !listener.admits_fast_open(&config, &modes, pending, arrival.now) {
        return FastOpening::No;
    }
    if modes.has(FastOpenConfig::SERVER_WITHOUT_COOKIE)
        || listener.options.has(SocketOption::FastOpenNoCookie(true))
    {
        return FastOpening::Now(None);
    }
    let Some(offered) = offered else { return FastOpening::No };
    let keys = listener.fast_open_keys().unwrap_or(host_keys);
    let (client, server) = (arrival.ip.source, arrival.ip.destination);
    let fresh = keys.issue(client, server, offered.is_experimental());
    match keys.check(&offered, client, server) {
        Some(Verified::Current) => FastOpening::Now(None),
        Some(Verified::Former) => FastOpening::Now(Some(fresh)),
        None => FastOpening::Cookie(fresh),
    }
}

/// A connection that Fast Open made: it can be accepted at once.
fn open_fast(stack: &mut Stack, arrival: &Arrival<'_>, fd: Fd, entry: Entry, suspended: Option<Box<Entry>>) {
    stack.tcp.ports.take(entry.hold().expect("a port"));
    let slot = stack.connections.insert(entry);
    stack.fast_open.opened(slot, fd);
    listener(stack, fd).opened_at_once(slot);
    if let Some(before) = suspended {
        life::end_suspended(stack, &before, arrival.cause());
    }
    life::settle(stack, arrival.now, slot, arrival.cause());
    stack.announce(fd);
}

/// A segment for SYN-RECEIVED.
fn half_open(stack: &mut Stack, arrival: &Arrival<'_>, slot: u32, segment: &Segment) {
    let entry = stack.connections.entry_mut(slot);
    let (ends, flow) = (entry.ends, entry.flow);
    let Body::HalfOpen(half_open) = &mut entry.body else { panic!("slot {slot} is not half-open") };
    match half_open.embryo.receive(arrival.now, segment, arrival.cause()) {
        EmbryoVerdict::Ignore(reason) => {
            stack.dropped(arrival.id, reason.into());
            stack.enqueue(slot);
        }
        EmbryoVerdict::Reply(outgoing) => {
            let packet = stack.segment_packet(&ends, flow, outgoing);
            stack.outbox.push_packet(packet);
            stack.enqueue(slot);
        }
        EmbryoVerdict::Accept => establish(stack, arrival, slot, segment),
        // RFC 9293 §3.10.7.4: the passive side returns to LISTEN and nobody is told.
        EmbryoVerdict::Reset { reply } => {
            if let Some(outgoing) = reply {
                let packet = stack.segment_packet(&ends, flow, outgoing);
                stack.outbox.push_packet(packet);
            }
            life::forget_half_open(stack, slot, State::Listen, arrival.cause());
        }
    }
}

/// The ACK that completes a handshake.
fn establish(stack: &mut Stack, arrival: &Arrival<'_>, slot: u32, segment: &Segment) {
    let entry = stack.connections.entry(slot);
    let ends = entry.ends;
    let Owner::Listener(fd) = entry.owner else { panic!("half-open without a listener") };
    if listener(stack, fd).is_accept_queue_full() {
        stack.dropped(arrival.id, DropReason::AcceptQueueFull);
        if stack.config.listen.abort_on_overflow {
            reset(stack, arrival, &ends, segment);
            life::forget_half_open(stack, slot, State::Closed, arrival.cause());
        }
        return;
    }
    let listener = listener(stack, fd);
    listener.established(slot);
    let sharing = child_sharing(listener.hold);
    let options = listener.options.clone();
    let entry = stack.connections.entry_mut(slot);
    entry.port = Some(PortShare { any_address: false, sharing });
    let hold = entry.hold().expect("a port");
    let Body::HalfOpen(half_open) = &mut entry.body else { panic!("slot {slot} is not half-open") };
    let suspended = half_open.suspended.take();
    let mut connection = Connection::from_embryo(&half_open.embryo, segment, arrival.now, arrival.cause());
    options.apply(&mut connection, arrival.now);
    let arrived = connection.receive_marked(arrival.now, segment, arrival.ip.ecn(), arrival.cause());
    assert_eq!(arrived, tcp::Arrival::Handled, "a connection does not begin in TIME-WAIT");
    entry.body = Body::Full(Box::new(connection));
    stack.tcp.ports.take(hold);
    if let Some(before) = suspended {
        life::end_suspended(stack, &before, arrival.cause());
    }
    life::settle(stack, arrival.now, slot, arrival.cause());
    stack.announce(fd);
}

/// A connection that was accepted inherits `SO_REUSEADDR`, and does not listen.
fn child_sharing(listener: Hold) -> Sharing {
    match listener.sharing {
        Sharing::Listening => Sharing::Reusable,
        sharing => sharing,
    }
}

/// A segment for TIME-WAIT (RFC 9293 §3.10.7.4, RFC 6191, RFC 1337).
fn time_wait(stack: &mut Stack, arrival: &Arrival<'_>, slot: u32, segment: &Segment) {
    let entry = stack.connections.entry_mut(slot);
    let (ends, flow) = (entry.ends, entry.flow);
    let Body::TimeWait(record) = &mut entry.body else { panic!("slot {slot} is not in TIME-WAIT") };
    match record.receive(arrival.now, segment, arrival.cause()) {
        TimeWaitVerdict::Ignore(reason) => {
            stack.dropped(arrival.id, reason.into());
            stack.connections.arm(slot);
        }
        TimeWaitVerdict::Reply(outgoing) => {
            let packet = stack.segment_packet(&ends, flow, outgoing);
            stack.outbox.push_packet(packet);
            stack.connections.arm(slot);
        }
        TimeWaitVerdict::Closed => life::end_time_wait(stack, slot, arrival.cause()),
        TimeWaitVerdict::Reopen { minimum_isn } => reopen(stack, arrival, slot, segment, minimum_isn),
    }
}

/// A SYN that TIME-WAIT lets through to a listener, if there is one with room.
fn reopen(stack: &mut Stack, arrival: &Arrival<'_>, slot: u32, segment: &Segment, isn: Seq) {
    let ends = stack.connections.entry(slot).ends;
    if stack.config.tcp.time_wait.rule == tcp::TimeWaitRule::Bsd {
        // The old connection is over, whatever becomes of the new one.
        give_way(stack, arrival, slot);
        return no_connection(stack, arrival, &ends, segment);
    }
    let Some(fd) = stack.listener(&ends) else {
        stack.dropped(arrival.id, DropReason::ClosedPort);
        return reset(stack, arrival, &ends, segment);
    };
    // The peer is known: for it there is room, except in the accept queue, and no cookie (as in Linux).
    let by_cookies = stack.config.tcp.handshake.syn_cookies != SynCookiePolicy::Never;
    let refused = if by_cookies {
        listener(stack, fd).is_accept_queue_full().then_some(DropReason::AcceptQueueFull)
    } else {
        admits(stack, arrival, fd).err()
    };
    if let Some(reason) = refused {
        return stack.dropped(arrival.id, reason);
    }
    let suspended = give_way(stack, arrival, slot);
    if segment.flags.contains(Flags::FIN) && stack.config.tcp.arrival.listener_drops_syn_fin {
        // Linux: TIME-WAIT has given way before the listener drops it.
        return stack.dropped(arrival.id, tcp::DropReason::SynFin.into());
    }
    open(stack, arrival, fd, ends, segment, Predecessor { isn: Some(isn), suspended });
}

/// TIME-WAIT ends for a new connection between the same ends; it is given back if it may have to be resumed.
fn give_way(stack: &mut Stack, arrival: &Arrival<'_>, slot: u32) -> Option<Box<Entry>> {
    let compact = matches!(stack.connections.entry(slot).body, Body::TimeWait(_));
    if !compact {
        // A descriptor still has it: the descriptor keeps what can be read.
        stack.connections.full_mut(slot).abort(arrival.now);
        life::settle(stack, arrival.now, slot, arrival.cause());
        None
    } else if stack.config.tcp.time_wait.resume {
        Some(Box::new(stack.connections.remove(slot)))
    } else {
        life::end_time_wait(stack, slot, arrival.cause());
        None
    }
}

fn admits(stack: &mut Stack, arrival: &Arrival<'_>, fd: Fd) -> Result<Admission, DropReason> {
    let (config, cookies) = (stack.config.listen, stack.config.tcp.handshake.syn_cookies);
    listener(stack, fd).admits_syn(&config, cookies, arrival.now)
}

/// The listener behind `fd`, which must be one.
pub(crate) fn listener(stack: &mut Stack, fd: Fd) -> &mut Listener {
    match stack.descriptors.get_mut(fd) {
        Ok(Socket::Listener(listener)) => listener,
        other => panic!("{fd} is no listener but {other:?}"),
    }
}

/// What every link of IPv4 carries (RFC 9293 §3.7.1: 576 octets is what every host accepts), for a peer to which there
/// is no route: the SYN-ACK then goes the way that the SYN came.
const LEAST_MTU: u32 = 576;

//! The life of a connection in its table: opened, woken, transmitting, closed, TIME-WAIT, gone; and what the owner is
//! told of it.

use faultwire_base::Instant;
use faultwire_tcp::{Envelope, Event, FastOpenNews, SoftError, State};
use faultwire_wire::{Cause, Packet, TimerKind};

use crate::connections::{Body, Entry, Owner, SocketSettings};
use crate::errno::Errno;
use crate::event::HostEvent;
use crate::port::Sharing;
use crate::report::ConnectionReport;
use crate::segment::listener;
use crate::stack::{Parcel, Sender, Stack};

/// Tells of a new connection.
pub(crate) fn opened(stack: &mut Stack, entry: &Entry) {
    stack.events.push_back(HostEvent::ConnectionOpened {
        connection: entry.id,
        flow: entry.flow,
        local: entry.ends.local(),
        remote: entry.ends.remote(),
        passive: entry.passive,
    });
}

/// Tells of a change of state.
pub(crate) fn changed(stack: &mut Stack, entry: &Entry, from: State, to: State, cause: Cause) {
    let (connection, flow, fd) = (entry.id, entry.flow, entry.fd());
    stack.events.push_back(HostEvent::StateChanged { connection, flow, fd, from, to, cause });
}

/// After anything was done to a full connection: passes on what it tells and gives it a turn to transmit. A connection
/// that is closed now transmits what it has left at once, so that its ends are free for the next one.
#[inline]
pub(crate) fn settle(stack: &mut Stack, now: Instant, slot: u32, cause: Cause) {
    let entry = stack.connections.entry_mut(slot);
    let Body::Full(connection) = &mut entry.body else { panic!("slot {slot} is not full") };
    if connection.is_closed() {
        tell(stack, now, slot, cause);
        flush(stack, now, slot);
        return close(stack, slot);
    }
    if connection.has_rare_event() {
        tell(stack, now, slot, cause);
        return stack.enqueue(slot);
    }
    let mut ready = connection.take_readiness();
    let owner = entry.owner;
    if !entry.queued {
        if connection.has_nothing_to_transmit(now) {
            // A writer is told of room only then.
            ready |= connection.take_readiness();
            let deadline = connection.deadline();
            if let Some(deadline) = deadline {
                stack.connections.arm_at(slot, deadline);
            }
        } else {
            entry.queued = true;
            stack.outbox.push_slot(slot);
        }
    }
    if let (true, Owner::Descriptor(fd)) = (ready, owner) {
        stack.announce(fd);
    }
}

/// Passes on what the full connection in `slot` tells.
#[inline(never)]
pub(crate) fn tell(stack: &mut Stack, now: Instant, slot: u32, cause: Cause) {
    while let Some(event) = stack.connections.full_mut(slot).event() {
        pass_on(stack, now, slot, cause, event);
    }
}

/// What a connection learned of Fast Open is for all later ones.
fn take_fast_open_news(stack: &mut Stack, now: Instant, slot: u32) {
    let ends = stack.connections.entry(slot).ends;
    let peer = ends.remote().ip();
    match stack.connections.full_mut(slot).take_fast_open_news() {
        Some(FastOpenNews::Answered(answer)) => {
            if stack.config.tcp.handshake.bsd_sockets {
                let path = (ends.local().ip(), ends.remote());
                stack.fast_open.learn_on(&stack.config.fast_open, now, path, &answer);
            }
            stack.fast_open.learn(peer, &answer);
        }
        Some(FastOpenNews::BlackHole) => stack.fast_open.distrust(&stack.config.fast_open, now),
        None => {}
    }
}

/// A change of state: the handshake of a connection that Fast Open made is complete or has failed, or data came through
/// to the end of one that a client opened so.
fn fast_open_settled(stack: &mut Stack, now: Instant, slot: u32, to: State) {
    let connection = stack.connections.full(slot);
    if matches!(to, State::TimeWait | State::Closed)
        && connection.tried_fast_open()
        && connection.counters().bytes_delivered > 0
    {
        stack.fast_open.trust(&stack.config.fast_open, now);
    }
    if let Some(fd) = stack.fast_open.settled(slot)
        && to == State::Closed
        && matches!(stack.connections.entry(slot).owner, Owner::Descriptor(_))
    {
        listener(stack, fd).fast_open_reset(now);
    }
}

fn pass_on(stack: &mut Stack, now: Instant, slot: u32, cause: Cause, event: Event) {
    let entry = stack.connections.entry_mut(slot);
    let (connection, flow, fd) = (entry.id, entry.flow, entry.fd());
    match event {
        Event::StateChanged { from, to } => {
            entry.established |= to == State::Established;
            stack.events.push_back(HostEvent::StateChanged { connection, flow, fd, from, to, cause });
            // A connection that Fast Open made may be closed here while its handshake goes on.
            if to != State::FinWait1 || from != State::SynReceived {
                fast_open_settled(stack, now, slot, to);
            }
            if to == State::SynSent {
                return;
            }
        }
        Event::Error(error) => {
            let error = Errno::from(error);
            entry.error = Some(error);
            stack.events.push_back(HostEvent::ConnectionFailed { connection, error });
        }
        Event::Dropped(reason) => {
            if let Cause::Arrival(packet) = cause {
                stack.dropped(packet, reason.into());
            }
            return;
        }
        Event::SoftError(error) => {
            stack.events.push_back(HostEvent::SoftError { connection, error });
            report_soft_error(stack, slot, error);
        }
        Event::Urgent { remaining } => stack.events.push_back(HostEvent::Urgent { connection, remaining }),
        Event::FastOpen => return take_fast_open_news(stack, now, slot),
        Event::Readable | Event::Writable => {}
    }
    if let Some(fd) = fd {
        stack.announce(fd);
    }
}

/// As the kernel: an ICMP error becomes the pending error of a socket with `IP_RECVERR`, and of no other (RFC 9293
/// §3.9.1.8: MUST-47, SHLD-20).
fn report_soft_error(stack: &mut Stack, slot: u32, error: SoftError) {
    if let SoftError::Unreachable(error) = error
        && stack.connections.full(slot).error_reports()
    {
        stack.connections.entry_mut(slot).error = Some(error.into());
    }
}

/// A wake-up that was asked for: runs the timers that are due, or asks again if they were put off.
pub(crate) fn wake(stack: &mut Stack, now: Instant, slot: u32) {
    let Some(deadline) = stack.connections.entry(slot).body.deadline() else { return };
    if deadline > now {
        return stack.connections.arm(slot);
    }
    match &mut stack.connections.entry_mut(slot).body {
        Body::Full(connection) => {
            let timer = match connection.state() {
                State::TimeWait => TimerKind::TimeWait,
                State::FinWait2 => TimerKind::FinWait2,
                _ if connection.is_busy() => TimerKind::Retransmission,
                _ => TimerKind::KeepAlive,
            };
            connection.advance(now);
            settle(stack, now, slot, Cause::Timer(timer));
        }
        Body::HalfOpen(half_open) => {
            half_open.embryo.advance(now);
            if half_open.embryo.is_dead() {
                forget_half_open(stack, slot, State::Closed, Cause::Timer(TimerKind::Retransmission));
            } else {
                stack.enqueue(slot);
            }
        }
        Body::TimeWait(_) => end_time_wait(stack, slot, Cause::Timer(TimerKind::TimeWait)),
    }
}

/// Puts the next packet of the connection in `slot` into `packet` and says whether there was one; without one, its
/// turn is over and its deadline is armed.
#[inline]
pub(crate) fn transmit(stack: &mut Stack, now: Instant, slot: u32, packet: &mut Packet) -> bool {
    let Some(entry) = stack.connections.get_mut(slot) else { return false };
    let (ends, flow) = (&entry.ends, entry.flow);
    let mut sender = Sender { hop_limit: stack.hop_limit, numbering: &mut stack.numbering };
    let mut ready = false;
    match &mut entry.body {
        Body::Full(connection) => {
            if connection.transmit_in(now, Parcel { packet, sender: &mut sender, ends, flow }).is_some() {
                entry.settings.fill_in(packet);
                return true;
            }
            // What was sent has made room for a writer.
            ready = connection.take_readiness();
        }
        Body::HalfOpen(half_open) => {
            if let Some(outgoing) = half_open.embryo.transmit(now) {
                Parcel { packet, sender: &mut sender, ends, flow }.close(outgoing);
                entry.settings.fill_in(packet);
                return true;
            }
        }
        Body::TimeWait(_) => {}
    }
    entry.queued = false;
    let fd = entry.fd().filter(|_| ready);
    if entry.owner == Owner::Nobody && entry.is_full_in_time_wait() {
        compact(stack, slot);
    } else if let Some(deadline) = entry.body.deadline() {
        stack.connections.arm_at(slot, deadline);
    }
    if let Some(fd) = fd {
        stack.announce(fd);
    }
    false
}

impl SocketSettings {
    /// What the socket says about the header of its packets (MUST-48, MUST-49).
    #[inline]
    fn fill_in(&self, packet: &mut Packet) {
        if let Some(hops) = self.hop_limit {
            packet.ip.hop_limit = hops;
        }
    }
}

/// TIME-WAIT of nobody goes on as a compact entry.
#[cold]
fn compact(stack: &mut Stack, slot: u32) {
    let summary = ConnectionReport::of(stack.connections.entry(slot));
    stack.connections.compact(slot);
    gone(stack, summary);
    stack.connections.arm(slot);
}

/// Transmits everything that a connection has, into finished packets.
fn flush(stack: &mut Stack, now: Instant, slot: u32) {
    while let Some(outgoing) = stack.connections.full_mut(slot).transmit(now) {
        let entry = stack.connections.entry(slot);
        let (ends, flow, settings) = (entry.ends, entry.flow, entry.settings);
        let mut packet = stack.segment_packet(&ends, flow, outgoing);
        settings.fill_in(&mut packet);
        stack.outbox.push_packet(packet);
    }
}

/// A full connection reached CLOSED: nothing arrives for it any more. Its descriptor, or the accept queue that it is
/// in, keeps it.
fn close(stack: &mut Stack, slot: u32) {
    stack.connections.retire(slot);
    let entry = stack.connections.entry_mut(slot);
    // A port that connect chose is free at once; one that was bound stays with the descriptor.
    if let Some(hold) = entry.hold().filter(|hold| hold.sharing == Sharing::Connected) {
        entry.port = None;
        stack.tcp.ports.give_back(hold);
    }
    let entry = stack.connections.entry(slot);
    match entry.owner {
        Owner::Nobody => remove(stack, slot),
        // RFC 9293 §3.10.7.4, MUST-11: nobody knew of it, and nobody needs to.
        Owner::Listener(fd) if !entry.established && stack.config.tcp.handshake.forget_reset_child => {
            listener(stack, fd).withdraw(slot);
            remove(stack, slot);
        }
        _ => {}
    }
}

/// Removes a full connection for good and tells its last counters.
pub(crate) fn remove(stack: &mut Stack, slot: u32) {
    let summary = ConnectionReport::of(stack.connections.entry(slot));
    take_out(stack, slot);
    gone(stack, summary);
}

fn gone(stack: &mut Stack, summary: ConnectionReport) {
    let event = HostEvent::ConnectionGone { connection: summary.connection, summary: Box::new(summary) };
    stack.events.push_back(event);
}

/// Removes an entry and gives its port back.
fn take_out(stack: &mut Stack, slot: u32) -> Entry {
    let entry = stack.connections.remove(slot);
    if let Some(hold) = entry.hold() {
        stack.tcp.ports.give_back(hold);
    }
    entry
}

/// The end of a TIME-WAIT entry.
pub(crate) fn end_time_wait(stack: &mut Stack, slot: u32, cause: Cause) {
    let entry = take_out(stack, slot);
    changed(stack, &entry, State::TimeWait, State::Closed, cause);
}

/// A connection in TIME-WAIT ends early and in silence.
pub(crate) fn drop_time_wait(stack: &mut Stack, now: Instant, slot: u32, cause: Cause) {
    match &mut stack.connections.entry_mut(slot).body {
        Body::Full(connection) => {
            connection.abort(now);
            settle(stack, now, slot, cause);
        }
        Body::TimeWait(_) => end_time_wait(stack, slot, cause),
        Body::HalfOpen(_) => unreachable!("it is in TIME-WAIT"),
    }
}

/// The end of a TIME-WAIT entry whose place a new connection took.
pub(crate) fn end_suspended(stack: &mut Stack, entry: &Entry, cause: Cause) {
    if let Some(hold) = entry.hold() {
        stack.tcp.ports.give_back(hold);
    }
    changed(stack, entry, State::TimeWait, State::Closed, cause);
}

/// The end of a half-open connection whose listener lives.
pub(crate) fn forget_half_open(stack: &mut Stack, slot: u32, to: State, cause: Cause) {
    let Owner::Listener(fd) = stack.connections.entry(slot).owner else {
        panic!("half-open without a listener")
    };
    listener(stack, fd).forgot();
    remove_half_open(stack, slot, to, cause);
}

/// The end of a half-open connection. What it took the place of comes back.
pub(crate) fn remove_half_open(stack: &mut Stack, slot: u32, to: State, cause: Cause) {
    let entry = take_out(stack, slot);
    changed(stack, &entry, State::SynReceived, to, cause);
    let Body::HalfOpen(half_open) = entry.body else { panic!("slot {slot} is not half-open") };
    if let Some(suspended) = half_open.suspended {
        let slot = stack.connections.insert(*suspended);
        stack.connections.arm(slot);
    }
}

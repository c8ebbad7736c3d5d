//! What a socket or a connection waits for, in words, for a person who asks why nothing goes on.

use std::net::SocketAddr;

use faultwire_base::Instant;
use faultwire_tcp::Connection;
use faultwire_wire::TimerKind;

use crate::connections::{Body, Entry};
use crate::descriptor::{Fd, Socket};
use crate::stack::Stack;

pub(crate) fn describe(stack: &Stack, fd: Fd) -> String {
    match stack.descriptors.get(fd) {
        Ok(Socket::Unconnected(_)) => "not connected".into(),
        Ok(Socket::Listener(listener)) => {
            let (waiting, half_open) = listener.lengths();
            format!("listening, with {waiting} connections to accept and {half_open} half-open")
        }
        Ok(Socket::Udp(socket)) => format!("a UDP socket with {} datagrams to read", socket.queued()),
        Ok(&Socket::Stream(slot)) => of_connection(stack.connections.full(slot)),
        Err(errno) => errno.to_string(),
    }
}

/// The latest connection between these ends, if there is one.
pub(crate) fn between(stack: &Stack, local: SocketAddr, remote: SocketAddr) -> Option<String> {
    let is_it = |entry: &&Entry| entry.ends.local() == local && entry.ends.remote() == remote;
    let entry =
        stack.connections.iter().map(|(_, entry)| entry).filter(is_it).max_by_key(|entry| entry.id)?;
    Some(match &entry.body {
        Body::Full(connection) => of_connection(connection),
        Body::HalfOpen(_) => format!("half-open ({})", entry.body.state()),
        Body::TimeWait(time_wait) => format!("{} until {}", entry.body.state(), time_wait.deadline()),
    })
}

/// State, what waits in which direction and the windows it waits for, timers; what is zero and means nothing is left out.
fn of_connection(connection: &Connection) -> String {
    let info = connection.info();
    let (unacknowledged, unsent) = connection.send_sequence_space();
    let mut parts = vec![connection.state().to_string()];
    for (octets, what) in [
        (connection.readable(), "octets to read"),
        (connection.octets_ahead(), "octets beyond a gap"),
        (unacknowledged - unsent, "in flight"),
        (unsent, "to send"),
    ] {
        if octets > 0 {
            parts.push(format!("{octets} {what}"));
        }
    }
    if unacknowledged > 0 {
        parts.push(format!("peer's window {}", info.send_window));
        parts.push(format!("congestion window {}", info.congestion_window));
    }
    parts.push(format!("own window {}", info.receive_window));
    parts.push(timers(&connection.armed_timers()));
    parts.join(", ")
}

fn timers(armed: &[(TimerKind, Instant)]) -> String {
    if armed.is_empty() {
        return "no timer runs".into();
    }
    let each: Vec<String> = armed.iter().map(|&(timer, at)| format!("{} at {at}", name(timer))).collect();
    format!("timers: {}", each.join(", "))
}

fn name(timer: TimerKind) -> &'static str {
    match timer {
        TimerKind::Retransmission => "retransmission",
        TimerKind::Persist => "zero-window probe",
        TimerKind::DelayedAck => "delayed ACK",
        TimerKind::KeepAlive => "keep-alive",
        TimerKind::TimeWait => "TIME_WAIT",
        TimerKind::FinWait2 => "FIN_WAIT_2",
        TimerKind::User => "giving up",
        TimerKind::SillyWindow => "short segment",
        TimerKind::Reordering => "reordering",
        TimerKind::TailLossProbe => "tail loss probe",
        TimerKind::Pacing => "pacing",
    }
}

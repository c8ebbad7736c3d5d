//! What can be said about one connection, while it lives and at its end.

use std::net::SocketAddr;

use faultwire_tcp::{Counters, Info, State};
use faultwire_wire::Flow;

use crate::connections::{Body, Entry};
use crate::descriptor::Fd;
use crate::numbering::ConnectionId;

/// One connection.
#[derive(Clone, Debug)]
pub struct ConnectionReport {
    /// Its number.
    pub connection: ConnectionId,
    /// The conversation.
    pub flow: Flow,
    /// Its end here.
    pub local: SocketAddr,
    /// Its other end.
    pub remote: SocketAddr,
    /// Whether the peer opened it.
    pub passive: bool,
    /// Its descriptor, if it has one.
    pub fd: Option<Fd>,
    /// Its state.
    pub state: State,
    /// What a full connection knows; nothing for a half-open one or a compact TIME-WAIT entry.
    pub detail: Option<ConnectionDetail>,
}

/// What a full connection knows.
#[derive(Clone, Debug)]
pub struct ConnectionDetail {
    /// The state of its protocol rooms (the TCP half of `tcp_info`).
    pub info: Info,
    /// What it counted.
    pub counters: Counters,
    /// Octets of heap that it holds, payload that others share apart.
    pub heap_octets: u64,
}

impl ConnectionReport {
    pub(crate) fn of(entry: &Entry) -> Self {
        let detail = match &entry.body {
            Body::Full(connection) => Some(ConnectionDetail {
                info: connection.info(),
                counters: connection.counters(),
                heap_octets: connection.heap_octets() as u64,
            }),
            Body::HalfOpen(_) | Body::TimeWait(_) => None,
        };
        Self {
            connection: entry.id,
            flow: entry.flow,
            local: entry.ends.local(),
            remote: entry.ends.remote(),
            passive: entry.passive,
            fd: entry.fd(),
            state: entry.body.state(),
            detail,
        }
    }
}

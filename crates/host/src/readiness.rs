//! Readiness: what a call on a descriptor would find now, as a level.

/// What a call would find now; nothing here waits (poll's levels, as `tcp_poll` gives them).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// A read, or an accept, would not have to wait: data, a connection, end of file or an error (`POLLIN`).
    pub readable: bool,
    /// A write would not have to wait: room, or an error (`POLLOUT`).
    pub writable: bool,
    /// Urgent data waits to be read (`POLLPRI`).
    pub priority: bool,
    /// The peer has closed its side, or nothing is read any more (`POLLRDHUP`).
    pub read_hangup: bool,
    /// An error waits to be taken (`POLLERR`).
    pub error: bool,
    /// Both directions are closed (`POLLHUP`).
    pub hangup: bool,
}

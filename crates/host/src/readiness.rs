//! Readiness: what a call on a descriptor would find now, as a level.

/// What a call would find now; nothing here waits (poll's `POLLIN`, `POLLOUT`, `POLLERR`, `POLLHUP`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// A read, or an accept, would not have to wait: data, a connection, end of file or an error.
    pub readable: bool,
    /// A write would not have to wait: room, or an error.
    pub writable: bool,
    /// An error waits to be taken.
    pub error: bool,
    /// Both directions are closed.
    pub hangup: bool,
}

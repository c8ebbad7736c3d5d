//! What apps ask of their host, call by call, with the results: what a script of system calls is made of.

use faultwire_host::{Errno, Fd, How, OptionName, SocketOption};
use faultwire_tcp::WriteFlags;

/// A system call of an app on a TCP socket and what it returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The descriptor; for [`CallKind::Socket`] and [`CallKind::Accept`] the new one.
    pub fd: Fd,
    /// What was asked for.
    pub kind: CallKind,
    /// What it returned: 0, octets, or the value of an option.
    pub result: Result<i64, Errno>,
}

/// Which call. No app of an experiment is ever blocked in one: it calls again when there is something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// `socket`.
    Socket,
    /// `setsockopt`.
    SetOption(SocketOption),
    /// `getsockopt`.
    Option(OptionName),
    /// `getsockopt` of `SO_ERROR`, and what it told.
    TakeError(Option<Errno>),
    /// `bind` to this port.
    Bind(u16),
    /// `listen` with this backlog.
    Listen(u32),
    /// `connect`.
    Connect,
    /// `accept`.
    Accept {
        /// The listening socket.
        listener: Fd,
    },
    /// `send`, `write`.
    Send {
        /// Octets offered.
        octets: u64,
        /// How they are sent.
        flags: WriteFlags,
    },
    /// `recv`, `read`.
    Receive {
        /// Octets asked for.
        octets: u64,
        /// Whether they stay (`MSG_PEEK`).
        peek: bool,
    },
    /// `shutdown`.
    Shutdown(How),
    /// `close`.
    Close,
    /// A close with a reset: `SO_LINGER` with a time of zero before it.
    Abort,
}

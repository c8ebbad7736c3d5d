//! The verbs of apps: what one step does.

use std::net::SocketAddr;

use faultwire_base::{BitRate, ByteCount, Duration};
use faultwire_host::{Errno, OptionName, SocketOption};
use faultwire_link::NameId;
use faultwire_tcp::{State, WriteFlags};

/// One step of an app.
#[derive(Clone, Debug)]
pub struct StepPlan {
    /// What to do.
    pub step: Step,
    /// The errno it must end with; `None`: it must succeed.
    pub fails: Option<Errno>,
}

/// The verbs (closed set). `on` is the socket; `as` names a new one. Names are per host.
#[derive(Clone, Debug)]
pub enum Step {
    /// Opens a listening TCP socket, or binds a UDP socket.
    Listen {
        /// Local port.
        port: u16,
        /// UDP instead of TCP.
        udp: bool,
        /// Accept queue limit (TCP).
        backlog: u32,
        /// Name of the socket.
        name: NameId,
        /// IPv6 socket.
        ipv6: bool,
    },
    /// Opens a TCP connection and waits until it is established; or connects a UDP socket.
    Connect {
        /// Where to.
        to: SocketAddr,
        /// Local port, else ephemeral.
        from_port: Option<u16>,
        /// UDP instead of TCP.
        udp: bool,
        /// Whether to go on without waiting for the handshake.
        no_wait: bool,
        /// Name of the socket.
        name: NameId,
        /// Options set before connecting.
        options: Vec<SocketOption>,
    },
    /// Takes a connection from the listener and names it.
    Accept {
        /// The listening socket.
        on: NameId,
        /// Name of the connection.
        name: NameId,
    },
    /// Writes that many octets of the connection's generated stream.
    Write {
        /// The socket.
        on: NameId,
        /// How much.
        size: ByteCount,
        /// Pace of the writer, if slower than the socket.
        rate: Option<BitRate>,
        /// How it is sent.
        flags: WriteFlags,
    },
    /// Reads and checks.
    Read {
        /// The socket.
        on: NameId,
        /// Until when.
        until: ReadUntil,
        /// Pace of the reader, if slower than the socket.
        rate: Option<BitRate>,
        /// Waits until so much is there, checks it and leaves it unread.
        peek: bool,
    },
    /// Waits for a level or state of a socket.
    Wait {
        /// The socket.
        on: NameId,
        /// For what.
        until: WaitUntil,
    },
    /// Waits.
    Sleep {
        /// How long.
        time: Duration,
    },
    /// Sets a socket option.
    SetSocketOption {
        /// The socket.
        on: NameId,
        /// Option and value.
        option: SocketOption,
    },
    /// Reads a socket option, which must have this value.
    GetSocketOption {
        /// The socket.
        on: NameId,
        /// Which.
        name: OptionName,
        /// What it must be, in the kernel's units.
        value: i64,
    },
    /// Ends one or both directions.
    Shutdown {
        /// The socket.
        on: NameId,
        /// Which.
        how: Direction,
    },
    /// Closes the descriptor.
    Close {
        /// The socket.
        on: NameId,
    },
    /// Closes with a reset.
    Abort {
        /// The socket.
        on: NameId,
    },
    /// Sends datagrams.
    SendTo {
        /// The socket; opened (with an ephemeral port or `from_port`) when it does not exist yet.
        on: NameId,
        /// Local port when the step opens the socket.
        from_port: Option<u16>,
        /// Destination.
        to: SocketAddr,
        /// Payload of each.
        size: ByteCount,
        /// How many.
        count: u64,
        /// Time from one to the next.
        interval: Duration,
    },
    /// Receives datagrams.
    RecvFrom {
        /// The socket.
        on: NameId,
        /// How many; `None`: until `within` is over.
        count: Option<u64>,
        /// For how long at most; running out is the errno ETIMEDOUT, unless `count` is `None`.
        within: Option<Duration>,
        /// Whether to send each datagram back.
        echo: bool,
    },
    /// Goes back to step `to` until it has been passed `times` times (shorthands only).
    Repeat {
        /// Index of the step to go back to.
        to: u32,
        /// Total passes.
        times: u64,
    },
}

/// Which direction a shutdown ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// No more reading.
    Read,
    /// No more writing: sends a FIN.
    Write,
    /// Both.
    Both,
}

/// How long a read goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadUntil {
    /// This many octets more.
    Bytes(ByteCount),
    /// The peer's FIN.
    Eof,
}

/// What a wait waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitUntil {
    /// A connection state.
    State(State),
    /// Data or end of file to read.
    Readable,
    /// Room to write.
    Writable,
    /// Urgent data to read.
    Priority,
    /// The peer has closed its side.
    ReadHangup,
    /// Both directions are closed.
    Hangup,
    /// An error on the socket.
    Error,
    /// Everything written has been acknowledged.
    Drained,
}

//! The socket calls, with the kernel's meaning; none of them waits.

mod describe;
mod finish;
mod open;
mod query;
mod transfer;
mod urgent;

use faultwire_wire::Payload;

pub(crate) use describe::{between, describe};
pub(crate) use finish::{abort, close, lingers_until, shutdown};
pub(crate) use open::{
    accept, bind, connect, connect_fast_open, disconnect, listen, send_fast_open, socket, writer_waits,
};
pub(crate) use query::{
    connection, datagram_flow, info, info_at, is_drained, local_address, option, peer_address, poll,
    queue_lengths, queued, readiness, set_fast_open_keys, set_option, take_error,
};
pub(crate) use transfer::{is_drained_by_reading, peek, receive, receive_from, send, send_to};
pub(crate) use urgent::{flush, receive_urgent, send_urgent, urgent_remaining};

/// What kind of socket is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketKind {
    /// `SOCK_STREAM`.
    Tcp,
    /// `SOCK_DGRAM`.
    Udp,
}

/// Which directions a shutdown ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// No more reading: `SHUT_RD`.
    Read,
    /// No more writing: `SHUT_WR`.
    Write,
    /// Both: `SHUT_RDWR`.
    Both,
}

/// What waits in the queues of a connection, in octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queued {
    /// To be read (`SIOCINQ`).
    pub unread: u64,
    /// Written and not acknowledged, a FIN included (`SIOCOUTQ`).
    pub unacknowledged: u64,
    /// Of these: not sent (`SIOCOUTQNSD`).
    pub unsent: u64,
    /// The reader stands at the urgent mark (`SIOCATMARK`): behind urgent data, or in the kernels before its last octet.
    pub at_mark: bool,
}

/// What a read gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// The next octets of a stream, one run of one kind, or one datagram.
    Data(Payload),
    /// The peer's FIN was reached.
    Eof,
}

/// What a read of a datagram gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedFrom {
    /// Who sent it.
    pub from: std::net::SocketAddr,
    /// Its data, cut to what was asked for.
    pub payload: Payload,
    /// There was more, which is lost (`MSG_TRUNC`).
    pub truncated: bool,
}

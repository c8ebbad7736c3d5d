//! The script's descriptors: a name space of its own over what is open here.

use std::collections::BTreeMap;

use faultwire_base::Duration;
use faultwire_host::{Fd, SocketKind};

use crate::sockets::epoll::Epoll;
use crate::sockets::watch::Watched;

/// What the script has open, by its numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Files {
    table: BTreeMap<i64, File>,
}

/// What a descriptor is.
#[derive(Clone, Debug)]
pub(super) enum File {
    Socket(SocketFile),
    Epoll(Epoll),
}

/// A socket, and what a descriptor says of it.
#[derive(Clone, Debug)]
pub(super) struct SocketFile {
    pub(super) fd: Fd,
    pub(super) kind: SocketKind,
    /// The script's family is AF_INET6, whatever its packets are.
    pub(super) ipv6: bool,
    pub(super) nonblocking: bool,
    pub(super) close_on_exec: bool,
    pub(super) waits: Waits,
    /// `TCP_INQ`: what is left is told with each message.
    pub(super) tells_queue: bool,
    /// Options that do nothing here but are read back.
    pub(super) stored: BTreeMap<&'static str, i64>,
    /// Octets of `TCP_FASTOPEN_KEY`, set before it listened.
    pub(super) fast_open_key: Option<Vec<u8>>,
    pub(super) watched: Watched,
}

/// How long calls wait, and for how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waits {
    /// `SO_RCVTIMEO`.
    pub(super) receive: Option<Duration>,
    /// `SO_SNDTIMEO`.
    pub(super) send: Option<Duration>,
    /// `SO_RCVLOWAT`.
    pub(super) low_water: u64,
}

impl SocketFile {
    /// A fresh socket.
    pub(super) fn new(fd: Fd, kind: SocketKind, ipv6: bool) -> Self {
        Self {
            fd,
            kind,
            ipv6,
            nonblocking: false,
            close_on_exec: false,
            waits: Waits { receive: None, send: None, low_water: 1 },
            tells_queue: false,
            stored: BTreeMap::new(),
            fast_open_key: None,
            watched: Watched::default(),
        }
    }

    /// What `accept` on this listener gives for the connection `fd`: it inherits the options.
    pub(super) fn accepted(&self, fd: Fd) -> Self {
        Self {
            fd,
            nonblocking: false,
            close_on_exec: false,
            fast_open_key: None,
            watched: Watched::default(),
            ..self.clone()
        }
    }
}

impl Files {
    /// Gives `file` the script's number; whether that was free.
    pub(super) fn bind(&mut self, number: i64, file: File) -> bool {
        self.table.insert(number, file).is_none()
    }

    /// What `number` is.
    pub(super) fn get(&self, number: i64) -> Result<&File, &'static str> {
        self.table.get(&number).ok_or("EBADF")
    }

    /// The socket that `number` is.
    pub(super) fn socket(&self, number: i64) -> Result<&SocketFile, &'static str> {
        match self.get(number)? {
            File::Socket(socket) => Ok(socket),
            File::Epoll(_) => Err("ENOTSOCK"),
        }
    }

    /// As [`Files::socket`], to change.
    pub(super) fn socket_mut(&mut self, number: i64) -> Result<&mut SocketFile, &'static str> {
        match self.table.get_mut(&number).ok_or("EBADF")? {
            File::Socket(socket) => Ok(socket),
            File::Epoll(_) => Err("ENOTSOCK"),
        }
    }

    /// The epoll instance that `number` is.
    pub(super) fn epoll_mut(&mut self, number: i64) -> Result<&mut Epoll, &'static str> {
        match self.table.get_mut(&number).ok_or("EBADF")? {
            File::Epoll(epoll) => Ok(epoll),
            File::Socket(_) => Err("EINVAL"),
        }
    }

    /// Gives up a number; nothing watches it any more.
    pub(super) fn remove(&mut self, number: i64) {
        self.table.remove(&number);
        self.epolls_mut().for_each(|epoll| epoll.forget(number));
    }

    /// All sockets, by number.
    pub(super) fn sockets_mut(&mut self) -> impl Iterator<Item = (i64, &mut SocketFile)> {
        self.table.iter_mut().filter_map(|(&number, file)| match file {
            File::Socket(socket) => Some((number, socket)),
            File::Epoll(_) => None,
        })
    }

    /// All sockets, by number.
    pub(super) fn sockets(&self) -> impl Iterator<Item = (i64, &SocketFile)> {
        self.table.iter().filter_map(|(&number, file)| match file {
            File::Socket(socket) => Some((number, socket)),
            File::Epoll(_) => None,
        })
    }

    /// All epoll instances.
    pub(super) fn epolls_mut(&mut self) -> impl Iterator<Item = &mut Epoll> {
        self.table.values_mut().filter_map(|file| match file {
            File::Epoll(epoll) => Some(epoll),
            File::Socket(_) => None,
        })
    }
}

//! The descriptor table: which descriptor is what kind of socket.

use std::collections::BTreeSet;
use std::fmt;

use faultwire_tcp::State;

use crate::errno::Errno;
use crate::listener::Listener;
use crate::option::Preset;
use crate::port::Hold;
use crate::udp::UdpSocket;

/// A descriptor. As in the kernel, the lowest free number is used; the first is 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fd(pub u32);

impl fmt::Display for Fd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// All descriptors of a host.
#[derive(Clone, Debug, Default)]
pub(crate) struct Descriptors {
    table: Vec<Option<Descriptor>>,
    free: BTreeSet<u32>,
}

/// One descriptor.
#[derive(Clone, Debug)]
struct Descriptor {
    socket: Socket,
    /// A [`crate::HostEvent::Ready`] for it waits to be taken.
    announced: bool,
}

/// What a descriptor is.
#[derive(Clone, Debug)]
pub(crate) enum Socket {
    /// A TCP socket that neither listens nor was connected.
    Unconnected(Box<Unconnected>),
    /// A listening TCP socket.
    Listener(Box<Listener>),
    /// A TCP socket with the connection in this slot.
    Stream(u32),
    /// A UDP socket.
    Udp(Box<UdpSocket>),
}

/// Where the state of a TCP socket is to be found.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TcpSocket {
    /// It has no connection.
    Without(State),
    /// In the entry of its connection.
    Connected(u32),
}

/// A TCP socket before listen or connect.
#[derive(Clone, Debug)]
pub(crate) struct Unconnected {
    pub(crate) ipv6: bool,
    pub(crate) hold: Option<Hold>,
    /// What was set, for the connection to come.
    pub(crate) options: Preset,
}

impl Descriptors {
    pub(crate) fn insert(&mut self, socket: Socket) -> Fd {
        let descriptor = Some(Descriptor { socket, announced: false });
        match self.free.pop_first() {
            Some(index) => {
                self.table[index as usize] = descriptor;
                Fd(index + FIRST)
            }
            None => {
                self.table.push(descriptor);
                Fd(self.table.len() as u32 - 1 + FIRST)
            }
        }
    }

    pub(crate) fn get(&self, fd: Fd) -> Result<&Socket, Errno> {
        let index = fd.0.checked_sub(FIRST).ok_or(Errno::BadDescriptor)?;
        let descriptor = self.table.get(index as usize).and_then(Option::as_ref);
        descriptor.map(|descriptor| &descriptor.socket).ok_or(Errno::BadDescriptor)
    }

    pub(crate) fn get_mut(&mut self, fd: Fd) -> Result<&mut Socket, Errno> {
        self.descriptor_mut(fd).map(|descriptor| &mut descriptor.socket).ok_or(Errno::BadDescriptor)
    }

    pub(crate) fn remove(&mut self, fd: Fd) -> Result<Socket, Errno> {
        let index = fd.0.checked_sub(FIRST).ok_or(Errno::BadDescriptor)?;
        let slot = self.table.get_mut(index as usize).ok_or(Errno::BadDescriptor)?;
        let descriptor = slot.take().ok_or(Errno::BadDescriptor)?;
        self.free.insert(index);
        Ok(descriptor.socket)
    }

    /// The descriptors of TCP in their order, each with its state or with the slot of its connection.
    pub(crate) fn of_tcp(&self) -> impl Iterator<Item = (Fd, TcpSocket)> + '_ {
        self.table.iter().enumerate().filter_map(|(index, descriptor)| {
            let fd = Fd(index as u32 + FIRST);
            match &descriptor.as_ref()?.socket {
                Socket::Unconnected(_) => Some((fd, TcpSocket::Without(State::Closed))),
                Socket::Listener(_) => Some((fd, TcpSocket::Without(State::Listen))),
                &Socket::Stream(slot) => Some((fd, TcpSocket::Connected(slot))),
                Socket::Udp(_) => None,
            }
        })
    }

    /// Whether a readiness event for `fd` is to be queued: it exists and none is queued yet.
    #[inline]
    pub(crate) fn announce(&mut self, fd: Fd) -> bool {
        self.descriptor_mut(fd).is_some_and(|descriptor| !std::mem::replace(&mut descriptor.announced, true))
    }

    /// The readiness event of `fd` was taken.
    pub(crate) fn announced(&mut self, fd: Fd) {
        if let Some(descriptor) = self.descriptor_mut(fd) {
            descriptor.announced = false;
        }
    }

    #[inline]
    fn descriptor_mut(&mut self, fd: Fd) -> Option<&mut Descriptor> {
        self.table.get_mut(fd.0.checked_sub(FIRST)? as usize)?.as_mut()
    }
}

/// The first descriptor: 0 to 2 are the standard streams.
const FIRST: u32 = 3;

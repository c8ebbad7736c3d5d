//! Which socket has a local address and port: listeners, and UDP sockets.

use std::net::SocketAddr;

use faultwire_base::LookupTable;

use crate::descriptor::Fd;
use crate::port::{Bound, Hold};

/// Descriptors by what they are bound to, one table a protocol.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bindings {
    sockets: LookupTable<(Bound, u16), Vec<Fd>>,
    /// The only socket for what arrives there, by the latest question: datagrams come in trains.
    sole: Option<(SocketAddr, Fd)>,
}

impl Bindings {
    pub(crate) fn insert(&mut self, hold: Hold, fd: Fd) {
        self.sole = None;
        self.sockets.entry_or_insert_with((hold.address, hold.port), || Vec::with_capacity(1)).push(fd);
    }

    pub(crate) fn remove(&mut self, hold: Hold, fd: Fd) {
        self.sole = None;
        let key = (hold.address, hold.port);
        let sockets = self.sockets.get_mut(&key).expect("the socket is bound there");
        sockets.retain(|&known| known != fd);
        if sockets.is_empty() {
            self.sockets.remove(&key);
        }
    }

    /// The socket for what arrives at `local`, if there is just one.
    #[inline]
    pub(crate) fn sole(&mut self, local: SocketAddr) -> Option<Fd> {
        if let Some((known, fd)) = self.sole
            && known == local
        {
            return Some(fd);
        }
        let mut sockets = self.at(local);
        let fd = sockets.next().filter(|_| sockets.next().is_none())?;
        drop(sockets);
        self.sole = Some((local, fd));
        Some(fd)
    }

    /// The sockets for what arrives at `local`: those bound to the very address before those bound to all, the latest
    /// first.
    pub(crate) fn at(&self, local: SocketAddr) -> impl Iterator<Item = Fd> + '_ {
        let any = Bound::Any { ipv6: local.is_ipv6() };
        [Bound::One(local.ip()), any]
            .into_iter()
            .filter_map(move |bound| self.sockets.get(&(bound, local.port())))
            .flat_map(|sockets| sockets.iter().rev().copied())
    }
}

//! Calls that concern Fast Open (RFC 7413).

use std::net::SocketAddr;

use faultwire_base::Instant;
use faultwire_wire::Payload;

use crate::descriptor::Fd;
use crate::errno::Errno;
use crate::fast_open::FastOpenKeys;
use crate::host::Host;
use crate::socket;

impl Host {
    /// Opens a TCP connection whose SYN takes data with it (`sendto` with `MSG_FASTOPEN`, RFC 7413); returns the octets
    /// that it takes. The rest is not written. Without a cookie for that destination the SYN asks for one.
    ///
    /// # Errors
    /// [`Errno::InProgress`] if the SYN takes nothing; [`Errno::NotSupported`] where clients may not use Fast Open, and
    /// those of [`Host::connect`].
    pub fn send_fast_open(
        &mut self,
        now: Instant,
        fd: Fd,
        to: SocketAddr,
        payload: &Payload,
    ) -> Result<u64, Errno> {
        socket::send_fast_open(&mut self.stack, now, fd, to, payload)
    }

    /// Opens a TCP connection by Fast Open as FreeBSD does for a socket with `TCP_FASTOPEN`. Without `payload` it is
    /// `connect`: the SYN asks for a cookie. With it, it is `sendto`: the SYN takes a cookie that is known, and text along;
    /// the rest is kept until the connection is open. Returns the octets that were taken.
    ///
    /// # Errors
    /// Those of [`Host::connect`], [`Errno::InProgress`] apart.
    pub fn connect_fast_open(
        &mut self,
        now: Instant,
        fd: Fd,
        to: SocketAddr,
        payload: Option<&Payload>,
    ) -> Result<u64, Errno> {
        socket::connect_fast_open(&mut self.stack, now, fd, to, payload)
    }

    /// Gives a listener Fast Open keys of its own (`TCP_FASTOPEN_KEY`).
    ///
    /// # Errors
    /// [`Errno::Invalid`] if it is no listener.
    pub fn set_fast_open_keys(&mut self, fd: Fd, keys: FastOpenKeys) -> Result<(), Errno> {
        socket::set_fast_open_keys(&mut self.stack, fd, keys)
    }

    /// Forgets what was learned of destinations: Fast Open cookies and their MSS (`ip tcp_metrics flush all`).
    pub fn flush_metrics(&mut self) {
        self.stack.fast_open.forget_peers();
    }
}

//! What the administrator of a host does to it: sees its sockets, drops connections, purges its caches, changes a setting.

use std::net::SocketAddr;

use faultwire_base::Instant;
use faultwire_tcp::State;
use faultwire_wire::Cause;

use crate::descriptor::{Fd, TcpSocket};
use crate::host::Host;
use crate::sysctl::{SysctlError, SysctlValue, apply_setting, apply_sysctl};
use crate::{life, socket};

/// One TCP socket or connection of a host (`sockstat -s`, `ss`): also one that nobody has open, and a half-open entry of
/// a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketReport {
    /// Whether it is one of IPv6.
    pub ipv6: bool,
    /// Its end here; without an address and with port 0 while it is bound to none.
    pub local: SocketAddr,
    /// Its other end, if it has one.
    pub remote: Option<SocketAddr>,
    /// [`State::Closed`] for a socket that neither listens nor was connected.
    pub state: State,
    /// The descriptor that an application has open for it.
    pub fd: Option<Fd>,
}

impl Host {
    /// All TCP sockets and connections: those with a descriptor in the order of descriptors, then the others.
    pub fn sockets(&self) -> Vec<SocketReport> {
        let stack = &self.stack;
        let with_descriptor = stack.descriptors.of_tcp().map(|(fd, socket)| {
            let local = socket::local_address(stack, fd).expect("there is such a descriptor");
            let remote = socket::peer_address(stack, fd).ok();
            let state = match socket {
                TcpSocket::Without(state) => state,
                TcpSocket::Connected(slot) => stack.connections.entry(slot).body.state(),
            };
            SocketReport { ipv6: local.is_ipv6(), local, remote, state, fd: Some(fd) }
        });
        let without = stack.connections.iter().filter(|(_, entry)| entry.fd().is_none()).map(|(_, entry)| {
            SocketReport {
                ipv6: entry.ends.is_ipv6(),
                local: entry.ends.local(),
                remote: Some(entry.ends.remote()),
                state: entry.body.state(),
                fd: None,
            }
        });
        with_descriptor.chain(without).collect()
    }

    /// Removes all connections in TIME-WAIT at once, without a segment (`tcpdrop -s TIME_WAIT`); says how many there
    /// were. A descriptor keeps its socket, whose connection is CLOSED.
    pub fn drop_time_wait(&mut self, now: Instant) -> u32 {
        let slots = self.stack.connections.iter();
        let waiting: Vec<u32> = slots
            .filter(|(_, entry)| !entry.retired && entry.body.state() == State::TimeWait)
            .map(|(slot, _)| slot)
            .collect();
        for &slot in &waiting {
            life::drop_time_wait(&mut self.stack, now, slot, Cause::Call);
        }
        waiting.len() as u32
    }

    /// Forgets everything that was learned of destinations (FreeBSD `net.inet.tcp.hostcache.purgenow`): path MTUs, and what
    /// [`Host::flush_metrics`] forgets.
    pub fn purge_host_cache(&mut self) {
        self.stack.paths.forget();
        self.flush_metrics();
    }

    /// Sets a sysctl of a running host, as [`apply_sysctl`] does before it starts. Connections that are there keep the
    /// settings that they began with.
    ///
    /// # Errors
    /// [`SysctlError`] if there is no such sysctl or it can't have that value; nothing is changed then.
    pub fn set_sysctl(&mut self, name: &str, value: &SysctlValue) -> Result<(), SysctlError> {
        apply_sysctl(&mut self.stack.config, name, value)?;
        // FreeBSD forgets all cookies when it stops being a client.
        if name == "net.inet.tcp.fastopen.client_enable" && *value == SysctlValue::Integer(0) {
            self.flush_metrics();
        }
        self.stack.settings_changed();
        Ok(())
    }

    /// As [`Host::set_sysctl`], for what Linux sets elsewhere (see [`apply_setting`]).
    ///
    /// # Errors
    /// As [`Host::set_sysctl`].
    pub fn set_setting(&mut self, name: &str, value: &SysctlValue) -> Result<(), SysctlError> {
        apply_setting(&mut self.stack.config, name, value)?;
        self.stack.settings_changed();
        Ok(())
    }
}

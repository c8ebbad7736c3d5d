//! From the two ends of a connection to its slot (RFC 9293 §3.3.1: a connection is named by its pair of sockets).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use faultwire_base::LookupTable;

/// Both ends of a connection, seen from this host; the addresses are of one version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    V4 { local: Ipv4Addr, remote: Ipv4Addr, ports: Ports },
    V6 { local: Ipv6Addr, remote: Ipv6Addr, ports: Ports },
}

/// The ports of both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ports {
    pub(crate) local: u16,
    pub(crate) remote: u16,
}

impl Ends {
    /// `None` if the versions of IP differ.
    #[inline]
    pub(crate) fn new(local: IpAddr, remote: IpAddr, ports: Ports) -> Option<Self> {
        match (local, remote) {
            (IpAddr::V4(local), IpAddr::V4(remote)) => Some(Self::V4 { local, remote, ports }),
            (IpAddr::V6(local), IpAddr::V6(remote)) => Some(Self::V6 { local, remote, ports }),
            _ => None,
        }
    }

    pub(crate) fn local(&self) -> SocketAddr {
        match *self {
            Self::V4 { local, ports, .. } => (local, ports.local).into(),
            Self::V6 { local, ports, .. } => (local, ports.local).into(),
        }
    }

    pub(crate) fn remote(&self) -> SocketAddr {
        match *self {
            Self::V4 { remote, ports, .. } => (remote, ports.remote).into(),
            Self::V6 { remote, ports, .. } => (remote, ports.remote).into(),
        }
    }

    /// The local and the remote address.
    #[inline]
    pub(crate) fn addresses(&self) -> (IpAddr, IpAddr) {
        match *self {
            Self::V4 { local, remote, .. } => (local.into(), remote.into()),
            Self::V6 { local, remote, .. } => (local.into(), remote.into()),
        }
    }

    /// Writes both addresses: the local one as the source.
    #[inline]
    pub(crate) fn write_addresses(&self, source: &mut IpAddr, destination: &mut IpAddr) {
        match *self {
            Self::V4 { local, remote, .. } => {
                *source = IpAddr::V4(local);
                *destination = IpAddr::V4(remote);
            }
            Self::V6 { local, remote, .. } => {
                *source = IpAddr::V6(local);
                *destination = IpAddr::V6(remote);
            }
        }
    }

    pub(crate) fn ports(&self) -> Ports {
        match *self {
            Self::V4 { ports, .. } | Self::V6 { ports, .. } => ports,
        }
    }

    pub(crate) fn is_ipv6(&self) -> bool {
        matches!(self, Self::V6 { .. })
    }
}

/// Slots by the ends of their connections. Keys are packed, since this is looked up for every segment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Demux {
    v4: LookupTable<(u64, u32), u32>,
    v6: LookupTable<(u128, u128, u32), u32>,
    /// The latest answer for IPv4: segments come in trains.
    latest: Option<((u64, u32), u32)>,
}

impl Demux {
    /// The slot of `ends` if they were looked up last.
    #[inline]
    pub(crate) fn latest(&self, ends: &Ends) -> Option<u32> {
        match (key(ends), self.latest) {
            (Key::V4(key), Some((latest, slot))) if key == latest => Some(slot),
            _ => None,
        }
    }

    pub(crate) fn find(&mut self, ends: &Ends) -> Option<u32> {
        let slot = self.slot(ends)?;
        if let Key::V4(key) = key(ends) {
            self.latest = Some((key, slot));
        }
        Some(slot)
    }

    /// As [`Demux::find`], without remembering the answer.
    pub(crate) fn slot(&self, ends: &Ends) -> Option<u32> {
        match key(ends) {
            Key::V4(key) => self.v4.get(&key).copied(),
            Key::V6(key) => self.v6.get(&key).copied(),
        }
    }

    pub(crate) fn insert(&mut self, ends: &Ends, slot: u32) {
        let before = match key(ends) {
            Key::V4(key) => self.v4.insert(key, slot),
            Key::V6(key) => self.v6.insert(key, slot),
        };
        assert!(before.is_none(), "two connections between {ends:?}");
    }

    /// Removes the entry of `ends` if it leads to `slot`.
    pub(crate) fn remove(&mut self, ends: &Ends, slot: u32) {
        if self.slot(ends) == Some(slot) {
            self.latest = None;
            match key(ends) {
                Key::V4(key) => self.v4.remove(&key),
                Key::V6(key) => self.v6.remove(&key),
            };
        }
    }
}

enum Key {
    V4((u64, u32)),
    V6((u128, u128, u32)),
}

#[inline]
fn key(ends: &Ends) -> Key {
    let both = |ports: Ports| u32::from(ports.local) << 16 | u32::from(ports.remote);
    match *ends {
        Ends::V4 { local, remote, ports } => {
            Key::V4((u64::from(local.to_bits()) << 32 | u64::from(remote.to_bits()), both(ports)))
        }
        Ends::V6 { local, remote, ports } => Key::V6((local.to_bits(), remote.to_bits(), both(ports))),
    }
}

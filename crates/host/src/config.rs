//! Everything that is set about a host before it starts.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;

use faultwire_base::{ByteCount, PlaceId};

use crate::fast_open::FastOpenConfig;

/// What a host is: its name, its addresses, its stack.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// The host's name; its random streams are derived from it.
    pub name: Arc<str>,
    /// Its place in the world; packets and conversations are numbered per place.
    pub place: PlaceId,
    /// Which life this is, from 1; a restarted host is a new one with the next number.
    pub boot: u16,
    /// Packets made in earlier lives ([`crate::Host::packets_made`]), so that no two share an identity: a packet
    /// outlives the host that made it.
    pub packets_before: u64,
    /// Its interfaces; the first of each version of IP serves destinations without a route.
    pub interfaces: Vec<Interface>,
    /// Source address and MTU for each destination, at most one a destination.
    pub routes: Vec<Route>,
    /// How IP headers are filled in.
    pub ip: IpConfig,
    /// The TCP stack.
    pub tcp: Arc<faultwire_tcp::Config>,
    /// Bounds on listeners.
    pub listen: ListenConfig,
    /// Fast Open (RFC 7413).
    pub fast_open: FastOpenConfig,
    /// Ports for sockets that ask for none (Linux `ip_local_port_range`).
    pub ephemeral_ports: RangeInclusive<u16>,
    /// Octets of datagrams, headers included, that a UDP socket holds unread (Linux `rmem_default`).
    pub datagram_buffer: ByteCount,
    /// Initial sequence numbers of the first connections, for figures; the last is that of all further ones. Without
    /// any, RFC 6528 chooses.
    pub initial_sequence_numbers: Vec<u32>,
}

impl HostConfig {
    /// A host with one interface and the kernel's defaults otherwise.
    pub fn new(name: &str, place: PlaceId, interface: Interface, tcp: Arc<faultwire_tcp::Config>) -> Self {
        Self {
            name: name.into(),
            place,
            boot: 1,
            packets_before: 0,
            interfaces: vec![interface],
            routes: Vec::new(),
            ip: IpConfig::default(),
            tcp,
            listen: ListenConfig::default(),
            fast_open: FastOpenConfig::default(),
            ephemeral_ports: 32_768..=60_999,
            datagram_buffer: ByteCount::new(212_992),
            initial_sequence_numbers: Vec::new(),
        }
    }
}

/// One address of a host and the MTU of the link it is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The address.
    pub address: IpAddr,
    /// Largest IP packet in octets.
    pub mtu: u32,
}

/// How to reach one destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The destination.
    pub destination: IpAddr,
    /// The address of the interface that leads there.
    pub source: IpAddr,
    /// Largest IP packet, in octets, on the first link.
    pub mtu: u32,
}

/// How IP headers are filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpConfig {
    /// Time to live or hop limit of what this host sends (RFC 9293 §3.9.2, MUST-49).
    pub hop_limit: u8,
}

impl Default for IpConfig {
    fn default() -> Self {
        Self { hop_limit: 64 }
    }
}

/// Bounds on listeners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenConfig {
    /// The largest backlog that a listener gets, whatever it asks for (Linux `somaxconn`).
    pub backlog_max: u32,
    /// Half-open connections of one listener (Linux `tcp_max_syn_backlog`). As in a kernel without SYN cookies, the
    /// last quarter of it is kept for peers known from before, and no peer is.
    pub syn_backlog: u32,
    /// Whether a handshake that finds the accept queue full is reset; otherwise its ACK is dropped, so that the
    /// peer's next segment or the next SYN-ACK tries again (Linux `tcp_abort_on_overflow`).
    pub abort_on_overflow: bool,
    /// What a port without a listener does with segments (FreeBSD `net.inet.tcp.blackhole`).
    pub closed_port: ClosedPort,
}

/// What a port without a listener does with segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosedPort {
    /// Answers by a RST (RFC 9293 §3.10.7.1).
    Resets,
    /// Answers no SYN; anything else by a RST.
    IgnoresSyn,
    /// Answers nothing.
    IgnoresAll,
}

impl Default for ListenConfig {
    fn default() -> Self {
        Self {
            backlog_max: 4_096,
            syn_backlog: 4_096,
            abort_on_overflow: false,
            closed_port: ClosedPort::Resets,
        }
    }
}

//! The wire between the hosts of these tests: a fixed delay, a filter that may drop, and a record of what was sent.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use faultwire_base::{Duration, Instant, PlaceId, SeedTree};
use faultwire_host::{
    ConnectionId, DropReason, Errno, Fd, Host, HostConfig, HostEvent, Interface, Received, SocketKind,
};
use faultwire_tcp::{Config, State};
use faultwire_wire::{Body, Flags, Packet, Payload, Segment};

/// Hosts 0, 1, ... with the addresses 10.0.0.1, 10.0.0.2, ... on one wire.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    pub(crate) hosts: Vec<Host>,
    pub(crate) now: Instant,
    pub(crate) delay: Duration,
    /// Whether a packet gets through.
    pub(crate) passes: fn(&Packet) -> bool,
    /// Everything that was sent, in order.
    pub(crate) sent: Vec<(Instant, Packet)>,
    /// Everything that was told, in order, with the host's index; readiness left out.
    pub(crate) told: Vec<(Instant, usize, HostEvent)>,
    pub(crate) ready: Vec<(usize, Fd)>,
    in_flight: BTreeMap<(Instant, u64), Packet>,
    count: u64,
}

pub(crate) const CLIENT: usize = 0;
pub(crate) const SERVER: usize = 1;

pub(crate) fn address(host: usize) -> IpAddr {
    IpAddr::from([10, 0, 0, host as u8 + 1])
}

/// The address of version 6.
pub(crate) fn address_v6(host: usize) -> IpAddr {
    IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, host as u16 + 1])
}

pub(crate) fn socket_address(host: usize, port: u16) -> SocketAddr {
    (address(host), port).into()
}

pub(crate) fn config(host: usize, tcp: Config) -> HostConfig {
    let interface = Interface { address: address(host), mtu: 1500 };
    let name = ["client", "server", "third"][host];
    let mut config = HostConfig::new(name, PlaceId(host as u32), interface, Arc::new(tcp));
    config.interfaces.push(Interface { address: address_v6(host), mtu: 1500 });
    config
}

impl Network {
    /// A client and a server with that stack.
    pub(crate) fn pair(tcp: &Config) -> Self {
        Self::of([config(CLIENT, tcp.clone()), config(SERVER, tcp.clone())])
    }

    pub(crate) fn linux() -> Self {
        Self::pair(&Config::linux())
    }

    pub(crate) fn of(configs: impl IntoIterator<Item = HostConfig>) -> Self {
        Self {
            hosts: configs.into_iter().map(|config| Host::new(config, SeedTree::new(1))).collect(),
            now: Instant::ZERO,
            delay: Duration::from_millis(10),
            passes: |_| true,
            sent: Vec::new(),
            told: Vec::new(),
            ready: Vec::new(),
            in_flight: BTreeMap::new(),
            count: 0,
        }
    }

    /// Drains what the hosts have to say.
    pub(crate) fn drain(&mut self) {
        for index in 0..self.hosts.len() {
            while let Some(packet) = self.hosts[index].transmit(self.now) {
                self.sent.push((self.now, packet.clone()));
                if (self.passes)(&packet) {
                    self.put(self.now + self.delay, packet);
                }
            }
            while let Some(event) = self.hosts[index].event() {
                match event {
                    HostEvent::Ready { fd } => self.ready.push((index, fd)),
                    event => self.told.push((self.now, index, event)),
                }
            }
        }
    }

    /// Puts a packet on the wire that arrives at `at`.
    pub(crate) fn put(&mut self, at: Instant, packet: Packet) {
        self.count += 1;
        self.in_flight.insert((at, self.count), packet);
    }

    /// Runs everything that happens within `time`.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.drain();
            let timers = self.hosts.iter().filter_map(Host::deadline).min();
            let arrivals = self.in_flight.first_key_value().map(|(&(at, _), _)| at);
            let Some(next) = [timers, arrivals].into_iter().flatten().min().filter(|&at| at <= end) else {
                break;
            };
            self.now = self.now.max(next);
            self.hosts.iter_mut().for_each(|host| host.advance(self.now));
            while let Some(first) = self.in_flight.first_entry().filter(|first| first.key().0 <= self.now) {
                let packet = first.remove();
                let is_at = |host: &Host| {
                    host.config().interfaces.iter().any(|it| it.address == packet.ip.destination)
                };
                let to = self.hosts.iter().position(is_at);
                let to = to.unwrap_or(SERVER);
                self.hosts[to].receive(self.now, packet);
            }
        }
        self.now = end;
    }

    /// Runs for `millis` milliseconds.
    pub(crate) fn run_millis(&mut self, millis: u64) {
        self.run(Duration::from_millis(millis));
    }

    /// A listener of the server.
    pub(crate) fn listen(&mut self, port: u16, backlog: u32) -> Fd {
        let host = &mut self.hosts[SERVER];
        let fd = host.socket(SocketKind::Tcp, false);
        host.bind(fd, ([0, 0, 0, 0], port).into()).unwrap();
        host.listen(fd, backlog).unwrap();
        fd
    }

    /// Begins a connection of the client to that port of the server.
    pub(crate) fn connect(&mut self, port: u16) -> Fd {
        let fd = self.hosts[CLIENT].socket(SocketKind::Tcp, false);
        self.connect_with(fd, port);
        fd
    }

    pub(crate) fn connect_with(&mut self, fd: Fd, port: u16) {
        let refused = self.hosts[CLIENT].connect(self.now, fd, socket_address(SERVER, port));
        assert_eq!(refused, Err(Errno::InProgress));
    }

    /// A connection from the client to the server: both descriptors, and the listener.
    pub(crate) fn connected(&mut self) -> (Fd, Fd, Fd) {
        let listener = self.listen(80, 5);
        let client = self.connect(80);
        self.run_millis(100);
        let (server, _) = self.hosts[SERVER].accept(listener).unwrap();
        (client, server, listener)
    }

    pub(crate) fn send(&mut self, host: usize, fd: Fd, octets: &[u8]) -> Result<u64, Errno> {
        self.hosts[host].send(self.now, fd, Payload::from_bytes(octets))
    }

    /// Reads once; `None` is the end of the stream.
    pub(crate) fn read(&mut self, host: usize, fd: Fd) -> Result<Option<Vec<u8>>, Errno> {
        Ok(match self.hosts[host].recv(self.now, fd, 1 << 20)? {
            Received::Data(payload) => Some(payload.to_vec()),
            Received::Eof => None,
        })
    }

    pub(crate) fn close(&mut self, host: usize, fd: Fd) {
        self.hosts[host].close(self.now, fd).unwrap();
    }

    /// The states that a connection went through, as told.
    pub(crate) fn states(&self, host: usize, connection: ConnectionId) -> Vec<State> {
        let mut states = Vec::new();
        for (_, index, event) in &self.told {
            match *event {
                HostEvent::StateChanged { connection: of, from, to, .. }
                    if (*index, of) == (host, connection) =>
                {
                    assert!(states.last().is_none_or(|&last| last == from), "{states:?} then {from} to {to}");
                    if states.is_empty() {
                        states.push(from);
                    }
                    states.push(to);
                }
                _ => {}
            }
        }
        states
    }

    /// Why a host dropped packets, in order.
    pub(crate) fn drops(&self, host: usize) -> Vec<DropReason> {
        let reason = |event: &HostEvent| match *event {
            HostEvent::Dropped { reason, .. } => Some(reason),
            _ => None,
        };
        self.told
            .iter()
            .filter(|(_, index, _)| *index == host)
            .filter_map(|(.., event)| reason(event))
            .collect()
    }

    /// The segments that a host sent with exactly these flags.
    pub(crate) fn segments(&self, host: usize, flags: Flags) -> Vec<(Instant, Segment)> {
        self.segments_of(address(host), flags)
    }

    /// The segments from an address with exactly these flags.
    pub(crate) fn segments_of(&self, source: IpAddr, flags: Flags) -> Vec<(Instant, Segment)> {
        let of = |(at, packet): &(Instant, Packet)| match &packet.body {
            Body::Tcp(segment) if packet.ip.source == source && segment.flags == flags => {
                Some((*at, segment.clone()))
            }
            _ => None,
        };
        self.sent.iter().filter_map(of).collect()
    }
}

/// Whether a packet is a TCP segment with exactly these flags.
pub(crate) fn has_flags(packet: &Packet, flags: Flags) -> bool {
    matches!(&packet.body, Body::Tcp(segment) if segment.flags == flags)
}

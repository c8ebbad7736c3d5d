//! Two hosts under arbitrary segments and calls in random order: nothing panics, hangs or breaks a law of sequence
//! numbers, windows and transitions, and no connection holds more than its buffers may.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;

use faultwire_base::{Duration, Instant, PacketId, PlaceId, SeedTree, Stream};
use faultwire_host::{
    ConnectionId, ConnectionReport, Errno, Fd, Host, HostConfig, HostEvent, How, Interface, SocketKind,
    SocketOption,
};
use faultwire_tcp::{Config, State};
use faultwire_wire::{
    Body, Flags, IcmpKind, IcmpMessage, IpHeader, Options, Packet, Payload, Segment, Seq, Tag,
};

#[test]
fn ten_million_steps() {
    fuzz(0..5_000, 2_000);
}

fn fuzz(episodes: Range<u64>, steps: u32) {
    let mut seen = Seen::default();
    for episode in episodes {
        let mut world = World::new(episode);
        for _ in 0..steps {
            world.step();
        }
        world.come_to_rest();
        seen.add(&world);
    }
    // Steps that never open a connection prove nothing.
    assert!(seen.states.len() >= 10, "{:?}", seen.states);
    assert!(seen.established > 100 && seen.delivered > 100_000 && seen.aborted > 100, "{seen:?}");
}

/// What the steps brought about, over all episodes.
#[derive(Debug, Default)]
struct Seen {
    states: BTreeMap<String, u64>,
    established: u64,
    delivered: u64,
    aborted: u64,
}

impl Seen {
    fn add(&mut self, world: &World) {
        for (state, count) in &world.states {
            *self.states.entry(state.clone()).or_default() += count;
        }
        self.established += world.states.get("ESTABLISHED").copied().unwrap_or(0);
        self.delivered += world.delivered;
        self.aborted += world.aborted;
    }
}

/// Octets that `SO_RCVBUF` and `SO_SNDBUF` are set to at most.
const BUFFER: u64 = 300_000;
/// Heap that a connection may hold beside its payload: its rooms, and what it notes for each segment in its buffers.
const HEAP: u64 = 16 * BUFFER;
/// Packets that one drain may give: a burst of the largest window in the smallest segments.
const DRAIN: usize = 100_000;

/// What was known of a connection after the step before.
#[derive(Clone, Copy, Debug)]
struct Known {
    unacknowledged: Seq,
    next: Seq,
    receive_next: Seq,
    edge: Seq,
}

/// Two hosts and what travels between them.
struct World {
    draw: Stream,
    now: Instant,
    hosts: [Host; 2],
    /// Which of them take all that the buffer has room for, offered or not (FreeBSD `rcv_wnd`).
    takes_room: [bool; 2],
    descriptors: [Vec<Fd>; 2],
    travelling: Vec<(usize, Packet)>,
    known: [BTreeMap<ConnectionId, Known>; 2],
    injected: u64,
    states: BTreeMap<String, u64>,
    delivered: u64,
    aborted: u64,
}

impl World {
    fn new(episode: u64) -> Self {
        let seeds = SeedTree::new(episode);
        let mut draw = seeds.stream("fuzz", "steps");
        let mut takes_room = [false; 2];
        let hosts = [0, 1].map(|number| {
            let config = match draw.below(3) {
                0 => Config::rfc(),
                1 => Config::freebsd(),
                _ => Config::linux(),
            };
            takes_room[number] = config.buffers.round_to_segments;
            let mtu = [1_500, 576, 9_000][draw.below(3) as usize];
            let interface = Interface { address: address(number), mtu };
            let mut config = HostConfig::new(
                NAMES[number],
                PlaceId(number as u32),
                interface,
                Arc::new(small(config, &mut draw)),
            );
            config.listen.syn_backlog = 8;
            Host::new(config, seeds)
        });
        let mut world = Self {
            draw,
            now: Instant::ZERO,
            hosts,
            takes_room,
            descriptors: Default::default(),
            travelling: Vec::new(),
            known: Default::default(),
            injected: 0,
            states: BTreeMap::new(),
            delivered: 0,
            aborted: 0,
        };
        for host in 0..2 {
            let fd = world.hosts[host].socket(SocketKind::Tcp, false);
            let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), PORT);
            world.hosts[host].bind(fd, any).expect("the port is free");
            world.hosts[host].listen(fd, 4).expect("a bound socket can listen");
            world.descriptors[host].push(fd);
        }
        world
    }

    fn step(&mut self) {
        let host = self.draw.below(2) as usize;
        match self.draw.below(20) {
            0..=5 => self.deliver(),
            6..=8 => self.inject(host),
            9 => self.let_time_pass(),
            10 => self.inject_icmp(host),
            _ => self.call(host),
        }
        self.drain();
        self.check_laws();
    }

    /// One of the packets under way arrives, in or out of order; at times it is lost, or stays under way as well.
    fn deliver(&mut self) {
        if self.travelling.is_empty() {
            return;
        }
        let at =
            if self.draw.below(4) == 0 { self.draw.below(self.travelling.len() as u64) as usize } else { 0 };
        let fate = self.draw.below(20);
        let (host, packet) = if fate == 0 { self.travelling[at].clone() } else { self.travelling.remove(at) };
        let packet = if fate == 1 {
            let bits = 8 * u64::from(packet.length());
            packet.corrupt(&[self.draw.below(bits) as u32])
        } else {
            packet
        };
        if fate != 2 {
            self.hosts[host].receive(self.now, packet);
        }
        if self.travelling.len() > 2_000 {
            self.travelling.truncate(1_000);
        }
    }

    /// A segment that nobody sent, at or near a connection's numbers.
    fn inject(&mut self, host: usize) {
        let reports: Vec<ConnectionReport> = self.hosts[host].connections().collect();
        let mut segment = Segment {
            source_port: PORT,
            destination_port: PORT,
            seq: Seq(self.draw.next_u32()),
            ack: Seq(self.draw.next_u32()),
            flags: self.flags(),
            window: [0, 1, 1_000, u16::MAX, self.draw.next_u32() as u16][self.draw.below(5) as usize],
            urgent: if self.draw.below(4) == 0 { self.draw.next_u32() as u16 } else { 0 },
            options: self.options(None),
            payload: self.payload(),
        };
        if !reports.is_empty() {
            let report = &reports[self.draw.below(reports.len() as u64) as usize];
            segment.source_port = report.remote.port();
            segment.destination_port = report.local.port();
            if let Some(detail) = &report.detail {
                let info = &detail.info;
                segment.seq = info.receive_next + self.near(info.receive_window);
                segment.ack = info.send_next + self.near(u64::from(info.unacknowledged) * 1_000);
                segment.options = self.options(Some(info.receive_next));
            }
        }
        self.injected += 1;
        let packet = self.packet(host, Body::Tcp(segment));
        self.hosts[host].receive(self.now, packet);
    }

    /// An ICMP error about a packet under way, which may have been tampered with.
    fn inject_icmp(&mut self, host: usize) {
        let kinds = [
            IcmpKind::DestinationUnreachable { code: self.draw.below(16) as u8 },
            IcmpKind::PacketTooBig { mtu: self.draw.below(2_000) as u32 },
            IcmpKind::TimeExceeded { code: self.draw.below(2) as u8 },
            IcmpKind::ParameterProblem { code: self.draw.below(3) as u8, pointer: self.draw.next_u32() },
            IcmpKind::SourceQuench,
        ];
        let kind = kinds[self.draw.below(5) as usize];
        let Some((_, quoted)) = self.travelling.iter().find(|(to, _)| *to != host) else { return };
        let message = IcmpMessage::quoting(kind, quoted);
        self.injected += 1;
        let packet = self.packet(host, Body::Icmp(message));
        self.hosts[host].receive(self.now, packet);
    }

    fn let_time_pass(&mut self) {
        let deadline = self.hosts.iter().filter_map(Host::deadline).min();
        self.now = match self.draw.below(8) {
            0..=4 => deadline.unwrap_or(self.now).max(self.now),
            5 => self.now + Duration::from_millis(self.draw.below(3_000)),
            6 => self.now + Duration::from_secs(self.draw.below(300)),
            // RFC 7323 §5.5: timestamps are forgotten after 24 days.
            _ if self.draw.below(50) == 0 => self.now + Duration::from_secs(25 * 86_400),
            _ => self.now + Duration::from_nanos(self.draw.below(1_000_000)),
        };
        for host in &mut self.hosts {
            host.advance(self.now);
        }
    }

    fn call(&mut self, host: usize) {
        let peer = SocketAddr::new(address(1 - host), PORT);
        let count = self.descriptors[host].len() as u64;
        let fd = self.descriptors[host][self.draw.below(count) as usize];
        let (now, draw) = (self.now, &mut self.draw);
        let target = &mut self.hosts[host];
        match draw.below(14) {
            0 if count < 12 => {
                let fd = target.socket(SocketKind::Tcp, false);
                let _ = target.connect(now, fd, peer);
                self.descriptors[host].push(fd);
            }
            1 | 2 => {
                if let Ok((fd, _)) = target.accept(self.descriptors[host][0]) {
                    self.descriptors[host].push(fd);
                }
            }
            3..=6 => {
                let len = [1, 10, 1_000, 20_000][draw.below(4) as usize];
                let _ = target.send(now, fd, Payload::Zeros { len });
            }
            7..=9 => {
                if let Ok(faultwire_host::Received::Data(payload)) =
                    target.recv(now, fd, 1 + draw.below(30_000))
                {
                    self.delivered += u64::from(payload.len());
                }
            }
            10 => {
                let _ = target.peek(fd, 100);
            }
            11 if draw.below(3) == 0 => {
                let how = [How::Read, How::Write, How::Both][draw.below(3) as usize];
                let _ = target.shutdown(now, fd, how);
            }
            12 if fd != self.descriptors[host][0] && draw.below(3) == 0 => {
                let closed = if draw.below(3) == 0 { target.abort(now, fd) } else { target.close(now, fd) };
                // With SO_LINGER a close waits.
                if closed.is_ok() {
                    self.descriptors[host].retain(|open| *open != fd);
                }
            }
            13 => {
                let names: Vec<_> = SocketOption::names().collect();
                let name = names[draw.below(names.len() as u64) as usize];
                let value = [0, 1, 2, 10, 5_000, BUFFER][draw.below(6) as usize];
                if let Ok(option) = SocketOption::parse(name, value as i64) {
                    let _ = target.set_option(now, fd, option);
                    if self.takes_room[host] && matches!(option, SocketOption::ReceiveBuffer(_)) {
                        self.room_changed(host, fd);
                    }
                }
            }
            _ => {}
        }
    }

    /// SO_RCVBUF takes room away that is not offered yet; where all the room is taken, the edge of what is taken goes back
    /// with it, at most to what was offered.
    fn room_changed(&mut self, host: usize, fd: Fd) {
        for report in self.hosts[host].connections().filter(|report| report.fd == Some(fd)) {
            let Some(detail) = &report.detail else { continue };
            if let Some(known) = self.known[host].get_mut(&report.connection) {
                known.edge = detail.info.receive_next + detail.info.receive_window as u32;
            }
        }
    }

    /// All that the hosts have to send goes under way; the end of it must come.
    fn drain(&mut self) {
        for host in 0..2 {
            let mut packets = 0;
            while let Some(packet) = self.hosts[host].transmit(self.now) {
                packets += 1;
                assert!(packets < DRAIN, "host {host} does not stop sending");
                self.check_sent(host, &packet);
                let to = usize::from(packet.ip.destination == address(1));
                self.travelling.push((to, packet));
            }
            while let Some(event) = self.hosts[host].event() {
                match event {
                    HostEvent::StateChanged { to, .. } => {
                        *self.states.entry(to.to_string()).or_default() += 1
                    }
                    HostEvent::ConnectionFailed { .. } => self.aborted += 1,
                    HostEvent::ConnectionGone { connection, .. } => {
                        self.known[host].remove(&connection);
                    }
                    _ => {}
                }
            }
        }
    }

    /// No segment goes beyond SND.NXT, or acknowledges beyond RCV.NXT (RFC 9293 §3.4).
    fn check_sent(&self, host: usize, packet: &Packet) {
        let Body::Tcp(segment) = &packet.body else { return };
        if segment.flags.intersects(Flags::RST | Flags::SYN) {
            return;
        }
        let mine = |report: &ConnectionReport| {
            report.state != State::Closed
                && report.local.port() == segment.source_port
                && report.remote.port() == segment.destination_port
        };
        let Some(report) = self.hosts[host].connections().find(mine) else { return };
        let Some(detail) = &report.detail else { return };
        let end = segment.seq + segment.sequence_length();
        // A probe of a closed window carries one octet beyond SND.NXT (RFC 9293 §3.8.6.1).
        assert!(!end.after(detail.info.send_next + 1), "{segment:?} is beyond SND.NXT of {report:?}");
        assert!(!segment.ack.after(detail.info.receive_next), "{segment:?} is beyond RCV.NXT of {report:?}");
    }

    /// What a connection knows moves in one direction only.
    fn check_laws(&mut self) {
        for (host, known) in self.hosts.iter().zip(&mut self.known) {
            for report in host.connections() {
                let Some(detail) = &report.detail else { continue };
                let info = &detail.info;
                if matches!(
                    report.state,
                    State::SynSent | State::SynReceived | State::Closed | State::TimeWait
                ) {
                    continue;
                }
                let now = Known {
                    unacknowledged: info.send_unacknowledged,
                    next: info.send_next,
                    receive_next: info.receive_next,
                    edge: info.receive_next + info.receive_window as u32,
                };
                assert!(!now.unacknowledged.after(now.next), "SND.UNA > SND.NXT: {report:?}");
                let before = known.insert(report.connection, now).unwrap_or(now);
                assert!(!before.unacknowledged.after(now.unacknowledged), "SND.UNA went back: {report:?}");
                assert!(!before.next.after(now.next), "SND.NXT went back: {report:?}");
                assert!(!before.receive_next.after(now.receive_next), "RCV.NXT went back: {report:?}");
                assert!(!before.edge.after(now.edge), "the window shrank (SHLD-14): {before:?} {report:?}");
                assert!(detail.heap_octets < HEAP, "{} octets of heap: {report:?}", detail.heap_octets);
            }
        }
    }

    /// Everything is closed and time goes on: every connection comes to its end, or waits for a FIN that may come
    /// (RFC 9293 §3.6: FIN-WAIT-2 has no timer by the letter), or for a window to open (§3.8.6.1, MUST-37: whoever
    /// answers probes is not given up).
    fn come_to_rest(&mut self) {
        for host in 0..2 {
            for fd in std::mem::take(&mut self.descriptors[host]) {
                // With SO_LINGER a close waits; nobody is that patient here.
                if self.hosts[host].close(self.now, fd) == Err(Errno::WouldBlock) {
                    self.hosts[host].abort(self.now, fd).expect("the descriptor is open");
                }
            }
        }
        self.drain();
        for _ in 0..50_000 {
            // Two ends that were deceived may answer each other's ACKs until one gives up (RFC 1337 §2, hazard 2), so
            // a packet takes its time.
            let arrives = (!self.travelling.is_empty()).then(|| self.now + Duration::from_millis(100));
            let deadline = self.hosts.iter().filter_map(Host::deadline).min();
            let Some(next) = [arrives, deadline].into_iter().flatten().min() else { break };
            self.now = next.max(self.now);
            for host in &mut self.hosts {
                host.advance(self.now);
            }
            if arrives.is_some_and(|at| at <= self.now) {
                let (host, packet) = self.travelling.remove(0);
                self.hosts[host].receive(self.now, packet);
            }
            self.drain();
        }
        for host in &self.hosts {
            for report in host.connections() {
                let info = &report.detail.as_ref().expect("a compact connection ends by itself").info;
                let lasts = report.state == State::FinWait2 || info.send_window == 0;
                assert!(lasts, "{report:?} is stuck; under way is {:?}", self.travelling);
            }
        }
    }

    fn near(&mut self, window: u64) -> u32 {
        let window = window as u32;
        let jitter = (self.draw.below(5) as u32).wrapping_sub(2);
        let at = match self.draw.below(8) {
            0..=3 => 0,
            4 => window,
            5 => self.draw.below(u64::from(window) + 1) as u32,
            6 => 0_u32.wrapping_sub(self.draw.below(100_000) as u32),
            _ => window.wrapping_add(self.draw.below(100_000) as u32),
        };
        if self.draw.below(2) == 0 { at } else { at.wrapping_add(jitter) }
    }

    fn flags(&mut self) -> Flags {
        match self.draw.below(10) {
            0..=4 => Flags::ACK,
            5 => Flags::ACK | Flags::FIN,
            6 => Flags::SYN,
            7 => Flags::RST,
            8 => Flags::SYN | Flags::ACK,
            _ => {
                let bits = self.draw.next_u32();
                [
                    Flags::FIN,
                    Flags::SYN,
                    Flags::RST,
                    Flags::PSH,
                    Flags::ACK,
                    Flags::URG,
                    Flags::ECE,
                    Flags::CWR,
                ]
                .into_iter()
                .enumerate()
                .filter(|(bit, _)| bits >> bit & 1 == 1)
                .fold(Flags::NONE, |flags, (_, flag)| flags | flag)
            }
        }
    }

    /// Any octets, or options that mean something; SACK blocks near `around`.
    fn options(&mut self, around: Option<Seq>) -> Options {
        let mut options = Options::EMPTY;
        match self.draw.below(6) {
            0 => {
                let octets: Vec<u8> =
                    (0..4 * self.draw.below(11)).map(|_| self.draw.next_u32() as u8).collect();
                Options::from_bytes(&octets).unwrap_or(options)
            }
            1 => {
                options.push_timestamps(self.draw.next_u32(), self.draw.next_u32());
                options
            }
            2 => {
                let around = around.unwrap_or(Seq(0));
                let mut edge = || around + self.near(50_000);
                let blocks = [(edge(), edge()), (edge(), edge())];
                options.push_sack(&blocks);
                options
            }
            3 => {
                options.push_maximum_segment_size(self.draw.next_u32() as u16);
                options.push_window_scale(self.draw.below(20) as u8);
                options.push_sack_permitted();
                options
            }
            _ => options,
        }
    }

    fn payload(&mut self) -> Payload {
        let len = [0, 0, 1, 100, 1_460, 5_000][self.draw.below(6) as usize];
        Payload::Zeros { len }
    }

    fn packet(&self, to: usize, body: Body) -> Packet {
        let ip = IpHeader {
            source: address(1 - to),
            destination: address(to),
            hop_limit: 64,
            traffic_class: 0,
            identification: 0,
            dont_fragment: true,
        };
        let tag = Tag { id: PacketId::new(PlaceId(9), self.injected), ..Tag::default() };
        Packet { ip, body, tag }
    }
}

const NAMES: [&str; 2] = ["a", "b"];
const PORT: u16 = 80;

fn address(host: usize) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1 + host as u8))
}

/// Buffers that fill up, some options off.
fn small(mut config: Config, draw: &mut Stream) -> Config {
    config.buffers.receive = [4_000, 64_000, BUFFER][draw.below(3) as usize];
    config.buffers.receive_max = BUFFER;
    config.buffers.send = 16_000;
    config.buffers.send_max = BUFFER;
    config.options.sack = draw.below(4) > 0;
    config.options.timestamps = draw.below(3) > 0;
    config.options.window_scaling = draw.below(4) > 0;
    config
}

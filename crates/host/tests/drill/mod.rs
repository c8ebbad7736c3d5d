//! One host under test against scripted segments, in packetdrill's notation and in virtual time.
//!
//! ```text
//! let mut t = Drill::new(Config::linux());
//! let fd = t.passive("mss 1000,sackOK,nop,nop,nop,wscale 7");   // handshake with a round trip of 100 ms, accept
//! t.inject("+0.1 P. 1:1001(1000) ack 1 win 257");               // "+0.1": 100 ms after the line before
//! t.expect(". 1:1(0) ack 1001");                                // the next packet, at this very time
//! t.expect_nothing_until_ms(500);
//! ```
//!
//! Rules: script number 1 is ISN + 1; SYNs set the ISNs (the peer's is what is written). Times are exact: no time means
//! `+0`, `+s` counts from the line or call before, a bare `s` from the start, `*` is any. An outbound segment without
//! `<...>` has no options, `<...>` leaves them open, `TS val * ecr *` leaves the numbers open; `win` is compared if it is
//! written. Our TSvals count milliseconds from the first one that a script names. `passive` and `active` call the TSval
//! of our SYN 100 and take the peer's from its SYN. Whatever was sent and never expected fails the test at its end.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod mapping;
pub(crate) mod notation;

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use faultwire_base::{Duration, Instant, PlaceId, SeedTree};
use faultwire_host::{
    Errno, Fd, Host, HostConfig, HostEvent, How, Interface, Received, SocketKind, SocketOption,
};
use faultwire_tcp::{Config, Info, State};
use faultwire_wire::{
    Body, Flags, IcmpKind, IcmpMessage, IpHeader, Packet, Payload, Segment, Tag, TcpOption,
};

use mapping::Mapping;
use notation::{IpMarks, Line, When, WrittenIcmp};

/// A host and its script.
pub(crate) struct Drill {
    /// The host under test.
    pub(crate) host: Host,
    /// The time of the last line.
    pub(crate) now: Instant,
    /// What handshakes of [`Drill::passive`] and [`Drill::active`] take.
    pub(crate) round_trip: Duration,
    /// Where the script's packets come from.
    pub(crate) remote: SocketAddr,
    pub(crate) local: SocketAddr,
    pub(crate) mapping: Mapping,
    /// What the host told, readiness left out.
    pub(crate) told: Vec<HostEvent>,
    listener: Option<Fd>,
    sent: VecDeque<(Instant, Packet)>,
    script: Vec<String>,
}

const LOCAL_PORT: u16 = 8080;
const PEER_PORT: u16 = 40_000;

impl Drill {
    /// A host with that stack, IPv4, MTU 1500.
    pub(crate) fn new(tcp: Config) -> Self {
        Self::with(tcp, |_| ())
    }

    /// As [`Drill::new`], with the host changed before it starts (sysctls by `apply_sysctl`, MTU, ports).
    pub(crate) fn with(tcp: Config, change: impl FnOnce(&mut HostConfig)) -> Self {
        Self::build([192, 168, 0, 1].into(), [192, 0, 2, 1].into(), tcp, change)
    }

    /// As [`Drill::new`] with IPv6.
    pub(crate) fn ipv6(tcp: Config) -> Self {
        Self::ipv6_with(tcp, |_| ())
    }

    /// As [`Drill::with`] with IPv6.
    pub(crate) fn ipv6_with(tcp: Config, change: impl FnOnce(&mut HostConfig)) -> Self {
        let local = [0xfd3d, 0xfa7b, 0xd17d, 0, 0, 0, 0, 1].into();
        Self::build(local, [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into(), tcp, change)
    }

    fn build(local: IpAddr, remote: IpAddr, tcp: Config, change: impl FnOnce(&mut HostConfig)) -> Self {
        let interface = Interface { address: local, mtu: 1500 };
        let mut config = HostConfig::new("host", PlaceId(1), interface, Arc::new(tcp));
        change(&mut config);
        Self {
            host: Host::new(config, SeedTree::new(7)),
            now: Instant::ZERO,
            round_trip: Duration::from_millis(100),
            remote: (remote, PEER_PORT).into(),
            local: (local, LOCAL_PORT).into(),
            mapping: Mapping::default(),
            told: Vec::new(),
            listener: None,
            sent: VecDeque::new(),
            script: Vec::new(),
        }
    }
}

/// Opening.
impl Drill {
    /// A listener on port 8080 (once), backlog 8.
    pub(crate) fn listen(&mut self) -> Fd {
        if let Some(fd) = self.listener {
            return fd;
        }
        let fd = self.host.socket(SocketKind::Tcp, self.local.is_ipv6());
        self.note(format_args!("listen({fd})"));
        self.host.set_option(self.now, fd, SocketOption::ReuseAddress(true)).unwrap();
        self.host.bind(fd, self.local).unwrap();
        self.host.listen(fd, 8).unwrap();
        self.listener = Some(fd);
        fd
    }

    /// accept, which must find a connection.
    pub(crate) fn accept(&mut self) -> Fd {
        let listener = self.listener.expect("somebody listens");
        let accepted = self.host.accept(listener);
        self.note(format_args!("accept({listener}) = {accepted:?}"));
        self.drain();
        match accepted {
            Ok((fd, _)) => fd,
            Err(errno) => self.fail(&format!("nothing to accept: {errno}")),
        }
    }

    /// The next connection comes from another port of the peer.
    pub(crate) fn new_peer(&mut self) {
        self.remote.set_port(self.remote.port() + 1);
    }

    /// A whole passive open: listen, `S 0:0(0) win 32792 <options>` in, SYN-ACK out (not compared), ACK in one round
    /// trip later, accept. The ACK offers a window of 32896 octets.
    pub(crate) fn passive(&mut self, options: &str) -> Fd {
        self.listen();
        self.inject(&format!("S 0:0(0) win 32792 <{options}>"));
        let syn_ack = self.expect("S. 0:0(0) ack 1 <...>");
        self.call_timestamp_100(&syn_ack);
        let round_trip = self.round_trip;
        self.pass(round_trip);
        let ack = self.handshake_ack(&syn_ack, options);
        self.inject(&ack);
        self.accept()
    }

    /// The ACK that ends a passive open.
    fn handshake_ack(&self, syn_ack: &Segment, options: &str) -> String {
        let scaled = syn_ack.options.iter().any(|option| matches!(option, TcpOption::WindowScale(_)));
        let shift = options
            .split(',')
            .find_map(|option| option.trim().strip_prefix("wscale "))
            .filter(|_| scaled)
            .map_or(0, |shift| shift.parse().expect("a shift"));
        let window = 32_896 >> shift;
        let stamps = if syn_ack.options.timestamps().is_some() {
            let value = options.split("TS val ").nth(1).and_then(|rest| rest.split(' ').next());
            let value: u32 = value.expect("a TSval").parse().expect("a TSval");
            let value = value + (self.round_trip.as_nanos() / 1_000_000) as u32;
            format!(" <nop,nop,TS val {value} ecr 100>")
        } else {
            String::new()
        };
        format!(". 1:1(0) ack 1 win {window}{stamps}")
    }

    /// A socket that begins to connect to port 8080 of the peer; the SYN is to be expected.
    pub(crate) fn connect(&mut self) -> Fd {
        let fd = self.host.socket(SocketKind::Tcp, self.local.is_ipv6());
        self.connect_with(fd);
        fd
    }

    /// As [`Drill::connect`], with a socket that is there.
    pub(crate) fn connect_with(&mut self, fd: Fd) {
        self.remote.set_port(LOCAL_PORT);
        let result = self.host.connect(self.now, fd, self.remote);
        self.note(format_args!("connect({fd}) = {result:?}"));
        if let Ok(local) = self.host.local_address(fd) {
            self.local.set_port(local.port());
        }
        self.drain();
    }

    /// A whole active open: connect, SYN out (not compared), `S. 0:0(0) ack 1 win 32792 <options>` in one round trip
    /// later, ACK out.
    pub(crate) fn active(&mut self, options: &str) -> Fd {
        let fd = self.connect();
        let syn = self.expect("S 0:0(0) <...>");
        self.call_timestamp_100(&syn);
        let round_trip = self.round_trip;
        self.pass(round_trip);
        self.inject(&format!("S. 0:0(0) ack 1 win 32792 <{options}>"));
        self.expect(". 1:1(0) ack 1 <...>");
        fd
    }

    fn call_timestamp_100(&mut self, segment: &Segment) {
        if let Some((live, _)) = segment.options.timestamps() {
            self.mapping.set_timestamp(100, live);
        }
    }
}

/// Time, and packets both ways.
impl Drill {
    /// The script goes on at this time after its start.
    pub(crate) fn at_ms(&mut self, millis: u64) {
        self.advance_to(Instant::ZERO + Duration::from_millis(millis));
    }

    /// The script goes on so much later.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.advance_to(self.now + time);
    }

    /// As [`Drill::pass`].
    pub(crate) fn pass_ms(&mut self, millis: u64) {
        self.pass(Duration::from_millis(millis));
    }

    /// A packet of the peer arrives. Timers that are due at that time run before.
    pub(crate) fn inject(&mut self, line: &str) {
        let parsed = notation::parse(line);
        match parsed.when {
            When::After(time) => self.advance_to(self.now + time),
            When::At(time) => self.advance_to(Instant::ZERO + time),
            When::Any => panic!("a packet arrives at a certain time"),
        }
        assert_ne!(parsed.inbound, Some(false), "{line} goes out");
        self.note(format_args!("< {line}"));
        let packet = self.packet(&parsed);
        self.host.receive(self.now, packet);
        self.drain();
    }

    /// A packet of the test's own making arrives.
    pub(crate) fn inject_packet(&mut self, packet: Packet) {
        self.note(format_args!("< {packet:?}"));
        self.host.receive(self.now, packet);
        self.drain();
    }

    /// The packet that a line describes, to be changed and injected.
    pub(crate) fn written(&mut self, line: &str) -> Packet {
        self.packet(&notation::parse(line))
    }

    /// Packets of the peer arrive at one instant: the host sends nothing before it has seen them all.
    pub(crate) fn inject_together(&mut self, lines: &[&str]) {
        for line in lines {
            self.note(format_args!("< {line}"));
            let packet = self.written(line);
            self.host.receive(self.now, packet);
        }
        self.drain();
    }

    /// The next packet that goes out, whatever it is; it must have been sent by now.
    pub(crate) fn expect_any(&mut self) -> Packet {
        self.try_expect_any().unwrap_or_else(|| self.fail("nothing was sent"))
    }

    /// As [`Drill::expect_any`], if there is one.
    pub(crate) fn try_expect_any(&mut self) -> Option<Packet> {
        self.sent.pop_front().map(|(_, packet)| packet)
    }

    /// The next packet that goes out is this one, at this time. Returns it.
    pub(crate) fn expect(&mut self, line: &str) -> Segment {
        let parsed = notation::parse(line);
        assert_ne!(parsed.inbound, Some(true), "{line} comes in");
        let at = match parsed.when {
            When::After(time) => Some(self.now + time),
            When::At(time) => Some(Instant::ZERO + time),
            When::Any => None,
        };
        let patience = at.unwrap_or(self.now + Duration::from_secs(100_000));
        while self.sent.is_empty() && self.step(patience) {}
        let Some((sent_at, packet)) = self.sent.pop_front() else {
            self.now = self.now.max(patience);
            self.fail(&format!("expected {line}\nbut nothing was sent until then"));
        };
        let shown = self.show(&packet);
        if at.is_some_and(|at| at != sent_at) {
            let (at, sent_at) = (seconds(at.expect("checked")), seconds(sent_at));
            self.fail(&format!("expected {line}\nat {at}, but at {sent_at} this was sent:\n{shown}"));
        }
        let Body::Tcp(segment) = &packet.body else { self.fail(&format!("not a segment: {shown}")) };
        let notation::Body::Tcp(written) = &parsed.body else { self.fail("only segments are expected") };
        let checked =
            check_marks(&parsed.marks, &packet.ip).and_then(|()| self.mapping.check(written, segment));
        if let Err(difference) = checked {
            let shown = self.show(&packet);
            self.fail(&format!("expected {line}\nbut sent was {shown}\n{difference}"));
        }
        self.now = self.now.max(sent_at);
        self.note(format_args!("> {line}"));
        segment.clone()
    }

    /// All lines of a script, each with `<` or `>`; empty lines and `//` are skipped.
    pub(crate) fn play(&mut self, script: &str) {
        for line in script.lines().map(str::trim) {
            if line.is_empty() || line.starts_with("//") {
                continue;
            }
            match notation::parse(line).inbound {
                Some(true) => self.inject(line),
                Some(false) => {
                    self.expect(line);
                }
                None => panic!("{line}: in or out?"),
            }
        }
    }

    /// Nothing waits to be expected, and nothing is sent up to this time after the start (that time included).
    pub(crate) fn expect_nothing_until_ms(&mut self, millis: u64) {
        self.advance_to(Instant::ZERO + Duration::from_millis(millis));
        self.expect_nothing();
    }

    /// Nothing waits to be expected, and nothing is sent for so long.
    pub(crate) fn expect_nothing_for_ms(&mut self, millis: u64) {
        self.pass_ms(millis);
        self.expect_nothing();
    }

    /// Nothing was sent that was not expected.
    pub(crate) fn expect_nothing(&mut self) {
        if let Some((at, packet)) = self.sent.front() {
            let (at, shown) = (seconds(*at), self.show(packet));
            self.fail(&format!("nothing was expected, but at {at} this was sent:\n{shown}"));
        }
    }

    /// What was sent and not expected, with its times.
    pub(crate) fn take_sent(&mut self) -> Vec<(Instant, Packet)> {
        self.sent.drain(..).collect()
    }

    /// Whether [`Drill::listen`] was called.
    pub(crate) fn is_listening(&self) -> bool {
        self.listener.is_some()
    }

    /// Forgets what was sent and not expected.
    pub(crate) fn forget_sent(&mut self) {
        self.sent.clear();
    }
}

/// Calls.
impl Drill {
    /// write of so many zeros.
    pub(crate) fn write(&mut self, fd: Fd, octets: u32) -> Result<u64, Errno> {
        let result = self.host.send(self.now, fd, Payload::Zeros { len: octets });
        self.note(format_args!("write({fd}, {octets}) = {result:?}"));
        self.drain();
        result
    }

    /// read of at most so many octets: how many there were, 0 at the end of the stream.
    pub(crate) fn read(&mut self, fd: Fd, octets: u64) -> Result<u64, Errno> {
        let mut count = 0;
        let result = loop {
            match self.host.recv(self.now, fd, octets - count) {
                Ok(Received::Data(payload)) if !payload.is_empty() => count += u64::from(payload.len()),
                Ok(_) => break Ok(count),
                Err(_) if count > 0 => break Ok(count),
                Err(errno) => break Err(errno),
            }
            if count == octets {
                break Ok(count);
            }
        };
        self.note(format_args!("read({fd}, {octets}) = {result:?}"));
        self.drain();
        result
    }

    /// Octets that a read would give (`MSG_PEEK`).
    pub(crate) fn peek(&mut self, fd: Fd) -> Result<u64, Errno> {
        match self.host.peek(fd, 1 << 30)? {
            Received::Data(payload) => Ok(u64::from(payload.len())),
            Received::Eof => Ok(0),
        }
    }

    /// close.
    pub(crate) fn close(&mut self, fd: Fd) {
        self.note(format_args!("close({fd})"));
        self.host.close(self.now, fd).unwrap();
        self.drain();
    }

    /// close with `SO_LINGER` on and 0 seconds.
    pub(crate) fn abort(&mut self, fd: Fd) {
        self.note(format_args!("abort({fd})"));
        self.host.abort(self.now, fd).unwrap();
        self.drain();
    }

    /// shutdown.
    pub(crate) fn shutdown(&mut self, fd: Fd, how: How) -> Result<(), Errno> {
        let result = self.host.shutdown(self.now, fd, how);
        self.note(format_args!("shutdown({fd}, {how:?}) = {result:?}"));
        self.drain();
        result
    }

    /// setsockopt.
    pub(crate) fn setsockopt(&mut self, fd: Fd, option: SocketOption) {
        self.note(format_args!("setsockopt({fd}, {option:?})"));
        self.host.set_option(self.now, fd, option).unwrap();
        self.drain();
    }

    /// `SO_ERROR`.
    pub(crate) fn error(&mut self, fd: Fd) -> Option<Errno> {
        self.host.take_error(fd).unwrap()
    }

    /// `TCP_INFO`.
    pub(crate) fn info(&self, fd: Fd) -> Info {
        self.host.info(fd).unwrap()
    }

    /// The state of the latest connection between the two ends, descriptor or not; CLOSED if there is none.
    pub(crate) fn state(&self) -> State {
        let between = |local: SocketAddr, remote: SocketAddr| local == self.local && remote == self.remote;
        self.host
            .connections()
            .filter(|report| between(report.local, report.remote))
            .max_by_key(|report| report.connection)
            .map_or(State::Closed, |report| report.state)
    }
}

/// Inside.
impl Drill {
    fn advance_to(&mut self, until: Instant) {
        while self.step(until) {}
        self.now = self.now.max(until);
    }

    /// Runs the earliest timer up to `until`, if there is one.
    fn step(&mut self, until: Instant) -> bool {
        let Some(deadline) = self.host.deadline().filter(|&at| at <= until) else { return false };
        let at = deadline.max(self.now);
        self.host.advance(at);
        self.drain_at(at);
        true
    }

    /// Takes out what the host has to send, after a call that the drill does not know.
    pub(crate) fn drain(&mut self) {
        self.drain_at(self.now);
    }

    fn drain_at(&mut self, at: Instant) {
        while let Some(packet) = self.host.transmit(at) {
            self.sent.push_back((at, packet));
        }
        while let Some(event) = self.host.event() {
            if !matches!(event, HostEvent::Ready { .. }) {
                self.told.push(event);
            }
        }
    }

    /// The packet that a line describes.
    fn packet(&mut self, line: &Line) -> Packet {
        let traffic_class = line.marks.traffic_class.unwrap_or(0) & !3
            | line.marks.ecn.map_or(0, |set| set.trailing_zeros() as u8);
        let ip = IpHeader {
            source: self.remote.ip(),
            destination: self.local.ip(),
            hop_limit: line.marks.hop_limit.unwrap_or(64),
            traffic_class,
            identification: 0,
            dont_fragment: true,
        };
        let body = match &line.body {
            notation::Body::Tcp(written) => {
                let (source_port, destination_port) = (self.remote.port(), self.local.port());
                let segment = self.mapping.inbound(written);
                Body::Tcp(Segment { source_port, destination_port, ..segment })
            }
            notation::Body::Icmp(written) => Body::Icmp(self.icmp(written)),
        };
        Packet { ip, body, tag: Tag::default() }
    }

    fn icmp(&self, written: &WrittenIcmp) -> IcmpMessage {
        let (seq, length) = written.quote;
        let about = Packet {
            ip: IpHeader {
                source: self.local.ip(),
                destination: self.remote.ip(),
                hop_limit: 64,
                traffic_class: 0,
                identification: 0,
                dont_fragment: true,
            },
            body: Body::Tcp(Segment {
                source_port: self.local.port(),
                destination_port: self.remote.port(),
                seq: self.mapping.local(seq),
                flags: Flags::ACK,
                payload: Payload::Zeros { len: length },
                ..Segment::default()
            }),
            tag: Tag::default(),
        };
        IcmpMessage::quoting(icmp_kind(written, self.local.is_ipv6()), &about)
    }

    fn show(&self, packet: &Packet) -> String {
        match &packet.body {
            Body::Tcp(segment) => format!(
                "[tos 0x{:x},ttl {}] {}",
                packet.ip.traffic_class,
                packet.ip.hop_limit,
                self.mapping.show(segment)
            ),
            other => format!("{other:?}"),
        }
    }

    fn note(&mut self, line: std::fmt::Arguments<'_>) {
        self.script.push(format!("{} {line}", seconds(self.now)));
    }

    #[track_caller]
    fn fail(&self, what: &str) -> ! {
        let waiting: String = self
            .sent
            .iter()
            .map(|(at, packet)| format!("\n  {} {}", seconds(*at), self.show(packet)))
            .collect();
        panic!("after\n{}\n{what}\nsent and not yet expected:{waiting}\n", self.script.join("\n"))
    }
}

/// Whatever was sent and never expected is one packet too many.
impl Drop for Drill {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.expect_nothing();
        }
    }
}

fn seconds(at: Instant) -> String {
    let nanos = at.as_nanos();
    format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
}

fn check_marks(marks: &IpMarks, ip: &IpHeader) -> Result<(), String> {
    if marks.ecn.is_some_and(|set| set >> (ip.traffic_class & 3) & 1 == 0) {
        return Err(format!("ECN bits are {:02b}", ip.traffic_class & 3));
    }
    if marks.traffic_class.is_some_and(|class| class != ip.traffic_class) {
        return Err(format!("the traffic class is 0x{:x}", ip.traffic_class));
    }
    if marks.hop_limit.is_some_and(|limit| limit != ip.hop_limit) {
        return Err(format!("the hop limit is {}", ip.hop_limit));
    }
    Ok(())
}

/// packetdrill's names of ICMP types and codes.
fn icmp_kind(written: &WrittenIcmp, ipv6: bool) -> IcmpKind {
    let code = written.code.as_deref().unwrap_or("");
    let number = |names: &[&str]| match code {
        "" => 0,
        code => match names.iter().position(|name| *name == code) {
            Some(at) => at as u8,
            None => {
                code.strip_prefix("code_").unwrap_or(code).parse().unwrap_or_else(|_| panic!("code {code}"))
            }
        },
    };
    match (written.kind.as_str(), ipv6) {
        ("unreachable", false) if code == "frag_needed" => IcmpKind::PacketTooBig { mtu: written.mtu },
        ("packet_too_big", true) => IcmpKind::PacketTooBig { mtu: written.mtu },
        ("unreachable", false) => IcmpKind::DestinationUnreachable { code: number(&UNREACHABLE) },
        ("unreachable", true) => IcmpKind::DestinationUnreachable { code: number(&UNREACHABLE_V6) },
        ("time_exceeded", false) => {
            IcmpKind::TimeExceeded { code: number(&["ttl_exceeded_in_transit", "frag_reass_exceeded"]) }
        }
        ("time_exceeded", true) => {
            IcmpKind::TimeExceeded { code: number(&["exceeded_hop_limit", "exceeded_frag_time"]) }
        }
        ("parameter_problem", false) => IcmpKind::ParameterProblem { code: number(&[]), pointer: 0 },
        ("parameter_problem", true) => {
            let names = ["header_field", "unknown_next_header", "unknown_option"];
            IcmpKind::ParameterProblem { code: number(&names), pointer: 0 }
        }
        ("source_quench", false) => IcmpKind::SourceQuench,
        ("redirect", false) => IcmpKind::Other { icmp_type: 5, code: 0, rest: [0; 4] },
        (other, _) => panic!("no ICMP error: {other}"),
    }
}

const UNREACHABLE: [&str; 16] = [
    "net_unreachable",
    "host_unreachable",
    "protocol_unreachable",
    "port_unreachable",
    "frag_needed",
    "source_route_failed",
    "net_unknown",
    "host_unknown",
    "source_host_isolated",
    "net_prohibited",
    "host_prohibited",
    "net_unreachable_for_tos",
    "host_unreachable_for_tos",
    "packet_filtered",
    "precedence_violation",
    "precedence_cutoff",
];

const UNREACHABLE_V6: [&str; 5] =
    ["no_route", "admin_prohibited", "not_neighbour", "address_unreachable", "port_unreachable"];

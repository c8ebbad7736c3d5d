//! Which socket is under test, and which packets are its own.

use std::net::{IpAddr, SocketAddr};

use faultwire_host::{ConnectionId, Fd, Host};
use faultwire_tcp::State;
use faultwire_wire::{Body, Flags, Packet, QuotedTransport, Segment, Seq};

use crate::laws::Laws;
use crate::mapping::Numbers;
use crate::network::Network;
use crate::sockets::Opened;

/// Every socket and child of a script, and the one under test.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tracking {
    /// Oldest first.
    list: Vec<Tracked>,
    under_test: Option<usize>,
    /// How many children there were: each comes from a port of its own.
    children: u16,
}

/// A socket of the script, or a connection that a packet of the peer began.
#[derive(Clone, Debug)]
pub(crate) struct Tracked {
    /// What it is open as, if it is.
    pub(crate) fd: Option<Fd>,
    /// What it is.
    pub(crate) stage: Stage,
    /// Its end here.
    pub(crate) local: SocketAddr,
    /// Its other end.
    pub(crate) remote: SocketAddr,
    /// What its numbers are counted from.
    pub(crate) numbers: Numbers,
    connection: Option<ConnectionId>,
    /// Sequence number of the first SYN that it sent.
    first_syn: Option<Seq>,
    /// TSval of the first segment with one that it sent.
    first_timestamp: Option<u32>,
    /// What a segment of the peer has after the last one: sequence and acknowledgment number on the wire.
    next: Option<(Seq, Seq)>,
    /// The newest packet that it sent.
    pub(crate) newest: Option<Packet>,
    laws: Laws,
}

/// What a tracked socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// A socket that neither listens nor is connected; one of UDP may stay so.
    New,
    /// It listens: the next segment of the peer makes a child.
    Listening,
    /// It opens or opened a connection.
    Connecting,
    /// A packet of the peer began it.
    Child,
}

impl Tracking {
    /// The socket under test and its place among all.
    pub(crate) fn under_test(&self) -> Option<(usize, &Tracked)> {
        let index = self.under_test?;
        Some((index, &self.list[index]))
    }

    /// As [`Tracking::under_test`], to change.
    pub(crate) fn under_test_mut(&mut self) -> Option<&mut Tracked> {
        self.under_test.map(|index| &mut self.list[index])
    }

    /// By its place.
    pub(crate) fn at(&self, index: usize) -> &Tracked {
        &self.list[index]
    }

    /// All of them, oldest first.
    pub(crate) fn all(&self) -> &[Tracked] {
        &self.list
    }

    /// A call did that.
    pub(crate) fn note(&mut self, opened: Opened, network: &Network, host: &Host) {
        match opened {
            Opened::Created { fd } => {
                self.begin(Tracked::new(Some(fd), Stage::New, network.local_end(), network.remote_end()));
            }
            Opened::Listening { fd } => {
                if let Some(socket) = self.of(fd) {
                    socket.stage = Stage::Listening;
                }
            }
            Opened::Connecting { fd } => {
                let connection = host.connection(fd).map(|(connection, _)| connection);
                // A second call on a connection that goes on is answered by its state, and begins nothing.
                if let Some(index) = self.index_of(fd)
                    && (self.list[index].connection.is_none() || self.list[index].connection != connection)
                {
                    let socket = &mut self.list[index];
                    *socket = Tracked { stage: Stage::Connecting, connection, ..socket.renewed() };
                    socket.take_ends(network, host);
                    self.under_test = Some(index);
                }
            }
            Opened::Accepted { fd, peer } => {
                let child = |it: &&mut Tracked| it.stage == Stage::Child && it.fd.is_none();
                let mut open = self.list.iter_mut().rev().filter(child);
                if let Some(child) = open.find(|it| it.remote == canonical(peer)) {
                    child.fd = Some(fd);
                }
            }
            Opened::Disconnected { fd } => {
                // Its reset is on the way still, so it keeps its ends and numbers until it connects again.
                if let Some(socket) = self.of(fd) {
                    (socket.stage, socket.connection) = (Stage::New, None);
                }
            }
            Opened::Closed { fd } => {
                if let Some(socket) = self.of(fd) {
                    socket.fd = None;
                }
            }
        }
    }

    /// The child that a packet of the peer begins; it is under test from now on.
    pub(crate) fn begin_child(&mut self, network: &Network, host: &Host, ports: (Option<u16>, Option<u16>)) {
        self.children = self.children.wrapping_add(1);
        let fresh = FIRST_CHILD_PORT + self.children % 20_000;
        // A listener may be bound to a port of its own choice.
        let parent = self.under_test().and_then(|(_, parent)| parent.fd);
        let bound = parent.and_then(|fd| host.local_address(fd).ok()).map(|end| end.port());
        let bound = bound.filter(|&port| port != 0).unwrap_or(network.local_port);
        let local = (network.local, ports.1.unwrap_or(bound)).into();
        let remote = (network.remote, ports.0.unwrap_or(fresh)).into();
        self.begin(Tracked::new(None, Stage::Child, local, remote));
    }

    /// Whose packet it is, the socket under test asked first.
    pub(crate) fn sender(&mut self, packet: &Packet, network: &Network, host: &Host) -> Option<usize> {
        let sends = |list: &[Tracked], index: usize| list[index].sends(packet);
        let known = self.under_test.filter(|&index| sends(&self.list, index));
        let known = known.or_else(|| (0..self.list.len()).rev().find(|&index| sends(&self.list, index)));
        if known.is_some() {
            return known;
        }
        // Its port may have been chosen only now: by a datagram, or by data that opens a connection (RFC 7413).
        let opens = match &packet.body {
            Body::Tcp(segment) => segment.flags.contains(Flags::SYN) && !segment.flags.contains(Flags::ACK),
            Body::Udp(_) => true,
            _ => false,
        };
        let socket =
            self.under_test_mut().filter(|it| opens && it.fd.is_some() && it.stage != Stage::Child)?;
        let mut tried = socket.clone();
        tried.take_ends(network, host);
        if !tried.sends(packet) {
            return None;
        }
        *socket = tried;
        if matches!(packet.body, Body::Tcp(_)) {
            socket.stage = Stage::Connecting;
        }
        self.under_test
    }

    /// It sent this packet; says which law that breaks.
    pub(crate) fn sent(&mut self, index: usize, packet: &Packet) -> Option<&'static str> {
        let socket = &mut self.list[index];
        if let Body::Tcp(segment) = &packet.body
            && segment.flags.contains(Flags::SYN)
        {
            socket.first_syn.get_or_insert(segment.seq);
        }
        if let Body::Tcp(segment) = &packet.body
            && socket.first_timestamp.is_none()
        {
            socket.first_timestamp = segment.options.timestamps().map(|(value, _)| value);
        }
        socket.newest = Some(packet.clone());
        match &packet.body {
            Body::Tcp(segment) => socket.laws.sent(segment),
            _ => None,
        }
    }

    fn begin(&mut self, tracked: Tracked) {
        self.under_test = Some(self.list.len());
        self.list.push(tracked);
    }

    /// The newest that is open as `fd`: numbers of descriptors are used again.
    fn of(&mut self, fd: Fd) -> Option<&mut Tracked> {
        self.index_of(fd).map(|index| &mut self.list[index])
    }

    fn index_of(&self, fd: Fd) -> Option<usize> {
        self.list.iter().rposition(|it| it.fd == Some(fd))
    }
}

impl Tracked {
    fn new(fd: Option<Fd>, stage: Stage, local: SocketAddr, remote: SocketAddr) -> Self {
        let numbers = Numbers::default();
        Self {
            fd,
            stage,
            local,
            remote,
            numbers,
            connection: None,
            first_syn: None,
            first_timestamp: None,
            next: None,
            newest: None,
            laws: Laws::default(),
        }
    }

    /// The same socket before it had a connection.
    fn renewed(&self) -> Self {
        Self::new(self.fd, Stage::New, self.local, self.remote)
    }

    /// Takes its ends from the host, as far as that knows them.
    pub(crate) fn take_ends(&mut self, network: &Network, host: &Host) {
        let Some(fd) = self.fd else { return };
        let known = |end: SocketAddr, default: SocketAddr| {
            let end = canonical(end);
            let ip = if end.ip().is_unspecified() { default.ip() } else { end.ip() };
            SocketAddr::new(ip, if end.port() == 0 { default.port() } else { end.port() })
        };
        let local = host.local_address(fd).map_or(network.local_end(), |end| known(end, network.local_end()));
        let remote =
            host.peer_address(fd).map_or(network.remote_end(), |end| known(end, network.remote_end()));
        (self.local, self.remote) = (local, remote);
    }

    /// Whether a segment of the peer begins a connection of its own.
    pub(crate) fn makes_children(&self) -> bool {
        self.stage == Stage::Listening || self.stage == Stage::New && self.newest.is_none()
    }

    /// Whether the peer sent nothing to it yet, but its first packet comes now.
    pub(crate) fn is_fresh(&self) -> bool {
        self.stage == Stage::Child && self.next.is_none()
    }

    /// Whether a SYN of the peer tells its ISN: the handshake is not through yet.
    pub(crate) fn awaits_syn(&self, host: &Host) -> bool {
        match self.stage {
            Stage::Child => !self.numbers.knows_local_isn(),
            Stage::Connecting => match self.fd.and_then(|fd| host.info(fd).ok()) {
                Some(info) => info.state == State::SynSent,
                None => !self.numbers.knows_local_isn(),
            },
            Stage::New | Stage::Listening => true,
        }
    }

    /// Its numbers for a reader: before the script has named its SYN, that is taken for 0, and so is its first TSval.
    pub(crate) fn shown_numbers(&self) -> Numbers {
        let mut numbers = self.numbers.clone();
        if let Some(isn) = self.first_syn.filter(|_| !numbers.knows_local_isn()) {
            numbers.set_local_isn(0, isn);
        }
        if let Some(live) = self.first_timestamp.filter(|_| numbers.script_timestamp(0).is_none()) {
            numbers.note_timestamp(0, live);
        }
        numbers
    }

    /// The peer sent it this segment.
    pub(crate) fn received(&mut self, segment: &Segment) {
        self.next = Some((segment.seq + segment.sequence_length(), segment.ack));
        self.laws.received(segment);
    }

    /// Sequence and acknowledgment number of the reset that ends it; `None` if it never got a segment.
    pub(crate) fn reset(&self) -> Option<(Seq, Seq)> {
        self.next
    }

    /// Whether a packet is one of its own.
    pub(crate) fn sends(&self, packet: &Packet) -> bool {
        let (source, destination) = (packet.ip.source, packet.ip.destination);
        if source != self.local.ip() || destination != self.remote.ip() {
            return false;
        }
        let ports = (self.local.port(), self.remote.port());
        let tuple = !matches!(self.stage, Stage::Listening);
        match &packet.body {
            Body::Tcp(segment) => tuple && ports == (segment.source_port, segment.destination_port),
            Body::Udp(datagram) => tuple && ports == (datagram.source_port, datagram.destination_port),
            // An error is about a packet of the peer; anything else names no ports.
            Body::Icmp(message) => match message.quote().map(|quote| quote.transport) {
                Ok(
                    QuotedTransport::Tcp { source_port, destination_port, .. }
                    | QuotedTransport::Udp { source_port, destination_port },
                ) => ports == (destination_port, source_port),
                _ => true,
            },
            Body::Raw(_) => false,
        }
    }
}

/// An address of IPv4 that was mapped into IPv6, as itself.
fn canonical(end: SocketAddr) -> SocketAddr {
    let ip: IpAddr = end.ip().to_canonical();
    SocketAddr::new(ip, end.port())
}

/// Children come from the ports above this one.
const FIRST_CHILD_PORT: u16 = 40_000;

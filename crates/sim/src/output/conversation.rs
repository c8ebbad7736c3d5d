//! Conversations: which packets and changes of state belong to the same two ends.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use faultwire_base::PlaceId;
use faultwire_link::NameId;
use faultwire_wire::{Body, Flow, IcmpKind, IcmpMessage, Packet, Quote, QuotedTransport};

use super::legend::Legend;
use super::trace::{PacketNumber, Trace, What};

/// One conversation, seen from the end that began it (left). Connections that follow each other between the same two
/// addresses and ports are one conversation: what happens to an old one is often the doing of a new one.
#[derive(Clone, Debug)]
pub(crate) struct Conversation {
    /// What is spoken.
    pub(crate) protocol: Protocol,
    /// Left and right end.
    pub(crate) ends: [End; 2],
    /// Indices into the trace's entries, ascending.
    pub(crate) entries: Vec<usize>,
    /// Names that apps gave it.
    pub(crate) names: Vec<NameId>,
}

/// A transport protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Protocol {
    Tcp,
    Udp,
    Icmp,
    Unknown,
}

impl Protocol {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Icmp => "ICMP",
            Self::Unknown => "raw packets",
        }
    }
}

/// One end of a conversation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    /// Address and port; port 0 where there is none.
    pub(crate) address: SocketAddr,
    /// The host that owns the address.
    pub(crate) host: Option<PlaceId>,
}

/// Left or right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Left,
    Right,
}

impl Side {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

impl Conversation {
    /// The end on that side.
    pub(crate) fn end(&self, side: Side) -> &End {
        &self.ends[side as usize]
    }

    /// Which end a host is.
    pub(crate) fn side_of(&self, host: PlaceId) -> Option<Side> {
        [Side::Left, Side::Right].into_iter().find(|&side| self.end(side).host == Some(host))
    }

    /// From which side a packet comes. What no end sent (a router's error) comes from the side it does not go to.
    pub(crate) fn sender(&self, packet: &Packet) -> Side {
        let (source, destination) = transport_ends(packet);
        let is = |side: Side, address: SocketAddr| {
            let end = self.end(side).address;
            end.ip() == address.ip()
                && (end.port() == address.port() || end.port() == 0 || address.port() == 0)
        };
        if is(Side::Left, source) && !(is(Side::Right, source) && is(Side::Left, destination)) {
            Side::Left
        } else if is(Side::Right, source) || is(Side::Left, destination) {
            Side::Right
        } else {
            Side::Left
        }
    }
}

/// All conversations of a trace, in the order of their first packets.
pub(crate) fn conversations(legend: &Legend, trace: &Trace) -> Vec<Conversation> {
    let mut finder = Finder { legend, found: Vec::new(), by_flow: BTreeMap::new(), by_ends: BTreeMap::new() };
    let of_packet: Vec<usize> = trace.packets().iter().map(|packet| finder.place(&packet.packet)).collect();
    let of = |number: PacketNumber| of_packet[number.0 as usize - 1];
    let Finder { mut found, by_flow, by_ends, .. } = finder;
    // What an injected packet opens belongs to no flow. A host that restarts numbers its connections anew.
    let mut by_connection = BTreeMap::new();
    let mut begun = 0;
    for (index, entry) in trace.entries().iter().enumerate() {
        match entry.what {
            What::Sent { packet, .. }
            | What::Link { packet, .. }
            | What::Arrived { packet, .. }
            | What::Discarded { packet, .. } => {
                begun = begun.max(of(packet) + 1);
                found[of(packet)].entries.push(index);
            }
            What::Opened { connection, local, remote, .. } => {
                let ends = (Protocol::Tcp, local.min(remote), local.max(remote));
                if let Some(&conversation) = by_ends.get(&ends) {
                    by_connection.insert((entry.place, connection), conversation);
                }
            }
            What::StateChanged { connection, flow, .. } => {
                let opened = by_connection.get(&(entry.place, connection));
                if let Some(&conversation) = opened.or_else(|| by_flow.get(&flow)) {
                    found[conversation].entries.push(index);
                }
            }
            What::Named(name) => {
                if let Some(&conversation) = by_flow.get(&name.flow)
                    && !found[conversation].names.contains(&name.name)
                {
                    found[conversation].names.push(name.name);
                }
            }
            What::HostChanged { .. } => {
                for conversation in &mut found[..begun] {
                    if conversation.side_of(entry.place).is_some() {
                        conversation.entries.push(index);
                    }
                }
            }
            What::StepEnded { .. } | What::Injected { .. } => {}
        }
    }
    found
}

/// Finds the conversation of each packet.
struct Finder<'a> {
    legend: &'a Legend,
    found: Vec<Conversation>,
    by_flow: BTreeMap<Flow, usize>,
    /// The conversation between two ends, the lower one first.
    by_ends: BTreeMap<(Protocol, SocketAddr, SocketAddr), usize>,
}

impl Finder<'_> {
    fn place(&mut self, packet: &Packet) -> usize {
        let protocol = protocol(packet);
        let (source, destination) = transport_ends(packet);
        let key = (protocol, source.min(destination), source.max(destination));
        let index = self.by_ends.get(&key).copied().unwrap_or_else(|| {
            self.found.push(self.begin(protocol, source, destination));
            self.found.len() - 1
        });
        self.by_ends.insert(key, index);
        if packet.tag.flow != Flow::NONE {
            self.by_flow.entry(packet.tag.flow).or_insert(index);
        }
        index
    }

    fn begin(&self, protocol: Protocol, source: SocketAddr, destination: SocketAddr) -> Conversation {
        let end = |address: SocketAddr| End {
            address,
            host: self.legend.owner(address.ip()).map(|node| node.place),
        };
        Conversation {
            protocol,
            ends: [end(source), end(destination)],
            entries: Vec::new(),
            names: Vec::new(),
        }
    }
}

/// What a packet belongs to; an ICMP error belongs to what it quotes.
fn protocol(packet: &Packet) -> Protocol {
    match &packet.body {
        Body::Tcp(_) => Protocol::Tcp,
        Body::Udp(_) => Protocol::Udp,
        Body::Icmp(message) => {
            quote(message).map_or(Protocol::Icmp, |quote| quoted_protocol(&quote.transport))
        }
        Body::Raw(bytes) => match faultwire_wire::decode(bytes) {
            Ok((ip, body)) if !matches!(body, Body::Raw(_)) => {
                protocol(&Packet { ip, body, tag: packet.tag })
            }
            _ => Protocol::Unknown,
        },
    }
}

/// What an ICMP error quotes; `None` for what is no error.
fn quote(message: &IcmpMessage) -> Option<Quote> {
    match message.kind {
        IcmpKind::EchoRequest { .. } | IcmpKind::EchoReply { .. } | IcmpKind::Other { .. } => None,
        _ => message.quote().ok(),
    }
}

fn quoted_protocol(transport: &QuotedTransport) -> Protocol {
    match transport {
        QuotedTransport::Tcp { .. } => Protocol::Tcp,
        QuotedTransport::Udp { .. } => Protocol::Udp,
        _ => Protocol::Icmp,
    }
}

/// Source and destination; for an ICMP error those of the packet that it answers, turned around.
fn transport_ends(packet: &Packet) -> (SocketAddr, SocketAddr) {
    let of = |source: IpAddr, source_port: u16, destination: IpAddr, destination_port: u16| {
        (SocketAddr::new(source, source_port), SocketAddr::new(destination, destination_port))
    };
    let (source, destination) = (packet.ip.source, packet.ip.destination);
    match &packet.body {
        Body::Tcp(segment) => of(source, segment.source_port, destination, segment.destination_port),
        Body::Udp(datagram) => of(source, datagram.source_port, destination, datagram.destination_port),
        Body::Icmp(message) => match quote(message) {
            Some(quote) => {
                let (quoted_source, quoted_destination) = quoted_ports(&quote.transport);
                of(quote.ip.destination, quoted_destination, quote.ip.source, quoted_source)
            }
            None => of(source, 0, destination, 0),
        },
        Body::Raw(bytes) => match faultwire_wire::decode(bytes) {
            Ok((ip, body)) if !matches!(body, Body::Raw(_)) => {
                transport_ends(&Packet { ip, body, tag: packet.tag })
            }
            _ => of(source, 0, destination, 0),
        },
    }
}

fn quoted_ports(transport: &QuotedTransport) -> (u16, u16) {
    match *transport {
        QuotedTransport::Tcp { source_port, destination_port, .. }
        | QuotedTransport::Udp { source_port, destination_port, .. } => (source_port, destination_port),
        _ => (0, 0),
    }
}

//! Packets of the peer: which connection they are for, what they are on the wire, and their arrival.

use std::net::SocketAddr;

use faultwire_base::Duration;
use faultwire_wire::{
    Body, Datagram, EcnCodepoint, Flags, IcmpMessage, IpHeader, Packet, Payload, Segment, Tag,
};

use super::{Player, peers_header, trouble};
use crate::bench::{Origin, Trouble};
use crate::icmp;
use crate::problem::Problem;
use crate::syntax::tree::{
    BodySpec, EcnSpec, Event, IcmpSpec, IpSpec, PacketSpec, QuoteSpec, SequenceSpec, TcpSpec,
};
use crate::tracking::Tracked;

impl Player<'_> {
    pub(super) fn inbound(&mut self, event: &Event, spec: &PacketSpec) -> Result<(), Trouble> {
        self.wait_for(event)?;
        self.come_after_the_last()?;
        let packet = self.written(spec).map_err(|problem| match problem {
            Problem::Differs(message) => trouble(event, format!("{}\n{message}", event.text), Origin::Packet),
            problem => Trouble { line: event.at.line, problem, origin: Origin::Packet },
        })?;
        let connection = self.bench.tracking.under_test().map(|(index, _)| index);
        self.bench.receive(packet, connection)
    }

    /// No wire delivers two packets at one instant: the second comes a microsecond later, as it would to a kernel, whose
    /// times of sending tell the order of what it sent (RFC 8985 §6.2). With `--exact` it comes when the script says.
    fn come_after_the_last(&mut self) -> Result<(), Trouble> {
        let now = self.bench.now();
        if self.arrived == Some(now) && !self.exact {
            self.bench.advance_to(now.saturating_add(Duration::from_micros(1)))?;
        }
        self.arrived = Some(self.bench.now());
        Ok(())
    }

    /// The packet as it goes over the wire.
    fn written(&mut self, spec: &PacketSpec) -> Result<Packet, Problem> {
        if let Some(words) = &spec.encapsulation {
            return Err(Problem::Unknown(format!("{words}: this stack speaks no such encapsulation")));
        }
        let mut ip = peers_header(&self.network);
        mark(&spec.ip, &mut ip);
        if self.bench.tracking.under_test().is_none() {
            let named = (named(spec.ports.map(|it| it.0)), named(spec.ports.map(|it| it.1)));
            self.bench.tracking.begin_child(&self.network, &self.bench.machine.host, named);
        }
        let body = match &spec.body {
            BodySpec::Tcp(tcp) => Body::Tcp(self.segment(tcp, spec.ports)?),
            &BodySpec::Udp { length } => {
                let (remote, local) = self.ends_of_datagram(spec.ports);
                let payload = Payload::Zeros { len: u32::from(length) };
                Body::Udp(Datagram { source_port: remote.port(), destination_port: local.port(), payload })
            }
            BodySpec::Icmp(icmp) => Body::Icmp(self.message(icmp, spec.ports)?),
        };
        let packet = Packet { ip, body, tag: Tag::default() };
        // RFC 791 §3.1 counts the header, RFC 8200 §3 does not.
        let most = 65_535 + if self.network.is_ipv6() { 40 } else { 0 };
        if packet.length() > most {
            let message = format!("a packet of {} octets: IP has room for {most}", packet.length());
            return Err(Problem::Differs(message));
        }
        Ok(packet)
    }

    fn segment(&mut self, spec: &TcpSpec, ports: Option<(u16, u16)>) -> Result<Segment, Problem> {
        let named = (named(ports.map(|it| it.0)), named(ports.map(|it| it.1)));
        if self.bench.tracking.under_test().is_some_and(|(_, it)| it.makes_children()) {
            self.bench.tracking.begin_child(&self.network, &self.bench.machine.host, named);
        }
        let tracked = self.bench.tracking.under_test_mut().expect("a child is under test");
        let syn = spec.flags.contains(Flags::SYN);
        if let SequenceSpec::Relative(isn) | SequenceSpec::Absolute(isn) = spec.sequence
            && (tracked.is_fresh() || syn && tracked.awaits_syn(&self.bench.machine.host))
        {
            tracked.numbers.set_remote_isn(isn);
        }
        let mut segment = tracked.numbers.inbound(spec, self.rules.scales_echoes)?;
        segment.source_port = named.0.unwrap_or(tracked.remote.port());
        segment.destination_port = named.1.unwrap_or(tracked.local.port());
        tracked.received(&segment);
        Ok(segment)
    }

    /// The peer's end and ours.
    fn ends_of_datagram(&mut self, ports: Option<(u16, u16)>) -> (SocketAddr, SocketAddr) {
        let network = self.network;
        let (mut remote, mut local) = (network.remote_end(), network.local_end());
        if let Some(tracked) = self.bench.tracking.under_test_mut() {
            tracked.take_ends(&network, &self.bench.machine.host);
            (remote, local) = (tracked.remote, tracked.local);
        }
        remote.set_port(named(ports.map(|it| it.0)).unwrap_or(remote.port()));
        local.set_port(named(ports.map(|it| it.1)).unwrap_or(local.port()));
        (remote, local)
    }

    /// An error quotes what the script says, or else the newest packet that was sent.
    fn message(&mut self, spec: &IcmpSpec, ports: Option<(u16, u16)>) -> Result<IcmpMessage, Problem> {
        let ipv6 = self.network.is_ipv6();
        if let Some(QuoteSpec::Udp { .. }) = spec.quote {
            self.ends_of_datagram(None);
        }
        let Some((_, tracked)) = self.bench.tracking.under_test() else {
            return icmp::message(spec, None, ipv6);
        };
        let quoted = match spec.quote {
            Some(quote) => quoted(tracked, quote, ports, self.quoted_header(tracked)),
            None => tracked.newest.clone(),
        };
        icmp::message(spec, quoted.as_ref(), ipv6)
    }

    /// The IP header of the packet that is quoted, as it left.
    fn quoted_header(&self, tracked: &Tracked) -> IpHeader {
        let newest = tracked.newest.as_ref().map(|packet| packet.ip);
        newest.unwrap_or_else(|| {
            let peers = peers_header(&self.network);
            IpHeader { source: peers.destination, destination: peers.source, hop_limit: 64, ..peers }
        })
    }
}

/// The packet of ours that a quote is of; `None` if it is any, and none was sent.
fn quoted(tracked: &Tracked, quote: QuoteSpec, ports: Option<(u16, u16)>, ip: IpHeader) -> Option<Packet> {
    let source_port = named(ports.map(|it| it.0)).unwrap_or(tracked.local.port());
    let destination_port = named(ports.map(|it| it.1)).unwrap_or(tracked.remote.port());
    // As much as any packet has room for.
    let data = |length: u16| Payload::Zeros { len: u32::from(length.min(65_535 - 60)) };
    let body = match quote {
        QuoteSpec::Udp { length } => {
            Body::Udp(Datagram { source_port, destination_port, payload: data(length) })
        }
        QuoteSpec::Tcp { sequence, length } => {
            let seq = match sequence {
                SequenceSpec::Relative(script) => tracked.numbers.local(script),
                SequenceSpec::Absolute(live) => faultwire_wire::Seq(live),
                SequenceSpec::Any => match tracked.newest.as_ref().map(|packet| &packet.body) {
                    Some(Body::Tcp(segment)) => segment.seq,
                    _ => return None,
                },
            };
            Body::Tcp(Segment {
                source_port,
                destination_port,
                seq,
                flags: Flags::ACK,
                payload: data(length),
                ..Segment::default()
            })
        }
    };
    Some(Packet { ip, body, tag: Tag::default() })
}

/// A port of 0 names none.
pub(super) fn named(port: Option<u16>) -> Option<u16> {
    port.filter(|&port| port != 0)
}

/// What the script says of the IP header.
fn mark(spec: &IpSpec, ip: &mut IpHeader) {
    if let Some(class) = spec.traffic_class {
        ip.traffic_class = class;
    }
    if let Some(hops) = spec.hop_limit {
        ip.hop_limit = hops;
    }
    let codepoint = match spec.ecn {
        None => return,
        Some(EcnSpec::NotEct) => EcnCodepoint::NotEct,
        Some(EcnSpec::Ect0 | EcnSpec::Ect01) => EcnCodepoint::Ect0,
        Some(EcnSpec::Ect1) => EcnCodepoint::Ect1,
        Some(EcnSpec::Ce) => EcnCodepoint::Ce,
    };
    ip.traffic_class = codepoint.put_into(ip.traffic_class);
}

//! Packets of a run in the numbers and the tree of a script: both ISNs are 0, and our timestamps begin at 100.

use std::collections::BTreeSet;

use faultwire_wire::{Body, Flags, IcmpKind, IpHeader, Packet, QuotedTransport, Segment, TcpOption};

use crate::syntax::tree::{
    BodySpec, EcnSpec, IcmpSpec, IpSpec, OptionSpec, OptionsSpec, PacketSpec, Position, QuoteSpec,
    SequenceSpec, TcpSpec,
};

/// What the numbers of one end of a connection are counted from.
#[derive(Clone, Debug)]
pub(crate) struct Numbers {
    /// Our ISN.
    local: u32,
    /// The peer's ISN.
    remote: u32,
    /// Where a script now counts the peer's numbers from: the number of its latest SYN there.
    counted_from: u32,
    /// Whether a SYN of the peer still tells its ISN: the handshake is not through.
    pub(crate) opening: bool,
    /// Our first TSval.
    first_timestamp: Option<u32>,
    /// Our TSvals that the script has, in its numbers.
    timestamps: BTreeSet<u32>,
    /// Whether packets have marks of ECN, so that it tells when one of ours has none.
    pub(crate) marks: bool,
    /// The hop limit that needs no words.
    pub(crate) hop_limit: u8,
}

/// What our first TSval is in a script.
const FIRST_TIMESTAMP: u32 = 100;

impl Numbers {
    /// Counted from these ISNs.
    pub(crate) fn new(local: u32, remote: u32) -> Self {
        Self {
            local,
            remote,
            counted_from: 0,
            opening: true,
            first_timestamp: None,
            timestamps: BTreeSet::new(),
            marks: false,
            hop_limit: 64,
        }
    }

    /// A packet of ours.
    pub(crate) fn sent(&mut self, packet: &Packet) -> Option<PacketSpec> {
        let Body::Tcp(segment) = &packet.body else { return None };
        // RFC 9293 §3.10.7.1: a RST for a connection that is not there has the number 0, whatever the ISN was.
        let of_none = segment.seq.0 == 0 && segment.flags.contains(Flags::RST | Flags::ACK);
        let sequence = match of_none {
            true => SequenceSpec::Absolute(0),
            false => SequenceSpec::Relative(segment.seq.0.wrapping_sub(self.local)),
        };
        let body = BodySpec::Tcp(TcpSpec {
            sequence,
            acknowledgment: acknowledges(segment).then(|| self.peers(segment.ack.0, is_syn(segment))),
            ..self.segment(segment, true)
        });
        Some(spec(self.header(&packet.ip, true), body))
    }

    /// A packet of the peer, or of a router.
    pub(crate) fn arrived(&mut self, packet: &Packet, ipv6: bool) -> Result<PacketSpec, String> {
        let body = match &packet.body {
            Body::Tcp(segment) => {
                if is_syn(segment) && self.opening {
                    self.counted_from = segment.seq.0.wrapping_sub(self.remote);
                }
                BodySpec::Tcp(TcpSpec {
                    sequence: SequenceSpec::Relative(self.peers(segment.seq.0, is_syn(segment))),
                    acknowledgment: acknowledges(segment).then(|| segment.ack.0.wrapping_sub(self.local)),
                    ..self.segment(segment, false)
                })
            }
            Body::Icmp(message) => {
                let (kind, code, mtu) = icmp_words(&message.kind, ipv6)?;
                let quote =
                    message.quote().map_err(|error| format!("an ICMP message quotes nonsense: {error}"))?;
                let QuotedTransport::Tcp { seq, .. } = quote.transport else {
                    return Err("an ICMP message quotes what is no segment".into());
                };
                // How much it quotes matters to nobody; what stands here is all that can be known.
                let headers = packet_headers(&quote.ip);
                let length = quote.length.saturating_sub(headers).min(u32::from(u16::MAX)) as u16;
                let sequence = SequenceSpec::Relative(seq.0.wrapping_sub(self.local));
                let quote = Some(QuoteSpec::Tcp { sequence, length });
                BodySpec::Icmp(IcmpSpec { kind, code: Some(code), mtu, identifier: None, quote })
            }
            Body::Udp(_) | Body::Raw(_) => return Err("a packet of another protocol".into()),
        };
        Ok(spec(self.header(&packet.ip, false), body))
    }

    /// A number of the peer. On a SYN it is literal in a script.
    fn peers(&self, number: u32, syn: bool) -> u32 {
        let literal = number.wrapping_sub(self.remote);
        if syn { literal } else { literal.wrapping_sub(self.counted_from) }
    }

    /// What both directions have in common; the numbers are left to the caller.
    fn segment(&mut self, segment: &Segment, ours: bool) -> TcpSpec {
        TcpSpec {
            flags: segment.flags,
            ace: None,
            sequence: SequenceSpec::Any,
            length: segment.payload.len() as u16,
            acknowledgment: None,
            window: Some(segment.window),
            urgent: segment.flags.contains(Flags::URG).then_some(segment.urgent),
            options: OptionsSpec::These(self.options(segment, ours)),
        }
    }

    fn options(&mut self, segment: &Segment, ours: bool) -> Vec<OptionSpec> {
        let octets = segment.options.as_bytes();
        let mut known = segment.options.iter();
        let (mut specs, mut at) = (Vec::new(), 0);
        while at < octets.len() {
            at += match octets[at] {
                0 => {
                    specs.push(OptionSpec::EndOfList);
                    1
                }
                1 => {
                    specs.push(OptionSpec::NoOperation);
                    1
                }
                _ => {
                    let Some(option) = known.next() else { break };
                    specs.push(self.option(&option, segment, ours));
                    usize::from(octets[at + 1])
                }
            };
        }
        specs
    }

    fn option(&mut self, option: &TcpOption<'_>, segment: &Segment, ours: bool) -> OptionSpec {
        match *option {
            TcpOption::MaximumSegmentSize(size) => OptionSpec::MaximumSegmentSize(size),
            TcpOption::WindowScale(shift) => OptionSpec::WindowScale(shift),
            TcpOption::SackPermitted => OptionSpec::SackPermitted,
            TcpOption::Sack(octets) => {
                let edge = |at: &[u8]| {
                    let edge = u32::from_be_bytes([at[0], at[1], at[2], at[3]]);
                    if ours { self.peers(edge, is_syn(segment)) } else { edge.wrapping_sub(self.local) }
                };
                OptionSpec::Sack(
                    octets.chunks_exact(8).map(|block| (edge(block), edge(&block[4..]))).collect(),
                )
            }
            TcpOption::Timestamps { value, echo } if ours => {
                let first = *self.first_timestamp.get_or_insert(value);
                let value = timestamp(value, first);
                self.timestamps.insert(value);
                OptionSpec::Timestamps { value: Some(value), echo, literal_echo: false }
            }
            TcpOption::Timestamps { value, echo } => {
                let ours = self.first_timestamp.map(|first| timestamp(echo, first));
                let ours = ours.filter(|echo| acknowledges(segment) && self.timestamps.contains(echo));
                // What is no echo of ours stands as it is.
                let literal_echo = ours.is_none() && acknowledges(segment);
                let echo = ours.unwrap_or(echo);
                OptionSpec::Timestamps { value: Some(value), echo, literal_echo }
            }
            TcpOption::FastOpen { cookie, experimental: false } => OptionSpec::FastOpen(cookie.to_vec()),
            TcpOption::FastOpen { cookie, experimental: true } => {
                OptionSpec::FastOpenExperimental(cookie.to_vec())
            }
            TcpOption::UserTimeout(field) => {
                OptionSpec::Unknown { kind: 28, data: field.to_be_bytes().to_vec() }
            }
            TcpOption::Unknown { kind, data } => OptionSpec::Unknown { kind, data: data.to_vec() },
        }
    }

    fn header(&self, ip: &IpHeader, ours: bool) -> IpSpec {
        let ecn = match ip.traffic_class & 3 {
            0 if ours && self.marks => Some(EcnSpec::NotEct),
            0 => None,
            1 => Some(EcnSpec::Ect1),
            2 => Some(EcnSpec::Ect0),
            _ => Some(EcnSpec::Ce),
        };
        // The whole octet is said of a packet that has more than a mark.
        let whole = (ip.traffic_class > 3).then_some(ip.traffic_class);
        IpSpec {
            ecn: ecn.filter(|_| whole.is_none()),
            traffic_class: whole,
            hop_limit: (ours && ip.hop_limit != self.hop_limit).then_some(ip.hop_limit),
            flow_label: None,
        }
    }
}

fn spec(ip: IpSpec, body: BodySpec) -> PacketSpec {
    PacketSpec { at: Position::default(), ip, ports: None, body, encapsulation: None }
}

/// A TSval of ours in a script's numbers.
fn timestamp(value: u32, first: u32) -> u32 {
    value.wrapping_sub(first).wrapping_add(FIRST_TIMESTAMP)
}

fn is_syn(segment: &Segment) -> bool {
    segment.flags.contains(Flags::SYN)
}

fn acknowledges(segment: &Segment) -> bool {
    segment.flags.contains(Flags::ACK)
}

/// Octets of the IP header and of a TCP header without options.
fn packet_headers(ip: &IpHeader) -> u32 {
    ip.length() as u32 + 20
}

/// Type and code as a script names them, and the MTU if there is one.
fn icmp_words(kind: &IcmpKind, ipv6: bool) -> Result<(String, String, Option<u32>), String> {
    const V4: [&str; 16] = [
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
    const V6: [&str; 5] =
        ["no_route", "admin_prohibited", "not_neighbour", "address_unreachable", "port_unreachable"];
    let unknown = || Err(format!("an ICMP message has no name in scripts: {kind:?}"));
    let (name, code, mtu) = match *kind {
        IcmpKind::DestinationUnreachable { code } => {
            let names: &[&str] = if ipv6 { &V6 } else { &V4 };
            match names.get(usize::from(code)) {
                Some(name) => ("unreachable", *name, None),
                None => return unknown(),
            }
        }
        IcmpKind::PacketTooBig { mtu } if ipv6 => ("packet_too_big", "0", Some(mtu)),
        IcmpKind::PacketTooBig { mtu } => ("unreachable", "frag_needed", Some(mtu)),
        IcmpKind::TimeExceeded { code: 0 } => {
            ("time_exceeded", if ipv6 { "exceeded_hop_limit" } else { "ttl_exceeded_in_transit" }, None)
        }
        IcmpKind::TimeExceeded { code: 1 } => {
            ("time_exceeded", if ipv6 { "exceeded_frag_time" } else { "frag_reass_exceeded" }, None)
        }
        IcmpKind::SourceQuench if !ipv6 => ("source_quench", "0", None),
        IcmpKind::ParameterProblem { code, pointer: 0 } => {
            match ["code_0", "code_1", "code_2"].get(usize::from(code)) {
                Some(name) => ("parameter_problem", *name, None),
                None => return unknown(),
            }
        }
        _ => return unknown(),
    };
    Ok((name.to_owned(), code.to_owned(), mtu))
}

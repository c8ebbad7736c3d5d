//! Numbers that are drawn from the seed, and what they are relative to: the start of each stream.

use std::collections::BTreeMap;
use std::net::IpAddr;

use faultwire_wire::{Body, Flags};

use super::identity::Identities;
use crate::output::{Legend, PacketNumber, Trace};

/// Where the numbers of one sender in one conversation begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Start {
    /// Sequence number of its SYN.
    pub(super) sequence: Option<u32>,
    /// Its first timestamp (RFC 7323 §5.4: a random offset for each connection).
    pub(super) timestamp: Option<u32>,
    /// Its port.
    pub(super) port: u16,
    /// The IPv4 identification of its first packet.
    pub(super) identification: u16,
}

/// A drawn number that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// Which, in words.
    pub what: String,
    /// In the first run.
    pub one: String,
    /// In the other.
    pub other: String,
}

/// The starts of all streams of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    /// By conversation, as its name and index, and address of the sender.
    starts: BTreeMap<(usize, IpAddr), Start>,
    /// Names of conversations and of senders, in the order in which they appear.
    order: Vec<(String, usize, IpAddr)>,
}

impl Numbers {
    pub(super) fn of(trace: &Trace, identities: &Identities) -> Self {
        let mut numbers = Self::default();
        for packet in trace.packets() {
            let conversation = identities.conversation(packet.number);
            let ip = &packet.packet.ip;
            let key = (conversation, ip.source);
            if !numbers.starts.contains_key(&key) {
                numbers.order.push((identities.name(conversation).to_owned(), conversation, ip.source));
            }
            let start = numbers.starts.entry(key).or_insert_with(|| Start {
                identification: ip.identification,
                port: match &packet.packet.body {
                    Body::Tcp(segment) => segment.source_port,
                    Body::Udp(datagram) => datagram.source_port,
                    Body::Icmp(_) | Body::Raw(_) => 0,
                },
                ..Start::default()
            });
            let Body::Tcp(segment) = &packet.packet.body else { continue };
            if segment.flags.contains(Flags::SYN) && start.sequence.is_none() {
                start.sequence = Some(segment.seq.0);
            }
            if start.timestamp.is_none() {
                start.timestamp = segment.options.timestamps().map(|(value, _)| value);
            }
        }
        numbers
    }

    /// Where the numbers of a packet's sender and of its receiver begin.
    pub(super) fn of_packet(
        &self,
        identities: &Identities,
        number: PacketNumber,
        ends: [IpAddr; 2],
    ) -> [Start; 2] {
        let conversation = identities.conversation(number);
        ends.map(|address| self.starts.get(&(conversation, address)).copied().unwrap_or_default())
    }
}

/// The drawn numbers that differ, in conversations that both runs have.
pub(super) fn drawn(legends: &[Legend; 2], sides: [&Numbers; 2]) -> Vec<Drawn> {
    let mut found = Vec::new();
    let host = |legend: &Legend, address: IpAddr| {
        legend.owner(address).map_or_else(|| address.to_string(), |node| legend.place(node.place).to_owned())
    };
    let [one, other] = sides;
    for (name, conversation, address) in &one.order {
        let sender = host(&legends[0], *address);
        let mate = (other.order.iter())
            .find(|(mate, _, address)| mate == name && host(&legends[1], *address) == sender);
        let Some((_, mate, mate_address)) = mate else { continue };
        let pair = [one.starts[&(*conversation, *address)], other.starts[&(*mate, *mate_address)]];
        let mut note = |what: &str, values: [Option<u32>; 2]| {
            if values[0] != values[1] {
                let [one, other] = values.map(|value| value.map_or("none".into(), |value| value.to_string()));
                found.push(Drawn { what: format!("{what} of {sender} in {name}"), one, other });
            }
        };
        note("the initial sequence number", pair.map(|start| start.sequence));
        note("the port", pair.map(|start| Some(start.port.into())));
        note("the first timestamp", pair.map(|start| start.timestamp));
        note("the first IPv4 identification", pair.map(|start| Some(start.identification.into())));
        if address != mate_address {
            let [one, other] = [address, mate_address].map(ToString::to_string);
            found.push(Drawn { what: format!("the address of {sender}"), one, other });
        }
    }
    found
}

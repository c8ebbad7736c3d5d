//! What makes two packets, or two other records, of two runs the same: names instead of the numbers of a run.

use std::collections::BTreeMap;
use std::net::IpAddr;

use faultwire_base::{LookupTable, PlaceId};
use faultwire_link::PacketKind;
use faultwire_wire::Flow;

use crate::output::{Legend, PacketNumber, Trace, TracedPacket, What};

/// A text or identity as a number, the same in both runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Id(u32);

/// What a packet is, whatever its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct PacketKey {
    conversation: Id,
    /// The host or direction that made it.
    from: Id,
    kind: Option<PacketKind>,
    stream_offset: u64,
    transmission: u16,
    /// Which of those that agree in all this, from 1.
    nth: u32,
    /// For a copy: of which packet.
    copy_of: Option<Id>,
}

/// Gives numbers to names and packets, the same number to the same one in both runs.
#[derive(Debug, Default)]
pub(super) struct Interner {
    names: LookupTable<String, Id>,
    packets: LookupTable<PacketKey, Id>,
}

impl Interner {
    pub(super) fn name(&mut self, name: &str) -> Id {
        if let Some(id) = self.names.get(&name.to_owned()) {
            return *id;
        }
        let id = Id(u32::try_from(self.names.len()).expect("fewer than 2^32 names"));
        self.names.insert(name.to_owned(), id);
        id
    }

    fn packet(&mut self, key: PacketKey) -> Id {
        let next = Id(u32::try_from(self.packets.len()).expect("fewer than 2^32 packets"));
        *self.packets.entry_or_insert_with(key, || next)
    }
}

/// The conversations of one run by name, and its packets' identities.
#[derive(Clone, Debug)]
pub(super) struct Identities {
    /// Names of conversations; packets refer to them by index.
    names: Vec<String>,
    by_flow: LookupTable<Flow, usize>,
    /// For what belongs to no flow: the conversation of two addresses.
    by_ends: LookupTable<(IpAddr, IpAddr), usize>,
    /// How many conversations each name has been given to.
    namesakes: BTreeMap<String, u32>,
    conversations: Vec<usize>,
    packets: Vec<Id>,
    by_packet: LookupTable<Id, PacketNumber>,
}

impl Identities {
    /// Identities of all packets of a trace.
    pub(super) fn of(trace: &Trace, legend: &Legend, interner: &mut Interner) -> Self {
        let mut identities = Self {
            names: Vec::new(),
            by_flow: LookupTable::default(),
            by_ends: LookupTable::default(),
            namesakes: BTreeMap::new(),
            conversations: Vec::new(),
            packets: Vec::new(),
            by_packet: LookupTable::default(),
        };
        let sockets = socket_names(trace, legend);
        let mut counts: LookupTable<PacketKey, u32> = LookupTable::default();
        for packet in trace.packets() {
            let conversation = identities.conversation_of(packet, legend, &sockets);
            let tag = &packet.packet.tag;
            let mut key = PacketKey {
                conversation: interner.name(&identities.names[conversation]),
                from: interner.name(legend.place(packet.sender)),
                kind: PacketKind::of(&packet.packet),
                stream_offset: tag.stream_offset,
                transmission: tag.transmission,
                nth: 0,
                copy_of: packet.copy_of.map(|original| identities.packet(original)),
            };
            let count = counts.entry_or_insert_with(key, || 0);
            *count += 1;
            key.nth = *count;
            identities.conversations.push(conversation);
            let id = interner.packet(key);
            identities.packets.push(id);
            identities.by_packet.insert(id, packet.number);
        }
        identities
    }

    /// Identity of a packet.
    pub(super) fn packet(&self, number: PacketNumber) -> Id {
        self.packets[number.0 as usize - 1]
    }

    /// The packet with this identity, if this run has it.
    pub(super) fn find(&self, packet: Id) -> Option<PacketNumber> {
        self.by_packet.get(&packet).copied()
    }

    /// Index of the conversation of a packet.
    pub(super) fn conversation(&self, number: PacketNumber) -> usize {
        self.conversations[number.0 as usize - 1]
    }

    /// Name of the conversation with this index.
    pub(super) fn name(&self, conversation: usize) -> &str {
        &self.names[conversation]
    }

    /// Name of a flow, as far as a packet of it was seen.
    pub(super) fn flow_name(&self, flow: Flow) -> &str {
        self.by_flow.get(&flow).map_or("a connection that no app opened", |&index| &self.names[index])
    }

    fn conversation_of(
        &mut self,
        packet: &TracedPacket,
        legend: &Legend,
        sockets: &LookupTable<Flow, (PlaceId, String)>,
    ) -> usize {
        let flow = packet.packet.tag.flow;
        let (source, destination) = (packet.packet.ip.source, packet.packet.ip.destination);
        let ends = (source.min(destination), source.max(destination));
        let known =
            if flow == Flow::NONE { self.by_ends.get(&ends) } else { self.by_flow.get(&flow) }.copied();
        if let Some(index) = known {
            return index;
        }
        let index = self.names.len();
        let name = if flow == Flow::NONE {
            self.by_ends.insert(ends, index);
            let name = |address: IpAddr| match legend.owner(address) {
                Some(node) => legend.place(node.place).to_owned(),
                None => address.to_string(),
            };
            let (one, other) = (name(source), name(destination));
            format!("{} and {}", one.clone().min(other.clone()), one.max(other))
        } else {
            self.by_flow.insert(flow, index);
            match sockets.get(&flow) {
                Some((_, name)) => name.clone(),
                None => unnamed(flow, legend),
            }
        };
        // A name that an app gives again and again means another conversation each time.
        let count = self.namesakes.entry(name.clone()).or_insert(0);
        *count += 1;
        self.names.push(if *count == 1 { name } else { format!("{name} ({count})") });
        index
    }
}

/// A flow that no app named, as reports call it.
fn unnamed(flow: Flow, legend: &Legend) -> String {
    let opener = flow.opener.map_or("?", |opener| legend.place(opener));
    if flow.boot > 1 {
        return format!("{opener}/#{} of boot {}", flow.ordinal, flow.boot);
    }
    format!("{opener}/#{}", flow.ordinal)
}

/// The name of each flow that an app named: its opener's name for it if there is one, else the first.
fn socket_names(trace: &Trace, legend: &Legend) -> LookupTable<Flow, (PlaceId, String)> {
    let mut names: LookupTable<Flow, (PlaceId, String)> = LookupTable::default();
    for entry in trace.entries() {
        let What::Named(named) = entry.what else { continue };
        let known = names.get(&named.flow);
        let is_opener = named.flow.opener == Some(entry.place);
        if known.is_none_or(|(place, _)| is_opener && named.flow.opener != Some(*place)) {
            names.insert(named.flow, (entry.place, legend.socket(named.name).to_owned()));
        }
    }
    names
}

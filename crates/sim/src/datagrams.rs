//! What UDP must deliver: exactly the datagrams that reached the host, in their order, copies included (S72).

use faultwire_base::{LookupTable, PacketId, PlaceId};
use faultwire_wire::{Datagram, Payload};

/// Sums over one local port: a count and a digest that depends on the order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Series {
    count: u64,
    digest: u64,
}

impl Series {
    fn add(&mut self, payload: &Payload) {
        let identity = match *payload {
            Payload::Zeros { len } => u64::from(len),
            Payload::Generated { stream, offset, len } => {
                stream.0 ^ offset.rotate_left(24) ^ u64::from(len).rotate_left(56)
            }
            Payload::Bytes { .. } => xxhash_rust::xxh3::xxh3_64(&payload.to_vec()),
        };
        self.count += 1;
        self.digest = self.digest.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23) ^ identity;
    }
}

/// Datagrams of one local port of one host.
#[derive(Clone, Debug, Default)]
struct Port {
    arrived: Series,
    delivered: Series,
    discarded: u64,
}

/// The datagrams of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Datagrams {
    ports: Vec<Port>,
    by_number: LookupTable<(PlaceId, u16), u32>,
    /// The port asked for last: a series of datagrams asks for the same one again and again.
    recent: Option<((PlaceId, u16), u32)>,
    /// The latest arrival, whose fate is not known yet.
    latest: Option<(PlaceId, PacketId, u16)>,
}

impl Datagrams {
    #[inline]
    fn port(&mut self, key: (PlaceId, u16)) -> &mut Port {
        let index = match self.recent {
            Some((recent, index)) if recent == key => index,
            _ => {
                let next = self.ports.len() as u32;
                let index = *self.by_number.entry_or_insert_with(key, || next);
                if index == next {
                    self.ports.push(Port::default());
                }
                self.recent = Some((key, index));
                index
            }
        };
        &mut self.ports[index as usize]
    }

    fn known(&self, key: (PlaceId, u16)) -> Option<&Port> {
        self.by_number.get(&key).map(|&index| &self.ports[index as usize])
    }

    /// An intact datagram reached a host.
    pub(crate) fn arrived(&mut self, place: PlaceId, packet: PacketId, datagram: &Datagram) {
        self.port((place, datagram.destination_port)).arrived.add(&datagram.payload);
        self.latest = Some((place, packet, datagram.destination_port));
    }

    /// The host discarded a packet.
    pub(crate) fn discarded(&mut self, place: PlaceId, packet: PacketId) {
        if let Some((at, latest, port)) = self.latest
            && at == place
            && latest == packet
        {
            self.port((place, port)).discarded += 1;
        }
    }

    /// An app received a datagram.
    pub(crate) fn delivered(&mut self, place: PlaceId, port: u16, payload: &Payload) {
        self.port((place, port)).delivered.add(payload);
    }

    /// Datagrams that an app received on this port.
    pub(crate) fn count(&self, place: PlaceId, port: u16) -> u64 {
        self.known((place, port)).map_or(0, |port| port.delivered.count)
    }

    /// Whether exactly what arrived was delivered, and what was seen in words.
    pub(crate) fn survivors(&self, place: PlaceId, port: u16) -> (bool, String) {
        let Some(port) = self.known((place, port)) else { return (false, "no datagram arrived".into()) };
        let same = port.arrived == port.delivered;
        let text = format!(
            "{} delivered of {} that arrived, {}{}",
            port.delivered.count,
            port.arrived.count,
            if same { "the same ones in the same order" } else { "not the same ones in the same order" },
            if port.discarded > 0 {
                format!(", {} discarded by the host", port.discarded)
            } else {
                String::new()
            },
        );
        (same, text)
    }
}

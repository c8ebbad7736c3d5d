//! A router: forwards what arrives by static routes, counts the hop limit down, answers what can't go on with ICMP.

use std::net::IpAddr;
use std::sync::Arc;

use faultwire_base::{Instant, LookupTable, PacketId, PlaceId};
use faultwire_host::DropReason;
use faultwire_wire::{Body, Cause, Flow, IcmpKind, IcmpMessage, IpHeader, Packet, Reason, Tag};

use super::network::Network;
use crate::plan::{DirectionId, Plan, RouterPlan};
use crate::record::{Event, Record, Sink};
use crate::watch::Watch;

/// The next direction for each destination.
#[derive(Clone, Debug, Default)]
struct Routes {
    v4: LookupTable<u32, DirectionId>,
    v6: LookupTable<u128, DirectionId>,
}

impl Routes {
    fn insert(&mut self, destination: IpAddr, direction: DirectionId) {
        match destination {
            IpAddr::V4(address) => self.v4.insert(address.to_bits(), direction),
            IpAddr::V6(address) => self.v6.insert(address.to_bits(), direction),
        };
    }

    #[inline]
    fn get(&self, destination: IpAddr) -> Option<DirectionId> {
        match destination {
            IpAddr::V4(address) => self.v4.get(&address.to_bits()).copied(),
            IpAddr::V6(address) => self.v6.get(&address.to_bits()).copied(),
        }
    }
}

/// A router of the world.
#[derive(Clone, Debug)]
pub(crate) struct RouterPlace {
    place: PlaceId,
    address: IpAddr,
    routes: Routes,
    mtus: Vec<Option<u32>>,
    packets: u64,
    /// Directions that may have arrivals; kept for its memory.
    ready: Vec<DirectionId>,
}

impl RouterPlace {
    pub(crate) fn new(router: &RouterPlan, plan: &Plan) -> Self {
        let mut routes = Routes::default();
        for &(destination, direction) in &router.routes {
            routes.insert(destination, direction);
        }
        Self {
            place: router.place,
            address: router.address,
            ready: Vec::new(),
            routes,
            mtus: plan.directions.iter().map(|direction| direction.config.mtu).collect(),
            packets: 0,
        }
    }

    /// Goes back to the start.
    pub(crate) fn reset(&mut self) {
        self.packets = 0;
        self.ready.clear();
    }

    /// Forwards everything that has arrived.
    #[inline(never)]
    pub(crate) fn run<S: Sink>(
        &mut self,
        now: Instant,
        network: &mut Network,
        watch: &mut Watch,
        sink: &mut S,
    ) {
        network.collect_due(now, self.place, &mut self.ready);
        for index in 0..self.ready.len() {
            let direction = self.ready[index];
            while let Some(packet) = network.arrived(now, direction) {
                let event = Event::Arrived { packet: &*packet, direction };
                (&mut *watch, &mut *sink).record(&Record { at: now, place: self.place, event });
                match self.next(packet) {
                    Ok(next) => {
                        packet.ip.hop_limit -= 1;
                        if let Body::Raw(bytes) = &packet.body {
                            packet.body = Body::Raw(with_hop_limit(bytes, &packet.ip));
                        }
                        network.pass_on(direction, next);
                        network.offer_placed(now, (self.place, false), next, (&mut *watch, &mut *sink));
                    }
                    Err(refusal) => {
                        let packet = std::mem::take(packet);
                        network.forget_arrived(direction);
                        self.refuse(now, &packet, refusal, network, (&mut *watch, &mut *sink));
                    }
                }
            }
        }
        let next = network.next_arrival(self.place);
        network.schedule(next, self.place);
    }

    /// Where a packet goes, or why it can't.
    #[inline]
    fn next(&self, packet: &Packet) -> Result<DirectionId, (DropReason, IcmpKind)> {
        if packet.ip.hop_limit <= 1 {
            return Err((DropReason::HopLimitExceeded, IcmpKind::TimeExceeded { code: 0 }));
        }
        let unreachable = (DropReason::NoRoute, IcmpKind::DestinationUnreachable { code: 0 });
        let direction = self.routes.get(packet.ip.destination).ok_or(unreachable)?;
        match self.mtus[direction.0 as usize] {
            Some(mtu) if packet.length() > mtu && packet.ip.dont_fragment => {
                Err((DropReason::TooBig, IcmpKind::PacketTooBig { mtu }))
            }
            _ => Ok(direction),
        }
    }

    /// Discards a packet and tells its sender.
    #[cold]
    fn refuse<S: Sink>(
        &mut self,
        now: Instant,
        packet: &Packet,
        (reason, kind): (DropReason, IcmpKind),
        network: &mut Network,
        (watch, sink): (&mut Watch, &mut S),
    ) {
        let event = Event::Discarded { packet: packet.tag.id, reason };
        (&mut *watch, &mut *sink).record(&Record { at: now, place: self.place, event });
        if let Some((mut error, direction)) = self.error(packet, kind) {
            network.offer(now, (self.place, true), direction, &mut error, (watch, sink));
        }
    }

    /// The ICMP error about `packet` and its way back; none about ICMP errors (RFC 1122 §3.2.2).
    fn error(&mut self, packet: &Packet, kind: IcmpKind) -> Option<(Packet, DirectionId)> {
        let is_error = matches!(
            &packet.body,
            Body::Icmp(message) if !matches!(message.kind, IcmpKind::EchoRequest { .. } | IcmpKind::EchoReply { .. })
        );
        if is_error || self.address.is_ipv4() != packet.ip.source.is_ipv4() {
            return None;
        }
        let direction = self.routes.get(packet.ip.source)?;
        self.packets += 1;
        let ip = IpHeader {
            source: self.address,
            destination: packet.ip.source,
            hop_limit: 64,
            traffic_class: 0,
            identification: 0,
            dont_fragment: true,
        };
        let tag = Tag {
            id: PacketId::new(self.place, self.packets),
            cause: Cause::Arrival(packet.tag.id),
            flow: Flow::NONE,
            reason: Reason::IcmpError,
            ..Tag::default()
        };
        let body = Body::Icmp(IcmpMessage::quoting(kind, packet));
        Some((Packet { ip, body, tag }, direction))
    }
}

/// Bytes with the hop limit counted down as a router does it: an IPv4 checksum is updated, not made anew, so that
/// damage elsewhere in the header stays visible (RFC 1624).
fn with_hop_limit(bytes: &[u8], ip: &IpHeader) -> Arc<[u8]> {
    let mut bytes = bytes.to_vec();
    if ip.source.is_ipv6() {
        if let Some(hop_limit) = bytes.get_mut(7) {
            *hop_limit = hop_limit.saturating_sub(1);
        }
    } else if bytes.len() >= 20 && bytes[8] > 0 {
        let before = u16::from_be_bytes([bytes[8], bytes[9]]);
        bytes[8] -= 1;
        let after = u16::from_be_bytes([bytes[8], bytes[9]]);
        let checksum = u16::from_be_bytes([bytes[10], bytes[11]]);
        let mut sum = u32::from(!checksum) + u32::from(!before) + u32::from(after);
        sum = (sum & 0xFFFF) + (sum >> 16);
        sum = (sum & 0xFFFF) + (sum >> 16);
        bytes[10..12].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    }
    bytes.into()
}

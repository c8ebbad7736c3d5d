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

/// A router of the world.
#[derive(Clone, Debug)]
pub(crate) struct RouterPlace {
    place: PlaceId,
    address: IpAddr,
    routes: LookupTable<IpAddr, DirectionId>,
    mtus: Vec<Option<u32>>,
    packets: u64,
    /// Directions that may have arrivals; kept for its memory.
    ready: Vec<DirectionId>,
    /// The packet that is being forwarded; it means nothing between calls.
    in_hand: Packet,
}

impl RouterPlace {
    pub(crate) fn new(router: &RouterPlan, plan: &Plan) -> Self {
        let mut routes = LookupTable::default();
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
            in_hand: Packet::default(),
        }
    }

    /// Forwards everything that has arrived.
    pub(crate) fn run<S: Sink>(
        &mut self,
        now: Instant,
        network: &mut Network,
        watch: &mut Watch,
        sink: &mut S,
    ) {
        let mut ready = std::mem::take(&mut self.ready);
        network.collect_due(now, self.place, &mut ready);
        for &direction in &ready {
            while let Some(arrived) = network.arrived(now, direction) {
                let event = Event::Arrived { packet: &*arrived, direction };
                (&mut *watch, &mut *sink).record(&Record { at: now, place: self.place, event });
                std::mem::swap(&mut self.in_hand, arrived);
                network.forget_arrived(direction);
                self.forward(now, network, watch, sink);
            }
        }
        self.ready = ready;
        let next = network.next_arrival(self.place);
        network.schedule(next, self.place);
    }

    /// Forwards the packet in hand.
    fn forward<S: Sink>(&mut self, now: Instant, network: &mut Network, watch: &mut Watch, sink: &mut S) {
        let packet = &mut self.in_hand;
        let refusal = if packet.ip.hop_limit <= 1 {
            Some((DropReason::HopLimitExceeded, IcmpKind::TimeExceeded { code: 0 }))
        } else {
            match self.routes.get(&packet.ip.destination) {
                None => Some((DropReason::NoRoute, IcmpKind::DestinationUnreachable { code: 0 })),
                Some(&direction) => match self.mtus[direction.0 as usize] {
                    Some(mtu) if packet.length() > mtu && packet.ip.dont_fragment => {
                        Some((DropReason::TooBig, IcmpKind::PacketTooBig { mtu }))
                    }
                    _ => None,
                },
            }
        };
        if let Some((reason, kind)) = refusal {
            let event = Event::Discarded { packet: packet.tag.id, reason };
            (&mut *watch, &mut *sink).record(&Record { at: now, place: self.place, event });
            let packet = std::mem::take(packet);
            if let Some((mut error, direction)) = self.error(&packet, kind) {
                network.offer(now, (self.place, true), direction, &mut error, (watch, sink));
            }
            return;
        }
        packet.ip.hop_limit -= 1;
        if let Body::Raw(bytes) = &packet.body {
            packet.body = Body::Raw(with_hop_limit(bytes, &packet.ip));
        }
        let direction = *self.routes.get(&packet.ip.destination).expect("routed above");
        network.offer(now, (self.place, false), direction, packet, (watch, sink));
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
        let direction = *self.routes.get(&packet.ip.source)?;
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

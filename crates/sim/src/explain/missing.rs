//! What of a stream arrived without a gap, which packet brought the last of it, and which one is missing.

use std::collections::BTreeMap;

use faultwire_base::PlaceId;
use faultwire_link::NameId;
use faultwire_wire::{Body, Flow};

use super::fate::taken;
use super::scene::{Scene, segment};
use crate::output::PacketNumber;

/// The packet whose arrival let the app read the last octets: the last that moved the edge up to which nothing is
/// missing. Of datagrams the last.
pub(super) fn last_arrival(scene: &Scene<'_>, socket: NameId) -> Option<PacketNumber> {
    match scene.flow_of(socket) {
        Some(flow) => without_gap(scene, scene.host_of(socket), flow).1,
        None => last_datagram(scene, scene.host_of(socket)),
    }
}

/// Up to which octet nothing is missing at `socket`, and the packet with the next one that was taken from it first.
pub(super) fn first_missing(scene: &Scene<'_>, socket: NameId) -> Option<(u64, PacketNumber)> {
    let place = scene.host_of(socket);
    let flow = scene.flow_of(socket)?;
    let (edge, _) = without_gap(scene, place, flow);
    let mut sent = scene.trace.packets().iter().filter(|packet| {
        packet.packet.tag.flow == flow && packet.sender != place && packet.copy_of.is_none()
    });
    let taken = sent.find(|packet| {
        let begin = packet.packet.tag.stream_offset;
        let octets = segment(packet).map_or(0, |segment| u64::from(segment.payload.len()));
        (begin..begin + octets).contains(&edge) && taken(packet).is_some()
    })?;
    Some((edge, taken.number))
}

/// Up to which octet of its peer's stream nothing is missing at a place, and the packet that came last for it.
fn without_gap(scene: &Scene<'_>, place: PlaceId, flow: Flow) -> (u64, Option<PacketNumber>) {
    let mut waiting: BTreeMap<u64, u64> = BTreeMap::new();
    let (mut edge, mut last) = (0, None);
    let mut arrivals: Vec<_> = scene.arrivals_before(flow, place, usize::MAX).collect();
    arrivals.reverse();
    for (_, packet) in arrivals {
        let Some(segment) = segment(packet).filter(|_| packet.discarded.is_none()) else { continue };
        if segment.payload.is_empty() {
            continue;
        }
        let begin = packet.packet.tag.stream_offset;
        let end = begin + u64::from(segment.payload.len());
        waiting.entry(begin).and_modify(|known| *known = end.max(*known)).or_insert(end);
        let before = edge;
        while let Some((&begin, &end)) = waiting.first_key_value().filter(|(begin, _)| **begin <= edge) {
            waiting.remove(&begin);
            edge = edge.max(end);
        }
        if edge > before {
            last = Some(packet.number);
        }
    }
    (edge, last)
}

fn last_datagram(scene: &Scene<'_>, place: PlaceId) -> Option<PacketNumber> {
    let datagrams = scene.trace.packets().iter().filter(|packet| {
        matches!(packet.packet.body, Body::Udp(_))
            && packet.arrival.as_ref().is_some_and(|arrival| arrival.place == place)
    });
    datagrams.max_by_key(|packet| scene.arrived(packet.number)).map(|packet| packet.number)
}

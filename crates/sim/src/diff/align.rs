//! Brings the records of two runs together and finds the first that differs.

use faultwire_base::Instant;

use super::header::{FieldDifference, differences};
use super::items::{Items, Sort};
use super::sentence::Scene;
use crate::output::What;

/// For each record of either run its mate in the other.
#[derive(Clone, Debug)]
pub(super) struct Aligned {
    mates: [Vec<Option<usize>>; 2],
}

/// The first difference.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) at: Instant,
    /// The records, where they are there.
    pub(super) items: [Option<usize>; 2],
    /// What differs beside the time.
    pub(super) fields: Vec<FieldDifference>,
    /// Records of the first run before it.
    pub(super) before: usize,
}

/// Finds each record's mate.
pub(super) fn align(sides: &[Items<'_>; 2]) -> Aligned {
    let [one, other] = sides;
    let mates = |from: &Items<'_>, to: &Items<'_>| {
        from.items.iter().map(|item| to.find(item.key)).collect::<Vec<_>>()
    };
    Aligned { mates: [mates(one, other), mates(other, one)] }
}

/// When a difference is, and where among those of that instant: after which record of the first run.
type Order = (Instant, usize, usize);

/// The earliest record that has no mate or differs from it.
pub(super) fn first_difference(scenes: &[Scene<'_>; 2], aligned: &Aligned) -> Option<Found> {
    let items = [&scenes[0].items.items, &scenes[1].items.items];
    let mut first: Option<(Order, Found)> = None;
    let mut offer = |order: Order, found: Found| {
        if first.as_ref().is_none_or(|(earliest, _)| order < *earliest) {
            first = Some((order, found));
        }
    };
    for (index, item) in items[0].iter().enumerate() {
        let alone = |at: Instant| Found { at, items: [Some(index), None], fields: Vec::new(), before: index };
        let Some(mate) = aligned.mates[0][index] else {
            offer((item.at, index, 0), alone(item.at));
            continue;
        };
        let times = [item.at, items[1][mate].at];
        let fields = differing_fields(scenes, [index, mate]);
        if times[0] == times[1] && fields.is_empty() {
            continue;
        }
        if are_strangers(scenes, [index, mate], times, &fields) {
            offer((times[0], index, 0), alone(times[0]));
            continue;
        }
        let at = times[0].min(times[1]);
        let before = if at == times[0] { index } else { items[0].partition_point(|item| item.at <= at) };
        offer((at, index, 0), Found { at, items: [Some(index), Some(mate)], fields, before });
    }
    let mut anchor = 0;
    for (index, item) in items[1].iter().enumerate() {
        let mate = aligned.mates[1][index];
        if let Some(mate) = mate {
            let times = [items[0][mate].at, item.at];
            if times[0] <= times[1] || !are_strangers(scenes, [mate, index], times, &[]) {
                anchor = mate + 1;
                continue;
            }
        }
        let before = anchor.max(items[0].partition_point(|other| other.at < item.at));
        let found = Found { at: item.at, items: [None, Some(index)], fields: Vec::new(), before };
        offer((item.at, anchor, 1), found);
    }
    first.map(|(_, found)| found)
}

/// Whether two packets only bear the same number: without sequence space of its own a packet is known by what it
/// acknowledges, and when that and the time differ it is another one.
fn are_strangers(
    scenes: &[Scene<'_>; 2],
    pair: [usize; 2],
    times: [Instant; 2],
    fields: &[FieldDifference],
) -> bool {
    let What::Sent { packet, .. } = scenes[0].items.entry(pair[0]).what else { return false };
    if times[0] == times[1] || scenes[0].items.trace.packet(packet).packet.tag.transmission > 0 {
        return false;
    }
    let differs = |fields: &[FieldDifference]| {
        fields.iter().any(|field| ["ack", "seq", "flags", "ICMP"].contains(&field.name.as_str()))
    };
    if fields.is_empty() { differs(&differing_fields(scenes, pair)) } else { differs(fields) }
}

/// The fields in which a record and its mate differ.
fn differing_fields(scenes: &[Scene<'_>; 2], [one, other]: [usize; 2]) -> Vec<FieldDifference> {
    if scenes[0].items.items[one].key.sort == Sort::Sent && are_equal_packets(scenes, [one, other]) {
        return Vec::new();
    }
    differences(&scenes[0].facts(one), &scenes[1].facts(other))
}

/// Whether two sent packets are equal as they are, drawn numbers included.
fn are_equal_packets(scenes: &[Scene<'_>; 2], [one, other]: [usize; 2]) -> bool {
    let (What::Sent { packet: one, .. }, What::Sent { packet: other, .. }) =
        (&scenes[0].items.entry(one).what, &scenes[1].items.entry(other).what)
    else {
        return false;
    };
    let [(one, starts), (other, other_starts)] = [scenes[0].packet(*one), scenes[1].packet(*other)];
    one.packet.ip == other.packet.ip
        && one.packet.body == other.packet.body
        && one.packet.tag.reason == other.packet.tag.reason
        && starts == other_starts
}

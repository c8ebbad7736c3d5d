//! Brings the rows of two ladders together: the longest series of rows that are the same packet in the same order.

use std::collections::BTreeMap;

use faultwire_wire::{Body, Flags};

use super::{Headers, Indices, Mark};
use crate::diff::header::{differences, unlabelled};
use crate::output::conversation::Side;
use crate::output::ladder::rows::{ArrowEnd, Row, RowKind};
use crate::output::{PacketNumber, Trace};

/// A row of either run or of both.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) rows: Indices,
    pub(crate) mark: Mark,
    /// Header fields that differ and stand in no label, as either run has them.
    pub(crate) fields: [String; 2],
}

/// What makes two rows the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum RowKey {
    /// Data, SYN or FIN: from where, which octets, which sending.
    Sequence { from: Side, arrives: bool, offset: u64, transmission: u16, opens_or_closes: u16 },
    /// What takes no sequence space: by what it says.
    Words { from: Side, arrives: bool, label: String },
    /// The arrival, in a row of its own, of a packet that was sent above: of which.
    Late(Box<RowKey>, u32),
    /// Changes of state.
    State([Option<&'static str>; 2]),
    /// Anything else.
    Note(String),
}

/// All rows of both ladders in one series.
pub(super) fn pair_rows(rows: &[Vec<Row>; 2], headers: &[Headers<'_>; 2]) -> Vec<Pair> {
    let keys = [0, 1].map(|side| keys(&rows[side], headers[side].trace));
    let places: BTreeMap<&(RowKey, u32), usize> = keys[1].iter().zip(0..).collect();
    let mates: Vec<(usize, usize)> = (keys[0].iter().enumerate())
        .filter_map(|(index, key)| places.get(key).map(|&mate| (index, mate)))
        .collect();
    let mut pairs = Vec::new();
    let mut next = [0, 0];
    for (one, other) in longest_series(&mates) {
        alone(rows, headers, next, [one, other], &mut pairs);
        pairs.push(pair(rows, headers, [one, other]));
        next = [one + 1, other + 1];
    }
    alone(rows, headers, next, [rows[0].len(), rows[1].len()], &mut pairs);
    pairs
}

/// Two rows that belong together.
fn pair(rows: &[Vec<Row>; 2], headers: &[Headers<'_>; 2], [one, other]: [usize; 2]) -> Pair {
    let (row, mate) = (&rows[0][one], &rows[1][other]);
    let mut fields = [String::new(), String::new()];
    if let (RowKind::Sent { packet, .. }, RowKind::Sent { packet: mate, .. }) = (&row.kind, &mate.kind) {
        let differing = differences(&headers[0].fields(*packet), &headers[1].fields(*mate));
        let differing = unlabelled(differing);
        fields = [0, 1].map(|side| {
            let values = differing.iter().map(|field| match &field.values[side] {
                Some(value) => format!("{} {value}", field.name),
                None => format!("no {}", field.name),
            });
            values.collect::<Vec<_>>().join(", ")
        });
    }
    let mark = if fields[0].is_empty() { compare(row, mate) } else { Mark::Differs };
    Pair { rows: [Some(one), Some(other)], mark, fields }
}

/// The rows between two pairs in the order of time; two packets without sequence space that leave the same side at the
/// same time are the same packet with another content.
fn alone(
    rows: &[Vec<Row>; 2],
    headers: &[Headers<'_>; 2],
    from: [usize; 2],
    to: [usize; 2],
    pairs: &mut Vec<Pair>,
) {
    let single = |rows: Indices, mark: Mark| Pair { rows, mark, fields: [String::new(), String::new()] };
    let [mut one, mut other] = from;
    while one < to[0] || other < to[1] {
        let both = (one < to[0] && other < to[1]).then(|| (&rows[0][one], &rows[1][other]));
        if let Some((row, mate)) = both
            && row.at == mate.at
            && sender(row).is_some()
            && sender(row) == sender(mate)
        {
            pairs.push(pair(rows, headers, [one, other]));
            (one, other) = (one + 1, other + 1);
            continue;
        }
        if both.map_or(one < to[0], |(row, mate)| row.at <= mate.at) {
            pairs.push(single([Some(one), None], Mark::One));
            one += 1;
        } else {
            pairs.push(single([None, Some(other)], Mark::Other));
            other += 1;
        }
    }
}

fn sender(row: &Row) -> Option<Side> {
    match row.kind {
        RowKind::Sent { from, .. } => Some(from),
        _ => None,
    }
}

fn compare(one: &Row, other: &Row) -> Mark {
    let words = |row: &Row| {
        let label = match &row.kind {
            RowKind::Sent { label, end, .. } => {
                let end = match end {
                    ArrowEnd::Arrives(_) => "arrives",
                    ArrowEnd::Lost => "lost",
                    ArrowEnd::Later => "later",
                    ArrowEnd::OnTheWay => "not yet",
                };
                format!("{label} {end}")
            }
            RowKind::Arrives { label, .. } => without_numbers(label),
            RowKind::State => String::new(),
            RowKind::Note(text) | RowKind::Elided(text) => text.clone(),
        };
        // How long a state lasted is a matter of time.
        let remarks = if matches!(row.kind, RowKind::State) { String::new() } else { row.remarks.join("; ") };
        (label, row.states, without_numbers(&remarks))
    };
    if words(one) != words(other) {
        return Mark::Differs;
    }
    let times = |row: &Row| match row.kind {
        RowKind::Sent { end: ArrowEnd::Arrives(arrives), .. } => (row.at, Some(arrives)),
        _ => (row.at, None),
    };
    if times(one) == times(other) { Mark::Same } else { Mark::Time }
}

/// A text without the numbers of packets, which differ by what was sent before.
fn without_numbers(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut in_number = false;
    for c in text.chars() {
        in_number = if in_number { c.is_ascii_digit() } else { false };
        if !in_number {
            kept.push(c);
        }
        in_number |= c == '#';
    }
    kept
}

/// Keys of rows, numbered among equals.
fn keys(rows: &[Row], trace: &Trace) -> Vec<(RowKey, u32)> {
    let mut counts: BTreeMap<RowKey, u32> = BTreeMap::new();
    let mut sent: BTreeMap<PacketNumber, (RowKey, u32)> = BTreeMap::new();
    let mut keys = Vec::with_capacity(rows.len());
    for row in rows {
        let key = match &row.kind {
            RowKind::Sent { packet, from, label, .. } => packet_key(trace, *packet, *from, label, false),
            RowKind::Arrives { packet, from, label } => match sent.get(packet) {
                Some((key, nth)) => RowKey::Late(Box::new(key.clone()), *nth),
                None => packet_key(trace, *packet, *from, label, true),
            },
            RowKind::State => RowKey::State(row.states),
            RowKind::Note(text) | RowKind::Elided(text) => RowKey::Note(text.clone()),
        };
        let count = counts.entry(key.clone()).or_insert(0);
        *count += 1;
        if let RowKind::Sent { packet, .. } = row.kind {
            sent.insert(packet, (key.clone(), *count));
        }
        keys.push((key, *count));
    }
    keys
}

fn packet_key(trace: &Trace, number: PacketNumber, from: Side, label: &str, arrives: bool) -> RowKey {
    let packet = &trace.packet(number).packet;
    match &packet.body {
        Body::Tcp(segment) if packet.tag.transmission > 0 => RowKey::Sequence {
            from,
            arrives,
            offset: packet.tag.stream_offset,
            transmission: packet.tag.transmission,
            opens_or_closes: segment.flags.0 & (Flags::SYN | Flags::FIN).0,
        },
        _ => RowKey::Words { from, arrives, label: label.to_owned() },
    }
}

/// The longest series of pairs that ascends on both sides (patience sorting).
fn longest_series(mates: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // The last pair of the best series of each length, and before each pair the one that it follows.
    let mut lasts: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(mates.len());
    for (index, (_, mate)) in mates.iter().enumerate() {
        let length = lasts.partition_point(|&last| mates[last].1 < *mate);
        before.push(length.checked_sub(1).map(|shorter| lasts[shorter]));
        if length == lasts.len() {
            lasts.push(index);
        } else {
            lasts[length] = index;
        }
    }
    let mut series = Vec::with_capacity(lasts.len());
    let mut at = lasts.last().copied();
    while let Some(index) = at {
        series.push(mates[index]);
        at = before[index];
    }
    series.reverse();
    series
}

#[cfg(test)]
mod tests {
    use super::{longest_series, without_numbers};

    #[test]
    fn numbers_of_packets_do_not_count() {
        assert_eq!(without_numbers("#12 again: answers #3, 40ms"), "# again: answers #, 40ms");
    }

    #[test]
    fn the_longest_series_ascends_on_both_sides() {
        assert_eq!(
            longest_series(&[(0, 3), (1, 0), (2, 1), (4, 2), (5, 9)]),
            [(1, 0), (2, 1), (4, 2), (5, 9)]
        );
        assert_eq!(longest_series(&[]), []);
    }
}

//! Leaves out what a reader can do without: long runs of routine become one row that sums them up.

use std::collections::BTreeSet;

use super::rows::{ArrowEnd, Row, RowKind, Tally, Weight};
use crate::output::trace::PacketNumber;

/// A ladder up to this many rows is shown as it is.
const ROWS_WHOLE: usize = 60;
/// Above this many rows, the repair of random losses is summed up as well.
const ROWS_WITH_REPAIR: usize = 160;
/// Rows that stay at the beginning of a run.
const HEAD: usize = 3;
/// Rows that stay at the end of a run.
const TAIL: usize = 2;
/// The shortest middle worth a row that sums it up.
const MIDDLE_MIN: usize = 4;

/// The rows without the middles of long runs.
pub(super) fn elide(rows: Vec<Row>, marked: &BTreeSet<PacketNumber>) -> Vec<Row> {
    if rows.len() <= ROWS_WHOLE {
        return rows;
    }
    let shorter = collapse(&rows, Weight::Plain, marked);
    if shorter.len() <= ROWS_WITH_REPAIR { shorter } else { collapse(&rows, Weight::Repair, marked) }
}

/// Sums up runs of rows that weigh at most `weight`.
fn collapse(rows: &[Row], weight: Weight, marked: &BTreeSet<PacketNumber>) -> Vec<Row> {
    let mut kept = Vec::new();
    let mut rest = rows;
    while !rest.is_empty() {
        let first = group(&rest[0], weight, marked);
        let run = match first {
            Group::Alone => 0,
            _ => rest.iter().take_while(|row| group(row, weight, marked) == first).count(),
        };
        if run < HEAD + TAIL + MIDDLE_MIN {
            let shown = run.max(1);
            kept.extend_from_slice(&rest[..shown]);
            rest = &rest[shown..];
            continue;
        }
        kept.extend_from_slice(&rest[..HEAD]);
        kept.push(summary(&rest[HEAD..run - TAIL]));
        kept.extend_from_slice(&rest[run - TAIL..run]);
        rest = &rest[run..];
    }
    kept
}

/// Which rows can be summed up together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    /// What weighs little.
    Routine,
    /// Packets taken by one and the same thing.
    TakenBy(u64),
    /// Nothing else.
    Alone,
}

fn group(row: &Row, weight: Weight, marked: &BTreeSet<PacketNumber>) -> Group {
    match row.taken_by {
        _ if row.states != [None; 2] => Group::Alone,
        _ if row.packet().is_some_and(|packet| marked.contains(&packet)) => Group::Alone,
        Some(cause) => Group::TakenBy(cause),
        None if row.weight <= weight => Group::Routine,
        None => Group::Alone,
    }
}

/// One row that sums up others.
fn summary(rows: &[Row]) -> Row {
    let mut sum = Sum::default();
    for row in rows {
        sum.add(row);
    }
    let text = sum.text();
    Row {
        at: rows[0].at,
        kind: RowKind::Elided(text),
        states: [None; 2],
        remarks: Vec::new(),
        weight: Weight::Notable,
        taken_by: None,
    }
}

#[derive(Default)]
struct Sum {
    data: u64,
    octets: u64,
    acks: u64,
    duplicate_acks: u64,
    retransmissions: u64,
    datagrams: u64,
    others: u64,
    lost: u64,
    late: u64,
}

impl Sum {
    fn add(&mut self, row: &Row) {
        match &row.kind {
            RowKind::Sent { tally, end, .. } => {
                match *tally {
                    Tally::Data(octets) => {
                        self.data += 1;
                        self.octets += u64::from(octets);
                    }
                    Tally::Ack => self.acks += 1,
                    Tally::DuplicateAck => self.duplicate_acks += 1,
                    Tally::Retransmission => self.retransmissions += 1,
                    Tally::Datagram => self.datagrams += 1,
                    Tally::Other => self.others += 1,
                }
                self.lost += u64::from(matches!(end, ArrowEnd::Lost | ArrowEnd::OnTheWay));
            }
            RowKind::Arrives { .. } => self.late += 1,
            RowKind::State | RowKind::Note(_) | RowKind::Elided(_) => {}
        }
    }

    fn sent(&self) -> u64 {
        self.data + self.acks + self.duplicate_acks + self.retransmissions + self.datagrams + self.others
    }

    fn text(&self) -> String {
        let count = |count: u64, one: &str, many: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            _ => Some(format!("{} {many}", thousands(count))),
        };
        let mut parts: Vec<String> = [
            count(self.data, "data packet", "data packets")
                .map(|text| format!("{text} ({} octets)", thousands(self.octets))),
            count(self.acks, "ACK", "ACKs"),
            count(self.duplicate_acks, "duplicate ACK", "duplicate ACKs"),
            count(self.retransmissions, "retransmission", "retransmissions"),
            count(self.datagrams, "datagram", "datagrams"),
            count(self.others, "other packet", "other packets"),
        ]
        .into_iter()
        .flatten()
        .collect();
        parts.push(match self.lost {
            0 => "all delivered".into(),
            lost if lost == self.sent() => "all lost".into(),
            lost => format!("{} lost", thousands(lost)),
        });
        if self.late > 0 {
            parts.push(format!("{} out of order or twice", thousands(self.late)));
        }
        parts.join(", ")
    }
}

/// `12345` as `12,345`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

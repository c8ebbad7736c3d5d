//! What changes in time on the links of a conversation, as rows among its packets.

use faultwire_base::Instant;

use super::rows::{Row, RowKind, Weight};
use crate::output::conversation::Conversation;
use crate::output::legend::Legend;
use crate::output::trace::{Trace, What};
use crate::plan::DirectionId;

/// The rows and what changes in time on the links that the conversation uses, while it lasts.
pub(crate) fn with_changes(
    rows: Vec<Row>,
    legend: &Legend,
    trace: &Trace,
    conversation: &Conversation,
) -> Vec<Row> {
    let used = |direction: DirectionId| {
        conversation.entries.iter().any(|&index| {
            matches!(trace.entries()[index].what, What::Sent { direction: used, .. } if used == direction)
        })
    };
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return rows };
    let mut notes: Vec<(Instant, String)> = Vec::new();
    for change in &legend.changes {
        let Some(direction) = legend.direction(change.direction) else { continue };
        let both_ways = legend.changes.iter().any(|other| {
            let link = legend.direction(other.direction).map(|direction| &direction.link);
            other.direction != change.direction
                && link == Some(&direction.link)
                && (other.at, &other.what) == (change.at, &change.what)
        });
        let name = if both_ways { &direction.link } else { legend.direction_name(change.direction) };
        let note = (change.at, format!("{name} {}", change.what));
        if (first.at..=last.at).contains(&change.at) && used(change.direction) && !notes.contains(&note) {
            notes.push(note);
        }
    }
    let mut notes = notes.into_iter().peekable();
    let mut merged = Vec::with_capacity(rows.len());
    for row in rows {
        while let Some((at, text)) = notes.next_if(|(at, _)| *at <= row.at) {
            merged.push(Row {
                at,
                kind: RowKind::Note(text),
                states: [None; 2],
                remarks: Vec::new(),
                weight: Weight::Notable,
                taken_by: None,
            });
        }
        merged.push(row);
    }
    merged
}

//! Leaves out rows of two ladders that a reader can do without.

use super::pair::Pair;
use super::{Mark, Shown};
use crate::output::ladder::draw::rounded;
use crate::output::ladder::rows::Row;

/// Rows alike that are shown before the first that differs.
const CONTEXT: usize = 3;
/// Rows that stay at the beginning of a run of one mark.
const HEAD: usize = 3;
/// Rows that stay at its end.
const TAIL: usize = 2;
/// The shortest middle worth a line that sums it up.
const MIDDLE_MIN: usize = 4;
/// Rows shown unless all are asked for.
const ROWS_MAX: usize = 45;

/// The rows from shortly before the first that differs on.
pub(super) fn elide(pairs: Vec<Pair>, rows: &[Vec<Row>; 2], labels: [&str; 2], full: bool) -> Vec<Shown> {
    let first = pairs.iter().position(|pair| pair.mark != Mark::Same).unwrap_or(pairs.len());
    let start = first.saturating_sub(CONTEXT);
    let mut shown = Vec::new();
    if start > 0 {
        shown.push(Shown::Text(format!("… {} alike …", count(start))));
    }
    let rest = &pairs[start..];
    if full {
        shown.extend(rest.iter().map(|pair| Shown::Pair(pair.clone())));
        return shown;
    }
    let mut at = 0;
    while at < rest.len() && shown.len() < ROWS_MAX {
        let mark = rest[at].mark;
        let run = rest[at..].iter().take_while(|pair| pair.mark == mark).count();
        let run = &rest[at..at + run];
        if run.len() < HEAD + TAIL + MIDDLE_MIN || mark == Mark::Differs {
            shown.extend(run.iter().map(|pair| Shown::Pair(pair.clone())));
        } else {
            let (head, middle) = run.split_at(HEAD);
            let (middle, tail) = middle.split_at(middle.len() - TAIL);
            shown.extend(head.iter().map(|pair| Shown::Pair(pair.clone())));
            shown.push(Shown::Text(summary(middle, mark, rows, labels)));
            shown.extend(tail.iter().map(|pair| Shown::Pair(pair.clone())));
        }
        at += run.len();
    }
    let pairs_shown = shown.len().min(ROWS_MAX);
    let cut = shown.split_off(pairs_shown).len();
    let left = cut + rest.len() - at;
    if left > 0 {
        shown.push(Shown::Text(format!("… {} more; --full shows every one …", count(left))));
    }
    shown
}

fn summary(pairs: &[Pair], mark: Mark, rows: &[Vec<Row>; 2], labels: [&str; 2]) -> String {
    let count = count(pairs.len());
    match mark {
        Mark::One => format!("… {count} only in {} …", labels[0]),
        Mark::Other => format!("… {count} only in {} …", labels[1]),
        Mark::Time => match shift(pairs, rows) {
            Some((shift, true)) => format!("… {count} alike, {shift} later in {} …", labels[1]),
            Some((shift, false)) => format!("… {count} alike, {shift} earlier in {} …", labels[1]),
            None => format!("… {count} alike at other times …"),
        },
        Mark::Same | Mark::Differs | Mark::Text => format!("… {count} alike …"),
    }
}

/// By how much the rows are apart if that is the same for all, and whether those of the other run are later.
fn shift(pairs: &[Pair], rows: &[Vec<Row>; 2]) -> Option<(String, bool)> {
    let shifts: Option<Vec<(u64, u64)>> = pairs
        .iter()
        .map(|pair| {
            let [one, other] = [rows[0].get(pair.rows[0]?)?.at, rows[1].get(pair.rows[1]?)?.at];
            let (later, earlier) = (other.saturating_since(one), one.saturating_since(other));
            Some((later.as_nanos(), earlier.as_nanos()))
        })
        .collect();
    let shifts = shifts?;
    let &(later, earlier) = shifts.first()?;
    if shifts.iter().any(|&shift| shift != (later, earlier)) || later == earlier {
        return None;
    }
    let duration = faultwire_base::Duration::from_nanos(later.max(earlier));
    Some((rounded(duration), later > 0))
}

fn count(rows: usize) -> String {
    if rows == 1 { "1 row".into() } else { format!("{rows} rows") }
}

//! Draws pairs of rows: two ladders with a sign between them.

use super::pair::Pair;
use super::{BesideOptions, Line, Mark, Shown};
use crate::output::conversation::Side;
use crate::output::ladder::draw::millis;
use crate::output::ladder::rows::{ArrowEnd, Row, RowKind};
use crate::output::{shortened, wrapped};

/// The longest label that an arrow is made wide for.
const LABEL_MAX: usize = 44;
/// Dashes, blanks and head around a label.
const ARROW_ROOM: usize = 6;
/// The narrowest arrow.
const ARROW_MIN: usize = 14;

/// Widths of the columns of either ladder.
struct Columns {
    number: usize,
    time: usize,
    arrow: usize,
    /// Whether there is room for times of arrival.
    arrives: bool,
}

pub(super) fn draw(
    shown: &[Shown],
    rows: &[Vec<Row>; 2],
    labels: [&str; 2],
    hosts: [&str; 2],
    width: usize,
    lines: &mut Vec<Line>,
) {
    let columns = Columns::fitting(shown, rows, width);
    let heads = labels.map(|label| columns.heading(label, hosts));
    for [one, other] in [[&heads[0].0, &heads[1].0], [&heads[0].1, &heads[1].1]] {
        columns.line(Mark::Text, [one, other], lines);
    }
    for item in shown {
        match item {
            Shown::Text(text) => lines.push(Line::text(format!("{:>1$}{text}", "", columns.number + 1))),
            Shown::Pair(pair) => columns.pair(pair, rows, hosts, lines),
        }
    }
}

impl Columns {
    fn fitting(shown: &[Shown], rows: &[Vec<Row>; 2], width: usize) -> Self {
        let mut columns = Self { number: 2, time: 7, arrow: ARROW_MIN + ARROW_ROOM, arrives: true };
        let pairs = shown.iter().filter_map(|item| match item {
            Shown::Pair(pair) => Some(pair),
            Shown::Text(_) => None,
        });
        for row in pairs.flat_map(|pair| (0..2).filter_map(|side| Some(&rows[side][pair.rows[side]?]))) {
            columns.time = columns.time.max(millis(row.at).len());
            let label = match &row.kind {
                RowKind::Sent { packet, label, end, .. } => {
                    columns.number = columns.number.max(packet.0.to_string().len());
                    if let ArrowEnd::Arrives(at) = end {
                        columns.time = columns.time.max(millis(*at).len());
                    }
                    label
                }
                RowKind::Arrives { label, .. } | RowKind::Note(label) => label,
                RowKind::State | RowKind::Elided(_) => continue,
            };
            columns.arrow = columns.arrow.max(label.chars().count().min(LABEL_MAX) + ARROW_ROOM);
        }
        let room = width.max(BesideOptions::WIDTH_MIN).saturating_sub(3) / 2;
        if columns.cell() > room {
            let fixed = columns.cell() - columns.arrow;
            if fixed + ARROW_MIN + 2 * ARROW_ROOM > room {
                columns.arrives = false;
            }
            let fixed = columns.cell() - columns.arrow;
            columns.arrow = room.saturating_sub(fixed).max(ARROW_MIN);
        }
        columns
    }

    /// Width of one ladder.
    fn cell(&self) -> usize {
        self.number + 1 + self.time + 2 + self.arrow + 1 + if self.arrives { 1 + self.time } else { 0 }
    }

    /// The two lines above a ladder.
    fn heading(&self, label: &str, hosts: [&str; 2]) -> (String, String) {
        let room = self.arrow.saturating_sub(2) / 2;
        let [left, right] = hosts.map(|host| shortened(host, room));
        let between = self.arrow.saturating_sub(left.chars().count() + right.chars().count());
        let (number, time) = (self.number, self.time);
        let arrives = if self.arrives { format!("  {:>time$}", "arrives") } else { String::new() };
        let second =
            format!("{:>number$} {:>time$} {left}{}{right}{arrives}", "#", "sent", " ".repeat(between + 2));
        (shortened(label, self.cell()), second)
    }

    fn line(&self, mark: Mark, cells: [&str; 2], lines: &mut Vec<Line>) {
        let [one, other] = cells;
        let blank = self.cell().saturating_sub(one.chars().count());
        let text = format!("{one}{} {} {other}", " ".repeat(blank), mark.sign());
        lines.push(Line { mark, text: text.trim_end().to_owned() });
    }

    fn pair(&self, pair: &Pair, rows: &[Vec<Row>; 2], hosts: [&str; 2], lines: &mut Vec<Line>) {
        let row = |side: usize| pair.rows[side].map(|index| &rows[side][index]);
        let cells = [0, 1].map(|side| row(side).map_or_else(String::new, |row| self.row(row)));
        self.line(pair.mark, [&cells[0], &cells[1]], lines);
        let notes =
            [0, 1].map(|side| row(side).map_or_else(Vec::new, |row| self.notes(row, pair, side, hosts)));
        for index in 0..notes[0].len().max(notes[1].len()) {
            let note = |side: usize| notes[side].get(index).map_or("", String::as_str);
            let [one, other] = [note(0), note(1)];
            let blank = self.cell().saturating_sub(one.chars().count());
            let text = format!("{one}{}   {other}", " ".repeat(blank));
            lines.push(Line { mark: pair.mark, text: text.trim_end().to_owned() });
        }
    }

    fn row(&self, row: &Row) -> String {
        let (number, arrow, arrives) = match &row.kind {
            RowKind::Sent { packet, from, label, end, .. } => {
                let arrives = match end {
                    ArrowEnd::Arrives(at) => millis(*at),
                    ArrowEnd::Lost => "lost".into(),
                    ArrowEnd::Later => "later".into(),
                    ArrowEnd::OnTheWay => "not yet".into(),
                };
                (packet.0.to_string(), self.arrow(*from, label, *end), arrives)
            }
            RowKind::Arrives { packet, from, label } => {
                let room = self.arrow - 5;
                let label = shortened(label, room);
                let dots = "┄".repeat(self.arrow - label.chars().count() - 4);
                let arrow = match from {
                    Side::Left => format!(" {label} {dots}┄▶"),
                    Side::Right => format!("◀┄{dots} {label} "),
                };
                (packet.0.to_string(), arrow, String::new())
            }
            RowKind::State => (String::new(), " ".repeat(self.arrow), String::new()),
            RowKind::Note(text) | RowKind::Elided(text) => {
                let text = shortened(text, self.arrow);
                (String::new(), format!("{text:^width$}", width = self.arrow), String::new())
            }
        };
        let (sent, time) = (millis(row.at), self.time);
        let arrives = if self.arrives { format!(" {arrives:>time$}") } else { String::new() };
        format!("{number:>width$} {sent:>time$} │{arrow}│{arrives}", width = self.number)
    }

    /// What stands below a row: states that are entered, and where rows differ why it was sent and what became of it.
    fn notes(&self, row: &Row, pair: &Pair, side: usize, hosts: [&str; 2]) -> Vec<String> {
        let mut notes: Vec<String> = (hosts.iter().zip(row.states))
            .filter_map(|(host, state)| Some(format!("{host} enters {}", state?)))
            .collect();
        notes.extend((!pair.fields[side].is_empty()).then(|| pair.fields[side].clone()));
        if matches!(pair.mark, Mark::Differs | Mark::One | Mark::Other) {
            notes.extend(row.remarks.iter().cloned());
        }
        let indent = self.number + 1 + self.time + 2;
        let room = self.cell().saturating_sub(indent).max(1);
        wrapped(&notes.join("; "), room).into_iter().map(|line| format!("{:>indent$}{line}", "")).collect()
    }

    fn arrow(&self, from: Side, label: &str, end: ArrowEnd) -> String {
        let label = shortened(label, self.arrow - ARROW_ROOM);
        let room = self.arrow - label.chars().count() - 2;
        let dashes = (room - 2) / 2;
        let (line, blank) = ("─".repeat(dashes), " ".repeat(room - 3 - dashes));
        let broken = if end == ArrowEnd::Lost { '✗' } else { '┄' };
        match (from, end) {
            (Side::Left, ArrowEnd::Arrives(_)) => format!("── {label} {}▶", "─".repeat(room - 3)),
            (Side::Right, ArrowEnd::Arrives(_)) => format!("◀{} {label} ──", "─".repeat(room - 3)),
            (Side::Left, _) => format!("── {label} {line}{broken}{blank}"),
            (Side::Right, _) => format!("{blank}{broken}{line} {label} ──"),
        }
    }
}

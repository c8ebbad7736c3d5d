//! Draws rows as text: columns, arrows, remarks that wrap.

use std::collections::BTreeSet;

use faultwire_base::{Duration, Instant};

use super::rows::{ArrowEnd, Row, RowKind};
use crate::output::conversation::Side;
use crate::output::trace::PacketNumber;
use crate::output::{shortened, wrapped};

/// The columns of one ladder.
pub(super) struct Columns<'a> {
    marked: &'a BTreeSet<PacketNumber>,
    number: usize,
    sent: usize,
    arrives: usize,
    states: [usize; 2],
    arrow: usize,
    remark: usize,
}

/// The longest label that an arrow is made wide for.
const LABEL_MAX: usize = 48;
/// Dashes, blanks and head around a label.
const ARROW_ROOM: usize = 6;
/// The narrowest column of remarks.
const REMARK_MIN: usize = 28;
/// The longest host name shown in full.
const HOST_MAX: usize = 16;

impl<'a> Columns<'a> {
    /// Columns that fit these rows into `width` characters, if remarks keep some room.
    pub(super) fn fitting(
        rows: &[Row],
        hosts: [&str; 2],
        width: usize,
        marked: &'a BTreeSet<PacketNumber>,
    ) -> Self {
        let mut columns =
            Self { marked, number: 3, sent: 7, arrives: 7, states: [8, 8], arrow: 30, remark: REMARK_MIN };
        columns.states = hosts.map(|host| host.chars().count().clamp(8, HOST_MAX));
        for row in rows {
            let time = match row.kind {
                RowKind::Arrives { .. } => &mut columns.arrives,
                _ => &mut columns.sent,
            };
            *time = (*time).max(millis(row.at).len());
            for (column, state) in columns.states.iter_mut().zip(row.states) {
                *column = (*column).max(state.map_or(0, str::len));
            }
            if let RowKind::Sent { end: ArrowEnd::Arrives(at), .. } = row.kind {
                columns.arrives = columns.arrives.max(millis(at).len());
            }
            if let RowKind::Note(text) = &row.kind {
                columns.arrow = columns.arrow.max(text.chars().count().min(LABEL_MAX) + ARROW_ROOM);
            }
            if let RowKind::Sent { packet, label, .. } | RowKind::Arrives { packet, label, .. } = &row.kind {
                columns.number = columns.number.max(columns.numbered(*packet).len());
                columns.arrow = columns.arrow.max(label.chars().count().min(LABEL_MAX) + ARROW_ROOM);
            }
        }
        columns.remark = width.saturating_sub(columns.remark_start()).max(REMARK_MIN);
        columns
    }

    /// The number of a packet, with an asterisk if it is marked.
    fn numbered(&self, packet: PacketNumber) -> String {
        let mark = if self.marked.contains(&packet) { "*" } else { "" };
        format!("{mark}{}", packet.0)
    }

    fn arrow_start(&self) -> usize {
        self.number + 2 + self.sent + 2 + self.arrives + 2 + self.states[0] + 1
    }

    fn remark_start(&self) -> usize {
        self.arrow_start() + 1 + self.arrow + 1 + 1 + self.states[1] + 2
    }

    /// The heading.
    pub(super) fn heading(&self, hosts: [&str; 2], out: &mut String) {
        let [left, right] = hosts.map(|host| shortened(host, HOST_MAX));
        self.line(["#", "sent ms", "arrives"], [&left, &right], &" ".repeat(self.arrow + 2), "", out);
    }

    /// One row and the continuation of its remarks.
    pub(super) fn row(&self, row: &Row, out: &mut String) {
        let (number, sent, arrives, arrow) = match &row.kind {
            RowKind::Sent { packet, from, label, end, .. } => {
                let arrives = match end {
                    ArrowEnd::Arrives(at) => millis(*at),
                    ArrowEnd::Lost => "lost".into(),
                    ArrowEnd::Later => "later".into(),
                    ArrowEnd::OnTheWay => "not yet".into(),
                };
                (self.numbered(*packet), millis(row.at), arrives, self.arrow(*from, label, *end))
            }
            RowKind::Arrives { packet, from, label } => {
                (self.numbered(*packet), String::new(), millis(row.at), self.dotted(*from, label))
            }
            RowKind::State => (String::new(), millis(row.at), String::new(), self.lifelines("")),
            RowKind::Note(text) => {
                (String::new(), millis(row.at), String::new(), self.lifelines(&format!("** {text} **")))
            }
            RowKind::Elided(text) => return self.elided(text, out),
        };
        let states = row.states.map(|state| state.unwrap_or(""));
        let remarks = wrapped(&row.remarks.join("; "), self.remark);
        let first = remarks.first().map_or("", String::as_str);
        self.line([&number, &sent, &arrives], states, &arrow, first, out);
        for more in remarks.iter().skip(1) {
            self.line(["", "", ""], ["", ""], &self.lifelines(""), more, out);
        }
    }

    fn elided(&self, text: &str, out: &mut String) {
        let lines = wrapped(&format!("… {text} …"), self.arrow - 2);
        for (index, line) in lines.iter().enumerate() {
            let mark = if index == 0 { "⋮" } else { "" };
            self.line([mark, "", ""], ["", ""], &self.lifelines(line), "", out);
        }
    }

    fn line(&self, numbers: [&str; 3], states: [&str; 2], arrow: &str, remark: &str, out: &mut String) {
        let [number, sent, arrives] = numbers;
        let line = format!(
            "{number:>w0$}  {sent:>w1$}  {arrives:>w2$}  {:<w3$} {arrow} {:<w4$}  {remark}",
            states[0],
            states[1],
            w0 = self.number,
            w1 = self.sent,
            w2 = self.arrives,
            w3 = self.states[0],
            w4 = self.states[1],
        );
        out.push_str(line.trim_end());
        out.push('\n');
    }

    /// The arrow of a packet that is sent: `│── [SYN] seq 0 ────▶│`.
    fn arrow(&self, from: Side, label: &str, end: ArrowEnd) -> String {
        let label = shortened(label, self.arrow - ARROW_ROOM);
        let room = self.arrow - label.chars().count() - 2;
        let line = match (from, end) {
            (Side::Left, ArrowEnd::Arrives(_)) => format!("── {label} {}▶", "─".repeat(room - 3)),
            (Side::Right, ArrowEnd::Arrives(_)) => format!("◀{} {label} ──", "─".repeat(room - 3)),
            (Side::Left, _) => {
                let dashes = (room - 2) / 2;
                format!("── {label} {}{}{}", "─".repeat(dashes), mark(end), " ".repeat(room - 3 - dashes))
            }
            (Side::Right, _) => {
                let dashes = (room - 2) / 2;
                format!("{}{}{} {label} ──", " ".repeat(room - 3 - dashes), mark(end), "─".repeat(dashes))
            }
        };
        format!("│{line}│")
    }

    /// The arrow of a packet that arrives long after it was sent.
    fn dotted(&self, from: Side, label: &str) -> String {
        let label = shortened(label, self.arrow - ARROW_ROOM);
        let room = self.arrow - label.chars().count() - 2;
        match from {
            Side::Left => format!("│ ┄ {label} {}▶│", "┄".repeat(room - 3)),
            Side::Right => format!("│◀{} {label} ┄ │", "┄".repeat(room - 3)),
        }
    }

    /// The two lifelines with a text between them, cut if it is too long.
    fn lifelines(&self, text: &str) -> String {
        let text = shortened(text, self.arrow);
        format!("│{text:^width$}│", width = self.arrow)
    }
}

fn mark(end: ArrowEnd) -> char {
    match end {
        ArrowEnd::Lost => '✗',
        ArrowEnd::Later | ArrowEnd::OnTheWay | ArrowEnd::Arrives(_) => '┄',
    }
}

/// Milliseconds with three decimals, rounded down.
pub(crate) fn millis(at: Instant) -> String {
    let micros = at.as_nanos() / 1_000;
    format!("{}.{:03}", micros / 1_000, micros % 1_000)
}

/// A duration with at most three decimals, for remarks.
pub(crate) fn rounded(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let unit = match nanos {
        0..1_000 => 1,
        1_000..1_000_000 => 1,
        1_000_000..1_000_000_000 => 1_000,
        _ => 1_000_000,
    };
    Duration::from_nanos(nanos / unit * unit).to_string()
}

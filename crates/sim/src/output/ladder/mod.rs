//! The text timeline: for each conversation its packets as arrows between two ends, the states of both, and why.

pub(crate) mod changes;
pub(crate) mod draw;
pub(crate) mod elide;
mod label;
pub(crate) mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::conversation::{Conversation, Side, conversations};
use super::legend::Legend;
use super::trace::{PacketNumber, Trace, What};

/// How to draw.
#[derive(Clone, Copy, Debug)]
pub struct LadderOptions {
    /// Columns of text; remarks wrap to stay within it where that is possible.
    pub width: usize,
    /// Whether to draw every packet of every conversation. Otherwise runs of routine packets are summed up and at
    /// most [`LadderOptions::CONVERSATIONS_SHOWN`] conversations are drawn.
    pub full: bool,
}

impl LadderOptions {
    /// How many conversations are drawn unless all are asked for.
    pub const CONVERSATIONS_SHOWN: usize = 12;
}

impl Default for LadderOptions {
    fn default() -> Self {
        Self { width: 120, full: false }
    }
}

/// Packets that are marked in a ladder, and what the mark means.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    /// Which.
    pub packets: BTreeSet<PacketNumber>,
    /// What their mark means, for the legend: "the chain behind …".
    pub meaning: String,
    /// Whether to draw only conversations with a marked packet.
    pub only: bool,
}

/// Draws every conversation of a trace.
pub fn ladder(legend: &Legend, trace: &Trace, options: LadderOptions) -> String {
    marked_ladder(legend, trace, options, &Marks::default())
}

/// Draws conversations with some packets marked by an asterisk; a marked packet is never left out.
pub fn marked_ladder(legend: &Legend, trace: &Trace, options: LadderOptions, marks: &Marks) -> String {
    let mut all = conversations(legend, trace);
    if marks.only && !marks.packets.is_empty() {
        all.retain(|conversation| {
            conversation.entries.iter().any(|&index| match trace.entries()[index].what {
                What::Sent { packet, .. } | What::Arrived { packet, .. } => marks.packets.contains(&packet),
                _ => false,
            })
        });
    }
    let mut out = String::new();
    if all.is_empty() {
        out.push_str("No packet was sent.\n");
        return out;
    }
    out.push_str(KEY);
    if !marks.packets.is_empty() {
        out.push_str(&format!("* marks {}.\n", marks.meaning));
    }
    let shown = if options.full { all.len() } else { all.len().min(LadderOptions::CONVERSATIONS_SHOWN) };
    for conversation in &all[..shown] {
        out.push('\n');
        draw_one(legend, trace, conversation, (options, marks), &mut out);
    }
    if shown < all.len() {
        let more = elide::thousands((all.len() - shown) as u64);
        out.push_str(&format!("\n… and {more} more conversations\n"));
    }
    out
}

/// What the signs mean.
const KEY: &str = "\
Time runs down, in milliseconds of virtual time. seq and ack count from the start of each stream.
# numbers packets in the order of sending.  ─▶ arrives   ─✗ lost   ┄▶ arrives later than it should, or twice
";

fn draw_one(
    legend: &Legend,
    trace: &Trace,
    conversation: &Conversation,
    (options, marks): (LadderOptions, &Marks),
    out: &mut String,
) {
    let hosts = [Side::Left, Side::Right].map(|side| host_name(legend, conversation, side));
    let [left, right] = [Side::Left, Side::Right].map(|side| address(conversation, side));
    let names: Vec<_> = conversation.names.iter().map(|&name| legend.socket(name)).collect();
    out.push_str(conversation.protocol.as_str());
    out.push_str(&format!("  {} {left} ⟷ {} {right}", hosts[0], hosts[1]));
    if !names.is_empty() {
        out.push_str(&format!("  ({})", names.join(", ")));
    }
    out.push_str("\n\n");
    let rows = rows::rows(legend, trace, conversation);
    let mut rows = changes::with_changes(rows, legend, trace, conversation);
    if !options.full {
        rows = elide::elide(rows, &marks.packets);
    }
    let hosts = hosts.each_ref().map(String::as_str);
    let columns = draw::Columns::fitting(&rows, hosts, options.width, &marks.packets);
    columns.heading(hosts, out);
    for row in &rows {
        columns.row(row, out);
    }
}

pub(crate) fn host_name(legend: &Legend, conversation: &Conversation, side: Side) -> String {
    let end = conversation.end(side);
    end.host.map_or_else(|| end.address.ip().to_string(), |host| legend.place(host).to_owned())
}

/// The address, with a port where there is one.
fn address(conversation: &Conversation, side: Side) -> String {
    let address = conversation.end(side).address;
    if address.port() == 0 { address.ip().to_string() } else { address.to_string() }
}

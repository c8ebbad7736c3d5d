//! What followed where two runs part: the ladders of both side by side, packets that are the same on one line.

mod draw;
mod elide;
mod pair;

use std::collections::BTreeMap;

use super::identity::{Identities, Interner};
use super::numbers::Numbers;
use super::{Run, header};
use crate::output::conversation::{Conversation, Protocol, Side, conversations};
use crate::output::ladder::changes::with_changes;
use crate::output::ladder::host_name;
use crate::output::ladder::rows::{Row, rows};
use crate::output::{Legend, PacketNumber, Trace};
use pair::{Pair, pair_rows};

/// How to draw.
#[derive(Clone, Copy, Debug)]
pub struct BesideOptions {
    /// Columns of text for both ladders together; fewer are used where that is enough.
    pub width: usize,
    /// Whether to draw every row from the first difference on, and every conversation.
    pub full: bool,
}

impl BesideOptions {
    /// The narrowest drawing.
    pub const WIDTH_MIN: usize = 80;
    /// How many conversations are drawn unless all are asked for.
    pub const CONVERSATIONS_SHOWN: usize = 6;
}

/// How a line compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Heading or text.
    Text,
    /// Both runs have it alike.
    Same,
    /// Both have it at different times, otherwise alike.
    Time,
    /// Both have it, with a field, a verdict or a state that differs.
    Differs,
    /// Only the first run has it.
    One,
    /// Only the other run has it.
    Other,
}

impl Mark {
    /// Its sign between the ladders.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Text => " ",
            Self::Same => "=",
            Self::Time => "~",
            Self::Differs => "≠",
            Self::One => "<",
            Self::Other => ">",
        }
    }
}

/// One line of the drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How what it shows compares.
    pub mark: Mark,
    /// The text.
    pub text: String,
}

impl Line {
    fn text(text: String) -> Self {
        Self { mark: Mark::Text, text }
    }
}

/// A conversation of both runs, or of one.
struct Met<'a> {
    name: String,
    /// Hosts and rows of each run.
    sides: [Option<(&'a Conversation, usize)>; 2],
}

/// Draws both runs from the first row that differs on; nothing if none does.
pub fn beside(one: &Run<'_>, other: &Run<'_>, options: BesideOptions) -> Vec<Line> {
    let runs = [one, other];
    let legends = runs.map(|run| Legend::of(run.plan));
    let all = [0, 1].map(|side| conversations(&legends[side], runs[side].trace));
    let headers = [0, 1].map(|side| Headers::of(runs[side].trace, &legends[side]));
    let mut lines = Vec::new();
    let (mut drawn, mut alike, mut more) = (0, 0, 0);
    for met in meet(&legends, &all) {
        let rows = [0, 1].map(|side| match met.sides[side] {
            Some((conversation, _)) => rows_of(&legends[side], runs[side], conversation),
            None => Vec::new(),
        });
        let pairs = pair_rows(&rows, &headers);
        if pairs.iter().all(|pair| pair.mark == Mark::Same) {
            alike += 1;
            continue;
        }
        if drawn == BesideOptions::CONVERSATIONS_SHOWN && !options.full {
            more += 1;
            continue;
        }
        drawn += 1;
        let hosts = hosts(&legends, &met);
        lines.push(Line::text(String::new()));
        lines.push(Line::text(format!("{}  {} ⟷ {}", met.name, hosts[0], hosts[1])));
        let shown = elide::elide(pairs, &rows, runs.map(|run| run.label), options.full);
        let labels = runs.map(|run| run.label);
        draw::draw(&shown, &rows, labels, [hosts[0].as_str(), hosts[1].as_str()], options.width, &mut lines);
    }
    if drawn > 0 {
        lines.insert(0, Line::text(KEY.to_owned()));
    }
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    if alike > 0 && drawn > 0 {
        lines.push(Line::text(format!("\n{alike} more conversation{} the same in both", plural(alike))));
    }
    if more > 0 {
        lines.push(Line::text(format!("\n… and {more} more conversation{} that differ", plural(more))));
    }
    lines
}

const KEY: &str = "\
Between the ladders: = alike   ~ at another time   ≠ differs   < only in the first   > only in the other
seq and ack count from the start of each stream, times are in milliseconds of virtual time.";

fn rows_of(legend: &Legend, run: &Run<'_>, conversation: &Conversation) -> Vec<Row> {
    let rows = rows(legend, run.trace, conversation);
    with_changes(rows, legend, run.trace, conversation)
}

/// Conversations of both runs that are the same: by protocol and names, or hosts where they have no name.
fn meet<'a>(legends: &[Legend; 2], all: &'a [Vec<Conversation>; 2]) -> Vec<Met<'a>> {
    let mut met: Vec<Met<'a>> = Vec::new();
    let mut by_key: BTreeMap<(Protocol, String, u32), usize> = BTreeMap::new();
    for side in [0, 1] {
        let mut counts: BTreeMap<(Protocol, String), u32> = BTreeMap::new();
        for (index, conversation) in all[side].iter().enumerate() {
            let name = name(&legends[side], conversation);
            let count = counts.entry((conversation.protocol, name.clone())).or_insert(0);
            *count += 1;
            let place = *by_key.entry((conversation.protocol, name.clone(), *count)).or_insert_with(|| {
                let again = if *count > 1 { format!(" ({count})") } else { String::new() };
                let name = format!("{}  {name}{again}", conversation.protocol.as_str());
                met.push(Met { name, sides: [None; 2] });
                met.len() - 1
            });
            met[place].sides[side] = Some((conversation, index));
        }
    }
    met
}

/// What a conversation is called: by its sockets, in the order of names, else by its hosts.
fn name(legend: &Legend, conversation: &Conversation) -> String {
    let mut names: Vec<&str> = conversation.names.iter().map(|&name| legend.socket(name)).collect();
    names.sort_unstable();
    if let Some(name) = names.first() {
        return (*name).to_owned();
    }
    let [left, right] = [Side::Left, Side::Right].map(|side| host_name(legend, conversation, side));
    format!("{left} and {right}")
}

fn hosts(legends: &[Legend; 2], met: &Met<'_>) -> [String; 2] {
    let side = usize::from(met.sides[0].is_none());
    let (conversation, _) = met.sides[side].expect("a conversation of one run at least");
    [Side::Left, Side::Right].map(|end| host_name(&legends[side], conversation, end))
}

/// The headers of one run's packets, with where their numbers begin.
struct Headers<'a> {
    trace: &'a Trace,
    identities: Identities,
    numbers: Numbers,
}

impl<'a> Headers<'a> {
    fn of(trace: &'a Trace, legend: &Legend) -> Self {
        let identities = Identities::of(trace, legend, &mut Interner::default());
        let numbers = Numbers::of(trace, &identities);
        Self { trace, identities, numbers }
    }

    /// The header fields of a packet.
    fn fields(&self, number: PacketNumber) -> Vec<(String, String)> {
        let packet = &self.trace.packet(number).packet;
        let ends = [packet.ip.source, packet.ip.destination];
        header::fields(packet, self.numbers.of_packet(&self.identities, number, ends))
    }
}

/// A row and its mate, as indices into the rows of each run.
pub(super) type Indices = [Option<usize>; 2];

/// What is shown on one line.
pub(super) enum Shown {
    Pair(Pair),
    Text(String),
}

//! The first difference of two runs in one sentence, with the values of both.

use super::Run;
use super::align::Found;
use super::header::{self, FieldDifference};
use super::items::Items;
use super::numbers::Start;
use crate::output::{Legend, PacketNumber, TracedPacket, What, words};
use crate::plan::HostChange;
use faultwire_link::Decision;

/// One run with all it takes to tell about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene<'a> {
    pub(super) run: &'a Run<'a>,
    pub(super) legend: &'a Legend,
    pub(super) items: &'a Items<'a>,
}

/// A record as a clause: who, does what, and what to say if it does not.
struct Clause {
    actor: String,
    verb: String,
    negation: String,
}

/// The sentence.
pub(super) fn sentence(scenes: &[Scene<'_>; 2], found: &Found) -> String {
    match found.items {
        [Some(one), Some(other)] => both(scenes, [one, other], &found.fields),
        [Some(one), None] => alone(scenes[0], one, scenes[1]),
        [None, Some(other)] => alone(scenes[1], other, scenes[0]),
        [None, None] => unreachable!("a difference has a record"),
    }
}

fn alone(scene: Scene<'_>, index: usize, without: Scene<'_>) -> String {
    let Clause { actor, verb, negation } = scene.clause(index, scene.number_alone(index));
    let at = scene.items.items[index].at;
    let negation = scene.fate_elsewhere(index, without).unwrap_or(negation);
    format!("At {at} {actor} {verb} in {}; {negation} in {}.", scene.run.label, without.run.label)
}

fn both(scenes: &[Scene<'_>; 2], pair: [usize; 2], fields: &[FieldDifference]) -> String {
    let [one, other] = [0, 1].map(|side| scenes[side].items.items[pair[side]].at);
    let [label, other_label] = scenes.map(|scene| scene.run.label);
    let numbers = number_of_both(scenes, pair);
    let clauses = [0, 1].map(|side| scenes[side].clause(pair[side], numbers.clone()));
    let [clause, other_clause] = clauses;
    let Clause { actor, verb, .. } = clause;
    let values = |side: usize| {
        let values: Vec<String> = (fields.iter())
            .filter(|_| verb == other_clause.verb || fields.len() > 1)
            .map(|field| match &field.values[side] {
                Some(value) => format!("{} {value}", field.name),
                None => format!("no {}", field.name),
            })
            .collect();
        if values.is_empty() { String::new() } else { format!(" with {}", values.join(", ")) }
    };
    if one == other {
        return format!(
            "At {one} {actor} {verb}{} in {label}, and {}{} in {other_label}.",
            values(0),
            if verb == other_clause.verb { "" } else { &other_clause.verb },
            values(1).trim_start_matches(if verb == other_clause.verb { " " } else { "" }),
        );
    }
    let (apart, order) = if other > one { (other - one, "later") } else { (one - other, "earlier") };
    if fields.is_empty() {
        return format!(
            "{} {verb} at {one} in {label} and at {other} in {other_label}, {apart} {order}.",
            capitalised(&actor)
        );
    }
    format!(
        "{} {verb}{} at {one} in {label}, and {}{} at {other} in {other_label}, {apart} {order}.",
        capitalised(&actor),
        values(0),
        other_clause.verb,
        values(1),
    )
}

/// A host's name stays as it is written.
fn capitalised(actor: &str) -> String {
    match actor.strip_prefix("step ") {
        Some(rest) => format!("Step {rest}"),
        None => actor.to_owned(),
    }
}

/// The numbers of the same packet in both runs.
fn number_of_both(scenes: &[Scene<'_>; 2], pair: [usize; 2]) -> String {
    let numbers = [0, 1].map(|side| scenes[side].number(pair[side]));
    match numbers {
        [Some(one), Some(other)] if one == other => one.to_string(),
        [Some(one), Some(other)] => {
            format!("{one} in {}, {other} in {}", scenes[0].run.label, scenes[1].run.label)
        }
        _ => String::new(),
    }
}

impl<'a> Scene<'a> {
    pub(super) fn new(run: &'a Run<'a>, legend: &'a Legend, items: &'a Items<'a>) -> Self {
        Self { run, legend, items }
    }

    /// A packet, and where the numbers of its sender and of its receiver begin.
    pub(super) fn packet(&self, number: PacketNumber) -> (&'a TracedPacket, [Start; 2]) {
        let traced = self.items.trace.packet(number);
        let ip = &traced.packet.ip;
        let starts =
            self.items.numbers.of_packet(&self.items.identities, number, [ip.source, ip.destination]);
        (traced, starts)
    }

    /// What can differ in a record beside its time, as named values.
    pub(super) fn facts(&self, index: usize) -> Vec<(String, String)> {
        let fact = |name: &str, value: String| vec![(name.to_owned(), value)];
        match self.items.entry(index).what {
            What::Sent { packet, .. } => {
                let (traced, starts) = self.packet(packet);
                header::fields(&traced.packet, starts)
            }
            What::Link { direction, ref decision, .. } => {
                let mut facts = fact("decision", words::decision(self.legend, direction, decision, None));
                if let Decision::Corrupted { bits, .. } = decision {
                    let known = bits.iter().filter(|&&bit| bit != u32::MAX);
                    let bits: Vec<String> = known.map(ToString::to_string).collect();
                    facts.push(("bits".into(), bits.join(" ")));
                }
                facts
            }
            What::Discarded { reason, .. } => fact("reason", reason.as_str().to_owned()),
            What::StateChanged { from, to, .. } => fact("states", format!("{from:?} {to:?}")),
            What::StepEnded { errno, .. } => {
                fact("errno", errno.map_or_else(|| "none".into(), |errno| errno.to_string()))
            }
            What::HostChanged { change } => fact("change", host_change(change).to_owned()),
            What::Arrived { .. } | What::Injected { .. } | What::Opened { .. } | What::Named(_) => Vec::new(),
        }
    }

    /// The packet of a record, if it tells about one.
    fn number(&self, index: usize) -> Option<PacketNumber> {
        match self.items.entry(index).what {
            What::Sent { packet, .. }
            | What::Link { packet, .. }
            | What::Arrived { packet, .. }
            | What::Discarded { packet, .. } => Some(packet),
            _ => None,
        }
    }

    fn number_alone(&self, index: usize) -> String {
        self.number(index).map_or_else(String::new, |number| number.to_string())
    }

    /// What became in another run of the packet that a link treated in this one.
    fn fate_elsewhere(&self, index: usize, other: Scene<'_>) -> Option<String> {
        let What::Link { packet, .. } = self.items.entry(index).what else { return None };
        let mate = other.items.identities.find(self.items.identities.packet(packet))?;
        let mate = other.items.trace.packet(mate);
        Some(match &mate.arrival {
            Some(arrival) => format!("it arrives at {}", arrival.at),
            None => "it was not".to_owned(),
        })
    }

    /// A record in words; `numbers` are those of its packet.
    fn clause(&self, index: usize, numbers: String) -> Clause {
        let entry = self.items.entry(index);
        let place = self.legend.place(entry.place).to_owned();
        let clause = |actor: String, verb: String, negation: &str| Clause {
            actor,
            verb,
            negation: negation.to_owned(),
        };
        match entry.what {
            What::Sent { packet, origin: true, .. } => clause(
                place,
                format!("sends {}", self.packet_words(packet, &numbers)),
                "it sends no such packet",
            ),
            What::Sent { packet, direction, .. } => {
                let direction = self.legend.direction_name(direction);
                let verb = format!("passes {} on into {direction}", self.packet_words(packet, &numbers));
                clause(place, verb, "it does not")
            }
            What::Link { packet, direction, ref decision, .. } => {
                let words = words::decision(self.legend, direction, decision, None);
                let has = matches!(decision, Decision::Corrupted { .. } | Decision::Rewritten { .. });
                let verb = format!("{} {words} on {place}", if has { "had" } else { "was" });
                clause(self.packet_from(packet, &numbers), verb, "it was not")
            }
            What::Arrived { packet, .. } => clause(
                self.packet_from(packet, &numbers),
                format!("arrives at {place}"),
                "it does not arrive there",
            ),
            What::Discarded { packet, reason } => {
                let packet = self.packet_words(packet, &numbers);
                clause(place, format!("discards {packet}: {}", reason.as_str()), "it takes the packet")
            }
            What::StateChanged { flow, from, to, .. } => {
                let actor = format!("{place}'s end of {}", self.items.identities.flow_name(flow));
                let verb = format!("goes from {} to {}", from.as_str(), to.as_str());
                clause(actor, verb, "it does not")
            }
            What::StepEnded { app, step, errno } => {
                let verb = errno.map_or_else(|| "ends".into(), |errno| format!("ends with {errno}"));
                clause(self.step_words(app, step), verb, "it does not end")
            }
            What::HostChanged { change } => clause(place, host_change(change).to_owned(), "it does not"),
            What::Injected { fault } => {
                let fault = self.legend.fault(fault);
                clause(format!("fault \"{fault}\""), "injects a packet".into(), "it does not")
            }
            What::Opened { .. } | What::Named(_) => clause(place, "opens a connection".into(), "it does not"),
        }
    }

    /// A step of an app, with its verb.
    fn step_words(&self, app: u32, step: u32) -> String {
        let plan = &self.run.plan.apps[app as usize];
        let verb = plan.steps.get(step as usize).map(|step| step.step.describe(0)).unwrap_or_default();
        let verb = verb.split(": ").next().unwrap_or_default();
        format!("step {} ({verb}) of app \"{}\"", step + 1, plan.name)
    }

    /// A packet by its label, conversation and number.
    fn packet_words(&self, number: PacketNumber, numbers: &str) -> String {
        let (traced, starts) = self.packet(number);
        let conversation = self.items.identities.name(self.items.identities.conversation(number));
        let mut about = format!("{conversation}, {numbers}");
        if traced.copy_of.is_some() {
            about.push_str(", a copy");
        }
        if traced.packet.tag.transmission > 1 {
            about.push_str(&format!(", sending {}", traced.packet.tag.transmission));
        }
        format!("{} ({about})", header::label(&traced.packet, starts))
    }

    fn packet_from(&self, number: PacketNumber, numbers: &str) -> String {
        let traced = self.items.trace.packet(number);
        let from =
            self.legend.owner(traced.packet.ip.source).map_or("?", |node| self.legend.place(node.place));
        format!("{from}'s {}", self.packet_words(number, numbers))
    }
}

fn host_change(change: HostChange) -> &'static str {
    match change {
        HostChange::Crash => "crashes",
        HostChange::Restart => "restarts",
        HostChange::Pause => "pauses",
        HostChange::Resume => "resumes",
    }
}

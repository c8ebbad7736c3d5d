//! A decision of chance as a named fault that does the same to the same packet.

use faultwire_link::PacketKind;

use super::edit::set_member;
use crate::experiment::{Member, Node, Value};
use crate::replay::{ChanceAction, RecordedConversation, RecordedDecision};

/// Keys of a link that are left to chance.
const RANDOM: [&str; 8] =
    ["jitter", "distribution", "jitter_reorders", "loss", "ecn", "duplicate", "corrupt", "reorder"];

/// The experiment without anything that is left to chance.
pub(crate) fn without_chance(tree: &Node) -> Node {
    let mut tree = tree.clone();
    tree.remove("swarm");
    if let Some(Value::List(links)) = tree.get_mut("links").map(|links| &mut links.value) {
        for link in links {
            clear(link);
            if let Some(Value::Object(ends)) = link.get_mut("towards").map(|ends| &mut ends.value) {
                ends.iter_mut().for_each(|end| clear(&mut end.node));
                ends.retain(|end| !end.node.members().is_empty());
            }
            if link.get("towards").is_some_and(|ends| ends.members().is_empty()) {
                link.remove("towards");
            }
        }
    }
    if let Some(Value::List(faults)) = tree.get_mut("faults").map(|faults| &mut faults.value) {
        faults.retain_mut(|fault| {
            let Some(set) = fault.get_mut("do").and_then(|action| action.get_mut("set")) else { return true };
            clear(set);
            !set.members().is_empty()
        });
    }
    tree
}

fn clear(link: &mut Node) {
    for key in RANDOM {
        link.remove(key);
    }
}

/// The experiment with one more fault.
pub(crate) fn with_fault(tree: &Node, fault: Node) -> Node {
    let mut tree = tree.clone();
    if let Some(Value::List(faults)) = tree.get_mut("faults").map(|faults| &mut faults.value) {
        faults.push(fault);
    } else {
        set_member(&mut tree, "faults", Value::List(vec![fault]));
    }
    tree
}

/// Faults that should do what the decision does, the most readable first: by what the packet is, then by when it enters.
pub(crate) fn faults(tree: &Node, decision: &RecordedDecision) -> Vec<Node> {
    let Some((link, end)) = decision.on.split_once('>') else { return Vec::new() };
    let name = unused_name(tree, decision);
    let at_place = |rest: Vec<(&str, Node)>| {
        let mut members = vec![("name", text(&name)), ("on", text(link)), ("towards", text(end))];
        members.extend(rest);
        object(members)
    };
    let mut found = Vec::new();
    if let Some(action) = targeted(&decision.action) {
        for packets in matches(decision) {
            found.push(at_place(vec![("match", packets), ("do", action.clone())]));
        }
    }
    if let Some(parameters) = for_a_moment(tree, (link, end), &decision.action) {
        let (from, until) = (decision.at.as_nanos(), decision.at.as_nanos() + 1);
        let time = |nanos| text(&faultwire_base::Instant::from_nanos(nanos).to_string());
        let change = object(vec![("set", parameters)]);
        found.push(at_place(vec![("at", time(from)), ("until", time(until)), ("do", change)]));
    }
    found
}

/// What a targeted fault does in its place; `None` if none can.
fn targeted(action: &ChanceAction) -> Option<Node> {
    let one = |key: &str, node: Node| Some(object(vec![(key, node)]));
    match action {
        ChanceAction::Drop => Some(text("drop")),
        ChanceAction::Mark => one("rewrite", object(vec![("ecn", number(3))])),
        ChanceAction::Duplicate => one("duplicate", object(Vec::new())),
        ChanceAction::Corrupt { bits } => {
            let bits = bits.iter().map(|bit| number(u64::from(*bit))).collect();
            one("corrupt", object(vec![("bits", node(Value::List(bits)))]))
        }
        // No fault makes a packet early by so much; one makes it as early as can be.
        ChanceAction::Delay { deviation: ..0 } => Some(text("send_at_once")),
        ChanceAction::Delay { deviation } => {
            let later = deviation.unsigned_abs();
            one("delay", text(&faultwire_base::Duration::from_nanos(later).to_string()))
        }
        ChanceAction::SendAtOnce => Some(text("send_at_once")),
    }
}

/// Keys that pick the packet: its place in its sender's stream if it has one, its count among its like, its time.
fn matches(decision: &RecordedDecision) -> Vec<Node> {
    let packet = &decision.packet;
    let mut who = Vec::new();
    if let RecordedConversation::Named(name) = &packet.conversation {
        who.push(("conn", text(name)));
    }
    who.extend(packet.kind.map(|kind| ("kind", text(kind.as_str()))));
    let mut found = Vec::new();
    if packet.copy.is_none() && packet.kind.is_some() {
        let mut keys = who.clone();
        keys.extend(packet.byte.map(|byte| ("byte", number(byte))));
        keys.extend(packet.transmission.map(|count| ("transmission", number(u64::from(count)))));
        if packet.nth == 1 && packet.transmission.is_some() {
            found.push(object(keys.clone()));
        }
        keys.push(("nth", number(packet.nth)));
        found.push(object(keys));
    }
    let time = |nanos| text(&faultwire_base::Instant::from_nanos(nanos).to_string());
    let at = decision.at.as_nanos();
    who.extend([("after", time(at)), ("before", time(at + 1))]);
    found.push(object(who));
    found
}

/// Link parameters that do it to whatever enters at that moment; `None` if none do.
fn for_a_moment(tree: &Node, (link, end): (&str, &str), action: &ChanceAction) -> Option<Node> {
    let always = || text("100%");
    let parameters = match action {
        ChanceAction::Drop => vec![("loss", always())],
        ChanceAction::Mark => vec![("loss", always()), ("ecn", node(Value::Bool(true)))],
        ChanceAction::Duplicate => vec![("duplicate", always())],
        ChanceAction::SendAtOnce => vec![("reorder", always())],
        ChanceAction::Delay { deviation } => {
            let delay = i64::try_from(delay_of(tree, link, end)?.as_nanos()).ok()?;
            let nanos = u64::try_from(delay.saturating_add(*deviation)).unwrap_or(0);
            vec![("delay", text(&faultwire_base::Duration::from_nanos(nanos).to_string()))]
        }
        ChanceAction::Corrupt { .. } => return None,
    };
    Some(object(parameters))
}

/// The delay of a direction as it is written.
fn delay_of(tree: &Node, link: &str, end: &str) -> Option<faultwire_base::Duration> {
    let named = |node: &&Node| node.get("name").and_then(Node::text) == Some(link);
    let link = tree.get("links")?.items().iter().find(named)?;
    let own = link.get("towards").and_then(|ends| ends.get(end)).and_then(|end| end.get("delay"));
    match own.or_else(|| link.get("delay")) {
        Some(delay) => delay.text()?.parse().ok(),
        None => Some(faultwire_base::Duration::ZERO),
    }
}

/// A name that says what happens to what: `lost data`, `late ACK 2`.
fn unused_name(tree: &Node, decision: &RecordedDecision) -> String {
    let how = match &decision.action {
        ChanceAction::Drop => "lost",
        ChanceAction::Mark => "marked",
        ChanceAction::Duplicate => "copied",
        ChanceAction::Corrupt { .. } => "corrupt",
        ChanceAction::Delay { deviation } if *deviation < 0 => "early",
        ChanceAction::Delay { .. } => "late",
        ChanceAction::SendAtOnce => "early",
    };
    let what = match decision.packet.kind {
        None => "packet",
        Some(PacketKind::Syn) => "SYN",
        Some(PacketKind::SynAck) => "SYN-ACK",
        Some(PacketKind::Data) => "data",
        Some(PacketKind::PureAck) => "ACK",
        Some(PacketKind::Fin) => "FIN",
        Some(PacketKind::Rst) => "RST",
        Some(PacketKind::WindowUpdate) => "window update",
        Some(PacketKind::ZeroWindowProbe) => "probe",
        Some(PacketKind::Udp) => "datagram",
        Some(PacketKind::Icmp) => "ICMP message",
    };
    let names: Vec<&str> = ["faults", "apps", "expect"]
        .iter()
        .flat_map(|list| tree.get(list).map_or(&[][..], Node::items))
        .filter_map(|item| item.get("name").and_then(Node::text))
        .collect();
    let plain = format!("{how} {what}");
    let numbered = (2..).map(|count| format!("{plain} {count}"));
    let mut candidates = std::iter::once(plain.clone()).chain(numbered);
    candidates.find(|name| !names.contains(&name.as_str())).expect("there is always another number")
}

fn node(value: Value) -> Node {
    Node::made(value)
}

fn text(text: &str) -> Node {
    node(Value::Text(text.to_owned()))
}

fn number(number: u64) -> Node {
    node(Value::Number(number.to_string()))
}

fn object(members: Vec<(&str, Node)>) -> Node {
    let member =
        |(key, node): (&str, Node)| Member { key: key.to_owned(), key_place: node.place.clone(), node };
    node(Value::Object(members.into_iter().map(member).collect()))
}

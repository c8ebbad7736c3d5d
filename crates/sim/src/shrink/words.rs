//! A named fault in words, and what chance did to a packet where no named fault does the same.

use std::fmt::Write as _;

use faultwire_base::Duration;

use crate::experiment::{Node, Value};
use crate::replay::{ChanceAction, RecordedConversation, RecordedDecision};

/// What chance did to one packet: `carries 3.2us faster data of client/first with byte 2896, sent for the first time, on
/// wire towards server`.
pub(crate) fn decision(decision: &RecordedDecision) -> String {
    let RecordedDecision { on, packet, at, action } = decision;
    let mut text = match action {
        ChanceAction::Drop => "drops".to_owned(),
        ChanceAction::Mark => "marks as congested".to_owned(),
        ChanceAction::Duplicate => "copies".to_owned(),
        ChanceAction::Corrupt { bits } => {
            let bits: Vec<String> = bits.iter().map(u32::to_string).collect();
            format!("flips bits {} of", bits.join(", "))
        }
        ChanceAction::Delay { deviation } => {
            let time = Duration::from_nanos(deviation.unsigned_abs());
            format!("carries {time} {}", if *deviation < 0 { "faster" } else { "slower" })
        }
        ChanceAction::SendAtOnce => "sends at once, ahead of others,".to_owned(),
    };
    if let Some(copy) = packet.copy {
        let _ = write!(text, " copy {copy} of");
    }
    if packet.nth > 1 {
        let _ = write!(text, " number {} of", packet.nth);
    }
    let _ = write!(text, " {}", packet.kind.map_or("a packet", |kind| kind.as_str()));
    match &packet.conversation {
        RecordedConversation::None => {}
        RecordedConversation::Named(name) => {
            let _ = write!(text, " of {name}");
        }
        RecordedConversation::Numbered { opener, ordinal, boot } => {
            let _ = write!(text, " of conversation {ordinal} that {opener} opened");
            if *boot > 1 {
                let _ = write!(text, " after restart {}", boot - 1);
            }
        }
    }
    if let Some(byte) = packet.byte {
        let _ = write!(text, " with byte {byte}");
    }
    match packet.transmission {
        None => {}
        Some(1) => text.push_str(", sent for the first time"),
        Some(count) => {
            let _ = write!(text, ", transmission {count}");
        }
    }
    let (link, end) = on.split_once('>').unwrap_or((on, ""));
    let _ = write!(text, ", on {link} towards {end}, at {at}");
    text
}

/// The named faults of an experiment, as (name, what it does).
pub(crate) fn faults(tree: &Node) -> Vec<(String, String)> {
    let faults = tree.get("faults").map_or(&[][..], Node::items);
    faults.iter().map(|node| (plain(node.get("name")), fault(node))).collect()
}

/// What a fault of an experiment does, as a sentence without its end: `drops data of client/first with byte 2896, sent for
/// the first time, on wire towards server`.
fn fault(node: &Node) -> String {
    let what = if let Some(packets) = node.get("match") {
        format!("{} {}", action(node.get("do")), packets_of(packets))
    } else if let Some(packet) = node.get("inject") {
        format!("injects {} at {}", injected(packet), plain(node.get("at")))
    } else {
        let until =
            node.get("until").map_or_else(String::new, |until| format!(" until {}", plain(Some(until))));
        format!("{} from {}{until}", change(node.get("do")), plain(node.get("at")))
    };
    let on = node.get("on").map_or_else(String::new, |on| format!(", on {}", plain(Some(on))));
    let towards =
        node.get("towards").map_or_else(String::new, |end| format!(" towards {}", plain(Some(end))));
    format!("{what}{on}{towards}")
}

/// A scalar as it is meant, a list with commas; anything else as its keys.
fn plain(node: Option<&Node>) -> String {
    match node.map(|node| &node.value) {
        None | Some(Value::Null) => String::new(),
        Some(Value::Bool(flag)) => flag.to_string(),
        Some(Value::Number(text) | Value::Text(text)) => text.clone(),
        Some(Value::List(items)) => items.iter().map(|item| plain(Some(item))).collect::<Vec<_>>().join(", "),
        Some(Value::Object(members)) => {
            let parts = members.iter().map(|member| format!("{} {}", member.key, plain(Some(&member.node))));
            parts.collect::<Vec<_>>().join(", ")
        }
    }
}

/// What a targeted fault does to its packets.
fn action(node: Option<&Node>) -> String {
    let Some(node) = node else { return String::new() };
    let Some(member) = node.members().first() else {
        return match node.text() {
            Some("drop") => "drops".to_owned(),
            Some("send_at_once") => "sends at once, ahead of others,".to_owned(),
            Some(word) => format!("does {word} to"),
            None => String::new(),
        };
    };
    let value = &member.node;
    match member.key.as_str() {
        "drop" => "drops".to_owned(),
        "delay" => format!("delays by {}", plain(Some(value))),
        "hold" => format!("holds until {}", plain(value.get("until"))),
        "duplicate" => {
            let copies = value
                .get("copies")
                .map_or_else(|| "once".to_owned(), |n| format!("{} times", plain(Some(n))));
            let later =
                value.get("delay").map_or_else(String::new, |delay| format!(" {} later", plain(Some(delay))));
            format!("copies {copies}{later}")
        }
        "corrupt" => format!("flips bits {} of", plain(value.get("bits"))),
        "rewrite" => format!("rewrites {} of", plain(Some(value))),
        other => format!("does {other} {} to", plain(Some(value))),
    }
}

/// Which packets a targeted fault picks.
fn packets_of(node: &Node) -> String {
    let kind = node.get("kind").map_or_else(|| "packet".to_owned(), |kind| plain(Some(kind)));
    // One place of the stream, or a SYN or FIN, sent the so-many-th time, is one packet.
    let has_place = node.get("byte").is_some() || ["syn", "syn_ack", "fin"].contains(&kind.as_str());
    let which = match node.get("nth") {
        None if has_place && node.get("transmission").is_some() => String::new(),
        None => "every ".to_owned(),
        Some(nth) => format!("number {} of ", plain(Some(nth))),
    };
    let with = |word: &str, key: &str| {
        node.get(key).map_or_else(String::new, |value| format!("{word}{}", plain(Some(value))))
    };
    let transmission = match with("", "transmission").as_str() {
        "" => String::new(),
        "1" => ", sent for the first time".to_owned(),
        count => format!(", transmission {count}"),
    };
    let (conn, byte) = (with(" of ", "conn"), with(" with byte ", "byte"));
    let (after, before) = (with(", after ", "after"), with(", before ", "before"));
    format!("{which}{kind}{conn}{byte}{transmission}{after}{before}{}", with(", with ", "fields"))
}

fn injected(node: &Node) -> String {
    let count = node.get("count").map_or_else(String::new, |count| format!("{} times ", plain(Some(count))));
    let what = match (node.get("icmp"), node.get("flags"), node.get("protocol")) {
        (Some(icmp), ..) => format!("ICMP {}", plain(icmp.get("error"))),
        (None, Some(flags), _) => plain(Some(flags)),
        (None, None, protocol) => protocol.map_or_else(|| "a segment".to_owned(), |name| plain(Some(name))),
    };
    format!("{count}{what} for {}", plain(node.get("to")))
}

/// What changes at a time.
fn change(node: Option<&Node>) -> String {
    let Some(node) = node else { return String::new() };
    match node.members().first() {
        None => format!("does {}", plain(Some(node))),
        Some(member) if member.key == "partition" => format!("parts {}", plain(Some(&member.node))),
        Some(member) => format!("{}s {}", member.key, plain(Some(&member.node))),
    }
}

//! The language of scripts: what is read from each construct, the messages for what is none, the way back, and a fuzz.

mod accepted;
mod calls;
mod corpus;
mod fuzz;
mod notation;
mod rejected;

use faultwire_script::syntax::parse;
use faultwire_script::syntax::tree::{Action, Event, PacketSpec, Script};

/// A script that must be one.
fn script(source: &str) -> Script {
    match parse(source, &[], None) {
        Ok(script) => script,
        Err(error) => panic!("{error}\n{source}"),
    }
}

/// The only event of a script.
fn event(source: &str) -> Event {
    let mut events = script(source).events;
    assert_eq!(events.len(), 1, "{source}");
    events.pop().expect("one event")
}

/// The packet of `0 < ...` or `0 > ...`.
fn packet(source: &str) -> PacketSpec {
    match event(&format!("0 {source}")).action {
        Action::Inbound(packet) | Action::Outbound(packet) => packet,
        other => panic!("{other:?}"),
    }
}

/// Defines as the parser takes them.
fn defines(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

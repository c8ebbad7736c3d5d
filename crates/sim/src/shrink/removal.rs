//! What can be left out of an experiment: anything optional, spans of lists, and what has to go together.

use super::edit::{Edit, Trail, size};
use super::walk::{Spot, spots};
use crate::experiment::{Node, Value};

/// Everything that may be left out, the largest first.
pub(crate) fn removals(root: &Node) -> Vec<Edit> {
    let spots = spots(root);
    let mut edits: Vec<(usize, Edit)> = Vec::new();
    for spot in spots.iter().filter(|spot| !is_kept(spot)) {
        if spot.optional {
            edits.push((size(spot.node), Edit::without([spot.trail.clone()])));
        }
        if let Value::List(items) = &spot.node.value {
            edits.extend(spans(&spot.trail, items));
        }
    }
    // Stable: what is of one size goes in the order of the file.
    edits.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    edits.into_iter().map(|(_, edit)| edit).collect()
}

/// Halves, quarters, ... of a list, down to pairs; single elements are left out as optional values.
fn spans(trail: &Trail, items: &[Node]) -> Vec<(usize, Edit)> {
    let mut edits = Vec::new();
    let mut span = items.len() / 2;
    while span >= 2 {
        for from in (0..items.len()).step_by(span) {
            let until = (from + span).min(items.len());
            let gone = (from..until).map(|index| [&trail[..], &[index]].concat());
            edits.push((items[from..until].iter().map(size).sum(), Edit::without(gone)));
        }
        span /= 2;
    }
    edits
}

/// What stays although the grammar could do without it: what says which packets a fault means, what an expectation
/// means, how things are called, and what a person would miss.
fn is_kept(spot: &Spot<'_>) -> bool {
    match spot.path[..] {
        ["name" | "description" | "seed"] | ["hosts" | "links" | "apps" | "cases"] => true,
        ["hosts", _, "stack" | "address"] => true,
        ["links", _, "between" | "delay"] | ["links", _, "towards", _, "delay"] => true,
        ["expect", _, _, ..] => true,
        ["cases", _, "name"] | ["cases", _, "must_fail", ..] | ["cases", _, "expect", _, _, ..] => true,
        ["faults", _, "on" | "towards" | "at" | "until"] => true,
        ["faults", _, "match", ref rest @ ..] => rest != ["nth", "[]"],
        ["faults", _, "do", "set" | "rewrite", ..] => false,
        ["apps", .., "as" | "on" | "fails"] => true,
        _ => false,
    }
}

/// Edits that leave out hosts, links, routers and apps with all that hangs on them, and pairs of a write and a read.
pub(crate) fn joint_removals(root: &Node) -> Vec<Edit> {
    let net = super::network::Network::of(root);
    let mut edits = net.without_hosts();
    edits.extend(net.without_routers());
    edits.extend(net.without_links());
    edits.extend(net.without_apps());
    edits.extend(net.without_exchanges());
    edits
}

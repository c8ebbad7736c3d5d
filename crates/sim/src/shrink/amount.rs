//! Smaller and rounder amounts: times, sizes, rates and counts.

use std::collections::BTreeMap;

use faultwire_base::{BitRate, ByteCount, Duration};

use super::edit::{Edit, Trail};
use super::walk::{Spot, settled, spots};
use crate::experiment::{Kind, Node, Quantity, Value};

/// At most so many smaller values are tried for one place at a time; a success starts anew from there.
const STEPS_MAX: usize = 8;

/// What an amount of an experiment is, and in which way another is simpler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Less is simpler.
    Less,
    /// Only fewer digits are.
    Rounder,
}

/// Every amount with every simpler value, for one place at a time and then for all places of one value together.
pub(crate) fn reductions(root: &Node) -> Vec<Edit> {
    let spots = spots(root);
    let amounts: Vec<(&Spot<'_>, Vec<Value>)> = spots
        .iter()
        .filter_map(|spot| Some((spot, simpler(spot.node, settled(spot.node, spot.kind?), wish(spot)?))))
        .collect();
    let mut edits: Vec<Edit> = Vec::new();
    let mut together: BTreeMap<String, (Vec<Trail>, Vec<Value>)> = BTreeMap::new();
    for spot in spots.iter().filter(|spot| moves_bytes(spot)) {
        let Some(kind) = spot.kind.map(|kind| settled(spot.node, kind)) else { continue };
        let text = match &spot.node.value {
            Value::Text(text) | Value::Number(text) => text.clone(),
            _ => continue,
        };
        let values = || simpler(spot.node, kind, Wish::Less);
        let entry = together.entry(text).or_insert_with(|| (Vec::new(), values()));
        entry.0.push(spot.trail.clone());
    }
    for (trails, values) in together.into_values().filter(|(trails, _)| trails.len() > 1) {
        edits.extend(values.iter().map(|value| Edit::with(trails.iter().cloned(), value)));
    }
    for (spot, values) in amounts {
        edits.extend(values.iter().map(|value| Edit::with([spot.trail.clone()], value)));
    }
    edits
}

/// Amounts that both ends and the expectation about them share: what is written, read and delivered.
fn moves_bytes(spot: &Spot<'_>) -> bool {
    match spot.path[..] {
        ["apps", _, "run", _, "write" | "read" | "count" | "recv_from" | "size"] => true,
        ["expect", _, "delivered" | "datagrams"] => true,
        ["apps", _, "bulk" | "request_response" | "on_off" | "churn", key] => {
            ["size", "count", "connections", "request", "response", "send", "receive"].contains(&key)
        }
        _ => false,
    }
}

/// In which way an amount may be made simpler; `None` if it says something else than how much.
fn wish(spot: &Spot<'_>) -> Option<Wish> {
    match spot.path[..] {
        ["seed"] | ["expect", ..] | ["cases", ..] | ["swarm", ..] => None,
        ["faults", _, "match", "nth", ..] => Some(Wish::Less),
        ["faults", _, "match", ..] => None,
        ["faults", _, "inject", key, ..] if key != "count" && key != "interval" => None,
        ["faults", _, "do", "set" | "rewrite", ..] => None,
        // When faults end and how long the ends have then is what the failure means.
        ["hosts", ..] | ["heal", ..] => None,
        ["links", .., "rate" | "delay"] => Some(Wish::Rounder),
        ["links", ..] => None,
        ["apps", .., "rate"] => Some(Wish::Rounder),
        _ => Some(Wish::Less),
    }
}

/// Simpler values than this one, the simplest first; none if it is no amount.
fn simpler(node: &Node, kind: &Kind, wish: Wish) -> Vec<Value> {
    match (kind, &node.value) {
        (Kind::Quantity(Quantity::Time), Value::Text(text)) => {
            let Ok(time) = text.parse::<Duration>() else { return Vec::new() };
            texts(times(time, wish))
        }
        (Kind::Quantity(Quantity::Size), Value::Text(text)) => {
            let Ok(size) = text.parse::<ByteCount>() else { return Vec::new() };
            texts(few(sizes_below(size.as_u64())).into_iter().map(ByteCount::new))
        }
        (Kind::Quantity(Quantity::Rate), Value::Text(text)) => {
            let Ok(rate) = text.parse::<BitRate>() else { return Vec::new() };
            texts(rounder(rate.bits_per_second()).into_iter().filter_map(BitRate::from_bits_per_second))
        }
        (Kind::Integer { what, min, .. }, Value::Number(number)) if is_count(what) => {
            let Ok(count) = number.parse::<u64>() else { return Vec::new() };
            let least = u64::try_from(*min).unwrap_or(0);
            let mut counts = few(ladder(1, count));
            counts.extend(count.checked_sub(1).filter(|less| *less >= least && !counts.contains(less)));
            counts.into_iter().map(|count| Value::Number(count.to_string())).collect()
        }
        _ => Vec::new(),
    }
}

/// Shorter and rounder times, the simplest first.
pub(crate) fn times(time: Duration, wish: Wish) -> Vec<Duration> {
    let nanos = time.as_nanos();
    let least = if nanos > MILLISECOND { MILLISECOND } else { 1 };
    let mut found = if wish == Wish::Less { few(ladder(least, nanos)) } else { Vec::new() };
    found.extend(rounder(nanos));
    let mut once = Vec::new();
    for nanos in found {
        if !once.contains(&nanos) {
            once.push(nanos);
        }
    }
    once.into_iter().map(Duration::from_nanos).collect()
}

const MILLISECOND: u64 = 1_000_000;

/// Whether an integer of the grammar says how many; others are ports, numbers on the wire, bits and bounds.
fn is_count(what: &str) -> bool {
    what == "a number" || what.starts_with("a number of ") && !what.ends_with(" bits")
}

fn texts<T: ToString>(values: impl IntoIterator<Item = T>) -> Vec<Value> {
    values.into_iter().map(|value| Value::Text(value.to_string())).collect()
}

/// 1, 2 and 5 times powers of ten from `least` up to what is less than `number`.
fn ladder(least: u64, number: u64) -> Vec<u64> {
    let powers = std::iter::successors(Some(least), |power| power.checked_mul(10));
    let steps = powers.flat_map(|power| [1, 2, 5].map(|factor| power.saturating_mul(factor)));
    steps.take_while(|&step| step < number).collect()
}

/// Sizes below this one that are round in octets, KiB, MiB or GiB.
fn sizes_below(size: u64) -> Vec<u64> {
    let units = [1_u64, 1 << 10, 1 << 20, 1 << 30];
    let all = units.into_iter().flat_map(|unit| ladder(1, 1_000).into_iter().map(move |step| step * unit));
    all.take_while(|&step| step < size).collect()
}

/// The least of some ascending values, and the nearest below the present one.
fn few(mut values: Vec<u64>) -> Vec<u64> {
    if values.len() > STEPS_MAX {
        let near = values.split_off(values.len() + 1 - STEPS_MAX);
        values.truncate(1);
        values.extend(near);
    }
    values
}

/// The number with fewer digits: the nearest below and above with one digit, with two, with three.
fn rounder(number: u64) -> Vec<u64> {
    let mut found = Vec::new();
    for digits in 1..significant_digits(number).min(4) {
        let length = number.checked_ilog10().map_or(0, |log| log + 1);
        let unit = 10_u64.pow(length.saturating_sub(digits));
        let down = number / unit * unit;
        found.extend([Some(down), down.checked_add(unit)].into_iter().flatten());
    }
    found
}

/// Digits of a number without the zeros at its end.
fn significant_digits(mut number: u64) -> u32 {
    while number > 0 && number.is_multiple_of(10) {
        number /= 10;
    }
    number.checked_ilog10().map_or(0, |log| log + 1)
}

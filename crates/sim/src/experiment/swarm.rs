//! The `swarm` of a file: its paths and values against the grammar, in the numbers that a seed draws from.

use std::str::FromStr;

use faultwire_base::{BitRate, ByteCount, Duration, Probability};

use super::Overrides;
use super::check::{check, check_object, packets};
use super::effective;
use super::grammar::EXPERIMENT;
use super::json::{Node, Value};
use super::overrides::{self, New};
use super::problem::Problem;
use super::read::Item;
use super::shape::{Kind, Quantity};
use crate::swarm::{Choice, Range, Scale, Swarm, Variation};

/// Reads the `swarm` of a file as it was written: what `--set` and `--without` change about the rest can't make it
/// wrong, since a sweep draws nothing that they name. Every path must lead somewhere, and every value must have the form
/// that belongs there.
pub(crate) fn read(root: &Node, overrides: &Overrides) -> Result<Swarm, Problem> {
    let changes = || overrides.set.iter().filter(|assignment| assignment.starts_with("swarm"));
    if root.get("swarm").is_none() && changes().next().is_none() {
        return Ok(Swarm::default());
    }
    let mut file = root.clone();
    for assignment in changes() {
        let (path, value, place) = overrides::split_assignment(assignment)?;
        overrides::set(&mut file, path, New::Words(value), &place)?;
    }
    check_object(&file, &EXPERIMENT, "")?;
    Item::root(&file).get("swarm").map_or_else(|| Ok(Swarm::default()), |item| read_entries(&item, &file))
}

fn read_entries(item: &Item<'_>, root: &Node) -> Result<Swarm, Problem> {
    let mut trial = root.clone();
    trial.remove("swarm");
    let mut variations: Vec<Variation> = Vec::new();
    for (path, values) in item.map("vary") {
        if let Some(other) = variations.iter().find(|other| leads_into(&other.path, path)) {
            let message = format!("this is a part of {:?}, which varies as a whole", other.path);
            return Err(values.problem(message));
        }
        if path.contains('=') {
            return Err(values.problem("a path with \"=\" can't be repeated by --set"));
        }
        let choice = choice(&values, path, &mut trial)?;
        variations.push(Variation { path: path.to_owned(), choice });
    }
    let mut omissions: Vec<String> = Vec::new();
    for name in item.list("omit") {
        let word = name.text()?;
        if omissions.iter().any(|other| other == word) {
            return Err(name.problem("this stands here twice"));
        }
        leave_out(&name, word, root)?;
        omissions.push(word.to_owned());
    }
    Ok(Swarm { variations, omissions })
}

/// Whether `path` leads to a part of what `whole` leads to. Paths come in order, so a whole comes before its parts.
fn leads_into(whole: &str, path: &str) -> bool {
    path.strip_prefix(whole).is_some_and(|rest| rest.starts_with('.'))
}

fn choice(values: &Item<'_>, path: &str, trial: &mut Node) -> Result<Choice, Problem> {
    if values.is_object() {
        let (min, max) = (values.require("min")?, values.require("max")?);
        let kind = fits(&min, path, trial)?;
        fits(&max, path, trial)?;
        return range(values, &min, &max, kind).map(Choice::Range);
    }
    let mut words = Vec::new();
    for value in values.items() {
        fits(&value, path, trial)?;
        words.push(as_words(value.node()));
    }
    Ok(Choice::List(words))
}

/// Puts a value where it belongs and checks its form; the kind of the place, if the grammar knows it.
fn fits(value: &Item<'_>, path: &str, trial: &mut Node) -> Result<Option<&'static Kind>, Problem> {
    let here = |problem: Problem| problem.at_path(value.path());
    let node = value.node();
    let kind = overrides::set(trial, path, New::Node(node), &node.place).map_err(here)?;
    if let Some(kind) = kind {
        check(node, kind, path).map_err(here)?;
    }
    Ok(kind)
}

fn range(
    values: &Item<'_>,
    min: &Item<'_>,
    max: &Item<'_>,
    kind: Option<&'static Kind>,
) -> Result<Range, Problem> {
    let scale = scales(min.node(), kind)
        .into_iter()
        .find_map(|scale| Some((scale, in_steps(min.node(), scale)?, in_steps(max.node(), scale)?)));
    let Some((scale, from, to)) = scale else {
        return Err(values.problem(
            "a range goes from one number to another of the same sort: write a list for anything else",
        ));
    };
    if from == 0 {
        return Err(
            min.problem("a range in the logarithm starts above zero (the file's own value may be zero)")
        );
    }
    if from > to {
        return Err(values.problem("min is greater than max"));
    }
    Ok(Range { scale, min: from, max: to })
}

/// In what the value may be counted at a place of this kind.
fn scales(node: &Node, kind: Option<&'static Kind>) -> Vec<Scale> {
    match (&node.value, kind) {
        (Value::Number(_), _) => vec![Scale::Number],
        (_, Some(Kind::Quantity(quantity))) => vec![match quantity {
            Quantity::Time | Quantity::Deviation => Scale::Time,
            Quantity::Size => Scale::Size,
            Quantity::Rate => Scale::Rate,
            Quantity::Probability => Scale::Probability,
            Quantity::Packets => Scale::Packets,
        }],
        (_, Some(Kind::Bounds(inner))) => scales(node, Some(inner)),
        (_, Some(Kind::OneOf(kinds))) => kinds.iter().flat_map(|kind| scales(node, Some(kind))).collect(),
        _ => Vec::new(),
    }
}

/// A value in the smallest steps of its scale.
fn in_steps(node: &Node, scale: Scale) -> Option<u64> {
    if let (Value::Number(number), Scale::Number) = (&node.value, scale) {
        return number.parse().ok();
    }
    let text = node.text()?;
    match scale {
        Scale::Time => Duration::from_str(text).ok().map(Duration::as_nanos),
        Scale::Size => ByteCount::from_str(text).ok().map(ByteCount::as_u64),
        Scale::Rate => BitRate::from_str(text).ok().map(BitRate::bits_per_second),
        Scale::Probability => {
            let probability = Probability::from_str(text).ok()?;
            Some(libm::round(probability.as_f64() * Scale::PROBABILITY_STEPS as f64) as u64)
        }
        Scale::Packets => packets(text).ok().map(u64::from),
        Scale::Number => None,
    }
}

/// A value as it stands behind `--set PATH=`, in quotes only where it would be taken for something else.
fn as_words(node: &Node) -> String {
    match node.text() {
        Some(text) if super::json::parse(text.as_bytes()).is_err() => text.to_owned(),
        _ => effective::text_of(node),
    }
}

fn leave_out(name: &Item<'_>, word: &str, root: &Node) -> Result<(), Problem> {
    let mut trial = root.clone();
    let in_cases = overrides::leave_expectation_out_of_cases(&mut trial, word);
    match overrides::leave_out(&mut trial, word, &name.node().place) {
        Err(problem) if !in_cases => Err(problem.at_path(name.path())),
        _ => Ok(()),
    }
}

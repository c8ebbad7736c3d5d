//! Reading a checked tree: typed values that know their path, for the second stage.

use std::collections::BTreeMap;

use faultwire_base::{BitRate, ByteCount, Duration, Instant, Probability};

use super::check::{deviation, packets};
use super::json::{Node, Value};
use super::problem::{Problem, did_you_mean, quoted_list};
use crate::plan::Bounds;

/// A value and the path that leads to it.
#[derive(Clone, Debug)]
pub(crate) struct Item<'a> {
    node: &'a Node,
    path: String,
}

impl<'a> Item<'a> {
    pub(crate) fn root(node: &'a Node) -> Self {
        Self { node, path: String::new() }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn node(&self) -> &'a Node {
        self.node
    }

    pub(crate) fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::new(self.node.place.clone(), self.path.clone(), message)
    }

    fn at(&self, label: &str, node: &'a Node) -> Self {
        let path = if self.path.is_empty() { label.to_owned() } else { format!("{}.{label}", self.path) };
        Self { node, path }
    }

    pub(crate) fn get(&self, key: &str) -> Option<Self> {
        self.node.get(key).map(|node| self.at(key, node))
    }

    /// A key that the grammar requires.
    pub(crate) fn require(&self, key: &str) -> Result<Self, Problem> {
        self.get(key).ok_or_else(|| self.problem(format!("the key {key:?} is missing")))
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.node.get(key).is_some()
    }

    /// Elements of a list.
    pub(crate) fn items(&self) -> Vec<Self> {
        self.node.items().iter().enumerate().map(|(index, node)| self.at(&node.label(index), node)).collect()
    }

    /// Elements of the list `key`; none if there is no such key.
    pub(crate) fn list(&self, key: &str) -> Vec<Self> {
        self.get(key).map(|list| list.items()).unwrap_or_default()
    }

    /// Elements of a list, or the value itself if it is none.
    pub(crate) fn one_or_many(&self) -> Vec<Self> {
        if matches!(self.node.value, Value::List(_)) { self.items() } else { vec![self.clone()] }
    }

    /// Members of an object with their keys.
    pub(crate) fn entries(&self) -> Vec<(&'a str, Self)> {
        self.node
            .members()
            .iter()
            .map(|member| (member.key.as_str(), self.at(&member.key, &member.node)))
            .collect()
    }

    /// Members of the object `key` in the order of their keys, so that the effective experiment means the same as the
    /// file; none if there is no such key.
    pub(crate) fn map(&self, key: &str) -> Vec<(&'a str, Self)> {
        let mut entries = self.get(key).map(|map| map.entries()).unwrap_or_default();
        entries.sort_by_key(|&(key, _)| key);
        entries
    }

    pub(crate) fn is_text(&self) -> bool {
        self.node.text().is_some()
    }

    pub(crate) fn is_number(&self) -> bool {
        matches!(self.node.value, Value::Number(_))
    }

    pub(crate) fn is_object(&self) -> bool {
        matches!(self.node.value, Value::Object(_))
    }

    pub(crate) fn text(&self) -> Result<&'a str, Problem> {
        self.node.text().ok_or_else(|| self.problem(format!("expected a text, found {}", self.node.found())))
    }

    pub(crate) fn flag(&self) -> Result<bool, Problem> {
        if let Value::Bool(flag) = self.node.value {
            return Ok(flag);
        }
        Err(self.problem(format!("expected true or false, found {}", self.node.found())))
    }

    /// The flag `key`, or `default`.
    pub(crate) fn flag_or(&self, key: &str, default: bool) -> Result<bool, Problem> {
        self.get(key).map_or(Ok(default), |flag| flag.flag())
    }

    pub(crate) fn integer<T: TryFrom<i128>>(&self) -> Result<T, Problem> {
        let Value::Number(number) = &self.node.value else {
            return Err(self.problem(format!("expected a whole number, found {}", self.node.found())));
        };
        let value = number.parse::<i128>().ok().and_then(|value| T::try_from(value).ok());
        value.ok_or_else(|| self.problem(format!("{number} is out of range")))
    }

    /// The integer `key`, or `default`.
    pub(crate) fn integer_or<T: TryFrom<i128>>(&self, key: &str, default: T) -> Result<T, Problem> {
        self.get(key).map_or(Ok(default), |number| number.integer())
    }

    fn quantity<T: std::str::FromStr<Err = faultwire_base::QuantityError>>(&self) -> Result<T, Problem> {
        self.text()?.parse().map_err(|error: faultwire_base::QuantityError| self.problem(error.to_string()))
    }

    pub(crate) fn time(&self) -> Result<Duration, Problem> {
        self.quantity()
    }

    /// The time `key`, or `default`.
    pub(crate) fn time_or(&self, key: &str, default: Duration) -> Result<Duration, Problem> {
        self.get(key).map_or(Ok(default), |time| time.time())
    }

    pub(crate) fn instant(&self) -> Result<Instant, Problem> {
        self.time().map(|time| Instant::ZERO + time)
    }

    /// Nanoseconds of a time that may be negative.
    pub(crate) fn deviation(&self) -> Result<i64, Problem> {
        deviation(self.text()?).map_err(|message| self.problem(message))
    }

    pub(crate) fn size(&self) -> Result<ByteCount, Problem> {
        self.quantity()
    }

    /// The size `key`, or `default`.
    pub(crate) fn size_or(&self, key: &str, default: ByteCount) -> Result<ByteCount, Problem> {
        self.get(key).map_or(Ok(default), |size| size.size())
    }

    pub(crate) fn rate(&self) -> Result<BitRate, Problem> {
        self.quantity()
    }

    pub(crate) fn probability(&self) -> Result<Probability, Problem> {
        self.quantity()
    }

    /// The probability `key`, or `default`.
    pub(crate) fn probability_or(&self, key: &str, default: Probability) -> Result<Probability, Problem> {
        self.get(key).map_or(Ok(default), |probability| probability.probability())
    }

    pub(crate) fn packets(&self) -> Result<u32, Problem> {
        packets(self.text()?).map_err(|message| self.problem(message))
    }

    /// Exact, or `{min, max}`, of what `read` reads.
    pub(crate) fn bounds(&self, read: impl Fn(&Self) -> Result<u64, Problem>) -> Result<Bounds, Problem> {
        if !self.is_object() {
            return read(self).map(|exact| Bounds { min: exact, max: exact });
        }
        let min = self.get("min").map_or(Ok(0), |min| read(&min))?;
        let max = self.get("max").map_or(Ok(u64::MAX), |max| read(&max))?;
        if min > max {
            return Err(self.problem("min is greater than max"));
        }
        Ok(Bounds { min, max })
    }

    pub(crate) fn time_bounds(&self) -> Result<Bounds, Problem> {
        self.bounds(|time| time.time().map(Duration::as_nanos))
    }

    pub(crate) fn integer_bounds(&self) -> Result<Bounds, Problem> {
        self.bounds(Self::integer)
    }

    pub(crate) fn size_bounds(&self) -> Result<Bounds, Problem> {
        self.bounds(|size| size.size().map(ByteCount::as_u64))
    }

    /// Finds the name written here among `known`.
    pub(crate) fn find<T: Copy>(&self, what: &str, known: &BTreeMap<String, T>) -> Result<T, Problem> {
        let name = self.text()?;
        known.get(name).copied().ok_or_else(|| self.unknown(what, known.keys().map(String::as_str)))
    }

    /// The name written here is none of `known`.
    pub(crate) fn unknown<'k>(&self, what: &str, known: impl Iterator<Item = &'k str> + Clone) -> Problem {
        let name = self.node.text().unwrap_or_default();
        let hint = did_you_mean(name, known.clone());
        let list = quoted_list(known);
        let rest = match (hint.is_empty(), list.is_empty()) {
            (false, _) => hint,
            (true, false) => format!(": there is {list}"),
            (true, true) => ": there is none at all".to_owned(),
        };
        self.problem(format!("there is no {what} {name:?}{rest}"))
    }
}

//! The first stage: a tree against the grammar. After it every key is known and every value has its form.

use std::str::FromStr;

use faultwire_base::{BitRate, ByteCount, Duration, Probability};

use super::json::{Member, Node, Value};
use super::problem::{Problem, did_you_mean, nearest, quoted_list};
use super::shape::{Field, Found, Kind, Object, Quantity, Verb, Word};

/// Checks a value and everything in it; `path` leads to it.
pub(crate) fn check(node: &Node, kind: &'static Kind, path: &str) -> Result<(), Problem> {
    Checker { path: path.to_owned() }.value(node, kind)
}

/// Checks the whole file or a part of it that is an object.
pub(crate) fn check_object(node: &Node, object: &'static Object, path: &str) -> Result<(), Problem> {
    Checker { path: path.to_owned() }.object(node, object)
}

/// Number of packets written as `"100p"`.
pub(crate) fn packets(text: &str) -> Result<u32, String> {
    let what = Quantity::Packets;
    let digits = text.trim().strip_suffix('p').map(str::trim_end);
    match digits.map(u32::from_str) {
        Some(Ok(packets)) => Ok(packets),
        _ => Err(format!("{text:?} is not {}: write it like {:?}", what.what(), what.example())),
    }
}

/// Nanoseconds of a time that may be negative.
pub(crate) fn deviation(text: &str) -> Result<i64, String> {
    let (negative, amount) = text.strip_prefix('-').map_or((false, text), |amount| (true, amount));
    let amount = amount.parse::<Duration>().map_err(|error| error.to_string())?;
    let nanos = i64::try_from(amount.as_nanos()).map_err(|_| format!("{text:?} is out of range"))?;
    Ok(if negative { -nanos } else { nanos })
}

/// A list of `length` elements that are `kind`, which should be of another length.
fn length_fault(length: usize, kind: &Kind, min: usize, max: usize) -> String {
    if length == 0 && min == 1 {
        return format!("this list is empty: write at least one element into it, {}", kind.expects());
    }
    let bound = match (min, max) {
        (min, max) if min == max => format!("exactly {min}"),
        (min, usize::MAX) => format!("at least {min}"),
        (min, max) => format!("{min} to {max}"),
    };
    let change = if length < min { "write more" } else { "take some out" };
    format!("expected {bound} elements, found {length}: {change}")
}

struct Checker {
    path: String,
}

impl Checker {
    fn inside<T>(
        &mut self,
        label: &str,
        check: impl FnOnce(&mut Self) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(label);
        let result = check(self);
        self.path.truncate(length);
        result
    }

    fn problem(&self, node: &Node, message: impl Into<String>) -> Problem {
        Problem::new(node.place.clone(), self.path.clone(), message)
    }

    fn mismatch(&self, node: &Node, kind: &Kind) -> Problem {
        let remedy = remedy(node, kind);
        self.problem(node, format!("expected {}, found {}{remedy}", kind.expects(), node.found()))
    }

    fn value(&mut self, node: &Node, kind: &'static Kind) -> Result<(), Problem> {
        if !accepts(kind, &node.value) {
            return Err(self.mismatch(node, kind));
        }
        match (kind, &node.value) {
            (Kind::Name(forbidden), Value::Text(text)) => {
                name_fault(text, forbidden).map_or(Ok(()), |fault| Err(self.problem(node, fault)))
            }
            (Kind::True, Value::Bool(false)) => {
                Err(self.problem(node, "only true says something here: leave the key out instead"))
            }
            (Kind::Integer { what, min, max }, Value::Number(number)) => {
                integer_fault(number, what, *min, *max).map_or(Ok(()), |fault| Err(self.problem(node, fault)))
            }
            (Kind::Quantity(quantity), Value::Text(text)) => {
                quantity_fault(text, *quantity).map_or(Ok(()), |fault| Err(self.problem(node, fault)))
            }
            (Kind::Word(words), Value::Text(text)) => self.word(node, text, words),
            (Kind::List { item, min, max }, Value::List(items)) => self.list(node, items, item, *min, *max),
            (Kind::Object(object), Value::Object(_)) => self.object(node, object),
            (Kind::Map { item, forbidden, .. }, Value::Object(members)) => self.map(members, item, forbidden),
            (Kind::KernelWords { .. }, Value::Object(members)) => self.kernel_words(members, kind),
            (Kind::Ranges, Value::Object(members)) => self.ranges(members),
            (Kind::Bounds(kind), Value::Object(members)) => self.bounds(node, members, kind),
            (Kind::Bounds(kind), _) => self.value(node, kind),
            (Kind::OneOf(kinds), _) => self.one_of(node, kinds),
            _ => Ok(()),
        }
    }

    fn word(&self, node: &Node, text: &str, words: &'static [Word]) -> Result<(), Problem> {
        if words.iter().any(|word| word.name == text) {
            return Ok(());
        }
        let names = || words.iter().map(|word| word.name);
        let message = format!(
            "unknown word {text:?}{} Known: {}",
            sentence(&did_you_mean(text, names())),
            quoted_list(names())
        );
        Err(self.problem(node, message))
    }

    fn list(
        &mut self,
        node: &Node,
        items: &[Node],
        kind: &'static Kind,
        min: usize,
        max: usize,
    ) -> Result<(), Problem> {
        if items.len() < min || items.len() > max {
            return Err(self.problem(node, length_fault(items.len(), kind, min, max)));
        }
        let mut names = std::collections::BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            self.inside(&item.label(index), |inside| {
                inside.value(item, kind)?;
                let name = item
                    .get("name")
                    .filter(|name| name.text().is_some_and(|name| !names.insert(name.to_owned())));
                name.map_or(Ok(()), |name| {
                    Err(inside.problem(name, "this name is taken: names in a list are unique"))
                })
            })?;
        }
        Ok(())
    }

    fn map(&mut self, members: &[Member], item: &'static Object, forbidden: &str) -> Result<(), Problem> {
        for member in members {
            self.inside(&member.key, |inside| {
                if let Some(fault) = name_fault(&member.key, forbidden) {
                    return Err(Problem::new(member.key_place.clone(), inside.path.clone(), fault));
                }
                inside.object_value(&member.node, item)
            })?;
        }
        Ok(())
    }

    fn object_value(&mut self, node: &Node, object: &'static Object) -> Result<(), Problem> {
        if matches!(node.value, Value::Object(_)) {
            return self.object(node, object);
        }
        Err(self.problem(node, format!("expected {} {{...}}, found {}", object.what, node.found())))
    }

    fn kernel_words(&mut self, members: &[Member], kind: &'static Kind) -> Result<(), Problem> {
        for member in members {
            self.inside(&member.key, |inside| {
                let node = &member.node;
                let scalar = |node: &Node| matches!(node.value, Value::Number(_) | Value::Text(_));
                let is_list = matches!(node.value, Value::List(_)) && node.items().iter().all(scalar);
                if scalar(node) || is_list {
                    return Ok(());
                }
                let message = format!(
                    "expected a bare value in the kernel's units, found {} ({})",
                    node.found(),
                    kind.expects()
                );
                Err(inside.problem(node, message))
            })?;
        }
        Ok(())
    }

    /// Only the form; whether the path leads anywhere and takes these values is seen in the second stage.
    fn ranges(&mut self, members: &[Member]) -> Result<(), Problem> {
        for member in members {
            self.inside(&member.key, |inside| {
                let node = &member.node;
                match &node.value {
                    Value::List(items) if !items.is_empty() => Ok(()),
                    Value::Object(bounds) => inside.range(node, bounds),
                    _ => {
                        let message = format!(
                            "expected {{\"min\": ..., \"max\": ...}} or a list of at least one value, found {}",
                            node.found()
                        );
                        Err(inside.problem(node, message))
                    }
                }
            })?;
        }
        Ok(())
    }

    fn range(&mut self, node: &Node, bounds: &[Member]) -> Result<(), Problem> {
        if let Some(member) = bounds.iter().find(|member| !matches!(member.key.as_str(), "min" | "max")) {
            let message = format!("unknown key {:?}: a range has \"min\" and \"max\"", member.key);
            let path = format!("{}.{}", self.path, member.key);
            return Err(Problem::new(member.key_place.clone(), path, message));
        }
        match ["min", "max"].into_iter().find(|key| node.get(key).is_none()) {
            Some(key) => {
                Err(self.problem(node, format!("the key {key:?} is missing: a range has both ends")))
            }
            None => Ok(()),
        }
    }

    fn bounds(&mut self, node: &Node, members: &[Member], kind: &'static Kind) -> Result<(), Problem> {
        for member in members {
            self.inside(&member.key, |inside| {
                if matches!(member.key.as_str(), "min" | "max") {
                    return inside.value(&member.node, kind);
                }
                let message = format!("unknown key {:?}: bounds have \"min\" and \"max\"", member.key);
                Err(Problem::new(member.key_place.clone(), inside.path.clone(), message))
            })?;
        }
        if members.is_empty() {
            return Err(self.problem(node, "empty bounds: give \"min\", \"max\" or both"));
        }
        Ok(())
    }

    fn one_of(&mut self, node: &Node, kinds: &'static [Kind]) -> Result<(), Problem> {
        let candidates: Vec<&'static Kind> = kinds.iter().filter(|kind| accepts(kind, &node.value)).collect();
        let mut faults = Vec::with_capacity(candidates.len());
        for kind in &candidates {
            match self.value(node, kind) {
                Ok(()) => return Ok(()),
                Err(problem) => faults.push(problem),
            }
        }
        if faults.len() == 1 {
            return Err(faults.remove(0));
        }
        let looks_like_quantity = node
            .text()
            .is_some_and(|text| text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.'));
        let best =
            candidates.iter().position(|kind| matches!(kind, Kind::Quantity(_)) == looks_like_quantity);
        match best.filter(|_| candidates.iter().filter(|kind| matches!(kind, Kind::Quantity(_))).count() == 1)
        {
            Some(best) => Err(faults.remove(best)),
            None => {
                let all: Vec<String> = candidates.iter().map(|kind| kind.expects()).collect();
                Err(self.problem(node, format!("expected {}, found {}", all.join(", or "), node.found())))
            }
        }
    }

    fn object(&mut self, node: &Node, object: &'static Object) -> Result<(), Problem> {
        let Value::Object(members) = &node.value else { return self.object_value(node, object) };
        self.known_keys(members, object)?;
        let verb = self.verb(node, members, object)?;
        for member in members {
            self.inside(&member.key, |inside| match object.kind_of(&member.key, verb) {
                Some(kind) => inside.value(&member.node, kind),
                None => Err(inside.foreign_key(member, object, verb)),
            })?;
        }
        let with = verb.map_or(&[][..], |verb| verb.with);
        let missing = object
            .fields
            .iter()
            .chain(with)
            .find(|field| field.required && !members.iter().any(|member| member.key == field.name));
        missing.map_or(Ok(()), |field| Err(self.missing(node, object, verb, field)))
    }

    fn known_keys(&self, members: &[Member], object: &Object) -> Result<(), Problem> {
        let Some(member) = members.iter().find(|member| !object.keys().any(|key| key == member.key)) else {
            return Ok(());
        };
        let key = &member.key;
        let foreign = FOREIGN_WORDS
            .iter()
            .find(|(theirs, ours)| theirs == key && object.keys().any(|known| known == *ours))
            .map(|(_, ours)| *ours);
        let hint = match foreign.or_else(|| nearest(key, object.keys())) {
            Some(word) => format!(": did you mean {word:?}?"),
            None => String::new(),
        };
        let known = quoted_list(object.keys());
        let known = if known.is_empty() { " no keys".to_owned() } else { format!(": {known}") };
        let message = format!("unknown key {key:?}{} {} has{known}", sentence(&hint), capital(object.what));
        let path = if self.path.is_empty() { key.clone() } else { format!("{}.{key}", self.path) };
        Err(Problem::new(member.key_place.clone(), path, message))
    }

    fn verb(
        &self,
        node: &Node,
        members: &[Member],
        object: &'static Object,
    ) -> Result<Option<&'static Verb>, Problem> {
        if object.verbs.is_empty() {
            return Ok(None);
        }
        match object.verb(members.iter().map(|member| member.key.as_str())) {
            Found::Verb(verb) => Ok(Some(verb)),
            Found::None => {
                let verbs = quoted_list(object.verbs.iter().map(|verb| verb.name));
                Err(self.problem(node, format!("{} needs exactly one of {verbs}", object.what)))
            }
            Found::Two(first, second) => {
                let second_place = members.iter().find(|member| member.key == second);
                let place = second_place.map_or(&node.place, |member| &member.key_place).clone();
                let message = format!(
                    "{first:?} and {second:?} don't go together: {} has exactly one of {}",
                    object.what,
                    quoted_list(object.verbs.iter().map(|verb| verb.name))
                );
                Err(Problem::new(place, self.path.clone(), message))
            }
        }
    }

    fn foreign_key(&self, member: &Member, object: &Object, verb: Option<&Verb>) -> Problem {
        let verb = verb.expect("without verbs every known key has a kind");
        let keys: Vec<&str> = verb.with.iter().chain(object.fields).map(|field| field.name).collect();
        let message = if keys.is_empty() {
            format!("{:?} does not go with {:?}, which stands alone", member.key, verb.name)
        } else {
            format!("{:?} does not go with {:?}, which takes: {}", member.key, verb.name, quoted_list(keys))
        };
        Problem::new(member.key_place.clone(), self.path.clone(), message)
    }

    fn missing(&self, node: &Node, object: &Object, verb: Option<&Verb>, field: &Field) -> Problem {
        let whose = match verb {
            Some(verb) if verb.with.iter().any(|with| with.name == field.name) => format!("{:?}", verb.name),
            _ => object.what.to_owned(),
        };
        self.problem(
            node,
            format!("the key {:?} is missing: {whose} needs {}", field.name, field.kind.expects()),
        )
    }
}

/// Whether a kind can be a value of this JSON type.
fn accepts(kind: &Kind, value: &Value) -> bool {
    match (kind, value) {
        (Kind::Bounds(_), Value::Object(_)) => true,
        (Kind::Bounds(kind), _) => accepts(kind, value),
        (Kind::OneOf(kinds), _) => kinds.iter().any(|kind| accepts(kind, value)),
        (Kind::Flag | Kind::True, Value::Bool(_))
        | (Kind::Integer { .. }, Value::Number(_))
        | (Kind::List { .. }, Value::List(_)) => true,
        (
            Kind::Text(_) | Kind::Name(_) | Kind::Reference(_) | Kind::Quantity(_) | Kind::Word(_),
            Value::Text(_),
        ) => true,
        (
            Kind::Object(_) | Kind::Map { .. } | Kind::KernelWords { .. } | Kind::Settings | Kind::Ranges,
            Value::Object(_),
        ) => true,
        _ => false,
    }
}

/// What to write instead, for values of the wrong JSON type.
fn remedy(node: &Node, kind: &Kind) -> String {
    let quantity = match kind {
        Kind::Quantity(quantity) => Some(*quantity),
        Kind::Bounds(Kind::Quantity(quantity)) => Some(*quantity),
        Kind::OneOf(kinds) => kinds.iter().find_map(|kind| match kind {
            Kind::Quantity(quantity) => Some(*quantity),
            _ => None,
        }),
        _ => None,
    };
    match (&node.value, quantity, kind) {
        (Value::Null, ..) => ": leave the key out instead".to_owned(),
        (Value::Number(number), quantity, _)
            if number.starts_with('-') && quantity != Some(Quantity::Deviation) =>
        {
            ": it can't be negative".to_owned()
        }
        (Value::Number(_), Some(Quantity::Probability), _) => {
            ": write percent, like \"1%\", since 0.01 could mean either".to_owned()
        }
        (Value::Number(number), Some(quantity), _) if !number.contains(['e', 'E']) => {
            let unit = quantity.example().trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
            format!(": write \"{number}{unit}\"")
        }
        (Value::Text(text), _, Kind::Integer { .. }) if text.parse::<u64>().is_ok() => {
            format!(": write {text} without quotes")
        }
        (Value::Text(text), _, Kind::Flag | Kind::True) if text == "true" || text == "false" => {
            format!(": write {text} without quotes")
        }
        (_, _, Kind::Object(object)) => {
            object.example().map_or_else(String::new, |example| format!(": write for example {example}"))
        }
        (Value::Text(_) | Value::Object(_), _, Kind::List { .. }) => ": put it into [ ]".to_owned(),
        _ => String::new(),
    }
}

fn name_fault(name: &str, forbidden: &str) -> Option<String> {
    if name.trim().is_empty() {
        return Some("a name can't be empty".to_owned());
    }
    if name.trim() != name || name.chars().any(char::is_control) {
        return Some("a name can't begin or end with a blank or contain control characters".to_owned());
    }
    if name.len() > NAME_MAX {
        return Some(format!("a name is at most {NAME_MAX} bytes long"));
    }
    let bad = name.chars().find(|c| forbidden.contains(*c))?;
    Some(format!("the name {name:?} can't contain {bad:?}, which parts names"))
}

const NAME_MAX: usize = 200;

fn integer_fault(number: &str, what: &str, min: i64, max: u64) -> Option<String> {
    let range = || match max {
        u64::MAX if min > i64::MIN => format!("at least {min}"),
        _ => format!("from {min} to {max}"),
    };
    if number.contains(['.', 'e', 'E']) {
        return Some(format!("{number} is not a whole number: {what} is one, {}", range()));
    }
    match number.parse::<i128>() {
        Ok(value) if value < i128::from(min) && value < 0 => {
            Some(format!("{number} is negative: {what} is {}", range()))
        }
        Ok(value) if value >= i128::from(min) && value <= i128::from(max) => None,
        _ if max == u64::MAX && !number.starts_with('-') && number != "0" => {
            Some(format!("{number} is out of range: {what} is at most {max}"))
        }
        _ => Some(format!("{number} is out of range: {what} is {}", range())),
    }
}

fn quantity_fault(text: &str, quantity: Quantity) -> Option<String> {
    match quantity {
        Quantity::Time => text.parse::<Duration>().err().map(|error| error.to_string()),
        Quantity::Size => text.parse::<ByteCount>().err().map(|error| error.to_string()),
        Quantity::Rate => text.parse::<BitRate>().err().map(|error| error.to_string()),
        Quantity::Probability => text.parse::<Probability>().err().map(|error| error.to_string()),
        Quantity::Packets => packets(text).err(),
        Quantity::Deviation => deviation(text).err(),
    }
}

/// Ends a hint as a sentence: `: did you mean "x"?` stays, nothing becomes a full stop.
fn sentence(hint: &str) -> &str {
    if hint.is_empty() { "." } else { hint }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// Words of other tools for keys of ours.
const FOREIGN_WORDS: &[(&str, &str)] = &[
    ("latency", "delay"),
    ("bandwidth", "rate"),
    ("datarate", "rate"),
    ("packet_loss", "loss"),
    ("ends", "between"),
    ("nodes", "between"),
    ("bytes", "size"),
    ("timeout", "at"),
    ("stop_time", "stop"),
    ("duration", "stop"),
    ("where", "match"),
    ("action", "do"),
    ("assert", "expect"),
    ("expectations", "expect"),
    ("applications", "apps"),
    ("steps", "run"),
    ("host", "on"),
    ("node", "on"),
    ("port", "listen"),
    ("profile", "stack"),
    ("ip", "address"),
    ("addresses", "address"),
    ("variants", "cases"),
];

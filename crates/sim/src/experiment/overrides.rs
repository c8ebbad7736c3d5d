//! Values given by dotted path: `--set`, a case's `set`, and what `without` leaves out.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::check::check;
use super::grammar::EXPERIMENT;
use super::json::{self, Member, Node, Value};
use super::problem::{Place, Problem, did_you_mean, nearest, quoted_list};
use super::read::Item;
use super::shape::{Found, Kind, Object, Verb};

/// A value to put somewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) enum New<'a> {
    /// From the command line: JSON if it is JSON of the right form, else text.
    Words(&'a str),
    /// From a case's `set`.
    Node(&'a Node),
}

/// Sets the value at `path` and tells what kind of value belongs there, if the grammar knows. Optional keys and objects
/// that are missing are made; names are not.
pub(crate) fn set(
    root: &mut Node,
    path: &str,
    new: New<'_>,
    place: &Place,
) -> Result<Option<&'static Kind>, Problem> {
    let setter = Setter { path, new, place };
    setter.object(root, &EXPERIMENT, path, "")
}

/// Splits `PATH=VALUE` of a `--set`.
pub(crate) fn split_assignment(assignment: &str) -> Result<(&str, &str, Place), Problem> {
    let place = Place::Argument(format!("--set {assignment}").into());
    match assignment.split_once('=') {
        Some((path, value)) if !path.is_empty() => Ok((path, value, place)),
        _ => Err(Problem::new(place, "", "write PATH=VALUE, like links.wire.delay=20ms")),
    }
}

/// Place of what stands behind `--without`.
pub(crate) fn without_place(name: &str) -> Place {
    Place::Argument(format!("--without {name}").into())
}

/// What a name of `without` is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// A fault; it stays in the tree, since expectations may name it.
    Fault(String),
    /// An app, an expectation or a path, and it is gone from the tree.
    Gone,
}

/// Leaves out the fault, app or expectation `name`, or what the dotted path leads to.
pub(crate) fn leave_out(root: &mut Node, name: &str, place: &Place) -> Result<Left, Problem> {
    let bare = |list: &str| name.strip_prefix(list).and_then(|rest| rest.strip_prefix('.'));
    let named = |root: &Node, list: &str, name: &str| {
        root.get(list).is_some_and(|list| {
            list.items().iter().any(|item| item.get("name").and_then(Node::text) == Some(name))
        })
    };
    let lists = ["faults", "apps", "expect"];
    let found: Vec<&str> = lists.into_iter().filter(|list| named(root, list, name)).collect();
    let (list, name) = match found[..] {
        [list] => (list, name),
        [] => match lists
            .into_iter()
            .find_map(|list| bare(list).filter(|rest| named(root, list, rest)).map(|rest| (list, rest)))
        {
            Some(found) => found,
            None => return leave_out_path(root, name, place).map(|()| Left::Gone),
        },
        [first, second, ..] => {
            let message = format!(
                "{name:?} is in {first:?} and in {second:?}: write {first}.{name} or {second}.{name}"
            );
            return Err(Problem::new(place.clone(), "", message));
        }
    };
    if list == "faults" {
        return Ok(Left::Fault(name.to_owned()));
    }
    remove_named(root, list, name);
    Ok(Left::Gone)
}

/// Takes the item `name` out of a list of the file.
pub(crate) fn remove_named(root: &mut Node, list: &str, name: &str) {
    if let Some(Node { value: Value::List(items), .. }) = root.get_mut(list) {
        items.retain(|item| item.get("name").and_then(Node::text) != Some(name));
    }
}

fn leave_out_path(root: &mut Node, path: &str, place: &Place) -> Result<(), Problem> {
    let unknown = |root: &Node| {
        let mut names = BTreeSet::new();
        for list in ["faults", "apps", "expect"] {
            let items = root.get(list).map_or(&[][..], Node::items);
            names.extend(items.iter().filter_map(|item| item.get("name").and_then(Node::text)));
        }
        let hint = did_you_mean(path, names.iter().copied());
        let hint = if hint.is_empty() { format!(": known are {}", quoted_list(names)) } else { hint };
        Problem::new(place.clone(), "", format!("there is no fault, app or expectation {path:?}{hint}"))
    };
    let mut node = &*root;
    let mut trail = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let labels: Vec<String> = match &node.value {
            Value::Object(members) => members.iter().map(|member| member.key.clone()).collect(),
            Value::List(items) => items.iter().enumerate().map(|(index, item)| item.label(index)).collect(),
            _ => Vec::new(),
        };
        let Some((index, after)) = longest_label(rest, labels.iter().map(String::as_str)) else {
            return Err(unknown(root));
        };
        node = match &node.value {
            Value::Object(members) => &members[index].node,
            Value::List(items) => &items[index],
            _ => return Err(unknown(root)),
        };
        trail.push(index);
        rest = after;
    }
    let Some((&last, parents)) = trail.split_last() else { return Err(unknown(root)) };
    let mut node = root;
    for &index in parents {
        node = match &mut node.value {
            Value::Object(members) => &mut members[index].node,
            Value::List(items) => &mut items[index],
            _ => unreachable!("the trail was walked just now"),
        };
    }
    match &mut node.value {
        Value::Object(members) => drop(members.remove(last)),
        Value::List(items) => drop(items.remove(last)),
        _ => unreachable!("the trail was walked just now"),
    }
    Ok(())
}

/// The label with which `rest` begins, the longest if several do (names may contain dots), and what follows its dot.
fn longest_label<'r, 'l>(rest: &'r str, labels: impl Iterator<Item = &'l str>) -> Option<(usize, &'r str)> {
    labels
        .enumerate()
        .filter_map(|(index, label)| {
            let after = rest.strip_prefix(label)?;
            let after = if after.is_empty() {
                after
            } else {
                after.strip_prefix('.').filter(|after| !after.is_empty())?
            };
            Some((label.len(), index, after))
        })
        .max_by_key(|&(length, ..)| length)
        .map(|(_, index, after)| (index, after))
}

struct Setter<'a> {
    path: &'a str,
    new: New<'a>,
    place: &'a Place,
}

impl Setter<'_> {
    fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::new(self.place.clone(), self.path, message)
    }

    fn value(
        &self,
        node: &mut Node,
        kind: &'static Kind,
        rest: &str,
        walked: &str,
    ) -> Result<Option<&'static Kind>, Problem> {
        if rest.is_empty() {
            *node = self.fitting(kind, walked);
            return Ok(Some(kind));
        }
        match kind {
            Kind::Object(object) => self.object(node, object, rest, walked),
            Kind::Map { item, what, .. } => self.map(node, item, what, rest, walked),
            Kind::List { item, .. } => self.list(node, item, rest, walked),
            Kind::KernelWords { .. } => self.open(node, rest, walked),
            Kind::Settings | Kind::Ranges => self.open(node, rest, walked),
            Kind::Bounds(kind) => self.bounds(node, kind, rest, walked),
            Kind::OneOf(kinds) => {
                let inner = kinds.iter().find(|kind| has_parts(kind, &node.value));
                match inner {
                    Some(kind) => self.value(node, kind, rest, walked),
                    None => Err(self.no_parts(node, walked)),
                }
            }
            _ => Err(self.no_parts(node, walked)),
        }
    }

    fn no_parts(&self, node: &Node, walked: &str) -> Problem {
        self.problem(format!("{walked} is {}, which has no parts: set it as a whole", node.found()))
    }

    fn object(
        &self,
        node: &mut Node,
        object: &'static Object,
        rest: &str,
        walked: &str,
    ) -> Result<Option<&'static Kind>, Problem> {
        let Value::Object(members) = &mut node.value else { return Err(self.no_parts(node, walked)) };
        let keys: Vec<&'static str> = object.keys().collect();
        let Some((index, after)) = longest_label(rest, keys.iter().copied()) else {
            let written = rest.split('.').next().unwrap_or(rest);
            return Err(self.unknown(written, walked, &keys));
        };
        let key = keys[index];
        let verb = match object.verb(members.iter().map(|member| member.key.as_str())) {
            Found::Verb(verb) => Some(verb),
            Found::None | Found::Two(..) => None,
        };
        let kind = match object.kind_of(key, verb) {
            Some(kind) => kind,
            None => self.change_verb(members, object, verb, key)?,
        };
        let member = member_of(members, key, kind, after, self.place);
        self.value(&mut member.node, kind, after, &joined(walked, key))
    }

    /// Puts another verb in the place of the one there is, without the keys that went with it alone.
    fn change_verb(
        &self,
        members: &mut Vec<Member>,
        object: &'static Object,
        old: Option<&'static Verb>,
        key: &str,
    ) -> Result<&'static Kind, Problem> {
        let Some(new) = object.verbs.iter().find(|verb| verb.name == key) else {
            let old = old.map_or("this", |verb| verb.name);
            return Err(self.problem(format!("{key:?} does not go with {old:?}")));
        };
        let stays = |key: &str| new.with.iter().chain(object.fields).any(|field| field.name == key);
        members.retain(|member| stays(&member.key));
        Ok(&new.kind)
    }

    fn map(
        &self,
        node: &mut Node,
        item: &'static Object,
        what: &str,
        rest: &str,
        walked: &str,
    ) -> Result<Option<&'static Kind>, Problem> {
        let Value::Object(members) = &mut node.value else { return Err(self.no_parts(node, walked)) };
        let labels: Vec<String> = members.iter().map(|member| member.key.clone()).collect();
        let Some((index, after)) = longest_label(rest, labels.iter().map(String::as_str)) else {
            let written = rest.split('.').next().unwrap_or(rest);
            let known: Vec<&str> = labels.iter().map(String::as_str).collect();
            return Err(self.unknown(written, walked, &known));
        };
        let node = &mut members[index].node;
        if after.is_empty() {
            return Err(self.problem(format!("set the {what} one by one: {}.KEY", self.path)));
        }
        self.object(node, item, after, &joined(walked, &labels[index]))
    }

    fn list(
        &self,
        node: &mut Node,
        item: &'static Kind,
        rest: &str,
        walked: &str,
    ) -> Result<Option<&'static Kind>, Problem> {
        let Value::List(items) = &mut node.value else { return Err(self.no_parts(node, walked)) };
        let labels: Vec<String> = items.iter().enumerate().map(|(index, item)| item.label(index)).collect();
        let Some((index, after)) = longest_label(rest, labels.iter().map(String::as_str)) else {
            let written = rest.split('.').next().unwrap_or(rest);
            let known: Vec<&str> = labels.iter().map(String::as_str).collect();
            return Err(self.unknown(written, walked, &known));
        };
        self.value(&mut items[index], item, after, &joined(walked, &labels[index]))
    }

    /// Objects whose keys are words of the kernel or paths: all that is left is one key.
    fn open(&self, node: &mut Node, rest: &str, walked: &str) -> Result<Option<&'static Kind>, Problem> {
        let value = self.free();
        let Value::Object(members) = &mut node.value else { return Err(self.no_parts(node, walked)) };
        match members.iter_mut().find(|member| member.key == rest) {
            Some(member) => member.node = value,
            None => members.push(Member { key: rest.to_owned(), key_place: self.place.clone(), node: value }),
        }
        Ok(None)
    }

    fn bounds(
        &self,
        node: &mut Node,
        kind: &'static Kind,
        rest: &str,
        walked: &str,
    ) -> Result<Option<&'static Kind>, Problem> {
        let Value::Object(members) = &mut node.value else { return Err(self.no_parts(node, walked)) };
        if !matches!(rest, "min" | "max") {
            return Err(self.unknown(rest, walked, &["min", "max"]));
        }
        let member = member_of(members, rest, kind, "", self.place);
        self.value(&mut member.node, kind, "", &joined(walked, rest))
    }

    fn unknown(&self, written: &str, walked: &str, known: &[&str]) -> Problem {
        let whose = if walked.is_empty() { "the experiment" } else { walked };
        let hint = match nearest(written, known.iter().copied()) {
            Some(word) => format!(": did you mean {:?}?", joined(walked, word)),
            None => format!(": it has {}", quoted_list(known.iter().copied())),
        };
        self.problem(format!("{whose} has no {written:?}{hint}"))
    }

    /// The new value in the form that suits `kind`.
    fn fitting(&self, kind: &'static Kind, walked: &str) -> Node {
        match self.new {
            New::Node(node) => node.clone(),
            New::Words(words) => match self.as_json(words) {
                Some(node) if check(&node, kind, walked).is_ok() => node,
                Some(node) if matches!(node.value, Value::List(_) | Value::Object(_)) => node,
                _ => self.as_text(words),
            },
        }
    }

    /// The new value where any JSON may stand.
    fn free(&self) -> Node {
        match self.new {
            New::Node(node) => node.clone(),
            New::Words(words) => self.as_json(words).unwrap_or_else(|| self.as_text(words)),
        }
    }

    fn as_text(&self, words: &str) -> Node {
        Node { place: self.place.clone(), value: Value::Text(words.to_owned()) }
    }

    fn as_json(&self, words: &str) -> Option<Node> {
        let mut node = json::parse(words.as_bytes()).ok()?;
        move_to(&mut node, self.place);
        Some(node)
    }
}

/// The member `key`, made if it is missing: an empty object if the path goes on.
fn member_of<'m>(
    members: &'m mut Vec<Member>,
    key: &str,
    kind: &'static Kind,
    after: &str,
    place: &Place,
) -> &'m mut Member {
    let index = members.iter().position(|member| member.key == key).unwrap_or_else(|| {
        let object = !after.is_empty() && has_parts(kind, &Value::Object(Vec::new()));
        let value = if object { Value::Object(Vec::new()) } else { Value::Null };
        let node = Node { place: place.clone(), value };
        members.push(Member { key: key.to_owned(), key_place: place.clone(), node });
        members.len() - 1
    });
    &mut members[index]
}

/// Whether a value of this kind and JSON type is made of parts that a path can lead to.
fn has_parts(kind: &Kind, value: &Value) -> bool {
    match (kind, value) {
        (Kind::OneOf(kinds), _) => kinds.iter().any(|kind| has_parts(kind, value)),
        (Kind::List { .. }, Value::List(_)) => true,
        (
            Kind::Object(_)
            | Kind::Map { .. }
            | Kind::KernelWords { .. }
            | Kind::Settings
            | Kind::Ranges
            | Kind::Bounds(_),
            Value::Object(_),
        ) => true,
        _ => false,
    }
}

/// Says of a whole tree that it was written at `place`.
fn move_to(node: &mut Node, place: &Place) {
    node.place = place.clone();
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| move_to(item, place)),
        Value::Object(members) => {
            for member in members {
                member.key_place = place.clone();
                move_to(&mut member.node, place);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {}
    }
}

fn joined(walked: &str, key: &str) -> String {
    if walked.is_empty() { key.to_owned() } else { format!("{walked}.{key}") }
}

/// Makes every case leave `fault` out, as if each had written it; a file without cases gets one of its own name.
pub(crate) fn leave_fault_out_of_all_cases(root: &mut Node, fault: &str, place: &Place) {
    let node = |value: Value| Node { place: place.clone(), value };
    let member = |key: &str, node: Node| Member { key: key.to_owned(), key_place: place.clone(), node };
    if root.get("cases").is_none_or(|cases| cases.items().is_empty()) {
        let name = root.get("name").cloned().unwrap_or_else(|| node(Value::Text(String::new())));
        let case = node(Value::Object(vec![member("name", name)]));
        root.remove("cases");
        if let Value::Object(members) = &mut root.value {
            members.push(member("cases", node(Value::List(vec![case]))));
        }
    }
    let Some(Node { value: Value::List(cases), .. }) = root.get_mut("cases") else { return };
    for case in cases {
        if case.get("without").is_none()
            && let Value::Object(members) = &mut case.value
        {
            members.push(member("without", node(Value::List(Vec::new()))));
        }
        if let Some(Node { value: Value::List(names), .. }) = case.get_mut("without")
            && !names.iter().any(|name| name.text() == Some(fault))
        {
            names.push(node(Value::Text(fault.to_owned())));
        }
    }
}

/// Takes an expectation out of every case, also out of its `must_fail`.
pub(crate) fn leave_expectation_out_of_cases(root: &mut Node, name: &str) -> bool {
    let Some(Node { value: Value::List(cases), .. }) = root.get_mut("cases") else { return false };
    let mut found = false;
    for case in cases {
        let before = case.get("expect").map_or(0, |list| list.items().len());
        remove_named(case, "expect", name);
        found |= case.get("expect").map_or(0, |list| list.items().len()) < before;
        if let Some(Node { value: Value::List(names), .. }) = case.get_mut("must_fail") {
            names.retain(|item| item.text() != Some(name));
        }
    }
    found
}

/// Text of an `Arc` for places.
pub(crate) fn seed_place(seed: u64) -> Place {
    Place::Argument(Arc::from(format!("--seed {seed}")))
}

/// Adds a case's own expectations to the file's.
pub(crate) fn add_expectations(tree: &mut Node, case: &Item<'_>) -> Result<(), Problem> {
    let own = case.list("expect");
    if own.is_empty() {
        return Ok(());
    }
    let Value::Object(members) = &mut tree.value else { return Ok(()) };
    if !members.iter().any(|member| member.key == "expect") {
        let place = own[0].node().place.clone();
        let node = Node { place: place.clone(), value: Value::List(Vec::new()) };
        members.push(Member { key: "expect".to_owned(), key_place: place, node });
    }
    let Some(Node { value: Value::List(items), .. }) = tree.get_mut("expect") else { return Ok(()) };
    for item in own {
        let name = item.require("name")?;
        if items.iter().any(|other| other.get("name").and_then(Node::text) == name.node().text()) {
            return Err(name.problem("this name is taken by an expectation of the whole file"));
        }
        items.push(item.node().clone());
    }
    Ok(())
}

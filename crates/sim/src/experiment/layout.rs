//! An experiment as text for people: keys in the order of the grammar, short things on one line.

use super::grammar::EXPERIMENT;
use super::json::{Member, Node, Value};
use super::shape::{Kind, Object};

/// Columns after which an object or list is broken into lines.
const WIDTH: usize = 120;

/// The experiment with its keys in the order of the grammar; lines after the first begin with `indent`.
pub(crate) fn experiment(root: &Node, indent: &str) -> String {
    let mut ordered = root.clone();
    order(&mut ordered, &Kind::Object(&EXPERIMENT));
    let mut out = String::new();
    write(&ordered, indent, 0, &mut out);
    out
}

/// A text in quotes.
pub(crate) fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Puts the keys of every object into the order of its grammar.
fn order(node: &mut Node, kind: &Kind) {
    match (kind, &mut node.value) {
        (Kind::Object(object), Value::Object(members)) => order_members(members, object),
        (Kind::Map { item, .. }, Value::Object(members)) => {
            members.iter_mut().for_each(|member| order(&mut member.node, &Kind::Object(item)));
        }
        (Kind::List { item, .. }, Value::List(items)) => items.iter_mut().for_each(|one| order(one, item)),
        (Kind::Bounds(_), Value::Object(members)) => {
            members.sort_by_key(|member| member.key != "min");
        }
        (Kind::OneOf(kinds), Value::Object(_)) => {
            let object = |kind: &&Kind| matches!(kind, Kind::Object(_) | Kind::Bounds(_));
            if let Some(kind) = kinds.iter().find(object) {
                order(node, kind);
            }
        }
        (Kind::OneOf(kinds), Value::List(_)) => {
            if let Some(kind) = kinds.iter().find(|kind| matches!(kind, Kind::List { .. })) {
                order(node, kind);
            }
        }
        _ => {}
    }
}

/// Fields first, then the verb, then what goes with it.
fn order_members(members: &mut [Member], object: &Object) {
    let with = || object.verbs.iter().flat_map(|verb| verb.with);
    let place = |key: &str| {
        let fields = object.fields.iter().map(|field| field.name);
        let verbs = object.verbs.iter().map(|verb| verb.name);
        fields.chain(verbs).chain(with().map(|field| field.name)).position(|name| name == key)
    };
    members.sort_by_key(|member| place(&member.key));
    for member in members {
        let fields = object.fields.iter().chain(with()).find(|field| field.name == member.key);
        let verb = object.verbs.iter().find(|verb| verb.name == member.key).map(|verb| &verb.kind);
        if let Some(kind) = fields.map(|field| &field.kind).or(verb) {
            order(&mut member.node, kind);
        }
    }
}

/// Writes a value that begins `column` columns after `indent`.
fn write(node: &Node, indent: &str, column: usize, out: &mut String) {
    let mut line = String::new();
    write_line(node, &mut line);
    if indent.len() + column + line.chars().count() <= WIDTH {
        out.push_str(&line);
        return;
    }
    let inner = format!("{indent}  ");
    let close = match &node.value {
        Value::List(items) => {
            let count = items.len();
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(&format!("\n{inner}"));
                write(item, &inner, 1, out);
                out.push_str(if index + 1 < count { "," } else { "" });
            }
            ']'
        }
        Value::Object(members) => {
            let count = members.len();
            out.push('{');
            for (index, member) in members.iter().enumerate() {
                let key = text(&member.key);
                out.push_str(&format!("\n{inner}{key}: "));
                write(&member.node, &inner, key.chars().count() + 3, out);
                out.push_str(if index + 1 < count { "," } else { "" });
            }
            '}'
        }
        _ => return out.push_str(&line),
    };
    out.push_str(&format!("\n{indent}{close}"));
}

fn write_line(node: &Node, out: &mut String) {
    let (items, open, close): (Vec<(Option<&str>, &Node)>, _, _) = match &node.value {
        Value::List(items) => (items.iter().map(|item| (None, item)).collect(), "[", "]"),
        Value::Object(members) => {
            (members.iter().map(|member| (Some(member.key.as_str()), &member.node)).collect(), "{ ", " }")
        }
        _ => return out.push_str(&super::effective::text_of(node)),
    };
    if items.is_empty() {
        out.push_str(open.trim());
        out.push_str(close.trim());
        return;
    }
    out.push_str(open);
    for (index, (key, item)) in items.into_iter().enumerate() {
        out.push_str(if index == 0 { "" } else { ", " });
        if let Some(key) = key {
            out.push_str(&format!("{}: ", text(key)));
        }
        write_line(item, out);
    }
    out.push_str(close);
}

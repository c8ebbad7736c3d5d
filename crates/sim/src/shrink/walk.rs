//! All values of an experiment with their place in the grammar: what may be left out, and what kind of value it is.

use super::edit::Trail;
use crate::experiment::{Field, Kind, Node, Object, Value, Verb, fits, grammar_of_experiments};

/// A value.
#[derive(Clone, Debug)]
pub(crate) struct Spot<'t> {
    pub(crate) trail: Trail,
    /// Keys and list labels from the root; an element of a list is `"[]"`, a name of a map `"*"`.
    pub(crate) path: Vec<&'t str>,
    pub(crate) node: &'t Node,
    /// What the grammar says of it; `None` for values of open words like sysctls.
    pub(crate) kind: Option<&'static Kind>,
    /// Whether the file has the right form without it.
    pub(crate) optional: bool,
}

/// Every value in the tree below the root, parents before children.
pub(crate) fn spots(root: &Node) -> Vec<Spot<'_>> {
    let mut walk = Walk { spots: Vec::new(), trail: Vec::new(), path: Vec::new() };
    walk.object(root, grammar_of_experiments());
    walk.spots
}

struct Walk<'t> {
    spots: Vec<Spot<'t>>,
    trail: Trail,
    path: Vec<&'t str>,
}

impl<'t> Walk<'t> {
    fn spot(
        &mut self,
        (index, label): (usize, &'t str),
        node: &'t Node,
        kind: Option<&'static Kind>,
        optional: bool,
    ) {
        self.trail.push(index);
        self.path.push(label);
        let (trail, path) = (self.trail.clone(), self.path.clone());
        self.spots.push(Spot { trail, path, node, kind, optional });
        if let Some(kind) = kind {
            self.value(node, kind);
        }
        self.path.pop();
        self.trail.pop();
    }

    fn value(&mut self, node: &'t Node, kind: &'static Kind) {
        match (kind, &node.value) {
            (Kind::List { item, min, .. }, Value::List(items)) => {
                let optional = items.len() > *min;
                for (index, element) in items.iter().enumerate() {
                    self.spot((index, "[]"), element, Some(item), optional);
                }
            }
            (Kind::Object(object), Value::Object(_)) => self.object(node, object),
            (Kind::Map { item, .. }, Value::Object(members)) => {
                for (index, member) in members.iter().enumerate() {
                    self.trail.push(index);
                    self.path.push("*");
                    let (trail, path) = (self.trail.clone(), self.path.clone());
                    let node = &member.node;
                    self.spots.push(Spot { trail, path, node, kind: None, optional: true });
                    self.object(node, item);
                    self.path.pop();
                    self.trail.pop();
                }
            }
            (Kind::KernelWords { .. } | Kind::Settings, Value::Object(members)) => {
                for (index, member) in members.iter().enumerate() {
                    self.spot((index, &member.key), &member.node, None, true);
                }
            }
            (Kind::Bounds(kind), Value::Object(members)) => {
                for (index, member) in members.iter().enumerate() {
                    self.spot((index, &member.key), &member.node, Some(kind), false);
                }
            }
            (Kind::Bounds(kind), _) => self.value(node, kind),
            (Kind::OneOf(kinds), _) => {
                if let Some(kind) = kinds.iter().find(|kind| fits(node, kind)) {
                    self.value(node, kind);
                }
            }
            _ => {}
        }
    }

    fn object(&mut self, node: &'t Node, object: &'static Object) {
        let members = node.members();
        let verb = object.verb_of(members.iter().map(|member| member.key.as_str()));
        for (index, member) in members.iter().enumerate() {
            let key = member.key.as_str();
            let optional = field(object, verb, key).is_some_and(|field| !field.required);
            self.spot((index, key), &member.node, object.kind_of(key, verb), optional);
        }
    }
}

fn field(object: &'static Object, verb: Option<&'static Verb>, key: &str) -> Option<&'static Field> {
    let with = verb.map_or(&[][..], |verb| verb.with);
    object.fields.iter().chain(with).find(|field| field.name == key)
}

/// The kind that a value has among several that it might have.
pub(crate) fn settled(node: &Node, kind: &'static Kind) -> &'static Kind {
    match kind {
        Kind::OneOf(kinds) => {
            kinds.iter().find(|kind| fits(node, kind)).map_or(kind, |kind| settled(node, kind))
        }
        Kind::Bounds(inner) if !matches!(node.value, Value::Object(_)) => settled(node, inner),
        _ => kind,
    }
}

//! A change to an experiment's tree: values replaced, then things left out.

use std::collections::BTreeSet;

use crate::experiment::{Member, Node, Value};

/// Where a value stands in a tree: indices of members and elements from the root.
pub(crate) type Trail = Vec<usize>;

/// A change. Whether the result is an experiment at all is for the reader to say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Edit {
    pub(crate) replaced: Vec<(Trail, Value)>,
    pub(crate) removed: BTreeSet<Trail>,
}

impl Edit {
    /// Leaves these out.
    pub(crate) fn without(trails: impl IntoIterator<Item = Trail>) -> Self {
        Self { removed: trails.into_iter().collect(), replaced: Vec::new() }
    }

    /// Gives all these places the value.
    pub(crate) fn with(trails: impl IntoIterator<Item = Trail>, value: &Value) -> Self {
        let replaced = trails.into_iter().map(|trail| (trail, value.clone())).collect();
        Self { replaced, removed: BTreeSet::new() }
    }

    /// The tree after the change.
    pub(crate) fn apply(&self, root: &Node) -> Node {
        let mut tree = root.clone();
        for (trail, value) in &self.replaced {
            if let Some(node) = at_mut(&mut tree, trail) {
                node.value = value.clone();
            }
        }
        // From the last to the first, so that no index moves before it is used.
        for trail in self.removed.iter().rev() {
            let Some((&last, parents)) = trail.split_last() else { continue };
            match at_mut(&mut tree, parents).map(|parent| &mut parent.value) {
                Some(Value::Object(members)) if last < members.len() => drop(members.remove(last)),
                Some(Value::List(items)) if last < items.len() => drop(items.remove(last)),
                _ => {}
            }
        }
        tree
    }
}

/// The value at a trail.
pub(crate) fn at<'t>(root: &'t Node, trail: &[usize]) -> Option<&'t Node> {
    trail.iter().try_fold(root, |node, &index| match &node.value {
        Value::Object(members) => members.get(index).map(|member| &member.node),
        Value::List(items) => items.get(index),
        _ => None,
    })
}

fn at_mut<'t>(root: &'t mut Node, trail: &[usize]) -> Option<&'t mut Node> {
    trail.iter().try_fold(root, |node, &index| match &mut node.value {
        Value::Object(members) => members.get_mut(index).map(|member| &mut member.node),
        Value::List(items) => items.get_mut(index),
        _ => None,
    })
}

/// The trail of the member `key` of the object at `trail`.
pub(crate) fn member(root: &Node, trail: &[usize], key: &str) -> Option<Trail> {
    let members = at(root, trail)?.members();
    let index = members.iter().position(|member| member.key == key)?;
    Some([trail, &[index]].concat())
}

/// Gives the root's key a value, whether it is there already or not.
pub(crate) fn set_member(root: &mut Node, key: &str, value: Value) {
    if let Some(node) = root.get_mut(key) {
        node.value = value;
    } else if let Value::Object(members) = &mut root.value {
        let node = Node::made(value);
        members.push(Member { key: key.to_owned(), key_place: node.place.clone(), node });
    }
}

/// How many values a tree has: what leaving it out is worth.
pub(crate) fn size(node: &Node) -> usize {
    let inside = match &node.value {
        Value::Object(members) => members.iter().map(|member| size(&member.node)).sum(),
        Value::List(items) => items.iter().map(size).sum(),
        _ => 0,
    };
    inside + 1
}

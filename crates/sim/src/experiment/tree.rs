//! An experiment as a tree that can be changed and read again: the face for shrinking.

use super::json::{Node, Value};
use super::overrides::{self, Left, New};
use super::problem::Problem;
use super::read::Item;
use super::shape::{Kind, Object};
use super::{Overrides, check, effective, grammar, json, keep_case};
use crate::plan::Experiment;

/// The tree of an experiment's text, with only this case of it and this seed.
pub(crate) fn parse_tree(text: &str, case: &str, seed: u64) -> Result<Node, Problem> {
    let mut root = json::parse(text.as_bytes())?;
    if root.get("cases").is_some_and(|cases| !cases.items().is_empty()) {
        keep_case(&mut root, case)?;
    }
    overrides::set(&mut root, "seed", New::Words(&seed.to_string()), &overrides::seed_place(seed))?;
    Ok(root)
}

/// Checks a tree and makes plans of it, as if its text had been read.
pub(crate) fn plan_tree(root: &Node) -> Result<Experiment, Problem> {
    super::read_experiment(root.clone(), &Overrides::default())
}

/// The canonical text of a tree.
pub(crate) fn text_of(root: &Node) -> String {
    effective::of(root).0
}

/// Whether a value has the form of this kind.
pub(crate) fn fits(node: &Node, kind: &'static Kind) -> bool {
    check::check(node, kind, "").is_ok()
}

/// The grammar of the whole file.
pub(crate) fn grammar_of_experiments() -> &'static Object {
    &grammar::EXPERIMENT
}

/// The file with its only case worked in, so that nothing but the name of the case and what must fail in it is left of
/// it; without those two there is no case any more. `None` if the file has no case, or several.
pub(crate) fn fold_case(root: &Node) -> Option<Node> {
    let cases = root.get("cases")?;
    let [case] = cases.items() else { return None };
    let mut tree = root.clone();
    tree.remove("cases");
    let item = Item::root(case);
    for left_out in item.list("without") {
        let word = left_out.text().ok()?;
        match overrides::leave_out(&mut tree, word, &left_out.node().place).ok()? {
            Left::Fault(fault) => overrides::remove_named(&mut tree, "faults", &fault),
            Left::Gone => {}
        }
    }
    for (path, value) in item.map("set") {
        overrides::set(&mut tree, path, New::Node(value.node()), &value.node().place).ok()?;
    }
    overrides::add_expectations(&mut tree, &item).ok()?;
    if case.get("must_fail").is_some_and(|names| !names.items().is_empty()) {
        let mut left = case.clone();
        for key in ["description", "set", "without", "expect"] {
            left.remove(key);
        }
        let mut cases = cases.clone();
        cases.value = Value::List(vec![left]);
        let member = root.members().iter().find(|member| member.key == "cases")?.clone();
        if let Value::Object(members) = &mut tree.value {
            members.push(json::Member { node: cases, ..member });
        }
    }
    Some(tree)
}

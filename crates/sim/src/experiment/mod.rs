//! From an experiment file to checked plans: text, tree with places, grammar, overrides, cases, names resolved.
//!
//! Start with [`load`] or [`parse`]. What was written is a tree that knows its places (`json`); one table (`grammar`)
//! says what may be written, checks it (`check`) and prints the JSON Schema ([`schema`]); `--set`, `--without` and the
//! cases change the tree (`overrides`); `resolve` turns it into a [`Plan`](crate::plan), after which nothing needs
//! checking again.

pub(crate) mod check;
mod effective;
pub(crate) mod grammar;
pub(crate) mod json;
pub(crate) mod layout;
mod notes;
mod overrides;
pub(crate) mod problem;
pub(crate) mod read;
mod resolve;
mod schema;
pub(crate) mod shape;
mod swarm;
mod tree;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

pub use notes::notes;
pub use problem::{ExperimentError, Place};
pub(crate) use problem::{did_you_mean, quoted_list};
pub use schema::schema;
pub(crate) use schema::schema_of;

pub(crate) use json::{Member, Node, Value};
pub(crate) use shape::{Field, Kind, Object, Quantity, Verb};
pub(crate) use tree::{fits, fold_case, grammar_of_experiments, parse_tree, plan_tree, text_of};

use crate::oracle::OracleName;
use crate::plan::{Case, Experiment, Plan};
use crate::replay;
use overrides::{Left, New};
use problem::Problem;
use read::Item;

/// What the command line changes about a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--set PATH=VALUE`, in order.
    pub set: Vec<String>,
    /// `--without NAME`.
    pub without: Vec<String>,
    /// `--case NAME`: only this case.
    pub case: Option<String>,
    /// `--seed N`.
    pub seed: Option<u64>,
}

/// Reads and checks an experiment file, or a [replay file](crate::replay).
///
/// # Errors
/// [`ExperimentError`] with the place and the remedy, for the first thing that is wrong.
pub fn load(path: &Path, overrides: &Overrides) -> Result<Experiment, ExperimentError> {
    let name = path.display().to_string();
    let unreadable =
        |error: std::io::Error| ExperimentError::unreadable(&name, format!("can't be read: {error}"));
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err(ExperimentError::unreadable(&name, "is a directory: name an experiment file".to_owned()));
    }
    let mut bytes = Vec::new();
    (&file).take(json::SIZE_MAX as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    let rest = json::size_max(&bytes).saturating_sub(json::SIZE_MAX);
    (&file).take(rest as u64).read_to_end(&mut bytes).map_err(unreadable)?;
    parse(&bytes, &name, overrides)
}

/// Checks the text of an experiment or replay file; `file_name` is for messages only.
///
/// # Errors
/// [`ExperimentError`] with the place and the remedy, for the first thing that is wrong.
pub fn parse(
    text: impl AsRef<[u8]>,
    file_name: &str,
    overrides: &Overrides,
) -> Result<Experiment, ExperimentError> {
    read(text.as_ref(), overrides).map_err(|problem| problem.in_file(file_name))
}

fn read(text: &[u8], overrides: &Overrides) -> Result<Experiment, Problem> {
    let root = json::parse(text)?;
    if replay::is_replay(&root) { read_replay(root, overrides) } else { read_experiment(root, overrides) }
}

/// The experiment of a replay file, with what was recorded in the place of chance.
fn read_replay(root: Node, overrides: &Overrides) -> Result<Experiment, Problem> {
    let mut parts = replay::read_parts(root)?;
    let mut experiment = read_experiment(parts.experiment.clone(), overrides)
        .map_err(|problem| problem.inside("experiment"))?;
    let mut whole = parts.experiment.clone();
    change(&mut whole, &Overrides { case: None, ..overrides.clone() })?;
    let seed = Item::root(&whole).integer_or("seed", 1)?;
    parts.replay.changed = replay::is_changed(&parts, &effective::of(&whole).1, seed);
    parts.replay.undrawn = undrawn(&parts.experiment, &overrides.set);
    for case in &mut experiment.cases {
        let Some(run) = parts.replay.run_of(&case.name) else {
            let message = format!(
                "case {:?} has no run in \"runs\": record the experiment again, or leave the case out",
                case.name
            );
            let root = Item::root(&parts.experiment);
            let mut names = root.list("cases").into_iter().filter_map(|item| item.get("name"));
            let place = names.find(|name| name.node().text() == Some(&case.name));
            return Err(match place {
                Some(name) => name.problem(message).inside("experiment"),
                None => Problem::new(Place::START, "runs", message),
            });
        };
        Arc::make_mut(&mut case.plan).recording = Some(Arc::clone(&run.recording));
    }
    experiment.replay = Some(parts.replay);
    Ok(experiment)
}

/// The paths of those settings that change what chance would draw.
fn undrawn(root: &Node, set: &[String]) -> Vec<String> {
    if set.is_empty() {
        return Vec::new();
    }
    // What one setting does is seen beside the experiment with those before it.
    let with = |count: usize| {
        let overrides = Overrides { set: set[..count].to_vec(), ..Overrides::default() };
        read_experiment(root.clone(), &overrides).ok()
    };
    let steps: Vec<Option<Experiment>> = (0..=set.len()).map(with).collect();
    let pairs = set.iter().zip(steps.windows(2));
    pairs
        .filter(
            |(_, pair)| matches!(pair, [Some(before), Some(after)] if replay::draws_otherwise(before, after)),
        )
        .filter_map(|(set, _)| Some(set.split_once('=')?.0.trim().to_owned()))
        .collect()
}

/// An effective experiment as it stands in a replay file.
pub(crate) struct Embedded {
    pub(crate) digest: String,
    pub(crate) layout: String,
}

/// The effective experiment with these of its cases, and with its seed said aloud.
pub(crate) fn embedded(effective: &str, cases: &[&str], seed: u64) -> Embedded {
    let mut root = json::parse(effective.as_bytes()).expect("an effective experiment is JSON");
    if let Some(Node { value: Value::List(list), .. }) = root.get_mut("cases") {
        list.retain(|case| case.get("name").and_then(Node::text).is_some_and(|name| cases.contains(&name)));
    }
    root.remove("seed");
    if let Value::Object(members) = &mut root.value {
        let node = Node { place: Place::START, value: Value::Number(seed.to_string()) };
        members.push(Member { key: "seed".to_owned(), key_place: Place::START, node });
    }
    Embedded { digest: effective::of(&root).1, layout: layout::experiment(&root, "  ") }
}

fn read_experiment(mut root: Node, overrides: &Overrides) -> Result<Experiment, Problem> {
    check::check_object(&root, &grammar::EXPERIMENT, "")?;
    let swarm = swarm::read(&root, overrides)?;
    change(&mut root, overrides)?;
    let item = Item::root(&root);
    let name = item.require("name")?.text()?.to_owned();
    let description = item.get("description").map_or(Ok(""), |text| text.text())?.to_owned();
    let cases = item.list("cases");
    let mut base = root.clone();
    base.remove("cases");
    let cases = if cases.is_empty() {
        let plan = resolve::resolve(&Item::root(&base), &BTreeSet::new())?;
        vec![Case { name: name.clone(), must_fail: Vec::new(), plan: Arc::new(plan) }]
    } else {
        cases.iter().map(|case| read_case(&base, case)).collect::<Result<_, _>>()?
    };
    let (effective, digest) = effective::of(&root);
    Ok(Experiment { name, description, digest, effective, cases, swarm, replay: None })
}

/// Applies the command line to the file.
fn change(root: &mut Node, overrides: &Overrides) -> Result<(), Problem> {
    for assignment in &overrides.set {
        let (path, value, place) = overrides::split_assignment(assignment)?;
        overrides::set(root, path, New::Words(value), &place)?;
    }
    if !overrides.set.is_empty() {
        check::check_object(root, &grammar::EXPERIMENT, "")?;
    }
    for name in &overrides.without {
        let place = overrides::without_place(name);
        let in_cases = overrides::leave_expectation_out_of_cases(root, name);
        match overrides::leave_out(root, name, &place) {
            Ok(Left::Fault(fault)) => overrides::leave_fault_out_of_all_cases(root, &fault, &place),
            Ok(Left::Gone) => {}
            Err(_) if in_cases => {}
            Err(problem) => return Err(problem),
        }
    }
    if !overrides.without.is_empty() {
        check::check_object(root, &grammar::EXPERIMENT, "")?;
    }
    if let Some(seed) = overrides.seed {
        let place = overrides::seed_place(seed);
        overrides::set(root, "seed", New::Words(&seed.to_string()), &place)?;
    }
    overrides.case.as_ref().map_or(Ok(()), |case| keep_case(root, case))
}

/// Leaves only the case `name`. A file without cases is one case with the experiment's name.
fn keep_case(root: &mut Node, name: &str) -> Result<(), Problem> {
    let whole = root.get("name").and_then(Node::text).unwrap_or_default().to_owned();
    let place = Place::Argument(format!("--case {name}").into());
    let Some(Node { value: Value::List(cases), .. }) =
        root.get_mut("cases").filter(|cases| !cases.items().is_empty())
    else {
        if name == whole {
            return Ok(());
        }
        return Err(Problem::new(place, "", format!("the file has no cases, only {whole:?} as a whole")));
    };
    let is_it = |case: &Node| case.get("name").and_then(Node::text) == Some(name);
    if !cases.iter().any(is_it) {
        let known: Vec<&str> =
            cases.iter().filter_map(|case| case.get("name").and_then(Node::text)).collect();
        let hint = did_you_mean(name, known.iter().copied());
        let hint = if hint.is_empty() { format!(": there is {}", quoted_list(known)) } else { hint };
        return Err(Problem::new(place, "", format!("there is no case {name:?}{hint}")));
    }
    cases.retain(is_it);
    Ok(())
}

/// One case: the file with its changes, checked and resolved anew.
fn read_case(base: &Node, case: &Item<'_>) -> Result<Case, Problem> {
    let name = case.require("name")?.text()?.to_owned();
    let mut tree = base.clone();
    let mut removed = BTreeSet::new();
    for left_out in case.list("without") {
        let word = left_out.text()?;
        match overrides::leave_out(&mut tree, word, &left_out.node().place) {
            Ok(Left::Fault(fault)) => drop(removed.insert(fault)),
            Ok(Left::Gone) => {}
            Err(problem) => return Err(problem.at_path(left_out.path())),
        }
    }
    let settings = case.map("set");
    for (path, value) in &settings {
        overrides::set(&mut tree, path, New::Node(value.node()), &value.node().place)?;
    }
    if !settings.is_empty() || case.has("without") {
        check::check_object(&tree, &grammar::EXPERIMENT, "").map_err(|problem| problem.in_case(&name))?;
    }
    overrides::add_expectations(&mut tree, case)?;
    let plan = resolve::resolve(&Item::root(&tree), &removed).map_err(|problem| {
        // What is wrong without the case's changes too is no matter of the case.
        let whole = resolve::resolve(&Item::root(base), &BTreeSet::new()).err();
        if whole.as_ref() == Some(&problem) { problem } else { problem.in_case(&name) }
    })?;
    let must_fail = must_fail(case, &plan)?;
    Ok(Case { name, must_fail, plan: Arc::new(plan) })
}

/// What must fail has to be something that is judged.
fn must_fail(case: &Item<'_>, plan: &Plan) -> Result<Vec<String>, Problem> {
    let expectations: Vec<&str> = plan.expectations.iter().map(|expectation| &*expectation.name).collect();
    let oracles: Vec<String> = OracleName::STANDING.iter().map(|oracle| format!("oracle:{oracle}")).collect();
    let apps: Vec<String> = plan.apps.iter().map(|app| format!("app:{}", app.name)).collect();
    let known = || expectations.iter().copied().chain(oracles.iter().chain(&apps).map(String::as_str));
    let mut names = Vec::new();
    for item in case.list("must_fail") {
        let name = item.text()?;
        if !known().any(|known| known == name) {
            return Err(item.unknown("expectation, oracle or app", known()));
        }
        if names.iter().any(|other| other == name) {
            return Err(item.problem("this stands here twice"));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

#[cfg(test)]
mod tests;

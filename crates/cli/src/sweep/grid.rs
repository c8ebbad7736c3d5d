//! The cells of a sweep: the experiment with every combination of parameters.

use std::fs;
use std::sync::Arc;

use anyhow::{Context, bail};
use faultwire_sim::experiment::{self, Overrides};
use faultwire_sim::sweep::{Cell, Swarming};

use super::arguments::{Parameter, SweepArguments};

/// More cells are surely a slip.
const CELLS_MAX: usize = 10_000;

/// Reads the experiment once for each cell.
///
/// # Errors
/// If the file, a parameter or another argument is wrong.
pub(super) fn cells(arguments: &SweepArguments) -> anyhow::Result<Vec<Cell>> {
    let selection = &arguments.selection;
    if selection.set.iter().any(|set| set.split_once('=').is_some_and(|(path, _)| path == "seed")) {
        bail!("--set seed: seeds are given by --seeds");
    }
    let parameters = &arguments.parameters;
    for (at, parameter) in parameters.iter().enumerate() {
        if parameters[..at].iter().any(|other| other.path == parameter.path) {
            bail!(
                "--param {}: this path is there twice; write all its values behind one --param",
                parameter.path
            );
        }
    }
    let count =
        parameters.iter().try_fold(1usize, |count, parameter| count.checked_mul(parameter.values.len()));
    if count.is_none_or(|count| count > CELLS_MAX) {
        bail!("--param: the grid has more than {CELLS_MAX} cells");
    }
    combinations(parameters).into_iter().map(|parameters| cell(arguments, parameters)).collect()
}

/// Every combination of values, the last parameter varying fastest.
fn combinations(parameters: &[Parameter]) -> Vec<Vec<(String, String)>> {
    parameters.iter().fold(vec![Vec::new()], |grid, parameter| {
        let with = |cell: &Vec<(String, String)>| {
            let cell = cell.clone();
            parameter.values.iter().map(move |value| {
                let mut cell = cell.clone();
                cell.push((parameter.path.clone(), value.clone()));
                cell
            })
        };
        grid.iter().flat_map(with).collect()
    })
}

fn cell(arguments: &SweepArguments, parameters: Vec<(String, String)>) -> anyhow::Result<Cell> {
    let overrides = overrides(arguments, &parameters);
    let file = &arguments.selection.file;
    let experiment = experiment::load(file, &overrides)?;
    let swarm = if arguments.swarm {
        if experiment.swarm.is_empty() {
            bail!("--swarm: {} has no \"swarm\" that says what may vary", file.display());
        }
        let text = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        Some(Swarming { text: text.into(), file_name: Arc::from(file.display().to_string()), overrides })
    } else {
        None
    };
    Ok(Cell { parameters, experiment, swarm })
}

/// What a cell changes about the file.
pub(super) fn overrides(arguments: &SweepArguments, parameters: &[(String, String)]) -> Overrides {
    let mut overrides = arguments.selection.overrides(None);
    overrides.set.extend(parameters.iter().map(|(path, value)| format!("{path}={value}")));
    overrides
}

//! `%{ }%`: assertions over the state of the socket under test, in the small part of Python that scripts use. What is
//! beyond it is named and skips the script; it never passes.

mod constants;
mod evaluate;
mod format;
mod parser;
mod questions;
mod token;
mod tree;
mod value;

use std::collections::BTreeMap;

use faultwire_host::Fd;

pub(crate) use constants::state_named;
use evaluate::{Names, Run};
use questions::Questions;
use value::Value;

use crate::machine::Machine;
use crate::problem::Problem;
use crate::settings::Profile;
use crate::syntax::tree::Command;

/// The snippets of a script: what one assigned, the next can read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snippets {
    variables: BTreeMap<String, Value>,
}

impl Snippets {
    /// Runs one at its instant; `fd` is the socket that `tcpi_` is asked of. Returns the lines that it prints.
    pub(crate) fn run(
        &mut self,
        code: &Command,
        machine: &Machine,
        fd: Option<Fd>,
        profile: Profile,
    ) -> Result<Vec<String>, Problem> {
        let statements = parser::parse(&code.text)?;
        let names = Questions { machine, fd, profile };
        let mut run = Run { text: &code.text, variables: &mut self.variables, names, lines: Vec::new() };
        run.statements(&statements)?;
        Ok(run.lines)
    }
}

/// A sum of numbers, as a shell computes it too; `None` if it is not that or too large.
pub(crate) fn arithmetic(text: &str) -> Option<i128> {
    struct Nothing;
    impl Names for Nothing {
        fn value(&self, name: &str) -> Result<Value, Problem> {
            Err(Problem::Unknown(name.into()))
        }
    }
    let text = format!("sum = ({text})");
    let statements = parser::parse(&text).ok()?;
    let mut variables = BTreeMap::new();
    Run { text: &text, variables: &mut variables, names: Nothing, lines: Vec::new() }
        .statements(&statements)
        .ok()?;
    variables.get("sum")?.integer()
}

#[cfg(test)]
mod tests;

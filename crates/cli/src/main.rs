//! The `faultwire` command: reads arguments, calls one command, turns its result into an exit status.

mod arguments;
mod check;
mod diff;
mod example;
mod explain;
mod export;
mod hunt;
mod loading;
mod outputs;
mod panic_report;
mod pending_file;
mod quirks;
mod repeat;
mod run;
mod script;
mod shrink;
mod stats;
mod status;
mod sweep;
mod terminal;
mod text;
mod verify;
mod worker;

use std::panic;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use arguments::{Arguments, Command};
use status::Status;

fn main() -> ExitCode {
    panic_report::install();
    let arguments = Arguments::parse();
    // The panic's report has been printed by its hook; what is left is the exit status.
    let status = match panic::catch_unwind(|| command(&arguments.command)) {
        Ok(Ok(status)) => status,
        Ok(Err(error)) => {
            terminal::note(&format!("error: {error:#}"));
            Status::BadInput
        }
        Err(_) => Status::Internal,
    };
    status.into()
}

fn command(command: &Command) -> anyhow::Result<Status> {
    match command {
        Command::Quirks(arguments) => quirks::quirks(arguments),
        Command::Run(run) => run::run(run),
        Command::Check(check) => check::check(check),
        Command::Diff(arguments) => diff::diff(arguments),
        Command::Hunt(arguments) => hunt::hunt(arguments),
        Command::Script(arguments) => script::script(arguments),
        Command::Shrink(arguments) => shrink::shrink(arguments),
        Command::Sweep(arguments) => sweep::sweep(arguments),
        Command::Verify(verify) => verify::verify(verify),
        Command::Explain(arguments) => explain::explain(arguments),
        Command::Example(example) => example::example(example.name.as_deref()),
        Command::Schema(arguments) => {
            let schema = if arguments.replay {
                faultwire_sim::replay::schema()
            } else {
                faultwire_sim::experiment::schema()
            };
            let schema = serde_json::to_string_pretty(&schema)?;
            terminal::print(&format!("{schema}\n"))?;
            Ok(Status::Held)
        }
        Command::Completions(completions) => {
            let mut script = Vec::new();
            clap_complete::generate(completions.shell, &mut Arguments::command(), "faultwire", &mut script);
            terminal::print(&String::from_utf8(script)?)?;
            Ok(Status::Held)
        }
    }
}

//! The list of everything that a hunt found.

use std::collections::BTreeSet;

use faultwire_sim::hunt::{Found, Tally, title};
use faultwire_sim::plan::Experiment;

use super::evidence::Ticket;

/// One way to fail, and what was left of it.
pub(crate) struct Entry {
    pub(crate) found: Found,
    /// The command that runs its smallest run again.
    pub(crate) command: String,
    /// Its folder, if there is one.
    pub(crate) folder: Option<String>,
    /// Faults that are left.
    pub(crate) faults: Option<usize>,
    /// Why there is no folder, if that was tried.
    pub(crate) missing: Option<String>,
}

impl Entry {
    /// Its ticket has been written.
    pub(crate) fn written(&mut self, folder: String, ticket: &Ticket) {
        self.folder = Some(folder);
        self.faults = Some(ticket.faults);
    }
}

/// The list as Markdown; `unfinished` says when the hunt was ended, if that was before its end.
pub(crate) fn index(
    experiment: &Experiment,
    command: &str,
    tally: &Tally,
    entries: &[Entry],
    unfinished: Option<&str>,
) -> String {
    let mut out = format!(
        "# Failures of {}\n\n{} of {} seeds fail, in {} {}. Found by\n\n```sh\n{command}\n```\n\n",
        experiment.name,
        tally.failing(),
        tally.seeds(),
        entries.len(),
        if entries.len() == 1 { "way" } else { "ways" },
    );
    let quirks = quirks(experiment);
    if !quirks.is_empty() {
        out.push_str(&format!(
            "**Bugs were put into stacks on purpose (quirks): {}.**\n\n",
            quirks.join(", ")
        ));
    }
    if let Some(when) = unfinished {
        out.push_str(&format!("**The hunt ended {when}.**\n\n"));
    }
    out.push_str("| | seeds | what fails | faults left | ticket |\n|---:|---:|---|---:|---|\n");
    for (index, entry) in entries.iter().enumerate() {
        let faults = entry.faults.map_or_else(String::new, |faults| faults.to_string());
        let ticket = match (&entry.folder, &entry.missing) {
            (Some(folder), _) => format!("[{folder}]({folder}/TICKET.md)"),
            (None, Some(why)) => format!("none: {}", cell(why)),
            (None, None) => "none".to_owned(),
        };
        out.push_str(&format!(
            "| {} | {} | {} | {faults} | {ticket} |\n",
            index + 1,
            share(&entry.found),
            cell(&title(&entry.found)),
        ));
    }
    out.push_str(
        "\nIn the words of each run's report, without its numbers, and how to run the smallest again:\n",
    );
    for (index, entry) in entries.iter().enumerate() {
        out.push_str(&format!(
            "\n{}. (cluster {}) {}\n\n   ```sh\n   {}\n   ```\n",
            index + 1,
            entry.found.cluster.id(),
            cell(&entry.found.cluster.to_string()),
            entry.command,
        ));
    }
    if tally.untold() > 0 {
        out.push_str(&format!(
            "\n{} more failed runs in yet other ways were not told apart.\n",
            tally.untold()
        ));
    }
    out
}

/// Bugs that were put into hosts of any case, like `no_paws at server`.
pub(crate) fn quirks(experiment: &Experiment) -> Vec<String> {
    let quirks: BTreeSet<String> = (experiment.cases.iter())
        .flat_map(|case| case.plan.quirks().map(|(host, quirk)| format!("{} at {host}", quirk.as_str())))
        .collect();
    quirks.into_iter().collect()
}

/// How many seeds failed so, and what part of all that is.
fn share(found: &Found) -> String {
    let seeds = found.seeds;
    let part = seeds.value().unwrap_or(0.0) * 100.0;
    if part >= 1.0 {
        format!("{} ({part:.0} %)", seeds.count)
    } else {
        format!("{} ({part:.2} %)", seeds.count)
    }
}

/// A text that keeps its line and its column.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

//! `faultwire example`: experiments to start from, kept inside the program.

use anyhow::bail;

use crate::status::Status;
use crate::terminal::{self, Paint};

/// Names and texts of all experiments in `configs/`, then of those in `configs/scenarios/`.
const EXAMPLES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/examples.rs"));

pub(crate) fn example(name: Option<&str>) -> anyhow::Result<Status> {
    let Some(name) = name else {
        terminal::print(&list(Paint::for_stdout()))?;
        return Ok(Status::Held);
    };
    let Some((_, text)) = EXAMPLES.iter().find(|(known, _)| *known == name.trim_end_matches(".json")) else {
        let known: Vec<_> = EXAMPLES.iter().map(|&(name, _)| name).collect();
        bail!("no example is called {name:?}; there are: {}", known.join(", "));
    };
    terminal::print(text)?;
    Ok(Status::Held)
}

/// All names with the first sentence of what each teaches.
fn list(paint: Paint) -> String {
    let width = EXAMPLES.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, experiment) in EXAMPLES {
        let blanks = " ".repeat(width - name.len());
        text.push_str(&format!("{}{blanks}  {}\n", paint.strong(name), description(experiment)));
    }
    text.push_str(
        &paint.faint(
            "\nfaultwire example NAME > my.json prints one; faultwire run my.json --timeline runs it\n",
        ),
    );
    text
}

fn description(experiment: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(experiment).unwrap_or_default();
    let description = value["description"].as_str().unwrap_or("");
    description.split_inclusive(". ").next().unwrap_or("").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_says_what_it_teaches() {
        assert!(!EXAMPLES.is_empty());
        for (name, text) in EXAMPLES {
            assert!(!description(text).is_empty(), "{name} has no description");
        }
    }
}

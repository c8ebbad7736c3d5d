//! A chain as text that a person reads.

use super::answer::{Answer, Root, Step};
use super::scene::time;
use crate::output::{Legend, wrapped};

/// How an answer is written.
#[derive(Clone, Copy, Debug)]
pub struct Voice {
    /// Columns of text.
    pub width: usize,
}

impl Default for Voice {
    fn default() -> Self {
        Self { width: 110 }
    }
}

impl Answer {
    /// The answer as text: its subject, then one paragraph a step with time and place, then the roots.
    pub fn tell(&self, legend: &Legend, voice: Voice) -> String {
        let mut out = String::new();
        for line in wrapped(&self.subject, voice.width) {
            out.push_str(&format!("{line}\n"));
        }
        let steps = &self.chain.steps;
        let times: Vec<String> = steps.iter().map(|step| time(step.at)).collect();
        let at = times.iter().map(|time| time.chars().count()).max().unwrap_or(0);
        let places = steps.iter().map(|step| legend.place(step.place).chars().count());
        let place = places.max().unwrap_or(0);
        for (step, time) in steps.iter().zip(&times) {
            let indent = "   ".repeat(step.depth as usize);
            let mark = if step.depth > 0 { "└ " } else { "" };
            let head = format!("  {time:>at$}  {:<place$}  {indent}{mark}", legend.place(step.place));
            let room = voice.width.saturating_sub(head.chars().count()).max(40);
            let blank = " ".repeat(head.chars().count());
            for (index, line) in wrapped(&sentence(step), room).into_iter().enumerate() {
                let margin = if index == 0 { &head } else { &blank };
                out.push_str(&format!("{margin}{line}\n"));
            }
        }
        if self.chain.left_out > 0 {
            out.push_str(&format!("  (and {} more)\n", self.chain.left_out));
        }
        let telling = |root: &&Root| !matches!(root, Root::Rule | Root::Application { .. });
        let mut roots: Vec<String> = self.chain.roots().filter(telling).map(ToString::to_string).collect();
        if roots.is_empty() {
            roots = self.chain.roots().map(ToString::to_string).collect();
        }
        if !roots.is_empty() {
            for (index, line) in
                wrapped(&format!("Root: {}.", roots.join("; ")), voice.width - 2).into_iter().enumerate()
            {
                let margin = if index == 0 { "  " } else { "    " };
                out.push_str(&format!("{margin}{line}\n"));
            }
        }
        out
    }
}

/// The sentence with its clause.
fn sentence(step: &Step) -> String {
    match step.clause {
        Some(clause) => match step.sentence.strip_suffix('.') {
            Some(sentence) => format!("{sentence} ({clause})."),
            None => format!("{} ({clause})", step.sentence),
        },
        None => step.sentence.clone(),
    }
}

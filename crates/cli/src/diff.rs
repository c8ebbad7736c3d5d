//! `faultwire diff`: runs two variants and shows where they part and what followed.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, ValueHint};
use faultwire_sim::diff::{BesideOptions, Divergence, Mark, Run, beside, outcomes};
use faultwire_sim::experiment::Overrides;
use faultwire_sim::output::{Trace, shortened};
use faultwire_sim::plan::{Case, Experiment};
use faultwire_sim::run::{CaseRun, Judging, run_case};

use crate::arguments::Hazards;
use crate::status::Status;
use crate::terminal::{self, Paint};
use crate::worker::{self, Ending};
use crate::{loading, panic_report, repeat, text};

#[derive(Debug, Args)]
#[command(after_help = "\
Either run is an experiment or a replay file:
  faultwire diff one.json other.json                           two files, each case that both have
  faultwire diff my.json --seed 1 --seed 2                     two seeds
  faultwire diff my.json --against-set links.wire.delay=20ms   the file as it is, and with a change
  faultwire diff my.json --case linux --against-case rfc       two cases

--set, --without, --case and a single --seed go for both runs; what begins with --against is for the \
other run alone, after them.

Packets are the same if they are the same octets of the same conversation, sent as often; not by their \
numbers. Initial sequence numbers, timestamps and ephemeral ports count from where they begin.

Exit status: 0 the runs are the same; 1 they differ; 2 bad input.")]
pub(crate) struct DiffArguments {
    /// One or two experiments or replay files
    #[arg(value_name = "FILE", required = true, num_args = 1..=2, value_hint = ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// Seed of both runs; given twice, of the first and of the other
    #[arg(long = "seed", value_name = "N")]
    seeds: Vec<u64>,
    /// Set a value by its path in both runs
    #[arg(long = "set", value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Leave a fault, app or expectation out of both runs
    #[arg(long = "without", value_name = "NAME")]
    without: Vec<String>,
    /// Only this case
    #[arg(long = "case", value_name = "NAME")]
    case: Option<String>,
    /// Set a value by its path in the other run
    #[arg(long = "against-set", value_name = "PATH=VALUE")]
    against_set: Vec<String>,
    /// Leave a fault, app or expectation out of the other run
    #[arg(long = "against-without", value_name = "NAME")]
    against_without: Vec<String>,
    /// This case for the other run
    #[arg(long = "against-case", value_name = "NAME", requires = "case")]
    against_case: Option<String>,
    /// Draw every row from the first difference on, and every conversation
    #[arg(long)]
    full: bool,
}

/// One of the two variants.
struct Variant {
    file: PathBuf,
    overrides: Overrides,
    experiment: Experiment,
    label: String,
}

/// A case that has run.
struct Ran {
    run: CaseRun,
    trace: Trace,
}

pub(crate) fn diff(arguments: &DiffArguments) -> anyhow::Result<Status> {
    let variants = variants(arguments)?;
    let pairs = pairs(&variants)?;
    let paint = Paint::for_stdout();
    let options = BesideOptions { width: terminal::width().unwrap_or(WIDTH_PIPED), full: arguments.full };
    terminal::print(&heading(&variants))?;
    let cases: Vec<[Case; 2]> = pairs
        .iter()
        .map(|&[one, other]| [variants[0].case(one).clone(), variants[1].case(other).clone()])
        .collect();
    let several = cases.len() > 1;
    let mut differing = 0;
    let mut told = 0;
    let work = move |give: &mut dyn FnMut([Ran; 2])| {
        for [one, other] in &cases {
            give([ran(one), ran(other)]);
        }
    };
    let ending = worker::work(work, |ran: [Ran; 2]| {
        let cases = [0, 1].map(|side| variants[side].case(pairs[told][side]));
        told += 1;
        let runs = [0, 1].map(|side| Run {
            label: &variants[side].label,
            plan: &cases[side].plan,
            trace: &ran[side].trace,
            report: &ran[side].run.report,
        });
        let divergence = faultwire_sim::diff::diff(&runs[0], &runs[1]);
        differing += usize::from(!divergence.is_same());
        if several {
            terminal::print(&format!("\n{}\n", paint.strong(&format!("case {}", cases[0].name))))?;
        }
        Ok(terminal::print(&tell(&runs, &divergence, options, paint))?)
    })?;
    Ok(match ending {
        Ending::Interrupted => Status::Interrupted,
        Ending::Panicked => Status::Internal,
        Ending::Done if differing == 0 => Status::Held,
        Ending::Done => Status::Failed,
    })
}

/// Columns where no terminal tells how many there are.
const WIDTH_PIPED: usize = 140;
/// The longest value in the table of outcomes.
const VALUE_MAX: usize = 56;
/// Drawn numbers that are named.
const DRAWN_SHOWN: usize = 4;

/// Both variants, read and checked.
fn variants(arguments: &DiffArguments) -> anyhow::Result<[Variant; 2]> {
    let DiffArguments {
        files, seeds, set, without, case, against_set, against_without, against_case, ..
    } = arguments;
    if seeds.len() > 2 {
        bail!("--seed is given {} times: there are two runs", seeds.len());
    }
    let other_file = files.get(1);
    let changed = !against_set.is_empty() || !against_without.is_empty() || against_case.is_some();
    if other_file.is_none() && seeds.len() < 2 && !changed {
        bail!(
            "there is nothing to compare {} with: name a second file, give --seed twice, or change the other run \
             with --against-set PATH=VALUE, --against-without NAME or --against-case NAME",
            files[0].display()
        );
    }
    let one = Overrides {
        set: set.clone(),
        without: without.clone(),
        case: case.clone(),
        seed: seeds.first().copied(),
    };
    let other = Overrides {
        set: set.iter().chain(against_set).cloned().collect(),
        without: without.iter().chain(against_without).cloned().collect(),
        case: against_case.as_ref().or(case.as_ref()).cloned(),
        seed: seeds.last().copied(),
    };
    let variant = |file: &PathBuf, overrides: Overrides| -> anyhow::Result<Variant> {
        let experiment = loading::load(file, &overrides)?;
        Ok(Variant { file: file.clone(), overrides, experiment, label: String::new() })
    };
    let mut variants = [variant(&files[0], one)?, variant(other_file.unwrap_or(&files[0]), other)?];
    for (side, label) in labels(arguments).into_iter().enumerate() {
        variants[side].label = label;
    }
    Ok(variants)
}

/// What the runs are called: by what they differ in, as long as that is short and one thing.
fn labels(arguments: &DiffArguments) -> [String; 2] {
    let DiffArguments { files, seeds, against_set, against_without, against_case, case, .. } = arguments;
    let name = |file: &PathBuf| file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let changes = against_set.len() + against_without.len() + usize::from(against_case.is_some());
    let labels = match (files.get(1), &seeds[..], changes) {
        (Some(other), [] | [_], 0) => [name(&files[0]), name(other)],
        (None, [one, other], 0) => [format!("seed {one}"), format!("seed {other}")],
        (None, [] | [_], 1) => match (against_set.first(), against_without.first(), case, against_case) {
            (Some(set), ..) => ["the file".into(), format!("the file with {set}")],
            (_, Some(name), ..) => ["the file".into(), format!("the file without {name:?}")],
            (_, _, Some(one), Some(other)) => [one.clone(), other.clone()],
            _ => [String::new(), String::new()],
        },
        _ => [String::new(), String::new()],
    };
    let usable = labels.iter().all(|label| (1..=LABEL_MAX).contains(&label.chars().count()));
    if usable && labels[0] != labels[1] { labels } else { ["one".into(), "other".into()] }
}

/// The longest name for a run.
const LABEL_MAX: usize = 52;

impl Variant {
    fn case(&self, index: usize) -> &Case {
        &self.experiment.cases[index]
    }

    /// The command that runs it.
    fn command(&self) -> String {
        repeat::command("run", &self.file, &self.overrides, Hazards::Report)
    }
}

/// Which case of either file goes with which.
fn pairs(variants: &[Variant; 2]) -> anyhow::Result<Vec<[usize; 2]>> {
    let names = [0, 1].map(|side| -> Vec<&str> {
        variants[side].experiment.cases.iter().map(|case| case.name.as_str()).collect()
    });
    if let ([_], [_]) = (&names[0][..], &names[1][..]) {
        return Ok(vec![[0, 0]]);
    }
    let mates: Option<Vec<[usize; 2]>> = (names[0].iter().enumerate())
        .map(|(index, name)| Some([index, names[1].iter().position(|other| other == name)?]))
        .collect();
    match mates {
        Some(mates) if names[0].len() == names[1].len() => Ok(mates),
        _ => bail!(
            "the runs have different cases: {} and {}; choose one with --case NAME, and another for the other run \
             with --against-case NAME",
            names[0].join(", "),
            names[1].join(", ")
        ),
    }
}

fn ran(case: &Case) -> Ran {
    panic_report::note_seed(case.plan.seed);
    let mut trace = Trace::new();
    let run = run_case(case, Judging::default(), &mut trace);
    Ran { run, trace }
}

/// What the two runs are.
fn heading(variants: &[Variant; 2]) -> String {
    let width = variants.iter().map(|variant| variant.label.chars().count()).max().unwrap_or(0);
    let line = |variant: &Variant| format!("{:<width$}  {}\n", variant.label, variant.command());
    variants.iter().map(line).collect()
}

/// Everything about one pair of runs.
fn tell(runs: &[Run<'_>; 2], divergence: &Divergence, options: BesideOptions, paint: Paint) -> String {
    let mut out = String::from("\n");
    match &divergence.first {
        Some(first) => {
            text::indented(&mut out, "", &format!("{} {}", paint.bad("First difference:"), first.sentence));
            let until = divergence.same_until.map_or_else(String::new, |at| format!(", until {at}"));
            match divergence.same {
                0 => out.push_str("Nothing was the same before that.\n"),
                1 => out.push_str(&format!("Until then 1 record is the same in both{until}.\n")),
                count => out.push_str(&format!("Until then {count} records are the same in both{until}.\n")),
            }
            out.push_str("\nWhat followed\n");
            for line in beside(&runs[0], &runs[1], options) {
                out.push_str(&painted(&line.text, line.mark, paint));
                out.push('\n');
            }
        }
        None => out.push_str(&alike(divergence, paint)),
    }
    if divergence.first.is_some() || !divergence.same_judgement {
        out.push_str(&outcome_table(runs, paint));
    }
    out
}

/// What there is to say when no record differs.
fn alike(divergence: &Divergence, paint: Paint) -> String {
    let count = divergence.same;
    let until = divergence.same_until.map_or_else(String::new, |at| format!(", until {at}"));
    let mut out = String::new();
    if divergence.is_same() {
        out.push_str(&format!("{} {count} records{until}.\n", paint.good("The runs are the same:")));
        return out;
    }
    if !divergence.same_fingerprint {
        let drawn: Vec<String> = (divergence.drawn.iter().take(DRAWN_SHOWN))
            .map(|drawn| format!("{} is {} and {}", drawn.what, drawn.one, drawn.other))
            .collect();
        let more = match divergence.drawn.len().saturating_sub(DRAWN_SHOWN) {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let what = if drawn.is_empty() {
            "cookies, identifications or the order of places within an instant".to_owned()
        } else {
            drawn.join(", ") + &more
        };
        text::indented(
            &mut out,
            "",
            &format!(
                "{} Both have the same {count} records{until}: {what}.",
                paint.warning("Only numbers that are drawn from the seed differ.")
            ),
        );
    } else {
        text::indented(
            &mut out,
            "",
            &format!(
                "{} All {count} records are the same{until}.",
                paint.bad("The runs are the same, but they are judged differently.")
            ),
        );
    }
    out
}

fn painted(text: &str, mark: Mark, paint: Paint) -> String {
    match mark {
        Mark::Text => text.to_owned(),
        Mark::Same => paint.faint(text),
        Mark::Time => text.to_owned(),
        Mark::Differs | Mark::One | Mark::Other => paint.warning(text),
    }
}

/// The figures that differ, and which are the same.
fn outcome_table(runs: &[Run<'_>; 2], paint: Paint) -> String {
    let rows = outcomes(&runs[0], &runs[1]);
    let (same, differing): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|row| row.is_same() && row.what != "outcome");
    let what = differing.iter().map(|row| row.what.chars().count()).max().unwrap_or(0).max(8);
    let value = |value: &str| shortened(value, VALUE_MAX);
    let widths = differing.iter().map(|row| value(&row.values[0]).chars().count());
    let first = widths.max().unwrap_or(0).max(runs[0].label.chars().count());
    let mut out = format!("\n{:<what$}  {:<first$}  {}\n", "Outcomes", runs[0].label, runs[1].label);
    for row in &differing {
        let [one, other] = [value(&row.values[0]), value(&row.values[1])];
        let line = format!("{:<what$}  {one:<first$}  {other}\n", row.what);
        out.push_str(&if row.is_same() { line } else { paint.strong(&line) });
    }
    if !same.is_empty() {
        let names: Vec<&str> = same.iter().map(|row| row.what.as_str()).collect();
        text::indented(&mut out, "", &paint.faint(&format!("the same in both: {}", names.join(", "))));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &[&str]) -> DiffArguments {
        use clap::FromArgMatches;
        let command = DiffArguments::augment_args(clap::Command::new("diff"));
        let words = ["diff", "a/web.json"].iter().chain(words);
        DiffArguments::from_arg_matches(&command.get_matches_from(words)).unwrap()
    }

    #[test]
    fn runs_are_called_by_what_they_differ_in() {
        for (words, expected) in [
            (&["--seed", "1", "--seed", "2"][..], ["seed 1", "seed 2"]),
            (&["b.json"], ["web", "b"]),
            (&["--against-set", "seed=3"], ["the file", "the file with seed=3"]),
            (&["--against-without", "late copy"], ["the file", "the file without \"late copy\""]),
            (&["--case", "linux", "--against-case", "rfc"], ["linux", "rfc"]),
            (&["b.json", "--seed", "1", "--seed", "2"], ["one", "other"]),
            (&["c/web.json"], ["one", "other"]),
        ] {
            assert_eq!(labels(&arguments(words)), expected, "{words:?}");
        }
    }
}

//! What is told of a sweep when it is over: rates, metrics, and failures by their cause.

use std::fmt::Write as _;

use faultwire_sim::experiment::Overrides;
use faultwire_sim::failure::Failure;
use faultwire_sim::sweep::{self, CaseSummary, ClusterSummary, Interval, Mean, Occurrence, Summary};

use super::arguments::SweepArguments;
use super::{Work, grid};
use crate::repeat;

/// Clusters that are told one by one.
const CLUSTERS_TOLD: usize = 20;

/// What there is to tell of.
pub(super) struct Told<'a> {
    pub(super) arguments: &'a SweepArguments,
    pub(super) work: &'a Work,
    pub(super) summary: &'a Summary,
}

/// The summary.
pub(super) fn summary(told: &Told<'_>) -> String {
    let mut text = told.heading();
    told.rates(&mut text);
    for (index, metric) in told.work.settings.metrics.iter().enumerate() {
        told.metric(&mut text, index, metric.name());
    }
    told.clusters(&mut text);
    text
}

impl Told<'_> {
    fn heading(&self) -> String {
        let seeds = self.arguments.seeds;
        let (done, planned) = (self.summary.seeds(), u128::from(seeds.last - seeds.first) + 1);
        let part = if u128::from(done) == planned { String::new() } else { format!("{done} of ") };
        let cells = self.work.cells.len();
        let experiment = &self.work.cells[0].experiment;
        let mut text = format!(
            "{}: {part}{} ({}..={})",
            experiment.name,
            count(planned, "seed"),
            seeds.first,
            seeds.last
        );
        if cells > 1 {
            let _ = write!(text, ", {}", count(cells as u128, "cell"));
        }
        if experiment.cases.len() > 1 {
            let _ = write!(text, ", {}", count(experiment.cases.len() as u128, "case"));
        }
        let failing = self.summary.failing();
        let (all, any) = if self.has_rows() { (" everywhere", " somewhere") } else { ("", "") };
        let _ = writeln!(text, ": {} passed{all}, {failing} failed{any}", done - failing);
        text
    }

    /// Whether there is more than one case in one cell.
    fn has_rows(&self) -> bool {
        self.work.cells.len() > 1 || self.work.cells[0].experiment.cases.len() > 1
    }

    /// What makes the rows of a table.
    fn row_words(&self) -> &'static str {
        match (self.work.cells.len() > 1, self.work.cells[0].experiment.cases.len() > 1) {
            (true, true) => ", for each cell and case",
            (true, false) => ", for each cell",
            (false, true) => ", for each case",
            (false, false) => "",
        }
    }

    /// What a cell is called; nothing if there is only one.
    fn cell_name(&self, cell: usize) -> String {
        let parameters = self.work.cells[cell].parameters.iter();
        parameters.map(|(path, value)| format!("{path}={value}")).collect::<Vec<_>>().join(" ")
    }

    /// What a case of a cell is called; nothing if there is only one.
    fn row_name(&self, cell: usize, case: usize) -> String {
        let mut name = self.cell_name(cell);
        let cases = &self.work.cells[cell].experiment.cases;
        if cases.len() > 1 {
            let gap = if name.is_empty() { "" } else { ", " };
            let must_fail = if cases[case].must_fail.is_empty() { "" } else { " (must fail)" };
            let _ = write!(name, "{gap}case {:?}{must_fail}", cases[case].name);
        }
        name
    }

    /// Every case of every cell from the `first` one on, with its name.
    fn rows(&self, first: usize) -> impl Iterator<Item = (String, &CaseSummary)> {
        let cells = self.summary.cells().iter().enumerate().skip(first);
        cells.flat_map(move |(cell, cases)| {
            cases.iter().enumerate().map(move |(case, summary)| (self.row_name(cell, case), summary))
        })
    }

    fn rates(&self, text: &mut String) {
        if self.has_rows() {
            let _ = writeln!(text, "\n  seeds that passed{}", self.row_words());
        }
        let mut table = Table::new(["passed", "seeds", "rate", "95 % interval"]);
        for (name, row) in self.rows(0) {
            let passed = row.passed;
            let (Some(rate), Some(interval)) = (passed.value(), passed.interval()) else { continue };
            let percent = |part: f64| format!("{:.2}", part * 100.0);
            let rate = format!("{} %", percent(rate));
            let interval = format!("{} to {} %", percent(interval.low), percent(interval.high));
            table.row([passed.count.to_string(), passed.of.to_string(), rate, interval], &name);
        }
        table.write(text);
        if self.work.cells.len() < 2 || self.summary.seeds() == 0 {
            return;
        }
        let _ = writeln!(text, "\n  rate less that of {}, paired by seed, in points", self.cell_name(0));
        let mut table = Table::new(["seeds", "gained", "lost", "difference", "95 % interval"]);
        for (name, row) in self.rows(1) {
            let paired = row.against_first;
            let (Some(difference), Some(Interval { low, high })) = (paired.value(), paired.interval()) else {
                continue;
            };
            let points = |part: f64| format!("{:+.2}", part * 100.0);
            let figures = [paired.count(), paired.gained, paired.lost].map(|count| count.to_string());
            let [seeds, gained, lost] = figures;
            let interval = format!("{} to {}", points(low), points(high));
            table.row([seeds, gained, lost, points(difference), interval], &name);
        }
        table.write(text);
    }

    fn metric(&self, text: &mut String, index: usize, name: &str) {
        let largest = self.summary.cells().iter().flatten().filter_map(|row| row.metrics[index].value());
        let unit = Unit::of(name, largest.fold(0.0, f64::max));
        let _ = writeln!(text, "\n  {name}{}{}", unit.suffix(), self.row_words());
        let mut table = Table::new(["seeds", "mean", "95 % interval"]);
        for (name, row) in self.rows(0) {
            table.row(mean_words(row.metrics[index], |value| unit.shown(value)), &name);
        }
        table.write(text);
        if self.work.cells.len() < 2 {
            return;
        }
        let _ =
            writeln!(text, "\n  {name}{} less that of {}, paired by seed", unit.suffix(), self.cell_name(0));
        let mut table = Table::new(["seeds", "difference", "95 % interval"]);
        for (name, row) in self.rows(1) {
            table.row(mean_words(row.differences[index], |value| unit.signed(value)), &name);
        }
        table.write(text);
    }

    fn clusters(&self, text: &mut String) {
        let clusters = self.summary.clusters();
        if clusters.is_empty() {
            return;
        }
        let order = if clusters.len() > 1 { ", most frequent first" } else { "" };
        let _ = writeln!(text, "\n{}{order}", count(clusters.len() as u128, "failure cluster"));
        for (number, (id, cluster)) in clusters.iter().take(CLUSTERS_TOLD).enumerate() {
            self.cluster(text, number + 1, id, cluster);
        }
        if let Some(more) = clusters.len().checked_sub(CLUSTERS_TOLD).filter(|&more| more > 0) {
            let _ = writeln!(text, "\n  and {more} more: \"cluster\" tells them apart in the lines");
        }
        if self.summary.unnamed() > 0 {
            let _ = writeln!(text, "  {} in further clusters", count(self.summary.unnamed().into(), "run"));
        }
    }

    fn cluster(&self, text: &mut String, number: usize, id: &str, cluster: &ClusterSummary<Occurrence>) {
        let smallest = cluster.smallest;
        let cell = &self.work.cells[smallest.cell];
        let (result, drawn) = sweep::repeat(cell, smallest.case, smallest.seed, &self.work.settings);
        let mut overrides = grid::overrides(self.arguments, &cell.parameters);
        if let Some(drawn) = drawn {
            overrides.set.extend(drawn.set);
            overrides.without.extend(drawn.without);
        }
        let seeds = count(cluster.seeds.into(), "seed");
        let _ = writeln!(text, "\n{number}. {seeds}, cluster {id}{}", self.cases_of(cluster));
        for failure in &result.failures {
            let _ = writeln!(text, "   {}", failure.sentence);
        }
        let first = self.place(cluster.first);
        let _ = writeln!(
            text,
            "   first: {first}; smallest ({} events): {}",
            smallest.events,
            self.place(smallest)
        );
        let again = Overrides { seed: Some(smallest.seed), case: self.case_name(smallest), ..overrides };
        let file = &self.arguments.selection.file;
        let _ = writeln!(text, "   {}", repeat::command("run", file, &again, self.arguments.hazards));
        if result.fingerprint.is_none()
            && result.failures.iter().any(|failure| failure.name == Failure::ERROR)
        {
            let _ = writeln!(
                text,
                "   An internal error is a bug of faultwire. Please report it at {}/issues with the experiment and this command.",
                env!("CARGO_PKG_REPOSITORY")
            );
        }
    }

    /// The cases that failed so, if the file has several.
    fn cases_of(&self, cluster: &ClusterSummary<Occurrence>) -> String {
        let cases = &self.work.cells[cluster.first.cell].experiment.cases;
        if cases.len() < 2 {
            return String::new();
        }
        let names: Vec<String> =
            cluster.cases.iter().map(|&case| format!("{:?}", cases[case].name)).collect();
        format!(", in case{} {}", if names.len() == 1 { "" } else { "s" }, names.join(", "))
    }

    fn place(&self, at: Occurrence) -> String {
        let mut place = format!("seed {}", at.seed);
        if let Some(case) = self.case_name(at).filter(|_| self.work.cells[0].experiment.cases.len() > 1) {
            let _ = write!(place, ", case {case:?}");
        }
        if self.work.cells.len() > 1 {
            let _ = write!(place, ", {}", self.cell_name(at.cell));
        }
        place
    }

    /// The name of a case, if the file has cases at all.
    fn case_name(&self, at: Occurrence) -> Option<String> {
        let experiment = &self.work.cells[at.cell].experiment;
        let named = experiment.cases.len() > 1 || self.arguments.selection.case.is_some();
        named.then(|| experiment.cases[at.case].name.clone())
    }
}

fn count(number: u128, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn mean_words(mean: Mean, shown: impl Fn(f64) -> String) -> [String; 3] {
    let interval = mean.interval().map(|Interval { low, high }| format!("{} to {}", shown(low), shown(high)));
    [
        mean.count().to_string(),
        mean.value().map_or_else(|| "-".to_owned(), &shown),
        interval.unwrap_or_else(|| "-".to_owned()),
    ]
}

/// The unit in which a metric is shown: nanoseconds are too fine for a person.
#[derive(Clone, Copy)]
struct Unit {
    name: &'static str,
    scale: f64,
}

impl Unit {
    fn of(metric: &str, largest: f64) -> Self {
        if !metric.ends_with("_ns") {
            return Self { name: "", scale: 1.0 };
        }
        let units = [("s", 1e9), ("ms", 1e6), ("us", 1e3)];
        let fitting = units.into_iter().find(|&(_, scale)| largest >= scale).unwrap_or(("ns", 1.0));
        Self { name: fitting.0, scale: fitting.1 }
    }

    fn suffix(self) -> String {
        if self.name.is_empty() { String::new() } else { format!(" in {}", self.name) }
    }

    fn shown(self, value: f64) -> String {
        format!("{:.3}", value / self.scale)
    }

    fn signed(self, value: f64) -> String {
        format!("{:+.3}", value / self.scale)
    }
}

/// Columns of figures, flush right, and a name behind them.
struct Table<const COLUMNS: usize> {
    rows: Vec<([String; COLUMNS], String)>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    fn new(heading: [&str; COLUMNS]) -> Self {
        Self { rows: vec![(heading.map(str::to_owned), String::new())] }
    }

    fn row(&mut self, figures: [String; COLUMNS], name: &str) {
        self.rows.push((figures, name.to_owned()));
    }

    fn write(&self, text: &mut String) {
        let width = |column: usize| self.rows.iter().map(|(row, _)| row[column].len()).max().unwrap_or(0);
        for (row, name) in &self.rows {
            let figures =
                row.iter().enumerate().map(|(column, figure)| format!("  {figure:>0$}", width(column)));
            let line = format!("{}  {name}", figures.collect::<String>());
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
}

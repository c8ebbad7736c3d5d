//! The lines of a sweep as columns of a Parquet file: one row for each seed, cell and case.
//!
//! `seed`, `sweep`, `param.PATH` for each parameter, `set` and `without` in a swarm, `case`, `outcome`, `fingerprint`,
//! `events`, `failed` (a list), `cluster` and `metrics.NAME` for each metric: as in the lines, without nesting but for the
//! lists.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;
use std::sync::Arc;

use faultwire_sim::report::Outcome;
use faultwire_sim::sweep::{Cell, Line, Metric};
use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};

use crate::pending_file::PendingFile;

/// Rows that are kept until they are written as one group: memory stays flat.
const ROWS_A_GROUP: usize = 65_536;

/// A Parquet file being written. It has its name only when it is complete.
pub(super) struct Columns {
    file: PendingFile,
    writer: SerializedFileWriter<BufWriter<File>>,
    columns: Vec<Column>,
    rows: usize,
    /// What stands for a case in a file without cases.
    names: Vec<String>,
}

/// One column: its name and the values that were not written yet.
struct Column {
    name: String,
    values: Values,
}

enum Values {
    Numbers(Vec<i64>),
    /// With a level for each row: 0 for none.
    MaybeNumbers(Vec<i64>, Vec<i16>),
    Texts(Vec<ByteArray>),
    MaybeTexts(Vec<ByteArray>, Vec<i16>),
    /// With a level for each element, 0 for an empty list, and whether it goes on with the list before.
    Lists(Vec<ByteArray>, Vec<i16>, Vec<i16>),
}

impl Columns {
    /// Claims the file.
    pub(super) fn claim(path: &Path, cells: &[Cell], metrics: &[Metric]) -> anyhow::Result<Self> {
        let file = PendingFile::claim(path)?;
        let columns = columns(cells, metrics);
        let fields = columns.iter().map(Column::field).collect::<Result<Vec<_>>>()?;
        let schema = Type::group_type_builder("sweep").with_fields(fields).build()?;
        let created_by = format!("faultwire {}", env!("CARGO_PKG_VERSION"));
        let properties = WriterProperties::builder().set_created_by(created_by).build();
        let out = BufWriter::new(file.handle()?);
        let writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
        let names = cells[0].experiment.cases.iter().map(|case| case.name.clone()).collect();
        Ok(Self { file, writer, columns, rows: 0, names })
    }

    /// Adds the rows of one line.
    pub(super) fn write(&mut self, line: &Line) -> io::Result<()> {
        match &line.cases {
            None => {
                let case = Row {
                    case: &self.names[0],
                    outcome: line.outcome,
                    fingerprint: line.fingerprint.as_deref(),
                    events: line.events,
                    failed: &line.failed,
                    cluster: line.cluster.as_deref(),
                    metrics: line.metrics.as_ref().map_or(&[], |metrics| &metrics.0),
                };
                push(&mut self.columns, line, &case);
                self.rows += 1;
            }
            Some(cases) => {
                for case in cases {
                    let row = Row {
                        case: &case.name,
                        outcome: case.outcome,
                        fingerprint: case.fingerprint.as_deref(),
                        events: case.events,
                        failed: &case.failed,
                        cluster: case.cluster.as_deref(),
                        metrics: case.metrics.as_ref().map_or(&[], |metrics| &metrics.0),
                    };
                    push(&mut self.columns, line, &row);
                    self.rows += 1;
                }
            }
        }
        if self.rows >= ROWS_A_GROUP { self.write_group().map_err(io::Error::other) } else { Ok(()) }
    }

    fn write_group(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for column in &mut self.columns {
            column.write(&mut group)?;
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }

    /// Writes what waits and gives the file its name.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        self.write_group()?;
        self.writer.into_inner()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        self.file.finish()
    }
}

/// One case of a line.
struct Row<'a> {
    case: &'a str,
    outcome: Outcome,
    fingerprint: Option<&'a str>,
    events: u64,
    failed: &'a [String],
    cluster: Option<&'a str>,
    metrics: &'a [(String, Option<u64>)],
}

/// The columns in their order, which [`push`] keeps.
fn columns(cells: &[Cell], metrics: &[Metric]) -> Vec<Column> {
    let column = |name: &str, values: Values| Column { name: name.to_owned(), values };
    let mut columns =
        vec![column("seed", Values::Numbers(Vec::new())), column("sweep", Values::Texts(Vec::new()))];
    for (path, _) in &cells[0].parameters {
        columns.push(column(&format!("param.{path}"), Values::Texts(Vec::new())));
    }
    let list = || Values::Lists(Vec::new(), Vec::new(), Vec::new());
    if cells[0].swarm.is_some() {
        columns.push(column("set", list()));
        columns.push(column("without", list()));
    }
    columns.push(column("case", Values::Texts(Vec::new())));
    columns.push(column("outcome", Values::Texts(Vec::new())));
    columns.push(column("fingerprint", Values::MaybeTexts(Vec::new(), Vec::new())));
    columns.push(column("events", Values::Numbers(Vec::new())));
    columns.push(column("failed", list()));
    columns.push(column("cluster", Values::MaybeTexts(Vec::new(), Vec::new())));
    for metric in metrics {
        let values = Values::MaybeNumbers(Vec::new(), Vec::new());
        columns.push(column(&format!("metrics.{}", metric.name()), values));
    }
    columns
}

/// Adds one row to all columns.
fn push(columns: &mut [Column], line: &Line, row: &Row<'_>) {
    let mut columns = columns.iter_mut().map(|column| &mut column.values);
    let mut next = || columns.next().expect("a column for each value");
    next().number(line.seed);
    next().text(&line.sweep);
    for (_, value) in line.param.iter().flat_map(|param| &param.0) {
        next().text(value);
    }
    for list in [&line.set, &line.without].into_iter().flatten() {
        next().list(list);
    }
    next().text(row.case);
    next().text(match row.outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Error => "error",
    });
    next().maybe_text(row.fingerprint);
    next().number(row.events);
    next().list(row.failed);
    next().maybe_text(row.cluster);
    for (_, value) in row.metrics {
        next().maybe_number(*value);
    }
}

impl Values {
    /// Numbers are unsigned; the format keeps their bits.
    fn number(&mut self, number: u64) {
        if let Self::Numbers(numbers) = self {
            numbers.push(number as i64);
        }
    }

    fn maybe_number(&mut self, number: Option<u64>) {
        if let Self::MaybeNumbers(numbers, levels) = self {
            numbers.extend(number.map(|number| number as i64));
            levels.push(i16::from(number.is_some()));
        }
    }

    fn text(&mut self, text: &str) {
        if let Self::Texts(texts) = self {
            texts.push(text.into());
        }
    }

    fn maybe_text(&mut self, text: Option<&str>) {
        if let Self::MaybeTexts(texts, levels) = self {
            texts.extend(text.map(ByteArray::from));
            levels.push(i16::from(text.is_some()));
        }
    }

    fn list(&mut self, list: &[String]) {
        let Self::Lists(texts, levels, continues) = self else { return };
        if list.is_empty() {
            levels.push(0);
            continues.push(0);
        }
        for (index, text) in list.iter().enumerate() {
            texts.push(text.as_str().into());
            levels.push(1);
            continues.push(i16::from(index > 0));
        }
    }
}

impl Column {
    fn field(&self) -> Result<TypePtr> {
        let number = |repetition| {
            let number =
                Type::primitive_type_builder(&self.name, Physical::INT64).with_repetition(repetition);
            number.with_logical_type(Some(LogicalType::integer(64, false))).build()
        };
        let text = |name: &str, repetition| {
            let text = Type::primitive_type_builder(name, Physical::BYTE_ARRAY).with_repetition(repetition);
            text.with_logical_type(Some(LogicalType::String)).build()
        };
        Ok(Arc::new(match self.values {
            Values::Numbers(_) => number(Repetition::REQUIRED)?,
            Values::MaybeNumbers(..) => number(Repetition::OPTIONAL)?,
            Values::Texts(_) => text(&self.name, Repetition::REQUIRED)?,
            Values::MaybeTexts(..) => text(&self.name, Repetition::OPTIONAL)?,
            Values::Lists(..) => {
                let element = Arc::new(text("element", Repetition::REQUIRED)?);
                let list = Type::group_type_builder("list").with_repetition(Repetition::REPEATED);
                let list = Arc::new(list.with_fields(vec![element]).build()?);
                let outer = Type::group_type_builder(&self.name).with_repetition(Repetition::REQUIRED);
                outer.with_logical_type(Some(LogicalType::List)).with_fields(vec![list]).build()?
            }
        }))
    }

    /// Writes the values and forgets them.
    fn write(&mut self, group: &mut SerializedRowGroupWriter<'_, BufWriter<File>>) -> Result<()> {
        let mut column = group.next_column()?.expect("a column for each field");
        match &mut self.values {
            Values::Numbers(numbers) => {
                column.typed::<Int64Type>().write_batch(numbers, None, None)?;
                numbers.clear();
            }
            Values::MaybeNumbers(numbers, levels) => {
                column.typed::<Int64Type>().write_batch(numbers, Some(levels), None)?;
                numbers.clear();
                levels.clear();
            }
            Values::Texts(texts) => {
                column.typed::<ByteArrayType>().write_batch(texts, None, None)?;
                texts.clear();
            }
            Values::MaybeTexts(texts, levels) => {
                column.typed::<ByteArrayType>().write_batch(texts, Some(levels), None)?;
                texts.clear();
                levels.clear();
            }
            Values::Lists(texts, levels, continues) => {
                column.typed::<ByteArrayType>().write_batch(texts, Some(levels), Some(continues))?;
                texts.clear();
                levels.clear();
                continues.clear();
            }
        }
        column.close()
    }
}

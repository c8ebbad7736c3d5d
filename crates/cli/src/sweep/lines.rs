//! The lines of a sweep: where they go, and where an earlier sweep that wrote them was stopped.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{Context, bail};
use faultwire_sim::report::Outcome;
use faultwire_sim::sweep::{Cell, Line, Summary};

use crate::pending_file::expect_folder;
use crate::stats::Stopwatch;

/// Lines that wait longer than this are written out at the next one: a reader sees them, and a kill loses little.
const FLUSH_NANOS: u64 = 200_000_000;

/// A file or standard output.
pub(super) struct Lines {
    out: BufWriter<Box<dyn Write + Send>>,
    flushed: Stopwatch,
}

impl Lines {
    /// Lines to standard output.
    pub(super) fn to_stdout() -> Self {
        Self::to(Box::new(io::stdout()))
    }

    /// Lines to a file; what it holds beyond `keep` octets is cut off.
    pub(super) fn to_file(path: &Path, keep: u64) -> anyhow::Result<Self> {
        expect_folder(path)?;
        let cannot = || format!("can't write {}", path.display());
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(false).open(path).with_context(cannot)?;
        // A device or pipe has no length.
        if file.metadata().with_context(cannot)?.is_file() {
            file.set_len(keep).with_context(cannot)?;
            file.seek(SeekFrom::End(0)).with_context(cannot)?;
        }
        Ok(Self::to(Box::new(file)))
    }

    fn to(out: Box<dyn Write + Send>) -> Self {
        Self { out: BufWriter::with_capacity(1 << 16, out), flushed: Stopwatch::start() }
    }

    /// Writes one line.
    pub(super) fn write(&mut self, line: &Line) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, line)?;
        self.out.write_all(b"\n")?;
        if self.flushed.nanos() > FLUSH_NANOS {
            self.out.flush()?;
            self.flushed = Stopwatch::start();
        }
        Ok(())
    }

    /// Writes out what waits.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// What an earlier sweep has left.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Seeds whose lines are complete.
    pub(super) seeds: u64,
    /// Octets of these lines.
    pub(super) octets: u64,
    /// Whether something failed for the last of them.
    pub(super) last_failed: bool,
}

/// Reads what a sweep has left in a file, into `summary`. Lines of a seed that is not complete don't count, nor does the
/// beginning of a line at the end.
///
/// # Errors
/// If a line is none of this sweep, of seeds from `first` on.
pub(super) fn left(
    path: &Path,
    sweep: &str,
    cells: &[Cell],
    first: u64,
    summary: &mut Summary,
) -> anyhow::Result<Left> {
    let mut left = Left::default();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(left),
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    };
    let mut reader = BufReader::new(file);
    let (mut number, mut octets, mut text) = (0u64, 0u64, Vec::new());
    let mut of_seed: Vec<Line> = Vec::with_capacity(cells.len());
    loop {
        text.clear();
        let length =
            reader.read_until(b'\n', &mut text).with_context(|| format!("reading {}", path.display()))?;
        number += 1;
        octets += length as u64;
        let cell = &cells[of_seed.len()];
        if text.last() != Some(&b'\n') {
            let expected = first.checked_add(left.seeds).map(|seed| Line::beginning(sweep, seed, cell));
            if is_torn(&text, expected.as_deref()) {
                return Ok(left);
            }
            bail!(
                "{}:{number}: this is no line of this sweep, nor the beginning of one. Give another --out, or leave out \
                 --resume to overwrite the file",
                path.display()
            );
        }
        let line = match serde_json::from_slice::<Line>(&text) {
            Ok(line) => line,
            Err(error) => bail!("{}:{number}: this is no line of a sweep ({error})", path.display()),
        };
        check(&line, sweep, cell, first.checked_add(left.seeds))
            .map_err(|problem| anyhow::anyhow!("{}:{number}: {problem}", path.display()))?;
        of_seed.push(line);
        if of_seed.len() == cells.len() {
            let outcomes: Vec<_> = of_seed.iter().map(Line::outcomes).collect();
            summary.add(of_seed[0].seed, &outcomes);
            left.last_failed = of_seed.iter().any(|line| line.outcome != Outcome::Passed);
            left.seeds += 1;
            left.octets = octets;
            of_seed.clear();
        }
    }
}

/// Whether what stands behind the last complete line is nothing, or the beginning of the line that `expected` begins.
fn is_torn(tail: &[u8], expected: Option<&str>) -> bool {
    let expected = expected.unwrap_or_default().as_bytes();
    tail.is_empty() || expected.starts_with(tail) || (!expected.is_empty() && tail.starts_with(expected))
}

/// Whether a line is the one that this sweep writes for `seed` in `cell`.
fn check(line: &Line, sweep: &str, cell: &Cell, seed: Option<u64>) -> Result<(), String> {
    if line.sweep != sweep {
        return Err("this is a line of another sweep: the file, --set, --without, --case, --param, --metric, --hazards, \
                    --swarm or the version differ. Give the same again, another --out, or leave out --resume"
            .into());
    }
    if Some(line.seed) != seed {
        let expected = seed.map_or_else(|| "no more".to_owned(), |seed| seed.to_string());
        return Err(format!(
            "this line has seed {}, and {expected} is expected here: --seeds starts elsewhere, or lines are missing",
            line.seed
        ));
    }
    let parameters = line.param.as_ref().map_or(&[][..], |param| &param.0);
    if parameters != cell.parameters.as_slice() {
        return Err("this line has other parameters than are expected here: lines are missing".into());
    }
    Ok(())
}

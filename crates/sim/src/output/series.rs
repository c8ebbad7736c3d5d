//! Series: how the named connections of a run stand over time, as lines of CSV.

use std::io::{self, Write};

use faultwire_base::{Duration, Instant};
use faultwire_link::NameId;
use faultwire_tcp::{Info, State};

use super::legend::Legend;
use crate::record::{Event, Record, Sink};

/// The first line of a file: what the columns are. Times are in nanoseconds, sizes in octets; a field is empty where
/// there is no value yet.
pub const SERIES_HEADING: &str = "case,at_ns,connection,state,cwnd,ssthresh,srtt_ns,rttvar_ns,rto_ns,bytes_in_flight,send_window,receive_window";

/// A sink that keeps a row whenever a figure of a named connection has changed.
#[derive(Clone, Debug, Default)]
pub struct Series {
    rows: Vec<(Instant, NameId, Figures)>,
    /// The last figures of each name.
    last: Vec<Option<Figures>>,
}

/// What a row holds of [`Info`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Figures {
    state: State,
    congestion_window: u64,
    slow_start_threshold: Option<u64>,
    smoothed_rtt: Option<Duration>,
    rtt_variation: Duration,
    rto: Duration,
    in_flight: u32,
    send_window: u64,
    receive_window: u64,
}

impl Series {
    /// An empty series.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes the rows of a case in order of time, without the heading.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&self, out: &mut impl Write, case: &str, legend: &Legend) -> io::Result<()> {
        let case = field(case);
        for (at, name, figures) in &self.rows {
            let connection = field(legend.socket(*name));
            let number = |value: Option<u64>| value.map_or_else(String::new, |value| value.to_string());
            writeln!(
                out,
                "{case},{},{connection},{},{},{},{},{},{},{},{},{}",
                at.as_nanos(),
                figures.state.as_str(),
                figures.congestion_window,
                number(figures.slow_start_threshold),
                number(figures.smoothed_rtt.map(Duration::as_nanos)),
                figures.rtt_variation.as_nanos(),
                figures.rto.as_nanos(),
                figures.in_flight,
                figures.send_window,
                figures.receive_window,
            )?;
        }
        Ok(())
    }
}

impl Sink for Series {
    const WANTS_SAMPLES: bool = true;

    fn record(&mut self, record: &Record<'_>) {
        let Event::Sample { name, info, in_flight } = record.event else { return };
        let figures = Figures::of(info, in_flight);
        let index = name.0 as usize;
        if self.last.len() <= index {
            self.last.resize(index + 1, None);
        }
        if self.last[index].replace(figures) == Some(figures) {
            return;
        }
        self.rows.push((record.at, name, figures));
    }
}

impl Figures {
    fn of(info: &Info, in_flight: u32) -> Self {
        Self {
            state: info.state,
            congestion_window: info.congestion_window,
            slow_start_threshold: info.slow_start_threshold,
            smoothed_rtt: info.rtt,
            rtt_variation: info.rtt_variation,
            rto: info.rto,
            in_flight,
            send_window: info.send_window,
            receive_window: info.receive_window,
        }
    }
}

/// A field of CSV, quoted where it must be (RFC 4180 §2).
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

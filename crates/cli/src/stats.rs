//! How fast a run was on this machine. Never part of the report, which is the same everywhere.

use std::fs;

use serde::Serialize;

/// What `--stats` writes; `null` where this system does not tell.
#[derive(Debug, Serialize)]
pub(crate) struct Stats {
    faultwire_version: &'static str,
    /// Time that the simulating thread ran on a processor.
    cpu_time_ns: Option<u64>,
    wall_time_ns: u64,
    events: u64,
    packets_sent: u64,
    events_per_cpu_second: Option<u64>,
    packets_per_cpu_second: Option<u64>,
    /// The most memory that the process had at a time.
    peak_memory_bytes: Option<u64>,
}

impl Stats {
    pub(crate) fn new(cpu_time_ns: Option<u64>, wall_time_ns: u64, events: u64, packets_sent: u64) -> Self {
        let per_second = |count: u64| {
            let time = cpu_time_ns.filter(|&time| time > 0)?;
            u64::try_from(u128::from(count) * 1_000_000_000 / u128::from(time)).ok()
        };
        Self {
            faultwire_version: env!("CARGO_PKG_VERSION"),
            cpu_time_ns,
            wall_time_ns,
            events,
            packets_sent,
            events_per_cpu_second: per_second(events),
            packets_per_cpu_second: per_second(packets_sent),
            peak_memory_bytes: peak_memory(),
        }
    }
}

/// A watch on the wall, for figures beside the run only.
#[expect(clippy::disallowed_types, reason = "measures the host, never the simulation")]
pub(crate) struct Stopwatch(std::time::Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_types, reason = "measures the host, never the simulation")]
    pub(crate) fn start() -> Self {
        Self(std::time::Instant::now())
    }

    pub(crate) fn nanos(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Nanoseconds that this thread ran on a processor (Linux).
pub(crate) fn thread_cpu_nanos() -> Option<u64> {
    let schedstat = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    schedstat.split_whitespace().next()?.parse().ok()
}

/// Peak resident memory of this process in octets (Linux).
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

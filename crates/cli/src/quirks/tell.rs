//! Quirks in words: the list, and the rows of the benchmark's table.

use std::fmt::Write as _;

use faultwire_sim::plan::Quirk;

use super::bench::{Bench, Row};

/// Each quirk with what it does and where it comes from.
pub(super) fn list(quirks: &[Quirk]) -> String {
    let mut text = String::new();
    for quirk in quirks {
        writeln!(text, "{}\n    {}\n    {}", quirk.as_str(), quirk.what(), quirk.source())
            .expect("a string takes everything");
    }
    text.push_str("\nTo give one to a host: --set 'hosts.NAME.quirks=[\"no_paws\"]', or \"quirks\": [\"no_paws\"] in the file.\n");
    text
}

/// What is going to be done, and the columns.
pub(super) fn head(bench: &Bench) -> String {
    format!(
        "Hunts: {}, each with the quirk on the client and on the server. Seeds: {}..={}\n\n{:<30}{:<16}{:<8}{:>6}{:>8}{:>9}\n",
        bench.hunts(),
        bench.seeds().first,
        bench.seeds().last,
        "quirk",
        "found by",
        "on",
        "seeds",
        "faults",
        "time"
    )
}

/// One line; a second one if something is not as it should be.
pub(super) fn row(quirk: Quirk, row: &Row) -> String {
    let name = quirk.as_str();
    let seconds = row.time.as_secs_f64();
    let Some(found) = &row.found else {
        return format!("{name:<30}{:<16}{:<8}{:>6}{:>8}{seconds:>7.1} s\n", "not found", "", "", "");
    };
    let mut text = format!(
        "{name:<30}{:<16}{:<8}{:>6}{:>8}{seconds:>7.1} s\n",
        found.hunt, found.host, found.seeds, found.faults
    );
    for trouble in &found.troubles {
        writeln!(text, "    {trouble}").expect("a string takes everything");
    }
    text
}

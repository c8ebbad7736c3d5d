//! What a user reads when faultwire itself is at fault.

use std::panic::{self, PanicHookInfo};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{repeat, terminal};

/// The seed in hand plus one; 0 for none. The hook has no other way to know it.
static SEED: AtomicU64 = AtomicU64::new(0);

/// Says which seed is being run, for the report.
pub(crate) fn note_seed(seed: u64) {
    SEED.store(seed.wrapping_add(1), Ordering::Relaxed);
}

/// Makes every panic a report that can be sent in.
pub(crate) fn install() {
    let command: Vec<String> =
        std::env::args_os().map(|word| repeat::quoted(&word.to_string_lossy())).collect();
    let command = command.join(" ");
    panic::set_hook(Box::new(move |info| terminal::note(&report(info, &command))));
}

fn report(info: &PanicHookInfo<'_>, command: &str) -> String {
    let payload = info.payload();
    let message = payload.downcast_ref::<&str>().copied();
    let message =
        message.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    let place =
        info.location().map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
    let seed = SEED.load(Ordering::Relaxed).checked_sub(1);
    text(&format!("{message}{place}"), command, seed)
}

/// What to send in.
fn text(what: &str, command: &str, seed: Option<u64>) -> String {
    let seed = seed.map_or_else(|| "none yet".to_owned(), |seed| seed.to_string());
    format!(
        "internal error: {what}\n\
         This is a bug of faultwire. Please report it at {}/issues with the experiment and these lines:\n  \
         command: {command}\n  version: faultwire {}\n  seed: {seed}",
        env!("CARGO_PKG_REPOSITORY"),
        env!("CARGO_PKG_VERSION"),
    )
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn a_report_has_all_that_is_needed_to_repeat() {
        let text = text("index out of bounds at a.rs:1", "faultwire run a.json", Some(7));
        for part in [
            "internal error: index out",
            "/issues",
            "faultwire run a.json",
            "seed: 7",
            "version: faultwire 0.",
        ] {
            assert!(text.contains(part), "{part}");
        }
    }
}

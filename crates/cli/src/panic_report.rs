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
    let seed = match SEED.load(Ordering::Relaxed) {
        0 => "none yet".to_owned(),
        seed => seed.wrapping_sub(1).to_string(),
    };
    format!(
        "internal error: {message}{place}\n\
         This is a bug of faultwire. Please report it at {}/issues with the experiment and these lines:\n  \
         command: {command}\n  version: {} {}\n  seed: {seed}",
        env!("CARGO_PKG_REPOSITORY"),
        "faultwire",
        env!("CARGO_PKG_VERSION"),
    )
}

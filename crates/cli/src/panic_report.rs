//! What a user reads when faultwire itself is at fault.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{repeat, terminal};

/// The seed in hand plus one; 0 for none. The hook has no other way to know it.
static SEED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Who tells of a panic of this thread.
    static TELLING: Cell<Telling> = const { Cell::new(Telling::Hook) };
    /// What is to be told of this thread's last panic by whoever caught it.
    static CAUGHT: Cell<String> = const { Cell::new(String::new()) };
}

/// Who tells of a panic, and in what length.
#[derive(Clone, Copy)]
enum Telling {
    /// The hook, at once.
    Hook,
    /// Whoever catches it, with all that is needed to send it in.
    Report,
    /// Whoever catches it, by its message and place.
    Sentence,
}

/// Says which seed is being run, for the report.
pub(crate) fn note_seed(seed: u64) {
    SEED.store(seed.wrapping_add(1), Ordering::Relaxed);
}

/// Makes every panic a report that can be sent in.
pub(crate) fn install() {
    let command: Vec<String> =
        std::env::args_os().map(|word| repeat::quoted(&word.to_string_lossy())).collect();
    let command = command.join(" ");
    panic::set_hook(Box::new(move |info| match TELLING.get() {
        Telling::Hook => terminal::note(&report(info, &command)),
        Telling::Report => CAUGHT.set(report(info, &command)),
        Telling::Sentence => CAUGHT.set(sentence(info)),
    }));
}

/// Does some work; if it panics, the report that can be sent in, which is then printed by nobody else.
///
/// # Errors
/// That report.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    caught_telling(Telling::Report, work)
}

/// What to say of a candidate of a shrink that panicked, which is a bug beside the one that was shrunk.
pub(crate) fn of_candidate(panicked: &str) -> String {
    format!(
        "one of the smaller experiments was left out, since it met an internal error: {panicked}. This is a bug of \
         faultwire; please report it at {}/issues with the experiment and the command",
        env!("CARGO_PKG_REPOSITORY")
    )
}

/// Does some work; if it panics, its message and the place in the code, which nobody else prints.
///
/// # Errors
/// That message.
pub(crate) fn caught_in_a_sentence(work: &mut dyn FnMut()) -> Result<(), String> {
    caught_telling(Telling::Sentence, work)
}

fn caught_telling<T>(telling: Telling, work: impl FnOnce() -> T) -> Result<T, String> {
    let before = TELLING.replace(telling);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    TELLING.set(before);
    result.map_err(|payload| match CAUGHT.take() {
        // No hook of ours is installed, as in tests.
        told if told.is_empty() => what(&*payload).unwrap_or("no message").to_owned(),
        told => told,
    })
}

fn report(info: &PanicHookInfo<'_>, command: &str) -> String {
    let seed = SEED.load(Ordering::Relaxed).checked_sub(1);
    text(&sentence(info), command, seed)
}

/// The message of a panic and its place.
fn sentence(info: &PanicHookInfo<'_>) -> String {
    let message = what(info.payload()).unwrap_or("no message");
    let place =
        info.location().map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
    format!("{message}{place}")
}

/// The words of a panic.
fn what(payload: &(dyn Any + Send)) -> Option<&str> {
    let message = payload.downcast_ref::<&str>().copied();
    message.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

/// What to send in.
fn text(what: &str, command: &str, seed: Option<u64>) -> String {
    let seed = seed.map_or_else(|| "none yet".to_owned(), |seed| seed.to_string());
    format!(
        "internal error: {what}\n\
         This is a bug of faultwire. Please report it at {}/issues with the experiment or script and these lines:\n  \
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

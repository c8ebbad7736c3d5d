//! Runs work on a thread of its own, so that an interrupt ends the command and keeps what is finished.

use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc;
use std::thread;

/// How the work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// All of it was done.
    Done,
    /// The user interrupted it.
    Interrupted,
    /// It panicked; the report has been printed.
    Panicked,
}

enum Message<T> {
    Result(T),
    End(Ending),
}

/// Runs `work`, which gives results one by one to the function it receives; `take` gets them on this thread.
///
/// # Errors
/// The first error of `take`.
pub(crate) fn work<T: Send + 'static>(
    work: impl FnOnce(&mut dyn FnMut(T)) + Send + 'static,
    mut take: impl FnMut(T) -> anyhow::Result<()>,
) -> anyhow::Result<Ending> {
    let (sender, receiver) = mpsc::channel();
    let interrupt = sender.clone();
    ctrlc::set_handler(move || {
        // The receiver is gone only when the command ends anyway.
        let _ = interrupt.send(Message::End(Ending::Interrupted));
    })?;
    thread::spawn(move || {
        let give = sender.clone();
        let result = panic::catch_unwind(AssertUnwindSafe(|| {
            work(&mut |result| {
                let _ = give.send(Message::Result(result));
            });
        }));
        let ending = if result.is_ok() { Ending::Done } else { Ending::Panicked };
        let _ = sender.send(Message::End(ending));
    });
    for message in receiver {
        match message {
            Message::Result(result) => take(result)?,
            Message::End(ending) => return Ok(ending),
        }
    }
    Ok(Ending::Done)
}

//! Plays scripts on several threads; a panic ends the script that it struck and no other.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use rayon::ThreadPoolBuilder;

use super::find::{Source, Unreadable};
use crate::panic_report;

/// What became of one script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome<R> {
    /// It was played.
    Played {
        /// Its text.
        source: String,
        /// What playing it gave.
        report: R,
    },
    /// It can't be read.
    Unreadable(Unreadable),
    /// A bug of faultwire came between; the report of it.
    Broken(String),
}

/// Plays every source by `play` on `jobs` threads and gives each outcome with its index, as they end.
///
/// # Errors
/// If the threads can't be started.
pub(crate) fn play_all<R: Send + 'static>(
    sources: Vec<Source>,
    jobs: Option<NonZeroUsize>,
    play: impl Fn(&str) -> Result<R, Unreadable> + Send + Sync + 'static,
    give: &mut dyn FnMut((usize, Outcome<R>)),
) -> anyhow::Result<()> {
    // 0 is one for each processor.
    let threads = jobs.map_or(0, NonZeroUsize::get).min(sources.len());
    let pool = ThreadPoolBuilder::new().num_threads(threads).build()?;
    let (sender, receiver) = mpsc::channel();
    let next = AtomicUsize::new(0);
    let shared = Arc::new((sources, next, play));
    pool.spawn_broadcast(move |_| {
        let (sources, next, play) = &*shared;
        loop {
            // In turn, so that results come about in the order in which they are printed.
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(source) = sources.get(index) else { break };
            let outcome = panic_report::caught(|| outcome(source, play)).unwrap_or_else(Outcome::Broken);
            if sender.send((index, outcome)).is_err() {
                break;
            }
        }
    });
    for result in receiver {
        give(result);
    }
    Ok(())
}

fn outcome<R>(source: &Source, play: &impl Fn(&str) -> Result<R, Unreadable>) -> Outcome<R> {
    let text = match source.read() {
        Ok(text) => text,
        Err(unreadable) => return Outcome::Unreadable(unreadable),
    };
    match play(&text) {
        Ok(report) => Outcome::Played { source: text, report },
        Err(unreadable) => Outcome::Unreadable(unreadable),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// `count` scripts of this very file; each is given a number by its play.
    fn played(count: usize, jobs: usize) -> Vec<(usize, Outcome<usize>)> {
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/script/work.rs");
        let mut sources = vec![Source::File(file); count];
        sources[1] = Source::Nothing("gone".into(), "gone".into());
        let mut outcomes = Vec::new();
        let turn = AtomicUsize::new(0);
        let play = move |text: &str| {
            assert!(turn.fetch_add(1, Ordering::Relaxed) != 3, "struck");
            Ok(text.len())
        };
        play_all(sources, NonZeroUsize::new(jobs), play, &mut |given| outcomes.push(given)).unwrap();
        outcomes.sort_by_key(|(index, _)| *index);
        outcomes
    }

    #[test]
    fn a_panic_ends_its_own_script_and_no_other() {
        for jobs in [1, 2, 8] {
            let outcomes = played(40, jobs);
            let indices: Vec<usize> = outcomes.iter().map(|(index, _)| *index).collect();
            assert_eq!(indices, (0..40).collect::<Vec<_>>(), "each once");
            assert!(matches!(&outcomes[1].1, Outcome::Unreadable(why) if why.message == "gone"));
            let broken: Vec<&String> = (outcomes.iter())
                .filter_map(|(_, outcome)| match outcome {
                    Outcome::Broken(report) => Some(report),
                    _ => None,
                })
                .collect();
            assert_eq!(broken.len(), 1, "{broken:?}");
            assert!(broken[0].contains("struck"), "{}", broken[0]);
        }
    }
}

//! Trying candidates: in parallel, each once, in an order and with a count that do not depend on the number of threads.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use rayon::prelude::*;

use super::Settings;
use crate::sweep::Catch;

/// What a candidate did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It fails as the original does.
    Same,
    /// It passes, or fails in another way, or panics.
    Different,
    /// It can't be run at all; looking at it costs nothing and counts for nothing.
    Invalid,
}

/// Why trying ended before everything was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The bound on tries was reached.
    Tries,
    /// The caller wanted no more.
    Interrupted,
}

/// Something that can be tried; what it does depends on nothing but its key.
pub(crate) trait Candidate: Send + Sync {
    /// Equal for equal candidates, and for no others.
    fn key(&self) -> u128;
    /// Runs it.
    fn verdict(&self) -> Verdict;
}

/// What is known of a candidate.
#[derive(Clone, Debug)]
struct Known {
    verdict: Verdict,
    /// What it said if it panicked.
    panicked: Option<String>,
    /// Whether it has been asked for in the order of one thread. What was tried ahead of that order does not count yet.
    counted: bool,
}

/// The bench on which candidates are tried. As many as there are threads run at a time, the first success in order is
/// taken, and a try counts when one thread alone would have made it: so results and counts are the same for any number.
pub(crate) struct Trials<'a> {
    pool: rayon::ThreadPool,
    width: usize,
    known: BTreeMap<u128, Known>,
    tried: u64,
    tries_max: u64,
    cut: Option<Cut>,
    catch: Catch,
    /// What the first one said that panicked.
    panicked: Option<String>,
    watch: Box<dyn FnMut(u64) -> ControlFlow<()> + 'a>,
}

impl<'a> Trials<'a> {
    /// A bench with the threads and the bound on tries that were asked for; `watch` is told after every batch how many
    /// there were, and may end it.
    pub(crate) fn new(settings: &Settings, watch: impl FnMut(u64) -> ControlFlow<()> + 'a) -> Self {
        let Settings { jobs, tries_max, catch, .. } = *settings;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build();
        let pool = pool.expect("the operating system gives threads");
        let width = pool.current_num_threads();
        let (known, watch) = (BTreeMap::new(), Box::new(watch));
        Self { pool, width, known, tried: 0, tries_max, cut: None, catch, panicked: None, watch }
    }

    /// Different candidates run so far.
    pub(crate) fn tried(&self) -> u64 {
        self.tried
    }

    /// Why it ended, if it ended before its time.
    pub(crate) fn cut(&self) -> Option<Cut> {
        self.cut
    }

    /// What the first candidate said that panicked, in the order of one thread.
    pub(crate) fn into_panicked(self) -> Option<String> {
        self.panicked
    }

    /// The first of the candidates that fails as the original does, and its index; `None` also when trying has ended.
    pub(crate) fn first<C: Candidate>(
        &mut self,
        candidates: impl IntoIterator<Item = C>,
    ) -> Option<(usize, C)> {
        let mut candidates = candidates.into_iter().enumerate();
        loop {
            let batch: Vec<(usize, C)> = candidates.by_ref().take(self.width).collect();
            if batch.is_empty() || self.cut.is_some() {
                return None;
            }
            self.run(&batch);
            if (self.watch)(self.tried).is_break() {
                self.cut = Some(Cut::Interrupted);
                return None;
            }
            for (index, candidate) in batch {
                match self.consume(candidate.key()) {
                    Some(Verdict::Same) => return Some((index, candidate)),
                    Some(Verdict::Different | Verdict::Invalid) => {}
                    None => return None,
                }
            }
        }
    }

    /// Runs what is not known yet.
    fn run<C: Candidate>(&mut self, batch: &[(usize, C)]) {
        let new: Vec<(u128, &C)> = batch
            .iter()
            .map(|(_, candidate)| (candidate.key(), candidate))
            .filter(|(key, _)| !self.known.contains_key(key))
            .collect();
        let catch = self.catch;
        let known = |(key, candidate): (u128, &C)| {
            let mut verdict = Verdict::Different;
            let ended = catch(&mut || verdict = candidate.verdict());
            (key, Known { verdict, panicked: ended.err(), counted: false })
        };
        let verdicts: Vec<(u128, Known)> = if self.width == 1 || new.len() < 2 {
            new.into_iter().map(known).collect()
        } else {
            self.pool.install(|| new.into_par_iter().map(known).collect())
        };
        self.known.extend(verdicts);
    }

    /// The verdict on a candidate that has been run; counts it if it is new to a single thread. `None` when no try is left.
    fn consume(&mut self, key: u128) -> Option<Verdict> {
        let known = self.known.get_mut(&key).expect("the batch has been run");
        if !known.counted && known.verdict != Verdict::Invalid {
            if self.tried == self.tries_max {
                self.cut = Some(Cut::Tries);
                return None;
            }
            self.tried += 1;
        }
        known.counted = true;
        self.panicked = self.panicked.take().or_else(|| known.panicked.take());
        Some(known.verdict)
    }
}

//! Swarm testing: what each seed of a sweep changes about the experiment, besides its chances.
//!
//! A file's `swarm` names paths that vary and items that may be missing. Every entry has a coin and a value of its own,
//! drawn from a stream named by its path, so that an entry more or less moves no other entry's draws. The result is a
//! set of [`Overrides`], so that the command that repeats a seed needs nothing but `--set`, `--without` and `--seed`.

use std::fmt;

use faultwire_base::{BitRate, ByteCount, Duration, SeedTree, Stream};

use crate::experiment::Overrides;

/// What a file's `swarm` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swarm {
    pub(crate) variations: Vec<Variation>,
    pub(crate) omissions: Vec<String>,
}

/// One path that varies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variation {
    pub(crate) path: String,
    pub(crate) choice: Choice,
}

/// What a value is drawn from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    Range(Range),
    /// Values as they stand behind `--set PATH=`.
    List(Vec<String>),
}

/// Both ends of a range, in steps of its scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) scale: Scale,
    /// At least one step.
    pub(crate) min: u64,
    pub(crate) max: u64,
}

/// What a range counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Nanoseconds.
    Time,
    /// Octets.
    Size,
    /// Bits a second.
    Rate,
    /// Millionths of a percent.
    Probability,
    Packets,
    /// A bare number.
    Number,
}

impl Scale {
    /// Steps of a probability from never to always.
    pub(crate) const PROBABILITY_STEPS: u64 = 100_000_000;
}

impl Swarm {
    /// Whether it changes nothing for any seed.
    pub fn is_empty(&self) -> bool {
        self.variations.is_empty() && self.omissions.is_empty()
    }

    /// What `seed` runs: `base` (what the command line says already) and after it what this seed draws. A coin for each
    /// entry says whether it changes the file at all. What `base` sets or leaves out itself is not drawn.
    pub fn draw(&self, base: &Overrides, seed: u64) -> Overrides {
        let tree = SeedTree::new(seed);
        let mut drawn = base.clone();
        drawn.seed = Some(seed);
        for variation in &self.variations {
            let mut stream = tree.stream(&variation.path, "swarm vary");
            let (changes, word) = (coin(&mut stream), stream.next_u64());
            if changes && !base.set.iter().any(|assignment| sets(assignment, &variation.path)) {
                drawn.set.push(format!("{}={}", variation.path, variation.choice.value(word)));
            }
        }
        for name in &self.omissions {
            let is_left_out = coin(&mut tree.stream(name, "swarm omit"));
            if is_left_out && !base.without.contains(name) {
                drawn.without.push(name.clone());
            }
        }
        drawn
    }
}

fn coin(stream: &mut Stream) -> bool {
    stream.next_u64() >> 63 == 1
}

/// Whether `PATH=VALUE` sets `path`, what it is a part of, or a part of it.
fn sets(assignment: &str, path: &str) -> bool {
    let set = assignment.split_once('=').map_or(assignment, |(set, _)| set);
    let leads_into = |whole: &str, part: &str| {
        part.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    leads_into(set, path) || leads_into(path, set)
}

impl Choice {
    /// The value for one random word, as it stands behind `--set PATH=`.
    fn value(&self, word: u64) -> String {
        match self {
            Self::Range(range) => Shown { scale: range.scale, steps: range.at(word) }.to_string(),
            Self::List(values) => {
                let index = (u128::from(word) * values.len() as u128) >> 64;
                values[index as usize].clone()
            }
        }
    }
}

impl Range {
    /// The value for one random word: evenly in the logarithm, rounded to two significant digits inside the range.
    fn at(self, word: u64) -> u64 {
        let (min, max) = (libm::log(self.min as f64), libm::log(self.max as f64));
        let part = (word >> 11) as f64 / (1u64 << 53) as f64;
        let exact = libm::exp(min + part * (max - min));
        let steps = libm::round(exact).min(self.max as f64) as u64;
        two_digits(steps).clamp(self.min, self.max)
    }
}

/// Rounds to two significant decimal digits, halves up.
fn two_digits(steps: u64) -> u64 {
    let unit = 10u64.pow(steps.max(1).ilog10().saturating_sub(1));
    steps.saturating_add(unit / 2) / unit * unit
}

/// Steps of a scale in the file's words.
struct Shown {
    scale: Scale,
    steps: u64,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scale {
            Scale::Time => Duration::from_nanos(self.steps).fmt(f),
            Scale::Size => ByteCount::new(self.steps).fmt(f),
            Scale::Rate => match BitRate::from_bits_per_second(self.steps) {
                Some(rate) => rate.fmt(f),
                None => unreachable!("a range starts above zero"),
            },
            Scale::Probability => write!(f, "{}%", self.steps as f64 / 1e6),
            Scale::Packets => write!(f, "{}p", self.steps),
            Scale::Number => self.steps.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;

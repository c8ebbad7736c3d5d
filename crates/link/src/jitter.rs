//! Jitter: from random words to a deviation in nanoseconds, the same on every machine.

use faultwire_base::Stream;

use crate::config::{Distribution, Jitter};

/// What 1.0 is in a table of netem's form.
const TABLE_SCALE: i128 = 8192;
/// netem's tables end at 4 amounts.
const LARGEST: f64 = 4.0;

impl Jitter {
    /// The deviation of the next packet's delay, in nanoseconds. Takes one word (uniform, Pareto, table), two (normal)
    /// or three (Pareto-normal).
    #[inline]
    pub(crate) fn draw(&self, stream: &mut Stream) -> i64 {
        let amount = self.amount.as_nanos();
        match &self.distribution {
            Distribution::Uniform => uniform(amount, stream.next_u64()),
            Distribution::Normal => scale(normal(stream), amount),
            Distribution::Pareto => scale(pareto(stream), amount),
            Distribution::ParetoNormal => {
                let normal = normal(stream);
                scale(0.25 * normal + 0.75 * pareto(stream), amount)
            }
            Distribution::Table(table) => {
                let word = stream.next_u64();
                let index = (u128::from(word) * table.len() as u128) >> 64;
                let entry = table.get(index as usize).copied().unwrap_or(0);
                saturate(i128::from(amount) * i128::from(entry) / TABLE_SCALE)
            }
        }
    }
}

/// A whole number from `-amount` to below `amount`, netem's range.
fn uniform(amount: u64, word: u64) -> i64 {
    let steps = (u128::from(word) * u128::from(amount)) >> 63;
    saturate(steps as i128 - i128::from(amount))
}

/// A standard normal variate (Box and Muller 1958, the cosine half), cut at 4.
fn normal(stream: &mut Stream) -> f64 {
    let (radius, angle) = (fraction(stream.next_u64()), fraction(stream.next_u64()));
    let variate = libm::sqrt(-2.0 * libm::log(radius)) * libm::cos(std::f64::consts::TAU * angle);
    variate.clamp(-LARGEST, LARGEST)
}

/// A Pareto variate of shape 3, shifted and scaled as netem's table is.
fn pareto(stream: &mut Stream) -> f64 {
    let variate = 1.0 / libm::cbrt(fraction(stream.next_u64()));
    ((variate - 1.5) * (4.0 / 3.0)).min(LARGEST)
}

/// A number above 0 and at most 1, in steps of 2^-53.
fn fraction(word: u64) -> f64 {
    ((word >> 11) + 1) as f64 / (1u64 << 53) as f64
}

fn scale(variate: f64, amount: u64) -> i64 {
    libm::round(variate * amount as f64) as i64
}

fn saturate(nanos: i128) -> i64 {
    nanos.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

#[cfg(test)]
mod tests;

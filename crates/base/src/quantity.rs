//! Quantities with units: bytes, bit rates, probabilities, and the one parser behind them.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

use thiserror::Error;

use crate::time::Duration;

/// Why a text is not the quantity that was asked for. The message names the remedy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QuantityError {
    /// A number without its unit.
    #[error("{text:?} has no unit: write {what} like {example:?}")]
    MissingUnit {
        /// What was written.
        text: String,
        /// The kind of quantity, with its article.
        what: &'static str,
        /// A valid example.
        example: String,
    },
    /// A unit that this quantity does not have.
    #[error("{unit:?} is no unit of {what}: use one of {units}")]
    UnknownUnit {
        /// The unit as written.
        unit: String,
        /// The kind of quantity, with its article.
        what: &'static str,
        /// The units that exist.
        units: String,
    },
    /// Not a non-negative decimal number.
    #[error("{text:?} is not {what}: write it like {example:?}")]
    NotANumber {
        /// What was written.
        text: String,
        /// The kind of quantity, with its article.
        what: &'static str,
        /// A valid example.
        example: String,
    },
    /// More digits after the point than the smallest step can hold.
    #[error("{text:?} is finer than the smallest step of {what}")]
    TooFine {
        /// What was written.
        text: String,
        /// The kind of quantity, with its article.
        what: &'static str,
    },
    /// Out of the range of the quantity.
    #[error("{text:?} is too large for {what}")]
    TooLarge {
        /// What was written.
        text: String,
        /// The kind of quantity, with its article.
        what: &'static str,
    },
    /// A negative value.
    #[error("{text:?} is negative, and {what} can't be")]
    Negative {
        /// What was written.
        text: String,
        /// The kind of quantity, with its article.
        what: &'static str,
    },
}

/// One unit: its suffix and its size in base units.
pub(crate) struct Unit {
    pub(crate) suffix: &'static str,
    pub(crate) scale: u64,
}

/// Parses `<decimal><unit>` exactly; no float is involved.
pub(crate) fn parse(
    text: &str,
    what: &'static str,
    example: &str,
    units: &[Unit],
) -> Result<u64, QuantityError> {
    let trimmed = text.trim();
    if trimmed.starts_with('-') {
        return Err(QuantityError::Negative { text: text.into(), what });
    }
    let split = trimmed.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(trimmed.len());
    let (number, unit) = (&trimmed[..split], trimmed[split..].trim());
    let not_a_number = || QuantityError::NotANumber { text: text.into(), what, example: example.into() };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.contains('.') {
        return Err(not_a_number());
    }
    if unit.is_empty() {
        let units_of_example = example.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let example = format!("{number}{units_of_example}");
        return Err(QuantityError::MissingUnit { text: text.into(), what, example });
    }
    let Some(unit) = units.iter().find(|known| known.suffix == unit) else {
        let units = units.iter().map(|unit| unit.suffix).collect::<Vec<_>>().join(", ");
        return Err(QuantityError::UnknownUnit { unit: unit.into(), what, units });
    };
    let too_large = || QuantityError::TooLarge { text: text.into(), what };
    let whole: u64 = whole.parse().map_err(|_| too_large())?;
    let fraction = fraction.trim_end_matches('0');
    let too_fine = || QuantityError::TooFine { text: text.into(), what };
    let steps: u128 = if fraction.is_empty() {
        0
    } else {
        let digits: u128 = fraction.parse().map_err(|_| too_fine())?;
        let divisor = 10u128.checked_pow(fraction.len() as u32).ok_or_else(too_fine)?;
        let scaled = digits.checked_mul(u128::from(unit.scale)).ok_or_else(too_fine)?;
        if !scaled.is_multiple_of(divisor) {
            return Err(too_fine());
        }
        scaled / divisor
    };
    u64::try_from(u128::from(whole) * u128::from(unit.scale) + steps).map_err(|_| too_large())
}

/// Writes a value in the largest unit in which it is whole.
fn write_exact(f: &mut fmt::Formatter<'_>, value: u64, units: &[Unit]) -> fmt::Result {
    let unit = units
        .iter()
        .find(|unit| value != 0 && value.is_multiple_of(unit.scale))
        .unwrap_or(&units[units.len() - 1]);
    write!(f, "{}{}", value / unit.scale, unit.suffix)
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteCount(u64);

const BYTE_UNITS: &[Unit] = &[
    Unit { suffix: "TiB", scale: 1 << 40 },
    Unit { suffix: "GiB", scale: 1 << 30 },
    Unit { suffix: "MiB", scale: 1 << 20 },
    Unit { suffix: "KiB", scale: 1 << 10 },
    Unit { suffix: "TB", scale: 1_000_000_000_000 },
    Unit { suffix: "GB", scale: 1_000_000_000 },
    Unit { suffix: "MB", scale: 1_000_000 },
    Unit { suffix: "kB", scale: 1_000 },
    Unit { suffix: "B", scale: 1 },
];

impl ByteCount {
    /// No byte.
    pub const ZERO: Self = Self(0);

    /// `bytes` bytes.
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The number of bytes.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl Add for ByteCount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for ByteCount {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sub for ByteCount {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl FromStr for ByteCount {
    type Err = QuantityError;

    /// Parses `"64KiB"`, `"1500B"`, `"10MB"` (binary units with an i, decimal ones without).
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        parse(text, "a size", "64KiB", BYTE_UNITS).map(Self)
    }
}

impl fmt::Display for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_exact(f, self.0, BYTE_UNITS)
    }
}

/// A rate in bits per second, never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BitRate(u64);

const RATE_UNITS: &[Unit] = &[
    Unit { suffix: "Tbit", scale: 1_000_000_000_000 },
    Unit { suffix: "Gbit", scale: 1_000_000_000 },
    Unit { suffix: "Mbit", scale: 1_000_000 },
    Unit { suffix: "kbit", scale: 1_000 },
    Unit { suffix: "bit", scale: 1 },
    Unit { suffix: "Gbps", scale: 1_000_000_000 },
    Unit { suffix: "Mbps", scale: 1_000_000 },
    Unit { suffix: "kbps", scale: 1_000 },
];

impl BitRate {
    /// `bits` bits per second; a rate of zero is no rate.
    pub const fn from_bits_per_second(bits: u64) -> Option<Self> {
        if bits == 0 { None } else { Some(Self(bits)) }
    }

    /// Bits per second.
    pub const fn bits_per_second(self) -> u64 {
        self.0
    }

    /// Time to put `size` on the wire, rounded up to a nanosecond.
    pub fn time_for(self, size: ByteCount) -> Duration {
        let nanos = (u128::from(size.as_u64()) * 8 * 1_000_000_000).div_ceil(u128::from(self.0));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl FromStr for BitRate {
    type Err = QuantityError;

    /// Parses `"10Mbit"` (also `"10Mbps"`, megabits: unlike tc, where that is megabytes).
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let what = "a rate";
        let bits = parse(text, what, "10Mbit", RATE_UNITS)?;
        Self::from_bits_per_second(bits).ok_or_else(|| QuantityError::NotANumber {
            text: text.into(),
            what,
            example: "10Mbit".into(),
        })
    }
}

impl fmt::Display for BitRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_exact(f, self.0, RATE_UNITS)
    }
}

/// A probability, as a fixed-point fraction with 63 bits, so that 0 % and 100 % are exact and a decision is one
/// integer comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Probability(u64);

impl Probability {
    /// Never.
    pub const NEVER: Self = Self(0);
    /// Always.
    pub const ALWAYS: Self = Self(1 << 63);

    /// `numerator / denominator`, rounded down; more than one is refused.
    pub fn from_ratio(numerator: u64, denominator: u64) -> Option<Self> {
        if denominator == 0 || numerator > denominator {
            return None;
        }
        Some(Self(((u128::from(numerator) << 63) / u128::from(denominator)) as u64))
    }

    /// Decides with one random word.
    #[inline]
    pub const fn hits(self, word: u64) -> bool {
        word >> 1 < self.0
    }

    /// The probability that this does not happen.
    pub const fn complement(self) -> Self {
        Self(Self::ALWAYS.0 - self.0)
    }

    /// As a float, for display and statistics only.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / (1u64 << 63) as f64
    }
}

/// Percent in units of 10^-12 %.
const PERCENT_UNITS: &[Unit] = &[Unit { suffix: "%", scale: 1_000_000_000_000 }];

impl FromStr for Probability {
    type Err = QuantityError;

    /// Parses `"1%"`, `"0.05%"`. A bare fraction is refused: is 0.01 one percent or one in ten thousand?
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let what = "a probability";
        let steps = parse(text, what, "1%", PERCENT_UNITS)?;
        Self::from_ratio(steps, 100_000_000_000_000)
            .ok_or_else(|| QuantityError::TooLarge { text: text.into(), what })
    }
}

impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", (self.as_f64() * 1e8).round() / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!("20KiB".parse::<ByteCount>().unwrap(), ByteCount::new(20_480));
        assert_eq!("1.5kB".parse::<ByteCount>().unwrap(), ByteCount::new(1_500));
        assert_eq!(ByteCount::new(20_480).to_string(), "20KiB");
        assert_eq!(ByteCount::ZERO.to_string(), "0B");
        let error = "20".parse::<ByteCount>().unwrap_err().to_string();
        assert_eq!(error, "\"20\" has no unit: write a size like \"20KiB\"");
        assert!("20000000TiB".parse::<ByteCount>().is_err());
        assert!("0.3B".parse::<ByteCount>().is_err());
    }

    #[test]
    fn rates() {
        let rate: BitRate = "10Mbit".parse().unwrap();
        // O11: 1500 B at 10 Mbit/s is 1.2 ms.
        assert_eq!(rate.time_for(ByteCount::new(1_500)), Duration::from_micros(1_200));
        assert_eq!("3Mbps".parse::<BitRate>().unwrap().to_string(), "3Mbit");
        assert!("0Mbit".parse::<BitRate>().is_err());
    }

    #[test]
    fn probabilities() {
        let sure: Probability = "100%".parse().unwrap();
        assert!(sure.hits(u64::MAX) && sure == Probability::ALWAYS);
        assert!(!"0%".parse::<Probability>().unwrap().hits(0));
        assert!("101%".parse::<Probability>().is_err());
        assert!("0.5".parse::<Probability>().is_err());
        assert_eq!("0.05%".parse::<Probability>().unwrap().to_string(), "0.05%");
    }
}

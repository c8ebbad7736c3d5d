//! What can be said of many runs: proportions and means with their intervals. Nothing of a simulation depends on it.

/// z of a two-sided interval of 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// An interval that holds the true value in 95 of 100 sweeps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// How many of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proportion {
    /// So many...
    pub count: u64,
    /// ...of so many.
    pub of: u64,
}

impl Proportion {
    /// Counts one more.
    pub fn add(&mut self, counts: bool) {
        self.count += u64::from(counts);
        self.of += 1;
    }

    /// From 0 to 1; `None` of nothing.
    pub fn value(self) -> Option<f64> {
        (self.of > 0).then(|| self.count as f64 / self.of as f64)
    }

    /// Wilson's score interval, which is right for small numbers and for proportions of 0 and 1 too.
    pub fn interval(self) -> Option<Interval> {
        let (p, n) = (self.value()?, self.of as f64);
        let scale = 1.0 + Z * Z / n;
        let center = (p + Z * Z / (2.0 * n)) / scale;
        let half = Z / scale * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        // Rounding must not take the value itself out of its interval.
        Some(Interval { low: (center - half).clamp(0.0, p), high: (center + half).clamp(p, 1.0) })
    }
}

/// A mean that is kept in constant memory (Welford's method).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mean {
    count: u64,
    mean: f64,
    /// Sum of squared distances from the mean.
    squares: f64,
}

impl Mean {
    /// Takes one more value in.
    pub fn add(&mut self, value: f64) {
        self.count += 1;
        let distance = value - self.mean;
        self.mean += distance / self.count as f64;
        self.squares += distance * (value - self.mean);
    }

    /// How many values.
    pub fn count(self) -> u64 {
        self.count
    }

    /// Their mean; `None` of no value.
    pub fn value(self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// Student's interval around the mean; `None` of fewer than two values.
    pub fn interval(self) -> Option<Interval> {
        let freedom = self.count.checked_sub(1).filter(|&freedom| freedom > 0)?;
        let error = (self.squares / freedom as f64 / self.count as f64).sqrt();
        let half = student(freedom) * error;
        Some(Interval { low: self.mean - half, high: self.mean + half })
    }
}

/// The 97.5 % quantile of Student's distribution. From five degrees on an expansion around the normal one, right to
/// three digits behind the point (Abramowitz and Stegun, 26.7.5).
fn student(freedom: u64) -> f64 {
    match freedom {
        1 => 12.706_205,
        2 => 4.302_653,
        3 => 3.182_446,
        4 => 2.776_445,
        _ => {
            // Each term is the one before in powers of z² and of 1/n.
            let (n, z2) = (freedom as f64, Z * Z);
            let terms = [
                (z2 + 1.0) / 4.0,
                ((5.0 * z2 + 16.0) * z2 + 3.0) / 96.0,
                (((3.0 * z2 + 19.0) * z2 + 17.0) * z2 - 15.0) / 384.0,
                ((((79.0 * z2 + 776.0) * z2 + 1_482.0) * z2 - 1_920.0) * z2 - 945.0) / 92_160.0,
            ];
            Z * (1.0 + terms.into_iter().rev().fold(0.0, |sum, term| (sum + term) / n))
        }
    }
}

#[cfg(test)]
mod tests;

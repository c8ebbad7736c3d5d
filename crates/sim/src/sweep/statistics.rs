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

/// How the same seeds ended under two conditions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paired {
    /// Failed under the first, passed under the second.
    pub gained: u64,
    /// Passed under the first, failed under the second.
    pub lost: u64,
    /// Ended alike.
    pub equal: u64,
}

impl Paired {
    /// Counts one more seed.
    pub fn add(&mut self, first: bool, second: bool) {
        match (first, second) {
            (false, true) => self.gained += 1,
            (true, false) => self.lost += 1,
            _ => self.equal += 1,
        }
    }

    /// All seeds.
    pub fn count(self) -> u64 {
        self.gained + self.lost + self.equal
    }

    /// The second proportion less the first, from -1 to 1; `None` of nothing.
    pub fn value(self) -> Option<f64> {
        let count = self.count();
        (count > 0).then(|| (self.gained as f64 - self.lost as f64) / count as f64)
    }

    /// Tango's score interval (Statistics in Medicine 17, 1998, pages 891 to 908), which has a width also where no pair
    /// differs: that no seed of so many differs does not say that none can.
    pub fn interval(self) -> Option<Interval> {
        let value = self.value()?;
        Some(Interval { low: self.end(value, -1.0), high: self.end(value, 1.0) })
    }

    /// How far from `inside` towards `outside` a true difference is still believed, by halving.
    fn end(self, mut inside: f64, mut outside: f64) -> f64 {
        if self.is_believed(outside) {
            return outside;
        }
        for _ in 0..60 {
            let middle = inside.midpoint(outside);
            if self.is_believed(middle) {
                inside = middle;
            } else {
                outside = middle;
            }
        }
        inside
    }

    /// Whether the score test leaves the true difference `delta` standing.
    fn is_believed(self, delta: f64) -> bool {
        let (gained, lost, n) = (self.gained as f64, self.lost as f64, self.count() as f64);
        // The likeliest probability of a loss if the true difference is `delta`.
        let a = 2.0 * n;
        let b = (2.0 * n - gained + lost) * delta - gained - lost;
        let c = -lost * delta * (1.0 - delta);
        let losing = ((b * b - 4.0 * a * c).max(0.0).sqrt() - b) / (2.0 * a);
        let distance = gained - lost - n * delta;
        distance * distance <= Z * Z * n * (2.0 * losing + delta * (1.0 - delta)).max(0.0)
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

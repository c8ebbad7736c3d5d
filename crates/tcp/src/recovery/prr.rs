//! Proportional rate reduction: how much may go out for what was delivered (RFC 9937, Linux `tcp_cwnd_reduction`).

/// The present reduction, in the unit of the window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prr {
    /// RecoverFS; Linux: the window at the beginning.
    basis: u64,
    delivered: u64,
    out: u64,
}

/// What an ACK brought.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// DeliveredData.
    pub(super) delivered: u64,
    /// SND.UNA advanced and nothing more was found lost.
    pub(super) safe: bool,
    pub(super) in_flight: u64,
    pub(super) threshold: u64,
    /// One segment.
    pub(super) one: u64,
}

impl Prr {
    pub(super) const fn new(basis: u64) -> Self {
        Self { basis: if basis == 0 { 1 } else { basis }, delivered: 0, out: 0 }
    }

    /// Something was sent.
    #[inline]
    pub(super) fn on_sent(&mut self, amount: u64) {
        self.out += amount;
    }

    /// The window after an ACK; `None` if it delivered nothing.
    pub(super) fn window(&mut self, step: Step) -> Option<u64> {
        if step.delivered == 0 {
            return None;
        }
        self.delivered += step.delivered;
        let mut count = if step.in_flight > step.threshold {
            let proportional = u128::from(self.delivered) * u128::from(step.threshold);
            let proportional = proportional.div_ceil(u128::from(self.basis)) as u64;
            proportional.saturating_sub(self.out)
        } else {
            let mut count = self.delivered.saturating_sub(self.out).max(step.delivered);
            if step.safe {
                count += step.one;
            }
            count.min(step.threshold - step.in_flight)
        };
        if self.out == 0 {
            // The first retransmission goes out in any case.
            count = count.max(step.one);
        }
        Some(step.in_flight + count)
    }
}

#[cfg(test)]
mod tests;

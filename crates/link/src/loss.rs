//! Models of random loss (netem's; Gilbert 1960, Elliott 1963).

use faultwire_base::Stream;

use crate::config::Loss;

/// A loss model and where it stands. It moves with every packet that is offered, whatever else becomes of that.
#[derive(Clone, Debug)]
pub(crate) struct LossProcess {
    model: Loss,
    state: State,
    /// Consecutive losses so far.
    burst: u32,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Good, or received in a gap.
    Gap,
    /// Received in a burst.
    BurstReception,
    /// Bad, or lost in a burst.
    Burst,
    /// Lost alone in a gap.
    SingleLoss,
    /// Place in a pattern.
    Pattern(usize),
}

impl LossProcess {
    pub(crate) fn new(model: Loss) -> Self {
        let state = if matches!(model, Loss::Pattern(_)) { State::Pattern(0) } else { State::Gap };
        Self { model, state, burst: 0 }
    }

    /// Whether the next packet is lost. Takes one word (random, state), two (Gilbert-Elliott) or none (pattern).
    #[inline]
    pub(crate) fn draw(&mut self, stream: &mut Stream) -> bool {
        let (lost, max_burst) = match &self.model {
            Loss::Random { probability, max_burst } => (probability.hits(stream.next_u64()), *max_burst),
            Loss::GilbertElliott { p, r, one_minus_h, one_minus_k, max_burst } => {
                let (step, word) = (stream.next_u64(), stream.next_u64());
                let bad = matches!(self.state, State::Burst);
                let (leaves, loss) = if bad { (r, one_minus_h) } else { (p, one_minus_k) };
                if leaves.hits(step) {
                    self.state = if bad { State::Gap } else { State::Burst };
                }
                (loss.hits(word), *max_burst)
            }
            Loss::State { max_burst, .. } => {
                let max_burst = *max_burst;
                (self.step_of_four(stream.next_u64()), max_burst)
            }
            Loss::Pattern(pattern) => {
                let State::Pattern(at) = self.state else { unreachable!("a pattern has only places") };
                self.state = State::Pattern(if at + 1 < pattern.len() { at + 1 } else { 0 });
                (pattern.get(at).copied().unwrap_or(false), None)
            }
        };
        let lost = lost && max_burst.is_none_or(|most| self.burst < most);
        self.burst = if lost { self.burst.saturating_add(1) } else { 0 };
        lost
    }

    /// One step of netem's four-state chain; a packet is judged by the state it leads to. Of two events of one step,
    /// the first takes the low end of the word's range and the second the high end, so that they exclude each other.
    fn step_of_four(&mut self, word: u64) -> bool {
        let Loss::State { p13, p31, p32, p23, p14, .. } = &self.model else {
            unreachable!("the caller matched")
        };
        self.state = match self.state {
            State::Gap if p14.hits(word) => State::SingleLoss,
            State::Gap if p13.hits(!word) => State::Burst,
            State::BurstReception if p23.hits(word) => State::Burst,
            State::BurstReception => State::BurstReception,
            State::Burst if p32.hits(word) => State::BurstReception,
            State::Burst if !p31.hits(!word) => State::Burst,
            State::Gap | State::Burst | State::SingleLoss | State::Pattern(_) => State::Gap,
        };
        matches!(self.state, State::Burst | State::SingleLoss)
    }
}

#[cfg(test)]
mod tests;

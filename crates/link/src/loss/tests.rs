//! O9: loss models against their theory, at a million packets.

use faultwire_base::{Probability, SeedTree, Stream};

use super::LossProcess;
use crate::config::Loss;

const PACKETS: u32 = 1_000_000;

/// What a run of a model shows.
struct Run {
    /// Part of the packets that is lost.
    rate: f64,
    /// Lengths of runs of losses.
    bursts: Vec<u32>,
    /// Part of the packets that is lost right after another.
    rate_of_pairs: f64,
}

impl Run {
    fn of(model: Loss, seed: u64) -> Self {
        let mut process = LossProcess::new(model);
        let mut stream = SeedTree::new(seed).stream("wire>b", "loss");
        let mut bursts = Vec::new();
        let (mut lost, mut burst, mut pairs) = (0u32, 0u32, 0u32);
        for _ in 0..PACKETS {
            if process.draw(&mut stream) {
                lost += 1;
                pairs += u32::from(burst > 0);
                burst += 1;
            } else if burst > 0 {
                bursts.push(burst);
                burst = 0;
            }
        }
        let part = |count: u32| f64::from(count) / f64::from(PACKETS);
        Self { rate: part(lost), bursts, rate_of_pairs: part(pairs) }
    }

    /// Correlation of the losses of neighbours.
    fn correlation(&self) -> f64 {
        (self.rate_of_pairs - self.rate * self.rate) / (self.rate * (1.0 - self.rate))
    }

    fn mean_burst(&self) -> f64 {
        f64::from(self.bursts.iter().sum::<u32>()) / self.bursts.len() as f64
    }
}

fn ratio(numerator: u64, denominator: u64) -> Probability {
    Probability::from_ratio(numerator, denominator).unwrap()
}

fn gilbert(p: Probability, r: Probability) -> Loss {
    let (one_minus_h, one_minus_k) = (Probability::ALWAYS, Probability::NEVER);
    Loss::GilbertElliott { p, r, one_minus_h, one_minus_k, max_burst: None }
}

fn close(observed: f64, expected: f64, tolerance: f64) -> bool {
    ((observed - expected) / expected).abs() <= tolerance
}

#[test]
fn random_loss_is_binomial() {
    for (numerator, denominator) in [(1, 100), (1, 2), (1, 10_000)] {
        let probability = ratio(numerator, denominator);
        let run = Run::of(Loss::Random { probability, max_burst: None }, 1);
        let p = probability.as_f64();
        let deviation = (p * (1.0 - p) / f64::from(PACKETS)).sqrt();
        assert!((run.rate - p).abs() < 3.3 * deviation, "{} for {p}", run.rate);
        // Each packet alone: the correlation of independent neighbours has a deviation of 1 / sqrt(n).
        assert!(run.correlation().abs() < 3.3 / f64::from(PACKETS).sqrt(), "{} for {p}", run.correlation());
    }
}

#[test]
fn gilbert_loss_burst_length_and_correlation_are_as_computed() {
    // O9: loss p / (p + r), mean burst 1 / r, correlation of neighbours 1 - p - r, within 5 %.
    for (p, r, loss, burst) in [(10u32, 300u32, 0.03226, 3.333), (5, 100, 0.04762, 10.0)] {
        let run = Run::of(gilbert(ratio(p.into(), 1000), ratio(r.into(), 1000)), 1);
        assert!(close(run.rate, loss, 0.05), "loss {}", run.rate);
        assert!(close(run.mean_burst(), burst, 0.05), "burst {}", run.mean_burst());
        let correlation = 1.0 - f64::from(p + r) / 1000.0;
        assert!(close(run.correlation(), correlation, 0.05), "correlation {}", run.correlation());
    }
}

#[test]
fn gilbert_run_lengths_are_geometric() {
    // O9: chi-square over lengths 1 to 9 and 10 or more, 9 degrees of freedom: 27.88 at p = 0.001.
    let r = 0.3;
    let run = Run::of(gilbert(ratio(1, 100), ratio(3, 10)), 2);
    let mut observed = [0.0; 10];
    for burst in &run.bursts {
        observed[(*burst as usize).min(10) - 1] += 1.0;
    }
    let total = run.bursts.len() as f64;
    let mut expected: Vec<f64> = (0..9).map(|k| total * r * (1.0f64 - r).powi(k)).collect();
    expected.push(total * (1.0f64 - r).powi(9));
    let square: f64 = observed.iter().zip(&expected).map(|(o, e)| (o - e) * (o - e) / e).sum();
    assert!(square < 27.88, "chi-square {square}");
}

#[test]
fn elliott_loses_in_both_states() {
    // O9: (p * (1 - h) + r * (1 - k)) / (p + r).
    let model = Loss::GilbertElliott {
        p: ratio(1, 50),
        r: ratio(1, 5),
        one_minus_h: ratio(1, 2),
        one_minus_k: ratio(1, 100),
        max_burst: None,
    };
    let expected = (0.02 * 0.5 + 0.2 * 0.01) / 0.22;
    assert!(close(Run::of(model, 3).rate, expected, 0.05));
}

#[test]
fn four_states_lose_as_their_chain_says() {
    let (p13, p31, p32, p23, p14) = (0.02, 0.3, 0.1, 0.4, 0.01);
    let model = Loss::State {
        p13: ratio(2, 100),
        p31: ratio(3, 10),
        p32: ratio(1, 10),
        p23: ratio(4, 10),
        p14: ratio(1, 100),
        max_burst: None,
    };
    // The stationary distribution, up to a factor, with state 1 as 1: flow into state 3 is p13 + p23 * s2, out of it
    // (p31 + p32) * s3; s2 * p23 = s3 * p32.
    let s3 = p13 / p31;
    let s2 = s3 * p32 / p23;
    let s4 = p14;
    let expected = (s3 + s4) / (1.0 + s2 + s3 + s4);
    let observed = Run::of(model, 4).rate;
    assert!(close(observed, expected, 0.05), "{observed} for {expected}");
}

#[test]
fn bursts_are_capped() {
    let certain = Loss::Random { probability: Probability::ALWAYS, max_burst: Some(3) };
    let run = Run::of(certain, 1);
    assert!(run.bursts.iter().all(|burst| *burst == 3));
    assert_eq!(run.bursts.len() as u32, PACKETS / 4);
    let none = Loss::Random { probability: Probability::ALWAYS, max_burst: Some(0) };
    assert_eq!(Run::of(none, 1).rate, 0.0);
}

fn stream() -> Stream {
    SeedTree::new(1).stream("wire>b", "loss")
}

#[test]
fn a_pattern_repeats_and_takes_no_word() {
    let mut process = LossProcess::new(Loss::Pattern([false, true, true].into()));
    let mut words = stream();
    let lost: Vec<bool> = (0..7).map(|_| process.draw(&mut words)).collect();
    assert_eq!(lost, [false, true, true, false, true, true, false]);
    assert_eq!(words.next_u64(), stream().next_u64());
    assert!(!LossProcess::new(Loss::Pattern([].into())).draw(&mut words));
}

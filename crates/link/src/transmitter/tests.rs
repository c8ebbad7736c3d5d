//! O11: exact departures and the drop-tail queue.

use std::collections::VecDeque;

use faultwire_base::{BitRate, Instant};
use proptest::prelude::*;

use super::Transmitter;
use crate::config::{Queue, QueueLimit};

const UNLIMITED: Queue = Queue::DropTail { limit: QueueLimit::Packets(u32::MAX) };

fn rate(bits: u64) -> Option<BitRate> {
    BitRate::from_bits_per_second(bits)
}

fn queue(limit: QueueLimit) -> Queue {
    Queue::DropTail { limit }
}

/// Departures by the definition, in wide arithmetic.
#[derive(Default)]
struct Model {
    start: u64,
    bits: u128,
    departure: u64,
}

impl Model {
    fn enter(&mut self, now: u64, length: u32, rate: u64) -> u64 {
        if self.departure <= now {
            (self.start, self.bits) = (now, 0);
        }
        self.bits += u128::from(length) * 8;
        self.departure = self.start + (self.bits * 1_000_000_000).div_ceil(u128::from(rate)) as u64;
        self.departure
    }
}

#[test]
fn a_packet_of_1500_octets_at_10_megabit_takes_1_2_milliseconds() {
    let mut transmitter = Transmitter::new(rate(10_000_000), UNLIMITED);
    for k in 1..=100 {
        assert_eq!(transmitter.enter(Instant::ZERO, 1500), Some(Instant::from_nanos(k * 1_200_000)));
    }
}

#[test]
fn remainders_do_not_add_up() {
    // 1500 octets at 7 Mbit/s take 1714285.714... ns: after 7000 packets the error must still be none.
    let mut transmitter = Transmitter::new(rate(7_000_000), UNLIMITED);
    let last = (0..7000).map(|_| transmitter.enter(Instant::ZERO, 1500)).last().flatten();
    assert_eq!(last, Some(Instant::from_nanos(12_000_000_000)));
}

#[test]
fn first_drop_of_a_burst_is_packet_b_plus_2() {
    for limit in [0, 1, 5, 100] {
        let mut transmitter = Transmitter::new(rate(1_000_000), queue(QueueLimit::Packets(limit)));
        let accepted = (1..).take_while(|_| transmitter.enter(Instant::ZERO, 1500).is_some()).last();
        assert_eq!(accepted, Some(limit + 1));
    }
}

#[test]
fn a_place_is_free_at_the_instant_of_a_departure() {
    let mut transmitter = Transmitter::new(rate(8_000_000_000), queue(QueueLimit::Packets(0)));
    assert_eq!(transmitter.enter(Instant::ZERO, 100), Some(Instant::from_nanos(100)));
    assert_eq!(transmitter.enter(Instant::from_nanos(99), 100), None);
    assert_eq!(transmitter.enter(Instant::from_nanos(100), 100), Some(Instant::from_nanos(200)));
}

#[test]
fn a_limit_in_octets_counts_what_waits() {
    let mut transmitter = Transmitter::new(rate(8_000_000_000), queue(QueueLimit::Bytes(250)));
    let mut enter = |now, length| transmitter.enter(Instant::from_nanos(now), length).is_some();
    assert!(enter(0, 1000), "an idle link takes any packet");
    assert!(enter(0, 100) && enter(0, 100));
    assert!(!enter(0, 100), "300 would wait");
    assert!(enter(0, 50), "250 wait");
    assert!(!enter(999, 1));
    assert!(enter(1000, 100), "the first of the waiting is in service now");
}

#[test]
fn a_new_rate_holds_for_what_enters_later() {
    let mut transmitter = Transmitter::new(rate(8_000_000_000), UNLIMITED);
    transmitter.enter(Instant::ZERO, 1000);
    transmitter.set_rate(rate(800_000_000));
    assert_eq!(transmitter.enter(Instant::ZERO, 1000), Some(Instant::from_nanos(11_000)));
    transmitter.set_rate(None);
    assert_eq!(transmitter.enter(Instant::from_nanos(5), 1000), Some(Instant::from_nanos(5)));
}

#[test]
fn a_slow_link_ends_at_the_end_of_time() {
    let mut transmitter = Transmitter::new(rate(1), UNLIMITED);
    let last = (0..10).map(|_| transmitter.enter(Instant::ZERO, u32::MAX)).last().flatten();
    assert_eq!(last, Some(Instant::FAR_FUTURE));
}

fn odd_rate() -> impl Strategy<Value = u64> {
    prop_oneof![1_000u64..10_000_000, 10_000_000u64..100_000_000_000, Just(u64::MAX), Just(1_000_000_007)]
}

proptest! {
    #[test]
    fn departures_are_exact(
        rate_bits in odd_rate(),
        packets in prop::collection::vec((0u64..2_000_000, 20u32..9000), 1..400),
    ) {
        let mut transmitter = Transmitter::new(rate(rate_bits), UNLIMITED);
        let mut model = Model::default();
        let mut now = 0;
        for (gap, length) in packets {
            // Two thirds come back to back, so that busy periods are long.
            now += if gap % 3 == 0 { gap } else { 0 };
            let departure = transmitter.enter(Instant::from_nanos(now), length).map(Instant::as_nanos);
            prop_assert_eq!(departure, Some(model.enter(now, length, rate_bits)));
        }
    }

    #[test]
    fn the_queue_is_never_fuller_than_its_limit(
        limit in 0usize..8,
        packets in prop::collection::vec((0u64..3_000, 20u32..1500), 1..300),
    ) {
        let bits = 4_000_000_000;
        let mut transmitter = Transmitter::new(rate(bits), queue(QueueLimit::Packets(limit as u32)));
        let mut model = Model::default();
        let mut inside: VecDeque<u64> = VecDeque::new();
        let mut now = 0;
        for (gap, length) in packets {
            now += gap;
            inside.retain(|departure| *departure > now);
            // One is in service; the others wait.
            let expected = (inside.len() <= limit).then(|| model.enter(now, length, bits));
            inside.extend(expected);
            let departure = transmitter.enter(Instant::from_nanos(now), length).map(Instant::as_nanos);
            prop_assert_eq!(departure, expected);
        }
    }
}

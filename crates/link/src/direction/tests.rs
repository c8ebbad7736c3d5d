//! A direction as a whole.

mod chance;
pub(crate) mod packets;
mod recorded;
mod targeted;
mod timeline;
mod whole;

use faultwire_base::{Duration, Instant, PlaceId, Probability, SeedTree};
use faultwire_wire::Packet;

use super::Direction;
use crate::config::DirectionConfig;
use crate::decision::{Decision, LinkEvent};

pub(crate) fn at(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn percent(percent: u64) -> Probability {
    Probability::from_ratio(percent, 100).unwrap()
}

pub(crate) fn direction(config: &DirectionConfig) -> Direction {
    Direction::new(config, PlaceId(9), "wire>b", SeedTree::new(1))
}

/// 10 ms of delay and nothing else.
pub(crate) fn ten_milliseconds() -> DirectionConfig {
    DirectionConfig { delay: millis(10), ..DirectionConfig::default() }
}

/// Takes everything that arrives until `end`: time and packet. Advances when the direction asks for it.
pub(crate) fn arrivals(direction: &mut Direction, end: Instant) -> Vec<(Instant, Packet)> {
    let mut taken = Vec::new();
    loop {
        let next = [direction.deadline(), direction.next_arrival()].into_iter().flatten().min();
        let Some(now) = next.filter(|now| *now <= end) else { return taken };
        direction.advance(now);
        while let Some(packet) = direction.take_arrival(now) {
            taken.push((now, packet));
        }
        direction.settle();
    }
}

/// Times in milliseconds and counts of the packets' ids.
pub(crate) fn summary(arrivals: &[(Instant, Packet)]) -> Vec<(u64, u64)> {
    let line = |(at, packet): &(Instant, Packet)| (at.as_nanos() / 1_000_000, packet.tag.id.count());
    arrivals.iter().map(line).collect()
}

pub(crate) fn events(direction: &mut Direction) -> Vec<LinkEvent> {
    std::iter::from_fn(|| direction.event()).collect()
}

pub(crate) fn decisions(direction: &mut Direction) -> Vec<Decision> {
    events(direction).into_iter().map(|event| event.decision).collect()
}

pub(crate) fn assert_conserved(direction: &Direction) {
    let counters = direction.counters();
    let made = counters.offered + counters.copies;
    let gone = counters.delivered + counters.dropped.total();
    assert_eq!(made, gone + direction.in_flight_tally());
}

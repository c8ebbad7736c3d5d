//! A digest of all events so far, taken on the way: where a replay departs from its recording.

use faultwire_base::Instant;

use super::grammar::CHECKPOINTS_MAX;
use crate::fingerprint::{PlaceDigest, name_hash};
use crate::plan::Plan;
use crate::record::{Event, Record, Sink};

/// Digests at every `every`-th event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoints {
    /// Events from one digest to the next.
    pub every: u64,
    /// The digest after `every` events, after twice as many, and so on; at most 256.
    pub digests: Vec<u64>,
}

impl Default for Checkpoints {
    fn default() -> Self {
        Self { every: 1, digests: Vec::new() }
    }
}

impl Checkpoints {
    /// Events up to the last digest.
    pub(crate) fn covered(&self) -> u64 {
        self.every.saturating_mul(self.digests.len() as u64)
    }
}

/// Where a run stopped being what was recorded: somewhere after event `after`, at the latest with event `by`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    /// The last event at which both were the same; 0 if they never were.
    pub after: u64,
    /// The first event at which they are known to differ.
    pub by: u64,
    /// Virtual time of event `by`, in the run that departs.
    pub at: Instant,
}

/// A sink that takes checkpoints, and compares them with those of an earlier run.
#[derive(Clone, Debug)]
pub struct CheckpointWatch {
    taken: Checkpoints,
    expected: Option<Checkpoints>,
    departure: Option<Departure>,
    digest: PlaceDigest,
    events: u64,
    latest: Instant,
    places: Vec<u64>,
    directions: Vec<u64>,
    apps: Vec<u64>,
}

impl CheckpointWatch {
    /// A watch over a run of `plan`, which should be as `expected`.
    pub fn new(plan: &Plan, expected: Option<&Checkpoints>) -> Self {
        let places: Vec<u64> = plan.places.iter().map(|place| name_hash(place)).collect();
        Self {
            taken: Checkpoints::default(),
            expected: expected.cloned(),
            departure: None,
            digest: PlaceDigest::default(),
            events: 0,
            latest: Instant::ZERO,
            directions: plan.directions.iter().map(|direction| places[direction.place.index()]).collect(),
            places,
            apps: plan.apps.iter().map(|app| name_hash(&app.name)).collect(),
        }
    }

    /// What was taken.
    pub fn into_checkpoints(self) -> Checkpoints {
        self.taken
    }

    /// Where the run departed, if it is known to have: by a digest that differs, or by the number of its events.
    pub fn departure(&self, events_expected: u64) -> Option<Departure> {
        if self.departure.is_some() {
            return self.departure;
        }
        let passed = self.expected.as_ref().map_or(0, |expected| {
            let count = expected.digests.len() as u64;
            expected.every.saturating_mul(count.min(self.events.checked_div(expected.every).unwrap_or(0)))
        });
        let by = self.events.min(events_expected).saturating_add(1).max(passed + 1);
        (self.events != events_expected).then_some(Departure { after: passed, by, at: self.latest })
    }

    /// The last events, which no checkpoint covers any more, differ: the departure of a run that is known to be another.
    pub fn late_departure(&self, events_expected: u64) -> Departure {
        self.departure(events_expected).unwrap_or_else(|| {
            let covered = self.expected.as_ref().map_or(0, Checkpoints::covered);
            Departure { after: covered.min(self.events), by: self.events, at: self.latest }
        })
    }

    fn take(&mut self) {
        let events = self.events;
        if events.is_multiple_of(self.taken.every) {
            self.taken.digests.push(self.digest.short());
            if self.taken.digests.len() > CHECKPOINTS_MAX {
                let mut index = 0;
                self.taken.digests.retain(|_| {
                    index += 1;
                    index % 2 == 0
                });
                self.taken.every *= 2;
            }
        }
        if let Some(expected) = &self.expected
            && self.departure.is_none()
            && events.is_multiple_of(expected.every)
            && let Some(digest) = expected.digests.get((events / expected.every - 1) as usize)
            && *digest != self.digest.short()
        {
            self.departure = Some(Departure { after: events - expected.every, by: events, at: self.latest });
        }
    }
}

impl Sink for CheckpointWatch {
    fn record(&mut self, record: &Record<'_>) {
        let at = record.at;
        match record.event {
            // Given only to those that ask for them: no events that count.
            Event::Sample { .. } | Event::Called(_) => return,
            Event::Sent { packet, direction, origin: true } => {
                self.digest.sent(at, self.directions[direction.0 as usize], packet);
            }
            Event::Sent { packet, direction, origin: false } => {
                self.digest.forwarded(at, self.directions[direction.0 as usize], packet);
            }
            Event::Arrived { packet, direction } => {
                self.digest.arrived(at, self.directions[direction.0 as usize], packet);
            }
            Event::Link { event, .. } => self.digest.link(event),
            Event::Discarded { packet, reason } => self.digest.discarded(at, packet.count(), reason),
            Event::StateChanged { connection, from, to, .. } => self.digest.state(at, connection.0, from, to),
            Event::StepEnded { app, step, errno } => {
                self.digest.step(at, self.apps[app as usize], step, errno);
            }
            Event::HostChanged { change } => self.digest.host(at, change as u64),
            Event::Opened { .. } | Event::Named { .. } | Event::Injected { .. } => {}
        }
        self.digest.place(self.places[record.place.index()]);
        self.latest = at;
        self.events += 1;
        self.take();
    }
}

#[cfg(test)]
mod tests;

//! The directions that lead to one host or router, and which of them have something that has arrived.

use faultwire_base::{Instant, PlaceId};
use faultwire_engine::WakeupQueue;
use faultwire_link::Direction;

use crate::plan::{DirectionId, Plan};

/// Up to so many directions are looked through one by one; more are kept in a queue of their own.
const FEW: usize = 4;

/// The incoming directions of one place, in the order of names.
#[derive(Clone, Debug)]
pub(crate) struct Inbox {
    incoming: Vec<DirectionId>,
    /// For a place with many: when each has its next arrival, by its index in `incoming`.
    due: Option<Box<WakeupQueue>>,
}

impl Inbox {
    /// The inbox of `place`.
    pub(crate) fn new(plan: &Plan, place: PlaceId) -> Self {
        let incoming: Vec<DirectionId> = (0..)
            .map(DirectionId)
            .zip(&plan.directions)
            .filter(|(_, direction)| direction.to == place)
            .map(|(id, _)| id)
            .collect();
        let due = (incoming.len() > FEW).then(Box::default);
        Self { incoming, due }
    }

    /// Forgets what it was told.
    pub(crate) fn clear(&mut self) {
        if let Some(due) = &mut self.due {
            due.clear();
        }
    }

    /// Whether arrivals must be [told](Self::tell).
    pub(crate) fn listens(&self) -> bool {
        self.due.is_some()
    }

    /// The incoming directions.
    pub(crate) fn incoming(&self) -> &[DirectionId] {
        &self.incoming
    }

    /// Something arrives out of `incoming()[index]` at `at`.
    #[inline]
    pub(crate) fn tell(&mut self, at: Instant, index: u32) {
        if let Some(due) = &mut self.due {
            due.schedule(at, index);
        }
    }

    /// When the next packet arrives.
    #[inline]
    pub(crate) fn next_arrival(&mut self, directions: &[Direction]) -> Option<Instant> {
        if let ([direction], None) = (&self.incoming[..], &self.due) {
            return directions[direction.0 as usize].next_arrival();
        }
        match &mut self.due {
            None => self
                .incoming
                .iter()
                .filter_map(|direction| directions[direction.0 as usize].next_arrival())
                .min(),
            Some(due) => due.next_time(),
        }
    }

    /// Puts the directions out of which something may have arrived into `ready`, in the order of names: all of them if
    /// they are few. `ready` is what the last call left.
    #[inline]
    pub(crate) fn collect_due(&mut self, now: Instant, ready: &mut Vec<DirectionId>) {
        match &mut self.due {
            None => {
                if ready.len() != self.incoming.len() {
                    ready.clone_from(&self.incoming);
                }
            }
            Some(due) => {
                ready.clear();
                while let Some((_, index)) = due.pop_due(now) {
                    ready.push(self.incoming[index as usize]);
                }
                ready.sort_unstable();
            }
        }
    }
}

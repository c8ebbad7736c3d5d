//! Packets that are held after their serialisation, until they are released.

use faultwire_base::{Duration, Instant};
use faultwire_wire::Packet;

use crate::decision::By;

/// A packet that waits for its release.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) packet: Packet,
    /// When its last bit left the sender.
    pub(crate) departure: Instant,
    /// What it takes from its release on.
    pub(crate) propagation: Duration,
    pub(crate) by: By,
    /// When it is released, once that is known.
    pub(crate) until: Option<Instant>,
    /// Whether the release was known when it entered, so that its arrival has been told.
    pub(crate) foretold: bool,
}

impl Held {
    /// When it arrives if it is released at `at`.
    pub(crate) fn arrival(&self, at: Instant) -> Instant {
        at.max(self.departure).saturating_add(self.propagation)
    }
}

/// All held packets, in the order in which they entered.
#[derive(Clone, Debug, Default)]
pub(crate) struct HoldingArea {
    held: Vec<Held>,
    next_release: Option<Instant>,
    next_foretold_arrival: Option<Instant>,
}

impl HoldingArea {
    pub(crate) fn push(&mut self, held: Held) {
        self.held.push(held);
        self.look_ahead();
    }

    /// The next known release.
    pub(crate) fn next_release(&self) -> Option<Instant> {
        self.next_release
    }

    /// The next arrival of a packet whose release was known when it entered.
    #[inline]
    pub(crate) fn next_foretold_arrival(&self) -> Option<Instant> {
        self.next_foretold_arrival
    }

    /// Sets the release of those that `meant` picks, unless they are released earlier anyway.
    pub(crate) fn release(&mut self, at: Instant, meant: impl Fn(By) -> bool) {
        for held in &mut self.held {
            if meant(held.by) && held.until.is_none_or(|until| until > at) {
                held.until = Some(at);
                held.foretold = false;
            }
        }
        self.look_ahead();
    }

    /// Takes the first packet whose release has come at `at`.
    pub(crate) fn take_released(&mut self, at: Instant) -> Option<Held> {
        let first = self.held.iter().position(|held| held.until.is_some_and(|until| until <= at))?;
        let held = self.held.remove(first);
        self.look_ahead();
        Some(held)
    }

    /// Takes everything.
    pub(crate) fn take_all(&mut self) -> Vec<Held> {
        (self.next_release, self.next_foretold_arrival) = (None, None);
        std::mem::take(&mut self.held)
    }

    pub(crate) fn len(&self) -> u64 {
        self.held.len() as u64
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.held.iter().map(|held| u64::from(held.packet.length())).sum()
    }

    fn look_ahead(&mut self) {
        self.next_release = self.held.iter().filter_map(|held| held.until).min();
        let foretold = self.held.iter().filter(|held| held.foretold);
        self.next_foretold_arrival = foretold.filter_map(|held| Some(held.arrival(held.until?))).min();
    }
}

//! Changes of a direction in time: its schedule, and what each change does.

use faultwire_base::{BitRate, Duration, Instant};

use crate::config::{Change, DirectionConfig, Queue, ScheduledChange};
use crate::decision::{By, Decision, DropCause};
use crate::direction::Direction;
use crate::hold::Held;
use crate::impairments::Impairments;

/// The schedule of a direction, and what a heal goes back to.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    /// In the order of time.
    changes: Vec<ScheduledChange>,
    next: usize,
    rate: Option<BitRate>,
    delay: Duration,
    queue: Queue,
    mtu: Option<u32>,
}

impl Timeline {
    pub(crate) fn new(config: &DirectionConfig) -> Self {
        let mut changes = config.changes.clone();
        changes.sort_by_key(|change| change.at);
        let &DirectionConfig { rate, delay, queue, mtu, .. } = config;
        Self { changes, next: 0, rate, delay, queue, mtu }
    }

    /// Whether some change sets a random impairment.
    pub(crate) fn impairs(&self) -> bool {
        self.changes.iter().any(|scheduled| {
            matches!(
                scheduled.change,
                Change::SetLoss(Some(_))
                    | Change::SetJitter(Some(_))
                    | Change::SetDuplicate(Some(_))
                    | Change::SetCorrupt(Some(_))
                    | Change::SetReorder(Some(_))
            )
        })
    }

    fn next_at(&self) -> Option<Instant> {
        self.changes.get(self.next).map(|change| change.at)
    }
}

impl Direction {
    /// Nothing of the timeline is still to come.
    pub fn cancel_changes(&mut self) {
        self.rare.timeline.next = self.rare.timeline.changes.len();
    }

    /// Does everything on the timeline up to `now`, in the order of time; changes before releases.
    #[cold]
    pub(crate) fn catch_up(&mut self, now: Instant) {
        loop {
            let change = self.rare.timeline.next_at().filter(|at| *at <= now);
            let release = self.rare.held.next_release().filter(|at| *at <= now);
            match (change, release) {
                (Some(at), release) if release.is_none_or(|release| at <= release) => {
                    let change = self.rare.timeline.changes[self.rare.timeline.next].change.clone();
                    self.rare.timeline.next += 1;
                    self.apply(change, at, now);
                }
                (_, Some(at)) => self.let_go(at, now),
                (Some(_), None) | (None, None) => break,
            }
        }
        self.look_ahead();
    }

    /// Works out what the quick paths ask: when to wake, and whether only chance judges packets.
    pub(crate) fn look_ahead(&mut self) {
        let next = [self.rare.timeline.next_at(), self.rare.held.next_release()];
        self.wake = next.into_iter().flatten().min().unwrap_or(Instant::FAR_FUTURE);
        let impairments = self.impairments.as_deref();
        self.path.keeps_order = impairments.is_none_or(Impairments::keep_order);
        self.foretold = self.rare.held.next_foretold_arrival();
        self.clear = !self.path.is_cut
            && !self.path.holds_all
            && self.rare.faults.are_over()
            && self.rare.tracking.is_none();
    }

    fn apply(&mut self, change: Change, at: Instant, now: Instant) {
        let impairments = self.impairments.as_deref_mut();
        match (change, impairments) {
            (Change::Cut { in_flight_drop }, _) => {
                self.path.is_cut = true;
                if in_flight_drop {
                    self.drop_in_flight(at);
                }
            }
            (Change::Uncut, _) => self.path.is_cut = false,
            (Change::SetRate(rate), _) => self.transmitter.set_rate(rate),
            (Change::SetDelay(delay), _) => self.path.delay = delay,
            (Change::SetQueue(queue), _) => self.transmitter.set_queue(queue),
            (Change::SetMtu(mtu), _) => self.path.set_mtu(mtu),
            (Change::SetLossMarks(marks), _) => self.path.loss_marks = marks,
            (Change::HoldAll, _) => self.path.holds_all = true,
            (Change::ReleaseAll, _) => {
                self.path.holds_all = false;
                self.rare.held.release(at, |by| by == By::Timeline);
                self.let_go(at, now);
            }
            (Change::Heal, _) => self.heal_at(at, now),
            (Change::SetLoss(loss), Some(impairments)) => impairments.set_loss(loss),
            (Change::SetJitter(jitter), Some(impairments)) => impairments.set_jitter(jitter),
            (Change::SetDuplicate(chance), Some(impairments)) => impairments.set_duplicate(chance),
            (Change::SetCorrupt(corrupt), Some(impairments)) => impairments.set_corrupt(corrupt),
            (Change::SetReorder(reorder), Some(impairments)) => impairments.set_reorder(reorder),
            // Without impairments there never is one, so this can only take away what is not there.
            (
                Change::SetLoss(_)
                | Change::SetJitter(_)
                | Change::SetDuplicate(_)
                | Change::SetCorrupt(_)
                | Change::SetReorder(_),
                None,
            ) => {}
        }
    }

    pub(crate) fn heal_at(&mut self, at: Instant, now: Instant) {
        self.path.is_cut = false;
        self.path.holds_all = false;
        self.path.delay = self.rare.timeline.delay;
        self.path.set_mtu(self.rare.timeline.mtu);
        self.transmitter.set_queue(self.rare.timeline.queue);
        self.transmitter.set_rate(self.rare.timeline.rate);
        self.rare.faults.heal();
        if let Some(impairments) = &mut self.impairments {
            impairments.heal();
        }
        if let Some(tracking) = &mut self.rare.tracking {
            tracking.heal();
        }
        self.rare.held.release(at, |_| true);
        self.let_go(at, now);
    }

    /// Releases what is due at `at`.
    fn let_go(&mut self, at: Instant, now: Instant) {
        while let Some(mut held) = self.rare.held.take_released(at) {
            if self.path.holds_all && held.by != By::Timeline {
                // The fault's hold is over, the whole direction's is not.
                (held.by, held.until, held.foretold) = (By::Timeline, None, false);
                self.rare.held.push(held);
            } else {
                self.let_one_go(held, at, now);
            }
        }
    }

    fn let_one_go(&mut self, held: Held, at: Instant, now: Instant) {
        self.ledger.note(at, held.packet.tag.id, Decision::Released { by: held.by });
        let arrival = held.arrival(at);
        let is_in_order = held.by == By::Timeline;
        let arrival = if is_in_order { self.path.in_order(arrival) } else { arrival };
        if arrival <= now && !held.foretold {
            self.travel.push_let_go(arrival, held.packet);
        } else if is_in_order {
            self.travel.push(arrival, held.packet);
        } else {
            self.travel.push_stray(arrival, held.packet);
        }
    }

    fn drop_in_flight(&mut self, at: Instant) {
        let ledger = &mut self.ledger;
        self.travel.take_all(|packet| ledger.drop(at, &packet, DropCause::InFlightCut));
        for held in self.rare.held.take_all() {
            ledger.drop(at, &held.packet, DropCause::InFlightCut);
        }
        self.transmitter.clear();
        self.path.clear();
    }
}

//! All link directions of a world and the queue of wake-ups: the only way from one place to another.

use faultwire_base::{Instant, PlaceId, SeedTree};
use faultwire_engine::WakeupQueue;
use faultwire_link::{Direction, FaultIndex, NameId};
use faultwire_wire::{Flow, Packet};

use super::inbox::Inbox;
use crate::plan::{DirectionId, InjectionPlan, Plan};
use crate::record::{Event, Record, Sink};
use crate::replay::{self, Recording};
use crate::watch::Watch;

/// Ends of a direction as places.
#[derive(Clone, Copy, Debug)]
struct Ends {
    place: PlaceId,
    to: PlaceId,
    /// Index among the directions that lead to `to`, if that place [listens](Inbox::listens).
    told_as: Option<u32>,
}

/// All directions and the queue.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    queue: WakeupQueue,
    directions: Vec<Direction>,
    ends: Vec<Ends>,
    /// By place; directions have an empty one.
    inboxes: Vec<Inbox>,
    unsettled: Vec<DirectionId>,
    /// Directions that need to know what a socket's name means: those with targeted faults, and all of them while
    /// decisions are kept or replayed.
    told_names: Vec<DirectionId>,
}

impl Network {
    pub(crate) fn new(plan: &Plan, seeds: SeedTree) -> Self {
        let directions = plan
            .directions
            .iter()
            .map(|direction| {
                let name = &plan.places[direction.place.index()];
                Direction::new(&direction.config, direction.place, name, seeds)
            })
            .collect();
        let inboxes: Vec<Inbox> =
            (0..plan.places.len() as u32).map(|place| Inbox::new(plan, PlaceId(place))).collect();
        let mut ends: Vec<Ends> = plan
            .directions
            .iter()
            .map(|direction| Ends { place: direction.place, to: direction.to, told_as: None })
            .collect();
        for inbox in inboxes.iter().filter(|inbox| inbox.listens()) {
            for (index, direction) in inbox.incoming().iter().enumerate() {
                ends[direction.0 as usize].told_as = Some(index as u32);
            }
        }
        let mut network = Self {
            queue: WakeupQueue::new(),
            directions,
            ends,
            inboxes,
            unsettled: Vec::new(),
            told_names: Vec::new(),
        };
        network.prepare(plan);
        network
    }

    /// Goes back to the start with other seeds.
    pub(crate) fn reset(&mut self, plan: &Plan, seeds: SeedTree) {
        self.queue.clear();
        for (direction, planned) in self.directions.iter_mut().zip(&plan.directions) {
            let name = &plan.places[planned.place.index()];
            direction.reset(&planned.config, planned.place, name, seeds);
        }
        self.inboxes.iter_mut().for_each(Inbox::clear);
        self.unsettled.clear();
        self.prepare(plan);
    }

    /// Who is told names, and who decides.
    fn prepare(&mut self, plan: &Plan) {
        let directions = (0..).map(DirectionId).zip(&plan.directions);
        let with_faults = directions.filter(|(_, direction)| !direction.config.faults.is_empty());
        self.told_names.clear();
        self.told_names.extend(with_faults.map(|(id, _)| id));
        if let Some(recording) = &plan.recording {
            self.replay(plan, recording);
        }
    }

    /// Lets a recording decide in the place of chance.
    fn replay(&mut self, plan: &Plan, recording: &Recording) {
        let mut lists = vec![Vec::new(); self.directions.len()];
        for (direction, decision) in replay::assigned(plan, recording).into_iter().flatten() {
            lists[direction.0 as usize].push(decision);
        }
        for (direction, list) in self.directions.iter_mut().zip(lists) {
            direction.replay(list);
        }
        self.tell_names_to_all();
    }

    /// Keeps the decisions of chance of every direction.
    pub(crate) fn keep_decisions(&mut self) {
        self.directions.iter_mut().for_each(Direction::keep_decisions);
        self.tell_names_to_all();
    }

    fn tell_names_to_all(&mut self) {
        self.told_names = (0..self.directions.len() as u32).map(DirectionId).collect();
    }

    pub(crate) fn directions(&self) -> &[Direction] {
        &self.directions
    }

    /// Whether any packet is on the way.
    pub(crate) fn is_busy(&self) -> bool {
        self.directions.iter().any(|direction| direction.in_flight() > 0)
    }

    #[inline]
    pub(crate) fn next_time(&mut self) -> Option<Instant> {
        self.queue.next_time()
    }

    #[inline]
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<PlaceId> {
        self.queue.pop_due(now).map(|(_, key)| PlaceId(key))
    }

    #[inline]
    pub(crate) fn schedule(&mut self, at: Option<Instant>, place: PlaceId) {
        if let Some(at) = at {
            self.queue.schedule(at, place.0);
        }
    }

    /// Wakes a direction for its own timeline.
    pub(crate) fn arm_direction(&mut self, direction: DirectionId) {
        let at = self.directions[direction.0 as usize].deadline();
        self.schedule(at, self.ends[direction.0 as usize].place);
    }

    /// When the next packet arrives at `place`.
    #[inline]
    pub(crate) fn next_arrival(&mut self, place: PlaceId) -> Option<Instant> {
        self.inboxes[place.index()].next_arrival(&self.directions)
    }

    /// Puts the directions out of which something may have arrived at `place` into `ready`, in the order of names.
    /// `ready` is what the last call left.
    #[inline]
    pub(crate) fn collect_due(&mut self, now: Instant, place: PlaceId, ready: &mut Vec<DirectionId>) {
        self.inboxes[place.index()].collect_due(now, ready);
    }

    /// Something arrives out of `direction` at `at`: its receiver is woken.
    #[inline]
    fn expect_arrival(&mut self, at: Instant, direction: DirectionId) {
        let ends = self.ends[direction.0 as usize];
        if let Some(index) = ends.told_as {
            self.inboxes[ends.to.index()].tell(at, index);
        }
        self.queue.schedule(at, ends.to.0);
    }

    /// The next packet that has arrived out of `direction`, where it lies, until
    /// [`forget_arrived`](Self::forget_arrived). If there is none, the receiver is told when to look again.
    #[inline]
    pub(crate) fn arrived(&mut self, now: Instant, direction: DirectionId) -> Option<&mut Packet> {
        let index = direction.0 as usize;
        let next = self.directions[index].next_arrival()?;
        if next > now {
            if let Some(told_as) = self.ends[index].told_as {
                self.inboxes[self.ends[index].to.index()].tell(next, told_as);
            }
            return None;
        }
        self.directions[index].arrived(now)
    }

    /// The packet that was shown last has been handled.
    #[inline]
    pub(crate) fn forget_arrived(&mut self, direction: DirectionId) {
        self.directions[direction.0 as usize].forget_arrived();
    }

    /// The place for the next packet that is [offered](Self::offer_placed) to a direction.
    #[inline]
    pub(crate) fn place(&mut self, direction: DirectionId) -> &mut Packet {
        self.directions[direction.0 as usize].place()
    }

    /// Moves the packet that was shown last at the far end of one direction to the [place](Self::place) of another, or
    /// back into the same.
    #[inline]
    pub(crate) fn pass_on(&mut self, from: DirectionId, to: DirectionId) {
        let (from, to) = (from.0 as usize, to.0 as usize);
        if let Ok([from, to]) = self.directions.get_disjoint_mut([from, to]) {
            from.pass_arrived_on(to);
        } else {
            let packet = self.directions[from].take_shown();
            *self.directions[to].place() = packet;
        }
    }

    /// Hands a packet from `from` to a direction. What is left in `packet` means nothing.
    pub(crate) fn offer<S: Sink>(
        &mut self,
        now: Instant,
        from: (PlaceId, bool),
        direction: DirectionId,
        packet: &mut Packet,
        observers: (&mut Watch, &mut S),
    ) {
        std::mem::swap(self.place(direction), packet);
        self.offer_placed(now, from, direction, observers);
    }

    /// Hands the packet in its [place](Self::place) from `from` to its direction.
    #[inline]
    pub(crate) fn offer_placed<S: Sink>(
        &mut self,
        now: Instant,
        from: (PlaceId, bool),
        direction: DirectionId,
        observers: (&mut Watch, &mut S),
    ) {
        let (place, origin) = from;
        let (watch, sink) = observers;
        let way = &mut self.directions[direction.0 as usize];
        let event = Event::Sent { packet: way.place(), direction, origin };
        (&mut *watch, &mut *sink).record(&Record { at: now, place, event });
        let offer = way.offer_placed(now);
        if offer.noted {
            self.drain_events(direction, watch, sink);
            self.arm_direction(direction);
        }
        if offer.unsettled {
            self.unsettled.push(direction);
        }
        if let Some(at) = offer.arrives.filter(|_| offer.is_next) {
            self.expect_arrival(at, direction);
        }
    }

    /// Offers a packet that no endpoint made.
    pub(crate) fn inject<S: Sink>(
        &mut self,
        now: Instant,
        injection: &InjectionPlan,
        mut packet: Packet,
        watch: &mut Watch,
        sink: &mut S,
    ) {
        let place = self.ends[injection.direction.0 as usize].place;
        packet.tag.id = self.directions[injection.direction.0 as usize].next_packet_id();
        watch.tracker.fault_made(injection.fault, packet.tag.id);
        if packet.tag.flow.opener.is_some() {
            watch.laws.deceive(packet.tag.flow);
        }
        self.offer(now, (place, true), injection.direction, &mut packet, (watch, sink));
    }

    /// A direction's own timeline: changes, drops in flight, timed releases.
    pub(crate) fn advance_direction<S: Sink>(
        &mut self,
        now: Instant,
        direction: DirectionId,
        watch: &mut Watch,
        sink: &mut S,
    ) {
        let index = direction.0 as usize;
        self.directions[index].advance(now);
        self.drain_events(direction, watch, sink);
        self.note_unsettled(direction);
        self.wake_receiver(direction);
        self.arm_direction(direction);
    }

    fn note_unsettled(&mut self, direction: DirectionId) {
        if self.directions[direction.0 as usize].is_unsettled() {
            self.unsettled.push(direction);
        }
    }

    fn wake_receiver(&mut self, direction: DirectionId) {
        if let Some(at) = self.directions[direction.0 as usize].next_arrival() {
            self.expect_arrival(at, direction);
        }
    }

    fn drain_events<S: Sink>(&mut self, direction: DirectionId, watch: &mut Watch, sink: &mut S) {
        let place = self.ends[direction.0 as usize].place;
        while let Some(event) = self.directions[direction.0 as usize].event() {
            let record = Record { at: event.at, place, event: Event::Link { direction, event: &event } };
            (&mut *watch, &mut *sink).record(&record);
        }
    }

    /// Lets packets become visible that arrive at the instant at which they were sent: they are handled in the next
    /// round (DESIGN D2).
    #[inline]
    pub(crate) fn settle(&mut self) {
        if self.unsettled.is_empty() {
            return;
        }
        while let Some(direction) = self.unsettled.pop() {
            self.directions[direction.0 as usize].settle();
            self.wake_receiver(direction);
        }
    }

    /// Releases what a fault holds.
    pub(crate) fn release(&mut self, direction: DirectionId, fault: u32, at: Instant) {
        self.directions[direction.0 as usize].release(FaultIndex(fault), at);
        self.note_unsettled(direction);
        self.arm_direction(direction);
        self.wake_receiver(direction);
    }

    /// Tells the directions which conversation a socket's name means.
    pub(crate) fn bind_flow(&mut self, name: NameId, flow: Flow) {
        for direction in &self.told_names {
            self.directions[direction.0 as usize].bind_flow(name, flow);
        }
    }

    /// Ends every fault of every link, also those that are still to come.
    pub(crate) fn end_faults(&mut self, now: Instant, watch: &mut Watch) {
        self.directions.iter_mut().for_each(Direction::cancel_changes);
        self.heal(now, watch, &mut crate::record::Silent);
    }

    /// Ends every fault of every link.
    pub(crate) fn heal<S: Sink>(&mut self, now: Instant, watch: &mut Watch, sink: &mut S) {
        for index in 0..self.directions.len() {
            self.directions[index].heal(now);
            self.advance_direction(now, DirectionId(index as u32), watch, sink);
        }
    }
}

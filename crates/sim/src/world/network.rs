//! All link directions of a world and the queue of wake-ups: the only way from one place to another.

use faultwire_base::{Instant, PlaceId, SeedTree};
use faultwire_engine::WakeupQueue;
use faultwire_link::{Direction, FaultIndex, NameId};
use faultwire_wire::{Flow, Packet};

use crate::plan::{DirectionId, InjectionPlan, Plan};
use crate::record::{Event, Record, Sink};
use crate::watch::Watch;

/// Ends of a direction as places.
#[derive(Clone, Copy, Debug)]
struct Ends {
    place: PlaceId,
    to: PlaceId,
}

/// All directions and the queue.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    queue: WakeupQueue,
    directions: Vec<Direction>,
    ends: Vec<Ends>,
    unsettled: Vec<DirectionId>,
    in_flight: u64,
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
        let ends = plan
            .directions
            .iter()
            .map(|direction| Ends { place: direction.place, to: direction.to })
            .collect();
        Self { queue: WakeupQueue::new(), directions, ends, unsettled: Vec::new(), in_flight: 0 }
    }

    pub(crate) fn directions(&self) -> &[Direction] {
        &self.directions
    }

    /// Packets on the way.
    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight
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

    /// When the next packet arrives out of `direction`.
    #[inline]
    pub(crate) fn next_arrival(&self, direction: DirectionId) -> Option<Instant> {
        self.directions[direction.0 as usize].next_arrival()
    }

    /// Takes the next packet that has arrived out of `direction`.
    #[inline]
    pub(crate) fn take_arrival(&mut self, now: Instant, direction: DirectionId) -> Option<Packet> {
        let index = direction.0 as usize;
        // A change of this instant may take packets as well.
        let before = self.directions[index].in_flight();
        let packet = self.directions[index].take_arrival(now);
        self.in_flight = self.in_flight + self.directions[index].in_flight() - before;
        packet
    }

    /// Hands a packet from `place` to a direction.
    #[inline]
    pub(crate) fn offer<S: Sink>(
        &mut self,
        now: Instant,
        from: (PlaceId, bool),
        direction: DirectionId,
        packet: Packet,
        observers: (&mut Watch, &mut S),
    ) {
        let (place, origin) = from;
        let (watch, sink) = observers;
        let event = Event::Sent { packet: &packet, direction, origin };
        (&mut *watch, &mut *sink).record(&Record { at: now, place, event });
        let index = direction.0 as usize;
        let before = self.directions[index].in_flight();
        let offer = self.directions[index].offer(now, packet);
        self.in_flight = self.in_flight + self.directions[index].in_flight() - before;
        if offer.noted {
            self.drain_events(direction, watch, sink);
            self.arm_direction(direction);
        }
        if offer.unsettled {
            self.unsettled.push(direction);
        }
        if let Some(at) = offer.arrives {
            self.queue.schedule(at, self.ends[index].to.0);
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
        self.offer(now, (place, true), injection.direction, packet, (watch, sink));
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
        let before = self.directions[index].in_flight();
        self.directions[index].advance(now);
        self.in_flight = self.in_flight + self.directions[index].in_flight() - before;
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
        let index = direction.0 as usize;
        self.schedule(self.directions[index].next_arrival(), self.ends[index].to);
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
        for direction in &mut self.directions {
            direction.bind_flow(name, flow);
        }
    }

    /// Ends every fault of every link.
    pub(crate) fn heal<S: Sink>(&mut self, now: Instant, watch: &mut Watch, sink: &mut S) {
        for index in 0..self.directions.len() {
            let before = self.directions[index].in_flight();
            self.directions[index].heal(now);
            self.in_flight = self.in_flight + self.directions[index].in_flight() - before;
            self.advance_direction(now, DirectionId(index as u32), watch, sink);
        }
    }
}

//! A host of the world: its timeline, its stack, its apps, in the order of DESIGN D2.

use std::net::IpAddr;

use faultwire_base::{Instant, LookupTable, PlaceId, SeedTree};
use faultwire_host::{ConnectionId, DropReason, Host, HostEvent};
use faultwire_tcp::State;
use faultwire_wire::{Body, Flow, Packet, Seq};

use super::app::{Apps, Surroundings};
use super::network::Network;
use crate::connections::ConnectionLog;
use crate::plan::{DirectionId, HostChange, HostPlan, Plan, QuotedSeq, RelativeFields};
use crate::record::{Event, Record, Sink};
use crate::watch::Watch;

/// Whether a host runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Power {
    Up,
    Paused,
    Down,
}

/// Where packets go: by destination, or all one way.
#[derive(Clone, Debug, Default)]
struct Routes {
    default: Option<DirectionId>,
    table: LookupTable<IpAddr, DirectionId>,
}

/// A host and its apps.
#[derive(Clone, Debug)]
pub(crate) struct HostPlace {
    place: PlaceId,
    host: Host,
    seeds: SeedTree,
    power: Power,
    timeline: Vec<(Instant, HostChange)>,
    /// Directions that may have arrivals; kept for its memory.
    ready: Vec<DirectionId>,
    routes: Routes,
    apps: Apps,
    /// States entered since the world last asked; kept only if some fault waits for a state.
    state_changes: Vec<(ConnectionId, State)>,
    keeps_state_changes: bool,
    /// When an expectation reads a socket next.
    probe_at: Option<Instant>,
}

impl HostPlace {
    pub(crate) fn new(host: &HostPlan, plan: &Plan, seeds: SeedTree) -> Self {
        let mut routes = Routes { default: host.default_route, ..Routes::default() };
        for &(destination, direction) in &host.routes {
            routes.table.insert(destination, direction);
        }
        let mut timeline = host.timeline.clone();
        timeline.reverse();
        let awaited = |fault: &crate::plan::FaultPlan| {
            fault.awaits.as_ref().is_some_and(|awaits| awaits.host == host.place)
        };
        Self {
            place: host.place,
            host: Host::new(host.config.clone(), seeds),
            seeds,
            power: Power::Up,
            timeline,
            ready: Vec::new(),
            routes,
            apps: Apps::new(plan, host.place),
            state_changes: Vec::new(),
            keeps_state_changes: plan.faults.iter().any(awaited),
            probe_at: None,
        }
    }

    /// Goes back to the start with other seeds.
    pub(crate) fn reset(&mut self, host: &HostPlan, plan: &Plan, seeds: SeedTree) {
        self.host = Host::new(host.config.clone(), seeds);
        self.seeds = seeds;
        self.power = Power::Up;
        self.timeline.clear();
        self.timeline.extend(host.timeline.iter().rev());
        self.ready.clear();
        self.apps.reset(plan, self.place);
        self.state_changes.clear();
        self.probe_at = None;
    }

    pub(crate) fn place(&self) -> PlaceId {
        self.place
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    pub(crate) fn apps(&self) -> &Apps {
        &self.apps
    }

    pub(crate) fn has_state_changes(&self) -> bool {
        !self.state_changes.is_empty()
    }

    pub(crate) fn take_state_changes(&mut self) -> Vec<(ConnectionId, State)> {
        std::mem::take(&mut self.state_changes)
    }

    /// When an expectation reads a socket first.
    pub(crate) fn await_probes(&mut self, watch: &Watch) {
        self.probe_at = watch.probes.next_time(self.place, None);
    }

    /// Nothing to do but to let TIME_WAIT and keep-alive timers run.
    pub(crate) fn is_idle(&self) -> bool {
        self.timeline.is_empty() && self.apps.going() == 0 && self.host.is_quiescent()
    }

    /// When this place must be woken.
    #[inline]
    pub(crate) fn deadline(&self, network: &mut Network) -> Option<Instant> {
        let timeline = earliest(self.timeline.last().map(|&(at, _)| at), self.probe_at);
        let own = match self.power {
            Power::Up => earliest(self.host.deadline(), self.apps.deadline()),
            Power::Paused => return timeline,
            Power::Down => None,
        };
        let arrival = network.next_arrival(self.place);
        earliest(earliest(own, timeline), arrival)
    }

    /// Does everything that is due: timeline, timers, arrivals, apps; then asks to be woken again.
    pub(crate) fn run<S: Sink>(
        &mut self,
        now: Instant,
        plan: &Plan,
        network: &mut Network,
        watch: &mut Watch,
        sink: &mut S,
    ) {
        while self.timeline.last().is_some_and(|&(at, _)| at <= now) {
            let (_, change) = self.timeline.pop().expect("checked above");
            self.change(now, change, plan, watch, sink);
        }
        if self.power == Power::Up {
            self.host.advance(now);
        }
        if self.power != Power::Paused {
            self.take_arrivals(now, network, watch, sink);
        }
        if self.power == Power::Up {
            loop {
                self.transmit(now, network, watch, sink);
                self.drain_events(now, watch, sink);
                if !self.apps.has_turn(now) {
                    break;
                }
                let surroundings = Surroundings { now, place: self.place, plan, network, watch };
                if !self.apps.run(&mut self.host, surroundings, sink) {
                    break;
                }
            }
        }
        if !watch.probes.is_empty() {
            let (apps, host) = (&self.apps, &self.host);
            watch.probes.at(now, self.place, |name| apps.info(host, now, name));
            self.probe_at = watch.probes.next_time(self.place, Some(now));
        }
        if S::WANTS_SAMPLES {
            self.apps.sample(&self.host, (now, self.place), plan, sink);
        }
        let next = self.deadline(network);
        network.schedule(next, self.place);
    }

    /// Nothing of the timeline is still to come, and a host that is down or paused comes up.
    pub(crate) fn end_faults(&mut self, now: Instant) {
        self.timeline.clear();
        match self.power {
            Power::Up => {}
            Power::Paused => self.timeline.push((now, HostChange::Resume)),
            Power::Down => self.timeline.push((now, HostChange::Restart)),
        }
    }

    fn change<S: Sink>(
        &mut self,
        now: Instant,
        change: HostChange,
        plan: &Plan,
        watch: &mut Watch,
        sink: &mut S,
    ) {
        let event = Event::HostChanged { change };
        (&mut *watch, &mut *sink).record(&Record { at: now, place: self.place, event });
        match change {
            HostChange::Crash => {
                self.power = Power::Down;
                self.forget();
                self.apps.stop();
            }
            HostChange::Restart => {
                if self.power != Power::Down {
                    let event = Event::HostChanged { change: HostChange::Crash };
                    (&mut *watch, &mut *sink).record(&Record { at: now, place: self.place, event });
                    self.forget();
                }
                self.power = Power::Up;
                self.apps = Apps::new(plan, self.place);
                self.apps.start_no_earlier(now);
            }
            HostChange::Pause if self.power == Power::Up => self.power = Power::Paused,
            HostChange::Resume if self.power == Power::Paused => self.power = Power::Up,
            HostChange::Pause | HostChange::Resume => {}
        }
    }

    /// Memory is lost: descriptors and connections are gone, and the next life has the next boot number.
    fn forget(&mut self) {
        let mut config = self.host.config().clone();
        config.boot += 1;
        config.packets_before = self.host.packets_made();
        config.initial_sequence_numbers = self.host.initial_sequence_numbers_left().to_vec();
        self.host = Host::new(config, self.seeds);
    }

    #[inline]
    fn take_arrivals<S: Sink>(
        &mut self,
        now: Instant,
        network: &mut Network,
        watch: &mut Watch,
        sink: &mut S,
    ) {
        network.collect_due(now, self.place, &mut self.ready);
        for index in 0..self.ready.len() {
            let direction = self.ready[index];
            while let Some(packet) = network.arrived(now, direction) {
                let packet = &*packet;
                if !watch.probes.is_empty()
                    && let Some(fault) = watch.tracker.first_of(packet.tag.id)
                {
                    let (apps, host) = (&self.apps, &self.host);
                    watch.probes.before(fault, self.place, |name| apps.info(host, now, name));
                }
                let event = Event::Arrived { packet, direction };
                (&mut *watch, &mut *sink).record(&Record { at: now, place: self.place, event });
                if self.power == Power::Down {
                    let event = Event::Discarded { packet: packet.tag.id, reason: DropReason::HostDown };
                    (&mut *watch, &mut *sink).record(&Record { at: now, place: self.place, event });
                } else {
                    self.host.receive_in_place(now, packet);
                }
                network.forget_arrived(direction);
            }
        }
    }

    #[inline]
    fn transmit<S: Sink>(&mut self, now: Instant, network: &mut Network, watch: &mut Watch, sink: &mut S) {
        if !self.host.has_turn() {
            return;
        }
        let Some(direction) = self.routes.default else {
            return self.transmit_by_routes(now, network, watch, sink);
        };
        while self.host.transmit_into(now, network.place(direction)) {
            network.offer_placed(now, (self.place, true), direction, (&mut *watch, &mut *sink));
        }
    }

    /// A host with several ways: where a packet goes depends on its destination.
    fn transmit_by_routes<S: Sink>(
        &mut self,
        now: Instant,
        network: &mut Network,
        watch: &mut Watch,
        sink: &mut S,
    ) {
        let mut packet = Packet::default();
        while self.host.transmit_into(now, &mut packet) {
            match self.routes.table.get(&packet.ip.destination) {
                Some(&direction) => {
                    let observers = (&mut *watch, &mut *sink);
                    network.offer(now, (self.place, true), direction, &mut packet, observers);
                }
                None => {
                    let event = Event::Discarded { packet: packet.tag.id, reason: DropReason::NoRoute };
                    (&mut *watch, &mut *sink).record(&Record { at: now, place: self.place, event });
                }
            }
        }
    }

    #[inline]
    fn drain_events<S: Sink>(&mut self, now: Instant, watch: &mut Watch, sink: &mut S) {
        while let Some(fd) = self.host.take_ready() {
            self.apps.wake(fd);
        }
        if self.host.has_event() {
            self.take_events(now, watch, sink);
        }
    }

    #[inline(never)]
    fn take_events<S: Sink>(&mut self, now: Instant, watch: &mut Watch, sink: &mut S) {
        while let Some(event) = self.host.event() {
            let event = match event {
                HostEvent::Ready { fd } => {
                    self.apps.wake(fd);
                    continue;
                }
                HostEvent::ConnectionOpened { connection, flow, local, remote, passive } => {
                    if !passive {
                        watch.laws.opened(flow, local, remote);
                    }
                    watch.connections.open(ConnectionLog {
                        place: self.place,
                        connection,
                        flow,
                        name: None,
                        local,
                        remote,
                        opened: now,
                        entries: Vec::new(),
                        summary: None,
                        error: None,
                        delivered: Default::default(),
                    });
                    Event::Opened { connection, flow, local, remote }
                }
                HostEvent::StateChanged { connection, flow, from, to, .. } => {
                    if self.keeps_state_changes {
                        self.state_changes.push((connection, to));
                    }
                    Event::StateChanged { connection, flow, from, to }
                }
                HostEvent::ConnectionGone { connection, summary } => {
                    if let Some(log) = watch.connections.get_mut(self.place, connection) {
                        log.summary = Some(summary);
                    }
                    continue;
                }
                // What an application is told of them it finds at its socket.
                HostEvent::SoftError { .. } | HostEvent::Urgent { .. } => continue,
                HostEvent::Dropped { packet, reason } => Event::Discarded { packet, reason },
                HostEvent::ConnectionFailed { connection, error } => {
                    if let Some(log) = watch.connections.get_mut(self.place, connection) {
                        log.error = Some(error);
                    }
                    continue;
                }
            };
            (&mut *watch, &mut *sink).record(&Record { at: now, place: self.place, event });
        }
    }

    /// Fills addresses, ports and sequence numbers of an injected segment from the connection that it is aimed at.
    pub(crate) fn aim(&self, relative: &RelativeFields, packet: &mut Packet) -> Option<Flow> {
        let (flow, position) = self.apps.position(&self.host, relative.target)?;
        packet.ip.source = position.remote.ip();
        packet.ip.destination = position.local.ip();
        if let Some(error) = &relative.error {
            let info = &position.info;
            let seq = match error.seq {
                QuotedSeq::Absolute(seq) => Seq(seq),
                QuotedSeq::SndUna(distance) => info.send_unacknowledged + distance as u32,
                QuotedSeq::SndNxt(distance) => info.send_next + distance as u32,
            };
            packet.body = error.body(position.local, position.remote, seq, info.send_segment_size);
        } else if let Body::Tcp(segment) = &mut packet.body {
            segment.source_port = position.remote.port();
            segment.destination_port = position.local.port();
            if let Some(distance) = relative.seq_from_rcv_nxt {
                segment.seq = position.info.receive_next + distance as u32;
            }
            if let Some(distance) = relative.ack_from_snd_una {
                segment.ack = position.info.send_unacknowledged + distance as u32;
            }
            if let Some(distance) = relative.ack_from_snd_nxt {
                segment.ack = position.info.send_next + distance as u32;
            }
        }
        Some(flow)
    }
}

#[inline]
fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

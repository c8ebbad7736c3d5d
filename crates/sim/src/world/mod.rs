//! The world: all places of one run, and the loop that wakes them in the canonical order (DESIGN D2).
//!
//! A [`World`] is a plain value: cloning it at any point gives a world that goes on in the same way (DESIGN D9).

mod app;
mod calls;
mod datagram_steps;
mod host_place;
mod inbox;
mod network;
mod open_step;
mod read_step;
mod router;
mod sockets;
mod step;
mod step_words;

use std::sync::Arc;

use faultwire_base::{Instant, PlaceId, SeedTree};
use faultwire_host::Host;
use faultwire_link::{Met, NameId};

use crate::plan::{DirectionId, FaultId, Plan};
use crate::record::{Event, Record, Sink};
use crate::replay::{self, Recording};
use crate::watch::Watch;

pub(crate) use app::{AppRun, AppStatus};
pub(crate) use host_place::HostPlace;
use network::Network;
use router::RouterPlace;

/// Rounds of one instant after which the world is said to run in a circle.
pub const ROUNDS_MAX: u32 = 1_000_000;

/// What a place is, and its index among its kind.
#[derive(Clone, Copy, Debug)]
enum PlaceKind {
    Host(u32),
    Router(u32),
    Direction(u32),
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing is left to do.
    Idle,
    /// The time of `stop.at` has come.
    TimeLimit,
    /// A bound was passed: the run is an error, and this says why.
    Error(String),
}

/// All places of one run.
#[derive(Clone, Debug)]
pub struct World {
    plan: Arc<Plan>,
    now: Instant,
    round: u32,
    kinds: Vec<PlaceKind>,
    due: Vec<PlaceId>,
    network: Network,
    hosts: Vec<HostPlace>,
    routers: Vec<RouterPlace>,
    /// Apps that have something left to do.
    apps_going: u32,
    injections_done: usize,
    /// Faults whose injections have sent their packet.
    injected: Vec<FaultId>,
    healed: bool,
    watch: Watch,
}

impl World {
    /// A world at time zero.
    pub fn new(plan: &Arc<Plan>) -> Self {
        Self::with_seed(plan, plan.seed)
    }

    /// A world at time zero, with another seed than the plan's.
    pub fn with_seed(plan: &Arc<Plan>, seed: u64) -> Self {
        let seeds = SeedTree::new(seed);
        let mut kinds = vec![PlaceKind::Host(0); plan.places.len()];
        for (index, host) in (0..).zip(&plan.hosts) {
            kinds[host.place.index()] = PlaceKind::Host(index);
        }
        for (index, router) in (0..).zip(&plan.routers) {
            kinds[router.place.index()] = PlaceKind::Router(index);
        }
        for (index, direction) in (0..).zip(&plan.directions) {
            kinds[direction.place.index()] = PlaceKind::Direction(index);
        }
        let mut world = Self {
            now: Instant::ZERO,
            round: 0,
            kinds,
            due: Vec::new(),
            network: Network::new(plan, seeds),
            hosts: plan.hosts.iter().map(|host| HostPlace::new(host, plan, seeds)).collect(),
            routers: plan.routers.iter().map(|router| RouterPlace::new(router, plan)).collect(),
            apps_going: plan.apps.len() as u32,
            injections_done: 0,
            injected: Vec::new(),
            healed: false,
            watch: Watch::new(plan),
            plan: Arc::clone(plan),
        };
        world.arm_all();
        world
    }

    /// Goes back to time zero with another seed, as [`World::with_seed`] with the same plan, and with the memory that is
    /// there.
    pub fn reset(&mut self, seed: u64) {
        let seeds = SeedTree::new(seed);
        // Every field is named, so that a new one can't be forgotten.
        let Self {
            plan,
            now,
            round,
            kinds: _,
            due,
            network,
            hosts,
            routers,
            apps_going,
            injections_done,
            injected,
            healed,
            watch,
        } = self;
        (*now, *round, *healed) = (Instant::ZERO, 0, false);
        due.clear();
        network.reset(plan, seeds);
        for (host, planned) in hosts.iter_mut().zip(&plan.hosts) {
            host.reset(planned, plan, seeds);
        }
        routers.iter_mut().for_each(RouterPlace::reset);
        *apps_going = plan.apps.len() as u32;
        *injections_done = 0;
        injected.clear();
        watch.reset(plan);
        self.arm_all();
    }

    /// Virtual time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The plan that the world was built from.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Fingerprint of everything that has happened so far.
    pub fn fingerprint(&self) -> crate::fingerprint::Fingerprint {
        self.watch.fingerprint(&self.plan)
    }

    /// Semantic records so far.
    pub fn events(&self) -> u64 {
        self.watch.events()
    }

    /// Keeps the decisions of chance. To be asked for before the first step: packets are counted from the start.
    pub fn keep_decisions(&mut self) {
        self.network.keep_decisions();
    }

    /// The decisions of chance so far, if they are [kept](Self::keep_decisions): those that were drawn, or in a replay
    /// those of the list whose packets have come.
    pub fn decisions(&self) -> Recording {
        replay::told(&self.plan, self.network.directions())
    }

    /// In a replay: for each decision of the [recording](Plan::recording) whether its packet has come.
    pub fn replayed(&self) -> Option<Vec<Met>> {
        let recording = self.plan.recording.as_ref()?;
        Some(replay::met(&self.plan, recording, self.network.directions()))
    }

    pub(crate) fn watch(&self) -> &Watch {
        &self.watch
    }

    pub(crate) fn hosts(&self) -> &[HostPlace] {
        &self.hosts
    }

    pub(crate) fn directions(&self) -> &[faultwire_link::Direction] {
        self.network.directions()
    }

    /// The host named `name`, to be looked at.
    pub fn host(&self, name: &str) -> Option<&Host> {
        let place = self.plan.places.binary_search_by(|place| (**place).cmp(name)).ok()?;
        match self.kinds[place] {
            PlaceKind::Host(index) => Some(self.hosts[index as usize].host()),
            _ => None,
        }
    }

    /// Wakes every place that has something to do.
    fn arm_all(&mut self) {
        for host in &mut self.hosts {
            host.await_probes(&self.watch);
            let at = host.deadline(&mut self.network);
            self.network.schedule(at, host.place());
        }
        for direction in 0..self.plan.directions.len() {
            self.network.arm_direction(DirectionId(direction as u32));
        }
        self.arm_world_faults();
    }

    /// Wakes the direction that injects next, and one for healing: a place has one wake-up, so both are asked for again
    /// after each.
    fn arm_world_faults(&mut self) {
        if let Some(injection) = self.plan.injections.get(self.injections_done) {
            let place = self.plan.directions[injection.direction.0 as usize].place;
            self.network.schedule(Some(injection.at), place);
        }
        if let (Some(heal), Some(direction), false) =
            (self.plan.heal, self.plan.directions.first(), self.healed)
        {
            self.network.schedule(Some(heal.at), direction.place);
        }
    }

    /// When something happens next, if anything does.
    pub fn next_time(&mut self) -> Option<Instant> {
        self.network.next_time()
    }

    /// Ends every fault from now on: links heal for good, nothing more is injected, and hosts that are down or paused
    /// come up. For asking what would have become of a run without them.
    pub fn end_faults(&mut self) {
        self.healed = true;
        self.injections_done = self.plan.injections.len();
        self.network.end_faults(self.now, &mut self.watch);
        for host in &mut self.hosts {
            host.end_faults(self.now);
        }
        self.arm_all();
    }

    /// Runs to the end.
    pub fn run<S: Sink>(&mut self, sink: &mut S) -> End {
        loop {
            if let Some(end) = self.step(sink) {
                return end;
            }
        }
    }

    /// Runs one round of one instant; says how the run ended when it did.
    #[inline]
    pub fn step<S: Sink>(&mut self, sink: &mut S) -> Option<End> {
        let Some(next) = self.network.next_time() else {
            return Some(self.end_idle());
        };
        if next > self.now {
            if self.is_idle() {
                return Some(self.end_idle());
            }
            if next > self.plan.stop.at {
                self.now = self.plan.stop.at;
                return Some(End::TimeLimit);
            }
            self.now = next;
            self.round = 0;
        } else {
            self.round += 1;
            if self.round > ROUNDS_MAX {
                return Some(End::Error(self.name_the_circle()));
            }
        }
        if self.watch.events() > self.plan.stop.events {
            return Some(End::Error(format!(
                "more than {} events (stop.events) at {}",
                self.plan.stop.events, self.now
            )));
        }
        self.run_round(sink);
        None
    }

    fn run_round<S: Sink>(&mut self, sink: &mut S) {
        self.due.clear();
        while let Some(place) = self.network.pop_due(self.now) {
            self.due.push(place);
        }
        if let [place] = self.due[..] {
            self.run_place(place, sink);
        } else {
            for index in 0..self.due.len() {
                self.run_place(self.due[index], sink);
            }
        }
        self.network.settle();
    }

    #[inline]
    fn run_place<S: Sink>(&mut self, place: PlaceId, sink: &mut S) {
        match self.kinds[place.index()] {
            PlaceKind::Host(index) => {
                let host = &mut self.hosts[index as usize];
                let before = host.apps().going();
                host.run(self.now, &self.plan, &mut self.network, &mut self.watch, sink);
                let after = host.apps().going();
                if after != before {
                    self.apps_going = self.apps_going + after - before;
                }
                if host.has_state_changes() {
                    self.release_holds(index as usize);
                }
            }
            PlaceKind::Router(index) => {
                let router = &mut self.routers[index as usize];
                router.run(self.now, &mut self.network, &mut self.watch, sink);
            }
            PlaceKind::Direction(index) => self.run_direction(DirectionId(index), sink),
        }
    }

    /// Timeline faults, timed releases and injections of a direction.
    #[inline(never)]
    fn run_direction<S: Sink>(&mut self, direction: DirectionId, sink: &mut S) {
        if let Some(heal) = self.plan.heal
            && !self.healed
            && heal.at <= self.now
        {
            self.healed = true;
            self.network.heal(self.now, &mut self.watch, sink);
        }
        self.network.advance_direction(self.now, direction, &mut self.watch, sink);
        let plan = Arc::clone(&self.plan);
        while let Some(injection) = plan.injections.get(self.injections_done)
            && injection.at <= self.now
        {
            self.injections_done += 1;
            self.inject(injection, sink);
        }
        self.arm_world_faults();
    }

    /// Builds a packet from the live connection that it is aimed at, and offers it to its direction.
    fn inject<S: Sink>(&mut self, injection: &crate::plan::InjectionPlan, sink: &mut S) {
        let mut packet = injection.packet.clone();
        if let Some(relative) = &injection.relative {
            let place = self.watch.connections.named(relative.target).map(|log| log.place);
            let host = self.hosts.iter().find(|host| Some(host.place()) == place);
            // Without a live connection there is nothing to aim at: the fault has not acted, and the run says so.
            let Some(filled) = host.and_then(|host| host.aim(relative, &mut packet)) else { return };
            packet.tag.flow = filled;
        }
        self.injected.push(injection.fault);
        let place = self.plan.directions[injection.direction.0 as usize].place;
        let record = Record { at: self.now, place, event: Event::Injected { fault: injection.fault } };
        (&mut self.watch, &mut *sink).record(&record);
        self.network.inject(self.now, injection, packet, &mut self.watch, sink);
    }

    /// Releases what is held until a state that a host has just entered.
    fn release_holds(&mut self, host: usize) {
        let changes = self.hosts[host].take_state_changes();
        let place = self.hosts[host].place();
        for (name, state) in changes {
            for fault in &self.plan.faults {
                let Some(awaited) = &fault.awaits else { continue };
                let named = awaited.name.is_none_or(|wanted| self.is_named(host, name, wanted));
                if awaited.host == place && awaited.state == state && named {
                    let at = self.now + awaited.plus;
                    for &(direction, index) in &fault.targets {
                        self.network.release(direction, index, at);
                    }
                }
            }
        }
    }

    fn is_named(&self, host: usize, connection: faultwire_host::ConnectionId, wanted: NameId) -> bool {
        self.watch
            .connections
            .named(wanted)
            .is_some_and(|log| log.place == self.hosts[host].place() && log.connection == connection)
    }

    /// Apps are done, nothing is on the way, and only TIME_WAIT or keep-alive is left (DESIGN §7, `stop`).
    #[inline]
    fn is_idle(&self) -> bool {
        self.apps_going == 0 && self.plan.stop.when_idle && self.is_idle_beside_apps()
    }

    #[inline(never)]
    fn is_idle_beside_apps(&self) -> bool {
        !self.network.is_busy()
            && self.hosts.iter().all(HostPlace::is_idle)
            && self.injections_done == self.plan.injections.len()
            && !self.watch.tracker.waits(self.now, &self.plan, &self.watch.connections)
    }

    /// Nothing more will happen: the end is when the last thing did.
    fn end_idle(&mut self) -> End {
        self.now = self.watch.latest();
        End::Idle
    }

    fn name_the_circle(&self) -> String {
        let names: Vec<&str> = self.due.iter().map(|place| &*self.plan.places[place.index()]).collect();
        format!(
            "more than {ROUNDS_MAX} rounds at {} without time passing, between {}: give a link on this way a delay or a rate",
            self.now,
            names.join(", ")
        )
    }

    /// Faults whose packets were never seen.
    pub(crate) fn fault_counts(&self, fault: FaultId) -> (u64, u64) {
        let plan = &self.plan.faults[fault.0 as usize];
        let injected = self.injected.iter().filter(|&&injected| injected == fault).count() as u64;
        plan.targets.iter().fold((injected, injected), |(matched, acted), &(direction, index)| {
            let counts = self.network.directions()[direction.0 as usize].fault_counts(index);
            (matched + counts.matched, acted + counts.acted)
        })
    }
}

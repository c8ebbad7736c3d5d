//! Watches a run: every record goes through here to the fingerprints, the oracles, the logs and the expectations.

use faultwire_base::{Instant, LookupTable, PacketId, PlaceId};
use faultwire_host::DropReason;
use faultwire_link::{By, Decision, LinkEvent, NameId};
use faultwire_wire::{Body, Flow, Packet};

use crate::connections::{Connections, Rank};
use crate::datagrams::Datagrams;
use crate::expect::Tracker;
use crate::fingerprint::{Fingerprint, PlaceDigest, name_hash};
use crate::oracle::conformance::Conformance;
use crate::oracle::laws::{self, Laws};
use crate::oracle::stream::Streams;
use crate::oracle::{Finding, Findings, OracleName, OracleResult};
use crate::plan::{DirectionId, FaultId, HostChange, Plan};
use crate::probe::Probes;
use crate::record::{Event, Record, Sink};

/// Counts of the whole run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    /// Packets made by hosts, routers and injections.
    pub(crate) sent: u64,
    /// Packets that reached a host.
    pub(crate) delivered: u64,
    /// Packets that hosts discarded for a bad checksum.
    pub(crate) bad_checksums: u64,
}

/// Names that records refer to by number, hashed once.
#[derive(Clone, Debug, Default)]
struct Hashes {
    directions: Vec<u64>,
    apps: Vec<u64>,
}

impl Hashes {
    fn of(plan: &Plan) -> Self {
        let directions = plan.directions.iter().map(|direction| &plan.places[direction.place.index()]);
        Self {
            directions: directions.map(|name| name_hash(name) & 0x00FF_FFFF_0000_0000).collect(),
            apps: plan.apps.iter().map(|app| name_hash(&app.name)).collect(),
        }
    }
}

/// What is the same in every run of a plan, and what keeps its memory.
struct Memory {
    places: Vec<PlaceWatch>,
    hashes: Hashes,
    targets: Vec<Vec<FaultId>>,
    connections: Connections,
}

/// What is kept of one place.
#[derive(Clone, Debug, Default)]
struct PlaceWatch {
    digest: PlaceDigest,
    is_host: bool,
    bad_checksums: u64,
}

/// The watcher of one run.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    places: Vec<PlaceWatch>,
    hashes: Hashes,
    targets: Vec<Vec<FaultId>>,
    /// Packets whose fields a fault has changed: whoever receives one may be deceived.
    rewritten: LookupTable<PacketId, ()>,
    number: u64,
    latest: Instant,
    pub(crate) totals: Totals,
    pub(crate) laws: Laws,
    /// What an expectation asks for beside the standing laws.
    conformance: Option<Box<Conformance>>,
    pub(crate) streams: Streams,
    pub(crate) datagrams: Datagrams,
    pub(crate) connections: Connections,
    pub(crate) probes: Probes,
    pub(crate) tracker: Tracker,
    pub(crate) findings: Findings,
}

impl Watch {
    /// A watcher for a run of `plan`.
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut places = vec![PlaceWatch::default(); plan.places.len()];
        for host in &plan.hosts {
            places[host.place.index()].is_host = true;
        }
        let memory = Memory {
            places,
            hashes: Hashes::of(plan),
            targets: faults_of_directions(plan),
            connections: Connections::default(),
        };
        Self::in_memory(plan, memory)
    }

    /// Becomes a watcher for another run of the same plan, in the memory that is there.
    pub(crate) fn reset(&mut self, plan: &Plan) {
        let mut memory = Memory {
            places: std::mem::take(&mut self.places),
            hashes: std::mem::take(&mut self.hashes),
            targets: std::mem::take(&mut self.targets),
            connections: std::mem::take(&mut self.connections),
        };
        for place in &mut memory.places {
            *place = PlaceWatch { is_host: place.is_host, ..PlaceWatch::default() };
        }
        memory.connections.clear();
        *self = Self::in_memory(plan, memory);
    }

    fn in_memory(plan: &Plan, memory: Memory) -> Self {
        let Memory { places, hashes, targets, connections } = memory;
        let place_of = |name: &str| {
            let host = name.split_once('/').map_or(name, |(host, _)| host);
            let rank =
                plan.places.binary_search_by(|place| (**place).cmp(host)).expect("a socket is on a host");
            PlaceId(rank as u32)
        };
        let name_places: Vec<PlaceId> = plan.names.iter().map(|name| place_of(name)).collect();
        Self {
            places,
            hashes,
            targets,
            rewritten: LookupTable::default(),
            number: 0,
            latest: Instant::ZERO,
            totals: Totals::default(),
            laws: Laws::default(),
            conformance: Conformance::new(plan),
            streams: Streams::default(),
            datagrams: Datagrams::default(),
            connections,
            probes: Probes::new(plan, &name_places),
            tracker: Tracker::new(plan, &name_places),
            findings: Findings::default(),
        }
    }

    /// Fingerprint of everything so far.
    pub(crate) fn fingerprint(&self, plan: &Plan) -> Fingerprint {
        let digests = self.places.iter().map(|place| &place.digest);
        let run = Fingerprint::combine(plan.places.iter().map(|name| &**name).zip(digests));
        plan.quirks().fold(run, |run, (host, quirk)| run.with_quirk(host, quirk.as_str()))
    }

    /// Semantic records so far.
    pub(crate) fn events(&self) -> u64 {
        self.number
    }

    /// Time of the latest record: a wake-up that does nothing leaves no trace (DESIGN D2).
    pub(crate) fn latest(&self) -> Instant {
        self.latest
    }

    /// Packets that the host at `place` discarded for a bad checksum.
    pub(crate) fn bad_checksums_at(&self, place: PlaceId) -> u64 {
        self.places[place.index()].bad_checksums
    }

    /// The plan's number of a direction's fault.
    pub(crate) fn fault_of(&self, direction: DirectionId, index: u32) -> FaultId {
        self.targets[direction.0 as usize][index as usize]
    }

    /// The rank of the record in hand.
    pub(crate) fn rank(&self, at: Instant) -> Rank {
        Rank { at, number: self.number }
    }

    #[inline(never)]
    fn sent(&mut self, at: Instant, place: PlaceId, packet: &Packet, direction: DirectionId, origin: bool) {
        let direction_name = self.hashes.directions[direction.0 as usize];
        let digest = &mut self.places[place.index()].digest;
        if !origin {
            digest.forwarded(at, direction_name, packet);
            return;
        }
        digest.sent(at, direction_name, packet);
        self.totals.sent += 1;
        self.tracker.sent(at, place, packet);
        if let Body::Tcp(segment) = &packet.body
            && let Some(finding) = self.laws.sent(at, place, packet, segment)
        {
            self.findings.add(finding);
        }
    }

    #[inline(never)]
    fn arrived(&mut self, at: Instant, place: PlaceId, packet: &Packet, direction: DirectionId) {
        let watched = &mut self.places[place.index()];
        watched.digest.arrived(at, self.hashes.directions[direction.0 as usize], packet);
        if !watched.is_host {
            return;
        }
        self.totals.delivered += 1;
        self.tracker.arrived(self.rank(at), packet);
        match &packet.body {
            Body::Tcp(segment) => self.laws.arrived(place, packet, segment),
            Body::Udp(datagram) => self.datagrams.arrived(place, packet.tag.id, datagram),
            Body::Raw(_) if packet.tag.flow.opener.is_some() => {
                self.streams.raw_arrived(packet.tag.flow, packet.tag.id);
                self.laws.deceive(packet.tag.flow);
            }
            Body::Icmp(_) | Body::Raw(_) => {}
        }
        if !self.rewritten.is_empty() && self.rewritten.contains(&packet.tag.id) {
            self.laws.deceive(packet.tag.flow);
        }
    }

    fn discarded(&mut self, at: Instant, place: PlaceId, packet: PacketId, reason: DropReason) {
        self.places[place.index()].digest.discarded(at, packet.count(), reason);
        if matches!(reason, DropReason::BadChecksum | DropReason::Malformed) {
            self.streams.raw_refused(packet);
        }
        if reason == DropReason::BadChecksum {
            self.totals.bad_checksums += 1;
            self.places[place.index()].bad_checksums += 1;
        }
        self.datagrams.discarded(place, packet);
    }

    fn link(&mut self, place: PlaceId, direction: DirectionId, event: &LinkEvent) {
        self.places[place.index()].digest.link(event);
        if matches!(event.decision, Decision::Rewritten { field, .. } if !field.is_of_the_way()) {
            self.rewritten.insert(event.packet, ());
        }
        let fault = |by: By| match by {
            By::Fault(index) => Some(self.fault_of(direction, index.0)),
            By::Random | By::Timeline => None,
        };
        match event.decision {
            Decision::Duplicated { copy, by } => {
                if let Some(fault) = fault(by) {
                    self.tracker.fault_made(fault, copy);
                }
            }
            Decision::Corrupted { by, .. }
            | Decision::Delayed { by, .. }
            | Decision::Held { by, .. }
            | Decision::Reordered { by }
            | Decision::Rewritten { by, .. } => {
                if let Some(fault) = fault(by) {
                    self.tracker.fault_made(fault, event.packet);
                }
            }
            _ => {}
        }
    }

    fn state_changed(&mut self, record: &Record<'_>) {
        let Event::StateChanged { connection, from, to, .. } = record.event else { return };
        let rank = self.rank(record.at);
        self.places[record.place.index()].digest.state(record.at, connection.0, from, to);
        if !laws::transition_is_legal(from, to) {
            self.findings.add(Finding {
                oracle: OracleName::Sequence,
                result: OracleResult::Broken,
                detail: format!(
                    "{}: no transition leads from {} to {}",
                    record.at,
                    from.as_str(),
                    to.as_str()
                ),
            });
        }
        if let Some(log) = self.connections.get_mut(record.place, connection) {
            log.entries.push((rank, to));
        }
    }

    /// The app behind `name` has its connection.
    fn named(&mut self, place: PlaceId, connection: faultwire_host::ConnectionId, name: NameId) {
        self.connections.name(place, connection, name);
    }
}

impl Sink for Watch {
    #[inline(always)]
    fn record(&mut self, record: &Record<'_>) {
        self.number += 1;
        self.latest = record.at;
        let (at, place) = (record.at, record.place);
        if self.conformance.is_some() {
            self.conform(record);
        }
        match record.event {
            Event::Sent { packet, direction, origin } => self.sent(at, place, packet, direction, origin),
            Event::Arrived { packet, direction } => self.arrived(at, place, packet, direction),
            _ => self.record_rare(record),
        }
    }
}

impl Watch {
    /// Shows the laws of conformance what happens, where an expectation asks for them.
    #[cold]
    fn conform(&mut self, record: &Record<'_>) {
        if let Some(conformance) = &mut self.conformance {
            conformance.record(record, &mut self.findings);
        }
    }

    /// An app has read so many octets of a stream by now.
    pub(crate) fn read(&mut self, at: Instant, end: (PlaceId, Flow), octets: u64) {
        if let Some(conformance) = &mut self.conformance {
            conformance.read(at, end, octets, &mut self.findings);
        }
    }

    /// What the laws of conformance find when the run ends at `end`.
    pub(crate) fn conformance_at(&self, end: Instant) -> Vec<Finding> {
        self.conformance.as_ref().map_or_else(Vec::new, |conformance| conformance.finish(end))
    }

    /// Everything but packets that are sent or arrive.
    #[inline(never)]
    fn record_rare(&mut self, record: &Record<'_>) {
        let (at, place) = (record.at, record.place);
        match record.event {
            Event::Link { direction, event } => self.link(place, direction, event),
            Event::Discarded { packet, reason } => self.discarded(at, place, packet, reason),
            Event::StateChanged { .. } => self.state_changed(record),
            Event::Named { name, connection, .. } => self.named(place, connection, name),
            Event::StepEnded { app, step, errno } => {
                let hash = self.hashes.apps[app as usize];
                self.places[place.index()].digest.step(at, hash, step, errno);
                if errno.is_none() {
                    self.tracker.step_done(at, app, step);
                }
            }
            Event::HostChanged { change } => {
                self.places[place.index()].digest.host(at, change as u64);
                if change == HostChange::Crash {
                    self.connections.crash(place, self.rank(at));
                }
            }
            Event::Sent { .. }
            | Event::Arrived { .. }
            | Event::Opened { .. }
            | Event::Injected { .. }
            | Event::Sample { .. }
            | Event::Called(_) => {}
        }
    }
}

/// For each direction: the plan's number of each of its targeted faults.
fn faults_of_directions(plan: &Plan) -> Vec<Vec<FaultId>> {
    let mut targets: Vec<Vec<FaultId>> = plan
        .directions
        .iter()
        .map(|direction| vec![FaultId(u32::MAX); direction.config.faults.len()])
        .collect();
    for (id, fault) in plan.faults.iter().enumerate() {
        for &(direction, index) in &fault.targets {
            targets[direction.0 as usize][index as usize] = FaultId(id as u32);
        }
    }
    targets
}

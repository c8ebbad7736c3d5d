//! The conformance oracles: general rules of the RFCs, judged from outside, which run only where an expectation names them.
//!
//! They know what an end sent, what reached it and which states it went through, and nothing of what it believes. What stacks
//! may do differently they take from the settings that a host's profile and sysctls ask for. A law that can't be exact is
//! generous: what it calls broken is broken.

mod acceptance;
mod acknowledgments;
mod closing;
mod congestion;
mod end;
mod lawful;
mod retransmissions;
mod scene;
mod timers;
mod windows;

use faultwire_base::{Instant, PacketId, PlaceId};
use faultwire_host::DropReason;
use faultwire_tcp::State;
use faultwire_wire::{Body, Flow, IcmpKind, IcmpMessage, Packet, Reason};

use super::{Finding, Findings, OracleName, OracleResult};
use crate::plan::{Check, HostChange, Plan};
use crate::record::{Event, Record};
use acceptance::Acceptance;
use acknowledgments::Acknowledgments;
use closing::Closing;
use congestion::Congestion;
use end::{End, Seen};
use lawful::Lawful;
use retransmissions::Retransmissions;
use scene::Scene;
use timers::Timers;
use windows::Windows;

/// The laws that a run is asked to keep, and what they have seen.
#[derive(Clone, Debug)]
pub(crate) struct Conformance {
    scene: Scene,
    now: Instant,
    /// Names of places, for the sentences.
    places: Vec<std::sync::Arc<str>>,
    laws: Vec<Law>,
}

/// One law with its memory of each end.
#[derive(Clone, Debug)]
enum Law {
    Timers(Timers),
    Acknowledgments(Acknowledgments),
    Congestion(Congestion),
    Acceptance(Acceptance),
    Closing(Closing),
    Windows(Windows),
    Retransmissions(Retransmissions),
}

/// What a law is shown: the end as it was before what has just happened.
#[derive(Clone, Copy)]
struct Stage<'a> {
    at: Instant,
    /// The end's number; it stays for the whole run.
    index: usize,
    end: &'a End,
    /// What its host's profile and sysctls permit.
    lawful: &'a Lawful,
}

impl Conformance {
    /// The laws that the plan's expectations name; `None` if there are none.
    pub(crate) fn new(plan: &Plan) -> Option<Box<Self>> {
        let named = |oracle: OracleName| {
            plan.expectations.iter().any(
                |expectation| matches!(expectation.check, Check::Oracle { oracle: asked, .. } if asked == oracle),
            )
        };
        let laws: Vec<Law> =
            OracleName::CONFORMANCE.into_iter().filter(|&oracle| named(oracle)).map(Law::new).collect();
        let scene = || Scene::new(lawful::of_hosts(plan));
        (!laws.is_empty())
            .then(|| Box::new(Self { scene: scene(), now: Instant::ZERO, places: plan.places.clone(), laws }))
    }

    /// Takes one record in.
    pub(crate) fn record(&mut self, record: &Record<'_>, findings: &mut Findings) {
        self.turn_to(record.at, findings);
        let place = record.place;
        match record.event {
            Event::Sent { packet, origin: true, .. } => self.sent(place, packet, findings),
            Event::Arrived { packet, .. } => self.arrived(place, packet, findings),
            Event::Discarded { packet, reason } => self.discarded(place, packet, reason),
            Event::Opened { flow, local, remote, .. } => self.scene.opened(place, flow, local, remote),
            Event::StateChanged { flow, from, to, .. } => {
                self.state_changed(place, flow, (from, to), findings);
            }
            Event::HostChanged { change } => self.host_changed(place, change),
            Event::Link { event, .. } => self.scene.link(event),
            _ => {}
        }
    }

    /// An app has read so many octets of a stream by now.
    pub(crate) fn read(
        &mut self,
        at: Instant,
        (place, flow): (PlaceId, Flow),
        octets: u64,
        findings: &mut Findings,
    ) {
        self.turn_to(at, findings);
        let Some(index) = self.scene.of_flow(place, flow) else { return };
        self.scene.end_mut(index).received.read = octets;
        for law in &mut self.laws {
            if let Law::Windows(law) = law {
                law.read(index);
            }
        }
    }

    fn turn_to(&mut self, at: Instant, findings: &mut Findings) {
        if at > self.now {
            self.time_passes(at, findings);
            self.scene.time_passes();
            self.now = at;
        }
    }

    /// The run is over: what should have happened by now?
    pub(crate) fn finish(&self, at: Instant) -> Vec<Finding> {
        let mut ended = self.clone();
        let mut findings = Findings::default();
        ended.time_passes(at, &mut findings);
        for index in 0..ended.scene.ends() {
            ended.each(index, &mut findings, |law, stage| law.ends(stage));
        }
        OracleName::CONFORMANCE.into_iter().filter_map(|oracle| findings.take(oracle)).collect()
    }

    fn sent(&mut self, place: PlaceId, packet: &Packet, findings: &mut Findings) {
        let Some(index) = self.scene.sender(self.now, place, packet) else { return };
        let Some(seen) = self.scene.end(index).see_sent(self.now, packet) else { return };
        self.each(index, findings, |law, stage| law.sent(stage, &seen));
        self.scene.end_mut(index).note_sent(&seen);
    }

    fn arrived(&mut self, place: PlaceId, packet: &Packet, findings: &mut Findings) {
        if let Body::Icmp(message) = &packet.body {
            self.told(place, message, packet.tag.reason, findings);
            return;
        }
        let Some(index) = self.scene.receiver(place, packet) else { return };
        let Some(seen) = self.scene.end(index).see_arrived(self.now, packet) else { return };
        self.each(index, findings, |law, stage| law.arrived(stage, &seen));
        self.scene.end_mut(index).note_arrived(&seen);
    }

    /// An ICMP error arrived; `reason` is unknown if no endpoint made it.
    fn told(&mut self, place: PlaceId, message: &IcmpMessage, reason: Reason, findings: &mut Findings) {
        let Some(index) = self.scene.quoted(place, message) else { return };
        self.scene.end_mut(index).note_icmp(self.now);
        if let IcmpKind::PacketTooBig { mtu } = message.kind
            && reason != Reason::Unknown
        {
            self.each(index, findings, |law, stage| law.told_mtu(stage, mtu));
        }
    }

    fn discarded(&mut self, place: PlaceId, packet: PacketId, reason: DropReason) {
        self.scene.discarded(place, packet, reason);
        for law in &mut self.laws {
            if let Law::Acknowledgments(law) = law {
                law.discarded(packet);
            }
        }
    }

    fn state_changed(
        &mut self,
        place: PlaceId,
        flow: Flow,
        (from, to): (State, State),
        findings: &mut Findings,
    ) {
        let Some(index) = self.scene.of_flow(place, flow) else { return };
        self.each(index, findings, |law, stage| law.state_changed(stage, from, to));
        self.scene.end_mut(index).note_state(self.now, to);
    }

    fn host_changed(&mut self, place: PlaceId, change: HostChange) {
        self.scene.host_changed(self.now, place, change);
    }

    /// Nothing more happens at the present instant.
    fn time_passes(&mut self, until: Instant, findings: &mut Findings) {
        let Self { scene, laws, places, now } = self;
        for law in laws {
            let name = law.name();
            for (index, text) in law.time_passes(scene, *now, until) {
                tell(findings, name, scene.end(index), places, *now, &text);
            }
        }
    }

    /// Shows each law what happens at an end, and keeps what they find.
    fn each(
        &mut self,
        index: usize,
        findings: &mut Findings,
        look: impl Fn(&mut Law, Stage<'_>) -> Option<String>,
    ) {
        let end = self.scene.end(index);
        let Some(lawful) = self.scene.lawful(end.place) else { return };
        let stage = Stage { at: self.now, index, end, lawful };
        for law in &mut self.laws {
            if let Some(text) = look(law, stage) {
                tell(findings, law.name(), end, &self.places, self.now, &text);
            }
        }
    }
}

/// An end that something reached which no endpoint made isn't judged any more, but for what it accepts.
fn tell(
    findings: &mut Findings,
    oracle: OracleName,
    end: &End,
    places: &[std::sync::Arc<str>],
    at: Instant,
    text: &str,
) {
    if end.is_deceived() && oracle != OracleName::Acceptance {
        return;
    }
    let detail = format!("{at}: {}: {text}", places[end.place.index()]);
    findings.add(Finding { oracle, result: OracleResult::Broken, detail });
}

impl Law {
    fn new(oracle: OracleName) -> Self {
        match oracle {
            OracleName::Timers => Self::Timers(Timers::default()),
            OracleName::Acknowledgments => Self::Acknowledgments(Acknowledgments::default()),
            OracleName::Congestion => Self::Congestion(Congestion::default()),
            OracleName::Acceptance => Self::Acceptance(Acceptance::default()),
            OracleName::Closing => Self::Closing(Closing::default()),
            OracleName::Windows => Self::Windows(Windows::default()),
            OracleName::Retransmissions => Self::Retransmissions(Retransmissions::default()),
            _ => unreachable!("{oracle} watches every run"),
        }
    }

    fn name(&self) -> OracleName {
        match self {
            Self::Timers(_) => OracleName::Timers,
            Self::Acknowledgments(_) => OracleName::Acknowledgments,
            Self::Congestion(_) => OracleName::Congestion,
            Self::Acceptance(_) => OracleName::Acceptance,
            Self::Closing(_) => OracleName::Closing,
            Self::Windows(_) => OracleName::Windows,
            Self::Retransmissions(_) => OracleName::Retransmissions,
        }
    }

    fn sent(&mut self, stage: Stage<'_>, seen: &Seen<'_>) -> Option<String> {
        match self {
            Self::Timers(law) => law.sent(stage, seen),
            Self::Acknowledgments(law) => law.sent(stage, seen),
            Self::Congestion(law) => law.sent(stage, seen),
            Self::Acceptance(law) => law.sent(stage, seen),
            Self::Closing(law) => law.sent(stage, seen),
            Self::Windows(law) => law.sent(stage, seen),
            Self::Retransmissions(law) => law.sent(stage, seen),
        }
    }

    fn arrived(&mut self, stage: Stage<'_>, seen: &Seen<'_>) -> Option<String> {
        match self {
            Self::Timers(law) => law.arrived(stage, seen),
            Self::Acknowledgments(law) => law.arrived(stage, seen),
            Self::Congestion(law) => law.arrived(stage, seen),
            Self::Acceptance(law) => law.arrived(stage, seen),
            Self::Closing(law) => law.arrived(stage, seen),
            Self::Windows(_) => None,
            Self::Retransmissions(law) => law.arrived(stage, seen),
        }
    }

    fn state_changed(&mut self, stage: Stage<'_>, from: State, to: State) -> Option<String> {
        match self {
            Self::Acceptance(law) => law.state_changed(stage, from, to),
            Self::Closing(law) => law.state_changed(stage, from, to),
            _ => None,
        }
    }

    fn told_mtu(&mut self, stage: Stage<'_>, mtu: u32) -> Option<String> {
        if let Self::Retransmissions(law) = self {
            law.told_mtu(stage, mtu);
        }
        None
    }

    /// The present instant is over, and `until` is next: what was due in it, and at which ends?
    fn time_passes(&mut self, scene: &Scene, now: Instant, until: Instant) -> Vec<(usize, String)> {
        match self {
            Self::Acknowledgments(law) => law.time_passes(scene, now, until),
            Self::Windows(law) => law.time_passes(scene),
            _ => Vec::new(),
        }
    }

    fn ends(&mut self, stage: Stage<'_>) -> Option<String> {
        match self {
            Self::Timers(law) => law.ends(stage),
            _ => None,
        }
    }
}

/// The memory of one end in a law's list, which grows with the scene.
fn memory<T: Default>(list: &mut Vec<T>, index: usize) -> &mut T {
    if list.len() <= index {
        list.resize_with(index + 1, T::default);
    }
    &mut list[index]
}

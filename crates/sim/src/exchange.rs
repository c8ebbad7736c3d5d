//! Watches all segments between two hosts for an expectation that lists them line by line.

use std::net::{IpAddr, SocketAddr};

use faultwire_base::{Instant, PacketId, PlaceId};
use faultwire_tcp::State;
use faultwire_wire::{Body, Packet, Segment};

use crate::connections::Connections;
use crate::expect::Judgement;
use crate::plan::{Check, ExchangeLine, LineEnd, Plan, SegmentWords, Step};

/// Lines kept; an expectation lists far fewer.
const LINES_KEPT: usize = 1_024;

/// The segments of one expectation.
#[derive(Clone, Debug)]
pub(crate) struct ExchangeWatch {
    expectation: u32,
    hosts: [PlaceId; 2],
    /// From when, and before when, segments count.
    span: (Instant, Instant),
    addresses: Vec<(IpAddr, PlaceId)>,
    listeners: Vec<ListenStep>,
    seen: Vec<Seen>,
    more: u64,
}

/// A step that opens a listener on one of the hosts.
#[derive(Clone, Copy, Debug)]
struct ListenStep {
    app: u32,
    step: u32,
    place: PlaceId,
    port: u16,
    /// When it was done.
    since: Option<Instant>,
}

/// One segment that was sent.
#[derive(Clone, Debug)]
struct Seen {
    packet: PacketId,
    at: Instant,
    source: SocketAddr,
    destination: SocketAddr,
    leftwards: bool,
    words: SegmentWords,
    /// Whether a host sent it, and no fault.
    by_host: bool,
    arrived: Option<Instant>,
}

impl ExchangeWatch {
    /// The watches that the expectations of `plan` need.
    pub(crate) fn all(plan: &Plan) -> Vec<Self> {
        let addresses: Vec<(IpAddr, PlaceId)> = plan
            .hosts
            .iter()
            .flat_map(|host| host.config.interfaces.iter().map(|interface| (interface.address, host.place)))
            .collect();
        let watch = |(index, expectation): (usize, &crate::plan::Expectation)| match expectation.check {
            Check::Exchange { hosts, span, .. } => Some(Self {
                expectation: index as u32,
                hosts,
                span,
                addresses: addresses.clone(),
                listeners: listeners(plan, hosts),
                seen: Vec::new(),
                more: 0,
            }),
            _ => None,
        };
        plan.expectations.iter().enumerate().filter_map(watch).collect()
    }

    /// A packet was sent at `place`: by a host, or injected into the direction that `place` is.
    pub(crate) fn sent(&mut self, at: Instant, place: PlaceId, packet: &Packet) {
        let Body::Tcp(segment) = &packet.body else { return };
        if at < self.span.0 || at >= self.span.1 {
            return;
        }
        let by_host = self.hosts.contains(&place);
        self.note(at, packet, segment, by_host, None);
    }

    /// A packet reached a host.
    pub(crate) fn arrived(&mut self, at: Instant, packet: &Packet) {
        if let Some(seen) = self.seen.iter_mut().rev().find(|seen| seen.packet == packet.tag.id) {
            seen.arrived = Some(at);
            return;
        }
        let Body::Tcp(segment) = &packet.body else { return };
        if packet.tag.parent != PacketId::NONE && at >= self.span.0 && at < self.span.1 {
            self.note(at, packet, segment, false, Some(at));
        }
    }

    fn note(
        &mut self,
        at: Instant,
        packet: &Packet,
        segment: &Segment,
        by_host: bool,
        arrived: Option<Instant>,
    ) {
        let side = |address: IpAddr| {
            let (_, place) = self.addresses.iter().find(|(known, _)| *known == address)?;
            self.hosts.iter().position(|host| host == place)
        };
        let (Some(from), Some(to)) = (side(packet.ip.source), side(packet.ip.destination)) else { return };
        if from == to {
            return;
        }
        if self.seen.len() == LINES_KEPT {
            self.more += 1;
            return;
        }
        self.seen.push(Seen {
            packet: packet.tag.id,
            at,
            source: SocketAddr::new(packet.ip.source, segment.source_port),
            destination: SocketAddr::new(packet.ip.destination, segment.destination_port),
            leftwards: from == 1,
            words: SegmentWords::of(segment),
            by_host,
            arrived,
        });
    }

    /// A step of an app has succeeded.
    pub(crate) fn step_done(&mut self, at: Instant, app: u32, step: u32) {
        if let Some(listener) =
            self.listeners.iter_mut().find(|listener| (listener.app, listener.step) == (app, step))
        {
            listener.since.get_or_insert(at);
        }
    }

    /// The expectation that this watch serves.
    pub(crate) fn expectation(&self) -> u32 {
        self.expectation
    }

    /// Whether exactly these lines were seen.
    pub(crate) fn judge(&self, lines: &[ExchangeLine], connections: &Connections) -> Judgement {
        let seen: Vec<ExchangeLine> = self.seen.iter().map(|seen| self.line(seen, connections)).collect();
        let same = |(line, seen): (&ExchangeLine, &ExchangeLine)| line.describes(seen);
        let alike = lines.iter().zip(&seen).take_while(|&(line, seen)| same((line, seen))).count();
        if alike == lines.len() && alike == seen.len() && self.more == 0 {
            return Judgement::new(true, format!("{alike} segments as listed"));
        }
        let rest: Vec<String> = seen[alike..].iter().map(ExchangeLine::to_string).collect();
        let rest = if rest.is_empty() { "nothing more".to_owned() } else { rest.join("; ") };
        Judgement::new(false, format!("{alike} segments as listed, then {rest}"))
    }

    fn line(&self, seen: &Seen, connections: &Connections) -> ExchangeLine {
        let [left, right] = self.hosts;
        let (sender, receiver) = if seen.leftwards { (right, left) } else { (left, right) };
        let at_sender = if seen.by_host {
            LineEnd::State(self.state(connections, sender, (seen.source, seen.destination), seen.at))
        } else {
            LineEnd::Nowhere
        };
        let at_receiver = seen.arrived.map_or(LineEnd::Nowhere, |at| {
            LineEnd::State(self.state(connections, receiver, (seen.destination, seen.source), at))
        });
        let (left, right) = if seen.leftwards { (at_receiver, at_sender) } else { (at_sender, at_receiver) };
        ExchangeLine { at: seen.at, left, leftwards: seen.leftwards, segment: seen.words.clone(), right }
    }
    /// The state at the end of the instant `at` of the latest connection between these ends; where there was none yet,
    /// whether somebody listened.
    fn state(
        &self,
        connections: &Connections,
        place: PlaceId,
        (local, remote): (SocketAddr, SocketAddr),
        at: Instant,
    ) -> State {
        let mut logs = connections.all().iter().rev();
        let log = logs
            .find(|log| log.place == place && log.local == local && log.remote == remote && log.opened <= at);
        let listens = self.listeners.iter().any(|listener| {
            (listener.place, listener.port) == (place, local.port())
                && listener.since.is_some_and(|since| since <= at)
        });
        match log {
            Some(log) => log.state_at(at),
            None if listens => State::Listen,
            None => State::Closed,
        }
    }
}

/// The steps of apps on `hosts` that open a TCP listener.
fn listeners(plan: &Plan, hosts: [PlaceId; 2]) -> Vec<ListenStep> {
    let steps = |(app, plan): (usize, &crate::plan::AppPlan)| {
        let place = plan.host;
        let listen = move |(step, planned): (usize, &crate::plan::StepPlan)| match planned.step {
            Step::Listen { port, udp: false, .. } => {
                Some(ListenStep { app: app as u32, step: step as u32, place, port, since: None })
            }
            _ => None,
        };
        plan.steps.iter().enumerate().filter_map(listen).collect::<Vec<_>>()
    };
    plan.apps.iter().enumerate().filter(|(_, app)| hosts.contains(&app.host)).flat_map(steps).collect()
}

//! The host under test and its clock: it runs until a time and keeps what it sent.

use std::collections::VecDeque;

use faultwire_base::{Instant, SeedTree};
use faultwire_host::{Host, HostConfig, HostEvent};
use faultwire_wire::Packet;

/// The host under test and its clock.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// The host. After any call that may make it send, [`Machine::drain`] is due.
    pub(crate) host: Host,
    now: Instant,
    /// What it sent and nobody looked at yet, oldest first.
    pub(crate) sent: VecDeque<Sent>,
    /// What it told, readiness left out.
    pub(crate) told: Vec<(Instant, HostEvent)>,
    /// The queue of its interface has no room: what it sends is lost.
    pub(crate) loses_egress: bool,
}

/// A packet that the host sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// When.
    pub(crate) at: Instant,
    /// What.
    pub(crate) packet: Packet,
}

impl Machine {
    /// A fresh host, its clock at zero.
    pub(crate) fn new(config: HostConfig, seeds: SeedTree) -> Self {
        let host = Host::new(config, seeds);
        Self { host, now: Instant::ZERO, sent: VecDeque::new(), told: Vec::new(), loses_egress: false }
    }

    /// The time.
    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    /// A packet arrives now.
    pub(crate) fn receive(&mut self, packet: Packet) {
        self.host.receive(self.now, packet);
        self.drain();
    }

    /// Time passes until `until`; timers that are due then have run.
    pub(crate) fn advance_to(&mut self, until: Instant) {
        while self.step(until) {}
        self.now = self.now.max(until);
    }

    /// The next thing that is due until `until` happens; says whether there was one.
    pub(crate) fn step(&mut self, until: Instant) -> bool {
        let Some(due) = self.host.deadline().filter(|&due| due <= until) else { return false };
        self.now = self.now.max(due);
        self.host.advance(self.now);
        self.drain();
        true
    }

    /// Takes what the host wants to send and to tell.
    pub(crate) fn drain(&mut self) {
        while let Some(packet) = self.host.transmit(self.now) {
            if !self.loses_egress {
                self.sent.push_back(Sent { at: self.now, packet });
            }
        }
        while let Some(event) = self.host.event() {
            if !matches!(event, HostEvent::Ready { .. }) {
                self.told.push((self.now, event));
            }
        }
    }
}

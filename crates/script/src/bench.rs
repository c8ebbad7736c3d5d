//! The host on the bench: time passes step by step, packets and news are collected, the call that waits is asked again.

use std::collections::VecDeque;

use faultwire_base::{Instant, SeedTree};
use faultwire_host::{HostConfig, HostEvent};
use faultwire_wire::Packet;

use crate::ladder::{Ladder, Rung};
use crate::machine::Machine;
use crate::network::Network;
use crate::problem::Problem;
use crate::rules::{Due, Seconds};
use crate::settings::Profile;
use crate::sockets::{Called, Sockets};
use crate::syntax::tree::{Call, Event};
use crate::tracking::Tracking;

/// The host under test with all that is known of what it does.
#[derive(Clone, Debug)]
pub(crate) struct Bench {
    pub(crate) machine: Machine,
    pub(crate) sockets: Sockets,
    pub(crate) tracking: Tracking,
    pub(crate) ladder: Ladder,
    network: Network,
    /// Packets that nobody has looked at yet, oldest first.
    waiting: VecDeque<Emitted>,
    parked: Option<Parked>,
    /// A call that returns something else does not end the script.
    lets_calls_differ: bool,
    /// The first thing that no stack may do: a change of state that no standard knows, or one of the laws of segments.
    broken_law: Option<String>,
}

/// A packet of ours.
#[derive(Clone, Debug)]
pub(crate) struct Emitted {
    /// When it was sent.
    pub(crate) at: Instant,
    /// What it is.
    pub(crate) packet: Packet,
    /// Whose it is, as a place in [`Tracking`].
    pub(crate) sender: Option<usize>,
    /// That socket was under test then.
    pub(crate) counts: bool,
}

/// A call that has not returned.
#[derive(Clone, Debug)]
struct Parked {
    line: u32,
    text: String,
    /// When it has to return, if the script says.
    due: Option<Due>,
}

/// What went wrong, and at which line.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    pub(crate) line: u32,
    pub(crate) problem: Problem,
    pub(crate) origin: Origin,
}

/// What went wrong: `--non_fatal` tells packets from calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Packet,
    Call,
    Other,
}

impl Bench {
    /// A fresh host.
    pub(crate) fn new(
        config: HostConfig,
        network: Network,
        profile: Profile,
        lets_calls_differ: bool,
    ) -> Self {
        Self {
            machine: Machine::new(config, SeedTree::new(SEED)),
            sockets: Sockets::new(profile),
            tracking: Tracking::default(),
            ladder: Ladder::default(),
            network,
            waiting: VecDeque::new(),
            parked: None,
            lets_calls_differ,
            broken_law: None,
        }
    }

    /// The time.
    pub(crate) fn now(&self) -> Instant {
        self.machine.now()
    }

    /// Time passes until `until`; timers that are due then have run.
    pub(crate) fn advance_to(&mut self, until: Instant) -> Result<(), Trouble> {
        while self.step(until)? {}
        self.machine.advance_to(until);
        Ok(())
    }

    /// The next thing that is due until `until` happens; says whether there was one.
    pub(crate) fn step(&mut self, until: Instant) -> Result<bool, Trouble> {
        let now = self.now();
        let patience = self.sockets.resume_deadline().filter(|&at| now < at && at <= until);
        // At one instant the host's timers run first: they may give the call what it waits for.
        let stepped = match patience {
            Some(at) => {
                if !self.machine.step(at) {
                    self.machine.advance_to(at);
                }
                true
            }
            None => self.machine.step(until),
        };
        if stepped {
            self.settle()?;
        }
        Ok(stepped)
    }

    /// The peer's packet arrives, on the connection at that place.
    pub(crate) fn receive(&mut self, packet: Packet, connection: Option<usize>) -> Result<(), Trouble> {
        self.ladder.push(self.now(), Rung::Received(Box::new(packet.clone()), connection));
        self.machine.receive(packet);
        self.settle()
    }

    /// A call is made; when it returns is compared with `due`, if there is such a time.
    pub(crate) fn call(&mut self, event: &Event, call: &Call, due: Option<Due>) -> Result<(), Trouble> {
        self.ladder.push(self.now(), Rung::Did(event.text.clone()));
        let called = self.sockets.call(&mut self.machine, &self.network, call);
        self.parked = Some(Parked { line: event.at.line, text: event.text.clone(), due });
        self.answered(called)?;
        self.settle()
    }

    /// Waits until `until` for the call that waits.
    ///
    /// # Errors
    /// What it returned if that is not what the script says, and that it has not returned.
    pub(crate) fn await_call(&mut self, until: Instant) -> Result<(), Trouble> {
        while self.parked.is_some() && self.step(until)? {}
        let Some(parked) = self.parked.take() else { return Ok(()) };
        let message = format!("{}\nthe call has not returned at {}", parked.text, Seconds::of(until));
        Err(Trouble { line: parked.line, problem: Problem::Differs(message), origin: Origin::Other })
    }

    /// The oldest packet that nobody has looked at.
    pub(crate) fn take(&mut self) -> Option<Emitted> {
        self.waiting.pop_front()
    }

    /// All that nobody has looked at.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Emitted> {
        self.waiting.iter()
    }

    /// The first thing it did that no stack may do.
    pub(crate) fn broken_law(&self) -> Option<&str> {
        self.broken_law.as_deref()
    }

    /// Collects what the host did since, and asks the call that waits whether it is over.
    pub(crate) fn settle(&mut self) -> Result<(), Trouble> {
        self.collect();
        if self.sockets.is_waiting() {
            let called = self.sockets.resume(&mut self.machine);
            self.answered(called)?;
            self.collect();
        }
        Ok(())
    }

    fn collect(&mut self) {
        for opened in self.sockets.opened() {
            self.tracking.note(opened, &self.network, &self.machine.host);
        }
        for (at, event) in self.machine.told.drain(..) {
            if let HostEvent::StateChanged { from, to, .. } = event
                && !from.may_become(to)
            {
                let law = || format!("no way leads from {from} to {to} (RFC 9293 figure 5)");
                self.broken_law.get_or_insert_with(law);
            }
            self.ladder.push(at, Rung::Told(Box::new(event)));
        }
        let under_test = self.tracking.under_test().map(|(index, _)| index);
        for sent in self.machine.sent.drain(..) {
            let sender = self.tracking.sender(&sent.packet, &self.network, &self.machine.host);
            if let Some(law) = sender.and_then(|index| self.tracking.sent(index, &sent.packet)) {
                self.broken_law.get_or_insert_with(|| law.to_owned());
            }
            self.ladder.push(sent.at, Rung::Sent(Box::new(sent.packet.clone()), sender));
            let counts = sender.is_some() && sender == under_test;
            self.waiting.push_back(Emitted { at: sent.at, packet: sent.packet, sender, counts });
        }
    }

    /// What the call that waits came to.
    fn answered(&mut self, called: Result<Called, Problem>) -> Result<(), Trouble> {
        if matches!(called, Ok(Called::Waiting)) {
            return Ok(());
        }
        let parked = self.parked.take().expect("a call was made");
        let now = self.now();
        let checked = called.and_then(|_| match parked.due.filter(|due| !due.allows(now)) {
            Some(due) => Err(Problem::Differs(format!(
                "time of its return: expected {due}, it is {}",
                Seconds::of(now)
            ))),
            None => Ok(()),
        });
        match checked {
            Ok(()) => {
                if parked.due.is_some() {
                    self.ladder.push(now, Rung::Note(format!("returned: {}", parked.text)));
                }
                Ok(())
            }
            Err(Problem::Differs(message)) if self.lets_calls_differ => {
                self.ladder.push(now, Rung::Note(format!("differs, which is not fatal: {message}")));
                Ok(())
            }
            Err(Problem::Differs(message)) => {
                let problem = Problem::Differs(format!("{}\n{message}", parked.text));
                Err(Trouble { line: parked.line, problem, origin: Origin::Call })
            }
            Err(problem) => Err(Trouble { line: parked.line, problem, origin: Origin::Call }),
        }
    }
}

/// All scripts are played with the same one: what a stack draws at random is the same each time.
const SEED: u64 = 7;

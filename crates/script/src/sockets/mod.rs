//! The system calls of a script over the host under test: arguments read, calls made, results compared.
//!
//! Inside, from the top: this face; `call` (which call it is); a room for each family (`open`, `transfer`, `options`,
//! `control`, `poll`, `epoll`); `reply` (what a call gave, and whether the script says so); `watch` (what wakes a
//! poller), `file` (the script's descriptors), `value` (arguments), `symbols`.
//!
//! A call that has to wait is parked: the owner lets time pass step by step and asks again after each.

mod call;
mod control;
mod epoll;
mod file;
mod message;
mod open;
mod options;
mod poll;
mod reply;
mod symbols;
mod transfer;
mod value;
mod watch;

use std::collections::VecDeque;
use std::net::SocketAddr;

use faultwire_base::{Duration, Instant};
use faultwire_host::{Errno, Fd, Host};

use crate::machine::Machine;
use crate::network::Network;
use crate::problem::Problem;
use crate::settings::Profile;
use crate::sockets::call::Pending;
use crate::sockets::file::Files;
use crate::sockets::reply::{Expected, Reply};
use crate::sockets::symbols::Flavour;
use crate::syntax::tree::Call;

/// The sockets of a script.
#[derive(Clone, Debug)]
pub(crate) struct Sockets {
    flavour: Flavour,
    files: Files,
    opened: VecDeque<Opened>,
    parked: Option<Parked>,
}

/// Where a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Called {
    /// It returned as the script says.
    Returned,
    /// It waits. Time has to pass, and [`Sockets::resume`] to be asked after each step.
    Waiting,
}

/// What a call did to a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// `socket`.
    Created {
        /// Which.
        fd: Fd,
    },
    /// `listen`.
    Listening {
        /// Which.
        fd: Fd,
    },
    /// `connect`, or a write that connects. It may have failed at once.
    Connecting {
        /// Which.
        fd: Fd,
    },
    /// `accept`.
    Accepted {
        /// The connection.
        fd: Fd,
        /// Its other end.
        peer: SocketAddr,
    },
    /// `connect` to an address of AF_UNSPEC.
    Disconnected {
        /// Which.
        fd: Fd,
    },
    /// `close` has returned.
    Closed {
        /// Which it was.
        fd: Fd,
    },
}

impl Sockets {
    /// None yet; the numbers of symbols are those of that stack's kernel.
    pub(crate) fn new(profile: Profile) -> Self {
        let flavour = Flavour::of(profile);
        Self { flavour, files: Files::default(), opened: VecDeque::new(), parked: None }
    }

    /// Makes a call now, unless one waits still.
    ///
    /// # Errors
    /// [`Problem::Differs`] if it returned something else than the script says, [`Problem::Unknown`] if the script says
    /// something that is not known.
    pub(crate) fn call(
        &mut self,
        machine: &mut Machine,
        network: &Network,
        call: &Call,
    ) -> Result<Called, Problem> {
        assert!(self.parked.is_none(), "one call waits at a time");
        watch::observe(&mut self.files, &machine.host);
        let expected = Expected::of(call, self.flavour)?;
        let mut world = self.world(machine, *network);
        let progress = call::begin(&mut world, call);
        self.settle(machine, *network, progress, expected)
    }

    /// Asks the call that waits whether it is over; [`Called::Returned`] if none waits.
    ///
    /// # Errors
    /// As [`Sockets::call`].
    pub(crate) fn resume(&mut self, machine: &mut Machine) -> Result<Called, Problem> {
        let Some(Parked { pending, network, expected, .. }) = self.parked.take() else {
            return Ok(Called::Returned);
        };
        watch::observe(&mut self.files, &machine.host);
        let progress = pending.attempt(&mut self.world(machine, network));
        self.settle(machine, network, progress, expected)
    }

    /// When the call that waits gives up, if it does.
    pub(crate) fn resume_deadline(&self) -> Option<Instant> {
        self.parked.as_ref()?.until
    }

    /// Whether a call waits.
    pub(crate) fn is_waiting(&self) -> bool {
        self.parked.is_some()
    }

    /// What calls did to sockets since it was asked last, oldest first.
    pub(crate) fn opened(&mut self) -> impl Iterator<Item = Opened> + '_ {
        self.opened.drain(..)
    }

    /// The socket that the script calls by that number.
    #[cfg(test)]
    pub(crate) fn live(&self, number: i64) -> Option<Fd> {
        self.files.socket(number).ok().map(|socket| socket.fd)
    }

    /// What the script has open, in the order of its numbers.
    pub(crate) fn all_live(&self) -> impl Iterator<Item = (i64, Fd)> + '_ {
        self.files.sockets().map(|(number, socket)| (number, socket.fd))
    }

    fn world<'a>(&'a mut self, machine: &'a mut Machine, network: Network) -> World<'a> {
        World { machine, network, files: &mut self.files, opened: &mut self.opened, flavour: self.flavour }
    }

    fn settle(
        &mut self,
        machine: &mut Machine,
        network: Network,
        progress: Result<Progress, Stop>,
        expected: Expected,
    ) -> Result<Called, Problem> {
        machine.drain();
        watch::refresh(&mut self.files, &machine.host);
        let reply = match progress {
            Ok(Progress::Done(reply)) => reply,
            Ok(Progress::Wait { pending, until }) => {
                self.parked = Some(Parked { pending, network, expected, until });
                return Ok(Called::Waiting);
            }
            Err(Stop::Errno(name)) => Reply::failed(name),
            Err(Stop::Problem(problem)) => return Err(problem),
        };
        expected.compare(reply, &mut self.files).map(|()| Called::Returned)
    }
}

/// A call that waits.
#[derive(Clone, Debug)]
struct Parked {
    pending: Pending,
    network: Network,
    expected: Expected,
    until: Option<Instant>,
}

/// What calls act on.
#[derive(Debug)]
struct World<'a> {
    machine: &'a mut Machine,
    network: Network,
    files: &'a mut Files,
    opened: &'a mut VecDeque<Opened>,
    flavour: Flavour,
}

impl World<'_> {
    fn now(&self) -> Instant {
        self.machine.now()
    }

    fn host(&mut self) -> &mut Host {
        &mut self.machine.host
    }

    /// When a wait of so long that begins now is over.
    fn after(&self, time: Option<Duration>) -> Option<Instant> {
        Some(self.now().saturating_add(time?))
    }

    /// Whether that time has come.
    fn is_over(&self, until: Option<Instant>) -> bool {
        until.is_some_and(|until| until <= self.now())
    }
}

/// How far a call is.
#[derive(Debug)]
enum Progress {
    Done(Reply),
    Wait { pending: Pending, until: Option<Instant> },
}

/// Why a call goes no further.
#[derive(Debug)]
enum Stop {
    /// It fails with this errno.
    Errno(&'static str),
    /// The script is at an end.
    Problem(Problem),
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno.name())
    }
}

impl From<&'static str> for Stop {
    fn from(name: &'static str) -> Self {
        Self::Errno(name)
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Reply> for Progress {
    fn from(reply: Reply) -> Self {
        Self::Done(reply)
    }
}

#[cfg(test)]
mod tests;

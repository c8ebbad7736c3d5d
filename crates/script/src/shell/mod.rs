//! Backtick commands: a recogniser, not a shell. A known command acts on the host or asserts something of it; any other
//! is named and skips the script, and never passes.

mod apply;
mod defaults;
mod fixed;
mod recognise;
mod socket_table;
mod words;

use std::net::IpAddr;

use faultwire_base::Duration;
use faultwire_tcp::State;

use crate::machine::Machine;
use crate::problem::Problem;
use crate::syntax::tree::Command;

/// What a command asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// `defaults.sh`: the settings that Google's suite starts from.
    Defaults,
    /// A sysctl under its dotted name, and its value as written.
    Sysctl {
        /// `net.ipv4.tcp_sack`.
        name: String,
        /// `1`.
        value: String,
    },
    /// A setting that Linux has elsewhere: a metric of the route to the peer, a parameter of a module.
    Setting {
        /// `route.initcwnd`.
        name: String,
        /// `10`.
        value: String,
    },
    /// What was learned of destinations is forgotten.
    FlushMetrics,
    /// All connections in TIME-WAIT are gone.
    DropTimeWait,
    /// What the host sends is lost from now on, or no more.
    LoseEgress(bool),
    /// Time passes.
    Sleep(Duration),
    /// So many sockets must be there.
    CountSockets(SocketCount),
}

/// A state check: how many sockets of a kind there must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SocketCount {
    /// Of IPv6, of IPv4, or of both.
    pub(crate) ipv6: Option<bool>,
    /// With this port at one end.
    pub(crate) port: Option<u16>,
    /// With a descriptor that the script has open.
    pub(crate) open: bool,
    /// In this state.
    pub(crate) state: Option<State>,
    /// How many.
    pub(crate) wanted: Wanted,
}

/// How many sockets are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Exactly(u64),
    AtLeastOne,
}

/// Runs a command now: everything that it asks for, in order. A text that holds anything unknown does nothing at all.
pub(crate) fn run(command: &Command, machine: &mut Machine) -> Result<(), Problem> {
    let actions = recognise(&command.text).map_err(Problem::Unknown)?;
    actions.iter().try_for_each(|action| apply::apply(action, machine))
}

/// What `text` asks for, in order; an error says what of it is not known. Never acts.
pub(crate) fn recognise(text: &str) -> Result<Vec<Action>, String> {
    recognise::recognise(text)
}

/// Whether a word is an address or a prefix.
fn is_address(word: &str) -> bool {
    let address = word.split_once('/').map_or(word, |(address, _)| address);
    address.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests;

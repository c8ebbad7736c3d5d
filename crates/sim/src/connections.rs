//! The log of every connection of a run: its states in order, its name, its final counters.

use std::net::SocketAddr;

use faultwire_base::{Instant, LookupTable, PlaceId};
use faultwire_host::{ConnectionId, ConnectionReport, Errno};
use faultwire_link::NameId;
use faultwire_tcp::State;
use faultwire_wire::Flow;

/// Connections of one host that are logged one by one; the rest are counted.
const LOGGED_PER_HOST: u64 = 1_000;

/// A point in the order of records: its time and its rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    pub(crate) at: Instant,
    pub(crate) number: u64,
}

/// One end of one connection.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionLog {
    pub(crate) place: PlaceId,
    pub(crate) connection: ConnectionId,
    pub(crate) flow: Flow,
    pub(crate) name: Option<NameId>,
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    pub(crate) opened: Instant,
    pub(crate) entries: Vec<(Rank, State)>,
    /// Filled when the host forgets the connection.
    pub(crate) summary: Option<Box<ConnectionReport>>,
    /// What its user was told when it failed.
    pub(crate) error: Option<Errno>,
    pub(crate) delivered: Delivered,
}

/// What the app got.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Delivered {
    pub(crate) octets: u64,
    /// Of these: what the peer wrote, in its order.
    pub(crate) intact: u64,
    pub(crate) first: Option<Instant>,
    pub(crate) last: Option<Instant>,
}

impl ConnectionLog {
    /// The state now.
    pub(crate) fn state(&self) -> State {
        self.entries.last().map_or(State::Closed, |&(_, state)| state)
    }

    /// The state just before the record with this rank.
    pub(crate) fn state_before(&self, rank: Rank) -> State {
        let entered = self.entries.iter().rev().find(|(entry, _)| entry.number < rank.number);
        entered.map_or(State::Closed, |&(_, state)| state)
    }

    /// The state after everything that happened at `at` or earlier.
    pub(crate) fn state_at(&self, at: Instant) -> State {
        let entered = self.entries.iter().rev().find(|(entry, _)| entry.at <= at);
        entered.map_or(State::Closed, |&(_, state)| state)
    }

    /// When `state` was first entered.
    pub(crate) fn entered(&self, state: State) -> Option<Rank> {
        self.entries.iter().find(|&&(_, entry)| entry == state).map(|&(rank, _)| rank)
    }

    /// When `state` was left for the first time after `after`.
    pub(crate) fn left(&self, state: State, after: Rank) -> Option<Rank> {
        self.entries
            .windows(2)
            .find(|pair| pair[0].1 == state && pair[1].0.number > after.number)
            .map(|pair| pair[1].0)
    }
}

/// All connection logs of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connections {
    logs: Vec<ConnectionLog>,
    by_identity: LookupTable<Identity, u32>,
    by_name: LookupTable<NameId, u32>,
    hosts: LookupTable<PlaceId, HostLogs>,
    /// Names given to connections whose opening has not been recorded yet: an app names what it opens at once.
    early_names: LookupTable<Identity, NameId>,
    unlisted: u64,
}

/// Connection ids start again in every life of a host.
type Identity = (PlaceId, u32, ConnectionId);

/// What is counted for each host.
#[derive(Clone, Copy, Debug, Default)]
struct HostLogs {
    life: u32,
    logged: u64,
}

impl Connections {
    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.logs.clear();
        self.by_identity.clear();
        self.by_name.clear();
        self.hosts.clear();
        self.early_names.clear();
        self.unlisted = 0;
    }

    /// Starts a log, unless the host has its fill.
    pub(crate) fn open(&mut self, log: ConnectionLog) {
        let host = self.hosts.entry_or_insert_with(log.place, HostLogs::default);
        if host.logged >= LOGGED_PER_HOST {
            self.unlisted += 1;
            return;
        }
        host.logged += 1;
        let (place, connection) = (log.place, log.connection);
        let identity = (place, host.life, connection);
        self.by_identity.insert(identity, self.logs.len() as u32);
        self.logs.push(log);
        if let Some(name) = self.early_names.remove(&identity) {
            self.name(place, connection, name);
        }
    }

    /// The host has lost its memory: what was open is gone.
    pub(crate) fn crash(&mut self, place: PlaceId, rank: Rank) {
        for log in self.logs.iter_mut().filter(|log| log.place == place) {
            if log.state() != State::Closed {
                log.entries.push((rank, State::Closed));
            }
        }
        self.hosts.entry_or_insert_with(place, HostLogs::default).life += 1;
    }

    /// Where the log of a connection is, if it has one.
    pub(crate) fn index(&self, place: PlaceId, connection: ConnectionId) -> Option<u32> {
        let life = self.hosts.get(&place)?.life;
        self.by_identity.get(&(place, life, connection)).copied()
    }

    /// The log of one connection, if it has one.
    pub(crate) fn get_mut(&mut self, place: PlaceId, connection: ConnectionId) -> Option<&mut ConnectionLog> {
        let index = self.index(place, connection)?;
        self.logs.get_mut(index as usize)
    }

    /// The log at an index that [`Connections::index`] gave.
    #[inline]
    pub(crate) fn at_mut(&mut self, index: u32) -> &mut ConnectionLog {
        &mut self.logs[index as usize]
    }

    /// Gives a connection its name; the latest connection of a name is the one that counts.
    pub(crate) fn name(&mut self, place: PlaceId, connection: ConnectionId, name: NameId) {
        if let Some(index) = self.index(place, connection) {
            self.logs[index as usize].name = Some(name);
            self.by_name.insert(name, index);
        } else {
            let host = self.hosts.entry_or_insert_with(place, HostLogs::default);
            if host.logged < LOGGED_PER_HOST {
                self.early_names.insert((place, host.life, connection), name);
            }
        }
    }

    /// The connection with this name.
    pub(crate) fn named(&self, name: NameId) -> Option<&ConnectionLog> {
        self.by_name.get(&name).map(|&index| &self.logs[index as usize])
    }

    /// All logs in the order of opening.
    pub(crate) fn all(&self) -> &[ConnectionLog] {
        &self.logs
    }

    /// Connections without a log.
    pub(crate) fn unlisted(&self) -> u64 {
        self.unlisted
    }
}

//! The connection table: slots for half-open, full and TIME-WAIT connections, found by their ends or their number.

use faultwire_base::{Duration, Instant, LookupTable};
use faultwire_engine::WakeupQueue;
use faultwire_tcp::{Connection, Embryo, State, Successor, TimeWait};
use faultwire_wire::Flow;

use crate::demux::{Demux, Ends};
use crate::descriptor::Fd;
use crate::errno::Errno;
use crate::numbering::ConnectionId;
use crate::port::{Bound, Hold, Sharing};

/// All connections of a host.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connections {
    slots: Vec<Option<Entry>>,
    free: Vec<u32>,
    demux: Demux,
    numbers: LookupTable<ConnectionId, u32>,
    wakeups: WakeupQueue,
    /// The time of the earliest wake-up or, when that was cancelled or put off, an earlier one.
    next_wakeup: Option<Instant>,
}

/// One connection: who it is, who has it, and its protocol state.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) ends: Ends,
    pub(crate) id: ConnectionId,
    pub(crate) flow: Flow,
    pub(crate) owner: Owner,
    pub(crate) port: Option<PortShare>,
    /// The peer opened it.
    pub(crate) passive: bool,
    /// It was ESTABLISHED once.
    pub(crate) established: bool,
    /// Whoever called connect was not told yet what became of it.
    pub(crate) connecting: bool,
    /// Its user was not told yet (`SO_ERROR`).
    pub(crate) error: Option<Errno>,
    pub(crate) settings: SocketSettings,
    /// Its user waits in close until then (`SO_LINGER`).
    pub(crate) lingers_until: Option<Instant>,
    /// Its user does not want to read: what is not there already ends the stream.
    pub(crate) read_shut: bool,
    /// It is CLOSED, and its ends are free.
    pub(crate) retired: bool,
    /// It stands in the outbox.
    pub(crate) queued: bool,
    pub(crate) body: Body,
}

/// Options of a socket that do not concern TCP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SocketSettings {
    /// How long a close waits (`SO_LINGER`); zero resets.
    pub(crate) linger: Option<Duration>,
    /// Hop limit of its packets, if it is not the host's.
    pub(crate) hop_limit: Option<u8>,
    pub(crate) reuse_address: bool,
}

/// Who has a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// An application.
    Descriptor(Fd),
    /// A listener, whose application has not accepted it yet.
    Listener(Fd),
    /// Nobody: its descriptor was closed.
    Nobody,
}

/// How a connection holds its local port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PortShare {
    pub(crate) any_address: bool,
    pub(crate) sharing: Sharing,
}

/// The protocol state, boxed by its size: an idle connection needs little, TIME-WAIT less.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    HalfOpen(Box<HalfOpen>),
    Full(Box<Connection>),
    TimeWait(Box<TimeWait>),
}

/// A half-open connection of a listener.
#[derive(Clone, Debug)]
pub(crate) struct HalfOpen {
    pub(crate) embryo: Embryo,
    /// The TIME-WAIT entry that it took the ends of: it comes back if the SYN proves to be an old duplicate (RFC 9293
    /// §3.6.1, MAY-2).
    pub(crate) suspended: Option<Box<Entry>>,
}

impl Connections {
    /// Adds a connection that can be found by its ends from now on.
    pub(crate) fn insert(&mut self, mut entry: Entry) -> u32 {
        entry.retired = false;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() as u32 - 1
        });
        self.demux.insert(&entry.ends, slot);
        self.numbers.insert(entry.id, slot);
        self.slots[slot as usize] = Some(entry);
        slot
    }

    /// Takes a connection out of the table.
    pub(crate) fn remove(&mut self, slot: u32) -> Entry {
        self.retire(slot);
        let entry = self.slots[slot as usize].take().expect("a connection in the slot");
        self.numbers.remove(&entry.id);
        self.free.push(slot);
        entry
    }

    /// Makes a compact entry of a full connection in TIME-WAIT.
    pub(crate) fn compact(&mut self, slot: u32) {
        let place = &mut self.slots[slot as usize];
        let mut entry = place.take().expect("a connection in the slot");
        if let Body::Full(connection) = entry.body {
            entry.body = Body::TimeWait(Box::new(connection.into_time_wait()));
        }
        *place = Some(entry);
    }

    /// The connection is closed: its ends are free and no timer wakes it, but it stays for its descriptor.
    pub(crate) fn retire(&mut self, slot: u32) {
        let entry = self.slots[slot as usize].as_mut().expect("a connection in the slot");
        entry.retired = true;
        self.demux.remove(&entry.ends, slot);
        self.wakeups.cancel(slot);
    }

    /// Whether [`Connections::retire`] was called for it.
    pub(crate) fn is_retired(&self, slot: u32) -> bool {
        self.entry(slot).retired
    }

    /// The connection between `ends` if it was the last to be found.
    #[inline]
    pub(crate) fn latest(&self, ends: &Ends) -> Option<u32> {
        self.demux.latest(ends)
    }

    pub(crate) fn find(&mut self, ends: &Ends) -> Option<u32> {
        self.demux.find(ends)
    }

    /// Whether there is a connection between `ends`.
    pub(crate) fn contains(&self, ends: &Ends) -> bool {
        self.demux.slot(ends).is_some()
    }

    /// The connection in TIME-WAIT between `ends` whose place a connect may take, and how.
    pub(crate) fn replaceable(&self, ends: &Ends, now: Instant) -> Option<(u32, Successor)> {
        let slot = self.demux.slot(ends)?;
        let Body::TimeWait(time_wait) = &self.entry(slot).body else { return None };
        Some((slot, time_wait.successor(now)?))
    }

    pub(crate) fn by_number(&self, id: ConnectionId) -> Option<&Entry> {
        self.numbers.get(&id).map(|&slot| self.entry(slot))
    }

    #[inline]
    pub(crate) fn get(&self, slot: u32) -> Option<&Entry> {
        self.slots.get(slot as usize)?.as_ref()
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut Entry> {
        self.slots.get_mut(slot as usize)?.as_mut()
    }

    #[inline]
    pub(crate) fn entry(&self, slot: u32) -> &Entry {
        self.get(slot).expect("a connection in the slot")
    }

    #[inline]
    pub(crate) fn entry_mut(&mut self, slot: u32) -> &mut Entry {
        self.get_mut(slot).expect("a connection in the slot")
    }

    /// The full connection in `slot`, which must be one.
    #[inline]
    pub(crate) fn full(&self, slot: u32) -> &Connection {
        let Body::Full(connection) = &self.entry(slot).body else { panic!("slot {slot} is not full") };
        connection
    }

    /// As [`Connections::full`], to change.
    #[inline]
    pub(crate) fn full_mut(&mut self, slot: u32) -> &mut Connection {
        let Body::Full(connection) = &mut self.entry_mut(slot).body else {
            panic!("slot {slot} is not full")
        };
        connection
    }

    /// All connections in the order of their slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Entry)> {
        self.slots.iter().enumerate().filter_map(|(slot, entry)| Some((slot as u32, entry.as_ref()?)))
    }

    /// Sees to it that the connection in `slot` is woken at its deadline.
    pub(crate) fn arm(&mut self, slot: u32) {
        if let Some(deadline) = self.entry(slot).body.deadline() {
            self.arm_at(slot, deadline);
        }
    }

    /// As [`Connections::arm`], for a deadline that is known.
    #[inline]
    pub(crate) fn arm_at(&mut self, slot: u32, deadline: Instant) {
        if self.wakeups.armed(slot).is_some_and(|at| at <= deadline) {
            return;
        }
        self.wakeups.schedule(deadline, slot);
        self.next_wakeup = Some(self.next_wakeup.map_or(deadline, |earliest| earliest.min(deadline)));
    }

    /// When the earliest wake-up is due; it may be early, since a timer that moves on leaves its wake-up.
    #[inline]
    pub(crate) fn next_wakeup(&self) -> Option<Instant> {
        self.next_wakeup
    }

    /// A connection to wake, if one is due.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<u32> {
        if self.next_wakeup.is_none_or(|earliest| earliest > now) {
            return None;
        }
        let due = self.wakeups.pop_due(now);
        if due.is_none() {
            self.next_wakeup = self.wakeups.next_time();
        }
        due.map(|(_, slot)| slot)
    }
}

impl Entry {
    /// The hold on its local port.
    pub(crate) fn hold(&self) -> Option<Hold> {
        let share = self.port?;
        let local = self.ends.local();
        let any = Bound::Any { ipv6: local.is_ipv6() };
        let address = if share.any_address { any } else { Bound::One(local.ip()) };
        Some(Hold { address, port: local.port(), sharing: share.sharing })
    }

    #[inline]
    pub(crate) fn is_full_in_time_wait(&self) -> bool {
        matches!(&self.body, Body::Full(connection) if connection.state() == State::TimeWait)
    }

    /// Whether the end of the stream was read, or nothing more can come.
    pub(crate) fn at_end(&self) -> bool {
        match &self.body {
            Body::Full(connection) => {
                connection.at_eof() || connection.is_closed() && connection.readable() == 0
            }
            Body::HalfOpen(_) | Body::TimeWait(_) => false,
        }
    }

    /// The soft error that stands in for a pending one.
    pub(crate) fn take_soft_error(&mut self) -> Option<Errno> {
        match &mut self.body {
            Body::Full(connection) => connection.take_pending_soft_error().map(Errno::from),
            Body::HalfOpen(_) | Body::TimeWait(_) => None,
        }
    }

    /// Its descriptor.
    pub(crate) fn fd(&self) -> Option<Fd> {
        if let Owner::Descriptor(fd) = self.owner { Some(fd) } else { None }
    }
}

impl PortShare {
    pub(crate) fn of(hold: Hold) -> Self {
        Self { any_address: matches!(hold.address, Bound::Any { .. }), sharing: hold.sharing }
    }
}

impl Body {
    pub(crate) fn state(&self) -> State {
        match self {
            Self::HalfOpen(_) => State::SynReceived,
            Self::Full(connection) => connection.state(),
            Self::TimeWait(_) => State::TimeWait,
        }
    }

    #[inline]
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::HalfOpen(half_open) => half_open.embryo.deadline(),
            Self::Full(connection) => connection.deadline(),
            Self::TimeWait(entry) => Some(entry.deadline()),
        }
    }
}

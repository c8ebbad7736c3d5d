//! Plain records of what happened, and the sink that receives them. Nothing is kept unless a sink keeps it.

use std::net::SocketAddr;

use faultwire_base::{Instant, PacketId, PlaceId};
use faultwire_host::{ConnectionId, DropReason, Errno};
use faultwire_link::{LinkEvent, NameId};
use faultwire_tcp::{Info, State};
use faultwire_wire::{Flow, Packet};

use crate::call::Call;
use crate::plan::{DirectionId, FaultId, HostChange};

/// One thing that happened.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// When.
    pub at: Instant,
    /// Where: the host, router or direction.
    pub place: PlaceId,
    /// What.
    pub event: Event<'a>,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A host or router put a packet into a direction. Link events of this packet follow.
    Sent {
        /// The packet as it was offered.
        packet: &'a Packet,
        /// Where it goes.
        direction: DirectionId,
        /// Whether `place` made it (and does not only forward it).
        origin: bool,
    },
    /// A link did something out of the ordinary to a packet.
    Link {
        /// The direction.
        direction: DirectionId,
        /// What it did.
        event: &'a LinkEvent,
    },
    /// A packet reached the far end of a direction. For a host this is before the host handles it.
    Arrived {
        /// The packet as it arrived.
        packet: &'a Packet,
        /// Where it came from.
        direction: DirectionId,
    },
    /// A host or router discarded a packet that had arrived.
    Discarded {
        /// Which.
        packet: PacketId,
        /// Why.
        reason: DropReason,
    },
    /// A connection exists from now on.
    Opened {
        /// The host's number for it.
        connection: ConnectionId,
        /// The conversation.
        flow: Flow,
        /// Its end at this host.
        local: SocketAddr,
        /// Its other end.
        remote: SocketAddr,
    },
    /// A connection changed its state.
    StateChanged {
        /// The host's number for it.
        connection: ConnectionId,
        /// The conversation.
        flow: Flow,
        /// State before.
        from: State,
        /// State after.
        to: State,
    },
    /// An app gave a connection its name.
    Named {
        /// The name.
        name: NameId,
        /// The host's number for the connection.
        connection: ConnectionId,
        /// The conversation.
        flow: Flow,
    },
    /// A step of an app ended.
    StepEnded {
        /// Index into the plan's apps.
        app: u32,
        /// Index of the step.
        step: u32,
        /// The errno it ended with.
        errno: Option<Errno>,
    },
    /// A timeline fault changed a host.
    HostChanged {
        /// How.
        change: HostChange,
    },
    /// A fault injected a packet (a `Sent` follows).
    Injected {
        /// Which fault.
        fault: FaultId,
    },
    /// How a named connection stands. Given only to a sink that [wants samples](Sink::WANTS_SAMPLES), never to
    /// fingerprints and oracles: it is no semantic record.
    Sample {
        /// The connection.
        name: NameId,
        /// Its figures.
        info: &'a Info,
        /// Octets sent and not acknowledged, SYN and FIN included.
        in_flight: u32,
    },
    /// An app called its host about a TCP socket. Given only to a sink that [wants calls](Sink::WANTS_CALLS), never to
    /// fingerprints and oracles.
    Called(Call),
}

/// Receives records. Chosen statically, so that a silent run pays nothing (DESIGN D4: watching does not disturb).
pub trait Sink {
    /// Whether the sink is given an [`Event::Sample`] of each named connection whenever its host has done something.
    const WANTS_SAMPLES: bool = false;

    /// Whether the sink is given an [`Event::Called`] for each system call of an app.
    const WANTS_CALLS: bool = false;

    /// Takes one record.
    fn record(&mut self, record: &Record<'_>);
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Sink for Silent {
    #[inline]
    fn record(&mut self, _: &Record<'_>) {}
}

impl<A: Sink, B: Sink> Sink for (A, B) {
    const WANTS_SAMPLES: bool = A::WANTS_SAMPLES || B::WANTS_SAMPLES;
    const WANTS_CALLS: bool = A::WANTS_CALLS || B::WANTS_CALLS;

    #[inline(always)]
    fn record(&mut self, record: &Record<'_>) {
        self.0.record(record);
        self.1.record(record);
    }
}

impl<S: Sink> Sink for &mut S {
    const WANTS_SAMPLES: bool = S::WANTS_SAMPLES;
    const WANTS_CALLS: bool = S::WANTS_CALLS;

    #[inline(always)]
    fn record(&mut self, record: &Record<'_>) {
        (**self).record(record);
    }
}

impl<S: Sink> Sink for Option<S> {
    const WANTS_SAMPLES: bool = S::WANTS_SAMPLES;
    const WANTS_CALLS: bool = S::WANTS_CALLS;

    #[inline]
    fn record(&mut self, record: &Record<'_>) {
        if let Some(sink) = self {
            sink.record(record);
        }
    }
}

//! What is meant: the checked plan of one case, from which a world is built. Nothing here needs checking again.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use faultwire_base::{BitRate, ByteCount, Duration, Instant, PlaceId};
use faultwire_host::{Errno, HostConfig, SocketOption};
use faultwire_link::{DirectionConfig, NameId};
use faultwire_tcp::State;
use faultwire_wire::Packet;

/// An experiment file after checking: its cases, each a plan of its own.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// The experiment's name.
    pub name: String,
    /// What it teaches.
    pub description: String,
    /// Digest of the effective experiment (the file after `--set` and `--without`), 32 hexadecimal digits.
    pub digest: String,
    /// The effective experiment itself, as JSON with sorted keys: an experiment file of its own.
    pub effective: String,
    /// At least one; a file without cases has one with the experiment's name.
    pub cases: Vec<Case>,
}

/// One variant of the file.
#[derive(Clone, Debug)]
pub struct Case {
    /// Unique in the file.
    pub name: String,
    /// Expectations or `oracle:NAME` that must fail; the case passes only if exactly those do.
    pub must_fail: Vec<String>,
    /// What to run.
    pub plan: Arc<Plan>,
}

/// All that a world is built from.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The experiment's name.
    pub name: String,
    /// Seed of the run.
    pub seed: u64,
    /// Names of all places in ascending order; a [`PlaceId`] is a rank here.
    pub places: Vec<Arc<str>>,
    /// Hosts in ascending order of place.
    pub hosts: Vec<HostPlan>,
    /// Routers in ascending order of place.
    pub routers: Vec<RouterPlan>,
    /// Link directions in ascending order of place.
    pub directions: Vec<DirectionPlan>,
    /// Apps in the order of the file (shorthands expanded).
    pub apps: Vec<AppPlan>,
    /// Names of sockets, `"host/name"`; a [`NameId`] is an index here.
    pub names: Vec<Arc<str>>,
    /// Packets built and injected at a time.
    pub injections: Vec<InjectionPlan>,
    /// Names of all faults in the order of the file, also those that a case left out; see [`FaultId`].
    pub faults: Vec<FaultPlan>,
    /// `heal`: at that time every fault ends, and by `at + within` everything must have converged.
    pub heal: Option<HealPlan>,
    /// When the run ends.
    pub stop: StopPlan,
    /// What must hold.
    pub expectations: Vec<Expectation>,
}

/// Index into [`Plan::faults`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FaultId(pub u32);

/// Index into [`Plan::directions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DirectionId(pub u32);

/// What is known of a fault beside its mechanism (which lives in its direction's config, a host's timeline or an
/// injection).
#[derive(Clone, Debug)]
pub struct FaultPlan {
    /// Unique name.
    pub name: Arc<str>,
    /// Whether it may end the run without having matched.
    pub may_miss: bool,
    /// Whether this case has left it out.
    pub removed: bool,
    /// Whether it waits for packets (a targeted fault or an injection) and fails the run if none came; a timeline
    /// fault acts at its time.
    pub is_targeted: bool,
    /// For a targeted fault: its direction and its index in that direction's `faults` (one per direction if it applies to both).
    pub targets: Vec<(DirectionId, u32)>,
    /// For a hold until a state: what releases it.
    pub awaits: Option<AwaitedState>,
}

/// A state that releases held packets.
#[derive(Clone, Debug)]
pub struct AwaitedState {
    /// Any connection of this host...
    pub host: PlaceId,
    /// ...that has this name, if one is given...
    pub name: Option<NameId>,
    /// ...entering this state...
    pub state: State,
    /// ...releases after this time.
    pub plus: Duration,
}

/// A host.
#[derive(Clone, Debug)]
pub struct HostPlan {
    /// Its place.
    pub place: PlaceId,
    /// Its stack and addresses.
    pub config: HostConfig,
    /// The only direction that leaves it, if there is just one: everything goes there.
    pub default_route: Option<DirectionId>,
    /// Otherwise the next direction for each destination, sorted by address.
    pub routes: Vec<(IpAddr, DirectionId)>,
    /// Crash, restart, pause, resume in order of time.
    pub timeline: Vec<(Instant, HostChange)>,
}

/// A timeline fault of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostChange {
    /// All state is gone; arriving packets are dropped until a restart.
    Crash,
    /// Boot number + 1, no descriptor or connection, apps from their first step.
    Restart,
    /// Nothing is processed; arrivals wait.
    Pause,
    /// Processing goes on.
    Resume,
}

/// A router: forwards by static shortest routes, no delay of its own.
#[derive(Clone, Debug)]
pub struct RouterPlan {
    /// Its place.
    pub place: PlaceId,
    /// Its own address, the source of the ICMP errors it sends (IPv4).
    pub address: IpAddr,
    /// Next direction for each destination, sorted by address.
    pub routes: Vec<(IpAddr, DirectionId)>,
}

/// One direction of a link; its name is `"LINK>NODE"`.
#[derive(Clone, Debug)]
pub struct DirectionPlan {
    /// Its place.
    pub place: PlaceId,
    /// Name of the link it belongs to.
    pub link: Arc<str>,
    /// Host or router that sends into it.
    pub from: PlaceId,
    /// Host or router that it leads to.
    pub to: PlaceId,
    /// Rate, delay, queue, impairments, targeted faults, timeline.
    pub config: DirectionConfig,
}

/// An app: steps run one after the other on one host.
#[derive(Clone, Debug)]
pub struct AppPlan {
    /// Unique name.
    pub name: Arc<str>,
    /// The host's place.
    pub host: PlaceId,
    /// When its first step starts.
    pub start: Instant,
    /// Whether unfinished steps at the end are no failure.
    pub may_be_unfinished: bool,
    /// Its steps.
    pub steps: Vec<StepPlan>,
}

/// One step of an app.
#[derive(Clone, Debug)]
pub struct StepPlan {
    /// What to do.
    pub step: Step,
    /// The errno it must end with; `None`: it must succeed.
    pub fails: Option<Errno>,
}

/// The verbs (closed set). `on` is the socket; `as` names a new one. Names are per host.
#[derive(Clone, Debug)]
pub enum Step {
    /// Opens a listening TCP socket, or binds a UDP socket.
    Listen {
        /// Local port.
        port: u16,
        /// UDP instead of TCP.
        udp: bool,
        /// Accept queue limit (TCP).
        backlog: u32,
        /// Name of the socket.
        name: NameId,
        /// IPv6 socket.
        ipv6: bool,
    },
    /// Opens a TCP connection and waits until it is established; or connects a UDP socket.
    Connect {
        /// Where to.
        to: SocketAddr,
        /// Local port, else ephemeral.
        from_port: Option<u16>,
        /// UDP instead of TCP.
        udp: bool,
        /// Whether to go on without waiting for the handshake.
        no_wait: bool,
        /// Name of the socket.
        name: NameId,
        /// Options set before connecting.
        options: Vec<SocketOption>,
    },
    /// Takes a connection from the listener and names it.
    Accept {
        /// The listening socket.
        on: NameId,
        /// Name of the connection.
        name: NameId,
    },
    /// Writes that many octets of the connection's generated stream.
    Write {
        /// The socket.
        on: NameId,
        /// How much.
        size: ByteCount,
        /// Pace of the writer, if slower than the socket.
        rate: Option<BitRate>,
    },
    /// Reads and checks.
    Read {
        /// The socket.
        on: NameId,
        /// Until when.
        until: ReadUntil,
        /// Pace of the reader, if slower than the socket.
        rate: Option<BitRate>,
    },
    /// Waits for a level or state of a socket.
    Wait {
        /// The socket.
        on: NameId,
        /// For what.
        until: WaitUntil,
    },
    /// Waits.
    Sleep {
        /// How long.
        time: Duration,
    },
    /// Sets a socket option.
    SetSocketOption {
        /// The socket.
        on: NameId,
        /// Option and value.
        option: SocketOption,
    },
    /// Ends one or both directions.
    Shutdown {
        /// The socket.
        on: NameId,
        /// Which.
        how: Direction,
    },
    /// Closes the descriptor.
    Close {
        /// The socket.
        on: NameId,
    },
    /// Closes with a reset.
    Abort {
        /// The socket.
        on: NameId,
    },
    /// Sends datagrams.
    SendTo {
        /// The socket; opened (with an ephemeral port or `from_port`) when it does not exist yet.
        on: NameId,
        /// Local port when the step opens the socket.
        from_port: Option<u16>,
        /// Destination.
        to: SocketAddr,
        /// Payload of each.
        size: ByteCount,
        /// How many.
        count: u64,
        /// Time from one to the next.
        interval: Duration,
    },
    /// Receives datagrams.
    RecvFrom {
        /// The socket.
        on: NameId,
        /// How many; `None`: until `within` is over.
        count: Option<u64>,
        /// For how long at most; running out is the errno ETIMEDOUT, unless `count` is `None`.
        within: Option<Duration>,
        /// Whether to send each datagram back.
        echo: bool,
    },
    /// Goes back to step `to` until it has been passed `times` times (shorthands only).
    Repeat {
        /// Index of the step to go back to.
        to: u32,
        /// Total passes.
        times: u64,
    },
}

/// Which direction a shutdown ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// No more reading.
    Read,
    /// No more writing: sends a FIN.
    Write,
    /// Both.
    Both,
}

/// How long a read goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadUntil {
    /// This many octets more.
    Bytes(ByteCount),
    /// The peer's FIN.
    Eof,
}

/// What a wait waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitUntil {
    /// A connection state.
    State(State),
    /// Data or end of file to read.
    Readable,
    /// Room to write.
    Writable,
    /// An error on the socket.
    Error,
    /// Everything written has been acknowledged.
    Drained,
}

/// A raw packet to build and inject.
#[derive(Clone, Debug)]
pub struct InjectionPlan {
    /// The fault that it belongs to.
    pub fault: FaultId,
    /// When.
    pub at: Instant,
    /// The direction it enters.
    pub direction: DirectionId,
    /// The packet; for a TCP segment `relative` overrides seq and ack at that time.
    pub packet: Packet,
    /// Fields relative to a live connection.
    pub relative: Option<RelativeFields>,
}

/// Sequence numbers of an injected segment, taken from a live connection when it is injected.
#[derive(Clone, Debug)]
pub struct RelativeFields {
    /// The connection whose receiver the segment is aimed at; it also gives addresses and ports.
    pub target: NameId,
    /// `rcv_nxt + this` as sequence number.
    pub seq_from_rcv_nxt: Option<i64>,
    /// `snd_una + this` as acknowledgment number.
    pub ack_from_snd_una: Option<i64>,
    /// `snd_nxt + this` as acknowledgment number.
    pub ack_from_snd_nxt: Option<i64>,
}

/// `heal`.
#[derive(Clone, Copy, Debug)]
pub struct HealPlan {
    /// When every fault ends.
    pub at: Instant,
    /// By when after it everything must have finished.
    pub within: Duration,
}

/// When a run ends.
#[derive(Clone, Copy, Debug)]
pub struct StopPlan {
    /// End when apps are done and only TIME_WAIT or keep-alive is left.
    pub when_idle: bool,
    /// End at this time at the latest.
    pub at: Instant,
    /// Bound on events; passing it is an error.
    pub events: u64,
}

/// One expectation.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// Unique name.
    pub name: Arc<str>,
    /// What is said, in the file's words, for the report.
    pub text: String,
    /// The check.
    pub check: Check,
}

/// Exact or at least/at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Least, inclusive.
    pub min: u64,
    /// Most, inclusive.
    pub max: u64,
}

/// What an expectation looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A named socket.
    Socket(NameId),
    /// A whole host.
    Host(PlaceId),
    /// One direction of a link.
    Direction(DirectionId),
    /// Both directions of a link, by the link's index of first direction.
    Link(DirectionId, DirectionId),
}

/// A moment of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// First arrival, at its receiver, of a packet that the fault made or let through.
    Arrives(FaultId),
    /// A time.
    Time(Instant),
    /// When the state in question was entered last.
    Enters,
}

/// The closed vocabulary of expectations.
#[derive(Clone, Debug)]
pub enum Check {
    /// The socket is in this state at the moment (before it handles what happens then).
    StateAt {
        /// Whose.
        socket: NameId,
        /// Which.
        state: State,
        /// When.
        when: Moment,
    },
    /// The socket reaches this state (at this time, if bounded).
    Reaches {
        /// Whose.
        socket: NameId,
        /// Which.
        state: State,
        /// Time of the first entry in nanoseconds.
        at: Option<Bounds>,
    },
    /// The socket leaves this state so long after the moment.
    Leaves {
        /// Whose.
        socket: NameId,
        /// Which.
        state: State,
        /// From when on.
        since: Moment,
        /// Nanoseconds.
        after: Bounds,
    },
    /// The states in their order, from CLOSED excluded to the last.
    States {
        /// Whose.
        socket: NameId,
        /// All of them.
        states: Vec<State>,
    },
    /// Packets of a kind that the subject sent.
    Sent {
        /// By whom.
        by: Subject,
        /// Which.
        kind: faultwire_link::PacketKind,
        /// Only those whose cause is the arrival of a packet of this fault.
        reply_to: Option<FaultId>,
        /// Which sendings of their data to count: 1 the first, 2 and more retransmissions; `None` all.
        transmission: Option<Bounds>,
        /// How many.
        count: Option<Bounds>,
        /// When each was sent, in nanoseconds from the first.
        times: Option<Vec<u64>>,
    },
    /// Octets of the peer's stream delivered to the app, intact and in order.
    Delivered {
        /// To whom.
        socket: NameId,
        /// How many.
        octets: Bounds,
    },
    /// Datagrams delivered to the app: as many as given, or exactly those which no link took.
    Datagrams {
        /// To whom.
        socket: NameId,
        /// How many, copies included.
        count: Option<Bounds>,
        /// Whether exactly the surviving set, copies included, must have arrived.
        survivors: bool,
    },
    /// The error that the socket ended with; `None`: without one.
    Error {
        /// Whose.
        socket: NameId,
        /// Which.
        errno: Option<Errno>,
    },
    /// A counter of the report.
    Counter {
        /// Of what.
        of: Subject,
        /// The report's field name.
        counter: Counter,
        /// Its value at the end.
        value: Bounds,
    },
    /// How often a fault matched.
    FaultMatched {
        /// Which.
        fault: FaultId,
        /// How often.
        count: Bounds,
    },
    /// The app's last step ends in this time (nanoseconds from the start of the run).
    Finishes {
        /// Index into [`Plan::apps`].
        app: u32,
        /// When.
        at: Bounds,
    },
    /// An oracle ends so.
    Oracle {
        /// Which.
        oracle: crate::oracle::OracleName,
        /// How.
        result: crate::oracle::OracleResult,
    },
}

/// Counters that an expectation can name, in the report's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counter {
    /// Segments sent again, for whatever reason.
    Retransmissions,
    /// Of these, those of fast recovery.
    FastRetransmissions,
    /// Retransmission timer expirations.
    Timeouts,
    /// Duplicate ACKs received.
    DuplicateAcksReceived,
    /// Challenge ACKs sent.
    ChallengeAcks,
    /// Octets of data sent, retransmissions included.
    BytesSent,
    /// Octets delivered to the app.
    BytesDelivered,
    /// Zero-window probes sent.
    ZeroWindowProbes,
    /// Packets offered to a link.
    Offered,
    /// Packets that left a link at its far end.
    Delivered,
    /// Packets dropped by a link.
    Dropped,
    /// Copies made by a link.
    Duplicated,
    /// Packets corrupted by a link.
    Corrupted,
    /// Packets that a host discarded for a bad checksum.
    BadChecksums,
}

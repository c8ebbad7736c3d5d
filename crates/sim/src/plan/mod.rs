//! What is meant: the checked plan of one case, from which a world is built. Nothing here needs checking again.

mod check;
mod exchange;
mod step;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use faultwire_base::{Duration, Instant, PlaceId};
use faultwire_host::{HostConfig, SysctlValue};
use faultwire_link::{DirectionConfig, NameId};
use faultwire_tcp::{Config, State};
use faultwire_wire::{Body, Flags, IcmpKind, IcmpMessage, IpHeader, Packet, Payload, Segment, Seq, Tag};

use crate::replay::{Recording, Replay};

pub use check::{Bounds, Check, Counter, Expectation, Moment, Subject};
pub use faultwire_tcp::Quirk;

pub use exchange::{BadLine, ExchangeLine, LineEnd, SegmentWords};
pub use step::{Direction, ReadUntil, Step, StepPlan, WaitUntil};

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
    /// What a sweep may change from seed to seed; empty without a `swarm` in the file.
    pub swarm: crate::swarm::Swarm,
    /// What was recorded, if the file is a replay file; its decisions are in the plans.
    pub replay: Option<Replay>,
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
    /// In a replay: the decisions that stand in for everything random on the links.
    pub recording: Option<Arc<Recording>>,
}

impl Plan {
    /// The historical bugs in force, with the names of their hosts, in the order of hosts.
    pub fn quirks(&self) -> impl Iterator<Item = (&str, Quirk)> {
        self.hosts.iter().flat_map(|host| {
            let name = &*self.places[host.place.index()];
            host.stack.quirks.iter().map(move |&quirk| (name, quirk))
        })
    }
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
    /// For a timeline fault: where it acts, and for how long.
    pub timed: Vec<TimedAct>,
}

/// What a timeline fault does in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedAct {
    /// The direction or host.
    pub place: PlaceId,
    /// From when on.
    pub from: Instant,
    /// Until when, if it ends by itself.
    pub until: Option<Instant>,
    /// What it does.
    pub what: TimedWhat,
}

/// What timeline faults do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimedWhat {
    /// Cuts the direction.
    Cut,
    /// Holds what enters the direction.
    Hold,
    /// Changes parameters of the direction, heals it or releases what it holds.
    Change,
    /// Changes the host.
    Host(HostChange),
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
    /// How the stack was asked for.
    pub stack: StackPlan,
    /// The settings of the stack as its profile and sysctls say, and no quirk: what the laws hold it to.
    pub lawful: Arc<Config>,
    /// The only direction that leaves it, if there is just one: everything goes there.
    pub default_route: Option<DirectionId>,
    /// Otherwise the next direction for each destination, sorted by address.
    pub routes: Vec<(IpAddr, DirectionId)>,
    /// Crash, restart, pause, resume in order of time.
    pub timeline: Vec<(Instant, HostChange)>,
}

/// How a host's stack was asked for: what its [`HostConfig`] was made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StackPlan {
    /// Name of the profile.
    pub profile: Arc<str>,
    /// Sysctls with their values, in the order of the file.
    pub sysctls: Vec<(String, SysctlValue)>,
    /// Whether TIME-WAIT has a length of its own, for which no kernel has a sysctl.
    pub own_time_wait: bool,
    /// Historical bugs that were put back, in the order of [`Quirk::ALL`].
    pub quirks: Vec<Quirk>,
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
    /// An ICMP error instead of the segment.
    pub error: Option<InjectedError>,
    /// `rcv_nxt + this` as sequence number.
    pub seq_from_rcv_nxt: Option<i64>,
    /// `snd_una + this` as acknowledgment number.
    pub ack_from_snd_una: Option<i64>,
    /// `snd_nxt + this` as acknowledgment number.
    pub ack_from_snd_nxt: Option<i64>,
}

/// An injected ICMP error.
#[derive(Clone, Copy, Debug)]
pub struct InjectedError {
    /// What it says if the connection is of IPv4.
    pub v4: IcmpKind,
    /// What it says if the connection is of IPv6.
    pub v6: IcmpKind,
    /// Sequence number of the segment that it quotes.
    pub seq: QuotedSeq,
}

/// A sequence number quoted by an injected ICMP error.
#[derive(Clone, Copy, Debug)]
pub enum QuotedSeq {
    /// This one.
    Absolute(u32),
    /// `snd_una + this` of the connection that it is aimed at.
    SndUna(i64),
    /// `snd_nxt + this`.
    SndNxt(i64),
}

impl InjectedError {
    /// The message about a segment with so many octets of data that `sender` sent to `receiver`.
    pub(crate) fn body(&self, sender: SocketAddr, receiver: SocketAddr, seq: Seq, octets: u32) -> Body {
        let about = Packet {
            ip: IpHeader {
                source: sender.ip(),
                destination: receiver.ip(),
                hop_limit: 64,
                traffic_class: 0,
                identification: 0,
                dont_fragment: true,
            },
            body: Body::Tcp(Segment {
                source_port: sender.port(),
                destination_port: receiver.port(),
                seq,
                flags: Flags::ACK,
                payload: Payload::Zeros { len: octets },
                ..Segment::default()
            }),
            tag: Tag::default(),
        };
        let kind = if sender.is_ipv4() { self.v4 } else { self.v6 };
        Body::Icmp(IcmpMessage::quoting(kind, &about))
    }
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

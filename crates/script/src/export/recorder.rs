//! A sink that keeps, host by host, what a script needs: packets sent and arrived, calls, connections and their names.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use faultwire_base::{Instant, PlaceId};
use faultwire_host::{ConnectionId, DropReason};
use faultwire_sim::call::Call;
use faultwire_sim::plan::Plan;
use faultwire_sim::record::{Event, Record, Sink};
use faultwire_tcp::State;
use faultwire_wire::{Body, Packet, decode};

/// Keeps what hosts do and see.
#[derive(Clone, Debug)]
pub struct Recorder {
    hosts: BTreeMap<PlaceId, Vec<Kept>>,
}

/// One thing that happened at a host.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) at: Instant,
    pub(crate) what: What,
}

/// What happened.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// The host sent it.
    Sent(Packet),
    /// It arrived, and the host could read it.
    Arrived(Packet),
    /// A connection exists.
    Opened { connection: ConnectionId, local: SocketAddr, remote: SocketAddr },
    /// A connection has left SYN-SENT.
    LeftSynSent(ConnectionId),
    /// An app has named a connection.
    Named { name: usize, connection: ConnectionId },
    /// An app called.
    Called(Call),
    /// The host crashed, was restarted, paused or resumed.
    Changed,
}

impl Recorder {
    /// For a run of this plan.
    pub fn new(plan: &Plan) -> Self {
        Self { hosts: plan.hosts.iter().map(|host| (host.place, Vec::new())).collect() }
    }

    /// What happened at each host, in order.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = (PlaceId, &[Kept])> {
        self.hosts.iter().map(|(place, kept)| (*place, &kept[..]))
    }

    /// What happened at one host.
    pub(crate) fn host(&self, place: PlaceId) -> &[Kept] {
        &self.hosts[&place]
    }
}

impl Sink for Recorder {
    const WANTS_CALLS: bool = true;

    fn record(&mut self, record: &Record<'_>) {
        let Some(kept) = self.hosts.get_mut(&record.place) else { return };
        let what = match record.event {
            Event::Sent { packet, origin: true, .. } => readable(packet).map(What::Sent),
            Event::Arrived { packet, .. } => readable(packet).map(What::Arrived),
            Event::Discarded { packet, reason: DropReason::HostDown } => {
                kept.retain(|kept| !matches!(&kept.what, What::Arrived(other) if other.tag.id == packet));
                None
            }
            Event::Opened { connection, local, remote, .. } => {
                Some(What::Opened { connection, local, remote })
            }
            Event::StateChanged { connection, from: State::SynSent, .. } => {
                Some(What::LeftSynSent(connection))
            }
            Event::Named { name, connection, .. } => Some(What::Named { name: name.0 as usize, connection }),
            Event::Called(call) => Some(What::Called(call)),
            Event::HostChanged { .. } => Some(What::Changed),
            _ => None,
        };
        if let Some(what) = what {
            kept.push(Kept { at: record.at, what });
        }
    }
}

/// A packet whose fields can be read: one of TCP or ICMP that no checksum gives away as damaged.
fn readable(packet: &Packet) -> Option<Packet> {
    match &packet.body {
        Body::Tcp(_) | Body::Icmp(_) => Some(packet.clone()),
        Body::Udp(_) => None,
        Body::Raw(octets) => {
            let (ip, body) = decode(octets).ok()?;
            let read = Packet { ip, body, tag: packet.tag };
            matches!(read.body, Body::Tcp(_) | Body::Icmp(_)).then_some(read)
        }
    }
}

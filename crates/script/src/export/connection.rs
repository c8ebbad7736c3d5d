//! Which records of a host belong to one end of one connection.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use faultwire_base::PlaceId;
use faultwire_host::{ConnectionId, Fd};
use faultwire_sim::call::{Call, CallKind};
use faultwire_sim::plan::Plan;
use faultwire_wire::{Body, Flags, IpHeader, Packet, Quote, QuotedTransport};

use super::recorder::{Kept, Recorder, What};

/// One end of one connection: where its part of the host's records lies.
#[derive(Clone, Debug)]
pub(crate) struct End {
    /// As in [`super::Export`].
    pub(crate) name: String,
    pub(crate) place: PlaceId,
    /// The host's number for it.
    pub(crate) connection: ConnectionId,
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    /// The socket that connected, or the one that listened.
    pub(crate) socket: SocketNumber,
    /// The socket that `accept` gave.
    pub(crate) accepted: Option<SocketNumber>,
    /// Records with packets of this connection: from this one on...
    pub(crate) first_packet: usize,
    /// ...up to this one without it, at which the next connection between the same ends begins.
    pub(crate) end: usize,
}

/// Sockets of a host, counted: descriptors are used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SocketNumber(u32);

/// Which socket is behind each descriptor, record after record.
#[derive(Clone, Debug, Default)]
pub(crate) struct SocketTable {
    open: BTreeMap<u32, SocketNumber>,
    next: u32,
}

impl SocketTable {
    /// The socket that a call is about. Calls are told in their order.
    pub(crate) fn of(&mut self, call: &Call) -> Option<SocketNumber> {
        match call.kind {
            CallKind::Socket | CallKind::Accept { .. } => {
                let number = SocketNumber(self.next);
                self.next += 1;
                self.open.insert(call.fd.0, number);
                Some(number)
            }
            CallKind::Close | CallKind::Abort if call.result.is_ok() => self.open.remove(&call.fd.0),
            _ => self.open.get(&call.fd.0).copied(),
        }
    }

    fn get(&self, fd: Fd) -> Option<SocketNumber> {
        self.open.get(&fd.0).copied()
    }
}

/// All ends of named connections, in the order of hosts and names.
pub(crate) fn ends(plan: &Plan, recorder: &Recorder) -> Vec<End> {
    let mut ends: Vec<End> = Vec::new();
    for (place, kept) in recorder.hosts() {
        let mut times_named: BTreeMap<usize, u32> = BTreeMap::new();
        for (name, end) in ends_of(place, kept) {
            let times = times_named.entry(name).or_insert(0);
            *times += 1;
            let name = if *times == 1 {
                plan.names[name].to_string()
            } else {
                format!("{}#{times}", plan.names[name])
            };
            ends.push(End { name, ..end });
        }
    }
    ends
}

/// Those of one host, each with the number of its name.
fn ends_of(place: PlaceId, kept: &[Kept]) -> Vec<(usize, End)> {
    let opened = opened(kept);
    let mut table = SocketTable::default();
    // The sockets of the latest `connect` or `accept`: the name that follows is that of its connection.
    let mut latest = None;
    let mut ends = Vec::new();
    for record in kept {
        match &record.what {
            What::Called(call) => {
                let listener = match call.kind {
                    CallKind::Accept { listener } => table.get(listener),
                    _ => None,
                };
                let number = table.of(call);
                latest = match call.kind {
                    CallKind::Connect => number.map(|socket| (socket, None)),
                    CallKind::Accept { .. } => listener.map(|listener| (listener, number)),
                    _ => None,
                };
            }
            What::Named { name, connection } => {
                let (Some((socket, accepted)), Some(&(at, local, remote))) = (latest, opened.get(connection))
                else {
                    continue;
                };
                let first_packet = match accepted {
                    Some(_) => opening_syn(&kept[..at], local, remote).unwrap_or(at),
                    None => first_sent(kept, local, remote, at),
                };
                let end = next_between(kept, at, local, remote);
                let name_of = String::new();
                let found = End {
                    name: name_of,
                    place,
                    connection: *connection,
                    local,
                    remote,
                    socket,
                    accepted,
                    first_packet,
                    end,
                };
                ends.push((*name, found));
            }
            _ => {}
        }
    }
    ends
}

/// Where each connection begins to exist, and between which ends.
fn opened(kept: &[Kept]) -> BTreeMap<ConnectionId, (usize, SocketAddr, SocketAddr)> {
    let opened = kept.iter().enumerate().filter_map(|(index, record)| match record.what {
        What::Opened { connection, local, remote } => Some((connection, (index, local, remote))),
        _ => None,
    });
    opened.collect()
}

/// The latest SYN from the peer in these records.
fn opening_syn(kept: &[Kept], local: SocketAddr, remote: SocketAddr) -> Option<usize> {
    kept.iter().rposition(|record| match &record.what {
        What::Arrived(packet) => is_between(packet, remote, local) && is_plain_syn(packet),
        _ => false,
    })
}

/// The first SYN of ours of the connection that exists from record `opened` on. It is sent before that is told.
fn first_sent(kept: &[Kept], local: SocketAddr, remote: SocketAddr, opened: usize) -> usize {
    let at = kept[opened].at;
    let same_instant = kept[..opened].iter().rposition(|record| record.at < at).map_or(0, |index| index + 1);
    let syn = |record: &Kept| match &record.what {
        What::Sent(packet) => is_between(packet, local, remote) && is_plain_syn(packet),
        _ => false,
    };
    kept[same_instant..].iter().position(syn).map_or(opened, |index| same_instant + index)
}

/// Where the next connection between the same ends begins.
fn next_between(kept: &[Kept], opened: usize, local: SocketAddr, remote: SocketAddr) -> usize {
    let next = kept[opened + 1..].iter().position(|record| match record.what {
        What::Opened { local: other, remote: peer, .. } => (other, peer) == (local, remote),
        _ => false,
    });
    let Some(next) = next.map(|index| opened + 1 + index) else { return kept.len() };
    let arrived = opening_syn(&kept[opened..next], local, remote).map(|index| opened + index);
    let at = kept[next].at;
    match arrived.filter(|&index| kept[index].at == at) {
        Some(index) => index,
        None => first_sent(kept, local, remote, next).min(next),
    }
}

/// Whether a packet is from one end to the other: a segment, or an ICMP message about one that went the other way.
pub(crate) fn is_between(packet: &Packet, from: SocketAddr, to: SocketAddr) -> bool {
    match &packet.body {
        Body::Tcp(segment) => {
            (packet.ip.source, segment.source_port) == (from.ip(), from.port())
                && (packet.ip.destination, segment.destination_port) == (to.ip(), to.port())
        }
        Body::Icmp(message) => match message.quote() {
            Ok(Quote { ip: IpHeader { source, destination, .. }, transport, .. }) => match transport {
                QuotedTransport::Tcp { source_port, destination_port, .. } => {
                    (source, source_port) == (to.ip(), to.port())
                        && (destination, destination_port) == (from.ip(), from.port())
                }
                _ => false,
            },
            Err(_) => false,
        },
        Body::Udp(_) | Body::Raw(_) => false,
    }
}

fn is_plain_syn(packet: &Packet) -> bool {
    match &packet.body {
        Body::Tcp(segment) => {
            segment.flags.contains(Flags::SYN) && !segment.flags.intersects(Flags::ACK | Flags::RST)
        }
        _ => false,
    }
}

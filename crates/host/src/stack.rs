//! The rooms of one host, and the few acts that all paths through it share.

use std::collections::VecDeque;
use std::net::IpAddr;

use faultwire_base::{Instant, PacketId, SeedTree};
use faultwire_tcp::{Envelope, Label, Outgoing, PathInfo};
use faultwire_wire::{Body, Cause, Flow, IpHeader, Packet, Segment, Tag};

use crate::binding::Bindings;
use crate::config::HostConfig;
use crate::connections::Connections;
use crate::demux::Ends;
use crate::descriptor::{Descriptors, Fd};
use crate::event::{DropReason, HostEvent};
use crate::fast_open::FastOpen;
use crate::isn::InitialSequence;
use crate::numbering::Numbering;
use crate::outbox::Outbox;
use crate::path::Paths;
use crate::port::PortTable;
use crate::secrets::Secrets;
use crate::syn_cookie::SynCookies;

/// A host's state. What not every packet touches is boxed, so that the rest lies together.
#[derive(Clone, Debug)]
pub(crate) struct Stack {
    pub(crate) numbering: Numbering,
    /// Of [`HostConfig::ip`].
    pub(crate) hop_limit: u8,
    pub(crate) outbox: Outbox,
    pub(crate) events: VecDeque<HostEvent>,
    pub(crate) descriptors: Descriptors,
    pub(crate) connections: Connections,
    pub(crate) config: Box<HostConfig>,
    pub(crate) paths: Box<Paths>,
    pub(crate) initial_sequence: Box<InitialSequence>,
    pub(crate) fast_open: Box<FastOpen>,
    pub(crate) syn_cookies: SynCookies,
    pub(crate) tcp: Box<Locals>,
    pub(crate) udp: Box<Locals>,
}

/// Ports of one protocol, and the sockets that segments or datagrams to them are for.
#[derive(Clone, Debug)]
pub(crate) struct Locals {
    pub(crate) ports: PortTable,
    /// Listeners, or UDP sockets.
    pub(crate) sockets: Bindings,
}

impl Stack {
    pub(crate) fn new(config: HostConfig, seeds: SeedTree) -> Self {
        // Streams inside a host are derived from its boot number as well (DESIGN D3).
        let secrets = Secrets::new(seeds, format!("{}/{}", config.name, config.boot));
        let locals = |purpose: &'static str| {
            Box::new(Locals {
                ports: PortTable::new(secrets.clone(), purpose, config.ephemeral_ports.clone()),
                sockets: Bindings::default(),
            })
        };
        let numbers = config.initial_sequence_numbers.clone();
        let fast_open = FastOpen::new(&config.fast_open, secrets.clone());
        Self {
            numbering: Numbering::new(config.place, config.boot, config.packets_before),
            hop_limit: config.ip.hop_limit,
            outbox: Outbox::default(),
            events: VecDeque::new(),
            descriptors: Descriptors::default(),
            connections: Connections::default(),
            paths: Box::new(Paths::new(&config.interfaces, &config.routes)),
            initial_sequence: Box::new(InitialSequence::new(&secrets, numbers)),
            fast_open: Box::new(fast_open),
            tcp: locals("tcp ports"),
            udp: locals("udp ports"),
            syn_cookies: SynCookies::new(secrets),
            config: Box::new(config),
        }
    }

    /// The settings were changed while the host runs: what was taken out of them is taken anew.
    pub(crate) fn settings_changed(&mut self) {
        self.hop_limit = self.config.ip.hop_limit;
        self.fast_open.change_keys(&self.config.fast_open);
        self.tcp.ports.change_range(self.config.ephemeral_ports.clone());
        self.udp.ports.change_range(self.config.ephemeral_ports.clone());
    }

    /// Tells the owner that the readiness of `fd` may have changed.
    #[inline]
    pub(crate) fn announce(&mut self, fd: Fd) {
        if self.descriptors.announce(fd) {
            self.events.push_back(HostEvent::Ready { fd });
        }
    }

    /// Tells the owner that a packet was dropped.
    pub(crate) fn dropped(&mut self, packet: PacketId, reason: DropReason) {
        self.events.push_back(HostEvent::Dropped { packet, reason });
    }

    /// Puts the connection in `slot` into the outbox unless it is there.
    #[inline]
    pub(crate) fn enqueue(&mut self, slot: u32) {
        let entry = self.connections.entry_mut(slot);
        if !std::mem::replace(&mut entry.queued, true) {
            self.outbox.push_slot(slot);
        }
    }

    /// A finished packet with the next identity of this host.
    #[inline]
    pub(crate) fn packet(&mut self, way: Way, body: Body, tag: Tag) -> Packet {
        Sender { hop_limit: self.hop_limit, numbering: &mut self.numbering }.packet(way, body, tag)
    }

    /// The packet around a segment of a connection.
    #[inline]
    pub(crate) fn segment_packet(&mut self, ends: &Ends, flow: Flow, outgoing: Outgoing) -> Packet {
        Sender { hop_limit: self.hop_limit, numbering: &mut self.numbering }
            .segment_packet(ends, flow, outgoing)
    }

    /// What TCP has to know of the way between `ends`.
    pub(crate) fn path_info(&self, ends: &Ends, mtu: u32) -> PathInfo {
        let (local, remote) = ends.addresses();
        let ports = ends.ports();
        PathInfo {
            local_port: ports.local,
            remote_port: ports.remote,
            ipv6: ends.is_ipv6(),
            mtu,
            timestamp_offset: self.initial_sequence.timestamp_offset(local, remote),
            segment_size_limit: 0,
            receive_buffer: 0,
        }
    }

    /// The listener for segments to `ends`.
    pub(crate) fn listener(&self, ends: &Ends) -> Option<Fd> {
        self.tcp.sockets.at(ends.local()).next()
    }
}

/// The rooms that a packet is finished with.
#[derive(Debug)]
pub(crate) struct Sender<'a> {
    pub(crate) hop_limit: u8,
    pub(crate) numbering: &'a mut Numbering,
}

impl Sender<'_> {
    /// As [`Stack::packet`].
    fn packet(&mut self, way: Way, body: Body, tag: Tag) -> Packet {
        Packet {
            ip: IpHeader {
                source: way.source,
                destination: way.destination,
                hop_limit: self.hop_limit,
                traffic_class: way.traffic_class,
                // RFC 9293 §3.8.1, MAY-4: a repeated segment may have the same. RFC 6864 §4.1: of packets that are not
                // fragmented it means nothing.
                identification: 0,
                dont_fragment: true,
            },
            body,
            tag: Tag { id: self.numbering.next_packet(), ..tag },
        }
    }

    /// As [`Stack::segment_packet`].
    fn segment_packet(&mut self, ends: &Ends, flow: Flow, outgoing: Outgoing) -> Packet {
        let mut packet = Packet::default();
        Parcel { packet: &mut packet, sender: self, ends, flow }.close(outgoing);
        packet
    }
}

/// A packet that a connection makes where it stays, in place of whatever was there. All segments of a connection have
/// its local address (RFC 9293 §3.9.1.1, MUST-45), and the traffic class goes into the header as the user set it
/// (§3.9.1.9, SHLD-22).
#[derive(Debug)]
pub(crate) struct Parcel<'a, 'b> {
    pub(crate) packet: &'a mut Packet,
    pub(crate) sender: &'a mut Sender<'b>,
    pub(crate) ends: &'a Ends,
    pub(crate) flow: Flow,
}

impl Envelope for Parcel<'_, '_> {
    type Packet = ();

    #[inline(always)]
    fn segment(&mut self) -> &mut Segment {
        if !matches!(self.packet.body, Body::Tcp(_)) {
            self.packet.body = Body::Tcp(Segment::default());
        }
        let Body::Tcp(segment) = &mut self.packet.body else { unreachable!("made above") };
        segment
    }

    #[inline(always)]
    fn seal(self, label: Label) {
        let ip = &mut self.packet.ip;
        self.ends.write_addresses(&mut ip.source, &mut ip.destination);
        ip.hop_limit = self.sender.hop_limit;
        ip.traffic_class = label.traffic_class;
        ip.identification = 0;
        ip.dont_fragment = true;
        let tag = &mut self.packet.tag;
        tag.id = self.sender.numbering.next_packet();
        tag.parent = PacketId::NONE;
        tag.cause = label.cause;
        tag.flow = self.flow;
        tag.stream_offset = label.stream_offset;
        tag.transmission = label.transmission;
        tag.reason = label.reason;
    }
}

/// From where to where a packet goes, and with what traffic class.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) traffic_class: u8,
}

/// Where a packet came from, for what it provokes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival<'a> {
    pub(crate) now: Instant,
    pub(crate) ip: &'a IpHeader,
    pub(crate) id: PacketId,
    pub(crate) flow: Flow,
}

impl Arrival<'_> {
    pub(crate) fn cause(&self) -> Cause {
        Cause::Arrival(self.id)
    }

    /// The way back to its sender.
    pub(crate) fn back(&self) -> Way {
        Way { source: self.ip.destination, destination: self.ip.source, traffic_class: 0 }
    }
}

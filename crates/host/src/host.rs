//! The face of a host: the five verbs, the socket calls, the reports.

mod administration;
mod fast_open;

use std::net::SocketAddr;

use faultwire_base::{Instant, SeedTree};
use faultwire_tcp::{Info, WriteFlags};
use faultwire_wire::{Flow, Packet, Payload};

use crate::config::HostConfig;
use crate::connections::Body;
use crate::descriptor::Fd;
use crate::errno::Errno;
use crate::event::HostEvent;
use crate::numbering::ConnectionId;
use crate::option::{OptionName, SocketOption};
use crate::outbox::Turn;
use crate::readiness::Readiness;
use crate::report::ConnectionReport;
use crate::socket::{How, Queued, Received, ReceivedFrom, SocketKind};
use crate::stack::Stack;
use crate::{arrive, life, socket};

pub use administration::SocketReport;

/// One host: its sockets, connections and addresses.
///
/// The owner hands in what arrives ([`receive`](Self::receive)), wakes it ([`deadline`](Self::deadline),
/// [`advance`](Self::advance)), and drains [`transmit`](Self::transmit) and [`event`](Self::event) after that and after
/// every call. All arrivals of one instant come before the drain, so that one ACK can answer several segments
/// (RFC 9293 §3.8.6.3, MUST-58).
#[derive(Clone, Debug)]
pub struct Host {
    stack: Stack,
}

/// The five verbs.
impl Host {
    /// A host that has just booted. All its random streams come from `seeds`, its name and its boot number.
    pub fn new(config: HostConfig, seeds: SeedTree) -> Self {
        Self { stack: Stack::new(config, seeds) }
    }

    /// A packet arrived. It need not be for this host.
    pub fn receive(&mut self, now: Instant, packet: Packet) {
        self.receive_in_place(now, &packet);
    }

    /// As [`receive`](Self::receive), from where the packet lies.
    #[inline]
    pub fn receive_in_place(&mut self, now: Instant, packet: &Packet) {
        arrive::receive(&mut self.stack, now, packet);
    }

    /// When the host is to be woken; at times early, since a timer that was put off keeps its wake-up. Right once
    /// `transmit` is drained.
    #[inline]
    pub fn deadline(&self) -> Option<Instant> {
        self.stack.connections.next_wakeup()
    }

    /// Runs the timers that are due; harmless when early. Touches no other connection.
    #[inline]
    pub fn advance(&mut self, now: Instant) {
        if self.deadline().is_some_and(|at| at <= now) {
            self.run_timers(now);
        }
    }

    fn run_timers(&mut self, now: Instant) {
        while let Some(slot) = self.stack.connections.pop_due(now) {
            life::wake(&mut self.stack, now, slot);
        }
    }

    /// The next packet to put on the wire, with its addresses and its tag.
    pub fn transmit(&mut self, now: Instant) -> Option<Packet> {
        let mut packet = Packet::default();
        self.transmit_into(now, &mut packet).then_some(packet)
    }

    /// Whether [`transmit`](Self::transmit) may have a packet: if not, it has none.
    #[inline]
    pub fn has_turn(&self) -> bool {
        self.stack.outbox.turn().is_some()
    }

    /// As [`transmit`](Self::transmit), with the packet made where the owner wants it, in place of whatever was there;
    /// says whether there was one.
    #[inline]
    pub fn transmit_into(&mut self, now: Instant, packet: &mut Packet) -> bool {
        self.has_turn() && self.take_turns(now, packet)
    }

    fn take_turns(&mut self, now: Instant, packet: &mut Packet) -> bool {
        while let Some(turn) = self.stack.outbox.turn() {
            match turn {
                Turn::Packet => {
                    *packet = self.stack.outbox.take_packet();
                    return true;
                }
                Turn::Slot(slot) => {
                    if life::transmit(&mut self.stack, now, slot, packet) {
                        return true;
                    }
                    self.stack.outbox.end_turn();
                }
            }
        }
        false
    }

    /// Takes the next event if it is a [`HostEvent::Ready`], and says which descriptor it names.
    #[inline]
    pub fn take_ready(&mut self) -> Option<Fd> {
        let &HostEvent::Ready { fd } = self.stack.events.front()? else { return None };
        self.stack.events.pop_front();
        self.stack.descriptors.announced(fd);
        Some(fd)
    }

    /// Whether [`event`](Self::event) has something to tell.
    #[inline]
    pub fn has_event(&self) -> bool {
        !self.stack.events.is_empty()
    }

    /// What happened, in order.
    pub fn event(&mut self) -> Option<HostEvent> {
        let event = self.stack.events.pop_front()?;
        if let HostEvent::Ready { fd } = event {
            self.stack.descriptors.announced(fd);
        }
        Some(event)
    }
}

/// Socket calls, with the kernel's meaning. None waits: what would wait fails with [`Errno::WouldBlock`]. Every call on
/// a descriptor that does not exist fails with [`Errno::BadDescriptor`], and one that a socket of this kind does not
/// have with [`Errno::NotSupported`].
impl Host {
    /// Makes a socket.
    pub fn socket(&mut self, kind: SocketKind, ipv6: bool) -> Fd {
        socket::socket(&mut self.stack, kind, ipv6)
    }

    /// Binds a socket to a local address (an unspecified one means all) and port (0: an ephemeral one).
    ///
    /// # Errors
    /// [`Errno::AddressInUse`], [`Errno::AddressNotAvailable`] for an address of another host,
    /// [`Errno::AddressFamilyNotSupported`], [`Errno::Invalid`] if it is bound or connected.
    pub fn bind(&mut self, fd: Fd, address: SocketAddr) -> Result<(), Errno> {
        socket::bind(&mut self.stack, fd, address)
    }

    /// Makes a TCP socket a listener, or changes a listener's backlog. As many connections as `backlog` plus one wait
    /// to be accepted.
    ///
    /// # Errors
    /// [`Errno::AddressInUse`], [`Errno::Invalid`] if it is connected.
    pub fn listen(&mut self, fd: Fd, backlog: u32) -> Result<(), Errno> {
        socket::listen(&mut self.stack, fd, backlog)
    }

    /// Takes the oldest connection of a listener that waits, and its peer's address.
    ///
    /// # Errors
    /// [`Errno::WouldBlock`] if none waits, [`Errno::Invalid`] if it is no listener.
    pub fn accept(&mut self, fd: Fd) -> Result<(Fd, SocketAddr), Errno> {
        socket::accept(&mut self.stack, fd)
    }

    /// Opens a TCP connection, or sets the peer of a UDP socket.
    ///
    /// # Errors
    /// [`Errno::InProgress`] for a TCP connection that is being opened now: the socket becomes writable, with an error
    /// if it failed. [`Errno::AlreadyInProgress`], [`Errno::IsConnected`], [`Errno::AddressNotAvailable`] if there is
    /// such a connection or no port is free, [`Errno::NetworkUnreachable`], [`Errno::AddressFamilyNotSupported`].
    pub fn connect(&mut self, now: Instant, fd: Fd, remote: SocketAddr) -> Result<(), Errno> {
        socket::connect(&mut self.stack, now, fd, remote)
    }

    /// Connect to an address of `AF_UNSPEC`: resets the connection, if there is one; the socket keeps its options and a
    /// bound port, and can connect again.
    ///
    /// # Errors
    /// [`Errno::Invalid`] for a listener.
    pub fn disconnect(&mut self, now: Instant, fd: Fd) -> Result<(), Errno> {
        socket::disconnect(&mut self.stack, now, fd)
    }

    /// Somebody waits for the connection that `fd` opens with something to write. As in Linux the ACK that ends the
    /// handshake then waits for that, 200 ms at most.
    pub fn writer_waits(&mut self, fd: Fd) {
        socket::writer_waits(&mut self.stack, fd);
    }

    /// Writes to a stream as much as there is room for, or one datagram to the peer of a UDP socket; returns the
    /// octets taken.
    ///
    /// # Errors
    /// [`Errno::WouldBlock`] without room, [`Errno::PipeBroken`] after the writing side was closed, the pending error,
    /// and those of [`Host::send_to`].
    pub fn send(&mut self, now: Instant, fd: Fd, payload: Payload) -> Result<u64, Errno> {
        socket::send(&mut self.stack, now, fd, payload, WriteFlags::default())
    }

    /// As [`Host::send`], with flags. A datagram has none.
    ///
    /// # Errors
    /// As [`Host::send`].
    pub fn send_with(
        &mut self,
        now: Instant,
        fd: Fd,
        payload: Payload,
        flags: WriteFlags,
    ) -> Result<u64, Errno> {
        socket::send(&mut self.stack, now, fd, payload, flags)
    }

    /// Writes to a stream as [`Host::send`], the data marked as urgent up to its end (`MSG_OOB`, but of any length: RFC
    /// 9293 §3.8.5, MUST-30). It stays in its place in the stream.
    ///
    /// # Errors
    /// As [`Host::send`], and [`Errno::NotSupported`] for UDP.
    pub fn send_urgent(&mut self, now: Instant, fd: Fd, payload: Payload) -> Result<u64, Errno> {
        socket::send_urgent(&mut self.stack, now, fd, payload)
    }

    /// Forgets what was written to a stream and not sent yet; returns how many octets that were (RFC 9293 §3.9.1.7: FLUSH,
    /// MAY-14). The kernel has no such call.
    ///
    /// # Errors
    /// [`Errno::NotConnected`], [`Errno::NotSupported`] for UDP.
    pub fn flush(&mut self, now: Instant, fd: Fd) -> Result<u64, Errno> {
        socket::flush(&mut self.stack, now, fd)
    }

    /// Octets from the read position up to the urgent mark (RFC 9293 §3.8.5, MUST-33); 0 without urgent data
    /// (`SIOCATMARK` asks the same of one octet).
    ///
    /// # Errors
    /// [`Errno::NotConnected`].
    pub fn urgent_remaining(&self, fd: Fd) -> Result<u64, Errno> {
        socket::urgent_remaining(&self.stack, fd)
    }

    /// Reads the urgent octet that is not part of the stream (`recv` with `MSG_OOB`); it is given once, and lost to a read
    /// of the stream that passes it.
    ///
    /// # Errors
    /// [`Errno::Invalid`] if there is none or urgent data stays in the stream, [`Errno::WouldBlock`] if it was announced
    /// and has not arrived, [`Errno::NotConnected`], [`Errno::NotSupported`] for UDP.
    pub fn recv_urgent(&mut self, fd: Fd) -> Result<Received, Errno> {
        socket::receive_urgent(&mut self.stack, fd)
    }

    /// Reads at most `max` octets of a stream, or one datagram.
    ///
    /// # Errors
    /// [`Errno::WouldBlock`] if nothing is there, [`Errno::NotConnected`], the pending error.
    #[inline]
    pub fn recv(&mut self, now: Instant, fd: Fd, max: u64) -> Result<Received, Errno> {
        socket::receive(&mut self.stack, now, fd, max)
    }

    /// Reads without taking (`MSG_PEEK`).
    ///
    /// # Errors
    /// As [`Host::recv`].
    pub fn peek(&mut self, fd: Fd, max: u64) -> Result<Received, Errno> {
        socket::peek(&mut self.stack, fd, max)
    }

    /// Sends one datagram; returns its octets. Binds an unbound socket to an ephemeral port.
    ///
    /// # Errors
    /// [`Errno::MessageSize`] if it does not fit the path's MTU (nothing is fragmented), [`Errno::NetworkUnreachable`],
    /// the pending error.
    pub fn send_to(&mut self, now: Instant, fd: Fd, to: SocketAddr, payload: Payload) -> Result<u64, Errno> {
        socket::send_to(&mut self.stack, now, fd, to, payload)
    }

    /// Takes the oldest datagram, cut to `max` octets.
    ///
    /// # Errors
    /// [`Errno::WouldBlock`] if there is none, the pending error.
    pub fn recv_from(&mut self, fd: Fd, max: u64) -> Result<ReceivedFrom, Errno> {
        socket::receive_from(&mut self.stack, fd, max)
    }

    /// Ends one or both directions of a connection.
    ///
    /// # Errors
    /// [`Errno::NotConnected`].
    pub fn shutdown(&mut self, now: Instant, fd: Fd, how: How) -> Result<(), Errno> {
        socket::shutdown(&mut self.stack, now, fd, how)
    }

    /// Gives up a descriptor. A connection closes in order, or with a reset if data was left unread or `SO_LINGER` is
    /// zero.
    ///
    /// # Errors
    /// [`Errno::WouldBlock`] with `SO_LINGER` until the peer has acknowledged everything or the time is over
    /// ([`Host::lingers_until`]): the descriptor is there until a later call succeeds. [`Errno::BadDescriptor`].
    pub fn close(&mut self, now: Instant, fd: Fd) -> Result<(), Errno> {
        socket::close(&mut self.stack, now, fd)
    }

    /// Gives up a descriptor and resets its connection (close with `SO_LINGER` on and 0 seconds).
    ///
    /// # Errors
    /// [`Errno::BadDescriptor`] only.
    pub fn abort(&mut self, now: Instant, fd: Fd) -> Result<(), Errno> {
        socket::abort(&mut self.stack, now, fd)
    }

    /// Sets an option. What is set on a listener goes to the connections that it takes later.
    ///
    /// # Errors
    /// [`Errno::Invalid`] for a value that the option can't have, [`Errno::NoProtocolOption`] if this kind of socket
    /// does not have it.
    pub fn set_option(&mut self, now: Instant, fd: Fd, option: SocketOption) -> Result<(), Errno> {
        socket::set_option(&mut self.stack, now, fd, option)
    }

    /// The value of an option, in the kernel's units; `SO_ERROR` is Linux's number of the pending error, which is taken.
    ///
    /// # Errors
    /// [`Errno::NoProtocolOption`] if this kind of socket does not have it.
    pub fn option(&mut self, fd: Fd, name: OptionName) -> Result<i64, Errno> {
        socket::option(&mut self.stack, fd, name)
    }

    /// As [`Host::readiness`], and if there is no room to write, [`HostEvent::Ready`] tells when there is (`poll`,
    /// `epoll_wait`).
    pub fn poll(&mut self, fd: Fd) -> Readiness {
        socket::poll(&mut self.stack, fd)
    }

    /// The pending error (`SO_ERROR`), which is taken.
    ///
    /// # Errors
    /// [`Errno::BadDescriptor`] only.
    pub fn take_error(&mut self, fd: Fd) -> Result<Option<Errno>, Errno> {
        socket::take_error(&mut self.stack, fd)
    }
}

/// What can be asked.
impl Host {
    /// Until when a close that was begun waits at most (`SO_LINGER`).
    pub fn lingers_until(&self, fd: Fd) -> Option<Instant> {
        socket::lingers_until(&self.stack, fd)
    }

    /// What waits in the queues of a connection (`SIOCINQ`, `SIOCOUTQ`, `SIOCOUTQNSD`, `SIOCATMARK`).
    ///
    /// # Errors
    /// [`Errno::Invalid`] if it has no connection, [`Errno::NotSupported`] for UDP.
    pub fn queued(&self, fd: Fd) -> Result<Queued, Errno> {
        socket::queued(&self.stack, fd)
    }

    /// What calls on a descriptor would find now; an error if it does not exist.
    #[inline]
    pub fn readiness(&self, fd: Fd) -> Readiness {
        socket::readiness(&self.stack, fd)
    }

    /// Whether a read of this stream would find nothing now, and neither an end nor an error.
    #[inline]
    pub fn is_drained_by_reading(&self, fd: Fd) -> bool {
        socket::is_drained_by_reading(&self.stack, fd)
    }

    /// Whether everything that was written is acknowledged.
    pub fn is_drained(&self, fd: Fd) -> bool {
        socket::is_drained(&self.stack, fd)
    }

    /// Whether nothing goes on but TIME-WAIT and keep-alive: nothing is to be transmitted, and no other timer runs.
    pub fn is_quiescent(&self) -> bool {
        let busy = |body: &Body| match body {
            Body::HalfOpen(_) => true,
            Body::Full(connection) => connection.is_busy(),
            Body::TimeWait(_) => false,
        };
        self.stack.outbox.turn().is_none()
            && !self.stack.connections.iter().any(|(_, entry)| busy(&entry.body))
    }

    /// What a descriptor is at, in words, for a person who asks why nothing goes on.
    pub fn describe(&self, fd: Fd) -> String {
        socket::describe(&self.stack, fd)
    }

    /// The same of the latest connection between these ends, whoever owns it; `None` if there is none.
    pub fn describe_between(&self, local: SocketAddr, remote: SocketAddr) -> Option<String> {
        socket::between(&self.stack, local, remote)
    }

    /// The state of a connection's protocol rooms (`TCP_INFO`).
    ///
    /// # Errors
    /// [`Errno::NotConnected`] if it has no connection.
    pub fn info(&self, fd: Fd) -> Result<Info, Errno> {
        socket::info(&self.stack, fd)
    }

    /// As [`Host::info`], with the time, from which times since something count.
    ///
    /// # Errors
    /// As [`Host::info`].
    pub fn info_at(&self, now: Instant, fd: Fd) -> Result<Info, Errno> {
        socket::info_at(&self.stack, now, fd)
    }

    /// The local address and port.
    ///
    /// # Errors
    /// [`Errno::BadDescriptor`] only.
    pub fn local_address(&self, fd: Fd) -> Result<SocketAddr, Errno> {
        socket::local_address(&self.stack, fd)
    }

    /// The peer's address and port.
    ///
    /// # Errors
    /// [`Errno::NotConnected`] if it has no peer.
    pub fn peer_address(&self, fd: Fd) -> Result<SocketAddr, Errno> {
        socket::peer_address(&self.stack, fd)
    }

    /// The connection of a descriptor and the conversation that it is, if there is one.
    pub fn connection(&self, fd: Fd) -> Option<(ConnectionId, Flow)> {
        socket::connection(&self.stack, fd)
    }

    /// The conversation that a UDP socket has opened by sending a datagram that answers none.
    pub fn datagram_flow(&self, fd: Fd) -> Option<Flow> {
        socket::datagram_flow(&self.stack, fd)
    }

    /// A listener's queues: connections that wait to be accepted, and half-open ones.
    ///
    /// # Errors
    /// [`Errno::Invalid`] if it is no listener.
    pub fn queue_lengths(&self, fd: Fd) -> Result<(u32, u32), Errno> {
        socket::queue_lengths(&self.stack, fd)
    }

    /// What is known of a connection, until it is gone.
    pub fn connection_report(&self, connection: ConnectionId) -> Option<ConnectionReport> {
        self.stack.connections.by_number(connection).map(ConnectionReport::of)
    }

    /// All connections that are not gone, in no order that means anything.
    pub fn connections(&self) -> impl Iterator<Item = ConnectionReport> + '_ {
        self.stack.connections.iter().map(|(_, entry)| ConnectionReport::of(entry))
    }

    /// Packets made by this place, earlier lives included; see [`HostConfig::packets_before`].
    pub fn packets_made(&self) -> u64 {
        self.stack.numbering.packets()
    }

    /// The fixed initial sequence numbers that are left for the next life; see
    /// [`HostConfig::initial_sequence_numbers`].
    pub fn initial_sequence_numbers_left(&self) -> &[u32] {
        self.stack.initial_sequence.left()
    }

    /// What the host was made from.
    pub fn config(&self) -> &HostConfig {
        &self.stack.config
    }
}

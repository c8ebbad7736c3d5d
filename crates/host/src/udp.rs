//! One UDP socket: its peer, its queue of datagrams, its error (RFC 768).

use std::collections::VecDeque;
use std::net::SocketAddr;

use faultwire_wire::{Flow, Payload};

use crate::errno::Errno;
use crate::event::DropReason;
use crate::option::{OptionName, SocketOption};
use crate::port::Hold;
use crate::readiness::Readiness;

/// A UDP socket, bound or not.
#[derive(Clone, Debug)]
pub(crate) struct UdpSocket {
    ipv6: bool,
    /// The port it holds, once it is bound.
    pub(crate) hold: Option<Hold>,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) reuse_address: bool,
    /// Of what it sends (`IP_TOS`).
    pub(crate) traffic_class: u8,
    /// Of what it sends, if it is not the host's (`IP_TTL`).
    pub(crate) hop_limit: Option<u8>,
    queue: VecDeque<Received>,
    queued_octets: u64,
    /// Bound on `queued_octets`, headers included (`SO_RCVBUF`).
    pub(crate) queue_limit: u64,
    error: Option<Errno>,
    conversation: Conversation,
}

/// A datagram in the queue.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) from: SocketAddr,
    pub(crate) payload: Payload,
    pub(crate) flow: Flow,
}

/// Which flow the next datagram belongs to: the answer to a peer goes with what came from it.
#[derive(Clone, Debug, Default)]
struct Conversation {
    own: Flow,
    answering: Option<(SocketAddr, Flow)>,
    sent_octets: u64,
}

impl UdpSocket {
    pub(crate) fn new(ipv6: bool, queue_limit: u64) -> Self {
        Self {
            ipv6,
            hold: None,
            peer: None,
            reuse_address: false,
            traffic_class: 0,
            hop_limit: None,
            queue: VecDeque::new(),
            queued_octets: 0,
            queue_limit,
            error: None,
            conversation: Conversation::default(),
        }
    }

    pub(crate) fn is_ipv6(&self) -> bool {
        self.ipv6
    }

    /// A datagram arrived; a full queue refuses it.
    pub(crate) fn deliver(&mut self, received: Received) -> Result<(), DropReason> {
        let octets = self.octets(&received.payload);
        if self.queued_octets + octets > self.queue_limit {
            return Err(DropReason::ReceiveBufferFull);
        }
        self.queued_octets += octets;
        self.queue.push_back(received);
        Ok(())
    }

    /// Takes the oldest datagram, an error first.
    pub(crate) fn receive(&mut self) -> Result<Received, Errno> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let received = self.queue.pop_front().ok_or(Errno::WouldBlock)?;
        self.queued_octets -= self.octets(&received.payload);
        self.conversation.answering = Some((received.from, received.flow));
        Ok(received)
    }

    /// Datagrams in the queue.
    pub(crate) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// The oldest datagram, which stays.
    pub(crate) fn peek(&self) -> Option<&Received> {
        self.queue.front()
    }

    /// The flow for a datagram of `octets` to `peer` and the octets sent before it; `open` makes the socket's own flow.
    pub(crate) fn send(&mut self, peer: SocketAddr, octets: u32, open: impl FnOnce() -> Flow) -> (Flow, u64) {
        let conversation = &mut self.conversation;
        let offset = conversation.sent_octets;
        conversation.sent_octets += u64::from(octets);
        if let Some((_, flow)) = conversation.answering.filter(|&(known, _)| known == peer) {
            return (flow, offset);
        }
        if conversation.own == Flow::NONE {
            conversation.own = open();
        }
        (conversation.own, offset)
    }

    /// The flow that the socket has opened by sending, if it has.
    pub(crate) fn flow(&self) -> Option<Flow> {
        Some(self.conversation.own).filter(|own| *own != Flow::NONE)
    }

    /// The network reported an error.
    pub(crate) fn fail(&mut self, error: Errno) {
        self.error = Some(error);
    }

    pub(crate) fn take_error(&mut self) -> Option<Errno> {
        self.error.take()
    }

    pub(crate) fn readiness(&self) -> Readiness {
        Readiness {
            readable: self.error.is_some() || !self.queue.is_empty(),
            writable: true,
            error: self.error.is_some(),
            ..Readiness::default()
        }
    }

    /// Sets an option that UDP has.
    pub(crate) fn set_option(&mut self, option: SocketOption) -> Result<(), Errno> {
        match option {
            SocketOption::ReuseAddress(on) => self.reuse_address = on,
            SocketOption::TrafficClass(class) => self.traffic_class = class,
            SocketOption::HopLimit(hops) => self.hop_limit = hops,
            // The kernel doubles the value for its bookkeeping; here headers are all that is counted beside data.
            SocketOption::ReceiveBuffer(octets) => self.queue_limit = 2 * u64::from(octets),
            _ => return Err(Errno::NoProtocolOption),
        }
        Ok(())
    }

    /// Reads an option that UDP has.
    pub(crate) fn option(&self, name: OptionName, host_hops: u8) -> Result<i64, Errno> {
        Ok(match name.as_str() {
            "SO_REUSEADDR" => self.reuse_address.into(),
            "IP_TOS" | "IPV6_TCLASS" => self.traffic_class.into(),
            "IP_TTL" | "IPV6_UNICAST_HOPS" => self.hop_limit.unwrap_or(host_hops).into(),
            "SO_RCVBUF" => i64::try_from(self.queue_limit).unwrap_or(i64::MAX),
            // SOCK_DGRAM.
            "SO_TYPE" => 2,
            "SO_ACCEPTCONN" => 0,
            _ => return Err(Errno::NoProtocolOption),
        })
    }

    fn octets(&self, payload: &Payload) -> u64 {
        u64::from(payload.len()) + 8 + if self.ipv6 { 40 } else { 20 }
    }
}

//! Kinds of packets, by which faults and expectations pick them.

use faultwire_wire::{Body, Flags, Packet, Reason, Segment};

/// What a packet is, in the words of an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PacketKind {
    /// SYN without ACK.
    Syn,
    /// SYN with ACK.
    SynAck,
    /// TCP with data and no SYN, FIN or RST.
    Data,
    /// The ACK bit and nothing else that takes sequence space, and none of the two below.
    PureAck,
    /// FIN, with or without data.
    Fin,
    /// RST.
    Rst,
    /// A pure ACK that its sender sent to tell of a larger window.
    WindowUpdate,
    /// A probe of a closed window.
    ZeroWindowProbe,
    /// A UDP datagram.
    Udp,
    /// An ICMP or ICMPv6 message.
    Icmp,
}

impl PacketKind {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::Syn,
        Self::SynAck,
        Self::Data,
        Self::PureAck,
        Self::Fin,
        Self::Rst,
        Self::WindowUpdate,
        Self::ZeroWindowProbe,
        Self::Udp,
        Self::Icmp,
    ];

    /// Its name in an experiment.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Syn => "syn",
            Self::SynAck => "syn_ack",
            Self::Data => "data",
            Self::PureAck => "pure_ack",
            Self::Fin => "fin",
            Self::Rst => "rst",
            Self::WindowUpdate => "window_update",
            Self::ZeroWindowProbe => "zero_window_probe",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
        }
    }

    /// The most special kind of `packet`. Raw bytes have none, nor have TCP segments without any flag or data.
    pub fn of(packet: &Packet) -> Option<Self> {
        match &packet.body {
            Body::Tcp(segment) => Self::of_segment(segment, packet.tag.reason),
            Body::Udp(_) => Some(Self::Udp),
            Body::Icmp(_) => Some(Self::Icmp),
            Body::Raw(_) => None,
        }
    }

    /// Whether this kind includes a `packet` of the special kind `kind`. Beside itself, data includes whatever carries
    /// data (a FIN or a probe with an octet, but no RST); pure ACK includes window updates and probes without data,
    /// since that is what they are on the wire.
    pub fn covers(self, kind: Self, packet: &Packet) -> bool {
        if self == kind {
            return true;
        }
        let Body::Tcp(segment) = &packet.body else { return false };
        match self {
            Self::Data => kind != Self::Rst && !segment.payload.is_empty(),
            Self::PureAck => segment.is_pure_ack(),
            _ => false,
        }
    }

    fn of_segment(segment: &Segment, reason: Reason) -> Option<Self> {
        let flags = segment.flags;
        if flags.contains(Flags::RST) {
            Some(Self::Rst)
        } else if flags.contains(Flags::SYN) {
            Some(if flags.contains(Flags::ACK) { Self::SynAck } else { Self::Syn })
        } else if flags.contains(Flags::FIN) {
            Some(Self::Fin)
        } else if reason == Reason::ZeroWindowProbe {
            Some(Self::ZeroWindowProbe)
        } else if !segment.payload.is_empty() {
            Some(Self::Data)
        } else if reason == Reason::WindowUpdate {
            Some(Self::WindowUpdate)
        } else if flags.contains(Flags::ACK) {
            Some(Self::PureAck)
        } else {
            None
        }
    }
}

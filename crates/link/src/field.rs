//! Header fields by name: to match packets by, and to rewrite.

use std::fmt;
use std::str::FromStr;

use faultwire_wire::{Body, EcnCodepoint, Flags, Packet, Seq};

/// A field of a packet's headers, or a length that follows from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HeaderField {
    /// Source port (TCP, UDP).
    SourcePort,
    /// Destination port (TCP, UDP).
    DestinationPort,
    /// Sequence number (TCP).
    Seq,
    /// Acknowledgment number (TCP).
    Ack,
    /// Control bits (TCP), with FIN as bit 0.
    Flags,
    /// Window field (TCP), unscaled.
    Window,
    /// Urgent pointer (TCP).
    Urgent,
    /// Time to live or hop limit (IP).
    HopLimit,
    /// TOS octet or traffic class (IP).
    TrafficClass,
    /// Identification (IPv4; 0 for IPv6).
    Identification,
    /// Don't fragment (IPv4; 1 for IPv6).
    DontFragment,
    /// Octets of data (TCP, UDP); can't be rewritten.
    PayloadLength,
    /// Octets of the whole packet from the IP header on; can't be rewritten.
    Length,
    /// ECN codepoint (IP), the lower two bits of the traffic class: 0 not capable, 1 ECT(1), 2 ECT(0), 3 CE.
    Ecn,
}

impl HeaderField {
    /// All fields.
    pub const ALL: [Self; 14] = [
        Self::SourcePort,
        Self::DestinationPort,
        Self::Seq,
        Self::Ack,
        Self::Flags,
        Self::Window,
        Self::Urgent,
        Self::HopLimit,
        Self::TrafficClass,
        Self::Identification,
        Self::DontFragment,
        Self::PayloadLength,
        Self::Length,
        Self::Ecn,
    ];

    /// Its name in an experiment.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SourcePort => "source_port",
            Self::DestinationPort => "destination_port",
            Self::Seq => "seq",
            Self::Ack => "ack",
            Self::Flags => "flags",
            Self::Window => "window",
            Self::Urgent => "urgent",
            Self::HopLimit => "hop_limit",
            Self::TrafficClass => "traffic_class",
            Self::Identification => "identification",
            Self::DontFragment => "dont_fragment",
            Self::PayloadLength => "payload_length",
            Self::Length => "length",
            Self::Ecn => "ecn",
        }
    }

    /// The largest value that the field can hold.
    pub const fn largest(self) -> u64 {
        match self {
            Self::DontFragment => 1,
            Self::Ecn => EcnCodepoint::MASK as u64,
            Self::HopLimit | Self::TrafficClass => 0xFF,
            Self::Flags => 0x1FF,
            Self::SourcePort | Self::DestinationPort | Self::Window | Self::Urgent | Self::Identification => {
                0xFFFF
            }
            Self::Seq | Self::Ack | Self::PayloadLength | Self::Length => 0xFFFF_FFFF,
        }
    }

    /// Whether the field can be rewritten: lengths follow from what is carried.
    pub const fn can_be_rewritten(self) -> bool {
        !matches!(self, Self::PayloadLength | Self::Length)
    }

    /// Whether the endpoints of a conversation don't go by it: routers change such fields on the way.
    pub const fn is_of_the_way(self) -> bool {
        matches!(
            self,
            Self::HopLimit | Self::TrafficClass | Self::Ecn | Self::Identification | Self::DontFragment
        )
    }

    /// Its value in `packet`; `None` if that has no such field. Raw bytes have only the IP header and a length.
    pub fn read(self, packet: &Packet) -> Option<u64> {
        match self {
            Self::HopLimit => return Some(packet.ip.hop_limit.into()),
            Self::TrafficClass => return Some(packet.ip.traffic_class.into()),
            Self::Ecn => return Some(packet.ip.ecn() as u64),
            Self::Identification => return Some(packet.ip.identification.into()),
            Self::DontFragment => return Some(packet.ip.dont_fragment.into()),
            Self::Length => return Some(packet.length().into()),
            _ => {}
        }
        match &packet.body {
            Body::Tcp(segment) => Some(match self {
                Self::SourcePort => segment.source_port.into(),
                Self::DestinationPort => segment.destination_port.into(),
                Self::Seq => segment.seq.0.into(),
                Self::Ack => segment.ack.0.into(),
                Self::Flags => segment.flags.0.into(),
                Self::Window => segment.window.into(),
                Self::Urgent => segment.urgent.into(),
                _ => segment.payload.len().into(),
            }),
            Body::Udp(datagram) => match self {
                Self::SourcePort => Some(datagram.source_port.into()),
                Self::DestinationPort => Some(datagram.destination_port.into()),
                Self::PayloadLength => Some(datagram.payload.len().into()),
                _ => None,
            },
            Body::Icmp(_) | Body::Raw(_) => None,
        }
    }

    /// Sets it to `value`, checksums included; says whether `packet` has the field. Raw bytes are left as they are.
    pub(crate) fn write(self, packet: &mut Packet, value: u64) -> bool {
        assert!(self.can_be_rewritten() && value <= self.largest(), "{self} can't be set to {value}");
        if matches!(packet.body, Body::Raw(_)) {
            return false;
        }
        match (self, &mut packet.body) {
            (Self::HopLimit, _) => packet.ip.hop_limit = value as u8,
            (Self::TrafficClass, _) => packet.ip.traffic_class = value as u8,
            (Self::Ecn, _) => {
                packet.ip.traffic_class = EcnCodepoint::of(value as u8).put_into(packet.ip.traffic_class);
            }
            (Self::Identification, _) if packet.ip.source.is_ipv4() => {
                packet.ip.identification = value as u16
            }
            (Self::DontFragment, _) if packet.ip.source.is_ipv4() => packet.ip.dont_fragment = value == 1,
            (Self::SourcePort, Body::Tcp(segment)) => segment.source_port = value as u16,
            (Self::SourcePort, Body::Udp(datagram)) => datagram.source_port = value as u16,
            (Self::DestinationPort, Body::Tcp(segment)) => segment.destination_port = value as u16,
            (Self::DestinationPort, Body::Udp(datagram)) => datagram.destination_port = value as u16,
            (Self::Seq, Body::Tcp(segment)) => segment.seq = Seq(value as u32),
            (Self::Ack, Body::Tcp(segment)) => segment.ack = Seq(value as u32),
            (Self::Flags, Body::Tcp(segment)) => segment.flags = Flags(value as u16),
            (Self::Window, Body::Tcp(segment)) => segment.window = value as u16,
            (Self::Urgent, Body::Tcp(segment)) => segment.urgent = value as u16,
            _ => return false,
        }
        true
    }

    /// A number that stays the same between versions.
    pub(crate) fn number(self) -> u64 {
        Self::ALL.iter().position(|field| *field == self).expect("ALL has all fields") as u64
    }
}

impl fmt::Display for HeaderField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for HeaderField {
    type Err = ();

    /// Finds a field by the name that [`HeaderField::as_str`] gives.
    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|field| field.as_str() == name).ok_or(())
    }
}

#[cfg(test)]
mod tests;

//! ICMP and ICMPv6 messages as plain values (RFC 792, 4443).

use std::sync::Arc;

/// What an ICMP message says, in one vocabulary for both versions of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IcmpKind {
    /// Destination unreachable; for IPv4 type 3 with this code, for IPv6 type 1 with this code.
    DestinationUnreachable {
        /// The code octet of the message's own IP version.
        code: u8,
    },
    /// Too big for the next link: IPv4 type 3 code 4 (RFC 1191), IPv6 type 2.
    PacketTooBig {
        /// The next hop's MTU in octets.
        mtu: u32,
    },
    /// Hop limit exceeded in transit (code 0) or reassembly time exceeded (code 1): IPv4 type 11, IPv6 type 3.
    TimeExceeded {
        /// The code octet.
        code: u8,
    },
    /// Parameter problem: IPv4 type 12, IPv6 type 4.
    ParameterProblem {
        /// The code octet.
        code: u8,
        /// IPv4's octet pointer (8 bits used) or IPv6's.
        pointer: u32,
    },
    /// Source quench, IPv4 type 4: ignored everywhere (RFC 6633).
    SourceQuench,
    /// Echo request.
    EchoRequest {
        /// Identifier.
        identifier: u16,
        /// Sequence number.
        sequence: u16,
    },
    /// Echo reply.
    EchoReply {
        /// Identifier.
        identifier: u16,
        /// Sequence number.
        sequence: u16,
    },
    /// Any other type.
    Other {
        /// Type octet.
        icmp_type: u8,
        /// Code octet.
        code: u8,
        /// The four octets after the checksum.
        rest: [u8; 4],
    },
}

/// An ICMP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IcmpMessage {
    /// Type, code and their fields.
    pub kind: IcmpKind,
    /// What follows the eight octets of header: for errors the quoted packet from its IP header on.
    pub body: Arc<[u8]>,
}

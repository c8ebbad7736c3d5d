//! The header fields of ICMP and ICMPv6 messages for each kind, both ways (RFC 792, 1191 §4, 4443).

use crate::icmp::IcmpKind;

/// The eight octets of an ICMP header but for the checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fields {
    /// Type octet.
    pub(super) icmp_type: u8,
    /// Code octet.
    pub(super) code: u8,
    /// The four octets after the checksum.
    pub(super) rest: [u8; 4],
}

const fn fields(icmp_type: u8, code: u8, rest: [u8; 4]) -> Fields {
    Fields { icmp_type, code, rest }
}

/// What stands in an IPv4 message of this kind. An MTU or pointer that is too large for its field is written as the
/// largest that fits.
pub(super) fn fields_v4(kind: IcmpKind) -> Fields {
    match kind {
        IcmpKind::EchoReply { identifier, sequence } => fields(0, 0, pair(identifier, sequence)),
        IcmpKind::DestinationUnreachable { code } => fields(3, code, [0; 4]),
        // RFC 1191 §4: the lower half of the unused word.
        IcmpKind::PacketTooBig { mtu } => fields(3, 4, pair(0, u16::try_from(mtu).unwrap_or(u16::MAX))),
        IcmpKind::SourceQuench => fields(4, 0, [0; 4]),
        IcmpKind::EchoRequest { identifier, sequence } => fields(8, 0, pair(identifier, sequence)),
        IcmpKind::TimeExceeded { code } => fields(11, code, [0; 4]),
        IcmpKind::ParameterProblem { code, pointer } => {
            fields(12, code, [u8::try_from(pointer).unwrap_or(u8::MAX), 0, 0, 0])
        }
        IcmpKind::Other { icmp_type, code, rest } => fields(icmp_type, code, rest),
    }
}

/// What stands in an ICMPv6 message of this kind.
///
/// # Panics
/// On source quench, which ICMPv6 does not have.
pub(super) fn fields_v6(kind: IcmpKind) -> Fields {
    match kind {
        IcmpKind::DestinationUnreachable { code } => fields(1, code, [0; 4]),
        IcmpKind::PacketTooBig { mtu } => fields(2, 0, mtu.to_be_bytes()),
        IcmpKind::TimeExceeded { code } => fields(3, code, [0; 4]),
        IcmpKind::ParameterProblem { code, pointer } => fields(4, code, pointer.to_be_bytes()),
        IcmpKind::EchoRequest { identifier, sequence } => fields(128, 0, pair(identifier, sequence)),
        IcmpKind::EchoReply { identifier, sequence } => fields(129, 0, pair(identifier, sequence)),
        IcmpKind::Other { icmp_type, code, rest } => fields(icmp_type, code, rest),
        IcmpKind::SourceQuench => panic!("ICMPv6 has no source quench"),
    }
}

/// The kind of an IPv4 message. Fields that are unused in a kind are ignored.
pub(super) fn kind_v4(Fields { icmp_type, code, rest }: Fields) -> IcmpKind {
    let (first, second) = halves(rest);
    match (icmp_type, code) {
        (0, 0) => IcmpKind::EchoReply { identifier: first, sequence: second },
        (3, 4) => IcmpKind::PacketTooBig { mtu: u32::from(second) },
        (3, code) => IcmpKind::DestinationUnreachable { code },
        (4, 0) => IcmpKind::SourceQuench,
        (8, 0) => IcmpKind::EchoRequest { identifier: first, sequence: second },
        (11, code) => IcmpKind::TimeExceeded { code },
        (12, code) => IcmpKind::ParameterProblem { code, pointer: u32::from(rest[0]) },
        _ => IcmpKind::Other { icmp_type, code, rest },
    }
}

/// The kind of an ICMPv6 message. Fields that are unused in a kind are ignored.
pub(super) fn kind_v6(Fields { icmp_type, code, rest }: Fields) -> IcmpKind {
    let (first, second) = halves(rest);
    match (icmp_type, code) {
        (1, code) => IcmpKind::DestinationUnreachable { code },
        // RFC 4443 §3.2: the receiver ignores the code.
        (2, _) => IcmpKind::PacketTooBig { mtu: u32::from_be_bytes(rest) },
        (3, code) => IcmpKind::TimeExceeded { code },
        (4, code) => IcmpKind::ParameterProblem { code, pointer: u32::from_be_bytes(rest) },
        (128, 0) => IcmpKind::EchoRequest { identifier: first, sequence: second },
        (129, 0) => IcmpKind::EchoReply { identifier: first, sequence: second },
        _ => IcmpKind::Other { icmp_type, code, rest },
    }
}

/// Two 16-bit fields as four octets.
fn pair(first: u16, second: u16) -> [u8; 4] {
    (u32::from(first) << 16 | u32::from(second)).to_be_bytes()
}

/// Four octets as two 16-bit fields.
fn halves([a, b, c, d]: [u8; 4]) -> (u16, u16) {
    (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
}

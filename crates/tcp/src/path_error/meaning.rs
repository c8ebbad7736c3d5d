//! What each ICMP error means, by the tables of the stacks.

use faultwire_wire::IcmpKind;

use crate::config::{IcmpConfig, IcmpErrors};
use crate::event::ConnectionError::{
    self, HostDown, HostUnreachable, NetworkUnreachable, NotOnNetwork, Prohibited, ProtocolError,
    ProtocolUnreachable, Refused, SourceRouteFailed,
};

/// What an ICMP error means to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Nothing will get better.
    Hard(ConnectionError),
    /// It may pass.
    Soft(ConnectionError),
    /// The path takes packets of this size.
    TooBig(u32),
    /// Silently discarded (RFC 9293 §3.9.2.2, MUST-55: source quench).
    Nothing,
}

/// What an error of this kind means under these settings.
pub(crate) fn meaning(config: &IcmpConfig, kind: IcmpKind, ipv6: bool) -> Meaning {
    if let IcmpKind::PacketTooBig { mtu } = kind {
        return if config.path_mtu_discovery { Meaning::TooBig(mtu) } else { Meaning::Nothing };
    }
    let meaning = match (config.errors, ipv6) {
        (IcmpErrors::Letter, false) => letter_v4(kind),
        (IcmpErrors::Letter, true) => letter_v6(kind),
        (IcmpErrors::Linux, _) => linux(kind, ipv6).map_or(Meaning::Nothing, Meaning::Soft),
        (IcmpErrors::FreeBsd, _) => freebsd(kind, ipv6),
    };
    match meaning {
        Meaning::Hard(error) if !config.hard_is_hard => Meaning::Soft(error),
        meaning => meaning,
    }
}

/// RFC 9293 §3.9.2.2, RFC 1122 §4.2.3.9; codes that they do not name are soft.
fn letter_v4(kind: IcmpKind) -> Meaning {
    match kind {
        IcmpKind::DestinationUnreachable { code } => match code {
            0 | 6 | 9 | 11 => Meaning::Soft(NetworkUnreachable),
            2 => Meaning::Hard(ProtocolUnreachable),
            3 => Meaning::Hard(Refused),
            _ => Meaning::Soft(HostUnreachable),
        },
        other => of_the_way(other),
    }
}

fn letter_v6(kind: IcmpKind) -> Meaning {
    match kind {
        IcmpKind::DestinationUnreachable { code } => match code {
            0 => Meaning::Soft(NetworkUnreachable),
            4 => Meaning::Hard(Refused),
            _ => Meaning::Soft(HostUnreachable),
        },
        other => of_the_way(other),
    }
}

fn of_the_way(kind: IcmpKind) -> Meaning {
    match kind {
        IcmpKind::TimeExceeded { .. } => Meaning::Soft(HostUnreachable),
        IcmpKind::ParameterProblem { .. } => Meaning::Soft(ProtocolError),
        _ => Meaning::Nothing,
    }
}

/// `icmp_err_convert` (net/ipv4/icmp.c) with `tcp_v4_err`, `icmpv6_err_convert` (net/ipv6/icmp.c).
fn linux(kind: IcmpKind, ipv6: bool) -> Option<ConnectionError> {
    match (kind, ipv6) {
        (IcmpKind::DestinationUnreachable { code }, false) => match code {
            0 | 6 | 9 | 11 => Some(NetworkUnreachable),
            1 | 10 | 12..=15 => Some(HostUnreachable),
            2 => Some(ProtocolUnreachable),
            3 => Some(Refused),
            5 => Some(SourceRouteFailed),
            7 => Some(HostDown),
            8 => Some(NotOnNetwork),
            _ => None,
        },
        (IcmpKind::DestinationUnreachable { code }, true) => Some(match code {
            0 => NetworkUnreachable,
            1 | 5 | 6 => Prohibited,
            2 | 3 => HostUnreachable,
            4 => Refused,
            _ => ProtocolError,
        }),
        (IcmpKind::TimeExceeded { .. }, _) => Some(HostUnreachable),
        (IcmpKind::ParameterProblem { .. }, _) => Some(ProtocolError),
        _ => None,
    }
}

/// `icmp_errmap`, `icmp6_errmap` and `tcp_ctlinput` with `net.inet.tcp.icmp_may_rst` 1.
fn freebsd(kind: IcmpKind, ipv6: bool) -> Meaning {
    match (kind, ipv6) {
        (IcmpKind::DestinationUnreachable { code }, false) => match code {
            2 | 3 | 9 | 10 | 13 => Meaning::Hard(Refused),
            0 | 1 | 5..=8 | 11 | 12 | 14 | 15 => Meaning::Soft(HostUnreachable),
            _ => Meaning::Nothing,
        },
        (IcmpKind::DestinationUnreachable { code }, true) => match code {
            0 | 3 => Meaning::Soft(HostUnreachable),
            1 | 4 => Meaning::Hard(Refused),
            2 => Meaning::Soft(ProtocolUnreachable),
            _ => Meaning::Nothing,
        },
        (IcmpKind::TimeExceeded { code: 0 }, _) => Meaning::Hard(HostUnreachable),
        (IcmpKind::ParameterProblem { code: 0 | 1, .. }, false) => Meaning::Soft(ProtocolUnreachable),
        (IcmpKind::ParameterProblem { code: 1, .. }, true) => Meaning::Hard(Refused),
        (IcmpKind::ParameterProblem { code: 0 | 2, .. }, true) => Meaning::Soft(ProtocolUnreachable),
        _ => Meaning::Nothing,
    }
}

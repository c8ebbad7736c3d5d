//! ICMP messages by their names in scripts: types, codes, and the packet that they quote (RFC 792, RFC 4443).

use faultwire_wire::{Body, IcmpKind, IcmpMessage, Packet, decode};

use crate::problem::Problem;
use crate::syntax::tree::IcmpSpec;

/// The type and code octets that the script names.
///
/// # Errors
/// A name that is not known for this version of IP.
pub(crate) fn kind_and_code(spec: &IcmpSpec, ipv6: bool) -> Result<(u8, u8), Problem> {
    let table = if ipv6 { V6 } else { V4 };
    let kind = spec.kind.as_str();
    let Some(known) = table.iter().find(|known| known.name == kind) else {
        let number = number(kind).ok_or_else(|| {
            let version = if ipv6 { "ICMPv6" } else { "ICMP" };
            Problem::Unknown(format!("{kind:?} is no type of {version} that is known here"))
        })?;
        return Ok((number, spec.code.as_deref().map_or(Ok(0), |code| code_of(code, &[], kind))?));
    };
    // IPv4 says that a packet is too big by a code, which an MTU alone may stand for.
    let code = match &spec.code {
        Some(code) => code_of(code, known.codes, kind)?,
        None => 0,
    };
    Ok((known.number, code))
}

/// The message that is written, quoting `about` if it is an error.
///
/// # Errors
/// A name that is not known for this version of IP.
pub(crate) fn message(spec: &IcmpSpec, about: Option<&Packet>, ipv6: bool) -> Result<IcmpMessage, Problem> {
    let (icmp_type, code) = kind_and_code(spec, ipv6)?;
    let mtu = spec.mtu.unwrap_or(0);
    let kind = match (icmp_type, code, ipv6) {
        (3, 4, false) | (2, _, true) => IcmpKind::PacketTooBig { mtu },
        (3, _, false) | (1, _, true) => IcmpKind::DestinationUnreachable { code },
        (11, _, false) | (3, _, true) => IcmpKind::TimeExceeded { code },
        (12, _, false) | (4, _, true) => IcmpKind::ParameterProblem { code, pointer: 0 },
        (4, _, false) => IcmpKind::SourceQuench,
        (8, _, false) | (128, _, true) => {
            IcmpKind::EchoRequest { identifier: spec.identifier.unwrap_or(0), sequence: 0 }
        }
        (0, _, false) | (129, _, true) => {
            IcmpKind::EchoReply { identifier: spec.identifier.unwrap_or(0), sequence: 0 }
        }
        (icmp_type, code, _) => IcmpKind::Other { icmp_type, code, rest: [0; 4] },
    };
    Ok(match about {
        Some(about) => IcmpMessage::quoting(kind, about),
        None => IcmpMessage { kind, body: [].into() },
    })
}

/// Whether a packet on the wire says what it should: it goes through the codec, checksums and all.
pub(crate) fn survives_the_wire(packet: &Packet) -> bool {
    let Ok((_, body)) = decode(&packet.encode()) else { return false };
    match (&body, &packet.body) {
        (Body::Tcp(read), Body::Tcp(sent)) => {
            (read.seq, read.ack, read.flags, read.window, read.urgent)
                == (sent.seq, sent.ack, sent.flags, sent.window, sent.urgent)
                && read.payload.len() == sent.payload.len()
        }
        (Body::Udp(read), Body::Udp(sent)) => read.payload.len() == sent.payload.len(),
        (Body::Icmp(read), Body::Icmp(sent)) => read == sent,
        _ => false,
    }
}

fn code_of(code: &str, names: &[&str], kind: &str) -> Result<u8, Problem> {
    let named = names.iter().position(|name| name.split('/').any(|name| name == code));
    named
        .map(|at| at as u8)
        .or_else(|| number(code.strip_prefix("code_").unwrap_or(code)))
        .ok_or_else(|| Problem::Unknown(format!("{code:?} is no code of icmp {kind} that is known here")))
}

fn number(text: &str) -> Option<u8> {
    match text.strip_prefix("0x") {
        Some(digits) => u8::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// A type of message.
struct Known {
    name: &'static str,
    number: u8,
    /// Names of the codes from 0 on; a slash separates names of one code.
    codes: &'static [&'static str],
}

const V4: &[Known] = &[
    Known { name: "echo_reply", number: 0, codes: &[] },
    Known {
        name: "unreachable",
        number: 3,
        codes: &[
            "net_unreachable",
            "host_unreachable",
            "protocol_unreachable",
            "port_unreachable",
            "frag_needed",
            "source_route_failed",
            "net_unknown",
            "host_unknown",
            "source_host_isolated",
            "net_prohibited",
            "host_prohibited",
            "net_unreachable_for_tos",
            "host_unreachable_for_tos",
            "packet_filtered",
            "precedence_violation",
            "precedence_cutoff",
        ],
    },
    Known { name: "source_quench", number: 4, codes: &[] },
    Known {
        name: "redirect",
        number: 5,
        codes: &["net", "host", "net_for_tos/tos_net", "host_for_tos/tos_host"],
    },
    Known { name: "echo_request", number: 8, codes: &[] },
    Known {
        name: "time_exceeded",
        number: 11,
        codes: &["ttl_exceeded_in_transit/exceeded_ttl", "frag_reass_exceeded/exceeded_frag_time"],
    },
    Known {
        name: "parameter_problem",
        number: 12,
        codes: &["pointer_error", "required_option_missing", "bad_length"],
    },
];

const V6: &[Known] = &[
    Known {
        name: "unreachable",
        number: 1,
        codes: &[
            "no_route",
            "admin_prohibited",
            "not_neighbour/beyond_scope",
            "address_unreachable/addr_unreachable",
            "port_unreachable",
            "policy_fail",
            "reject_route",
        ],
    },
    Known { name: "packet_too_big", number: 2, codes: &[] },
    Known { name: "time_exceeded", number: 3, codes: &["exceeded_hop_limit", "exceeded_frag_time"] },
    Known {
        name: "parameter_problem",
        number: 4,
        codes: &["header_field", "unknown_next_header", "unknown_option"],
    },
    Known { name: "echo_request", number: 128, codes: &[] },
    Known { name: "echo_reply", number: 129, codes: &[] },
    Known { name: "redirect", number: 137, codes: &[] },
];

#[cfg(test)]
mod tests;

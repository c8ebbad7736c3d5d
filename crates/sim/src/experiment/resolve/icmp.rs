//! Injected ICMP errors: what they say, and which segment they claim to be about.

use std::net::SocketAddr;

use faultwire_wire::IcmpKind;

use super::inject::number;
use crate::experiment::problem::Problem;
use crate::experiment::read::Item;
use crate::plan::{InjectedError, QuotedSeq};

/// The error that an injection's `icmp` describes. `ipv6`: its receiver may have an address of that version.
/// `is_aimed`: it is aimed at a socket, so that the quoted number can be relative.
pub(super) fn read(inject: &Item<'_>, ipv6: bool, is_aimed: bool) -> Result<Option<InjectedError>, Problem> {
    let Some(icmp) = inject.get("icmp") else { return Ok(None) };
    let foreign = ["protocol", "flags", "seq", "ack", "window", "payload"];
    if let Some(other) = foreign.iter().find_map(|key| inject.get(key)) {
        return Err(other
            .problem("an ICMP error is not a segment: leave this out; \"icmp\" has the \"seq\" it quotes"));
    }
    let word = icmp.require("error")?;
    let name = word.text()?;
    let mtu = icmp.integer_or("mtu", 0)?;
    if let Some(item) = icmp.get("mtu").filter(|_| name != "packet_too_big") {
        return Err(item.problem(format!("{name:?} has no MTU: leave it out")));
    }
    if name == "source_quench" && ipv6 {
        return Err(word.problem("ICMPv6 has no source quench, and this host has an address of IPv6"));
    }
    let seq = match (number(&icmp, "seq", &["snd_una", "snd_nxt"])?, icmp.get("seq")) {
        ((Some(distance), "snd_una"), _) => QuotedSeq::SndUna(distance),
        ((Some(distance), _), _) => QuotedSeq::SndNxt(distance),
        ((None, _), Some(seq)) => QuotedSeq::Absolute(seq.integer()?),
        ((None, _), None) => QuotedSeq::SndUna(0),
    };
    if !is_aimed && !matches!(seq, QuotedSeq::Absolute(_)) {
        let item = icmp.get("seq").unwrap_or(icmp);
        return Err(item.problem(
            "give \"seq\" as a number: a relative one needs a socket in \"to\", like \"client/first\"",
        ));
    }
    let (v4, v6) = kinds(name, mtu);
    Ok(Some(InjectedError { v4, v6, seq }))
}

/// An error whose ends are written out: `from` says it, to `to`, about a segment of that number the other way.
pub(super) fn addressed(error: &InjectedError, from: SocketAddr, to: SocketAddr) -> faultwire_wire::Body {
    let QuotedSeq::Absolute(seq) = error.seq else { unreachable!("only aimed errors have relative numbers") };
    error.body(to, from, faultwire_wire::Seq(seq), 0)
}

/// What an error is in IPv4, and the nearest in IPv6.
fn kinds(name: &str, mtu: u16) -> (IcmpKind, IcmpKind) {
    let unreachable = |v4, v6| {
        (IcmpKind::DestinationUnreachable { code: v4 }, IcmpKind::DestinationUnreachable { code: v6 })
    };
    let same = |kind: IcmpKind| (kind, kind);
    match name {
        "net_unreachable" => unreachable(0, 0),
        "host_unreachable" => unreachable(1, 3),
        // RFC 4443 §3.4, code 1: unrecognized next header.
        "protocol_unreachable" => {
            (IcmpKind::DestinationUnreachable { code: 2 }, IcmpKind::ParameterProblem { code: 1, pointer: 6 })
        }
        "port_unreachable" => unreachable(3, 4),
        "packet_too_big" => same(IcmpKind::PacketTooBig { mtu: mtu.into() }),
        "source_route_failed" => unreachable(5, 5),
        "net_unknown" => unreachable(6, 0),
        "host_unknown" => unreachable(7, 3),
        "source_host_isolated" => unreachable(8, 0),
        "net_prohibited" => unreachable(9, 1),
        "host_prohibited" => unreachable(10, 1),
        "net_unreachable_for_tos" => unreachable(11, 0),
        "host_unreachable_for_tos" => unreachable(12, 3),
        "packet_filtered" => unreachable(13, 1),
        "precedence_violation" => unreachable(14, 1),
        "precedence_cutoff" => unreachable(15, 1),
        "source_quench" => same(IcmpKind::SourceQuench),
        "time_exceeded" => same(IcmpKind::TimeExceeded { code: 0 }),
        "reassembly_time_exceeded" => same(IcmpKind::TimeExceeded { code: 1 }),
        _ => same(IcmpKind::ParameterProblem { code: 0, pointer: 0 }),
    }
}

use super::*;
use crate::syntax::parse;
use crate::syntax::tree::{Action, BodySpec};

fn spec(text: &str) -> IcmpSpec {
    let script = parse(&format!("0 < icmp {text}\n"), &[], None).unwrap_or_else(|error| panic!("{error}"));
    match &script.events[0].action {
        Action::Inbound(packet) => match &packet.body {
            BodySpec::Icmp(spec) => spec.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// PACKETDRILL.md §7.6, with the numbers of RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7 and RFC 4443.
#[test]
fn names_are_numbers_of_their_version() {
    let v4 = [
        ("unreachable net_unreachable", (3, 0)),
        ("unreachable host_unreachable", (3, 1)),
        ("unreachable protocol_unreachable", (3, 2)),
        ("unreachable port_unreachable", (3, 3)),
        ("unreachable frag_needed mtu 1200", (3, 4)),
        ("unreachable source_route_failed", (3, 5)),
        ("unreachable net_unknown", (3, 6)),
        ("unreachable host_unknown", (3, 7)),
        ("unreachable source_host_isolated", (3, 8)),
        ("unreachable net_prohibited", (3, 9)),
        ("unreachable host_prohibited", (3, 10)),
        ("unreachable net_unreachable_for_tos", (3, 11)),
        ("unreachable host_unreachable_for_tos", (3, 12)),
        ("unreachable packet_filtered", (3, 13)),
        ("unreachable precedence_violation", (3, 14)),
        ("unreachable precedence_cutoff", (3, 15)),
        ("source_quench", (4, 0)),
        ("redirect", (5, 0)),
        ("time_exceeded ttl_exceeded_in_transit", (11, 0)),
        ("time_exceeded frag_reass_exceeded", (11, 1)),
        ("parameter_problem code_0", (12, 0)),
        ("parameter_problem code_2", (12, 2)),
    ];
    let v6 = [
        ("unreachable no_route", (1, 0)),
        ("unreachable admin_prohibited", (1, 1)),
        ("unreachable not_neighbour", (1, 2)),
        ("unreachable address_unreachable", (1, 3)),
        ("unreachable port_unreachable", (1, 4)),
        ("packet_too_big mtu 1300", (2, 0)),
        ("time_exceeded exceeded_hop_limit", (3, 0)),
        ("time_exceeded exceeded_frag_time", (3, 1)),
        ("parameter_problem header_field", (4, 0)),
        ("parameter_problem unknown_next_header", (4, 1)),
        ("parameter_problem unknown_option", (4, 2)),
    ];
    for (ipv6, table) in [(false, &v4[..]), (true, &v6[..])] {
        for (text, numbers) in table {
            assert_eq!(kind_and_code(&spec(text), ipv6), Ok(*numbers), "{text}");
        }
    }
}

#[test]
fn names_of_the_other_version_are_not_known() {
    for (text, ipv6) in [
        ("unreachable host_unreachable", true),
        ("unreachable frag_needed mtu 1200", true),
        ("unreachable no_route", false),
        ("packet_too_big mtu 1200", false),
        ("source_quench", true),
    ] {
        assert!(matches!(kind_and_code(&spec(text), ipv6), Err(Problem::Unknown(_))), "{text}");
    }
}

#[test]
fn an_mtu_reaches_the_message() {
    let kind = |text: &str, ipv6| message(&spec(text), None, ipv6).unwrap().kind;
    assert_eq!(kind("unreachable frag_needed mtu 1200", false), IcmpKind::PacketTooBig { mtu: 1200 });
    assert_eq!(kind("packet_too_big mtu 1300", true), IcmpKind::PacketTooBig { mtu: 1300 });
    let other = IcmpKind::Other { icmp_type: 5, code: 1, rest: [0; 4] };
    assert_eq!(kind("redirect host", false), other);
}

#[test]
fn what_is_sent_survives_the_wire() {
    assert!(survives_the_wire(&Packet {
        body: Body::Tcp(faultwire_wire::Segment::default()),
        ..Packet::default()
    }));
    let raw = Packet { body: Body::Raw([0x45, 0, 0, 1].as_slice().into()), ..Packet::default() };
    assert!(!survives_the_wire(&raw));
}

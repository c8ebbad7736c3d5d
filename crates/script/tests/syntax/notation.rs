//! What is printed is read back as the same.

use faultwire_base::Duration;
use faultwire_script::syntax::parse;
use faultwire_script::syntax::tree::{
    Action, BodySpec, EcnSpec, IcmpSpec, IpSpec, OptionSpec, OptionsSpec, PacketSpec, Position, QuoteSpec,
    SequenceSpec, TcpSpec, Time,
};
use faultwire_wire::Flags;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

fn option() -> impl Strategy<Value = OptionSpec> {
    let octets = || vec(any::<u8>(), 0..9);
    prop_oneof![
        Just(OptionSpec::NoOperation),
        Just(OptionSpec::EndOfList),
        Just(OptionSpec::SackPermitted),
        Just(OptionSpec::Md5(None)),
        any::<u16>().prop_map(OptionSpec::MaximumSegmentSize),
        any::<u8>().prop_map(OptionSpec::WindowScale),
        vec(any::<(u32, u32)>(), 1..3).prop_map(OptionSpec::Sack),
        (of(any::<u32>()), any::<u32>(), any::<bool>())
            .prop_map(|(value, echo, literal_echo)| OptionSpec::Timestamps { value, echo, literal_echo }),
        octets().prop_map(OptionSpec::FastOpen),
        octets().prop_map(OptionSpec::FastOpenExperimental),
        octets().prop_map(|digest| OptionSpec::Md5(Some(digest))),
        (0_usize..4, vec(any::<u8>(), 9)).prop_map(|(counters, mut data)| {
            data.truncate(counters * 3);
            OptionSpec::AccurateEcn { kind: 172, data }
        }),
        (1_usize..4, vec(any::<u8>(), 9)).prop_map(|(counters, mut data)| {
            data.truncate(counters * 3);
            OptionSpec::AccurateEcn { kind: 174, data }
        }),
        (any::<u8>(), octets()).prop_map(|(kind, data)| OptionSpec::Unknown { kind, data }),
    ]
}

fn sequence() -> impl Strategy<Value = SequenceSpec> {
    prop_oneof![
        any::<u32>().prop_map(SequenceSpec::Relative),
        any::<u32>().prop_map(SequenceSpec::Absolute),
        Just(SequenceSpec::Any),
    ]
}

fn segment() -> impl Strategy<Value = TcpSpec> {
    let options = prop_oneof![Just(OptionsSpec::Any), vec(option(), 0..3).prop_map(OptionsSpec::These)];
    let numbers = (of(any::<u32>()), of(any::<u16>()), of(any::<u16>()));
    (0_u16..512, any::<bool>(), sequence(), any::<u16>(), numbers, options).prop_map(
        |(bits, digit, sequence, length, (acknowledgment, window, urgent), options)| TcpSpec {
            flags: Flags(bits),
            ace: digit.then_some((bits >> 6) as u8),
            sequence,
            length,
            acknowledgment,
            window,
            urgent,
            options,
        },
    )
}

fn message() -> impl Strategy<Value = IcmpSpec> {
    let quote = prop_oneof![
        (sequence(), any::<u16>()).prop_map(|(sequence, length)| QuoteSpec::Tcp { sequence, length }),
        any::<u16>().prop_map(|length| QuoteSpec::Udp { length }),
    ];
    ("[a-z]{1,4}_[a-z]{1,4}", of("[a-z]{1,4}_[a-z]{1,4}"), of(any::<u32>()), of(any::<u16>()), of(quote))
        .prop_map(|(kind, code, mtu, identifier, quote)| IcmpSpec { kind, code, mtu, identifier, quote })
}

fn ip() -> impl Strategy<Value = IpSpec> {
    let ecn = prop_oneof![
        Just(EcnSpec::NotEct),
        Just(EcnSpec::Ect0),
        Just(EcnSpec::Ect1),
        Just(EcnSpec::Ect01),
        Just(EcnSpec::Ce)
    ];
    (of(ecn), of(any::<u8>()), of(any::<u8>()), of(0_u32..1 << 20)).prop_map(
        |(ecn, traffic_class, hop_limit, flow_label)| IpSpec { ecn, traffic_class, hop_limit, flow_label },
    )
}

fn packet() -> impl Strategy<Value = PacketSpec> {
    let body = prop_oneof![
        4 => segment().prop_map(BodySpec::Tcp),
        1 => any::<u16>().prop_map(|length| BodySpec::Udp { length }),
        1 => message().prop_map(BodySpec::Icmp),
    ];
    let encapsulation = of(prop_oneof![
        Just("/udp(9811 > 9899)".to_owned()),
        Just("ipv4 192.0.2.1 > 192.0.2.2: gre:".to_owned()),
        Just("mpls (label 1): /udp(1 > 2)".to_owned())
    ]);
    (ip(), of(any::<(u16, u16)>()), body, encapsulation).prop_map(|(ip, ports, body, encapsulation)| {
        PacketSpec { at: Position::default(), ip, ports, body, encapsulation }
    })
}

/// Octets of the options, as the header counts them; more than 40 cannot be sent and are refused.
fn fits(packet: &PacketSpec) -> bool {
    let BodySpec::Tcp(TcpSpec { options: OptionsSpec::These(options), .. }) = &packet.body else {
        return true;
    };
    let octets = |option: &OptionSpec| match option {
        OptionSpec::Sack(blocks) => 2 + 8 * blocks.len(),
        OptionSpec::Md5(None) => 18,
        _ => 13,
    };
    options.iter().map(octets).sum::<usize>() <= 40
}

proptest! {
    #[test]
    fn a_packet_is_read_back_as_it_was(packet in packet().prop_filter("too many options", fits)) {
        let source = format!("0 > {packet}");
        let mut script = parse(&source, &[], None)
            .map_err(|error| TestCaseError::fail(format!("{error}\n{source}")))?;
        prop_assert_eq!(&script.events[0].text, &source);
        let Some(Action::Outbound(mut read)) = script.events.pop().map(|event| event.action) else {
            return Err(TestCaseError::fail("no packet"));
        };
        read.at = Position::default();
        prop_assert_eq!(read, packet);
    }

    #[test]
    fn a_time_is_read_back_as_it_was(a in any::<u64>(), b in any::<u64>(), form in 0..5) {
        let [low, high] = [a.min(b), a.max(b)].map(Duration::from_nanos);
        let (time, action) = match form {
            0 => (Time::Absolute(low), "close(3) = 0"),
            1 => (Time::AbsoluteRange(low, high), "> . 1:1(0)"),
            2 => (Time::RelativeRange(low, high), "> . 1:1(0)"),
            3 => (Time::AbsoluteBlocking(low, high), "close(3) = 0"),
            _ => (Time::RelativeBlocking(low, high), "close(3) = 0"),
        };
        let source = format!("0 close(3) = 0\n{time} {action}");
        let script = parse(&source, &[], None)
            .map_err(|error| TestCaseError::fail(format!("{error}\n{source}")))?;
        prop_assert_eq!(script.events[1].time, time);
    }
}

//! What is printed is read back as the same.

use faultwire_base::Duration;
use faultwire_script::syntax::parse;
use faultwire_script::syntax::tree::{
    Action, BodySpec, Call, EcnSpec, Expression, ExpressionKind, Field, IcmpSpec, IpSpec, OptionSpec,
    OptionsSpec, PacketSpec, Position, QuoteSpec, SequenceSpec, TcpSpec, Time,
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

fn expression() -> impl Strategy<Value = Expression> {
    let at = Position::default();
    let leaf = prop_oneof![
        Just(ExpressionKind::Ellipsis),
        any::<i64>().prop_map(ExpressionKind::Integer),
        proptest::num::f64::NORMAL.prop_map(ExpressionKind::Decimal),
        "[A-Z]{1,3}_[A-Z0-9]{1,3}".prop_map(ExpressionKind::Symbol),
        any::<String>().prop_map(ExpressionKind::Text),
        any::<std::net::IpAddr>().prop_map(ExpressionKind::Address),
    ];
    let leaf = leaf.prop_map(move |kind| Expression { at, kind });
    leaf.prop_recursive(5, 40, 4, move |inner| {
        let field = (of(("[a-z]{1,3}_[a-z]{1,3}", of(inner.clone()))), inner.clone()).prop_map(
            move |(name, value)| {
                let (name, count) = name.unwrap_or_default();
                Field { at, name, count: count.map(Box::new), value }
            },
        );
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(ExpressionKind::Or),
            inner.clone().prop_map(|inner| ExpressionKind::Not(Box::new(inner))),
            vec(inner.clone(), 0..4).prop_map(ExpressionKind::List),
            vec(field, 0..4).prop_map(ExpressionKind::Structure),
            ("[a-z]{1,3}_[a-z]{1,3}", vec(inner, 0..3))
                .prop_map(|(name, arguments)| ExpressionKind::Function { name, arguments }),
        ]
        .prop_map(move |kind| Expression { at, kind })
    })
}

/// A result is no function: a parenthesis behind a name is a note there.
fn call() -> impl Strategy<Value = Call> {
    let result = prop_oneof![
        any::<i64>().prop_map(ExpressionKind::Integer),
        "[A-Z]{1,3}_[A-Z0-9]{1,3}".prop_map(ExpressionKind::Symbol)
    ]
    .prop_map(|kind| Expression { at: Position::default(), kind });
    let note = of("[a-z`\"/*<>]{1,5}( \\([a-z]{1,4}\\) [a-z]{1,4})?");
    ("[a-z]{1,3}_[a-z]{1,3}", vec(expression(), 0..4), of(result), of("E[A-Z0-9]{1,9}"), note).prop_map(
        |(name, arguments, result, errno, note)| Call {
            at: Position::default(),
            name,
            arguments,
            result,
            errno,
            note,
        },
    )
}

proptest! {
    #[test]
    fn a_call_is_read_back_as_it_was(call in call()) {
        let source = format!("0 {call}");
        let mut script = parse(&source, &[], None)
            .map_err(|error| TestCaseError::fail(format!("{error}\n{source}")))?;
        let Some(Action::Call(mut read)) = script.events.pop().map(|event| event.action) else {
            return Err(TestCaseError::fail("no call"));
        };
        prop_assert_eq!(read.to_string(), call.to_string());
        read.at = Position::default();
        read.arguments.iter_mut().chain(&mut read.result).for_each(forget_places);
        prop_assert_eq!(read, call);
    }

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

fn forget_places(expression: &mut Expression) {
    expression.at = Position::default();
    match &mut expression.kind {
        ExpressionKind::Not(inner) => forget_places(inner),
        ExpressionKind::Or(values)
        | ExpressionKind::List(values)
        | ExpressionKind::Function { arguments: values, .. } => values.iter_mut().for_each(forget_places),
        ExpressionKind::Structure(fields) => {
            for field in fields {
                field.at = Position::default();
                field.count.iter_mut().for_each(|count| forget_places(count));
                forget_places(&mut field.value);
            }
        }
        _ => {}
    }
}

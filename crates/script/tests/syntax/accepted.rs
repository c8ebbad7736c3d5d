//! What is read from scripts, events, times and packets.

use faultwire_base::Duration;
use faultwire_script::syntax::parse;
use faultwire_script::syntax::tree::{
    Action, BodySpec, Dialect, EcnSpec, OptionSpec, OptionsSpec, QuoteSpec, SequenceSpec, Time,
};
use faultwire_wire::Flags;

use super::{corpus, defines, event, packet, script};

#[test]
fn the_examples_are_scripts() {
    for (name, source) in corpus::SCRIPTS {
        let cookie = defines(&[("TFO_COOKIE", "abcdef0123456789")]);
        let script = parse(source, &cookie, None).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(script.events.len() > 5, "{name}");
        for event in &script.events {
            assert!(!event.text.contains('\n') && !event.text.is_empty(), "{name}: {:?}", event.text);
            let line = source.lines().nth(event.at.line as usize - 1).expect("the line of the event");
            let start: String = event.text.chars().take(2).collect();
            assert!(line.chars().skip(event.at.column as usize - 1).collect::<String>().starts_with(&start));
        }
    }
}

#[test]
fn times_in_all_forms() {
    let ms = Duration::from_millis;
    let table = [
        ("0.25 close(3) = 0", Time::Absolute(ms(250))),
        (".5 close(3) = 0", Time::Absolute(ms(500))),
        ("2 close(3) = 0", Time::Absolute(ms(2000))),
        ("+0.1 close(3) = 0", Time::Relative(ms(100))),
        ("+.1 close(3) = 0", Time::Relative(ms(100))),
        ("+  0.10 close(3) = 0", Time::Relative(ms(100))),
        ("+3 close(3) = 0", Time::Relative(ms(3000))),
        ("1.0~1.2 > . 1:1(0) ack 1", Time::AbsoluteRange(ms(1000), ms(1200))),
        ("+0~+.01 > . 1:1(0) ack 1", Time::RelativeRange(ms(0), ms(10))),
        ("+0.1 ~ +0.2 > . 1:1(0) ack 1", Time::RelativeRange(ms(100), ms(200))),
        ("* > . 1:1(0) ack 1", Time::Any),
        ("*> . 1:1(0) ack 1", Time::Any),
        ("+0...0.5 connect(3, ..., ...) = 0", Time::RelativeBlocking(ms(0), ms(500))),
        ("+0.1...+0.5 connect(3, ..., ...) = 0", Time::RelativeBlocking(ms(100), ms(500))),
        ("1.00...6.00 connect(3, ..., ...) = 0", Time::AbsoluteBlocking(ms(1000), ms(6000))),
        ("+0.000000001 close(3) = 0", Time::Relative(Duration::from_nanos(1))),
        ("+0.0000000019 close(3) = 0", Time::Relative(Duration::from_nanos(1))),
    ];
    for (source, time) in table {
        let script = script(&format!("0 socket(..., SOCK_STREAM, 0) = 3\n{source}"));
        assert_eq!(script.events[1].time, time, "{source}");
        assert_eq!(script.events[1].at.line, 2, "{source}");
    }
}

#[test]
fn packets_and_how_they_are_printed() {
    let table = [
        ("< S 0:0(0) win 65535 <mss 1460,sackOK,eol,eol>", ""),
        ("> S. 0:0(0) ack 1 win 65535 <mss 1460,nop,wscale 6,sackOK,TS val 100 ecr 200>", ""),
        ("< P. 1:1001(1000) ack 1 win 257", ""),
        ("> . 1:1(0) ack 1 <nop,nop,sack 1001:2001 3001:4001>", ""),
        ("> . 1:1(0) ack 1 < nop , nop , sack 1001:2001 >", "> . 1:1(0) ack 1 <nop,nop,sack 1001:2001>"),
        ("> F . 1:1(0) ack 1", "> F. 1:1(0) ack 1"),
        ("< - 1:101(100) win 10", ""),
        ("< U. 1:11(10) ack 1 win 100 urg 5", ""),
        ("> SEW 0:0(0) <...>", ""),
        ("> SE. 0:0(0) ack 1 <>", "> SE. 0:0(0) ack 1"),
        ("> SEWA 0:0(0) <...>", ""),
        ("> .5 1:1(0) ack 1", ""),
        ("< P.7 1:2(1) ack 1 win 9", ""),
        ("> S.2 0:0(0) ack 1", ""),
        ("> 5 0:0(0) ack 1", ""),
        ("< F 1:1(0) ack 5 win 9", ""),
        ("< R. 4294967295:4294967295(0) ack 1 win 0", ""),
        ("< . 4294967295:0(1) ack 1 win 0", ""),
        ("< . 4294967000:704(1000) ack 4294967295 win 0", ""),
        ("> R 0:0(0)! win 0", ""),
        ("> S ...(0) win 65535 <...>", ""),
        ("< [ect0] . 1:1(0) ack 1 win 9", ""),
        ("< [ce] [ttl 3] . 1:1(0) ack 1 win 9", "< [ce, ttl 3] . 1:1(0) ack 1 win 9"),
        ("< (tos 0x10, ttl 64) . 1:1(0) ack 1 win 9", "< [tos 0x10, ttl 64] . 1:1(0) ack 1 win 9"),
        ("< (class 16)(hlim 64) . 1:1(0) ack 1 win 9", "< [tos 0x10, ttl 64] . 1:1(0) ack 1 win 9"),
        ("> [noecn] . 1:1(0) ack 1", ""),
        ("> [flowlabel 0x1] . 1:1(0) ack 1", ""),
        ("< 40000 > 8080 S 0:0(0) win 1000", ""),
        ("< [ect01] 40000 > 8080 S 0:0(0) win 1000", ""),
        ("< udp (1000)", ""),
        ("> 53>53 udp(0)", "> 53 > 53 udp (0)"),
        ("< icmp unreachable port_unreachable", ""),
        ("< icmp unreachable frag_needed mtu 1200 [1:1461(1460)]", ""),
        (
            "< [1:1461(1460)] icmp unreachable frag_needed mtu 1200",
            "< icmp unreachable frag_needed mtu 1200 [1:1461(1460)]",
        ),
        ("< icmp packet_too_big mtu 1280 [1:1461(1460)]", ""),
        ("< icmp time_exceeded ttl_exceeded_in_transit [4294967295:4294967295(0)]", ""),
        ("< icmp source_quench [1:1(0)!]", "< icmp source_quench [1:1(0)!]"),
        ("< icmp 3 1 [udp (10)]", ""),
        ("> icmp echo_reply id 77", ""),
    ];
    check_printed(&table);
}

#[test]
fn rarer_options_and_encapsulations_and_how_they_are_printed() {
    let table = [
        ("> S 0:0(0) <mss 1460,FO,nop,nop>", ""),
        ("> S 0:0(0) <FO abcdef0123456789>", ""),
        ("> S 0:0(0) <FO 0123456789012345,nop,nop>", ""),
        ("> S 0:0(0) <FOEXP>", ""),
        ("> S 0:0(0) <FOEXP deadbeef>", ""),
        ("> S 0:0(0) <FO \"abcd\">", "> S 0:0(0) <FO abcd>"),
        ("< . 1:1(0) win 1 <nop,nop,md5 00112233445566778899aabbccddeeff>", ""),
        ("< . 1:1(0) win 1 <nop,nop,md5 valid>", ""),
        ("> . 1:1(0) ack 1 <nop,nop,TS val ... ecr 7!>", ""),
        ("> . 1:1(0) ack 1 <nop,nop,TS val 4294967295 ecr 0>", ""),
        ("> . 1:1(0) ack 1 <ECN e1b 1 ceb 0 e0b 16777215,nop>", ""),
        ("> . 1:1(0) ack 1 <ECN e0b 1 ceb 2,nop,nop>", ""),
        ("> . 1:1(0) ack 1 <ECN>", ""),
        ("> . 1:1(0) ack 1 <kind 253 12345678>", ""),
        ("> . 1:1(0) ack 1 <kind 76>", ""),
        ("> . 1:1(0) ack 1 /udp(9811 > 9899)", ""),
        (
            "< icmp unreachable port_unreachable [1:1(0)/udp(1 > 2)]",
            "< icmp unreachable port_unreachable [1:1(0)] /udp(1 > 2)",
        ),
        ("> gre flags 0x2000 : . 1:1(0) ack 1", ""),
        ("> ipv6 2001:db8::1 > fd3d:fa7b:d17d::1: mpls (label 1, tc 0, [S], ttl 64): . 1:1(0)", ""),
        ("> . 1:1(0) win 5 ack 7", "> . 1:1(0) ack 7 win 5"),
        ("> /* here */ . 1:1(0) // and there\n ack 7", "> . 1:1(0) ack 7"),
    ];
    check_printed(&table);
}

#[test]
fn a_segment_field_by_field() {
    let spec = packet("> [ect1] 1 > 2 P. 1:1001(1000)! ack 7 win 8 urg 9 <mss 10,ECN e1b 1 ceb 2 e0b 3,nop>");
    assert_eq!((spec.ip.ecn, spec.ports, spec.at.column), (Some(EcnSpec::Ect1), Some((1, 2)), 3));
    let BodySpec::Tcp(segment) = spec.body else { panic!("a segment") };
    assert_eq!(segment.flags, Flags::PSH | Flags::ACK);
    assert_eq!((segment.sequence, segment.length), (SequenceSpec::Absolute(1), 1000));
    assert_eq!((segment.acknowledgment, segment.window, segment.urgent), (Some(7), Some(8), Some(9)));
    // RFC 9768 §3.2.3: kind 174 begins with the ECT(1) counter, three octets each.
    let counters = OptionSpec::AccurateEcn { kind: 174, data: vec![0, 0, 1, 0, 0, 2, 0, 0, 3] };
    let options = vec![OptionSpec::MaximumSegmentSize(10), counters, OptionSpec::NoOperation];
    assert_eq!(segment.options, OptionsSpec::These(options));
}

#[test]
fn an_ace_digit_is_ae_cwr_and_ece() {
    // RFC 9768 §3.2.2.1
    let BodySpec::Tcp(segment) = packet("> .5 1:1(0) ack 1").body else { panic!("a segment") };
    assert_eq!((segment.ace, segment.flags), (Some(5), Flags::ACK | Flags::AE | Flags::ECE));
    let BodySpec::Tcp(segment) = packet("> .0 1:1(0) ack 1").body else { panic!("a segment") };
    assert_eq!((segment.ace, segment.flags), (Some(0), Flags::ACK));
    let BodySpec::Tcp(segment) = packet("> EW. 1:1(0) ack 1").body else { panic!("a segment") };
    assert_eq!((segment.ace, segment.flags), (None, Flags::ACK | Flags::CWR | Flags::ECE));
}

#[test]
fn an_acknowledgment_number_without_the_bit() {
    let BodySpec::Tcp(segment) = packet("< F 1:1(0) ack 9 win 1").body else { panic!("a segment") };
    assert_eq!((segment.flags, segment.acknowledgment), (Flags::FIN, Some(9)));
}

#[test]
fn an_icmp_message_field_by_field() {
    let BodySpec::Icmp(message) = packet("< icmp unreachable frag_needed mtu 900 [5:6(1)]").body else {
        panic!("an ICMP message")
    };
    assert_eq!((message.kind.as_str(), message.code.as_deref()), ("unreachable", Some("frag_needed")));
    assert_eq!((message.mtu, message.identifier), (Some(900), None));
    let quote = QuoteSpec::Tcp { sequence: SequenceSpec::Relative(5), length: 1 };
    assert_eq!(message.quote, Some(quote));
}

#[test]
fn a_number_in_the_next_line_is_a_time_not_an_icmp_code() {
    let script = script("0 < icmp source_quench\n1 close(3) = 0");
    assert_eq!(script.events.len(), 2);
}

#[test]
fn options_at_the_head() {
    let source = "// note\n--ip_version=ipv4 --tolerance_usecs=75000\n--local_ip = 192.0.2.1\n--strict_segments\n\
                  --remote_prefix=2001:db8::/32 // note\n--tcp_md5_secret=\"a b\\\"c\"\n--mtu 9000\n--empty=\n\
                  --tcp_ts_ecr_scaled\n0 close(3) = 0";
    let options: Vec<(String, String, u32)> = script(source)
        .options
        .into_iter()
        .map(|option| (option.name, option.value, option.at.line))
        .collect();
    let expected = [
        ("ip_version", "ipv4", 2),
        ("tolerance_usecs", "75000", 2),
        ("local_ip", "192.0.2.1", 3),
        ("strict_segments", "", 4),
        ("remote_prefix", "2001:db8::/32", 5),
        ("tcp_md5_secret", "a b\"c", 6),
        ("mtu", "9000", 7),
        ("empty", "", 8),
        ("tcp_ts_ecr_scaled", "", 9),
    ];
    assert_eq!(options, expected.map(|(name, value, line)| (name.to_owned(), value.to_owned(), line)));
}

#[test]
fn commands_timed_and_untimed_and_code() {
    let source = "`sysctl -w a=1\n  echo \"x // y\" # z`\n 0 `one`\n+0 %{\nassert a == 1, \"}\"\nprint(2) }%\n`last`\n";
    let script = script(source);
    assert_eq!(
        script.initialisation.as_ref().expect("a command").text,
        "sysctl -w a=1\n  echo \"x // y\" # z"
    );
    assert_eq!(script.cleanup.as_ref().expect("a command").text, "last");
    assert!(matches!(&script.events[0].action, Action::Command(command) if command.text == "one"));
    let Action::Code(code) = &script.events[1].action else { panic!("code") };
    assert_eq!((code.text.as_str(), code.at.line), ("\nassert a == 1, \"}\"\nprint(2) ", 4));
    assert_eq!(script.events[1].text, "+0 %{ assert a == 1, \"}\" print(2) }%");
}

#[test]
fn the_text_of_an_event_is_one_line_without_comments() {
    let source = "/* a */ 0.5 // b\n  > /* c */ .   1:1(0)\n\tack 1 // d\n/* e */";
    let script = script(&format!("0 close(3) = 0\n{source}"));
    assert_eq!(script.events[1].text, "0.5 > . 1:1(0) ack 1");
    let text = event("0 read(3, \"// no comment\", 5) = 5 (note // too)").text;
    assert_eq!(text, "0 read(3, \"// no comment\", 5) = 5 (note // too)");
}

#[test]
fn conditional_text_stays_or_goes_and_lines_keep_their_numbers() {
    let source = "0 close(3) = 0\n#ifdef STANDARD\n+1 close(4) = 0\n#endif\n#ifdef FreeBSD // that stack\n+1 close(5) = 0\n#endif\n+1 close(6) = 0";
    let lines = |defines: &[(&str, &str)], platform: Option<&str>| -> Vec<u32> {
        let script = parse(source, &super::defines(defines), platform).expect("a script");
        assert_eq!(script.dialect, Dialect::Nplab);
        script.events.iter().map(|event| event.at.line).collect()
    };
    assert_eq!(lines(&[], None), [1, 8]);
    assert_eq!(lines(&[("STANDARD", "")], None), [1, 3, 8]);
    assert_eq!(lines(&[], Some("FreeBSD")), [1, 6, 8]);
    assert_eq!(lines(&[("STANDARD", "1")], Some("FreeBSD")), [1, 3, 6, 8]);
}

#[test]
fn a_hash_that_is_no_directive_belongs_to_the_command_around_it() {
    let script = script("`cd /tmp\n# a note of the shell\ntrue`\n0 close(3) = 0");
    assert!(script.initialisation.expect("a command").text.contains("# a note"));
}

#[test]
fn defines_replace_whole_words() {
    let defines = defines(&[
        ("FD", "3"),
        ("NAME", "\"cubic\""),
        ("RUN", "`true`"),
        ("COOKIE", "abcd01"),
        ("LEVEL", "SOL_TCP"),
        ("LEVEL", "SOL_IP"),
    ]);
    let source = "0 setsockopt(FD, LEVEL, NAME, FDX, \"FD\") = 0\n+0 RUN\n+0 > S 0:0(0) <FO COOKIE>\n+FD close(FD) = 0";
    let script = parse(source, &defines, None).expect("a script");
    let Action::Call(call) = &script.events[0].action else { panic!("a call") };
    let arguments: Vec<String> = call.arguments.iter().map(super::calls::shown).collect();
    assert_eq!(arguments, ["3", "SOL_IP", "\"cubic\"", "FDX", "\"FD\""]);
    assert!(matches!(&script.events[1].action, Action::Command(command) if command.text == "true"));
    let Action::Outbound(packet) = &script.events[2].action else { panic!("a packet") };
    assert_eq!(packet.to_string(), "S 0:0(0) <FO abcd01>");
    assert_eq!(script.events[3].time, Time::Relative(Duration::from_secs(3)));
}

#[test]
fn whose_notation_it_is() {
    let table = [
        ("0 close(3) = 0", Dialect::Google),
        ("--tolerance_usecs=10000\n0 `sysctl -q net.ipv4.tcp_sack=0`", Dialect::Google),
        ("0 > [ect0] . 1:1(0) ack 1", Dialect::Google),
        ("--mtu=1500\n0 close(3) = 0", Dialect::Nplab),
        ("--tcp_md5_secret=x\n0 close(3) = 0", Dialect::Nplab),
        ("--udp_encapsulation=tcp\n0 close(3) = 0", Dialect::Nplab),
        ("`sysctl -w net.inet.tcp.ecn.enable=0`\n0 close(3) = 0", Dialect::Nplab),
        ("0 `sysctl -w kern.ipc.maxsockbuf=1`", Dialect::Nplab),
        ("0 close(3) = 0\n`sockstat -4`", Dialect::Nplab),
        ("0 > (ttl 64) . 1:1(0) ack 1", Dialect::Nplab),
        ("0 > R 1:1(0)!", Dialect::Nplab),
        ("0 > . ...(0) ack 1", Dialect::Nplab),
        ("0 > . 1:1(0) <TS val ... ecr 1>", Dialect::Nplab),
        ("0 > . 1:1(0) <md5 valid>", Dialect::Nplab),
        ("0 > . 1:1(0) /udp(1 > 2)", Dialect::Nplab),
        ("#ifdef X\n#endif\n0 close(3) = 0", Dialect::Nplab),
    ];
    for (source, dialect) in table {
        assert_eq!(script(source).dialect, dialect, "{source}");
    }
}

#[test]
fn a_script_without_events_is_one() {
    for source in ["", "// nothing\n", "--ip_version=ipv4\n", "\u{feff}", "`true`"] {
        assert!(script(source).events.is_empty(), "{source:?}");
    }
    assert_eq!(script("\u{feff}0 close(3) = 0\r\n+1 close(4) = 0\r\n").events.len(), 2);
}

/// Each packet is printed as it stands behind it, or as it was written if nothing does.
fn check_printed(table: &[(&str, &str)]) {
    for &(source, printed) in table {
        let (mark, printed) = (&source[..2], if printed.is_empty() { source } else { printed });
        assert_eq!(format!("{mark}{}", packet(source)), printed, "{source}");
    }
}

#[test]
fn what_a_script_defines_is_replaced_unless_the_caller_defines_it() {
    let source = "--define=SIZE=100\n--define ANSWER=7\n0 write(4, ..., SIZE) = ANSWER";
    let text = |defines: &[(String, String)]| {
        let script = parse(source, defines, None).unwrap();
        let Action::Call(call) = script.events[0].action.clone() else { panic!("a call") };
        call.to_string()
    };
    assert_eq!(text(&[]), "write(4, ..., 100) = 7");
    assert_eq!(text(&defines(&[("SIZE", "5")])), "write(4, ..., 5) = 7");
}

#[test]
fn nothing_may_be_said_of_the_ip_header() {
    for group in ["()", "[]", "( )", "[ ]"] {
        assert_eq!(packet(&format!("> {group} . 1:1(0) ack 1")), packet("> . 1:1(0) ack 1"), "{group}");
    }
}

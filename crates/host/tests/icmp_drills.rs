//! ICMP errors about segments: what each stack believes, tells and ends (RFC 9293 §3.9.2.2, RFC 5461, RFC 5927, S66).

mod drill;

use drill::Drill;
use faultwire_host::{Errno, SocketOption};
use faultwire_tcp::{ArrivalConfig, Config, EcnConfig, IcmpConfig, OpeningConfig, State};

/// FreeBSD's way with ICMP, whatever else it does.
fn freebsd() -> Config {
    let rfc = Config::rfc();
    Config {
        icmp: IcmpConfig::freebsd(),
        ecn: EcnConfig::freebsd(),
        arrival: ArrivalConfig { hard_errors_abort: false, ..rfc.arrival },
        opening: OpeningConfig { soft_errors_abort: false, ..rfc.opening },
        ..rfc
    }
}

/// Error, and what becomes of an attempt on Linux, by the letter, on FreeBSD; `None`: it goes on.
type Row = (&'static str, Errno, Option<Errno>, Option<Errno>);

const TABLE: [Row; 17] = [
    ("unreachable net_unreachable", Errno::NetworkUnreachable, None, None),
    ("unreachable host_unreachable", Errno::HostUnreachable, None, None),
    (
        "unreachable protocol_unreachable",
        Errno::NoProtocolOption,
        Some(Errno::NoProtocolOption),
        Some(Errno::ConnectionRefused),
    ),
    (
        "unreachable port_unreachable",
        Errno::ConnectionRefused,
        Some(Errno::ConnectionRefused),
        Some(Errno::ConnectionRefused),
    ),
    ("unreachable source_route_failed", Errno::NotSupported, None, None),
    ("unreachable net_unknown", Errno::NetworkUnreachable, None, None),
    ("unreachable host_unknown", Errno::HostDown, None, None),
    ("unreachable source_host_isolated", Errno::NotOnNetwork, None, None),
    ("unreachable net_prohibited", Errno::NetworkUnreachable, None, Some(Errno::ConnectionRefused)),
    ("unreachable host_prohibited", Errno::HostUnreachable, None, Some(Errno::ConnectionRefused)),
    ("unreachable net_unreachable_for_tos", Errno::NetworkUnreachable, None, None),
    ("unreachable host_unreachable_for_tos", Errno::HostUnreachable, None, None),
    ("unreachable packet_filtered", Errno::HostUnreachable, None, Some(Errno::ConnectionRefused)),
    ("unreachable precedence_violation", Errno::HostUnreachable, None, None),
    ("unreachable precedence_cutoff", Errno::HostUnreachable, None, None),
    ("time_exceeded ttl_exceeded_in_transit", Errno::HostUnreachable, None, Some(Errno::HostUnreachable)),
    ("parameter_problem", Errno::ProtocolError, None, None),
];

/// `icmp_err_convert` and `tcp_v4_err`; RFC 9293 §3.9.2.2: MUST-56, SHLD-26; `icmp_errmap` and `tcp_drop_syn_sent`.
#[test]
fn errors_about_a_syn() {
    for (error, linux, letter, bsd) in TABLE {
        for (config, expected) in [(Config::linux(), Some(linux)), (Config::rfc(), letter), (freebsd(), bsd)]
        {
            let mut t = Drill::new(config);
            let fd = t.connect();
            t.expect("S 0:0(0) <...>");
            t.inject(&format!("+0.05 icmp {error} [0:1(1)]"));
            if let Some(errno) = expected {
                assert_eq!((t.error(fd), t.state()), (Some(errno), State::Closed), "{error}");
                t.expect_nothing_for_ms(10_000);
            } else {
                assert_eq!(t.state(), State::SynSent, "{error}");
                t.expect("1.0 S 0:0(0) <...>");
            }
        }
    }
}

/// The same in ESTABLISHED: by the letter a hard error aborts (SHLD-26), elsewhere none does (RFC 5461 §4.1).
#[test]
fn errors_about_data() {
    for (error, linux, letter, _) in TABLE {
        for (config, expected) in [(Config::linux(), None), (Config::rfc(), letter), (freebsd(), None)] {
            let is_linux = config == Config::linux();
            let mut t = Drill::new(config);
            let fd = t.passive("mss 1000");
            assert_eq!(t.write(fd, 1000), Ok(1000));
            t.expect("P. 1:1001(1000) ack 1");
            t.inject(&format!("icmp {error} [1:1001(1000)]"));
            if expected.is_some() {
                assert_eq!((t.error(fd), t.state()), (expected, State::Closed), "{error}");
                continue;
            }
            assert_eq!(t.state(), State::Established, "{error}");
            if is_linux {
                // SO_ERROR falls back to the soft error, once.
                assert_eq!((t.error(fd), t.error(fd)), (Some(linux), None), "{error}");
            }
            t.inject("+0.1 . 1:1(0) ack 1001 win 32896");
            assert_eq!(t.error(fd), None, "what got through clears it");
        }
    }
}

/// RFC 5927 §4.1: an error counts only if it quotes what is in flight. Linux takes SND.NXT too, so that an error about
/// a pure ACK counts.
#[test]
fn quoted_numbers() {
    for (config, next_counts) in [(Config::linux(), true), (Config::rfc(), false), (freebsd(), false)] {
        let mut t = Drill::new(config);
        let fd = t.passive("mss 1000");
        t.setsockopt(fd, SocketOption::ErrorReports(true));
        assert_eq!(t.write(fd, 1000), Ok(1000));
        t.expect("P. 1:1001(1000) ack 1");
        let mut counts = |seq: u32| {
            t.inject(&format!("icmp unreachable net_unreachable_for_tos [{seq}:{}(1)]", seq + 1));
            t.error(fd).is_some()
        };
        assert_eq!([0, 1002, 500_000, 4_000_000_000].map(&mut counts), [false; 4]);
        assert_eq!(counts(1001), next_counts);
        t.inject("+0.1 . 1:1(0) ack 1001 win 32896");
    }
}

/// RFC 9293 §3.9.2.2, MUST-55: source quench does nothing in any state.
#[test]
fn source_quench_is_ignored() {
    for config in [Config::linux(), Config::rfc(), freebsd()] {
        let mut t = Drill::new(config);
        let fd = t.passive("mss 1000");
        assert_eq!(t.write(fd, 1000), Ok(1000));
        t.expect("P. 1:1001(1000) ack 1");
        let before = t.info(fd);
        t.inject("icmp source_quench [1:1001(1000)]");
        assert_eq!((t.info(fd), t.error(fd)), (before, None));
        t.inject("+0.1 . 1:1(0) ack 1001 win 32896");
    }
}

/// A soft error names the reason when the connection times out at last (MUST-20, SHLD-25).
#[test]
fn a_soft_error_is_told_at_the_end() {
    let mut t = Drill::new(Config::rfc());
    let fd = t.connect();
    for (gap, next) in
        [("0", ""), ("1", ""), ("2", ""), ("4", ""), ("8", ""), ("16", ""), ("32", ""), ("60", "")]
    {
        t.expect(&format!("+{gap}{next} S 0:0(0) <...>"));
        if gap == "1" {
            t.inject("icmp unreachable net_unreachable [0:1(1)]");
        }
    }
    t.pass_ms(60_000);
    assert_eq!(t.error(fd), Some(Errno::NetworkUnreachable));
}

/// FreeBSD's `tcp_notify`: the second soft error ends an attempt that has timed out more than three times.
#[test]
fn insistence_ends_an_attempt() {
    let mut t = Drill::new(freebsd());
    let fd = t.connect();
    for gap in ["0", "1", "2", "4"] {
        t.expect(&format!("+{gap} S 0:0(0) <...>"));
        t.inject("icmp unreachable host_unreachable [0:1(1)]");
        assert_eq!(t.state(), State::SynSent);
    }
    t.expect("+8 S 0:0(0) <...>");
    t.inject("icmp unreachable host_unreachable [0:1(1)]");
    assert_eq!((t.error(fd), t.state()), (Some(Errno::HostUnreachable), State::Closed));
}

/// Errors about a SYN-ACK: Linux (`tcp_req_err`) forgets the embryo for net and host unreachable; by the letter hard
/// errors do. The number has to be that of the SYN-ACK.
#[test]
fn errors_about_a_syn_ack() {
    for (config, error, ends) in [
        (Config::linux(), "unreachable host_unreachable", true),
        (Config::linux(), "unreachable port_unreachable", false),
        (Config::linux(), "time_exceeded ttl_exceeded_in_transit", true),
        (Config::rfc(), "unreachable host_unreachable", false),
        (Config::rfc(), "unreachable port_unreachable", true),
        (freebsd(), "unreachable port_unreachable", false),
    ] {
        let mut t = Drill::new(config);
        t.listen();
        t.inject("S 0:0(0) win 32792 <mss 1000>");
        t.expect("S. 0:0(0) ack 1 <...>");
        t.inject(&format!("icmp {error} [1:2(1)]"));
        assert_eq!(t.state(), State::SynReceived, "{error}");
        t.inject(&format!("icmp {error} [0:1(1)]"));
        assert_eq!(t.state() == State::Closed, ends, "{error}");
        if ends {
            t.expect_nothing_for_ms(10_000);
        } else {
            t.expect("+1 S. 0:0(0) ack 1 <...>");
        }
    }
}

/// RFC 1191 §3: smaller segments at once; never below the least MTU of the stack; never larger.
#[test]
fn packet_too_big() {
    for (config, least) in [(Config::linux(), 552), (Config::rfc(), 68), (freebsd(), 256)] {
        let mut t = Drill::new(config);
        let fd = t.passive("mss 1460");
        assert_eq!(t.write(fd, 1460), Ok(1460));
        t.expect("P. 1:1461(1460) ack 1");
        t.inject("icmp unreachable frag_needed mtu 1400 [1:1461(1460)]");
        t.expect(". 1:1361(1360) ack 1");
        t.expect("P. 1361:1461(100) ack 1");
        t.inject("icmp unreachable frag_needed mtu 1450 [1:1361(1360)]");
        assert_eq!(t.info(fd).path_mtu, 1400);
        t.inject("+0.1 . 1:1(0) ack 1461 win 32896");
        assert_eq!(t.write(fd, 1000), Ok(1000));
        t.expect("P. 1461:2461(1000) ack 1");
        t.inject("icmp unreachable frag_needed mtu 20 [1461:2461(1000)]");
        assert_eq!((t.info(fd).path_mtu, t.info(fd).send_segment_size), (least, least - 40));
        t.forget_sent();
    }
}

/// RFC 1191 §5 and §7.1: an old router names no MTU; the next usual one below the packet's length takes its place.
/// Linux falls to `route.min_pmtu`.
#[test]
fn packet_too_big_without_an_mtu() {
    for (config, mtu) in [(Config::linux(), 552), (Config::rfc(), 1492), (freebsd(), 1492)] {
        let mut t = Drill::new(config);
        let fd = t.passive("mss 1460");
        assert_eq!(t.write(fd, 1460), Ok(1460));
        t.expect("P. 1:1461(1460) ack 1");
        t.inject("icmp unreachable frag_needed mtu 0 [1:1461(1460)]");
        assert_eq!(t.info(fd).path_mtu, mtu);
        t.forget_sent();
    }
}

/// RFC 8200 §5: IPv6 paths carry 1280 octets.
#[test]
fn packet_too_big_of_ipv6() {
    let mut t = Drill::ipv6(Config::linux());
    let fd = t.passive("mss 1440");
    assert_eq!(t.write(fd, 1440), Ok(1440));
    t.expect("P. 1:1441(1440) ack 1");
    t.inject("icmp packet_too_big mtu 600 [1:1441(1440)]");
    t.expect(". 1:1221(1220) ack 1");
    t.expect("P. 1221:1441(220) ack 1");
    t.inject("+0.1 . 1:1(0) ack 1441 win 32896");
}

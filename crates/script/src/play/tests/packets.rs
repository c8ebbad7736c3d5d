use super::*;

/// One wrong thing in the expected packet, and the words for it.
#[test]
fn each_field_is_compared() {
    let text = |packet: &str| {
        format!("{PASSIVE}+0 write(4, ..., 700) = 700\n+0 > {packet}\n+.03 < . 1:1(0) ack 701 win 32000\n")
    };
    passes(&text("P. 1:701(700) ack 1 win 65535"), &rfc());
    let wrong = [
        (". 1:701(700) ack 1", "flags: expected ., they are P."),
        ("PE. 1:701(700) ack 1", "flags: expected PE., they are P."),
        ("P. 2:702(700) ack 1", "sequence number: expected 2, it is 1"),
        ("P. 1:701(700) ack 2", "acknowledgment number: expected 2, it is 1"),
        ("P. 1:700(699) ack 1", "data octets: expected 699, it is 700"),
        ("P. 1:702(701) ack 1", "has another place in the stream"),
        ("P. 1:701(700) ack 1 win 1", "window: expected 1, it is 65535"),
        ("P. 1:701(700) ack 1 urg 1", "urgent pointer: expected 1, it is 0"),
        ("P. 1:701(700) ack 1 <nop,nop,nop,nop>", "options: expected <nop,nop,nop,nop>, they are none"),
        ("[ect0] P. 1:701(700) ack 1", "ECN bits: expected ect0, they are noecn"),
        ("(ttl 63) P. 1:701(700) ack 1", "hop limit: expected 63, it is 64"),
        ("(tos 0x10) P. 1:701(700) ack 1", "traffic class: expected 0x10, it is 0x00"),
        ("icmp unreachable port_unreachable", "protocol: expected ICMP, it is another"),
        ("udp (700)", "protocol: expected UDP, it is another"),
    ];
    for (packet, words) in wrong {
        let (line, message) = fails(&text(packet), &rfc());
        assert_eq!(line, 10, "{packet}");
        assert!(message.contains(words), "{packet}: {message}");
        assert!(message.contains("P. 1:701(700) ack 1 win 65535"), "{message}");
    }
    for packet in ["(ttl 64) P. 1:701(700) ack 1", "[noecn] P. 1:701(700) ack 1 <...>"] {
        passes(&text(packet), &rfc());
    }
}

#[test]
fn lenient_push_is_not_compared() {
    let text = format!("{PASSIVE}+0 write(4, ..., 700) = 700\n+0 > . 1:701(700) ack 1\n");
    fails(&text, &rfc());
    passes(&text, &Settings { psh: crate::PshRule::Lenient, ..rfc() });
}

/// PACKETDRILL.md §3.4, aggregation.
#[test]
fn segments_are_put_together_unless_the_script_forbids_it() {
    let text = |packets: &str| {
        format!("{PASSIVE}+0 write(4, ..., 3600) = 3600\n{packets}+.03 < . 1:1(0) ack 3601 win 32000\n")
    };
    let one = text("+0 > P. 1:3601(3600) ack 1\n");
    let three =
        text("+0 > . 1:1201(1200) ack 1\n+0 > . 1201:2401(1200) ack 1\n+0 > P. 2401:3601(1200) ack 1\n");
    let two = text("+0 > . 1:2401(2400) ack 1\n+0 > P. 2401:3601(1200) ack 1\n");
    for settings in [rfc(), strict(exact(rfc()))] {
        passes(&one, &settings);
        passes(&two, &settings);
        passes(&three, &settings);
    }
    passes(&format!("--strict_segments\n{three}"), &rfc());
    let (line, message) = fails(&format!("--strict_segments\n{one}"), &rfc());
    assert_eq!(line, 11);
    assert!(message.contains("data octets: expected 3600, it is 1200"), "{message}");
    // What overshoots is a failure.
    fails(&text("+0 > . 1:2001(2000) ack 1\n"), &rfc());
    // The first of two pieces is smaller than the second: they were never one.
    let text = format!(
        "{PASSIVE}+0 setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0
+0 write(4, ..., 100) = 100
+0 write(4, ..., 200) = 200
+0 write(4, ..., 200) = 200
+0 > P. 1:501(500) ack 1
"
    );
    let (_, message) = fails(&text, &rfc());
    assert!(message.contains("another length"), "{message}");
}

/// PACKETDRILL.md §3.1.
#[test]
fn a_child_comes_from_a_fresh_port_and_others_are_skipped() {
    let second = "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 5
+0 fcntl(5, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(5, ..., ...) = -1 EINPROGRESS
+0 > S 0:0(0) <...>
";
    // The data of the first connection is sent again all the time, and nobody has to expect it.
    let text = format!(
        "{PASSIVE}+0 write(4, ..., 700) = 700\n+0 > P. 1:701(700) ack 1\n{second}+1 > S 0:0(0) <...>\n"
    );
    passes(&text, &strict(rfc()));
}

#[test]
fn explicit_ports_override_only_what_they_name() {
    let text = PASSIVE.replace("< S ", "< 45678 > 8080 S ").replace("> S.", "> 8080 > 45678 S.");
    passes(&text, &rfc());
    let text = PASSIVE.replace("< S ", "< 45678 > 8080 S ").replace("> S.", "> 8080 > 45679 S.");
    fails(&text, &rfc());
}

/// Without a socket a packet is for a closed port; the answer belongs to the connection that it began.
#[test]
fn a_closed_port_resets() {
    passes("0 < S 0:0(0) win 1000\n+0 > R. 0:0(0) ack 1 win 0\n", &exact(strict(rfc())));
    passes("0 < . 1:1(0) ack 5 win 1000\n+0 > R 5:5(0) win 0\n", &exact(strict(rfc())));
    passes("0 < S 1000:1000(0) win 1000\n+0 > R. 0:0(0)! ack 1 win 0\n", &exact(strict(rfc())));
}

/// PACKETDRILL.md §3.3.
#[test]
fn timestamps_are_mapped_both_ways() {
    let text = |echo: &str, value: &str| {
        format!(
            "{PASSIVE}+0 write(4, ..., 700) = 700
+0 > P. 1:701(700) ack 1 <nop,nop,TS val {value} ecr 1005>
+.03 < . 1:1(0) ack 701 win 32000 <nop,nop,TS val 1010 ecr {echo}>
+0 %{{ assert tcpi_unacked == 0 }}%
"
        )
        .replace("<mss 1200>", "<mss 1200,sackOK,TS val 1000 ecr 0>")
        .replace("ack 1 <...>", "ack 1 <mss 1460,sackOK,TS val 100 ecr 1000>")
        .replace(". 1:1(0) ack 1 win 32000\n", ". 1:1(0) ack 1 win 32000 <nop,nop,TS val 1005 ecr 100>\n")
    };
    passes(&text("130", "130"), &linux());
    let (line, message) = fails(&text("131", "130"), &linux());
    assert_eq!(line, 11);
    assert!(message.contains("ecr 131 can't be mapped"), "{message}");
    passes(&format!("--tcp_ts_ecr_scaled\n{}", text("131", "130")), &linux());
    // Without a tick any value will do; with one, the time it stands for must be right.
    passes(&text("9000", "9000"), &linux());
    let (line, message) = fails(&format!("--tcp_ts_tick_usecs=1000\n{}", text("9000", "9000")), &linux());
    assert_eq!(line, 11);
    assert!(message.contains("TS val: expected 9000"), "{message}");
    passes(&format!("--tcp_ts_tick_usecs=1000\n{}", text("130", "130")), &linux());
    passes(&format!("--tcp_ts_tick_usecs=1000\n{}", text("134", "134")), &linux());
    fails(&format!("--tcp_ts_tick_usecs=1000\n{}", text("150", "150")), &linux());
    // TSecr is looked at only if everything is.
    let wrong = text("130", "130").replace("ecr 1005>", "ecr 1006>");
    passes(&wrong, &linux());
    let (_, message) = fails(&wrong, &strict(linux()));
    assert!(message.contains("TS ecr: expected 1006, it is 1005"), "{message}");
}

/// PACKETDRILL.md §9.2.
#[test]
fn what_nobody_expected_fails_only_strictly() {
    let text = format!(
        "{PASSIVE}+0 write(4, ..., 700) = 700\n+.1 getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 0\n"
    );
    passes(&text, &rfc());
    let (line, message) = fails(&text, &strict(rfc()));
    assert_eq!(line, 10);
    assert!(message.contains("nobody expected it: P. 1:701(700) ack 1"), "{message}");
}

/// PACKETDRILL.md §7.6.
#[test]
fn an_icmp_error_reaches_the_connection_that_it_quotes() {
    let text = |quote: &str, error: &str| {
        format!(
            "{ACTIVE}+.1 < icmp unreachable port_unreachable {quote}\n+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [{error}], [4]) = 0\n"
        )
    };
    passes(&text("[0:0(0)]", "ECONNREFUSED"), &freebsd());
    passes(&text("[4294967295:4294967295(0)]", "0"), &freebsd());
    passes(&text("", "ECONNREFUSED"), &freebsd());
    let six = format!("--ip_version=ipv6\n{}", text("[0:0(0)]", "ECONNREFUSED"));
    passes(&six, &freebsd());
    let unknown = text("[0:0(0)]", "0").replace("port_unreachable", "moon_unreachable");
    assert!(matches!(played(&unknown, &freebsd()).verdict, Verdict::Skip(_)));
}

#[test]
fn a_smaller_mtu_is_learnt_from_an_error() {
    let text = format!(
        "{PASSIVE}+0 write(4, ..., 1200) = 1200
+0 > P. 1:1201(1200) ack 1
+.01 < icmp unreachable frag_needed mtu 1000 [1:1201(1200)]
+0 > . 1:961(960) ack 1
+0 > P. 961:1201(240) ack 1
"
    );
    passes(&text, &linux());
}

#[test]
fn datagrams_both_ways() {
    let text = "0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = 3
+0 bind(3, ..., ...) = 0
+0 connect(3, ..., ...) = 0
+0 send(3, ..., 1000, 0) = 1000
+0 > udp (1000)
+.1 < udp (500)
+0 recv(3, ..., 2000, 0) = 500
";
    passes(text, &exact(strict(rfc())));
    fails(&text.replace("> udp (1000)", "> udp (999)"), &rfc());
}

#[test]
fn sequence_numbers_of_any_value_and_of_the_wire() {
    let text = format!("{PASSIVE}+0 write(4, ..., 700) = 700\n+0 > P. ...(700) ack 1\n");
    passes(&text, &rfc());
    fails(&text.replace("(700) ack", "(699) ack"), &rfc());
    fails(&text.replace("...(700)", "1:701(700)!"), &rfc());
}

#[test]
fn what_is_not_known_skips_the_script() {
    let skipped = [
        PASSIVE.replace("> S. 0:0(0) ack 1 <...>", "> S. 0:0(0) ack 1 <...> /udp(9899 > 9899)"),
        PASSIVE.replace("> S. 0:0(0) ack 1 <...>", "> S. 0:0(0) ack 1 <mss 1460,md5 valid>"),
        format!("--tcp_md5_secret=x\n{PASSIVE}"),
        format!("{PASSIVE}+0 `make coffee`\n"),
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n".to_owned(),
    ];
    for text in skipped {
        let report = played(&text, &rfc());
        assert!(matches!(report.verdict, Verdict::Skip(_)), "{:?}\n{text}", report.verdict);
    }
}

#[test]
fn both_families_and_mapped_sockets() {
    for version in ["ipv4", "ipv6", "ipv4-mapped-ipv6"] {
        passes(&format!("--ip_version={version}\n{PASSIVE}"), &strict(linux()));
        passes(&format!("--ip_version={version}\n{ACTIVE}"), &strict(linux()));
    }
}

#[test]
fn a_report_repeats_octet_for_octet() {
    let text = format!("{PASSIVE}+0 write(4, ..., 9000) = 9000\n+5 close(4) = 0\n");
    assert_eq!(played(&text, &linux()), played(&text, &linux()));
}

#[test]
fn a_packet_longer_than_ip_can_say_is_refused() {
    for version in ["ipv4", "ipv6"] {
        let (line, message) = fails(&format!("--ip_version={version}\n0 < udp (65535)\n"), &rfc());
        assert_eq!(line, 2);
        assert!(message.contains("IP has room for"), "{message}");
        let text = format!(
            "--ip_version={version}\n{ACTIVE}+0 < icmp unreachable port_unreachable [0:65535(65535)]\n"
        );
        passes(&text, &linux());
    }
}

#[test]
fn a_listener_has_the_port_that_it_was_bound_to() {
    let bind =
        "bind(3, {sa_family = AF_INET, sin_port = htons(7777), sin_addr = inet_addr(\"192.168.0.1\")}, ...)";
    passes(&PASSIVE.replace("bind(3, ..., ...)", bind), &strict(rfc()));
    passes(&format!("--bind_port=7777\n{PASSIVE}"), &strict(rfc()));
    let connect =
        "connect(3, {sa_family = AF_INET, sin_port = htons(7777), sin_addr = inet_addr(\"192.0.2.1\")}, ...)";
    passes(&ACTIVE.replace("connect(3, ..., ...)", connect), &strict(rfc()));
    passes(&format!("--connect_port=7777\n{ACTIVE}"), &strict(rfc()));
}

/// PACKETDRILL.md §3.2: the SYN of a connection tells the peer's ISN, one that comes later does not.
#[test]
fn a_syn_on_a_connection_moves_no_numbers() {
    let text = format!(
        "{PASSIVE}+.1 < S 1:1(0) win 32000
+0 > . 1:1(0) ack 1
+.1 < P. 1:11(10) ack 1 win 32000
+0 read(4, ..., 10) = 10
+0 %{{ assert tcpi_state == TCP_ESTABLISHED }}%
"
    );
    for settings in [rfc(), linux(), freebsd()] {
        passes(&text, &settings);
    }
}

/// PACKETDRILL.md §3.1: accept takes a connection before its handshake is through, if the stack gives it.
#[test]
fn fast_open_is_accepted_early() {
    let text = "`sysctl -q net.ipv4.tcp_fastopen=0x602`
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 setsockopt(3, SOL_TCP, TCP_FASTOPEN, [5], 4) = 0
+0 < S 0:500(500) win 32792 <mss 1000,sackOK,nop,nop>
+0 > S. 0:0(0) ack 501 <mss 1460,nop,nop,sackOK>
+0 accept(3, ..., ...) = 4
+0 %{ assert tcpi_state == TCP_SYN_RECV, tcpi_state }%
+0 read(4, ..., 500) = 500
";
    passes(text, &exact(strict(linux())));
}

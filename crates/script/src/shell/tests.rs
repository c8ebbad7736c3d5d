//! Commands: what they ask for, what they do, what is not known.

use std::sync::Arc;

use faultwire_base::{Duration, Instant, PlaceId, SeedTree};
use faultwire_host::{Fd, HostConfig, Interface, SocketKind};
use faultwire_tcp::State;
use proptest::prelude::*;

use super::*;
use crate::settings::Profile;
use crate::syntax::tree::Position;

fn machine(profile: Profile) -> Machine {
    let interface = Interface { address: "192.168.0.1".parse().unwrap(), mtu: 1500 };
    let config = HostConfig::new("host", PlaceId(0), interface, Arc::new(profile.config()));
    Machine::new(config, SeedTree::new(1))
}

fn run_on(machine: &mut Machine, text: &str) -> Result<(), Problem> {
    run(&Command { at: Position::default(), text: text.into() }, machine)
}

fn sysctl(name: &str, value: &str) -> Action {
    Action::Sysctl { name: name.into(), value: value.into() }
}

#[test]
fn settings_in_all_forms() {
    let timestamps = || sysctl("net.ipv4.tcp_timestamps", "0");
    for (text, actions) in [
        ("sysctl -q net.ipv4.tcp_timestamps=0", vec![timestamps()]),
        ("sysctl -w net/ipv4/tcp_timestamps=0 > /dev/null 2>&1", vec![timestamps()]),
        ("/sbin/sysctl -qw net.ipv4.tcp_timestamps=0 # off", vec![timestamps()]),
        ("../../common/set_sysctls.py /proc/sys/net/ipv4/tcp_timestamps=0", vec![timestamps()]),
        ("./set_sysctls.py net.ipv4.tcp_timestamps=0 &> /dev/null", vec![timestamps()]),
        ("python3 ./set_sysctls.py net.ipv4.tcp_timestamps=0", vec![timestamps()]),
        ("echo 0 > /proc/sys/net/ipv4/tcp_timestamps", vec![timestamps()]),
        ("echo -n 0 >/proc/sys/net/ipv4/tcp_timestamps", vec![timestamps()]),
        ("echo '0' | tee /proc/sys/net/ipv4/tcp_timestamps >/dev/null", vec![timestamps()]),
        ("sh -c 'sysctl -w net.ipv4.tcp_timestamps=0'", vec![timestamps()]),
        ("sysctl net.ipv4.tcp_timestamps", vec![]),
        (
            "sysctl -q net.ipv4.tcp_rmem=\"4096 87380 $((6*1024*1024))\" \\\n  net.core.somaxconn=0x10",
            vec![sysctl("net.ipv4.tcp_rmem", "4096 87380 6291456"), sysctl("net.core.somaxconn", "0x10")],
        ),
        (
            "../common/defaults.sh\n../common/set_sysctls.py /proc/sys/net/ipv4/tcp_timestamps=0;",
            vec![Action::Defaults, timestamps()],
        ),
        (
            "./defaults.sh && sysctl -w \"net.ipv4.tcp_timestamps=0\" || true",
            vec![Action::Defaults, timestamps()],
        ),
        ("sysctl -w kern.ipc.maxsockbuf=2097152", vec![sysctl("kern.ipc.maxsockbuf", "2097152")]),
    ] {
        assert_eq!(recognise(text), Ok(actions), "{text}");
    }
}

#[test]
fn commands_other_than_settings() {
    let setting = |name: &str, value: &str| Action::Setting { name: name.into(), value: value.into() };
    for (text, actions) in [
        ("/tmp/sysctl_restore_${PPID}.sh", vec![]),
        ("  \n# nothing\n ; true", vec![]),
        ("", vec![]),
        ("ip tcp_metrics flush all > /dev/null 2>&1", vec![Action::FlushMetrics]),
        ("nstat -n; nstat -az | grep TcpExtTCPFastOpenActive | awk '{print $2}'", vec![]),
        ("tc qdisc replace dev tun0 root pfifo limit 0", vec![Action::LoseEgress(true)]),
        ("tc qdisc replace dev tun0 root pfifo limit 1000", vec![Action::LoseEgress(false)]),
        ("tc qdisc replace dev tun0 root fq; tc qdisc del dev tun0 root", vec![Action::LoseEgress(false); 2]),
        ("ethtool -K tun0 tso off gso off 2>/dev/null", vec![]),
        (
            "ip route change 192.0.2.0/24 dev tun0 initcwnd 5 rto_min 1s",
            vec![setting("route.initcwnd", "5"), setting("route.rto_min", "1000")],
        ),
        ("echo 0 > /sys/module/tcp_cubic/parameters/hystart", vec![setting("tcp_cubic.hystart", "0")]),
        ("sleep 0.25", vec![Action::Sleep(Duration::from_millis(250))]),
        ("tcpdrop -s TIME_WAIT", vec![Action::DropTimeWait]),
        ("kldload -n cc_newreno && kldstat -q -m cc_cubic || kldload cc_cubic", vec![]),
    ] {
        assert_eq!(recognise(text), Ok(actions), "{text}");
    }
}

/// Every form of PACKETDRILL's state checks over `sockstat`.
#[test]
fn state_checks() {
    let count = |ipv6, port, open, state, wanted| SocketCount { ipv6, port, open, state, wanted };
    let (four, six) = (Some(false), Some(true));
    for (text, expected) in [
        (
            "sockstat -4 -P tcp -s | grep packetdril | grep -c TIME_WAIT | grep 1",
            count(four, None, true, Some(State::TimeWait), Wanted::Exactly(1)),
        ),
        (
            "sockstat -6 -P tcp -s | grep packetdril | grep -c CLOSED | grep 1",
            count(six, None, true, Some(State::Closed), Wanted::Exactly(1)),
        ),
        (
            "sockstat -4 -P tcp -p 8080 -s | grep -c SYN_RCVD | grep 0",
            count(four, Some(8080), false, Some(State::SynReceived), Wanted::Exactly(0)),
        ),
        (
            "sockstat -6 -P tcp -s -p 8080 | grep -c SYN_RCVD | grep -q ^1$ > /dev/null",
            count(six, Some(8080), false, Some(State::SynReceived), Wanted::Exactly(1)),
        ),
        (
            "sockstat -46s -Ptcp -p8080 | grep LISTEN | wc -l | grep -w 12",
            count(None, Some(8080), false, Some(State::Listen), Wanted::Exactly(12)),
        ),
        (
            "sockstat -4s -P tcp | grep -q FIN_WAIT_2",
            count(four, None, false, Some(State::FinWait2), Wanted::AtLeastOne),
        ),
    ] {
        assert_eq!(recognise(text), Ok(vec![Action::CountSockets(expected)]), "{text}");
    }
}

/// What is not known is named, and nothing of such a text acts.
#[test]
fn what_is_not_known() {
    for text in [
        "iptables -A OUTPUT -j DROP",
        "setkey -F",
        "kldload tcpmd5",
        "tcpdrop -a",
        "sockstat -4 -s | grep -c TIME_WAIT | grep 1",
        "sockstat -4 -P tcp -s | grep -c WAIT | grep 1",
        "sockstat -4 -P tcp -s | grep -c TIME_WAIT | grep 1 | grep 1",
        "sockstat -4 -P udp -s | grep -c TIME_WAIT | grep 1",
        "sockstat -4 -P tcp -s | grep -v TIME_WAIT | wc -l | grep 1",
        "sockstat -4 -P tcp -s | grep -c TIME_WAIT | grep 1 || true",
        "sockstat -4 -P tcp -s | grep TIME_WAIT | wc -l",
        "sysctl -a",
        "sysctl tcp_sack=1",
        "sysctl -p /etc/sysctl.conf",
        "echo 1 > /etc/passwd",
        "echo $X > /proc/sys/net/ipv4/tcp_sack",
        "ls > /tmp/x",
        "true &",
        "(true)",
        "x=$(date)",
        "echo 'open",
        "tc qdisc replace dev tun0 root netem loss 1%",
        "ip route change 192.0.2.0/24 dev tun0 quickack 1",
        "ip route show",
        "if true; then sysctl -w net.ipv4.tcp_sack=0; fi",
        "sysctl -w net.ipv4.tcp_sack=0 < /dev/null",
        "| true",
        "true |",
        "sleep -1",
        "> /dev/null",
    ] {
        assert!(recognise(text).is_err(), "{text}: {:?}", recognise(text));
    }
    let error = recognise("systcl -w net.ipv4.tcp_sack=0").unwrap_err();
    assert!(error.contains("the nearest is sysctl"), "{error}");
    let mut machine = machine(Profile::Linux);
    let unknown = run_on(&mut machine, "sysctl -w net.ipv4.tcp_sack=0; uptime");
    assert!(matches!(unknown, Err(Problem::Unknown(_))));
    assert!(machine.host.config().tcp.options.sack);
}

#[test]
fn settings_act_on_the_running_host() {
    let mut machine = machine(Profile::Linux);
    run_on(&mut machine, "./defaults.sh").unwrap();
    let config = machine.host.config();
    assert_eq!((config.tcp.buffers.receive, config.tcp.buffers.receive_max), (540_000, 15 << 20));
    assert_eq!((config.tcp.buffers.send, config.tcp.buffers.send_max), (262_144, 4 << 20));
    assert!(!config.tcp.congestion.slow_start_after_idle && config.tcp.opening.syn_retries == 5);
    assert_eq!(config.fast_open.modes, 0x70403);
    run_on(
        &mut machine,
        "sysctl -q net.ipv4.tcp_fastopen=0x1 net.core.rmem_max=5000 net.ipv4.tcp_recovery=01",
    )
    .unwrap();
    let config = machine.host.config();
    assert_eq!((config.fast_open.modes, config.tcp.buffers.asked.receive_most), (1, 5_000));
    run_on(&mut machine, "sysctl -w net.ipv4.tcp_no_metrics_save=1 net.ipv4.tcp_fack=0").unwrap();
}

/// The settings of the suites for both kernels: all are known and can have these values.
#[test]
fn settings_of_the_suites_are_known() {
    for (profile, text) in [
        (
            Profile::Linux,
            "net.ipv4.tcp_timestamps=1 net.ipv4.tcp_congestion_control=reno net.ipv4.tcp_fastopen=0x5 net.ipv4.tcp_early_retrans=3
             net.ipv4.tcp_min_tso_segs=4 net.ipv4.tcp_slow_start_after_idle=1 net.ipv4.tcp_fastopen_blackhole_timeout_sec=3600
             net.ipv4.tcp_fastopen_key=00000000-11111111-22222222-33333333 net.ipv4.tcp_ecn=2 net.ipv4.tcp_notsent_lowat=16384
             net.ipv4.tcp_tso_win_divisor=100 net.ipv4.tcp_syncookies=2 net.ipv4.tcp_recovery=0x0 net.ipv4.tcp_frto=0
             net.ipv4.tcp_reordering=5 net.ipv4.tcp_pacing_ss_ratio=200 net.ipv4.tcp_pacing_ca_ratio=120 net.ipv4.tcp_dsack=0
             net.ipv4.tcp_syn_linear_timeouts=4 net.ipv4.tcp_retries2=8 net.ipv4.tcp_retries1=3 net.ipv4.tcp_keepalive_time=60
             net.ipv4.tcp_window_scaling=0 net.ipv4.tcp_tw_reuse=1 net.ipv4.tcp_rto_min_us=5000 net.ipv4.tcp_fin_timeout=60
             net.ipv4.tcp_invalid_ratelimit=0 net.ipv4.tcp_max_reordering=300 net.ipv4.tcp_abort_on_overflow=1
             net.core.somaxconn=4096 net.core.rmem_max=4194304 net.core.wmem_max=4194304 net.core.rmem_default=212992
             net.core.wmem_default=212992 net.core.default_qdisc=fq net.ipv4.ip_default_ttl=64
             net.ipv4.tcp_max_syn_backlog=128 net.ipv4.tcp_limit_output_bytes=1048576 net.ipv4.tcp_autocorking=0",
        ),
        (
            Profile::Freebsd,
            "net.inet.tcp.sack.enable=1 net.inet.tcp.hostcache.purgenow=1 net.inet.tcp.recvspace=65536 net.inet.tcp.sendspace=32768
             net.inet.tcp.ecn.enable=2 net.inet.tcp.ecn.maxretries=1 net.inet.tcp.rfc1323=1 kern.ipc.maxsockbuf=2097152
             net.inet.tcp.blackhole=0 net.inet.tcp.insecure_rst=1 net.inet.tcp.insecure_syn=1 net.inet.tcp.drop_synfin=1
             net.inet.tcp.rexmit_initial=1000 net.inet.tcp.rexmit_slop=200 net.inet.tcp.rexmit_drop_options=1
             net.inet.tcp.keepinit=75000 net.inet.tcp.keepidle=7200000 net.inet.tcp.keepintvl=75000 net.inet.tcp.keepcnt=8
             net.inet.tcp.delacktime=40 net.inet.tcp.icmp_may_rst=1 net.inet.tcp.syncookies=1 net.inet.tcp.syncookies_only=0
             net.inet.tcp.tolerate_missing_ts=0 net.inet.tcp.fastopen.client_enable=1 net.inet.tcp.fastopen.server_enable=1
             net.inet.tcp.path_mtu_discovery=1 net.inet.tcp.pmtud_blackhole_detection=0 net.inet.tcp.pmtud_blackhole_mss=1200
             net.inet.tcp.v6pmtud_blackhole_mss=1220 net.inet.tcp.mssdflt=536 net.inet.tcp.v6mssdflt=1220
             net.inet.tcp.always_keepalive=1 net.inet.tcp.cc.algorithm=newreno net.inet.tcp.functions_default=freebsd
             kern.ipc.maxsockbuf=4294967295 kern.timecounter.alloweddeviation=0",
        ),
    ] {
        let mut machine = machine(profile);
        let refused: Vec<_> = text
            .split_whitespace()
            .filter_map(|setting| run_on(&mut machine, &format!("sysctl -w {setting}")).err())
            .collect();
        assert!(refused.is_empty(), "{refused:#?}");
    }
}

#[test]
fn refused_settings_say_why() {
    let mut machine = machine(Profile::Linux);
    for (text, part) in [
        ("sysctl -w net.ipv4.tcp_mtu_probing=1", "the path MTU is not probed for"),
        ("sysctl -w net.ipv4.tcp_timestamp=1", "the nearest is tcp_timestamps"),
        ("sysctl -w net.ipv4.tcp_stdurk=1", "the nearest is net.ipv4.tcp_stdurg"),
        ("sysctl -w net.ipv4.tcp_syn_retries=0", "a number from 1 to 127 is needed"),
        ("sysctl -w net.core.tcp_sack=1", "there is no sysctl net.core.tcp_sack"),
        ("sysctl -w net.ipv4.tcp_congestion_control=vegas", "\"reno\" or \"cubic\""),
    ] {
        match run_on(&mut machine, text) {
            Err(Problem::Unknown(found)) => assert!(found.contains(part), "{found}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn sockets_are_counted() {
    let mut machine = machine(Profile::Freebsd);
    let fd = machine.host.socket(SocketKind::Tcp, false);
    let check = |machine: &mut Machine, text: &str| run_on(machine, &format!("sockstat -4 -P tcp -s {text}"));
    check(&mut machine, "| grep packetdril | grep -c CLOSED | grep 1").unwrap();
    machine.host.bind(fd, "192.168.0.1:8080".parse().unwrap()).unwrap();
    machine.host.listen(fd, 1).unwrap();
    check(&mut machine, "-p 8080 | grep -c LISTEN | grep 1").unwrap();
    check(&mut machine, "-p 8081 | grep -c LISTEN | grep 0").unwrap();
    check(&mut machine, "| grep tcp6 | grep -c LISTEN | grep 0").unwrap();
    let wrong = check(&mut machine, "| grep -c SYN_RCVD | grep 1");
    let text = "expected 1 such sockets, there are 0; all TCP sockets: LISTEN 192.168.0.1:8080 > *";
    assert_eq!(wrong, Err(Problem::Differs(text.into())));
    assert!(check(&mut machine, "| grep -q ESTABLISHED").is_err());
}

/// A queue without room loses all that the host sends, until it has room again; a SYN is sent again after a second.
#[test]
fn lost_egress() {
    let mut machine = machine(Profile::Linux);
    run_on(&mut machine, "tc qdisc replace dev tun0 root pfifo limit 0").unwrap();
    let fd: Fd = machine.host.socket(SocketKind::Tcp, false);
    machine.host.connect(Instant::ZERO, fd, "192.0.2.1:8080".parse().unwrap()).unwrap_err();
    run_on(&mut machine, "sleep .5").unwrap();
    assert!(machine.sent.is_empty() && machine.now() == Instant::ZERO + Duration::from_millis(500));
    run_on(&mut machine, "tc qdisc replace dev tun0 root pfifo_fast; sleep 1").unwrap();
    assert_eq!(machine.sent.len(), 1);
}

proptest! {
    /// Any text is recognised or refused; none panics.
    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        let _ = recognise(&text);
    }

    /// Nor does any sequence of words of the shell.
    #[test]
    fn no_words_panic(words in proptest::collection::vec(proptest::sample::select(&[
        "sysctl", "-w", "net.ipv4.tcp_sack=", "a=b", "=", "|", "||", "&&", ";", "\n", ">", "2>", "&>", "/dev/null", "2>&1",
        "'", "\"", "$((", "))", "1*2", "$", "\\", "é", "#", "sockstat", "-P", "tcp", "-s", "-p", "grep", "-c", "wc", "-l",
        "TIME_WAIT", "1", "tc", "qdisc", "add", "dev", "root", "sleep", "1.", ".", "sh", "-c", "echo", "-n", "ip", "route",
        "change", "default", "rto_min", "ms", "s", "tee",
    ][..]), 0..16), spaced in proptest::bool::ANY) {
        let _ = recognise(&words.join(if spaced { " " } else { "" }));
    }
}

use super::*;
use crate::config::Interface;
use faultwire_base::PlaceId;
use faultwire_tcp::CongestionAlgorithm;

fn host() -> HostConfig {
    let interface = Interface { address: "10.0.0.1".parse().unwrap(), mtu: 1500 };
    HostConfig::new("client", PlaceId(0), interface, Arc::new(Config::linux()))
}

fn set(name: &str, value: SysctlValue) -> Result<HostConfig, SysctlError> {
    let mut config = host();
    let apply =
        if elsewhere::TABLE.iter().any(|known| known.name == name) { apply_setting } else { apply_sysctl };
    apply(&mut config, name, &value).map(|()| config)
}

/// Every sysctl changes something: there is no flag that does nothing.
#[test]
fn each_name_acts() {
    for sysctl in TABLE.iter().chain(freebsd::TABLE).chain(elsewhere::TABLE) {
        let value = match sysctl.kind {
            Kind::Number { low, high, .. } | Kind::Tcp { low, high, .. } => {
                let before = format!("{:?}", host());
                let acts = [low, high.min(low + 1), high].iter().any(|&value| {
                    format!("{:?}", set(sysctl.name, SysctlValue::Integer(value)).unwrap()) != before
                });
                assert!(acts, "{}", sysctl.name);
                continue;
            }
            Kind::Sizes { .. } => SysctlValue::List(vec![4096, 20_000, 30_000]),
            Kind::Ports => SysctlValue::List(vec![2_000, 3_000]),
            Kind::Algorithm => SysctlValue::Text("reno".into()),
            Kind::FastOpenKeys => SysctlValue::Text("1-2-3-4,5-6-7-8".into()),
        };
        let after = set(sysctl.name, value).unwrap();
        assert_ne!(format!("{after:?}"), format!("{:?}", host()), "{}", sysctl.name);
    }
}

#[test]
fn values_land_where_they_belong() {
    let integer = |name, value| set(name, SysctlValue::Integer(value)).unwrap();
    assert_eq!(integer("tcp_fin_timeout", 30).tcp.closing.fin_wait_2, Some(Duration::from_secs(30)));
    assert_eq!(integer("net.ipv4.tcp_retries2", 8).tcp.give_up.r2, GiveUp::Retransmissions(8));
    assert_eq!(integer("tcp_invalid_ratelimit", 0).tcp.acknowledgment.challenge_limit, ChallengeLimit::None);
    assert_eq!(integer("net.core.somaxconn", 7).listen.backlog_max, 7);
    let sizes = set("tcp_rmem", SysctlValue::List(vec![4_096, 65_536, 100_000])).unwrap();
    assert_eq!((sizes.tcp.buffers.receive, sizes.tcp.buffers.receive_max), (65_536, 100_000));
    let reno = set("tcp_congestion_control", SysctlValue::Text("reno".into())).unwrap();
    assert_eq!(reno.tcp.congestion.algorithm, CongestionAlgorithm::NewReno);
    assert_eq!(set("ip_local_port_range", SysctlValue::List(vec![5, 9])).unwrap().ephemeral_ports, 5..=9);
}

#[test]
fn mistakes_are_named() {
    let unknown = set("tcp_rfc1373", SysctlValue::Integer(1)).unwrap_err();
    assert_eq!(unknown, SysctlError::UnknownName { name: "tcp_rfc1373".into(), nearest: "tcp_rfc1337" });
    for (name, value) in [
        ("tcp_rfc1337", SysctlValue::Integer(2)),
        ("tcp_rfc1337", SysctlValue::Text("on".into())),
        ("tcp_rmem", SysctlValue::List(vec![3, 2, 1])),
        ("tcp_rmem", SysctlValue::Integer(3)),
        ("ip_local_port_range", SysctlValue::List(vec![0, 70_000])),
        ("tcp_congestion_control", SysctlValue::Text("vegas".into())),
    ] {
        let error = set(name, value).unwrap_err();
        assert!(matches!(error, SysctlError::BadValue { .. }), "{error}");
    }
    assert_eq!(
        set("tcp_syn_retries", SysctlValue::Integer(0)).unwrap_err().to_string(),
        "tcp_syn_retries can't be 0: a number from 1 to 127 is needed"
    );
}

#[test]
fn the_table_is_in_alphabetical_order() {
    assert!(TABLE.iter().map(|sysctl| sysctl.name).is_sorted());
    assert!(elsewhere::TABLE.iter().map(|sysctl| sysctl.name).is_sorted());
}

/// The FreeBSD names, on the FreeBSD profile.
#[test]
fn freebsd_values_land_where_they_belong() {
    let mut config = host();
    config.tcp = Arc::new(Config::freebsd());
    let mut set = |name: &str, value| {
        apply_sysctl(&mut config, name, &SysctlValue::Integer(value)).unwrap();
        Config::clone(&config.tcp)
    };
    let tcp = set("net.inet.tcp.rfc1323", 0);
    assert!(!tcp.options.timestamps && !tcp.options.window_scaling);
    assert_eq!(set("net.inet.tcp.keepinit", 15_000).opening.limit, Some(Duration::from_secs(15)));
    assert_eq!(set("net.inet.tcp.msl", 1_000).time_wait.length, Duration::from_secs(2));
    assert!(set("net.inet.tcp.tolerate_missing_ts", 0).options.require_timestamps);
    assert_eq!(set("net.inet.tcp.rexmit_slop", 0).retransmission.slop, Duration::ZERO);
    let names: Vec<_> = freebsd::TABLE.iter().map(|sysctl| sysctl.name).collect();
    assert!(names.is_sorted());
}

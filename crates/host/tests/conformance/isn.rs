//! RFC 9293 §3.4.1: initial sequence numbers.

use std::collections::BTreeSet;
use std::sync::Arc;

use faultwire_base::{Instant, PlaceId, SeedTree};
use faultwire_host::{Host, HostConfig, Interface, SocketKind};
use faultwire_wire::Body;

use crate::{ms, profiles};

/// The ISN of a connection from `port` to port 80 of a peer, opened at `now`.
fn isn(config: &faultwire_tcp::Config, seed: u64, port: u16, now: Instant) -> u32 {
    let interface = Interface { address: [192, 168, 0, 1].into(), mtu: 1500 };
    let config = HostConfig::new("host", PlaceId(1), interface, Arc::new(config.clone()));
    let mut host = Host::new(config, SeedTree::new(seed));
    let fd = host.socket(SocketKind::Tcp, false);
    host.bind(fd, ([192, 168, 0, 1], port).into()).unwrap();
    let _ = host.connect(now, fd, ([192, 0, 2, 1], 80).into());
    match host.transmit(now).expect("a SYN").body {
        Body::Tcp(segment) => segment.seq.0,
        other => panic!("not a SYN: {other:?}"),
    }
}

/// RFC 9293 §3.4.1 (MUST-8): one pair of sockets, opened again: the numbers are apart by the time between in units of 4
/// us, and start over after 2^32 of them.
#[test]
fn the_clock_ticks_every_four_microseconds() {
    for config in profiles() {
        let first = isn(&config, 1, 40_000, Instant::ZERO);
        for (millis, ticks) in [(1, 250), (1000, 250_000), (17_179_869, 4_294_967_250)] {
            let later = isn(&config, 1, 40_000, Instant::ZERO + ms(millis));
            assert_eq!(later.wrapping_sub(first), ticks, "{millis} ms later");
        }
    }
}

/// RFC 9293 §3.4.1 (SHLD-1, MUST-9): from what one connection shows nothing follows for another one or for another
/// host: the differences between connections are other ones under each secret.
#[test]
fn numbers_of_other_connections_cannot_be_computed() {
    for config in profiles() {
        let mut offsets = BTreeSet::new();
        let mut differences = BTreeSet::new();
        for seed in 0..100 {
            let [one, two, three] =
                [40_000, 40_001, 40_002].map(|port| isn(&config, seed, port, Instant::ZERO));
            offsets.extend([one, two, three]);
            differences.extend([two.wrapping_sub(one), three.wrapping_sub(two)]);
        }
        assert_eq!((offsets.len(), differences.len()), (300, 200));
    }
}

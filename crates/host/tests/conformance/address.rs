//! RFC 9293 §3.9.2.3: addresses of arriving segments.

use std::net::IpAddr;

use faultwire_host::{DropReason, HostEvent};

use crate::drill::Drill;
use crate::profiles;

/// A SYN for the listener with other addresses: it must get no answer. Says why it was dropped.
fn dropped(t: &mut Drill, source: Option<&str>, destination: Option<&str>) -> DropReason {
    let mut packet = t.written("S 0:0(0) win 32792 <mss 1000>");
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    packet.ip.source = source.map_or(packet.ip.source, address);
    packet.ip.destination = destination.map_or(packet.ip.destination, address);
    t.told.clear();
    t.inject_packet(packet);
    t.expect_nothing_for_ms(5000);
    match t.told[..] {
        [HostEvent::Dropped { reason, .. }] => reason,
        ref other => panic!("{source:?} to {destination:?}: {other:?}"),
    }
}

/// RFC 9293 §3.9.2.3 (MUST-57): a SYN to a broadcast or multicast address is dropped without a word, whether somebody
/// listens or not.
#[test]
fn a_syn_to_everybody() {
    for config in profiles() {
        let mut t = Drill::new(config.clone());
        t.listen();
        for to in ["255.255.255.255", "224.0.0.1", "239.1.2.3"] {
            assert_eq!(dropped(&mut t, None, Some(to)), DropReason::ForeignDestination);
        }
        let mut t = Drill::ipv6(config);
        t.listen();
        for to in ["ff02::1", "ff0e::1"] {
            assert_eq!(dropped(&mut t, None, Some(to)), DropReason::ForeignDestination);
        }
    }
}

/// RFC 9293 §3.9.2.3 (MUST-63): a SYN from an address that can't be one host's, or that never leaves a host, is ignored.
#[test]
fn a_syn_from_nobody() {
    for config in profiles() {
        let mut t = Drill::new(config.clone());
        t.listen();
        for from in ["0.0.0.0", "0.1.2.3", "127.0.0.1", "127.8.8.8", "224.0.0.1", "255.255.255.255"] {
            assert_eq!(dropped(&mut t, Some(from), None), DropReason::BadSource, "{from}");
        }
        let mut t = Drill::ipv6(config);
        t.listen();
        for from in ["::", "::1", "ff02::1"] {
            assert_eq!(dropped(&mut t, Some(from), None), DropReason::BadSource, "{from}");
        }
    }
}

//! RFC 9293 §3.1, §3.2, §3.7.1: TCP options.

use faultwire_host::{HostConfig, Interface, Route};
use faultwire_tcp::{Config, State};
use faultwire_wire::{Body, Segment, TcpOption};

use crate::drill::Drill;
use crate::{open, profiles};

/// The MSS in a segment.
fn announced(segment: &Segment) -> Option<u16> {
    segment.options.iter().find_map(|option| match option {
        TcpOption::MaximumSegmentSize(octets) => Some(octets),
        _ => None,
    })
}

fn with_mtu(mtu: u32) -> impl FnOnce(&mut HostConfig) {
    move |host| host.interfaces = vec![Interface { mtu, ..host.interfaces[0] }]
}

/// MSS of the SYN and of the SYN-ACK of a host.
fn of_both_syns(config: &Config, ipv6: bool, mtu: u32) -> [Option<u16>; 2] {
    let make = |change| match ipv6 {
        true => Drill::ipv6_with(config.clone(), change),
        false => Drill::with(config.clone(), change),
    };
    let mut t = make(with_mtu(mtu));
    let fd = t.connect();
    let syn = t.expect("S 0:0(0) <...>");
    t.close(fd);
    let mut t = make(with_mtu(mtu));
    t.listen();
    t.inject("S 0:0(0) win 32792 <mss 1460>");
    let syn_ack = t.expect("S. 0:0(0) ack 1 <...>");
    [&syn, &syn_ack].map(announced)
}

/// RFC 9293 §3.7.1 (MUST-14, SHLD-5, MAY-3): SYN and SYN-ACK say the MSS, MTU less 40 or 60 octets, and always, also
/// where it is what the peer would assume.
#[test]
fn both_syns_say_the_mss() {
    for config in profiles() {
        for (mtu, four, six) in [(1500, 1460, 1440), (9000, 8960, 8940), (576, 536, 516), (1280, 1240, 1220)]
        {
            assert_eq!(of_both_syns(&config, false, mtu), [Some(four); 2], "IPv4, MTU {mtu}");
            assert_eq!(of_both_syns(&config, true, mtu), [Some(six); 2], "IPv6, MTU {mtu}");
        }
    }
}

/// RFC 9293 §3.7.1 (MUST-67): what is announced leaves room for the headers in the largest packet that IP can say.
#[test]
fn the_mss_leaves_room_for_the_headers() {
    for config in profiles() {
        for mtu in [68, 576, 1500, 65_535, 65_536, 100_000] {
            let [four, six] = [false, true].map(|ipv6| of_both_syns(&config, ipv6, mtu));
            assert!(
                four.iter().all(|mss| u32::from(mss.unwrap()) + 40 <= mtu.min(65_535)),
                "MTU {mtu}: {four:?}"
            );
            let mtu = mtu.max(1280);
            assert!(six.iter().all(|mss| u32::from(mss.unwrap()) + 20 <= 65_535), "MTU {mtu}: {six:?}");
        }
    }
}

/// RFC 9293 §3.7.3 (SHLD-6): what counts is the MTU of the way that the connection takes.
#[test]
fn the_mss_fits_the_route() {
    for config in profiles() {
        let change = |host: &mut HostConfig| {
            let [first] = host.interfaces[..] else { panic!("one interface") };
            let destination = [192, 0, 2, 1].into();
            host.routes = vec![Route { destination, source: first.address, mtu: 1400 }];
        };
        let mut t = Drill::with(config, change);
        let fd = t.connect();
        assert_eq!(announced(&t.expect("S 0:0(0) <...>")), Some(1360));
        t.close(fd);
    }
}

/// RFC 9293 §3.7.1 (MUST-14): no segment is larger than the peer's MSS.
#[test]
fn the_peers_mss_bounds_segments() {
    for config in profiles() {
        let mut t = Drill::new(config);
        let fd = t.passive("mss 700");
        t.write(fd, 1400).unwrap();
        assert_eq!(sizes(&mut t), [700, 700]);
        t.inject("+0.1 . 1:1(0) ack 1401");
    }
}

/// RFC 9293 §3.7.1 (MUST-15): a peer that says no MSS gets segments of 536 octets at most, 1220 over IPv6.
#[test]
fn without_an_mss_segments_are_small() {
    for config in profiles() {
        for (mut t, size) in [(Drill::new(config.clone()), 536), (Drill::ipv6(config.clone()), 1220)] {
            let fd = t.passive("");
            t.write(fd, 2 * size).unwrap();
            assert_eq!(sizes(&mut t), [size, size]);
            t.inject(&format!("+0.1 . 1:1(0) ack {}", 2 * size + 1));
        }
    }
}

/// RFC 9293 §3.7.1 (MUST-16): Eff.snd.MSS is the least of what the peer and the way take, less the options.
#[test]
fn options_and_the_way_count() {
    for config in profiles() {
        for (mtu, size) in [(1500, 1448), (1400, 1348)] {
            let mut t = Drill::with(config.clone(), with_mtu(mtu));
            let fd = t.passive("mss 1460,nop,nop,TS val 1 ecr 0");
            t.write(fd, 2 * size).unwrap();
            assert_eq!(sizes(&mut t), [size, size]);
            t.inject(&format!("+0.1 . 1:1(0) ack {} <nop,nop,TS val 300 ecr 200>", 2 * size + 1));
        }
    }
}

fn sizes(t: &mut Drill) -> Vec<u32> {
    let mut sizes = Vec::new();
    while let Some(packet) = t.try_expect_any() {
        let Body::Tcp(segment) = packet.body else { panic!("not a segment") };
        sizes.push(segment.payload.len());
    }
    sizes
}

/// RFC 9293 §3.1 (MUST-5): options that make no sense where they stand change nothing: unknown ones, an MSS, a window
/// scale, SACK-permitted on data, ACK, FIN and RST.
#[test]
fn options_may_be_on_any_segment() {
    let strange = "kind 200 0102,mss 100,nop,wscale 3,sackOK,kind 253";
    for config in profiles() {
        let (mut t, fd) = open(config);
        t.inject(&format!("P. 1:11(10) ack 1 win 2000 <{strange}>"));
        assert_eq!(t.read(fd, 100), Ok(10));
        t.pass_ms(1000);
        t.forget_sent();
        t.inject(&format!(". 11:11(0) ack 1 win 2000 <{strange}>"));
        t.write(fd, 3000).unwrap();
        t.expect(". 1:1001(1000) ack 11");
        t.expect_any();
        t.expect_nothing();
        t.inject(&format!("+0.1 . 11:11(0) ack 2001 win 2000 <{strange}>"));
        t.expect("P. 2001:3001(1000) ack 11");
        t.inject(&format!("+0.1 F. 11:11(0) ack 3001 win 2000 <{strange}>"));
        t.forget_sent();
        assert_eq!((t.state(), t.read(fd, 100)), (State::CloseWait, Ok(0)));
        t.pass_ms(1000);
        t.forget_sent();
        t.inject(&format!("R 12:12(0) win 0 <{strange}>"));
        assert_eq!(t.state(), State::Closed);
    }
}

/// RFC 9293 §3.2 (MUST-65): no segment but a SYN has an MSS.
#[test]
fn only_syns_say_an_mss() {
    for config in profiles() {
        let mut t = Drill::new(config);
        let fd = t.active("mss 1000");
        t.write(fd, 3000).unwrap();
        t.inject("+0.1 P. 1:1001(1000) ack 3001");
        t.inject("P. 1:1001(1000) ack 3001");
        t.close(fd);
        t.pass_ms(3000);
        let mut segments = 0;
        while let Some(packet) = t.try_expect_any() {
            let Body::Tcp(segment) = packet.body else { panic!("not a segment") };
            assert_eq!(announced(&segment), None);
            segments += 1;
        }
        assert!(segments >= 5, "{segments}");
    }
}

//! ICMP errors, path MTU, urgent data, sizes.

use faultwire_tcp::{Config, Connection, ConnectionError, Embryo, Event, SoftError, State};
use faultwire_wire::{Cause, IcmpKind, Seq};

use crate::pair::*;

fn icmp(pair: &mut Pair, kind: IcmpKind, quoted: u32) -> bool {
    pair.call(A, |a, now| a.on_icmp(now, kind, Seq(quoted), Cause::Unknown))
}

/// S66, MUST-54, MUST-56: soft errors are told and change nothing; forged ones are not believed.
#[test]
fn soft_errors() {
    for config in [rfc(), linux()] {
        for code in [0, 1, 5] {
            let mut pair = Pair::open(config.clone());
            pair.write(A, 0, 100);
            assert!(!icmp(&mut pair, IcmpKind::DestinationUnreachable { code }, 5000));
            assert!(!icmp(&mut pair, IcmpKind::DestinationUnreachable { code }, 100));
            assert!(icmp(&mut pair, IcmpKind::DestinationUnreachable { code }, 101));
            assert_eq!(pair.state(A), State::Established);
            assert!(pair.end(A).soft_error().is_some());
            assert!(pair.events[A].iter().any(|(_, event)| matches!(event, Event::SoftError(_))));
        }
        let mut pair = Pair::open(config.clone());
        pair.write(A, 0, 100);
        assert!(icmp(&mut pair, IcmpKind::TimeExceeded { code: 0 }, 101));
        assert_eq!(
            pair.events[A].last().unwrap().1,
            Event::SoftError(SoftError::Unreachable(ConnectionError::HostUnreachable))
        );
        assert!(!icmp(&mut pair, IcmpKind::SourceQuench, 101), "MUST-55");
    }
}

/// SHLD-26: hard errors refuse a connection attempt; by the letter they end an open one too, on Linux not.
#[test]
fn hard_errors() {
    for (config, ends) in [(rfc(), true), (linux(), false)] {
        let mut pair = Pair::new(config.clone());
        pair.connect(A);
        assert!(icmp(&mut pair, IcmpKind::DestinationUnreachable { code: 3 }, 100));
        assert_eq!(pair.end(A).error(), Some(ConnectionError::Refused));
        let mut pair = Pair::open(config);
        pair.write(A, 0, 100);
        assert!(icmp(&mut pair, IcmpKind::DestinationUnreachable { code: 3 }, 101));
        assert_eq!(pair.state(A) == State::Closed, ends);
    }
}

/// S58, RFC 1191: the path takes 1400 octets; what was too big goes again at once in smaller segments.
#[test]
fn packet_too_big() {
    for config in [rfc(), linux()] {
        let mut config = config;
        config.options.timestamps = false;
        let mut pair = Pair::open(config);
        pair.script(|sent| if sent.segment.payload.len() > 1360 { DROP } else { PASS });
        pair.write(A, 0, 10_000);
        let before = pair.sent.len();
        assert!(icmp(&mut pair, IcmpKind::PacketTooBig { mtu: 1400 }, 101));
        let first = &pair.sent[before];
        assert_eq!((first.at, first.stream_offset, first.segment.payload.len()), (pair.now, 0, 1360));
        assert!(
            !icmp(&mut pair, IcmpKind::PacketTooBig { mtu: 1400 }, 101)
                || pair.end(A).info().path_mtu == 1400
        );
        pair.run_for(ms(5000));
        assert_eq!(pair.octets_read(B), data(0, 10_000).to_vec());
        assert_eq!(pair.end(A).info().send_segment_size, 1360);
    }
}

/// MUST-30 to MUST-33: the mark names the first octet after the urgent data, is told once for each advance, and stays
/// in line.
#[test]
fn urgent_data() {
    let mut pair = Pair::open(rfc());
    pair.auto_read[B] = false;
    pair.call(A, |a, now| a.write_urgent(now, &data(0, 3)));
    pair.run_for(ms(50));
    let segment = &pair.sent.iter().find(|sent| sent.segment.payload.len() == 3).unwrap().segment;
    assert_eq!((segment.urgent, segment.seq.0), (3, 101));
    let told = |pair: &Pair| {
        pair.events[B]
            .iter()
            .filter_map(
                |(_, event)| if let Event::Urgent { remaining } = event { Some(*remaining) } else { None },
            )
            .collect::<Vec<_>>()
    };
    assert_eq!(told(&pair), [3]);
    pair.call(B, |b, now| b.read(now, 1));
    assert_eq!(pair.end(B).urgent_remaining(), 2);
    pair.run_for(ms(500));
    pair.auto_read[B] = true;
    // 1 MiB, longer than a pointer can say: the mark advances.
    let mut written = 3;
    while written < 1 << 20 {
        written += pair.call(A, |a, now| a.write_urgent(now, &data(written, (1 << 20) - written as u32)));
        pair.run_for(ms(100));
    }
    pair.run_for(ms(20_000));
    assert!(told(&pair).len() > 10);
    assert_eq!(pair.octets_read(B).len(), (1 << 20) - 1);
}

/// MUST-48, SHLD-21: DSCP can change at any time.
#[test]
fn traffic_class() {
    let mut pair = Pair::open(rfc());
    let now = pair.now;
    let a = pair.end(A);
    a.set_traffic_class(0xb8);
    a.write(now, &data(0, 10));
    assert_eq!(a.transmit(now).unwrap().traffic_class, 0xb8);
}

/// What a connection owns: at most 1,304 octets, and an idle one no heap at all.
#[test]
fn sizes() {
    println!("Connection {} Embryo {}", size_of::<Connection>(), size_of::<Embryo>());
    assert!(size_of::<Connection>() <= 1344, "{}", size_of::<Connection>());
    assert!(size_of::<Embryo>() <= 160, "{}", size_of::<Embryo>());
    for config in [rfc(), linux()] {
        let mut pair = Pair::open(config);
        for side in [A, B] {
            pair.write(side, 0, 5000);
        }
        pair.run_for(ms(1000));
        for side in [A, B] {
            assert_eq!(pair.octets_read(side).len(), 5000);
            // What Linux keeps in mind of the receive buffer.
            assert!(pair.end(side).heap_octets() <= 144, "{}", pair.end(side).heap_octets());
        }
    }
}

/// A profile is data: nothing but the table differs.
#[test]
fn profiles_differ() {
    assert_ne!(Config::rfc(), Config::linux());
}

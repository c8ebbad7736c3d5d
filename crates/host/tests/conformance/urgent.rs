//! RFC 9293 §3.8.5: urgent data.

use faultwire_host::{Fd, HostEvent};
use faultwire_wire::Payload;

use crate::drill::Drill;
use crate::{open, profiles};

fn write_urgent(t: &mut Drill, fd: Fd, octets: u32) {
    let written = t.host.send_urgent(t.now, fd, Payload::Zeros { len: octets });
    assert_eq!(written, Ok(u64::from(octets)));
    t.drain();
}

fn told(t: &Drill) -> Vec<u64> {
    let urgent = |event: &HostEvent| match event {
        HostEvent::Urgent { remaining, .. } => Some(*remaining),
        _ => None,
    };
    t.told.iter().filter_map(urgent).collect()
}

/// RFC 9293 §3.8.5 (MUST-30, MUST-62): urgent data goes out with URG, and the pointer names the octet after it.
#[test]
fn the_pointer_names_the_octet_after() {
    for config in profiles() {
        let (mut t, fd) = open(config);
        write_urgent(&mut t, fd, 3);
        t.expect("PU. 1:4(3) ack 1 urg 3");
        t.inject("+0.1 . 1:1(0) ack 4");
        t.write(fd, 10).unwrap();
        t.expect("P. 4:14(10) ack 1");
        t.inject("+0.1 . 1:1(0) ack 14");
    }
}

/// RFC 9293 §3.8.5 (MUST-31): urgent data that is longer than a pointer can say shows its end in later segments.
#[test]
fn urgent_data_of_any_length() {
    for (config, length) in profiles().into_iter().flat_map(|it| [(it.clone(), 1), (it, 70_000)]) {
        let mut config = config;
        config.buffers.send = 1 << 20;
        config.buffers.send_max = 1 << 20;
        let (mut t, fd) = open(config);
        write_urgent(&mut t, fd, length);
        let mut ack = 1;
        while ack <= length {
            while let Some((at, marked)) = next_urgent(&mut t) {
                assert_eq!(marked, at.saturating_add(65_535).min(length + 1), "at {at} of {length}");
                ack = ack.max((at + 1000).min(length + 1));
            }
            t.inject(&format!("+0.1 . 1:1(0) ack {ack}"));
        }
    }
}

/// The next segment that was sent, which has URG: its script number and the mark that it names.
fn next_urgent(t: &mut Drill) -> Option<(u32, u32)> {
    let packet = t.try_expect_any()?;
    let faultwire_wire::Body::Tcp(segment) = packet.body else { panic!("not a segment") };
    assert!(segment.flags.contains(faultwire_wire::Flags::URG));
    let at = t.mapping.script(segment.seq);
    Some((at, at + u32::from(segment.urgent)))
}

/// RFC 9293 §3.8.5 (MUST-32): the user is told of urgent data before it has arrived, again when the mark advances, and
/// not when it is only repeated.
#[test]
fn the_user_is_told_of_each_advance() {
    for config in profiles() {
        let (mut t, _) = open(config);
        // The data of the first segment is lost; the mark is known all the same.
        t.inject("U. 101:201(100) ack 1 urg 50");
        assert_eq!(told(&t), [150]);
        t.inject("U. 201:301(100) ack 1 urg 100");
        assert_eq!(told(&t), [150, 300]);
        t.inject("U. 201:301(100) ack 1 urg 100");
        t.inject("U. 1:101(100) ack 1 urg 150");
        assert_eq!(told(&t), [150, 300]);
        t.forget_sent();
    }
}

/// RFC 9293 §3.8.5 (MUST-33): what is left up to the mark can be asked for at every read; the data stays in its place.
#[test]
fn the_user_can_ask_how_much_is_left() {
    for config in profiles() {
        let (mut t, fd) = open(config);
        assert_eq!(t.host.urgent_remaining(fd), Ok(0));
        t.inject("UP. 1:101(100) ack 1 urg 40");
        for left in [40, 30, 20, 10, 0, 0] {
            assert_eq!(t.host.urgent_remaining(fd), Ok(left));
            assert_eq!(t.read(fd, 10), Ok(10));
        }
        t.pass_ms(500);
        t.forget_sent();
    }
}

//! RFC 9293 §3.1: checksums.

use faultwire_host::{DropReason, HostEvent};
use faultwire_tcp::State;
use faultwire_wire::{Body, decode};

use crate::{open, profiles};

/// RFC 9293 §3.1 (MUST-3): a segment with a wrong checksum changes nothing and gets no answer; here every bit of its
/// header and data flipped by itself.
#[test]
fn a_damaged_segment_is_dropped() {
    for config in profiles() {
        let (mut t, fd) = open(config);
        let good = t.written("P. 1:11(10) ack 1");
        let bytes = good.encode();
        let drops = |t: &crate::Drill| {
            let bad = |event: &&HostEvent| {
                matches!(event, HostEvent::Dropped { reason: DropReason::BadChecksum, .. })
            };
            t.told.iter().filter(bad).count()
        };
        let before = drops(&t);
        for bit in 20 * 8..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            t.inject_packet(faultwire_wire::Packet { body: Body::Raw(damaged.into()), ..good.clone() });
        }
        t.expect_nothing_for_ms(1000);
        assert_eq!(drops(&t) - before, (bytes.len() - 20) * 8);
        assert_eq!(t.state(), State::Established);
        assert_eq!(t.read(fd, 100), Err(faultwire_host::Errno::WouldBlock));
        t.inject_packet(faultwire_wire::Packet { body: Body::Raw(bytes.into()), ..good });
        assert_eq!(t.read(fd, 100), Ok(10));
        t.pass_ms(1000);
        t.forget_sent();
    }
}

/// RFC 9293 §3.1 (MUST-2): what is sent has a checksum that a receiver accepts.
#[test]
fn what_is_sent_has_a_checksum() {
    for config in profiles() {
        let (mut t, fd) = open(config);
        t.write(fd, 777).unwrap();
        let packet = t.expect_any();
        let (_, body) = decode(&packet.encode()).expect("a good packet");
        let (Body::Tcp(read), Body::Tcp(sent)) = (body, packet.body) else { panic!("not a segment") };
        assert_eq!(
            (read.seq, read.flags, read.payload.to_vec()),
            (sent.seq, sent.flags, sent.payload.to_vec())
        );
        t.inject("+0.1 . 1:1(0) ack 778");
    }
}

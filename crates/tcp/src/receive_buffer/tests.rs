use proptest::prelude::*;

use super::*;
use crate::config::{Config, WindowUpdate};

const PATH: PathInfo = PathInfo {
    local_port: 1,
    remote_port: 2,
    ipv6: false,
    mtu: 1500,
    timestamp_offset: 0,
    segment_size_limit: 0,
    receive_buffer: 0,
};

fn buffer(capacity: u64) -> ReceiveBuffer {
    let config = BufferConfig { receive: capacity, receive_max: capacity, ..Config::rfc().buffers };
    let mut buffer = ReceiveBuffer::new(&config, PATH);
    buffer.synchronize(Seq(300), first_window(&config, PATH, 1460), Instant::ZERO);
    buffer
}

fn zeros(len: u32) -> Payload {
    Payload::Zeros { len }
}

/// RFC 9293 §3.8.6.2.2, MUST-39: small reads move the window by full segments only.
#[test]
fn small_reads_do_not_move_the_window() {
    let mut buffer = buffer(4000);
    buffer.place(Offset::FIRST, &zeros(4000), DataAhead::Kept);
    assert_eq!(buffer.offer(0, 1000), 0);
    for _ in 0..999 {
        buffer.read(1);
        assert_eq!(buffer.offer(0, 1000), 0);
        assert!(!buffer.is_update_due(WindowUpdate::TwoSegmentsOrHalf, 0, 1000));
    }
    buffer.read(1);
    assert!(buffer.is_update_due(WindowUpdate::Doubled, 0, 1000));
    assert_eq!(buffer.offer(0, 1000), 1000);
}

/// RFC 2018 §3: a FIN that is out of order takes one number in a SACK block, and is gone from there once it is taken.
#[test]
fn a_fin_ahead_is_reported() {
    let mut buffer = buffer(4000);
    let at = Offset::FIRST + 100;
    let mut blocks = [(Offset::default(), Offset::default()); 4];
    buffer.finish_at(at, true);
    assert!(!buffer.take_fin() && !buffer.is_expecting(100));
    assert_eq!(buffer.reassembly().unwrap().report(4, &mut blocks), 1);
    assert_eq!(blocks[0], (at, at + 1));
    // Text before it joins its block; the rest fills the hole.
    assert_eq!(buffer.place(Offset::FIRST + 50, &zeros(50), DataAhead::Kept), Placed::OutOfOrder);
    assert_eq!(buffer.reassembly().unwrap().report(4, &mut blocks), 1);
    assert_eq!(blocks[0], (Offset::FIRST + 50, at + 1));
    assert_eq!(buffer.place(Offset::FIRST, &zeros(50), DataAhead::Kept), Placed::FilledHole);
    assert!(buffer.take_fin());
    assert_eq!((buffer.next(), buffer.readable()), (at + 1, 100));
    assert!(buffer.reassembly().is_none());
}

/// FreeBSD's blocks are of text only.
#[test]
fn a_fin_ahead_is_not_reported_where_blocks_are_of_text() {
    let mut buffer = buffer(4000);
    buffer.finish_at(Offset::FIRST + 100, false);
    assert!(buffer.reassembly().is_none());
    assert_eq!(buffer.place(Offset::FIRST, &zeros(100), DataAhead::Kept), Placed::InOrder);
    assert!(buffer.take_fin());
}

/// A window smaller than two segments moves by half the buffer.
#[test]
fn half_the_buffer_is_enough() {
    let mut buffer = buffer(1000);
    buffer.place(Offset::FIRST, &zeros(1000), DataAhead::Kept);
    assert_eq!(buffer.offer(0, 1460), 0);
    buffer.read(499);
    assert_eq!(buffer.offer(0, 1460), 0);
    buffer.read(1);
    assert!(buffer.is_update_due(WindowUpdate::TwoSegmentsOrHalf, 0, 1460));
    assert_eq!(buffer.offer(0, 1460), 500);
}

/// Linux opens with 44 full segments on Ethernet.
#[test]
fn first_windows() {
    assert_eq!(first_window(&Config::linux().buffers, PATH, 1460), 64_240);
    assert_eq!(first_window(&Config::rfc().buffers, PATH, 1460), 65_535);
    let larger = BufferConfig { receive: 540_000, ..Config::linux().buffers };
    assert_eq!(first_window(&larger, PATH, 1460), 65_535);
    let asked = PathInfo { receive_buffer: 8192, ..PATH };
    assert_eq!(first_window(&Config::linux().buffers, asked, 1460), 7300);
}

/// The buffer grows with what is read in a round trip, up to its bound.
#[test]
fn grows_with_the_rate() {
    let config = BufferConfig { receive_parts: false, ..Config::linux().buffers };
    let mut buffer = ReceiveBuffer::new(&config, PATH);
    buffer.synchronize(Seq(0), 64_240, Instant::ZERO);
    let mut now = Instant::ZERO;
    let mut last = buffer.capacity;
    for round in 1..=12u32 {
        let len = (30_000u32 << round).min(buffer.edge().saturating_since(buffer.next()) as u32);
        buffer.place(buffer.next(), &zeros(len), DataAhead::Kept);
        now += Duration::from_millis(20);
        buffer.read(u64::MAX);
        buffer.grow(now, &config, (Some(Duration::from_millis(20)), true), 1448);
        buffer.offer(10, 1448);
        assert!(buffer.capacity >= last);
        last = buffer.capacity;
    }
    assert_eq!(last, 16 << 20);
}

proptest! {
    /// RFC 9293 §3.8.6, SHLD-14 and RFC 7323 §2.4: the right edge as the peer sees it never moves left, whatever the
    /// shift; and it never promises more than one unit of the shift beyond the buffer.
    #[test]
    fn the_right_edge_never_moves_left(
        shift in 0u8..=14,
        capacity in 1u64..1 << 20,
        steps in prop::collection::vec((any::<bool>(), 0u32..5000, 1u64..6000), 1..60),
    ) {
        let mut buffer = buffer(capacity);
        let mut edge = buffer.edge();
        for (out_of_order, len, read) in steps {
            let room = buffer.edge().saturating_since(buffer.next());
            let len = u64::from(len).min(room) as u32;
            if out_of_order && u64::from(len) < room {
                buffer.place(buffer.next() + 1, &zeros(len), DataAhead::Kept);
            } else if len > 0 {
                buffer.place(buffer.next(), &zeros(len), DataAhead::Kept);
            }
            buffer.read(read);
            let field = u64::from(buffer.offer(shift, 1448));
            let seen = buffer.next() + (field << shift);
            prop_assert!(seen >= edge);
            prop_assert_eq!(seen.max(edge), buffer.edge());
            prop_assert!(buffer.edge().saturating_since(buffer.next()) + buffer.readable() < capacity.max(1) + (1 << shift) + 65_535);
            edge = seen;
        }
    }
}

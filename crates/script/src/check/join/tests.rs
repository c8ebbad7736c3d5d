use faultwire_wire::{Segment, Seq};

use super::*;

fn packet(seq: u32, length: u32, flags: Flags) -> Packet {
    let segment = Segment {
        seq: Seq(seq),
        ack: Seq(9),
        flags,
        window: 100,
        payload: Payload::Zeros { len: length },
        ..Segment::default()
    };
    Packet { body: Body::Tcp(segment), ..Packet::default() }
}

fn segment(packet: &mut Packet) -> &mut Segment {
    match &mut packet.body {
        Body::Tcp(segment) => segment,
        other => panic!("{other:?}"),
    }
}

/// PACKETDRILL.md §3.4, aggregation.
#[test]
fn the_first_gives_its_place_and_the_last_its_flags() {
    let mut joined = Joined::of(packet(1, 100, Flags::ACK | Flags::CWR));
    let mut next = packet(101, 100, Flags::ACK);
    segment(&mut next).options.push_timestamps(5, 6);
    let why = join(&mut joined, &next).unwrap_err();
    assert!(why.contains("length of options"), "{why}");
    segment(&mut joined.packet).options.push_timestamps(1, 2);
    join(&mut joined, &next).unwrap();
    let mut last = packet(201, 40, Flags::ACK | Flags::PSH | Flags::FIN);
    segment(&mut last).options.push_timestamps(7, 8);
    join(&mut joined, &last).unwrap();
    let whole = segment(&mut joined.packet).clone();
    assert_eq!((whole.seq, whole.payload.len()), (Seq(1), 240));
    assert_eq!(whole.flags, Flags::ACK | Flags::PSH | Flags::FIN | Flags::CWR);
    assert_eq!(whole.options.timestamps(), Some((7, 8)));
    assert_eq!(joined.length(), 240);
    // The last piece was shorter, so nothing can follow it.
    assert!(join(&mut joined, &last).is_err());
}

#[test]
fn what_differs_is_not_one() {
    type Change = fn(&mut Segment);
    let changes: [(&str, Change); 6] = [
        ("place in the stream", |segment| segment.seq = segment.seq + 1),
        ("set of flags", |segment| segment.flags |= Flags::ECE),
        ("acknowledgment number", |segment| segment.ack = Seq(10)),
        ("window", |segment| segment.window = 101),
        ("length of options", |segment| segment.options.push_nop()),
        ("length", |segment| segment.payload = Payload::EMPTY),
    ];
    for (what, change) in changes {
        let mut joined = Joined::of(packet(1, 100, Flags::ACK));
        let mut next = packet(101, 100, Flags::ACK);
        change(segment(&mut next));
        let why = join(&mut joined, &next).unwrap_err();
        assert!(why.contains(what), "{what}: {why}");
    }
}

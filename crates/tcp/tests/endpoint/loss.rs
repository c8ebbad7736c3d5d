//! Losses seen through a whole endpoint: what goes again, when and why.

use faultwire_base::Duration;
use faultwire_tcp::CongestionAlgorithm;
use faultwire_wire::{Flags, Reason, TcpOption};

use crate::pair::*;

/// S39: one loss in the middle. The third duplicate ACK brings it back, once, without a timeout; duplicate ACKs are one
/// for each arriving segment, although all arrive at one instant, each with its own SACK block.
#[test]
fn single_loss() {
    for config in [rfc(), linux()] {
        let mut config = config;
        config.congestion.initial_window = faultwire_tcp::InitialWindow::Segments(20);
        let mut pair = Pair::open(config);
        pair.script(
            |sent| if sent.stream_offset == 4 * 1448 && sent.transmission == 1 { DROP } else { PASS },
        );
        pair.write(A, 0, 10 * 1448);
        pair.run_for(ms(400));
        let again: Vec<_> = pair.sent.iter().filter(|sent| sent.transmission > 1).collect();
        assert_eq!(again.len(), 1);
        assert_eq!(again[0].reason, Reason::FastRetransmission);
        assert_eq!((again[0].at, again[0].stream_offset), (at(250), 4 * 1448));
        let duplicates: Vec<_> = pair
            .sent
            .iter()
            .filter(|sent| sent.reason == Reason::DuplicateAck)
            .map(|sent| (sent.at, sent.segment.ack.0, first_block(sent)))
            .collect();
        let hole = 101 + 4 * 1448;
        let expected: Vec<_> = (6..=10u32).map(|n| (at(200), hole, (hole + 1448, 101 + n * 1448))).collect();
        assert_eq!(duplicates, expected);
        assert_eq!(pair.octets_read(B), data(0, 10 * 1448).to_vec());
        let counters = pair.end(A).counters();
        assert_eq!((counters.retransmissions, counters.timeouts), (1, 0));
        assert_eq!(pair.end(B).counters().out_of_order, 5);
    }
}

fn first_block(sent: &Sent) -> (u32, u32) {
    let (left, right) = sent.segment.options.sack_blocks().next().unwrap();
    (left.0, right.0)
}

/// RFC 2018 §3: three blocks beside timestamps, four without, newest first.
#[test]
fn sack_blocks() {
    for (timestamps, most) in [(true, 3), (false, 4)] {
        let mut config = rfc();
        config.options.timestamps = timestamps;
        config.congestion.initial_window = faultwire_tcp::InitialWindow::Segments(20);
        let mut pair = Pair::open(config);
        pair.script(|sent| {
            let lost = sent.from == A && sent.transmission == 1 && sent.count % 2 == 1;
            if lost { DROP } else { PASS }
        });
        pair.write(A, 0, 12 * 1448);
        pair.run_for(ms(50));
        let last = pair.sent.last().unwrap();
        let blocks: Vec<_> = last.segment.options.sack_blocks().collect();
        assert_eq!(blocks.len(), most);
        assert!(blocks.windows(2).all(|pair| pair[0].0.after(pair[1].0)));
        assert!(last.segment.options.padded_length() <= 40);
        pair.script(|_| PASS);
        pair.run_for(Duration::from_secs(20));
        assert_eq!(pair.octets_read(B).len(), 12 * 1448);
    }
}

/// RFC 2018 §3: the right edge of a block is the sequence number after the last one received, and a FIN has one.
#[test]
fn a_block_covers_the_fin() {
    let mut pair = Pair::open(rfc());
    pair.script(|sent| if sent.stream_offset == 0 && sent.transmission == 1 { DROP } else { PASS });
    pair.write(A, 0, 2 * 1448);
    pair.close(A);
    pair.run_for(ms(60));
    let last = pair.sent.last().unwrap();
    assert_eq!(last.reason, Reason::DuplicateAck);
    assert_eq!(first_block(last), (101 + 1448, 101 + 2 * 1448 + 1));
    pair.run_for(Duration::from_secs(5));
    let again: Vec<_> =
        pair.sent.iter().filter(|sent| sent.transmission > 1).map(|sent| sent.stream_offset).collect();
    assert_eq!(again, [0], "what SACK reported does not go again, FIN and all");
}

/// RFC 9293 §3.7.1, MUST-16: a segment with SACK blocks holds less, and that is what a full one is: no burst ends in a
/// splinter of the twelve octets that each segment before gave up.
#[test]
fn full_segments_beside_sack_blocks() {
    let mut pair = Pair::open(linux());
    pair.script(|sent| {
        if sent.from == A && sent.stream_offset == 0 && sent.transmission == 1 { DROP } else { PASS }
    });
    pair.write(A, 0, 2 * 1448);
    pair.run_for(ms(55));
    let before = pair.sent.len();
    pair.write(B, 0, 30 * 1448);
    let lengths: Vec<u32> = pair.sent[before..].iter().map(|sent| sent.segment.payload.len()).collect();
    assert_eq!(lengths, [1436; 10], "the initial window is ten segments of 1448");
}

/// RFC 2883 §4: what arrives twice is reported in the first block, once for each copy, below the ACK or inside the
/// second block; the sender counts it.
#[test]
fn duplicates_are_reported() {
    let mut config = rfc();
    config.congestion.initial_window = faultwire_tcp::InitialWindow::Segments(20);
    let mut pair = Pair::open(config);
    pair.script(|sent| match (sent.from, sent.stream_offset / 1448, sent.segment.payload.len()) {
        (A, 1 | 6, 1448) => Fate { copies: vec![ms(10)], ..PASS },
        (A, 5, 1448) if sent.transmission == 1 => DROP,
        _ => PASS,
    });
    pair.write(A, 0, 8 * 1448);
    pair.run_for(ms(120));
    let octet = |n: u32| 101 + n * 1448;
    let told: Vec<_> = pair
        .sent
        .iter()
        .filter(|sent| sent.from == B && sent.at == at(210))
        .map(|sent| {
            sent.segment.options.sack_blocks().map(|(left, right)| (left.0, right.0)).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(
        told,
        [vec![(octet(1), octet(2)), (octet(6), octet(8))], vec![(octet(6), octet(7)), (octet(6), octet(8))],]
    );
    assert_eq!(pair.end(A).counters().duplicate_sacks_received, 2);
    pair.run_for(ms(2000));
    assert_eq!(pair.octets_read(B).len(), 8 * 1448);
    assert_eq!(pair.times(A, |sent| sent.transmission > 1).len(), 1);
}

/// S41: without SACK, NewReno brings back k losses in k round trips.
#[test]
fn new_reno() {
    let mut config = rfc();
    config.options.sack = false;
    config.congestion.initial_window = faultwire_tcp::InitialWindow::Segments(20);
    let mut pair = Pair::open(config);
    pair.script(|sent| {
        let index = sent.stream_offset / 1448;
        if sent.from == A
            && sent.transmission == 1
            && (5..8).contains(&index)
            && !sent.segment.payload.is_empty()
        {
            DROP
        } else {
            PASS
        }
    });
    pair.write(A, 0, 20 * 1448);
    pair.run_for(Duration::from_secs(2));
    let again = pair.times(A, |sent| sent.transmission > 1);
    assert_eq!(again, [250, 350, 450]);
    assert_eq!(pair.octets_read(B).len(), 20 * 1448);
    assert!(pair.sent.iter().all(|sent| sent.segment.options.sack_blocks().count() == 0));
}

/// A whole flight is lost: the RTO brings back the first, the ACKs the rest; data that SACK reported does not go again.
#[test]
fn timeout() {
    // A probe (RFC 8985 §7) would come before the RTO.
    let mut pair = Pair::open(without_probe(rfc()));
    pair.script(|sent| if sent.at == at(150) && sent.from == A { DROP } else { PASS });
    pair.write(A, 0, 2 * 1448);
    pair.run_for(Duration::from_secs(5));
    let again: Vec<_> = pair
        .sent
        .iter()
        .filter(|sent| sent.transmission > 1)
        .map(|sent| (sent.at, sent.stream_offset, sent.reason))
        .collect();
    assert_eq!(again[0], (at(1150), 0, Reason::TimeoutRetransmission));
    assert_eq!(again[1].1, 1448);
    assert_eq!(again.len(), 2);
    assert_eq!(pair.octets_read(B).len(), 2 * 1448);
}

/// MUST-65: the MSS is on SYNs only; timestamps are on every segment but RST (RFC 7323 §3.2); SYNs have the options of
/// their profile.
#[test]
fn options_on_segments() {
    for config in [rfc(), linux()] {
        let mut pair = Pair::open(config);
        pair.write(A, 0, 20_000);
        pair.run_for(ms(500));
        pair.close(A);
        pair.close(B);
        pair.run_for(ms(500));
        for sent in &pair.sent {
            let syn = sent.segment.flags.contains(Flags::SYN);
            let has_size =
                sent.segment.options.iter().any(|option| matches!(option, TcpOption::MaximumSegmentSize(_)));
            assert_eq!(syn, has_size);
            assert!(sent.segment.options.timestamps().is_some());
        }
    }
}

/// MUST-61 and the bursts of Linux: PSH where the written data ends, and at the end of each burst, which at this round
/// trip has `tcp_min_tso_segs` segments.
#[test]
fn push() {
    for (config, expected) in [(rfc(), "......P"), (linux(), ".P.P.PP")] {
        let mut config = config;
        config.congestion.initial_window = faultwire_tcp::InitialWindow::Segments(4);
        config.acknowledgment.quick = 16;
        let mut pair = Pair::open(config);
        pair.write(A, 0, 7 * 1448);
        pair.run_for(ms(150));
        let marks: String = pair
            .sent
            .iter()
            .filter(|sent| !sent.segment.payload.is_empty())
            .map(|sent| if sent.segment.flags.contains(Flags::PSH) { 'P' } else { '.' })
            .collect();
        assert_eq!(marks, expected);
    }
}

/// A long flow over a drop-tail bottleneck of 100 Mbit/s, 20 ms, a queue of one bandwidth-delay product: it settles, and
/// keeps the link busy. (After an RTO in a recovery with SACK, half of the flight would be no reduction at all.)
#[test]
fn settles_behind_a_drop_tail_queue() {
    for (config, sack, algorithm, settled_after) in [
        (linux(), true, CongestionAlgorithm::Cubic, 5),
        (linux(), true, CongestionAlgorithm::NewReno, 5),
        // Not impatient (RFC 6582 §4): without SACK it takes a round trip of 20 to 40 ms for each of the hundreds of losses
        // at the end of slow start.
        (linux(), false, CongestionAlgorithm::NewReno, 20),
        (rfc(), false, CongestionAlgorithm::NewReno, 5),
        (rfc(), true, CongestionAlgorithm::NewReno, 5),
    ] {
        let mut config = config;
        config.options.sack = sack;
        config.congestion.algorithm = algorithm;
        config.buffers.send_max = 8 << 20;
        config.buffers.send = 8 << 20;
        config.buffers.receive = 16 << 20;
        config.buffers.receive_max = 16 << 20;
        let mut pair = Pair::new(config);
        pair.latency = [ms(10), ms(10)];
        pair.rate[A] = Some((Duration::from_micros(120), 166));
        pair.connect(A);
        pair.run_for(ms(30));
        let mut written = 0;
        let mut delivered = [0; 2];
        for second in 0..settled_after + 5 {
            for _ in 0..20 {
                written += pair.write(A, written, 8 << 20);
                pair.run_for(ms(50));
                pair.sent.clear();
                pair.lines.clear();
            }
            delivered[usize::from(second >= settled_after)] = pair.end(B).counters().bytes_delivered;
        }
        let in_five_seconds = (delivered[1] - delivered[0]) / 1448;
        let most = 5_000_000 / 120;
        let counters = pair.end(A).counters();
        assert!(
            in_five_seconds * 100 >= most * 90,
            "{sack} {algorithm}: {in_five_seconds} of {most}; {counters:?}"
        );
        assert!(counters.timeouts <= 6, "{sack} {algorithm}: {counters:?}");
    }
}

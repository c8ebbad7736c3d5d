//! What a receiver keeps, reports and offers.

use faultwire_base::Duration;
use faultwire_tcp::{Config, Quirk};
use faultwire_wire::{Flags, Reason};

use crate::pair::*;
use crate::{open_between, right_and_wrong, right_and_wrong_of, with};

/// The first of four segments is lost. Gives the blocks that B reported, which segments A sent again, and what B read.
fn after_a_gap(config: Config) -> (usize, Vec<u64>, usize) {
    let mut a = without_probe(rfc());
    a.congestion.initial_window = faultwire_tcp::InitialWindow::Segments(4);
    let mut pair = open_between(a, config);
    pair.script(|sent| {
        let first = sent.from == A && sent.stream_offset == 0 && !sent.segment.payload.is_empty();
        if first && sent.transmission == 1 { DROP } else { PASS }
    });
    pair.write(A, 0, 4 * 1448);
    pair.run_for(Duration::from_secs(20));
    let blocks =
        pair.sent.iter().filter(|sent| sent.from == B && sent.segment.options.sack_blocks().next().is_some());
    let blocks = blocks.count();
    let again = pair.sent.iter().filter(|sent| sent.from == A && sent.transmission > 1);
    let again = again.map(|sent| sent.stream_offset / 1448).collect();
    (blocks, again, pair.octets_read(B).len())
}

/// RFC 2525 §2.5: what is ahead of a gap is kept and reported (RFC 9293 §3.10.7.4, RFC 2018), or comes again.
#[test]
fn no_reassembly() {
    let (right, wrong) = right_and_wrong(Quirk::NoReassembly, after_a_gap);
    assert_eq!(right, (3, vec![0], 4 * 1448));
    assert_eq!(wrong, (0, vec![0, 1, 2, 3], 4 * 1448));
}

/// RFC 2018 §8: what was reported is there when the gap is filled, or comes again.
#[test]
fn sack_reneging() {
    let (right, wrong) = right_and_wrong(Quirk::SackReneging, after_a_gap);
    assert_eq!(right, (3, vec![0], 4 * 1448));
    assert_eq!(wrong, (3, vec![0, 1, 2, 3], 4 * 1448));
}

/// What a Linux receiver throws away it does not charge to its memory: its window is open after a hundred gaps.
#[test]
fn what_is_thrown_away_costs_no_memory() {
    for quirk in [Quirk::NoReassembly, Quirk::SackReneging] {
        let mut small = with(linux(), quirk);
        small.buffers.receive = 16_384;
        small.buffers.receive_max = 16_384;
        let mut pair = open_between(rfc(), small);
        pair.script(|sent| {
            let first = sent.from == A && sent.stream_offset % 14_480 == 0 && sent.transmission == 1;
            if first && !sent.segment.payload.is_empty() { DROP } else { PASS }
        });
        for round in 0..100 {
            pair.write(A, round * 14_480, 14_480);
            pair.run_for(Duration::from_secs(20));
        }
        assert_eq!(pair.octets_read(B).len(), 1_448_000, "{quirk}");
    }
}

/// The right edges that B offers while it reads nothing.
fn edges(config: Config, shift: u8) -> Vec<u64> {
    let mut pair = open_between(rfc(), config);
    pair.auto_read[B] = false;
    pair.write(A, 0, 20_000);
    pair.run_for(ms(600));
    pair.sent
        .iter()
        .filter(|sent| sent.from == B && !sent.segment.flags.contains(Flags::SYN))
        .map(|sent| u64::from(sent.segment.ack.0) + (u64::from(sent.segment.window) << shift))
        .collect()
}

/// RFC 9293 §3.8.6, SHLD-14: the right edge stays where it is while nobody reads, or moves left.
#[test]
fn window_shrunk() {
    for (config, shift) in [(rfc(), 5), (linux(), 10)] {
        let (right, wrong) = right_and_wrong_of(config, Quirk::WindowShrunk, |config| edges(config, shift));
        assert!(right.len() > 3 && right.is_sorted(), "{right:?}");
        assert!(wrong.len() > 3 && wrong.windows(2).any(|edges| edges[1] < edges[0]), "{wrong:?}");
    }
}

/// RFC 9293 §3.8.6.2.2: a reader that opens a closed window tells the peer, or leaves it to the peer's next probe.
#[test]
fn no_window_update() {
    let updates = |config: Config| {
        let mut small = config;
        small.buffers.receive = 8192;
        small.buffers.receive_max = 8192;
        let mut pair = open_between(rfc(), small);
        pair.auto_read[B] = false;
        pair.write(A, 0, 20_000);
        pair.run_for(ms(900));
        pair.auto_read[B] = true;
        pair.settle();
        let updates = pair.times(B, |sent| sent.reason == Reason::WindowUpdate);
        pair.run_for(Duration::from_secs(60));
        assert_eq!(pair.octets_read(B).len(), 20_000);
        updates
    };
    for config in [rfc(), linux()] {
        let (right, wrong) = right_and_wrong_of(config, Quirk::NoWindowUpdate, updates);
        assert_eq!((right, wrong), (vec![1050], vec![]));
    }
}

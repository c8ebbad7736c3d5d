//! Whole transfers: whatever the wire does, the stream arrives intact, and a clone goes the same way.

use faultwire_base::{Duration, SeedTree};
use faultwire_tcp::{CongestionAlgorithm, ConnectionError, GiveUp, State};
use faultwire_wire::{Flags, Payload};
use proptest::prelude::*;

use crate::pair::*;

/// A wire that loses, duplicates and reorders by a seeded stream, for the first `until` segments.
fn bad_wire(seed: u64, loss: u64, duplicate: u64, reorder: u64, until: usize) -> impl FnMut(&Sent) -> Fate {
    let mut stream = SeedTree::new(seed).stream("wire", "fate");
    move |sent| {
        let words = [stream.below(1000), stream.below(1000), stream.below(1000), stream.below(60)];
        if sent.count > until {
            return PASS;
        }
        Fate {
            drop: words[0] < loss,
            delay: if words[2] < reorder { ms(words[3]) } else { Duration::ZERO },
            copies: if words[1] < duplicate { vec![ms(words[3] * 3)] } else { Vec::new() },
        }
    }
}

/// Sends `len` octets from A to B and half as many back, closes both, and returns the pair.
fn transfer(mut pair: Pair, len: u64) -> Pair {
    pair.connect(A);
    let goals = [len, len / 2];
    let mut written = [0u64; 2];
    let mut rounds = 0;
    loop {
        for side in [A, B] {
            let End::Open(connection) = &pair.ends[side] else { continue };
            if connection.can_write() && pair.state(side).is_synchronized() {
                let left = goals[side] - written[side];
                if left > 0 {
                    written[side] += pair.write(side, written[side], left.min(50_000) as u32);
                } else {
                    pair.call(side, |end, now| end.shutdown_write(now));
                }
            }
        }
        let done = |state: State| matches!(state, State::TimeWait | State::Closed);
        if done(pair.state(A)) && done(pair.state(B)) {
            return pair;
        }
        let next = pair
            .next_time()
            .unwrap_or_else(|| panic!("stuck in {} and {}", pair.state(A), pair.state(B)))
            .max(pair.now);
        pair.run_until(next);
        rounds += 1;
        assert!(rounds < 1_000_000, "it does not end");
    }
}

fn check(pair: &mut Pair, len: u64) {
    for (side, expected) in [(A, len / 2), (B, len)] {
        // Where the last ACKs were lost for longer than the peer's TIME-WAIT, a RST takes their place, and Linux tells it
        // in LAST-ACK too (tcp_reset).
        let in_time_wait = pair.state_names(side).contains(&"TIME_WAIT");
        let error = pair.end(side).error();
        assert!(error.is_none() || !in_time_wait && error == Some(ConnectionError::Reset), "{error:?}");
        assert_eq!(pair.read[side].iter().map(|run| u64::from(run.len())).sum::<u64>(), expected);
        let mut at = 0;
        for run in &pair.read[side] {
            // Runs of a generated stream say where they belong: exactly once, in order.
            assert!(matches!(run, Payload::Generated { offset, .. } if *offset == at));
            at += u64::from(run.len());
        }
        assert_eq!(pair.end(side).counters().bytes_delivered, expected);
        let (acknowledged, sent) =
            (pair.end(side).counters().bytes_acknowledged, if side == A { len } else { len / 2 });
        assert!(acknowledged == sent || !in_time_wait && acknowledged < sent);
    }
    // No ACK above the highest octet sent, no MSS but on a SYN.
    for side in [A, B] {
        let isn = pair.isns[side];
        let mut highest = Seq0(isn);
        for sent in &pair.sent {
            if sent.from == side {
                let end = sent.segment.seq + sent.segment.sequence_length();
                if end.after(faultwire_wire::Seq(highest.0)) {
                    highest = Seq0(end.0);
                }
            } else if sent.segment.flags.contains(Flags::ACK) {
                assert!(!sent.segment.ack.after(faultwire_wire::Seq(highest.0)));
            }
        }
    }
}

struct Seq0(u32);

#[test]
fn clean_wire() {
    for config in [rfc(), linux()] {
        let mut pair = transfer(Pair::new(config), 3_000_000);
        check(&mut pair, 3_000_000);
        assert_eq!(pair.end(A).counters().retransmissions, 0);
        assert_eq!(pair.end(B).counters().retransmissions, 0);
        assert_eq!(pair.end(B).counters().out_of_order, 0);
        // SHLD-28: full segments wherever possible.
        let data: Vec<_> =
            pair.sent.iter().filter(|sent| sent.from == A && !sent.segment.payload.is_empty()).collect();
        let full = data.iter().filter(|sent| sent.segment.payload.len() == 1448).count();
        assert!(full * 100 >= data.len() * 95, "{full} of {}", data.len());
    }
}

/// ISNs that wrap during the transfer.
#[test]
fn wrapping_sequence_numbers() {
    for config in [rfc(), linux()] {
        let mut pair = Pair::new(config);
        pair.isns = [u32::MAX - 100_000, u32::MAX];
        let mut pair = transfer(pair, 1_000_000);
        check(&mut pair, 1_000_000);
    }
}

/// The same seed gives the same segments, and a clone in the middle goes the same way.
#[test]
fn clones_agree() {
    let run = || {
        let mut pair = Pair::new(linux());
        pair.script(bad_wire(3, 30, 30, 60, usize::MAX));
        transfer(pair, 200_000).trace(A)
    };
    assert_eq!(run(), run());

    let mut pair = Pair::open(linux());
    pair.write(A, 0, 16_000);
    let mut twin = pair.end(A).clone();
    let now = pair.now + ms(300);
    let original = pair.end(A);
    original.advance(now);
    twin.advance(now);
    let rest =
        |end: &mut faultwire_tcp::Connection| std::iter::from_fn(|| end.transmit(now)).collect::<Vec<_>>();
    assert_eq!(rest(original), rest(&mut twin));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Any mixture of loss, duplication and reordering: the stream arrives intact and both ends close in order.
    #[test]
    fn bad_wires(
        seed: u64,
        linux_like: bool,
        sack: bool,
        timestamps: bool,
        scaling: bool,
        cubic: bool,
        isns: [u32; 2],
        loss in 0u64..200,
        duplicate in 0u64..200,
        reorder in 0u64..500,
        len in 0u64..300_000,
    ) {
        let mut config = if linux_like { linux() } else { rfc() };
        config.options.sack = sack;
        config.options.timestamps = timestamps;
        config.options.window_scaling = scaling;
        config.congestion.algorithm =
            if cubic { CongestionAlgorithm::Cubic } else { CongestionAlgorithm::NewReno };
        // With up to a fifth lost each way somebody gives up now and then; that is not what is tested here.
        config.give_up.r2 = GiveUp::Never;
        config.opening.synack_retries = 30;
        config.opening.syn_retries = 30;
        let mut pair = Pair::new(config);
        pair.isns = isns;
        pair.script(bad_wire(seed, loss, duplicate, reorder, 400));
        let mut pair = transfer(pair, len);
        check(&mut pair, len);
    }
}

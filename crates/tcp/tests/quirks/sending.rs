//! Windows of the sender: slow start, the response to losses, recovery, CUBIC.

use faultwire_base::Duration;
use faultwire_tcp::{Config, CongestionAlgorithm, Quirk, State};

use crate::pair::*;
use crate::{open, open_between, right_and_wrong, right_and_wrong_of, with};

/// Full segments with the timestamps option.
const FULL: u32 = 1448;

/// RFC 2525 §2.1: the first flight is min(4 * SMSS, 4380) octets (RFC 5681 §3.1), or as much as
/// the 65,535 octets of the peer's SYN take.
#[test]
fn no_initial_slow_start() {
    let first_flight = |config| {
        let mut pair = open(config);
        pair.write(A, 0, 100 * FULL);
        pair.sent
            .iter()
            .filter(|sent| sent.from == A && sent.at == at(150) && !sent.segment.payload.is_empty())
            .count()
    };
    let (right, wrong) = right_and_wrong(Quirk::NoInitialSlowStart, first_flight);
    assert_eq!((right, wrong), (3, 45));
}

/// The window after a timeout that took everything, in segments, and when fast recovery is over.
fn windows_after_losses(config: Config) -> (u64, u64) {
    let window = |pair: &mut Pair| pair.end(A).info().congestion_window / u64::from(FULL);
    let mut pair = open(without_probe(config.clone()));
    pair.write(A, 0, 40 * FULL);
    pair.run_for(ms(400));
    pair.script(|_| DROP);
    pair.write(A, u64::from(40 * FULL), 8 * FULL);
    pair.run_for(ms(1050));
    let after_timeout = window(&mut pair);

    let mut pair = open(config);
    pair.script(|sent| {
        if sent.from == A && sent.stream_offset == 20 * u64::from(FULL) && sent.transmission == 1 {
            DROP
        } else {
            PASS
        }
    });
    pair.write(A, 0, 40 * FULL);
    pair.run_for(ms(2000));
    (after_timeout, window(&mut pair))
}

/// RFC 2525 §2.2: the window after a timeout is one segment (RFC 5681 §3.1), or half of the flight. Fast recovery is as it
/// was.
#[test]
fn no_slow_start_after_timeout() {
    let (right, wrong) = right_and_wrong(Quirk::NoSlowStartAfterTimeout, windows_after_losses);
    assert_eq!((right, wrong), ((1, 6), (5, 6)));
}

/// RFC 5681 §3.1, §3.2: a timeout and a fast recovery reduce the window, or neither does.
#[test]
fn no_congestion_response() {
    let (right, wrong) = right_and_wrong(Quirk::NoCongestionResponse, windows_after_losses);
    assert_eq!((right, wrong), ((1, 6), (11, 11)));
}

/// Two segments of a flight are lost; gives which offsets A sent again, in segments, and when.
fn repairs(config: Config) -> Vec<(u64, u64)> {
    let mut pair = open(config);
    let lost = [10, 12];
    pair.script(move |sent| {
        let at = sent.stream_offset / u64::from(FULL);
        if sent.from == A && lost.contains(&at) && sent.transmission == 1 { DROP } else { PASS }
    });
    pair.write(A, 0, 20 * FULL);
    pair.run_for(Duration::from_secs(5));
    assert_eq!(pair.end(A).send_queued(), 0);
    pair.sent
        .iter()
        .filter(|sent| sent.from == A && sent.transmission > 1)
        .map(|sent| (sent.stream_offset / u64::from(FULL), sent.at.as_nanos() / 1_000_000))
        .collect()
}

/// RFC 6582 §3.2 step 3, RFC 6675 §5: the second loss is repaired by fast recovery too, with SACK and without, or waits for
/// the timer.
#[test]
fn partial_ack_ignored() {
    let (right, wrong) = right_and_wrong(Quirk::PartialAckIgnored, repairs);
    assert_eq!((right, wrong), (vec![(10, 450), (12, 550)], vec![(10, 450), (12, 1550)]));
    let mut plain = rfc();
    plain.options.sack = false;
    let (right, wrong) = right_and_wrong_of(plain, Quirk::PartialAckIgnored, repairs);
    assert_eq!((right, wrong), (vec![(10, 550), (12, 650)], vec![(10, 550), (12, 1650)]));
}

/// RFC 9438 §5.8: each write waits for its answer, so that nothing is in flight when the next begins. The sender was lost
/// two SYNs before, and has a window of one segment: it grows, or stays at that for ever.
#[test]
fn cubic_stuck_at_minimum() {
    let window = |mut config: Config| {
        config.congestion.algorithm = CongestionAlgorithm::Cubic;
        let mut pair = Pair::new(config);
        pair.script(|sent| if sent.from == A && sent.count <= 2 { DROP } else { PASS });
        pair.connect(A);
        pair.run_for(ms(3200));
        assert_eq!(pair.state(A), State::Established);
        pair.write(A, 0, 60 * FULL);
        pair.run_for(ms(2000));
        pair.end(A).info().congestion_window / u64::from(FULL)
    };
    let (right, wrong) = right_and_wrong(Quirk::CubicStuckAtMinimum, window);
    assert_eq!((right, wrong), (16, 1));
    let (right, wrong) = right_and_wrong_of(linux(), Quirk::CubicStuckAtMinimum, window);
    assert_eq!((right, wrong), (61, 1));
}

/// RFC 2018 §8: the receiver throws away what it reported. The sender sends it again when its timer runs out, or never, and
/// the connection dies.
#[test]
fn sacked_data_discarded() {
    let left = |config: Config| {
        let mut pair = open_between(config, with(rfc(), Quirk::SackReneging));
        pair.script(|sent| {
            if sent.from == A
                && sent.stream_offset == 0
                && sent.transmission == 1
                && !sent.segment.payload.is_empty()
            {
                DROP
            } else {
                PASS
            }
        });
        pair.write(A, 0, 3 * FULL);
        pair.run_for(Duration::from_secs(300));
        (pair.octets_read(B).len() as u32 / FULL, pair.state(A))
    };
    let (right, wrong) = right_and_wrong(Quirk::SackedDataDiscarded, left);
    assert_eq!((right, wrong), ((3, State::Established), (1, State::Closed)));
    let (right, wrong) = right_and_wrong_of(linux(), Quirk::SackedDataDiscarded, left);
    assert_eq!((right, wrong), ((3, State::Established), (1, State::Established)));
}

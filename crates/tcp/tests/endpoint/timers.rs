//! Timer series, exact to the tick.

use faultwire_base::{Duration, PacketId, PlaceId};
use faultwire_tcp::{ConnectionError, Event, KeepAliveSetting, SequenceCheck, SoftError, State};
use faultwire_wire::{Cause, Flags, Reason, TimerKind};

use crate::pair::*;

fn secs(times: &[u64]) -> Vec<u64> {
    times.iter().map(|s| s * 1000).collect()
}

/// S09, MUST-23: by the letter seven retransmissions, given up at 183 s.
#[test]
fn syn_never_answered_rfc() {
    let mut pair = Pair::new(rfc());
    pair.script(|_| DROP);
    pair.connect(A);
    pair.run_to_end();
    assert_eq!(pair.times(A, |_| true), secs(&[0, 1, 3, 7, 15, 31, 63, 123]));
    assert_eq!(pair.entered(A, State::Closed), at(183_000));
    assert_eq!(pair.end(A).error(), Some(ConnectionError::TimedOut));
}

/// Linux 6.18 measured: 1, 2, 3, 4, 5, 7, 11, 19, 35, then 67 s; and without the linear ones doubling at once.
#[test]
fn syn_never_answered_linux() {
    let mut pair = Pair::new(linux());
    pair.script(|_| DROP);
    pair.connect(A);
    pair.run_to_end();
    assert_eq!(pair.times(A, |_| true), secs(&[0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67]));
    assert_eq!(pair.entered(A, State::Closed), at(131_000));

    let mut config = linux();
    config.opening.syn_linear_timeouts = 0;
    let mut pair = Pair::new(config);
    pair.script(|_| DROP);
    pair.connect(A);
    pair.run_to_end();
    assert_eq!(pair.times(A, |_| true), secs(&[0, 1, 3, 7, 15, 31, 63]));
    assert_eq!(pair.entered(A, State::Closed), at(127_000));
}

/// S06: k lost SYNs delay the opening by 2^k - 1 s; then the window is one segment and data has an RTO of 3 s
/// (RFC 5681 §3.1, RFC 6298 §5.7).
#[test]
fn lost_syns() {
    for lost in 1..=6usize {
        let mut config = rfc();
        config.options.timestamps = false;
        let mut pair = Pair::new(config);
        pair.script(move |sent| if sent.from == A && sent.count <= lost { DROP } else { PASS });
        pair.connect(A);
        pair.run_for(Duration::from_secs(64));
        let opened = (1 << lost) * 1000 - 1000 + 100;
        assert_eq!(pair.entered(A, State::Established), at(opened));
        let info = pair.end(A).info();
        assert_eq!(info.congestion_window, u64::from(info.send_segment_size));
        assert_eq!(info.rto, Duration::from_secs(3));
        assert!(
            pair.sent
                .iter()
                .filter(|sent| sent.from == A)
                .take(lost + 1)
                .enumerate()
                .all(|(n, sent)| sent.transmission == n as u16 + 1 && sent.reason == Reason::Syn)
        );
        assert_eq!(pair.sent[1].cause, Cause::Timer(TimerKind::Retransmission));
    }
}

/// SYN-ACKs: Linux 1, 3, 7, 15, 31 s and forgotten at 63 s.
#[test]
fn syn_ack_never_answered() {
    let mut pair = Pair::new(linux());
    let syn = pair.forged(A, 100, 0, Flags::SYN);
    pair.inject(B, &syn);
    pair.script(|_| DROP);
    pair.run_to_end();
    assert_eq!(pair.times(B, |_| true), secs(&[0, 1, 3, 7, 15, 31]));
    assert_eq!(pair.entered(B, State::Listen), at(63_000));
}

/// S07: the SYN-ACK is lost; both ends act at 1.05 s.
#[test]
fn lost_syn_ack() {
    let mut pair = Pair::new(rfc());
    pair.script(|sent| if sent.from == B && sent.count == 1 { DROP } else { PASS });
    pair.connect(A);
    pair.run_for(Duration::from_secs(3));
    // SYN,ACK at 50 ms, again at 1050 ms by its own timer, and the ACK for the repeated SYN, which SYN-SENT drops.
    assert_eq!(pair.times(B, |sent| sent.reason == Reason::SynAck), [50, 1050]);
    assert_eq!(pair.entered(A, State::Established), at(1100));
    let mut pair = Pair::new(linux());
    pair.script(|sent| if sent.from == B && sent.count == 1 { DROP } else { PASS });
    pair.connect(A);
    pair.run_for(Duration::from_secs(3));
    assert_eq!(pair.entered(A, State::Established), at(1100));
    assert_eq!(pair.state(B), State::Established);
}

/// A SYN-ACK that goes out again because the SYN came again is a retransmission, but no timer ran out.
#[test]
fn repeated_syn() {
    let mut pair = Pair::new(linux());
    pair.script(|sent| Fate {
        copies: if sent.reason == Reason::Syn { vec![ms(20)] } else { vec![] },
        ..PASS
    });
    pair.connect(A);
    pair.run_for(ms(300));
    let syn = Cause::Arrival(PacketId::new(PlaceId(A as u32), 1));
    let syn_acks: Vec<_> = pair
        .sent
        .iter()
        .filter(|sent| sent.reason == Reason::SynAck)
        .map(|sent| (sent.at, sent.cause, sent.transmission))
        .collect();
    assert_eq!(syn_acks, [(at(50), syn, 1), (at(70), syn, 2)]);
    let counters = pair.end(B).counters();
    assert_eq!((counters.retransmissions, counters.timeouts), (1, 0));
}

/// S08: the handshake's ACK is lost and B is asked again by its SYN-ACK timer; A answers, nothing else happens.
#[test]
fn lost_handshake_ack() {
    for config in [rfc(), linux()] {
        // Linux challenges every SYN.
        let challenges = config.arrival.sequence_check == SequenceCheck::Overlap;
        let answer = if challenges { Reason::ChallengeAck } else { Reason::UnacceptableAck };
        let mut pair = Pair::new(config);
        pair.script(|sent| if sent.from == A && sent.count == 2 { DROP } else { PASS });
        pair.connect(A);
        pair.run_for(Duration::from_secs(5));
        assert_eq!(pair.times(B, |_| true), [50, 1050]);
        assert_eq!(pair.entered(B, State::Established), at(1150));
        assert_eq!(pair.state_names(A), ["CLOSED", "SYN_SENT", "ESTABLISHED"]);
        assert_eq!(pair.sent.last().unwrap().reason, answer);
    }
}

/// S38, S40: RTO doubles up to its bound; R1 is told at the third retransmission; R2 ends it 100 s after the first
/// sending, exactly.
#[test]
fn give_up_rfc() {
    // A probe (RFC 8985 §7) would put the first timeout off.
    let mut pair = Pair::open(without_probe(rfc()));
    pair.script(|_| DROP);
    pair.write(A, 0, 100);
    pair.run_to_end();
    let t0 = 150;
    assert_eq!(
        pair.times(A, |sent| !sent.segment.payload.is_empty()),
        [0, 1, 3, 7, 15, 31, 63].map(|s| t0 + s * 1000)
    );
    assert_eq!(pair.entered(A, State::Closed), at(t0 + 100_000));
    assert_eq!(pair.end(A).error(), Some(ConnectionError::TimedOut));
    let r1: Vec<_> = pair.events[A]
        .iter()
        .filter(|(_, event)| *event == Event::SoftError(SoftError::RetransmissionThreshold))
        .map(|(when, _)| *when)
        .collect();
    assert_eq!(r1, [at(t0 + 7000)]);
}

/// S40: Linux's tcp_retries2 is 924.6 s with an RTO of 200 ms. The round trip is next to nothing here.
#[test]
fn give_up_linux() {
    let mut pair = Pair::new(without_probe(linux()));
    pair.latency = [Duration::ZERO; 2];
    pair.connect(A);
    pair.run_for(ms(10));
    pair.write(A, 0, 100);
    pair.run_for(ms(10));
    let rto = pair.end(A).info().rto;
    assert!(rto.as_nanos() - 200_000_000 < 100, "{rto}");
    pair.script(|_| DROP);
    pair.write(A, 100, 100);
    let t0 = pair.now;
    pair.run_to_end();
    let ended = pair.entered(A, State::Closed) - t0;
    assert!(ended.as_nanos() - 924_600_000_000 < 1_000_000, "{ended}");
    assert_eq!(
        pair.sent
            .iter()
            .filter(|sent| sent.stream_offset == 100 && sent.from == A && sent.transmission > 1)
            .count(),
        15
    );
}

/// RFC 5482: the user timeout takes the place of R2 (MUST-21). Linux counts from the first timeout, 300 ms after its tail
/// loss probe at 300 ms.
#[test]
fn user_timeout() {
    for (config, from) in [(rfc(), 0), (linux(), 600)] {
        let mut pair = Pair::open(config);
        pair.call(A, |a, now| a.set_user_timeout(now, Some(Duration::from_secs(10))));
        pair.run_for(Duration::from_secs(30));
        pair.script(|_| DROP);
        pair.write(A, 0, 100);
        pair.run_to_end();
        assert_eq!(pair.entered(A, State::Closed), at(150 + 30_000 + from + 10_000));
        assert_eq!(pair.end(A).error(), Some(ConnectionError::TimedOut));
    }
}

/// S50, S17: probes 7200 s after the last sign of life, then every 75 s; dead after nine without an answer. Off by
/// default (MUST-24..29).
#[test]
fn keep_alive() {
    for config in [rfc(), linux()] {
        let mut pair = Pair::open(config.clone());
        pair.run_for(Duration::from_secs(86_400));
        assert_eq!(pair.sent.len(), 3, "off by default");

        let mut pair = Pair::open(config);
        pair.call(A, |a, now| a.set_keep_alive(now, KeepAliveSetting::Enabled(true)));
        let heard = pair.entered(A, State::Established);
        // Eight of nine are lost, the ninth is answered.
        pair.script(|sent| if sent.from == A && sent.count < 2 + 9 { DROP } else { PASS });
        pair.run_for(Duration::from_secs(7200 + 8 * 75 + 10));
        let probes = pair.times(A, |sent| sent.reason == Reason::KeepAlive);
        assert_eq!(probes, (0..9).map(|n| 100 + 7_200_000 + n * 75_000).collect::<Vec<_>>());
        assert_eq!(pair.state(A), State::Established);
        let probe = pair.sent.iter().find(|sent| sent.reason == Reason::KeepAlive).unwrap();
        assert_eq!((probe.segment.seq.0, probe.segment.payload.len()), (100, 0), "SHLD-12");
        let answered = pair.now;
        // Now the peer is dead for good.
        pair.ends[B] = End::Closed;
        pair.script(|_| DROP);
        pair.run_to_end();
        assert!(pair.entered(A, State::Closed) > answered);
        let first = heard + Duration::from_secs(7200 + 8 * 75) + ms(100);
        assert_eq!(pair.entered(A, State::Closed), first + Duration::from_secs(7200 + 9 * 75));
        assert_eq!(pair.end(A).error(), Some(ConnectionError::TimedOut));
    }
}

/// O17: write-write-read. The second small write waits for the ACK of the first (Nagle), which is delayed.
#[test]
fn nagle_against_delayed_ack() {
    let mut pair = Pair::open(rfc());
    pair.write(A, 0, 10);
    pair.write(A, 10, 10);
    pair.run_for(Duration::from_secs(2));
    assert_eq!(pair.times(A, |sent| !sent.segment.payload.is_empty()), [150, 150 + 100 + 200]);

    let mut pair = Pair::open(rfc());
    pair.call(A, |a, _| a.set_no_delay(true));
    pair.write(A, 0, 10);
    pair.write(A, 10, 10);
    assert_eq!(pair.times(A, |sent| !sent.segment.payload.is_empty()), [150, 150]);

    // Minshall: the second small one waits, a full one and one small tail do not.
    let mut pair = Pair::open(linux());
    pair.write(A, 0, 1448 + 10);
    pair.write(A, 1458, 10);
    assert_eq!(pair.times(A, |sent| !sent.segment.payload.is_empty()), [150, 150]);
    let mut pair = Pair::open(rfc());
    pair.write(A, 0, 1448 + 10);
    assert_eq!(pair.times(A, |sent| !sent.segment.payload.is_empty()), [150]);
}

/// A delayed ACK goes after 200 ms by itself, at once for the second full segment (SHLD-18, SHLD-19, MUST-40).
#[test]
fn delayed_ack() {
    let mut pair = Pair::open(rfc());
    pair.write(A, 0, 100);
    pair.run_for(ms(1000));
    let acks = pair.times(B, |sent| sent.reason == Reason::DelayedAck);
    assert_eq!(acks, [200 + 200]);
    let acks = pair.sent.len();
    pair.write(A, 100, 2 * 1448);
    pair.run_for(ms(50));
    assert_eq!(pair.sent.len() - acks, 3);
    assert_eq!(pair.sent.last().unwrap().reason, Reason::Ack);
}

/// MUST-58, MUST-59: what arrives at one instant is acknowledged once, with the final RCV.NXT.
#[test]
fn one_ack_for_all_of_an_instant() {
    let mut pair = Pair::open(linux());
    pair.write(A, 0, 5 * 1448);
    let before = pair.sent.len();
    pair.run_for(ms(50));
    let acks: Vec<_> = pair.sent[before..].iter().map(|sent| sent.segment.ack.0).collect();
    assert_eq!(acks, [101 + 5 * 1448]);
}

/// Linux (`tcp_rcv_synsent_state_process`): an acknowledgment of something never sent has the SYN sent again two ticks
/// later; once it was sent again, its timer goes on undisturbed.
#[test]
fn a_suspicious_ack_hastens_the_second_syn() {
    for (config, syns) in [(linux(), [0, 12, 1012, 2012]), (rfc(), [0, 1000, 3000, 7000])] {
        let mut pair = Pair::new(config);
        pair.script(|_| DROP);
        pair.connect(A);
        let forged = pair.forged(B, 5000, 999, Flags::SYN | Flags::ACK);
        for _ in 0..2 {
            pair.run_for(ms(10));
            pair.inject(A, &forged);
        }
        assert_eq!(pair.state(A), State::SynSent);
        pair.run_for(ms(7500));
        let seen = pair.times(A, |sent| sent.segment.flags == Flags::SYN);
        assert_eq!(seen[..4], syns);
        assert_eq!(pair.times(A, |sent| sent.segment.flags == Flags::RST), [10, 20]);
    }
}

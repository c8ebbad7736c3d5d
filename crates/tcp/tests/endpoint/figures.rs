//! The figures of RFC 9293 §3.5 and §3.6, line by line: SEQ, ACK, CTL and both states.

use faultwire_base::{PacketId, PlaceId};
use faultwire_tcp::{ConnectionError, State};
use faultwire_wire::{Cause, Flags, Reason};

use crate::pair::*;

/// Figure 6: basic three-way handshake.
#[test]
fn figure_6() {
    for config in [rfc(), linux()] {
        let mut pair = Pair::open(config);
        pair.write(A, 0, 10);
        pair.run_for(ms(50));
        assert_eq!(
            pair.lines,
            [
                "SYN-SENT --> <SEQ=100><CTL=SYN> --> SYN-RECEIVED",
                "ESTABLISHED <-- <SEQ=300><ACK=101><CTL=SYN,ACK> <-- SYN-RECEIVED",
                "ESTABLISHED --> <SEQ=101><ACK=301><CTL=ACK> --> ESTABLISHED",
                "ESTABLISHED --> <SEQ=101><ACK=301><CTL=ACK><DATA=10> --> ESTABLISHED",
            ]
        );
        assert_eq!(pair.entered(A, State::Established), at(100));
        assert_eq!(pair.entered(B, State::Established), at(150));
    }
}

/// Figure 7: simultaneous connection synchronization, with exactly four segments (MUST-10). Linux answers the SYN,ACK of
/// the other side too.
#[test]
fn figure_7() {
    for (config, segments) in [(rfc(), 4), (linux(), 6)] {
        let mut pair = Pair::new(config);
        pair.connect(A);
        pair.connect(B);
        pair.run_for(ms(900));
        assert_eq!(
            pair.lines[..4],
            [
                "SYN-SENT --> <SEQ=100><CTL=SYN> --> SYN-RECEIVED",
                "SYN-RECEIVED <-- <SEQ=300><CTL=SYN> <-- SYN-SENT",
                "SYN-RECEIVED --> <SEQ=100><ACK=301><CTL=SYN,ACK> --> ESTABLISHED",
                "ESTABLISHED <-- <SEQ=300><ACK=101><CTL=SYN,ACK> <-- SYN-RECEIVED",
            ]
        );
        assert_eq!(pair.sent.len(), segments);
        assert_eq!((pair.state(A), pair.state(B)), (State::Established, State::Established));
        for side in [A, B] {
            let syn_ack = pair.sent.iter().find(|sent| sent.from == side && sent.reason == Reason::SynAck);
            let syn_ack = syn_ack.expect("each side answers the other's SYN");
            let syn = PacketId::new(PlaceId(side as u32 ^ 1), 1);
            assert_eq!((syn_ack.cause, syn_ack.transmission), (Cause::Arrival(syn), 1));
            let counters = pair.end(side).counters();
            assert_eq!((counters.retransmissions, counters.timeouts), (0, 0));
        }
        pair.write(A, 0, 3000);
        pair.write(B, 0, 3000);
        pair.run_for(ms(500));
        assert_eq!((pair.octets_read(A).len(), pair.octets_read(B).len()), (3000, 3000));
    }
}

/// Figure 8: recovery from an old duplicate SYN.
#[test]
fn figure_8() {
    for mut config in [rfc(), linux()] {
        // The figure's client waits for its timer.
        config.opening.suspicious_ack = None;
        let mut pair = Pair::new(config);
        // The SYN 100 is slow; SYN 90 of an old incarnation overtakes it.
        pair.script(|sent| {
            let slow = sent.from == A && sent.count == 1;
            Fate { delay: if slow { ms(300) } else { ms(0) }, ..PASS }
        });
        pair.connect(A);
        pair.run_for(ms(10));
        let old = pair.forged(A, 90, 0, Flags::SYN);
        pair.inject(B, &old);
        assert_eq!(pair.state(B), State::SynReceived);
        pair.run_for(ms(150));
        assert_eq!(
            pair.lines,
            [
                "SYN-SENT <-- <SEQ=300><ACK=91><CTL=SYN,ACK> <-- SYN-RECEIVED",
                "SYN-SENT --> <SEQ=91><CTL=RST> --> LISTEN",
            ]
        );
        pair.isns[B] = 400;
        pair.run_for(ms(700));
        assert_eq!(
            pair.lines[2..],
            [
                "SYN-SENT --> <SEQ=100><CTL=SYN> --> SYN-RECEIVED",
                "ESTABLISHED <-- <SEQ=400><ACK=101><CTL=SYN,ACK> <-- SYN-RECEIVED",
                "ESTABLISHED --> <SEQ=101><ACK=401><CTL=ACK> --> ESTABLISHED",
            ]
        );
    }
}

/// Figure 9: half-open connection discovery.
#[test]
fn figure_9() {
    for config in [rfc(), linux()] {
        let mut config = config;
        // Without timestamps: the figure knows none.
        config.options.timestamps = false;
        // And its client waits for its timer.
        config.opening.suspicious_ack = None;
        let mut pair = Pair::open(config);
        pair.lines.clear();
        // A crashes and opens again.
        pair.isns[A] = 400;
        pair.connect(A);
        pair.run_for(ms(160));
        assert_eq!(
            pair.lines,
            [
                "SYN-SENT --> <SEQ=400><CTL=SYN> --> ESTABLISHED",
                "SYN-SENT <-- <SEQ=301><ACK=101><CTL=ACK> <-- ESTABLISHED",
                "SYN-SENT --> <SEQ=101><CTL=RST> --> CLOSED",
            ]
        );
        assert_eq!(pair.end(B).error(), Some(ConnectionError::Reset));
        // B listens again; A's second SYN, one second after the first, finds it.
        pair.ends[B] = End::Listen;
        pair.run_for(ms(2000));
        assert_eq!(pair.entered(A, State::Established), at(150 + 1000 + 100));
    }
}

/// Figure 10: the active side causes half-open connection discovery.
#[test]
fn figure_10() {
    let mut pair = Pair::open(rfc());
    pair.lines.clear();
    pair.ends[A] = End::Closed;
    pair.write(B, 0, 10);
    pair.run_for(ms(100));
    assert_eq!(
        pair.lines,
        [
            "CLOSED <-- <SEQ=301><ACK=101><CTL=ACK><DATA=10> <-- ESTABLISHED",
            "CLOSED --> <SEQ=101><CTL=RST> --> CLOSED",
        ]
    );
    assert_eq!(pair.end(B).error(), Some(ConnectionError::Reset));
}

/// Figure 11: an old duplicate SYN initiates a reset on two passive sockets.
#[test]
fn figure_11() {
    for config in [rfc(), linux()] {
        let mut pair = Pair::new(config);
        pair.ends[A] = End::Listen;
        let old = pair.forged(A, 90, 0, Flags::SYN);
        pair.inject(B, &old);
        pair.run_for(ms(500));
        assert_eq!(
            pair.lines,
            [
                "LISTEN <-- <SEQ=300><ACK=91><CTL=SYN,ACK> <-- SYN-RECEIVED",
                "LISTEN --> <SEQ=91><CTL=RST> --> LISTEN",
            ]
        );
        assert_eq!((pair.state(A), pair.state(B)), (State::Listen, State::Listen));
    }
}

/// Figure 12: normal close sequence. Linux acknowledges the FIN by itself too, since the user closes later.
#[test]
fn figure_12() {
    for config in [rfc(), linux()] {
        let two_msl = config.time_wait.length;
        let mut pair = Pair::open(config);
        pair.lines.clear();
        pair.close(A);
        pair.run_for(ms(100));
        pair.close(B);
        pair.run_for(ms(200));
        assert_eq!(
            pair.lines,
            [
                "FIN-WAIT-1 --> <SEQ=101><ACK=301><CTL=FIN,ACK> --> CLOSE-WAIT",
                "FIN-WAIT-2 <-- <SEQ=301><ACK=102><CTL=ACK> <-- CLOSE-WAIT",
                "TIME-WAIT <-- <SEQ=301><ACK=102><CTL=FIN,ACK> <-- LAST-ACK",
                "TIME-WAIT --> <SEQ=102><ACK=302><CTL=ACK> --> CLOSED",
            ]
        );
        let entered = pair.entered(A, State::TimeWait);
        pair.run_to_end();
        assert_eq!(pair.entered(A, State::Closed), entered + two_msl);
        assert_eq!(pair.lines.len(), 4, "TIME-WAIT is quiet");
    }
}

/// Figure 13: simultaneous close sequence.
#[test]
fn figure_13() {
    for config in [rfc(), linux()] {
        let mut pair = Pair::open(config);
        pair.lines.clear();
        pair.close(A);
        pair.close(B);
        pair.run_for(ms(300));
        assert_eq!(
            pair.lines,
            [
                "FIN-WAIT-1 --> <SEQ=101><ACK=301><CTL=FIN,ACK> --> CLOSING",
                "CLOSING <-- <SEQ=301><ACK=101><CTL=FIN,ACK> <-- FIN-WAIT-1",
                "CLOSING --> <SEQ=102><ACK=302><CTL=ACK> --> TIME-WAIT",
                "TIME-WAIT <-- <SEQ=302><ACK=102><CTL=ACK> <-- CLOSING",
            ]
        );
        pair.run_to_end();
        for side in [A, B] {
            let waited = pair.entered(side, State::Closed) - pair.entered(side, State::TimeWait);
            assert_eq!(waited, pair.configs[side].time_wait.length);
        }
    }
}

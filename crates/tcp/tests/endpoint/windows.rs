//! Flow control: closed windows, probes, silly windows.

use faultwire_base::Duration;
use faultwire_tcp::{Config, State};
use faultwire_wire::{Flags, Reason};

use crate::pair::*;

fn small_receiver(config: Config, octets: u64) -> Pair {
    let mut pair = Pair::new(config);
    let mut config = Config::clone(&pair.configs[B]);
    config.buffers.receive = octets * config.buffers.receive_overhead;
    config.buffers.receive_max = config.buffers.receive;
    pair.configs[B] = std::sync::Arc::new(config);
    pair.auto_read[B] = false;
    pair.connect(A);
    pair.run_for(ms(150));
    pair
}

/// S44, SHLD-29, SHLD-30: probes at RTO, then doubling up to the bound.
#[test]
fn probe_series() {
    // Round trip 100 ms: the RTO is 1 s by the letter, SRTT + 200 ms = 300 ms and more on Linux.
    for (config, bound) in [(rfc(), 60_000), (linux(), 120_000)] {
        let mut pair = small_receiver(config, 2 * 1448);
        pair.write(A, 0, 10_000);
        // Linux leaves a rest of the window that holds no full segment to the first probe.
        pair.run_for(ms(800));
        assert_eq!(pair.end(B).info().receive_window, 0);
        let rto = pair.end(A).info().rto.as_nanos() / 1_000_000;
        let closes = |sent: &&Sent| sent.from == B && sent.segment.window == 0;
        let closed_at = pair.sent.iter().find(closes).unwrap().at + ms(50);
        pair.run_for(Duration::from_secs(1000));
        let probes = pair.times(A, |sent| sent.reason == Reason::ZeroWindowProbe);
        let mut expected = Vec::new();
        let mut next = closed_at.as_nanos() / 1_000_000;
        let mut gap = rto;
        while expected.len() < probes.len() {
            // On Linux the interval begins again with the answer, a round trip after the probe.
            let answer = if bound == 120_000 && !expected.is_empty() { 100 } else { 0 };
            next += gap.min(bound) + answer;
            gap *= 2;
            expected.push(next);
        }
        assert_eq!(probes, expected);
        assert!(probes.len() > 8);
        assert_eq!(pair.state(A), State::Established);
    }
}

/// MUST-37, SHLD-17, MAY-8: a peer that answers may keep its window closed for a day.
#[test]
fn a_day_with_a_closed_window() {
    for config in [rfc(), linux()] {
        let mut pair = small_receiver(config, 4096);
        pair.write(A, 0, 10_000);
        pair.run_for(Duration::from_secs(86_400));
        assert_eq!((pair.state(A), pair.state(B)), (State::Established, State::Established));
        pair.auto_read[B] = true;
        pair.settle();
        pair.run_for(Duration::from_secs(300));
        assert_eq!(pair.octets_read(B), data(0, 10_000).to_vec());
    }
}

/// S44, MUST-36: the window update is lost; a probe's answer carries the window.
#[test]
fn lost_window_update() {
    for config in [rfc(), linux()] {
        let mut pair = small_receiver(config, 4096);
        pair.write(A, 0, 10_000);
        pair.run_for(ms(400));
        pair.script(|sent| if sent.reason == Reason::WindowUpdate { DROP } else { PASS });
        pair.auto_read[B] = true;
        pair.settle();
        assert_eq!(pair.sent.last().unwrap().reason, Reason::WindowUpdate);
        pair.run_for(Duration::from_secs(60));
        assert_eq!(pair.octets_read(B), data(0, 10_000).to_vec());
    }
}

/// Unanswered probes end the connection: R2 by the letter, tcp_retries2 on Linux.
#[test]
fn unanswered_probes() {
    let mut pair = small_receiver(rfc(), 2 * 1448);
    pair.write(A, 0, 10_000);
    pair.run_for(ms(400));
    pair.script(|_| DROP);
    pair.run_to_end();
    assert_eq!(pair.state(A), State::Closed);
    let first = pair.times(A, |sent| sent.reason == Reason::ZeroWindowProbe)[0];
    let waited = pair.entered(A, State::Closed) - at(first);
    assert!(waited >= Duration::from_secs(100) && waited < Duration::from_secs(130), "{waited}");
}

/// S47, MUST-38, MUST-39: the user reads octet by octet; nobody sends tiny segments.
#[test]
fn silly_window() {
    for config in [rfc(), linux()] {
        let mut pair = small_receiver(config, 4000);
        pair.write(A, 0, 20_000);
        pair.run_for(ms(400));
        for _ in 0..20_000 {
            pair.call(B, |b, now| b.read(now, 1));
            pair.run_for(ms(1));
        }
        let mut sizes: Vec<_> =
            pair.sent.iter().map(|sent| sent.segment.payload.len()).filter(|size| *size > 1).collect();
        sizes.pop();
        let mean = sizes.iter().sum::<u32>() / sizes.len() as u32;
        assert!(mean >= 724, "{mean}");
    }
}

/// SHLD-14: ACK + WND never falls, whatever the user does with its buffer.
#[test]
fn right_edge_never_moves_left() {
    for config in [rfc(), linux()] {
        let mut pair = Pair::open(config);
        pair.auto_read[B] = false;
        pair.write(A, 0, 16_000);
        for round in 0..200u64 {
            pair.run_for(ms(7));
            if round == 50 {
                pair.call(B, |b, _| b.set_receive_buffer(2000));
            }
            pair.call(B, |b, now| b.read(now, round * 3 % 400));
            let written = pair.end(A).counters().bytes_sent;
            pair.write(A, written.max(16_000), 500);
        }
        let shift = pair.end(B).info().window_scale.unwrap().1;
        let edges: Vec<_> = pair
            .sent
            .iter()
            .filter(|sent| sent.from == B && !sent.segment.flags.contains(Flags::SYN))
            .map(|sent| sent.segment.ack + (u32::from(sent.segment.window) << shift))
            .collect();
        assert!(edges.windows(2).all(|pair| !pair[1].before(pair[0])));
        assert!(edges.len() > 20);
    }
}

/// MUST-34, SHLD-15, SHLD-16: the peer takes window back; nothing new goes out, old data does, nobody panics.
#[test]
fn window_shrinks() {
    let mut pair = Pair::open(rfc());
    pair.script(|sent| if sent.from == A { DROP } else { PASS });
    pair.write(A, 0, 10_000);
    let sent = pair.sent.len();
    let mut shrunk = pair.forged(B, 301, 101, Flags::ACK);
    shrunk.window = 0;
    let stamps = pair.sent.iter().rev().find(|sent| sent.from == B).unwrap().segment.options;
    shrunk.options = {
        let mut options = faultwire_wire::Options::EMPTY;
        options.push_raw(&[1, 1]);
        let (value, echo) = stamps.timestamps().unwrap();
        options.push_timestamps(value + 60, echo);
        options
    };
    pair.inject(A, &shrunk);
    assert_eq!(pair.sent.len(), sent);
    pair.run_for(Duration::from_secs(2));
    let again: Vec<_> = pair.sent[sent..].iter().map(|sent| (sent.stream_offset, sent.reason)).collect();
    assert_eq!(again, [(0, Reason::TimeoutRetransmission)]);
}

/// SHLD-27: writes behind a closed window leave as one segment.
#[test]
fn small_writes_collapse() {
    let mut pair = small_receiver(rfc(), 4096);
    pair.write(A, 0, 4096);
    pair.run_for(ms(400));
    for n in 0..10 {
        pair.write(A, 4096 + n * 10, 10);
    }
    pair.auto_read[B] = true;
    pair.settle();
    pair.run_for(Duration::from_secs(3));
    let last: Vec<_> = pair
        .sent
        .iter()
        .filter(|sent| sent.stream_offset == 4096 && sent.segment.payload.len() > 1)
        .collect();
    assert_eq!(last.len(), 1);
    assert_eq!(last[0].segment.payload.len(), 100);
    assert!(last[0].segment.flags.contains(Flags::PSH));
}

/// MUST-1, REC-1: windows beyond 64 KiB are used.
#[test]
fn large_windows() {
    let mut config = rfc();
    config.buffers.receive = 1 << 30;
    config.buffers.receive_max = 1 << 30;
    config.buffers.send = 1 << 30;
    config.buffers.send_max = 1 << 30;
    config.congestion.initial_window = faultwire_tcp::InitialWindow::Segments(3000);
    let mut pair = Pair::open(config);
    pair.write(A, 0, 20_000_000);
    let mut most = 0;
    for _ in 0..40 {
        pair.run_for(ms(50));
        most = most.max(u64::from(pair.end(A).info().unacknowledged) * 1448);
    }
    assert!(most > 4_000_000, "{most}");
    assert_eq!(pair.end(A).info().window_scale, Some((14, 14)));
    pair.run_for(Duration::from_secs(20));
    assert_eq!(pair.octets_read(B).len(), 20_000_000);
}

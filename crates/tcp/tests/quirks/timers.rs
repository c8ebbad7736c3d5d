//! Timers: retransmission, zero-window probes, keep-alive, delayed ACKs.

use faultwire_base::Duration;
use faultwire_tcp::{Config, ConnectionError, KeepAliveSetting, Quirk};
use faultwire_wire::{Flags, Reason};

use crate::pair::*;
use crate::{open, open_between, right_and_wrong, with};

/// RFC 2525 §2.7: the SYN goes again after a second (RFC 6298 §2.1), or after 100 ms.
#[test]
fn initial_rto_too_low() {
    let syns = |config| {
        let mut pair = Pair::new(config);
        pair.script(|_| DROP);
        pair.connect(A);
        pair.run_for(ms(1500));
        pair.times(A, |_| true)
    };
    let (right, wrong) = right_and_wrong(Quirk::InitialRtoTooLow, syns);
    assert_eq!((right, wrong), (vec![0, 1000], vec![0, 100, 300, 700, 1500]));
}

/// RFC 2525 §2.10: each timeout doubles the next (RFC 6298 §5.5), of data and of a SYN, or none does.
#[test]
fn no_retransmission_back_off() {
    let data_and_syns = |config: Config| {
        let mut pair = open(without_probe(config.clone()));
        pair.script(|_| DROP);
        pair.write(A, 0, 100);
        pair.run_for(ms(7500));
        let data = pair.times(A, |sent| !sent.segment.payload.is_empty());
        let mut pair = Pair::new(config);
        pair.script(|_| DROP);
        pair.connect(A);
        pair.run_for(ms(7500));
        (data, pair.times(A, |_| true))
    };
    let (right, wrong) = right_and_wrong(Quirk::NoRetransmissionBackOff, data_and_syns);
    assert_eq!(right, (vec![150, 1150, 3150, 7150], vec![0, 1000, 3000, 7000]));
    let each = |first: u64| (0..8).map(|n| first + 1000 * n).collect::<Vec<_>>();
    assert_eq!(wrong, (each(150), each(0)));
}

/// RFC 6298 §3 (Karn): an ACK that was on its way for 1.04 s, and comes 40 ms after the retransmission, measures nothing, or
/// 40 ms.
#[test]
fn karn_ignored() {
    let measured = |mut config: Config| {
        config.options.timestamps = false;
        let mut pair = open(without_probe(config));
        let before = pair.end(A).info().rtt;
        pair.script(|sent| {
            let late = sent.from == B && sent.count == 2;
            Fate { delay: if late { ms(940) } else { Duration::ZERO }, ..PASS }
        });
        pair.call(B, |connection, _| connection.set_quick_ack(true));
        pair.write(A, 0, 100);
        pair.run_for(ms(1045));
        assert_eq!(pair.end(A).send_queued(), 0, "acknowledged");
        (before, pair.end(A).info().rtt)
    };
    let (right, wrong) = right_and_wrong(Quirk::KarnIgnored, measured);
    assert_eq!(right.0, right.1);
    assert_eq!(wrong.1, right.0.map(|before| (before * 7 + ms(40)) / 8));
}

/// smoltcp issue 62: while the peer sends data every 300 ms, whose ACK field says nothing new, the timer of a lost segment
/// runs out after a second (RFC 6298 §5.3), or not until the peer is silent.
#[test]
fn timer_restarted_by_every_ack() {
    let resent = |config| {
        let mut pair = open(without_probe(config));
        pair.script(|sent| {
            if sent.from == A && sent.segment.payload.len() == 100 && sent.transmission == 1 {
                DROP
            } else {
                PASS
            }
        });
        pair.write(A, 0, 100);
        for n in 0..10 {
            pair.write(B, 10 * n, 10);
            pair.run_for(ms(300));
        }
        pair.run_for(ms(2000));
        pair.times(A, |sent| sent.transmission > 1)
    };
    let (right, wrong) = right_and_wrong(Quirk::TimerRestartedByEveryAck, resent);
    assert_eq!((right, wrong), (vec![1150], vec![150 + 9 * 300 + 50 + 1000]));
}

/// B reads nothing until its window is closed, then all of it, and the window update is lost. Gives what B has read after
/// five minutes, and how many probes A sent.
fn lost_window_update(config: Config) -> (usize, usize) {
    let mut small = rfc();
    small.buffers.receive = 3 * 1448;
    small.buffers.receive_max = 3 * 1448;
    let mut pair = open_between(config, small);
    pair.auto_read[B] = false;
    pair.write(A, 0, 10_000);
    pair.run_for(ms(800));
    pair.script(|sent| if sent.from == B && sent.reason == Reason::WindowUpdate { DROP } else { PASS });
    pair.auto_read[B] = true;
    pair.settle();
    pair.script(|_| PASS);
    pair.run_for(Duration::from_secs(300));
    let probes = pair.sent.iter().filter(|sent| sent.reason == Reason::ZeroWindowProbe).count();
    (pair.octets_read(B).len(), probes)
}

/// RFC 2525 §2.12, RFC 9293 §3.8.6.1: a closed window is probed, or one lost window update is the end.
#[test]
fn no_zero_window_probe() {
    let (right, wrong) = right_and_wrong(Quirk::NoZeroWindowProbe, lost_window_update);
    assert_eq!(right.0, 10_000);
    assert!(right.1 > 0);
    assert_eq!(wrong, (3 * 1448, 0));
    assert_eq!(lost_window_update(linux()).0, 10_000);
    assert_eq!(lost_window_update(with(linux(), Quirk::NoZeroWindowProbe)), (3 * 1448, 0));
}

/// RFC 9293 §3.8.4: a probe at SND.NXT - 1 is answered, and the connection lives; one at SND.NXT is not, and it dies.
#[test]
fn keep_alive_at_next() {
    let end = |config| {
        let mut pair = open(config);
        pair.call(A, |connection, now| {
            connection.set_keep_alive(now, KeepAliveSetting::Idle(Duration::from_secs(10)));
            connection.set_keep_alive(now, KeepAliveSetting::Interval(Duration::from_secs(1)));
            connection.set_keep_alive(now, KeepAliveSetting::Probes(3));
            connection.set_keep_alive(now, KeepAliveSetting::Enabled(true));
        });
        pair.run_for(Duration::from_secs(35));
        let probes: Vec<_> = pair
            .sent
            .iter()
            .filter(|sent| sent.reason == Reason::KeepAlive)
            .map(|sent| sent.segment.seq.0)
            .collect();
        (probes, pair.end(A).error())
    };
    let (right, wrong) = right_and_wrong(Quirk::KeepAliveAtNext, end);
    assert_eq!(right, (vec![100, 100, 100], None));
    assert_eq!(wrong, (vec![101, 101, 101], Some(ConnectionError::TimedOut)));
}

/// RFC 9293 §3.8.6.3: one segment is acknowledged when the delay is over, or only because it came again.
#[test]
fn delayed_ack_forgotten() {
    let acks = |config| {
        let mut pair = open_between(without_probe(rfc()), config);
        pair.write(A, 0, 100);
        pair.run_for(ms(2000));
        pair.times(B, |sent| !sent.segment.flags.contains(Flags::SYN))
    };
    let (right, wrong) = right_and_wrong(Quirk::DelayedAckForgotten, acks);
    assert_eq!((right, wrong), (vec![400], vec![1200]));
}

/// RFC 2525 §2.13: every second full segment is acknowledged (RFC 9293 §3.8.6.3), or every eighth.
#[test]
fn stretch_acks() {
    let acks = |config| {
        let mut fast = rfc();
        fast.congestion.initial_window = faultwire_tcp::InitialWindow::Segments(16);
        let mut pair = open_between(fast, config);
        pair.rate[A] = Some((ms(1), 100));
        pair.write(A, 0, 16 * 1448);
        pair.run_for(ms(70));
        pair.sent.iter().filter(|sent| sent.from == B && sent.segment.ack.0 > 101).count()
    };
    let (right, wrong) = right_and_wrong(Quirk::StretchAcks, acks);
    assert_eq!((right, wrong), (8, 2));
    assert_eq!(acks(with(linux(), Quirk::StretchAcks)), 2);
}

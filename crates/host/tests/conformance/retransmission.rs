//! RFC 9293 §3.8.1, §3.8.2: the retransmission timer and congestion control.

use faultwire_host::Fd;
use faultwire_tcp::{Config, CongestionAlgorithm, State};
use faultwire_wire::Body;

use crate::drill::Drill;
use crate::{ms, open};

/// What was sent by now, as (script number, length).
fn sent(t: &mut Drill) -> Vec<(u32, u32)> {
    let mut sent = Vec::new();
    while let Some(packet) = t.try_expect_any() {
        let Body::Tcp(segment) = packet.body else { panic!("not a segment") };
        sent.push((t.mapping.script(segment.seq), segment.payload.len()));
    }
    sent
}

/// Acknowledges each of these segments by itself, one round trip later, in the order of their numbers from `ack` on;
/// returns how far the acknowledgment came.
fn acknowledge(t: &mut Drill, segments: &[(u32, u32)], mut ack: u32) -> u32 {
    t.pass_ms(100);
    for &(at, length) in segments {
        ack = ack.max(at + length);
        t.inject(&format!(". 1:1(0) ack {ack}"));
    }
    ack
}

fn bulk(config: Config) -> (Drill, Fd) {
    let (mut t, fd) = open(config);
    // Room for all: the congestion window decides.
    t.inject(". 1:1(0) ack 1 win 65535");
    t.write(fd, 200_000).unwrap();
    (t, fd)
}

/// RFC 9293 §3.8.2 (MUST-19), RFC 5681 §3.1: the window doubles with each round trip in slow start; after a timeout it
/// is one segment, doubles up to half of what was in flight and then grows by one segment in each round trip.
#[test]
fn slow_start_and_congestion_avoidance() {
    let mut config = Config::rfc();
    // Neither a probe before the timeout (RFC 8985 §7) nor new data after it (RFC 5682).
    config.loss_recovery.tail_loss_probe = faultwire_tcp::TailLossProbe::Off;
    config.loss_recovery.forward_rto = false;
    let (mut t, fd) = bulk(config);
    let mut ack = 1;
    for expected in [4, 8, 16] {
        let round = sent(&mut t);
        assert_eq!(round.len(), expected);
        if expected < 16 {
            ack = acknowledge(&mut t, &round, ack);
        }
    }
    // All 16 are lost.
    t.pass_ms(1000);
    for expected in [1, 2, 4, 8, 9, 10] {
        let round = sent(&mut t);
        assert_eq!(round.len(), expected, "{round:?}");
        assert_eq!(round[0].0, ack);
        ack = acknowledge(&mut t, &round, ack);
    }
    sent(&mut t);
    t.abort(fd);
    t.forget_sent();
}

/// RFC 9293 §3.8.2 (MUST-19), RFC 6298 §5.5: each timeout is twice the one before, up to 60 s by the letter and 120 s on
/// Linux.
#[test]
fn the_timeout_backs_off() {
    for (config, first, most) in [(Config::rfc(), 1000, 60_000), (Config::linux(), 300, 120_000)] {
        let mut config = config;
        config.give_up.r2 = faultwire_tcp::GiveUp::Never;
        let (mut t, fd) = open(config);
        t.write(fd, 100).unwrap();
        t.expect("P. 1:101(100) ack 1");
        let mut gap = first;
        let sent = t.now;
        t.pass_ms(gap - 1);
        while let Some(packet) = t.try_expect_any() {
            // A probe of the tail of the data comes before the timeout, and is no timeout.
            assert!(t.now < sent + ms(gap), "{packet:?}");
        }
        t.pass_ms(1);
        for _ in 0..12 {
            t.expect("P. 1:101(100) ack 1");
            gap = (2 * gap).min(most);
            t.expect_nothing_for_ms(gap - 1);
            t.pass_ms(1);
        }
        t.forget_sent();
        assert_eq!(t.state(), State::Established);
    }
}

/// RFC 9293 §3.8.1 (MUST-18), RFC 6298 §2, §3: SRTT and RTTVAR of every sample, RTO = SRTT + 4 * RTTVAR; no sample of what
/// was sent twice, and the backed-off timeout until there is one.
#[test]
fn the_timeout_follows_the_round_trip() {
    let mut config = Config::rfc();
    config.retransmission.min = ms(1);
    let (mut t, fd) = open(config);
    // The handshake: R = 100 ms, RTO = 100 + 4 * 50.
    assert_eq!(t.info(fd).rto, ms(300));
    t.write(fd, 100).unwrap();
    t.expect("P. 1:101(100) ack 1");
    t.inject("+0.1 . 1:1(0) ack 101");
    // RTTVAR = 3/4 * 50 = 37.5.
    assert_eq!(t.info(fd).rto, ms(250));
    t.write(fd, 100).unwrap();
    t.expect("P. 101:201(100) ack 1");
    t.expect("+0.25 P. 101:201(100) ack 1");
    let before = (t.info(fd).rtt, t.info(fd).rtt_variation);
    // Karn: 10 ms after the second sending is no measurement of anything.
    t.inject("+0.01 . 1:1(0) ack 201");
    assert_eq!((t.info(fd).rtt, t.info(fd).rtt_variation), before);
    t.write(fd, 100).unwrap();
    t.expect("P. 201:301(100) ack 1");
    t.expect("+0.5 P. 201:301(100) ack 1");
    t.inject("+0.01 . 1:1(0) ack 301");
    t.write(fd, 100).unwrap();
    t.expect("P. 301:401(100) ack 1");
    t.inject("+0.1 . 1:1(0) ack 401");
    // A clean sample again: RTTVAR = 3/4 * 37.5 = 28.125.
    assert_eq!(t.info(fd).rto.as_nanos(), 212_500_000);
}

/// RFC 9293 §3.8.1 (MAY-4): a segment that is sent again has the same identification in its IP header, which means
/// nothing as nothing is fragmented.
#[test]
fn a_repeated_segment_may_keep_its_identification() {
    for config in crate::profiles() {
        let (mut t, fd) = open(config);
        t.write(fd, 100).unwrap();
        let first = t.expect_any();
        t.pass_ms(1000);
        let again = t.expect_any();
        assert_eq!(first.body, again.body);
        assert_eq!(first.ip, again.ip);
        assert!(first.ip.dont_fragment);
        t.forget_sent();
        t.inject(". 1:1(0) ack 101");
    }
}

/// RFC 9293 §3.8.2 (MAY-18): another congestion control is a setting, and Reno stays available.
#[test]
fn the_congestion_control_is_a_choice() {
    let mut after = Vec::new();
    for algorithm in [CongestionAlgorithm::NewReno, CongestionAlgorithm::Cubic] {
        let mut config = Config::rfc();
        config.congestion.algorithm = algorithm;
        let (mut t, fd) = bulk(config);
        let mut ack = 1;
        for _ in 0..3 {
            let round = sent(&mut t);
            ack = acknowledge(&mut t, &round, ack);
        }
        let flight = sent(&mut t);
        assert_eq!(flight.len(), 32);
        t.pass_ms(100);
        for _ in 0..3 {
            t.inject(&format!(". 1:1(0) ack {ack}"));
        }
        after.push(t.info(fd).slow_start_threshold);
        t.abort(fd);
        t.forget_sent();
    }
    // Half of the flight, and 0.7 of it.
    assert_eq!(after, [Some(16_000), Some(22_400)]);
}

//! Recovery by whole flows over a path that drops what it is told to, and by single ACKs.

mod path;

use proptest::prelude::*;

use super::*;
use crate::config::{CongestionAlgorithm, InitialWindow, LossRecoveryConfig, WindowReduction};
use crate::sent_queue::Tally;
use path::{Path, RTT, SMSS, millis, segment};

fn config(initial_segments: u32) -> Config {
    let mut config = Config::rfc();
    config.congestion.algorithm = CongestionAlgorithm::NewReno;
    // RFC 5681, 6582 and 6675 alone; what came later has its own tests.
    config.loss_recovery = LossRecoveryConfig {
        reduction: WindowReduction::AtOnce,
        undo: false,
        ..LossRecoveryConfig::freebsd()
    };
    config.congestion.initial_window = InitialWindow::Segments(initial_segments);
    config
}

fn run(config: &Config, sack: bool, segments: u64, drops: impl IntoIterator<Item = u64>) -> (Path, u64) {
    let mut path = Path::new(config, sack, segments).dropping(drops);
    let end = millis(path.run());
    (path, end)
}

// O2: after n round trips of slow start IW * (2^n - 1) segments are through.
#[test]
fn slow_start_time_of_a_transfer() {
    for sack in [false, true] {
        for (segments, rounds) in [(10, 1), (11, 2), (30, 2), (70, 3), (150, 4), (310, 5)] {
            assert_eq!(run(&config(10), sack, segments, []).1, rounds * 100, "{segments} segments");
        }
    }
}

// S39, RFC 5681 §3.2: the third duplicate ACK sends it again, at once.
#[test]
fn one_loss_is_repaired_without_a_timeout() {
    for sack in [false, true] {
        let (path, end) = run(&config(20), sack, 20, [5]);
        assert_eq!(path.sendings(5), [0, 100]);
        assert_eq!(end, 200);
        let duplicates = path.when(|verdict| verdict.duplicate).len() as u64;
        assert_eq!(
            path.sender.counters(),
            &Counters {
                retransmitted_segments: 1,
                fast_retransmissions: 1,
                timeouts: 0,
                duplicate_acks: duplicates as u32,
                duplicate_sacks: 0,
                delivered: 21,
                probes: 0,
                undone: 0,
            }
        );
        assert_eq!(duplicates, 14);
        assert_eq!(path.when(|verdict| verdict.entered_recovery), [100]);
        assert_eq!(path.when(|verdict| verdict.left_recovery), [200]);
    }
}

// O19: NewReno repairs one segment a round trip (RFC 6582 §3.2), SACK all in one (RFC 6675 §5).
#[test]
fn losses_of_one_window_take_k_round_trips_or_one() {
    for losses in 1..=5 {
        let drops = 2..2 + losses;
        let (path, end) = run(&config(20), false, 20, drops.clone());
        assert_eq!(path.when(|verdict| verdict.left_recovery), [100 + losses * 100]);
        assert_eq!(end, 100 + losses * 100);
        assert_eq!(path.sent_for(Reason::FastRetransmission), drops.clone().collect::<Vec<_>>());
        assert_eq!(path.sender.counters().timeouts, 0);

        let (path, end) = run(&config(20), true, 20, drops.clone());
        assert_eq!(path.when(|verdict| verdict.left_recovery), [200]);
        assert_eq!(end, 200);
        assert_eq!(path.sent_for(Reason::FastRetransmission), drops.collect::<Vec<_>>());
        assert_eq!(path.sender.counters().timeouts, 0);
    }
}

// RFC 6675 §5: pipe holds the window. 20 in flight, 15 lost: half a window of retransmissions a round trip at most.
#[test]
fn sack_recovery_stays_inside_the_window() {
    let (path, _) = run(&config(20), true, 20, 1..16);
    let first_round = path.sent.iter().filter(|sent| millis(sent.0) == 100 && sent.2 == 2).count();
    // ssthresh is 9 segments (flight 19, but the first ACK grew the flight): 19 or 20 / 2.
    assert!((9..=10).contains(&first_round), "{first_round} in the first round trip");
    assert_eq!(path.sender.counters().timeouts, 0);
    assert_eq!(path.sender.counters().retransmitted_segments, 15);
}

// RFC 5681 §3.2 equation 4 and step 6; RFC 6582 §3.2 step 3.
#[test]
fn the_window_is_half_after_recovery() {
    for sack in [false, true] {
        let mut path = Path::new(&config(20), sack, 400).dropping([5]);
        path.run();
        // The loss was found with 5 + 20 + 2 in flight less 5: 20 plus what slow start and limited transmit added,
        // the latter not counted.
        let threshold = path.sender.slow_start_threshold().unwrap();
        assert_eq!(threshold, 12_500, "FlightSize of 25 segments, halved");
        assert_eq!(path.sender.counters().timeouts, 0);
    }
}

// S38, RFC 6298 §5: sendings at RTO * (2^k - 1), and Karn: the back-off stays when the ACK is ambiguous.
#[test]
fn back_off_series_and_karn() {
    let mut path = Path::new(&config(1), false, 3);
    path.drops.extend((1..=5).map(|sending| (0, sending)));
    path.run();
    assert_eq!(path.sendings(0), [0, 1000, 3000, 7000, 15_000, 31_000]);
    // Segment 1 goes out under the backed-off timeout and brings the clean sample.
    let samples: Vec<_> = path.verdicts.iter().map(|(_, verdict)| verdict.rtt_sample).collect();
    assert_eq!(samples[0], None);
    assert_eq!(samples[1], Some(RTT));
    assert_eq!(path.sender.backoffs(), 0);
    assert_eq!(path.sender.counters().timeouts, 5);
}

#[test]
fn the_backed_off_timeout_serves_the_next_segment() {
    let mut path = Path::new(&config(1), false, 2);
    path.drops.extend([(0, 1), (0, 2), (1, 1)]);
    path.run();
    // Segment 0 at 0, 1 and 3 s; acknowledged at 3.1 s without a sample. Segment 1 then waits 4 s.
    assert_eq!(path.sendings(0), [0, 1000, 3000]);
    assert_eq!(path.sendings(1), [3100, 7100]);
}

// RFC 5681 §3.1: after a timeout one segment, then slow start up to half the flight.
#[test]
fn a_lost_flight_goes_back_in_slow_start() {
    for sack in [false, true] {
        let (path, end) = run(&config(8), sack, 8, 0..8);
        let round = |at| path.sent.iter().filter(|sent| millis(sent.0) == at).count();
        assert_eq!([round(0), round(1000), round(1100), round(1200)], [8, 1, 2, 4]);
        // The threshold of 4 segments is reached, so a last round brings the eighth.
        assert_eq!(round(1300), 1);
        assert_eq!(end, 1400);
        assert_eq!(path.when(|verdict| verdict.left_recovery), [1400]);
        assert_eq!(path.sender.slow_start_threshold(), Some(4000));
        assert_eq!(path.sent_for(Reason::TimeoutRetransmission), [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}

// The window grows for old data too, when there is no new data that it could stop.
#[test]
fn old_data_counts_as_a_use_of_the_window() {
    let mut sender = in_flight(&config(10), false, 8);
    sender.on_transmission_opportunity_ended(Instant::ZERO, false);
    let mut now = sender.deadline().unwrap();
    sender.on_timeout(now);
    let mut rounds = Vec::new();
    let mut acknowledged = 0;
    while acknowledged < 8 {
        let mut sent = 0;
        while let Some((range, _)) = sender.next_retransmission() {
            sender.on_transmit(now, range, true);
            sent += 1;
        }
        rounds.push(sent);
        now += RTT;
        for _ in 0..sent {
            acknowledged += 1;
            sender.on_ack(now, &ack(segment(acknowledged)));
        }
    }
    assert_eq!(rounds, [1, 2, 4, 1]);
}

// RFC 6675 §5.1, RFC 2018 §5: what was SACKed is not sent again after a timeout.
#[test]
fn a_timeout_spares_what_was_sacked() {
    let mut path = Path::new(&config(8), true, 8).dropping([0, 1, 4]);
    // The fast retransmission of the first is lost too.
    path.drops.insert((0, 2));
    path.run();
    assert_eq!(path.sender.counters().timeouts, 1);
    assert_eq!(path.sendings(0), [0, 100, 1100]);
    for sacked in [2, 3, 5, 6, 7] {
        assert_eq!(path.sendings(sacked), [0], "segment {sacked}");
    }
    assert_eq!(path.sendings(1), [0, 100], "arrived, and was SACKed");
}

// RFC 3042: a window too small for three duplicate ACKs gets by without a timeout.
#[test]
fn limited_transmit() {
    for sack in [false, true] {
        let (path, _) = run(&config(3), sack, 10, [0]);
        assert_eq!(path.sender.counters().timeouts, 0, "sack {sack}");
        assert_eq!(path.sent_for(Reason::LimitedTransmit), [3, 4]);
        let mut off = config(3);
        off.congestion.limited_transmit = false;
        let (path, _) = run(&off, sack, 10, [0]);
        assert_eq!(path.sender.counters().timeouts, 1, "sack {sack}");
        assert_eq!(path.sent_for(Reason::LimitedTransmit), []);
    }
}

// RFC 6582 §3.2: only the first partial ACK restarts the timer, so many losses end in a timeout ("impatient").
#[test]
fn new_reno_is_impatient() {
    let mut impatient = config(40);
    impatient.loss_recovery.partial_acks_restart_timer = false;
    impatient.retransmission.initial = Duration::from_millis(350);
    impatient.retransmission.min = Duration::from_millis(350);
    let (path, _) = run(&impatient, false, 40, 0..10);
    // Fast retransmission at 100 ms, first partial ACK at 200 ms, so the timer runs out at 550 ms.
    assert_eq!(path.sender.counters().timeouts, 1);
    assert_eq!(path.sendings(4), [0, 500, 550]);
}

// RFC 6582 §4: where every partial ACK restarts the timer (FreeBSD), NewReno goes on, a loss a round trip.
#[test]
fn new_reno_may_be_steady() {
    let mut steady = config(40);
    steady.retransmission.initial = Duration::from_millis(350);
    steady.retransmission.min = Duration::from_millis(350);
    steady.loss_recovery.partial_acks_restart_timer = true;
    let (path, _) = run(&steady, false, 40, 0..10);
    assert_eq!(path.sender.counters().timeouts, 0);
    assert_eq!(path.sendings(9), [0, 1000]);
}

// RFC 6582 §3.2 step 2: duplicate ACKs of what was repaired do not start another fast retransmission.
#[test]
fn new_reno_does_not_recover_twice_from_one_window() {
    // Everything before `recover` is acknowledged and duplicates of that ACK follow: segments go out twice after the
    // timeout, because NewReno goes back over what had arrived.
    let mut path = Path::new(&config(10), false, 10).dropping([0, 1, 2, 3, 4, 5, 6, 8]);
    path.run();
    assert_eq!(path.sender.counters().timeouts, 1);
    assert_eq!(path.sender.counters().fast_retransmissions, 0);
}

/// `count` duplicate ACKs at `at`, without SACK; returns whether one of them began fast recovery.
fn duplicates(sender: &mut Recovery, at: Offset, count: usize) -> bool {
    (0..count)
        .fold(false, |entered, _| sender.on_ack(Instant::ZERO + RTT, &ack(at)).entered_recovery | entered)
}

// RFC 6582 §3.2 step 2, where the flow test above shows only the counters.
#[test]
fn duplicates_of_the_recovery_point_do_not_count() {
    let mut sender = in_flight(&config(10), false, 10);
    let now = sender.deadline().unwrap();
    sender.on_timeout(now);
    assert!(sender.on_ack(now, &ack(segment(10))).left_recovery);
    for index in 10..15 {
        sender.on_transmit(now, segment(index)..segment(index + 1), false);
    }
    assert!(!duplicates(&mut sender, segment(10), 5));
    // RFC 3042 §2: and however many they are, they permit two segments beyond the window.
    sender.congestion.set_window(5000);
    assert_eq!(sender.new_data_quota(segment(15)), 2000);
    sender.on_ack(now, &ack(segment(11)));
    assert!(duplicates(&mut sender, segment(11), 3));
}

// RFC 6582 §3.2, step by step.
#[test]
fn new_reno_inflates_and_deflates() {
    let mut sender = in_flight(&config(20), false, 20);
    assert!(duplicates(&mut sender, segment(0), 3));
    assert_eq!(sender.congestion_window(), 13_000, "ssthresh + 3 SMSS");
    assert_eq!(sender.lost(), Tally { octets: 1000, segments: 1 });
    sender.on_transmit(Instant::ZERO + RTT, segment(0)..segment(1), true);
    duplicates(&mut sender, segment(0), 15);
    assert_eq!(sender.congestion_window(), 28_000, "one SMSS for each further duplicate");
    assert_eq!(sender.new_data_quota(segment(20)), 8000);
    sender.on_ack(Instant::ZERO + RTT * 2, &ack(segment(5)));
    assert_eq!(sender.congestion_window(), 24_000, "less 5 that left, plus 1");
    assert_eq!(sender.lost(), Tally { octets: 1000, segments: 1 });
    assert_eq!(sender.new_data_quota(segment(20)), 0, "the next hole comes first");
    sender.on_ack(Instant::ZERO + RTT * 2, &ack(segment(5) + 300));
    assert_eq!(sender.congestion_window(), 23_700, "less than an SMSS adds nothing back");
    let verdict = sender.on_ack(Instant::ZERO + RTT * 3, &ack(segment(20)));
    assert!(verdict.left_recovery);
    assert_eq!(sender.congestion_window(), 2000, "no burst: max(FlightSize, SMSS) + SMSS");
}

// RFC 6675 §5 step 1: three duplicates are enough, though they SACK less than two full segments.
#[test]
fn three_small_sacks_are_enough() {
    let mut sender = Recovery::new(&config(10), true, SMSS, 0);
    let small = |index: u64| Offset::FIRST + index * 100;
    for index in 0..8 {
        sender.on_transmit(Instant::ZERO, small(index)..small(index + 1), false);
    }
    let mut entered = Vec::new();
    for beyond in 2..5 {
        let blocks = [(small(1), small(beyond))];
        let arrived = AckArrived { sack: &blocks, ..ack(small(0)) };
        entered.push(sender.on_ack(Instant::ZERO + RTT, &arrived).entered_recovery);
    }
    assert_eq!(entered, [false, false, true]);
    assert_eq!(sender.lost(), Tally { octets: 100, segments: 1 });
    assert_eq!(sender.next_retransmission().unwrap().0, small(0)..small(1));
}

fn sacked_recovery(count: u64, blocks: &[(Offset, Offset)]) -> Recovery {
    let mut sender = in_flight(&config(count as u32), true, count);
    let arrived = AckArrived { sack: blocks, ..ack(segment(0)) };
    assert!(sender.on_ack(Instant::ZERO + RTT, &arrived).entered_recovery);
    sender
}

fn resend_all(sender: &mut Recovery, now: Instant) -> usize {
    let mut count = 0;
    while let Some((range, _)) = sender.next_retransmission() {
        sender.on_transmit(now, range, true);
        count += 1;
    }
    count
}

// RFC 6675 §5 step C: while cwnd - pipe is at least one SMSS.
#[test]
fn half_a_segment_of_room_is_none() {
    let mut sender = sacked_recovery(7, &[(segment(4), segment(7))]);
    assert_eq!(sender.congestion_window(), 3500);
    assert_eq!(resend_all(&mut sender, Instant::ZERO + RTT), 3);
    assert_eq!(sender.lost().segments, 4);
}

// RFC 6298 §5.3 holds in SACK recovery for every partial ACK.
#[test]
fn sack_recovery_restarts_the_timer_with_every_ack() {
    let mut sender = sacked_recovery(10, &[(segment(4), segment(10))]);
    resend_all(&mut sender, Instant::ZERO + RTT);
    for index in 1..4 {
        let now = Instant::ZERO + RTT * (2 + index);
        sender.on_ack(now, &ack(segment(index)));
        assert_eq!(sender.phase(), Phase::Recovery);
        assert_eq!(sender.deadline(), Some(now + Duration::from_secs(1)));
    }
}

#[test]
fn a_late_original_calls_the_retransmission_off() {
    let mut sender = sacked_recovery(8, &[(segment(1), segment(4))]);
    sender.on_ack(Instant::ZERO + RTT, &ack(segment(4)));
    assert_eq!(sender.next_retransmission(), None);
    assert_eq!(sender.phase(), Phase::Recovery);
}

// RFC 6675 §5: the ACK that ends one recovery can begin the next.
#[test]
fn one_recovery_follows_another() {
    let mut sender = sacked_recovery(8, &[(segment(1), segment(8))]);
    let now = Instant::ZERO + RTT;
    resend_all(&mut sender, now);
    for index in 8..12 {
        sender.on_transmit(now, segment(index)..segment(index + 1), false);
    }
    let blocks = [(segment(9), segment(12))];
    let verdict = sender.on_ack(now + RTT, &AckArrived { sack: &blocks, ..ack(segment(8)) });
    assert!(verdict.left_recovery && verdict.entered_recovery);
    assert_eq!(sender.next_retransmission().unwrap().0, segment(8)..segment(9));
}

// A SACK measures the round trip where the cumulative ACK can't, and so ends the back-off.
#[test]
fn sacks_measure_the_round_trip() {
    let mut sender = in_flight(&config(10), true, 3);
    let blocks = [(segment(1), segment(2))];
    let verdict = sender.on_ack(Instant::ZERO + RTT, &AckArrived { sack: &blocks, ..ack(segment(0)) });
    assert_eq!(verdict.rtt_sample, Some(RTT));
}

// RFC 3465 §2.2, §2.3: two segments an ACK in slow start, one while a timeout is being repaired.
#[test]
fn slow_start_limits() {
    let mut sender = in_flight(&config(10), false, 10);
    sender.on_transmission_opportunity_ended(Instant::ZERO, true);
    let mut lost = sender.clone();
    sender.on_ack(Instant::ZERO + RTT, &ack(segment(8)));
    assert_eq!(sender.congestion_window(), 12_000);
    let now = lost.deadline().unwrap();
    lost.on_timeout(now);
    lost.on_ack(now + RTT, &ack(segment(8)));
    assert_eq!(lost.congestion_window(), 2000);
}

// RFC 5681 §3.1: a second timeout for the same data leaves the threshold, and §3.2: what limited transmit sent does
// not raise it.
#[test]
fn the_threshold_is_set_once_for_one_stall() {
    let mut sender = in_flight(&config(8), false, 8);
    duplicates(&mut sender, segment(0), 1);
    assert_eq!(sender.new_data_reason(), Reason::LimitedTransmit);
    sender.on_transmit(Instant::ZERO + RTT, segment(8)..segment(9), false);
    for _ in 0..2 {
        let now = sender.deadline().unwrap();
        sender.on_timeout(now);
        assert_eq!(sender.slow_start_threshold(), Some(4000));
    }
}

// What was SACKed is no longer in the network: half of a flight that holds it would be no reduction.
#[test]
fn a_timeout_in_recovery_halves_the_window_not_the_flight() {
    let mut sender = sacked_recovery(20, &[(segment(1), segment(20))]);
    let now = Instant::ZERO + RTT;
    resend_all(&mut sender, now);
    for index in 20..29 {
        assert!(sender.new_data_quota(segment(index)) >= u64::from(SMSS));
        sender.on_transmit(now, segment(index)..segment(index + 1), false);
    }
    assert_eq!((sender.queue.flight(), sender.congestion_window()), (29_000, 10_000));
    let now = sender.deadline().unwrap();
    sender.on_timeout(now);
    assert_eq!(sender.slow_start_threshold(), Some(5000));
}

// RFC 6675 §4, NextSeg rule 3: without new data, a hole that is not yet known to be lost is filled all the same.
#[test]
fn without_new_data_every_hole_is_filled() {
    let (path, end) = run(&config(20), true, 20, [2, 17]);
    assert_eq!(path.sent_for(Reason::FastRetransmission), [2, 17]);
    assert_eq!(path.sender.counters().timeouts, 0);
    assert_eq!(end, 200);
}

// O18: nothing tells of a lost tail but the timer.
#[test]
fn a_lost_tail_waits_for_the_timer() {
    for sack in [false, true] {
        let (path, end) = run(&config(10), sack, 10, [9]);
        assert_eq!(path.sendings(9), [0, 1100], "one RTO after the last progress");
        assert_eq!(end, 1200);
    }
}

// Reordering of less than the threshold is no loss (RFC 5681 §3.2), and leaves the window alone.
#[test]
fn slight_reordering_retransmits_nothing() {
    for sack in [false, true] {
        let mut path = Path::new(&config(10), sack, 10);
        path.drops.clear();
        path.late.insert((9, 1), Duration::from_millis(1));
        path.late.insert((7, 1), Duration::from_micros(500));
        path.run();
        assert_eq!(path.sender.counters().retransmitted_segments, 0);
        assert_eq!(path.sender.phase(), Phase::Open);
        assert_eq!(path.sender.slow_start_threshold(), None);
    }
}

fn ack(offset: Offset) -> AckArrived<'static> {
    AckArrived {
        ack: offset,
        sack: &[],
        d_sack: None,
        window_changed: false,
        has_data: false,
        timestamp_echo_rtt: None,
    }
}

/// A sender with segments `0..count` in flight, sent at time 0.
fn in_flight(config: &Config, sack: bool, count: u64) -> Recovery {
    let mut sender = Recovery::new(config, sack, SMSS, 0);
    for index in 0..count {
        sender.on_transmit(Instant::ZERO, segment(index)..segment(index + 1), false);
    }
    sender
}

// RFC 5681 §2, (a) to (e).
#[test]
fn what_is_a_duplicate_ack() {
    let now = Instant::ZERO + RTT;
    let plain = ack(segment(0));
    let mut sender = in_flight(&config(10), false, 4);
    assert!(sender.on_ack(now, &plain).duplicate);
    assert!(!sender.on_ack(now, &AckArrived { has_data: true, ..plain }).duplicate);
    assert!(!sender.on_ack(now, &AckArrived { window_changed: true, ..plain }).duplicate);
    assert!(!sender.on_ack(now, &ack(segment(2))).duplicate, "it acknowledges something");
    assert!(!sender.on_ack(now, &ack(segment(1))).duplicate, "it is old");
    assert!(sender.on_ack(now, &ack(segment(2))).duplicate);
    assert!(sender.on_ack(now, &ack(segment(4))).all_acknowledged);
    assert!(!sender.on_ack(now, &ack(segment(4))).duplicate, "nothing is outstanding");
    assert_eq!(sender.counters().duplicate_acks, 2);
}

// RFC 6675 §2: with SACK, an ACK is a duplicate if it SACKs something new.
#[test]
fn what_is_a_duplicate_ack_with_sack() {
    let now = Instant::ZERO + RTT;
    let mut sender = in_flight(&config(10), true, 6);
    assert!(!sender.on_ack(now, &ack(segment(0))).duplicate);
    let blocks = [(segment(2), segment(3))];
    let sacked = AckArrived { sack: &blocks, window_changed: true, ..ack(segment(0)) };
    assert!(sender.on_ack(now, &sacked).duplicate);
    assert!(!sender.on_ack(now, &sacked).duplicate, "nothing new");
    assert_eq!(sender.phase(), Phase::Disorder);
    assert!(!sender.on_ack(now, &ack(segment(4))).duplicate);
    assert_eq!(sender.phase(), Phase::Open);
}

// RFC 6675 §5 step 2: one ACK that shows the loss is enough when the others were lost.
#[test]
fn one_sack_of_three_segments_is_enough() {
    let mut sender = in_flight(&config(10), true, 6);
    let blocks = [(segment(1), segment(4))];
    let verdict = sender.on_ack(Instant::ZERO + RTT, &AckArrived { sack: &blocks, ..ack(segment(0)) });
    assert!(verdict.entered_recovery);
    assert_eq!(verdict.newly_sacked, 3000);
    assert_eq!(sender.next_retransmission(), Some((segment(0)..segment(1), Reason::FastRetransmission)),);
}

// RFC 6298 §3, Karn: an ACK that covers anything sent twice measures nothing, except by its timestamp.
#[test]
fn ambiguous_acks_are_measured_by_timestamps_only() {
    let mut sender = in_flight(&config(10), false, 4);
    let deadline = sender.deadline().unwrap();
    sender.on_timeout(deadline);
    sender.on_transmit(deadline, segment(0)..segment(1), true);
    let mut twin = sender.clone();
    assert_eq!(sender.on_ack(deadline + RTT, &ack(segment(2))).rtt_sample, None);
    assert_eq!(sender.rto(), Duration::from_secs(2));
    let echo = Some(Duration::from_millis(101));
    let echoed = AckArrived { timestamp_echo_rtt: echo, ..ack(segment(2)) };
    assert_eq!(twin.on_ack(deadline + RTT, &echoed).rtt_sample, echo);
    assert_eq!(twin.rto(), Duration::from_secs(1));
    // RFC 7323 §4.1: the echo of an ACK for nothing new does not count.
    let stale = AckArrived { timestamp_echo_rtt: Some(Duration::from_secs(9)), ..ack(segment(2)) };
    assert_eq!(twin.on_ack(deadline + RTT, &stale).rtt_sample, None);
}

// RFC 6298 §5.2, §5.3.
#[test]
fn the_timer_restarts_with_progress_and_stops_at_the_end() {
    let mut sender = in_flight(&config(10), false, 3);
    let at = |millis| Instant::ZERO + Duration::from_millis(millis);
    assert_eq!(sender.deadline(), Some(at(1000)));
    sender.on_ack(at(100), &ack(segment(1)));
    assert_eq!(sender.deadline(), Some(at(1100)));
    sender.on_ack(at(200), &ack(segment(1)));
    assert_eq!(sender.deadline(), Some(at(1100)), "a duplicate is no progress");
    sender.on_ack(at(300), &ack(segment(3)));
    assert_eq!(sender.deadline(), None);
}

// RFC 5681 §3.1 and RFC 6298 §5.7: what a lost SYN does to the data.
#[test]
fn a_lost_syn_leaves_its_mark() {
    let mut sender = Recovery::new(&config(10), true, SMSS, 1);
    assert_eq!(sender.congestion_window(), u64::from(SMSS));
    assert_eq!(sender.rto(), Duration::from_secs(3));
    sender.on_handshake_rtt(RTT);
    assert_eq!(sender.rto(), Duration::from_secs(3));
    sender.on_transmit(Instant::ZERO, segment(0)..segment(1), false);
    sender.on_ack(Instant::ZERO + RTT, &ack(segment(1)));
    assert_eq!(sender.rto(), Duration::from_secs(1));

    let mut sender = Recovery::new(&config(10), true, SMSS, 0);
    sender.on_handshake_rtt(Duration::from_millis(400));
    assert_eq!(sender.rto(), Duration::from_millis(1200));
}

// RFC 9293 §3.8.3: what R1 and R2 are judged by starts anew with every cumulative ACK.
#[test]
fn timeouts_are_counted_from_the_last_progress() {
    let mut sender = in_flight(&config(10), false, 2);
    let expire = |sender: &mut Recovery| {
        let now = sender.deadline().unwrap();
        let verdict = sender.on_timeout(now);
        let (front, _) = sender.next_retransmission().unwrap();
        sender.on_transmit(now, front, true);
        (millis(now), verdict.backoffs, millis(verdict.first_unacknowledged_since))
    };
    assert_eq!(expire(&mut sender), (1000, 1, 0));
    assert_eq!(expire(&mut sender), (3000, 2, 0));
    sender.on_ack(Instant::ZERO + Duration::from_millis(3100), &ack(segment(1)));
    assert_eq!(expire(&mut sender), (7100, 1, 3100));
    assert_eq!(sender.backoffs(), 3, "no clean sample yet");
}

// RFC 2018 §8: a receiver may drop what it SACKed; after the timeout it gets it again.
#[test]
fn reneging_is_survived() {
    let mut sender = in_flight(&config(10), true, 4);
    let blocks = [(segment(1), segment(3))];
    sender.on_ack(Instant::ZERO + RTT, &AckArrived { sack: &blocks, ..ack(segment(0)) });
    // The hole is filled, and yet the ACK stops at what was SACKed.
    sender.on_ack(Instant::ZERO + RTT, &ack(segment(1)));
    assert_eq!(sender.sacked().octets, 2000);
    let now = sender.deadline().unwrap();
    sender.on_timeout(now);
    assert_eq!(sender.sacked().octets, 0);
    assert_eq!(sender.next_retransmission().unwrap().0, segment(1)..segment(2));
}

// RFC 5681 §4.1.
#[test]
fn idle_restart() {
    let busy = || {
        let mut sender = Recovery::new(&config(10), true, SMSS, 0);
        sender.on_transmission_opportunity_ended(Instant::ZERO, true);
        for index in 0..20 {
            let range = segment(index)..segment(index + 1);
            sender.on_transmit(Instant::ZERO, range.clone(), false);
            sender.on_ack(Instant::ZERO + RTT, &ack(range.end));
        }
        assert_eq!(sender.congestion_window(), 30_000);
        sender
    };
    let mut sender = busy();
    sender.on_idle_restart(Instant::ZERO + Duration::from_secs(1));
    assert_eq!(sender.congestion_window(), 30_000, "not longer than an RTO");
    sender.on_idle_restart(Instant::ZERO + Duration::from_millis(1001));
    assert_eq!(sender.congestion_window(), 10_000);
    let mut waiting = busy();
    waiting.on_transmit(Instant::ZERO, segment(20)..segment(21), false);
    waiting.on_idle_restart(Instant::ZERO + Duration::from_secs(9));
    assert_eq!(waiting.congestion_window(), 30_000, "something is in flight");
}

// RFC 1191 §6.5: too large a packet is no congestion.
#[test]
fn smaller_segments_resend_without_a_smaller_window() {
    let mut sender = in_flight(&config(10), true, 3);
    sender.on_segment_size_reduced(600, false);
    assert_eq!((sender.congestion_window(), sender.slow_start_threshold()), (10_000, None));
    let mut pieces = Vec::new();
    while let Some((range, _)) = sender.next_retransmission() {
        let end = range.end.min(range.start + 600);
        sender.on_transmit(Instant::ZERO, range.start..end, true);
        pieces.push(end - range.start);
    }
    assert_eq!(pieces, [600, 400, 600, 400, 600, 400]);
    assert_eq!(sender.on_ack(Instant::ZERO + RTT, &ack(segment(3))).newly_acknowledged, 3000);
    assert_eq!(sender.phase(), Phase::Open);
}

#[test]
fn an_idle_sender_gives_its_memory_back() {
    let mut sender = in_flight(&config(10), true, 10);
    let blocks = [(segment(2), segment(3)), (segment(4), segment(5))];
    sender.on_ack(Instant::ZERO + RTT, &AckArrived { sack: &blocks, ..ack(segment(0)) });
    sender.release_memory();
    assert!(sender.heap_octets() > 0);
    // A late original would be remembered as reordering.
    for index in [0, 1, 3, 5, 6, 7, 8, 9] {
        sender.on_transmit(Instant::ZERO + RTT, segment(index)..segment(index + 1), true);
    }
    sender.on_ack(Instant::ZERO + RTT, &ack(segment(10)));
    sender.release_memory();
    assert_eq!(sender.heap_octets(), 0);
}

#[derive(Clone, Debug)]
struct Weather {
    segments: u64,
    drops: Vec<(u64, u16)>,
    late: Vec<((u64, u16), u64)>,
    ack_drops: Vec<u64>,
}

fn weather() -> impl Strategy<Value = Weather> {
    (1u64..120).prop_flat_map(|segments| {
        let sending = (0..segments, 1u16..4);
        (
            prop::collection::vec(sending.clone(), 0..40),
            prop::collection::vec((sending, 0u64..300), 0..20),
            prop::collection::vec(0..segments * 2, 0..20),
        )
            .prop_map(move |(drops, late, ack_drops)| Weather { segments, drops, late, ack_drops })
    })
}

proptest! {
    // Whatever is lost, late or acknowledged in vain: the flow ends, with the sums in order at every step.
    #[test]
    fn every_flow_ends(weather in weather(), sack: bool, cubic: bool, initial in 1u32..30) {
        let mut config = config(initial);
        if cubic {
            config.congestion.algorithm = CongestionAlgorithm::Cubic;
        }
        let mut path = Path::new(&config, sack, weather.segments);
        path.drops.extend(weather.drops);
        path.late.extend(weather.late.iter().map(|&(key, millis)| (key, Duration::from_millis(millis))));
        path.ack_drops.extend(weather.ack_drops);
        path.run();
        prop_assert!(path.sender.deadline().is_none());
        prop_assert_eq!(path.sender.sacked().octets + path.sender.lost().octets, 0);
        prop_assert_eq!(path.sender.retransmitted().octets, 0);
    }

    // Hostile ACKs and blocks change what is believed, but break nothing.
    #[test]
    fn arbitrary_acks_break_nothing(
        steps in prop::collection::vec((0u64..12_000, 0u64..14_000, 0u64..14_000, 0u8..6), 1..80), sack: bool,
    ) {
        let mut sender = Recovery::new(&config(4), sack, SMSS, 0);
        let mut now = Instant::ZERO;
        let mut next = 0;
        for (cumulative, first, second, what) in steps {
            now += Duration::from_millis(1);
            if what == 0 && sender.queue.flight() > 0 {
                sender.on_timeout(now);
            }
            let blocks = [(Offset::FIRST + first, Offset::FIRST + second)];
            let blocks = if sack { &blocks[..] } else { &[] };
            let ack = (Offset::FIRST + cumulative).min(segment(next));
            let ack = if what < 4 { sender.queue.start() } else { ack };
            sender.on_ack(now, &AckArrived { sack: blocks, ..self::ack(ack) });
            while let Some((range, _)) = sender.next_retransmission() {
                sender.on_transmit(now, range, true);
            }
            while next < 12 && sender.new_data_quota(segment(next)) >= u64::from(SMSS) {
                sender.on_transmit(now, segment(next)..segment(next + 1), false);
                next += 1;
            }
            if let Some((range, _)) = sender.last_resort_retransmission() {
                sender.on_transmit(now, range, true);
            }
            prop_assert_eq!(sender.deadline().is_some(), sender.queue.flight() > 0);
            let believed = u64::from(sender.lost().octets + sender.sacked().octets);
            prop_assert!(believed <= sender.queue.flight());
        }
    }
}

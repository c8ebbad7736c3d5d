//! Drills of loss recovery: what goes again, when, and what the window is then, on Linux and by the letter.

mod drill;

use drill::Drill;
use faultwire_host::Fd;
use faultwire_tcp::{Config, RecoveryState};

const OPTIONS: &str = "mss 1000,sackOK,nop,nop,nop,wscale 7";

/// A connection with a round trip of 100 ms that has just written `segments` of 1000 octets, all of them sent.
fn flight(config: Config, segments: u32) -> (Drill, Fd) {
    let mut t = Drill::new(config);
    let fd = t.passive(OPTIONS);
    t.setsockopt(fd, faultwire_host::SocketOption::NoDelay(true));
    t.write(fd, segments * 1000).unwrap();
    t.forget_sent();
    (t, fd)
}

fn sack(t: &mut Drill, ack: u32, block: (u32, u32)) {
    t.inject(&format!(". 1:1(0) ack {ack} win 257 <sack {}:{},nop,nop>", block.0, block.1));
}

fn window(t: &Drill, fd: Fd) -> u64 {
    t.info(fd).field("snd_cwnd").unwrap()
}

/// RFC 8985 §6.2: one SACK is not enough at once; a quarter of the least round trip later it is (Linux adds 2 ms).
#[test]
fn the_reordering_timer_finds_the_loss() {
    for (config, wait) in [(Config::linux(), "+0.027"), (Config::rfc(), "+0.025")] {
        let (mut t, fd) = flight(config, 3);
        t.pass_ms(100);
        sack(&mut t, 1, (1001, 2001));
        t.expect_nothing();
        assert_eq!(t.info(fd).recovery, RecoveryState::Disorder);
        t.expect(&format!("{wait} . 1:1001(1000) ack 1"));
        assert_eq!(t.info(fd).recovery, RecoveryState::Recovery);
        t.forget_sent();
    }
}

/// S39: the third segment SACKed brings the first one back at once, and it is found once; Linux comes down to 7 of 10
/// segments (RFC 9937).
#[test]
fn fast_retransmit() {
    let (mut t, fd) = flight(Config::linux(), 10);
    t.pass_ms(100);
    sack(&mut t, 1, (1001, 2001));
    sack(&mut t, 1, (1001, 3001));
    t.expect_nothing();
    sack(&mut t, 1, (1001, 4001));
    t.expect(". 1:1001(1000) ack 1");
    let info = t.info(fd);
    let fields =
        ["ca_state", "sacked", "lost", "retrans", "unacked", "snd_ssthresh", "reordering", "reord_seen"];
    assert_eq!(fields.map(|field| info.field(field).unwrap()), [3, 3, 1, 1, 10, 7, 3, 0]);
    for end in [5001, 6001, 7001, 8001, 9001, 10_001] {
        sack(&mut t, 1, (1001, end));
    }
    t.expect_nothing();
    t.inject("+0.1 . 1:1(0) ack 10001 win 257");
    assert_eq!(t.info(fd).recovery, RecoveryState::Open);
    assert_eq!(window(&t, fd), 7);
    assert_eq!(t.info(fd).field("delivered"), Some(11));
    t.expect_nothing();
}

/// RFC 9937: new data goes out in proportion, 7 segments for 10 delivered (CUBIC).
#[test]
fn proportional_rate_reduction() {
    let (mut t, fd) = flight(Config::linux(), 10);
    t.write(fd, 20_000).unwrap();
    t.expect_nothing();
    t.pass_ms(100);
    for (end, sent) in [
        (2001, Some(10_001)),
        // One segment waits for the ACK that is due (`tcp_tso_should_defer`).
        (3001, None),
        // ceil(7 / 10) = 1: the retransmission.
        (4001, Some(1)),
    ] {
        sack(&mut t, 1, (1001, end));
        if let Some(start) = sent {
            t.expect(&format!("* . {start}:{}(1000) ack 1", start + 1000));
        }
        t.expect_nothing();
    }
    // Seven of ten: ceil(2 * 7 / 10) - 2 is none for the fourth; each later one keeps seven in flight.
    sack(&mut t, 1, (1001, 5001));
    t.expect_nothing();
    for end in [6001, 7001, 8001, 9001, 10_001] {
        sack(&mut t, 1, (1001, end));
        t.expect(&format!("* . {}:{}(1000) ack 1", end + 5000, end + 6000));
        t.expect_nothing();
    }
    assert_eq!(t.info(fd).recovery, RecoveryState::Recovery);
    assert_eq!(t.info(fd).field("snd_ssthresh"), Some(7));
    t.forget_sent();
}

/// O18, RFC 8985 §7.2: a probe of the tail after two round trips (and 2 ms on Linux), and the RTO from it on; its
/// cumulative ACK beyond it reduces the window.
#[test]
fn tail_loss_probe() {
    for (config, wait, rto) in [(Config::linux(), "+0.202", "+0.3"), (Config::rfc(), "+0.2", "+1")] {
        let (mut t, fd) = flight(config, 3);
        t.expect(&format!("{wait} P. 2001:3001(1000) ack 1"));
        assert_eq!(t.info(fd).recovery, RecoveryState::Open);
        assert_eq!(t.info(fd).field("retrans"), Some(0));
        t.expect(&format!("{rto} . 1:1001(1000) ack 1"));
        assert_eq!(t.info(fd).recovery, RecoveryState::Loss);
        t.forget_sent();
    }
}

/// RFC 8985 §7.2, §7.4: a segment alone may meet a delayed ACK, but the probe is never later than the RTO; a D-SACK says
/// that there was no loss, an ACK beyond it that there was one.
#[test]
fn what_a_probe_finds() {
    let (mut t, fd) = flight(Config::linux(), 1);
    t.expect("+0.3 P. 1:1001(1000) ack 1");
    t.inject("+0.05 . 1:1(0) ack 1001 win 257");
    t.inject("+0.05 . 1:1(0) ack 1001 win 257 <sack 1:1001,nop,nop>");
    t.write(fd, 1000).unwrap();
    t.expect("P. 1001:2001(1000) ack 1");
    t.inject("+0.1 . 1:1(0) ack 2001 win 257");
    assert_eq!((window(&t, fd), t.info(fd).slow_start_threshold), (10, None));

    let (mut t, fd) = flight(Config::linux(), 2);
    t.expect("+0.202 P. 1001:2001(1000) ack 1");
    t.inject("+0.1 . 1:1(0) ack 2001 win 257");
    t.write(fd, 1000).unwrap();
    t.expect("P. 2001:3001(1000) ack 1");
    t.inject("+0.1 . 1:1(0) ack 3001 win 257");
    assert_eq!((window(&t, fd), t.info(fd).field("snd_ssthresh")), (7, Some(7)));
}

/// RFC 8985 §7.3: new data is the better probe.
#[test]
fn a_probe_of_new_data() {
    let (mut t, fd) = flight(Config::linux(), 10);
    t.write(fd, 5000).unwrap();
    t.expect_nothing();
    t.expect("+0.202 . 10001:11001(1000) ack 1");
    t.forget_sent();
}

/// RFC 5682 §2.1, §3.1: after a timeout that was too early, the ACK of the original ends it: nothing goes again, and
/// the window is what it was.
#[test]
fn spurious_timeout() {
    for mut config in [Config::linux(), Config::rfc()] {
        config.loss_recovery.tail_loss_probe = faultwire_tcp::TailLossProbe::Off;
        let rto = if config.options == Config::rfc().options { "+1" } else { "+0.3" };
        let (mut t, fd) = flight(config, 4);
        t.expect(&format!("{rto} . 1:1001(1000) ack 1"));
        assert_eq!(t.info(fd).recovery, RecoveryState::Loss);
        // Step 3b: with SACK an ACK of what was sent only once is evidence enough.
        t.inject("+0.01 . 1:1(0) ack 4001 win 257");
        let info = t.info(fd);
        assert_eq!((info.recovery, info.slow_start_threshold), (RecoveryState::Open, None));
        assert!(info.congestion_window >= 4000);
        t.expect_nothing();
    }
    let mut config = Config::linux();
    config.loss_recovery.tail_loss_probe = faultwire_tcp::TailLossProbe::Off;
    let (mut t, fd) = flight(config, 10);
    t.write(fd, 5000).unwrap();
    t.expect_nothing();
    t.expect("+0.3 . 1:1001(1000) ack 1");
    assert_eq!(window(&t, fd), 1);
    t.inject("+0.05 . 1:1(0) ack 1001 win 257");
    t.expect(". 10001:11001(1000) ack 1");
    t.expect("* . 11001:12001(1000) ack 1");
    t.inject("+0.01 . 1:1(0) ack 2001 win 257");
    assert_eq!(t.info(fd).recovery, RecoveryState::Open);
    assert!(window(&t, fd) >= 10);
    assert_eq!(t.info(fd).slow_start_threshold, None);
    t.forget_sent();
}

/// RFC 2883, 3708; Linux `tcp_try_undo_dsack`: every retransmission came twice, so nothing was lost: the window and the
/// threshold are what they were, and reordering is known.
#[test]
fn undone_by_a_d_sack() {
    let (mut t, fd) = flight(Config::linux(), 10);
    t.pass_ms(100);
    for end in [2001, 3001, 4001] {
        sack(&mut t, 1, (1001, end));
    }
    t.expect(". 1:1001(1000) ack 1");
    t.inject("+0.01 . 1:1(0) ack 4001 win 257");
    assert_eq!(t.info(fd).recovery, RecoveryState::Recovery);
    sack(&mut t, 4001, (1, 1001));
    let info = t.info(fd);
    assert_eq!(info.recovery, RecoveryState::Open);
    assert_eq!((info.field("snd_cwnd"), info.slow_start_threshold), (Some(10), None));
    assert_eq!(info.field("dsack_dups"), Some(1));
    t.forget_sent();
}

/// RFC 2018 §8; Linux: SACKed data that the cumulative ACK stops short of is given half a round trip.
#[test]
fn reneging() {
    let (mut t, fd) = flight(Config::linux(), 4);
    t.pass_ms(100);
    sack(&mut t, 1, (2001, 4001));
    t.inject("+0.01 . 1:1(0) ack 2001 win 257");
    let rtt = t.info(fd).rtt.unwrap();
    let at = t.now + rtt / 2;
    let segment = t.expect("* . 2001:3001(1000) ack 1");
    assert_eq!((t.now, segment.payload.len()), (at, 1000));
    assert_eq!(t.info(fd).recovery, RecoveryState::Loss);
    t.forget_sent();
}

/// Without SACK on Linux each duplicate ACK counts as a segment that was SACKed (RFC 6582, 3042).
#[test]
fn duplicate_acks_without_sack() {
    let mut t = Drill::new(Config::linux());
    let fd = t.passive("mss 1000,nop,wscale 7");
    t.write(fd, 10_000).unwrap();
    t.forget_sent();
    t.write(fd, 5000).unwrap();
    t.expect_nothing();
    t.pass_ms(100);
    // Limited transmit (RFC 3042).
    t.inject(". 1:1(0) ack 1 win 257");
    t.expect(". 10001:11001(1000) ack 1");
    // One segment of a larger buffer waits for the ACK that is due (`tcp_tso_should_defer`).
    t.inject(". 1:1(0) ack 1 win 257");
    t.expect_nothing();
    assert_eq!(t.info(fd).field("sacked"), Some(2));
    t.inject(". 1:1(0) ack 1 win 257");
    t.expect(". 1:1001(1000) ack 1");
    assert_eq!(t.info(fd).recovery, RecoveryState::Recovery);
    t.forget_sent();
}

/// `tcp_cwnd_restart`: the window is halved for each timeout of idleness, down to the initial one.
#[test]
fn idle_restart_on_linux() {
    let (mut t, fd) = flight(Config::linux(), 10);
    t.pass_ms(100);
    t.inject(". 1:1(0) ack 10001 win 257");
    t.write(fd, 20_000).unwrap();
    t.pass_ms(100);
    t.inject(". 1:1(0) ack 30001 win 257");
    assert_eq!(window(&t, fd), 40);
    t.forget_sent();
    let rto = t.info(fd).rto;
    t.pass(rto - faultwire_base::Duration::from_millis(100) + faultwire_base::Duration::from_millis(1));
    t.write(fd, 1000).unwrap();
    assert_eq!(window(&t, fd), 20);
    t.forget_sent();
}

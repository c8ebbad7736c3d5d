//! RFC 9293 §3.8.3: connections that fail.

use faultwire_base::Duration;
use faultwire_host::{Errno, HostEvent, SocketOption};
use faultwire_tcp::{Config, GiveUp, SoftError, State, UserTimeoutFrom};

use crate::drill::Drill;
use crate::{ms, open, profiles};

/// How often the user was told that R1 is reached.
fn doubts(t: &Drill) -> usize {
    let doubt = |event: &&HostEvent| {
        matches!(event, HostEvent::SoftError { error: SoftError::RetransmissionThreshold, .. })
    };
    t.told.iter().filter(doubt).count()
}

/// RFC 9293 §3.8.3 (MUST-20, SHLD-9, SHLD-10, SHLD-11): the third retransmission is R1, of which the owner is told once;
/// R2 is 100 s after the first sending, and ends the connection with ETIMEDOUT.
#[test]
fn r1_and_r2_by_the_letter() {
    let (mut t, fd) = open(Config::rfc());
    t.write(fd, 10).unwrap();
    let start = t.now;
    for at in [0, 1, 3] {
        t.pass(start + ms(at * 1000) - t.now);
        t.expect("P. 1:11(10) ack 1");
        assert_eq!(doubts(&t), 0, "at {at} s");
    }
    for at in [7, 15, 31, 63] {
        t.pass(start + ms(at * 1000) - t.now);
        t.expect("P. 1:11(10) ack 1");
        assert_eq!(doubts(&t), 1, "at {at} s");
    }
    t.pass(start + ms(100_000) - t.now - Duration::from_nanos(1));
    assert_eq!(t.state(), State::Established);
    t.pass(Duration::from_nanos(1));
    assert_eq!((t.state(), t.error(fd)), (State::Closed, Some(Errno::TimedOut)));
    t.expect_nothing_for_ms(100_000);
}

/// RFC 9293 §3.8.3 (SHLD-10, SHLD-11): in every profile R1 is three retransmissions at least, and a connection is not
/// given up within 100 s.
#[test]
fn r1_and_r2_are_not_too_small() {
    for config in profiles() {
        assert!(config.give_up.r1 >= 3);
        let (mut t, fd) = open(config);
        t.write(fd, 10).unwrap();
        t.pass_ms(99_999);
        assert_eq!((t.state(), t.error(fd)), (State::Established, None));
        t.pass_ms(900_000);
        assert_eq!((t.state(), t.error(fd)), (State::Closed, Some(Errno::TimedOut)));
        t.forget_sent();
    }
}

/// RFC 9293 §3.8.3 (MUST-21): R2 is set for each connection: ten seconds for one, for ever for another.
#[test]
fn the_user_sets_r2() {
    for config in profiles() {
        let counts_from_timeout = config.give_up.user_timeout_from == UserTimeoutFrom::FirstTimeout;
        let (mut t, fd) = open(config);
        t.setsockopt(fd, SocketOption::UserTimeout(Some(ms(10_000))));
        t.new_peer();
        let patient = t.passive("mss 1000");
        t.setsockopt(patient, SocketOption::UserTimeout(Some(Duration::MAX)));
        t.write(fd, 10).unwrap();
        t.write(patient, 10).unwrap();
        if counts_from_timeout {
            // The first timeout, from which Linux counts.
            let rto = t.info(fd).rto;
            t.pass(rto);
        }
        t.pass_ms(9999);
        assert_eq!(t.info(fd).state, State::Established);
        t.pass_ms(1);
        assert_eq!(t.error(fd), Some(Errno::TimedOut));
        t.pass(Duration::from_secs(7 * 24 * 3600));
        assert_eq!(t.info(patient).state, State::Established);
        t.forget_sent();
        t.inject(". 1:1(0) ack 11");
        t.forget_sent();
        assert_eq!(t.info(patient).unacknowledged, 0);
    }
}

/// RFC 9293 §3.8.3 (MUST-22, MUST-23): SYNs are counted in the same way: the owner is told at R1, and R2 is three minutes
/// at least; by the letter 183 s.
#[test]
fn syns_are_given_up_in_the_same_way() {
    let mut t = Drill::new(Config::rfc());
    let fd = t.connect();
    for (gap, told) in [(0, 0), (1, 0), (2, 0), (4, 1), (8, 1), (16, 1), (32, 1), (60, 1)] {
        t.expect(&format!("+{gap} S 0:0(0) <...>"));
        assert_eq!(doubts(&t), told, "after {gap} s");
    }
    t.expect_nothing_for_ms(59_999);
    assert_eq!(t.state(), State::SynSent);
    t.pass_ms(1);
    assert_eq!(t.error(fd), Some(Errno::TimedOut));
    assert!(t.now.as_nanos() >= 180_000_000_000);
    t.expect_nothing_for_ms(100_000);
}

/// RFC 9293 §3.8.3 (MUST-20): R2 can be counted in retransmissions, for ever, or in time.
#[test]
fn r2_in_other_units() {
    let mut config = Config::rfc();
    config.give_up.r2 = GiveUp::Never;
    let (mut t, fd) = open(config);
    t.write(fd, 10).unwrap();
    t.pass(Duration::from_secs(24 * 3600));
    assert_eq!(t.state(), State::Established);
    t.forget_sent();
    t.inject(". 1:1(0) ack 11");
}

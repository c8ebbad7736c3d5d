//! RFC 9293 §3.8.4: keep-alive.

use faultwire_base::Duration;
use faultwire_host::{Errno, SocketOption};
use faultwire_tcp::{Config, State};

use crate::open;

const IDLE: Duration = Duration::from_secs(10);
const INTERVAL: Duration = Duration::from_secs(5);

/// FreeBSD probes every connection (`net.inet.tcp.always_keepalive`), against MUST-25; here it does not.
fn profiles() -> Vec<Config> {
    let quiet = |mut config: Config| {
        config.keep_alive.enabled = false;
        config
    };
    crate::profiles().into_iter().map(quiet).collect()
}

/// The standards and Linux leave keep-alive off; FreeBSD departs from MUST-25.
#[test]
fn defaults() {
    let on = [Config::rfc(), Config::linux(), Config::freebsd()].map(|config| config.keep_alive.enabled);
    assert_eq!(on, [false, false, true]);
}

/// RFC 9293 §3.8.4 (MUST-25): nothing is sent on an idle connection, for days, unless somebody asked for it.
#[test]
fn off_unless_asked_for() {
    for config in profiles() {
        let (mut t, _) = open(config);
        t.expect_nothing_for_ms(3 * 24 * 3600 * 1000);
        assert_eq!(t.state(), State::Established);
    }
}

/// RFC 9293 §3.8.4 (MAY-5, MUST-28, SHLD-12): the first probe comes two hours after the last segment, without data and
/// one octet before what the peer expects.
#[test]
fn the_first_probe_comes_after_two_hours() {
    for config in profiles() {
        let (mut t, fd) = open(config);
        // The peer was heard last when the handshake ended, 100 ms ago.
        t.setsockopt(fd, SocketOption::KeepAlive(true));
        t.expect_nothing_for_ms(7_199_899);
        t.expect("+0.001 . 0:0(0) ack 1");
        t.inject("+0.1 . 1:1(0) ack 1");
        t.expect("+7200 . 0:0(0) ack 1");
        t.inject("+0.1 . 1:1(0) ack 1");
        assert_eq!(t.state(), State::Established);
    }
}

/// RFC 9293 §3.8.4 (MUST-24): of two connections the one is probed whose user asked for it; it can be switched off again.
#[test]
fn each_connection_by_itself() {
    for config in profiles() {
        let (mut t, quiet) = open(config);
        t.new_peer();
        let probed = t.passive("mss 1000");
        t.setsockopt(probed, SocketOption::KeepIdle(IDLE));
        t.setsockopt(quiet, SocketOption::KeepIdle(IDLE));
        t.setsockopt(probed, SocketOption::KeepAlive(true));
        t.pass(IDLE);
        let packet = t.expect_any();
        let faultwire_wire::Body::Tcp(segment) = packet.body else { panic!("not a segment") };
        assert_eq!(segment.destination_port, t.remote.port());
        t.expect_nothing();
        t.inject(". 1:1(0) ack 1");
        t.setsockopt(probed, SocketOption::KeepAlive(false));
        t.expect_nothing_for_ms(1_000_000);
    }
}

/// RFC 9293 §3.8.4 (MUST-26): anything that arrives postpones the probe by a whole interval, and while data is on its
/// way there is none.
#[test]
fn only_when_nothing_goes_on() {
    for config in profiles() {
        let mut config = config;
        config.give_up.r2 = faultwire_tcp::GiveUp::Never;
        let (mut t, fd) = open(config);
        t.setsockopt(fd, SocketOption::KeepIdle(IDLE));
        t.setsockopt(fd, SocketOption::KeepInterval(INTERVAL));
        t.setsockopt(fd, SocketOption::KeepAlive(true));
        t.inject("+9.899 . 1:1(0) ack 1");
        t.expect_nothing_for_ms(9_999);
        t.expect("+0.001 . 0:0(0) ack 1");
        t.inject("+0.1 . 1:1(0) ack 1");
        t.write(fd, 10).unwrap();
        t.pass(Duration::from_secs(300));
        while let Some(packet) = t.try_expect_any() {
            let faultwire_wire::Body::Tcp(segment) = packet.body else { panic!("not a segment") };
            assert_eq!(segment.payload.len(), 10, "data, not a probe");
        }
        t.inject(". 1:1(0) ack 11");
        t.forget_sent();
    }
}

/// RFC 9293 §3.8.4 (MUST-27, MUST-29): the times can be set; one probe less than the limit without an answer does no
/// harm, and only the whole series ends the connection.
#[test]
fn the_last_probe_decides() {
    for config in profiles() {
        let (mut t, fd) = open(config);
        t.setsockopt(fd, SocketOption::KeepIdle(IDLE));
        t.setsockopt(fd, SocketOption::KeepInterval(INTERVAL));
        t.setsockopt(fd, SocketOption::KeepCount(3));
        t.setsockopt(fd, SocketOption::KeepAlive(true));
        t.inject(". 1:1(0) ack 1");
        t.expect("+10 . 0:0(0) ack 1");
        t.expect("+5 . 0:0(0) ack 1");
        t.expect("+5 . 0:0(0) ack 1");
        t.inject("+4.999 . 1:1(0) ack 1");
        t.expect("+10 . 0:0(0) ack 1");
        t.expect("+5 . 0:0(0) ack 1");
        t.expect("+5 . 0:0(0) ack 1");
        t.expect_nothing_for_ms(4_999);
        assert_eq!(t.state(), State::Established);
        t.pass_ms(1);
        t.forget_sent();
        assert_eq!((t.state(), t.error(fd)), (State::Closed, Some(Errno::TimedOut)));
        t.expect_nothing_for_ms(100_000);
    }
}

/// RFC 9293 §3.8.4 (MAY-6): by setting, a probe carries one octet that the peer has had.
#[test]
fn a_probe_may_carry_garbage() {
    let mut config = Config::rfc();
    config.keep_alive.garbage = true;
    config.keep_alive.enabled = true;
    config.keep_alive.idle = IDLE;
    let (mut t, fd) = open(config);
    t.write(fd, 10).unwrap();
    t.expect("P. 1:11(10) ack 1");
    t.inject("+0.1 . 1:1(0) ack 11");
    t.expect("+10 . 10:11(1) ack 1");
    t.inject("+0.1 . 1:1(0) ack 11");
    t.write(fd, 10).unwrap();
    t.expect("P. 11:21(10) ack 1");
    t.inject("+0.1 . 1:1(0) ack 21");
}

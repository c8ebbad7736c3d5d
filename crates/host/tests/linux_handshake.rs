//! How connections begin and end under the Linux profile, each as measured on Linux 6.18.

mod drill;

use drill::Drill;
use faultwire_host::{Errno, FastOpenConfig, How, SocketKind, SocketOption};
use faultwire_tcp::{Config, State};
use faultwire_wire::Payload;

const OPTIONS: &str = "mss 1000,sackOK,nop,nop,nop,wscale 7";
const STAMPED: &str = "mss 1000,sackOK,TS val 200 ecr 0,nop,wscale 7";

/// A host whose listeners and clients use Fast Open without cookies.
fn without_cookies() -> Drill {
    Drill::with(Config::linux(), |host| host.fast_open.modes = 0x607)
}

/// A listener of it, and a connection that it made of a SYN with 500 octets; accepted.
fn early(t: &mut Drill) -> faultwire_host::Fd {
    let listener = t.listen();
    t.host.set_option(t.now, listener, SocketOption::FastOpen(5)).unwrap();
    t.inject("S 0:500(500) win 32792 <mss 1000>");
    t.expect("S. 0:0(0) ack 501 <mss 1460>");
    t.accept()
}

/// As Linux 6.18 does: the half-close of a connection that Fast Open made waits for the end of its handshake.
#[test]
fn a_half_close_before_the_handshake_ends_waits() {
    let mut t = without_cookies();
    let fd = early(&mut t);
    t.shutdown(fd, How::Write).unwrap();
    t.expect_nothing();
    assert_eq!(t.state(), State::SynReceived);
    assert_eq!(t.write(fd, 10), Err(Errno::PipeBroken));
    t.inject("+.1 . 501:501(0) ack 1 win 257");
    t.expect("F. 1:1(0) ack 501");
    assert_eq!(t.state(), State::FinWait1);
}

/// As Linux 6.18 does: a close sends its FIN at once.
#[test]
fn a_close_before_the_handshake_ends_does_not() {
    let mut t = without_cookies();
    let fd = early(&mut t);
    t.read(fd, 1000).unwrap();
    t.close(fd);
    t.expect("F. 1:1(0) ack 501");
    t.inject("+.1 . 501:501(0) ack 2 win 257");
}

/// As Linux 6.18 does: keep-alive probes go before the handshake ends too, and their end is the connection's, SYN-ACKs or
/// not.
#[test]
fn keep_alive_before_the_handshake_ends() {
    let mut t = without_cookies();
    let fd = early(&mut t);
    let second = faultwire_base::Duration::from_secs(1);
    for option in [
        SocketOption::KeepIdle(second + second),
        SocketOption::KeepInterval(second),
        SocketOption::KeepCount(2),
        SocketOption::KeepAlive(true),
    ] {
        t.setsockopt(fd, option);
    }
    t.play(
        "1 > S. 0:0(0) ack 501 <mss 1460>
         2 > . 0:0(0) ack 501
         3 > S. 0:0(0) ack 501 <mss 1460>
         3 > . 0:0(0) ack 501
         4 > R. 1:1(0) ack 501",
    );
    assert_eq!(t.error(fd), Some(Errno::TimedOut));
}

/// As Linux 6.18 does: a user timeout has no say before the handshake ends.
#[test]
fn no_user_timeout_before_the_handshake_ends() {
    let mut t = without_cookies();
    let fd = early(&mut t);
    t.setsockopt(fd, SocketOption::UserTimeout(Some(faultwire_base::Duration::from_millis(2500))));
    t.play(
        "1 > S. 0:0(0) ack 501 <mss 1460>
         3 > S. 0:0(0) ack 501 <mss 1460>
         7 > S. 0:0(0) ack 501 <mss 1460>",
    );
    t.forget_sent();
}

/// As Linux 6.18 does: an ICMP error about the SYN-ACK cuts what was sent behind it anew, whatever the segments were.
#[test]
fn a_smaller_path_before_the_handshake_ends() {
    let mut t = without_cookies();
    let fd = early(&mut t);
    t.write(fd, 2000).unwrap();
    t.play(
        "> . 1:1001(1000) ack 501
         > P. 1001:2001(1000) ack 501
         +.01 < icmp unreachable frag_needed mtu 600 [0:0(0)]
         > . 1:561(560) ack 501
         > . 561:1121(560) ack 501
         > . 1121:1681(560) ack 501
         > P. 1681:2001(320) ack 501",
    );
}

/// As Linux 6.18 does: a SYN with text that is too big for the path goes again at once, alone.
#[test]
fn a_smaller_path_in_syn_sent() {
    let mut config = Config::linux();
    config.options.timestamps = false;
    let mut t = Drill::with(config, |host| host.fast_open.modes = FastOpenConfig::CLIENT | 4);
    let fd = t.host.socket(SocketKind::Tcp, false);
    t.remote.set_port(8080);
    let sent = t.host.send_fast_open(t.now, fd, t.remote, &Payload::Zeros { len: 1000 });
    assert_eq!(sent, Ok(1000));
    t.local = t.host.local_address(fd).unwrap();
    t.drain();
    t.play(
        "> S 0:1000(1000) <mss 1460,nop,nop,sackOK,nop,wscale 10>
         +.3 < icmp unreachable frag_needed mtu 600 [0:1000(1000)]
         > S 0:0(0) <mss 560,nop,nop,sackOK,nop,wscale 10>
         +.1 < S. 0:0(0) ack 1 win 20000 <mss 1460,sackOK,nop,nop>
         > . 1:561(560) ack 1
         > P. 561:1001(440) ack 1",
    );
}

/// As Linux 6.18 does: in a simultaneous open our SYN goes again as it was, on its timer, and the SYN-ACK is answered.
#[test]
fn simultaneous_open() {
    let mut t = Drill::new(Config::linux());
    let fd = t.connect();
    t.play(
        "> S 0:0(0) <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 10>
         0.1 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>
         > S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 200 ecr 0,nop,wscale 10>
         1 > S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 1100 ecr 0,nop,wscale 10>
         3 > S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 3100 ecr 0,nop,wscale 10>
         +.1 < S. 0:0(0) ack 1 win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>
         > . 1:1(0) ack 1 <nop,nop,sack 0:1>",
    );
    assert_eq!((t.state(), t.info(fd).field("options")), (State::Established, Some(6)));
}

/// As Linux 6.18 does: a write that waits for the connection takes the last ACK of the handshake with it; if none comes,
/// the ACK waits 200 ms.
#[test]
fn the_ack_waits_for_a_writer() {
    let mut t = Drill::new(Config::linux());
    let fd = t.connect();
    t.expect("S 0:0(0) <...>");
    t.host.writer_waits(fd);
    t.inject("+.1 S. 0:0(0) ack 1 win 20000 <mss 1000>");
    t.expect_nothing();
    t.write(fd, 100).unwrap();
    t.expect("P. 1:101(100) ack 1");

    let mut t = Drill::new(Config::linux());
    let fd = t.connect();
    t.expect("S 0:0(0) <...>");
    t.setsockopt(fd, SocketOption::QuickAck(false));
    t.inject("+.1 S. 0:0(0) ack 1 win 20000 <mss 1000>");
    t.expect("+.2 . 1:1(0) ack 1");
}

/// As Linux 6.18 does: the linear timeouts do not make an attempt longer. `TCP_SYNCNT` 1 is three seconds, 2 is seven.
#[test]
fn an_attempt_takes_no_longer_for_its_linear_timeouts() {
    for (count, syns, end) in [(1, 3, 3), (2, 6, 7), (3, 8, 19)] {
        let mut t = Drill::new(Config::linux());
        let fd = t.host.socket(SocketKind::Tcp, false);
        t.setsockopt(fd, SocketOption::SynCount(count));
        t.connect_with(fd);
        t.pass_ms(end * 1000 - 1);
        assert_eq!(t.take_sent().len(), syns, "{count}");
        assert_eq!(t.error(fd), None);
        t.pass_ms(1);
        assert_eq!(t.error(fd), Some(Errno::TimedOut));
        t.forget_sent();
    }
}

/// As Linux 6.18 does (RFC 9293 §3.6.1, SHLD-3): data for a connection that is shut down both ways resets it.
#[test]
fn data_that_nobody_wants() {
    let mut t = Drill::new(Config::linux());
    let fd = t.passive(OPTIONS);
    t.shutdown(fd, How::Both).unwrap();
    t.expect("F. 1:1(0) ack 1");
    t.inject("+.1 . 1:1(0) ack 2 win 257");
    t.inject("+.1 P. 1:101(100) ack 2 win 257");
    t.expect("R 2:2(0)");
    assert_eq!(t.error(fd), Some(Errno::ConnectionReset));
    assert_eq!(t.shutdown(fd, How::Both), Err(Errno::NotConnected));
}

/// As Linux 6.18 does: after the peer's FIN a read finds the end of the stream, although a RST came too.
#[test]
fn the_end_before_the_error() {
    let mut t = Drill::new(Config::linux());
    let fd = t.passive(OPTIONS);
    t.inject("+.1 F. 1:1(0) ack 1 win 257");
    t.forget_sent();
    t.pass_ms(100);
    t.forget_sent();
    t.inject("R. 2:2(0) ack 1 win 257");
    assert_eq!(t.read(fd, 100), Ok(0));
    assert_eq!(t.write(fd, 100), Err(Errno::PipeBroken));
}

/// As Linux 6.18 does: TIME-WAIT has nothing to shut down.
#[test]
fn a_shutdown_in_time_wait() {
    let mut t = Drill::new(Config::linux());
    let fd = t.passive(OPTIONS);
    t.shutdown(fd, How::Write).unwrap();
    t.expect("F. 1:1(0) ack 1");
    t.inject("+.1 F. 1:1(0) ack 2 win 257");
    t.expect(". 2:2(0) ack 2");
    assert_eq!(t.shutdown(fd, How::Write), Err(Errno::NotConnected));
}

/// RFC 7323 §4: after a retransmitted SYN-ACK the echo tells the round trip, as in Linux 6.18.
#[test]
fn the_round_trip_of_a_repeated_syn_ack() {
    let mut t = Drill::new(Config::linux());
    t.listen();
    t.inject(&format!("S 0:0(0) win 32792 <{STAMPED}>"));
    t.play(
        "> S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 100 ecr 200,nop,wscale 10>
         +1 > S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 1100 ecr 200,nop,wscale 10>
         +.5 < . 1:1(0) ack 1 win 257 <nop,nop,TS val 1700 ecr 1100>",
    );
    let fd = t.accept();
    assert_eq!(t.info(fd).field("rtt"), Some(500_000));
}

/// As Linux 6.18 does: the window of a SYN-ACK is full segments of the buffer, as far as 16 bits can say it; and what it
/// could not say holds nevertheless, so that reading a little later needs no ACK.
#[test]
fn the_window_of_a_syn_ack() {
    let mut t = Drill::with(Config::linux(), |host| {
        let buffers = &mut std::sync::Arc::make_mut(&mut host.tcp).buffers;
        (buffers.receive, buffers.receive_max) = (540_000, 15_000_000);
        host.fast_open.modes = 0x607;
    });
    let listener = t.listen();
    t.host.set_option(t.now, listener, SocketOption::FastOpen(5)).unwrap();
    t.inject("S 0:500(500) win 32792 <mss 1000,nop,wscale 7>");
    t.expect("S. 0:0(0) ack 501 win 65535 <mss 1460,nop,wscale 8>");
    let fd = t.accept();
    t.inject("+.1 . 501:501(0) ack 1 win 257");
    assert_eq!(t.read(fd, 1000), Ok(500));
    t.expect_nothing();
}

/// As Linux 6.18 does: CWR ends the echo of marks on a segment without data too.
#[test]
fn cwr_without_data() {
    let mut config = Config::linux();
    (config.ecn.ask, config.ecn.agree) = (true, true);
    let mut t = Drill::new(config);
    t.listen();
    t.inject(&format!("SEW 0:0(0) win 32792 <{OPTIONS}>"));
    t.expect("SE. 0:0(0) ack 1 <...>");
    t.inject("+.1 . 1:1(0) ack 1 win 257");
    let fd = t.accept();
    t.inject("+.1 [ce] P. 1:101(100) ack 1 win 257");
    t.expect("E. 1:1(0) ack 101");
    t.inject("+.1 W. 101:101(0) ack 1 win 257");
    t.write(fd, 100).unwrap();
    t.expect("P. 1:101(100) ack 101");
}

/// As Linux 6.18 does: a window that is not scaled is full at 65,535 octets, whatever the buffer holds; a read updates
/// nothing then.
#[test]
fn no_update_of_what_can_not_be_said() {
    let mut t = Drill::with(Config::linux(), |host| {
        let buffers = &mut std::sync::Arc::make_mut(&mut host.tcp).buffers;
        (buffers.receive, buffers.receive_max) = (540_000, 15_000_000);
    });
    let fd = t.passive("mss 1000");
    t.inject("+.1 P. 1:101(100) ack 1 win 32792");
    t.expect(". 1:1(0) ack 101");
    assert_eq!(t.read(fd, 1000), Ok(100));
    t.expect_nothing();
}

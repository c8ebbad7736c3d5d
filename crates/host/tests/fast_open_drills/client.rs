//! The client: the cookie and its cache, data on the SYN, and what comes of it.

use faultwire_base::Duration;
use faultwire_host::{Errno, SocketOption};
use faultwire_tcp::{Config, State};

use crate::{linux, with};

/// RFC 7413 §4.2.1: the first SYN asks for a cookie; later ones carry it with data, cut to the MSS that the peer told
/// less 40 octets for options.
#[test]
fn cookie_then_data_on_the_syn() {
    let mut t = linux(1);
    t.get_cookie();
    let (fd, sent) = t.send_fast_open(2000);
    assert_eq!(sent, Ok(1000));
    t.play(
        "> S 0:1000(1000) <mss 1460,nop,nop,sackOK,nop,wscale 10,FO 0102030405060708,nop,nop>
         +.01 < S. 1234:1234(0) ack 1001 win 5840 <mss 1040,nop,nop,sackOK,nop,wscale 6>
         > . 1001:1001(0) ack 1",
    );
    assert_eq!(t.write(fd, 500), Ok(500));
    t.expect("P. 1001:1501(500) ack 1");
    assert_eq!(t.info(fd).state, State::Established);
    // What is known of destinations is forgotten on demand.
    t.host.flush_metrics();
    assert_eq!(t.send_fast_open(1000).1, Err(Errno::InProgress));
    t.expect("S 0:0(0) <mss 1460,nop,nop,sackOK,nop,wscale 10,FO,nop,nop>");
}

/// RFC 7413 §4.2.1: what the SYN-ACK does not acknowledge goes again at once, and takes the ACK of the handshake along.
#[test]
fn data_not_acknowledged() {
    let mut t = linux(1);
    t.get_cookie();
    let (_, sent) = t.send_fast_open(1000);
    assert_eq!(sent, Ok(1000));
    t.play(
        "> S 0:1000(1000) <mss 1460,nop,nop,sackOK,nop,wscale 10,FO 0102030405060708,nop,nop>
         +.01 < S. 1234:1234(0) ack 1 win 5840 <mss 1040,nop,nop,sackOK,nop,wscale 6>
         > P. 1:1001(1000) ack 1
         +.01 < . 1:1(0) ack 1001 win 257",
    );
    t.expect_nothing_for_ms(5000);
}

/// The same with a part acknowledged, and with segments smaller than what the SYN held.
#[test]
fn data_acknowledged_in_part() {
    let mut t = linux(1);
    t.get_cookie();
    t.send_fast_open(1000).1.unwrap();
    t.play(
        "> S 0:1000(1000) <...>
         +.01 < S. 1234:1234(0) ack 501 win 5840 <mss 300,nop,nop,sackOK,nop,wscale 6>
         > . 501:801(300) ack 1
         > P. 801:1001(200) ack 1
         +.01 < . 1:1(0) ack 1001 win 257",
    );
    t.expect_nothing_for_ms(5000);
}

/// RFC 9293 §3.10.7.3, first: a SYN-ACK of what was never sent is answered by a RST.
#[test]
fn more_acknowledged_than_sent() {
    let mut t = linux(1);
    t.get_cookie();
    t.send_fast_open(1000).1.unwrap();
    t.play(
        "> S 0:1000(1000) <...>
         +.01 < S. 1234:1234(0) ack 1002 win 5840 <mss 1040,nop,nop,sackOK,nop,wscale 6>
         > R 1002:1002(0)",
    );
}

/// Linux: what is sent again is a plain SYN, without option and data; then the data goes with the ACK.
#[test]
fn syn_with_data_lost() {
    let mut t = linux(1);
    t.get_cookie();
    t.send_fast_open(1000).1.unwrap();
    t.play(
        "> S 0:1000(1000) <mss 1460,nop,nop,sackOK,nop,wscale 10,FO 0102030405060708,nop,nop>
         +1 > S 0:0(0) <mss 1460,nop,nop,sackOK,nop,wscale 10>
         +.01 < S. 1234:1234(0) ack 1 win 5840 <mss 1040,nop,nop,sackOK,nop,wscale 6>
         > P. 1:1001(1000) ack 1",
    );
}

/// A server that knows better changes the cookie in its SYN-ACK (RFC 7413 §4.1.3).
#[test]
fn cookie_refused() {
    let mut t = linux(1);
    t.get_cookie();
    t.send_fast_open(1000).1.unwrap();
    t.play(
        "> S 0:1000(1000) <mss 1460,nop,nop,sackOK,nop,wscale 10,FO 0102030405060708,nop,nop>
         +.01 < S. 1234:1234(0) ack 1 win 5840 <mss 940,nop,nop,sackOK,nop,wscale 6,FO 1111222233334444,nop,nop>
         > . 1:941(940) ack 1
         > P. 941:1001(60) ack 1",
    );
}

#[test]
fn the_new_cookie_and_mss_count() {
    let mut t = linux(1);
    t.get_cookie();
    t.send_fast_open(1000).1.unwrap();
    t.play(
        "> S 0:1000(1000) <...>
         +.01 < S. 1234:1234(0) ack 1001 win 5840 <mss 940,nop,nop,sackOK,nop,wscale 6,FO 1111222233334444,nop,nop>
         > . 1001:1001(0) ack 1",
    );
    assert_eq!(t.send_fast_open(2000).1, Ok(900));
    t.expect("S 0:900(900) <mss 1460,nop,nop,sackOK,nop,wscale 10,FO 1111222233334444,nop,nop>");
}

/// RFC 7413 §4.2.2: the server may answer with data; one ACK covers all.
#[test]
fn data_on_the_syn_ack() {
    let mut t = linux(1);
    t.get_cookie();
    let (fd, _) = t.send_fast_open(1000);
    t.play(
        "> S 0:1000(1000) <...>
         +.01 < S. 1234:1734(500) ack 1001 win 5840 <mss 1040,nop,nop,sackOK,nop,wscale 6>
         > . 1001:1001(0) ack 501",
    );
    assert_eq!(t.read(fd, 1000), Ok(500));
    // Without Fast Open Linux leaves it for the server to send again; the RFC takes it.
    for (config, taken) in [(Config::linux(), 1), (Config::rfc(), 501)] {
        let mut t = with(config, 1, |_| ());
        t.connect();
        t.expect("S 0:0(0) <...>");
        t.inject("+.01 S. 1234:1734(500) ack 1 win 5840 <mss 1040>");
        t.expect(&format!(". 1:1(0) ack {taken}"));
    }
}

/// The option in its experimental kind is tried when the other got no cookie, and the other again after that.
#[test]
fn experimental_option() {
    let mut t = linux(1);
    for option in ["FO,nop,nop", "FOEXP", "FO,nop,nop"] {
        let (fd, _) = t.send_fast_open(100);
        t.expect(&format!("S 0:0(0) <mss 1460,nop,nop,sackOK,nop,wscale 10,{option}>"));
        t.play("+.01 < S. 123:123(0) ack 1 win 5840 <mss 1040> \n > . 1:1(0) ack 1");
        t.abort(fd);
        t.expect("R. 1:1(0) ack 1");
    }
    let mut t = linux(1);
    let (fd, _) = t.send_fast_open(0);
    t.play(
        "> S 0:0(0) <...>
         +.01 < S. 123:123(0) ack 1 win 5840 <mss 1040,FOEXP 0102030405060708>
         > . 1:1(0) ack 1",
    );
    t.abort(fd);
    t.expect("R. 1:1(0) ack 1");
    t.send_fast_open(100).1.unwrap();
    t.expect("S 0:100(100) <mss 1460,nop,nop,sackOK,nop,wscale 10,FOEXP 0102030405060708>");
}

/// Bit 4 of `tcp_fastopen` and `TCP_FASTOPEN_NO_COOKIE`: data without an option, to a peer that is not known.
#[test]
fn without_a_cookie() {
    let mut t = linux(5);
    assert_eq!(t.send_fast_open(2000).1, Ok(1420));
    t.expect("S 0:1420(1420) <mss 1460,nop,nop,sackOK,nop,wscale 10>");
    let mut t = linux(1);
    let fd = t.host.socket(faultwire_host::SocketKind::Tcp, false);
    t.setsockopt(fd, SocketOption::FastOpenNoCookie(true));
    assert_eq!(t.send_fast_open_on(fd, 100), Ok(100));
    t.expect("S 0:100(100) <mss 1460,nop,nop,sackOK,nop,wscale 10>");
}

/// Without bit 1 a client may not use it; twice is too much, as is a socket that is connected.
#[test]
fn calls_that_fail() {
    let mut t = linux(2);
    let (fd, sent) = t.send_fast_open(10);
    assert_eq!(sent, Err(Errno::NotSupported));
    let option = SocketOption::FastOpenConnect(true);
    assert_eq!(t.host.set_option(t.now, fd, option), Err(Errno::NotSupported));
    let mut t = linux(1);
    let (fd, _) = t.send_fast_open(10);
    t.expect("S 0:0(0) <...>");
    assert_eq!(t.send_fast_open_on(fd, 10), Err(Errno::AlreadyInProgress));
    assert_eq!(t.host.set_option(t.now, fd, option), Err(Errno::Invalid));
    assert_eq!(t.host.set_option(t.now, fd, SocketOption::FastOpen(1)), Err(Errno::Invalid));
    t.play("+.01 < S. 123:123(0) ack 1 win 5840 <mss 1040> \n > . 1:1(0) ack 1");
    // As Linux 6.18 does: whoever did not wait is told by the next call that it worked, and by this one once.
    assert_eq!(t.send_fast_open_on(fd, 10), Ok(10));
    t.expect("P. 1:11(10) ack 1");
    assert_eq!(t.send_fast_open_on(fd, 10), Err(Errno::IsConnected));
}

/// `TCP_FASTOPEN_CONNECT`: with a cookie connect succeeds at once and the first write makes the SYN; without one connect
/// sends a SYN that asks.
#[test]
fn connect_and_write() {
    let mut t = linux(1);
    let fd = t.host.socket(faultwire_host::SocketKind::Tcp, false);
    t.setsockopt(fd, SocketOption::FastOpenConnect(true));
    t.connect_with(fd);
    t.expect("S 0:0(0) <mss 1460,nop,nop,sackOK,nop,wscale 10,FO,nop,nop>");
    t.play(
        "+.01 < S. 123:123(0) ack 1 win 5840 <mss 1040,FO 0102030405060708,nop,nop>
         > . 1:1(0) ack 1",
    );
    let fd = t.host.socket(faultwire_host::SocketKind::Tcp, false);
    t.setsockopt(fd, SocketOption::FastOpenConnect(true));
    assert_eq!(t.host.connect(t.now, fd, t.remote), Ok(()));
    t.local = t.host.local_address(fd).unwrap();
    t.expect_nothing_for_ms(10_000);
    assert!(t.host.readiness(fd).writable);
    assert_eq!(t.host.connect(t.now, fd, t.remote), Err(Errno::IsConnected));
    assert_eq!(t.write(fd, 300), Ok(300));
    t.play(
        "> S 0:300(300) <mss 1460,nop,nop,sackOK,nop,wscale 10,FO 0102030405060708,nop,nop>
         +.01 < S. 123:123(0) ack 301 win 5840 <mss 1040>
         > . 301:301(0) ack 1",
    );
    // Closed before anything was written: nobody ever hears of it.
    let fd = t.host.socket(faultwire_host::SocketKind::Tcp, false);
    t.setsockopt(fd, SocketOption::FastOpenConnect(true));
    assert_eq!(t.host.connect(t.now, fd, t.remote), Ok(()));
    t.close(fd);
    t.expect_nothing_for_ms(10_000);
}

/// Linux: both ends try at once. Data on the peer's SYN is not taken and ours is not sent again before the handshake
/// ends, in which it is acknowledged.
#[test]
fn simultaneous_open() {
    let mut t = linux(1);
    t.get_cookie();
    t.send_fast_open(1000).1.unwrap();
    t.play(
        "> S 0:1000(1000) <mss 1460,nop,nop,sackOK,nop,wscale 10,FO 0102030405060708,nop,nop>
         +.005 < S 1234:1734(500) win 14600 <mss 1040,nop,nop,sackOK,nop,wscale 6,FO 8765432187654321,nop,nop>
         > S. 0:0(0) ack 1235 <mss 1460,nop,nop,sackOK,nop,wscale 10>
         +.045 < S. 1234:1234(0) ack 1001 win 14600 <mss 940,nop,nop,sackOK,nop,wscale 6>
         > . 1001:1001(0) ack 1 <nop,nop,sack 0:1>",
    );
    t.inject("+.1 P. 1:501(500) ack 1001 win 257");
    t.expect(". 1001:1001(0) ack 501");
}

/// Linux `tcp_fastopen_blackhole_timeout_sec`: after the third timeout no Fast Open for a while, for no destination.
#[test]
fn a_black_hole() {
    let mut t = with(Config::linux(), 1, |host| host.fast_open.black_hole_timeout = Duration::from_secs(60));
    t.get_cookie();
    t.send_fast_open(100).1.unwrap();
    t.expect("S 0:100(100) <...>");
    for _ in 0..2 {
        t.expect("+1 S 0:0(0) <...>");
    }
    assert_eq!(t.send_fast_open(10).1, Ok(10));
    t.expect("S 0:10(10) <...>");
    t.pass_ms(1000);
    t.forget_sent();
    let (fd, sent) = t.send_fast_open(10);
    assert_eq!(sent, Err(Errno::InProgress));
    t.expect("S 0:0(0) <mss 1460,nop,nop,sackOK,nop,wscale 10>");
    t.close(fd);
    t.pass_ms(59_999);
    t.forget_sent();
}

/// `TCP_SYNCNT`: so many SYNs more, after the linear ones.
#[test]
fn syn_count() {
    let mut config = Config::linux();
    config.opening.syn_linear_timeouts = 0;
    let mut t = with(config, 1, |_| ());
    let fd = t.host.socket(faultwire_host::SocketKind::Tcp, false);
    t.setsockopt(fd, SocketOption::SynCount(2));
    t.connect_with(fd);
    t.play("> S 0:0(0) <...> \n +1 > S 0:0(0) <...> \n +2 > S 0:0(0) <...>");
    t.expect_nothing_for_ms(3999);
    assert_eq!(t.error(fd), None);
    t.pass_ms(1);
    assert_eq!(t.error(fd), Some(Errno::TimedOut));
}

/// tcp_addoptions writes the cookie before the end of the list, which behind it would hide it.
#[test]
fn freebsd_asks_for_a_cookie_before_the_end_of_the_list() {
    let mut t = with(Config::freebsd(), 1, |_| ());
    let (_, sent) = t.send_fast_open(0);
    assert_eq!(sent, Err(Errno::InProgress));
    t.play("> S 0:0(0) <mss 1460,nop,wscale 6,sackOK,FO>");
}

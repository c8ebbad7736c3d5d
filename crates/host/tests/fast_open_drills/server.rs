//! The server: cookies, the connection before its handshake is complete, and what can happen to it then.

use faultwire_host::{DropReason, Errno, Fd, HostEvent, SocketOption};
use faultwire_tcp::{Config, State};

use crate::drill::Drill;
use crate::{COOKIE, linux, with};

/// Server and client bits.
const ON: u32 = 3;

/// A listener with a Fast Open backlog.
fn listening(t: &mut Drill, backlog: u32) -> Fd {
    let fd = t.listen();
    t.setsockopt(fd, SocketOption::FastOpen(backlog));
    fd
}

/// A SYN with ten octets and the good cookie, and its SYN-ACK.
fn opened(t: &mut Drill) {
    t.inject(&format!("S 0:10(10) win 32792 <mss 1460,sackOK,nop,nop,FO {COOKIE},nop,nop>"));
    t.expect("S. 0:0(0) ack 11 <mss 1460,nop,nop,sackOK>");
}

/// RFC 7413 §4.2.2: with a good cookie the data is there before the handshake is complete, and the server may answer.
#[test]
fn data_before_the_handshake_ends() {
    let mut t = linux(ON);
    listening(&mut t, 5);
    opened(&mut t);
    let fd = t.accept();
    assert_eq!(t.info(fd).state, State::SynReceived);
    assert!(t.host.readiness(fd).readable && t.host.readiness(fd).writable);
    assert_eq!(t.read(fd, 512), Ok(10));
    assert_eq!(t.write(fd, 100), Ok(100));
    t.expect("P. 1:101(100) ack 11");
    // The ACK is of the SYN-ACK only, then of the data too.
    t.inject("+.03 . 11:11(0) ack 1 win 257");
    assert_eq!(t.info(fd).state, State::Established);
    t.inject("+.03 . 11:11(0) ack 101 win 257");
    t.inject("P. 11:21(10) ack 101 win 257");
    t.expect(". 101:101(0) ack 21");
    assert_eq!(t.read(fd, 512), Ok(10));
}

/// The first ACK may acknowledge the data of the server too.
#[test]
fn one_ack_for_all() {
    let mut t = linux(ON);
    listening(&mut t, 5);
    opened(&mut t);
    let fd = t.accept();
    t.write(fd, 100).unwrap();
    t.expect("P. 1:101(100) ack 11");
    t.inject("+.03 P. 11:21(10) ack 101 win 257");
    assert_eq!((t.info(fd).state, t.info(fd).acknowledged), (State::Established, 100));
    t.expect(". 101:101(0) ack 21");
    t.expect_nothing_for_ms(5000);
}

/// A request gets the cookie; so does a wrong one, whose data is not taken. A repeated SYN-ACK has no option.
#[test]
fn cookies_are_given_out() {
    for option in ["FO,nop,nop", "FO 1122334455667788,nop,nop"] {
        let mut t = linux(ON);
        listening(&mut t, 5);
        t.inject(&format!("S 0:10(10) win 32792 <mss 1460,sackOK,nop,nop,{option}>"));
        t.expect(&format!("S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK,FO {COOKIE},nop,nop>"));
        t.expect("+1 S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK>");
        t.inject("+.01 P. 1:11(10) ack 1 win 257");
        t.expect(". 1:1(0) ack 11");
        let fd = t.accept();
        assert_eq!(t.read(fd, 100), Ok(10));
    }
    let mut t = linux(ON);
    listening(&mut t, 5);
    t.inject("S 0:0(0) win 32792 <mss 1460,sackOK,FOEXP>");
    t.expect(&format!("S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK,FOEXP {COOKIE}>"));
}

/// No cookie for a listener without a backlog for it, nor where servers may not; the data is left (Linux).
#[test]
fn not_allowed() {
    for (modes, backlog) in [(ON, 0), (1, 5)] {
        let mut t = linux(modes);
        listening(&mut t, backlog);
        t.inject(&format!("S 0:10(10) win 32792 <mss 1460,sackOK,nop,nop,FO {COOKIE},nop,nop>"));
        t.expect("S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK>");
    }
    // Every listener, by bit 0x400.
    let mut t = linux(0x403);
    t.listen();
    opened(&mut t);
}

/// Bit 0x200 and the socket option: no cookie is needed.
#[test]
fn without_a_cookie() {
    let mut t = linux(0x203);
    listening(&mut t, 5);
    t.inject("S 0:10(10) win 32792 <mss 1460,sackOK,nop,nop>");
    t.expect("S. 0:0(0) ack 11 <mss 1460,nop,nop,sackOK>");
    let mut t = linux(ON);
    let listener = listening(&mut t, 5);
    t.setsockopt(listener, SocketOption::FastOpenNoCookie(true));
    t.inject("S 0:10(10) win 32792 <mss 1460,sackOK,nop,nop>");
    t.expect("S. 0:0(0) ack 11 <mss 1460,nop,nop,sackOK>");
}

/// A good cookie without data: the server may write before the handshake ends.
#[test]
fn no_data_on_the_syn() {
    let mut t = linux(ON);
    listening(&mut t, 5);
    t.inject(&format!("S 0:0(0) win 32792 <mss 1460,sackOK,nop,nop,FO {COOKIE},nop,nop>"));
    t.expect("S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK>");
    let fd = t.accept();
    assert_eq!(t.read(fd, 10), Err(Errno::WouldBlock));
    t.write(fd, 1000).unwrap();
    t.expect("P. 1:1001(1000) ack 1");
}

/// A key of the listener's own; a cookie under the former key is taken, and answered with a new one.
#[test]
fn keys() {
    let mut t = linux(ON);
    let listener = listening(&mut t, 5);
    t.host.set_fast_open_keys(listener, "0-0-0-0".parse().unwrap()).unwrap();
    t.inject("S 0:0(0) win 32792 <mss 1460,sackOK,FO,nop,nop>");
    t.expect("S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK,FO b7c12350a90dc8f5,nop,nop>");
    t.new_peer();
    let both = format!("0-0-0-0,{}", crate::KEY);
    t.host.set_fast_open_keys(listener, both.parse().unwrap()).unwrap();
    t.inject(&format!("S 0:10(10) win 32792 <mss 1460,sackOK,FO {COOKIE},nop,nop>"));
    t.expect("S. 0:0(0) ack 11 <mss 1460,nop,nop,sackOK,FO b7c12350a90dc8f5,nop,nop>");
}

/// Linux: with the queue full the SYN is taken as one without Fast Open, and its option not answered.
#[test]
fn backlog() {
    let mut t = linux(ON);
    listening(&mut t, 1);
    opened(&mut t);
    let first = t.mapping;
    t.new_peer();
    let syn = format!("S 0:10(10) win 32792 <mss 1460,sackOK,nop,nop,FO {COOKIE},nop,nop>");
    t.inject(&syn);
    t.expect("S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK>");
    t.inject("+.01 R 1:1(0) win 0");
    // The first one completes: there is room again.
    t.remote.set_port(t.remote.port() - 1);
    t.mapping = first;
    t.inject("+.01 . 11:11(0) ack 1 win 257");
    t.remote.set_port(t.remote.port() + 2);
    t.inject(&syn);
    t.expect("S. 0:0(0) ack 11 <mss 1460,nop,nop,sackOK>");
}

/// RFC 7413 §5.1: what was accepted and then reset counts for a minute more.
#[test]
fn resets_fill_the_backlog() {
    let mut t = linux(ON);
    listening(&mut t, 1);
    opened(&mut t);
    t.accept();
    t.inject("+.01 R 11:11(0) win 0");
    let syn = format!("S 0:10(10) win 32792 <mss 1460,sackOK,nop,nop,FO {COOKIE},nop,nop>");
    for (wait, taken) in [(59_999, 1), (1, 11)] {
        t.new_peer();
        t.pass_ms(wait);
        t.inject(&syn);
        t.expect(&format!("S. 0:0(0) ack {taken} <mss 1460,nop,nop,sackOK>"));
        t.inject(&format!("R {taken}:{taken}(0) win 0"));
    }
}

/// The same SYN again gets the same SYN-ACK, and its data counts once; the timer starts anew.
#[test]
fn repeated_syn() {
    let mut t = linux(ON);
    listening(&mut t, 5);
    opened(&mut t);
    let fd = t.accept();
    t.pass_ms(500);
    opened(&mut t);
    assert_eq!(t.read(fd, 100), Ok(10));
    // As Linux 6.18 does: the timer goes on as it was.
    t.expect("+.5 S. 0:0(0) ack 11 <mss 1460,nop,nop,sackOK>");
    t.inject("+.01 . 11:11(0) ack 1 win 257");
    assert_eq!(t.read(fd, 100), Err(Errno::WouldBlock));
}

/// Linux: the SYN-ACK is sent again one time more than others; what the server wrote waits. Then ETIMEDOUT.
#[test]
fn no_answer() {
    let mut config = Config::linux();
    config.opening.synack_retries = 1;
    let mut t = with(config, ON, |_| ());
    listening(&mut t, 5);
    opened(&mut t);
    let fd = t.accept();
    t.write(fd, 10).unwrap();
    t.play(
        "> P. 1:11(10) ack 11
         +1 > S. 0:0(0) ack 11 <mss 1460,nop,nop,sackOK>
         +2 > S. 0:0(0) ack 11 <mss 1460,nop,nop,sackOK>",
    );
    t.expect_nothing_for_ms(3999);
    t.pass_ms(1);
    assert_eq!(t.error(fd), Some(Errno::TimedOut));
}

/// Its retransmission timer starts when the handshake is complete.
#[test]
fn data_lost_before_the_handshake_ends() {
    let mut t = linux(ON);
    listening(&mut t, 5);
    opened(&mut t);
    let fd = t.accept();
    t.write(fd, 10).unwrap();
    t.expect("P. 1:11(10) ack 11");
    t.inject("+.5 . 11:11(0) ack 1 win 257");
    t.expect_nothing_for_ms(400);
    assert!(t.info(fd).rto.as_nanos() >= 500_000_000);
    t.expect("* P. 1:11(10) ack 11");
    assert_eq!(t.now.as_nanos(), 1_500_000_000 + t.info(fd).rto.as_nanos() / 2);
}

/// Linux: closing before the handshake ends sends the FIN at once.
#[test]
fn close_before_the_handshake_ends() {
    let mut t = linux(ON);
    listening(&mut t, 5);
    opened(&mut t);
    let fd = t.accept();
    t.read(fd, 100).unwrap();
    t.pass_ms(100);
    t.close(fd);
    t.expect("F. 1:1(0) ack 11");
    assert_eq!(t.state(), State::FinWait1);
    t.expect("+.9 S. 0:0(0) ack 11 <mss 1460,nop,nop,sackOK>");
    t.inject("+.02 F. 11:11(0) ack 2 win 514");
    t.expect(". 2:2(0) ack 12");
    assert_eq!(t.state(), State::TimeWait);
}

/// RFC 9293 §3.6.1, SHLD-3, in SYN-RECEIVED; and closing the listener (Linux).
#[test]
fn close_with_unread_data() {
    let mut t = linux(ON);
    let listener = listening(&mut t, 5);
    opened(&mut t);
    let fd = t.accept();
    t.close(fd);
    t.expect("R. 1:1(0) ack 11");
    t.new_peer();
    opened(&mut t);
    t.close(listener);
    t.expect("R. 1:1(0) ack 11");
}

/// RFC 9293 §3.10.7.4, MUST-11: a RST takes a passive open back to LISTEN, and nobody is told who does not know of it.
/// Linux leaves the connection in the queue, and its data to be read.
#[test]
fn reset_before_accept() {
    let mut t = linux(ON);
    listening(&mut t, 5);
    opened(&mut t);
    t.inject("+.01 R 11:11(0) win 0");
    let fd = t.accept();
    assert_eq!(t.read(fd, 10), Ok(10));
    assert_eq!(t.read(fd, 10), Err(Errno::ConnectionReset));

    let mut t = with(Config::rfc(), ON, |_| ());
    let listener = listening(&mut t, 5);
    t.inject(&format!("S 0:10(10) win 32792 <mss 1460,FO {COOKIE},nop,nop>"));
    t.expect("S. 0:0(0) ack 11 <mss 1460>");
    t.inject("+.01 R 11:11(0) win 0");
    assert_eq!(t.host.accept(listener), Err(Errno::WouldBlock));
    assert_eq!(t.host.queue_lengths(listener), Ok((0, 0)));
}

/// Who has accepted it is told.
#[test]
fn reset_after_accept() {
    for config in [Config::linux(), Config::rfc()] {
        let mut t = with(config, ON, |_| ());
        listening(&mut t, 5);
        t.inject(&format!("S 0:10(10) win 32792 <mss 1460,FO {COOKIE},nop,nop>"));
        t.expect("S. 0:0(0) ack 11 <mss 1460>");
        let fd = t.accept();
        assert_eq!(t.read(fd, 100), Ok(10));
        t.inject("+.01 R 11:11(0) win 0");
        assert_eq!(t.read(fd, 100), Err(Errno::ConnectionReset));
    }
}

/// Linux: an ICMP error ends it while nobody has accepted it; afterwards it is only remembered.
#[test]
fn icmp_before_and_after_accept() {
    let mut t = linux(ON);
    listening(&mut t, 5);
    opened(&mut t);
    t.inject("+.01 icmp unreachable host_unreachable [0:0(0)]");
    let fd = t.accept();
    assert_eq!(t.read(fd, 10), Ok(10));
    assert_eq!(t.read(fd, 10), Err(Errno::HostUnreachable));
    t.new_peer();
    opened(&mut t);
    let fd = t.accept();
    t.inject("+.01 icmp unreachable host_unreachable [0:0(0)]");
    t.inject("+.01 . 11:11(0) ack 1 win 257");
    assert_eq!(t.info(fd).state, State::Established);
}

/// RFC 9293 §3.4: data on a SYN without Fast Open is delivered once the connection is ESTABLISHED, and acknowledged
/// then. Linux leaves it for the peer to send again.
#[test]
fn data_on_a_syn_without_fast_open() {
    let mut t = with(Config::rfc(), 1, |_| ());
    t.listen();
    t.inject("S 0:10(10) win 32792 <mss 1460>");
    t.expect("S. 0:0(0) ack 1 <mss 1460>");
    t.inject("+.01 . 11:11(0) ack 1 win 257");
    t.expect(". 1:1(0) ack 11");
    let fd = t.accept();
    assert_eq!(t.read(fd, 100), Ok(10));
    let mut t = linux(1);
    t.listen();
    t.inject("S 0:10(10) win 32792 <mss 1460>");
    t.expect("S. 0:0(0) ack 1 <mss 1460>");
    t.inject("+.01 P. 1:11(10) ack 1 win 257");
    t.expect(". 1:1(0) ack 11");
}

/// Linux `TCP_DEFER_ACCEPT`: the ACK without data is dropped and no SYN-ACK repeated, until the time is over; then one
/// goes, and the next ACK is enough.
#[test]
fn defer_accept() {
    let deferring = |seconds| {
        let mut t = linux(1);
        let listener = t.listen();
        t.setsockopt(listener, SocketOption::DeferAccept(seconds));
        t.inject("S 0:0(0) win 32792 <mss 1460>");
        t.expect("S. 0:0(0) ack 1 <mss 1460>");
        t.inject("+.1 . 1:1(0) ack 1 win 257");
        assert_eq!(t.host.accept(listener), Err(Errno::WouldBlock));
        t
    };
    let mut t = deferring(3);
    assert!(matches!(t.told.last(), Some(HostEvent::Dropped { reason: DropReason::AcceptDeferred, .. })));
    t.inject("+.1 P. 1:11(10) ack 1 win 257");
    t.expect(". 1:1(0) ack 11");
    t.accept();
    // Three seconds are two timeouts: nothing at 1 s, the SYN-ACK at 3 s.
    let mut t = deferring(3);
    t.expect_nothing_until_ms(3999);
    t.expect("4 S. 0:0(0) ack 1 <mss 1460>");
    t.inject("+.1 . 1:1(0) ack 1 win 257");
    t.accept();
}

//! Calls that wait: on whom, until when, to the nanosecond.

use super::*;

fn millis(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

#[test]
fn accept_waits_for_a_connection() {
    let mut bench = Bench::new(Profile::Linux);
    bench.calls(["socket(..., SOCK_STREAM, 0) = 3", "bind(3, ..., ...) = 0", "listen(3, 1) = 0"]);
    bench.waits("accept(3, ..., ...) = 4");
    assert_eq!(bench.sockets.resume_deadline(), None);
    bench.goes_on_waiting();
    bench.peer_connects();
    bench.returns();
    bench.calls(["write(4, ..., 10) = 10"]);
}

#[test]
fn connect_waits_for_the_handshake() {
    let mut bench = Bench::new(Profile::Linux);
    bench.peer_listens();
    bench.calls(["socket(..., SOCK_STREAM, 0) = 3"]);
    bench.waits("connect(3, ..., ...) = 0");
    assert_eq!(bench.machine.sent.len(), 1);
    bench.goes_on_waiting();
    bench.exchange().returns();
}

#[test]
fn connect_waits_for_a_refusal() {
    for profile in [Profile::Linux, Profile::Freebsd] {
        let mut bench = Bench::new(profile);
        bench.calls(["socket(..., SOCK_STREAM, 0) = 3"]);
        bench.waits("connect(3, ..., ...) = -1 ECONNREFUSED");
        bench.exchange().returns();
        bench.calls(["getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0"]);
    }
}

#[test]
fn a_waiting_call_that_ends_otherwise_is_a_difference() {
    let mut bench = Bench::new(Profile::Linux);
    bench.calls(["socket(..., SOCK_STREAM, 0) = 3"]);
    bench.waits("connect(3, ..., ...) = 0");
    bench.exchange();
    let told = bench.resume();
    assert_eq!(told, Err(Problem::Differs("connect returned -1 ECONNREFUSED, and not 0".into())));
    assert!(!bench.sockets.is_waiting());
}

#[test]
fn read_waits_for_data_the_end_or_an_error() {
    let mut bench = Bench::new(Profile::Linux);
    let peer = bench.accepted();
    bench.waits("read(4, ..., 1000) = 10");
    bench.peer_sends(peer, 10).returns();
    bench.waits("read(4, 0, 1000) = -1 EFAULT");
    bench.peer_sends(peer, 10).returns();
    bench.calls(["read(4, ..., 1000) = 10"]);
    bench.waits("recv(4, ..., 1000, 0) = 0");
    let now = bench.peer.now();
    bench.peer.host.shutdown(now, peer, faultwire_host::How::Write).unwrap();
    bench.exchange().returns();
}

/// `MSG_WAITALL` and `SO_RCVLOWAT` want more than the first octet.
#[test]
fn read_waits_for_as_much_as_is_wanted() {
    let mut bench = Bench::new(Profile::Linux);
    let peer = bench.accepted();
    bench.waits("recv(4, ..., 30, MSG_WAITALL) = 30");
    bench.peer_sends(peer, 10).goes_on_waiting();
    bench.peer_sends(peer, 50).returns();
    bench.calls(["read(4, ..., 100) = 30", "setsockopt(4, SOL_SOCKET, SO_RCVLOWAT, [20], 4) = 0"]);
    bench.waits("read(4, ..., 100) = 25");
    bench.peer_sends(peer, 10).goes_on_waiting();
    bench.peer_sends(peer, 15).returns();
    bench.peer_sends(peer, 19).calls(["poll([{fd=4, events=POLLIN, revents=0}], 1, 0) = 0"]);
    bench.peer_sends(peer, 1).calls(["poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, 0) = 1"]);
}

/// `SO_RCVTIMEO`: to the nanosecond.
#[test]
fn read_gives_up_in_time() {
    let mut bench = Bench::new(Profile::Linux);
    bench.accepted();
    bench.at_ms(100).calls(["setsockopt(4, SOL_SOCKET, SO_RCVTIMEO, {tv_sec=0, tv_usec=250000}, 16) = 0"]);
    bench.waits("read(4, ..., 1000) = -1 EAGAIN");
    assert_eq!(bench.sockets.resume_deadline(), Some(millis(350)));
    bench.machine.advance_to(Instant::from_nanos(349_999_999));
    bench.goes_on_waiting();
    bench.at_ms(350).returns();
}

/// A write that waits returns when all is taken, not before.
#[test]
fn write_waits_for_room_for_all() {
    let mut bench = Bench::new(Profile::Linux);
    let peer = bench.accepted();
    bench.calls(["setsockopt(4, SOL_SOCKET, SO_SNDBUF, [5000], 4) = 0"]);
    bench.waits("write(4, ..., 400000) = 400000");
    let mut rounds = 0;
    while bench.sockets.is_waiting() {
        bench.exchange().peer_reads(peer);
        let _ = bench.resume().unwrap();
        rounds += 1;
        assert!(rounds < 100);
    }
    assert!(rounds > 2, "{rounds}");
}

#[test]
fn write_gives_up_with_what_was_taken() {
    let mut bench = Bench::new(Profile::Linux);
    bench.accepted();
    bench.calls([
        "setsockopt(4, SOL_SOCKET, SO_SNDBUF, [5000], 4) = 0",
        "setsockopt(4, SOL_SOCKET, SO_SNDTIMEO, {tv_sec=1, tv_usec=0}, 16) = 0",
    ]);
    bench.waits("write(4, ..., 1000000) = 1");
    assert_eq!(bench.sockets.resume_deadline(), Some(millis(1000)));
    bench.at_ms(1000);
    let Err(Problem::Differs(message)) = bench.resume() else { panic!("it took more than one octet") };
    assert!(message.starts_with("write returned ") && !message.contains("-1"), "{message}");
}

#[test]
fn a_reset_ends_a_write_with_what_was_taken_or_the_error() {
    let mut bench = Bench::new(Profile::Linux);
    let peer = bench.accepted();
    bench.calls(["setsockopt(4, SOL_SOCKET, SO_SNDBUF, [5000], 4) = 0"]);
    bench.waits("write(4, ..., 1000000) = 1");
    let now = bench.peer.now();
    bench.peer.host.abort(now, peer).unwrap();
    bench.machine.sent.clear();
    bench.exchange();
    let Err(Problem::Differs(message)) = bench.resume() else { panic!("it took more than one octet") };
    assert!(message.starts_with("write returned ") && !message.contains("-1"), "{message}");
    bench.calls(["write(4, ..., 10) = -1 ECONNRESET", "write(4, ..., 10) = -1 EPIPE"]);
}

#[test]
fn poll_waits_for_an_event_or_its_time() {
    let mut bench = Bench::new(Profile::Linux);
    let peer = bench.accepted();
    bench.at_ms(5).waits("poll([{fd=4, events=POLLIN, revents=0}], 1, 40) = 0");
    assert_eq!(bench.sockets.resume_deadline(), Some(millis(45)));
    bench.machine.advance_to(Instant::from_nanos(44_999_999));
    bench.goes_on_waiting();
    bench.at_ms(45).returns();
    bench.waits("poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, -1) = 1");
    assert_eq!(bench.sockets.resume_deadline(), None);
    bench.peer_sends(peer, 1).returns();
}

#[test]
fn epoll_wait_waits_for_an_event_or_its_time() {
    let mut bench = Bench::new(Profile::Linux);
    let peer = bench.accepted();
    bench
        .calls(["epoll_create(1) = 5", "epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLET, fd=4}) = 0"]);
    bench.waits("epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 1000) = 1");
    bench.peer_sends(peer, 1).returns();
    bench.waits("epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 1000) = 0");
    assert_eq!(bench.sockets.resume_deadline(), Some(millis(1000)));
    bench.at_ms(1000).returns();
}

/// `SO_LINGER`: close waits for the peer's ACK of the FIN, or its time.
#[test]
fn close_lingers() {
    let mut bench = Bench::new(Profile::Linux);
    bench.accepted();
    bench.calls(["setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=2}, 8) = 0"]);
    bench.waits("close(4) = 0");
    assert_eq!(bench.sockets.resume_deadline(), Some(millis(2000)));
    bench.exchange().returns();
    bench.calls(["close(4) = -1 EBADF"]);
}

#[test]
fn close_lingers_in_vain() {
    let mut bench = Bench::new(Profile::Linux);
    bench.accepted();
    bench.calls(["setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=1}, 8) = 0"]);
    bench.waits("close(4) = 0");
    bench.machine.advance_to(Instant::from_nanos(999_999_999));
    bench.goes_on_waiting();
    bench.at_ms(1000).returns();
}

/// A descriptor that does not wait lingers in Linux all the same, in FreeBSD it does not.
#[test]
fn close_of_a_descriptor_that_does_not_wait() {
    let texts = [
        "fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0",
        "setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=1}, 8) = 0",
    ];
    let mut linux = Bench::new(Profile::Linux);
    linux.accepted();
    linux.calls(texts).waits("close(4) = 0");
    let mut freebsd = Bench::new(Profile::Freebsd);
    freebsd.accepted();
    freebsd.calls(texts).calls(["close(4) = 0"]);
}

/// RFC 7413: a blocking write that opens returns after the handshake, all its data taken.
#[test]
fn a_fast_open_waits_for_the_handshake_and_then_for_room() {
    let mut bench = Bench::new(Profile::Linux);
    bench.peer_listens();
    bench.machine.host.set_sysctl("tcp_fastopen", &faultwire_host::SysctlValue::Integer(5)).unwrap();
    bench.calls(["socket(..., SOCK_STREAM, IPPROTO_TCP) = 3"]);
    // Without a cookie (5: none is needed), so that the first SYN takes data along.
    bench.waits("sendto(3, ..., 5000, MSG_FASTOPEN, ..., ...) = 5000");
    bench.goes_on_waiting();
    bench.exchange().returns();
}

#[test]
fn a_fast_open_that_is_refused_is_an_error() {
    let mut bench = Bench::new(Profile::Linux);
    bench.machine.host.set_sysctl("tcp_fastopen", &faultwire_host::SysctlValue::Integer(5)).unwrap();
    bench.calls(["socket(..., SOCK_STREAM, IPPROTO_TCP) = 3"]);
    bench.waits("sendto(3, ..., 500, MSG_FASTOPEN, ..., ...) = -1 ECONNREFUSED");
    bench.exchange().returns();
}

/// `TCP_FASTOPEN_CONNECT`: connect returns at once, the first write waits for the handshake.
#[test]
fn a_deferred_connect_waits_in_its_first_write() {
    let mut bench = Bench::new(Profile::Linux);
    bench.peer_listens();
    bench.machine.host.set_sysctl("tcp_fastopen", &faultwire_host::SysctlValue::Integer(5)).unwrap();
    bench.calls([
        "socket(..., SOCK_STREAM, IPPROTO_TCP) = 3",
        "setsockopt(3, SOL_TCP, TCP_FASTOPEN_CONNECT, [1], 4) = 0",
        "connect(3, ..., ...) = 0",
    ]);
    assert_eq!(bench.machine.sent.len(), 0);
    bench.waits("write(3, ..., 3000) = 3000");
    bench.exchange().returns();
}

//! Reads and writes.

use super::*;

#[test]
fn reads_take_what_is_there() {
    let mut bench = Bench::new(Profile::Linux);
    let peer = bench.accepted();
    bench.calls(["fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0", "read(4, ..., 1000) = -1 EAGAIN"]);
    bench.peer_sends(peer, 1000).peer_sends(peer, 500).calls([
        "ioctl(4, SIOCINQ, [1500]) = 0",
        "recv(4, ..., 4096, MSG_PEEK) = 1500",
        "recv(4, ..., 400, MSG_PEEK|MSG_DONTWAIT) = 400",
        "read(4, ..., 100) = 100",
        "readv(4, [{..., 100}, {..., 200}], 2) = 300",
        "recvfrom(4, ..., 100, 0, ..., ...) = 100",
        "recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 100}], msg_flags=0}, 0) = 100",
        "recv(4, ..., 2000, MSG_TRUNC) = 900",
        "recv(4, ..., 10, 0) = -1 EWOULDBLOCK",
        "read(4, ..., 0) = 0",
        "recv(4, ..., 10, MSG_ERRQUEUE) = -1 EAGAIN",
    ]);
    assert_eq!(bench.differs("read(4, ..., 10) = 10"), "read returned -1 EAGAIN, and not 10");
}

#[test]
fn the_end_and_a_reset_are_read() {
    let mut bench = Bench::new(Profile::Linux);
    let peer = bench.accepted();
    bench.peer_sends(peer, 10);
    let now = bench.peer.now();
    bench.peer.host.shutdown(now, peer, faultwire_host::How::Write).unwrap();
    bench.exchange().calls(["read(4, ..., 100) = 10", "read(4, ..., 100) = 0", "read(4, ..., 100) = 0"]);
    bench.peer.host.abort(now, peer).unwrap();
    bench.exchange().calls([
        "write(4, ..., 100) = -1 EPIPE",
        "read(4, ..., 100) = 0",
        "getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 0",
    ]);
}

#[test]
fn a_reset_of_an_open_connection_is_told_once() {
    for profile in [Profile::Linux, Profile::Freebsd] {
        let mut bench = Bench::new(profile);
        let peer = bench.accepted();
        let now = bench.peer.now();
        bench.peer.host.abort(now, peer).unwrap();
        bench.exchange().calls(["read(4, ..., 100) = -1 ECONNRESET", "read(4, ..., 100) = 0"]);
    }
}

/// A null pointer is noticed when there is something to copy, and not before.
#[test]
fn a_null_pointer_is_a_fault_where_the_kernel_copies() {
    let mut bench = Bench::new(Profile::Linux);
    let peer = bench.accepted();
    bench.calls(["fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0", "read(4, 0, 1000) = -1 EAGAIN"]);
    bench.peer_sends(peer, 10).calls([
        "read(4, 0, 1000) = -1 EFAULT",
        "read(4, ..., 1000) = 10",
        "write(4, 0, 1000) = -1 EFAULT",
        "write(4, 0, 0) = 0",
        "sendmsg(4, {msg_name(...)=..., msg_iov(1)=[{0, 10}], msg_flags=0}, 0) = -1 EFAULT",
        "setsockopt(4, SOL_SOCKET, SO_SNDBUF, 0, 4) = -1 EFAULT",
        "getsockopt(4, SOL_SOCKET, SO_SNDBUF, 0, [4]) = -1 EFAULT",
        "ioctl(4, SIOCINQ, 0) = -1 EFAULT",
    ]);
}

#[test]
fn writes_of_all_kinds() {
    let mut bench = Bench::new(Profile::Linux);
    bench.accepted();
    bench.calls([
        "write(4, ..., 100) = 100",
        "send(4, ..., 100, MSG_NOSIGNAL|MSG_DONTWAIT) = 100",
        "sendto(4, ..., 100, MSG_EOR, ..., ...) = 100",
        "writev(4, [{..., 10}, {..., 20}], 2) = 30",
        "sendmsg(4, {msg_name(...)=..., msg_iov(2)=[{..., 10}, {..., 20}], msg_flags=0}, 0) = 30",
        "send(4, \"abc\", 3, MSG_OOB) = 3",
        "write(4, ..., 0) = 0",
        "ioctl(4, SIOCOUTQ, [363]) = 0",
        "ioctl(4, SIOCOUTQNSD, ...) = 0",
    ]);
    assert_eq!(bench.unknown("send(4, ..., 1, 0x400000) = 1"), "the flag 0x400000 is not known here");
}

/// `MSG_MORE` holds a small segment back, `MSG_EOR` sends it as a record.
#[test]
fn flags_of_writes_reach_the_stack() {
    let mut bench = Bench::new(Profile::Linux);
    bench.accepted();
    bench.exchange().calls(["send(4, ..., 100, MSG_MORE) = 100"]);
    assert_eq!(bench.machine.sent.len(), 0);
    bench.calls(["send(4, ..., 100, MSG_EOR) = 100"]);
    assert_eq!(bench.machine.sent.len(), 1);
    assert_eq!(bench.machine.sent[0].packet.length(), 20 + 32 + 200);
}

/// RFC 9293 §3.8.5: urgent data stays behind the mark, and its octet is read out of the stream.
#[test]
fn urgent_data_is_read_apart() {
    let mut bench = Bench::new(Profile::Linux);
    let peer = bench.accepted();
    bench.calls(["fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0", "recv(4, ..., 1, MSG_OOB) = -1 EINVAL"]);
    let now = bench.peer.now();
    bench.peer.host.send_urgent(now, peer, Payload::Zeros { len: 5 }).unwrap();
    bench.exchange().calls([
        "poll([{fd=4, events=POLLPRI, revents=POLLPRI}], 1, 0) = 1",
        "ioctl(4, SIOCATMARK, [0]) = 0",
        "read(4, ..., 100) = 4",
        "ioctl(4, SIOCATMARK, [1]) = 0",
        "recv(4, ..., 10, MSG_OOB) = 1",
        "read(4, ..., 100) = -1 EAGAIN",
    ]);
}

/// What is left is told with each message; behind a FIN, one octet more, so that its reader asks for the end.
#[test]
fn tcp_inq_comes_as_ancillary_data() {
    let mut bench = Bench::new(Profile::Linux);
    let peer = bench.accepted();
    bench.peer_sends(peer, 1000).calls([
        "setsockopt(4, SOL_TCP, TCP_INQ, [2], 4) = -1 EINVAL",
        "setsockopt(4, SOL_TCP, TCP_INQ, [1], 4) = 0",
        "getsockopt(4, SOL_TCP, TCP_INQ, [1], [4]) = 0",
        "recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 400}], msg_flags=0, \
         msg_control=[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=600}]}, 0) = 400",
    ]);
    let now = bench.peer.now();
    bench.peer.host.shutdown(now, peer, faultwire_host::How::Write).unwrap();
    bench.exchange().calls(["recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 600}], msg_flags=0, \
         msg_control=[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=1}]}, 0) = 600"]);
    assert_eq!(
        bench.differs(
            "recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 600}], msg_flags=0, msg_control=[]}, 0) = 0"
        ),
        "recvmsg: msg_control is [{cmsg_level=6, cmsg_type=36, cmsg_data=1}], and not []"
    );
}

/// Where there is no room for all, a descriptor that does not wait takes what fits. Linux asks for memory only when it begins
/// a part of half the peer's window (22 segments of 64,240 octets), and sends each as soon as it is full: ten segments
/// are gone then, and what is left of the part takes as many again.
#[test]
fn a_write_without_room_is_partial_and_then_refused() {
    let mut bench = Bench::new(Profile::Linux);
    let peer = bench.accepted();
    bench.calls([
        "setsockopt(4, SOL_SOCKET, SO_SNDBUF, [10000], 4) = 0",
        "fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0",
    ]);
    bench.calls([
        "write(4, ..., 1000000) = 46336",
        "write(4, ..., 1) = -1 EAGAIN",
        "poll([{fd=4, events=POLLOUT, revents=0}], 1, 0) = 0",
    ]);
    bench.exchange().peer_reads(peer);
    bench.calls(["poll([{fd=4, events=POLLOUT, revents=POLLOUT}], 1, 0) = 1", "write(4, ..., 1) = 1"]);
}

/// Each kernel's word for a write before there is a connection.
#[test]
fn writes_too_early() {
    let mut linux = Bench::new(Profile::Linux);
    linux.calls([
        "socket(..., SOCK_STREAM|SOCK_NONBLOCK, 0) = 3",
        "write(3, ..., 1) = -1 EPIPE",
        "read(3, ..., 1) = -1 ENOTCONN",
        "connect(3, ..., ...) = -1 EINPROGRESS",
        "write(3, ..., 1) = -1 EAGAIN",
        "read(3, ..., 1) = -1 EAGAIN",
    ]);
    let mut freebsd = Bench::new(Profile::Freebsd);
    freebsd.calls([
        "socket(..., SOCK_STREAM|SOCK_NONBLOCK, 0) = 3",
        "write(3, ..., 1) = -1 ENOTCONN",
        "connect(3, ..., ...) = -1 EINPROGRESS",
        "write(3, ..., 1) = -1 ENOTCONN",
        "read(3, ..., 1) = -1 EAGAIN",
    ]);
}

/// RFC 7413 §4.2.1: the first write asks for a cookie; the next connection's SYN takes the data along.
#[test]
fn fast_open_by_sendto() {
    let mut bench = Bench::new(Profile::Linux);
    let listener = bench.peer_listens();
    let now = bench.peer.now();
    bench.peer.host.set_sysctl("tcp_fastopen", &faultwire_host::SysctlValue::Integer(3)).unwrap();
    bench.machine.host.set_sysctl("tcp_fastopen", &faultwire_host::SysctlValue::Integer(1)).unwrap();
    bench.peer.host.set_option(now, listener, faultwire_host::SocketOption::FastOpen(5)).unwrap();
    bench.calls([
        "socket(..., SOCK_STREAM, IPPROTO_TCP) = 3",
        "fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0",
        "sendto(3, ..., 1000, MSG_FASTOPEN, ..., ...) = -1 EINPROGRESS",
        "sendto(3, ..., 1000, MSG_FASTOPEN, ..., ...) = -1 EALREADY",
    ]);
    bench.exchange().calls([
        // Linux: the first call after the opening reaps its success.
        "sendto(3, ..., 1000, MSG_FASTOPEN, ..., ...) = 1000",
        "sendto(3, ..., 1000, MSG_FASTOPEN, ..., ...) = -1 EISCONN",
        "socket(..., SOCK_STREAM, IPPROTO_TCP) = 4",
        "fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0",
        "sendmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 1000}], msg_flags=0}, MSG_FASTOPEN) = 1000",
    ]);
    let fd = bench.sockets.live(4).unwrap();
    assert!(bench.sockets.opened().any(|opened| opened == Opened::Connecting { fd }));
}

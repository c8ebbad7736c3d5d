//! poll and epoll: levels and edges.

use super::*;

#[test]
fn poll_tells_levels() {
    let mut bench = Bench::new(Profile::Linux);
    let peer = bench.accepted();
    bench.calls([
        "poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 0) = 1",
        "poll([{fd=4, events=POLLIN, revents=0}], 1, 0) = 0",
        "poll([{fd=99, events=POLLIN, revents=POLLNVAL}, {fd=-1, events=POLLIN, revents=0}], 2, 0) = 1",
    ]);
    bench.peer_sends(peer, 1).calls([
        "poll([{fd=3, events=POLLIN, revents=0}, {fd=4, events=POLLIN|POLLRDNORM, revents=POLLIN|POLLRDNORM}], 2, 0) = 1",
    ]);
    assert_eq!(
        bench.differs("poll([{fd=4, events=POLLIN, revents=POLLHUP}], 1, 0) = 1"),
        "poll: revents of descriptor 4 is POLLIN, and not POLLHUP"
    );
    let now = bench.peer.now();
    bench.peer.host.shutdown(now, peer, faultwire_host::How::Write).unwrap();
    bench.exchange().calls([
        "poll([{fd=4, events=POLLIN|POLLRDHUP, revents=POLLIN|POLLRDHUP}], 1, 0) = 1",
        "shutdown(4, SHUT_WR) = 0",
    ]);
    bench.exchange().calls(["poll([{fd=4, events=0, revents=POLLHUP}], 1, 0) = 1"]);
}

/// `tcp_poll`: a reset is an error, a hang-up, and something to read and write.
#[test]
fn a_reset_shows_in_all_bits() {
    let mut bench = Bench::new(Profile::Linux);
    let peer = bench.accepted();
    let now = bench.peer.now();
    bench.peer.host.abort(now, peer).unwrap();
    bench.exchange().calls([
        "poll([{fd=4, events=POLLIN|POLLOUT|POLLRDHUP, revents=POLLIN|POLLOUT|POLLERR|POLLHUP|POLLRDHUP}], 1, 0) = 1",
    ]);
}

#[test]
fn levels_are_told_again_and_again() {
    let mut bench = Bench::new(Profile::Linux);
    let peer = bench.accepted();
    bench.calls([
        "epoll_create(1) = 5",
        "epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN, fd=4}) = 0",
        "epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 0",
    ]);
    bench.peer_sends(peer, 10).calls([
        "epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 1",
        "epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 1",
        "read(4, ..., 10) = 10",
        "epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 0",
        "epoll_ctl(5, EPOLL_CTL_MOD, 4, {events=EPOLLIN|EPOLLOUT, ptr=77}) = 0",
        "epoll_wait(5, {events=EPOLLOUT, ptr=77}, 1, 0) = 1",
    ]);
    assert_eq!(
        bench.differs("epoll_wait(5, {events=EPOLLIN, ptr=78}, 1, 0) = 1"),
        "epoll_wait: the first event is {events=EPOLLOUT, fd=77}, and not {events=EPOLLIN, fd=78}"
    );
}

/// An edge is told once; more data is another.
#[test]
fn data_is_an_edge_each_time_it_comes() {
    let mut bench = Bench::new(Profile::Linux);
    let peer = bench.accepted();
    bench.calls([
        "epoll_create1(0) = 5",
        "epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLET, fd=4}) = 0",
        "epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 0",
    ]);
    for _ in 0..2 {
        bench.peer_sends(peer, 10).calls([
            "epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 1",
            "epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 0",
        ]);
    }
    let now = bench.peer.now();
    bench.peer.host.shutdown(now, peer, faultwire_host::How::Write).unwrap();
    bench.exchange().calls([
        "epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 1",
        "epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 0",
    ]);
}

/// Room is an edge only for whoever found none; data that comes in wakes no writer.
#[test]
fn room_is_an_edge_for_a_writer_who_found_none() {
    let mut bench = Bench::new(Profile::Linux);
    let peer = bench.accepted();
    bench.calls([
        "setsockopt(4, SOL_SOCKET, SO_SNDBUF, [10000], 4) = 0",
        "fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0",
        "epoll_create(1) = 5",
        "epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLOUT|EPOLLET, fd=4}) = 0",
        "epoll_wait(5, {events=EPOLLOUT, fd=4}, 1, 0) = 1",
        "epoll_wait(5, {events=EPOLLOUT, fd=4}, 1, 0) = 0",
    ]);
    bench.peer_sends(peer, 10).calls(["epoll_wait(5, {events=EPOLLOUT, fd=4}, 1, 0) = 0"]);
    bench.calls(["write(4, ..., 1000) = 1000"]);
    bench.exchange().calls(["epoll_wait(5, {events=EPOLLOUT, fd=4}, 1, 0) = 0"]);
    let _ = bench.differs("write(4, ..., 1000000) = 1000000");
    bench.calls(["epoll_wait(5, {events=EPOLLOUT, fd=4}, 1, 0) = 0"]);
    bench.exchange().peer_reads(peer).calls([
        "epoll_wait(5, {events=EPOLLOUT, fd=4}, 1, 0) = 1",
        "epoll_wait(5, {events=EPOLLOUT, fd=4}, 1, 0) = 0",
    ]);
}

#[test]
fn once_means_once() {
    let mut bench = Bench::new(Profile::Linux);
    bench.accepted();
    bench.calls([
        "epoll_create(1) = 5",
        "epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLOUT|EPOLLONESHOT, fd=4}) = 0",
        "epoll_wait(5, {events=EPOLLOUT, fd=4}, 1, 0) = 1",
        "epoll_wait(5, {events=EPOLLOUT, fd=4}, 1, 0) = 0",
        "epoll_ctl(5, EPOLL_CTL_MOD, 4, {events=EPOLLOUT|EPOLLONESHOT, fd=4}) = 0",
        "epoll_wait(5, {events=EPOLLOUT, fd=4}, 1, 0) = 1",
    ]);
}

#[test]
fn interests_are_kept_apart() {
    let mut bench = Bench::new(Profile::Linux);
    bench.accepted();
    bench.calls([
        "epoll_create(0) = -1 EINVAL",
        "epoll_create(1) = 5",
        "epoll_ctl(5, EPOLL_CTL_MOD, 4, {events=EPOLLOUT, fd=4}) = -1 ENOENT",
        "epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLOUT, fd=4}) = 0",
        "epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLOUT, fd=4}) = -1 EEXIST",
        "epoll_ctl(5, EPOLL_CTL_ADD, 88, {events=EPOLLOUT, fd=4}) = -1 EBADF",
        "epoll_ctl(5, EPOLL_CTL_DEL, 4, 0) = 0",
        "epoll_ctl(5, EPOLL_CTL_DEL, 4, 0) = -1 ENOENT",
        "epoll_wait(5, ..., 1, 0) = 0",
        "epoll_wait(5, ..., 0, 0) = -1 EINVAL",
        "epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLOUT, fd=4}) = 0",
        "close(4) = 0",
        "epoll_wait(5, ..., 1, 0) = 0",
        "read(5, ..., 1) = -1 ENOTSOCK",
        "close(5) = 0",
        "epoll_wait(5, ..., 1, 0) = -1 EBADF",
    ]);
}

/// A listener is readable while connections wait, and each that comes is an edge.
#[test]
fn a_listener_wakes_for_each_connection() {
    let mut bench = Bench::new(Profile::Linux);
    bench.calls([
        "socket(..., SOCK_STREAM|SOCK_NONBLOCK, 0) = 3",
        "bind(3, ..., ...) = 0",
        "listen(3, 5) = 0",
        "epoll_create(1) = 5",
        "epoll_ctl(5, EPOLL_CTL_ADD, 3, {events=EPOLLIN|EPOLLET, fd=3}) = 0",
    ]);
    for _ in 0..2 {
        bench.peer_connects();
        bench.calls([
            "epoll_wait(5, {events=EPOLLIN, fd=3}, 1, 0) = 1",
            "epoll_wait(5, {events=EPOLLIN, fd=3}, 1, 0) = 0",
        ]);
    }
}

/// The end of a handshake wakes an edge of any kind.
#[test]
fn a_connection_that_opens_is_an_edge() {
    let mut bench = Bench::new(Profile::Linux);
    bench.peer_listens();
    bench.calls([
        "socket(..., SOCK_STREAM|SOCK_NONBLOCK, 0) = 3",
        "connect(3, ..., ...) = -1 EINPROGRESS",
        "epoll_create(1) = 5",
        "epoll_ctl(5, EPOLL_CTL_ADD, 3, {events=EPOLLOUT|EPOLLET, fd=3}) = 0",
        "epoll_wait(5, {events=EPOLLOUT, fd=3}, 1, 0) = 0",
    ]);
    bench.exchange().calls([
        "epoll_wait(5, {events=EPOLLOUT, fd=3}, 1, 0) = 1",
        "epoll_wait(5, {events=EPOLLOUT, fd=3}, 1, 0) = 0",
    ]);
}

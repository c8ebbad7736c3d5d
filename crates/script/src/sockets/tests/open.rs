//! socket, bind, listen, accept, connect, shutdown, close.

use super::*;

const BOTH: [Profile; 2] = [Profile::Linux, Profile::Freebsd];

#[test]
fn a_passive_open_in_both_families_and_mapped() {
    let ipv6 = Network {
        local: "fd3d:fa7b:d17d::1".parse().unwrap(),
        remote: "2001:db8::1".parse().unwrap(),
        ..Network::default()
    };
    let mapped = Network { mapped: true, ..Network::default() };
    for network in [Network::default(), ipv6, mapped] {
        let mut bench = Bench::on(Profile::Linux, network);
        let peer = bench.accepted();
        bench.peer_sends(peer, 100).calls(["read(4, ..., 1000) = 100", "close(4) = 0", "close(3) = 0"]);
        bench.calls(["close(4) = -1 EBADF"]);
    }
}

/// In mapped mode the script's sockets are of IPv6, and so are their addresses.
#[test]
fn mapped_sockets_are_of_ipv6_and_their_packets_of_ipv4() {
    let mut bench = Bench::on(Profile::Linux, Network { mapped: true, ..Network::default() });
    bench.calls([
        "socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP) = 3",
        "getsockopt(3, SOL_SOCKET, SO_DOMAIN, [AF_INET6], [4]) = 0",
        "bind(3, {sa_family=AF_INET6, sin6_port=htons(8080), sin6_flowinfo=0, \
         sin6_addr=inet_pton(AF_INET6, \"::ffff:192.168.0.1\")}, 28) = 0",
        "listen(3, 1) = 0",
        "fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0",
    ]);
    bench.peer_connects();
    bench.calls([
        "accept(3, {sa_family=AF_INET6, sin6_addr=inet_pton(AF_INET6, \"::ffff:192.0.2.1\")}, [28]) = 4",
    ]);
}

#[test]
fn what_was_opened_is_told() {
    let mut bench = Bench::new(Profile::Linux);
    bench.accepted();
    let told: Vec<Opened> = bench.sockets.opened().collect();
    let (listener, accepted) = (bench.sockets.live(3).unwrap(), bench.sockets.live(4).unwrap());
    let peer = bench.machine.host.peer_address(accepted).unwrap();
    assert_eq!(peer.ip(), bench.network.remote);
    assert_eq!(
        told,
        [
            Opened::Created { fd: listener },
            Opened::Listening { fd: listener },
            Opened::Accepted { fd: accepted, peer }
        ]
    );
    assert_eq!(bench.sockets.all_live().collect::<Vec<_>>(), [(3, listener), (4, accepted)]);
    bench.calls(["close(4) = 0"]);
    assert_eq!(bench.sockets.opened().collect::<Vec<_>>(), [Opened::Closed { fd: accepted }]);
    assert_eq!(bench.sockets.live(4), None);
}

#[test]
fn the_scripts_numbers_are_its_own() {
    let mut bench = Bench::new(Profile::Linux);
    bench.calls([
        "socket(..., SOCK_STREAM, IPPROTO_TCP) = 17",
        "socket(..., SOCK_STREAM, 0) = 5",
        "fcntl(17, F_GETFL) = 2",
        "close(5) = 0",
        "socket(..., SOCK_STREAM, 0) = 9",
    ]);
    assert_ne!(bench.sockets.live(17), bench.sockets.live(9));
    assert_eq!(
        bench.differs("socket(..., SOCK_STREAM, 0) = 9"),
        "socket = 9: the script has that descriptor open already"
    );
    assert_eq!(
        bench.differs("socket(..., SOCK_STREAM, 0) = -1 EMFILE"),
        "socket returned a descriptor, and not -1 EMFILE"
    );
}

#[test]
fn errors_have_the_kernels_names() {
    let mut bench = Bench::new(Profile::Linux);
    bench.calls([
        "socket(..., SOCK_STREAM, IPPROTO_UDP) = -1 EPROTONOSUPPORT",
        "socket(..., SOCK_STREAM, IPPROTO_TCP) = 3",
        "accept(3, ..., ...) = -1 EINVAL",
        "shutdown(3, SHUT_WR) = -1 ENOTCONN",
        "bind(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"127.0.0.9\")}, 16) = -1 EADDRNOTAVAIL",
        "bind(3, 0, 16) = -1 EFAULT",
        "bind(3, ..., ...) = 0",
        "bind(3, ..., ...) = -1 EINVAL",
        "socket(..., SOCK_STREAM, IPPROTO_TCP) = 4",
        "bind(4, ..., ...) = -1 EADDRINUSE",
        "listen(3, -1) = 0",
        "connect(3, ..., ...) = -1 EISCONN",
        "listen(77, 1) = -1 EBADF",
        "shutdown(3, 5) = -1 EINVAL",
        "fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0",
        "accept(3, ..., ...) = -1 EWOULDBLOCK",
    ]);
    assert_eq!(bench.differs("listen(77, 1) = 0"), "listen returned -1 EBADF, and not 0");
    assert_eq!(bench.differs("listen(3, 1) = -1 EINVAL"), "listen returned 0, and not -1 EINVAL");
}

#[test]
fn a_connect_without_waiting() {
    for profile in BOTH {
        let mut bench = Bench::new(profile);
        bench.peer_listens();
        bench.calls([
            "socket(..., SOCK_STREAM, IPPROTO_TCP) = 3",
            "fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)",
            "fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0",
            "connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)",
            "connect(3, ..., ...) = -1 EALREADY",
            "getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0",
        ]);
        bench.exchange();
        if profile == Profile::Linux {
            // Whoever did not wait is told by the next call.
            bench.calls(["connect(3, ..., ...) = 0"]);
        }
        bench.calls(["connect(3, ..., ...) = -1 EISCONN", "write(3, ..., 1000) = 1000"]);
    }
}

#[test]
fn a_refused_connect_is_told_by_so_error_under_each_kernels_number() {
    for profile in BOTH {
        let mut bench = Bench::new(profile);
        bench.calls([
            "socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3",
            "connect(3, ..., ...) = -1 EINPROGRESS",
        ]);
        bench.exchange().calls([
            "getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0",
            "getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0",
        ]);
    }
}

/// connect to AF_UNSPEC takes the connection away; the socket can be used again.
#[test]
fn a_socket_is_disconnected() {
    let mut bench = Bench::new(Profile::Linux);
    bench.peer_listens();
    bench.calls([
        "socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3",
        "connect(3, ..., ...) = -1 EINPROGRESS",
    ]);
    bench.exchange().calls([
        "connect(3, {sa_family=AF_UNSPEC}, 16) = 0",
        "getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0",
        "connect(3, ..., ...) = -1 EINPROGRESS",
    ]);
    let fd = bench.sockets.live(3).unwrap();
    let told: Vec<Opened> = bench.sockets.opened().skip(1).collect();
    assert_eq!(told, [Opened::Connecting { fd }, Opened::Disconnected { fd }, Opened::Connecting { fd }]);
}

/// FreeBSD's accept hands O_NONBLOCK on, Linux's does not; accept4 says it.
#[test]
fn accepted_descriptors_wait_as_each_kernel_has_it() {
    for (profile, flags) in [(Profile::Linux, "0x2"), (Profile::Freebsd, "0x6")] {
        let mut bench = Bench::new(profile);
        bench.calls([
            "socket(..., SOCK_STREAM, IPPROTO_TCP) = 3",
            "fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0",
            "bind(3, ..., ...) = 0",
            "listen(3, 2) = 0",
        ]);
        bench.peer_connects();
        bench.peer_connects();
        bench.calls([
            "accept(3, ..., ...) = 4",
            &format!("fcntl(4, F_GETFL) = {flags}"),
            "accept4(3, ..., ..., SOCK_CLOEXEC) = 5",
            "fcntl(5, F_GETFL) = O_RDWR",
            "fcntl(5, F_GETFD) = FD_CLOEXEC",
        ]);
    }
}

#[test]
fn a_wrong_peer_is_a_difference() {
    let mut bench = Bench::new(Profile::Linux);
    bench.calls(["socket(..., SOCK_STREAM, 0) = 3", "bind(3, ..., ...) = 0", "listen(3, 1) = 0"]);
    bench.peer_connects();
    assert_eq!(
        bench.differs("accept(3, {sa_family=AF_INET, sin_addr=inet_addr(\"192.0.2.9\")}, [16]) = 4"),
        "accept: the peer is 192.0.2.1, and not 192.0.2.9"
    );
}

#[test]
fn what_is_not_known_is_named() {
    let mut bench = Bench::new(Profile::Linux);
    assert_eq!(bench.unknown("splice(4, 0, 5, 0, 100, 0) = 100"), "the call splice is not known here");
    assert_eq!(bench.unknown("socket(AF_FOO, SOCK_STREAM, 0) = 3"), "the symbol AF_FOO is not known here");
    assert_eq!(bench.unknown("socket(AF_UNIX, SOCK_STREAM, 0) = 3"), "the family 1 is not known here");
    assert_eq!(bench.unknown("close(3) = -1 EFOO"), "the errno EFOO is not known here");
    assert_eq!(bench.unknown("listen(3) = 0"), "listen with 1 arguments is not known here");
    bench.calls(["socket(..., SOCK_STREAM, 0) = 3"]);
    assert_eq!(bench.unknown("read(3, ..., ...) = 0"), "... where a number belongs is not known here");
}

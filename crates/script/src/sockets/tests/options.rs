//! getsockopt, setsockopt, fcntl, ioctl.

use super::*;

#[test]
fn numbers_are_set_and_read_back() {
    let mut bench = Bench::new(Profile::Linux);
    bench.calls([
        "socket(..., SOCK_STREAM, IPPROTO_TCP) = 3",
        "setsockopt(3, IPPROTO_TCP, TCP_NODELAY, [7], 4) = 0",
        "getsockopt(3, IPPROTO_TCP, TCP_NODELAY, [1], [4]) = 0",
        "setsockopt(3, SOL_TCP, TCP_KEEPIDLE, [60], 4) = 0",
        "getsockopt(3, SOL_TCP, TCP_KEEPIDLE, [60], [4]) = 0",
        "setsockopt(3, SOL_IP, IP_TOS, [4], 4) = 0",
        "getsockopt(3, IPPROTO_IP, IP_TOS, [4], ...) = 0",
        "setsockopt(3, SOL_SOCKET, SO_SNDBUF, [200000], 4) = 0",
        "getsockopt(3, SOL_SOCKET, SO_SNDBUF, [400000], [4]) = 0",
        "getsockopt(3, SOL_SOCKET, SO_TYPE, [SOCK_STREAM], [4]) = 0",
        "getsockopt(3, SOL_SOCKET, SO_PROTOCOL, [IPPROTO_TCP], [4]) = 0",
        "getsockopt(3, SOL_SOCKET, SO_RCVLOWAT, [1], [4]) = 0",
        "setsockopt(3, SOL_SOCKET, SO_PRIORITY, [3], 4) = 0",
        "getsockopt(3, SOL_SOCKET, SO_PRIORITY, [3], [4]) = 0",
        "setsockopt(3, IPPROTO_IP, IP_MTU_DISCOVER, [IP_PMTUDISC_DO], 4) = 0",
        "getsockopt(3, IPPROTO_IP, IP_MTU_DISCOVER, [2], [4]) = 0",
    ]);
}

#[test]
fn refusals_are_the_kernels() {
    let mut bench = Bench::new(Profile::Linux);
    bench.calls([
        "socket(..., SOCK_STREAM, IPPROTO_TCP) = 3",
        "setsockopt(3, SOL_TCP, TCP_KEEPIDLE, [0], 4) = -1 EINVAL",
        "setsockopt(3, SOL_TCP, TCP_NODELAY, [1], 2) = -1 EINVAL",
        "setsockopt(3, IPPROTO_IP, IP_TTL, [0], 4) = -1 EINVAL",
        "setsockopt(3, SOL_SOCKET, SO_ERROR, [0], 4) = -1 ENOPROTOOPT",
        "setsockopt(3, SOL_SOCKET, SO_SNDLOWAT, [100], 4) = -1 ENOPROTOOPT",
        "setsockopt(3, IPPROTO_IPV6, IPV6_TCLASS, [4], 4) = -1 ENOPROTOOPT",
        "setsockopt(9, SOL_TCP, TCP_NODELAY, [1], 4) = -1 EBADF",
    ]);
    assert_eq!(
        bench.unknown("setsockopt(3, SOL_TCP, TCP_REPAIR, [1], 4) = 0"),
        "the socket option TCP_REPAIR is not known here"
    );
    assert_eq!(
        bench.unknown("setsockopt(3, SOL_TCP, 199, [1], 4) = 0"),
        "the socket option 199 of level 6 is not known here"
    );
    assert!(
        bench.unknown("setsockopt(3, SOL_TCP, TCP_MD5SIG, [1], 4) = 0").contains("TCP_MD5SIG is refused")
    );
    assert_eq!(
        bench.unknown("setsockopt(3, SOL_IP, IP_MTU_DISCOVER, [IP_PMTUDISC_PROBE], 4) = 0"),
        "IP_MTU_DISCOVER [3] is not known here"
    );
}

#[test]
fn a_wrong_value_or_length_is_a_difference() {
    let mut bench = Bench::new(Profile::Linux);
    bench.calls(["socket(..., SOCK_STREAM, IPPROTO_TCP) = 3"]);
    assert_eq!(
        bench.differs("getsockopt(3, SOL_TCP, TCP_NODELAY, [1], [4]) = 0"),
        "getsockopt: TCP_NODELAY: the value is 0, and not 1"
    );
    assert_eq!(
        bench.differs("getsockopt(3, SOL_TCP, TCP_NODELAY, [0], [8]) = 0"),
        "getsockopt: TCP_NODELAY: the length is 4, and not 8"
    );
}

#[test]
fn structures_and_names() {
    let mut bench = Bench::new(Profile::Linux);
    bench.calls([
        "socket(..., SOCK_STREAM, IPPROTO_TCP) = 3",
        "getsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=0, linger=0}, [8]) = 0",
        "setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=7}, 8) = 0",
        "getsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=7}, [8]) = 0",
        "setsockopt(3, SOL_SOCKET, SO_LINGER, {l_onoff=0, l_linger=7}, 8) = 0",
        "getsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=0, linger=0}, [8]) = 0",
        "setsockopt(3, SOL_SOCKET, SO_RCVTIMEO, {tv_sec=1, tv_usec=500000}, 16) = 0",
        "getsockopt(3, SOL_SOCKET, SO_RCVTIMEO, {tv_sec=1, tv_usec=500000}, [16]) = 0",
        "setsockopt(3, SOL_SOCKET, SO_SNDTIMEO, {tv_sec=1, tv_usec=1000000}, 16) = -1 EDOM",
        "getsockopt(3, SOL_TCP, TCP_CONGESTION, \"cubic\", [16]) = 0",
        "setsockopt(3, SOL_TCP, TCP_CONGESTION, \"cubic\", 5) = 0",
    ]);
    assert_eq!(
        bench.differs("getsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, [8]) = 0"),
        "getsockopt: SO_LINGER: onoff is 0, and not 1"
    );
    assert_eq!(
        bench.differs("getsockopt(3, SOL_TCP, TCP_CONGESTION, \"reno\", [16]) = 0"),
        "getsockopt: TCP_CONGESTION: the value is \"cubic\", and not \"reno\""
    );
}

/// A key set before the socket listens counts from then on, for that listener only.
#[test]
fn a_fast_open_key_of_16_octets_or_32() {
    let mut bench = Bench::new(Profile::Linux);
    bench.calls([
        "socket(..., SOCK_STREAM, IPPROTO_TCP) = 3",
        "setsockopt(3, SOL_TCP, TCP_FASTOPEN_KEY, \"0123456789abcdef\", 16) = 0",
        "setsockopt(3, SOL_TCP, TCP_FASTOPEN_KEY, \"0123456789abcdef\", 15) = -1 EINVAL",
        "bind(3, ..., ...) = 0",
        "listen(3, 1) = 0",
        "setsockopt(3, SOL_TCP, TCP_FASTOPEN, [5], 4) = 0",
        "setsockopt(3, SOL_TCP, TCP_FASTOPEN_KEY, \"0123456789abcdef0123456789abcdef\", 32) = 0",
    ]);
}

/// FreeBSD reads switches as their bits, and has options of its own.
#[test]
fn freebsd_reads_switches_as_bits() {
    let mut bench = Bench::new(Profile::Freebsd);
    bench.calls([
        "socket(..., SOCK_STREAM, IPPROTO_TCP) = 3",
        "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0",
        "getsockopt(3, SOL_SOCKET, SO_REUSEADDR, [SO_REUSEADDR], [4]) = 0",
        "setsockopt(3, IPPROTO_TCP, TCP_NODELAY, [1], 4) = 0",
        "getsockopt(3, IPPROTO_TCP, TCP_NODELAY, [4], [4]) = 0",
        "setsockopt(3, IPPROTO_TCP, TCP_KEEPINIT, [15], 4) = 0",
        "getsockopt(3, IPPROTO_TCP, TCP_KEEPINIT, [15], [4]) = 0",
        "setsockopt(3, IPPROTO_TCP, TCP_RACK_PACE_ALWAYS, [1], 4) = -1 ENOPROTOOPT",
        "setsockopt(3, IPPROTO_TCP, TCP_FUNCTION_BLK, {function_set_name=\"freebsd\", pcbcnt=0}, 36) = 0",
        "getsockopt(3, SOL_SOCKET, SO_RCVBUF, [65536], [4]) = 0",
    ]);
    assert!(
        bench
            .unknown(
                "setsockopt(3, IPPROTO_TCP, TCP_FUNCTION_BLK, {function_set_name=\"rack\", pcbcnt=0}, 36) = 0"
            )
            .starts_with("the TCP {function_set_name=\"rack\"")
    );
}

#[test]
fn flags_of_descriptors_have_each_kernels_numbers() {
    for (profile, both) in [(Profile::Linux, "0x802"), (Profile::Freebsd, "0x6")] {
        let mut bench = Bench::new(profile);
        bench.calls([
            "socket(..., SOCK_STREAM, IPPROTO_TCP) = 3",
            "fcntl(3, F_GETFL) = 0x02 (flags O_RDWR)",
            "fcntl(3, F_SETFL, O_RDWR | O_NONBLOCK) = 0",
            &format!("fcntl(3, F_GETFL) = {both}"),
            "fcntl(3, F_SETFD, FD_CLOEXEC) = 0",
            "fcntl(3, F_GETFD) = 1",
            "ioctl(3, FIONBIO, [0]) = 0",
            "fcntl(3, F_GETFL) = 2",
            "fcntl(9, F_GETFL) = -1 EBADF",
        ]);
        assert!(bench.unknown("fcntl(3, F_DUPFD, 9) = 9").contains("the fcntl 0"));
    }
}

#[test]
fn queues_are_asked_for_by_ioctl() {
    let mut bench = Bench::new(Profile::Linux);
    bench.calls(["socket(..., SOCK_STREAM, IPPROTO_TCP) = 9", "ioctl(9, SIOCINQ, [0]) = 0"]);
    let peer = bench.accepted();
    bench
        .peer_sends(peer, 700)
        .calls(["ioctl(4, FIONREAD, [700]) = 0", "ioctl(3, SIOCINQ, ...) = -1 EINVAL"]);
    assert_eq!(bench.differs("ioctl(4, SIOCINQ, [1]) = 0"), "ioctl: FIONREAD is 700, and not 1");
    assert!(bench.unknown("ioctl(4, 0x1234, [1]) = 0").contains("the ioctl 0x1234"));
}

/// FreeBSD permits `TCP_FASTOPEN` where Fast Open is on for clients or servers.
#[test]
fn freebsd_permits_fast_open_where_it_is_on() {
    let mut bench = Bench::new(Profile::Freebsd);
    let set = |bench: &mut Bench, on| {
        let value = faultwire_host::SysctlValue::Integer(on);
        bench.machine.host.set_sysctl("net.inet.tcp.fastopen.client_enable", &value).unwrap();
    };
    bench.calls(["socket(..., SOCK_STREAM, IPPROTO_TCP) = 3"]);
    set(&mut bench, 0);
    bench.calls(["setsockopt(3, IPPROTO_TCP, TCP_FASTOPEN, [1], 4) = -1 EPERM"]);
    set(&mut bench, 1);
    bench.calls(["setsockopt(3, IPPROTO_TCP, TCP_FASTOPEN, [1], 4) = 0"]);
}

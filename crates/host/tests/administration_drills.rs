//! What an administrator sees of a host and does to it, as scripts do by `sockstat`, `tcpdrop` and `sysctl`.

mod drill;

use drill::Drill;
use faultwire_host::{Host, How, SocketReport, SysctlValue};
use faultwire_tcp::{Config, State};

fn of_state(host: &Host, state: State) -> Vec<SocketReport> {
    host.sockets().into_iter().filter(|socket| socket.state == state).collect()
}

/// A fresh socket is CLOSED; a half-open entry of a listener counts, without a descriptor; an accepted connection has one.
#[test]
fn sockets_and_their_states() {
    let mut t = Drill::new(Config::freebsd());
    let listener = t.listen();
    let fresh = t.host.socket(faultwire_host::SocketKind::Tcp, true);
    assert_eq!(of_state(&t.host, State::Listen)[0].fd, Some(listener));
    let closed = of_state(&t.host, State::Closed);
    assert_eq!((closed[0].fd, closed[0].ipv6, closed[0].local.port()), (Some(fresh), true, 0));

    t.inject("S 0:0(0) win 1000 <mss 1460>");
    t.expect("S. 0:0(0) ack 1 <...>");
    let half_open = of_state(&t.host, State::SynReceived);
    assert_eq!(half_open.len(), 1);
    assert_eq!((half_open[0].fd, half_open[0].local, half_open[0].remote), (None, t.local, Some(t.remote)));

    t.inject("+0.1 . 1:1(0) ack 1 win 1000");
    assert_eq!(of_state(&t.host, State::Established)[0].fd, None, "not accepted yet");
    let fd = t.accept();
    assert_eq!(of_state(&t.host, State::Established)[0].fd, Some(fd));
    assert_eq!(of_state(&t.host, State::SynReceived), []);

    t.inject("R. 1:1(0) ack 1 win 0");
    let closed = of_state(&t.host, State::Closed);
    assert_eq!(closed.iter().map(|socket| socket.fd).collect::<Vec<_>>(), [Some(fresh), Some(fd)]);
    t.close(fd);
    assert_eq!(t.host.sockets().len(), 2);
}

/// TIME-WAIT counts with the descriptor and, after a close, without it; dropped, it is silent, and the port is free.
#[test]
fn dropping_time_wait() {
    for closed in [false, true] {
        let mut t = Drill::new(Config::freebsd());
        let fd = t.passive("mss 1460");
        t.shutdown(fd, How::Write).unwrap();
        t.expect("F. 1:1(0) ack 1");
        t.inject("+0.1 F. 1:1(0) ack 2 win 500");
        t.expect(". 2:2(0) ack 2");
        assert_eq!(of_state(&t.host, State::TimeWait)[0].fd, Some(fd));
        if closed {
            t.close(fd);
            assert_eq!(of_state(&t.host, State::TimeWait)[0].fd, None);
        }
        let now = t.now;
        assert_eq!(t.host.drop_time_wait(now), 1);
        assert_eq!(t.host.drop_time_wait(now), 0);
        t.drain();
        t.expect_nothing();
        assert_eq!(of_state(&t.host, State::TimeWait), []);
        assert_eq!(of_state(&t.host, State::Closed).len(), usize::from(!closed));
        // No trace of it is left: the peer's segment meets the listener.
        t.inject("+1 . 2:2(0) ack 2 win 500");
        t.expect("R 2:2(0) win 0");
    }
}

/// `hostcache.purgenow`: the path MTU that an ICMP error taught is forgotten.
#[test]
fn purging_the_host_cache() {
    let mut t = Drill::new(Config::freebsd());
    let fd = t.passive("mss 1460");
    t.write(fd, 1460).unwrap();
    t.expect("P. 1:1461(1460) ack 1");
    t.inject("+0.01 icmp unreachable frag_needed mtu 1200 [1:1461(1460)]");
    t.forget_sent();
    t.abort(fd);
    t.forget_sent();
    for (purged, largest) in [(false, 1160), (true, 1460)] {
        if purged {
            t.host.purge_host_cache();
        }
        t.new_peer();
        t.mapping = Default::default();
        let fd = t.passive("mss 1460");
        assert_eq!(t.info(fd).send_segment_size, largest);
        t.abort(fd);
        t.forget_sent();
    }
}

/// A sysctl that is set while the host runs holds for the connections that begin later.
#[test]
fn sysctls_of_a_running_host() {
    let mut t = Drill::new(Config::freebsd());
    t.listen();
    t.host.set_sysctl("net.inet.tcp.rfc1323", &SysctlValue::Integer(0)).unwrap();
    t.host.set_sysctl("net.inet.ip.ttl", &SysctlValue::Integer(9)).unwrap();
    t.inject("S 0:0(0) win 1000 <mss 1460,nop,wscale 7>");
    t.expect("(ttl 9) S. 0:0(0) ack 1 win 65535 <mss 1460>");
    t.inject("R 1:1(0) win 0");
    assert!(t.host.set_sysctl("net.inet.tcp.rfc1324", &SysctlValue::Integer(0)).is_err());
}

//! What FreeBSD's sockets do otherwise: options, errors, Fast Open by path, the end of TIME-WAIT.

mod drill;

use drill::Drill;
use faultwire_host::{
    Errno, HostConfig, How, OptionName, SocketKind, SocketOption, SysctlValue, apply_sysctl,
};
use faultwire_tcp::{Config, State};
use faultwire_wire::Payload;

fn set(host: &mut HostConfig, name: &str, value: i64) {
    apply_sysctl(host, name, &SysctlValue::Integer(value)).unwrap();
}

/// `TCP_NOOPT`: no options on either side, the MSS of the peer counts, and without one that is 536 octets.
#[test]
fn no_options() {
    for (answer, size, buffer) in [("", 536, 65_536), (" <mss 1460,sackOK,eol,eol>", 1460, 65_700)] {
        let mut t = Drill::new(Config::freebsd());
        let fd = t.host.socket(SocketKind::Tcp, false);
        t.host.set_option(t.now, fd, SocketOption::NoOptions(true)).unwrap();
        t.connect_with(fd);
        t.expect("S 0:0(0) win 65535");
        t.inject(&format!("+0.1 S. 0:0(0) ack 1 win 65535{answer}"));
        t.expect(". 1:1(0) ack 1 win 65535");
        assert_eq!(t.info(fd).send_segment_size, size);
        assert_eq!(t.host.option(fd, OptionName::parse("SO_RCVBUF").unwrap()).unwrap(), buffer);
        assert_eq!(t.host.option(fd, OptionName::parse("TCP_NOOPT").unwrap()).unwrap(), 1);
        t.inject("+0.1 . 2001:3001(1000) ack 1 win 65535");
        t.expect(". 1:1(0) ack 1 win 65535");
    }
    let mut t = Drill::new(Config::freebsd());
    let listener = t.listen();
    t.host.set_option(t.now, listener, SocketOption::NoOptions(true)).unwrap();
    t.inject("S 0:0(0) win 65535 <mss 1460,nop,wscale 6,sackOK,TS val 7 ecr 0>");
    t.expect("S. 0:0(0) ack 1 win 65535");
    t.inject("+0.1 . 1:1(0) ack 1 win 65535");
    let fd = t.accept();
    assert_eq!(t.info(fd).send_segment_size, 1460);
}

/// `sosend`: ENOTCONN without a connection; `in_pcbconnect`: EADDRINUSE for ends that are taken, by TIME-WAIT
/// too.
#[test]
fn errors_of_calls() {
    let mut t = Drill::new(Config::freebsd());
    let fd = t.host.socket(SocketKind::Tcp, false);
    assert_eq!(t.write(fd, 10), Err(Errno::NotConnected));
    t.host.set_option(t.now, fd, SocketOption::ReuseAddress(true)).unwrap();
    t.host.bind(fd, t.local).unwrap();
    t.connect_with(fd);
    t.expect("S 0:0(0) <...>");
    t.inject("+0.1 S. 0:0(0) ack 1 win 500 <mss 1460>");
    t.expect(". 1:1(0) ack 1");
    t.shutdown(fd, How::Write).unwrap();
    t.expect("F. 1:1(0) ack 1");
    t.inject("+0.1 F. 1:1(0) ack 2 win 500");
    t.expect(". 2:2(0) ack 2");
    let again = t.host.socket(SocketKind::Tcp, false);
    t.host.set_option(t.now, again, SocketOption::ReuseAddress(true)).unwrap();
    t.host.bind(again, t.local).unwrap();
    let remote = t.remote;
    assert_eq!(t.host.connect(t.now, again, remote), Err(Errno::AddressInUse));
    let now = t.now;
    assert_eq!(t.host.drop_time_wait(now), 1);
    assert_eq!(t.host.connect(t.now, again, remote), Err(Errno::InProgress));
    t.mapping = Default::default();
    t.drain();
    t.expect("S 0:0(0) <...>");
    t.inject("+0.1 R. 0:0(0)! ack 1 win 0");
    t.forget_sent();
}

/// `tcp_twcheck`: a SYN above all that was received ends TIME-WAIT even where nobody listens, and is answered as by a closed
/// port.
#[test]
fn a_new_syn_ends_time_wait() {
    let mut t = Drill::new(Config::freebsd());
    let fd = t.active("mss 1460");
    t.shutdown(fd, How::Write).unwrap();
    t.expect("F. 1:1(0) ack 1");
    t.inject("+0.1 F. 1:1(0) ack 2 win 500");
    t.expect(". 2:2(0) ack 2");
    t.inject("+0.1 S 2:2(0)! win 500");
    assert_eq!(t.info(fd).state, State::TimeWait);
    t.inject("+0.1 S 3:3(0)! win 500");
    t.expect("R. 0:0(0)! ack 4 win 0");
    assert_eq!(t.info(fd).state, State::Closed);
}

fn open_fast(t: &mut Drill, port: u16, syn: &str) -> faultwire_host::Fd {
    let fd = t.host.socket(SocketKind::Tcp, false);
    t.host.set_option(t.now, fd, SocketOption::FastOpen(1)).unwrap();
    t.remote.set_port(port);
    t.mapping = Default::default();
    let payload = Payload::Zeros { len: 500 };
    let remote = t.remote;
    assert_eq!(t.host.connect_fast_open(t.now, fd, remote, Some(&payload)), Ok(500));
    t.local.set_port(t.host.local_address(fd).unwrap().port());
    t.drain();
    t.expect(syn);
    fd
}

/// `tcp_fastopen_ccache_entry`: a cookie is for a port, and without one in the SYN-ACK that path is left out for
/// `path_disable_time`.
#[test]
fn cookies_of_paths() {
    let mut t = Drill::with(Config::freebsd(), |host| {
        set(host, "net.inet.tcp.rfc1323", 0);
        set(host, "net.inet.tcp.fastopen.path_disable_time", 100);
    });
    open_fast(&mut t, 80, "S 0:0(0) win 65535 <...>");
    t.inject("+0.1 S. 0:0(0) ack 1 win 65535 <mss 1000,FO 0102030405060708,nop,nop>");
    t.expect("P. 1:501(500) ack 1");
    t.inject("+0.1 R. 1:1(0) ack 501 win 0");
    // Another port is another path.
    open_fast(&mut t, 81, "S 0:0(0) win 65535 <...>");
    t.inject("+0.1 R. 0:0(0) ack 1 win 0");
    open_fast(&mut t, 80, "S 0:500(500) win 65535 <...>");
    t.inject("+0.1 S. 0:0(0) ack 501 win 65535 <mss 1000>");
    t.expect(". 501:501(0) ack 1");
    t.inject("+0.1 R. 1:1(0) ack 501 win 0");
    // No cookie came back: without Fast Open for 100 s, then a new request.
    open_fast(&mut t, 80, "S 0:0(0) win 65535 <mss 1460,sackOK,eol,eol>");
    t.inject("+0.1 R. 0:0(0) ack 1 win 0");
    t.pass_ms(101_000);
    let fd = open_fast(&mut t, 80, "S 0:0(0) win 65535 <...>");
    t.inject("+0.1 S. 0:0(0) ack 1 win 65535 <mss 1000,FO 0102030405060708,nop,nop>");
    t.expect("P. 1:501(500) ack 1");
    t.inject("+0.1 R. 1:1(0) ack 501 win 0");
    // A host that is no client any more forgets.
    for on in [0, 1] {
        t.host.set_sysctl("net.inet.tcp.fastopen.client_enable", &SysctlValue::Integer(on)).unwrap();
    }
    t.close(fd);
    let fd = open_fast(&mut t, 80, "S 0:0(0) win 65535 <...>");
    t.inject("+0.1 R. 0:0(0) ack 1 win 0");
    t.close(fd);
}

/// `mssdflt`, `v6mssdflt`: the MSS of a peer that names none; `path_mtu_discovery` 0: no error makes segments smaller;
/// `rfc1323` 2 and 3: one of both.
#[test]
fn settings_of_segments() {
    let mut t = Drill::with(Config::freebsd(), |host| set(host, "net.inet.tcp.mssdflt", 700));
    let fd = t.passive("nop");
    assert_eq!(t.info(fd).send_segment_size, 700);
    let mut t = Drill::ipv6_with(Config::freebsd(), |host| set(host, "net.inet.tcp.v6mssdflt", 1300));
    let fd = t.passive("nop");
    assert_eq!(t.info(fd).send_segment_size, 1300);

    let mut t = Drill::with(Config::freebsd(), |host| set(host, "net.inet.tcp.path_mtu_discovery", 0));
    let fd = t.passive("mss 1460");
    t.write(fd, 1460).unwrap();
    t.expect("P. 1:1461(1460) ack 1");
    t.inject("+0.01 icmp unreachable frag_needed mtu 1200 [1:1461(1460)]");
    t.expect_nothing();
    t.inject("+0.01 . 1:1(0) ack 1461 win 500");

    for (mode, options) in [(2, "mss 1460,nop,wscale 6"), (3, "mss 1460,nop,nop,TS val 100 ecr 7")] {
        let mut t = Drill::with(Config::freebsd(), |host| set(host, "net.inet.tcp.rfc1323", mode));
        t.listen();
        t.inject("S 0:0(0) win 65535 <mss 1460,nop,wscale 6,nop,nop,TS val 7 ecr 0>");
        t.expect(&format!("S. 0:0(0) ack 1 win 65535 <{options}>"));
        t.inject("R 1:1(0) win 0");
    }
}

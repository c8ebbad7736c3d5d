//! Socket options and flags of writes, in the words of the kernel's own tests.

mod drill;

use drill::Drill;
use faultwire_base::Duration;
use faultwire_host::{Errno, Fd, OptionName, Received, SocketOption};
use faultwire_tcp::{Config, WriteFlags};
use faultwire_wire::Payload;

const MORE: WriteFlags =
    WriteFlags { more: true, record_end: false, push: false, urgent: false, by_part: false };
const RECORD_END: WriteFlags =
    WriteFlags { more: false, record_end: true, push: false, urgent: false, by_part: false };
const PUSH: WriteFlags =
    WriteFlags { more: false, record_end: false, push: true, urgent: false, by_part: false };

fn linux() -> Drill {
    let mut drill = Drill::new(Config::linux());
    drill.round_trip = Duration::from_millis(10);
    drill
}

const OPTIONS: &str = "mss 1000,nop,nop,sackOK,nop,wscale 7";

fn set(drill: &mut Drill, fd: Fd, name: &str, value: i64) {
    drill.setsockopt(fd, SocketOption::parse(name, value).unwrap());
}

fn get(drill: &mut Drill, fd: Fd, name: &str) -> i64 {
    drill.host.option(fd, OptionName::parse(name).unwrap()).unwrap()
}

fn send(drill: &mut Drill, fd: Fd, octets: u32, flags: WriteFlags) -> Result<u64, Errno> {
    let result = drill.host.send_with(drill.now, fd, Payload::Zeros { len: octets }, flags);
    drill.pass_ms(0);
    drill.setsockopt(fd, SocketOption::KeepAlive(false));
    result
}

/// A cork holds small segments until it is taken off, and TCP_NODELAY goes past it.
#[test]
fn cork_and_no_delay() {
    let mut t = linux();
    let fd = t.passive(OPTIONS);
    set(&mut t, fd, "TCP_CORK", 1);
    t.write(fd, 40).unwrap();
    t.pass_ms(50);
    t.write(fd, 40).unwrap();
    t.expect_nothing();
    t.pass_ms(10);
    set(&mut t, fd, "TCP_CORK", 0);
    t.expect("P. 1:81(80) ack 1");
    t.inject("+0.01 . 1:1(0) ack 81 win 257");

    set(&mut t, fd, "TCP_CORK", 1);
    t.write(fd, 40).unwrap();
    t.pass_ms(50);
    t.write(fd, 40).unwrap();
    t.expect_nothing();
    set(&mut t, fd, "TCP_NODELAY", 1);
    t.expect("P. 81:161(80) ack 1");
    assert_eq!((get(&mut t, fd, "TCP_CORK"), get(&mut t, fd, "TCP_NODELAY")), (1, 1));
}

/// What a cork or a promise of more holds back goes when the probe timer runs out: SRTT + 200 ms after the write.
#[test]
fn held_data_goes_with_the_probe_timer() {
    let mut t = linux();
    let fd = t.passive(OPTIONS);
    send(&mut t, fd, 40, MORE).unwrap();
    t.expect("+0.21 P. 1:41(40) ack 1");
    t.inject("+0.01 . 1:1(0) ack 41 win 257");
    set(&mut t, fd, "TCP_CORK", 1);
    t.write(fd, 1040).unwrap();
    t.expect(". 41:1041(1000) ack 1");
    t.inject("+0.01 . 1:1(0) ack 1041 win 257");
    t.expect("+0.21 P. 1041:1081(40) ack 1");
}

/// `MSG_MORE` carries no PSH and waits for the next write; an ACK ends the promise.
#[test]
fn more() {
    let mut t = linux();
    let fd = t.passive(OPTIONS);
    send(&mut t, fd, 1500, MORE).unwrap();
    t.expect(". 1:1001(1000) ack 1");
    t.expect_nothing_for_ms(5);
    send(&mut t, fd, 400, WriteFlags::default()).unwrap();
    t.expect("P. 1001:1901(900) ack 1");
    t.inject("+0.01 . 1:1(0) ack 1901 win 257");
    send(&mut t, fd, 1500, MORE).unwrap();
    t.expect(". 1901:2901(1000) ack 1");
    t.inject("+0.01 . 1:1(0) ack 2901 win 257");
    t.expect(". 2901:3401(500) ack 1");
}

/// No segment crosses the end of a record, and once more is written, a small one before it is not held by Nagle's rule.
#[test]
fn end_of_record() {
    for config in [Config::linux(), Config::rfc()] {
        let mut t = Drill::new(config);
        let fd = t.passive("mss 1000");
        t.write(fd, 100).unwrap();
        t.expect("P. 1:101(100) ack 1");
        send(&mut t, fd, 400, RECORD_END).unwrap();
        t.expect_nothing();
        // What ends before more is written can get no company.
        t.write(fd, 400).unwrap();
        t.expect("P. 101:501(400) ack 1");
        t.expect_nothing();
        t.inject("+0.1 . 1:1(0) ack 501 win 30000");
        t.expect("P. 501:901(400) ack 1");
    }
}

/// RFC 9293 §3.9.1.2, MAY-15: the PUSH flag of the user goes past Nagle's rule.
#[test]
fn pushed_data_does_not_wait() {
    let mut t = Drill::new(Config::rfc());
    let fd = t.passive("mss 1000");
    t.write(fd, 100).unwrap();
    t.expect("P. 1:101(100) ack 1");
    t.write(fd, 100).unwrap();
    t.expect_nothing();
    send(&mut t, fd, 100, PUSH).unwrap();
    t.expect("P. 101:301(200) ack 1");
}

/// What getsockopt says: Linux doubles what is asked for, within its bounds.
#[test]
fn options_are_read_back() {
    let mut t = linux();
    let fd = t.passive(OPTIONS);
    set(&mut t, fd, "SO_SNDBUF", 21_000);
    assert_eq!(get(&mut t, fd, "SO_SNDBUF"), 42_000);
    set(&mut t, fd, "SO_SNDBUF", 1);
    assert_eq!(get(&mut t, fd, "SO_SNDBUF"), 4_608);
    set(&mut t, fd, "SO_SNDBUF", 1 << 30);
    assert_eq!(get(&mut t, fd, "SO_SNDBUF"), 425_984);
    set(&mut t, fd, "SO_RCVBUF", 0);
    assert_eq!(get(&mut t, fd, "SO_RCVBUF"), 2_304);
    for (name, first, second) in [
        ("TCP_KEEPIDLE", 7200, 5),
        ("TCP_KEEPINTVL", 75, 3),
        ("TCP_KEEPCNT", 9, 2),
        ("SO_KEEPALIVE", 0, 1),
        ("TCP_USER_TIMEOUT", 0, 3000),
        ("SO_LINGER", -1, 0),
        ("SO_OOBINLINE", 0, 1),
        ("IP_TTL", 64, 7),
        ("IP_TOS", 0, 0x10),
        ("TCP_NOTSENT_LOWAT", i64::from(u32::MAX), 100),
    ] {
        assert_eq!(get(&mut t, fd, name), first, "{name}");
        set(&mut t, fd, name, second);
        assert_eq!(get(&mut t, fd, name), second, "{name}");
    }
    assert_eq!(get(&mut t, fd, "TCP_MAXSEG"), 1000);
    assert_eq!(get(&mut t, fd, "SO_ERROR"), 0);
    t.inject("R. 1:1(0) ack 1 win 0");
    assert_eq!(get(&mut t, fd, "SO_ERROR"), 104);
    assert_eq!(get(&mut t, fd, "SO_ERROR"), 0);
}

/// RFC 9293 §3.9.1.9, MUST-48, MUST-49, SHLD-21: traffic class and hop limit change while the connection lives.
#[test]
fn header_fields_change_on_the_way() {
    let mut t = linux();
    let fd = t.passive(OPTIONS);
    set(&mut t, fd, "IP_TOS", 0x28);
    set(&mut t, fd, "IP_TTL", 3);
    t.write(fd, 10).unwrap();
    t.expect("(tos 0x28, ttl 3) P. 1:11(10) ack 1");
}

/// `SO_LINGER`: a close waits until the FIN is acknowledged or the time is over; zero resets.
#[test]
fn linger() {
    let mut t = linux();
    let fd = t.passive(OPTIONS);
    set(&mut t, fd, "SO_LINGER", 3);
    assert_eq!(t.host.close(t.now, fd), Err(Errno::WouldBlock));
    set(&mut t, fd, "SO_KEEPALIVE", 0);
    t.expect("F. 1:1(0) ack 1");
    assert_eq!(t.host.lingers_until(fd), Some(t.now + Duration::from_secs(3)));
    t.inject("+0.01 . 1:1(0) ack 2 win 257");
    t.close(fd);
    assert_eq!(t.host.close(t.now, fd), Err(Errno::BadDescriptor));
    t.new_peer();

    let fd = t.passive(OPTIONS);
    set(&mut t, fd, "SO_LINGER", 1);
    assert_eq!(t.host.close(t.now, fd), Err(Errno::WouldBlock));
    set(&mut t, fd, "SO_KEEPALIVE", 0);
    t.expect("F. 1:1(0) ack 1");
    t.pass_ms(999);
    assert_eq!(t.host.close(t.now, fd), Err(Errno::WouldBlock));
    t.pass_ms(1);
    t.close(fd);
    t.forget_sent();
    t.new_peer();

    let fd = t.passive(OPTIONS);
    set(&mut t, fd, "SO_LINGER", 0);
    t.close(fd);
    t.expect("R. 1:1(0) ack 1");
    t.pass_ms(100_000);
    t.forget_sent();
}

/// Linux counts TCP_USER_TIMEOUT from the first timeout, which comes an RTO after the probe for a lost tail, whatever the
/// back-off is at.
#[test]
fn user_timeout_of_data() {
    let mut t = linux();
    let fd = t.passive(OPTIONS);
    set(&mut t, fd, "TCP_USER_TIMEOUT", 3000);
    t.write(fd, 24).unwrap();
    t.pass_ms(0);
    let rto = t.info(fd).rto.as_millis();
    // With one segment in flight the probe goes when the RTO would.
    t.pass_ms(2 * rto + 2999);
    assert_eq!(get(&mut t, fd, "SO_ERROR"), 0);
    t.pass_ms(1);
    assert_eq!(get(&mut t, fd, "SO_ERROR"), i64::from(Errno::TimedOut.number()));
    t.forget_sent();
}

/// At a closed window the user timeout counts from the first probe, and answers do not help (Linux).
#[test]
fn user_timeout_of_probes() {
    let mut t = linux();
    let fd = t.passive(OPTIONS);
    set(&mut t, fd, "TCP_USER_TIMEOUT", 500);
    t.inject(". 1:1(0) ack 1 win 0");
    t.write(fd, 24).unwrap();
    t.expect("+0.21 . 0:0(0) ack 1");
    t.inject("+0.01 . 1:1(0) ack 1 win 0");
    t.expect("+0.42 . 0:0(0) ack 1");
    t.inject("+0.01 . 1:1(0) ack 1 win 0");
    t.pass_ms(59);
    assert_eq!(get(&mut t, fd, "SO_ERROR"), 0);
    t.pass_ms(1);
    assert_eq!(get(&mut t, fd, "SO_ERROR"), i64::from(Errno::TimedOut.number()));
    t.forget_sent();
}

/// With TCP_USER_TIMEOUT the number of keep-alive probes does not matter (Linux).
#[test]
fn user_timeout_of_keep_alive() {
    let mut t = linux();
    let fd = t.passive(OPTIONS);
    for (name, value) in [("TCP_KEEPIDLE", 5), ("TCP_KEEPINTVL", 2), ("TCP_KEEPCNT", 1)] {
        set(&mut t, fd, name, value);
    }
    set(&mut t, fd, "SO_KEEPALIVE", 1);
    set(&mut t, fd, "TCP_USER_TIMEOUT", 8_500);
    for gap in ["+5", "+2"] {
        t.expect(&format!("{gap} . 0:0(0) ack 1"));
    }
    t.expect("+2 R. 1:1(0) ack 1");
    assert_eq!(get(&mut t, fd, "SO_ERROR"), i64::from(Errno::TimedOut.number()));
}

/// What is queued: octets to read, octets not acknowledged with the FIN, octets not sent.
#[test]
fn queues() {
    let mut t = linux();
    let fd = t.passive(OPTIONS);
    t.inject("P. 1:1001(1000) ack 1 win 257");
    t.expect(". 1:1(0) ack 1001");
    t.write(fd, 12_000).unwrap();
    t.forget_sent();
    let queued = t.host.queued(fd).unwrap();
    assert_eq!((queued.unread, queued.unacknowledged, queued.unsent), (1000, 12_000, 2_000));
    t.inject("+0.01 . 1001:1001(0) ack 10001 win 257");
    t.forget_sent();
    let _ = t.shutdown(fd, faultwire_host::How::Write);
    t.forget_sent();
    let queued = t.host.queued(fd).unwrap();
    assert_eq!((queued.unacknowledged, queued.unsent), (2_001, 0));
    t.abort(fd);
    t.forget_sent();
}

/// TCP_NOTSENT_LOWAT: no write while as much is unsent, and a poller is told when half of it is left.
#[test]
fn unsent_limit() {
    let mut t = linux();
    let fd = t.passive(OPTIONS);
    set(&mut t, fd, "TCP_NOTSENT_LOWAT", 8_000);
    // 16 segments fit one part, ten go at once.
    t.write(fd, 20_000).unwrap();
    t.forget_sent();
    assert!(!t.host.poll(fd).writable);
    // The part has room; a second one would need less to be unsent.
    assert_eq!(t.write(fd, 50_000), Ok(12_000));
    t.forget_sent();
    assert_eq!(t.write(fd, 1_000), Err(Errno::WouldBlock));
    for ack in [2001, 4001, 6001, 8001, 10_001] {
        assert!(!t.host.poll(fd).writable);
        t.inject(&format!("+0.01 . 1:1(0) ack {ack} win 1000"));
        t.forget_sent();
    }
    assert!(t.host.poll(fd).writable);
    t.abort(fd);
    t.forget_sent();
}

/// A writer who found no room is told when a third of the buffer is free, not before (`sk_stream_is_writeable`).
#[test]
fn a_blocked_writer_waits_for_a_third() {
    let mut t = linux();
    let fd = t.passive("mss 1000");
    set(&mut t, fd, "SO_SNDBUF", 21_000);
    let taken = t.write(fd, 100_000).unwrap();
    t.forget_sent();
    // Parts of 16 segments, half of the window, until they cost 42,000.
    assert_eq!(taken, 48_000);
    assert_eq!(t.write(fd, 1), Err(Errno::WouldBlock));
    let mut acknowledged = 1;
    while !t.host.readiness(fd).writable {
        acknowledged += 1_000;
        t.inject(&format!("+0.01 . 1:1(0) ack {acknowledged} win 32896"));
        t.forget_sent();
    }
    // What is left costs 28,000 or less: 26,000 octets in two parts at most, 15,000 in parts of one segment at least.
    assert!((22_001..=34_001).contains(&acknowledged), "{acknowledged}");
    t.abort(fd);
    t.forget_sent();
}

/// connect to `AF_UNSPEC` resets the connection; the socket keeps its options and can connect again.
#[test]
fn disconnect() {
    let mut t = linux();
    let fd = t.active("mss 1000,nop,nop,sackOK,nop,wscale 7,TS val 1 ecr 100");
    set(&mut t, fd, "TCP_NODELAY", 1);
    set(&mut t, fd, "TCP_KEEPIDLE", 5);
    t.forget_sent();
    t.host.disconnect(t.now, fd).unwrap();
    assert_eq!(t.host.send(t.now, fd, Payload::Zeros { len: 1 }), Err(Errno::PipeBroken));
    assert_eq!((get(&mut t, fd, "TCP_NODELAY"), get(&mut t, fd, "TCP_KEEPIDLE")), (1, 5));
    set(&mut t, fd, "SO_KEEPALIVE", 0);
    t.expect("R. 1:1(0) ack 1 <...>");
    t.connect_with(fd);
    t.expect("S 0:0(0) <...>");
    assert_eq!((get(&mut t, fd, "TCP_NODELAY"), get(&mut t, fd, "TCP_KEEPIDLE")), (1, 5));
    t.abort(fd);
    t.forget_sent();
}

fn recv(drill: &mut Drill, fd: Fd) -> Result<usize, Errno> {
    match drill.host.recv(drill.now, fd, 1 << 20)? {
        Received::Data(data) => Ok(data.len() as usize),
        Received::Eof => Ok(0),
    }
}

/// Without SO_OOBINLINE the octet before the urgent mark is no part of the stream: reads stop before it and go on behind
/// it, and MSG_OOB gives it once (`tcp_recv_urg`).
#[test]
fn urgent_octet_beside_the_stream() {
    for config in [Config::linux(), Config::freebsd()] {
        let mut t = Drill::new(config);
        let fd = t.passive("mss 1000");
        assert_eq!(get(&mut t, fd, "SO_OOBINLINE"), 0);
        assert_eq!(t.host.recv_urgent(fd), Err(Errno::Invalid));
        t.inject("PU. 1:101(100) ack 1 win 30000 urg 51");
        t.inject("+1 P. 101:111(10) ack 1 win 30000");
        t.forget_sent();
        assert!(t.host.poll(fd).priority);
        assert_eq!((t.host.queued(fd).unwrap().unread, t.host.queued(fd).unwrap().at_mark), (50, false));
        assert_eq!(recv(&mut t, fd), Ok(50));
        assert!(t.host.queued(fd).unwrap().at_mark);
        assert!(matches!(t.host.recv_urgent(fd), Ok(Received::Data(octet)) if octet.len() == 1));
        assert_eq!(t.host.recv_urgent(fd), Err(Errno::Invalid));
        assert!(!t.host.poll(fd).priority);
        assert!(matches!(t.host.peek(fd, 1000), Ok(Received::Data(data)) if data.len() == 59));
        assert_eq!(recv(&mut t, fd), Ok(59));
        assert!(!t.host.queued(fd).unwrap().at_mark);
        t.forget_sent();

        // Announced, and not here yet; a read that passes it loses it.
        t.inject("U. 111:111(0) ack 1 win 30000 urg 2");
        assert_eq!(t.host.recv_urgent(fd), Err(Errno::WouldBlock));
        assert!(!t.host.poll(fd).priority);
        t.inject("P. 111:112(1) ack 1 win 30000");
        assert_eq!(recv(&mut t, fd), Ok(1));
        t.inject("P. 112:113(1) ack 1 win 30000");
        assert!(!t.host.poll(fd).readable);
        assert_eq!(recv(&mut t, fd), Err(Errno::WouldBlock));
        assert_eq!(t.host.recv_urgent(fd), Err(Errno::Invalid));
        t.forget_sent();
        t.abort(fd);
        t.forget_sent();
    }
}

/// With SO_OOBINLINE the urgent octet stays in the stream; a read still stops before it, and MSG_OOB finds nothing.
#[test]
fn urgent_octet_in_the_stream() {
    let mut t = linux();
    let fd = t.passive(OPTIONS);
    set(&mut t, fd, "SO_OOBINLINE", 1);
    t.inject("PU. 1:101(100) ack 1 win 257 urg 51");
    t.forget_sent();
    assert_eq!(t.host.recv_urgent(fd), Err(Errno::Invalid));
    assert_eq!(t.host.queued(fd).unwrap().unread, 100);
    assert_eq!(recv(&mut t, fd), Ok(50));
    assert!(t.host.queued(fd).unwrap().at_mark);
    assert_eq!(recv(&mut t, fd), Ok(50));
    // By the letter that is so from the beginning, and a read does not care.
    let mut t = Drill::new(Config::rfc());
    let fd = t.passive("mss 1000");
    assert_eq!(get(&mut t, fd, "SO_OOBINLINE"), 1);
    t.inject("PU. 1:101(100) ack 1 win 30000 urg 51");
    t.forget_sent();
    assert_eq!(recv(&mut t, fd), Ok(100));
}

/// Linux: a pointer of 0 means the first octet; an older urgent octet that nobody took is lost to a newer one.
#[test]
fn urgent_pointers_of_linux() {
    let mut t = linux();
    let fd = t.passive(OPTIONS);
    t.inject("PU. 1:11(10) ack 1 win 257 urg 0");
    t.forget_sent();
    assert!(t.host.queued(fd).unwrap().at_mark);
    t.inject("PU. 11:21(10) ack 1 win 257 urg 10");
    t.forget_sent();
    assert_eq!(t.host.queued(fd).unwrap().unread, 18);
    assert_eq!(recv(&mut t, fd), Ok(18));
    assert!(matches!(t.host.recv_urgent(fd), Ok(Received::Data(_))));
    // What has arrived does not become urgent any more.
    t.inject("P. 21:31(10) ack 1 win 257");
    t.inject("U. 31:31(0) ack 1 win 257 urg 0");
    t.forget_sent();
    t.inject("U. 21:21(0) ack 1 win 257 urg 3");
    t.forget_sent();
    assert_eq!(recv(&mut t, fd), Ok(10));
}

/// Linux ends a connection of nobody whose peer keeps its window closed when the back-off of the probes has reached its
/// end, be the probes answered; one that somebody owns never.
#[test]
fn a_window_that_stays_closed() {
    for owned in [true, false] {
        let mut t = linux();
        let fd = t.passive(OPTIONS);
        t.inject("+0.01 . 1:1(0) ack 1 win 0");
        t.write(fd, 24).unwrap();
        if !owned {
            t.close(fd);
        }
        // The RTO of 210 ms reaches 120 s with the tenth doubling.
        for probe in 0..10 {
            let wait = 210 << probe;
            t.expect(&format!("+{}.{:03} . 0:0(0) ack 1", wait / 1000, wait % 1000));
            t.inject(". 1:1(0) ack 1 win 0");
        }
        if owned {
            for _ in 0..20 {
                t.expect("+120 . 0:0(0) ack 1");
                t.inject(". 1:1(0) ack 1 win 0");
            }
            t.abort(fd);
            t.forget_sent();
        } else {
            t.pass_ms(120_000);
            t.expect_nothing();
            t.inject(". 1:1(0) ack 1 win 0");
            t.expect("R 1:1(0)");
        }
    }
}

/// Probes without an answer end a connection after as many as `tcp_retries2` says.
#[test]
fn probes_without_an_answer() {
    let mut t = Drill::with(Config::linux(), |config| {
        faultwire_host::apply_sysctl(config, "tcp_retries2", &faultwire_host::SysctlValue::Integer(3))
            .unwrap();
    });
    t.round_trip = Duration::from_millis(10);
    let fd = t.passive(OPTIONS);
    t.inject("+0.01 . 1:1(0) ack 1 win 0");
    t.write(fd, 24).unwrap();
    for wait in ["+0.210", "+0.420", "+0.840"] {
        t.expect(&format!("{wait} . 0:0(0) ack 1"));
    }
    t.pass_ms(1_679);
    assert_eq!(get(&mut t, fd, "SO_ERROR"), 0);
    t.pass_ms(1);
    assert_eq!(get(&mut t, fd, "SO_ERROR"), i64::from(Errno::TimedOut.number()));
}

/// The options of listeners and clients of Fast Open, and TCP_DEFER_ACCEPT in the time that its timeouts take.
#[test]
fn options_of_a_fresh_socket() {
    let mut t = Drill::with(Config::linux(), |_| ());
    let fd = t.host.socket(faultwire_host::SocketKind::Tcp, false);
    for (name, value, shown) in [
        ("TCP_FASTOPEN", 5, 5),
        ("TCP_FASTOPEN_CONNECT", 1, 1),
        ("TCP_FASTOPEN_NO_COOKIE", 1, 1),
        ("TCP_DEFER_ACCEPT", 2, 3),
        ("TCP_DEFER_ACCEPT", 0, 0),
        ("TCP_SYNCNT", 3, 3),
    ] {
        set(&mut t, fd, name, value);
        assert_eq!(get(&mut t, fd, name), shown, "{name}");
    }
}

/// TCP_MAXSEG before the SYN bounds what is announced and what is sent, options included; later it changes nothing.
#[test]
fn segment_size_limit_of_a_client() {
    let mut t = linux();
    let fd = t.host.socket(faultwire_host::SocketKind::Tcp, false);
    assert_eq!(get(&mut t, fd, "TCP_MAXSEG"), 536);
    set(&mut t, fd, "TCP_MAXSEG", 1000);
    assert_eq!(get(&mut t, fd, "TCP_MAXSEG"), 1000);
    t.connect_with(fd);
    t.expect("S 0:0(0) win 65000 <mss 1000,sackOK,TS val * ecr 0,nop,wscale 10>");
    t.inject("+0.01 S. 0:0(0) ack 1 win 32792 <mss 1460,nop,nop,sackOK,nop,wscale 7>");
    t.expect(". 1:1(0) ack 1");
    assert_eq!(get(&mut t, fd, "TCP_MAXSEG"), 1000);
    set(&mut t, fd, "TCP_MAXSEG", 500);
    assert_eq!(get(&mut t, fd, "TCP_MAXSEG"), 1000);
    t.write(fd, 1500).unwrap();
    t.expect(". 1:1001(1000) ack 1");
    t.expect("P. 1001:1501(500) ack 1");
    t.abort(fd);
    t.forget_sent();
}

/// The same of a listener, for all its connections.
#[test]
fn segment_size_limit_of_a_listener() {
    let mut t = linux();
    let fd = t.listen();
    set(&mut t, fd, "TCP_MAXSEG", 700);
    t.inject("S 0:0(0) win 32792 <mss 1460>");
    t.expect("S. 0:0(0) ack 1 win 65100 <mss 700>");
    t.inject("+0.01 . 1:1(0) ack 1 win 32792");
    let fd = t.accept();
    t.write(fd, 1000).unwrap();
    t.expect(". 1:701(700) ack 1");
    t.expect("P. 701:1001(300) ack 1");
    t.abort(fd);
    t.forget_sent();
}

/// TCP_LINGER2: so long an orphan waits for the peer's FIN, 3.5 RTOs at least; -1 resets at once.
#[test]
fn time_in_fin_wait_2() {
    for (seconds, millis) in [(0, 60_000), (5, 5_000), (300, 120_000)] {
        let mut t = linux();
        let fd = t.passive(OPTIONS);
        assert_eq!(get(&mut t, fd, "TCP_LINGER2"), 60);
        set(&mut t, fd, "TCP_LINGER2", seconds);
        assert_eq!(get(&mut t, fd, "TCP_LINGER2"), millis / 1000);
        t.close(fd);
        t.expect("F. 1:1(0) ack 1");
        t.inject("+0.01 . 1:1(0) ack 2 win 257");
        t.pass_ms(millis as u64 - 1);
        t.inject(". 1:1(0) ack 2 win 257");
        t.expect_nothing();
        t.pass_ms(1);
        t.inject(". 1:1(0) ack 2 win 257");
        t.expect("R 2:2(0)");
    }
    let mut t = linux();
    let fd = t.passive(OPTIONS);
    set(&mut t, fd, "TCP_LINGER2", -1);
    assert_eq!(get(&mut t, fd, "TCP_LINGER2"), -1);
    t.close(fd);
    t.expect("F. 1:1(0) ack 1");
    t.inject("+0.01 . 1:1(0) ack 2 win 257");
    t.expect("R 2:2(0)");
}

/// FreeBSD: TCP_KEEPINIT is how long an active open may take.
#[test]
fn time_for_an_active_open() {
    let mut t = Drill::new(Config::freebsd());
    let fd = t.host.socket(faultwire_host::SocketKind::Tcp, false);
    assert_eq!(get(&mut t, fd, "TCP_KEEPINIT"), 75);
    set(&mut t, fd, "TCP_KEEPINIT", 2);
    t.connect_with(fd);
    assert_eq!(get(&mut t, fd, "TCP_KEEPINIT"), 2);
    t.pass_ms(1_999);
    assert_eq!(get(&mut t, fd, "SO_ERROR"), 0);
    t.pass_ms(1);
    assert_eq!(get(&mut t, fd, "SO_ERROR"), i64::from(Errno::TimedOut.number()));
    t.forget_sent();
}

/// Linux: a shutdown in SYN-SENT ends the attempt; connect says what state the socket is in (`inet_stream_connect`).
#[test]
fn shutdown_of_an_attempt() {
    use faultwire_host::How;
    let mut t = linux();
    let fd = t.connect();
    let remote = t.remote;
    t.forget_sent();
    assert_eq!(t.host.connect(t.now, fd, remote), Err(Errno::AlreadyInProgress));
    let poll = t.host.poll(fd);
    assert!(!poll.readable && !poll.writable && !poll.hangup);
    assert_eq!(t.host.shutdown(t.now, fd, How::Write), Ok(()));
    let poll = t.host.poll(fd);
    assert!(poll.readable && poll.writable && poll.hangup && poll.error);
    assert_eq!(get(&mut t, fd, "SO_ERROR"), i64::from(Errno::ConnectionReset.number()));
    assert_eq!(t.host.shutdown(t.now, fd, How::Both), Err(Errno::NotConnected));
    t.pass_ms(3_000);
    t.expect_nothing();
    t.connect_with(fd);
    t.expect("S 0:0(0) <...>");
    t.inject("+0.01 S. 0:0(0) ack 1 win 32792 <mss 1460>");
    t.expect(". 1:1(0) ack 1");
    assert_eq!(t.host.connect(t.now, fd, remote), Ok(()), "the first to look is told that it worked");
    assert_eq!(t.host.connect(t.now, fd, remote), Err(Errno::IsConnected));
    t.abort(fd);
    t.forget_sent();
}

/// Linux: a shutdown of reading ends a listener, which can listen again; one of writing does nothing. FreeBSD knows
/// neither.
#[test]
fn shutdown_of_a_listener() {
    use faultwire_host::How;
    let mut t = linux();
    let fd = t.listen();
    assert_eq!(t.host.shutdown(t.now, fd, How::Write), Ok(()));
    assert_eq!(get(&mut t, fd, "SO_ACCEPTCONN"), 1);
    t.inject("S 0:0(0) win 32792 <mss 1460>");
    t.expect("S. 0:0(0) ack 1 <...>");
    assert_eq!(t.host.shutdown(t.now, fd, How::Read), Ok(()));
    assert_eq!(get(&mut t, fd, "SO_ACCEPTCONN"), 0);
    assert_eq!(t.host.shutdown(t.now, fd, How::Read), Err(Errno::NotConnected));
    assert!(t.host.poll(fd).hangup);
    t.inject(". 1:1(0) ack 1 win 32792");
    t.expect("R 1:1(0)");
    assert_eq!(t.host.accept(fd).map(|_| ()), Err(Errno::Invalid));
    assert_eq!(t.host.listen(fd, 1), Ok(()));
    t.new_peer();
    t.inject("S 0:0(0) win 32792 <mss 1460>");
    t.expect("S. 0:0(0) ack 1 <...>");
    t.host.close(t.now, fd).unwrap();

    let mut t = Drill::new(Config::freebsd());
    let fd = t.listen();
    assert_eq!(t.host.shutdown(t.now, fd, How::Read), Err(Errno::NotConnected));
}

/// `tcpi_options`: timestamps, SACK, window scale, ECN, ECN seen, text of a SYN.
#[test]
fn options_of_tcp_info() {
    let mut t = linux();
    let fd = t.passive(OPTIONS);
    assert_eq!(t.info(fd).field("options"), Some(6));
    t.new_peer();
    let fd = t.passive("mss 1000,sackOK,TS val 1 ecr 0,nop,wscale 7");
    assert_eq!(t.info(fd).field("options"), Some(7));
}

/// `tcp_tw_reuse` 1: a connect takes the place of a connection in TIME-WAIT a second after the peer's last segment; its
/// ISN lies 65,537 above all that was used, and its SYN echoes the peer's last timestamp (RFC 6191).
#[test]
fn a_connect_may_follow_on_time_wait() {
    for reuse in [0, 1] {
        let mut t = Drill::with(Config::linux(), |config| {
            config.ephemeral_ports = 50_000..=50_000;
            let value = faultwire_host::SysctlValue::Integer(reuse);
            faultwire_host::apply_sysctl(config, "tcp_tw_reuse", &value).unwrap();
        });
        let fd = t.connect();
        let first = t.expect("S 0:0(0) <...>");
        t.inject("+0.01 S. 0:0(0) ack 1 win 32792 <mss 1000,sackOK,TS val 7 ecr 0,nop,wscale 7>");
        t.expect(". 1:1(0) ack 1 <...>");
        t.close(fd);
        t.expect("F. 1:1(0) ack 1 <...>");
        t.inject("+0.01 F. 1:1(0) ack 2 win 257 <nop,nop,TS val 20 ecr 0>");
        t.expect(". 2:2(0) ack 2 <...>");
        let fd = t.host.socket(faultwire_host::SocketKind::Tcp, false);
        t.pass_ms(999);
        assert_eq!(t.host.connect(t.now, fd, t.remote), Err(Errno::AddressNotAvailable));
        t.pass_ms(1);
        if reuse == 0 {
            assert_eq!(t.host.connect(t.now, fd, t.remote), Err(Errno::AddressNotAvailable));
            continue;
        }
        t.connect_with(fd);
        let second = t.expect("S 0:0(0) <...>");
        assert_eq!(second.seq, first.seq + 2 + 65_537);
        assert_eq!(second.options.timestamps().map(|(_, echo)| echo), Some(20));
        t.inject("+0.01 S. 0:0(0) ack 1 win 32792 <mss 1000,sackOK,TS val 40 ecr 0,nop,wscale 7>");
        t.expect(". 1:1(0) ack 1 <...>");
        t.abort(fd);
        t.forget_sent();
    }
}

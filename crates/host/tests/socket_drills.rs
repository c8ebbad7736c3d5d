//! Socket options and flags of writes, in the words of the kernel's own tests.

mod drill;

use drill::Drill;
use faultwire_base::Duration;
use faultwire_host::{Errno, Fd, OptionName, SocketOption};
use faultwire_tcp::{Config, WriteFlags};
use faultwire_wire::Payload;

const MORE: WriteFlags = WriteFlags { more: true, record_end: false, push: false, urgent: false };
const RECORD_END: WriteFlags = WriteFlags { more: false, record_end: true, push: false, urgent: false };
const PUSH: WriteFlags = WriteFlags { more: false, record_end: false, push: true, urgent: false };

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

//! RFC 9293 §3.7.4, §3.8.6.2.1, §3.9.2: how data is sent.

use faultwire_host::SocketOption;
use faultwire_tcp::Config;

use crate::drill::Drill;
use crate::{open, profiles};

/// RFC 9293 §3.9.2 (MUST-49): the hop limit of all segments is what the host was set to, 64 if it was not.
#[test]
fn the_hop_limit_can_be_set() {
    for (config, limit) in
        profiles().into_iter().flat_map(|it| [(it.clone(), None), (it.clone(), Some(1)), (it, Some(255))])
    {
        let mut t = Drill::with(config, |host| {
            if let Some(limit) = limit {
                host.ip.hop_limit = limit;
            }
        });
        let limit = limit.unwrap_or(64);
        t.listen();
        t.inject("S 0:0(0) win 32792 <mss 1000>");
        t.expect(&format!("[ttl {limit}] S. 0:0(0) ack 1 <...>"));
        t.inject("+0.1 . 1:1(0) ack 1");
        let fd = t.accept();
        t.write(fd, 10).unwrap();
        t.expect(&format!("[ttl {limit}] P. 1:11(10) ack 1"));
        t.inject("+0.1 P. 1:11(10) ack 11");
        t.pass_ms(500);
        t.expect(&format!("* [ttl {limit}] . 11:11(0) ack 11"));
        t.inject("+0.1 P. 5000:5010(10) ack 99");
        t.forget_sent();
        t.abort(fd);
        let reset = t.expect_any();
        assert_eq!(reset.ip.hop_limit, limit);
    }
}

/// RFC 9293 §3.7.4 (SHLD-7): a second small write waits until the first is acknowledged; what fills a segment does not.
#[test]
fn nagle_holds_small_segments() {
    for config in profiles() {
        let (mut t, fd) = open(config);
        t.write(fd, 100).unwrap();
        t.expect("P. 1:101(100) ack 1");
        t.write(fd, 100).unwrap();
        t.expect_nothing_for_ms(50);
        t.write(fd, 900).unwrap();
        t.expect("P. 101:1101(1000) ack 1");
        t.write(fd, 100).unwrap();
        t.expect_nothing_for_ms(49);
        t.inject("+0.001 . 1:1(0) ack 1101");
        t.expect("P. 1101:1201(100) ack 1");
        t.inject("+0.1 . 1:1(0) ack 1201");
    }
}

/// RFC 9293 §3.7.4 (MUST-17): with TCP_NODELAY every write leaves at once; what waited leaves when it is set.
#[test]
fn the_user_can_switch_nagle_off() {
    for config in profiles() {
        let (mut t, fd) = open(config);
        t.write(fd, 100).unwrap();
        t.expect("P. 1:101(100) ack 1");
        t.write(fd, 100).unwrap();
        t.expect_nothing();
        t.setsockopt(fd, SocketOption::NoDelay(true));
        t.expect("P. 101:201(100) ack 1");
        for n in 2..6 {
            t.write(fd, 100).unwrap();
            t.expect(&format!("P. {}:{}(100) ack 1", n * 100 + 1, n * 100 + 101));
        }
        t.inject("+0.1 . 1:1(0) ack 601");
        t.setsockopt(fd, SocketOption::NoDelay(false));
        t.write(fd, 100).unwrap();
        t.expect("P. 601:701(100) ack 1");
        t.write(fd, 100).unwrap();
        t.expect_nothing_for_ms(50);
        t.inject(". 1:1(0) ack 701");
        t.expect("P. 701:801(100) ack 1");
        t.inject("+0.1 . 1:1(0) ack 801");
    }
}

/// RFC 9293 §3.8.6.2.1 (MUST-38): a window that opens octet by octet is not filled octet by octet. A segment goes when it
/// is full, or all there is, or half of the largest window.
#[test]
fn small_windows_are_not_filled() {
    let (mut t, fd) = open(Config::rfc());
    t.inject(". 1:1(0) ack 1 win 0");
    t.write(fd, 1500).unwrap();
    for window in [1, 2, 10, 500, 999] {
        t.inject(&format!("+0.01 . 1:1(0) ack 1 win {window}"));
        t.expect_nothing();
    }
    t.inject("+0.01 . 1:1(0) ack 1 win 1000");
    t.expect(". 1:1001(1000) ack 1");
    t.inject("+0.1 . 1:1(0) ack 1001 win 499");
    t.expect_nothing();
    t.inject("+0.01 . 1:1(0) ack 1001 win 500");
    t.expect("P. 1001:1501(500) ack 1");
    t.inject("+0.1 . 1:1(0) ack 1501");
}

/// RFC 9293 §3.8.6.2.1 (3) (MUST-38): to a peer whose window was never large, half of it is worth a segment.
#[test]
fn half_of_a_small_window_is_worth_a_segment() {
    let mut t = Drill::new(Config::rfc());
    t.listen();
    t.inject("S 0:0(0) win 600 <mss 1000>");
    t.expect("S. 0:0(0) ack 1 <...>");
    t.inject("+0.1 . 1:1(0) ack 1 win 600");
    let fd = t.accept();
    t.inject("+0.1 . 1:1(0) ack 1 win 0");
    t.write(fd, 1500).unwrap();
    t.inject("+0.01 . 1:1(0) ack 1 win 299");
    t.expect_nothing();
    t.inject("+0.01 . 1:1(0) ack 1 win 300");
    t.expect(". 1:301(300) ack 1");
    t.inject("+0.1 . 1:1(0) ack 301 win 30000");
    t.forget_sent();
    t.inject("+0.1 . 1:1(0) ack 1501 win 30000");
    t.forget_sent();
}

/// RFC 9293 §3.9.1.7 (MAY-14): FLUSH forgets what was not sent yet; the connection goes on with what is written next.
#[test]
fn flush_forgets_what_was_not_sent() {
    for config in profiles() {
        let (mut t, fd) = open(config);
        assert_eq!(t.host.flush(t.now, fd), Ok(0));
        t.inject(". 1:1(0) ack 1 win 2000");
        t.write(fd, 4500).unwrap();
        t.expect(". 1:1001(1000) ack 1");
        t.expect_any();
        t.expect_nothing();
        assert_eq!(t.host.flush(t.now, fd), Ok(2500));
        assert_eq!(t.host.flush(t.now, fd), Ok(0));
        t.inject("+0.1 . 1:1(0) ack 2001 win 2000");
        t.expect_nothing_for_ms(10_000);
        t.write(fd, 10).unwrap();
        t.expect("P. 2001:2011(10) ack 1");
        t.inject("+0.1 . 1:1(0) ack 2011 win 2000");
        t.close(fd);
        t.expect("F. 2011:2011(0) ack 1");
        t.inject("+0.1 . 1:1(0) ack 2012 win 2000");
    }
}

/// RFC 9293 §3.9.1.7 (MAY-14): at a closed window too, where the peer may have taken the octet of a probe.
#[test]
fn flush_at_a_closed_window() {
    let (mut t, fd) = open(Config::rfc());
    t.inject(". 1:1(0) ack 1 win 0");
    t.write(fd, 100).unwrap();
    assert_eq!(t.host.flush(t.now, fd), Ok(100));
    t.expect_nothing_for_ms(10_000);
    t.write(fd, 100).unwrap();
    t.expect("+1 . 1:2(1) ack 1");
    assert_eq!(t.host.flush(t.now, fd), Ok(99));
    t.inject("+0.1 . 1:1(0) ack 2 win 1000");
    t.write(fd, 10).unwrap();
    t.expect("P. 2:12(10) ack 1");
    t.inject("+0.1 . 1:1(0) ack 12 win 1000");
}

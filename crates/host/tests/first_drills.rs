//! First drills: opening, data, resets at the edge, TIME-WAIT.

mod drill;

use drill::Drill;
use faultwire_host::{Errno, How};
use faultwire_tcp::{Config, State};

/// RFC 9293 §3.5, figure 6; request and reply, passive close.
#[test]
fn request_and_reply() {
    let mut t = Drill::new(Config::rfc());
    t.listen();
    t.inject("0.05 S 0:0(0) win 32000 <mss 1200>");
    t.expect("S. 0:0(0) ack 1 <mss 1460>");
    t.inject("+0.03 . 1:1(0) ack 1 win 32000");
    let fd = t.accept();
    t.inject("+0.01 P. 1:401(400) ack 1 win 32000");
    assert_eq!(t.read(fd, 4096), Ok(400));
    assert_eq!(t.write(fd, 700), Ok(700));
    t.expect("P. 1:701(700) ack 401");
    t.inject("+0.03 F. 401:401(0) ack 701 win 32000");
    t.expect(". 701:701(0) ack 402");
    assert_eq!(t.read(fd, 4096), Ok(0));
    t.pass_ms(100);
    t.close(fd);
    t.expect("F. 701:701(0) ack 402");
    t.inject("+0.03 . 402:402(0) ack 702 win 32000");
    assert_eq!(t.state(), State::Closed);
}

/// RFC 6298 §2.1, §5.5: SYNs at 0, 1, 3 s; §3.1 of RFC 5681: then one segment.
#[test]
fn two_lost_syns() {
    let mut t = Drill::new(Config::rfc());
    let fd = t.connect();
    t.expect("S 0:0(0) <...>");
    t.expect("+1 S 0:0(0) <...>");
    t.expect("+2 S 0:0(0) <...>");
    t.inject("+0.08 S. 0:0(0) ack 1 win 20000 <mss 1000>");
    t.expect(". 1:1(0) ack 1");
    assert_eq!(t.error(fd), None);
    assert_eq!(t.write(fd, 1500), Ok(1500));
    t.expect(". 1:1001(1000) ack 1");
    t.inject("+0.08 . 1:1(0) ack 1001 win 20000");
    t.expect("P. 1001:1501(500) ack 1");
    t.inject("+0.08 . 1:1(0) ack 1501 win 20000");
}

/// RFC 2018 §4: the newest block first; RFC 2883 §4: what came twice before all.
#[test]
fn holes_and_duplicates() {
    let mut t = Drill::new(Config::rfc());
    let fd = t.passive("mss 1000,sackOK,eol,eol");
    t.play(
        "+0.01 < . 1001:2001(1000) ack 1 win 30000
         +0    > . 1:1(0) ack 1 <nop,nop,sack 1001:2001>
         +0.01 < . 3001:4001(1000) ack 1 win 30000
         +0    > . 1:1(0) ack 1 <nop,nop,sack 3001:4001 1001:2001>
         +0.01 < . 1:1001(1000) ack 1 win 30000
         +0    > . 1:1(0) ack 2001 <nop,nop,sack 3001:4001>
         +0.01 < . 1:1001(1000) ack 1 win 30000
         +0    > . 1:1(0) ack 2001 <nop,nop,sack 1:1001 3001:4001>
         +0.01 < . 2001:3001(1000) ack 1 win 30000
         +0    > . 1:1(0) ack 4001",
    );
    assert_eq!(t.peek(fd), Ok(4000));
}

/// RFC 9293 §3.10.7.4: the ACK of a FIN sent again, 2 MSL from then on.
#[test]
fn time_wait_answers_a_delayed_fin() {
    for config in [Config::rfc(), Config::linux()] {
        let length = config.time_wait.length;
        let mut t = Drill::new(config);
        let fd = t.active("mss 1000");
        t.pass_ms(100);
        t.shutdown(fd, How::Write).unwrap();
        t.expect("F. 1:1(0) ack 1");
        t.inject("+0.04 . 1:1(0) ack 2 win 20000");
        t.inject("+0.04 F. 1:1(0) ack 2 win 20000");
        t.expect(". 2:2(0) ack 2");
        t.inject("+3 F. 1:1(0) ack 2 win 20000");
        t.expect(". 2:2(0) ack 2");
        let almost = length.as_nanos() / 1_000_000 - 1;
        t.pass_ms(almost);
        assert_eq!(t.state(), State::TimeWait);
        t.pass_ms(1);
        assert_eq!(t.host.info(fd).unwrap().state, State::Closed);
        t.close(fd);
    }
}

/// RFC 5961 §3.2: inside the window a challenge ACK, at the edge a reset.
#[test]
fn blind_reset() {
    for config in [Config::rfc(), Config::linux()] {
        let mut t = Drill::new(config);
        let fd = t.passive("mss 1000,sackOK,eol,eol");
        t.inject("+0.1 R 2000:2000(0) win 0");
        t.expect(". 1:1(0) ack 1");
        assert_eq!(t.state(), State::Established);
        t.inject("+1 R 1:1(0) win 0");
        assert_eq!(t.read(fd, 100), Err(Errno::ConnectionReset));
        t.close(fd);
    }
}

/// The option list of either end with timestamps, to the octet and the millisecond (RFC 7323 §3.2).
#[test]
fn timestamps_count_milliseconds() {
    let mut t = Drill::ipv6(Config::linux());
    t.listen();
    t.play(
        "+0   < S 0:0(0) win 65535 <mss 1440,sackOK,TS val 700 ecr 0,nop,wscale 7>
         +0   > S. 0:0(0) ack 1 <mss 1440,sackOK,TS val 100 ecr 700,nop,wscale 10>
         +0.1 < . 1:1(0) ack 1 win 512 <nop,nop,TS val 800 ecr 100>",
    );
    let fd = t.accept();
    t.pass_ms(50);
    assert_eq!(t.write(fd, 10), Ok(10));
    t.expect("(hlim 64) P. 1:11(10) ack 1 <nop,nop,TS val 250 ecr 800>");
    t.inject("+0.1 . 1:1(0) ack 11 win 512 <nop,nop,TS val 950 ecr 250>");
    t.expect_nothing_for_ms(10_000);
}

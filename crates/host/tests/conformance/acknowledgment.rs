//! RFC 9293 §3.10.7.4, §3.8.6.3: when to acknowledge.

use faultwire_tcp::Config;

use crate::{open, profiles};

/// RFC 9293 §3.10.7.4 (MUST-58, MUST-59): segments that arrive at one instant get one ACK, which shows all of them.
#[test]
fn what_arrives_together_is_acknowledged_together() {
    for config in profiles() {
        let (mut t, fd) = open(config);
        t.inject_together(&[
            ". 1:1001(1000) ack 1",
            ". 1001:2001(1000) ack 1",
            ". 2001:3001(1000) ack 1",
            "P. 3001:4001(1000) ack 1",
        ]);
        t.expect(". 1:1(0) ack 4001");
        t.expect_nothing_for_ms(1000);
        assert_eq!(t.read(fd, 10_000), Ok(4000));
        t.forget_sent();
    }
}

/// RFC 9293 §3.10.7.4 (SHLD-31, MAY-13): what comes out of order is acknowledged at once, each time with what was
/// expected, and kept: the missing segment moves the ACK over all of it.
#[test]
fn out_of_order_is_kept_and_acknowledged() {
    for config in profiles() {
        let (mut t, fd) = open(config);
        for n in 1..10 {
            t.inject(&format!("+0.001 . {}:{}(1000) ack 1", n * 1000 + 1, n * 1000 + 1001));
            t.expect(". 1:1(0) ack 1");
        }
        t.inject("+0.001 . 1:1001(1000) ack 1");
        t.expect(". 1:1(0) ack 10001");
        assert_eq!(t.peek(fd), Ok(10_000));
    }
}

/// RFC 9293 §3.8.6.3 (SHLD-18, MUST-40): one segment by itself is acknowledged after the delay, which is below half a
/// second.
#[test]
fn acknowledgments_are_delayed() {
    let config = Config::rfc();
    let delay = config.acknowledgment.delay.as_nanos() / 1_000_000;
    assert!(delay < 500);
    let (mut t, _) = open(config);
    t.inject("P. 1:11(10) ack 1");
    t.expect_nothing_for_ms(delay - 1);
    t.expect("+0.001 . 1:1(0) ack 11");
}

/// RFC 9293 §3.8.6.3 (MUST-40): whatever the profile, and however the connection is used, data is acknowledged within
/// half a second.
#[test]
fn no_acknowledgment_takes_half_a_second() {
    for config in profiles() {
        let (mut t, fd) = open(config);
        for n in 0..200 {
            let at = n * 10 + 1;
            t.inject(&format!("P. {at}:{}(10) ack {}", at + 10, n + 1));
            t.pass_ms(if n % 3 == 0 { 10 } else { 499 });
            t.write(fd, 1).unwrap();
            let mut acked = 0;
            while let Some(packet) = t.try_expect_any() {
                let faultwire_wire::Body::Tcp(segment) = packet.body else { panic!("not a segment") };
                acked = segment.ack.0;
            }
            assert_eq!(acked, at + 10, "segment {n}");
        }
        t.pass_ms(400);
        t.forget_sent();
    }
}

/// RFC 9293 §3.8.6.3 (SHLD-19): every second full segment is acknowledged at once.
#[test]
fn every_second_full_segment_is_acknowledged() {
    for config in profiles() {
        let mut config = config;
        config.acknowledgment.quick = 0;
        let (mut t, fd) = open(config);
        for n in 0..10 {
            // While data waits to be read Linux leaves it to the reader, who sends the ACK.
            let at = n * 2000 + 1;
            t.inject(&format!("+0.001 . {at}:{}(1000) ack 1", at + 1000));
            t.expect_nothing();
            let _ = t.read(fd, 1000);
            t.inject(&format!("+0.001 . {}:{}(1000) ack 1", at + 1000, at + 2000));
            if t.host.config().tcp.buffers.receive_parts {
                t.read(fd, 1000).unwrap();
            }
            t.expect(&format!(". 1:1(0) ack {}", at + 2000));
        }
    }
}

/// RFC 9293 §3.10.7.4 (MAY-12), RFC 5961 §5.2: data whose ACK is older than the largest window that was ever offered is
/// refused with an ACK; an ACK that is merely old does not refuse the data.
#[test]
fn data_with_an_ack_out_of_range_is_refused() {
    for config in profiles() {
        let (mut t, fd) = open(config);
        for n in 0..60 {
            t.write(fd, 1000).unwrap();
            t.inject(&format!("+0.1 . 1:1(0) ack {}", n * 1000 + 1001));
        }
        t.forget_sent();
        // 60001 - 32896 is the least that can be believed.
        t.inject("+1 P. 1:11(10) ack 27104");
        t.expect(". 60001:60001(0) ack 1");
        assert_eq!(t.peek(fd).unwrap_or(0), 0);
        t.inject("+1 P. 1:11(10) ack 27105");
        assert_eq!(t.peek(fd), Ok(10));
        t.pass_ms(500);
        t.forget_sent();
        t.inject("+1 P. 11:21(10) ack 60002");
        t.expect(". 60001:60001(0) ack 11");
        t.expect_nothing();
        assert_eq!(t.peek(fd), Ok(10));
    }
}

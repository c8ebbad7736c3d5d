//! RFC 9293 §3.9.1.2, §3.9.1.3: the PUSH flag.

use faultwire_tcp::{Config, WhenHeld};

use crate::{open, profiles};

/// RFC 9293 §3.9.1.2 (MUST-60): one octet on an idle connection is on the wire at the same instant.
#[test]
fn one_octet_does_not_wait() {
    for config in profiles() {
        let (mut t, fd) = open(config);
        t.write(fd, 1).unwrap();
        t.expect("P. 1:2(1) ack 1");
        t.inject("+0.1 . 1:1(0) ack 2");
    }
}

/// RFC 9293 §3.9.1.2 (MUST-60), §3.8.6.2.1 (4) (MUST-38): a window too small to be worth a segment holds data back until
/// the override, which is between 0.1 and 1 s, and not for ever.
#[test]
fn data_does_not_wait_for_ever_for_a_better_window() {
    let config = Config::rfc();
    let WhenHeld::SendAfter(wait) = config.sending.when_held else { panic!("a time") };
    let wait = wait.as_millis();
    assert!((100..=1000).contains(&wait));
    let (mut t, fd) = open(config);
    t.inject(". 1:1(0) ack 1 win 100");
    t.write(fd, 200).unwrap();
    t.expect_nothing_for_ms(wait - 1);
    t.expect("+0.001 . 1:101(100) ack 1");
    t.inject("+0.1 . 1:1(0) ack 101 win 30000");
    t.expect("P. 101:201(100) ack 1");
    t.inject("+0.1 . 1:1(0) ack 201 win 30000");
}

/// RFC 9293 §3.9.1.2 (MUST-61): without a push flag every write is pushed: the last segment of what is queued carries PSH.
#[test]
fn the_last_segment_is_pushed() {
    let (mut t, fd) = open(Config::rfc());
    t.write(fd, 2500).unwrap();
    t.expect(". 1:1001(1000) ack 1");
    t.expect(". 1001:2001(1000) ack 1");
    // Nagle holds the rest.
    t.inject("+0.1 . 1:1(0) ack 2001");
    t.expect("P. 2001:2501(500) ack 1");
    t.inject("+0.1 . 1:1(0) ack 2501");
    t.write(fd, 1000).unwrap();
    t.expect("P. 2501:3501(1000) ack 1");
    t.inject("+0.1 . 1:1(0) ack 3501");
}

/// RFC 9293 §3.9.1.2 (MAY-16, SHLD-27): small writes while one is on its way wait, and leave together, pushed once.
#[test]
fn writes_that_wait_leave_together() {
    for config in profiles() {
        let (mut t, fd) = open(config);
        t.write(fd, 1).unwrap();
        t.expect("P. 1:2(1) ack 1");
        for _ in 0..10 {
            t.write(fd, 10).unwrap();
        }
        t.expect_nothing_for_ms(99);
        t.inject("+0.001 . 1:1(0) ack 2");
        t.expect("P. 2:102(100) ack 1");
        t.inject("+0.1 . 1:1(0) ack 102");
    }
}

/// RFC 9293 §3.9.1.3 (MAY-17): data is there for the user as soon as it arrives, pushed or not.
#[test]
fn a_push_tells_the_user_nothing() {
    for config in profiles() {
        for flags in [".", "P."] {
            let (mut t, fd) = open(config.clone());
            t.inject(&format!("{flags} 1:101(100) ack 1"));
            assert_eq!(t.read(fd, 1000), Ok(100));
            t.pass_ms(1000);
            t.forget_sent();
        }
    }
}

/// RFC 9293 §3.9.1.2 (SHLD-28): whatever the sizes of the writes, segments are full as long as the data suffices.
#[test]
fn segments_are_full() {
    for config in profiles() {
        let (mut t, fd) = open(config);
        t.write(fd, 300).unwrap();
        t.expect("P. 1:301(300) ack 1");
        for _ in 0..10 {
            t.write(fd, 299).unwrap();
        }
        t.write(fd, 10).unwrap();
        t.expect(". 301:1301(1000) ack 1");
        t.expect(". 1301:2301(1000) ack 1");
        t.expect("P. 2301:3301(1000) ack 1");
        t.inject("+0.1 . 1:1(0) ack 3301");
        assert_eq!(t.info(fd).unacknowledged, 0);
    }
}

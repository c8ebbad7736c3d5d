//! Opening drills: SYN cookies (RFC 4987), the user timeout option (RFC 5482), signed segments, SYN options sent again.

mod drill;

use drill::Drill;
use faultwire_base::Duration;
use faultwire_host::{DropReason, HostEvent};
use faultwire_tcp::{Config, State, SynCookiePolicy, UserTimeoutOption};

fn reasons(t: &Drill) -> Vec<DropReason> {
    let reason = |event: &HostEvent| match *event {
        HostEvent::Dropped { reason, .. } => Some(reason),
        _ => None,
    };
    t.told.iter().filter_map(reason).collect()
}

/// Linux with cookies for every SYN.
fn cookies() -> Drill {
    let mut config = Config::linux();
    config.handshake.syn_cookies = SynCookiePolicy::Always;
    let mut t = Drill::new(config);
    t.listen();
    t.pass_ms(1000);
    t
}

/// Without timestamps the MSS is all that comes back, rounded down to what a cookie can say; the SYN-ACK goes once.
#[test]
fn a_cookie_without_timestamps() {
    for (mss, used) in [(400, 536), (536, 536), (1299, 536), (1300, 1300), (1459, 1440), (9000, 1460)] {
        let mut t = cookies();
        t.inject(&format!("S 0:0(0) win 32792 <mss {mss},sackOK,nop,nop,nop,wscale 7>"));
        t.expect("S. 0:0(0) ack 1 <mss 1460>");
        assert_eq!(t.host.connections().count(), 0);
        t.expect_nothing_for_ms(100_000);
        t.inject(". 1:1(0) ack 1 win 20000");
        let fd = t.accept();
        let info = t.info(fd);
        assert_eq!((info.state, info.send_segment_size), (State::Established, used));
        assert!(!info.sack && info.window_scale.is_none() && info.rtt.is_none());
        t.inject("P. 1:101(100) ack 1 win 20000");
        t.expect(". 1:1(0) ack 101");
        assert_eq!(t.read(fd, 100), Ok(100));
    }
}

/// With timestamps their echo brings SACK and the window scale back (Linux `cookie_init_timestamp`).
#[test]
fn a_cookie_with_timestamps() {
    for (options, sack, scaled) in [
        ("mss 1460,sackOK,TS val 5 ecr 0,nop,wscale 7", true, true),
        ("mss 1460,nop,nop,TS val 5 ecr 0", false, false),
    ] {
        let mut t = cookies();
        t.inject(&format!("S 0:0(0) win 32792 <{options}>"));
        let syn_ack = t.expect("S. 0:0(0) ack 1 <...>");
        let (value, echo) = syn_ack.options.timestamps().unwrap();
        assert_eq!(echo, 5);
        t.mapping.set_timestamp(100, value);
        t.inject("+.02 P. 1:11(10) ack 1 win 300 <nop,nop,TS val 25 ecr 100>");
        let fd = t.accept();
        let info = t.info(fd);
        assert_eq!((info.sack, info.window_scale.is_some(), info.timestamps), (sack, scaled, true));
        assert_eq!(info.send_window, if scaled { 300 << 7 } else { 300 });
        t.expect(". 1:1(0) ack 11 <...>");
        assert_eq!(t.read(fd, 100), Ok(10), "the first data may bring the cookie");
    }
}

/// A cookie is good for one to two minutes, and what is none is answered as ever.
#[test]
fn a_cookie_ages() {
    for (wait, good) in [(118_999, true), (119_000, false)] {
        let mut t = cookies();
        t.inject("S 0:0(0) win 32792 <mss 1460>");
        t.expect("S. 0:0(0) ack 1 <mss 1460>");
        t.pass_ms(wait);
        t.inject(". 1:1(0) ack 1 win 20000");
        if good {
            t.accept();
        } else {
            t.expect("R 1:1(0) win 0");
        }
    }
    let mut t = cookies();
    t.inject("S 0:0(0) win 32792 <mss 1460>");
    t.expect("S. 0:0(0) ack 1 <mss 1460>");
    t.inject(". 1:1(0) ack 2 win 20000");
    t.expect("R 2:2(0) win 0");
}

/// Mode 1: cookies only when there are as many half-open connections as the backlog; then nobody is turned away.
#[test]
fn cookies_when_the_queue_is_full() {
    let mut t = Drill::new(Config::linux());
    t.listen();
    // As Linux 6.18 does: the queue holds one more than the backlog of 8.
    for _ in 0..9 {
        t.inject("S 0:0(0) win 32792 <mss 1460,sackOK,nop,nop>");
        t.expect("S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK>");
        t.new_peer();
    }
    t.inject("S 0:0(0) win 32792 <mss 1460,sackOK,nop,nop>");
    t.expect("S. 0:0(0) ack 1 <mss 1460>");
    t.inject("+.01 . 1:1(0) ack 1 win 20000");
    t.accept();
    assert_eq!(t.state(), State::Established);
}

fn with_timeout(advertised: u64) -> Config {
    let mut config = Config::rfc();
    config.options.timestamps = false;
    config.options.sack = false;
    config.options.window_scaling = false;
    config.handshake.user_timeout_option = Some(UserTimeoutOption {
        advertised: Duration::from_secs(advertised),
        lower: Duration::from_secs(100),
        upper: Duration::from_secs(7200),
    });
    config
}

/// RFC 5482 §3.1 and §3.2: the SYN and the segment after it tell our timeout, and the longer of both holds.
#[test]
fn user_timeouts_are_told() {
    let mut t = Drill::new(with_timeout(300));
    let fd = t.connect();
    t.expect("S 0:0(0) <mss 1460,kind 28 012c>");
    t.inject("+.1 S. 0:0(0) ack 1 win 20000 <mss 1000,kind 28 8007>");
    t.expect(". 1:1(0) ack 1 <kind 28 012c>");
    t.write(fd, 100).unwrap();
    t.expect("P. 1:101(100) ack 1");
    let sent_at = t.now;
    // Seven minutes.
    t.pass(Duration::from_secs(420) - Duration::from_nanos(1));
    assert_eq!(t.error(fd), None);
    t.pass(Duration::from_nanos(1));
    assert_eq!(t.now, sent_at + Duration::from_secs(420));
    assert_eq!(t.error(fd), Some(faultwire_host::Errno::TimedOut));
    t.forget_sent();
}

/// The passive end, whose first segment may have data: then that is shorter by the option.
#[test]
fn user_timeouts_are_told_by_listeners() {
    let mut t = Drill::new(with_timeout(40));
    t.listen();
    t.inject("S 0:0(0) win 20000 <mss 1000,kind 28 0032>");
    t.expect("S. 0:0(0) ack 1 <mss 1460,kind 28 0028>");
    t.inject("+.1 . 1:1(0) ack 1 win 20000");
    let fd = t.accept();
    // A full segment less four octets, and then one without the option.
    t.write(fd, 996).unwrap();
    t.expect("P. 1:997(996) ack 1 <kind 28 0028>");
    t.inject("+.1 . 1:1(0) ack 997 win 20000");
    t.write(fd, 1000).unwrap();
    t.expect("P. 997:1997(1000) ack 1");
    // 50 s would be the longer, but 100 s is the least.
    t.pass(Duration::from_secs(100) - Duration::from_nanos(1));
    assert_eq!(t.error(fd), None);
    t.pass(Duration::from_nanos(1));
    assert_eq!(t.error(fd), Some(faultwire_host::Errno::TimedOut));
    t.forget_sent();
}

/// A user's own timeout is not the peer's to change (CHANGEABLE), and without the setting the option says nothing.
#[test]
fn user_timeouts_that_do_not_count() {
    let mut t = Drill::new(with_timeout(300));
    let fd = t.active("mss 1000");
    t.host
        .set_option(t.now, fd, faultwire_host::SocketOption::UserTimeout(Some(Duration::from_secs(5))))
        .unwrap();
    t.inject("P. 1:11(10) ack 1 win 20000 <kind 28 8007>");
    t.write(fd, 100).unwrap();
    t.pass(Duration::from_secs(5));
    assert_eq!(t.error(fd), Some(faultwire_host::Errno::TimedOut));
    t.forget_sent();

    let mut t = Drill::new(Config::rfc());
    let fd = t.active("mss 1000,kind 28 0001");
    t.write(fd, 100).unwrap();
    t.pass(Duration::from_secs(2));
    assert_eq!(t.error(fd), None);
    t.forget_sent();
}

/// Linux drops what is signed when it has no key, and answers nothing, not even at a closed port. Elsewhere the option is
/// unknown and ignored (RFC 9293 §3.1, MUST-6).
#[test]
fn signed_segments() {
    const SIGNED: &str = "<nop,nop,kind 19 000102030405060708090a0b0c0d0e0f>";
    let mut t = Drill::new(Config::linux());
    let fd = t.passive("mss 1000");
    t.inject(&format!("+.1 P. 1:11(10) ack 1 win 20000 {SIGNED}"));
    t.new_peer();
    t.inject(&format!("S 0:0(0) win 20000 {SIGNED}"));
    t.local.set_port(9);
    t.inject("S 0:0(0) win 20000 <kind 29 0101000102030405060708090a0b>");
    assert_eq!(reasons(&t), [DropReason::UnexpectedSignature; 3]);
    t.expect_nothing();
    assert_eq!(t.peek(fd), Err(faultwire_host::Errno::WouldBlock));

    let mut t = Drill::new(Config::rfc());
    let fd = t.passive("mss 1000");
    t.inject(&format!("+.1 P. 1:11(10) ack 1 win 20000 {SIGNED}"));
    assert_eq!(t.read(fd, 10), Ok(10));
}

#[test]
fn signatures_are_refused_with_a_reason() {
    let refused = faultwire_host::SocketOption::parse("TCP_MD5SIG", 1).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "TCP_MD5SIG is refused: segments are not signed here (RFC 2385, RFC 5925); run without keys at both ends"
    );
}

/// SYNs sent again say the same, in every profile; by FreeBSD's `rexmit_drop_options` the fourth has only the MSS.
#[test]
fn options_of_repeated_syns() {
    let mut config = Config::rfc();
    for (from, last) in [(0, "<...>"), (3, "<mss 1460>")] {
        config.handshake.drop_options_at = from;
        let mut t = Drill::new(config.clone());
        t.connect();
        let first = t.expect("S 0:0(0) <...>");
        for wait in [1, 2] {
            let again = t.expect(&format!("+{wait} S 0:0(0) <...>"));
            let kinds = |segment: &faultwire_wire::Segment| segment.options.as_bytes().len();
            assert_eq!(kinds(&again), kinds(&first));
        }
        let fourth = t.expect(&format!("+4 S 0:0(0) {last}"));
        assert_eq!(
            fourth.options.as_bytes().len(),
            if from == 0 { first.options.as_bytes().len() } else { 4 }
        );
    }
}

/// RFC 5961 §3.2, in SYN-RECEIVED too, as Linux 6.18 does: a RST in the window, but not at its edge, is challenged.
#[test]
fn a_reset_in_the_window_of_syn_received() {
    for config in [Config::linux(), Config::rfc()] {
        let mut t = Drill::new(config);
        let listener = t.listen();
        t.inject("S 0:0(0) win 32792 <mss 1460>");
        t.expect("S. 0:0(0) ack 1 <mss 1460>");
        t.inject("+.01 R 100:100(0) win 0");
        t.expect(". 1:1(0) ack 1");
        assert_eq!(t.host.queue_lengths(listener), Ok((0, 1)));
        t.inject("+.01 R 1:1(0) win 0");
        assert_eq!(t.host.queue_lengths(listener), Ok((0, 0)));
    }
}

/// Linux: a repeated SYN gets the SYN-ACK again, but not twice in half a second, and then the timer starts anew.
#[test]
fn repeated_syns() {
    let mut t = Drill::new(Config::linux());
    t.listen();
    let syn = "S 0:0(0) win 32792 <mss 1460>";
    t.inject(syn);
    t.expect("S. 0:0(0) ack 1 <mss 1460>");
    t.inject(&format!("+.3 {syn}"));
    t.expect("S. 0:0(0) ack 1 <mss 1460>");
    t.inject(&format!("+.3 {syn}"));
    t.expect_nothing();
    t.expect("1.3 S. 0:0(0) ack 1 <mss 1460>");
}

//! How FreeBSD judges segments: the room of its buffer is its window, SYN cache, challenges, answers in SYN-RECEIVED.

mod drill;

use drill::Drill;
use faultwire_host::{Errno, How, SysctlValue, apply_sysctl};
use faultwire_tcp::{Config, State};

/// `rcv_wnd` is what there is room for, 65700 octets, although a window field without scale offers 65535.
#[test]
fn what_there_is_room_for_is_inside_the_window() {
    for (seq, challenged) in [(65_700, true), (65_701, false)] {
        let mut t = Drill::new(Config::freebsd());
        let _fd = t.passive("mss 1460");
        t.inject(&format!("+0.1 R {seq}:{seq}(0) win 0"));
        if challenged {
            t.expect(". 1:1(0) ack 1 win 65535");
        }
        t.expect_nothing_for_ms(1000);
    }
    for (seq, taken) in [(65_700, true), (65_701, false)] {
        let mut t = Drill::new(Config::freebsd());
        let _fd = t.passive("mss 1460,sackOK,eol,eol");
        t.inject(&format!("+0.1 P. {seq}:{}(1) ack 1 win 500", seq + 1));
        let sack = if taken { " <nop,nop,sack 65700:65701>" } else { "" };
        t.expect(&format!(". 1:1(0) ack 1 win 65535{sack}"));
    }
}

/// `tcp_output` rounds the window up to the scale, `tcp_respond` down: a challenge ACK, TIME-WAIT.
#[test]
fn windows_of_both_kinds_of_answers() {
    let mut t = Drill::new(Config::freebsd());
    let fd = t.passive("mss 1460,nop,wscale 7");
    t.inject("+0.1 S 1:1(0)! win 500");
    t.expect(". 1:1(0) ack 1 win 1026");
    t.inject("+0.1 . 1:1(0) ack 2 win 500");
    t.expect(". 1:1(0) ack 1 win 1027");
    t.shutdown(fd, How::Write).unwrap();
    t.expect("F. 1:1(0) ack 1 win 1027");
    t.inject("+0.1 F. 1:1(0) ack 2 win 500");
    t.expect(". 2:2(0) ack 2 win 1027");
    t.inject("+0.1 F. 1:1(0) ack 2 win 500");
    t.expect(". 2:2(0) ack 2 win 1026");
}

/// A segment without the timestamps that were agreed on is dropped before anything is looked at, but a RST.
#[test]
fn without_timestamps() {
    let mut t = Drill::new(Config::freebsd());
    let fd = t.passive("mss 1460,nop,nop,TS val 7 ecr 0");
    t.inject("+0.1 S 1:1(0)! win 500");
    t.inject("+0.1 P. 1:11(10) ack 1 win 500");
    t.expect_nothing_for_ms(1000);
    t.inject("R 1:1(0) win 0");
    assert_eq!(t.error(fd), Some(Errno::ConnectionReset));
}

/// `syncache_expand`: outside the window a challenge ACK with the window of the SYN-ACK, unscaled; a wrong acknowledgment
/// gets a RST, and the entry stays.
#[test]
fn the_syn_cache_judges_acks() {
    let mut t = Drill::new(Config::freebsd());
    t.listen();
    t.inject("S 0:0(0) win 1000 <mss 1460,nop,wscale 7>");
    t.expect("S. 0:0(0) ack 1 win 65535 <mss 1460,nop,wscale 6>");
    t.inject("+0.1 . 0:0(0) ack 1 win 500");
    t.expect(". 1:1(0) ack 1 win 65535");
    t.inject("+0.1 . 65536:65536(0) ack 1 win 500");
    t.expect(". 1:1(0) ack 1 win 65535");
    t.inject("+0.1 . 1:1(0) ack 2 win 500");
    t.expect("R 2:2(0) win 0");
    t.inject("+0.1 . 1:1(0) ack 1 win 500");
    t.accept();
}

/// `syncache_add` counts the SYN-ACK from the first again, and forgets timestamps that the SYN has no more.
#[test]
fn a_repeated_syn_begins_anew() {
    let mut t = Drill::new(Config::freebsd());
    t.listen();
    t.inject("S 0:0(0) win 1000 <mss 1460,nop,nop,TS val 7 ecr 0>");
    t.expect("S. 0:0(0) ack 1 <mss 1460,nop,nop,TS val 100 ecr 7>");
    t.expect("+1.0 S. 0:0(0) ack 1 <mss 1460,nop,nop,TS val 1100 ecr 7>");
    t.inject("+0.2 S 0:0(0) win 1000 <mss 1460,nop,nop,TS val 9 ecr 0>");
    t.expect("S. 0:0(0) ack 1 <mss 1460,nop,nop,TS val 1300 ecr 9>");
    t.expect("+1.0 S. 0:0(0) ack 1 <mss 1460,nop,nop,TS val 2300 ecr 9>");
    t.inject("+0.2 S 0:0(0) win 1000 <mss 1460>");
    t.expect("S. 0:0(0) ack 1 <mss 1460>");
    t.expect("+1.0 S. 0:0(0) ack 1 <mss 1460>");
    t.expect("+2.2 S. 0:0(0) ack 1 <mss 1460>");
    t.expect("+4.2 S. 0:0(0) ack 1 <mss 1460>");
    t.expect_nothing_for_ms(10_000);
    assert_eq!(t.state(), State::Closed);
}

/// SYN-RECEIVED by simultaneous open: whatever is answered is answered by a SYN-ACK, a wrong acknowledgment by a RST with
/// timestamps.
#[test]
fn simultaneous_open() {
    let mut t = Drill::new(Config::freebsd());
    let fd = t.connect();
    let options = "mss 1460,nop,wscale 6,sackOK,TS val";
    t.expect(&format!("S 0:0(0) win 65535 <{options} 100 ecr 0>"));
    t.inject(&format!("+0.1 S 0:0(0) win 1000 <{options} 7 ecr 0>"));
    t.expect(&format!("S. 0:0(0) ack 1 win 65535 <{options} 200 ecr 7>"));
    t.inject(&format!("+0.1 S 0:0(0) win 1000 <{options} 8 ecr 0>"));
    t.expect(&format!("S. 0:0(0) ack 1 win 65535 <{options} 300 ecr 8>"));
    t.inject("+0.1 . 70000:70000(0) ack 1 win 500 <nop,nop,TS val 9 ecr 300>");
    t.expect(&format!("S. 0:0(0) ack 1 win 65535 <{options} 400 ecr 8>"));
    t.inject("+0.1 . 1:1(0) ack 2 win 500 <nop,nop,TS val 9 ecr 300>");
    t.expect("R 2:2(0) win 0 <nop,nop,TS val 500 ecr 8>");
    t.inject("+0.1 S. 0:0(0) ack 1 win 500 <mss 1460,nop,nop,TS val 9 ecr 300>");
    t.expect(". 1:1(0) ack 1 win 1027 <nop,nop,TS val 600 ecr 9>");
    assert_eq!(t.info(fd).state, State::Established);
}

/// `drop_synfin` is asked where there is a connection or a listener; a closed port answers, TIME-WAIT does not look.
#[test]
fn syn_and_fin() {
    let drop = || {
        Drill::with(Config::freebsd(), |host| {
            apply_sysctl(host, "net.inet.tcp.drop_synfin", &SysctlValue::Integer(1)).unwrap();
        })
    };
    let mut t = drop();
    t.inject("SF 0:0(0) win 100 <mss 1460>");
    t.expect("R. 0:0(0)! ack 2 win 0");
    let mut t = drop();
    t.listen();
    t.inject("SF 0:0(0) win 100 <mss 1460>");
    t.inject("SF. 0:0(0) ack 5 win 100 <mss 1460>");
    t.expect("R 5:5(0)! win 0");
    t.inject("+0.1 S 0:0(0) win 100 <mss 1460>");
    t.expect("S. 0:0(0) ack 1 <...>");
    t.inject("+0.1 SF 0:0(0) win 100 <mss 1460>");
    t.expect_nothing();
    t.inject("+0.1 . 1:1(0) ack 1 win 500");
    t.accept();
    t.inject("+0.1 SF 1:1(0) win 100 <mss 1460>");
    t.expect_nothing_for_ms(1000);
}

/// A segment that is longer than ours may be is acknowledged at once: without MSS options that is 536.
#[test]
fn a_long_segment_is_acknowledged_at_once() {
    let mut t = Drill::new(Config::freebsd());
    let _fd = t.passive("nop");
    t.inject("+0.1 P. 1:537(536) ack 1 win 500");
    t.expect("+0.04 . 1:1(0) ack 537");
    t.inject("+0.1 P. 537:1074(537) ack 1 win 500");
    t.expect(". 1:1(0) ack 1074");
}

/// No MSS counts as less than 216, and 0 as none.
#[test]
fn small_segment_sizes() {
    for (offered, size) in [(100, 216), (216, 216), (300, 300), (0, 536)] {
        let mut t = Drill::new(Config::freebsd());
        let fd = t.passive(&format!("mss {offered}"));
        assert_eq!(t.info(fd).send_segment_size, size);
    }
}

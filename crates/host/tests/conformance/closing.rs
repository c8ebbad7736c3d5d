//! RFC 9293 §3.5.3, §3.6, §3.6.1: the end of a connection.

use faultwire_host::{Errno, How, SocketOption};
use faultwire_tcp::{Config, State};

use crate::drill::Drill;
use crate::{ms, open, profiles};

/// RFC 9293 §3.6 (MUST-12): a FIN is the end of the stream, a RST and silence are errors, each its own.
#[test]
fn the_user_is_told_how_it_ended() {
    for config in profiles() {
        let (mut t, fd) = open(config.clone());
        t.inject("F. 1:1(0) ack 1");
        t.expect(". 1:1(0) ack 2");
        assert_eq!((t.read(fd, 10), t.error(fd)), (Ok(0), None));

        let (mut t, fd) = open(config.clone());
        t.inject("R 1:1(0) win 0");
        assert_eq!(t.read(fd, 10), Err(Errno::ConnectionReset));
        assert_eq!(t.read(fd, 10), Ok(0));

        let (mut t, fd) = open(config);
        t.setsockopt(fd, SocketOption::UserTimeout(Some(ms(5000))));
        t.write(fd, 10).unwrap();
        // Linux counts from the first timeout.
        t.pass_ms(5000 + 1000);
        t.forget_sent();
        assert_eq!(t.read(fd, 10), Err(Errno::TimedOut));
        assert_eq!(t.read(fd, 10), Ok(0));
    }
}

/// RFC 9293 §3.5.3 (SHLD-2): a RST with data resets, and the data is not delivered.
#[test]
fn a_reset_may_carry_data() {
    for config in profiles() {
        let (mut t, fd) = open(config);
        t.inject("R 1:11(10) win 0");
        assert_eq!(t.read(fd, 10), Err(Errno::ConnectionReset));
        assert_eq!(t.read(fd, 10), Ok(0));
        t.expect_nothing_for_ms(1000);
    }
}

/// RFC 9293 §3.6.1 (MAY-1, SHLD-3): after close the user can't read any more, and a peer that goes on sending is reset;
/// after shutdown it can.
#[test]
fn close_ends_both_directions_and_shutdown_one() {
    for config in profiles() {
        let (mut t, fd) = open(config.clone());
        t.close(fd);
        t.expect("F. 1:1(0) ack 1");
        t.inject("+0.1 . 1:1(0) ack 2");
        t.inject("+0.1 P. 1:101(100) ack 2");
        t.expect("R 2:2(0)");
        assert_eq!(t.read(fd, 10), Err(Errno::BadDescriptor));

        let (mut t, fd) = open(config);
        t.shutdown(fd, How::Write).unwrap();
        t.expect("F. 1:1(0) ack 1");
        t.inject("+0.1 . 1:1(0) ack 2");
        t.inject("+0.1 P. 1:101(100) ack 2");
        assert_eq!(t.read(fd, 1000), Ok(100));
        t.pass_ms(500);
        t.expect_any();
        assert_eq!(t.state(), State::FinWait2);
    }
}

/// RFC 9293 §3.6.1 (SHLD-3): a close with unread data resets at once; FreeBSD sends a FIN, and resets what still comes.
#[test]
fn close_with_unread_data() {
    for config in [Config::rfc(), Config::linux()] {
        let (mut t, fd) = open(config);
        t.inject("P. 1:101(100) ack 1");
        t.pass_ms(500);
        t.forget_sent();
        t.close(fd);
        let packet = t.expect_any();
        let faultwire_wire::Body::Tcp(segment) = packet.body else { panic!("not a segment") };
        assert!(segment.flags.contains(faultwire_wire::Flags::RST));
        assert_eq!(t.state(), State::Closed);
        t.expect_nothing_for_ms(10_000);
    }
}

/// A connection in TIME-WAIT: we closed first. Its next numbers are 2 both ways.
fn in_time_wait(config: Config, stamps: bool) -> Drill {
    let mut t = Drill::new(config);
    let options = if stamps { "mss 1000,nop,nop,TS val 1000 ecr 0" } else { "mss 1000" };
    let fd = t.passive(options);
    t.pass_ms(100);
    t.close(fd);
    t.expect("F. 1:1(0) ack 1 <...>");
    let written = if stamps { " <nop,nop,TS val 1300 ecr 300>" } else { "" };
    t.inject(&format!("+0.1 F. 1:1(0) ack 2{written}"));
    t.expect(". 2:2(0) ack 2 <...>");
    assert_eq!(t.state(), State::TimeWait);
    t
}

/// RFC 9293 §3.6.1 (MUST-13): TIME-WAIT takes 2 MSL, to the nanosecond: 240 s by the letter, 60 s on Linux.
#[test]
fn time_wait_takes_two_msl() {
    for (config, seconds) in [(Config::rfc(), 240), (Config::linux(), 60)] {
        let mut t = in_time_wait(config, false);
        t.pass(ms(seconds * 1000) - faultwire_base::Duration::from_nanos(1));
        assert_eq!(t.state(), State::TimeWait);
        t.pass(faultwire_base::Duration::from_nanos(1));
        assert_eq!(t.state(), State::Closed);
        t.expect_nothing();
        // Nobody remembers the connection.
        t.inject(". 2:2(0) ack 2");
        t.expect("R 2:2(0)");
    }
}

/// RFC 9293 §3.6.1 (MAY-2): without timestamps a SYN above all old numbers opens a new connection, whose numbers are
/// above all of ours; one below does not.
#[test]
fn a_higher_syn_leaves_time_wait() {
    for config in profiles() {
        let mut t = in_time_wait(config.clone(), false);
        let mut syn = t.written(". 3:3(0) ack 0 win 1000");
        let (last, recent) = (t.mapping.local(2), segment(&syn).seq);
        turn_into_syn(&mut syn);
        t.inject_packet(syn);
        let reply = t.expect_any();
        let answer = segment(&reply);
        assert_eq!((show(answer), answer.ack), ("S.".into(), recent + 1));
        assert!(answer.seq.after(last), "{:?} {last:?}", answer.seq);

        let mut t = in_time_wait(config, false);
        let mut syn = t.written(". 1:1(0) ack 0 win 1000");
        turn_into_syn(&mut syn);
        t.inject_packet(syn);
        if let Some(reply) = t.try_expect_any() {
            assert_eq!(show(segment(&reply)), ".");
        }
        assert_eq!(t.state(), State::TimeWait);
        t.forget_sent();
    }
}

/// RFC 9293 §3.6.1 (SHLD-4), RFC 6191 §2: with timestamps a SYN with a newer one opens a new connection whatever its
/// number is, and one with an older does not. FreeBSD goes by the number alone.
#[test]
fn a_newer_timestamp_leaves_time_wait() {
    for config in [Config::rfc(), Config::linux()] {
        for (place, value, opens) in [(1, 1301, true), (100_000, 1299, false), (3, 1300, true)] {
            let mut t = in_time_wait(config.clone(), true);
            let line = format!(". {place}:{place}(0) ack 0 win 1000 <mss 1000,nop,nop,TS val {value} ecr 0>");
            let mut syn = t.written(&line);
            turn_into_syn(&mut syn);
            t.inject_packet(syn);
            let answer = t.try_expect_any().map(|packet| show(segment(&packet)));
            assert_eq!(answer.as_deref() == Some("S."), opens, "SYN {place} with {value}: {answer:?}");
            assert_eq!(t.state() == State::TimeWait, !opens);
            t.forget_sent();
        }
    }
}

fn segment(packet: &faultwire_wire::Packet) -> &faultwire_wire::Segment {
    match &packet.body {
        faultwire_wire::Body::Tcp(segment) => segment,
        other => panic!("not a segment: {other:?}"),
    }
}

fn show(segment: &faultwire_wire::Segment) -> String {
    crate::drill::mapping::show_flags(segment.flags)
}

fn turn_into_syn(packet: &mut faultwire_wire::Packet) {
    let faultwire_wire::Body::Tcp(segment) = &mut packet.body else { panic!("not a segment") };
    segment.flags = faultwire_wire::Flags::SYN;
    segment.ack = faultwire_wire::Seq(0);
}

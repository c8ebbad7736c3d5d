//! RFC 9293 §3.8.6: windows that close, shrink and stay closed.

use faultwire_host::Errno;
use faultwire_tcp::{Config, State};

use crate::{ms, open, profiles};

/// A host whose receive buffer holds that many octets, not growing.
fn small(mut config: Config, octets: u64) -> Config {
    config.buffers.receive = octets * config.buffers.receive_overhead;
    config.buffers.receive_max = config.buffers.receive;
    config
}

/// RFC 9293 §3.1 (MUST-1): a window above 32767 is a large one, not a negative one.
#[test]
fn the_window_has_no_sign() {
    let mut config = Config::rfc();
    config.congestion.initial_window = faultwire_tcp::InitialWindow::Segments(100);
    let (mut t, fd) = open(config);
    t.inject(". 1:1(0) ack 1 win 65535");
    t.write(fd, 100_000).unwrap();
    for n in 0..65 {
        t.expect(&format!(". {}:{}(1000) ack 1", n * 1000 + 1, n * 1000 + 1001));
    }
    t.expect_nothing();
    t.inject("+0.1 . 1:1(0) ack 65001 win 65535");
    t.forget_sent();
    t.abort(fd);
    t.forget_sent();
}

/// RFC 9293 §3.8.6, §3.8.6.1 (MUST-35, MUST-36, SHLD-29, SHLD-30): a window taken back to zero is probed as any other
/// closed one, first after one RTO, then at doubling intervals.
#[test]
fn a_window_taken_back_to_zero_is_probed() {
    let (mut t, fd) = open(Config::rfc());
    t.inject(". 1:1(0) ack 1 win 0");
    t.write(fd, 100).unwrap();
    t.expect("+1 . 1:2(1) ack 1");
    t.inject("+0.1 . 1:1(0) ack 1 win 0");
    t.expect("+1.9 . 1:2(1) ack 1");
    t.inject("+0.1 . 1:1(0) ack 1 win 0");
    t.expect("+3.9 . 1:2(1) ack 1");
    t.inject("+0.1 . 1:1(0) ack 1 win 1000");
    t.expect("P. 1:101(100) ack 1");
    t.inject("+0.1 . 1:1(0) ack 101 win 1000");
}

/// RFC 9293 §3.8.6 (MUST-34, SHLD-15, SHLD-16, MAY-7): the peer takes window back that is in use. Nothing new goes, old
/// data goes again, the first of it whole even if it ends beyond the edge.
#[test]
fn a_window_taken_back_in_use() {
    let (mut t, fd) = open(Config::rfc());
    t.write(fd, 3000).unwrap();
    t.expect(". 1:1001(1000) ack 1");
    t.expect(". 1001:2001(1000) ack 1");
    t.expect("P. 2001:3001(1000) ack 1");
    t.inject("+0.1 . 1:1(0) ack 1 win 500");
    t.write(fd, 1000).unwrap();
    t.expect("+0.9 . 1:1001(1000) ack 1");
    t.inject("+0.1 . 1:1(0) ack 1001 win 500");
    t.expect(". 1001:2001(1000) ack 1");
    t.inject("+0.1 . 1:1(0) ack 3001 win 500");
    t.expect_nothing();
    t.inject("+0.1 . 1:1(0) ack 3001 win 30000");
    t.expect("P. 3001:4001(1000) ack 1");
    t.inject("+0.1 . 1:1(0) ack 4001 win 30000");
}

/// RFC 9293 §3.8.6 (SHLD-17), §3.8.6.1 (MUST-37): as long as the peer answers the probes the connection lives, here for
/// an hour, with data outstanding beyond the edge that was taken back.
#[test]
fn a_window_taken_back_does_not_time_out() {
    for config in profiles() {
        let (mut t, fd) = open(config);
        t.write(fd, 2000).unwrap();
        t.pass_ms(100);
        t.inject(". 1:1(0) ack 1 win 0");
        for _ in 0..360 {
            t.pass(ms(10_000));
            t.forget_sent();
            t.inject(". 1:1(0) ack 1 win 0");
        }
        assert_eq!(t.state(), State::Established);
        t.inject(". 1:1(0) ack 2001 win 1000");
        assert_eq!(t.error(fd), None);
        t.forget_sent();
    }
}

/// RFC 9293 §3.4 (MUST-66): at a closed window a RST resets.
#[test]
fn a_reset_at_a_closed_window() {
    for config in profiles() {
        let (mut t, fd) = open(small(config, 2920));
        t.inject(". 1:1461(1460) ack 1");
        t.inject("P. 1461:2921(1460) ack 1");
        t.pass_ms(500);
        t.forget_sent();
        assert_eq!(t.info(fd).receive_window, 0);
        t.inject("R 2921:2921(0) win 0");
        assert_eq!(t.state(), State::Closed);
        t.expect_nothing();
        assert_eq!(t.read(fd, 2920), Ok(2920));
        assert_eq!(t.read(fd, 5000), Err(Errno::ConnectionReset));
    }
}

/// RFC 9293 §3.4 (MUST-66): at a closed window a segment with URG raises the urgent mark, although its data is refused.
#[test]
fn urgent_data_at_a_closed_window() {
    for config in profiles() {
        let (mut t, fd) = open(small(config, 2920));
        t.inject(". 1:1461(1460) ack 1");
        t.inject("P. 1461:2921(1460) ack 1");
        t.pass_ms(500);
        t.forget_sent();
        t.inject("UP. 2921:2931(10) ack 1 urg 10");
        t.expect(". 1:1(0) ack 2921 win 0");
        assert_eq!(t.host.urgent_remaining(fd), Ok(2930));
        assert_eq!(t.peek(fd), Ok(2920));
    }
}

/// RFC 9293 §3.8.6.1 (MAY-8), §3.8.6.2.2 (MUST-39): while nobody reads the window stays closed, for a day; small reads
/// open it by a full segment, not by what was read.
#[test]
fn the_window_stays_closed_while_nobody_reads() {
    // Linux reckons with what data costs (`linux_transfer.rs`).
    for config in profiles().into_iter().filter(|config| !config.buffers.receive_parts) {
        // FreeBSD takes what it has room for, offered or not.
        let takes_more = config.buffers.round_to_segments;
        let (mut t, fd) = open(small(config, 4000));
        for n in 0..4 {
            t.inject(&format!(". {}:{}(1000) ack 1", n * 1000 + 1, n * 1000 + 1001));
        }
        t.pass_ms(500);
        t.forget_sent();
        for _ in 0..24 {
            t.pass(ms(3_600_000));
            t.inject(". 4001:4002(1) ack 1");
            t.expect(". 1:1(0) ack 4001 win 0");
        }
        t.read(fd, 999).unwrap();
        t.expect_nothing_for_ms(1000);
        t.inject(". 4001:4002(1) ack 1");
        if takes_more {
            t.expect(". 1:1(0) ack 4002 win 0");
            t.read(fd, 3002).unwrap();
            t.expect(". 1:1(0) ack 4002 win 4000");
            continue;
        }
        t.expect(". 1:1(0) ack 4001 win 0");
        t.read(fd, 3001).unwrap();
        t.expect(". 1:1(0) ack 4001 win 4000");
    }
}

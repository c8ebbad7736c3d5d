//! Explicit congestion notification on the wire (RFC 3168 §6.1), per profile.

mod drill;

use drill::Drill;
use faultwire_host::{HostConfig, SysctlValue, apply_sysctl};
use faultwire_tcp::Config;

fn sysctls(settings: &'static [(&str, i64)]) -> impl FnOnce(&mut HostConfig) {
    move |config| {
        for &(name, value) in settings {
            apply_sysctl(config, name, &SysctlValue::Integer(value)).unwrap();
        }
    }
}

fn both() -> [Config; 2] {
    [Config::rfc(), Config::linux()]
}

/// RFC 3168 §6.1.1: SEW, S.E; a passive open agrees by default, and not with `tcp_ecn` 0.
#[test]
fn a_passive_open_agrees_when_asked() {
    for config in both() {
        let mut t = Drill::new(config.clone());
        t.listen();
        t.inject("SEW 0:0(0) win 32792 <mss 1000>");
        t.expect("[noecn] SE. 0:0(0) ack 1 <mss 1460>");
        t.inject("+0.05 . 1:1(0) ack 1 win 32792");
        let fd = t.accept();
        assert!(t.info(fd).ecn);
        assert_eq!(t.write(fd, 1000), Ok(1000));
        t.expect("[ect0] P. 1:1001(1000) ack 1");
        t.inject("+0.05 . 1:1(0) ack 1001 win 32792");

        let mut t = Drill::with(config, sysctls(&[("tcp_ecn", 0)]));
        t.listen();
        t.inject("SEW 0:0(0) win 32792 <mss 1000>");
        t.expect("[noecn] S. 0:0(0) ack 1 <mss 1460>");
        t.inject("+0.05 . 1:1(0) ack 1 win 32792");
        let fd = t.accept();
        assert!(!t.info(fd).ecn);
        assert_eq!(t.write(fd, 1000), Ok(1000));
        t.expect("[noecn] P. 1:1001(1000) ack 1");
        t.inject("+0.05 . 1:1(0) ack 1001 win 32792");
    }
}

/// RFC 3168 §6.1.1: neither ECE alone nor an unmarked SYN asks. Linux answers a SYN that is ECN-capable without ECE.
#[test]
fn a_passive_open_is_silent_unless_asked() {
    for (config, marked) in [(Config::rfc(), "SE."), (Config::linux(), "S.")] {
        for (syn, answer) in
            [("S", "S."), ("SE", "S."), ("SW", "S."), ("[ect0] SEW", marked), ("[ce] SEW", marked)]
        {
            let mut t = Drill::new(config.clone());
            t.listen();
            t.inject(&format!("{syn} 0:0(0) win 32792 <mss 1000>"));
            t.expect(&format!("[noecn] {answer} 0:0(0) ack 1 <mss 1460>"));
            t.inject("+0.05 . 1:1(0) ack 1 win 32792");
            t.accept();
        }
    }
}

/// RFC 3168 §6.1.1, `tcp_ecn` 1: the SYN asks, the SYN-ACK agrees or not; one that mirrors both flags does not.
#[test]
fn an_active_open_asks() {
    for config in both() {
        for (answer, mark) in [("SE.", "[ect0]"), ("S.", "[noecn]"), ("SEW.", "[noecn]")] {
            let mut t = Drill::with(config.clone(), sysctls(&[("tcp_ecn", 1)]));
            let fd = t.connect();
            t.expect("[noecn] SEW 0:0(0) <...>");
            t.inject(&format!("+0.1 {answer} 0:0(0) ack 1 win 32792 <mss 1000>"));
            t.expect("[noecn] . 1:1(0) ack 1");
            assert_eq!(t.write(fd, 1000), Ok(1000));
            t.expect(&format!("{mark} P. 1:1001(1000) ack 1"));
            t.inject("+0.1 . 1:1(0) ack 1001 win 32792");
        }
    }
}

/// RFC 3168 §6.1.1.1: the SYN sent again does not ask. The answer to the first one still counts.
#[test]
fn the_second_syn_is_plain() {
    for config in both() {
        let mut t = Drill::with(config.clone(), sysctls(&[("tcp_ecn", 1)]));
        let fd = t.connect();
        t.expect("SEW 0:0(0) <...>");
        t.expect("+1 S 0:0(0) <...>");
        t.inject("+0.1 S. 0:0(0) ack 1 win 32792 <mss 1000>");
        t.expect(". 1:1(0) ack 1");
        assert!(!t.info(fd).ecn);

        let mut t = Drill::with(config, sysctls(&[("tcp_ecn", 1), ("tcp_ecn_fallback", 0)]));
        let fd = t.connect();
        t.expect("SEW 0:0(0) <...>");
        t.expect("+1 SEW 0:0(0) <...>");
        t.inject("+0.1 SE. 0:0(0) ack 1 win 32792 <mss 1000>");
        t.expect(". 1:1(0) ack 1");
        assert!(t.info(fd).ecn);
    }
}

/// A connection with ECN, opened by the script.
fn marked(config: Config) -> (Drill, faultwire_host::Fd) {
    let mut t = Drill::new(config);
    t.listen();
    t.inject("SEW 0:0(0) win 32792 <mss 1000,sackOK,nop,nop>");
    t.expect("SE. 0:0(0) ack 1 <...>");
    t.inject("+0.05 . 1:1(0) ack 1 win 32792");
    let fd = t.accept();
    (t, fd)
}

/// RFC 3168 §6.1.3: ECE on every ACK from the mark to the CWR. Linux acknowledges the first mark and the CWR at once.
#[test]
fn marks_are_echoed_until_cwr() {
    let (mut t, fd) = marked(Config::linux());
    t.play(
        "+0.1 < [ect0] . 1:1001(1000) ack 1 win 32792
         +0   > [noecn] . 1:1(0) ack 1001
         +0.1 < [ce] . 1001:2001(1000) ack 1 win 32792
         +0   > [noecn] E. 1:1(0) ack 2001
         +0.1 < [ect0] . 2001:3001(1000) ack 1 win 32792
         +0   > [noecn] E. 1:1(0) ack 3001
         +0.1 < [ect0] W. 3001:4001(1000) ack 1 win 32792
         +0   > [noecn] . 1:1(0) ack 4001
         +0.1 < [ce] W. 4001:5001(1000) ack 1 win 32792
         +0   > [noecn] E. 1:1(0) ack 5001",
    );
    // Data carries the echo too.
    assert_eq!(t.write(fd, 500), Ok(500));
    t.expect("[ect0] PE. 1:501(500) ack 5001");
    t.inject("+0.1 [noecn] . 5001:5001(0) ack 501 win 32792");
    assert!(t.info(fd).ecn_seen);
}

/// RFC 3168 §6.1.3, with the RFC's delayed ACKs: a mark hastens nothing.
#[test]
fn marks_are_echoed_by_delayed_acks() {
    let (mut t, _) = marked(Config::rfc());
    t.play(
        "+0.1 < [ce] . 1:1001(1000) ack 1 win 32792
         +0.2 > [noecn] E. 1:1(0) ack 1001
         +0   < [ect0] W. 1001:2001(1000) ack 1 win 32792
         +0.2 > [noecn] . 1:1(0) ack 2001",
    );
}

/// RFC 3168 §6.1.4, §6.1.5: a mark on an ACK without data, or on data outside the window, counts for nothing.
#[test]
fn marks_that_do_not_count() {
    for config in both() {
        let (mut t, _) = marked(config);
        t.inject("+0.1 [ce] . 1:1(0) ack 1 win 32792");
        t.inject("+1 [ce] . 400001:401001(1000) ack 1 win 32792");
        t.expect("[noecn] . 1:1(0) ack 1");
    }
}

/// RFC 3168 §6.1.2: the echo of a mark halves the window once a round trip; the first new data after it says CWR.
#[test]
fn one_reduction_a_round_trip() {
    let config = Config {
        congestion: faultwire_tcp::CongestionConfig {
            initial_window: faultwire_tcp::InitialWindow::Segments(10),
            ..Config::rfc().congestion
        },
        // At once, where PRR (RFC 9937) would come down to it, and without probes of the tail.
        loss_recovery: faultwire_tcp::LossRecoveryConfig {
            reduction: faultwire_tcp::WindowReduction::AtOnce,
            tail_loss_probe: faultwire_tcp::TailLossProbe::Off,
            ..Config::rfc().loss_recovery
        },
        ..Config::rfc()
    };
    let (mut t, fd) = marked(config);
    assert_eq!(t.write(fd, 40_000), Ok(40_000));
    for segment in 0..10 {
        let start = segment * 1000 + 1;
        t.expect(&format!("[ect0] . {start}:{}(1000) ack 1", start + 1000));
    }
    t.inject("+0.1 E. 1:1(0) ack 1001 win 32792");
    let reduced = t.info(fd);
    assert_eq!((reduced.congestion_window, reduced.slow_start_threshold), (5000, Some(5000)));
    for ack in [2001, 3001, 4001, 5001] {
        t.inject(&format!("E. 1:1(0) ack {ack} win 32792"));
        assert_eq!(t.info(fd).congestion_window, 5000);
    }
    t.inject("E. 1:1(0) ack 6001 win 32792");
    t.expect("[ect0] W. 10001:11001(1000) ack 1");
    t.inject("E. 1:1(0) ack 7001 win 32792");
    t.expect("[ect0] . 11001:12001(1000) ack 1");
    assert_eq!(t.info(fd).delivered_marked, 7);
    t.inject("+0.1 E. 1:1(0) ack 10001 win 32792");
    for start in [12_001, 13_001, 14_001] {
        t.expect(&format!("[ect0] . {start}:{}(1000) ack 1", start + 1000));
    }
    assert_eq!(t.info(fd).congestion_window, 5000);
    // The CWR has arrived, and the echo that still comes is of a mark after it.
    t.inject("+0.1 E. 1:1(0) ack 11001 win 32792");
    assert_eq!(t.info(fd).congestion_window, 2500);
    t.forget_sent();
}

/// RFC 3168 §6.1.5: what is sent again is not ECN-capable, and a loss is announced by CWR on new data too (§6.1.2).
#[test]
fn retransmissions_are_not_capable() {
    for config in both() {
        let rto = if config == Config::rfc() { "+1" } else { "+0.25" };
        let mut config = config;
        config.loss_recovery.tail_loss_probe = faultwire_tcp::TailLossProbe::Off;
        let (mut t, fd) = marked(config);
        assert_eq!(t.write(fd, 1000), Ok(1000));
        t.expect("[ect0] P. 1:1001(1000) ack 1");
        t.expect(&format!("{rto} [noecn] P. 1:1001(1000) ack 1"));
        t.inject("+0.05 . 1:1(0) ack 1001 win 32792");
        assert_eq!(t.write(fd, 1000), Ok(1000));
        t.expect("[ect0] PW. 1001:2001(1000) ack 1");
        t.inject("+0.05 . 1:1(0) ack 2001 win 32792");
    }
}

/// IP_TOS of a TCP socket sets the DSCP only.
#[test]
fn the_user_sets_no_ecn_bits() {
    let (mut t, fd) = marked(Config::linux());
    t.setsockopt(fd, faultwire_host::SocketOption::TrafficClass(0x2b));
    assert_eq!(t.write(fd, 100), Ok(100));
    t.expect("(tos 0x2a) P. 1:101(100) ack 1");
    t.inject("+0.05 . 1:1(0) ack 101 win 32792");
    t.inject("+0.1 [ect0] P. 1:101(100) ack 101 win 32792");
    t.expect("(tos 0x28) . 101:101(0) ack 101");
}

/// Linux `tcp_ecn_withdraw_cwr`: a timeout that proves spurious is not announced (F-RTO, RFC 5682 §3.1 step 2).
#[test]
fn a_reduction_taken_back_is_not_announced() {
    let mut config = Config::linux();
    config.loss_recovery.tail_loss_probe = faultwire_tcp::TailLossProbe::Off;
    let (mut t, fd) = marked(config);
    assert_eq!(t.write(fd, 4000), Ok(4000));
    t.expect("[ect0] . 1:1001(1000) ack 1");
    t.expect("[ect0] P. 1001:2001(1000) ack 1");
    t.expect("[ect0] . 2001:3001(1000) ack 1");
    t.expect("[ect0] P. 3001:4001(1000) ack 1");
    t.expect("+0.25 [noecn] . 1:1001(1000) ack 1");
    t.inject("+0.05 . 1:1(0) ack 4001 win 32792");
    assert_eq!(t.write(fd, 1000), Ok(1000));
    t.expect("[ect0] P. 4001:5001(1000) ack 1");
    t.inject("+0.05 . 1:1(0) ack 5001 win 32792");
}

/// RFC 8985 §7.4.2: a probe that repaired a loss is announced like any other reduction.
#[test]
fn a_loss_repaired_by_a_probe_is_announced() {
    let (mut t, fd) = marked(Config::linux());
    assert_eq!(t.write(fd, 2000), Ok(2000));
    t.expect("[ect0] . 1:1001(1000) ack 1");
    t.expect("[ect0] P. 1001:2001(1000) ack 1");
    t.expect("* [noecn] P. 1001:2001(1000) ack 1");
    t.inject("+0.05 . 1:1(0) ack 2001 win 32792");
    assert_eq!(t.write(fd, 1000), Ok(1000));
    // Only an ACK beyond the probe, without a D-SACK, shows that there was a loss.
    t.expect("[ect0] P. 2001:3001(1000) ack 1");
    t.inject("+0.05 . 1:1(0) ack 3001 win 32792");
    assert_eq!(t.write(fd, 1000), Ok(1000));
    t.expect("[ect0] PW. 3001:4001(1000) ack 1");
    t.inject("+0.05 . 1:1(0) ack 4001 win 32792");
}

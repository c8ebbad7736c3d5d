//! Drills of what the kernels do in their own way: resets and losses in the handshake, acknowledgments, windows, memory.

mod drill;

use drill::Drill;
use faultwire_tcp::Config;

/// Linux (`tcp_validate_incoming`): a SYN below the window is answered by a challenge ACK like any other, and counts.
#[test]
fn a_syn_below_the_window_is_challenged() {
    let mut t = Drill::new(Config::linux());
    let fd = t.passive("mss 1000");
    t.inject("+1 P. 1:101(100) ack 1 win 32792");
    t.expect(". 1:1(0) ack 101");
    t.inject("+1 S 0:0(0) win 32792 <mss 1000>");
    t.expect(". 1:1(0) ack 101");
    assert_eq!(t.host.connections().next().unwrap().detail.as_ref().unwrap().counters.challenge_acks, 1);
    assert_eq!(t.read(fd, 100), Ok(100));
}

/// Linux (`tcp_init_transfer`): the initial window shrinks to one segment from the second lost SYN on; the letter of
/// RFC 5681 §3.1 has it at the first.
#[test]
fn the_first_window_after_lost_syns() {
    for (config, lost, window) in
        [(Config::linux(), 1, 10_000), (Config::linux(), 2, 1000), (Config::rfc(), 1, 1000)]
    {
        let mut t = Drill::new(config);
        let fd = t.connect();
        t.expect("S 0:0(0) <...>");
        for _ in 0..lost {
            t.pass_ms(1000);
            t.expect("S 0:0(0) <...>");
        }
        t.inject("+.1 S. 0:0(0) ack 1 win 32792 <mss 1000>");
        t.expect(". 1:1(0) ack 1");
        assert_eq!(t.info(fd).congestion_window, window);
        t.close(fd);
        t.forget_sent();
    }
}

/// Linux (`tcp_try_undo_spurious_syn`): the echo tells that the first SYN arrived.
#[test]
fn a_late_answer_to_the_first_syn() {
    let mut t = Drill::new(Config::linux());
    let fd = t.connect();
    let syn = t.expect("S 0:0(0) <...>");
    t.mapping.set_timestamp(100, syn.options.timestamps().unwrap().0);
    for _ in 0..2 {
        t.pass_ms(1000);
        t.expect("S 0:0(0) <...>");
    }
    t.inject("+.1 S. 0:0(0) ack 1 win 32792 <mss 1012,nop,nop,TS val 7 ecr 100>");
    t.expect(". 1:1(0) ack 1 <...>");
    assert_eq!(t.info(fd).congestion_window, 10_000);
    t.close(fd);
    t.forget_sent();
}

/// Linux (`tcp_init_metrics`): a handshake without a measurement leaves a timeout of three seconds.
#[test]
fn the_first_timeout_after_a_lost_syn() {
    let mut t = Drill::new(Config::linux());
    let fd = t.connect();
    t.expect("S 0:0(0) <...>");
    t.pass_ms(1000);
    t.expect("S 0:0(0) <...>");
    t.inject("+.1 S. 0:0(0) ack 1 win 32792 <mss 1000>");
    t.expect(". 1:1(0) ack 1");
    assert_eq!(t.write(fd, 100), Ok(100));
    t.expect("P. 1:101(100) ack 1");
    t.expect("+3 P. 1:101(100) ack 1");
    t.inject("+.1 . 1:1(0) ack 101 win 32792");
    t.close(fd);
    t.forget_sent();
}

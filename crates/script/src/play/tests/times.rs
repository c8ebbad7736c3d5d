use super::*;

/// The SYN-ACK comes at once.
fn syn_ack(time: &str) -> String {
    PASSIVE.replace("+0 > S.", &format!("{time} > S."))
}

/// A SYN is sent again one second after the first.
fn second_syn(time: &str) -> String {
    format!("{ACTIVE}{time} > S 0:0(0) <...>\n")
}

/// PACKETDRILL.md §3.5: 4 ms, or a share of the gap if that is more.
#[test]
fn the_tolerance_is_kept_to_the_nanosecond() {
    passes(&syn_ack("+.004"), &rfc());
    let (line, message) = fails(&syn_ack("+.004000001"), &rfc());
    assert_eq!(line, 6);
    assert!(
        message.contains("time: expected 0.054000001 (give or take 0.004000), it is 0.050000"),
        "{message}"
    );
}

#[test]
fn the_share_of_the_gap_counts_both_ways() {
    // 12.5 %: 8/9 s and an eighth of it are a second; 8/7 s less an eighth of it too.
    passes(&second_syn("+.888888889"), &rfc());
    fails(&second_syn("+.888888888"), &rfc());
    passes(&second_syn("+1.142857142"), &rfc());
    fails(&second_syn("+1.142857144"), &rfc());
}

#[test]
fn the_script_can_set_its_tolerance() {
    let with = |option: &str, time: &str| format!("{option}\n{}", syn_ack(time));
    passes(&with("--tolerance_usecs=75000", "+.075"), &rfc());
    fails(&with("--tolerance_usecs=75000", "+.0751"), &rfc());
    passes(&with("--tolerance_percent=100", "+.008"), &rfc());
}

#[test]
fn exact_means_to_the_nanosecond() {
    passes(&second_syn("+1"), &exact(rfc()));
    fails(&second_syn("+1.000000001"), &exact(rfc()));
    fails(&second_syn("+.999999999"), &exact(rfc()));
    fails(&format!("--tolerance_usecs=75000\n{}", syn_ack("+.01")), &exact(rfc()));
}

#[test]
fn strict_alone_leaves_the_tolerance() {
    passes(&syn_ack("+.004"), &strict(rfc()));
}

#[test]
fn ranges_and_any_time() {
    passes(&second_syn("+.9~+1.1"), &exact(rfc()));
    passes(&second_syn("+1~+1.1"), &exact(rfc()));
    fails(&second_syn("+1.000000001~+1.1"), &exact(rfc()));
    passes(&second_syn("0.9~1"), &exact(rfc()));
    fails(&second_syn("0.9~.999999999"), &exact(rfc()));
    passes(&second_syn("*"), &exact(rfc()));
    // What follows counts from the packet that came.
    passes(&format!("{}+2 > S 0:0(0) <...>\n", second_syn("*")), &exact(rfc()));
}

/// The base of a relative time is when the event before was over, not when it was due.
#[test]
fn a_relative_time_counts_from_what_happened() {
    passes(&format!("{}+2 > S 0:0(0) <...>\n", second_syn("+.95")), &rfc());
    let text = format!("{}+0 %{{ assert True }}%\n+0 close(3) = 0\n", second_syn("+.95"));
    assert_eq!(played(&text, &rfc()).virtual_time, Duration::from_secs(1));
}

#[test]
fn packets_of_the_peer_in_a_row_keep_their_distances() {
    // The SYN-ACK is 3 ms early, so the first event after it is at 1.050; the second one is 10 ms after the first.
    let text = format!("{PASSIVE}+.01 < . 1:1(0) ack 1 win 100\n+.01 < . 1:1(0) ack 1 win 100\n");
    assert_eq!(played(&text, &rfc()).virtual_time, Duration::from_millis(100));
}

/// PACKETDRILL.md §3.5: an absolute time that has passed is a failure.
#[test]
fn an_event_can_be_too_late() {
    let text = second_syn("*") + ".8 < S. 0:0(0) ack 1 win 1000 <mss 1000>\n";
    let (line, message) = fails(&text, &rfc());
    assert_eq!(line, 6);
    assert!(message.contains("time: expected 0.800000"), "{message}");
}

/// The wait for a packet is the gap in whole seconds and two more.
#[test]
fn the_wait_for_a_packet_ends() {
    // Nothing comes after the handshake: the queue is empty at once.
    let text = format!("{PASSIVE}+.5 > . 1:1(0) ack 1\n");
    let (line, message) = fails(&text, &rfc());
    assert_eq!(line, 9);
    assert!(message.contains("nothing was sent until 2.080000"), "{message}");
}

/// Ties: a timer of the stack that is due when a packet arrives runs first.
#[test]
fn a_timer_due_now_runs_before_an_arrival() {
    let text = format!(
        "{ACTIVE}+1 < S. 0:0(0) ack 1 win 1000 <mss 1000>
+0 > S 0:0(0) <...>
+0 > . 1:1(0) ack 1
"
    );
    passes(&text, &exact(strict(rfc())));
}

/// A packet that was sent while the script waited for something else is judged by its own time.
#[test]
fn a_packet_sent_earlier_has_its_own_time() {
    let text = format!(
        "--tolerance_usecs=50000\n{ACTIVE}+1.05 getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0
+0 > S 0:0(0) <...>
"
    );
    passes(&text, &rfc());
    let (_, message) = fails(&text, &exact(rfc()));
    assert!(message.contains("time: expected 1.050000 exactly, it is 1.000000"), "{message}");
}

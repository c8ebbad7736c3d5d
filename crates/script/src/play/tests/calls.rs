use super::*;

/// PACKETDRILL.md §3.6: a call that blocks starts and returns at its times, and the script goes on meanwhile.
#[test]
fn a_blocking_call_returns_when_its_time_has_come() {
    let text = |end: &str| {
        format!(
            "{PASSIVE}+0...{end} read(4, ..., 1000) = 500
+.2 < P. 1:501(500) ack 1 win 32000
+.2 > . 1:1(0) ack 501
"
        )
    };
    passes(&text("0.2"), &exact(rfc()));
    fails(&text("0.200000001"), &exact(rfc()));
    // 12.5 % of the gap, which is from its start to its return.
    passes(&text("0.22"), &rfc());
    let (line, message) = fails(&text("0.24"), &rfc());
    assert_eq!(line, 9);
    assert!(message.contains("time of its return: expected 0.320000"), "{message}");
}

#[test]
fn what_a_blocking_call_returns_is_compared() {
    let text = format!("{PASSIVE}+0...0.2 read(4, ..., 1000) = 400\n+.2 < P. 1:501(500) ack 1 win 32000\n");
    assert_eq!(fails(&text, &rfc()).0, 9);
}

#[test]
fn a_call_that_does_not_return_is_a_failure() {
    let text = format!("{PASSIVE}+0...0.2 read(4, ..., 1000) = 500\n");
    let (line, message) = fails(&text, &rfc());
    assert_eq!(line, 9);
    assert!(message.contains("the call has not returned"), "{message}");
}

/// A call after one that waits gives it one second.
#[test]
fn a_second_call_waits_for_the_first() {
    let text = |time: &str| {
        format!(
            "{ACTIVE}+0 fcntl(3, F_SETFL, O_RDWR) = 0
+0 < S. 0:0(0) ack 1 win 20000 <mss 1000>
+0 > . 1:1(0) ack 1
+0...{time} read(3, ..., 1000) = 0
+0 shutdown(3, SHUT_RD) = 0
"
        )
    };
    let (line, message) = fails(&text("2"), &rfc());
    assert_eq!(line, 8, "{message}");
}

/// PACKETDRILL.md §7.2.
#[test]
fn a_call_may_differ_if_the_script_says_so() {
    let text = format!("{PASSIVE}+0 read(4, ..., 1000) = -1 EBADF\n+.1 < R. 1:1(0) ack 1 win 1\n");
    let text = text
        .replace("+0 read", "+0 shutdown(4, SHUT_WR) = 7\n+0 > F. 1:1(0) ack 1\n+0 getsockopt")
        .replace("getsockopt(4, ..., 1000) = -1 EBADF", "getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 0");
    assert_eq!(fails(&text, &rfc()).0, 9);
    passes(&format!("--non_fatal=syscall\n{text}"), &rfc());
    assert_eq!(fails(&format!("--non_fatal=packet\n{text}"), &rfc()).0, 10);
}

/// A plain call that blocks is waited for, as the original does.
#[test]
fn a_plain_call_waits_too() {
    let text = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 connect(3, ..., ...) = -1 ETIMEDOUT
";
    let report = played(text, &rfc());
    assert_eq!(report.verdict, Verdict::Pass, "{}", report.ladder);
    assert!(report.virtual_time > Duration::from_secs(30));
}

//! Small scripts against real stacks, for each rule a script that follows it and one that does not.

mod broken;
mod calls;
mod packets;
mod times;

use super::*;
use crate::syntax::parse;

fn played(text: &str, settings: &Settings) -> Report {
    let script = parse(text, &settings.defines, None).unwrap_or_else(|error| panic!("{error}"));
    play(&script, settings)
}

fn linux() -> Settings {
    Settings { profile: Some(Profile::Linux), ..Settings::default() }
}

#[track_caller]
fn passes(text: &str, settings: &Settings) {
    let report = played(text, settings);
    assert_eq!(report.verdict, Verdict::Pass, "\n{}", report.ladder);
}

/// The line and the message of the failure.
#[track_caller]
fn fails(text: &str, settings: &Settings) -> (u32, String) {
    let report = played(text, settings);
    match report.verdict {
        Verdict::Fail(finding) => (finding.line, finding.message),
        other => panic!("{other:?}\n{}", report.ladder),
    }
}

const PASSIVE: &str = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
+0 bind(3, ..., ...) = 0
+0 listen(3, 8) = 0
+.05 < S 0:0(0) win 32000 <mss 1200>
+0 > S. 0:0(0) ack 1 <...>
+.03 < . 1:1(0) ack 1 win 32000
+0 accept(3, ..., ...) = 4
";

#[test]
fn a_handshake_and_data_both_ways() {
    let text = format!(
        "{PASSIVE}+0.010 < P. 1:401(400) ack 1 win 32000
+0 read(4, ..., 4096) = 400
+0 write(4, ..., 700) = 700
+0 > P. 1:701(700) ack 401
+.03 < F. 401:401(0) ack 701 win 32000
+0 > . 701:701(0) ack 402
+0 read(4, ..., 4096) = 0
+.1 close(4) = 0
+0 > F. 701:701(0) ack 402
+.03 < . 402:402(0) ack 702 win 32000
"
    );
    passes(&text, &rfc());
}

fn rfc() -> Settings {
    Settings { profile: Some(Profile::Rfc), ..Settings::default() }
}

fn freebsd() -> Settings {
    Settings { profile: Some(Profile::Freebsd), ..Settings::default() }
}

fn strict(settings: Settings) -> Settings {
    Settings { strict: true, ..settings }
}

fn exact(settings: Settings) -> Settings {
    Settings { exact: true, ..settings }
}

const ACTIVE: &str = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS (handshake started)
+0 > S 0:0(0) <...>
";

/// PACKETDRILL.md §10, first and second.
#[test]
fn lost_syns_then_an_initial_window() {
    let text = format!(
        "{ACTIVE}+1 > S 0:0(0) <...>
+2 > S 0:0(0) <...>
+.08 < S. 0:0(0) ack 1 win 20000 <mss 1000>
+0 > . 1:1(0) ack 1
+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0
+0 write(3, ..., 1500) = 1500
+0 > . 1:1001(1000) ack 1
+.08 < . 1:1(0) ack 1001 win 20000
+0 > P. 1001:1501(500) ack 1
+.08 < . 1:1(0) ack 1501 win 20000
"
    );
    passes(&text, &exact(strict(rfc())));
}

#[test]
fn holes_sack_order_and_duplicates_at_the_receiver() {
    let text = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 30000 <mss 1000,sackOK,eol,eol>
+0 > S. 0:0(0) ack 1 <...>
+.02 < . 1:1(0) ack 1 win 30000
+0 accept(3, ..., ...) = 4
+.01 < . 1001:2001(1000) ack 1 win 30000
+0 > . 1:1(0) ack 1 <nop,nop,sack 1001:2001>
+.01 < . 3001:4001(1000) ack 1 win 30000
+0 > . 1:1(0) ack 1 <nop,nop,sack 3001:4001 1001:2001>
+.01 < . 1:1001(1000) ack 1 win 30000
+0 > . 1:1(0) ack 2001 <nop,nop,sack 3001:4001>
+.01 < . 1:1001(1000) ack 1 win 30000
+0 > . 1:1(0) ack 2001 <nop,nop,sack 1:1001 3001:4001>
+.01 < . 2001:3001(1000) ack 1 win 30000
+0 > . 1:1(0) ack 4001
+0 recv(4, ..., 8192, MSG_PEEK) = 4000
";
    passes(text, &exact(strict(rfc())));
    let (line, message) = fails(&text.replace("3001:4001 1001:2001", "1001:2001 3001:4001"), &rfc());
    assert_eq!(line, 11);
    assert!(
        message.contains(
            "options: expected <nop,nop,sack 1001:2001 3001:4001>, they are <nop,nop,sack 3001:4001 1001:2001>"
        ),
        "{message}"
    );
}

#[test]
fn a_blind_reset_is_challenged_and_an_exact_one_resets() {
    let text = format!(
        "{PASSIVE}+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+.1 < R 2000:2000(0) win 0
+0 > . 1:1(0) ack 1
+0 %{{ assert tcpi_state == TCP_ESTABLISHED, tcpi_state }}%
+1 < R 1:1(0) win 0
+0 read(4, ..., 100) = -1 ECONNRESET (reset by the exact sequence)
+0 close(4) = 0
"
    );
    for settings in [rfc(), linux(), freebsd()] {
        passes(&text, &exact(strict(settings)));
    }
    let wrong = text.replace("tcpi_state == TCP_ESTABLISHED", "tcpi_state == TCP_CLOSE");
    assert_eq!(fails(&wrong, &linux()).0, 12);
}

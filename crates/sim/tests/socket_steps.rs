//! Steps that use socket options and flags, and expectations on `tcp_info`: what they do in a run, and what is refused.

use faultwire_sim::experiment::{Overrides, parse};
use faultwire_sim::output::Trace;
use faultwire_sim::report::{CaseReport, Outcome};
use faultwire_sim::run::{Judging, run_case};

/// A client and a server 50 ms apart, with these steps and expectations.
fn text(client: &str, server: &str, expect: &str) -> String {
    format!(
        r#"{{ "name": "x", "hosts": {{ "a": {{}}, "b": {{}} }},
            "links": [ {{ "name": "w", "between": ["a", "b"], "delay": "50ms" }} ],
            "apps": [
              {{ "name": "B", "on": "b", "listen": 80, "run": [ {{ "accept": "first" }}, {server} ] }},
              {{ "name": "A", "on": "a", "run": [ {{ "connect": "b:80", "as": "first" }}, {client} ] }} ],
            "expect": [ {expect} ] }}"#
    )
}

fn run(client: &str, server: &str, expect: &str) -> (CaseReport, Trace) {
    let text = text(client, server, expect);
    let experiment =
        parse(text.as_bytes(), "x", &Overrides::default()).unwrap_or_else(|error| panic!("{error}"));
    let mut trace = Trace::default();
    let report = run_case(&experiment.cases[0], Judging::default(), &mut trace).report;
    (report, trace)
}

fn problem(client: &str, expect: &str) -> String {
    let text = text(client, r#"{ "read": "eof" }"#, expect);
    parse(text.as_bytes(), "x", &Overrides::default()).unwrap_err().to_string()
}

/// `tcp_info` in the kernel's units at a time, before an arrival, and after it.
#[test]
fn info_at_a_moment() {
    let expect = r#"
        { "name": "just opened", "at": "a/first", "when": { "time": "100ms" },
          "info": { "state": "ESTABLISHED", "ca_state": "Open", "snd_cwnd": 10, "rtt": 100000, "unacked": 7,
                    "options": 7, "notsent_bytes": 0, "data_segs_out": 7, "last_data_sent": 0 } },
        { "name": "later", "at": "a/first", "when": { "time": "180ms" },
          "info": { "last_data_sent": 80, "last_ack_recv": 80, "bytes_acked": 0, "rto": { "min": 300000, "max": 400000 } } },
        { "name": "all acknowledged", "at": "a/first", "when": { "time": "1s" },
          "info": { "unacked": 0, "bytes_acked": 10000, "total_retrans": 0 } },
        { "name": "received", "at": "b/first", "when": { "time": "1s" }, "info": { "bytes_received": 10000 } }"#;
    let (report, _) = run(
        r#"{ "write": "10000B" }, { "sleep": "2s" }, { "close": "first" }"#,
        r#"{ "read": "eof" }, { "close": "first" }"#,
        expect,
    );
    assert_eq!(report.outcome, Outcome::Passed, "{:?}", report.expectations);
    let (report, _) = run(
        r#"{ "write": "10000B" }, { "sleep": "2s" }, { "close": "first" }"#,
        r#"{ "read": "eof" }, { "close": "first" }"#,
        r#"{ "name": "wrong", "at": "a/first", "when": { "time": "101ms" }, "info": { "snd_cwnd": 11 } }"#,
    );
    assert_eq!(report.failures.len(), 1);
    assert!(report.failures[0].contains("observed snd_cwnd 10"), "{:?}", report.failures);
}

/// Flags of writes reach the wire: a promise of more, the end of a record.
#[test]
fn flags_of_writes() {
    let (report, trace) = run(
        r#"{ "write": "100B", "more": true }, { "sleep": "1ms" }, { "write": "100B" }, { "sleep": "1ms" },
           { "write": "100B", "eor": true }, { "sleep": "1ms" }, { "write": "100B", "push": true }, { "close": "first" }"#,
        r#"{ "read": "400B", "peek": true }, { "read": "eof" }, { "close": "first" }"#,
        "",
    );
    assert_eq!(report.outcome, Outcome::Passed, "{:?}", report.apps);
    let lengths: Vec<u32> = trace
        .packets()
        .iter()
        .filter_map(|packet| match &packet.packet.body {
            faultwire_wire::Body::Tcp(segment) if !segment.payload.is_empty() => Some(segment.payload.len()),
            _ => None,
        })
        .collect();
    assert_eq!(lengths, [200, 100, 100]);
}

/// As in a kernel, a write sends before the next call is made: the FIN of a close goes on its own, and of several small
/// writes the first goes at once while the others wait for its ACK.
#[test]
fn a_write_goes_out_before_the_next_call() {
    let (report, trace) = run(
        r#"{ "write": "100B" }, { "write": "200B" }, { "write": "300B" }, { "close": "first" }"#,
        r#"{ "read": "eof" }, { "close": "first" }"#,
        "",
    );
    assert_eq!(report.outcome, Outcome::Passed, "{:?}", report.apps);
    let sent: Vec<(u32, bool)> = trace
        .packets()
        .iter()
        .filter_map(|packet| match &packet.packet.body {
            faultwire_wire::Body::Tcp(segment) if !segment.payload.is_empty() => {
                Some((segment.payload.len(), segment.flags.contains(faultwire_wire::Flags::FIN)))
            }
            _ => None,
        })
        .collect();
    assert_eq!(sent, [(100, false), (500, true)]);
}

/// Options are read back, and an app whose option has another value fails.
#[test]
fn options_are_checked() {
    let server = r#"{ "read": "eof" }, { "close": "first" }"#;
    let (report, _) = run(
        r#"{ "setsockopt": { "TCP_NODELAY": 1, "SO_SNDBUF": 21000 } },
           { "getsockopt": { "TCP_NODELAY": 1, "SO_SNDBUF": 42000, "SO_ERROR": "none" } }, { "close": "first" }"#,
        server,
        "",
    );
    assert_eq!(report.outcome, Outcome::Passed, "{:?}", report.apps);
    let (report, _) = run(r#"{ "getsockopt": { "TCP_NODELAY": 1 } }, { "close": "first" }"#, server, "");
    let detail = report.apps.iter().find(|app| app.name == "A").and_then(|app| app.detail.as_deref());
    assert_eq!(detail, Some("step 2 (getsockopt TCP_NODELAY, 1 wanted): it is 0"));
}

/// The levels of poll.
#[test]
fn levels() {
    let (report, _) = run(
        r#"{ "wait": "writable" }, { "write": "10B", "oob": true }, { "shutdown": "write" }, { "wait": "hangup" }, { "close": "first" }"#,
        r#"{ "wait": "priority" }, { "wait": "read_hangup" }, { "read": "eof" }, { "close": "first" }"#,
        "",
    );
    assert_eq!(report.outcome, Outcome::Passed, "{:?}", report.apps);
}

#[test]
fn mistakes() {
    let both = problem(r#"{ "write": "1B", "more": true, "push": true }"#, "");
    assert!(both.contains("leave one out"), "{both}");
    let peek = problem(r#"{ "read": "eof", "peek": true }"#, "");
    assert!(peek.contains("needs a size"), "{peek}");
    let name = problem(r#"{ "getsockopt": { "TCP_NODELY": 1 } }"#, "");
    assert!(name.contains("the nearest is TCP_NODELAY"), "{name}");
    let read_only = problem(r#"{ "setsockopt": { "SO_ERROR": 0 } }"#, "");
    assert!(read_only.contains("can only be read"), "{read_only}");
    let info = |fields: &str| {
        problem(
            r#"{ "close": "first" }"#,
            &format!(
                r#"{{ "name": "e", "at": "a/first", "when": {{ "time": "1s" }}, "info": {{ {fields} }} }}"#
            ),
        )
    };
    assert!(info(r#""snd_cwdn": 1"#).contains("snd_cwnd"), "{}", info(r#""snd_cwdn": 1"#));
    assert!(info(r#""ca_state": "Opened""#).contains("Open"));
    assert!(info("").contains("name a field"));
}

/// One ACK covers all of a full send buffer, and there is nothing to transmit: its writer is told of the room all the
/// same.
#[test]
fn a_writer_goes_on_when_its_buffer_is_empty() {
    let text = text(
        r#"{ "setsockopt": { "SO_SNDBUF": 2896 } }, { "write": "29200B" }, { "close": "first" }"#,
        r#"{ "read": "eof" }, { "close": "first" }"#,
        r#"{ "name": "all", "at": "b/first", "delivered": "29200B" }"#,
    )
    .replace(r#""a": {}"#, r#""a": { "stack": "rfc" }"#)
    .replace(r#""delay""#, r#""rate": "10Mbit", "delay""#);
    let experiment =
        parse(text.as_bytes(), "x", &Overrides::default()).unwrap_or_else(|error| panic!("{error}"));
    let report = run_case(&experiment.cases[0], Judging::default(), &mut Trace::default()).report;
    assert_eq!(report.outcome, Outcome::Passed, "{:?}", report.failures);
}

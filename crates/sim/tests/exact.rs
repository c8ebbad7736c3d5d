//! Times to the nanosecond through whole simulations: timer series, giving up, TIME-WAIT, delayed ACKs, serial links.

use faultwire_sim::experiment::{Overrides, parse};
use faultwire_sim::output::{Trace, TracedPacket};
use faultwire_sim::plan::Plan;
use faultwire_sim::report::{AppReport, CaseReport, ConnectionReport, Outcome};
use faultwire_sim::run::{Judging, run_case};
use faultwire_wire::{Body, Reason, Segment};

const SECOND: u64 = 1_000_000_000;
const MILLISECOND: u64 = 1_000_000;
const MINUTE: u64 = 60 * SECOND;
/// When runs end.
const END: u64 = 180 * MINUTE;

/// S09, O1: a SYN that nobody answers is sent again when the RTO has run out, which then doubles (RFC 6298 §5.5).
/// MUST-23: R2 of a SYN is at least three minutes.
#[test]
fn unanswered_syn_by_the_letter() {
    let run = unanswered_syn("rfc");
    assert_eq!(run.sent("a", syn), secs(&[0, 1, 3, 7, 15, 31, 63, 123]));
    assert_eq!(run.app("A").finished_ns, Some(183 * SECOND));
    assert!(run.app("A").finished_ns >= Some(180 * SECOND));
    assert_eq!(run.connection("a/first").error.as_deref(), Some("ETIMEDOUT"));
    assert_eq!(run.states("a/first"), [(0, "SYN_SENT"), (183 * SECOND, "CLOSED")]);
}

/// Linux: four linear timeouts, then six that double: the last wait, of 64 s, begins at 67 s.
#[test]
fn unanswered_syn_on_linux() {
    let run = unanswered_syn("linux");
    assert_eq!(run.sent("a", syn), secs(&[0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67]));
    assert_eq!(run.app("A").finished_ns, Some(131 * SECOND));
    assert_eq!(run.connection("a/first").error.as_deref(), Some("ETIMEDOUT"));
}

fn unanswered_syn(stack: &str) -> Run {
    Run::of(
        stack,
        r#""delay": "50ms""#,
        r#"{ "name": "A", "on": "a", "run": [ { "connect": "b:80", "as": "first", "fails": "ETIMEDOUT" } ] }"#,
        r#"{ "name": "hole", "on": "wire", "towards": "b", "match": { "kind": "syn" }, "do": "drop" }"#,
    )
}

/// S38, S40, O1: data that nobody acknowledges, R2 100 s after its first sending (RFC 9293 §3.8.3). The round trip of
/// the handshake, 100 ms, gives an RTO of 300 ms, and the letter's least is 1 s (RFC 6298 §2.4).
#[test]
fn unacknowledged_data_by_the_letter() {
    let run = unacknowledged_data("rfc", "50ms");
    let written = 1_100 * MILLISECOND;
    assert_eq!(run.sent("a", data), after(written, &secs(&[0, 1, 3, 7, 15, 31, 63])));
    assert_eq!(run.app("A").finished_ns, Some(written + 100 * SECOND));
    assert_eq!(run.states("a/first").last(), Some(&(written + 100 * SECOND, "CLOSED")));
}

/// S40: `tcp_retries2` 15 means 924.6 s, the time that 15 retransmissions with an RTO of 200 ms, doubling to at most
/// 120 s, and the wait after the last of them take. The connection ends at the first timeout that is not before that.
/// Without a delay the RTO is 200 ms and the one nanosecond that a round trip counts for at least.
#[test]
fn unacknowledged_data_on_linux() {
    let run = unacknowledged_data("linux", "0s");
    let series = doubling(200 * MILLISECOND + 1, 120 * SECOND, 16);
    assert_eq!(run.sent("a", data), after(SECOND, &[&[0], &series[..15]].concat()));
    let end = series[15];
    assert_eq!(end, 924_600 * MILLISECOND + 1_023, "2^10 - 1 times the nanosecond");
    assert_eq!(run.app("A").finished_ns, Some(SECOND + end));
    assert_eq!(run.connection("a/first").error.as_deref(), Some("ETIMEDOUT"));

    // A round trip of 100 ms: SRTT 100 ms, 4 * RTTVAR 200 ms. The fifteenth retransmission is at 873.3 s, before the
    // limit, and the next timeout 120 s later.
    let run = unacknowledged_data("linux", "50ms");
    let written = 1_100 * MILLISECOND;
    let series = doubling(300 * MILLISECOND, 120 * SECOND, 16);
    assert_eq!(run.sent("a", data), after(written, &[&[0], &series[..15]].concat()));
    assert_eq!(series[14..], [873_300 * MILLISECOND, 993_300 * MILLISECOND]);
    assert_eq!(run.app("A").finished_ns, Some(written + series[15]));
}

fn unacknowledged_data(stack: &str, delay: &str) -> Run {
    // Without tail loss probes (RFC 8985 §7), which would send the data once more and put the first timeout off.
    Run::of_hosts(
        &format!(
            r#""a": {{ "stack": "{stack}", "sysctl": {{ "tcp_early_retrans": 0 }} }}, "b": {{ "stack": "{stack}" }}"#
        ),
        &format!(r#""delay": "{delay}""#),
        r#"{ "name": "A", "on": "a", "run": [ { "connect": "b:80", "as": "first" }, { "sleep": "1s" },
             { "write": "100B" }, { "wait": "drained", "fails": "ETIMEDOUT" } ] },
           { "name": "B", "on": "b", "may_be_unfinished": true, "listen": 80, "run": [ { "accept": "first" }, { "read": "eof" } ] }"#,
        r#"{ "name": "hole", "on": "wire", "towards": "b", "match": { "kind": "data" }, "do": "drop" }"#,
    )
}

/// S44, S45, SHLD-29, SHLD-30: probes of a closed window, the first one RTO after it was seen to be closed, the gaps
/// doubling up to 60 s by the letter and 120 s on Linux, and for as long as they are answered (MUST-37).
#[test]
fn probes_of_a_closed_window() {
    for (stack, buffer, rto, cap) in
        [("rfc", 4_380, SECOND, MINUTE), ("linux", 8_760, 300 * MILLISECOND, 2 * MINUTE)]
    {
        let run = Run::of_hosts(
            &format!(
                r#""a": {{ "stack": "{stack}", "sysctl": {{ "tcp_timestamps": 0 }} }},
                   "b": {{ "stack": "{stack}", "sysctl": {{ "tcp_rmem": [4096, {buffer}, {buffer}] }} }}"#
            ),
            r#""delay": "50ms""#,
            r#"{ "name": "A", "on": "a", "may_be_unfinished": true, "run": [ { "connect": "b:80", "as": "first" },
                 { "write": "20000B" }, { "wait": "drained" } ] },
               { "name": "B", "on": "b", "may_be_unfinished": true, "listen": 80, "run": [ { "accept": "first" }, { "sleep": "2h" } ] }"#,
            "",
        );
        let closed = run.arrivals("a", |_, segment| segment.window == 0)[0];
        let mut expected = after(closed, &doubling(rto, cap, 200));
        if stack == "linux" {
            // The answer to a probe starts its interval anew (`tcp_ack_probe`): each gap but the first has a round trip more.
            for (number, probe) in expected.iter_mut().enumerate() {
                *probe += 100 * MILLISECOND * number as u64;
            }
        }
        expected.retain(|probe| *probe <= END);
        assert!(expected.len() < 200, "{} probes", expected.len());
        assert_eq!(run.sent("a", |packet, _| packet.packet.tag.reason == Reason::ZeroWindowProbe), expected);
        assert_eq!(run.connection("a/first").final_state, "ESTABLISHED");
    }
}

/// S18, RFC 9293 §3.6.1: 2 MSL, 240 s by the letter and 60 s on Linux.
#[test]
fn time_wait_lasts_two_msl() {
    for (stack, two_msl) in [("rfc", 240 * SECOND), ("linux", 60 * SECOND)] {
        let run = Run::of(
            stack,
            r#""delay": "50ms""#,
            r#"{ "name": "A", "on": "a", "run": [ { "connect": "b:80", "as": "first" }, { "close": "first" } ] },
               { "name": "B", "on": "b", "listen": 80, "run": [ { "accept": "first" }, { "read": "eof" }, { "close": "first" } ] }"#,
            "",
        );
        let entered = 200 * MILLISECOND;
        assert_eq!(run.states("a/first")[4..], [(entered, "TIME_WAIT"), (entered + two_msl, "CLOSED")]);
        assert_eq!(run.connection("a/first").time_wait_ns, two_msl);
    }
}

/// S17: the peer is gone without a word. Nine probes, the first after 7200 s of silence, then one each 75 s, and the end
/// 75 s after the last: 7875 s.
#[test]
fn keep_alive_finds_a_dead_peer() {
    for stack in ["rfc", "linux"] {
        let run = Run::of(
            stack,
            r#""delay": "50ms""#,
            r#"{ "name": "A", "on": "a", "may_be_unfinished": true, "run": [ { "connect": "b:80", "as": "first" }, { "read": "eof" } ] },
               { "name": "B", "on": "b", "listen": 80, "run": [ { "accept": "first" }, { "setsockopt": { "SO_KEEPALIVE": 1 } },
                 { "read": "eof", "fails": "ETIMEDOUT" } ] }"#,
            r#"{ "name": "dies", "on": "a", "at": "1s", "do": "crash" }"#,
        );
        let heard = 150 * MILLISECOND;
        let first = heard + 7_200 * SECOND;
        let probes: Vec<u64> = (0..9).map(|probe| first + probe * 75 * SECOND).collect();
        assert_eq!(run.sent("b", |packet, _| packet.packet.tag.reason == Reason::KeepAlive), probes);
        assert_eq!(run.app("B").finished_ns, Some(heard + 7_875 * SECOND));
        assert_eq!(run.states("b/first").last(), Some(&(heard + 7_875 * SECOND, "CLOSED")));
    }
}

/// RFC 9293 §3.8.6.3: an ACK waits 200 ms for company by the letter, 40 ms on Linux once it does not hurry any more.
#[test]
fn delayed_acknowledgments() {
    for (stack, option, delay) in [
        ("rfc", "", 200 * MILLISECOND),
        ("linux", r#"{ "setsockopt": { "TCP_QUICKACK": 0 } },"#, 40 * MILLISECOND),
        ("linux", "", 0),
    ] {
        let run = Run::of(
            stack,
            r#""delay": "50ms""#,
            &format!(
                r#"{{ "name": "A", "on": "a", "run": [ {{ "connect": "b:80", "as": "first" }}, {{ "sleep": "1s" }},
                     {{ "write": "100B" }}, {{ "wait": "drained" }} ] }},
                   {{ "name": "B", "on": "b", "listen": 80, "run": [ {{ "accept": "first" }}, {option} {{ "read": "100B" }} ] }}"#
            ),
            "",
        );
        let arrived = 1_150 * MILLISECOND;
        assert_eq!(run.arrivals("b", |_, segment| !segment.payload.is_empty()), [arrived]);
        assert_eq!(run.sent("b", |_, segment| segment.is_pure_ack()), [arrived + delay], "{stack} {option}");
        assert_eq!(run.app("A").finished_ns, Some(arrived + delay + 50 * MILLISECOND));
    }
}

/// O11: of a burst, the k-th packet is out when all bits up to its last are: `ceil(bits * 10^9 / rate)`, for packets of
/// different lengths and rates that divide nothing, without an error that adds up.
#[test]
fn departures_of_a_serial_link() {
    let delay = 7_654_321;
    for rate in [9_999_991, 7_777_777, 1_000_003, 123_456_789] {
        let run =
            burst(&format!(r#""rate": "{rate}bit", "delay": "{delay}ns""#), &[1472, 0, 500, 501, 1], 40);
        let mut bits = 0;
        let mut expected = Vec::new();
        for packet in run.packets_of("a") {
            bits += u128::from(packet.packet.length()) * 8;
            expected.push((bits * u128::from(SECOND)).div_ceil(rate) as u64 + delay);
        }
        assert_eq!(expected.len(), 200);
        let arrivals: Vec<u64> = run.packets_of("a").filter_map(arrival).collect();
        assert_eq!(arrivals, expected, "{rate} bit/s");
    }
}

/// O11: a queue of B packets and one in service: the first drop of a burst is packet B + 2, and every further one is
/// dropped. 1500 octets at 10 Mbit/s take 1.2 ms each.
#[test]
fn first_drop_of_a_burst() {
    for limit in [0, 1, 10, 99] {
        let link = format!(
            r#""rate": "10Mbit", "delay": "20ms", "queue": {{ "type": "droptail", "limit": "{limit}p" }}"#
        );
        let run = burst(&link, &[1472], 200);
        let arrivals: Vec<Option<u64>> = run.packets_of("a").map(arrival).collect();
        assert_eq!(arrivals.len(), 200);
        let passed = limit + 1;
        let expected: Vec<Option<u64>> = (1..=200)
            .map(|packet| (packet <= passed).then(|| packet as u64 * 1_200_000 + 20 * MILLISECOND))
            .collect();
        assert_eq!(arrivals, expected, "limit {limit}");
        assert_eq!(run.report.links[1].dropped_by_queue, 199 - limit as u64, "{:?}", run.report.links[1]);
    }
}

/// Datagrams of these sizes, `times` over, all offered at the same moment.
fn burst(link: &str, sizes: &[u32], times: u32) -> Run {
    let step = |size: &u32| format!(r#"{{ "send_to": "b:9", "size": "{size}B", "on": "out" }}"#);
    let steps: Vec<String> = (0..times).flat_map(|_| sizes.iter().map(step)).collect();
    let steps = steps.join(", ").replacen(r#""on": "out""#, r#""as": "out""#, 1);
    Run::of(
        "rfc",
        link,
        &format!(
            r#"{{ "name": "B", "on": "b", "listen": 9, "protocol": "udp", "as": "in", "run": [ {{ "recv_from": "all", "within": "10s" }} ] }},
               {{ "name": "A", "on": "a", "run": [ {steps} ] }}"#
        ),
        "",
    )
}

/// A run of two hosts on one wire, with all its records.
struct Run {
    plan: std::sync::Arc<Plan>,
    trace: Trace,
    report: CaseReport,
}

impl Run {
    fn of(stack: &str, link: &str, apps: &str, faults: &str) -> Self {
        let hosts = format!(r#""a": {{ "stack": "{stack}" }}, "b": {{ "stack": "{stack}" }}"#);
        Self::of_hosts(&hosts, link, apps, faults)
    }

    fn of_hosts(hosts: &str, link: &str, apps: &str, faults: &str) -> Self {
        let text = format!(
            r#"{{ "name": "exact", "stop": {{ "when": "time", "at": "3h" }}, "hosts": {{ {hosts} }},
              "links": [ {{ "name": "wire", "between": ["a", "b"], {link} }} ],
              "apps": [ {apps} ], "faults": [ {faults} ] }}"#
        );
        let experiment =
            parse(&text, "exact", &Overrides::default()).unwrap_or_else(|error| panic!("{error}"));
        let case = &experiment.cases[0];
        let mut trace = Trace::new();
        let report = run_case(case, Judging::default(), &mut trace).report;
        assert_eq!(report.outcome, Outcome::Passed, "{:?}", report.failures);
        Self { plan: case.plan.clone(), trace, report }
    }

    /// The packets that a host made, in order.
    fn packets_of(&self, host: &str) -> impl Iterator<Item = &TracedPacket> {
        let of_host = move |packet: &&TracedPacket| *self.plan.places[packet.sender.index()] == *host;
        self.trace.packets().iter().filter(of_host)
    }

    /// When a host sent such segments.
    fn sent(&self, host: &str, wanted: fn(&TracedPacket, &Segment) -> bool) -> Vec<u64> {
        let such =
            self.packets_of(host).filter(|packet| segment(packet).is_some_and(|it| wanted(packet, it)));
        such.map(|packet| packet.sent_at.as_nanos()).collect()
    }

    /// When such segments reached a host, in the order of sending.
    fn arrivals(&self, host: &str, wanted: fn(&TracedPacket, &Segment) -> bool) -> Vec<u64> {
        let here = |packet: &&TracedPacket| {
            packet.arrival.as_ref().is_some_and(|arrival| *self.plan.places[arrival.place.index()] == *host)
        };
        let such = self.trace.packets().iter().filter(here);
        let such = such.filter(|packet| segment(packet).is_some_and(|it| wanted(packet, it)));
        such.filter_map(arrival).collect()
    }

    fn connection(&self, name: &str) -> &ConnectionReport {
        self.report
            .connections
            .iter()
            .find(|connection| connection.name == name)
            .expect("it is in the report")
    }

    fn states(&self, name: &str) -> Vec<(u64, &'static str)> {
        self.connection(name).states.iter().map(|entry| (entry.at_ns, entry.state)).collect()
    }

    fn app(&self, name: &str) -> &AppReport {
        self.report.apps.iter().find(|app| app.name == name).expect("it is in the report")
    }
}

fn segment(packet: &TracedPacket) -> Option<&Segment> {
    match &packet.packet.body {
        Body::Tcp(segment) => Some(segment),
        _ => None,
    }
}

fn arrival(packet: &TracedPacket) -> Option<u64> {
    packet.arrival.as_ref().map(|arrival| arrival.at.as_nanos())
}

fn syn(_: &TracedPacket, segment: &Segment) -> bool {
    segment.flags.contains(faultwire_wire::Flags::SYN)
}

fn data(_: &TracedPacket, segment: &Segment) -> bool {
    !segment.payload.is_empty()
}

fn secs(times: &[u64]) -> Vec<u64> {
    times.iter().map(|time| time * SECOND).collect()
}

fn after(start: u64, times: &[u64]) -> Vec<u64> {
    times.iter().map(|time| start + time).collect()
}

/// When a timer runs out for the first to the `count`-th time that begins with `first` and doubles up to `cap`.
fn doubling(first: u64, cap: u64, count: usize) -> Vec<u64> {
    let waits = std::iter::successors(Some(first), |wait| Some((wait * 2).min(cap)));
    let sums = waits.take(count).scan(0, |sum, wait| {
        *sum += wait;
        Some(*sum)
    });
    sums.collect()
}

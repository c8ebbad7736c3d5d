//! What a sink learns of the calls of apps: each with its result, in the order of the run, and nothing is disturbed by it.

use faultwire_host::{Errno, Fd, OptionName, SocketOption};
use faultwire_sim::call::{Call, CallKind};
use faultwire_sim::experiment::{Overrides, parse};
use faultwire_sim::record::{Event, Record, Silent, Sink};
use faultwire_sim::run::{Judging, run_case};
use faultwire_tcp::WriteFlags;

/// Keeps calls with the host's place and the milliseconds since the start.
#[derive(Default)]
struct Calls(Vec<(u32, u64, Call)>);

impl Sink for Calls {
    const WANTS_CALLS: bool = true;

    fn record(&mut self, record: &Record<'_>) {
        if let Event::Called(call) = record.event {
            self.0.push((record.place.index() as u32, record.at.as_nanos() / 1_000_000, call));
        }
    }
}

const TEXT: &str = r#"{ "name": "x", "description": "A request and its answer.",
    "hosts": { "a": {}, "b": {} },
    "links": [ { "name": "w", "between": ["a", "b"], "delay": "50ms" } ],
    "apps": [
      { "name": "B", "on": "b", "listen": 80, "run": [
        { "accept": "c" }, { "read": "eof" }, { "getsockopt": { "TCP_NODELAY": 0 } }, { "close": "c" } ] },
      { "name": "A", "on": "a", "run": [
        { "connect": "b:80", "from_port": 4000, "as": "c" }, { "write": "100B", "more": true },
        { "setsockopt": { "TCP_NODELAY": 1 } }, { "shutdown": "write" }, { "read": "eof" }, { "close": "c" } ] } ] }"#;

/// The calls of the host at a place, with their times in milliseconds.
fn calls_of(place: u32, calls: &Calls) -> Vec<(u64, CallKind, Result<i64, Errno>)> {
    let own = calls.0.iter().filter(|(at, ..)| *at == place);
    own.map(|&(_, at, call)| (at, call.kind, call.result)).collect()
}

#[test]
fn each_call_is_told_with_its_result() {
    let experiment =
        parse(TEXT.as_bytes(), "x", &Overrides::default()).unwrap_or_else(|error| panic!("{error}"));
    let mut calls = Calls::default();
    let told = run_case(&experiment.cases[0], Judging::default(), &mut calls);
    let silent = run_case(&experiment.cases[0], Judging::default(), &mut Silent);
    assert_eq!(told.fingerprint, silent.fingerprint, "watching does not disturb");
    let read = CallKind::Receive { octets: 1 << 20, peek: false };
    let more = WriteFlags { more: true, ..WriteFlags::default() };
    let reuse = CallKind::SetOption(SocketOption::ReuseAddress(true));
    let blocked = |call: &(u64, CallKind, _)| call.2 == Err(Errno::WouldBlock);
    assert!(calls_of(0, &calls).iter().any(blocked), "one that finds nothing is told too");
    let client: Vec<_> = calls_of(0, &calls).into_iter().filter(|call| !blocked(call)).collect();
    assert_eq!(
        client,
        [
            (0, CallKind::Socket, Ok(0)),
            (0, reuse, Ok(0)),
            (0, CallKind::Bind(4000), Ok(0)),
            (0, CallKind::Connect, Err(Errno::InProgress)),
            (100, CallKind::Send { octets: 100, flags: more }, Ok(100)),
            (100, CallKind::SetOption(SocketOption::NoDelay(true)), Ok(0)),
            (100, CallKind::Shutdown(faultwire_host::How::Write), Ok(0)),
            (200, read, Ok(0)),
            (200, CallKind::Close, Ok(0)),
        ]
    );
    let listener = calls.0.iter().find(|(place, ..)| *place == 1).expect("the server calls").2.fd;
    let accept = CallKind::Accept { listener };
    let server: Vec<_> = calls_of(1, &calls).into_iter().filter(|(_, kind, _)| *kind != read).collect();
    let no_delay = CallKind::Option(OptionName::parse("TCP_NODELAY").unwrap());
    assert_eq!(
        server,
        [
            (0, CallKind::Socket, Ok(0)),
            (0, reuse, Ok(0)),
            (0, CallKind::Bind(80), Ok(0)),
            (0, CallKind::Listen(4096), Ok(0)),
            (150, accept, Ok(0)),
            (150, no_delay, Ok(0)),
            (150, CallKind::Close, Ok(0)),
        ]
    );
    let accepted: Vec<Fd> =
        (calls.0.iter()).filter(|(place, ..)| *place == 1).map(|(.., call)| call.fd).collect();
    assert_ne!(accepted[4], listener, "an accepted connection has a descriptor of its own");
}

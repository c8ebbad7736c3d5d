//! Malformed experiments: each gives one clear message with its place, soon, and never a panic. The messages stand in
//! `malformed/messages.txt`, to be read by a person whenever they change (`UPDATE_GOLDEN=1` writes it anew).

mod goldens;

use std::fmt::Write as _;
use std::path::Path;

use faultwire_sim::experiment::{Overrides, Place, load, parse};
use proptest::prelude::*;

/// A valid experiment that uses most of the grammar.
const GOOD: &str = r#"{
  "name": "good",
  "description": "A valid experiment, to be broken in many ways.",
  "seed": 7,
  "stop": { "when": "idle", "at": "10min" },
  "hosts": {
    "client": { "stack": "linux", "address": "10.0.0.1", "sysctl": { "tcp_rfc1337": 1, "tcp_rmem": [4096, 131072, 6291456] } },
    "server": { "stack": "rfc", "address": ["10.0.0.2", "ipv6"], "tcp": { "time_wait": "30s" } },
    "far": {}
  },
  "routers": { "r1": {} },
  "links": [
    { "name": "wire", "between": ["client", "server"], "rate": "10Mbit", "delay": "50ms",
      "loss": { "model": "gemodel", "p": "1%", "r": "30%" }, "queue": { "type": "droptail", "limit": "100p" },
      "towards": { "client": { "jitter": "5ms", "distribution": "normal" } } },
    { "name": "left", "between": ["client", "r1"], "delay": "1ms" },
    { "name": "right", "between": ["r1", "far"], "delay": "1ms", "corrupt": "0.1%" }
  ],
  "apps": [
    { "name": "web", "on": "server", "listen": 80, "run": [
      { "accept": "first" }, { "write": "20KiB" }, { "read": "eof" }, { "close": "first" } ] },
    { "name": "browser", "on": "client", "run": [
      { "connect": "server:80", "from_port": 40000, "as": "first", "setsockopt": { "TCP_NODELAY": 1 } },
      { "read": "20KiB", "rate": "1Mbit" }, { "wait": "CLOSE_WAIT" }, { "close": "first" } ] },
    { "name": "transfer", "on": "client", "bulk": { "to": "far:5001", "size": "1MiB" } },
    { "name": "resolver", "on": "client", "run": [
      { "send_to": "far:53", "size": "100B", "count": 3, "interval": "1s" }, { "recv_from": "all", "within": "5s" } ] }
  ],
  "faults": [
    { "name": "late copy", "on": "wire", "towards": "client",
      "match": { "conn": "client/first", "kind": "data", "transmission": 1, "nth": [3, 5], "fields": { "window": { "min": 1 } } },
      "do": { "duplicate": { "delay": "10s" } } },
    { "name": "outage", "on": ["left", "right"], "at": "2s", "until": "3s", "do": "cut" },
    { "name": "stray", "on": "wire", "towards": "server", "at": "1s",
      "inject": { "to": "server/first", "flags": "RST", "seq": "rcv_nxt+1000" } }
  ],
  "expect": [
    { "name": "in order", "at": "client/first", "delivered": "20KiB" },
    { "name": "no loss", "at": "wire>client", "counter": "dropped", "value": { "max": 3 } },
    { "name": "late", "at": "client/first", "state": "CLOSE_WAIT", "when": { "arrives": "late copy" } },
    { "name": "opening", "between": ["client", "server"], "before": "60ms", "exchange": [
      "0s   SYN_SENT    --> <SEQ=100><CTL=SYN>              --> SYN_RECEIVED",
      "50ms ESTABLISHED <-- <SEQ=300><ACK=101><CTL=SYN,ACK> <-- SYN_RECEIVED" ] }
  ],
  "cases": [
    { "name": "whole" },
    { "name": "slower", "set": { "links.wire.delay": "80ms" }, "must_fail": ["late"] },
    { "name": "control", "without": ["late copy"], "must_fail": ["late"] }
  ]
}
"#;

/// Name, what to replace in [`GOOD`], by what.
const EDITS: &[(&str, &str, &str)] = &[
    // Syntax.
    ("trailing comma", "\"far\": {}\n", "\"far\": {},\n"),
    ("missing comma", "\"seed\": 7,", "\"seed\": 7"),
    ("comment", "\"seed\": 7,", "\"seed\": 7, // lucky"),
    ("single quotes", "\"seed\": 7", "'seed': 7"),
    ("bare key", "\"seed\": 7", "seed: 7"),
    ("bare word", "\"10Mbit\"", "fast"),
    ("missing colon", "\"seed\": 7", "\"seed\" 7"),
    ("missing value", "\"seed\": 7", "\"seed\": "),
    ("unclosed list", "[3, 5]", "[3, 5"),
    (
        "something after the end",
        "\"must_fail\": [\"late\"] }\n  ]\n}\n",
        "\"must_fail\": [\"late\"] }\n  ]\n}\n{}",
    ),
    ("a control character in a text", "A valid", "A\tvalid"),
    ("hexadecimal number", "\"seed\": 7", "\"seed\": 0x7"),
    ("leading zero", "\"seed\": 7", "\"seed\": 07"),
    ("not a number", "\"seed\": 7", "\"seed\": NaN"),
    ("lone surrogate", "A valid", "\\ud800"),
    // Keys.
    ("unknown key at the top", "\"seed\": 7", "\"sed\": 7"),
    ("unknown key at depth", "\"p\": \"1%\"", "\"pp\": \"1%\""),
    ("misspelt key", "\"delay\": \"50ms\"", "\"dely\": \"50ms\""),
    ("a word of other tools", "\"delay\": \"50ms\"", "\"latency\": \"50ms\""),
    ("nothing near", "\"delay\": \"50ms\"", "\"colour\": \"50ms\""),
    ("doubled key", "\"delay\": \"50ms\"", "\"delay\": \"50ms\", \"rate\": \"1Mbit\""),
    ("doubled host", "\"far\": {}", "\"client\": {}"),
    ("missing key", "\"name\": \"good\",", ""),
    ("missing key at depth", "\"between\": [\"client\", \"server\"], ", ""),
    ("missing key of a verb", "\"size\": \"100B\", ", ""),
    ("unknown key in a match", "\"kind\": \"data\"", "\"flavour\": \"data\""),
    ("unknown key in bounds", "{ \"max\": 3 }", "{ \"maximum\": 3 }"),
    ("empty bounds", "{ \"max\": 3 }", "{}"),
    // Types and units.
    ("bare number for a time", "\"50ms\"", "50"),
    ("bare number for a rate", "\"10Mbit\"", "10"),
    ("bare number for a size", "\"write\": \"20KiB\"", "\"write\": 20480"),
    ("bare fraction for a probability", "\"0.1%\"", "0.001"),
    ("text for a queue", "{ \"type\": \"droptail\", \"limit\": \"100p\" }", "\"20packets\""),
    ("number without unit in a text", "\"50ms\"", "\"50\""),
    ("wrong unit", "\"50ms\"", "\"50mb\""),
    ("a rate where a time belongs", "\"50ms\"", "\"50Mbit\""),
    ("a size with a bit unit", "\"write\": \"20KiB\"", "\"write\": \"20Kbit\""),
    ("negative time", "\"50ms\"", "\"-50ms\""),
    ("negative number", "\"seed\": 7", "\"seed\": -7"),
    ("negative number for a time", "\"50ms\"", "-50"),
    ("fraction for a whole number", "\"seed\": 7", "\"seed\": 7.5"),
    ("overflow of a number", "\"seed\": 7", "\"seed\": 99999999999999999999999"),
    ("overflow of a time", "\"50ms\"", "\"99999999999h\""),
    ("overflow of a port", "\"listen\": 80", "\"listen\": 65616"),
    ("finer than a nanosecond", "\"50ms\"", "\"0.0000001ms\""),
    ("more than certain", "\"0.1%\"", "\"101%\""),
    ("rate of zero", "\"10Mbit\"", "\"0Mbit\""),
    ("text for a number", "\"seed\": 7", "\"seed\": \"7\""),
    ("null", "\"50ms\"", "null"),
    ("text for a list", "[\"late copy\"], \"must_fail\"", "\"late copy\", \"must_fail\""),
    ("list for an object", "\"routers\": { \"r1\": {} }", "\"routers\": [\"r1\"]"),
    (
        "text for a flag",
        "{ \"wait\": \"CLOSE_WAIT\" }",
        "{ \"connect\": \"server:81\", \"as\": \"b\", \"wait\": \"false\" }",
    ),
    ("three ends", "[\"client\", \"server\"]", "[\"client\", \"server\", \"far\"]"),
    ("the whole file is a list", GOOD, "[]"),
    ("the whole file is a number", GOOD, "42"),
    // Words.
    ("unknown state", "\"wait\": \"CLOSE_WAIT\"", "\"wait\": \"CLOSEWAIT\""),
    ("unknown kind of packet", "\"kind\": \"data\"", "\"kind\": \"dta\""),
    ("unknown stack", "\"stack\": \"rfc\"", "\"stack\": \"linus\""),
    ("unknown loss model", "\"gemodel\"", "\"gilbert\""),
    ("key of another loss model", "\"r\": \"30%\"", "\"p13\": \"30%\""),
    ("unknown sysctl", "tcp_rfc1337", "tcp_rfc1338"),
    ("sysctl out of range", "\"tcp_rfc1337\": 1", "\"tcp_rfc1337\": 2"),
    ("sysctl with a unit", "\"tcp_rfc1337\": 1", "\"tcp_fin_timeout\": \"60s\""),
    ("unknown socket option", "TCP_NODELAY", "TCP_NODELEY"),
    ("unknown errno", "{ \"wait\": \"CLOSE_WAIT\" }", "{ \"sleep\": \"1s\", \"fails\": \"ECONREFUSED\" }"),
    ("unknown action", "\"do\": \"cut\"", "\"do\": \"cutt\""),
    ("line without its second arrow", "<CTL=SYN>              --> SYN_RECEIVED", "<CTL=SYN>"),
    ("line with an unknown state", "\"0s   SYN_SENT", "\"0s   SYNSENT"),
    ("line without a unit", "\"0s   SYN_SENT", "\"0    SYN_SENT"),
    ("line with an unknown control bit", "<CTL=SYN> ", "<CTL=SIN> "),
    ("line with a number that is none", "<SEQ=100>", "<SEQ=snd_nxt>"),
    ("line with a control bit and no number", "<ACK=101>", ""),
    ("lines out of order", "\"0s   SYN_SENT", "\"55ms SYN_SENT"),
    ("line outside the span", "\"before\": \"60ms\"", "\"before\": \"40ms\""),
    (
        "lines between one host",
        "\"between\": [\"client\", \"server\"], \"before\"",
        "\"between\": [\"client\", \"client\"], \"before\"",
    ),
    (
        "lines of a router",
        "\"between\": [\"client\", \"server\"], \"before\"",
        "\"between\": [\"client\", \"r1\"], \"before\"",
    ),
    ("unknown flag", "\"flags\": \"RST\"", "\"flags\": \"RESET\""),
    ("bad relative number", "\"rcv_nxt+1000\"", "\"snd_nxt+1000\""),
    ("unknown counter", "\"counter\": \"dropped\"", "\"counter\": \"lost\""),
    ("counter of something else", "\"counter\": \"dropped\"", "\"counter\": \"timeouts\""),
    // Verbs.
    ("two verbs", "{ \"accept\": \"first\" }", "{ \"accept\": \"first\", \"sleep\": \"1s\" }"),
    ("no verb", "{ \"accept\": \"first\" }", "{ \"fails\": \"EAGAIN\" }"),
    ("misspelt verb", "{ \"accept\": \"first\" }", "{ \"acept\": \"first\" }"),
    (
        "key of another verb",
        "{ \"close\": \"first\" } ] },\n    { \"name\": \"transfer\"",
        "{ \"close\": \"first\", \"rate\": \"1Mbit\" } ] },\n    { \"name\": \"transfer\"",
    ),
    ("two actions", "{ \"delay\": \"10s\" } }", "{ \"delay\": \"10s\" }, \"drop\": true }"),
    ("drop false", "{ \"duplicate\": { \"delay\": \"10s\" } }", "{ \"drop\": false }"),
    ("an app without steps", "\"bulk\": { \"to\": \"far:5001\", \"size\": \"1MiB\" }", "\"start\": \"1s\""),
    // Names and topology.
    ("doubled link name", "\"name\": \"left\"", "\"name\": \"wire\""),
    ("doubled fault name", "\"name\": \"outage\"", "\"name\": \"late copy\""),
    ("doubled expectation name", "\"name\": \"no loss\"", "\"name\": \"in order\""),
    ("link called like a host", "\"name\": \"left\"", "\"name\": \"far\""),
    ("router called like a host", "{ \"r1\": {} }", "{ \"far\": {} }"),
    ("self-loop", "[\"client\", \"server\"]", "[\"client\", \"client\"]"),
    ("link to nowhere", "[\"r1\", \"far\"]", "[\"r1\", \"fra\"]"),
    ("no way to the server", "\"between\": [\"r1\", \"far\"]", "\"between\": [\"r1\", \"server\"]"),
    ("empty name", "\"name\": \"left\"", "\"name\": \"\""),
    ("slash in a host name", "\"far\": {}", "\"far/away\": {}"),
    ("bad address", "\"10.0.0.1\"", "\"10.0.0.256\""),
    ("multicast address", "\"10.0.0.1\"", "\"224.0.0.1\""),
    ("address given twice", "\"10.0.0.1\"", "\"10.0.0.2\""),
    ("direction to a stranger", "\"towards\": { \"client\":", "\"towards\": { \"far\":"),
    (
        "fault towards a stranger",
        "\"on\": \"wire\", \"towards\": \"client\"",
        "\"on\": \"wire\", \"towards\": \"far\"",
    ),
    ("fault on no link", "\"on\": \"wire\", \"towards\": \"client\"", "\"towards\": \"client\""),
    ("unknown host of an app", "\"on\": \"server\", \"listen\"", "\"on\": \"sever\", \"listen\""),
    ("router as host of an app", "\"on\": \"server\", \"listen\"", "\"on\": \"r1\", \"listen\""),
    ("unknown host to connect to", "\"connect\": \"server:80\"", "\"connect\": \"serve:80\""),
    ("no port to connect to", "\"connect\": \"server:80\"", "\"connect\": \"server\""),
    ("no version of IP in common", "\"address\": \"10.0.0.1\"", "\"address\": \"fd00::1\""),
    ("distribution without jitter", "\"jitter\": \"5ms\", ", ""),
    // Steps.
    (
        "step on a closed name",
        "{ \"read\": \"eof\" }, { \"close\": \"first\" }",
        "{ \"close\": \"first\" }, { \"read\": \"eof\" }",
    ),
    (
        "closed twice",
        "{ \"read\": \"eof\" }, { \"close\": \"first\" }",
        "{ \"close\": \"first\" }, { \"close\": \"first\" }",
    ),
    (
        "step on a name never opened",
        "{ \"wait\": \"CLOSE_WAIT\" }",
        "{ \"wait\": \"CLOSE_WAIT\", \"on\": \"second\" }",
    ),
    (
        "step before its socket is open",
        "{ \"accept\": \"first\" }, { \"write\": \"20KiB\" }",
        "{ \"write\": \"20KiB\", \"on\": \"first\" }, { \"accept\": \"first\" }",
    ),
    ("no socket at all", "{ \"accept\": \"first\" }, ", ""),
    ("name used twice", "{ \"wait\": \"CLOSE_WAIT\" }", "{ \"connect\": \"server:80\", \"as\": \"first\" }"),
    ("accept without a listener", "\"listen\": 80, ", ""),
    ("datagrams on a stream", "{ \"wait\": \"CLOSE_WAIT\" }", "{ \"recv_from\": 1 }"),
    ("stream on a UDP socket", "{ \"recv_from\": \"all\", \"within\": \"5s\" }", "{ \"read\": \"eof\" }"),
    ("receiving for ever", ", \"within\": \"5s\"", ""),
    (
        "two listeners on one port",
        "{ \"accept\": \"first\" },",
        "{ \"listen\": 80, \"as\": \"other\" }, { \"accept\": \"first\" },",
    ),
    // References.
    ("unknown socket in a match", "\"conn\": \"client/first\"", "\"conn\": \"client/frist\""),
    (
        "unknown socket in an expectation",
        "\"at\": \"client/first\", \"delivered\"",
        "\"at\": \"client/none\", \"delivered\"",
    ),
    ("unknown fault in an expectation", "\"arrives\": \"late copy\"", "\"arrives\": \"late copies\""),
    ("unknown direction", "\"wire>client\"", "\"wire>far\""),
    ("min above max", "{ \"max\": 3 }", "{ \"min\": 4, \"max\": 3 }"),
    ("until before at", "\"until\": \"3s\"", "\"until\": \"1s\""),
    (
        "icmp error of no kind",
        "\"flags\": \"RST\", \"seq\": \"rcv_nxt+1000\"",
        "\"icmp\": { \"error\": \"port_unreachabel\" }",
    ),
    (
        "icmp error with flags",
        "\"flags\": \"RST\", \"seq\": \"rcv_nxt+1000\"",
        "\"icmp\": { \"error\": \"port_unreachable\" }, \"flags\": \"RST\"",
    ),
    (
        "icmp error relative to what we received",
        "\"flags\": \"RST\", \"seq\": \"rcv_nxt+1000\"",
        "\"icmp\": { \"error\": \"port_unreachable\", \"seq\": \"rcv_nxt\" }",
    ),
    (
        "icmp error with an MTU of its own",
        "\"flags\": \"RST\", \"seq\": \"rcv_nxt+1000\"",
        "\"icmp\": { \"error\": \"port_unreachable\", \"mtu\": 1400 }",
    ),
    (
        "icmp error without a number",
        "\"to\": \"server/first\", \"flags\": \"RST\", \"seq\": \"rcv_nxt+1000\"",
        "\"to\": \"client:40000\", \"from\": \"server:80\", \"icmp\": { \"error\": \"time_exceeded\" }",
    ),
    (
        "source quench of IPv6",
        "\"flags\": \"RST\", \"seq\": \"rcv_nxt+1000\"",
        "\"icmp\": { \"error\": \"source_quench\" }",
    ),
    (
        "a flood at a socket",
        "\"flags\": \"RST\", \"seq\": \"rcv_nxt+1000\"",
        "\"flags\": \"RST\", \"count\": 10, \"interval\": \"1ms\"",
    ),
    (
        "a flood from more ports than there are",
        "\"to\": \"server/first\", \"flags\": \"RST\", \"seq\": \"rcv_nxt+1000\"",
        "\"to\": \"server:80\", \"from\": \"client:60000\", \"flags\": \"SYN\", \"count\": 6000",
    ),
    (
        "ecn without loss",
        "\"between\": [\"client\", \"r1\"],",
        "\"between\": [\"client\", \"r1\"], \"ecn\": true,",
    ),
    ("ecn codepoint of three bits", "\"window\": { \"min\": 1 }", "\"ecn\": 4"),
    ("nth of zero", "\"nth\": [3, 5]", "\"nth\": 0"),
    ("nth twice", "\"nth\": [3, 5]", "\"nth\": [3, 3]"),
    // Cases.
    ("set of an unknown path", "\"links.wire.delay\"", "\"links.wire.dely\""),
    ("set of an unknown name", "\"links.wire.delay\"", "\"links.wier.delay\""),
    ("set of a wrong value", "\"80ms\"", "80"),
    ("set into a value without parts", "\"links.wire.delay\"", "\"links.wire.delay.min\""),
    ("without something unknown", "\"without\": [\"late copy\"]", "\"without\": [\"late coppy\"]"),
    (
        "must fail something unknown",
        "\"without\": [\"late copy\"], \"must_fail\": [\"late\"]",
        "\"without\": [\"late copy\"], \"must_fail\": [\"lat\"]",
    ),
    ("case called like another", "\"name\": \"slower\"", "\"name\": \"whole\""),
    (
        "impossible in a case",
        "{ \"links.wire.delay\": \"80ms\" }",
        "{ \"links.wire.between\": [\"far\", \"server\"] }",
    ),
];

/// Name and words of `--set`, `--without` and `--case` with [`GOOD`].
const ARGUMENTS: &[(&str, &str, &str)] = &[
    ("--set of a misspelt key", "set", "links.wire.dely=20ms"),
    ("--set of an unknown link", "set", "links.wyre.delay=20ms"),
    ("--set of an unknown list", "set", "link.wire.delay=20ms"),
    ("--set without a value", "set", "links.wire.delay"),
    ("--set without a unit", "set", "links.wire.delay=20"),
    ("--set of an unknown sysctl", "set", "hosts.client.sysctl.tcp_rfc1338=0"),
    ("--set of a wrong type", "set", "seed=many"),
    ("--set into a text", "set", "hosts.client.stack.name=rfc"),
    ("--without something unknown", "without", "late copies"),
    ("--case unknown", "case", "slow"),
];

fn message(text: &[u8], overrides: &Overrides) -> Result<String, String> {
    match parse(text, "bad.json", overrides) {
        Ok(_) => Err("it was accepted".to_owned()),
        Err(error) => Ok(error.to_string()),
    }
}

fn argument(kind: &str, words: &str) -> Overrides {
    let words = words.to_owned();
    match kind {
        "set" => Overrides { set: vec![words], ..Overrides::default() },
        "without" => Overrides { without: vec![words], ..Overrides::default() },
        _ => Overrides { case: Some(words), ..Overrides::default() },
    }
}

/// All malformed inputs with their names.
fn inputs() -> Vec<(String, Vec<u8>, Overrides)> {
    let mut inputs: Vec<(String, Vec<u8>, Overrides)> = Vec::new();
    let mut add = |name: &str, text: Vec<u8>| inputs.push((name.to_owned(), text, Overrides::default()));
    for (name, from, to) in EDITS {
        assert!(GOOD.contains(from), "{name}: {from:?} is not in the good file");
        add(name, GOOD.replacen(from, to, 1).into_bytes());
    }
    add("no hosts", b"{ \"name\": \"x\", \"hosts\": {}, \"links\": [] }".to_vec());
    add("empty", Vec::new());
    add("blank", b" \n\n\t ".to_vec());
    add("byte order mark", [b"\xEF\xBB\xBF", GOOD.as_bytes()].concat());
    add(
        "not UTF-8",
        GOOD.replacen("A valid", "\u{1}", 1)
            .into_bytes()
            .into_iter()
            .map(|b| if b == 1 { 0xFF } else { b })
            .collect(),
    );
    add("UTF-16", GOOD.encode_utf16().flat_map(u16::to_le_bytes).collect());
    add("a megabyte of zeros", vec![0; 1 << 20]);
    add("deep nesting", vec![b'['; 1 << 20]);
    add("deep nesting of objects", b"{\"a\":".repeat(1 << 17));
    add("cut off", GOOD.as_bytes()[..GOOD.len() / 2].to_vec());
    add("too large", vec![b' '; (16 << 20) + 1]);
    for (name, kind, words) in ARGUMENTS {
        inputs.push(((*name).to_owned(), GOOD.as_bytes().to_vec(), argument(kind, words)));
    }
    inputs
}

#[test]
fn the_good_file_is_good() {
    parse(GOOD.as_bytes(), "good.json", &Overrides::default()).unwrap();
}

#[test]
fn messages_are_as_reviewed() {
    let mut messages = String::new();
    for (name, text, overrides) in inputs() {
        let message = message(&text, &overrides).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert!(!message.contains('\n'), "{name}: more than one line");
        let placed = message.starts_with("bad.json:") || message.starts_with("--");
        assert!(placed, "{name}: no place in {message}");
        writeln!(messages, "{name}\n    {message}").unwrap();
    }
    goldens::compare("malformed/messages.txt", &messages);
}

/// A hundred megabytes are refused without being read as a whole.
#[test]
fn a_huge_file_is_refused() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("zeros.json");
    std::fs::File::create(&path).unwrap().set_len(100 << 20).unwrap();
    let error = load(&path, &Overrides::default()).unwrap_err();
    assert_eq!(error.message(), "the file is larger than 16 MiB: no experiment is");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn what_is_no_file_is_an_error() {
    let folder = load(Path::new(env!("CARGO_MANIFEST_DIR")), &Overrides::default()).unwrap_err();
    assert!(folder.message().contains("directory"), "{folder}");
    let nothing = load(Path::new("/nonexistent/file.json"), &Overrides::default()).unwrap_err();
    assert!(nothing.to_string().starts_with("/nonexistent/file.json:1:1: can't be read"), "{nothing}");
}

/// Whatever is done to the text, there is a plan or a message whose place lies in the text.
fn gives_a_plan_or_a_place(text: &[u8]) {
    let Err(error) = parse(text, "mutant.json", &Overrides::default()) else { return };
    let Place::File { line, column } = *error.place() else { panic!("{error}: not in the file") };
    assert!(line >= 1 && column >= 1);
    let lines = text.split(|&byte| byte == b'\n').count();
    assert!(line as usize <= lines, "{error}: there are {lines} lines");
    assert!(!error.message().is_empty() && !error.to_string().contains('\n'));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn octets_changed(at in 0..GOOD.len(), octet: u8) {
        let mut text = GOOD.as_bytes().to_vec();
        text[at] = octet;
        gives_a_plan_or_a_place(&text);
    }

    #[test]
    fn pieces_moved(from in 0..GOOD.len(), length in 1_usize..200, to in 0..GOOD.len()) {
        let mut text = GOOD.as_bytes().to_vec();
        let piece: Vec<u8> = text.drain(from..(from + length).min(GOOD.len())).collect();
        let to = to.min(text.len());
        text.splice(to..to, piece);
        gives_a_plan_or_a_place(&text);
    }

    #[test]
    fn values_swapped(first in 0_usize..400, second in 0_usize..400) {
        let places = texts();
        let (first, second) = (&places[first % places.len()], &places[second % places.len()]);
        let mut text = GOOD.to_owned();
        let replacement = GOOD[second.clone()].to_owned();
        text.replace_range(first.clone(), &replacement);
        gives_a_plan_or_a_place(text.as_bytes());
    }

    #[test]
    fn values_replaced(at in 0_usize..400, value in "(\"[a-zA-Z0-9:/>.%_ -]{0,12}\"|-?[0-9]{1,25}|null|true|\\[\\]|\\{\\})") {
        let places = texts();
        let mut text = GOOD.to_owned();
        text.replace_range(places[at % places.len()].clone(), &value);
        gives_a_plan_or_a_place(text.as_bytes());
    }

    #[test]
    fn arguments_of_any_kind(path in "[a-z.]{0,20}|links\\.wire\\.[a-z]{1,8}|faults\\.late copy\\.[a-z.]{1,14}", value in "[ -~]{0,12}") {
        let overrides = Overrides { set: vec![format!("{path}={value}")], ..Overrides::default() };
        if let Err(error) = parse(GOOD.as_bytes(), "good.json", &overrides) {
            prop_assert!(!error.message().is_empty());
        }
    }
}

/// Places of all texts in double quotes in [`GOOD`].
fn texts() -> Vec<std::ops::Range<usize>> {
    let quotes: Vec<usize> =
        GOOD.bytes().enumerate().filter(|&(_, byte)| byte == b'"').map(|(at, _)| at).collect();
    quotes.chunks_exact(2).map(|pair| pair[0]..pair[1] + 1).collect()
}

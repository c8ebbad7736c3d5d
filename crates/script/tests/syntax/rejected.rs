//! What is no script, and the message for it. All messages stand in `golden/syntax_errors.txt`, to be read by a person
//! whenever they change (`UPDATE_GOLDEN=1` writes it anew).

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use faultwire_script::syntax::parse;

const BAD: [&str; 92] = [
    // Times.
    "foo",
    "socket(..., SOCK_STREAM, 0) = 3",
    "0.5 close(3) = 0",
    "+1 close(3) = 0",
    "* > . 1:1(0) ack 1",
    "0 close(3) = 0\n1 close(3) = 0\n0.5 close(3) = 0",
    "0 close(3) = 0\n+1 close(3) = 0\n+1 close(3) = 0\n1.999 close(3) = 0",
    "0 close(3) = 0\n-1 close(3) = 0",
    "0 close(3) = 0\n+ close(3) = 0",
    "0 close(3) = 0\n* close(3) = 0",
    "0 close(3) = 0\n+0~+1 < . 1:1(0) ack 1 win 1",
    "0 close(3) = 0\n1~2 `true`",
    "0 close(3) = 0\n+0~1 > . 1:1(0) ack 1",
    "0 close(3) = 0\n+2~+1 > . 1:1(0) ack 1",
    "0 close(3) = 0\n+0...1 > . 1:1(0) ack 1",
    "0 close(3) = 0\n3...1 close(3) = 0",
    "99999999999 close(3) = 0",
    "0",
    "0 +1 close(3) = 0",
    "0 close(3) = 0\n--mtu=1500",
    // Around the events.
    "--=ipv4",
    "`one`\n`two`\n0 close(3) = 0",
    "0 close(3) = 0\n`one`\n+1 close(3) = 0",
    "0 `never ends\n+1 close(3) = 0",
    "0 %{ assert 1",
    "0 write(3, \"never ends, 4) = 4",
    "/* never ends",
    "0 close(3) = 0\n#ifdef A\n#ifdef B\n#endif\n#endif",
    "0 close(3) = 0\n#endif",
    "0 close(3) = 0\n  #ifdef A\n+1 close(3) = 0",
    "0 close(3) = 0\n#ifdef\n#endif",
    "0 close(3) = 0\n#else",
    // Segments.
    "0 <",
    "0 < X 0:0(0) win 1",
    "0 < S. 0:0(0)\n+0 close(3) = 0",
    "0 < s 0:0(0) win 1",
    "0 < .8 1:1(0) win 1",
    "0 < S. win 1",
    "0 < S 0(0) win 1",
    "0 < S 0:0 win 1",
    "0 < P. 1:1000(1000) ack 1 win 1",
    "0 < P. 1:70001(70000) ack 1 win 1",
    "0 < . 4294967296:4294967296(0) win 1",
    "0 < . 1:1(0) ack 1",
    "0 < . 1:1(0) ack 1 win 65536",
    "0 < . 1:1(0) ack win 1",
    "0 < . 1:1(0) ack 1 wni 1",
    "0 < . 1:1(0) ack 1 ack 2 win 1",
    "0 < . 1:1(0) win 1 <...>",
    "0 < . ...(0) ack 1 win 1",
    "0 > . 1:1(0) ack 1 urg 65536",
    "0 < 70000 > 8080 S 0:0(0) win 1",
    "0 < 40000 8080 S 0:0(0) win 1",
    "0 > . 1:1(0) ack 1 /tcp(1 > 2)",
    "0 > . 1:1(0) ack 1 /udp(1 < 2)",
    // IP.
    "0 < [ect2] S 0:0(0) win 1",
    "0 < (ttl 256) S 0:0(0) win 1",
    "0 < (ttl 64 S 0:0(0) win 1",
    "0 < [,] S 0:0(0) win 1",
    "0 < [flowlabel 0x100000] S 0:0(0) win 1",
    "0 < [1:1(0)] S 0:0(0) win 1",
    "0 > gre . 1:1(0)",
    // Options.
    "0 > S 0:0(0) <msss 1460>",
    "0 > S 0:0(0) <sackok>",
    "0 > S 0:0(0) <mss 65536>",
    "0 > S 0:0(0) <mss>",
    "0 > S 0:0(0) <wscale 256>",
    "0 > S 0:0(0) <mss 1460 sackOK>",
    "0 > S 0:0(0) <mss 1460,>",
    "0 > S 0:0(0) <mss 1460",
    "0 > S 0:0(0) <TS 1 ecr 0>",
    "0 > S 0:0(0) <TS val 1>",
    "0 > S 0:0(0) <sack>",
    "0 > S 0:0(0) <sack 1>",
    "0 > S 0:0(0) <FO xyz>",
    "0 > S 0:0(0) <FO abc>",
    "0 > . 1:1(0) <ECN ceb 1>",
    "0 > . 1:1(0) <ECN e0b 1 e1b 1>",
    "0 > . 1:1(0) <ECN e0b 16777216>",
    "0 > . 1:1(0) <sack 1:2 3:4 5:6 7:8 9:10>",
    "0 > . 1:1(0) <... ,nop>",
    // UDP and ICMP.
    "0 < udp 1000",
    "0 < imcp unreachable",
    "0 < icmp [1:1(0)]",
    "0 < icmp unreachable frag_needed mtuu 1200",
    "0 < icmp unreachable [1:2(0)]",
    // Calls.
    "0 close 3 = 0",
    "0 close(3)",
    "0 close(3 4) = 0",
    "0 close(3) = ",
    "0 close(3) = -1 eagain",
    "0 close(3) = 0 (never ends",
];

/// Bad expressions, as an argument.
const BAD_VALUES: [&str; 15] = [
    "",
    ",",
    "-",
    "-x",
    "99999999999999999999",
    "a |",
    "{a=}",
    "{a b}",
    "{3=4}",
    "[1",
    "~",
    "a=1",
    "&3",
    "1 << 2",
    "-EAGAIN",
];

#[test]
fn every_message() {
    let mut text = String::new();
    let values = BAD_VALUES.map(|value| format!("0 f(1, {value}) = 0"));
    let deep = format!("0 f({}) = 0", "[".repeat(1000));
    let all = BAD.into_iter().chain(values.iter().map(String::as_str)).chain([deep.as_str()]);
    for source in all {
        let error = parse(source, &[], None).expect_err(source);
        let shown: String = source.chars().take(80).collect();
        writeln!(text, "{}\n    {error}", shown.replace('\n', "\\n")).expect("a string takes it");
        let line = source.split('\n').nth(error.at.line as usize - 1).expect("the line is in the text");
        assert!(error.at.column as usize <= line.chars().count() + 1, "{source}: {error}");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/syntax_errors.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &text).expect("the golden file is writable");
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    for (now, before) in text.lines().zip(golden.lines()) {
        assert_eq!(now, before, "a message changed; if it is meant: UPDATE_GOLDEN=1");
    }
    assert_eq!(text, golden);
}

#[test]
fn a_place_counts_characters_not_octets() {
    let error = parse("0 write(3, \"äöü\", ?) = 4", &[], None).expect_err("no value");
    assert_eq!(error.to_string(), "1:19: expected a value, found `?`");
    let error = parse("0 close(3) = 0 /* é\n */ é", &[], None).expect_err("no time");
    assert_eq!(error.to_string(), "2:5: expected a time, found `é`");
}

//! A good replay file and what can be wrong with one, for the library's test and the command's.

/// Two cases, one of them with three decisions.
pub(crate) const GOOD: &str = r#"{
  "faultwire_replay": 1,
  "faultwire_version": "0.1.0",
  "command": "faultwire run tiny.json --record replay.json",
  "digest": "00000000000000000000000000000000",
  "experiment": {
    "name": "tiny",
    "seed": 1,
    "hosts": { "client": {}, "server": {} },
    "links": [{ "name": "wire", "between": ["client", "server"], "delay": "5ms", "loss": "1%" }],
    "apps": [{ "name": "flow", "on": "client", "bulk": { "to": "server:80", "size": "3KiB" } }],
    "cases": [{ "name": "fast" }, { "name": "slow", "set": { "links.wire.delay": "50ms" } }]
  },
  "runs": [
    {
      "case": "fast",
      "outcome": "failed",
      "failures": [{ "failed": "app:flow", "sentence": "app flow failed" }],
      "fingerprint": "fw1-00112233445566778899aabbccddeeff",
      "events": 60,
      "virtual_time_ns": 1000000,
      "digest": "5f3fa680bab72bf6f7d0a12b0fe129e7",
      "decisions": [
        { "on": "wire>server", "packet": { "conn": "client/flow", "kind": "data", "byte": 0, "transmission": 1, "nth": 1 }, "at": "10ms", "do": "drop" },
        { "on": "wire>server", "packet": { "conn": "client/flow", "kind": "data", "byte": 1448, "transmission": 1 }, "at": "10ms", "do": { "delay": "-1.5ms" } },
        { "on": "wire>client", "packet": { "flow": "client:1", "kind": "pure_ack", "nth": 2 }, "at": "20ms", "do": { "corrupt": { "bits": [100, 7] } } }
      ],
      "checkpoints": { "every": 1, "digests": ["0123456789abcdef"] }
    },
    { "case": "slow", "outcome": "passed", "fingerprint": "fw1-00112233445566778899aabbccddeeff", "events": 60, "virtual_time_ns": 1, "digest": "23b222e06ae323a5d5edbf4cd8fe0d15", "decisions": [] }
  ]
}
"#;

/// Name, what to replace in [`GOOD`], by what.
const EDITS: &[(&str, &str, &str)] = &[
    // Versions.
    (
        "a newer version",
        "\"faultwire_replay\": 1,\n  \"faultwire_version\": \"0.1.0\"",
        "\"faultwire_replay\": 2,\n  \"faultwire_version\": \"7.3.0\"",
    ),
    (
        "a newer version with keys of its own",
        "\"faultwire_replay\": 1",
        "\"faultwire_replay\": 9, \"branches\": []",
    ),
    ("a version as a text", "\"faultwire_replay\": 1", "\"faultwire_replay\": \"1\""),
    ("version zero", "\"faultwire_replay\": 1", "\"faultwire_replay\": 0"),
    ("an absurd version", "\"faultwire_replay\": 1", "\"faultwire_replay\": 99999999999999999999999"),
    ("no version", "  \"faultwire_replay\": 1,\n", ""),
    // Damage.
    (
        "a digit lost in the digest",
        "\"00000000000000000000000000000000\"",
        "\"0000000000000000000000000000000\"",
    ),
    ("a fingerprint of something else", "\"fw1-00112233445566778899aabbccddeeff\"", "\"sha256:0011\""),
    ("a fingerprint cut off", "ccddeeff\",\n", "ccdd\",\n"),
    ("a checkpoint in capitals", "0123456789abcdef", "0123456789ABCDEF"),
    ("a checkpoint every zero events", "\"every\": 1", "\"every\": 0"),
    ("a checkpoint zeroed", "0123456789abcdef", "0000000000000000"),
    ("checkpoints beyond all numbers", "\"every\": 1", "\"every\": 18446744073709551615"),
    (
        "more checkpoints than events",
        "\"every\": 1, \"digests\": [",
        "\"every\": 30, \"digests\": [\"0123456789abcdef\", \"0123456789abcdef\", ",
    ),
    (
        "events and time of another run",
        "\"events\": 60,\n      \"virtual_time_ns\": 1000000",
        "\"events\": 10,\n      \"virtual_time_ns\": 5",
    ),
    ("a run that passed with failures", "\"outcome\": \"failed\"", "\"outcome\": \"passed\""),
    (
        "a run that failed without one",
        "[{ \"failed\": \"app:flow\", \"sentence\": \"app flow failed\" }]",
        "[]",
    ),
    ("a failure of something else", "\"app:flow\", \"sentence\"", "\"app:flaw\", \"sentence\""),
    ("a fingerprint zeroed", "fw1-00112233445566778899aabbccddeeff", "fw1-00000000000000000000000000000000"),
    ("results without their digest", "      \"digest\": \"5f3fa680bab72bf6f7d0a12b0fe129e7\",\n", ""),
    ("a missing key", "      \"events\": 60,\n", ""),
    ("an unknown key", "\"virtual_time_ns\": 1000000", "\"virtual_time\": 1000000"),
    ("a doubled key", "\"events\": 60,\n", "\"events\": 60,\n      \"events\": 61,\n"),
    ("a comma lost between decisions", "\"do\": \"drop\" },\n", "\"do\": \"drop\" }\n"),
    ("not a number", "\"events\": 60", "\"events\": NaN"),
    ("a fraction of an event", "\"events\": 60", "\"events\": 60.5"),
    ("an empty list of runs", "\"runs\": [", "\"runs\": [], \"old_runs\": ["),
    // Decisions.
    ("an unknown direction", "\"on\": \"wire>client\"", "\"on\": \"wire>clinet\""),
    ("a link for a direction", "\"on\": \"wire>client\"", "\"on\": \"wire\""),
    ("an unknown kind", "\"pure_ack\"", "\"ack\""),
    ("two conversations", "\"flow\": \"client:1\"", "\"conn\": \"client/flow\", \"flow\": \"client:1\""),
    ("a conversation without a number", "\"client:1\"", "\"client\""),
    ("packet number zero", "\"nth\": 2", "\"nth\": 0"),
    ("a number that no one can count to", "\"nth\": 2", "\"nth\": 100000000000000000000"),
    ("an exponent", "\"nth\": 2", "\"nth\": 1e9"),
    ("a negative offset", "\"byte\": 1448", "\"byte\": -1448"),
    (
        "too many transmissions",
        "\"byte\": 1448, \"transmission\": 1",
        "\"byte\": 1448, \"transmission\": 65536",
    ),
    ("a time without a unit", "\"at\": \"20ms\"", "\"at\": 20"),
    ("a delay without a unit", "\"-1.5ms\"", "-1.5"),
    ("a delay of another unit", "\"-1.5ms\"", "\"-1.5MB\""),
    ("a delay beyond all time", "\"-1.5ms\"", "\"-300000d\""),
    ("an unknown action", "\"do\": \"drop\"", "\"do\": \"lose\""),
    (
        "an action of a targeted fault that chance does not have",
        "{ \"delay\": \"-1.5ms\" }",
        "{ \"hold\": { \"until\": \"1s\" } }",
    ),
    (
        "two actions in one decision",
        "{ \"delay\": \"-1.5ms\" }",
        "{ \"delay\": \"-1.5ms\", \"duplicate\": {} }",
    ),
    ("a duplicate that is late", "{ \"delay\": \"-1.5ms\" }", "{ \"duplicate\": { \"delay\": \"1s\" } }"),
    ("a bit beyond every packet", "[100, 7]", "[100, 524280]"),
    ("a bit that flips twice", "[100, 7]", "[7, 7]"),
    ("no bit", "[100, 7]", "[]"),
    ("a rewrite that chance does not make", "{ \"delay\": \"-1.5ms\" }", "{ \"rewrite\": { \"ecn\": 1 } }"),
    ("a copy that is delayed", "\"transmission\": 1 }, \"at\"", "\"transmission\": 1, \"copy\": 1 }, \"at\""),
    (
        "a copy that is duplicated",
        "\"transmission\": 1 }, \"at\": \"10ms\", \"do\": { \"delay\": \"-1.5ms\" }",
        "\"transmission\": 1, \"copy\": 2 }, \"at\": \"10ms\", \"do\": { \"duplicate\": {} }",
    ),
    (
        "a copy that overtakes",
        "\"transmission\": 1 }, \"at\": \"10ms\", \"do\": { \"delay\": \"-1.5ms\" }",
        "\"transmission\": 1, \"copy\": 2 }, \"at\": \"10ms\", \"do\": \"send_at_once\"",
    ),
    (
        "one decision twice",
        "\"at\": \"10ms\", \"do\": { \"delay\": \"-1.5ms\" } },\n",
        "\"at\": \"10ms\", \"do\": { \"delay\": \"-1.5ms\" } },\n        { \"on\": \"wire>server\", \"packet\": { \"conn\": \"client/flow\", \"kind\": \"data\", \"byte\": 1448, \"transmission\": 1, \"nth\": 1 }, \"at\": \"11ms\", \"do\": { \"delay\": \"2ms\" } },\n",
    ),
    // Runs and the experiment.
    ("a run of an unknown case", "\"case\": \"slow\"", "\"case\": \"slwo\""),
    ("two runs of one case", "\"case\": \"slow\"", "\"case\": \"fast\""),
    ("a case without a run", "{ \"name\": \"fast\" },", "{ \"name\": \"fast\" }, { \"name\": \"faster\" },"),
    ("an unknown outcome", "\"outcome\": \"passed\"", "\"outcome\": \"pased\""),
    ("a failure without its sentence", ", \"sentence\": \"app flow failed\"", ""),
    ("an experiment as a text", "\"experiment\": {", "\"experiment\": \"tiny.json\", \"old\": {"),
    ("a misspelt key in the experiment", "\"delay\": \"5ms\"", "\"dely\": \"5ms\""),
    ("a name in the experiment that leads nowhere", "\"to\": \"server:80\"", "\"to\": \"sever:80\""),
    (
        "a case of the experiment that can't be",
        "{ \"links.wire.delay\": \"50ms\" }",
        "{ \"links.wier.delay\": \"50ms\" }",
    ),
];

/// All malformed replay files with their names.
pub(crate) fn malformed() -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |name: &str, content: Vec<u8>| files.push((name.to_owned(), content));
    for (name, from, to) in EDITS {
        assert!(GOOD.contains(from), "{name}: {from:?} is not in the good file");
        add(name, GOOD.replacen(from, to, 1).into_bytes());
    }
    let good = GOOD.as_bytes();
    add("cut off in the middle", good[..good.len() / 2].to_vec());
    add("cut off before the last bracket", good[..good.len() - 2].to_vec());
    let before_runs = GOOD.find("\"runs\"").expect("it has runs");
    add("cut off in a word", good[..before_runs + 3].to_vec());
    add("empty", Vec::new());
    add("the file twice", [good, good].concat());
    add("a list around it", [&b"["[..], good, b"]"].concat());
    add("only its first key", b"{ \"faultwire_replay\": 1 }".to_vec());
    add("a text", b"\"faultwire_replay\"".to_vec());
    add("no JSON at all", b"PK\x03\x04 an archive".to_vec());
    let mut damaged = good.to_vec();
    damaged[good.len() / 2] = 0xFF;
    add("not UTF-8", damaged);
    add("zeros in it", good.iter().map(|&byte| if byte == b'\n' { 0 } else { byte }).collect());
    let deep = format!("\"digest\": {}", "[".repeat(100_000));
    add(
        "deep nesting",
        GOOD.replacen("\"digest\": \"00000000000000000000000000000000\"", &deep, 1).into_bytes(),
    );
    files
}

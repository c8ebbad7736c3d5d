//! Captures as tshark reads them.

mod support;

use std::process::Command;

use support::{Folder, TINY, faultwire};

/// tshark's view of a capture, one line a packet; `None` where tshark is missing and may be.
#[expect(
    clippy::disallowed_methods,
    reason = "whether a missing tshark is a failure depends on where tests run"
)]
fn tshark(file: &str, arguments: &[&str]) -> Option<String> {
    let run = Command::new("tshark")
        .args(["-n", "-r", file, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"])
        .args(arguments)
        .output();
    match run {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(String::from_utf8(output.stdout).unwrap())
        }
        Err(error) => {
            assert!(std::env::var("CI").is_err(), "tshark can't be run: {error}");
            println!("skipped: needs tshark");
            None
        }
    }
}

#[test]
fn tshark_reads_a_capture_without_a_complaint() {
    let folder = Folder::new("capture");
    let experiment = TINY.replace(
        "\"expect\"",
        r#""faults": [ { "name": "lose data", "on": "wire", "towards": "server",
            "match": { "kind": "data", "transmission": 1, "nth": 1 }, "do": "drop" } ], "expect""#,
    );
    let file = folder.file("lossy.json", &experiment);
    let capture = folder.path("client.pcapng");
    let run = faultwire(&["run", &file, "--pcap", &capture, "--quiet"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let bad = "_ws.malformed || tcp.checksum.status == 0 || ip.checksum.status == 0";
    let Some(complaints) = tshark(&capture, &["-Y", bad]) else { return };
    assert_eq!(complaints, "");
    let fields = ["-T", "fields", "-e", "tcp.flags.str", "-e", "tcp.len", "-e", "frame.comment"];
    let packets = tshark(&capture, &fields).unwrap();
    assert!(packets.lines().next().unwrap().contains("#1, opens the connection"), "{packets}");
    assert!(packets.contains("dropped by \"lose data\""), "{packets}");
    let again =
        tshark(&capture, &["-Y", "tcp.analysis.retransmission || tcp.analysis.fast_retransmission"]).unwrap();
    assert_eq!(again.lines().count(), 1, "one vantage point shows the one retransmission: {again}");
}

#[test]
fn one_file_an_interface_with_the_case_in_its_name() {
    let folder = Folder::new("interfaces");
    let cases = r#""cases": [ { "name": "near" }, { "name": "far away", "set": { "links.wire.delay": "20ms" } } ], "expect""#;
    let file = folder.file("two.json", &TINY.replace("\"expect\"", cases));
    let captures = folder.path("captures");
    let run = faultwire(&["run", &file, "--pcap-dir", &captures]);
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
    let mut names: Vec<_> = std::fs::read_dir(&captures)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "far_away-client-wire.pcapng",
            "far_away-server-wire.pcapng",
            "near-client-wire.pcapng",
            "near-server-wire.pcapng"
        ]
    );
    let one = faultwire(&[
        "run",
        &file,
        "--case",
        "near",
        "--pcap",
        &folder.path("x.pcapng"),
        "--pcap-at",
        "server",
    ]);
    assert_eq!(one.status, 0, "{}", one.stderr);
    assert!(folder.names().contains(&"x.pcapng".to_owned()), "{:?}", folder.names());
}

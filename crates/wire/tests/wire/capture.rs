//! Capture files: their bytes, their errors, and what tshark reads in them.

use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use faultwire_base::Instant;
use faultwire_wire::{Body, CaptureWriter, IcmpKind, IcmpMessage, Packet, Payload, Segment};

use crate::samples::{CLIENT_V4, CLIENT_V6, SERVER_V4, SERVER_V6, data_segment, every_kind, packet, v4, v6};

fn names() -> Vec<(IpAddr, String)> {
    [(SERVER_V4, "server"), (CLIENT_V4, "client"), (CLIENT_V6, "client"), (SERVER_V6, "server")]
        .map(|(address, name)| (address, name.to_owned()))
        .to_vec()
}

/// A comment with all that JSON and shells stumble over, of a length that needs padding.
const COMMENT: &str = "dropped by fault \"späte Kopie\", packet 3";

fn capture_of(packets: &[Packet]) -> Vec<u8> {
    let mut capture = CaptureWriter::new(Vec::new(), "client>wire", &names()).unwrap();
    for (index, packet) in packets.iter().enumerate() {
        let at = Instant::from_nanos(1_000_000_001 * index as u64);
        capture.write(at, &packet.encode(), (index % 3 == 1).then_some(COMMENT)).unwrap();
    }
    capture.finish().unwrap()
}

/// draft-ietf-opsawg-pcapng: type, length, body, length; each option padded to four octets.
#[test]
fn bytes_of_a_small_file() {
    let mut capture = CaptureWriter::new(Vec::new(), "eth", &[(CLIENT_V4, "a".to_owned())]).unwrap();
    capture.write(Instant::from_nanos(0x0000_0002_0000_0003), &[0x45, 6, 7, 8, 9], Some("why")).unwrap();
    let version = concat!("faultwire ", env!("CARGO_PKG_VERSION"));
    assert_eq!(version.len(), 15, "the lengths below are for this version string");
    let expected = [
        // Section header: byte-order magic, version 1.0, length unknown; shb_userappl.
        &[0x0A, 0x0D, 0x0D, 0x0A, 52, 0, 0, 0, 0x4D, 0x3C, 0x2B, 0x1A, 1, 0, 0, 0][..],
        &[0xFF; 8],
        &[4, 0, 15, 0],
        version.as_bytes(),
        &[0, 0, 0, 0, 0, 52, 0, 0, 0],
        // Interface: LINKTYPE_RAW 101, snapshot length 262144; if_name, if_tsresol 9.
        &[1, 0, 0, 0, 40, 0, 0, 0, 101, 0, 0, 0, 0, 0, 4, 0],
        &[2, 0, 3, 0, b'e', b't', b'h', 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 40, 0, 0, 0],
        // Names: one IPv4 record, its end.
        &[4, 0, 0, 0, 28, 0, 0, 0, 1, 0, 6, 0, 10, 0, 0, 1, b'a', 0, 0, 0, 0, 0, 0, 0, 28, 0, 0, 0],
        // Packet: interface 0, time high and low, captured and original length; opt_comment.
        &[6, 0, 0, 0, 52, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0, 5, 0, 0, 0],
        &[0x45, 6, 7, 8, 9, 0, 0, 0, 1, 0, 3, 0, b'w', b'h', b'y', 0, 0, 0, 0, 0, 52, 0, 0, 0],
    ]
    .concat();
    assert_eq!(capture.finish().unwrap(), expected);
}

#[test]
fn names_that_no_file_can_hold_are_errors() {
    for name in [String::new(), "a\0b".to_owned(), "x".repeat(65_001)] {
        let error = CaptureWriter::new(Vec::new(), &name, &[]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        let error = CaptureWriter::new(Vec::new(), "link", &[(CLIENT_V6, name)]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
    CaptureWriter::new(Vec::new(), "link", &[(CLIENT_V6, "x".repeat(65_000))]).unwrap();
}

/// The cut is between characters.
#[test]
fn long_comments_are_cut() {
    let mut capture = CaptureWriter::new(Vec::new(), "link", &[]).unwrap();
    capture.write(Instant::ZERO, &[], Some(&"ä".repeat(40_000))).unwrap();
    capture.write(Instant::ZERO, &[], Some(&format!("x{}", "ä".repeat(40_000)))).unwrap();
    let file = capture.finish().unwrap();
    assert_eq!(file.len() % 4, 0);
    assert_eq!(file.windows(2).filter(|pair| *pair == "ä".as_bytes()).count(), 32_500 + 32_499);
}

/// Takes so many octets and then fails, as a full disk does.
struct Disk(usize);

impl Write for Disk {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if self.0 < octets.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0 -= octets.len();
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.0 == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

#[test]
fn a_full_disk_is_an_error_wherever_it_fills() {
    let whole = capture_of(&every_kind()[..3]).len();
    for room in 0..=whole {
        let written = CaptureWriter::new(Disk(room), "client>wire", &names()).and_then(|mut capture| {
            for (index, packet) in every_kind()[..3].iter().enumerate() {
                capture.write(Instant::ZERO, &packet.encode(), (index == 1).then_some(COMMENT))?;
            }
            capture.finish()
        });
        let error = written.err().map(|error| error.kind());
        assert_eq!(error, Some(io::ErrorKind::StorageFull), "room for {room} of {whole} octets");
    }
}

/// A file of this test alone, removed afterwards.
struct CaptureFile(PathBuf);

impl CaptureFile {
    fn new(name: &str, packets: &[Packet]) -> Self {
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.pcapng", std::process::id()));
        std::fs::write(&path, capture_of(packets)).unwrap();
        Self(path)
    }

    /// The lines that tshark prints with every checksum verified.
    fn read(&self, arguments: &[&str]) -> Vec<String> {
        let output = Command::new("tshark")
            .arg("-r")
            .arg(&self.0)
            .args(["-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"])
            .args(["-o", "ip.check_checksum:TRUE"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    /// How many packets pass a display filter.
    fn count(&self, filter: &str) -> usize {
        self.read(&["-Y", filter]).len()
    }
}

impl Drop for CaptureFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[expect(clippy::disallowed_methods, reason = "decides whether the test may be skipped, not what a run does")]
fn tshark_is_here() -> bool {
    if Command::new("tshark").arg("--version").output().is_ok_and(|output| output.status.success()) {
        return true;
    }
    assert!(std::env::var("CI").is_err(), "CI needs tshark");
    println!("skipped: needs tshark");
    false
}

/// What tshark calls broken: a bad checksum (status 0), a malformed packet, or an expert note of severity error.
const BAD_CHECKSUM: &str = "ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0 || \
                            icmp.checksum.status == 0 || icmpv6.checksum.status == 0";
const BROKEN: &str = "_ws.malformed || _ws.expert.severity == 8388608";

/// MUST-2: tshark finds nothing wrong in a packet of every kind, and it did look.
#[test]
fn tshark_finds_no_fault() {
    if !tshark_is_here() {
        return;
    }
    let packets = every_kind();
    let file = CaptureFile::new("every-kind", &packets);
    assert_eq!(file.read(&["-Y", BROKEN]), [""; 0]);
    assert_eq!(file.read(&["-Y", BAD_CHECKSUM]), [""; 0]);
    let of = |wanted: fn(&Packet) -> bool| packets.iter().filter(|packet| wanted(packet)).count();
    let is_v4 = |packet: &Packet| packet.ip.source.is_ipv4();
    for (filter, expected) in [
        ("frame", packets.len()),
        ("ip.checksum.status == 1", of(is_v4)),
        ("ipv6", of(|packet| packet.ip.source.is_ipv6())),
        ("tcp.checksum.status == 1 && !icmp && !icmpv6", of(|packet| matches!(packet.body, Body::Tcp(_)))),
        ("udp.checksum.status == 1", of(|packet| matches!(packet.body, Body::Udp(_)))),
        (
            "icmp.checksum.status == 1",
            of(|packet| packet.ip.source.is_ipv4() && matches!(packet.body, Body::Icmp(_))),
        ),
        (
            "icmpv6.checksum.status == 1",
            of(|packet| packet.ip.source.is_ipv6() && matches!(packet.body, Body::Icmp(_))),
        ),
    ] {
        assert_eq!(file.count(filter), expected, "{filter}");
    }
}

/// A quoted segment that is cut short has the checksum of the whole. tshark verifies it over what is there, and is wrong:
/// nothing else may be amiss.
#[test]
fn tshark_misjudges_only_the_cut_quotes() {
    if !tshark_is_here() {
        return;
    }
    let long = Segment { payload: Payload::Zeros { len: 1_400 }, ..data_segment() };
    let errors = [v4(), v6()].map(|ip| {
        let message =
            IcmpMessage::quoting(IcmpKind::TimeExceeded { code: 0 }, &packet(ip, Body::Tcp(long.clone())));
        packet(ip, Body::Icmp(message))
    });
    let file = CaptureFile::new("quotes", &errors);
    assert_eq!(file.count("tcp.checksum.status == 0"), 2);
    assert_eq!(file.count("_ws.malformed"), 0);
    assert_eq!(file.count("ip.checksum.status == 0"), 0, "neither the header nor the quoted one");
    assert_eq!(file.count("icmp.checksum.status == 1 || icmpv6.checksum.status == 1"), 2);
}

/// The filters above do see damage.
#[test]
fn tshark_finds_damage() {
    if !tshark_is_here() {
        return;
    }
    let packets = every_kind();
    // The last bit of a packet is always below its transport checksum.
    let damaged: Vec<_> = packets.iter().map(|packet| packet.corrupt(&[packet.length() * 8 - 1])).collect();
    assert_eq!(CaptureFile::new("damaged", &damaged).count(BAD_CHECKSUM), packets.len());
    let mut bytes = packet(v4(), Body::Tcp(data_segment())).encode();
    bytes.truncate(45);
    let short = packet(v4(), Body::Raw(bytes.into()));
    assert_eq!(CaptureFile::new("short", &[short]).count(BROKEN), 1);
}

#[test]
fn tshark_shows_times_names_and_comments() {
    if !tshark_is_here() {
        return;
    }
    let packets = every_kind();
    let file = CaptureFile::new("names", &packets);
    let fields = [
        "frame.time_epoch",
        "frame.interface_name",
        "frame.comment",
        "frame.len",
        "ip.src_host",
        "ipv6.src_host",
    ];
    let mut arguments = vec!["-N", "n", "-T", "fields", "-E", "separator=|"];
    fields.iter().for_each(|field| arguments.extend(["-e", field]));
    let lines = file.read(&arguments);
    assert_eq!(lines.len(), packets.len());
    for (index, (line, packet)) in lines.iter().zip(&packets).enumerate() {
        let comment = if index % 3 == 1 { COMMENT } else { "" };
        let start = format!("{index}.{index:09}|client>wire|{comment}|{}|", packet.length());
        let rest = line.strip_prefix(&start).unwrap_or_else(|| panic!("{line:?} begins with {start:?}"));
        let version = usize::from(packet.ip.source.is_ipv6());
        // An ICMP error also shows the addresses of what it quotes.
        let hosts = rest.split('|').nth(version).unwrap();
        assert_eq!(hosts.split(',').next(), Some("client"), "{line}");
    }
}

/// The whole segment as tshark reads it, options included.
#[test]
fn tshark_reads_the_fields() {
    if !tshark_is_here() {
        return;
    }
    let packets = every_kind();
    let file = CaptureFile::new("fields", &packets[..3]);
    let mut arguments =
        vec!["-T", "fields", "-E", "separator=|", "-o", "tcp.relative_sequence_numbers:FALSE"];
    for field in [
        "tcp.srcport",
        "tcp.dstport",
        "tcp.seq",
        "tcp.flags",
        "tcp.options.mss_val",
        "tcp.options.wscale.shift",
        "tcp.options.timestamp.tsval",
        "tcp.options.sack_le",
    ] {
        arguments.extend(["-e", field]);
    }
    assert_eq!(
        file.read(&arguments),
        [
            "40000|7777|4294967280|0x0002|1460|7|16909060|",
            "40000|7777|4294967280|0x0052||14||",
            "40000|7777|4294967280|0x0010||||1000,3000,4294967295,1",
        ]
    );
}

//! Captures of the examples as tshark reads them: nothing malformed, every checksum right, and in the sender's view the
//! same retransmissions and duplicate ACKs that the report counts.

mod experiments;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use faultwire_host::DropReason;
use faultwire_sim::experiment::{Overrides, load};
use faultwire_sim::output::{Legend, PacketNumber, Trace, Vantage, write_capture};
use faultwire_sim::plan::{Case, Experiment};
use faultwire_sim::report::{CaseReport, ConnectionReport};
use faultwire_sim::run::{Judging, run_case};

/// Files with so many packets that one case must do.
const LONG: [&str; 2] = ["bottleneck", "lossy-bulk"];

/// A file whose captures hold more than 4 GiB each: its sequence numbers go round.
const HUGE: &str = "s48-wrapped-sequence-numbers";

/// Every capture of every example (but those that corrupt packets), read at once: a pcapng file may have many sections.
#[test]
fn nothing_is_malformed_and_every_checksum_is_right() {
    let capture = Capture::new("all");
    let mut out = capture.create();
    let mut written = 0;
    for path in experiments::all() {
        let name = experiments::name_of(&path);
        let text = fs::read_to_string(&path).expect("a readable file");
        if text.contains("corrupt") {
            println!("{name} corrupts packets: left out");
            continue;
        }
        if name == HUGE {
            println!("{name} fills gigabytes: left out");
            continue;
        }
        let cases = if LONG.contains(&name.as_str()) { 1 } else { usize::MAX };
        for case in load_with(&path, &Overrides::default()).cases.iter().take(cases) {
            let (legend, trace, _) = play(case);
            for vantage in Vantage::all(&legend) {
                written += write_capture(&mut out, &legend, &trace, &vantage).expect("a writable file");
            }
        }
    }
    out.flush().expect("a writable file");
    let fields = [
        "ip.checksum.status",
        "tcp.checksum.status",
        "udp.checksum.status",
        "_ws.malformed",
        "frame.protocols",
    ];
    // The captures share addresses, and by chance ports: what is the next segment of one is not that of another.
    let preferences = ["tcp.analyze_sequence_numbers:FALSE", "tcp.desegment_tcp_streams:FALSE"];
    let Some(packets) = tshark(&capture, &preferences, &fields) else { return };
    assert_eq!(packets.len() as u64, written, "tshark reads every packet");
    assert!(written > 40_000, "{written} packets");
    for (number, packet) in packets.iter().enumerate() {
        let [ip, tcp, udp, malformed, protocols] = &packet[..] else { panic!("{packet:?}") };
        // Of an ICMP error the first header is its own; tshark misjudges the checksums of what a quote has cut off.
        let quotes = protocols.contains("icmp");
        let is_right = |status: &str| matches!(status.split(',').next(), Some("" | GOOD));
        assert!(is_right(ip) && !is_malformed(malformed, protocols), "packet {}: {packet:?}", number + 1);
        assert!(quotes || (is_right(tcp) && is_right(udp)), "packet {}: {packet:?}", number + 1);
    }
    println!("{written} packets");
}

/// Whether tshark stumbled over a header. Payloads are generated, and some it takes for a protocol that they are not;
/// that is the innermost then.
fn is_malformed(complaint: &str, protocols: &str) -> bool {
    let innermost = protocols.rsplit(':').next();
    // A forged segment really contradicts the one whose place it takes.
    !complaint.is_empty()
        && !complaint.contains("New fragment overlaps old data")
        && matches!(innermost, Some("raw" | "ip" | "ipv6" | "tcp" | "udp" | "icmp" | "icmpv6"))
}

/// tshark's word for a right checksum.
const GOOD: &str = "1";

/// Two losses of one flow, and none: what tshark calls retransmission or duplicate ACK is what the report counts.
#[test]
fn one_retransmission() {
    let Some(seen) = watch("retransmission.json", &[], "client") else { return };
    assert_eq!(seen.iter().map(|it| it.retransmissions).collect::<Vec<_>>(), [1, 1, 1, 0]);
    for it in &seen {
        it.agrees();
        assert_eq!(it.out_of_order, 0, "{}: a sender sees its packets in order", it.case);
    }
    let control = seen.last().expect("there are cases");
    assert_eq!(
        (control.duplicate_acks, control.newly_sacking),
        (0, 0),
        "a flow without loss has none of them"
    );
    // RFC 5681 §2 counts as tshark does.
    let Some(seen) = watch("retransmission.json", &["hosts.client.sysctl.tcp_sack=0"], "client") else {
        return;
    };
    for it in &seen {
        it.agrees();
        assert_eq!(it.report.duplicate_acks_received, it.duplicate_acks, "{}", it.case);
    }
    // Behind the hole come 5 segments of the first ten, 2 for each of the four ACKs before it (slow start), and 2 by limited
    // transmit (RFC 3042): 15 duplicate ACKs by RFC 5681 §2, since none of them changes the window.
    assert_eq!(seen.iter().map(|it| it.duplicate_acks).collect::<Vec<_>>(), [15, 0, 0, 0]);
}

/// Hundreds of losses in both directions at once, seen from either end.
#[test]
fn many_retransmissions() {
    for host in ["client", "server"] {
        let Some(seen) = watch("lossy-bulk.json", &[], host) else { return };
        for it in &seen {
            it.agrees();
            let is_clean = it.case.contains("control");
            assert_eq!(
                it.retransmissions + it.out_of_order > 0,
                !is_clean,
                "{}: {}",
                it.case,
                it.retransmissions
            );
        }
    }
}

/// In one direction and without SACK, RFC 5681's duplicate ACKs are those that tshark sees while data is outstanding.
#[test]
fn many_duplicate_acks() {
    let one_way =
        ["hosts.client.sysctl.tcp_sack=0", "apps.flow.bulk.direction=send", "apps.flow.bulk.size=4MiB"];
    let Some(seen) = watch("lossy-bulk.json", &one_way, "client") else { return };
    for it in &seen {
        it.agrees();
        assert_eq!(it.report.duplicate_acks_received, it.duplicate_acks, "{}", it.case);
        assert_eq!(it.duplicate_acks > 100, !it.case.contains("control"), "{}", it.case);
    }
}

/// What tshark finds in a capture taken at a host, and what the report says of the host's connection.
struct Seen {
    case: String,
    report: ConnectionReport,
    sack: bool,
    /// Numbers of the packets that the host sent again.
    sent_again: Vec<u32>,
    /// Numbers of the host's packets that tshark takes for retransmissions, fast or not, or for out of order.
    flagged: Vec<u32>,
    retransmissions: u64,
    out_of_order: u64,
    /// Duplicate ACKs that reached the host, in tshark's sense, while it had data outstanding: RFC 5681 §2 (a), which
    /// tshark does not ask for.
    duplicate_acks: u64,
    /// ACKs that reached the host and report octets that no ACK reported before.
    newly_sacking: u64,
}

impl Seen {
    /// The report and tshark agree, in the sense that each has of the words.
    ///
    /// What a sender sends again less than a round trip after its newest segment, tshark takes for out of order; at the
    /// sender's own interface nothing can be, so those are retransmissions too. With SACK a duplicate ACK is one that
    /// reports something new (RFC 6675 §2), even one that acknowledges new data as well; that is counted here from the
    /// blocks as tshark decodes them.
    fn agrees(&self) {
        assert_eq!(self.flagged, self.sent_again, "{}", self.case);
        assert_eq!(self.report.retransmissions, self.retransmissions + self.out_of_order, "{}", self.case);
        if self.sack {
            let unexplained =
                UNEXPLAINED.iter().find(|(case, _)| *case == self.case).map_or(0, |(_, count)| *count);
            assert_eq!(
                self.report.duplicate_acks_received,
                self.newly_sacking + unexplained,
                "{}",
                self.case
            );
        }
        println!(
            "{}: {} retransmissions, {} of them \"out of order\"; duplicate ACKs: {} reported, {} of tshark, {} newly sacking",
            self.case,
            self.report.retransmissions,
            self.out_of_order,
            self.report.duplicate_acks_received,
            self.duplicate_acks,
            self.newly_sacking
        );
    }
}

/// Plays every case of a file and looks at it from `host`, which has one connection.
fn watch(name: &str, set: &[&str], host: &str) -> Option<Vec<Seen>> {
    lesson(name, set)
        .cases
        .iter()
        .map(|case| watch_case(case, host, &format!("{name} {set:?} {host}")))
        .collect()
}

fn watch_case(case: &Case, host: &str, about: &str) -> Option<Seen> {
    let (legend, trace, report) = play(case);
    let place = legend.host_named(host).expect("a host of this name");
    let capture = Capture::new(&format!("{host}-{}", case.name));
    let mut out = capture.create();
    write_capture(&mut out, &legend, &trace, &Vantage { host: place, link: None }).expect("a writable file");
    out.flush().expect("a writable file");
    let packets = tshark(&capture, &[], &FIELDS)?;
    let mut connections =
        report.connections.into_iter().filter(|connection| connection.name.starts_with(host));
    let mut seen = Seen {
        case: format!("{about}, {}", case.name),
        report: connections.next().expect("the host has a connection"),
        sack: false,
        sent_again: Vec::new(),
        flagged: Vec::new(),
        retransmissions: 0,
        out_of_order: 0,
        duplicate_acks: 0,
        newly_sacking: 0,
    };
    let mut scoreboard = Scoreboard::default();
    for packet in &packets {
        let [comment, again, fast, spurious, early, duplicate, rest @ ..] = &packet[..] else {
            panic!("{packet:?}")
        };
        let number = comment.trim_start_matches('#').split(',').next().and_then(|number| number.parse().ok());
        let number = number.expect("a comment begins with the packet's number");
        let traced = trace.packet(PacketNumber(number));
        if traced.sender != place {
            seen.sack |= !rest[3].is_empty();
            seen.duplicate_acks += u64::from(!duplicate.is_empty() && scoreboard.is_outstanding());
            // The ACK of a segment that is outside the window is dropped with it (RFC 9293 §3.10.7.4, first); that of text
            // for which there is no memory counts, since it was looked at before (fifth and seventh).
            let is_judged = matches!(traced.discarded, None | Some(DropReason::ReceiveBufferFull));
            seen.newly_sacking += u64::from(is_judged && scoreboard.receive(rest));
            continue;
        }
        scoreboard.send(rest);
        let is_again = [again, fast, spurious].iter().any(|flag| !flag.is_empty());
        let is_early = !early.is_empty();
        seen.retransmissions += u64::from(is_again);
        seen.out_of_order += u64::from(is_early && !is_again);
        seen.flagged.extend((is_again || is_early).then_some(number));
        seen.sent_again.extend((traced.packet.tag.transmission > 1).then_some(number));
    }
    Some(seen)
}

/// ACKs that we count as reporting something new and the blocks do not show to be: to be found out.
const UNEXPLAINED: [(&str, u64); 1] = [("lossy-bulk.json [] client, reno", 1)];

/// What is asked of tshark for each packet.
const FIELDS: [&str; 11] = [
    "frame.comment",
    "tcp.analysis.retransmission",
    "tcp.analysis.fast_retransmission",
    "tcp.analysis.spurious_retransmission",
    "tcp.analysis.out_of_order",
    "tcp.analysis.duplicate_ack",
    "tcp.nxtseq",
    "tcp.ack",
    "tcp.options.sack_perm",
    "tcp.options.sack_le",
    "tcp.options.sack_re",
];

/// What a sender knows from SACK blocks, by relative sequence numbers: the left to the right edges of what was reported.
#[derive(Default)]
struct Scoreboard {
    unacknowledged: u64,
    next: u64,
    reported: BTreeMap<u64, u64>,
}

impl Scoreboard {
    /// The sender sends up to the first of these numbers.
    fn send(&mut self, numbers: &[String]) {
        self.next = self.next.max(numbers[0].parse().unwrap_or(0));
    }

    /// Whether anything is sent and not acknowledged.
    fn is_outstanding(&self) -> bool {
        self.unacknowledged < self.next
    }

    /// An ACK arrives: says whether it reports something for the first time.
    fn receive(&mut self, numbers: &[String]) -> bool {
        let list = |text: &String| -> Vec<u64> {
            text.split(',').filter_map(|number| number.parse().ok()).collect()
        };
        let ack = numbers[1].parse().unwrap_or(0);
        if ack < self.unacknowledged {
            return false;
        }
        self.unacknowledged = ack;
        let blocks = list(&numbers[3]).into_iter().zip(list(&numbers[4]));
        let mut reports = false;
        let next = self.next;
        for (left, right) in blocks.filter(|&(_, right)| right <= next) {
            let left = left.max(ack);
            if left < right {
                reports |= self.report(left, right);
            }
        }
        reports
    }

    /// Enters a block: says whether some of it is new.
    fn report(&mut self, left: u64, right: u64) -> bool {
        let touching: Vec<(u64, u64)> = self
            .reported
            .range(..=right)
            .filter(|&(_, end)| *end >= left)
            .map(|(&start, &end)| (start, end))
            .collect();
        if touching.iter().any(|&(start, end)| start <= left && right <= end) {
            return false;
        }
        let (mut start, mut end) = (left, right);
        for (other_start, other_end) in touching {
            self.reported.remove(&other_start);
            (start, end) = (start.min(other_start), end.max(other_end));
        }
        self.reported.insert(start, end);
        true
    }
}

/// tshark's fields of every packet of a capture, in order; `None` where tshark is missing and may be.
fn tshark(capture: &Capture, preferences: &[&str], fields: &[&str]) -> Option<Vec<Vec<String>>> {
    let mut command = Command::new("tshark");
    command.arg("-n").arg("-r").arg(&capture.0).args(["-T", "fields", "-E", "separator=|"]);
    let checksums = ["ip.check_checksum:TRUE", "tcp.check_checksum:TRUE", "udp.check_checksum:TRUE"];
    for preference in checksums.iter().chain(preferences) {
        command.args(["-o", preference]);
    }
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

/// A capture file of this run of the tests; it goes with its owner.
struct Capture(PathBuf);

impl Capture {
    fn new(name: &str) -> Self {
        let name = name.replace(|letter: char| !letter.is_alphanumeric(), "_");
        let file = format!("{name}-{}-{:?}.pcapng", std::process::id(), std::thread::current().id());
        Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(file))
    }

    fn create(&self) -> BufWriter<File> {
        BufWriter::new(File::create(&self.0).expect("the folder for tests can be written to"))
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        // What can't be removed does no harm.
        let _ = fs::remove_file(&self.0);
    }
}

/// A lesson by the name of its file.
fn lesson(name: &str, set: &[&str]) -> Experiment {
    let path = experiments::lessons().into_iter().find(|path| path.ends_with(name)).expect("a known file");
    let set = set.iter().map(|&assignment| assignment.to_owned()).collect();
    load_with(&path, &Overrides { set, ..Overrides::default() })
}

fn load_with(path: &Path, overrides: &Overrides) -> Experiment {
    load(path, overrides).unwrap_or_else(|error| panic!("{error}"))
}

fn play(case: &Case) -> (Legend, Trace, CaseReport) {
    let mut trace = Trace::new();
    let report = run_case(case, Judging::default(), &mut trace).report;
    (Legend::of(&case.plan), trace, report)
}

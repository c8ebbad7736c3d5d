//! Every state meets every segment at every place of the window, under every profile, against tables that were written
//! from the clauses and the kernels' functions.
//!
//! A line of a table: state | segments | places | acknowledgments | timestamps | reply | next state | octets delivered |
//! reason. `any` matches all, and what the segment doesn't have. The segments: SYN, SYN-FIN and RST have no ACK bit,
//! SYN-ACK, ACK, FIN, DATA (10 octets) and RST-ACK have one. The places: `below` is just before RCV.NXT (all of it, an
//! empty one at the octet before), `left` at RCV.NXT, `inside` 100 octets further, `right` at RCV.NXT + RCV.WND, the
//! first octet outside, `above` 1000 octets beyond. A `good` acknowledgment is SND.NXT, a `bad` one 1000 more. Timestamps
//! are agreed on; they are 10 ticks `newer` or `older` than TS.Recent; a RST has none. Replies: `-` nothing; `ACK`
//! <SEQ=SND.NXT><ACK=RCV.NXT>, `ACK later` the same, delayed; `RST` <SEQ=SEG.ACK>; `RST,ACK`
//! <SEQ=0><ACK=SEG.SEQ+SEG.LEN>; `SYN,ACK`; `SYN later` our own once more, before its timeout. Next state `=`: the same. The user of a connection that is closed has only
//! shut down writing. A listener is there, except in CLOSED and SYN_SENT; SYN_RECEIVED is one of its connections.

#[path = "../drill/mod.rs"]
mod drill;

use std::fmt::Write as _;

use drill::Drill;
use faultwire_host::{Fd, How};
use faultwire_tcp::{Config, State};
use faultwire_wire::{Body, Flags, Seq};

const KINDS: [&str; 8] = ["SYN", "SYN-ACK", "ACK", "FIN", "RST", "RST-ACK", "SYN-FIN", "DATA"];
const PLACES: [&str; 5] = ["below", "left", "inside", "right", "above"];

#[test]
fn by_the_letter() {
    run(&Config::rfc(), include_str!("rfc.txt"));
}

#[test]
fn as_linux() {
    run(&Config::linux(), include_str!("linux.txt"));
}

#[test]
fn as_freebsd() {
    run(&Config::freebsd(), include_str!("freebsd.txt"));
}

/// One cell of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    state: State,
    kind: &'static str,
    place: &'static str,
    /// Good, bad, or no acknowledgment.
    ack: Option<bool>,
    /// Newer, older, or no timestamp.
    newer: Option<bool>,
}

/// One line.
#[derive(Debug)]
struct Row<'a> {
    state: State,
    columns: [&'a str; 4],
    reply: &'a str,
    next: &'a str,
    octets: u64,
    reason: &'a str,
}

/// What came of a cell.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    reply: String,
    next: State,
    octets: u64,
}

fn run(config: &Config, table: &str) {
    let rows: Vec<Row<'_>> = table
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(read_row)
        .collect();
    let cells = cells();
    assert_eq!(cells.len(), 11 * 115);
    let mut used = vec![false; rows.len()];
    let mut wrong = String::new();
    for cell in &cells {
        let matching: Vec<usize> = (0..rows.len()).filter(|&row| rows[row].covers(cell)).collect();
        let &[row] = &matching[..] else {
            let _ = writeln!(wrong, "{cell:?} has {} rows", matching.len());
            continue;
        };
        used[row] = true;
        let row = &rows[row];
        let next = if row.next == "=" { cell.state } else { row.next.parse().expect(row.next) };
        let expected = Outcome { reply: row.reply.into(), next, octets: row.octets };
        let actual = Bench::new(config, cell.state).meet(cell, &expected);
        if actual != expected {
            let _ =
                writeln!(wrong, "{cell:?}\n  expected {expected:?}: {}\n  it is    {actual:?}", row.reason);
        }
    }
    for (row, used) in rows.iter().zip(used) {
        if !used {
            let _ = writeln!(wrong, "{row:?} covers nothing");
        }
    }
    assert!(wrong.is_empty(), "{} lines\n{wrong}", wrong.lines().count());
}

/// All of them: RST without timestamps, and no acknowledgment without the ACK bit.
fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for state in State::ALL {
        for kind in KINDS {
            let acks: &[Option<bool>] = if has_ack(kind) { &[Some(true), Some(false)] } else { &[None] };
            let times: &[Option<bool>] =
                if kind.starts_with("RST") { &[None] } else { &[Some(true), Some(false)] };
            for place in PLACES {
                for &ack in acks {
                    cells.extend(times.iter().map(|&newer| Cell { state, kind, place, ack, newer }));
                }
            }
        }
    }
    cells
}

fn has_ack(kind: &str) -> bool {
    !matches!(kind, "SYN" | "SYN-FIN" | "RST")
}

fn read_row(line: &str) -> Row<'_> {
    let columns: Vec<&str> = line.split('|').map(str::trim).collect();
    // A reason may have a bar of its own.
    let &[state, kinds, places, acks, times, reply, next, octets, reason, ..] = &columns[..] else {
        panic!("{line}")
    };
    assert!(!reason.is_empty(), "{line}: no reason");
    let known = |names: &str, all: &[&str]| {
        let is_known = |name: &str| name == "any" || all.contains(&name);
        assert!(names.split(", ").all(is_known), "{line}: {names}");
    };
    known(kinds, &KINDS);
    known(places, &PLACES);
    known(acks, &["good", "bad"]);
    known(times, &["newer", "older"]);
    Row {
        state: state.parse().expect(line),
        columns: [kinds, places, acks, times],
        reply,
        next,
        octets: octets.parse().expect(line),
        reason,
    }
}

impl Row<'_> {
    fn covers(&self, cell: &Cell) -> bool {
        let ack = cell.ack.map_or("", |good| if good { "good" } else { "bad" });
        let time = cell.newer.map_or("", |newer| if newer { "newer" } else { "older" });
        let has = |names: &str, name: &str| names == "any" || names.split(", ").any(|it| it == name);
        let names = [cell.kind, cell.place, ack, time];
        self.state == cell.state && self.columns.iter().zip(names).all(|(column, name)| has(column, name))
    }
}

/// An endpoint in a state.
struct Bench {
    t: Drill,
    fd: Option<Fd>,
    /// SND.NXT, RCV.NXT and RCV.NXT + RCV.WND in script numbers.
    sent: u32,
    next: u32,
    edge: u32,
    /// TS.Recent.
    recent: u32,
}

const SYN_OPTIONS: &str = "mss 1000,sackOK,nop,nop,TS val 1000 ecr 0";
const WINDOW: &str = "win 32896";

impl Bench {
    fn new(config: &Config, state: State) -> Self {
        let t = Drill::new(config.clone());
        let mut bench = Self { t, fd: None, sent: 1, next: 1, edge: 65_536, recent: 1000 };
        bench.reach(state);
        bench
    }

    fn reach(&mut self, state: State) {
        let t = &mut self.t;
        match state {
            State::Closed => return,
            State::Listen => {
                t.listen();
                return;
            }
            State::SynSent => {
                self.fd = Some(t.connect());
                let syn = t.expect("S 0:0(0) <...>");
                t.mapping.set_timestamp(100, syn.options.timestamps().expect("timestamps").0);
                return;
            }
            State::SynReceived => {
                t.listen();
                t.inject(&format!("S 0:0(0) {WINDOW} <{SYN_OPTIONS}>"));
                let syn_ack = t.expect("S. 0:0(0) ack 1 <...>");
                t.mapping.set_timestamp(100, syn_ack.options.timestamps().expect("timestamps").0);
                self.edge = 1 + u32::from(syn_ack.window);
                return;
            }
            _ => {}
        }
        let fd = t.passive(SYN_OPTIONS);
        self.fd = Some(fd);
        self.recent = 1100;
        match state {
            State::FinWait1 => self.finish(),
            State::FinWait2 => {
                self.finish();
                self.peer(". 1:1(0) ack 2");
            }
            State::CloseWait => self.peer_finishes(1),
            State::LastAck => {
                self.peer_finishes(1);
                self.finish();
            }
            State::Closing => {
                self.finish();
                self.peer_finishes(1);
            }
            State::TimeWait => {
                self.finish();
                self.peer(". 1:1(0) ack 2");
                self.peer_finishes(2);
            }
            _ => assert_eq!(state, State::Established),
        }
        assert_eq!(self.t.info(fd).state, state);
        self.edge = self.next + u32::try_from(self.t.info(fd).receive_window).expect("a small window");
    }

    fn finish(&mut self) {
        self.t.shutdown(self.fd.expect("open"), How::Write).expect("open");
        let next = self.next;
        self.t.expect(&format!("F. 1:1(0) ack {next} <...>"));
        self.sent = 2;
    }

    fn peer(&mut self, segment: &str) {
        self.recent += 100;
        let recent = self.recent;
        self.t.inject(&format!("{segment} {WINDOW} <nop,nop,TS val {recent} ecr 100>"));
    }

    fn peer_finishes(&mut self, ack: u32) {
        self.peer(&format!("F. 1:1(0) ack {ack}"));
        let sent = self.sent;
        self.t.expect(&format!(". {sent}:{sent}(0) ack 2 <...>"));
        self.next = 2;
    }

    /// The segment arrives; what comes of it.
    fn meet(mut self, cell: &Cell, expected: &Outcome) -> Outcome {
        let (flags, length, data) = match cell.kind {
            "SYN" => ("S", 1, 0),
            "SYN-FIN" => ("SF", 2, 0),
            "SYN-ACK" => ("S.", 1, 0),
            "ACK" => (".", 0, 0),
            "FIN" => ("F.", 1, 0),
            "DATA" => ("P.", 10, 10),
            "RST" => ("R", 0, 0),
            _ => ("R.", 0, 0),
        };
        let seq = match cell.place {
            "below" => self.next.wrapping_sub(1.max(length)),
            "left" => self.next,
            "inside" => self.next + 100,
            "right" => self.edge,
            _ => self.edge + 1000,
        };
        let ack = self.sent + if cell.ack == Some(false) { 1000 } else { 0 };
        let mut line = format!("{flags} {seq}:{}({data})!", seq.wrapping_add(data));
        if cell.ack.is_some() {
            // Unmapped numbers are the wire's.
            let _ = write!(line, " ack {ack}");
        }
        let _ = write!(line, " {WINDOW}");
        if let Some(newer) = cell.newer {
            let value = if newer { self.recent + 10 } else { self.recent - 10 };
            let syn = if cell.kind.starts_with("SYN") { "mss 1000,sackOK," } else { "" };
            let _ = write!(line, " <{syn}nop,nop,TS val {value} ecr 100>");
        }
        let at = self.t.now;
        self.t.inject(&line);
        // Longer than any delayed ACK, shorter than any retransmission.
        self.t.pass_ms(210);
        let octets = self.delivered(expected);
        let mut replies = Vec::new();
        for (sent_at, packet) in self.t.take_sent() {
            let Body::Tcp(segment) = packet.body else { panic!("{packet:?}") };
            let numbers = Numbers { seq, length, ack, octets, kind: cell.kind, state: cell.state, expected };
            let name = self.name(&segment, &numbers);
            replies.push(if sent_at > at { format!("{name} later") } else { name });
        }
        let reply = if replies.is_empty() { "-".to_string() } else { replies.join(" and ") };
        Outcome { reply, next: self.state(), octets }
    }

    /// The kind of a reply, with what is wrong about its numbers.
    fn name(&self, segment: &faultwire_wire::Segment, numbers: &Numbers<'_>) -> String {
        let local = |script: u32| self.t.mapping.local(script);
        let fin_taken = numbers.kind == "FIN"
            && numbers.expected.next != numbers.state
            && matches!(numbers.expected.next, State::CloseWait | State::TimeWait)
            && !matches!(numbers.state, State::Closing)
            && numbers.seq == self.next;
        let after_syn = Seq(numbers.seq) + 1;
        let received = if numbers.state == State::SynSent {
            after_syn
        } else {
            Seq(self.next) + numbers.octets as u32 + u32::from(fin_taken)
        };
        let flags = segment.flags.without(Flags::PSH);
        let (name, seq, ack) = if flags == Flags::RST {
            ("RST", local(numbers.ack), Seq(0))
        } else if flags == Flags::RST | Flags::ACK {
            ("RST,ACK", Seq(0), Seq(numbers.seq) + numbers.length)
        } else if flags == Flags::SYN | Flags::ACK {
            let repeated = segment.ack == Seq(1);
            ("SYN,ACK", segment.seq, if repeated { Seq(1) } else { after_syn })
        } else if flags == Flags::SYN {
            ("SYN", local(0), Seq(0))
        } else {
            ("ACK", local(self.sent), received)
        };
        let right = segment.seq == seq && (segment.ack == ack || !flags.contains(Flags::ACK));
        if right { name.to_string() } else { format!("{name} with wrong numbers {segment:?}") }
    }

    /// Octets that the user can read.
    fn delivered(&mut self, expected: &Outcome) -> u64 {
        let opens = matches!(expected.next, State::Established | State::CloseWait);
        if self.fd.is_none() && opens {
            let listener = self.t.listen();
            self.fd = self.t.host.accept(listener).ok().map(|(fd, _)| fd);
        }
        self.fd.and_then(|fd| self.t.peek(fd).ok()).unwrap_or(0)
    }

    /// The state of the latest connection; without one, whether somebody listens.
    fn state(&mut self) -> State {
        let any = self.t.host.connections().next().is_some();
        if any || !self.t.is_listening() { self.t.state() } else { State::Listen }
    }
}

/// The numbers of the segment that arrived.
struct Numbers<'a> {
    seq: u32,
    length: u32,
    ack: u32,
    octets: u64,
    kind: &'a str,
    state: State,
    expected: &'a Outcome,
}

//! Figures 6 to 13 of RFC 9293 §3.5 and §3.6, played by whole hosts over a link with faults.
//!
//! What is expected is the figure's own text. A figure says which cells of a line are filled and how a segment is drawn
//! (in one line, or apart when it leaves and when it arrives); everything else, the states, numbers, flags and the
//! order of the lines, is read out of a run. Comments in parentheses that stand in the place of a state are given the
//! state that they stand for, case by case.

use faultwire_base::{Duration, Instant, PlaceId};
use faultwire_sim::experiment::{Overrides, parse};
use faultwire_sim::output::{Trace, TracedPacket, What};
use faultwire_sim::plan::{HostChange, Plan, Step};
use faultwire_sim::report::Outcome;
use faultwire_sim::run::{Judging, run_case};
use faultwire_tcp::State;
use faultwire_wire::{Body, Flags, Segment};

/// Both stacks draw the same figures; they differ in 2 MSL.
const STACKS: [(&str, Duration); 2] = [("rfc", Duration::from_secs(240)), ("linux", Duration::from_secs(60))];

/// Figure 6: basic three-way handshake (S01).
#[test]
fn figure_6() {
    for stack in STACKS {
        let run = Run::of(
            stack,
            ["100", "300"],
            r#"{ "name": "A", "on": "a", "start": "1s", "run": [ { "connect": "b:80", "as": "first" }, { "write": "10B" } ] },
               { "name": "B", "on": "b", "listen": 80, "run": [ { "accept": "first" }, { "read": "10B" } ] }"#,
            "",
        );
        run.draws(
            millis(0),
            &[],
            "
       1.  CLOSED                                               LISTEN

       2.  SYN-SENT    --> <SEQ=100><CTL=SYN>               --> SYN-RECEIVED

       3.  ESTABLISHED <-- <SEQ=300><ACK=101><CTL=SYN,ACK>  <-- SYN-RECEIVED

       4.  ESTABLISHED --> <SEQ=101><ACK=301><CTL=ACK>       --> ESTABLISHED

       5.  ESTABLISHED --> <SEQ=101><ACK=301><CTL=ACK><DATA> --> ESTABLISHED
",
        );
        assert_eq!(run.entered(A, State::Established), [millis(1_100)]);
        assert_eq!(run.entered(B, State::Established), [millis(1_150)]);
    }
}

/// Figure 7: simultaneous connection synchronization (S03, MUST-10), with four segments and no more.
#[test]
fn figure_7() {
    for stack in STACKS {
        let run = Run::of(
            stack,
            ["100", "300"],
            r#"{ "name": "A", "on": "a", "start": "1s", "run": [ { "connect": "b:80", "from_port": 80, "as": "first" } ] },
               { "name": "B", "on": "b", "start": "1s", "run": [ { "connect": "a:80", "from_port": 80, "as": "first" } ] }"#,
            "",
        );
        run.draws(
            millis(0),
            &[],
            "
       1.  CLOSED                                           CLOSED

       2.  SYN-SENT     --> <SEQ=100><CTL=SYN>              ...

       3.  SYN-RECEIVED <-- <SEQ=300><CTL=SYN>              <-- SYN-SENT

       4.               ... <SEQ=100><CTL=SYN>              --> SYN-RECEIVED

       5.  SYN-RECEIVED --> <SEQ=100><ACK=301><CTL=SYN,ACK> ...

       6.  ESTABLISHED  <-- <SEQ=300><ACK=101><CTL=SYN,ACK> <-- SYN-RECEIVED

       7.               ... <SEQ=100><ACK=301><CTL=SYN,ACK> --> ESTABLISHED
",
        );
        // Linux acknowledges the SYN-ACK, whose SYN it knows already, as text that came twice.
        let packets = if stack.0 == "linux" { 6 } else { 4 };
        assert_eq!(run.departures.len(), packets);
    }
}

/// Figure 8: recovery from an old duplicate SYN (S04). The genuine SYN is slow, and the old one overtakes it.
#[test]
fn figure_8() {
    // Linux repeats its SYN two ticks after the RST, before the first one arrives.
    for stack in &STACKS[..1] {
        let run = Run::of(
            *stack,
            ["100", "[300, 400]"],
            r#"{ "name": "A", "on": "a", "start": "1s", "run": [ { "connect": "b:80", "from_port": 4000, "as": "first" } ] },
               { "name": "B", "on": "b", "listen": 80, "run": [ { "accept": "first" } ] }"#,
            r#"{ "name": "slow", "on": "wire", "towards": "b", "match": { "kind": "syn", "nth": 1 }, "do": { "delay": "300ms" } },
               { "name": "old", "on": "wire", "towards": "b", "at": "1010ms",
                 "inject": { "to": "b:80", "from": "a:4000", "flags": "SYN", "seq": 90 } }"#,
        );
        run.draws(
            millis(0),
            &[],
            "
       1.  CLOSED                                               LISTEN

       2.  SYN-SENT    --> <SEQ=100><CTL=SYN>               ...

       3.  (duplicate) ... <SEQ=90><CTL=SYN>               --> SYN-RECEIVED

       4.  SYN-SENT    <-- <SEQ=300><ACK=91><CTL=SYN,ACK>  <-- SYN-RECEIVED

       5.  SYN-SENT    --> <SEQ=91><CTL=RST>               --> LISTEN

       6.              ... <SEQ=100><CTL=SYN>               --> SYN-RECEIVED

       7.  ESTABLISHED <-- <SEQ=400><ACK=101><CTL=SYN,ACK>  <-- SYN-RECEIVED

       8.  ESTABLISHED --> <SEQ=101><ACK=401><CTL=ACK>      --> ESTABLISHED
",
        );
    }
}

/// Figure 9: half-open connection discovery (S14). A boots again; line 7, its next SYN, is one second after the first.
#[test]
fn figure_9() {
    for stack in STACKS {
        let run = Run::of(
            stack,
            ["[99, 400]", "299"],
            r#"{ "name": "A", "on": "a", "run": [ { "sleep": "1s" },
                 { "connect": "b:80", "from_port": 4000, "as": "first" }, { "read": "eof" }, { "close": "first" } ] },
               { "name": "B", "on": "b", "listen": 80, "run": [
                 { "accept": "first" }, { "read": "eof", "fails": "ECONNRESET" }, { "accept": "second" }, { "close": "second" } ] }"#,
            r#"{ "name": "reboot", "on": "a", "at": "3s", "until": "4s", "do": "crash" }"#,
        );
        run.draws(
            millis(4_000),
            &[("(??)", "ESTABLISHED"), ("(!!)", "SYN-SENT"), ("(Abort!!)", "CLOSED")],
            "
         1.  (REBOOT)                              (send 300,receive 100)

         2.  CLOSED                                           ESTABLISHED

         3.  SYN-SENT --> <SEQ=400><CTL=SYN>              --> (??)

         4.  (!!)     <-- <SEQ=300><ACK=100><CTL=ACK>     <-- ESTABLISHED

         5.  SYN-SENT --> <SEQ=100><CTL=RST>              --> (Abort!!)

         6.  SYN-SENT                                         CLOSED

         7.  SYN-SENT --> <SEQ=400><CTL=SYN>              -->
",
        );
        // Linux does not wait for the timer: two ticks after the RST that line 5 sends.
        let again = if stack.0 == "linux" { millis(5_202) } else { millis(6_100) };
        assert_eq!(run.entered(A, State::Established), [millis(1_100), again]);
    }
}

/// Figure 10: the active side causes half-open connection discovery (S15).
#[test]
fn figure_10() {
    for stack in STACKS {
        let run = Run::of(
            stack,
            ["99", "299"],
            r#"{ "name": "A", "on": "a", "run": [ { "sleep": "1s" },
                 { "connect": "b:80", "from_port": 4000, "as": "first" }, { "read": "eof" }, { "close": "first" } ] },
               { "name": "B", "on": "b", "listen": 80, "run": [
                 { "accept": "first" }, { "sleep": "3350ms" }, { "write": "10B" }, { "read": "eof", "fails": "ECONNRESET" },
                 { "accept": "second" }, { "close": "second" } ] }"#,
            r#"{ "name": "reboot", "on": "a", "at": "3s", "until": "4s", "do": "crash" }"#,
        );
        run.draws(
            millis(4_000),
            &[("(??)", "CLOSED"), ("(ABORT!!)", "CLOSED")],
            "
       1.  (REBOOT)                                  (send 300,receive 100)

       2.  (??)    <-- <SEQ=300><ACK=100><DATA=10><CTL=ACK> <-- ESTABLISHED

       3.          --> <SEQ=100><CTL=RST>                   --> (ABORT!!)
",
        );
    }
}

/// Figure 11: an old duplicate SYN initiates a reset on two passive sockets (S05). Z is 90 and X is 300.
#[test]
fn figure_11() {
    for stack in STACKS {
        let run = Run::of(
            stack,
            ["100", "300"],
            r#"{ "name": "A", "on": "a", "listen": 80, "run": [] }, { "name": "B", "on": "b", "listen": 80, "run": [] }"#,
            r#"{ "name": "old", "on": "wire", "towards": "b", "at": "1s",
                 "inject": { "to": "b:80", "from": "a:80", "flags": "SYN", "seq": 90 } }"#,
        );
        run.draws(
            millis(0),
            &[
                ("Z+1", "91"),
                ("Z", "90"),
                ("X", "300"),
                ("(??)", "LISTEN"),
                ("(return to LISTEN!)", "LISTEN"),
            ],
            "
       1.  LISTEN                                        LISTEN

       2.       ... <SEQ=Z><CTL=SYN>                -->  SYN-RECEIVED

       3.  (??) <-- <SEQ=X><ACK=Z+1><CTL=SYN,ACK>   <--  SYN-RECEIVED

       4.       --> <SEQ=Z+1><CTL=RST>              -->  (return to LISTEN!)

       5.  LISTEN                                        LISTEN
",
        );
        assert_eq!(run.departures.len(), 2, "nothing follows");
    }
}

/// Figure 12: normal close sequence (S18).
#[test]
fn figure_12() {
    for stack in STACKS {
        let run = Run::of(
            stack,
            ["99", "299"],
            r#"{ "name": "A", "on": "a", "run": [ { "connect": "b:80", "as": "first" }, { "sleep": "1s" }, { "close": "first" } ] },
               { "name": "B", "on": "b", "listen": 80, "run": [
                 { "accept": "first" }, { "read": "eof" }, { "sleep": "1s" }, { "close": "first" } ] }"#,
            "",
        );
        run.draws(
            millis(1_000),
            &[],
            "
       1.  ESTABLISHED                                          ESTABLISHED

       2.  (Close)
           FIN-WAIT-1  --> <SEQ=100><ACK=300><CTL=FIN,ACK>  --> CLOSE-WAIT

       3.  FIN-WAIT-2  <-- <SEQ=300><ACK=101><CTL=ACK>      <-- CLOSE-WAIT

       4.                                                       (Close)
           TIME-WAIT   <-- <SEQ=300><ACK=101><CTL=FIN,ACK>  <-- LAST-ACK

       5.  TIME-WAIT   --> <SEQ=101><ACK=301><CTL=ACK>      --> CLOSED

       6.  (2 MSL)
           CLOSED
",
        );
    }
}

/// Figure 13: simultaneous close sequence (S19).
#[test]
fn figure_13() {
    for stack in STACKS {
        let run = Run::of(
            stack,
            ["99", "299"],
            r#"{ "name": "A", "on": "a", "run": [ { "connect": "b:80", "as": "first" }, { "sleep": "1s" }, { "close": "first" } ] },
               { "name": "B", "on": "b", "listen": 80, "run": [ { "accept": "first" }, { "sleep": "950ms" }, { "close": "first" } ] }"#,
            "",
        );
        run.draws(
            millis(1_000),
            &[],
            "
       1.  ESTABLISHED                                          ESTABLISHED

       2.  (Close)                                              (Close)
           FIN-WAIT-1  --> <SEQ=100><ACK=300><CTL=FIN,ACK>  ... FIN-WAIT-1
                       <-- <SEQ=300><ACK=100><CTL=FIN,ACK>  <--
                       ... <SEQ=100><ACK=300><CTL=FIN,ACK>  -->

       3.  CLOSING     --> <SEQ=101><ACK=301><CTL=ACK>      ... CLOSING
                       <-- <SEQ=301><ACK=101><CTL=ACK>      <--
                       ... <SEQ=101><ACK=301><CTL=ACK>      -->

       4.  TIME-WAIT                                            TIME-WAIT
           (2 MSL)                                              (2 MSL)
           CLOSED                                               CLOSED
",
        );
    }
}

/// TCP Peer A, on the left of a figure.
const A: usize = 0;
/// TCP Peer B, on its right.
const B: usize = 1;

fn millis(time: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(time)
}

/// What a run shows of the two peers.
struct Run {
    two_msl: Duration,
    /// States of each side with the times from which they hold.
    states: [Vec<(Instant, &'static str)>; 2],
    /// Segments that a peer sent, in their order.
    departures: Vec<Passage>,
    /// Segments that reached a peer, in their order.
    arrivals: Vec<Passage>,
    closes: Vec<(usize, Instant)>,
    restarts: Vec<(usize, Instant)>,
}

/// A segment on its way.
#[derive(Clone)]
struct Passage {
    /// The side that sends it.
    from: usize,
    number: u32,
    segment: Segment,
    departs: Instant,
    arrives: Option<Instant>,
    is_injected: bool,
}

impl Run {
    /// Runs the apps and faults on two hosts with these initial sequence numbers.
    fn of((stack, two_msl): (&str, Duration), isn: [&str; 2], apps: &str, faults: &str) -> Self {
        let [isn_a, isn_b] = isn;
        let text = format!(
            r#"{{ "name": "figure", "stop": {{ "when": "time", "at": "10min" }},
              "hosts": {{
                "a": {{ "stack": "{stack}", "tcp": {{ "initial_sequence_number": {isn_a} }} }},
                "b": {{ "stack": "{stack}", "tcp": {{ "initial_sequence_number": {isn_b} }} }} }},
              "links": [ {{ "name": "wire", "between": ["a", "b"], "delay": "50ms" }} ],
              "apps": [ {apps} ], "faults": [ {faults} ] }}"#
        );
        let experiment =
            parse(&text, "figure", &Overrides::default()).unwrap_or_else(|error| panic!("{error}"));
        let case = &experiment.cases[0];
        let mut trace = Trace::new();
        let run = run_case(case, Judging::default(), &mut trace);
        assert_eq!(run.report.outcome, Outcome::Passed, "{:?}", run.report.failures);
        Self::read(&case.plan, &trace, two_msl)
    }

    fn read(plan: &Plan, trace: &Trace, two_msl: Duration) -> Self {
        let side_of =
            |place: PlaceId| ["a", "b"].into_iter().position(|name| *plan.places[place.index()] == *name);
        let closed = || vec![(Instant::ZERO, State::Closed.as_str())];
        let mut run = Self {
            two_msl,
            states: [closed(), closed()],
            departures: Vec::new(),
            arrivals: Vec::new(),
            closes: Vec::new(),
            restarts: Vec::new(),
        };
        for entry in trace.entries() {
            let Some(side) = side_of(entry.place) else { continue };
            let mut becomes = |state: State| run.states[side].push((entry.at, state.as_str()));
            match entry.what {
                What::Sent { packet, .. } => run.departures.extend(Passage::of(trace.packet(packet), side)),
                What::Arrived { packet, .. } => {
                    run.arrivals.extend(Passage::of(trace.packet(packet), 1 - side));
                }
                What::StateChanged { to, .. } => becomes(to),
                What::HostChanged { change: HostChange::Crash } => becomes(State::Closed),
                What::HostChanged { change: HostChange::Restart } => run.restarts.push((side, entry.at)),
                What::StepEnded { app, step, .. } => {
                    match plan.apps[app as usize].steps[step as usize].step {
                        Step::Listen { .. } => becomes(State::Listen),
                        Step::Close { .. } => run.closes.push((side, entry.at)),
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        run
    }

    /// When a side entered a state, each time.
    fn entered(&self, side: usize, state: State) -> Vec<Instant> {
        let entries = self.states[side].iter().filter(|(_, entered)| *entered == state.as_str());
        entries.map(|&(at, _)| at).collect()
    }

    /// The state of a side after everything that happened to it at `at`, in the RFC's spelling.
    fn state(&self, side: usize, at: Instant) -> String {
        let held = self.states[side].iter().rev().find(|(from, _)| *from <= at);
        held.expect("every side has a state from the start on").1.replace('_', "-")
    }

    /// How long the TIME-WAIT lasted that a side is in at `at`, and when it ended.
    fn time_wait(&self, side: usize, at: Instant) -> Option<(Duration, Instant)> {
        let entered = self.states[side].iter().rposition(|(from, _)| *from <= at)?;
        let (from, state) = self.states[side][entered];
        let (until, _) = *self.states[side].get(entered + 1)?;
        (state == State::TimeWait.as_str()).then(|| (until - from, until))
    }

    /// Compares the run from `start` on with a figure, in which words stand for others.
    fn draws(&self, start: Instant, words: &[(&str, &str)], figure: &str) {
        let lines = || figure.lines().filter(|line| !line.trim().is_empty());
        let mut pen = Pen::new(self, start);
        let mut drawn: Vec<String> = lines().map(|line| pen.draw(&Line::read(line))).collect();
        drawn.extend(pen.left_over());
        let meant = |line: &str| {
            words.iter().fold(line.to_owned(), |line, (word, meaning)| line.replace(word, meaning))
        };
        let wanted: Vec<String> = lines().map(|line| squeeze(&meant(line))).collect();
        assert_eq!(drawn, wanted, "\ndrawn:\n{}\n\nfigure:\n{}\n", drawn.join("\n"), wanted.join("\n"));
    }
}

impl Passage {
    fn of(packet: &TracedPacket, from: usize) -> Option<Self> {
        let Body::Tcp(segment) = &packet.packet.body else { return None };
        Some(Self {
            from,
            number: packet.number.0,
            segment: segment.clone(),
            departs: packet.sent_at,
            arrives: packet.arrival.as_ref().map(|arrival| arrival.at),
            is_injected: packet.injected_by.is_some(),
        })
    }
}

/// One blank for any number of them, none at the ends.
fn squeeze(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A line of a figure: its number, its cells, and its segment with the arrow before and after.
struct Line<'a> {
    number: &'a str,
    cells: [&'a str; 2],
    segment: Option<(&'a str, &'a str, &'a str)>,
}

/// Cells of a line without a segment are on this or that side of this column.
const MIDDLE: usize = 35;
/// Length of `-->`.
const ARROW: usize = 3;

impl<'a> Line<'a> {
    fn read(line: &'a str) -> Self {
        let trimmed = line.trim_start();
        let number = trimmed.split_once(". ").filter(|(number, _)| number.parse::<u32>().is_ok());
        let number = number.map_or("", |(number, _)| &trimmed[..=number.len()]);
        let body = line.len() - trimmed.len() + number.len();
        let Some(start) = line.find("<SEQ") else {
            let middle = MIDDLE.clamp(body, line.len());
            return Self { number, cells: [line[body..middle].trim(), line[middle..].trim()], segment: None };
        };
        let end = start + line[start..].find(' ').expect("an arrow follows");
        let (before, after) = (line[body..start].trim(), line[end..].trim());
        let (left, first) = before.split_at(before.len() - ARROW);
        let (second, right) = after.split_at(ARROW);
        Self { number, cells: [left.trim(), right.trim()], segment: Some((first, &line[start..end], second)) }
    }
}

/// What a line shows of a segment's way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    Departure,
    Arrival,
}

/// Who sends, and what is shown of the way, as the arrows have it.
fn course(first: &str, second: &str) -> (usize, Part) {
    match (first, second) {
        ("-->", "-->") => (A, Part::Whole),
        ("-->", "...") => (A, Part::Departure),
        ("...", "-->") => (A, Part::Arrival),
        ("<--", "<--") => (B, Part::Whole),
        ("...", "<--") => (B, Part::Departure),
        ("<--", "...") => (B, Part::Arrival),
        other => panic!("{other:?} are no arrows"),
    }
}

/// Draws what a run shows in the form of a figure.
struct Pen<'a> {
    run: &'a Run,
    start: Instant,
    /// The time of the line drawn last.
    now: Instant,
    /// Its place in the order of lines: of one moment arrivals come first, and A before B.
    latest: (Instant, bool, usize, u32),
    /// What was not drawn yet.
    departures: Vec<Passage>,
    arrivals: Vec<Passage>,
}

impl<'a> Pen<'a> {
    fn new(run: &'a Run, start: Instant) -> Self {
        let departures = run.departures.iter().filter(|it| it.departs >= start).cloned().collect();
        let arrivals = run.arrivals.iter().filter(|it| it.arrives >= Some(start)).cloned().collect();
        Self { run, start, now: start, latest: (start, false, 0, 0), departures, arrivals }
    }

    fn draw(&mut self, line: &Line<'_>) -> String {
        let Some((first, form, second)) = line.segment else { return self.draw_cells(line) };
        let (from, part) = course(first, second);
        let Some(passage) = self.take(from, part) else {
            return format!("{} nothing goes {first} any more", line.number);
        };
        let arrives = passage.arrives.unwrap_or(Instant::FAR_FUTURE);
        let (happens, side) =
            if part == Part::Departure { (passage.departs, from) } else { (arrives, 1 - from) };
        let order = (happens, part == Part::Departure, side, passage.number);
        if order < self.latest {
            return format!("{} #{} came before the line above", line.number, passage.number);
        }
        (self.latest, self.now) = (order, happens);
        let cell = |side: usize| match line.cells[side] {
            "" => String::new(),
            _ if side == from && passage.is_injected => "(duplicate)".into(),
            // A line that shows the whole way has each state at its own end of it.
            _ if side == from && part == Part::Whole => self.run.state(side, passage.departs),
            _ => self.run.state(side, happens),
        };
        let contents = contents(&passage.segment, form);
        squeeze(&format!("{} {} {first} {contents} {second} {}", line.number, cell(A), cell(B)))
    }

    /// Takes what `from` sends next, or what of it arrives next.
    fn take(&mut self, from: usize, part: Part) -> Option<Passage> {
        let passages = if part == Part::Arrival { &mut self.arrivals } else { &mut self.departures };
        let index = passages.iter().position(|it| it.from == from)?;
        let passage = passages.remove(index);
        if part == Part::Whole {
            self.arrivals.retain(|it| it.number != passage.number);
        }
        Some(passage)
    }

    /// A line without a segment: states, or what was done.
    fn draw_cells(&mut self, line: &Line<'_>) -> String {
        let mut then = self.now;
        let mut cell = |side: usize| match line.cells[side] {
            "" => String::new(),
            "(REBOOT)" if self.run.restarts.contains(&(side, self.now)) => "(REBOOT)".into(),
            "(REBOOT)" => "(no reboot)".into(),
            "(Close)" => self.close(side).into(),
            "(2 MSL)" => match self.run.time_wait(side, self.now) {
                Some((waited, until)) if waited == self.run.two_msl => {
                    then = until;
                    "(2 MSL)".into()
                }
                other => format!("{other:?}"),
            },
            text if text.starts_with("(send ") => self.position(side),
            _ => self.run.state(side, self.now),
        };
        let cells = [cell(A), cell(B)];
        self.now = then;
        squeeze(&format!("{} {} {}", line.number, cells[A], cells[B]))
    }

    /// Whether a side closes at the moment of its next segment.
    fn close(&self, side: usize) -> &'static str {
        let next = self.departures.iter().find(|it| it.from == side);
        match next {
            Some(next) if self.run.closes.contains(&(side, next.departs)) => "(Close)",
            _ => "(no close)",
        }
    }

    /// SND.NXT and RCV.NXT of a side, as its latest segment before the figure tells.
    fn position(&self, side: usize) -> String {
        let sent = |it: &&Passage| it.from == side && it.departs < self.start;
        let latest = self.run.departures.iter().rev().find(sent).expect("the side has sent something");
        let next = latest.segment.seq + latest.segment.sequence_length();
        format!("(send {},receive {})", next.0, latest.segment.ack.0)
    }

    /// Segments that were sent before the last line and stand in no line.
    fn left_over(&self) -> impl Iterator<Item = String> + '_ {
        let left = self.departures.iter().filter(|it| it.departs < self.now);
        left.map(|it| format!("not in the figure: {} from {}", contents(&it.segment, ""), it.from))
    }
}

/// A segment in the RFC's notation. The order of DATA and CTL, and whether the length of data is told, vary between
/// figures: that is as in `form`. "Other fields such as window, addresses, lengths, and text have been left out in the
/// interest of clarity", and so was PSH.
fn contents(segment: &Segment, form: &str) -> String {
    let ack = match segment.flags.contains(Flags::ACK) {
        true => format!("<ACK={}>", segment.ack.0),
        false => String::new(),
    };
    let control = format!("<CTL={}>", segment.flags.without(Flags::PSH));
    let data = match segment.payload.len() {
        0 => String::new(),
        _ if form.contains("<DATA>") => "<DATA>".into(),
        octets => format!("<DATA={octets}>"),
    };
    let data_first =
        form.find("<DATA").is_some_and(|data| form.find("<CTL").is_some_and(|control| data < control));
    let rest = if data_first { data + &control } else { control + &data };
    format!("<SEQ={}>{ack}{rest}", segment.seq.0)
}

//! The events of one end of a connection, line by line, with the times of the run.

use faultwire_base::{Duration, Instant};
use faultwire_host::Errno;
use faultwire_sim::call::{Call, CallKind};
use faultwire_wire::{Body, Flags, Packet, Segment, TcpOption};

use super::calls;
use super::connection::{End, SocketNumber, SocketTable, is_between};
use super::numbers::Numbers;
use super::recorder::{Kept, Recorder, What};
use crate::syntax::tree::Time;

/// Events that a script has at most.
const EVENTS_MAX: usize = 200_000;

/// A script that is being written.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    heading: String,
    kept: &'a [Kept],
    end: &'a End,
    numbers: Numbers,
    /// The events so far.
    lines: Vec<String>,
    /// The latest write.
    write: Option<Write>,
    /// A read that the next may belong to, with its time and descriptor.
    read: Option<(Instant, u32, Call)>,
}

/// A write that may go on.
#[derive(Debug)]
struct Write {
    at: Instant,
    fd: u32,
    /// What it asked for, and what it has got so far.
    first: Call,
    /// Which line tells of it.
    line: usize,
}

/// The line of an event.
fn event(at: Instant, what: &str) -> String {
    let time = Time::Absolute(Duration::from_nanos(at.as_nanos()));
    format!("{time} {what}\n")
}

/// The descriptor of the socket that connects or listens, and that of an accepted one.
const SOCKET: u32 = 3;
const ACCEPTED: u32 = 4;

impl<'a> Writer<'a> {
    /// A script that begins with `heading`.
    pub(crate) fn new(heading: String, recorder: &'a Recorder, end: &'a End) -> Self {
        let kept = recorder.host(end.place);
        let mut writer = Self {
            heading,
            kept,
            end,
            numbers: Numbers::new(0, 0),
            lines: Vec::new(),
            write: None,
            read: None,
        };
        writer.numbers = writer.counted();
        writer
    }

    /// All events.
    ///
    /// # Errors
    /// Why a script can't tell of them.
    pub(crate) fn write(mut self) -> Result<String, String> {
        let mut table = SocketTable::default();
        let mut is_open = false;
        for (index, record) in self.kept.iter().enumerate() {
            match &record.what {
                What::Called(call) => {
                    let number = table.of(call);
                    if let Some(fd) = number.and_then(|number| self.descriptor(number)) {
                        is_open = true;
                        self.call(record.at, fd, call)?;
                    }
                }
                What::Changed if is_open && index < self.end.end => {
                    return Err("its host crashes, restarts or pauses meanwhile".into());
                }
                What::LeftSynSent(connection) if *connection == self.end.connection => {
                    self.numbers.opening = false;
                }
                What::Sent(packet) if self.is_ours(index, packet, true) => {
                    // The one that listens knows the peer's ISN when it answers.
                    self.numbers.opening &= self.end.accepted.is_none();
                    if let Some(spec) = self.numbers.sent(packet) {
                        self.finish_read()?;
                        self.event(record.at, &format!("> {spec}"));
                    }
                }
                What::Arrived(packet) if self.is_ours(index, packet, false) => {
                    let spec = self.numbers.arrived(packet, self.end.local.is_ipv6())?;
                    self.finish_read()?;
                    self.event(record.at, &format!("< {spec}"));
                }
                _ => {}
            }
            if self.lines.len() > EVENTS_MAX {
                return Err(format!("it has more than {EVENTS_MAX} events"));
            }
        }
        self.finish_read()?;
        Ok(self.heading + &self.lines.concat())
    }

    /// A call; a read waits for what comes next.
    fn call(&mut self, at: Instant, fd: u32, call: &Call) -> Result<(), String> {
        if call.result == Err(Errno::WouldBlock) && matches!(call.kind, CallKind::Receive { .. }) {
            return Ok(());
        }
        let joined = self.read.filter(|read| (read.0, read.1) == (at, fd));
        if let Some(joined) = joined.and_then(|(.., read)| calls::joined(&read, call)) {
            self.read = Some((at, fd, joined));
            return Ok(());
        }
        self.finish_read()?;
        if matches!(call.kind, CallKind::Send { .. }) {
            return self.send(at, fd, call);
        }
        if matches!(call.kind, CallKind::Receive { .. }) {
            self.read = Some((at, fd, *call));
            return Ok(());
        }
        // The first event of a script is at its start, and nobody sees when a socket was made.
        let at = if call.kind == CallKind::Socket { Instant::ZERO } else { at };
        self.write_call(at, fd, call)
    }

    /// A write. One that the stack interrupts to transmit goes on in the next calls: in a kernel it is one call.
    fn send(&mut self, at: Instant, fd: u32, call: &Call) -> Result<(), String> {
        if let Some(Write { at: begun, fd: of, ref mut first, line }) = self.write
            && (begun, of) == (at, fd)
            && let Some(whole) = calls::continued(first, call)
        {
            *first = whole;
            if let Some(text) = calls::text(&whole, fd, self.end.local.is_ipv6())?.pop() {
                self.lines[line] = event(at, &text);
            }
            return Ok(());
        }
        self.write = Some(Write { at, fd, first: *call, line: self.lines.len() });
        self.write_call(at, fd, call)
    }

    fn finish_read(&mut self) -> Result<(), String> {
        match self.read.take() {
            Some((at, fd, call)) => self.write_call(at, fd, &call),
            None => Ok(()),
        }
    }

    fn write_call(&mut self, at: Instant, fd: u32, call: &Call) -> Result<(), String> {
        for text in calls::text(call, fd, self.end.local.is_ipv6())? {
            self.event(at, &text);
        }
        Ok(())
    }

    /// When several packets of the peer arrived at once, if any did: a host of a simulation has them all before it answers.
    pub(crate) fn arrive_at_once(&self) -> Option<Instant> {
        let arrivals = self.kept.iter().enumerate().filter_map(|(index, record)| match &record.what {
            What::Arrived(packet) if self.is_ours(index, packet, false) => Some(record.at),
            _ => None,
        });
        let arrivals: Vec<Instant> = arrivals.collect();
        arrivals.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
    }

    /// Whether an app of the host offers more in one call than Linux makes a packet of.
    pub(crate) fn writes_much(&self) -> bool {
        const PART: u64 = 14_000;
        self.kept.iter().any(|record| match &record.what {
            What::Called(Call { kind: CallKind::Send { octets, .. }, .. }) => *octets > PART,
            _ => false,
        })
    }

    /// Whether this end gives or takes a cookie of Fast Open that only its own key explains.
    pub(crate) fn has_own_cookie(&self) -> bool {
        let cookies = |packet: &Packet| match &packet.body {
            Body::Tcp(segment) => segment
                .options
                .iter()
                .any(|option| matches!(option, TcpOption::FastOpen { cookie, .. } if !cookie.is_empty())),
            _ => false,
        };
        self.end.accepted.is_some()
            && self.kept.iter().enumerate().any(|(index, record)| match &record.what {
                What::Sent(packet) => self.is_ours(index, packet, true) && cookies(packet),
                What::Arrived(packet) => self.is_ours(index, packet, false) && cookies(packet),
                _ => false,
            })
    }

    fn event(&mut self, at: Instant, what: &str) {
        self.lines.push(event(at, what));
    }

    fn descriptor(&self, number: SocketNumber) -> Option<u32> {
        match number {
            _ if number == self.end.socket => Some(SOCKET),
            _ if Some(number) == self.end.accepted => Some(ACCEPTED),
            _ => None,
        }
    }

    /// Whether a packet is one of this connection, to or from this end.
    fn is_ours(&self, index: usize, packet: &Packet, sent: bool) -> bool {
        let End { local, remote, first_packet, end, .. } = *self.end;
        let is_ours =
            if sent { is_between(packet, local, remote) } else { is_between(packet, remote, local) };
        (first_packet..end).contains(&index) && is_ours
    }

    /// Both ISNs: that of our first SYN, and that of the peer's first that does not contradict it.
    fn counted(&self) -> Numbers {
        let segments = |sent: bool| {
            self.kept.iter().enumerate().filter_map(move |(index, record)| match (&record.what, sent) {
                (What::Sent(packet), true) | (What::Arrived(packet), false)
                    if self.is_ours(index, packet, sent) =>
                {
                    Some(packet)
                }
                _ => None,
            })
        };
        let local = segments(true).filter_map(syn).map(|segment| segment.seq.0).next().unwrap_or(0);
        let fits = |segment: &&Segment| {
            !segment.flags.contains(Flags::ACK) || segment.ack.0 == local.wrapping_add(1)
        };
        let remote = segments(false).filter_map(syn).find(fits).map_or(0, |segment| segment.seq.0);
        let marked = segments(true).chain(segments(false)).any(|packet| packet.ip.traffic_class & 3 != 0);
        let mut numbers = Numbers::new(local, remote);
        numbers.marks = marked;
        numbers
    }
}

fn syn(packet: &Packet) -> Option<&Segment> {
    match &packet.body {
        Body::Tcp(segment) if segment.flags.contains(Flags::SYN) => Some(segment),
        _ => None,
    }
}

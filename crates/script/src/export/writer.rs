//! The events of one end of a connection, line by line, with the times of the run.

use faultwire_base::{Duration, Instant};
use faultwire_sim::call::CallKind;
use faultwire_wire::{Body, Flags, Packet, Segment};

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
    text: String,
    kept: &'a [Kept],
    end: &'a End,
    numbers: Numbers,
    events: usize,
}

/// The descriptor of the socket that connects or listens, and that of an accepted one.
const SOCKET: u32 = 3;
const ACCEPTED: u32 = 4;

impl<'a> Writer<'a> {
    /// A script that begins with `heading`.
    pub(crate) fn new(heading: String, recorder: &'a Recorder, end: &'a End) -> Self {
        let kept = recorder.host(end.place);
        let mut writer = Self { text: heading, kept, end, numbers: Numbers::new(0, 0), events: 0 };
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
                        let at = if call.kind == CallKind::Socket { Instant::ZERO } else { record.at };
                        for text in calls::text(call, fd, self.end.local.is_ipv6())? {
                            self.event(at, &text);
                        }
                    }
                }
                What::Changed if is_open && index < self.end.end => {
                    return Err("its host crashes, restarts or pauses meanwhile".into());
                }
                What::Sent(packet) if self.is_ours(index, packet, true) => {
                    if let Some(spec) = self.numbers.sent(packet) {
                        self.event(record.at, &format!("> {spec}"));
                    }
                }
                What::Arrived(packet) if self.is_ours(index, packet, false) => {
                    let spec = self.numbers.arrived(packet, self.end.local.is_ipv6())?;
                    self.event(record.at, &format!("< {spec}"));
                }
                _ => {}
            }
            if self.events > EVENTS_MAX {
                return Err(format!("it has more than {EVENTS_MAX} events"));
            }
        }
        Ok(self.text)
    }

    fn event(&mut self, at: Instant, what: &str) {
        let time = Time::Absolute(Duration::from_nanos(at.as_nanos()));
        self.text.push_str(&format!("{time} {what}\n"));
        self.events += 1;
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

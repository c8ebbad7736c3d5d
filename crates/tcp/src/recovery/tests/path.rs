//! A one-way flow in virtual time: a sender that is only [`Recovery`], a wire of fixed delay that drops what it is
//! told to, and a receiver that acknowledges every segment.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

pub(super) const SMSS: u32 = 1000;
/// Round trip: half of it each way, on a wire of infinite rate.
pub(super) const RTT: Duration = Duration::from_millis(100);

/// The flow. Segments are numbered from 0 and all as long as SMSS.
pub(super) struct Path {
    pub(super) sender: Recovery,
    pub(super) now: Instant,
    /// What was put on the wire: time, segment, which sending of it, and why.
    pub(super) sent: Vec<(Instant, u64, u16, Reason)>,
    pub(super) verdicts: Vec<(Instant, AckVerdict)>,
    /// Sendings `(segment, which)` that the wire takes.
    pub(super) drops: BTreeSet<(u64, u16)>,
    /// Extra delay of sendings, so that they arrive late.
    pub(super) late: BTreeMap<(u64, u16), Duration>,
    /// ACKs, by their number from 0, that the wire takes.
    pub(super) ack_drops: BTreeSet<u64>,
    pub(super) segments: u64,
    sack: bool,
    next: u64,
    wire: BTreeMap<(Instant, u64), Message>,
    order: u64,
    acks: u64,
    received: BTreeSet<u64>,
    /// Segments in order of arrival, newest last, for the order of SACK blocks.
    recent: Vec<u64>,
}

enum Message {
    Data(u64),
    Ack { ack: u64, sack: Vec<(u64, u64)> },
}

/// Start of segment `index`.
pub(super) fn segment(index: u64) -> Offset {
    Offset::FIRST + index * u64::from(SMSS)
}

impl Path {
    pub(super) fn new(config: &Config, sack: bool, segments: u64) -> Self {
        Self {
            sender: Recovery::new(config, sack, SMSS, 0),
            now: Instant::ZERO,
            sent: Vec::new(),
            verdicts: Vec::new(),
            drops: BTreeSet::new(),
            late: BTreeMap::new(),
            ack_drops: BTreeSet::new(),
            segments,
            sack,
            next: 0,
            wire: BTreeMap::new(),
            order: 0,
            acks: 0,
            received: BTreeSet::new(),
            recent: Vec::new(),
        }
    }

    /// Drops the first sending of each.
    pub(super) fn dropping(mut self, segments: impl IntoIterator<Item = u64>) -> Self {
        self.drops.extend(segments.into_iter().map(|segment| (segment, 1)));
        self
    }

    /// Runs until everything is acknowledged; returns that time.
    pub(super) fn run(&mut self) -> Instant {
        self.transmit();
        for _ in 0..1_000_000 {
            if self.sender.queue.flight() == 0 && self.next == self.segments {
                return self.now;
            }
            self.step();
        }
        panic!("the flow does not end");
    }

    /// Sendings of `segment`, with their times in milliseconds.
    pub(super) fn sendings(&self, segment: u64) -> Vec<u64> {
        self.sent.iter().filter(|sent| sent.1 == segment).map(|sent| millis(sent.0)).collect()
    }

    /// Segments sent again for `reason`, in order.
    pub(super) fn sent_for(&self, reason: Reason) -> Vec<u64> {
        self.sent.iter().filter(|sent| sent.3 == reason).map(|sent| sent.1).collect()
    }

    /// Times, in milliseconds, of verdicts that satisfy `which`.
    pub(super) fn when(&self, which: impl Fn(&AckVerdict) -> bool) -> Vec<u64> {
        self.verdicts.iter().filter(|(_, verdict)| which(verdict)).map(|&(at, _)| millis(at)).collect()
    }

    fn step(&mut self) {
        let arrival = self.wire.keys().next().map(|&(at, _)| at);
        let deadline = self.sender.deadline();
        assert!(deadline.is_some(), "the timer runs while something is in flight");
        if arrival.is_none_or(|at| deadline < Some(at)) {
            self.now = deadline.unwrap();
            self.sender.on_timer(self.now);
        } else {
            let ((at, _), message) = self.wire.pop_first().unwrap();
            self.now = at;
            match message {
                Message::Data(segment) => self.receive(segment),
                Message::Ack { ack, sack } => self.acknowledge(ack, &sack),
            }
        }
        self.transmit();
        self.check();
    }

    fn receive(&mut self, index: u64) {
        self.received.insert(index);
        self.recent.retain(|&other| other != index);
        self.recent.push(index);
        let ack = (0..).find(|index| !self.received.contains(index)).unwrap();
        let mut sack = Vec::new();
        // RFC 2018 §4: the newest first, at most three beside timestamps.
        for &index in self.recent.iter().rev().filter(|&&index| self.sack && index > ack) {
            let first = (ack..=index).rev().take_while(|index| self.received.contains(index)).last().unwrap();
            let last = (index..).take_while(|index| self.received.contains(index)).last().unwrap();
            if !sack.contains(&(first, last + 1)) && sack.len() < 3 {
                sack.push((first, last + 1));
            }
        }
        self.acks += 1;
        if !self.ack_drops.contains(&(self.acks - 1)) {
            self.carry(RTT / 2, Message::Ack { ack, sack });
        }
    }

    fn acknowledge(&mut self, ack: u64, sack: &[(u64, u64)]) {
        let sack: Vec<_> = sack.iter().map(|&(first, beyond)| (segment(first), segment(beyond))).collect();
        let arrived = AckArrived {
            ack: segment(ack),
            sack: &sack,
            d_sack: None,
            window_changed: false,
            has_data: false,
            timestamp_echo_rtt: None,
        };
        let verdict = self.sender.on_ack(self.now, &arrived);
        self.verdicts.push((self.now, verdict));
    }

    fn transmit(&mut self) {
        let limited = loop {
            if self.sender.is_probe_due() {
                if self.next < self.segments {
                    self.send(segment(self.next), Reason::TailLossProbe, false);
                    self.next += 1;
                } else {
                    let (range, reason) = self.sender.loss_probe().unwrap();
                    self.send(range.start, reason, true);
                }
            } else if let Some((range, reason)) = self.sender.next_retransmission() {
                self.send(range.start, reason, true);
            } else if self.sender.new_data_quota(segment(self.next)) < u64::from(SMSS) {
                break true;
            } else if self.next < self.segments {
                let reason = self.sender.new_data_reason();
                self.send(segment(self.next), reason, false);
                self.next += 1;
            } else if let Some((range, reason)) = self.sender.last_resort_retransmission() {
                self.send(range.start, reason, true);
            } else {
                break false;
            }
        };
        self.sender.on_transmission_opportunity_ended(self.now, limited);
    }

    fn send(&mut self, start: Offset, reason: Reason, retransmission: bool) {
        let index = (start - Offset::FIRST) / u64::from(SMSS);
        let transmission = self.sender.transmission_count(start);
        assert_eq!(transmission > 1, retransmission);
        self.sender.on_transmit(self.now, segment(index)..segment(index + 1), retransmission);
        self.sent.push((self.now, index, transmission, reason));
        if !self.drops.contains(&(index, transmission)) {
            let late = self.late.get(&(index, transmission)).copied().unwrap_or(Duration::ZERO);
            self.carry(RTT / 2 + late, Message::Data(index));
        }
    }

    fn carry(&mut self, delay: Duration, message: Message) {
        self.order += 1;
        self.wire.insert((self.now + delay, self.order), message);
    }

    /// What holds after every step.
    fn check(&self) {
        let sender = &self.sender;
        assert_eq!(sender.deadline().is_some(), sender.queue.flight() > 0);
        assert!(sender.congestion_window() >= u64::from(SMSS));
        assert!(u64::from(sender.lost().octets + sender.sacked().octets) <= sender.queue.flight());
        assert!(u64::from(sender.retransmitted().octets) <= sender.queue.flight());
        assert!(sender.slow_start_threshold().is_none_or(|threshold| threshold >= 2 * u64::from(SMSS)));
    }
}

/// Milliseconds since the start.
pub(super) fn millis(at: Instant) -> u64 {
    at.as_nanos() / 1_000_000
}

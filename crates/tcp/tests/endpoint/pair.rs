//! Two endpoints and a wire that a test scripts: latency, drop, duplicate, delay.

use std::sync::Arc;

use faultwire_base::{Duration, Instant, PacketId, PlaceId, StreamId};
use faultwire_tcp::{
    Arrival, Config, Connection, Embryo, EmbryoVerdict, Event, Outgoing, PathInfo, State, TimeWait, reset_for,
};
use faultwire_wire::{Cause, Flags, Payload, Reason, Segment, Seq};

/// The active side.
pub(crate) const A: usize = 0;
/// The other one.
pub(crate) const B: usize = 1;

pub(crate) const PATH_A: PathInfo = PathInfo {
    local_port: 40_000,
    remote_port: 80,
    ipv6: false,
    mtu: 1500,
    timestamp_offset: 5_000,
    segment_size_limit: 0,
    receive_buffer: 0,
};
pub(crate) const PATH_B: PathInfo = PathInfo {
    local_port: 80,
    remote_port: 40_000,
    ipv6: false,
    mtu: 1500,
    timestamp_offset: 90_000,
    segment_size_limit: 0,
    receive_buffer: 0,
};

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn at(millis: u64) -> Instant {
    Instant::ZERO + ms(millis)
}

pub(crate) fn data(offset: u64, len: u32) -> Payload {
    Payload::Generated { stream: StreamId(7), offset, len }
}

pub(crate) fn rfc() -> Config {
    Config::rfc()
}

pub(crate) fn linux() -> Config {
    Config::linux()
}

/// The same without tail loss probes, where the retransmission timer alone is looked at.
pub(crate) fn without_probe(mut config: Config) -> Config {
    config.loss_recovery.tail_loss_probe = faultwire_tcp::TailLossProbe::Off;
    config
}

/// What is at one end.
#[expect(clippy::large_enum_variant, reason = "there are two of them")]
#[derive(Clone, Debug)]
pub(crate) enum End {
    Closed,
    Listen,
    Embryo(Embryo),
    Open(Connection),
}

/// A segment that was sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) at: Instant,
    pub(crate) from: usize,
    pub(crate) count: usize,
    pub(crate) state: State,
    pub(crate) segment: Segment,
    pub(crate) reason: Reason,
    pub(crate) cause: Cause,
    pub(crate) stream_offset: u64,
    pub(crate) transmission: u16,
}

/// What the wire does with a segment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fate {
    pub(crate) drop: bool,
    pub(crate) delay: Duration,
    pub(crate) copies: Vec<Duration>,
}

pub(crate) const PASS: Fate = Fate { drop: false, delay: Duration::ZERO, copies: Vec::new() };
pub(crate) const DROP: Fate = Fate { drop: true, delay: Duration::ZERO, copies: Vec::new() };

type Script = Box<dyn FnMut(&Sent) -> Fate>;

struct Flying {
    arrives: Instant,
    order: u64,
    to: usize,
    sender_state: State,
    id: u64,
    segment: Segment,
}

/// Both ends, the wire, and a log of all that happened.
pub(crate) struct Pair {
    pub(crate) now: Instant,
    pub(crate) configs: [Arc<Config>; 2],
    pub(crate) ends: [End; 2],
    pub(crate) isns: [u32; 2],
    pub(crate) latency: [Duration; 2],
    pub(crate) auto_read: [bool; 2],
    pub(crate) sent: Vec<Sent>,
    /// Lines as the figures of RFC 9293 have them, one for each arrival.
    pub(crate) lines: Vec<String>,
    pub(crate) states: [Vec<(Instant, State)>; 2],
    pub(crate) events: [Vec<(Instant, Event)>; 2],
    pub(crate) read: [Vec<Payload>; 2],
    /// Serialisation time of a full segment and places in the drop-tail queue, if a direction has a rate.
    pub(crate) rate: [Option<(Duration, u64)>; 2],
    busy_until: [Instant; 2],
    counts: [usize; 2],
    script: Script,
    flying: Vec<Flying>,
    order: u64,
}

impl Pair {
    /// A in CLOSED, B in LISTEN; 50 ms each way; ISNs 100 and 300.
    pub(crate) fn new(config: Config) -> Self {
        let config = Arc::new(config);
        Self {
            now: Instant::ZERO,
            configs: [Arc::clone(&config), config],
            ends: [End::Closed, End::Listen],
            isns: [100, 300],
            latency: [ms(50), ms(50)],
            auto_read: [true, true],
            sent: Vec::new(),
            lines: Vec::new(),
            states: [vec![(Instant::ZERO, State::Closed)], vec![(Instant::ZERO, State::Listen)]],
            events: [Vec::new(), Vec::new()],
            read: [Vec::new(), Vec::new()],
            rate: [None; 2],
            busy_until: [Instant::ZERO; 2],
            counts: [0; 2],
            script: Box::new(|_| PASS),
            flying: Vec::new(),
            order: 0,
        }
    }

    pub(crate) fn script(&mut self, script: impl FnMut(&Sent) -> Fate + 'static) {
        self.script = Box::new(script);
    }

    /// Both open, 150 ms after the start.
    pub(crate) fn open(config: Config) -> Self {
        let mut pair = Self::new(config);
        pair.connect(A);
        pair.run_for(ms(150));
        assert_eq!((pair.state(A), pair.state(B)), (State::Established, State::Established));
        pair
    }

    pub(crate) fn connect(&mut self, side: usize) {
        let path = if side == A { PATH_A } else { PATH_B };
        let connection = Connection::connect(&self.configs[side], path, Seq(self.isns[side]), self.now);
        self.ends[side] = End::Open(connection);
        self.settle();
    }

    pub(crate) fn state(&self, side: usize) -> State {
        match &self.ends[side] {
            End::Closed => State::Closed,
            End::Listen => State::Listen,
            End::Embryo(_) => State::SynReceived,
            End::Open(connection) => connection.state(),
        }
    }

    pub(crate) fn end(&mut self, side: usize) -> &mut Connection {
        match &mut self.ends[side] {
            End::Open(connection) => connection,
            other => panic!("no connection but {other:?}"),
        }
    }

    /// Calls the user's side of a connection, then sends what is due.
    pub(crate) fn call<T>(&mut self, side: usize, call: impl FnOnce(&mut Connection, Instant) -> T) -> T {
        let now = self.now;
        let result = call(self.end(side), now);
        self.settle();
        result
    }

    pub(crate) fn write(&mut self, side: usize, offset: u64, len: u32) -> u64 {
        self.call(side, |connection, now| connection.write(now, &data(offset, len)))
    }

    pub(crate) fn close(&mut self, side: usize) {
        self.call(side, Connection::close);
    }

    pub(crate) fn run_for(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    /// Runs until `until`, that instant included.
    pub(crate) fn run_until(&mut self, until: Instant) {
        while let Some(next) = self.next_time().filter(|&next| next <= until) {
            self.step(next);
        }
        self.now = until;
    }

    /// Runs until nothing is left to happen, at most 1000 hours.
    pub(crate) fn run_to_end(&mut self) {
        let bound = self.now + Duration::from_secs(3_600_000);
        while let Some(next) = self.next_time() {
            assert!(next < bound, "it never ends");
            self.step(next);
        }
    }

    /// Lets `segment` arrive at `side` now.
    pub(crate) fn inject(&mut self, side: usize, segment: &Segment) {
        self.arrive(side, segment, Cause::Injected, None);
        self.settle();
    }

    /// A segment of A's connection as B expects it, to change and inject.
    pub(crate) fn forged(&self, from: usize, seq: u32, ack: u32, flags: Flags) -> Segment {
        let path = if from == A { PATH_A } else { PATH_B };
        Segment {
            source_port: path.local_port,
            destination_port: path.remote_port,
            seq: Seq(seq),
            ack: Seq(ack),
            flags,
            window: 65_535,
            ..Segment::default()
        }
    }

    pub(crate) fn next_time(&self) -> Option<Instant> {
        let arrival = self.flying.iter().map(|flying| flying.arrives).min();
        let deadlines = self.ends.iter().filter_map(|end| match end {
            End::Embryo(embryo) => embryo.deadline(),
            End::Open(connection) => connection.deadline(),
            End::Closed | End::Listen => None,
        });
        arrival.into_iter().chain(deadlines).min()
    }

    /// Segments of `side`, as (milliseconds, text).
    pub(crate) fn trace(&self, side: usize) -> Vec<(u64, String)> {
        self.sent
            .iter()
            .filter(|sent| sent.from == side)
            .map(|sent| (sent.at.as_nanos() / 1_000_000, show(&sent.segment)))
            .collect()
    }

    /// When `side` sent a segment that satisfies `what`, in milliseconds.
    pub(crate) fn times(&self, side: usize, what: impl Fn(&Sent) -> bool) -> Vec<u64> {
        self.sent
            .iter()
            .filter(|sent| sent.from == side && what(sent))
            .map(|sent| {
                assert_eq!(sent.at.as_nanos() % 1_000_000, 0, "between two milliseconds");
                sent.at.as_nanos() / 1_000_000
            })
            .collect()
    }

    /// All octets that `side` read.
    pub(crate) fn octets_read(&self, side: usize) -> Vec<u8> {
        self.read[side].iter().flat_map(Payload::to_vec).collect()
    }

    pub(crate) fn state_names(&self, side: usize) -> Vec<&'static str> {
        self.states[side].iter().map(|(_, state)| state.as_str()).collect()
    }

    /// When `side` entered `state` last.
    pub(crate) fn entered(&self, side: usize, state: State) -> Instant {
        self.states[side].iter().rev().find(|(_, entered)| *entered == state).expect("never entered").0
    }

    fn step(&mut self, next: Instant) {
        assert!(next >= self.now, "time runs backwards");
        self.now = next;
        for end in &mut self.ends {
            match end {
                End::Embryo(embryo) => embryo.advance(next),
                End::Open(connection) => connection.advance(next),
                End::Closed | End::Listen => {}
            }
        }
        loop {
            let due = self
                .flying
                .iter()
                .enumerate()
                .filter(|(_, flying)| flying.arrives <= next)
                .min_by_key(|(_, flying)| (flying.arrives, flying.order))
                .map(|(index, _)| index);
            let Some(index) = due else { break };
            let flying = self.flying.swap_remove(index);
            let cause = Cause::Arrival(PacketId::new(PlaceId(flying.to as u32 ^ 1), flying.id));
            self.arrive(flying.to, &flying.segment, cause, Some(flying.sender_state));
        }
        self.settle();
    }

    fn arrive(&mut self, side: usize, segment: &Segment, cause: Cause, sender: Option<State>) {
        let now = self.now;
        let mut reply = None;
        match &mut self.ends[side] {
            End::Closed => reply = reset_for(segment),
            End::Listen => {
                if segment.flags.intersects(Flags::RST) {
                } else if segment.flags.contains(Flags::ACK) {
                    reply = reset_for(segment);
                } else if segment.flags.contains(Flags::SYN) {
                    let path = if side == A { PATH_A } else { PATH_B };
                    let isn = Seq(self.isns[side]);
                    let embryo = Embryo::new(&self.configs[side], path, segment, isn, now, cause);
                    self.ends[side] = End::Embryo(embryo);
                    self.note_state(side);
                }
            }
            End::Embryo(embryo) => match embryo.receive(now, segment, cause) {
                EmbryoVerdict::Ignore(_) => {}
                EmbryoVerdict::Reply(outgoing) => self.launch(side, outgoing),
                EmbryoVerdict::Accept => {
                    let connection = Connection::from_embryo(embryo, segment, now, cause);
                    self.ends[side] = End::Open(connection);
                    let arrival = self.end(side).receive(now, segment, cause);
                    assert_eq!(arrival, Arrival::Handled);
                }
                EmbryoVerdict::Reset { reply } => {
                    self.ends[side] = End::Listen;
                    self.note_state(side);
                    if let Some(outgoing) = reply {
                        self.launch(side, outgoing);
                    }
                }
            },
            End::Open(connection) if connection.is_closed() => reply = reset_for(segment),
            End::Open(connection) => {
                let arrival = connection.receive(now, segment, cause);
                if let Arrival::Reopen { minimum_isn } = arrival {
                    let path = if side == A { PATH_A } else { PATH_B };
                    let embryo = Embryo::new(&self.configs[side], path, segment, minimum_isn, now, cause);
                    self.ends[side] = End::Embryo(embryo);
                    self.note_state(side);
                }
            }
        }
        self.events_of(side);
        if let Some(sender) = sender {
            self.line(side, sender, segment);
        }
        if let Some(segment) = reply {
            let outgoing = Outgoing {
                segment,
                reason: Reason::Reset,
                cause,
                stream_offset: 0,
                transmission: 0,
                traffic_class: 0,
            };
            self.launch(side, outgoing);
        }
    }

    /// Reads, sends and notes all that is due at this instant.
    pub(crate) fn settle(&mut self) {
        let now = self.now;
        for side in [A, B] {
            if let End::Embryo(embryo) = &self.ends[side]
                && embryo.is_dead()
            {
                self.ends[side] = End::Listen;
                self.note_state(side);
            }
            if self.auto_read[side] {
                while let End::Open(connection) = &mut self.ends[side]
                    && let Some(payload) = connection.read(now, u64::MAX)
                {
                    self.read[side].push(payload);
                }
            }
            self.events_of(side);
            loop {
                let outgoing = match &mut self.ends[side] {
                    End::Embryo(embryo) => embryo.transmit(now),
                    End::Open(connection) => connection.transmit(now),
                    End::Closed | End::Listen => None,
                };
                let Some(outgoing) = outgoing else { break };
                self.launch(side, outgoing);
            }
            self.events_of(side);
        }
    }

    fn launch(&mut self, side: usize, outgoing: Outgoing) {
        self.counts[side] += 1;
        let count = self.counts[side];
        let sent = Sent {
            at: self.now,
            from: side,
            count,
            state: self.state(side),
            segment: outgoing.segment,
            reason: outgoing.reason,
            cause: outgoing.cause,
            stream_offset: outgoing.stream_offset,
            transmission: outgoing.transmission,
        };
        let mut fate = (self.script)(&sent);
        let mut arrival = self.now + self.latency[side];
        if let Some((each, places)) = self.rate[side]
            && sent.segment.payload.len() > 500
        {
            let busy = self.busy_until[side].max(self.now);
            if busy.saturating_since(self.now).as_nanos() > each.as_nanos() * places {
                fate.drop = true;
            } else {
                self.busy_until[side] = busy + each;
                arrival = busy + each + self.latency[side];
            }
        }
        let first = (!fate.drop).then_some(fate.delay);
        for delay in first.into_iter().chain(fate.copies) {
            self.order += 1;
            self.flying.push(Flying {
                arrives: arrival + delay,
                order: self.order,
                to: side ^ 1,
                sender_state: sent.state,
                id: count as u64,
                segment: sent.segment.clone(),
            });
        }
        self.sent.push(sent);
    }

    fn events_of(&mut self, side: usize) {
        while let End::Open(connection) = &mut self.ends[side]
            && let Some(event) = connection.event()
        {
            if let Event::StateChanged { from, to } = event {
                assert!(from.may_become(to), "{from} to {to}");
                self.states[side].push((self.now, to));
            }
            self.events[side].push((self.now, event));
        }
    }

    fn note_state(&mut self, side: usize) {
        let state = self.state(side);
        self.states[side].push((self.now, state));
    }

    fn line(&mut self, to: usize, sender: State, segment: &Segment) {
        let receiver = self.state(to);
        let name = |state: State| state.as_str().replace('_', "-");
        let line = if to == B {
            format!("{} --> {} --> {}", name(sender), show(segment), name(receiver))
        } else {
            format!("{} <-- {} <-- {}", name(receiver), show(segment), name(sender))
        };
        self.lines.push(line);
    }
}

/// As the RFC writes it.
pub(crate) fn show(segment: &Segment) -> String {
    let mut text = format!("<SEQ={}>", segment.seq);
    if segment.flags.contains(Flags::ACK) {
        text += &format!("<ACK={}>", segment.ack);
    }
    text += &format!("<CTL={}>", segment.flags.without(Flags::PSH));
    if !segment.payload.is_empty() {
        text += &format!("<DATA={}>", segment.payload.len());
    }
    text
}

/// A connection in TIME-WAIT at A, made by figure 12: A closes first. RCV.NXT is 302, SND.NXT is 102.
pub(crate) fn in_time_wait(config: Config) -> (Pair, TimeWait) {
    let mut pair = Pair::open(config);
    pair.close(A);
    pair.run_for(ms(50));
    pair.close(B);
    pair.run_for(ms(50));
    assert_eq!(pair.state(A), State::TimeWait);
    let time_wait = pair.end(A).clone().into_time_wait();
    (pair, time_wait)
}

//! Rules of RFC 9293 that hold for every packet of every run, watched in all cases of all experiments from outside: from
//! what was sent and what arrived, without a look into the endpoints.

mod experiments;

use std::collections::{BTreeMap, BTreeSet};

use faultwire_base::{Duration, Instant, PacketId, PlaceId};
use faultwire_sim::experiment::{Overrides, load};
use faultwire_sim::plan::Plan;
use faultwire_sim::record::{Event, Record, Sink};
use faultwire_sim::run::{Judging, run_case};
use faultwire_tcp::State;
use faultwire_wire::{Body, Flags, Flow, Packet, Reason, Segment, Seq, TcpOption};

/// Something that sees all packets and says what was wrong.
trait Law: Default {
    /// What is going to be run.
    fn about(&mut self, _: &Plan) {}
    fn watch(&mut self, record: &Record<'_>);
    /// What was found, the end of the run included, and how often the law was put to the test.
    fn verdict(self) -> (Vec<String>, usize);
}

struct Watching<L>(L);

impl<L: Law> Sink for Watching<L> {
    fn record(&mut self, record: &Record<'_>) {
        self.0.watch(record);
    }
}

/// Runs everything under one law.
fn hold<L: Law>(least: usize) {
    let mut wrong = Vec::new();
    let mut tried = 0;
    for path in experiments::all() {
        let experiment = load(&path, &Overrides::default()).unwrap_or_else(|error| panic!("{error}"));
        for case in &experiment.cases {
            let mut watching = Watching(L::default());
            watching.0.about(&case.plan);
            run_case(case, Judging::default(), &mut watching);
            let (found, count) = watching.0.verdict();
            tried += count;
            let name = experiments::name_of(&path);
            wrong.extend(found.into_iter().map(|text| format!("{name}, case {}: {text}", case.name)));
        }
    }
    assert!(wrong.is_empty(), "{} times:\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
    assert!(tried >= least, "only {tried} times put to the test");
}

/// A segment that an endpoint made and sends for the first time on its way.
fn made<'a>(record: &Record<'a>) -> Option<(&'a Packet, &'a Segment)> {
    match record.event {
        Event::Sent { packet, origin: true, .. } if packet.tag.reason != Reason::Unknown => {
            match &packet.body {
                Body::Tcp(segment) => Some((packet, segment)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Which segments have an MSS.
#[derive(Default)]
struct MssOnSynOnly(Vec<String>, usize);

impl Law for MssOnSynOnly {
    fn watch(&mut self, record: &Record<'_>) {
        let Some((packet, segment)) = made(record) else { return };
        let has = segment.options.iter().any(|option| matches!(option, TcpOption::MaximumSegmentSize(_)));
        self.1 += 1;
        if has != segment.flags.contains(Flags::SYN) {
            self.0.push(format!("{} at {}: {:?}", packet.tag.id, record.at, segment.flags));
        }
    }

    fn verdict(self) -> (Vec<String>, usize) {
        (self.0, self.1)
    }
}

/// RFC 9293 §3.2, §3.7.1 (MUST-65, SHLD-5): every SYN has an MSS, and no other segment has one.
#[test]
fn an_mss_is_on_every_syn_and_nowhere_else() {
    hold::<MssOnSynOnly>(10_000);
}

/// Which segments ask for what only an application has to say.
#[derive(Default)]
struct NothingSpecial(Vec<String>, usize);

impl Law for NothingSpecial {
    fn watch(&mut self, record: &Record<'_>) {
        let Some((packet, segment)) = made(record) else { return };
        self.1 += 1;
        if segment.flags.contains(Flags::URG) || segment.urgent != 0 {
            self.0.push(format!("{} at {} is urgent", packet.tag.id, record.at));
        }
        if packet.ip.traffic_class >> 2 != 0 {
            self.0.push(format!(
                "{} at {} has DSCP {}",
                packet.tag.id,
                record.at,
                packet.ip.traffic_class >> 2
            ));
        }
    }

    fn verdict(self) -> (Vec<String>, usize) {
        (self.0, self.1)
    }
}

/// RFC 9293 §3.8.5 (SHLD-13), §3.9.2 (SHLD-23): no application of the experiments uses urgent data or changes the DSCP.
#[test]
fn applications_use_neither_urgent_data_nor_the_dscp() {
    hold::<NothingSpecial>(10_000);
}

/// Where the right edge of each window was, by conversation and host.
#[derive(Default)]
struct NoWindowTakenBack {
    /// Hosts that round windows up in the stream and down beside it (FreeBSD `tcp_output`, `tcp_respond`).
    both_ways: BTreeSet<PlaceId>,
    ends: BTreeMap<(Flow, PlaceId), Edge>,
    wrong: Vec<String>,
    tried: usize,
}

#[derive(Default)]
struct Edge {
    /// The option of its own SYN.
    scale: Option<u8>,
    /// Of the last ACK that was higher than the ones before.
    right: Option<Seq>,
    over: bool,
}

impl Law for NoWindowTakenBack {
    fn about(&mut self, plan: &Plan) {
        let freebsd = plan.hosts.iter().filter(|host| &*host.stack.profile == "freebsd");
        self.both_ways = freebsd.map(|host| host.place).collect();
    }

    fn watch(&mut self, record: &Record<'_>) {
        if let Event::StateChanged { flow, to, .. } = record.event
            && matches!(to, State::CloseWait | State::Closing | State::TimeWait)
            && let Some(edge) = self.ends.get_mut(&(flow, record.place))
        {
            // After the peer's FIN nothing can come any more.
            edge.over = true;
        }
        let Some((packet, segment)) = made(record) else { return };
        let flow = packet.tag.flow;
        let syn = segment.flags.contains(Flags::SYN);
        if syn {
            let scale = segment.options.iter().find_map(|option| match option {
                TcpOption::WindowScale(shift) => Some(shift.min(14)),
                _ => None,
            });
            let answer = segment.flags.contains(Flags::ACK);
            self.ends.insert((flow, record.place), Edge { scale, ..Edge::default() });
            if answer && scale.is_none() {
                // Without the option in both SYNs there is no shift.
                for (_, edge) in self.ends.iter_mut().filter(|((of, _), _)| *of == flow) {
                    edge.scale = None;
                }
            }
            return;
        }
        let Some(edge) = self.ends.get_mut(&(flow, record.place)) else { return };
        if segment.flags.contains(Flags::RST) || edge.over {
            edge.over = true;
            return;
        }
        let shift = edge.scale.unwrap_or(0);
        let right = segment.ack + (u32::from(segment.window) << shift);
        self.tried += 1;
        // Rounded one way it stays less than a unit of the shift behind, rounded both ways a whole one at most.
        let rounding =
            if shift > 0 && self.both_ways.contains(&record.place) { 1 << shift } else { (1 << shift) - 1 };
        if let Some(before) = edge.right
            && right.before(before)
            && before.distance_from(right) > rounding
        {
            self.wrong.push(format!("{} at {}: from {before} back to {right}", packet.tag.id, record.at));
        }
        if edge.right.is_none_or(|before| right.after(before)) {
            edge.right = Some(right);
        }
    }

    fn verdict(self) -> (Vec<String>, usize) {
        (self.wrong, self.tried)
    }
}

/// RFC 9293 §3.8.6 (SHLD-14): ACK and window together never fall, the rounding of the shift apart (RFC 7323 §2.4).
#[test]
fn no_window_is_taken_back() {
    hold::<NoWindowTakenBack>(10_000);
}

/// Where pushed data ended, and where the FIN was, by conversation and host.
#[derive(Default)]
struct LastIsPushed {
    pushed: BTreeMap<(Flow, PlaceId), Vec<Seq>>,
    ends: BTreeMap<(Flow, PlaceId), (Seq, String)>,
}

impl Law for LastIsPushed {
    fn watch(&mut self, record: &Record<'_>) {
        let Some((packet, segment)) = made(record) else { return };
        let key = (packet.tag.flow, record.place);
        let end = segment.seq + segment.payload.len();
        if segment.flags.contains(Flags::SYN) {
            // A new stream, and nothing in it but what a Fast Open brings, which a SYN delivers without a PSH (RFC 7413
            // §4.2).
            self.pushed.insert(key, vec![segment.seq + 1, segment.seq + 1 + segment.payload.len()]);
            return;
        }
        if segment.flags.contains(Flags::PSH) && !segment.payload.is_empty() {
            self.pushed.entry(key).or_default().push(end);
        }
        if segment.flags.contains(Flags::FIN) {
            self.ends.entry(key).or_insert((end, format!("{} at {}", packet.tag.id, record.at)));
        }
    }

    fn verdict(self) -> (Vec<String>, usize) {
        let unpushed = |(key, (end, _)): &(&(Flow, PlaceId), &(Seq, String))| {
            !self.pushed.get(key).is_some_and(|pushed| pushed.contains(end))
        };
        let wrong =
            self.ends.iter().filter(unpushed).map(|(_, (end, fin))| format!("{fin}: no PSH up to {end}"));
        (wrong.collect(), self.ends.len())
    }
}

/// RFC 9293 §3.9.1.2 (MUST-61): the last data before a FIN was pushed.
#[test]
fn the_last_data_is_pushed() {
    hold::<LastIsPushed>(60);
}

/// What each host has received in order and not acknowledged.
#[derive(Default)]
struct Acknowledged {
    receivers: BTreeMap<(Flow, PlaceId), Receiver>,
    /// Linux hosts with a receive buffer that the file limits: two segments wait there for the reader or the delayed ACK if
    /// the window would fall (`__tcp_ack_snd_check`), and what the window would be can't be seen from outside.
    wait_for_readers: Vec<PlaceId>,
    now: Instant,
    wrong: Vec<String>,
    tried: usize,
}

#[derive(Debug, Default)]
struct Receiver {
    /// RCV.NXT, as far as it can be seen; `None` before the peer's SYN.
    next: Option<Seq>,
    acknowledged: Seq,
    /// Arrived ahead of it: first octet and the one after the last, and in which packet, which may be discarded.
    ahead: Vec<(Seq, Seq, PacketId)>,
    /// The largest segment that arrived, for which it has to reckon with full ones.
    full: u32,
    /// The oldest data that was not acknowledged, and when that arrived.
    waiting: Option<(PacketId, Instant)>,
}

impl Receiver {
    fn take(&mut self, at: Instant, id: PacketId, segment: &Segment) {
        let Some(mut next) = self.next else { return };
        self.full = self.full.max(segment.payload.len()).max(536);
        self.ahead.push((segment.seq, segment.seq + segment.payload.len(), id));
        let before = next;
        while let Some(at) =
            self.ahead.iter().position(|(start, end, _)| !start.after(next) && end.after(next))
        {
            next = self.ahead.swap_remove(at).1;
        }
        if next != before {
            self.next = Some(next);
            self.waiting.get_or_insert((id, at));
        }
    }
}

impl Acknowledged {
    /// Whether all receivers have kept the rules up to now; looked at when time goes on.
    fn judge(&mut self, until: Instant) {
        let now = self.now;
        for ((_, place), receiver) in &mut self.receivers {
            let (Some((id, arrived)), Some(next)) = (receiver.waiting, receiver.next) else { continue };
            let owed = next.0.wrapping_sub(receiver.acknowledged.0);
            self.tried += 1;
            let may_wait = self.wait_for_readers.contains(place)
                && until.saturating_since(arrived) < Duration::from_millis(40);
            if owed >= 2 * receiver.full && !may_wait {
                self.wrong.push(format!("{owed} octets are not acknowledged by {place:?} at {now}"));
                receiver.waiting = None;
            }
            if until.saturating_since(arrived) >= Duration::from_millis(500) {
                self.wrong
                    .push(format!("{id}, which arrived at {arrived}, is not acknowledged by {place:?}"));
                receiver.waiting = None;
            }
        }
    }
}

impl Law for Acknowledged {
    fn about(&mut self, plan: &Plan) {
        let limited = plan.hosts.iter().filter(|host| {
            &*host.stack.profile == "linux"
                && host.stack.sysctls.iter().any(|(name, _)| &**name == "tcp_rmem")
        });
        self.wait_for_readers = limited.map(|host| host.place).collect();
    }

    fn watch(&mut self, record: &Record<'_>) {
        if record.at > self.now {
            self.judge(record.at);
            self.now = record.at;
        }
        if let Some((packet, segment)) = made(record) {
            if let Some(receiver) = self.receivers.get_mut(&(packet.tag.flow, record.place)) {
                if segment.flags.contains(Flags::RST) {
                    *receiver = Receiver::default();
                } else if segment.flags.contains(Flags::ACK) {
                    // What it acknowledges is what it took, whatever arrived.
                    receiver.next = Some(segment.ack);
                    receiver.acknowledged = segment.ack;
                    receiver.waiting = None;
                    receiver.ahead.retain(|(_, end, _)| end.after(segment.ack));
                }
            }
            return;
        }
        match record.event {
            Event::Opened { flow, .. } => {
                self.receivers.insert((flow, record.place), Receiver::default());
            }
            Event::StateChanged { flow, to: State::Closed, .. } => {
                self.receivers.remove(&(flow, record.place));
            }
            Event::HostChanged { .. } => self.receivers.retain(|(_, place), _| *place != record.place),
            Event::Arrived { packet, .. } if packet.tag.reason != Reason::Unknown => {
                let Body::Tcp(segment) = &packet.body else { return };
                let Some(receiver) = self.receivers.get_mut(&(packet.tag.flow, record.place)) else { return };
                if segment.flags.contains(Flags::RST) {
                    *receiver = Receiver::default();
                } else if !segment.payload.is_empty() {
                    receiver.take(record.at, packet.tag.id, segment);
                }
            }
            Event::Discarded { packet, .. } => {
                for receiver in self.receivers.values_mut() {
                    receiver.ahead.retain(|&(_, _, id)| id != packet);
                }
                let of = |receiver: &&mut Receiver| receiver.waiting.is_some_and(|(id, _)| id == packet);
                if let Some(receiver) = self.receivers.values_mut().find(of) {
                    receiver.next = Some(receiver.acknowledged);
                    receiver.waiting = None;
                }
            }
            _ => {}
        }
    }

    fn verdict(self) -> (Vec<String>, usize) {
        (self.wrong, self.tried)
    }
}

/// RFC 9293 §3.8.6.3 (MUST-40, SHLD-19): data is acknowledged within half a second, and of two full segments one at once.
#[test]
fn data_is_acknowledged_in_time() {
    hold::<Acknowledged>(10_000);
}

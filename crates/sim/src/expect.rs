//! Expectations: what is watched during a run, and the judgement at its end.

use faultwire_base::{Instant, LookupTable, PacketId, PlaceId};
use faultwire_link::{NameId, PacketKind};
use faultwire_wire::{Cause, Flow, Packet};

use crate::connections::{ConnectionLog, Connections, Rank};
use crate::exchange::ExchangeWatch;
use crate::plan::{Bounds, Check, Expectation, FaultId, Moment, Plan, Subject};

/// Times kept per series; an expectation lists far fewer.
const TIMES_KEPT: usize = 256;

/// Packets counted for one `sent` expectation and one conversation.
#[derive(Clone, Debug, Default)]
struct SentCount {
    count: u64,
    times: Vec<Instant>,
}

/// Packets that one `sent` expectation counts. A socket may get its name after it has sent (a listener's SYN-ACK), so
/// counts are kept for each conversation of the host and chosen at the end.
#[derive(Clone, Debug)]
struct SentWatch {
    expectation: u32,
    by: Subject,
    kind: PacketKind,
    reply_to: Option<FaultId>,
    transmission: Option<Bounds>,
    all: SentCount,
    of_flow: LookupTable<Flow, SentCount>,
}

/// What a fault's packets did.
#[derive(Clone, Debug, Default)]
struct FaultWatch {
    first_arrival: Option<Rank>,
}

/// Everything that expectations need to see while the run goes on.
#[derive(Clone, Debug)]
pub(crate) struct Tracker {
    sent: Vec<SentWatch>,
    sent_at_place: Vec<Vec<u32>>,
    exchanges: Vec<ExchangeWatch>,
    fault_packets: LookupTable<PacketId, FaultId>,
    faults: Vec<FaultWatch>,
}

/// The verdict on one expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judgement {
    pub(crate) passed: bool,
    pub(crate) observed: String,
}

impl Judgement {
    pub(crate) fn new(passed: bool, observed: impl Into<String>) -> Self {
        Self { passed, observed: observed.into() }
    }
}

impl Tracker {
    /// Watches for the expectations of `plan`.
    pub(crate) fn new(plan: &Plan, name_places: &[PlaceId]) -> Self {
        let mut sent = Vec::new();
        let mut sent_at_place = vec![Vec::new(); plan.places.len()];
        for (index, expectation) in plan.expectations.iter().enumerate() {
            if let Check::Sent { by, kind, reply_to, transmission, .. } = expectation.check {
                let place = match by {
                    Subject::Socket(name) => name_places[name.0 as usize],
                    Subject::Host(place) => place,
                    Subject::Direction(_) | Subject::Link(..) => continue,
                };
                sent_at_place[place.index()].push(sent.len() as u32);
                sent.push(SentWatch {
                    expectation: index as u32,
                    by,
                    kind,
                    reply_to,
                    transmission,
                    all: SentCount::default(),
                    of_flow: LookupTable::default(),
                });
            }
        }
        Self {
            sent,
            sent_at_place,
            exchanges: ExchangeWatch::all(plan),
            fault_packets: LookupTable::default(),
            faults: vec![FaultWatch::default(); plan.faults.len()],
        }
    }

    /// `packet` is the work of `fault` from now on.
    pub(crate) fn fault_made(&mut self, fault: FaultId, packet: PacketId) {
        self.fault_packets.insert(packet, fault);
    }

    /// A host made and sent a packet, or a fault injected one.
    #[inline]
    pub(crate) fn sent(&mut self, at: Instant, place: PlaceId, packet: &Packet) {
        for exchange in &mut self.exchanges {
            exchange.sent(at, place, packet);
        }
        for &index in &self.sent_at_place[place.index()] {
            let watch = &mut self.sent[index as usize];
            if !PacketKind::of(packet).is_some_and(|kind| watch.kind.covers(kind, packet)) {
                continue;
            }
            if let Some(fault) = watch.reply_to {
                let Cause::Arrival(cause) = packet.tag.cause else { continue };
                if self.fault_packets.get(&cause) != Some(&fault) {
                    continue;
                }
            }
            if watch.transmission.is_some_and(|bounds| !bounds.contain(u64::from(packet.tag.transmission))) {
                continue;
            }
            let count = match watch.by {
                Subject::Socket(_) => watch.of_flow.entry_or_insert_with(packet.tag.flow, SentCount::default),
                _ => &mut watch.all,
            };
            count.count += 1;
            if count.times.len() < TIMES_KEPT {
                count.times.push(at);
            }
        }
    }

    /// The fault whose packet this is, if it is the first of it to reach a host.
    pub(crate) fn first_of(&self, packet: PacketId) -> Option<FaultId> {
        let fault = *self.fault_packets.get(&packet)?;
        self.faults[fault.0 as usize].first_arrival.is_none().then_some(fault)
    }

    /// A step of an app has succeeded.
    pub(crate) fn step_done(&mut self, at: Instant, app: u32, step: u32) {
        for exchange in &mut self.exchanges {
            exchange.step_done(at, app, step);
        }
    }

    /// A packet reached a host.
    #[inline]
    pub(crate) fn arrived(&mut self, rank: Rank, packet: &Packet) {
        for exchange in &mut self.exchanges {
            exchange.arrived(rank.at, packet);
        }
        if self.fault_packets.is_empty() {
            return;
        }
        if let Some(fault) = self.fault_packets.get(&packet.tag.id) {
            self.faults[fault.0 as usize].first_arrival.get_or_insert(rank);
        }
    }

    /// Whether an expectation still waits for something that only passing time can bring, so that the run goes on
    /// although nothing else moves.
    pub(crate) fn waits(&self, now: Instant, plan: &Plan, connections: &Connections) -> bool {
        plan.expectations.iter().any(|expectation| match expectation.check {
            Check::StateAt { when: Moment::Time(time), .. }
            | Check::Info { when: Moment::Time(time), .. } => time > now,
            Check::Leaves { socket, state, .. } => {
                connections.named(socket).is_some_and(|log| log.state() == state)
            }
            Check::Reaches { socket, state, .. } => connections.named(socket).is_some_and(|log| {
                log.entered(state).is_none() && log.state() != faultwire_tcp::State::Closed
            }),
            Check::Exchange { ref lines, .. } => lines.last().is_some_and(|line| line.at > now),
            Check::States { socket, ref states } => connections.named(socket).is_some_and(|log| {
                states.len() > log.entries.len() && log.state() != faultwire_tcp::State::Closed
            }),
            _ => false,
        })
    }

    /// The rank of a moment; `None` if it never came.
    fn moment(&self, moment: Moment) -> Option<Rank> {
        match moment {
            Moment::Arrives(fault) => self.faults[fault.0 as usize].first_arrival,
            Moment::Time(at) => Some(Rank { at, number: 0 }),
            Moment::Enters => None,
        }
    }

    /// Judges what rests on states and packets sent; counters and oracles are judged by the run's report.
    pub(crate) fn judge(
        &self,
        index: usize,
        expectation: &Expectation,
        connections: &Connections,
    ) -> Option<Judgement> {
        let log_of = |name: NameId| connections.named(name);
        let unnamed = || Judgement::new(false, "no such connection was opened");
        Some(match expectation.check {
            Check::StateAt { socket, state, when } => {
                let Some(log) = log_of(socket) else { return Some(unnamed()) };
                let seen = match when {
                    Moment::Time(at) => log.state_at(at),
                    _ => match self.moment(when) {
                        Some(rank) => log.state_before(rank),
                        None => return Some(Judgement::new(false, "that packet never arrived")),
                    },
                };
                Judgement::new(seen == state, seen.as_str())
            }
            Check::Reaches { socket, state, at } => {
                let Some(log) = log_of(socket) else { return Some(unnamed()) };
                match log.entered(state) {
                    None => Judgement::new(false, format!("never; it went {}", chain(log))),
                    Some(rank) => Judgement::new(
                        at.is_none_or(|bounds| bounds.contain(rank.at.as_nanos())),
                        format!("at {}", rank.at),
                    ),
                }
            }
            Check::Leaves { socket, state, since, after } => {
                let Some(log) = log_of(socket) else { return Some(unnamed()) };
                self.judge_leaving(log, state, since, after)
            }
            Check::States { socket, ref states } => {
                let Some(log) = log_of(socket) else { return Some(unnamed()) };
                let same = log.entries.len() == states.len()
                    && log.entries.iter().zip(states).all(|(entry, state)| entry.1 == *state);
                Judgement::new(same, chain(log))
            }
            Check::Exchange { ref lines, .. } => {
                let watch = self.exchanges.iter().find(|watch| watch.expectation() == index as u32)?;
                watch.judge(lines, connections)
            }
            Check::Sent { by, count, ref times, .. } => {
                let watch = self.sent.iter().find(|watch| watch.expectation == index as u32)?;
                let empty = SentCount::default();
                let seen = match by {
                    Subject::Socket(name) => {
                        let Some(log) = log_of(name) else { return Some(unnamed()) };
                        watch.of_flow.get(&log.flow).unwrap_or(&empty)
                    }
                    _ => &watch.all,
                };
                judge_sent(seen, count, times.as_deref())
            }
            _ => return None,
        })
    }

    fn judge_leaving(
        &self,
        log: &ConnectionLog,
        state: faultwire_tcp::State,
        since: Moment,
        after: Bounds,
    ) -> Judgement {
        let start = match since {
            Moment::Enters => log.entered(state),
            other => self.moment(other),
        };
        let Some(start) = start else {
            return Judgement::new(false, "the moment to count from never came");
        };
        match log.left(state, start) {
            None => {
                Judgement::new(false, format!("it never left {}; it went {}", state.as_str(), chain(log)))
            }
            Some(end) => {
                let time = end.at.saturating_since(start.at);
                Judgement::new(after.contain(time.as_nanos()), format!("after {time}"))
            }
        }
    }
}

fn judge_sent(seen: &SentCount, count: Option<Bounds>, times: Option<&[u64]>) -> Judgement {
    let first = seen.times.first().copied().unwrap_or_default();
    let offsets: Vec<u64> = seen.times.iter().map(|at| (*at - first).as_nanos()).collect();
    let counted = count.is_none_or(|bounds| bounds.contain(seen.count));
    let timed = times.is_none_or(|times| times == offsets && seen.count == times.len() as u64);
    let mut observed = format!("{}", seen.count);
    if times.is_some() {
        let list: Vec<String> =
            offsets.iter().map(|&nanos| faultwire_base::Duration::from_nanos(nanos).to_string()).collect();
        observed = format!("{observed} at {}", list.join(", "));
    }
    Judgement::new(counted && timed, observed)
}

/// The states of a connection as a chain.
pub(crate) fn chain(log: &ConnectionLog) -> String {
    log.entries.iter().map(|(_, state)| state.as_str()).collect::<Vec<_>>().join(" > ")
}

impl Bounds {
    /// Whether `value` lies within.
    pub fn contain(self, value: u64) -> bool {
        (self.min..=self.max).contains(&value)
    }
}

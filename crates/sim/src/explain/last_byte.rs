//! What the time until the last octet was spent on: the critical path, from its arrival back to the beginning.

use std::collections::BTreeMap;

use faultwire_base::{Duration, Instant, PlaceId};
use faultwire_link::NameId;
use faultwire_wire::{Body, Cause, TimerKind};

use super::answer::{Answer, Root};
use super::app;
use super::builder::{Builder, Told, Why};
use super::clause::Clause;
use super::fate::sendings_before;
use super::missing::last_arrival;
use super::scene::{Scene, capitalized, counted, length, listed, time};
use super::spent::Spent;
use super::timer;
use crate::output::{PacketNumber, What};
use crate::plan::Step;

/// Explains when the last octet reached `socket`.
pub(super) fn answer(scene: &Scene<'_>, socket: NameId) -> Answer {
    let name = scene.legend.socket(socket);
    let place = scene.host_of(socket);
    let mut builder = Builder::new(scene);
    let Some(last) = last_arrival(scene, socket) else {
        let sentence = format!("No octet of the other end ever reaches {name}.");
        builder.begin(Told::new(scene.run.end, place, sentence).rooted(Root::Rule));
        return Answer { subject: format!("When {name} had everything"), chain: builder.finish() };
    };
    let (at, _) = scene.arrival(last).expect("it arrived");
    let path = Path::back_from(scene, Next::Packet(last));
    let waits_on = scene.plan.apps.iter().any(|app| {
        let uses = app.steps.iter().any(|planned| planned.step.socket() == Some(socket));
        let report = scene.run.report.apps.iter().find(|report| *report.name == *app.name);
        uses && app.host == place && report.is_some_and(|report| report.outcome != "done")
    });
    let (subject, completes) = match scene.packet(last).packet.body {
        _ if waits_on => ("The last octet that ever reached", "is the last that reaches"),
        Body::Udp(_) => ("The last octet that came to", "is the last to reach"),
        _ => ("The last octet that was missing at", "completes the stream of"),
    };
    let subject = format!("{subject} {name} arrives with {last} at {}", time(at));
    let sentence = format!(
        "The {} {completes} {name}: {} have passed since {}, {}.",
        scene.noun_with_range(last),
        length(at.saturating_since(path.begun)),
        path.beginning,
        path.budget(scene),
    );
    builder.begin(Told::new(at, place, sentence).about(last).shown_by(scene.arrived(last)));
    path.tell(scene, &mut builder);
    Answer { subject, chain: builder.finish() }
}

/// Tells what the time was spent on until a step of an app ended.
pub(super) fn until_step(scene: &Scene<'_>, app: u32, entry: usize, builder: &mut Builder<'_>) {
    let path = Path::back_from(scene, Next::Step(entry));
    let at = scene.entry(entry).at;
    if path.stretches.is_empty() {
        return builder.tell(Why::StepEnded(entry));
    }
    let sentence = format!(
        "The app \"{}\" ends its last step: {} have passed since {}, {}.",
        scene.legend.app(app),
        length(at.saturating_since(path.begun)),
        path.beginning,
        path.budget(scene),
    );
    builder.begin(Told::new(at, scene.entry(entry).place, sentence).shown_by(Some(entry)));
    path.tell(scene, builder);
}

/// A stretch of the path, from `from` to `to`.
#[derive(Clone, Debug)]
struct Stretch {
    from: Instant,
    to: Instant,
    place: PlaceId,
    packet: PacketNumber,
    spent: Spent,
    /// For a wait that deserves a step: what is behind it.
    why: Option<Why>,
    /// What a reader is told of it; empty for a part of a way.
    sentence: String,
    clause: Option<Clause>,
    root: Option<Root>,
}

/// The path, the latest stretch first.
#[derive(Clone, Debug)]
struct Path {
    stretches: Vec<Stretch>,
    begun: Instant,
    beginning: String,
    last: Option<Why>,
}

/// Where the path goes on.
enum Next {
    Packet(PacketNumber),
    Step(usize),
    End,
}

/// Steps of the walk back at most; more than any run needs that a person looks at.
const STRETCHES_MAX: usize = 200_000;

impl Path {
    fn back_from(scene: &Scene<'_>, begin: Next) -> Self {
        let mut path =
            Self { stretches: Vec::new(), begun: Instant::ZERO, beginning: String::new(), last: None };
        let mut next = begin;
        let mut arrives = true;
        while path.stretches.len() < STRETCHES_MAX {
            next = match next {
                Next::Packet(number) => {
                    if arrives {
                        path.travel(scene, number);
                    }
                    let packet = scene.packet(number);
                    path.begun = packet.sent_at;
                    path.beginning = format!("the {} was sent", scene.noun(number));
                    path.last = Some(Why::Sent(number));
                    if let Some(original) = packet.copy_of {
                        arrives = false;
                        Next::Packet(original)
                    } else {
                        let (next, travels) = path.before(scene, number);
                        arrives = travels;
                        next
                    }
                }
                Next::Step(entry) => {
                    arrives = true;
                    path.before_step(scene, entry)
                }
                Next::End => break,
            };
        }
        path
    }

    fn add(&mut self, stretch: Stretch) {
        if stretch.to > stretch.from {
            self.stretches.push(stretch);
        }
    }

    /// The way of a packet over its links.
    fn travel(&mut self, scene: &Scene<'_>, number: PacketNumber) {
        let (packet, Some((arrived, _))) = (scene.packet(number), scene.arrival(number)) else { return };
        let stretch = |from, to, spent| Stretch {
            from,
            to,
            place: packet.sender,
            packet: number,
            spent,
            why: None,
            sentence: String::new(),
            clause: None,
            root: None,
        };
        let late = super::fate::of_arrival(scene, number) == Why::Came(number) || packet.copy_of.is_some();
        let propagation = scene.propagation(number).as_nanos();
        let split = packet.sent_at
            + Duration::from_nanos(propagation.min(arrived.saturating_since(packet.sent_at).as_nanos()));
        let rest = if late { Spent::Fault } else { Spent::Queue };
        let mut waiting = stretch(split, arrived, rest);
        if late {
            waiting.why = Some(super::fate::of_arrival(scene, number));
            waiting.sentence = format!(
                "The {} takes {} longer on its way than the link takes.",
                scene.noun_with_range(number),
                length(arrived.saturating_since(split))
            );
        }
        self.add(waiting);
        self.add(stretch(packet.sent_at, split, Spent::Propagation));
    }

    /// What a packet's sender had waited for, and whether what is next has a way to be added.
    fn before(&mut self, scene: &Scene<'_>, number: PacketNumber) -> (Next, bool) {
        let packet = scene.packet(number);
        let made = scene.made(number).unwrap_or(0);
        match packet.packet.tag.cause {
            Cause::Arrival(_) => match scene.cause(number) {
                Some(cause) => (Next::Packet(cause), true),
                None => (Next::End, false),
            },
            Cause::Timer(kind) => self.waited(scene, number, kind),
            Cause::Call => match (app::begun_by(scene, number, made), app::woken_by(scene, made)) {
                (Some(entry), _) => (Next::Step(entry), false),
                (None, Some(arrival)) => (Next::Packet(arrival), true),
                (None, None) => (Next::End, false),
            },
            Cause::Unknown | Cause::Injected => (Next::End, false),
        }
    }

    /// A wait for a timer.
    fn waited(&mut self, scene: &Scene<'_>, number: PacketNumber, kind: TimerKind) -> (Next, bool) {
        let packet = scene.packet(number);
        let (spent, words) = match kind {
            TimerKind::Retransmission => (Spent::Retransmission, "the retransmission timer"),
            TimerKind::TailLossProbe => (Spent::Probe, "the timer of the tail loss probe"),
            TimerKind::Reordering => (Spent::Probe, "RACK's reordering timer"),
            TimerKind::DelayedAck => (Spent::DelayedAck, "the delayed-ACK timer"),
            TimerKind::Persist => (Spent::Window, "the persist timer"),
            _ => (Spent::Other, "a timer"),
        };
        let (since, next, travels) = match kind {
            TimerKind::DelayedAck => match timer::awaiting_ack(scene, packet) {
                Some((at, waiting)) => (at, Next::Packet(waiting), true),
                None => (packet.sent_at, Next::End, false),
            },
            TimerKind::Persist => match timer::closed_by(scene, number) {
                Some(closing) => {
                    let at = scene.arrival(closing).map_or(packet.sent_at, |(at, _)| at);
                    (at, Next::Packet(closing), true)
                }
                None => (packet.sent_at, Next::End, false),
            },
            _ => match sendings_before(scene, number).last() {
                Some(&previous) => match timer::restarted_by(scene, packet, previous) {
                    Some((at, ack)) => (at, Next::Packet(ack), true),
                    None => (scene.packet(previous).sent_at, Next::Packet(previous), false),
                },
                None => (packet.sent_at, Next::End, false),
            },
        };
        self.add(Stretch {
            from: since,
            to: packet.sent_at,
            place: packet.sender,
            packet: number,
            spent,
            why: timer_cause(scene, number, kind),
            clause: timer_clause(kind),
            root: None,
            sentence: format!(
                "The {} waited {} for {words}.",
                scene.noun_with_range(number),
                length(packet.sent_at.saturating_since(since))
            ),
        });
        (next, travels)
    }

    /// A step of an app that ended just before: it slept, or an arrival had let it end.
    fn before_step(&mut self, scene: &Scene<'_>, entry: usize) -> Next {
        let ended = scene.entry(entry);
        let What::StepEnded { app, step, .. } = ended.what else { return Next::End };
        let planned = &scene.plan.apps[app as usize].steps[step as usize].step;
        let name = scene.legend.app(app);
        if let Step::Sleep { time } = planned {
            let begun =
                Instant::ZERO + Duration::from_nanos(ended.at.as_nanos().saturating_sub(time.as_nanos()));
            let sentence = format!("The app \"{name}\" slept for {} (step {}).", length(*time), step + 1);
            self.wait_of_app(scene, (app, entry), begun, sentence);
            self.beginning = format!("the app \"{name}\" lay down to sleep");
            return app::ended_before(scene, app, entry).map_or(Next::End, Next::Step);
        }
        let flow = planned.socket().and_then(|socket| scene.flow_of(socket));
        match scene.arrival_just_before(entry, flow).filter(|_| app::waited(scene, entry)) {
            Some(arrival) => Next::Packet(arrival),
            None if matches!(planned, Step::Read { rate: Some(_), .. }) => {
                let before = app::ended_before(scene, app, entry);
                let begun = before.map_or(Instant::ZERO, |before| scene.entry(before).at);
                let sentence =
                    format!("The app \"{name}\" reads as slowly as it was told to (step {}).", step + 1);
                self.wait_of_app(scene, (app, entry), begun, sentence);
                self.beginning = format!("the app \"{name}\" began to read");
                before.map_or(Next::End, Next::Step)
            }
            None => app::ended_before(scene, app, entry)
                .filter(|&before| scene.entry(before).at == ended.at)
                .map_or(Next::End, Next::Step),
        }
    }

    /// An app took its time, from `begun` to the entry that ended its step.
    fn wait_of_app(
        &mut self,
        scene: &Scene<'_>,
        (app, entry): (u32, usize),
        begun: Instant,
        sentence: String,
    ) {
        let ended = scene.entry(entry);
        self.add(Stretch {
            from: begun,
            to: ended.at,
            place: ended.place,
            packet: PacketNumber(0),
            spent: Spent::Application,
            why: None,
            clause: None,
            root: Some(Root::Application { name: Some(scene.legend.app(app).into()) }),
            sentence,
        });
        self.begun = begun;
    }

    /// `of which 3.2 s of waiting for …, 0.8 s of propagation and …`.
    fn budget(&self, scene: &Scene<'_>) -> String {
        let mut sums: BTreeMap<Spent, (Duration, usize)> = BTreeMap::new();
        for stretch in &self.stretches {
            let sum = sums.entry(stretch.spent).or_default();
            sum.0 = sum.0.saturating_add(stretch.to.saturating_since(stretch.from));
            sum.1 += 1;
        }
        let mut parts: Vec<_> = sums.into_iter().collect();
        parts.sort_by_key(|(spent, (time, _))| (std::cmp::Reverse(*time), *spent));
        let words: Vec<String> = parts
            .iter()
            .map(|(spent, (time, times))| match spent {
                Spent::Retransmission | Spent::Probe | Spent::DelayedAck => {
                    format!("{} {} ({})", length(*time), spent.words(), counted(*times, "time", "times"))
                }
                Spent::Queue => format!("{} of {}", length(*time), rest_words(scene)),
                _ => format!("{} {}", length(*time), spent.words()),
            })
            .collect();
        match words.as_slice() {
            [] => "at once".into(),
            [one] => format!("all {one}"),
            [first @ .., last] => format!("of which {} and {last}", first.join(", ")),
        }
    }

    /// Tells the waits one by one, with what is behind them, and sums up what lies between.
    fn tell(&self, scene: &Scene<'_>, builder: &mut Builder<'_>) {
        let mut between: Vec<&Stretch> = Vec::new();
        let mut waits = 0;
        for stretch in &self.stretches {
            if stretch.sentence.is_empty() || waits >= WAITS_MAX {
                between.push(stretch);
                continue;
            }
            waits += 1;
            self.sum_up(scene, &mut between, builder);
            let told = Told::new(stretch.to, stretch.place, stretch.sentence.clone()).by(stretch.clause);
            let told = if stretch.packet.0 > 0 { told.about(stretch.packet) } else { told };
            let told = match stretch.root.clone() {
                Some(root) => told.rooted(root),
                None => told,
            };
            builder.begin(match stretch.why {
                Some(why) => told.beside(why),
                None => told,
            });
        }
        self.sum_up(scene, &mut between, builder);
        if let Some(why) = self.last {
            builder.tell(why);
        }
    }

    fn sum_up(&self, scene: &Scene<'_>, between: &mut Vec<&Stretch>, builder: &mut Builder<'_>) {
        if let Some(told) = summed(scene, between) {
            let whole = self.stretches[0].to.saturating_since(self.begun).as_nanos();
            let (first, last) = (between[0], between[between.len() - 1]);
            let part = first.to.saturating_since(last.from).as_nanos();
            let direction = scene.made(first.packet).and_then(|made| match scene.entry(made).what {
                What::Sent { direction, .. } | What::Link { direction, .. } => Some(direction),
                _ => None,
            });
            builder.begin(match direction.filter(|_| part > whole / 2) {
                Some(direction) => told.rooted(Root::Link { direction: scene.direction(direction) }),
                None => told,
            });
        }
        between.clear();
    }
}

/// What takes time on a link beside propagation.
fn rest_words(scene: &Scene<'_>) -> &'static str {
    let jitter = scene.plan.directions.iter().any(|direction| direction.config.jitter.is_some());
    if jitter { "serialisation, queue and jitter" } else { "serialisation and queue" }
}

/// Waits told one by one.
const WAITS_MAX: usize = 16;

/// What is behind a packet that waited for a timer, beside the rule.
fn timer_cause(scene: &Scene<'_>, number: PacketNumber, kind: TimerKind) -> Option<Why> {
    let previous = sendings_before(scene, number).last().copied().zip(scene.made(number));
    match (kind, previous) {
        (
            TimerKind::Retransmission | TimerKind::TailLossProbe | TimerKind::Reordering,
            Some((previous, made)),
        ) => Some(Why::Unheard(previous, made)),
        (TimerKind::Persist, _) => timer::closed_by(scene, number).map(Why::Closed),
        _ => None,
    }
}

fn timer_clause(kind: TimerKind) -> Option<Clause> {
    match kind {
        TimerKind::Retransmission => Clause::new(6298, "5.4"),
        TimerKind::TailLossProbe => Clause::new(8985, "7.3"),
        TimerKind::Reordering => Clause::new(8985, "6.2"),
        TimerKind::DelayedAck => Clause::new(9293, "3.8.6.3"),
        TimerKind::Persist => Clause::new(9293, "3.8.6.1"),
        TimerKind::KeepAlive => Clause::new(9293, "3.8.4"),
        _ => None,
    }
}

/// One step for packets that went back and forth without a wait.
fn summed(scene: &Scene<'_>, between: &[&Stretch]) -> Option<Told> {
    let (first, last) = (between.first()?, between.last()?);
    let mut packets: Vec<PacketNumber> = between.iter().map(|stretch| stretch.packet).collect();
    packets.dedup();
    let propagation: u64 = between
        .iter()
        .filter(|stretch| stretch.spent == Spent::Propagation)
        .map(|stretch| stretch.to.saturating_since(stretch.from).as_nanos())
        .sum();
    let total = first.to.saturating_since(last.from);
    let rest = Duration::from_nanos(total.as_nanos().saturating_sub(propagation));
    let who = match packets.as_slice() {
        [one] => format!("{} is on the way", capitalized(&format!("the {}", scene.noun_with_range(*one)))),
        [.., begin] if packets.len() > 6 => format!(
            "{} packets follow from each other, from {begin} to {}, and are on the way",
            packets.len(),
            packets[0]
        ),
        _ => {
            let mut order = packets.clone();
            order.reverse();
            format!("{} follow from each other and are on the way", listed(&order))
        }
    };
    let parts = if rest.is_zero() {
        "all of it propagation".to_owned()
    } else {
        format!(
            "{} of it propagation, {} {}",
            length(Duration::from_nanos(propagation)),
            length(rest),
            rest_words(scene)
        )
    };
    let sentence = format!("{who} for {}: {parts}.", length(total));
    Some(Told::new(first.to, first.place, sentence).about(packets[0]))
}

//! Why a connection changed its state, or a host its life.

use faultwire_base::Instant;
use faultwire_tcp::State;
use faultwire_wire::{Body, Flow, Reason};

use super::answer::Root;
use super::app;
use super::builder::{Told, Why};
use super::clause::Clause;
use super::fate::{self, of_arrival};
use super::scene::{Scene, capitalized, counted, length, segment};
use crate::output::{Entry, PacketNumber, What};
use crate::plan::{HostChange, TimedWhat};

/// Why an entry changed a connection or a host.
pub(super) fn changed(scene: &Scene<'_>, index: usize) -> Told {
    let entry = scene.entry(index);
    let told = match entry.what {
        What::StateChanged { flow, from, to, .. } => match how(scene, index, flow, from, to) {
            How::Arrival(number) => by_arrival(scene, entry, number, from, to),
            How::Call(reason) => by_call(scene, index, reason, flow, from, to),
            How::Timer => by_timer(scene, index, flow, from, to),
        },
        What::HostChanged { change } => host_changed(scene, entry, change),
        _ => Told::new(entry.at, entry.place, "Something changes here.").rooted(Root::Rule),
    };
    told.shown_by(Some(index))
}

/// What changes a state.
enum How {
    Arrival(PacketNumber),
    Call(Reason),
    Timer,
}

/// RFC 9293 §3.3.2: which event each transition has.
fn how(scene: &Scene<'_>, index: usize, flow: Flow, from: State, to: State) -> How {
    let arrival = arrival_for(scene, index, flow);
    let reset = arrival.filter(|&number| app::is_reset(scene, number) || is_error(scene, number));
    match (from, to) {
        (_, State::SynSent) => How::Call(Reason::Syn),
        (_, State::FinWait1 | State::LastAck) => How::Call(Reason::Fin),
        (State::TimeWait, State::Closed) => reset.map_or(How::Timer, How::Arrival),
        (_, State::Closed) if reset.is_none() && from != State::LastAck => {
            let entry = scene.entry(index);
            let aborted = |entry: &Entry| match entry.what {
                What::Sent { packet, origin: true, .. } => {
                    entry.place == scene.entry(index).place
                        && matches!(
                            scene.packet(packet).packet.tag.reason,
                            Reason::Abort | Reason::UnreadData
                        )
                        && matches!(scene.packet(packet).packet.tag.cause, faultwire_wire::Cause::Call)
                }
                _ => false,
            };
            let now = scene.trace.entries().iter().filter(|other| other.at == entry.at);
            if { now }.any(aborted) {
                How::Call(Reason::Abort)
            } else {
                arrival.map_or(How::Timer, How::Arrival)
            }
        }
        _ => arrival.map_or(How::Timer, How::Arrival),
    }
}

/// The arrival of this instant that the change belongs to: of the same flow, or else an ICMP error, an injected packet
/// or a SYN of the other end of a simultaneous open, which counts as a flow of its own.
fn arrival_for(scene: &Scene<'_>, index: usize, flow: Flow) -> Option<PacketNumber> {
    scene.arrival_just_before(index, Some(flow))
}

fn is_error(scene: &Scene<'_>, number: PacketNumber) -> bool {
    matches!(scene.packet(number).packet.body, Body::Icmp(_))
}

/// `client/first goes from ESTABLISHED to CLOSE_WAIT`.
pub(super) fn goes(scene: &Scene<'_>, entry: &Entry, flow: Flow, from: State, to: State) -> String {
    let who = scene.name_of(flow, entry.place).map_or_else(
        || scene.legend.place(entry.place).to_owned(),
        |name| scene.legend.socket(name).to_owned(),
    );
    match (from, to) {
        (State::Closed | State::Listen, to) => format!("{who} enters {}", to.as_str()),
        _ => format!("{who} goes from {} to {}", from.as_str(), to.as_str()),
    }
}

fn by_arrival(scene: &Scene<'_>, entry: &Entry, number: PacketNumber, from: State, to: State) -> Told {
    let What::StateChanged { flow, .. } = entry.what else { unreachable!("asked for changes of state") };
    let section = match from {
        State::Closed | State::Listen => "3.10.7.2",
        State::SynSent => "3.10.7.3",
        _ => "3.10.7.4",
    };
    let sentence =
        format!("{}: the {} arrives.", goes(scene, entry, flow, from, to), scene.noun_with_range(number));
    Told::new(entry.at, entry.place, sentence)
        .by(Clause::new(9293, section))
        .about(number)
        .because(of_arrival(scene, number))
}

fn by_call(scene: &Scene<'_>, index: usize, reason: Reason, flow: Flow, from: State, to: State) -> Told {
    let entry = scene.entry(index);
    let name = scene.name_of(flow, entry.place);
    let goes = goes(scene, entry, flow, from, to);
    let section = match reason {
        Reason::Syn => "3.10.1",
        Reason::Fin => "3.10.4",
        _ => "3.10.5",
    };
    let told = |sentence| Told::new(entry.at, entry.place, sentence).by(Clause::new(9293, section));
    match app::closing_step(scene, index, reason, name) {
        Some((step_app, step)) => {
            let told = told(format!("{goes}: {}.", app::doing(scene, step_app, step)));
            app::of_call(scene, told, step_app, index)
        }
        None => {
            told(format!("{goes}: the application asks for it.")).rooted(Root::Application { name: None })
        }
    }
}

fn by_timer(scene: &Scene<'_>, index: usize, flow: Flow, from: State, to: State) -> Told {
    let entry = scene.entry(index);
    let goes = goes(scene, entry, flow, from, to);
    if from == State::TimeWait {
        return time_wait_ends(scene, index, flow, &goes);
    }
    let unheard = scene
        .sent_in(flow, entry.place)
        .filter(|packet| scene.made(packet.number).is_some_and(|made| made < index))
        .filter(|packet| segment(packet).is_some_and(|segment| segment.sequence_length() > 0))
        .last();
    let told = |sentence| Told::new(entry.at, entry.place, sentence);
    let probe = scene
        .sent_in(flow, entry.place)
        .filter(|packet| packet.packet.tag.reason == Reason::KeepAlive)
        .filter(|packet| scene.made(packet.number).is_some_and(|made| made < index));
    let probes: Vec<PacketNumber> = probe.map(|packet| packet.number).collect();
    if let Some(&last) = probes.last() {
        let sentence = format!(
            "{goes}: it gives up, since {} asked in vain whether the other end is still there.",
            counted(probes.len(), "keep-alive probe", "keep-alive probes")
        );
        return told(sentence).by(Clause::new(9293, "3.8.4")).because(Why::Unheard(last, index));
    }
    match unheard.filter(|packet| packet.packet.tag.transmission > 1) {
        Some(packet) => {
            let sentence = format!(
                "{goes}: it gives up, {} after the last of {} sendings of the same data ({}) without an answer.",
                length(entry.at.saturating_since(packet.sent_at)),
                packet.packet.tag.transmission,
                packet.number
            );
            let told =
                told(sentence).by(Clause::new(9293, "3.8.3")).because(Why::Unheard(packet.number, index));
            match fate::lost_earlier(scene, packet.number).is_empty() {
                true => told,
                false => told.beside(Why::Earlier(packet.number)),
            }
        }
        None => told(format!("{goes}: a timer runs out.")).rooted(Root::Rule),
    }
}

/// 2 MSL after TIME-WAIT was entered, or after the arrival that started its clock anew.
fn time_wait_ends(scene: &Scene<'_>, index: usize, flow: Flow, goes: &str) -> Told {
    let entry = scene.entry(index);
    let entered = scene.state_before(flow, entry.place, index);
    let begun = entered.map_or(Instant::ZERO, |entered| scene.entry(entered).at);
    let host = scene.plan.hosts.iter().find(|host| host.place == entry.place);
    let clock = host.map(|host| host.config.tcp.time_wait.duration());
    let restarted = clock.and_then(|clock| {
        let mut arrivals = scene.arrivals_before(flow, entry.place, index);
        arrivals
            .find(|(arrival, _)| scene.entry(*arrival).at + clock == entry.at)
            .filter(|(arrival, _)| Some(*arrival) > entered)
    });
    let clause = Clause::new(9293, "3.6.1");
    match restarted {
        Some((arrival, packet)) => {
            let sentence = format!(
                "{goes}: 2 MSL ({}) are over since the {} arrived, which had started the clock anew.",
                length(entry.at.saturating_since(scene.entry(arrival).at)),
                scene.noun_with_range(packet.number),
            );
            Told::new(entry.at, entry.place, sentence).by(clause).because(of_arrival(scene, packet.number))
        }
        None => {
            let sentence = format!("{goes}: 2 MSL ({}) are over.", length(entry.at.saturating_since(begun)));
            let told = Told::new(entry.at, entry.place, sentence).by(clause);
            match entered {
                Some(entered) => told.because(Why::State(entered)),
                None => told.rooted(Root::Rule),
            }
        }
    }
}

fn host_changed(scene: &Scene<'_>, entry: &Entry, change: HostChange) -> Told {
    let host = scene.legend.place(entry.place);
    let fault = scene.timed_fault(entry.place, entry.at, TimedWhat::Host(change));
    let what = match change {
        HostChange::Crash => "crashes and loses all its state",
        HostChange::Restart => "restarts",
        HostChange::Pause => "pauses",
        HostChange::Resume => "resumes",
    };
    match fault {
        Some(name) => Told::new(
            entry.at,
            entry.place,
            format!("{} {what}: that is the fault \"{name}\".", capitalized(host)),
        )
        .rooted(Root::Fault { name }),
        None => Told::new(entry.at, entry.place, format!("{} {what}.", capitalized(host))).rooted(Root::Rule),
    }
}

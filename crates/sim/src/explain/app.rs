//! What applications did: calls that sent packets, steps that ended, readers that did not read.

use faultwire_base::PlaceId;
use faultwire_link::NameId;
use faultwire_wire::{Flags, Reason};

use super::answer::Root;
use super::builder::{Told, Why};
use super::clause::Clause;
use super::fate::of_arrival;
use super::scene::{Scene, capitalized, length, segment};
use crate::output::{Entry, PacketNumber, What};
use crate::plan::{Direction, ReadUntil, Step, WaitUntil};

/// Why an application's call sent a packet.
pub(super) fn called(scene: &Scene<'_>, number: PacketNumber) -> Told {
    let packet = scene.packet(number);
    let own = capitalized(&format!("the {}", scene.noun_with_range(number)));
    let (does, clause) = match packet.packet.tag.reason {
        Reason::Syn => ("opens the connection", Clause::new(9293, "3.10.1")),
        Reason::Fin => ("says that no more data will follow", Clause::new(9293, "3.10.4")),
        Reason::Abort => ("aborts the connection", Clause::new(9293, "3.10.5")),
        Reason::UnreadData => {
            ("resets the connection, because data was left unread", Clause::new(9293, "3.6.1"))
        }
        Reason::WindowUpdate => {
            ("tells that there is room in the window again", Clause::new(9293, "3.8.6.2.2"))
        }
        Reason::Data => ("carries new data", Clause::new(9293, "3.10.2")),
        Reason::Datagram => ("carries new data", Clause::new(768, "")),
        _ => ("goes out", None),
    };
    let clause = clause.filter(|clause| !clause.section.is_empty());
    let told = Told::new(packet.sent_at, packet.sender, String::new()).by(clause);
    let made = scene.made(number).unwrap_or(0);
    let name = scene.name_of(packet.packet.tag.flow, packet.sender);
    match step_behind(scene, made, packet.packet.tag.reason, name) {
        Some((app, step)) => {
            let mut told = told;
            told.step.sentence = format!("{own} {does}: {}.", doing(scene, app, step));
            follow(scene, told, app, made)
        }
        None => {
            let mut told = told;
            told.step.sentence = format!("{own} {does}: the application asks for it.");
            told.rooted(Root::Application { name: None })
        }
    }
}

/// Goes on at what ended just before, or at what arrived, if that is why the app went on now.
fn follow(scene: &Scene<'_>, told: Told, app: u32, before: usize) -> Told {
    let root = Root::Application { name: Some(scene.plan.apps[app as usize].name.clone()) };
    match (waited_for(scene, app, before), woken_by(scene, before)) {
        (Some(ended), _) => told.because(Why::StepEnded(ended)),
        (None, Some(arrival)) => told.because(of_arrival(scene, arrival)),
        (None, None) => told.rooted(root),
    }
}

/// The arrival that made an app go on with reading or writing, for what it has sent.
pub(super) fn woken_by(scene: &Scene<'_>, made: usize) -> Option<PacketNumber> {
    let flow = match scene.entry(made).what {
        What::Sent { packet, .. } => scene.packet(packet).packet.tag.flow,
        _ => return None,
    };
    let arrival = scene.arrival_just_before(made, Some(flow))?;
    (scene.packet(arrival).packet.tag.flow == flow).then_some(arrival)
}

/// The step of this app that ended last before an entry, at the same instant and after a wait.
fn waited_for(scene: &Scene<'_>, app: u32, before: usize) -> Option<usize> {
    let at = scene.entry(before).at;
    let mut now = (0..before).rev().take_while(|&index| scene.entry(index).at == at);
    now.find(|&index| match scene.entry(index).what {
        What::StepEnded { app: ended, .. } => ended == app && waited(scene, index),
        _ => false,
    })
}

/// Whether a step that ended had waited: by its nature, or because it was in hand for a while.
pub(super) fn waited(scene: &Scene<'_>, index: usize) -> bool {
    let What::StepEnded { app, step, .. } = scene.entry(index).what else { return false };
    let planned = &scene.plan.apps[app as usize].steps[step as usize].step;
    let was_in_hand = || {
        ended_before(scene, app, index).is_none_or(|before| scene.entry(before).at < scene.entry(index).at)
    };
    waits(planned) || (matches!(planned, Step::Write { .. }) && was_in_hand())
}

/// Whether a step takes time of its own.
fn waits(step: &Step) -> bool {
    matches!(
        step,
        Step::Connect { .. }
            | Step::Accept { .. }
            | Step::Read { .. }
            | Step::Wait { .. }
            | Step::Sleep { .. }
            | Step::RecvFrom { .. }
    )
}

/// The app and step whose call is behind a packet: the step with a fitting verb that ended at this instant just
/// before, or else the next to end.
fn step_behind(scene: &Scene<'_>, made: usize, reason: Reason, name: Option<NameId>) -> Option<(u32, u32)> {
    let Entry { at, place, .. } = *scene.entry(made);
    let fits = |index: usize| match scene.entry(index).what {
        What::StepEnded { app, step, .. } if scene.entry(index).place == place => {
            let planned = &scene.plan.apps[app as usize].steps[step as usize].step;
            let same = name.is_none_or(|name| planned.socket() == Some(name));
            (same && verb_fits(planned, reason)).then_some((app, step))
        }
        _ => None,
    };
    let entries = scene.trace.entries();
    let before = (0..made).rev().take_while(|&index| entries[index].at == at).find_map(fits);
    before.or_else(|| (made..entries.len()).find_map(fits)).or_else(|| unfinished(scene, place, reason, name))
}

/// An app of this host that never ended a step with a fitting verb.
fn unfinished(scene: &Scene<'_>, place: PlaceId, reason: Reason, name: Option<NameId>) -> Option<(u32, u32)> {
    let apps = scene.plan.apps.iter().zip(0..).filter(|(app, _)| app.host == place);
    for (app, index) in apps {
        let step = app.steps.iter().position(|planned| {
            verb_fits(&planned.step, reason) && name.is_none_or(|name| planned.step.socket() == Some(name))
        });
        if let Some(step) = step {
            return Some((index, step as u32));
        }
    }
    None
}

fn verb_fits(step: &Step, reason: Reason) -> bool {
    match reason {
        Reason::Syn => matches!(step, Step::Connect { .. }),
        Reason::Data => matches!(step, Step::Write { .. }),
        Reason::Fin => matches!(step, Step::Close { .. } | Step::Shutdown { .. }),
        Reason::Abort | Reason::UnreadData => matches!(step, Step::Abort { .. } | Step::Close { .. }),
        Reason::WindowUpdate | Reason::Ack => matches!(step, Step::Read { .. }),
        Reason::Datagram => matches!(step, Step::SendTo { .. } | Step::RecvFrom { echo: true, .. }),
        _ => false,
    }
}

/// Why a step of an app ended when it did.
pub(super) fn step_ended(scene: &Scene<'_>, index: usize) -> Told {
    let entry = scene.entry(index);
    let What::StepEnded { app, step, errno } = entry.what else {
        return Told::new(entry.at, entry.place, "An app goes on.").rooted(Root::Rule);
    };
    let plan = &scene.plan.apps[app as usize];
    let planned = &plan.steps[step as usize].step;
    let what = described(scene, planned);
    let (name, number) = (&plan.name, step + 1);
    let root = Root::Application { name: Some(name.clone()) };
    let told = |sentence: String| Told::new(entry.at, entry.place, sentence).shown_by(Some(index));
    if let Some(errno) = errno {
        let told = told(format!("Step {number} of the app \"{name}\" ({what}) ends with {errno}."));
        return match (closing_now(scene, index), scene.arrival_just_before(index, None)) {
            (Some(closing), _) => told.because(Why::State(closing)),
            (None, Some(arrival)) => told.because(of_arrival(scene, arrival)),
            (None, None) => told.rooted(Root::Rule),
        };
    }
    if let Step::Sleep { time } = planned {
        return told(format!("The app \"{name}\" has slept for {} (step {number}).", length(*time)))
            .rooted(root);
    }
    let flow = planned.socket().and_then(|socket| scene.flow_of(socket));
    let ends = format!("Step {number} of the app \"{name}\" ({what}) ends");
    match scene.arrival_just_before(index, flow).filter(|_| waited(scene, index)) {
        Some(arrival) => told(format!("{ends} with the arrival of the {}.", scene.noun(arrival)))
            .because(of_arrival(scene, arrival)),
        None => follow(scene, told(format!("{ends}.")), app, index),
    }
}

/// The change to CLOSED of a connection of the same host at the instant of an entry.
fn closing_now(scene: &Scene<'_>, index: usize) -> Option<usize> {
    let Entry { at, place, .. } = *scene.entry(index);
    let now = (0..index).rev().take_while(|&earlier| scene.entry(earlier).at == at);
    now.filter(|&earlier| scene.entry(earlier).place == place).find(|&earlier| {
        matches!(scene.entry(earlier).what, What::StateChanged { to: faultwire_tcp::State::Closed, .. })
    })
}

/// Why a packet offers no window: its sender's app does not read.
pub(super) fn closed_window(scene: &Scene<'_>, number: PacketNumber) -> Told {
    let packet = scene.packet(number);
    let host = scene.legend.place(packet.sender);
    let name = scene.name_of(packet.packet.tag.flow, packet.sender);
    let made = scene.made(number).unwrap_or(0);
    let in_hand = scene.plan.apps.iter().zip(0..).filter(|(app, _)| app.host == packet.sender).find_map(
        |(app, index)| {
            let uses = app.steps.iter().any(|planned| name.is_some() && planned.step.socket() == name);
            let step = step_in_hand(scene, index, made)?;
            uses.then_some((index, step))
        },
    );
    let reader = in_hand
        .map_or_else(|| "its application does not read".to_owned(), |(app, step)| doing(scene, app, step));
    let sentence = format!(
        "The {} closes the window: the receive buffer of {host} is full, and {reader}.",
        scene.noun(number)
    );
    let name = in_hand.map(|(app, _)| scene.plan.apps[app as usize].name.clone());
    Told::new(packet.sent_at, packet.sender, sentence)
        .by(Clause::new(9293, "3.8.6"))
        .rooted(Root::Application { name })
        .about(number)
        .shown_by(scene.made(number))
}

/// The step that an app is in at an entry.
pub(super) fn step_in_hand(scene: &Scene<'_>, app: u32, at: usize) -> Option<u32> {
    let ended = |index: usize| match scene.entry(index).what {
        What::StepEnded { app: ended, step, .. } if ended == app => Some(step),
        _ => None,
    };
    let next = (at..scene.trace.entries().len()).find_map(ended);
    next.or_else(|| {
        let last = (0..at).rev().find_map(ended).map_or(0, |step| step + 1);
        (last < scene.plan.apps[app as usize].steps.len() as u32).then_some(last)
    })
}

/// `the app "source" writes 20KiB (step 2)`.
pub(super) fn doing(scene: &Scene<'_>, app: u32, step: u32) -> String {
    let plan = &scene.plan.apps[app as usize];
    let Some(planned) = plan.steps.get(step as usize) else {
        return format!("the app \"{}\" is done", plan.name);
    };
    let what = match &planned.step {
        Step::Listen { port, .. } => format!("listens on port {port}"),
        Step::Connect { .. } => "connects".into(),
        Step::Accept { .. } => "accepts".into(),
        Step::Write { size, .. } => format!("writes {size}"),
        Step::Read { until: ReadUntil::Bytes(size), .. } => format!("reads {size}"),
        Step::Read { until: ReadUntil::Eof, .. } => "reads to the end".into(),
        Step::Wait { until, .. } => format!("waits for {}", awaited(*until)),
        Step::Sleep { time } => format!("sleeps for {}", length(*time)),
        Step::SetSocketOption { .. } => "sets an option".into(),
        Step::GetSocketOption { .. } => "reads an option".into(),
        Step::Shutdown { how: Direction::Read, .. } => "shuts down reading".into(),
        Step::Shutdown { .. } => "shuts down writing".into(),
        Step::Close { .. } => "closes".into(),
        Step::Abort { .. } => "aborts".into(),
        Step::SendTo { count, .. } => {
            format!("sends {}", super::scene::counted(*count as usize, "datagram", "datagrams"))
        }
        Step::RecvFrom { .. } => "receives datagrams".into(),
        Step::Repeat { .. } => "begins again".into(),
    };
    format!("the app \"{}\" {what} (step {})", plan.name, step + 1)
}

/// A step as a noun: `read 20KiB`.
fn described(scene: &Scene<'_>, step: &Step) -> String {
    match step {
        Step::Listen { port, .. } => format!("listen on port {port}"),
        Step::Connect { to, .. } => match scene.legend.owner(to.ip()) {
            Some(node) => format!("connect to {}:{}", scene.legend.place(node.place), to.port()),
            None => format!("connect to {to}"),
        },
        Step::Accept { .. } => "accept".into(),
        Step::Write { size, .. } => format!("write {size}"),
        Step::Read { until: ReadUntil::Bytes(size), .. } => format!("read {size}"),
        Step::Read { until: ReadUntil::Eof, .. } => "read to the end".into(),
        Step::Wait { until, .. } => format!("wait for {}", awaited(*until)),
        Step::Sleep { time } => format!("sleep {time}"),
        Step::SetSocketOption { .. } => "setsockopt".into(),
        Step::GetSocketOption { .. } => "getsockopt".into(),
        Step::Shutdown { .. } => "shutdown".into(),
        Step::Close { .. } => "close".into(),
        Step::Abort { .. } => "abort".into(),
        Step::SendTo { .. } => "send_to".into(),
        Step::RecvFrom { .. } => "recv_from".into(),
        Step::Repeat { .. } => "repeat".into(),
    }
}

fn awaited(until: WaitUntil) -> String {
    match until {
        WaitUntil::State(state) => state.as_str().into(),
        WaitUntil::Readable => "something to read".into(),
        WaitUntil::Writable => "room to write".into(),
        WaitUntil::Priority => "urgent data".into(),
        WaitUntil::ReadHangup => "the other end to close".into(),
        WaitUntil::Hangup => "both ends to close".into(),
        WaitUntil::Error => "an error".into(),
        WaitUntil::Drained => "everything to be acknowledged".into(),
    }
}

/// Whether a packet carries the RST flag.
pub(super) fn is_reset(scene: &Scene<'_>, number: PacketNumber) -> bool {
    segment(scene.packet(number)).is_some_and(|segment| segment.flags.contains(Flags::RST))
}

/// The closing step of an app on this socket that ended at the instant of an entry, or the next to end.
pub(super) fn closing_step(
    scene: &Scene<'_>,
    entry: usize,
    reason: Reason,
    name: Option<NameId>,
) -> Option<(u32, u32)> {
    step_behind(scene, entry, reason, name)
}

/// The end of a step after a wait that made the app do what sent a packet.
pub(super) fn begun_by(scene: &Scene<'_>, number: PacketNumber, made: usize) -> Option<usize> {
    let packet = scene.packet(number);
    let name = scene.name_of(packet.packet.tag.flow, packet.sender);
    let (app, _) = step_behind(scene, made, packet.packet.tag.reason, name)?;
    waited_for(scene, app, made)
}

/// The step of an app that ended last before an entry.
pub(super) fn ended_before(scene: &Scene<'_>, app: u32, entry: usize) -> Option<usize> {
    (0..entry)
        .rev()
        .find(|&index| matches!(scene.entry(index).what, What::StepEnded { app: ended, .. } if ended == app))
}

/// The root and cause of what an app did at an entry.
pub(super) fn of_call(scene: &Scene<'_>, told: Told, app: u32, entry: usize) -> Told {
    follow(scene, told, app, entry)
}

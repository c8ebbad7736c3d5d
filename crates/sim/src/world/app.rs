//! The apps of one host: which of them can go on, and what the others wait for.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;

use faultwire_base::{Duration, Instant, LookupTable, PlaceId};
use faultwire_host::{Errno, Fd, Host};
use faultwire_link::NameId;
use faultwire_tcp::Info;
use faultwire_wire::Flow;

use super::network::Network;
use super::sockets::{SocketIndex, Sockets};
use super::step::{Progress, Trouble};
use crate::fingerprint::name_hash;
use crate::plan::{Plan, Step};
use crate::record::{Event, Record, Sink};
use crate::watch::Watch;

/// What an app does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AppStatus {
    /// It runs, or waits for a socket, a time, or either.
    Waiting,
    /// All steps have ended as they should.
    Done,
    /// A step has not.
    Failed(Trouble),
    /// Its host is down.
    Stopped,
}

/// One app.
#[derive(Clone, Debug)]
pub(crate) struct AppRun {
    /// Index into the plan's apps.
    pub(crate) app: u32,
    /// The step in hand.
    pub(crate) step: u32,
    /// What the step has done so far: octets, datagrams, or phases.
    pub(crate) progress: u64,
    /// When the step in hand started.
    pub(crate) started: Instant,
    /// Passes of a repetition.
    pub(crate) passes: u64,
    pub(crate) steps_done: u64,
    pub(crate) finished: Option<Instant>,
    pub(crate) status: AppStatus,
    /// It waits for a connection to accept.
    pub(crate) accepting: bool,
    /// The socket of the step in hand, once that was looked up.
    pub(crate) socket: Option<SocketIndex>,
}

/// Where a live connection stands, for injected segments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    pub(crate) info: Info,
}

/// What an app can reach beside its host.
pub(crate) struct Surroundings<'a> {
    pub(crate) now: Instant,
    pub(crate) place: PlaceId,
    pub(crate) plan: &'a Plan,
    pub(crate) network: &'a mut Network,
    pub(crate) watch: &'a mut Watch,
}

/// The apps of one host.
#[derive(Clone, Debug)]
pub(crate) struct Apps {
    pub(crate) runs: Vec<AppRun>,
    pub(crate) sockets: Sockets,
    pub(crate) ports: LookupTable<NameId, u16>,
    pub(crate) host_hash: u64,
    alarms: Alarms,
    /// Apps that can go on, in ascending order.
    ready: Vec<u32>,
    waiting: Vec<Vec<u32>>,
    /// Apps that wait for another app of the host to open the socket of this name.
    awaiting_name: Vec<(NameId, u32)>,
    /// Apps that wait until everything written to a socket is acknowledged: no readiness tells that.
    awaiting_drain: Vec<(Fd, u32)>,
    going: u32,
}

impl Apps {
    pub(crate) fn new(plan: &Plan, place: PlaceId) -> Self {
        let mut apps = Self {
            runs: Vec::new(),
            sockets: Sockets::default(),
            ports: LookupTable::default(),
            host_hash: name_hash(&plan.places[place.index()]),
            alarms: Alarms::default(),
            ready: Vec::new(),
            waiting: Vec::new(),
            awaiting_name: Vec::new(),
            awaiting_drain: Vec::new(),
            going: 0,
        };
        apps.prepare(plan, place);
        apps
    }

    /// Goes back to the start.
    pub(crate) fn reset(&mut self, plan: &Plan, place: PlaceId) {
        self.runs.clear();
        self.sockets.clear();
        self.ports.clear();
        self.alarms.clear();
        self.ready.clear();
        self.waiting.iter_mut().for_each(Vec::clear);
        self.awaiting_name.clear();
        self.awaiting_drain.clear();
        self.prepare(plan, place);
    }

    fn prepare(&mut self, plan: &Plan, place: PlaceId) {
        for (index, app) in plan.apps.iter().enumerate().filter(|(_, app)| app.host == place) {
            self.alarms.set(app.start, self.runs.len() as u32);
            self.runs.push(AppRun {
                app: index as u32,
                step: 0,
                progress: 0,
                started: app.start,
                passes: 0,
                steps_done: 0,
                finished: None,
                status: AppStatus::Waiting,
                accepting: false,
                socket: None,
            });
        }
        self.going = self.runs.len() as u32;
    }

    /// After a restart: no app starts in the past.
    pub(crate) fn start_no_earlier(&mut self, now: Instant) {
        self.alarms.clear();
        for (index, run) in self.runs.iter_mut().enumerate() {
            run.started = run.started.max(now);
            self.alarms.set(run.started, index as u32);
        }
    }

    /// The host is down: nothing goes on until a restart.
    pub(crate) fn stop(&mut self) {
        self.alarms.clear();
        self.ready.clear();
        for run in self.runs.iter_mut().filter(|run| run.status == AppStatus::Waiting) {
            run.status = AppStatus::Stopped;
        }
        self.going = 0;
    }

    /// Apps that have something left to do.
    pub(crate) fn going(&self) -> u32 {
        self.going
    }

    /// When some app wants to be woken.
    #[inline]
    pub(crate) fn deadline(&self) -> Option<Instant> {
        if self.ready.is_empty() { self.alarms.next() } else { Some(Instant::ZERO) }
    }

    /// The readiness of a socket has changed. Of several apps that wait to accept from one listener only the first in
    /// the file is woken, and wakes the next when it has taken its connection: the others would find nothing.
    #[inline]
    pub(crate) fn wake(&mut self, fd: Fd) {
        let Some(waiting) = self.waiting.get_mut(fd.0 as usize) else { return };
        if waiting.len() <= 1 {
            if let Some(app) = waiting.pop() {
                insert_sorted(&mut self.ready, app);
            }
            return;
        }
        if self.runs[waiting[0] as usize].accepting {
            let first = waiting.remove(0);
            insert_sorted(&mut self.ready, first);
            return;
        }
        for app in waiting.drain(..) {
            insert_sorted(&mut self.ready, app);
        }
    }

    /// The socket of this name is open now.
    pub(crate) fn wake_name(&mut self, name: NameId) {
        let ready = &mut self.ready;
        self.awaiting_name.retain(|&(awaited, app)| {
            if awaited == name {
                insert_sorted(ready, app);
            }
            awaited != name
        });
    }

    fn wake_drained(&mut self, host: &Host) {
        let ready = &mut self.ready;
        self.awaiting_drain.retain(|&(fd, app)| {
            let drained = host.is_drained(fd);
            if drained {
                insert_sorted(ready, app);
            }
            !drained
        });
    }

    /// Whether [`run`](Self::run) may have something to do: if not, it has nothing.
    #[inline]
    pub(crate) fn has_turn(&self, now: Instant) -> bool {
        !self.ready.is_empty()
            || self.alarms.next().is_some_and(|at| at <= now)
            || !self.awaiting_drain.is_empty()
    }

    /// Lets every app go on that can, in the order of the file; says whether any did.
    #[inline(never)]
    pub(crate) fn run<S: Sink>(
        &mut self,
        host: &mut Host,
        mut around: Surroundings<'_>,
        sink: &mut S,
    ) -> bool {
        while let Some(app) = self.alarms.pop_due(around.now) {
            insert_sorted(&mut self.ready, app);
        }
        if !self.awaiting_drain.is_empty() {
            self.wake_drained(host);
        }
        if let [app] = self.ready[..] {
            self.ready.clear();
            self.run_app(app as usize, host, &mut around, sink);
            return true;
        }
        if self.ready.is_empty() {
            return false;
        }
        let mut ready = std::mem::take(&mut self.ready);
        for &app in &ready {
            self.run_app(app as usize, host, &mut around, sink);
        }
        ready.clear();
        // Apps woken by the others meanwhile keep their turn for the next pass.
        ready.append(&mut self.ready);
        self.ready = ready;
        true
    }

    fn run_app<S: Sink>(
        &mut self,
        local: usize,
        host: &mut Host,
        around: &mut Surroundings<'_>,
        sink: &mut S,
    ) {
        let plan = around.plan;
        let steps = &plan.apps[self.runs[local].app as usize].steps;
        while self.runs[local].status == AppStatus::Waiting {
            let Some(planned) = steps.get(self.runs[local].step as usize) else {
                self.finish(local, AppStatus::Done, around.now);
                return;
            };
            let progress = self.attempt(local, &planned.step, host, around, sink);
            let errno = match (progress, planned.fails) {
                (Progress::Blocked { fd, until }, _) => {
                    self.wait(local, fd, until);
                    return;
                }
                (Progress::Unopened(name), _) => {
                    self.awaiting_name.push((name, local as u32));
                    return;
                }
                (Progress::Undrained(fd), _) => {
                    self.awaiting_drain.push((fd, local as u32));
                    self.wait(local, Some(fd), None);
                    return;
                }
                (Progress::Done, None) => None,
                (Progress::Failed(Trouble::Errno(errno)), Some(expected)) if errno == expected => Some(errno),
                (Progress::Done, Some(expected)) => {
                    self.finish(local, AppStatus::Failed(Trouble::Succeeded { expected }), around.now);
                    return;
                }
                (Progress::Failed(trouble), _) => {
                    if let Trouble::Errno(errno) = trouble {
                        self.record_step(local, Some(errno), around, sink);
                    }
                    self.finish(local, AppStatus::Failed(trouble), around.now);
                    return;
                }
            };
            self.record_step(local, errno, around, sink);
            let run = &mut self.runs[local];
            run.steps_done += 1;
            run.progress = 0;
            run.socket = None;
            run.started = around.now;
            run.step = next_step(run, &planned.step);
            if matches!(planned.step, Step::Write { .. }) {
                // What was written goes out before the next call, as far as it may: a kernel sends within the call.
                insert_sorted(&mut self.ready, local as u32);
                return;
            }
        }
    }

    fn record_step<S: Sink>(
        &self,
        local: usize,
        errno: Option<Errno>,
        around: &mut Surroundings<'_>,
        sink: &mut S,
    ) {
        let run = &self.runs[local];
        let event = Event::StepEnded { app: run.app, step: run.step, errno };
        (&mut *around.watch, &mut *sink).record(&Record { at: around.now, place: around.place, event });
    }

    fn finish(&mut self, local: usize, status: AppStatus, now: Instant) {
        self.runs[local].status = status;
        self.runs[local].finished = Some(now);
        self.going -= 1;
    }

    #[inline]
    fn wait(&mut self, local: usize, fd: Option<Fd>, until: Option<Instant>) {
        if let Some(fd) = fd {
            if self.waiting.len() <= fd.0 as usize {
                self.waiting.resize_with(fd.0 as usize + 1, Vec::new);
            }
            insert_sorted(&mut self.waiting[fd.0 as usize], local as u32);
        }
        if let Some(until) = until {
            self.alarms.set(until, local as u32);
        }
    }

    /// Where the connection behind `name` stands.
    pub(crate) fn position(&self, host: &Host, name: NameId) -> Option<(Flow, Position)> {
        let binding = self.sockets.get(name)?;
        let (_, flow) = binding.connection?;
        let info = host.info(binding.fd).ok()?;
        let (local, remote) = (host.local_address(binding.fd).ok()?, host.peer_address(binding.fd).ok()?);
        Some((flow, Position { local, remote, info }))
    }

    /// `tcp_info` of the connection behind `name`.
    pub(crate) fn info(&self, host: &Host, now: Instant, name: NameId) -> Option<Info> {
        host.info_at(now, self.sockets.get(name)?.fd).ok()
    }

    /// Gives a sink the figures of every named connection of this host.
    pub(crate) fn sample<S: Sink>(
        &self,
        host: &Host,
        (at, place): (Instant, PlaceId),
        plan: &Plan,
        sink: &mut S,
    ) {
        for name in (0..plan.names.len() as u32).map(NameId) {
            let Some(binding) = self.sockets.get(name) else { continue };
            if binding.connection.is_none() {
                continue;
            }
            if let Ok(info) = host.info(binding.fd) {
                let in_flight = info.send_next.0.wrapping_sub(info.send_unacknowledged.0);
                sink.record(&Record { at, place, event: Event::Sample { name, info: &info, in_flight } });
            }
        }
    }

    /// Local port of a named UDP socket; it is remembered after the socket was closed.
    pub(crate) fn port(&self, name: NameId) -> u16 {
        self.ports.get(&name).copied().unwrap_or(0)
    }

    /// The step that an unfinished app is at, in words, and the descriptor that it is about.
    pub(crate) fn step_in_hand(&self, run: &AppRun, plan: &Plan) -> (String, Option<Fd>) {
        let app = &plan.apps[run.app as usize];
        let Some(planned) = app.steps.get(run.step as usize) else { return ("nothing".into(), None) };
        let text = format!("step {} ({})", run.step + 1, planned.step.describe(run.progress));
        let binding = planned.step.socket().and_then(|name| self.sockets.get(name));
        (text, binding.map(|binding| binding.fd))
    }
}

/// When apps that wait for a time want to be woken. A host has few, so a plain heap; an alarm that has been set again
/// for an earlier time stays in the heap and is passed over.
#[derive(Clone, Debug, Default)]
struct Alarms {
    heap: BinaryHeap<Reverse<(Instant, u32)>>,
    armed: Vec<Option<Instant>>,
}

impl Alarms {
    fn set(&mut self, at: Instant, app: u32) {
        let index = app as usize;
        if self.armed.len() <= index {
            self.armed.resize(index + 1, None);
        }
        if self.armed[index].is_none_or(|armed| at < armed) {
            self.armed[index] = Some(at);
            self.heap.push(Reverse((at, app)));
        }
    }

    #[inline]
    fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    fn pop_due(&mut self, now: Instant) -> Option<u32> {
        while self.next()? <= now {
            let Reverse((at, app)) = self.heap.pop()?;
            if self.armed[app as usize] == Some(at) {
                self.armed[app as usize] = None;
                return Some(app);
            }
        }
        None
    }

    fn clear(&mut self) {
        self.heap.clear();
        self.armed.clear();
    }
}

/// The step after one that has ended.
fn next_step(run: &mut AppRun, step: &Step) -> u32 {
    if let Step::Repeat { to, times } = *step {
        run.passes += 1;
        if run.passes < times {
            return to;
        }
        run.passes = 0;
    }
    run.step + 1
}

#[inline]
fn insert_sorted(ready: &mut Vec<u32>, app: u32) {
    if ready.is_empty() {
        ready.push(app);
        return;
    }
    if let Err(at) = ready.binary_search(&app) {
        ready.insert(at, app);
    }
}

/// The pace of a slow reader or writer: how much it may have done by now, and when it may do more. It moves a
/// hundredth of a second's worth at a time, but at least one octet.
pub(crate) fn paced(rate: faultwire_base::BitRate, started: Instant, now: Instant) -> (u64, Instant) {
    let octets_per_second = (rate.bits_per_second() / 8).max(1);
    let portion = (octets_per_second / 100).max(1);
    let interval = Duration::from_nanos(portion.saturating_mul(1_000_000_000) / octets_per_second);
    let portions = now.saturating_since(started).as_nanos() / interval.as_nanos().max(1) + 1;
    (portion.saturating_mul(portions), started + interval * portions)
}

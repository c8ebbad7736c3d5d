//! epoll: interests, a list of those that were woken, levels and edges.

use std::collections::BTreeMap;

use crate::sockets::call::Pending;
use crate::sockets::file::File;
use crate::sockets::poll::{Patience, words};
use crate::sockets::reply::Reply;
use crate::sockets::value::{Arguments, Value, unknown};
use crate::sockets::watch::{self, Events};
use crate::sockets::{Progress, Stop, World};

/// An epoll instance.
#[derive(Clone, Debug, Default)]
pub(super) struct Epoll {
    interests: BTreeMap<i64, Interest>,
    /// Descriptors that something happened to, in that order, and those with levels that were told.
    listed: Vec<i64>,
}

#[derive(Clone, Debug)]
struct Interest {
    /// With the bits that say how.
    events: Events,
    data: Value,
}

impl Interest {
    fn wanted(&self) -> Events {
        // Errors are told unasked; what was told once only is silent.
        let asked = self.events & !HOW;
        if asked == 0 { 0 } else { asked | watch::ERROR | watch::HANGUP }
    }

    fn has(&self, how: Events) -> bool {
        self.events & how != 0
    }
}

impl Epoll {
    /// Something happened to that descriptor.
    pub(super) fn wake(&mut self, number: i64, edges: Events) {
        let concerned = self.interests.get(&number).is_some_and(|interest| interest.wanted() & edges != 0);
        if concerned && !self.listed.contains(&number) {
            self.listed.push(number);
        }
    }

    /// That descriptor is closed.
    pub(super) fn forget(&mut self, number: i64) {
        self.interests.remove(&number);
        self.listed.retain(|&listed| listed != number);
    }
}

pub(super) fn create(_: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.count(1)?;
    if arguments.integer(0)? <= 0 {
        return Err("EINVAL".into());
    }
    Ok(Reply::file(File::Epoll(Epoll::default())).into())
}

pub(super) fn create1(world: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.count(1)?;
    let close_on_exec = world.flavour.number("EPOLL_CLOEXEC").unwrap_or(0);
    if arguments.integer(0)? & !close_on_exec != 0 {
        return Err("EINVAL".into());
    }
    Ok(Reply::file(File::Epoll(Epoll::default())).into())
}

pub(super) fn control(world: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.count(4)?;
    let (instance, operation, number) = (arguments.integer(0)?, arguments.integer(1)?, arguments.integer(2)?);
    let interest = match arguments.get(3) {
        value if operation == DELETE || value.is_null() => None,
        value => Some(interest(value)?),
    };
    world.files.socket(number)?;
    let epoll = world.files.epoll_mut(instance)?;
    let known = epoll.interests.contains_key(&number);
    match (operation, known) {
        (ADD, true) => return Err("EEXIST".into()),
        (MODIFY | DELETE, false) => return Err("ENOENT".into()),
        (DELETE, true) => {
            epoll.forget(number);
            return Ok(Reply::value(0).into());
        }
        (ADD | MODIFY, _) => {}
        _ => return Err("EINVAL".into()),
    }
    let interest = interest.ok_or("EFAULT")?;
    let wanted = interest.wanted();
    epoll.interests.insert(number, interest);
    let socket = world.files.socket_mut(number)?;
    let level = watch::level(&mut world.machine.host, socket);
    let epoll = world.files.epoll_mut(instance)?;
    epoll.wake(number, level & wanted);
    Ok(Reply::value(0).into())
}

/// `{events=EPOLLIN, fd=4}`; the data may be under any of its names.
fn interest(value: &Value) -> Result<Interest, Stop> {
    value.has_only(&["events", "fd", "ptr", "u32", "u64", "data"])?;
    let Some(events) = value.member(&["events"])? else {
        return Ok(unknown(format!("{value} as an event"))?);
    };
    let data = value.member(&["fd", "ptr", "u32", "u64", "data"])?.cloned().unwrap_or(Value::Any);
    Ok(Interest { events: events.integer()? as Events, data })
}

pub(super) fn wait(world: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.count(4)?;
    let instance = arguments.integer(0)?;
    world.files.epoll_mut(instance)?;
    let Ok(most @ 1..) = usize::try_from(arguments.integer(2)?) else { return Err("EINVAL".into()) };
    let expected = match arguments.get(1) {
        Value::Any => None,
        value => Some(interest(value)?),
    };
    let patience = Patience::of(arguments.integer(3)?, world.now());
    EpollWait { instance, most, expected, patience }.attempt(world)
}

/// An epoll_wait that waits for events.
#[derive(Clone, Debug)]
pub(super) struct EpollWait {
    instance: i64,
    most: usize,
    /// What the script says of the first event.
    expected: Option<Interest>,
    patience: Patience,
}

impl EpollWait {
    pub(super) fn attempt(self, world: &mut World<'_>) -> Result<Progress, Stop> {
        let found = self.collect(world)?;
        if found.is_empty() && !world.is_over(self.patience.until()) {
            let until = self.patience.until();
            return Ok(Progress::Wait { pending: Pending::EpollWait(self), until });
        }
        let different = match (found.first(), &self.expected) {
            (Some((events, data)), Some(expected)) => {
                let same_data = *data == Value::Any || expected.data == Value::Any || *data == expected.data;
                let flavour = world.flavour;
                (*events != expected.events || !same_data).then(|| {
                    format!(
                        "the first event is {{events={}, fd={data}}}, and not {{events={}, fd={}}}",
                        words((*events).into(), flavour).replace("POLL", "EPOLL"),
                        words(expected.events.into(), flavour).replace("POLL", "EPOLL"),
                        expected.data
                    )
                })
            }
            _ => None,
        };
        Ok(Reply::value(found.len() as i64).wrote(different).into())
    }

    /// Takes what is there from the list (`ep_send_events`): levels stay on it, edges wait for the next.
    fn collect(&self, world: &mut World<'_>) -> Result<Vec<(Events, Value)>, Stop> {
        let epoll = world.files.epoll_mut(self.instance)?;
        let listed = std::mem::take(&mut epoll.listed);
        // A level is there whether or not it woke anybody.
        let is_level = |interest: &Interest| !interest.has(EDGE);
        let levels = epoll.interests.iter().filter(|(_, interest)| is_level(interest));
        let unlisted = levels.map(|(&number, _)| number).filter(|number| !listed.contains(number));
        let candidates: Vec<i64> = listed.iter().copied().chain(unlisted).collect();
        let mut found = Vec::new();
        let mut again = Vec::new();
        for number in candidates {
            if found.len() == self.most {
                again.push(number);
                continue;
            }
            let socket = world.files.socket_mut(number)?;
            let level = watch::level(&mut world.machine.host, socket);
            let epoll = world.files.epoll_mut(self.instance)?;
            let interest = epoll.interests.get_mut(&number).expect("the descriptor is watched");
            let events = level & interest.wanted();
            if events == 0 {
                continue;
            }
            found.push((events, interest.data.clone()));
            if interest.has(ONCE) {
                interest.events &= HOW;
            } else if !interest.has(EDGE) {
                again.push(number);
            }
        }
        world.files.epoll_mut(self.instance)?.listed = again;
        Ok(found)
    }
}

const ADD: i64 = 1;
const DELETE: i64 = 2;
const MODIFY: i64 = 3;
const EDGE: Events = 1 << 31;
const ONCE: Events = 1 << 30;
/// Bits that say how, not what: edges, once, wake-up, exclusive.
const HOW: Events = 0xf000_0000;

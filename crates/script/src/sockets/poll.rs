//! poll.

use faultwire_base::{Duration, Instant};

use crate::sockets::call::Pending;
use crate::sockets::file::File;
use crate::sockets::reply::Reply;
use crate::sockets::symbols::Flavour;
use crate::sockets::value::{Arguments, unknown};
use crate::sockets::watch::{self, Events};
use crate::sockets::{Progress, Stop, World};

pub(super) fn poll(world: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.count(3)?;
    let mut entries = Vec::new();
    let list = if arguments.get(0).is_null() { &[] } else { arguments.get(0).items()? };
    for item in list {
        item.has_only(&["fd", "events", "revents"])?;
        let number = |name| match item.member(&[name])? {
            Some(value) => value.pointed(),
            None => Ok(None),
        };
        let (Some(fd), Some(events)) = (number("fd")?, number("events")?) else {
            return Ok(unknown(format!("{item} in a poll"))?);
        };
        entries.push(Entry { number: fd, events, expected: number("revents")? });
    }
    if arguments.integer(1)? != entries.len() as i64 {
        return Ok(unknown(format!("a poll of {} with {} entries", arguments.integer(1)?, entries.len()))?);
    }
    let patience = Patience::of(arguments.integer(2)?, world.now());
    Poll { entries, patience }.attempt(world)
}

/// How long a poller waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    until: Option<Instant>,
}

impl Patience {
    /// So many milliseconds; below zero: for ever.
    pub(super) fn of(millis: i64, now: Instant) -> Self {
        let time = u64::try_from(millis).ok().map(Duration::from_millis);
        Self { until: time.map(|time| now.saturating_add(time)) }
    }

    /// When it ends.
    pub(super) fn until(self) -> Option<Instant> {
        self.until
    }
}

/// A poll that waits for events.
#[derive(Clone, Debug)]
pub(super) struct Poll {
    entries: Vec<Entry>,
    patience: Patience,
}

#[derive(Clone, Debug)]
struct Entry {
    number: i64,
    events: i64,
    /// What the script says of `revents`.
    expected: Option<i64>,
}

impl Poll {
    pub(super) fn attempt(self, world: &mut World<'_>) -> Result<Progress, Stop> {
        let found: Vec<i64> = self.entries.iter().map(|entry| entry.find(world)).collect();
        let count = found.iter().filter(|&&events| events != 0).count();
        if count == 0 && !world.is_over(self.patience.until) {
            let until = self.patience.until;
            return Ok(Progress::Wait { pending: Pending::Poll(self), until });
        }
        let different = self.entries.iter().zip(&found).find_map(|(entry, &found)| {
            let expected = entry.expected.filter(|&expected| expected != found)?;
            Some(format!(
                "revents of descriptor {} is {}, and not {}",
                entry.number,
                words(found, world.flavour),
                words(expected, world.flavour)
            ))
        });
        Ok(Reply::value(count as i64).wrote(different).into())
    }
}

impl Entry {
    /// `revents`, as the kernel under test numbers it.
    fn find(&self, world: &mut World<'_>) -> i64 {
        let flavour = world.flavour;
        if self.number < 0 {
            return 0;
        }
        let socket = match world.files.get(self.number) {
            Err(_) => return flavour.known("POLLNVAL"),
            Ok(File::Epoll(_)) => return 0,
            Ok(File::Socket(_)) => world.files.socket_mut(self.number).expect("it is a socket"),
        };
        let level = watch::level(&mut world.machine.host, socket);
        let always = flavour.known("POLLERR") | flavour.known("POLLHUP") | flavour.known("POLLNVAL");
        numbered(level, flavour) & (self.events | always)
    }
}

/// Events with the numbers of the kernel under test. FreeBSD's `sopoll` tells no errors, and a hang-up of both sides instead
/// of room.
fn numbered(level: Events, flavour: Flavour) -> i64 {
    let pairs = [
        (watch::IN, "POLLIN"),
        (watch::READ_NORMAL, "POLLRDNORM"),
        (watch::PRIORITY, "POLLPRI"),
        (watch::OUT, "POLLOUT"),
        (watch::WRITE_NORMAL, "POLLWRNORM"),
        (watch::READ_HANGUP, "POLLRDHUP"),
        (watch::ERROR, "POLLERR"),
        (watch::HANGUP, "POLLHUP"),
    ];
    let level = if flavour.is_freebsd() { level & !watch::ERROR } else { level };
    pairs.into_iter().filter(|(bit, _)| level & bit != 0).fold(0, |all, (_, name)| all | flavour.known(name))
}

/// Events by their names.
pub(super) fn words(events: i64, flavour: Flavour) -> String {
    let names = [
        "POLLIN",
        "POLLPRI",
        "POLLOUT",
        "POLLERR",
        "POLLHUP",
        "POLLNVAL",
        "POLLRDNORM",
        "POLLRDBAND",
        "POLLWRNORM",
        "POLLWRBAND",
        "POLLRDHUP",
    ];
    let mut rest = events;
    let mut words = Vec::new();
    for name in names {
        let bit = flavour.known(name);
        if rest & bit != 0 {
            rest &= !bit;
            words.push(name.to_string());
        }
    }
    if rest != 0 || words.is_empty() {
        words.push(format!("{rest:#x}"));
    }
    words.join("|")
}
